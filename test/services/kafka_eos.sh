#!/usr/bin/env bash
# test/services/kafka_eos.sh - exactly once on a real broker: weir copies a topic and aggregates it in
# windows, is killed with SIGKILL again and again, and goes on each time from its last checkpoint. kcat,
# which reads committed messages only, must find every record once and every aggregate right. Then the
# same with at-least-once: nothing may be missing.
#
# WEIR_EOS_RECORDS, WEIR_EOS_KILLS and WEIR_EOS_SEED change how much, how often, and when;
# WEIR_EOS_CRASHES is how often the broker dies; WEIR_EOS_CUT the seconds for which the network between
# weir and the broker is cut (needs the right to make one: weir then lives in a network of its own);
# WEIR_EOS_SETTINGS are SET statements for the jobs. `make torture` goes to the bounds of all of them.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/services/kafka.sh"
ENTER=()  # the command that puts weir behind the network that is cut
CUT=${WEIR_EOS_CUT:-0}
if [ "$CUT" != 0 ]; then
    [ -z "${KAFKA_BROKER:-}" ] || skip_all "cutting the network needs a broker of its own"
    net=weir-$$ subnet=10.213.$(($$ % 250))
    net_remove() { ip netns del $net; ip link del $net 2>/dev/null; }
    { ip netns add $net && ip link add $net type veth peer name inside netns $net; } 2>/dev/null ||
        skip_all "no right to make a network that can be cut"
    undo net_remove
    ip address add $subnet.1/30 dev $net
    ip link set $net up
    ip -n $net address add $subnet.2/30 dev inside
    ip -n $net link set inside up
    ENTER=(ip netns exec $net)
    KAFKA_DOOR=$subnet.1
fi
kafka_need
DOOR=${KAFKA_DOOR_BROKER:-$KAFKA_BROKER}

RECORDS=${WEIR_EOS_RECORDS:-100000}
KILLS=${WEIR_EOS_KILLS:-5}
CRASHES=${WEIR_EOS_CRASHES:-1}
RANDOM=${WEIR_EOS_SEED:-$$}
PIECES=$((KILLS * 10))  # the input comes in so many

# table NAME TOPIC COLUMNS OPTIONS
table() {
    cat <<-SQL
	CREATE TABLE $1 ($3) WITH (
	  'connector' = 'kafka', 'topic' = '$2', 'format' = 'json',
	  'properties.bootstrap.servers' = '$DOOR', $4
	);
	SQL
}

# job NAME GUARANTEE: the script; it does not end by itself.
job() {
    local sink="'sink.delivery-guarantee' = '$2', 'sink.transactional-id-prefix'"
    cat <<-SQL
	SET 'execution.checkpointing.interval' = '300 ms';
	${WEIR_EOS_SETTINGS:-}
	SET 'pipeline.max-parallelism' = '128';
	SET 'pipeline.name' = '$1';
	$(table numbers in-$$ "id BIGINT, k INT, ts TIMESTAMP(3),
	    WATERMARK FOR ts AS ts - INTERVAL '1' SECOND" \
	    "'scan.startup.mode' = 'earliest-offset', 'properties.group.id' = '$1-$$'")
	$(table copies $1-copies-$$ "id BIGINT" "$sink = '$1-copies-$$'")
	$(table sums $1-sums-$$ "w TIMESTAMP(3), k INT, n BIGINT, total BIGINT" "$sink = '$1-sums-$$'")
	EXECUTE STATEMENT SET BEGIN
	INSERT INTO copies SELECT id FROM numbers;
	INSERT INTO sums SELECT window_start, k, COUNT(*), SUM(id)
	FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '10' SECOND))
	GROUP BY window_start, window_end, k;
	END;
	SQL
}

