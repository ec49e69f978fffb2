// model/local.c - models read from files. Workers share what is loaded (cache.h); each has its own
// match of columns and fields. A file that has been replaced is read beside the worker and taken
// up between two batches.
#include "model/local.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "ml/online.h"
#include "ml/promote.h"
#include "ml/train.h"
#include "model/cache.h"
#include "model/columns.h"
#include "model/registry.h"
#include "os/os.h"

typedef struct LocalPredictor {
    Predictor base;
    const ModelDesc *desc;
    CachedModel *model;
    uint64_t number;       // of the version, where the model is in a registry; 0: it is a file
    ModelColumns columns;
    Arena arena;           // of the match
    Arena scratch;         // of a batch
    bool null_on_error;
    int64_t refresh_ms, next_look_ms;
    struct Coming *coming;  // NULL: none is
    struct Agreed *agreed;
} LocalPredictor;

static const char *option(const ModelDesc *desc, const char *key) {
    return options_get(&desc->options, key);
}

// The reader of the file (ml/formats.c); with the library's runtime it is another one.
static const char *format_of_model(const ModelDesc *desc) {
    const char *provider = map_get(desc->options.map, STR("provider"));
    const char *runtime = option(desc, "runtime");
    if (!runtime || !str_eq_nocase(str_c(runtime), STR("library"))) return provider;
    return str_eq_nocase(str_c(provider), STR("onnx")) ? "onnx-library" : "tensorflow-library";
}

// The challenger: a number, or the newest version there is, which may be the champion itself.
static Status challenger_of(const ModelDesc *desc, Str path, uint64_t *out, Error *err) {
    Arena arena = {0};
    uint64_t *all;
    uint32_t count;
    int64_t number = 0;
    const char *text = option(desc, "challenger.version");
    bool newest = !text || str_eq_nocase(str_c(text), STR("latest"));
    if (!newest && (!str_to_i64(str_c(text), &number) || number < 1)) {
        return error_set(err, ST_VALIDATION,
                         "'challenger.version' = '%s' is neither the number of a version nor "
                         "'latest'",
                         text);
    }
    *out = (uint64_t)number;
    if (!newest) return ST_OK;
    Status st = registry_versions(path, &arena, &all, &count, err);
    if (!st && !count) {
        st = error_set(err, ST_VALIDATION, "there are no versions in " STR_FMT, STR_ARG(path));
    }
    if (!st) *out = all[count - 1];
    arena_clear(&arena);
    return st;
}

// The file to read: that of 'path', or of the version in use (or asked for) of a folder of
// versions.
static Status find_file(const ModelDesc *desc, bool verify, Arena *arena, Str *path,
                        const char **format, uint64_t *number, Error *err) {
    bool found;
    RegistryVersion version;
    *path = str_c(option(desc, "path"));
    *format = format_of_model(desc);
    *number = 0;
    TRY(registry_current(*path, number, &found, err));
    int64_t pinned =
        options_has(&desc->options, "version") ? options_int(&desc->options, "version") : 0;
    if (!found && !pinned) return ST_OK;
    if (pinned) *number = (uint64_t)pinned;
    if (desc->challenger) TRY(challenger_of(desc, *path, number, err));
    TRY(verify ? registry_verify(*path, *number, arena, &version, err)
               : registry_open(*path, *number, arena, &version, err));
    *path = version.path;
    *format = str_cstr(arena, version.format);
    return ST_OK;
}

static Status load(const ModelDesc *desc, bool verify, CachedModel **out, uint64_t *number,
                   Error *err) {
    Arena arena = {0};
    Str path;
    const char *format;
    Status st = find_file(desc, verify, &arena, &path, &format, number, err);
    if (!st) st = model_cache_get(path, format, out, err);
    arena_clear(&arena);
    return st;
}

