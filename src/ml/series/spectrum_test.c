// Kinds of series, and their periods.
#include <math.h>

#include "ml/random.h"
#include "ml/series/series_int.h"
#include "ml/series/spectrum.h"
#include "test/unit.h"

enum { COUNT = 5000 };

typedef enum Made { FLAT, NOISE, WAVES, SAW, TWO_PEAKS, WALK, BURSTS, MADE } Made;

static float *made(Made what, uint32_t period, double noise, uint64_t seed) {
    Rng rng = rng_make(seed, what);
    float *value = NEW_ARRAY(float, COUNT);
    double walk = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        double phase = (double)(i % period) / period, at = noise * rng_normal(&rng);
        walk += rng_normal(&rng);
        switch (what) {
            case FLAT: at = 3; break;
            case NOISE: break;
            case WAVES: at += sin(6.283185307 * phase); break;
            case SAW: at += phase; break;
            case TWO_PEAKS: at += phase < 0.1 ? 1 : phase >= 0.5 && phase < 0.6 ? 0.6 : 0; break;
            case WALK: at += walk; break;
            default: at = rng_below(&rng, 40) ? 0.01 * fabs(at) : 5 + 5 * fabs(rng_normal(&rng));
        }
        value[i] = (float)(20 + at);
    }
    return value;
}

static SpectrumLook look(float *value, uint32_t likely) {
    SpectrumLook seen;
    spectrum_look(value, COUNT, likely, &seen);
    mem_free(value);
    return seen;
}

TEST(spectrum, kinds_are_told_apart) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        CHECK_INT(look(made(FLAT, 9, 1, seed), 288).kind, SERIES_CONSTANT);
        CHECK_INT(look(made(NOISE, 9, 1, seed), 288).kind, SERIES_STATIONARY);
        CHECK_INT(look(made(WAVES, 60, 0.5, seed), 288).kind, SERIES_PERIODIC);
        CHECK_INT(look(made(WALK, 9, 1, seed), 288).kind, SERIES_APERIODIC);
        CHECK_INT(look(made(BURSTS, 9, 1, seed), 288).kind, SERIES_SPIKY);
    }
}

TEST(spectrum, periods_are_found) {
    static const uint32_t PERIOD[] = {5, 12, 37, 144, 290, 1000};
    for (uint32_t i = 0; i < sizeof PERIOD / sizeof *PERIOD; i++) {
        for (Made what = WAVES; what <= TWO_PEAKS; what++) {
            if (what == TWO_PEAKS && PERIOD[i] < 12) continue;
            SpectrumLook seen = look(made(what, PERIOD[i], 0.05, 9), 0);
            CHECK_INT(seen.kind, SERIES_PERIODIC);
            double off = fabs((double)seen.period - PERIOD[i]);  // few cycles tell it less well
            CHECK(off <= (PERIOD[i] < 500 ? 1 : 10));
            CHECK(seen.seasonal > 0.5);
        }
    }
}

TEST(spectrum, a_day_explains_half_a_day) {
    SpectrumLook seen = look(made(WAVES, 144, 0.2, 4), 288);
    CHECK_INT(seen.period, 288);
    CHECK_INT(look(made(NOISE, 144, 0.2, 4), 288).period, 0);
}

TEST(spectrum, gaps_and_outliers_hide_no_period) {
    float *value = made(WAVES, 48, 0.2, 2);
    for (uint32_t i = 700; i < 900; i++) value[i] = NAN;
    for (uint32_t i = 0; i < COUNT; i += 13) value[i] = NAN;
    for (uint32_t i = 5; i < COUNT; i += 401) value[i] = 1e6f;
    SpectrumLook seen = look(value, 0);
    CHECK(seen.period >= 47 && seen.period <= 49);
}

TEST(spectrum, too_little_says_nothing) {
    float *value = made(WAVES, 48, 0.2, 2);
    SpectrumLook seen;
    spectrum_look(value, 20, 288, &seen);
    CHECK_INT(seen.period, 0);
    for (uint32_t i = 0; i < COUNT; i++) value[i] = NAN;
    seen = look(value, 288);
    CHECK_INT(seen.kind, SERIES_CONSTANT);
}

TEST(spectrum, floats_are_sorted_few_and_many) {
    static const uint32_t COUNTS[] = {0, 1, 100, 40000};
    Rng rng = rng_make(3, 3);
    for (uint32_t c = 0; c < 4; c++) {
        float *value = NEW_ARRAY(float, COUNTS[c] + 1);
        double sum = 0;
        for (uint32_t i = 0; i < COUNTS[c]; i++) {
            value[i] = rintf((float)rng_normal(&rng) * 1000) * (i % 3 ? 1 : 1e20f);
            sum += (double)value[i];
        }
        series_sort(value, COUNTS[c]);
        for (uint32_t i = 1; i < COUNTS[c]; i++) CHECK(value[i - 1] <= value[i]);
        for (uint32_t i = 0; i < COUNTS[c]; i++) sum -= (double)value[i];
        CHECK(fabs(sum) < 1e18);
        mem_free(value);
    }
}
