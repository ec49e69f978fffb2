// ml/onnx/onnx.c - models in the Open Neural Network Exchange format (onnx.proto, IR 3 to 11).
//
// A graph lists its nodes in the order in which they can run, so one pass builds it. A body of a
// loop or a branch sees the names of the graph around it: a name that is not its own becomes an
// input more (a capture), or a constant when the value is known. A function of the model is written
// out where it is called.
#include "ml/formats.h"
#include "ml/graph/kernels.h"
#include "ml/graph/served.h"
#include "ml/onnx/onnx_int.h"

// A graph in the making and the names in it.
typedef struct Scope {
    struct Scope *parent;
    Graph *graph;
    Map value;  // name → value + 1, as a pointer
    Buf capture;  // uint32_t: values of the parent, in the order of the inputs behind our own
} Scope;

static void scope_clear(Scope *self) {
    map_clear(&self->value);
    buf_free(&self->capture);
}

static void scope_put(Scope *self, Str name, uint32_t value) {
    if (name.len) map_put(&self->value, name, (void *)((uintptr_t)value + 1));
}

// The value of that name, brought in from around when need be; VALUE_NONE: there is none.
static uint32_t scope_get(Scope *self, Str name) {
    uintptr_t found = (uintptr_t)map_get(&self->value, name);
    if (found) return (uint32_t)(found - 1);
    if (!self->parent) return VALUE_NONE;
    uint32_t outer = scope_get(self->parent, name), value;
    if (outer == VALUE_NONE) return VALUE_NONE;
    const Tensor *known = graph_known(self->parent->graph, outer);
    if (known) {
        value = graph_value(self->graph);
        self->graph->constant[value] = *known;
    } else {
        value = graph_input(self->graph);
        buf_put(&self->capture, &outer, sizeof outer);
    }
    scope_put(self, name, value);
    return value;
}

static Status read_graph(OnnxReader *reader, Scope *scope, Str bytes, Error *err);

// --- Operators ---

static const Op *find_op(Str domain, Str type) {
    bool plain = domain.len == 0 || str_is(domain, "ai.onnx");
    bool ml = str_is(domain, "ai.onnx.ml");
    const Op *const tables[] = {plain ? ONNX_OPS : ONNX_ML_OPS, plain ? ONNX_NN_OPS : NULL,
                                plain ? ONNX_QUANT_OPS : NULL, NULL};
    if (!plain && !ml && !str_is(domain, "com.microsoft")) return NULL;
    for (uint32_t i = 0; tables[i]; i++) {
        for (const Op *op = tables[i]; op->name; op++) {
            if (str_eq(str_c(op->name), type)) return op;
        }
    }
    return NULL;
}

static Status unknown_op(const OnnxNode *node, Error *err) {
    (void)error_set(err, ST_UNSUPPORTED, "operator " STR_FMT "%s" STR_FMT " of node '" STR_FMT
                    "' is not known here", STR_ARG(node->domain), node->domain.len ? "." : "",
                    STR_ARG(node->type), STR_ARG(node->name));
    error_hint(err, "'runtime'='library' runs it with ONNX Runtime: pip install onnxruntime");
    return ST_UNSUPPORTED;
}

// --- Loops and branches ---

static const char *const BODY_NAMES[] = {"then_branch", "else_branch", "body"};

// Reads the bodies of a node, adds to [in] what they capture and notes where it stands.
static Status read_bodies(OnnxReader *reader, Scope *scope, const OnnxNode *node, Buf *in,
                          Graph **body, uint32_t *first, uint32_t *count, Error *err) {
    *count = 0;
    for (uint32_t i = 0; i < 3; i++) {
        const Attr *attr = onnx_attr(node, str_c(BODY_NAMES[i]));
        if (!attr) continue;
        Scope inner = {.parent = scope};
        Status st = graph_new(reader->home, scope->graph, &inner.graph, err);
        if (!st) st = read_graph(reader, &inner, attr->s, err);
        if (!st) {
            first[*count] = (uint32_t)(in->len / sizeof(uint32_t));
            buf_put(in, inner.capture.ptr, inner.capture.len);
            body[(*count)++] = inner.graph;
        }
        scope_clear(&inner);
        if (st) return st;
    }
    return ST_OK;
}

