#include "exec/stored.h"

#include <math.h>

#include "test/unit.h"

static void key_of(const Vec *vec, uint32_t row, bool descending, bool nulls_first, Buf *out) {
    OrderKey order = {0, descending, nulls_first};
    Vec *column[1] = {(Vec *)(uintptr_t)vec};
    out->len = 0;
    sort_key_put(&order, 1, column, row, out);
}

// The bytes of two rows compare as their values do, up and down.
static void check_order(const Vec *vec) {
    Buf a = {0}, b = {0};
    for (uint32_t i = 0; i < vec->len; i++) {
        for (uint32_t j = 0; j < vec->len; j++) {
            int expected = vec_compare(vec, i, vec, j);
            key_of(vec, i, false, true, &a);
            key_of(vec, j, false, true, &b);
            int up = str_cmp(buf_str(&a), buf_str(&b));
            CHECK((up < 0) == (expected < 0) && (up > 0) == (expected > 0));
            key_of(vec, i, true, false, &a);
            key_of(vec, j, true, false, &b);
            int down = str_cmp(buf_str(&a), buf_str(&b));
            CHECK((down < 0) == (expected > 0) && (down > 0) == (expected < 0));
        }
    }
    buf_free(&a);
    buf_free(&b);
}

TEST(stored, sort_keys_compare_as_their_values) {
    Arena arena = {0};
    static const int64_t NUMBERS[] = {0,    1,         -1,        255,       256,
                                      -256, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    enum { COUNT = sizeof NUMBERS / sizeof *NUMBERS };
    Vec *longs = vec_new(&arena, type_of(TYPE_BIGINT, true), COUNT + 1);
    Vec *doubles = vec_new(&arena, type_of(TYPE_DOUBLE, true), COUNT + 1);
    Vec *decimals = vec_new(&arena, type_decimal(&arena, 38, 0, true), COUNT + 1);
    for (uint32_t i = 0; i < COUNT; i++) {
        vec_i64(longs)[i] = NUMBERS[i];
        vec_f64(doubles)[i] = (double)NUMBERS[i] / 3;
        vec_i128(decimals)[i] = (i128)NUMBERS[i] * INT32_MAX;
    }
    vec_set_null(longs, COUNT);
    vec_set_null(doubles, COUNT);
    vec_set_null(decimals, COUNT);
    check_order(longs);
    check_order(doubles);
    check_order(decimals);
    static const Str TEXTS[] = {STR(""),   STR("a"), STR("a\0"),  STR("a\0b"),
                                STR("aa"), STR("b"), STR("\xff"), STR("ö")};
    Vec *texts = vec_new(&arena, type_of(TYPE_VARCHAR, true), 9);
    for (uint32_t i = 0; i < 8; i++) vec_set_text(texts, i, TEXTS[i]);
    vec_set_null(texts, 8);
    check_order(texts);
    arena_clear(&arena);
}

TEST(stored, minus_zero_sorts_as_zero_and_nan_last) {
    Arena arena = {0};
    Buf a = {0}, b = {0};
    Vec *vec = vec_new(&arena, type_of(TYPE_DOUBLE, false), 4);
    vec_f64(vec)[1] = -0.0;
    vec_f64(vec)[2] = (double)INFINITY;
    vec_f64(vec)[3] = (double)NAN;
    key_of(vec, 0, false, true, &a);
    key_of(vec, 1, false, true, &b);
    CHECK(str_eq(buf_str(&a), buf_str(&b)));
    key_of(vec, 2, false, true, &a);
    key_of(vec, 3, false, true, &b);
    CHECK(str_cmp(buf_str(&a), buf_str(&b)) < 0);
    buf_free(&a);
    buf_free(&b);
    arena_clear(&arena);
}

TEST(stored, rows_come_back_as_they_went_in) {
    Arena arena = {0};
    Budget budget;
    budget_init(&budget, NULL, "test", 0);
    RowPool pool;
    row_pool_init(&pool, &budget);
    Vec *in[2] = {vec_new(&arena, type_of(TYPE_INT, true), 2),
                  vec_new(&arena, type_of(TYPE_VARCHAR, true), 2)};
    Vec *out[2] = {vec_new(&arena, type_of(TYPE_INT, true), 2),
                   vec_new(&arena, type_of(TYPE_VARCHAR, true), 2)};
    vec_i32(in[0])[0] = 7;
    vec_set_text(in[1], 0, STR("seven"));
    vec_set_null(in[0], 1);
    OrderKey order = {0, true, false};
    StoredRow *row[2], *again;
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(row_store(&pool, &order, 1, in, 2, i, &row[i], NULL) == ST_OK);
        row_load(row[i], out, 2, i);
    }
    CHECK(vec_i32(out[0])[0] == 7 && str_is(vec_str(out[1])[0], "seven"));
    CHECK(vec_is_null(out[0], 1) && !vec_is_null(out[1], 1));
    CHECK(!row_same(row[0], row[1]));
    row_free(&pool, row[0]);
    CHECK(row_store(&pool, NULL, 0, in, 2, 1, &again, NULL) == ST_OK);
    CHECK(row_same(row[1], again));  // whatever the sort key
    row_pool_clear(&pool);
    CHECK(budget.bytes == 0);
    arena_clear(&arena);
}

