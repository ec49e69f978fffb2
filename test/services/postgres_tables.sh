#!/usr/bin/env bash
# test/services/postgres_tables.sh - 'jdbc' tables on a real PostgreSQL: what psql sees of what weir
# writes, what weir reads and looks up, and Flink's own answers to the same statements.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/services/postgres.sh"
postgres_need
cd "$SCRATCH" || exit 1
postgres_sql -f "$TREE/test/services/postgres/setup.sql"

secret=not-to-be-printed
# jdbc NAME COLUMNS [OPTIONS [TABLE]]: a CREATE TABLE over PostgreSQL's table of that name.
jdbc() {
    cat <<-SQL
	CREATE TABLE $1 ($2) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://127.0.0.1:$POSTGRES_PORT/$POSTGRES_DB',
	  'table-name' = '${4:-$1}', 'username' = 'postgres', 'password' = '$secret' ${3:+, $3});
	SQL
}
changes="SET 'sql-client.execution.result-mode' = 'changelog';"
# weir SQL...: what a script prints, a failure too.
weir() { "$WEIR" run -e "$changes $*" 2>&1 | tee -a all; }
sorted() { LC_ALL=C sort; }

# --- what Flink says
mkdir cases && ln -s "$TREE/test/sql/flink/data" cases/data
sed "s/:PORT\/postgres/:$POSTGRES_PORT\/$POSTGRES_DB/" "$TREE/test/services/postgres/flink.test" >cases/flink.test
check "Flink's answers" "$WEIR" test cases/flink.test

# --- reading
types="c_bool BOOLEAN, c_i2 SMALLINT, c_i4 INT, c_i8 BIGINT, c_f4 FLOAT, c_f8 DOUBLE, c_num DECIMAL(12, 3), c_text STRING,
  c_vc VARCHAR(10), c_ch CHAR(5), c_date DATE, c_time TIME, c_ts TIMESTAMP(6), c_tstz TIMESTAMP_LTZ(3), c_bytea BYTES,
  c_uuid STRING, c_json STRING, c_jsonb STRING, c_ai ARRAY<INT>, c_at ARRAY<STRING>"
weir "$(jdbc types "$types") SELECT * FROM types;" >out
printf '+I\tTRUE\t1\t2\t3\t1.5\t2.5\t12345.678\ttext\tvc\tch   \t2024-01-02\t03:04:05\t2024-01-02 03:04:05.678901\t' >expected
printf '2024-01-02 03:04:05.678\tx'"'"'0aff'"'"'\ta0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\t{"a": 1}\t{"b": [1, 2]}\t' >>expected
printf '[1, NULL, 3]\t[a, b]\n' >>expected
same "a column of each type is read" expected out
weir "SET 'table.local-time-zone' = 'Asia/Shanghai'; $(jdbc types "$types") SELECT c_tstz, c_ts FROM types;" >out
printf '+I\t2024-01-02 11:04:05.678\t2024-01-02 03:04:05.678901\n' >expected
same "a time with a zone is shown in the session's" expected out
weir "$(jdbc types "c_i4 BIGINT, c_i2 DECIMAL(5, 1), c_num STRING") SELECT * FROM types;" >out
printf '+I\t2\t1.0\t12345.678\n' >expected
same "a column may be declared as what PostgreSQL can make of it" expected out

postgres_sql -c "CREATE TABLE many AS SELECT i AS id, 'name ' || i AS name, i % 7 AS k FROM generate_series(1, 100000) i"
many="id BIGINT, name STRING, k INT"
weir "SET 'execution.runtime-mode' = 'batch'; $(jdbc many "$many") SELECT COUNT(*), SUM(id), MAX(name) FROM many;" >out
printf '100000\t5000050000\tname 99999\n' >expected
same "many rows come in a stream" expected out
parts="'scan.partition.column' = 'id', 'scan.partition.num' = '7', 'scan.partition.lower-bound' = '1', 'scan.partition.upper-bound' = '100000'"
weir "SET 'parallelism.default' = '3'; SET 'execution.runtime-mode' = 'batch'; $(jdbc many "$many" "$parts")
    SELECT COUNT(*), SUM(id), MAX(name) FROM many;" >out
same "parts over three workers give the same" expected out
weir "$(jdbc many "$many") SELECT id, name FROM many WHERE k = 3 AND id BETWEEN 90 AND 120 AND name LIKE 'name 1%';" >out
postgres_sql -c "SELECT id, name FROM many WHERE k = 3 AND id BETWEEN 90 AND 120 AND name LIKE 'name 1%' ORDER BY id" |
    sed 's/|/\t/; s/^/+I\t/' >expected
