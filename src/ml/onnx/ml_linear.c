// ml/onnx/ml_linear.c - linear models and support vector machines of ai.onnx.ml.
#include <math.h>

#include "ml/onnx/ml_int.h"
#include "ml/onnx/scores.h"

// --- Linear ---

typedef struct LinearParams {
    const float *coefficient, *intercept;
    uint32_t coefficients, intercepts;
    uint32_t targets;
    Labels labels;
    Transform transform;
} LinearParams;

Status linear_prepare(Setup *s, Error *err) {
    LinearParams *params = SETUP_PARAMS(s, LinearParams);
    params->coefficient = setup_floats(s, "coefficients", &params->coefficients);
    params->intercept = setup_floats(s, "intercepts", &params->intercepts);
    params->labels = labels_of(s, "classlabels_strings", "classlabels_ints");
    TRY(transform_of(s, &params->transform, err));
    int64_t targets = setup_int(s, "targets", 1);
    if (str_is(str_c(s->op->name), "LinearClassifier")) {
        targets = params->intercepts ? params->intercepts : params->labels.count;
    }
    if (targets < 1 || targets > UINT16_MAX || params->coefficients % targets ||
        (params->intercepts && params->intercepts != targets) || !params->coefficients) {
        return error_set(err, ST_VALIDATION, "%u coefficients and %u intercepts",
                         params->coefficients, params->intercepts);
    }
    params->targets = (uint32_t)targets;
    return ST_OK;
}

static void linear_scores(const LinearParams *params, const Tensor *in, int64_t row, int64_t width,
                          double *score) {
    for (uint32_t t = 0; t < params->targets; t++) {
        const float *c = params->coefficient + (int64_t)t * width;
        score[t] = params->intercepts ? (double)params->intercept[t] : 0;
        for (int64_t i = 0; i < width; i++) {
            score[t] += (double)c[i] * tensor_number(in, row * width + i);
        }
    }
}

static Status linear_rows(const Call *call, const LinearParams *params, int64_t *rows,
                          int64_t *width, double **score, Error *err) {
    void *scratch;
    TRY(table_of(call, 0, rows, width, err));
    if (*width * (int64_t)params->targets != params->coefficients) {
        return error_set(err, ST_RUNTIME, "%lld features for %u coefficients of %u targets",
                         (long long)*width, params->coefficients, params->targets);
    }
    TRY(call_work(call, (double)*rows * (double)params->coefficients, err));
    TRY(call_scratch(call, (params->targets + 2) * sizeof(double), &scratch, err));
    *score = scratch;
    return ST_OK;
}

Status linear_regressor_run(const Call *call, Error *err) {
    const LinearParams *params = call->params;
    int64_t rows, width;
    double *score = NULL;
    TRY(linear_rows(call, params, &rows, &width, &score, err));
    int64_t dim[2] = {rows, params->targets};
    TRY(call_new(call, 0, TENSOR_F32, 2, dim, err));
    for (int64_t i = 0; i < rows; i++) {
        linear_scores(params, call->in[0], i, width, score);
        transform_scores(params->transform, score, params->targets);
        for (uint32_t t = 0; t < params->targets; t++) {
            tensor_f32(&call->out[0])[i * (int64_t)params->targets + t] = (float)score[t];
        }
    }
    return ST_OK;
}

