#include "state/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "col/codec.h"
#include "state/rocks_api.h"
#include "test/unit.h"

// A row that keeps a number, and one byte on the heap, as operators hang theirs off.
typedef struct Row {
    int64_t number;
    char *owned;
} Row;

typedef struct Fixture {
    Arena arena;
    Budget budget;
    StateDisk *disk;
    StateBackend *backend;
    StateTable *table;
    Vec *key;  // one row
    int64_t saves, loads, copies;
} Fixture;

static void row_clear(void *arg, uint8_t *row) {
    (void)arg;
    mem_free(((Row *)(void *)row)->owned);
}

static void row_save(void *arg, const uint8_t *row, Buf *out) {
    ((Fixture *)arg)->saves++;
    codec_put_i64(out, ((const Row *)(const void *)row)->number);
}

static char *row_save_copy(void *arg, const uint8_t *row, char *to) {
    ++*(int64_t *)arg;
    return codec_write_i64(to, ((const Row *)(const void *)row)->number);
}

static const char *row_load(void *arg, uint8_t *row, const char *at, Error *err) {
    (void)err;
    ((Fixture *)arg)->loads++;
    Row *to = (Row *)(void *)row;
    to->owned = mem_alloc(1);
    return codec_get_i64(at, &to->number);
}

// Where there is no RocksDB a test is skipped, and says so.
static void need_rocksdb(void) {
    const RocksApi *api;
    if (!rocks_api(&api, NULL)) return;
    printf("SKIP: the system has no RocksDB\n");
    skip();
}

static Str test_dir(void) {
    const char *base = getenv("TMPDIR");
    return str_c(base ? base : "/tmp");
}

static void backend_open(Fixture *f, int64_t cache, int64_t ttl_ms) {
    if (cache >= 0) {
        StateDiskOptions options = {.dir = test_dir(), .rows_bytes = cache, .workers = 1,
                                    .blocks_bytes = 1 << 20, .memtable_bytes = 1 << 20,
                                    .background = 2, .groups = 128};
        Error err;
        CHECK_OK(state_disk_new(&options, &f->budget, &f->disk, &err), &err);
    }
    f->backend = state_backend_new(&f->budget);
    if (f->disk) state_backend_use(f->backend, f->disk, 0);
    const Type *number = type_of(TYPE_BIGINT, false);
    Str name = STR("k");
    const Type *row = type_row(&f->arena, 1, &number, &name, false);
    StateTableDef def = {.name = "rows", .operator_id = 7, .key = row, .value = row, .version = 1,
                         .row_size = sizeof(Row), .ttl_ms = ttl_ms, .may_leave = true,
                         .clear = row_clear, .save = row_save, .load = row_load, .clear_arg = f,
                         .save_copy = row_save_copy, .copy_max = CODEC_I64_MAX,
                         .copy_arg = &f->copies};
    f->table = state_table_open(f->backend, &def);
    state_track(f->backend);
    f->key = vec_new(&f->arena, number, 1);
}

// [cache]: bytes of rows in memory; -1: the memory backend.
static void fixture_open(Fixture *f, int64_t cache, int64_t ttl_ms) {
    *f = (Fixture){0};
    arena_init(&f->arena);
    budget_init(&f->budget, NULL, "test", 0);
    backend_open(f, cache, ttl_ms);
}

static void fixture_close(Fixture *f) {
    state_backend_free(f->backend);
    state_disk_free(f->disk);
    CHECK_INT(atomic_load(&f->budget.bytes), 0);
    arena_clear(&f->arena);
}

static Row *find(Fixture *f, int64_t key, bool add, int64_t now_ms) {
    uint8_t *row, is_new;
    vec_i64(f->key)[0] = key;
    Error err;
    CHECK_OK(state_find(f->table, &f->key, 1, NULL, add, now_ms, &row, &is_new, &err), &err);
    Row *at = (Row *)(void *)row;
    if (row && is_new) at->owned = mem_alloc(1);
    return at;
}

static void put(Fixture *f, int64_t key, int64_t number) {
    find(f, key, true, 0)->number = number;
}

static void trim(Fixture *f) {
    Error err;
    CHECK_OK(state_trim(f->backend, &err), &err);
}

