// format/raw/raw.h - the raw format: a record is the bytes of one value, nothing around it.
#pragma once

#include "spi/format.h"

extern const Format RAW_FORMAT;
