#!/usr/bin/env bash
# kill -9 at moments drawn from SEED, and going on with --resume: what a filesystem sink shows in the end
# is each row once, and each aggregate right, with one worker, with two, and with a change between the two;
# in full and in incremental checkpoints, aligned and unaligned. Then what stands in the way: damaged checkpoints, another query.
. "$(dirname "$0")/../lib.sh"
cd "$SCRATCH" || exit 2
echo "note: moments are drawn from seed ${SEED:=$RANDOM}"
RANDOM=$SEED
ROWS=60000

# Rows come slowly enough that there is something to kill.
cat >job.sql <<END
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '20000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '$ROWS');
CREATE TABLE rows_out (id BIGINT, k BIGINT) WITH ('connector' = 'filesystem', 'path' = 'rows', 'format' = 'csv');
CREATE TABLE sums_out (k BIGINT, n BIGINT, total BIGINT)
    WITH ('connector' = 'filesystem', 'path' = 'sums', 'format' = 'csv');
CREATE VIEW v AS SELECT id, id / 100 AS k FROM g;
CREATE TABLE t (id BIGINT, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts)
    WITH ('connector' = 'datagen', 'rows-per-second' = '20000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '$ROWS');
EXECUTE STATEMENT SET BEGIN
    INSERT INTO rows_out SELECT id, k FROM v;
    INSERT INTO sums_out SELECT id / 100, COUNT(*), SUM(id) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)
        GROUP BY window_start, window_end, id / 100;
END;
END

# run WORKERS INCREMENTAL UNALIGNED [kill]: a run that is killed some time later, or comes to its end; sets rc.
run() {
    local job
    "$WEIR" run -D "parallelism.default=$1" -D "execution.checkpointing.incremental=$2" \
        -D "execution.checkpointing.unaligned.enabled=$3" \
        -D 'execution.checkpointing.interval=50 ms' --checkpoint-dir cp --resume job.sql >out 2>>err &
    job=$!
    if [ -n "${4:-}" ]; then
        sleep "0.$(printf '%03d' $((RANDOM % 900 + 50)))"
        kill -KILL $job 2>/dev/null
    fi
    wait $job 2>/dev/null
    rc=$?
}

rows_right() {
    find rows -type f ! -name '.*' -exec cat {} + | sort -t, -k1,1n | awk -F, -v rows=$ROWS '
        $1 != NR || $2 != int($1 / 100) { print "line", NR, "is", $0; bad = 1; exit }
        END { if (!bad && NR != rows) { print NR, "rows"; bad = 1 }; exit bad }'
}

# Groups do not cross windows: each is there once, with all its rows.
sums_right() {
    find sums -type f ! -name '.*' -exec cat {} + | awk -F, -v rows=$ROWS '
        seen[$1]++ { print "group", $1, "is there twice"; bad = 1; exit }
        { n += $2; total += $3 }
        END { if (!bad && (n != rows || total != rows * (rows + 1) / 2)) { print n, total; bad = 1 }; exit bad }'
}

for how in "1 false false" "2 true true" "1,2 true false" "3,1,2 false true"; do
    read -r list incremental unaligned <<<"$how"
    IFS=, read -ra workers <<<"$list"
    rm -rf rows sums cp err
    kills=0
    for ((i = 0; i < 6; i++)); do
        run "${workers[i % ${#workers[@]}]}" "$incremental" "$unaligned" kill
        [ $rc -eq 0 ] && break
        kills=$((kills + 1))
    done
    [ $rc -eq 0 ] || run "${workers[i % ${#workers[@]}]}" "$incremental" "$unaligned"
    name="parallelism $list, incremental $incremental, unaligned $unaligned, killed $kills times"
    if [ $rc -ne 0 ]; then fail "$name" "$(tail -n 3 err)"; else
        check "$name: each row once" rows_right
        check "$name: each group once" sums_right
    fi
done

# What stands in the way is said, and nothing is restored wrong.
rm -rf rows sums cp
"$WEIR" run --checkpoint-dir cp job.sql >out 2>err || fail "a job with a final checkpoint" "$(cat err)"
check "a finished job has nothing left to do" "$WEIR" run --checkpoint-dir cp --resume job.sql
check "and does it without a row more" rows_right
newest=$(find cp -name _metadata | sort | tail -n 1)
cp -r cp cp2
printf 'x' | dd of="$newest" bs=1 seek=40 conv=notrunc 2>/dev/null
"$WEIR" run --checkpoint-dir cp --resume job.sql >out 2>err
check "a checkpoint that is not whole is an error" grep -q 'not the whole _metadata' err
check "and what there is instead is told" grep -q 'there is no whole one before it' err
"$WEIR" run --from-savepoint "$(dirname "$newest")" job.sql >out 2>err
check "asked for by name it is an error" grep -q '_metadata' err
state=$(find cp2 -name '*.state' | head -n 1)
printf 'x' | dd of="$state" bs=1 seek=100 conv=notrunc 2>/dev/null
"$WEIR" run --from-savepoint "$(dirname "$(find cp2 -name _metadata | head -n 1)")" job.sql >out 2>err
check "a damaged file is an error that names it" grep -q 'is damaged at byte' err
