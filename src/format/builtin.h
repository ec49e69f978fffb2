// format/builtin.h - the formats that weir comes with.
#pragma once

#include "spi/format.h"

extern const Format *const BUILTIN_FORMATS[];  // ends with NULL

// Registers all formats; once, before any thread starts. A second call does nothing.
void formats_register(void);
