#!/usr/bin/env bash
# Runs cluster/slurm/kaskade.sbatch under a real Slurm: a controller and two daemons of their own,
# all on this machine's loopback, in a scratch folder. Compares the digests with that of `kaskade
# run`: undisturbed, with a worker killed, and cancelled and continued.
#
#     scripts/slurm.sh [OPTIONS]
#
#     --binary FILE    kaskade; without it the release binary is built
#     --install        install Debian's slurm-wlm and munge first, which takes root
#
# Takes about a minute and one core. Ends with 77 where there is no Slurm: skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

# The time that Slurm gets to start, and a job to come to the state that a check waits for.
readonly DEADLINE_SECONDS=120

# The time that jobs get to end when this script is interrupted; more than KillWait below.
readonly STOP_DEADLINE_SECONDS=45

# Long enough that a worker is lost, or the job cancelled, while it runs.
readonly SIMULATIONS=${SIMULATIONS:-20000}

given_binary=''
install=false

while (($#)); do
    case $1 in
        --binary)
            given_binary=${2:?--binary needs a file}
            shift 2
            ;;
        --install)
            install=true
            shift
            ;;
        --help | -h)
            sed --quiet '/^#!/d; /^#/!q; s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *)
            printf "unexpected '%s', see --help\n" "$1" >&2
            exit 2
            ;;
    esac
done

if $install; then
    apt-get update --quiet
    DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet --yes --no-install-recommends slurm-wlm munge
fi
# Where Debian puts daemons, which is in no user's path.
PATH=$PATH:/usr/sbin
for program in slurmctld slurmd munged sbatch; do
    command -v "$program" >/dev/null || {
        printf 'skipped: no %s; --install installs it on Debian\n' "$program" >&2
        exit 77
    }
done

scratch=$(mktemp -d)
. scripts/measure.bash

daemons=()

