// func/temporal_extract.c - EXTRACT and its short forms, FLOOR and CEIL to a unit.
//
// Both follow Flink's arithmetic where it parts from the calendar: a TIMESTAMP's day is its
// milliseconds divided towards 1970, so that a moment before 1970 counts to the day after; clock
// fields are remainders with the sign of the dividend; a DATE's number of days and a TIME's number
// of milliseconds are taken for each other's where the unit does not fit the type.
#include "func/temporal.h"

// ---- EXTRACT -----------------------------------------------------------------------------------

typedef enum ExtractWay {
    EXTRACT_DATE,   // a field of the date
    EXTRACT_CLOCK,  // value % modulus / divisor
    EXTRACT_EPOCH,  // seconds
    EXTRACT_NANOS,  // of the second, divided by [divisor]
} ExtractWay;

typedef struct Extract {
    ExtractWay way;
    TimeUnit unit;
    int64_t modulus;  // 0: none
    int64_t divisor;
    int32_t plus;  // QUARTER of an interval counts from 1
} Extract;

static bool is_date_field(TimeUnit unit) {
    switch (unit) {
        case TIME_HOUR:
        case TIME_MINUTE:
        case TIME_SECOND:
        case TIME_MILLISECOND:
        case TIME_MICROSECOND:
        case TIME_NANOSECOND: return false;
        default: return true;
    }
}

// The unit above, whose length bounds a clock field.
static int64_t clock_modulus(TimeUnit unit) {
    switch (unit) {
        case TIME_HOUR: return MS_PER_DAY;
        case TIME_MINUTE: return MS_PER_HOUR_;
        case TIME_SECOND: return MS_PER_MINUTE_;
        case TIME_MILLISECOND: return MS_PER_SECOND;
        default: return 0;
    }
}

static Status extract_refuse(const FuncCall *call, const Type *type, TimeUnit unit, Error *err) {
    Buf name = {0};
    type_print_summary(type, false, &name);
    Status st = error_set(err, ST_VALIDATION, "%s: unit %s cannot be applied to " STR_FMT,
                          call->func->name, TIME_UNITS[unit].name, STR_ARG(buf_str(&name)));
    buf_free(&name);
    return st;
}

static Status extract_plan(const FuncCall *call, const Type *type, TimeUnit unit, Extract *plan,
                           Error *err) {
    *plan = (Extract){.unit = unit, .way = EXTRACT_CLOCK, .divisor = 1};
    if (type->kind == TYPE_INTERVAL_MONTHS) {
        plan->divisor = TIME_UNITS[unit].months;
        switch (unit) {
            case TIME_YEAR:
            case TIME_CENTURY:
            case TIME_MILLENNIUM: return ST_OK;
            case TIME_QUARTER: plan->plus = 1; break;
            case TIME_MONTH: break;
            default: return extract_refuse(call, type, unit, err);
        }
        plan->modulus = 12;
        return ST_OK;
    }
    bool nanos = unit == TIME_MICROSECOND || unit == TIME_NANOSECOND;
    if (nanos && !type_is_timestamp(type)) return extract_refuse(call, type, unit, err);
    if (nanos) {
        plan->way = EXTRACT_NANOS;
        plan->divisor = unit == TIME_MICROSECOND ? 1000 : 1;
        return ST_OK;
    }
    if (is_date_field(unit)) {
        bool day_of_interval = type->kind == TYPE_INTERVAL_SECONDS && unit == TIME_DAY;
        if (day_of_interval) {
            plan->divisor = MS_PER_DAY;
            return ST_OK;
        }
        if (type->kind == TYPE_TIME || type->kind == TYPE_INTERVAL_SECONDS) {
            return extract_refuse(call, type, unit, err);
        }
        bool seconds = unit == TIME_EPOCH && type_is_timestamp(type);
        plan->way = seconds ? EXTRACT_EPOCH : EXTRACT_DATE;
        return ST_OK;
    }
    plan->modulus = clock_modulus(unit);
    plan->divisor = TIME_UNITS[unit].ms;
    return ST_OK;
}

static Status extract_bind_unit(FuncCall *call, uint32_t value, TimeUnit unit, Error *err) {
    const Type *type = call->arg[value];
    if (!type_is_datetime(type) && !type_is_interval(type)) return temporal_mismatch(call, err);
    Extract *plan = ARENA_NEW(call->arena, Extract);
    TRY(extract_plan(call, type, unit, plan, err));
    call->bound = plan;
    temporal_result(call, type_of(TYPE_BIGINT, true));
    return ST_OK;
}

static Status extract_bind(FuncCall *call, Error *err) {
    TimeUnit unit;
    TRY(time_unit_read(call, 0, false, &unit, err));
    return extract_bind_unit(call, 1, unit, err);
}

