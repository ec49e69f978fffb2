// ml/train/net_test.c - slopes of networks held against differences of their losses; what networks
// learn.
#include "ml/train/net.h"
#include "ml/train/testing.h"
#include "test/unit.h"

// Every parameter is moved a little both ways, by [step].
static void check_slope(double *param, uint32_t params, void *task, uint32_t samples,
                        double (*slope_of)(void *, const uint32_t *, uint32_t, double *),
                        double (*loss)(void *, uint32_t, uint32_t), double step, double close) {
    const uint32_t sample[] = {0, 1, 2, 3, 4, 5, 6, 7};
    double *slope = NEW_ARRAY(double, params);
    double sum = slope_of(task, sample, samples, slope);
    CHECK(fabs(sum - loss(task, 0, samples)) < 1e-9);
    for (uint32_t i = 0; i < params; i++) {
        double kept = param[i];
        param[i] = kept + step;
        double above = loss(task, 0, samples);
        param[i] = kept - step;
        double below = loss(task, 0, samples);
        param[i] = kept;
        double measured = (above - below) / (2 * step);
        if (fabs(measured - slope[i]) > close * (1 + fabs(measured))) {
            fail_msg("parameter %u: slope %.9g, measured %.9g", i, slope[i], measured);
        }
    }
    mem_free(slope);
}

TEST(net, dense_slopes_are_those_of_the_loss) {
    enum { WIDTH = 5, ROWS = 8 };
    const uint32_t hidden[] = {7, 4};
    for (int kind = ACT_RELU; kind <= ACT_SIGMOID; kind++) {
        for (uint32_t classes = 0; classes <= 3; classes += 3) {
            Arena arena = {0};
            arena_init(&arena);
            Rng rng = rng_make(1, (uint64_t)kind);
            double *param, x[ROWS * WIDTH], y[ROWS];
            uint32_t params;
            Dense *net = dense_make(&arena, WIDTH, hidden, 2, classes ? classes : 1,
                                    (Activation)kind, classes > 0, &param, &params);
            for (uint32_t i = 0; i < params; i++) param[i] = rng_normal(&rng) / 2;
            for (uint32_t i = 0; i < ROWS * WIDTH; i++) x[i] = rng_normal(&rng);
            for (uint32_t i = 0; i < ROWS; i++) y[i] = classes ? i % classes : rng_normal(&rng);
            DenseTask task = dense_task(&arena, net, x, y, classes);
            check_slope(param, params, &task, ROWS, dense_slope, dense_loss, 1e-5, 1e-6);
            arena_clear(&arena);
        }
    }
}

TEST(net, recurrent_slopes_are_those_of_the_loss) {
    enum { STEPS = 6, WIDTH = 3, ROWS = 4, HORIZON = 2 };
    for (int kind = CELL_LSTM; kind <= CELL_GRU; kind++) {
        for (uint32_t cells = 1; cells <= 2; cells++) {
            Arena arena = {0};
            arena_init(&arena);
            Rng rng = rng_make(2, (uint64_t)kind);
            double *param;
            float x[ROWS * STEPS * WIDTH], y[ROWS * HORIZON];
            uint32_t params;
            Recurrent *net = recurrent_make(&arena, (CellKind)kind, STEPS, WIDTH, 5, cells, HORIZON,
                                            &param, &params);
            for (uint32_t i = 0; i < params; i++) param[i] = rng_normal(&rng) / 2;
            for (uint32_t i = 0; i < ROWS * STEPS * WIDTH; i++) x[i] = (float)rng_normal(&rng);
            for (uint32_t i = 0; i < ROWS * HORIZON; i++) y[i] = (float)rng_normal(&rng);
            RecurrentTask *task = recurrent_task(&arena, net, x, y);
            check_slope(param, params, task, ROWS, recurrent_slope, recurrent_loss, 1e-2, 1e-3);
            arena_clear(&arena);
        }
    }
}

static double learned(TrainCase *c, const char *algorithm, int32_t label, const MlSetting *setting,
                      uint32_t settings, const char *metric, MlModel **model) {
    Error err = {0};
    MlReport report;
    MlTrainSpec spec = {.algorithm = str_c(algorithm), .label = label, .setting = setting,
                        .setting_count = settings};
    MlModel *made;
    CHECK_OK(ml_train(&spec, &c->table, &made, &report, &err), &err);
    if (model) *model = made;
    else ml_free(made);
    return ml_metric(report.validation, report.validation_count, metric);
}

