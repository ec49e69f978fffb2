// func/simple_date_int.h - the compiled form of a SimpleDateFormat pattern.
#pragma once

#include "func/simple_date.h"

typedef struct DatePart {
    char letter;  // 0: [byte] stands for itself
    char byte;
    uint32_t count;  // of letters
} DatePart;

struct DatePattern {
    DatePart *part;
    uint32_t count;
};
