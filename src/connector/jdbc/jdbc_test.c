// Values, URLs and options; the server is met in test/services/postgres.sh.
#include "connector/jdbc/jdbc_int.h"
#include "test/unit.h"

// ---- values ------------------------------------------------------------------------------------

static Vec *read_one(Arena *arena, const Type *type, const char *bytes, size_t size, Status *st) {
    Vec *vec = vec_new(arena, type, 1);
    *st = pg_read(str_make(bytes, size), vec, 0, NULL);
    return vec;
}
#define READ(type, ...)                                                              \
    (read_one(&arena, type, (const char[]){__VA_ARGS__}, sizeof((const char[]){__VA_ARGS__}), &st))

TEST(jdbc, binary_values_are_read) {
    Arena arena;
    Status st;
    arena_init(&arena);
    CHECK(vec_i32(READ(type_of(TYPE_INT, true), 0, 0, 1, 2))[0] == 258 && !st);
    CHECK(vec_i64(READ(type_of(TYPE_BIGINT, true), -1, -1, -1, -1, -1, -1, -1, -2))[0] == -2);
    CHECK(vec_u8(READ(type_of(TYPE_BOOLEAN, true), 1))[0] == 1);
    CHECK(vec_f64(READ(type_of(TYPE_DOUBLE, true), 0x40, 4, 0, 0, 0, 0, 0, 0))[0] == 2.5);
    CHECK(vec_i32(READ(type_of(TYPE_DATE, true), 0, 0, 0, 1))[0] == 10958);  // 2000-01-02
    CHECK(vec_i64(READ(type_timestamp(&arena, 3, true), 0, 0, 0, 0, 0, 0, 0x07, -48))[0] ==
          946684800002);  // 2000 µs
    Vec *early = READ(type_timestamp(&arena, 6, true), -1, -1, -1, -1, -1, -1, -1, -1);
    CHECK(vec_ts(early)[0].ms == 946684799999 && vec_ts(early)[0].ns == 999000);
    CHECK(str_is(vec_str(READ(type_of(TYPE_VARCHAR, true), 'a', 'b'))[0], "ab"));
    (void)READ(type_of(TYPE_INT, true), 0, 0, 1);
    CHECK(st == ST_RUNTIME);  // three bytes are no integer
    (void)READ(type_of(TYPE_TINYINT, true), 1, 0);
    CHECK(st == ST_RUNTIME);
    (void)READ(type_timestamp(&arena, 3, true), 0x7F, -1, -1, -1, -1, -1, -1, -1);
    CHECK(st == ST_RUNTIME);  // infinity
    arena_clear(&arena);
}

static int64_t numeric(Arena *arena, int32_t precision, int32_t scale, const char *bytes,
                       size_t size) {
    Status st;
    Vec *vec = read_one(arena, type_decimal(arena, precision, scale, true), bytes, size, &st);
    if (st) return -1;
    return vec_is_null(vec, 0) ? -2 : (int64_t)vec_i128(vec)[0];
}
#define NUMERIC(precision, scale, ...)                             \
    numeric(&arena, precision, scale, (const char[]){__VA_ARGS__}, \
            sizeof((const char[]){__VA_ARGS__}))

TEST(jdbc, numeric_is_rounded_to_the_scale) {
    Arena arena;
    arena_init(&arena);
    // 12345.678: groups 1 2345 6780, the first one of weight 1, three digits shown.
    CHECK(NUMERIC(12, 3, 0, 3, 0, 1, 0, 0, 0, 3, 0, 1, 9, 41, 26, 124) == 12345678);
    CHECK(NUMERIC(12, 2, 0, 3, 0, 1, 0, 0, 0, 3, 0, 1, 9, 41, 26, 124) == 1234568);
    CHECK(NUMERIC(12, 0, 0, 3, 0, 1, 0x40, 0, 0, 3, 0, 1, 9, 41, 26, 124) == -12346);
    CHECK(NUMERIC(4, 0, 0, 3, 0, 1, 0, 0, 0, 3, 0, 1, 9, 41, 26, 124) == -2);  // too long: NULL
    CHECK(NUMERIC(10, 2, 0, 0, 0, 0, 0, 0, 0, 0) == 0);
    // 0.00005: one group of weight -2.
    CHECK(NUMERIC(10, 5, 0, 1, -1, -2, 0, 0, 0, 5, 19, -120) == 5);
    CHECK(NUMERIC(10, 4, 0, 1, -1, -2, 0, 0, 0, 5, 19, -120) == 1);
    // 10^8: trailing groups of zeros are not sent.
    CHECK(NUMERIC(12, 1, 0, 1, 0, 2, 0, 0, 0, 0, 0, 1) == 1000000000);
    CHECK(NUMERIC(12, 1, 0, 0, 0, 0, -64, 0, 0, 0) == -1);             // NaN
    CHECK(NUMERIC(12, 1, 0, 9, 0, 0, 0, 0, 0, 0) == -1);               // groups missing
    CHECK(NUMERIC(12, 1, 0, 1, 0x7F, -1, 0, 0, 0, 0, 0, 1) == -2);     // 10^131068
    arena_clear(&arena);
}

