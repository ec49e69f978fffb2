#include "col/bytes.h"

#include <string.h>

Status bytes_new(size_t cap, Budget *budget, Bytes **out, Error *err) {
    if (budget) TRY(budget_charge(budget, (int64_t)(cap + BYTES_PADDING), err));
    Bytes *bytes = NEW(Bytes);
    bytes->ptr = mem_alloc(cap + BYTES_PADDING);
    memset(bytes->ptr + cap, 0, BYTES_PADDING);
    bytes->cap = cap;
    bytes->budget = budget;
    atomic_init(&bytes->refs, 1);
    *out = bytes;
    return ST_OK;
}

Bytes *bytes_ref(Bytes *bytes) {
    atomic_fetch_add_explicit(&bytes->refs, 1, memory_order_relaxed);
    return bytes;
}

Bytes *bytes_unref(Bytes *bytes) {
    if (!bytes) return NULL;
    if (atomic_fetch_sub_explicit(&bytes->refs, 1, memory_order_acq_rel) != 1) return NULL;
    if (bytes->budget) budget_release(bytes->budget, (int64_t)(bytes->cap + BYTES_PADDING));
    mem_free(bytes->ptr);
    mem_free(bytes);
    return NULL;
}
