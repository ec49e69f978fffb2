// ml/train/simple.c - k-means (Lloyd, 1982, from centres chosen by k-means++: Arthur,
// Vassilvitskii, 2007) and naive Bayes.
#include <math.h>

#include "ml/train/train_int.h"
#include "ml/vector.h"

// clang-format off
static const MlOption KMEANS_ROWS[] = {
    {"clusters", ML_OPTION_INT, "8", 1, 10000, .doc = "How many."},
    {"runs", ML_OPTION_INT, "4", 1, 1000, .doc = "Beginnings by chance; the best end is kept."},
    {"max-iterations", ML_OPTION_INT, "300", 1, 1000000, .doc = "Passes of a run."},
    {"tolerance", ML_OPTION_DOUBLE, "1e-4", 0, 1,
     .doc = "End when the centres move less, relative to the spread of the inputs."},
    {"standardize", ML_OPTION_BOOL, "true",
     .doc = "Distances count standard deviations, so that units do not matter."},
    {0},
};

static const MlOption BAYES_ROWS[] = {
    {"smoothing", ML_OPTION_DOUBLE, "1", 1e-9, 1e9,
     .doc = "Rows that every category is thought to have had, beside those there were."},
    {"variance-smoothing", ML_OPTION_DOUBLE, "1e-9", 0, 1,
     .doc = "Added to every variance, as a part of the largest."},
    {0},
};
// clang-format on

// ---- k-means

enum { CHUNK_ROWS = 2048 };

typedef struct Kmeans {
    MlTrainer *trainer;
    const double *x;
    uint32_t rows, width, clusters, chunks;
    double *center;     // [clusters][width]
    uint32_t *of;       // the cluster of a row
    double *distance;   // squared, to the nearest centre
    double *part;       // [chunks][clusters][width + 1], and the sum of distances
    size_t part_size;
} Kmeans;

static const double *row_at(const Kmeans *self, uint32_t row) {
    return self->x + (size_t)row * self->width;
}

static void assign_chunk(void *arg, uint32_t chunk, uint32_t worker) {
    (void)worker;
    Kmeans *self = arg;
    uint32_t width = self->width, end = (chunk + 1) * CHUNK_ROWS;
    if (end > self->rows) end = self->rows;
    double *part = self->part + chunk * self->part_size;
    memset(part, 0, self->part_size * sizeof *part);
    for (uint32_t i = chunk * CHUNK_ROWS; i < end; i++) {
        const double *x = row_at(self, i);
        uint32_t best = 0;
        double least = INFINITY;
        for (uint32_t c = 0; c < self->clusters; c++) {
            double d = vector_distance(x, self->center + (size_t)c * width, width);
            if (d < least) least = d, best = c;
        }
        self->of[i] = best;
        self->distance[i] = least;
        vector_add(part + (size_t)best * (width + 1), 1, x, width);
        part[(size_t)best * (width + 1) + width]++;
        part[self->part_size - 1] += least;
    }
}

// Each row to its nearest centre; [sum] is what the rows of each add up to. Returns the squares.
static double assign(Kmeans *self, double *sum) {
    parallel(trainer_threads(self->trainer, self->chunks), self->chunks, assign_chunk, self);
    memset(sum, 0, self->part_size * sizeof *sum);
    for (uint32_t c = 0; c < self->chunks; c++) {
        vector_add(sum, 1, self->part + c * self->part_size, (uint32_t)self->part_size);
    }
    return sum[self->part_size - 1];
}

static uint32_t draw(const double *weight, uint32_t count, double sum, Rng *rng) {
    double at = rng_unit(rng) * sum;
    for (uint32_t i = 0; i < count; i++) {
        at -= weight[i];
        if (at < 0) return i;
    }
    return rng_below(rng, count);
}

// Each centre is a row, drawn by its squared distance from those there are; of some candidates the
// one that leaves least.
static void choose_centers(Kmeans *self, Rng *rng, double *trial, double *best) {
    uint32_t rows = self->rows, width = self->width;
    uint32_t tries = 2 + (uint32_t)log(self->clusters);
    for (uint32_t i = 0; i < rows; i++) self->distance[i] = INFINITY;
    for (uint32_t c = 0; c < self->clusters; c++) {
        double sum = 0, least = INFINITY;
        uint32_t chosen = 0;
        for (uint32_t i = 0; c && i < rows; i++) sum += self->distance[i];
        for (uint32_t t = 0; t < (c ? tries : 1); t++) {
            uint32_t at = c ? draw(self->distance, rows, sum, rng) : rng_below(rng, rows);
            double left = 0;
            for (uint32_t i = 0; i < rows; i++) {
                double d = vector_distance(row_at(self, i), row_at(self, at), width);
                left += trial[i] = fmin(self->distance[i], d);
            }
            if (t && left >= least) continue;
            least = left;
            chosen = at;
            memcpy(best, trial, rows * sizeof *best);
        }
        memcpy(self->distance, best, rows * sizeof *best);
        memcpy(self->center + (size_t)c * width, row_at(self, chosen), width * sizeof(double));
    }
}

