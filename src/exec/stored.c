#include "exec/stored.h"

#include <math.h>

#include "col/codec.h"

// ---- sort keys ---------------------------------------------------------------------------------

static void put_big_endian(Buf *out, uint64_t value, uint32_t size) {
    for (uint32_t i = size; i-- > 0;) buf_putc(out, (char)(value >> (8 * i)));
}

static void put_signed(Buf *out, int64_t value, uint32_t size) {
    put_big_endian(out, (uint64_t)value ^ (uint64_t)1 << (8 * size - 1), size);
}

// Zero bytes are escaped, so that the end, two zero bytes, sorts before everything longer.
static void put_text(Buf *out, Str text) {
    for (uint32_t i = 0; i < text.len; i++) {
        buf_putc(out, text.ptr[i]);
        if (!text.ptr[i]) buf_putc(out, (char)0xFF);
    }
    buf_putc(out, 0);
    buf_putc(out, 0);
}

static void put_double(Buf *out, double value) {
    uint64_t bits;
    if (value == 0) value = 0;  // -0.0 equals 0.0
    if (isnan(value)) value = (double)NAN;
    memcpy(&bits, &value, sizeof bits);
    bits = bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
    put_big_endian(out, isnan(value) ? UINT64_MAX : bits, 8);
}

static void put_value(Buf *out, const Vec *vec, uint32_t row) {
    switch (vec->phys) {
        case PHYS_NONE: return;
        case PHYS_U8: buf_putc(out, (char)vec_u8(vec)[row]); return;
        case PHYS_I8: put_signed(out, vec_i8(vec)[row], 1); return;
        case PHYS_I16: put_signed(out, vec_i16(vec)[row], 2); return;
        case PHYS_I32: put_signed(out, vec_i32(vec)[row], 4); return;
        case PHYS_I64: put_signed(out, vec_i64(vec)[row], 8); return;
        case PHYS_F32: put_double(out, (double)vec_f32(vec)[row]); return;
        case PHYS_F64: put_double(out, vec_f64(vec)[row]); return;
        case PHYS_I128: {
            i128 value = vec_i128(vec)[row];
            put_signed(out, (int64_t)(value >> 64), 8);
            put_big_endian(out, (uint64_t)value, 8);
            return;
        }
        case PHYS_TS:
            put_signed(out, vec_ts(vec)[row].ms, 8);
            put_signed(out, vec_ts(vec)[row].ns, 4);
            return;
        case PHYS_STR: put_text(out, vec_str(vec)[row]); return;
        case PHYS_LIST: {
            ListView view = vec_list(vec)[row];
            for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
                for (uint32_t c = 0; c < vec->type->child_count; c++) {
                    bool null = vec_is_null(vec->child[c], i);
                    buf_putc(out, null ? 1 : 2);
                    if (!null) put_value(out, vec->child[c], i);
                }
            }
            buf_putc(out, 0);
            return;
        }
        case PHYS_ROW:
            for (uint32_t c = 0; c < vec->type->child_count; c++) {
                bool null = vec_is_null(vec->child[c], row);
                buf_putc(out, null ? 1 : 2);
                if (!null) put_value(out, vec->child[c], row);
            }
            return;
    }
}

void sort_key_put(const OrderKey *order, uint32_t count, Vec *const *column, uint32_t row,
                  Buf *out) {
    for (uint32_t i = 0; i < count; i++) {
        const Vec *vec = column[order[i].column];
        bool null = vec_is_null(vec, row) || vec->phys == PHYS_NONE;
        buf_putc(out, null == order[i].nulls_first ? 0 : 1);
        if (null) continue;
        size_t from = out->len;
        put_value(out, vec, row);
        if (!order[i].descending) continue;
        for (size_t b = from; b < out->len; b++) out->ptr[b] = (char)~out->ptr[b];
    }
}

uint64_t sort_key_head(Str key) {
    uint64_t head = 0;
    memcpy(&head, key.ptr, key.len < sizeof head ? key.len : sizeof head);
    head = __builtin_bswap64(head);
    return head ? head : 1;
}

// ---- the pool ----------------------------------------------------------------------------------

// Slabs on huge pages (2 MiB, aligned, MADV_HUGEPAGE) were tried and were slower in a virtual
// machine: touching 400 MiB took 0.5 to 1 s instead of 0.2, and random reads gained nothing.
enum { ROW_SLAB_SIZE = 1 << 18, ROW_POOLED_MAX = 1024, ROW_STEP = 8 };

