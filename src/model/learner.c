// model/learner.c - the connector 'model': a sink that learns. INSERT INTO such a table trains a
// model on the stream, for as long as it flows; CREATE MODEL … AS with an algorithm that learns
// online is that.
//
// Exactly once: what the learner knows is what a checkpoint holds of the sink (its committable), so
// that a job that goes on has the weights that it had at that very row. When the checkpoint is
// complete, and 'publish-interval' has passed, it becomes a version in the folder of versions,
// which running queries take up.
//
// Every 64 rows are asked for before they are learned (prequential): the metrics in meta.json are
// of rows that the model had not seen.
#include "model/learner.h"

#include <stdio.h>

#include "base/bits.h"
#include "base/json.h"
#include "ml/online.h"
#include "model/registry.h"
#include "os/os.h"

enum { STATE_VERSION = 1 };

typedef struct LearnerWriter {
    SinkWriter base;
    const TableDesc *table;
    const TaskEnv *env;
    MlLearner *learner;
    MlEval *eval;
    int32_t label;
    MlField *field;       // of the table's columns
    uint32_t columns;
    Arena arena, scratch;
    Buf prepared;         // the learner as the checkpoint under way has it
    uint64_t prepared_rows, published_rows;
    uint64_t checkpoint;  // the last one: it has the places where its sources stood; 0: none
    int64_t publish_ms, next_ms;
    bool ended;
} LearnerWriter;

static const char *option(const TableDesc *table, const char *key) {
    return map_get(table->options.map, str_c(key));
}

// Options of the table; all others are the algorithm's.
static bool is_own(Str key) {
    static const Str KEYS[] = {{"connector", 9}, {"path", 4},  {"algorithm", 9},
                               {"provider", 8},  {"label", 5}, {"publish-interval", 16},
                               {"sink.parallelism", 16},       {"refresh-interval", 16},
                               {"on-error", 8}};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        if (str_eq(key, KEYS[i])) return true;
    }
    return false;
}

// ---- columns -----------------------------------------------------------------------------------

static Status fields_of(LearnerWriter *self, const TableDesc *table, Error *err) {
    const Type *row = table->physical;
    self->columns = row->child_count;
    self->field = ARENA_ARRAY(&self->arena, MlField, row->child_count + 1);
    for (uint32_t c = 0; c < row->child_count; c++) {
        if (!model_field_of(row->child[c], row->field[c], &self->field[c])) {
            (void)error_set(err, ST_VALIDATION,
                            "a model cannot learn from column '" STR_FMT
                            "': it is neither a number, a text nor a boolean",
                            STR_ARG(row->field[c]));
            error_hint(err, "leave it out of the SELECT, or CAST it");
            return ST_VALIDATION;
        }
    }
    return ST_OK;
}

static Status find_label(const LearnerWriter *self, const TableDesc *table, int32_t *out,
                         Error *err) {
    const char *name = option(table, "label");
    const MlOnlineAlgorithm *algorithm = ml_online_algorithm(str_c(option(table, "algorithm")));
    *out = algorithm && ml_online_supervised(algorithm) ? (int32_t)self->columns - 1 : -1;
    if (!name) return ST_OK;
    *out = ml_field(self->field, self->columns, str_c(name));
    if (*out >= 0) return ST_OK;
    return error_set(err, ST_VALIDATION, "there is no column '%s', which 'label' names", name);
}

static Status new_learner(LearnerWriter *self, const TableDesc *table, Error *err) {
    const Map *options = table->options.map;
    MlOnlineSpec spec = {.algorithm = str_c(option(table, "algorithm"))};
    TRY(fields_of(self, table, err));
    TRY(find_label(self, table, &self->label, err));
    spec.label = self->label;
    MlSetting *setting = ARENA_ARRAY(&self->arena, MlSetting, options->count + 1);
    for (uint32_t i = 0; i < options->count; i++) {
        if (is_own(options->entry[i].key)) continue;
        setting[spec.setting_count++] =
            (MlSetting){options->entry[i].key, str_c(options->entry[i].value)};
    }
    spec.setting = setting;
    return online_new(&spec, self->field, self->columns, &self->learner, err);
}

// ---- learning ----------------------------------------------------------------------------------

