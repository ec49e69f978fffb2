// ml/graph/op_flow.c - loops and branches. Their bodies are graphs, run by run_graph; what a body
// takes from outside it takes as further inputs, which the node has at its end.
#include "ml/graph/kernels.h"
#include "ml/graph/run.h"

static const Graph *body_of(const Call *call, uint32_t i) {
    return call->node->body[i];
}

// Runs a body on [count] tensors, which it takes over, and what it captures: inputs of the node
// from [first] on.
static Status run_body(const Call *call, const Graph *body, Tensor *in, uint32_t count,
                       uint32_t first, Tensor *out, Error *err) {
    uint32_t all = body->input_count;
    Tensor *given = NEW_ARRAY(Tensor, all + 1);
    Status st = ST_OK;
    for (uint32_t i = 0; i < count && i < all; i++) given[i] = in[i], in[i] = (Tensor){0};
    for (uint32_t i = count; i < all && !st; i++) {
        const Tensor *t = first + i - count < call->in_count ? call->in[first + i - count] : NULL;
        if (t) given[i] = tensor_hold(t);
    }
    st = run_graph(call->run, body, given, all, out, err);
    for (uint32_t i = 0; i < all; i++) tensor_drop(call_pool(call), &given[i]);
    mem_free(given);
    return st;
}

static Status truth(const Tensor *t, bool *out, Error *err) {
    if (!t || t->count != 1 || t->type == TENSOR_STR || t->type == TENSOR_LIST) {
        return error_set(err, ST_RUNTIME, "the condition is not one boolean");
    }
    *out = tensor_number(t, 0) != 0;
    return ST_OK;
}

static Status branch(const Call *call, uint32_t which, Error *err) {
    const FlowParams *params = call->params;
    const Graph *body = body_of(call, which);
    if (body->output_count != call->out_count) {
        return error_set(err, ST_RUNTIME, "a branch gives %u values, not %u", body->output_count,
                         call->out_count);
    }
    return run_body(call, body, NULL, 0, params->capture_first[which], call->out, err);
}

Status kernel_if(const Call *call, Error *err) {
    bool yes = false;
    TRY(truth(call->in[0], &yes, err));
    return branch(call, yes ? 0 : 1, err);
}

Status kernel_case(const Call *call, Error *err) {
    TRY(call_want_number(call, 0, err));
    int64_t which = call->in[0]->count ? tensor_integer(call->in[0], 0) : -1;
    uint32_t last = call->node->body_count - 1;
    return branch(call, which < 0 || which > last ? last : (uint32_t)which, err);
}

static void drop_all(const Call *call, Tensor *t, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) tensor_drop(call_pool(call), &t[i]);
    mem_free(t);
}

// Inputs: variables, captures of both bodies. Body 0 tells whether to go on, body 1 gives the next
// variables.
Status kernel_while(const Call *call, Error *err) {
    const FlowParams *params = call->params;
    uint32_t n = params->variables;
    const Graph *condition = body_of(call, 0), *body = body_of(call, 1);
    if (condition->output_count != 1 || body->output_count != n || call->out_count != n) {
        return error_set(err, ST_RUNTIME, "the loop's bodies do not fit its variables");
    }
    Tensor *variable = NEW_ARRAY(Tensor, n + 1), *next = NEW_ARRAY(Tensor, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        if (call->in[i]) variable[i] = tensor_hold(call->in[i]);
    }
    Status st = ST_OK;
    for (;;) {
        Tensor answer = {0};
        bool on = false;
        for (uint32_t i = 0; i < n; i++) next[i] = tensor_hold(&variable[i]);
        st = run_body(call, condition, next, n, params->capture_first[0], &answer, err);
        if (!st) st = truth(&answer, &on, err);
        tensor_drop(call_pool(call), &answer);
        if (st || !on) break;
        st = run_body(call, body, variable, n, params->capture_first[1], next, err);
        if (st) break;
        for (uint32_t i = 0; i < n; i++) variable[i] = next[i], next[i] = (Tensor){0};
    }
    for (uint32_t i = 0; i < n && !st; i++) call->out[i] = tensor_hold(&variable[i]);
    drop_all(call, variable, n);
    drop_all(call, next, n);
    return st;
}

// --- ONNX's loops, whose bodies also give values to be stacked ---

// Values of all rounds, one behind the other; they grow by doubling.
typedef struct Stack {
    Tensor *item;
    uint32_t count, cap;
} Stack;

enum { ROUNDS_MAX = 1 << 24 };  // the run's steps end a loop long before

static void stack_push(Stack *self, Tensor *t) {
    if (self->count == self->cap) {
        self->cap = self->cap ? 2 * self->cap : 16;
        self->item = mem_realloc(self->item, self->cap * sizeof(Tensor));
    }
    self->item[self->count++] = *t;
    *t = (Tensor){0};
}

// All items behind one another in a new dimension [axis]; backwards if so asked.
static Status stack_join(const Call *call, uint32_t out, const Stack *self, bool backward,
                         Error *err) {
    if (!self->count) {
        int64_t none = 0;
        return call_new(call, out, TENSOR_F32, 1, &none, err);
    }
    const Tensor **in = NEW_ARRAY(const Tensor *, self->count);
    for (uint32_t i = 0; i < self->count; i++) {
        in[i] = &self->item[backward ? self->count - 1 - i : i];
    }
    JoinParams join = {.axis_input = -1, .size_input = -1, .new_axis = true};
    Call inner = *call;
    inner.in = in;
    inner.in_count = self->count;
    inner.params = &join;
    inner.out = call->out + out;
    Status st = kernel_concat(&inner, err);
    mem_free(in);
    return st;
}

