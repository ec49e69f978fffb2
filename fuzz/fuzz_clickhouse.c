// fuzz_clickhouse: types as a server shows them (connector/clickhouse/clickhouse_type.c). A type
// that is read is written in a way that reads again as itself.
#include "base/assert.h"
#include "connector/clickhouse/clickhouse_int.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 12) return 0;
    Arena arena = {0};
    ChType type, again;
    Error err = {0};
    if (ch_type_read(&arena, str_make((const char *)data, size), &type, &err)) {
        ASSERT(err.message[0]);
    } else {
        ASSERT(ch_type_read(&arena, type.text, &again, &err) == ST_OK);
        ASSERT(str_eq(type.text, again.text) && type.kind == again.kind);
    }
    arena_clear(&arena);
    return 0;
}
