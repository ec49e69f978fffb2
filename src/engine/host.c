// The host program's tables and functions.
//
// Feeds lie in one list of the process, because a connector sees its table and not the session. A
// reader takes its feed off the list: a stream can be read once.
#include "engine/host.h"

#include <pthread.h>

#include "engine/arrow.h"
#include "plan/plan.h"

typedef struct Feed {
    uint64_t number;
    struct ArrowArrayStream stream;
    struct Feed *next;
} Feed;

static pthread_mutex_t feeds_lock = PTHREAD_MUTEX_INITIALIZER;
static Feed *feeds;
static uint64_t feeds_made;

uint64_t host_feed_add(struct ArrowArrayStream *data) {
    Feed *feed = NEW(Feed);
    feed->stream = *data;
    data->release = NULL;
    (void)pthread_mutex_lock(&feeds_lock);
    feed->number = ++feeds_made;
    feed->next = feeds;
    feeds = feed;
    (void)pthread_mutex_unlock(&feeds_lock);
    return feed->number;
}

static Feed *feed_take(uint64_t number) {
    (void)pthread_mutex_lock(&feeds_lock);
    Feed **at = &feeds;
    while (*at && (*at)->number != number) at = &(*at)->next;
    Feed *found = *at;
    if (found) *at = found->next;
    (void)pthread_mutex_unlock(&feeds_lock);
    return found;
}

static void feed_free(Feed *feed) {
    if (!feed) return;
    if (feed->stream.release) feed->stream.release(&feed->stream);
    mem_free(feed);
}

void host_feed_drop(uint64_t feed) {
    feed_free(feed_take(feed));
}

// ---- The reader --------------------------------------------------------------------------------

typedef struct HostReader {
    SourceReader base;
    Str table;
    const Type *produced;
    Feed *feed;  // NULL: another worker's reader has it
    struct ArrowSchema schema;
    struct ArrowArray array;  // being handed out
    int64_t at;               // rows of it that are out already
    uint32_t *column;         // of the array, for each produced field
    bool stopping;
} HostReader;

static Status stream_failed(HostReader *self, int code, Error *err) {
    struct ArrowArrayStream *stream = &self->feed->stream;
    const char *why = stream->get_last_error(stream);
    return error_set(err, ST_RUNTIME, "table '" STR_FMT "': the host's stream failed: %s",
                     STR_ARG(self->table), why ? why : strerror(code));
}

static Status host_poll(SourceReader *base, SourceOutput *out, ReadState *state, Error *err) {
    HostReader *self = (HostReader *)base;
    *state = READ_END;
    if (!self->feed || self->stopping) return ST_OK;
    if (self->array.release && self->at >= self->array.length) {
        self->array.release(&self->array);
        self->array.release = NULL;
    }
    if (!self->array.release) {
        struct ArrowArrayStream *stream = &self->feed->stream;
        int code = stream->get_next(stream, &self->array);
        if (code) return stream_failed(self, code, err);
        if (!self->array.release) return ST_OK;  // the end
        self->at = 0;
    }
    *state = READ_MORE;
    int64_t left = self->array.length - self->at;
    uint32_t rows = left < BATCH_ROWS_MAX ? (uint32_t)left : BATCH_ROWS_MAX;
    if (!rows) return ST_OK;
    Batch *batch = batch_new_columns(self->produced, rows);
    for (uint32_t i = 0; i < self->produced->child_count; i++) {
        uint32_t column = self->column[i];
        Status st = arrow_import_column(self->schema.children[column], self->array.children[column],
                                        self->array.offset + self->at, batch->column[i], err);
        if (!st) continue;
        (void)batch_unref(batch);
        return st;
    }
    self->at += rows;
    return out->batch(out, 0, batch_seal(batch), err);
}

static void host_stop(SourceReader *base) {
    ((HostReader *)base)->stopping = true;
}

static void host_close(SourceReader *base) {
    HostReader *self = (HostReader *)base;
    if (self->array.release) self->array.release(&self->array);
    if (self->schema.release) self->schema.release(&self->schema);
    feed_free(self->feed);
    mem_free(self->column);
    mem_free(self);
}

static bool host_is_empty(SourceReader *base) {
    return !((HostReader *)base)->feed;
}

static const SourceVt HOST_SOURCE = {
    .poll = host_poll,
    .is_empty = host_is_empty,
    .stop = host_stop,
    .close = host_close,
};

