// fuzz_json: the json decoder. The first byte chooses schema and options, the rest is a file. Cut
// into pieces of any size it gives the same rows; rows written as JSON read back as they were.
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "format/testing.h"
#include "fuzz/fuzz.h"

static const char *const SCHEMAS[] = {
    "id INT, name STRING, n DOUBLE, t TIMESTAMP(3), ok BOOLEAN",
    "a ROW<x BIGINT, y ROW<z STRING, l ARRAY<INT>>>, m MAP<STRING, ROW<k TINYINT>>, d DECIMAL(9)",
    "f FLOAT, b BYTES, da DATE, ti TIME, l TIMESTAMP_LTZ(9), s SMALLINT, c CHAR(3)",
    "a ARRAY<ARRAY<STRING>>, r ARRAY<ROW<a INT, b STRING>>, u MULTISET<STRING>, t STRING",
};
static const char *const OPTIONS[] = {
    NULL, "ignore-parse-errors=true", "timestamp-format.standard=ISO-8601;ignore-parse-errors=true",
    "fail-on-missing-field=true", "decode.json-parser.enabled=false;ignore-parse-errors=true",
};

static bool same(const char *a, const char *b) {
    if (strcmp(a, b) == 0) return true;
    (void)fprintf(stderr, "--- one way:\n%s\n--- the other:\n%s\n", a, b);
    return false;
}

// With errors ignored a filter takes rows away, in order, and adds none. (Of a key that comes twice
// the filter may see the first value only.)
static void check_filter(FormatCase *c, const char *text, size_t size, const char *whole) {
    FilterTerm term = {.op = TERM_NOT_NULL};
    c->spec.filter = &term;
    c->spec.filter_count = 1;
    const char *left = format_decode_bytes(c, text, size);
    c->spec.filter_count = 0;
    if (strstr(left, "error: ") || strstr(whole, "error: ")) return;
    while (*left) {
        const char *feed = strchr(left, '\n');
        if (!feed) return;  // a NUL in a text ends it too early
        const char *end = feed + 1;
        whole = memmem(whole, strlen(whole), left, (size_t)(end - left));
        ASSERT(whole);
        whole += end - left;
        left = end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 2) return 0;
    const char *text = (const char *)bytes + 2;
    size -= 2;
    FormatCase c;
    format_case(&c, "json", SCHEMAS[bytes[0] % 4], OPTIONS[bytes[0] / 4 % 5]);
    char *whole = mem_strdup(format_decode_bytes(&c, text, size));
    c.piece = bytes[1] % 64 + 1;
    ASSERT(same(format_decode_bytes(&c, text, size), whole));
    c.piece = 0;
    // Rows, if they came without errors, written and read again. (Behind a NUL nobody sees them.)
    bool hidden = memchr(c.out.ptr, 0, c.out.len) || memchr(text, 0, size);
    if (bytes[0] / 4 % 5 == 0 && !strstr(whole, "error: ") && !hidden) {
        Buf copy = {0};
        buf_put(&copy, text, size);
        Buf written = {0};
        buf_puts(&written, format_encode(&c, buf_cstr(&copy)));
        ASSERT(same(format_decode(&c, buf_cstr(&written)), whole));
        buf_free(&copy);
        buf_free(&written);
    }
    check_filter(&c, text, size, whole);
    (void)format_decode_messages(&c, whole);  // any other text
    mem_free(whole);
    format_case_end(&c);
    return 0;
}
