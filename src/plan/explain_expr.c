// Expressions as Flink's plans write them. Casts that a function's signature asked for are not
// shown: Flink's are made when code is generated, after the plan.
#include <stdlib.h>

#include "plan/explain_int.h"

static bool is_named(const Expr *expr, const char *name) {
    return expr->kind == EXPR_CALL && strcmp(expr->call->func->name, name) == 0;
}

static bool is_infix(const char *name) {
    static const char *const NAMES[] = {"+", "-", "*", "/",  "%",   "=",  "<>",
                                        "<", ">", "<=", ">=", "AND", "OR"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcmp(NAMES[i], name) == 0) return true;
    }
    return false;
}

// As Calcite spells types: INTEGER for INT, and the character set that all its text has.
static void print_type(const Explain *self, const Type *type) {
    if (type->kind == TYPE_INT) {
        buf_puts(self->out, "INTEGER");
        return;
    }
    if (type->kind == TYPE_VARCHAR || type->kind == TYPE_CHAR || type->kind == TYPE_VARBINARY ||
        type->kind == TYPE_BINARY) {
        static const char *const NAMES[] = {[TYPE_CHAR] = "CHAR", [TYPE_VARCHAR] = "VARCHAR",
                                            [TYPE_BINARY] = "BINARY",
                                            [TYPE_VARBINARY] = "VARBINARY"};
        buf_printf(self->out, "%s(%d)", NAMES[type->kind], (int)type->length);
    } else {
        type_print_summary(type, false, self->out);
    }
    if (type_is_text(type) && self->notation != NOTATION_INFIX) {
        buf_puts(self->out, " CHARACTER SET \"UTF-16LE\"");
    }
}

// 2.5 as 2.5E0: Calcite keeps floating point constants as decimals.
static void print_double(double value, const char *shortest, Buf *out) {
    char digits[64] = {0};
    int count = 0, point = 0, exponent = 0;
    bool seen_point = false;
    for (const char *at = shortest; *at; at++) {
        if (*at == 'E') {
            exponent = atoi(at + 1);
            break;
        }
        if (*at == '.') seen_point = true;
        if (*at < '0' || *at > '9') continue;
        if (count < (int)sizeof digits) digits[count++] = *at;
        if (!seen_point) point++;
    }
    int first = 0;
    while (first < count - 1 && digits[first] == '0') first++;
    while (count > first + 1 && digits[count - 1] == '0') count--;
    if (!count || value != value || digits[first] == '0') {
        buf_puts(out, digits[first] == '0' && count ? "0E0" : shortest);
        return;
    }
    buf_printf(out, "%s%c", value < 0 ? "-" : "", digits[first]);
    if (count > first + 1) buf_putc(out, '.');
    buf_put(out, digits + first + 1, (size_t)(count - first - 1));
    buf_printf(out, "E%d", exponent + point - first - 1);
}

static void print_interval(int64_t ms, Buf *out) {
    static const struct {
        int64_t ms;
        const char *name;
    } UNITS[] = {{86400000, "DAY"}, {3600000, "HOUR"}, {60000, "MINUTE"}, {1, "SECOND"}};
    size_t i = 0;
    while (ms % UNITS[i].ms) i++;
    buf_printf(out, "%lld:INTERVAL %s", (long long)ms, UNITS[i].name);
}

void explain_literal(const Explain *self, const Vec *value) {
    const Type *type = value->type;
    Buf *out = self->out;
    bool typed = self->notation != NOTATION_INFIX;
    if (vec_is_null(value, 0)) {
        buf_puts(out, "null:");
        print_type(self, type);
        return;
    }
    if (type->kind == TYPE_INTERVAL_SECONDS) {
        print_interval(vec_i64(value)[0], out);
        return;
    }
    if (type->kind == TYPE_INTERVAL_MONTHS) {
        int32_t months = vec_i32(value)[0];
        buf_printf(out, "%d:INTERVAL %s", months, months % 12 ? "MONTH" : "YEAR");
        return;
    }
    if (type->kind == TYPE_BOOLEAN) {
        buf_puts(out, vec_u8(value)[0] ? "true" : "false");
        return;
    }
    Buf text = {0};
    value_print(value, 0, NULL, true, &text);
    if (type_is_approx(type)) {
        double number = strtod(buf_cstr(&text), NULL);
        print_double(number, buf_cstr(&text), out);
    } else if (type_is_text(type)) {
        buf_puts(out, typed ? "_UTF-16LE'" : "'");
        for (size_t i = 0; i < text.len; i++) {
            if (text.ptr[i] == '\'') buf_putc(out, '\'');
            buf_putc(out, text.ptr[i]);
        }
        buf_putc(out, '\'');
    } else {
        buf_put_str(out, buf_str(&text));
    }
    buf_free(&text);
    if (typed && (type_is_approx(type) || type->kind == TYPE_DECIMAL ||
                  type->kind == TYPE_VARCHAR)) {
        buf_putc(out, ':');
        print_type(self, type);
    }
}

static const Expr *shown(const Expr *expr) {
    while (expr->kind == EXPR_CAST && expr->implicit) expr = expr->arg[0];
    return expr;
}

// a AND (b AND c) is one AND of three.
static void print_chain(const Explain *self, const Expr *expr, const char *name, const Str *names,
                        bool *first) {
    if (!is_named(expr, name)) {
        if (!*first && self->notation == NOTATION_INFIX) buf_printf(self->out, " %s ", name);
        if (!*first && self->notation != NOTATION_INFIX) buf_puts(self->out, ", ");
        *first = false;
        explain_expr(self, expr, names);
        return;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        print_chain(self, shown(expr->arg[i]), name, names, first);
    }
}

