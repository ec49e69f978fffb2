#!/usr/bin/env bash
# test/bench/serve.sh - requests a second that `weir serve-model` answers, and how long they take, asked by
# wrk on the same machine: a decision tree, a row a request.
set -eu
cd "$(dirname "$0")/../.."
WEIR=${WEIR:-$PWD/build/weir}
command -v wrk >/dev/null || { echo "skipped: no wrk"; exit 0; }
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT
awk 'BEGIN { srand(1); for (i = 0; i < 500; i++) { sum = 0; line = ""
    for (c = 0; c < 9; c++) { v = int(1 + rand() * 10); sum += v; line = line v "," }
    print line (sum + rand() * 10 > 55) } }' >"$dir/samples.csv"
columns=$(for c in 0 1 2 3 4 5 6 7 8; do printf '_c%s INT, ' $c; done)
"$WEIR" run -D execution.runtime-mode=BATCH -D "weir.models.dir=$dir/models" -e "
    CREATE TABLE samples (${columns}label INT) WITH ('connector' = 'filesystem', 'path' = '$dir/samples.csv', 'format' = 'csv');
    CREATE MODEL m WITH ('provider' = 'weir', 'algorithm' = 'decision-tree', 'task' = 'classification', 'label' = 'label')
    AS SELECT * FROM samples" >/dev/null 2>&1
cat >"$dir/ask.lua" <<'END'
wrk.method = "POST"
wrk.body = '{"instances":[{"_c0":10,"_c1":3,"_c2":6,"_c3":2,"_c4":3,"_c5":5,"_c6":4,"_c7":10,"_c8":2}]}'
END
"$WEIR" serve-model --threads 1 --listen 127.0.0.1:0 "$dir/models" >"$dir/out" &
server=$!
for _ in $(seq 100); do grep -q serving "$dir/out" && break; sleep 0.05; done
at=$(sed 's/.* at //' "$dir/out")
echo "connections  requests/s      p50      p99"
for connections in 1 8 32 128; do
    wrk -t1 -c$connections -d"${SECONDS_EACH:-3}s" -s "$dir/ask.lua" --latency "$at/v1/models/m:predict" |
        awk -v c=$connections '/50%/ { p50 = $2 } /99%/ { p99 = $2 } /Requests\/sec/ { rate = $2 } /Non-2xx/ { bad = $0 }
            END { printf "%11d %11d %8s %8s%s\n", c, rate, p50, p99, bad }'
done
