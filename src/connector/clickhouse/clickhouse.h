// connector/clickhouse/clickhouse.h - rows into ClickHouse, over HTTP.
#pragma once

#include "spi/connector.h"

extern const Connector CLICKHOUSE_CONNECTOR;