TEST(disk, rows_that_left_come_back_as_they_were) {
    need_rocksdb();
    Fixture f;
    fixture_open(&f, 0, 0);
    for (int64_t k = 0; k < 1000; k++) put(&f, k, k * 3);
    trim(&f);
    CHECK_INT(f.saves, 1000);
    CHECK_INT(state_count(f.table), 1000);
    uint64_t cursor = 0;
    CHECK(!state_next(f.table, &cursor));  // all have left
    for (int64_t k = 0; k < 1000; k += 2) CHECK_INT(find(&f, k, false, 0)->number, k * 3);
    CHECK(!find(&f, 5000, false, 0));
    trim(&f);
    CHECK_INT(f.saves, 1000);  // nothing had changed
    put(&f, 2, 99);
    trim(&f);
    CHECK_INT(f.saves, 1001);
    CHECK_INT(find(&f, 2, false, 0)->number, 99);
    fixture_close(&f);
}

TEST(disk, a_row_removed_in_memory_is_not_found_on_disk) {
    need_rocksdb();
    Fixture f;
    fixture_open(&f, 0, 0);
    put(&f, 1, 10);
    put(&f, 2, 20);
    trim(&f);
    state_remove(f.table, (uint8_t *)find(&f, 1, false, 0));
    CHECK(!find(&f, 1, false, 0));
    CHECK_INT(state_count(f.table), 1);
    CHECK_INT(find(&f, 1, true, 0)->number, 0);  // new again
    state_remove(f.table, (uint8_t *)find(&f, 1, false, 0));
    trim(&f);
    CHECK(!find(&f, 1, false, 0));
    CHECK_INT(find(&f, 2, false, 0)->number, 20);
    put(&f, 3, 30);  // never seen by the disk
    state_remove(f.table, (uint8_t *)find(&f, 3, false, 0));
    trim(&f);
    CHECK(!find(&f, 3, false, 0));
    CHECK_INT(state_count(f.table), 1);
    fixture_close(&f);
}

TEST(disk, a_pinned_row_stays_where_it_is) {
    need_rocksdb();
    Fixture f;
    fixture_open(&f, 0, 0);
    put(&f, 1, 10);
    put(&f, 2, 20);
    Row *row = find(&f, 1, false, 0);
    state_pin(f.table, (uint8_t *)row, true);
    trim(&f);
    CHECK(find(&f, 1, false, 0) == row);
    CHECK_INT(f.saves, 1);
    state_pin(f.table, (uint8_t *)row, false);
    trim(&f);
    CHECK_INT(f.saves, 2);
    fixture_close(&f);
}

TEST(disk, a_bounded_cache_keeps_its_bound_and_the_rows_in_use) {
    need_rocksdb();
    enum { CACHE = 4 << 20, ROWS = 400000 };
    Fixture f;
    fixture_open(&f, CACHE, 0);
    for (int64_t k = 0; k < ROWS; k++) {
        put(&f, k, k);
        put(&f, -1, k);
        if (k % 100 == 0) trim(&f);
    }
    CHECK(f.saves > ROWS / 2);
    CHECK(state_bytes(f.table) < CACHE * 2);
    CHECK_INT(f.loads, 0);  // the row that every step uses has not left
    CHECK_INT(state_count(f.table), ROWS + 1);
    for (int64_t k = 0; k < ROWS; k += 1000) {
        CHECK_INT(find(&f, k, false, 0)->number, k);
        if (k % 10000 == 0) trim(&f);
    }
    fixture_close(&f);
}

TEST(disk, a_silent_key_expires_on_disk) {
    need_rocksdb();
    Fixture f;
    fixture_open(&f, 0, 100);
    find(&f, 1, true, 1000)->number = 10;
    trim(&f);
    CHECK_INT(find(&f, 1, false, 1099)->number, 10);
    trim(&f);
    CHECK(!find(&f, 1, false, 1100));
    CHECK_INT(find(&f, 1, true, 1100)->number, 0);
    state_touch(f.table, (uint8_t *)find(&f, 1, true, 1100), 1150);
    trim(&f);
    CHECK(find(&f, 1, false, 1249) != NULL);
    fixture_close(&f);
}

