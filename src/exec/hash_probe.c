// exec/hash_probe.c - the table of a hash join, and what comes out of probing it.
#include "base/hash.h"
#include "col/codec.h"
#include "exec/hash_join.h"

enum { LIST_SLAB = 256 * 1024, RECORD_HEAD = sizeof(uint64_t) + sizeof(uint32_t) };

// ---- rows kept ---------------------------------------------------------------------------------

void row_list_init(RowList *self, Budget *budget) {
    *self = (RowList){.budget = budget};
}

static Status row_list_slab(RowList *self, size_t size, Error *err) {
    size_t slab = size > LIST_SLAB ? size : LIST_SLAB;
    TRY(budget_charge(self->budget, (int64_t)slab, err));
    self->bytes += (int64_t)slab;
    if (self->slab_count == self->slab_cap) {
        self->slab_cap = self->slab_cap ? self->slab_cap * 2 : 16;
        self->slab = mem_realloc(self->slab, self->slab_cap * sizeof *self->slab);
    }
    self->slab_next = self->slab[self->slab_count++] = mem_alloc(slab);
    self->slab_end = self->slab_next + slab;
    return ST_OK;
}

Status row_list_add(RowList *self, Str record, Error *err) {
    size_t size = (sizeof(BuildRow) + record.len - RECORD_HEAD + 7) & ~(size_t)7;
    if ((size_t)(self->slab_end - self->slab_next) < size) TRY(row_list_slab(self, size, err));
    BuildRow *row = (BuildRow *)(void *)self->slab_next;
    self->slab_next += size;
    *row = (BuildRow){.size = (uint32_t)(record.len - RECORD_HEAD)};
    memcpy(&row->hash, record.ptr, sizeof row->hash);
    memcpy(&row->key_size, record.ptr + sizeof row->hash, sizeof row->key_size);
    memcpy(row->bytes, record.ptr + RECORD_HEAD, row->size);
    *(self->last ? &self->last->next : &self->first) = row;
    self->last = row;
    self->rows++;
    return ST_OK;
}

void row_list_clear(RowList *self) {
    for (uint32_t i = 0; i < self->slab_count; i++) mem_free(self->slab[i]);
    mem_free(self->slab);
    if (self->budget) budget_release(self->budget, self->bytes);
    row_list_init(self, self->budget);
}

bool join_record(HashJoin *self, uint32_t side, const Batch *in, uint32_t row) {
    const Plan *plan = self->base.plan;
    const JoinSide *own = &self->side[side];
    Buf *record = &self->record;
    record->len = 0;
    (void)buf_reserve(record, RECORD_HEAD);
    record->len = RECORD_HEAD;
    for (uint32_t k = 0; k < plan->key_count; k++) {
        const Vec *key = in->column[own->key[k]];
        if (!plan->null_safe[k] && vec_is_null(key, row)) return false;
        codec_put_key(key, row, record);
    }
    uint32_t key_size = (uint32_t)(record->len - RECORD_HEAD);
    uint64_t hash = hash_bytes(record->ptr + RECORD_HEAD, key_size, 0);
    memcpy(record->ptr, &hash, sizeof hash);
    memcpy(record->ptr + sizeof hash, &key_size, sizeof key_size);
    for (uint32_t c = 0; c < own->columns; c++) codec_put(in->column[c], row, record);
    return true;
}

// ---- the table ---------------------------------------------------------------------------------

Status join_build(HashJoin *self, uint32_t build, Error *err) {
    uint64_t count = 64;
    while (count < self->list.rows) count *= 2;
    TRY(budget_charge(self->own, (int64_t)(count * sizeof *self->slot), err));
    self->build = build;
    self->slot = NEW_ARRAY(BuildRow *, count);
    self->slot_count = count;
    for (BuildRow *row = self->list.first, *next; row; row = next) {
        next = row->next;
        BuildRow **slot = &self->slot[row->hash & (count - 1)];
        row->next = *slot;
        *slot = row;
    }
    self->list.first = self->list.last = NULL;
    return ST_OK;
}

void join_build_drop(HashJoin *self) {
    budget_release(self->own, (int64_t)(self->slot_count * sizeof *self->slot));
    mem_free(self->slot);
    self->slot = NULL;
    self->slot_count = 0;
    row_list_clear(&self->list);
}

// ---- rows out ----------------------------------------------------------------------------------

static void load(const BuildRow *row, Vec *const *column, uint32_t columns, uint32_t at) {
    const char *bytes = row->bytes + row->key_size;
    for (uint32_t c = 0; c < columns; c++) bytes = codec_get(bytes, column[c], at);
}

static void nulls(Batch *out, uint32_t from, uint32_t columns, uint32_t rows) {
    for (uint32_t c = from; c < from + columns; c++) {
        out->column[c] = vec_new(&out->arena, out->schema->child[c], rows);
        vec_set_all_null(out->column[c]);
    }
}

