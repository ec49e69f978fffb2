// Literals: the type is made of the spelling, as Calcite makes it.
#include <ctype.h>
#include <math.h>

#include "plan/bind.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"


static Status bad_literal(const AstExpr *ast, const char *what, Error *err) {
    return error_at(err, ST_VALIDATION, ast->span.place, "illegal %s literal '" STR_FMT "'", what,
                    STR_ARG(ast->literal.text));
}

static Status out_of_range(const AstExpr *ast, Error *err) {
    return error_at(err, ST_VALIDATION, ast->span.place, "numeric literal '" STR_FMT "' out of range",
                    STR_ARG(ast->literal.text));
}

static Status integer_literal(Arena *arena, const AstExpr *ast, bool negative, Expr **out, Error *err) {
    Str digits = ast->literal.text;
    Str text = negative ? str_printf(arena, "-" STR_FMT, STR_ARG(digits)) : digits;
    int64_t value;
    if (!str_to_i64(text, &value)) return out_of_range(ast, err);
    bool small = value >= INT32_MIN && value <= INT32_MAX;
    *out = expr_i64(arena, small ? TYPE_INT : TYPE_BIGINT, value);
    return ST_OK;
}

static Status decimal_literal(Arena *arena, const AstExpr *ast, bool negative, Expr **out, Error *err) {
    Str text = ast->literal.text;
    bool minus = negative;
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        minus ^= text.ptr[0] == '-';
        text = str_sub(text, 1, text.len);
    }
    int64_t point = str_find(text, STR("."), 0);
    if (point > 0 && point == (int64_t)text.len - 1) {  // 5. is an INT
        AstExpr whole = *ast;
        whole.literal.text = str_sub(text, 0, text.len - 1);
        return integer_literal(arena, &whole, minus, out, err);
    }
    int32_t scale = point < 0 ? 0 : (int32_t)(text.len - (uint32_t)point - 1);
    int32_t precision = (int32_t)text.len - (point >= 0);  // digits as written, zeros in front too
    if (precision < 1) precision = 1;
    i128 value;
    if (precision > TYPE_DECIMAL_MAX || !decimal_parse(text, precision, scale, &value)) {
        return out_of_range(ast, err);
    }
    Vec *vec = vec_new(arena, type_decimal(arena, precision, scale, false), 1);
    vec_i128(vec)[0] = minus ? -value : value;
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
        unsigned value = 0;
        for (uint32_t k = 0; k < 2; k++) {
            int c = tolower((unsigned char)hex.ptr[i * 2 + k]);
            if (!isxdigit(c)) return bad_literal(ast, "binary", err);
            value = value * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        bytes[i] = (char)value;
    }
    Vec *vec = vec_new(arena, type_binary(arena, (int32_t)(hex.len / 2), false), 1);
    vec_str(vec)[0] = str_make(bytes, hex.len / 2);
    *out = expr_literal(arena, vec);
    return ST_OK;
}

static int32_t fraction_digits(Str text) {
    int64_t point = str_find(text, STR("."), 0);
    return point < 0 ? 0 : (int32_t)(text.len - (uint32_t)point - 1);
}

// One number of an interval: digits up to a separator.
static bool take_number(Str *text, int64_t *out) {
    uint32_t len = 0;
    while (len < text->len && isdigit((unsigned char)text->ptr[len])) len++;
    if (!len || len > 18 || !str_to_i64(str_sub(*text, 0, len), out)) return false;
    *text = str_sub(*text, len, text->len);
    return true;
}
static bool take_char(Str *text, char c) {
    if (!text->len || text->ptr[0] != c) return false;
    *text = str_sub(*text, 1, text->len);
    return true;
}

// "yyyy-MM-dd" of a day that exists; the readers of casts are more forgiving than literals are.
static bool take_date(Str *text) {
    int64_t year, month, day;
    return take_number(text, &year) && take_char(text, '-') && take_number(text, &month) &&
           take_char(text, '-') && take_number(text, &day) && year <= 9999 && month <= 12 &&
           day <= 31 && civil_valid((int32_t)year, (int32_t)month, (int32_t)day);
}
// "HH:mm:ss", with a fraction of any length.
static bool take_clock(Str *text) {
    int64_t hour, minute, second;
    if (!take_number(text, &hour) || !take_char(text, ':') || !take_number(text, &minute) ||
        !take_char(text, ':') || !take_number(text, &second) || hour > 23 || minute > 59 ||
        second > 59) {
        return false;
    }
    if (!take_char(text, '.')) return true;
    while (text->len && isdigit((unsigned char)text->ptr[0])) *text = str_sub(*text, 1, text->len);
    return true;
}

static bool datetime_valid(AstLiteralKind kind, Str text) {
    if (kind == LIT_TIME) return take_clock(&text) && !text.len;
    if (!take_date(&text)) return false;
    if (kind == LIT_DATE || !text.len) return !text.len;
    return take_char(&text, ' ') && take_clock(&text) && !text.len;
}

