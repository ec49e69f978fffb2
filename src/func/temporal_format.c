// func/temporal_format.c - points in time as text and as numbers: DATE_FORMAT, TO_DATE,
// TO_TIMESTAMP, TO_TIMESTAMP_LTZ, UNIX_TIMESTAMP, FROM_UNIXTIME, CONVERT_TZ.
//
// Two of Java's formatters stand behind them, and which one shows: DateTimeFormatter
// (func/java_time.h) for timestamps, SimpleDateFormat (func/simple_date.h) for seconds and texts.
// Patterns are mostly constants; the last one compiled is kept for a batch.
#include <math.h>

#include "func/java_time.h"
#include "func/simple_date.h"
#include "func/temporal.h"

// ---- patterns ----------------------------------------------------------------------------------

// The last pattern of a batch, of either kind.
typedef struct PatternCache {
    Str text;
    const TimePattern *time;
    const DatePattern *date;
} PatternCache;

static Status time_pattern(PatternCache *cache, Arena *scratch, Str text, Error *err) {
    if (cache->time && str_eq(cache->text, text)) return ST_OK;
    cache->time = NULL;
    cache->text = text;
    return time_pattern_compile(scratch, text, &cache->time, err);
}

static Status date_pattern(PatternCache *cache, Arena *scratch, Str text, Error *err) {
    if (cache->date && str_eq(cache->text, text)) return ST_OK;
    cache->date = NULL;
    cache->text = text;
    return date_pattern_compile(scratch, text, &cache->date, err);
}

static Str default_pattern(void) {
    return STR("yyyy-MM-dd HH:mm:ss");
}

// Argument [arg] of the row, or the default where the call has no such argument.
static Str pattern_of(const KernelArgs *args, uint32_t row) {
    return args->argc > 1 ? vec_str(args->arg[1])[row] : default_pattern();
}

static int64_t now_of(const FuncEnv *env) {
    return env->now_ms ? env->now_ms(env->now_arg) : env->query_start_ms;
}

// ---- DATE_FORMAT -------------------------------------------------------------------------------

// Rows within one step of the pattern ("HH:mm": a minute) print alike and share one text.
static Status format_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Vec *in = args->arg[0];
    bool zoned = in->type->kind == TYPE_TIMESTAMP_LTZ && !zone_is_utc(args->env->zone);
    PatternCache cache = {0};
    const TimePattern *last = NULL;
    int64_t step = 0, last_step = 0;
    Str shared = {0};
    Buf text = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Timestamp ts = vec_timestamp(in, row);
        if (zoned) ts.ms += zone_offset_ms(args->env->zone, ts.ms);
        st = time_pattern(&cache, args->scratch, vec_str(args->arg[1])[row], err);
        if (st) break;
        bool same = cache.time == last;
        if (!same) step = time_pattern_step_ms(cache.time);
        int64_t this_step = step ? floor_div(ts.ms, step) : 0;
        if (same && step && this_step == last_step) {
            vec_str(out)[row] = shared;
            continue;
        }
        text.len = 0;
        st = time_pattern_print(cache.time, ts, &text, err);
        if (st) break;
        vec_set_text(out, row, buf_str(&text));
        shared = vec_str(out)[row];
        last = cache.time;
        last_step = this_step;
    }
    buf_free(&text);
    return st;
}

// DATE_FORMAT of text: read by the default pattern, printed by the given one.
static Status reformat_kernel(const KernelArgs *args, Vec *out, Error *err) {
    PatternCache from = {0}, to = {0};
    Buf text = {0};
    Status st = date_pattern(&from, args->scratch, default_pattern(), err);
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        st = date_pattern(&to, args->scratch, vec_str(args->arg[1])[row], err);
        if (st) break;
        int64_t ms;
        const Zone *zone = zone_utc();  // the text has none, and gets none
        if (!date_pattern_read(from.date, vec_str(args->arg[0])[row], zone, now_of(args->env),
                               &ms)) {
            vec_set_null(out, row);
            continue;
        }
        text.len = 0;
        date_pattern_print(to.date, ms, zone, &text);
        vec_set_text(out, row, buf_str(&text));
    }
    buf_free(&text);
    return st;
}

// ---- UNIX time ---------------------------------------------------------------------------------

