#!/usr/bin/env bash
# test/services/s3.sh - checkpoints and tables in an S3 store: a real one, started here. MinIO, which
# checks signatures, where it can be had (in PATH, in the cache, or built once by Go); else moto, which does
# not; else all is skipped.
#
#   . test/services/s3.sh            s3_start exports S3_ENDPOINT, S3_SERVER (minio or moto) and its pid in
#                                    S3_SERVER_PID, or fails with the reason in S3_MISSING; s3_stop undoes it
#   test/services/s3.sh              the tests

S3_MINIO_VERSION=v0.0.0-20260212201848-7aac2a2c5b7c
S3_CACHE=${WEIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir}
S3_MISSING=
S3_DIR=
S3_PID=

# Prints the program, built into the cache the first time (2 to 6 minutes).
s3_minio() {
    local home=$S3_CACHE/minio-$S3_MINIO_VERSION
    if command -v minio; then return 0; fi
    if [ ! -x "$home/minio" ]; then
        command -v go >/dev/null || return 1
        mkdir -p "$home.part.$$"
        if GOBIN="$home.part.$$" nice timeout 420 go install "github.com/minio/minio@$S3_MINIO_VERSION" \
            >"$home.part.$$/log" 2>&1 </dev/null; then
            mv -T "$home.part.$$" "$home" 2>/dev/null || rm -rf "$home.part.$$"  # somebody else was first
        else
            rm -rf "$home.part.$$"
            return 1
        fi
    fi
    echo "$home/minio"
}

# Prints the program of a Python environment of its own.
s3_moto() {
    local home=$S3_CACHE/moto-5
    if [ ! -x "$home/bin/moto_server" ]; then
        command -v python3 >/dev/null || return 1
        { python3 -m venv "$home" && timeout 200 "$home/bin/pip" install -q 'moto[server]>=5,<6'; } \
            >/dev/null 2>&1 </dev/null || { rm -rf "$home"; return 1; }
    fi
    echo "$home/bin/moto_server"
}

s3_answers() { curl -s -m 5 -o /dev/null "$S3_ENDPOINT/"; }

