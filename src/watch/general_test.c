// A platform's labels and its general network: what they teach, and the file that is kept.
#include <math.h>

#include "ml/random.h"
#include "test/unit.h"
#include "watch/general.h"

enum { MINUTE = 60000, DAY = 1440, LABELS = 24, BEGIN_DAY = 20150 };

static int64_t at(uint32_t minute) {
    return (int64_t)BEGIN_DAY * SERIES_DAY_MS + (int64_t)minute * MINUTE;
}

static float *wave(uint32_t days, uint64_t seed) {
    Rng rng = rng_make(seed, 1);
    float *value = NEW_ARRAY(float, days *DAY);
    for (uint32_t i = 0; i < days * DAY; i++) {
        double mean = 50 + 20 * sin(6.283185307179586 * (i % DAY) / DAY);
        value[i] = (float)(mean + 2 * rng_normal(&rng));
    }
    return value;
}

// Dips of seven minutes at some time of a day, which somebody has called this or that.
static void tell(GeneralTold *told, SeriesModel *model, uint64_t seed, bool incident) {
    Rng rng = rng_make(seed, 2);
    float *value = wave(3, seed);
    uint32_t from = 2 * DAY + 300 + rng_below(&rng, 800);
    for (uint32_t i = from; i < from + 7; i++) value[i] -= 4.5F;
    *told = (GeneralTold){
        .settings = {.step_ms = MINUTE, .direction = DETECT_DROP, .sensitivity = DETECT_MIDDLE},
        .model = series_model_ref(model),
        .value = value,
        .count = 3 * DAY,
        .from_ms = at(14 * DAY),
        .begin_ms = at(14 * DAY + from),
        .end_ms = at(14 * DAY + from + 7),
        .incident = incident};
}

// The mean of what is asked of a network in such dips.
typedef struct Asked {
    const SeriesGeneral *net;
    const GeneralTold *told;
    double bar, count;
} Asked;

static void hear(void *arg, int64_t ts_ms, double score, const GeneralCase *at_case) {
    Asked *self = arg;
    if (ts_ms < self->told->begin_ms || ts_ms > self->told->end_ms) return;
    self->bar += general_bar(self->net, at_case), self->count++;
}

static double bar_of(const SeriesGeneral *net, const GeneralTold *told) {
    Asked asked = {.net = net, .told = told};
    DetectEar ear = {hear, &asked};
    Detector *detector = detector_new(&told->settings);
    detector_listen(detector, &ear);
    detector_use(detector, told->model);
    for (uint32_t i = 0; i < told->count; i++) {
        DetectVerdict verdict;
        detector_push(detector, told->from_ms + (int64_t)i * MINUTE, (double)told->value[i],
                      &verdict);
    }
    detector_free(detector);
    return asked.count > 0 ? asked.bar / asked.count : 1;
}

TEST(watch_general, labels_of_a_platform_move_the_bar_for_their_like_on_every_metric) {
    float *history = wave(14, 99);
    SeriesHistory all = {.from_ms = at(0), .step_ms = MINUTE, .value = history, .count = 14 * DAY};
    SeriesModel *model = NULL;
    Error err = {0};
    CHECK_OK(series_train(&all, &model, &err), &err);
    double bar[2];
    for (int incident = 0; incident < 2; incident++) {
        GeneralTold told[LABELS], other;
        double loss[2] = {0};
        for (uint32_t i = 0; i < LABELS; i++) tell(&told[i], model, i + 1, incident);
        tell(&other, model, 1000, incident);
        // In use is what was taught the contrary: that is to be found out.
        SeriesGeneral *net = general_learned(told, LABELS, general_shipped(), loss);
        bar[incident] = bar_of(net ? net : general_shipped(), &other);
        if (net) CHECK(loss[1] < loss[0]);
        general_unref(net);
        for (uint32_t i = 0; i < LABELS; i++) {
            series_model_unref(told[i].model);
            mem_free(told[i].value);
        }
        series_model_unref(other.model);
        mem_free(other.value);
    }
    CHECK(bar[0] > bar[1] + 0.1);
    series_model_unref(model);
    mem_free(history);
}

TEST(watch_general, a_platform_s_file_is_read_whole_or_not_at_all) {
    GeneralFacts facts = {.number = 3, .labels = 40, .loss = {0.5, 0.25}}, read;
    SeriesGeneral *net = NULL;
    int64_t last = 0;
    Buf bytes = {0};
    Error err = {0};
    general_file_save(general_shipped(), &facts, 77, &bytes);
    CHECK_OK(general_file_load(buf_str(&bytes), &net, &read, &last, &err), &err);
    CHECK(general_number(net) == general_number(general_shipped()));
    CHECK_INT(read.number, 3);
    CHECK_INT(read.labels, 40);
    CHECK(read.loss[1] == 0.25);
    CHECK_INT(last, 77);
    net = general_unref(net);
    for (uint32_t len = 0; len < bytes.len; len += 53) {
        CHECK(general_file_load(str_make(bytes.ptr, len), &net, &read, &last, &err));
        CHECK(!net);
    }
    buf_free(&bytes);
}
