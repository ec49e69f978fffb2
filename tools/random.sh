#!/usr/bin/env bash
# tools/random.sh SEED COUNT [OPTION...]: random queries through weir, and its judges; options and
# output are described in test/random/README.md. Uses $WEIR, or the optimised build.
set -eu
cd "$(dirname "$0")/.."
command -v python3 >/dev/null || { echo "SKIP random queries: no python3"; exit 0; }
export WEIR=${WEIR:-build/weir}
[ -x "$WEIR" ] || tools/build.sh release weir >/dev/null
exec python3 -B test/random/run.py "$@"
