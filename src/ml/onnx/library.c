// ml/onnx/library.c - ONNX files run by ONNX Runtime, where it is installed: the format
// "onnx-library", for operators that are not known here.
//
// Its C interface is one function and a table of functions whose order never changes
// (onnxruntime_c_api.h, OrtApi, version 11); only those that are called here have a type. The
// library is what WEIR_ONNXRUNTIME names, or libonnxruntime.so.1 where the loader finds it.
#include <pthread.h>
#include <stdlib.h>

#include "ml/formats.h"
#include "ml/graph/served.h"
#include "os/library.h"

typedef struct OrtStatus OrtStatus;  // opaque, as all below
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtOptions OrtOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtShape OrtShape;
typedef struct OrtMemory OrtMemory;
typedef struct OrtAllocator {
    uint32_t version;
    void *(*alloc)(struct OrtAllocator *self, size_t size);
    void (*free)(struct OrtAllocator *self, void *memory);
    const OrtMemory *(*info)(const struct OrtAllocator *self);
} OrtAllocator;

enum { ORT_VERSION = 11, ORT_FUNCTIONS = 101, ORT_LOG_ERROR = 3 };

// Places of functions in the table.
enum {
    ORT_ERROR_MESSAGE = 2, ORT_CREATE_ENV = 3, ORT_CREATE_SESSION = 7, ORT_RUN = 9,
    ORT_CREATE_OPTIONS = 10, ORT_SET_THREADS = 24, ORT_INPUTS = 30, ORT_OUTPUTS = 31,
    ORT_INPUT_TYPE = 33, ORT_INPUT_NAME = 36, ORT_OUTPUT_NAME = 37, ORT_CREATE_TENSOR = 49,
    ORT_NEW_TENSOR = 48, ORT_IS_TENSOR = 50, ORT_DATA = 51, ORT_FILL_TEXTS = 52,
    ORT_TEXTS_SIZE = 53, ORT_TEXTS = 54, ORT_TENSOR_INFO = 55, ORT_ELEMENT_TYPE = 60,
    ORT_RANK = 61, ORT_DIMENSIONS = 62, ORT_SHAPE_OF = 65, ORT_CPU_MEMORY = 69,
    ORT_ALLOCATOR = 78, ORT_FREE_STATUS = 93, ORT_FREE_MEMORY = 94, ORT_FREE_SESSION = 95,
    ORT_FREE_VALUE = 96, ORT_FREE_TYPE = 98, ORT_FREE_SHAPE = 99, ORT_FREE_OPTIONS = 100,
};

typedef void (*OrtFunction)(void);
typedef struct OrtBase {
    const OrtFunction *(*api)(uint32_t version);
    const char *(*version)(void);
} OrtBase;

static struct {
    const OrtBase *(*OrtGetApiBase)(void);
} entry;

static struct {
    pthread_mutex_t lock;
    const OrtFunction *function;
    OrtEnv *env;
} ort = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define ORT(place, ...) ((OrtStatus * (*)(__VA_ARGS__)) ort.function[place])
#define ORT_VOID(place, type) ((void (*)(type *))ort.function[place])

// Takes over what the library answers: NULL is success.
static Status checked(OrtStatus *status, Error *err) {
    if (!status) return ST_OK;
    const char *text =
        ((const char *(*)(const OrtStatus *))ort.function[ORT_ERROR_MESSAGE])(status);
    Status st = error_set(err, ST_RUNTIME, "ONNX Runtime: %s", text);
    ORT_VOID(ORT_FREE_STATUS, OrtStatus)(status);
    return st;
}

