// What process table functions keep, and the columns that a checkpoint keeps of it.
#include "udf/store.h"

#include "test/unit.h"

static Budget unlimited(void) {
    Budget budget;
    budget_init(&budget, NULL, "test", 0);
    return budget;
}

// Written to a column and read again it is the same, in the same order.
static void check_round_trip(const Store *store, StoreKind kind, Budget *budget) {
    Error err;
    Arena arena = {0};
    Store again = {0};
    Str a, b, x, y;
    uint64_t i = 0, j = 0;
    Vec *vec = vec_new(&arena, store_type(kind), 2);
    store_write(store, kind, vec, 1);
    CHECK_OK(store_read(&again, kind, vec, 1, budget, &err), &err);
    CHECK(again.live == store->live);
    while (store_next(store, &i, &a, &x)) {
        CHECK(store_next(&again, &j, &b, &y));
        CHECK(str_eq(a, b) && str_eq(x, y));
    }
    CHECK(!store_next(&again, &j, &b, &y));
    store_clear(&again, budget);
    arena_clear(&arena);
}

TEST(store, bytes_and_list) {
    Error err;
    Budget budget = unlimited();
    Store one = {0}, list = {0}, none = {0};
    Str out;
    CHECK(!store_value(&one, &out));
    CHECK_OK(store_set(&one, STR("first"), &budget, &err), &err);
    CHECK_OK(store_set(&one, STR(""), &budget, &err), &err);
    CHECK(store_value(&one, &out) && out.len == 0);
    for (int i = 0; i < 100; i++) {
        CHECK_OK(store_append(&list, str_make("abc", (size_t)i % 4), &budget, &err), &err);
    }
    check_round_trip(&one, STORE_BYTES, &budget);
    check_round_trip(&list, STORE_LIST, &budget);
    check_round_trip(&none, STORE_BYTES, &budget);
    check_round_trip(&none, STORE_MAP, &budget);
    store_clear(&one, &budget);
    store_clear(&list, &budget);
    CHECK(budget.bytes == 0);
}

// A map against an array: puts, overwrites and removes at random.
TEST(store, map_is_a_map) {
    Error err;
    enum { KEYS = 200, STEPS = 20000 };
    Budget budget = unlimited();
    Store map = {0};
    int want[KEYS] = {0};
    uint64_t random = 88172645463325252ull;
    for (int step = 1; step <= STEPS; step++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint32_t key = (uint32_t)(random % KEYS);
        Str name = str_make((const char *)&key, sizeof key), out;
        if (random >> 32 & 3) {
            want[key] = step;
            CHECK_OK(
                store_put(&map, name, str_make((const char *)&step, sizeof step), &budget, &err),
                &err);
        } else {
            want[key] = 0;
            store_remove(&map, name, &budget);
        }
        bool there = store_get(&map, name, &out);
        CHECK(there == (want[key] != 0));
        CHECK(!there || memcmp(out.ptr, &want[key], sizeof want[key]) == 0);
        if (step % (STEPS / 4) == 0) check_round_trip(&map, STORE_MAP, &budget);
    }
    uint32_t live = 0;
    for (int i = 0; i < KEYS; i++) live += want[i] != 0;
    CHECK(map.live == live);
    store_clear(&map, &budget);
    CHECK(budget.bytes == 0);
}

TEST(store, the_limit_is_kept) {
    Budget budget;
    Store list = {0};
    Status st = ST_OK;
    budget_init(&budget, NULL, "small", 4096);
    for (int i = 0; !st && i < 1000; i++)
        st = store_append(&list, STR("twelve bytes"), &budget, NULL);
    CHECK(st == ST_OVER_BUDGET);
    store_clear(&list, &budget);
    CHECK(budget.bytes == 0);
}
