// ml/online/online_test.c - learners on streams made by a rule: what they learn, how soon they see
// that the rule has changed, and that being stopped a hundred times leaves no trace.
#include "ml/online/online_int.h"
#include "ml/train/testing.h"
#include "test/unit.h"

// ---- ADWIN

TEST(online, adwin_sees_a_jump_soon_and_no_jump_never) {
    Rng rng = rng_make(1, 0);
    Adwin adwin = adwin_make(0.002);
    for (int i = 0; i < 20000; i++) CHECK(!adwin_add(&adwin, rng_unit(&rng) < 0.2));
    CHECK(adwin.width == 20000);
    int rows = 0;
    while (!adwin_add(&adwin, rng_unit(&rng) < 0.5)) rows++;
    CHECK(rows < 250);
    for (int i = 0; i < 3000; i++) (void)adwin_add(&adwin, rng_unit(&rng) < 0.5);
    CHECK(adwin.width < 6000);  // the old part has been dropped
    CHECK(fabs(adwin_mean(&adwin) - 0.5) < 0.05);
}

TEST(online, adwin_holds_what_its_buckets_hold) {
    Rng rng = rng_make(2, 0);
    Adwin adwin = adwin_make(0.01);
    for (int i = 0; i < 5000; i++) {
        (void)adwin_add(&adwin, rng_normal(&rng) + (i / 1000) * 3);
        double width = 0, sum = 0;
        for (uint32_t level = 0; level < adwin.levels; level++) {
            for (uint32_t b = 0; b < adwin.count[level]; b++) sum += adwin.total[level][b];
            width += ldexp(adwin.count[level], (int)level);
        }
        CHECK(width == adwin.width);
        CHECK(fabs(sum - adwin.sum) < 1e-6 * (1 + fabs(sum)));
    }
    CHECK(fabs(adwin.squares / adwin.width - 1) < 0.2);
}

// ---- streams

// Three numbers, one of them with gaps, a text; a label of a class by rule [concept], or a number.
static void make_stream(TrainCase *c, bool texts, bool classes, uint32_t change_at) {
    double *a = train_number(c, "a"), *b = train_number(c, "b"), *d = train_number(c, "d");
    Str *colour = texts ? train_text(c, "colour") : NULL;
    Str *label = classes ? train_text(c, "label") : NULL;
    double *value = classes ? NULL : train_number(c, "value");
    for (uint32_t i = 0; i < c->table.rows; i++) {
        a[i] = rng_between(&c->rng, 0, 10);
        b[i] = rng_between(&c->rng, -1, 1);
        d[i] = rng_below(&c->rng, 10) ? rng_normal(&c->rng) : (double)NAN;
        bool red = rng_below(&c->rng, 3) == 0, flipped = i >= change_at;
        if (texts) colour[i] = red ? STR("red") : STR("blue");
        double sum = 2 * a[i] - 5 * b[i] + (texts && red ? 6 : 0);
        if (classes) label[i] = (sum > 11) != flipped ? STR("high") : STR("low");
        else value[i] = flipped ? -sum : sum;
    }
}

static MlLearner *new_learner(TrainCase *c, const char *algorithm, const MlSetting *setting,
                              uint32_t settings, bool label) {
    MlOnlineSpec spec = {.algorithm = str_c(algorithm), .setting = setting,
                         .setting_count = settings,
                         .label = label ? (int32_t)c->table.columns - 1 : -1};
    MlLearner *learner;
    Error err = {0};
    CHECK_OK(online_new(&spec, c->field, c->table.columns, &learner, &err), &err);
    return learner;
}

static void part_of(const TrainCase *c, uint32_t from, MlColumn *out) {
    for (uint32_t i = 0; i < c->table.columns; i++) {
        out[i] = c->column[i];
        if (out[i].number) out[i].number += from;
        if (out[i].text) out[i].text += from;
    }
}

// Rows [from, to), each first asked about, then learned; metrics of what was said.
static double prequential(TrainCase *c, MlLearner *learner, uint32_t from, uint32_t to,
                          const char *metric) {
    Error err = {0};
    uint32_t outputs, last = c->table.columns - 1;
    const MlField *field = online_outputs(learner, &outputs);
    MlEval *eval = ml_eval_new(&(MlEvalSpec){.task = online_task(learner)});
    for (uint32_t at = from; at < to; at += 50) {
        MlColumn part[TRAIN_COLUMNS_MAX], out[8] = {0};
        part_of(c, at, part);
        CHECK_OK(online_predict(learner, part, 50, out, &c->arena, &err), &err);
        MlEvalBatch batch = {.label = &c->field[last], .label_column = &part[last], .out = field,
                             .out_column = out, .out_count = outputs, .rows = 50};
        CHECK_OK(ml_eval_add(eval, &batch, &err), &err);
        CHECK_OK(online_learn(learner, part, 50, &err), &err);
    }
    MlMetric metrics[ML_METRICS_MAX];
    double value = ml_metric(metrics, ml_eval_metrics(eval, metrics), metric);
    ml_eval_free(eval);
    return value;
}