// ---- rows that are waited for ------------------------------------------------------------------

static int64_t row_wanted(void *arg, const uint8_t *row) {
    (void)arg;
    return ((const Row *)(const void *)row)->number;
}

static void row_leave(void *arg, uint8_t *row) {
    (void)row;
    ((Fixture *)arg)->copies++;
}

// Rows are wanted back at the time that is their number.
static void waiting_open(Fixture *f) {
    fixture_open(f, 0, 0);
    StateTableDef def = *state_table_def(f->table);
    def.name = "waiting";
    def.load_all = true;
    def.wanted = row_wanted;
    def.leave = row_leave;
    f->table = state_table_open(f->backend, &def);
}

TEST(disk, rows_come_back_in_the_order_of_their_times) {
    need_rocksdb();
    enum { ROWS = 2000 };
    Fixture f;
    waiting_open(&f);
    CHECK_INT(state_away_first(f.table), INT64_MAX);
    for (int64_t k = 0; k < ROWS; k++) put(&f, k, k * 7 % ROWS - 500);
    trim(&f);
    CHECK_INT(f.copies, ROWS);
    CHECK_INT(state_away_first(f.table), -500);
    // One comes back by itself and asks for another time: its old note brings it too early.
    int64_t grown = find(&f, 0, true, 0)->number = 300;
    trim(&f);
    StateRecall recall = {.from_ms = -500, .until_ms = 299};
    Error err;
    int64_t last = -500, count = 0;
    for (;;) {
        CHECK_OK(state_recall(f.table, &recall, &err), &err);
        if (!recall.count) break;
        for (uint32_t i = 0; i < recall.count; i++) {
            int64_t number = ((Row *)(void *)recall.row[i])->number;
            if (number == grown) continue;
            CHECK(number >= last && number < grown);
            count++;
            last = number;
            state_remove(f.table, recall.row[i]);
        }
        CHECK_OK(state_table_trim(f.table, &err), &err);
    }
    CHECK_INT(count, 799);
    CHECK_INT(state_away_first(f.table), 300);
    CHECK_INT((int64_t)state_count(f.table), ROWS - 799);
    state_recall_clear(&recall);
    fixture_close(&f);
}

TEST(disk, rows_that_are_let_go_are_there_the_next_time) {
    need_rocksdb();
    enum { ROWS = 1500 };
    Fixture f;
    waiting_open(&f);
    for (int64_t k = 0; k < ROWS; k++) put(&f, k, k % 2);
    trim(&f);
    Error err;
    for (int64_t round = 0; round < 3; round++) {
        StateRecall recall = {.from_ms = 1, .until_ms = 1, .borrows = true};
        int64_t count = 0;
        CHECK_INT(find(&f, 1, false, 0)->number, 1);  // in memory: not among them
        for (;;) {
            CHECK_OK(state_recall(f.table, &recall, &err), &err);
            if (!recall.count) break;
            for (uint32_t i = 0; i < recall.count; i++, count++) {
                CHECK_INT(((Row *)(void *)recall.row[i])->number, 1);
                state_let_go(f.table, recall.row[i]);
            }
        }
        CHECK_INT(count, ROWS / 2 - 1);
        trim(&f);
        state_recall_clear(&recall);
    }
    fixture_close(&f);
}

// ---- snapshots ---------------------------------------------------------------------------------

typedef struct Taken {
    Buf rows;
    uint32_t removed;
} Taken;

static void take_part(void *arg, const StateTableDef *table, uint32_t number, StatePart part,
                      Str bytes) {
    (void)table, (void)number;
    Taken *taken = arg;
    if (part == STATE_ROWS) buf_put_str(&taken->rows, bytes);
    taken->removed += part == STATE_REMOVED;
}

static void take_copies(void *arg, const StateTableDef *table, uint32_t number, Buf *rows) {
    (void)number;
    state_copies_save(table, buf_str(rows), &((Taken *)arg)->rows);
    rows->len = 0;
}

