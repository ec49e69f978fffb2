// Snapshots that another thread takes from under a worker's hands, which never waits for it.
//
// The thread copies a slab of rows whole, as fast as memory goes, and looks in its copy which rows
// are the snapshot's. A worker that is about to change such a row first takes the slab for itself,
// also from under the thread's hands, saves the row and marks it as saved (snapshot.c). A thread
// that finds its slab taken away throws its copy away and copies again: what it then may see half
// written are rows that are marked, which it passes over. So a row is saved by one of the two, as
// it was when the snapshot began, and the copying costs the worker what it shares of memory.
//
// Rows added since lie behind the end that the last slab had, in slabs that are born taken, or in
// blocks that were free, which are filled while the slab is claimed.
#include "state/memory.h"

// What a slab is to the snapshot under way. One that has been taken keeps the epoch of it, and so
// needs nothing done when the next one begins.
typedef enum SlabSweep {
    SLAB_FREE,     // nobody has it, and it has not been taken
    SLAB_CLAIMED,  // the worker saves or adds a row
    SLAB_READ,     // the thread copies it
    SLAB_TAKEN,    // in the lowest bits, above them the epoch
    SLAB_BITS = 2,
} SlabSweep;

static uint64_t taken(const StateTable *table) {
    return (uint64_t)table->backend->taking << SLAB_BITS | SLAB_TAKEN;
}

bool slab_claim(const StateTable *table, Slab *slab) {
    uint64_t now = atomic_load_explicit(&slab->sweep, memory_order_acquire), done = taken(table);
    do {
        if (now == done) return false;
    } while (!atomic_compare_exchange_weak(&slab->sweep, &now, SLAB_CLAIMED));
    return true;
}

void slab_release(Slab *slab) {
    atomic_store_explicit(&slab->sweep, SLAB_FREE, memory_order_release);
}

void slab_born(const StateTable *table, Slab *slab) {
    atomic_init(&slab->sweep, table->sweep.on ? taken(table) : SLAB_FREE);
}

void sweep_begin(StateTable *table) {
    Sweep *self = &table->sweep;
    self->next = table->slab;
    self->last = table->slab_last;
    self->last_end = table->slab_next;
    atomic_store(&self->under_way, 1);
}

void sweep_free(StateTable *table) {
    buf_free(&table->sweep.copy);
}

// The rows of the slab into [copy] while the worker may write there: of a slab that was claimed
// meanwhile it is worth nothing, and else rows that are half written are known. A loop, since a
// call to memcpy would be looked at by the thread sanitizer.
__attribute__((no_sanitize("thread")))
static void slab_read(const Slab *slab, const char *end, Buf *copy) {
    const uint64_t *from = (const uint64_t *)(const void *)(slab + 1);
    size_t count = (size_t)((const uint64_t *)(const void *)end - from);
    copy->len = 0;
    uint64_t *to = (uint64_t *)(void *)buf_reserve(copy, count * sizeof *to);
    for (size_t i = 0; i < count; i++) to[i] = from[i];
    copy->len = count * sizeof *to;
}

// Copies the slab and takes it; false: the worker was there just now.
static bool slab_take(const StateTable *table, Slab *slab, const char *end, Buf *copy) {
    uint64_t now = atomic_load(&slab->sweep), reading = SLAB_READ;
    if (now == SLAB_CLAIMED || !atomic_compare_exchange_strong(&slab->sweep, &now, SLAB_READ)) {
        return false;
    }
    slab_read(slab, end, copy);
    return atomic_compare_exchange_strong(&slab->sweep, &reading, taken(table));
}

static void put_rows(const StateTable *table, Buf *copy, Buf *out) {
    const StateBackend *backend = table->backend;
    RowsWriter to = {.out = out};
    for (size_t at = 0; at < copy->len;) {
        RowHead *row = (RowHead *)(void *)(copy->ptr + at);
        at += class_size(row->class);
        if (!(row->flags & ROW_LIVE) || row->saved == backend->taking) continue;
        if (row->changed < backend->floor || row->changed > backend->taking) continue;
        row_copy_put(&table->def, row_of(row), row->key_size, row->written_ms, &to);
    }
}

bool state_sweep(StateTable *table, Buf *out) {
    Sweep *self = &table->sweep;
    Slab *slab = out ? self->next : NULL;
    if (slab) {
        bool last = slab == self->last;
        // A worker that is there now is away in a moment.
        if (!slab_take(table, slab, last ? self->last_end : slab->end, &self->copy)) return true;
        put_rows(table, &self->copy, out);
        self->next = last ? NULL : slab->next;
        if (self->next) return true;
    }
    atomic_store(&self->under_way, 0);
    return false;
}
