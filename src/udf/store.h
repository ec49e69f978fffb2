// udf/store.h - what a process table function keeps for a key beyond a struct: some bytes, a list
// of them, a map from bytes to bytes.
//
// All are empty when zeroed, and are charged to a budget. A map keeps the order in which its keys
// came; entries lie in an array, removed ones stay as gaps until half of it is gaps.
// Written: bytes as BYTES, a list as ARRAY<BYTES>, a map as MAP<BYTES, BYTES>.
// Threads: one.
#pragma once

#include "col/vec.h"

typedef struct StoreEntry {
    char *bytes;  // owned: the key, then the value; NULL: removed
    uint32_t key_size, size;
    uint64_t hash;
} StoreEntry;

typedef struct Store {
    StoreEntry *entry;
    uint32_t count, cap;  // gaps included
    uint32_t live;
    uint32_t slot_count;  // a power of two; 0 while there are few entries, and for lists
    uint32_t *slot;       // index + 1
} Store;

typedef enum StoreKind { STORE_BYTES, STORE_LIST, STORE_MAP } StoreKind;

// What it is written as.
const Type *store_type(StoreKind kind);

// One value: its place is entry 0.
NODISCARD Status store_set(Store *store, Str value, Budget *budget, Error *err);
NODISCARD Status store_append(Store *store, Str value, Budget *budget, Error *err);
NODISCARD Status store_put(Store *store, Str key, Str value, Budget *budget, Error *err);
void store_remove(Store *store, Str key, Budget *budget);
// False when there is none.
bool store_value(const Store *store, Str *out);
bool store_get(const Store *store, Str key, Str *out);
// `for (uint64_t at = 0; store_next(&store, &at, &key, &value);)`
bool store_next(const Store *store, uint64_t *at, Str *key, Str *value);
void store_clear(Store *store, Budget *budget);

void store_write(const Store *store, StoreKind kind, Vec *out, uint32_t row);
NODISCARD Status store_read(Store *store, StoreKind kind, const Vec *in, uint32_t row,
                            Budget *budget, Error *err);
