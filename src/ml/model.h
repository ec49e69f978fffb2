// ml/model.h - one face over models of every kind: arrays in, arrays out.
//
// A model is read once (ml_load), never changes after that, and may be asked by any number of
// threads at a time. It says which fields it takes and gives; a batch of rows goes in as one array
// a field and comes out so. Who reads a file, trains, or asks a server fills an MlModelVt; who
// predicts sees nothing else. SQL types are not known here: exec/ and engine/ turn columns into
// these arrays.
#pragma once

#include "base/mem.h"
#include "base/text.h"

// What a field holds. All but ML_TEXT travel as doubles, integers exactly to 2^53; the type says
// how a value is printed and what a column of SQL it becomes.
typedef enum MlType { ML_DOUBLE, ML_FLOAT, ML_INTEGER, ML_BOOLEAN, ML_TEXT } MlType;

typedef struct MlField {
    Str name;        // as the model's file has it; an unnamed target is "_target"
    MlType type;
    uint32_t width;  // values a row: 1, or the size of a tensor's row, flattened row-major
    bool list;       // a row has any number of values (the items of an association model)
    Str shape;       // of a tensor's row, for people: "10x1"; "" for a scalar
} MlField;

// One field of a batch of rows: number[row * width + i] or text[row * width + i]; with a list the
// values of a row are those from offset[row] to offset[row + 1].
typedef struct MlColumn {
    double *number;   // NULL for ML_TEXT
    Str *text;        // NULL but for ML_TEXT; bytes are borrowed until the arena or the model goes
    uint32_t *offset; // of a list: rows + 1; else NULL
    uint64_t *valid;  // a bit a row; NULL: no value is missing
    bool skip;        // of an output: nobody asks for it, it may stay unfilled
} MlColumn;

typedef struct MlModel MlModel;

typedef struct MlModelVt {
    const char *format;  // "pmml", "onnx", "tensorflow", "weir"
    // Fills [out] (model->out_count columns; [skip] is set by the caller), its arrays in [arena].
    // Fails with ST_RUNTIME and the number of the first row at fault in the message ("row 7: …").
    // Any thread.
    Status (*predict)(const MlModel *model, const MlColumn *in, uint32_t rows, MlColumn *out,
                      Arena *arena, Error *err);
    // Writes what load reads, in the model's own format; NULL: it cannot be written.
    Status (*save)(const MlModel *model, Buf *out, Error *err);
    // One line for people: "random forest, 100 trees, 5,214 nodes"; NULL: there is none.
    void (*describe)(const MlModel *model, Buf *out);
    void (*free)(MlModel *model);  // and the model itself
} MlModelVt;

struct MlModel {
    const MlModelVt *vt;
    const MlField *in, *out;
    uint32_t in_count, out_count;
    uint64_t bytes;  // that it holds, about
};

// A kind of file, or of folder (SavedModel), which has no bytes of its own.
typedef struct MlFormat {
    const char *name;
    bool (*matches)(Str path, Str bytes);  // whether it looks like one
    // [path] names the file in messages, and the folder to read; [bytes] are borrowed for the call.
    Status (*load)(Str path, Str bytes, MlModel **out, Error *err);
} MlFormat;

// The formats that this build reads, NULL at the end.
extern const MlFormat *const ML_FORMATS[];

// Reads the model at [path]. [format] is a name of ML_FORMATS, or NULL: what it looks like.
// ST_VALIDATION names the file, the place in it and what is wrong; ST_UNSUPPORTED names the element
// or operator that no reader here knows. A hostile file ends so too: nothing is fetched, depth and
// memory have limits. The path may be that of an object in a store (os.h).
NODISCARD Status ml_load(Str path, const char *format, MlModel **out, Error *err);
void ml_free(MlModel *model);  // NULL is fine

// The number of the field of that name, else -1; exactly, then without regard to case.
int32_t ml_field(const MlField *field, uint32_t count, Str name);

// Prints value [i] of a column as people and CSV files have it: shortest digits that read back,
// "true".
void ml_print(const MlField *field, const MlColumn *column, uint32_t i, Buf *out);
