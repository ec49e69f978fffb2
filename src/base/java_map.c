#include "base/java_map.h"

// The table doubles when it is three quarters full and begins with 16 buckets; within a bucket the
// order is that of arrival. (Java makes trees of buckets of eight and more, which keep that order.)
void java_map_order(const uint32_t *hash, uint32_t count, uint32_t *order) {
    uint64_t buckets = 16;
    while (count > buckets / 4 * 3) buckets *= 2;
    uint32_t mask = (uint32_t)(buckets - 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bucket = (hash[i] ^ hash[i] >> 16) & mask, at = i;
        for (; at > 0; at--) {  // maps are small
            uint32_t before = hash[order[at - 1]];
            if (((before ^ before >> 16) & mask) <= bucket) break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}
