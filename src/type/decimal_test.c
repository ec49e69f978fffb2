#include "type/decimal.h"

#include "test/unit.h"

static i128 read(const char *text, int32_t scale) {
    i128 value = 0;
    CHECK(decimal_parse(str_c(text), 38, scale, &value));
    return value;
}
static const char *print(i128 value, int32_t scale) {
    static char text[DECIMAL_TEXT_MAX + 1];
    text[decimal_print(value, scale, text)] = 0;
    return text;
}

TEST(decimal, text_goes_round) {
    CHECK_STR(print(read("0", 0), 0), "0");
    CHECK_STR(print(read("-0.5", 2), 2), "-0.50");
    CHECK_STR(print(read("99999999999999999999999999999999999999", 0), 0),
              "99999999999999999999999999999999999999");
    CHECK_STR(print(read("-0.00000000000000000000000000000000000001", 38), 38),
              "-0.00000000000000000000000000000000000001");
    CHECK_STR(print(read("1e3", 1), 1), "1000.0");
    CHECK_STR(print(read("12345678901234567890.5", 2), 2), "12345678901234567890.50");
    i128 value;
    CHECK(!decimal_parse(STR("1e38"), 38, 0, &value) && !decimal_parse(STR(""), 38, 0, &value));
    CHECK(!decimal_parse(STR("."), 38, 0, &value) && !decimal_parse(STR("1x"), 38, 0, &value));
    CHECK(!decimal_parse(STR("1000"), 3, 0, &value) && !decimal_parse(STR("999.5"), 3, 0, &value));
}

TEST(decimal, rounding_is_half_up) {
    CHECK_STR(print(read("1.005", 2), 2), "1.01");
    CHECK_STR(print(read("-1.005", 2), 2), "-1.01");
    CHECK_STR(print(read("1.00499999999999999999999999999999999999999999", 2), 2), "1.00");
    CHECK_STR(print(read("0.123456789012345678901234567890123456785", 38), 38),
              "0.12345678901234567890123456789012345679");
    i128 value;
    CHECK(decimal_rescale(15, 1, 38, 0, &value) && value == 2);
    CHECK(decimal_rescale(-25, 1, 38, 0, &value) && value == -3);
    CHECK(decimal_rescale(5, 76, 38, 6, &value) && value == 0);
    CHECK(!decimal_rescale(995, 1, 2, 0, &value));
}

TEST(decimal, sums_of_far_scales_are_exact) {
    i128 value;
    CHECK(decimal_add(read("99999999999999999999", 18), 18, read("99999999999999999999", 18), 18,
                      17, &value));
    CHECK_STR(print(value, 17), "199999999999999999998.00000000000000000");
    CHECK(decimal_sub(decimal_pow10(37), 0, 1, 38, 0, &value) && value == decimal_pow10(37));
    CHECK(!decimal_add(decimal_pow10(37) * 9, 0, decimal_pow10(37), 0, 0, &value));
    CHECK(decimal_cmp(decimal_pow10(37), 0, 1, 38) > 0 && decimal_cmp(-1, 0, -10, 1) == 0);
}

TEST(decimal, products_and_quotients_of_38_digits) {
    i128 value, third;
    CHECK(decimal_mul(read("0.12345678901234567890123456789012345678", 38), 38, 1, 0, 27, &value));
    CHECK_STR(print(value, 27), "0.123456789012345678901234568");
    CHECK(decimal_mul(read("99999999999999999999.999999999999999999", 18), 18,
                      read("0.999999999999999999", 18), 18, 6, &value));
    CHECK_STR(print(value, 6), "99999999999999999900.000000");
    CHECK(!decimal_mul(decimal_pow10(20), 0, decimal_pow10(20), 0, 0, &value));
    CHECK(decimal_div(decimal_pow10(37), 37, 3, 0, 37, &third));
    CHECK_STR(print(third, 37), "0.3333333333333333333333333333333333333");
    CHECK(decimal_div(read("123456789012345678.123456789012345678", 18), 18,
                      read("987654321098765432.987654321098765432", 18), 18, 18, &value));
    CHECK_STR(print(value, 18), "0.124999998860937499");
    CHECK(decimal_div(7, 0, 2, 0, 12, &value));
    CHECK_STR(print(value, 12), "3.500000000000");
    CHECK(!decimal_div(1, 0, 0, 0, 6, &value));
    CHECK(decimal_rem(75, 1, -2, 0, 1, &value) && value == 15);
    CHECK(decimal_rem(-75, 1, 2, 0, 1, &value) && value == -15);
    CHECK(decimal_rem(decimal_pow10(37), 0, 7, 30, 30, &value) && value >= 0 && value < 7);
}

TEST(decimal, doubles_come_by_their_text) {
    i128 value;
    CHECK(decimal_from_f64(0.1, 38, 30, &value));
    CHECK_STR(print(value, 30), "0.100000000000000000000000000000");
    CHECK(decimal_from_f64(1.0005, 10, 3, &value) && value == 1001);
    CHECK(!decimal_from_f64(1e300, 38, 0, &value) && !decimal_from_f64(0.0 / 0.0, 38, 0, &value));
    CHECK(decimal_to_f64(read("12345678901234567890", 0), 0) == 1.2345678901234567e19);
    CHECK(decimal_to_f64(1, 18) == 1e-18 && decimal_to_f64(-125, 2) == -1.25);
    CHECK(decimal_to_i64(read("-99999999999999999999999999999999999999", 0), 0) ==
          -687399551400673279);
    CHECK(decimal_digits(0) == 1 && decimal_digits(999) == 3 && decimal_digits(-1000) == 4);
    for (int32_t i = 1; i < 38; i++) {
        CHECK(decimal_digits(decimal_pow10(i)) == i + 1 &&
              decimal_digits(decimal_pow10(i) - 1) == i);
    }
}
