#!/usr/bin/env bash
# What a round costs in which next to nothing happens: a cascade along a path of 10,001 nodes, one
# arc a round, on three workers of one thread each that share the graph on loopback. Prints the
# median of the 10,000 rounds, from one marker of a worker to its next, as each worker logs it.
#
#     scripts/barrier.sh [--binary FILE] [ROUNDS [WORKERS]]      default: 10000 3
#
# Everything is in it: both ways of the network, the machine of the worker, the arc. Builds the release binary.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=''
if [[ ${1:-} == --binary ]]; then
    binary=$2
    shift 2
fi
rounds=${1:-10000}
n_workers=${2:-3}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
. scripts/measure.bash

build_binary "$binary" >&2
seq 0 "$((rounds - 1))" | awk '{ print $1, $1 + 1 }' >"$scratch/path.txt"
mkdir "$scratch/graphs"
"$binary" graph build "$scratch/path.txt" --out "$scratch/graphs/path.kg" >&2
cluster/local.sh --binary "$binary" --listen 127.0.0.1:0 --graphs "$scratch/graphs" --state "$scratch/state" \
    --threads 1 "$n_workers" -- --graph path --probability 1 --seeds ids:0 --simulations 64 \
    --placement partition --out "$scratch/out" >&2

machine
printf '%s rounds on %s workers: %s s in all\n' "$rounds" "$n_workers" "$(field "$scratch/out/summary.json" seconds)"
grep --no-filename --recursive 'batch done' "$scratch/state" |
    sed --quiet 's/.*n_rounds=\([0-9]*\).*round_us=\([0-9]*\).*/  \1 rounds, median \2 µs/p' | grep .
