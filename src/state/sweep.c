// Snapshots that another thread takes from under a worker's hands, which never waits for it.
//
// The thread copies a slab of rows whole, as fast as memory goes, and looks in its copy which rows
// are the snapshot's. One number says how many slabs it has taken, and so of every row whether it
// has been: rows know their slab, and slabs are taken in the order of their making. A worker that
// is about to change rows that have not been taken saves them and marks them as saved
// (snapshot.c), in a turn of its own: no slab is begun meanwhile, and one that the thread is at,
// when it has such a row, the worker takes away from it. A thread that finds its slab taken away
// throws its copy away and copies again: what it then may see half written are rows that are
// marked, which it passes over. So a row is saved by one of the two, as it was when the snapshot
// began, and the copying costs the worker what it shares of memory.
//
// Rows added since lie behind the end that the newest slab had, in slabs that were made since, or
// in blocks that were free, which are filled in a turn.
//
// The thread begins where the worker is. Keys often come in the order in which they came before, as
// those of devices that report in turn: then it goes before the worker, which has nothing to save.
#include "state/memory.h"

void sweep_begin(StateTable *table) {
    Sweep *self = &table->sweep;
    self->slabs = table->slab_count;
    self->first = self->recent;
    self->newest_end = table->slab_next;
    self->next = self->slabs ? table->slab[self->first] : NULL;
    self->oldest = self->slabs ? table->slab[0] : NULL;
    atomic_store(&self->at, 0);
}

void sweep_free(StateTable *table) {
    buf_free(&table->sweep.copy);
}

// ---- the worker's side -------------------------------------------------------------------------

// Either this sees that the thread reads a slab, or the thread sees this before it reads.
uint64_t sweep_enter(StateTable *table) {
    (void)atomic_exchange(&table->sweep.saving, 1);
    return atomic_load(&table->sweep.at);
}

void sweep_leave(StateTable *table) {
    atomic_store_explicit(&table->sweep.saving, 0, memory_order_release);
}

// When it cannot be taken away, it has been taken, or left alone.
uint64_t sweep_take_away(StateTable *table, uint64_t at) {
    uint64_t free = at & ~SWEEP_READS;
    return atomic_compare_exchange_strong(&table->sweep.at, &at, free) ? free : at;
}

// ---- the thread's ------------------------------------------------------------------------------

// The rows of the slab into [copy] while the worker may write there: of a slab that was taken away
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

// Copies the slab and takes it; false: the worker was there just now, and is away in a moment.
static bool slab_take(Sweep *self, const Slab *slab, const char *end) {
    if (atomic_load(&self->saving)) return false;
    uint64_t at = atomic_load(&self->at), reads = at | SWEEP_READS;
    atomic_store(&self->at, reads);
    bool mine = !atomic_load(&self->saving);
    if (mine) slab_read(slab, end, &self->copy);
    return atomic_compare_exchange_strong(&self->at, &reads, mine ? at + SWEEP_ONE : at) && mine;
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
    if (!out) atomic_store(&self->at, self->slabs * SWEEP_ONE);
    uint64_t taken = atomic_load(&self->at) / SWEEP_ONE;
    if (taken == self->slabs) return false;
    const Slab *slab = self->next;
    bool newest = self->first + taken + 1 == self->slabs;
    if (!slab_take(self, slab, newest ? self->newest_end : slab->end)) return true;
    put_rows(table, &self->copy, out);
    self->next = newest ? self->oldest : slab->next;
    return taken + 1 < self->slabs;
}
