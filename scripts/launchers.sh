#!/usr/bin/env bash
# Checks the launchers in cluster/ with whatever this machine has for it, and says what it lacked.
#
#     scripts/launchers.sh [OPTIONS]
#
#     --binary FILE     kaskade  [target/release/kaskade]
#     --containers      build the image and run a job with Compose, too; takes an engine, and
#                       without a registry that has the builder's image, busybox-static
#     --require         fail where something is skipped
#
# Scripts: bash, shellcheck. Units: systemd-analyze. Manifests: kubectl, and kubernetes-validate
# for the schemas (a package of PyPI). Compose: docker compose or podman-compose. Slurm has a
# script of its own, slurm.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

# The oldest and the newest that the manifests are checked against.
readonly KUBERNETES_VERSIONS=(1.28.0 1.32.0 1.34.0)

# The exposure that systemd may find in a unit, in tenths; 0 is none, 100 is all.
readonly MAX_EXPOSURE=15

binary=${CARGO_TARGET_DIR:-target}/release/kaskade
containers=false
require=false

while (($#)); do
    case $1 in
        --binary)
            binary=${2:?--binary needs a file}
            shift 2
            ;;
        --containers)
            containers=true
            shift
            ;;
        --require)
            require=true
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
[[ -x $binary ]] || {
    printf '%s is no program: build it, or name it with --binary\n' "$binary" >&2
    exit 2
}
binary=$(realpath "$binary")

scratch=$(mktemp -d)
n_passed=0 n_failed=0 n_skipped=0
# Not the image that this machine may be using.
image=kaskade-check:latest
engine=''
compose=()

