// The memory backend: finding, adding and removing rows.
#include "state/memory.h"

#include "base/hash.h"
#include "base/pages.h"
#include "col/codec.h"

StateBackend *state_backend_new(Budget *budget) {
    StateBackend *backend = NEW(StateBackend);
    backend->budget = budget;
    return backend;
}

enum { BLOCK_SIZE = PAGES_WORTH, BLOCKS_FROM = 256 << 20 };
_Static_assert(BLOCK_SIZE % SLAB_SIZE == 0, "slabs fill blocks");

static void table_free(StateTable *table) {
    for (RowHead *row = table->oldest; row; row = row->newer) {
        if (table->def.clear && !(row->flags & ROW_GONE))
            table->def.clear(table->def.clear_arg, row_of(row));
    }
    for (uint32_t i = 0; i < table->slab_count; i++) {
        if (!table->slab[i]->in_block) mem_free(table->slab[i]);
    }
    mem_free(table->slab);
    for (uint32_t i = 0; i < table->block_count; i++) pages_free(table->block[i], BLOCK_SIZE);
    mem_free(table->block);
    if (table->on_disk) disk_table_free(table);
    sweep_free(table);
    pages_free(table->slot, table->slot_count * sizeof(Slot));
    mem_free(table->key_at);
    mem_free(table->hashes);
    mem_free(table->changed.row);
    mem_free(table->to_save.row);
    buf_free(&table->removed);
    buf_free(&table->rows);
    buf_free(&table->keys);
    budget_release(table->def.budget, (int64_t)table->bytes);
    mem_free(table);
}

void state_backend_free(StateBackend *backend) {
    if (!backend) return;
    for (StateTable *table = backend->tables, *next; table; table = next) {
        next = table->next;
        table_free(table);
    }
    if (backend->disk) disk_free(backend);
    mem_free(backend);
}

enum { SLOTS_FIRST = 64 };

StateTable *state_table_open(StateBackend *backend, const StateTableDef *def) {
    StateTable *table = NEW(StateTable);
    table->def = *def;
    table->def.row_size = (def->row_size + 15) & ~15u;
    if (!table->def.budget) table->def.budget = backend->budget;
    table->backend = backend;
    table->writer.out = &table->rows;
    table->epoch = def->derived ? 0 : backend->epoch;
    table->next = backend->tables;
    backend->tables = table;
    table->slot_count = SLOTS_FIRST;
    table->slot = pages_alloc(SLOTS_FIRST * sizeof(Slot));
    if (backend->disk) disk_table_open(table);
    return table;
}

// ---- rows --------------------------------------------------------------------------------------

// The class of blocks for *size bytes; *size becomes the block's.
static uint32_t class_of(size_t *size) {
    size_t units = (*size + CLASS_UNIT - 1) / CLASS_UNIT;
    if (units <= CLASS_EXACT) return *size = units * CLASS_UNIT, (uint32_t)units;
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(*size - 1);  // 2^shift < size <= 2^(shift + 1)
    size_t step = (size_t)1 << (shift - 2);
    size_t steps = (*size - ((size_t)1 << shift) + step - 1) / step;  // 1..4
    *size = ((size_t)1 << shift) + steps * step;
    return CLASS_EXACT + (shift - CLASS_SHIFT_MIN) * 4 + (uint32_t)steps;
}

size_t class_size(uint32_t class) {
    if (class <= CLASS_EXACT) return (size_t)class * CLASS_UNIT;
    uint32_t beyond = class - CLASS_EXACT - 1, shift = CLASS_SHIFT_MIN + beyond / 4;
    return ((size_t)1 << shift) + ((size_t)(beyond % 4 + 1) << (shift - 2));
}

