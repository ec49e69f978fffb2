#include "plan/expr.h"

#include "base/hash.h"

static Expr *expr_new(Arena *arena, ExprKind kind, const Type *type) {
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = kind;
    expr->type = type;
    return expr;
}

Expr *expr_column(Arena *arena, uint32_t column, const Type *type) {
    Expr *expr = expr_new(arena, EXPR_COLUMN, type);
    expr->column = column;
    return expr;
}

Expr *expr_literal(Arena *arena, const Vec *value) {
    Expr *expr = expr_new(arena, EXPR_LITERAL, value->type);
    expr->value = value;
    return expr;
}

Expr *expr_null(Arena *arena, const Type *type) {
    Vec *value = vec_new(arena, type_nullable(arena, type, true), 1);
    vec_set_null(value, 0);
    return expr_literal(arena, value);
}

Expr *expr_bool(Arena *arena, bool flag) {
    return expr_i64(arena, TYPE_BOOLEAN, flag);
}

Expr *expr_i64(Arena *arena, TypeKind kind, int64_t number) {
    Vec *value = vec_new(arena, type_of(kind, false), 1);
    vec_set_integer(value, 0, number);
    return expr_literal(arena, value);
}

static Expr **expr_args(Arena *arena, Expr *expr, uint32_t count) {
    expr->arg = ARENA_ARRAY(arena, Expr *, count ? count : 1);
    expr->arg_count = count;
    return expr->arg;
}

Expr *expr_field(Arena *arena, Expr *row, uint32_t field) {
    const Type *type = row->type->child[field];
    Expr *expr = expr_new(arena, EXPR_FIELD,
                          type_nullable(arena, type, type->nullable || row->type->nullable));
    expr->column = field;
    expr_args(arena, expr, 1)[0] = row;
    expr->place = row->place;
    return expr;
}

Expr *expr_cast(Arena *arena, Expr *arg, const Type *type, bool try_cast) {
    if (type_equal_but_null(arg->type, type) && arg->type->kind != TYPE_NULL) {
        // Only the nullability differs; nothing to do at run time. A cast to NOT NULL keeps the
        // argument's nullability, as Flink's does.
        return arg;
    }
    if (arg->kind == EXPR_LITERAL && vec_is_null(arg->value, 0)) {
        Expr *null = expr_null(arena, type);
        null->place = arg->place;
        return null;
    }
    bool nullable = arg->type->nullable || try_cast;
    Expr *expr = expr_new(arena, EXPR_CAST, type_nullable(arena, type, nullable));
    expr->try_cast = try_cast;
    expr->place = arg->place;
    expr_args(arena, expr, 1)[0] = arg;
    return expr;
}

bool expr_is_equality(const char *name) {
    static const char *const NAMES[] = {"=", "<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcmp(NAMES[i], name) == 0) return true;
    }
    return false;
}

// The cast of an argument to the type its function takes. A text that is compared for equality with
// a point in time need not be one, and equals none then; a constant one is looked at by fold.c.
static Expr *cast_argument(Arena *arena, const char *name, Expr *arg, const Type *type) {
    bool equality = expr_is_equality(name) || strcmp(name, "NULLIF") == 0;
    bool lenient = type_is_text(arg->type) && type_is_datetime(type) && equality &&
                   !expr_is_constant(arg);
    Expr *cast = expr_cast(arena, arg, type, lenient);
    if (cast != arg && cast->kind == EXPR_CAST) cast->implicit = true;
    return cast;
}

