#include "func/int_set.h"

#include "test/unit.h"

TEST(int_set, holds_each_number_once) {
    enum { NUMBERS = 5000 };
    Budget budget;
    budget_init(&budget, NULL, "test", 0);
    AggEnv env = {.budget = &budget};
    IntSet set = {0};
    bool added;
    for (int round = 0; round < 2; round++) {
        for (int64_t i = -NUMBERS; i <= NUMBERS; i++) {
            CHECK(int_set_add(&set, i * 4096, &added, &env, NULL) == ST_OK);
            CHECK(added == (round == 0));
        }
        CHECK(int_set_add(&set, INT64_MIN, &added, &env, NULL) == ST_OK);
        CHECK(added == (round == 0));
        CHECK(int_set_add_null(&set) == (round == 0));
    }
    CHECK(int_set_count(&set) == 2 * NUMBERS + 3);
    int64_t value, sum = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; int_set_next(&set, &i, &value); count++) {
        if (value != INT64_MIN) sum += value;
    }
    CHECK(count == 2 * NUMBERS + 2 && sum == 0);  // NULL is no number
    int_set_free(&set, &env);
    CHECK(budget.bytes == 0 && int_set_count(&set) == 0);
}
