#!/usr/bin/env bash
# `graph build --memory`: a text that is larger than the budget, within the budget, with the
# digest of a build that has no limit.
#
#     scripts/bounded-memory.sh [--binary FILE] [SCALE [EDGE_FACTOR [MEMORY]]]
#                                                       default: 24 18 1GiB, 4.6 GiB of text
#
# The bounded build runs in a memory control group of 1.1 × MEMORY where this machine lets us
# make one; page cache counts there. Fails when the peak of anonymous memory is above 1.1 × MEMORY
# or a digest differs. Without --binary the release binary is built. Writes below $TMPDIR, about
# three times the text, and frees it, on Ctrl-C too. A small share for every day: 20 16 160MiB.
set -euo pipefail
cd "$(dirname "$0")/.."

given_binary=''
if [[ ${1:-} == --binary ]]; then
    given_binary=${2:?--binary needs a file}
    shift 2
fi
scale=${1:-24}
edge_factor=${2:-18}
memory=${3:-1GiB}

case $memory in
    *KiB) budget_bytes=$((${memory%KiB} << 10)) ;;
    *MiB) budget_bytes=$((${memory%MiB} << 20)) ;;
    *GiB) budget_bytes=$((${memory%GiB} << 30)) ;;
    *)
        printf 'MEMORY is a whole number of KiB, MiB or GiB, not %s\n' "$memory" >&2
        exit 2
        ;;
esac
allowed_bytes=$((budget_bytes / 10 * 11))

scratch=$(mktemp -d)
group=''
. scripts/measure.bash

finish() {
    local status=$?
    trap - EXIT
    stop_watched
    [[ -z $group ]] || rmdir "$group"
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Makes a control group of `allowed_bytes` below our own, so that what limits us still does, and
# sets group to its folder; leaves it empty where that is not possible.
make_group() {
    local own parent limit
    if own=$(sed --quiet 's/^[0-9]*:memory://p' /proc/self/cgroup | grep .); then
        parent=/sys/fs/cgroup/memory$own limit=memory.limit_in_bytes
    elif own=$(sed --quiet 's/^0:://p' /proc/self/cgroup | grep .); then
        parent=/sys/fs/cgroup$own limit=memory.max
    else
        return 0
    fi
    group=${parent%/}/kaskade-$$
    mkdir "$group" 2>/dev/null || {
        group=''
        return 0
    }
    if ! { echo "$allowed_bytes" >"$group/$limit"; } 2>/dev/null; then
        rmdir "$group"
        group=''
    fi
}

# in_group COMMAND...: in its place, within the control group where there is one.
in_group() {
    if [[ -n $group ]]; then echo "$BASHPID" >"$group/cgroup.procs"; fi
    exec "$@"
}

build_binary "$given_binary"
text=$scratch/rmat.txt
"$binary" generate rmat --scale "$scale" --edge-factor "$edge_factor" --out "$text" --quiet >&2
text_kib=$(du --apparent-size --block-size=1K "$text" | cut -f 1)

make_group
printf 'building within %s\n' "$memory" >&2
watched bounded in_group "$binary" graph build "$text" --out "$scratch/bounded.kg" --memory "$memory" --json --quiet || {
    printf 'the build within %s ended with status %s\n' "$memory" $? >&2
    exit 1
}
bounded=("$(seconds "$microseconds")" "$(gib "$peak_anonymous_kib")" "$(gib "$peak_disk_kib")")
peak_bytes=$((peak_anonymous_kib * 1024))
rm -rf "$scratch/bounded.kg"

printf 'building without a limit\n' >&2
watched free "$binary" graph build "$text" --out "$scratch/free.kg" --memory 100% --json --quiet
free=("$(seconds "$microseconds")" "$(gib "$peak_anonymous_kib")" "$(gib "$peak_disk_kib")")

within='no control group could be made here'
[[ -z $group ]] || within="in a control group of $allowed_bytes bytes"
cat <<END

R-MAT of scale $scale, $edge_factor arcs drawn a node, as text of $(gib "$text_kib") GiB; $within.
$(machine)

| \`graph build\` | seconds | anonymous memory, GiB | disk with the text, GiB |
|---|---:|---:|---:|
| \`--memory $memory\` | ${bounded[0]} | ${bounded[1]} | ${bounded[2]} |
| \`--memory 100%\` | ${free[0]} | ${free[1]} | ${free[2]} |

peak over budget: $(ratio "$peak_bytes" "$budget_bytes")
END

if ((peak_bytes > allowed_bytes)); then
    printf 'the peak of anonymous memory, %s bytes, is above %s\n' "$peak_bytes" "$allowed_bytes" >&2
    exit 1
fi
if [[ $(field "$scratch/bounded.out" digest) != $(field "$scratch/free.out" digest) ]]; then
    printf 'the two builds have different digests\n' >&2
    exit 1
fi
