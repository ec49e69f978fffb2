#include "ml/graph/graph.h"

#include "base/assert.h"
#include "ml/graph/run.h"

void graph_home_init(GraphHome *home) {
    *home = (GraphHome){0};
    arena_init(&home->arena);
}

void graph_home_clear(GraphHome *home) {
    for (uint32_t i = 0; i < home->graph_count; i++) {
        Graph *graph = home->graph[i];
        mem_free(graph->constant);
        mem_free(graph->node);
        mem_free(graph->input);
    }
    mem_free(home->graph);
    for (GraphOwned *at = home->owned; at; at = at->next) at->release(at->what);
    run_free(home->folder);
    arena_clear(&home->arena);
    *home = (GraphHome){0};
}

// Arrays of a graph grow by doubling.
static void *grown(void *array, uint32_t count, uint32_t *cap, size_t size) {
    if (count < *cap) return array;
    *cap = *cap ? *cap * 2 : 16;
    return mem_realloc(array, *cap * size);
}

Status graph_new(GraphHome *home, const Graph *parent, Graph **out, Error *err) {
    uint32_t depth = parent ? parent->depth + 1 : 0;
    if (depth > GRAPH_DEPTH_MAX) {
        return error_set(err, ST_VALIDATION, "loops and branches lie more than %d deep",
                         GRAPH_DEPTH_MAX);
    }
    Graph *self = ARENA_NEW(&home->arena, Graph);
    self->home = home;
    self->depth = depth;
    self->number = home->graph_count;
    home->graph = grown(home->graph, home->graph_count, &home->graph_cap, sizeof(Graph *));
    home->graph[home->graph_count++] = self;
    *out = self;
    return ST_OK;
}

uint32_t graph_value(Graph *self) {
    self->constant = grown(self->constant, self->value_count, &self->value_cap, sizeof(Tensor));
    self->constant[self->value_count] = (Tensor){0};
    return self->value_count++;
}

uint32_t graph_input(Graph *self) {
    uint32_t value = graph_value(self);
    self->input = grown(self->input, self->input_count, &self->input_cap, sizeof(uint32_t));
    self->input[self->input_count++] = value;
    return value;
}

Status graph_constant_new(Graph *self, TensorType type, uint32_t rank, const int64_t *dim,
                          Tensor *out, uint32_t *value, Error *err) {
    if (rank > TENSOR_RANK_MAX) {
        return error_set(err, ST_UNSUPPORTED, "a constant of %u dimensions; at most %d are known",
                         rank, TENSOR_RANK_MAX);
    }
    Tensor t = {.type = type, .rank = rank};
    TRY(tensor_count(rank, dim, &t.count, err));
    if (rank) memcpy(t.dim, dim, rank * sizeof t.dim[0]);
    size_t size = (size_t)t.count * tensor_size(type);
    if (size > GRAPH_CONSTANTS_MAX - self->home->constant_bytes) {
        return error_set(err, ST_VALIDATION, "the model's constants take more than %zu MiB",
                         GRAPH_CONSTANTS_MAX >> 20);
    }
    self->home->constant_bytes += size;
    t.data = arena_alloc_aligned(&self->home->arena, size ? size : 1, 32);
    uint32_t at = graph_value(self);
    self->constant[at] = t;
    *out = t;
    if (value) *value = at;
    return ST_OK;
}

Status graph_constant(Graph *self, const Tensor *t, uint32_t *out, Error *err) {
    Tensor copy = {0};
    TRY(graph_constant_new(self, t->type, t->rank, t->dim, &copy, out, err));
    if (t->count) memcpy(copy.data, t->data, (size_t)t->count * tensor_size(t->type));
    if (t->type == TENSOR_STR) {
        Str *text = tensor_str(&copy);
        for (int64_t i = 0; i < t->count; i++) text[i] = str_dup(&self->home->arena, text[i]);
    }
    return ST_OK;
}

static const Tensor *setup_constant(const Setup *setup, uint32_t i) {
    return i < setup->node->in_count ? graph_known(setup->graph, setup->node->in[i]) : NULL;
}

// What a folded node gives becomes constants; a list never does.
static bool worth_keeping(GraphHome *home, const Tensor *out, uint32_t count) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (out[i].type == TENSOR_LIST) return false;
        bytes += (size_t)out[i].count * tensor_size(out[i].type);
    }
    if (bytes > GRAPH_FOLD_MAX - home->folded_bytes) return false;
    home->folded_bytes += bytes;
    return true;
}

static bool foldable(const Graph *self, const Node *node) {
    if (node->op->flags & OP_IMPURE || node->body_count) return false;
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (node->in[i] != VALUE_NONE && !graph_known(self, node->in[i])) return false;
    }
    return true;
}

// Runs the node now. *done: its outputs are constants. A node that fails is left to fail when it
// is run: a branch never taken may hold one.
static Status fold(Graph *self, Node *node, bool *done, Error *err) {
    GraphHome *home = self->home;
    if (!home->folder) {
        home->folder = run_new(home);
        run_start(home->folder, &RUN_LIMITS_FOLD);
    }
    const Tensor **in = NEW_ARRAY(const Tensor *, node->in_count + 1);
    Tensor *out = NEW_ARRAY(Tensor, node->out_count + 1);
    for (uint32_t i = 0; i < node->in_count; i++) in[i] = graph_known(self, node->in[i]);
    Error ignored;
    Status st = ST_OK;
    *done = !run_node(home->folder, node, in, 0, out, &ignored) &&
            worth_keeping(home, out, node->out_count);
    for (uint32_t i = 0; i < node->out_count && *done && !st; i++) {
        if (!out[i].block && out[i].type) {  // a constant under another shape
            self->constant[node->out[i]] = out[i];
            continue;
        }
        uint32_t value;
        st = graph_constant(self, &out[i], &value, err);
        if (!st) self->constant[node->out[i]] = self->constant[value];
    }
    for (uint32_t i = 0; i < node->out_count; i++) tensor_drop(run_pool(home->folder), &out[i]);
    mem_free(in);
    mem_free(out);
    return st;
}

