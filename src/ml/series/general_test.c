// The general network: what lessons teach, what is kept of it, and what it may do to a detector.
#include "ml/random.h"
#include "ml/series/general_int.h"
#include "ml/series/learn.h"
#include "test/unit.h"

enum { MINUTE = 60000, DAY = 1440, LESSONS = 3000, BEGIN_DAY = 20150 };  // a Monday

// An incident where two features agree, whatever the others say: no line parts those from these.
static GeneralLesson *lessons_of(uint64_t seed, double agree) {
    Rng rng = rng_make(seed, 1);
    GeneralLesson *lesson = NEW_ARRAY(GeneralLesson, LESSONS);
    for (uint32_t i = 0; i < LESSONS; i++) {
        float *x = lesson[i].at.x;
        for (uint32_t f = 0; f < GENERAL_FEATURES; f++) x[f] = (float)rng_normal(&rng);
        lesson[i].incident = (x[3] * x[7] > 0) == (agree > 0);
        lesson[i].weight = 1;
    }
    return lesson;
}

static SeriesGeneral *taught(const GeneralLesson *lesson, const SeriesGeneral *from, double hold) {
    GeneralTraining settings = {.from = from, .hold = hold, .epochs = 20, .seed = 1, .rate = 0.003};
    return general_train(lesson, LESSONS, &settings);
}

TEST(general, lessons_teach_what_no_line_parts) {
    GeneralLesson *seen = lessons_of(1, 1), *other = lessons_of(2, 1);
    SeriesGeneral *net = taught(seen, NULL, 0), *again = taught(seen, NULL, 0);
    CHECK(general_loss(net, seen, LESSONS) < 0.2);
    CHECK(general_loss(net, other, LESSONS) < 0.45);  // of 0.69
    CHECK(general_number(net) == general_number(again));
    general_unref(again);
    general_unref(net);
    mem_free(seen);
    mem_free(other);
}

TEST(general, what_is_held_firmly_bends_less) {
    GeneralLesson *seen = lessons_of(1, 1), *otherwise = lessons_of(3, -1);
    SeriesGeneral *net = taught(seen, NULL, 0);
    SeriesGeneral *loose = taught(otherwise, net, 0), *held = taught(otherwise, net, 1);
    CHECK(general_loss(loose, otherwise, LESSONS) < general_loss(held, otherwise, LESSONS));
    CHECK(general_loss(held, seen, LESSONS) < general_loss(loose, seen, LESSONS));
    CHECK(general_loss(held, otherwise, LESSONS) < general_loss(net, otherwise, LESSONS));
    general_unref(held);
    general_unref(loose);
    general_unref(net);
    mem_free(seen);
    mem_free(otherwise);
}

TEST(general, bars_have_bounds_and_are_the_same_one_by_one) {
    enum { CASES = 100 };
    GeneralLesson *lesson = lessons_of(4, 1);
    SeriesGeneral *net = general_shipped();
    GeneralCase at[CASES];
    float bar[CASES];
    CHECK(net);
    for (uint32_t i = 0; i < CASES; i++) {
        at[i] = lesson[i].at;
        for (uint32_t f = 0; f < GENERAL_FEATURES; f++) at[i].x[f] *= (float)(i * i);
    }
    general_bars(net, at, CASES, bar);
    for (uint32_t i = 0; i < CASES; i++) {
        CHECK((double)bar[i] >= GENERAL_LOW - 1e-6 && (double)bar[i] <= GENERAL_HIGH + 1e-6);
        CHECK(bar[i] == (float)general_bar(net, &at[i]));
    }
    mem_free(lesson);
}

TEST(general, a_file_that_was_cut_or_changed_is_refused) {
    Buf bytes = {0};
    SeriesGeneral *net = NULL;
    Error err = {0};
    general_save(general_shipped(), &bytes);
    CHECK_OK(general_load(buf_str(&bytes), &net, &err), &err);
    CHECK(general_number(net) == general_number(general_shipped()));
    net = general_unref(net);
    for (uint32_t len = 0; len < bytes.len; len += 97) {
        CHECK(general_load(str_make(bytes.ptr, len), &net, &err));
    }
    for (uint32_t i = 0; i < bytes.len; i += 61) {
        char kept = bytes.ptr[i];
        bytes.ptr[i] = (char)(kept ^ 4);
        CHECK(general_load(buf_str(&bytes), &net, &err));
        CHECK(err.message[0] && !net);
        bytes.ptr[i] = kept;
    }
    buf_free(&bytes);
}