static Status judge(LearnerWriter *self, const MlColumn *column, uint32_t rows, Error *err) {
    uint32_t outputs;
    const MlField *out = online_outputs(self->learner, &outputs);
    MlColumn *in = ARENA_ARRAY(&self->scratch, MlColumn, self->columns + 1);
    MlField *feature = ARENA_ARRAY(&self->scratch, MlField, self->columns + 1);
    MlColumn *answer = ARENA_ARRAY(&self->scratch, MlColumn, outputs + 1);
    uint32_t count = 0;
    for (uint32_t c = 0; c < self->columns; c++) {
        if ((int32_t)c == self->label) continue;
        feature[count] = self->field[c];
        in[count++] = column[c];
    }
    TRY(online_predict(self->learner, in, rows, answer, &self->scratch, err));
    MlEvalBatch batch = {.out = out, .out_column = answer, .out_count = outputs, .in = feature,
                         .in_column = in, .in_count = count, .rows = rows};
    if (self->label >= 0) {
        batch.label = &self->field[self->label];
        batch.label_column = &column[self->label];
    }
    return ml_eval_add(self->eval, &batch, err);
}

static Status learner_write(SinkWriter *base, const Batch *batch, Error *err) {
    enum { PIECE = 64 };
    LearnerWriter *self = (LearnerWriter *)base;
    arena_reset(&self->scratch);
    MlColumn *column = ARENA_ARRAY(&self->scratch, MlColumn, self->columns + 1);
    MlColumn *piece = ARENA_ARRAY(&self->scratch, MlColumn, self->columns + 1);
    for (uint32_t c = 0; c < self->columns; c++) {
        model_column_of(batch->column[c], batch->rows, &self->scratch, &column[c]);
    }
    for (uint32_t from = 0; from < batch->rows; from += PIECE) {
        uint32_t rows = batch->rows - from < PIECE ? batch->rows - from : PIECE;
        for (uint32_t c = 0; c < self->columns; c++)
            piece[c] = model_column_piece(&column[c], from);
        if (self->eval && online_rows(self->learner)) TRY(judge(self, piece, rows, err));
        TRY(online_learn(self->learner, piece, rows, err));
    }
    return ST_OK;
}

// ---- versions ----------------------------------------------------------------------------------

static void put_meta(const LearnerWriter *self, Buf *out) {
    MlMetric *metric = NEW_ARRAY(MlMetric, ML_METRICS_MAX);
    uint32_t count = self->eval ? ml_eval_metrics(self->eval, metric) : 0;
    buf_puts(out, "\"algorithm\":");
    json_print_text(str_c(option(self->table, "algorithm")), 0, out);
    buf_printf(out, ",\"created_ms\":%lld,\"rows\":%llu,\"drifts\":%llu",
               (long long)os_now_ms(), (unsigned long long)self->prepared_rows,
               (unsigned long long)online_drifts(self->learner));
    if (self->checkpoint) {
        buf_printf(out, ",\"checkpoint\":%llu", (unsigned long long)self->checkpoint);
    }
    buf_puts(out, ",\"prequential\":{");
    bool first = true;
    for (uint32_t i = 0; i < count; i++) {
        if (metric[i].value - metric[i].value != 0) continue;  // JSON has no infinities
        if (!first) buf_putc(out, ',');
        first = false;
        json_print_text(str_c(metric[i].name), 0, out);
        buf_printf(out, ":%.17g", metric[i].value);
    }
    buf_putc(out, '}');
    mem_free(metric);
}

static void tell(const LearnerWriter *self, uint64_t version) {
    if (!self->env->print) return;
    MlMetric *metric = NEW_ARRAY(MlMetric, ML_METRICS_MAX);
    uint32_t count = self->eval ? ml_eval_metrics(self->eval, metric) : 0;
    Buf line = {0};
    Str name = self->table->name;
    int64_t end = str_find(name, STR("$"), 0);  // that of CREATE MODEL … AS is m$model
    if (end > 0) name.len = (uint32_t)end;
    buf_printf(&line, "weir: model '" STR_FMT "' version %llu: %llu rows, %llu drifts",
               STR_ARG(name), (unsigned long long)version,
               (unsigned long long)self->prepared_rows,
               (unsigned long long)online_drifts(self->learner));
    enum { SHOWN_MAX = 3 };
    for (uint32_t i = 1; i < count && i <= SHOWN_MAX; i++) {  // the first is the number of rows
        buf_printf(&line, "%s %s %.4g", i > 1 ? "," : ";", metric[i].name, metric[i].value);
    }
    self->env->print(self->env->print_arg, buf_str(&line), true);
    buf_free(&line);
    mem_free(metric);
}

