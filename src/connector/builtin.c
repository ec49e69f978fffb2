#include "connector/builtin.h"

#include "connector/file/file.h"
#include "connector/jdbc/jdbc.h"
#include "connector/kafka/kafka.h"
#include "connector/simple/simple.h"

void connectors_register(void) {
    static const Connector *const CONNECTORS[] = {
        &BLACKHOLE_CONNECTOR, &DATAGEN_CONNECTOR, &FILE_CONNECTOR,
        &JDBC_CONNECTOR,      &KAFKA_CONNECTOR,   &PRINT_CONNECTOR,
        &UPSERT_KAFKA_CONNECTOR,
    };
    for (size_t i = 0; i < sizeof CONNECTORS / sizeof *CONNECTORS; i++) {
        connector_register(CONNECTORS[i]);
    }
}
