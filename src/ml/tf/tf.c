// ml/tf/tf.c - TensorFlow's models: a frozen GraphDef in a file, or a SavedModel, which is a folder
// with saved_model.pb and the values of its variables (saved_model.proto, meta_graph.proto).
#include "ml/formats.h"
#include "ml/graph/served.h"
#include "ml/tf/tf_int.h"
#include "os/os.h"

// --- SavedModel ---

static Status read_info(Str bytes, TfPort *out, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    while (proto_next(&at, &field)) {
        if (field.number == 1) out->tensor = field.bytes;
        if (field.number == 2) out->port.type = tf_type(proto_i64(&field));
        if (field.number == 3) {
            out->shaped = tf_shape(field.bytes, &out->port.rank, out->port.dim);
        }
    }
    return proto_end(&at, "a TensorInfo", err);
}

// The entries of a map from names to TensorInfo.
static Status read_ports(Str bytes, uint32_t number, Buf *out, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field, part;
    while (proto_next(&at, &field)) {
        if (field.number != number) continue;
        TfPort port = {0};
        Proto entry = proto_of(field.bytes);
        while (proto_next(&entry, &part)) {
            if (part.number == 1) port.key = part.bytes;
            if (part.number == 2) TRY(read_info(part.bytes, &port, err));
        }
        port.port.name = port.key;
        buf_put(out, &port, sizeof port);
    }
    return proto_end(&at, "a signature", err);
}

// Maps have no order of their own: TensorFlow takes that of the names.
static void sort_ports(Buf *ports) {
    TfPort *port = (TfPort *)(void *)ports->ptr;
    for (size_t i = 1; i < ports->len / sizeof *port; i++) {
        TfPort one = port[i];
        size_t at = i;
        for (; at > 0 && str_cmp(port[at - 1].key, one.key) > 0; at--) port[at] = port[at - 1];
        port[at] = one;
    }
}

typedef struct TfMeta {
    Str graph;
    Str signature;  // that is served
    Str name;       // of it
    bool serve;
} TfMeta;

static void read_signature(Str bytes, TfMeta *out) {
    Proto at = proto_of(bytes);
    ProtoField field;
    Str key = STR(""), value = STR("");
    while (proto_next(&at, &field)) {
        if (field.number == 1) key = field.bytes;
        if (field.number == 2) value = field.bytes;
    }
    bool better = str_is(key, "serving_default") || out->name.len == 0;
    if (str_starts(key, STR("__")) || !better || str_is(out->name, "serving_default")) return;
    out->name = key;
    out->signature = value;
}

static TfMeta read_meta(Str bytes) {
    Proto at = proto_of(bytes);
    ProtoField field, tag;
    TfMeta out = {0};
    while (proto_next(&at, &field)) {
        if (field.number == 1) {
            Proto info = proto_of(field.bytes);
            while (proto_next(&info, &tag))
                out.serve |= tag.number == 4 && str_is(tag.bytes, "serve");
        }
        if (field.number == 2) out.graph = field.bytes;
        if (field.number == 5) read_signature(field.bytes, &out);
    }
    return out;
}

static Status read_saved_model(Str bytes, TfMeta *out, Error *err) {
    Proto at = proto_of(bytes);
    ProtoField field;
    *out = (TfMeta){0};
    while (proto_next(&at, &field)) {
        if (field.number != 2) continue;
        TfMeta meta = read_meta(field.bytes);
        if (!out->graph.ptr || (meta.serve && !out->serve)) *out = meta;
    }
    TRY(proto_end(&at, "saved_model.pb", err));
    if (!out->graph.ptr) return error_set(err, ST_VALIDATION, "there is no graph in it");
    if (!out->name.len) {
        return error_set(err, ST_VALIDATION, "it has no signature: export it with one "
                         "(serving_default)");
    }
    return ST_OK;
}

// --- Which variable has which key: as the model's own restore function says ---

// The node that a reference stands for, through nodes that change nothing; an argument of the
// function gives NULL and its name.
static const TfNode *origin(const TfBody *body, Str ref, Str *name, uint32_t *index) {
    for (uint32_t steps = 0; steps <= body->node_count; steps++) {
        Str port;
        tf_ref(ref, name, &port, index);
        const TfNode *node = tf_node(body, *name);
        if (!node || !str_is(node->op, "Identity") || !node->in_count) return node;
        ref = node->in[0];
    }
    return NULL;
}

