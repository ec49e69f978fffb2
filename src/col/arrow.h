// col/arrow.h - columns as messages of Arrow's IPC stream format: what another process reads
// without knowing us, and with pyarrow without a copy.
//
// A stream is a Schema message and then RecordBatch messages. A message is 0xFFFFFFFF, the size of
// its metadata, the metadata (a flatbuffer), and of a batch the body: each column's buffers, at
// multiples of eight. https://arrow.apache.org/docs/format/Columnar.html has the format.
//
// Types: as in the C data interface (engine/arrow_export.c): timestamps count milli-, micro- or
//     nanoseconds, whichever holds their precision; DECIMAL is decimal128; MAP and MULTISET are
//     maps; INTERVAL … MONTH is int32, since few readers know Arrow's own. VARIANT, BITMAP and RAW
//     have none.
// Threads: any.
#pragma once

#include "col/vec.h"

// Whether a column of the type can be written. ST_UNSUPPORTED: the error names the type.
NODISCARD Status arrow_check_type(const Type *type, Error *err);
// The Schema message for the columns of [row], a ROW. [zone] is the name that TIMESTAMP_LTZ gets.
void arrow_write_schema(const Type *row, Str zone, Buf *out);
// The RecordBatch message of rows [first, first + rows) of [count] columns. ST_RUNTIME: a
// TIMESTAMP above (6) is outside of the years that nanoseconds reach.
NODISCARD Status arrow_write_batch(const Vec *const *column, uint32_t count, uint32_t first,
                                   uint32_t rows, Buf *out, Error *err);
// Reads a RecordBatch message of columns of [row]: makes them in [arena], on which nothing of
// [message] is left. It may come from a stranger: sizes, offsets, UTF-8, lengths, NOT NULL and the
// ranges of the types are checked. ST_RUNTIME: the error says what is wrong.
NODISCARD Status arrow_read_batch(Str message, const Type *row, Arena *arena, Vec ***column,
                                  uint32_t *rows, Error *err);
