#!/usr/bin/env bash
# test/services/cli.sh - the command line as a user meets it: exit codes, errors, results, figures, Ctrl-C,
# and case files from the first record to the closing line.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 1

# ends CODE COMMAND...: the command ends with this exit code; what it printed is in out and err.
ends() {
    local code=$1 rc=0
    shift
    "$@" >out 2>err </dev/null || rc=$?
    [ $rc -eq "$code" ] || { echo "exit code $rc and not $code"; cat out err; return 1; }
}

# --- weir run

check "a script that runs ends with 0" ends 0 "$WEIR" run -e "SELECT 1"
printf '+----+---+\n| op | x |\n+----+---+\n| +I | 1 |\n+----+---+\nReceived a total of 1 row\n' >expected
ends 0 "$WEIR" run -e "SELECT 1 AS x"
same "a result is framed" expected out
printf '+I\ta\t1\n-U\ta\t1\n+U\ta\t2\n' >expected
ends 0 "$WEIR" run -D sql-client.execution.result-mode=changelog \
    -e "SELECT k, COUNT(*) FROM (VALUES 'a', 'a') AS t (k) GROUP BY k"
same "or a change log" expected out
printf '+---+---+\n| k | n |\n+---+---+\n| a | 2 |\n+---+---+\n1 row in set\n' >expected
ends 0 "$WEIR" run -D sql-client.execution.result-mode=table \
    -e "SELECT k, COUNT(*) AS n FROM (VALUES 'a', 'a') AS t (k) GROUP BY k"
same "or what is left" expected out

check "a wrong command line ends with 2" ends 2 "$WEIR" run --nonsense
check "and so does a missing file" ends 2 "$WEIR" run missing.sql
check "and an unknown command" ends 2 "$WEIR" runn
check "which gets the nearest one" grep -q "did you mean 'run'" err
printf -- '-- a comment\nCREATE VIEW v AS SELECT 1 AS amount;\nSELECT amout FROM v;\n' >wrong.sql
check "wrong SQL ends with 2" ends 2 "$WEIR" run wrong.sql
head -n 3 err >got
printf "wrong.sql:3:8: 42000: column 'amout' not found in any table\n  SELECT amout FROM v;\n         ^^^^^\n" >expected
sed -i -E "1s/(42[0-9]{3}: ).*/\1column/" got expected
same "with file, line, column, and a caret below it" expected got
check "a job that fails ends with 1" ends 1 "$WEIR" run -e "SELECT CAST(x AS INT) FROM (VALUES 'a') AS t (x)"
check "a script stops at its first failure" \
    bash -c '! "$WEIR" run -e "SELECT 1 AS a; SELEC; SELECT 2 AS b" 2>&1 | grep -q "| b "'
check "standard input is a script, too" bash -c 'echo "SELECT 5 AS five;" | "$WEIR" | grep -q "| five |"'
check "QUIT ends a script well" ends 0 "$WEIR" run -e "SELECT 1; QUIT; SELEC"

ends 0 "$WEIR" run --stats json -e "SELECT 1"
tail -n 1 out >stats
check "--stats json is one object with wall, CPU, memory and operators" python3 -c '
import json
s = json.load(open("stats"))
assert s["wall_s"] > 0 and s["memory_peak_bytes"] >= 0 and s["resident_peak_bytes"] > 0
assert s["rows_out"] >= 0 and all(o["name"] and o["rows_in"] >= 0 for o in s["operators"])'

endless="CREATE TABLE g (id INT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
    CREATE TABLE p (id INT) WITH ('connector' = 'print'); INSERT INTO p SELECT * FROM g"
env --default-signal=INT "$WEIR" run -e "$endless" >lines 2>err &
job=$!
wait_for 10 grep -q '+I' lines
kill -INT $job
wait $job
check "Ctrl-C lets a job end well" [ $? -eq 0 ]
check "no line is cut" bash -c '! grep -qvE "^\+I\[-?[0-9]+\]$" lines'

# --- weir test

mkdir -p cases/data cases/deep
echo 'a,1' >cases/data/in.csv
cat >cases/good.test <<'CASES'
# a table over ${DATA}, a sink in ${TMP}
statement ok
CREATE TABLE t (k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '${DATA}/in.csv', 'format' = 'csv')

statement ok
CREATE TABLE s (k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '${TMP}/s', 'format' = 'json')

statement ok
INSERT INTO s SELECT * FROM t

query rows
SELECT k, n FROM s
----
VARCHAR(2147483647)	INT
a	1

