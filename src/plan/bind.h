// plan/bind.h - shared by the files of the binder (bind_*.c) and nobody else: scopes, and the state
// of binding one SELECT.
//
// The order of a SELECT: FROM makes a plan and a scope; WHERE filters it; with GROUP BY or an
// aggregate the select's expressions are bound "over groups": whatever equals a GROUP BY expression
// becomes a key column, an aggregate call becomes a result column, and any other column is an
// error; OVER calls are collected the same way one floor higher; the rest is a projection.
#pragma once

#include "plan/expansion.h"

// One relation in scope: its alias, and which columns of the row are its.
typedef struct ScopeItem {
    Str name;              // alias or table name; ptr NULL: none
    ObjectName object;     // for db.t.c
    uint32_t from, count;
    Str printed;           // the name that an expanded view gives it
    const bool *unstarred; // per column: a star leaves it out; NULL: none
} ScopeItem;

// What USING and NATURAL have made one: the columns, in the order of FROM.
typedef struct Merged {
    uint32_t *column;
    uint32_t count;
    bool full;      // of a FULL JOIN: any one of them may be NULL
    bool nameless;  // a join above it has no USING: to Flink its bare name is ambiguous there
} Merged;

typedef struct Scope Scope;
struct Scope {
    const Type *row;       // of the plan's output
    ScopeItem *item;
    uint32_t item_count;
    bool *hidden;          // per column: not for the star and bare names (USING's right side)
    uint32_t *first;       // columns that the star puts first: those of USING and NATURAL
    uint32_t first_count;
    Merged *merged;        // per column; NULL: nothing is merged
    Scope *outer;          // of the enclosing query, for correlated subqueries and LATERAL
};

// What is collected while a select's expressions are bound.
typedef struct Collected {
    // Over groups: bound over the select's input (after WHERE).
    Expr **key;
    uint32_t key_count, key_cap;
    const AstExpr *key_ast[64];  // as written, of keys with a subquery in them; else NULL
    PlanAgg *agg;          // arg[] index into [input_expr]
    uint32_t agg_count, agg_cap;
    Expr **input_expr;     // expressions the aggregation's input projects; keys first
    uint32_t input_count, input_cap;
    // The group window functions of the old syntax: TUMBLE(ts, …) in GROUP BY.
    WindowSpec *legacy_window;
    Expr *legacy_time;
    const AstExpr *window_ast;
    uint32_t legacy_time_input;  // index in [input_expr]
    bool grouping_sets;
    uint64_t *set;         // a bit per key
    uint32_t set_count;
    uint64_t key_type_nullable;  // keys that some set leaves out
} Collected;

// Joins that wait for the groups to be made. (bind_subquery_value.c)
typedef struct Late Late;
typedef struct LateList {
    Late *first;
    uint32_t count;  // of placeholders
} LateList;

typedef struct GroupTyped GroupTyped;  // bind_agg_type.c

typedef struct Binder Binder;
struct Binder {
    PlanContext *context;
    Arena *arena;
    Binder *parent;        // of the enclosing query
    struct Cte *cte;       // common table expressions in scope, the last one first
    Scope *scope;          // names are looked up here …
    Plan *plan;            // … and this is what they are columns of
    bool allow_agg, allow_over;
    bool json_values;  // binding the values of JSON_OBJECT or JSON_ARRAY, where JSON() may stand
    bool in_agg;           // inside an aggregate's argument …
    const GroupTyped *typed;    // … and what of it has the groups' types; may be NULL
    Collected *groups;     // set while binding over groups
    const Scope *group_scope;   // the select's input
    const AstSelect *select;
    const AstSelect *aliases;  // its items' aliases are names too (QUALIFY)
    uint32_t alias_hits;       // how many of them were OVER calls
    // OVER: columns appended to the plan beneath the projection.
    struct OverList *over;
    struct MatchBinding *match;  // inside DEFINE and MEASURES of MATCH_RECOGNIZE
    struct Correlation *correlation;
    uint32_t correlates;    // the context's, before FROM
    struct Domain *domain;  // of a correlated subquery, once its FROM is there
    bool reaching;          // a name of a subquery within that one is looked up
    LateList *late;         // over groups
    bool queries_alone;     // subqueries may not be correlated (ON)
    bool is_conjunct;  // the IN bound next is a conjunct of HAVING: no rows of it are no matter
    bool two_valued;        // the IN bound next may be FALSE where it is unknown (IS TRUE)
    bool unmerged;          // what USING has merged has no bare name (WHERE, HAVING)
};

