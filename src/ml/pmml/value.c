#include "ml/pmml/value.h"

#include <math.h>
#include <stdio.h>

#include "type/datetime.h"
#include "type/number.h"

enum { DAY_SECONDS = 86400 };

bool data_type_parse(Str text, DataType *out) {
    static const struct { const char *name; PmmlType type; } NAMES[] = {
        {"string", PT_STRING}, {"integer", PT_INTEGER}, {"float", PT_FLOAT}, {"double", PT_DOUBLE},
        {"boolean", PT_BOOLEAN}, {"date", PT_DATE}, {"time", PT_TIME}, {"dateTime", PT_DATE_TIME},
        {"timeSeconds", PT_TIME_SECONDS}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (!str_eq(text, str_c(NAMES[i].name))) continue;
        *out = (DataType){.type = (uint8_t)NAMES[i].type};
        return true;
    }
    bool days = str_starts(text, STR("dateDaysSince["));
    bool seconds = str_starts(text, STR("dateTimeSecondsSince["));
    if ((!days && !seconds) || !str_ends(text, STR("]"))) return false;
    uint32_t from = days ? 14 : 21;
    int64_t year;
    if (!str_to_i64(str_sub(text, from, text.len - from - 1), &year) || year < 0 || year > 9999) {
        return false;
    }
    *out = (DataType){.type = days ? PT_DAYS : PT_SECONDS, .year = (int16_t)year};
    return true;
}

OpType op_type_parse(Str text) {
    if (str_is(text, "continuous")) return OP_CONTINUOUS;
    if (str_is(text, "categorical")) return OP_CATEGORICAL;
    if (str_is(text, "ordinal")) return OP_ORDINAL;
    return OP_NONE;
}

OpType op_type_of(PmmlType type) {
    if (type_is_number(type)) return OP_CONTINUOUS;
    return type == PT_DATE || type == PT_TIME || type == PT_DATE_TIME ? OP_ORDINAL : OP_CATEGORICAL;
}

static bool parse_number(Str text, double *out) {
    if (f64_parse(text, out)) return true;
    text = str_trim(text);
    if (str_eq_nocase(text, STR("nan"))) *out = NAN;
    else if (str_eq_nocase(text, STR("inf"))) *out = INFINITY;
    else if (str_eq_nocase(text, STR("-inf"))) *out = -INFINITY;
    else if (str_eq_nocase(text, STR("true"))) *out = 1;
    else if (str_eq_nocase(text, STR("false"))) *out = 0;
    else return f64_parse_java(text, out);
    return true;
}

static bool parse_bool(Str text, double *out) {
    if (str_eq_nocase(text, STR("true"))) *out = 1;
    else if (str_eq_nocase(text, STR("false"))) *out = 0;
    else return parse_number(text, out) && (*out == 0 || *out == 1);
    return true;
}

static bool digits(Str text, uint32_t from, uint32_t count, int32_t *out) {
    *out = 0;
    if (from + count > text.len) return false;
    for (uint32_t i = from; i < from + count; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        *out = *out * 10 + (text.ptr[i] - '0');
    }
    return true;
}

static bool parse_date(Str text, double *days) {  // ISO 8601's calendar date
    int32_t year, month, day;
    if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' || !digits(text, 0, 4, &year) ||
        !digits(text, 5, 2, &month) || !digits(text, 8, 2, &day) ||
        !civil_valid(year, month, day)) {
        return false;
    }
    *days = days_from_civil(year, month, day);
    return true;
}

static bool parse_time(Str text, double *seconds) {  // hh:mm[:ss[.fraction]]
    int32_t hour, minute, second = 0;
    if (text.len < 5 || text.ptr[2] != ':' || !digits(text, 0, 2, &hour) ||
        !digits(text, 3, 2, &minute) || hour > 23 || minute > 59) {
        return false;
    }
    double fraction = 0;
    if (text.len > 5) {
        if (text.ptr[5] != ':' || !digits(text, 6, 2, &second) || second > 59) return false;
        if (text.len > 8 &&
            (text.ptr[8] != '.' || !f64_parse(str_sub(text, 8, text.len), &fraction))) {
            return false;
        }
    }
    *seconds = hour * 3600 + minute * 60 + second + fraction;
    return true;
}

