#include "base/hash.h"

#include <string.h>

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, size, seed);
}

static uint32_t murmur_mix(uint32_t hash, uint32_t word) {
    word *= 0xcc9e2d51u;
    word = word << 15 | word >> 17;
    hash ^= word * 0x1b873593u;
    hash = hash << 13 | hash >> 19;
    return hash * 5 + 0xe6546b64u;
}

static uint32_t murmur_end(uint32_t hash, uint32_t size) {
    hash ^= size;
    hash ^= hash >> 16;
    hash *= 0x85ebca6bu;
    hash ^= hash >> 13;
    hash *= 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

uint32_t hash_murmur_text(const char *bytes, uint32_t size) {
    uint32_t hash = 42, at = 0;
    for (; at + 4 <= size; at += 4) {
        uint32_t word;  // little-endian
        memcpy(&word, bytes + at, 4);
        hash = murmur_mix(hash, word);
    }
    for (; at < size; at++) hash = murmur_mix(hash, (uint32_t)(int32_t)(signed char)bytes[at]);
    return murmur_end(hash, size);
}