static Status load_library(Error *err) {
    static const char *const SYMBOLS[] = {"OrtGetApiBase"};
    static Library library = {.file = "libonnxruntime.so.1",
                              .purpose = "'runtime'='library'",
                              .package = "libonnxruntime1.21",
                              .symbol = SYMBOLS,
                              .functions = &entry,
                              .count = 1};
    const char *named = getenv("WEIR_ONNXRUNTIME");
    if (named && *named) library.file = named;
    Status st = library_load(&library, err);
    if (st) {
        error_hint(err, "pip install onnxruntime; WEIR_ONNXRUNTIME names the library in it: "
                        ".../onnxruntime/capi/libonnxruntime.so.*");
        return st;
    }
    ort.function = entry.OrtGetApiBase()->api(ORT_VERSION);
    if (!ort.function) return error_set(err, ST_IO, "this ONNX Runtime is older than 1.11");
    return checked(
        ORT(ORT_CREATE_ENV, int, const char *, OrtEnv **)(ORT_LOG_ERROR, "weir", &ort.env), err);
}

static Status begin(Error *err) {
    (void)pthread_mutex_lock(&ort.lock);
    Status st = ort.env ? ST_OK : load_library(err);
    (void)pthread_mutex_unlock(&ort.lock);
    return st;
}

// --- A session ---

typedef struct OrtModel {
    OrtSession *session;
    OrtMemory *memory;
    OrtAllocator *allocator;
    char **in, **out;
    uint32_t ins, outs;
} OrtModel;

static void ort_free(void *state) {
    OrtModel *self = state;
    for (uint32_t i = 0; i < self->ins; i++) mem_free(self->in[i]);
    for (uint32_t i = 0; i < self->outs; i++) mem_free(self->out[i]);
    mem_free(self->in);
    mem_free(self->out);
    if (self->session) ORT_VOID(ORT_FREE_SESSION, OrtSession)(self->session);
    if (self->memory) ORT_VOID(ORT_FREE_MEMORY, OrtMemory)(self->memory);
    mem_free(self);
}

// Types of ONNX that are the same here and there; others are not given to the library.
static int ort_type(TensorType type) {
    switch (type) {
        case TENSOR_F32: return 1;
        case TENSOR_I32: return 6;
        case TENSOR_I64: return 7;
        case TENSOR_STR: return 8;
        case TENSOR_BOOL: return 9;
        case TENSOR_F64: return 11;
        default: return 0;
    }
}

static TensorType own_type(int type) {
    for (TensorType at = TENSOR_F32; at <= TENSOR_STR; at++) {
        if (ort_type(at) == type) return at;
    }
    return TENSOR_NONE;
}

static Status give_texts(const OrtModel *self, const Tensor *t, OrtValue **out, Error *err) {
    TRY(checked(ORT(ORT_NEW_TENSOR, OrtAllocator *, const int64_t *, size_t, int, OrtValue **)(
                    self->allocator, t->dim, t->rank, ort_type(t->type), out), err));
    const char **text = NEW_ARRAY(const char *, t->count + 1);
    Arena arena = {0};
    for (int64_t i = 0; i < t->count; i++) text[i] = str_cstr(&arena, tensor_str(t)[i]);
    Status st = checked(ORT(ORT_FILL_TEXTS, OrtValue *, const char *const *, size_t)(
                            *out, text, (size_t)t->count), err);
    arena_clear(&arena);
    mem_free(text);
    return st;
}

static Status give(const OrtModel *self, const Tensor *t, OrtValue **out, Error *err) {
    if (t->type == TENSOR_STR) return give_texts(self, t, out, err);
    return checked(
        ORT(ORT_CREATE_TENSOR, const OrtMemory *, void *, size_t, const int64_t *, size_t, int,
            OrtValue **)(self->memory, t->data, (size_t)t->count * tensor_size(t->type), t->dim,
                         t->rank, ort_type(t->type), out),
        err);
}

static Status take_texts(OrtValue *value, Run *run, const Tensor *t, Error *err) {
    size_t size, *offset = NEW_ARRAY(size_t, t->count + 1);
    Status st = checked(ORT(ORT_TEXTS_SIZE, const OrtValue *, size_t *)(value, &size), err);
    char *bytes = st ? NULL : arena_alloc(run_arena(run), size + 1);
    if (!st) {
        st = checked(ORT(ORT_TEXTS, const OrtValue *, void *, size_t, size_t *, size_t)(
                         value, bytes, size, offset, (size_t)t->count), err);
    }
    offset[t->count] = size;
    for (int64_t i = 0; i < t->count && !st; i++) {
        tensor_str(t)[i] = str_make(bytes + offset[i], offset[i + 1] - offset[i]);
    }
    mem_free(offset);
    return st;
}

