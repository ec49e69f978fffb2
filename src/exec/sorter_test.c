#include "exec/sorter.h"

#include "col/codec.h"
#include "test/unit.h"

typedef struct Fixture {
    Arena arena;
    Budget budget;
    Map config;
    OpEnv env;
    Operator op;
    const Type *row;
    OrderKey order;
    Sorter sorter;
} Fixture;

static void fixture_begin(Fixture *self, const char *share) {
    *self = (Fixture){.order = {.nulls_first = true}};
    budget_init(&self->budget, NULL, "test", 0);
    (void)map_put(&self->config, STR("weir.spill-share"), (void *)(uintptr_t)share);
    self->env = (OpEnv){.config = &self->config, .budget = &self->budget, .count = 1};
    const Type *child[2] = {type_of(TYPE_INT, true), type_of(TYPE_BIGINT, false)};
    Str name[2] = {STR("key"), STR("place")};
    self->row = type_row(&self->arena, 2, child, name, false);
    self->op = (Operator){.env = &self->env, .budget = &self->budget};
    sorter_init(&self->sorter, &self->op, &self->order, 1, 2);
}

static void fixture_end(Fixture *self) {
    sorter_clear(&self->sorter);
    CHECK(atomic_load(&self->budget.bytes) == 0);
    map_clear(&self->config);
    arena_clear(&self->arena);
}

static Status add(Fixture *self, uint32_t rows, uint32_t keys, Error *err) {
    Status st = ST_OK;
    uint32_t state = 1;
    for (uint32_t done = 0; done < rows && !st;) {
        uint32_t count = rows - done < 100 ? rows - done : 100;
        Batch *batch = batch_new_columns(self->row, count);
        for (uint32_t i = 0; i < count; i++) {
            state = state * 1664525 + 1013904223;
            vec_i32(batch->column[0])[i] =
                (int32_t)(state >> 8) % (int32_t)keys - (int32_t)keys / 2;
            if (state % 7 == 0) vec_set_null(batch->column[0], i);
            vec_i64(batch->column[1])[i] = done + i;
        }
        done += count;
        batch = batch_seal(batch);
        st = sorter_add(&self->sorter, batch, err);
        batch_unref(batch);
    }
    return st ? st : sorter_finish(&self->sorter, err);
}

// All rows come, by key, and those of one key in the order in which they were added.
static void check_sorted(Fixture *self, uint32_t rows) {
    Batch *two = batch_new_columns(self->row, 2);
    uint32_t seen = 0;
    for (;; seen++) {
        Str key, bytes;
        CHECK(!sorter_next(&self->sorter, &key, &bytes, NULL));
        if (!key.ptr) break;
        for (uint32_t c = 0; c < 2; c++) {
            if (seen) vec_copy_value(two->column[c], 0, two->column[c], 1);
        }
        Batch *one = batch_new_columns(self->row, 1);
        const char *at = bytes.ptr;
        for (uint32_t c = 0; c < 2; c++) at = codec_get(at, one->column[c], 0);
        for (uint32_t c = 0; c < 2; c++) vec_copy_value(two->column[c], 1, one->column[c], 0);
        batch_unref(one);
        if (!seen) continue;
        int order = vec_compare(two->column[0], 0, two->column[0], 1);
        CHECK(order <= 0);
        CHECK(order < 0 || vec_i64(two->column[1])[0] < vec_i64(two->column[1])[1]);
    }
    CHECK(seen == rows);
    batch_unref(two);
}

TEST(sorter, sorts_in_memory) {
    Fixture self;
    fixture_begin(&self, "1 gb");
    CHECK(!add(&self, 5000, 700, NULL));
    CHECK(self.sorter.run_count == 0);
    check_sorted(&self, 5000);
    fixture_end(&self);
}

TEST(sorter, merges_runs_in_several_rounds) {
    Fixture self;
    fixture_begin(&self, "1 b");  // each row is a run: more than can be merged at a time
    CHECK(!add(&self, 5000, 700, NULL));
    CHECK(self.sorter.run_count > 1);
    check_sorted(&self, 5000);
    fixture_end(&self);
}

TEST(sorter, sorts_nothing) {
    Fixture self;
    fixture_begin(&self, "1 b");
    CHECK(!add(&self, 0, 1, NULL));
    check_sorted(&self, 0);
    fixture_end(&self);
}

// ---- a disk that fails -------------------------------------------------------------------------

static Os broken;
static int writes_left;

static Status failing_write(OsFile *file, const void *bytes, size_t size, Error *err) {
    if (writes_left-- > 0) {
        os_use(NULL);
        Status st = os()->write(file, bytes, size, err);
        os_use(&broken);
        return st;
    }
    return error_set(err, ST_IO, "cannot write 'scratch': No space left on device");
}

// The first write fails, then the second, until a run has none left to fail: each time the error
// says so and nothing is held any more.
TEST(sorter, a_full_disk_is_an_error) {
    bool failed = true;
    for (int left = 0; failed; left += 7) {
        Fixture self;
        Error err = {0};
        fixture_begin(&self, "4 kb");
        os_use(NULL);
        broken = *os();
        broken.write = failing_write;
        writes_left = left;
        os_use(&broken);
        Status st = add(&self, 4000, 50, &err);
        os_use(NULL);
        failed = st != ST_OK;
        if (failed) CHECK(st == ST_IO && strstr(err.message, "No space left on device"));
        if (failed) CHECK(strstr(err.hint, "io.tmp.dirs"));
        if (!failed) check_sorted(&self, 4000);
        fixture_end(&self);
    }
}

TEST(sorter, a_directory_that_is_not_there_is_named) {
    Fixture self;
    Error err = {0};
    fixture_begin(&self, "1 b");
    (void)map_put(&self.config, STR("io.tmp.dirs"), (void *)(uintptr_t)"/no/such/directory");
    CHECK(add(&self, 10, 5, &err) == ST_IO);
    CHECK(strstr(err.message, "/no/such/directory/weir-"));
    fixture_end(&self);
}
