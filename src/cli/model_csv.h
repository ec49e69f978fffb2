// cli/model_csv.h - CSV files with the inputs and the answers of models: the first line names the
// columns, unless it holds nothing but numbers; the separator is the first of ; tab , that is found
// there; "N/A" and "NA" are missing values; cells in double quotes may hold anything.
#pragma once

#include "ml/model.h"

typedef struct CsvTable {
    Str *name;
    Str *cell;  // row after row; ptr is NULL where a row ends early
    uint32_t columns, rows;
    bool nameless;  // the first line was a row; columns are numbered
    Buf text;       // what they point into
    Arena arena;
} CsvTable;

NODISCARD Status csv_table_read(const char *path, CsvTable *out, Error *err);
void csv_table_clear(CsvTable *table);
// Takes the first line for a row after all.
void csv_table_unname(CsvTable *table);

bool csv_missing(Str cell);  // also an empty one

// The rows [first, first + rows) as a model's inputs. Columns go to inputs by name; those of a
// tensor of several values by its name again and again, or with a number behind it (y_0, y[0]).
// Where no name is known and there are as many columns as values they go in their order. What no
// column has is missing. A cell that is no number is NaN where one is wanted.
NODISCARD Status csv_inputs(const CsvTable *table, const MlModel *model, uint32_t first,
                            uint32_t rows, MlColumn *in, Arena *arena, Error *err);
// The same for whoever looks for outputs: for each column the field and the value in it; -1: none.
typedef struct CsvPlace {
    int32_t field;
    uint32_t value;
    bool spread;  // items of a list in columns of their own: [value] is which; else all in this one
} CsvPlace;
CsvPlace *csv_places(const CsvTable *table, const MlField *field, uint32_t count, Arena *arena);
