#!/usr/bin/env bash
# test/services/watch.sh - the watch end to end, with a real Kafka broker: 200 metrics registered over
# HTTP, six weeks of history, live points over HTTP and Kafka with incidents among them, alarms on the
# platform's topic; killed with SIGKILL in the middle of the incidents and begun again. What came on the
# topic must be, message by message, forecast by forecast, what a run says that nobody killed. Then
# labels, and a model that is replaced while points come.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/services/kafka.sh"
export WEIR_RUNTIME_DIR=$SCRATCH/run
kafka_need
command -v kcat >/dev/null || skip_all "no kcat"
"$WEIR" watch serve --dir "$SCRATCH/none" --listen nowhere 2>&1 | grep -q 'built without' && skip_all "built without SQLite"

FEED="python3 $TREE/test/services/watch_feed.py"
ALARMS=alarms-$$ POINTS=points-$$
SERVER= COLLECTOR=
serve() {  # NAME OPTION...: starts the watch of that folder; its address is then in NAME/address
    local name=$1
    shift
    rm -f "$SCRATCH/$name/address"
    : >"$SCRATCH/$name/out"  # now: the new process may empty it only after the address of the dead one was read
    "$WEIR" watch serve --dir "$SCRATCH/$name/watch" --listen 127.0.0.1:0 "$@" \
        >"$SCRATCH/$name/out" 2>>"$SCRATCH/$name/log" &
    SERVER=$!
    wait_for 20 listening "$name" || fail "the watch starts" "$(tail -n 3 "$SCRATCH/$name/log")"
}
listening() {
    local at
    at=$(sed -n 's/^watching at http:..//p' "$SCRATCH/$1/out")
    [ -n "$at" ] && echo "$at" >"$SCRATCH/$1/address.part" && mv "$SCRATCH/$1/address.part" "$SCRATCH/$1/address"
}
stop_server() {
    [ -n "$SERVER" ] || return 0
    kill -INT "$SERVER" 2>/dev/null
    wait "$SERVER" 2>/dev/null
    SERVER=
}
kill_server() {
    kill -9 "$SERVER"
    wait "$SERVER" 2>/dev/null
    SERVER=
}
stop_collector() {
    [ -n "$COLLECTOR" ] || return 0
    pkill -P "$COLLECTOR" 2>/dev/null
    kill "$COLLECTOR" 2>/dev/null
    wait "$COLLECTOR" 2>/dev/null
    COLLECTOR=
}
undo stop_server
undo stop_collector
feed() {
    local name=$1 verb=$2
    shift 2
    $FEED $verb "$SCRATCH/$name/address" "$SCRATCH/$name" "$@"
}
mkdir "$SCRATCH/plain" "$SCRATCH/killed"

# Six weeks, once, and then two watches that know the same.
$FEED hook "$SCRATCH" &
HOOK=$!
stop_hook() { kill $HOOK 2>/dev/null; wait $HOOK 2>/dev/null; }
undo stop_hook
wait_for 20 test -e "$SCRATCH/hook"
serve plain
curl -s "http://$(cat "$SCRATCH/plain/address")/v1/platforms" \
    -d "{\"name\":\"shop\",\"topic\":\"$ALARMS\",\"webhook\":\"http://127.0.0.1:$(cat "$SCRATCH/hook")/alarms\"}" |
    sed 's/.*"token":"\([^"]*\)".*/\1/' >"$SCRATCH/plain/token"
check "200 metrics, six weeks of history, a model each" feed plain prepare
sed 's/^/    /' "$SCRATCH/.check"
stop_server
rm -rf "$SCRATCH/plain/watch/checkpoints"
cp -r "$SCRATCH/plain/watch" "$SCRATCH/plain/token" "$SCRATCH/killed"

# The run that nobody kills.
serve plain --print
check "live points are taken" env FEED_PAUSE=0 $FEED live "$SCRATCH/plain/address" "$SCRATCH/plain" 0 72
messages() { sed -n 's/^alarm> +I\[\(.*\)\]$/\1/p' "$SCRATCH/plain/out" | LC_ALL=C sort; }
alarms_closed() { [ "$(messages | grep -c '"event":"close"')" -ge 20 ]; }
wait_for 20 alarms_closed
messages >"$SCRATCH/expected"
check "each incident opens an alarm, and it closes" [ "$(grep -c '"event":"open"' "$SCRATCH/expected")" -ge 20 ]

ids() { grep -o '^{"id":"[^"]*","seq":[0-9]*' "$1" | LC_ALL=C sort -u; }
hooked() { [ -z "$(comm -23 <(ids "$SCRATCH/expected") <(ids "$SCRATCH/hooked"))" ]; }
check "the webhook gets all of them, though it fails now and then" wait_for 30 hooked