finish() {
    local status=$?
    trap - EXIT
    if [[ -e $scratch/composed ]]; then in_project down --volumes >/dev/null 2>&1 || true; fi
    if [[ -n $engine ]]; then "$engine" rmi "$image" kaskade-check-builder >/dev/null 2>&1 || true; fi
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# check NAME COMMAND...: passed if the command succeeds; else what it said is shown.
check() {
    local name=$1
    shift
    # Not as a condition, within which nothing would end at its first failure.
    ("$@") >"$scratch/said" 2>&1 &
    if wait $!; then
        n_passed=$((n_passed + 1))
        printf 'passed   %s\n' "$name"
    else
        n_failed=$((n_failed + 1))
        printf 'FAILED   %s\n' "$name"
        sed 's/^/         /' "$scratch/said"
    fi
}

# skip NAME WHY
skip() {
    n_skipped=$((n_skipped + 1))
    printf 'skipped  %s: %s\n' "$1" "$2"
}

# has PROGRAM
has() {
    command -v "$1" >/dev/null
}

scripts() {
    local script
    mapfile -t shell_scripts < <(grep --recursive --files-with-matches --max-count=1 \
        '^#!/usr/bin/env bash' cluster scripts .ci)
    for script in "${shell_scripts[@]}"; do check "bash -n $script" bash -n "$script"; done
    if has shellcheck; then
        check 'shellcheck' shellcheck --external-sources --severity=warning cluster/local.sh \
            cluster/slurm/kaskade.sbatch scripts/slurm.sh scripts/launchers.sh
    else
        skip 'shellcheck' 'not installed'
    fi
    check 'local.sh --help' says 'N workers' cluster/local.sh --help
    check 'kaskade.sbatch --help' says 'worker per task' bash cluster/slurm/kaskade.sbatch --help
    check 'kaskade.sbatch outside of Slurm' refuses 2 'not in a Slurm job' \
        env --unset=SLURM_JOB_ID bash cluster/slurm/kaskade.sbatch -- SPEC.toml
}

# says TEXT COMMAND...
says() {
    local text=$1
    shift
    "$@" | grep --quiet --fixed-strings -- "$text"
}

# refuses CODE TEXT COMMAND...
refuses() {
    local expected=$1 text=$2 code=0 said
    shift 2
    said=$("$@" 2>&1) || code=$?
    printf '%s\n' "code $code: $said"
    [[ $code == "$expected" && $said == *"$text"* ]]
}

units() {
    local unit
    if ! has systemd-analyze; then
        skip 'systemd units' 'no systemd-analyze'
        return
    fi
    mkdir "$scratch/units"
    for unit in cluster/systemd/*.service; do
        # Programs must be there to be verified, and a template must have an instance.
        sed "s,/usr/local/bin/kaskade,$binary," "$unit" \
            >"$scratch/units/$(basename "${unit/@./@1.}")"
    done
    for unit in "$scratch"/units/*; do
        check "systemd-analyze verify $(basename "$unit")" verify_unit "$unit"
        # Of systemd 250 and later.
        if systemd-analyze --help 2>&1 | grep --quiet -- --offline; then
            check "systemd-analyze security $(basename "$unit")" systemd-analyze security \
                --offline=true --threshold="$MAX_EXPOSURE" "$unit"
        fi
    done
}

# Unknown settings are only warned of.
verify_unit() {
    local said
    said=$(systemd-analyze verify "$1" 2>&1)
    printf '%s\n' "$said"
    # Of this unit alone: the machine's other units have faults of their own.
    ! grep --quiet --fixed-strings "$(basename "$1")" <<<"$said"
}

manifests() {
    local overlay version rendered
    if ! has kubectl; then
        skip 'Kubernetes manifests' 'no kubectl'
        return
    fi
    for overlay in cluster/kubernetes/*/; do
        rendered=$scratch/$(basename "$overlay").yaml
        check "kubectl kustomize $overlay" kubectl kustomize "$overlay" --output "$rendered"
        if ! has kubernetes-validate; then
            skip "schemas of $overlay" 'no kubernetes-validate'
            continue
        fi
        for version in "${KUBERNETES_VERSIONS[@]}"; do
            check "schemas of $overlay, $version" \
                kubernetes-validate --strict --kubernetes-version "$version" "$rendered"
        done
    done
}

# The engine, and what reads Compose files for it.
find_engine() {
    if docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
        engine=docker
        compose=(docker compose)
    elif podman info >/dev/null 2>&1 && has podman-compose; then
        engine=podman
        compose=(podman-compose)
    fi
}

# In a project of its own, so that one that is in use is left alone.
in_project() {
    "${compose[@]}" --project-name kaskade-check --file cluster/compose.yaml \
        --file "$scratch/check.yaml" "$@"
}

container_image() {
    # Without a registry: a stand-in for the compiler, which has the program already.
    local stand_in=$scratch/stand-in build=(--file cluster/Containerfile --tag "$image")
    if ! "$engine" build --target build --file cluster/Containerfile --pull . >/dev/null 2>&1; then
        has busybox || {
            printf 'neither the image of the builder nor busybox is there\n'
            return 1
        }
        mkdir -p "$stand_in"/{bin,tmp}
        cp "$(command -v busybox)" "$stand_in/bin/busybox"
        for applet in sh mkdir cp; do ln -s busybox "$stand_in/bin/$applet"; done
        cp "$binary" "$stand_in/built"
        cat >"$stand_in/bin/cargo" <<'END'
#!/bin/sh
[ "$*" = 'build --release --locked --bin kaskade' ] || exit 1
[ -e Cargo.lock ] && [ -e crates ] && [ ! -e target ] || exit 1
mkdir -p target/release && cp /built target/release/kaskade
END
        cat >"$stand_in/bin/strip" <<'END'
#!/bin/sh
cp "$3" "$2"
END
        chmod +x "$stand_in"/bin/*
        tar --directory="$stand_in" --create . | "$engine" import - kaskade-check-builder
        build+=(--build-arg BUILDER=kaskade-check-builder)
    fi
    "$engine" build "${build[@]}" .
}

# The first job of docs/cluster.md.
composed_job() {
    local inside=(exec coordinator /kaskade) deadline=$((SECONDS + 60))
    if [[ $engine == podman ]]; then inside=(exec -T coordinator /kaskade); fi
    touch "$scratch/composed"
    in_project up --detach
    until in_project "${inside[@]}" list 2>/dev/null | grep --quiet '2 workers'; do
        ((SECONDS < deadline)) || {
            in_project logs
            return 1
        }
        sleep 0.5
    done
    in_project "${inside[@]}" generate rmat --scale 12 --out /data/graphs/demo.kg
    in_project "${inside[@]}" submit --wait --json --graph demo --seeds top-degree:10 >"$scratch/composed"
    "$binary" generate rmat --scale 12 --out "$scratch/demo.kg"
    "$binary" run --json --graph "$scratch/demo.kg" --seeds top-degree:10 >"$scratch/in-process"
    [[ $(digest "$scratch/composed") == "$(digest "$scratch/in-process")" ]]
}

digest() {
    grep --only-matching '"digest": *"[0-9a-f]*"' "$1" | tail --lines=1
}

with_containers() {
    if ! $containers; then
        skip 'containers' 'only with --containers'
        return
    fi
    find_engine
    if [[ -z $engine ]]; then
        skip 'containers' 'no docker with compose, no podman with podman-compose'
        return
    fi
    # A program that is not static, as the builder's is, finds its libraries on this machine.
    local changes="{image: $image}"
    if grep --quiet '=> /lib' < <(ldd "$binary" 2>/dev/null); then
        changes="{image: $image, volumes: ['/lib:/lib:ro', '/lib64:/lib64:ro']}"
    fi
    printf 'services: {coordinator: %s, worker-1: %s, worker-2: %s}\n' \
        "$changes" "$changes" "$changes" >"$scratch/check.yaml"
    check "$engine build" container_image
    check "${compose[*]}: a job" composed_job
}

scripts
units
manifests
with_containers

printf '\nlaunchers: %s passed, %s failed, %s skipped\n' "$n_passed" "$n_failed" "$n_skipped"
if ((n_failed)) || { $require && ((n_skipped)); }; then exit 1; fi