// -- With a detector ------------------------------------------------------------------------------

// It always says the same.
static SeriesGeneral *stubborn(float answer) {
    GeneralWeights *weights = NEW(GeneralWeights);
    weights->last_bias = answer;
    SeriesGeneral *net = general_new(weights);
    mem_free(weights);
    return net;
}

// A day's wave with noise that now and then is three times as large for five minutes.
static float *restless(uint32_t days, double scale, uint64_t seed) {
    Rng rng = rng_make(seed, 1);
    float *value = NEW_ARRAY(float, days *DAY);
    double more = 1;
    for (uint32_t i = 0; i < days * DAY; i++) {
        if (i % 5 == 0) more = rng_below(&rng, 100) ? 1 : 4;
        double wave = 50 + 20 * sin(6.283185307179586 * (i % DAY) / DAY);
        value[i] = (float)(scale * (wave + 2 * more * rng_normal(&rng) + 0.001));
    }
    return value;
}

static int64_t at_minute(uint32_t weeks, uint32_t minute) {
    return (BEGIN_DAY + 7 * (int64_t)weeks) * SERIES_DAY_MS + (int64_t)minute * MINUTE;
}

static SeriesModel *trained(const float *value, uint32_t days, SeriesGeneral *general) {
    SeriesHistory history = {.from_ms = at_minute(0, 0),
                             .step_ms = MINUTE,
                             .value = value,
                             .count = days * DAY,
                             .general = general};
    SeriesModel *model = NULL;
    Error err = {0};
    CHECK_OK(series_train(&history, &model, &err), &err);
    return model;
}

static uint32_t alarms_of(SeriesModel *model, const float *value, uint32_t from, uint32_t to) {
    DetectSettings settings = {
        .step_ms = MINUTE, .direction = DETECT_BOTH, .sensitivity = DETECT_MIDDLE};
    Detector *detector = detector_new(&settings);
    uint32_t opened = 0;
    detector_use(detector, model);
    for (uint32_t i = from * DAY; i < to * DAY; i++) {
        DetectVerdict verdict;
        detector_push(detector, at_minute(0, i), (double)value[i], &verdict);
        opened += verdict.event == DETECT_OPEN;
    }
    detector_free(detector);
    return opened;
}

TEST(general, who_raises_more_alarms_in_healthy_history_is_not_taken) {
    float *value = restless(16, 1, 5);
    SeriesGeneral *eager = stubborn(1000), *calm = stubborn(-1000);
    SeriesModel *none = trained(value, 14, NULL), *with = trained(value, 14, eager);
    SeriesModel *quiet = trained(value, 14, calm);
    CHECK(!none->general);
    CHECK(!with->general);
    CHECK(quiet->general && general_number(quiet->general) == general_number(calm));
    CHECK(alarms_of(quiet, value, 14, 16) <= alarms_of(none, value, 14, 16));
    series_model_unref(none);
    series_model_unref(with);
    series_model_unref(quiet);
    general_unref(eager);
    general_unref(calm);
    mem_free(value);
}

TEST(general, it_moves_the_bar_and_says_so) {
    float *value = restless(15, 1, 6);
    for (uint32_t i = 14 * DAY + 600; i < 14 * DAY + 620; i++) value[i] -= 4;
    SeriesGeneral *calm = stubborn(-1000);
    SeriesModel *model = trained(value, 14, calm);
    DetectSettings settings = {
        .step_ms = MINUTE, .direction = DETECT_DROP, .sensitivity = DETECT_MIDDLE};
    for (int with = 0; with < 2; with++) {
        SeriesGeneral *kept = model->general;
        if (!with) model->general = NULL;
        Detector *detector = detector_new(&settings);
        double most = 0, bar = 1;
        detector_use(detector, model);
        for (uint32_t i = 14 * DAY; i < 15 * DAY; i++) {
            DetectVerdict verdict;
            detector_push(detector, at_minute(0, i), (double)value[i], &verdict);
            if (verdict.score <= most || verdict.score < 0.7) continue;
            most = verdict.score;
            if (verdict.why.general > 0) bar = (double)verdict.why.general;
        }
        CHECK(with ? fabs(bar - GENERAL_HIGH) < 1e-6 : bar == 1);
        detector_free(detector);
        model->general = kept;
    }
    series_model_unref(model);
    general_unref(calm);
    mem_free(value);
}

