#include "exec/saved.h"

#include "plan/kin.h"

static void need_valid(Vec *vec) {
    vec_need_valid(vec);
    for (uint32_t i = 0; vec->phys == PHYS_ROW && i < vec->type->child_count; i++) {
        need_valid(vec->child[i]);
    }
}

static void set_valid(Vec *vec) {
    vec->valid[0] = UINT64_MAX;
    for (uint32_t i = 0; vec->phys == PHYS_ROW && i < vec->type->child_count; i++) {
        set_valid(vec->child[i]);
    }
}

void agg_saver_init(AggSaver *saver, AggCall *const *call, uint32_t count, AggEnv *env) {
    *saver = (AggSaver){.call = call, .count = count, .env = env};
    arena_init(&saver->scratch);
    arena_init(&saver->vecs);
    saver->state = ARENA_ARRAY(&saver->vecs, Vec *, count + 1);
    saver->state_max = ARENA_ARRAY(&saver->vecs, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        saver->state_max[i] = codec_size_max(call[i]->state_type);
        ASSERT(saver->state_max[i] || !call[i]->impl->put);
        if (!saver->state_max[i]) continue;
        saver->state[i] = vec_new(&saver->vecs, call[i]->state_type, 1);
        need_valid(saver->state[i]);
    }
}

bool agg_copy_saver_init(AggSaver *saver, AggCall *const *call, uint32_t count, AggEnv *env) {
    for (uint32_t i = 0; i < count; i++) {
        if (call[i]->impl->flags & (AGG_OWNS | AGG_FOREIGN)) return false;
        if (!codec_size_max(call[i]->state_type)) return false;
    }
    agg_saver_init(saver, call, count, env);
    for (uint32_t i = 0; i < count; i++) saver->size_max += saver->state_max[i];
    env->budget = NULL;
    env->scratch = &saver->scratch;
    return true;
}

// A row to write or read the state of call [index] with.
static Vec *state_vec(AggSaver *saver, uint32_t index) {
    Vec *vec = saver->state[index];
    if (!vec) return vec_new(&saver->scratch, saver->call[index]->state_type, 1);
    set_valid(vec);
    return vec;
}

void agg_saver_clear(AggSaver *saver) {
    arena_clear(&saver->scratch);
    arena_clear(&saver->vecs);
    buf_free(&saver->bytes);
}

// The state of a call that has no `put`.
static void agg_save(AggSaver *saver, uint32_t index, const uint8_t *group, Buf *out) {
    Vec *state = state_vec(saver, index);
    // Writing a state copies it: it fails for no state that an update could make.
    Status st = agg_write(saver->call[index], group, saver->env, state, 0, NULL);
    ASSERT(!st);
    codec_put(state, 0, out);
}

void aggs_save(AggSaver *saver, const uint8_t *group, Buf *out) {
    arena_reset(&saver->scratch);
    for (uint32_t i = 0; i < saver->count; i++) {
        const AggCall *call = saver->call[i];
        if (call->impl->put) {
            char *to = buf_reserve(out, saver->state_max[i]);
            out->len += (size_t)(call->impl->put(group + call->offset, to) - to);
        } else {
            agg_save(saver, i, group, out);
        }
    }
}

char *aggs_save_at(AggSaver *saver, const uint8_t *group, char *to) {
    bool reset = false;
    for (uint32_t i = 0; i < saver->count; i++) {
        const AggCall *call = saver->call[i];
        if (call->impl->put) {
            to = call->impl->put(group + call->offset, to);
            continue;
        }
        if (!reset) arena_reset(&saver->scratch);
        reset = true;
        saver->bytes.len = 0;
        agg_save(saver, i, group, &saver->bytes);
        memcpy(to, saver->bytes.ptr, saver->bytes.len);
        to += saver->bytes.len;
    }
    return to;
}

