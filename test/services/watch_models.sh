#!/usr/bin/env bash
# test/services/watch_models.sh - models that are more than a profile, over HTTP. A metric whose Fridays are long,
# which two shapes of days do not hold: the watch trains a dense network for it, and an LSTM where it is important;
# its long Friday is no alarm, an outage is one, whatever is killed. And a success rate, which is modelled from its
# ceiling: its forecasts are rates, from history alone and after a kill, too. No broker.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/watch_server.sh"
# Points of two minutes from a Monday on; a share of them may be lost.
T0=1759104000 DAY=720
orders() {  # FROM TO [SHARE]
    awk -v from="$1" -v to="$2" -v share="${3:-1}" -v t0=$T0 'BEGIN {
        for (i = from; i < to; i++) {
            srand(i + 1); hour = i % 720 / 30; day = int(i / 720) % 7; noise = 0
            for (k = 0; k < 12; k++) noise += rand()
            mean = 400 * (0.1 + exp(-(hour - 11) ^ 2 / 12) + exp(-(hour - 19) ^ 2 / 10)) * (day > 4 ? 0.8 : 1)
            if (day == 4) mean *= 1 + 0.9 * exp(-(hour - 20) ^ 2 / 5)
            if (day == 0) mean *= 1 - 0.4 * exp(-(hour - 9) ^ 2 / 8)
            value = share * (mean + sqrt(mean) * (noise - 6))
            for (m = 1; m <= 2; m++) print (m == 1 ? "plain" : "important") "," t0 + 120 * i "," int(value > 0 ? value : 0)
            failed = 0
            for (k = 0; k < 40; k++) failed += rand() < 0.01
            print "rate," t0 + 120 * i "," 100 - 2.5 * failed
        } }'
}
push() { orders "$@" | ask points -H 'Content-Type: text/csv' --data-binary @- >>"$SCRATCH/answers"; }
model_says() { ask "metrics/$1/model" | grep -q "corrected by a network ($2)"; }
judged() { ask "metrics/$1/forecast?ahead=1" | grep -q "\"ts\":$(((T0 + 120 * ($2 - 1)) * 1000))"; }
ahead() { ask "metrics/$1/forecast?ahead=3" | sed 's/.*"ahead"//' | grep -o '"forecast":[^,}]*' | cut -d : -f 2; }
rates() { [ "$(ahead rate | awk '$1 > 97 && $1 <= 100' | wc -l)" = 3 ]; }
opened() { grep '"event":"open"' "$SCRATCH/out" | grep -c "\"metric\":\"$1\""; }

serve --print --checkpoint 100ms
platform shop
ask metrics -d '[{"id":"plain","granularity":"2 min"},{"id":"important","granularity":"2 min","importance":"important"},
    {"id":"rate","granularity":"2 min","direction":"fall","unit":"%"}]' >"$SCRATCH/answers"
orders 0 $((35 * DAY)) | ask history -H 'Content-Type: text/csv' --data-binary @- >>"$SCRATCH/answers"
check "a network does better than the profile" wait_for 60 model_says plain dense
check "for the important metric an LSTM, which does better" wait_for 60 model_says important lstm
check "forecasts of a rate are rates, before a point is judged" wait_for 60 rates

push $((35 * DAY)) $((40 * DAY + 320))
check "days are judged" wait_for 30 judged important $((40 * DAY + 320))
check "forecasts of a rate are rates, behind its newest point" rates
long=$(opened important)
check "long evenings are hardly an alarm" [ "$long" -le 1 ]
push $((40 * DAY + 320)) $((40 * DAY + 332)) 0.2
outage() { [ "$(opened important)" = $((long + 1)) ] && [ "$(opened plain)" -ge 1 ]; }
check "an outage is one" wait_for 20 outage
ID=$(grep '"event":"open"' "$SCRATCH/out" | grep '"metric":"important"' | tail -n 1 | sed 's/.*{"id":"\([^"]*\)".*/\1/')
wait_for 20 judged important $((40 * DAY + 332))
sleep 0.4  # a checkpoint or two
kill_server
serve --print --checkpoint 100ms
check "after a kill the LSTM is still there" model_says important lstm
check "and forecasts of a rate are rates" rates
push $((40 * DAY + 332)) $((40 * DAY + 380))
closed() { grep '"event":"close"' "$SCRATCH/out" | grep -q "\"id\":\"$ID\""; }
check "the alarm that was open closes when orders are back" wait_for 20 closed
kill_server