// The key under which [value], of RestoreV2, is found.
static Str *restored_key(TfModel *self, const TfBody *body, Str value) {
    Str name;
    uint32_t index, count;
    const TfNode *restore = origin(body, value, &name, &index);
    if (!restore || !str_is(restore->op, "RestoreV2") || restore->in_count < 2) return NULL;
    const TfNode *names = origin(body, restore->in[1], &name, &count);
    const Attr *list = names ? tf_attr(names, "value") : NULL;
    const Str *keys;
    if (!list || !tf_strings(list->s, &self->arena, &keys, &count) || index >= count) return NULL;
    Str *out = ARENA_NEW(&self->arena, Str);
    *out = keys[index];
    return out;
}

// [call]: the node of the main graph whose function [body] is; NULL: the main graph itself.
static void find_restored(TfModel *self, const TfBody *body, const TfNode *call) {
    for (uint32_t i = 0; i < body->node_count; i++) {
        const TfNode *node = &body->node[i];
        bool assigns = str_is(node->op, "AssignVariableOp") || str_is(node->op, "Assign");
        if (!assigns || node->in_count < 2) continue;
        Str name;
        uint32_t index;
        const TfNode *handle = origin(body, node->in[0], &name, &index);
        if (call && !handle) {
            for (uint32_t k = 0; k < body->arg_count && k < call->in_count; k++) {
                if (str_eq(body->arg[k], name)) {
                    handle = origin(&self->file.main, call->in[k], &name, &index);
                    break;
                }
            }
        }
        Str *key = handle ? restored_key(self, body, node->in[1]) : NULL;
        if (key) (void)map_put(&self->build.variable, handle->name, key);
    }
}

static void find_variables(TfModel *self) {
    find_restored(self, &self->file.main, NULL);
    for (uint32_t i = 0; i < self->file.main.node_count; i++) {
        const TfNode *node = &self->file.main.node[i];
        const Attr *f = str_ends(node->op, STR("PartitionedCall")) ? tf_attr(node, "f") : NULL;
        const TfBody *body = f ? map_get(&self->file.function, f->s) : NULL;
        if (body) find_restored(self, body, node);
    }
}

static Status open_variables(TfModel *self, Str folder, Error *err) {
    Str prefix = str_printf(&self->arena, STR_FMT "/variables/variables", STR_ARG(folder));
    Str index = str_printf(&self->arena, STR_FMT ".index", STR_ARG(prefix));
    OsStat info;
    TRY(os()->stat(index, &info, err));
    if (!info.exists) return ST_OK;  // a model may have none
    find_variables(self);
    return tf_bundle_open(prefix, &self->build.bundle, err);
}

// --- A frozen graph: its ports are to be found ---

// Marks nodes whose values somebody takes.
static bool *taken_nodes(TfModel *self) {
    const TfBody *body = &self->file.main;
    bool *taken = ARENA_ARRAY(&self->arena, bool, body->node_count + 1);
    for (uint32_t i = 0; i < body->node_count; i++) {
        for (uint32_t k = 0; k < body->node[i].in_count; k++) {
            Str name, port;
            uint32_t index;
            if (tf_is_control(body->node[i].in[k])) continue;
            tf_ref(body->node[i].in[k], &name, &port, &index);
            const TfNode *from = tf_node(body, name);
            if (from) taken[tf_number(body, from)] = true;
        }
    }
    return taken;
}

static bool may_be_output(const TfNode *node) {
    static const char *const NEVER[] = {"NoOp", "Const", "Placeholder", "Exit", "Assert", "Switch",
                                        "VarHandleOp", "AssignVariableOp", "SaveV2", "RestoreV2",
                                        "MergeV2Checkpoints", "Merge", "Enter"};
    for (uint32_t i = 0; i < sizeof NEVER / sizeof NEVER[0]; i++) {
        if (str_eq(node->op, str_c(NEVER[i]))) return false;
    }
    return true;
}

static bool is_identity(const TfNode *node) {
    return str_is(node->name, "Identity") || str_starts(node->name, STR("Identity_"));
}