static Status publish(LearnerWriter *self, Error *err) {
    Buf meta = {0};
    uint64_t version;
    put_meta(self, &meta);
    Status st = registry_publish(str_c(option(self->table, "path")), STR("online"),
                                 buf_str(&self->prepared), buf_str(&meta), &version, err);
    buf_free(&meta);
    TRY(st);
    self->published_rows = self->prepared_rows;
    self->next_ms = os_now_ms() + self->publish_ms;
    tell(self, version);
    return ST_OK;
}

static void prepare_state(LearnerWriter *self) {
    self->prepared.len = 0;
    online_save(self->learner, &self->prepared);
    self->prepared_rows = online_rows(self->learner);
}

static bool due(const LearnerWriter *self) {
    if (self->prepared_rows == self->published_rows) return false;
    return self->ended || os_now_ms() >= self->next_ms;
}

static Status learner_flush(SinkWriter *base, bool end_of_input, Error *err) {
    LearnerWriter *self = (LearnerWriter *)base;
    self->ended |= end_of_input;
    if (self->env->checkpoints) return ST_OK;  // versions follow checkpoints
    if (!end_of_input && os_now_ms() < self->next_ms) return ST_OK;
    prepare_state(self);
    return due(self) ? publish(self, err) : ST_OK;
}

// ---- checkpoints -------------------------------------------------------------------------------

static void put_u64(Buf *out, uint64_t value) {
    buf_put(out, &value, sizeof value);
}

static bool take_u64(Str *in, uint64_t *value) {
    if (in->len < sizeof *value) return false;
    memcpy(value, in->ptr, sizeof *value);
    *in = str_sub(*in, sizeof *value, in->len);
    return true;
}

// Nothing of a writer that no row came to: of several workers only the first one learns.
static Status learner_prepare(SinkWriter *base, uint64_t checkpoint, Buf *committable, Error *err) {
    (void)checkpoint;
    (void)err;
    LearnerWriter *self = (LearnerWriter *)base;
    if (!online_rows(self->learner)) return ST_OK;
    Buf eval = {0};
    prepare_state(self);
    if (self->eval) ml_eval_save(self->eval, &eval);
    put_u64(committable, STATE_VERSION);
    put_u64(committable, self->ended);
    put_u64(committable, self->published_rows);
    put_u64(committable, self->prepared.len);
    buf_put(committable, self->prepared.ptr, self->prepared.len);
    put_u64(committable, eval.len);
    buf_put(committable, eval.ptr, eval.len);
    buf_free(&eval);
    return ST_OK;
}

static Status learner_commit(SinkWriter *base, uint64_t checkpoint, Error *err) {
    LearnerWriter *self = (LearnerWriter *)base;
    self->checkpoint = checkpoint;
    return self->prepared.len && due(self) ? publish(self, err) : ST_OK;
}

// Whether the version in use is this very state: it was published before the job went down.
static Status is_published(const LearnerWriter *self, bool *out, Error *err) {
    Str path = str_c(option(self->table, "path"));
    Arena arena = {0};
    RegistryVersion version;
    uint64_t current;
    Buf bytes = {0};
    *out = false;
    bool found;
    Status st = registry_current(path, &current, &found, err);
    if (!st && found) st = registry_open(path, current, &arena, &version, err);
    if (!st && found) st = os_read_file(version.path, &bytes, err);
    if (!st && found) *out = str_eq(buf_str(&bytes), buf_str(&self->prepared));
    buf_free(&bytes);
    arena_clear(&arena);
    return st;
}

static Status take_state(LearnerWriter *self, Str state, Str eval, Error *err) {
    MlLearner *learner;
    MlEval *judged = NULL;
    TRY(online_load(state, &learner, err));
    if (eval.len) {
        Status st = ml_eval_load(eval, &judged, err);
        if (st) {
            online_free(learner);
            return st;
        }
    }
    online_free(self->learner);
    self->learner = learner;
    if (judged) {
        ml_eval_free(self->eval);
        self->eval = judged;
    }
    prepare_state(self);
    return ST_OK;
}

