// ml/tf/build.c - a graph of ours out of TensorFlow's nodes: what the outputs need, found from the
// back, each node once its inputs stand. Calls of functions are written out where they are made;
// a variable's handle is its value, known when the model is loaded, so that reading it is nothing.
#include "base/assert.h"
#include "ml/tf/tf_int.h"

// --- Graphs around graphs ---

uint32_t tf_capture(TfGraph *self, uint32_t outer) {
    const uint32_t *known = (const uint32_t *)(void *)self->outer.ptr;
    for (size_t i = 0; i < self->outer.len / sizeof outer; i++) {
        if (known[i] == outer) return ((const uint32_t *)(void *)self->inner.ptr)[i];
    }
    uint32_t inner;
    const Tensor *constant = graph_known(self->parent->graph, outer);
    if (constant) {
        inner = graph_value(self->graph);
        self->graph->constant[inner] = *constant;
    } else {
        inner = graph_input(self->graph);
        buf_put(&self->capture, &outer, sizeof outer);
    }
    buf_put(&self->outer, &outer, sizeof outer);
    buf_put(&self->inner, &inner, sizeof inner);
    return inner;
}

void tf_graph_clear(TfGraph *self) {
    buf_free(&self->outer);
    buf_free(&self->inner);
    buf_free(&self->capture);
}

// --- Scopes ---

Status tf_scope_init(TfScope *self, TfBuild *build, const TfBody *body, TfGraph *into,
                     Error *err) {
    // Scopes are arrays by node; a body that is written out again and again is counted.
    build->home->nodes += body->node_count / 8 + 1;
    if (build->home->nodes > GRAPH_NODES_MAX) {
        return error_set(err, ST_VALIDATION, "the model has more than %d nodes", GRAPH_NODES_MAX);
    }
    *self = (TfScope){.build = build, .body = body, .into = into};
    self->out = ARENA_ARRAY(build->arena, uint32_t *, body->node_count + 1);
    self->out_count = ARENA_ARRAY(build->arena, uint32_t, body->node_count + 1);
    self->state = ARENA_ARRAY(build->arena, uint8_t, body->node_count + 1);
    return ST_OK;
}

uint32_t tf_number(const TfBody *body, const TfNode *node) {
    return (uint32_t)(node - body->node);
}

void tf_give(TfScope *self, uint32_t node, const uint32_t *value, uint32_t count) {
    uint32_t *own = ARENA_ARRAY(self->build->arena, uint32_t, count + 1);  // never NULL
    if (count) memcpy(own, value, count * sizeof *own);
    self->out[node] = own;
    self->out_count[node] = count;
}

static int32_t argument(const TfBody *body, Str name) {
    for (uint32_t i = 0; i < body->arg_count; i++) {
        if (str_eq(body->arg[i], name)) return (int32_t)i;
    }
    return -1;
}

// Outputs that have a name of their own; all others count from 0 behind the name.
static uint32_t port_number(Str op, Str port, uint32_t index) {
    static const struct {
        const char *op, *port;
        uint32_t number;
    } PORTS[] = {{"TopKV2", "indices", 1},
                 {"TensorListPopBack", "tensor", 1},
                 {"TensorArrayV3", "flow", 1},
                 {"Switch", "output_true", 1},
                 {"Unique", "idx", 1}};
    for (uint32_t i = 0; i < sizeof PORTS / sizeof PORTS[0]; i++) {
        if (str_eq(op, str_c(PORTS[i].op)) && str_eq(port, str_c(PORTS[i].port))) {
            return PORTS[i].number;
        }
    }
    // The other results of a batch normalisation are for training.
    bool norm = str_starts(op, STR("FusedBatchNorm"));
    return norm && port.len && !str_is(port, "y") ? 1 : index;
}

// --- Nodes ---

static const Op *find_op(Str name) {
    const Op *const tables[] = {TF_OPS, TF_NN_OPS};
    for (uint32_t i = 0; i < 2; i++) {
        for (const Op *op = tables[i]; op->name; op++) {
            if (str_eq(str_c(op->name), name)) return op;
        }
    }
    return NULL;
}

static Status unknown_op(const TfNode *node, Error *err) {
    (void)error_set(err, ST_UNSUPPORTED,
                    "operator " STR_FMT " of node '" STR_FMT "' is not known here",
                    STR_ARG(node->op), STR_ARG(node->name));
    error_hint(err, "'runtime'='library' runs it with TensorFlow: pip install tensorflow");
    return ST_UNSUPPORTED;
}

