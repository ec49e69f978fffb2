// DISTINCT: a state in front of another one. It holds the set of argument values (NULLs included,
// as Flink's distinct maps do) with their counts, and lets a value through when it comes for the
// first time or goes for the last. Whole numbers that only come need no counts: they lie in an
// IntSet, a third of the size.
#include "base/bits.h"
#include "col/codec.h"
#include "func/agg_int.h"
#include "func/int_set.h"

typedef struct DistinctBound {
    uint32_t inner_offset;  // of the fed state behind the set
    AggImpl impl;
} DistinctBound;

static ValueMap *distinct_set(const AggCall *call, uint8_t *group) {
    return (ValueMap *)(group + call->offset);
}

// The inner call, placed in the same group: its offset depends on where the outer one lies.
static AggCall inner_of(const AggCall *call) {
    const DistinctBound *bound = call->bound;
    AggCall inner = *call->inner;
    inner.offset = call->offset + bound->inner_offset;
    return inner;
}

static void distinct_key(const AggCall *call, const Vec *const *arg, uint32_t row, Buf *key) {
    key->len = 0;
    for (uint32_t i = 0; i < call->argc; i++) codec_put_key(arg[i], row, key);
}

// The keys of the rows that are taken, one behind the other, and their hashes.
typedef struct DistinctKeys {
    Buf bytes;
    uint32_t *row, *at;  // key i is of row[i] and has the bytes at[i] .. at[i + 1]
    uint64_t *hash;
    uint32_t count;
} DistinctKeys;

static void distinct_keys(const AggCall *call, const AggRows *in, AggEnv *env, DistinctKeys *keys) {
    keys->row = ARENA_ARRAY(env->scratch, uint32_t, in->rows + 1);
    keys->at = ARENA_ARRAY(env->scratch, uint32_t, in->rows + 1);
    keys->hash = ARENA_ARRAY(env->scratch, uint64_t, in->rows + 1);
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_row_taken(in, row)) continue;
        uint32_t from = keys->at[keys->count];
        for (uint32_t i = 0; i < call->argc; i++) codec_put_key(in->arg[i], row, &keys->bytes);
        Str key = str_make(keys->bytes.ptr + from, keys->bytes.len - from);
        keys->hash[keys->count] = value_map_hash(key);
        keys->row[keys->count++] = row;
        keys->at[keys->count] = (uint32_t)keys->bytes.len;
    }
}

// The rows to hand on, as a mask: those that change the set of values. Sets outgrow the caches, so
// that slots are fetched some rows ahead, and the entries that they name after them.
static Status distinct_pick(const AggCall *call, const AggRows *in, AggEnv *env, AggRows *passed,
                            Error *err) {
    enum { AHEAD = 16 };
    uint64_t *mask = ARENA_ARRAY(env->scratch, uint64_t, BITS_WORDS(in->rows));
    DistinctKeys keys = {0};
    distinct_keys(call, in, env, &keys);
    Status st = ST_OK;
    for (uint32_t i = 0; i < keys.count && !st; i++) {
        if (i + AHEAD < keys.count) {
            const ValueMap *set = distinct_set(call, agg_group(in, keys.row[i + AHEAD]));
            value_map_fetch_slot(set, keys.hash[i + AHEAD]);
        }
        if (i + AHEAD / 2 < keys.count) {
            const ValueMap *set = distinct_set(call, agg_group(in, keys.row[i + AHEAD / 2]));
            value_map_fetch_entry(set, keys.hash[i + AHEAD / 2]);
        }
        Str key = str_make(keys.bytes.ptr + keys.at[i], keys.at[i + 1] - keys.at[i]);
        int64_t before, sign = agg_sign(in, keys.row[i]);
        st = value_map_add_hashed(distinct_set(call, agg_group(in, keys.row[i])), keys.hash[i], key,
                                  (Str){0}, sign, &before, env, err);
        if (sign > 0 ? before == 0 : before == 1) bits_set(mask, keys.row[i]);
    }
    buf_free(&keys.bytes);
    *passed = *in;
    passed->mask = mask;
    return st;
}

static Status distinct_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    AggRows passed;
    TRY(distinct_pick(call, in, env, &passed, err));
    AggCall inner = inner_of(call);
    return agg_update(&inner, &passed, env, err);
}

static Status distinct_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                            Error *err) {
    AggRows passed;
    TRY(distinct_pick(call, in, env, &passed, err));
    AggCall inner = inner_of(call);
    return agg_step(&inner, &passed, env, after, err);
}

// Feeds one value to the inner state behind [state].
static Status feed_one(const AggCall *call, const Vec *const *arg, uint8_t *state, RowKind kind,
                       AggEnv *env, Error *err) {
    AggCall inner = inner_of(call);
    uint8_t kinds = (uint8_t)kind;
    AggRows rows = {.rows = 1, .arg = arg, .single = state - call->offset, .kinds = &kinds};
    return agg_update(&inner, &rows, env, err);
}

