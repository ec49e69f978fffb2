#!/usr/bin/env bash
# examples/timeouts/test.sh - a pattern, a join and a process table function name the same orders: those
# that Flink 2.3 names by the first two.
. "$(dirname "$0")/../../test/lib.sh"
command -v cc >/dev/null || skip_all "no C compiler"
WEIR=$(realpath "$WEIR")

cat >"$SCRATCH/expected" <<'ROWS'
g2 2024-05-02 09:30:00.000
g5 2024-05-02 17:00:00.000
l3 2024-05-02 16:00:00.000
ROWS
check "the example runs" bash -c "'$TREE/examples/timeouts/run.sh' '$WEIR' >'$SCRATCH/out' 2>&1"
for way in by_pattern by_join by_timer; do
    awk -v way=$way '/^by_/ { at = $1 == way } at && $2 == "+I" { print $4, $6, $7 }' "$SCRATCH/out" |
        sort >"$SCRATCH/$way"
    same "$way names the orders" "$SCRATCH/expected" "$SCRATCH/$way"
done

# Killed after the orders left and before their deadlines, it goes on from the last checkpoint.
mkdir "$SCRATCH/in" && cd "$SCRATCH" || exit 1
cc -shared -fPIC -I"$TREE/include" -o liblate.so "$TREE/examples/timeouts/late_orders.c"
head -n 12 "$TREE/examples/timeouts/events.csv" >in/a.csv
{
    echo "SET 'execution.checkpointing.interval' = '100 ms';"
    sed "s|'path' = 'events.csv'|'path' = '$SCRATCH/in', 'source.monitor-interval' = '50 ms'|" \
        "$TREE/examples/timeouts/timeouts.sql"
    echo "CREATE TABLE late (order_id STRING, left_at TIMESTAMP(3)) WITH ('connector' = 'print');
          INSERT INTO late SELECT * FROM by_timer;"
} >job.sql
"$WEIR" run --checkpoint-dir "$SCRATCH/ckpt" job.sql >first 2>&1 &
job=$!
checkpoint_after() { grep -q g2 first && [ -n "$(find ckpt -name _metadata -newer first)" ]; }
check "it names an order and takes a checkpoint" wait_for 20 checkpoint_after
kill -9 $job
wait $job 2>/dev/null
tail -n +13 "$TREE/examples/timeouts/events.csv" >in/b.csv
"$WEIR" run --checkpoint-dir "$SCRATCH/ckpt" --resume job.sql >second 2>&1 &
job=$!
check "restored, it names the others" wait_for 20 grep -q g5 second
kill -INT $job
wait $job
printf '+I[l3, 2024-05-02T16:00]\n+I[g5, 2024-05-02T17:00]\n' >expected
grep '^+I' second >rows
same "and none of them twice" expected rows
