#!/usr/bin/env bash
# State on RocksDB: the streaming cases again with a cache that holds nothing, state larger than memory,
# kill -9 and going on with another backend and parallelism each time, mid-window, mid-session and
# mid-pattern; and what stands in the way: files that are missing or damaged, no library, no such backend.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2
rocks=(-D state.backend.type=rocksdb -D "state.backend.rocksdb.localdir=$SCRATCH/local")

# refused FACT TEXT COMMAND...: it fails with a message that says so.
refused() {
    local fact=$1 text=$2
    shift 2
    if "$@" >out 2>&1; then fail "$fact" "it did not fail"
    elif grep -qF -- "$text" out; then pass "$fact"
    else fail "$fact" "$(head -n 2 out)"; fi
}
printf 'SELECT COUNT(*) FROM (VALUES 1, 2) AS t(a);\n' >count.sql
refused "an unknown backend is named as Flink does" "Cannot find configured state backend factory class: tape" \
    "$WEIR" run -D state.backend.type=tape count.sql
WEIR_ROCKSDB=nowhere.so refused "without the library the package is named" "apt install librocksdb7.8" \
    "$WEIR" run "${rocks[@]}" count.sql
refused "a size that is none is named" "'weir.state-cache' = 'much'" \
    "$WEIR" run "${rocks[@]}" -D weir.state-cache=much count.sql
if ! "$WEIR" run "${rocks[@]}" count.sql >out 2>&1; then
    skip_all "this system has no RocksDB: $(head -n 1 out)"
fi

# ---- larger than memory
ROWS=600000
cat >groups.sql <<SQL
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10000000', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '0', 'fields.id.end' = '$((ROWS - 1))');
SELECT COUNT(*), SUM(n), MAX(k) FROM (SELECT id * 7 % 300000 AS k, COUNT(*) AS n FROM g GROUP BY id * 7 % 300000);
SQL
refused "state over the memory limit names the way out" "SET 'state.backend.type' = 'rocksdb'" \
    "$WEIR" run --memory 16m groups.sql
check "the same job on RocksDB needs no more memory" "$WEIR" run --memory 16m "${rocks[@]}" groups.sql
"$WEIR" run --memory 16m "${rocks[@]}" groups.sql 2>/dev/null | tail -n 1 >small
"$WEIR" run groups.sql 2>/dev/null | tail -n 1 >large
same "and gives what memory gives" large small
check "its files are gone" [ -z "$(ls -A local 2>/dev/null)" ]

