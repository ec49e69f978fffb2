// ml/tf/flow.c - loops, branches and calls of TensorFlow, of both kinds.
//
// New style: nodes that name functions (While, If, Case, PartitionedCall). A call is written out in
// place; bodies of loops and branches become graphs. What a loop hands on unchanged is no variable
// of it but something that it takes from outside, so that weights are known inside, too.
//
// Old style, as frozen graphs have it: Enter, Merge, Switch, NextIteration, Exit around the nodes
// of a frame. All of a frame becomes the same kind of node: the condition is what LoopCond needs,
// from the Merges on; the body is what each NextIteration needs, from the Switches on. (TensorFlow
// itself goes that way back: compiler/tf2xla/functionalize_while.cc.) A Switch and a Merge without
// a frame are a branch: both sides are computed, and one is taken.
#include "base/assert.h"
#include "ml/tf/tf_int.h"

static const Op WHILE = {.name = "While", .run = kernel_while, .in_max = OP_ANY};
static const Op IF = {.name = "If", .run = kernel_if, .in_min = 1, .in_max = OP_ANY};
static const Op CASE = {.name = "Case", .run = kernel_case, .in_min = 1, .in_max = OP_ANY};

static bool is_call(Str op) {
    return str_is(op, "PartitionedCall") || str_is(op, "StatefulPartitionedCall");
}

static bool is_while(Str op) {
    return str_is(op, "While") || str_is(op, "StatelessWhile");
}

static bool is_if(Str op) {
    return str_is(op, "If") || str_is(op, "StatelessIf");
}

static bool is_case(Str op) {
    return str_is(op, "Case") || str_is(op, "StatelessCase");
}

bool tf_is_flow(Str op) {
    return is_call(op) || is_while(op) || is_if(op) || is_case(op);
}

// --- Nodes with bodies ---

// Collects the inputs of a node with bodies and what its kernel wants to know.
typedef struct FlowNode {
    Buf in;  // uint32_t
    Graph **body;
    uint32_t bodies;
    FlowParams *params;
    uint32_t *first;  // of the params
} FlowNode;

static FlowNode flow_node(TfBuild *build, uint32_t bodies) {
    FlowNode self = {.params = ARENA_NEW(&build->home->arena, FlowParams)};
    self.body = ARENA_ARRAY(build->arena, Graph *, bodies + 1);
    self.first = ARENA_ARRAY(&build->home->arena, uint32_t, bodies + 1);
    self.params->capture_first = self.first;
    return self;
}

// A finished body: what it captured becomes inputs of the node.
static void flow_body(FlowNode *self, TfGraph *body) {
    self->first[self->bodies] = (uint32_t)(self->in.len / sizeof(uint32_t));
    self->body[self->bodies++] = body->graph;
    buf_put(&self->in, body->capture.ptr, body->capture.len);
}

static Status flow_add(TfScope *scope, FlowNode *self, const Op *op, const TfNode *node,
                       uint32_t outs, uint32_t *out, Error *err) {
    NodeSpec spec = {.op = op, .name = node->name, .label = node->op,
                     .in = (const uint32_t *)(void *)self->in.ptr,
                     .in_count = (uint32_t)(self->in.len / sizeof(uint32_t)), .out_count = outs,
                     .body = self->body, .body_count = self->bodies};
    Graph *graph = scope->into->graph;
    if (!outs) return ST_OK;  // nobody can want it
    TRY(graph_add(graph, &spec, out, err));
    graph->node[graph->node_count - 1]->params = self->params;  // such a node is never folded
    return ST_OK;
}

static Status body_new(TfScope *self, TfGraph *out, Error *err) {
    *out = (TfGraph){.parent = self->into};
    return graph_new(self->build->home, self->into->graph, &out->graph, err);
}

// Writes function [name] as a body: its arguments are captured values of the graph around it.
static Status body_of_call(TfScope *self, Str name, const uint32_t *arg, uint32_t args,
                           uint32_t outs, TfGraph *body, Error *err) {
    uint32_t *inner = ARENA_ARRAY(self->build->arena, uint32_t, args + 1);
    uint32_t *out = ARENA_ARRAY(self->build->arena, uint32_t, outs + 1);
    TRY(body_new(self, body, err));
    for (uint32_t i = 0; i < args; i++) inner[i] = tf_capture(body, arg[i]);
    TRY(tf_call(self->build, name, body, inner, args, out, outs, err));
    graph_set_outputs(body->graph, out, outs);
    graph_finish(body->graph);
    return ST_OK;
}

