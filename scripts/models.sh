#!/usr/bin/env bash
# What each model costs for an arc that is looked at, beside the classical cascade, on one thread,
# all taking turns in one run. Prints the table of docs/benchmarks.md, as Markdown.
#
#     scripts/models.sh [OPTIONS of models-table]            e.g. --graphs wiki-Vote --rounds 7
#     KASKADE_BENCH_FULL=1 scripts/models.sh                 with R-MAT 20 and 22 and
#                                                            Barabási–Albert: 10 GB
#
# wiki-Vote and NetHEPT are read from ../shared/data, and passed over where they are not there.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
. scripts/measure.bash

cargo build --release --locked -p kaskade-benches --bin models-table >&2
printf '\nSeeds: the 50 nodes of highest out-degree.\n'
machine
"${CARGO_TARGET_DIR:-target}/release/models-table" "$@"
