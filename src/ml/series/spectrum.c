// ml/series/spectrum.c - periods: hints of the spectrum, hills of the autocorrelation, and folding.
#include "ml/series/spectrum.h"

#include <math.h>

#include "ml/series/series_int.h"

enum { HINTS = 12, TRIES = 8, PERIODS_MIN = 3, BLOCKS = 16, POINTS_MIN = 32 };
static const double CUT = 3;             // spreads of the middle 90 % from the median
static const double CORRELATED = 0.2;    // the least that a period is worth looking at
static const double AS_GOOD = 0.03;      // of the variance less: then the shorter one is the period
static const double PERIODIC = 0.25, SLOW = 0.5;    // shares of the variance
static const double FLOOR = 0.05, BURST = 0.3;      // of the range: spiky

// -- Cleaning -------------------------------------------------------------------------------------

// Those that are there, in order; 0 and NULL if none is.
static uint32_t sorted_of(const float *value, uint32_t count, float **out) {
    uint32_t there = 0;
    float *sorted = NEW_ARRAY(float, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!isnan(value[i])) sorted[there++] = value[i];
    }
    series_sort(sorted, there);
    *out = sorted;
    return there;
}

static double rank(const float *sorted, uint32_t count, double share) {
    return (double)sorted[(uint32_t)(share * (count - 1) + 0.5)];
}

static void bridge(const float *value, uint32_t count, double low, double high, double *out) {
    uint32_t last = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(value[i])) continue;
        out[i] = fmax(low, fmin(high, (double)value[i]));
        uint32_t from = last == UINT32_MAX ? 0 : last + 1;
        double begin = last == UINT32_MAX ? out[i] : out[last];
        for (uint32_t j = from; j < i; j++) {
            out[j] = begin + (out[i] - begin) * (j - from + 1) / (i - from + 1);
        }
        last = i;
    }
    for (uint32_t j = last + 1; j < count; j++) out[j] = out[last];
}

static void detrend(double *value, uint32_t count) {
    double mean = 0, slope = 0, middle = (count - 1) / 2.0, square = 0;
    for (uint32_t i = 0; i < count; i++) mean += value[i];
    mean /= count;
    for (uint32_t i = 0; i < count; i++) {
        slope += (i - middle) * (value[i] - mean);
        square += (i - middle) * (i - middle);
    }
    slope = square > 0 ? slope / square : 0;
    for (uint32_t i = 0; i < count; i++) value[i] -= mean + slope * (i - middle);
}

bool spectrum_clean(const float *value, uint32_t count, double *out) {
    float *sorted;
    uint32_t there = sorted_of(value, count, &sorted);
    if (there) {
        double middle = rank(sorted, there, 0.5);
        double spread = rank(sorted, there, 0.95) - rank(sorted, there, 0.05);
        if (spread <= 0) spread = (double)sorted[there - 1] - (double)sorted[0];
        bridge(value, count, middle - CUT * spread, middle + CUT * spread, out);
        detrend(out, count);
    }
    mem_free(sorted);
    return there > 0;
}

double spectrum_fold(const double *value, uint32_t count, uint32_t period, double *phase) {
    if (period < 2 || count < 2 * period) return 0;
    double *sum = NEW_ARRAY(double, period), total = 0, all = 0, left = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum[i % period] += value[i];
        total += value[i];
    }
    double mean = total / count;
    for (uint32_t k = 0; k < period; k++) sum[k] /= (count - k + period - 1) / period;
    for (uint32_t i = 0; i < count; i++) {
        all += (value[i] - mean) * (value[i] - mean);
        left += (value[i] - sum[i % period]) * (value[i] - sum[i % period]);
    }
    for (uint32_t k = 0; phase && k < period; k++) phase[k] = sum[k] - mean;
    mem_free(sum);
    if (all <= 0) return 0;
    return fmax(0, 1 - left / (count - period) / (all / (count - 1)));
}

// -- Spectrum -------------------------------------------------------------------------------------

