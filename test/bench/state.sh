#!/usr/bin/env bash
# test/bench/state.sh [KEYS]: state on RocksDB beside state in memory: a group aggregation that fits into the
# cache, one of KEYS (50 million) keys within 2 GiB, what a checkpoint of it and an increment cost, and how long
# going on from it takes. Figures are printed, nothing is judged.
set -u
cd "$(dirname "$0")/../.." || exit 2
weir=$PWD/${WEIR:-build/weir} keys=${1:-50000000}
scratch=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/weir-state-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2

# job ROWS KEYS: so many rows, each key visited by a stride that is prime to KEYS.
job() {
    cat <<SQL
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '$(($1 - 1))');
CREATE TABLE o (k BIGINT, n BIGINT, s BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT id * 7919 % $2, COUNT(*), SUM(id) FROM g GROUP BY id * 7919 % $2;
SQL
}
field() { sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p" out | tail -n 1; }
# run ROWS NAME ARGUMENT...: rows a second, CPU, the most memory, the pause.
run() {
    local rows=$1 name=$2 begin=$EPOCHREALTIME seconds
    shift 2
    if ! "$weir" run --stats json "$@" >out 2>err; then
        printf '%-34s %s\n' "$name" "$(head -n 1 err)"
        return
    fi
    seconds=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    printf '%-34s %7s s %9.0f rows/s  CPU %6s s  peak %s MiB  pause %s ms\n' "$name" "$seconds" \
        "$(awk -v r="$rows" -v s="$seconds" 'BEGIN { print r / (s > 0 ? s : 1) }')" "$(field cpu_s)" \
        "$(awk -v b="$(field resident_peak_bytes)" 'BEGIN { printf "%.0f", b / 1048576 }')" "$(field checkpoint_pause_max_ms)"
}
rocks=(-D state.backend.type=rocksdb -D "state.backend.rocksdb.localdir=$scratch/local")
increments=(-D execution.checkpointing.incremental=true --checkpoint-dir "$scratch/cp")

job 8000000 1000000 >small.sql
run 8000000 "1 M keys, in memory" small.sql
run 8000000 "1 M keys, RocksDB, all cached" "${rocks[@]}" small.sql
run 8000000 "1 M keys, RocksDB, 16 MiB cached" "${rocks[@]}" -D weir.state-cache=16mb small.sql

job $((keys / 10 * 11)) "$keys" >large.sql
run $((keys / 10 * 11)) "$((keys / 1000000)) M keys, RocksDB, 2 GiB" --memory 2g "${rocks[@]}" "${increments[@]}" \
    -D "execution.checkpointing.interval=60 s" large.sql
bytes=$(du -sb cp 2>/dev/null | cut -f 1)
awk -v b="$bytes" -v n="$(field checkpoints)" -v last="$(field checkpoint_bytes)" 'BEGIN {
    printf "%-34s %7.0f MiB, after %d a minute apart; the last was an increment of %.0f MiB\n",
        "its checkpoint", b / 1048576, n, last / 1048576 }'
chk=$(find cp -name 'chk-*' | head -n 1)
"$weir" run --stats json --memory 2g "${rocks[@]}" --from-savepoint "$chk" large.sql >out 2>err
awk -v s="$(field restore_s)" -v n="$bytes" 'BEGIN {
    printf "%-34s %7.1f s, %.1f s a GB\n", "going on from it", s, s / n * 1e9 }'
