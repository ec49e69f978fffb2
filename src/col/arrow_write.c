// Columns to Arrow's IPC messages. The flatbuffers are written front to back: a table, then what
// its fields point to, whose places are patched in.
#include "col/arrow_int.h"

// ---- flatbuffers -------------------------------------------------------------------------------

typedef struct Flat {
    Buf *out;
    size_t base;  // where the flatbuffer begins: alignment counts from there
} Flat;

// A table that has been written: where it lies, and its fields, 0 for those that are left out.
typedef struct FlatTable {
    size_t at;
    size_t field[FLAT_FIELDS_MAX];
} FlatTable;

static void put_zeros(Buf *out, size_t count) {
    memset(buf_reserve(out, count), 0, count);
    out->len += count;
}

// Pads until what comes [ahead] bytes later is aligned.
static void flat_align(Flat flat, size_t align, size_t ahead) {
    while ((flat.out->len - flat.base + ahead) % align) buf_putc(flat.out, 0);
}

// [sizes] has a digit for each field, its bytes; 0: it is absent.
static FlatTable flat_table(Flat flat, const char *sizes) {
    FlatTable table = {0};
    uint16_t vtable[FLAT_FIELDS_MAX + 2] = {0};
    uint32_t count = (uint32_t)strlen(sizes), end = 4;
    ASSERT(count <= FLAT_FIELDS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = (uint32_t)(sizes[i] - '0');
        if (!size) continue;
        end = (end + size - 1) / size * size;
        vtable[2 + i] = (uint16_t)end;
        end += size;
    }
    int32_t back = (int32_t)(2 * (count + 2));
    vtable[0] = (uint16_t)back;
    vtable[1] = (uint16_t)end;
    flat_align(flat, 8, (size_t)back);
    buf_put(flat.out, vtable, (size_t)back);
    table.at = flat.out->len;
    put_zeros(flat.out, end);
    memcpy(flat.out->ptr + table.at, &back, sizeof back);
    for (uint32_t i = 0; i < count; i++) {
        if (vtable[2 + i]) table.field[i] = table.at + vtable[2 + i];
    }
    return table;
}

static void flat_set(Flat flat, size_t field, const void *value, size_t size) {
    memcpy(flat.out->ptr + field, value, size);
}
static void flat_set8(Flat flat, size_t field, uint8_t value) {
    flat_set(flat, field, &value, sizeof value);
}
static void flat_set16(Flat flat, size_t field, int16_t value) {
    flat_set(flat, field, &value, sizeof value);
}
static void flat_set32(Flat flat, size_t field, int32_t value) {
    flat_set(flat, field, &value, sizeof value);
}
static void flat_set64(Flat flat, size_t field, int64_t value) {
    flat_set(flat, field, &value, sizeof value);
}

static void flat_link(Flat flat, size_t field, size_t at) {
    flat_set32(flat, field, (int32_t)(at - field));
}

static void flat_string(Flat flat, size_t field, Str text) {
    flat_align(flat, 4, 0);
    flat_link(flat, field, flat.out->len);
    buf_put(flat.out, &text.len, sizeof text.len);
    buf_put_str(flat.out, text);
    buf_putc(flat.out, 0);
}

// A vector of [count] offsets, to be linked; answers where the first one lies.
static size_t flat_offsets(Flat flat, size_t field, uint32_t count) {
    flat_align(flat, 4, 0);
    flat_link(flat, field, flat.out->len);
    buf_put(flat.out, &count, sizeof count);
    put_zeros(flat.out, 4 * (size_t)count);
    return flat.out->len - 4 * (size_t)count;
}

// A vector of structs of two int64.
static void flat_pairs(Flat flat, size_t field, const Buf *pairs) {
    uint32_t count = (uint32_t)(pairs->len / 16);
    flat_align(flat, 8, sizeof count);
    flat_link(flat, field, flat.out->len);
    buf_put(flat.out, &count, sizeof count);
    buf_put(flat.out, pairs->ptr, pairs->len);
}

// ---- messages ----------------------------------------------------------------------------------

// Begins a message: [*header] is the field that its header is to be linked to.
static Flat message_begin(Buf *out, uint8_t kind, size_t body, size_t *header) {
    static const uint32_t MARK_AND_SIZE[2] = {UINT32_MAX, 0};
    buf_put(out, MARK_AND_SIZE, sizeof MARK_AND_SIZE);
    Flat flat = {out, out->len};
    put_zeros(out, 4);
    FlatTable table = flat_table(flat, "2148");
    flat_link(flat, flat.base, table.at);
    flat_set16(flat, table.field[0], ARROW_V5);
    flat_set8(flat, table.field[1], kind);
    flat_set64(flat, table.field[3], (int64_t)body);
    *header = table.field[2];
    return flat;
}