# waits NAME MEMORY QUERY: rows that wait for their time, more of them than memory takes: a second of event time for
# each 10,000 rows, and the watermark stays behind to the end.
waits() {
    local name=$1 memory=$2 query=$3
    {
        cat <<SQL
CREATE TABLE g (id BIGINT, k AS id * 7 % 50000, ts AS TO_TIMESTAMP_LTZ(id / 10, 3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR)
    WITH ('connector' = 'datagen', 'rows-per-second' = '10000000', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '0', 'fields.id.end' = '99999');
CREATE TABLE versions (id BIGINT, ts AS TO_TIMESTAMP_LTZ(id / 10, 3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR,
    PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'datagen', 'rows-per-second' = '10000000', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '0', 'fields.id.end' = '49999');
CREATE TABLE soon (id BIGINT, k AS id * 7 % 50000, ts AS TO_TIMESTAMP_LTZ(id / 10, 3), WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND)
    WITH ('connector' = 'datagen', 'rows-per-second' = '10000000', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '0', 'fields.id.end' = '99999');
CREATE VIEW pairs AS SELECT id, k / 2 AS k, ts FROM g WHERE id < 50000;
CREATE VIEW orders AS SELECT id AS k, IF(id < 40000, 'LEFT', 'COLLECTED') AS what, ts FROM g WHERE id < 50000;
CREATE VIEW orders_soon AS SELECT id AS k, IF(id < 90000, 'LEFT', 'COLLECTED') AS what, ts FROM soon;
CREATE TABLE o (k BIGINT, n BIGINT, v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'waited', 'format' = 'csv');
SQL
        [ ! -e liblate.so ] || echo "CREATE FUNCTION late_orders AS 'late_orders' LANGUAGE C USING ARTIFACT 'liblate.so';"
        echo "INSERT INTO o $query;"
    } >waits.sql
    refused "$name: over the memory limit in memory" "SET 'state.backend.type' = 'rocksdb'" \
        "$WEIR" run --memory "$memory" waits.sql
    rm -rf waited
    check "$name: on RocksDB within it" "$WEIR" run --memory "$memory" "${rocks[@]}" waits.sql
    find waited -type f -exec cat {} + | sort >small
    rm -rf waited
    "$WEIR" run waits.sql >out 2>&1
    find waited -type f -exec cat {} + | sort >large
    rm -rf waited
    same "$name: the same rows" large small
    check "$name: there are some" test -s large
}
waits "hopping windows" 12m "SELECT k, COUNT(*), SUM(id) FROM HOP(TABLE g, DESCRIPTOR(ts), INTERVAL '5' SECOND,
    INTERVAL '10' SECOND) GROUP BY window_start, window_end, k"
waits "sessions" 8m "SELECT k, COUNT(*), SUM(id) FROM SESSION(TABLE g PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' MINUTE)
    GROUP BY window_start, window_end, k"
waits "window joins" 20m "SELECT a.k, a.id, b.id FROM TUMBLE(TABLE g, DESCRIPTOR(ts), INTERVAL '5' SECOND) a
    JOIN TUMBLE(TABLE g, DESCRIPTOR(ts), INTERVAL '5' SECOND) b
    ON a.k = b.k AND a.id <= b.id AND a.window_start = b.window_start AND a.window_end = b.window_end"
waits "Top-N of windows" 12m "SELECT k, id, n FROM (SELECT k, id, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k
    ORDER BY id DESC) AS n FROM TUMBLE(TABLE g, DESCRIPTOR(ts), INTERVAL '5' SECOND)) WHERE n <= 2"
waits "temporal joins" 16m "SELECT g.k, g.id, v.id FROM g LEFT JOIN versions FOR SYSTEM_TIME AS OF g.ts AS v
    ON g.k = v.id AND v.id < 40000"
waits "interval joins" 20m "SELECT a.k, a.id, b.id FROM g a JOIN g b ON a.k = b.k AND a.id <> b.id
    AND b.ts BETWEEN a.ts - INTERVAL '20' SECOND AND a.ts + INTERVAL '20' SECOND"
# pattern TABLE, late ROWS: the queries of two operators; their rows wait for the watermark, or what has been made of them
# waits for more rows.
pattern() {
    echo "SELECT k, a, b FROM $1 MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a, B.id AS b
        PATTERN (A B) DEFINE B AS B.id > A.id)"
}
late() {
    echo "SELECT k, CAST(DATE_FORMAT(left_at, 'ssSSS') AS BIGINT), 0 FROM late_orders(events => TABLE $1,
        timeout => INTERVAL '20' SECOND, on_time => DESCRIPTOR(ts))"
}
waits "rows before a pattern" 12m "$(pattern pairs)"
waits "patterns under way" 16m "$(pattern soon)"
if cc -shared -fPIC -I"$TREE/include" -o liblate.so "$TREE/examples/timeouts/late_orders.c" 2>/dev/null; then
    waits "rows before a process function" 10m "$(late "orders PARTITION BY k ORDER BY ts")"
    waits "timers of a process function" 14m "$(late "orders_soon PARTITION BY k")"
    rm liblate.so
else
    skip "process functions: no C compiler"
fi

# Windows that fire with each row send changes: what those come to is counted.
cat >early.sql <<SQL
SET 'table.exec.emit.early-fire.enabled' = 'true';
SET 'table.exec.emit.early-fire.delay' = '0 ms';
SET 'table.exec.emit.late-fire.enabled' = 'true';
SET 'table.exec.emit.allow-lateness' = '1 s';
$(head -n 3 waits.sql | sed s/99999/29999/)
SELECT COUNT(*), SUM(n), SUM(v * (k + 1)) FROM (SELECT k, COUNT(*) AS n, SUM(id) AS v FROM g
    GROUP BY k, HOP(ts, INTERVAL '3' SECOND, INTERVAL '6' SECOND));
