// func/agg_store.h - what aggregate states keep outside the group: a list of values in the order of
// arrival, a set of values with counts, a sorted bag of numbers or texts with counts.
//
// All are empty when zeroed, are charged to env->budget, and may be moved with memcpy. Values are
// the bytes of col/codec.h. One thread at a time.
#pragma once

#include "func/agg.h"

// ---- memory -------------------------------------------------------------------------------------

// Gives *ptr [to] bytes instead of [from], charged to the budget; as it was on failure.
NODISCARD Status store_resize(AggEnv *env, void *ptr, size_t from, size_t to, Error *err);
void store_free(AggEnv *env, void *ptr, size_t size);

// ---- ValueList: values in the order of arrival --------------------------------------------------

// One buffer of entries: a u32 of the length (the top bit set: removed), then the bytes. Removing
// marks; when marks outweigh values the buffer is written anew.
typedef struct ValueList {
    char *bytes;
    uint32_t size, cap;  // of the buffer
    uint32_t from;       // where the first value alive begins
    uint32_t last;       // where the last one begins; of no meaning when there is none
    uint32_t count;      // values alive
    uint32_t dead;       // bytes of removed entries behind [from]
} ValueList;

NODISCARD Status list_add(ValueList *list, Str value, AggEnv *env, Error *err);
// Removes the oldest value equal to [value]; false when there is none.
bool list_remove(ValueList *list, Str value);
// Walks the values: `for (uint32_t at = 0; list_next(&list, &at, &value);)`.
bool list_next(const ValueList *list, uint32_t *at, Str *value);
bool list_first(const ValueList *list, Str *value);
bool list_last(const ValueList *list, Str *value);
void list_free(ValueList *list, AggEnv *env);

// ---- ValueMap: values with counts, in the order of their first arrival --------------------------

enum { MAP_INLINE = 12 };  // a BIGINT's key has 9 bytes, a TIMESTAMP(6)'s 13: those go outside

typedef struct ValueEntry {  // 32 bytes: two to a cache line
    int64_t count;       // never 0 in an entry alive
    uint32_t hash;       // the lower half
    uint32_t len;        // of the key
    uint32_t extra;      // bytes that follow the key and are not compared
    char bytes[MAP_INLINE];  // the key and what follows, or where they are (owned)
} ValueEntry;

typedef struct ValueMap {
    ValueEntry *entry;   // removed ones have count 0
    uint32_t *slot;      // index into entry + 1, open addressing; NULL while there are few entries
    uint32_t used, cap;  // entries, the removed ones included
    uint32_t live;
    uint32_t slot_count; // a power of two
} ValueMap;

static inline char *entry_outside(const ValueEntry *entry) {
    char *at;
    memcpy(&at, entry->bytes, sizeof at);
    return at;
}
static inline Str entry_key(const ValueEntry *entry) {
    bool inside = (size_t)entry->len + entry->extra <= MAP_INLINE;
    return str_make(inside ? entry->bytes : entry_outside(entry), entry->len);
}
static inline Str entry_extra(const ValueEntry *entry) {
    return str_make(entry_key(entry).ptr + entry->len, entry->extra);
}

ValueEntry *value_map_find(const ValueMap *map, Str key);
// Adds [delta] to the count of [key]; an entry that comes to 0 is removed. *before (may be NULL) is
// the count it had. [extra] is stored when the entry is new.
NODISCARD Status value_map_add(ValueMap *map, Str key, Str extra, int64_t delta, int64_t *before,
                               AggEnv *env, Error *err);
// The same in steps, for many keys at once: hash them all, fetch slots and entries ahead, add.
uint64_t value_map_hash(Str key);
void value_map_fetch_slot(const ValueMap *map, uint64_t hash);
void value_map_fetch_entry(const ValueMap *map, uint64_t hash);
NODISCARD Status value_map_add_hashed(ValueMap *map, uint64_t hash, Str key, Str extra,
                                      int64_t delta, int64_t *before, AggEnv *env, Error *err);
// Walks the entries alive: `for (uint32_t i = 0; (entry = value_map_next(&map, &i));)`.
const ValueEntry *value_map_next(const ValueMap *map, uint32_t *i);
void value_map_free(ValueMap *map, AggEnv *env);

// ---- SortedBag: numbers, times or texts with counts, in order -----------------------------------

typedef i128 i128_in_group __attribute__((aligned(8)));  // a group promises no more

// A value of any layout but lists and rows. Texts are owned by the bag.
typedef union BagKey {
    int64_t i64;  // U8 .. I64
    double f64;   // F32, F64
    i128_in_group i128;
    Timestamp ts;
    Str str;
} BagKey;

typedef struct BagItem {
    BagKey key;
    int64_t count;  // never 0; negative for what was retracted before it came
} BagItem;

// Items lie sorted in chunks of up to BAG_CHUNK, chunks in a directory: an insert moves at most one
// chunk's items, a chunk that overflows splits.
enum { BAG_CHUNK = 128 };
typedef struct BagChunk {
    uint32_t count, cap;
    BagItem *item;
} BagChunk;

typedef struct SortedBag {
    BagChunk *chunk;
    uint32_t chunk_count, chunk_cap;
    uint32_t items;
    Phys phys;
} SortedBag;

BagKey bag_key(const Vec *vec, uint32_t row);       // text borrowed from the vec
void bag_put(BagKey key, Vec *out, uint32_t row);   // text copied
int bag_compare(Phys phys, BagKey a, BagKey b);
// Adds [delta] to the count of [key].
NODISCARD Status bag_add(SortedBag *bag, Phys phys, BagKey key, int64_t delta, AggEnv *env,
                         Error *err);
// The least or greatest item with a positive count, or NULL.
const BagItem *bag_least(const SortedBag *bag);
const BagItem *bag_greatest(const SortedBag *bag);
typedef struct BagAt {
    uint32_t chunk, item;
} BagAt;
const BagItem *bag_next(const SortedBag *bag, BagAt *at);  // zero-initialised: from the least on
void bag_free(SortedBag *bag, AggEnv *env);