// --- New style ---

static Status write_branch(TfScope *self, TfNode *node, const uint32_t *in, uint32_t ins,
                           Error *err) {
    const Attr *types = tf_attr(node, "Tout"), *list = tf_attr(node, "branches");
    const Attr *yes = tf_attr(node, "then_branch"), *no = tf_attr(node, "else_branch");
    bool many = is_case(node->op);
    uint32_t outs = types ? types->int_count : 0, bodies = many ? (list ? list->str_count : 0) : 2;
    if (!ins || !bodies || (!many && (!yes || !no))) {
        return error_set(err, ST_VALIDATION, "'" STR_FMT "' has no branches", STR_ARG(node->name));
    }
    const Str both[2] = {yes ? yes->s : STR(""), no ? no->s : STR("")}, *name = many ? list->strs
                                                                                     : both;
    uint32_t *out = ARENA_ARRAY(self->build->arena, uint32_t, outs + 1);
    const Tensor *known = graph_known(self->into->graph, in[0]);
    if (known && known->count == 1 && known->type != TENSOR_STR) {  // one branch is for nobody
        int64_t which = tensor_integer(known, 0);
        if (!many) which = which ? 0 : 1;
        if (which < 0 || which >= bodies) which = bodies - 1;
        TRY(tf_call(self->build, name[which], self->into, in + 1, ins - 1, out, outs, err));
        tf_give(self, tf_number(self->body, node), out, outs);
        return ST_OK;
    }
    FlowNode flow = flow_node(self->build, bodies);
    buf_put(&flow.in, in, sizeof *in);
    Status st = ST_OK;
    for (uint32_t i = 0; i < bodies && !st; i++) {
        TfGraph body;
        st = body_of_call(self, name[i], in + 1, ins - 1, outs, &body, err);
        if (!st) flow_body(&flow, &body);
        tf_graph_clear(&body);
    }
    if (!st) st = flow_add(self, &flow, many ? &CASE : &IF, node, outs, out, err);
    if (!st) tf_give(self, tf_number(self->body, node), out, outs);
    buf_free(&flow.in);
    return st;
}

// The argument that a result of a function stands for, through nodes that change nothing; -1: none.
static int32_t same_argument(const TfBody *body, Str ref) {
    for (uint32_t steps = 0; steps < body->node_count + 1; steps++) {
        Str name, port;
        uint32_t index;
        tf_ref(ref, &name, &port, &index);
        const TfNode *node = tf_node(body, name);
        if (!node) {
            for (uint32_t i = 0; i < body->arg_count; i++) {
                if (str_eq(body->arg[i], name)) return (int32_t)i;
            }
            return -1;
        }
        if (!str_is(node->op, "Identity") || !node->in_count || tf_is_control(node->in[0])) {
            return -1;
        }
        ref = node->in[0];
    }
    return -1;
}

// A loop's variables: which of the values it is given change, and the number of each among those.
typedef struct Variables {
    bool *fixed;
    uint32_t count;  // that change
} Variables;

// Writes function [name] as condition or body of a loop.
static Status loop_body(TfScope *self, Str name, const uint32_t *in, uint32_t ins,
                        const Variables *variables, bool condition, TfGraph *body, Error *err) {
    uint32_t *arg = ARENA_ARRAY(self->build->arena, uint32_t, ins + 1);
    uint32_t *out = ARENA_ARRAY(self->build->arena, uint32_t, ins + 1), outs = 0;
    TRY(body_new(self, body, err));
    for (uint32_t i = 0; i < ins; i++) {
        if (!variables->fixed[i]) arg[i] = graph_input(body->graph);
    }
    for (uint32_t i = 0; i < ins; i++) {
        if (variables->fixed[i]) arg[i] = tf_capture(body, in[i]);
    }
    TRY(tf_call(self->build, name, body, arg, ins, out, condition ? 1 : ins, err));
    for (uint32_t i = 0; i < ins && !condition; i++) {
        if (!variables->fixed[i]) out[outs++] = out[i];
    }
    graph_set_outputs(body->graph, out, condition ? 1 : outs);
    graph_finish(body->graph);
    return ST_OK;
}