static Status take_shape(OrtShape *shape, int *type, size_t *rank, int64_t dim[TENSOR_RANK_MAX],
                         Error *err) {
    TRY(checked(ORT(ORT_ELEMENT_TYPE, const OrtShape *, int *)(shape, type), err));
    TRY(checked(ORT(ORT_RANK, const OrtShape *, size_t *)(shape, rank), err));
    if (*rank > TENSOR_RANK_MAX) return error_set(err, ST_UNSUPPORTED, "%zu dimensions", *rank);
    return checked(ORT(ORT_DIMENSIONS, const OrtShape *, int64_t *, size_t)(shape, dim, *rank),
                   err);
}

static Status take(OrtValue *value, Run *run, Tensor *out, Error *err) {
    int is_tensor = 0, type;
    size_t rank;
    int64_t dim[TENSOR_RANK_MAX];
    OrtShape *shape;
    TRY(checked(ORT(ORT_IS_TENSOR, const OrtValue *, int *)(value, &is_tensor), err));
    if (!is_tensor) return error_set(err, ST_UNSUPPORTED, "an output is no tensor");
    TRY(checked(ORT(ORT_SHAPE_OF, const OrtValue *, OrtShape **)(value, &shape), err));
    Status st = take_shape(shape, &type, &rank, dim, err);
    ORT_VOID(ORT_FREE_SHAPE, OrtShape)(shape);
    if (!st && !own_type(type)) st = error_set(err, ST_UNSUPPORTED, "an output of type %d", type);
    if (!st) st = tensor_new(run_pool(run), own_type(type), (uint32_t)rank, dim, out, err);
    if (!st && out->type == TENSOR_STR) return take_texts(value, run, out, err);
    void *data = NULL;
    if (!st) st = checked(ORT(ORT_DATA, OrtValue *, void **)(value, &data), err);
    if (!st && out->count) memcpy(out->data, data, (size_t)out->count * tensor_size(out->type));
    return st;
}

static Status ort_run(void *state, Run *run, const Tensor *in, Tensor *out, Error *err) {
    const OrtModel *self = state;
    OrtValue **given = NEW_ARRAY(OrtValue *, self->ins + 1);
    OrtValue **got = NEW_ARRAY(OrtValue *, self->outs + 1);
    Status st = ST_OK;
    for (uint32_t i = 0; i < self->ins && !st; i++) st = give(self, &in[i], &given[i], err);
    if (!st) {
        st = checked(ORT(ORT_RUN, OrtSession *, const void *, const char *const *,
                         const OrtValue *const *, size_t, const char *const *, size_t,
                         OrtValue **)(self->session, NULL, (const char *const *)self->in,
                                      (const OrtValue *const *)given, self->ins,
                                      (const char *const *)self->out, self->outs, got), err);
    }
    for (uint32_t i = 0; i < self->outs && !st; i++) st = take(got[i], run, &out[i], err);
    for (uint32_t i = 0; i < self->ins; i++) {
        if (given[i]) ORT_VOID(ORT_FREE_VALUE, OrtValue)(given[i]);
    }
    for (uint32_t i = 0; i < self->outs; i++) {
        if (got[i]) ORT_VOID(ORT_FREE_VALUE, OrtValue)(got[i]);
    }
    mem_free(given);
    mem_free(got);
    return st;
}

// --- Loading ---

static Status name_of(const OrtModel *self, int place, size_t i, char **out, Error *err) {
    char *name;
    TRY(checked(ORT(place, const OrtSession *, size_t, OrtAllocator *, char **)(
                    self->session, i, self->allocator, &name), err));
    *out = mem_strdup(name);
    self->allocator->free(self->allocator, name);
    return ST_OK;
}

