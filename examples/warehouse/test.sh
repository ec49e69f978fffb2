#!/usr/bin/env bash
# examples/warehouse/test.sh - the story gives Flink's change log; made-up logs, even and hot, plain and with
# everything on, leave in PostgreSQL what PostgreSQL itself makes of the messages.
. "$(dirname "$0")/../../test/lib.sh"
. "$TREE/test/services/postgres.sh"
here=$TREE/examples/warehouse

# script LOG FILE...: the files with everything filled in.
script() {
    local log=$1
    shift
    (cd "$here" && cat tables.sql "$@") | sed "s|\${LOG}|$log|; s|\${USER}|postgres|; s|\${PASSWORD}|none|
        s|\${URL}|jdbc:postgresql://127.0.0.1:${POSTGRES_PORT:-1}/${POSTGRES_DB:-none}|"
}

# Recorded from Flink 2.3.0. A1 goes from tmsA to tmsB to tmsC; A2 is cancelled, and what comes later of it
# counts no more.
cat >"$SCRATCH/expected" <<'ROWS'
+I	tmsA	1	1
-U	tmsA	1	1
+U	tmsA	2	2
-U	tmsA	2	2
+U	tmsA	1	1
+I	tmsB	1	1
+I	tmsC	1	1
-D	tmsB	1	1
-U	tmsC	1	1
+U	tmsC	2	2
-D	tmsA	1	1
+I	tmsB	1	1
ROWS
script "$here/story.json" changelog.sql >"$SCRATCH/story.sql"
"$WEIR" run "$SCRATCH/story.sql" >"$SCRATCH/actual" 2>&1
same "the story's changes are those of Flink" "$SCRATCH/expected" "$SCRATCH/actual"

postgres_need
postgres_sql -c "CREATE TABLE company_orders (company text PRIMARY KEY, orders bigint, dated bigint)"
for hot in 0.05 0.8; do
    "$here/generate.py" --orders 20000 --hot $hot >"$SCRATCH/orders.json"
    postgres_sql >"$SCRATCH/expected" <<SQL
DROP TABLE IF EXISTS message;
CREATE TABLE message (n bigserial, m jsonb);
\\copy message (m) FROM '$SCRATCH/orders.json' WITH (FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')
WITH latest AS (
    SELECT m->>'order_id' AS id,
        (array_agg(m->>'company' ORDER BY n DESC) FILTER (WHERE m->>'company' IS NOT NULL))[1] AS company,
        (array_agg(m->>'cancelled' ORDER BY n DESC) FILTER (WHERE m->>'cancelled' IS NOT NULL))[1] AS cancelled
    FROM message GROUP BY 1)
SELECT company, count(*), count(*) FROM latest WHERE cancelled IS NULL AND company IS NOT NULL
GROUP BY company ORDER BY company;
SQL
    for workers in 1 2; do
        for settings in "" fast.sql; do
            postgres_sql -c "TRUNCATE company_orders"
            # shellcheck disable=SC2086  # no file when there are no settings
            script "$SCRATCH/orders.json" $settings upsert.sql >"$SCRATCH/upsert.sql"
            name="hot $hot, $workers workers${settings:+, everything on}"
            check "$name" "$WEIR" run -D parallelism.default=$workers "$SCRATCH/upsert.sql"
            postgres_sql -c "SELECT * FROM company_orders ORDER BY company" >"$SCRATCH/actual"
            same "$name: what PostgreSQL makes of the messages" "$SCRATCH/expected" "$SCRATCH/actual"
        done
    done
done
