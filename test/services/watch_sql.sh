#!/usr/bin/env bash
# test/services/watch_sql.sh - a watch's tables from SQL: metrics registered, history loaded by a query with a
# metric for each group of dimensions, points fed, labels written, alarms, models and points read; and the
# drill-down of a total to the city that fell. No broker, no data base: files.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/watch_server.sh"
serve
platform shop

# Orders of eight days, a line for each city and channel every five minutes; in the last hour Beijing falls.
awk 'BEGIN {
    n = split("Shanghai Beijing Guangzhou Chengdu", city); srand(7)
    for (i = 0; i < 8 * 288; i++) for (c = 1; c <= n; c++) for (k = 1; k <= 2; k++) {
        day = 60 + 40 * sin((i % 288) / 288 * 6.2832)
        value = int(day * (6 - c) * k / 4 + rand() * 6)
        if (i >= 8 * 288 - 12 && c == 2) value = int(value * 0.15)
        print strftime("%Y-%m-%d %H:%M:%S", 1759276800 + 300 * i, 1) "," city[c] "," (k == 1 ? "web" : "app") "," value
    } }' >"$SCRATCH/orders.csv"

WATCH="'connector' = 'watch', 'url' = '$AT', 'token' = '$TOKEN'"
cat >"$SCRATCH/tables.sql" <<SQL
CREATE TABLE events (ts TIMESTAMP(3), city STRING, channel STRING, orders INT, WATERMARK FOR ts AS ts)
    WITH ('connector' = 'filesystem', 'path' = '$SCRATCH/orders.csv', 'format' = 'csv');
