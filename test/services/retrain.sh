#!/usr/bin/env bash
# test/services/retrain.sh - a model that a running job trains again: by the clock, compared with the version in use,
# over restarts, and when its query fails.
. "$(dirname "$0")/../lib.sh"
WEIR=$(realpath "$WEIR")
cd "$SCRATCH" || exit 2

# points LIMIT: x and y from 0 to 9; a point is high when x is above the limit.
points() {
    awk -v limit="$1" 'BEGIN { for (i = 0; i < 800; i++) print i % 10 "," int(i / 10) % 10 "," (i % 10 > limit ? "high" : "low") }' >new.csv
    mv new.csv points.csv
}
points 4
TABLE="CREATE TABLE points (x INT, y INT, c STRING) WITH ('connector' = 'filesystem', 'path' = 'points.csv', 'format' = 'csv')"
# model INTERVAL [OPTION...]
model() {
    local interval=$1 more=
    shift
    [ $# -eq 0 ] || more=", $*"
    echo "CREATE MODEL m WITH ('provider' = 'weir', 'algorithm' = 'decision-tree', 'path' = 'm', 'retrain.interval' = '$interval',
        'refresh-interval' = '20 ms'$more) AS SELECT x, y, c FROM points"
}
FEED="CREATE TABLE feed (id BIGINT, x INT, y INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'number-of-rows' = 'ROWS',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = 'ROWS', 'fields.x.min' = '0', 'fields.x.max' = '9',
    'fields.y.min' = '0', 'fields.y.max' = '9');
CREATE TABLE scored (id BIGINT, x INT, prediction STRING) WITH ('connector' = 'filesystem', 'path' = 'scored', 'format' = 'csv');
INSERT INTO scored SELECT id, x, prediction FROM ML_PREDICT(TABLE feed, MODEL m, DESCRIPTOR(x, y))"

# ---- by the clock ----
echo "$TABLE; $(model '300 ms'); ${FEED//ROWS/2500};" >job.sql
"$WEIR" run --stats json job.sql >out 2>err &
LIVE=$!
wait_for 10 test -e m/2/meta.json
points 7
wait "$LIVE"
check "the job ends well" test $? -eq 0
LIVE=
check "it trains and says so" grep -q "model 'm' version 2: trained again (interval).*held back, version 1 has .*: in use" err
check "and takes the version up" grep -q "model 'm': version 2 is in use now" err
check "what changed is learned" grep -q '"its_value":0\.[0-8]' m/*/meta.json
check "every row is scored once" test "$(find scored -type f ! -name '.*' -exec cat {} + | cut -d, -f1 | sort -n | uniq | wc -l)" = 2500
check "figures tell of it" grep -q '"trainings":[1-9][0-9]*,"trainings_in_use":[1-9]' <(cat out err)
check "a version tells what it learned from" grep -q '"data":\[{"name":"x","missing":0,"least":0,"most":9},.*{"name":"c","missing":0,"least":"high","most":"low"}\],"sources":\[{"table":"points","splits":\[{"split":"[^"]*points.csv","from":0,"to":[1-9][0-9]*}\]}\]' m/1/meta.json
check "so does one that was trained again" grep -q '"splits":\[{"split":"[^"]*points.csv","from":0' m/2/meta.json
check "the query is kept" grep -q "retrain.query.*SELECT" <("$WEIR" run -e "$TABLE; $(model '1 d'); SHOW CREATE MODEL m" 2>/dev/null)

# ---- restarts ----
versions() { find m -name meta.json | wc -l; }
before=$(versions)
check "what is young enough is taken up" "$WEIR" run -e "$TABLE; $(model '1 d')"
check "and not trained again" test "$(versions)" = "$before"
echo "$TABLE; $(model '1 d'); ${FEED//ROWS/100};" >young.sql
check "by a job neither" bash -c "'$WEIR' run young.sql 2>said && grep -q 'is there already; it is trained again in 86' said"
check "its versions stay" test "$(versions)" = "$before"
check "other options are another model" "$WEIR" run -e "$TABLE; $(model '1 d' "'max-depth' = '3'")"
check "which is trained" test "$(versions)" = "$((before + 1))"

# ---- a version that is worse ----
awk 'BEGIN { for (i = 0; i < 800; i++) { x = i % 10; y = int(i / 10) % 10; print x "," y "," ((x > 4) == (y > 4) ? "same" : "other") } }' >points.csv
rm -rf m scored
"$WEIR" run -e "$TABLE; $(model '1 d')" >said 2>&1 || fail "a good version" "$(cat said)"
"$WEIR" run -e "$TABLE; $(model '1 d' "'max-depth' = '1'"); ALTER MODEL m SET ('version' = '1')" >said 2>&1 || fail "a bad one" "$(cat said)"
echo "$TABLE; $(model '200 ms' "'max-depth' = '1'"); ALTER MODEL m SET ('version' = '1'); ${FEED//ROWS/1000};" >worse.sql
sleep 0.2
"$WEIR" run worse.sql >out 2>err
check "a job with a model that gets worse ends well" test $? -eq 0
check "what is worse is kept" grep -q "trained again (interval).*held back, version 1 has 1: version 1 stays in use" err
check "and not used" test "$(cat m/CURRENT)" = 1
check "which its file says" grep -q '"retrained":{"why":"interval","in_use":false' m/*/meta.json

