// fuzz_pgvalue: PostgreSQL's binary values. The first byte chooses the type, the rest is the value.
// What is read must print, and an array must hold what it says.
#include "base/assert.h"
#include "connector/jdbc/jdbc_int.h"
#include "fuzz/fuzz.h"

static const Type *type_chosen(Arena *arena, unsigned char choice) {
    static const TypeKind KINDS[] = {TYPE_BOOLEAN, TYPE_TINYINT, TYPE_SMALLINT, TYPE_INT,
                                     TYPE_BIGINT,  TYPE_FLOAT,   TYPE_DOUBLE,   TYPE_VARCHAR,
                                     TYPE_DATE,    TYPE_TIME,    TYPE_VARBINARY};
    enum { COUNT = sizeof KINDS / sizeof *KINDS };
    uint32_t of = (choice & 0x7F) % (COUNT + 4);
    const Type *type = of < COUNT         ? type_of(KINDS[of], true)
                       : of == COUNT      ? type_decimal(arena, 38, 18, true)
                       : of == COUNT + 1  ? type_decimal(arena, 5, 0, true)
                       : of == COUNT + 2  ? type_timestamp(arena, 3, true)
                                          : type_timestamp_ltz(arena, 6, true);
    return choice & 0x80 ? type_array(arena, type, true) : type;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size || size > 1 << 16) return 0;
    Arena arena;
    arena_init(&arena);
    Vec *vec = vec_new(&arena, type_chosen(&arena, data[0]), 1);
    Error err = {0};
    Status st = pg_read(str_make((const char *)data + 1, size - 1), vec, 0, &err);
    ASSERT(st == ST_OK || err.message[0]);
    if (!st && vec->type->kind == TYPE_ARRAY && !vec_is_null(vec, 0)) {
        ListView view = vec_list(vec)[0];
        ASSERT(view.offset + view.count <= vec->child[0]->len);
    }
    arena_clear(&arena);
    return 0;
}
