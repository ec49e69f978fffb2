#include "col/migrate.h"

#include "col/codec.h"
#include "test/unit.h"

static const Type *row_of(Arena *arena, uint32_t count, const Type **child, const char **name) {
    Str *field = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) field[i] = str_c(name[i]);
    return type_row(arena, count, child, field, false);
}

TEST(migrate, wider_types_keep_their_values) {
    Arena arena = {0};
    Error err;
    const Type *from =
        row_of(&arena, 4,
               (const Type *[]){type_of(TYPE_INT, false), type_varchar(&arena, 3, true),
                                type_decimal(&arena, 5, 2, true), type_timestamp(&arena, 3, false)},
               (const char *[]){"a", "b", "c", "d"});
    const Type *to =
        row_of(&arena, 4,
               (const Type *[]){type_decimal(&arena, 30, 4, true), type_timestamp(&arena, 6, true),
                                type_of(TYPE_BIGINT, true), type_of(TYPE_VARCHAR, true)},
               (const char *[]){"c", "d", "a", "b"});
    Vec *a = vec_new(&arena, from->child[0], 1), *b = vec_new(&arena, from->child[1], 1),
        *c = vec_new(&arena, from->child[2], 1), *d = vec_new(&arena, from->child[3], 1);
    vec_i32(a)[0] = -7;
    vec_set_text(b, 0, STR("xyz"));
    vec_i128(c)[0] = 12345;
    vec_set_timestamp(d, 0, (Timestamp){.ms = 99});
    Buf bytes = {0}, moved = {0}, said = {0};
    codec_put(a, 0, &bytes), codec_put(b, 0, &bytes), codec_put(c, 0, &bytes);
    codec_put(d, 0, &bytes);
    Migration *migration;
    CHECK_OK(migrate_rows(&arena, from, to, false, NULL, &migration, &said, &err), &err);
    CHECK(migration != NULL);
    CHECK(migrate_row(migration, bytes.ptr, &moved) == bytes.ptr + bytes.len);
    Vec *out[4];
    const char *at = moved.ptr;
    for (uint32_t i = 0; i < 4; i++) {
        out[i] = vec_new(&arena, to->child[i], 1);
        at = codec_get(at, out[i], 0);
    }
    CHECK(at == moved.ptr + moved.len);
    CHECK(vec_i128(out[0])[0] == 1234500);
    CHECK_INT(vec_timestamp(out[1], 0).ms, 99);
    CHECK_INT(vec_i64(out[2])[0], -7);
    CHECK(str_is(vec_str(out[3])[0], "xyz"));
    buf_free(&bytes), buf_free(&moved), buf_free(&said);
    arena_clear(&arena);
}

TEST(migrate, what_could_lose_something_is_refused) {
    Arena arena = {0};
    Error err;
    const Type *pair[][2] = {
        {type_of(TYPE_BIGINT, false), type_of(TYPE_INT, false)},
        {type_of(TYPE_INT, true), type_of(TYPE_INT, false)},
        {type_of(TYPE_BIGINT, true), type_of(TYPE_DOUBLE, true)},
        {type_varchar(&arena, 9, true), type_varchar(&arena, 8, true)},
        {type_decimal(&arena, 10, 2, true), type_decimal(&arena, 11, 4, true)},
        {type_of(TYPE_INT, true), type_of(TYPE_VARCHAR, true)},
        {type_array(&arena, type_of(TYPE_INT, true), true),
         type_array(&arena, type_of(TYPE_INT, false), true)},
    };
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        const char *name[] = {"price"};
        Migration *migration;
        Buf said = {0};
        Status st = migrate_rows(&arena, row_of(&arena, 1, &pair[i][0], name),
                                 row_of(&arena, 1, &pair[i][1], name), false, NULL, &migration,
                                 &said, &err);
        CHECK_INT(st, ST_VALIDATION);
        CHECK(strstr(err.message, "price"));
        buf_free(&said);
    }
    arena_clear(&arena);
}

static bool seven_begins(void *arg, uint32_t field, Buf *out) {
    (void)arg, (void)field;
    Arena arena = {0};
    Vec *seven = vec_new(&arena, type_of(TYPE_VARCHAR, true), 1);
    vec_set_text(seven, 0, STR("seven"));
    codec_put(seven, 0, out);
    arena_clear(&arena);
    return true;
}

TEST(migrate, a_new_column_of_kept_rows_is_null) {
    Arena arena = {0};
    Error err;
    const Type *number = type_of(TYPE_INT, true);
    const Type *old_row = row_of(&arena, 1, &number, (const char *[]){"a"});
    const Type *new_row = row_of(&arena, 2, (const Type *[]){type_of(TYPE_VARCHAR, true), number},
                                 (const char *[]){"b", "a"});
    const Type *old_list = type_array(&arena, old_row, false);
    const Type *new_list = type_array(&arena, new_row, false);
    const Type *from = row_of(&arena, 1, &old_list, (const char *[]){"rows"});
    const Type *to = row_of(&arena, 1, &new_list, (const char *[]){"rows"});
    Buf bytes = {0}, moved = {0}, said = {0};
    Vec *value = vec_new(&arena, number, 1);
    vec_i32(value)[0] = 5;
    codec_put_list_head(&bytes, 2);
    for (int i = 0; i < 2; i++) {
        codec_put_row_head(&bytes);
        codec_put(value, 0, &bytes);
    }
    Migration *migration;
    CHECK_OK(migrate_rows(&arena, from, to, false, NULL, &migration, &said, &err), &err);
    CHECK(str_find(buf_str(&said), STR("b is new and NULL"), 0) >= 0);
    CHECK(migrate_row(migration, bytes.ptr, &moved) == bytes.ptr + bytes.len);
    Vec *out = vec_new(&arena, new_list, 1);
    CHECK(codec_get(moved.ptr, out, 0) == moved.ptr + moved.len);
    CHECK_INT(vec_list(out)[0].count, 2);
    CHECK(vec_is_null(out->child[0]->child[0], 1));
    CHECK_INT(vec_i32(out->child[0]->child[1])[1], 5);
    MigrateBegin fixed = {.rows_fixed = true};
    CHECK_INT(migrate_rows(&arena, from, to, false, &fixed, &migration, &said, &err),
              ST_VALIDATION);
    // The rows in the list are those that a beginning is known for.
    MigrateBegin seven = {.begin = seven_begins, .of = "rows"};
    said.len = moved.len = 0;
    CHECK_OK(migrate_rows(&arena, from, to, false, &seven, &migration, &said, &err), &err);
    CHECK(str_find(buf_str(&said), STR("b is new and begins empty"), 0) >= 0);
    (void)migrate_row(migration, bytes.ptr, &moved);
    out = vec_new(&arena, new_list, 1);
    (void)codec_get(moved.ptr, out, 0);
    CHECK(str_is(vec_str(out->child[0]->child[0])[1], "seven"));
    buf_free(&bytes), buf_free(&moved), buf_free(&said);
    arena_clear(&arena);
}
