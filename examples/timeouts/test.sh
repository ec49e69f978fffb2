#!/usr/bin/env bash
# examples/timeouts/test.sh - a pattern, a join and a process table function name the same orders: those
# that Flink 2.3 names by the first two.
. "$(dirname "$0")/../../test/lib.sh"
command -v cc >/dev/null || skip_all "no C compiler"

cat >"$SCRATCH/expected" <<'ROWS'
g2 2024-05-02 09:30:00.000
g5 2024-05-02 17:00:00.000
l3 2024-05-02 16:00:00.000
ROWS
check "the example runs" bash -c "'$TREE/examples/timeouts/run.sh' '$WEIR' >'$SCRATCH/out' 2>&1"
for way in by_pattern by_join by_timer; do
    awk -v way=$way '/^by_/ { at = $1 == way } at && $2 == "+I" { print $4, $6, $7 }' "$SCRATCH/out" |
        sort >"$SCRATCH/$way"
    same "$way names the orders" "$SCRATCH/expected" "$SCRATCH/$way"
done
