// ml/onnx/read.c - ONNX's messages that stand alone: tensors, attributes, nodes (onnx.proto).
#include "ml/onnx/onnx_int.h"
#include "os/os.h"

// TensorProto.DataType
static const StoredType TYPES[] = {
    [1] = STORED_F32, STORED_U8, STORED_I8, STORED_U16, STORED_I16, STORED_I32, STORED_I64,
    STORED_STR, STORED_BOOL, STORED_F16, STORED_F64, STORED_U32, STORED_U64, [16] = STORED_BF16,
};

StoredType onnx_stored(int64_t type) {
    bool known = type > 0 && type < (int64_t)(sizeof TYPES / sizeof TYPES[0]);
    return known ? TYPES[type] : STORED_NONE;
}

TensorType onnx_type(int64_t type) {
    return stored_tensor(onnx_stored(type));
}

// --- Tensors ---

typedef struct ProtoTensor {
    int64_t dim[TENSOR_RANK_MAX];
    uint32_t rank;
    int64_t data_type;  // of the file
    StoredType type;
    Str name, raw;
    bool has_raw, external;
    Buf floats, doubles, ints;  // values as they stand, integers of all kinds as int64_t
    Buf strings;                // Str
    Str location;
    int64_t offset, length;
} ProtoTensor;

static void proto_tensor_free(ProtoTensor *self) {
    buf_free(&self->floats);
    buf_free(&self->doubles);
    buf_free(&self->ints);
    buf_free(&self->strings);
}

static Status read_external(ProtoTensor *self, Str bytes, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Str key = STR(""), value = STR("");
    while (proto_next(&at, &field)) {
        if (field.number == 1) key = field.bytes;
        if (field.number == 2) value = field.bytes;
    }
    if (str_is(key, "location")) self->location = value;
    if (str_is(key, "offset")) (void)str_to_i64(value, &self->offset);
    if (str_is(key, "length")) (void)str_to_i64(value, &self->length);
    return proto_end(&at, "a tensor's external data", err);
}

static Status read_proto(ProtoTensor *self, Str bytes, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Buf dims = {0};
    bool fine = true;
    Status st = ST_OK;
    self->length = -1;
    while (!st && fine && proto_next(&at, &field)) {
        switch (field.number) {
            case 1: fine = proto_put_i64s(&field, &dims); break;
            case 2: self->data_type = proto_i64(&field); break;
            case 4: fine = proto_put_f32s(&field, &self->floats); break;
            case 5:
            case 7:
            case 11: fine = proto_put_i64s(&field, &self->ints); break;
            case 6: buf_put(&self->strings, &field.bytes, sizeof field.bytes); break;
            case 8: self->name = field.bytes; break;
            case 9: self->raw = field.bytes, self->has_raw = true; break;
            case 10: fine = proto_put_f64s(&field, &self->doubles); break;
            case 13: st = read_external(self, field.bytes, err); break;
            case 14: self->external = field.value == 1; break;
            default: break;
        }
    }
    if (!st && !fine) st = error_set(err, ST_VALIDATION, "a tensor's values are damaged");
    if (!st) st = proto_end(&at, "a tensor", err);
    if (!st && dims.len > sizeof self->dim) {
        st = error_set(err, ST_UNSUPPORTED, "tensor '" STR_FMT "' has %zu dimensions",
                       STR_ARG(self->name), dims.len / 8);
    }
    if (!st && dims.len) memcpy(self->dim, dims.ptr, dims.len);
    self->rank = (uint32_t)(dims.len / 8);
    self->type = onnx_stored(self->data_type);
    buf_free(&dims);
    return st;
}

// How many values stand there; the shape must ask for as many.
static int64_t value_count(const ProtoTensor *self) {
    if (self->has_raw) {
        uint32_t size = stored_size(self->type);
        bool whole = size && self->raw.len % size == 0;
        return whole ? (int64_t)(self->raw.len / size) : -1;
    }
    switch (self->type) {
        case STORED_F32: return (int64_t)(self->floats.len / 4);
        case STORED_F64: return (int64_t)(self->doubles.len / 8);
        case STORED_STR: return (int64_t)(self->strings.len / sizeof(Str));
        default: return (int64_t)(self->ints.len / 8);
    }
}