typedef struct Cte {
    Str name;
    const AstWith *ast;
    Plan *plan;
    struct Cte *next;
    Binder *binder;
} Cte;

NODISCARD Status bind_expr(Binder *binder, const AstExpr *ast, Expr **out, Error *err);
// What of an aggregate's arguments has the types of the groups, or NULL; and such a key's type.
// (bind_agg_type.c)
GroupTyped *bind_group_typed(Arena *arena, const Collected *groups, const AstCall *call);
void bind_as_grouped(Arena *arena, const GroupTyped *typed, const AstExpr *ast, Expr **expr);
// A column by its name, as it stands in the scope (or is correlated). (bind_name.c)
NODISCARD Status bind_name(Binder *binder, const AstExpr *ast, Expr **out, Error *err);
// Follows the parts of a name from [from] on, which are fields of the ROW column *expr.
// (bind_name.c)
NODISCARD Status bind_fields(Binder *binder, const AstName *name, uint32_t from, Expr **expr,
                             Error *err);
// The value of column [at] of a scope: of one that USING has merged COALESCE over its columns, over
// the first [count_max] of them. (bind_name.c)
NODISCARD Status bind_merged(Binder *binder, const Scope *scope, uint32_t at, uint32_t count_max,
                             Place place, Expr **out, Error *err);
// An expression of type BOOLEAN, for WHERE, ON, HAVING …; [what] names the clause.
NODISCARD Status bind_condition(Binder *binder, const AstExpr *ast, const char *what, Expr **out,
                                Error *err);
NODISCARD Status bind_literal(Arena *arena, const AstExpr *ast, Expr **out, Error *err);
// A numeric literal with the sign that stands before it: -2147483648 is an INT.
NODISCARD Status bind_number(Arena *arena, const AstExpr *ast, bool negative, Expr **out,
                             Error *err);
// plan/bind_time.c: those of points in time and intervals.
NODISCARD Status bind_datetime_literal(Arena *arena, const AstExpr *ast, Expr **out, Error *err);
NODISCARD Status bind_interval_literal(Arena *arena, const AstExpr *ast, Expr **out, Error *err);
// INTERVAL a DAY, of a value that is no literal.
NODISCARD Status bind_interval_call(Binder *binder, const AstExpr *ast, Expr **out, Error *err);
// Whether Flink takes the precisions of an interval type.
NODISCARD Status interval_check(const AstInterval *interval, Place place, Error *err);
const Type *interval_type(Arena *arena, const AstInterval *ast, bool nullable);
// Expressions know two intervals, of months and of milliseconds: the units they were written with
// are gone once the value is made.
const Type *interval_normal(Arena *arena, const Type *type);
// Interval literal or expression to milliseconds; ST_VALIDATION when it is no constant day-time
// interval.
NODISCARD Status bind_interval_ms(Binder *binder, const AstExpr *ast, int64_t *ms, Error *err);
// Constant folding of a bound expression; a failing constant is ST_VALIDATION.
NODISCARD Status expr_fold(PlanContext *context, Expr **expr, Error *err);

NODISCARD Status bind_query_in(Binder *parent, PlanContext *context, const AstQuery *query,
                               Plan **out, Error *err);
// 'scan.parallelism' or 'sink.parallelism' of a table; 0: the default. (bind_scan.c)
NODISCARD Status table_parallelism(const Table *table, const Map *options, bool as_sink,
                                   Place place, uint32_t *out, Error *err);
// Whether OPTIONS hints are allowed. (bind_from.c)
NODISCARD Status bind_check_dynamic(const PlanContext *context, Place place, Error *err);
// The number of rows that LIMIT or OFFSET ([what]) says: the whole part of a literal.
// (bind_literal.c)
NODISCARD Status bind_row_count(const AstExpr *ast, const char *what, int64_t *out, Error *err);
// Hints behind SELECT: that they are known, can be read, and name relations of [from] where joins
// or groups look for them; hints of a table. (bind_hint.c)
NODISCARD Status bind_check_select_hints(const AstHints *hints, const AstFrom *from, bool grouped,
                                         Error *err);
NODISCARD Status bind_check_table_hints(const AstHints *hints, Error *err);
// What STATE_TTL hints say of a relation; -1: nothing. (bind_hint.c)
int64_t bind_ttl(const Binder *binder, const AstFrom *from);
// The items of a SELECT without groups, over the binder's plan. (bind_query.c)
NODISCARD Status bind_select_items(Binder *binder, const AstSelect *select, Expr ***item,
                                   const Str **name, uint32_t *count, Error *err);