static Status take(LocalPredictor *self, CachedModel *model, uint64_t number, Error *err) {
    Arena arena = {0};
    ModelColumns columns;
    Status st = model_columns(self->desc, model->model, &arena, &columns, err);
    if (st) {
        arena_clear(&arena);
        return st;
    }
    arena_clear(&self->arena);
    self->arena = arena;
    self->columns = columns;
    model_cache_put(self->model);
    self->model = model;
    self->number = number;
    self->base.version = number ? number : model->version;
    return ST_OK;
}

static Status ask(LocalPredictor *self, Vec *const *in, uint32_t rows, Arena *arena, Vec **out,
                  Error *err) {
    const MlModel *model = self->model->model;
    arena_reset(&self->scratch);
    MlColumn *feature = ARENA_ARRAY(&self->scratch, MlColumn, model->in_count + 1);
    MlColumn *answer = ARENA_ARRAY(&self->scratch, MlColumn, model->out_count + 1);
    TRY(model_columns_read(&self->columns, in, rows, &self->scratch, feature, err));
    model_columns_skip(&self->columns, answer);
    Status st = model->vt->predict(model, feature, rows, answer, &self->scratch, err);
    if (st) {
        error_while(err, "asking model '" STR_FMT "'", STR_ARG(self->desc->name));
        return st;
    }
    return model_columns_write(&self->columns, answer, rows, arena, out, err);
}

// Row by row, so that those at fault are found; they get NULLs.
static Status ask_each(LocalPredictor *self, Vec *const *in, uint32_t rows, Arena *arena,
                       Vec **out, Error *err) {
    uint32_t columns = self->desc->output->child_count, features = self->desc->input->child_count;
    for (uint32_t c = 0; c < columns; c++)
        out[c] = vec_new(arena, self->desc->output->child[c], rows);
    Vec **one = ARENA_ARRAY(arena, Vec *, features + 1);
    Vec **got = ARENA_ARRAY(arena, Vec *, columns + 1);
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < features; c++) one[c] = vec_slice(arena, in[c], r, 1);
        Status st = ask(self, one, 1, arena, got, err);
        if (st && st != ST_RUNTIME) return st;
        for (uint32_t c = 0; c < columns; c++) {
            if (st) vec_set_null(out[c], r);
            else vec_copy_value(out[c], r, got[c], 0);
        }
    }
    return ST_OK;
}

static Status local_predict(Predictor *base, Vec *const *in, uint32_t rows, Arena *arena, Vec **out,
                            Error *err) {
    LocalPredictor *self = (LocalPredictor *)base;
    Status st = ask(self, in, rows, arena, out, err);
    if (st != ST_RUNTIME || !self->null_on_error) return st;
    return ask_each(self, in, rows, arena, out, err);
}

// ---- newer versions ----------------------------------------------------------------------------

// A version on its way, read by a thread of its own: the worker does not wait for files, digests
// and trees.
struct Coming {
    LocalPredictor *owner;
    OsThread *thread;
    _Atomic bool done;
    CachedModel *model;  // NULL: it is the same, half written, or cannot be read
    uint64_t number;
};

static bool is_newer(const LocalPredictor *self) {
    Str path = str_c(option(self->desc, "path"));
    uint64_t number;
    bool found = true;
    if (!self->number) return model_cache_stale(self->model);
    if (self->desc->challenger) {
        if (challenger_of(self->desc, path, &number, NULL)) return false;
    } else if (options_has(&self->desc->options, "version") ||
               registry_current(path, &number, &found, NULL)) {
        return false;
    }
    return found && number != self->number;
}

static void read_newer(void *arg) {
    struct Coming *self = arg;
    const LocalPredictor *owner = self->owner;
    // A file that is half written changes nothing: the model at hand serves on.
    if (!is_newer(owner) || load(owner->desc, true, &self->model, &self->number, NULL)) {
        self->model = NULL;
    }
    atomic_store(&self->done, true);
}

