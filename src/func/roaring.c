#include "func/roaring.h"

#include "base/assert.h"

// ---- parts --------------------------------------------------------------------------------------

static size_t part_bytes(const RoaringPart *part) {
    return part->cap ? part->cap * sizeof *part->array : ROARING_WORDS * sizeof *part->bits;
}

static void part_free(Roaring *set, RoaringPart *part) {
    set->bytes -= part_bytes(part);
    mem_free(part->array);
}

void roaring_free(Roaring *set) {
    for (uint32_t i = 0; i < set->count; i++) mem_free(set->part[i].array);
    mem_free(set->part);
    *set = (Roaring){0};
}

// Opens a place for a part at index [at].
static RoaringPart *part_insert(Roaring *set, uint32_t at, uint16_t key) {
    if (set->count == set->cap) {
        uint32_t cap = set->cap ? set->cap * 2 : 1;
        set->part = mem_realloc(set->part, cap * sizeof *set->part);
        set->bytes += (cap - set->cap) * sizeof *set->part;
        set->cap = cap;
    }
    memmove(set->part + at + 1, set->part + at, (set->count - at) * sizeof *set->part);
    set->count++;
    set->part[at] = (RoaringPart){.key = key};
    return &set->part[at];
}

static void part_make_array(Roaring *set, RoaringPart *part, uint32_t cap) {
    part->cap = cap ? cap : 1;
    part->array = mem_alloc(part->cap * sizeof *part->array);
    set->bytes += part_bytes(part);
}

static void part_make_bits(Roaring *set, RoaringPart *part) {
    part->cap = 0;
    part->bits = NEW_ARRAY(uint64_t, ROARING_WORDS);
    set->bytes += part_bytes(part);
}

static void bits_of_array(const RoaringPart *part, uint64_t *bits) {
    for (uint32_t i = 0; i < part->count; i++) {
        bits[part->array[i] >> 6] |= (uint64_t)1 << (part->array[i] & 63);
    }
}

static uint32_t array_of_bits(const uint64_t *bits, uint16_t *array) {
    uint32_t count = 0;
    for (uint32_t w = 0; w < ROARING_WORDS; w++) {
        for (uint64_t word = bits[w]; word; word &= word - 1) {
            array[count++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(word));
        }
    }
    return count;
}

