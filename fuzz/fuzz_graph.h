// fuzz/fuzz_graph.h - for the targets of graphs (ml/graph/): what is read and built is also run,
// on a few rows, with limits that keep a run short. An error is fine; a model gives as many values
// as it promised.
#pragma once

#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "ml/formats.h"
#include "ml/graph/run.h"

static inline int fuzz_graph(const MlFormat *format, Str path, const uint8_t *bytes, size_t size) {
    static const RunLimits LIMITS = {.bytes = 64 << 20, .steps = 20000, .work = 1e7};
    run_limits_use(&LIMITS);
    MlModel *model;
    Error err = {0};
    if (format->load(path, str_make((const char *)bytes, size), &model, &err)) {
        ASSERT(err.message[0]);
        return 0;
    }
    enum { ROWS = 3 };
    Arena arena = {0};
    MlColumn *in = ARENA_ARRAY(&arena, MlColumn, model->in_count + 1);
    MlColumn *out = ARENA_ARRAY(&arena, MlColumn, model->out_count + 1);
    bool small = true;
    for (uint32_t i = 0; i < model->in_count; i++) {
        const MlField *field = &model->in[i];
        small = small && field->width < 1 << 16;
        if (!small) break;
        size_t count = (size_t)ROWS * field->width + 1;
        if (field->type == ML_TEXT) in[i].text = ARENA_ARRAY(&arena, Str, count);
        else in[i].number = ARENA_ARRAY(&arena, double, count);
        for (size_t k = 0; k < count && in[i].number; k++) in[i].number[k] = (double)(k % 7) - 2;
    }
    if (small && !model->vt->predict(model, in, ROWS, out, &arena, &err)) {
        for (uint32_t i = 0; i < model->out_count; i++) ASSERT(out[i].number || out[i].text);
    }
    ml_free(model);
    arena_clear(&arena);
    return 0;
}
