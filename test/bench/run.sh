#!/usr/bin/env bash
# test/bench/run.sh [ARGUMENT...]: what `make bench` runs; the arguments go to nexmark.py. On a machine at
# rest it takes about an hour; BENCH_KEYS, BENCH_SECONDS and BENCH_EVENTS make parts of it shorter.
set -eu
cd "$(dirname "$0")/../.."
if [ -f test/bench/decode/decode.c ]; then
    tools/build.sh release weir-bench-decode
    echo "--- decoding, one core"
    build/weir-bench-decode
fi
tools/build.sh release weir-bench-models
echo "--- models, one core"
build/weir-bench-models
tools/build.sh release weir-bench-graphs
echo "--- ONNX and TensorFlow models, one core"
shared=../shared/data
graphs() {
    local name
    for name in lstm32 lstm32_unrolled gru16 lstm2_5step dnn_wavelet conv1d; do
        ls -d $shared/onnx/$name/model.onnx $shared/tf/$name/frozen.pb 2>/dev/null
    done
    ls $shared/onnx/*/model.onnx 2>/dev/null | grep -E 'wisconsin|xgb' || true
}
[ -d $shared/onnx ] || graphs() { ls test/ml/data/onnx/*/model.onnx test/ml/data/tf/*/frozen.pb; }
mapfile -t models < <(graphs)
build/weir-bench-graphs "${models[@]}"
tools/build.sh release weir-bench-train
echo "--- training, one core"
build/weir-bench-train
echo "--- serving a model, one core, wrk on another"
test/bench/serve.sh || true
echo "--- The warehouse's counts (examples/warehouse)"
. test/services/postgres.sh
warehouse() {
    postgres_sql -c 'CREATE TABLE company_orders (company text PRIMARY KEY, orders bigint, dated bigint)' 2>/dev/null
    python3 test/bench/warehouse.py
}
postgres_start || echo "note: $POSTGRES_MISSING"
trap postgres_stop EXIT
warehouse || true
postgres_stop
echo "--- Functions in Python"
python3 test/bench/python.py || true
echo "--- State on RocksDB"
test/bench/state.sh "${BENCH_KEYS:-50000000}" || true
echo "--- Checkpoints"
python3 test/bench/checkpoint.py || true
echo "--- Nexmark"
exec python3 test/bench/nexmark.py "$@"
