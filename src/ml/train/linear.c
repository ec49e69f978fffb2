// ml/train/linear.c - linear regression by its normal equations, or, where sizes of weights cost,
// by coordinate descent (Friedman, Hastie, Tibshirani, 2010); logistic regression by L-BFGS.
//
// Both work on standardised inputs, so that a penalty means the same for each; the weights that are
// kept are those of the inputs as they come.
#include <math.h>

#include "ml/train/optimize.h"
#include "ml/vector.h"

// clang-format off
#define PENALTIES(l2) \
    {"l1", ML_OPTION_DOUBLE, "0", 0, 1e12, \
     .doc = "What the sizes of the weights cost, beside the sum of the rows' losses; takes weights out."}, \
    {"l2", ML_OPTION_DOUBLE, l2, 0, 1e12, \
     .doc = "What half the squares of the weights cost, beside the sum of the rows' losses."}

static const MlOption LINEAR_ROWS[] = {
    PENALTIES("0"),
    {"max-iterations", ML_OPTION_INT, "1000", 1, 1000000, .doc = "Passes, where `l1` costs."},
    {"tolerance", ML_OPTION_DOUBLE, "1e-8", 0, 1, .doc = "End when no weight changes more."},
    {0},
};

static const MlOption LOGISTIC_ROWS[] = {
    PENALTIES("1"),
    {"max-iterations", ML_OPTION_INT, "1000", 1, 1000000, .doc = "Steps."},
    {"tolerance", ML_OPTION_DOUBLE, "1e-6", 0, 1, .doc = "End when the slope is so much flatter."},
    {0},
};
// clang-format on

enum { CHUNK_ROWS = 4096 };

// Rows are summed in chunks of a fixed size and the chunks in their order, whoever did them.
typedef struct Rows {
    MlTrainer *trainer;
    const double *x;    // [rows][width], standardised
    uint32_t width, rows, chunks;
    double *part;       // [chunks][part_size]
    size_t part_size;
    const double *w;    // logistic: where the slope is taken
    uint32_t outputs;
    double target_mean, l2;
} Rows;

static uint32_t chunk_end(const Rows *self, uint32_t chunk) {
    uint32_t end = (chunk + 1) * CHUNK_ROWS;
    return end < self->rows ? end : self->rows;
}

static void sum_chunks(Rows *self, void (*work)(void *, uint32_t, uint32_t), double *out) {
    memset(self->part, 0, self->chunks * self->part_size * sizeof *self->part);
    uint32_t threads = trainer_threads(self->trainer, self->chunks);
    parallel(threads, self->chunks, work, self);
    memset(out, 0, self->part_size * sizeof *out);
    for (uint32_t c = 0; c < self->chunks; c++) {
        vector_add(out, 1, self->part + c * self->part_size, (uint32_t)self->part_size);
    }
}

