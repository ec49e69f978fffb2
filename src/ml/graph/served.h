// ml/graph/served.h - a graph as a model (ml/model.h): rows in, rows out.
//
// The first dimension of an input that the file leaves open is the batch: rows go through the graph
// together, SERVED_ROWS at a time. One more dimension may be open: the field is a list then, its
// rows are of any number of steps, and those of one length go together. A graph whose inputs have
// no such dimension, or whose outputs do not follow it, gets its rows one by one. What it gives is
// found out when it is loaded, by running it on zeros, or on ones where it takes none.
#pragma once

#include "ml/graph/run.h"
#include "ml/model.h"

enum { SERVED_ROWS = 256 };

typedef struct ServedPort {
    Str name;
    TensorType type;
    uint32_t rank;
    int64_t dim[TENSOR_RANK_MAX];  // -1: open
} ServedPort;

// Who runs a graph instead of us: a library that was loaded. Any thread.
typedef struct ServedEngine {
    void *self;  // handed over, whether it succeeds or not
    const char *name;
    // Tensors in, tensors out, in the order of the ports; those out are of the run's pool, texts of
    // its arena.
    Status (*run)(void *self, Run *run, const Tensor *in, Tensor *out, Error *err);
    void (*free)(void *self);
} ServedEngine;

typedef struct ServedSpec {
    const char *format;
    GraphHome home;  // handed over, whether it succeeds or not
    Graph *graph;    // finished; its inputs and outputs are those below, in order
    ServedEngine engine;  // instead of the graph, which is NULL then
    const ServedPort *in;
    const Str *out;  // names
    uint32_t in_count, out_count;
} ServedSpec;

NODISCARD Status served_new(ServedSpec *spec, MlModel **out, Error *err);