// Feeds the values that are new to [dst] to its inner state, one by one; their counts add up.
static Status distinct_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                             Error *err) {
    ValueMap *to = (ValueMap *)dst;
    const ValueMap *from = (const ValueMap *)src;
    uint32_t i = 0;
    for (const ValueEntry *entry; (entry = value_map_next(from, &i));) {
        int64_t before;
        Str key = entry_key(entry);
        TRY(value_map_add(to, key, (Str){0}, entry->count, &before, env, err));
        bool gained = before <= 0 && before + entry->count > 0;
        bool lost = before > 0 && before + entry->count <= 0;
        if (!gained && !lost) continue;
        const Vec *arg[AGG_ARGS_MAX];
        const char *at = key.ptr;
        for (uint32_t a = 0; a < call->argc; a++) {
            Vec *one = vec_new(env->scratch, call->arg[a], 1);
            at = codec_get(at, one, 0);
            arg[a] = one;
        }
        TRY(feed_one(call, arg, dst, lost ? ROW_DELETE : ROW_INSERT, env, err));
    }
    return ST_OK;
}

static Status distinct_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                            uint32_t row, Error *err) {
    const DistinctBound *bound = call->bound;
    return call->inner->impl->emit(call->inner, state + bound->inner_offset, env, out, row, err);
}

static void distinct_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    const DistinctBound *bound = call->bound;
    value_map_free((ValueMap *)state, env);
    if (call->inner->impl->clear) {
        call->inner->impl->clear(call->inner, state + bound->inner_offset, env);
    }
}

// ROW<values ARRAY<ROW<value ROW<arguments>, count>>, state …>
static Status distinct_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                             uint32_t row, Error *err) {
    const DistinctBound *bound = call->bound;
    const ValueMap *set = (const ValueMap *)state;
    uint32_t at = vec_list_begin(out->child[0], row, set->live), i = 0;
    Vec *entries = out->child[0]->child[0];
    for (const ValueEntry *entry; (entry = value_map_next(set, &i)); at++) {
        const char *bytes = entry_key(entry).ptr;
        for (uint32_t a = 0; a < call->argc; a++) {
            bytes = codec_get(bytes, entries->child[0]->child[a], at);
        }
        vec_i64(entries->child[1])[at] = entry->count;
    }
    return call->inner->impl->write(call->inner, state + bound->inner_offset, env, out->child[1],
                                    row, err);
}

static Status distinct_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                            uint8_t *state, Error *err) {
    const DistinctBound *bound = call->bound;
    ListView view = vec_list(in->child[0])[row];
    const Vec *entries = in->child[0]->child[0];
    Buf key = {0};
    Status st = ST_OK;
    for (uint32_t i = view.offset; i < view.offset + view.count && !st; i++) {
        distinct_key(call, (const Vec *const *)entries->child[0]->child, i, &key);
        st = value_map_add((ValueMap *)state, buf_str(&key), (Str){0},
                           vec_i64(entries->child[1])[i], NULL, env, err);
    }
    buf_free(&key);
    if (st) return st;
    return call->inner->impl->read(call->inner, in->child[1], row, env,
                                   state + bound->inner_offset, err);
}

// ---- whole numbers that only come --------------------------------------------------------------

static IntSet *ints_set(const AggCall *call, uint8_t *group) {
    return (IntSet *)(group + call->offset);
}

// As distinct_pick. A row that retracts (of what only grows, see AggCall.retract) is not handed on.
static Status ints_pick(const AggCall *call, const AggRows *in, AggEnv *env, AggRows *passed,
                        Error *err) {
    enum { AHEAD = 12 };
    const Vec *arg = in->arg[0];
    uint64_t *mask = ARENA_ARRAY(env->scratch, uint64_t, BITS_WORDS(in->rows));
    uint32_t *taken = ARENA_ARRAY(env->scratch, uint32_t, in->rows + 1), count = 0;
    for (uint32_t row = 0; row < in->rows; row++) {
        taken[count] = row;
        count += agg_row_taken(in, row) && !agg_row_retracts(in, row);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            uint32_t ahead = taken[i + AHEAD];
            int_set_fetch(ints_set(call, agg_group(in, ahead)), vec_integer(arg, ahead));
        }
        uint32_t row = taken[i];
        IntSet *set = ints_set(call, agg_group(in, row));
        bool added;
        if (vec_is_null(arg, row)) added = int_set_add_null(set);
        else TRY(int_set_add(set, vec_integer(arg, row), &added, env, err));
        if (added) bits_set(mask, row);
    }
    *passed = *in;
    passed->mask = mask;
    return ST_OK;
}

static Status ints_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    AggRows passed;
    TRY(ints_pick(call, in, env, &passed, err));
    AggCall inner = inner_of(call);
    return agg_update(&inner, &passed, env, err);
}

static Status ints_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                        Error *err) {
    AggRows passed;
    TRY(ints_pick(call, in, env, &passed, err));
    AggCall inner = inner_of(call);
    return agg_step(&inner, &passed, env, after, err);
}