// Centres move to the means of their rows; one without rows to the row that is farthest from its
// own.
static double move_centers(Kmeans *self, const double *sum) {
    uint32_t width = self->width;
    double moved = 0;
    for (uint32_t c = 0; c < self->clusters; c++) {
        const double *at = sum + (size_t)c * (width + 1);
        double *center = self->center + (size_t)c * width, rows = at[width];
        if (rows == 0) {
            uint32_t far = 0;
            for (uint32_t i = 1; i < self->rows; i++) {
                if (self->distance[i] > self->distance[far]) far = i;
            }
            self->distance[far] = 0;
            moved += vector_distance(center, row_at(self, far), width);
            memcpy(center, row_at(self, far), width * sizeof *center);
            continue;
        }
        for (uint32_t i = 0; i < width; i++) {
            double to = at[i] / rows;
            moved += (to - center[i]) * (to - center[i]);
            center[i] = to;
        }
    }
    return moved;
}

static double spread_of(const Kmeans *self) {  // the mean variance of the inputs
    double all = 0;
    for (uint32_t j = 0; j < self->width; j++) {
        double sum = 0, squares = 0;
        for (uint32_t i = 0; i < self->rows; i++) sum += row_at(self, i)[j] / self->rows;
        for (uint32_t i = 0; i < self->rows; i++) {
            squares += (row_at(self, i)[j] - sum) * (row_at(self, i)[j] - sum);
        }
        all += squares / self->rows / self->width;
    }
    return all;
}

static Status kmeans_runs(Kmeans *self, double *sum, Clusters *out, Error *err) {
    MlTrainer *trainer = self->trainer;
    uint32_t runs = option_count(trainer, "runs"), most = option_count(trainer, "max-iterations");
    double enough = option_number(trainer, "tolerance") * spread_of(self), least = INFINITY;
    double *trial = ARENA_ARRAY(&trainer->arena, double, self->rows);
    double *best = ARENA_ARRAY(&trainer->arena, double, self->rows);
    for (uint32_t run = 0; run < runs; run++) {
        Rng rng = rng_make(trainer->seed, 3 + run);
        choose_centers(self, &rng, trial, best);
        uint32_t pass = 0;
        for (bool still = false; pass < most && !still; pass++) {
            TRY(trainer_check(trainer, err));
            (void)assign(self, sum);
            still = move_centers(self, sum) <= enough;
        }
        double squares = assign(self, sum);
        trainer_say(trainer, "run %u of %u: %u passes, squares %.6g", run + 1, runs, pass, squares);
        if (squares >= least) continue;
        least = squares;
        trainer->rounds = pass;
        memcpy(out->center, self->center, (size_t)self->clusters * self->width * sizeof(double));
        for (uint32_t c = 0; c < self->clusters; c++) {
            out->rows[c] = sum[(size_t)c * (self->width + 1) + self->width];
        }
    }
    return ST_OK;
}

