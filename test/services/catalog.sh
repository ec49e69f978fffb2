#!/usr/bin/env bash
# test/services/catalog.sh - a catalog in a file: what is made there is there for the next process.
. "$(dirname "$0")/../lib.sh"

file=$SCRATCH/new/folder/catalog.db
run() { "$WEIR" run --catalog "$file" -e "$1" >"$SCRATCH/out" 2>&1; }
if ! run "SHOW TABLES" && grep -q "built without SQLite" "$SCRATCH/out"; then
    skip "catalogs in files: this weir was built without SQLite"
    exit 0
fi

check "objects of every kind are made" run "
CREATE TABLE t (id INT, name STRING COMMENT 'who', ts TIMESTAMP(3), up AS UPPER(name),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, PRIMARY KEY (id) NOT ENFORCED) COMMENT 'it''s'
  PARTITIONED BY (name) WITH ('connector' = 'filesystem', 'path' = '/nowhere', 'format' = 'csv');
CREATE VIEW v AS SELECT id, up FROM t WHERE id > 1;
CREATE TEMPORARY TABLE passing (a INT) WITH ('connector' = 'datagen');
CREATE DATABASE d COMMENT 'two';
CREATE TABLE d.s (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '2', 'fields.a.min' = '7', 'fields.a.max' = '7');
CREATE VIEW d.w AS SELECT s.a, v.id FROM d.s LEFT JOIN v ON s.a = v.id;
CREATE MODEL m INPUT (a STRING) OUTPUT (b STRING) WITH ('provider' = 'x');
CREATE FUNCTION f AS 'org.example.F' LANGUAGE JAVA;"
run "SHOW CREATE TABLE t; SHOW CREATE VIEW d.w; SHOW CREATE MODEL m"
mv "$SCRATCH/out" "$SCRATCH/first"
run "SHOW CREATE TABLE t; SHOW CREATE VIEW d.w; SHOW CREATE MODEL m"
same "they are the same for the next process" "$SCRATCH/first" "$SCRATCH/out"
check "the file is its owner's alone" [ "$(stat -c %a "$file")" = 600 ]
run "SHOW TABLES"
check "permanent objects are there" grep -q "| t " "$SCRATCH/out"
check "temporary ones are not" eval "! grep -q passing '$SCRATCH/out'"
run "SHOW USER FUNCTIONS"
check "functions are" grep -q "| f " "$SCRATCH/out"
run "SELECT SUM(a) AS total FROM d.s"
check "tables can be read" grep -q "14" "$SCRATCH/out"

check "what changes is kept" run "ALTER TABLE d.s SET ('number-of-rows' = '1'); DROP VIEW d.w; DROP VIEW v; DROP TABLE t;
ALTER TABLE d.s RENAME TO r;"
run "SHOW TABLES FROM d; SELECT SUM(a) AS total FROM d.r"
check "under the new name" grep -q "| 7 \|     7" "$SCRATCH/out"
run "SHOW TABLES"
check "what was dropped is gone" grep -q "Empty set\|0 rows" "$SCRATCH/out"

# The same file as a catalog of another name.
"$WEIR" run -e "CREATE CATALOG c WITH ('type' = 'sqlite', 'path' = '$file'); SHOW TABLES FROM c.d;
CREATE TABLE c.d.from_here (a INT) WITH ('connector' = 'datagen'); DROP DATABASE c.d CASCADE" >"$SCRATCH/out" 2>&1
check "a file can be opened by CREATE CATALOG" grep -q "| r " "$SCRATCH/out"
run "SHOW DATABASES"
check "databases go with what lies in them" eval "! grep -q '| d ' '$SCRATCH/out'"

# Many at a time: nobody's table is lost.
for i in 1 2 3 4 5 6; do
    (for try in 1 2 3 4 5 6 7 8 9; do
        "$WEIR" run --catalog "$file" -e "CREATE TABLE many_$i (a INT) WITH ('connector' = 'datagen')" >/dev/null 2>&1 && break
    done) &
done
wait
run "SHOW TABLES"
check "processes do not lose each other's tables" [ "$(grep -c many_ "$SCRATCH/out")" -eq 6 ]

# What is no catalog is left alone.
echo "no database" >"$SCRATCH/text"
"$WEIR" run --catalog "$SCRATCH/text" -e "SHOW TABLES" >"$SCRATCH/out" 2>&1
check "another file is refused by name" grep -q "catalog '$SCRATCH/text'" "$SCRATCH/out"
check "and not touched" [ "$(cat "$SCRATCH/text")" = "no database" ]
if command -v python3 >/dev/null; then
    python3 -c "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version = 99')" "$file"
    run "SHOW TABLES"
    check "a newer schema is refused" grep -q "schema version 99" "$SCRATCH/out"
fi
