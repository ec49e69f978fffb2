#!/usr/bin/env bash
# test/services/model_http.sh - the providers 'http', 'openai' and 'triton': models of servers elsewhere, some of
# which fail.
. "$(dirname "$0")/../lib.sh"
command -v python3 >/dev/null || skip_all "no python3 to be a server of models"
cd "$SCRATCH" || exit 1
if "$WEIR" run -e "CREATE MODEL m INPUT (x STRING) OUTPUT (y STRING) WITH ('provider' = 'http', 'endpoint' = 'http://127.0.0.1:1',
    'max-retries' = '0', 'timeout' = '1 s'); SELECT y FROM ML_PREDICT(TABLE (VALUES ('a')) AS t (x), MODEL m, DESCRIPTOR(x))" 2>&1 |
    grep -q 'without libcurl\|needs libcurl'; then
    skip_all "no libcurl"
fi
FAKES=()
stop_fakes() {
    local pid
    for pid in "${FAKES[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
    FAKES=()
}
undo stop_fakes
for i in 1 2; do
    python3 "$TREE/test/services/fake_models.py" asked$i >port$i 2>err$i &
    FAKES+=($!)
    wait_for 20 test -s port$i || fail "a server of models" "$(cat err$i)"
done
A=http://127.0.0.1:$(cat port1) B=http://127.0.0.1:$(cat port2)

# predict OPTIONS VALUES [COLUMNS]: the columns for these rows, in out.
predict() {
    "$WEIR" run -D execution.runtime-mode=BATCH -e "
        CREATE MODEL m INPUT (x STRING) OUTPUT (y STRING, n INT, probability_1 DOUBLE, v ARRAY<FLOAT>) WITH ('provider' = 'http', $1);
        CREATE VIEW t AS SELECT * FROM (VALUES $2) AS t (x);
        SELECT ${3:-x, y, n, probability_1, v} FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(x))" >out 2>&1
}
shows() { grep -q -- "$1" out || { cat out; return 1; }; }
check "rows are predicted" predict "'endpoint' = '$A', 'token' = 'sesame'" "('a'), ('b\"c')"
check "by name, in the declared types" shows '| a   | a   | 1 |          0.25 | \[1.0, 2.5\] |'
check "texts are escaped" shows '| b"c | b"c |'
check "with the token" grep -q '^POST /v1/models/m:predict 2 sesame' asked1
predict "'endpoint' = '$A', 'model-name' = 'a b', 'batch-size' = '2'" "('a'), ('b'), ('c')" "COUNT(*) AS n"
check "in batches, under another name" test "$(grep -c 'POST /v1/models/a%20b:predict' asked1)" -eq 2
predict "'endpoint' = '$A, $B/', 'batch-size' = '1'" "('a'), ('b'), ('c'), ('d'), ('e'), ('f'), ('g'), ('h')" "COUNT(*) AS n"
check "servers are asked in turn" test "$(grep -c 'm:predict 1' asked2)" -ge 3
predict "'endpoint' = '$A', 'max-retries' = '0'" "('a'), ('500')"
check "another answer than 200 ends the job" shows "model 'm': its server answers 500: no answer to 500"
predict "'endpoint' = '$A'" "('404')"
check "with what to look at" shows "what the model is called there"
predict "'endpoint' = '$A'" "('odd')"
check "an answer of another form, too" shows "another number of predictions"
check "or is NULL" predict "'endpoint' = '$A', 'on-error' = 'null', 'max-retries' = '0'" "('a'), ('500'), ('b')"
check "for that row" shows '| 500 | NULL | NULL |'
check "and no other" shows '| b   | b    |'
check "who is busy is asked again" predict "'endpoint' = '$A', 'retry-interval' = '20 ms'" "('busy')"
check "until it answers" shows '| busy | busy |'
predict "'endpoint' = '$A', 'timeout' = '200 ms', 'connect-timeout' = '100 ms', 'max-retries' = '0'" "('slow')"
check "who takes too long is not waited for" shows "no answer to POST"
predict "'endpoint' = 'nowhere'" "('a')"
check "what is no address is said" shows "'nowhere' is no address of a server"
predict "'endpoint' = '$A', 'batch-size' = '0'" "('a')"
check "and what is no number of rows" shows "'batch-size' should be between 1 and"

# ---- as OpenAI ----
# ask MODEL VALUES: the answers of a model that is declared by MODEL, in out.
ask() {
    "$WEIR" run -D execution.runtime-mode=BATCH -e "CREATE MODEL m $1; CREATE VIEW t AS SELECT * FROM (VALUES $2) AS t (x);
        SELECT x, y FROM ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(x))" >out 2>&1
}
CHAT="INPUT (x STRING) OUTPUT (y STRING) WITH ('provider' = 'openai', 'endpoint' = '$A/v1/chat/completions', 'model' = 'parrot'"
check "a chat" ask "$CHAT, 'api-key' = 'k', 'temperature' = '0.5', 'stop' = 'a,b', 'max-tokens' = '9', 'response-format' = 'text')" \
    "('good \"day\"'), (CAST(NULL AS STRING))"