// YEAR(x) is EXTRACT(YEAR FROM x).
static Status field_bind(FuncCall *call, Error *err) {
    static const struct {
        const char *name;
        TimeUnit unit;
    } FIELDS[] = {
        {"YEAR", TIME_YEAR},     {"QUARTER", TIME_QUARTER}, {"MONTH", TIME_MONTH},
        {"WEEK", TIME_WEEK},     {"DAYOFYEAR", TIME_DOY},   {"DAYOFMONTH", TIME_DAY},
        {"DAYOFWEEK", TIME_DOW}, {"HOUR", TIME_HOUR},       {"MINUTE", TIME_MINUTE},
        {"SECOND", TIME_SECOND},
    };
    for (uint32_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
        if (strcmp(FIELDS[i].name, call->func->name) == 0) {
            return extract_bind_unit(call, 0, FIELDS[i].unit, err);
        }
    }
    UNREACHABLE();
    return ST_INTERNAL;
}

static int64_t extract_clock(const Extract *plan, int64_t value) {
    if (plan->modulus) value %= plan->modulus;
    return value / plan->divisor + plan->plus;
}

static int64_t extract_timestamp(const Extract *plan, Timestamp ts) {
    switch (plan->way) {
        case EXTRACT_DATE: return date_extract(plan->unit, (int32_t)(ts.ms / MS_PER_DAY));
        case EXTRACT_EPOCH: return ts.ms / MS_PER_SECOND;
        case EXTRACT_NANOS:
            return ts.ms % MS_PER_SECOND * (NS_PER_MS / plan->divisor) + ts.ns / plan->divisor;
        default: return extract_clock(plan, ts.ms);
    }
}

// The value is the last argument.
static Status extract_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *in = args->arg[args->argc - 1];
    const Extract *plan = args->call->bound;
    int64_t *to = vec_i64(out);
    switch (in->type->kind) {
        case TYPE_TIMESTAMP:
            for (uint32_t row = 0; row < args->rows; row++) {
                to[row] = extract_timestamp(plan, vec_timestamp(in, row));
            }
            break;
        case TYPE_TIMESTAMP_LTZ:
            for (uint32_t row = 0; row < args->rows; row++) {
                Timestamp ts = vec_timestamp(in, row);
                ts.ms += zone_legacy_offset_ms(args->env->zone, ts.ms);
                to[row] = extract_timestamp(plan, ts);
            }
            break;
        case TYPE_INTERVAL_SECONDS:
            for (uint32_t row = 0; row < args->rows; row++) {
                to[row] = extract_clock(plan, vec_i64(in)[row]);
            }
            break;
        default:  // DATE, TIME, months: 32 bits
            for (uint32_t row = 0; row < args->rows; row++) {
                int32_t value = vec_i32(in)[row];
                to[row] = plan->way == EXTRACT_DATE ? date_extract(plan->unit, value)
                                                    : extract_clock(plan, value);
            }
    }
    return ST_OK;
}

// ---- FLOOR and CEIL ----------------------------------------------------------------------------

typedef struct Round {
    TimeUnit unit;
    bool up;
    bool calendar;  // by date_round, else to a multiple of [size]
    int64_t size;
} Round;

static int64_t round_multiple(int64_t value, int64_t size, bool up) {
    int64_t rest = value % size;
    value -= rest;
    if (up ? rest > 0 : rest < 0) value += up ? size : -size;
    return value;
}

static Status round_bind(FuncCall *call, Error *err) {
    const Type *type = call->arg[0];
    if (!type_is_datetime(type)) return temporal_mismatch(call, err);
    Round *round = ARENA_NEW(call->arena, Round);
    TRY(time_unit_read(call, 1, false, &round->unit, err));
    round->up = strcmp(call->func->name, "CEIL") == 0;
    round->size = TIME_UNITS[round->unit].ms;
    switch (round->unit) {
        case TIME_YEAR:
        case TIME_QUARTER:
        case TIME_MONTH:
        case TIME_WEEK:
        case TIME_DECADE:
        case TIME_CENTURY:
        case TIME_MILLENNIUM: round->calendar = true; break;
        // The day of a DATE or TIME is one step of its number, of a TIMESTAMP 24 hours.
        case TIME_DAY: round->calendar = !type_is_timestamp(type); break;
        case TIME_DOW:
        case TIME_DOY:
        case TIME_EPOCH:
        case TIME_ISODOW:
            if (type->kind != TYPE_DATE) return extract_refuse(call, type, round->unit, err);
            break;
        case TIME_ISOYEAR: round->size = type->kind == TYPE_TIMESTAMP_LTZ ? 0 : 12; break;
        default: break;
    }
    call->bound = round;
    call->result =
        type_nullable(call->arena, type_attribute(call->arena, type, TIME_NONE), type->nullable);
    return ST_OK;
}

static Timestamp round_timestamp(const Round *round, Timestamp ts, int64_t offset) {
    int64_t local = ts.ms + offset;
    if (round->calendar) {
        int32_t days = (int32_t)(local / MS_PER_DAY);
        int64_t rounded = date_round(round->unit, days, round->up);
        return (Timestamp){rounded * MS_PER_DAY - offset, 0, 0};
    }
    bool part_of_ms = round->up && round->unit == TIME_MILLISECOND && ts.ns > 0;
    return (Timestamp){round_multiple(local + part_of_ms, round->size, round->up) - offset, 0, 0};
}