static void message_end(Flat flat) {
    flat_align(flat, 8, 0);
    flat_set32(flat, flat.base - 4, (int32_t)(flat.out->len - flat.base));
}

// ---- schemas -----------------------------------------------------------------------------------

static uint8_t arrow_kind(const Type *type) {
    switch (type->kind) {
        case TYPE_BOOLEAN: return ARROW_BOOL;
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_INTERVAL_MONTHS:
        case TYPE_BIGINT: return ARROW_INT;
        case TYPE_FLOAT:
        case TYPE_DOUBLE: return ARROW_FLOATING_POINT;
        case TYPE_DECIMAL: return ARROW_DECIMAL;
        case TYPE_CHAR:
        case TYPE_VARCHAR: return ARROW_UTF8;
        case TYPE_BINARY:
        case TYPE_VARBINARY: return ARROW_BINARY;
        case TYPE_DATE: return ARROW_DATE;
        case TYPE_TIME: return ARROW_TIME;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: return ARROW_TIMESTAMP;
        case TYPE_INTERVAL_SECONDS: return ARROW_DURATION;
        case TYPE_ARRAY: return ARROW_LIST;
        case TYPE_MAP:
        case TYPE_MULTISET: return ARROW_MAP;
        case TYPE_ROW: return ARROW_STRUCT;
        default: return 0;
    }
}

Status arrow_check_type(const Type *type, Error *err) {
    if (!arrow_kind(type)) {
        (void)error_set(err, ST_UNSUPPORTED, "Arrow has no type for %s",
                        type_kind_name(type->kind));
        error_hint(err, "cast it to STRING");
        return ST_UNSUPPORTED;
    }
    for (uint32_t i = 0; i < type->child_count; i++) TRY(arrow_check_type(type->child[i], err));
    return ST_OK;
}

static void put_type(Flat flat, size_t field, const Type *type, Str zone) {
    enum { DECIMAL_BITS = 128, DOUBLE_PRECISION = 2, MILLISECONDS = 1 };
    FlatTable table;
    switch (arrow_kind(type)) {
        case ARROW_INT:
            table = flat_table(flat, "41");
            flat_set32(flat, table.field[0], (int32_t)phys_size(type_phys(type)) * 8);
            flat_set8(flat, table.field[1], true);
            break;
        case ARROW_FLOATING_POINT:
            table = flat_table(flat, "2");
            flat_set16(flat, table.field[0],
                       type->kind == TYPE_FLOAT ? DOUBLE_PRECISION - 1 : DOUBLE_PRECISION);
            break;
        case ARROW_DECIMAL:
            table = flat_table(flat, "444");
            flat_set32(flat, table.field[0], type->precision);
            flat_set32(flat, table.field[1], type->scale);
            flat_set32(flat, table.field[2], DECIMAL_BITS);
            break;
        case ARROW_DATE: table = flat_table(flat, "2"); break;  // 0: days
        case ARROW_TIME:
            table = flat_table(flat, "24");
            flat_set16(flat, table.field[0], MILLISECONDS);
            flat_set32(flat, table.field[1], 32);
            break;
        case ARROW_DURATION:
            table = flat_table(flat, "2");
            flat_set16(flat, table.field[0], MILLISECONDS);
            break;
        case ARROW_TIMESTAMP:
            table = flat_table(flat, type->kind == TYPE_TIMESTAMP_LTZ ? "24" : "20");
            flat_set16(flat, table.field[0], arrow_unit(type));
            if (table.field[1]) flat_string(flat, table.field[1], zone);
            break;
        default: table = flat_table(flat, ""); break;
    }
    flat_link(flat, field, table.at);
}

static void put_field(Flat flat, size_t link, const Type *type, bool nullable, Str name, Str zone);

// The one child of a map: a struct of keys and values.
static void put_entries(Flat flat, size_t link, const Type *map, Str zone) {
    FlatTable field = flat_table(flat, "411404");
    flat_link(flat, link, field.at);
    flat_set8(flat, field.field[2], ARROW_STRUCT);
    flat_string(flat, field.field[0], STR("entries"));
    flat_link(flat, field.field[3], flat_table(flat, "").at);
    size_t child = flat_offsets(flat, field.field[5], 2);
    // Arrow's maps have no NULL keys, and readers insist.
    put_field(flat, child, map->child[0], false, STR("key"), zone);
    put_field(flat, child + 4, map->child[1], map->child[1]->nullable, STR("value"), zone);
}