Status join_unmatched(HashJoin *self, uint32_t side, const Batch *in, const uint32_t *rows,
                      uint32_t count, Error *err) {
    bool wanted = self->side[side].outer || (self->anti && side == 0);
    if (!wanted || !count) return ST_OK;
    Batch *out = batch_new(self->base.plan->type);
    uint32_t left = self->side[0].columns, own = side ? left : 0;
    for (uint32_t c = 0; c < self->side[side].columns; c++) {
        const Vec *chosen = vec_gather(&out->arena, in->column[c], rows, count);
        out->column[own + c] = vec_retype(&out->arena, chosen, out->schema->child[own + c]);
    }
    if (!self->anti) nulls(out, side ? 0 : left, self->side[1 - side].columns, count);
    out->rows = count;
    batch_keep(out, (Batch *)(uintptr_t)in);
    return output_batch(&self->base, batch_seal(out), err);
}

// The pairs that the condition lets pass; their columns, the probing side's shared.
static Status pair_columns(HashJoin *self, Batch *in, Batch *holder, Vec ***out, Error *err) {
    uint32_t build = self->build, probe = 1 - build, left = self->side[0].columns;
    uint32_t total = left + self->side[1].columns, count = self->pair_count;
    Vec **column = ARENA_ARRAY(&holder->arena, Vec *, total + 1);
    Vec **probing = column + (probe ? left : 0), **built = column + (build ? left : 0);
    for (uint32_t c = 0; c < self->side[probe].columns; c++) {
        probing[c] = vec_gather(&holder->arena, in->column[c], self->pair_row, count);
    }
    for (uint32_t c = 0; c < self->side[build].columns; c++) {
        built[c] = vec_new(&holder->arena, self->side[build].row->child[c], count);
    }
    for (uint32_t i = 0; i < count; i++) {
        load(self->pair_build[i], built, self->side[build].columns, i);
    }
    *out = column;
    if (!self->condition) return ST_OK;
    uint32_t *sel = ARENA_ARRAY(&self->scratch, uint32_t, count + 1), kept;
    TRY(program_select(self->condition, column, count, sel, &kept, err));
    if (kept == count) return ST_OK;
    for (uint32_t i = 0; i < kept; i++) {
        self->pair_row[i] = self->pair_row[sel[i]];
        self->pair_build[i] = self->pair_build[sel[i]];
    }
    for (uint32_t c = 0; c < total; c++) {
        column[c] = vec_gather(&holder->arena, column[c], sel, kept);
    }
    self->pair_count = kept;
    return ST_OK;
}

// A semi join that probes with its left rows sends each when it first meets a match.
static Status send_left(HashJoin *self, Batch *in, uint64_t *matched, Error *err) {
    uint32_t *rows = ARENA_ARRAY(&self->scratch, uint32_t, self->pair_count + 1), count = 0;
    for (uint32_t i = 0; i < self->pair_count; i++) {
        uint32_t row = self->pair_row[i];
        if (self->build == 0) self->pair_build[i]->matched = true;
        if (!bits_get(matched, row)) rows[count++] = row;
        bits_set(matched, row);
    }
    if (!self->semi || self->build == 0 || !count) return ST_OK;
    return output_batch(&self->base, batch_gather(in, rows, count), err);
}

static Status send_pairs(HashJoin *self, Batch *in, uint64_t *matched, Error *err) {
    if (!self->pair_count) return ST_OK;
    Batch *out = batch_new(self->base.plan->type);
    bool pairs = !self->semi && !self->anti;
    Vec **column = NULL;
    Status st = pairs || self->condition ? pair_columns(self, in, out, &column, err) : ST_OK;
    if (!st && !pairs) st = send_left(self, in, matched, err);
    if (st || !pairs || !self->pair_count) {
        self->pair_count = 0;
        batch_unref(out);
        return st;
    }
    for (uint32_t i = 0; i < self->pair_count; i++) {
        self->pair_build[i]->matched = true;
        bits_set(matched, self->pair_row[i]);
    }
    const Type *type = out->schema;
    for (uint32_t c = 0; c < type->child_count; c++) {
        out->column[c] = vec_retype(&out->arena, column[c], type->child[c]);
    }
    out->rows = self->pair_count;
    self->pair_count = 0;
    batch_keep(out, in);
    return output_batch(&self->base, batch_seal(out), err);
}

// ---- probing -----------------------------------------------------------------------------------

static BuildRow *chain_find(BuildRow *row, uint64_t hash, Str key) {
    while (row && (row->hash != hash || row->key_size != key.len ||
                   memcmp(row->bytes, key.ptr, key.len) != 0)) {
        row = row->next;
    }
    return row;
}

enum { PREFETCH_AHEAD = 16 };

typedef struct ProbeKeys {
    Buf bytes;           // of the batch, one behind the other
    uint32_t *at;        // rows + 1
    uint64_t *hash;
    bool *null;
} ProbeKeys;