s3_start() {
    [ -z "${S3_ENDPOINT:-}" ] || return 0
    [ -z "${WEIR_NO_S3:-}" ] || { S3_MISSING=$WEIR_NO_S3; return 1; }
    command -v curl >/dev/null || { S3_MISSING="no S3: no curl to ask it with"; return 1; }
    local program ports tries=0
    read -r -a ports < <(python3 -c '
import socket
a, b = socket.socket(), socket.socket()
a.bind(("127.0.0.1", 0)); b.bind(("127.0.0.1", 0))
print(a.getsockname()[1], b.getsockname()[1])')
    S3_DIR=$(mktemp -d)
    export S3_ENDPOINT=http://127.0.0.1:${ports[0]} S3_SERVER=minio
    if program=$(s3_minio); then
        (MINIO_ROOT_USER=weir MINIO_ROOT_PASSWORD=not-in-any-message exec "$program" server --quiet \
            --address "127.0.0.1:${ports[0]}" --console-address "127.0.0.1:${ports[1]}" "$S3_DIR/data" \
            >"$S3_DIR/log" 2>&1 </dev/null) &
    elif program=$(s3_moto); then
        S3_SERVER=moto
        (exec "$program" -H 127.0.0.1 -p "${ports[0]}" >"$S3_DIR/log" 2>&1 </dev/null) &
    else
        S3_MISSING="no S3: neither MinIO nor moto can be had"
        unset S3_ENDPOINT S3_SERVER
        rm -rf "$S3_DIR"
        return 1
    fi
    S3_PID=$!
    export S3_SERVER_PID=$S3_PID
    until s3_answers; do
        tries=$((tries + 1))
        if [ $tries -gt 400 ] || ! kill -0 $S3_PID 2>/dev/null; then
            S3_MISSING="no S3: $(tail -n 1 "$S3_DIR/log")"
            s3_stop
            return 1
        fi
        sleep 0.05
    done
}

s3_stop() {
    [ -n "$S3_PID" ] || return 0
    kill "$S3_PID" 2>/dev/null
    timeout 5 tail --pid="$S3_PID" -f /dev/null || kill -9 "$S3_PID" 2>/dev/null
    wait "$S3_PID" 2>/dev/null
    rm -rf "$S3_DIR"
    S3_PID=
    unset S3_ENDPOINT S3_SERVER S3_SERVER_PID
}

# s3_curl METHOD PATH [ARGUMENT...]: a request that is signed by somebody else.
s3_curl() {
    local method=$1 path=$2
    shift 2
    curl -sS -m 60 --fail -X "$method" --user weir:not-in-any-message --aws-sigv4 aws:amz:us-east-1:s3 "$@" \
        "$S3_ENDPOINT$path"
}

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

# ---- the tests ---------------------------------------------------------------------------------

. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2
if "$WEIR" run -D s3.access-key=a -D s3.secret-key=b -D s3.endpoint=nothing://x \
    -e "CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 's3://b/k', 'format' = 'csv');
        SELECT * FROM t" 2>&1 | grep -q 'built without libcurl\|needs libcurl'; then
    skip_all "S3: no libcurl"
fi
s3_start || skip_all "$S3_MISSING"
undo s3_stop
echo "note: the server is $S3_SERVER"
export AWS_ACCESS_KEY_ID=weir AWS_SECRET_ACCESS_KEY=not-in-any-message AWS_ENDPOINT_URL_S3=$S3_ENDPOINT
BUCKET=weir-$$
bucket() { s3_curl PUT "/$BUCKET" 2>/dev/null; }  # a server that has just begun says 503
check "a bucket is made" wait_for 20 bucket
ROWS=60000

# ---- tables ----
csv() { echo "WITH ('connector' = 'filesystem', 'path' = 's3://$BUCKET/$1', 'format' = 'csv')"; }
# rows FOLDER: what lies there, as text.
rows() {
    "$WEIR" run -D execution.runtime-mode=BATCH -e "CREATE TABLE t (id BIGINT, k BIGINT) $(csv "$1");
        CREATE TABLE o (id BIGINT, k BIGINT) WITH ('connector' = 'filesystem', 'path' = 'got', 'format' = 'csv');
        INSERT INTO o SELECT * FROM t" >out 2>&1 || cat out >&2
    find got -type f -exec cat {} + | sort -t, -k1,1n
    rm -rf got
}
GEN="CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '1', 'fields.id.end' = '$ROWS'"
check "a table is written" "$WEIR" run -e "$GEN); CREATE TABLE o (id BIGINT, k BIGINT) $(csv 'a+b c/é');
    INSERT INTO o SELECT id, id / 100 FROM g"
rows 'a+b c/é' >got.csv
seq 1 $ROWS | awk '{ print $1 "," int($1 / 100) }' >want.csv
same "and read, under a name that must be encoded" want.csv got.csv
check "objects are there for others too" grep -q '<Key>a+b c/é/part-' <(s3_curl GET "/$BUCKET?list-type=2")
check "an object of several parts" "$WEIR" run -e "CREATE TABLE g (id BIGINT, t AS REPEAT('x', 1000)) WITH
    ('connector' = 'datagen', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '30000');
    CREATE TABLE o (id BIGINT, t STRING) $(csv parts); INSERT INTO o SELECT * FROM g"
"$WEIR" run -D execution.runtime-mode=BATCH -e "CREATE TABLE o (id BIGINT, t STRING) $(csv parts);
    SELECT COUNT(*), SUM(CHAR_LENGTH(t)), SUM(id) FROM o" >out 2>&1
check "is read whole" grep -q '30000 *| *30000000 *| *450015000' out
PARTED="CREATE TABLE o (id BIGINT, k BIGINT) PARTITIONED BY (k) $(csv parted)"
"$WEIR" run -D execution.runtime-mode=BATCH -e "$PARTED; INSERT INTO o VALUES (1, 1), (2, 2), (3, 2);
    INSERT OVERWRITE o VALUES (4, 2); SELECT * FROM o WHERE k = 2; SELECT COUNT(*) AS n FROM o" >out 2>&1
check "partitions are read alone and written anew" grep -q '^|  4 | 2 |' out
check "the others stay" test "$(grep -c '^| 2 |' out)" -eq 1

# ---- what stands in the way ----
"$WEIR" run -e "CREATE TABLE o (id BIGINT) $(csv nothing); SELECT * FROM o" >out 2>&1
check "what is not there is named" grep -q "s3://$BUCKET/nothing" out
if [ "$S3_SERVER" = minio ]; then
    "$WEIR" run -D s3.access-key=weir -D s3.secret-key=wrong-one -e "CREATE TABLE o (id BIGINT) $(csv nothing);
        SELECT * FROM o; SET" >out 2>&1
    check "a refusal names bucket and key" grep -q "AccessDenied\|SignatureDoesNotMatch" out
    check "and where they lie" grep -q "s3://$BUCKET/nothing" out
    check "and no secret" eval "! grep -q 'wrong-one\|not-in-any-message' out"
fi
env -u AWS_ACCESS_KEY_ID "$WEIR" run -e "CREATE TABLE o (id BIGINT) $(csv nothing); SELECT * FROM o" >out 2>&1
check "without keys it is said how to give them" grep -q "s3.access-key" out
"$WEIR" run -e "$GEN); CREATE TABLE o (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 's3://$BUCKET/c',
    'format' = 'csv', 'auto-compaction' = 'true'); INSERT INTO o SELECT * FROM g" >out 2>&1