TEST(jdbc, arrays_are_read_and_checked) {
    Arena arena;
    Status st;
    arena_init(&arena);
    const Type *type = type_array(&arena, type_of(TYPE_SMALLINT, true), true);
    Vec *vec = READ(type, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1,  //
                    0, 0, 0, 2, 0, 7, -1, -1, -1, -1);
    CHECK(!st && vec_list(vec)[0].count == 2 && vec_i16(vec->child[0])[0] == 7);
    CHECK(vec_is_null(vec->child[0], 1));
    vec = READ(type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21);
    CHECK(!st && vec_list(vec)[0].count == 0);
    (void)READ(type, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 21);
    CHECK(st == ST_RUNTIME);  // two dimensions
    (void)READ(type, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 21, 0x7F, 0, 0, 0, 0, 0, 0, 1);
    CHECK(st == ST_RUNTIME);  // more entries than bytes
    (void)READ(type, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0);
    CHECK(st == ST_RUNTIME);  // cut
    arena_clear(&arena);
}

TEST(jdbc, arrays_are_written_with_backslashes) {
    Arena arena;
    Buf out = {0};
    arena_init(&arena);
    TaskEnv env = {0};
    Vec *vec = vec_new(&arena, type_of(TYPE_VARCHAR, true), 4);
    vec_set_text(vec, 0, STR("a\"b\\c"));
    vec_set_null(vec, 1);
    vec_set_text(vec, 2, STR(""));
    vec_set_text(vec, 3, STR("NULL"));
    pg_array(&env, vec, 0, 4, &out);
    CHECK_STR(buf_cstr(&out), "{\"a\\\"b\\\\c\",NULL,\"\",\"NULL\"}");
    buf_free(&out);
    arena_clear(&arena);
}

// ---- options -----------------------------------------------------------------------------------

typedef struct Given {
    Arena arena;
    Map map;
    TableDesc desc;
    JdbcTable table;
    Error err;
} Given;

static Status given_read(Given *given, const char *const (*option)[2]) {
    arena_init(&given->arena);
    Str name = STR("id");
    const Type *child = type_of(TYPE_INT, true);
    given->desc = (TableDesc){.name = STR("t"),
                              .physical = type_row(&given->arena, 1, &child, &name, false),
                              .options = {.map = &given->map, .owner = STR("t")}};
    (void)map_put(&given->map, STR("connector"), (void *)(uintptr_t) "jdbc");
    (void)map_put(&given->map, STR("table-name"), (void *)(uintptr_t) "public.t");
    for (; (*option)[0]; option++) {
        (void)map_put(&given->map, str_c((*option)[0]), (void *)(uintptr_t)(*option)[1]);
    }
    return jdbc_table_read(&given->arena, &given->desc, &given->table, &given->err);
}

static void given_clear(Given *given) {
    map_clear(&given->map);
    arena_clear(&given->arena);
}

static const char *param(const Given *given, const char *keyword) {
    for (uint32_t i = 0; i < given->table.params; i++) {
        if (strcmp(given->table.keyword[i], keyword) == 0) return given->table.value[i];
    }
    return "(none)";
}

TEST(jdbc, urls_are_taken_apart) {
    Given given = {0};
    CHECK(!given_read(
        &given,
        (const char *const[][2]){
            {"url", "jdbc:postgresql://db1:6543,[::1]/shop%20one?user=u&password=p%26q&ssl=true"},
            {0}}));
    CHECK_STR(param(&given, "host"), "db1,::1");
    CHECK_STR(param(&given, "port"), "6543,5432");
    CHECK_STR(param(&given, "dbname"), "shop one");
    CHECK_STR(param(&given, "password"), "p&q");
    CHECK_STR(param(&given, "sslmode"), "require");
    given_clear(&given);
}

TEST(jdbc, options_that_do_not_fit_are_refused) {
    static const char *const CASES[][3][2] = {
        {{"url", "jdbc:mysql://h/d"}, {0}},
        {{"url", "jdbc:postgresql://h/d"}, {"username", "u"}, {0}},
        {{"url", "jdbc:postgresql://h/d"}, {"scan.partition.num", "2"}, {0}},
        {{"url", "jdbc:postgresql://h/d"}, {"connection.max-retry-timeout", "100 ms"}, {0}},
        {{"url", "jdbc:postgresql://h/d"}, {"sink.max-retries", "-1"}, {0}},
        {{"url", "jdbc:postgresql://h/d"}, {"lookup.max-retries", "-1"}, {0}},
        {{"url", "jdbc:postgresql://h/d"}, {"lookup.cache", "PARTIAL"}, {0}},
        {{"url", "jdbc:postgresql://h/d"}, {"lookup.cache.ttl", "10 s"}, {0}},
        {{"url", "jdbc:postgresql://h/d"}, {"tabel-name", "x"}, {0}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        Given given = {0};
        CHECK(given_read(&given, CASES[i]) == ST_VALIDATION);
        given_clear(&given);
    }
}
