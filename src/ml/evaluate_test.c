// ml/evaluate_test.c - metrics against numbers worked out by hand; whole, in parts, and saved.
#include "ml/evaluate.h"

#include <math.h>

#include "ml/random.h"
#include "test/unit.h"

typedef struct Judged {
    MlField label, out[3];
    double truth[4000], said[4000], chance[2][4000];
    MlColumn label_column, out_column[3];
    MlEvalBatch batch;
} Judged;

// Rows [from, to) of a model of two classes that is right more often than not.
static void judged_make(Judged *j, uint32_t rows) {
    Rng rng = rng_make(5, 0);
    j->label = (MlField){.name = STR("y"), .type = ML_INTEGER, .width = 1};
    j->out[0] = (MlField){.name = STR("prediction"), .type = ML_INTEGER, .width = 1};
    j->out[1] = (MlField){.name = STR("probability(0)"), .type = ML_DOUBLE, .width = 1};
    j->out[2] = (MlField){.name = STR("probability(1)"), .type = ML_DOUBLE, .width = 1};
    for (uint32_t i = 0; i < rows; i++) {
        j->truth[i] = rng_below(&rng, 2);
        double p = 0.6 * rng_unit(&rng) + 0.4 * j->truth[i];
        j->said[i] = p > 0.5;
        j->chance[1][i] = p;
        j->chance[0][i] = 1 - p;
    }
}

static MlEvalBatch *judged_part(Judged *j, uint32_t from, uint32_t to) {
    j->label_column.number = j->truth + from;
    j->out_column[0].number = j->said + from;
    j->out_column[1].number = j->chance[0] + from;
    j->out_column[2].number = j->chance[1] + from;
    j->batch = (MlEvalBatch){.label = &j->label, .label_column = &j->label_column, .out = j->out,
                             .out_column = j->out_column, .out_count = 3, .rows = to - from};
    return &j->batch;
}

static double value_of(const MlEval *eval, const char *name) {
    MlMetric metric[ML_METRICS_MAX];
    return ml_metric(metric, ml_eval_metrics(eval, metric), name);
}

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-12 * (1 + fabs(b));
}

TEST(evaluate, classes_by_hand) {
    Judged *j = NEW(Judged);
    judged_make(j, 5);
    static const double TRUTH[] = {1, 1, 1, 0, 0}, CHANCE[] = {0.9, 0.6, 0.3, 0.6, 0.2};
    for (int i = 0; i < 5; i++) {
        j->truth[i] = TRUTH[i];
        j->chance[1][i] = CHANCE[i];
        j->chance[0][i] = 1 - CHANCE[i];
        j->said[i] = CHANCE[i] > 0.5;
    }
    MlEval *eval = ml_eval_new(&(MlEvalSpec){.task = ML_CLASSIFICATION});
    Error err = {0};
    CHECK_OK(ml_eval_add(eval, judged_part(j, 0, 5), &err), &err);
    CHECK(near(value_of(eval, "Accuracy"), 0.6));
    CHECK(near(value_of(eval, "Precision(1)"), 2.0 / 3));
    CHECK(near(value_of(eval, "Recall(0)"), 0.5));
    CHECK(near(value_of(eval, "F1(1)"), 2.0 / 3));
    CHECK(near(value_of(eval, "Precision"), (2.0 / 3 + 0.5) / 2));
    // Of six pairs four are in order, and one is a tie.
    CHECK(near(value_of(eval, "AUC"), 4.5 / 6));
    double loss = log(0.9) + log(0.6) + log(0.3) + log(0.4) + log(0.8);
    CHECK(near(value_of(eval, "LogLoss"), -loss / 5));
    CHECK(near(value_of(eval, "Confusion(0,1)"), 1));
    ml_eval_free(eval);
    mem_free(j);
}

