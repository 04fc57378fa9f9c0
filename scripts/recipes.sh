#!/usr/bin/env bash
# Runs the recipes of docs/recipes.md as they stand there, on results of the commands that stand there.
#
#     scripts/recipes.sh [KASKADE]
#
# Python's tools are installed into a folder of their own that goes when this ends, if they can be; R
# recipes run where Rscript is. Ends with 1 when a recipe fails, or when fewer than ten are found.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
kaskade=$(realpath "${1:-${CARGO_TARGET_DIR:-$root/target}/release/kaskade}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# No index answers, or no package fits: that is no fault of the recipes.
install() {
    python3 -m venv venv &&
        timeout 300 venv/bin/pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 \
            duckdb polars pandas pyarrow
}
if ! install; then
    echo 'recipes: their tools do not install here, none was run'
    exit 0
fi
mkdir bin
ln -s "$kaskade" bin/kaskade

PATH="$scratch/bin:$PATH" venv/bin/python - "$root/docs/recipes.md" <<'PYTHON'
import re
import shutil
import subprocess
import sys

text = open(sys.argv[1], encoding="utf-8").read()
blocks = re.findall(r"([^\n]*)\n\n```(\w+)\n(.*?)```", text, re.DOTALL)
setup = {language: code for _, language, code in blocks if language in ("sh", "toml")}
open("sweep.toml", "w").write(setup["toml"])
subprocess.run(["bash", "-euc", setup["sh"]], check=True, stdout=subprocess.DEVNULL)

commands = {
    "sql": [sys.executable, "-c", "import duckdb, sys; print(duckdb.sql(sys.stdin.read()))"],
    "python": [sys.executable, "-"],
    "r": ["Rscript", "--vanilla", "-"],
}
recipes = [(title, language, code) for title, language, code in blocks if language in commands]
passed = failed = skipped = 0
for title, language, code in recipes:
    if shutil.which(commands[language][0]) is None:
        print(f"skipped  {language:6}  {title}")
        skipped += 1
        continue
    done = subprocess.run(commands[language], input=code, text=True, capture_output=True)
    is_fine = done.returncode == 0 and done.stdout.strip() != ""
    print(f"{'passed' if is_fine else 'FAILED'}   {language:6}  {title}")
    print("\n".join("    " + line for line in (done.stdout + done.stderr).splitlines()[:14]))
    passed += is_fine
    failed += not is_fine
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0 or len(recipes) != 10)
PYTHON