static void local_look(Predictor *base) {
    LocalPredictor *self = (LocalPredictor *)base;
    int64_t now_ms = os_now_ms();
    if (self->coming || !self->refresh_ms || now_ms < self->next_look_ms) return;
    self->next_look_ms = now_ms + self->refresh_ms;
    // To look at a file takes microseconds, to look into an object store does not.
    if (!os_is_object(str_c(option(self->desc, "path"))) && !is_newer(self)) return;
    struct Coming *coming = self->coming = NEW(struct Coming);
    coming->owner = self;
    if (os()->thread_start(read_newer, coming, &coming->thread, NULL)) read_newer(coming);
}

static CachedModel *coming_end(LocalPredictor *self, uint64_t *number) {
    struct Coming *coming = self->coming;
    self->coming = NULL;
    if (!coming) return NULL;
    os()->thread_join(coming->thread);
    CachedModel *model = coming->model;
    *number = coming->number;
    mem_free(coming);
    return model;
}

// What the workers of a job agree upon where a checkpoint begins: the first one there says which
// version it has, and the others take that one, so that all rows between two checkpoints are scored
// by one. No worker meets the next checkpoint before all have met this one.
typedef struct Agreed {
    const ModelDesc *desc;
    uint32_t users;
    uint64_t checkpoint, number;
    CachedModel *model;   // NULL: there was no checkpoint yet
    struct Agreed *next;
} Agreed;

static struct {
    OsMonitor monitor;
    pthread_once_t once;
    Agreed *first;
} agreements = {.once = PTHREAD_ONCE_INIT};

static void agreements_begin(void) {
    os()->monitor_init(&agreements.monitor);
}

static Agreed *agreed_join(const ModelDesc *desc) {
    (void)pthread_once(&agreements.once, agreements_begin);
    os_lock(&agreements.monitor);
    Agreed *self = agreements.first;
    while (self && self->desc != desc) self = self->next;
    if (!self) {
        self = NEW(Agreed);
        *self = (Agreed){.desc = desc, .next = agreements.first};
        agreements.first = self;
    }
    self->users++;
    os_unlock(&agreements.monitor);
    return self;
}

static void agreed_leave(Agreed *self) {
    if (!self) return;
    os_lock(&agreements.monitor);
    bool last = --self->users == 0;
    for (Agreed **at = &agreements.first; last && *at; at = &(*at)->next) {
        if (*at == self) {
            *at = self->next;
            break;
        }
    }
    os_unlock(&agreements.monitor);
    if (!last) return;
    model_cache_put(self->model);
    mem_free(self);
}

// The reader's reference of [model] goes in, that of what all take comes out.
static CachedModel *agree(Agreed *self, uint64_t checkpoint, CachedModel *model, uint64_t *number) {
    CachedModel *old = model;
    os_lock(&agreements.monitor);
    if (self->checkpoint < checkpoint) {
        old = self->model;
        self->checkpoint = checkpoint;
        self->number = *number;
        self->model = model;
    }
    *number = self->number;
    CachedModel *out = model_cache_ref(self->model);
    os_unlock(&agreements.monitor);
    model_cache_put(old);
    return out;
}

static Status local_refresh(Predictor *base, uint64_t checkpoint, Error *err) {
    LocalPredictor *self = (LocalPredictor *)base;
    uint64_t number = self->number;
    CachedModel *model = NULL;
    if (self->coming && atomic_load(&self->coming->done)) model = coming_end(self, &number);
    if (checkpoint) {
        if (!model) {
            number = self->number;
            model = model_cache_ref(self->model);
        }
        model = agree(self->agreed, checkpoint, model, &number);
    }
    if (!model) return ST_OK;
    if (model == self->model) {
        model_cache_put(model);
        return ST_OK;
    }
    // One whose columns no longer fit changes nothing.
    if (take(self, model, number, err)) model_cache_put(model);
    return ST_OK;
}

