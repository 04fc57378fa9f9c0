#!/usr/bin/env bash
# Workers of one thread beside one worker of as many threads, on this machine: what it costs to share a
# graph or to copy it, and what the coordinator takes. Prints a Markdown table.
#
#     scripts/scaling.sh [--binary FILE] [SCALE [WORKERS]...]      default: 22  1 2 4 8 16
#
# R-MAT with 2^SCALE nodes, 16 arcs drawn for each; independent cascade with p = 0.01 and weighted
# cascade, 1024 simulations (KASKADE_SIMULATIONS) from the 50 nodes of highest out-degree. Numbers of workers
# above the number of cores are passed over. Efficiency is the time of one worker with N threads over
# that of N workers with one, the least of KASKADE_RUNS (3) each, in turn. A small job before each has the
# shards fetched, which the measured one is spared. Every run must have the same digest. Builds the release binary and takes about 1 GiB of disk a worker at scale 22, which it removes.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=''
if [[ ${1:-} == --binary ]]; then
    binary=$2
    shift 2
fi
scale=${1:-22}
shift $(($# > 0 ? 1 : 0))
n_workers=("$@")
((${#n_workers[@]})) || n_workers=(1 2 4 8 16)
readonly SIMULATIONS=${KASKADE_SIMULATIONS:-1024}
readonly WARMING_SIMULATIONS=64
readonly RUNS=${KASKADE_RUNS:-3}

# The time that processes get to start and to stop.
readonly DEADLINE_SECONDS=60

scratch=$(mktemp -d)
. scripts/measure.bash

processes=()
stop_cluster() {
    ((${#processes[@]})) || return 0
    kill "${processes[@]}" 2>/dev/null || true
    wait "${processes[@]}" 2>/dev/null || true
    processes=()
}
trap 'stop_cluster; rm -rf "$scratch"' EXIT

build_binary "$binary" >&2
mkdir "$scratch/graphs"
"$binary" generate rmat --scale "$scale" --out "$scratch/graphs/graph.kg" >&2

# Starts a coordinator and $1 workers of $2 threads; sets url.
start_cluster() {
    local folder=$scratch/cluster worker deadline=$((SECONDS + DEADLINE_SECONDS))
    rm -rf "$folder"
    mkdir "$folder"
    : >"$folder/coordinator.log"
    "$binary" coordinator --listen 127.0.0.1:0 --graphs "$scratch/graphs" --state "$folder/state" \
        >"$folder/coordinator.log" 2>&1 &
    processes=($!)
    url=''
    while [[ -z $url ]]; do
        url=$(sed --quiet 's/.*\(http:\/\/127\.0\.0\.1:[0-9]*\).*/\1/p' "$folder/coordinator.log" | head -1)
        ((SECONDS < deadline)) || { cat "$folder/coordinator.log" >&2; return 1; }
        read -r -t "$LOOK_SECONDS" -u "$never" || true
    done
    for ((worker = 0; worker < $1; worker++)); do
        "$binary" worker --coordinator "$url" --threads "$2" --cache "$folder/cache-$worker" \
            --memory "$((80 / $1))%" >"$folder/worker-$worker.log" 2>&1 &
        processes+=($!)
    done
    until "$binary" list --coordinator "$url" --json >"$folder/list.json" 2>"$folder/list.log" &&
        (($(field "$folder/list.json" workers) == $1)); do
        ((SECONDS < deadline)) || { cat "$folder"/*.log >&2; return 1; }
        read -r -t "$LOOK_SECONDS" -u "$never" || true
    done
}

# Processor time of a process, in ticks.
ticks() {
    local line fields
    read -r line <"/proc/$1/stat"
    read -r -a fields <<<"${line##*) }"
    echo $((fields[11] + fields[12]))
}

# Runs $1 simulations with placement $2 and the arguments after it; their results are in $scratch/out.
submit_job() {
    local simulations=$1 placement=$2
    shift 2
    rm -rf "$scratch/out"
    "$binary" submit --wait --coordinator "$url" --graph graph --seeds top-degree:50 --seed 1 \
        --simulations "$simulations" --placement "$placement" "$@" --out "$scratch/out" \
        >"$scratch/submit.log" 2>&1 || { cat "$scratch/submit.log" >&2; return 1; }
}

# The processor time so far of the coordinator and of all workers, in ticks.
all_ticks() {
    local process of_workers=0
    for process in "${processes[@]:1}"; do
        of_workers=$((of_workers + $(ticks "$process")))
    done
    echo "$(ticks "${processes[0]}") $of_workers"
}

digest=''
# Runs the job on $1 workers of $2 threads with placement $3 and the arguments after it. Sets
# run_us, coordinator_ticks, worker_ticks, bytes_each.
measured() {
    local workers=$1 threads=$2 placement=$3 found before after
    shift 3
    start_cluster "$workers" "$threads"
    submit_job "$WARMING_SIMULATIONS" "$placement" "$@"
    read -r -a before < <(all_ticks)
    submit_job "$SIMULATIONS" "$placement" "$@"
    read -r -a after < <(all_ticks)
    coordinator_ticks=$((after[0] - before[0])) worker_ticks=$((after[1] - before[1]))
    stop_cluster
    run_us=$(awk -v s="$(field "$scratch/out/summary.json" seconds)" 'BEGIN { printf "%.0f", s * 1e6 }')
    bytes_each=$(field "$scratch/out/summary.json" bytes_per_activation)
    if [[ $bytes_each == null ]]; then bytes_each='–'; else bytes_each=$(rounded "$bytes_each"); fi
    found=$(field "$scratch/out/summary.json" digest)
    [[ -z $digest || $digest == "$found" ]] || {
        printf 'digest %s of %s workers, expected %s\n' "$found" "$workers" "$digest" >&2
        return 1
    }
    digest=$found
}

printf 'R-MAT %s, %s simulations, least of %s runs\n' "$scale" "$SIMULATIONS" "$RUNS"
machine
printf '\n| model | workers | placement | s, 1 worker | s, N workers | efficiency | coordinator / workers CPU | bytes an activation |\n'
printf '|---|---:|---|---:|---:|---:|---:|---:|\n'
for model in '--probability 0.01' '--probability weighted-cascade'; do
    digest=''
    for workers in "${n_workers[@]}"; do
        ((workers <= $(getconf _NPROCESSORS_ONLN))) || continue
        for placement in replicate partition; do
            alone_us=0 shared_us=0 coordinator=0 of_workers=0
            for ((run = 0; run < RUNS; run++)); do
                # shellcheck disable=SC2086 # a flag and its value
                measured 1 "$workers" "$placement" $model
                ((alone_us && alone_us <= run_us)) || alone_us=$run_us
                # shellcheck disable=SC2086
                measured "$workers" 1 "$placement" $model
                ((shared_us && shared_us <= run_us)) || shared_us=$run_us
                coordinator=$((coordinator + coordinator_ticks))
                of_workers=$((of_workers + worker_ticks))
            done
            printf '| %s | %s | %s | %s | %s | %s | %s | %s |\n' "${model#--probability }" "$workers" \
                "$placement" "$(seconds "$alone_us")" "$(seconds "$shared_us")" \
                "$(ratio "$alone_us" "$shared_us")" \
                "$(awk -v a="$coordinator" -v b="$of_workers" 'BEGIN { printf "%.2f %%", b ? 100 * a / b : 0 }')" \
                "$bytes_each"
        done
    done
done
