#include "type/number.h"

#include <float.h>
#include <math.h>

#include "test/unit.h"

static const char *print64(double value) {
    static char text[NUMBER_TEXT_MAX + 1];
    text[f64_print(value, text)] = 0;
    return text;
}
static const char *print32(float value) {
    static char text[NUMBER_TEXT_MAX + 1];
    text[f32_print(value, text)] = 0;
    return text;
}

TEST(number, doubles_print_the_digits_of_jdk_17) {
    CHECK_STR(print64(0.0), "0.0");
    CHECK_STR(print64(-0.0), "-0.0");
    CHECK_STR(print64(1), "1.0");
    CHECK_STR(print64(100), "100.0");
    CHECK_STR(print64(9999999), "9999999.0");
    CHECK_STR(print64(1e7), "1.0E7");
    CHECK_STR(print64(0.001), "0.001");
    CHECK_STR(print64(0.0009), "9.0E-4");
    CHECK_STR(print64(0.1 + 0.2), "0.30000000000000004");
    CHECK_STR(print64(2e-3), "0.002");
    CHECK_STR(print64(1e23), "9.999999999999999E22");
    CHECK_STR(print64(DBL_MAX), "1.7976931348623157E308");
    CHECK_STR(print64(DBL_MIN), "2.2250738585072014E-308");
    CHECK_STR(print64(4.9e-324), "4.9E-324");
    CHECK_STR(print64(-INFINITY), "-Infinity");
    CHECK_STR(print64(NAN), "NaN");
    // Not the shortest that reads back, but what the JDK prints.
    CHECK_STR(print64(9007199254740993.0), "9.007199254740992E15");
    CHECK_STR(print64(9.3e18f), "9.300000300729369E18");
    CHECK_STR(print64(4611686018427387904.0), "4.6116860184273879E18");
}

TEST(number, floats_print_the_digits_of_jdk_17) {
    CHECK_STR(print32(0.1f), "0.1");
    CHECK_STR(print32(1e10f), "1.0E10");
    CHECK_STR(print32(3.4028235e38f), "3.4028235E38");
    CHECK_STR(print32(1.4e-45f), "1.4E-45");
    CHECK_STR(print32(33554432.f), "3.3554432E7");
    CHECK_STR(print32(1.17549435e-38f), "1.17549435E-38");
    CHECK_STR(print32(-2147483648.f), "-2.14748365E9");
}

TEST(number, integers_print_to_both_ends) {
    char text[NUMBER_TEXT_MAX + 1];
    text[i64_print(INT64_MIN, text)] = 0;
    CHECK_STR(text, "-9223372036854775808");
    text[i64_print(0, text)] = 0;
    CHECK_STR(text, "0");
    text[i64_print(100, text)] = 0;
    CHECK_STR(text, "100");
    text[i64_print(-12345, text)] = 0;
    CHECK_STR(text, "-12345");
}

TEST(number, printed_doubles_read_back) {
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        double value, back = 0;
        memcpy(&value, &seed, sizeof value);
        if (!isfinite(value)) continue;
        char text[NUMBER_TEXT_MAX];
        uint32_t len = f64_print(value, text);
        CHECK(f64_parse((Str){text, len}, &back));
        CHECK(back == value);
    }
}

static bool reads(const char *text, double expected) {
    double value = 0;
    return f64_parse(str_c(text), &value) && value == expected;
}

TEST(number, decoders_read_plain_numbers_whole_or_not_at_all) {
    CHECK(reads("1", 1) && reads("-1.5e3", -1500) && reads(".5", 0.5) && reads("5.", 5));
    CHECK(reads("1e23", 1e23) && reads("123456789012345678901234567890", 1.2345678901234568e29));
    CHECK(reads("0.1234567890123456789", 0.1234567890123456789) && reads("1e400", INFINITY));
    double value;
    CHECK(!f64_parse(STR(""), &value) && !f64_parse(STR("-"), &value));
    CHECK(!f64_parse(STR("."), &value) && !f64_parse(STR("1e"), &value));
    CHECK(!f64_parse(STR("1x"), &value) && !f64_parse(STR(" 1"), &value));
    CHECK(!f64_parse(STR("NaN"), &value) && !f64_parse(STR("0x10"), &value));
    CHECK(!f64_parse(STR("inf"), &value) && !f64_parse(STR("1.2.3"), &value));
}

TEST(number, casts_read_what_java_reads) {
    double value = 0;
    float single = 0;
    CHECK(f64_parse_java(STR(" 1.5 "), &value) && value == 1.5);
    CHECK(f64_parse_java(STR("0x1p3"), &value) && value == 8);
    CHECK(f64_parse_java(STR("0x1.8p1d"), &value) && value == 3);
    CHECK(f64_parse_java(STR("1d"), &value) && value == 1);
    CHECK(f64_parse_java(STR("1.5F"), &value) && value == 1.5);
    CHECK(f64_parse_java(STR("-Infinity"), &value) && value == -INFINITY);
    CHECK(f64_parse_java(STR("NaN"), &value) && isnan(value));
    CHECK(!f64_parse_java(STR("inf"), &value) && !f64_parse_java(STR("nan"), &value));
    CHECK(!f64_parse_java(STR("0x10"), &value) && !f64_parse_java(STR(""), &value));
    CHECK(f32_parse_java(STR("16777217"), &single) && single == 16777216.f);
    CHECK(f32_parse_java(STR("1e39"), &single) && isinf(single));
    // By way of a double this would round twice, to 1.0000001788139343.
    CHECK(f32_parse(STR("1.00000017881393432617187499"), &single) && single == 0x1.000002p0f);
}

TEST(number, whole_numbers_stop_at_the_range) {
    int64_t value;
    CHECK(i64_parse(STR("-9223372036854775808"), &value) && value == INT64_MIN);
    CHECK(i64_parse(STR("+5"), &value) && value == 5);
    CHECK(!i64_parse(STR("9223372036854775808"), &value));
    CHECK(!i64_parse(STR("99999999999999999999999"), &value));
    CHECK(!i64_parse(STR("-"), &value) && !i64_parse(STR("1 "), &value));
}
