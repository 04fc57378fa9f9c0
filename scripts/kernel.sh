#!/usr/bin/env bash
# The round kernel beside two plain programs, and on small graphs beside CyNetDiff and PyNetIM,
# all taking turns in one run. Prints the tables of docs/benchmarks.md, as Markdown.
#
#     scripts/kernel.sh [OPTIONS of kernel-table]            e.g. --graphs wiki-Vote --rounds 7
#     KASKADE_BENCH_FULL=1 scripts/kernel.sh                 with R-MAT 20 and 22 and
#                                                            Barabási–Albert: hours, and 10 GB
#
# Needs python3 with venv; installs the peers into a folder that is removed at the end. wiki-Vote
# and NetHEPT are read from ../shared/data, and passed over where they are not there.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PEERS=(cynetdiff==0.1.18 pynetim==0.5.5)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
. scripts/measure.bash

cargo build --release --locked -p kaskade-benches --bin kernel-table >&2
python3 -m venv "$scratch/venv"
python=$scratch/venv/bin/python
"$python" -m pip install --quiet --disable-pip-version-check "${PEERS[@]}" >&2

printf '\nPeers: %s. Seeds: the 50 nodes of highest out-degree.\n' "${PEERS[*]}"
machine
"${CARGO_TARGET_DIR:-target}/release/kernel-table" "$@" \
    --peers "$python" scripts/kernel-peers.py
