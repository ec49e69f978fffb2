#include "format/testing.h"
#include "test/unit.h"

static const char QUOTES[] =
    "1,\"multi\nline\",a\n\n2,\"doubled \"\"quotes\"\"\",b\n3,no \"inner\" quote,c\n"
    "4,\"trailing\" ,d\n5, \"leading\",e\n6,last without newline,f";

TEST(csv, quotes_are_jacksons) {
    FormatCase c;
    format_case(&c, "csv", "id INT, a STRING, b STRING", "ignore-parse-errors=true");
    const char *rows =
        "+I[1, multi\nline, a]\n+I[NULL, NULL, NULL]\n+I[2, doubled \"quotes\", b]\n"
        "+I[3, no \"inner\" quote, c]\n+I[4, trailing, d]\n+I[5,  \"leading\", e]\n"
        "+I[6, last without newline, f]\n";
    CHECK_STR(format_decode(&c, QUOTES), rows);
    for (c.piece = 1; c.piece < 80; c.piece++) CHECK_STR(format_decode(&c, QUOTES), rows);
    format_case_want(&c, "a STRING");
    c.piece = 0;
    CHECK_STR(format_decode(&c, "1,\"a\"x,b\n2,c,d\n"), "+I[c]\n");
    format_case_end(&c);
    format_case(&c, "csv", "id INT, a STRING, b STRING", NULL);
    CHECK(strstr(format_decode(&c, QUOTES), "row length mismatch: 3 fields expected but was 1"));
    CHECK_INT(c.err.place.line, 3);
    format_case_end(&c);
}

TEST(csv, lenient_values_are_javas) {
    static const char LENIENT[] =
        " 1 , true , 1.5 , 2024-01-01 \n+2,1,1e2,2024-1-1\n03,yes,.5,2024-01-01T00:00:00\n"
        "0x10,FALSE,1_000,20240101\n-0,t,NaN,\n2147483648,,Infinity,2024-02-30\n";
    FormatCase c;
    format_case(&c, "csv", "a INT, b BOOLEAN, c DOUBLE, d DATE", "ignore-parse-errors=true");
    CHECK_STR(format_decode(&c, LENIENT),
              "+I[1, TRUE, 1.5, NULL]\n+I[2, FALSE, 100.0, 2024-01-01]\n+I[3, FALSE, 0.5, NULL]\n"
              "+I[NULL, FALSE, NULL, NULL]\n+I[0, FALSE, NaN, NULL]\n"
              "+I[NULL, FALSE, Infinity, 2024-03-01]\n");
    format_case_end(&c);
    format_case(&c, "csv", "a BIGINT, b BOOLEAN, c DECIMAL(10, 3), d TIMESTAMP(3)",
                "ignore-parse-errors=true");
    CHECK_STR(format_decode(&c, LENIENT),
              "+I[1, TRUE, NULL, NULL]\n+I[2, FALSE, 100.000, NULL]\n+I[3, FALSE, 0.500, NULL]\n"
              "+I[NULL, FALSE, NULL, NULL]\n+I[0, FALSE, NULL, NULL]\n"
              "+I[2147483648, FALSE, NULL, NULL]\n");
    format_case_end(&c);
    format_case(&c, "csv", "a TINYINT, b STRING, c FLOAT", "ignore-parse-errors=true");
    CHECK_STR(format_decode(&c, LENIENT), "+I[0, t, NaN]\n");  // the others have a field too many
    format_case_end(&c);
}

TEST(csv, dialect_of_semicolons) {
    FormatCase c;
    format_case(&c, "csv", "a STRING, b INT, c ARRAY<INT>, d ROW<x INT, y STRING>",
                "field-delimiter=|;quote-character=';allow-comments=true;escape-character=\\;"
                "null-literal=n/a");
    static const char SEMI[] =
        "# a comment "
        "line\none|1|1;2;3|7;x\n'two|pipes'|2|4|8;y\nn/a|n/a|n/a|1;n/a\n'it\\'s'|5||9;n/a\n";
    const char *rows =
        "+I[one, 1, [1, 2, 3], (7, x)]\n+I[two|pipes, 2, [4], (8, y)]\n"
        "+I[NULL, NULL, [NULL], (1, NULL)]\n+I[it's, 5, [], (9, NULL)]\n";
    CHECK_STR(format_decode(&c, SEMI), rows);
    for (c.piece = 1; c.piece < 40; c.piece++) CHECK_STR(format_decode(&c, SEMI), rows);
    c.piece = 0;
    format_case_want(&c, "d ROW<y STRING>, a STRING");
    CHECK_STR(format_decode(&c, SEMI),
              "+I[(x), one]\n+I[(y), two|pipes]\n+I[(NULL), NULL]\n+I[(NULL), it's]\n");
    format_case_end(&c);
}

