#include "exec/picked.h"

#include "test/unit.h"

// Two rows, shown as they pass each other, and once more in the next batch.
TEST(picked, a_row_is_decoded_once_a_batch) {
    Arena arena = {0};
    Error err = {0};
    Budget budget;
    RowPool pool;
    Picked picked;
    const Type *child[] = {type_of(TYPE_VARCHAR, true), type_of(TYPE_BIGINT, false),
                           type_of(TYPE_BIGINT, false)};
    Str field[] = {STR("name"), STR("price"), STR("rank")};
    const Type *type = type_row(&arena, 3, child, field, false);
    Vec *column[] = {vec_new(&arena, child[0], 2), vec_new(&arena, child[1], 2)};
    vec_set_text(column[0], 0, STR("first"));
    vec_set_null(column[0], 1);
    vec_i64(column[1])[0] = 7, vec_i64(column[1])[1] = 9;
    budget_init(&budget, NULL, "test", 0);
    row_pool_init(&pool, &budget);
    picked_init(&picked, &arena, type, 2, true);
    StoredRow *row[2];
    for (uint32_t i = 0; i < 2; i++) {
        CHECK_OK(row_store(&pool, NULL, 0, column, 2, i, &row[i], &err), &err);
    }
    CHECK(picked_take(&picked) == NULL);
    for (int turn = 0; turn < 2; turn++) {
        CHECK(!picked_add(&picked, ROW_UPDATE_BEFORE, row[0], 1));
        CHECK(!picked_add(&picked, ROW_UPDATE_AFTER, row[1], 1));
        CHECK(!picked_add(&picked, ROW_INSERT, row[0], 2));
        CHECK_INT(picked.row.batch->rows, 2);
        Batch *out = picked_take(&picked);
        CHECK_INT(out->rows, 3);
        CHECK(out->kinds[0] == ROW_UPDATE_BEFORE && out->kinds[2] == ROW_INSERT);
        CHECK(vec_is_null(out->column[0], 1) && str_is(vec_str(out->column[0])[2], "first"));
        CHECK_INT(vec_i64(out->column[1])[1], 9);
        CHECK_INT(vec_i64(out->column[2])[2], 2);
        batch_unref(out);
    }
    picked_clear(&picked);
    row_pool_clear(&pool);
    arena_clear(&arena);
}
