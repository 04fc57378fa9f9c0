#!/usr/bin/env bash
# Opens pages that kaskade writes in headless Chromium: no message on the console, no request, every
# plot drawn, axe-core finds nothing, nothing wider than the window; pictures at 1280 and 390 px, light
# and dark.
#
#     scripts/report-check.sh OUT PAGE.html...
#
# Needs node and a Chromium (CHROMIUM, else `chromium` on PATH); puppeteer-core and axe-core are installed
# into a folder of their own that goes when this ends. Pictures are written to the folder OUT.
set -euo pipefail
if (($# < 2)); then
    sed --quiet '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
out=$1
shift
mkdir -p "$out"
out=$(realpath "$out")
pages=()
for page in "$@"; do pages+=("$(realpath "$page")"); done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "$here/report-check.mjs" "$scratch"
cd "$scratch"
npm install --silent --no-fund --no-audit --no-save puppeteer-core axe-core
CHROMIUM="${CHROMIUM:-$(command -v chromium || command -v google-chrome)}" node report-check.mjs "$out" "${pages[@]}"