query changelog
SELECT CAST(0.1 + 0.2 AS DOUBLE), MAP['x', 1, 'y', 2] FROM t
----
DOUBLE NOT NULL	MAP<CHAR(1) NOT NULL, INT NOT NULL> NOT NULL
+I	0.30000000000000004	{y=2, x=1}

query error
SELECT nothing FROM t
----
validation
CASES
check "cases that pass" ends 0 "$WEIR" test cases/good.test
[ "$(tail -n 1 out)" = "6 passed, 0 failed, 0 skipped" ] && pass "close with their count" ||
    fail "close with their count" "$(tail -n 1 out)"

printf 'query rows\nSELECT 1\n----\nINT NOT NULL\n2\n\n# quirk: odd\nquery rows\nSELECT 1\n----\nINT NOT NULL\n3\n' \
    >cases/deep/bad.test
check "a case that differs fails the run" ends 1 "$WEIR" test cases
grep -E '^  [-+]' out >got
printf '  --- expected\n  +++ got\n  -2\n  +1\n' >expected
same "and shows how" expected got
[ "$(tail -n 1 out)" = "6 passed, 1 failed, 1 skipped" ] && pass "a quirk that differs is skipped" ||
    fail "a quirk that differs is skipped" "$(tail -n 1 out)"
check "--filter chooses files" ends 0 "$WEIR" test cases --filter 'good*'
check "a path may name one record" ends 0 "$WEIR" test cases/good.test:4
[ "$(tail -n 1 out)" = "1 passed, 0 failed, 0 skipped" ] && pass "which runs behind its statements" ||
    fail "which runs behind its statements" "$(tail -n 1 out)"

echo 'deep/bad.test:1 # not yet' >cases/known.txt
check "a known failure is skipped" ends 0 "$WEIR" test --known cases/known.txt cases
echo 'good.test:4' >>cases/known.txt
check "one that passes fails the run" ends 1 "$WEIR" test --known cases/known.txt cases
check "and says so" grep -q 'take it off the list' out
printf 'deep/bad.test:1\ngone.test:1\n' >cases/known.txt
check "a line that names no case fails the run" ends 1 "$WEIR" test --known cases/known.txt cases

echo 'deep/bad.test:1 # not ours to judge' >cases/open.txt
check "an exempt case is run and not judged" ends 0 "$WEIR" test --exempt cases/open.txt cases
printf 'query changelog\nSELECT SUM(x) AS s FROM (VALUES (1), (2)) AS t(x)\n----\nINT\n+I\t3\n' >cases/log.test
check "a change log is held to each change" ends 1 "$WEIR" test cases/log.test
check "--materialised: to the rows it comes to" ends 0 "$WEIR" test --materialised cases/log.test
rm cases/log.test

printf '# ours\nquery rows\nSELECT 1 AS x\n\nquery rows\nSELECT nothing\n' >cases/new.test
check "--record fills in answers" ends 0 "$WEIR" test --record cases/new.test
cp cases/new.test again
check "which then pass" ends 0 "$WEIR" test cases/new.test
"$WEIR" test --record cases/new.test >/dev/null
same "and stay what they are" again cases/new.test
printf '# ours\n# columns: x\nquery rows\nSELECT 1 AS x\n----\nINT NOT NULL\n1\n\nquery error\nSELECT nothing\n----\nvalidation\n' >expected
sed -i -E '/^# (columns|message)/d' expected cases/new.test
same "in the kind that fits" expected cases/new.test

printf '\xef\xbb\xbfSELECT 1 AS a;\r\n-- two\r\nSELECT 2 AS b\r\n' >marked.sql
check "a byte order mark and carriage returns are no part of a script" ends 0 "$WEIR" run marked.sql
echo '{"flinkVersion":"2.3","nodes":[]}' >flink.json
check "a plan that Flink compiled is refused" ends 2 "$WEIR" run -e "EXECUTE PLAN 'flink.json'"
check "by name" grep -q "'flink.json' is no plan that weir can run: Flink has compiled it" err

# --- The memory limit

cat >big.sql <<'SQL'
CREATE TABLE g (a BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000', 'number-of-rows' = '300000');
CREATE TABLE n (a BIGINT, c BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO n SELECT a, COUNT(*) FROM g GROUP BY a;
SQL
check "a job beyond its memory ends with 1" ends 1 "$WEIR" run --memory 8m big.sql
check "and names the operator and what it keeps" \
    grep -q "operator 'group-aggregate' keeps most, [0-9]* rows of state in [0-9]* KiB" err