// What the kernels of loops want to know stands among the attributes of no file: it is put there.
static Attr *with_flow(OnnxReader *reader, OnnxNode *node, const uint32_t *first, uint32_t bodies) {
    Attr *attr = ARENA_ARRAY(reader->arena, Attr, node->attr_count + 1);
    memcpy(attr, node->attr, node->attr_count * sizeof *attr);
    int64_t *value = ARENA_ARRAY(reader->arena, int64_t, bodies + 1);
    for (uint32_t i = 0; i < bodies; i++) value[i] = first[i];
    attr[node->attr_count] = (Attr){.name = STR("(captures)"), .ints = value, .int_count = bodies,
                                    .i = node->in_count};
    node->attr_count++;
    return node->attr = attr;
}

// The values that a node takes, VALUE_NONE where it leaves one out.
static Status find_inputs(Scope *scope, const OnnxNode *node, Buf *in, Error *err) {
    for (uint32_t i = 0; i < node->in_count; i++) {
        Str name = node->in[i];
        uint32_t value = name.len ? scope_get(scope, name) : VALUE_NONE;
        // A function's input that its call leaves out has a name and no value.
        if (name.len && value == VALUE_NONE && !map_has(&scope->value, name)) {
            return error_set(err, ST_VALIDATION, "node '" STR_FMT "' (" STR_FMT ") wants '" STR_FMT
                             "', which nothing before it gives", STR_ARG(node->name),
                             STR_ARG(node->type), STR_ARG(name));
        }
        buf_put(in, &value, sizeof value);
    }
    return ST_OK;
}

static Status put_output(Scope *scope, Str name, uint32_t value, Error *err) {
    if (map_has(&scope->value, name)) {
        return error_set(err, ST_VALIDATION, "'" STR_FMT "' is given twice", STR_ARG(name));
    }
    scope_put(scope, name, value);
    return ST_OK;
}

// --- Functions of the model ---

enum { FUNCTION_DEPTH_MAX = 64, FUNCTION_CALLS_MAX = 100000 };

static Status read_nodes(OnnxReader *reader, Scope *scope, Str bytes, uint32_t number, Error *err);

// The version of the plain operators that an OperatorSetIdProto says, or -1.
static int64_t opset_of(Str bytes) {
    Proto set = proto_of(bytes);
    ProtoField part;
    Str domain = STR("");
    int64_t version = 0;
    while (proto_next(&set, &part)) {
        if (part.number == 1) domain = part.bytes;
        if (part.number == 2) version = proto_i64(&part);
    }
    return domain.len == 0 || str_is(domain, "ai.onnx") ? version : -1;
}

// The names and defaults of a FunctionProto. [call] gets the attributes that it does not give.
static Status open_function(OnnxReader *reader, Scope *inner, Str bytes, const uint32_t *value,
                            OnnxNode *call, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    uint32_t in = 0;
    Buf attrs = {0};
    Status st = ST_OK;
    buf_put(&attrs, call->attr, call->attr_count * sizeof *call->attr);
    while (!st && proto_next(&at, &field)) {
        Attr attr;
        if (field.number == 4) {
            scope_put(inner, field.bytes, in < call->in_count ? value[in] : VALUE_NONE);
            in++;
        }
        if (field.number == 9) {
            int64_t version = opset_of(field.bytes);
            if (version > 0) reader->home->opset = (int32_t)version;
        }
        if (field.number != 11) continue;
        st = onnx_read_attr(reader, field.bytes, inner->graph, &attr, err);
        if (!st && !onnx_attr(call, attr.name)) buf_put(&attrs, &attr, sizeof attr);
    }
    if (!st) st = proto_end(&at, "a function", err);
    call->attr_count = (uint32_t)(attrs.len / sizeof(Attr));
    call->attr = arena_dup(reader->arena, attrs.ptr, attrs.len);
    buf_free(&attrs);
    return st;
}

