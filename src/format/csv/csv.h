// format/csv/csv.h - the csv format; its options are in csv_format.c, its dialect in csv_int.h.
#pragma once

#include "spi/format.h"

extern const Format CSV_FORMAT;