TEST(online, classifiers_learn_and_see_that_the_rule_has_changed) {
    static const char *const NAMES[] = {"online-logistic-regression", "hoeffding-tree",
                                        "adaptive-random-forest"};
    for (int i = 0; i < 3; i++) {
        TrainCase c = train_case(20000, 51);
        make_stream(&c, true, true, 10000);
        MlSetting setting[] = {{STR("classes"), STR("low,high")}, {STR("on-drift"), STR("reset")}};
        MlLearner *learner = new_learner(&c, NAMES[i], setting, i == 2 ? 1 : 2, true);
        uint32_t outputs;
        CHECK(str_is(online_outputs(learner, &outputs)[3].name, "probability(high)"));
        CHECK_INT(outputs, 4);
        (void)prequential(&c, learner, 0, 5000, "Accuracy");
        double before = prequential(&c, learner, 5000, 10000, "Accuracy");
        CHECK(before > 0.9);
        CHECK(online_drifts(learner) == 0);
        (void)prequential(&c, learner, 10000, 10500, "Accuracy");
        CHECK(online_drifts(learner) > 0);
        (void)prequential(&c, learner, 10500, 15000, "Accuracy");
        CHECK(prequential(&c, learner, 15000, 20000, "Accuracy") > 0.9);
        CHECK_INT(online_rows(learner), 20000);
        online_free(learner);
        train_case_clear(&c);
    }
}

TEST(online, a_line_is_learned_in_any_units) {
    TrainCase c = train_case(10000, 52);
    make_stream(&c, true, false, UINT32_MAX);
    for (uint32_t i = 0; i < c.table.rows; i++)
        c.column[4].number[i] = 1e6 + 1000 * c.column[4].number[i];
    MlLearner *learner = new_learner(&c, "online-linear-regression", NULL, 0, true);
    (void)prequential(&c, learner, 0, 5000, "R2");
    CHECK(prequential(&c, learner, 5000, 10000, "R2") > 0.99);
    online_free(learner);
    train_case_clear(&c);
}

// Rows about four corners, a few far from all.
static void make_crowds(TrainCase *c, uint32_t stray_every) {
    double *x = train_number(c, "x"), *y = train_number(c, "y");
    for (uint32_t i = 0; i < c->table.rows; i++) {
        bool stray = stray_every && i % stray_every == stray_every - 1;
        x[i] = (i & 1 ? 10 : 0) + (stray ? 5 + rng_normal(&c->rng) : 0.5 * rng_normal(&c->rng));
        y[i] = (i & 2 ? 10 : 0) + (stray ? 5 + rng_normal(&c->rng) : 0.5 * rng_normal(&c->rng));
    }
}

TEST(online, centres_are_found_and_follow) {
    TrainCase c = train_case(8000, 53);
    make_crowds(&c, 0);
    for (uint32_t i = 4000; i < 8000; i++) c.column[0].number[i] += 3;
    MlSetting setting[] = {{STR("clusters"), STR("4")}, {STR("decay"), STR("0.99")}};
    MlLearner *learner = new_learner(&c, "streaming-k-means", setting, 2, false);
    MlColumn part[2], out[2] = {0};
    Error err = {0};
    CHECK_OK(online_predict(learner, c.column, 1, out, &c.arena, &err), &err);
    CHECK(!(out[0].valid[0] & 1));  // nothing is known yet
    CHECK_OK(online_learn(learner, c.column, 8000, &err), &err);
    part_of(&c, 7000, part);
    CHECK_OK(online_predict(learner, part, 4, out, &c.arena, &err), &err);
    uint32_t seen = 0;
    for (int i = 0; i < 4; i++) {
        CHECK(out[1].number[i] < 0.5);
        seen |= 1u << (uint32_t)out[0].number[i];
    }
    CHECK_INT(seen, 15);
    online_free(learner);
    train_case_clear(&c);
}