static Status close_function(Scope *scope, Scope *inner, Str bytes, const OnnxNode *call,
                             Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    uint32_t out = 0;
    while (proto_next(&at, &field)) {
        if (field.number != 5) continue;
        uint32_t value = scope_get(inner, field.bytes), place = out++;
        if (place >= call->out_count || !call->out[place].len) continue;
        if (value == VALUE_NONE) {
            return error_set(err, ST_VALIDATION, "function " STR_FMT " does not give its '" STR_FMT
                             "'", STR_ARG(call->type), STR_ARG(field.bytes));
        }
        TRY(put_output(scope, call->out[place], value, err));
    }
    return ST_OK;
}

// Writes out the function that [node] calls.
static Status add_call(OnnxReader *reader, Scope *scope, const OnnxNode *node, Str function,
                       Error *err) {
    if (reader->depth == FUNCTION_DEPTH_MAX || reader->calls == FUNCTION_CALLS_MAX) {
        return error_set(err, ST_UNSUPPORTED,
                         "function " STR_FMT
                         ": functions are called more than "
                         "%d deep, or %d times",
                         STR_ARG(node->type), FUNCTION_DEPTH_MAX, FUNCTION_CALLS_MAX);
    }
    const OnnxNode *outer = reader->call;
    int32_t opset = reader->home->opset;
    OnnxNode call = *node;
    Scope inner = {.graph = scope->graph};
    Buf in = {0};
    reader->depth++;
    reader->calls++;
    Status st = find_inputs(scope, node, &in, err);
    if (!st) {
        st = open_function(reader, &inner, function, (const uint32_t *)(void *)in.ptr, &call, err);
    }
    reader->call = &call;
    if (!st) st = read_nodes(reader, &inner, function, 7, err);
    if (!st) st = close_function(scope, &inner, function, &call, err);
    reader->call = outer;
    reader->home->opset = opset;
    reader->depth--;
    buf_free(&in);
    scope_clear(&inner);
    return st;
}

// Notes the functions of the model by their names.
static Status read_functions(OnnxReader *reader, Str bytes, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field, part;
    while (proto_next(&at, &field)) {
        if (field.number != 25 || field.wire != PROTO_BYTES) continue;
        Proto function = proto_of(field.bytes);
        Str name = STR(""), domain = STR("");
        while (proto_next(&function, &part)) {
            if (part.number == 1) name = part.bytes;
            if (part.number == 10) domain = part.bytes;
        }
        TRY(proto_end(&function, "a function", err));
        Str key = str_printf(reader->arena, STR_FMT "." STR_FMT, STR_ARG(domain), STR_ARG(name));
        map_put(&reader->function, key,
                arena_dup(reader->arena, &field.bytes, sizeof field.bytes));
    }
    return proto_end(&at, "the model", err);
}

static const Str *find_function(const OnnxReader *reader, const OnnxNode *node) {
    if (!reader->function.count) return NULL;
    Str key = str_printf(reader->arena, STR_FMT "." STR_FMT, STR_ARG(node->domain),
                         STR_ARG(node->type));
    return map_get(&reader->function, key);
}

// --- Nodes ---

static Status add_node(OnnxReader *reader, Scope *scope, OnnxNode *node, Error *err) {
    const Str *function = find_function(reader, node);
    if (function) return add_call(reader, scope, node, *function, err);
    const Op *op = find_op(node->domain, node->type);
    if (!op) return unknown_op(node, err);
    const Attr *broadcast = onnx_attr(node, STR("broadcast"));
    if (broadcast && broadcast->i) {
        return error_set(err, ST_UNSUPPORTED,
                         "node '" STR_FMT "' (" STR_FMT
                         ") broadcasts as before "
                         "opset 7",
                         STR_ARG(node->name), STR_ARG(node->type));
    }
    Buf in = {0};
    Graph *body[3] = {0};
    uint32_t first[3], bodies = 0;
    Status st = find_inputs(scope, node, &in, err);
    if (!st) st = read_bodies(reader, scope, node, &in, body, first, &bodies, err);
    if (!st && bodies) (void)with_flow(reader, node, first, bodies);
    uint32_t *out = ARENA_ARRAY(reader->arena, uint32_t, node->out_count + 1);
    NodeSpec spec = {.op = op, .name = node->name, .label = node->type,
                     .in = (const uint32_t *)(void *)in.ptr,
                     .in_count = (uint32_t)(in.len / sizeof(uint32_t)),
                     .out_count = node->out_count, .attr = node->attr,
                     .attr_count = node->attr_count, .body = body};
    if (!st) {
        spec.body_count = bodies;
        st = graph_add(scope->graph, &spec, out, err);
    }
    for (uint32_t i = 0; i < node->out_count && !st; i++) {
        st = put_output(scope, node->out[i], out[i], err);
    }
    buf_free(&in);
    return st;
}