// How many outputs a node has, where it is not one.
static uint32_t outputs_of(const TfNode *node, uint32_t ins) {
    int64_t count = 1;
    if (str_is(node->op, "Split") || str_is(node->op, "SplitV")) {
        count = tf_attr_int(node, "num_split", 0);
    } else if (str_is(node->op, "Unpack")) {
        count = tf_attr_int(node, "num", 0);
    } else if (str_is(node->op, "IdentityN") || str_is(node->op, "ShapeN")) {
        count = ins;
    } else if (str_is(node->op, "TopKV2") || str_is(node->op, "TensorListPopBack") ||
               str_is(node->op, "TensorArrayV3")) {
        count = 2;
    }
    return count < 0 || count > NODE_INPUTS_MAX ? 0 : (uint32_t)count;
}

static Status write_variable(TfScope *self, TfNode *node, Error *err) {
    TfBuild *build = self->build;
    Str *key = map_get(&build->variable, node->name);
    const Attr *shared = tf_attr(node, "shared_name");
    Str name = key ? *key : shared && shared->s.len ? shared->s : node->name;
    if (build->bundle && !tf_bundle_has(build->bundle, name)) {
        name = str_printf(build->arena, STR_FMT "/.ATTRIBUTES/VARIABLE_VALUE", STR_ARG(name));
    }
    if (!build->bundle) {
        return error_set(err, ST_UNSUPPORTED, "variable '" STR_FMT "' in a graph without values: "
                         "is it a frozen one?", STR_ARG(node->name));
    }
    uint32_t value;
    Status st = tf_bundle_read(build->bundle, name, self->into->graph, &value, err);
    if (st) {
        error_while(err, "reading variable '" STR_FMT "'", STR_ARG(node->name));
        return st;
    }
    tf_give(self, tf_number(self->body, node), &value, 1);
    return ST_OK;
}

// What is the same as its input.
static bool is_alias(Str op) {
    static const char *const NAMES[] = {"Identity", "ReadVariableOp", "StopGradient", "Snapshot",
                                        "PreventGradient", "EnsureShape", "CheckNumerics",
                                        "PlaceholderWithDefault", "DisableCopyOnRead"};
    for (uint32_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (str_eq(op, str_c(NAMES[i]))) return true;
    }
    return false;
}

static Status write_op(TfScope *self, TfNode *node, const uint32_t *in, uint32_t ins, Error *err) {
    const Op *op = find_op(node->op);
    if (!op) return unknown_op(node, err);
    uint32_t outs = outputs_of(node, ins);
    uint32_t *out = ARENA_ARRAY(self->build->arena, uint32_t, outs + 1);
    NodeSpec spec = {.op = op, .name = node->name, .label = node->op, .in = in, .in_count = ins,
                     .out_count = outs, .attr = node->attr, .attr_count = node->attr_count};
    TRY(graph_add(self->into->graph, &spec, out, err));
    tf_give(self, tf_number(self->body, node), out, outs);
    return ST_OK;
}

static Status input_values(TfScope *self, TfNode *node, uint32_t *in, uint32_t *ins, Error *err);

// All inputs stand: writes the node itself.
static Status write_node(TfScope *self, TfNode *node, Error *err) {
    uint32_t number = tf_number(self->body, node), ins;
    if (tf_is_old_flow(node->op)) return tf_old_flow(self, node, err);
    uint32_t *in = ARENA_ARRAY(self->build->arena, uint32_t, node->in_count + 1);
    TRY(input_values(self, node, in, &ins, err));
    if (str_is(node->op, "Const")) {
        const Attr *value = tf_attr(node, "value");
        Tensor t;
        uint32_t constant;
        if (!value) return error_set(err, ST_VALIDATION, "a constant without a value");
        Status st = tf_tensor(value->s, self->into->graph, &t, &constant, err);
        if (st) error_while(err, "reading constant '" STR_FMT "'", STR_ARG(node->name));
        if (!st) tf_give(self, number, &constant, 1);
        return st;
    }
    if (str_is(node->op, "VarHandleOp") || str_is(node->op, "VariableV2")) {
        return write_variable(self, node, err);
    }
    if (is_alias(node->op) && ins >= 1) {
        tf_give(self, number, in, 1);
        return ST_OK;
    }
    if (str_is(node->op, "Placeholder")) {
        return error_set(err, ST_VALIDATION,
                         "placeholder '" STR_FMT "' is no input of the model, yet it is needed",
                         STR_ARG(node->name));
    }
    bool flow = tf_is_flow(node->op) || map_has(&self->build->file->function, node->op);
    if (flow) return tf_flow(self, node, in, ins, err);
    return write_op(self, node, in, ins, err);
}

