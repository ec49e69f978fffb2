// connector/jdbc/jdbc.h - the connector 'jdbc': PostgreSQL, on libpq.
#pragma once

#include "spi/connector.h"

extern const Connector JDBC_CONNECTOR;
