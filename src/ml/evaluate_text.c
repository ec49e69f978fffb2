// ml/evaluate_text.c - how alike two texts or two vectors are.
#include <math.h>

#include "ml/evaluate_int.h"

enum { WORDS_MAX = 4096, GRAM_MAX = 4 };

// The words of a text: runs without white space.
static uint32_t words_of(Str text, Str *word) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < text.len && count < WORDS_MAX;) {
        while (at < text.len && (unsigned char)text.ptr[at] <= ' ') at++;
        uint32_t from = at;
        while (at < text.len && (unsigned char)text.ptr[at] > ' ') at++;
        if (at > from) word[count++] = str_sub(text, from, at - from);
    }
    return count;
}

static bool same_gram(const Str *a, const Str *b, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (!str_eq(a[i], b[i])) return false;
    }
    return true;
}

// Runs of [n] words that both have, each as often as in both.
static uint32_t common_grams(const Str *a, uint32_t a_count, const Str *b, uint32_t b_count,
                             uint32_t n, bool *used) {
    uint32_t hits = 0;
    memset(used, 0, b_count * sizeof *used);
    for (uint32_t i = 0; i + n <= a_count; i++) {
        for (uint32_t j = 0; j + n <= b_count; j++) {
            if (used[j] || !same_gram(a + i, b + j, n)) continue;
            used[j] = true;
            hits++;
            break;
        }
    }
    return hits;
}

// Papineni and others, 2002, of one sentence, a run that never occurs smoothed (Chen, Cherry 2014).
static double bleu(const Str *truth, uint32_t truths, const Str *said, uint32_t words, bool *used) {
    if (!words || !truths) return words == truths;
    double sum = 0, smooth = 1;
    uint32_t orders = words < GRAM_MAX ? words : GRAM_MAX;
    for (uint32_t n = 1; n <= orders; n++) {
        double hits = common_grams(said, words, truth, truths, n, used);
        if (hits == 0) hits = 1 / (smooth *= 2);
        sum += log(hits / (words - n + 1));
    }
    double brief = words < truths ? exp(1 - (double)truths / words) : 1;
    return brief * exp(sum / orders);
}

static double f1(double hits, double a, double b) {
    return a + b > 0 ? 2 * hits / (a + b) : 1;
}

static uint32_t common_sequence(const Str *a, uint32_t a_count, const Str *b, uint32_t b_count,
                                uint32_t *length) {
    memset(length, 0, (b_count + 1) * sizeof *length);
    for (uint32_t i = 0; i < a_count; i++) {
        uint32_t corner = 0;
        for (uint32_t j = 0; j < b_count; j++) {
            uint32_t above = length[j + 1];
            if (str_eq(a[i], b[j])) length[j + 1] = corner + 1;
            else if (length[j] > above) length[j + 1] = length[j];
            corner = above;
        }
    }
    return length[b_count];
}

void text_similarity(Str actual, Str predicted, double out[EVAL_MEANS_MAX]) {
    Str *truth = NEW_ARRAY(Str, 2 * WORDS_MAX), *said = truth + WORDS_MAX;
    uint32_t *length = NEW_ARRAY(uint32_t, WORDS_MAX + 1);
    bool *used = NEW_ARRAY(bool, WORDS_MAX);
    uint32_t truths = words_of(actual, truth), words = words_of(predicted, said);
    out[0] = bleu(truth, truths, said, words, used);
    out[1] = f1(common_grams(said, words, truth, truths, 1, used), truths, words);
    out[2] = f1(common_sequence(truth, truths, said, words, length), truths, words);
    out[3] = str_eq(str_trim(actual), str_trim(predicted));
    mem_free(truth);
    mem_free(length);
    mem_free(used);
}

void vector_similarity(const double *a, const double *b, uint32_t width,
                       double out[EVAL_MEANS_MAX]) {
    double ab = 0, aa = 0, bb = 0, least = 0, most = 0, squares = 0;
    for (uint32_t i = 0; i < width; i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        least += fmin(fabs(a[i]), fabs(b[i]));
        most += fmax(fabs(a[i]), fabs(b[i]));
        squares += (a[i] - b[i]) * (a[i] - b[i]);
    }
    out[0] = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
    out[1] = most > 0 ? least / most : 1;
    out[2] = sqrt(squares);
    out[3] = 0;
}
