// ml/tf/library.c - TensorFlow's models run by TensorFlow, where it is installed: the format
// "tensorflow-library", for operators that are not known here.
//
// The C interface (tensorflow/c/c_api.h) is in libtensorflow.so.2, and in the Python package's
// libtensorflow_cc.so.2, which WEIR_TENSORFLOW may name. Signatures and ports are read here, as for
// our own graphs. Texts do not go in or out.
#include <stdlib.h>

#include "ml/formats.h"
#include "ml/tf/tf_int.h"
#include "os/library.h"

typedef struct TF_Status TF_Status;  // opaque, as all below
typedef struct TF_Graph TF_Graph;
typedef struct TF_Session TF_Session;
typedef struct TF_SessionOptions TF_SessionOptions;
typedef struct TF_ImportGraphDefOptions TF_ImportGraphDefOptions;
typedef struct TF_Operation TF_Operation;
typedef struct TF_Tensor TF_Tensor;
typedef struct TF_Buffer TF_Buffer;
typedef struct TF_Output {
    TF_Operation *node;
    int index;
} TF_Output;

static struct {
    TF_Status *(*NewStatus)(void);
    void (*DeleteStatus)(TF_Status *);
    int (*GetCode)(const TF_Status *);
    const char *(*Message)(const TF_Status *);
    TF_Graph *(*NewGraph)(void);
    void (*DeleteGraph)(TF_Graph *);
    TF_SessionOptions *(*NewSessionOptions)(void);
    void (*DeleteSessionOptions)(TF_SessionOptions *);
    void (*SetConfig)(TF_SessionOptions *, const void *, size_t, TF_Status *);
    TF_Session *(*LoadSessionFromSavedModel)(const TF_SessionOptions *, const TF_Buffer *,
                                             const char *, const char *const *, int, TF_Graph *,
                                             TF_Buffer *, TF_Status *);
    TF_ImportGraphDefOptions *(*NewImportGraphDefOptions)(void);
    void (*DeleteImportGraphDefOptions)(TF_ImportGraphDefOptions *);
    void (*GraphImportGraphDef)(TF_Graph *, const TF_Buffer *, const TF_ImportGraphDefOptions *,
                                TF_Status *);
    TF_Buffer *(*NewBufferFromString)(const void *, size_t);
    void (*DeleteBuffer)(TF_Buffer *);
    TF_Session *(*NewSession)(TF_Graph *, const TF_SessionOptions *, TF_Status *);
    void (*CloseSession)(TF_Session *, TF_Status *);
    void (*DeleteSession)(TF_Session *, TF_Status *);
    TF_Operation *(*GraphOperationByName)(TF_Graph *, const char *);
    TF_Tensor *(*AllocateTensor)(int, const int64_t *, int, size_t);
    void (*DeleteTensor)(TF_Tensor *);
    void *(*TensorData)(const TF_Tensor *);
    int (*TensorType)(const TF_Tensor *);
    int (*NumDims)(const TF_Tensor *);
    int64_t (*Dim)(const TF_Tensor *, int);
    void (*SessionRun)(TF_Session *, const TF_Buffer *, const TF_Output *, TF_Tensor *const *, int,
                       const TF_Output *, TF_Tensor **, int, const TF_Operation *const *, int,
                       TF_Buffer *, TF_Status *);
} tf;

