// plan/expr.h - bound expressions: every name resolved, every node typed, implicit casts explicit.
// What the executor compiles (exec/program.h) and the rules rewrite. Immutable, in the plan's
// arena.
#pragma once

#include "func/agg.h"
#include "func/cast.h"
#include "func/func.h"

typedef struct Expr Expr;

typedef enum ExprKind {
    EXPR_COLUMN,   // [column] of the input row
    EXPR_LITERAL,  // [value]: a vec of one row
    EXPR_CALL,     // [call] over [arg]
    EXPR_CAST,     // [arg][0] to [type]
    EXPR_CASE,     // [arg]: when, then, when, then …, else (always there); conditions are BOOLEAN
    EXPR_FIELD,    // field [column] of the ROW [arg][0]
} ExprKind;

struct Expr {
    ExprKind kind;
    const Type *type;
    Place place;
    uint32_t column;
    const Vec *value;
    const FuncCall *call;
    bool try_cast;
    bool implicit;   // a cast that the function's signature asked for, not the user
    bool times_right;  // "=" whose right side, a plain timestamp, is taken for the time of the left
    Expr **arg;
    uint32_t arg_count;
};

// rowtime = t: Flink's validator brings the right side to the type of the left, which makes a time
// attribute of it; joins make use of that. With the attribute on the right both become plain.
bool expr_times_right(const Type *left, const Type *right);
Expr *expr_column(Arena *arena, uint32_t column, const Type *type);
Expr *expr_literal(Arena *arena, const Vec *value);
Expr *expr_null(Arena *arena, const Type *type);
Expr *expr_bool(Arena *arena, bool value);
Expr *expr_i64(Arena *arena, TypeKind kind, int64_t value);  // an integer kind or interval
Expr *expr_field(Arena *arena, Expr *row, uint32_t field);
// CAST(arg AS type), or [arg] itself when it has that type already (nullability aside).
Expr *expr_cast(Arena *arena, Expr *arg, const Type *type, bool try_cast);
// A call of the function [name] with arguments already bound, casts added. ST_VALIDATION when no
// overload takes them.
NODISCARD Status expr_call(Arena *arena, const FuncEnv *env, const char *name, Expr **arg,
                           uint32_t arg_count, Place place, Expr **out, Error *err);
// Of two values: = and its kin.
bool expr_is_equality(const char *name);
// [a] AND [b]; either may be NULL.
Expr *expr_and(Arena *arena, const FuncEnv *env, Expr *a, Expr *b);

bool expr_equal(const Expr *a, const Expr *b);      // same value for the same row, structurally
uint64_t expr_hash(const Expr *expr);               // alike for equal ones
bool expr_is_constant(const Expr *expr);            // no columns, deterministic
bool expr_is_deterministic(const Expr *expr);
bool expr_can_fail(const Expr *expr);
bool expr_is_true(const Expr *expr);                // the literal TRUE
void expr_columns(const Expr *expr, uint64_t *used);  // sets bits of the columns it reads
// A copy with column i replaced by map[i] (an expression over another input).
Expr *expr_substitute(Arena *arena, const Expr *expr, Expr *const *map);
// A copy with column i renumbered to map[i].
Expr *expr_renumber(Arena *arena, const Expr *expr, const uint32_t *map);
// As SQL, for messages and stable ids; [names] are the input's field names.
void expr_print(const Expr *expr, const Type *input, Buf *out);
