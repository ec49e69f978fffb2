#include "os/os.h"
#include "state/rows.h"
#include "state/table.h"
#include "test/unit.h"

// Some slabs of rows, each of which holds a number twice, so that a row that is half written shows.
enum { KEYS = 12000, TOGETHER = 300, ABSENT = -1 };

typedef struct Row {
    int64_t number, again;
} Row;

typedef struct Fixture {
    Arena arena;
    Budget budget;
    StateBackend *backend;
    StateTable *table;
    Vec *key;                 // TOGETHER rows
    int64_t is[KEYS];         // what the table holds
    int64_t saved[KEYS];      // what all snapshots so far hold
    uint32_t times[KEYS];     // that the one under way has saved the key
    bool threaded;            // another thread sweeps, else the worker itself, in between
    OsThread *sweeper;
    StateTable *swept;        // there is something left to sweep
    Buf rows;                 // of the thread
    uint64_t random;
    int64_t next;
} Fixture;

static void row_save(void *arg, const uint8_t *row, Buf *out) {
    (void)arg;
    const Row *from = (const Row *)(const void *)row;
    codec_put_i64(out, from->number == from->again ? from->number : -2);
}

static char *row_save_copy(void *arg, const uint8_t *row, char *to) {
    (void)arg;
    const Row *from = (const Row *)(const void *)row;
    return codec_write_i64(to, from->number == from->again ? from->number : -2);
}

static void take_rows(Fixture *f, Str bytes) {
    for (RowsReader row = rows_reader(bytes); rows_next(&row);) {
        int64_t key, number;
        (void)codec_get_i64(row.key.ptr, &key);
        (void)codec_get_i64(row.value.ptr, &number);
        f->saved[key] = number;
        f->times[key]++;
    }
}

static void take_part(void *arg, const StateTableDef *table, uint32_t number, StatePart part,
                      Str bytes) {
    (void)table, (void)number;
    if (part == STATE_ROWS) take_rows(arg, bytes);
    for (const char *at = bytes.ptr; part == STATE_REMOVED && at < str_end(bytes);) {
        uint32_t size;
        int64_t key;
        memcpy(&size, at, sizeof size);
        (void)codec_get_i64(at + sizeof size, &key);
        ((Fixture *)arg)->saved[key] = ABSENT;
        at += sizeof size + size;
    }
}

static void take_copies(void *arg, const StateTableDef *table, uint32_t number, Buf *rows) {
    (void)number;
    Buf out = {0};
    state_copies_save(table, buf_str(rows), &out);
    take_rows(arg, buf_str(&out));
    buf_free(&out);
    rows->len = 0;
}

static void sweep(void *arg) {
    Fixture *f = arg;
    while (state_sweep(f->table, &f->rows)) {
    }
}

static void take_sweep(void *arg, StateTable *table, uint32_t number) {
    (void)number;
    Fixture *f = arg;
    f->swept = table;
    if (f->threaded) CHECK(!os()->thread_start(sweep, f, &f->sweeper, NULL));
}

static void fixture_open(Fixture *f, bool threaded) {
    *f = (Fixture){.threaded = threaded, .random = 42};
    arena_init(&f->arena);
    budget_init(&f->budget, NULL, "test", 0);
    f->backend = state_backend_new(&f->budget);
    const Type *number = type_of(TYPE_BIGINT, false);
    Str name = STR("k");
    const Type *row = type_row(&f->arena, 1, &number, &name, false);
    StateTableDef def = {.name = "rows", .operator_id = 7, .key = row, .value = row, .version = 1,
                         .row_size = sizeof(Row), .save = row_save,
                         .save_copy = row_save_copy, .copy_max = CODEC_I64_MAX};
    f->table = state_table_open(f->backend, &def);
    state_track(f->backend);
    f->key = vec_new(&f->arena, number, TOGETHER);
    for (uint32_t k = 0; k < KEYS; k++) f->is[k] = f->saved[k] = ABSENT;
}

