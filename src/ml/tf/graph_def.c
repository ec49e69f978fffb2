// ml/tf/graph_def.c - GraphDef, FunctionDef, NodeDef, AttrValue, TensorProto as they stand in a
// file (tensorflow/core/framework/*.proto).
#include "ml/tf/tf_int.h"

// tensorflow.DataType
static const StoredType TYPES[] = {
    [1] = STORED_F32, STORED_F64, STORED_I32, STORED_U8, STORED_I16, STORED_I8, STORED_STR,
    [9] = STORED_I64, STORED_BOOL, [14] = STORED_BF16, [17] = STORED_U16, [19] = STORED_F16,
    [21] = STORED_LIST, STORED_U32, STORED_U64,
};

StoredType tf_stored(int64_t type) {
    bool known = type > 0 && type < (int64_t)(sizeof TYPES / sizeof TYPES[0]);
    return known ? TYPES[type] : STORED_NONE;
}

TensorType tf_type(int64_t type) {
    return stored_tensor(tf_stored(type));
}

// --- Tensors ---

bool tf_shape(Str bytes, uint32_t *rank, int64_t dim[TENSOR_RANK_MAX]) {
    Proto at = proto_of(bytes);
    ProtoField field, part;
    *rank = 0;
    while (proto_next(&at, &field)) {
        if (field.number == 3 && field.value) return false;
        if (field.number != 2) continue;
        if (*rank == TENSOR_RANK_MAX) return false;
        Proto size = proto_of(field.bytes);
        int64_t value = 0;
        while (proto_next(&size, &part)) {
            if (part.number == 1) value = proto_i64(&part);
        }
        dim[(*rank)++] = value;
    }
    return !at.damaged;
}

typedef struct TfTensor {
    int64_t data_type;  // of the file
    StoredType type;
    Str shape, content;
    Buf floats, doubles, ints, strings;
} TfTensor;

static bool read_tensor(Str bytes, TfTensor *out) {
    Proto at = proto_of(bytes);
    ProtoField field;
    bool fine = true;
    while (fine && proto_next(&at, &field)) {
        switch (field.number) {
            case 1: out->data_type = proto_i64(&field); break;
            case 2: out->shape = field.bytes; break;
            case 4: out->content = field.bytes; break;
            case 5: fine = proto_put_f32s(&field, &out->floats); break;
            case 6: fine = proto_put_f64s(&field, &out->doubles); break;
            case 8: buf_put(&out->strings, &field.bytes, sizeof(Str)); break;
            case 7:
            case 10:
            case 11:
            case 13:
            case 16:
            case 17: fine = proto_put_i64s(&field, &out->ints); break;
            default: break;
        }
    }
    out->type = tf_stored(out->data_type);
    return fine && !at.damaged;
}

static Status fill_content(const TfTensor *self, const Tensor *t, Error *err) {
    uint32_t size = stored_size(self->type);
    if (!size || self->content.len != (uint64_t)t->count * size) {
        return error_set(err, ST_VALIDATION, "a tensor has %u bytes for %lld values",
                         self->content.len, (long long)t->count);
    }
    stored_fill(t, self->type, self->content.ptr);
    return ST_OK;
}

// Values of a list; the last stands for all that follow, and none for zeros.
static Status fill_list(const TfTensor *self, Graph *graph, const Tensor *t, Error *err) {
    const Buf *list = self->type == STORED_F32   ? &self->floats
                      : self->type == STORED_F64 ? &self->doubles
                      : self->type == STORED_STR ? &self->strings
                                                 : &self->ints;
    size_t size = self->type == STORED_F32 ? 4 : self->type == STORED_STR ? sizeof(Str) : 8;
    int64_t given = (int64_t)(list->len / size);
    if (given > t->count) return error_set(err, ST_VALIDATION, "a tensor has too many values");
    for (int64_t i = 0; i < t->count; i++) {
        const char *from = given ? list->ptr + (size_t)(i < given ? i : given - 1) * size : NULL;
        uint64_t bits = 0;
        if (self->type == STORED_STR) {
            Str text = STR("");
            if (from) memcpy(&text, from, sizeof text);
            tensor_str(t)[i] = str_dup(&graph->home->arena, text);
            continue;
        }
        if (from) memcpy(&bits, from, size);
        stored_put(t, i, self->type, bits);
    }
    return ST_OK;
}

