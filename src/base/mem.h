// base/mem.h - where memory comes from: plain blocks, arenas, and budgets.
//
// Four lifetimes, four arenas: statement (tree, plan), job (operators), batch, call (scratch).
// An arena goes whole, so what lies in it needs no destructor.
//
// Structure-sized memory (trees, plans, operators) is small and bounded by the text of a statement:
// when the system refuses it there is nothing sensible left to do and mem_alloc ends the process
// with a message. Whatever the *data* sizes (batches, state, buffers) is charged to a Budget first,
// which refuses with ST_OVER_BUDGET long before the system does.
#pragma once

#include <stdatomic.h>

#include "base/status.h"

void *mem_alloc(size_t size);  // never NULL, not cleared
void *mem_zalloc(size_t size);
void *mem_realloc(void *ptr, size_t size);
void mem_free(void *ptr);  // NULL is fine
char *mem_strdup(const char *text);

#define NEW(type) ((type *)mem_zalloc(sizeof(type)))
#define NEW_ARRAY(type, count) ((type *)mem_zalloc(sizeof(type) * (size_t)(count)))

// A limit on bytes, shared by threads. Budgets form a tree: a charge goes to all ancestors.
typedef struct Budget {
    struct Budget *parent;  // borrowed; NULL at the root
    const char *name;       // borrowed; an operator's, or of the root what it is: "the job"
    int64_t bytes_max;      // 0: no limit of its own
    _Atomic int64_t bytes;
    _Atomic int64_t bytes_peak;
    // For tests, of a root: the charge of this number is refused, counted from 1; 0: none is.
    int64_t refuse;
    _Atomic int64_t charges;
} Budget;

void budget_init(Budget *budget, Budget *parent, const char *name, int64_t bytes_max);
// Charges [bytes] or leaves everything as it was and answers ST_OVER_BUDGET, the error naming the
// budget and its size. Negative [bytes] release. Any thread.
NODISCARD Status budget_charge(Budget *budget, int64_t bytes, Error *err);
void budget_release(Budget *budget, int64_t bytes);

// A bump allocator. One thread at a time.
typedef struct ArenaChunk ArenaChunk;
typedef struct Arena {
    ArenaChunk *chunk;  // newest first
    char *next, *end;   // the free part of the newest chunk
    size_t chunk_size;  // of the next chunk; doubles up to a maximum
    size_t bytes;       // held from the system
} Arena;

void arena_init(Arena *arena);
void arena_clear(Arena *arena);  // frees all; the arena can be used again
void arena_reset(Arena *arena);  // as clear, but keeps the newest chunk for reuse
void *arena_alloc_slow(Arena *arena, size_t size, size_t align);

// [size] bytes aligned to [align] (a power of two), not cleared. Never NULL.
static inline void *arena_alloc_aligned(Arena *arena, size_t size, size_t align) {
    uintptr_t at = ((uintptr_t)arena->next + (align - 1)) & ~(uintptr_t)(align - 1);
    if (arena->next && at + size <= (uintptr_t)arena->end) {
        arena->next = (char *)(at + size);
        return (void *)at;
    }
    return arena_alloc_slow(arena, size, align);
}
static inline void *arena_alloc(Arena *arena, size_t size) {
    return arena_alloc_aligned(arena, size, 16);
}
void *arena_zalloc(Arena *arena, size_t size);
void *arena_dup(Arena *arena, const void *bytes, size_t size);
char *arena_printf(Arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define ARENA_NEW(arena, type) ((type *)arena_zalloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) \
    ((type *)arena_zalloc((arena), sizeof(type) * (size_t)(count)))
