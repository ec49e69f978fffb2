// The speed of what judges one metric after the other, on one core: nanoseconds a point, and
// milliseconds a look at a history's spectrum. The points are a day's wave, noise and some bursts.
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "ml/random.h"
#include "ml/series/detect.h"
#include "ml/series/novelty.h"
#include "ml/series/spectrum.h"
#include "ml/series/tail.h"

enum { MINUTE = 60000, POINTS = 60480, METRICS = 64, DAY = 1440 };

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void row(const char *name, double ns, const char *unit, size_t bytes) {
    printf("%-44s %9.1f %-9s", name, ns, unit);
    if (bytes) printf(" %8zu bytes", bytes);
    printf("\n");
}

static void fill(float *value, uint32_t day) {
    Rng rng = rng_make(1, day);
    for (uint32_t i = 0; i < POINTS; i++) {
        double phase = 6.28318530717958648 * (i % day) / day;
        double burst = rng_below(&rng, 2000) ? 0 : 40;
        value[i] = (float)(50 + 20 * sin(phase) + 3 * rng_normal(&rng) + burst);
    }
}

// Metric by metric, as a stream brings them: the state of each comes from far away.
static void bench_novelty(const char *name, const float *value, uint32_t day) {
    Novelty *novelty[METRICS];
    NoveltyReading seen;
    double sum = 0;
    uint32_t points = POINTS / 8;
    for (uint32_t m = 0; m < METRICS; m++) novelty[m] = novelty_new(day);
    double begin = seconds();
    for (uint32_t i = 0; i < points; i++) {
        for (uint32_t m = 0; m < METRICS; m++) {
            novelty_push(novelty[m], (double)value[i], &seen);
            sum += seen.surprise;
        }
    }
    double ns = (seconds() - begin) * 1e9 / points / METRICS;
    row(name, ns, "ns/point", novelty_bytes(novelty[0]));
    for (uint32_t m = 0; m < METRICS; m++) novelty_free(novelty[m]);
    if (isnan(sum)) printf("not a number\n");
}

static void bench_detector(const char *name, const float *value, DetectDirection direction,
                           SeriesModel *model) {
    DetectSettings settings = {.step_ms = MINUTE, .direction = direction};
    Detector *detector = detector_new(&settings);
    DetectVerdict verdict;
    if (model) detector_use(detector, model);
    double begin = seconds();
    for (uint32_t i = 0; i < POINTS; i++) {
        detector_push(detector, (int64_t)i * MINUTE, (double)value[i], &verdict);
    }
    row(name, (seconds() - begin) * 1e9 / POINTS, "ns/point", detector_bytes(detector));
    detector_free(detector);
}

// Judgements of the general network, a thousand metrics' at once; and what its say costs a stream.
static void bench_general(const SeriesHistory *history, SeriesModel *model) {
    enum { CASES = 1000, ROUNDS = 200 };
    GeneralCase *at = NEW_ARRAY(GeneralCase, CASES);
    float *bar = NEW_ARRAY(float, CASES), sum = 0;
    Rng rng = rng_make(2, 1);
    for (uint32_t i = 0; i < CASES; i++) {
        for (uint32_t f = 0; f < GENERAL_FEATURES; f++) at[i].x[f] = (float)rng_normal(&rng);
    }
    double begin = seconds();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        general_bars(general_shipped(), at, CASES, bar);
        sum += bar[i];
    }
    row("general network, 1000 judgements at once", (seconds() - begin) * 1e9 / ROUNDS / CASES,
        "ns each", GENERAL_WEIGHTS * sizeof(float));
    if (isnan(sum)) printf("not a number\n");
    SeriesHistory with = *history;
    SeriesModel *other;
    with.general = general_shipped();
    begin = seconds();
    if (!series_train(&with, &other, NULL)) {
        row("training, the general network tried", (seconds() - begin) * 1e3, "ms",
            series_model_bytes(other));
        bench_detector("detector with a model and the network", history->value, DETECT_BOTH, other);
        series_model_unref(other);
    }
    mem_free(at);
    mem_free(bar);
}

int main(void) {
    static float minutes[POINTS], fives[POINTS];
    fill(minutes, DAY);
    fill(fives, DAY / 5);

    SeriesTail tail = {0};
    double begin = seconds(), sum = 0;
    for (uint32_t i = 0; i < POINTS; i++)
        sum += series_tail_push(&tail, fabs((double)fives[i] - 50));
    row("tail probability", (seconds() - begin) * 1e9 / POINTS, "ns/point", sizeof tail);

    bench_novelty("novelty, hours", fives, 24);
    bench_novelty("novelty, five minutes", fives, DAY / 5);
    bench_novelty("novelty, minutes", minutes, DAY);

    SpectrumLook look;
    begin = seconds();
    spectrum_look(minutes, POINTS, DAY, &look);
    row("spectrum of six weeks of minutes", (seconds() - begin) * 1e3, "ms", 0);

    SeriesHistory history = {.step_ms = MINUTE, .value = minutes, .count = POINTS};
    SeriesModel *model;
    Error err = {0};
    begin = seconds();
    if (series_train(&history, &model, &err)) {
        printf("%s\n", err.message);
        return 1;
    }
    row("training on six weeks of minutes", (seconds() - begin) * 1e3, "ms",
        series_model_bytes(model));
    bench_general(&history, model);
    bench_detector("detector with a model, both directions", minutes, DETECT_BOTH, model);
    bench_detector("detector with a model, any direction", minutes, DETECT_ANY, model);
    series_model_unref(model);
    return sum < 0;
}