Status expr_call(Arena *arena, const FuncEnv *env, const char *name, Expr **arg, uint32_t arg_count,
                 Place place, Expr **out, Error *err) {
    ASSERT(name);
    uint32_t overloads;
    const ScalarFunc *const *row = func_find(str_c(name), &overloads);
    if (!overloads) {
        (void)error_at(err, ST_VALIDATION, place, "no function '%s'", name);
        const char *near = func_nearest(str_c(name));
        if (near) error_hint(err, "did you mean %s?", near);
        return ST_VALIDATION;
    }
    FuncCall *call = ARENA_NEW(arena, FuncCall);
    Status st = ST_VALIDATION;
    Error first;
    for (uint32_t i = 0; i < overloads && st; i++) {
        *call = (FuncCall){.arena = arena, .argc = arg_count, .env = env};
        call->arg = ARENA_ARRAY(arena, const Type *, arg_count + 1);
        call->literal = ARENA_ARRAY(arena, const Vec *, arg_count + 1);
        for (uint32_t a = 0; a < arg_count; a++) {
            call->arg[a] = arg[a]->type;
            call->literal[a] = arg[a]->kind == EXPR_LITERAL ? arg[a]->value : NULL;
        }
        st = func_bind(call, row[i], i == 0 ? &first : NULL);
    }
    if (st) {
        if (err) *err = first;
        error_place(err, place);
        return st;
    }
    Expr *expr = expr_new(arena, EXPR_CALL, call->result);
    expr->call = call;
    expr->place = place;
    Expr **bound = expr_args(arena, expr, arg_count);
    for (uint32_t a = 0; a < arg_count; a++) {
        bound[a] = cast_argument(arena, name, arg[a], call->arg[a]);
        if (bound[a]->try_cast && bound[a]->implicit && !strstr(name, "DISTINCT FROM")) {
            expr->type = type_nullable(arena, expr->type, true);
        }
        if (bound[a] != arg[a] && arg[a]->kind == EXPR_LITERAL) call->literal[a] = NULL;
    }
    *out = expr;
    return ST_OK;
}

Expr *expr_and(Arena *arena, const FuncEnv *env, Expr *a, Expr *b) {
    if (!a || !b) return a ? a : b;
    Expr *pair[2] = {a, b}, *both = NULL;
    Status st = expr_call(arena, env, "AND", pair, 2, a->place, &both, NULL);
    ASSERT(st == ST_OK);
    return both;
}

bool expr_times_right(const Type *left, const Type *right) {
    // What was a time attribute is one still to Flink's validator, which then has nothing to cast.
    return left->attribute == TIME_ROWTIME && !right->attribute && !right->was_attribute &&
           left->kind == right->kind && left->precision == right->precision;
}

bool expr_equal(const Expr *a, const Expr *b) {
    if (a == b) return true;
    if (a->kind != b->kind || a->arg_count != b->arg_count || a->column != b->column) return false;
    if (!type_equal(a->type, b->type) || a->try_cast != b->try_cast) return false;
    if (a->kind == EXPR_LITERAL && !vec_key_equal(a->value, 0, b->value, 0)) return false;
    if (a->kind == EXPR_CALL) {
        if (a->call->func != b->call->func || a->call->kernel != b->call->kernel) return false;
        if (a->call->func->flags & FUNC_NONDETERMINISTIC) return false;
    }
    for (uint32_t i = 0; i < a->arg_count; i++) {
        if (!expr_equal(a->arg[i], b->arg[i])) return false;
    }
    return true;
}

uint64_t expr_hash(const Expr *expr) {
    uint64_t hash = hash_mix(expr->kind, (uint64_t)expr->column << 32 | expr->arg_count);
    if (expr->kind == EXPR_LITERAL) hash = hash_mix(hash, vec_hash_value(expr->value, 0));
    if (expr->kind == EXPR_CALL) hash = hash_mix(hash, (uintptr_t)expr->call->func);
    for (uint32_t i = 0; i < expr->arg_count; i++) hash = hash_mix(hash, expr_hash(expr->arg[i]));
    return hash;
}

static bool expr_any(const Expr *expr, bool (*test)(const Expr *)) {
    if (test(expr)) return true;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr_any(expr->arg[i], test)) return true;
    }
    return false;
}

static bool is_variable(const Expr *expr) {
    if (expr->kind == EXPR_COLUMN) return true;
    if (expr->kind != EXPR_CALL) return false;
    unsigned flags = expr->call->func->flags;
    if (flags & FUNC_NONDETERMINISTIC) return true;
    return (flags & FUNC_DYNAMIC) && !(expr->call->env && expr->call->env->batch);
}

bool expr_is_constant(const Expr *expr) {
    return !expr_any(expr, is_variable);
}

