#!/usr/bin/env bash
# test/services/lookup.sh - a file that lookup joins keep, read again while the job runs.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 1

echo '1,old' >side.csv
cat >job.sql <<SQL
CREATE TABLE g (k INT, pt AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '50',
  'fields.k.min' = '1', 'fields.k.max' = '1');
CREATE TABLE side (k INT, v STRING) WITH ('connector' = 'filesystem', 'path' = '$SCRATCH/side.csv', 'format' = 'csv',
  'lookup.cache' = 'FULL', 'lookup.full-cache.periodic-reload.interval' = '50 ms');
CREATE TABLE p (v STRING) WITH ('connector' = 'print');
INSERT INTO p SELECT s.v FROM g JOIN side FOR SYSTEM_TIME AS OF g.pt AS s ON g.k = s.k;
SQL
"$WEIR" run job.sql >out 2>err &
job=$!
undo stop_job
stop_job() { kill -9 $job 2>/dev/null; }
check "the file is looked up" wait_for 20 grep -q 'I\[old\]' out
echo '1,new' >next.csv && mv next.csv side.csv
check "and read again" wait_for 20 grep -q 'I\[new\]' out
rm side.csv
wait $job
check "a file that is gone ends the job" [ $? -eq 1 ]
check "and the message says what was tried" grep -q "reading table 'side' again for its lookup cache" err

# What cannot be, is said before anything runs.
side() { # side OPTIONS: the first line of what a lookup says
    "$WEIR" run -e "CREATE TABLE o (k INT, pt AS PROCTIME()) WITH ('connector' = 'datagen');
        CREATE TABLE side (k INT, v STRING) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv' $1);
        SELECT s.v FROM o JOIN side FOR SYSTEM_TIME AS OF o.pt AS s ON o.k = s.k" 2>&1
}
check "without a cache a file is no lookup table" bash -c '[[ "$1" == *"requires primary key"*"lookup.cache"* ]]' - "$(side "")"
check "nor with a partial one" bash -c '[[ "$1" == *"with '"'lookup.cache' = 'FULL'"'"* ]]' - "$(side ", 'lookup.cache' = 'NONE'")"
check "a time of the day must be one" bash -c '[[ "$1" == *"timed-reload.iso-time"* ]]' - \
    "$(side ", 'lookup.cache' = 'FULL', 'lookup.full-cache.reload-strategy' = 'TIMED', 'lookup.full-cache.timed-reload.iso-time' = '25:00'")"