check "compaction is refused" grep -q "auto-compaction" out

# A server that is overloaded, and breaks off in the middle of an answer.
cat >busy.py <<'END'
import http.server
seen = {}
class Busy(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_HEAD(self): self.answer(b'')
    def do_GET(self): self.answer(b'1\n2\n')
    def answer(self, body):
        times = seen[self.command] = seen.get(self.command, 0) + 1
        if times <= 2:
            body = b'<Error><Code>SlowDown</Code></Error>' if body else b''
            self.send_response(503)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_response(206 if body else 200)
        self.send_header('Content-Length', '4')
        self.send_header('ETag', '"x"')
        self.end_headers()
        self.wfile.write(body[:2] if times == 3 else body)
        self.close_connection = times == 3
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Busy)
print(server.server_port, flush=True)
server.serve_forever()
END
python3 busy.py >port &
busy=$!
stop_busy() { kill $busy 2>/dev/null; }
undo stop_busy
wait_for 10 test -s port
"$WEIR" run -D "s3.endpoint=http://127.0.0.1:$(cat port)" -e "CREATE TABLE o (id BIGINT) WITH ('connector' = 'filesystem',
    'path' = 's3://b/k', 'format' = 'csv'); SELECT SUM(id) AS n FROM o" >out 2>&1
check "what may pass is tried again" grep -q '+U | 3 |' out

