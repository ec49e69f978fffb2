#include "ml/graph/run.h"

#include "base/assert.h"

// The values of a graph while it runs. A graph that calls itself does not exist (bodies are trees),
// so one frame a graph is enough; it keeps its constants in place for the next time.
typedef struct Frame {
    Tensor *slot;
    bool busy;
} Frame;

enum { SCRATCH_MAX = 64 };

struct Run {
    const GraphHome *home;
    TensorPool pool;
    Arena arena;
    Frame *frame;  // by number of graph
    uint32_t frame_count;
    TensorBlock *scratch[SCRATCH_MAX];  // of the nodes at work, the innermost last
    uint32_t scratch_count;
    uint64_t steps;
    double work;
    RunLimits limits;
};

const RunLimits RUN_LIMITS = {(size_t)2 << 30, 50000000, 4398046511104.0};
const RunLimits RUN_LIMITS_FOLD = {(size_t)1 << 30, 1 << 22, 68719476736.0};

static RunLimits limits_cap = {SIZE_MAX, UINT64_MAX, 1e300};

void run_limits_use(const RunLimits *limits) {
    limits_cap = *limits;
}

Run *run_new(const GraphHome *home) {
    Run *self = NEW(Run);
    self->home = home;
    arena_init(&self->arena);
    run_start(self, &RUN_LIMITS);
    return self;
}

void run_free(Run *self) {
    if (!self) return;
    for (uint32_t i = 0; i < self->frame_count; i++) mem_free(self->frame[i].slot);
    mem_free(self->frame);
    pool_clear(&self->pool);
    ASSERT(self->pool.bytes == 0);  // all tensors were dropped
    arena_clear(&self->arena);
    mem_free(self);
}

void run_start(Run *self, const RunLimits *limits) {
    self->limits = *limits;
    if (limits_cap.bytes < self->limits.bytes) self->limits.bytes = limits_cap.bytes;
    if (limits_cap.steps < self->limits.steps) self->limits.steps = limits_cap.steps;
    if (limits_cap.work < self->limits.work) self->limits.work = limits_cap.work;
    self->pool.bytes_max = self->limits.bytes;
    self->steps = 0;
    self->work = 0;
    arena_reset(&self->arena);
}

TensorPool *run_pool(Run *self) {
    return &self->pool;
}

Arena *run_arena(Run *self) {
    return &self->arena;
}

static Status node_failed(const Node *node, Status st, Error *err) {
    error_while(err, "running node '" STR_FMT "' (" STR_FMT ")", STR_ARG(node->name),
                STR_ARG(node->label));
    return st;
}

Status run_node(Run *self, const Node *node, const Tensor *const *in, uint32_t dying, Tensor *out,
                Error *err) {
    if (++self->steps > self->limits.steps) {
        return error_set(err, ST_RUNTIME, "the model runs more than %llu nodes for one batch",
                         (unsigned long long)self->limits.steps);
    }
    uint32_t scratch = self->scratch_count;
    Call call = {.run = self,
                 .node = node,
                 .params = node->params,
                 .arg = node->op->arg,
                 .in = in,
                 .out = out,
                 .in_count = node->in_count,
                 .out_count = node->out_count,
                 .dying = dying,
                 .scratch = scratch};
    for (uint32_t i = 0; i < node->in_count && i < node->op->in_min; i++) {
        if (in[i] && in[i]->type) continue;
        return error_set(err, ST_RUNTIME, "input %u has no value", i + 1);
    }
    Status st = node->op->run(&call, err);
    call_scratch_end(&call);
    return st;
}

static Frame *frame_of(Run *self, const Graph *graph) {
    if (graph->number >= self->frame_count) {
        uint32_t count = self->home->graph_count;
        self->frame = mem_realloc(self->frame, count * sizeof(Frame));
        memset(self->frame + self->frame_count, 0, (count - self->frame_count) * sizeof(Frame));
        self->frame_count = count;
    }
    Frame *frame = &self->frame[graph->number];
    if (!frame->slot) {
        frame->slot = mem_alloc((graph->value_count + 1) * sizeof(Tensor));
        if (graph->value_count) {
            memcpy(frame->slot, graph->constant, graph->value_count * sizeof(Tensor));
        }
    }
    return frame;
}

