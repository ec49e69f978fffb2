// ml/onnx/onnx_int.h - what the parts of the ONNX reader tell each other.
#pragma once

#include "base/map.h"
#include "ml/graph/graph.h"
#include "ml/graph/kernels.h"
#include "ml/graph/stored.h"
#include "ml/proto.h"

// Rows of ops.c, ops_nn.c, ops_quant.c and ops_ml.c; name NULL at the end.
extern const Op ONNX_OPS[], ONNX_NN_OPS[], ONNX_QUANT_OPS[], ONNX_ML_OPS[];

typedef struct OnnxNode {
    Str name, type, domain;
    Str *in, *out;
    uint32_t in_count, out_count;
    Attr *attr;
    uint32_t attr_count;
} OnnxNode;

// What a file is read with.
typedef struct OnnxReader {
    GraphHome *home;
    Str path;      // of the file: external data lies beside it
    Arena *arena;  // of the load: names and nodes
    Map function;  // Str bytes of a FunctionProto, by "domain.name"
    const OnnxNode *call;  // within a function: who calls it, with all its attributes
    uint32_t depth, calls;
} OnnxReader;

// The attribute of that name, or NULL.
const Attr *onnx_attr(const OnnxNode *node, Str name);
// Reads an AttributeProto. One that stands for an attribute of the call is that, or, when the call
// has none, has no name.
NODISCARD Status onnx_read_attr(OnnxReader *reader, Str bytes, Graph *graph, Attr *out, Error *err);
// The attributes of convolutions and pools.
NODISCARD Status onnx_window(Setup *setup, WindowParams *params, Error *err);
// A type of TensorProto; TENSOR_NONE when it is not known here.
TensorType onnx_type(int64_t type);
StoredType onnx_stored(int64_t type);
// Reads a TensorProto as a constant of [graph].
NODISCARD Status onnx_tensor(OnnxReader *reader, Str bytes, Graph *graph, Str *name, Tensor *out,
                             uint32_t *value, Error *err);
// Reads a SparseTensorProto as a constant that is not sparse.
NODISCARD Status onnx_sparse(OnnxReader *reader, Str bytes, Graph *graph, Str *name,
                             uint32_t *value, Error *err);
// Reads a NodeProto; tensors among its attributes become constants of [graph].
NODISCARD Status onnx_node(OnnxReader *reader, Str bytes, Graph *graph, OnnxNode *out, Error *err);