# A store that loses the parts of every upload: with or without having made the object before.
cat >torn.py <<'END'
import http.server, sys
there = set()
class Torn(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_HEAD(self): self.answer(200 if self.path in there else 404, size=2)
    def do_GET(self): self.answer(200, b'<ListBucketResult></ListBucketResult>')
    def do_DELETE(self): self.answer(204)
    def do_PUT(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.answer(200)
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        if 'uploadId=' not in self.path:
            return self.answer(200, b'<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')
        if '/kept/' in self.path: there.add(self.path.split('?')[0])
        self.answer(400, b'<Error><Code>InvalidPart</Code><Message>not found</Message></Error>')
    def answer(self, status, body=b'', size=0):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body) or size))
        self.send_header('ETag', '"x"')
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Torn)
print(server.server_port, flush=True)
server.serve_forever()
END
python3 torn.py >torn.port &
torn=$!
stop_torn() { kill $torn 2>/dev/null; }
undo stop_torn
wait_for 10 test -s torn.port
# torn FOLDER: a job with checkpoints that writes there.
torn() {
    timeout 60 "$WEIR" run -D "s3.endpoint=http://127.0.0.1:$(cat torn.port)" -D 'execution.checkpointing.interval=1 h' \
        --checkpoint-dir "$SCRATCH/torn.cp" -D restart-strategy.type=fixed-delay \
        -D restart-strategy.fixed-delay.attempts=100 -D 'restart-strategy.fixed-delay.delay=10 ms' \
        -e "CREATE TABLE o (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 's3://b/$1', 'format' = 'csv');
            INSERT INTO o VALUES (1)" >out 2>&1
}
check "an upload that was completed before is complete" torn kept || cat out
torn lost
rc=$?
check "one that can never be completed ends the job" test $rc -ne 0 -a $rc -ne 124 || cat out
check "after one attempt" test "$(grep -c 'the job failed and restarts' out)" -le 1 || cat out
check "and the object is named" grep -q "s3://b/lost/part-.*can never be completed" out || cat out
check "with the way out" grep -q "whole one before it" out || cat out

# ---- checkpoints: kill -9, and on from the last one ----
cat >job.sql <<END
$GEN, 'rows-per-second' = '20000');
CREATE TABLE rows_out (id BIGINT, k BIGINT) $(csv rows);
CREATE TABLE sums_out (k BIGINT, n BIGINT) $(csv sums);
CREATE TABLE t (id BIGINT, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '$ROWS', 'rows-per-second' = '20000');
EXECUTE STATEMENT SET BEGIN
    INSERT INTO rows_out SELECT id, id / 100 FROM g;
    INSERT INTO sums_out SELECT id / 1000, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)
        GROUP BY window_start, window_end, id / 1000;
END;
END
echo "note: moments are drawn from seed ${SEED:=$RANDOM}"
RANDOM=$SEED
rc=1 kills=0
for workers in 1 2 1 2; do
    "$WEIR" run -D parallelism.default=$workers -D 'execution.checkpointing.interval=100 ms' \
        -D "execution.checkpointing.incremental=true" --checkpoint-dir "s3://$BUCKET/cp" --resume job.sql >out 2>err &
    job=$!
    sleep "0.$(printf '%03d' $((RANDOM % 600 + 350)))"
    if [ $workers -eq 2 ]; then kill -STOP "$S3_SERVER_PID" && sleep 1.5; kill -CONT "$S3_SERVER_PID"; fi
    kill -KILL $job 2>/dev/null && kills=$((kills + 1))
    wait $job 2>/dev/null
    rc=$?
    [ $rc -ne 0 ] || break
done
[ $rc -eq 0 ] || { "$WEIR" run --checkpoint-dir "s3://$BUCKET/cp" --resume job.sql >out 2>err; rc=$?; }
check "a job that was killed $kills times, the server silent twice, comes to its end" test $rc -eq 0 || cat err
check "it went on from S3" grep -q "going on from s3://$BUCKET/cp" err
rows rows >got.csv
same "each row once" want.csv got.csv
rows sums | awk -F, '{ n[$1] += $2; all += $2 } END { exit !(all == '$ROWS' && n[7] == 1000) }'
check "each group right" test $? -eq 0
check "only what is needed is kept" test "$(s3_curl GET "/$BUCKET?list-type=2&prefix=cp%2F" | grep -o '_metadata<' | wc -l)" -eq 1

# ---- one run at a time: held, stood still, taken over ----
cat >held.sql <<END
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1',
    'fields.id.end' = '$ROWS', 'rows-per-second' = '4000');
CREATE TABLE held_out (id BIGINT, k BIGINT) $(csv held);
INSERT INTO held_out SELECT id, id / 100 FROM g;
END
held=("$WEIR" run -D 'execution.checkpointing.interval=100 ms' -D execution.checkpointing.tolerable-failed-checkpoints=9
    --checkpoint-dir "s3://$BUCKET/hp" --resume held.sql)