TEST(evaluate, a_class_is_the_same_as_number_and_as_text) {
    MlField label = {.name = STR("y"), .type = ML_INTEGER, .width = 1};
    MlField out = {.name = STR("pmml(prediction)"), .type = ML_TEXT, .width = 1};
    double truth[] = {1, 0, 4};
    Str said[] = {STR("1"), STR("0.0"), STR("other")};
    MlColumn label_column = {.number = truth}, out_column = {.text = said};
    MlEvalBatch batch = {.label = &label, .label_column = &label_column, .out = &out,
                         .out_column = &out_column, .out_count = 1, .rows = 3};
    MlEval *eval = ml_eval_new(&(MlEvalSpec){.task = ML_CLASSIFICATION});
    Error err = {0};
    CHECK_OK(ml_eval_add(eval, &batch, &err), &err);
    CHECK(near(value_of(eval, "Accuracy"), 2.0 / 3));
    CHECK(near(value_of(eval, "Confusion(4,other)"), 1));
    ml_eval_free(eval);
}

TEST(evaluate, parts_and_saves_change_nothing) {
    Judged *j = NEW(Judged);
    judged_make(j, 4000);
    const MlEvalSpec specs[] = {{.task = ML_CLASSIFICATION}, {.task = ML_REGRESSION},
                                {.task = ML_FORECASTING}, {ML_CLASSIFICATION, 0.99, 0},
                                {ML_CLASSIFICATION, 0, 100}};
    Error err = {0};
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        MlEval *whole = ml_eval_new(&specs[s]), *cut = ml_eval_new(&specs[s]);
        CHECK_OK(ml_eval_add(whole, judged_part(j, 0, 4000), &err), &err);
        for (uint32_t from = 0; from < 4000; from += 40) {  // a hundred lives
            Buf bytes = {0};
            CHECK_OK(ml_eval_add(cut, judged_part(j, from, from + 40), &err), &err);
            ml_eval_save(cut, &bytes);
            ml_eval_free(cut);
            CHECK_OK(ml_eval_load(buf_str(&bytes), &cut, &err), &err);
            buf_free(&bytes);
        }
        MlMetric a[ML_METRICS_MAX], b[ML_METRICS_MAX];
        uint32_t count = ml_eval_metrics(whole, a);
        CHECK_INT(count, ml_eval_metrics(cut, b));
        for (uint32_t i = 0; i < count; i++) {
            CHECK_STR(a[i].name, b[i].name);
            CHECK(a[i].value == b[i].value);
        }
        ml_eval_free(whole);
        ml_eval_free(cut);
    }
    mem_free(j);
}

TEST(evaluate, workers_results_are_one) {
    Judged *j = NEW(Judged);
    judged_make(j, 4000);
    Error err = {0};
    for (int task = ML_CLASSIFICATION; task <= ML_REGRESSION; task++) {
        MlEvalSpec spec = {.task = (MlTask)task};
        MlEval *whole = ml_eval_new(&spec), *one = ml_eval_new(&spec), *two = ml_eval_new(&spec);
        CHECK_OK(ml_eval_add(whole, judged_part(j, 0, 4000), &err), &err);
        CHECK_OK(ml_eval_add(one, judged_part(j, 0, 1500), &err), &err);
        CHECK_OK(ml_eval_add(two, judged_part(j, 1500, 4000), &err), &err);
        CHECK_OK(ml_eval_merge(one, two, &err), &err);
        MlMetric a[ML_METRICS_MAX], b[ML_METRICS_MAX];
        uint32_t count = ml_eval_metrics(whole, a);
        CHECK_INT(count, ml_eval_metrics(one, b));
        for (uint32_t i = 0; i < count; i++) CHECK(fabs(a[i].value - b[i].value) < 1e-9);
        ml_eval_free(whole);
        ml_eval_free(one);
        ml_eval_free(two);
    }
    mem_free(j);
}