static Status write_while(TfScope *self, TfNode *node, const uint32_t *in, uint32_t ins,
                          Error *err) {
    const Attr *cond = tf_attr(node, "cond"), *body_name = tf_attr(node, "body");
    const TfBody *function = body_name ? map_get(&self->build->file->function, body_name->s) : NULL;
    if (!cond || !function || function->out_count != ins || function->arg_count != ins) {
        return error_set(err, ST_VALIDATION, "the functions of loop '" STR_FMT "' do not fit",
                         STR_ARG(node->name));
    }
    Variables variables = {.fixed = ARENA_ARRAY(self->build->arena, bool, ins + 1)};
    FlowNode flow = flow_node(self->build, 2);
    for (uint32_t i = 0; i < ins; i++) {
        variables.fixed[i] = same_argument(function, function->ret[i]) == (int32_t)i;
        if (variables.fixed[i]) continue;
        variables.count++;
        buf_put(&flow.in, &in[i], sizeof in[i]);
    }
    flow.params->variables = variables.count;
    Status st = ST_OK;
    for (uint32_t i = 0; i < 2 && !st; i++) {
        TfGraph body;
        st = loop_body(self, i ? body_name->s : cond->s, in, ins, &variables, i == 0, &body, err);
        if (!st) flow_body(&flow, &body);
        tf_graph_clear(&body);
    }
    uint32_t *given = ARENA_ARRAY(self->build->arena, uint32_t, ins + 1);
    uint32_t *out = ARENA_ARRAY(self->build->arena, uint32_t, ins + 1), next = 0;
    if (!st) st = flow_add(self, &flow, &WHILE, node, variables.count, given, err);
    for (uint32_t i = 0; i < ins; i++) out[i] = variables.fixed[i] ? in[i] : given[next++];
    if (!st) tf_give(self, tf_number(self->body, node), out, ins);
    buf_free(&flow.in);
    return st;
}

Status tf_flow(TfScope *self, TfNode *node, const uint32_t *in, uint32_t ins, Error *err) {
    if (is_while(node->op)) return write_while(self, node, in, ins, err);
    if (is_if(node->op) || is_case(node->op)) return write_branch(self, node, in, ins, err);
    const Attr *f = tf_attr(node, "f");
    Str name = is_call(node->op) ? (f ? f->s : STR("")) : node->op;
    const TfBody *body = map_get(&self->build->file->function, name);
    uint32_t outs = body ? body->out_count : 0;
    uint32_t *out = ARENA_ARRAY(self->build->arena, uint32_t, outs + 1);
    TRY(tf_call(self->build, name, self->into, in, ins, out, outs, err));
    tf_give(self, tf_number(self->body, node), out, outs);
    return ST_OK;
}

// --- Old style ---

bool tf_is_old_flow(Str op) {
    static const char *const NAMES[] = {"Enter", "Exit", "Merge", "Switch", "NextIteration",
                                        "LoopCond", "RefEnter", "RefExit", "RefMerge", "RefSwitch"};
    for (uint32_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (str_eq(op, str_c(NAMES[i]))) return true;
    }
    return false;
}

// A variable of a loop, as the nodes that stand for it.
typedef struct OldVariable {
    TfNode *enter, *merge, *next, *leave;  // [leave]: the Switch
    bool fixed;
} OldVariable;

typedef struct OldLoop {
    Str frame;
    OldVariable *variable;
    uint32_t count;
    TfNode *condition;  // LoopCond
} OldLoop;

static TfNode *node_of(const TfBody *body, Str ref) {
    Str name, port;
    uint32_t index;
    tf_ref(ref, &name, &port, &index);
    return tf_node(body, name);
}

static Str frame_of(const TfNode *enter) {
    const Attr *attr = tf_attr(enter, "frame_name");
    return attr ? attr->s : STR("");
}

static bool is_enter(const TfNode *node) {
    return node && str_ends(node->op, STR("Enter"));
}

