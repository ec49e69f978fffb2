#!/usr/bin/env bash
# test/services/postgres_eos.sh - exactly once into a real PostgreSQL: weir is killed with SIGKILL again
# and again, also right when a checkpoint is durable and its transactions are prepared, and goes on
# with another number of workers; the table must hold each row once, and no transaction may be left.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/services/postgres.sh"
postgres_need
cd "$SCRATCH" || exit 1
ROWS=20000
RANDOM=${WEIR_EOS_SEED:-$$}
echo "note: moments are drawn from seed ${WEIR_EOS_SEED:-$$}"
postgres_sql -c 'CREATE TABLE copies (id BIGINT, worker TEXT)'

table() {
    echo "CREATE TABLE copies (id BIGINT, worker STRING${1:-}) WITH ('connector' = 'jdbc',
        'url' = 'jdbc:postgresql://127.0.0.1:$POSTGRES_PORT/$POSTGRES_DB', 'table-name' = 'copies',
        'username' = 'postgres', 'password' = 'none', 'sink.delivery-guarantee' = 'exactly-once'
        ${2-, 'sink.transactional-id-prefix' = 'it''s weir'});"
}
start_job() {
    "$WEIR" run --checkpoint-dir checkpoints --resume -e "
        SET 'parallelism.default' = '$1'; SET 'pipeline.max-parallelism' = '128';
        SET 'pipeline.name' = 'copy'; SET 'execution.checkpointing.interval' = '200 ms';
        CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '3000',
            'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '$ROWS');
        $(table) INSERT INTO copies SELECT id, 'w' FROM numbers" >>log 2>&1 &
    JOB=$!
}
undo kill_job

start_job 2
for kill in 1 2 3 4; do
    if [ $((kill % 2)) = 0 ]; then kill_at_checkpoint checkpoints/copy; else
        sleep 0.$((3 + RANDOM % 7))
        kill_job
    fi
    start_job $((1 + kill % 3))
done
check "it comes to its end" timeout 60 tail --pid=$JOB -f /dev/null
wait $JOB
check "and says that all is well" [ $? = 0 ]
JOB=
postgres_sql -c 'SELECT id FROM copies ORDER BY id' >actual
seq 1 $ROWS >expected
same "each row is there once" expected actual
postgres_sql -c 'SELECT gid FROM pg_prepared_xacts' >actual
same "no transaction is left" /dev/null actual
[ "$TEST_FAILED" = 0 ] || tail -n 5 log

check "a key needs no transactions" refused 'is for tables without a PRIMARY KEY' \
    "$(table ', PRIMARY KEY (id) NOT ENFORCED') INSERT INTO copies VALUES (1, 'a')"
check "a name is needed" refused "'sink.transactional-id-prefix' is needed by" "$(table '' '') INSERT INTO copies VALUES (1, 'a')"
check "and so are checkpoints" refused "needs checkpoints" "
    CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen'); $(table) INSERT INTO copies SELECT id, 'w' FROM numbers"
check "what ends by itself commits at its end" "$WEIR" run -e "$(table) INSERT INTO copies VALUES (0, 'last')"
postgres_sql -c "SELECT COUNT(*) FROM copies WHERE worker = 'last'" >actual
echo 1 >expected
same "and the row is there" expected actual

# ---- read and cut: the rows of a part that was begun are in one order again

# read_cut PARALLELISM OPTIONS: the table is copied by a job that is cut again and again.
read_cut() {
    rm -rf read cuts
    "$WEIR" run --checkpoint-dir cuts -D weir.cut-every=5 -D weir.cut-parallelism="$1" -e "
        CREATE TABLE many (id BIGINT, name STRING) WITH ('connector' = 'jdbc', 'table-name' = 'many',
            'url' = 'jdbc:postgresql://127.0.0.1:$POSTGRES_PORT/$POSTGRES_DB', 'username' = 'postgres', 'password' = 'none' $2);
        CREATE TABLE \`read\` (id BIGINT) WITH ('connector' = 'filesystem', 'path' = '$SCRATCH/read', 'format' = 'csv');
        INSERT INTO \`read\` SELECT id FROM many" >out 2>&1 || tail -n 3 out
    sort -n read/* >actual
}
postgres_sql -c "CREATE TABLE many AS SELECT i AS id, 'name ' || i AS name FROM generate_series(1, 60000) i"
seq 1 60000 >expected
for workers in 1 2,1,3; do
    read_cut $workers ''
    same "a table that is read is read once, cut with $workers workers" expected actual
    read_cut $workers ", 'scan.partition.column' = 'id', 'scan.partition.num' = '7', 'scan.partition.lower-bound' = '1',
        'scan.partition.upper-bound' = '60000'"
    same "and so are its parts" expected actual
done
