#include "base/mem.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/sanitizer.h"

_Noreturn void assert_failed(const char *what, const char *file, int line, const char *func) {
    (void)fprintf(stderr, "weir: broken promise: %s (%s:%d, %s)\n", what, file, line, func);
    abort();
}

static _Noreturn void mem_out(size_t size) {
    (void)fprintf(stderr, "weir: the system has no memory left (asked for %zu bytes)\n", size);
    abort();
}

void *mem_alloc(size_t size) {
    void *ptr = malloc(size ? size : 1);
    if (!ptr) mem_out(size);
    return ptr;
}

void *mem_zalloc(size_t size) {
    void *ptr = calloc(1, size ? size : 1);
    if (!ptr) mem_out(size);
    return ptr;
}

void *mem_realloc(void *ptr, size_t size) {
    void *grown = realloc(ptr, size ? size : 1);
    if (!grown) mem_out(size);
    return grown;
}

void mem_free(void *ptr) {
    free(ptr);
}

char *mem_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(size), text, size);
}

void budget_init(Budget *budget, Budget *parent, const char *name, int64_t bytes_max) {
    *budget = (Budget){.parent = parent, .name = name, .bytes_max = bytes_max};
}

static void budget_note_peak(Budget *budget, int64_t now) {
    int64_t peak = atomic_load_explicit(&budget->bytes_peak, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(
                             &budget->bytes_peak, &peak, now, memory_order_relaxed,
                             memory_order_relaxed)) {
    }
}

static Status refuse(const Budget *budget, const Budget *limit, int64_t bytes, Error *err) {
    int64_t own = atomic_load_explicit(&budget->bytes, memory_order_relaxed);
    (void)error_set(err, ST_OVER_BUDGET,
                    "memory limit of %" PRId64 " KiB reached: %s%s%s holds %" PRId64
                    " KiB and asks for %" PRId64 " KiB more",
                    limit->bytes_max >> 10, budget->parent ? "operator '" : "", budget->name,
                    budget->parent ? "'" : "", own >> 10, (bytes + 1023) >> 10);
    error_hint(err, "raise --memory, let state expire ('table.exec.state.ttl'), or keep it on disk "
                    "(SET 'state.backend.type' = 'rocksdb')");
    return ST_OVER_BUDGET;
}

Status budget_charge(Budget *budget, int64_t bytes, Error *err) {
    for (Budget *at = budget; at; at = at->parent) {
        int64_t now =
            atomic_fetch_add_explicit(&at->bytes, bytes, memory_order_relaxed) + bytes;
        bool over = bytes > 0 && at->bytes_max > 0 && now > at->bytes_max;
        if (at->refuse) over |= atomic_fetch_add(&at->charges, 1) + 1 == at->refuse;
        if (over) {
            for (Budget *undo = budget;; undo = undo->parent) {
                atomic_fetch_sub_explicit(&undo->bytes, bytes, memory_order_relaxed);
                if (undo == at) break;
            }
            return refuse(budget, at, bytes, err);
        }
        budget_note_peak(at, now);
    }
    return ST_OK;
}

void budget_release(Budget *budget, int64_t bytes) {
    for (Budget *at = budget; at; at = at->parent) {
        atomic_fetch_sub_explicit(&at->bytes, bytes, memory_order_relaxed);
    }
}

struct ArenaChunk {
    ArenaChunk *older;
    size_t size;  // of the whole block, this header included
};

enum { ARENA_CHUNK_FIRST = 4096, ARENA_CHUNK_MAX = 1 << 20 };

// Batches come and go some thousand times a second, each with an arena of the same size. Going to
// the system for them costs page faults (a third of the time of decoding CSV), so each thread keeps
// chunks that it has freed, by size class: four classes to a doubling, so that rounding up wastes
// at most a fifth. Sanitizers must see every chunk come and go, and get no cache.
enum {
    CHUNK_SHIFT_MIN = 12,
    CHUNK_SHIFT_MAX = 21,
    CHUNK_CLASSES = (CHUNK_SHIFT_MAX - CHUNK_SHIFT_MIN) * 4 + 1,
    CHUNK_CACHE_MAX = 4 << 20,  // bytes a thread keeps: two or three batches of many columns
};

#define CHUNK_CACHE (!SANITIZED_ADDRESS && !SANITIZED_THREAD)

typedef struct ChunkCache {
    ArenaChunk *free[CHUNK_CLASSES];
    size_t bytes;
    bool known;  // to the key's destructor
} ChunkCache;

static _Thread_local ChunkCache chunk_cache;
static pthread_key_t chunk_cache_key;
static pthread_once_t chunk_cache_once = PTHREAD_ONCE_INIT;

