#include "ml/onnx/scores.h"

#include <math.h>

Labels labels_of(const Setup *setup, const char *texts, const char *numbers) {
    Labels out = {0};
    const Attr *attr = setup_attr(setup, texts);
    if (attr && attr->str_count) {
        Str *copy = ARENA_ARRAY(setup->arena, Str, attr->str_count);
        for (uint32_t i = 0; i < attr->str_count; i++)
            copy[i] = str_dup(setup->arena, attr->strs[i]);
        out.text = copy;
        out.count = attr->str_count;
        return out;
    }
    out.number = setup_ints(setup, numbers, &out.count);
    return out;
}

Status transform_of(const Setup *setup, Transform *out, Error *err) {
    static const char *const NAMES[] = {"NONE", "SOFTMAX", "SOFTMAX_ZERO", "LOGISTIC", "PROBIT"};
    Str name = setup_str(setup, "post_transform", "NONE");
    for (uint32_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (!str_eq(str_c(NAMES[i]), name)) continue;
        *out = (Transform)i;
        return ST_OK;
    }
    return error_set(err, ST_UNSUPPORTED, "post_transform '" STR_FMT "'", STR_ARG(name));
}

// The inverse of the error function, by the approximation that ONNX Runtime uses (Winitzki 2008).
static double inverse_erf(double x) {
    double sign = x < 0 ? -1 : 1, log_of = log((1 - x) * (1 + x));
    double v = 2 / (3.14159 * 0.147) + 0.5 * log_of;
    return sign * sqrt(-v + sqrt(v * v - 1 / 0.147 * log_of));
}

static void softmax(double *score, uint32_t count, bool zero_stays) {
    double most = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < count; i++) most = fmax(most, score[i]);
    for (uint32_t i = 0; i < count; i++) {
        if (zero_stays && fabs(score[i]) < 1e-7) continue;
        sum += score[i] = exp(score[i] - most);
    }
    for (uint32_t i = 0; i < count; i++) score[i] /= sum;
}

void transform_scores(Transform transform, double *score, uint32_t count) {
    switch (transform) {
        case TRANSFORM_NONE: return;
        case TRANSFORM_SOFTMAX: softmax(score, count, false); return;
        case TRANSFORM_SOFTMAX_ZERO: softmax(score, count, true); return;
        case TRANSFORM_LOGISTIC:
            for (uint32_t i = 0; i < count; i++) score[i] = 1 / (1 + exp(-score[i]));
            return;
        case TRANSFORM_PROBIT:
            for (uint32_t i = 0; i < count; i++) {
                score[i] = 1.41421356 * inverse_erf(2 * score[i] - 1);
            }
            return;
    }
}

Status labels_new(const Call *call, uint32_t out, const Labels *labels, int64_t rows, Error *err) {
    return call_new(call, out, labels->text ? TENSOR_STR : TENSOR_I64, 1, &rows, err);
}

void label_put(const Tensor *out, int64_t row, const Labels *labels, int64_t class) {
    bool known = class >= 0 && class < labels->count;
    if (out->type == TENSOR_STR) tensor_str(out)[row] = known ? labels->text[class] : STR("");
    else tensor_i64(out)[row] = known ? labels->number[class] : class;
}

uint32_t greatest_of(const double *score, uint32_t count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (score[i] > score[best]) best = i;
    }
    return best;
}

Status table_of(const Call *call, uint32_t in, int64_t *rows, int64_t *columns, Error *err) {
    const Tensor *t = call->in[in];
    TRY(call_want_number(call, in, err));
    *rows = t->rank > 1 ? t->dim[0] : 1;
    *columns = t->rank > 1 ? tensor_span(t, 1, t->rank) : t->count;
    return ST_OK;
}
