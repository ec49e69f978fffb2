// exec/program.h - bound expressions compiled for evaluation over batches: a flat list of steps,
// each a kernel, a cast or a blend, over registers that are columns. Equal sub-expressions share a
// register. Conditional parts (CASE branches, right sides of AND/OR …) that can fail run only on
// the rows that reach them: inputs are gathered, the result is scattered.
//
// One Program belongs to one operator of one worker (kernels keep state); not thread-safe.
#pragma once

#include "col/batch.h"
#include "plan/expr.h"

typedef struct Program Program;

// Compiles [count] expressions over rows of type [input].
NODISCARD Status program_new(Expr *const *expr, uint32_t count, const Type *input,
                             const FuncEnv *env, Program **out, Error *err);
void program_free(Program *program);
// Where CURRENT_WATERMARK looks: the watermark of the operator's input. Without it there is none
// yet.
void program_watch(Program *program, const int64_t *watermark_ms);

// Evaluates over rows of [columns] (a batch's columns, each of [rows]); result[i] is the column of
// expression i: an input column itself, or a vec in [arena]. Text in the results may point into the
// inputs, into [arena] or into literals that live as long as the program.
NODISCARD Status program_run(Program *program, Vec *const *columns, uint32_t rows, Arena *arena,
                             Vec **result, Error *err);
// For one BOOLEAN expression: indexes of the rows where it is TRUE, in [sel] (room for rows).
NODISCARD Status program_select(Program *program, Vec *const *columns, uint32_t rows, uint32_t *sel,
                                uint32_t *count, Error *err);
// A constant expression's value: a vec of one row in [arena].
NODISCARD Status expr_evaluate(const Expr *expr, const FuncEnv *env, Arena *arena, Vec **out,
                               Error *err);