static void put_field(Flat flat, size_t link, const Type *type, bool nullable, Str name, Str zone) {
    bool pairs = type->kind == TYPE_MAP || type->kind == TYPE_MULTISET;
    uint32_t children = pairs ? 1 : type->child_count;
    FlatTable field = flat_table(flat, "411404");
    flat_link(flat, link, field.at);
    flat_set8(flat, field.field[1], nullable);
    flat_set8(flat, field.field[2], arrow_kind(type));
    flat_string(flat, field.field[0], name);
    put_type(flat, field.field[3], type, zone);
    size_t child = flat_offsets(flat, field.field[5], children);
    if (pairs) {
        put_entries(flat, child, type, zone);
        return;
    }
    for (uint32_t i = 0; i < children; i++) {
        Str of = type->kind == TYPE_ROW ? type->field[i] : STR("item");
        put_field(flat, child + 4 * (size_t)i, type->child[i], type->child[i]->nullable, of, zone);
    }
}

void arrow_write_schema(const Type *row, Str zone, Buf *out) {
    size_t header;
    Flat flat = message_begin(out, ARROW_SCHEMA, 0, &header);
    FlatTable schema = flat_table(flat, "24");  // 0: little-endian
    flat_link(flat, header, schema.at);
    size_t field = flat_offsets(flat, schema.field[1], row->child_count);
    for (uint32_t i = 0; i < row->child_count; i++) {
        put_field(flat, field + 4 * (size_t)i, row->child[i], row->child[i]->nullable,
                  row->field[i], zone);
    }
    message_end(flat);
}

// ---- batches -----------------------------------------------------------------------------------

typedef struct Writer {
    Buf body;
    Buf nodes, buffers;  // pairs of int64
    Arena arena;         // of gathered children
    Error *err;
} Writer;

static void put_pair(Buf *out, size_t a, size_t b) {
    int64_t pair[2] = {(int64_t)a, (int64_t)b};
    buf_put(out, pair, sizeof pair);
}

// Ends the buffer that began at [from].
static void end_buffer(Writer *self, size_t from) {
    put_pair(&self->buffers, from, self->body.len - from);
    while (self->body.len % 8) buf_putc(&self->body, 0);
}

static void put_validity(Writer *self, const Vec *vec, uint32_t first, uint32_t rows) {
    size_t from = self->body.len;
    uint32_t nulls = 0;
    for (uint32_t i = 0; vec->valid && i < rows; i++) nulls += vec_is_null(vec, first + i);
    put_pair(&self->nodes, rows, nulls);
    for (uint32_t i = 0; nulls && i < rows; i += 8) {
        uint8_t byte = 0;
        for (uint32_t bit = 0; bit < 8 && i + bit < rows; bit++) {
            byte |= (uint8_t)(!vec_is_null(vec, first + i + bit) << bit);
        }
        buf_putc(&self->body, (char)byte);
    }
    end_buffer(self, from);
}

static void put_bools(Writer *self, const uint8_t *value, uint32_t rows) {
    for (uint32_t i = 0; i < rows; i += 8) {
        uint8_t byte = 0;
        for (uint32_t bit = 0; bit < 8 && i + bit < rows; bit++) {
            byte |= (uint8_t)((value[i + bit] != 0) << bit);
        }
        buf_putc(&self->body, (char)byte);
    }
}

static Status put_moments(Writer *self, const Type *type, const Timestamp *value, uint32_t rows) {
    int64_t *to = (int64_t *)(void *)buf_reserve(&self->body, 8 * (size_t)rows);
    int64_t parts = arrow_unit(type) == 3 ? 1000000 : 1000;  // of a millisecond
    for (uint32_t i = 0; i < rows; i++) {
        int64_t part = value[i].ns / (1000000 / parts);
        if (!__builtin_mul_overflow(value[i].ms, parts, &to[i]) &&
            !__builtin_add_overflow(to[i], part, &to[i])) {
            continue;
        }
        (void)error_set(self->err, ST_RUNTIME,
                        "a TIMESTAMP(%d) is outside of the years that Arrow's 64 bits reach, 1677 "
                        "to 2262 for nanoseconds",
                        type->precision);
        error_hint(self->err, "cast it to TIMESTAMP(6)");
        return ST_RUNTIME;
    }
    self->body.len += 8 * (size_t)rows;
    return ST_OK;
}

