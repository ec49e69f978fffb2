// ml/weir/pmml_test.c - what is written as PMML is read back, and answers as the model did.
#include "base/bits.h"
#include "ml/pmml/pmml.h"
#include "ml/train/testing.h"
#include "ml/weir/weir.h"
#include "test/unit.h"

// Integers, doubles with gaps, texts; a label of [classes], or a number.
static void make_rows(TrainCase *c, uint32_t classes) {
    static const char *const COLOURS[] = {"red", "blue & \"green\"", "<none>", "grey"};
    double *a = train_integer(c, "a"), *b = train_number(c, "b");
    uint64_t *valid = ARENA_ARRAY(&c->arena, uint64_t, BITS_WORDS(c->table.rows));
    c->column[1].valid = valid;
    Str *colour = train_text(c, "colour");
    double *y = classes ? train_integer(c, "y") : train_number(c, "y");
    for (uint32_t i = 0; i < c->table.rows; i++) {
        uint32_t k = rng_below(&c->rng, 4);
        a[i] = rng_below(&c->rng, 10) + 1;
        b[i] = rng_below(&c->rng, 8) ? rng_normal(&c->rng) : (double)NAN;
        bits_put(valid, i, !isnan(b[i]));
        colour[i] = str_c(COLOURS[k]);
        double sum = a[i] / 3 + (isnan(b[i]) ? 1 : b[i]) + (k == 1 ? 2 : 0);
        y[i] = !classes ? sum * 100 : fmin(fmax(floor(sum / 2), 0), classes - 1);
    }
}

static void check_column(const MlField *field, const MlColumn *ours, const MlColumn *read,
                         uint32_t rows) {
    for (uint32_t i = 0; i < rows; i++) {
        if (field->type == ML_TEXT) {
            CHECK(str_eq(ours->text[i], read->text[i]));
        } else if (!(fabs(ours->number[i] - read->number[i]) <=
                     1e-9 * (1 + fabs(ours->number[i])))) {
            fail_msg(STR_FMT ", row %u: %.17g and not %.17g", STR_ARG(field->name), i,
                     read->number[i], ours->number[i]);
        }
    }
}

// Each output of ours is there under its name, the prediction under the label's.
static void check_same(TrainCase *c, MlModel *model, MlModel *read) {
    MlColumn ours[8] = {0}, theirs[32] = {0};
    Error err = {0};
    CHECK_OK(train_predict(c, model, ours, &err), &err);
    CHECK_OK(train_predict(c, read, theirs, &err), &err);
    for (uint32_t i = 0; i < model->out_count; i++) {
        int32_t at = ml_field(read->out, read->out_count, model->out[i].name);
        if (at < 0) at = ml_field(read->out, read->out_count, STR("pmml(prediction)"));
        if (at < 0) at = 0;
        check_column(&model->out[i], &ours[i], &theirs[at], c->table.rows);
    }
}

static void check_pmml(TrainCase *c, const char *algorithm, int32_t label,
                       const MlSetting *setting, uint32_t settings) {
    Error err = {0};
    MlModel *model, *read;
    MlTrainSpec spec = {.algorithm = str_c(algorithm), .label = label, .setting = setting,
                        .setting_count = settings};
    CHECK_OK(ml_train(&spec, &c->table, &model, NULL, &err), &err);
    Buf pmml = {0};
    CHECK_OK(ml_write_pmml(model, &pmml, &err), &err);
    CHECK_OK(PMML_FORMAT.load(STR("m.pmml"), buf_str(&pmml), &read, &err), &err);
    check_same(c, model, read);
    ml_free(model);
    ml_free(read);
    buf_free(&pmml);
}

static void check_all(uint32_t classes) {
    static const char *const NAMES[] = {"decision-tree", "random-forest", "gradient-boosting",
                                        "mlp", "linear-regression", "logistic-regression",
                                        "naive-bayes"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const MlAlgorithm *algorithm = ml_algorithm(str_c(NAMES[i]));
        MlTask task = classes ? ML_CLASSIFICATION : ML_REGRESSION;
        if (!(algorithm->tasks >> task & 1)) continue;
        TrainCase c = train_case(300, 41);
        make_rows(&c, classes);
        MlSetting trees = {STR("trees"), STR("7")}, epochs = {STR("epochs"), STR("5")};
        bool ensemble = i == 1 || i == 2;
        check_pmml(&c, NAMES[i], 3, ensemble ? &trees : &epochs, ensemble || i == 3 ? 1 : 0);
        train_case_clear(&c);
    }
}

TEST(pmml_write, numbers) {
    check_all(0);
}

TEST(pmml_write, two_classes) {
    check_all(2);
}

TEST(pmml_write, three_classes) {
    check_all(3);
}

TEST(pmml_write, clusters) {
    TrainCase c = train_case(300, 42);
    make_rows(&c, 0);
    MlSetting few = {STR("clusters"), STR("3")};
    check_pmml(&c, "k-means", -1, &few, 1);
    train_case_clear(&c);
}

TEST(pmml_write, isolation_forests) {
    static const char *const SAMPLES[] = {"2", "3", "64", "256", "300"};
    for (size_t i = 0; i < sizeof SAMPLES / sizeof *SAMPLES; i++) {
        TrainCase c = train_case(300, 44);
        make_rows(&c, 0);
        MlSetting setting[] = {{STR("trees"), STR("20")}, {STR("max-samples"), str_c(SAMPLES[i])}};
        check_pmml(&c, "isolation-forest", -1, setting, 2);
        train_case_clear(&c);
    }
}

TEST(pmml_write, what_has_no_place_is_refused) {
    TrainCase c = train_case(100, 43);
    (void)train_number(&c, "x");
    double *y = train_number(&c, "y");
    for (uint32_t i = 0; i < c.table.rows; i++) y[i] = i % 7;
    MlSetting window[] = {{STR("window"), STR("3")}, {STR("epochs"), STR("1")}};
    MlTrainSpec spec = {.algorithm = STR("gru"), .label = 1, .setting = window,
                        .setting_count = 2};
    Error err = {0};
    MlModel *model;
    Buf pmml = {0};
    CHECK_OK(ml_train(&spec, &c.table, &model, NULL, &err), &err);
    CHECK_INT(ml_write_pmml(model, &pmml, &err), ST_UNSUPPORTED);
    CHECK_STR(err.message, "PMML has no place for 'gru'");
    ml_free(model);
    buf_free(&pmml);
    train_case_clear(&c);
}