TEST(net, a_dense_network_learns_rings_and_a_surface) {
    MlSetting setting[] = {{STR("validation-split"), STR("0.25")}, {STR("hidden"), STR("16,16")},
                           {STR("learning-rate"), STR("0.01")}, {STR("batch-size"), STR("32")},
                           {STR("epochs"), STR("60")}, {STR("early-stopping"), STR("15")}};
    TrainCase c = train_case(600, 21);
    train_rings(&c);
    CHECK(learned(&c, "mlp", 2, setting, 6, "Accuracy", NULL) > 0.95);
    double *z = train_number(&c, "z");
    for (uint32_t i = 0; i < c.table.rows; i++) {
        z[i] = 100 + 10 * c.column[0].number[i] * c.column[1].number[i];
    }
    CHECK(learned(&c, "mlp", 3, setting, 6, "R2", NULL) > 0.95);
    train_case_clear(&c);
}

// Two series that run against each other in one table.
static void make_waves(TrainCase *c) {
    Str *name = train_text(c, "name");
    double *value = train_number(c, "value");
    for (uint32_t i = 0; i < c->table.rows; i++) {
        bool second = i & 1;
        name[i] = second ? STR("b") : STR("a");
        value[i] = 50 + (second ? -10 : 10) * sin(i / 2 * 0.4) + 0.2 * rng_normal(&c->rng);
    }
}

TEST(net, forecasters_learn_waves_of_two_series) {
    const char *const names[] = {"lstm", "gru"};
    for (int i = 0; i < 2; i++) {
        TrainCase c = train_case(600, 22);
        make_waves(&c);
        MlSetting setting[] = {{STR("window"), STR("12")},     {STR("horizon"), STR("3")},
                               {STR("series"), STR("name")},   {STR("units"), STR("8")},
                               {STR("epochs"), STR("25")},     {STR("learning-rate"), STR("0.02")},
                               {STR("validation-split"), STR("0.2")}};
        MlModel *model = NULL;
        CHECK(learned(&c, names[i], 1, setting, 7, "MASE", &model) < 0.35);
        CHECK_INT(model->in_count, 1);
        CHECK_INT(model->in[0].width, 12);
        CHECK_INT(model->out[0].width, 3);
        // A window of the first series, as its reader gives it.
        double window[12];
        for (int t = 0; t < 12; t++) window[t] = c.column[1].number[200 + 2 * t];
        MlColumn in = {.number = window}, out = {0};
        Error err = {0};
        CHECK_OK(model->vt->predict(model, &in, 1, &out, &c.arena, &err), &err);
        for (int h = 0; h < 3; h++) {
            CHECK(fabs(out.number[h] - c.column[1].number[224 + 2 * h]) < 3);
        }
        Buf bytes = {0}, again = {0};
        MlModel *read = NULL;
        CHECK_OK(model->vt->save(model, &bytes, &err), &err);
        CHECK_OK(WEIR_FORMAT.load(STR("m"), buf_str(&bytes), &read, &err), &err);
        CHECK_OK(read->vt->save(read, &again, &err), &err);
        CHECK(str_eq(buf_str(&bytes), buf_str(&again)));
        buf_free(&bytes);
        buf_free(&again);
        ml_free(read);
        ml_free(model);
        train_case_clear(&c);
    }
}

// What is learned of a window does not depend on the windows beside it, and the past of the label
// is enough to learn from.
TEST(net, a_forecast_alone_is_the_one_in_a_batch) {
    enum { POINTS = 300, WINDOW = 7, ASKED = 150 };
    Arena arena = {0};
    arena_init(&arena);
    double *y = ARENA_ARRAY(&arena, double, POINTS + WINDOW);
    for (int i = 0; i < POINTS + WINDOW; i++) y[i] = sin(i / 5.0) + i % 3;
    MlField field = {.name = STR("y"), .type = ML_DOUBLE, .width = 1};
    MlColumn column = {.number = y};
    MlTable table = {.field = &field, .column = &column, .columns = 1, .rows = POINTS};
    MlSetting setting[] = {{STR("window"), STR("7")}, {STR("units"), STR("5")},
                           {STR("epochs"), STR("3")}};
    Error err = {0};
    MlModel *model;
    MlTrainSpec spec = {.algorithm = STR("gru"), .setting = setting, .setting_count = 3};
    CHECK_OK(ml_train(&spec, &table, &model, NULL, &err), &err);
    double *windows = ARENA_ARRAY(&arena, double, ASKED * WINDOW);
    for (int i = 0; i < ASKED * WINDOW; i++) windows[i] = y[i / WINDOW + i % WINDOW];
    MlColumn in = {.number = windows}, all = {0};
    CHECK_OK(model->vt->predict(model, &in, ASKED, &all, &arena, &err), &err);
    for (int i = 0; i < ASKED; i++) {
        MlColumn one = {.number = windows + (size_t)i * WINDOW}, out = {0};
        CHECK_OK(model->vt->predict(model, &one, 1, &out, &arena, &err), &err);
        CHECK(fabs(out.number[0] - all.number[i]) < 1e-5);
    }
    spec.setting_count = 0;
    ml_free(model);
    CHECK(ml_train(&spec, &table, &model, NULL, &err) == ST_VALIDATION);
    CHECK(strstr(err.hint, "'window'"));
    arena_clear(&arena);
}
