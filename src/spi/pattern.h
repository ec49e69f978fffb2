// spi/pattern.h - regular expressions in the options of connectors and formats: which files, which
// databases. As Java's Matcher.matches: the whole text must fit.
#pragma once

#include "base/text.h"

typedef struct Pattern Pattern;

// ST_VALIDATION when [regex] is none; [what] names the option in the message.
NODISCARD Status pattern_new(Str regex, const char *what, Pattern **out, Error *err);
void pattern_free(Pattern *pattern);  // NULL is fine
// NULL matches everything. One thread at a time per pattern.
bool pattern_matches(const Pattern *pattern, Str text);