static Status too_big(Writer *self) {
    return error_set(self->err, ST_RUNTIME, "the texts or lists of a batch are above 2 GiB");
}

static Status put_texts(Writer *self, const Str *text, uint32_t rows) {
    size_t from = self->body.len, end = 0;
    int32_t *offset = (int32_t *)(void *)buf_reserve(&self->body, 4 * ((size_t)rows + 1));
    for (uint32_t i = 0; i < rows; i++) {
        offset[i] = (int32_t)end;
        end += text[i].len;
        if (end > INT32_MAX) return too_big(self);
    }
    offset[rows] = (int32_t)end;
    self->body.len += 4 * ((size_t)rows + 1);
    end_buffer(self, from);
    from = self->body.len;
    (void)buf_reserve(&self->body, end);
    for (uint32_t i = 0; i < rows; i++) buf_put_str(&self->body, text[i]);
    end_buffer(self, from);
    return ST_OK;
}

static Status put_column(Writer *self, const Vec *vec, uint32_t first, uint32_t rows);

// Lists lie anywhere in their children: these are gathered.
static Status put_lists(Writer *self, const Vec *vec, uint32_t first, uint32_t rows) {
    const ListView *list = vec_list(vec) + first;
    size_t from = self->body.len, total = 0;
    for (uint32_t i = 0; i < rows; i++) total += list[i].count;
    if (total > INT32_MAX) return too_big(self);
    uint32_t *slot = ARENA_ARRAY(&self->arena, uint32_t, total + 1);
    int32_t end = 0;
    for (uint32_t i = 0; i < rows; i++) {
        buf_put(&self->body, &end, sizeof end);
        for (uint32_t e = 0; e < list[i].count; e++) slot[end++] = list[i].offset + e;
    }
    buf_put(&self->body, &end, sizeof end);
    end_buffer(self, from);
    if (vec->type->child_count == 2) {
        put_pair(&self->nodes, total, 0);
        put_pair(&self->buffers, self->body.len, 0);
    }
    for (uint32_t c = 0; c < vec->type->child_count; c++) {
        const Vec *child = vec_gather(&self->arena, vec->child[c], slot, (uint32_t)total);
        TRY(put_column(self, child, 0, (uint32_t)total));
    }
    return ST_OK;
}

static Status put_column(Writer *self, const Vec *vec, uint32_t first, uint32_t rows) {
    put_validity(self, vec, first, rows);
    size_t from = self->body.len;
    switch (vec->phys) {
        case PHYS_ROW:
            for (uint32_t i = 0; i < vec->type->child_count; i++) {
                TRY(put_column(self, vec->child[i], first, rows));
            }
            return ST_OK;
        case PHYS_LIST: return put_lists(self, vec, first, rows);
        case PHYS_STR: return put_texts(self, vec_str(vec) + first, rows);
        case PHYS_U8: put_bools(self, vec_u8(vec) + first, rows); break;
        case PHYS_TS: TRY(put_moments(self, vec->type, vec_ts(vec) + first, rows)); break;
        default: {
            size_t size = phys_size(vec->phys);
            buf_put(&self->body, (const char *)vec->data + first * size, rows * size);
            break;
        }
    }
    end_buffer(self, from);
    return ST_OK;
}

static void put_message(const Writer *self, uint32_t rows, Buf *out) {
    size_t header;
    Flat flat = message_begin(out, ARROW_RECORD_BATCH, self->body.len, &header);
    FlatTable batch = flat_table(flat, "844");
    flat_link(flat, header, batch.at);
    flat_set64(flat, batch.field[0], rows);
    flat_pairs(flat, batch.field[1], &self->nodes);
    flat_pairs(flat, batch.field[2], &self->buffers);
    message_end(flat);
    buf_put(out, self->body.ptr, self->body.len);
}

Status arrow_write_batch(const Vec *const *column, uint32_t count, uint32_t first, uint32_t rows,
                         Buf *out, Error *err) {
    Writer self = {.err = err};
    Status st = ST_OK;
    arena_init(&self.arena);
    for (uint32_t i = 0; !st && i < count; i++) st = put_column(&self, column[i], first, rows);
    if (!st) put_message(&self, rows, out);
    buf_free(&self.body);
    buf_free(&self.nodes);
    buf_free(&self.buffers);
    arena_clear(&self.arena);
    return st;
}