// The value of a reference whose node stands.
static Status standing(TfScope *self, Str ref, uint32_t *out, Error *err) {
    Str name, port;
    uint32_t index;
    tf_ref(ref, &name, &port, &index);
    const TfNode *node = tf_node(self->body, name);
    int32_t arg = node ? -1 : argument(self->body, name);
    if (arg >= 0) {
        *out = self->arg[arg];
        return ST_OK;
    }
    ASSERT(node);
    uint32_t number = tf_number(self->body, node);
    index = port_number(node->op, port, index);
    if (index < self->out_count[number]) {
        *out = self->out[number][index];
        return ST_OK;
    }
    return error_set(err, ST_UNSUPPORTED, "output %u of node '" STR_FMT "' (" STR_FMT
                     ") is not known here", index, STR_ARG(node->name), STR_ARG(node->op));
}

static Status input_values(TfScope *self, TfNode *node, uint32_t *in, uint32_t *ins, Error *err) {
    *ins = 0;
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (tf_is_control(node->in[i])) continue;
        TRY(standing(self, node->in[i], &in[(*ins)++], err));
    }
    return ST_OK;
}

// The nodes that [node] needs first, as references.
static Status needs(TfScope *self, TfNode *node, Buf *out, Error *err) {
    out->len = 0;
    if (tf_is_old_flow(node->op)) return tf_old_needs(self, node, out, err);
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (!tf_is_control(node->in[i])) buf_put(out, &node->in[i], sizeof(Str));
    }
    return ST_OK;
}

// Puts on the stack those of the node's needs that do not stand.
static Status push_needs(TfScope *self, TfNode *node, Buf *stack, Error *err) {
    Buf list = {0};
    Status st = needs(self, node, &list, err);
    for (size_t i = 0; i < list.len / sizeof(Str) && !st; i++) {
        Str ref, name, port;
        uint32_t index;
        memcpy(&ref, list.ptr + i * sizeof ref, sizeof ref);
        tf_ref(ref, &name, &port, &index);
        TfNode *from = tf_node(self->body, name);
        if (!from && argument(self->body, name) >= 0) continue;
        if (!from) {
            st = error_set(err, ST_VALIDATION, "node '" STR_FMT "' wants '" STR_FMT
                           "', which is not there", STR_ARG(node->name), STR_ARG(ref));
            break;
        }
        uint32_t number = tf_number(self->body, from);
        if (self->out[number]) continue;
        if (self->state[number]) {
            st = error_set(err, ST_VALIDATION, "node '" STR_FMT "' needs itself",
                           STR_ARG(from->name));
            break;
        }
        buf_put(stack, &number, sizeof number);
    }
    buf_free(&list);
    return st;
}

// Depth first with a stack of our own: a chain of nodes may be long.
static Status write_all(TfScope *self, uint32_t first, Error *err) {
    Buf stack = {0};
    buf_put(&stack, &first, sizeof first);
    Status st = ST_OK;
    while (stack.len && !st) {
        uint32_t number;
        memcpy(&number, stack.ptr + stack.len - sizeof number, sizeof number);
        TfNode *node = &self->body->node[number];
        if (self->out[number]) {
            stack.len -= sizeof number;
        } else if (self->state[number]) {
            st = write_node(self, node, err);
            stack.len -= sizeof number;
        } else {
            self->state[number] = 1;
            st = push_needs(self, node, &stack, err);
        }
    }
    buf_free(&stack);
    return st;
}

Status tf_value(TfScope *self, Str ref, uint32_t *out, Error *err) {
    Str name, port;
    uint32_t index;
    tf_ref(ref, &name, &port, &index);
    const TfNode *node = tf_node(self->body, name);
    if (!node && argument(self->body, name) < 0) {
        return error_set(err, ST_VALIDATION, "there is no node '" STR_FMT "'", STR_ARG(name));
    }
    if (node) TRY(write_all(self, tf_number(self->body, node), err));
    return standing(self, ref, out, err);
}

Status tf_call(TfBuild *build, Str function, TfGraph *into, const uint32_t *arg, uint32_t args,
               uint32_t *out, uint32_t outs, Error *err) {
    const TfBody *body = map_get(&build->file->function, function);
    if (!body || body->arg_count > args || body->out_count < outs) {
        return error_set(err, ST_VALIDATION, "function '" STR_FMT "' is missing or does not fit",
                         STR_ARG(function));
    }
    if (build->calls == TF_CALLS_MAX) {
        return error_set(err, ST_VALIDATION, "more than %d functions call one another",
                         TF_CALLS_MAX);
    }
    TfScope scope;
    TRY(tf_scope_init(&scope, build, body, into, err));
    scope.arg = arg;
    build->calls++;
    Status st = ST_OK;
    for (uint32_t i = 0; i < outs && !st; i++) st = tf_value(&scope, body->ret[i], &out[i], err);
    build->calls--;
    return st;
}