TEST(csv, the_sink_quotes_as_jackson) {
    FormatCase c;
    format_case(&c, "csv", "a STRING, b STRING, d DECIMAL(10, 2), e DOUBLE, f ARRAY<STRING>", NULL);
    CHECK_STR(
        format_encode(&c,
                      "{\"a\":\"a b\",\"b\":\"A_b\",\"d\":5.00,\"e\":1e20,\"f\":[\"x\",\"y;z\"]}\n"
                      "{\"a\":\"q\\\"q\",\"b\":\"+1\",\"d\":-0.05,\"f\":[\"a b\",null]}\n"
                      "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaa\",\"b\":\"1:2\",\"d\":500}"),
        "\"a b\",A_b,5,1.0E20,x;y;z\n\"q\"\"q\",\"+1\",-0.05,,\"a b;\"\n"
        "\"aaaaaaaaaaaaaaaaaaaaaaaaa\",1:2,5E+2,,\n");
    format_case_end(&c);
}

// Text with all that CSV has to be careful with, from a seed.
static void put_text(uint64_t *seed, Buf *out) {
    static const char *const PARTS[] = {"\\\"", ",", ";", "\\n", "\\r\\n", " ", "'", "#", "\\\\",
                                        "a", "bc", "NIL", "\u6c34", "\\t", "|", "0"};
    for (uint32_t i = 0; i < 6; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        if (*seed >> 62 == 0) break;
        buf_puts(out, PARTS[*seed >> 40 & 15]);
    }
}

// Encoded and decoded again rows are what they were: text of any characters, numbers, lists. (But
// for a list or a ROW that is NULL: Flink writes the null literal and does not know it again.)
TEST(csv, what_is_written_reads_back) {
    static const char *const OPTIONS[] = {
        "null-literal=NIL", "null-literal=n;field-delimiter=|;quote-character='",
        "null-literal=NULL;field-delimiter=\t", "null-literal=;array-element-delimiter=:"};
    static const char SCHEMA[] =
        "a STRING, b INT, c DOUBLE, d DECIMAL(20, 4), e BOOLEAN, f TIMESTAMP(3), g DATE, h BYTES, "
        "i ARRAY<BIGINT>, j ROW<x INT, y DOUBLE>, k STRING";
    uint64_t seed = 7;
    for (uint32_t round = 0; round < 400; round++) {
        Buf json = {0};
        for (uint32_t row = 0; row < 5; row++) {
            buf_printf(&json, "{\"a\":\"x");  // never the null literal, never nothing
            put_text(&seed, &json);
            buf_printf(&json, "\",\"b\":%d,\"c\":%.17g,\"d\":%u.%u", (int)(seed >> 32),
                       (double)(int64_t)seed * 1e-7, (uint32_t)(seed >> 20),
                       (uint32_t)(seed >> 52));
            if (seed >> 63) {
                buf_printf(&json,
                           ",\"e\":%s,\"f\":\"2024-01-31 12:34:56.%03u\",\"g\":\"20%02u-03-0%u\"",
                           seed >> 31 & 1 ? "true" : "false", (uint32_t)(seed >> 33) % 1000,
                           (uint32_t)(seed >> 35) % 90 + 10, (uint32_t)(seed >> 37) % 9 + 1);
            }
            buf_printf(&json, ",\"h\":\"AQID\",\"i\":[1,%d,-3],\"j\":{\"x\":%d,\"y\":0.5}",
                       (int)(seed >> 32), (int)(seed >> 34));
            buf_puts(&json, ",\"k\":\"y");
            put_text(&seed, &json);
            buf_puts(&json, "\"}\n");
        }
        FormatCase text, csv;
        format_case(&text, "json", SCHEMA, NULL);
        format_case(&csv, "csv", SCHEMA, OPTIONS[round % 4]);
        const char *rows = format_decode(&text, buf_cstr(&json));
        CHECK(!strstr(rows, "error: "));
        Buf written = {0};
        buf_puts(&written, format_encode(&csv, buf_cstr(&json)));
        CHECK_STR(format_decode(&csv, buf_cstr(&written)), rows);
        buf_free(&written);
        buf_free(&json);
        format_case_end(&text);
        format_case_end(&csv);
    }
}
