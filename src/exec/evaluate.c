// exec/evaluate.c - ML_EVALUATE: one row, a map of metrics of what ML_PREDICT, below, has said of
// the rows so far. In a stream it is sent anew after each batch of rows, as an update; in a batch
// at the end.
//
// A model with a challenger is asked twice for each row, and both versions are judged on the same
// rows: from the moment that either is another one both begin anew. When the model's rule holds,
// the challenger is made the version in use: where a checkpoint begins if the job has any, else
// between two batches. A job that was set back decides the same again, which changes nothing.
//
// Where the model asks for it the errors of the version in use are watched: ADWIN says when they
// have become more, and the job is told (exec/evaluate_drift.c).
//
// What it keeps (ml/evaluate.h) is small and goes into checkpoints as bytes; all rows come to one
// worker.
#include "exec/evaluate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "ml/promote.h"
#include "os/os.h"

// A version and how good it is.
typedef struct Side {
    uint64_t version;  // 0: none has come yet, or nobody asks which
    MlEval *eval;
} Side;

typedef struct Evaluate {
    Operator base;
    Side champion, challenger;  // the latter without eval: there is none
    MlField label, *out, *in;  // the width of arrays is 0 until there was one
    PromoteRule rule;
    bool has_rule, promoted;    // the challenger at hand, already
    DriftWatch *drift;          // NULL: nobody wants to know
    Builder result;
    Arena scratch;
    bool sent;
} Evaluate;

static MlField field_of(const Type *type, Str name) {
    MlField field = {.name = name, .type = ML_DOUBLE, .width = type->kind != TYPE_ARRAY};
    if (type_is_text(type)) field.type = ML_TEXT;
    if (type->kind == TYPE_BOOLEAN) field.type = ML_BOOLEAN;
    if (type_is_integer(type)) field.type = ML_INTEGER;
    return field;
}

// A column named probability_x has the probability of class x.
static Str class_name(Arena *arena, Str column) {
    static const Str PREFIX = {"probability_", 12};
    if (!str_starts(column, PREFIX)) return column;
    return str_printf(arena, "probability(" STR_FMT ")",
                      STR_ARG(str_sub(column, PREFIX.len, column.len)));
}

static MlEval *new_eval(const EvaluateSpec *spec) {
    return ml_eval_new(
        &(MlEvalSpec){.task = (MlTask)spec->task, .fading = spec->fading, .window = spec->window});
}

static Status evaluate_open(Operator *op, Error *err) {
    Evaluate *self = (Evaluate *)op;
    const EvaluateSpec *spec = op->plan->evaluate;
    const Type *row = op->plan->input[0]->type;
    Arena *arena = op->env->arena;
    self->champion.eval = new_eval(spec);
    if (spec->challenged) self->challenger.eval = new_eval(spec);
    if (spec->promote.len) {
        TRY(promote_parse(spec->promote, &self->rule, err));
        self->has_rule = true;
    }
    if (spec->watched) self->drift = drift_watch_new((MlTask)spec->task);
    self->label = field_of(row->child[spec->label], row->field[spec->label]);
    self->out = ARENA_ARRAY(arena, MlField, spec->output_count + 1);
    for (uint32_t i = 0; i < spec->output_count; i++) {
        uint32_t column = spec->first_output + i;
        self->out[i] = field_of(row->child[column], class_name(arena, spec->output_name[i]));
    }
    self->in = ARENA_ARRAY(arena, MlField, spec->feature_count + 1);
    for (uint32_t i = 0; i < spec->feature_count; i++) {
        self->in[i] = field_of(row->child[spec->feature[i]], row->field[spec->feature[i]]);
    }
    builder_init(&self->result, op->plan->type);
    return ST_OK;
}

static bool has_null_within(const Vec *items, ListView list) {
    for (uint32_t i = 0; i < list.count; i++) {
        if (vec_is_null(items, list.offset + i)) return true;
    }
    return false;
}