void row_pool_init(RowPool *pool, Budget *budget) {
    *pool = (RowPool){.budget = budget};
}

void row_pool_init_timed(RowPool *pool, Budget *budget) {
    *pool = (RowPool){.budget = budget, .timed = true};
}

void row_pool_clear(RowPool *pool) {
    for (uint32_t i = 0; i < pool->slab_count; i++) mem_free(pool->slab[i]);
    mem_free(pool->slab);
    buf_free(&pool->scratch);
    budget_release(pool->budget, pool->bytes);
    ASSERT(!pool->images);
    *pool = (RowPool){.budget = pool->budget, .timed = pool->timed};
}

static Status add_slab(RowPool *pool, size_t block, Error *err) {
    size_t size = block > ROW_SLAB_SIZE ? block : ROW_SLAB_SIZE;
    TRY(budget_charge(pool->budget, (int64_t)size, err));
    pool->bytes += (int64_t)size;
    if (pool->slab_count == pool->slab_cap) {
        pool->slab_cap = pool->slab_cap ? pool->slab_cap * 2 : 16;
        pool->slab = mem_realloc(pool->slab, pool->slab_cap * sizeof *pool->slab);
    }
    pool->slab_next = mem_alloc(size);
    pool->slab_end = pool->slab_next + size;
    pool->slab[pool->slab_count++] = pool->slab_next;
    return ST_OK;
}

// Steps of 8 bytes up to 1 KiB, then doubling: a class holds blocks of one size, so that a freed
// one fits the next row of its class.
static uint8_t class_of(size_t size, size_t *block) {
    uint32_t class = (uint32_t)((size + ROW_STEP - 1) / ROW_STEP);
    *block = (size_t)class * ROW_STEP;
    if (size <= ROW_POOLED_MAX) return (uint8_t)class;
    class = ROW_POOLED_MAX / ROW_STEP + 1;
    for (*block = ROW_POOLED_MAX * 2; *block < size; *block *= 2) class++;
    ASSERT(class < ROW_CLASSES);
    return (uint8_t)class;
}

// Rows that waited for an image: some of them, so that nobody waits for all.
static void free_waiting(RowPool *pool) {
    enum { AT_ONCE = 4 };
    for (uint32_t i = 0; i < AT_ONCE && pool->waiting && !pool->images; i++) {
        StoredRow *row = pool->waiting;
        pool->waiting = row->next;
        row->next = pool->free_block[row->class];
        pool->free_block[row->class] = row;
    }
}

// Room for a row of [size] bytes, head included.
static Status block_alloc(RowPool *pool, size_t size, StoredRow **out, Error *err) {
    size_t before = pool->timed ? sizeof *row_time(NULL) : 0, block;
    uint8_t class = class_of(size + before, &block);
    if (pool->waiting) free_waiting(pool);
    StoredRow *row = pool->free_block[class];
    if (row) {
        pool->free_block[class] = row->next;
    } else {
        if ((size_t)(pool->slab_end - pool->slab_next) < block) TRY(add_slab(pool, block, err));
        row = (StoredRow *)(void *)(pool->slab_next + before);
        pool->slab_next += block;
    }
    *row = (StoredRow){.class = class};
    if (before) *row_time(row) = 0;
    *out = row;
    return ST_OK;
}

Status row_store(RowPool *pool, const OrderKey *order, uint32_t order_count, Vec *const *column,
                 uint32_t count, uint32_t row, StoredRow **out, Error *err) {
    Buf *bytes = &pool->scratch;
    bytes->len = 0;
    sort_key_put(order, order_count, column, row, bytes);
    size_t key_size = bytes->len;
    for (uint32_t c = 0; c < count; c++) codec_put(column[c], row, bytes);
    StoredRow *made;
    TRY(block_alloc(pool, offsetof(StoredRow, bytes) + bytes->len, &made, err));
    made->key_size = (uint32_t)key_size;
    made->row_size = (uint32_t)(bytes->len - key_size);
    if (bytes->len) memcpy(made->bytes, bytes->ptr, bytes->len);
    *out = made;
    return ST_OK;
}

void row_free(RowPool *pool, StoredRow *row) {
    if (pool->images) {
        row->next = pool->waiting;
        pool->waiting = row;
        return;
    }
    free_waiting(pool);
    row->next = pool->free_block[row->class];
    pool->free_block[row->class] = row;
}

