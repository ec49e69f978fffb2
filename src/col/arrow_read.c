// Arrow's IPC messages to columns. They come from outside: each offset of the flatbuffer and of the
// body is checked before it is followed, and no memory is taken for rows that the message does not
// have the bytes of.
#include "col/arrow_int.h"

// ---- flatbuffers -------------------------------------------------------------------------------

static uint16_t get16(Str meta, size_t at) {
    uint16_t value;
    memcpy(&value, meta.ptr + at, sizeof value);
    return value;
}
static int32_t get32(Str meta, size_t at) {
    int32_t value;
    memcpy(&value, meta.ptr + at, sizeof value);
    return value;
}
static int64_t get64(Str meta, size_t at) {
    int64_t value;
    memcpy(&value, meta.ptr + at, sizeof value);
    return value;
}

// Where the offset at [at] leads to; 0: nowhere. The first four bytes of what is there can be read.
static size_t flat_follow(Str meta, size_t at) {
    uint32_t distance = (uint32_t)get32(meta, at);
    return distance && at + distance + 4 <= meta.len ? at + distance : 0;
}

// The place of a field of [size] bytes of the table at [table]; 0: it has none.
static size_t flat_field(Str meta, size_t table, uint32_t field, size_t size) {
    int64_t vtable = (int64_t)table - get32(meta, table);
    if (vtable < 0 || vtable + 4 > meta.len) return 0;
    uint16_t bytes = get16(meta, (size_t)vtable);
    size_t entry = 4 + 2 * (size_t)field;
    if (bytes < entry + 2 || (size_t)vtable + bytes > meta.len) return 0;
    size_t at = get16(meta, (size_t)vtable + entry);
    return at && table + at + size <= meta.len ? table + at : 0;
}

static size_t flat_child(Str meta, size_t table, uint32_t field) {
    size_t at = flat_field(meta, table, field, 4);
    return at ? flat_follow(meta, at) : 0;
}

// A vector of pairs of int64: where the first is. False when it is not all there.
static bool flat_pairs(Str meta, size_t table, uint32_t field, size_t *first, uint32_t *count) {
    size_t at = flat_child(meta, table, field);
    *first = at + 4;
    *count = at ? (uint32_t)get32(meta, at) : 0;
    return at == 0 || *count <= (meta.len - *first) / 16;
}

// ---- the message -------------------------------------------------------------------------------

typedef struct Reader {
    Str meta, body;
    size_t node, buffer;      // of the next one, in the metadata
    uint32_t nodes, buffers;  // left
    Arena *arena;
    Error *err;
} Reader;

static Status torn(Error *err) {
    return error_set(err, ST_RUNTIME, "an Arrow message is torn, or no batch of the right columns");
}

static Status open_message(Reader *self, Str message, uint32_t *rows) {
    enum { HEAD = 8, ROWS_MAX = 1 << 28 };
    size_t table, batch, at, length;
    if (message.len < HEAD + 4 || get32(message, 0) != -1) return torn(self->err);
    int32_t size = get32(message, 4);
    if (size < 4 || (size_t)size > message.len - HEAD) return torn(self->err);
    self->meta = (Str){message.ptr + HEAD, (uint32_t)size};
    self->body = (Str){message.ptr + HEAD + size, message.len - HEAD - (uint32_t)size};
    Str meta = self->meta;
    table = flat_follow(meta, 0);
    at = table ? flat_field(meta, table, 1, 1) : 0;
    if (!at || meta.ptr[at] != ARROW_RECORD_BATCH) return torn(self->err);
    batch = flat_child(meta, table, 2);
    if (!batch) return torn(self->err);
    if (flat_child(meta, batch, 3)) {
        return error_set(self->err, ST_RUNTIME, "an Arrow message is compressed");
    }
    length = flat_field(meta, batch, 0, 8);
    int64_t count = length ? get64(meta, length) : 0;
    if (count < 0 || count > ROWS_MAX) return torn(self->err);
    if (!flat_pairs(meta, batch, 1, &self->node, &self->nodes) ||
        !flat_pairs(meta, batch, 2, &self->buffer, &self->buffers)) {
        return torn(self->err);
    }
    *rows = (uint32_t)count;
    return ST_OK;
}

static bool next_node(Reader *self, uint32_t *rows, bool *nulls) {
    if (!self->nodes) return false;
    int64_t length = get64(self->meta, self->node);
    *nulls = get64(self->meta, self->node + 8) != 0;
    self->node += 16;
    self->nodes--;
    // Every value has a bit somewhere.
    if (length < 0 || (uint64_t)length > 8 * (uint64_t)self->body.len) return false;
    *rows = (uint32_t)length;
    return true;
}

