#!/usr/bin/env bash
# A graph that only the coordinator has, shared by worker processes: the digest of one
# process, and what it took.
#
#     scripts/partition-scale.sh [SCALE [WORKERS]]      default: 22 (4 M nodes, 65 M arcs), 3
#
# Builds the release binary, takes about 1 GiB of disk a copy at scale 22, and removes it.
set -euo pipefail
cd "$(dirname "$0")/.."

scale=${1:-22}
n_workers=${2:-3}
job=(--probability 0.02 --seeds top-degree:50 --simulations 256 --seed 3)

cargo build --release --locked
kaskade="${CARGO_TARGET_DIR:-target}/release/kaskade"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir "$scratch/graphs"
"$kaskade" generate rmat --scale "$scale" --out "$scratch/graphs/graph.kg"
"$kaskade" run --graph "$scratch/graphs/graph.kg" "${job[@]}" --out "$scratch/in-process"
cluster/local.sh --listen 127.0.0.1:0 --graphs "$scratch/graphs" "$n_workers" \
    -- --graph graph "${job[@]}" --placement partition --out "$scratch/shared"

digest() { sed --quiet 's/^  "digest": "\([0-9a-f]*\)".*/\1/p' "$scratch/$1/summary.json"; }
printf 'in process          %s\n' "$(digest in-process)"
printf '%s workers, shared   %s\n' "$n_workers" "$(digest shared)"
sed --quiet '/"performance"/,$p' "$scratch/shared/summary.json"
test "$(digest in-process)" = "$(digest shared)"