static Status uneven(const MlField *field, uint32_t a, uint32_t b, Error *err) {
    return error_set(err, ST_RUNTIME,
                     "ML_EVALUATE: column '" STR_FMT "' has arrays of %u values and of %u",
                     STR_ARG(field->name), a, b);
}

// Arrays of one size each; one with a NULL in it is no value. Without any the field's width stays
// that of the batches before.
static Status read_arrays(const Vec *vec, uint32_t rows, Arena *arena, MlField *field,
                          MlColumn *out, Error *err) {
    const ListView *list = vec_list(vec);
    const Vec *items = vec->child[0];
    uint32_t width = 0;
    for (uint32_t r = 0; r < rows; r++) {
        if (vec_is_null(vec, r) || !list[r].count) continue;
        if (width && list[r].count != width) return uneven(field, width, list[r].count, err);
        width = list[r].count;
    }
    if (width) field->width = width;
    out->number = ARENA_ARRAY(arena, double, (size_t)rows * field->width + 1);
    out->valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(rows + 1));
    for (uint32_t r = 0; r < rows; r++) {
        if (vec_is_null(vec, r) || !list[r].count || has_null_within(items, list[r])) continue;
        bits_set(out->valid, r);
        double *to = out->number + (size_t)r * width;
        for (uint32_t i = 0; i < width; i++) to[i] = vec_number(items, list[r].offset + i);
    }
    return ST_OK;
}

// A column of another kind stays empty: nobody can compare what is in it.
static Status read_column(const Vec *vec, uint32_t rows, Arena *arena, MlField *field,
                          MlColumn *out, Error *err) {
    if (!model_can_judge(vec->type)) return ST_OK;
    if (vec->phys == PHYS_LIST) return read_arrays(vec, rows, arena, field, out, err);
    if (vec->phys == PHYS_STR) {
        out->text = vec_str(vec);
    } else {
        out->number = ARENA_ARRAY(arena, double, rows + 1);
        for (uint32_t r = 0; r < rows; r++) {
            if (!vec_is_null(vec, r)) out->number[r] = vec_number(vec, r);
        }
    }
    if (!vec_has_nulls(vec)) return ST_OK;
    out->valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(rows + 1));
    for (uint32_t r = 0; r < rows; r++) {
        if (!vec_is_null(vec, r)) bits_set(out->valid, r);
    }
    return ST_OK;
}

// ---- what is sent ------------------------------------------------------------------------------

// The metrics of both, those of the challenger under names that say so.
typedef struct Figures {
    MlMetric champion[ML_METRICS_MAX], challenger[ML_METRICS_MAX];
    uint32_t champions, challengers;
} Figures;

static uint32_t defined(const MlMetric *metric, uint32_t count) {
    uint32_t out = 0;
    for (uint32_t i = 0; i < count; i++) out += metric[i].value == metric[i].value;
    return out;
}

static void put_entry(Vec *map, uint32_t slot, Str name, double value) {
    vec_set_text(map->child[0], slot, name);
    vec_f64(map->child[1])[slot] = value;
}

static void figures_of(const Evaluate *self, Figures *out) {
    out->champions = ml_eval_metrics(self->champion.eval, out->champion);
    out->challengers =
        self->challenger.eval ? ml_eval_metrics(self->challenger.eval, out->challenger) : 0;
}

static Status send(Evaluate *self, RowKind kind, Error *err) {
    uint32_t row = builder_row(&self->result, kind);
    Vec *map = self->result.batch->column[0];
    Figures *figures = ARENA_NEW(&self->scratch, Figures);
    figures_of(self, figures);
    bool two = self->challenger.eval;
    uint32_t kept = defined(figures->champion, figures->champions) +
                    defined(figures->challenger, figures->challengers) + (two ? 2 : 0);
    uint32_t slot = vec_list_begin(map, row, kept);
    for (uint32_t i = 0; i < figures->champions; i++) {
        const MlMetric *metric = &figures->champion[i];
        if (metric->value != metric->value) continue;  // not defined yet
        put_entry(map, slot++, str_c(metric->name), metric->value);
    }
    for (uint32_t i = 0; i < figures->challengers; i++) {
        const MlMetric *metric = &figures->challenger[i];
        if (metric->value != metric->value) continue;
        Str name = str_printf(&self->scratch, "challenger.%s", metric->name);
        put_entry(map, slot++, name, metric->value);
    }
    if (two) {
        put_entry(map, slot++, STR("Version"), (double)self->champion.version);
        put_entry(map, slot, STR("challenger.Version"), (double)self->challenger.version);
    }
    return output_builder(&self->base, &self->result, false, err);
}