static void fixture_close(Fixture *f) {
    state_backend_free(f->backend);
    buf_free(&f->rows);
    CHECK_INT(atomic_load(&f->budget.bytes), 0);
    arena_clear(&f->arena);
}

static uint8_t *find(Fixture *f, uint32_t key, bool add) {
    uint8_t *row;
    vec_i64(f->key)[0] = key;
    CHECK(!state_find(f->table, &f->key, 1, NULL, add, 0, &row, NULL, NULL));
    return row;
}

// A key is written, or now and then goes.
static void change(Fixture *f, uint32_t key) {
    f->random = f->random * 6364136223846793005u + 1442695040888963407u;
    bool goes = f->random >> 61 == 0 && f->is[key] != ABSENT;
    uint8_t *row = find(f, key, !goes);
    f->is[key] = goes ? ABSENT : f->next++;
    if (goes) {
        state_remove(f->table, row);
    } else {
        *(Row *)(void *)row = (Row){f->is[key], f->is[key]};
    }
}

// Keys of one batch are written, each in its turn, also one that is there twice.
static void change_together(Fixture *f, uint32_t first, uint32_t stride) {
    uint8_t *row[TOGETHER];
    for (uint32_t i = 0; i < TOGETHER; i++) {
        vec_i64(f->key)[i] = (first + i * stride) % KEYS;
    }
    CHECK(!state_find(f->table, &f->key, TOGETHER, NULL, true, 0, row, NULL, NULL));
    for (uint32_t i = 0; i < TOGETHER; i++) {
        int64_t key = vec_i64(f->key)[i];
        f->is[key] = f->next++;
        *(Row *)(void *)row[i] = (Row){f->is[key], f->is[key]};
    }
}

// Takes a snapshot while [count] keys, [stride] apart, change, and looks at it.
static void check_snapshot(Fixture *f, uint32_t first, uint32_t stride, uint32_t count) {
    static int64_t then[KEYS];
    memcpy(then, f->is, sizeof then);
    memset(f->times, 0, sizeof f->times);
    bool full = false;
    f->swept = NULL;
    state_snapshot_begin(f->backend, &full,
                         (StateOut){take_part, f, NULL, take_copies, take_sweep});
    if (full) {
        for (uint32_t k = 0; k < KEYS; k++) f->saved[k] = ABSENT;
    }
    (void)state_snapshot_step(f->backend, 0);
    for (uint32_t i = 0; i < count; i++) {
        change(f, (first + i * stride) % KEYS);
        if (i % 700 == 0) change_together(f, first + i, i % 1400 ? stride : KEYS / 200);
        if (!f->threaded && f->swept && i % 500 == 0) (void)state_sweep(f->swept, &f->rows);
    }
    while (!f->threaded && f->swept && state_sweep(f->swept, &f->rows)) {
    }
    while (!state_snapshot_step(f->backend, 0)) {
    }
    os()->thread_join(f->sweeper);
    f->sweeper = NULL;
    state_snapshot_end(f->backend, true);
    take_rows(f, buf_str(&f->rows));
    f->rows.len = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        if (f->times[k] > 1 || f->saved[k] != then[k]) {
            CHECK_INT(f->times[k], 1);
            CHECK_INT(f->saved[k], then[k]);
            return;
        }
    }
}

static void check_rounds(bool threaded, uint32_t rounds) {
    static Fixture f;
    fixture_open(&f, threaded);
    for (uint32_t k = 0; k < KEYS / 2; k++) change(&f, k);
    for (uint32_t i = 0; i < rounds; i++) {
        check_snapshot(&f, i, 7, KEYS / 2);         // keys come, blocks are used again
        check_snapshot(&f, i * 77, 1, i % 4 * 3000);
        check_snapshot(&f, i, 13, KEYS / 50);       // the next one holds few, from a list
    }
    fixture_close(&f);
}

TEST(state, a_snapshot_swept_between_changes_is_of_its_instant) {
    check_rounds(false, 20);
}

TEST(state, a_snapshot_swept_by_another_thread_is_of_its_instant) {
    check_rounds(true, 100);
}