// Room for a slab in a block.
static Slab *block_slab(StateTable *table) {
    if (table->block_next == table->block_end) {
        size_t count = table->block_count + 1;
        table->block = mem_realloc(table->block, count * sizeof *table->block);
        table->block_next = table->block[table->block_count++] = pages_alloc(BLOCK_SIZE);
        table->block_end = table->block_next + BLOCK_SIZE;
    }
    Slab *slab = (Slab *)(void *)table->block_next;
    table->block_next += SLAB_SIZE;
    return slab;
}

static Status slab_new(StateTable *table, size_t row_size, Error *err) {
    size_t size = sizeof(Slab) + row_size;
    if (size < SLAB_SIZE) size = SLAB_SIZE;
    TRY(budget_charge(table->def.budget, (int64_t)size, err));
    table->bytes += size;
    bool in_block = size == SLAB_SIZE && table->bytes > BLOCKS_FROM;
    Slab *slab = in_block ? block_slab(table) : mem_alloc(size);
    *slab = (Slab){.in_block = in_block};
    if (table->slab_count) {
        Slab *last = table->slab[table->slab_count - 1];
        last->end = table->slab_next;
        last->next = slab;
    }
    if (table->slab_count == table->slab_cap) {
        table->slab_cap = table->slab_cap ? table->slab_cap * 2 : 4;
        table->slab = mem_realloc(table->slab, table->slab_cap * sizeof(Slab *));
    }
    ASSERT(table->slab_count < SLABS_MAX);
    table->slab[table->slab_count++] = slab;
    table->slab_next = (char *)(slab + 1);
    table->slab_end = (char *)slab + size;
    return ST_OK;
}

// A block for a row with such a key: its slab and class are set, nothing else is. [again]: it has
// held a row before.
static Status row_alloc(StateTable *table, uint32_t key_size, RowHead **out, bool *again,
                        Error *err) {
    size_t size = sizeof(RowHead) + table->def.row_size + key_size;
    if (table->on_disk) size += sizeof table->group;
    uint32_t class = class_of(&size);
    RowHead **free_row = &table->free_row[class];
    *again = *free_row != NULL;
    if (*again) {
        *out = *free_row;
        *free_row = (*free_row)->newer;
        table->spare--;
        return ST_OK;
    }
    if ((size_t)(table->slab_end - table->slab_next) < size) TRY(slab_new(table, size, err));
    RowHead *row = (RowHead *)(void *)table->slab_next;
    table->slab_next += size;
    row->slab = (table->slab_count - 1) & (SLABS_MAX - 1);
    row->class = (uint8_t)class;
    *out = row;
    return ST_OK;
}

static Status slots_grow(StateTable *table, Error *err) {
    uint64_t count = table->slot_count * 2;
    TRY(budget_charge(table->def.budget, (int64_t)(count / 2 * sizeof(Slot)), err));
    table->bytes += count / 2 * sizeof(Slot);
    Slot *slot = pages_alloc(count * sizeof(Slot));
    for (uint64_t i = 0; i < table->slot_count; i++) {
        if (!table->slot[i].row) continue;
        uint64_t at = table->slot[i].hash & (count - 1);
        while (slot[at].row) at = (at + 1) & (count - 1);
        slot[at] = table->slot[i];
    }
    pages_free(table->slot, table->slot_count * sizeof(Slot));
    table->slot = slot;
    table->slot_count = count;
    return ST_OK;
}

void row_take_out(StateTable *table, uint64_t at) {
    RowHead *row = table->slot[at].row;
    *(row->older ? &row->older->newer : &table->oldest) = row->newer;
    *(row->newer ? &row->newer->older : &table->newest) = row->older;
    row->flags = 0;
    row->newer = table->free_row[row->class];
    table->free_row[row->class] = row;
    table->spare++;
    table->count--;
    // Backward-shift deletion keeps probe chains whole without tombstones (Knuth 6.4, algorithm R).
    uint64_t mask = table->slot_count - 1, hole = at;
    for (uint64_t next = (at + 1) & mask; table->slot[next].row; next = (next + 1) & mask) {
        uint64_t home = table->slot[next].hash & mask;
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            table->slot[hole] = table->slot[next];
            hole = next;
        }
    }
    table->slot[hole] = (Slot){0};
}