SQL
refused "windows that fire early: over the memory limit in memory" "SET 'state.backend.type' = 'rocksdb'" \
    "$WEIR" run --memory 12m early.sql
check "windows that fire early: on RocksDB within it" "$WEIR" run --memory 12m "${rocks[@]}" early.sql
"$WEIR" run --memory 12m "${rocks[@]}" early.sql 2>/dev/null | grep +U | tail -n 1 >small
"$WEIR" run early.sql 2>/dev/null | grep +U | tail -n 1 >large
same "windows that fire early: the same sums" large small

# ---- the streaming cases, every row on disk after every batch
if [ -d "$TREE/test/sql" ]; then
    "$WEIR" test --timeout 120 "${rocks[@]}" -D weir.state-cache=0 --known "$TREE/test/sql/known-failures.txt" \
        "$TREE/test/sql/flink/stream" >log 2>&1
    check "the streaming cases pass with nothing in the cache" grep -qE '^[1-9][0-9]* passed, 0 failed' log
    # Keys whose timers are equal are called in another order than in memory, as with Flink's RocksDB.
    "$WEIR" test --timeout 120 "${rocks[@]}" -D weir.state-cache=0 --materialised --exempt \
        "$TREE/test/sql/order-of-arrival.txt" "$TREE/test/sql/match" >log 2>&1
    check "the patterns come to the same rows" grep -qE '^[1-9][0-9]* passed, 0 failed' log
fi

# ---- killed, and gone on with elsewhere
ROWS=60000
cat >job.sql <<SQL
CREATE TABLE g (id BIGINT, k AS id % 97, ts AS TO_TIMESTAMP_LTZ(id + id / 5000 * 3000, 3), WATERMARK FOR ts AS ts)
    WITH ('connector' = 'datagen', 'rows-per-second' = '20000', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '1', 'fields.id.end' = '$ROWS');
CREATE TABLE windows_out (k BIGINT, n BIGINT, total BIGINT) WITH ('connector' = 'filesystem', 'path' = 'windows', 'format' = 'csv');
CREATE TABLE sessions_out (k BIGINT, n BIGINT, total BIGINT) WITH ('connector' = 'filesystem', 'path' = 'sessions', 'format' = 'csv');
CREATE TABLE patterns_out (k BIGINT, a BIGINT, c BIGINT) WITH ('connector' = 'filesystem', 'path' = 'patterns', 'format' = 'csv');
CREATE TABLE firsts_out (k BIGINT, id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'firsts', 'format' = 'csv');
CREATE TABLE sums_out (id BIGINT, s BIGINT) WITH ('connector' = 'filesystem', 'path' = 'sums', 'format' = 'csv');
EXECUTE STATEMENT SET BEGIN
INSERT INTO windows_out SELECT k, COUNT(*), SUM(id) FROM TUMBLE(TABLE g, DESCRIPTOR(ts), INTERVAL '2' SECOND) GROUP BY window_start, window_end, k;
INSERT INTO sessions_out SELECT k, COUNT(*), SUM(id) FROM SESSION(TABLE g PARTITION BY k, DESCRIPTOR(ts), INTERVAL '2' SECOND) GROUP BY window_start, window_end, k;
INSERT INTO patterns_out SELECT * FROM g MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a, C.id AS c
    AFTER MATCH SKIP PAST LAST ROW PATTERN (A B C) DEFINE A AS A.id % 3 = 0, B AS B.id % 3 = 1, C AS C.id % 3 = 2);