# ---- series: the last rows of each are held back, and forecast from the rows before them ----
rm -rf scored
awk 'BEGIN { for (i = 0; i < 400; i++) printf "%s,%.3f\n", i % 2 ? "a" : "b", sin(int(i / 2)) }' >waves.csv
WAVES="CREATE TABLE waves (sensor STRING, v DOUBLE) WITH ('connector' = 'filesystem', 'path' = 'waves.csv', 'format' = 'csv');
CREATE MODEL wave WITH ('provider' = 'weir', 'algorithm' = 'gru', 'label' = 'v', 'window' = '6', 'series' = 'sensor', 'units' = '4',
    'epochs' = 'EPOCHS', 'path' = 'wave', 'refresh-interval' = '20 ms', 'retrain.interval' = 'INTERVAL') AS SELECT sensor, v FROM waves"
waves() { local text=${WAVES//EPOCHS/$1}; echo "${text//INTERVAL/$2}"; }
PAST="CREATE VIEW past AS SELECT id, ARRAY[SIN(id), SIN(id + 1), SIN(id + 2), SIN(id + 3), SIN(id + 4), SIN(id + 5)] AS v FROM feed"
ASK=${FEED/TABLE feed, MODEL m, DESCRIPTOR(x, y)/TABLE past, MODEL wave, DESCRIPTOR(v)}
ASK=${ASK/INSERT INTO scored SELECT id, x,/$PAST; INSERT INTO scored SELECT id, 0,}
ASK=${ASK/prediction FROM/CAST(prediction AS STRING) FROM}
echo "$(waves 60 '200 ms'); ${ASK//ROWS/600};" >waves.sql
"$WEIR" run waves.sql >out 2>err
check "a job with a forecaster ends well" test $? -eq 0
check "which is trained again" grep -q "model 'wave' version 2: trained again (interval).*RMSE .* on 80 rows held back, version 1 has 0.*: in use" err
check "every row has a forecast" test "$(find scored -type f ! -name '.*' -exec cat {} + | grep -c ',.*,[-0-9]')" = 600
check "the file tells of the arrays" grep -q '"input":\[{"name":"v","type":"ARRAY<DOUBLE>","size":6}\]' wave/2/meta.json
check "one that has learned less" "$WEIR" run -e "$(waves 1 '1 d'); ALTER MODEL wave SET ('version' = '1')"
rm -rf scored
echo "$(waves 1 '100 ms'); ALTER MODEL wave SET ('version' = '1'); ${ASK//ROWS/500};" >waves.sql
"$WEIR" run waves.sql >out 2>err
check "is not used" grep -q "trained again (interval).*on 80 rows held back, version 1 has 0.*: version 1 stays in use" err

# ---- what fails ----
rm -rf scored
echo "$TABLE; $(model '200 ms' "'max-depth' = '1'"); ALTER MODEL m SET ('version' = '1', 'retrain.query' = 'SELECT x, y, c FROM gone'); ${FEED//ROWS/500};" >broken.sql
"$WEIR" run broken.sql >out 2>err
check "a query that fails does the job no harm" test $? -eq 0
check "and is told of" grep -q "model 'm' could not be trained again: .*gone.*; next attempt in 1 s" err
"$WEIR" run -e "$TABLE; $(model 'soon')" >out 2>&1
check "an interval that is none" grep -q "'retrain.interval' = 'soon' is no time like '14 d'" out