static Status check_inputs(const NodeSpec *spec, Error *err) {
    const Op *op = spec->op;
    if (spec->in_count >= op->in_min && (op->in_max == OP_ANY || spec->in_count <= op->in_max) &&
        spec->in_count <= NODE_INPUTS_MAX && spec->out_count <= NODE_INPUTS_MAX) {
        return ST_OK;
    }
    return error_set(err, ST_VALIDATION, "it has %u inputs, which %s does not take",
                     spec->in_count, op->name);
}

static Status add(Graph *self, const NodeSpec *spec, uint32_t *out, Error *err) {
    GraphHome *home = self->home;
    ASSERT(!self->finished);
    if (++home->nodes > GRAPH_NODES_MAX) {
        return error_set(err, ST_VALIDATION, "the model has more than %d nodes", GRAPH_NODES_MAX);
    }
    TRY(check_inputs(spec, err));
    if (!spec->out_count) return ST_OK;  // nobody can want it, and kernels give one value at least
    Node *node = ARENA_NEW(&home->arena, Node);
    *node = (Node){.op = spec->op,
                   .name = str_dup(&home->arena, spec->name),
                   .label = str_dup(&home->arena, spec->label),
                   .in_count = spec->in_count,
                   .out_count = spec->out_count,
                   .body_count = spec->body_count};
    node->in = arena_dup(&home->arena, spec->in, spec->in_count * sizeof(uint32_t));
    node->out = ARENA_ARRAY(&home->arena, uint32_t, spec->out_count);
    node->body = arena_dup(&home->arena, spec->body, spec->body_count * sizeof(Graph *));
    for (uint32_t i = 0; i < spec->out_count; i++) out[i] = node->out[i] = graph_value(self);
    Setup setup = {.arena = &home->arena,
                   .node = node,
                   .attr = spec->attr,
                   .attr_count = spec->attr_count,
                   .opset = home->opset,
                   .op = spec->op,
                   .constant = setup_constant,
                   .graph = self};
    if (spec->op->prepare) TRY(spec->op->prepare(&setup, err));
    bool known = false;
    if (foldable(self, node)) TRY(fold(self, node, &known, err));
    if (known) return ST_OK;
    self->node = grown(self->node, self->node_count, &self->node_cap, sizeof(Node *));
    self->node[self->node_count++] = node;
    return ST_OK;
}

Status graph_add(Graph *self, const NodeSpec *spec, uint32_t *out, Error *err) {
    Status st = add(self, spec, out, err);
    if (st) {
        error_while(err, "reading node '" STR_FMT "' (" STR_FMT ")", STR_ARG(spec->name),
                    STR_ARG(spec->label));
    }
    return st;
}

void graph_set_outputs(Graph *self, const uint32_t *value, uint32_t count) {
    self->output = arena_dup(&self->home->arena, value, count * sizeof *value);
    self->output_count = count;
}

// Drops the nodes whose outputs nobody wants; they run in order, so one pass from behind is enough.
static void drop_unwanted(Graph *self, bool *wanted) {
    for (uint32_t i = 0; i < self->output_count; i++) wanted[self->output[i]] = true;
    uint32_t kept = self->node_count;
    for (uint32_t i = self->node_count; i-- > 0;) {
        Node *node = self->node[i];
        bool any = false;
        for (uint32_t k = 0; k < node->out_count; k++) any = any || wanted[node->out[k]];
        if (!any) continue;
        for (uint32_t k = 0; k < node->in_count; k++) {
            if (node->in[k] != VALUE_NONE) wanted[node->in[k]] = true;
        }
        self->node[--kept] = node;
    }
    self->node_count -= kept;
    if (self->node_count) {
        memmove(self->node, self->node + kept, self->node_count * sizeof *self->node);
    }
}

// Notes which values die at which node: those whose last reader it is, and its own outputs that
// nobody reads. From behind, the first to name a value is the last to want it.
static void note_deaths(Graph *self, bool *seen) {
    Arena *arena = &self->home->arena;
    for (uint32_t i = 0; i < self->output_count; i++) seen[self->output[i]] = true;
    for (uint32_t i = self->node_count; i-- > 0;) {
        Node *node = self->node[i];
        node->dies = ARENA_ARRAY(arena, uint32_t, node->in_count + node->out_count);
        for (uint32_t k = 0; k < node->out_count; k++) {
            if (!seen[node->out[k]]) node->dies[node->die_count++] = node->out[k];
        }
        for (uint32_t k = 0; k < node->in_count; k++) {
            uint32_t value = node->in[k];
            if (value == VALUE_NONE || seen[value] || graph_known(self, value)) continue;
            seen[value] = true;
            node->dies[node->die_count++] = value;
            uint32_t times = 0;
            for (uint32_t j = 0; j < node->in_count; j++) times += node->in[j] == value;
            if (times == 1 && k < 32) node->dying |= (uint32_t)1 << k;
        }
    }
}

void graph_finish(Graph *self) {
    ASSERT(!self->finished);
    bool *mark = NEW_ARRAY(bool, self->value_count + 1);
    drop_unwanted(self, mark);
    memset(mark, 0, self->value_count);
    note_deaths(self, mark);
    mem_free(mark);
    self->finished = true;
}