typedef struct Wave {
    double re, im;
} Wave;

// In place, [count] a power of two.
static void transform(Wave *wave, uint32_t count) {
    for (uint32_t i = 1, j = 0; i < count; i++) {
        uint32_t bit = count >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i >= j) continue;
        Wave swap = wave[i];
        wave[i] = wave[j];
        wave[j] = swap;
    }
    Wave *turn = NEW_ARRAY(Wave, count / 2 + 1);
    for (uint32_t i = 0; i < count / 2; i++) {
        double angle = -2 * 3.14159265358979323846 * i / count;
        turn[i] = (Wave){cos(angle), sin(angle)};
    }
    for (uint32_t size = 2; size <= count; size *= 2) {
        uint32_t half = size / 2, step = count / size;
        for (uint32_t from = 0; from < count; from += size) {
            for (uint32_t k = 0; k < half; k++) {
                Wave *a = &wave[from + k], *b = &wave[from + k + half], w = turn[k * step];
                Wave t = {b->re * w.re - b->im * w.im, b->re * w.im + b->im * w.re};
                *b = (Wave){a->re - t.re, a->im - t.im};
                *a = (Wave){a->re + t.re, a->im + t.im};
            }
        }
    }
    mem_free(turn);
}

typedef struct Spectrum {
    uint32_t size;     // of the transform
    double *power;     // [size / 2]
    double *correlated;  // autocorrelation, [count]
} Spectrum;

static void spectrum_of(const double *value, uint32_t count, Spectrum *out) {
    uint32_t size = 1;
    while (size < 2 * count) size *= 2;
    Wave *wave = NEW_ARRAY(Wave, size);
    for (uint32_t i = 0; i < count; i++) wave[i].re = value[i];
    transform(wave, size);
    out->size = size;
    out->power = NEW_ARRAY(double, size / 2);
    out->correlated = NEW_ARRAY(double, count);
    for (uint32_t i = 0; i < size; i++) {
        wave[i] = (Wave){wave[i].re * wave[i].re + wave[i].im * wave[i].im, 0};
        if (i < size / 2) out->power[i] = wave[i].re;
    }
    transform(wave, size);
    // Not all lags have as many pairs.
    for (uint32_t i = 0; i < count && wave[0].re > 0; i++) {
        out->correlated[i] = wave[i].re / wave[0].re * count / (count - i);
    }
    mem_free(wave);
}

// The hill of the autocorrelation between two lags; 0 if its top is at an end: then it is a slope.
static uint32_t hill(const Spectrum *spectrum, uint32_t from, uint32_t to) {
    uint32_t top = from;
    for (uint32_t lag = from; lag <= to; lag++) {
        if (spectrum->correlated[lag] > spectrum->correlated[top]) top = lag;
    }
    return top > from && top < to ? top : 0;
}

// The frequency with the most power, which it loses, and its neighbours with it.
static uint32_t next_hint(Spectrum *spectrum) {
    uint32_t best = 0, leak = 2;
    for (uint32_t i = 1; i < spectrum->size / 2; i++) {
        if (spectrum->power[i] > (best ? spectrum->power[best] : 0)) best = i;
    }
    for (uint32_t i = best > leak ? best - leak : 0; i <= best + leak && i < spectrum->size / 2;
         i++)
        spectrum->power[i] = 0;
    return best;
}

// Folding knows the period better than a noisy hill does: the best of those that the hint's width
// leaves open, in as many steps as the number of its cycles can tell apart.
static uint32_t refine(const double *value, uint32_t count, uint32_t top, double width,
                       double *share) {
    uint32_t most = width < TRIES ? (uint32_t)width + 1 : TRIES, best = 0;
    for (uint32_t i = 0; i <= 2 * most; i++) {
        double lag = top + ((double)i - most) * fmax(1, width / TRIES);
        if (lag < 2 || lag > count / 2.0) continue;
        double here = spectrum_fold(value, count, (uint32_t)lag, NULL);
        if (best && here <= *share) continue;
        *share = here;
        best = (uint32_t)lag;
    }
    return best;
}

