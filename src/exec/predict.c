// exec/predict.c - ML_PREDICT: each row with what a model makes of its features beside it.
//
// A model in this process predicts a batch at once. One that is elsewhere is asked by threads while
// requests stand in line (askers.h). A newer version is taken up between two batches, or where a
// checkpoint begins.
#include <stdatomic.h>
#include <stdio.h>

#include "exec/askers.h"
#include "exec/program.h"
#include "os/os.h"
#include "spi/model.h"

typedef struct Predict {
    Operator base;
    Program *program;       // the features
    Predictor *predictor;   // NULL with askers
    Askers *askers;
    _Atomic uint32_t
        looks;  // how often the askers' predictors should have looked for a newer version
    uint32_t rows_max;      // of a request
    bool at_barriers;       // newer versions are taken where checkpoints begin
    int64_t waited_ns;      // for a newer version, since the last batch: counts as the next one's
    ModelUse use;
} Predict;

// Rows under way: a batch or a piece of it.
typedef struct PredictRequest {
    Request base;
    Batch *in;
    Batch *out;             // its arena has the features, and then the predictions
    Vec **feature;
    Vec **answer;           // and, where the plan asks, the version behind them
    int64_t took_ns;        // the model, for it
    uint64_t version;       // of the model, that answered
} PredictRequest;

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
    Arena *arena = &request->out->arena;
    request->feature = ARENA_ARRAY(arena, Vec *, plan->func_arg_count + 1);
    request->answer = ARENA_ARRAY(arena, Vec *, outputs(self) + 1);
    return program_run(self->program, in->column, in->rows, arena, request->feature, err);
}

// Hands on the rows of an answered request.
static Status request_end(Predict *self, PredictRequest *request, Error *err) {
    const Plan *plan = self->base.plan;
    Batch *in = request->in, *out = request->out;
    durations_add(&self->use.took, request->took_ns);
    uint32_t before = plan->input[0]->type->child_count;
    request->out = NULL;
    if (plan->predict->versioned) {
        Vec *version = vec_new(&out->arena, type_of(TYPE_BIGINT, false), in->rows);
        for (uint32_t r = 0; r < in->rows; r++) vec_i64(version)[r] = (int64_t)request->version;
        request->answer[outputs(self) - 1] = version;
    }
    for (uint32_t c = 0; c < before; c++) out->column[c] = in->column[c];
    for (uint32_t c = 0; c < outputs(self); c++) out->column[before + c] = request->answer[c];
    out->rows = in->rows;
    if (in->kinds) memcpy(batch_need_kinds(out), in->kinds, in->rows);
    batch_keep(out, in);
    return output_batch(&self->base, batch_seal(out), err);
}

static Status ask(Predictor *predictor, PredictRequest *request, Error *err) {
    int64_t begun_ns = os_monotonic_ns();
    Status st = predictor->vt->predict(predictor, request->feature, request->in->rows,
                                       &request->out->arena, request->answer, err);
    request->took_ns = os_monotonic_ns() - begun_ns;
    request->version = predictor->version;
    return st;
}

// ---- a model elsewhere -------------------------------------------------------------------------

typedef struct Connection {
    const Predict *owner;
    Predictor *predictor;
    uint32_t looks;         // how often it has looked for a newer version
} Connection;

static Status predict_connect(Operator *op, void **out, Error *err) {
    const PredictSpec *spec = op->plan->predict;
    Connection *self = *out = NEW(Connection);
    self->owner = (const Predict *)op;
    TRY(spec->provider->open(spec->model, &self->predictor, err));
    ((Predict *)op)->use.of = self->predictor;
    return ST_OK;
}

static Status predict_ask(void *connection, Request *request, Error *err) {
    Connection *self = connection;
    Predictor *predictor = self->predictor;
    uint32_t looks = atomic_load(&self->owner->looks);
    if (looks != self->looks && predictor->vt->look) predictor->vt->look(predictor);
    if (looks != self->looks && predictor->vt->refresh)
        TRY(predictor->vt->refresh(predictor, 0, err));
    self->looks = looks;
    return ask(predictor, (PredictRequest *)request, err);
}

static void predict_cancel(void *connection) {
    Predictor *predictor = ((Connection *)connection)->predictor;
    if (predictor->vt->cancel) predictor->vt->cancel(predictor);
}

static void predict_disconnect(void *connection) {
    Connection *self = connection;
    if (self->predictor) self->predictor->vt->close(self->predictor);
    mem_free(self);
}

static Status predict_hand_on(Operator *op, Request *request, Error *err) {
    return request_end((Predict *)op, (PredictRequest *)request, err);
}

static void predict_free_request(Request *request) {
    request_free((PredictRequest *)request);
}