check "is answered" shows 'you said good "day"'
check "a NULL is not asked" shows '| NULL *| NULL'
check "with the key" grep -q '^POST /v1/chat/completions Bearer k' asked1
check "and all that was said" grep -qF '{"model": "parrot", "messages": [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "good \"day\""}], "temperature": 0.5, "max_tokens": 9, "stop": ["a", "b"], "response_format": {"type": "text"}}' asked1
check "who has had too much is asked again" ask "$CHAT, 'api-key' = 'k')" "('429')"
ask "$CHAT, 'api-key' = 'k', 'retry-num' = '1')" "('500')"
check "but not for ever" shows "its server answers 500: too much"
check "or an error is ignored" ask "$CHAT, 'api-key' = 'k', 'error-handling-strategy' = 'IGNORE')" "('500'), ('a')"
check "for its row" shows '| 500 | NULL'
ask "$CHAT, 'api-key' = 'wrong')" "('a')"
check "a wrong key is said" shows "answers 401: who are you?"
check "and not printed" eval "! grep -q 'Bearer\|wrong' out"
ask "$CHAT, 'api-key' = 'k', 'max-context-size' = '2', 'context-overflow-action' = 'truncated-head')" "('0123456789')"
check "a long text is cut" shows 'you said 23456789'
ask "INPUT (x STRING) OUTPUT (y ARRAY<FLOAT>) WITH ('provider' = 'openai', 'endpoint' = '$A/v1/embeddings', 'model' = 'e',
    'api-key' = 'k', 'dimension' = '2')" "('four')"
check "an embedding" shows '| four | \[4.0, 0.5\] |'
ask "INPUT (x STRING) OUTPUT (y STRING) WITH ('provider' = 'openai', 'endpoint' = '$A/v1/x', 'model' = 'e', 'api-key' = 'k')" "('a')"
check "another endpoint is refused" shows "ends in /chat/completions or /embeddings"

# ---- as Triton ----
TRITON="WITH ('provider' = 'triton', 'endpoint' = '$A/v2/models', 'model-name' = 'net'"
check "a tensor" ask "INPUT (x ARRAY<FLOAT>) OUTPUT (y ARRAY<FLOAT>) $TRITON, 'compression' = 'gzip', 'auth-token' = 'k',
    'custom-headers' = 'X-Extra:more', 'priority' = '3')" "(ARRAY[CAST(1.5 AS FLOAT), CAST(2 AS FLOAT)])"
check "is answered by one" shows '| \[1.5, 2.0\] | \[1.5, 2.0\] |'
check "by the protocol" grep -qF '{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2.0]}], "outputs": [{"name": "y"}], "parameters": {"priority": 3}}' asked1
check "with its heads" grep -q '^POST /v2/models/net/infer Bearer k more' asked1
check "a number" ask "INPUT (x INT) OUTPUT (y BIGINT) $TRITON, 'model-version' = '7')" "(5), (CAST(NULL AS INT))"
check "too" shows '|    5 |    5 |'
check "of a version" grep -q '^POST /v2/models/net/versions/7/infer' asked1
ask "INPUT (x DATE) OUTPUT (y BIGINT) $TRITON)" "(DATE '2020-01-01')"
check "a type that no tensor holds" shows "which no tensor holds"

# ---- one of two goes away while rows come ----
cat >job.sql <<END
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '3000', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '1', 'fields.id.end' = '6000');
CREATE TABLE o (id BIGINT, y STRING) WITH ('connector' = 'filesystem', 'path' = 'got', 'format' = 'csv');
CREATE MODEL m INPUT (x STRING) OUTPUT (y STRING) WITH ('provider' = 'http', 'endpoint' = '$A,$B',
    'batch-size' = '20', 'retry-interval' = '50 ms', 'circuit-breaker.pause' = '500 ms');
INSERT INTO o SELECT id, y FROM ML_PREDICT((SELECT id, 'r' || CAST(id AS STRING) AS x FROM g), MODEL m, DESCRIPTOR(x));
END
: >asked2
"$WEIR" run job.sql >out 2>&1 &
job=$!
check "both are asked" wait_for 20 test -s asked2
kill -9 "${FAKES[1]}" && wait "${FAKES[1]}" 2>/dev/null
FAKES=("${FAKES[0]}")
check "a job whose server is killed comes to its end" timeout 60 tail --pid=$job -f /dev/null
wait $job
rc=$?
check "and says that all is well" test $rc -eq 0
[ $rc -eq 0 ] || { echo "rc $rc"; cat out; }
cat got/* | sort -t, -n >rows
seq 1 6000 | awk '{ print $1 ",r" $1 }' >want
same "each row has its prediction" want rows