// The Enter and the NextIteration of a loop's Merge; false: it is the end of a branch.
static bool loop_merge(const TfBody *body, const TfNode *merge, TfNode **enter, TfNode **next) {
    *enter = *next = NULL;
    for (uint32_t i = 0; i < merge->in_count && i < 2; i++) {
        TfNode *from = node_of(body, merge->in[i]);
        if (is_enter(from)) *enter = from;
        if (from && str_is(from->op, "NextIteration")) *next = from;
    }
    return *enter && *next && (*enter)->in_count && (*next)->in_count;
}

// Whether the loop hands its variable on as it is.
static bool hands_on(const TfBody *body, const OldVariable *variable) {
    Str ref = variable->next->in[0];
    for (uint32_t steps = 0; variable->leave && steps <= body->node_count; steps++) {
        TfNode *node = node_of(body, ref);
        if (node == variable->leave) return true;
        if (!node || !str_is(node->op, "Identity") || !node->in_count) return false;
        ref = node->in[0];
    }
    return false;
}

static Status find_loop(TfScope *self, Str frame, OldLoop *out, Error *err) {
    const TfBody *body = self->body;
    Buf variables = {0};
    *out = (OldLoop){.frame = frame};
    for (uint32_t i = 0; i < body->node_count; i++) {
        OldVariable variable = {.merge = &body->node[i]};
        if (!str_is(variable.merge->op, "Merge")) continue;
        if (!loop_merge(body, variable.merge, &variable.enter, &variable.next)) continue;
        if (str_eq(frame_of(variable.enter), frame))
            buf_put(&variables, &variable, sizeof variable);
    }
    out->count = (uint32_t)(variables.len / sizeof(OldVariable));
    out->variable = arena_dup(self->build->arena, variables.ptr, variables.len);
    buf_free(&variables);
    for (uint32_t i = 0; i < body->node_count; i++) {
        TfNode *leave = &body->node[i];
        if (!str_is(leave->op, "Switch") || leave->in_count < 2) continue;
        TfNode *merge = node_of(body, leave->in[0]), *pred = node_of(body, leave->in[1]);
        for (uint32_t k = 0; k < out->count; k++) {
            if (out->variable[k].merge != merge || !pred || !str_is(pred->op, "LoopCond")) continue;
            out->variable[k].leave = leave;
            out->condition = pred;
        }
    }
    for (uint32_t i = 0; i < out->count; i++) {
        out->variable[i].fixed = hands_on(body, &out->variable[i]);
    }
    if (out->count && out->condition && out->condition->in_count) return ST_OK;
    return error_set(err, ST_VALIDATION, "loop '" STR_FMT "' has no condition or no variables",
                     STR_ARG(frame));
}

// The frame that an Exit leaves.
static Status exit_frame(TfScope *self, const TfNode *node, Str *frame, Error *err) {
    const TfNode *leave = node->in_count ? node_of(self->body, node->in[0]) : NULL;
    const TfNode *merge = leave && leave->in_count ? node_of(self->body, leave->in[0]) : NULL;
    TfNode *enter, *next;
    if (merge && loop_merge(self->body, merge, &enter, &next)) {
        *frame = frame_of(enter);
        return ST_OK;
    }
    return error_set(err, ST_UNSUPPORTED, "'" STR_FMT "' leaves no loop of a known form",
                     STR_ARG(node->name));
}

// The condition of the branch whose side begins at [ref], and which side it is. Branches inside of
// it are passed by: their Switches stand behind as many Merges.
static Status branch_side(TfScope *self, Str ref, Str *condition, bool *yes, Error *err) {
    uint32_t inside = 0;
    for (uint32_t steps = 0; steps <= self->body->node_count; steps++) {
        Str name, port;
        uint32_t index;
        tf_ref(ref, &name, &port, &index);
        const TfNode *node = tf_node(self->body, name);
        if (!node || !node->in_count) break;
        if (str_is(node->op, "Switch") && node->in_count >= 2) {
            *condition = node->in[1];
            *yes = index == 1 || str_is(port, "output_true");
            if (!inside) return ST_OK;
            inside--;
        }
        if (str_is(node->op, "Merge")) inside++;
        // Constants of a branch hang on it by a control input only: "^cond/switch_t".
        ref = node->in[0];
        for (uint32_t i = 1; i < node->in_count && str_is(node->op, "Const"); i++)
            ref = node->in[i];
        if (tf_is_control(ref)) ref = str_sub(ref, 1, ref.len);
    }
    return error_set(err, ST_UNSUPPORTED, "the branch that ends at '" STR_FMT "' has no beginning",
                     STR_ARG(ref));
}

