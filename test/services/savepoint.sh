#!/usr/bin/env bash
# Savepoints of running jobs, asked for from another process: taken while the job goes on, stopped with, and
# drained; who owns what a job began from; which checkpoints outlive their job, and what the other options of
# checkpoints do.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2
export WEIR_RUNTIME_DIR=$SCRATCH/run
JOB=

# The rows of a bounded sequence, slowly, into files: what was written is each row once, whatever happens
# between. Windows of a second over it.
cat >job.sql <<'END_SQL'
CREATE TABLE t (id BIGINT, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts)
    WITH ('connector' = 'datagen', 'rows-per-second' = '20000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '60000');
CREATE TABLE sums_out (k BIGINT, n BIGINT, total BIGINT)
    WITH ('connector' = 'filesystem', 'path' = 'sums', 'format' = 'csv');
SET 'pipeline.name' = 'sums';
INSERT INTO sums_out SELECT id / 100, COUNT(*), SUM(id)
    FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end, id / 100;
END_SQL

start() {  # start [OPTION...]: the job in the background; waits until it can be asked
    "$WEIR" run "$@" job.sql >out 2>err &
    JOB=$!
    wait_for 20 listed sums || fail "the job is listed" "$(cat err)"
}
listed() { "$WEIR" list | grep -q "$1"; }
# Whether the job has taken N checkpoints: one alone may have come and gone between two looks.
taken() { [ "$(find cp/sums -maxdepth 1 -name 'chk-*' | sed 's/.*-//' | sort -n | tail -n 1)" -ge "$1" ]; }
ended() { wait $JOB; rc=$?; JOB=; }
kill_job() { [ -z "$JOB" ] || kill -KILL "$JOB" 2>/dev/null; }
undo kill_job
# Groups do not cross windows: each is there once, with all its rows.
sums_right() {
    find sums -type f ! -name '.*' -exec cat {} + | awk -F, -v rows=60000 '
        seen[$1]++ { print "group", $1, "is there twice"; bad = 1; exit }
        { n += $2; total += $3 }
        END { if (!bad && (n != rows || total != rows * (rows + 1) / 2)) { print n, total; bad = 1 }; exit bad }'
}
newest() { ls -td "$1"/savepoint-* | head -n 1; }

check "with no job there is none" grep -q 'no job is running' <("$WEIR" list)
"$WEIR" savepoint sums sp >said 2>&1
check "a job that does not run is not found" test $? -eq 2
check "and the way out is told" grep -q "weir list" said

# ---- taken while the job goes on, and stopped with, with checkpoints and without ----
for how in "" "--checkpoint-dir cp -D execution.checkpointing.interval=50ms" \
    "--checkpoint-dir cp -D execution.checkpointing.interval=50ms -D execution.checkpointing.incremental=true -D parallelism.default=2"; do
    name=${how:-no checkpoints}
    rm -rf sums sp cp
    # shellcheck disable=SC2086
    start $how
    first=$("$WEIR" savepoint sums sp) || fail "$name: a savepoint" "$(cat err)"
    check "$name: it lies where it was wanted" test -f "$first/_metadata"
    id=$("$WEIR" list | cut -c 1-10)
    second=$("$WEIR" stop --savepoint "$SCRATCH/sp" "$id") || fail "$name: stop with a savepoint" "$(cat err)"
    ended
    check "$name: the job has ended well" test $rc -eq 0
    check "$name: and says where" grep -qF "stopped with savepoint $second" err
    mv "$second" moved  # savepoints can be moved
    # shellcheck disable=SC2086
    "$WEIR" run $how --from-savepoint moved job.sql >out 2>err
    check "$name: goes on from it" test $? -eq 0
    check "$name: each group once" sums_right
    rm -rf moved
done

rm -rf sums sp cp
checkpoints=(--checkpoint-dir cp -D execution.checkpointing.interval=50ms)
start "${checkpoints[@]}"
wait_for 10 taken 2 || fail "two checkpoints" "$(cat err)"
"$WEIR" stop --savepoint sp sums >said || fail "stop" "$(cat said err)"
ended
"$WEIR" run "${checkpoints[@]}" --resume job.sql >out 2>err
check "--resume goes on from the savepoint that the job was stopped with" grep -qF "going on from $(cat said)" err
check "and not from an older checkpoint" sums_right

# ---- one run at a time: not even one that was paused is joined by another ----
rm -rf sums cp
start "${checkpoints[@]}"
wait_for 10 taken 1 || fail "a checkpoint" "$(cat err)"
kill -STOP $JOB
"$WEIR" run "${checkpoints[@]}" --resume job.sql >out2 2>err2
check "another run of the job is refused" test $? -eq 2
check "and told of the first" grep -q "another run of the job, process $JOB, writes its checkpoints to 'cp/sums'" err2
kill -CONT $JOB
ended
check "which goes on" test $rc -eq 0
check "and has each group once" sums_right

# ---- drained: windows come out that were open ----
rm -rf sums sp cp
start
"$WEIR" stop --drain --savepoint sp sums >said || fail "stop --drain" "$(cat said err)"
ended
all_out() { cat sums/* | awk -F, '{ n += $2; total += $3 } END { exit !(n > 0 && n < 60000 && total == n * (n + 1) / 2) }'; }
check "what was read comes out, its last window half full" all_out
check "a drained savepoint is there" test -f "$(newest sp)/_metadata"
"$WEIR" run --from-savepoint "$(newest sp)" job.sql >out 2>err
check "and a job can begin from it" test $? -eq 0
check "which says that time had ended" grep -q 'drained' err

# ---- from SQL ----
rm -rf sums sp
start
"$WEIR" run -e "SHOW JOBS" >said
check "SHOW JOBS" grep -q '| *sums *| *RUNNING |' said
id=$("$WEIR" list | cut -c 1-32)
"$WEIR" run -e "STOP JOB '$id' WITH SAVEPOINT" >said 2>&1
check "STOP JOB WITH SAVEPOINT needs a directory" grep -q 'execution.checkpointing.savepoint-dir' said
"$WEIR" run -D execution.checkpointing.savepoint-dir=sp -e "DESCRIBE JOB '$id'; STOP JOB '$id' WITH SAVEPOINT" >said 2>&1
check "STOP JOB WITH SAVEPOINT" grep -q "savepoint-${id:0:6}-" said
ended
check "the job has ended" test $rc -eq 0

# ---- what outlives the job ----
kept() { find cp -name _metadata 2>/dev/null | wc -l; }
for how in "RETAIN_ON_CANCELLATION 0 1" "DELETE_ON_CANCELLATION 0 0" "NO_EXTERNALIZED_CHECKPOINTS 0 0"; do
    read -r mode after_end after_cancel <<<"$how"
    rm -rf sums cp
    options=("${checkpoints[@]}" -D "execution.checkpointing.externalized-checkpoint-retention=$mode")
    start "${options[@]}"
    wait_for 10 taken 1 || fail "$mode: a checkpoint" "$(cat err)"
    "$WEIR" cancel sums
    ended
    check "$mode: after a cancellation $after_cancel" test "$(kept)" -eq "$after_cancel"
    "$WEIR" run "${options[@]}" -D 'weir.cut-every=0' job.sql >out 2>err
    check "$mode: after the end $after_end" test "$(kept)" -eq "$after_end"
done
rm -rf sums cp
"$WEIR" run "${checkpoints[@]}" -D execution.checkpointing.num-retained=3 -D execution.checkpointing.max-concurrent-checkpoints=2 \
    -D execution.checkpointing.create-subdir=false job.sql >out 2>err
check "num-retained=3 keeps three" test "$(kept)" -eq 3
check "max-concurrent-checkpoints above 1 is told of" grep -q 'one checkpoint is under way at a time' err
check "create-subdir=false: they lie in the directory itself" test -n "$(echo cp/chk-*)"

# ---- claim modes ----
rm -rf sums cp sp
start
"$WEIR" stop --savepoint sp sums >/dev/null
ended
mv "$(newest sp)" s
for mode in NO_CLAIM CLAIM LEGACY; do
    rm -rf cp s2
    cp -r s s2
    "$WEIR" run "${checkpoints[@]}" --from-savepoint s2 -D execution.state-recovery.claim-mode=$mode job.sql >out 2>err
    rc=$?
    case $mode in
        NO_CLAIM) check "NO_CLAIM leaves the savepoint alone" diff -r s s2 ;;
        CLAIM) check "CLAIM removes it when a checkpoint has taken its place" test ! -e s2 ;;
        LEGACY) check "LEGACY is refused" test $rc -eq 2 ;;
    esac
done

# ---- checkpoints that fail ----
rm -rf sums cp
mkdir -p cp/sums && touch cp/sums/shared  # where a directory should be
"$WEIR" run "${checkpoints[@]}" -D restart-strategy.type=none job.sql >out 2>err
check "a checkpoint that fails is the job's failure" test $? -eq 1
"$WEIR" run "${checkpoints[@]}" -D restart-strategy.type=none \
    -D execution.checkpointing.tolerable-failed-checkpoints=1000000 job.sql >out 2>err
check "unless some may fail: then only the last one counts" test "$(grep -c 'checkpoint [0-9]* failed' err)" -gt 5
rm -rf sums cp
"$WEIR" run --stats json --checkpoint-dir cp -D 'execution.checkpointing.interval=10 ms' \
    -D 'execution.checkpointing.min-pause=500 ms' job.sql >out 2>err
count=$(sed -n 's/.*"checkpoints":\([0-9]*\).*/\1/p' out)
check "min-pause keeps checkpoints apart (${count:-none})" test "${count:-99}" -le 9
check "the pause is shown" grep -q '"checkpoint_pause_max_ms":' out