// ---- champion and challenger -------------------------------------------------------------------

static void tell(const Evaluate *self, const char *what) {
    const TaskEnv *task = self->base.env->task;
    const EvaluateSpec *spec = self->base.plan->evaluate;
    if (!task->print || !self->challenger.version) return;
    Figures *figures = NEW(Figures);
    figures_of(self, figures);
    const char *name = self->has_rule ? self->rule.metric : ml_task_metric((MlTask)spec->task);
    double champion = ml_metric(figures->champion, figures->champions, name ? name : "Rows");
    double other = ml_metric(figures->challenger, figures->challengers, name ? name : "Rows");
    char line[256];
    int size = snprintf(line, sizeof line,
                        "weir: model '" STR_FMT "': version %llu has %s %.4g, its challenger %llu "
                        "%.4g, on %.0f rows%s",
                        STR_ARG(spec->model->name), (unsigned long long)self->champion.version,
                        name ? name : "Rows", champion,
                        (unsigned long long)self->challenger.version, other,
                        figures->challengers ? figures->challenger[0].value : 0, what);
    mem_free(figures);
    task->print(task->print_arg,
                str_make(line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1), true);
}

// Both begin anew where either is another version.
static void meet(Evaluate *self, uint64_t champion, uint64_t challenger) {
    const EvaluateSpec *spec = self->base.plan->evaluate;
    if (self->champion.version == champion && self->challenger.version == challenger) return;
    bool known = self->champion.version;
    if (known && !self->promoted) tell(self, "; one of them is replaced");
    ml_eval_free(self->champion.eval);
    ml_eval_free(self->challenger.eval);
    self->champion = (Side){champion, new_eval(spec)};
    self->challenger = (Side){challenger, new_eval(spec)};
    self->promoted = false;
    if (self->drift && known) drift_watch_reset(self->drift);
}

static Status decide(Evaluate *self, Error *err) {
    const EvaluateSpec *spec = self->base.plan->evaluate;
    if (!self->has_rule || self->promoted || !self->challenger.version ||
        self->challenger.version == self->champion.version) {
        return ST_OK;
    }
    Figures *figures = NEW(Figures);
    figures_of(self, figures);
    double champion = ml_metric(figures->champion, figures->champions, self->rule.metric);
    double other = ml_metric(figures->challenger, figures->challengers, self->rule.metric);
    double rows = figures->challengers ? figures->challenger[0].value : 0;
    bool holds = promote_holds(&self->rule, other, champion, rows);
    mem_free(figures);
    if (!holds) return ST_OK;
    TRY(spec->provider->promote(spec->model, self->challenger.version, err));
    self->promoted = true;
    tell(self, ": it is in use from now on");
    return ST_OK;
}

// ---- rows --------------------------------------------------------------------------------------

static Status judge(Evaluate *self, Batch *in, uint32_t first_output, MlEval *eval,
                    MlEvalBatch *batch, Error *err) {
    const EvaluateSpec *spec = self->base.plan->evaluate;
    MlColumn *out = ARENA_ARRAY(&self->scratch, MlColumn, spec->output_count + 1);
    for (uint32_t i = 0; i < spec->output_count; i++) {
        TRY(read_column(in->column[first_output + i], in->rows, &self->scratch, &self->out[i],
                        &out[i], err));
    }
    batch->out_column = out;
    return ml_eval_add(eval, batch, err);
}

