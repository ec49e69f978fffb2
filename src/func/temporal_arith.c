// func/temporal_arith.c - points in time and intervals: + - * of them, TIMESTAMPADD, TIMESTAMPDIFF,
// (a - b) DAY, OVERLAPS.
//
// An INTERVAL DAY TO SECOND is milliseconds, a YEAR TO MONTH one is months, and neither knows
// zones: a day added to a TIMESTAMP_LTZ is 24 hours. All integer arithmetic wraps as Java's.
#include "func/temporal.h"

// ---- point ± interval, interval ± interval -----------------------------------------------------

static bool same_family(const Type *a, const Type *b) {
    return a->kind == b->kind;
}

// Adds to points in time what the other vec holds, times [sign].
static void shift_rows(const Vec *point, const Vec *span, int64_t sign, uint32_t rows, Vec *out) {
    bool months = span->type->kind == TYPE_INTERVAL_MONTHS;
    switch (point->type->kind) {
        case TYPE_DATE:
            for (uint32_t row = 0; row < rows; row++) {
                int32_t days = vec_i32(point)[row];
                vec_i32(out)[row] =
                    months ? date_add_months(days, (int32_t)(sign * vec_i32(span)[row]))
                           : (int32_t)(days + sign * (vec_i64(span)[row] / MS_PER_DAY));
            }
            break;
        case TYPE_TIME:  // months leave the time of day alone
            for (uint32_t row = 0; row < rows; row++) {
                int64_t ms = vec_i32(point)[row];
                int64_t shift = months ? 0 : sign * (vec_i64(span)[row] % MS_PER_DAY);
                vec_i32(out)[row] = (int32_t)((ms + MS_PER_DAY + shift) % MS_PER_DAY);
            }
            break;
        default:
            for (uint32_t row = 0; row < rows; row++) {
                Timestamp ts = vec_timestamp(point, row);
                if (months) {
                    ts.ms = timestamp_add_months(ts.ms, (int32_t)(sign * vec_i32(span)[row]));
                } else {
                    ts.ms = (int64_t)((uint64_t)ts.ms + (uint64_t)(sign * vec_i64(span)[row]));
                }
                vec_set_timestamp(out, row, ts);
            }
    }
}

static Status plus_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    bool swapped = type_is_interval(args->arg[0]->type);
    shift_rows(args->arg[swapped], args->arg[!swapped], 1, args->rows, out);
    return ST_OK;
}

static Status minus_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    shift_rows(args->arg[0], args->arg[1], -1, args->rows, out);
    return ST_OK;
}

static Status spans_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *a = args->arg[0], *b = args->arg[1];
    bool minus = args->call->func->name[0] == '-';
    if (a->phys == PHYS_I32) {
        for (uint32_t row = 0; row < args->rows; row++) {
            uint32_t x = (uint32_t)vec_i32(a)[row], y = (uint32_t)vec_i32(b)[row];
            vec_i32(out)[row] = (int32_t)(minus ? x - y : x + y);
        }
    } else {
        for (uint32_t row = 0; row < args->rows; row++) {
            uint64_t x = (uint64_t)vec_i64(a)[row], y = (uint64_t)vec_i64(b)[row];
            vec_i64(out)[row] = (int64_t)(minus ? x - y : x + y);
        }
    }
    return ST_OK;
}

static Status plus_bind(FuncCall *call, Error *err) {
    const Type *a = call->arg[0], *b = call->arg[1];
    bool minus = call->func->name[0] == '-';
    if (type_is_interval(a) && same_family(a, b)) {
        call->kernel = spans_kernel;
        temporal_result(call, a);
        return ST_OK;
    }
    bool first = type_is_datetime(a) && type_is_interval(b);
    bool second = type_is_interval(a) && type_is_datetime(b) && !minus;
    if (!first && !second) return temporal_mismatch(call, err);
    if (second && b->kind == TYPE_TIMESTAMP_LTZ) {
        return error_set(err, ST_VALIDATION,
                         "an interval can be added to a TIMESTAMP_LTZ on its right side only");
    }
    call->kernel = minus ? minus_kernel : plus_kernel;
    temporal_result(call, type_attribute(call->arena, first ? a : b, TIME_NONE));
    return ST_OK;
}

