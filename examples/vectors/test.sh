#!/usr/bin/env bash
# examples/vectors/test.sh - each question finds the pages with its words.
. "$(dirname "$0")/../../test/lib.sh"
command -v python3 >/dev/null || skip_all "no python3 to be a model"
WEIR=$(realpath "$WEIR")
"$TREE/examples/vectors/run.sh" "$WEIR" >"$SCRATCH/out" 2>&1
done=$?
grep -q 'without libcurl\|needs libcurl' "$SCRATCH/out" && skip_all "no libcurl"
check "the example runs" test $done -eq 0 || cat "$SCRATCH/out"
awk -F'|' '$2 ~ /\+I/ { gsub(/^ +| +$/, "", $3); gsub(/ /, "", $4); gsub(/ /, "", $6); print $3 ": " $4, $6 }' \
    "$SCRATCH/out" >"$SCRATCH/found"
cat >"$SCRATCH/expected" <<'ROWS'
I forgot my password: 1 0.71
I forgot my password: 6 0.29
My parcel is lost: 5 0.82
My parcel is lost: 4 0.35
When is the invoice for this month sent: 2 0.77
When is the invoice for this month sent: 4 0.29
ROWS
same "the nearest pages are found" "$SCRATCH/expected" "$SCRATCH/found"
