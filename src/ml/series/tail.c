// ml/series/tail.c - bins for the body, an exponential for the tail.
#include "ml/series/tail.h"

#include <math.h>

enum {
    AGAIN = 16,              // quantities between two looks for the percentile
    SEEN_MAX = 1 << 15,      // then all bins are halved: they fit 16 bits, and the past fades
    RECENT = 50,             // excesses in their mean
    PRIOR = 5,               // excesses that the guess stands for
};
static const double BODY = 0.98;
static const double EXCESS_MAX = 20;  // times the mean

// Which quarter octave, counted from 16 octaves below the unit. By comparison, not logarithm: the
// same on every machine.
static uint32_t bin_of(const SeriesTail *tail, double quantity) {
    if (!(quantity > 0)) return 0;
    int exponent;
    double part = frexp(quantity / tail->unit, &exponent);
    int quarter = part < 0.59460355750136051 ? 0 : part < 0.70710678118654757 ? 1
                  : part < 0.84089641525371450 ? 2 : 3;
    int bin = 4 * exponent + quarter + TAIL_BINS / 2;
    return bin < 1 ? 1 : bin >= TAIL_BINS ? TAIL_BINS - 1 : (uint32_t)bin;
}

// Bin 0 holds nothing but zeros.
static double quantile(const SeriesTail *tail, double share) {
    static const double STEP = 0.18920711500272103;  // 2^(1/4) - 1
    double rank = share * (double)(tail->seen - 1), below = 0;
    for (uint32_t bin = 0; bin < TAIL_BINS; bin++) {
        double here = tail->bin[bin];
        if (below + here > rank) {
            if (!bin) return 0;
            int octaves = ((int)bin - TAIL_BINS / 2) / 4, quarter = ((int)bin - TAIL_BINS / 2) % 4;
            if (quarter < 0) quarter += 4, octaves--;
            double low = ldexp(tail->unit / 2, octaves);
            for (int i = 0; i < quarter; i++) low *= 1 + STEP;
            return low * (1 + STEP * (rank - below + 0.5) / here);
        }
        below += here;
    }
    return 0;
}

static void learn(SeriesTail *tail, double quantity) {
    if (tail->unit <= 0 && quantity > 0) tail->unit = quantity;
    uint32_t bin = bin_of(tail, quantity);
    tail->bin[bin]++;
    tail->seen++;
    if (tail->seen < SEEN_MAX) return;
    tail->seen = 0;
    for (uint32_t i = 0; i < TAIL_BINS; i++) tail->seen += tail->bin[i] /= 2;
}

static double judge(SeriesTail *tail, double quantity) {
    if (tail->judged % AGAIN == 0) {
        tail->from = quantile(tail, BODY);
        tail->guess = (tail->from - quantile(tail, 0.5)) / log(0.5 / (1 - BODY));
    }
    double chance = (tail->beyond + 2) / (tail->judged + 2 / (1 - BODY));
    double mean = (tail->excess * tail->weight + tail->guess * PRIOR) / (tail->weight + PRIOR);
    double answer = 0;
    tail->judged++;
    if (quantity > tail->from) {
        double excess = quantity - tail->from;
        if (mean <= 0) mean = tail->from > 0 ? tail->from / 10 : excess / EXCESS_MAX;
        answer = -log10(fmin(chance, 1)) + excess / mean / log(10);
        if (excess > EXCESS_MAX * mean) excess = EXCESS_MAX * mean;
        tail->beyond++;
        if (tail->weight < RECENT) tail->weight++;
        tail->excess += (excess - tail->excess) / tail->weight;
    } else if (tail->from > 0) {
        answer = quantity / tail->from * -log10(1 - BODY) / 2;
    }
    return fmin(answer, TAIL_MAX);
}

double series_tail_push(SeriesTail *tail, double quantity) {
    double answer = tail->seen >= TAIL_LEARN || tail->judged ? judge(tail, quantity) : 0;
    learn(tail, quantity);
    return answer;
}

void series_tail_code(Codec *codec, SeriesTail *tail) {
    codec_f64(codec, &tail->unit);
    tail->seen = codec_reads(codec) ? 0 : tail->seen;
    for (uint32_t i = 0; i < TAIL_BINS; i++) {
        uint32_t count = tail->bin[i];
        codec_u32(codec, &count);
        if (count >= SEEN_MAX) codec_fail(codec, "a count is too large"), count = 0;
        tail->bin[i] = (uint16_t)count;
        if (codec_reads(codec)) tail->seen += count;
    }
    codec_u32(codec, &tail->judged);
    codec_u32(codec, &tail->beyond);
    codec_f64(codec, &tail->from);
    codec_f64(codec, &tail->guess);
    codec_f64(codec, &tail->excess);
    codec_f64(codec, &tail->weight);
    const double number[] = {tail->unit, tail->from, tail->guess, tail->excess, tail->weight};
    for (uint32_t i = 0; i < sizeof number / sizeof *number; i++) {
        if (!(number[i] >= 0 && number[i] < HUGE_VAL))
            codec_fail(codec, "a tail's number is wrong");
    }
}
