#!/usr/bin/env bash
# examples/demo/run.sh [WEIR]: shows the demo; `make demo` calls it.
set -eu
cd "$(dirname "$0")/../.."
weir=${1:-build/weir}

cat <<'TEXT'
Passengers of New York's taxis, July 2014 to January 2015 (examples/demo/data/nyc_taxi.csv).
The question: on which days did the city stand still, and when could you not get a taxi?
The script: examples/demo/demo.sql, plain Flink SQL.

TEXT
"$weir" run examples/demo/demo.sql
cat <<'TEXT'

Thanksgiving, Christmas, and the blizzard of January 2015 (on the 27th the city was closed); a
Saturday night, New Year, and the hour of 2 November that the clocks repeated.
Next: read examples/demo/demo.sql, change a number in it, run `make demo` again. `build/weir` is the
SQL shell.
TEXT
