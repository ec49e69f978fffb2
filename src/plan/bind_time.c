// plan/bind_time.c - DATE, TIME, TIMESTAMP and INTERVAL literals, and INTERVAL of an expression.
//
// Literals are read as Calcite reads them: by a strict SimpleDateFormat, which lets blanks stand
// before each number, wants no more digits than it likes (2020-1-1), and knows the days that the
// hybrid calendar has: there is no 1582-10-10, but a 1500-02-29.
#include <ctype.h>

#include "plan/bind.h"
#include "type/datetime.h"

static Status bad_literal(const AstExpr *ast, const char *what, Error *err) {
    return error_at(err, ST_VALIDATION, ast->span.place, "illegal %s literal '" STR_FMT "'", what,
                    STR_ARG(ast->literal.text));
}

static bool take_char(Str *text, char c) {
    if (!text->len || text->ptr[0] != c) return false;
    *text = str_sub(*text, 1, text->len);
    return true;
}

static uint32_t digit_count(Str text) {
    uint32_t count = 0;
    while (count < text.len && isdigit((unsigned char)text.ptr[count])) count++;
    return count;
}

static bool take_number(Str *text, int64_t *out) {
    uint32_t len = digit_count(*text);
    if (!len || len > 18 || !str_to_i64(str_sub(*text, 0, len), out)) return false;
    *text = str_sub(*text, len, text->len);
    return true;
}

// ---- DATE, TIME, TIMESTAMP ---------------------------------------------------------------------

static bool take_field(Str *text, int64_t low, int64_t high, int32_t *out) {
    int64_t value;
    while (take_char(text, ' ') || take_char(text, '\t')) {
    }
    if (!take_number(text, &value) || value < low || value > high) return false;
    *out = (int32_t)value;
    return true;
}

static bool take_date(Str *text, Civil *civil) {
    enum { YEAR_SANE = 1000000 };  // beyond 9999 is an error of its own, as long as we can count
    if (!take_field(text, 1, YEAR_SANE, &civil->year) || !take_char(text, '-') ||
        !take_field(text, 1, 12, &civil->month) || !take_char(text, '-') ||
        !take_field(text, 1, 31, &civil->day)) {
        return false;
    }
    int32_t year, month, day;
    hybrid_from_days(days_from_hybrid(civil->year, civil->month, civil->day), &year, &month, &day);
    return year == civil->year && month == civil->month && day == civil->day;
}

static bool take_clock(Str *text, Civil *civil) {
    return take_field(text, 0, 23, &civil->hour) && take_char(text, ':') &&
           take_field(text, 0, 59, &civil->minute) && take_char(text, ':') &&
           take_field(text, 0, 59, &civil->second);
}

// The rest of the text: nothing, or a point and digits, of which [digits_max] count.
static bool take_fraction(Str *text, int32_t digits_max, int32_t *digits, Civil *civil) {
    static const int32_t WEIGHT[] = {100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    *digits = 0;
    if (!take_char(text, '.')) return text->len == 0;
    uint32_t count = digit_count(*text);
    for (; *digits < (int32_t)count && *digits < digits_max; ++*digits) {
        civil->nanos += (text->ptr[*digits] - '0') * WEIGHT[*digits];
    }
    return count == text->len;
}

static bool read_datetime(AstLiteralKind kind, Str text, Civil *civil, int32_t *digits) {
    *digits = 0;
    if (kind == LIT_TIME) return take_clock(&text, civil) && take_fraction(&text, 3, digits, civil);
    if (!take_date(&text, civil)) return false;
    if (kind == LIT_DATE || !text.len) return text.len == 0;
    return take_char(&text, ' ') && take_clock(&text, civil) &&
           take_fraction(&text, 9, digits, civil);
}

Status bind_datetime_literal(Arena *arena, const AstExpr *ast, Expr **out, Error *err) {
    AstLiteralKind kind = ast->literal.kind;
    const char *what = kind == LIT_DATE ? "DATE" : kind == LIT_TIME ? "TIME" : "TIMESTAMP";
    Civil civil = {.year = 1970, .month = 1, .day = 1};
    int32_t digits;
    if (!read_datetime(kind, ast->literal.text, &civil, &digits))
        return bad_literal(ast, what, err);
    if (civil.year > 9999) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "%s literal '" STR_FMT "': year out of range", what,
                        STR_ARG(ast->literal.text));
    }
    Timestamp value = timestamp_from_civil(civil);
    Vec *vec;
    if (kind == LIT_DATE) {
        vec = vec_new(arena, type_of(TYPE_DATE, false), 1);
        vec_i32(vec)[0] = (int32_t)floor_div(value.ms, MS_PER_DAY);
    } else if (kind == LIT_TIME) {
        vec = vec_new(arena, type_time(arena, digits, false), 1);
        vec_i32(vec)[0] = (int32_t)value.ms;
    } else {
        // A literal WITH LOCAL TIME ZONE is written in UTC, whatever the session's zone.
        bool zoned = kind == LIT_TIMESTAMP_LTZ;
        vec = vec_new(
            arena,
            zoned ? type_timestamp_ltz(arena, digits, false) : type_timestamp(arena, digits, false),
            1);
        vec_set_timestamp(vec, 0, value);
    }
    *out = expr_literal(arena, vec);
    return ST_OK;
}

