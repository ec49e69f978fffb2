#!/usr/bin/env bash
# test/bench/run.sh [ARGUMENT...]: what `make bench` runs, part by part; the arguments go to nexmark.py. On a
# machine at rest it takes about an hour; BENCH_KEYS, BENCH_SECONDS, BENCH_ROWS and BENCH_EVENTS make parts
# of it shorter, and BENCH_PARTS="start decode" runs these alone. A part that fails does not stop the others;
# what is missing for one (wrk, PostgreSQL, pandas, RocksDB) is said, and the rest of it runs.
set -eu
cd "$(dirname "$0")/../.."
failed=()
part() {  # NAME WHAT COMMAND...
    local name=$1 what=$2
    shift 2
    case " ${BENCH_PARTS:-$name} " in *" $name "*) ;; *) return 0 ;; esac
    echo "--- $name: $what; load $(cut -d ' ' -f 1 /proc/loadavg)"
    "$@" || { echo "FAIL $name"; failed+=("$name"); }
}

watch() {
    tools/build.sh release weir-bench-watch
    taskset -c 0 build/weir-bench-watch 10000 10 1 && taskset -c 0,1 build/weir-bench-watch 100000 5 2
}
built() { tools/build.sh release "weir-bench-$1" && "build/weir-bench-$@"; }

graphs() {
    local shared=../shared/data models=() name
    if [ -d $shared/onnx ]; then
        for name in lstm32 lstm32_unrolled gru16 lstm2_5step dnn_wavelet conv1d; do
            models+=("$shared/onnx/$name/model.onnx" "$shared/tf/$name/frozen.pb")
        done
        models+=($shared/onnx/*wisconsin*/model.onnx $shared/onnx/*xgb*/model.onnx)
    else
        models=(test/ml/data/onnx/*/model.onnx test/ml/data/tf/*/frozen.pb)
    fi
    mapfile -t models < <(ls -d "${models[@]}" 2>/dev/null)
    built graphs "${models[@]}"
}

warehouse() {
    local status=0
    . test/services/postgres.sh
    if postgres_start; then
        trap postgres_stop EXIT
        postgres_sql -c 'CREATE TABLE company_orders (company text PRIMARY KEY, orders bigint, dated bigint)'
    else
        echo "note: $POSTGRES_MISSING"
    fi
    python3 test/bench/warehouse.py || status=1
    postgres_stop
    trap - EXIT
    return $status
}

tools/build.sh release weir
part start "the command alone" python3 test/bench/start.py
part decode "decoders, one core" built decode
part models "trees and forests in PMML, one core" built models
part series "what judges metrics, one core" built series
part graphs "ONNX and TensorFlow models, one core" graphs
part train "training, one core" built train
part watch "10,000 metrics on one core, 100,000 on two" watch
part detect "what is found and what is missed, by ../shared/anomaly" test/bench/watch.sh
part serve "a model over HTTP, wrk on another core" test/bench/serve.sh
part batch "a sort, a join, an aggregation, in memory and on disk" \
    test/bench/batch/run.sh build/weir "${BENCH_ROWS:-10000000}"
part warehouse "the counts of examples/warehouse" warehouse
part python "functions in Python" python3 test/bench/python.py
part state "state on RocksDB" test/bench/state.sh "${BENCH_KEYS:-50000000}"
part checkpoint "what checkpoints cost" python3 test/bench/checkpoint.py
part nexmark "beside Flink and plain C" python3 test/bench/nexmark.py "$@"
[ ${#failed[@]} -eq 0 ] || { echo "these parts failed: ${failed[*]}"; exit 1; }
