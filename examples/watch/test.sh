#!/usr/bin/env bash
# examples/watch/test.sh - the example runs: one alarm, opened within two minutes of the trouble, closed after it.
. "$(dirname "$0")/../../test/lib.sh"
command -v curl >/dev/null || skip_all "no curl"
command -v awk >/dev/null || skip_all "no awk"
"$WEIR" watch serve --dir "$SCRATCH/none" --listen nowhere 2>&1 | grep -q 'built without' && skip_all "built without SQLite"
export WEIR_RUNTIME_DIR=$SCRATCH/run
WEIR=$(realpath "$WEIR")
check "the example runs" bash -c "'$TREE/examples/watch/run.sh' '$WEIR' >'$SCRATCH/out' 2>&1"
check "a model was made" grep -q '"class":"periodic"' "$SCRATCH/out"
check "one alarm" [ "$(grep -c '+I .*shop/orders/1-' "$SCRATCH/out")" = 1 ]
check "of the trouble, told within two minutes" grep -qE '\| orders \| close \| 2025-10-13 15:0[0-2]:00.000 \| 2025-10-13 15:(3[0-9]|4[0-9])' "$SCRATCH/out"
check "it was labelled" grep -q '{"labels":1}' "$SCRATCH/out"
[ $TEST_FAILED = 0 ] || cat "$SCRATCH/out"
