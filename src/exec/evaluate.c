// exec/evaluate.c - ML_EVALUATE: one row, a map of metrics of what ML_PREDICT, below, has said of
// the rows so far. In a stream it is sent anew after each batch of rows, as an update; in a batch
// at the end.
//
// What it keeps (ml/evaluate.h) is small and goes into checkpoints as bytes; all rows come to one
// worker.
#include <stdlib.h>

#include "base/bits.h"
#include "exec/operator.h"
#include "ml/evaluate.h"

typedef struct Evaluate {
    Operator base;
    MlEval *eval;
    MlField label, *out, *in;
    Builder result;
    Arena scratch;
    bool sent;
} Evaluate;

static MlField field_of(const Type *type, Str name) {
    MlField field = {.name = name, .type = ML_DOUBLE, .width = 1};
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

static Status evaluate_open(Operator *op, Error *err) {
    (void)err;
    Evaluate *self = (Evaluate *)op;
    const EvaluateSpec *spec = op->plan->evaluate;
    const Type *row = op->plan->input[0]->type;
    Arena *arena = op->env->arena;
    self->eval = ml_eval_new(
        &(MlEvalSpec){.task = (MlTask)spec->task, .fading = spec->fading, .window = spec->window});
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

static void read_column(const Vec *vec, uint32_t rows, Arena *arena, MlColumn *out) {
    if (vec->phys == PHYS_STR) {
        out->text = vec_str(vec);
    } else {
        out->number = ARENA_ARRAY(arena, double, rows + 1);
        for (uint32_t r = 0; r < rows; r++) {
            if (!vec_is_null(vec, r)) out->number[r] = vec_number(vec, r);
        }
    }
    if (!vec_has_nulls(vec)) return;
    out->valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(rows + 1));
    for (uint32_t r = 0; r < rows; r++) {
        if (!vec_is_null(vec, r)) bits_set(out->valid, r);
    }
}

static Status send(Evaluate *self, RowKind kind, Error *err) {
    uint32_t row = builder_row(&self->result, kind);
    Vec *map = self->result.batch->column[0];
    MlMetric *metric = ARENA_ARRAY(&self->scratch, MlMetric, ML_METRICS_MAX);
    uint32_t count = ml_eval_metrics(self->eval, metric), kept = 0;
    for (uint32_t i = 0; i < count; i++) kept += metric[i].value == metric[i].value;
    uint32_t slot = vec_list_begin(map, row, kept);
    for (uint32_t i = 0; i < count; i++) {
        if (metric[i].value != metric[i].value) continue;  // not defined yet
        vec_set_text(map->child[0], slot, str_c(metric[i].name));
        vec_f64(map->child[1])[slot++] = metric[i].value;
    }
    return output_builder(&self->base, &self->result, false, err);
}

static Status evaluate_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Evaluate *self = (Evaluate *)op;
    const EvaluateSpec *spec = op->plan->evaluate;
    arena_reset(&self->scratch);
    MlColumn label = {0};
    MlColumn *out = ARENA_ARRAY(&self->scratch, MlColumn, spec->output_count + 1);
    MlColumn *features = ARENA_ARRAY(&self->scratch, MlColumn, spec->feature_count + 1);
    read_column(in->column[spec->label], in->rows, &self->scratch, &label);
    for (uint32_t i = 0; i < spec->output_count; i++) {
        read_column(in->column[spec->first_output + i], in->rows, &self->scratch, &out[i]);
    }
    for (uint32_t i = 0; i < spec->feature_count; i++) {
        read_column(in->column[spec->feature[i]], in->rows, &self->scratch, &features[i]);
    }
    MlEvalBatch batch = {
        .label = &self->label, .label_column = &label,
        .out = self->out, .out_column = out, .out_count = spec->output_count,
        .in = self->in, .in_column = features, .in_count = spec->feature_count, .rows = in->rows,
    };
    bool stream = !op->env->func->batch;
    if (stream && self->sent && op->plan->emit_before) TRY(send(self, ROW_UPDATE_BEFORE, err));
    TRY(ml_eval_add(self->eval, &batch, err));
    if (!stream) return ST_OK;
    TRY(send(self, self->sent ? ROW_UPDATE_AFTER : ROW_INSERT, err));
    self->sent = true;
    return output_builder(op, &self->result, true, err);
}

// A bounded input without rows has metrics, too: of none.
static Status evaluate_on_end(Operator *op, Error *err) {
    Evaluate *self = (Evaluate *)op;
    arena_reset(&self->scratch);
    if (op->env->index == 0 && !self->sent) TRY(send(self, ROW_INSERT, err));
    self->sent = true;
    return output_builder(op, &self->result, true, err);
}

static Status evaluate_save(Operator *op, Buf *out, Error *err) {
    (void)err;
    Evaluate *self = (Evaluate *)op;
    if (!self->sent) return ST_OK;
    ml_eval_save(self->eval, out);
    return ST_OK;
}

static Status evaluate_restore(Operator *op, Str bytes, Error *err) {
    Evaluate *self = (Evaluate *)op;
    MlEval *saved;
    if (!bytes.len) return ST_OK;
    TRY(ml_eval_load(bytes, &saved, err));
    ml_eval_free(self->eval);
    self->eval = saved;
    self->sent = true;
    return ST_OK;
}

static void evaluate_close(Operator *op) {
    Evaluate *self = (Evaluate *)op;
    ml_eval_free(self->eval);
    builder_clear(&self->result);
    arena_clear(&self->scratch);
}

const OperatorVt EVALUATE_OPERATOR = {
    .name = "ml-evaluate",
    .plan_kind = PLAN_EVALUATE,
    .size = sizeof(Evaluate),
    .open = evaluate_open,
    .on_batch = evaluate_on_batch,
    .on_end = evaluate_on_end,
    .save = evaluate_save,
    .restore = evaluate_restore,
    .close = evaluate_close,
};