# The run that dies in the middle of them.
kafka_topic "$ALARMS"
kafka_topic "$POINTS.shop"
stop_plain=$SERVER SERVER=
$FEED collect "$KAFKA_BROKER" "$ALARMS" "$SCRATCH/killed" &
COLLECTOR=$!
kafka_serve() { serve killed --kafka "$KAFKA_BROKER" --points "$POINTS[.].+" --checkpoint 200ms; }
kafka_serve
FEED_TOPIC=$POINTS.shop $FEED live "$SCRATCH/killed/address" "$SCRATCH/killed" 0 72 >"$SCRATCH/feed" 2>&1 &
FEEDER=$!
at_tick() { [ "$(wc -l <"$SCRATCH/killed/pushed")" -ge "$1" ]; }
checkpointed() { compgen -G "$SCRATCH/killed/watch/checkpoints/watch/chk-*" >/dev/null; }
for tick in 23 32 50; do  # at the first incidents, in the middle of all, when the first have closed
    wait_for 60 at_tick $tick
    wait_for 20 checkpointed  # on a busy machine the first one may take longer than the first ticks
    kill_server
    kafka_serve
done
wait $FEEDER
check "every push was taken, before and after" [ $? = 0 ]
cut -d ' ' -f 2- "$SCRATCH/killed/collected" >"$SCRATCH/got"
all_there() { [ "$(wc -l <"$SCRATCH/killed/collected")" -ge "$(wc -l <"$SCRATCH/expected")" ]; }
wait_for 30 all_there
check "it went on from a checkpoint" grep -q 'going on from' "$SCRATCH/killed/log"
cut -d ' ' -f 2- "$SCRATCH/killed/collected" | LC_ALL=C sort >"$SCRATCH/got"
same "no alarm is lost, none doubled, forecasts go on as if nothing had happened" "$SCRATCH/expected" "$SCRATCH/got"
# Labels: the graded faults of the second day, called false, and the same faults on the third.
graded() {  # NAME DAY: how many of the graded metrics opened an alarm on that day
    python3 - "$1" "$2" "$TREE/test/services" <<'PYTHON'
import json, sys
sys.path.insert(0, sys.argv[3])
import watch_feed as feed
a, b = feed.GRADED_AT[int(sys.argv[2])]
found = {m["metric"] for m in map(json.loads, open(sys.argv[1])) if m["event"] != "close"
         and int(m["metric"][-3:]) in feed.GRADED and a <= (m["ts"] // 1000 - feed.T0) // feed.STEP_S < b + 12}
print(len(found))
PYTHON
}
collected() { cut -d ' ' -f 2- "$SCRATCH/killed/collected" >"$SCRATCH/got"; }
two_days() { FEED_PAUSE=0 $FEED live "$SCRATCH/$1/address" "$SCRATCH/$1" $2 $3; }
check "the second day" env FEED_PAUSE=0.05 FEED_TOPIC="$POINTS.shop" $FEED live "$SCRATCH/killed/address" "$SCRATCH/killed" 72 144
sleep 1
collected
python3 - "$SCRATCH/killed" "$TREE/test/services" >"$SCRATCH/delays" <<'PYTHON'
import json, sys
sys.path.insert(0, sys.argv[2])
import watch_feed as feed
pushed = {int(a): float(b) for a, b in (line.split() for line in open(sys.argv[1] + "/pushed"))}
calm = (feed.T0 + 72 * feed.STEP_S) * 1000  # since then nobody has killed it
late = sorted(float(at) - pushed[ts] for at, ts in
              ((line.split(" ", 1)[0], json.loads(line.split(" ", 1)[1])["ts"])
               for line in open(sys.argv[1] + "/collected")) if ts >= calm)
print("from push to topic: %d messages, median %.0f ms, at most %.0f ms"
      % (len(late), late[len(late) // 2] * 1e3, late[-1] * 1e3))
sys.exit(late[len(late) // 2] > 1)
PYTHON
check "alarms are on the topic within a second" [ $? = 0 ]
sed 's/^/    /' "$SCRATCH/delays"
first=$(graded "$SCRATCH/got" 0)
feed killed label >"$SCRATCH/labels"
check "the third day" two_days killed 144 216
sleep 1
collected
second=$(graded "$SCRATCH/got" 1)
check "the same without labels" two_days plain 72 216
sleep 1
messages >"$SCRATCH/plain/got"
without=$(graded "$SCRATCH/plain/got" 1)
echo "    $first faults raised alarms, $(cat "$SCRATCH/labels") of them were called false; then $second, and $without where nobody did"
check "a label changes the next such case" [ "$first" -gt 0 -a "$second" -lt "$without" ]
check "a new model is taken up while points come" feed killed retrain
sed 's/^/    /' "$SCRATCH/.check"
stop_server
SERVER=$stop_plain
stop_server