// Removes the row; what is left of it in the index, if anything.
static RowHead *row_remove(StateTable *table, uint64_t at) {
    RowHead *row = table->slot[at].row;
    bool stays = table->on_disk && disk_remove(table, row);
    if (!table->on_disk && table->epoch) row_goes(table, row);
    if (table->def.clear) table->def.clear(table->def.clear_arg, row_of(row));
    if (stays) {
        memset(row_of(row), 0, table->def.row_size);
        return row;
    }
    row_take_out(table, at);
    return NULL;
}

// Bytes of one encoded key when all keys of the batch have the same: fixed slots, no NULL, no
// floats (whose NaNs have several bit patterns). 0: they differ.
static uint32_t keys_stride(const StateTable *table, Vec *const *key) {
    uint32_t stride = 0;
    for (uint32_t c = 0; c < table->def.key->child_count; c++) {
        Phys phys = key[c]->phys;
        if (phys < PHYS_U8 || phys > PHYS_TS || phys == PHYS_F32 || phys == PHYS_F64) return 0;
        if (vec_has_nulls(key[c])) return 0;
        stride += 1 + phys_size(phys);
    }
    return stride;
}

// The same bytes as codec_put_key's, column by column.
static void keys_encode_fixed(StateTable *table, Vec *const *key, uint32_t rows, uint32_t stride) {
    table->keys.len = 0;
    char *out = buf_reserve(&table->keys, (size_t)rows * stride);
    uint32_t at = 0;
    for (uint32_t c = 0; c < table->def.key->child_count; c++) {
        uint32_t size = phys_size(key[c]->phys);
        const char *data = key[c]->data;
        char *to = out + at;
        if (size == 8) {
            for (uint32_t row = 0; row < rows; row++, to += stride) {
                to[0] = 1;
                memcpy(to + 1, data + (size_t)row * 8, 8);
            }
        } else {
            for (uint32_t row = 0; row < rows; row++, to += stride) {
                to[0] = 1;
                memcpy(to + 1, data + (size_t)row * size, size);
            }
        }
        at += 1 + size;
    }
    table->keys.len = (size_t)rows * stride;
    for (uint32_t row = 0; row < rows; row++) {
        table->key_at[row] = row * stride;
        table->hashes[row] = hash_bytes(out + (size_t)row * stride, stride, 0);
    }
    table->key_at[rows] = rows * stride;
}

static void keys_encode(StateTable *table, Vec *const *key, uint32_t rows, const uint64_t *mask) {
    if (table->batch_cap < rows) {
        table->batch_cap = rows < BATCH_ROWS_MAX ? BATCH_ROWS_MAX : rows;
        table->key_at = mem_realloc(table->key_at, (table->batch_cap + 1) * sizeof *table->key_at);
        table->hashes = mem_realloc(table->hashes, table->batch_cap * sizeof *table->hashes);
    }
    uint32_t stride = keys_stride(table, key);
    if (stride) {
        keys_encode_fixed(table, key, rows, stride);
        return;
    }
    table->keys.len = 0;
    uint32_t columns = table->def.key->child_count;
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t at = (uint32_t)table->keys.len;
        table->key_at[row] = at;
        if (mask && !bits_get(mask, row)) continue;
        for (uint32_t c = 0; c < columns; c++) codec_put_key(key[c], row, &table->keys);
        table->hashes[row] = hash_bytes(table->keys.ptr + at, table->keys.len - at, 0);
    }
    table->key_at[rows] = (uint32_t)table->keys.len;
}

