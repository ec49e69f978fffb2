// func/temporal_unit.c - units of time, and the parts of dates.
#include "func/temporal.h"

const TimeUnitInfo TIME_UNITS[TIME_UNIT_COUNT_] = {
    [TIME_YEAR] = {"YEAR", .months = 12},
    [TIME_QUARTER] = {"QUARTER", .months = 3},
    [TIME_MONTH] = {"MONTH", .months = 1},
    [TIME_WEEK] = {"WEEK", .ms = 7ll * MS_PER_DAY},
    [TIME_DAY] = {"DAY", .ms = MS_PER_DAY},
    [TIME_HOUR] = {"HOUR", .ms = MS_PER_HOUR_},
    [TIME_MINUTE] = {"MINUTE", .ms = MS_PER_MINUTE_},
    [TIME_SECOND] = {"SECOND", .ms = MS_PER_SECOND},
    [TIME_MILLISECOND] = {"MILLISECOND", .ms = 1},
    [TIME_MICROSECOND] = {.name = "MICROSECOND"},
    [TIME_NANOSECOND] = {.name = "NANOSECOND"},
    [TIME_DOW] = {.name = "DOW"},
    [TIME_DOY] = {.name = "DOY"},
    [TIME_EPOCH] = {.name = "EPOCH"},
    [TIME_ISODOW] = {.name = "ISODOW"},
    [TIME_ISOYEAR] = {"ISOYEAR", .months = 12},
    [TIME_DECADE] = {"DECADE", .months = 120},
    [TIME_CENTURY] = {"CENTURY", .months = 1200},
    [TIME_MILLENNIUM] = {"MILLENNIUM", .months = 12000},
};

Status time_unit_read(const FuncCall *call, uint32_t arg, bool aliases, TimeUnit *unit,
                      Error *err) {
    ASSERT(call->literal[arg] && call->literal[arg]->phys == PHYS_STR);
    Str name = vec_str(call->literal[arg])[0];
    if (aliases) {
        Str bare =
            str_starts(name, STR("SQL_TSI_")) ? str_make(name.ptr + 8, name.len - 8) : (Str){0};
        static const char *const PREFIXED[] = {"YEAR", "QUARTER", "MONTH",  "WEEK",       "DAY",
                                               "HOUR", "MINUTE",  "SECOND", "MICROSECOND"};
        if (str_is(bare, "FRAC_SECOND")) name = STR("NANOSECOND");
        if (str_is(name, "FRAC_SECOND")) name = STR("MICROSECOND");
        for (uint32_t i = 0; i < sizeof PREFIXED / sizeof *PREFIXED; i++) {
            if (str_eq(bare, str_c(PREFIXED[i]))) name = bare;
        }
    }
    for (uint32_t i = 0; i < TIME_UNIT_COUNT_; i++) {
        if (str_eq(name, str_c(TIME_UNITS[i].name))) {
            *unit = (TimeUnit)i;
            return ST_OK;
        }
    }
    return error_set(err, ST_VALIDATION, "'" STR_FMT "' is not a valid time frame", STR_ARG(name));
}

Status temporal_mismatch(const FuncCall *call, Error *err) {
    Buf given = {0};
    for (uint32_t i = 0; i < call->argc; i++) {
        if (i) buf_puts(&given, ", ");
        type_print_summary(call->arg[i], false, &given);
    }
    Status st = error_set(err, ST_VALIDATION, "cannot apply '%s' to arguments (" STR_FMT ")",
                          call->func->name, STR_ARG(buf_str(&given)));
    buf_free(&given);
    return st;
}

bool temporal_any_nullable(const FuncCall *call) {
    for (uint32_t i = 0; i < call->argc; i++) {
        if (call->arg[i]->nullable || call->arg[i]->kind == TYPE_NULL) return true;
    }
    return false;
}

void temporal_result(FuncCall *call, const Type *type) {
    call->result = type_nullable(call->arena, type, temporal_any_nullable(call));
}

// ---- parts of dates ----------------------------------------------------------------------------

static int64_t round_years(int64_t year, int64_t size, bool up) {  // 1..size, size+1..2*size, …
    int64_t last = (year + size - 1) / size * size;
    return up ? last + 1 : last - size + 1;
}

int32_t date_round(TimeUnit unit, int32_t days, bool up) {
    int32_t year, month, day;
    hybrid_from_days(days, &year, &month, &day);
    bool first_of_year = month == 1 && day == 1;
    switch (unit) {
        case TIME_MILLENNIUM: return days_from_civil((int32_t)round_years(year, 1000, up), 1, 1);
        case TIME_CENTURY: return days_from_civil((int32_t)round_years(year, 100, up), 1, 1);
        case TIME_DECADE: return days_from_civil(10 * (year / 10 + up), 1, 1);
        case TIME_YEAR: return days_from_civil(year + (up && !first_of_year), 1, 1);
        case TIME_QUARTER: {  // rounds up from any day but 1 January, the quarter's first too
            int32_t quarter = (month - 1) / 3 + (up && !first_of_year);
            return days_from_civil(year + quarter / 4, quarter % 4 * 3 + 1, 1);
        }
        case TIME_MONTH: {
            int32_t next = month - 1 + (up && day > 1);
            return days_from_civil(year + next / 12, next % 12 + 1, 1);
        }
        case TIME_WEEK: {  // of Sundays
            int32_t weekday = (int32_t)floor_mod((int64_t)days + 4, 7);
            int32_t back = up && weekday > 0 ? weekday - 7 : weekday;
            return days_from_civil(year, month, day) - back;
        }
        case TIME_DAY: return days_from_civil(year, month, day) + up;  // up, whatever the time
        default: return days;
    }
}

// Weeks start on Monday; the first one of a year has its first Thursday.
static int32_t iso_week(int32_t days, int32_t *iso_year) {
    int64_t thursday = days - floor_mod((int64_t)days + 3, 7) + 3;
    int32_t month, day;
    civil_from_days((int32_t)thursday, iso_year, &month, &day);
    return (int32_t)(thursday - days_from_civil(*iso_year, 1, 1)) / 7 + 1;
}

int64_t date_extract(TimeUnit unit, int32_t days) {
    int32_t year, month, day, iso_year;
    switch (unit) {  // those that need no calendar
        case TIME_EPOCH: return days * 86400ll;
        case TIME_DOW: return floor_mod((int64_t)days + 4, 7) + 1;  // Sunday is 1
        case TIME_ISODOW: return floor_mod((int64_t)days + 3, 7) + 1;
        case TIME_WEEK: return iso_week(days, &iso_year);
        case TIME_ISOYEAR: (void)iso_week(days, &iso_year); return iso_year;
        default: break;
    }
    civil_from_days(days, &year, &month, &day);
    switch (unit) {
        case TIME_YEAR: return year;
        case TIME_QUARTER: return (month + 2) / 3;
        case TIME_MONTH: return month;
        case TIME_DAY: return day;
        case TIME_DOY: return days - days_from_civil(year, 1, 1) + 1;
        case TIME_DECADE: return year / 10;
        case TIME_CENTURY: return (year > 0 ? year + 99 : year - 99) / 100;
        case TIME_MILLENNIUM: return (year > 0 ? year + 999 : year - 999) / 1000;
        default: UNREACHABLE();
    }
    return 0;
}
