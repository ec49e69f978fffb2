// fuzz_arrow: the reader of Arrow's RecordBatch messages, which a Python worker writes. The first
// byte chooses the columns, the rest is a message. What was read is written, and reads back the
// same.
#include "base/assert.h"
#include "col/arrow.h"
#include "fuzz/fuzz.h"

static const Type *columns_of(Arena *arena, uint8_t which) {
    static const Str NAMES[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    const Type *text = type_of(TYPE_VARCHAR, true), *number = type_of(TYPE_BIGINT, true);
    const Type *pair[] = {type_of(TYPE_INT, false), type_varchar(arena, 3, true)};
    const Type *row = type_row(arena, 2, pair, NAMES, true);
    const Type *sets[][3] = {
        {type_of(TYPE_BOOLEAN, true), type_decimal(arena, 20, 3, true), text},
        {type_timestamp(arena, 9, true), type_of(TYPE_DATE, false), type_time(arena, 3, true)},
        {type_array(arena, row, true), number, type_of(TYPE_VARBINARY, true)},
        {type_map(arena, text, type_array(arena, number, false), true), row,
         type_timestamp_ltz(arena, 1, true)},
    };
    return type_row(arena, 3, sets[which % 4], NAMES, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 1) return 0;
    Arena arena = {0};
    Vec **column, **again;
    uint32_t rows, count;
    Error err;
    const Type *row = columns_of(&arena, bytes[0]);
    Str message = str_make((const char *)bytes + 1, size - 1);
    if (!arrow_read_batch(message, row, &arena, &column, &rows, &err)) {
        Buf written = {0};
        Status st = arrow_write_batch((const Vec *const *)column, row->child_count, 0, rows,
                                      &written, &err);
        // Of nanoseconds the years are fewer than of milliseconds.
        if (!st) {
            ASSERT(!arrow_read_batch(buf_str(&written), row, &arena, &again, &count, &err));
            ASSERT(count == rows);
            for (uint32_t c = 0; c < row->child_count; c++) {
                for (uint32_t i = 0; i < rows; i++) {
                    ASSERT(vec_key_equal(column[c], i, again[c], i));
                }
            }
        }
        buf_free(&written);
    }
    arena_clear(&arena);
    return 0;
}
