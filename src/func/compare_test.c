#include "func/func_test.h"

static const Type *of(TypeKind kind) {
    return type_of(kind, true);
}

TEST(compare, numbers_of_all_kinds_meet) {
    FuncTest test = func_test_begin();
    Vec *i = TEST_COLUMN(&test, of(TYPE_INT), "1", "2", "~", "2147483647");
    Vec *l = TEST_COLUMN(&test, of(TYPE_BIGINT), "1", "3", "5", "9007199254740993");
    Vec *x = TEST_COLUMN(&test, of(TYPE_DOUBLE), "1", "NaN", "5", "9007199254740992");
    Vec *d = TEST_COLUMN(&test, type_decimal(&test.arena, 20, 4, true), "1", "2.5", "0",
                         "9007199254740993");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "=", i, l)), "TRUE FALSE NULL FALSE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "=", l, x)), "TRUE FALSE TRUE TRUE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "=", l, d)), "TRUE FALSE FALSE TRUE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "=", d, x)), "TRUE FALSE FALSE TRUE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "<", d, x)), "FALSE TRUE TRUE FALSE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, ">", x, x)), "FALSE FALSE FALSE FALSE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "<=", l, x)), "TRUE FALSE TRUE TRUE");
    func_test_end(&test);
}

TEST(compare, text_meets_numbers_in_order_only) {
    FuncTest test = func_test_begin();
    Vec *s = TEST_COLUMN(&test, of(TYPE_VARCHAR), "1", "10", "-5", "~");
    Vec *i = TEST_COLUMN(&test, of(TYPE_INT), "1", "9", "-5", "5");
    CHECK_STR(test_text(&test, TEST_CALL(&test, ">", s, i)), "FALSE TRUE FALSE NULL");
    CHECK(!TEST_CALL(&test, "=", s, i) && test.err.status == ST_VALIDATION);
    Vec *ten = TEST_COLUMN(&test, of(TYPE_INT), "10", "10", "10", "10");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "BETWEEN ASYMMETRIC", s, i, ten)),
              "TRUE TRUE TRUE NULL");
    Vec *b = TEST_COLUMN(&test, of(TYPE_BOOLEAN), "true", "false", "true", "~");
    Vec *t = TEST_COLUMN(&test, of(TYPE_VARCHAR), "true", "false", "x", "true");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "=", b, t)), "FALSE FALSE FALSE NULL");
    Vec *day = TEST_COLUMN(&test, of(TYPE_DATE), "2020-01-01", "2020-01-02", "~", "1999-12-31");
    Vec *text =
        TEST_COLUMN(&test, of(TYPE_VARCHAR), "2020-01-01", "2020-1-3", "2020-01-01", "2000");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "=", day, text)), "TRUE FALSE NULL FALSE");
    func_test_end(&test);
}

TEST(compare, null_is_a_value_when_asked_for_distinctness) {
    FuncTest test = func_test_begin();
    Vec *a = TEST_COLUMN(&test, of(TYPE_INT), "1", "1", "~", "~");
    Vec *b = TEST_COLUMN(&test, of(TYPE_INT), "1", "2", "1", "~");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "IS DISTINCT FROM", a, b)),
              "FALSE TRUE TRUE FALSE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "IS NOT DISTINCT FROM", a, b)),
              "TRUE FALSE FALSE TRUE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "NULLIF", a, b)), "NULL 1 NULL NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "COALESCE", a, b)), "1 1 1 NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "IS NULL", a)), "FALSE FALSE TRUE TRUE");
    func_test_end(&test);
}

TEST(compare, in_casts_its_items_to_the_value) {
    FuncTest test = func_test_begin();
    Vec *i = TEST_COLUMN(&test, of(TYPE_INT), "1", "2", "~", "3");
    Vec *half = TEST_COLUMN(&test, type_decimal(&test.arena, 2, 1, false), "1.5", "1.5", "1.5",
                            "1.5");
    Vec *null = TEST_COLUMN(&test, of(TYPE_INT), "~", "2", "~", "~");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "IN", i, half)), "TRUE FALSE NULL FALSE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "IN", i, half, null)), "TRUE TRUE NULL NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "NOT IN", i, half, null)),
              "FALSE FALSE NULL NULL");
    Vec *day = TEST_COLUMN(&test, of(TYPE_DATE), "2020-01-01", "~", "~", "~");
    CHECK(!TEST_CALL(&test, "IN", i, day) && test.err.status == ST_VALIDATION);
    func_test_end(&test);
}

TEST(compare, logic_has_three_values) {
    FuncTest test = func_test_begin();
    Vec *p = TEST_COLUMN(&test, of(TYPE_BOOLEAN), "true", "true", "true", "false", "false", "false",
                         "~", "~", "~");
    Vec *q = TEST_COLUMN(&test, of(TYPE_BOOLEAN), "true", "false", "~", "true", "false", "~",
                         "true", "false", "~");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "AND", p, q)),
              "TRUE FALSE NULL FALSE FALSE FALSE NULL FALSE NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "OR", p, q)),
              "TRUE TRUE TRUE TRUE FALSE NULL TRUE NULL NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "NOT", p)),
              "FALSE FALSE FALSE TRUE TRUE TRUE NULL NULL NULL");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "IS NOT TRUE", p)),
              "FALSE FALSE FALSE TRUE TRUE TRUE TRUE TRUE TRUE");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "IF", p, q, p)),
              "TRUE FALSE NULL FALSE FALSE FALSE NULL NULL NULL");
    func_test_end(&test);
}

TEST(compare, the_greatest_needs_all_values) {
    FuncTest test = func_test_begin();
    Vec *i = TEST_COLUMN(&test, of(TYPE_INT), "1", "~", "0");
    Vec *x = TEST_COLUMN(&test, of(TYPE_DOUBLE), "4.5", "1", "NaN");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "GREATEST", i, x)), "4.5 NULL NaN");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "LEAST", i, x)), "1.0 NULL 0.0");
    Vec *s = TEST_COLUMN(&test, of(TYPE_VARCHAR), "b", "ab", "\xF0\x9F\x98\x80");
    Vec *t = TEST_COLUMN(&test, of(TYPE_VARCHAR), "a", "b", "\xEF\xBF\xBF");
    CHECK_STR(test_text(&test, TEST_CALL(&test, "GREATEST", s, t)), "b b \xEF\xBF\xBF");
    func_test_end(&test);
}