static Status scalar(const Call *call, TensorType type, double value, Tensor *out, Error *err) {
    TRY(tensor_new(call_pool(call), type, 0, NULL, out, err));
    tensor_put_number(out, 0, value);
    return ST_OK;
}

// Inputs: trip count, condition, variables, captures. The body takes round, condition, variables
// and gives condition, variables, values to be stacked.
Status kernel_loop(const Call *call, Error *err) {
    const FlowParams *params = call->params;
    const Graph *body = body_of(call, 0);
    uint32_t n = params->variables, scans = params->scans_out;
    int64_t rounds = ROUNDS_MAX;
    bool on = true;
    if (body->output_count != 1 + n + scans || call->out_count != n + scans ||
        body->input_count < 2 + n) {
        return error_set(err, ST_RUNTIME, "the loop's body does not fit its variables");
    }
    if (call->in[0]) {
        TRY(call_want_number(call, 0, err));
        rounds = call->in[0]->count ? tensor_integer(call->in[0], 0) : 0;
    }
    if (call->in[1]) TRY(truth(call->in[1], &on, err));
    Tensor *in = NEW_ARRAY(Tensor, 2 + n), *out = NEW_ARRAY(Tensor, 1 + n + scans);
    Stack *stack = NEW_ARRAY(Stack, scans + 1);
    for (uint32_t i = 0; i < n; i++) {
        if (call->in[2 + i]) in[2 + i] = tensor_hold(call->in[2 + i]);
    }
    Status st = ST_OK;
    for (int64_t round = 0; round < rounds && on && !st; round++) {
        st = scalar(call, TENSOR_I64, (double)round, &in[0], err);
        if (!st) st = scalar(call, TENSOR_BOOL, 1, &in[1], err);
        if (!st) st = run_body(call, body, in, 2 + n, 2 + n, out, err);
        if (!st) st = truth(&out[0], &on, err);
        tensor_drop(call_pool(call), &out[0]);
        for (uint32_t i = 0; i < n && !st; i++) in[2 + i] = out[1 + i], out[1 + i] = (Tensor){0};
        for (uint32_t i = 0; i < scans && !st; i++) stack_push(&stack[i], &out[1 + n + i]);
    }
    for (uint32_t i = 0; i < n && !st; i++) call->out[i] = tensor_hold(&in[2 + i]);
    for (uint32_t i = 0; i < scans && !st; i++) {
        st = stack_join(call, n + i, &stack[i], false, err);
    }
    for (uint32_t i = 0; i < scans; i++) drop_all(call, stack[i].item, stack[i].count);
    mem_free(stack);
    drop_all(call, in, 2 + n);
    drop_all(call, out, 1 + n + scans);
    return st;
}

// Part [at] of the first dimension.
static Status part(const Call *call, const Tensor *t, int64_t at, Tensor *out, Error *err) {
    TRY(tensor_new(call_pool(call), t->type, t->rank - 1, t->dim + 1, out, err));
    size_t bytes = (size_t)out->count * tensor_size(t->type);
    memcpy(out->data, (char *)t->data + (size_t)at * bytes, bytes);
    return ST_OK;
}

static Status scan_rounds(const Call *call, const FlowParams *params, int64_t *rounds,
                          Error *err) {
    *rounds = -1;
    for (uint32_t i = 0; i < params->scans_in; i++) {
        const Tensor *t = call->in[params->variables + i];
        if (!t || !t->rank || t->type == TENSOR_LIST || (*rounds >= 0 && t->dim[0] != *rounds)) {
            return error_set(err, ST_RUNTIME, "inputs to be scanned have different lengths");
        }
        *rounds = t->dim[0];
    }
    if (*rounds < 0) return error_set(err, ST_RUNTIME, "there is nothing to scan");
    return ST_OK;
}

// Inputs: variables, what is scanned, captures.
Status kernel_scan(const Call *call, Error *err) {
    const FlowParams *params = call->params;
    const Graph *body = body_of(call, 0);
    uint32_t n = params->variables, all = n + params->scans_in, scans = params->scans_out;
    int64_t rounds;
    if (body->output_count != n + scans || call->out_count != n + scans ||
        body->input_count < all || all > call->in_count) {
        return error_set(err, ST_RUNTIME, "the scan's body does not fit its variables");
    }
    TRY(scan_rounds(call, params, &rounds, err));
    Tensor *in = NEW_ARRAY(Tensor, all + 1), *out = NEW_ARRAY(Tensor, n + scans + 1);
    Stack *stack = NEW_ARRAY(Stack, scans + 1);
    for (uint32_t i = 0; i < n; i++) {
        if (call->in[i]) in[i] = tensor_hold(call->in[i]);
    }
    Status st = ST_OK;
    for (int64_t round = 0; round < rounds && !st; round++) {
        for (uint32_t i = 0; i < params->scans_in && !st; i++) {
            bool backward = params->scan_backward_in >> i & 1;
            st = part(call, call->in[n + i], backward ? rounds - 1 - round : round, &in[n + i],
                      err);
        }
        if (!st) st = run_body(call, body, in, all, all, out, err);
        for (uint32_t i = 0; i < n && !st; i++) in[i] = out[i], out[i] = (Tensor){0};
        for (uint32_t i = 0; i < scans && !st; i++) stack_push(&stack[i], &out[n + i]);
    }
    for (uint32_t i = 0; i < n && !st; i++) call->out[i] = tensor_hold(&in[i]);
    for (uint32_t i = 0; i < scans && !st; i++) {
        st = stack_join(call, n + i, &stack[i], params->scan_backward_out >> i & 1, err);
    }
    for (uint32_t i = 0; i < scans; i++) drop_all(call, stack[i].item, stack[i].count);
    mem_free(stack);
    drop_all(call, in, all);
    drop_all(call, out, n + scans);
    return st;
}