static void probe_keys(HashJoin *self, const Batch *in, ProbeKeys *keys) {
    const Plan *plan = self->base.plan;
    const uint32_t *column = self->side[1 - self->build].key;
    keys->bytes = self->record;
    keys->bytes.len = 0;
    keys->at = ARENA_ARRAY(&self->scratch, uint32_t, in->rows + 1);
    keys->hash = ARENA_ARRAY(&self->scratch, uint64_t, in->rows);
    keys->null = ARENA_ARRAY(&self->scratch, bool, in->rows);
    for (uint32_t row = 0; row < in->rows; row++) {
        uint32_t from = (uint32_t)keys->bytes.len;
        keys->at[row] = from;
        for (uint32_t k = 0; k < plan->key_count; k++) {
            const Vec *key = in->column[column[k]];
            keys->null[row] |= !plan->null_safe[k] && vec_is_null(key, row);
            codec_put_key(key, row, &keys->bytes);
        }
        (void)buf_reserve(&keys->bytes, 1);
        keys->hash[row] = hash_bytes(keys->bytes.ptr + from, keys->bytes.len - from, 0);
    }
    keys->at[in->rows] = (uint32_t)keys->bytes.len;
    self->record = keys->bytes;
}

// Rows that met no match, now that none can come any more.
static Status probe_unmatched(HashJoin *self, const Batch *in, const uint64_t *matched,
                              Error *err) {
    uint32_t *rows = ARENA_ARRAY(&self->scratch, uint32_t, in->rows + 1), count = 0;
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!bits_get(matched, row)) rows[count++] = row;
    }
    return join_unmatched(self, 1 - self->build, in, rows, count, err);
}

Status join_probe(HashJoin *self, Batch *in, uint64_t *matched, Error *err) {
    arena_reset(&self->scratch);
    ProbeKeys keys;
    probe_keys(self, in, &keys);
    uint64_t mask = self->slot_count - 1;
    // One match is enough where only the row itself goes out and nothing more is asked of the pair.
    bool first_only = (self->semi || self->anti) && self->build == 1 && !self->condition;
    for (uint32_t row = 0; row < in->rows; row++) {
        if (row + PREFETCH_AHEAD < in->rows) {
            __builtin_prefetch(&self->slot[keys.hash[row + PREFETCH_AHEAD] & mask]);
        }
        if (row + PREFETCH_AHEAD / 2 < in->rows) {
            __builtin_prefetch(self->slot[keys.hash[row + PREFETCH_AHEAD / 2] & mask]);
        }
        if (keys.null[row] || (first_only && bits_get(matched, row))) continue;
        Str key = str_make(keys.bytes.ptr + keys.at[row], keys.at[row + 1] - keys.at[row]);
        uint64_t hash = keys.hash[row];
        BuildRow *match = chain_find(self->slot[hash & mask], hash, key);
        for (; match; match = chain_find(match->next, hash, key)) {
            self->pair_row[self->pair_count] = row;
            self->pair_build[self->pair_count++] = match;
            if (self->pair_count == BATCH_ROWS_MAX) TRY(send_pairs(self, in, matched, err));
            if (first_only) break;
        }
    }
    TRY(send_pairs(self, in, matched, err));
    return self->last_chunk ? probe_unmatched(self, in, matched, err) : ST_OK;
}

static Status send_some(HashJoin *self, Builder *rows, bool matched, Error *err) {
    Batch *batch = builder_take(rows);
    if (!batch) return ST_OK;
    Status st;
    if (matched) {
        st = output_batch(&self->base, batch_ref(batch), err);
    } else {
        uint32_t *all = ARENA_ARRAY(&batch->arena, uint32_t, batch->rows);
        for (uint32_t i = 0; i < batch->rows; i++) all[i] = i;
        st = join_unmatched(self, self->build, batch, all, batch->rows, err);
    }
    batch_unref(batch);
    return st;
}

// Sends the rows of the table that met a match, as they are, or those that met none.
static Status send_built(HashJoin *self, bool matched, Error *err) {
    uint32_t columns = self->side[self->build].columns;
    Builder rows = {0};
    builder_init(&rows, self->side[self->build].row);
    Status st = ST_OK;
    for (uint64_t s = 0; s < self->slot_count && !st; s++) {
        for (const BuildRow *row = self->slot[s]; row && !st; row = row->next) {
            if (row->matched != matched) continue;
            uint32_t at = builder_row(&rows, ROW_INSERT);
            load(row, rows.batch->column, columns, at);
            if (builder_full(&rows)) st = send_some(self, &rows, matched, err);
        }
    }
    if (!st) st = send_some(self, &rows, matched, err);
    builder_clear(&rows);
    return st;
}

Status join_build_done(HashJoin *self, Error *err) {
    uint32_t build = self->build;
    Status st = ST_OK;
    if (self->side[build].outer || (self->anti && build == 0)) st = send_built(self, false, err);
    if (self->semi && build == 0) st = send_built(self, true, err);
    join_build_drop(self);
    return st;
}
