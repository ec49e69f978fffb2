// ml/train/train_test.c - training end to end: options, trees, files.
#include "ml/train.h"
#include "ml/train/testing.h"
#include "test/unit.h"

TEST(train, tree_learns_a_rule_of_numbers_and_texts) {
    TrainCase c = train_case(400, 7);
    double *a = train_number(&c, "a"), *b = train_number(&c, "b");
    Str *colour = train_text(&c, "colour");
    Str *label = train_text(&c, "label");
    const Str colours[] = {STR("blue"), STR("green"), STR("red")};
    for (uint32_t i = 0; i < c.table.rows; i++) {
        a[i] = rng_unit(&c.rng);
        b[i] = rng_unit(&c.rng);
        colour[i] = colours[rng_below(&c.rng, 3)];
        bool yes = a[i] > 0.5 ? !str_is(colour[i], "green") : b[i] < 0.25;
        label[i] = yes ? STR("yes") : STR("no");
    }
    Error err = {0};
    MlModel *model = NULL;
    MlTrainSpec spec = {.algorithm = STR("Decision_Tree"), .label = 3};
    CHECK_OK(ml_train(&spec, &c.table, &model, NULL, &err), &err);
    CHECK_INT(model->in_count, 3);
    CHECK_INT(model->out_count, 3);
    CHECK(str_is(model->out[1].name, "probability(no)"));
    MlColumn out[3] = {0};
    CHECK_OK(train_predict(&c, model, out, &err), &err);
    for (uint32_t i = 0; i < c.table.rows; i++) CHECK(str_eq(out[0].text[i], label[i]));
    ml_free(model);
    train_case_clear(&c);
}

TEST(train, tree_reads_back_as_it_was_and_no_byte_may_change) {
    TrainCase c = train_case(300, 3);
    train_rings(&c);
    Error err = {0};
    MlModel *model = NULL, *again = NULL;
    MlTrainSpec spec = {.algorithm = STR("decision-tree"), .label = 2};
    CHECK_OK(ml_train(&spec, &c.table, &model, NULL, &err), &err);
    Buf bytes = {0}, twice = {0};
    CHECK_OK(model->vt->save(model, &bytes, &err), &err);
    const MlFormat *format = &WEIR_FORMAT;
    CHECK(format->matches(STR("m"), buf_str(&bytes)));
    CHECK_OK(format->load(STR("m"), buf_str(&bytes), &again, &err), &err);
    CHECK_OK(again->vt->save(again, &twice, &err), &err);
    CHECK(str_eq(buf_str(&bytes), buf_str(&twice)));
    ml_free(again);
    for (uint32_t i = 0; i < bytes.len; i += 7) {
        bytes.ptr[i] ^= 1;
        CHECK(format->load(STR("m"), buf_str(&bytes), &again, &err) != ST_OK);
        CHECK(again == NULL);
        bytes.ptr[i] ^= 1;
    }
    buf_free(&bytes);
    buf_free(&twice);
    ml_free(model);
    train_case_clear(&c);
}

TEST(train, wrong_options_are_named) {
    TrainCase c = train_case(10, 3);
    train_rings(&c);
    Error err = {0};
    MlSetting setting = {STR("max-dept"), STR("3")};
    MlTrainSpec spec = {.algorithm = STR("decision-tree"), .label = 2, .setting = &setting,
                        .setting_count = 1};
    CHECK_INT(ml_train_check(&spec, c.table.field, 3, &err), ST_VALIDATION);
    CHECK_STR(err.message, "'decision-tree' has no option 'max-dept'");
    CHECK_STR(err.hint, "did you mean 'max-depth'?");
    setting = (MlSetting){STR("max_depth"), STR("-3")};
    CHECK_INT(ml_train_check(&spec, c.table.field, 3, &err), ST_VALIDATION);
    CHECK_STR(err.message, "option 'max-depth': '-3' is not a whole number from 0 to 1000");
    setting.value = STR("3");
    CHECK_OK(ml_train_check(&spec, c.table.field, 3, &err), &err);
    spec.algorithm = STR("decision-three");
    CHECK_INT(ml_train_check(&spec, c.table.field, 3, &err), ST_VALIDATION);
    CHECK_STR(err.hint, "did you mean 'decision-tree'?");
    spec.algorithm = STR("decision-tree");
    spec.label = -1;
    CHECK_INT(ml_train_check(&spec, c.table.field, 3, &err), ST_VALIDATION);
    train_case_clear(&c);
}

