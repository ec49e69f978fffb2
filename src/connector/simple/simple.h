// connector/simple/simple.h - the connectors that need nothing outside: datagen makes rows, print
// shows them, blackhole swallows them.
#pragma once

#include "spi/connector.h"

extern const Connector BLACKHOLE_CONNECTOR, DATAGEN_CONNECTOR, PRINT_CONNECTOR;