CREATE TABLE metrics (id STRING, granularity STRING, \`group\` STRING, sensitivity STRING, part_of STRING,
    labels STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ($WATCH, 'table' = 'metrics');
CREATE TABLE totals (metric STRING, ts TIMESTAMP(3), \`value\` DOUBLE) WITH ($WATCH, 'table' = 'history');
CREATE TABLE points (metric STRING, ts TIMESTAMP(3), \`value\` DOUBLE) WITH ($WATCH, 'table' = 'points');
CREATE TABLE parts (city STRING, channel STRING, ts TIMESTAMP(3), \`value\` DOUBLE) WITH ($WATCH, 'table' = 'history',
    'metric' = 'orders/{city}/{channel}', 'granularity' = '10 min', 'group' = 'orders', 'part-of' = 'orders');
CREATE TABLE fitted (metric STRING, version INT, class STRING, points INT) WITH ($WATCH, 'table' = 'models');
CREATE TABLE alarms (id STRING, event STRING, metric STRING, opened TIMESTAMP_LTZ(3), actual DOUBLE, why STRING)
    WITH ($WATCH, 'table' = 'alarms');
CREATE TABLE labels (metric STRING, alarm STRING, kind STRING, \`from\` BIGINT, \`to\` BIGINT) WITH ($WATCH, 'table' = 'labels');
CREATE VIEW tens AS SELECT city, channel, window_start AS ts, CAST(SUM(orders) AS DOUBLE) AS v
    FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' MINUTE)) GROUP BY city, channel, window_start, window_end;
SQL
sql() { "$WEIR" run -e "$(cat "$SCRATCH/tables.sql") SET 'execution.runtime-mode' = 'batch'; $1" >"$SCRATCH/said" 2>&1; }
says() { sql "$1" && grep -q -- "$2" "$SCRATCH/said" || { cat "$SCRATCH/said"; return 1; }; }
wrong() { ! sql "$1" && grep -q -- "$2" "$SCRATCH/said" || { cat "$SCRATCH/said"; return 1; }; }

check "a metric is registered" sql "INSERT INTO metrics VALUES ('orders', '10 min', 'orders', 'high', CAST(NULL AS STRING), '{\"team\":\"sales\"}')"
check "again is no change" sql "INSERT INTO metrics VALUES ('orders', '10 min', 'orders', 'high', CAST(NULL AS STRING), '{\"team\":\"sales\"}')"
check "a query loads history, a metric for each city and channel" sql "INSERT INTO parts SELECT * FROM tens"
check "and their total" sql "INSERT INTO totals SELECT 'orders', ts, SUM(v) FROM tens WHERE ts < TIMESTAMP '2025-10-08 23:00:00' GROUP BY ts"
check "metrics are rows" says "SELECT COUNT(*), MIN(part_of), MAX(sensitivity) FROM metrics" "9.*orders.*middle"
check "their labels are the dimensions" says "SELECT JSON_VALUE(labels, '\$.city') c FROM metrics WHERE id = 'orders/Chengdu/web'" Chengdu
check "history is rows" says "SELECT metric, COUNT(*), SUM(\`value\`) > 0 FROM totals WHERE metric = 'orders' GROUP BY metric" "orders.*1146.*[Tt][Rr][Uu][Ee]"
check "of all metrics" says "SELECT COUNT(DISTINCT metric), COUNT(*) FROM totals" "9.*10362"
check "a metric is paused" sql "CREATE TABLE stops (id STRING, granularity STRING, paused BOOLEAN) WITH ($WATCH, 'table' = 'metrics'); INSERT INTO stops VALUES ('idle', '1 min', TRUE)"
check "the state of each is a row" says "CREATE TABLE states (metric STRING, state STRING, model INT) WITH ($WATCH, 'table' = 'status'); SELECT metric, state FROM states WHERE metric = 'idle'" "idle.*paused"
check "and goes on" sql "CREATE TABLE stops (id STRING, granularity STRING, paused BOOLEAN) WITH ($WATCH, 'table' = 'metrics'); INSERT INTO stops VALUES ('idle', '1 min', FALSE)"
check "a rule is written in SQL" sql "CREATE TABLE ruled (id STRING, granularity STRING, sensitivity STRING, rule STRING) WITH ($WATCH, 'table' = 'metrics'); INSERT INTO ruled VALUES ('cpu', '1 min', 'high', 'actual > 95')"
check "one that is none is refused" wrong "CREATE TABLE ruled (id STRING, granularity STRING, rule STRING) WITH ($WATCH, 'table' = 'metrics'); INSERT INTO ruled VALUES ('q', '1 min', 'cpu > 95')" "rule's 'cpu' is nothing"
ask points -d '[{"metric":"cpu","ts":1759276800,"value":94},{"metric":"cpu","ts":1759276860,"value":97},{"metric":"cpu","ts":1759276920,"value":50}]' >/dev/null
ruled() { ask metrics/cpu/alarms | grep -q '"kind":"rule".*"begin":1759276860000,"ts":1759276920000.*"rule":"actual > 95"'; }
check "what breaks it is an alarm, from the second point on" wait_for 20 ruled
modelled() { ask metrics/orders/status | grep -q '"model":[1-9]'; }
check "a model is made of it" wait_for 60 modelled
check "models are rows" says "SELECT metric, class FROM fitted WHERE metric = 'orders'" periodic
check "forecasts are rows" says "CREATE TABLE coming (metric STRING, ts TIMESTAMP(3), forecast DOUBLE, low DOUBLE) WITH ($WATCH, 'table' = 'forecasts', 'ahead' = '12'); SELECT metric, COUNT(*), MIN(ts), MIN(forecast) > MIN(low) FROM coming WHERE metric = 'orders' GROUP BY metric" "orders.*12.*2025-10-08 23:00:00.*[Tt][Rr][Uu][Ee]"
ask metrics -d '{"id":"q","granularity":60,"colour":"red"}' >"$SCRATCH/wrong"
ask "metrics/orders/history?from=yesterday" >>"$SCRATCH/wrong"
ask "metrics/orders/forecast?ahead=ten" >>"$SCRATCH/wrong"
ask points -d '{"metric":"orders","ts":"noon","value":1}' >>"$SCRATCH/wrong"
ask points -d '[{"metric":"orders","ts":1759276800,"value":1},{"metric":"orders","ts":1759276800}]' >>"$SCRATCH/wrong"
for said in "no member 'colour'" "from='yesterday' is no time" "ahead='ten' is no whole number" "point 1: its ts is no time" "point 2: it has no value"; do
    check "an error says what and where: $said" grep -qF "$said" "$SCRATCH/wrong"
done
check "a calendar that is not there is named" wrong "CREATE TABLE z (id STRING, granularity STRING, calendar STRING) WITH ($WATCH, 'table' = 'metrics'); INSERT INTO z VALUES ('q', '1 min', 'chnia')" "no calendar of that name"
check "live points are fed by a query" sql "INSERT INTO points SELECT 'orders', ts, SUM(v) FROM tens WHERE ts >= TIMESTAMP '2025-10-08 23:00:00' GROUP BY ts"
alarmed() { sql "SELECT metric, event FROM alarms" && grep -q 'orders.*open' "$SCRATCH/said"; }
check "alarms are rows" wait_for 20 alarmed
check "a label is written" sql "INSERT INTO labels SELECT metric, id, 'true_alarm', CAST(NULL AS BIGINT), CAST(NULL AS BIGINT) FROM alarms WHERE metric = 'orders'"
check "and read" says "SELECT kind, alarm FROM labels" "true_alarm.*shop/orders/1-1"
ask "metrics/orders/drill?from=2025-10-08T23:00:00Z&to=2025-10-08T23:50:00Z" >"$SCRATCH/drill"
check "the city that fell explains the total" grep -q '"explained":\[{"dimension":"city","share":[01][.]*[0-9]*,"surprise":[0-9.]*,"values":\[{"value":"Beijing"[^]]*\]}\]' "$SCRATCH/drill" || cat "$SCRATCH/drill"
check "nobody's points are not lost without a word" wrong "INSERT INTO points VALUES ('nobody', TIMESTAMP '2025-10-09 00:00:00', 1.0)" "nobody"
check "what is wrong is named" wrong "CREATE TABLE x (a STRING) WITH ($WATCH, 'table' = 'alarms'); SELECT * FROM x" "no column 'a'"
check "a token is not shown" eval '! grep -q "$TOKEN" "$SCRATCH/said"'
check "a wrong token is refused" eval "TOKEN=shop.00; WATCH=\"'connector' = 'watch', 'url' = '$AT', 'token' = 'shop.00'\"; wrong \"CREATE TABLE y (id STRING) WITH (\$WATCH, 'table' = 'metrics'); SELECT * FROM y\" 401"
