// ml/tf/tf_int.h - what the parts of the TensorFlow reader tell each other.
//
// graph_def.c reads nodes and functions as they stand; build.c makes a graph (ml/graph/) of what
// the outputs need, function calls written out in place; flow.c makes loops and branches of both
// kinds; bundle.c finds the values of variables; tf.c is the model.
#pragma once

#include "base/map.h"
#include "ml/graph/graph.h"
#include "ml/graph/kernels.h"
#include "ml/graph/served.h"
#include "ml/graph/stored.h"
#include "ml/proto.h"
#include "ml/tf/bundle.h"

enum {
    TF_CALLS_MAX = 64,       // function calls in function calls
    TF_NODES_MAX = 1 << 20,  // of a file
};

// --- graph_def.c ---

typedef struct TfNode {
    Str name, op;
    Str *in;  // "node", "node:2", "node:output:0", "^control"
    uint32_t in_count;
    Attr *attr;  // tensors, shapes and functions as bytes in [s]; names are those of the file
    uint32_t attr_count;
} TfNode;

// The nodes of a graph or of a function.
typedef struct TfBody {
    Str name;
    TfNode *node;
    uint32_t node_count;
    Map place;  // name of a node → its number + 1
    Str *arg, *out, *ret;  // of a function: arguments; results and what each stands for
    uint32_t arg_count, out_count;
} TfBody;

typedef struct TfFile {
    Arena *arena;
    TfBody main;
    Map function;  // name → TfBody, of the arena
} TfFile;

NODISCARD Status tf_file_read(Str graph_def, Arena *arena, TfFile *out, Error *err);
void tf_file_clear(TfFile *file);

TensorType tf_type(int64_t type);  // TENSOR_NONE: not known here, or no tensor
StoredType tf_stored(int64_t type);
// Reads a TensorProto as a constant of [graph].
NODISCARD Status tf_tensor(Str bytes, Graph *graph, Tensor *out, uint32_t *value, Error *err);
// The texts of a TensorProto; false when it holds none.
bool tf_strings(Str bytes, Arena *arena, const Str **out, uint32_t *count);
// Reads a TensorShapeProto; false when it does not tell the rank. Open dimensions are -1.
bool tf_shape(Str bytes, uint32_t *rank, int64_t dim[TENSOR_RANK_MAX]);
const Attr *tf_attr(const TfNode *node, const char *name);
int64_t tf_attr_int(const TfNode *node, const char *name, int64_t otherwise);
// Splits "node:output:2" or "node:2"; the port's name is empty in the second form.
void tf_ref(Str ref, Str *node, Str *port, uint32_t *index);
static inline bool tf_is_control(Str ref) {
    return ref.len > 0 && ref.ptr[0] == '^';
}
// The node of that name, NULL when there is none.
TfNode *tf_node(const TfBody *body, Str name);

// --- build.c ---

// A graph in the making, and what it takes from the one around it.
typedef struct TfGraph {
    struct TfGraph *parent;
    Graph *graph;
    Buf outer,
        inner;  // uint32_t: values of the parent that were brought in, and what they are here
    Buf capture;       // uint32_t: those of them that became inputs, in order
} TfGraph;

typedef struct TfBuild {
    TfFile *file;
    TfBundle *bundle;  // NULL: a graph without variables
    GraphHome *home;
    Arena *arena;
    Map variable;      // name of a VarHandleOp → key in the bundle (Str of the arena)
    uint32_t calls;    // that are being written out
} TfBuild;

// A body that is being written into a graph.
typedef struct TfScope {
    TfBuild *build;
    const TfBody *body;
    TfGraph *into;
    const uint32_t *arg;  // values of the graph, for a function's arguments
    uint32_t **out;       // by node: values of its outputs; NULL: not yet
    uint32_t *out_count;
    uint8_t *state;       // by node: 1 being written
} TfScope;

NODISCARD Status tf_scope_init(TfScope *self, TfBuild *build, const TfBody *body, TfGraph *into,
                               Error *err);
// The value that a reference stands for, with all that it needs.
NODISCARD Status tf_value(TfScope *self, Str ref, uint32_t *out, Error *err);
// Writes out a function: [args] values in, one value a result out.
NODISCARD Status tf_call(TfBuild *build, Str function, TfGraph *into, const uint32_t *arg,
                         uint32_t args, uint32_t *out, uint32_t outs, Error *err);
uint32_t tf_capture(TfGraph *self, uint32_t outer);
void tf_graph_clear(TfGraph *self);
// Sets what a node gives.
void tf_give(TfScope *self, uint32_t node, const uint32_t *value, uint32_t count);
uint32_t tf_number(const TfBody *body, const TfNode *node);

// --- flow.c ---

// Whether the node is a loop, a branch or a call, which tf_flow writes.
bool tf_is_flow(Str op);
NODISCARD Status tf_flow(TfScope *self, TfNode *node, const uint32_t *in, uint32_t ins, Error *err);
// The old style: what the Exit or Merge [node] needs to stand first, as references added to [out].
NODISCARD Status tf_old_needs(TfScope *self, TfNode *node, Buf *out, Error *err);
bool tf_is_old_flow(Str op);
NODISCARD Status tf_old_flow(TfScope *self, TfNode *node, Error *err);

extern const Op TF_OPS[], TF_NN_OPS[];

// --- tf.c ---

// A name of the outside and the tensor that it stands for.
typedef struct TfPort {
    Str key, tensor;
    ServedPort port;
    bool shaped;
} TfPort;

typedef struct TfModel {
    TfBuild build;
    TfFile file;
    TfGraph into;
    Arena arena;
    Buf in, out;      // TfPort
    Buf own;          // bytes of the file, when we read it
    Str graph_def;
    Str folder;       // of a SavedModel
    bool saved;
} TfModel;

// Reads the file or the folder: its nodes and its ports. To be cleared even when it fails.
NODISCARD Status tf_model_read(TfModel *self, Str path, Str bytes, Error *err);
void tf_model_clear(TfModel *self);
// Fills the spec's ports and hands it over.
NODISCARD Status tf_model_serve(TfModel *self, ServedSpec *spec, MlModel **out, Error *err);
