#!/usr/bin/env bash
# SQL of a size that nobody writes and programs do: an answer or an error in reasonable time, never a
# crash, and no time that grows with the square of the text.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2

# many N TEXT [BETWEEN]: TEXT N times, each % in it the number of the time.
many() {
    awk -v n="$1" -v text="$2" -v between="${3:-}" 'BEGIN {
        for (i = 0; i < n; i++) { t = text; gsub(/%/, i, t); printf "%s%s", i ? between : "", t } }'
}
# answers FACT, and refuses FACT: the statement on stdin gives a result, or an error of validation.
run_big() {
    cat >big.sql
    timeout -s KILL $((60 * PATIENCE)) "$WEIR" run --memory 512m big.sql >out 2>err
    rc=$?
    fact=$2
    if [ $rc -eq "$1" ]; then pass "$fact"; else fail "$fact" "code $rc, $(head -c 200 err)"; fi
}
answers() { run_big 0 "$1"; }
refuses() { run_big 2 "$1"; }

{ echo "SELECT"; many 10000 '('; echo 1; many 10000 ')'; } | refuses "10,000 parentheses"
{ echo "SELECT"; many 10000 'NOT '; echo TRUE; } | refuses "10,000 times NOT"
{ echo "SELECT"; many 10000 '1 + '; echo 1; } | refuses "a sum of 10,000"
{ echo "SELECT"; many 3000 'CASE WHEN TRUE THEN '; echo 1; many 3000 ' END'; } | refuses "3,000 CASE, each in the last"
{ many 2000 'SELECT * FROM ('; echo 'SELECT 1'; many 2000 ')'; } | refuses "2,000 subqueries, each in the last"
{ echo "SELECT CAST(NULL AS"; many 5000 'ARRAY<'; echo INT; many 5000 '>'; echo ')'; } | refuses "a type 5,000 deep"
{ echo "SELECT x FROM (VALUES (7), (8)) AS t (x) WHERE x IN ("; many 150000 % ', '; echo ')'; } | answers "IN with 150,000 numbers"
{ echo "SELECT x FROM (VALUES 'a7', 'b') AS t (x) WHERE x NOT IN ("; many 100000 "'a%'" ', '; echo ')'; } | answers "NOT IN with 100,000 texts"
{ echo "SELECT"; many 5000 'x + % AS c%' ', '; echo " FROM (VALUES 1) AS t (x)"; } | answers "5,000 columns"
{ echo "CREATE TABLE t ("; many 5000 'c% INT' ', '; echo ") WITH ('connector' = 'datagen', 'number-of-rows' = '2'); SELECT * FROM t"; } | answers "a table of 5,000 columns"
{ echo "SELECT CASE x"; many 10000 ' WHEN % THEN %'; echo " END FROM (VALUES 1) AS t (x)"; } | answers "CASE of 10,000 branches"
many 2000 'SELECT %' ' UNION ALL ' | answers "UNION ALL of 2,000"
{ echo "SELECT COUNT(*) FROM (VALUES "; many 100000 '(%)' ', '; echo ') AS t (x)'; } | answers "VALUES of 100,000 rows"
{
    echo "WITH c0 AS (SELECT 1 AS x)"
    for i in {1..40}; do echo ", c$i AS (SELECT a.x FROM c$((i - 1)) AS a JOIN c$((i - 1)) AS b ON a.x = b.x)"; done
    echo "SELECT * FROM c40"
} | answers "40 WITH queries, each twice in the next"