static bool is_random(const Expr *expr) {
    return expr->kind == EXPR_CALL &&
           expr->call->func->flags & (FUNC_NONDETERMINISTIC | FUNC_DYNAMIC);
}

bool expr_is_deterministic(const Expr *expr) {
    return !expr_any(expr, is_random);
}

static bool is_risky(const Expr *expr) {
    if (expr->kind == EXPR_CALL) return expr->call->func->flags & FUNC_CAN_FAIL;
    return expr->kind == EXPR_CAST && !expr->try_cast &&
           cast_can_fail(expr->arg[0]->type, expr->type);
}

bool expr_can_fail(const Expr *expr) {
    return expr_any(expr, is_risky);
}

bool expr_is_true(const Expr *expr) {
    return expr->kind == EXPR_LITERAL && expr->type->kind == TYPE_BOOLEAN &&
           !vec_is_null(expr->value, 0) && vec_u8(expr->value)[0];
}

void expr_columns(const Expr *expr, uint64_t *used) {
    if (expr->kind == EXPR_COLUMN) bits_set(used, expr->column);
    for (uint32_t i = 0; i < expr->arg_count; i++) expr_columns(expr->arg[i], used);
}

Expr *expr_substitute(Arena *arena, const Expr *expr, Expr *const *map) {
    if (expr->kind == EXPR_COLUMN) return map[expr->column];
    Expr *copy = arena_dup(arena, expr, sizeof *expr);
    if (!expr->arg_count) return copy;
    Expr **arg = expr_args(arena, copy, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        arg[i] = expr_substitute(arena, expr->arg[i], map);
    }
    return copy;
}

Expr *expr_renumber(Arena *arena, const Expr *expr, const uint32_t *map) {
    Expr *copy = arena_dup(arena, expr, sizeof *expr);
    if (expr->kind == EXPR_COLUMN) copy->column = map[expr->column];
    if (!expr->arg_count) return copy;
    Expr **arg = expr_args(arena, copy, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++) arg[i] = expr_renumber(arena, expr->arg[i], map);
    return copy;
}

static void literal_print(const Vec *value, Buf *out) {
    bool quoted = value->phys == PHYS_STR && !vec_is_null(value, 0);
    if (quoted) buf_putc(out, '\'');
    value_print(value, 0, NULL, false, out);
    if (quoted) buf_putc(out, '\'');
}

static bool is_operator(const char *name) {
    bool letter = (name[0] >= 'A' && name[0] <= 'Z') || (name[0] >= 'a' && name[0] <= 'z');
    return !(letter || name[0] == '_') || strcmp(name, "AND") == 0 ||
           strcmp(name, "OR") == 0 || strcmp(name, "LIKE") == 0;
}

void expr_print(const Expr *expr, const Type *input, Buf *out) {
    switch (expr->kind) {
        case EXPR_COLUMN:
            if (input && expr->column < input->child_count) {
                buf_put_str(out, input->field[expr->column]);
            } else {
                buf_printf(out, "$%u", expr->column);
            }
            return;
        case EXPR_LITERAL: literal_print(expr->value, out); return;
        case EXPR_FIELD:
            expr_print(expr->arg[0], input, out);
            buf_putc(out, '.');
            buf_put_str(out, expr->arg[0]->type->field[expr->column]);
            return;
        case EXPR_CAST:
            buf_puts(out, expr->try_cast ? "TRY_CAST(" : "CAST(");
            expr_print(expr->arg[0], input, out);
            buf_puts(out, " AS ");
            type_print_summary(expr->type, false, out);
            buf_putc(out, ')');
            return;
        case EXPR_CASE: buf_puts(out, "CASE("); break;
        case EXPR_CALL:
            if (expr->arg_count == 2 && is_operator(expr->call->func->name)) {
                buf_putc(out, '(');
                expr_print(expr->arg[0], input, out);
                buf_printf(out, " %s ", expr->call->func->name);
                expr_print(expr->arg[1], input, out);
                buf_putc(out, ')');
                return;
            }
            buf_printf(out, "%s(", expr->call->func->name);
            break;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (i) buf_puts(out, ", ");
        expr_print(expr->arg[i], input, out);
    }
    buf_putc(out, ')');
}