const char *aggs_load(AggSaver *saver, uint8_t *group, const char *at, Error *err) {
    arena_reset(&saver->scratch);
    for (uint32_t i = 0; i < saver->count; i++) {
        Vec *state = state_vec(saver, i);
        at = codec_get(at, state, 0);
        if (agg_read(saver->call[i], state, 0, saver->env, group, err)) return NULL;
    }
    return at;
}

bool agg_state_begin(AggSaver *saver, uint32_t field, Buf *out) {
    if (!saver->group_size || field < saver->first) return false;
    arena_reset(&saver->scratch);
    uint8_t *group = arena_alloc(&saver->scratch, saver->group_size);
    memset(group, 0, saver->group_size);
    const AggCall *call = saver->call[field - saver->first];
    Vec *state = vec_new(&saver->scratch, call->state_type, 1);
    Status st = agg_write(call, group, saver->env, state, 0, NULL);
    if (!st) codec_put(state, 0, out);
    return !st;
}

void agg_state_fields(Arena *arena, const Plan *plan, const Type **child, Str *name,
                      uint32_t from) {
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        child[from + i] = plan->agg[i].call->state_type;
        Buf text = {0};
        plan_agg_text(plan, i, &text);
        name[from + i] = str_dup(arena, buf_str(&text));
        buf_free(&text);
    }
}

// ---- types -------------------------------------------------------------------------------------

void field_add(FieldList *list, const char *name, const Type *type) {
    ASSERT(list->count < sizeof list->child / sizeof *list->child);
    list->child[list->count] = type;
    list->name[list->count++] = str_c(name);
}

const Type *field_row(const FieldList *list) {
    const Type **child = arena_dup(list->arena, list->child, sizeof list->child);
    Str *name = arena_dup(list->arena, list->name, sizeof list->name);
    return type_row(list->arena, list->count, child, name, false);
}

const Type *stored_rows_type(Arena *arena, const Type *row) {
    FieldList list = {.arena = arena};
    field_add(&list, "kind", type_of(TYPE_TINYINT, false));
    field_add(&list, "time", type_of(TYPE_BIGINT, false));
    field_add(&list, "row", row);
    return type_array(arena, field_row(&list), false);
}

const Type *kept_rows_type(Arena *arena, const Type *row) {
    FieldList list = {.arena = arena};
    field_add(&list, "kind", type_of(TYPE_TINYINT, false));
    field_add(&list, "time", type_of(TYPE_BIGINT, false));
    field_add(&list, "arrival", type_of(TYPE_BIGINT, false));
    field_add(&list, "matched", type_of(TYPE_TINYINT, false));
    field_add(&list, "row", row);
    return type_array(arena, field_row(&list), false);
}

// ---- stored rows -------------------------------------------------------------------------------

void stored_save(const RowPool *pool, const StoredRow *row, Buf *out) {
    codec_put_row_head(out);
    codec_put_u8(out, row->kind);
    codec_put_i64(out, pool->timed ? *row_time(row) : 0);
    codec_put_row_head(out);
    buf_put_str(out, row_bytes(row));  // they are the row's fields already
}

void sorted_save(const RowPool *pool, const SortedRows *rows, Buf *out) {
    codec_put_list_head(out, rows->count);
    for (uint32_t c = 0; c < rows->chunk_count; c++) {
        for (uint32_t i = 0; i < rows->chunk[c]->count; i++) {
            stored_save(pool, rows->chunk[c]->row[i], out);
        }
    }
}

bool image_save(SortedImage *image, Buf *out) {
    const SortedChunk *chunk = sorted_image_next(image);
    if (chunk) {
        codec_put_list_head(out, chunk->count);
        for (uint32_t i = 0; i < chunk->count; i++) stored_save(image->pool, chunk->row[i], out);
    }
    if (image->at < image->count) return false;
    sorted_image_end(image);
    return true;
}