static bool parse_date_time(Str text, double *seconds) {
    double days, time = 0;
    if (!parse_date(str_sub(text, 0, 10), &days)) return false;
    if (text.len > 10 && ((text.ptr[10] != 'T' && text.ptr[10] != ' ') ||
                          !parse_time(str_sub(text, 11, text.len), &time))) {
        return false;
    }
    *seconds = days * DAY_SECONDS + time;
    return true;
}

bool value_parse(Str text, DataType type, Value *out) {
    double n = 0;
    float single;
    *out = (Value){.type = type.type};
    switch ((PmmlType)type.type) {
        case PT_NONE:
        case PT_STRING: *out = value_text(text); return true;
        case PT_INTEGER:
            if (!parse_number(text, &n) || n != floor(n) || !isfinite(n)) return false;
            break;
        case PT_FLOAT:
            if (f32_parse(text, &single)) n = (double)single;
            else if (!parse_number(text, &n)) return false;
            n = (double)(float)n;
            break;
        case PT_DOUBLE:
            if (!parse_number(text, &n)) return false;
            break;
        case PT_BOOLEAN:
            if (!parse_bool(text, &n)) return false;
            break;
        case PT_DATE:
            if (!parse_date(text, &n)) return false;
            break;
        case PT_TIME:
            if (!parse_time(text, &n)) return false;
            break;
        case PT_DATE_TIME:
            if (!parse_date_time(text, &n)) return false;
            break;
        case PT_DAYS:
            if (parse_date(text, &n)) n -= days_from_civil(type.year, 1, 1);
            else if (!parse_number(text, &n)) return false;
            break;
        case PT_SECONDS:
            if (parse_date_time(text, &n))
                n -= (double)days_from_civil(type.year, 1, 1) * DAY_SECONDS;
            else if (!parse_number(text, &n)) return false;
            break;
        case PT_TIME_SECONDS:
            if (!parse_time(text, &n) && !parse_number(text, &n)) return false;
            break;
    }
    out->number = n == 0 ? 0 : n;
    out->invalid = isnan(n);
    return true;
}

bool value_cast(Value v, DataType type, Arena *arena, Value *out) {
    *out = v;
    if (v.list || v.type == PT_NONE || type.type == PT_NONE || v.type == type.type) return true;
    if (v.type == PT_STRING) {
        bool ok = value_parse(v.text, type, out);
        out->invalid |= v.invalid;
        return ok;
    }
    out->type = type.type;
    switch ((PmmlType)type.type) {
        case PT_STRING: *out = value_text(value_str(v, arena)); return true;
        case PT_INTEGER: return v.number == floor(v.number) && isfinite(v.number);
        case PT_FLOAT: out->number = (double)(float)v.number; return true;
        case PT_BOOLEAN: return v.number == 0 || v.number == 1;
        case PT_DATE:
            if (v.type == PT_DATE_TIME) out->number = floor(v.number / DAY_SECONDS);
            return v.type == PT_DATE_TIME;
        case PT_TIME:
            if (v.type == PT_DATE_TIME) out->number -= floor(v.number / DAY_SECONDS) * DAY_SECONDS;
            return v.type == PT_DATE_TIME;
        case PT_DATE_TIME:
            if (v.type == PT_DATE) out->number *= DAY_SECONDS;
            return v.type == PT_DATE;
        case PT_DAYS:
            if (v.type == PT_DATE) out->number -= days_from_civil(type.year, 1, 1);
            return v.type == PT_DATE || v.type == PT_INTEGER;
        case PT_SECONDS:
            if (v.type == PT_DATE_TIME) {
                out->number -= (double)days_from_civil(type.year, 1, 1) * DAY_SECONDS;
            }
            return v.type == PT_DATE_TIME || v.type == PT_INTEGER;
        case PT_NONE:
        case PT_DOUBLE:
        case PT_TIME_SECONDS: return true;
    }
    return false;
}

