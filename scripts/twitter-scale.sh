#!/usr/bin/env bash
# A graph of the size of Twitter's on one small machine: drawn and built within a memory budget,
# verified, run. Prints what each step took, as Markdown.
#
#     scripts/twitter-scale.sh [OPTIONS] [SCALE [EDGE_FACTOR [MEMORY]]]      default: 26 24 6GiB
#
#     --keep           leave the graph, and say where it is
#     --binary FILE    kaskade; without it the release binary is built
#
# R-MAT of 2^SCALE nodes, EDGE_FACTOR arcs drawn for each. At the default it takes up to 60 GB of
# disk below $TMPDIR, which it frees at the end, on Ctrl-C too.
set -euo pipefail
cd "$(dirname "$0")/.."

simulations=64
seeds=top-degree:50
keep=false
given_binary=''
positional=()

while (($#)); do
    case $1 in
        --keep)
            keep=true
            shift
            ;;
        --binary)
            given_binary=${2:?--binary needs a file}
            shift 2
            ;;
        --help | -h)
            sed --quiet '/^#!/d; /^#/!q; s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *)
            positional+=("$1")
            shift
            ;;
    esac
done
scale=${positional[0]:-26}
edge_factor=${positional[1]:-24}
memory=${positional[2]:-6GiB}

scratch=$(mktemp -d)
. scripts/measure.bash

finish() {
    local status=$?
    trap - EXIT
    stop_watched
    if $keep && ((status == 0)); then
        printf '\nkept: %s\n' "$scratch/graph.kg"
    else
        rm -rf "$scratch"
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build_binary "$given_binary"
graph=$scratch/graph.kg
rows=()

# phase NAME LABEL COMMAND...: a row of the table.
phase() {
    local name=$1 label=$2
    shift 2
    printf '%s\n' "$label" >&2
    watched "$name" "$@"
    rows+=("| $label | $(seconds "$microseconds") | $(gib "$peak_anonymous_kib") | $(gib "$peak_resident_kib") | $(gib "$peak_disk_kib") |")
}

phase build "\`generate rmat\` into a directory" \
    "$binary" generate rmat --scale "$scale" --edge-factor "$edge_factor" --memory "$memory" \
    --out "$graph" --json --quiet
phase verify "\`graph verify\`" "$binary" graph verify "$graph" --json --quiet
job=("$binary" run --graph "$graph" --seeds "$seeds" --simulations "$simulations" --json --quiet)
phase constant "\`run\`, independent cascade, p = 0.001" "${job[@]}" --probability 0.001
phase weighted "\`run\`, weighted cascade" "${job[@]}" --probability weighted-cascade

test "$(field "$scratch/build.out" digest)" = "$(field "$scratch/verify.out" digest)"

cat <<END

R-MAT of scale $scale, $edge_factor arcs drawn a node, seed 1, \`--memory $memory\`.
$(machine)

| | value |
|---|---:|
| nodes | $(field "$scratch/build.out" nodes) |
| distinct arcs | $(field "$scratch/build.out" arcs) |
| bytes per arc | $(rounded "$(field "$scratch/build.out" bytes_per_arc)") |

| step | seconds | anonymous memory, GiB | resident, mapped files too, GiB | disk, GiB |
|---|---:|---:|---:|---:|
$(printf '%s\n' "${rows[@]}")

$simulations simulations from \`$seeds\`, the reading of the graph not counted:

| model | simulations/s | seconds | mean spread |
|---|---:|---:|---:|
END
for model in constant weighted; do
    case $model in
        constant) label='independent cascade, p = 0.001' ;;
        weighted) label='weighted cascade' ;;
    esac
    figures=()
    for key in simulations_per_second seconds mean; do
        figures+=("$(rounded "$(field "$scratch/$model.out" "$key")")")
    done
    printf '| %s | %s | %s | %s |\n' "$label" "${figures[@]}"
done