NODISCARD Status bind_from(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope,
                           Error *err);
// A table, a view or a common table expression; of the first two *object is the full name.
// (bind_from.c)
NODISCARD Status bind_named_table(Binder *binder, const AstName *name, const AstHints *hints,
                                  Plan **plan, ObjectName *object, Error *err);
// Gives the columns of a plan other names: AS t (a, b). (bind_from.c)
NODISCARD Status bind_column_aliases(Binder *binder, Plan **plan, const AstIdents *names,
                                     Error *err);
NODISCARD Status bind_join(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope,
                           Error *err);
// WHERE: splits conjuncts; those with subqueries become joins.
NODISCARD Status bind_where(Binder *binder, const AstExpr *where, Error *err);
// Whether the value is the text of JSON_OBJECT, JSON_ARRAY or JSON(), to be embedded as it is.
bool bind_is_json_text(const Expr *expr);
NODISCARD Status bind_agg_call(Binder *binder, const AstExpr *ast, const AggFunc *func, Expr **out,
                               Error *err);
NODISCARD Status bind_group(Binder *binder, const AstSelect *select, Error *err);
// SELECT DISTINCT over windows; false when the plan has none to group by.
bool bind_window_distinct(Binder *binder, Plan **plan);
NODISCARD Status bind_group_plan(Binder *binder, const AstSelect *select, Error *err);
// GROUP BY TUMBLE(…), HOP(…), SESSION(…): *taken when [ast] is one. (bind_tvf.c)
NODISCARD Status bind_group_window(Binder *binder, const AstExpr *ast, bool *taken, Error *err);
// TUMBLE_START(…) and its kind, GROUPING(…): *taken when [ast] is one.
NODISCARD Status bind_group_function(Binder *binder, const AstExpr *ast, bool *taken, Expr **out,
                                     Error *err);
NODISCARD Status bind_agg_args(Binder *binder, const AstExpr *ast, const AggFunc *func,
                               bool grouped, Expr ***args, PlanAgg *agg, Error *err);
// The aggregate function that a call names, built in or the user's; NULL when it is none.
const AggFunc *bind_agg_named(PlanContext *context, const AstCall *call);
bool ast_has_agg(PlanContext *context, const AstExpr *ast);
bool ast_has_over(const AstExpr *ast);
NODISCARD Status bind_window_clause(Binder *binder, const AstSelect *select, bool grouped,
                                    Error *err);
NODISCARD Status bind_over_call(Binder *binder, const AstExpr *ast, Expr **out, Error *err);
// Makes the joins that waited for the groups.
NODISCARD Status bind_late_joins(Binder *binder, Error *err);
// x > SOME (a, b), x = ALL (a, b): of values, not of a query.
bool is_quantified_list(const AstExpr *ast);
NODISCARD Status bind_quantified_list(Binder *binder, const AstExpr *ast, Expr **out, Error *err);
NODISCARD Status bind_scalar_subquery(Binder *binder, const AstExpr *ast, Expr **out, Error *err);

// Scopes. (bind_name.c)
Scope *scope_single(Arena *arena, const Type *row, Str alias);
// Tells the expansion, if there is one, that [ast] is column [column] of the scope; [used] parts of
// its name said so.
void scope_expand(Binder *binder, const Scope *scope, const AstExpr *ast, uint32_t column,
                  uint32_t used);
// The alias of a relation in FROM that is no table; while a view is expanded it has one always.
// Asked before what is inside is bound, so that outer relations have lower numbers.
Str bind_relation_alias(Binder *binder, const AstFrom *from);
Scope *scope_join(Arena *arena, const Scope *left, const Scope *right, const Type *row);

// Plans from parts.
Plan *plan_project(PlanContext *context, Plan *input, Expr **expr, const Str *names,
                   uint32_t count);
Plan *plan_filter(PlanContext *context, Plan *input, Expr *condition);
// Makes [expr] a column of the plan: an existing column, or one projected on top.
uint32_t plan_add_column(PlanContext *context, Plan **plan, Expr *expr, Str name);
// Appends a copy of a growing array in the arena.
#define ARENA_PUSH(arena, array, count, cap, value)                                        \
    do {                                                                                    \
        if ((count) == (cap)) {                                                             \
            uint32_t grown_ = (cap) ? (cap)*2 : 8;                                          \
            void *copy_ = arena_zalloc((arena), grown_ * sizeof *(array));                  \
            if (count) memcpy(copy_, (array), (count) * sizeof *(array));                   \
            (array) = copy_;                                                                \
            (cap) = grown_;                                                                 \
        }                                                                                   \
        (array)[(count)++] = (value);                                                       \
    } while (0)

