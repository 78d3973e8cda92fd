#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
set -u

usage() {
    cat <<'TEXT'
Usage: fuzz/run.sh [OPTION]... [SECONDS_IN_ALL] [TARGET]...

Runs the libFuzzer targets of a clang build for SECONDS_IN_ALL of wall-clock time
(default 60), divided evenly, two targets at a time. Without TARGET all of them run.

  --build DIR   build directory (default build/fuzz; see below)
  --list        print the targets and exit
  --help        this text

Prints one line per target: executions, executions per second, features covered, inputs in
the corpus, ok or FINDING. Below DIR/fuzz: corpus/TARGET holds the seeds, new/TARGET the
inputs that runs have added (the next run goes on from them), findings/TARGET-* the inputs
that broke a property, log/TARGET what libFuzzer said.

Exit code: 0 no finding, 1 findings, 2 usage or no such build.

Build first:  cmake --preset fuzz && cmake --build --preset fuzz -j2
Reproduce:    build/fuzz/bin/replay_TARGET FILE
TEXT
}

fail() {
    echo "run.sh: $1" >&2
    exit 2
}

readonly JOBS=2
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/fuzz
list=no
while [ $# -gt 0 ]; do
    case $1 in
    --help) usage; exit 0 ;;
    --list) list=yes; shift ;;
    --build) [ $# -ge 2 ] || fail "--build needs a directory"; build=$2; shift 2 ;;
    -*) fail "unknown option $1 (--help)" ;;
    *) break ;;
    esac
done

here=$build/fuzz
[ -r "$here/targets.txt" ] || fail "$build has no fuzz targets (--help says how to build them)"
mapfile -t known <"$here/targets.txt"
if [ $list = yes ]; then
    printf '%s\n' "${known[@]}"
    exit 0
fi

seconds=60
if [[ ${1-} =~ ^[0-9]+$ ]]; then
    seconds=$1
    shift
fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${known[@]}")
for target in "${targets[@]}"; do
    printf '%s\n' "${known[@]}" | grep -qxF -- "$target" || fail "unknown target $target (--list)"
    [ -x "$build/bin/fuzz_$target" ] || fail "$build/bin/fuzz_$target is missing: built with clang?"
done

# Rounds of JOBS targets share the time.
rounds=$(((${#targets[@]} + JOBS - 1) / JOBS))
each=$((seconds / rounds))
[ "$each" -ge 1 ] || each=1

mkdir -p "$here/findings" "$here/log"

# The last number behind a word in libFuzzer's log, or 0.
number() {
    local found
    found=$(grep -oE "$1 *[0-9]+" "$2" | tail -1 | grep -oE '[0-9]+$')
    echo "${found:-0}"
}

run_one() {
    local target=$1 log=$here/log/$1 verdict=ok status=0 words=()
    # libFuzzer refuses a dictionary without words, which some targets have.
    [ ! -s "$here/dictionary/$target.dict" ] || words=("-dict=$here/dictionary/$target.dict")
    mkdir -p "$here/new/$target"
    "$build/bin/fuzz_$target" -max_total_time="$each" -timeout=10 -rss_limit_mb=2048 \
        "${words[@]}" -artifact_prefix="$here/findings/$target-" \
        -print_final_stats=1 "$here/new/$target" "$here/corpus/$target" >"$log" 2>&1 || status=$?
    [ $status -eq 0 ] || verdict=FINDING
    if [ $status -ne 0 ] && ! grep -q 'Test unit written' "$log"; then
        verdict='DID NOT RUN'
    fi
    printf '%-18s %9d runs %7d/s %6d features %6d inputs  %s\n' "$target" \
        "$(number 'number_of_executed_units:' "$log")" \
        "$(number 'average_exec_per_sec:' "$log")" \
        "$(number 'ft:' "$log")" \
        "$(find "$here/new/$target" "$here/corpus/$target" -type f ! -name '.*' | wc -l)" $verdict
    if [ $status -ne 0 ]; then
        # The property or sanitizer report, and where the input was saved.
        grep -E 'property .* is broken|ERROR: |runtime error: |SUMMARY: |Test unit written|Dictionary' \
            "$log" | head -8 | sed 's/^/    /'
    fi
    return $status
}

status=0
running=0
for target in "${targets[@]}"; do
    if [ $running -ge $JOBS ]; then
        wait -n || status=1
        running=$((running - 1))
    fi
    run_one "$target" &
    running=$((running + 1))
done
while [ $running -gt 0 ]; do
    wait -n || status=1
    running=$((running - 1))
done
exit $status
