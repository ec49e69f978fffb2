// fuzz/fuzz_json_tree.c - base/json.h: any bytes parse or are refused, and what was parsed prints
// as a text that means the same: printing it, parsing that and printing again gives the same text.
#include "base/assert.h"
#include "base/json.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Arena arena;
    arena_init(&arena);
    JsonValue value, again;
    Error err;
    if (json_parse(&arena, str_make((const char *)bytes, size), 0, &value, NULL, &err) == ST_OK) {
        Buf once = {0}, twice = {0};
        json_print(&value, 0, &once);
        ASSERT(json_parse(&arena, buf_str(&once), 0, &again, NULL, &err) == ST_OK);
        json_print(&again, 0, &twice);
        ASSERT(str_eq(buf_str(&once), buf_str(&twice)));
        buf_free(&once);
        buf_free(&twice);
    }
    arena_clear(&arena);
    return 0;
}
