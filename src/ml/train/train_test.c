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