static void fill_tensor(OnnxReader *reader, const ProtoTensor *self, const Tensor *t) {
    if (!t->count) return;
    if (self->has_raw) {
        stored_fill(t, self->type, self->raw.ptr);
    } else if (self->type == STORED_F32) {
        stored_fill(t, self->type, self->floats.ptr);
    } else if (self->type == STORED_F64) {
        stored_fill(t, self->type, self->doubles.ptr);
    } else if (self->type == STORED_STR) {
        for (int64_t i = 0; i < t->count; i++) {
            Str text;
            memcpy(&text, self->strings.ptr + (size_t)i * sizeof text, sizeof text);
            tensor_str(t)[i] = str_dup(&reader->home->arena, text);
        }
    } else {
        for (int64_t i = 0; i < t->count; i++) {
            uint64_t bits;
            memcpy(&bits, self->ints.ptr + (size_t)i * 8, 8);
            stored_put(t, i, self->type, bits);
        }
    }
}

// A name within the model's folder, and in no folder above it.
static bool inside(Str name) {
    return name.len > 0 && name.ptr[0] != '/' && str_find(name, STR(".."), 0) < 0 &&
           str_find(name, STR(":"), 0) < 0 && str_find(name, STR("\\"), 0) < 0 &&
           !memchr(name.ptr, 0, name.len);
}

static Status read_part(Str path, int64_t offset, size_t size, Buf *out, Error *err) {
    OsStat info;
    TRY(os()->stat(path, &info, err));
    if (!info.exists || info.size < offset || (size_t)(info.size - offset) < size) {
        return error_set(err, ST_VALIDATION, "'" STR_FMT "' is missing or too short",
                         STR_ARG(path));
    }
    OsFile *file;
    size_t got = 0;
    TRY(os()->open(path, OS_READ, &file, err));
    (void)buf_reserve(out, size);
    Status st = os()->read_at(file, offset, out->ptr, size, &got, err);
    out->len = got;
    (void)os()->close(file, NULL);
    if (!st && got < size) st = error_set(err, ST_IO, "'" STR_FMT "' ends early", STR_ARG(path));
    return st;
}

// Values in a file beside the model's.
static Status external(OnnxReader *reader, ProtoTensor *self, Buf *bytes, Error *err) {
    Str name = self->location;
    if (!inside(name)) {
        return error_set(err, ST_VALIDATION,
                         "tensor '" STR_FMT "' lies in '" STR_FMT
                         "', which is not in the model's folder",
                         STR_ARG(self->name), STR_ARG(name));
    }
    uint32_t folder = reader->path.len;
    while (folder > 0 && reader->path.ptr[folder - 1] != '/') folder--;
    Str path = str_printf(reader->arena, STR_FMT STR_FMT,
                          STR_ARG(str_sub(reader->path, 0, folder)), STR_ARG(name));
    int64_t count;
    TRY(tensor_count(self->rank, self->dim, &count, err));
    size_t size = (size_t)count * stored_size(self->type);
    if (self->offset < 0 || size > UINT32_MAX ||
        (self->length >= 0 && (size_t)self->length < size)) {
        return error_set(err, ST_VALIDATION, "tensor '" STR_FMT "' asks for other bytes of '"
                         STR_FMT "' than are its own", STR_ARG(self->name), STR_ARG(name));
    }
    TRY(read_part(path, self->offset, size, bytes, err));
    self->raw = str_make(bytes->ptr, size);
    self->has_raw = true;
    return ST_OK;
}

