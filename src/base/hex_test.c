#include "base/hex.h"

#include "test/unit.h"

TEST(hex, percent_encoding_goes_there_and_back) {
    Arena arena;
    Buf out = {0};
    arena_init(&arena);
    percent_encode(STR("a/b c+%\xC3\xA9~"), "/", &out);
    CHECK_STR(buf_cstr(&out), "a/b%20c%2B%25%C3%A9~");
    CHECK(str_eq(percent_decode(&arena, buf_str(&out)), STR("a/b c+%\xC3\xA9~")));
    out.len = 0;
    percent_encode(str_make("/\0", 2), "", &out);
    CHECK_STR(buf_cstr(&out), "%2F%00");
    buf_free(&out);
    arena_clear(&arena);
}

TEST(hex, a_percent_sign_without_two_digits_is_itself) {
    Arena arena;
    arena_init(&arena);
    CHECK_STR(percent_decode(&arena, STR("100%")).ptr, "100%");
    CHECK_STR(percent_decode(&arena, STR("%4")).ptr, "%4");
    CHECK_STR(percent_decode(&arena, STR("%4g%%41")).ptr, "%4g%A");
    CHECK_STR(percent_decode(&arena, STR("")).ptr, "");
    arena_clear(&arena);
}

TEST(hex, digits_are_of_either_case) {
    CHECK(hex_digit('9') == 9 && hex_digit('a') == 10 && hex_digit('F') == 15);
    CHECK(hex_digit('g') < 0 && hex_digit('@') < 0 && hex_digit('\0') < 0 && hex_digit('\x10') < 0);
    Buf out = {0};
    buf_put_hex(&out, STR("\x01\xAB\xFF"));
    CHECK_STR(buf_cstr(&out), "01abff");
    buf_free(&out);
}