Status linear_classifier_run(const Call *call, Error *err) {
    const LinearParams *params = call->params;
    int64_t rows, width;
    double *score = NULL;
    TRY(linear_rows(call, params, &rows, &width, &score, err));
    bool pair = params->targets == 1 && params->labels.count == 2;
    uint32_t n = pair ? 2 : params->targets;
    int64_t dim[2] = {rows, n};
    TRY(labels_new(call, 0, &params->labels, rows, err));
    if (call->out_count > 1) TRY(call_new(call, 1, TENSOR_F32, 2, dim, err));
    for (int64_t i = 0; i < rows; i++) {
        linear_scores(params, call->in[0], i, width, score);
        int64_t class = params->targets == 1 ? score[0] > 0 : greatest_of(score, params->targets);
        if (pair && params->transform == TRANSFORM_LOGISTIC) {
            score[1] = 1 / (1 + exp(-score[0]));
            score[0] = 1 - score[1];
        } else if (pair) {
            score[1] = score[0];
            score[0] = 1 - score[1];
        } else {
            transform_scores(params->transform, score, n);
        }
        label_put(&call->out[0], i, &params->labels, class);
        for (uint32_t t = 0; t < n && call->out_count > 1; t++) {
            tensor_f32(&call->out[1])[i * (int64_t)n + t] = (float)score[t];
        }
    }
    return ST_OK;
}

// --- Support vectors (libsvm: Chang and Lin 2011) ---

typedef enum SvmKernel { SVM_LINEAR, SVM_POLY, SVM_RBF, SVM_SIGMOID } SvmKernel;

typedef struct SvmParams {
    SvmKernel kernel;
    double gamma, coef0, degree;
    const float *vector, *coefficient, *rho, *prob_a, *prob_b;
    const int64_t *per_class;
    uint32_t vectors, vector_values, coefficients, rhos, probs, classes, width;
    Labels labels;
    Transform transform;
    bool one_class, linear;  // linear: no support vectors, coefficients by class
} SvmParams;

