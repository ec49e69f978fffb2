#!/usr/bin/env bash
# test/services/record.sh - what --record kept, --replay hands in again, without the source.
. "$(dirname "$0")/../lib.sh"

for i in 1 2 3 4 5; do echo "$i,name $i,2024-01-01 00:00:0$i"; done >"$SCRATCH/in.csv"
cat >"$SCRATCH/job.sql" <<SQL
SET 'sql-client.execution.result-mode' = 'changelog';
CREATE TABLE t (id INT, name STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (
  'connector' = 'filesystem', 'path' = '$SCRATCH/in.csv', 'format' = 'csv');
SELECT id, UPPER(name), ts FROM t;
SELECT COUNT(*), SUM(id) FROM t WHERE id > 1;
SQL
check "a run is recorded" "$WEIR" run --record "$SCRATCH/kept" "$SCRATCH/job.sql"
"$WEIR" run "$SCRATCH/job.sql" >"$SCRATCH/expected" 2>&1
check "a file for each source of each job" [ "$(ls "$SCRATCH/kept" | wc -l)" -eq 2 ]
mv "$SCRATCH/in.csv" "$SCRATCH/gone.csv"
"$WEIR" run --replay "$SCRATCH/kept" "$SCRATCH/job.sql" >"$SCRATCH/out" 2>&1
same "the replay gives the same rows" "$SCRATCH/expected" "$SCRATCH/out"

# Random rows are the same rows again.
random="CREATE TABLE r (a BIGINT, b STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '3000');
SELECT SUM(a / 1000000), MAX(b), COUNT(*) FROM r;"
"$WEIR" run -D parallelism.default=2 -D execution.runtime-mode=batch --record "$SCRATCH/random" -e "$random" >"$SCRATCH/expected" 2>&1
"$WEIR" run -D parallelism.default=2 -D execution.runtime-mode=batch --replay "$SCRATCH/random" -e "$random" >"$SCRATCH/out" 2>&1
same "random rows come again" "$SCRATCH/expected" "$SCRATCH/out"

# Damage is said, and so is a recording of something else.
first=$(ls "$SCRATCH"/kept/1-*)
printf 'x' | dd of="$first" bs=1 seek=200 conv=notrunc 2>/dev/null
"$WEIR" run --replay "$SCRATCH/kept" "$SCRATCH/job.sql" >"$SCRATCH/out" 2>&1
check "damage is noticed" grep -q "the recording is damaged" "$SCRATCH/out"
"$WEIR" run --replay "$SCRATCH/kept" -e "$random" >"$SCRATCH/out" 2>&1
check "what was not recorded is said" grep -q "replaying from" "$SCRATCH/out"
