#include "connector/builtin.h"

#include "connector/clickhouse/clickhouse.h"
#include "connector/file/file.h"
#include "connector/jdbc/jdbc.h"
#include "connector/kafka/kafka.h"
#include "connector/simple/simple.h"
#include "connector/watch/watch_table.h"

const Connector *const BUILTIN_CONNECTORS[] = {
    &BLACKHOLE_CONNECTOR, &CLICKHOUSE_CONNECTOR, &DATAGEN_CONNECTOR, &FILE_CONNECTOR,
    &JDBC_CONNECTOR,      &KAFKA_CONNECTOR,   &PRINT_CONNECTOR,
    &UPSERT_KAFKA_CONNECTOR, &WATCH_CONNECTOR, NULL,
};

void connectors_register(void) {
    for (const Connector *const *at = BUILTIN_CONNECTORS; *at; at++) connector_register(*at);
}
