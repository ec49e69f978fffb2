// The speed of trees in PMML documents on one core: a batch of rows by columns, and one row alone.
// The data are like those of the Wisconsin breast cancer set, nine whole numbers from 1 to 10; a
// second forest has thresholds that are all different and trees as large as they come. Beside the
// figures stand those of others, recorded on such a core in batches: XGBoost and Treelite
// (compiled) by their own formats, JPMML by PMML. Then VECTOR_SEARCH's search among embeddings.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ml/nearest.h"
#include "ml/pmml/pmml.h"

enum { FEATURES = 9, ROWS = 2048, ROUNDS = 5 };

static uint64_t seed = 1;

static uint32_t below(uint32_t limit) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 32) * limit >> 32);
}

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

typedef struct Shape {
    const char *name;
    uint32_t trees, depth, stop;  // a node above the depth is a leaf one time in [stop]; 0: never
    bool boosted, continuous;
    const char *others;
} Shape;

static void node(const Shape *shape, Buf *out, const char *predicate, uint32_t depth) {
    bool leaf = depth == 0 || (shape->stop && depth < shape->depth && below(shape->stop) == 0);
    uint32_t zeros = below(100) + 1, ones = below(100) + 1;
    if (shape->boosted)
        buf_printf(out, "<Node score=\"%.6f\">%s", (double)zeros / 100 - 0.5, predicate);
    else buf_printf(out, "<Node score=\"%d\">%s", zeros < ones, predicate);
    if (!leaf) {
        char test[160];
        uint32_t feature = below(FEATURES);
        double threshold = shape->continuous ? below(1 << 24) / 1677721.6 : below(9) + 1.5;
        static const char *const OPERATORS[] = {"lessOrEqual", "greaterThan"};
        for (int i = 0; i < 2; i++) {
            (void)snprintf(test, sizeof test,
                           "<SimplePredicate field=\"_c%u\" operator=\"%s\" value=\"%.9g\"/>",
                           feature, OPERATORS[i], threshold);
            node(shape, out, test, depth - 1);
        }
    } else if (!shape->boosted) {
        buf_printf(
            out,
            "<ScoreDistribution value=\"0\" recordCount=\"%u\"/><ScoreDistribution value=\"1\" "
            "recordCount=\"%u\"/>",
            zeros, ones);
    }
    buf_puts(out, "</Node>");
}

static void schema(Buf *out) {
    buf_puts(out, "<MiningSchema>");
    for (int f = 0; f < FEATURES; f++) buf_printf(out, "<MiningField name=\"_c%d\"/>", f);
    buf_puts(out, "</MiningSchema>");
}

static void tree(const Shape *shape, Buf *out, const char *outputs) {
    buf_printf(out, "<TreeModel functionName=\"%s\">",
               shape->boosted ? "regression" : "classification");
    schema(out);
    buf_puts(out, outputs);
    node(shape, out, "<True/>", shape->depth);
    buf_puts(out, "</TreeModel>");
}

static const char OUTPUTS[] =
    "<Output><OutputField name=\"p0\" dataType=\"double\" feature=\"probability\" value=\"0\"/>"
    "<OutputField name=\"p1\" dataType=\"double\" feature=\"probability\" value=\"1\"/></Output>";

static void forest(const Shape *shape, Buf *out, const char *outputs) {
    buf_printf(out, "<MiningModel functionName=\"%s\">",
               shape->boosted ? "regression" : "classification");
    schema(out);
    buf_puts(out, outputs);
    buf_printf(out, "<Segmentation multipleModelMethod=\"%s\">",
               shape->boosted ? "sum" : "average");
    for (uint32_t t = 0; t < shape->trees; t++) {
        buf_puts(out, "<Segment><True/>");
        tree(shape, out, "");
        buf_puts(out, "</Segment>");
    }
    buf_puts(out, "</Segmentation></MiningModel>");
}

