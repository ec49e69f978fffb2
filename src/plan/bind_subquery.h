// plan/bind_subquery.h - shared by bind_subquery.c (conditions), bind_subquery_value.c,
// bind_lateral_query.c and bind_domain.c, and the few places of other bind_*.c that a domain
// touches.
#pragma once

#include "plan/bind.h"

// Columns of the outer row, while a subquery is bound: EXPR_COLUMN with this added. Those of the
// subquery's own row, in a condition that joins it to the outer one, have the other added.
enum { OUTER_BASE = 1 << 20, INNER_BASE = 1 << 21 };

typedef struct Correlation {
    const Scope *outer;
    Expr **conjunct;  // over the inner row, outer columns + OUTER_BASE
    uint32_t count, cap;
    bool used;
} Correlation;

// The outer columns that a subquery names, and where they are among its own.
typedef struct Domain {
    Binder *outer;
    uint32_t *column;  // of the outer plan
    bool *used;
    bool direct;  // the subquery names one itself, or those within it are tied to the subquery too
    uint32_t count;
    uint32_t base;     // the first of them in the select's input
    uint32_t *key;     // grouped: the keys that they are
    Expr **empty;      // of a select without GROUP BY: its items over no rows, folded; else NULL
} Domain;

typedef struct Inner {
    Plan *plan;
    Expr **item;  // select items over the plan's row
    const Str *item_name;
    uint32_t item_count;
    Correlation correlation;
    uint32_t *key;  // columns of the plan that are its domain, of those in [conjunct]
    uint32_t key_count;
    Expr **empty;
} Inner;

typedef enum Predicate { PRED_NONE, PRED_IN, PRED_NOT_IN, PRED_EXISTS, PRED_NOT_EXISTS } Predicate;

// ---- bind_domain.c
// Binds [query] with the names of [outer] behind its own. Its plan has its items, then the
// domain's columns; none when it is not correlated.
NODISCARD Status bind_correlated(Binder *outer, const AstQuery *query, Domain *domain, Plan **out,
                                 Error *err);
NODISCARD Status bind_domain_join(Binder *binder, Error *err);
// [from] as the FROM of [own], when it is a query alone that names columns of [outer]: its items,
// and hidden behind them the columns of its domain. false: it is none such.
bool bind_correlated_from(Binder *own, Binder *outer, const AstFrom *from, Domain *domain);
// FROM of a select that has a domain, joined with it. FROM itself may name columns of the outer
// query.
NODISCARD Status bind_domain_from(Binder *binder, const AstFrom *from, Error *err);
NODISCARD Status bind_domain_name(Binder *binder, const AstExpr *ast, Expr **out);
// A subquery within [binder]'s has named columns of it or of its domain.
void bind_domain_reached(const Binder *binder, const Expr *expr);
bool bind_domain_has_key(const Domain *domain, uint32_t key);
Expr *bind_domain_column(const Binder *binder, uint32_t index);
NODISCARD Status bind_domain_empty(Binder *binder, Expr *const *item, uint32_t count, Error *err);

// ---- bind_query.c
// bind_query_in with a domain.
NODISCARD Status bind_query_domain(Binder *parent, PlanContext *context, const AstQuery *query,
                                   Domain *domain, Plan **out, Error *err);

// ---- bind_lateral_top.c
// [query], joined to the distinct keys that are [outer]'s plan, as a Top-N of what both read: a
// plan for the whole join, the keys' columns before the items. false: it is no such query.
bool bind_lateral_top(Binder *outer, const AstQuery *query, Plan **out);

// ---- bind_subquery.c
Expr *join_side(Arena *arena, const Expr *expr, uint32_t left_columns);
bool reads_outer(const Expr *expr);
bool ast_has_query(const AstExpr *ast);
// [for_value]: correlation shall be by the domain alone, not by any condition.
NODISCARD Status bind_inner(Binder *binder, const AstQuery *query, bool for_value, Inner *inner,
                            Error *err);
Expr *correlated_condition(Binder *binder, const Inner *inner, uint32_t left_columns,
                           Expr *condition);
NODISCARD Status in_condition(Binder *binder, const AstExpr *ast, const Inner *inner,
                              bool unknown_too, uint32_t shift, Expr **out, Error *err);
const AstQuery *query_arg(const AstExpr *ast);
Predicate predicate_of(const AstExpr *ast);

// ---- bind_subquery_value.c
// What of a binder subqueries change.
typedef struct BindMark {
    Plan *plan;
    const Type *row;
    bool *hidden;
    struct Late **last_late;
} BindMark;

BindMark bind_mark(const Binder *binder);
// Takes back the joins made since [mark] when [expr], which is all that was bound since, reads
// nothing of theirs: what it says is decided without them, as of x IN (SELECT …) OR TRUE. Flink
// simplifies before it takes subqueries apart. They have been checked all the same.
void bind_drop_unread(Binder *binder, const BindMark *mark, const Expr *expr);
// One row of aggregates, whatever comes in.
bool is_global_agg(PlanContext *context, const AstQuery *query);
NODISCARD Status bind_having(Binder *binder, const AstExpr *ast, Expr **out, Error *err);
NODISCARD Status bind_scalar_value(Binder *binder, const AstExpr *ast, const AstQuery *query,
                                   Expr **out, Error *err);
NODISCARD Status correlated_agg(Binder *binder, const AstExpr *ast, const AstQuery *query,
                                JoinType type, bool *taken, Expr **out, Error *err);

static inline Status call2(Binder *binder, const char *name, Expr *a, Expr *b, Place place,
                           Expr **out, Error *err) {
    Expr *pair[2] = {a, b};
    return expr_call(binder->arena, binder->context->env, name, pair, 2, place, out, err);
}