static void local_close(Predictor *base) {
    LocalPredictor *self = (LocalPredictor *)base;
    uint64_t number;
    model_cache_put(coming_end(self, &number));
    agreed_leave(self->agreed);
    model_cache_put(self->model);
    arena_clear(&self->arena);
    arena_clear(&self->scratch);
    mem_free(self);
}

static const PredictorVt LOCAL_PREDICTOR = {
    .predict = local_predict,
    .look = local_look,
    .refresh = local_refresh,
    .close = local_close,
};

static Status local_open(const ModelDesc *desc, Predictor **out, Error *err) {
    LocalPredictor *self = NEW(LocalPredictor);
    self->base.vt = &LOCAL_PREDICTOR;
    self->desc = desc;
    self->null_on_error =
        str_eq_nocase(str_c(map_get(desc->options.map, STR("on-error"))), STR("null"));
    self->refresh_ms = options_int(&desc->options, "refresh-interval");
    CachedModel *model;
    uint64_t number;
    Status st = load(desc, true, &model, &number, err);
    if (!st) {
        st = take(self, model, number, err);
        if (st) model_cache_put(model);
    }
    if (st) {
        local_close(&self->base);
        return st;
    }
    self->agreed = agreed_join(desc);
    *out = &self->base;
    return ST_OK;
}

static Status check_rule(const ModelDesc *desc, Error *err) {
    const char *rule = options_has(&desc->options, "promote.when")
                           ? option(desc, "promote.when") : NULL;
    PromoteRule read;
    if (rule) TRY(promote_parse(str_c(rule), &read, err));
    if ((!rule && !options_has(&desc->options, "challenger.version")) ||
        !options_has(&desc->options, "version")) {
        return ST_OK;
    }
    (void)error_set(err, ST_VALIDATION,
                    "model '" STR_FMT "' stays with version '%s': it can have no challenger",
                    STR_ARG(desc->name), option(desc, "version"));
    error_hint(err, "leave 'version' out");
    return ST_VALIDATION;
}

static Status local_promote(const ModelDesc *desc, uint64_t version, Error *err) {
    return registry_use(str_c(option(desc, "path")), version, err);
}

static Status local_check(const ModelDesc *desc, Error *err) {
    CachedModel *model;
    uint64_t number;
    TRY(check_rule(desc, err));
    TRY(load(desc, false, &model, &number, err));
    Arena arena = {0};
    ModelColumns columns;
    Status st = model_columns(desc, model->model, &arena, &columns, err);
    arena_clear(&arena);
    model_cache_put(model);
    return st;
}

static Status local_columns(const ModelDesc *desc, Arena *arena, const Type **input,
                            const Type **output, Error *err) {
    CachedModel *model;
    uint64_t number;
    TRY(load(desc, false, &model, &number, err));
    *input = model_columns_type(model->model->in, model->model->in_count, arena);
    *output = model_columns_type(model->model->out, model->model->out_count, arena);
    model_cache_put(model);
    return ST_OK;
}

static const OptionDef LOCAL_OPTIONS[] = {
    {.key = "path",
     .required = true,
     .doc = "the file, the folder of a SavedModel, or a folder of versions; also s3://"},
    {.key = "version",
     .kind = OPTION_INT,
     .doc = "of a folder of versions; the one in use by default"},
    {.key = "challenger.version",
     .doc = "ML_EVALUATE judges this version beside the one in use: a number, or 'latest'"},
    {.key = "promote.when",
     .doc = "the rule by which the challenger is made the one in use: 'F1 > champion'"},
    {.key = "refresh-interval",
     .kind = OPTION_DURATION,
     .fallback = "1 s",
     .doc = "how often a running query looks whether the file is another one; 0: never"},
    {0},
};