// What nobody takes is given. Keras calls these Identity, Identity_1 ...; where there are such,
// anything else was left behind.
static Status find_outputs(TfModel *self, Error *err) {
    const TfBody *body = &self->file.main;
    const bool *taken = taken_nodes(self);
    bool named = false;
    for (uint32_t i = 0; i < body->node_count; i++) {
        named |= !taken[i] && may_be_output(&body->node[i]) && is_identity(&body->node[i]);
    }
    for (uint32_t i = 0; i < body->node_count; i++) {
        const TfNode *node = &body->node[i];
        if (taken[i] || !may_be_output(node) || (named && !is_identity(node))) continue;
        TfPort port = {.key = node->name, .tensor = node->name, .port = {.name = node->name}};
        buf_put(&self->out, &port, sizeof port);
    }
    if (self->out.len) return ST_OK;
    return error_set(err, ST_VALIDATION, "the graph has no outputs");
}

// The placeholders that the outputs need, in the order of the file.
static Status find_inputs(TfModel *self, Error *err) {
    const TfBody *body = &self->file.main;
    bool *seen = ARENA_ARRAY(&self->arena, bool, body->node_count + 1);
    Buf stack = {0};
    const TfPort *out = (const TfPort *)(void *)self->out.ptr;
    for (size_t i = 0; i < self->out.len / sizeof *out; i++) {
        const TfNode *node = tf_node(body, out[i].tensor);
        buf_put(&stack, &node, sizeof(TfNode *));
    }
    while (stack.len) {
        const TfNode *node;
        stack.len -= sizeof node;
        memcpy(&node, stack.ptr + stack.len, sizeof node);
        if (!node || seen[tf_number(body, node)]) continue;
        seen[tf_number(body, node)] = true;
        for (uint32_t k = 0; k < node->in_count; k++) {
            Str name, port;
            uint32_t index;
            if (tf_is_control(node->in[k])) continue;
            tf_ref(node->in[k], &name, &port, &index);
            const TfNode *from = tf_node(body, name);
            buf_put(&stack, &from, sizeof(TfNode *));
        }
    }
    buf_free(&stack);
    for (uint32_t i = 0; i < body->node_count; i++) {
        const TfNode *node = &body->node[i];
        if (!seen[i] || !str_is(node->op, "Placeholder")) continue;
        TfPort port = {.key = node->name, .tensor = node->name};
        const Attr *shape = tf_attr(node, "shape"), *type = tf_attr(node, "dtype");
        port.port.name = node->name;
        port.port.type = tf_type(type ? type->i : 0);
        port.shaped = shape && tf_shape(shape->s, &port.port.rank, port.port.dim);
        buf_put(&self->in, &port, sizeof port);
    }
    if (self->in.len) return ST_OK;
    return error_set(err, ST_VALIDATION, "the graph has no inputs");
}

// --- The graph ---

static Status check_port(const TfPort *port, Error *err) {
    if (!port->port.type || port->port.type == TENSOR_LIST) {
        return error_set(err, ST_UNSUPPORTED, "input '" STR_FMT "' is no tensor of a known type",
                         STR_ARG(port->key));
    }
    if (port->shaped) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "input '" STR_FMT "' has no shape", STR_ARG(port->key));
}

static Status build_graph(TfModel *self, Error *err) {
    TfScope scope;
    TfPort *in = (TfPort *)(void *)self->in.ptr, *out = (TfPort *)(void *)self->out.ptr;
    uint32_t ins = (uint32_t)(self->in.len / sizeof *in);
    uint32_t outs = (uint32_t)(self->out.len / sizeof *out);
    TRY(graph_new(self->build.home, NULL, &self->into.graph, err));
    TRY(tf_scope_init(&scope, &self->build, &self->file.main, &self->into, err));
    for (uint32_t i = 0; i < ins; i++) {
        Str name, port;
        uint32_t index;
        tf_ref(in[i].tensor, &name, &port, &index);
        const TfNode *node = tf_node(&self->file.main, name);
        if (!node)
            return error_set(err, ST_VALIDATION, "there is no node '" STR_FMT "'", STR_ARG(name));
        uint32_t value = graph_input(self->into.graph);
        tf_give(&scope, tf_number(&self->file.main, node), &value, 1);
    }
    uint32_t *value = ARENA_ARRAY(&self->arena, uint32_t, outs + 1);
    for (uint32_t i = 0; i < outs; i++) TRY(tf_value(&scope, out[i].tensor, &value[i], err));
    graph_set_outputs(self->into.graph, value, outs);
    graph_finish(self->into.graph);
    return ST_OK;
}

