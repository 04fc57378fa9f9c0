#!/usr/bin/env bash
# kaskade beside other programs that load the same text, in one run: `graph build` and
# `graph verify` into a directory on disk; NetworKit and igraph into memory; `gzip -dc` alone
# beside `graph build` of the `.gz`. Prints medians and ratios, as Markdown.
#
#     scripts/loaders.sh [--binary FILE] [SCALE [TIMES]]      default: 22 (64 M arcs), 3
#
# Everything is measured TIMES times, in turn. Needs python3 with venv; installs NetworKit and
# igraph into a folder that is removed at the end. Without --binary the release binary is built.
# At the default it takes about 6 GB below $TMPDIR.
set -euo pipefail
cd "$(dirname "$0")/.."

given_binary=''
if [[ ${1:-} == --binary ]]; then
    given_binary=${2:?--binary needs a file}
    shift 2
fi
scale=${1:-22}
times=${2:-3}

scratch=$(mktemp -d)
. scripts/measure.bash

finish() {
    local status=$?
    trap - EXIT
    stop_watched
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build_binary "$given_binary"
python3 -m venv "$scratch/venv"
python="$scratch/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check networkit igraph >&2

text=$scratch/rmat.txt
"$binary" generate rmat --scale "$scale" --out "$text" --json --quiet >"$scratch/text.json"
n_arcs=$(field "$scratch/text.json" arcs)
gzip --stdout "$text" >"$text.gz"

# Microseconds of all measurements, a line each, in a file a program.
note() { printf '%s\n' "$2" >>"$scratch/$1.times"; }
median() { sort --numeric-sort "$scratch/$1.times" | sed --quiet "$(((times + 1) / 2))p"; }

# build INPUT NAME: builds a directory; sets microseconds.
build() {
    rm -rf "$scratch/graph.kg"
    watched "$2" "$binary" graph build "$1" --out "$scratch/graph.kg" --json --quiet
}

# load LIBRARY: what the library's own clock says, from the file to a graph.
load() {
    watched "$1" "$python" scripts/loaders.py "$1" "$text"
    note "$1" "$(awk '{ printf "%.0f", $1 * 1e6 }' "$scratch/$1.out")"
}

unpack() { exec gzip --decompress --stdout "$text.gz" >/dev/null; }

# Once for the page cache.
cat "$text" "$text.gz" >/dev/null
for ((time = 1; time <= times; time++)); do
    printf 'round %s of %s\n' "$time" "$times" >&2
    build "$text" build
    built=$microseconds
    note build "$built"
    watched verify "$binary" graph verify "$scratch/graph.kg" --json --quiet
    note verified $((built + microseconds))
    load networkit
    load igraph
    watched gzip unpack
    note gzip "$microseconds"
    build "$text.gz" build-gz
    note build-gz "$microseconds"
    test "$(field "$scratch/build.out" digest)" = "$(field "$scratch/build-gz.out" digest)"
done

# row LABEL NAME BASE: median, arcs a second, and how many times the seconds of BASE.
row() {
    local own base
    own=$(median "$2") base=$(median "$3")
    printf '| %s | %s | %s | %s |\n' "$1" "$(seconds "$own")" "$(per_second "$n_arcs" "$own")" \
        "$(ratio "$own" "$base")"
}

cat <<END

R-MAT of scale $scale, seed 1, $n_arcs arcs as text ($(du --apparent-size --block-size=1M "$text" | cut -f 1) MiB);
medians of $times, in turn. NetworKit $("$python" -c 'import networkit; print(networkit.__version__)'), igraph $("$python" -c 'import igraph; print(igraph.__version__)').
$(machine)

| the text | seconds | arcs/s | × seconds of kaskade |
|---|---:|---:|---:|
$(row '`graph build` and `graph verify`, on disk' verified verified)
$(row '`graph build` alone, on disk' build verified)
$(row 'NetworKit, in memory' networkit verified)
$(row 'igraph, in memory' igraph verified)

| the text as \`.gz\` | seconds | arcs/s | × seconds of gzip |
|---|---:|---:|---:|
$(row '`gzip -dc` alone' gzip gzip)
$(row '`graph build`' build-gz gzip)
END
