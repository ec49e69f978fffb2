#!/usr/bin/env bash
# test/services/clickhouse.sh - a real ClickHouse for the tests, on loopback, in a folder of its own.
#
#   . test/services/clickhouse.sh       clickhouse_start sets CLICKHOUSE_PORT (of HTTP) or, when no server
#                                       can be had, fails with the reason in CLICKHOUSE_MISSING;
#                                       clickhouse_stop undoes it. clickhouse_need is for tests: start, or
#                                       skip aloud. clickhouse_sql SQL asks it.
#   test/services/clickhouse.sh         tests the connector
#   test/services/clickhouse.sh run COMMAND...   a server for the time of the command
CLICKHOUSE_MISSING=
CLICKHOUSE_DIR=
CLICKHOUSE_PID=

# clickhouse_sql SQL [PARAMETERS]: what the server says; fails when it says no.
clickhouse_sql() {
    curl -sS -m 60 --fail-with-body "http://127.0.0.1:$CLICKHOUSE_PORT/?${2:-}" --data-binary "$1"
}

clickhouse_launch() {
    local tries=0
    (exec clickhouse-server --config-file="$CLICKHOUSE_DIR/config.xml" >>"$CLICKHOUSE_DIR/log" 2>&1 </dev/null) &
    CLICKHOUSE_PID=$!
    until clickhouse_sql 'SELECT 1' >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ] || ! kill -0 $CLICKHOUSE_PID 2>/dev/null; then
            CLICKHOUSE_MISSING="no ClickHouse: $(tail -n 1 "$CLICKHOUSE_DIR/log")"
            return 1
        fi
        sleep 0.05
    done
}

clickhouse_start() {
    [ -z "${CLICKHOUSE_PORT:-}" ] || return 0
    [ -z "${WEIR_NO_CLICKHOUSE:-}" ] || { CLICKHOUSE_MISSING=$WEIR_NO_CLICKHOUSE; return 1; }
    command -v clickhouse-server >/dev/null || { CLICKHOUSE_MISSING="no ClickHouse: no server is installed"; return 1; }
    command -v curl >/dev/null || { CLICKHOUSE_MISSING="no ClickHouse: no curl to ask it with"; return 1; }
    local ports
    read -r -a ports < <(python3 -c '
import socket
held = [socket.socket() for _ in range(3)]
for one in held: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))')
    CLICKHOUSE_DIR=$(mktemp -d)
    mkdir "$CLICKHOUSE_DIR/data" "$CLICKHOUSE_DIR/tmp"
    cat >"$CLICKHOUSE_DIR/config.xml" <<END
<yandex>
  <logger><level>warning</level><console>true</console></logger>
  <http_port>${ports[0]}</http_port><tcp_port>${ports[1]}</tcp_port>
  <interserver_http_port>${ports[2]}</interserver_http_port>
  <listen_host>127.0.0.1</listen_host>
  <path>$CLICKHOUSE_DIR/data/</path><tmp_path>$CLICKHOUSE_DIR/tmp/</tmp_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
  <timezone>Europe/Berlin</timezone>
  <query_log><database>system</database><table>query_log</table>
    <flush_interval_milliseconds>1000</flush_interval_milliseconds></query_log>
</yandex>
END
    cat >"$CLICKHOUSE_DIR/users.xml" <<END
<yandex>
  <profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    <weir><password>not-in-any-message</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></weir>
  </users>
  <quotas><default></default></quotas>
</yandex>
END
    export CLICKHOUSE_PORT=${ports[0]}
    clickhouse_launch || { clickhouse_stop; return 1; }
}

clickhouse_kill() {
    [ -n "$CLICKHOUSE_PID" ] || return 0
    kill "$CLICKHOUSE_PID" 2>/dev/null
    timeout 10 tail --pid="$CLICKHOUSE_PID" -f /dev/null || kill -9 "$CLICKHOUSE_PID" 2>/dev/null
    wait "$CLICKHOUSE_PID" 2>/dev/null
    CLICKHOUSE_PID=
}

clickhouse_stop() {
    clickhouse_kill
    [ -z "$CLICKHOUSE_DIR" ] || { rm -rf "$CLICKHOUSE_DIR"; unset CLICKHOUSE_PORT; }
    CLICKHOUSE_DIR=
}

clickhouse_need() {
    clickhouse_start || skip_all "$CLICKHOUSE_MISSING"
    undo clickhouse_stop
}

if [ "${BASH_SOURCE[0]}" != "$0" ]; then return 0; fi
if [ "${1:-}" = run ]; then
    shift
    clickhouse_start || { echo "$CLICKHOUSE_MISSING" >&2; exit 77; }
    trap clickhouse_stop EXIT
    "$@"
    exit $?
fi

# ---- the tests ---------------------------------------------------------------------------------

. "$(dirname "$0")/../lib.sh"
clickhouse_need
cd "$SCRATCH" || exit 1
ROWS=20000
echo "note: ClickHouse $(clickhouse_sql 'SELECT version()'); moments are drawn from seed ${SEED:=$$}"
RANDOM=$SEED