// Rows that one pair of versions has scored.
static Status judge_rows(Evaluate *self, Batch *in, Error *err) {
    const EvaluateSpec *spec = self->base.plan->evaluate;
    MlColumn label = {0};
    MlColumn *features = ARENA_ARRAY(&self->scratch, MlColumn, spec->feature_count + 1);
    uint32_t width = self->label.width;
    TRY(read_column(in->column[spec->label], in->rows, &self->scratch, &self->label, &label, err));
    if (width && self->label.width != width) {
        return uneven(&self->label, width, self->label.width, err);
    }
    // Only clusters are judged by what went into them.
    for (uint32_t i = 0; i < spec->feature_count && (MlTask)spec->task == ML_CLUSTERING; i++) {
        TRY(read_column(in->column[spec->feature[i]], in->rows, &self->scratch, &self->in[i],
                        &features[i], err));
    }
    MlEvalBatch batch = {
        .label = &self->label, .label_column = &label,
        .out = self->out, .out_count = spec->output_count,
        .in = self->in, .in_column = features, .in_count = spec->feature_count, .rows = in->rows,
    };
    TRY(judge(self, in, spec->first_output, self->champion.eval, &batch, err));
    if (self->drift && drift_watch_rows(self->drift, &batch)) {
        const TaskEnv *task = self->base.env->task;
        const char *path = map_get(spec->model->options.map, STR("path"));
        if (task->drifted && path) task->drifted(task->drift_arg, str_c(path));
    }
    if (!spec->challenged) return ST_OK;
    return judge(self, in, spec->first_challenger, self->challenger.eval, &batch, err);
}

// Rows in a row (a batch may hold what several workers have sent) that one pair has scored.
static Status judge_pairs(Evaluate *self, Batch *in, Error *err) {
    const EvaluateSpec *spec = self->base.plan->evaluate;
    const int64_t *champion = vec_i64(in->column[spec->version_column]);
    const int64_t *other = vec_i64(in->column[spec->challenger_version_column]);
    for (uint32_t from = 0, to; from < in->rows; from = to) {
        to = from + 1;
        while (to < in->rows && champion[to] == champion[from] && other[to] == other[from]) to++;
        meet(self, (uint64_t)champion[from], (uint64_t)other[from]);
        bool whole = to - from == in->rows;
        Batch *piece = whole ? batch_ref(in) : batch_slice(in, from, to - from);
        Status st = judge_rows(self, piece, err);
        (void)batch_unref(piece);
        TRY(st);
    }
    return ST_OK;
}

static Status evaluate_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Evaluate *self = (Evaluate *)op;
    arena_reset(&self->scratch);
    bool stream = !op->env->func->batch;
    if (stream && self->sent && op->plan->emit_before) TRY(send(self, ROW_UPDATE_BEFORE, err));
    TRY(op->plan->evaluate->challenged ? judge_pairs(self, in, err) : judge_rows(self, in, err));
    if (!stream) return ST_OK;
    TRY(send(self, self->sent ? ROW_UPDATE_AFTER : ROW_INSERT, err));
    self->sent = true;
    TRY(output_builder(op, &self->result, true, err));
    return op->env->task->checkpoint_ms > 0 ? ST_OK : decide(self, err);
}

static Status evaluate_on_barrier(Operator *op, uint64_t checkpoint, Error *err) {
    (void)checkpoint;
    return decide((Evaluate *)op, err);
}

// A bounded input without rows has metrics, too: of none.
static Status evaluate_on_end(Operator *op, Error *err) {
    Evaluate *self = (Evaluate *)op;
    arena_reset(&self->scratch);
    if (op->env->index == 0) {
        if (!self->sent) TRY(send(self, ROW_INSERT, err));
        TRY(decide(self, err));
        self->sent = true;
    }
    return output_builder(op, &self->result, true, err);
}

// ---- checkpoints -------------------------------------------------------------------------------

static void put_bytes(Buf *out, Str bytes) {
    uint64_t size = bytes.len;
    buf_put(out, &size, sizeof size);
    buf_put(out, bytes.ptr, bytes.len);
}

