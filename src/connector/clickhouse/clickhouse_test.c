// Types and blocks; the server is met in test/services/clickhouse.sh.
#include "connector/clickhouse/clickhouse_int.h"
#include "test/unit.h"
#include "type/zone.h"

static const char *read_as(Arena *arena, const char *text, ChType *type) {
    static Error err;
    if (ch_type_read(arena, str_c(text), type, &err)) return err.message;
    return str_cstr(arena, type->text);
}

TEST(clickhouse, types_are_read_as_the_server_shows_them) {
    Arena arena = {0};
    ChType type;
    CHECK(!strcmp(read_as(&arena, "LowCardinality(Nullable(String))", &type),
                  "LowCardinality(Nullable(String))"));
    CHECK(type.kind == CH_STRING && type.nullable && type.low);
    CHECK(!strcmp(read_as(&arena, "Array(Decimal32(1))", &type), "Array(Decimal32(1))"));
    CHECK(!strcmp(read_as(&arena, "Decimal(18, 3)", &type), "Decimal(18, 3)"));
    CHECK(type.size == 8 && type.scale == 3);
    CHECK(!strcmp(read_as(&arena, "DateTime64(6, 'Europe/Berlin')", &type),
                  "DateTime64(6, 'Europe/Berlin')"));
    CHECK(type.scale == 6 && type.zone);
    CHECK(!strcmp(read_as(&arena, "Tuple(\n    a Int8,\n    `b` Array(UInt64))", &type),
                  "Tuple(Int8, Array(UInt64))"));
    CHECK(type.child_count == 2 && type.child[1].child[0].kind == CH_UINT);
    (void)read_as(&arena, "Enum8('a' = -1, 'it\\'s' = 2)", &type);
    CHECK(type.child_count == 2 && type.number[0] == -1 && str_is(type.label[1], "it's"));
    CHECK(strstr(read_as(&arena, "AggregateFunction(sum, Int8)", &type), "does not write"));
    CHECK(ch_type_read(&arena, STR("Array(Int8"), &type, NULL) == ST_UNSUPPORTED);
    CHECK(ch_type_read(&arena, STR("Decimal(99, 1)"), &type, NULL) == ST_UNSUPPORTED);
    char deep[200] = "";
    for (int i = 0; i < 20; i++) strcat(deep, "Array(");
    CHECK(ch_type_read(&arena, str_c(deep), &type, NULL) == ST_UNSUPPORTED);
    arena_clear(&arena);
}

static void print_nothing(const TaskEnv *env, const Vec *vec, uint32_t row, Buf *out) {
    (void)env, (void)vec, (void)row;
    buf_putc(out, '?');
}

// The column's bytes in hexadecimal, or what is wrong.
static const char *column_of(Arena *arena, const char *text, const Vec *vec) {
    static const TaskEnv ENV = {.value_print = print_nothing};
    ChType type;
    ChColumn column;
    Error err = {0};
    Buf bytes = {0}, out = {0};
    CHECK_OK(ch_type_read(arena, str_c(text), &type, &err), &err);
    ch_column_init(arena, &column, &type, &ENV, zone_utc());
    if (ch_column_put(&column, vec, 0, vec->len, &err)) {
        buf_puts(&out, err.message);
    } else {
        ch_column_write(&column, &bytes);
        for (size_t i = 0; i < bytes.len; i++) buf_printf(&out, "%02x", (uint8_t)bytes.ptr[i]);
    }
    ch_column_clear(&column);
    const char *result = str_cstr(arena, buf_str(&out));
    buf_free(&bytes);
    buf_free(&out);
    return result;
}