static void print_args(const Explain *self, const Expr *expr, const Str *names) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (i) buf_puts(self->out, ", ");
        explain_expr(self, expr->arg[i], names);
    }
}

// What stands behind its argument: `a IS NULL`.
static bool print_postfix(const Explain *self, const Expr *expr, const Str *names) {
    const char *name = expr->call->func->name;
    if (self->notation != NOTATION_INFIX || expr->arg_count != 1) return false;
    if (strncmp(name, "IS ", 3) != 0) return false;
    explain_expr(self, expr->arg[0], names);
    buf_printf(self->out, " %s", name);
    return true;
}

static void print_call(const Explain *self, const Expr *expr, const Str *names) {
    const char *name = expr->call->func->name;
    Buf *out = self->out;
    bool infix = self->notation == NOTATION_INFIX;
    if (print_postfix(self, expr, names)) return;
    if (strncmp(name, "UNARY ", 6) == 0) name += 6;
    if (strcmp(name, "BETWEEN ASYMMETRIC") == 0) name = "BETWEEN";
    if (strcmp(name, "AND") == 0 || strcmp(name, "OR") == 0) {
        bool first = true;
        buf_printf(out, "%s(", infix ? "" : name);
        print_chain(self, expr, name, names, &first);
    } else if (infix && expr->arg_count == 2 && is_infix(name)) {
        buf_putc(out, '(');
        explain_expr(self, expr->arg[0], names);
        buf_printf(out, " %s ", name);
        explain_expr(self, expr->arg[1], names);
    } else {
        buf_printf(out, "%s(", name);
        print_args(self, expr, names);
    }
    buf_putc(out, ')');
}

void explain_expr(const Explain *self, const Expr *expr, const Str *names) {
    Buf *out = self->out;
    expr = shown(expr);
    switch (expr->kind) {
        case EXPR_COLUMN:
            if (names && self->notation != NOTATION_INDEX) {
                buf_put_str(out, names[expr->column]);
            } else {
                buf_printf(out, "$%u", expr->column);
            }
            return;
        case EXPR_LITERAL: explain_literal(self, expr->value); return;
        case EXPR_FIELD:
            explain_expr(self, expr->arg[0], names);
            buf_putc(out, '.');
            buf_put_str(out, expr->arg[0]->type->field[expr->column]);
            return;
        case EXPR_CAST:
            buf_puts(out, expr->try_cast ? "TRY_CAST(" : "CAST(");
            explain_expr(self, expr->arg[0], names);
            buf_puts(out, self->notation == NOTATION_INDEX ? "):" : " AS ");
            print_type(self, expr->type);
            if (self->notation != NOTATION_INDEX) buf_putc(out, ')');
            return;
        case EXPR_CASE:
            buf_puts(out, "CASE(");
            print_args(self, expr, names);
            buf_putc(out, ')');
            return;
        case EXPR_CALL: print_call(self, expr, names); return;
    }
}

static void print_equal(const Explain *self, const Plan *join, uint32_t k, const Str *names) {
    uint32_t left = join->key[k], right = join->input[0]->type->child_count + join->right_key[k];
    const char *name = join->null_safe && join->null_safe[k] ? "IS NOT DISTINCT FROM" : "=";
    bool infix = self->notation == NOTATION_INFIX && *name == '=';
    const Expr a = {.kind = EXPR_COLUMN, .column = left}, b = {.kind = EXPR_COLUMN,
                                                               .column = right};
    buf_printf(self->out, "%s(", infix ? "" : name);
    explain_expr(self, &a, names);
    buf_puts(self->out, infix ? " = " : ", ");
    explain_expr(self, &b, names);
    buf_putc(self->out, ')');
}

static uint32_t terms_of(const Expr *expr) {
    if (!is_named(expr, "AND")) return 1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) count += terms_of(shown(expr->arg[i]));
    return count;
}

void explain_join_condition(const Explain *self, const Plan *join, const Str *names) {
    uint32_t terms = join->key_count + (join->condition ? terms_of(join->condition) : 0);
    if (join->kind == PLAN_TEMPORAL_JOIN) terms++;
    bool infix = self->notation == NOTATION_INFIX, first = true;
    if (!terms) buf_puts(self->out, "true");
    if (terms > 1) buf_puts(self->out, infix ? "(" : "AND(");
    for (uint32_t k = 0; k < join->key_count; k++, first = false) {
        if (!first) buf_puts(self->out, infix ? " AND " : ", ");
        print_equal(self, join, k, names);
    }
    if (join->condition) print_chain(self, join->condition, "AND", names, &first);
    if (join->kind == PLAN_TEMPORAL_JOIN) {
        // Flink's own spelling: the time of the left row, of the version, and by what it is found.
        uint32_t left_columns = join->input[0]->type->child_count;
        if (!first) buf_puts(self->out, infix ? " AND " : ", ");
        buf_printf(self->out,
                   "__TEMPORAL_JOIN_CONDITION(" STR_FMT ", " STR_FMT,
                   STR_ARG(names[join->time_column]),
                   STR_ARG(names[left_columns + join->right_time_column]));
        static const char *const PARTS[] = {"CONDITION_PRIMARY_KEY", "LEFT_KEY", "RIGHT_KEY"};
        for (uint32_t p = 0; p < 3; p++) {
            buf_printf(self->out, ", __TEMPORAL_JOIN_%s(", PARTS[p]);
            for (uint32_t k = 0; k < join->key_count; k++) {
                uint32_t column = p == 1 ? join->key[k] : left_columns + join->right_key[k];
                buf_printf(self->out, "%s" STR_FMT, k ? ", " : "", STR_ARG(names[column]));
            }
            buf_putc(self->out, ')');
        }
        buf_putc(self->out, ')');
    }
    if (terms > 1) buf_putc(self->out, ')');
}
