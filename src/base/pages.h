// base/pages.h - memory larger than any cache that is read at random: in pages of 2 MiB where the
// system has them. With those of 4 KiB, finding out where an address lies takes longer than the
// read itself, and more so when another thread streams through the caches that the page tables
// are in.
//
// What is small is not worth a page of its own: below PAGES_WORTH such memory is as any other.
#pragma once

#include <stddef.h>

enum { PAGE_LARGE = 2 << 20, PAGES_WORTH = 64 << 20 };

void *pages_alloc(size_t size);  // cleared, never NULL (base/mem.h)
void pages_free(void *ptr, size_t size);  // the same size; NULL is fine