static Status ints_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                         Error *err) {
    IntSet *to = (IntSet *)dst;
    const IntSet *from = (const IntSet *)src;
    Vec *one = vec_new(env->scratch, call->arg[0], 1);
    const Vec *arg[1] = {one};
    int64_t value;
    for (uint32_t i = 0; int_set_next(from, &i, &value);) {
        bool added;
        TRY(int_set_add(to, value, &added, env, err));
        if (!added) continue;
        vec_set_integer(one, 0, value);
        TRY(feed_one(call, arg, dst, ROW_INSERT, env, err));
    }
    if (!from->has_null || !int_set_add_null(to)) return ST_OK;
    vec_set_null(one, 0);
    return feed_one(call, arg, dst, ROW_INSERT, env, err);
}

static void ints_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    const DistinctBound *bound = call->bound;
    int_set_free((IntSet *)state, env);
    if (call->inner->impl->clear) {
        call->inner->impl->clear(call->inner, state + bound->inner_offset, env);
    }
}

static Status ints_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                         uint32_t row, Error *err) {
    const DistinctBound *bound = call->bound;
    const IntSet *set = (const IntSet *)state;
    uint32_t at = vec_list_begin(out->child[0], row, int_set_count(set));
    Vec *entries = out->child[0]->child[0];
    Vec *values = entries->child[0]->child[0];
    int64_t value;
    for (uint32_t i = 0; int_set_next(set, &i, &value); at++) {
        vec_set_integer(values, at, value);
        vec_i64(entries->child[1])[at] = 1;
    }
    if (set->has_null) {
        vec_set_null(values, at);
        vec_i64(entries->child[1])[at] = 1;
    }
    return call->inner->impl->write(call->inner, state + bound->inner_offset, env, out->child[1],
                                    row, err);
}

static Status ints_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                        uint8_t *state, Error *err) {
    const DistinctBound *bound = call->bound;
    ListView view = vec_list(in->child[0])[row];
    const Vec *values = in->child[0]->child[0]->child[0]->child[0];
    IntSet *set = (IntSet *)state;
    for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
        bool added;
        if (vec_is_null(values, i)) (void)int_set_add_null(set);
        else TRY(int_set_add(set, vec_integer(values, i), &added, env, err));
    }
    return call->inner->impl->read(call->inner, in->child[1], row, env,
                                   state + bound->inner_offset, err);
}

// An IntSet forgets the order of arrival, which some functions show when states are merged.
static bool takes_ints(const AggCall *call) {
    if (call->argc != 1 || call->retract) return false;
    if (call->merge && strcmp(call->func->name, "COUNT") != 0) return false;
    switch (type_phys(call->arg[0])) {
        case PHYS_I16:
        case PHYS_I32:
        case PHYS_I64: return true;
        default: return false;
    }
}

// ------------------------------------------------------------------------------------------------

static const Type *distinct_state_type(const AggCall *call) {
    Str field[AGG_ARGS_MAX] = {STR("arg0"), STR("arg1"), STR("arg2"), STR("arg3")};
    const Type *key = type_row(call->arena, call->argc, call->arg, field, false);
    return agg_state_row(call->arena, "values", store_counts_type(call->arena, key), "state",
                         call->inner->state_type, NULL);
}

Status agg_distinct_bind(AggCall *call, Error *err) {
    for (uint32_t i = 0; i < call->argc; i++) {
        TypeKind kind = call->arg[i]->kind;
        if (kind == TYPE_ROW || kind == TYPE_MAP || kind == TYPE_MULTISET || kind == TYPE_RAW ||
            type_is_bytes(call->arg[i])) {
            call->no_such_type = true;
            return error_set(err, ST_VALIDATION,
                             "Distinct aggregate function does not support type: %s. "
                             "Please re-check the data type.", type_kind_name(kind));
        }
    }
    if (call->argc == 0) return error_set(err, ST_VALIDATION, "DISTINCT wants an argument");
    AggCall *inner = arena_dup(call->arena, call, sizeof *call);
    inner->distinct = false;
    inner->offset = 0;
    DistinctBound *bound = ARENA_NEW(call->arena, DistinctBound);
    uint32_t align = inner->impl->align > 8 ? inner->impl->align : 8;
    bool ints = takes_ints(call);
    uint32_t set_size = ints ? sizeof(IntSet) : sizeof(ValueMap);
    bound->inner_offset = (set_size + align - 1) & ~(align - 1);
    bound->impl = (AggImpl){
        .size = bound->inner_offset + inner->impl->size, .align = align,
        .flags = inner->impl->flags | AGG_OWNS,
        .update = ints ? ints_update : distinct_update,
        .step = ints ? ints_step : distinct_step,
        .merge = !inner->impl->merge ? NULL : ints ? ints_merge : distinct_merge,
        .emit = distinct_emit,
        .clear = ints ? ints_clear : distinct_clear,
        .write = ints ? ints_write : distinct_write,
        .read = ints ? ints_read : distinct_read,
    };
    call->inner = inner;
    call->bound = bound;
    call->impl = &bound->impl;
    call->state_type = distinct_state_type(call);
    return ST_OK;
}
