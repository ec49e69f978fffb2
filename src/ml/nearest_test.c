#include "ml/nearest.h"

#include <math.h>
#include <stdlib.h>

#include "ml/random.h"
#include "test/unit.h"

typedef struct Wanted {
    const double *table;
    uint32_t rows, dims;
    NearestMetric metric;
} Wanted;

static double score_of(const Wanted *in, uint32_t row, const double *query) {
    const double *at = in->table + (size_t)row * in->dims;
    double sum = 0, a = 0, b = 0;
    for (uint32_t i = 0; i < in->dims; i++) {
        double between = at[i] - query[i];
        sum += in->metric == NEAREST_L2 ? between * between : at[i] * query[i];
        a += at[i] * at[i];
        b += query[i] * query[i];
    }
    if (in->metric == NEAREST_L2) return sqrt(sum);
    if (in->metric == NEAREST_DOT) return sum;
    return a * b > 0 ? sum / sqrt(a * b) : 0;
}

// How many rows are better than [row]: its place.
static uint32_t place_of(const Wanted *in, uint32_t row, const double *query) {
    double own = score_of(in, row, query);
    uint32_t place = 0;
    for (uint32_t r = 0; r < in->rows; r++) {
        double other = score_of(in, r, query);
        bool better = in->metric == NEAREST_L2 ? other < own : other > own;
        place += better || (other == own && r < row);
    }
    return place;
}

static bool finds_the_best(Wanted in, bool wide, const double *query, uint32_t queries,
                           uint32_t k) {
    Nearest *table = nearest_new(in.metric, in.dims, wide);
    for (uint32_t r = 0; r < in.rows; r++) nearest_add(table, in.table + (size_t)r * in.dims);
    NearestHit *hit = NEW_ARRAY(NearestHit, queries * k);
    uint32_t *count = NEW_ARRAY(uint32_t, queries);
    nearest_find(table, query, queries, k, hit, count);
    bool good = true;
    for (uint32_t q = 0; q < queries; q++) {
        const double *of = query + (size_t)q * in.dims;
        good &= count[q] == (k < in.rows ? k : in.rows);
        for (uint32_t i = 0; i < count[q]; i++) {
            const NearestHit *at = &hit[q * k + i];
            good &= place_of(&in, at->row, of) == i && at->score == score_of(&in, at->row, of);
        }
    }
    mem_free(hit);
    mem_free(count);
    nearest_free(table);
    return good;
}

static double *numbers(Rng *rng, uint32_t count, bool wide) {
    double *out = NEW_ARRAY(double, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        double value = rng_normal(rng);
        out[i] = wide ? value : (double)(float)value;
    }
    return out;
}

TEST(nearest, is_what_doubles_give) {
    static const uint32_t DIMS[] = {1, 3, 16, 100}, ROWS[] = {0, 1, 15, 257, 1000};
    for (uint32_t i = 0; i < 4 * 5 * 3 * 2; i++) {
        bool wide = i / 60;
        Wanted in = {.dims = DIMS[i % 4], .rows = ROWS[i / 4 % 5],
                     .metric = (NearestMetric)(i / 20 % 3)};
        Rng rng = rng_make(7, i);
        double *table = numbers(&rng, in.rows * in.dims, wide);
        double *query = numbers(&rng, 35 * in.dims, wide);
        in.table = table;
        CHECK(finds_the_best(in, wide, query, 35, 1 + i % 7));
        mem_free(table);
        mem_free(query);
    }
}

// Floats cannot tell these apart: their differences are below 2^-24 of their size.
TEST(nearest, tells_neighbours_apart) {
    enum { ROWS = 300, DIMS = 32 };
    Rng rng = rng_make(1, 2);
    double *table = NEW_ARRAY(double, ROWS * DIMS), *query = NEW_ARRAY(double, DIMS);
    for (uint32_t i = 0; i < ROWS * DIMS; i++) table[i] = 1000 + rng_normal(&rng) * 1e-9;
    for (uint32_t i = 0; i < DIMS; i++) query[i] = 1000 + rng_normal(&rng) * 1e-9;
    for (int metric = NEAREST_COSINE; metric <= NEAREST_L2; metric++) {
        Wanted in = {table, ROWS, DIMS, (NearestMetric)metric};
        CHECK(finds_the_best(in, true, query, 1, 5));
    }
    mem_free(table);
    mem_free(query);
}

TEST(nearest, of_two_alike_the_first) {
    Nearest *table = nearest_new(NEAREST_COSINE, 2, false);
    static const double VECTORS[][2] = {{0, 0}, {2, 2}, {1, 1}, {-1, 0}, {3, 3}};
    for (uint32_t i = 0; i < 5; i++) nearest_add(table, VECTORS[i]);
    NearestHit hit[4];
    uint32_t count;
    nearest_find(table, (double[]){5, 5}, 1, 4, hit, &count);
    CHECK(count == 4 && nearest_rows(table) == 5 && nearest_dims(table) == 2);
    CHECK(hit[0].row == 1 && hit[1].row == 2 && hit[2].row == 4 && hit[0].score == 1);
    CHECK(hit[3].row == 0 && hit[3].score == 0);  // of zeroes
    nearest_free(table);
}

TEST(nearest, takes_what_floats_cannot_hold) {
    Nearest *table = nearest_new(NEAREST_DOT, 1, true);
    static const double VECTORS[] = {1e200, -1e200, 1e-200, 0, NAN};
    for (uint32_t i = 0; i < 5; i++) nearest_add(table, &VECTORS[i]);
    NearestHit hit[3];
    uint32_t count;
    nearest_find(table, (double[]){1}, 1, 3, hit, &count);
    CHECK(count == 3 && hit[0].row == 0 && hit[1].row == 2 && hit[2].row == 3);
    nearest_free(table);
}