Status tf_tensor(Str bytes, Graph *graph, Tensor *out, uint32_t *value, Error *err) {
    TfTensor tensor = {0};
    int64_t dim[TENSOR_RANK_MAX];
    uint32_t rank;
    Status st = ST_OK;
    if (!read_tensor(bytes, &tensor) || !tf_shape(tensor.shape, &rank, dim)) {
        st = error_set(err, ST_VALIDATION, "a tensor is damaged");
    }
    TensorType type = stored_tensor(tensor.type);
    if (!st && (!type || type == TENSOR_LIST)) {
        st = error_set(err, ST_UNSUPPORTED, "a tensor of data type %lld",
                       (long long)tensor.data_type);
    }
    if (!st) st = graph_constant_new(graph, type, rank, dim, out, value, err);
    if (!st && tensor.content.len) st = fill_content(&tensor, out, err);
    else if (!st) st = fill_list(&tensor, graph, out, err);
    buf_free(&tensor.floats);
    buf_free(&tensor.doubles);
    buf_free(&tensor.ints);
    buf_free(&tensor.strings);
    return st;
}

bool tf_strings(Str bytes, Arena *arena, const Str **out, uint32_t *count) {
    TfTensor tensor = {0};
    bool fine = read_tensor(bytes, &tensor) && tensor.type == STORED_STR;
    *count = (uint32_t)(tensor.strings.len / sizeof(Str));
    *out = arena_dup(arena, tensor.strings.ptr, tensor.strings.len);
    buf_free(&tensor.floats);
    buf_free(&tensor.doubles);
    buf_free(&tensor.ints);
    buf_free(&tensor.strings);
    return fine;
}

// --- Attributes ---

// Shapes, tensors and functions stay bytes until somebody asks for them.
static bool read_list(Str bytes, Arena *arena, Attr *out) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Buf ints = {0}, floats = {0}, strs = {0};
    bool fine = true;
    while (fine && proto_next(&at, &field)) {
        Str name = field.bytes;
        switch (field.number) {
            case 3:
            case 5:
            case 6: fine = proto_put_i64s(&field, &ints); break;
            case 4: fine = proto_put_f32s(&field, &floats); break;
            case 9: {
                Proto func = proto_of(field.bytes);
                ProtoField part;
                name = STR("");
                while (proto_next(&func, &part)) {
                    if (part.number == 1) name = part.bytes;
                }
                buf_put(&strs, &name, sizeof name);
                break;
            }
            case 2:
            case 7:
            case 8: buf_put(&strs, &name, sizeof name); break;
            default: break;
        }
    }
    out->int_count = (uint32_t)(ints.len / 8);
    out->float_count = (uint32_t)(floats.len / 4);
    out->str_count = (uint32_t)(strs.len / sizeof(Str));
    out->ints = arena_dup(arena, ints.ptr, ints.len);
    out->floats = arena_dup(arena, floats.ptr, floats.len);
    out->strs = arena_dup(arena, strs.ptr, strs.len);
    buf_free(&ints);
    buf_free(&floats);
    buf_free(&strs);
    return fine && !at.damaged;
}

