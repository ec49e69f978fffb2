#include "func/agg_store.h"

#include <math.h>

#include "base/hash.h"
#include "col/codec.h"
#include "func/agg_int.h"

// ---- memory -------------------------------------------------------------------------------------

Status store_resize(AggEnv *env, void *ptr, size_t from, size_t to, Error *err) {
    if (env->budget && to > from) TRY(budget_charge(env->budget, (int64_t)(to - from), err));
    if (env->budget && to < from) budget_release(env->budget, (int64_t)(from - to));
    void **at = ptr;
    *at = mem_realloc(*at, to);
    return ST_OK;
}

void store_free(AggEnv *env, void *ptr, size_t size) {
    if (!ptr) return;
    if (env->budget) budget_release(env->budget, (int64_t)size);
    mem_free(ptr);
}

// ---- ValueList ----------------------------------------------------------------------------------

enum { LIST_HEAD = 4 };
#define LIST_DEAD 0x80000000u

static uint32_t list_head(const ValueList *list, uint32_t at) {
    uint32_t head;
    memcpy(&head, list->bytes + at, sizeof head);
    return head;
}

static void list_compact(ValueList *list) {
    uint32_t to = 0;
    for (uint32_t at = list->from; at < list->size;) {
        uint32_t head = list_head(list, at), size = LIST_HEAD + (head & ~LIST_DEAD);
        if (!(head & LIST_DEAD)) {
            memmove(list->bytes + to, list->bytes + at, size);
            list->last = to;
            to += size;
        }
        at += size;
    }
    list->size = to;
    list->from = list->dead = 0;
}

Status list_add(ValueList *list, Str value, AggEnv *env, Error *err) {
    uint64_t need = (uint64_t)list->size + LIST_HEAD + value.len;
    if (need > list->cap && (uint64_t)list->from + list->dead > list->size / 2) {
        list_compact(list);
        need = (uint64_t)list->size + LIST_HEAD + value.len;
    }
    if (need > list->cap) {
        uint64_t cap = list->cap ? (uint64_t)list->cap * 2 : 32;
        if (cap < need) cap = need;
        if (cap > INT32_MAX) {
            return error_set(err, ST_RUNTIME, "the values of one group exceed 2 GiB");
        }
        TRY(store_resize(env, &list->bytes, list->cap, cap, err));
        list->cap = (uint32_t)cap;
    }
    memcpy(list->bytes + list->size, &value.len, LIST_HEAD);
    if (value.len) memcpy(list->bytes + list->size + LIST_HEAD, value.ptr, value.len);
    list->last = list->size;
    list->size = (uint32_t)need;
    list->count++;
    return ST_OK;
}

bool list_next(const ValueList *list, uint32_t *at, Str *value) {
    if (*at < list->from) *at = list->from;
    while (*at < list->size) {
        uint32_t head = list_head(list, *at), len = head & ~LIST_DEAD;
        *value = str_make(list->bytes + *at + LIST_HEAD, len);
        *at += LIST_HEAD + len;
        if (!(head & LIST_DEAD)) return true;
    }
    return false;
}

// The last value before [end]; only called when there is one.
static uint32_t list_last_before(const ValueList *list, uint32_t end) {
    uint32_t last = list->from;
    Str value;
    for (uint32_t at = list->from; list_next(list, &at, &value) && at <= end;) {
        last = at - LIST_HEAD - value.len;
    }
    return last;
}

bool list_remove(ValueList *list, Str value) {
    Str found;
    for (uint32_t at = 0; list_next(list, &at, &found);) {
        if (!str_eq(found, value)) continue;
        uint32_t size = LIST_HEAD + found.len, start = at - size, head = found.len | LIST_DEAD;
        memcpy(list->bytes + start, &head, sizeof head);
        list->dead += size;
        if (!--list->count) {
            list->size = list->from = list->dead = 0;
            return true;
        }
        while (list_head(list, list->from) & LIST_DEAD) {
            size = LIST_HEAD + (list_head(list, list->from) & ~LIST_DEAD);
            list->from += size;
            list->dead -= size;
        }
        if (start == list->last) list->last = list_last_before(list, start);
        return true;
    }
    return false;
}

bool list_first(const ValueList *list, Str *value) {
    uint32_t at = 0;
    return list_next(list, &at, value);
}

bool list_last(const ValueList *list, Str *value) {
    uint32_t at = list->last;
    return list->count && list_next(list, &at, value);
}

