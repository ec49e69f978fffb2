#!/usr/bin/env bash
# test/services/challenger.sh - two versions of a model score the same rows, labels in the row or later; the better one is
# promoted by its rule, in a stream, over a crash; drift is noticed and trains anew.
. "$(dirname "$0")/../lib.sh"
WEIR=$(realpath "$WEIR")
cd "$SCRATCH" || exit 2
OF="WITH ('connector' = 'filesystem', 'format' = 'csv'"
# points FILE LIMIT: x from 0 to 9, high above the limit.
points() { awk -v limit="$2" 'BEGIN { for (i = 0; i < 400; i++) print i % 10 "," (i % 10 > limit ? "high" : "low") }' >"$1.csv"; }
points past 6
points present 4
T="CREATE TABLE past (x INT, c STRING) $OF, 'path' = 'past.csv'); CREATE TABLE present (x INT, c STRING) $OF, 'path' = 'present.csv')"
learn() { echo "CREATE OR REPLACE MODEL m WITH ('provider' = 'weir', 'algorithm' = 'decision-tree', 'path' = 'm') AS SELECT x, c FROM $1"; }
# Version 1 knows the old limit, version 2 the new one; 1 is in use.
begin() {
    rm -rf m
    "$WEIR" run -e "$T; $(learn past); $(learn present); ALTER MODEL m SET ('version' = '1')" >said 2>&1 || fail "two versions" "$(cat said)"
}
# asked OPTIONS: the model as it is asked
asked() { echo "CREATE MODEL m WITH ('provider' = 'weir', 'path' = 'm', 'refresh-interval' = '20 ms', $1)"; }
JUDGED="ML_EVALUATE(INPUT => TABLE present, MODEL => MODEL m, LABEL => DESCRIPTOR(c), ARGS => DESCRIPTOR(x), TASK => 'classification')"

