// The order of Java's hash maps, and the hash by which Flink's texts stand in them.
#include "base/hash.h"
#include "base/java_map.h"
#include "test/unit.h"

// Orders that Flink showed: MAP_KEYS of maps that came from JSON.
TEST(java_map, texts_stand_by_their_hash) {
    static const char *const KEYS[] = {"k", "K", "q", "a"}, *const WALK[] = {"q", "a", "K", "k"};
    uint32_t hash[4], order[4];
    for (int i = 0; i < 4; i++) hash[i] = hash_murmur_text(KEYS[i], 1);
    java_map_order(hash, 4, order);
    for (int i = 0; i < 4; i++) CHECK(KEYS[order[i]][0] == WALK[i][0]);
}

TEST(java_map, a_bucket_keeps_the_order_of_arrival) {
    uint32_t hash[] = {33, 1, 17, 0}, order[4];
    java_map_order(hash, 4, order);
    CHECK(order[0] == 3 && order[1] == 0 && order[2] == 1 && order[3] == 2);
}

TEST(java_map, the_table_grows_when_three_quarters_full) {
    uint32_t hash[13], order[13];
    for (uint32_t i = 0; i < 13; i++) hash[i] = i == 0 ? 16 : i;
    java_map_order(hash, 12, order);
    CHECK(order[0] == 0);  // 16 buckets: 16 lies in the first
    java_map_order(hash, 13, order);
    CHECK(order[12] == 0);  // 32 buckets
}
