// What stands in for the connectors in a build without librdkafka: the tables can be declared, and
// using one says what is missing.
#include "connector/kafka/kafka.h"

static const OptionDef OPTIONS[] = {{.key = "*"}, {0}};

static Status check(const TableDesc *desc, bool as_sink, Error *err) {
    (void)error_set(err, ST_UNSUPPORTED, "table '" STR_FMT "': this weir was built without Kafka",
                    STR_ARG(desc->name));
    error_hint(err, "install librdkafka-dev and build again");
    return ST_UNSUPPORTED;
}

const Connector KAFKA_CONNECTOR = {
    .name = "kafka", .options = OPTIONS, .source = true, .sink = true, .check = check};
const Connector UPSERT_KAFKA_CONNECTOR = {
    .name = "upsert-kafka", .options = OPTIONS, .source = true, .sink = true, .check = check};