begin
"$WEIR" run -D execution.runtime-mode=batch -e "$T; $(asked "'challenger.version' = '2'");
    SELECT \`result\`['Accuracy'], \`result\`['challenger.Accuracy'], \`result\`['Version'], \`result\`['challenger.Version'] FROM $JUDGED" >out 2>&1
check "both are judged on the same rows" grep -q '|    0.8 |    1.0 |    1.0 |    2.0 |' out
check "nobody is promoted without a rule" test "$(cat m/CURRENT)" = 1
"$WEIR" run -D execution.runtime-mode=batch -e "$T; $(asked "'promote.when' = 'Accuracy > champion + 0.5 after 10 rows'"); SELECT * FROM $JUDGED" >out 2>&1
check "nor when the rule does not hold" test "$(cat m/CURRENT)" = 1
"$WEIR" run -D execution.runtime-mode=batch -e "$T; $(asked "'promote.when' = 'Accuracy >= champion + 0.1 after 100 rows'"); SELECT * FROM $JUDGED" >out 2>&1
check "the better one is promoted" test "$(cat m/CURRENT)" = 2
check "and it is said" grep -q "model 'm': version 1 has Accuracy 0.8, its challenger 2 1, on 400 rows: it is in use from now on" out

# ---- in a stream: labels come later, the job scores on, is killed, and goes on ----
ROWS=6000
cat >stream.sql <<SQL
$(asked "'promote.when' = 'Accuracy > champion after 2000 rows'");
CREATE TABLE seen (id BIGINT, x INT) WITH ('connector' = 'datagen', 'rows-per-second' = '2000', 'number-of-rows' = '$ROWS',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '$ROWS', 'fields.x.min' = '0', 'fields.x.max' = '9');
CREATE TABLE scored (id BIGINT, x INT, prediction STRING) $OF, 'path' = 'scored');
CREATE TABLE judged (champion DOUBLE, challenger DOUBLE, version DOUBLE, n DOUBLE) WITH ('connector' = 'print');
-- What became of it is known some time later.
CREATE TABLE outcomes (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1500', 'number-of-rows' = '$ROWS',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '$ROWS');
CREATE VIEW labelled AS SELECT x, CASE WHEN x > 4 THEN 'high' ELSE 'low' END AS c FROM seen JOIN outcomes ON seen.id = outcomes.id;
EXECUTE STATEMENT SET BEGIN
INSERT INTO scored SELECT id, x, prediction FROM ML_PREDICT(TABLE seen, MODEL m, DESCRIPTOR(x));
INSERT INTO judged SELECT \`result\`['Accuracy'], \`result\`['challenger.Accuracy'], \`result\`['Version'], \`result\`['challenger.Rows']
    FROM ML_EVALUATE(TABLE labelled, MODEL m, DESCRIPTOR(c), DESCRIPTOR(x), 'classification');
END;
SQL
begin
JOB=("$WEIR" run -D execution.checkpointing.interval=100ms --checkpoint-dir "$SCRATCH/cp" -D parallelism.default=2 stream.sql)
"${JOB[@]}" >out 2>err &
LIVE=$!
sleep 0.6
kill -9 "$LIVE" 2>/dev/null
wait "$LIVE" 2>/dev/null
LIVE=
"${JOB[@]}" --resume >out2 2>err2
check "a job that was killed goes on and ends well" test $? -eq 0
check "the challenger is promoted on its way" test "$(cat m/CURRENT)" = 2
check "which is said" test "$(cat err err2 | grep -c "it is in use from now on")" -ge 1
check "what is scored takes it up" grep -q "model 'm': version 2 is in use now" err err2
find scored -type f ! -name '.*' -exec cat {} + >rows
check "every row is scored once" test "$(cut -d, -f1 rows | sort -n | uniq | wc -l) $(wc -l <rows)" = "$ROWS $ROWS"
check "by the better one in the end" test "$(sort -t, -k1n rows | tail -n 1000 | awk -F, '$2 > 4 && $3 != "high" || $2 <= 4 && $3 != "low"' | wc -l)" = 0

# ---- drift ----
rm -rf d
points now 6
cat >drift.sql <<SQL
CREATE TABLE now (x INT, c STRING) $OF, 'path' = 'now.csv');
CREATE MODEL d WITH ('provider' = 'weir', 'algorithm' = 'decision-tree', 'path' = 'd', 'retrain.on-drift' = 'true', 'refresh-interval' = '20 ms')
    AS SELECT x, c FROM now;
CREATE TABLE seen (id BIGINT, x INT) WITH ('connector' = 'datagen', 'rows-per-second' = '4000', 'number-of-rows' = '10000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '10000', 'fields.x.min' = '0', 'fields.x.max' = '9');
CREATE VIEW labelled AS SELECT x, CASE WHEN x > (CASE WHEN id > 3000 THEN 4 ELSE 6 END) THEN 'high' ELSE 'low' END AS c FROM seen;
CREATE TABLE judged (champion DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO judged SELECT \`result\`['Accuracy'] FROM ML_EVALUATE(TABLE labelled, MODEL d, DESCRIPTOR(c), DESCRIPTOR(x), 'classification',
    MAP['window', '500']);
SQL
"$WEIR" run drift.sql >out 2>err &
LIVE=$!
wait_for 5 test -s d/CURRENT
points now 4
wait "$LIVE"
check "a job whose concept drifts ends well" test $? -eq 0
LIVE=
check "it is trained again" grep -q "model 'd' version 2: trained again (drift)" err
check "and takes the new version up" grep -q "model 'd': version 2 is in use now" err

# ---- what is refused ----
refused() {
    "$WEIR" run -e "$T; $(asked "$2"); SELECT * FROM $JUDGED" >out 2>&1
    check "$1" grep -q "$3" out
}
refused "a rule that is none" "'promote.when' = 'better'" "'promote.when' = 'better' is no rule"
refused "a challenger that is not there" "'challenger.version' = '9'" "has no version 9"
refused "one that is no number" "'challenger.version' = 'x'" "neither the number of a version nor 'latest'"
refused "one of a model that stays" "'version' = '1', 'challenger.version' = '2'" "it can have no challenger"