static Status from_unix_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const int64_t *seconds = vec_i64(args->arg[0]);
    PatternCache cache = {0};
    Buf text = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        st = date_pattern(&cache, args->scratch, pattern_of(args, row), err);
        if (st) break;
        text.len = 0;
        int64_t ms = (int64_t)((uint64_t)seconds[row] * MS_PER_SECOND);
        date_pattern_print(cache.date, ms, args->env->zone, &text);
        vec_set_text(out, row, buf_str(&text));
    }
    buf_free(&text);
    return st;
}

static Status to_unix_kernel(const KernelArgs *args, Vec *out, Error *err) {
    PatternCache cache = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        TRY(date_pattern(&cache, args->scratch, pattern_of(args, row), err));
        int64_t ms;
        bool read = date_pattern_read(cache.date, vec_str(args->arg[0])[row], args->env->zone,
                                      now_of(args->env), &ms);
        vec_i64(out)[row] = read ? ms / MS_PER_SECOND : INT64_MIN;
    }
    return ST_OK;
}

static Status convert_tz_kernel(const KernelArgs *args, Vec *out, Error *err) {
    PatternCache cache = {0};
    TRY(date_pattern(&cache, args->scratch, default_pattern(), err));
    Buf text = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        const Zone *from = zone_find_legacy(vec_str(args->arg[1])[row]);
        const Zone *to = zone_find_legacy(vec_str(args->arg[2])[row]);
        int64_t ms;
        if (!date_pattern_read(cache.date, vec_str(args->arg[0])[row], from, now_of(args->env),
                               &ms)) {
            vec_set_null(out, row);
            continue;
        }
        text.len = 0;
        date_pattern_print(cache.date, ms, to, &text);
        vec_set_text(out, row, buf_str(&text));
    }
    buf_free(&text);
    return ST_OK;
}

// ---- TO_DATE, TO_TIMESTAMP ---------------------------------------------------------------------

static Status to_date_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (!date_parse(vec_str(args->arg[0])[row], &vec_i32(out)[row])) vec_set_null(out, row);
    }
    return ST_OK;
}

// With a pattern what cannot be read is no NULL: Flink takes Long.MIN_VALUE milliseconds for it,
// and that date, its year cut to 32 bits on the way, is this one.
static Status to_date_by_kernel(const KernelArgs *args, Vec *out, Error *err) {
    int32_t unreadable = days_from_civil(5471, 9, 27);
    PatternCache cache = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        TRY(date_pattern(&cache, args->scratch, vec_str(args->arg[1])[row], err));
        int64_t ms;
        bool read = date_pattern_read(cache.date, vec_str(args->arg[0])[row], zone_utc(),
                                      now_of(args->env), &ms);
        vec_i32(out)[row] = read ? (int32_t)floor_div(ms, MS_PER_DAY) : unreadable;
    }
    return ST_OK;
}

static Status to_timestamp_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_timestamp(call->arena, 3, true);
    return ST_OK;
}

static Status to_timestamp_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Timestamp ts;
        if (timestamp_parse(vec_str(args->arg[0])[row], &ts)) {
            vec_set_timestamp(out, row, timestamp_truncate(ts, 3));
        } else {
            vec_set_null(out, row);
        }
    }
    return ST_OK;
}

static Str trim(Str text) {  // as Java's: all up to the blank
    while (text.len && (unsigned char)text.ptr[0] <= ' ')
        text = str_make(text.ptr + 1, text.len - 1);
    while (text.len && (unsigned char)text.ptr[text.len - 1] <= ' ') text.len--;
    return text;
}

// *null when the text is unreadable. ST_RUNTIME when it has fields that make no timestamp.
static Status read_by_pattern(const TimePattern *pattern, Str text, int32_t precision,
                              Timestamp *out, bool *null, Error *err) {
    *null = false;
    switch (time_pattern_read(pattern, text, out)) {
        case TIME_READ_OK: *out = timestamp_truncate(*out, precision); return ST_OK;
        case TIME_READ_NOT: {  // then '1999-9-10 05:20:10' and '1999-9-10' are understood too
            Str bare = trim(text);
            int32_t days;
            if (memchr(bare.ptr ? bare.ptr : "", ' ', bare.len)) {
                *null = !timestamp_parse_sql(bare, out);
            } else {
                *null = !date_parse_sql(bare, &days);
                if (!*null) *out = (Timestamp){days * (int64_t)MS_PER_DAY, 0, 0};
            }
            return ST_OK;
        }
        default:
            return error_set(err, ST_RUNTIME, "'" STR_FMT "' has fields out of range",
                             STR_ARG(text));
    }
}

