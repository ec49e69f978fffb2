// ml/online/model.c - a learner's state as a model that no longer learns: what a file has that
// online_save has written.
#include "ml/formats.h"
#include "ml/online.h"

typedef struct LearnedModel {
    MlModel base;
    MlLearner *learner;
} LearnedModel;

static Status learned_predict(const MlModel *model, const MlColumn *in, uint32_t rows,
                              MlColumn *out, Arena *arena, Error *err) {
    return online_predict(((const LearnedModel *)model)->learner, in, rows, out, arena, err);
}

static Status learned_save(const MlModel *model, Buf *out, Error *err) {
    (void)err;
    online_save(((const LearnedModel *)model)->learner, out);
    return ST_OK;
}

static void learned_describe(const MlModel *model, Buf *out) {
    const MlLearner *learner = ((const LearnedModel *)model)->learner;
    buf_printf(out, "online %s, %llu rows, %llu drifts", ml_task_name(online_task(learner)),
               (unsigned long long)online_rows(learner),
               (unsigned long long)online_drifts(learner));
}

static void learned_free(MlModel *model) {
    online_free(((LearnedModel *)model)->learner);
    mem_free(model);
}

static const MlModelVt LEARNED = {
    .format = "online", .predict = learned_predict, .save = learned_save,
    .describe = learned_describe, .free = learned_free,
};

static bool learned_matches(Str path, Str bytes) {
    (void)bytes;
    return str_ends(path, STR(".online"));
}

static Status learned_load(Str path, Str bytes, MlModel **out, Error *err) {
    MlLearner *learner;
    Status st = online_load(bytes, &learner, err);
    if (st) {
        error_while(err, "reading " STR_FMT, STR_ARG(path));
        return st;
    }
    LearnedModel *self = NEW(LearnedModel);
    self->base.vt = &LEARNED;
    self->learner = learner;
    self->base.in = online_inputs(learner, &self->base.in_count);
    self->base.out = online_outputs(learner, &self->base.out_count);
    self->base.bytes = online_bytes(learner);
    *out = &self->base;
    return ST_OK;
}

const MlFormat ONLINE_FORMAT = {.name = "online", .matches = learned_matches, .load = learned_load};
