#!/usr/bin/env bash
# tools/fuzz.sh [SECONDS [NAME...]]: runs each fuzz target (or those named) that long, from the seeds in
# fuzz/corpus/NAME. What it finds it leaves in build-fuzz/found/NAME-*: mend the code and put the
# file, with a telling name, into the corpus, where `make test` replays it for ever:
#
#   tools/fuzz.sh replay KIND    gives each target its corpus, in the build of that kind
set -u
cd "$(dirname "$0")/.." || exit 2

names() {
    local source
    for source in fuzz/fuzz_*.c; do
        source=${source#fuzz/fuzz_}
        echo "${source%.c}"
    done
}

if [ "${1:-}" = replay ]; then
    failed=0
    for name in $(names); do
        if [ ! -x build-"$2"/fuzz/fuzz_"$name" ]; then  # its library is missing
            echo "SKIP fuzz corpus $name: not built"
            continue
        fi
        if build-"$2"/fuzz/fuzz_"$name" fuzz/corpus/"$name"/*; then echo "PASS fuzz corpus $name"; else
            echo "FAIL fuzz corpus $name"
            failed=1
        fi
    done
    exit $failed
fi

seconds=${1:-60}
shift $(($# > 0))
[ $# -gt 0 ] || mapfile -t chosen < <(names)
[ $# -eq 0 ] || chosen=("$@")
tools/build.sh fuzz fuzz || exit 1
mkdir -p build-fuzz/found
failed=0
for name in "${chosen[@]}"; do
    grown=build-fuzz/corpus/$name  # grows from run to run; the seeds are only read
    mkdir -p "$grown" "fuzz/corpus/$name"
    if build-fuzz/fuzz/fuzz_"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -artifact_prefix=build-fuzz/found/"$name"- -print_final_stats=1 \
        "$grown" fuzz/corpus/"$name" >build-fuzz/"$name".log 2>&1; then
        echo "PASS fuzz $name: $(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)/\1 inputs/p' build-fuzz/"$name".log)"
    else
        grep -vE '^#[0-9]+' build-fuzz/"$name".log | tail -n 40
        echo "FAIL fuzz $name: see build-fuzz/found/"
        failed=1
    fi
done
exit $failed
