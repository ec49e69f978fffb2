// The different keys of a batch, and the rows that were found for them.
#include "exec/lookup.h"

static uint64_t *hashes_of(Arena *arena, Vec *const *column, uint32_t columns, uint32_t rows) {
    uint64_t *hash = ARENA_ARRAY(arena, uint64_t, rows + 1);
    for (uint32_t c = 0; c < columns; c++) vec_hash_into(column[c], hash);
    return hash;
}

static bool has_null(Vec *const *column, uint32_t columns, uint32_t row) {
    for (uint32_t c = 0; c < columns; c++) {
        if (vec_is_null(column[c], row)) return true;
    }
    return false;
}

// The number of the row's key, or KEY_NONE; *at is the slot where it is or would be.
static uint32_t find(const KeyIndex *index, Vec *const *column, uint32_t row, uint64_t hash,
                     uint32_t *at) {
    for (*at = (uint32_t)hash & index->mask; index->slot[*at]; *at = (*at + 1) & index->mask) {
        uint32_t key = index->slot[*at] - 1, c = 0;
        if (index->hash[key] != hash) continue;
        while (c < index->columns &&
               vec_key_equal(index->column[c], index->first[key], column[c], row)) {
            c++;
        }
        if (c == index->columns) return key;
    }
    return KEY_NONE;
}

void key_index_build(KeyIndex *index, Arena *arena, Vec *const *column, uint32_t columns,
                     uint32_t rows, uint32_t *key_of) {
    uint32_t slots = 16;
    while (slots < rows * 2) slots *= 2;
    *index = (KeyIndex){.column = column, .columns = columns, .mask = slots - 1,
                        .first = ARENA_ARRAY(arena, uint32_t, rows + 1),
                        .hash = ARENA_ARRAY(arena, uint64_t, rows + 1),
                        .slot = ARENA_ARRAY(arena, uint32_t, slots)};
    const uint64_t *hash = hashes_of(arena, column, columns, rows);
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t at;
        key_of[row] = KEY_NONE;
        if (has_null(column, columns, row)) continue;
        key_of[row] = find(index, column, row, hash[row], &at);
        if (key_of[row] != KEY_NONE) continue;
        key_of[row] = index->keys++;
        index->first[key_of[row]] = row;
        index->hash[key_of[row]] = hash[row];
        index->slot[at] = index->keys;
    }
}

void key_index_find(const KeyIndex *index, Arena *arena, Vec *const *column, uint32_t rows,
                    uint32_t *key_of) {
    const uint64_t *hash = hashes_of(arena, column, index->columns, rows);
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t at;
        bool null = has_null(column, index->columns, row);
        key_of[row] = null ? KEY_NONE : find(index, column, row, hash[row], &at);
    }
}

// ---- rows --------------------------------------------------------------------------------------

void right_rows_init(RightRows *self, const Type *type, Budget *budget) {
    *self = (RightRows){.rows = batch_new_columns(type, 0), .budget = budget};
}

void right_rows_clear(RightRows *self) {
    if (!self->rows) return;
    (void)batch_unref(self->rows);
    budget_release(self->budget, self->charged);
    mem_free(self->key);
    mem_free(self->from);
    mem_free(self->order);
    *self = (RightRows){0};
}

Status right_rows_add(RightRows *self, Vec *const *column, uint32_t row, uint32_t key,
                      Error *err) {
    Batch *rows = self->rows;
    uint32_t columns = rows->schema->child_count, at = rows->rows;
    int64_t bytes = 8;
    for (uint32_t c = 0; c < columns; c++) {
        bytes += 16;
        if (column[c]->phys == PHYS_STR) bytes += vec_str(column[c])[row].len;
    }
    TRY(budget_charge(self->budget, bytes, err));
    self->charged += bytes;
    if (at == self->cap) {
        self->cap = self->cap ? self->cap * 2 : 256;
        self->key = mem_realloc(self->key, self->cap * sizeof *self->key);
        for (uint32_t c = 0; c < columns; c++) vec_reserve(rows->column[c], self->cap);
    }
    for (uint32_t c = 0; c < columns; c++) {
        vec_set_len(rows->column[c], at + 1);
        vec_copy_value(rows->column[c], at, column[c], row);
    }
    self->key[at] = key;
    rows->rows++;
    return ST_OK;
}

void right_rows_sort(RightRows *self, uint32_t keys) {
    uint32_t rows = self->rows->rows;
    mem_free(self->from);
    mem_free(self->order);
    self->from = NEW_ARRAY(uint32_t, keys + 2);
    self->order = NEW_ARRAY(uint32_t, rows + 1);
    for (uint32_t row = 0; row < rows; row++) self->from[self->key[row] + 2]++;
    for (uint32_t key = 0; key < keys; key++) self->from[key + 2] += self->from[key + 1];
    for (uint32_t row = 0; row < rows; row++) self->order[self->from[self->key[row] + 1]++] = row;
}
