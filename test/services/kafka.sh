#!/usr/bin/env bash
# test/services/kafka.sh - a real Kafka broker for the tests, on loopback, in a folder of its own.
#
#   . test/services/kafka.sh         kafka_start sets KAFKA_BROKER (host:port) or, when no broker can
#                                    be had, fails with the reason in KAFKA_MISSING; kafka_stop
#                                    undoes it. kafka_need is for tests: start, or skip aloud.
#   test/services/kafka.sh           tests the fixture itself
#   test/services/kafka.sh run COMMAND...   a broker for the time of the command, in $KAFKA_BROKER
#
# Beside the open door there is one with TLS and SASL: KAFKA_SECURE (host:port), whose certificate
# KAFKA_CA vouches for; user "weir" with the password KAFKA_PASSWORD, by PLAIN and SCRAM. Who sets
# KAFKA_DOOR, an address of this machine, has one more there: KAFKA_DOOR_BROKER.
#
# Who starts tests one after the other may start the broker once and export KAFKA_BROKER. The jars come
# through Maven, once, into the cache folder; ports are free ones; a broker is stopped by its pid.

KAFKA_VERSION=4.3.1
KAFKA_HOME=${WEIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir}/kafka-$KAFKA_VERSION
KAFKA_MISSING=
KAFKA_DIR=
KAFKA_PID=

kafka_fetch() {
    [ ! -d "$KAFKA_HOME" ] || return 0
    command -v java >/dev/null || { KAFKA_MISSING="no Kafka: no java"; return 1; }
    command -v mvn >/dev/null || { KAFKA_MISSING="no Kafka: no mvn to fetch it with"; return 1; }
    local work="$KAFKA_HOME.part.$$"
    mkdir -p "$work"
    # log4j-slf4j-impl is the binding that Kafka's slf4j 1 looks for; with another one its log is empty.
    cat >"$work/pom.xml" <<-POM
	<project xmlns="http://maven.apache.org/POM/4.0.0">
	  <modelVersion>4.0.0</modelVersion>
	  <groupId>weir.test</groupId> <artifactId>kafka</artifactId> <version>1</version>
	  <dependencies>
	    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$KAFKA_VERSION</version></dependency>
	    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$KAFKA_VERSION</version></dependency>
	    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.3</version></dependency>
	    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.25.3</version></dependency>
	  </dependencies>
	</project>
	POM
    if timeout 300 mvn -B -q -f "$work/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DoutputDirectory="$work/lib" -DincludeScope=runtime >"$work/log" 2>&1 </dev/null; then
        mv -T "$work" "$KAFKA_HOME" 2>/dev/null || rm -rf "$work"  # somebody else was first
    else
        KAFKA_MISSING="no Kafka: $(grep -m1 ERROR "$work/log" | cut -c1-200)"
        rm -rf "$work"
        return 1
    fi
}