static Status rows_make(MlTrainer *trainer, size_t part_size, Rows *self, Error *err) {
    double *x;
    *self = (Rows){.trainer = trainer, .rows = trainer->train_rows, .part_size = part_size};
    TRY(trainer_encode(trainer, true, &x, &self->width, err));
    self->x = x;
    self->chunks = (self->rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    if (!part_size) self->part_size = (size_t)self->width * (self->width + 2);
    TRY(trainer_charge(trainer, self->chunks * self->part_size * sizeof(double), err));
    self->part = ARENA_ARRAY(&trainer->arena, double, self->chunks * self->part_size);
    return ST_OK;
}

// Weights of standardised inputs become weights of inputs as they are.
static void keep_weights(MlTrainer *trainer, const double *w, const double *bias, uint32_t rows,
                         uint32_t width) {
    WeirModel *model = trainer->model;
    Linear *linear = ARENA_NEW(&model->arena, Linear);
    linear->rows = rows;
    linear->width = width;
    linear->weight = arena_dup(&model->arena, w, (size_t)rows * width * sizeof *w);
    linear->bias = arena_dup(&model->arena, bias, rows * sizeof *bias);
    for (uint32_t r = 0; r < rows; r++) {
        double *at = linear->weight + (size_t)r * width;
        for (uint32_t f = 0; f < model->features; f++) {
            const Feature *feature = &model->feature[f];
            if (feature->type == ML_TEXT) {
                at += feature->categories;
                continue;
            }
            *at /= feature->scale;
            linear->bias[r] -= *at * feature->mean;
            at++;
        }
    }
    model->kind = WEIR_LINEAR;
    model->linear = linear;
}

// ---- linear

// X'X, X'y and the sums of the columns (which are not 0 where there are texts).
static void moments_chunk(void *arg, uint32_t chunk, uint32_t worker) {
    (void)worker;
    Rows *self = arg;
    uint32_t width = self->width;
    double *xx = self->part + chunk * self->part_size, *xy = xx + (size_t)width * width;
    for (uint32_t i = chunk * CHUNK_ROWS; i < chunk_end(self, chunk); i++) {
        const double *x = self->x + (size_t)i * width;
        double y = self->trainer->y[i] - self->target_mean;
        for (uint32_t a = 0; a < width; a++) {
            if (x[a] == 0) continue;
            vector_add(xx + (size_t)a * width, x[a], x, a + 1);
            xy[a] += x[a] * y;
            xy[width + a] += x[a];
        }
    }
}

// Solves A w = b for a symmetric A, whose lower half is used up: Cholesky. A column that the others
// make up (a text's categories are 1 together) has no pivot left; its weight is 0.
static void solve(double *a, uint32_t n, const double *b, double *w) {
    for (uint32_t i = 0; i < n; i++) {
        double *row = a + (size_t)i * n, whole = row[i];
        for (uint32_t j = 0; j <= i; j++) {
            const double *other = a + (size_t)j * n;
            double sum = row[j] - vector_dot(row, other, j);
            if (j < i) row[j] = other[j] > 0 ? sum / other[j] : 0;
            else row[i] = sum > 1e-10 * whole ? sqrt(sum) : 0;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        const double *row = a + (size_t)i * n;
        w[i] = row[i] > 0 ? (b[i] - vector_dot(row, w, i)) / row[i] : 0;
    }
    for (uint32_t i = n; i-- > 0;) {
        double sum = w[i], pivot = a[(size_t)i * n + i];
        for (uint32_t j = i + 1; j < n; j++) sum -= a[(size_t)j * n + i] * w[j];
        w[i] = pivot > 0 ? sum / pivot : 0;
    }
}

static double soften(double value, double by) {
    return value > by ? value - by : value < -by ? value + by : 0;
}

static Status descend(MlTrainer *trainer, const double *a, uint32_t n, const double *b, double l1,
                      double l2, double *w, Error *err) {
    uint32_t passes = option_count(trainer, "max-iterations");
    double tolerance = option_number(trainer, "tolerance");
    for (uint32_t pass = 0; pass < passes; pass++) {
        double moved = 0;
        TRY(trainer_check(trainer, err));
        for (uint32_t i = 0; i < n; i++) {
            const double *row = a + (size_t)i * n;
            if (!(row[i] > 0)) continue;
            double pull = b[i] - vector_dot(row, w, n) + row[i] * w[i];
            double next = soften(pull, l1) / (row[i] + l2);
            moved = fmax(moved, fabs(next - w[i]));
            w[i] = next;
        }
        trainer->rounds = pass + 1;
        if (moved <= tolerance) break;
    }
    return ST_OK;
}

static Status train_linear(MlTrainer *trainer, Error *err) {
    Rows self;
    uint32_t width = weir_width(trainer->model->feature, trainer->model->features);
    TRY(rows_make(trainer, 0, &self, err));
    for (uint32_t i = 0; i < self.rows; i++) self.target_mean += trainer->y[i] / self.rows;
    double *xx = ARENA_ARRAY(&trainer->arena, double, self.part_size);
    sum_chunks(&self, moments_chunk, xx);
    double *xy = xx + (size_t)width * width, *sum = xy + width;
    // About the means of the columns: the intercept takes no part and costs nothing.
    for (uint32_t a = 0; a < width; a++) {
        for (uint32_t b = 0; b <= a; b++) {
            xx[(size_t)a * width + b] -= sum[a] * sum[b] / self.rows;
            xx[(size_t)b * width + a] = xx[(size_t)a * width + b];
        }
    }
    double *w = ARENA_ARRAY(&trainer->arena, double, width + 1);
    double l1 = option_number(trainer, "l1"), l2 = option_number(trainer, "l2");
    trainer->rounds = 1;
    if (l1 > 0) {
        TRY(descend(trainer, xx, width, xy, l1, l2, w, err));
    } else {
        for (uint32_t a = 0; a < width; a++) xx[(size_t)a * width + a] += l2;
        solve(xx, width, xy, w);
    }
    double bias = self.target_mean - vector_dot(w, sum, width) / self.rows;
    keep_weights(trainer, w, &bias, 1, width);
    return ST_OK;
}

// ---- logistic

// w: [outputs][width + 1], the last of each its intercept. The slope of a chunk, and its loss last.
static void slope_chunk(void *arg, uint32_t chunk, uint32_t worker) {
    (void)worker;
    Rows *self = arg;
    uint32_t width = self->width, stride = width + 1;
    double *slope = self->part + chunk * self->part_size, *loss = slope + self->part_size - 1;
    double score[WEIR_CLASSES_MAX];
    for (uint32_t i = chunk * CHUNK_ROWS; i < chunk_end(self, chunk); i++) {
        const double *x = self->x + (size_t)i * width;
        double y = self->trainer->y[i], most = -INFINITY, sum = 0;
        for (uint32_t o = 0; o < self->outputs; o++) {
            const double *w = self->w + (size_t)o * stride;
            score[o] = vector_dot(w, x, width) + w[width];
            most = fmax(most, score[o]);
        }
        if (self->outputs == 1) {
            double margin = y > 0 ? score[0] : -score[0];
            *loss += margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin;
            score[0] = 1 / (1 + exp(-score[0])) - y;
        } else {
            double mine = score[(uint32_t)y];
            for (uint32_t o = 0; o < self->outputs; o++) sum += score[o] = exp(score[o] - most);
            *loss += log(sum) + most - mine;
            for (uint32_t o = 0; o < self->outputs; o++) {
                score[o] = score[o] / sum - (o == (uint32_t)y);
            }
        }
        for (uint32_t o = 0; o < self->outputs; o++) {
            vector_add(slope + (size_t)o * stride, score[o], x, width);
            slope[(size_t)o * stride + width] += score[o];
        }
    }
}

static double logistic_loss(void *arg, const double *w, double *slope) {
    Rows *self = arg;
    uint32_t stride = self->width + 1;
    self->w = w;
    double *sum = self->part + self->chunks * self->part_size;
    sum_chunks(self, slope_chunk, sum);
    double loss = sum[self->part_size - 1];
    memcpy(slope, sum, (self->part_size - 1) * sizeof *slope);
    for (size_t i = 0; i < self->part_size - 1; i++) {
        if (i % stride == self->width) continue;
        slope[i] += self->l2 * w[i];
        loss += self->l2 / 2 * w[i] * w[i];
    }
    return loss;
}

static Status train_logistic(MlTrainer *trainer, Error *err) {
    const WeirModel *model = trainer->model;
    uint32_t outputs = model->classes > 2 ? model->classes : 1;
    uint32_t width = weir_width(model->feature, model->features);
    uint32_t count = outputs * (width + 1);
    Rows self;
    TRY(rows_make(trainer, (size_t)count + 1, &self, err));
    // One more part, for the sum.
    self.part = ARENA_ARRAY(&trainer->arena, double, (self.chunks + 1) * self.part_size);
    self.outputs = outputs;
    self.l2 = option_number(trainer, "l2");
    double l1 = option_number(trainer, "l1"), *cost = NULL;
    double *w = ARENA_ARRAY(&trainer->arena, double, count);
    if (l1 > 0) cost = ARENA_ARRAY(&trainer->arena, double, count);
    for (uint32_t i = 0; cost && i < count; i++) cost[i] = i % (width + 1) == width ? 0 : l1;
    TRY(minimise(trainer, logistic_loss, &self, w, count, cost,
                 option_count(trainer, "max-iterations"), option_number(trainer, "tolerance"),
                 err));
    double *weight = ARENA_ARRAY(&trainer->arena, double, (size_t)outputs * width);
    double *bias = ARENA_ARRAY(&trainer->arena, double, outputs);
    for (uint32_t o = 0; o < outputs; o++) {
        memcpy(weight + (size_t)o * width, w + (size_t)o * (width + 1), width * sizeof *w);
        bias[o] = w[(size_t)o * (width + 1) + width];
    }
    keep_weights(trainer, weight, bias, outputs, width);
    return ST_OK;
}

const MlAlgorithm TRAIN_LINEAR_REGRESSION = {
    .name = "linear-regression",
    .tasks = 1 << ML_REGRESSION,
    .option = LINEAR_ROWS,
    .train = train_linear,
    .doc = "A weighted sum of the inputs; least squares, ridge (`l2`), lasso (`l1`) or both.",
};

const MlAlgorithm TRAIN_LOGISTIC_REGRESSION = {
    .name = "logistic-regression",
    .tasks = 1 << ML_CLASSIFICATION,
    .option = LOGISTIC_ROWS,
    .train = train_logistic,
    .doc = "Chances of two classes, or of many (multinomial), from weighted sums of the inputs.",
};
