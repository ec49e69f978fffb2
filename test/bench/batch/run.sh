#!/usr/bin/env bash
# test/bench/batch/run.sh [WEIR [ROWS]]: a sort, a join and an aggregation of ROWS (10 million) rows in
# batch mode, in memory and under --memory 256m; each must give the same rows both times.
set -eu
cd "$(dirname "$0")/../../.."
weir=${1:-build/weir} rows=${2:-10000000}
data=${XDG_CACHE_HOME:-$HOME/.cache}/weir/batch-$rows
scratch=$(mktemp -d)
TIMEFORMAT='%R %U %S'
trap 'rm -rf "$scratch"' EXIT
table="(id BIGINT NOT NULL, k BIGINT NOT NULL, v STRING NOT NULL)
  WITH ('connector' = 'filesystem', 'path' = '$data', 'format' = 'csv')"
if [ ! -d "$data" ]; then
    "$weir" run -D execution.runtime-mode=batch -e "
        CREATE TABLE made (id BIGINT, k BIGINT, v STRING) WITH ('connector' = 'datagen',
            'rows-per-second' = '1000000000',
            'number-of-rows' = '$rows', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1',
            'fields.id.end' = '$rows', 'fields.k.min' = '1', 'fields.k.max' = '$((rows / 2))',
            'fields.v.length' = '16');
        CREATE TABLE t $table; INSERT INTO t SELECT * FROM made" >/dev/null
fi
declare -A query=(
    [sort]="SELECT SUM(MOD(n, 1000) * id) FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY v) AS n FROM t)"
    [join]="SELECT COUNT(*), SUM(a.id - b.id), MAX(b.v) FROM t a JOIN t b ON a.k = b.id"
    [aggregate]="SELECT COUNT(*), SUM(c), MAX(m) FROM (SELECT k, COUNT(*) AS c, MAX(v) AS m FROM t GROUP BY k)"
)
printf '%-10s %8s %10s %10s %10s\n' query memory wall CPU peak
for name in sort join aggregate; do
    for memory in 16g 256m; do
        { time "$weir" run --stats json -D execution.runtime-mode=batch --memory $memory -D "io.tmp.dirs=$scratch" \
            -e "CREATE TABLE t $table; ${query[$name]}" >"$scratch/out" 2>"$scratch/err"; } 2>"$scratch/time" ||
            { cat "$scratch/err"; exit 1; }
        grep -v '^{' "$scratch/out" >"$scratch/$memory"
        peak=$(sed -n 's/.*"resident_peak_bytes": *\([0-9]*\).*/\1/p' "$scratch/out")
        awk -v name=$name -v memory=$memory -v peak="$peak" '{
            printf "%-10s %8s %8.1f s %8.1f s %6d MiB\n", name, memory, $1, $2 + $3, peak / 1048576 }' "$scratch/time"
    done
    cmp -s "$scratch/16g" "$scratch/256m" || { echo "FAIL $name: not the same rows"; exit 1; }
done