static void begin(Fixture *f, Taken *taken, bool copies) {
    bool full = false;
    *taken = (Taken){0};
    StateOut out = {.part = take_part, .arg = taken, .copies = copies ? take_copies : NULL};
    state_snapshot_begin(f->backend, &full, out);
    CHECK(full);
}

static void finish(Fixture *f) {
    while (!state_snapshot_step(f->backend, 0)) {
    }
    state_snapshot_end(f->backend, true);
    trim(f);
}

static void restore(Fixture *f, Taken *taken) {
    StateShare share = {0, 1, 128, true};
    Error err;
    CHECK_OK(state_load(f->table, buf_str(&taken->rows), &share, NULL, &err), &err);
    buf_free(&taken->rows);
}

// While the snapshot is taken rows change, go, come back, leave and are made; it is of its instant.
static void check_snapshot_of_an_instant(int64_t cache, bool trims, int64_t cache_after,
                                         bool copies) {
    enum { ROWS = 300 };
    Fixture f, g;
    fixture_open(&f, cache, 0);
    for (int64_t k = 0; k < ROWS; k++) put(&f, k, k);
    if (trims) trim(&f);
    for (int64_t k = 0; k < ROWS; k += 5) put(&f, k, k + 1);
    for (int64_t k = 7; k < ROWS; k += 50) {
        state_remove(f.table, (uint8_t *)find(&f, k, false, 0));
    }
    Taken taken;
    begin(&f, &taken, copies);
    for (int64_t k = 0; k < ROWS; k++) {
        Row *row = find(&f, k, k % 3 == 0, 0);
        if (row && k % 3 == 0) row->number = -1;
        if (row && k % 4 == 0) state_remove(f.table, (uint8_t *)row);
        if (k % 8 == 0) put(&f, k, -2);
        put(&f, ROWS + k, -3);
        if (trims) trim(&f);
        if (k % 2) (void)!state_snapshot_step(f.backend, 0);
    }
    finish(&f);
    CHECK_INT(f.copies, copies ? ROWS - 6 : 0);
    CHECK_INT(find(&f, 3, false, 0)->number, -1);
    CHECK_INT(find(&f, 8, false, 0)->number, -2);
    CHECK(!find(&f, 4, false, 0));

    fixture_open(&g, cache_after, 0);
    restore(&g, &taken);
    CHECK_INT(state_count(g.table), ROWS - 6);
    for (int64_t k = 0; k < ROWS; k++) {
        Row *row = find(&g, k, false, 0);
        if (k % 50 == 7) {
            CHECK(!row);
        } else {
            CHECK_INT(row ? row->number : -9, k % 5 ? k : k + 1);
        }
    }
    fixture_close(&g);
    fixture_close(&f);
}

TEST(disk, a_snapshot_is_of_its_instant_whatever_happens_meanwhile) {
    need_rocksdb();
    check_snapshot_of_an_instant(0, true, -1, false);       // all rows on disk; restored to memory
    check_snapshot_of_an_instant(0, true, 0, false);
    check_snapshot_of_an_instant(1 << 20, true, 0, false);  // none has left
    check_snapshot_of_an_instant(-1, false, 0, false);      // from memory to disk
}

TEST(state, copies_of_rows_are_of_the_snapshots_instant_too) {
    check_snapshot_of_an_instant(-1, false, -1, true);
}

TEST(disk, a_snapshot_given_up_leaves_the_state_whole) {
    need_rocksdb();
    Fixture f;
    Taken taken;
    fixture_open(&f, 0, 0);
    for (int64_t k = 0; k < 500; k++) put(&f, k, k);
    trim(&f);
    for (int64_t k = 0; k < 500; k++) put(&f, k, k + 1);
    begin(&f, &taken, false);
    for (int64_t k = 0; k < 500; k += 2) put(&f, k, k + 2);
    state_snapshot_end(f.backend, false);
    buf_free(&taken.rows);
    trim(&f);
    begin(&f, &taken, false);
    finish(&f);
    Fixture g;
    fixture_open(&g, -1, 0);
    restore(&g, &taken);
    for (int64_t k = 0; k < 500; k++)
        CHECK_INT(find(&g, k, false, 0)->number, k % 2 ? k + 1 : k + 2);
    fixture_close(&g);
    fixture_close(&f);
}