// ---- interval * number, - interval -------------------------------------------------------------

static Status times_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    bool swapped = !type_is_interval(args->arg[0]->type);
    const Vec *span = args->arg[swapped], *factor = args->arg[!swapped];
    for (uint32_t row = 0; row < args->rows; row++) {
        uint64_t product = (uint64_t)vec_integer(span, row) * (uint64_t)vec_integer(factor, row);
        if (out->phys == PHYS_I32) {
            vec_i32(out)[row] = (int32_t)(uint32_t)product;
        } else {
            vec_i64(out)[row] = (int64_t)product;
        }
    }
    return ST_OK;
}

static Status times_bind(FuncCall *call, Error *err) {
    const Type *a = call->arg[0], *b = call->arg[1];
    bool first = type_is_interval(a) && type_is_integer(b);
    bool second = type_is_integer(a) && type_is_interval(b);
    if (!first && !second) return temporal_mismatch(call, err);
    temporal_result(call, first ? a : b);
    return ST_OK;
}

static Status negate_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *in = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (out->phys == PHYS_I32) {
            vec_i32(out)[row] = (int32_t)(0 - (uint32_t)vec_i32(in)[row]);
        } else {
            vec_i64(out)[row] = (int64_t)(0 - (uint64_t)vec_i64(in)[row]);
        }
    }
    return ST_OK;
}

static Status keep_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    memcpy(out->data, args->arg[0]->data, (size_t)args->rows * phys_size(out->phys));
    return ST_OK;
}

// ---- TIMESTAMPADD ------------------------------------------------------------------------------

typedef struct TimeStep {
    TimeUnit unit;
    int64_t size;  // months or milliseconds of one step
} TimeStep;

static Status add_bind(FuncCall *call, Error *err) {
    const Type *count = call->arg[1], *point = call->arg[2];
    TimeUnit unit;
    TRY(time_unit_read(call, 0, true, &unit, err));
    if (!type_is_integer(count) || !type_is_datetime(point)) return temporal_mismatch(call, err);
    const TimeUnitInfo *info = &TIME_UNITS[unit];
    bool clockless = point->kind == TYPE_DATE || point->kind == TYPE_TIME;
    bool sub_second = unit == TIME_MILLISECOND && clockless;
    // Of these one cannot say how long they are: Flink answers NULL, where that may be.
    bool endless = unit == TIME_DOW || unit == TIME_ISODOW || unit == TIME_DOY ||
                   unit == TIME_EPOCH;
    bool no_null = endless && !count->nullable && !point->nullable;
    if ((!info->months && !info->ms && !endless) || sub_second || no_null) {
        return error_set(err, ST_VALIDATION, "TIMESTAMPADD cannot add unit %s", info->name);
    }
    const Type *result = type_plain(call->arena, point);
    if (point->kind == TYPE_DATE && info->ms && info->ms < MS_PER_DAY) {
        result = type_timestamp(call->arena, 6, true);  // a DATE has no clock to add to
    } else if (unit == TIME_MILLISECOND && point->precision < 3) {
        result = point->kind == TYPE_TIMESTAMP ? type_timestamp(call->arena, 3, true)
                                               : type_timestamp_ltz(call->arena, 3, true);
    }
    TimeStep *step = ARENA_NEW(call->arena, TimeStep);
    *step = (TimeStep){unit, info->months ? info->months : info->ms};
    call->bound = step;
    temporal_result(call, result);
    return ST_OK;
}

static Status add_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const TimeStep *step = args->call->bound;
    const Vec *count = args->arg[1], *point = args->arg[2];
    if (!step->size) {
        for (uint32_t row = 0; row < args->rows; row++) vec_set_null(out, row);
        return ST_OK;
    }
    bool months = TIME_UNITS[step->unit].months != 0;
    const Type *type = type_of(months ? TYPE_INTERVAL_MONTHS : TYPE_INTERVAL_SECONDS, true);
    Vec *span = vec_new(args->scratch, type, args->rows);
    for (uint32_t row = 0; row < args->rows; row++) {
        uint64_t total = (uint64_t)vec_integer(count, row) * (uint64_t)step->size;
        if (months) {
            vec_i32(span)[row] = (int32_t)(uint32_t)total;
        } else {
            vec_i64(span)[row] = (int64_t)total;
        }
    }
    if (point->type->kind == TYPE_DATE && type_is_timestamp(out->type)) {
        for (uint32_t row = 0; row < args->rows; row++) {
            int64_t ms = (int64_t)vec_i32(point)[row] * MS_PER_DAY + vec_i64(span)[row];
            vec_set_timestamp(out, row, (Timestamp){ms, 0, 0});
        }
        return ST_OK;
    }
    shift_rows(point, span, 1, args->rows, out);
    return ST_OK;
}

