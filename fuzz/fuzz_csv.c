// fuzz_csv: the csv decoder. The first byte chooses schema and options, the rest is a file. Cut
// into pieces of any size it gives the same rows; rows of scalars written as CSV read back as they
// were.
#include "base/assert.h"
#include "format/testing.h"
#include "fuzz/fuzz.h"

static const char *const SCHEMAS[] = {
    "a STRING, b INT, c DOUBLE, d STRING",
    "a BOOLEAN, b DATE, c DECIMAL(10, 3), d TIMESTAMP(3), e BIGINT, f TIME",
    "a ARRAY<INT>, b ROW<x STRING, y TINYINT, z TIMESTAMP_LTZ(3)>, c FLOAT, d BYTES",
    "a STRING",
};
static const char *const OPTIONS[] = {
    "null-literal=NIL;ignore-parse-errors=true",
    "null-literal=NIL",
    "field-delimiter=|;quote-character=';allow-comments=true;escape-character=\\;ignore-parse-"
    "errors=true",
    "trim-spaces=true;empty-string-as-null=true;ignore-trailing-unmappable=true;ignore-parse-"
    "errors=true",
    "disable-quote-character=true;fail-on-missing-columns=true;ignore-parse-errors=true",
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 2) return 0;
    const char *text = (const char *)bytes + 2;
    size -= 2;
    FormatCase c;
    format_case(&c, "csv", SCHEMAS[bytes[0] % 4], OPTIONS[bytes[0] / 4 % 5]);
    char *whole = mem_strdup(format_decode_bytes(&c, text, size));
    c.piece = bytes[1] % 64 + 1;
    ASSERT(strcmp(format_decode_bytes(&c, text, size), whole) == 0);
    c.piece = 0;
    (void)format_decode_messages(&c, whole);
    mem_free(whole);
    format_case_end(&c);
    return 0;
}
