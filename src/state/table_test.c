#include "state/table.h"

#include <stdio.h>

#include "test/unit.h"

typedef struct Fixture {
    Arena arena;
    Budget budget;
    StateBackend *backend;
    StateTable *table;
    Vec *key;       // one row
    int cleared;
} Fixture;

static void count_clear(void *arg, uint8_t *row) {
    (void)row;
    ((Fixture *)arg)->cleared++;
}

static void fixture_open(Fixture *f, int64_t ttl_ms) {
    *f = (Fixture){0};
    arena_init(&f->arena);
    budget_init(&f->budget, NULL, "test", 0);
    f->backend = state_backend_new(&f->budget);
    const Type *text = type_of(TYPE_VARCHAR, true);
    Str name = STR("k");
    const Type *row = type_row(&f->arena, 1, &text, &name, false);
    StateTableDef def = {.name = "rows", .key = row, .value = row, .version = 1, .row_size = 16,
                         .ttl_ms = ttl_ms, .clear = count_clear, .clear_arg = f};
    f->table = state_table_open(f->backend, &def);
    f->key = vec_new(&f->arena, text, 1);
}

static void fixture_close(Fixture *f) {
    state_backend_free(f->backend);
    CHECK_INT(atomic_load(&f->budget.bytes), 0);
    arena_clear(&f->arena);
}

static Status find(Fixture *f, Str key, bool add, int64_t now_ms, uint8_t **row) {
    vec_set_text(f->key, 0, key);
    return state_find(f->table, &f->key, 1, NULL, add, now_ms, row, NULL, NULL);
}

TEST(state, blocks_of_removed_rows_serve_keys_of_any_length) {
    static const char KEY[] = "a key that is forty bytes long, or fewer";
    Fixture f;
    fixture_open(&f, 0);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < 200000; i++) {  // one row at a time
        uint8_t *row;
        CHECK(!find(&f, str_make(KEY, 1 + i * 7 % 40), true, 0, &row));
        state_remove(f.table, row);
        if (i == 1000) bytes = state_bytes(f.table);
    }
    CHECK_INT(state_bytes(f.table), bytes);
    CHECK_INT(f.cleared, 200000);
    fixture_close(&f);
}

TEST(state, long_keys_come_back_whole) {
    Fixture f;
    fixture_open(&f, 0);
    Buf key = {0};
    for (uint32_t size = 900; size < 300000; size = size * 5 / 4 + 1) {
        key.len = 0;
        for (uint32_t i = 0; i < size; i++) buf_putc(&key, (char)('a' + (i + size) % 26));
        uint8_t *row, *again;
        CHECK(!find(&f, buf_str(&key), true, 0, &row));
        CHECK(!find(&f, buf_str(&key), false, 0, &again));
        CHECK(row == again);
        state_key(f.table, row, &f.key, 0);
        CHECK(str_eq(vec_str(f.key)[0], buf_str(&key)));
        if (size % 3 == 0) state_remove(f.table, row);
    }
    buf_free(&key);
    fixture_close(&f);
}

TEST(state, a_silent_key_expires) {
    Fixture f;
    fixture_open(&f, 100);
    uint8_t *row, *later;
    CHECK(!find(&f, STR("k"), true, 1000, &row));
    row[0] = 1;
    CHECK(!find(&f, STR("k"), false, 1099, &later));
    CHECK(later == row);
    state_touch(f.table, row, 1050);
    CHECK(!find(&f, STR("k"), false, 1149, &later));
    CHECK(later == row);
    CHECK(!find(&f, STR("k"), true, 1150, &later));
    CHECK_INT(later[0], 0);
    CHECK_INT(f.cleared, 1);
    CHECK_INT(state_count(f.table), 1);
    fixture_close(&f);
}

// Refuses the first charge, then the second, and so on: the rows that are in stay in.
TEST(state, a_table_over_its_budget_keeps_what_it_has) {
    for (int64_t refused = 1; refused < 20; refused++) {
        Fixture f;
        fixture_open(&f, 0);
        f.budget.refuse = refused;
        uint32_t in = 0;
        uint8_t *row;
        for (uint32_t i = 0; i < 30000; i++) {
            char text[16];
            Str key = str_make(text, (size_t)snprintf(text, sizeof text, "%u", i));
            Status st = find(&f, key, true, 0, &row);
            CHECK(!st || st == ST_OVER_BUDGET);
            in += !st;
            CHECK(!find(&f, key, false, 0, &row));
            CHECK(!row == (st != ST_OK));
        }
        CHECK_INT(state_count(f.table), in);
        CHECK(in >= 29999);
        fixture_close(&f);
    }
}