// ---- TIMESTAMPDIFF and (a - b) DAY -------------------------------------------------------------

// Milliseconds since 1970 of any point in time; a TIME is of that first day.
static int64_t point_ms(const Vec *point, uint32_t row) {
    switch (point->type->kind) {
        case TYPE_DATE: return (int64_t)vec_i32(point)[row] * MS_PER_DAY;
        case TYPE_TIME: return vec_i32(point)[row];
        default: return vec_timestamp(point, row).ms;
    }
}

// Months from [b] to [a]. Two values of 32 bits are subtracted as if they were both dates, TIMEs
// among them.
static int32_t point_months(const Vec *a, const Vec *b, uint32_t row) {
    if (a->phys == PHYS_I32 && b->phys == PHYS_I32) {
        return date_months_between(vec_i32(a)[row], vec_i32(b)[row]);
    }
    return timestamp_months_between(point_ms(a, row), point_ms(b, row));
}

static Status points_comparable(const FuncCall *call, const Type *a, const Type *b, Error *err) {
    if (!type_is_datetime(a) || !type_is_datetime(b)) return temporal_mismatch(call, err);
    bool zoned = a->kind == TYPE_TIMESTAMP_LTZ || b->kind == TYPE_TIMESTAMP_LTZ;
    if (zoned && a->kind != b->kind) {
        return error_set(err, ST_VALIDATION,
                         "TIMESTAMP_LTZ can be subtracted from TIMESTAMP_LTZ only");
    }
    return ST_OK;
}

static Status diff_bind(FuncCall *call, Error *err) {
    const Type *from = call->arg[1], *to = call->arg[2];
    TimeStep *step = ARENA_NEW(call->arena, TimeStep);
    TRY(time_unit_read(call, 0, true, &step->unit, err));
    TRY(points_comparable(call, from, to, err));
    switch (step->unit) {
        case TIME_DOW:
        case TIME_DOY:
        case TIME_ISODOW: step->unit = TIME_DAY; break;
        case TIME_EPOCH: step->unit = TIME_SECOND; break;
        case TIME_DECADE: step->unit = TIME_YEAR; break;  // Flink divides by no ten
        default: break;
    }
    bool months = TIME_UNITS[step->unit].months != 0;
    bool clocks = from->kind == TYPE_TIME || to->kind == TYPE_TIME;
    if (!months && clocks && from->kind != to->kind) return temporal_mismatch(call, err);
    step->size = months ? TIME_UNITS[step->unit].months : TIME_UNITS[step->unit].ms;
    call->bound = step;
    temporal_result(call, type_of(step->unit == TIME_NANOSECOND ? TYPE_BIGINT : TYPE_INT, true));
    return ST_OK;
}

// Flink goes through an INT of seconds where the unit is no interval's: a WEEK of far apart stamps
// is a part of the wrapped seconds, a MICROSECOND a multiple of them.
static int64_t diff_units(TimeUnit unit, int64_t size, int64_t ms) {
    int32_t seconds = (int32_t)(uint32_t)(uint64_t)(ms / MS_PER_SECOND);
    switch (unit) {
        case TIME_WEEK: return seconds / (7 * 86400);
        case TIME_MILLISECOND: return seconds * 1000ll;
        case TIME_MICROSECOND: return seconds * 1000000ll;
        case TIME_NANOSECOND: return (int64_t)((uint64_t)(ms / MS_PER_SECOND) * 1000000000u);
        default: return ms / size;
    }
}