void list_free(ValueList *list, AggEnv *env) {
    store_free(env, list->bytes, list->cap);
    *list = (ValueList){0};
}

// ---- ValueMap -----------------------------------------------------------------------------------

enum { MAP_SCAN = 8 };  // as many entries are compared one by one, without slots

uint64_t value_map_hash(Str key) {
    return hash_bytes(key.ptr, key.len, 0);
}

void value_map_fetch_slot(const ValueMap *map, uint64_t hash) {
    if (map->slot) __builtin_prefetch(&map->slot[(uint32_t)hash & (map->slot_count - 1)]);
}

void value_map_fetch_entry(const ValueMap *map, uint64_t hash) {
    if (!map->slot) return;
    uint32_t index = map->slot[(uint32_t)hash & (map->slot_count - 1)];
    if (index) __builtin_prefetch(&map->entry[index - 1]);
}

static bool entry_is(const ValueEntry *entry, uint64_t hash, Str key) {
    return entry->hash == (uint32_t)hash && entry->count && str_eq(entry_key(entry), key);
}

static ValueEntry *map_find_hash(const ValueMap *map, uint64_t hash, Str key) {
    if (!map->slot) {
        for (uint32_t i = 0; i < map->used; i++) {
            if (entry_is(&map->entry[i], hash, key)) return &map->entry[i];
        }
        return NULL;
    }
    uint32_t mask = map->slot_count - 1;
    for (uint32_t at = (uint32_t)hash & mask; map->slot[at]; at = (at + 1) & mask) {
        ValueEntry *entry = &map->entry[map->slot[at] - 1];
        if (entry_is(entry, hash, key)) return entry;
    }
    return NULL;
}

ValueEntry *value_map_find(const ValueMap *map, Str key) {
    return map->live ? map_find_hash(map, value_map_hash(key), key) : NULL;
}

static void map_index(ValueMap *map, uint32_t index) {
    uint32_t mask = map->slot_count - 1, at = map->entry[index].hash & mask;
    while (map->slot[at]) at = (at + 1) & mask;
    map->slot[at] = index + 1;
}

// Drops removed entries, then makes room for one more and an index that is at most half full.
static Status map_make_room(ValueMap *map, AggEnv *env, Error *err) {
    uint32_t to = 0;
    for (uint32_t i = 0; i < map->used; i++) {
        if (map->entry[i].count) map->entry[to++] = map->entry[i];
    }
    map->used = to;
    if (to > map->cap / 2 || !map->cap) {
        uint32_t cap = map->cap ? map->cap * 2 : 4;
        TRY(store_resize(env, &map->entry, map->cap * sizeof *map->entry,
                         cap * sizeof *map->entry, err));
        map->cap = cap;
    }
    if (map->cap > MAP_SCAN && map->slot_count < map->cap * 2) {
        TRY(store_resize(env, &map->slot, map->slot_count * sizeof *map->slot,
                         map->cap * 2 * sizeof *map->slot, err));
        map->slot_count = map->cap * 2;
    }
    if (map->slot) {
        memset(map->slot, 0, map->slot_count * sizeof *map->slot);
        for (uint32_t i = 0; i < map->used; i++) map_index(map, i);
    }
    return ST_OK;
}

static void entry_free(ValueEntry *entry, AggEnv *env) {
    size_t size = (size_t)entry->len + entry->extra;
    if (size > MAP_INLINE) store_free(env, entry_outside(entry), size);
}

static Status map_insert(ValueMap *map, uint64_t hash, Str key, Str extra, int64_t count,
                         AggEnv *env, Error *err) {
    if (map->used == map->cap) TRY(map_make_room(map, env, err));
    ValueEntry *entry = &map->entry[map->used];
    *entry =
        (ValueEntry){.hash = (uint32_t)hash, .count = count, .len = key.len, .extra = extra.len};
    size_t size = (size_t)key.len + extra.len;
    char *at = entry->bytes;
    if (size > MAP_INLINE) {
        at = NULL;
        TRY(store_resize(env, &at, 0, size, err));
        memcpy(entry->bytes, &at, sizeof at);
    }
    if (key.len) memcpy(at, key.ptr, key.len);
    if (extra.len) memcpy(at + key.len, extra.ptr, extra.len);
    map->used++;
    map->live++;
    if (map->slot) map_index(map, map->used - 1);
    return ST_OK;
}

Status value_map_add(ValueMap *map, Str key, Str extra, int64_t delta, int64_t *before,
                     AggEnv *env, Error *err) {
    return value_map_add_hashed(map, value_map_hash(key), key, extra, delta, before, env, err);
}

