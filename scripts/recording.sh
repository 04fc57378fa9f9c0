#!/usr/bin/env bash
# What it costs to keep who passed it to whom, and how often nodes are reached: processor seconds of
# `kaskade run` with and without, in turn. wiki-Vote (from ../shared/data, if it is there) and R-MAT.
#
#     scripts/recording.sh [--rounds N] [--scale S] [--kaskade BINARY]
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=5 scale=16 kaskade=
while (($#)); do
    case $1 in
        --rounds) rounds=$2 ;;
        --scale) scale=$2 ;;
        --kaskade) kaskade=$2 ;;
        *) echo "usage: $0 [--rounds N] [--scale S] [--kaskade BINARY]" >&2; exit 2 ;;
    esac
    shift 2
done
if [[ -z $kaskade ]]; then
    cargo build --release --quiet -p kaskade-cli
    kaskade=target/release/kaskade
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$kaskade" --quiet generate rmat --scale "$scale" --edge-factor 16 --out "$folder/rmat-$scale.kg" > "$folder/log"
graphs=("$folder/rmat-$scale.kg")
if [[ -f ../shared/data/wiki-Vote.txt ]]; then
    "$kaskade" --quiet graph build ../shared/data/wiki-Vote.txt --out "$folder/wiki-Vote.kg" > "$folder/log"
    graphs+=("$folder/wiki-Vote.kg")
fi

# The processor seconds of the rounds, as the summary has them.
seconds() {
    "$kaskade" run --json --quiet --threads 1 --verify header "$@" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["performance"]["cpu_seconds"])'
}

echo "commit $(git rev-parse --short HEAD), $(date -u +%F), one thread"
echo "graph, job, kept: processor seconds without and with, ratio (medians of $rounds rounds)"
for graph in "${graphs[@]}"; do
    for job in "--probability 0.05" "--probability 0.01" "--probability weighted-cascade" "--model lt"; do
        for kept in "--nodes" "--trace-simulations 10" "--trace-simulations 50"; do
            for ((round = 0; round < rounds; round++)); do
                # Words of a job and of what is kept are separate arguments.
                # shellcheck disable=SC2086
                common=(--graph "$graph" --seeds top-degree:50 --simulations 1024 $job)
                # shellcheck disable=SC2086
                echo "$(seconds "${common[@]}") $(seconds "${common[@]}" $kept)"
            done | python3 -c '
import statistics, sys
pairs = [tuple(map(float, line.split())) for line in sys.stdin]
without, kept = (statistics.median(side) for side in zip(*pairs))
ratio = statistics.median(b / a for a, b in pairs)
print(f"{sys.argv[1]}, {sys.argv[2]}, {sys.argv[3]}: {without:.3f} {kept:.3f} {ratio:.2f}")
' "$(basename "$graph" .kg)" "$job" "$kept"
        done
    done
done
