#!/usr/bin/env bash
# test/bench/run.sh [ARGUMENT...]: what `make bench` runs; the arguments go to nexmark.py.
set -eu
cd "$(dirname "$0")/../.."
if [ -f test/bench/decode/decode.c ]; then
    tools/build.sh release weir-bench-decode
    echo "--- decoding, one core"
    build/weir-bench-decode
fi
echo "--- Nexmark"
exec python3 test/bench/nexmark.py "$@"
