// func/temporal.h - what the files of the temporal functions (temporal_*.c) share: units of time,
// and the small questions their bind hooks ask about arguments.
#pragma once

#include "func/func.h"
#include "type/datetime.h"

// In the order of the table in temporal_unit.c.
typedef enum TimeUnit {
    TIME_YEAR,
    TIME_QUARTER,
    TIME_MONTH,
    TIME_WEEK,
    TIME_DAY,
    TIME_HOUR,
    TIME_MINUTE,
    TIME_SECOND,
    TIME_MILLISECOND,
    TIME_MICROSECOND,
    TIME_NANOSECOND,
    TIME_DOW,
    TIME_DOY,
    TIME_EPOCH,
    TIME_ISODOW,
    TIME_ISOYEAR,
    TIME_DECADE,
    TIME_CENTURY,
    TIME_MILLENNIUM,
    TIME_UNIT_COUNT_
} TimeUnit;

enum { MS_PER_MINUTE_ = 60 * MS_PER_SECOND, MS_PER_HOUR_ = 60 * MS_PER_MINUTE_ };

typedef struct TimeUnitInfo {
    const char *name;
    int32_t months;  // of calendar units, else 0
    int64_t ms;      // of clock units, else 0; also of WEEK and DAY
} TimeUnitInfo;

extern const TimeUnitInfo TIME_UNITS[TIME_UNIT_COUNT_];

// Reads the keyword that argument [arg] is. [aliases]: SQL_TSI_DAY and FRAC_SECOND are units too,
// as in TIMESTAMPADD. ST_VALIDATION when it names no unit.
NODISCARD Status time_unit_read(const FuncCall *call, uint32_t arg, bool aliases, TimeUnit *unit,
                                Error *err);

// "cannot apply 'f' to arguments (…)"; always ST_VALIDATION.
Status temporal_mismatch(const FuncCall *call, Error *err);
bool temporal_any_nullable(const FuncCall *call);
// Sets the result, nullable when an argument is.
void temporal_result(FuncCall *call, const Type *type);

// The calendar days of DATE, TIMESTAMP … rounded to a unit of a day or more, as Flink's
// julianDateFloor: the day is split by the hybrid calendar and put together by the Gregorian one.
int32_t date_round(TimeUnit unit, int32_t days, bool up);
// A field of a date: EXTRACT's date part.
int64_t date_extract(TimeUnit unit, int32_t days);
