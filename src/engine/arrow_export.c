// Batches to Arrow. All nodes of one exported tree share a block of memory that goes with the last
// of them: the interface lets a consumer keep a child and release its parent.
#include <stdatomic.h>

#include "engine/arrow.h"

typedef struct Shared {
    Arena arena;
    _Atomic uint32_t nodes;
} Shared;

static Shared *shared_new(void) {
    Shared *shared = NEW(Shared);
    arena_init(&shared->arena);
    return shared;
}

static void shared_unref(Shared *shared) {
    if (atomic_fetch_sub(&shared->nodes, 1) != 1) return;
    arena_clear(&shared->arena);
    mem_free(shared);
}

static void schema_release(struct ArrowSchema *self) {
    for (int64_t i = 0; i < self->n_children; i++) {
        if (self->children[i]->release) self->children[i]->release(self->children[i]);
    }
    self->release = NULL;
    shared_unref(self->private_data);
}

static void array_release(struct ArrowArray *self) {
    for (int64_t i = 0; i < self->n_children; i++) {
        if (self->children[i]->release) self->children[i]->release(self->children[i]);
    }
    self->release = NULL;
    shared_unref(self->private_data);
}

static void schema_begin(Shared *shared, struct ArrowSchema *out, const char *format, Str name,
                         bool nullable, uint32_t children) {
    *out = (struct ArrowSchema){
        .format = format,
        .name = str_cstr(&shared->arena, name),
        .flags = nullable ? ARROW_FLAG_NULLABLE : 0,
        .n_children = children,
        .children = ARENA_ARRAY(&shared->arena, struct ArrowSchema *, children + 1),
        .release = schema_release,
        .private_data = shared,
    };
    shared->nodes++;
    for (uint32_t i = 0; i < children; i++) {
        out->children[i] = ARENA_NEW(&shared->arena, struct ArrowSchema);
    }
}

// The letter of a timestamp's unit: enough digits for the precision.
static char unit_of(const Type *type) {
    return type->precision <= 3 ? 'm' : type->precision <= 6 ? 'u' : 'n';
}

static const char *format_of_type(Arena *arena, const Type *type) {
    switch (type->kind) {
        case TYPE_NULL: return "n";
        case TYPE_BOOLEAN: return "b";
        case TYPE_TINYINT: return "c";
        case TYPE_SMALLINT: return "s";
        case TYPE_INT: return "i";
        case TYPE_BIGINT: return "l";
        case TYPE_FLOAT: return "f";
        case TYPE_DOUBLE: return "g";
        case TYPE_DECIMAL: return arena_printf(arena, "d:%d,%d", type->precision, type->scale);
        case TYPE_CHAR:
        case TYPE_VARCHAR: return "u";
        case TYPE_BINARY:
        case TYPE_VARBINARY: return "z";
        case TYPE_DATE: return "tdD";
        case TYPE_TIME: return "ttm";
        case TYPE_TIMESTAMP: return arena_printf(arena, "ts%c:", unit_of(type));
        case TYPE_TIMESTAMP_LTZ: return arena_printf(arena, "ts%c:UTC", unit_of(type));
        case TYPE_INTERVAL_MONTHS: return "tiM";
        case TYPE_INTERVAL_SECONDS: return "tDm";
        case TYPE_ARRAY: return "+l";
        case TYPE_MULTISET:
        case TYPE_MAP: return "+m";
        case TYPE_ROW: return "+s";
        default: return NULL;
    }
}

static Status export_type(Shared *shared, const Type *type, Str name, struct ArrowSchema *out,
                          Error *err) {
    const char *format = format_of_type(&shared->arena, type);
    if (!format) {
        (void)error_set(err, ST_UNSUPPORTED, "column '" STR_FMT "': Arrow has no type for %s",
                        STR_ARG(name), type_kind_name(type->kind));
        error_hint(err, "cast it to STRING");
        return ST_UNSUPPORTED;
    }
    bool pairs = type->kind == TYPE_MAP || type->kind == TYPE_MULTISET;
    uint32_t children = type->kind == TYPE_ROW ? type->child_count : type_is_list(type);
    schema_begin(shared, out, format, name, type->nullable, children);
    if (pairs) {
        struct ArrowSchema *entry = out->children[0];
        schema_begin(shared, entry, "+s", STR("entries"), false, 2);
        TRY(export_type(shared, type->child[0], STR("key"), entry->children[0], err));
        entry->children[0]->flags = 0;  // Arrow's maps have no NULL keys
        return export_type(shared, type->child[1], STR("value"), entry->children[1], err);
    }
    for (uint32_t i = 0; i < children; i++) {
        Str field = type->kind == TYPE_ROW ? type->field[i] : STR("item");
        TRY(export_type(shared, type->child[i], field, out->children[i], err));
    }
    return ST_OK;
}