// The index of the first part whose key is not below [key].
static uint32_t part_place(const Roaring *set, uint16_t key) {
    uint32_t low = 0, high = set->count;
    if (high && set->part[high - 1].key < key) return high;  // the common case: rising numbers
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (set->part[mid].key < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static uint32_t array_place(const RoaringPart *part, uint16_t value) {
    uint32_t low = 0, high = part->count;
    if (high && part->array[high - 1] < value) return high;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (part->array[mid] < value) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static void array_add(Roaring *set, RoaringPart *part, uint16_t value) {
    uint32_t at = array_place(part, value);
    if (at < part->count && part->array[at] == value) return;
    if (part->count == ROARING_ARRAY_MAX) {
        RoaringPart bits = {.key = part->key, .count = part->count + 1};
        part_make_bits(set, &bits);
        bits_of_array(part, bits.bits);
        bits.bits[value >> 6] |= (uint64_t)1 << (value & 63);
        part_free(set, part);
        *part = bits;
        return;
    }
    if (part->count == part->cap) {
        set->bytes += part->cap * sizeof *part->array;
        part->cap *= 2;
        part->array = mem_realloc(part->array, part->cap * sizeof *part->array);
    }
    memmove(part->array + at + 1, part->array + at, (part->count - at) * sizeof *part->array);
    part->array[at] = value;
    part->count++;
}

void roaring_add(Roaring *set, uint32_t value) {
    uint16_t key = (uint16_t)(value >> 16), low = (uint16_t)value;
    uint32_t at = part_place(set, key);
    RoaringPart *part;
    if (at == set->count || set->part[at].key != key) {
        part = part_insert(set, at, key);
        part_make_array(set, part, 4);
    }
    part = &set->part[at];
    if (part->cap) {
        array_add(set, part, low);
    } else if (!(part->bits[low >> 6] >> (low & 63) & 1)) {
        part->bits[low >> 6] |= (uint64_t)1 << (low & 63);
        part->count++;
    }
}

uint64_t roaring_count(const Roaring *set) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < set->count; i++) count += set->part[i].count;
    return count;
}

bool roaring_next(const Roaring *set, RoaringAt *at, uint32_t *value) {
    for (; at->part < set->count; *at = (RoaringAt){at->part + 1, 0}) {
        const RoaringPart *part = &set->part[at->part];
        uint32_t high = (uint32_t)part->key << 16;
        if (part->cap) {
            if (at->index == part->count) continue;
            *value = high | part->array[at->index++];
            return true;
        }
        for (uint32_t w = at->index / 64; w < ROARING_WORDS; w++) {
            uint64_t word = part->bits[w];
            if (w == at->index / 64) word &= ~(uint64_t)0 << (at->index % 64);
            if (!word) continue;
            uint32_t low = w * 64 + (uint32_t)__builtin_ctzll(word);
            at->index = low + 1;
            *value = high | low;
            return true;
        }
    }
    return false;
}

// ---- set operations -----------------------------------------------------------------------------

// Appends a part of the numbers set in [bits], in the kind that suits their count.
static void part_append_bits(Roaring *out, uint16_t key, const uint64_t *bits) {
    uint32_t count = 0;
    for (uint32_t w = 0; w < ROARING_WORDS; w++) count += (uint32_t)__builtin_popcountll(bits[w]);
    if (!count) return;
    RoaringPart *part = part_insert(out, out->count, key);
    part->count = count;
    if (count > ROARING_ARRAY_MAX) {
        part_make_bits(out, part);
        memcpy(part->bits, bits, ROARING_WORDS * sizeof *bits);
    } else {
        part_make_array(out, part, count);
        (void)array_of_bits(bits, part->array);
    }
}

static void part_append_array(Roaring *out, uint16_t key, const uint16_t *array, uint32_t count) {
    if (!count) return;
    RoaringPart *part = part_insert(out, out->count, key);
    part->count = count;
    part_make_array(out, part, count);
    memcpy(part->array, array, count * sizeof *array);
}

static void part_append_copy(Roaring *out, const RoaringPart *part) {
    if (part->cap) {
        part_append_array(out, part->key, part->array, part->count);
    } else {
        part_append_bits(out, part->key, part->bits);
    }
}

// Merges two sorted arrays; [only_a], [both], [only_b] say which numbers the result takes.
static uint32_t merge_arrays(const RoaringPart *a, const RoaringPart *b, RoaringOp op,
                             uint16_t *out) {
    bool only_a = op != ROARING_AND, both = op == ROARING_AND || op == ROARING_OR;
    bool only_b = op == ROARING_OR || op == ROARING_XOR;
    uint32_t count = 0, i = 0, j = 0;
    while (i < a->count && j < b->count) {
        if (a->array[i] < b->array[j]) {
            if (only_a) out[count++] = a->array[i];
            i++;
        } else if (a->array[i] > b->array[j]) {
            if (only_b) out[count++] = b->array[j];
            j++;
        } else {
            if (both) out[count++] = a->array[i];
            i++, j++;
        }
    }
    while (only_a && i < a->count) out[count++] = a->array[i++];
    while (only_b && j < b->count) out[count++] = b->array[j++];
    return count;
}

static const uint64_t *part_as_bits(const RoaringPart *part, uint64_t *room) {
    if (!part->cap) return part->bits;
    memset(room, 0, ROARING_WORDS * sizeof *room);
    bits_of_array(part, room);
    return room;
}

static void combine_parts(const RoaringPart *a, const RoaringPart *b, RoaringOp op, Roaring *out) {
    if (a->cap && b->cap && a->count + b->count <= ROARING_ARRAY_MAX) {
        uint16_t merged[ROARING_ARRAY_MAX];
        part_append_array(out, a->key, merged, merge_arrays(a, b, op, merged));
        return;
    }
    uint64_t a_room[ROARING_WORDS], b_room[ROARING_WORDS], result[ROARING_WORDS];
    const uint64_t *x = part_as_bits(a, a_room), *y = part_as_bits(b, b_room);
    for (uint32_t w = 0; w < ROARING_WORDS; w++) {
        result[w] = op == ROARING_AND   ? x[w] & y[w]
                    : op == ROARING_OR  ? x[w] | y[w]
                    : op == ROARING_XOR ? x[w] ^ y[w]
                                        : x[w] & ~y[w];
    }
    part_append_bits(out, a->key, result);
}

void roaring_combine(const Roaring *a, const Roaring *b, RoaringOp op, Roaring *out) {
    ASSERT(out->count == 0);
    uint32_t i = 0, j = 0;
    while (i < a->count || j < b->count) {
        if (j == b->count || (i < a->count && a->part[i].key < b->part[j].key)) {
            if (op != ROARING_AND) part_append_copy(out, &a->part[i]);
            i++;
        } else if (i == a->count || a->part[i].key > b->part[j].key) {
            if (op == ROARING_OR || op == ROARING_XOR) part_append_copy(out, &b->part[j]);
            j++;
        } else {
            combine_parts(&a->part[i++], &b->part[j++], op, out);
        }
    }
}

// ---- the portable format ------------------------------------------------------------------------
// https://github.com/RoaringBitmap/RoaringFormatSpec: a cookie with the number of parts; with runs,
// a bit for each part that is one; key and count - 1 of each part; their offsets, unless there are
// runs and fewer than four parts; the parts.

enum { COOKIE_PLAIN = 12346, COOKIE_RUNS = 12347, OFFSETS_FROM = 4, PARTS_MAX = 65536 };

typedef struct Reader {
    const uint8_t *at, *end;
    bool failed;
} Reader;

static uint32_t read_u16(Reader *in) {
    if (in->end - in->at < 2) {
        in->failed = true;
        return 0;
    }
    uint32_t value = (uint32_t)in->at[0] | (uint32_t)in->at[1] << 8;
    in->at += 2;
    return value;
}

static uint32_t read_u32(Reader *in) {
    uint32_t low = read_u16(in);
    return low | read_u16(in) << 16;
}

static const uint8_t *read_bytes(Reader *in, size_t size) {
    if ((size_t)(in->end - in->at) < size) {
        in->failed = true;
        return NULL;
    }
    const uint8_t *bytes = in->at;
    in->at += size;
    return bytes;
}

static void read_runs(Reader *in, uint16_t key, Roaring *out) {
    uint64_t bits[ROARING_WORDS] = {0};
    uint32_t runs = read_u16(in);
    for (uint32_t r = 0; r < runs && !in->failed; r++) {
        uint32_t from = read_u16(in), to = from + read_u16(in);
        if (to > 65535) in->failed = true;
        for (uint32_t v = from; v <= to && !in->failed; v++) {
            bits[v >> 6] |= (uint64_t)1 << (v & 63);
        }
    }
    if (!in->failed) part_append_bits(out, key, bits);
}

static void read_part(Reader *in, uint16_t key, uint32_t count, Roaring *out) {
    uint64_t bits[ROARING_WORDS] = {0};
    if (count > ROARING_ARRAY_MAX) {
        const uint8_t *bytes = read_bytes(in, sizeof bits);
        if (bytes) memcpy(bits, bytes, sizeof bits);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t value = read_u16(in);
            bits[value >> 6] |= (uint64_t)1 << (value & 63);
        }
    }
    if (!in->failed) part_append_bits(out, key, bits);
}

