#!/usr/bin/env bash
# test/services/model_names.sh - a name with three addresses is three servers: they share the work, one is killed while a
# job asks, one comes back, and no row is lost or scored twice.
. "$(dirname "$0")/../lib.sh"
WEIR=$(realpath "$WEIR")
# The name is one of this script's alone: it has an /etc/hosts of its own, where that is allowed.
if [ -z "${OWN_HOSTS:-}" ]; then
    printf '127.0.0.1 localhost\n127.0.0.1 scores.test\n127.0.0.2 scores.test\n127.0.0.3 scores.test\n' >"$SCRATCH/hosts"
    # shellcheck disable=SC2016  # expanded by the inner shell
    unshare -m bash -c 'mount --bind "$0" /etc/hosts' "$SCRATCH/hosts" 2>/dev/null ||
        skip_all "no mount namespace to know a name of its own in"
    # shellcheck disable=SC2016
    OWN_HOSTS=1 WEIR=$WEIR unshare -m bash -c 'mount --bind "$0" /etc/hosts && bash "$1"' "$SCRATCH/hosts" "$0"
    exit
fi
"$WEIR" run -e "CREATE MODEL m INPUT (x STRING) OUTPUT (y STRING) WITH ('provider' = 'http', 'endpoint' = 'http://127.0.0.1:1',
    'max-retries' = '0'); SELECT y FROM ML_PREDICT(TABLE (VALUES ('a')) AS t (x), MODEL m, DESCRIPTOR(x))" 2>&1 |
    grep -q 'without libcurl\|needs libcurl' && skip_all "no libcurl"
cd "$SCRATCH" || exit 2
awk 'BEGIN { for (i = 0; i < 200; i++) print i % 10 "," (i % 10 > 4 ? "high" : "low") }' >points.csv
"$WEIR" run -e "CREATE TABLE points (x INT, c STRING) WITH ('connector' = 'filesystem', 'path' = 'points.csv', 'format' = 'csv');
    CREATE MODEL m WITH ('provider' = 'weir', 'algorithm' = 'decision-tree', 'path' = 'models/m') AS SELECT x, c FROM points" >said 2>&1 ||
    fail "a model" "$(cat said)"

SERVERS=() PORT=0
stop_servers() {
    local pid
    for pid in "${SERVERS[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
}
undo stop_servers
# serve LAST: a server at 127.0.0.LAST, at the port of the first one
serve() {
    "$WEIR" serve-model --threads 1 --listen "127.0.0.$1:$PORT" models >"at$1" 2>"err$1" &
    SERVERS[$1]=$!
    wait_for 20 grep -q serving "at$1" || fail "a server" "$(cat "err$1")"
    PORT=$(sed 's/.*://' "at$1")
}
serve 1
serve 2
serve 3
ROWS=12000
cat >job.sql <<SQL
CREATE MODEL m INPUT (x INT) OUTPUT (prediction STRING) WITH ('provider' = 'http', 'endpoint' = 'http://scores.test:$PORT',
    'batch-size' = '20', 'circuit-breaker.pause' = '300 ms', 'retry-interval' = '20 ms', 'connect-timeout' = '500 ms');
CREATE TABLE feed (id BIGINT, x INT) WITH ('connector' = 'datagen', 'rows-per-second' = '4000', 'number-of-rows' = '$ROWS',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '$ROWS', 'fields.x.min' = '0', 'fields.x.max' = '9');
CREATE TABLE scored (id BIGINT, x INT, prediction STRING) WITH ('connector' = 'filesystem', 'path' = 'scored', 'format' = 'csv');
INSERT INTO scored SELECT id, x, prediction FROM ML_PREDICT(TABLE feed, MODEL m, DESCRIPTOR(x));
SQL
"$WEIR" run --stats json job.sql >out 2>err &
LIVE=$!
sleep 0.8
kill -9 "${SERVERS[2]}"
wait "${SERVERS[2]}" 2>/dev/null
sleep 0.8
serve 2
wait "$LIVE"
check "a job whose server is killed ends well" test $? -eq 0
LIVE=
find scored -type f ! -name '.*' -exec cat {} + >rows
check "every row is scored once" test "$(cut -d, -f1 rows | sort -n | uniq | wc -l) $(wc -l <rows)" = "$ROWS $ROWS"
check "and rightly" awk -F, '($2 > 4 ? "high" : "low") != $3 { exit 1 }' rows
servers=$(cat out err | grep -o '"model_servers":\[[^]]*\]' | tail -n 1)
for i in 1 2 3; do
    asked=$(grep -o "\"address\":\"127.0.0.$i\",\"asked\":[0-9]*" <<<"$servers" | sed 's/.*://')
    check "127.0.0.$i has its share" test "${asked:-0}" -gt 50
done
check "the one that was killed has failed" grep -q '"address":"127.0.0.2","asked":[0-9]*,"failed":[1-9]' <<<"$servers"
echo "note: $servers"
