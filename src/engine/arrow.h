// engine/arrow.h - batches as Arrow arrays and back, by the C data interface of weir.h.
//
// Columns lie in Arrow's layout in spirit; what differs is converted: booleans (a byte here, a bit
// there), text (16-byte views here, offsets and bytes there), lists (views here, offsets there).
// Exported arrays copy what they hold, so that they outlive the batch, the job and the session.
#pragma once

#include "col/batch.h"
#include "weir.h"

// The schema of [row], a ROW type; with [changes] a column `change` behind its fields.
// ST_UNSUPPORTED names a column whose type Arrow does not have.
NODISCARD Status arrow_export_schema(const Type *row, bool changes, struct ArrowSchema *out,
                                     Error *err);
NODISCARD Status arrow_export_batch(const Batch *batch, bool changes, struct ArrowArray *out,
                                    Error *err);

// The type of a column that somebody hands in; ST_UNSUPPORTED names it.
NODISCARD Status arrow_import_type(Arena *arena, const struct ArrowSchema *column,
                                   const Type **out, Error *err);
// Copies rows [from, from + out->len) of [array], whose type is [format]'s, into [out].
NODISCARD Status arrow_import_column(const struct ArrowSchema *column,
                                     const struct ArrowArray *array, int64_t from, Vec *out,
                                     Error *err);