// ---- INTERVAL ----------------------------------------------------------------------------------

static const int64_t UNIT_MS[] = {
    [UNIT_WEEK] = 7 * (int64_t)MS_PER_DAY,
    [UNIT_DAY] = MS_PER_DAY,
    [UNIT_HOUR] = 3600000,
    [UNIT_MINUTE] = 60000,
    [UNIT_SECOND] = MS_PER_SECOND,
};
static const int32_t UNIT_MONTHS[] = {
    [UNIT_YEAR] = 12, [UNIT_QUARTER] = 3, [UNIT_MONTH] = 1, [UNIT_SECOND] = 0};

// A point and up to [digits_max] digits, of which milliseconds count.
static bool take_milliseconds(Str *text, uint32_t digits_max, int64_t *ms) {
    if (!take_char(text, '.')) return true;
    uint32_t count = digit_count(*text);
    if (!count || count > digits_max) return false;
    int64_t weight = 100;
    for (uint32_t i = 0; i < count; i++, weight /= 10) *ms += (text->ptr[i] - '0') * weight;
    *text = str_sub(*text, count, text->len);
    return true;
}

// The value of the text in months or milliseconds, and the number it starts with.
static bool read_interval(const AstLiteral *lit, int64_t *value, int64_t *leading) {
    enum { FRACTION_DEFAULT = 6 };
    Str text = str_trim(lit->text);
    bool minus = lit->negative;
    if (take_char(&text, '-'))
        minus = !minus;
    else
        (void)take_char(&text, '+');
    AstUnit from = lit->interval.from, to = lit->interval.to;
    if (to == UNIT_NONE) to = from;
    if (!take_number(&text, leading)) return false;
    int64_t number, total;
    if (UNIT_MONTHS[from]) {
        total = *leading * UNIT_MONTHS[from];
        if (to != from) {
            if (!take_char(&text, '-') || !take_number(&text, &number) || number > 11) return false;
            total += number;
        }
    } else {
        total = *leading * UNIT_MS[from];
        for (AstUnit unit = from; unit < to;) {
            if (!take_char(&text, unit == UNIT_DAY ? ' ' : ':')) return false;
            unit++;
            if (!take_number(&text, &number) || number > (unit == UNIT_HOUR ? 23 : 59))
                return false;
            total += number * UNIT_MS[unit];
        }
        uint32_t digits =
            lit->interval.fraction < 0 ? FRACTION_DEFAULT : (uint32_t)lit->interval.fraction;
        if (to == UNIT_SECOND && !take_milliseconds(&text, digits, &total)) return false;
    }
    *value = minus ? -total : total;
    return text.len == 0;
}

Status interval_check(const AstInterval *interval, Place place, Error *err) {
    enum { LEADING_MAX = 10, LEADING_MS_MAX = 3, FRACTION_MAX = 9 };
    int32_t leading = interval->precision, fraction = interval->fraction;
    if (leading == 0 || leading > LEADING_MAX) {
        return error_at(err, ST_VALIDATION, place,
                        "interval leading field precision '%d' out of range", leading);
    }
    if (fraction == 0 || fraction > FRACTION_MAX) {
        return error_at(err, ST_VALIDATION, place,
                        "interval fractional second precision '%d' out of range", fraction);
    }
    if (!UNIT_MONTHS[interval->from] && leading > LEADING_MS_MAX) {
        return error_at(err, ST_VALIDATION, place,
                        "intervals of days and less have a precision of at most %d, not %d",
                        LEADING_MS_MAX, leading);
    }
    return ST_OK;
}

Status bind_interval_literal(Arena *arena, const AstExpr *ast, Expr **out, Error *err) {
    const AstInterval *units = &ast->literal.interval;
    int64_t value, leading, limit = 1;
    TRY(interval_check(units, ast->span.place, err));
    if (!read_interval(&ast->literal, &value, &leading)) return bad_literal(ast, "INTERVAL", err);
    int32_t precision = units->precision < 0 ? 2 : units->precision;
    for (int32_t i = 0; i < precision; i++) limit *= 10;
    if (leading >= limit) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "interval field value %lld exceeds its precision of %d digits",
                        (long long)leading, precision);
    }
    Vec *vec = vec_new(arena, interval_normal(arena, interval_type(arena, units, false)), 1);
    vec_set_integer(vec, 0, value);
    *out = expr_literal(arena, vec);
    return ST_OK;
}

// INTERVAL a DAY: a value that is no literal, times a day.
Status bind_interval_call(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Arena *arena = binder->arena;
    const AstExpr *unit = ast->call->arg.at[1];
    const AstInterval *interval = &unit->type->interval;
    Expr *arg[2];
    TRY(interval_check(interval, unit->span.place, err));
    TRY(bind_expr(binder, ast->call->arg.at[0], &arg[0], err));
    if (!type_is_numeric(arg[0]->type)) {
        return error_at(err, ST_VALIDATION, ast->span.place, "INTERVAL takes a number");
    }
    Vec *one = vec_new(arena, interval_normal(arena, interval_type(arena, interval, false)), 1);
    int64_t months = UNIT_MONTHS[interval->from];
    vec_set_integer(one, 0, months ? months : UNIT_MS[interval->from]);
    arg[1] = expr_literal(arena, one);
    return expr_call(arena, binder->context->env, "*", arg, 2, ast->span.place, out, err);
}
