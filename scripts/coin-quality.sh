#!/usr/bin/env bash
# A battery of TestU01 on kaskade's coins.
#
#     scripts/coin-quality.sh TESTU01 BATTERY FAMILY DIRECTION [reversed] [TEST]
#     scripts/coin-quality.sh ~/TestU01 crush block simulations
#
# TESTU01 is a folder with the sources of TestU01 1.2.3, cloned into it where it is not there, and
# built in it once. Batteries: small-crush (seconds), crush (from half an hour to an hour and a half
# on two cores), big-crush (ten times that). Families and directions are those of
# benches/src/bin/coin-stream.rs. Needs git, a C compiler and make.
set -euo pipefail

usage() {
    sed --quiet '4,5s/^# *//p' "$0" >&2
    exit 2
}

(($# >= 4)) || usage
mkdir -p "$1"
testu01=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
. scripts/measure.bash

if [[ ! -e $testu01/configure ]]; then
    git clone --quiet --depth 1 https://github.com/umontreal-simul/TestU01-2009 "$testu01" >&2
fi
if [[ ! -e $testu01/built/lib/libtestu01.a ]]; then
    (
        cd "$testu01"
        # Written for an older C; its warnings are not ours.
        ./configure --prefix="$testu01/built" --disable-shared CFLAGS='-O2 -w -std=gnu89'
        make install
    ) >"$testu01/build.log" 2>&1 || {
        printf 'TestU01 does not build: see %s\n' "$testu01/build.log" >&2
        exit 1
    }
fi
cc -O2 -I "$testu01/built/include" scripts/coin-quality.c -o "$scratch/battery" \
    -L "$testu01/built/lib" -ltestu01 -lprobdist -lmylib -lm
cargo build --release --locked -p kaskade-benches --bin coin-stream >&2

machine
printf '%s of %s, direction %s\n' "$1" "$2" "$3"
"${CARGO_TARGET_DIR:-target}/release/coin-stream" "$2" "$3" | "$scratch/battery" "$1" "${@:4}"
