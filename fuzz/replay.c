// fuzz/replay.c - gives each file named on the command line to a fuzz target, without libFuzzer: so
// that any compiler's build shows that past findings stay mended.
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

static uint8_t *read_whole(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    size_t cap = 1 << 16;
    uint8_t *bytes = malloc(cap);
    *size = 0;
    while (bytes) {
        *size += fread(bytes + *size, 1, cap - *size, file);
        if (*size < cap) break;
        cap *= 2;
        uint8_t *more = realloc(bytes, cap);
        if (!more) free(bytes);
        bytes = more;
    }
    if (bytes && ferror(file)) {
        free(bytes);
        bytes = NULL;
    }
    (void)fclose(file);
    // No byte behind the end, so that a sanitizer sees whoever reads there.
    return bytes ? realloc(bytes, *size ? *size : 1) : NULL;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        size_t size = 0;
        uint8_t *bytes = read_whole(argv[i], &size);
        if (!bytes) {
            printf("FAIL %s: cannot be read\n", argv[i]);
            return 1;
        }
        (void)LLVMFuzzerTestOneInput(bytes, size);
        free(bytes);
    }
    return 0;
}