void row_loader_init(RowLoader *loader, RowPool *pool, const OrderKey *order, uint32_t order_count,
                     const Type *row) {
    *loader = (RowLoader){.pool = pool, .order = order, .order_count = order_count, .row = row};
    arena_init(&loader->scratch);
}

void row_loader_clear(RowLoader *loader) {
    arena_clear(&loader->scratch);
}

const char *stored_load(RowLoader *loader, const char *at, StoredRow **out, Error *err) {
    uint32_t columns = loader->row->child_count;
    uint8_t kind;
    int64_t time;
    at = codec_get_row_head(at);
    at = codec_get_u8(at, &kind);
    at = codec_get_i64(at, &time);
    at = codec_get_row_head(at);
    arena_reset(&loader->scratch);
    loader->column = ARENA_ARRAY(&loader->scratch, Vec *, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        loader->column[c] = vec_new(&loader->scratch, loader->row->child[c], 1);
        at = codec_get(at, loader->column[c], 0);
    }
    loader->column[columns] = vec_new(&loader->scratch, type_of(TYPE_BIGINT, false), 1);
    vec_i64(loader->column[columns])[0] = time;
    if (row_store(loader->pool, loader->order, loader->order_count, loader->column, columns, 0, out,
                  err)) {
        return NULL;
    }
    (*out)->kind = kind;
    if (loader->pool->timed) *row_time(*out) = time;
    return at;
}

const char *sorted_load(RowLoader *loader, SortedRows *rows, const char *at, Error *err) {
    uint32_t count;
    at = codec_get_list_head(at, &count);
    for (; count; count--) {
        StoredRow *row;
        at = stored_load(loader, at, &row, err);
        if (!at) return NULL;
        (void)sorted_add(rows, row);
    }
    return at;
}

// ---- kept rows ---------------------------------------------------------------------------------

void kept_list_save(const KeptList *list, Buf *out) {
    codec_put_list_head(out, (uint32_t)list->count);
    for (const KeptRow *row = list->oldest; row; row = row->newer) {
        codec_put_row_head(out);
        codec_put_u8(out, row->kind);
        codec_put_i64(out, row->time_ms);
        codec_put_i64(out, (int64_t)row->order);
        codec_put_u8(out, row->matched);
        codec_put_row_head(out);
        buf_put(out, row->bytes, row->size);
    }
}

const char *kept_list_load(Budget *budget, KeptList *list, const Type *row, const char *at,
                           Error *err) {
    uint32_t count;
    at = codec_get_list_head(at, &count);
    for (; count; count--) {
        uint8_t kind, matched;
        int64_t time_ms, order;
        at = codec_get_row_head(at);
        at = codec_get_u8(at, &kind);
        at = codec_get_i64(at, &time_ms);
        at = codec_get_i64(at, &order);
        at = codec_get_u8(at, &matched);
        at = codec_get_row_head(at);
        const char *from = at;
        for (uint32_t c = 0; c < row->child_count; c++) at = codec_skip(row->child[c], at);
        KeptRow *kept;
        Str bytes = str_make(from, (size_t)(at - from));
        if (kept_add_bytes(budget, list, bytes, time_ms, (uint64_t)order, &kept, err)) return NULL;
        kept->kind = kind;
        kept->matched = matched != 0;
    }
    return at;
}

int64_t saved_key_i64(const StateTable *table, const uint8_t *row, uint32_t column) {
    const char *at = state_key_bytes(table, row);
    int64_t value;
    const Type *key = state_table_def(table)->key;
    for (uint32_t c = 0; c < column; c++) at = codec_skip(key->child[c], at);
    (void)codec_get_i64(at, &value);
    return value;
}

bool key_is_mine(const Operator *op, Vec *const *key, uint32_t count) {
    uint64_t hash = 0;
    for (uint32_t k = 0; k < count; k++) vec_hash_into(key[k], &hash);
    return state_owner(hash, op->env->key_groups, op->env->count) == op->env->index;
}
