#!/usr/bin/env bash
# test/services/watermarks.sh - time on live sources, on short real times: processing-time windows,
# watermarks that the clock sends, silent sources, sources that wait for each other; and, where there
# is a broker, watermarks of partitions.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 1
undo stop_live
# live SQL: runs it until stop_live; what it prints is in `lines`.
live() {
    : >lines
    env --default-signal=INT "$WEIR" run "${flags[@]}" -e "$1" >lines 2>err </dev/null &
    LIVE=$!
}
flags=()
# shows TEXT: printed within ten seconds, while the job runs.
shows() {
    wait_for 10 grep -qF -- "$1" lines && kill -0 "$LIVE" 2>/dev/null || { cat lines err; return 1; }
}
# quiet TEXT: not printed, half a second later.
quiet() {
    sleep 0.5
    kill -0 "$LIVE" 2>/dev/null && ! grep -qF -- "$1" lines || { cat lines err; return 1; }
}
# folder NAME [OPTION...]: a table over a folder that is watched for new files.
folder() {
    local name=$1 option=
    shift
    mkdir -p "$name"
    for o in "$@"; do option+=", $o"; done
    echo "CREATE TABLE $name (v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (
        'connector' = 'filesystem', 'path' = '$SCRATCH/$name', 'format' = 'csv',
        'source.monitor-interval' = '20 ms'$option);"
}
# row FOLDER FILE VALUE TIME: one file of one row, which appears whole.
row() {
    printf '%s,2024-01-01 %s\n' "$3" "$4" >"$1/.$2"
    mv "$1/.$2" "$1/$2"
}
print="CREATE TABLE p (a STRING, b STRING) WITH ('connector' = 'print');"
windows() {
    echo "INSERT INTO p SELECT CAST(window_start AS STRING), CAST(COUNT(*) AS STRING)
        FROM TABLE(TUMBLE(TABLE $1, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end"
}

# Processing time.
live "CREATE TABLE g (id INT, pt AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '50');
    $print
    INSERT INTO p SELECT 'window', CAST(COUNT(*) AS STRING)
    FROM TABLE(TUMBLE(TABLE g, DESCRIPTOR(pt), INTERVAL '1' SECOND)) GROUP BY window_start, window_end"
check "windows of processing time fire while rows come" shows "+I[window, "
stop_live
live "$(folder clock | sed 's/ts TIMESTAMP(3), WATERMARK FOR ts AS ts/ts TIMESTAMP(3), pt AS PROCTIME()/') $print
    INSERT INTO p SELECT 'window', CAST(COUNT(*) AS STRING)
    FROM TABLE(TUMBLE(TABLE clock, DESCRIPTOR(pt), INTERVAL '1' SECOND)) GROUP BY window_start, window_end"
row clock a 1 00:00:00
check "and after the last row, by the clock alone" shows "+I[window, 1]"
stop_live

# What a row does not send (it lies less than the interval above the last), the timer does.
folder=$(folder little)
row little a 1 00:00:00
row little b 2 00:00:09.999
live "$folder $print SET 'pipeline.auto-watermark-interval' = '1 min'; $(windows little)"
check "a watermark less than the interval above the last one waits" quiet "+I["
stop_live
live "$folder $print SET 'pipeline.auto-watermark-interval' = '100 ms'; $(windows little)"
row little c 3 00:00:10.050
check "the clock sends it" shows "+I[2024-01-01 00:00:00.000, 2]"
stop_live

# Two sources, one of them silent.
both="CREATE VIEW u AS SELECT * FROM busy UNION ALL SELECT * FROM silent;"
sql="$(folder busy) $(folder silent) $both $print $(windows u)"
row busy a 1 00:00:01
row busy b 2 00:01:00
row silent 0 0 00:00:00
live "$sql"
check "a silent source holds time back" quiet "+I["
stop_live
live "SET 'table.exec.source.idle-timeout' = '200 ms'; $sql"
check "until table.exec.source.idle-timeout" shows "+I[2024-01-01 00:00:00.000, 2]"
row silent a 1 00:02:00
row busy c 2 00:03:00
check "and counts again when it speaks" shows "+I[2024-01-01 00:01:00.000, 1]"
stop_live
rm -rf silent busy
sql="$(folder busy) $(folder silent "'scan.watermark.idle-timeout' = '200 ms'") $both $print $(windows u)"
row busy a 1 00:00:01
row busy b 2 00:01:00
row silent 0 0 00:00:00
live "$sql"
check "or its own scan.watermark.idle-timeout" shows "+I[2024-01-01 00:00:00.000, 2]"
stop_live

# Alignment: a file is a batch; the fast source has one for every ten seconds.
group="'scan.watermark.alignment.group' = 'g', 'scan.watermark.alignment.max-drift' = '30 s',
    'scan.watermark.alignment.update-interval' = '50 ms'"
sql="$(folder fast "$group") $(folder slow "$group") $print
    INSERT INTO p SELECT 'fast', CAST(v AS STRING) FROM fast
        UNION ALL SELECT 'slow', CAST(v AS STRING) FROM slow"
for i in $(seq 10 30); do row fast "$i" $((i * 10 - 100)) "$(date -u -d "@$((i * 10 - 100))" +%T)"; done
row slow a 0 00:00:00
live "$sql"
check "a source may run ahead by its drift" shows "+I[fast, 40]"
check "and then it is not read" quiet "+I[fast, 50]"
row slow b 100 00:01:40
check "until the others have caught up" shows "+I[fast, 140]"
check "and no further" quiet "+I[fast, 150]"
kill -INT $LIVE
check "a source that waits does not hold up the end" wait $LIVE
LIVE=
check "group and drift go together" bash -c '"$WEIR" run -e "$1" 2>&1 | grep -q max-drift' - \
    "$(folder half "'scan.watermark.alignment.group' = 'g'") SELECT * FROM half"

# Partitions of a topic.
. "$TREE/test/services/kafka.sh"
kafka_need
topic() {
    echo "CREATE TABLE t (v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (
        'connector' = 'kafka', 'topic' = 'marks-$1-$$', 'properties.bootstrap.servers' = '$KAFKA_BROKER',
        'scan.startup.mode' = 'earliest-offset', 'format' = 'csv'${2:+, $2});"
}
# put TOPIC PARTITION VALUE TIME
put() { echo "$3,2024-01-01 $4" | kcat -q -b "$KAFKA_BROKER" -P -t "marks-$1-$$" -p "$2"; }
kafka_topic marks-least-$$ 2
for i in 0 1 2 3 4 5; do put least 0 "$i" "00:00:${i}0"; done
put least 1 0 00:00:05
live "$(topic least) $print $(windows t)"
check "the least of the partitions counts" quiet "+I["
put least 1 1 00:00:25
check "when it moves, time does" shows "+I[2024-01-01 00:00:10.000, 1]"
check "as far as it" quiet "+I[2024-01-01 00:00:20.000, "
stop_live
live "$(topic least "'scan.watermark.idle-timeout' = '300 ms'") $print $(windows t)"
for i in 1 2 3 4 5 6; do sleep 0.2; put least 0 "$i" "00:00:5$i"; done
check "a silent partition is not waited for" shows "+I[2024-01-01 00:00:40.000, 1]"
stop_live
kafka_topic marks-empty-$$ 2
put empty 0 1 00:00:01
put empty 0 2 00:00:30
live "$(topic empty) $print $(windows t)"
check "nor is an empty one without a timeout let go" quiet "+I["
stop_live
live "$(topic empty "'scan.watermark.idle-timeout' = '300 ms'") $print $(windows t)"
check "but with one it is" shows "+I[2024-01-01 00:00:00.000, 1]"
stop_live

kafka_topic marks-emit-$$ 1
put emit 0 1 00:00:01
put emit 0 2 00:00:30
slowly="SET 'pipeline.auto-watermark-interval' = '1 h';"
live "$slowly $(topic emit) $print $(windows t)"
check "on-periodic: the clock alone sends watermarks" quiet "+I["
stop_live
live "$slowly $(topic emit "'scan.watermark.emit.strategy' = 'on-event'") $print $(windows t)"
check "on-event: each row does" shows "+I[2024-01-01 00:00:00.000, 1]"
stop_live

# Alignment of the partitions of one topic.
kafka_topic marks-drift-$$ 2
put drift 0 1000 00:00:00
for i in $(seq 0 9); do put drift 1 "$i" "00:0$i:00"; done
live "$(topic drift "'scan.watermark.alignment.group' = 'g', 'scan.watermark.alignment.max-drift' = '1 min',
    'scan.watermark.alignment.update-interval' = '50 ms'") $print
    INSERT INTO p SELECT 'row', CAST(v AS STRING) FROM t"
check "partitions are read while they are together" shows "+I[row, 1000]"
for i in $(seq 10 19); do put drift 1 "$i" "00:$i:00"; done
check "one that is ahead is not read on" quiet "+I[row, 15]"
put drift 0 1001 00:30:00
check "until the other has caught up" shows "+I[row, 19]"
stop_live

# Killed after its last rows were read and before their watermark was sent, and gone on with another
# number of workers: nothing comes any more that could say where the partitions are.
kafka_topic marks-moved-$$ 3
for i in 0 1 2; do put moved $i $i 00:00:01; done
for i in 0 1 2; do put moved $i $i 00:00:30; done
# went_on FROM TO: with so many workers before and after.
went_on() {
    flags=(--checkpoint-dir "$SCRATCH/moved-$1-$2" --resume)
    local often="SET 'execution.checkpointing.interval' = '50 ms';" job rc=0
    job="$(topic moved) $print EXECUTE STATEMENT SET BEGIN
        $(windows t); INSERT INTO p SELECT 'row', CAST(v AS STRING) FROM t; END"
    live "$slowly $often SET 'parallelism.default' = '$1'; $job"
    rows_are_there() { [ "$(grep -c 'I\[row, ' lines)" = 6 ]; }
    wait_for 10 rows_are_there && sleep 0.4 || rc=1
    ! grep -qF '+I[2024' lines || rc=1
    kill -9 "$LIVE"
    wait "$LIVE" 2>/dev/null
    live "SET 'pipeline.auto-watermark-interval' = '50 ms'; $often SET 'parallelism.default' = '$2'; $job"
    shows '+I[2024-01-01 00:00:00.000, 3]' || rc=1
    stop_live
    flags=()
    return $rc
}
check "watermarks go with the checkpoint, to as many workers" went_on 2 2
check "to fewer" went_on 2 1
check "to more" went_on 1 3
