// model/columns.h - columns of SQL as the fields of a model, and back. A model's columns are found
// among its fields by name, or, when that fails for any of them, by place: a field of one value
// takes a column, a tensor takes an ARRAY or as many columns as its row has values.
#pragma once

#include "ml/model.h"
#include "spi/model.h"

typedef struct ColumnMatch {
    uint32_t field;  // of the model
    uint32_t slot;   // of the tensor's row, where the column is one value of it
    bool whole;      // the column is an ARRAY of all values of the field
} ColumnMatch;

typedef struct ModelColumns {
    const ModelDesc *desc;
    const MlModel *model;
    ColumnMatch *in, *out;  // per column of desc->input and desc->output
} ModelColumns;

// Equal but for case and for signs between words: probability_1 is "probability(1)".
bool model_same_words(Str a, Str b);

// Matches the columns of [desc] and [model]; all in [arena], both borrowed. ST_VALIDATION names the
// column that is no field, and the fields that there are.
NODISCARD Status model_columns(const ModelDesc *desc, const MlModel *model, Arena *arena,
                               ModelColumns *out, Error *err);
// The field that a column of SQL is to what learns or judges; false: it is none. The name is
// borrowed.
bool model_field_of(const Type *type, Str name, MlField *out);
// The values of such a column, in [arena]; text is borrowed.
void model_column_of(const Vec *vec, uint32_t rows, Arena *arena, MlColumn *out);

// Rows [from, …) of a column of one value a row; [from] is a multiple of 64.
static inline MlColumn model_column_piece(const MlColumn *column, uint32_t from) {
    MlColumn piece = *column;
    if (piece.number) piece.number += from;
    if (piece.text) piece.text += from;
    if (piece.valid) piece.valid += from / 64;
    return piece;
}

// The columns that a model would have: a name and a type for each field.
const Type *model_columns_type(const MlField *field, uint32_t count, Arena *arena);

// The fields of [rows] rows of [in], in [arena]; numbers that a text does not read as fail with
// ST_RUNTIME.
NODISCARD Status model_columns_read(const ModelColumns *self, Vec *const *in, uint32_t rows,
                                    Arena *arena, MlColumn *out, Error *err);
// Marks the fields that no column asks for.
void model_columns_skip(const ModelColumns *self, MlColumn *out);
// The columns of the answer; text is copied into [arena]. A value that its column cannot hold is
// ST_RUNTIME.
NODISCARD Status model_columns_write(const ModelColumns *self, const MlColumn *answer,
                                     uint32_t rows, Arena *arena, Vec **out, Error *err);