static Status predict_late(const Operator *op, Error *err) {
    const PredictSpec *spec = op->plan->predict;
    (void)error_set(err, ST_RUNTIME,
                    "model '" STR_FMT "' took longer than its timeout of %lld ms",
                    STR_ARG(spec->model->name), (long long)spec->timeout_ms);
    error_hint(err, "raise 'timeout' in the CONFIG of ML_PREDICT, or "
                    "'table.exec.async-ml-predict.timeout'");
    return ST_RUNTIME;
}

static const AskersVt ASKERS = {
    .connect = predict_connect,
    .ask = predict_ask,
    .cancel = predict_cancel,
    .disconnect = predict_disconnect,
    .hand_on = predict_hand_on,
    .free_request = predict_free_request,
    .late = predict_late,
};

static Status open_askers(Predict *self, Error *err) {
    enum { THREADS_MAX = 32 };
    const PredictSpec *spec = self->base.plan->predict;
    uint32_t at_a_time = spec->at_a_time ? spec->at_a_time : 1;
    return askers_open(&(AskersSpec){.vt = &ASKERS, .op = &self->base,
                                     .threads = at_a_time < THREADS_MAX ? at_a_time : THREADS_MAX,
                                     .in_line_max = at_a_time, .timeout_ms = spec->timeout_ms,
                                     .ordered = spec->ordered},
                       &self->askers, err);
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
    if (spec->async) return open_askers(self, err);
    TRY(spec->provider->open(spec->model, &self->predictor, err));
    self->use.version = self->predictor->version;
    self->use.of = self->predictor;
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

static void look(Predict *self) {
    int64_t begun_ns = os_monotonic_ns();
    Predictor *predictor = self->predictor;
    if (predictor && predictor->vt->look) predictor->vt->look(predictor);
    self->waited_ns += os_monotonic_ns() - begun_ns;
}

static Status refresh(Predict *self, uint64_t checkpoint, Error *err) {
    Predictor *predictor = self->predictor;
    atomic_fetch_add(&self->looks, 1);
    if (!predictor || !predictor->vt->refresh) return ST_OK;
    TRY(predictor->vt->refresh(predictor, checkpoint, err));
    if (predictor->version == self->use.version) return ST_OK;
    self->use.version = predictor->version;
    self->use.reloads++;
    tell_version(self);
    return ST_OK;
}

static Status take_newer(Predict *self, uint64_t checkpoint, Error *err) {
    int64_t begun_ns = os_monotonic_ns();
    Status st = refresh(self, checkpoint, err);
    self->waited_ns += os_monotonic_ns() - begun_ns;
    return st;
}

// Takes the reference of [in].
static Status predict_rows(Predict *self, Batch *in, Error *err) {
    PredictRequest *request;
    Status st = request_new(self, in, &request, err);
    if (!st && self->askers) return askers_put(self->askers, &request->base, err);
    if (!st) st = ask(self->predictor, request, err);
    request->took_ns += self->waited_ns;
    self->waited_ns = 0;
    if (!st) st = request_end(self, request, err);
    request_free(request);
    return st;
}

static Status predict_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Predict *self = (Predict *)op;
    look(self);
    if (!self->at_barriers) TRY(take_newer(self, 0, err));
    for (uint32_t from = 0; from < in->rows;) {
        uint32_t count = in->rows - from < self->rows_max ? in->rows - from : self->rows_max;
        Batch *piece = count == in->rows ? batch_ref(in) : batch_slice(in, from, count);
        TRY(predict_rows(self, piece, err));
        from += count;
    }
    return ST_OK;
}

static Status predict_on_watermark(Operator *op, int64_t ms, Error *err) {
    Predict *self = (Predict *)op;
    return self->askers ? askers_put_watermark(self->askers, ms, err)
                        : output_watermark(op, ms, err);
}

static Status predict_on_timer(Operator *op, int64_t now_ms, Error *err) {
    (void)now_ms;
    return askers_look(((Predict *)op)->askers, err);  // nobody else asks for timers
}

static Status predict_on_end(Operator *op, Error *err) {
    Predict *self = (Predict *)op;
    return self->askers ? askers_empty(self->askers, err) : ST_OK;
}

static Status predict_on_barrier(Operator *op, uint64_t checkpoint, Error *err) {
    TRY(predict_on_end(op, err));
    look((Predict *)op);
    return take_newer((Predict *)op, checkpoint, err);
}

static Status predict_on_idle(Operator *op, bool idle, Error *err) {
    return idle ? predict_on_end(op, err) : ST_OK;
}

static void predict_close(Operator *op) {
    Predict *self = (Predict *)op;
    askers_close(self->askers);
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
