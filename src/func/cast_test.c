#include "func/func_test.h"

static const Type *of(TypeKind kind) {
    return type_of(kind, true);
}

static const char *cast_text_of(FuncTest *test, const Vec *in, const Type *to, bool try_cast) {
    Vec *out = vec_new(&test->arena, to, in->len);
    if (cast_vec(in, in->len, NULL, try_cast, &test->env, &test->arena, out, &test->err)) {
        return test->err.message;
    }
    return test_text(test, out);
}

TEST(cast, numbers_wrap_and_saturate_as_java) {
    FuncTest test = func_test_begin();
    Vec *x = TEST_COLUMN(&test, of(TYPE_DOUBLE), "300.7", "-1.9", "9.3e18", "NaN", "~", "1e20");
    CHECK_STR(cast_text_of(&test, x, of(TYPE_TINYINT), false), "44 -1 -1 0 NULL -1");
    CHECK_STR(cast_text_of(&test, x, of(TYPE_INT), false), "300 -1 2147483647 0 NULL 2147483647");
    CHECK_STR(cast_text_of(&test, x, of(TYPE_BIGINT), false),
              "300 -1 9223372036854775807 0 NULL 9223372036854775807");
    CHECK_STR(cast_text_of(&test, x, of(TYPE_BOOLEAN), false), "TRUE TRUE TRUE TRUE NULL TRUE");
    Vec *l = TEST_COLUMN(&test, of(TYPE_BIGINT), "128", "2147483648", "-129");
    CHECK_STR(cast_text_of(&test, l, of(TYPE_TINYINT), false), "-128 0 127");
    CHECK_STR(cast_text_of(&test, l, type_decimal(&test.arena, 5, 2, true), false),
              "128.00 NULL -129.00");
    Vec *d = TEST_COLUMN(&test, type_decimal(&test.arena, 38, 0, true),
                         "99999999999999999999999999999999999999");
    CHECK_STR(cast_text_of(&test, d, of(TYPE_BIGINT), false), "687399551400673279");
    func_test_end(&test);
}

TEST(cast, text_is_read_as_flink_reads_it) {
    FuncTest test = func_test_begin();
    Vec *s = TEST_COLUMN(&test, of(TYPE_VARCHAR), " 7 ", "-1.999", ".", "1e3", "+5", "1a", "");
    CHECK_STR(cast_text_of(&test, s, of(TYPE_INT), true), "7 -1 0 NULL 5 NULL NULL");
    CHECK_STR(cast_text_of(&test, s, of(TYPE_DOUBLE), true),
              "7.0 -1.999 NULL 1000.0 5.0 NULL NULL");
    // One wrong character ends a small decimal, a big one is read strictly.
    CHECK_STR(cast_text_of(&test, s, type_decimal(&test.arena, 10, 2, true), true),
              "7.00 -2.00 0.00 1000.00 5.00 1.00 NULL");
    CHECK_STR(cast_text_of(&test, s, type_decimal(&test.arena, 38, 0, true), true),
              "7 -2 NULL 1000 5 NULL NULL");
    Vec *b = TEST_COLUMN(&test, of(TYPE_VARCHAR), "T", "no", "1", "maybe", " true", "~");
    CHECK_STR(cast_text_of(&test, b, of(TYPE_BOOLEAN), true), "TRUE FALSE TRUE NULL NULL NULL");
    CHECK_STR(cast_text_of(&test, b, of(TYPE_BOOLEAN), false),
              "cannot cast 'maybe' to BOOLEAN: the text is neither true nor false");
    func_test_end(&test);
}

TEST(cast, char_and_binary_are_padded_and_cut) {
    FuncTest test = func_test_begin();
    Vec *s = TEST_COLUMN(&test, of(TYPE_VARCHAR), "a", "\xC3\xA9\xC3\xA9t\xC3\xA9", "~");
    CHECK_STR(cast_text_of(&test, s, type_char(&test.arena, 3, true), false),
              "a   \xC3\xA9\xC3\xA9t NULL");
    CHECK_STR(cast_text_of(&test, s, type_varchar(&test.arena, 2, true), false),
              "a \xC3\xA9\xC3\xA9 NULL");
    CHECK_STR(cast_text_of(&test, s, type_binary(&test.arena, 3, true), false),
              "x'610000' x'c3a9c3' NULL");
    Vec *d = TEST_COLUMN(&test, type_decimal(&test.arena, 5, 2, true), "12.5", "-0.25", "~");
    CHECK_STR(cast_text_of(&test, d, type_varchar(&test.arena, 4, true), false), "12.5 -0.2 NULL");
    func_test_end(&test);
}

TEST(cast, an_element_that_fails_takes_its_array_along) {
    FuncTest test = func_test_begin();
    Vec *in = vec_new(&test.arena, type_array(&test.arena, of(TYPE_VARCHAR), true), 4);
    static const char *const TEXTS[] = {"1", "2", "x", "3"};
    for (uint32_t row = 0; row < 2; row++) {
        uint32_t at = vec_list_begin(in, row, 2);
        for (uint32_t i = 0; i < 2; i++) {
            vec_set_text(in->child[0], at + i, str_c(TEXTS[row * 2 + i]));
        }
    }
    vec_set_null(in, 2);
    const Type *ints = type_array(&test.arena, of(TYPE_INT), true);
    CHECK_STR(cast_text_of(&test, in, ints, true), "[1, 2] NULL NULL []");
    CHECK_STR(cast_text_of(&test, in, of(TYPE_VARCHAR), true), "[1, 2] [x, 3] NULL []");
    Vec *out = vec_new(&test.arena, ints, 4);
    CHECK(cast_vec(in, 4, NULL, false, &test.env, &test.arena, out, &test.err) == ST_RUNTIME);
    uint64_t first = 1;  // the failing row is not asked for
    out = vec_new(&test.arena, ints, 4);
    CHECK_OK(cast_vec(in, 4, &first, false, &test.env, &test.arena, out, &test.err), &test.err);
    CHECK_STR(test_text(&test, out), "[1, 2] NULL NULL NULL");
    CHECK(cast_allowed(in->type, ints) && !cast_allowed(in->type, of(TYPE_INT)));
    func_test_end(&test);
}

TEST(cast, timestamps_before_1970_lose_their_time_upwards) {
    FuncTest test = func_test_begin();
    Vec *ts = TEST_COLUMN(&test, type_timestamp(&test.arena, 3, true), "1969-12-31 23:59:59.999",
                          "2020-02-29 12:34:56.789", "~");
    CHECK_STR(cast_text_of(&test, ts, of(TYPE_DATE), false), "1970-01-01 2020-02-29 NULL");
    CHECK_STR(cast_text_of(&test, ts, type_timestamp(&test.arena, 0, true), false),
              "1970-01-01 00:00:00 2020-02-29 12:34:56 NULL");
    CHECK_STR(cast_text_of(&test, ts, type_timestamp_ltz(&test.arena, 6, true), false),
              "1969-12-31 23:59:59.999000 2020-02-29 12:34:56.789000 NULL");
    CHECK(!cast_allowed(ts->type, of(TYPE_BIGINT)) && cast_allowed(ts->type, of(TYPE_VARCHAR)));
    func_test_end(&test);
}