// A tree that was begun and cannot be finished.
static void drop(Shared *shared) {
    arena_clear(&shared->arena);
    mem_free(shared);
}

Status arrow_export_schema(const Type *row, bool changes, struct ArrowSchema *out, Error *err) {
    Shared *shared = shared_new();
    uint32_t count = row->child_count;
    schema_begin(shared, out, "+s", STR(""), false, count + changes);
    for (uint32_t i = 0; i < count; i++) {
        Status st = export_type(shared, row->child[i], row->field[i], out->children[i], err);
        if (!st) continue;
        drop(shared);
        out->release = NULL;
        return st;
    }
    if (changes) schema_begin(shared, out->children[count], "c", STR("change"), false, 0);
    return ST_OK;
}

// ---- Values ------------------------------------------------------------------------------------

static void array_begin(Shared *shared, struct ArrowArray *out, uint32_t rows, uint32_t buffers,
                        uint32_t children) {
    *out = (struct ArrowArray){
        .length = rows,
        .n_buffers = buffers,
        .n_children = children,
        .buffers = ARENA_ARRAY(&shared->arena, const void *, buffers + 1),
        .children = ARENA_ARRAY(&shared->arena, struct ArrowArray *, children + 1),
        .release = array_release,
        .private_data = shared,
    };
    shared->nodes++;
    for (uint32_t i = 0; i < children; i++) {
        out->children[i] = ARENA_NEW(&shared->arena, struct ArrowArray);
    }
}

static void export_validity(Shared *shared, const Vec *vec, struct ArrowArray *out) {
    if (!vec->valid) return;
    size_t words = (vec->len + 63u) / 64;
    uint64_t *bits = ARENA_ARRAY(&shared->arena, uint64_t, words + 1);
    for (uint32_t row = 0; row < vec->len; row++) {
        if (bits_get(vec->valid, row)) {
            bits[row / 64] |= UINT64_C(1) << row % 64;
        } else {
            out->null_count++;
        }
    }
    if (out->null_count) out->buffers[0] = bits;
}

static void *export_booleans(Shared *shared, const Vec *vec) {
    uint64_t *bits = ARENA_ARRAY(&shared->arena, uint64_t, vec->len / 64 + 1);
    const uint8_t *value = vec_u8(vec);
    for (uint32_t row = 0; row < vec->len; row++) {
        bits[row / 64] |= (uint64_t)(value[row] != 0) << row % 64;
    }
    return bits;
}

static Status export_text(Shared *shared, const Vec *vec, struct ArrowArray *out, Error *err) {
    const Str *value = vec_str(vec);
    int32_t *offset = ARENA_ARRAY(&shared->arena, int32_t, vec->len + 1);
    int64_t size = 0;
    for (uint32_t row = 0; row < vec->len; row++) {
        size += value[row].len;
        if (size > INT32_MAX) {
            return error_set(err, ST_RUNTIME, "more than 2 GB of text in one batch");
        }
        offset[row + 1] = (int32_t)size;
    }
    char *bytes = arena_alloc(&shared->arena, (size_t)size + 1);
    for (uint32_t row = 0; row < vec->len; row++) {
        if (value[row].len) memcpy(bytes + offset[row], value[row].ptr, value[row].len);
    }
    out->buffers[1] = offset;
    out->buffers[2] = bytes;
    return ST_OK;
}

static Status export_timestamps(Shared *shared, const Vec *vec, struct ArrowArray *out,
                                Error *err) {
    int64_t *value = ARENA_ARRAY(&shared->arena, int64_t, vec->len + 1);
    char unit = unit_of(vec->type);
    for (uint32_t row = 0; row < vec->len; row++) {
        Timestamp at = vec_timestamp(vec, row);
        int64_t scale = unit == 'u' ? 1000 : 1000000, more = unit == 'u' ? at.ns / 1000 : at.ns;
        if (unit == 'm') {
            value[row] = at.ms;
        } else if (__builtin_mul_overflow(at.ms, scale, &value[row]) ||
                   __builtin_add_overflow(value[row], more, &value[row])) {
            return error_set(err, ST_RUNTIME, "a timestamp beyond the years of Arrow's ts%c", unit);
        }
    }
    out->buffers[1] = value;
    return ST_OK;
}

