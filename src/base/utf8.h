// base/utf8.h - is it UTF-8, and what Java makes of what is not.
//
// Text inside of weir is UTF-8 by the letter (no surrogates, no overlong forms); what comes from
// outside is checked where it comes in. utf8_valid_prefix is for whole blocks: nearly all of them
// are well-formed and it says so at many bytes a cycle. The others are for the rest.
#pragma once

#include "base/text.h"

// How many bytes of [bytes] are well-formed UTF-8 for sure: [size] when all are; else an offset at
// or before the first byte that is not part of a whole character, and less than 64 bytes before.
size_t utf8_valid_prefix(const char *bytes, size_t size);

// Reads [text] as Jackson's parsers do: overlong forms and surrogates pass, and then become what
// Java's encoder writes for them ('?' for a lone surrogate). In place; *len becomes the new length,
// never more than it was. False where Jackson gives up: *bad is the offset of the byte at which it
// does, *len itself when the text ends in the middle of a character.
bool utf8_read_jackson(char *text, uint32_t *len, uint32_t *bad);
// Whether Jackson could read all of [bytes], which may end in the middle of a character unless
// [at_end]; else *stop is the byte at which it would give up. Changes nothing.
bool utf8_jackson_reads(const char *bytes, size_t size, bool at_end, size_t *stop);

// Appends [text] as Java's new String(bytes, UTF_8) reads it: U+FFFD for each maximal part that is
// no character.
void utf8_replace_bad(Str text, Buf *out);