// Finds each produced field in the stream's schema.
static Status match_columns(HostReader *self, Error *err) {
    Arena arena;
    arena_init(&arena);
    Status st = ST_OK;
    for (uint32_t i = 0; !st && i < self->produced->child_count; i++) {
        Str field = self->produced->field[i];
        uint32_t k = 0;
        while (k < self->schema.n_children &&
               !str_eq(str_c(self->schema.children[k]->name), field)) {
            k++;
        }
        const Type *type = NULL;
        if (k < self->schema.n_children) {
            st = arrow_import_type(&arena, self->schema.children[k], &type, err);
        }
        if (!st && (!type || !type_equal_but_null(type, self->produced->child[i]))) {
            st = error_set(err, ST_VALIDATION,
                           "table '" STR_FMT "': the host's stream has no column '" STR_FMT
                           "' of the declared type",
                           STR_ARG(self->table), STR_ARG(field));
        }
        self->column[i] = k;
    }
    arena_clear(&arena);
    return st;
}

// clang-format off
static const OptionDef HOST_OPTIONS[] = {
    {.key = "connector", .kind = OPTION_TEXT, .required = true, .doc = "'host'."},
    {.key = "feed", .kind = OPTION_INT, .required = true, .doc = "The number of a stream that the host program handed in (weir_feed)."},
    {0},
};
// clang-format on

static Options own_options(const TableDesc *desc) {
    Options options = desc->options;
    options.defs = HOST_OPTIONS;
    return options;
}

static Status host_check(const TableDesc *desc, bool as_sink, Error *err) {
    (void)as_sink;
    Options options = own_options(desc);
    const OptionDef *const also[] = {TABLE_OPTIONS, NULL};
    return options_check(&options, also, err);
}

static bool host_bounded(const TableDesc *desc) {
    (void)desc;
    return false;  // nobody knows; a stream that ends, ends the job
}

static Status host_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out, Error *err) {
    HostReader *self = NEW(HostReader);
    self->base.vt = &HOST_SOURCE;
    self->table = spec->table->name;
    self->produced = spec->produced;
    self->column = NEW_ARRAY(uint32_t, spec->produced->child_count + 1);
    *out = &self->base;
    if (env->index != 0) return ST_OK;
    Options options = own_options(spec->table);
    self->feed = feed_take((uint64_t)options_int(&options, "feed"));
    Status st = ST_OK;
    if (!self->feed) {
        st = error_set(err, ST_RUNTIME,
                       "table '" STR_FMT "': the host's stream has been read already",
                       STR_ARG(self->table));
    } else {
        struct ArrowArrayStream *stream = &self->feed->stream;
        int code = stream->get_schema(stream, &self->schema);
        st = code ? stream_failed(self, code, err) : match_columns(self, err);
    }
    if (!st) return ST_OK;
    host_close(&self->base);
    *out = NULL;
    return st;
}

const Connector HOST_CONNECTOR = {
    .name = "host",
    .options = HOST_OPTIONS,
    .source = true,
    .check = host_check,
    .source_bounded = host_bounded,
    .source_open = host_open,
    .doc = "Rows that the host program hands in.",
};

// ---- Functions ---------------------------------------------------------------------------------

typedef struct HostFunc {
    ScalarFunc func;  // first: a call knows its row of the table
    weir_scalar call;
    void *arg;
} HostFunc;

static weir_value value_of(const Vec *vec, uint32_t row) {
    weir_value value = {.is_null = vec_is_null(vec, row)};
    if (value.is_null) return value;
    switch (vec->phys) {
        case PHYS_STR:
            value.text = vec_str(vec)[row].ptr;
            value.length = vec_str(vec)[row].len;
            break;
        case PHYS_F64: value.real = vec_f64(vec)[row]; break;
        default: value.integer = vec_integer(vec, row);
    }
    return value;
}

static Status put_value(const weir_value *value, Vec *out, uint32_t row, const char *name,
                        Error *err) {
    Str text = str_make(value->text, value->length);
    switch (out->phys) {
        case PHYS_STR:
            if (!utf8_valid(text)) {
                return error_set(err, ST_RUNTIME, "%s gave text that is not UTF-8", name);
            }
            vec_set_text(out, row, text);
            return ST_OK;
        case PHYS_F64: vec_f64(out)[row] = value->real; return ST_OK;
        case PHYS_U8: vec_u8(out)[row] = value->integer != 0; return ST_OK;
        default: break;
    }
    if (out->phys == PHYS_I32 && value->integer != (int32_t)value->integer) {
        return error_set(err, ST_RUNTIME, "%s gave %lld, which is no INT", name,
                         (long long)value->integer);
    }
    vec_set_integer(out, row, value->integer);
    return ST_OK;
}

