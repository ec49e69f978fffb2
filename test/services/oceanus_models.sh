#!/usr/bin/env bash
# test/services/oceanus_models.sh - the rest of examples/oceanus: a tree is learnt, judged, written as PMML, served
# by three processes; samples come through Kafka, are scored over HTTP and lie in ClickHouse. One server and the job
# are killed while they work, and each sample is there once, with the prediction that the model in this process gives.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/services/kafka.sh"
. "$TREE/test/services/clickhouse.sh"
kafka_need
clickhouse_need
cd "$SCRATCH" || exit 1
cp "$TREE"/examples/oceanus/*.sql "$TREE"/examples/oceanus/*.csv .
topic=scored-$$
ROWS=6000
sed -i "s/localhost:9092/$KAFKA_BROKER/; s/topic_v2/$topic/; s/localhost:8123/127.0.0.1:$CLICKHOUSE_PORT/; s/'30 s'/'200 ms'/
    s/'10 s'/'200 ms'/; s/'4';/'20';/; s/'rows-per-second'='1'/'rows-per-second'='1500','number-of-rows'='$ROWS'/" ./*.sql

# ---- the model ----
check "a tree is learnt and judged" eval "'$WEIR' run train.sql >learnt 2>&1"
check "it is right in nine of ten" grep -qE '^\|  *0\.9[0-9]+ \|' learnt
check "it is written as PMML" "$WEIR" model export models/m m.pmml
"$WEIR" model show m.pmml >shown 2>&1
check "which is read back" grep -qi 'tree' shown

# ---- three servers ----
echo sesame >token
SERVERS=()
stop_servers() {
    local pid
    for pid in "${SERVERS[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
    SERVERS=()
}
undo stop_servers
at=
for i in 1 2 3; do
    "$WEIR" serve-model m.pmml --threads 1 --listen 127.0.0.1:0 --token-file token >serving$i 2>&1 &
    SERVERS+=($!)
    check "server $i" wait_for 20 grep -q '^serving' serving$i
    at=$at,$(sed 's/.* at //' serving$i)
done
sed -i "s#'endpoint'='[^']*'#'endpoint'='${at#,}','batch-size'='50'#" model_http.sql

# ---- the job ----
table() { # table NAME
    clickhouse_sql "CREATE TABLE $1 (place Int64, ClumpThickness Int32, BareNuclei Int32, label Int32,
        probability_1 Float64, Sign Int8) ENGINE = CollapsingMergeTree(Sign) ORDER BY place"
}
table predictions
clickhouse_sql 'SYSTEM STOP MERGES' # what is there twice shall be counted twice
WRITER=
JOB=
stop_jobs() { kill -9 $WRITER $JOB 2>/dev/null; }
undo stop_jobs
"$WEIR" run write.sql >written 2>&1 &
WRITER=$!
start_job() {
    env --default-signal=INT "$WEIR" run --checkpoint-dir checkpoints --resume model_http.sql score.sql >>log 2>&1 &
    JOB=$!
}
there() { [ "$(clickhouse_sql 'SELECT count() FROM predictions')" -ge "$1" ]; }
start_job
check "predictions arrive" wait_for 30 there 1
kill -9 "${SERVERS[0]}" && wait "${SERVERS[0]}" 2>/dev/null
check "and go on when a server is killed" wait_for 30 there 1000
for rows in 1500 3000; do
    wait_for 30 there $rows
    kill -9 $JOB && wait $JOB 2>/dev/null
    start_job
done
wait $WRITER
check "$ROWS samples were written" [ $? -eq 0 ]
check "a job that was killed twice scores them all" wait_for 60 there $ROWS
kill -INT $JOB
check "and ends when told" timeout 30 tail --pid=$JOB -f /dev/null
wait $JOB
check "well" [ $? -eq 0 ] || tail -n 5 log
kafka_read $topic >topic
clickhouse_sql 'SELECT count(), uniqExact(place), sum(Sign) FROM predictions' >got
printf '%s\t%s\t%s\n' "$(wc -l <topic)" "$ROWS" "$ROWS" >want
same "each sample is there once" want got
check "other servers took over" test "$(for i in 2 3; do curl -s "$(sed 's/.* at //' serving$i)/metrics"; done |
    sed -n 's/^weir_model_rows_total.* //p' | awk '{ n += $1 } END { print n }')" -gt $((ROWS / 2))

# ---- the same by the model in this process ----
table scored
sed -i "s/'table-name'='predictions'/'table-name'='scored'/; s/'format'='csv'/'format'='csv','scan.bounded.mode'='latest-offset'/" score.sql
check "the model in this process" "$WEIR" run model_pmml.sql score.sql
for name in predictions scored; do
    clickhouse_sql "SELECT place, ClumpThickness, BareNuclei, label, probability_1 FROM $name ORDER BY place" >$name
done
same "says the same of each" scored predictions
check "of both kinds" test "$(cut -f4 scored | sort -u | tr '\n' ' ')" = "0 1 "
