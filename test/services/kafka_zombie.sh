#!/usr/bin/env bash
# test/services/kafka_zombie.sh - a run that was taken for dead, on a real broker: it is paused, another one goes on
# from its last checkpoint elsewhere, and then the first wakes up, with transactions open. The broker must have
# shut it out: it fails and says why, and each record is there once.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/services/kafka.sh"
kafka_need
cd "$SCRATCH" || exit 1
FIRST= SECOND=
kill_both() { for pid in $FIRST $SECOND; do kill -KILL "$pid" 2>/dev/null; done; }
undo kill_both

kafka_topic in-$$ 2
kafka_topic out-$$ 2
cat >job.sql <<SQL
SET 'execution.checkpointing.interval' = '200 ms';
SET 'restart-strategy.type' = 'none';
SET 'pipeline.name' = 'copy';
CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'in-$$', 'format' = 'json',
    'properties.bootstrap.servers' = '$KAFKA_BROKER', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE copies (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'out-$$', 'format' = 'json',
    'properties.bootstrap.servers' = '$KAFKA_BROKER', 'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'copies-$$');
INSERT INTO copies SELECT id FROM numbers;
SQL
feed() { seq "$1" "$2" | sed 's/.*/{"id":&}/' | kcat -q -b "$KAFKA_BROKER" -P -t in-$$; }
committed() { kcat -q -b "$KAFKA_BROKER" -C -t out-$$ -e -o beginning -X isolation.level=read_committed | tr -dc '0-9\n' | sort -n; }
there() { [ "$(committed | uniq | wc -l)" -ge "$1" ]; }

feed 1 3000
"$WEIR" run --checkpoint-dir first job.sql >out1 2>err1 &
FIRST=$!
wait_for 30 there 3000 || fail "the first run copies" "$(tail -n 3 err1)"
feed 3001 6000  # some of them in a transaction that is open
sleep 0.1
kill -STOP $FIRST
cp -r first second
"$WEIR" run --checkpoint-dir second --resume job.sql >out2 2>err2 &
SECOND=$!
feed 6001 9000
wait_for 60 there 9000 || fail "the second run goes on" "$(tail -n 3 err2)"
check "the second run goes on from the first one's checkpoint" grep -q 'going on from second/copy/chk-' err2
kill -CONT $FIRST
feed 9001 12000
wait_for 60 there 12000 || fail "the second run is not disturbed" "$(tail -n 3 err2)"
check "the first one ends" timeout 60 tail --pid=$FIRST -f /dev/null
wait $FIRST
check "with a failure" test $? -eq 1
FIRST=
# It wakes up as it writes, or as it commits what it wrote before.
check "since it was shut out, which it says" grep -qiE 'fenced|newer|old epoch' err1
check "and by whom" grep -qE "another run with this 'sink.transactional-id-prefix' has taken over|or a later run has aborted it" err1
kill -INT $SECOND
wait $SECOND
check "the second one ends well" test $? -eq 0
SECOND=
committed >actual
seq 1 12000 >expected
same "each record is there once" expected actual
[ "$TEST_FAILED" = 0 ] || tail -n 5 err1 err2
