#include "base/text.h"

#include "test/unit.h"

TEST(text, utf16_order_puts_surrogates_below_private_use) {
    CHECK(str_cmp_utf16(STR("\xF0\x9F\x98\x80"), STR("\xEF\xBF\xBD")) < 0);  // U+1F600, U+FFFD
    CHECK(str_cmp(STR("\xF0\x9F\x98\x80"), STR("\xEF\xBF\xBD")) > 0);
    CHECK(str_cmp_utf16(STR("a"), STR("ab")) < 0);
    CHECK(str_cmp_utf16(STR("é"), STR("é")) == 0);
}

TEST(text, malformed_bytes_count_one_character_each) {
    CHECK(utf8_count(STR("a\xFF\xC3z")) == 4);
    CHECK(utf8_count(STR("水位")) == 2);
    CHECK(!utf8_valid(STR("\xED\xA0\x80")));  // a surrogate
}

TEST(text, whole_numbers_are_read_whole_or_not_at_all) {
    int64_t value;
    CHECK(str_to_i64(STR("-9223372036854775808"), &value) && value == INT64_MIN);
    CHECK(!str_to_i64(STR("9223372036854775808"), &value));
    CHECK(!str_to_i64(STR("12a"), &value) && !str_to_i64(STR(""), &value));
}

TEST(text, nearest_name_forgives_a_slip_but_not_a_stranger) {
    const char *const names[] = {"amount", "account", "ts"};
    CHECK_STR(text_nearest(STR("amout"), names, 3), "amount");
    CHECK(text_nearest(STR("zebra"), names, 3) == NULL);
}

TEST(text, lines_and_numbers_are_cut_off_the_front) {
    Str rest = STR("12 -7 id 1\n\nlast"), line;
    int64_t number;
    CHECK(str_take_line(&rest, &line) && str_is(line, "12 -7 id 1"));
    CHECK(str_take_i64(&line, &number) && number == 12);
    CHECK(str_take_i64(&line, &number) && number == -7);
    CHECK(!str_take_i64(&line, &number) && str_is(line, "id 1"));
    CHECK(str_take_line(&rest, &line) && line.len == 0);
    CHECK(!str_take_line(&rest, &line));  // it has no end
    CHECK(str_is(str_next_line(&rest), "last") && rest.len == 0);
    CHECK(str_next_line(&rest).len == 0);
}
