// plan/expansion.h - the query of a view as Flink keeps it: every table by its full name and under
// an alias, every column with the relation it is of, every star spelt out.
//
// While a view's query is bound the binder tells what each part of the tree turned out to mean;
// when it is bound, expansion_apply writes that into the tree, which then prints as the expanded
// query (SQL_VALIDATED). The binder does not see the changes: it works on what was written.
#pragma once

#include "plan/plan.h"

typedef struct Expansion Expansion;

Expansion *expansion_new(Arena *arena);
// The `EXPR$n` of a relation without an alias, a node of the tree; the same each time it is bound.
Str expansion_alias(Expansion *self, const void *relation);
// [ast] (EX_NAME): column [column] of relation [relation], then [used] parts of the name are gone
// and the rest are fields. [twin]: the relation of the column that USING has merged with it, or
// none.
void expansion_column(Expansion *self, const AstExpr *ast, Str relation, Str column, uint32_t used,
                      Str twin);
// [ast] (EX_NAME): the field that [way] leads to (relation, column, fields); [used] parts of the
// name are gone, and the rest are fields of it.
void expansion_field(Expansion *self, const AstExpr *ast, const Str *way, uint32_t count,
                     uint32_t used);
// PI, which looked like a column.
void expansion_pi(Expansion *self, const AstExpr *ast);
// FROM t: of the full name [object]; a common table expression has none.
void expansion_table(Expansion *self, const AstFrom *from, const ObjectName *object);
// FROM (query), FROM f(…) without an alias.
void expansion_relation(Expansion *self, const AstFrom *from, Str alias);
// TABLE t as a query, with the columns it has.
void expansion_whole_table(Expansion *self, const AstQuery *query, const ObjectName *object,
                           const Type *row);
// TABLE t, or a query, as the argument [ast], for which [query] stands.
void expansion_argument(Expansion *self, const AstExpr *ast, AstQuery *query);
// What is to stand for [ast]; itself, when nothing is.
const AstExpr *expansion_of(const Expansion *self, const AstExpr *ast);
// The select's items, stars spelt out.
void expansion_items(Expansion *self, const AstSelect *select, AstItem *item, uint32_t count);
// (a UNION b) ORDER BY x: a select of all columns around the set operation.
void expansion_wrap(Expansion *self, const AstQuery *query, Str alias, const Type *row);
// A function: [quoted] ones print in back-ticks, as they were written.
void expansion_function(Expansion *self, const AstExpr *ast, bool quoted);
// GROUP BY TUMBLE(…): Flink's own name for it.
void expansion_group_window(Expansion *self, const AstExpr *ast);

// `relation`.`column`, as a tree.
AstExpr *expansion_name(Arena *arena, Str relation, Str column);

void expansion_apply(Expansion *self);
