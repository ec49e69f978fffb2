#!/usr/bin/env bash
# test/services/serve.sh - weir serve-model: a model is trained, served, asked, replaced while it is asked.
. "$(dirname "$0")/../lib.sh"
command -v curl >/dev/null || skip_all "no curl to ask with"
cd "$SCRATCH" || exit 1
SERVER=
stop_server() {
    [ -n "$SERVER" ] || return 0
    kill -TERM "$SERVER" 2>/dev/null
    wait "$SERVER"
    local rc=$?
    SERVER=
    return $rc
}
undo stop_server
# serve ARGUMENT...: in the background; its address in $AT.
serve() {
    : >out
    "$WEIR" serve-model --listen 127.0.0.1:0 "$@" >out 2>err &
    SERVER=$!
    wait_for 20 grep -q '^serving' out || { cat err; return 1; }
    AT=$(sed 's/.* at //' out)
}
# ask PATH [CURL-ARGUMENT...]: body and status in the file got.
ask() {
    local path=$1
    shift
    curl -sS -m 20 -w '\n%{http_code}\n' -H 'X-AUTH-TOKEN: open sesame' "$@" "$AT$path" >got 2>&1
}
said() { grep -q -- "$1" got || { cat got; return 1; }; }

# Benign below a thickness of 5, else malignant; of those at 5 some are and some are not.
train() {
    "$WEIR" run -D execution.runtime-mode=BATCH -D "weir.models.dir=$PWD/models" -e "
        CREATE TABLE samples (_c0 INT, _c1 INT, label INT) WITH ('connector' = 'filesystem', 'path' = 'samples.csv', 'format' = 'csv');
        CREATE $1 MODEL m WITH ('provider' = 'weir', 'algorithm' = 'decision-tree', 'task' = 'classification', 'label' = 'label')
        AS SELECT * FROM samples" >trained 2>&1
}
samples() {  # samples [FLIP]: 17 at 5, of which 9 are 1
    awk -v flip="${1:-0}" 'BEGIN { for (i = 0; i < 40; i++) print i % 5 ",1," flip
        for (i = 0; i < 17; i++) print "5,1," (i < 9 ? 1 - flip : flip)
        for (i = 0; i < 40; i++) print 6 + i % 5 ",1," 1 - flip }'
}
samples >samples.csv
check "a model is trained" train ""
printf 'open sesame\n' >token
check "it is served" serve --token-file token models
ask /v1/models/m:predict -d '{"instances":[{"_c0":5,"_c1":1,"_c8":1}]}'
cat >want <<'END'
{"predictions":[{"pmml(prediction)":"1","probability(0)":"0.47058823529411764","probability(1)":"0.5294117647058824","prediction":"1.0","label":"1"}]}
200
END
same "and asked" want got
ask /v1/models/m:predict -d '{"instances":[[1,1],[9,1]]}'
check "by place, several at once" said '"label":"0"},{"pmml(prediction)":"1"'
ask /v1/models
check "it is listed" said '"name":"m".*"inputs":\[{"name":"_c0"'
ask /v1/models/m
check "and shown" said '"state":"AVAILABLE"'
ask /v1/models/m:predict -H 'Transfer-Encoding: chunked' -d '{"instances":[[1,1]]}'
check "a body in chunks" said '"label":"0"'
ask /v1/models/m:predict -d '{"instances":[{"_c0":"thick"}]}'
check "a wrong value is named" said "instance 0: field '_c0' should be a number"
check "with 400" said '^400'
ask /v1/models/n:predict -d '{"instances":[]}'
check "a model that is not there" said "there is no model 'n'"
ask /v1/models/m:predict
check "only POST predicts" said '^405'
curl -sS -o got -w '%{http_code}' -H 'X-AUTH-TOKEN: open sesamf' "$AT/v1/models" >>got
check "a wrong token" said '401'
curl -sS -o got -w '%{http_code}' "$AT/v1/models" >>got
check "and none" said '401'
ask /metrics
check "figures are told" said 'weir_model_requests_total{model="m",code="200"} 3'
ask /nothing
check "and nothing else" said '^404'

# ---- another version, while somebody asks ----
cat >load.py <<'END'
import http.client, json, sys, time
host, port = sys.argv[1].removeprefix('http://').split(':')
link = http.client.HTTPConnection(host, int(port), timeout=20)
body, seen = json.dumps({'instances': [[1, 1]] * 7}), {}
end = time.monotonic() + 30
while time.monotonic() < end and not ('0' in seen and '1' in seen and seen['1'] > 50):
    link.request('POST', '/v1/models/m:predict', body, {'X-AUTH-TOKEN': 'open sesame'})
    reply = link.getresponse()
    rows = json.loads(reply.read())['predictions']
    labels = {row['label'] for row in rows}
    assert reply.status == 200 and len(rows) == 7 and len(labels) == 1, rows
    label = labels.pop()
    assert not (label == '0' and seen.get('1')), 'the old model came back'
    seen[label] = seen.get(label, 0) + 1
    if sum(seen.values()) == 1: print('begun', flush=True)
assert seen.get('0') and seen.get('1'), seen
END
timeout 60 python3 load.py "$AT" >load 2>&1 &
load=$!
wait_for 20 grep -q begun load
samples 1 >samples.csv
check "a new version is trained" train "OR REPLACE"
wait $load
check "is taken over under load, each request by one version" test $? -eq 0 || cat load
check "and said" grep -q "version 2 is in service" err
printf 9 >models/m/CURRENT
kill -HUP $SERVER
check "a version that is not there is said" wait_for 10 grep -q "passed over" err
ask /v1/models/m:predict -d '{"instances":[[1,1]]}'
check "and the old one serves" said '"label":"1"'
printf 1 >models/m/CURRENT
kill -HUP $SERVER
check "a roll back" wait_for 10 grep -q "version 3 is in service" err
check "it ends when told" stop_server

printf 'no model' >broken.txt
"$WEIR" serve-model broken.txt >out 2>err
check "what is no model is not served" test $? -eq 2
check "and named" grep -q "broken.txt" err
"$WEIR" serve-model >out 2>err
check "without a model it is said how" grep -q "weir serve-model models/" err
cp models/m/2/model.weir other.weir
check "a file, by its name" serve other.weir
ask /v1/models/other:predict -d '{"instances":[[1,1]]}'
check "is asked" said '"label":"1"'
check "and ends" stop_server