# The class to run and its arguments follow. Little heap, quick start: nothing here runs for long.
KAFKA_JVM=(java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$KAFKA_HOME/lib/*")

kafka_answers() { (exec 3<>"/dev/tcp/${KAFKA_BROKER%:*}/${KAFKA_BROKER#*:}") 2>/dev/null; }

kafka_start() {
    [ -z "${KAFKA_BROKER:-}" ] || return 0
    [ -z "${WEIR_NO_KAFKA:-}" ] || { KAFKA_MISSING=$WEIR_NO_KAFKA; return 1; }
    kafka_fetch || return 1
    local port control secure door plain=org.apache.kafka.common.security.plain.PlainLoginModule
    local scram=org.apache.kafka.common.security.scram.ScramLoginModule
    read -r port control secure door < <(python3 -c '
import socket
doors = [socket.socket() for _ in range(4)]
for door in doors: door.bind(("127.0.0.1", 0))
print(*(door.getsockname()[1] for door in doors))')
    if [ -n "${KAFKA_DOOR:-}" ]; then
        KAFKA_DOOR_BROKER=$KAFKA_DOOR:$door
        door=,DOOR://$KAFKA_DOOR_BROKER
    else door=; fi
    KAFKA_DIR=$(mktemp -d)
    KAFKA_CA=$KAFKA_DIR/ca.pem KAFKA_PASSWORD=open-sesame
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$KAFKA_DIR/broker.pem" \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -out "$KAFKA_CA" 2>"$KAFKA_DIR/log" ||
        { KAFKA_MISSING="no Kafka: $(tail -n 1 "$KAFKA_DIR/log")"; rm -rf "$KAFKA_DIR"; return 1; }
    cat "$KAFKA_CA" >>"$KAFKA_DIR/broker.pem"
    # Tests write stamps of 1970: no message is too old to be kept.
    cat >"$KAFKA_DIR/server.properties" <<-CONF
	process.roles=broker,controller
	node.id=1
	controller.quorum.voters=1@127.0.0.1:$control
	listeners=PLAINTEXT://127.0.0.1:$port,SECURE://127.0.0.1:$secure$door,CONTROLLER://127.0.0.1:$control
	advertised.listeners=PLAINTEXT://127.0.0.1:$port,SECURE://localhost:$secure$door
	listener.security.protocol.map=PLAINTEXT:PLAINTEXT,DOOR:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
	listener.name.secure.ssl.keystore.type=PEM
	listener.name.secure.ssl.keystore.location=$KAFKA_DIR/broker.pem
	listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
	listener.name.secure.plain.sasl.jaas.config=$plain required user_weir="$KAFKA_PASSWORD";
	listener.name.secure.scram-sha-256.sasl.jaas.config=$scram required;
	listener.name.secure.scram-sha-512.sasl.jaas.config=$scram required;
	inter.broker.listener.name=PLAINTEXT
	controller.listener.names=CONTROLLER
	log.dirs=$KAFKA_DIR/data
	offsets.topic.replication.factor=1
	offsets.topic.num.partitions=4
	transaction.state.log.replication.factor=1
	transaction.state.log.min.isr=1
	transaction.state.log.num.partitions=4
	share.coordinator.state.topic.replication.factor=1
	share.coordinator.state.topic.min.isr=1
	group.initial.rebalance.delay.ms=0
	log.retention.ms=-1
	CONF
    cat >"$KAFKA_DIR/log4j2.properties" <<-CONF
	rootLogger.level = WARN
	rootLogger.appenderRef.out.ref = OUT
	appender.out.name = OUT
	appender.out.type = CONSOLE
	appender.out.layout.type = PatternLayout
	appender.out.layout.pattern = %p %c{1} %m%n
	CONF
    local log4j=-Dlog4j2.configurationFile="$KAFKA_DIR/log4j2.properties"
    if ! "${KAFKA_JVM[@]}" "$log4j" kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg \
        --add-scram "SCRAM-SHA-256=[name=weir,password=$KAFKA_PASSWORD]" \
        --add-scram "SCRAM-SHA-512=[name=weir,password=$KAFKA_PASSWORD]" -c "$KAFKA_DIR/server.properties" >"$KAFKA_DIR/log" 2>&1 </dev/null; then
        KAFKA_MISSING="no Kafka: $(tail -n 1 "$KAFKA_DIR/log")"
        rm -rf "$KAFKA_DIR"
        return 1
    fi
    KAFKA_BROKER=127.0.0.1:$port KAFKA_SECURE=localhost:$secure
    kafka_launch || return 1
    export KAFKA_BROKER KAFKA_SECURE KAFKA_CA KAFKA_PASSWORD
}

# Runs the broker of $KAFKA_DIR until it answers.
kafka_launch() {
    # exec: the pid is the broker's own, not that of a shell around it.
    (exec "${KAFKA_JVM[@]}" -Dlog4j2.configurationFile="$KAFKA_DIR/log4j2.properties" kafka.Kafka \
        "$KAFKA_DIR/server.properties" >>"$KAFKA_DIR/log" 2>&1 </dev/null) &
    KAFKA_PID=$!
    local tries=0
    until kafka_answers; do
        if ! kill -0 $KAFKA_PID 2>/dev/null || [ $((tries += 1)) -gt 1200 ]; then
            KAFKA_MISSING="no Kafka: it did not start: $(tail -n 1 "$KAFKA_DIR/log")"
            kafka_stop
            return 1
        fi
        sleep 0.05
    done
}

# kafka_crash SECONDS: the broker dies, and comes back after a while. Only of one that kafka_start has
# started here.
kafka_crash() {
    kill -9 "$KAFKA_PID"
    wait "$KAFKA_PID" 2>/dev/null
    sleep "$1"
    kafka_launch
}

kafka_stop() {
    [ -n "$KAFKA_PID" ] || return 0
    kill "$KAFKA_PID" 2>/dev/null
    # Its orderly end takes seconds and nobody needs the data again: wait a little, then insist.
    timeout 5 tail --pid="$KAFKA_PID" -f /dev/null || kill -9 "$KAFKA_PID" 2>/dev/null
    wait "$KAFKA_PID" 2>/dev/null
    rm -rf "$KAFKA_DIR"
    unset KAFKA_BROKER KAFKA_SECURE KAFKA_CA KAFKA_PASSWORD
    KAFKA_PID='' KAFKA_DIR=''
}

# For a test that sourced test/lib.sh.
kafka_need() {
    local table="CREATE TABLE t (a INT) WITH ('connector' = 'kafka')"
    ! "$WEIR" run -e "$table; SELECT * FROM t" 2>&1 | grep -q 'built without Kafka' ||
        skip_all "this weir was built without Kafka"
    kafka_start || skip_all "$KAFKA_MISSING"
    undo kafka_stop
}

# kafka_topic NAME [PARTITIONS]: makes a topic.
kafka_topic() {
    "${KAFKA_JVM[@]}" org.apache.kafka.tools.TopicCommand --bootstrap-server "$KAFKA_BROKER" --create \
        --if-not-exists --topic "$1" --partitions "${2:-1}" >/dev/null 2>&1
}
# kafka_produce TOPIC [KEY-SEPARATOR]: a message for each line of the input.
kafka_produce() { kcat -q -b "$KAFKA_BROKER" -P -t "$1" ${2:+-K "$2"}; }
# kafka_read TOPIC [FORMAT]: what the topic holds now, a line for each message; FORMAT as kcat's -f.
kafka_read() { kcat -q -b "$KAFKA_BROKER" -C -t "$1" -e -o beginning -f "${2:-%s\\n}"; }

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    if [ "${1:-}" = run ]; then
        shift
        kafka_start || { echo "$KAFKA_MISSING" >&2; exit 1; }
        trap kafka_stop EXIT
        "$@"
        exit
    fi
    . "$(dirname "$0")/../lib.sh"
    kafka_need
    topic=fixture-$$
    check "a topic can be made" kafka_topic $topic 2
    printf 'a:1\na:3\nb:2\n' >"$SCRATCH/in"
    check "messages go in" kafka_produce $topic : <"$SCRATCH/in"
    kafka_read $topic '%k:%s\n' 2>&1 | LC_ALL=C sort >"$SCRATCH/out"
    same "and come out" "$SCRATCH/in" "$SCRATCH/out"
fi