static Status make_tensor(OnnxReader *reader, ProtoTensor *self, Graph *graph, Tensor *out,
                          uint32_t *value, Error *err) {
    TensorType type = stored_tensor(self->type);
    if (!type) {
        return error_set(err, ST_UNSUPPORTED, "tensor '" STR_FMT "' has data type %lld",
                         STR_ARG(self->name), (long long)self->data_type);
    }
    Buf bytes = {0};
    Status st = self->external ? external(reader, self, &bytes, err) : ST_OK;
    int64_t count = 0;
    if (!st) st = tensor_count(self->rank, self->dim, &count, err);
    if (!st && count != value_count(self)) {
        st = error_set(err, ST_VALIDATION, "tensor '" STR_FMT "' has %lld values, its shape %lld",
                       STR_ARG(self->name), (long long)value_count(self), (long long)count);
    }
    if (!st) st = graph_constant_new(graph, type, self->rank, self->dim, out, value, err);
    if (!st) fill_tensor(reader, self, out);
    if (!st) {
        out->bits = (uint8_t)stored_bits(self->type);
        out->no_sign = stored_unsigned(self->type);
        if (value) {
            graph->constant[*value].bits = out->bits;
            graph->constant[*value].no_sign = out->no_sign;
        }
    }
    buf_free(&bytes);
    return st;
}

Status onnx_tensor(OnnxReader *reader, Str bytes, Graph *graph, Str *name, Tensor *out,
                   uint32_t *value, Error *err) {
    ProtoTensor proto = {0};
    Status st = read_proto(&proto, bytes, err);
    if (!st) st = make_tensor(reader, &proto, graph, out, value, err);
    *name = proto.name;
    proto_tensor_free(&proto);
    return st;
}

// Where value [i] of a sparse tensor stands: by a number, or by one for each dimension. -1:
// nowhere.
static int64_t sparse_place(const Tensor *index, int64_t i, uint32_t rank, const int64_t *dim,
                            int64_t count) {
    int64_t place = 0;
    if (index->rank == 1) {
        place = tensor_integer(index, i);
        return place >= 0 && place < count ? place : -1;
    }
    for (uint32_t d = 0; d < rank; d++) {
        int64_t at = tensor_integer(index, i * rank + d);
        if (at < 0 || at >= dim[d]) return -1;
        place = place * dim[d] + at;
    }
    return place;
}

Status onnx_sparse(OnnxReader *reader, Str bytes, Graph *graph, Str *name, uint32_t *value,
                   Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Buf dims = {0};
    Tensor values = {0}, index = {0}, out;
    Status st = ST_OK;
    *name = STR("");
    while (!st && proto_next(&at, &field)) {
        Str none;
        if (field.number == 1) {
            st = onnx_tensor(reader, field.bytes, graph, name, &values, NULL, err);
        } else if (field.number == 2) {
            st = onnx_tensor(reader, field.bytes, graph, &none, &index, NULL, err);
        } else if (field.number == 3 && !proto_put_i64s(&field, &dims)) {
            st = error_set(err, ST_VALIDATION, "the shape of a sparse tensor is damaged");
        }
    }
    uint32_t rank = (uint32_t)(dims.len / sizeof(int64_t));
    const int64_t *dim = (const int64_t *)(const void *)dims.ptr;
    if (!st) st = proto_end(&at, "a sparse tensor", err);
    bool whole = index.rank == 1 || (index.rank == 2 && index.dim[1] == rank);
    if (!st && (rank > TENSOR_RANK_MAX || !values.type || values.type == TENSOR_STR ||
                index.type != TENSOR_I64 || values.rank != 1 || !whole ||
                index.dim[0] != values.count)) {
        st = error_set(err, ST_VALIDATION,
                       "sparse tensor '" STR_FMT "' has no places for its values", STR_ARG(*name));
    }
    if (!st) st = graph_constant_new(graph, values.type, rank, dim, &out, value, err);
    size_t size = st ? 0 : tensor_size(values.type);
    if (!st) memset(out.data, 0, (size_t)out.count * size);
    for (int64_t i = 0; !st && i < values.count; i++) {
        int64_t place = sparse_place(&index, i, rank, dim, out.count);
        if (place < 0) {
            st = error_set(err, ST_VALIDATION,
                           "sparse tensor '" STR_FMT "': value %lld lies outside", STR_ARG(*name),
                           (long long)i);
        } else {
            memcpy((char *)out.data + (size_t)place * size, (char *)values.data + (size_t)i * size,
                   size);
        }
    }
    buf_free(&dims);
    return st;
}