static Status begin(Error *err) {
    // In the order of the struct above.
    static const char *const SYMBOLS[] = {
        "TF_NewStatus", "TF_DeleteStatus", "TF_GetCode", "TF_Message", "TF_NewGraph",
        "TF_DeleteGraph", "TF_NewSessionOptions", "TF_DeleteSessionOptions", "TF_SetConfig",
        "TF_LoadSessionFromSavedModel", "TF_NewImportGraphDefOptions",
        "TF_DeleteImportGraphDefOptions", "TF_GraphImportGraphDef", "TF_NewBufferFromString",
        "TF_DeleteBuffer", "TF_NewSession", "TF_CloseSession", "TF_DeleteSession",
        "TF_GraphOperationByName", "TF_AllocateTensor", "TF_DeleteTensor", "TF_TensorData",
        "TF_TensorType", "TF_NumDims", "TF_Dim", "TF_SessionRun"};
    enum { COUNT = sizeof SYMBOLS / sizeof SYMBOLS[0] };
    _Static_assert(COUNT * sizeof(void *) == sizeof tf, "a name for each function");
    static Library standard = {.file = "libtensorflow.so.2", .purpose = "'runtime'='library'",
                               .package = "libtensorflow2", .symbol = SYMBOLS, .functions = &tf,
                               .count = COUNT};
    static Library named = {.purpose = "'runtime'='library'", .package = "libtensorflow2",
                            .symbol = SYMBOLS, .functions = &tf, .count = COUNT};
    const char *file = getenv("WEIR_TENSORFLOW");
    if (file && *file && !named.file) named.file = file;
    Status st = library_load(named.file ? &named : &standard, err);
    if (st) {
        error_hint(err, "pip install tensorflow; WEIR_TENSORFLOW names the library in it: "
                        ".../tensorflow/libtensorflow_cc.so.2");
    }
    return st;
}

static Status checked(TF_Status *status, Error *err) {
    if (tf.GetCode(status) == 0) return ST_OK;
    return error_set(err, ST_RUNTIME, "TensorFlow: %s", tf.Message(status));
}

// --- A session ---

typedef struct TfEngine {
    TF_Graph *graph;
    TF_Session *session;
    TF_Output *in, *out;
    uint32_t ins, outs;
} TfEngine;

static void engine_free(void *state) {
    TfEngine *self = state;
    TF_Status *status = tf.NewStatus();
    if (self->session) {
        tf.CloseSession(self->session, status);
        tf.DeleteSession(self->session, status);
    }
    tf.DeleteStatus(status);
    if (self->graph) tf.DeleteGraph(self->graph);
    mem_free(self->in);
    mem_free(self->out);
    mem_free(self);
}

static int their_type(TensorType type) {
    switch (type) {
        case TENSOR_F32: return 1;
        case TENSOR_F64: return 2;
        case TENSOR_I32: return 3;
        case TENSOR_I64: return 9;
        case TENSOR_BOOL: return 10;
        default: return 0;
    }
}

static Status give(const Tensor *t, TF_Tensor **out, Error *err) {
    int type = their_type(t->type);
    size_t size = (size_t)t->count * tensor_size(t->type);
    if (!type) return error_set(err, ST_UNSUPPORTED, "texts do not go to TensorFlow");
    *out = tf.AllocateTensor(type, t->dim, (int)t->rank, size);
    if (!*out) return error_set(err, ST_RUNTIME, "TensorFlow has no memory for %zu bytes", size);
    if (size) memcpy(tf.TensorData(*out), t->data, size);
    return ST_OK;
}

static Status take(const TF_Tensor *t, Run *run, Tensor *out, Error *err) {
    TensorType type = tf_type(tf.TensorType(t));
    int64_t dim[TENSOR_RANK_MAX];
    int rank = tf.NumDims(t);
    if (!their_type(type) || their_type(type) != tf.TensorType(t) || rank > TENSOR_RANK_MAX) {
        return error_set(err, ST_UNSUPPORTED, "an output of type %d with %d dimensions",
                         tf.TensorType(t), rank);
    }
    for (int d = 0; d < rank; d++) dim[d] = tf.Dim(t, d);
    TRY(tensor_new(run_pool(run), type, (uint32_t)rank, dim, out, err));
    if (out->count) memcpy(out->data, tf.TensorData(t), (size_t)out->count * tensor_size(type));
    return ST_OK;
}

static Status engine_run(void *state, Run *run, const Tensor *in, Tensor *out, Error *err) {
    const TfEngine *self = state;
    TF_Tensor **given = NEW_ARRAY(TF_Tensor *, self->ins + 1);
    TF_Tensor **got = NEW_ARRAY(TF_Tensor *, self->outs + 1);
    Status st = ST_OK;
    for (uint32_t i = 0; i < self->ins && !st; i++) st = give(&in[i], &given[i], err);
    if (!st) {
        TF_Status *status = tf.NewStatus();
        tf.SessionRun(self->session, NULL, self->in, given, (int)self->ins, self->out, got,
                      (int)self->outs, NULL, 0, NULL, status);
        st = checked(status, err);
        tf.DeleteStatus(status);
    }
    for (uint32_t i = 0; i < self->outs && !st; i++) st = take(got[i], run, &out[i], err);
    for (uint32_t i = 0; i < self->ins; i++) {
        if (given[i]) tf.DeleteTensor(given[i]);
    }
    for (uint32_t i = 0; i < self->outs; i++) {
        if (got[i]) tf.DeleteTensor(got[i]);
    }
    mem_free(given);
    mem_free(got);
    return st;
}