// --- Graphs ---

// A ValueInfoProto: name, type and shape of a port.
static Status read_port(Str bytes, ServedPort *out, bool *tensor, Error *err) {
    Proto at = proto_of(bytes), type, shape, dims;
    ProtoField f, g, h, d;
    *out = (ServedPort){0};
    *tensor = false;
    while (proto_next(&at, &f)) {
        if (f.number == 1) out->name = f.bytes;
        if (f.number != 2) continue;
        for (type = proto_of(f.bytes); proto_next(&type, &g);) {
            if (g.number != 1) continue;
            *tensor = true;
            for (shape = proto_of(g.bytes); proto_next(&shape, &h);) {
                if (h.number == 1) out->type = onnx_type(proto_i64(&h));
                if (h.number != 2) continue;
                for (dims = proto_of(h.bytes); proto_next(&dims, &d);) {
                    if (d.number != 1) continue;
                    Proto dim = proto_of(d.bytes);
                    ProtoField v;
                    int64_t size = -1;
                    while (proto_next(&dim, &v)) {
                        if (v.number == 1) size = proto_i64(&v);
                    }
                    if (out->rank == TENSOR_RANK_MAX) {
                        return error_set(err, ST_UNSUPPORTED, "'" STR_FMT "' has more than %d "
                                         "dimensions", STR_ARG(out->name), TENSOR_RANK_MAX);
                    }
                    out->dim[out->rank++] = size > 0 ? size : -1;
                }
            }
        }
    }
    return proto_end(&at, "a ValueInfoProto", err);
}

static Status read_initializers(OnnxReader *reader, Scope *scope, Str bytes, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    while (proto_next(&at, &field)) {
        Str name;
        Tensor t;
        uint32_t value;
        if (field.number == 15) {
            TRY(onnx_sparse(reader, field.bytes, scope->graph, &name, &value, err));
            scope_put(scope, name, value);
        }
        if (field.number != 5) continue;
        TRY(onnx_tensor(reader, field.bytes, scope->graph, &name, &t, &value, err));
        scope_put(scope, name, value);
    }
    return proto_end(&at, "the graph", err);
}

// The nodes of a graph, or of a function, which has them as fields of another [number].
static Status read_nodes(OnnxReader *reader, Scope *scope, Str bytes, uint32_t number,
                         Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    while (proto_next(&at, &field)) {
        OnnxNode node;
        if (field.number != number) continue;
        TRY(onnx_node(reader, field.bytes, scope->graph, &node, err));
        TRY(add_node(reader, scope, &node, err));
    }
    return proto_end(&at, "the graph", err);
}

// Inputs that are initializers, too, are defaults which nobody can override here. [ports] collects
// ServedPorts when it is not NULL.
static Status read_inputs(Scope *scope, Str bytes, Buf *ports, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    while (proto_next(&at, &field)) {
        ServedPort port;
        bool tensor;
        if (field.number != 11) continue;
        TRY(read_port(field.bytes, &port, &tensor, err));
        if (map_has(&scope->value, port.name)) continue;
        if (ports && (!tensor || !port.type)) {
            return error_set(err, ST_UNSUPPORTED,
                             "input '" STR_FMT "' is no tensor of a known type",
                             STR_ARG(port.name));
        }
        scope_put(scope, port.name, graph_input(scope->graph));
        if (ports) buf_put(ports, &port, sizeof port);
    }
    return proto_end(&at, "the graph", err);
}

static Status read_outputs(Scope *scope, Str bytes, Buf *names, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Buf values = {0};
    Status st = ST_OK;
    while (!st && proto_next(&at, &field)) {
        ServedPort port;
        bool tensor;
        if (field.number != 12) continue;
        st = read_port(field.bytes, &port, &tensor, err);
        if (st) break;
        uint32_t value = scope_get(scope, port.name);
        if (value == VALUE_NONE) {
            st = error_set(err, ST_VALIDATION, "nothing gives the output '" STR_FMT "'",
                           STR_ARG(port.name));
        }
        buf_put(&values, &value, sizeof value);
        if (names) buf_put(names, &port.name, sizeof port.name);
    }
    if (!st) st = proto_end(&at, "the graph", err);
    if (!st) {
        graph_set_outputs(scope->graph, (const uint32_t *)(void *)values.ptr,
                          (uint32_t)(values.len / sizeof(uint32_t)));
    }
    buf_free(&values);
    return st;
}