Status svm_prepare(Setup *s, Error *err) {
    static const char *const KERNELS[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    SvmParams *params = SETUP_PARAMS(s, SvmParams);
    Str kernel = setup_str(s, "kernel_type", "LINEAR");
    uint32_t count, betas;
    for (uint32_t i = 0; i < 4; i++) {
        if (str_eq(str_c(KERNELS[i]), kernel)) params->kernel = (SvmKernel)i;
    }
    const float *kernel_params = setup_floats(s, "kernel_params", &count);
    if (count == 3) {
        params->gamma = (double)kernel_params[0];
        params->coef0 = (double)kernel_params[1];
        params->degree = (double)kernel_params[2];
    }
    bool classifier = str_is(str_c(s->op->name), "SVMClassifier");
    params->vector = setup_floats(s, "support_vectors", &params->vector_values);
    params->coefficient = setup_floats(s, "coefficients", &params->coefficients);
    params->rho = setup_floats(s, "rho", &params->rhos);
    params->prob_a = setup_floats(s, "prob_a", &params->probs);
    params->prob_b = setup_floats(s, "prob_b", &betas);
    params->per_class = setup_ints(s, "vectors_per_class", &count);
    params->labels = labels_of(s, "classlabels_strings", "classlabels_ints");
    params->one_class = setup_int(s, "one_class", 0) != 0;
    TRY(transform_of(s, &params->transform, err));
    params->classes = classifier ? params->labels.count : 1;
    int64_t vectors = setup_int(s, "n_supports", 0);
    for (uint32_t i = 0; classifier && i < count; i++) {
        if (params->per_class[i] < 0 || params->per_class[i] > INT32_MAX) vectors = -1;
        else if (vectors >= 0) vectors += params->per_class[i];
    }
    params->linear = vectors == 0;
    uint64_t pairs = (uint64_t)params->classes * (params->classes - 1) / 2;
    bool fine = vectors >= 0 && vectors <= params->vector_values && params->rhos > 0 &&
                params->classes > 0 && params->classes < 4096 && params->probs == betas &&
                (!vectors || params->vector_values % vectors == 0);
    if (fine && classifier && vectors) {
        fine = count == params->classes && params->rhos == pairs && params->classes > 1 &&
               params->coefficients == (uint64_t)vectors * (params->classes - 1) &&
               (!params->probs || params->probs == pairs);
    }
    if (fine && !classifier && vectors) fine = params->coefficients == vectors;
    if (fine && !vectors)
        fine = params->coefficients % params->classes == 0 && params->coefficients;
    if (!fine) return error_set(err, ST_VALIDATION, "its columns do not fit");
    params->vectors = (uint32_t)vectors;
    params->width = vectors ? params->vector_values / (uint32_t)vectors
                            : params->coefficients / params->classes;
    return ST_OK;
}

static double svm_kernel(const SvmParams *params, const Tensor *in, int64_t row, const float *v) {
    double sum = 0;
    for (uint32_t i = 0; i < params->width; i++) {
        double x = tensor_number(in, row * (int64_t)params->width + i), y = (double)v[i];
        sum += params->kernel == SVM_RBF ? (x - y) * (x - y) : x * y;
    }
    switch (params->kernel) {
        case SVM_LINEAR: return sum;
        case SVM_POLY: return pow(params->gamma * sum + params->coef0, params->degree);
        case SVM_RBF: return exp(-params->gamma * sum);
        case SVM_SIGMOID: return tanh(params->gamma * sum + params->coef0);
    }
    return 0;
}

static Status svm_rows(const Call *call, const SvmParams *params, int64_t *rows, Error *err) {
    int64_t width;
    TRY(table_of(call, 0, rows, &width, err));
    if (width != params->width) {
        return error_set(err, ST_RUNTIME, "%lld features for vectors of %u", (long long)width,
                         params->width);
    }
    return call_work(call, (double)*rows * ((double)(params->vector_values + params->width)), err);
}

Status svm_regressor_run(const Call *call, Error *err) {
    const SvmParams *params = call->params;
    int64_t rows;
    TRY(svm_rows(call, params, &rows, err));
    int64_t dim[2] = {rows, 1};
    TRY(call_new(call, 0, TENSOR_F32, 2, dim, err));
    for (int64_t i = 0; i < rows; i++) {
        double sum = (double)params->rho[0];
        for (uint32_t k = 0; k < params->vectors; k++) {
            sum += (double)params->coefficient[k] *
                   svm_kernel(params, call->in[0], i, params->vector + (size_t)k * params->width);
        }
        if (params->linear) sum += svm_kernel(params, call->in[0], i, params->coefficient);
        if (params->one_class) sum = sum > 0 ? 1 : -1;
        tensor_f32(&call->out[0])[i] = (float)sum;
    }
    return ST_OK;
}

// Each pair of classes has voted; [vote] counts, [decision] keeps the values.
static void svm_votes(const SvmParams *params, const double *k, double *decision, double *vote) {
    uint32_t n = params->classes, pair = 0;
    int64_t first_i = 0;
    for (uint32_t i = 0; i < n; i++) vote[i] = 0;
    for (uint32_t i = 0; i < n; first_i += params->per_class[i], i++) {
        int64_t first_j = first_i + params->per_class[i];
        for (uint32_t j = i + 1; j < n; first_j += params->per_class[j], j++, pair++) {
            const float *to_j = params->coefficient + (size_t)(j - 1) * params->vectors;
            const float *to_i = params->coefficient + (size_t)i * params->vectors;
            double sum = (double)params->rho[pair];
            for (int64_t m = 0; m < params->per_class[i]; m++) {
                sum += (double)to_j[first_i + m] * k[first_i + m];
            }
            for (int64_t m = 0; m < params->per_class[j]; m++) {
                sum += (double)to_i[first_j + m] * k[first_j + m];
            }
            decision[pair] = sum;
            vote[sum > 0 ? i : j] += 1;
        }
    }
}

// Probabilities of all classes from those of pairs (Wu, Lin and Weng 2004, second method).
static void svm_couple(uint32_t n, const double *r, double *p, double *q, double *qp) {
    for (uint32_t t = 0; t < n; t++) {
        p[t] = 1.0 / n;
        q[t * n + t] = 0;
        for (uint32_t j = 0; j < n; j++) {
            if (j == t) continue;
            q[t * n + t] += r[j * n + t] * r[j * n + t];
            q[t * n + j] = -r[j * n + t] * r[t * n + j];
        }
    }
    for (uint32_t round = 0; round < 100; round++) {
        double all = 0, most = 0;
        for (uint32_t t = 0; t < n; t++) {
            qp[t] = 0;
            for (uint32_t j = 0; j < n; j++) qp[t] += q[t * n + j] * p[j];
            all += p[t] * qp[t];
        }
        for (uint32_t t = 0; t < n; t++) most = fmax(most, fabs(qp[t] - all));
        if (most < 0.005 / n) return;
        for (uint32_t t = 0; t < n; t++) {
            double step = (all - qp[t]) / q[t * n + t];
            p[t] += step;
            all = (all + step * (step * q[t * n + t] + 2 * qp[t])) / (1 + step) / (1 + step);
            for (uint32_t j = 0; j < n; j++) {
                qp[j] = (qp[j] + step * q[t * n + j]) / (1 + step);
                p[j] /= 1 + step;
            }
        }
    }
}

static void svm_probabilities(const SvmParams *params, const double *decision, double *scratch,
                              double *p) {
    uint32_t n = params->classes, pair = 0;
    double *r = scratch, *q = r + (size_t)n * n, *qp = q + (size_t)n * n;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = i + 1; j < n; j++, pair++) {
            double f = decision[pair] * (double)params->prob_a[pair] + (double)params->prob_b[pair];
            double one = f >= 0 ? exp(-f) / (1 + exp(-f)) : 1 / (1 + exp(f));
            one = fmin(fmax(one, 1e-7), 1 - 1e-7);
            r[i * n + j] = one;
            r[j * n + i] = 1 - one;
        }
    }
    svm_couple(n, r, p, q, qp);
}

