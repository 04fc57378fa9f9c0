# What the scripts beside this file share: it is sourced, after `scratch` was set to a folder
# that the script may write to and removes.
#
#     build_binary [FILE]       sets binary: FILE, or the release binary, which it builds
#     watched NAME COMMAND...   runs the command, its stdout in $scratch/NAME.out, and sets
#                               microseconds, peak_anonymous_kib, peak_resident_kib, peak_disk_kib
#     stop_watched              ends the command that is being watched, for a trap
#     field FILE KEY            the value of a key in indented JSON, the first of that name
#     machine                   a line about machine, commit and day
#     seconds MICROSECONDS, gib KIB, per_second N MICROSECONDS, ratio A B, rounded NUMBER
#                               figures for a table
export LC_ALL=C

# The pause between two looks at a process. Memory is looked at each time; disk, which costs a
# walk, every so many times.
readonly LOOK_SECONDS=0.02
readonly LOOKS_PER_WALK=50

# A pipe that nothing is written to: reading from it with a deadline is a pause without a process.
exec {never}<> <(:)

watched_pid=''

build_binary() {
    binary=${1:-}
    if [[ -z $binary ]]; then
        cargo build --release --locked
        binary=${CARGO_TARGET_DIR:-target}/release/kaskade
    fi
    [[ -x $binary ]] || {
        printf '%s is no program\n' "$binary" >&2
        return 2
    }
}

watched() {
    local name=$1 began=${EPOCHREALTIME/./} looks=0 state key value unit
    shift
    peak_anonymous_kib=0 peak_resident_kib=0 peak_disk_kib=0
    "$@" >"$scratch/$name.out" &
    watched_pid=$!
    while :; do
        state=''
        while read -r key value unit; do
            case $key in
                State:) state=$value ;;
                RssAnon:) ((value <= peak_anonymous_kib)) || peak_anonymous_kib=$value ;;
                VmHWM:) ((value <= peak_resident_kib)) || peak_resident_kib=$value ;;
            esac
        done 2>/dev/null <"/proc/$watched_pid/status" || true
        [[ -n $state && $state != Z ]] || break
        if ((looks++ % LOOKS_PER_WALK == 0)); then
            value=$(disk_kib)
            ((value <= peak_disk_kib)) || peak_disk_kib=$value
        fi
        read -rt "$LOOK_SECONDS" -u "$never" || true
    done
    local status=0
    wait "$watched_pid" || status=$?
    watched_pid=''
    microseconds=$((${EPOCHREALTIME/./} - began))
    value=$(disk_kib)
    ((value <= peak_disk_kib)) || peak_disk_kib=$value
    return "$status"
}

stop_watched() {
    if [[ -n $watched_pid ]]; then
        kill "$watched_pid" 2>/dev/null || true
        wait "$watched_pid" || true
    fi
}

# The disk that $scratch takes, and files without a name that the watched process has open.
disk_kib() {
    {
        du --summarize --block-size=1K "$scratch" || true
        if [[ -n $watched_pid ]]; then
            find -L "/proc/$watched_pid/fd" -type f -links 0 -printf '%k %D:%i\n' | sort --unique || true
        fi
    } 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'
}

field() {
    sed --quiet "/^ *\"$2\": /{s/^[^:]*: \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p;q}" "$1" | grep .
}

machine() {
    local model memory
    model=$(lscpu | sed --quiet 's/^Model name: *//p' | sed '1q')
    memory=$(awk '/^MemTotal:/ { printf "%.0f", $2 / 1024 / 1024 }' /proc/meminfo)
    printf '%s cores of %s, %s GiB; %s; commit %s; %s\n' "$(getconf _NPROCESSORS_ONLN)" \
        "${model:-an unnamed processor}" "$memory" "$(uname --kernel-name --kernel-release)" \
        "$(git describe --always --dirty 2>/dev/null || echo unknown)" "$(date --utc +%F)"
}

seconds() { awk -v us="$1" 'BEGIN { printf "%.2f", us / 1e6 }'; }
gib() { awk -v kib="$1" 'BEGIN { printf "%.3f", kib / 1024 / 1024 }'; }
per_second() { awk -v n="$1" -v us="$2" 'BEGIN { printf "%.0f", us ? n / us * 1e6 : 0 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'; }
rounded() { awk -v n="$1" 'BEGIN { printf "%.2f", n }'; }