static void document(const Shape *shape, Buf *out) {
    buf_puts(out, "<PMML version=\"4.4\"><Header/><DataDictionary>");
    for (int f = 0; f < FEATURES; f++) {
        buf_printf(out, "<DataField name=\"_c%d\" optype=\"continuous\" dataType=\"double\"/>", f);
    }
    buf_puts(out, "</DataDictionary>");
    if (shape->trees == 1) {
        tree(shape, out, OUTPUTS);
    } else if (!shape->boosted) {
        forest(shape, out, OUTPUTS);
    } else {
        buf_puts(out, "<MiningModel functionName=\"classification\">");
        schema(out);
        buf_puts(out, "<Segmentation multipleModelMethod=\"modelChain\"><Segment><True/>");
        forest(shape, out, "<Output><OutputField name=\"sum\" dataType=\"double\"/></Output>");
        buf_puts(out,
                 "</Segment><Segment><True/><RegressionModel functionName=\"classification\" "
                 "normalizationMethod=\"logit\"><MiningSchema><MiningField "
                 "name=\"sum\"/></MiningSchema>");
        buf_puts(out, OUTPUTS);
        buf_puts(
            out,
            "<RegressionTable targetCategory=\"1\" intercept=\"0\"><NumericPredictor name=\"sum\" "
            "coefficient=\"1\"/></RegressionTable><RegressionTable targetCategory=\"0\" "
            "intercept=\"0\"/>"
            "</RegressionModel></Segment></Segmentation></MiningModel>");
    }
    buf_puts(out, "</PMML>");
}

// Rows a second in batches of [rows]; the best of some rounds.
static double speed(const MlModel *model, const MlColumn *in, uint32_t rows) {
    MlColumn *out = NEW_ARRAY(MlColumn, model->out_count);
    Arena arena;
    arena_init(&arena);
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double begin = seconds(), took = 0;
        uint64_t done = 0;
        while (took < 0.15) {
            for (int i = 0; i < 16; i++, done += rows) {
                Error err = {0};
                arena_reset(&arena);
                if (model->vt->predict(model, in, rows, out, &arena, &err)) {
                    (void)fprintf(stderr, "%s\n", err.message);
                    exit(1);
                }
            }
            took = seconds() - begin;
        }
        if ((double)done / took > best) best = (double)done / took;
    }
    arena_clear(&arena);
    mem_free(out);
    return best;
}

static void measure(const Shape *shape) {
    Buf text = {0};
    document(shape, &text);
    MlModel *model;
    Error err = {0};
    if (PMML_FORMAT.load(STR("bench"), buf_str(&text), &model, &err)) {
        (void)fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    MlColumn *in = NEW_ARRAY(MlColumn, model->in_count);
    for (uint32_t f = 0; f < model->in_count; f++) {
        in[f].number = NEW_ARRAY(double, ROWS);
        for (uint32_t row = 0; row < ROWS; row++) {
            in[f].number[row] = shape->continuous ? below(1 << 24) / 1677721.6 : below(10) + 1;
        }
    }
    double batch = speed(model, in, ROWS), one = speed(model, in, 1);
    printf("%-30s %8.2f M rows/s   one row %6.2f us   others: %s\n", shape->name, batch / 1e6,
           1e6 / one, shape->others);
    for (uint32_t f = 0; f < model->in_count; f++) mem_free(in[f].number);
    mem_free(in);
    ml_free(model);
    buf_free(&text);
}

// Searches for the ten nearest among [rows] vectors of 384 floats, [queries] at a time.
static void search(uint32_t rows, uint32_t queries) {
    enum { DIMS = 384, K = 10 };
    Nearest *table = nearest_new(NEAREST_COSINE, DIMS, false);
    double *vector = NEW_ARRAY(double, queries * DIMS);
    NearestHit *hit = NEW_ARRAY(NearestHit, queries * K);
    uint32_t *count = NEW_ARRAY(uint32_t, queries);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < DIMS; i++) vector[i] = (double)below(65536) / 32768 - 1;
        nearest_add(table, vector);
    }
    for (uint32_t i = 0; i < queries * DIMS; i++) vector[i] = (double)below(65536) / 32768 - 1;
    double best = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        double begun = seconds();
        nearest_find(table, vector, queries, K, hit, count);
        double speed = queries / (seconds() - begun);
        if (speed > best) best = speed;
    }
    printf("nearest 10 of %4u k, %3u at once %8.0f /s   %.2f G multiplications/s\n", rows / 1000,
           queries, best, best * rows * DIMS / 1e9);
    nearest_free(table);
    mem_free(vector);
    mem_free(hit);
    mem_free(count);
}

int main(void) {
    static const Shape SHAPES[] = {
        {"tree, depth 6", 1, 6, 4, false, false, "70 M, JPMML 2.3 M"},
        {"forest, 100 trees", 100, 8, 4, false, false, "1.0 M (Treelite), JPMML 41 k"},
        {"boosted, 200 trees of depth 6", 200, 6, 0, true, false,
         "0.67 M (XGBoost; one row 35 us), JPMML 5 k"},
        {"boosted, continuous", 200, 6, 0, true, true, ""},
        {"forest, 100 large trees", 100, 12, 12, false, true, ""},
    };
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) measure(&SHAPES[i]);
    search(100000, 256);
    search(100000, 1);
    search(1000, 256);
    return 0;
}