TEST(clickhouse, values_lie_as_the_server_holds_them) {
    Arena arena = {0};
    Vec *number = vec_new(&arena, type_of(TYPE_INT, true), 2);
    vec_i32(number)[0] = 258;
    CHECK(!strcmp(column_of(&arena, "Int32", number), "0201000000000000"));
    CHECK(!strcmp(column_of(&arena, "UInt16", number), "02010000"));
    CHECK(strstr(column_of(&arena, "UInt8", number), "does not fit into UInt8"));
    CHECK(!strcmp(column_of(&arena, "Decimal(9, 2)", number), "c864000000000000"));
    vec_set_null(number, 0);
    CHECK(!strcmp(column_of(&arena, "Nullable(Int16)", number), "010000000000"));
    CHECK(strstr(column_of(&arena, "Int64", number), "a NULL, which Int64 cannot hold"));
    vec_i32(number)[1] = -1;
    CHECK(strstr(column_of(&arena, "Nullable(UInt64)", number), "does not fit"));
    Vec *text = vec_new(&arena, type_of(TYPE_VARCHAR, true), 1);
    vec_set_text(text, 0, STR("abc"));
    CHECK(!strcmp(column_of(&arena, "String", text), "03616263"));
    CHECK(!strcmp(column_of(&arena, "FixedString(5)", text), "6162630000"));
    CHECK(strstr(column_of(&arena, "FixedString(2)", text), "does not fit"));
    CHECK(!strcmp(column_of(&arena, "Enum16('x' = 1, 'abc' = -2)", text), "feff"));
    vec_set_text(text, 0, STR("00112233-4455-6677-8899-aabbccddeeff"));
    CHECK(!strcmp(column_of(&arena, "UUID", text), "7766554433221100ffeeddccbbaa9988"));
    Vec *at = vec_new(&arena, type_timestamp(&arena, 3, true), 1);
    vec_i64(at)[0] = -1;  // a millisecond before 1970
    CHECK(!strcmp(column_of(&arena, "DateTime64(3)", at), "ffffffffffffffff"));
    CHECK(strstr(column_of(&arena, "DateTime", at), "does not fit"));
    vec_i64(at)[0] = 3600000;
    CHECK(!strcmp(column_of(&arena, "DateTime('Europe/Berlin')", at), "00000000"));
    arena_clear(&arena);
}

TEST(clickhouse, lists_end_where_the_next_begins) {
    Arena arena = {0};
    const Type *type = type_map(&arena, type_of(TYPE_VARCHAR, false), type_of(TYPE_TINYINT, true),
                                true);
    Vec *map = vec_new(&arena, type, 2);
    uint32_t slot = vec_list_begin(map, 1, 2);
    vec_set_text(map->child[0], slot, STR("a"));
    vec_set_text(map->child[0], slot + 1, STR("b"));
    vec_i8(map->child[1])[slot] = 1;
    vec_set_null(map->child[1], slot + 1);
    static const char WANT[] = "00000000000000000200000000000000" "01610162" "0001" "0100";
    CHECK(!strcmp(column_of(&arena, "Map(String, Nullable(Int8))", map), WANT));
    CHECK(!strcmp(column_of(&arena, "Array(Tuple(String, Nullable(Int8)))", map), WANT));
    vec_set_null(map, 0);
    CHECK(strstr(column_of(&arena, "Map(String, Nullable(Int8))", map), "a NULL"));
    arena_clear(&arena);
}

TEST(clickhouse, what_was_saved_and_is_damaged_is_refused) {
    ChTable table = {.desc = &(TableDesc){.name = STR("t")}};
    ChServer server = {.table = &table};
    ChCommits commits = {.server = &server};
    Buf block = {0}, saved = {0};
    buf_puts(&block, "rows");
    Error err = {0};
    CHECK_OK(ch_commits_add(&commits, STR("token"), STR("(`a`)"), &block, &err), &err);
    CHECK_OK(ch_commits_commit(&commits, UINT64_MAX, &err), &err);  // none has saved it
    CHECK(commits.count == 1);
    ch_commits_prepare(&commits, 7, &saved);
    CHECK(commits.held[0].checkpoint == 7 && saved.len == 24 + 5 + 5 + 4);
    for (uint32_t len = 1; len < saved.len; len++) {
        CHECK(ch_commits_restore(&commits, str_make(saved.ptr, len), NULL) == ST_RUNTIME);
    }
    CHECK_OK(ch_commits_commit(&commits, 6, &err), &err);  // not complete: nothing is sent
    CHECK(commits.count == 1);
    ch_commits_clear(&commits);
    buf_free(&saved);
}
