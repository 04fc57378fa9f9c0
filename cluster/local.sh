#!/usr/bin/env bash
# Starts a coordinator and N workers on this machine, on loopback.
#
#     cluster/local.sh [OPTIONS] N                    until Ctrl-C
#     cluster/local.sh [OPTIONS] N -- SPEC.toml …     for one `kaskade submit --wait SPEC.toml …`
#
#     --graphs DIR    folder of graph directories; a graph's name is its folder's  [in --state]
#     --state DIR     job log, results, shards of each worker, logs; is kept       [scratch]
#     --listen ADDR   of the coordinator; port 0 takes a free one                  [127.0.0.1:7400]
#     --threads T     compute threads of each worker                               [cores / N]
#     --binary FILE   kaskade                                                      [target/release/kaskade]
#
# One worker is enough to send every round over RPC. To see a worker lost, kill one: its
# process id is printed.
set -euo pipefail

# The time that everything gets to start.
readonly START_DEADLINE_SECONDS=30

# The time that everyone gets to stop when asked, before being made to: batches in hand may end, and
# results be written.
readonly STOP_DEADLINE_SECONDS=20

fail() {
    printf 'local.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

usage() {
    sed --quiet '/^#!/d; /^#/!q; s/^# \{0,1\}//p' "$0"
}

repository=$(cd "$(dirname "$0")/.." && pwd)
binary=''
graphs=''
state=''
listen=127.0.0.1:7400
threads=''
n_workers=''
submits=false
submit_arguments=()

while (($#)); do
    case $1 in
        --graphs | --state | --listen | --threads | --binary)
            (($# > 1)) || fail "$1 needs a value" 2
            printf -v "${1#--}" '%s' "$2"
            shift 2
            ;;
        --help | -h)
            usage
            exit 0
            ;;
        --)
            shift
            submits=true
            submit_arguments=("$@")
            break
            ;;
        *)
            [[ -z $n_workers && $1 =~ ^[1-9][0-9]*$ ]] || fail "unexpected '$1', see --help" 2
            n_workers=$1
            shift
            ;;
    esac
done
[[ -n $n_workers ]] || fail 'how many workers? See --help' 2

if [[ -z $binary ]]; then
    binary=${CARGO_TARGET_DIR:-$repository/target}/release/kaskade
    [[ -x $binary ]] || binary=$(command -v kaskade) ||
        fail 'no binary: build it with `cargo build --release`, or name it with --binary'
fi
[[ -x $binary ]] || fail "$binary is no program"

scratch=''
if [[ -z $state ]]; then
    scratch=$(mktemp -d)
    state=$scratch
fi
mkdir -p "$state"
: "${graphs:=$state/graphs}"
if [[ -z $threads ]]; then
    threads=$(($(getconf _NPROCESSORS_ONLN) / n_workers))
    ((threads > 0)) || threads=1
fi
# What a lone worker takes by itself, shared.
memory_percent=$((80 / n_workers))
((memory_percent > 0)) || memory_percent=1

pids=()

stop() {
    local status=$?
    trap - EXIT
    # Some may have ended by themselves.
    if ((${#pids[@]})); then kill "${pids[@]}" 2>/dev/null || true; fi
    local deadline=$((SECONDS + STOP_DEADLINE_SECONDS))
    while [[ -n $(jobs -pr) ]] && ((SECONDS < deadline)); do sleep 0.1; done
    if ((${#pids[@]})); then kill -KILL "${pids[@]}" 2>/dev/null || true; fi
    wait || true
    [[ -z $scratch ]] || rm -rf "$scratch"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# await WHAT CONDITION...: until the condition holds, everyone still lives, and there is time.
await() {
    local what=$1 deadline=$((SECONDS + START_DEADLINE_SECONDS)) pid
    shift
    until "$@"; do
        for pid in "${pids[@]}"; do
            kill -0 "$pid" 2>/dev/null || give_up "a process ended while waiting for $what"
        done
        ((SECONDS < deadline)) || give_up "waited $START_DEADLINE_SECONDS s for $what"
        sleep 0.1
    done
}

# give_up WHY: with the last lines of every log.
give_up() {
    tail --lines=5 "$state"/*.log >&2
    fail "$1"
}

is_listening() {
    url=$(sed --quiet 's/^listening on //p' "$state/coordinator.out")
    [[ -n $url ]]
}

all_registered() {
    "$binary" list --json --coordinator "$url" 2>/dev/null |
        grep --quiet "\"workers\": $n_workers,"
}

# There before it is first looked into.
: >"$state/coordinator.out"
"$binary" coordinator --listen "$listen" --graphs "$graphs" --state "$state/coordinator" \
    >"$state/coordinator.out" 2>"$state/coordinator.log" &
pids+=($!)
url=''
await 'the coordinator' is_listening
printf 'coordinator  %s  process %s\n' "$url" "${pids[0]}" >&2

for ((number = 1; number <= n_workers; number++)); do
    "$binary" worker --coordinator "$url" --cache "$state/worker-$number" \
        --threads "$threads" --memory "$memory_percent%" \
        >"$state/worker-$number.log" 2>&1 &
    pids+=($!)
    printf 'worker %-4s  %s threads  process %s\n' "$number" "$threads" $! >&2
done
await "$n_workers workers" all_registered

if $submits; then
    "$binary" submit --coordinator "$url" --wait "${submit_arguments[@]}"
else
    cat >&2 <<END

graphs in $graphs, logs in $state

    export KASKADE_COORDINATOR=$url
    kaskade graph push DIR
    kaskade submit --wait --graph NAME --seeds top-degree:10

Ctrl-C stops everything.
END
    wait "${pids[0]}" || give_up 'the coordinator ended'
fi
