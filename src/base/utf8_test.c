#include "base/utf8.h"

#include "test/unit.h"

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static size_t slow_prefix(const char *bytes, size_t size) {
    size_t at = 0;
    while (at < size) {
        uint32_t code, taken = utf8_next(bytes + at, bytes + size, &code);
        if (taken == 1 && (unsigned char)bytes[at] >= 0x80) break;
        at += taken;
    }
    return at;
}

// Characters of all lengths, and now and then a byte made wrong.
TEST(utf8, the_fast_check_agrees_with_the_slow_one) {
    uint64_t seed = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        char text[300];
        size_t size = 0;
        uint64_t kind = next_random(&seed) % 4;  // text of letters alone, up to text of everything
        while (size < 280 && next_random(&seed) % 64) {
            static const uint32_t MOST[] = {0x80, 0x800, 0x10000, 0x110000};
            uint32_t most = MOST[kind ? next_random(&seed) % (kind + 1) : 0];
            uint32_t code = (uint32_t)(next_random(&seed) % most);
            if (code >= 0xD800 && code <= 0xDFFF) code = 'x';
            size += utf8_put(text + size, code);
        }
        if (size && next_random(&seed) % 2) {
            text[next_random(&seed) % size] = (char)next_random(&seed);
        }
        CHECK(utf8_valid_prefix(text, size) == slow_prefix(text, size));
    }
}

// All sequences of two bytes and the interesting ones of four, behind 61 to 64 letters: across the
// seam of two blocks.
TEST(utf8, no_bad_sequence_passes_a_seam_of_blocks) {
    char text[140];
    for (size_t lead = 61; lead <= 64; lead++) {
        memset(text, 'x', sizeof text);
        for (uint32_t pair = 0; pair < 65536; pair++) {
            for (uint32_t tail = 0; tail < 3; tail++) {
                text[lead] = (char)(pair >> 8);
                text[lead + 1] = (char)pair;
                text[lead + 2] = tail > 0 ? '\x80' : 'x';
                text[lead + 3] = tail > 1 ? '\x80' : 'x';
                CHECK(utf8_valid_prefix(text, 130) == slow_prefix(text, 130));
            }
        }
    }
}

static const char *jackson(const char *text, uint32_t *bad) {
    static char copy[64];
    uint32_t len = (uint32_t)strlen(text);
    memcpy(copy, text, len);
    if (!utf8_read_jackson(copy, &len, bad)) return NULL;
    copy[len] = 0;
    return copy;
}

// What Flink 2.3 printed for these.
TEST(utf8, jackson_takes_overlong_forms_and_surrogates) {
    uint32_t bad = 99;
    CHECK_STR(jackson("\xED\xA0\x80", &bad), "?");
    CHECK_STR(jackson("\xF5\x80\x80\x80", &bad), "??");
    CHECK_STR(jackson("\xC0\xAF", &bad), "/");
    CHECK_STR(jackson("\xE0\x80\xAF", &bad), "/");
    CHECK_STR(jackson("\xF0\x80\x80\xAF", &bad), "\xEF\xBF\x80?");
    CHECK_STR(jackson("\xF7\xBF\xBF\xBF", &bad), "??");
    CHECK_STR(jackson("\xED\xA0\x81\xED\xB0\x80", &bad), "\xF0\x90\x90\x80");
    CHECK_STR(jackson("a\xED\xA0\x81", &bad), "a?");
    CHECK(bad == 99);
    CHECK(!jackson("x\xFF\xFEx", &bad) && bad == 1);
    CHECK(!jackson("x\xE2\x28\xA1", &bad) && bad == 2);
    CHECK(!jackson("x\xE2\x82", &bad) && bad == 3);
}

static const char *java(const char *text, Buf *out) {
    out->len = 0;
    utf8_replace_bad(str_c(text), out);
    return buf_cstr(out);
}

#define R "\xEF\xBF\xBD"
TEST(utf8, java_replaces_maximal_parts) {
    Buf out = {0};
    CHECK_STR(java("a\xFF\xFEx", &out), "a" R R "x");
    CHECK_STR(java("b\xC3,\xE2\x82,", &out), "b" R "," R ",");
    CHECK_STR(java("\xF0\x9F\x98\"", &out), R "\"");
    CHECK_STR(java("\xED\xA0\x80", &out), R);
    CHECK_STR(java("\xF5\x80\x80\x80", &out), R R R R);
    CHECK_STR(java("\xC0\xAF", &out), R R);
    CHECK_STR(java("\xE2\x28\xA1", &out), R "(" R);
    CHECK_STR(java("\xF0\x28\x8C\xBC", &out), R "(" R R);
    CHECK_STR(java("\xF4\x90\x80\x80", &out), R R R R);
    CHECK_STR(java("\xE2\x82", &out), R);
    buf_free(&out);
}
