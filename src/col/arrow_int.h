// col/arrow_int.h - shared by arrow_write.c and arrow_read.c: numbers of the flatbuffers.
#pragma once

#include "col/arrow.h"

enum { FLAT_FIELDS_MAX = 8, ARROW_V5 = 4 };

enum { ARROW_SCHEMA = 1, ARROW_RECORD_BATCH = 3 };  // MessageHeader

enum {  // Type
    ARROW_INT = 2,
    ARROW_FLOATING_POINT = 3,
    ARROW_BINARY = 4,
    ARROW_UTF8 = 5,
    ARROW_BOOL = 6,
    ARROW_DECIMAL = 7,
    ARROW_DATE = 8,
    ARROW_TIME = 9,
    ARROW_TIMESTAMP = 10,
    ARROW_LIST = 12,
    ARROW_STRUCT = 13,
    ARROW_MAP = 17,
    ARROW_DURATION = 18,
};

// The TimeUnit of a timestamp: enough digits for its precision.
static inline int16_t arrow_unit(const Type *type) {
    return type->precision <= 3 ? 1 : type->precision <= 6 ? 2 : 3;
}