// Of models that a library can run, too.
static const char *const RUNTIMES[] = {"native", "library", NULL};
static const OptionDef GRAPH_OPTIONS[] = {
    {.key = "path",
     .required = true,
     .doc = "the file, the folder of a SavedModel, or a folder of versions; also s3://"},
    {.key = "version",
     .kind = OPTION_INT,
     .doc = "of a folder of versions; the one in use by default"},
    {.key = "challenger.version",
     .doc = "ML_EVALUATE judges this version beside the one in use: a number, or 'latest'"},
    {.key = "promote.when",
     .doc = "the rule by which the challenger is made the one in use: 'F1 > champion'"},
    {.key = "refresh-interval",
     .kind = OPTION_DURATION,
     .fallback = "1 s",
     .doc = "how often a running query looks whether the file is another one; 0: never"},
    {.key = "runtime",
     .kind = OPTION_ENUM,
     .fallback = "native",
     .values = RUNTIMES,
     .doc = "who runs the graph: weir, or a library that is installed"},
    {0},
};

enum { WEIR_OPTIONS_MAX = 256 };
static OptionDef weir_options[WEIR_OPTIONS_MAX];

static void add_option(const OptionDef *option) {
    uint32_t at = 0;
    for (; weir_options[at].key; at++) {
        if (!strcmp(weir_options[at].key, option->key)) return;
    }
    ASSERT(at + 1 < WEIR_OPTIONS_MAX);
    weir_options[at] = *option;
}

// Their values were checked when the model was trained.
static void add_options(const MlOption *option) {
    for (; option->key; option++) {
        add_option(&(OptionDef){.key = option->key, .doc = option->doc});
    }
}

void local_begin(void) {
    static const OptionDef TRAINED[] = {
        {.key = "algorithm", .doc = "what the model was trained by"},
        {.key = "label", .doc = "the column that it predicts; the last one by default"},
        {.key = "retrain.interval",
         .kind = OPTION_DURATION,
         .doc = "jobs that use the model train it again when its newest version is so old"},
        {.key = "retrain.on-drift",
         .kind = OPTION_BOOL,
         .fallback = "false",
         .doc = "train it again when ML_EVALUATE in a running job sees its predictions get worse"},
        {.key = "retrain.query",
         .doc = "the rows to train it on; of CREATE MODEL … AS, its query"},
        {.key = "retrain.metric",
         .doc = "in which a new version must not be worse than the one in use; Accuracy, RMSE or "
                "IntraClusterVariance by default"},
    };
    for (const OptionDef *at = LOCAL_OPTIONS; at->key; at++) add_option(at);
    for (size_t i = 0; i < sizeof TRAINED / sizeof *TRAINED; i++) add_option(&TRAINED[i]);
    add_options(ML_COMMON_OPTIONS);
    for (const MlAlgorithm *const *at = ML_ALGORITHMS; *at; at++) add_options((*at)->option);
    for (const MlOnlineAlgorithm *const *at = ML_ONLINE_ALGORITHMS; *at; at++) {
        add_options(ml_online_options(*at));
    }
    add_option(
        &(OptionDef){.key = "publish-interval", .doc = "of an algorithm that learns online"});
}

#define LOCAL_PROVIDER(provider, text, table)                                                  \
    {.name = (provider), .doc = (text), .options = (table), .check = local_check,               \
     .columns = local_columns, .open = local_open, .promote = local_promote}

const ModelProvider ONNX_PROVIDER =
    LOCAL_PROVIDER("onnx", "an ONNX file, predicted in this process", GRAPH_OPTIONS);
const ModelProvider PMML_PROVIDER =
    LOCAL_PROVIDER("pmml", "a PMML file, predicted in this process", LOCAL_OPTIONS);
const ModelProvider TENSORFLOW_PROVIDER = LOCAL_PROVIDER(
    "tensorflow", "a SavedModel or frozen graph, predicted in this process", GRAPH_OPTIONS);
const ModelProvider WEIR_PROVIDER =
    LOCAL_PROVIDER("weir", "a model trained here, predicted in this process", weir_options);