static Status train_kmeans(MlTrainer *trainer, Error *err) {
    WeirModel *model = trainer->model;
    Kmeans self = {.trainer = trainer, .rows = trainer->train_rows,
                   .clusters = option_count(trainer, "clusters")};
    if (self.clusters > self.rows) {
        return error_set(err, ST_VALIDATION, "%u rows are not enough for %u clusters", self.rows,
                         self.clusters);
    }
    double *x;
    bool standardised = option_bool(trainer, "standardize");
    TRY(trainer_encode(trainer, standardised, &x, &self.width, err));
    self.x = x;
    self.chunks = (self.rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    self.part_size = (size_t)self.clusters * (self.width + 1) + 1;
    TRY(trainer_charge(trainer, (self.chunks * self.part_size + 4 * (uint64_t)self.rows) * 8, err));
    self.part = ARENA_ARRAY(&trainer->arena, double, self.chunks * self.part_size);
    self.center = ARENA_ARRAY(&trainer->arena, double, (size_t)self.clusters * self.width);
    self.of = ARENA_ARRAY(&trainer->arena, uint32_t, self.rows);
    self.distance = ARENA_ARRAY(&trainer->arena, double, self.rows);
    Clusters *clusters = ARENA_NEW(&model->arena, Clusters);
    clusters->clusters = self.clusters;
    clusters->width = self.width;
    clusters->standardised = standardised;
    clusters->center = ARENA_ARRAY(&model->arena, double, (size_t)self.clusters * self.width);
    clusters->rows = ARENA_ARRAY(&model->arena, double, self.clusters);
    TRY(kmeans_runs(&self, ARENA_ARRAY(&trainer->arena, double, self.part_size), clusters, err));
    model->kind = WEIR_CLUSTERS;
    model->clusters = clusters;
    return ST_OK;
}

// ---- naive Bayes

static void bayes_number(const MlTrainer *trainer, uint32_t f, Bayes *bayes, double *count) {
    uint32_t classes = trainer->model->classes, features = trainer->model->features;
    const double *x = trainer->x[f];
    memset(count, 0, classes * sizeof *count);
    for (uint32_t i = 0; i < trainer->train_rows; i++) {  // Welford, class by class
        if (isnan(x[i])) continue;
        uint32_t class = (uint32_t)trainer->y[i];
        double *mean = &bayes->mean[(size_t)class * features + f], off = x[i] - *mean;
        *mean += off / ++count[class];
        bayes->variance[(size_t)class * features + f] += off * (x[i] - *mean);
    }
    for (uint32_t c = 0; c < classes; c++) {
        if (count[c] > 0) bayes->variance[(size_t)c * features + f] /= count[c];
    }
}

static void bayes_text(const MlTrainer *trainer, uint32_t f, double smoothing, Bayes *bayes) {
    WeirModel *model = trainer->model;
    uint32_t categories = model->feature[f].categories;
    double *table = ARENA_ARRAY(&model->arena, double, (size_t)model->classes * categories);
    for (uint32_t i = 0; i < trainer->train_rows; i++) {
        if (isnan(trainer->x[f][i])) continue;
        table[(size_t)trainer->y[i] * categories + (uint32_t)trainer->x[f][i]]++;
    }
    for (uint32_t c = 0; c < model->classes; c++) {
        double *row = table + (size_t)c * categories, sum = 0;
        for (uint32_t k = 0; k < categories; k++) sum += row[k] + smoothing;
        for (uint32_t k = 0; k < categories; k++) row[k] = log((row[k] + smoothing) / sum);
    }
    bayes->log_likelihood[f] = table;
}

static Status train_bayes(MlTrainer *trainer, Error *err) {
    WeirModel *model = trainer->model;
    size_t cells = (size_t)model->classes * model->features;
    Bayes *bayes = ARENA_NEW(&model->arena, Bayes);
    bayes->prior = ARENA_ARRAY(&model->arena, double, model->classes);
    bayes->mean = ARENA_ARRAY(&model->arena, double, cells);
    bayes->variance = ARENA_ARRAY(&model->arena, double, cells);
    bayes->log_likelihood = ARENA_ARRAY(&model->arena, double *, model->features + 1);
    double *count = ARENA_ARRAY(&trainer->arena, double, model->classes), largest = 0;
    for (uint32_t i = 0; i < trainer->train_rows; i++) {
        bayes->prior[(uint32_t)trainer->y[i]] += 1.0 / trainer->train_rows;
    }
    for (uint32_t c = 0; c < model->classes; c++) {  // of validation rows alone
        if (bayes->prior[c] == 0) bayes->prior[c] = 1e-9;
    }
    double smoothing = option_number(trainer, "smoothing");
    for (uint32_t f = 0; f < model->features; f++) {
        TRY(trainer_check(trainer, err));
        if (model->feature[f].type == ML_TEXT) {
            bayes_text(trainer, f, smoothing, bayes);
        } else {
            bayes_number(trainer, f, bayes, count);
            largest = fmax(largest, model->feature[f].scale * model->feature[f].scale);
        }
    }
    double least = fmax(option_number(trainer, "variance-smoothing") * largest, 1e-300);
    for (size_t i = 0; i < cells; i++) bayes->variance[i] += least;
    model->kind = WEIR_BAYES;
    model->bayes = bayes;
    trainer->rounds = 1;
    return ST_OK;
}

const MlAlgorithm TRAIN_KMEANS = {
    .name = "k-means",
    .tasks = 1 << ML_CLUSTERING,
    .option = KMEANS_ROWS,
    .train = train_kmeans,
    .doc = "So many centres that rows are near to one of them; there is no label.",
};

const MlAlgorithm TRAIN_NAIVE_BAYES = {
    .name = "naive-bayes",
    .tasks = 1 << ML_CLASSIFICATION,
    .option = BAYES_ROWS,
    .train = train_bayes,
    .doc = "Chances from each input on its own: numbers by a normal distribution, texts by counts.",
};