// Where the window columns of a plan's output are; false when it has none.
typedef struct WindowColumns {
    const Plan *source;    // the WINDOW_TVF (or WINDOW_AGG) they come from
    const WindowSpec *spec;
    int32_t start, end, time;  // -1: not among the columns
} WindowColumns;
bool plan_window_columns(const Plan *plan, WindowColumns *out);

// A name of an enclosing query (correlation); ST_END when it is none of its either.
NODISCARD Status bind_outer_name(Binder *binder, const AstExpr *ast, Expr **out, Error *err);
// The user's function that a call names, loaded and with its types; *out is NULL when it names
// none, or a built-in one hides it. (bind_udf.c)
NODISCARD Status bind_find_udf(PlanContext *context, const AstCall *call, const Udf **out,
                               Error *err);
// A call of a scalar function of the user's. Others are refused.
NODISCARD Status bind_udf_call(Binder *binder, const AstExpr *ast, const Udf *udf, Expr **out,
                               Error *err);
// Checks arguments against the signature of [udf], from argument [from] of it on, and casts them.
NODISCARD Status bind_udf_args(Binder *binder, const AstExpr *ast, const Udf *udf, Expr ***out,
                               uint32_t *count, Error *err);
// FROM f(TABLE t …): a process table function. (bind_process.c)
NODISCARD Status bind_process(Binder *binder, const AstExpr *ast, const Udf *udf, Plan **out,
                              Error *err);
// ML_PREDICT(…) in FROM; the model that an argument MODEL m names. (bind_predict.c)
NODISCARD Status bind_predict(Binder *binder, const AstExpr *ast, Plan **out, Error *err);
NODISCARD Status bind_evaluate(Binder *binder, const AstExpr *ast, Plan **out, Error *err);
NODISCARD Status bind_model(Binder *binder, const AstExpr *ast, const Model **out, Error *err);
// The constant MAP<STRING, STRING> of CONFIG.
NODISCARD Status bind_config(Binder *binder, const AstExpr *ast, Expr **out, Error *err);
// FROM VECTOR_SEARCH(…), of one vector; [left], LATERAL TABLE(VECTOR_SEARCH(…)). (bind_vector.c)
NODISCARD Status bind_vector_search(Binder *binder, const AstExpr *ast, Plan **out, Error *err);
NODISCARD Status bind_vector_lateral(Binder *binder, const AstFrom *from, Plan *left,
                                     const Scope *left_scope, JoinType type, const AstExpr *on,
                                     Plan **plan, Scope **scope, Error *err);
// FROM f(…): window functions, ML_PREDICT, TO_CHANGELOG, user table functions. (bind_tvf.c)
NODISCARD Status bind_table_function(Binder *binder, const AstFrom *from, Plan **plan, Error *err);
// A row of no columns, and a scope of none.
Plan *bind_one_row(Binder *binder, Scope **scope);
// FROM TABLE(f(…)), f a table function whose arguments are no columns. (bind_lateral.c)
NODISCARD Status bind_apply(Binder *binder, const AstFrom *from, const Udf *udf, Plan **plan,
                            Error *err);
NODISCARD Status bind_unnest(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope,
                             Error *err);
NODISCARD Status bind_match(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope,
                            Error *err);
// Inside DEFINE and MEASURES: a name, of which *used parts were taken (ST_END: no such column), and
// the calls that have a meaning of their own there. (bind_match_expr.c)
NODISCARD Status bind_match_name(Binder *binder, const AstExpr *ast, Expr **out, uint32_t *used,
                                 Error *err);
NODISCARD Status bind_match_call(Binder *binder, const AstExpr *ast, bool *taken, Expr **out,
                                 Error *err);
// The OVER operators under the projection, once all calls are collected. (bind_over.c)
NODISCARD Status bind_over_plan(Binder *binder, Error *err);
// INTERSECT and EXCEPT [ALL] of two plans with one row type. (bind_subquery.c)
NODISCARD Status bind_intersect(Binder *binder, const AstQuery *query, Plan *left, Plan *right,
                                const Type *row, Plan **out, Error *err);