static Status to_timestamp_by_kernel(const KernelArgs *args, Vec *out, Error *err) {
    PatternCache cache = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Timestamp ts;
        bool null = true;  // for a pattern that is none, too
        if (time_pattern(&cache, args->scratch, vec_str(args->arg[1])[row], NULL) == ST_OK) {
            Str text = vec_str(args->arg[0])[row];
            if (read_by_pattern(cache.time, text, 3, &ts, &null, NULL)) null = true;
        }
        if (null) {
            vec_set_null(out, row);
        } else {
            vec_set_timestamp(out, row, ts);
        }
    }
    return ST_OK;
}

// ---- TO_TIMESTAMP_LTZ --------------------------------------------------------------------------

static Str literal_text(const FuncCall *call, uint32_t arg) {  // empty when it is no constant
    const Vec *literal = arg < call->argc ? call->literal[arg] : NULL;
    if (!literal || literal->phys != PHYS_STR || vec_is_null(literal, 0)) return (Str){0};
    return vec_str(literal)[0];
}

// The number of 'S' a pattern ends with, within 3 and 9.
static int32_t pattern_precision(Str pattern) {
    int32_t count = 0;
    while (count < 9 && pattern.len && pattern.ptr[pattern.len - 1] == 'S') {
        pattern.len--;
        count++;
    }
    return count < 3 ? 3 : count;
}

static Status ltz_bind(FuncCall *call, Error *err) {
    const Type *first = call->arg[0];
    int32_t precision = 3;
    if (type_is_numeric(first)) {
        if (call->argc > 2) return temporal_mismatch(call, err);
        if (call->argc == 2) {
            const Vec *literal = call->literal[1];
            if (call->arg[1]->kind != TYPE_INT) return temporal_mismatch(call, err);
            if (literal && !vec_is_null(literal, 0)) {
                int32_t given = vec_i32(literal)[0];
                if (given < 0 || given > 9) {
                    return error_set(err, ST_VALIDATION,
                                     "the precision of TO_TIMESTAMP_LTZ must be 0 to 9, not %d",
                                     given);
                }
                if (given > precision) precision = given;
            }
        }
    } else {
        for (uint32_t i = 0; i < call->argc; i++) {
            if (!type_is_text(call->arg[i])) return temporal_mismatch(call, err);
        }
        Str pattern = literal_text(call, 1), zone = literal_text(call, 2);
        if (pattern.ptr) {
            const TimePattern *compiled;
            if (time_pattern_compile(call->arena, pattern, &compiled, err)) {
                if (err) err->status = ST_VALIDATION;
                return ST_VALIDATION;
            }
            precision = pattern_precision(pattern);
        }
        if (zone.ptr && !zone_find_id(zone)) {
            return error_set(err, ST_VALIDATION, "unknown time zone '" STR_FMT "'", STR_ARG(zone));
        }
    }
    call->result = type_timestamp_ltz(call->arena, precision, true);
    return ST_OK;
}

enum { DIGITS_MAX = 9 };
static const int64_t POWERS[DIGITS_MAX + 1] = {1,      10,      100,      1000,      10000,
                                               100000, 1000000, 10000000, 100000000, 1000000000};
static const int64_t YEAR_0_SECONDS = -62167219200;     // 0000-01-01 00:00:00
static const int64_t YEAR_9999_SECONDS = 253402300799;  // 9999-12-31 23:59:59

// [value] units of 10^-digits seconds; false outside of the years 0 to 9999.
static bool epoch_timestamp(int64_t value, int32_t digits, Timestamp *out) {
    int64_t seconds = floor_div(value, POWERS[digits]);
    if (seconds < YEAR_0_SECONDS || seconds > YEAR_9999_SECONDS) return false;
    int64_t nanos = floor_mod(value, POWERS[digits]) * POWERS[DIGITS_MAX - digits];
    *out = timestamp_add_nanos((Timestamp){seconds * MS_PER_SECOND, 0, 0}, nanos);
    return true;
}

