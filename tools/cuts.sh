#!/usr/bin/env bash
# tools/cuts.sh WEIR [COUNT [SEED [PATH...]]]: the streaming cases of SQL again, every job stopped with a
# checkpoint after a few batches and gone on with from it, over and over, with the same parallelism or
# another one each time, and the same state backend or the other: the rows must be those of a job that was
# left alone. In every third variant what a job is stopped with is a savepoint. In every second variant checkpoints are unaligned: rows that are on their way between 2 or 3
# workers lie in the checkpoint. In some rows are folded by mini-batch, in one phase or two.
#
# COUNT (1) variants are drawn; the seed is printed. PATHs: other cases, below test/sql, than flink/stream.
set -u
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C
weir=${1:?usage: tools/cuts.sh WEIR [COUNT [SEED [PATH...]]]}
count=${2:-1} seed=${3:-$RANDOM}
shift $(($# < 3 ? $# : 3))
[ $# -gt 0 ] || set -- flink/stream
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
passed=0 failed=0 skipped=0
pick() { shift $((RANDOM % $#)); printf '%s' "$1"; }

# Where there is no RocksDB all state is in memory. Its caches hold nothing here: every row goes to
# disk after every batch.
disk=rocksdb
if "$weir" run -D state.backend.type=rocksdb -e "SELECT 1" 2>&1 | grep -q "cannot be loaded"; then
    disk=
    echo "note: this system has no RocksDB: state stays in memory"
fi

# One list of cases that are not judged; what it names lies below its folder.
cp -r test/sql "$scratch/cases"
cat test/sql/order-of-arrival.txt test/sql/commits-midway.txt >"$scratch/cases/exempt"

RANDOM=$seed
echo "note: cuts are drawn from seed $seed"
for ((i = 0; i < count; i++)); do
    workers=$(pick 1 1 2 3) every=$(pick 1 2 3 5) others=$(pick "" 2 1,2 1,3,2 4,1)
    rows=$(pick 1 2 3 7) incremental=$(pick true false)
    unaligned=false timeout=0 size=32
    if [ $((i % 2)) -eq 1 ]; then
        unaligned=true workers=$((2 + i / 2 % 2)) timeout=$(pick 0 0 "1 ms") size=$(pick 1 2)
    fi
    savepoint=false
    [ $((i % 3)) -ne 2 ] || savepoint=true
    backend=$(pick hashmap $disk) backends=$(pick "" ${disk:+hashmap,rocksdb rocksdb,hashmap,rocksdb,rocksdb})
    fold=$(pick off off 3 100) phase=$(pick TWO_PHASE TWO_PHASE AUTO ONE_PHASE)
    options=(-D "parallelism.default=$workers" -D "weir.cut-every=$every" -D "weir.batch-rows-max=$rows"
        -D "execution.checkpointing.incremental=$incremental"
        -D "execution.checkpointing.unaligned.enabled=$unaligned"
        -D "execution.checkpointing.aligned-checkpoint-timeout=$timeout" -D "weir.exchange-size=$size"
        -D "state.backend.type=$backend" -D weir.state-cache=0 -D "weir.cut-savepoint=$savepoint")
    [ -z "$others" ] || options+=(-D "weir.cut-parallelism=$others")
    [ -z "$backends" ] || options+=(-D "weir.cut-backend=$backends")
    if [ "$fold" != off ]; then
        options+=(-D table.exec.mini-batch.enabled=true -D "table.exec.mini-batch.allow-latency=1 h"
            -D "table.exec.mini-batch.size=$fold" -D "table.optimizer.agg-phase-strategy=$phase")
    fi
    name="workers $workers then ${others:-the same}, a cut every $every batches of $rows, incremental $incremental"
    name="$name, $backend then ${backends:-the same}"
    [ $savepoint = false ] || name="$name, savepoints"
    [ "$fold" = off ] || name="$name, mini-batches of $fold, $phase"
    [ $unaligned = false ] || name="$name, unaligned after $timeout, exchanges of $size"
    "$weir" test --timeout $((30 * ${WEIR_TEST_PATIENCE:-1})) "${options[@]}" --materialised --exempt "$scratch/cases/exempt" \
        "${@/#/$scratch/cases/}" >"$scratch/log" 2>&1
    read -r ok bad left < <(tail -n 1 "$scratch/log" | sed 's/[^0-9 ]//g')
    if [ -z "${left:-}" ]; then echo "$name: the run did not come to its end" >>"$scratch/log"; bad=1; fi
    if [ "$bad" -gt 0 ]; then
        echo "--- $name"
        grep -vE '^(EXEMPT|[0-9]+ passed)' "$scratch/log" | head -n 200
    fi
    passed=$((passed + ${ok:-0})) failed=$((failed + bad)) skipped=$((skipped + ${left:-0}))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
