// connector/builtin.h - the connectors that weir comes with.
#pragma once

// Registers all connectors; once, before any thread starts. A second call does nothing.
void connectors_register(void);