INSERT INTO firsts_out SELECT f, id FROM (SELECT *, id / 7 AS f, ROW_NUMBER() OVER (PARTITION BY id / 7 ORDER BY ts) AS n FROM g) WHERE n = 1;
INSERT INTO sums_out SELECT id, SUM(id) OVER (PARTITION BY id / 11 ORDER BY ts) FROM g;
END;
SQL
# shown: what the sinks show, in order.
shown() {
    local table
    for table in windows sessions patterns firsts sums; do
        find $table -type f ! -name '.*' -exec cat {} + | sort | sed "s/^/$table /"
        rm -rf $table
    done
}
sed "s/'20000'/'10000000'/" job.sql >whole.sql
"$WEIR" run whole.sql >out 2>&1
shown >expected
check "a job that is left alone gives rows" [ "$(wc -l <expected)" -gt $ROWS ]

echo "note: moments are drawn from seed ${SEED:=$RANDOM}"
RANDOM=$SEED
for incremental in false true; do
    rm -rf cp
    rc=1 round=0 runs=0
    parts=("hashmap 1" "rocksdb 2" "rocksdb 2" "rocksdb 1" "hashmap 1" "rocksdb 1" "rocksdb 7")
    while [ $rc -ne 0 ] && [ $runs -lt 40 ]; do
        read -r backend workers <<<"${parts[round++ % ${#parts[@]}]}"
        "$WEIR" run -D "state.backend.type=$backend" -D "parallelism.default=$workers" -D weir.state-cache=64kb \
            -D "state.backend.rocksdb.localdir=$SCRATCH/local" -D "execution.checkpointing.incremental=$incremental" \
            -D 'execution.checkpointing.interval=50 ms' --checkpoint-dir cp --resume job.sql >out 2>err &
        job=$!
        if [ $round -le 9 ]; then
            sleep "0.$(printf '%03d' $((RANDOM % 700 + 250)))"
            kill -KILL $job 2>/dev/null
        fi
        wait $job 2>/dev/null
        rc=$?
        runs=$((runs + 1))
        if grep -qE '^Error|error:' err && [ $rc -ne 137 ]; then break; fi
    done
    shown >actual
    [ $rc -eq 0 ] || tail -n 3 err
    same "killed in $runs runs, each with another backend or parallelism, incremental $incremental" expected actual
done
rm -rf local

# ---- files that are not what they were
cat >sums.sql <<SQL
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10000000', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '0', 'fields.id.end' = '200000');
CREATE TABLE o (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT id % 50000, COUNT(*) FROM g GROUP BY id % 50000;
SQL
taken=("${rocks[@]}" -D weir.state-cache=1mb -D execution.checkpointing.incremental=true)
"$WEIR" run "${taken[@]}" --checkpoint-dir damaged sums.sql >out 2>&1
chk=$(find damaged -name 'chk-*' | head -n 1)
sst=$(find damaged -name '*.sst' | head -n 1)
check "an incremental checkpoint names RocksDB's files" grep -q "$(basename "${sst:-none}")" "$chk/_metadata"
check "they are gone on with" "$WEIR" run "${taken[@]}" --from-savepoint "$chk" sums.sql
check "by memory too" "$WEIR" run -D parallelism.default=2 --from-savepoint "$chk" sums.sql
cp "$sst" kept
printf X | dd of="$sst" bs=1 seek=100 conv=notrunc 2>/dev/null
refused "a changed file is named" "$(basename "$sst")' is not what the checkpoint wrote: its hash differs" \
    "$WEIR" run "${taken[@]}" --from-savepoint "$chk" sums.sql
refused "by memory too" "$(basename "$sst")' is not what the checkpoint wrote" \
    "$WEIR" run --from-savepoint "$chk" sums.sql
head -c 200 kept >"$sst"
refused "a file that is cut short is named" "$(basename "$sst")' is not what the checkpoint wrote: its size differs" \
    "$WEIR" run "${taken[@]}" --from-savepoint "$chk" sums.sql
rm "$sst"
refused "a missing file is named" "$(basename "$sst")" "$WEIR" run "${taken[@]}" --from-savepoint "$chk" sums.sql
cp kept "$sst"
check "with the file back all is well" "$WEIR" run "${taken[@]}" --from-savepoint "$chk" sums.sql
check "nothing is left in the local directory" [ -z "$(ls -A local 2>/dev/null)" ]
