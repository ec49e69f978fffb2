// ml/train/simple_test.c - regressions, centres and Bayes find what the rows were made of.
#include "ml/train/testing.h"
#include "ml/weir/weir.h"
#include "test/unit.h"

static MlModel *learn(TrainCase *c, const char *algorithm, int32_t label, const MlSetting *setting,
                      uint32_t settings, MlReport *report) {
    Error err = {0};
    MlModel *model;
    MlTrainSpec spec = {.algorithm = str_c(algorithm), .label = label, .setting = setting,
                        .setting_count = settings};
    CHECK_OK(ml_train(&spec, &c->table, &model, report, &err), &err);
    // Every model is read back as it was written.
    Buf bytes = {0}, again = {0};
    MlModel *read;
    CHECK_OK(model->vt->save(model, &bytes, &err), &err);
    CHECK_OK(WEIR_FORMAT.load(STR("m"), buf_str(&bytes), &read, &err), &err);
    CHECK_OK(read->vt->save(read, &again, &err), &err);
    CHECK(str_eq(buf_str(&bytes), buf_str(&again)));
    buf_free(&bytes);
    buf_free(&again);
    ml_free(model);
    return read;
}

static bool near(double a, double b, double by) {
    return fabs(a - b) <= by;
}

TEST(train, linear_regression_finds_the_weights) {
    TrainCase c = train_case(500, 31);
    double *a = train_number(&c, "a"), *b = train_number(&c, "b");
    Str *kind = train_text(&c, "kind");
    double *y = train_number(&c, "y");
    for (uint32_t i = 0; i < c.table.rows; i++) {
        a[i] = 1000 + 5 * rng_normal(&c.rng);
        b[i] = rng_normal(&c.rng);
        kind[i] = i % 3 ? STR("x") : STR("z");
        y[i] = 7 + 3 * a[i] - 2 * b[i] + (i % 3 ? 10 : 0);
    }
    MlReport report;
    MlModel *model = learn(&c, "linear-regression", 3, NULL, 0, &report);
    const Linear *linear = weir_model_of(model)->linear;
    CHECK(near(linear->weight[0], 3, 1e-9));
    CHECK(near(linear->weight[1], -2, 1e-9));
    CHECK(near(linear->weight[2] - linear->weight[3], 10, 1e-9));
    CHECK(ml_metric(report.train, report.train_count, "R2") > 1 - 1e-12);
    ml_free(model);
    // A price on sizes takes out what tells little, and shrinks the rest.
    MlSetting lasso = {STR("l1"), STR("2500")};
    model = learn(&c, "linear-regression", 3, &lasso, 1, NULL);
    linear = weir_model_of(model)->linear;
    CHECK(linear->weight[1] == 0 && linear->weight[0] > 1 && linear->weight[0] < 3);
    ml_free(model);
    train_case_clear(&c);
}

// Chances by the logistic function of 1 + 2a - 3b.
static void make_chances(TrainCase *c) {
    double *a = train_number(c, "a"), *b = train_number(c, "b"), *noise = train_number(c, "noise");
    double *y = train_column(c, "y", ML_BOOLEAN)->number;
    for (uint32_t i = 0; i < c->table.rows; i++) {
        a[i] = rng_normal(&c->rng);
        b[i] = rng_normal(&c->rng);
        noise[i] = rng_normal(&c->rng);
        y[i] = rng_unit(&c->rng) < 1 / (1 + exp(-1 - 2 * a[i] + 3 * b[i]));
    }
}

TEST(train, logistic_regression_finds_the_chances) {
    TrainCase c = train_case(20000, 32);
    make_chances(&c);
    MlModel *model = learn(&c, "logistic-regression", 3, NULL, 0, NULL);
    CHECK(str_is(model->out[2].name, "probability(true)"));
    const Linear *linear = weir_model_of(model)->linear;
    CHECK(near(linear->weight[0], 2, 0.1) && near(linear->weight[1], -3, 0.1));
    CHECK(near(linear->weight[2], 0, 0.05) && near(linear->bias[0], 1, 0.1));
    ml_free(model);
    MlSetting lasso[] = {{STR("l1"), STR("300")}, {STR("l2"), STR("0")}};
    model = learn(&c, "logistic-regression", 3, lasso, 2, NULL);
    linear = weir_model_of(model)->linear;
    CHECK(linear->weight[2] == 0 && linear->weight[0] > 1);
    ml_free(model);
    train_case_clear(&c);
}