// The right side of a join that depends on each row of the left: LATERAL, UNNEST, table functions,
// FOR SYSTEM_TIME AS OF. *taken when [from] is such a join; then plan and scope are the whole
// join's.
NODISCARD Status bind_lateral(Binder *binder, const AstFrom *from, Plan *left, Scope *left_scope,
                              JoinType type, Plan **plan, Scope **scope, bool *taken, Error *err);
// Two plans on a condition over both rows. (bind_join.c)
NODISCARD Status plan_join(PlanContext *context, Plan *left, Plan *right, JoinType type,
                           Expr *condition, Plan **out, Error *err);
// The same for a temporal join: an equality of times is a condition as any other.
NODISCARD Status plan_join_versions(PlanContext *context, Plan *left, Plan *right, JoinType type,
                                    Expr *condition, Plan **out, Error *err);
// IN, EXISTS and their negations as a conjunct of WHERE; *done when [part] is one.
// (bind_subquery.c)
NODISCARD Status bind_where_subquery(Binder *binder, const AstExpr *part, bool *done, Error *err);
NODISCARD Status bind_lateral_query(Binder *binder, const AstFrom *from, Plan *left,
                                    Scope *left_scope, JoinType type, Plan **plan, Scope **scope,
                                    Error *err);
// The condition of USING and NATURAL over both rows; NULL without any column. (bind_join.c)
NODISCARD Status bind_using(Binder *binder, const AstFrom *from, const Scope *left,
                            const Scope *right, Scope *both, Expr **out, Error *err);
// The conjuncts of a condition.
typedef struct Conjuncts {
    Expr **at;
    uint32_t count, cap;
} Conjuncts;
void expr_split_and(Arena *arena, Expr *expr, Conjuncts *out);
// Which sides' columns an expression over two rows reads: bit 0 left, bit 1 right.
unsigned expr_sides(const Expr *expr, uint32_t left_columns);

// The LOOKUP hints of a SELECT: checked, and the one for the table called [name]. (bind_lookup.c)
NODISCARD Status bind_check_lookup_hints(const AstHints *hints, const AstFrom *from, Error *err);
// FOR SYSTEM_TIME AS OF a processing time, the table [right] of scope [right_scope].
// (bind_lookup.c)
NODISCARD Status bind_lookup(Binder *binder, const AstFrom *from, Plan *left, Scope *left_scope,
                             Plan *right, Scope *right_scope, JoinType type, Plan **plan,
                             Scope **scope, Error *err);
// Temporal and lookup joins.
NODISCARD Status bind_as_of(Binder *binder, const AstFrom *from, Plan *left, Scope *left_scope,
                            JoinType type, Plan **plan, Scope **scope, Error *err);
// The filter [condition] over [input]; an inner join takes the conjuncts in. (bind_join.c)
NODISCARD Status plan_where(PlanContext *context, Plan *input, Expr *condition, Plan **out,
                            Error *err);
// Time bounds between both sides among the conjuncts: they are taken out of [part], and bounds and
// time columns set in [out]. (join_kind.c)
// The name [ast] as a field of a ROW column by its own name: how many relations in scope have one
// (0, 1, more: it is ambiguous), how many parts of the name went into it, and the field.
// (bind_peek.c)
uint32_t bind_peek(Binder *binder, const AstExpr *ast, uint32_t *used, Expr **out);
// Whether the bare name of [column] is such a field of another relation, too: it is ambiguous then.
bool bind_peeks_elsewhere(Binder *binder, Str name, uint32_t column);
// An equality of WHERE over a join, marked where it compares times (Expr.times_right).
// (join_kind.c)
Expr *join_mark_time(Arena *arena, const Plan *left, const Plan *right, Expr *expr);
bool join_find_interval(const Plan *left, const Plan *right, Expr **part, uint32_t *count,
                        Plan *out);
bool join_find_window(const Plan *left, const Plan *right, const uint32_t *left_key,
                      const uint32_t *right_key, uint32_t count, uint32_t *end_key);
// A table given to a function: TABLE t, (query). (bind_tvf.c)
NODISCARD Status bind_table_arg(Binder *binder, const AstExpr *arg, Plan **plan, Error *err);
// TO_CHANGELOG, FROM_CHANGELOG. (bind_changelog.c)
NODISCARD Status bind_changelog(Binder *binder, const AstExpr *ast, bool to, Plan **out,
                                Error *err);