static void chunk_cache_clear(void *arg) {
    ChunkCache *cache = arg;
    for (int i = 0; i < CHUNK_CLASSES; i++) {
        for (ArenaChunk *chunk = cache->free[i], *older; chunk; chunk = older) {
            older = chunk->older;
            mem_free(chunk);
        }
    }
    *cache = (ChunkCache){.bytes = CHUNK_CACHE_MAX};  // the thread is going: keep nothing more
}

static void chunk_cache_make_key(void) {
    (void)pthread_key_create(&chunk_cache_key, chunk_cache_clear);
}

// The smallest class of at least [size] bytes, or -1 beyond the largest; *size becomes the class's.
static int chunk_class(size_t *size) {
    if (*size <= (size_t)1 << CHUNK_SHIFT_MIN) return *size = (size_t)1 << CHUNK_SHIFT_MIN, 0;
    if (*size > (size_t)1 << CHUNK_SHIFT_MAX) return -1;
    int shift = 63 - __builtin_clzll(*size - 1);  // 2^shift < size <= 2^(shift + 1)
    size_t step = (size_t)1 << (shift - 2);
    size_t steps = (*size - ((size_t)1 << shift) + step - 1) / step;  // 1..4
    *size = ((size_t)1 << shift) + steps * step;
    return (shift - CHUNK_SHIFT_MIN) * 4 + (int)steps;
}

// A chunk of at least [size] bytes; its size is set.
static ArenaChunk *chunk_take(size_t size) {
    ChunkCache *cache = &chunk_cache;
    int class = CHUNK_CACHE ? chunk_class(&size) : -1;
    ArenaChunk *chunk = class < 0 ? NULL : cache->free[class];
    if (chunk) {
        cache->free[class] = chunk->older;
        cache->bytes -= size;
        return chunk;
    }
    chunk = mem_alloc(size);
    chunk->size = size;
    return chunk;
}

static void chunk_give(ArenaChunk *chunk) {
    ChunkCache *cache = &chunk_cache;
    size_t size = chunk->size;
    int class = CHUNK_CACHE ? chunk_class(&size) : -1;
    if (class < 0 || cache->bytes + size > CHUNK_CACHE_MAX) {
        mem_free(chunk);
        return;
    }
    if (!cache->known) {
        cache->known = true;
        (void)pthread_once(&chunk_cache_once, chunk_cache_make_key);
        (void)pthread_setspecific(chunk_cache_key, cache);
    }
    chunk->older = cache->free[class];
    cache->free[class] = chunk;
    cache->bytes += size;
}

void arena_init(Arena *arena) {
    *arena = (Arena){0};
}

void arena_clear(Arena *arena) {
    for (ArenaChunk *chunk = arena->chunk, *older; chunk; chunk = older) {
        older = chunk->older;
        chunk_give(chunk);
    }
    *arena = (Arena){0};
}

void arena_reset(Arena *arena) {
    ArenaChunk *kept = arena->chunk;
    if (!kept) return;
    for (ArenaChunk *chunk = kept->older, *older; chunk; chunk = older) {
        older = chunk->older;
        chunk_give(chunk);
    }
    kept->older = NULL;
    arena->next = (char *)(kept + 1);
    arena->end = (char *)kept + kept->size;
    arena->bytes = kept->size;
}

void *arena_alloc_slow(Arena *arena, size_t size, size_t align) {
    size_t want = arena->chunk_size ? arena->chunk_size : ARENA_CHUNK_FIRST;
    if (want < ARENA_CHUNK_MAX) arena->chunk_size = want * 2;
    size_t need = sizeof(ArenaChunk) + size + align;
    if (want < need) want = need;
    ArenaChunk *chunk = chunk_take(want);
    want = chunk->size;
    chunk->older = arena->chunk;
    arena->chunk = chunk;
    arena->bytes += want;
    arena->next = (char *)(chunk + 1);
    arena->end = (char *)chunk + want;
    uintptr_t at = ((uintptr_t)arena->next + (align - 1)) & ~(uintptr_t)(align - 1);
    arena->next = (char *)(at + size);
    ASSERT(arena->next <= arena->end);
    return (void *)at;
}

void *arena_zalloc(Arena *arena, size_t size) {
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_dup(Arena *arena, const void *bytes, size_t size) {
    void *copy = arena_alloc(arena, size);
    if (size) memcpy(copy, bytes, size);
    return copy;
}

char *arena_printf(Arena *arena, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    ASSERT(len >= 0);
    char *text = arena_alloc_aligned(arena, (size_t)len + 1, 1);
    (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text;
}