// The bytes of what is learned.
static Buf train_bytes(TrainCase *c, const char *algorithm, int32_t label,
                       const MlSetting *setting, uint32_t settings, MlReport *report) {
    Error err = {0};
    Buf bytes = {0};
    MlModel *model = NULL;
    MlTrainSpec spec = {.algorithm = str_c(algorithm), .label = label, .setting = setting,
                        .setting_count = settings};
    CHECK_OK(ml_train(&spec, &c->table, &model, report, &err), &err);
    CHECK_OK(model->vt->save(model, &bytes, &err), &err);
    ml_free(model);
    return bytes;
}

static bool same_bytes(Buf a, Buf b) {
    bool same = str_eq(buf_str(&a), buf_str(&b));
    buf_free(&a);
    buf_free(&b);
    return same;
}

TEST(train, threads_change_nothing_and_seeds_do) {
    TrainCase c = train_case(500, 11);
    train_rings(&c);
    const char *const names[] = {"random-forest", "gradient-boosting"};
    for (int i = 0; i < 2; i++) {
        MlSetting one[] = {{STR("trees"), STR("20")}, {STR("threads"), STR("1")},
                           {STR("seed"), STR("5")}, {STR("validation-split"), STR("0.2")}};
        MlSetting four[] = {one[0], {STR("threads"), STR("4")}, one[2], one[3]};
        MlSetting seed[] = {one[0], one[1], {STR("seed"), STR("6")}, one[3]};
        CHECK(same_bytes(train_bytes(&c, names[i], 2, one, 4, NULL),
                         train_bytes(&c, names[i], 2, four, 4, NULL)));
        CHECK(!same_bytes(train_bytes(&c, names[i], 2, one, 4, NULL),
                          train_bytes(&c, names[i], 2, seed, 4, NULL)));
    }
    train_case_clear(&c);
}

// [classes]: the number of a third of a circle; else the distance from the middle.
static void train_circle(TrainCase *c, bool classes) {
    double *x = train_number(c, "x"), *y = train_number(c, "y");
    double *out = classes ? train_integer(c, "third") : train_number(c, "distance");
    for (uint32_t i = 0; i < c->table.rows; i++) {
        x[i] = rng_between(&c->rng, -1, 1);
        y[i] = rng_between(&c->rng, -1, 1);
        if (rng_below(&c->rng, 20) == 0) x[i] = NAN;
        double angle = atan2(y[i], isnan(x[i]) ? 1 : x[i]) / 6.283185307179586 + 0.5;
        out[i] = classes ? floor(angle * 2.999) : hypot(isnan(x[i]) ? 1 : x[i], y[i]);
    }
}

static double validated(const MlReport *report, const char *name) {
    return ml_metric(report->validation, report->validation_count, name);
}

TEST(train, ensembles_learn_classes_numbers_and_what_missing_means) {
    const char *const names[] = {"decision-tree", "random-forest", "gradient-boosting"};
    MlSetting split = {STR("validation-split"), STR("0.25")};
    for (int i = 0; i < 3; i++) {
        MlReport report;
        TrainCase c = train_case(2000, 12);
        train_circle(&c, true);
        Buf bytes = train_bytes(&c, names[i], 2, &split, 1, &report);
        CHECK_INT(report.rows, 1500);
        CHECK_INT(report.validation_rows, 500);
        CHECK(validated(&report, "Accuracy") > 0.95);
        buf_free(&bytes);
        train_case_clear(&c);
        c = train_case(2000, 13);
        train_circle(&c, false);
        bytes = train_bytes(&c, names[i], 2, &split, 1, &report);
        CHECK(validated(&report, "R2") > 0.95);
        buf_free(&bytes);
        train_case_clear(&c);
    }
}

TEST(train, boosting_stops_early_and_keeps_the_best_round) {
    TrainCase c = train_case(600, 14);
    train_rings(&c);
    for (uint32_t i = 0; i < 120; i++) c.column[2].number[i * 5] = 1 - c.column[2].number[i * 5];
    MlSetting setting[] = {{STR("validation-split"), STR("0.3")}, {STR("early-stopping"), STR("5")},
                           {STR("learning-rate"), STR("0.5")}, {STR("trees"), STR("500")}};
    MlReport report;
    Buf bytes = train_bytes(&c, "gradient-boosting", 2, setting, 4, &report);
    CHECK(report.rounds > 0 && report.rounds < 100);
    buf_free(&bytes);
    train_case_clear(&c);
}