static int64_t double_to_i64(double value) {  // Java's cast: saturates, NaN is 0
    if (value != value) return 0;
    if (value >= 9223372036854775808.0) return INT64_MAX;
    if (value <= -9223372036854775808.0) return INT64_MIN;
    return (int64_t)value;
}

// Of a double the number of digits may be anything, unless it is a constant.
static bool epoch_double(double value, int32_t digits, Timestamp *out) {
    bool known = digits >= 0 && digits <= DIGITS_MAX;
    double seconds = value / (known ? (double)POWERS[digits] : pow(10, digits));
    // NaN is neither, and becomes 0 below.
    if (seconds < (double)YEAR_0_SECONDS || seconds > (double)YEAR_9999_SECONDS) return false;
    if (!known) return epoch_timestamp(double_to_i64(seconds * 1e9), 9, out);
    return epoch_timestamp(double_to_i64(value * (double)POWERS[DIGITS_MAX - digits]), 9, out);
}

static bool epoch_value(const Vec *in, uint32_t row, int32_t digits, Timestamp *out) {
    switch (in->phys) {
        case PHYS_F32: return epoch_double(vec_f32(in)[row], digits, out);
        case PHYS_F64: return epoch_double(vec_f64(in)[row], digits, out);
        case PHYS_I128: {  // the whole part
            i128 value = vec_i128(in)[row];
            for (int32_t i = 0; i < in->type->scale; i++) value /= 10;
            return epoch_timestamp((int64_t)value, digits, out);
        }
        default: return epoch_timestamp(vec_integer(in, row), digits, out);
    }
}

static Status ltz_of_number(const KernelArgs *args, Vec *out, Error *err) {
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        int32_t digits = args->argc > 1 ? vec_i32(args->arg[1])[row] : 3;
        bool approx = args->arg[0]->phys == PHYS_F32 || args->arg[0]->phys == PHYS_F64;
        if (!approx && (digits < 0 || digits > DIGITS_MAX)) {
            return error_set(err, ST_RUNTIME,
                             "the precision of TO_TIMESTAMP_LTZ must be 0 to 9, not %d", digits);
        }
        Timestamp ts;
        if (epoch_value(args->arg[0], row, digits, &ts)) {
            vec_set_timestamp(out, row, ts);
        } else {
            vec_set_null(out, row);
        }
    }
    return ST_OK;
}

static Status ltz_of_text(const KernelArgs *args, uint32_t row, PatternCache *cache, Timestamp *ts,
                          bool *null, Error *err) {
    Str text = vec_str(args->arg[0])[row];
    if (args->argc == 1) {
        *null = false;
        if (!timestamp_parse(text, ts)) {
            return error_set(err, ST_RUNTIME, "'" STR_FMT "' is no timestamp", STR_ARG(text));
        }
        *ts = timestamp_truncate(*ts, 3);
        return ST_OK;
    }
    *null = true;
    Str pattern = vec_str(args->arg[1])[row];
    if (time_pattern(cache, args->scratch, pattern, NULL)) return ST_OK;
    TRY(read_by_pattern(cache->time, text, pattern_precision(pattern), ts, null, err));
    if (args->argc == 3 && !*null) {
        const Zone *zone = zone_find_id(vec_str(args->arg[2])[row]);
        *null = !zone;
        if (zone) ts->ms = zone_local_to_utc(zone, ts->ms);
    }
    return ST_OK;
}

static Status ltz_kernel(const KernelArgs *args, Vec *out, Error *err) {
    if (args->arg[0]->phys != PHYS_STR) return ltz_of_number(args, out, err);
    PatternCache cache = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Timestamp ts;
        bool null;
        TRY(ltz_of_text(args, row, &cache, &ts, &null, err));
        if (null) {
            vec_set_null(out, row);
        } else {
            vec_set_timestamp(out, row, ts);
        }
    }
    return ST_OK;
}