static uint32_t period_of(const double *value, uint32_t count, double *share) {
    Spectrum spectrum;
    uint32_t most = count / PERIODS_MIN, best = 0;
    if (most > SERIES_PERIOD_MAX) most = SERIES_PERIOD_MAX;
    *share = 0;
    spectrum_of(value, count, &spectrum);
    for (uint32_t i = 0; i < HINTS; i++) {
        uint32_t at = next_hint(&spectrum);
        if (!at) break;
        double period = (double)spectrum.size / at, width = period * period / count, here = 0;
        double from = fmax(1, floor(period - width) - 1), to = ceil(period + width) + 1;
        if (to > most || period < 2) continue;
        uint32_t top = hill(&spectrum, (uint32_t)from, (uint32_t)to);
        if (!top || spectrum.correlated[top] < CORRELATED) continue;
        top = refine(value, count, top, width, &here);
        // Twice the period explains as much; half of it, if that is the period.
        bool shorter = top < best && here > *share - AS_GOOD;
        if (best && !shorter && here <= *share + (top > best ? AS_GOOD : 0)) continue;
        best = top;
        *share = here;
    }
    mem_free(spectrum.power);
    mem_free(spectrum.correlated);
    return best;
}

// -- Classes --------------------------------------------------------------------------------------

// Bursts over a floor: nearly all points lie within a small part of the range.
static bool spiky(const float *sorted, uint32_t count) {
    double low = rank(sorted, count, 0.05), range = rank(sorted, count, 0.995) - low;
    return range > 0 && rank(sorted, count, 0.5) - low <= FLOOR * range &&
           rank(sorted, count, 0.9) - low <= BURST * range;
}

static double slow_share(const double *value, uint32_t count, uint32_t period,
                         const double *phase) {
    double all = 0, between = 0;
    for (uint32_t block = 0; block < BLOCKS; block++) {
        uint32_t from = (uint32_t)((uint64_t)count * block / BLOCKS);
        uint32_t to = (uint32_t)((uint64_t)count * (block + 1) / BLOCKS);
        double mean = 0;
        for (uint32_t i = from; i < to; i++) {
            double left = value[i] - (period ? phase[i % period] : 0);
            mean += left;
            all += left * left;
        }
        mean /= to - from;
        between += mean * mean * (to - from);
    }
    return all > 0 ? between / all : 0;
}

void spectrum_look(const float *value, uint32_t count, uint32_t likely, SpectrumLook *out) {
    *out = (SpectrumLook){.kind = SERIES_STATIONARY};
    float *sorted;
    uint32_t there = sorted_of(value, count, &sorted);
    bool constant = !there || rank(sorted, there, 0.005) == rank(sorted, there, 0.995);
    bool bursts = there && spiky(sorted, there);
    mem_free(sorted);
    if (constant) out->kind = SERIES_CONSTANT;
    if (constant || there < POINTS_MIN || there < count / 4) return;

    double *clean = NEW_ARRAY(double, count);
    (void)spectrum_clean(value, count, clean);
    double seasonal;
    uint32_t period = period_of(clean, count, &seasonal);
    double share = count / PERIODS_MIN >= likely ? spectrum_fold(clean, count, likely, NULL) : 0;
    // Twelve hours are half a day: a day explains all that they do.
    if (share >= seasonal - 0.05) seasonal = share, period = likely;
    if (seasonal >= PERIODIC) {
        out->period = period;
        out->seasonal = seasonal;
    }
    double *phase = NEW_ARRAY(double, out->period + 1);
    (void)spectrum_fold(clean, count, out->period, phase);
    out->slow = slow_share(clean, count, out->period, phase);
    if (out->period) out->kind = SERIES_PERIODIC;
    else if (bursts) out->kind = SERIES_SPIKY;
    else if (out->slow >= SLOW) out->kind = SERIES_APERIODIC;
    mem_free(phase);
    mem_free(clean);
}