static Status export_vec(Shared *shared, const Vec *vec, struct ArrowArray *out, Error *err);

// Arrow's lists lie one behind the other: the children are gathered into that order.
static Status export_lists(Shared *shared, const Vec *vec, struct ArrowArray *out, Error *err) {
    const ListView *view = vec_list(vec);
    int32_t *offset = ARENA_ARRAY(&shared->arena, int32_t, vec->len + 1);
    uint32_t total = 0;
    for (uint32_t row = 0; row < vec->len; row++) {
        total += view[row].count;
        offset[row + 1] = (int32_t)total;
    }
    Arena scratch;
    arena_init(&scratch);
    uint32_t *rows = ARENA_ARRAY(&scratch, uint32_t, total + 1), at = 0;
    for (uint32_t row = 0; row < vec->len; row++) {
        for (uint32_t i = 0; i < view[row].count; i++) rows[at++] = view[row].offset + i;
    }
    out->buffers[1] = offset;
    struct ArrowArray *into = out->children[0];
    bool pairs = vec->type->kind != TYPE_ARRAY;
    if (pairs) array_begin(shared, into, total, 1, 2);
    Status st = ST_OK;
    for (uint32_t i = 0; !st && i < 1u + pairs; i++) {
        const Vec *child = vec_gather(&scratch, vec->child[i], rows, total);
        if (pairs && i == 0 && vec_has_nulls(child)) {
            st = error_set(err, ST_RUNTIME, "Arrow's maps have no NULL keys");
        } else {
            st = export_vec(shared, child, pairs ? into->children[i] : into, err);
        }
    }
    arena_clear(&scratch);
    return st;
}

static Status export_vec(Shared *shared, const Vec *vec, struct ArrowArray *out, Error *err) {
    const Type *type = vec->type;
    switch (vec->phys) {
        case PHYS_NONE:
            array_begin(shared, out, vec->len, 0, 0);
            out->null_count = vec->len;
            return ST_OK;
        case PHYS_ROW: array_begin(shared, out, vec->len, 1, type->child_count); break;
        case PHYS_LIST: array_begin(shared, out, vec->len, 2, 1); break;
        case PHYS_STR: array_begin(shared, out, vec->len, 3, 0); break;
        default: array_begin(shared, out, vec->len, 2, 0); break;
    }
    export_validity(shared, vec, out);
    if (type_is_timestamp(type)) return export_timestamps(shared, vec, out, err);
    switch (vec->phys) {
        case PHYS_U8: out->buffers[1] = export_booleans(shared, vec); return ST_OK;
        case PHYS_STR: return export_text(shared, vec, out, err);
        case PHYS_LIST: return export_lists(shared, vec, out, err);
        case PHYS_ROW:
            for (uint32_t i = 0; i < type->child_count; i++) {
                TRY(export_vec(shared, vec->child[i], out->children[i], err));
            }
            return ST_OK;
        default: break;
    }
    size_t size = (size_t)vec->len * phys_size(vec->phys);
    out->buffers[1] = size ? arena_dup(&shared->arena, vec->data, size) : "";
    return ST_OK;
}

Status arrow_export_batch(const Batch *batch, bool changes, struct ArrowArray *out, Error *err) {
    Shared *shared = shared_new();
    uint32_t count = batch->schema->child_count;
    array_begin(shared, out, batch->rows, 1, count + changes);
    Status st = ST_OK;
    for (uint32_t i = 0; !st && i < count; i++) {
        st = export_vec(shared, batch->column[i], out->children[i], err);
    }
    if (st) {
        drop(shared);
        out->release = NULL;
        return st;
    }
    if (!changes) return ST_OK;
    struct ArrowArray *kinds = out->children[count];
    array_begin(shared, kinds, batch->rows, 2, 0);
    kinds->buffers[1] = batch->kinds ? arena_dup(&shared->arena, batch->kinds, batch->rows)
                                     : arena_zalloc(&shared->arena, batch->rows + 1u);
    return ST_OK;
}
