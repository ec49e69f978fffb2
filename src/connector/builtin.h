// connector/builtin.h - the one list of connectors.
#pragma once

// Registers them all; once, before any thread starts.
void connectors_register(void);