finish() {
    local status=$? pid
    trap - EXIT
    if ((status)); then
        tail --lines=20 "$scratch"/log/* "$scratch"/*.log "$scratch"/run-*/*.log >&2 || true
    fi
    # Jobs first, while there are daemons to end them: without, they would go on.
    if ((${#daemons[@]})); then
        scancel --quiet --user="$(id -un)" 2>/dev/null || true
        local deadline=$((SECONDS + STOP_DEADLINE_SECONDS))
        while [[ -n $(squeue --noheader 2>/dev/null) ]] && ((SECONDS < deadline)); do sleep 0.2; done
    fi
    for pid in "${daemons[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait || true
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    printf 'failed: %s\n' "$1" >&2
    exit 1
}

# await WHAT COMMAND...: until the command succeeds.
await() {
    local what=$1 deadline=$((SECONDS + DEADLINE_SECONDS))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || fail "waited $DEADLINE_SECONDS s for $what"
        sleep 0.2
    done
}

# free_ports N: that many ports that nobody listens on, one a line.
free_ports() {
    local port found=0
    while ((found < $1)); do
        port=$((20000 + RANDOM % 10000))
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            found=$((found + 1))
        fi
    done
}

# daemon NAME COMMAND...: in the background, in the foreground of its own log.
daemon() {
    local name=$1
    shift
    "$@" >"$scratch/log/$name" 2>&1 &
    daemons+=($!)
}

start_slurm() {
    local host user node ports
    host=$(hostname -s)
    user=$(id -un)
    mapfile -t ports < <(free_ports 3)
    mkdir "$scratch"/{log,state,spool,spool/n1,spool/n2}
    head --bytes=1024 /dev/urandom >"$scratch/munge.key"
    chmod 400 "$scratch/munge.key"
    # munged wants every folder above its socket to be one that only its owner writes to, or
    # sticky; and the clients to be able to enter it.
    chmod 755 "$scratch"
    cat >"$scratch/slurm.conf" <<END
ClusterName=kaskade-test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$scratch/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool/%n
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/%n.pid
# No control groups: not every machine that tests has them to give.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
MpiDefault=none
KillWait=30
# Nodes of four processors, whatever this machine has.
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[1]} CPUs=4 RealMemory=2000
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[2]} CPUs=4 RealMemory=2000
PartitionName=test Nodes=ALL Default=YES State=UP
END
    export SLURM_CONF=$scratch/slurm.conf
    daemon munged munged --foreground --num-threads=1 --key-file="$scratch/munge.key" \
        --socket="$scratch/munge.socket" --pid-file="$scratch/munged.pid" \
        --log-file="$scratch/log/munged.log" --seed-file="$scratch/munged.seed"
    await 'munged' munge --socket="$scratch/munge.socket" --no-input
    daemon slurmctld slurmctld -D
    for node in n1 n2; do daemon "$node" slurmd -D -N "$node"; done
    await 'two idle nodes' nodes_idle
}

nodes_idle() {
    (($(sinfo --noheader --Node --states=idle --format=%N | wc --lines) == 2))
}

# submit NAME [SBATCH OPTIONS]: the job in the folder run-NAME; prints Slurm's id.
submit() {
    local name=$1
    shift
    sbatch --parsable --chdir="$scratch" --output="$scratch/$name.log" "$@" \
        "$PWD/cluster/slurm/kaskade.sbatch" --binary "$binary" --graphs "$scratch/graphs" \
        --folder "run-$name" --cache "$scratch/cache-$name" -- "${job[@]}" --placement partition
}

# Whether Slurm has done with a job, its batch script included.
is_over() {
    [[ -z $(squeue --noheader --jobs="$1" 2>/dev/null) ]]
}

exit_code() {
    scontrol show job "$1" | sed --quiet 's/.*ExitCode=\([0-9]*\):.*/\1/p' | head --lines=1
}

# check_result NAME JOB: the job ended well, and its digest is the expected one.
check_result() {
    await "the end of job $2" is_over "$2"
    [[ $(exit_code "$2") == 0 ]] || fail "$1: exit code $(exit_code "$2")"
    local found
    found=$(digest "$scratch/run-$1/result/summary.json")
    [[ $found == "$expected" ]] || fail "$1: digest $found, not $expected"
    printf '%-28s digest %s\n' "$1" "$found"
}

digest() {
    sed --quiet 's/^  "digest": "\([0-9a-f]*\)".*/\1/p' "$1" | grep .
}

# The process of task TASK of the job NAME.
worker_process() {
    pgrep --full "^$binary worker .*--cache $scratch/cache-$1/worker-$2 "
}

is_computing() {
    grep --quiet 'simulations_done": *[1-9]' <(status "$1")
}

status() {
    local url
    url=$(sed --quiet 's/^listening on //p' "$scratch/run-$1/coordinator.out")
    "$binary" status --json --coordinator "$url" "run-$1"
}

nothing_runs() {
    ! pgrep --full "^$binary (coordinator|worker|submit) .*$scratch" >/dev/null
}

build_binary "$given_binary"
binary=$(realpath "$binary")
job=(--graph small --seeds top-degree:5 --simulations "$SIMULATIONS")
mkdir "$scratch/graphs"
"$binary" generate rmat --scale 14 --out "$scratch/graphs/small.kg" >/dev/null
"$binary" run --graph "$scratch/graphs/small.kg" "${job[@]:2}" --out "$scratch/in-process" >/dev/null
expected=$(digest "$scratch/in-process/summary.json")
printf '%-28s digest %s\n' 'kaskade run' "$expected"

start_slurm
sbatch --version

undisturbed=$(submit undisturbed)
check_result undisturbed "$undisturbed"

lost=$(submit worker-lost)
await 'the first simulations' is_computing worker-lost
kill -KILL "$(worker_process worker-lost 1)"
check_result worker-lost "$lost"
grep --quiet --extended-regexp "lost (worker|its peer)" "$scratch/run-worker-lost/result/manifest.json" ||
    fail 'worker-lost: the manifest tells of no recovery'

cancelled=$(submit continued)
await 'the first simulations' is_computing continued
scancel "$cancelled"
await 'the end of the cancelled job' is_over "$cancelled"
await 'the end of all its processes' nothing_runs
[[ ! -e $scratch/run-continued/result ]] || fail 'the cancelled job has a result'
continued=$(submit continued)
check_result continued "$continued"

two_nodes=$(submit two-nodes --nodes=2)
check_result two-nodes "$two_nodes"
[[ ! -e $scratch/run-two-nodes/secrets ]] || fail 'two nodes: the secrets were left'
[[ $(grep --only-matching 'https://127.0.0.1:[0-9]*' "$scratch/run-two-nodes/coordinator.log" |
    sort --unique | wc --lines) == 2 ]] || fail 'two nodes: workers were not told by https://'

job=(--graph missing --seeds top-degree:5)
missing=$(submit missing)
await 'the end of the job without a graph' is_over "$missing"
[[ $(exit_code "$missing") == 4 ]] || fail "missing graph: exit code $(exit_code "$missing")"
printf '%-28s exit code 4\n' 'missing graph'

await 'the end of all processes' nothing_runs
printf 'Slurm: all as expected\n'
