// fuzz_csv: the csv decoder. The first byte chooses schema and options, the rest is a file. Cut
// into pieces of any size it gives the same rows; rows of scalars written as CSV read back as they
// were; and a filter leaves the rows that it should, no others.
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

// What was read is written, and read again.
static void check_round_trip(FormatCase *c, int schema, const char *text, size_t size,
                             const char *whole) {
    if (schema == 2 || strstr(whole, "error: ") || size > 4096) return;
    if (memchr(text, 0, size)) return;  // a NUL hides what stands behind it, an error too
    (void)format_rewrite(c, text, size);
    size_t len = c->out.len;
    char *written = mem_alloc(len + 1);
    memcpy(written, c->out.ptr, len);
    ASSERT(strcmp(format_decode_bytes(c, written, len), whole) == 0);
    mem_free(written);
}

// Without the rows whose first column is NULL: errors are ignored, so all others must be there.
static void check_filter(FormatCase *c, const char *text, size_t size, const char *whole) {
    FilterTerm term = {.op = TERM_NOT_NULL};
    c->spec.filter = &term;
    c->spec.filter_count = 1;
    const char *left = format_decode_bytes(c, text, size);
    c->spec.filter_count = 0;
    bool lines = !memchr(text, '\n', size) || !memchr(text, '"', size);
    if (lines && !memchr(text, 0, size)) {  // each row is one line, and no text ends too early
        while (*whole) {
            const char *feed = strchr(whole, '\n');
            if (!feed) return;  // an error: of bytes that are no UTF-8, say
            const char *end = feed + 1;
            if (strncmp(whole, "+I[NULL,", 8) != 0 && strncmp(whole, "+I[NULL]", 8) != 0) {
                ASSERT(strncmp(left, whole, (size_t)(end - whole)) == 0);
                left += end - whole;
            }
            whole = end;
        }
        ASSERT(!*left);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 2) return 0;
    const char *text = (const char *)bytes + 2;
    size -= 2;
    FormatCase c;
    format_case(&c, "csv", SCHEMAS[bytes[0] % 4], OPTIONS[bytes[0] / 4 % 5]);
    char *whole = mem_strdup(format_decode_bytes(&c, text, size));
    c.piece = bytes[1] % 64 + 1;
    const char *pieces = format_decode_bytes(&c, text, size);
    // Bytes that are not UTF-8 fail a piece at once: what stands before them may have been read
    // (and a NUL in it, or one that is escaped, hides the error).
    ASSERT(strstr(whole, "error: this is not UTF-8")
               ? strstr(pieces, "error: ") || memchr(text, 0, size) || memmem(text, size, "\\0", 2)
               : strcmp(pieces, whole) == 0);
    c.piece = 0;
    if (bytes[0] / 4 % 5 == 1) check_round_trip(&c, bytes[0] % 4, text, size, whole);
    if (bytes[0] / 4 % 5 != 1) check_filter(&c, text, size, whole);
    (void)format_decode_messages(&c, whole);
    mem_free(whole);
    format_case_end(&c);
    return 0;
}
