#include "func/func_test.h"

static const Type *decimal(FuncTest *test, int32_t precision, int32_t scale) {
    return type_decimal(&test->arena, precision, scale, true);
}
static const Type *of(TypeKind kind) {
    return type_of(kind, true);
}

TEST(arith, integers_wrap_in_the_wider_type) {
    FuncTest test = func_test_begin();
    Vec *bytes = TEST_COLUMN(&test, of(TYPE_TINYINT), "127", "-128", "~", "7");
    Vec *ints = TEST_COLUMN(&test, of(TYPE_INT), "2147483647", "-2147483648", "1", "-2");
    Vec *sum = TEST_CALL(&test, "+", bytes, bytes);
    CHECK_STR(test_text(&test, sum), "-2 0 NULL 14");
    CHECK_STR(test_type(&test, sum), "TINYINT");
    Vec *mixed = TEST_CALL(&test, "+", bytes, ints);
    CHECK_STR(test_text(&test, mixed), "-2147483522 2147483520 NULL 5");
    CHECK_STR(test_type(&test, mixed), "INT");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "*", ints, ints)), "1 0 1 4");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "UNARY -", ints)), "-2147483647 -2147483648 -1 2");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "ABS", bytes)), "127 -128 NULL 7");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "SIGN", ints)), "1 -1 1 -1");
    func_test_end(&test);
}

TEST(arith, division_truncates_and_guards_zero) {
    FuncTest test = func_test_begin();
    Vec *a = TEST_COLUMN(&test, of(TYPE_INT), "7", "-7", "-2147483648", "~");
    Vec *b = TEST_COLUMN(&test, of(TYPE_INT), "2", "2", "-1", "~");
    Vec *zero = TEST_COLUMN(&test, of(TYPE_INT), "1", "~", "0", "1");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "/", a, b)), "3 -3 -2147483648 NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "%", a, b)), "1 -1 0 NULL");
    CHECK(!TEST_CALL(&test, "/", a, zero) && test.err.status == ST_RUNTIME);
    CHECK(!TEST_CALL(&test, "MOD", a, zero) && test.err.status == ST_RUNTIME);
    Vec *f = TEST_COLUMN(&test, of(TYPE_DOUBLE), "1", "-1", "0", "5");
    Vec *none = TEST_COLUMN(&test, of(TYPE_DOUBLE), "0", "0", "0", "2");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "/", f, none)), "Infinity -Infinity NaN 2.5");
    CHECK(!TEST_CALL(&test, "%", f, none) && test.err.status == ST_VALIDATION);
    Vec *big = TEST_COLUMN(&test, of(TYPE_BIGINT), "9223372036854775807", "5", "-5", "1000");
    Vec *three = TEST_COLUMN(&test, of(TYPE_TINYINT), "10", "3", "3", "3");
    Vec *rest = TEST_CALL(&test, "MOD", big, three);
    CHECK_STR(test_text(&test, rest), "7 2 -2 1");
    CHECK_STR(test_type(&test, rest), "TINYINT");
    func_test_end(&test);
}

TEST(arith, decimals_derive_precision_and_scale) {
    FuncTest test = func_test_begin();
    Vec *a = TEST_COLUMN(&test, decimal(&test, 10, 2), "1.25");
    Vec *b = TEST_COLUMN(&test, decimal(&test, 7, 4), "3.5");
    Vec *c = TEST_COLUMN(&test, decimal(&test, 38, 18), "1.000000000000000001");
    Vec *i = TEST_COLUMN(&test, of(TYPE_INT), "3");
    Vec *x = TEST_COLUMN(&test, of(TYPE_FLOAT), "0.5");
    CHECK_STR(test_type(&test, TEST_CALL(&test, "+", a, b)), "DECIMAL(13, 4)");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "+", a, b)), "4.7500");
    CHECK_STR(test_type(&test, TEST_CALL(&test, "+", a, c)), "DECIMAL(38, 17)");
    CHECK_STR(test_type(&test, TEST_CALL(&test, "*", a, b)), "DECIMAL(18, 6)");
    CHECK_STR(test_type(&test, TEST_CALL(&test, "/", a, i)), "DECIMAL(21, 13)");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "/", a, i)), "0.4166666666667");
    CHECK_STR(test_type(&test, TEST_CALL(&test, "/", i, c)), "DECIMAL(38, 10)");
    CHECK_STR(test_type(&test, TEST_CALL(&test, "%", c, i)), "DECIMAL(28, 18)");
    CHECK_STR(test_type(&test, TEST_CALL(&test, "+", a, x)), "DOUBLE");
    CHECK_STR(test_type(&test, TEST_CALL(&test, "+", i, x)), "FLOAT");
    Vec *most = TEST_COLUMN(&test, decimal(&test, 38, 0), "99999999999999999999999999999999999999");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "+", most, most)), "NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "UNARY -", a)), "-1.25");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "SIGN", c)), "1.000000000000000000");
    func_test_end(&test);
}

TEST(math, rounding_is_of_the_printed_decimal) {
    FuncTest test = func_test_begin();
    Vec *x = TEST_COLUMN(&test, of(TYPE_DOUBLE), "2.675", "-0.5", "123.456", "1e300", "~");
    Vec *two = TEST_COLUMN(&test, of(TYPE_INT), "2", "0", "-1", "2", "1");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "ROUND", x, two)), "2.68 -1.0 120.0 1.0E300 NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "TRUNCATE", x, two)),
              "2.67 0.0 120.0 1.0E300 NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "FLOOR", x)), "2.0 -1.0 123.0 1.0E300 NULL");
    Vec *d = TEST_COLUMN(&test, decimal(&test, 12, 5), "2.50000", "-0.50000", "9999999.99999", "0",
                         "-1.5");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "ROUND", d)), "3 -1 10000000 0 -2");
    CHECK_STR(test_type(&test, TEST_CALL(&test, "ROUND", d)), "DECIMAL(8, 0)");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "CEIL", d)), "3 0 10000000 0 -1");
    Vec *t = TEST_COLUMN(&test, of(TYPE_TINYINT), "127", "5", "-5", "49", "~");
    Vec *tens = TEST_COLUMN(&test, of(TYPE_INT), "-1", "-1", "-1", "-1", "-1");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "ROUND", t, tens)), "-126 10 -10 50 NULL");
    func_test_end(&test);
}

TEST(math, seeded_random_numbers_are_javas) {
    FuncTest test = func_test_begin();
    Vec *seed = TEST_COLUMN(&test, of(TYPE_INT), "1", "42", "0", "~");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "RAND", seed)),
              "0.7308781907032909 0.7275636800328681 0.730967787376657 NULL");
    Vec *bound = TEST_COLUMN(&test, of(TYPE_INT), "100", "1000000", "16", "5");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "RAND_INTEGER", seed, bound)), "85 431130 11 NULL");
    Vec *low = TEST_COLUMN(&test, of(TYPE_INT), "0", "1", "1", "1");
    CHECK(!TEST_CALL(&test, "RAND_INTEGER", seed, low) && test.err.status == ST_RUNTIME);
    func_test_end(&test);
}