static bool read_value(Str bytes, Arena *arena, Attr *out) {
    Proto at = proto_of(bytes);
    ProtoField field, part;
    bool fine = true;
    while (fine && proto_next(&at, &field)) {
        switch (field.number) {
            case 1: fine = read_list(field.bytes, arena, out); break;
            case 2:
            case 7:
            case 8: out->s = field.bytes; break;
            case 3:
            case 5:
            case 6: out->i = proto_i64(&field); break;
            case 4: out->f = (double)proto_f32(&field); break;
            case 10: {
                Proto func = proto_of(field.bytes);
                while (proto_next(&func, &part)) {
                    if (part.number == 1) out->s = part.bytes;
                }
                break;
            }
            default: break;
        }
    }
    return fine && !at.damaged;
}

static bool read_attr(Str bytes, Arena *arena, Attr *out) {
    Proto at = proto_of(bytes);
    ProtoField field;
    bool fine = true;
    *out = (Attr){0};
    while (fine && proto_next(&at, &field)) {
        if (field.number == 1) out->name = field.bytes;
        if (field.number == 2) fine = read_value(field.bytes, arena, out);
    }
    return fine && !at.damaged;
}

// --- Nodes, functions, graphs ---

static Status read_node(Str bytes, Arena *arena, TfNode *out, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Buf in = {0}, attrs = {0};
    bool fine = true;
    *out = (TfNode){0};
    while (fine && proto_next(&at, &field)) {
        Attr attr;
        switch (field.number) {
            case 1: out->name = field.bytes; break;
            case 2: out->op = field.bytes; break;
            case 3: buf_put(&in, &field.bytes, sizeof(Str)); break;
            case 5:
                fine = read_attr(field.bytes, arena, &attr);
                buf_put(&attrs, &attr, sizeof attr);
                break;
            default: break;
        }
    }
    out->in_count = (uint32_t)(in.len / sizeof(Str));
    out->attr_count = (uint32_t)(attrs.len / sizeof(Attr));
    out->in = arena_dup(arena, in.ptr, in.len);
    out->attr = arena_dup(arena, attrs.ptr, attrs.len);
    buf_free(&in);
    buf_free(&attrs);
    if (fine && !at.damaged) return ST_OK;
    return error_set(err, ST_VALIDATION, "node '" STR_FMT "' is damaged", STR_ARG(out->name));
}

static Status name_nodes(TfBody *body, Buf *nodes, Arena *arena, Error *err) {
    body->node_count = (uint32_t)(nodes->len / sizeof(TfNode));
    body->node = arena_dup(arena, nodes->ptr, nodes->len);
    if (body->node_count > TF_NODES_MAX) {
        return error_set(err, ST_VALIDATION, "more than %d nodes", TF_NODES_MAX);
    }
    for (uint32_t i = 0; i < body->node_count; i++) {
        if (map_put(&body->place, body->node[i].name, (void *)((uintptr_t)i + 1))) {
            return error_set(err, ST_VALIDATION, "two nodes are called '" STR_FMT "'",
                             STR_ARG(body->node[i].name));
        }
    }
    return ST_OK;
}

// OpDef: the name, the arguments and the results of a function.
static void read_signature(Str bytes, Arena *arena, TfBody *out) {
    Proto at = proto_of(bytes);
    ProtoField field, part;
    Buf in = {0}, outs = {0};
    while (proto_next(&at, &field)) {
        if (field.number == 1) out->name = field.bytes;
        if (field.number != 2 && field.number != 3) continue;
        Proto arg = proto_of(field.bytes);
        Str name = STR("");
        while (proto_next(&arg, &part)) {
            if (part.number == 1) name = part.bytes;
        }
        buf_put(field.number == 2 ? &in : &outs, &name, sizeof name);
    }
    out->arg_count = (uint32_t)(in.len / sizeof(Str));
    out->out_count = (uint32_t)(outs.len / sizeof(Str));
    out->arg = arena_dup(arena, in.ptr, in.len);
    out->out = arena_dup(arena, outs.ptr, outs.len);
    out->ret = ARENA_ARRAY(arena, Str, out->out_count + 1);
    buf_free(&in);
    buf_free(&outs);
}

