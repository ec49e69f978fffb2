// base/java_map.h - in which order a java.util.HashMap is walked. Many of Flink's maps are such,
// and their order shows wherever a map becomes an array or a text.
#pragma once

#include <stdint.h>

// order[i] becomes the index of the entry that is met as the i-th, of [count] entries that were put
// in the order of hash[]; the hashes are those of hashCode().
void java_map_order(const uint32_t *hash, uint32_t count, uint32_t *order);
