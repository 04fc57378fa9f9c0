#!/usr/bin/env bash
# The long versions of the load tests: 1,000 concurrent submits of 10 users, 1,000 jobs of 10 users
# in turns, 10,000 small jobs one after another on a coordinator that keeps 200. Takes some two
# hours on two cores.
#
#     scripts/load.sh        figures on standard output
#
# `cargo test` runs the same tests with a fixed, small budget.
set -euo pipefail
cd "$(dirname "$0")/.."

figures=$(mktemp)
trap 'rm -f "$figures"' EXIT
export KASKADE_FULL=1 KASKADE_FIGURES="$figures"
cargo test --locked --package kaskade-cli --test security -- --test-threads=1 load:: >&2
cargo test --locked --package kaskade-cli --test cluster -- --test-threads=1 soak:: >&2
printf '%s\n' "machine: $(nproc) cores, $(uname -sm); commit $(git rev-parse --short HEAD)"
cat "$figures"