static void read_ret(Str bytes, TfBody *out) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Str key = STR(""), value = STR("");
    while (proto_next(&at, &field)) {
        if (field.number == 1) key = field.bytes;
        if (field.number == 2) value = field.bytes;
    }
    for (uint32_t i = 0; i < out->out_count; i++) {
        if (str_eq(out->out[i], key)) out->ret[i] = value;
    }
}

static Status read_function(Str bytes, Arena *arena, TfBody *out, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Buf nodes = {0};
    Status st = ST_OK;
    *out = (TfBody){0};
    while (!st && proto_next(&at, &field)) {
        TfNode node;
        if (field.number == 1) read_signature(field.bytes, arena, out);
        if (field.number != 3) continue;
        st = read_node(field.bytes, arena, &node, err);
        buf_put(&nodes, &node, sizeof node);
    }
    if (!st) st = proto_end(&at, "a function", err);
    for (at = proto_of(bytes); !st && proto_next(&at, &field);) {
        if (field.number == 4) read_ret(field.bytes, out);
    }
    if (!st) st = name_nodes(out, &nodes, arena, err);
    buf_free(&nodes);
    return st;
}

static Status read_library(Str bytes, TfFile *out, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    while (proto_next(&at, &field)) {
        if (field.number != 1) continue;
        TfBody *body = ARENA_NEW(out->arena, TfBody);
        Status st = read_function(field.bytes, out->arena, body, err);
        TfBody *other = map_put(&out->function, body->name, body);
        if (other) map_clear(&other->place);
        if (st) return st;
    }
    return proto_end(&at, "the library of functions", err);
}

Status tf_file_read(Str graph_def, Arena *arena, TfFile *out, Error *err) {
    Proto at = proto_of(graph_def);
    ProtoField field;
    Buf nodes = {0};
    Status st = ST_OK;
    *out = (TfFile){.arena = arena};
    while (!st && proto_next(&at, &field)) {
        TfNode node;
        if (field.number == 2) st = read_library(field.bytes, out, err);
        if (field.number != 1) continue;
        if (!st) st = read_node(field.bytes, arena, &node, err);
        if (!st) buf_put(&nodes, &node, sizeof node);
    }
    if (!st) st = proto_end(&at, "the graph", err);
    if (!st) st = name_nodes(&out->main, &nodes, arena, err);
    buf_free(&nodes);
    return st;
}

void tf_file_clear(TfFile *file) {
    for (uint32_t i = 0; i < file->function.count; i++) {
        map_clear(&((TfBody *)file->function.entry[i].value)->place);
    }
    map_clear(&file->function);
    map_clear(&file->main.place);
}

const Attr *tf_attr(const TfNode *node, const char *name) {
    for (uint32_t i = 0; i < node->attr_count; i++) {
        if (str_eq(node->attr[i].name, str_c(name))) return &node->attr[i];
    }
    return NULL;
}

int64_t tf_attr_int(const TfNode *node, const char *name, int64_t otherwise) {
    const Attr *attr = tf_attr(node, name);
    return attr ? attr->i : otherwise;
}

void tf_ref(Str ref, Str *node, Str *port, uint32_t *index) {
    int64_t first = str_find(ref, STR(":"), 0), value = 0;
    *node = first < 0 ? ref : str_sub(ref, 0, (uint32_t)first);
    *port = STR("");
    *index = 0;
    if (first < 0) return;
    Str rest = str_sub(ref, (uint32_t)first + 1, ref.len);
    int64_t second = str_find(rest, STR(":"), 0);
    if (second >= 0) {
        *port = str_sub(rest, 0, (uint32_t)second);
        rest = str_sub(rest, (uint32_t)second + 1, rest.len);
    }
    if (str_to_i64(rest, &value) && value >= 0 && value < NODE_INPUTS_MAX) *index = (uint32_t)value;
}

TfNode *tf_node(const TfBody *body, Str name) {
    uintptr_t found = (uintptr_t)map_get(&body->place, name);
    return found ? &body->node[found - 1] : NULL;
}
