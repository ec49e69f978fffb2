// engine/state_source.h - the connector 'savepoint': the state in a snapshot as tables.
#pragma once

#include "spi/connector.h"

extern const Connector STATE_CONNECTOR;

// The columns of a table with these options that declares none: a ROW.
NODISCARD Status state_source_columns(Arena *arena, const Map *options, const Type **out,
                                      Error *err);