// --- Loading ---

static void open_saved(TfEngine *self, TfModel *model, const TF_SessionOptions *options,
                       TF_Status *status) {
    static const char *const TAGS[] = {"serve"};
    self->session = tf.LoadSessionFromSavedModel(options, NULL,
                                                 str_cstr(&model->arena, model->folder), TAGS, 1,
                                                 self->graph, NULL, status);
}

static void open_frozen(TfEngine *self, TfModel *model, const TF_SessionOptions *options,
                        TF_Status *status) {
    TF_ImportGraphDefOptions *how = tf.NewImportGraphDefOptions();
    TF_Buffer *bytes = tf.NewBufferFromString(model->graph_def.ptr, model->graph_def.len);
    tf.GraphImportGraphDef(self->graph, bytes, how, status);
    tf.DeleteBuffer(bytes);
    tf.DeleteImportGraphDefOptions(how);
    if (tf.GetCode(status) == 0) self->session = tf.NewSession(self->graph, options, status);
}

static Status open_session(TfEngine *self, TfModel *model, Error *err) {
    // ConfigProto: one thread within operators and one between, for workers are threads already.
    static const char CONFIG[] = {0x10, 1, 0x28, 1};
    TF_Status *status = tf.NewStatus();
    TF_SessionOptions *options = tf.NewSessionOptions();
    self->graph = tf.NewGraph();
    tf.SetConfig(options, CONFIG, sizeof CONFIG, status);
    if (model->saved) open_saved(self, model, options, status);
    else open_frozen(self, model, options, status);
    Status st = checked(status, err);
    tf.DeleteSessionOptions(options);
    tf.DeleteStatus(status);
    return st;
}

static Status find_ports(TfEngine *self, TfModel *model, const Buf *ports, TF_Output **out,
                         uint32_t *count, Error *err) {
    const TfPort *port = (const TfPort *)(void *)ports->ptr;
    uint32_t all = (uint32_t)(ports->len / sizeof *port);
    *out = NEW_ARRAY(TF_Output, all + 1);
    for (*count = 0; *count < all; ++*count) {
        Str name, unused;
        uint32_t index;
        tf_ref(port[*count].tensor, &name, &unused, &index);
        TF_Operation *node = tf.GraphOperationByName(self->graph, str_cstr(&model->arena, name));
        if (!node) {
            return error_set(err, ST_VALIDATION, "there is no node '" STR_FMT "'", STR_ARG(name));
        }
        (*out)[*count] = (TF_Output){node, (int)index};
    }
    return ST_OK;
}

static Status tf_library_load(Str path, Str bytes, MlModel **out, Error *err) {
    TRY(begin(err));
    TfModel model;
    TfEngine *self = NEW(TfEngine);
    ServedSpec spec = {.format = "tensorflow",
                       .engine = {.self = self, .name = "TensorFlow", .run = engine_run,
                                  .free = engine_free}};
    Status st = tf_model_read(&model, path, bytes, err);
    if (!st) st = open_session(self, &model, err);
    if (!st) st = find_ports(self, &model, &model.in, &self->in, &self->ins, err);
    if (!st) st = find_ports(self, &model, &model.out, &self->out, &self->outs, err);
    if (st) {
        engine_free(self);
    } else {
        graph_home_init(&spec.home);
        st = tf_model_serve(&model, &spec, out, err);
    }
    if (st) error_while(err, "reading " STR_FMT, STR_ARG(path));
    tf_model_clear(&model);
    return st;
}

static bool never(Str path, Str bytes) {
    (void)path, (void)bytes;
    return false;
}

const MlFormat TENSORFLOW_LIBRARY_FORMAT = {
    .name = "tensorflow-library", .matches = never, .load = tf_library_load};