// The next buffer, of [least] bytes or more.
static bool next_buffer(Reader *self, uint64_t least, Str *out) {
    if (!self->buffers) return false;
    int64_t offset = get64(self->meta, self->buffer), length = get64(self->meta, self->buffer + 8);
    self->buffer += 16;
    self->buffers--;
    if (offset < 0 || length < 0 || offset > self->body.len || length > self->body.len - offset) {
        return false;
    }
    *out = (Str){self->body.ptr + offset, (uint32_t)length};
    return (uint64_t)length >= least;
}

// ---- columns -----------------------------------------------------------------------------------

static Status out_of_range(Reader *self, const Type *type) {
    Buf text = {0};
    type_print_summary(type, false, &text);
    Status st = error_set(self->err, ST_RUNTIME, "a value is no " STR_FMT, STR_ARG(buf_str(&text)));
    buf_free(&text);
    return st;
}

// Of the years 1 to 9999.
static bool moment_fits(int64_t ms) {
    return ms >= -62135596800000 && ms <= 253402300799999;
}

static bool i32_fits(const Type *type, int32_t value) {
    enum { DAY_FIRST = -719162, DAY_LAST = 2932896, DAY_MS = 86400000 };
    if (type->kind == TYPE_DATE) return value >= DAY_FIRST && value <= DAY_LAST;
    return type->kind != TYPE_TIME || (value >= 0 && value < DAY_MS);
}

static bool decimal_fits(const Type *type, i128 value) {
    i128 limit = 1;
    for (int32_t i = 0; i < type->precision; i++) limit *= 10;
    return value < limit && value > -limit;
}

// Values that cannot be are looked for among all slots; those of NULLs are zero by now.
static bool values_fit(const Vec *vec) {
    bool fit = true;
    switch (vec->type->kind) {
        case TYPE_DATE:
        case TYPE_TIME:
            for (uint32_t i = 0; i < vec->len; i++) fit &= i32_fits(vec->type, vec_i32(vec)[i]);
            break;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ:
            for (uint32_t i = 0; i < vec->len; i++) fit &= moment_fits(vec_timestamp(vec, i).ms);
            break;
        case TYPE_DECIMAL:
            for (uint32_t i = 0; i < vec->len; i++) {
                fit &= decimal_fits(vec->type, vec_i128(vec)[i]);
            }
            break;
        default: break;
    }
    return fit;
}

// Takes the digits below the type's precision off.
static void truncate_moment(const Type *type, Timestamp *value) {
    static const int32_t STEP[] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                   10000,      1000,      100,      10,      1};
    int64_t step = STEP[type->precision];
    if (type->precision < 3) {
        int64_t ms = step / 1000000, over = value->ms % ms;
        value->ms -= over < 0 ? over + ms : over;
        value->ns = 0;
    } else if (step < 1000000) {
        value->ns -= (int32_t)(value->ns % step);
    }
}

static void read_moments(Vec *vec, const char *bytes) {
    int64_t parts = arrow_unit(vec->type) == 1 ? 1 : arrow_unit(vec->type) == 2 ? 1000 : 1000000;
    for (uint32_t i = 0; i < vec->len; i++) {
        int64_t value;
        memcpy(&value, bytes + 8 * (size_t)i, sizeof value);
        int64_t ms = value / parts, part = value % parts;
        if (part < 0) {
            part += parts;
            ms--;
        }
        Timestamp moment = {.ms = ms, .ns = (int32_t)(part * (1000000 / parts))};
        truncate_moment(vec->type, &moment);
        vec_set_timestamp(vec, i, moment);
    }
}

static Status read_fixed(Reader *self, Vec *vec) {
    size_t size = phys_size(vec->phys), wide = vec->phys == PHYS_TS ? 8 : size;
    bool bits = vec->phys == PHYS_U8;
    uint64_t least = bits ? ((uint64_t)vec->len + 7) / 8 : (uint64_t)vec->len * wide;
    Str values;
    if (!next_buffer(self, least, &values)) return torn(self->err);
    if (bits) {
        for (uint32_t i = 0; i < vec->len; i++) vec_u8(vec)[i] = values.ptr[i / 8] >> i % 8 & 1;
    } else if (vec->type->kind == TYPE_TIMESTAMP || vec->type->kind == TYPE_TIMESTAMP_LTZ) {
        read_moments(vec, values.ptr);
    } else if (vec->len) {
        memcpy(vec->data, values.ptr, vec->len * size);
    }
    return ST_OK;
}

// Offsets that rise, the last one at [most] or before.
static bool read_offset(Str offsets, uint32_t i, uint64_t most, uint32_t *from, uint32_t *to) {
    *from = (uint32_t)get32(offsets, 4 * (size_t)i);
    *to = (uint32_t)get32(offsets, 4 * ((size_t)i + 1));
    return *from <= *to && *to <= most;
}

static uint64_t offset_bytes(const Vec *vec) {
    return vec->len ? 4 * ((uint64_t)vec->len + 1) : 0;
}