Status value_map_add_hashed(ValueMap *map, uint64_t hash, Str key, Str extra, int64_t delta,
                            int64_t *before, AggEnv *env, Error *err) {
    ValueEntry *entry = map_find_hash(map, hash, key);
    if (before) *before = entry ? entry->count : 0;
    if (!entry) return delta ? map_insert(map, hash, key, extra, delta, env, err) : ST_OK;
    entry->count += delta;
    if (entry->count == 0) {
        entry_free(entry, env);
        entry->len = entry->extra = 0;
        if (--map->live == 0) {  // as new, so that a group that empties itself stays small
            map->used = 0;
            if (map->slot) memset(map->slot, 0, map->slot_count * sizeof *map->slot);
        }
    }
    return ST_OK;
}

const ValueEntry *value_map_next(const ValueMap *map, uint32_t *i) {
    while (*i < map->used) {
        const ValueEntry *entry = &map->entry[(*i)++];
        if (entry->count) return entry;
    }
    return NULL;
}

void value_map_free(ValueMap *map, AggEnv *env) {
    for (uint32_t i = 0; i < map->used; i++) {
        if (map->entry[i].count) entry_free(&map->entry[i], env);
    }
    store_free(env, map->entry, map->cap * sizeof *map->entry);
    store_free(env, map->slot, map->slot_count * sizeof *map->slot);
    *map = (ValueMap){0};
}

// ---- SortedBag ----------------------------------------------------------------------------------

BagKey bag_key(const Vec *vec, uint32_t row) {
    BagKey key = {0};
    switch (vec->phys) {
        case PHYS_F32: key.f64 = (double)vec_f32(vec)[row]; break;
        case PHYS_F64: key.f64 = vec_f64(vec)[row]; break;
        case PHYS_I128: key.i128 = vec_i128(vec)[row]; break;
        case PHYS_TS: key.ts = vec_ts(vec)[row]; break;
        case PHYS_STR: key.str = vec_str(vec)[row]; break;
        default: key.i64 = vec_integer(vec, row); break;
    }
    return key;
}

void bag_put(BagKey key, Vec *out, uint32_t row) {
    switch (out->phys) {
        case PHYS_F32: vec_f32(out)[row] = (float)key.f64; break;
        case PHYS_F64: vec_f64(out)[row] = key.f64; break;
        case PHYS_I128: vec_i128(out)[row] = key.i128; break;
        case PHYS_TS: vec_ts(out)[row] = key.ts; break;
        case PHYS_STR: vec_set_text(out, row, key.str); break;
        default: vec_set_integer(out, row, key.i64); break;
    }
    if (out->valid) bits_set(out->valid, row);
}

// Double.compare: -0.0 before 0.0, NaN last and equal to itself.
static int compare_java(double a, double b) {
    if (a < b) return -1;
    if (a > b) return 1;
    int64_t x, y;
    if (isnan(a)) a = NAN;
    if (isnan(b)) b = NAN;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x < y ? -1 : x > y;
}

int bag_compare(Phys phys, BagKey a, BagKey b) {
    switch (phys) {
        case PHYS_F32:
        case PHYS_F64: return compare_java(a.f64, b.f64);
        case PHYS_I128: return a.i128 < b.i128 ? -1 : a.i128 > b.i128;
        case PHYS_TS:
            if (a.ts.ms != b.ts.ms) return a.ts.ms < b.ts.ms ? -1 : 1;
            return a.ts.ns < b.ts.ns ? -1 : a.ts.ns > b.ts.ns;
        case PHYS_STR: return str_cmp(a.str, b.str);
        default: return a.i64 < b.i64 ? -1 : a.i64 > b.i64;
    }
}

// The chunk where [key] is or belongs: the last one that begins at or before it.
static uint32_t bag_chunk_of(const SortedBag *bag, BagKey key) {
    uint32_t low = 0, high = bag->chunk_count;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (bag_compare(bag->phys, bag->chunk[mid].item[0].key, key) <= 0) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return low;
}