Status row_add(StateTable *table, uint64_t at, uint64_t hash, Str key, int64_t now_ms,
               RowHead **out, Error *err) {
    RowHead *row;
    bool again;
    TRY(row_alloc(table, key.len, &row, &again, err));
    bool in_turn = again && sweep_under_way(table);
    if (in_turn) {
        uint64_t sweep = sweep_enter(table);
        (void)sweep_took(table, row->slab, &sweep);  // or else it is not while the block is filled
    }
    RowHead block = {.slab = row->slab, .class = row->class, .flags = ROW_LIVE};
    *row = block;
    memset(row_of(row), 0, table->def.row_size);
    row->hash = hash & ROW_HASH;
    row->key_size = key.len;
    row->written_ms = table->def.leave ? NO_NOTE : now_ms;
    row->saved = table->backend->taking;  // the snapshot under way has nothing to do with it
    row->older = table->newest;
    row->newer = NULL;
    *(table->newest ? &table->newest->newer : &table->oldest) = row;
    table->newest = row;
    char *bytes = (char *)row_of(row) + table->def.row_size;
    if (key.len) memcpy(bytes, key.ptr, key.len);
    if (table->on_disk) memcpy(bytes + key.len, &table->group, sizeof table->group);
    if (in_turn) sweep_leave(table);
    table->slot[at] = (Slot){row, hash};
    table->count++;
    *out = row;
    return ST_OK;
}

Status slot_reserve(StateTable *table, uint64_t hash, Str key, uint64_t *at, Error *err) {
    if ((table->count + 1) * 10 > table->slot_count * 7) TRY(slots_grow(table, err));
    uint64_t slot = hash & (table->slot_count - 1);
    for (RowHead *row; (row = table->slot[slot].row); slot = (slot + 1) & (table->slot_count - 1)) {
        if (table->slot[slot].hash == hash && key_is(table, row, key)) break;
    }
    *at = slot;
    return ST_OK;
}

// Slots are fetched that many rows ahead; by half way they are there, and say which row to fetch.
enum { PREFETCH_AHEAD = 16, CHANGE_TOGETHER = 64 };

// The row that is likely to have the key of that hash, not looked at; NULL: there is none.
static inline RowHead *row_of_hash(const StateTable *table, uint64_t hash) {
    uint64_t mask = table->slot_count - 1, at = hash & mask;
    while (table->slot[at].row && table->slot[at].hash != hash) at = (at + 1) & mask;
    return table->slot[at].row;
}

Status state_find(StateTable *table, Vec *const *key, uint32_t rows, const uint64_t *mask, bool add,
                  int64_t now_ms, uint8_t **rows_out, uint8_t *is_new, Error *err) {
    (void)buf_reserve(&table->keys, 1);
    keys_encode(table, key, rows, mask);
    if (table->on_disk) TRY(disk_fetch(table, key, rows, mask, now_ms, err));
    bool changes = add && table->epoch;
    uint32_t changed = 0;
    for (uint32_t i = 0; i < rows; i++) {
        // Not as each is found: what was asked of memory has hardly come then, and a copy waits for
        // it. Nor all at last, when the first ones have left the nearest cache.
        if (changes && i - changed == CHANGE_TOGETHER) {
            rows_change(table, rows_out + changed, i - changed);
            changed = i;
        }
        if (i + PREFETCH_AHEAD < rows) {
            uint64_t ahead = table->hashes[i + PREFETCH_AHEAD] & (table->slot_count - 1);
            __builtin_prefetch(&table->slot[ahead]);
        }
        if (i + PREFETCH_AHEAD / 2 < rows) {
            uint64_t ahead = table->hashes[i + PREFETCH_AHEAD / 2];
            const char *row = (const char *)row_of_hash(table, ahead);
            if (row) {  // its head, what is behind that, and the key
                __builtin_prefetch(row);
                __builtin_prefetch(row + 64);
                __builtin_prefetch(row + sizeof(RowHead) + table->def.row_size);
            }
        }
        rows_out[i] = NULL;
        if (is_new) is_new[i] = 0;
        if (mask && !bits_get(mask, i)) continue;
        uint32_t from = table->key_at[i];
        Str wanted = str_make(table->keys.ptr + from, table->key_at[i + 1] - from);
        uint64_t hash = table->hashes[i], at = hash & (table->slot_count - 1);
        RowHead *row;
        while ((row = table->slot[at].row)) {
            if (table->slot[at].hash == hash && key_is(table, row, wanted)) break;
            at = (at + 1) & (table->slot_count - 1);
        }
        if (row && table->def.ttl_ms && now_ms - row->written_ms >= table->def.ttl_ms &&
            !(row->flags & ROW_GONE)) {
            row = row_remove(table, at);
            at = hash & (table->slot_count - 1);
            while (!row && table->slot[at].row) at = (at + 1) & (table->slot_count - 1);
        }
        if (table->on_disk && row) {
            row->flags |= ROW_USED;
            if (row->flags & ROW_GONE) {
                if (!add) continue;
                disk_revive(table, row, now_ms);
                if (is_new) is_new[i] = 1;
            }
        }
        if (!row && add) {
            if ((table->count + 1) * 10 > table->slot_count * 7) {
                TRY(slots_grow(table, err));
                at = hash & (table->slot_count - 1);
                while (table->slot[at].row) at = (at + 1) & (table->slot_count - 1);
            }
            if (table->on_disk) disk_group(table, i);
            TRY(row_add(table, at, hash, wanted, now_ms, &row, err));
            if (table->epoch) row_is_new(table, row);
            if (is_new) is_new[i] = 1;
        }
        rows_out[i] = row ? row_of(row) : NULL;
    }
    if (changes) rows_change(table, rows_out + changed, rows - changed);
    return ST_OK;
}

