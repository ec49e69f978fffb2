// exec/predict.c - ML_PREDICT: each row with what a model makes of its features beside it.
//
// A model in this process predicts a batch at once. One that is elsewhere is asked by threads
// (predict_pool.c) while requests stand in line: answered ones leave it at its head, or in any
// order where the query allows that; no watermark overtakes a row. Nothing is kept over a
// checkpoint: a barrier waits until the line is empty.
#include "exec/predict.h"

#include <stdio.h>

#include "exec/program.h"
#include "os/os.h"

typedef struct Predict {
    Operator base;
    Program *program;       // the features
    Predictor *predictor;   // NULL with a pool
    PredictPool *pool;
    PredictRequest *first, *last;  // in line
    uint32_t in_line;       // rows' requests among them
    uint32_t rows_max;      // of a request
    bool at_barriers;       // newer versions are taken where checkpoints begin
    ModelUse use;
} Predict;

static void request_free(PredictRequest *request) {
    if (!request) return;
    batch_unref(request->in);
    batch_unref(request->out);
    mem_free(request);
}

static uint32_t outputs(const Predict *self) {
    const Plan *plan = self->base.plan;
    return plan->type->child_count - plan->input[0]->type->child_count;
}

// Computes the features of [in], whose reference it takes.
static Status request_new(Predict *self, Batch *in, PredictRequest **out, Error *err) {
    const Plan *plan = self->base.plan;
    PredictRequest *request = *out = NEW(PredictRequest);
    request->in = in;
    request->out = batch_new(plan->type);
    request->begun_ms = os_now_ms();
    Arena *arena = &request->out->arena;
    request->feature = ARENA_ARRAY(arena, Vec *, plan->func_arg_count + 1);
    request->answer = ARENA_ARRAY(arena, Vec *, outputs(self) + 1);
    return program_run(self->program, in->column, in->rows, arena, request->feature, err);
}

// Hands on the rows of an answered request.
static Status request_end(Predict *self, PredictRequest *request, Error *err) {
    if (request->status) {
        if (err) *err = request->error;
        return request->status;
    }
    const Plan *plan = self->base.plan;
    Batch *in = request->in, *out = request->out;
    durations_add(&self->use.took, request->took_ns);
    uint32_t before = plan->input[0]->type->child_count;
    request->out = NULL;
    for (uint32_t c = 0; c < before; c++) out->column[c] = in->column[c];
    for (uint32_t c = 0; c < outputs(self); c++) out->column[before + c] = request->answer[c];
    out->rows = in->rows;
    if (in->kinds) memcpy(batch_need_kinds(out), in->kinds, in->rows);
    batch_keep(out, in);
    return output_batch(&self->base, batch_seal(out), err);
}

// ---- the line ----------------------------------------------------------------------------------

static void join_line(Predict *self, PredictRequest *request) {
    *(self->last ? &self->last->later : &self->first) = request;
    self->last = request;
    if (request->in) self->in_line++;
}

// Sends what may leave the line; [wait]: until at most [most] requests are left in it.
static Status leave_line(Predict *self, bool wait, uint32_t most, Error *err) {
    PredictRequest *before = NULL, *at = self->first;
    while (at) {
        bool done = true;
        if (at->in) {
            bool must = wait && self->in_line > most && !before;
            TRY(predict_pool_done(self->pool, at, must, &done, err));
        } else if (before) {
            break;  // a watermark never overtakes
        }
        if (!done) {
            if (self->base.plan->predict->ordered) break;
            before = at;
            at = at->later;
            continue;
        }
        PredictRequest *later = at->later;
        *(before ? &before->later : &self->first) = later;
        if (self->last == at) self->last = before;
        if (at->in) self->in_line--;
        Status st = at->in ? request_end(self, at, err)
                           : output_watermark(&self->base, at->watermark_ms, err);
        request_free(at);
        TRY(st);
        at = later;
    }
    return ST_OK;
}

static Status empty_line(Predict *self, Error *err) {
    while (self->first) TRY(leave_line(self, true, 0, err));
    return ST_OK;
}

static void ask_for_timer(Predict *self) {
    OpEnv *env = self->base.env;
    if (self->first) env->timer_at(&self->base, env->now_ms(env->now_arg) + 1);
}

// ---- the operator ------------------------------------------------------------------------------