Status svm_classifier_run(const Call *call, Error *err) {
    const SvmParams *params = call->params;
    uint32_t n = params->classes;
    uint32_t pairs = n * (n - 1) / 2;
    int64_t rows;
    TRY(svm_rows(call, params, &rows, err));
    bool votes = !params->linear, known = params->probs > 0 && votes;
    // Without probabilities there is a score a pair of classes, two for the only pair.
    uint32_t scores = known || !votes || n == 2 ? n : pairs;
    int64_t dim[2] = {rows, scores};
    TRY(labels_new(call, 0, &params->labels, rows, err));
    if (call->out_count > 1) TRY(call_new(call, 1, TENSOR_F32, 2, dim, err));
    void *scratch;
    size_t need = params->vectors + pairs + 2 * (size_t)n + 2 * (size_t)n * n + n + 2;
    TRY(call_scratch(call, need * sizeof(double), &scratch, err));
    double *k = scratch, *decision = k + params->vectors, *vote = decision + pairs + 1;
    double *score = vote + n, *rest = score + n + 1;
    for (int64_t i = 0; i < rows; i++) {
        int64_t class;
        const double *out = score;
        if (votes) {
            for (uint32_t v = 0; v < params->vectors; v++) {
                k[v] =
                    svm_kernel(params, call->in[0], i, params->vector + (size_t)v * params->width);
            }
            svm_votes(params, k, decision, vote);
            if (known) svm_probabilities(params, decision, rest, score);
            class = greatest_of(vote, n);  // also where probabilities say otherwise
            if (!known && n == 2) score[0] = -decision[0], score[1] = decision[0];
            if (!known && n > 2) out = decision;
        } else {
            for (uint32_t c = 0; c < n; c++) {
                const float *w = params->coefficient + (size_t)c * params->width;
                score[c] = svm_kernel(params, call->in[0], i, w) + (double)params->rho[0];
            }
            class = greatest_of(score, n);
        }
        if (!known) transform_scores(params->transform, (double *)out, scores);
        label_put(&call->out[0], i, &params->labels, class);
        for (uint32_t c = 0; c < scores && call->out_count > 1; c++) {
            tensor_f32(&call->out[1])[i * (int64_t)scores + c] = (float)out[c];
        }
    }
    return ST_OK;
}
