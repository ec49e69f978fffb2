#!/usr/bin/env bash
# A job that fails begins again from its last checkpoint, as its restart strategy says; how often and why is
# told while it runs; what it gives in the end is what it would have given. One that may not fails.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2
export WEIR_RUNTIME_DIR=$SCRATCH/run
undo kill_job

# The second file has a record that is none, until it is mended.
cat >job.sql <<'END_SQL'
CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv',
    'source.monitor-interval' = '20 ms');
CREATE TABLE copies (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'copies', 'format' = 'csv');
CREATE TABLE sums (n BIGINT, total BIGINT) WITH ('connector' = 'print');
SET 'pipeline.name' = 'numbers';
SET 'execution.checkpointing.interval' = '50 ms';
EXECUTE STATEMENT SET BEGIN
    INSERT INTO copies SELECT id FROM numbers;
    INSERT INTO sums SELECT COUNT(*), SUM(id) FROM numbers;
END;
END_SQL
begin() {  # begin [OPTION...]: the job in the background, its first file read and in a checkpoint
    rm -rf in copies cp
    mkdir in
    printf '1\n2\n3\n' >in/1.csv
    "$WEIR" run --checkpoint-dir cp "$@" job.sql >out 2>err &
    JOB=$!
    wait_for 20 shows 3 || fail "the first file comes out" "$(cat err)"
}
shows() { [ "$(cat copies/* 2>/dev/null | wc -l)" -eq "$1" ]; }
spoil() { printf '4\nfive\n6\n' >.next && mv .next in/2.csv; }
mend() { printf '4\n5\n6\n' >.next && mv .next in/2.csv; }
restarted() { "$WEIR" list numbers | grep -q "($1 restarts)"; }
gone() { ! kill -0 "$JOB" 2>/dev/null; }

begin -D 'restart-strategy.exponential-delay.initial-backoff=20 ms' -D 'restart-strategy.exponential-delay.max-backoff=40 ms'
spoil
wait_for 20 restarted 3 || fail "it restarts, without end by default" "$(cat err)"
"$WEIR" list numbers >listed
check "the job that is listed tells how often it began again" grep -qE 'numbers +\([0-9]+ restarts\)' listed
check "when and why" grep -qE '^  20[0-9-]+ [0-9:.]+ UTC  .*five' listed
check "and that is logged" grep -q 'the job failed and restarts in 0.0 s: .*five' err
mend
wait_for 20 shows 6 || fail "once the record is mended it goes on" "$(tail -n 3 err)"
"$WEIR" cancel numbers
wait "$JOB"
JOB=
check "each row is there once" diff <(seq 6) <(sort -n copies/*)
check "and in the state" grep -q '^+U\[6, 21\]' out

begin -D restart-strategy.type=fixed-delay -D restart-strategy.fixed-delay.attempts=2 -D 'restart-strategy.fixed-delay.delay=20 ms'
spoil
wait_for 20 gone || fail "fixed-delay: the job ends" "$(tail -n 3 err)"
wait "$JOB"
check "fixed-delay: then it fails" test $? -eq 1
JOB=
check "fixed-delay: after so many attempts" test "$(grep -c 'the job failed and restarts' err)" -eq 2

begin -D restart-strategy.type=failure-rate -D restart-strategy.failure-rate.max-failures-per-interval=4 \
    -D 'restart-strategy.failure-rate.failure-rate-interval=10 min' -D 'restart-strategy.failure-rate.delay=20 ms'
spoil
wait_for 20 gone || fail "failure-rate: the job ends" "$(tail -n 3 err)"
JOB=
check "failure-rate: the fourth failure is one too many, as in Flink" \
    test "$(grep -c 'the job failed and restarts' err)" -eq 3
