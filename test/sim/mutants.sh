#!/usr/bin/env bash
# test/sim/mutants.sh FOLDER [SEEDS]: every planted bug of mutants.txt is caught within SEEDS seeds.
# FOLDER: where the programs are (BUILD/test/sim). PASS name: at which seed; FAIL name: not caught.
set -u
folder=$1 seeds=${2:-12000} list=$(dirname "$0")/mutants.txt failed=0
for name in $(sed -nE 's/^([a-z-]+) \| .*/\1/p' "$list"); do
    only=$(sed -nE "s/^# $name: job ([a-z-]+)$/\1/p" "$list")
    answer=$("$folder/mutant-$name" --seeds "$seeds" ${only:+--job "$only"} 2>&1)
    rc=$?
    where=$(grep -oE "^FAIL seed [0-9]+, job '[a-z-]+'.*" <<<"$answer" | head -n 1)
    if [ $rc -eq 1 ] && [ -n "$where" ]; then
        echo "PASS mutant $name: ${where#FAIL }"
    elif [ $rc -gt 128 ]; then
        echo "PASS mutant $name: it crashes"
    else
        echo "FAIL mutant $name: not caught within $seeds seeds"
        failed=1
    fi
done
exit $failed