static Status learner_restore(SinkWriter *base, Str committable, Error *err) {
    LearnerWriter *self = (LearnerWriter *)base;
    uint64_t version, ended, published, size;
    if (!committable.len) return ST_OK;
    Str rest = committable, state = {0}, eval = {0};
    bool good = take_u64(&rest, &version) && version == STATE_VERSION && take_u64(&rest, &ended) &&
                take_u64(&rest, &published) && take_u64(&rest, &size) && size <= rest.len;
    if (good) {
        state = str_sub(rest, 0, (uint32_t)size);
        rest = str_sub(rest, (uint32_t)size, rest.len);
        good = take_u64(&rest, &size) && size == rest.len;
        eval = rest;
    }
    if (!good) {
        return error_set(err, ST_VALIDATION, "the snapshot of model '" STR_FMT "' is broken",
                         STR_ARG(self->table->name));
    }
    TRY(take_state(self, state, eval, err));
    self->published_rows = published;
    bool there;
    TRY(is_published(self, &there, err));
    if (there) self->published_rows = self->prepared_rows;
    return ended && !there ? publish(self, err) : ST_OK;
}

// ---- the connector -----------------------------------------------------------------------------

static void learner_close(SinkWriter *base) {
    LearnerWriter *self = (LearnerWriter *)base;
    online_free(self->learner);
    ml_eval_free(self->eval);
    buf_free(&self->prepared);
    arena_clear(&self->arena);
    arena_clear(&self->scratch);
    mem_free(self);
}

static const SinkVt LEARNER_SINK = {
    .write = learner_write,   .flush = learner_flush,   .prepare = learner_prepare,
    .commit = learner_commit, .restore = learner_restore, .close = learner_close,
};

static int64_t publish_interval(const TableDesc *table) {
    enum { MINUTE_MS = 60000 };
    const char *text = option(table, "publish-interval");
    int64_t ms;
    return text && option_read_duration(str_c(text), &ms) ? ms : MINUTE_MS;
}

static Status learner_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                           Error *err) {
    LearnerWriter *self = NEW(LearnerWriter);
    self->base.vt = &LEARNER_SINK;
    self->table = spec->table;
    self->env = env;
    self->publish_ms = publish_interval(spec->table);
    self->next_ms = os_now_ms() + self->publish_ms;
    Status st = new_learner(self, spec->table, err);
    if (st) {
        learner_close(&self->base);
        return st;
    }
    MlTask task = online_task(self->learner);
    bool judged = self->label >= 0 || task == ML_CLUSTERING;
    if (judged) self->eval = ml_eval_new(&(MlEvalSpec){.task = task});
    *out = &self->base;
    return ST_OK;
}

static Status learner_check(const TableDesc *table, bool as_sink, Error *err) {
    (void)as_sink;
    static const char *const REQUIRED[] = {"path", "algorithm"};
    for (uint32_t i = 0; i < 2; i++) {
        if (option(table, REQUIRED[i])) continue;
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "' misses the required option '%s'",
                         STR_ARG(table->name), REQUIRED[i]);
    }
    const char *writers = option(table, "sink.parallelism");
    if (!writers || !str_is(str_trim(str_c(writers)), "1")) {
        (void)error_set(err, ST_VALIDATION, "one writer learns table '" STR_FMT "'",
                        STR_ARG(table->name));
        error_hint(err, "add 'sink.parallelism' = '1'");
        return ST_VALIDATION;
    }
    LearnerWriter probe = {.table = table};
    Status st = new_learner(&probe, table, err);
    online_free(probe.learner);
    arena_clear(&probe.arena);
    return st;
}

static const OptionDef LEARNER_OPTIONS[] = {
    {.key = "connector", .required = true, .doc = "'model'."},
    {.key = "path", .required = true, .doc = "The folder of versions; also s3://."},
    {.key = "algorithm", .required = true, .doc = "One that learns online."},
    {.key = "label", .doc = "The column that is to be predicted; the last one by default."},
    {.key = "publish-interval",
     .kind = OPTION_DURATION,
     .fallback = "1 min",
     .doc = "A new version at most so often, at checkpoints where there are any; and at the end."},
    {0},
};

const Connector LEARNER_CONNECTOR = {
    .name = "model",
    .doc = "Learns from what is written. Its other options are the algorithm's.",
    .options = LEARNER_OPTIONS,
    .sink = true,
    .check = learner_check,
    .sink_open = learner_open,
    .guarantee = "exactly-once",
};