checkpointed() { s3_curl GET "/$BUCKET?list-type=2&prefix=hp%2F" | grep -q '_metadata<'; }
"${held[@]}" >out 2>still.err &
still=$!
check "a run holds its directory" wait_for 20 checkpointed
timeout 60 "${held[@]}" >out 2>err
check "another one is refused" test $? -eq 2
check "and told of the first" grep -q "another run of the job, process $still on .*, writes its checkpoints to 's3://$BUCKET/hp/" \
    err || cat err
kill -STOP $still
"${held[@]}" >out 2>over.err &
over=$!

# ---- savepoints, meanwhile ----
export WEIR_RUNTIME_DIR=$SCRATCH/run
"$WEIR" run -D pipeline.name=saved job.sql >out 2>err &
job=$!
listed() { "$WEIR" list | grep -q saved; }
check "a job to be saved" wait_for 20 listed
path=$("$WEIR" stop --savepoint "s3://$BUCKET/sp" saved 2>said)
wait $job
check "stops with a savepoint in S3" grep -q "^s3://$BUCKET/sp/savepoint-" <<<"$path" || cat said err
check "and goes on from it" "$WEIR" run --from-savepoint "$path" -D pipeline.name=saved job.sql

# ---- what stood still goes on ----
wait $over
check "when the first has stood still, another goes on in its place" test $? -eq 0 || cat over.err
check "from its checkpoints" grep -q "going on from s3://$BUCKET/hp" over.err || cat over.err
kill -CONT $still
wait $still
check "the first, woken, ends" test $? -ne 0
check "and is told of it" grep -q "_held' is not this process's any more: .* has taken it over" still.err || cat still.err
rows held >got.csv
same "each row once, from two runs" want.csv got.csv
check "nobody holds it then" test "$(s3_curl GET "/$BUCKET?list-type=2&prefix=hp%2F" | grep -c '_held<')" -eq 0

# ---- increments of RocksDB: its files ----
if "$WEIR" run -D state.backend.type=rocksdb -e "SELECT 1" 2>&1 | grep -q "cannot be loaded"; then
    skip "this system has no RocksDB"
    exit
fi
cat >keyed.sql <<END
$GEN, 'rows-per-second' = '30000');
CREATE TABLE o (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT k, COUNT(*) FROM (SELECT MOD(id, 3000) AS k FROM g) GROUP BY k;
END
keyed=("$WEIR" run -D state.backend.type=rocksdb -D weir.state-cache=0 -D 'execution.checkpointing.interval=100 ms'
    -D "state.backend.rocksdb.localdir=$SCRATCH/local" -D execution.checkpointing.incremental=true
    --checkpoint-dir "s3://$BUCKET/kp" --resume keyed.sql)
for workers in 1 1 2; do
    "${keyed[@]}" -D "parallelism.default=$workers" >out 2>err &
    job=$!
    sleep 0.6
    kill -KILL $job 2>/dev/null
    wait $job 2>/dev/null
done
s3_curl GET "/$BUCKET?list-type=2&prefix=kp%2F" >listing
check "tables of RocksDB lie in S3" grep -q '\.sst<' listing
check "a job on RocksDB goes on from there" "${keyed[@]}" -D parallelism.default=2
keys=$(s3_curl GET "/$BUCKET?list-type=2&prefix=kp%2F" | grep -o 'kp/[^<]*/chk-[0-9]*/_metadata' | head -n 1)
"$WEIR" run -D execution.runtime-mode=batch -e "CREATE TABLE s WITH ('connector' = 'savepoint',
    'state.path' = 's3://$BUCKET/${keys%/_metadata}', 'operator.uid' = 'group-aggregate');
    SELECT COUNT(*), SUM(\`rows\`) FROM s" >out 2>&1
check "and counts each row once, as SQL reads there" grep -q "3000 | *$ROWS |" out || cat out
