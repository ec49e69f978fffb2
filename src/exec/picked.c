#include "exec/picked.h"

enum { SLOT_BITS = 12 };  // of a mark; above them the turn, which is never 0
_Static_assert(BATCH_ROWS_MAX <= 1 << SLOT_BITS, "a mark holds any slot");

void picked_init(Picked *picked, Arena *arena, const Type *schema, uint32_t columns, bool marks) {
    *picked = (Picked){.schema = schema, .columns = columns, .marks = marks, .turn = 1};
    picked->slot = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX);
    picked->kind = ARENA_ARRAY(arena, uint8_t, BATCH_ROWS_MAX);
    picked->rank = ARENA_ARRAY(arena, int64_t, BATCH_ROWS_MAX);
    builder_init(&picked->row, type_row(arena, columns, schema->child, schema->field, false));
}

static uint32_t decoded_slot(Picked *picked, const StoredRow *row) {
    uintptr_t mark = picked->marks ? (uintptr_t)row->next : 0;
    if (mark >> SLOT_BITS == picked->turn) return mark & ((1u << SLOT_BITS) - 1);
    uint32_t slot = builder_row(&picked->row, ROW_INSERT);
    row_load(row, picked->row.batch->column, picked->columns, slot);
    // A mark is a note, no part of the row's value.
    if (picked->marks)
        ((StoredRow *)(uintptr_t)row)->next = (void *)(picked->turn << SLOT_BITS | slot);
    return slot;
}

bool picked_add(Picked *picked, RowKind kind, const StoredRow *row, int64_t rank) {
    uint32_t at = picked->count++;
    picked->slot[at] = decoded_slot(picked, row);
    picked->kind[at] = (uint8_t)kind;
    picked->rank[at] = rank;
    return picked->count == BATCH_ROWS_MAX;
}

Batch *picked_take(Picked *picked) {
    if (!picked->count) return NULL;
    Batch *from = builder_take(&picked->row), *out = batch_new(picked->schema);
    for (uint32_t c = 0; c < picked->columns; c++) {
        out->column[c] = vec_gather(&out->arena, from->column[c], picked->slot, picked->count);
    }
    if (picked->schema->child_count > picked->columns) {
        Vec *rank = vec_new(&out->arena, picked->schema->child[picked->columns], picked->count);
        memcpy(vec_i64(rank), picked->rank, picked->count * sizeof *picked->rank);
        out->column[picked->columns] = rank;
    }
    out->rows = picked->count;
    memcpy(batch_need_kinds(out), picked->kind, picked->count);
    batch_keep(out, from);
    batch_unref(from);
    picked->count = 0;
    picked->turn++;
    return batch_seal(out);
}

void picked_clear(Picked *picked) {
    builder_clear(&picked->row);
}