// --- Attributes and nodes ---

const Attr *onnx_attr(const OnnxNode *node, Str name) {
    for (uint32_t i = 0; i < node->attr_count; i++) {
        if (str_eq(node->attr[i].name, name)) return &node->attr[i];
    }
    return NULL;
}

Status onnx_read_attr(OnnxReader *reader, Str bytes, Graph *graph, Attr *out, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Str given = STR("");
    Buf ints = {0}, floats = {0}, strs = {0};
    Status st = ST_OK;
    bool fine = true;
    *out = (Attr){0};
    while (!st && fine && proto_next(&at, &field)) {
        Str name;
        switch (field.number) {
            case 1: out->name = field.bytes; break;
            case 2: out->f = (double)proto_f32(&field); break;
            case 3: out->i = proto_i64(&field); break;
            case 4:
            case 6: out->s = field.bytes; break;
            case 5:
                st = onnx_tensor(reader, field.bytes, graph, &name, &out->tensor, NULL, err);
                break;
            case 7: fine = proto_put_f32s(&field, &floats); break;
            case 8: fine = proto_put_i64s(&field, &ints); break;
            case 9: buf_put(&strs, &field.bytes, sizeof field.bytes); break;
            case 21: given = field.bytes; break;
            default: break;
        }
    }
    if (!st && !fine) st = error_set(err, ST_VALIDATION, "an attribute's list is damaged");
    if (!st) st = proto_end(&at, "an attribute", err);
    out->int_count = (uint32_t)(ints.len / 8);
    out->float_count = (uint32_t)(floats.len / 4);
    out->str_count = (uint32_t)(strs.len / sizeof(Str));
    out->ints = arena_dup(reader->arena, ints.ptr, ints.len);
    out->floats = arena_dup(reader->arena, floats.ptr, floats.len);
    out->strs = arena_dup(reader->arena, strs.ptr, strs.len);
    buf_free(&ints);
    buf_free(&floats);
    buf_free(&strs);
    if (given.len) {
        const Attr *of = reader->call ? onnx_attr(reader->call, given) : NULL;
        Str name = out->name;
        *out = of ? *of : (Attr){0};
        out->name = of ? name : STR("");
    }
    return st;
}

Status onnx_node(OnnxReader *reader, Str bytes, Graph *graph, OnnxNode *out, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Buf in = {0}, outs = {0}, attrs = {0};
    Status st = ST_OK;
    *out = (OnnxNode){0};
    while (!st && proto_next(&at, &field)) {
        Attr attr;
        switch (field.number) {
            case 1: buf_put(&in, &field.bytes, sizeof(Str)); break;
            case 2: buf_put(&outs, &field.bytes, sizeof(Str)); break;
            case 3: out->name = field.bytes; break;
            case 4: out->type = field.bytes; break;
            case 5:
                st = onnx_read_attr(reader, field.bytes, graph, &attr, err);
                if (!st && attr.name.len) buf_put(&attrs, &attr, sizeof attr);
                break;
            case 7: out->domain = field.bytes; break;
            default: break;
        }
    }
    if (!st) st = proto_end(&at, "a node", err);
    out->in_count = (uint32_t)(in.len / sizeof(Str));
    out->out_count = (uint32_t)(outs.len / sizeof(Str));
    out->attr_count = (uint32_t)(attrs.len / sizeof(Attr));
    out->in = arena_dup(reader->arena, in.ptr, in.len);
    out->out = arena_dup(reader->arena, outs.ptr, outs.len);
    out->attr = arena_dup(reader->arena, attrs.ptr, attrs.len);
    buf_free(&in);
    buf_free(&outs);
    buf_free(&attrs);
    // What has no name is called by its first value.
    if (!out->name.len && out->out_count) out->name = out->out[0];
    return st;
}
