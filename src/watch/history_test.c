#include "watch/history.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "os/os.h"
#include "test/unit.h"
#include "watch/history_code.h"

static Str new_dir(Arena *arena) {
    char path[] = "/tmp/weir-history-XXXXXX";
    CHECK(mkdtemp(path) != NULL);
    return str_dup(arena, str_c(path));
}

static void round_trip(const double *value, uint32_t count, size_t bytes_max) {
    Buf out = {0};
    Error err = {0};
    double *back = mem_alloc((count + 1) * sizeof *back);
    history_encode(value, count, &out);
    CHECK_OK(history_decode(buf_str(&out), back, count, &err), &err);
    for (uint32_t i = 0; i < count; i++) {
        if (!isfinite(value[i])) CHECK(isnan(back[i]));
        else CHECK(memcmp(&value[i], &back[i], sizeof *back) == 0);
    }
    CHECK(out.len <= bytes_max);
    mem_free(back);
    buf_free(&out);
}

static double noise(uint64_t i) {  // about normal, the same each time
    double sum = 0;
    for (int k = 0; k < 12; k++) sum += (double)(hash_u64(i * 12 + k) >> 11) * 0x1p-53;
    return sum - 6;
}

TEST(history, values_come_back_bit_by_bit) {
    enum { N = 1024 };
    double value[N];
    for (uint32_t i = 0; i < N; i++) value[i] = 0;
    round_trip(value, N, 40);
    for (uint32_t i = 0; i < N; i++) value[i] = nearbyint(500 + 22 * noise(i));
    round_trip(value, N, N * 9 / 8);  // 22 is some 6.5 bits
    for (uint32_t i = 0; i < N; i++) value[i] = nearbyint(9950 + 20 * noise(i)) / 100;
    round_trip(value, N, N * 9 / 8);
    for (uint32_t i = 0; i < N; i++) value[i] = 20 + noise(i);
    round_trip(value, N, N * 9);
    for (uint32_t i = 0; i < N; i++) value[i] = i % 3 ? NAN : (double)i;
    round_trip(value, N, 1400);
    for (uint32_t i = 0; i < N; i++) value[i] = i % 2 ? 1e300 : -1e-300;
    round_trip(value, N, N * 9);
    for (uint32_t i = 0; i < N; i++) value[i] = i % 5 ? 9007199254740991.0 : -9007199254740991.0;
    round_trip(value, N, N * 10);
    for (uint32_t i = 0; i < N; i++) value[i] = NAN;
    round_trip(value, N, 8);
    value[0] = INFINITY;
    round_trip(value, 1, 8);
    round_trip(value, 0, 8);
}

TEST(history, what_is_no_block_is_refused) {
    Error err;
    double room[64];
    CHECK(history_decode(STR(""), room, 1, &err) == ST_RUNTIME);
    CHECK(history_decode(STR("\x00"), room, 64, &err) == ST_RUNTIME);
    CHECK(history_decode(STR("\xff\xff\xff"), room, 64, &err) == ST_RUNTIME);
}

static void add_range(History *history, int64_t key, int64_t from, int64_t to, double base) {
    Error err;
    for (int64_t i = from; i < to; i++) {
        CHECK_OK(history_add(history, key, 60000, i * 60000 + 17, base + (double)i, &err), &err);
    }
}

static void expect_range(History *history, int64_t key, int64_t from, int64_t to, double base) {
    Error err;
    uint32_t count = (uint32_t)(to - from);
    double *value = mem_alloc((count + 1) * sizeof *value);
    CHECK_OK(history_read(history, key, 60000, from * 60000, count, value, &err), &err);
    for (uint32_t i = 0; i < count; i++) CHECK(value[i] == base + (double)(from + i));
    mem_free(value);
}

