#include "udf/store.h"

#include "base/hash.h"

enum { SCAN_MAX = 8 };  // entries that are looked through without an index

static Str key_of(const StoreEntry *entry) {
    return str_make(entry->bytes, entry->key_size);
}

static Str value_of(const StoreEntry *entry) {
    return str_make(entry->bytes + entry->key_size, entry->size);
}

// ---- entries -----------------------------------------------------------------------------------

static Status entry_make(StoreEntry *entry, Str key, Str value, uint64_t hash, Budget *budget,
                         Error *err) {
    size_t size = (size_t)key.len + value.len;
    TRY(budget_charge(budget, (int64_t)size, err));
    char *bytes = mem_alloc(size ? size : 1);
    if (key.len) memcpy(bytes, key.ptr, key.len);
    if (value.len) memcpy(bytes + key.len, value.ptr, value.len);
    *entry = (StoreEntry){bytes, key.len, value.len, hash};
    return ST_OK;
}

static void entry_free(StoreEntry *entry, Budget *budget) {
    if (!entry->bytes) return;
    budget_release(budget, (int64_t)entry->key_size + entry->size);
    mem_free(entry->bytes);
    entry->bytes = NULL;
}

// Room for one more.
static Status entries_grow(Store *store, Budget *budget, Error *err) {
    if (store->count < store->cap) return ST_OK;
    uint32_t cap = store->cap ? store->cap * 2 : 4;
    TRY(budget_charge(budget, (int64_t)((cap - store->cap) * sizeof *store->entry), err));
    store->entry = mem_realloc(store->entry, cap * sizeof *store->entry);
    store->cap = cap;
    return ST_OK;
}

// ---- the index of a map ------------------------------------------------------------------------

static void slots_free(Store *store, Budget *budget) {
    budget_release(budget, (int64_t)(store->slot_count * sizeof *store->slot));
    mem_free(store->slot);
    store->slot = NULL;
    store->slot_count = 0;
}

// Takes the gaps out and makes the index anew, for twice the entries there are.
static Status rebuild(Store *store, Budget *budget, Error *err) {
    uint32_t kept = 0, slots = 16;
    for (uint32_t i = 0; i < store->count; i++) {
        if (store->entry[i].bytes) store->entry[kept++] = store->entry[i];
    }
    store->count = kept;
    slots_free(store, budget);
    if (kept <= SCAN_MAX) return ST_OK;
    while (slots < kept * 4) slots *= 2;
    TRY(budget_charge(budget, (int64_t)(slots * sizeof *store->slot), err));
    store->slot = NEW_ARRAY(uint32_t, slots);
    store->slot_count = slots;
    for (uint32_t i = 0; i < kept; i++) {
        uint64_t at = store->entry[i].hash & (slots - 1);
        while (store->slot[at]) at = (at + 1) & (slots - 1);
        store->slot[at] = i + 1;
    }
    return ST_OK;
}

static bool is_key(const StoreEntry *entry, Str key, uint64_t hash) {
    return entry->bytes && entry->hash == hash && str_eq(key_of(entry), key);
}

static StoreEntry *find(const Store *store, Str key, uint64_t hash) {
    if (!store->slot_count) {
        for (uint32_t i = 0; i < store->count; i++) {
            if (is_key(&store->entry[i], key, hash)) return &store->entry[i];
        }
        return NULL;
    }
    // A removed entry keeps its slot, so that the search does not end at it.
    for (uint64_t at = hash & (store->slot_count - 1); store->slot[at];
         at = (at + 1) & (store->slot_count - 1)) {
        StoreEntry *entry = &store->entry[store->slot[at] - 1];
        if (is_key(entry, key, hash)) return entry;
    }
    return NULL;
}

// ---- changes -----------------------------------------------------------------------------------

Status store_append(Store *store, Str value, Budget *budget, Error *err) {
    TRY(entries_grow(store, budget, err));
    TRY(entry_make(&store->entry[store->count], (Str){0}, value, 0, budget, err));
    store->count++;
    store->live++;
    return ST_OK;
}

Status store_set(Store *store, Str value, Budget *budget, Error *err) {
    StoreEntry made;
    TRY(entries_grow(store, budget, err));
    TRY(entry_make(&made, (Str){0}, value, 0, budget, err));
    if (store->count) entry_free(&store->entry[0], budget);
    store->entry[0] = made;
    store->count = store->live = 1;
    return ST_OK;
}

