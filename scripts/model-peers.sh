#!/usr/bin/env bash
# Spreads of SIR, threshold and linear threshold on wiki-Vote beside those of EoN, NDlib and
# CyNetDiff. Prints the table of docs/models.md, as Markdown; fails where they disagree.
#
#     scripts/model-peers.sh [--binary FILE] [ARCS.txt [SIMULATIONS]]
#         default: ../shared/data/wiki-Vote.txt, 2000 simulations of the packages
#
# Needs python3 with venv; installs the packages into a folder that is removed at the end. Without
# --binary the release binary is built.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PEERS=(EoN==2.0 ndlib==6.0.1 six==1.17.0 cynetdiff==0.1.18)

given_binary=''
if [[ ${1:-} == --binary ]]; then
    given_binary=${2:?--binary needs a file}
    shift 2
fi
arcs=${1:-../shared/data/wiki-Vote.txt}
simulations=${2:-2000}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
. scripts/measure.bash

build_binary "$given_binary"
python3 -m venv "$scratch/venv"
python=$scratch/venv/bin/python
"$python" -m pip install --quiet --disable-pip-version-check "${PEERS[@]}" >&2
"$binary" --quiet graph build "$arcs" --out "$scratch/graph.kg" >&2

printf '\nPackages: %s. Seeds: the 50 nodes of highest out-degree.\n' "${PEERS[*]}"
machine
printf '\n'
"$python" scripts/model-peers.py "$binary" "$scratch/graph.kg" "$arcs" "$simulations"