Status tf_model_serve(TfModel *self, ServedSpec *spec, MlModel **out, Error *err) {
    const TfPort *in = (const TfPort *)(void *)self->in.ptr;
    const TfPort *outs = (const TfPort *)(void *)self->out.ptr;
    spec->in_count = (uint32_t)(self->in.len / sizeof *in);
    spec->out_count = (uint32_t)(self->out.len / sizeof *outs);
    ServedPort *port = ARENA_ARRAY(&self->arena, ServedPort, spec->in_count + 1);
    Str *name = ARENA_ARRAY(&self->arena, Str, spec->out_count + 1);
    for (uint32_t i = 0; i < spec->in_count; i++) port[i] = in[i].port;
    for (uint32_t i = 0; i < spec->out_count; i++) name[i] = outs[i].key;
    spec->in = port;
    spec->out = name;
    return served_new(spec, out, err);
}

// A SavedModel is its folder, or the file saved_model.pb in it.
static bool saved_file(Str path, Str *folder) {
    static const Str NAME = {"saved_model.pb", 14};
    if (!str_ends(path, NAME)) return false;
    uint32_t left = path.len - NAME.len;
    *folder = left ? str_sub(path, 0, left - 1) : STR(".");
    return left == 0 || path.ptr[left - 1] == '/';
}

Status tf_model_read(TfModel *self, Str path, Str bytes, Error *err) {
    *self = (TfModel){.folder = path};
    arena_init(&self->arena);
    self->build.arena = &self->arena;
    self->build.file = &self->file;
    self->saved = saved_file(path, &self->folder);
    if (!bytes.len) {
        Str file = str_printf(&self->arena, STR_FMT "/saved_model.pb", STR_ARG(path));
        TRY(os_read_file(file, &self->own, err));
        bytes = buf_str(&self->own);
        self->saved = true;
    }
    TfMeta meta = {.graph = bytes};
    if (self->saved) {
        TRY(read_saved_model(bytes, &meta, err));
        TRY(read_ports(meta.signature, 1, &self->in, err));
        TRY(read_ports(meta.signature, 2, &self->out, err));
        sort_ports(&self->in);
        sort_ports(&self->out);
    }
    self->graph_def = meta.graph;
    TRY(tf_file_read(meta.graph, &self->arena, &self->file, err));
    if (!self->saved) {
        TRY(find_outputs(self, err));
        TRY(find_inputs(self, err));
    }
    const TfPort *in = (const TfPort *)(void *)self->in.ptr;
    for (size_t i = 0; i < self->in.len / sizeof *in; i++) TRY(check_port(&in[i], err));
    return ST_OK;
}

void tf_model_clear(TfModel *self) {
    tf_file_clear(&self->file);
    tf_graph_clear(&self->into);
    tf_bundle_close(self->build.bundle);
    map_clear(&self->build.variable);
    buf_free(&self->in);
    buf_free(&self->out);
    buf_free(&self->own);
    arena_clear(&self->arena);
}

static Status tf_load(Str path, Str bytes, MlModel **out, Error *err) {
    TfModel self;
    ServedSpec spec = {.format = "tensorflow"};
    graph_home_init(&spec.home);
    Status st = tf_model_read(&self, path, bytes, err);
    self.build.home = &spec.home;
    if (!st && self.saved) st = open_variables(&self, self.folder, err);
    if (!st) st = build_graph(&self, err);
    spec.graph = self.into.graph;
    if (st) graph_home_clear(&spec.home);
    else st = tf_model_serve(&self, &spec, out, err);
    if (st) error_while(err, "reading " STR_FMT, STR_ARG(path));
    tf_model_clear(&self);
    return st;
}

static bool tf_matches(Str path, Str bytes) {
    if (str_ends(path, STR(".pb"))) return true;
    if (bytes.len) return false;
    Buf file = {0};
    OsStat info = {0};
    buf_printf(&file, STR_FMT "/saved_model.pb", STR_ARG(path));
    bool there = !os()->stat(buf_str(&file), &info, NULL) && info.exists;
    buf_free(&file);
    return there;
}

const MlFormat TENSORFLOW_FORMAT = {.name = "tensorflow", .matches = tf_matches, .load = tf_load};