TEST(online, strays_score_higher_than_the_crowd) {
    TrainCase c = train_case(4000, 54);
    make_crowds(&c, 50);
    MlLearner *learner = new_learner(&c, "half-space-trees", NULL, 0, false);
    Error err = {0};
    CHECK_OK(online_learn(learner, c.column, 3000, &err), &err);
    MlColumn part[2], out[2] = {0};
    part_of(&c, 3000, part);
    CHECK_OK(online_predict(learner, part, 1000, out, &c.arena, &err), &err);
    double pairs = 0, right = 0;
    for (int i = 49; i < 1000; i += 50) {
        for (int j = 0; j < 1000; j++) {
            if (j % 50 == 49) continue;
            pairs++;
            right += out[1].number[i] > out[1].number[j];
        }
    }
    CHECK(right / pairs > 0.95);
    online_free(learner);
    train_case_clear(&c);
}

TEST(online, a_hundred_lives_are_one) {
    for (const MlOnlineAlgorithm *const *at = ML_ONLINE_ALGORITHMS; *at; at++) {
        bool classes = (*at)->task == ML_CLASSIFICATION, texts = (*at)->texts != TEXTS_REFUSED;
        TrainCase c = train_case(6000, 55);
        make_stream(&c, texts, classes, 3000);
        bool label = classes || (*at)->task == ML_REGRESSION;
        if (!label) c.table.columns--;
        MlSetting reset[] = {{STR("on-drift"), STR("reset")}};
        MlLearner *whole = new_learner(&c, (*at)->name, reset, 1, label);
        MlLearner *cut = new_learner(&c, (*at)->name, reset, 1, label);
        Error err = {0};
        CHECK_OK(online_learn(whole, c.column, 6000, &err), &err);
        for (uint32_t from = 0; from < 6000; from += 60) {
            MlColumn part[TRAIN_COLUMNS_MAX];
            Buf bytes = {0};
            part_of(&c, from, part);
            CHECK_OK(online_learn(cut, part, 60, &err), &err);
            online_save(cut, &bytes);
            online_free(cut);
            CHECK_OK(online_load(buf_str(&bytes), &cut, &err), &err);
            buf_free(&bytes);
        }
        Buf a = {0}, b = {0};
        online_save(whole, &a);
        online_save(cut, &b);
        if (!str_eq(buf_str(&a), buf_str(&b))) fail_msg("%s: two states", (*at)->name);
        CHECK_INT(online_bytes(whole), a.len);
        buf_free(&a);
        buf_free(&b);
        online_free(whole);
        online_free(cut);
        train_case_clear(&c);
    }
}

TEST(online, a_damaged_state_is_refused) {
    for (const MlOnlineAlgorithm *const *at = ML_ONLINE_ALGORITHMS; *at; at++) {
        bool classes = (*at)->task == ML_CLASSIFICATION, texts = (*at)->texts != TEXTS_REFUSED;
        TrainCase c = train_case(600, 56);
        make_stream(&c, texts, classes, 300);
        bool label = classes || (*at)->task == ML_REGRESSION;
        if (!label) c.table.columns--;
        MlSetting small[] = {{STR("trees"), STR("2")}};
        bool trees = (*at)->option == ONLINE_HALF_SPACE.option ||
                     (*at)->option == ONLINE_ADAPTIVE_FOREST.option;
        MlLearner *learner = new_learner(&c, (*at)->name, small, trees, label), *read;
        Error err = {0};
        Buf bytes = {0};
        CHECK_OK(online_learn(learner, c.column, 600, &err), &err);
        online_save(learner, &bytes);
        for (size_t len = 0; len < bytes.len; len += 1 + bytes.len / 200) {
            CHECK(online_load(str_make(bytes.ptr, len), &read, &err) != ST_OK);
        }
        for (size_t i = 0; i < bytes.len; i += 1 + bytes.len / 300) {
            bytes.ptr[i] = (char)~bytes.ptr[i];  // read as another state, or refused; never worse
            if (!online_load(buf_str(&bytes), &read, NULL)) {
                MlColumn out[8] = {0};
                CHECK_OK(online_predict(read, c.column, 10, out, &c.arena, &err), &err);
                online_free(read);
            }
            bytes.ptr[i] = (char)~bytes.ptr[i];
        }
        buf_free(&bytes);
        online_free(learner);
        train_case_clear(&c);
    }
}

TEST(online, the_page_of_options_is_the_table) {
    unit_page_holds("docs/sql/training.md", ml_online_reference);
}