// clang-format off
static const ScalarFunc FORMAT_FUNCS[] = {
    {.name = "DATE_FORMAT", .args = {ARG_ANY_TIMESTAMP, ARG_STRING}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .kernel = format_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "The timestamp as text, by a pattern of Java's DateTimeFormatter.",
     .example = "DATE_FORMAT(TIMESTAMP '2020-01-02 03:04:05', 'yyyy/MM/dd HH:mm')",
     .gives = "2020/01/02 03:04"},
    {.name = "DATE_FORMAT", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .kernel = reformat_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "A text 'yyyy-MM-dd HH:mm:ss' by another pattern of Java's SimpleDateFormat.",
     .example = "DATE_FORMAT('2020-01-02 03:04:05', 'yyyy')", .gives = "2020"},
    {.name = "TO_DATE", .args = {ARG_STRING}, .result = RESULT_DATE,
     .result_null = RESULT_NULL_ALWAYS, .kernel = to_date_kernel,
     .doc = "The date that a text 'yyyy-MM-dd' names, or NULL.",
     .example = "TO_DATE('2020-01-02')", .gives = "2020-01-02"},
    {.name = "TO_DATE", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_DATE,
     .result_null = RESULT_NULL_ALWAYS, .kernel = to_date_by_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "The date that a text names by a pattern of Java's SimpleDateFormat.",
     .example = "TO_DATE('02.01.2020', 'dd.MM.yyyy')", .gives = "2020-01-02"},
    {.name = "TO_TIMESTAMP", .args = {ARG_STRING}, .bind = to_timestamp_bind,
     .kernel = to_timestamp_kernel,
     .doc = "The timestamp that a text 'yyyy-MM-dd HH:mm:ss' names, or NULL.",
     .example = "TO_TIMESTAMP('2020-01-02 03:04:05')", .gives = "2020-01-02 03:04:05.000"},
    {.name = "TO_TIMESTAMP", .args = {ARG_STRING, ARG_STRING}, .bind = to_timestamp_bind,
     .kernel = to_timestamp_by_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "The timestamp that a text names by a pattern of Java's DateTimeFormatter, or NULL.",
     .example = "TO_TIMESTAMP('2020-01', 'yyyy-MM')", .gives = "2020-01-01 00:00:00.000"},
    {.name = "TO_TIMESTAMP_LTZ", .args = {ARG_ANY, ARG_ANY, ARG_ANY}, .argc_min = 1, .argc_max = 3,
     .bind = ltz_bind, .kernel = ltz_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "The moment that a number names (with a precision: 0 seconds, 3 milliseconds, the "
            "default), or a text in UTC, by a pattern, in a time zone.",
     .example = "TO_TIMESTAMP_LTZ(100, 0)", .gives = "1970-01-01 00:01:40.000"},
    {.name = "UNIX_TIMESTAMP", .args = {ARG_STRING}, .result = RESULT_BIGINT,
     .kernel = to_unix_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "Seconds since 1970 of a text 'yyyy-MM-dd HH:mm:ss' in the session's time zone.",
     .example = "UNIX_TIMESTAMP('1970-01-01 00:00:44')", .gives = "44"},
    {.name = "UNIX_TIMESTAMP", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_BIGINT,
     .kernel = to_unix_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "Seconds since 1970 of a text, by a pattern of Java's SimpleDateFormat.",
     .example = "UNIX_TIMESTAMP('12/31/1999', 'MM/dd/yyyy')", .gives = "946598400"},
    {.name = "FROM_UNIXTIME", .args = {ARG_BIGINT}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .kernel = from_unix_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "Seconds since 1970 as 'yyyy-MM-dd HH:mm:ss' in the session's time zone.",
     .example = "FROM_UNIXTIME(44)", .gives = "1970-01-01 00:00:44"},
    {.name = "FROM_UNIXTIME", .args = {ARG_BIGINT, ARG_STRING}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .kernel = from_unix_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "Seconds since 1970 as text, by a pattern of Java's SimpleDateFormat.",
     .example = "FROM_UNIXTIME(0, 'EEEE')", .gives = "Thursday"},
    {.name = "CONVERT_TZ", .args = {ARG_STRING, ARG_STRING, ARG_STRING}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .kernel = convert_tz_kernel,
     .doc = "A text 'yyyy-MM-dd HH:mm:ss' moved from one time zone to another.",
     .example = "CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'America/Los_Angeles')",
     .gives = "1969-12-31 16:00:00"},
};
// clang-format on
const FuncTable TEMPORAL_FORMAT_TABLE = FUNC_TABLE("Temporal conversions", FORMAT_FUNCS);
