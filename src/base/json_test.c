#include "base/json.h"

#include "test/unit.h"

// The text of [json] read and printed again, or NULL when it is not JSON.
static const char *json_again(const char *json, uint32_t flags) {
    static Buf out;
    Arena arena;
    JsonValue value;
    arena_init(&arena);
    out.len = 0;
    bool read = !json_parse(&arena, str_c(json), flags, &value, NULL, NULL);
    if (read) json_print(&value, flags, &out);
    arena_clear(&arena);
    return read ? buf_cstr(&out) : NULL;
}

TEST(json, compact_text_keeps_digits_and_prints_decimals_as_java) {
    CHECK_STR(json_again(" { \"b\" : [ 1 , 2.50, 1e3,null ] , \"a\":{ } }", 0),
              "{\"b\":[1,2.50,1E+3,null],\"a\":{}}");
    CHECK_STR(json_again("[1.0e5,1e-7,0.000001,-0.0,123e-2]", 0),
              "[1.0E+5,1E-7,0.000001,0.0,1.23]");
}

TEST(json, names_are_sorted_and_the_last_of_two_stands) {
    CHECK_STR(json_again("{\"b\":1,\"a\":2,\"b\":3}", 0), "{\"b\":3,\"a\":2}");
    CHECK_STR(json_again("{\"b\":1,\"a\":2,\"b\":3}", JSON_SORT_NAMES), "{\"a\":2,\"b\":3}");
    CHECK(json_again("{\"b\":1,\"b\":3}", JSON_UNIQUE_NAMES) == NULL);
}

TEST(json, many_names_are_unique_too) {
    Buf text = {0};
    buf_putc(&text, '{');
    for (int i = 0; i < 100; i++) buf_printf(&text, "\"k%d\":%d,", i % 50, i);
    buf_puts(&text, "\"last\":0}");
    Arena arena;
    arena_init(&arena);
    JsonValue value;
    CHECK(!json_parse(&arena, buf_str(&text), 0, &value, NULL, NULL));
    CHECK_INT(value.count, 51);
    CHECK(str_is(json_member(&value, STR("k7"))->text, "57"));
    arena_clear(&arena);
    buf_free(&text);
}

TEST(json, escapes_are_read_and_written) {
    CHECK_STR(json_again("\"\\u00e9\\ud83d\\ude00\\n\\/\\u0001\"", 0), "\"é😀\\n/\\u0001\"");
    CHECK_STR(json_again("\"\\ud83dx\"", 0), "\"?x\"");
}

TEST(json, what_is_not_json_is_refused) {
    const char *const bad[] = {"", "{", "{\"a\":}", "{a:1}", "[1,]", "'x'", "NaN", "01", "1.", ".5",
                               "+1", "truex", "\"a", "\"\\x\"", "\"\t\"", "1 2", "[1}", "-"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(json_again(bad[i], 0) == NULL);
}