// Enough rows for some slabs; the times of a timed pool stay beside their rows.
TEST(stored, pools_grow_and_give_all_back) {
    enum { ROWS = 60000, LENGTH = 200 };
    Arena arena = {0};
    Budget budget;
    budget_init(&budget, NULL, "test", 0);
    RowPool pool;
    row_pool_init_timed(&pool, &budget);
    Vec *text = vec_new(&arena, type_of(TYPE_VARCHAR, true), 1);
    char bytes[LENGTH];
    memset(bytes, 'x', sizeof bytes);
    StoredRow *first = NULL, **last = &first;
    for (int64_t i = 0; i < ROWS; i++) {
        vec_set_text(text, 0, str_make(bytes, (size_t)(i % LENGTH)));
        CHECK(row_store(&pool, NULL, 0, &text, 1, 0, last, NULL) == ST_OK);
        CHECK(*row_time(*last) == 0);
        *row_time(*last) = i;
        last = &(*last)->next;
        if (i % LENGTH) continue;
        arena_reset(&arena);
        text = vec_new(&arena, type_of(TYPE_VARCHAR, true), 1);
    }
    CHECK(budget.bytes > 6000000);
    int64_t i = 0;
    for (StoredRow *row = first; row; row = row->next, i++) {
        CHECK(*row_time(row) == i && row->row_size == 1 + i % LENGTH);
    }
    CHECK(i == ROWS);
    row_pool_clear(&pool);
    CHECK(budget.bytes == 0);
    arena_clear(&arena);
}

// A model of SortedRows: an array in order.
enum { MODEL_ROWS = 2000 };

TEST(stored, sorted_rows_stay_sorted_and_stable) {
    Arena arena = {0};
    Budget budget;
    budget_init(&budget, NULL, "test", 0);
    RowPool pool;
    row_pool_init(&pool, &budget);
    SortedRows rows = {0};
    StoredRow **model = NEW_ARRAY(StoredRow *, MODEL_ROWS);
    uint32_t count = 0;
    uint64_t random = 1;
    Vec *column[1] = {vec_new(&arena, type_of(TYPE_INT, false), 1)};
    OrderKey order = {0, false, true};
    for (uint32_t step = 0; step < 4 * MODEL_ROWS; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t dice = (uint32_t)(random >> 33);
        if (count < MODEL_ROWS && (dice % 3 || !count)) {
            StoredRow *row;
            vec_i32(column[0])[0] = (int32_t)(dice / 3 % 97);
            CHECK(row_store(&pool, &order, 1, column, 1, 0, &row, NULL) == ST_OK);
            uint32_t at = 0;
            while (at < count && str_cmp(row_key(model[at]), row_key(row)) <= 0) at++;
            memmove(model + at + 1, model + at, (count++ - at) * sizeof *model);
            model[at] = row;
            CHECK(sorted_rank(&rows, sorted_add(&rows, row)) == at);
        } else {
            uint32_t at = dice / 3 % count;
            SortedAt place = sorted_at(&rows, at);
            CHECK(sorted_row(&rows, place) == model[at]);
            SortedAt first = sorted_find(&rows, row_key(model[at]));
            CHECK(sorted_rank(&rows, first) <= at);
            sorted_remove(&rows, place);
            row_free(&pool, model[at]);
            memmove(model + at, model + at + 1, (--count - at) * sizeof *model);
        }
        CHECK(rows.count == count);
    }
    uint32_t i = 0;
    for (SortedAt at = sorted_first(&rows); sorted_row(&rows, at);
         at = sorted_next(&rows, at), i++) {
        CHECK(sorted_row(&rows, at) == model[i]);
    }
    CHECK(i == count && (!count || sorted_last(&rows) == model[count - 1]));
    mem_free(model);
    sorted_free(&rows);
    row_pool_clear(&pool);
    arena_clear(&arena);
}

// Adds and removes while an image is written: it has the rows of its beginning, each once.
TEST(stored, an_image_is_of_one_instant) {
    Arena arena = {0};
    Error err;
    RowPool pool;
    row_pool_init(&pool, NULL);
    SortedRows rows = {0};
    OrderKey order = {0};
    Vec *column = vec_new(&arena, type_of(TYPE_INT, false), 1);
    enum { ROWS = 3000 };
    for (uint32_t i = 0; i < ROWS; i++) {
        StoredRow *row;
        vec_i32(column)[0] = (int32_t)(i * 2);
        CHECK_OK(row_store(&pool, &order, 1, &column, 1, 0, &row, &err), &err);
        (void)sorted_add(&rows, row);
    }
    SortedImage image = {0};
    sorted_image_begin(&image, &rows, &pool);
    uint32_t seen = 0;
    int64_t sum = 0;
    for (const SortedChunk *chunk; (chunk = sorted_image_next(&image));) {
        for (uint32_t i = 0; i < chunk->count; i++) {
            row_load(chunk->row[i], &column, 1, 0);
            sum += vec_i32(column)[0];
            seen++;
        }
        // Ahead of it, behind it, in it.
        for (uint32_t i = 0; i < 40 && rows.count; i++) {
            StoredRow *row = sorted_row(&rows, sorted_at(&rows, rows.count * (i % 4) / 4));
            sorted_remove(&rows, sorted_at(&rows, rows.count * (i % 4) / 4));
            row_free(&pool, row);
            vec_i32(column)[0] = (int32_t)(i * 131 % (ROWS * 2)) | 1;
            CHECK_OK(row_store(&pool, &order, 1, &column, 1, 0, &row, &err), &err);
            (void)sorted_add(&rows, row);
        }
    }
    CHECK_INT(seen, ROWS);
    CHECK_INT(sum, (int64_t)ROWS * (ROWS - 1));
    sorted_image_end(&image);
    CHECK_INT(rows.count, ROWS);
    sorted_free(&rows);
    row_pool_clear(&pool);
    arena_clear(&arena);
}