bool roaring_read(Str bytes, Roaring *out) {
    *out = (Roaring){0};
    Reader in = {.at = (const uint8_t *)bytes.ptr, .end = (const uint8_t *)str_end(bytes)};
    uint32_t cookie = read_u32(&in), parts = 0;
    const uint8_t *runs = NULL;
    if ((cookie & 0xFFFF) == COOKIE_RUNS) {
        parts = (cookie >> 16) + 1;
        runs = read_bytes(&in, (parts + 7) / 8);
    } else if (cookie == COOKIE_PLAIN) {
        parts = read_u32(&in);
    } else {
        return false;
    }
    if (in.failed || parts > PARTS_MAX) return false;
    const uint8_t *heads = read_bytes(&in, (size_t)parts * 4);
    if (!runs || parts >= OFFSETS_FROM) (void)read_bytes(&in, (size_t)parts * 4);
    Reader head = {.at = heads, .end = heads ? heads + (size_t)parts * 4 : NULL};
    int32_t before = -1;
    for (uint32_t i = 0; i < parts && !in.failed; i++) {
        uint16_t key = (uint16_t)read_u16(&head);
        uint32_t count = read_u16(&head) + 1;
        if (key <= before) in.failed = true;
        before = key;
        if (in.failed) break;
        if (runs && (runs[i / 8] >> (i % 8) & 1)) {
            read_runs(&in, key, out);
        } else {
            read_part(&in, key, count, out);
        }
    }
    if (in.failed) roaring_free(out);
    return !in.failed;
}