void state_touch(StateTable *table, uint8_t *row, int64_t now_ms) {
    (void)table;
    head_of(row)->written_ms = now_ms;
}

uint64_t slot_of(const StateTable *table, const RowHead *row) {
    uint64_t at = row->hash & (table->slot_count - 1);
    while (table->slot[at].row != row) {
        ASSERT(table->slot[at].row);
        at = (at + 1) & (table->slot_count - 1);
    }
    return at;
}

void state_remove(StateTable *table, uint8_t *row) {
    (void)row_remove(table, slot_of(table, head_of(row)));
}

void state_pin(StateTable *table, uint8_t *row, bool pinned) {
    if (!table->on_disk) return;
    uint8_t flags = head_of(row)->flags;
    head_of(row)->flags = pinned ? flags | ROW_PINNED : flags & ~ROW_PINNED;
}

void state_key(const StateTable *table, const uint8_t *row, Vec **out, uint32_t at) {
    const char *bytes = key_of(table, head_of((uint8_t *)(uintptr_t)row));
    for (uint32_t c = 0; c < table->def.key->child_count; c++) bytes = codec_get(bytes, out[c], at);
}

const char *state_key_bytes(const StateTable *table, const uint8_t *row) {
    return key_of(table, head_of((uint8_t *)(uintptr_t)row));
}

uint64_t state_count(const StateTable *table) {
    return table->count - table->gone + table->disk_rows;
}
uint64_t state_bytes(const StateTable *table) {
    return table->bytes;
}
void state_backend_usage(const StateBackend *backend, uint64_t operator_id, uint64_t *rows,
                         uint64_t *bytes) {
    *rows = *bytes = 0;
    for (const StateTable *table = backend->tables; table; table = table->next) {
        if (table->def.operator_id != operator_id) continue;
        *rows += state_count(table);
        *bytes += table->bytes;
    }
}

uint8_t *state_next(StateTable *table, uint64_t *cursor) {
    if (*cursor == UINT64_MAX) return NULL;
    RowHead *row = *cursor == 0 ? table->oldest : (RowHead *)(uintptr_t)*cursor;
    while (row && row->flags & ROW_GONE) row = row->newer;
    if (!row) return NULL;
    *cursor = row->newer ? (uint64_t)(uintptr_t)row->newer : UINT64_MAX;
    return row_of(row);
}
