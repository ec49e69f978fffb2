// Literals: the type is made of the spelling, as Calcite makes it.
#include <math.h>

#include "base/hex.h"
#include "plan/bind.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

static Status bad_literal(const AstExpr *ast, const char *what, Error *err) {
    return error_at(err, ST_VALIDATION, ast->span.place, "illegal %s literal '" STR_FMT "'", what,
                    STR_ARG(ast->literal.text));
}

static Status out_of_range(const AstExpr *ast, Error *err) {
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "numeric literal '" STR_FMT "' out of range", STR_ARG(ast->literal.text));
}

static Status integer_literal(Arena *arena, const AstExpr *ast, bool negative, Expr **out,
                              Error *err) {
    Str digits = ast->literal.text;
    Str text = negative ? str_printf(arena, "-" STR_FMT, STR_ARG(digits)) : digits;
    int64_t value;
    if (!str_to_i64(text, &value)) return out_of_range(ast, err);
    bool small = value >= INT32_MIN && value <= INT32_MAX;
    *out = expr_i64(arena, small ? TYPE_INT : TYPE_BIGINT, value);
    return ST_OK;
}

// The precision counts the digits as written, zeros in front too. As in Calcite the number without
// its point must fit into 64 bits.
static Status decimal_literal(Arena *arena, const AstExpr *ast, bool negative, Expr **out,
                              Error *err) {
    Str text = ast->literal.text;
    int64_t point = str_find(text, STR("."), 0);
    int32_t scale = point < 0 ? 0 : (int32_t)(text.len - (uint32_t)point - 1);
    bool sign = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');
    int32_t precision = (int32_t)text.len - sign - (point >= 0);
    i128 value;
    if (scale == 0) {  // 5. and DECIMAL '1e3' are INTs
        if (!decimal_parse(text, TYPE_DECIMAL_MAX, 0, &value)) return out_of_range(ast, err);
        value = negative ? -value : value;
        if (value != (int64_t)value) return out_of_range(ast, err);
        bool small = value >= INT32_MIN && value <= INT32_MAX;
        *out = expr_i64(arena, small ? TYPE_INT : TYPE_BIGINT, (int64_t)value);
        return ST_OK;
    }
    if (precision > TYPE_DECIMAL_MAX || !decimal_parse(text, precision, scale, &value) ||
        value != (int64_t)value) {
        return out_of_range(ast, err);
    }
    Vec *vec = vec_new(arena, type_decimal(arena, precision, scale, false), 1);
    vec_i128(vec)[0] = negative ? -value : value;
    *out = expr_literal(arena, vec);
    return ST_OK;
}

static Status binary_literal(Arena *arena, const AstExpr *ast, Expr **out, Error *err) {
    Str hex = ast->literal.text;
    if (hex.len % 2) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "binary literal string must contain an even number of hexits");
    }
    char *bytes = arena_alloc(arena, hex.len / 2 + 1u);
    for (uint32_t i = 0; i < hex.len / 2; i++) {
        int high = hex_digit(hex.ptr[i * 2]), low = hex_digit(hex.ptr[i * 2 + 1]);
        if (high < 0 || low < 0) return bad_literal(ast, "binary", err);
        bytes[i] = (char)(high * 16 + low);
    }
    Vec *vec = vec_new(arena, type_binary(arena, (int32_t)(hex.len / 2), false), 1);
    vec_str(vec)[0] = str_make(bytes, hex.len / 2);
    *out = expr_literal(arena, vec);
    return ST_OK;
}

Status bind_number(Arena *arena, const AstExpr *ast, bool negative, Expr **out, Error *err) {
    Status st;
    if (ast->literal.kind == LIT_INTEGER) {
        st = integer_literal(arena, ast, negative, out, err);
    } else if (ast->literal.kind == LIT_DECIMAL) {
        st = decimal_literal(arena, ast, negative, out, err);
    } else {
        double value;
        if (!f64_parse(ast->literal.text, &value)) return bad_literal(ast, "numeric", err);
        if (isinf(value)) return out_of_range(ast, err);
        Vec *vec = vec_new(arena, type_of(TYPE_DOUBLE, false), 1);
        if (value == 0) value = 0;  // constants know no negative zero
        vec_f64(vec)[0] = negative && value != 0 ? -value : value;
        *out = expr_literal(arena, vec);
        st = ST_OK;
    }
    if (!st) (*out)->place = ast->span.place;
    return st;
}

Status bind_literal(Arena *arena, const AstExpr *ast, Expr **out, Error *err) {
    const AstLiteral *lit = &ast->literal;
    switch (lit->kind) {
        case LIT_NULL: *out = expr_null(arena, type_of(TYPE_NULL, true)); break;
        case LIT_UNKNOWN: *out = expr_null(arena, type_of(TYPE_BOOLEAN, true)); break;
        case LIT_BOOLEAN: *out = expr_bool(arena, lit->boolean); break;
        case LIT_INTEGER:
        case LIT_DECIMAL:
        case LIT_APPROX: return bind_number(arena, ast, false, out, err);
        case LIT_TEXT: {
            if (lit->pieces_on_one_line) {
                return error_at(err, ST_VALIDATION, ast->span.place,
                                "a text goes on in the next line only: 'a' and 'b' need a line end "
                                "between them");
            }
            // CHAR(n) with n in UTF-16 units, as Java counts.
            int32_t length = (int32_t)utf8_units16(lit->text);
            Vec *vec = vec_new(arena, type_char(arena, length, false), 1);
            vec_set_text(vec, 0, lit->text);
            *out = expr_literal(arena, vec);
            break;
        }
        case LIT_BINARY: TRY(binary_literal(arena, ast, out, err)); break;
        case LIT_DATETIME:
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "DATETIME literals are not supported");
        case LIT_DATE:
        case LIT_TIME:
        case LIT_TIMESTAMP_LTZ:
        case LIT_TIMESTAMP: TRY(bind_datetime_literal(arena, ast, out, err)); break;
        case LIT_INTERVAL: TRY(bind_interval_literal(arena, ast, out, err)); break;
    }
    (*out)->place = ast->span.place;
    return ST_OK;
}

Status bind_row_count(const AstExpr *ast, const char *what, int64_t *out, Error *err) {
    static const i128 MOST = (i128)1 << 62;
    Str text = ast->kind == EX_LITERAL ? ast->literal.text : (Str){0};
    AstLiteralKind kind = ast->kind == EX_LITERAL ? ast->literal.kind : LIT_NULL;
    i128 whole = 0;
    bool known = false;
    if (kind == LIT_APPROX) {
        double value;
        known = str_to_f64(text, &value) && value >= 0;
        whole = known && value < INT32_MAX ? (i128)value : INT32_MAX;
    } else if (kind == LIT_INTEGER || kind == LIT_DECIMAL) {
        int64_t point = str_find(text, STR("."), 0);
        Str digits = point < 0 ? text : (Str){.ptr = text.ptr, .len = (uint32_t)point};
        known = digits.len == 0 || decimal_parse(digits, TYPE_DECIMAL_MAX, 0, &whole);
    }
    if (!known) return error_at(err, ST_VALIDATION, ast->span.place, "%s needs a number", what);
    *out = (int64_t)(whole > MOST ? MOST | (whole & UINT32_MAX) : whole);
    return ST_OK;
}
