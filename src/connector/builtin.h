// connector/builtin.h - the connectors that weir comes with.
#pragma once

#include "spi/connector.h"

extern const Connector *const BUILTIN_CONNECTORS[];  // ends with NULL

// Registers all connectors; once, before any thread starts. A second call does nothing.
void connectors_register(void);