TEST(train, rows_far_from_all_others_are_isolated) {
    TrainCase c = train_case(1000, 15);
    double *x = train_number(&c, "x"), *y = train_number(&c, "y");
    Str *kind = train_text(&c, "kind");
    for (uint32_t i = 0; i < c.table.rows; i++) {
        bool far = i < 10;
        x[i] = rng_normal(&c.rng) + (far ? 9 : 0);
        y[i] = rng_normal(&c.rng) - (far ? 9 : 0);
        kind[i] = rng_below(&c.rng, 2) ? STR("a") : STR("b");
    }
    MlSetting part = {STR("contamination"), STR("0.01")};
    MlTrainSpec spec = {.algorithm = STR("isolation-forest"), .label = -1, .setting = &part,
                        .setting_count = 1};
    Error err = {0};
    MlModel *model;
    CHECK_OK(ml_train(&spec, &c.table, &model, NULL, &err), &err);
    MlColumn out[2] = {0};
    CHECK_OK(train_predict(&c, model, out, &err), &err);
    for (uint32_t i = 0; i < c.table.rows; i++) CHECK((out[0].number[i] != 0) == (i < 10));
    ml_free(model);
    train_case_clear(&c);
}

TEST(train, what_a_training_holds_is_charged) {
    static const char *const NAMES[] = {"random-forest", "gradient-boosting", "mlp"};
    TrainCase c = train_case(300, 17);
    train_rings(&c);
    for (int i = 0; i < 3; i++) {
        Budget budget;
        Error err = {0};
        MlModel *model;
        MlTrainSpec spec = {.algorithm = str_c(NAMES[i]), .label = 2, .budget = &budget};
        budget_init(&budget, NULL, "the job", 4000);
        CHECK_INT(ml_train(&spec, &c.table, &model, NULL, &err), ST_OVER_BUDGET);
        budget_init(&budget, NULL, "the job", 100 << 20);
        CHECK_OK(ml_train(&spec, &c.table, &model, NULL, &err), &err);
        CHECK_INT(budget.bytes, 0);
        CHECK(budget.bytes_peak > 4000);
        ml_free(model);
    }
    train_case_clear(&c);
}

TEST(train, xgboost_may_grow_the_trees) {
    MlSetting setting[] = {{STR("library"), STR("xgboost")}, {STR("validation-split"), STR("0.25")},
                           {STR("trees"), STR("50")}, {STR("task"), STR("classification")}};
    for (int classes = 0; classes < 2; classes++) {
        TrainCase c = train_case(2000, 18);
        train_circle(&c, classes);
        setting[3].value = classes ? STR("classification") : STR("regression");
        MlTrainSpec spec = {.algorithm = STR("gradient-boosting"), .label = 2, .setting = setting,
                            .setting_count = 4};
        MlModel *model;
        MlReport report;
        Error err = {0};
        Status st = ml_train(&spec, &c.table, &model, &report, &err);
        train_case_clear(&c);
        if (st == ST_IO) {
            print_message("skipped: %s\n", err.message);
            return;
        }
        CHECK_OK(st, &err);
        CHECK(validated(&report, classes ? "Accuracy" : "R2") > 0.95);
        ml_free(model);
    }
}

static void cancel_at_once(void *arg, Str line) {
    (void)line;
    atomic_store((_Atomic bool *)arg, true);
}

TEST(train, a_training_can_be_cancelled) {
    TrainCase c = train_case(300, 16);
    train_rings(&c);
    _Atomic bool cancel = false;
    MlTrainSpec spec = {.algorithm = STR("random-forest"), .label = 2, .progress = cancel_at_once,
                        .arg = &cancel, .cancel = &cancel};
    MlModel *model;
    Error err = {0};
    CHECK_INT(ml_train(&spec, &c.table, &model, NULL, &err), ST_CANCELLED);
    CHECK(model == NULL);
    train_case_clear(&c);
}

TEST(train, the_page_of_options_is_the_table) {
    unit_page_holds("docs/sql/training.md", ml_train_reference);
}
