// ml/graph/op.h - operators: a row of a table each. A format has its own table of names
// (onnx/ops.c, tf/ops.c); the kernels behind them are shared (kernels.h).
//
// A row's prepare is called once, when the node is added to its graph, and turns attributes and
// constant inputs into the parameters of the kernel; run is called for each execution, by any
// thread, and sees tensors and parameters only.
#pragma once

#include "ml/graph/tensor.h"

typedef struct Graph Graph;
typedef struct Node Node;
typedef struct Run Run;
typedef struct Op Op;

// An attribute, whichever file it comes from.
typedef struct Attr {
    Str name;
    int64_t i;  // also booleans and types
    double f;
    Str s;         // text, the name of a function, the bytes of a graph
    Tensor tensor; // TENSOR_NONE: none
    // A list; what is not set has no list.
    const int64_t *ints;
    const float *floats;
    const Str *strs;
    uint32_t int_count, float_count, str_count;
} Attr;

// What prepare sees.
typedef struct Setup {
    Arena *arena;  // of the graph
    Node *node;    // its inputs, outputs and bodies stand already
    const Attr *attr;
    uint32_t attr_count;
    int32_t opset;
    const Op *op;
    // The input's value when it is known now, else NULL; also NULL where there is no such input.
    const Tensor *(*constant)(const struct Setup *setup, uint32_t i);
    const Graph *graph;
} Setup;

// What run sees.
typedef struct Call {
    Run *run;
    const Node *node;
    const void *params;
    int32_t arg;              // the row's
    const Tensor *const *in;  // NULL: left out
    Tensor *out;              // empty; those that are set on failure are dropped by the caller
    uint32_t in_count, out_count;
    uint32_t dying;    // bit i: nobody else wants input i after this (of the first 32)
    uint32_t scratch;  // of the run's pieces of scratch memory those before this call
} Call;

enum { OP_IMPURE = 1 };  // gives something else each time, or is asked for its effect

typedef struct Op {
    const char *name;
    Status (*run)(const Call *call, Error *err);
    Status (*prepare)(Setup *setup, Error *err);  // NULL: there is nothing to prepare
    int32_t arg;
    uint16_t in_min, in_max;  // OP_ANY: any number
    uint16_t flags;
} Op;
enum { OP_ANY = 0xFFFF };

// Attributes, by name; the other value when absent.
const Attr *setup_attr(const Setup *setup, const char *name);
int64_t setup_int(const Setup *setup, const char *name, int64_t otherwise);
double setup_float(const Setup *setup, const char *name, double otherwise);
Str setup_str(const Setup *setup, const char *name, const char *otherwise);
// A list of numbers of the graph's arena; NULL and 0 when absent.
const int64_t *setup_ints(const Setup *setup, const char *name, uint32_t *count);
const float *setup_floats(const Setup *setup, const char *name, uint32_t *count);
// Cleared, of the graph's arena, and the node's from now on.
#define SETUP_PARAMS(setup, type) ((type *)setup_params((setup), sizeof(type)))
void *setup_params(Setup *setup, size_t size);

// What must be freed, and not only forgotten, when the graph goes.
void setup_owns(const Setup *setup, void (*release)(void *what), void *what);

// Outputs. A tensor made by call_reuse takes the place of input [in] when nobody else wants that
// and it has the same type and size; kernels that read a value before they write it there may ask.
NODISCARD Status call_new(const Call *call, uint32_t out, TensorType type, uint32_t rank,
                          const int64_t *dim, Error *err);
NODISCARD Status call_like(const Call *call, uint32_t out, TensorType type, const Tensor *shape,
                           Error *err);
NODISCARD Status call_reuse(const Call *call, uint32_t out, TensorType type, uint32_t in,
                            Error *err);
// The output is the input, under another shape of as many values ([rank] dimensions).
void call_pass(const Call *call, uint32_t out, const Tensor *in, uint32_t rank,
               const int64_t *dim);
// Memory until the call ends.
NODISCARD Status call_scratch(const Call *call, size_t size, void **out, Error *err);
void call_scratch_end(const Call *call);  // all of it that this call took, before its end
// Counts [work] multiplications against the run's limit.
NODISCARD Status call_work(const Call *call, double work, Error *err);
TensorPool *call_pool(const Call *call);
Arena *call_arena(const Call *call);  // of the run: for the bytes of texts

// Axes: from the back when negative; ST_RUNTIME when out of range.
NODISCARD Status axis_of(int64_t axis, uint32_t rank, uint32_t *out, Error *err);
NODISCARD Status call_want(const Call *call, uint32_t in, TensorType type, Error *err);
NODISCARD Status call_want_number(const Call *call, uint32_t in, Error *err);
// "shapes [2,3] and [4] do not fit"
NODISCARD Status call_misfit(const Tensor *a, const Tensor *b, Error *err);
// No kernel for values of that type.
NODISCARD Status call_no_type(const Tensor *t, Error *err);
// Reads a small vector of integers (a shape, axes) of at most [max] values.
NODISCARD Status call_integers(const Tensor *t, int64_t *out, uint32_t max, uint32_t *count,
                               Error *err);
