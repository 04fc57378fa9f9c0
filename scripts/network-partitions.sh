#!/usr/bin/env bash
# Networks that fall apart: coordinator and workers in a network namespace each, on one bridge, with
# TLS and tokens as on a real network. While a job runs a cable is pulled, so that packets vanish and
# nobody is told, and put back; the digest must be that of one process.
#
#     scripts/network-partitions.sh [--binary FILE] [ROUNDS]      default: 3 rounds of each fault
#
# The faults: one worker cut off from all, for longer than the coordinator waits and for less; the coordinator
# cut off; a worker that does not reach one of the others for a while; a worker that is cut off for good, in whose place
# another takes over. Each must end in bounded time, and all but the short ones must leave a recovery.
#
# Needs root, for namespaces of its own: nothing of the machine's network is touched. Builds the
# release binary.
set -euo pipefail

if [[ ${KASKADE_ISOLATED:-} != yes ]]; then
    cd "$(dirname "$0")/.."
    KASKADE_ISOLATED=yes exec unshare --net --mount --pid --fork --kill-child --mount-proc \
        scripts/network-partitions.sh "$@"
fi

binary=''
if [[ ${1:-} == --binary ]]; then
    binary=$2
    shift 2
fi
rounds=${1:-3}

# Silence after which the coordinator takes a worker for dead, and a job may take, in seconds.
readonly DEAD_AFTER=3
readonly DEADLINE_SECONDS=180

scratch=$(mktemp -d)
. scripts/measure.bash
processes=()
cleanup() {
    if ((${#processes[@]})); then
        kill -KILL "${processes[@]}" 2>/dev/null || true
        wait "${processes[@]}" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap cleanup EXIT
build_binary "$binary" >&2
binary=$(realpath "$binary")

# One bridge, and a host for the coordinator (hub) and each worker.
mkdir -p /run/netns
mount -t tmpfs none /run/netns
ip link set lo up
ip link add cables type bridge
ip link set cables up
hosts=(hub w1 w2 w3 w4)
for number in "${!hosts[@]}"; do
    host=${hosts[number]}
    ip netns add "$host"
    ip link add "to-$host" type veth peer name eth0 netns "$host"
    ip link set "to-$host" master cables up
    ip -n "$host" link set lo up
    ip -n "$host" link set eth0 up
    ip -n "$host" address add "10.77.0.$((number + 1))/24" dev eth0
done
pull() { ip link set "to-$1" down; }
plug() { ip link set "to-$1" up; }
# A host that drops what comes from another.
deaf() { ip -n "$1" route add blackhole "$2/32"; }
hearing() { ip -n "$1" route del blackhole "$2/32"; }

cd "$scratch"
certificates=(--host 10.77.0.1 --host 10.77.0.2 --host 10.77.0.3 --host 10.77.0.4 --host 10.77.0.5)
"$binary" cert init certs "${certificates[@]}" >&2
for role in worker admin; do
    "$binary" token create tokens --user "$role" --role "$role" --out "$role.token" >&2
done
mkdir graphs
"$binary" generate rmat --scale 15 --out graphs/graph.kg >&2
job=(--probability 0.02 --seeds top-degree:50 --simulations 12000 --seed 5)
"$binary" run --graph graphs/graph.kg "${job[@]}" --lane-words 1 --out expected >&2
expected=$(field expected/summary.json digest)

hub=https://10.77.0.1:7400
client=(ip netns exec hub env KASKADE_COORDINATOR="$hub" KASKADE_TLS_CA=certs/ca.pem
    KASKADE_TLS_CERT=certs/client.pem KASKADE_TLS_KEY=certs/client.key KASKADE_TOKEN_FILE=admin.token "$binary")

start_worker() {
    ip netns exec "w$1" "$binary" worker --coordinator "$hub" --cache "cache-$1" --threads 1 \
        --listen "10.77.0.$(($1 + 1)):7401" --advertise "10.77.0.$(($1 + 1))" \
        --tls-cert certs/worker.pem --tls-key certs/worker.key --tls-ca certs/ca.pem \
        --token-file worker.token >"w$1.log" 2>&1 &
    processes+=($!)
}

wait_until() {
    local what=$1 deadline=$((SECONDS + DEADLINE_SECONDS))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || { printf 'not in %s s: %s\n' "$DEADLINE_SECONDS" "$what" >&2; tail -n 5 ./*.log >&2; exit 1; }
        read -rt 0.1 -u "$never" || true
    done
}
status() { "${client[@]}" status "$id" --json >status.json 2>status.log; }
has_workers() { "${client[@]}" list --json >list.json 2>list.log && (($(grep --count '"address"' list.json) == $1)); }
has_begun() { status && (($(field status.json simulations_done) > 0)); }
has_ended() { status && [[ $(field status.json state) == @(succeeded|failed|cancelled) ]]; }

ip netns exec hub "$binary" coordinator --listen 10.77.0.1:7400 --graphs graphs --state state \
    --dead-after "$DEAD_AFTER" --tls-cert certs/server.pem --tls-key certs/server.key --tls-ca certs/ca.pem \
    --tokens tokens >hub.log 2>&1 &
processes+=($!)
for worker in 1 2 3; do start_worker "$worker"; done
wait_until '3 workers' has_workers 3

# Runs a job during which the fault $1 happens.
round() {
    local fault=$1 began=$SECONDS
    id="$fault-$SECONDS-$RANDOM"
    "${client[@]}" submit --no-wait --graph graph "${job[@]}" --placement partition --id "$id" >&2
    wait_until 'the first batch' has_begun
    "$fault"
    wait_until "the end after $fault" has_ended
    [[ $(field status.json state) == succeeded ]] || { cat status.json >&2; exit 1; }
    rm -rf result
    "${client[@]}" results "$id" --out result >&2
    local found recoveries
    found=$(field result/summary.json digest)
    recoveries=$(grep --count '"epoch"' status.json || true)
    [[ $fault == *_shortly ]] || ((recoveries)) || { printf '%s was not noticed\n' "$fault" >&2; exit 1; }
    [[ $found == "$expected" ]] || { printf '%s: digest %s, expected %s\n' "$fault" "$found" "$expected" >&2; exit 1; }
    printf '%-24s the same digest after %s s, %s recoveries\n' "$fault" "$((SECONDS - began))" "$recoveries"
}
pause() { read -rt "$1" -u "$never" || true; }

worker_cut_off() { pull w2; pause $((2 * DEAD_AFTER)); plug w2; }
worker_cut_off_shortly() { pull w2; pause 1; plug w2; }
coordinator_cut_off() { pull hub; pause $((2 * DEAD_AFTER)); plug hub; }
peers_cut_off_shortly() { deaf w1 10.77.0.3; pause $((2 * DEAD_AFTER)); hearing w1 10.77.0.3; }

for ((number = 0; number < rounds; number++)); do
    for fault in worker_cut_off worker_cut_off_shortly coordinator_cut_off peers_cut_off_shortly; do
        wait_until '3 workers' has_workers 3
        round "$fault"
    done
done
worker_replaced() { pull w3; start_worker 4; }
wait_until '3 workers' has_workers 3
round worker_replaced
