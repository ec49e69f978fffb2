// func/cast.h - CAST and TRY_CAST between all types, and values as text by the rules of CAST AS
// STRING (which is also how the shell, `print` and the case files show them).
#pragma once

#include "func/func.h"

// Whether CAST(from AS to) is allowed at all: what passes both the validator and the code generator
// of Flink.
bool cast_allowed(const Type *from, const Type *to);
// TRUE when the cast can fail at run time or give NULL for a non-NULL value.
bool cast_can_fail(const Type *from, const Type *to);

// Casts rows [0, rows) of [in] into [out] (made with type [to], slots zero). [try_cast]: what
// cannot be cast becomes NULL; else ST_RUNTIME naming the value. Rows not set in [only] (a bitmap,
// NULL for all) are left NULL. [env] gives the session zone. Text and bytes that do not change are
// shared with [in], not copied: [out] must not outlive it.
NODISCARD Status cast_vec(const Vec *in, uint32_t rows, const uint64_t *only, bool try_cast,
                          const FuncEnv *env, Arena *scratch, Vec *out, Error *err);

// Appends value [row] as CAST(… AS STRING) prints it; "NULL" for NULL. BINARY as x'0aff' when
// [hex_bytes], else as UTF-8 text. [env] gives the session zone; NULL is UTC.
void value_print(const Vec *vec, uint32_t row, const FuncEnv *env, bool hex_bytes, Buf *out);