# Record i comes at i * 10 ms of event time: a thousand a window.
records() {
    awk -v from="$1" -v to="$2" 'BEGIN { for (i = from; i < to; i++) {
        s = int(i / 100)
        printf "{\"id\":%d,\"k\":%d,\"ts\":\"2024-01-01 %02d:%02d:%02d.%02d\"}\n", i, i % 7,
            int(s / 3600), int(s / 60) % 60, s % 60, i % 100 } }'
}
# The input, in pieces, and then a record far ahead for each partition: all windows close.
feed() {
    local piece
    for ((piece = 0; piece < PIECES; piece++)); do
        records $((piece * RECORDS / PIECES)) $(((piece + 1) * RECORDS / PIECES)) |
            flock "$SCRATCH/broker" kcat -q -b "$KAFKA_BROKER" -P -X enable.idempotence=true -t in-$$ ||
            fail "kcat writes the records from $((piece * RECORDS / PIECES)) on" "it gave up, and has lost some"
        sleep "$1"
    done
    for piece in 0 1; do
        echo "{\"id\":-1,\"k\":0,\"ts\":\"2024-02-01 00:00:00\"}" |
            flock "$SCRATCH/broker" kcat -q -b "$KAFKA_BROKER" -P -t in-$$ -p $piece
    done
}
expected_copies() { seq 0 $((RECORDS - 1)); }
expected_sums() {
    awk -v to="$RECORDS" 'BEGIN { for (i = 0; i < to; i++) { g = int(i / 1000) " " i % 7
        n[g]++; t[g] += i }
        for (g in n) { split(g, a, " "); s = a[1] * 10
            printf "{\"w\":\"2024-01-01 %02d:%02d:%02d\",\"k\":%d,\"n\":%d,\"total\":%d}\n",
                int(s / 3600), int(s / 60) % 60, s % 60, a[2], n[g], t[g] } }' | LC_ALL=C sort
}
committed() {
    kcat -q -b "$KAFKA_BROKER" -C -t "$1" -e -o beginning -X isolation.level=read_committed
}
copies_of() { committed "$1-copies-$$" | tr -dc '0-9\n-' | grep -v '^-' | sort -n; }
sums_of() { committed "$1-sums-$$" | LC_ALL=C sort; }

# start_job NAME WORKERS
start_job() {
    "${ENTER[@]}" "$WEIR" run --checkpoint-dir "$SCRATCH/checkpoints" --resume \
        -e "SET 'parallelism.default' = '$2'; $(cat "$SCRATCH/$1.sql")" >>"$SCRATCH/$1.log" 2>&1 &
    JOB=$!
}
undo kill_job

# Sees all that is expected, or more.
complete() {
    [ "$(committed "$1-sums-$$" | sort -u | wc -l)" -ge "$(wc -l <"$SCRATCH/sums")" ] &&
        [ "$(copies_of $1 | sort -u | wc -l)" -ge "$RECORDS" ]
}

# Each partition has its records in the order of their time, or some of them would be late by right: a
# producer that is not idempotent sends what a broker that has just come back refused behind the next.
in_order() {
    local partition
    for partition in 0 1; do
        kcat -q -b "$KAFKA_BROKER" -C -t in-$$ -p $partition -e -o beginning | grep -v '"id":-' |
            sed 's/.*"id":\([0-9]*\).*/\1/' | sort -nc || return 1
    done
}

# How far the job's topics have come: what is in them, committed or not.
progress() {
    kcat -q -Q -b "$KAFKA_BROKER" -t "$1-copies-$$:0:-1" -t "$1-copies-$$:1:-1" -t "$1-sums-$$:0:-1" \
        -t "$1-sums-$$:1:-1" -t "in-$$:0:-1" -t "in-$$:1:-1" 2>/dev/null | sort
}
# finish NAME: waits until all is there, as long as more comes: a busy machine is slow, not wrong. To look
# whether all is there means to read all of it, which is done when nothing has come for a second.
finish() {
    local before='' now end=$((SECONDS + ${WEIR_EOS_SILENCE:-90})) last=$((SECONDS + 1800))
    until [ $SECONDS -ge $end ] || [ $SECONDS -ge $last ]; do
        now=$(progress $1)
        if [ "$now" != "$before" ]; then
            before=$now end=$((SECONDS + ${WEIR_EOS_SILENCE:-90}))
            sleep 1
        else
            if ! kill -0 $FEED 2>/dev/null && complete $1; then return 0; fi
            sleep 1
        fi
    done
    echo "note: $1 is not complete, $([ $SECONDS -ge $last ] && echo "after 1800 s" || echo "and nothing has come for a while")"
}