static void put_side(Buf *out, const Side *side) {
    Buf eval = {0};
    buf_put(out, &side->version, sizeof side->version);
    if (side->eval) ml_eval_save(side->eval, &eval);
    put_bytes(out, buf_str(&eval));
    buf_free(&eval);
}

// Of a model without a challenger and a watch: the figures alone.
static Status evaluate_save(Operator *op, Buf *out, Error *err) {
    (void)err;
    Evaluate *self = (Evaluate *)op;
    if (!self->sent) return ST_OK;
    if (!self->challenger.eval && !self->drift) {
        ml_eval_save(self->champion.eval, out);
        return ST_OK;
    }
    Buf drift = {0};
    put_side(out, &self->champion);
    put_side(out, &self->challenger);
    uint64_t promoted = self->promoted;
    buf_put(out, &promoted, sizeof promoted);
    if (self->drift) drift_watch_save(self->drift, &drift);
    put_bytes(out, buf_str(&drift));
    buf_free(&drift);
    return ST_OK;
}

static bool take_u64(Str *in, uint64_t *value) {
    if (in->len < sizeof *value) return false;
    memcpy(value, in->ptr, sizeof *value);
    *in = str_sub(*in, sizeof *value, in->len);
    return true;
}

static bool take_bytes(Str *in, Str *out) {
    uint64_t size;
    if (!take_u64(in, &size) || size > in->len) return false;
    *out = str_sub(*in, 0, (uint32_t)size);
    *in = str_sub(*in, (uint32_t)size, in->len);
    return true;
}

static Status broken(const Evaluate *self, Error *err) {
    return error_set(err, ST_RUNTIME, "the snapshot of ML_EVALUATE of model '" STR_FMT
                     "' is broken", STR_ARG(self->base.plan->evaluate->model->name));
}

static Status take_side(Evaluate *self, Str *in, Side *side, Error *err) {
    Str bytes;
    MlEval *saved;
    if (!take_u64(in, &side->version) || !take_bytes(in, &bytes)) return broken(self, err);
    if (!bytes.len || !side->eval) return ST_OK;
    TRY(ml_eval_load(bytes, &saved, err));
    ml_eval_free(side->eval);
    side->eval = saved;
    return ST_OK;
}

static Status evaluate_restore(Operator *op, Str bytes, Error *err) {
    Evaluate *self = (Evaluate *)op;
    MlEval *saved;
    // All rows come to worker 0. Another one would save its copy again, older than what there is.
    if (!bytes.len || op->env->index) return ST_OK;
    self->sent = true;
    if (!self->challenger.eval && !self->drift) {
        TRY(ml_eval_load(bytes, &saved, err));
        ml_eval_free(self->champion.eval);
        self->champion.eval = saved;
        return ST_OK;
    }
    Str drift;
    uint64_t promoted;
    TRY(take_side(self, &bytes, &self->champion, err));
    TRY(take_side(self, &bytes, &self->challenger, err));
    if (!take_u64(&bytes, &promoted) || !take_bytes(&bytes, &drift)) return broken(self, err);
    self->promoted = promoted;
    if (self->drift && drift.len) TRY(drift_watch_load(self->drift, drift, err));
    return ST_OK;
}

static void evaluate_close(Operator *op) {
    Evaluate *self = (Evaluate *)op;
    if (self->has_rule && self->champion.version && !self->promoted) tell(self, "");
    ml_eval_free(self->champion.eval);
    ml_eval_free(self->challenger.eval);
    drift_watch_free(self->drift);
    builder_clear(&self->result);
    arena_clear(&self->scratch);
}

const OperatorVt EVALUATE_OPERATOR = {
    .name = "ml-evaluate",
    .plan_kind = PLAN_EVALUATE,
    .size = sizeof(Evaluate),
    .open = evaluate_open,
    .on_batch = evaluate_on_batch,
    .on_barrier = evaluate_on_barrier,
    .on_end = evaluate_on_end,
    .save = evaluate_save,
    .restore = evaluate_restore,
    .close = evaluate_close,
};
