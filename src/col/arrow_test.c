#include "col/arrow.h"

#include "test/unit.h"

enum { ROWS = 70 };  // more than a word of a bitmap

static void fill_list(Vec *vec, uint32_t row, uint32_t count);

// Some value for row [row]; every seventh is NULL where it may be.
static void fill(Vec *vec, uint32_t row) {
    if (vec->type->nullable && row % 7 == 3) {
        vec_set_null(vec, row);
        return;
    }
    switch (vec->phys) {
        case PHYS_STR: vec_set_text(vec, row, row % 5 ? STR("wéir") : STR("")); break;
        case PHYS_TS:
            vec_ts(vec)[row] = (Timestamp){.ms = 1000 * (int64_t)row - 20001, .ns = 456000};
            break;
        case PHYS_U8: vec_u8(vec)[row] = row % 3 == 0; break;
        case PHYS_F32: vec_f32(vec)[row] = (float)row / 3; break;
        case PHYS_F64: vec_f64(vec)[row] = -(double)row / 3; break;
        case PHYS_I128: vec_i128(vec)[row] = (i128)-1234567890123456789 * row; break;
        case PHYS_LIST: fill_list(vec, row, row % 4); break;
        case PHYS_ROW:
            for (uint32_t c = 0; c < vec->type->child_count; c++) fill(vec->child[c], row);
            break;
        default: vec_set_integer(vec, row, vec->type->kind == TYPE_TIME ? row : row - 35); break;
    }
}

static void fill_list(Vec *vec, uint32_t row, uint32_t count) {
    uint32_t at = vec_list_begin(vec, row, count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < vec->type->child_count; c++) fill(vec->child[c], at + i);
    }
}

static const Type *all_types(Arena *arena) {
    static const Str NAMES[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}, {"f", 1},
                                {"g", 1}, {"h", 1}, {"i", 1}, {"j", 1}, {"k", 1}, {"l", 1},
                                {"m", 1}, {"n", 1}, {"o", 1}, {"p", 1}, {"q", 1}};
    const Type *text = type_of(TYPE_VARCHAR, true), *whole = type_of(TYPE_INT, false);
    const Type *pair[2] = {text, type_of(TYPE_BIGINT, true)};
    const Type *row = type_row(arena, 2, pair, NAMES, true);
    const Type *child[] = {
        type_of(TYPE_BOOLEAN, true),
        type_of(TYPE_TINYINT, true),
        type_of(TYPE_SMALLINT, false),
        type_of(TYPE_INT, true),
        type_of(TYPE_BIGINT, true),
        type_of(TYPE_FLOAT, true),
        type_of(TYPE_DOUBLE, true),
        type_decimal(arena, 30, 5, true),
        text,
        type_of(TYPE_VARBINARY, true),
        type_of(TYPE_DATE, true),
        type_of(TYPE_TIME, true),
        type_timestamp(arena, 3, true),
        type_timestamp(arena, 9, true),
        type_timestamp_ltz(arena, 6, true),
        type_array(arena, type_map(arena, whole, row, true), true),
        row,
    };
    return type_row(arena, sizeof child / sizeof *child, child, NAMES, false);
}

TEST(arrow, every_type_comes_back) {
    Arena arena = {0};
    Buf message = {0};
    Error err;
    const Type *row = all_types(&arena);
    Vec **column = ARENA_ARRAY(&arena, Vec *, row->child_count), **back;
    for (uint32_t c = 0; c < row->child_count; c++) {
        CHECK_OK(arrow_check_type(row->child[c], &err), &err);
        column[c] = vec_new(&arena, row->child[c], ROWS);
        for (uint32_t i = 0; i < ROWS; i++) fill(column[c], i);
    }
    for (uint32_t first = 0; first < 3; first++) {
        uint32_t rows;
        message.len = 0;
        CHECK_OK(arrow_write_batch((const Vec *const *)column, row->child_count, first,
                                   ROWS - first, &message, &err),
                 &err);
        CHECK(message.len % 8 == 0);
        CHECK_OK(arrow_read_batch(buf_str(&message), row, &arena, &back, &rows, &err), &err);
        CHECK(rows == ROWS - first);
        for (uint32_t c = 0; c < row->child_count; c++) {
            for (uint32_t i = 0; i < rows; i++) {
                CHECK(vec_key_equal(back[c], i, column[c], first + i));
            }
        }
    }
    // Cut anywhere, or with any byte of the metadata changed, it is refused or read, and no more.
    uint32_t read = 0;
    for (uint32_t cut = 0; cut < message.len; cut++) {
        uint32_t rows;
        read += !arrow_read_batch((Str){message.ptr, cut}, row, &arena, &back, &rows, &err);
        char was = message.ptr[cut];
        message.ptr[cut] = (char)(was ^ (cut % 2 ? 0x80 : 0xFF));
        read += !arrow_read_batch(buf_str(&message), row, &arena, &back, &rows, &err);
        message.ptr[cut] = was;
        arena_reset(&arena);
        row = all_types(&arena);
    }
    CHECK(read < 2 * message.len);
    buf_free(&message);
    arena_clear(&arena);
}

static const char *why_not(const Type *type, Vec *vec, const Type *read_as) {
    static Error err;
    Arena arena = {0};
    Buf message = {0};
    uint32_t rows;
    Vec **back;
    Str name = STR("x");
    const Type *row = type_row(&arena, 1, read_as ? &read_as : &type, &name, false);
    err.message[0] = 0;
    Status st = arrow_write_batch((const Vec *const *)&vec, 1, 0, vec->len, &message, &err);
    if (!st) st = arrow_read_batch(buf_str(&message), row, &arena, &back, &rows, &err);
    CHECK(st);
    buf_free(&message);
    arena_clear(&arena);
    return err.message;
}

TEST(arrow, values_that_cannot_be_are_refused) {
    Arena arena = {0};
    const Type *nanos = type_timestamp(&arena, 9, true), *whole = type_of(TYPE_INT, true);
    Vec *vec = vec_new(&arena, nanos, 1);
    vec_ts(vec)[0].ms = 253402300799999;  // the last of 9999
    CHECK(strstr(why_not(nanos, vec, NULL), "a TIMESTAMP(9) is outside of the years"));
    vec = vec_new(&arena, whole, 1);
    vec_i32(vec)[0] = INT32_MAX;
    CHECK_STR(why_not(whole, vec, type_of(TYPE_DATE, true)), "a value is no DATE");
    CHECK_STR(why_not(whole, vec, type_of(TYPE_TIME, true)), "a value is no TIME(0)");
    CHECK(strstr(why_not(whole, vec, type_of(TYPE_BIGINT, true)), "torn"));
    vec_set_null(vec, 0);
    CHECK(strstr(why_not(whole, vec, type_of(TYPE_INT, false)), "NOT NULL"));
    vec = vec_new(&arena, type_of(TYPE_VARBINARY, true), 1);
    vec_set_text(vec, 0, STR("\xff\xfe"));
    CHECK_STR(why_not(vec->type, vec, type_of(TYPE_VARCHAR, true)), "a text is not UTF-8");
    CHECK_STR(why_not(vec->type, vec, type_varbinary(&arena, 1, true)),
              "a value is no VARBINARY(1)");
    vec = vec_new(&arena, type_decimal(&arena, 9, 2, true), 1);
    vec_i128(vec)[0] = 100000;
    CHECK_STR(why_not(vec->type, vec, type_decimal(&arena, 5, 2, true)),
              "a value is no DECIMAL(5, 2)");
    arena_clear(&arena);
}