TEST(history, points_are_there_after_an_end_without_warning) {
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err;
    History *history;
    CHECK_OK(history_open(dir, &history, &err), &err);
    add_range(history, 7, 0, 3000, 1);
    add_range(history, 8, 100, 200, 2);
    add_range(history, 7, 2500, 3000, 1);  // once more
    CHECK_OK(history_sync(history, &err), &err);
    add_range(history, 8, 200, 210, 2);  // not promised
    history_close(history);
    CHECK_OK(history_open(dir, &history, &err), &err);
    expect_range(history, 7, 0, 3000, 1);
    expect_range(history, 8, 100, 200, 2);
    int64_t first, last;
    CHECK(history_span(history, 7, &first, &last) && first == 0 && last == 2999 * 60000);
    CHECK(!history_span(history, 9, &first, &last));
    // Out of order, and late by days.
    add_range(history, 7, 5000, 5010, 1);
    add_range(history, 7, 4000, 4010, 1);
    add_range(history, 7, 2999, 3100, 1);
    CHECK_OK(history_sync(history, &err), &err);
    expect_range(history, 7, 0, 3100, 1);
    expect_range(history, 7, 4000, 4010, 1);
    history_close(history);
    CHECK_OK(history_open(dir, &history, &err), &err);
    expect_range(history, 7, 0, 3100, 1);
    expect_range(history, 7, 5000, 5010, 1);
    history_close(history);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

TEST(history, a_torn_journal_ends_where_it_is_torn) {
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err;
    History *history;
    Buf bytes = {0};
    CHECK_OK(history_open(dir, &history, &err), &err);
    add_range(history, 1, 0, 10, 0);
    CHECK_OK(history_sync(history, &err), &err);
    add_range(history, 1, 10, 20, 0);
    CHECK_OK(history_sync(history, &err), &err);
    history_close(history);
    Str path = str_printf(&arena, STR_FMT "/history/journal-00000001", STR_ARG(dir));
    CHECK_OK(os_read_file(path, &bytes, &err), &err);
    bytes.ptr[bytes.len - 5] ^= 1;
    CHECK_OK(os_write_file(path, buf_str(&bytes), &err), &err);
    CHECK_OK(history_open(dir, &history, &err), &err);
    expect_range(history, 1, 0, 10, 0);
    double value;
    CHECK_OK(history_read(history, 1, 60000, 10 * 60000, 1, &value, &err), &err);
    CHECK(isnan(value));
    history_close(history);
    buf_free(&bytes);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

// Values that do not pack: a million of them are eight megabytes.
static void add_noise(History *history, int64_t key, int64_t points) {
    Error err;
    for (int64_t i = 0; i < points; i++) {
        double value = (double)(hash_u64((uint64_t)(key * 100003 + i)) >> 11) * 0x1p-53;
        CHECK_OK(history_add(history, key, 60000, i * 60000, value, &err), &err);
    }
}

static bool noise_is_there(History *history, int64_t key, int64_t from, int64_t to) {
    Error err;
    uint32_t count = (uint32_t)(to - from);
    bool there = true;
    double *value = mem_alloc((count + 1) * sizeof *value);
    CHECK_OK(history_read(history, key, 60000, from * 60000, count, value, &err), &err);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = (uint64_t)(key * 100003 + from + i);
        there &= value[i] == (double)(hash_u64(at) >> 11) * 0x1p-53;
    }
    mem_free(value);
    return there;
}

static Status add_size(void *arg, Str name, Error *err) {
    OsStat stat;
    Arena arena = {0};
    int64_t *sum = arg;
    const char *dir = (const char *)(sum + 1);
    Str path = str_printf(&arena, "%s/history/" STR_FMT, dir, STR_ARG(name));
    Status st = os()->stat(path, &stat, err);
    if (!st && str_starts(name, STR("points-"))) *sum += stat.size;
    arena_clear(&arena);
    return st;
}

static int64_t bytes_on_disk(Str dir) {
    struct {
        int64_t sum;
        char dir[256];
    } at = {0};
    char path[300];
    Error err;
    (void)snprintf(at.dir, sizeof at.dir, STR_FMT, STR_ARG(dir));
    (void)snprintf(path, sizeof path, STR_FMT "/history", STR_ARG(dir));
    CHECK_OK(os()->list(str_c(path), add_size, &at, &err), &err);
    return at.sum;
}

TEST(history, what_is_forgotten_gives_its_room_back) {
    enum { METRICS = 10, POINTS = 1000000 };
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err;
    History *history;
    int64_t first, last, *key;
    CHECK_OK(history_open(dir, &history, &err), &err);
    for (int64_t m = 1; m <= METRICS; m++) add_noise(history, m, POINTS);
    CHECK_OK(history_sync(history, &err), &err);
    int64_t before = bytes_on_disk(dir);
    CHECK(before > 64 << 20);
    for (int64_t m = 1; m <= METRICS; m++) {
        if (m % 4) history_forget(history, m);
    }
    CHECK(history_trim(history, 4, (int64_t)600000 * 60000));
    CHECK(!history_span(history, 1, &first, &last));
    CHECK(history_span(history, 4, &first, &last) && first <= (int64_t)600000 * 60000 &&
          first > (int64_t)598000 * 60000 && last == (int64_t)(POINTS - 1) * 60000);
    CHECK_OK(history_compact(history, &err), &err);
    CHECK(bytes_on_disk(dir) < before / 2);
    CHECK(history_keys(history, &arena, &key) == METRICS / 4);
    CHECK(noise_is_there(history, 4, 600000, POINTS) && noise_is_there(history, 8, 0, POINTS));
    history_close(history);
    CHECK_OK(history_open(dir, &history, &err), &err);
    CHECK(noise_is_there(history, 4, 600000, POINTS) && noise_is_there(history, 8, 0, POINTS));
    history_close(history);
    unit_remove_dir(dir);
    arena_clear(&arena);
}