static void put_u16(Buf *out, uint32_t value) {
    const uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    buf_put(out, bytes, sizeof bytes);
}
static void put_u32(Buf *out, uint32_t value) {
    put_u16(out, value & 0xFFFF);
    put_u16(out, value >> 16);
}

// How many runs of neighbours the part has.
static uint32_t part_runs(const RoaringPart *part) {
    uint32_t runs = 0;
    if (part->cap) {
        for (uint32_t i = 0; i < part->count; i++) {
            runs += i == 0 || part->array[i] != part->array[i - 1] + 1;
        }
        return runs;
    }
    uint64_t carry = 0;
    for (uint32_t w = 0; w < ROARING_WORDS; w++) {
        uint64_t word = part->bits[w];
        runs += (uint32_t)__builtin_popcountll(word & ~(word << 1 | carry));
        carry = word >> 63;
    }
    return runs;
}

static uint32_t part_size(const RoaringPart *part) {
    return part->cap ? part->count * 2 : ROARING_WORDS * 8;
}

static bool part_is_run(const RoaringPart *part, uint32_t *size) {
    uint32_t plain = part_size(part), run = 2 + 4 * part_runs(part);
    *size = run < plain ? run : plain;
    return run < plain;
}

static void put_runs(const Roaring *set, uint32_t index, Buf *out) {
    const RoaringPart *part = &set->part[index];
    put_u16(out, part_runs(part));
    RoaringAt at = {.part = index};
    uint32_t value, from = 0, last = 0;
    bool open = false;
    while (roaring_next(set, &at, &value) && at.part == index) {
        uint32_t low = value & 0xFFFF;
        if (open && low == last + 1) {
            last = low;
            continue;
        }
        if (open) {
            put_u16(out, from);
            put_u16(out, last - from);
        }
        from = last = low;
        open = true;
    }
    put_u16(out, from);
    put_u16(out, last - from);
}

void roaring_write(const Roaring *set, Buf *out) {
    uint32_t count = set->count, size;
    uint8_t *runs = NEW_ARRAY(uint8_t, (count + 7) / 8 + 1);
    bool any_run = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!part_is_run(&set->part[i], &size)) continue;
        runs[i / 8] |= (uint8_t)(1 << (i % 8));
        any_run = true;
    }
    size_t start = out->len;
    if (any_run) {
        put_u32(out, COOKIE_RUNS | (count - 1) << 16);
        buf_put(out, runs, (count + 7) / 8);
    } else {
        put_u32(out, COOKIE_PLAIN);
        put_u32(out, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        put_u16(out, set->part[i].key);
        put_u16(out, set->part[i].count - 1);
    }
    if (!any_run || count >= OFFSETS_FROM) {
        uint32_t offset = (uint32_t)(out->len - start) + count * 4;
        for (uint32_t i = 0; i < count; i++) {
            put_u32(out, offset);
            (void)part_is_run(&set->part[i], &size);
            offset += size;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const RoaringPart *part = &set->part[i];
        if (runs[i / 8] >> (i % 8) & 1) {
            put_runs(set, i, out);
        } else if (part->cap) {
            for (uint32_t k = 0; k < part->count; k++) put_u16(out, part->array[k]);
        } else {
            buf_put(out, part->bits, ROARING_WORDS * sizeof *part->bits);
        }
    }
    mem_free(runs);
}

void roaring_print(Str bytes, Buf *out) {
    Roaring set;
    (void)roaring_read(bytes, &set);
    RoaringAt at = {0};
    uint32_t value;
    buf_putc(out, '{');
    for (bool first = true; roaring_next(&set, &at, &value); first = false) {
        buf_printf(out, first ? "%u" : ",%u", value);
    }
    buf_putc(out, '}');
    roaring_free(&set);
}
