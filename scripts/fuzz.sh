#!/usr/bin/env bash
# Looks for inputs that break what takes bytes from outside, guided by coverage; prints the
# executions of each target, as Markdown.
#
#     scripts/fuzz.sh [SECONDS [TARGET...]]      default: 60 seconds for each target
#
# The targets are those of tests/src/fuzz_targets.rs. Needs cargo-fuzz (`cargo install cargo-fuzz`)
# and a C++ compiler. What is found goes to target/fuzz: corpus/TARGET, from which the next run
# goes on, and artifacts/TARGET, the inputs that broke something. An input that is fixed goes to
# tests/fuzz/corpus/TARGET, where the ordinary tests meet it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Sanitizers and coverage are unstable flags, which the pinned toolchain takes from us.
export RUSTC_BOOTSTRAP=1

duration=${1:-60}
shift || true
targets=("$@")
if ((!${#targets[@]})); then
    for folder in tests/fuzz/corpus/*/; do targets+=("$(basename "$folder")"); done
fi

output=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
options=(--fuzz-dir tests/fuzz --target-dir "$output" --sanitizer address)
cargo fuzz build "${options[@]}" target

# stat LOG NAME: a figure that libFuzzer prints at its end.
stat() {
    sed --quiet "s/^stat::$2: *//p" "$1"
}

rows=()
broken=()
for target in "${targets[@]}"; do
    corpus=$output/corpus/$target
    artifacts=$output/artifacts/$target/
    log=$output/$target.log
    mkdir -p "$corpus" "$artifacts"
    printf '%s for %s s\n' "$target" "$duration" >&2
    if ! KASKADE_FUZZ_TARGET=$target cargo fuzz run "${options[@]}" target \
        "$corpus" "tests/fuzz/corpus/$target" -- \
        -max_total_time="$duration" -print_final_stats=1 -artifact_prefix="$artifacts" \
        >"$log" 2>&1; then
        broken+=("$target")
        tail --lines=40 "$log" >&2
    fi
    coverage=$(sed --quiet 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail --lines=1)
    rows+=("| $target | $(stat "$log" number_of_executed_units) | $(stat "$log" average_exec_per_sec) | $coverage | $(find "$corpus" -type f | wc --lines) |")
done

cat <<END

| target | executions | a second | edges reached | inputs kept |
|---|---:|---:|---:|---:|
$(printf '%s\n' "${rows[@]}")
END
if ((${#broken[@]})); then
    printf 'broken: %s; inputs in %s\n' "${broken[*]}" "$output/artifacts" >&2
    exit 1
fi