Status store_put(Store *store, Str key, Str value, Budget *budget, Error *err) {
    uint64_t hash = hash_bytes(key.ptr, key.len, 0);
    StoreEntry *found = find(store, key, hash), made;
    TRY(entry_make(&made, key, value, hash, budget, err));
    if (found) {
        entry_free(found, budget);
        *found = made;
        return ST_OK;
    }
    Status st = entries_grow(store, budget, err);
    if (st) {
        entry_free(&made, budget);
        return st;
    }
    uint32_t index = store->count++;
    store->entry[index] = made;
    store->live++;
    if (!store->slot_count || store->count * 2 > store->slot_count) {
        return store->count > SCAN_MAX ? rebuild(store, budget, err) : ST_OK;
    }
    uint64_t at = hash & (store->slot_count - 1);
    while (store->slot[at]) at = (at + 1) & (store->slot_count - 1);
    store->slot[at] = index + 1;
    return ST_OK;
}

void store_remove(Store *store, Str key, Budget *budget) {
    StoreEntry *found = find(store, key, hash_bytes(key.ptr, key.len, 0));
    if (!found) return;
    entry_free(found, budget);
    if (!--store->live) store_clear(store, budget);
}

void store_clear(Store *store, Budget *budget) {
    for (uint32_t i = 0; i < store->count; i++) entry_free(&store->entry[i], budget);
    budget_release(budget, (int64_t)(store->cap * sizeof *store->entry));
    slots_free(store, budget);
    mem_free(store->entry);
    *store = (Store){0};
}

// ---- reading -----------------------------------------------------------------------------------

bool store_value(const Store *store, Str *out) {
    if (!store->live) return false;
    *out = value_of(&store->entry[0]);
    return true;
}

bool store_get(const Store *store, Str key, Str *out) {
    const StoreEntry *found = find(store, key, hash_bytes(key.ptr, key.len, 0));
    if (found) *out = value_of(found);
    return found;
}

bool store_next(const Store *store, uint64_t *at, Str *key, Str *value) {
    while (*at < store->count && !store->entry[*at].bytes) ++*at;
    if (*at >= store->count) return false;
    *key = key_of(&store->entry[*at]);
    *value = value_of(&store->entry[(*at)++]);
    return true;
}

// ---- as columns --------------------------------------------------------------------------------

static const Type BYTES_TYPE = {.kind = TYPE_VARBINARY, .length = TYPE_LENGTH_MAX};
static const Type *const BYTES_CHILDREN[] = {&BYTES_TYPE, &BYTES_TYPE};
static const Type STORE_TYPES[] = {
    [STORE_BYTES] = {.kind = TYPE_VARBINARY, .nullable = true, .length = TYPE_LENGTH_MAX},
    [STORE_LIST] = {.kind = TYPE_ARRAY, .child_count = 1, .child = BYTES_CHILDREN},
    [STORE_MAP] = {.kind = TYPE_MAP, .child_count = 2, .child = BYTES_CHILDREN},
};

const Type *store_type(StoreKind kind) {
    return &STORE_TYPES[kind];
}

void store_write(const Store *store, StoreKind kind, Vec *out, uint32_t row) {
    Str key, value;
    if (kind == STORE_BYTES) {
        if (store_value(store, &value)) vec_set_text(out, row, value);
        else vec_set_null(out, row);
        return;
    }
    uint32_t to = vec_list_begin(out, row, store->live);
    for (uint64_t at = 0; store_next(store, &at, &key, &value); to++) {
        vec_set_text(out->child[0], to, kind == STORE_MAP ? key : value);
        if (kind == STORE_MAP) vec_set_text(out->child[1], to, value);
    }
}

Status store_read(Store *store, StoreKind kind, const Vec *in, uint32_t row, Budget *budget,
                  Error *err) {
    if (vec_is_null(in, row)) return ST_OK;
    if (kind == STORE_BYTES) return store_set(store, vec_str(in)[row], budget, err);
    ListView view = vec_list(in)[row];
    for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
        Str first = vec_str(in->child[0])[i];
        TRY(kind == STORE_LIST ? store_append(store, first, budget, err)
                               : store_put(store, first, vec_str(in->child[1])[i], budget, err));
    }
    return ST_OK;
}