// Rows about so many corners of a square.
static void make_corners(TrainCase *c, uint32_t corners, bool label) {
    double *x = train_number(c, "x"), *y = train_number(c, "y");
    Str *kind = label ? train_text(c, "corner") : NULL;
    static const char *const NAMES[] = {"north", "east", "south", "west"};
    for (uint32_t i = 0; i < c->table.rows; i++) {
        uint32_t corner = i % corners;
        x[i] = (corner & 1 ? 10 : 0) + rng_normal(&c->rng);
        y[i] = (corner & 2 ? 10 : 0) + rng_normal(&c->rng);
        if (label) kind[i] = str_c(NAMES[corner]);
    }
}

TEST(train, many_classes_are_told_apart) {
    const char *const names[] = {"logistic-regression", "naive-bayes"};
    MlSetting split = {STR("validation-split"), STR("0.2")};
    for (int i = 0; i < 2; i++) {
        TrainCase c = train_case(800, 33);
        make_corners(&c, 4, true);
        MlReport report;
        MlModel *model = learn(&c, names[i], 2, &split, 1, &report);
        CHECK_INT(model->out_count, 5);
        CHECK(ml_metric(report.validation, report.validation_count, "Accuracy") > 0.99);
        CHECK(ml_metric(report.validation, report.validation_count, "AUC") > 0.99);
        ml_free(model);
        train_case_clear(&c);
    }
}

TEST(train, kmeans_finds_the_centres) {
    TrainCase c = train_case(4000, 34);
    make_corners(&c, 4, false);
    for (int threads = 0; threads < 2; threads++) {
        MlSetting setting[] = {{STR("clusters"), STR("4")}, {STR("standardize"), STR("false")},
                               {STR("threads"), threads ? STR("4") : STR("1")}};
        MlReport report;
        MlModel *model = learn(&c, "k-means", -1, setting, 3, &report);
        const Clusters *clusters = weir_model_of(model)->clusters;
        for (uint32_t k = 0; k < 4; k++) {
            double x = clusters->center[2 * k], y = clusters->center[2 * k + 1];
            CHECK(near(x < 5 ? x : x - 10, 0, 0.2) && near(y < 5 ? y : y - 10, 0, 0.2));
            CHECK(near(clusters->rows[k], 1000, 1));
        }
        CHECK(near(ml_metric(report.train, report.train_count, "IntraClusterVariance"), 2, 0.1));
        ml_free(model);
    }
    train_case_clear(&c);
}

TEST(train, bayes_counts_texts_and_leaves_out_what_is_missing) {
    TrainCase c = train_case(1000, 35);
    Str *word = train_text(&c, "word");
    double *size = train_number(&c, "size");
    Str *spam = train_text(&c, "spam");
    for (uint32_t i = 0; i < c.table.rows; i++) {
        bool yes = i % 4 == 0;
        spam[i] = yes ? STR("yes") : STR("no");
        word[i] = rng_below(&c.rng, 10) < (yes ? 8u : 1u) ? STR("offer") : STR("hello");
        size[i] = rng_below(&c.rng, 2) ? (double)NAN : rng_normal(&c.rng) + (yes ? 3 : 0);
    }
    MlModel *model = learn(&c, "naive-bayes", 2, NULL, 0, NULL);
    Str words[] = {STR("offer"), STR("offer"), STR("hello"), STR("never seen")};
    double sizes[] = {NAN, 3, 0, NAN};
    MlColumn in[] = {{.text = words}, {.number = sizes}}, out[3] = {0};
    Error err = {0};
    CHECK_OK(model->vt->predict(model, in, 4, out, &c.arena, &err), &err);
    // 0.25 * 0.8 against 0.75 * 0.1; and what is not known leaves the prior.
    CHECK(near(out[2].number[0], 0.2 / 0.275, 0.03));
    CHECK(out[2].number[1] > 0.99 && out[2].number[2] < 0.01);
    CHECK(near(out[2].number[3], 0.25, 0.001));
    ml_free(model);
    train_case_clear(&c);
}
