#!/usr/bin/env bash
# examples/demo/test.sh - the demo shows what Flink 2.3 shows. Frames and blanks are not compared.
. "$(dirname "$0")/../../test/lib.sh"

cat >"$SCRATCH/expected" <<'ROWS'
Thu 2014-11-27 523184 15654
Thu 2014-12-25 379302 12218
Fri 2014-12-26 499102 18113
Mon 2015-01-26 375311 18923
Tue 2015-01-27 232058 12687
2014-09-06 22:30:00.000 30313
2014-09-06 23:00:00.000 30373
2014-11-02 01:00:00.000 39197
2014-11-02 01:30:00.000 35212
2015-01-01 01:00:00.000 30236
ROWS
cd "$TREE" || exit 1
check "the demo runs" examples/demo/run.sh "$WEIR"
"$WEIR" run examples/demo/demo.sql 2>&1 | sed -E 's/\+I|[|]/ /g; s/ +/ /g; s/^ //; s/ $//' |
    grep -E '^([A-Z][a-z]{2} )?201[45]-' >"$SCRATCH/actual"
same "its rows are those of Flink" "$SCRATCH/expected" "$SCRATCH/actual"