sorted <out >out2 && sorted <expected >expected2
same "conditions mean the same there" expected2 out2
weir "$(jdbc many "$many") EXPLAIN SELECT id FROM many WHERE k = 3 AND UPPER(name) <> 'X';" >out
check "and are taken over where they are simple" bash -c "sed -n '/Optimized Physical/,\$p' out | grep -q \"where=\[(UPPER(name) <> 'X')\]\""
weir "$(jdbc many "$many") SELECT id FROM many LIMIT 3;" >out
check "LIMIT reads no more" [ "$(wc -l <out)" -eq 3 ]

# --- looking up
cat >orders.csv <<'CSV'
1,1
2,9
3,2
4,
5,1
CSV
orders="CREATE TABLE orders (n INT, id INT, pt AS PROCTIME()) WITH ('connector' = 'filesystem',
    'path' = '$SCRATCH/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');"
lookup() { # lookup OPTIONS [HINT]
    weir "$orders $(jdbc dim "id INT, name STRING, age BIGINT" "$1")
        SELECT ${2:-} n, d.name FROM orders AS o LEFT JOIN dim FOR SYSTEM_TIME AS OF o.pt AS d ON o.id = d.id;"
}
printf '+I\t1\tann\n+I\t2\tNULL\n+I\t3\tbob\n+I\t4\tNULL\n+I\t5\tann\n' >expected
for cache in "'lookup.cache' = 'NONE'" "'lookup.cache' = 'FULL'" \
    "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '1'" \
    "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.expire-after-write' = '1 min', 'lookup.partial-cache.cache-missing-key' = 'false'" \
    "'lookup.cache.max-rows' = '10', 'lookup.cache.ttl' = '1 min'"; do
    lookup "$cache" >out
    same "looked up with $cache" expected out
    lookup "$cache" "/*+ LOOKUP('table' = 'd', 'async' = 'true') */" >out
    same "and asynchronously" expected out
    lookup "$cache" "/*+ LOOKUP('table' = 'd', 'async' = 'true', 'output-mode' = 'allow_unordered', 'capacity' = '3') */" |
        sorted >out
    same "in any order" expected out
done
lookup "'lookup.cache' = 'NONE'" "/*+ LOOKUP('table' = 'd', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay',
    'fixed-delay' = '20 ms', 'max-attempts' = '3') */" >out
same "a miss is asked again, and stays one" expected out
(sleep 0.5; postgres_sql -c "INSERT INTO dim VALUES (9, 'new', 90)") &
lookup "'lookup.cache' = 'NONE'" "/*+ LOOKUP('table' = 'd', 'async' = 'true', 'retry-predicate' = 'lookup_miss',
    'retry-strategy' = 'fixed_delay', 'fixed-delay' = '100 ms', 'max-attempts' = '50') */" >out
wait $!
sed -i 's/^+I\t2\tNULL/+I\t2\tnew/' expected
same "until it is there" expected out
postgres_sql -c "DELETE FROM dim WHERE id = 9"

# Many keys: as PostgreSQL joins them. Several columns make the key, the order of the rows stays.
weir "CREATE TABLE g (id BIGINT, pt AS PROCTIME()) WITH ('connector' = 'datagen', 'number-of-rows' = '20000',
        'fields.id.kind' = 'sequence', 'fields.id.start' = '90001', 'fields.id.end' = '110000');
    $(jdbc many "$many") SELECT COUNT(*), SUM(m.id), MIN(m.name) FROM g LEFT JOIN many FOR SYSTEM_TIME AS OF g.pt AS m
        ON g.id = m.id AND CAST(MOD(g.id, 7) AS INT) = m.k AND m.id <> 100000;" | tail -n 1 >out
postgres_sql -c "SELECT '+U', 20000, sum(id), min(name) FROM many WHERE id > 90000 AND id <> 100000" | tr '|' '\t' >expected
same "thousands of keys are asked together" expected out

# --- writing
postgres_sql -c "CREATE TABLE wide (LIKE types)"
weir "$(jdbc types "$types") $(jdbc wide "$types") INSERT INTO wide SELECT * FROM types;
    INSERT INTO wide (c_text, c_at, c_num) VALUES ('a\"b\\\\c, {x}', ARRAY['q\"', CAST(NULL AS STRING), '\\\\'], 0.5);" >out
postgres_sql -c "SELECT * FROM types" >expected
printf '%s\n' '|||||||a"b\\c, {x}||||||||||||{"q\"",NULL,"\\\\"}' >>expected
postgres_sql -c "UPDATE wide SET c_num = NULL WHERE c_num = 0.5" -c "SELECT * FROM wide ORDER BY c_i2 NULLS LAST" >got
same "a column of each type is written" expected got

postgres_sql -c "CREATE TABLE counts (k int PRIMARY KEY, n bigint, latest text)"
counts=$(jdbc counts "k INT, n BIGINT, latest STRING, PRIMARY KEY (k) NOT ENFORCED")
weir "$(jdbc many "$many") $counts SET 'table.exec.sink.require-on-conflict' = 'false';
    INSERT INTO counts SELECT k, COUNT(*), MAX(name) FROM many GROUP BY k;" >out