static Status read_graph(OnnxReader *reader, Scope *scope, Str bytes, Error *err) {
    TRY(read_initializers(reader, scope, bytes, err));
    TRY(read_inputs(scope, bytes, NULL, err));
    TRY(read_nodes(reader, scope, bytes, 1, err));
    TRY(read_outputs(scope, bytes, NULL, err));
    graph_finish(scope->graph);
    return ST_OK;
}

// --- The model ---

enum { OPSET_MIN = 1 };

typedef struct OnnxFile {
    Str graph;
    int64_t opset;
} OnnxFile;

static bool read_file(Str bytes, OnnxFile *out) {
    Proto at = proto_of(bytes);
    ProtoField field;
    *out = (OnnxFile){.opset = -1};
    while (proto_next(&at, &field)) {
        if (field.number == 7 && field.wire == PROTO_BYTES) out->graph = field.bytes;
        if (field.number != 8 || field.wire != PROTO_BYTES) continue;
        int64_t version = opset_of(field.bytes);
        if (version >= 0) out->opset = version;
    }
    return !at.damaged && out->graph.ptr;
}

static bool onnx_matches(Str path, Str bytes) {
    OnnxFile file;
    return str_ends(path, STR(".onnx")) || (bytes.len > 16 && bytes.ptr[0] == 8 &&
                                            read_file(bytes, &file) && file.opset > 0);
}

static Status build(OnnxReader *reader, const OnnxFile *file, Scope *scope, Buf *ports, Buf *names,
                    Error *err) {
    reader->home->opset = file->opset < 0 ? 15 : (int32_t)file->opset;
    if (file->opset >= 0 && file->opset < OPSET_MIN) {
        return error_set(err, ST_UNSUPPORTED, "its operators are those of opset %lld; known are "
                         "those from %d on", (long long)file->opset, OPSET_MIN);
    }
    TRY(graph_new(reader->home, NULL, &scope->graph, err));
    TRY(read_initializers(reader, scope, file->graph, err));
    TRY(read_inputs(scope, file->graph, ports, err));
    TRY(read_nodes(reader, scope, file->graph, 1, err));
    TRY(read_outputs(scope, file->graph, names, err));
    graph_finish(scope->graph);
    return ST_OK;
}

static Status onnx_load(Str path, Str bytes, MlModel **out, Error *err) {
    Arena arena;
    arena_init(&arena);
    Buf ports = {0}, names = {0};
    ServedSpec spec = {.format = "onnx"};
    graph_home_init(&spec.home);
    OnnxReader reader = {.home = &spec.home, .path = path, .arena = &arena};
    Scope scope = {0};
    OnnxFile file;
    Status st = ST_OK;
    if (!read_file(bytes, &file)) {
        st = error_set(err, ST_VALIDATION, "it is no ONNX model, or a damaged one");
    }
    if (!st) st = read_functions(&reader, bytes, err);
    if (!st) st = build(&reader, &file, &scope, &ports, &names, err);
    if (!st) {
        spec.graph = scope.graph;
        spec.in = (const ServedPort *)(void *)ports.ptr;
        spec.out = (const Str *)(void *)names.ptr;
        spec.in_count = (uint32_t)(ports.len / sizeof(ServedPort));
        spec.out_count = (uint32_t)(names.len / sizeof(Str));
        st = served_new(&spec, out, err);
    } else {
        graph_home_clear(&spec.home);
    }
    if (st) error_while(err, "reading " STR_FMT, STR_ARG(path));
    scope_clear(&scope);
    map_clear(&reader.function);
    buf_free(&ports);
    buf_free(&names);
    arena_clear(&arena);
    return st;
}

const MlFormat ONNX_FORMAT = {.name = "onnx", .matches = onnx_matches, .load = onnx_load};