static Status datetime_literal(Arena *arena, const AstExpr *ast, Expr **out, Error *err) {
    AstLiteralKind kind = ast->literal.kind;
    Str text = str_trim(ast->literal.text);
    const char *what = kind == LIT_DATE ? "DATE" : kind == LIT_TIME ? "TIME" : "TIMESTAMP";
    if (!datetime_valid(kind, text)) return bad_literal(ast, what, err);
    int32_t digits = fraction_digits(text);
    enum { NANO_DIGITS = 9 };
    if (digits > NANO_DIGITS) {  // what is finer is cut off
        text.len -= (uint32_t)(digits - NANO_DIGITS);
        digits = NANO_DIGITS;
    }
    Vec *vec;
    if (kind == LIT_DATE) {
        vec = vec_new(arena, type_of(TYPE_DATE, false), 1);
        if (!date_parse(text, vec_i32(vec))) return bad_literal(ast, what, err);
    } else if (kind == LIT_TIME) {
        vec = vec_new(arena, type_time(arena, digits > 3 ? 3 : digits, false), 1);
        if (!time_parse(text, vec_i32(vec))) return bad_literal(ast, what, err);
    } else {
        Timestamp value;
        if (!timestamp_parse(text, &value)) return bad_literal(ast, what, err);
        vec = vec_new(arena, type_timestamp(arena, digits, false), 1);
        vec_set_timestamp(vec, 0, value);
    }
    *out = expr_literal(arena, vec);
    if (kind == LIT_TIMESTAMP_LTZ) {  // of the session's zone, which folding knows
        *out = expr_cast(arena, *out, type_timestamp_ltz(arena, digits, false), false);
    }
    return ST_OK;
}

static const int64_t UNIT_MS[] = {
    [UNIT_WEEK] = 7 * (int64_t)86400000, [UNIT_DAY] = 86400000, [UNIT_HOUR] = 3600000,
    [UNIT_MINUTE] = 60000, [UNIT_SECOND] = 1000,
};

static bool interval_value(const AstLiteral *lit, int64_t *value) {
    Str text = str_trim(lit->text);
    bool minus = lit->negative;
    if (take_char(&text, '-')) minus = !minus;
    else (void)take_char(&text, '+');
    AstUnit from = lit->interval.from, to = lit->interval.to;
    int64_t number, total = 0;
    if (from == UNIT_YEAR || from == UNIT_MONTH || from == UNIT_QUARTER) {
        if (!take_number(&text, &number)) return false;
        total = number * (from == UNIT_YEAR ? 12 : from == UNIT_QUARTER ? 3 : 1);
        if (to == UNIT_MONTH) {
            if (!take_char(&text, '-') || !take_number(&text, &number) || number > 11) return false;
            total += number;
        }
    } else {
        if (to == UNIT_NONE) to = from;
        for (AstUnit unit = from;; unit++) {
            if (unit == UNIT_SECOND && unit == from && text.len && text.ptr[0] == '.') number = 0;
            else if (!take_number(&text, &number)) return false;
            if (unit != from && number > (unit == UNIT_HOUR ? 23 : 59)) return false;
            total += number * UNIT_MS[unit];
            if (unit == UNIT_SECOND && take_char(&text, '.')) {
                int64_t scale = 100;
                while (text.len && isdigit((unsigned char)text.ptr[0])) {
                    total += (text.ptr[0] - '0') * scale;
                    scale /= 10;
                    text = str_sub(text, 1, text.len);
                }
            }
            if (unit >= to) break;
            if (!take_char(&text, unit == UNIT_DAY ? ' ' : ':')) return false;
            if (unit == UNIT_DAY) text = str_trim(text);
        }
    }
    *value = minus ? -total : total;
    return text.len == 0;
}

static Status interval_literal(Arena *arena, const AstExpr *ast, Expr **out, Error *err) {
    int64_t value;
    const AstInterval *units = &ast->literal.interval;
    if (!interval_value(&ast->literal, &value)) return bad_literal(ast, "INTERVAL", err);
    // The leading field has 2 digits unless the precision says otherwise.
    Str text = str_trim(ast->literal.text);
    uint32_t digits = 0, at = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');
    while (at + digits < text.len && isdigit((unsigned char)text.ptr[at + digits])) digits++;
    uint32_t allowed = units->precision < 0 ? 2 : (uint32_t)units->precision;
    if (units->precision == 0 || units->precision > 10) {
        return error_at(err, ST_VALIDATION, ast->span.place, "interval leading field precision '%d' "
                        "out of range", units->precision);
    }
    if (digits > allowed && value != 0) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "interval field value " STR_FMT " exceeds precision of its %u digits",
                        STR_ARG(text), allowed);
    }
    const Type *type = interval_normal(arena, interval_type(arena, units, false));
    Vec *vec = vec_new(arena, type, 1);
    vec_set_integer(vec, 0, value);
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
        vec_f64(vec)[0] = negative ? -value : value;
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
            // CHAR(n) with n in UTF-16 units, as Java counts.
            int32_t length = (int32_t)utf8_units16(lit->text);
            Vec *vec = vec_new(arena, type_char(arena, length, false), 1);
            vec_set_text(vec, 0, lit->text);
            *out = expr_literal(arena, vec);
            break;
        }
        case LIT_BINARY: TRY(binary_literal(arena, ast, out, err)); break;
        case LIT_DATETIME:
            return error_at(err, ST_VALIDATION, ast->span.place, "DATETIME literals are not supported");
        case LIT_DATE:
        case LIT_TIME:
        case LIT_TIMESTAMP_LTZ:
        case LIT_TIMESTAMP: TRY(datetime_literal(arena, ast, out, err)); break;
        case LIT_INTERVAL: TRY(interval_literal(arena, ast, out, err)); break;
    }
    (*out)->place = ast->span.place;
    return ST_OK;
}
