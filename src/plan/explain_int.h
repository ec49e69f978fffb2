// plan/explain_int.h - shared by the files of EXPLAIN and nobody else.
//
//   explain.c       the sections: trees, what is shown as one line, what is used more than once
//   explain_node.c  one node: Flink's name for it, and its attributes in Flink's order
//   explain_phase.c the aggregates of a local and a global aggregation
//   explain_expr.c  expressions in three notations
//   explain_ast.c   the tree as it was bound, as Calcite prints its Logical* nodes
#pragma once

#include "plan/explain.h"

// How an expression is written: `(a + 1)`, `+(a, 1)`, `+($0, 1)`. Flink's execution plan, its
// physical plan and its syntax tree.
typedef enum Notation { NOTATION_INFIX, NOTATION_PREFIX, NOTATION_INDEX } Notation;

typedef struct Explain {
    Arena *arena;
    Notation notation;
    bool changelog, upsert_keys;  // as ExplainSpec has them
    const Advice *advice;  // NULL: none
    // By Plan.id, made on demand. The names of a node's columns as they are shown: told apart where
    // two are alike, and as the projection above calls them where that does nothing else.
    const Str **name;
    Str **wish;           // what the projection above calls a column; ptr NULL: nothing
    uint32_t *consumers;  // nodes that take its rows
    uint32_t *takers;     // the same, of those that are shown
    uint32_t *reuse_id;   // 0: not shown yet
    uint32_t reused;
    Buf *out;
} Explain;

// Of the columns of [plan]; of a semi or anti join those of the left side.
const Str *explain_names(Explain *self, const Plan *plan);
// Of the columns of both inputs of a join, as its condition counts them.
const Str *explain_names_both(Explain *self, const Plan *join);
void explain_expr(const Explain *self, const Expr *expr, const Str *names);
// A value as the notation has it.
void explain_literal(const Explain *self, const Vec *value);
// The conditions of a join: equal keys, then the rest.
void explain_join_condition(const Explain *self, const Plan *join, const Str *names);
// "name(attributes)" without the line's end. [filter]: the filter below a projection that is shown
// with it, or NULL.
void explain_node(Explain *self, const Plan *plan, const Plan *filter);
void explain_columns(const Explain *self, const Str *names, const uint32_t *column,
                     uint32_t count);
// The node of the bound tree, as Calcite would print it. (explain_ast.c)
void explain_logical(Explain *self, const Plan *plan);
// The aggregates of either phase of an aggregation in two: "select=[…]". (explain_phase.c)
void explain_local_select(const Explain *self, const Plan *plan, const Str *in);
void explain_global_select(const Explain *self, const Plan *plan, const Str *in, const Str *names);
const char *explain_join_type(JoinType type);