// Executes a node of a graph; its inputs and outputs are slots of the frame.
static Status step(Run *self, const Graph *graph, Tensor *slot, const Node *node, Error *err) {
    enum { FEW = 16 };
    const Tensor *few_in[FEW];
    Tensor few_out[FEW];
    bool few = node->in_count <= FEW && node->out_count <= FEW;
    const Tensor **in = few ? few_in : NEW_ARRAY(const Tensor *, node->in_count + 1);
    Tensor *out = few ? few_out : NEW_ARRAY(Tensor, node->out_count + 1);
    for (uint32_t i = 0; i < node->in_count; i++) {
        const Tensor *t = node->in[i] == VALUE_NONE ? NULL : &slot[node->in[i]];
        in[i] = t && t->type ? t : NULL;
    }
    for (uint32_t i = 0; i < node->out_count; i++) out[i] = (Tensor){0};
    Status st = run_node(self, node, in, node->dying, out, err);
    // A node may give an input as its output: hold the new before the old is let go.
    for (uint32_t i = 0; i < node->out_count; i++) slot[node->out[i]] = out[i];
    for (uint32_t i = 0; i < node->die_count; i++) tensor_drop(&self->pool, &slot[node->dies[i]]);
    if (!few) {
        mem_free(in);
        mem_free(out);
    }
    return st ? node_failed(node, st, err) : ST_OK;
}

static void empty(Run *self, const Graph *graph, Tensor *slot, uint32_t value) {
    if (!graph->constant[value].type) tensor_drop(&self->pool, &slot[value]);
}

// Empties the frame, so that it holds its constants only. When all went well, only inputs and
// outputs can be left.
static void sweep(Run *self, const Graph *graph, Tensor *slot, bool all) {
    for (uint32_t i = 0; all && i < graph->value_count; i++) empty(self, graph, slot, i);
    for (uint32_t i = 0; i < graph->input_count; i++) empty(self, graph, slot, graph->input[i]);
    for (uint32_t i = 0; i < graph->output_count; i++) empty(self, graph, slot, graph->output[i]);
}

Status run_graph(Run *self, const Graph *graph, Tensor *in, uint32_t in_count, Tensor *out,
                 Error *err) {
    ASSERT(graph->finished && in_count == graph->input_count);
    Frame *frame = frame_of(self, graph);
    ASSERT(!frame->busy);
    frame->busy = true;
    Tensor *slot = frame->slot;
    for (uint32_t i = 0; i < in_count; i++) {
        slot[graph->input[i]] = in[i];
        in[i] = (Tensor){0};
    }
    Status st = ST_OK;
    for (uint32_t i = 0; i < graph->node_count && !st; i++) {
        st = step(self, graph, slot, graph->node[i], err);
    }
    for (uint32_t i = 0; i < graph->output_count; i++) {
        out[i] = st ? (Tensor){0} : tensor_hold(&slot[graph->output[i]]);
    }
    sweep(self, graph, slot, st != ST_OK);
    self->frame[graph->number].busy = false;  // the array may have moved
    return st;
}

// --- What kernels ask for ---

Status call_new(const Call *call, uint32_t out, TensorType type, uint32_t rank, const int64_t *dim,
                Error *err) {
    return tensor_new(&call->run->pool, type, rank, dim, &call->out[out], err);
}

Status call_like(const Call *call, uint32_t out, TensorType type, const Tensor *shape,
                 Error *err) {
    return call_new(call, out, type, shape->rank, shape->dim, err);
}

Status call_reuse(const Call *call, uint32_t out, TensorType type, uint32_t in, Error *err) {
    const Tensor *t = call->in[in];
    bool own = in < 32 && call->dying >> in & 1 && t->block && t->block->holders == 1;
    if (own && t->type != TENSOR_LIST && tensor_size(t->type) == tensor_size(type)) {
        call->out[out] = tensor_hold(t);
        call->out[out].type = type;
        return ST_OK;
    }
    return call_like(call, out, type, t, err);
}

void call_pass(const Call *call, uint32_t out, const Tensor *in, uint32_t rank,
               const int64_t *dim) {
    Tensor t = tensor_hold(in);
    int64_t copy[TENSOR_RANK_MAX];  // [dim] may be the input's own
    if (rank) memcpy(copy, dim, rank * sizeof *dim);
    if (rank) memcpy(t.dim, copy, rank * sizeof *dim);
    t.rank = rank;
    call->out[out] = t;
}

Status call_scratch(const Call *call, size_t size, void **out, Error *err) {
    Run *run = call->run;
    if (run->scratch_count == SCRATCH_MAX) {
        return error_set(err, ST_RUNTIME, "loops lie too deep in one another");
    }
    TensorBlock *block;
    TRY(pool_take(&run->pool, size, &block, err));
    run->scratch[run->scratch_count++] = block;
    *out = block_data(block);
    return ST_OK;
}

void call_scratch_end(const Call *call) {
    Run *run = call->run;
    while (run->scratch_count > call->scratch) {
        pool_give(&run->pool, run->scratch[--run->scratch_count]);
    }
}

Status call_work(const Call *call, double work, Error *err) {
    call->run->work += work;
    if (call->run->work <= call->run->limits.work) return ST_OK;
    return error_set(err, ST_RUNTIME, "the model needs more than %.0f multiplications for a batch",
                     call->run->limits.work);
}

TensorPool *call_pool(const Call *call) {
    return &call->run->pool;
}

Arena *call_arena(const Call *call) {
    return &call->run->arena;
}
