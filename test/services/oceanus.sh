#!/usr/bin/env bash
# test/services/oceanus.sh - examples/oceanus against a real broker: one weir writes the topic until
# Ctrl-C, a second one reads it back from the group's offset, by windows of event time, and prints.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/services/kafka.sh"
kafka_need

topic=oceanus-$$ group=oceanus-$$
# script NAME [SED-COMMANDS]: the example with our broker, topic and group in it.
script() {
    sed "s/localhost:9092/$KAFKA_BROKER/; s/topic_v2/$topic/; s/'weir'/'$group'/; ${2:-}" \
        "$TREE/examples/oceanus/$1.sql"
}
holds() { [ "$(kafka_read $topic | wc -l)" -ge "$1" ]; }

# As it stands, one sample a second, until Ctrl-C. (A shell starts background jobs deaf to SIGINT.)
script write >"$SCRATCH/write.sql"
env --default-signal=INT "$WEIR" run "$SCRATCH/write.sql" >"$SCRATCH/write.log" 2>&1 &
writer=$!
undo stop_writer
stop_writer() { kill -9 $writer 2>/dev/null; }
if wait_for 30 holds 3; then pass "samples arrive in the topic one by one"; else
    cat "$SCRATCH/write.log"
    fail "samples arrive in the topic one by one"
fi
kill -INT $writer 2>/dev/null
wait $writer
check "Ctrl-C ends the job well" [ $? -eq 0 ]

# The same with a thousand samples a second and an end.
script write "s/'rows-per-second'='1'/'rows-per-second'='1000','number-of-rows'='5000'/" >"$SCRATCH/more.sql"
check "a bounded writer ends by itself" "$WEIR" run "$SCRATCH/more.sql"
kafka_read $topic >"$SCRATCH/topic"
count=$(wc -l <"$SCRATCH/topic")
check "no sample is lost" [ "$count" -ge 5003 ]
check "a message is a CSV line of nine numbers from 0 to 10" \
    awk -F, '{ for (i = 1; i <= NF; i++) if ($i !~ /^([0-9]|10)$/) exit 1 } NF != 9 { exit 1 }' "$SCRATCH/topic"

# counts FILE: windows and samples that a report's print lines tell of.
counts() {
    sed -nE 's/^\+I\[([^,]+), ([0-9]+), .*/\2/p' "$1" | awk '{ n += $1 } END { print NR + 0, n + 0 }'
}
bounded="s/'format'='csv'/'format'='csv','scan.bounded.mode'='latest-offset'/"
script read "$bounded" >"$SCRATCH/read.sql"
# A reader that ends well leaves its offsets to the group: the next one begins there.
check "the reader ends where the topic ended" bash -c '"$WEIR" run "$1" >"$2" 2>&1' - \
    "$SCRATCH/read.sql" "$SCRATCH/report"
read -r windows samples < <(counts "$SCRATCH/report")
check "each sample is in a window" [ "$samples" -eq "$count" ]
check "the samples fall into several windows" [ "$windows" -ge 2 ]

# A group that has read the first 3000 samples begins with the next one.
"${KAFKA_JVM[@]}" org.apache.kafka.tools.consumer.group.ConsumerGroupCommand \
    --bootstrap-server "$KAFKA_BROKER" --group $group --topic $topic:0 --reset-offsets --to-offset 3000 \
    --execute >"$SCRATCH/reset" 2>&1
"$WEIR" run "$SCRATCH/read.sql" >"$SCRATCH/report" 2>&1
read -r windows samples < <(counts "$SCRATCH/report")
check "a group begins at its offset" [ "$samples" -eq $((count - 3000)) ]

"$WEIR" run "$SCRATCH/read.sql" >"$SCRATCH/report" 2>&1
read -r windows samples < <(counts "$SCRATCH/report")
check "and where it has left off" [ "$samples" -eq 0 ]

# As it stands: windows are printed while the topic goes on, each once.
group=$group-live
script read >"$SCRATCH/live.sql"
env --default-signal=INT "$WEIR" run "$SCRATCH/live.sql" >"$SCRATCH/live" 2>&1 &
writer=$!
printed() { grep -q '^+I\[' "$SCRATCH/live"; }
check "windows are printed while the reader goes on" wait_for 30 printed
kill -INT $writer 2>/dev/null
wait $writer
check "and Ctrl-C ends it well" [ $? -eq 0 ]