# A broker of our own dies, too, while the job reads and writes; kcat would give up, so it waits.
crash() {
    exec 9>"$SCRATCH/broker"
    flock 9
    kafka_crash 2 9>&-
    local rc=$?
    exec 9>&-
    return $rc
}

# Nothing comes through for a while. The job waits, or fails and begins again by itself; kcat would
# throw away what it has read.
cut() {
    exec 9>"$SCRATCH/broker"
    flock 9
    ip link set $net down
    sleep "$CUT"
    ip link set $net up
    exec 9>&-
    kill -0 $JOB
}

# run_and_kill NAME: the job of that name until all is there, killed on the way, each time with
# another number of workers.
run_and_kill() {
    local kill
    start_job $1 2
    for ((kill = 0; kill < KILLS; kill++)); do
        # After the second kill, and from there evenly.
        if [ -n "$KAFKA_PID" ] && [ $kill -ge 2 ] && [ $(((kill - 2) % ((KILLS - 3) / CRASHES + 1))) = 0 ]; then
            check "the broker comes back" crash
        fi
        if [ $kill = $((KILLS / 2)) ] && [ "$CUT" != 0 ] && [ $1 = once ]; then
            check "$1 survives $CUT s without a network" cut
        fi
        sleep $((1 + RANDOM % 3)).$((RANDOM % 10))
        kill -0 $JOB 2>/dev/null || { fail "$1 runs until it is killed" "$(tail -n 3 "$SCRATCH/$1.log")"; return; }
        if [ $((kill % 2)) = 0 ]; then kill_job; else kill_at_checkpoint "$SCRATCH/checkpoints/$1"; fi
        start_job $1 $((1 + kill % 3))
    done
    finish $1
    kill -INT $JOB
    check "$1 stops when asked" wait $JOB
    JOB=
}

kafka_topic in-$$ 2
for name in once least; do
    kafka_topic $name-copies-$$ 2
    kafka_topic $name-sums-$$ 2
done
job once exactly-once >"$SCRATCH/once.sql"
job least at-least-once >"$SCRATCH/least.sql"
expected_copies >"$SCRATCH/copies"
expected_sums >"$SCRATCH/sums"

feed 0.25 &
FEED=$!
run_and_kill once
wait $FEED
echo "note: $RECORDS records, $KILLS kills, $([ -n "$KAFKA_PID" ] && echo "$CRASHES crashes of the broker, ")$CUT s without a" \
    "network: $SECONDS s, $(grep -c 'going on from' "$SCRATCH/once.log") times from a checkpoint," \
    "$(grep -c 'failed and restarts' "$SCRATCH/once.log") restarts by itself; ${WEIR_EOS_SETTINGS:-state in memory}"
check "the input is in order in each partition" in_order
[ -z "$KAFKA_PID" ] || check "lost connections are told of" grep -q "^weir: table '.*': Kafka: .*; it is tried again" "$SCRATCH/once.log"
check "it went on from checkpoints" grep -q 'going on from' "$SCRATCH/once.log"
copies_of once >"$SCRATCH/out"
same "each record is copied exactly once" "$SCRATCH/copies" "$SCRATCH/out"
sums_of once >"$SCRATCH/out"
same "each aggregate comes exactly once" "$SCRATCH/sums" "$SCRATCH/out"
[ "$TEST_FAILED" = 0 ] || tail -n 20 "$SCRATCH/once.log"

KILLS=2
run_and_kill least
copies_of least | sort -nu >"$SCRATCH/out"
same "at least once: no record is lost" "$SCRATCH/copies" "$SCRATCH/out"
sums_of least | uniq >"$SCRATCH/out"
same "at least once: no aggregate is lost or wrong" "$SCRATCH/sums" "$SCRATCH/out"