// The first item of the chunk that is not below [key].
static uint32_t chunk_place(const SortedBag *bag, const BagChunk *chunk, BagKey key) {
    uint32_t low = 0, high = chunk->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (bag_compare(bag->phys, chunk->item[mid].key, key) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static Status bag_insert_chunk(SortedBag *bag, uint32_t at, AggEnv *env, Error *err) {
    if (bag->chunk_count == bag->chunk_cap) {
        uint32_t cap = bag->chunk_cap ? bag->chunk_cap * 2 : 1;
        TRY(store_resize(env, &bag->chunk, bag->chunk_cap * sizeof *bag->chunk,
                         cap * sizeof *bag->chunk, err));
        bag->chunk_cap = cap;
    }
    memmove(bag->chunk + at + 1, bag->chunk + at, (bag->chunk_count - at) * sizeof *bag->chunk);
    bag->chunk[at] = (BagChunk){0};
    bag->chunk_count++;
    return ST_OK;
}

static Status chunk_reserve(BagChunk *chunk, uint32_t cap, AggEnv *env, Error *err) {
    if (cap <= chunk->cap) return ST_OK;
    TRY(store_resize(env, &chunk->item, chunk->cap * sizeof *chunk->item,
                     cap * sizeof *chunk->item, err));
    chunk->cap = cap;
    return ST_OK;
}

// Moves the upper half of chunk [at] into a new one behind it.
static Status bag_split(SortedBag *bag, uint32_t at, AggEnv *env, Error *err) {
    BagChunk upper = {0};
    TRY(chunk_reserve(&upper, BAG_CHUNK, env, err));
    Status st = bag_insert_chunk(bag, at + 1, env, err);
    if (st) {
        store_free(env, upper.item, upper.cap * sizeof *upper.item);
        return st;
    }
    BagChunk *lower = &bag->chunk[at];
    upper.count = lower->count / 2;
    lower->count -= upper.count;
    memcpy(upper.item, lower->item + lower->count, upper.count * sizeof *upper.item);
    bag->chunk[at + 1] = upper;
    return ST_OK;
}

static void bag_remove_item(SortedBag *bag, uint32_t c, uint32_t i, AggEnv *env) {
    BagChunk *chunk = &bag->chunk[c];
    if (bag->phys == PHYS_STR) {
        store_free(env, (char *)chunk->item[i].key.str.ptr, chunk->item[i].key.str.len);
    }
    chunk->count--;
    memmove(chunk->item + i, chunk->item + i + 1, (chunk->count - i) * sizeof *chunk->item);
    bag->items--;
    if (chunk->count) return;
    store_free(env, chunk->item, chunk->cap * sizeof *chunk->item);
    bag->chunk_count--;
    memmove(bag->chunk + c, bag->chunk + c + 1, (bag->chunk_count - c) * sizeof *bag->chunk);
}

static Status bag_insert(SortedBag *bag, BagKey key, int64_t count, AggEnv *env, Error *err) {
    if (!bag->chunk_count) TRY(bag_insert_chunk(bag, 0, env, err));
    uint32_t c = bag_chunk_of(bag, key);
    if (bag->chunk[c].count == BAG_CHUNK) {
        TRY(bag_split(bag, c, env, err));
        c = bag_chunk_of(bag, key);
    }
    BagChunk *chunk = &bag->chunk[c];
    if (chunk->count == chunk->cap) {
        TRY(chunk_reserve(chunk, chunk->cap ? chunk->cap * 2 : 2, env, err));
    }
    if (bag->phys == PHYS_STR && key.str.len) {
        char *copy = NULL;
        TRY(store_resize(env, &copy, 0, key.str.len, err));
        memcpy(copy, key.str.ptr, key.str.len);
        key.str.ptr = copy;
    } else if (bag->phys == PHYS_STR) {
        key.str.ptr = NULL;
    }
    uint32_t i = chunk_place(bag, chunk, key);
    memmove(chunk->item + i + 1, chunk->item + i, (chunk->count - i) * sizeof *chunk->item);
    chunk->item[i] = (BagItem){.key = key, .count = count};
    chunk->count++;
    bag->items++;
    return ST_OK;
}

Status bag_add(SortedBag *bag, Phys phys, BagKey key, int64_t delta, AggEnv *env, Error *err) {
    bag->phys = phys;
    if (bag->chunk_count) {
        uint32_t c = bag_chunk_of(bag, key);
        BagChunk *chunk = &bag->chunk[c];
        uint32_t i = chunk_place(bag, chunk, key);
        if (i < chunk->count && bag_compare(phys, chunk->item[i].key, key) == 0) {
            chunk->item[i].count += delta;
            if (chunk->item[i].count == 0) bag_remove_item(bag, c, i, env);
            return ST_OK;
        }
    }
    return delta ? bag_insert(bag, key, delta, env, err) : ST_OK;
}

const BagItem *bag_next(const SortedBag *bag, BagAt *at) {
    if (at->chunk >= bag->chunk_count) return NULL;
    const BagItem *item = &bag->chunk[at->chunk].item[at->item];
    if (++at->item == bag->chunk[at->chunk].count) *at = (BagAt){at->chunk + 1, 0};
    return item;
}

const BagItem *bag_least(const SortedBag *bag) {
    BagAt at = {0};
    const BagItem *item;
    while ((item = bag_next(bag, &at)) && item->count < 0) continue;
    return item;
}

const BagItem *bag_greatest(const SortedBag *bag) {
    for (uint32_t c = bag->chunk_count; c-- > 0;) {
        for (uint32_t i = bag->chunk[c].count; i-- > 0;) {
            if (bag->chunk[c].item[i].count > 0) return &bag->chunk[c].item[i];
        }
    }
    return NULL;
}

void bag_free(SortedBag *bag, AggEnv *env) {
    for (uint32_t c = 0; c < bag->chunk_count; c++) {
        BagChunk *chunk = &bag->chunk[c];
        for (uint32_t i = 0; i < chunk->count && bag->phys == PHYS_STR; i++) {
            store_free(env, (char *)chunk->item[i].key.str.ptr, chunk->item[i].key.str.len);
        }
        store_free(env, chunk->item, chunk->cap * sizeof *chunk->item);
    }
    store_free(env, bag->chunk, bag->chunk_cap * sizeof *bag->chunk);
    *bag = (SortedBag){0};
}

// ---- written forms ------------------------------------------------------------------------------

const Type *store_counts_type(Arena *arena, const Type *value) {
    const Type *child[] = {value, type_of(TYPE_BIGINT, false)};
    const Str field[] = {STR("value"), STR("count")};
    return type_array(arena, type_row(arena, 2, child, field, false), false);
}

void store_write_list(const ValueList *list, Vec *out, uint32_t row) {
    uint32_t at = vec_list_begin(out, row, list->count);
    Str value;
    for (uint32_t from = 0; list_next(list, &from, &value); at++) {
        (void)codec_get(value.ptr, out->child[0], at);
    }
}

Status store_read_list(ValueList *list, const Vec *in, uint32_t row, AggEnv *env, Error *err) {
    ListView view = vec_list(in)[row];
    Buf bytes = {0};
    Status st = ST_OK;
    for (uint32_t i = 0; i < view.count && !st; i++) {
        bytes.len = 0;
        codec_put_key(in->child[0], view.offset + i, &bytes);
        st = list_add(list, buf_str(&bytes), env, err);
    }
    buf_free(&bytes);
    return st;
}

void store_write_map(const ValueMap *map, Vec *out, uint32_t row) {
    uint32_t at = vec_list_begin(out, row, map->live), i = 0;
    Vec *entries = out->child[0];
    for (const ValueEntry *entry; (entry = value_map_next(map, &i)); at++) {
        (void)codec_get(entry_key(entry).ptr, entries->child[0], at);
        vec_i64(entries->child[1])[at] = entry->count;
    }
}

Status store_read_map(ValueMap *map, const Vec *in, uint32_t row, AggEnv *env, Error *err) {
    ListView view = vec_list(in)[row];
    const Vec *entries = in->child[0];
    Buf key = {0};
    Status st = ST_OK;
    for (uint32_t i = view.offset; i < view.offset + view.count && !st; i++) {
        key.len = 0;
        codec_put_key(entries->child[0], i, &key);
        st = value_map_add(map, buf_str(&key), (Str){0}, vec_i64(entries->child[1])[i], NULL, env,
                           err);
    }
    buf_free(&key);
    return st;
}

void store_write_bag(const SortedBag *bag, Vec *out, uint32_t row) {
    uint32_t to = vec_list_begin(out, row, bag->items);
    Vec *entries = out->child[0];
    BagAt at = {0};
    for (const BagItem *item; (item = bag_next(bag, &at)); to++) {
        bag_put(item->key, entries->child[0], to);
        vec_i64(entries->child[1])[to] = item->count;
    }
}

Status store_read_bag(SortedBag *bag, const Vec *in, uint32_t row, AggEnv *env, Error *err) {
    ListView view = vec_list(in)[row];
    const Vec *value = in->child[0]->child[0];
    for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
        TRY(bag_add(bag, value->phys, bag_key(value, i), vec_i64(in->child[0]->child[1])[i], env,
                    err));
    }
    return ST_OK;
}