static Status host_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const HostFunc *self = (const HostFunc *)args->call->func;
    const char *name = self->func.name;
    weir_value value[FUNC_ARGS_MAX];
    for (uint32_t row = 0; row < args->rows; row++) {
        for (uint32_t i = 0; i < args->argc; i++) value[i] = value_of(args->arg[i], row);
        weir_value result = {0};
        if (self->call(self->arg, value, (int)args->argc, &result)) {
            Str why = str_make(result.text, result.length);
            return error_set(err, ST_RUNTIME, "%s failed%s" STR_FMT, name, why.len ? ": " : "",
                             STR_ARG(why));
        }
        if (result.is_null) {
            vec_set_null(out, row);
        } else {
            TRY(put_value(&result, out, row, name, err));
        }
    }
    return ST_OK;
}

static const struct {
    const char *name;
    ArgSpec arg;
    ResultSpec result;
} HOST_TYPES[] = {
    {"BOOLEAN", ARG_BOOLEAN, RESULT_BOOLEAN}, {"INT", ARG_INT, RESULT_INT},
    {"BIGINT", ARG_BIGINT, RESULT_BIGINT},    {"DOUBLE", ARG_DOUBLE, RESULT_DOUBLE},
    {"STRING", ARG_STRING, RESULT_STRING},
};

static int host_type(Str name) {
    for (int i = 0; i < (int)(sizeof HOST_TYPES / sizeof *HOST_TYPES); i++) {
        if (str_eq_nocase(str_trim(name), str_c(HOST_TYPES[i].name))) return i;
    }
    return -1;
}

// "BIGINT, STRING" into specs.
static bool read_args(Str text, ScalarFunc *func) {
    uint32_t count = 0;
    if (!str_trim(text).len) return true;
    for (uint32_t at = 0; at <= text.len;) {
        int64_t comma = str_find(text, STR(","), at);
        uint32_t end = comma < 0 ? text.len : (uint32_t)comma;
        int type = host_type(str_sub(text, at, end - at));
        if (type < 0 || count == FUNC_ARGS_MAX) return false;
        func->args[count++] = (uint8_t)HOST_TYPES[type].arg;
        at = end + 1;
    }
    return true;
}

int weir_function(const char *name, const char *args, const char *result, weir_scalar call,
                  void *arg) {
    int type = host_type(str_c(result));
    HostFunc *self = NEW(HostFunc);  // for as long as the process lives, like the other functions
    char *upper = mem_strdup(name ? name : "");
    for (char *c = upper; *c; c++) {
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - ('a' - 'A'));
    }
    self->call = call;
    self->arg = arg;
    self->func = (ScalarFunc){.name = upper,
                              .result_null = RESULT_NULL_ALWAYS,
                              .nulls = NULLS_OWN,
                              .flags = FUNC_CAN_FAIL,
                              .kernel = host_kernel,
                              .doc = "a function of the host program"};
    bool good = *upper && call && type >= 0 && read_args(str_c(args), &self->func);
    if (good) {
        self->func.result = (uint8_t)HOST_TYPES[type].result;
        good = func_register(&self->func);
    }
    if (good) return WEIR_OK;
    mem_free(upper);
    mem_free(self);
    return WEIR_WRONG;
}

int weir_define(const char *name, const weir_function_def *def, void *arg, char *why,
                size_t why_size) {
    Udf *udf = NULL;
    Error err = {0};
    Status st = name && *name && def ? udf_new(str_c(name), def, arg, &udf, &err)
                                     : error_set(&err, ST_USAGE, "a name and a definition");
    if (!st) st = bind_signature(udf, &err);
    if (!st && !udf_register(udf)) {
        st = error_set(&err, ST_USAGE, "there is a function '%s' already", name);
    }
    if (!st) return WEIR_OK;
    (void)udf_unref(udf);
    if (why && why_size) (void)snprintf(why, why_size, "%s", err.message);
    return WEIR_WRONG;
}
