// connector/kafka/kafka.h - tables over Kafka topics: 'kafka' (a stream of rows, or of changes
// where the format has them) and 'upsert-kafka' (the latest row of each key; a null value deletes
// it).
#pragma once

#include "spi/connector.h"

extern const Connector KAFKA_CONNECTOR, UPSERT_KAFKA_CONNECTOR;
