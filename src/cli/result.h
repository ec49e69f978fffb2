// cli/result.h - rows on the terminal.
//
//   tableau    a frame of lines, each change as it comes, as Flink's SQL client shows it:
//                  +----+-------+--------+
//                  | op | name  | amount |
//                  +----+-------+--------+
//                  | +I | tea   |      2 |
//                  +----+-------+--------+
//                  Received a total of 1 row
//   changelog  the same rows without a frame, TAB-separated: for reading along, and for pipes
//   table      what is left when all changes are applied, in one frame at the end
//
// Columns are as wide as the first rows need; rows wait for each other a tenth of a second for
// that.
// Threads: calls are serialised by the caller (cli/console.h's lock).
#pragma once

#include <stdio.h>

#include "cli/rows.h"
#include "engine/session.h"

typedef enum ResultMode { RESULT_TABLE, RESULT_CHANGELOG, RESULT_TABLEAU } ResultMode;

typedef struct ResultPrinter ResultPrinter;

// [changes]: rows are changes, told by a column "op" (streaming); else they are just rows (batch).
ResultPrinter *result_new(ResultMode mode, bool changes, const FuncEnv *env, FILE *out);
void result_free(ResultPrinter *printer);

void result_schema(ResultPrinter *printer, const Type *row, bool ordered);
void result_batch(ResultPrinter *printer, const Batch *batch);
// Time passed: rows that wait are printed. result_waits: whether there are any.
bool result_waits(const ResultPrinter *printer);
void result_tick(ResultPrinter *printer);
// No more rows come. [complete]: the job went well, and the closing line can be true; it tells the
// [seconds] it took unless they are negative.
void result_end(ResultPrinter *printer, bool complete, double seconds);

// The mode that setting 'sql-client.execution.result-mode' names; [fallback] when unset or unknown.
ResultMode result_mode_of(const Map *settings, ResultMode fallback);

// Rows that somebody else has kept, framed, as result_end prints them.
void result_print(const ShownRows *rows, const Str *name, const bool *number, bool changes,
                  bool complete, double seconds, FILE *out);

// Value [row] as it stands in a cell: on one line, control characters escaped. Made in [arena].
Str result_cell(Arena *arena, const FuncEnv *env, const Vec *vec, uint32_t row);