TEST(general, a_model_keeps_its_own_and_those_of_one_platform_share_it) {
    float *value = restless(4, 1, 7);
    SeriesGeneral *calm = stubborn(-1000);
    SeriesModel *model = trained(value, 4, calm), *again = NULL, *third = NULL;
    Buf bytes = {0};
    Error err = {0};
    series_model_save(model, &bytes);
    CHECK_OK(series_model_load(buf_str(&bytes), &again, &err), &err);
    CHECK_OK(series_model_load(buf_str(&bytes), &third, &err), &err);
    CHECK(again->general && general_number(again->general) == general_number(calm));
    CHECK(again->general == third->general);
    size_t with_own = bytes.len;
    bytes.len = 0;
    general_unref(model->general);
    model->general = general_ref(general_shipped());
    series_model_save(model, &bytes);
    CHECK(bytes.len < with_own - GENERAL_WEIGHTS);  // the one that is built in goes by its number
    again = series_model_unref(again);
    CHECK_OK(series_model_load(buf_str(&bytes), &again, &err), &err);
    CHECK(again->general == general_shipped());
    again = series_model_unref(again);
    bytes.ptr[bytes.len - 1] ^= 1;  // another one was built in then
    CHECK_OK(series_model_load(buf_str(&bytes), &again, &err), &err);
    CHECK(!again->general);
    series_model_unref(again);
    series_model_unref(third);
    series_model_unref(model);
    general_unref(calm);
    buf_free(&bytes);
    mem_free(value);
}

// -- What it is asked -----------------------------------------------------------------------------

typedef struct Cases {
    GeneralCase at[4096];
    uint32_t count;
} Cases;

static void hear(void *arg, int64_t ts_ms, double score, const GeneralCase *at) {
    Cases *cases = arg;
    CHECK(score >= GENERAL_ASKS);
    for (uint32_t f = 0; f < GENERAL_FEATURES; f++) CHECK(isfinite(at->x[f]));
    if (cases->count < 4096) cases->at[cases->count++] = *at;
}

static void listen_to(Cases *cases, const float *value, double scale, uint32_t weeks) {
    DetectEar ear = {hear, cases};
    LearnSettings settings = {
        .detect = {.step_ms = MINUTE, .direction = DETECT_BOTH, .sensitivity = DETECT_MIDDLE},
        .ear = &ear};
    Learner *learner = learner_new(&settings);
    for (uint32_t i = 0; i < 6 * DAY; i++) {
        DetectVerdict verdict;
        learner_push(learner, at_minute(weeks, i), scale * (double)value[i], &verdict);
    }
    learner_free(learner);
}

TEST(general, cases_have_no_unit_and_no_date) {
    float *value = restless(6, 1, 8);
    for (uint32_t i = 2 * DAY; i < 6 * DAY; i++) value[i] -= i % 307 < 4 ? 20 : 0;
    Cases *here = NEW(Cases), *large = NEW(Cases), *later = NEW(Cases);
    listen_to(here, value, 1, 0);
    listen_to(large, value, 1024, 0);
    listen_to(later, value, 1, 5);
    CHECK(here->count >= 4);
    CHECK_INT(here->count, large->count);
    CHECK_INT(here->count, later->count);
    CHECK(!memcmp(here->at, large->at, here->count * sizeof *here->at));
    CHECK(!memcmp(here->at, later->at, here->count * sizeof *here->at));
    mem_free(here);
    mem_free(large);
    mem_free(later);
    mem_free(value);
}
