// base/unicode.h - letters, digits and case, as Java 17 (Unicode 13) knows them: Flink's text
// functions are Java's. No locale: the root one.
#pragma once

#include "base/text.h"

uint32_t unicode_upper(uint32_t code);  // of one character; simple mapping
uint32_t unicode_lower(uint32_t code);
bool unicode_is_letter(uint32_t code);
int unicode_digit(uint32_t code);  // value of a decimal digit of any script, or -1

// Java's String.toUpperCase and toLowerCase: 'straße' gives 'STRASSE', a final sigma is 'ς'.
void buf_put_upper(Buf *out, Str text);
void buf_put_lower(Buf *out, Str text);
// Writes [text] to [to] with the letters from [first] ('A' or 'a') on in the other case; false,
// and then of no use, when not all of it is ASCII.
bool ascii_change_case(Str text, char first, char *to);
