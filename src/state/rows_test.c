#include "state/rows.h"
#include "test/unit.h"

enum { ROWS = 6 };
static const int64_t TIMES[ROWS] = {1700000000000, 1700000000000, INT64_MIN, INT64_MIN, 0, -1};
// Around the sizes that need more than a byte.
static const uint32_t KEYS[ROWS] = {9, 0, 254, 255, 256, 70000};
static const uint32_t VALUES[ROWS] = {255, 254, 70000, 0, 1, 256};

static Str filled(Buf *buf, uint32_t size, char with) {
    buf->len = 0;
    for (uint32_t i = 0; i < size; i++) buf_putc(buf, (char)(with + (char)(i % 7)));
    return buf_str(buf);
}

static void write_all(RowsWriter *to) {
    Buf key = {0}, value = {0};
    for (uint32_t i = 0; i < ROWS; i++) {
        Str bytes = filled(&value, VALUES[i], 'A');
        rows_put(to, filled(&key, KEYS[i], 'a'), bytes, TIMES[i]);
    }
    buf_free(&key);
    buf_free(&value);
}

static void check_all(RowsReader *from) {
    Buf key = {0}, value = {0};
    for (uint32_t i = 0; i < ROWS; i++) {
        CHECK(rows_next(from));
        CHECK(str_eq(from->key, filled(&key, KEYS[i], 'a')));
        CHECK(str_eq(from->value, filled(&value, VALUES[i], 'A')));
        CHECK(from->written_ms == TIMES[i]);
    }
    buf_free(&key);
    buf_free(&value);
}

// What two writers have written may lie in one part, whatever the time of the row in between.
TEST(rows, are_read_as_they_were_written) {
    Buf bytes = {0};
    for (uint32_t i = 0; i < 2; i++) {
        RowsWriter to = {.out = &bytes};
        write_all(&to);
    }
    RowsReader from = rows_reader(buf_str(&bytes));
    check_all(&from);
    check_all(&from);
    CHECK(!rows_next(&from) && from.at == from.end);
    buf_free(&bytes);
}

// The second row of a millisecond has three bytes beside its key and its value.
TEST(rows, of_one_time_are_small) {
    Buf bytes = {0};
    RowsWriter to = {.out = &bytes};
    rows_put(&to, STR("key"), STR("value"), TIMES[0]);
    size_t first = bytes.len;
    rows_put(&to, STR("key"), STR("value"), TIMES[0]);
    CHECK(bytes.len - first == 3 + 3 + 5);
    buf_free(&bytes);
}

// Bytes that end anywhere are read up to the row that is not whole, and no further.
TEST(rows, cut_short_are_seen) {
    Buf bytes = {0};
    RowsWriter to = {.out = &bytes};
    rows_put(&to, STR("one"), STR("1"), TIMES[0]);
    size_t whole = bytes.len;
    Buf key = {0};
    rows_put(&to, filled(&key, 300, 'a'), STR("2"), TIMES[4]);
    for (size_t size = 0; size < bytes.len; size++) {
        // Their own memory, so that a sanitizer sees what is read behind them.
        char *copy = memcpy(mem_alloc(size), bytes.ptr, size);
        RowsReader from = rows_reader(str_make(copy, size));
        uint32_t rows = 0;
        while (rows_next(&from)) rows++;
        CHECK(rows == (size >= whole));
        CHECK((from.at == from.end) == (size == 0 || size == whole));
        mem_free(copy);
    }
    buf_free(&key);
    buf_free(&bytes);
}