postgres_sql -c "SELECT k, count(*), max(name) FROM many GROUP BY k ORDER BY k" >expected
postgres_sql -c "SELECT * FROM counts ORDER BY k" >got
same "upserts leave the latest row of each key" expected got
cat >changes.json <<'JSON'
{"before":null,"after":{"k":100,"n":1,"latest":"a"},"op":"c"}
{"before":null,"after":{"k":101,"n":1,"latest":"b"},"op":"c"}
{"before":{"k":100,"n":1,"latest":"a"},"after":{"k":100,"n":2,"latest":"c"},"op":"u"}
{"before":{"k":101,"n":1,"latest":"b"},"after":null,"op":"d"}
{"before":{"k":0,"n":1,"latest":"b"},"after":null,"op":"d"}
JSON
weir "CREATE TABLE c (k INT, n BIGINT, latest STRING, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'filesystem',
        'path' = '$SCRATCH/changes.json', 'format' = 'debezium-json'); $counts INSERT INTO counts SELECT * FROM c;" >out
postgres_sql -c "SELECT * FROM counts WHERE k IN (0, 100, 101)" >got
echo '100|2|c' >expected
same "deletions delete" expected got
postgres_sql -c "CREATE TABLE log (id bigint, name text)"
weir "$(jdbc many "$many") $(jdbc log "id BIGINT, name STRING" "'sink.buffer-flush.max-rows' = '7'")
    INSERT INTO log SELECT id, name FROM many;" >out
postgres_sql -c "SELECT count(*), sum(id), count(DISTINCT name) FROM log" >got
echo '100000|5000050000|100000' >expected
same "without a key rows are added" expected got

# A slow stream: rows leave after the interval, not at the end.
postgres_sql -c "CREATE TABLE slow (id bigint)"
env --default-signal=INT "$WEIR" run -e "CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '20');
    $(jdbc slow "id BIGINT" "'sink.buffer-flush.interval' = '100 ms', 'sink.buffer-flush.max-rows' = '1000000'")
    INSERT INTO slow SELECT id FROM g" >slow.log 2>&1 &
job=$!
arrived() { [ "$(postgres_sql -c 'SELECT count(*) FROM slow')" -ge 3 ]; }
check "rows leave after the interval" wait_for 20 arrived
# The connection is lost: it is made again, and nothing is lost.
postgres_sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE '%slow%' AND pid <> pg_backend_pid()" >/dev/null
before=$(postgres_sql -c 'SELECT count(*) FROM slow')
more() { [ "$(postgres_sql -c 'SELECT count(*) FROM slow')" -ge $((before + 3)) ]; }
check "a lost connection is made again" wait_for 20 more
kill -INT $job 2>/dev/null
wait $job
check "and the job ends well" [ $? -eq 0 ]

# --- what goes wrong is said
says() { # says FACT PATTERN: of the last output
    grep -qE "$2" out && pass "$1" || fail "$1" "$(cat out)"
}
weir "$(jdbc dim "id INT, nme STRING") SELECT * FROM dim;" >out
says "a missing column is named" "has no column 'nme'"
says "with the nearest one" "did you mean 'name'"
weir "$(jdbc gone "id INT") SELECT * FROM gone;" >out
says "a missing table is named" 'relation "gone" does not exist'
postgres_sql -c "CREATE TABLE tight (id int PRIMARY KEY, code varchar(3) NOT NULL, n numeric(4, 1))"
tight=$(jdbc tight "id INT, code STRING, n DECIMAL(10, 1), PRIMARY KEY (id) NOT ENFORCED")
weir "$tight INSERT INTO tight VALUES (1, 'abc', 1), (7, 'abcd', 2), (8, 'x', 3);" >out
says "a text too long names column and row" "column 'code' of the row with id = 7.*value too long"
weir "$tight INSERT INTO tight VALUES (1, 'abc', 1), (9, 'abc', 12345.6);" >out
says "a number too great, too" "column 'n' of the row with id = 9.*numeric field overflow"
weir "$tight INSERT INTO tight VALUES (1, 'abc', 1), (4, CAST(NULL AS STRING), 2);" >out
says "and a NULL" "the row with id = 4.*\"code\".*not-null"
check "nothing of a refused flush is kept" [ "$(postgres_sql -c 'SELECT count(*) FROM tight')" -eq 0 ]
weir "CREATE TABLE d (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://127.0.0.1:1/d', 'table-name' = 'd',
    'username' = 'u', 'password' = '$secret', 'lookup.max-retries' = '0', 'sink.max-retries' = '0'); SELECT * FROM d;" >out
says "a server that is not there is said" "connecting: .*(refused|failed)"
check "no password was printed" bash -c "! grep -q $secret all"
