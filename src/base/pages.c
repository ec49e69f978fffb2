#include "base/pages.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/sanitizer.h"

static size_t rounded(size_t size) {
    return (size + PAGE_LARGE - 1) & ~(size_t)(PAGE_LARGE - 1);
}

// A sanitizer looks into what it has given out, and nowhere else.
static bool is_worth(size_t size) {
    return size >= PAGES_WORTH && !SANITIZED_ADDRESS && !SANITIZED_THREAD;
}

void *pages_alloc(size_t size) {
    if (!is_worth(size)) return mem_zalloc(size);
    // The system gives any place: what lies before and behind the aligned part goes back.
    size_t want = rounded(size), more = want + PAGE_LARGE;
    char *map = mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        (void)fprintf(stderr, "weir: the system has no memory left (asked for %zu bytes)\n", size);
        abort();
    }
    size_t before = (size_t)-(uintptr_t)map & (PAGE_LARGE - 1), behind = PAGE_LARGE - before;
    if (before) (void)munmap(map, before);
    if (behind) (void)munmap(map + before + want, behind);
    (void)madvise(map + before, want, MADV_HUGEPAGE);  // a system without them has others
    return map + before;
}

void pages_free(void *ptr, size_t size) {
    if (!ptr) return;
    if (is_worth(size)) {
        (void)munmap(ptr, rounded(size));
    } else {
        mem_free(ptr);
    }
}
