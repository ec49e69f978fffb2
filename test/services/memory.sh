#!/usr/bin/env bash
# The memory limit: whatever an operator keeps is charged, a job beyond the limit ends with an error
# that names who keeps most, and a charge refused at any moment neither crashes nor leaks.
#
# REFUSE: numbers of the charges that are refused in turn, each over all SQL cases.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2

awk 'BEGIN {
    for (i = 0; i < 60000; i++) {
        ms = i % 1000; s = int(i / 1000)
        printf "%d,%d,name%d,2024-01-01 00:%02d:%02d.%03d\n", i, i % 1000, i % 5000, s / 60, s % 60, ms
    }
}' >rows.csv
cat >tables.sql <<SQL
CREATE TABLE t (id INT, k INT, s STRING, ts TIMESTAMP(3), p AS PROCTIME(),
    WATERMARK FOR ts AS ts - INTERVAL '1' HOUR)
WITH ('connector' = 'filesystem', 'path' = '$SCRATCH/rows.csv', 'format' = 'csv');
CREATE VIEW w AS SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR);
SQL

# over OPERATOR QUERY: at 1 and 3 workers the query needs more than 2 MiB, most of it in OPERATOR.
over() {
    local workers rc
    { cat tables.sql; echo "$2;"; } >job.sql
    for workers in 1 3; do
        "$WEIR" run --memory 2m -D parallelism.default=$workers job.sql >out 2>err
        rc=$?
        if [ $rc -eq 1 ] && grep -qE "operator '$1' keeps most, [0-9]+ rows of state in [1-9][0-9]* KiB: memory limit of 2048 KiB reached" err; then
            pass "'$1' is named, with $workers workers"
        else
            fail "'$1' is named, with $workers workers" "code $rc, $(head -n 1 err)"
        fi
    done
}
over group-aggregate "SELECT id, COUNT(*) FROM t GROUP BY id"
over group-aggregate "SELECT k, LISTAGG(s || s || s), COUNT(DISTINCT id) FROM t GROUP BY k"
over rank "SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY id DESC) AS n FROM t) WHERE n <= 100"
over deduplicate "SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY p) AS n FROM t) WHERE n = 1"
over deduplicate "SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) AS n FROM t) WHERE n = 1"
over over-aggregate "SELECT id, SUM(k) OVER (PARTITION BY k ORDER BY ts) FROM t"
over join "SELECT a.id, b.s FROM t AS a LEFT JOIN t AS b ON a.id = b.id"
over join "SELECT s FROM t INTERSECT SELECT CAST(id AS STRING) FROM t"
over interval-join "SELECT a.id FROM t AS a JOIN t AS b ON a.id = b.id AND a.ts BETWEEN b.ts - INTERVAL '1' HOUR AND b.ts"
over window-aggregate "SELECT id, COUNT(*) FROM w GROUP BY window_start, window_end, id"
over window-aggregate "SELECT id, COUNT(*) FROM t GROUP BY SESSION(ts, INTERVAL '1' HOUR), id"
over window-rank "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, id ORDER BY k) AS n FROM w) WHERE n <= 3"
over window-join "SELECT a.id FROM w AS a JOIN w AS b ON a.id = b.id AND a.window_start = b.window_start AND a.window_end = b.window_end"
over match "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a PATTERN (A B+ C) DEFINE B AS B.id >= 0, C AS C.id < 0) AS m"
over sort "SELECT * FROM t ORDER BY ts, id"

# The N-th charge of every job is refused. What fails then must be the job, in order.
if [ -d "$TREE/test/sql" ]; then
    for n in ${REFUSE:-1 2 3 4 5 6 8 11 17 40}; do
        workers=$((n % 3 + 1))
        "$WEIR" test --timeout 120 -D "weir.refuse-charge=$n" -D "parallelism.default=$workers" \
            "$TREE/test/sql" >log 2>&1
        fact="charge $n of each job refused, with $workers workers"
        if ! tail -n 1 log | grep -qE '^[0-9]+ passed'; then
            fail "$fact" "the run did not come to its end"
        elif grep -B 12 -A 12 -E '^  (crashed|ended the process|took longer)|broken promise|Sanitizer' log >bad; then
            head -n 60 bad | sed 's/^/    /'
            fail "$fact"
        elif ! grep -q 'memory limit' log; then
            fail "$fact" "no job ran into it"
        else
            pass "$fact"
        fi
    done
fi