Status tf_old_needs(TfScope *self, TfNode *node, Buf *out, Error *err) {
    if (str_is(node->op, "Exit")) {
        Str frame;
        TRY(exit_frame(self, node, &frame, err));
        for (uint32_t i = 0; i < self->body->node_count; i++) {
            TfNode *enter = &self->body->node[i];
            if (!is_enter(enter) || !str_eq(frame_of(enter), frame) || !enter->in_count) continue;
            buf_put(out, &enter->in[0], sizeof(Str));
        }
        return ST_OK;
    }
    if (str_is(node->op, "Merge")) {
        Str condition;
        bool yes;
        if (node->in_count < 2) return error_set(err, ST_VALIDATION, "a Merge of one side");
        TRY(branch_side(self, node->in[0], &condition, &yes, err));
        buf_put(out, &condition, sizeof condition);
    }
    for (uint32_t i = 0; i < node->in_count && i < 2; i++) {
        if (!tf_is_control(node->in[i])) buf_put(out, &node->in[i], sizeof(Str));
    }
    return ST_OK;
}

// A scope inside the loop: its variables are inputs, what enters as it is, is captured.
static Status loop_scope(TfScope *self, const OldLoop *loop, bool condition, TfGraph *into,
                         TfScope *out, Error *err) {
    TRY(body_new(self, into, err));
    TRY(tf_scope_init(out, self->build, self->body, into, err));
    out->arg = self->arg;
    uint32_t *value = ARENA_ARRAY(self->build->arena, uint32_t, loop->count + 1);
    for (uint32_t i = 0; i < loop->count; i++) {
        if (!loop->variable[i].fixed) value[i] = graph_input(into->graph);
    }
    for (uint32_t i = 0; i < loop->count; i++) {
        const OldVariable *variable = &loop->variable[i];
        if (variable->fixed) {
            uint32_t outer;
            TRY(tf_value(self, variable->enter->in[0], &outer, err));
            value[i] = tf_capture(into, outer);
        }
        uint32_t both[2] = {value[i], value[i]};
        tf_give(out, tf_number(self->body, variable->merge), both, 1);
        if (variable->leave && !condition) {
            tf_give(out, tf_number(self->body, variable->leave), both, 2);
        }
    }
    // What a function's body takes from its caller is outside of the loop as well.
    if (self->body->arg_count) {
        uint32_t *arg = ARENA_ARRAY(self->build->arena, uint32_t, self->body->arg_count);
        for (uint32_t i = 0; i < self->body->arg_count; i++)
            arg[i] = tf_capture(into, self->arg[i]);
        out->arg = arg;
    }
    for (uint32_t i = 0; i < self->body->node_count; i++) {
        TfNode *enter = &self->body->node[i];
        if (!is_enter(enter) || !str_eq(frame_of(enter), loop->frame) || !enter->in_count) continue;
        uint32_t outer;
        TRY(tf_value(self, enter->in[0], &outer, err));
        // A variable's first value is no capture; its Enter is met by its Merge only.
        bool first = false;
        for (uint32_t k = 0; k < loop->count; k++) first |= loop->variable[k].enter == enter;
        if (first) continue;
        uint32_t inner = tf_capture(into, outer);
        tf_give(out, i, &inner, 1);
    }
    return ST_OK;
}

static Status loop_part(TfScope *self, const OldLoop *loop, bool condition, FlowNode *flow,
                        Error *err) {
    TfGraph into = {0};
    TfScope scope;
    uint32_t *out = ARENA_ARRAY(self->build->arena, uint32_t, loop->count + 1), outs = 0;
    Status st = loop_scope(self, loop, condition, &into, &scope, err);
    if (!st && condition) {
        st = tf_value(&scope, loop->condition->in[0], &out[outs++], err);
    }
    for (uint32_t i = 0; i < loop->count && !st && !condition; i++) {
        if (loop->variable[i].fixed) continue;
        st = tf_value(&scope, loop->variable[i].next->in[0], &out[outs++], err);
    }
    if (!st) {
        graph_set_outputs(into.graph, out, outs);
        graph_finish(into.graph);
        flow_body(flow, &into);
    }
    tf_graph_clear(&into);
    return st;
}