void row_load(const StoredRow *row, Vec *const *column, uint32_t count, uint32_t at) {
    const char *bytes = row->bytes + row->key_size;
    uint32_t texts = 0;
    for (uint32_t c = 0; c < count; c++) texts += column[c]->phys >= PHYS_STR;
    if (texts < 2) {
        for (uint32_t c = 0; c < count; c++) bytes = codec_get(bytes, column[c], at);
        return;
    }
    // One copy for all texts.
    bytes = memcpy(arena_alloc_aligned(column[0]->arena, row->row_size, 1), bytes, row->row_size);
    for (uint32_t c = 0; c < count; c++) bytes = codec_get_shared(bytes, column[c], at);
}

bool row_same(const StoredRow *a, const StoredRow *b) {
    return str_eq(row_bytes(a), row_bytes(b));
}

// ---- sorted rows -------------------------------------------------------------------------------

void sorted_free(SortedRows *rows) {
    for (uint32_t i = 0; i < rows->chunk_count; i++) mem_free(rows->chunk[i]);
    mem_free(rows->chunk);
    *rows = (SortedRows){0};
}

// The first chunk whose last row does not come before [key] (or, with [after], comes after it).
static uint32_t chunk_for(const SortedRows *rows, Str key, bool after) {
    uint32_t low = 0, high = rows->chunk_count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        const SortedChunk *chunk = rows->chunk[mid];
        int order = str_cmp(row_key(chunk->row[chunk->count - 1]), key);
        if (order < 0 || (after && order == 0)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static uint32_t index_in(const SortedChunk *chunk, Str key, bool after) {
    uint32_t low = 0, high = chunk->count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int order = str_cmp(row_key(chunk->row[mid]), key);
        if (order < 0 || (after && order == 0)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static void chunk_insert(SortedRows *rows, uint32_t at, SortedChunk *chunk) {
    if (rows->chunk_count == rows->chunk_cap) {
        rows->chunk_cap = rows->chunk_cap ? rows->chunk_cap * 2 : 4;
        rows->chunk = mem_realloc(rows->chunk, rows->chunk_cap * sizeof *rows->chunk);
    }
    memmove(rows->chunk + at + 1, rows->chunk + at, (rows->chunk_count - at) * sizeof *rows->chunk);
    rows->chunk[at] = chunk;
    chunk->epoch = rows->epoch;
    rows->chunk_count++;
}

static SortedChunk *chunk_grow(SortedChunk *chunk, uint32_t cap) {
    SortedChunk *grown = mem_realloc(chunk, sizeof *chunk + cap * sizeof *chunk->row);
    if (!chunk) grown->count = 0;
    if (!chunk) grown->left = false;
    grown->cap = (uint16_t)cap;
    return grown;
}

// The chunk, to be changed: a copy when an image has it.
static SortedChunk *chunk_own(SortedRows *rows, uint32_t at) {
    SortedChunk *chunk = rows->chunk[at];
    if (chunk->epoch == rows->epoch) return chunk;
    SortedChunk *own = chunk_grow(NULL, chunk->cap);
    own->count = chunk->count;
    own->epoch = rows->epoch;
    memcpy(own->row, chunk->row, chunk->count * sizeof *chunk->row);
    chunk->left = true;
    return rows->chunk[at] = own;
}

// The upper half of a full chunk moves to a new one behind it.
static void chunk_split(SortedRows *rows, uint32_t at) {
    SortedChunk *chunk = chunk_own(rows, at), *half = chunk_grow(NULL, SORTED_CHUNK);
    half->count = SORTED_CHUNK / 2;
    chunk->count -= half->count;
    memcpy(half->row, chunk->row + chunk->count, half->count * sizeof *half->row);
    chunk_insert(rows, at + 1, half);
}

SortedAt sorted_add(SortedRows *rows, StoredRow *row) {
    enum { CHUNK_FIRST = 4 };
    Str key = row_key(row);
    SortedAt at = {0, 0};
    if (!rows->chunk_count) {
        chunk_insert(rows, 0, chunk_grow(NULL, CHUNK_FIRST));
    } else {
        at.chunk = chunk_for(rows, key, true);
        if (at.chunk == rows->chunk_count) at.chunk--;  // behind everything
        at.index = index_in(rows->chunk[at.chunk], key, true);
    }
    if (rows->chunk[at.chunk]->count == SORTED_CHUNK) {
        chunk_split(rows, at.chunk);
        if (at.index > rows->chunk[at.chunk]->count) at.index -= rows->chunk[at.chunk++]->count;
    }
    SortedChunk *chunk = chunk_own(rows, at.chunk);
    if (chunk->count == chunk->cap) {
        chunk = rows->chunk[at.chunk] = chunk_grow(chunk, chunk->cap * 2);
    }
    memmove(chunk->row + at.index + 1, chunk->row + at.index,
            (chunk->count - at.index) * sizeof *chunk->row);
    chunk->row[at.index] = row;
    chunk->count++;
    rows->count++;
    return at;
}

void sorted_remove(SortedRows *rows, SortedAt at) {
    SortedChunk *chunk = chunk_own(rows, at.chunk);
    chunk->count--;
    rows->count--;
    memmove(chunk->row + at.index, chunk->row + at.index + 1,
            (chunk->count - at.index) * sizeof *chunk->row);
    if (chunk->count) return;
    mem_free(chunk);
    rows->chunk_count--;
    memmove(rows->chunk + at.chunk, rows->chunk + at.chunk + 1,
            (rows->chunk_count - at.chunk) * sizeof *rows->chunk);
    if (!rows->chunk_count) sorted_free(rows);
}

SortedAt sorted_first(const SortedRows *rows) {
    (void)rows;
    return (SortedAt){0, 0};
}

SortedAt sorted_find(const SortedRows *rows, Str key) {
    SortedAt at = {chunk_for(rows, key, false), 0};
    if (at.chunk < rows->chunk_count) at.index = index_in(rows->chunk[at.chunk], key, false);
    return at;
}

StoredRow *sorted_row(const SortedRows *rows, SortedAt at) {
    if (at.chunk >= rows->chunk_count || at.index >= rows->chunk[at.chunk]->count) return NULL;
    return rows->chunk[at.chunk]->row[at.index];
}

SortedAt sorted_next(const SortedRows *rows, SortedAt at) {
    if (++at.index < rows->chunk[at.chunk]->count) return at;
    return (SortedAt){at.chunk + 1, 0};
}

SortedAt sorted_prev(const SortedRows *rows, SortedAt at) {
    if (at.index) return (SortedAt){at.chunk, at.index - 1};
    return (SortedAt){at.chunk - 1, rows->chunk[at.chunk - 1]->count - 1};
}

SortedAt sorted_last_at(const SortedRows *rows) {
    ASSERT(rows->count);
    return (SortedAt){rows->chunk_count - 1, rows->chunk[rows->chunk_count - 1]->count - 1};
}

StoredRow *sorted_last(const SortedRows *rows) {
    return rows->count ? sorted_row(rows, sorted_last_at(rows)) : NULL;
}

uint32_t sorted_rank(const SortedRows *rows, SortedAt at) {
    uint32_t rank = at.index;
    for (uint32_t i = 0; i < at.chunk; i++) rank += rows->chunk[i]->count;
    return rank;
}

SortedAt sorted_at(const SortedRows *rows, uint32_t rank) {
    SortedAt at = {0, rank};
    while (at.chunk < rows->chunk_count && at.index >= rows->chunk[at.chunk]->count) {
        at.index -= rows->chunk[at.chunk++]->count;
    }
    return at;
}

// ---- images ------------------------------------------------------------------------------------

// To begin one costs a pointer for each chunk, and touches none of them.
void sorted_image_begin(SortedImage *image, SortedRows *rows, RowPool *pool) {
    sorted_image_end(image);
    *image = (SortedImage){.pool = pool, .count = rows->chunk_count, .epoch = ++rows->epoch};
    image->chunk = NEW_ARRAY(SortedChunk *, rows->chunk_count + 1);
    if (rows->chunk_count) {
        memcpy(image->chunk, rows->chunk, rows->chunk_count * sizeof *rows->chunk);
    }
    pool->images++;
}

// Lets go of the next chunk: it is the set's again, if that still has it.
static void image_drop(SortedImage *image) {
    SortedChunk *chunk = image->chunk[image->dropped++];
    if (chunk->left) {
        mem_free(chunk);
    } else {
        chunk->epoch = image->epoch;
    }
}

const SortedChunk *sorted_image_next(SortedImage *image) {
    if (image->dropped < image->at) image_drop(image);
    return image->at < image->count ? image->chunk[image->at++] : NULL;
}

void sorted_image_end(SortedImage *image) {
    if (!image->pool) return;
    while (image->dropped < image->count) image_drop(image);
    mem_free(image->chunk);
    image->pool->images--;
    *image = (SortedImage){0};
}