static Status read_texts(Reader *self, Vec *vec, const uint64_t *valid) {
    Str offsets, bytes;
    bool text = type_is_text(vec->type);
    if (!next_buffer(self, offset_bytes(vec), &offsets) || !next_buffer(self, 0, &bytes)) {
        return torn(self->err);
    }
    const char *kept = arena_dup(self->arena, bytes.ptr, bytes.len);
    for (uint32_t i = 0; i < vec->len; i++) {
        uint32_t from, to;
        if (!read_offset(offsets, i, bytes.len, &from, &to)) return torn(self->err);
        if (valid && !bits_get(valid, i)) continue;
        Str value = str_make(kept + from, to - from);
        if (text && !utf8_valid(value)) {
            return error_set(self->err, ST_RUNTIME, "a text is not UTF-8");
        }
        if ((text ? utf8_count(value) : value.len) > (uint32_t)vec->type->length) {
            return out_of_range(self, vec->type);
        }
        vec_str(vec)[i] = value;
    }
    return ST_OK;
}

static Status read_column(Reader *self, const Type *type, uint32_t rows, Vec **out);

static Status read_lists(Reader *self, Vec *vec, const uint64_t *valid) {
    Str offsets, none;
    uint32_t children = vec->type->child_count, entries = 0, first = 0;
    bool nulls;
    if (!next_buffer(self, offset_bytes(vec), &offsets)) return torn(self->err);
    // How many elements there are, the node that comes next says: of them, or of a map's entries.
    if (!self->nodes) return torn(self->err);
    entries = (uint32_t)get64(self->meta, self->node);
    if (children == 2) {
        if (!next_node(self, &entries, &nulls) || !next_buffer(self, 0, &none)) {
            return torn(self->err);
        }
    }
    for (uint32_t c = 0; c < children; c++) {
        TRY(read_column(self, vec->type->child[c], entries, &vec->child[c]));
    }
    for (uint32_t i = 0; i < vec->len; i++) {
        uint32_t from, to;
        if (!read_offset(offsets, i, entries, &from, &to)) return torn(self->err);
        if (from < first) return torn(self->err);
        first = to;
        if (valid && !bits_get(valid, i)) continue;
        vec_list(vec)[i] = (ListView){from, to - from};
    }
    return ST_OK;
}

static void zero_nulls(Vec *vec) {
    for (uint32_t i = 0; i < vec->len; i++) {
        if (vec_is_null(vec, i)) vec_set_null(vec, i);
    }
}

static Status read_column(Reader *self, const Type *type, uint32_t rows, Vec **out) {
    uint32_t length;
    bool nulls;
    Str bitmap;
    if (!next_node(self, &length, &nulls) || length != rows ||
        !next_buffer(self, nulls ? ((uint64_t)rows + 7) / 8 : 0, &bitmap)) {
        return torn(self->err);
    }
    Vec *vec = vec_new(self->arena, type, rows);
    if (nulls) {
        uint32_t over = rows % 64;
        vec_need_valid(vec);
        memcpy(vec->valid, bitmap.ptr, ((size_t)rows + 7) / 8);
        if (over) vec->valid[rows / 64] &= ((uint64_t)1 << over) - 1;
    }
    Status st = ST_OK;
    switch (vec->phys) {
        case PHYS_ROW:
            for (uint32_t i = 0; !st && i < type->child_count; i++) {
                st = read_column(self, type->child[i], rows, &vec->child[i]);
            }
            break;
        case PHYS_LIST: st = read_lists(self, vec, vec->valid); break;
        case PHYS_STR: st = read_texts(self, vec, vec->valid); break;
        default: st = read_fixed(self, vec); break;
    }
    if (st) return st;
    if (nulls) zero_nulls(vec);
    if (!values_fit(vec)) return out_of_range(self, type);
    *out = vec;
    return ST_OK;
}

// A NULL where the type has none, but within a row that is NULL itself.
static const Type *find_null(const Vec *vec, const uint64_t *within) {
    for (uint32_t i = 0; !vec->type->nullable && vec->valid && i < vec->len; i++) {
        if (vec_is_null(vec, i) && (!within || bits_get(within, i))) return vec->type;
    }
    const uint64_t *row = vec->phys == PHYS_ROW ? vec->valid : NULL;
    for (uint32_t c = 0; c < vec->type->child_count; c++) {
        const Type *found = find_null(vec->child[c], row);
        if (found) return found;
    }
    return NULL;
}

Status arrow_read_batch(Str message, const Type *row, Arena *arena, Vec ***column, uint32_t *rows,
                        Error *err) {
    Reader self = {.arena = arena, .err = err};
    TRY(open_message(&self, message, rows));
    Vec **vec = ARENA_ARRAY(arena, Vec *, row->child_count + 1);
    for (uint32_t i = 0; i < row->child_count; i++) {
        TRY(read_column(&self, row->child[i], *rows, &vec[i]));
        if (!find_null(vec[i], NULL)) continue;
        return error_set(err, ST_RUNTIME, "a value is NULL where the type is NOT NULL");
    }
    *column = vec;
    return ST_OK;
}
