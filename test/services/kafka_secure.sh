#!/usr/bin/env bash
# test/services/kafka_secure.sh - a real broker behind TLS and SASL: rows in and out, and transactions
# that outlive the process which began them, by each mechanism that weir speaks itself.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/services/kafka.sh"
kafka_need
[ -n "${KAFKA_SECURE:-}" ] || skip_all "the broker at hand has no door with TLS and SASL"
cd "$SCRATCH" || exit 1

# security MECHANISM PASSWORD [CA]: a table's options for the door.
security() {
    local module=scram.ScramLoginModule
    [ "$1" != PLAIN ] || module=plain.PlainLoginModule
    echo "'connector' = 'kafka', 'format' = 'json', 'properties.bootstrap.servers' = '$KAFKA_SECURE',
        'properties.security.protocol' = 'SASL_SSL', 'properties.sasl.mechanism' = '$1',
        'properties.ssl.truststore.type' = 'PEM', 'properties.ssl.truststore.location' = '${3:-$KAFKA_CA}',
        'properties.sasl.jaas.config' =
            'org.apache.kafka.common.security.$module required username=\"weir\" password=\"$2\";'"
}
# copy MECHANISM: numbers of topic `in` to a topic of the mechanism's name, exactly once.
copy() {
    cat <<-SQL
	SET 'execution.checkpointing.interval' = '100 ms';
	SET 'pipeline.name' = 'copy-$1';
	CREATE TABLE numbers (id BIGINT) WITH ($(security $1 "$KAFKA_PASSWORD"), 'topic' = 'in-$$',
	    'scan.startup.mode' = 'earliest-offset', 'properties.group.id' = '$1-$$');
	CREATE TABLE copies (id BIGINT) WITH ($(security $1 "$KAFKA_PASSWORD"), 'topic' = '$1-$$',
	    'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '$1-$$');
	INSERT INTO copies SELECT id FROM numbers;
	SQL
}
start_job() {
    "$WEIR" run --checkpoint-dir checkpoints --resume -e "$(copy $1)" >>"$1.log" 2>&1 &
    JOB=$!
}
undo kill_job
numbers() { seq "$1" "$2" | sed 's/.*/{"id":&}/' | kafka_produce in-$$; }
committed() {
    kcat -q -b "$KAFKA_BROKER" -C -t "$1-$$" -e -o beginning -X isolation.level=read_committed
}
has() { [ "$(committed "$1" | wc -l)" -ge "$2" ]; }

# Our own half, at the broker: the unit test that lies beside the debug build.
for unit in "$(dirname "$WEIR")/weir-unit" "$TREE/build-debug/weir-unit"; do
    [ ! -x "$unit" ] || break
done
if [ -x "$unit" ]; then check "requests of our own get through by each mechanism" "$unit" kafka
else skip "requests of our own: no weir-unit is built"; fi

# librdkafka before 2.6.1 cannot do SCRAM with a broker as new as this one (its issue 4895).
old_library() {
    python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL("librdkafka.so.1").rd_kafka_version() >= 0x02060100)'
}
kafka_topic in-$$
last=0
for mechanism in PLAIN SCRAM-SHA-256 SCRAM-SHA-512; do
    if [ $mechanism != PLAIN ] && old_library; then
        skip "$mechanism over TLS: this librdkafka cannot do it with this broker"
        continue
    fi
    kafka_topic $mechanism-$$
    start_job $mechanism
    numbers $((last + 1)) $((last + 300))
    last=$((last + 300))
    wait_for 20 has $mechanism $last || tail -n 5 $mechanism.log
    for _ in 1 2; do
        numbers $((last + 1)) $((last + 50))
        last=$((last + 50))
        kill_at_checkpoint checkpoints/copy-$mechanism  # its transaction is committed by the next run
        start_job $mechanism
    done
    wait_for 20 has $mechanism $last
    kill_job
    seq 1 $last | sed 's/.*/{"id":&}/' >expected
    committed $mechanism | sort -t: -k2n >actual
    same "$mechanism over TLS: exactly once, through kills" expected actual || tail -n 5 $mechanism.log
done

# read MECHANISM PASSWORD [CA]: one try, which fails; what is said is in `said`.
fails() {
    timeout 60 "$WEIR" run -e "CREATE TABLE t (id BIGINT) WITH ($(security "$@"), 'topic' = 'in-$$',
        'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
        SELECT * FROM t" >said 2>&1
    [ $? = 1 ] || { cat said; return 1; }
}
says() { grep -qi "$1" said || { cat said; return 1; }; }
if old_library; then
    fails SCRAM-SHA-512 "$KAFKA_PASSWORD"
    check "an old library is told of" says 'cannot do SCRAM with brokers from 3.8.1 on'
fi
check "a wrong password ends the job" fails SCRAM-SHA-256 close-sesame
check "with a word of authentication" says 'authentication'
check "and never with the password" bash -c '! grep -q sesame said'
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout other.key -out other.pem 2>/dev/null
check "a certificate that nobody vouches for ends the job" fails PLAIN "$KAFKA_PASSWORD" "$PWD/other.pem"
check "and is named" says 'certificate'
