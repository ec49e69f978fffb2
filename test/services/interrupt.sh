#!/usr/bin/env bash
# Ctrl-C, once and twice, at moments drawn from SEED over jobs of 1, 2 and 4 workers: once lets the job
# drain (what was read is written, nothing twice, code 0), twice ends it promptly, and nothing hangs.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2
RANDOM=${SEED:-$RANDOM}
echo "note: moments are drawn from seed ${SEED:=$RANDOM}"
RANDOM=$SEED

g="CREATE TABLE g (id BIGINT, k INT, v DOUBLE, ts AS CURRENT_TIMESTAMP, WATERMARK FOR ts AS ts)
    WITH ('connector' = 'datagen', 'rows-per-second' = '200000', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '1', 'fields.id.end' = '1000000000', 'fields.k.min' = '0', 'fields.k.max' = '500');"
n="CREATE TABLE n (a STRING) WITH ('connector' = 'blackhole');"
r="CREATE TABLE r (a BIGINT, b BIGINT) WITH ('connector' = 'blackhole');"
echo "$g CREATE TABLE f (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'rows', 'format' = 'csv');
    INSERT INTO f SELECT id FROM g;" >rows.sql
echo "$g $r INSERT INTO r SELECT k, COUNT(*) FROM g GROUP BY k;" >aggregate.sql
echo "$g $r INSERT INTO r SELECT a.id, b.id FROM g AS a JOIN g AS b ON a.id = b.id;" >join.sql
echo "$g $n INSERT INTO n SELECT CAST(COUNT(*) AS STRING)
    FROM TUMBLE(TABLE g, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY window_start, window_end, k;" >window.sql
echo "$g $n $r EXECUTE STATEMENT SET BEGIN INSERT INTO n SELECT CAST(id AS STRING) FROM g;
    INSERT INTO r SELECT k, MAX(id) FROM g GROUP BY k; END;" >set.sql
echo "$g SELECT id, SUM(k) OVER (PARTITION BY k ORDER BY ts) FROM g;" >query.sql
# One row that becomes a trillion before the source is asked again: only the second Ctrl-C can end it.
{
    echo "$n INSERT INTO n WITH c0 AS (SELECT CAST(RAND() AS STRING) AS a)"
    for i in {1..40}; do echo ", c$i AS (SELECT * FROM c$((i - 1)) UNION ALL SELECT * FROM c$((i - 1)))"; done
    echo "SELECT a FROM c40;"
} >flood.sql

# interrupted JOB WORKERS TIMES: runs the job and presses Ctrl-C; sets rc, 124 when it had to be killed.
interrupted() {
    local job i after=$((RANDOM % 500))
    rm -rf rows
    timeout -s KILL 30 env --default-signal=INT "$WEIR" run -D "parallelism.default=$2" "$1.sql" >out 2>err &
    job=$!
    sleep "0.$(printf '%03d' $after)"
    for ((i = 0; i < $3; i++)); do
        [ $i -eq 0 ] || sleep "0.0$((RANDOM % 100))"
        pkill -INT -P $job || kill -INT $job 2>/dev/null
    done
    wait $job
    rc=$?
    moment="after $after ms"
}

# The numbers are dealt round: those of each worker must be there from its first to its last.
whole() {
    find rows -type f -exec cat {} + 2>/dev/null | awk -v w="$1" '
        { r = ($1 - 1) % w; if (seen[$1]++) bad = 1; count[r]++; if ($1 > most[r]) most[r] = $1 }
        END { for (r in count) if (count[r] != (most[r] - 1 - r) / w + 1) bad = 1; exit bad }'
}

for workers in 1 2 4; do
    for job in rows aggregate join window set query; do
        interrupted $job $workers 1
        fact="Ctrl-C lets '$job' drain, with $workers workers"
        # Before the process has its handler the signal just ends it.
        if [ $rc -ne 0 ] && [ $rc -ne 130 ]; then
            fail "$fact" "code $rc, $moment, $(head -n 2 err | tr '\n' ' ')"
        elif [ $job = rows ] && ! whole $workers; then
            fail "$fact" "rows are missing or doubled, $moment"
        else
            pass "$fact"
        fi
    done
    for job in rows aggregate join window set query flood; do
        interrupted $job $workers 2
        fact="a second Ctrl-C ends '$job', with $workers workers"
        if [ $rc -le 1 ] || [ $rc -eq 130 ]; then pass "$fact"; else
            fail "$fact" "code $rc, $moment, $(head -n 2 err | tr '\n' ' ')"
        fi
    done
done

# A signal that comes when weir listens and no statement runs yet is for those that follow: the
# script is still on its way.
{ cat rows.sql; echo "SELECT 'after';"; } >early.sql
mkfifo script
rm -rf rows
timeout -s KILL 30 env --default-signal=INT "$WEIR" run - <script >out 2>err &
job=$!
exec 3>script
listens() {
    local weir
    weir=$(pgrep -P $job) && [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$weir/status") & 2)) -ne 0 ]
}
wait_for 20 listens
pkill -INT -P $job
cat early.sql >&3 2>/dev/null
exec 3>&-
wait $job
rc=$?
check "Ctrl-C before the first statement is not forgotten" test $rc -eq 130
check "and is told of" grep -q "what follows in <stdin> was not run" err
check "and nothing was begun" test ! -e rows
