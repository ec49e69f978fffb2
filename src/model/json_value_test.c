#include "model/json_value.h"

#include "test/unit.h"

static const char *read_as(Arena *arena, const Type *type, const char *json) {
    static Error err;
    JsonValue value;
    Buf out = {0};
    CHECK(!json_parse(arena, str_c(json), 0, &value, NULL, &err));
    Vec *vec = vec_new(arena, type, 1);
    if (json_read_value(&value, vec, 0, &err)) return err.message;
    json_put_value(vec, 0, &out);
    const char *text = str_cstr(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

TEST(json_value, is_read_for_what_it_says) {
    Arena arena = {0};
    const Type *integer = type_of(TYPE_INT, true), *text = type_of(TYPE_VARCHAR, true);
    CHECK_STR(read_as(&arena, integer, "\"1.0\""), "1");
    CHECK_STR(read_as(&arena, integer, "[7]"), "7");
    CHECK_STR(read_as(&arena, integer, "true"), "1");
    CHECK_STR(read_as(&arena, integer, "null"), "null");
    CHECK_STR(read_as(&arena, integer, "1.5"), "1.5 is no INT");
    CHECK_STR(read_as(&arena, integer, "3000000000"), "3000000000 is no INT");
    CHECK_STR(read_as(&arena, integer, "{\"a\":1}"), "{\"a\":1} is no INT");
    CHECK_STR(read_as(&arena, type_of(TYPE_BIGINT, true), "9223372036854775807"),
              "9223372036854775807");
    CHECK_STR(read_as(&arena, type_of(TYPE_DOUBLE, true), "\"0.47058823529411764\""),
              "0.47058823529411764");
    CHECK_STR(read_as(&arena, type_of(TYPE_DOUBLE, true), "\"NaN\""), "\"NaN\"");
    CHECK_STR(read_as(&arena, type_of(TYPE_BOOLEAN, true), "\"TRUE\""), "true");
    CHECK_STR(read_as(&arena, type_of(TYPE_BOOLEAN, true), "2"), "2 is no BOOLEAN");
    CHECK_STR(read_as(&arena, type_decimal(&arena, 5, 2, true), "1.239"), "1.24");
    CHECK_STR(read_as(&arena, text, "1.50"), "\"1.50\"");
    CHECK_STR(read_as(&arena, text, "[1, \"a\\n\"]"), "\"[1,\\\"a\\\\n\\\"]\"");
    const Type *list = type_array(&arena, type_of(TYPE_FLOAT, true), true);
    CHECK_STR(read_as(&arena, list, "[1, null, 0.1]"), "[1.0,null,0.1]");
    CHECK_STR(read_as(&arena, list, "3"), "3 is no ARRAY<FLOAT>");
    CHECK_STR(read_as(&arena, list, "[[1, 2], [3, 4]]"), "[1.0,2.0,3.0,4.0]");
    CHECK_STR(read_as(&arena, list, "[[], 5]"), "[5.0]");
    const Type *lists = type_array(&arena, list, true);
    CHECK_STR(read_as(&arena, lists, "[[1, 2], [3]]"), "[[1.0,2.0],[3.0]]");
    arena_clear(&arena);
}
