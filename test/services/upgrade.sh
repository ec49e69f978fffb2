#!/usr/bin/env bash
# A savepoint goes on with another version of its query: what is restored, migrated, dropped or refused is
# told, and the rows are those that both versions together must give.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2
export WEIR_RUNTIME_DIR=$SCRATCH/run
undo kill_job

# A file that grows is a source that has read its first part, and reads the second after the change.
tables() {  # tables TYPE: of the amount
    cat <<END_SQL
CREATE TABLE orders (id BIGINT, k STRING, amount $1, note STRING, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts)
    WITH ('connector' = 'filesystem', 'path' = 'orders', 'format' = 'csv', 'source.monitor-interval' = '50 ms');
CREATE TABLE names (k STRING, name STRING)
    WITH ('connector' = 'filesystem', 'path' = 'names', 'format' = 'csv', 'source.monitor-interval' = '50 ms');
SET 'pipeline.name' = 'upgraded';
END_SQL
}
query() { printf 'CREATE TABLE out_t WITH ('"'connector'='print'"') AS %s;\n' "$1"; }

# change TYPE1 QUERY1 TYPE2 QUERY2 [OPTION...]: the first part with query 1, a savepoint, the second
# part with query 2; what each printed is in out1 and out2, what was told in err2, the exit code in rc.
# A file is a batch: when one of its rows has come out all are in. WAIT_FOR comes of the last one; the old
# row of z closes its windows at once, so that they, too, show that the first file was read.
change() {
    local t1=$1 q1=$2 t2=$3 q2=$4
    shift 4
    rm -rf orders names sp out1 out2
    mkdir orders names
    printf -- '-9000,z,3,o\n1,a,10,x\n2,b,20,y\n3,a,30,z\n' >orders/1.csv
    printf 'a,Anna\n' >names/1.csv
    { tables "$t1"; query "$q1"; } >q1.sql
    { tables "$t2"; query "$q2"; } >q2.sql
    "$WEIR" run q1.sql >out1 2>err1 &
    JOB=$!
    wait_for 20 listed
    wait_for 20 grep -q . out1 || fail "a first row comes out" "$(cat err1)"
    "$WEIR" stop --savepoint sp upgraded >said 2>&1 || fail "stop" "$(cat said err1)"
    wait $JOB
    printf '4,a,5,w\n5,c,7,v\n1005,c,0,v\n' >orders/2.csv
    printf 'b,Bert\nc,Cleo\n' >names/2.csv
    timeout $((10 * PATIENCE)) "$WEIR" run --from-savepoint "$(echo sp/*)" "$@" q2.sql >out2 2>err2 &
    JOB=$!
    wait_for 20 printed_or_gone "${WAIT_FOR:-I\[c}" || fail "${WAIT_FOR:-I\[c} comes out" "$(cat out2)"
    kill -TERM $JOB 2>/dev/null
    wait $JOB
    rc=$?
    JOB=
}
printed_or_gone() { grep -q "$1" out2 || ! kill -0 "$JOB" 2>/dev/null; }
listed() { "$WEIR" list | grep -q upgraded; }
has() { check "$1" grep -qF -- "$2" "$3"; }
lacks() { check "$1" bash -c '! grep -qF -- "$1" "$2"' - "$2" "$3"; }

change INT "SELECT k, COUNT(*) AS n FROM orders GROUP BY k" INT "SELECT k, COUNT(*) AS n FROM orders GROUP BY k"
has "the same query goes on" "+U[a, 3]" out2
lacks "and nothing is told" "the query has changed" err2

change INT "SELECT k, COUNT(*) AS n FROM orders GROUP BY k" \
    INT "SELECT k, SUM(amount) AS s, COUNT(*) AS n FROM orders GROUP BY k"
has "an aggregate more: the old one goes on, the new one counts from here" "+U[a, 5, 3]" out2
has "and it is told" "group-aggregate by k: migrated: SUM(amount) is new and begins empty" err2

change INT "SELECT k, COUNT(*) AS n, SUM(amount) AS s, MAX(amount) AS m FROM orders GROUP BY k" \
    INT "SELECT k, MAX(amount) AS m, COUNT(*) AS n FROM orders GROUP BY k"
has "aggregates in another order, one less" "+U[a, 30, 3]" out2
has "the one that goes is told" "SUM(amount) is gone" err2

change INT "SELECT k, SUM(amount) AS s FROM orders GROUP BY k" \
    BIGINT "SELECT k, SUM(amount) AS s FROM orders GROUP BY k"
has "a wider type: the sum goes on" "+U[a, 45]" out2

WAIT_FOR='I\[7' change INT "SELECT amount AS k, COUNT(*) AS n FROM orders GROUP BY amount" \
    BIGINT "SELECT amount AS k, COUNT(*) AS n FROM orders GROUP BY amount"
