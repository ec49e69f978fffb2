// watch/csv.h - files of comma-separated values as they come, a row at a time: the first line names
// the columns; cells may stand in double quotes, but hold no commas or quotes.
#pragma once

#include "base/text.h"

enum { CSV_COLUMNS_MAX = 12 };

// One of the columns that are asked for: its names, the first one for messages; NULL at the end.
typedef const char *const *CsvColumn;

// The cells of the columns in the order asked for; "" where a column or a cell is not there. They
// live until the next row.
typedef Status (*CsvRow)(void *arg, const Str *cell, Error *err);

// The first [wants] columns must be there: ST_VALIDATION names the one that is not. A failure of
// [row] ends it.
NODISCARD Status csv_each(Str path, const CsvColumn *column, uint32_t columns, uint32_t wants,
                          CsvRow row, void *arg, Error *err);
