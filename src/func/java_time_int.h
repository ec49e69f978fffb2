// func/java_time_int.h - the compiled form of a DateTimeFormatter pattern, shared by its compiler
// and printer (java_time.c) and its reader (java_time_read.c).
#pragma once

#include "func/java_time.h"

typedef enum TimeField {
    FIELD_ERA,
    FIELD_YEAR_OF_ERA,
    FIELD_YEAR,
    FIELD_QUARTER,
    FIELD_MONTH,
    FIELD_DAY_OF_YEAR,
    FIELD_DAY_OF_MONTH,
    FIELD_WEEKDAY_IN_MONTH,  // F: 1 to 7, the days of the month by sevens
    FIELD_WEEKDAY,           // Monday is 1
    FIELD_WEEKDAY_LOCAL,     // Sunday is 1
    FIELD_WEEK_YEAR,
    FIELD_WEEK_OF_YEAR,
    FIELD_WEEK_OF_MONTH,
    FIELD_JULIAN_DAY,  // modified: 1970-01-01 is 40587
    FIELD_AMPM,
    FIELD_HOUR,
    FIELD_CLOCK_HOUR,  // 1 to 24
    FIELD_HOUR_OF_AMPM,
    FIELD_CLOCK_HOUR_OF_AMPM,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_NANO,
    FIELD_MILLI_OF_DAY,
    FIELD_NANO_OF_DAY,
    FIELD_OFFSET,  // seconds; read and dropped
    FIELD_COUNT_
} TimeField;

typedef enum ElementKind {
    ELEMENT_NUMBER,
    ELEMENT_YEAR2,  // two digits around 2000
    ELEMENT_FRACTION,
    ELEMENT_TEXT,
    ELEMENT_LITERAL,
    ELEMENT_OFFSET,  // X x Z
    ELEMENT_ZONE,    // V v z O
    ELEMENT_DAY_PERIOD,
    ELEMENT_OPEN,   // [
    ELEMENT_CLOSE,  // ]
} ElementKind;

typedef enum SignRule { SIGN_NORMAL, SIGN_NEVER, SIGN_EXCEEDS } SignRule;
typedef enum NameStyle { NAME_SHORT, NAME_FULL, NAME_NARROW } NameStyle;

typedef struct Element {
    ElementKind kind;
    TimeField field;
    SignRule sign;
    NameStyle style;
    uint8_t width_min, width_max;
    int8_t following;     // digits that fixed-width neighbours take after it; -1: has a fixed width
    uint8_t pad;          // p: blanks to fill on the left
    uint8_t offset_form;  // letters of X, x, Z
    bool offset_zulu;     // prints 'Z' for no offset
    uint16_t partner;     // of OPEN: index of its CLOSE
    Str text;             // of LITERAL
} Element;

struct TimePattern {
    const Element *element;
    uint32_t count;
};

// The name of a field's value, or NULL. [value] as the field counts.
const char *time_field_name(TimeField field, NameStyle style, int64_t value);
// How many values, counted from time_field_first, the names of a text field have.
uint32_t time_field_names(TimeField field);

// Weeks start on Sunday, and one day makes the first week of a year or month. [day] counts from 1,
// [weekday] is its own, Sunday 1.
int64_t time_week_number(int32_t day, int32_t weekday);
int64_t time_week_year(int32_t year, int32_t day_of_year, int32_t weekday, int64_t *week);