// All of the loop that [node] leaves; each of its Exits stands after that.
static Status write_loop(TfScope *self, TfNode *node, Error *err) {
    OldLoop loop;
    Str frame;
    TRY(exit_frame(self, node, &frame, err));
    TRY(find_loop(self, frame, &loop, err));
    uint32_t *first = ARENA_ARRAY(self->build->arena, uint32_t, loop.count + 1);
    uint32_t *out = ARENA_ARRAY(self->build->arena, uint32_t, loop.count + 1), changing = 0;
    FlowNode flow = flow_node(self->build, 2);
    Status st = ST_OK;
    for (uint32_t i = 0; i < loop.count && !st; i++) {
        st = tf_value(self, loop.variable[i].enter->in[0], &first[i], err);
        if (loop.variable[i].fixed) continue;
        buf_put(&flow.in, &first[i], sizeof first[i]);
        changing++;
    }
    flow.params->variables = changing;
    if (!st) st = loop_part(self, &loop, true, &flow, err);
    if (!st) st = loop_part(self, &loop, false, &flow, err);
    if (!st) st = flow_add(self, &flow, &WHILE, node, changing, out, err);
    buf_free(&flow.in);
    if (st) return st;
    for (uint32_t i = 0; i < self->body->node_count; i++) {
        TfNode *leaves = &self->body->node[i];
        if (!str_is(leaves->op, "Exit") || !leaves->in_count || self->out[i]) continue;
        const TfNode *from = node_of(self->body, leaves->in[0]);
        for (uint32_t k = 0, n = 0; k < loop.count; k++) {
            uint32_t value = loop.variable[k].fixed ? first[k] : out[n++];
            if (from && from == loop.variable[k].leave) tf_give(self, i, &value, 1);
        }
    }
    if (self->out[tf_number(self->body, node)]) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "'" STR_FMT "' leaves no loop of a known form",
                     STR_ARG(node->name));
}

// One of two values, both of which are there.
static Status run_choice(const Call *call, Error *err) {
    const Tensor *which = call->in[0];
    if (which->count != 1 || which->type != TENSOR_BOOL) {
        return error_set(err, ST_RUNTIME, "the condition is not one boolean");
    }
    const Tensor *in = call->in[tensor_bool(which)[0] ? 1 : 2];
    call_pass(call, 0, in, in->rank, in->dim);
    return ST_OK;
}

static Status write_merge(TfScope *self, TfNode *node, Error *err) {
    static const Op CHOICE = {.name = "Merge", .run = run_choice, .in_min = 3, .in_max = 3};
    Str condition;
    bool yes;
    uint32_t in[3], out;
    TRY(branch_side(self, node->in[0], &condition, &yes, err));
    TRY(tf_value(self, condition, &in[0], err));
    TRY(tf_value(self, node->in[yes ? 0 : 1], &in[1], err));
    TRY(tf_value(self, node->in[yes ? 1 : 0], &in[2], err));
    NodeSpec spec = {.op = &CHOICE, .name = node->name, .label = node->op, .in = in,
                     .in_count = 3, .out_count = 1};
    TRY(graph_add(self->into->graph, &spec, &out, err));
    tf_give(self, tf_number(self->body, node), &out, 1);
    return ST_OK;
}

Status tf_old_flow(TfScope *self, TfNode *node, Error *err) {
    if (str_is(node->op, "Exit")) return write_loop(self, node, err);
    if (str_is(node->op, "Merge")) return write_merge(self, node, err);
    if (str_is(node->op, "Switch") && node->in_count >= 2) {
        uint32_t value[2];
        TRY(tf_value(self, node->in[0], &value[0], err));
        value[1] = value[0];
        tf_give(self, tf_number(self->body, node), value, 2);
        return ST_OK;
    }
    return error_set(err, ST_UNSUPPORTED,
                     "'" STR_FMT "' (" STR_FMT
                     ") stands in no loop of a known "
                     "form",
                     STR_ARG(node->name), STR_ARG(node->op));
}
