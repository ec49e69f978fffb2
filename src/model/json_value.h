// model/json_value.h - values of columns as JSON, and back: what model servers are sent and say.
#pragma once

#include "base/json.h"
#include "col/vec.h"

// Appends row [row]: numbers and booleans as they are, ARRAYs as arrays, NULL as null, all else as
// CAST AS STRING has it.
void json_put_value(const Vec *vec, uint32_t row, Buf *out);
// Whether a column of that type can be read from JSON.
bool json_type_known(const Type *type);
// Writes [value] to row [row] of [out]; texts that say a number are one. ST_RUNTIME says what it is
// and what it should be.
NODISCARD Status json_read_value(const JsonValue *value, Vec *out, uint32_t row, Error *err);
