#!/usr/bin/env bash
# test/services/kafka_tables.sh - 'kafka' and 'upsert-kafka' tables on a real broker: what kcat sees of
# what weir writes, and what weir reads of what kcat wrote.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/services/kafka.sh"
kafka_need

# kafka NAME COLUMNS [OPTIONS]: a CREATE TABLE over topic NAME-$$, read whole, with an end.
kafka() {
    cat <<-SQL
	CREATE TABLE \`$1\` ($2) WITH (
	  'connector' = '${connector:-kafka}', 'topic' = '$1-$$',
	  'properties.bootstrap.servers' = '$KAFKA_BROKER'${connector:+, 'key.format' = 'json', 'value.format' = 'json'}
	  $([ -n "${connector:-}" ] || echo ", 'scan.startup.mode' = '${start:-earliest-offset}'")
	  , 'scan.bounded.mode' = '${stop:-latest-offset}' ${3:+, $3}
	);
	SQL
}
changes="SET 'sql-client.execution.result-mode' = 'changelog';"
# weir SQL...: what a script prints, sorted; a failure is shown.
weir() { "$WEIR" run -e "$changes $*" 2>&1 | LC_ALL=C sort; }

# Plain rows, JSON and CSV.
kafka_topic plain-$$ 3
plain=$(kafka plain "id INT, name STRING, stamp TIMESTAMP(3)" "'format' = 'json'")
weir "$plain INSERT INTO plain VALUES (1, 'ann', TIMESTAMP '2024-01-01 00:00:00.500'),
    (2, CAST(NULL AS STRING), CAST(NULL AS TIMESTAMP(3)));" >"$SCRATCH/out"
kafka_read plain-$$ | LC_ALL=C sort >>"$SCRATCH/out"
cat >"$SCRATCH/expected" <<'ROWS'
{"id":1,"name":"ann","stamp":"2024-01-01 00:00:00.5"}
{"id":2,"name":null,"stamp":null}
ROWS
same "rows become JSON messages" "$SCRATCH/expected" "$SCRATCH/out"
weir "$plain SELECT id, name, stamp FROM plain;" >"$SCRATCH/out"
printf '+I\t1\tann\t2024-01-01 00:00:00.500\n+I\t2\tNULL\tNULL\n' >"$SCRATCH/expected"
same "and are read back" "$SCRATCH/expected" "$SCRATCH/out"

# Keys, metadata, headers.
kafka_topic keyed-$$ 2
keyed=$(kafka keyed "k_id INT, name STRING, stamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
    headers MAP<STRING, BYTES> METADATA, part INT METADATA FROM 'partition' VIRTUAL" \
    "'key.format' = 'csv', 'key.fields' = 'k_id', 'key.fields-prefix' = 'k_',
     'value.format' = 'csv', 'value.fields-include' = 'EXCEPT_KEY'")
weir "$keyed INSERT INTO keyed SELECT id, name, TO_TIMESTAMP_LTZ(1000 + id, 3), MAP['h', x'41']
    FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) AS t (id, name);" >"$SCRATCH/out"
kafka_read keyed-$$ '%k %s %T %h\n' | LC_ALL=C sort >>"$SCRATCH/out"
printf '%s\n' '1 a 1001 h=A' '2 b 1002 h=A' '3 c 1003 h=A' >"$SCRATCH/expected"
same "key, time stamp and headers are written" "$SCRATCH/expected" "$SCRATCH/out"
weir "SET 'table.local-time-zone' = 'UTC'; $keyed
    SELECT k_id, name, stamp, headers FROM keyed;" >"$SCRATCH/out"
for i in 1 2 3; do
    printf '+I\t%s\t%s\t1970-01-01 00:00:01.00%s\t{h=%s}\n' $i "$(echo $i | tr 123 abc)" $i "x'41'"
done >"$SCRATCH/expected"
same "and read" "$SCRATCH/expected" "$SCRATCH/out"
# The same key goes to the same partition, the one that Java's client would choose (murmur2).
kafka_read keyed-$$ '%k %p\n' | LC_ALL=C sort >"$SCRATCH/out"
printf '1 %s\n2 %s\n3 %s\n' 1 0 1 >"$SCRATCH/expected"
same "a key lies where Java's client puts it" "$SCRATCH/expected" "$SCRATCH/out"

# upsert-kafka: the latest of each key.
kafka_topic latest-$$ 1
latest=$(connector=upsert-kafka kafka latest "product STRING, amount BIGINT, PRIMARY KEY (product) NOT ENFORCED")
weir "$latest INSERT INTO latest SELECT product, SUM(amount)
    FROM (VALUES ('tea', CAST(1 AS BIGINT)), ('milk', 2), ('tea', 4)) AS t (product, amount)
    GROUP BY product;" >"$SCRATCH/out"
printf '{"product":"milk"}|\n' | kcat -q -b "$KAFKA_BROKER" -P -t latest-$$ -K '|' -Z
kafka_read latest-$$ '%k %S %s\n' >>"$SCRATCH/out"
cat >"$SCRATCH/expected" <<'ROWS'
{"product":"tea"} 28 {"product":"tea","amount":1}
{"product":"milk"} 29 {"product":"milk","amount":2}
{"product":"tea"} 28 {"product":"tea","amount":5}
ROWS
head -n 3 "$SCRATCH/out" >"$SCRATCH/first"
same "each change of a key is a message" "$SCRATCH/expected" "$SCRATCH/first"
weir "SET 'sql-client.execution.result-mode' = 'table'; $latest SELECT * FROM latest;" |
    grep -E 'tea|milk' >"$SCRATCH/out"
echo "| tea     |      5 |" >"$SCRATCH/expected"
same "a null value deletes its key" "$SCRATCH/expected" "$SCRATCH/out"

# Start and end.
for i in 1 2 3 4; do echo $i; done | kafka_produce numbers-$$
numbers() {
    weir "$(start=$1 stop=$2 kafka numbers "n INT" "'format' = 'csv' ${3:+, $3}") SELECT n FROM numbers;" |
        cut -f 2 | tr '\n' ' '
}
is() { [ "$2" = "$3" ] && pass "$1" || fail "$1" "'$2' and not '$3'"; }
is "from the beginning" "$(numbers earliest-offset latest-offset)" "1 2 3 4 "
is "from offsets to offsets" "$(numbers specific-offsets specific-offsets "
    'scan.startup.specific-offsets' = 'partition:0,offset:1',
    'scan.bounded.specific-offsets' = 'partition:0,offset:3'")" "2 3 "
is "from the end there is nothing" "$(numbers latest-offset latest-offset)" ""
is "from a time stamp long ago" "$(numbers timestamp latest-offset "
    'scan.startup.timestamp-millis' = '1000'")" "1 2 3 4 "
is "a group goes on where it was" "$(numbers group-offsets latest-offset "
    'properties.group.id' = 'g-$$', 'properties.auto.offset.reset' = 'earliest'"
    echo 5 | kafka_produce numbers-$$
    numbers group-offsets latest-offset "'properties.group.id' = 'g-$$'")" "1 2 3 4 5 "

# A job that fails behind its source has read nothing.
failing=$(start=group-offsets kafka numbers "n INT" "'format' = 'csv', 'properties.group.id' = 'f-$$',
    'properties.auto.offset.reset' = 'earliest'")
weir "$failing SELECT 1 / (n - 3) FROM numbers;" >"$SCRATCH/out"
check "a job may fail at a row" grep -qi "zero" "$SCRATCH/out"
is "and then its group has not moved" "$(numbers group-offsets latest-offset "
    'properties.group.id' = 'f-$$', 'properties.auto.offset.reset' = 'earliest'")" "1 2 3 4 5 "

# Topics by pattern, two workers.
echo 7 | kafka_produce "numbers-$$-more"
pattern=$(kafka numbers "n INT, topic STRING METADATA VIRTUAL" "'format' = 'csv'" |
    sed "s/'topic' = 'numbers-$$'/'topic-pattern' = 'numbers-$$.*'/")
weir "SET 'parallelism.default' = '2'; $pattern SELECT n, topic FROM numbers;" >"$SCRATCH/out"
{
    for i in 1 2 3 4 5; do printf "+I\t$i\tnumbers-$$\n"; done
    printf "+I\t7\tnumbers-$$-more\n"
} >"$SCRATCH/expected"
same "a pattern finds its topics" "$SCRATCH/expected" "$SCRATCH/out"

# What goes wrong is said.
echo bad | kafka_produce bad-$$
weir "$(kafka bad "n INT" "'format' = 'csv'") SELECT n FROM bad;" >"$SCRATCH/out"
check "a bad message is named" grep -q "^bad-$$-0@0:.*22000" "$SCRATCH/out"
weir "$(kafka missing "n INT" "'format' = 'csv'") SELECT n FROM missing;" >"$SCRATCH/out"
check "a missing topic is named" grep -q "missing-$$" "$SCRATCH/out"