TEST(evaluate, a_window_forgets_and_a_fading_sum_nearly) {
    Judged *j = NEW(Judged);
    judged_make(j, 1000);
    for (uint32_t i = 0; i < 1000; i++) j->said[i] = i < 900 ? 1 - j->truth[i] : j->truth[i];
    Error err = {0};
    MlEval *window = ml_eval_new(&(MlEvalSpec){ML_CLASSIFICATION, 0, 100});
    MlEval *fading = ml_eval_new(&(MlEvalSpec){ML_CLASSIFICATION, 0.9, 0});
    CHECK_OK(ml_eval_add(window, judged_part(j, 0, 1000), &err), &err);
    CHECK_OK(ml_eval_add(fading, judged_part(j, 0, 1000), &err), &err);
    CHECK(value_of(window, "Accuracy") == 1);
    CHECK(value_of(fading, "Accuracy") > 0.9999);
    ml_eval_free(window);
    ml_eval_free(fading);
    mem_free(j);
}

TEST(evaluate, a_saved_window_holds_pairs_or_is_refused) {
    MlEval *window = ml_eval_new(&(MlEvalSpec){ML_CLASSIFICATION, 0, 100}), *again = NULL;
    Buf bytes = {0};
    ml_eval_save(window, &bytes);
    bytes.ptr[bytes.len - 3 * sizeof(uint32_t)] = 1;  // the width of its records
    CHECK(ml_eval_load(buf_str(&bytes), &again, NULL) != ST_OK);
    ml_eval_free(window);
    buf_free(&bytes);
}

TEST(evaluate, numbers_clusters_and_texts_by_hand) {
    MlField number = {.name = STR("prediction"), .type = ML_DOUBLE, .width = 1};
    double truth[] = {1, 2, 4}, said[] = {2, 2, 2};
    MlColumn label = {.number = truth}, out = {.number = said};
    MlEvalBatch batch = {.label = &number, .label_column = &label, .out = &number,
                         .out_column = &out, .out_count = 1, .rows = 3};
    MlEval *eval = ml_eval_new(&(MlEvalSpec){.task = ML_FORECASTING});
    Error err = {0};
    CHECK_OK(ml_eval_add(eval, &batch, &err), &err);
    CHECK(near(value_of(eval, "MAE"), 1));
    CHECK(near(value_of(eval, "RMSE"), sqrt(5.0 / 3)));
    CHECK(near(value_of(eval, "MAPE"), 0.5));
    CHECK(near(value_of(eval, "MASE"), 1 / 1.5));
    ml_eval_free(eval);

    // Two clusters of two rows, at -+1 about 0 and about 10.
    double x[] = {-1, 1, 9, 11}, cluster[] = {0, 0, 1, 1};
    MlColumn in = {.number = x};
    out.number = cluster;
    batch = (MlEvalBatch){.out = &number, .out_column = &out, .out_count = 1, .in = &number,
                          .in_column = &in, .in_count = 1, .rows = 4};
    eval = ml_eval_new(&(MlEvalSpec){.task = ML_CLUSTERING});
    CHECK_OK(ml_eval_add(eval, &batch, &err), &err);
    CHECK(near(value_of(eval, "WithinClusterSum"), 4));
    CHECK(near(value_of(eval, "DaviesBouldin"), 0.2));
    ml_eval_free(eval);

    MlField text = {.name = STR("answer"), .type = ML_TEXT, .width = 1};
    Str was[] = {STR("the cat sat on the mat"), STR("yes")};
    Str given[] = {STR("the cat sat on a mat"), STR("yes")};
    label = (MlColumn){.text = was};
    out = (MlColumn){.text = given};
    batch = (MlEvalBatch){.label = &text, .label_column = &label, .out = &text,
                          .out_column = &out, .out_count = 1, .rows = 2};
    eval = ml_eval_new(&(MlEvalSpec){.task = ML_TEXT_GENERATION});
    CHECK_OK(ml_eval_add(eval, &batch, &err), &err);
    CHECK(near(value_of(eval, "ExactMatch"), 0.5));
    CHECK(near(value_of(eval, "ROUGE-1"), (10.0 / 12 + 1) / 2));
    CHECK(value_of(eval, "BLEU") > 0.7 && value_of(eval, "BLEU") < 0.8);
    ml_eval_free(eval);
}
