#!/usr/bin/env bash
# The long versions of the fault tests: 200 workers killed, 60 deaths of a coordinator, 100 jobs
# cancelled. Takes some ten minutes on two cores.
#
#     scripts/faults.sh [FILTER]        figures on standard output
#
# A FILTER (f1, f4, f20) runs the tests whose names begin so. `cargo test` runs the same tests
# with a fixed, small budget.
set -euo pipefail
cd "$(dirname "$0")/.."

filter=${1:+::$1_}
figures=$(mktemp)
trap 'rm -f "$figures"' EXIT
export KASKADE_FULL=1 KASKADE_FIGURES="$figures"
cargo test --locked --package kaskade-cli --test cluster -- \
    --test-threads=1 "${filter:-faults::}" >&2
if [[ -z $filter ]]; then
    # The same faults on machines without I/O: 1,000 seeds.
    cargo test --locked --package kaskade-tests --test simulated_cluster >&2
    printf 'simulated cluster: 1,000 seeds, all rows equal\n' >>"$figures"
fi
printf '%s\n' "machine: $(nproc) cores, $(uname -sm); commit $(git rev-parse --short HEAD)"
cat "$figures"