static Status diff_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const TimeStep *step = args->call->bound;
    const Vec *from = args->arg[1], *to = args->arg[2];
    bool months = TIME_UNITS[step->unit].months != 0;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        int64_t value =
            months ? point_months(to, from, row) / step->size
                   : diff_units(step->unit, step->size, point_ms(to, row) - point_ms(from, row));
        if (out->phys == PHYS_I64) {
            vec_i64(out)[row] = value;
        } else {
            vec_i32(out)[row] = (int32_t)(uint32_t)(uint64_t)value;
        }
    }
    return ST_OK;
}

// The third argument has the type of the result.
static Status minus_date_bind(FuncCall *call, Error *err) {
    const Type *a = call->arg[0], *b = call->arg[1], *result = call->arg[2];
    if (!type_is_interval(result)) return temporal_mismatch(call, err);
    TRY(points_comparable(call, a, b, err));
    if (a->kind != b->kind) {
        return error_set(err, ST_VALIDATION, "points in time to be subtracted must be of one type");
    }
    call->result = type_nullable(call->arena, result, a->nullable || b->nullable);
    return ST_OK;
}

static Status minus_date_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *a = args->arg[0], *b = args->arg[1];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (vec_is_null(a, row) || vec_is_null(b, row)) {
            vec_set_null(out, row);
        } else if (out->phys == PHYS_I32) {
            vec_i32(out)[row] = point_months(a, b, row);
        } else {
            vec_i64(out)[row] = point_ms(a, row) - point_ms(b, row);
        }
    }
    return ST_OK;
}

// ---- OVERLAPS ----------------------------------------------------------------------------------

// Three-valued logic, NULL between FALSE and TRUE: AND is the minimum.
typedef enum Truth { TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_TRUE } Truth;

typedef struct Moment {
    bool null;
    Timestamp at;
} Moment;

typedef struct Period {
    Moment start, end;
} Period;

static Moment moment_read(const Vec *vec, uint32_t row) {
    if (vec_is_null(vec, row)) return (Moment){.null = true};
    if (type_is_timestamp(vec->type)) return (Moment){.at = vec_timestamp(vec, row)};
    return (Moment){.at = {.ms = vec_i32(vec)[row]}};
}

static Truth moment_at_most(Moment a, Moment b) {
    if (a.null || b.null) return TRUTH_UNKNOWN;
    bool less = a.at.ms != b.at.ms ? a.at.ms < b.at.ms : a.at.ns <= b.at.ns;
    return less ? TRUTH_TRUE : TRUTH_FALSE;
}

// Puts the two ends in order; when that cannot be known, the written order is turned round, as the
// CASE expression does that Flink makes of it.
static Period period_read(const Vec *start, const Vec *end, uint32_t row) {
    Moment a = moment_read(start, row), b = moment_read(end, row);
    return moment_at_most(a, b) == TRUTH_TRUE ? (Period){a, b} : (Period){b, a};
}

static Status overlaps_bind(FuncCall *call, Error *err) {
    const Type *point = call->arg[0]->child_count == 2 ? call->arg[0]->child[0] : NULL;
    bool nullable = false;
    for (uint32_t i = 0; i < 2; i++) {
        const Type *row = call->arg[i];
        if (row->child_count != 2) return temporal_mismatch(call, err);
        const Type *start = row->child[0], *end = row->child[1];
        if (!type_is_datetime(start) || start->kind != point->kind) {
            return temporal_mismatch(call, err);
        }
        if (end->kind != start->kind && !type_is_interval(end)) return temporal_mismatch(call, err);
        nullable |= row->nullable || start->nullable || end->nullable;
    }
    call->result = type_of(TYPE_BOOLEAN, nullable);
    return ST_OK;
}

// The end of a period given by its length.
static const Vec *period_end(const KernelArgs *args, const Vec *start, const Vec *end) {
    if (!type_is_interval(end->type)) return end;
    Vec *out = vec_new(args->scratch, start->type, args->rows);
    shift_rows(start, end, 1, args->rows, out);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (vec_is_null(start, row) || vec_is_null(end, row)) vec_set_null(out, row);
    }
    return out;
}

