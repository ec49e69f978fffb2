#!/usr/bin/env bash
# test/services/watch_silence.sh - a metric that stops to report, and one that is removed, on a watch that is
# killed at every turn: the silence is told once, ends when points come, and is no news when a label says so;
# of the removed metric nothing is left. No broker: points come over HTTP.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/watch_server.sh"
begin() { serve --print --quiet 200ms --checkpoint 100ms; }
cut_off() {
    kill_server
    cat "$SCRATCH/out" >>"$SCRATCH/all"
}
T0=1760054400
points() {  # FROM TO METRIC...: minutes [FROM, TO) of each
    local from=$1 to=$2
    shift 2
    for ((i = from; i < to; i++)); do for m in "$@"; do echo "$m,$((T0 + 60 * i)),$((100 + i % 7))"; done; done |
        ask points -H 'Content-Type: text/csv' --data-binary @- >>"$SCRATCH/answers"
}
said() { cat "$SCRATCH/all" "$SCRATCH/out" | sed -n 's/^alarm> +I\[\(.*\)\]$/\1/p'; }
silences() { said | grep '"kind":"silence"' | grep -c "\"event\":\"$1\",.*\"metric\":\"$2\""; }
is_silent() { [ "$(silences "$1" "$2")" -ge "$3" ]; }
state_is() { ask "metrics/$1/status" | grep -q "\"state\":\"$2\""; }
: >"$SCRATCH/all"

begin
platform shop
ask metrics -d '[{"id":"a","granularity":60,"group":"g"},{"id":"b","granularity":60,"group":"g"},
    {"id":"c","granularity":60,"group":"g"},{"id":"off","granularity":60,"group":"g","silence":"off"},
    {"id":"long","granularity":60,"group":"g","silence":"3 h"},{"id":"gone","granularity":60,"group":"g"}]' >"$SCRATCH/answers"
check "metrics say how long they may be silent" grep -q '"added":6' "$SCRATCH/answers"
points 0 40 a b c off long gone
points 40 60 a b gone

# Points of 2025: the clock says nothing, but the group has gone on.
check "a metric that has stopped is told" wait_for 20 is_silent open c 1
check "that is its state" state_is c silent
sleep 0.3  # a checkpoint or two; without one it is told by the next process, with the same number
cut_off
begin
points 60 70 a b gone
check "a restart remembers that it is silent" wait_for 20 state_is c silent
cut_off
begin
points 70 71 a b c gone
check "points end it" wait_for 20 is_silent close c 1
sleep 0.5
ids() { said | grep '"kind":"silence"' | sed 's/"platform.*//' | sort -u | wc -l; }
same_ids() { [ "$(ids)" = 2 ]; }
check "one opening, one end, whatever was killed; nobody else was silent" same_ids || said | cut -c 1-300

# A second time; somebody says that it is as it should be.
points 71 90 a b gone
check "it is told again" wait_for 20 is_silent open c 2
ID=$(said | grep '"metric":"c"' | grep '"kind":"silence"' | tail -n 1 | sed 's/{"id":"\([^"]*\)".*/\1/')
labelled() { ask labels -d "{\"alarm\":\"$ID\",\"kind\":\"false_alarm\"}" | grep -q '"labels":1'; }
check "what is printed is in the registry: somebody labels it" labelled
check "a label ends it" wait_for 20 is_silent close c 2
points 90 91 a b c gone
points 91 105 a b gone
sleep 0.6
check "and its like is no news" [ "$(silences open c)" = 2 ]

# A group that falls silent as a whole, by the clock: one alarm.
live() {  # SECONDS METRIC...: a point for each of the last seconds
    local seconds=$1 now=$(date +%s)
    shift
    for ((i = now - seconds + 1; i <= now; i++)); do for m in "$@"; do echo "$m,$i,$((100 + i % 7))"; done; done |
        ask points -H 'Content-Type: text/csv' --data-binary @- >>"$SCRATCH/answers"
}
of_group() { said | grep '"group":"h"' | grep -c "\"event\":\"$1\""; }
group_is() { [ "$(of_group "$1")" -ge "$2" ]; }
ask metrics -d '[{"id":"x","granularity":1,"group":"h","silence":"2 s"},{"id":"y","granularity":1,"group":"h","silence":"2 s"},
    {"id":"z","granularity":1,"group":"h","silence":"2 s"}]' >>"$SCRATCH/answers"
live 40 x y z
check "a group that falls silent is told" wait_for 20 group_is open 1
check "for all its metrics" eval 'said | grep -q "\"group\":true,\"metrics\":3"'
check "each of them is silent" wait_for 20 state_is z silent
sleep 0.3
cut_off
begin
check "a restart remembers the group" wait_for 20 state_is y silent
sleep 1.2
check "one alarm for the group, whatever was killed" [ "$(of_group open)" = 1 ]
live 1 y
check "it ends when one of them is heard" wait_for 20 group_is close 1
live 1 x y z

# Removed, and registered anew.
check "its points are known" eval 'ask metrics/gone/history | grep -q "[0-9],[0-9]"'
ask metrics/gone -X DELETE >>"$SCRATCH/answers"
check "a removed metric is no more" eval 'ask metrics/gone/status | grep -q "has no metric"'
sleep 0.3
cut_off
begin
ask metrics -d '{"id":"gone","granularity":60,"group":"g"}' >>"$SCRATCH/answers"
check "its name begins anew" state_is gone silent
check "with no points" eval '[ "$(ask metrics/gone/history)" = "{\"values\":[]}" ]'
cut_off
