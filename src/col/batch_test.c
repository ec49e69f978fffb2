#include "col/batch.h"

#include "test/unit.h"

// A batch of one column: the texts "a", NULL, "long enough for any padding", in that order.
static Batch *texts(Arena *arena) {
    const Type *child[] = {type_varchar(arena, 100, true)};
    static const Str NAME[] = {STR("text")};
    Batch *batch = batch_new_columns(type_row(arena, 1, child, NAME, false), 3);
    vec_set_text(batch->column[0], 0, STR("a"));
    vec_set_null(batch->column[0], 1);
    vec_set_text(batch->column[0], 2, STR("long enough for any padding"));
    return batch_seal(batch);
}

TEST(batch, gathered_rows_may_outlive_where_they_come_from) {
    static const uint32_t ROWS[] = {2, 1, 0, 2};
    Arena arena = {0};
    Batch *from = texts(&arena);
    Batch *part = batch_gather_own(from, ROWS, 4);
    memset((char *)(uintptr_t)vec_str(from->column[0])[2].ptr, 'x', 4);
    batch_unref(from);
    CHECK(part->rows == 4 && part->kept_count == 0);
    const Str *text = vec_str(part->column[0]);
    CHECK(str_is(text[0], "long enough for any padding") && str_eq(text[0], text[3]));
    CHECK(vec_is_null(part->column[0], 1) && text[1].len == 0);
    CHECK(str_is(text[2], "a"));
    batch_unref(part);
    arena_clear(&arena);
}

TEST(batch, gathered_lists_are_shared) {
    static const uint32_t ROWS[] = {1};
    Arena arena = {0};
    const Type *child[] = {type_array(&arena, type_varchar(&arena, 9, true), true)};
    static const Str NAME[] = {STR("list")};
    Batch *from = batch_new_columns(type_row(&arena, 1, child, NAME, false), 2);
    for (uint32_t row = 0; row < 2; row++) {
        uint32_t at = vec_list_begin(from->column[0], row, 1);
        vec_set_text(from->column[0]->child[0], at, row ? STR("two") : STR("one"));
    }
    Batch *part = batch_gather_own(batch_seal(from), ROWS, 1);
    CHECK(part->kept_count == 1);
    batch_unref(from);
    ListView view = vec_list(part->column[0])[0];
    CHECK(view.count == 1);
    CHECK(str_is(vec_str(part->column[0]->child[0])[view.offset], "two"));
    batch_unref(part);
    arena_clear(&arena);
}