static Status read_input(const OrtModel *self, size_t i, ServedPort *out, Error *err) {
    OrtTypeInfo *info;
    const OrtShape *shape = NULL;
    int type = 0;
    size_t rank = 0;
    TRY(checked(ORT(ORT_INPUT_TYPE, const OrtSession *, size_t, OrtTypeInfo **)(self->session, i,
                                                                              &info), err));
    Status st = checked(ORT(ORT_TENSOR_INFO, const OrtTypeInfo *, const OrtShape **)(info, &shape),
                        err);
    if (!st && shape) st = take_shape((OrtShape *)(uintptr_t)shape, &type, &rank, out->dim, err);
    ORT_VOID(ORT_FREE_TYPE, OrtTypeInfo)(info);
    out->name = str_c(self->in[i]);
    out->type = own_type(type);
    out->rank = (uint32_t)rank;
    if (!st && !out->type) {
        st = error_set(err, ST_UNSUPPORTED, "input '%s' is no tensor of a known type", self->in[i]);
    }
    return st;
}

static Status open_session(OrtModel *self, Str path, Error *err) {
    OrtOptions *options = NULL;
    Buf file = {0};
    buf_put_str(&file, path);
    TRY(checked(ORT(ORT_CREATE_OPTIONS, OrtOptions **)(&options), err));
    // Workers are threads already.
    Status st = checked(ORT(ORT_SET_THREADS, OrtOptions *, int)(options, 1), err);
    if (!st) {
        st = checked(ORT(ORT_CREATE_SESSION, const OrtEnv *, const char *, const OrtOptions *,
                         OrtSession **)(ort.env, buf_cstr(&file), options, &self->session), err);
    }
    ORT_VOID(ORT_FREE_OPTIONS, OrtOptions)(options);
    buf_free(&file);
    size_t ins = 0, outs = 0;
    if (!st) st = checked(ORT(ORT_CPU_MEMORY, int, int, OrtMemory **)(0, 0, &self->memory), err);
    if (!st) st = checked(ORT(ORT_ALLOCATOR, OrtAllocator **)(&self->allocator), err);
    if (!st) st = checked(ORT(ORT_INPUTS, const OrtSession *, size_t *)(self->session, &ins), err);
    if (!st)
        st = checked(ORT(ORT_OUTPUTS, const OrtSession *, size_t *)(self->session, &outs), err);
    self->in = NEW_ARRAY(char *, ins + 1);
    self->out = NEW_ARRAY(char *, outs + 1);
    for (; self->ins < ins && !st; self->ins++) {
        st = name_of(self, ORT_INPUT_NAME, self->ins, &self->in[self->ins], err);
    }
    for (; self->outs < outs && !st; self->outs++) {
        st = name_of(self, ORT_OUTPUT_NAME, self->outs, &self->out[self->outs], err);
    }
    return st;
}

static Status ort_load(Str path, Str bytes, MlModel **out, Error *err) {
    (void)bytes;
    TRY(begin(err));
    OrtModel *self = NEW(OrtModel);
    ServedSpec spec = {.format = "onnx",
                       .engine = {.self = self, .name = "ONNX Runtime", .run = ort_run,
                                  .free = ort_free}};
    Status st = open_session(self, path, err);
    ServedPort *port = NEW_ARRAY(ServedPort, self->ins + 1);
    Str *name = NEW_ARRAY(Str, self->outs + 1);
    for (uint32_t i = 0; i < self->ins && !st; i++) st = read_input(self, i, &port[i], err);
    for (uint32_t i = 0; i < self->outs; i++) name[i] = str_c(self->out[i]);
    spec.in = port;
    spec.out = name;
    spec.in_count = self->ins;
    spec.out_count = self->outs;
    if (st) {
        ort_free(self);
    } else {
        graph_home_init(&spec.home);
        st = served_new(&spec, out, err);
    }
    if (st) error_while(err, "reading " STR_FMT, STR_ARG(path));
    mem_free(port);
    mem_free(name);
    return st;
}

static bool never(Str path, Str bytes) {
    (void)path, (void)bytes;
    return false;
}

const MlFormat ONNX_LIBRARY_FORMAT = {.name = "onnx-library", .matches = never, .load = ort_load};
