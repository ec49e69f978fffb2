#!/usr/bin/env bash
# test/services/watch_general.sh - the network that all metrics have in common: made from labelled files with one
# command, the same each time; and taught further by a platform's labels, which is kept over a kill. No broker.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/watch_server.sh"
T0=1759104000 DAY=288
# Points of five minutes; dips of half an hour on some days, at another time for each metric.
dips() {  # METRIC FROM TO
    awk -v m="$1" -v from="$2" -v to="$3" -v t0=$T0 'BEGIN {
        for (i = from; i < to; i++) {
            srand(7919 * m + i + 1); noise = 0; day = int(i / 288)
            for (k = 0; k < 12; k++) noise += rand()
            mean = 100 + 40 * sin(6.2831853 * (i % 288) / 288)
            at = 60 + 37 * (day + 3 * m) % 200
            if (day > 9 && i % 288 >= at && i % 288 < at + 6) mean -= 14
            printf "m%d,%d,%.4f\n", m, t0 + 300 * i, mean + 3 * (noise - 6)
        } }'
}
dip_of() {  # METRIC DAY: its begin
    echo $((T0 + 300 * ($2 * DAY + 60 + 37 * ($2 + 3 * $1) % 200)))
}

# -- made from files
mkdir "$SCRATCH/school"
{ echo metric,ts,value; for m in 1 2 3; do dips $m 0 $((24 * DAY)); done; } >"$SCRATCH/school/values.csv"
{
    echo metric,start,end,kind
    for m in 1 2 3; do
        for day in $(seq 10 23); do
            echo "m$m,$(dip_of $m "$day"),$(($(dip_of $m "$day") + 1500)),$([ $((day % 2)) = 0 ] && echo incident || echo benign)"
        done
    done
} >"$SCRATCH/school/labels.csv"
teach() { "$WEIR" watch teach "$SCRATCH/school" --out "$SCRATCH/$1" "${@:2}" 2>"$SCRATCH/said" || { cat "$SCRATCH/said"; return 1; }; }
check "labelled files teach a network" teach one
check "what they taught is told" grep -q 'learned: [0-9]* cases, [0-9]* of them of incidents, loss' "$SCRATCH/said"
check "it is the same each time" eval 'teach two && cmp "$SCRATCH/one" "$SCRATCH/two"'
check "and another of another seed" eval 'teach three --seed 2 && ! cmp -s "$SCRATCH/one" "$SCRATCH/three"'
replayed() { "$WEIR" watch replay "$SCRATCH/school" --direction drop --sensitivity middle --general "$1" --out "$SCRATCH/$2" 2>"$SCRATCH/said"; }
check "a replay takes it" replayed "$SCRATCH/one" with
check "or the one that is built in" replayed shipped built_in
check "or none" replayed none without
check "all of them judge every point" eval '[ "$(cat "$SCRATCH/with" "$SCRATCH/without" "$SCRATCH/built_in" | wc -l)" = $((3 * (3 * 24 * DAY + 1))) ]'
head -c 5000 "$SCRATCH/one" >"$SCRATCH/cut"
check "one that was cut is refused by name" eval '! replayed "$SCRATCH/cut" x && grep -q "reading .*/cut: the general network cannot be read" "$SCRATCH/said"'
rm "$SCRATCH/school/labels.csv"
check "without labels nothing is taught, and it says what is missing" eval '! teach four && grep -q "nothing says what was an incident" "$SCRATCH/said" && grep -q "labels.csv" "$SCRATCH/said"'

# -- taught by a platform's labels
serve --print --checkpoint 100ms
platform shop
for m in 1 2 3; do echo "{\"id\":\"m$m\",\"granularity\":\"5 min\",\"direction\":\"fall\"}"; done | paste -sd, | sed 's/.*/[&]/' | ask metrics -d @- >"$SCRATCH/answers"
for m in 1 2 3; do dips $m 0 $((24 * DAY)); done | ask history -H 'Content-Type: text/csv' --data-binary @- >>"$SCRATCH/answers"
model() { ask "metrics/$1/model" | grep -o '"version":[0-9]*' | head -n 1 | cut -d : -f 2; }
all_live() { for m in 1 2 3; do [ "$(model m$m)" -ge 1 ] || return 1; done; }
check "metrics are learned" wait_for 60 all_live
general() { ask general | grep -q "\"version\":$1,"; }
check "the network is the one that is built in" general 0
before=$(model m1)
for m in 1 2 3; do
    for day in $(seq 14 23); do
        echo "{\"metric\":\"m$m\",\"from\":$(dip_of $m "$day"),\"to\":$(($(dip_of $m "$day") + 1500)),\"kind\":\"false_alarm\"}"
    done
done | paste -sd, | sed 's/.*/[&]/' | ask labels -d @- >>"$SCRATCH/answers"
check "labels teach it" wait_for 60 general 1
check "how many, and how well, is told" eval 'ask general | grep -q "\"labels\":30,\"loss\":[0-9.e-]*,\"loss_before\":"'
again() { [ "$(model m1)" -gt "$before" ]; }
check "what was labelled is trained again, and takes it up" wait_for 60 again
kill_server
serve --print --checkpoint 100ms
check "after a kill it is still there" general 1
kill_server
printf 'nonsense' >"$SCRATCH/watch/general/1-1"
serve --print --checkpoint 100ms
check "one that cannot be read gives way to what is built in" eval 'ask general | grep -q "\"version\":1,.*\"labels\":0"'
check "and that is said" eval 'grep -q "general/1-1: .*the network that is built in is used" "$SCRATCH/log" "$SCRATCH/out"'
kill_server
