#include "base/pages.h"
#include "test/unit.h"

// Small or large, it is cleared to its last byte, and can be given back.
TEST(pages, are_clear) {
    static const size_t SIZE[] = {1, 4096, PAGES_WORTH - 1, PAGES_WORTH, PAGES_WORTH + 1};
    for (size_t i = 0; i < sizeof SIZE / sizeof *SIZE; i++) {
        char *bytes = pages_alloc(SIZE[i]);
        for (size_t at = 0; at < SIZE[i]; at += PAGE_LARGE) CHECK(bytes[at] == 0);
        CHECK(bytes[SIZE[i] - 1] == 0);
        memset(bytes, 1, SIZE[i]);
        pages_free(bytes, SIZE[i]);
    }
    pages_free(NULL, PAGES_WORTH);
}
