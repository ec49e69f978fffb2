// base/map.h - a small insertion-ordered map from text to pointer: catalogs, options, names.
// Not for rows: state/ has tables for those. One thread at a time.
#pragma once

#include "base/text.h"

typedef struct MapEntry {
    Str key;  // owned by the map
    void *value;
    uint64_t hash;
} MapEntry;

// Zero-initialised is empty and ready. Iterate with `for (i = 0; i < map.count; i++) map.entry[i]`.
typedef struct Map {
    MapEntry *entry;  // in the order of insertion
    uint32_t count, cap;
    uint32_t *slot;  // entry index + 1; 0 is free
    uint32_t slot_count;
} Map;

void map_clear(Map *map);  // frees keys and tables, not the values
void *map_get(const Map *map, Str key);             // NULL when absent
bool map_has(const Map *map, Str key);
void *map_put(Map *map, Str key, void *value);      // returns the value it replaced, or NULL
void *map_remove(Map *map, Str key);                // returns the removed value; keeps the order
