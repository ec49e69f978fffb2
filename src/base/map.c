#include "base/map.h"

#include "base/hash.h"

void map_clear(Map *map) {
    for (uint32_t i = 0; i < map->count; i++) mem_free((void *)(uintptr_t)map->entry[i].key.ptr);
    mem_free(map->entry);
    mem_free(map->slot);
    *map = (Map){0};
}

static uint32_t *map_slot(const Map *map, Str key, uint64_t hash) {
    uint32_t mask = map->slot_count - 1;
    for (uint32_t at = (uint32_t)hash & mask;; at = (at + 1) & mask) {
        uint32_t index = map->slot[at];
        if (!index) return &map->slot[at];
        const MapEntry *entry = &map->entry[index - 1];
        if (entry->hash == hash && str_eq(entry->key, key)) return &map->slot[at];
    }
}

static void map_rehash(Map *map, uint32_t slot_count) {
    mem_free(map->slot);
    map->slot = NEW_ARRAY(uint32_t, slot_count);
    map->slot_count = slot_count;
    for (uint32_t i = 0; i < map->count; i++) {
        *map_slot(map, map->entry[i].key, map->entry[i].hash) = i + 1;
    }
}

static MapEntry *map_find(const Map *map, Str key) {
    if (!map->count) return NULL;
    uint32_t index = *map_slot(map, key, hash_bytes(key.ptr, key.len, 0));
    return index ? &map->entry[index - 1] : NULL;
}

void *map_get(const Map *map, Str key) {
    const MapEntry *entry = map_find(map, key);
    return entry ? entry->value : NULL;
}

bool map_has(const Map *map, Str key) {
    return map_find(map, key) != NULL;
}

void *map_put(Map *map, Str key, void *value) {
    MapEntry *found = map_find(map, key);
    if (found) {
        void *old = found->value;
        found->value = value;
        return old;
    }
    if (map->count == map->cap) {
        map->cap = map->cap ? map->cap * 2 : 8;
        map->entry = mem_realloc(map->entry, map->cap * sizeof *map->entry);
    }
    uint64_t hash = hash_bytes(key.ptr, key.len, 0);
    map->entry[map->count++] = (MapEntry){{str_own(key), key.len}, value, hash};
    if (map->count * 2 > map->slot_count) {
        map_rehash(map, map->slot_count ? map->slot_count * 2 : 16);
    } else {
        *map_slot(map, key, hash) = map->count;
    }
    return NULL;
}

void *map_remove(Map *map, Str key) {
    MapEntry *found = map_find(map, key);
    if (!found) return NULL;
    void *old = found->value;
    mem_free((void *)(uintptr_t)found->key.ptr);
    uint32_t index = (uint32_t)(found - map->entry);
    memmove(found, found + 1, (map->count - index - 1) * sizeof *found);
    map->count--;
    map_rehash(map, map->slot_count);
    return old;
}
