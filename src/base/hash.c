#include "base/hash.h"

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, size, seed);
}

uint32_t hash_murmur_int(uint32_t code) {
    code *= 0xcc9e2d51u;
    code = code << 15 | code >> 17;
    code *= 0x1b873593u;
    code = code << 13 | code >> 19;
    code = code * 5 + 0xe6546b64u;
    code ^= 4;
    code ^= code >> 16;
    code *= 0x85ebca6bu;
    code ^= code >> 13;
    code *= 0xc2b2ae35u;
    code ^= code >> 16;
    // Flink takes the absolute value, and 0 for Integer.MIN_VALUE.
    int32_t signed_code = (int32_t)code;
    if (signed_code >= 0) return (uint32_t)signed_code;
    return signed_code == INT32_MIN ? 0 : (uint32_t)-signed_code;
}
