#include "col/codec.h"

#include "test/unit.h"

// Numbers and times of every length come back, and say so in as few bytes as they need.
TEST(codec, short_numbers_and_times_come_back) {
    static const int64_t VALUES[] = {0,         -1,        1,         127,       128,
                                     -129,      32767,     INT32_MAX, INT32_MIN, 1767288600123,
                                     INT64_MAX, INT64_MIN, -62135596800000};
    enum { COUNT = sizeof VALUES / sizeof *VALUES };
    Arena arena = {0};
    Vec *longs = vec_new(&arena, type_of(TYPE_BIGINT, true), COUNT);
    Vec *times = vec_new(&arena, type_timestamp(&arena, 9, true), 2 * COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        vec_i64(longs)[i] = VALUES[i];
        vec_ts(times)[i] = (Timestamp){.ms = VALUES[i]};
        vec_ts(times)[COUNT + i] = (Timestamp){.ms = VALUES[i], .ns = 999999 - (int32_t)i};
    }
    Vec *column[2] = {longs, times};
    for (uint32_t c = 0; c < 2; c++) {
        Vec *out = vec_new(&arena, column[c]->type, column[c]->len);
        for (uint32_t i = 0; i < out->len; i++) {
            Buf bytes = {0}, key = {0};
            codec_put(column[c], i, &bytes);
            codec_put_key(column[c], i, &key);
            CHECK(bytes.len <= key.len);
            CHECK(codec_get(bytes.ptr, out, i) == bytes.ptr + bytes.len);
            CHECK(vec_key_equal(out, i, column[c], i));
            CHECK(codec_get(key.ptr, out, i) == key.ptr + key.len);
            CHECK(vec_key_equal(out, i, column[c], i));
            buf_free(&bytes);
            buf_free(&key);
        }
    }
    Buf bytes = {0};
    codec_put(times, 9, &bytes);
    CHECK(bytes.len == 7);  // 41 bits and the sign of 2026, and the byte that says so
    buf_free(&bytes);
    arena_clear(&arena);
}
