#!/usr/bin/env bash
# examples/python/test.sh - the deliveries' medians and pieces; and a job that is killed between two rows
# of a group goes on with the accumulator of its last checkpoint.
. "$(dirname "$0")/../../test/lib.sh"
command -v python3 >/dev/null || skip_all "no python3"
WEIR=$(realpath "$WEIR")
cd "$TREE/examples/python" || exit 1

cat >"$SCRATCH/expected" <<'ROWS'
north 08:00 3 149.0
north 09:00 1 193.9
south 08:00 2 120.5
south 09:00 1 115.1
ROWS
check "the example runs" bash -c "'$WEIR' run deliveries.sql >'$SCRATCH/out' 2>'$SCRATCH/err'"
awk '$2 == "+I" && ($4 == "north" || $4 == "south") { print $4, substr($7, 1, 5), $9, $11 }' "$SCRATCH/out" |
    sort >"$SCRATCH/medians"
same "medians by depot and hour" "$SCRATCH/expected" "$SCRATCH/medians"
check "pieces change as deliveries come" grep -q '| +U | washers |    120 |          2 |' "$SCRATCH/out"

mkdir "$SCRATCH/in" "$SCRATCH/work" && cd "$SCRATCH/work" || exit 1
cp "$TREE/examples/python/deliveries.py" .
head -n 4 "$TREE/examples/python/deliveries.csv" >../in/a.csv
{
    echo "SET 'execution.checkpointing.interval' = '100 ms';"
    sed -e "s|'path' = 'deliveries.csv'|'path' = '$SCRATCH/in', 'source.monitor-interval' = '50 ms'|" \
        -e '/^-- The median/,$d' -e '/result-mode/d' "$TREE/examples/python/deliveries.sql"
    echo "CREATE TABLE medians (depot STRING, trips BIGINT, km DOUBLE) WITH ('connector' = 'print');
          INSERT INTO medians SELECT depot, COUNT(*), median(km) FROM trips GROUP BY depot;"
} >job.sql
"$WEIR" run --checkpoint-dir ckpt job.sql >first 2>&1 &
job=$!
checkpoint_after() { grep -q 'north, 3' first && [ -n "$(find ckpt -name _metadata -newer first)" ]; }
check "it counts and takes a checkpoint" wait_for 20 checkpoint_after
kill -9 $job
wait $job 2>/dev/null
tail -n +5 "$TREE/examples/python/deliveries.csv" >../in/b.csv
"$WEIR" run --checkpoint-dir ckpt --resume job.sql >second 2>&1 &
job=$!
check "restored, it goes on from the medians it had" wait_for 20 grep -q '^+U\[north, 4, 171.45' second
kill -INT $job
wait $job
