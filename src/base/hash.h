// base/hash.h - the two hashes: a fast one for tables in memory (XXH3, may change between releases)
// and Flink's murmur for key groups (never changes: it decides where state lies in a savepoint).
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed);

static inline uint64_t hash_u64(uint64_t value) {  // the finaliser of splitmix64
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9u;
    value ^= value >> 27;
    value *= 0x94d049bb133111ebu;
    return value ^ value >> 31;
}
static inline uint64_t hash_mix(uint64_t a, uint64_t b) {
    return hash_u64(a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2)));
}
// hashCode() of Flink's BinaryStringData: MurmurHash3 with the seed 42, but the bytes behind the
// last whole word are mixed one by one and with their signs.
uint32_t hash_murmur_text(const char *bytes, uint32_t size);
