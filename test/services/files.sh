#!/usr/bin/env bash
# test/services/files.sh - the filesystem sink on live jobs: when files and partitions appear.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 1
undo stop_live
live() {
    env --default-signal=INT "$WEIR" run -e "SET 'execution.checkpointing.interval' = '100 ms';
        SET 'execution.checkpointing.dir' = '$SCRATCH/ckpt'; $1" >lines 2>err </dev/null &
    LIVE=$!
}
appears() { wait_for 10 test -e "$1" && kill -0 "$LIVE" || { cat err; find "$SCRATCH/out" 2>/dev/null; return 1; }; }
stays_away() { sleep 0.6; kill -0 "$LIVE" && [ ! -e "$1" ] || { cat err; find "$SCRATCH/out" 2>/dev/null; return 1; }; }
# row VALUE TIME: one more file of the source, which appears whole.
row() {
    printf '%s,2024-01-01 %s\n' "$1" "$2" >"in/.$1"
    mv "in/.$1" "in/$1"
}
mkdir in
source="CREATE TABLE s (v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem',
    'path' = '$SCRATCH/in', 'format' = 'csv', 'source.monitor-interval' = '20 ms');"
sink() {
    rm -rf out ckpt
    echo "CREATE TABLE t (v INT, dt STRING, hr STRING) PARTITIONED BY (dt, hr) WITH ('connector' = 'filesystem',
        'path' = '$SCRATCH/out', 'format' = 'csv'${1:+, $1});
        INSERT INTO t SELECT v, DATE_FORMAT(ts, 'yyyy-MM-dd'), DATE_FORMAT(ts, 'HH') FROM s;"
}
success="'sink.partition-commit.policy.kind' = 'success-file'"
day=out/dt=2024-01-01

row 1 01:10:00
live "$source $(sink)"
check "a checkpoint makes files visible" wait_for 10 bash -c "grep -qx 1 $day/hr=01/part-* 2>/dev/null"
check "no policy, no success file" stays_away $day/hr=01/_SUCCESS
stop_live

live "$source $(sink "$success")"
check "by the clock a partition is complete with its first checkpoint" appears $day/hr=01/_SUCCESS
stop_live
live "$source $(sink "$success, 'sink.partition-commit.delay' = '1 h'")"
check "or later by its delay" stays_away $day/hr=01/_SUCCESS
stop_live

live "$source $(sink "$success, 'sink.partition-commit.trigger' = 'partition-time',
    'sink.partition-commit.delay' = '1 h', 'sink.partition-commit.success-file.name' = 'DONE',
    'partition.time-extractor.timestamp-pattern' = '\$dt \$hr:00:00'")"
check "by partition time it waits for the watermark" stays_away $day/hr=01/DONE
row 2 01:59:59
check "which has to pass the delay" stays_away $day/hr=01/DONE
row 3 02:00:01
check "then it is complete" appears $day/hr=01/DONE
check "and the next one is not" stays_away $day/hr=02/DONE
stop_live

live "$source $(sink "$success, 'sink.partition-commit.trigger' = 'partition-time',
    'partition.time-extractor.timestamp-formatter' = 'yyyyMMdd/HH',
    'sink.partition-commit.watermark-time-zone' = 'Asia/Tokyo',
    'partition.time-extractor.timestamp-pattern' = '\$dt/\$hr'" | sed 's/yyyy-MM-dd/yyyyMMdd/')"
check "a formatter and a zone: nine hours earlier" appears out/dt=20240101/hr=02/_SUCCESS
stop_live

# Rolling and compaction.
many="CREATE TABLE g (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '4000', 'fields.n.kind' = 'sequence',
    'fields.n.start' = '1', 'fields.n.end' = '4000');"
"$WEIR" run -e "$many CREATE TABLE c (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '$SCRATCH/rolled',
    'format' = 'csv', 'sink.rolling-policy.file-size' = '1kb'); INSERT INTO c SELECT n FROM g" >out.log 2>&1
check "files are rolled by their size" test "$(ls rolled | wc -l)" -ge 15
"$WEIR" run -e "$many CREATE TABLE c (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '$SCRATCH/joined',
    'format' = 'csv', 'sink.rolling-policy.file-size' = '1kb', 'auto-compaction' = 'true',
    'compaction.file-size' = '10kb'); INSERT INTO c SELECT n FROM g" >out.log 2>&1
check "compaction joins them" bash -c '[ $(ls joined | wc -l) -le 3 ] && ls joined | grep -q ^compacted-part-'
check "with every row once" bash -c 'diff <(sort -n joined/*) <(seq 4000)'
check "and leaves nothing behind" bash -c '[ -z "$(find joined -name ".*" -type f)" ]'
mkdir -p once && rm -rf ckpt
live "CREATE TABLE g (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
    CREATE TABLE c (n INT) WITH ('connector' = 'filesystem', 'path' = '$SCRATCH/once', 'format' = 'csv',
    'sink.rolling-policy.rollover-interval' = '100 ms', 'sink.rolling-policy.check-interval' = '50 ms');
    SET 'execution.checkpointing.interval' = '1 h'; INSERT INTO c SELECT n FROM g"
check "files are rolled by their age" wait_for 10 bash -c '[ $(find once -name ".part-*" | wc -l) -ge 3 ]'
stop_live
check "and appear at the end" bash -c '[ $(ls once | wc -l) -ge 3 ] && [ -z "$(find once -name ".*" -type f)" ]'

# Two writers, one success file, after both.
rm -rf in/* out ckpt
for i in 1 2 3 4 5 6; do row $i 01:00:00; done
"$WEIR" run -e "SET 'parallelism.default' = '2'; $(echo "$source" | sed "s/, 'source.monitor[^)]*//") $(sink "$success")" >out.log 2>&1
check "writers side by side commit a partition once all are done" bash -c \
    "[ -e $day/hr=01/_SUCCESS ] && [ \$(cat $day/hr=01/part-* | wc -l) = 6 ]"
for policy in metastore custom other; do
    "$WEIR" run -e "$many CREATE TABLE c (n BIGINT, p STRING) PARTITIONED BY (p) WITH ('connector' = 'filesystem',
        'path' = '$SCRATCH/never', 'format' = 'csv', 'sink.partition-commit.policy.kind' = '$policy');
        INSERT INTO c SELECT n, 'x' FROM g" >refused 2>&1
    check "the policy '$policy' is refused by name" grep -q "$policy" refused
done
