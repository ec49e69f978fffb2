// ml/graph/graph.h - a graph of operators: nodes in the order in which they run, over numbered
// values. A reader of files adds constants, inputs and nodes; what can be computed at once is
// (constant folding); graph_finish drops what no output needs and notes where each value dies.
//
// A body of a loop or a branch is a graph of its own, its inputs the loop's variables and what it
// captures from outside. A finished graph never changes and serves any number of threads.
#pragma once

#include "ml/graph/op.h"

enum {
    GRAPH_NODES_MAX = 1 << 20,   // of a model, its bodies included
    GRAPH_DEPTH_MAX = 32,        // bodies in bodies
    NODE_INPUTS_MAX = 1 << 16,
};
#define GRAPH_CONSTANTS_MAX ((size_t)4 << 30)  // bytes
#define GRAPH_FOLD_MAX ((size_t)256 << 20)     // bytes that all folded nodes may give

enum { VALUE_NONE = 0xFFFFFFFF };  // an input that was left out

struct Node {
    const Op *op;
    Str name;
    Str label;  // the operator as the file calls it, for messages
    const void *params;
    uint32_t *in, *out;
    uint32_t in_count, out_count;
    Graph **body;
    uint32_t body_count;
    uint32_t *dies;  // values that nobody wants after this node
    uint32_t die_count;
    uint32_t dying;  // bit i: input i is one of them, and stands once among the inputs
};

// See setup_owns.
typedef struct GraphOwned {
    struct GraphOwned *next;
    void (*release)(void *what);
    void *what;
} GraphOwned;

// What the model's graphs share.
typedef struct GraphHome {
    Arena arena;
    Graph **graph;  // all of them
    uint32_t graph_count, graph_cap;
    uint32_t nodes;
    size_t constant_bytes, folded_bytes;
    int32_t opset;
    Run *folder;  // runs what is folded
    struct GraphOwned *owned;
} GraphHome;

struct Graph {
    GraphHome *home;
    uint32_t number;  // in the home
    uint32_t depth;
    Tensor *constant;  // by value; TENSOR_NONE: it is computed
    uint32_t value_count, value_cap;
    Node **node;
    uint32_t node_count, node_cap;
    uint32_t *input, input_count, input_cap;
    uint32_t *output, output_count;
    bool finished;
};

void graph_home_init(GraphHome *home);
void graph_home_clear(GraphHome *home);
NODISCARD Status graph_new(GraphHome *home, const Graph *parent, Graph **out, Error *err);

uint32_t graph_value(Graph *self);  // a new one, to be computed
uint32_t graph_input(Graph *self);  // a new one, to be given
// A copy of [t], whose block (if any) stays the caller's. Lists of tensors are no constants, empty
// ones of TENSOR_LIST are.
NODISCARD Status graph_constant(Graph *self, const Tensor *t, uint32_t *out, Error *err);
// Room for a constant to be filled by the caller.
NODISCARD Status graph_constant_new(Graph *self, TensorType type, uint32_t rank,
                                    const int64_t *dim, Tensor *out, uint32_t *value, Error *err);
static inline const Tensor *graph_known(const Graph *self, uint32_t value) {
    return value != VALUE_NONE && self->constant[value].type ? &self->constant[value] : NULL;
}

typedef struct NodeSpec {
    const Op *op;
    Str name, label;
    const uint32_t *in;
    uint32_t in_count, out_count;
    const Attr *attr;
    uint32_t attr_count;
    Graph **body;  // finished
    uint32_t body_count;
} NodeSpec;
// Adds a node; out[0..out_count) are its values, known ones when it could be folded.
NODISCARD Status graph_add(Graph *self, const NodeSpec *spec, uint32_t *out, Error *err);
void graph_set_outputs(Graph *self, const uint32_t *value, uint32_t count);
void graph_finish(Graph *self);