static Status overlaps_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *start[2], *end[2];
    for (uint32_t i = 0; i < 2; i++) {
        start[i] = args->arg[i]->child[0];
        end[i] = period_end(args, start[i], args->arg[i]->child[1]);
    }
    for (uint32_t row = 0; row < args->rows; row++) {
        Period a = period_read(start[0], end[0], row), b = period_read(start[1], end[1], row);
        Truth one = moment_at_most(b.start, a.end), other = moment_at_most(a.start, b.end);
        Truth both = one < other ? one : other;
        if (both == TRUTH_UNKNOWN) {
            vec_set_null(out, row);
        } else {
            vec_u8(out)[row] = both == TRUTH_TRUE;
        }
    }
    return ST_OK;
}

// clang-format off
static const ScalarFunc ARITH_FUNCS[] = {
    {.name = "+", .args = {ARG_ANY, ARG_ANY}, .bind = plus_bind, .kernel = plus_kernel,
     .flags = FUNC_HIDDEN, .doc = "A point in time moved by an interval; the sum of two intervals.",
     .example = "DATE '2020-01-31' + INTERVAL '1' MONTH", .gives = "2020-02-29"},
    {.name = "-", .args = {ARG_ANY, ARG_ANY}, .bind = plus_bind, .kernel = minus_kernel,
     .flags = FUNC_HIDDEN,
     .doc = "A point in time moved back by an interval; the difference of two intervals.",
     .example = "TIME '00:30:00' - INTERVAL '1' HOUR", .gives = "23:30:00"},
    {.name = "*", .args = {ARG_ANY, ARG_ANY}, .bind = times_bind, .kernel = times_kernel,
     .flags = FUNC_HIDDEN, .doc = "An interval taken a whole number of times.",
     .example = "INTERVAL '3' DAY * 2", .gives = "+6 00:00:00.000"},
    {.name = "UNARY -", .args = {ARG_INTERVAL}, .result = RESULT_ARG0, .kernel = negate_kernel,
     .flags = FUNC_HIDDEN, .doc = "The interval in the other direction.",
     .example = "- INTERVAL '3' DAY", .gives = "-3 00:00:00.000"},
    {.name = "UNARY +", .args = {ARG_INTERVAL}, .result = RESULT_ARG0, .kernel = keep_kernel,
     .flags = FUNC_HIDDEN, .doc = "The interval itself.",
     .example = "+ INTERVAL '3' DAY", .gives = "+3 00:00:00.000"},
    {.name = "TIMESTAMPADD", .args = {ARG_SYMBOL, ARG_ANY, ARG_ANY}, .bind = add_bind,
     .kernel = add_kernel,
     .doc = "A point in time moved by a number of units. Hours and less make a TIMESTAMP of a "
            "DATE.",
     .example = "TIMESTAMPADD(WEEK, 1, DATE '2003-01-02')", .gives = "2003-01-09"},
    {.name = "TIMESTAMPDIFF", .args = {ARG_SYMBOL, ARG_ANY, ARG_ANY}, .bind = diff_bind,
     .kernel = diff_kernel,
     .doc = "The whole units from the first point in time to the second.",
     .example = "TIMESTAMPDIFF(DAY, DATE '2003-01-02', TIMESTAMP '2003-01-03 10:00:00')",
     .gives = "1"},
    {.name = "MINUS_DATE", .args = {ARG_ANY, ARG_ANY, ARG_ANY}, .bind = minus_date_bind,
     .nulls = NULLS_OWN, .kernel = minus_date_kernel, .flags = FUNC_HIDDEN,
     .doc = "The interval between two points in time, in the units written after it.",
     .example = "(DATE '2020-03-01' - DATE '2020-02-01') DAY", .gives = "+29 00:00:00.000"},
    {.name = "OVERLAPS", .args = {ARG_ROW, ARG_ROW}, .bind = overlaps_bind, .nulls = NULLS_OWN,
     .kernel = overlaps_kernel, .flags = FUNC_HIDDEN,
     .doc = "Whether two periods, each a start and an end or a length, have a moment in common.",
     .example = "(TIME '2:55:00', INTERVAL '1' HOUR) OVERLAPS (TIME '3:30:00', INTERVAL '2' HOUR)",
     .gives = "TRUE"},
};
// clang-format on
const FuncTable TEMPORAL_ARITH_TABLE = FUNC_TABLE("Temporal operators", ARITH_FUNCS);
