// ml/graph/run.h - the execution of graphs: nodes in their order, each value let go after the last
// node that wants it. A run belongs to one thread at a time; it keeps its memory for the next.
#pragma once

#include "ml/graph/graph.h"

// What a model may use for one call of run_graph. A hostile file asks for a loop without end or for
// a product of huge matrices; these say no.
typedef struct RunLimits {
    size_t bytes;    // of tensors at a time
    uint64_t steps;  // executions of nodes
    double work;     // multiplications, about
} RunLimits;
extern const RunLimits RUN_LIMITS;       // 2 GiB, 50 million, 2^42
extern const RunLimits RUN_LIMITS_FOLD;  // while loading
void run_limits_use(const RunLimits *limits);  // of fuzz targets: smaller ones for all; before use

Run *run_new(const GraphHome *home);
void run_free(Run *self);
void run_start(Run *self, const RunLimits *limits);  // the counts begin again, texts are let go
TensorPool *run_pool(Run *self);
Arena *run_arena(Run *self);

// Takes the inputs over (they are empty after it, failed or not) and gives the outputs, which the
// caller drops. Kernels of loops and branches call it for their bodies.
NODISCARD Status run_graph(Run *self, const Graph *graph, Tensor *in, uint32_t in_count,
                           Tensor *out, Error *err);
// One node outside a graph: for folding.
NODISCARD Status run_node(Run *self, const Node *node, const Tensor *const *in, uint32_t dying,
                          Tensor *out, Error *err);
