#!/usr/bin/env bash
# Snapshots read with SQL: what there is, the rows of each state table as they stood at the instant, of a
# savepoint and of increments, and columns that are declared.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2
mkdir a b
for ((i = 1; i <= 900; i++)); do echo "$i,$((i % 7)),$((i * 2))"; done >a/1.csv
for ((i = 0; i < 7; i++)); do echo "$i,name$i"; done >b/1.csv
cat >job.sql <<'END_SQL'
CREATE TABLE a (id BIGINT, k INT, v INT) WITH ('connector' = 'filesystem', 'path' = 'a', 'format' = 'csv');
CREATE TABLE b (k INT, name STRING) WITH ('connector' = 'filesystem', 'path' = 'b', 'format' = 'csv');
CREATE TABLE counts (k INT, n BIGINT, s INT) WITH ('connector' = 'blackhole');
CREATE TABLE joined (id BIGINT, name STRING) WITH ('connector' = 'blackhole');
SET 'pipeline.name' = 'j';
EXECUTE STATEMENT SET BEGIN
    INSERT INTO counts SELECT k, COUNT(*), MAX(v) FROM a GROUP BY k;
    INSERT INTO joined SELECT a.id, b.name FROM a JOIN b ON a.k = b.k;
END;
END_SQL
read_state() { "$WEIR" run -D execution.runtime-mode=batch -D weir.result-mode=csv -e "$1" 2>&1; }
says() { # says FACT TEXT SQL
    read_state "$3" >said
    check "$1" grep -qF -- "$2" said
}
hows=("1 false hashmap" "2 true hashmap")
if "$WEIR" run -D state.backend.type=rocksdb -e "SELECT 1" 2>&1 | grep -q "cannot be loaded"; then
    skip "this system has no RocksDB"
else
    hows+=("2 true rocksdb" "1 false rocksdb")
fi
for how in "${hows[@]}"; do
    read -r workers incremental backend <<<"$how"
    rm -rf cp
    # Increments: a checkpoint every few batches.
    "$WEIR" run --checkpoint-dir cp -D "parallelism.default=$workers" -D "execution.checkpointing.incremental=$incremental" \
        -D "state.backend.type=$backend" -D weir.state-cache=0 \
        -D weir.batch-rows-max=50 -D weir.cut-every=3 job.sql >out 2>err || fail "the job" "$(cat err)"
    at=$(dirname "$(find "$PWD/cp" -name _metadata | sort | tail -n 1)")
    name="workers $workers, incremental $incremental, $backend"
    [ "$how" != "2 true rocksdb" ] || check "$name: there are files of RocksDB" ls cp/*/shared/*.sst
    says "$name: what there is" "group-aggregate by k" "CREATE TABLE m WITH ('connector' = 'savepoint', 'state.path' = '$at'); SELECT * FROM m"
    counts="CREATE TABLE s WITH ('connector' = 'savepoint', 'state.path' = '$at', 'operator.uid' = 'group-aggregate by k');"
    says "$name: a row a group" "|      7 |    900 |   1800 |" "$counts SELECT COUNT(*), SUM(\`rows\`), MAX(\`MAX(v)\`) FROM s"
    sides="CREATE TABLE s WITH ('connector' = 'savepoint', 'state.path' = '$at', 'operator.uid' = 'join by k', 'state.table' = 'left');"
    says "$name: the rows of a join's side" "|    900 | 405450 |" \
        "$sides SELECT COUNT(*), SUM(r.id) FROM s CROSS JOIN UNNEST(s.\`rows\`) AS u(kind, \`time\`, r)"
done
says "several tables: which there are is told" "state.table 'right'" \
    "CREATE TABLE s WITH ('connector' = 'savepoint', 'state.path' = '$at', 'operator.uid' = 'join by k')"
says "no such operator" "the snapshot has no such state table" \
    "CREATE TABLE s WITH ('connector' = 'savepoint', 'state.path' = '$at', 'operator.uid' = 'x')"
says "columns that are declared, wider" "1800" \
    "CREATE TABLE s (k BIGINT, \`MAX(v)\` BIGINT) WITH ('connector' = 'savepoint', 'state.path' = '$at', 'operator.uid' = 'group-aggregate'); SELECT MAX(\`MAX(v)\`) FROM s"
says "or not there" "the state has no column 'x'" \
    "CREATE TABLE s (x INT) WITH ('connector' = 'savepoint', 'state.path' = '$at', 'operator.uid' = 'group-aggregate'); SELECT * FROM s"
says "no snapshot" "there is no checkpoint at" "CREATE TABLE s WITH ('connector' = 'savepoint', 'state.path' = '$SCRATCH')"
