#!/usr/bin/env bash
# examples/watch/run.sh [WEIR]: a metric watch from nothing to its first alarm, in some seconds: a platform
# registers a metric, loads two weeks of history, sends a day point by point, orders break down in the
# afternoon, and the alarm says so. Needs curl and awk.
set -eu
weir=$(realpath "${1:-build/weir}")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$work"' EXIT
cd "$work"

echo "-- the watch"
"$weir" watch serve --dir watch --listen 127.0.0.1:0 >out 2>log &
server=$!
until at=$(sed -n 's/^watching at //p' out) && [ -n "$at" ]; do
    kill -0 "$server" 2>/dev/null || { cat log; exit 1; }
    sleep 0.1
done
echo "it listens at $at"

echo "-- a platform and a metric"
curl -s "$at/v1/platforms" -d '{"name":"shop"}' >platform
token=$(sed 's/.*"token":"\([^"]*\)".*/\1/' platform)
ask() { curl -s -H "Authorization: Bearer $token" "$at/v1/$@"; echo; }
ask metrics -d '{"id":"orders","name":"orders a minute","granularity":"1 min","direction":"fall","group":"sales"}'

echo "-- two weeks of history, and a model"
awk -f "$here/orders.awk" -v from=0 -v days=14 >history.csv
ask history -H 'Content-Type: text/csv' --data-binary @history.csv
for ((i = 0; i < 300; i++)); do
    ask metrics/orders/status >status
    grep -q '"state":"live"' status && break
    sleep 0.1
done
ask metrics/orders/model

echo "-- the next day; from 15:00 on half an hour of trouble"
awk -f "$here/orders.awk" -v from=14 -v days=1 -v trouble=900 >today.csv
ask points -H 'Content-Type: text/csv' --data-binary @today.csv
for ((i = 0; i < 300; i++)); do
    ask metrics/orders/alarms >alarms
    grep -q '"event":"close"' alarms && break
    sleep 0.1
done

echo "-- what the watch says of it"
cat >alarms.sql <<SQL
CREATE TABLE alarms (id STRING, event STRING, metric STRING, opened TIMESTAMP_LTZ(3), ts TIMESTAMP_LTZ(3))
    WITH ('connector' = 'watch', 'url' = '$at', 'token' = '$token', 'table' = 'alarms');
SET 'table.local-time-zone' = 'UTC';
SELECT id, metric, event, opened, ts AS closed FROM alarms;
SQL
"$weir" run alarms.sql

echo "-- it was one; the next such case is to be told as well"
id=$(sed 's/.*"id":"\([^"]*\)".*/\1/' alarms)
ask labels -d "{\"alarm\":\"$id\",\"kind\":\"true_alarm\"}"
