// format/builtin.h - the formats that weir comes with.
#pragma once

// Registers all formats; once, before any thread starts. A second call does nothing.
void formats_register(void);