static Status predict_open(Operator *op, Error *err) {
    Predict *self = (Predict *)op;
    const Plan *plan = op->plan;
    const PredictSpec *spec = plan->predict;
    TRY(program_new(plan->func_arg, plan->func_arg_count, plan->input[0]->type, op->env->func,
                    &self->program, err));
    self->rows_max = spec->provider->rows_max ? spec->provider->rows_max(spec->model) : UINT32_MAX;
    self->at_barriers = op->env->task->checkpoint_ms > 0;
    op->model = &self->use;
    if (spec->async) return predict_pool_open(spec, &self->pool, err);
    TRY(spec->provider->open(spec->model, &self->predictor, err));
    self->use.version = self->predictor->version;
    return ST_OK;
}

static void tell_version(const Predict *self) {
    const TaskEnv *task = self->base.env->task;
    if (!task->print || self->base.env->index) return;
    char line[256];
    int size = snprintf(line, sizeof line, "weir: model '" STR_FMT "': version %llu is in use now",
                        STR_ARG(self->base.plan->predict->model->name),
                        (unsigned long long)self->use.version);
    task->print(task->print_arg,
                str_make(line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1), true);
}

static Status take_newer(Predict *self, Error *err) {
    Predictor *predictor = self->predictor;
    if (self->pool) predict_pool_refresh(self->pool);
    if (!predictor || !predictor->vt->refresh) return ST_OK;
    TRY(predictor->vt->refresh(predictor, err));
    if (predictor->version == self->use.version) return ST_OK;
    self->use.version = predictor->version;
    self->use.reloads++;
    tell_version(self);
    return ST_OK;
}

// Takes the reference of [in].
static Status predict_rows(Predict *self, Batch *in, Error *err) {
    PredictRequest *request;
    Status st = request_new(self, in, &request, err);
    if (!st && self->pool) {
        join_line(self, request);
        predict_pool_submit(self->pool, request);
        uint32_t most = self->base.plan->predict->at_a_time;
        return leave_line(self, true, most > 1 ? most - 1 : 0, err);
    }
    if (!st) {
        int64_t begun_ns = os_monotonic_ns();
        st = self->predictor->vt->predict(self->predictor, request->feature, in->rows,
                                          &request->out->arena, request->answer, err);
        request->took_ns = os_monotonic_ns() - begun_ns;
    }
    if (!st) st = request_end(self, request, err);
    request_free(request);
    return st;
}

static Status predict_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Predict *self = (Predict *)op;
    if (!self->at_barriers) TRY(take_newer(self, err));
    for (uint32_t from = 0; from < in->rows;) {
        uint32_t count = in->rows - from < self->rows_max ? in->rows - from : self->rows_max;
        Batch *piece = count == in->rows ? batch_ref(in) : batch_slice(in, from, count);
        TRY(predict_rows(self, piece, err));
        from += count;
    }
    ask_for_timer(self);
    return ST_OK;
}

static Status predict_on_watermark(Operator *op, int64_t ms, Error *err) {
    Predict *self = (Predict *)op;
    if (!self->first) return output_watermark(op, ms, err);
    PredictRequest *request = NEW(PredictRequest);
    request->watermark_ms = ms;
    join_line(self, request);
    return leave_line(self, false, 0, err);
}

static Status predict_on_timer(Operator *op, int64_t now_ms, Error *err) {
    (void)now_ms;
    Predict *self = (Predict *)op;
    TRY(leave_line(self, false, 0, err));
    ask_for_timer(self);
    return ST_OK;
}

static Status predict_on_end(Operator *op, Error *err) {
    return empty_line((Predict *)op, err);
}

static Status predict_on_barrier(Operator *op, uint64_t checkpoint, Error *err) {
    (void)checkpoint;
    TRY(empty_line((Predict *)op, err));
    return take_newer((Predict *)op, err);
}

static Status predict_on_idle(Operator *op, bool idle, Error *err) {
    return idle ? empty_line((Predict *)op, err) : ST_OK;
}

static void predict_close(Operator *op) {
    Predict *self = (Predict *)op;
    predict_pool_close(self->pool);  // first: its threads write into the requests
    for (PredictRequest *at = self->first, *later; at; at = later) {
        later = at->later;
        request_free(at);
    }
    if (self->predictor) self->predictor->vt->close(self->predictor);
    program_free(self->program);
}

const OperatorVt PREDICT_OPERATOR = {
    .name = "ml-predict",
    .plan_kind = PLAN_PREDICT,
    .size = sizeof(Predict),
    .open = predict_open,
    .on_batch = predict_on_batch,
    .on_watermark = predict_on_watermark,
    .on_timer = predict_on_timer,
    .on_end = predict_on_end,
    .on_barrier = predict_on_barrier,
    .on_idle = predict_on_idle,
    .close = predict_close,
};
