// format/testing.h - for unit tests of formats and connectors: types from short texts, decoding to
// text and back. Part of the unit test binary alone.
#pragma once

#include "spi/format.h"

// "a INT, b ROW<c STRING, d DECIMAL(5, 2)>" as a ROW in [arena]; the names are Flink's short ones.
const Type *testing_schema(Arena *arena, const char *text);

// Rows as lines "+I[1, a, NULL]".
void testing_print(const Batch *batch, Buf *out);

// One format with its options ("key=value;key=value", without the format's prefix; NULL: none).
typedef struct FormatCase {
    Arena arena;
    Map map;
    const Format *format;
    const Type *schema;
    DecodeSpec spec;
    Error err;
    Buf out;
    size_t piece;  // feeds streams in pieces of this many bytes; 0: at once
} FormatCase;

void format_case(FormatCase *c, const char *format, const char *schema, const char *options);
void format_case_want(FormatCase *c, const char *wanted);  // only these columns
void format_case_end(FormatCase *c);
// The rows of a file with this content, or "error: …".
const char *format_decode(FormatCase *c, const char *bytes);
const char *format_decode_bytes(FormatCase *c, const char *bytes, size_t size);
// The rows of messages, one a line of [bytes].
const char *format_decode_messages(FormatCase *c, const char *bytes);
// The rows of a file with this content, written with the same format and options.
const char *format_rewrite(FormatCase *c, const char *bytes, size_t size);
// Decodes json lines with c's schema and encodes the rows with c's format.
const char *format_encode(FormatCase *c, const char *json);
