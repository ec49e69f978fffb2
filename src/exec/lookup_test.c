#include "exec/lookup.h"
#include "test/unit.h"

// Rows (key, name) as columns, with a NULL for key 0.
static Vec **columns_of(Arena *arena, const int64_t *key, uint32_t count) {
    Vec **column = ARENA_ARRAY(arena, Vec *, 2);
    column[0] = vec_new(arena, type_of(TYPE_BIGINT, true), count);
    column[1] = vec_new(arena, type_of(TYPE_VARCHAR, true), count);
    for (uint32_t i = 0; i < count; i++) {
        if (!key[i]) {
            vec_set_null(column[0], i);
            continue;
        }
        vec_i64(column[0])[i] = key[i];
        vec_set_text(column[1], i, str_printf(arena, "name %lld", (long long)key[i]));
    }
    return column;
}

TEST(lookup, keys_are_numbered_in_the_order_they_come) {
    Arena arena;
    arena_init(&arena);
    const int64_t KEY[] = {7, 9, 7, 0, 8, 9};
    uint32_t key_of[6];
    KeyIndex index;
    Vec **column = columns_of(&arena, KEY, 6);
    key_index_build(&index, &arena, column, 1, 6, key_of);
    CHECK(index.keys == 3);
    CHECK(key_of[0] == 0 && key_of[1] == 1 && key_of[2] == 0 && key_of[4] == 2 && key_of[5] == 1);
    CHECK(key_of[3] == KEY_NONE);  // NULL equals nothing
    const int64_t OTHER[] = {8, 1, 0, 9};
    key_index_find(&index, &arena, columns_of(&arena, OTHER, 4), 4, key_of);
    CHECK(key_of[0] == 2 && key_of[1] == KEY_NONE && key_of[2] == KEY_NONE && key_of[3] == 1);
    key_index_build(&index, &arena, column, 0, 6, key_of);  // no columns: one key for all
    CHECK(index.keys == 1 && key_of[3] == 0);
    arena_clear(&arena);
}

typedef struct Cached {
    Arena arena;
    Budget budget;
    const Type *row;
    PartialCache *cache;
    Vec **column;
} Cached;

static void cached_init(Cached *self, LookupOptions options) {
    static const int64_t KEYS[] = {1, 2, 3, 4, 5, 6};
    Str name[] = {STR("k"), STR("n")};
    arena_init(&self->arena);
    budget_init(&self->budget, NULL, "test", 0);
    self->column = columns_of(&self->arena, KEYS, 6);
    const Type *child[] = {self->column[0]->type, self->column[1]->type};
    self->row = type_row(&self->arena, 2, child, name, false);
    self->cache = partial_cache_new(&options, 2, &self->budget);
}

static void cached_clear(Cached *self) {
    partial_cache_free(self->cache);
    CHECK(self->budget.bytes == 0);
    arena_clear(&self->arena);
}

// Remembers [rows] rows for the key at [at].
static void put(Cached *self, uint32_t at, uint32_t rows, int64_t now_ms) {
    RightRows found;
    right_rows_init(&found, self->row, &self->budget);
    for (uint32_t i = 0; i < rows; i++) CHECK(!right_rows_add(&found, self->column, at, 0, NULL));
    right_rows_sort(&found, 1);
    CHECK(!partial_cache_put(self->cache, self->column, 1, at, now_ms, &found, 0, NULL));
    right_rows_clear(&found);
}

// How many rows are known of the key at [at]; -1: nothing is.
static int64_t known(Cached *self, uint32_t at, int64_t now_ms) {
    RightRows found;
    bool is_known = false;
    right_rows_init(&found, self->row, &self->budget);
    CHECK(!partial_cache_get(self->cache, self->column, 1, at, now_ms, 3, &found, &is_known,
                             NULL));
    int64_t rows = is_known ? (int64_t)found.rows->rows : -1;
    for (uint32_t i = 0; i < found.rows->rows; i++) {
        CHECK(found.key[i] == 3);
        CHECK(vec_key_equal(found.rows->column[1], i, self->column[1], at));
    }
    right_rows_clear(&found);
    return rows;
}

TEST(lookup, the_key_not_asked_for_the_longest_is_forgotten) {
    Cached c;
    cached_init(&c, (LookupOptions){.rows_max = 2, .expire_after_access_ms = -1,
                                    .expire_after_write_ms = -1, .cache_missing = true});
    put(&c, 0, 2, 0);
    put(&c, 1, 1, 0);
    CHECK(known(&c, 0, 0) == 2);
    put(&c, 2, 0, 0);  // a key without rows is known, too; key 1 goes
    CHECK(known(&c, 0, 0) == 2 && known(&c, 1, 0) == -1 && known(&c, 2, 0) == 0);
    put(&c, 0, 1, 0);  // again: it is replaced
    CHECK(known(&c, 0, 0) == 1);
    cached_clear(&c);
}

TEST(lookup, keys_expire_after_access_and_after_write) {
    Cached c;
    cached_init(&c, (LookupOptions){.rows_max = -1, .expire_after_access_ms = 10,
                                    .expire_after_write_ms = 25, .cache_missing = false});
    put(&c, 0, 1, 100);
    CHECK(known(&c, 0, 109) == 1 && known(&c, 0, 118) == 1);  // each use counts anew
    CHECK(known(&c, 0, 124) == 1 && known(&c, 0, 125) == -1);  // but not for ever
    put(&c, 1, 1, 200);
    CHECK(known(&c, 1, 210) == -1);
    put(&c, 2, 0, 200);  // without cache-missing-key
    CHECK(known(&c, 2, 200) == -1);
    cached_clear(&c);
}

TEST(lookup, rows_of_a_key_lie_together_in_their_order) {
    Cached c;
    RightRows found;
    cached_init(&c, (LookupOptions){.rows_max = 1});
    right_rows_init(&found, c.row, &c.budget);
    static const uint32_t KEY[] = {2, 0, 2, 3, 0};
    for (uint32_t i = 0; i < 5; i++) CHECK(!right_rows_add(&found, c.column, i, KEY[i], NULL));
    right_rows_sort(&found, 4);
    CHECK(found.from[0] == 0 && found.from[1] == 2 && found.from[2] == 2 && found.from[3] == 4);
    CHECK(found.from[4] == 5);
    CHECK(found.order[0] == 1 && found.order[1] == 4 && found.order[2] == 0 && found.order[3] == 2);
    right_rows_clear(&found);
    cached_clear(&c);
}
