// format/builtin.h - the one list of formats.
#pragma once

// Registers them all; once, before any thread starts.
void formats_register(void);