static Status round_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Vec *in = args->arg[0];
    const Round *round = args->call->bound;
    if (in->type->kind == TYPE_DATE) {
        bool rounds = round->calendar;
        for (uint32_t row = 0; row < args->rows; row++) {
            int32_t days = vec_i32(in)[row];
            vec_i32(out)[row] = rounds ? date_round(round->unit, days, round->up) : days;
        }
        return ST_OK;
    }
    if (!round->calendar && round->size == 0) {
        if (args->rows == 0) return ST_OK;
        return error_set(err, ST_RUNTIME, "%s to %s: division by zero", args->call->func->name,
                         TIME_UNITS[round->unit].name);
    }
    if (in->type->kind == TYPE_TIME) {
        for (uint32_t row = 0; row < args->rows; row++) {
            int32_t ms = vec_i32(in)[row];
            vec_i32(out)[row] = round->calendar
                                    ? date_round(round->unit, ms, round->up)
                                    : (int32_t)round_multiple(ms, round->size, round->up);
        }
        return ST_OK;
    }
    // Local days and hours; what is shorter than an hour is the same on every clock.
    bool local =
        in->type->kind == TYPE_TIMESTAMP_LTZ && (round->calendar || round->size >= MS_PER_HOUR_);
    bool nanos = in->type->kind == TYPE_TIMESTAMP;  // Flink drops those of TIMESTAMP_LTZ first
    for (uint32_t row = 0; row < args->rows; row++) {
        Timestamp ts = vec_timestamp(in, row);
        if (!nanos) ts.ns = 0;
        int64_t offset = local ? zone_legacy_offset_ms(args->env->zone, ts.ms) : 0;
        vec_set_timestamp(out, row, round_timestamp(round, ts, offset));
    }
    return ST_OK;
}

#define FIELD(name_, doc_, example_, gives_)                                              \
    {                                                                                     \
        .name = (name_), .args = {ARG_ANY}, .bind = field_bind, .kernel = extract_kernel, \
        .doc = (doc_), .example = (example_), .gives = (gives_)                           \
    }

// clang-format off
static const ScalarFunc EXTRACT_FUNCS[] = {
    {.name = "EXTRACT", .args = {ARG_SYMBOL, ARG_ANY}, .bind = extract_bind,
     .kernel = extract_kernel,
     .doc = "A field of a date, time, timestamp or interval. Units: YEAR, QUARTER, MONTH, WEEK "
            "(ISO), DAY, DOY, DOW (Sunday is 1), ISODOW, ISOYEAR, DECADE, CENTURY, MILLENNIUM, "
            "EPOCH, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, NANOSECOND.",
     .example = "EXTRACT(DAY FROM DATE '2006-06-05')", .gives = "5"},
    FIELD("YEAR", "The year.", "YEAR(DATE '1994-09-27')", "1994"),
    FIELD("QUARTER", "The quarter of the year, 1 to 4.", "QUARTER(DATE '1994-09-27')", "3"),
    FIELD("MONTH", "The month of the year, 1 to 12.", "MONTH(DATE '1994-09-27')", "9"),
    FIELD("WEEK", "The ISO week of the year, 1 to 53.", "WEEK(DATE '1994-09-27')", "39"),
    FIELD("DAYOFYEAR", "The day of the year, 1 to 366.", "DAYOFYEAR(DATE '1994-09-27')", "270"),
    FIELD("DAYOFMONTH", "The day of the month, 1 to 31.", "DAYOFMONTH(DATE '1994-09-27')", "27"),
    FIELD("DAYOFWEEK", "The day of the week; Sunday is 1.", "DAYOFWEEK(DATE '1994-09-27')", "3"),
    FIELD("HOUR", "The hour of the day, 0 to 23.", "HOUR(TIMESTAMP '1994-09-27 13:14:15')", "13"),
    FIELD("MINUTE", "The minute of the hour.", "MINUTE(TIMESTAMP '1994-09-27 13:14:15')", "14"),
    FIELD("SECOND", "The second of the minute.", "SECOND(TIMESTAMP '1994-09-27 13:14:15')", "15"),
    {.name = "FLOOR", .args = {ARG_ANY, ARG_SYMBOL}, .bind = round_bind, .kernel = round_kernel,
     .flags = FUNC_CAN_FAIL,
     .doc = "A point in time rounded down to a unit: FLOOR(ts TO HOUR). Weeks start on Sunday.",
     .example = "FLOOR(TIME '12:44:31' TO MINUTE)", .gives = "12:44:00"},
    {.name = "CEIL", .alias = {"CEILING"}, .args = {ARG_ANY, ARG_SYMBOL}, .bind = round_bind,
     .kernel = round_kernel, .flags = FUNC_CAN_FAIL,
     .doc = "A point in time rounded up to a unit: CEIL(ts TO HOUR).",
     .example = "CEIL(TIME '12:44:31' TO MINUTE)", .gives = "12:45:00"},
};
// clang-format on
const FuncTable TEMPORAL_EXTRACT_TABLE = FUNC_TABLE("Temporal functions", EXTRACT_FUNCS);
