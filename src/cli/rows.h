// cli/rows.h - the rows of a result, kept for showing: as a table that changes come to, or as a log
// of the changes.
//
// In a table a retraction takes the latest equal row away, and an update takes the place of the row
// it replaces, so that rows stay where the eye left them. Threads: the caller's lock.
#pragma once

#include "base/map.h"
#include "type/value.h"

typedef struct ShownRow {
    RowKind kind;  // in a log; in a table always ROW_INSERT
    Str cell[];    // one a column, bytes behind them
} ShownRow;

typedef struct ShownRows {
    bool is_log;
    uint32_t columns;
    uint32_t rows_max;  // beyond it the oldest go; 0: keep all
    ShownRow **row;      // owned; NULL: gone
    uint32_t used, gone, cap;
    uint32_t oldest;    // no row before it
    Map latest;         // table: row's bytes -> place + 1 of the latest such row
    uint32_t *below;    // table: place + 1 of the next older equal row
    uint32_t hole;      // place + 1 that the last -U left
    uint32_t *width;    // columns of the terminal that each column has needed so far
} ShownRows;

void shown_init(ShownRows *shown, uint32_t columns, bool is_log, uint32_t rows_max);
void shown_clear(ShownRows *shown);
// Applies one change; the texts are copied.
void shown_apply(ShownRows *shown, RowKind kind, const Str *cell);
static inline uint32_t shown_count(const ShownRows *shown) {
    return shown->used - shown->oldest - shown->gone;
}
// The first row at or behind place *at, which moves behind it; NULL at the end. Start with 0.
const ShownRow *shown_next(const ShownRows *shown, uint32_t *at);
// Makes places and row numbers agree (and frees what is gone): row i of the table is row[i].
void shown_compact(ShownRows *shown);

// Columns of a terminal that [text] takes; wide characters take two.
uint32_t text_columns(Str text);