Value value_guess(Str text) {
    int64_t integer;
    double number;
    if (str_to_i64(text, &integer)) return value_number((double)integer, PT_INTEGER);
    bool name = str_eq_nocase(text, STR("nan")) || str_eq_nocase(text, STR("inf")) ||
                str_eq_nocase(text, STR("-inf"));
    if ((name || str_find(text, STR("."), 0) >= 0) && parse_number(text, &number)) {
        return value_double(number);
    }
    return value_text(text);
}

static Str print_moment(Value v, Arena *arena) {
    char text[64];
    int64_t seconds = (int64_t)floor(v.number);
    int32_t year = 0, month = 0, day = 0;
    if (v.type == PT_DATE) {
        civil_from_days((int32_t)v.number, &year, &month, &day);
        return str_printf(arena, "%04d-%02d-%02d", year, month, day);
    }
    int32_t of_day = (int32_t)floor_mod(seconds, DAY_SECONDS);
    (void)snprintf(text, sizeof text, "%02d:%02d:%02d", of_day / 3600, of_day / 60 % 60,
                   of_day % 60);
    if (v.type == PT_TIME) return str_dup(arena, str_c(text));
    civil_from_days((int32_t)floor_div(seconds, DAY_SECONDS), &year, &month, &day);
    return str_printf(arena, "%04d-%02d-%02dT%s", year, month, day, text);
}

static Str print_list(Value v, Arena *arena) {
    Buf buf = {0};
    for (uint32_t i = 0; i < v.items; i++) {
        if (i) buf_putc(&buf, '|');
        if (is_missing(v.item[i])) buf_puts(&buf, "null");
        else buf_put_str(&buf, value_str(v.item[i], arena));
    }
    Str text = str_dup(arena, buf_str(&buf));
    buf_free(&buf);
    return text;
}

Str value_str(Value v, Arena *arena) {
    char text[NUMBER_TEXT_MAX];
    if (v.list) return print_list(v, arena);
    switch ((PmmlType)v.type) {
        case PT_NONE: return STR("");
        case PT_STRING: return v.text;
        case PT_BOOLEAN: return v.number != 0 ? STR("true") : STR("false");
        case PT_FLOAT: return str_dup(arena, str_make(text, f32_print((float)v.number, text)));
        case PT_DOUBLE: return str_dup(arena, str_make(text, f64_print(v.number, text)));
        case PT_INTEGER:
        case PT_DAYS:
        case PT_SECONDS:
        case PT_TIME_SECONDS:
            if (fabs(v.number) < 9e15) {
                return str_dup(arena, str_make(text, i64_print((int64_t)v.number, text)));
            }
            return str_dup(arena, str_make(text, f64_print(v.number, text)));
        case PT_DATE:
        case PT_TIME:
        case PT_DATE_TIME: return print_moment(v, arena);
    }
    return STR("");
}

double value_as_number(Value v) {
    double number;
    if (v.list || v.type == PT_NONE) return NAN;
    if (v.type != PT_STRING) return v.number;
    return parse_number(v.text, &number) ? number : (double)NAN;
}

bool value_eq(Value a, Value b) {
    if (is_missing(a) || is_missing(b)) return is_missing(a) && is_missing(b);
    if (a.type == PT_STRING && b.type == PT_STRING) return str_eq(a.text, b.text);
    return value_as_number(a) == value_as_number(b);
}

int value_cmp(Value a, Value b) {
    if (a.type == PT_STRING && b.type == PT_STRING) return str_cmp_utf16(a.text, b.text);
    double x = value_as_number(a), y = value_as_number(b);
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : (int)(x != x) - (int)(y != y);
}