has "a wider key" "amount INT -> BIGINT" err2
WAIT_FOR='I\[2' change INT "SELECT MOD(amount, 5) AS k, COUNT(*) AS n FROM orders GROUP BY MOD(amount, 5)" \
    INT "SELECT MOD(amount, 5) AS k, COUNT(*) AS n, MIN(note) AS m FROM orders GROUP BY MOD(amount, 5)"
has "a computed key is known by its words" "+U[0, 4, w]" out2

WAIT_FOR=Cleo change INT "SELECT o.k, o.amount, n.name FROM orders o JOIN names n ON o.k = n.k" \
    INT "SELECT o.k, o.amount, n.name, o.note FROM orders o JOIN names n ON o.k = n.k"
has "a column more of kept rows is NULL in those from before" "+I[b, 20, Bert, null]" out2
has "and there in new ones" "+I[a, 5, Anna, w]" out2
has "which is told" "note is new and NULL in rows kept" err2

change BIGINT "SELECT o.k, o.amount, n.name FROM orders o JOIN names n ON o.k = n.k" \
    INT "SELECT o.k, o.amount, n.name FROM orders o JOIN names n ON o.k = n.k"
check "a narrower type is refused" test $rc -eq 2
has "with both layouts" "amount was BIGINT and is INT" err2
has "and the way out" "--allow-non-restored-state" err2

change INT "SELECT k, COUNT(*) AS n FROM orders GROUP BY k" INT "SELECT note AS k, COUNT(*) AS n FROM orders GROUP BY note"
check "another key is refused" test $rc -eq 2
has "the operator is named" "group-aggregate" err2
WAIT_FOR='I\[v' change INT "SELECT k, COUNT(*) AS n FROM orders GROUP BY k" \
    INT "SELECT note AS k, COUNT(*) AS n FROM orders GROUP BY note" --allow-non-restored-state
has "or begins with nothing when asked to" "+I[v, 1]" out2
has "which is told" "group-aggregate by k: dropped" err2
has "and the source goes on where it stood" "source orders: restored" err2
lacks "without reading again what it had read" "+I[x, 1]" out2

change INT "SELECT c, COUNT(*) AS n FROM (SELECT k, COUNT(*) AS c FROM orders GROUP BY k) GROUP BY c" \
    INT "SELECT c, COUNT(*) AS n, MAX(k) AS m FROM (SELECT k, COUNT(*) AS c FROM orders GROUP BY k) GROUP BY c"
check "a new aggregate over rows that may be taken back is refused" test $rc -eq 2
has "and why" "may take back what it has not seen" err2

WAIT_FOR='I\[c' change INT "SELECT k, COUNT(*) AS n FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end, k" \
    INT "SELECT k, COUNT(*) AS n, SUM(amount) AS s FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end, k"
has "windows that are open take a new aggregate" "+I[a, 3, 5]" out2
WAIT_FOR='I\[a' change INT "SELECT k, COUNT(*) AS n FROM SESSION(TABLE orders PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end, k" \
    INT "SELECT k, COUNT(*) AS n, COUNT(amount) + 14 AS s FROM SESSION(TABLE orders PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end, k"
has "open sessions, too" "+I[a, 3, 15]" out2
has "which is told" "COUNT(amount) is new and begins empty" err2

change INT "SELECT k, COUNT(*) AS n FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end, k" \
    INT "SELECT k, COUNT(*) AS n FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '2' SECOND) GROUP BY window_start, window_end, k"
check "another window is refused" test $rc -eq 2

# Operators that take nothing but what they kept, from the same one over other rows.
pattern() { # pattern TABLE DEFINE
    echo "SELECT * FROM (SELECT * FROM orders $1) MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES FIRST(A.amount) AS x,
        LAST(A.amount) AS y ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A{$2}) DEFINE A AS A.amount > 0)"
}
WAIT_FOR='I\[a' change INT "$(pattern '' 3) UNION ALL SELECT note, 0, 0 FROM orders" \
    INT "$(pattern 'WHERE amount < 1000' 3) UNION ALL SELECT note, 0, 0 FROM orders"
has "a pattern half seen goes on over rows that are filtered" "+I[a, 10, 5]" out2
has "which is told" "match by k: restored" err2
change INT "$(pattern '' 3) UNION ALL SELECT note, 0, 0 FROM orders" INT "$(pattern '' 4) UNION ALL SELECT note, 0, 0 FROM orders"
check "another pattern is refused" test $rc -eq 2
has "by name" "match by k" err2
ranks() { # ranks TABLE SECONDS
    echo "SELECT k, amount, r FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY amount DESC) AS r
        FROM TUMBLE(TABLE $1, DESCRIPTOR(ts), INTERVAL '$2' SECOND)) WHERE r <= 2"
}
WAIT_FOR='I\[c' change INT "$(ranks orders 1)" INT "$(ranks orders 1) AND amount < 1000"
has "ranks in windows that are open go on, filtered otherwise" "+I[a, 30, 1]" out2
change INT "$(ranks orders 1)" INT "$(ranks orders 2)"
check "ranks in other windows are refused" test $rc -eq 2