with() { echo "WITH ('connector' = 'clickhouse', 'url' = 'clickhouse://127.0.0.1:$CLICKHOUSE_PORT', 'table-name' = '$1'${2:+, $2})"; }
AS_WEIR="'username' = 'weir', 'password' = 'not-in-any-message'"
SIGN="'table.collapsing.field' = 'Sign'"
# asked FACT SQL EXPECTED
asked() {
    clickhouse_sql "$2" >actual 2>&1
    echo "$3" >expected
    same "$1" expected actual
}

# ---- types ----
clickhouse_sql "CREATE TABLE types (b UInt8, i8 Int8, i Int64, u UInt32, f Float32, d Float64, dec Decimal(20,4),
    s String, ns Nullable(String), fs FixedString(4), e Enum8('a' = 1, 'b' = 2), id UUID, da Date, dt DateTime,
    dtz DateTime('Asia/Shanghai'), a Array(Int32), aa Array(Array(Nullable(String))), al Array(LowCardinality(String)),
    ln LowCardinality(Nullable(String)), t Tuple(Int32, String), sd String, sa String, extra Int32 DEFAULT 7)
    ENGINE = MergeTree ORDER BY i" allow_experimental_low_cardinality_type=1
TYPES="CREATE TABLE c (b BOOLEAN, i8 TINYINT, i INT, u BIGINT, f FLOAT, d DOUBLE, \`dec\` DECIMAL(10, 2), s STRING,
    ns STRING, fs CHAR(3), e STRING, id STRING, da DATE, dt TIMESTAMP(3), dtz TIMESTAMP_LTZ(3), a ARRAY<INT>,
    aa ARRAY<ARRAY<STRING>>, al ARRAY<STRING>, \`ln\` STRING, t ROW<x INT, y STRING>, sd DECIMAL(5, 1),
    sa ARRAY<INT>) $(with types "$AS_WEIR");"
row() {
    echo "(TRUE, CAST(-1 AS TINYINT), $1, $2, CAST(1.5 AS FLOAT), 2.5, 12.34, 'x''y', CAST(NULL AS STRING), 'abc', 'b',
    '00112233-4455-6677-8899-aabbccddeeff', DATE '2020-01-02', TIMESTAMP '2020-07-02 03:04:05',
    TO_TIMESTAMP_LTZ(1577934245000, 3), ARRAY[1, 2], ARRAY[ARRAY['q', CAST(NULL AS STRING)]], ARRAY['l', 'm', 'l'],
    $3, ROW(5, 'five'), 1.5, ARRAY[3, 4])"
}
check "a row of all types is written" "$WEIR" run -e "$TYPES INSERT INTO c VALUES $(row 1 3000000000 "'z'"), $(row 2 0 'CAST(NULL AS STRING)')"
T=$'\t'
asked "and read back" "SELECT * FROM types ORDER BY i" "1${T}-1${T}1${T}3000000000${T}1.5${T}2.5${T}12.3400${T}x\\'y${T}\\N${T}abc\\0${T}b${T}00112233-4455-6677-8899-aabbccddeeff${T}2020-01-02${T}2020-07-02 03:04:05${T}2020-01-02 11:04:05${T}[1,2]${T}[['q',NULL]]${T}['l','m','l']${T}z${T}(5,'five')${T}1.5${T}[3, 4]${T}7
1${T}-1${T}2${T}0${T}1.5${T}2.5${T}12.3400${T}x\\'y${T}\\N${T}abc\\0${T}b${T}00112233-4455-6677-8899-aabbccddeeff${T}2020-01-02${T}2020-07-02 03:04:05${T}2020-01-02 11:04:05${T}[1,2]${T}[['q',NULL]]${T}['l','m','l']${T}\\N${T}(5,'five')${T}1.5${T}[3, 4]${T}7"
check "a value that does not fit is named, with its column" refused "column 'u': the value -1 does not fit into UInt32" \
    "$TYPES INSERT INTO c VALUES $(row 3 -1 "'z'")"

# ---- what stands in the way ----
check "a table that is not there" refused "default.nothing" "CREATE TABLE c (i INT) $(with nothing); INSERT INTO c VALUES (1)"
check "a column that is not there" refused "did you mean 'f'" "CREATE TABLE c (fz INT) $(with types); INSERT INTO c VALUES (1)"
check "a type that does not fit" refused "column 'dt' is STRING here and DateTime in ClickHouse" \
    "CREATE TABLE c (dt STRING) $(with types); INSERT INTO c VALUES ('a')"
check "a NULL where there is none" refused "cannot hold" "CREATE TABLE c (i INT) $(with types); INSERT INTO c VALUES (CAST(NULL AS INT))"
check "a wrong password is not printed" refused "are not what the server knows" \
    "CREATE TABLE c (i INT) $(with types "'username' = 'weir', 'password' = 'wrong-one'"); INSERT INTO c VALUES (1)"
check "nor in the message" eval "! grep -q wrong-one said"
check "no server" refused "127.0.0.1:1'" "CREATE TABLE c (i INT) WITH ('connector' = 'clickhouse', 'url' = 'clickhouse://127.0.0.1:1',
    'table-name' = 'types', 'sink.max-retries' = '0'); INSERT INTO c VALUES (1)"
NUMBERS="CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '$ROWS');"
COUNTS="CREATE TABLE c (k BIGINT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)"
check "updates need a sign or a key" refused "table.collapsing.field" "$NUMBERS CREATE TABLE c (k BIGINT, n BIGINT) $(with counts);
    INSERT INTO c SELECT id % 10, COUNT(*) FROM numbers GROUP BY id % 10"
TOP="SELECT k, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC) AS r FROM (SELECT id % 10 AS k, COUNT(*) AS n
    FROM numbers GROUP BY id % 10)) WHERE r <= 3"
check "deletions need a sign" refused "sink.ignore-delete" "$NUMBERS $COUNTS $(with counts); INSERT INTO c $TOP"
check "a guarantee that cannot be kept is refused" refused "needs checkpoints" "CREATE TABLE g (i INT) WITH ('connector' = 'datagen');
    CREATE TABLE c (i INT) $(with types "'sink.delivery-guarantee' = 'exactly-once'"); INSERT INTO c SELECT i FROM g"

# ---- changes ----
clickhouse_sql "CREATE TABLE counts (k Int64, n Int64, Sign Int8) ENGINE = CollapsingMergeTree(Sign) ORDER BY k"
check "a changelog is written" "$WEIR" run -e "$NUMBERS $COUNTS $(with counts "$SIGN");
    INSERT INTO c SELECT id % 10, COUNT(*) FROM numbers GROUP BY id % 10"
asked "as rows that come and go" "SELECT count(), sum(Sign), sum(n * Sign) FROM counts" "$((2 * ROWS - 10))${T}10${T}$ROWS"
asked "which collapse" "SELECT count(), min(n), max(n) FROM counts FINAL" "10${T}2000${T}2000"
clickhouse_sql "CREATE TABLE latest (k Int64, n Int64) ENGINE = ReplacingMergeTree ORDER BY k"
check "upserts are written" "$WEIR" run -e "$NUMBERS $COUNTS $(with latest);
    INSERT INTO c SELECT id % 10, COUNT(*) FROM numbers GROUP BY id % 10"
asked "and the last of each key stays" "SELECT count(), min(n), max(n) FROM latest FINAL" "10${T}2000${T}2000"

# ---- exactly once: weir is killed, and the server ----
clickhouse_sql "CREATE TABLE copies (id Int64, w String, Sign Int8) ENGINE = CollapsingMergeTree(Sign) ORDER BY (w, id)"
start_job() {
    "$WEIR" run --checkpoint-dir checkpoints --resume -e "
        SET 'parallelism.default' = '$1'; SET 'pipeline.max-parallelism' = '128';
        SET 'pipeline.name' = 'copy'; SET 'execution.checkpointing.interval' = '150 ms';
        SET 'restart-strategy.type' = 'fixed-delay'; SET 'restart-strategy.fixed-delay.attempts' = '20';
        SET 'restart-strategy.fixed-delay.delay' = '200 ms';
        CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '5000',
            'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '$ROWS');
        CREATE TABLE copies (id BIGINT, w STRING) $(with copies "$SIGN, $AS_WEIR, 'sink.max-retries' = '0'");
        INSERT INTO copies SELECT id, 'w' FROM numbers" >>log 2>&1 &
    JOB=$!
}
undo kill_job
start_job 2
for kill in 1 2 3 4 5; do
    case $kill in
        2 | 4) kill_at_checkpoint checkpoints/copy ;;
        3)
            sleep 0.$((3 + RANDOM % 5))
            clickhouse_kill
            clickhouse_launch || fail "ClickHouse starts again" "$CLICKHOUSE_MISSING"
            continue
            ;;
        *)
            sleep 0.$((3 + RANDOM % 7))
            kill_job
            ;;
    esac
    start_job $((1 + kill % 3))
done
check "a job that was killed four times, and whose server went away once, comes to its end" timeout 60 tail --pid=$JOB -f /dev/null
wait $JOB
check "and says that all is well" [ $? = 0 ]
JOB=
asked "each row is there once" "SELECT count(), uniqExact(id), sum(id), sum(Sign) FROM copies" \
    "$ROWS${T}$ROWS${T}$((ROWS * (ROWS + 1) / 2))${T}$ROWS"
[ "$TEST_FAILED" = 0 ] || tail -n 5 log
check "what ends by itself inserts at its end" "$WEIR" run -e "CREATE TABLE c (id BIGINT, w STRING)
    $(with copies "$SIGN, 'sink.delivery-guarantee' = 'exactly-once'"); INSERT INTO c VALUES (0, 'last')"
asked "and the row is there" "SELECT id FROM copies WHERE w = 'last'" 0
