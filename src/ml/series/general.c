// ml/series/general.c - the general network: asking it, its bytes, the one that is built in.
#include "ml/series/general.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/hash.h"
#include "ml/series/general_int.h"
#include "ml/series/general_weights.h"

enum { GENERAL_MAGIC = 0x314e4757, GENERAL_VERSION = 1, ONE_IS_BUILT_IN = 1, ONE_OF_ITS_OWN = 2 };

static const double STEEP = 0.12;  // how much of the bar a unit of the answer moves
static const float WEIGHT_MAX = 1e6F;

// -- Asking ---------------------------------------------------------------------------------------

void general_see(const GeneralWeights *weights, const GeneralCase *at,
                 float seen[GENERAL_FEATURES]) {
    for (uint32_t f = 0; f < GENERAL_FEATURES; f++) {
        float off = (at->x[f] - weights->mean[f]) * weights->inverse[f];
        seen[f] = off > GENERAL_FAR ? GENERAL_FAR : off < -GENERAL_FAR ? -GENERAL_FAR : off;
    }
}

float general_forward(const GeneralWeights *weights, const float *x, GeneralUnits *units) {
    float first[GENERAL_FIRST], second[GENERAL_SECOND];
    memcpy(first, weights->first_bias, sizeof first);
    memcpy(second, weights->second_bias, sizeof second);
    for (uint32_t i = 0; i < GENERAL_FEATURES; i++) {
        for (uint32_t o = 0; o < GENERAL_FIRST; o++) first[o] += x[i] * weights->first[i][o];
    }
    for (uint32_t o = 0; o < GENERAL_FIRST; o++) {
        first[o] = first[o] > 0 ? first[o] : GENERAL_LEAK * first[o];
    }
    for (uint32_t i = 0; i < GENERAL_FIRST; i++) {
        for (uint32_t o = 0; o < GENERAL_SECOND; o++) second[o] += first[i] * weights->second[i][o];
    }
    float answer = weights->last_bias;
    for (uint32_t o = 0; o < GENERAL_SECOND; o++) {
        second[o] = second[o] > 0 ? second[o] : GENERAL_LEAK * second[o];
        answer += second[o] * weights->last[o];
    }
    memcpy(units->first, first, sizeof first);
    memcpy(units->second, second, sizeof second);
    return answer;
}

void general_answers(const SeriesGeneral *net, const GeneralCase *at, uint32_t count,
                     float *answer) {
    GeneralUnits units;
    float seen[GENERAL_FEATURES];
    for (uint32_t i = 0; i < count; i++) {
        general_see(&net->weights, &at[i], seen);
        answer[i] = general_forward(&net->weights, seen, &units);
    }
}

static double bar_of(float answer) {
    if (!(fabsf(answer) < HUGE_VALF)) return 1;
    return fmax(GENERAL_LOW, fmin(GENERAL_HIGH, exp(-STEEP * (double)answer)));
}

double general_bar(const SeriesGeneral *net, const GeneralCase *at) {
    float answer;
    general_answers(net, at, 1, &answer);
    return bar_of(answer);
}

void general_bars(const SeriesGeneral *net, const GeneralCase *at, uint32_t count, float *bar) {
    general_answers(net, at, count, bar);
    for (uint32_t i = 0; i < count; i++) bar[i] = (float)bar_of(bar[i]);
}

// -- Life -----------------------------------------------------------------------------------------

SeriesGeneral *general_new(const GeneralWeights *weights) {
    SeriesGeneral *net = NEW(SeriesGeneral);
    atomic_store(&net->refs, 1);
    net->weights = *weights;
    net->number = hash_bytes(weights, sizeof *weights, 0);
    return net;
}

SeriesGeneral *general_ref(SeriesGeneral *net) {
    if (net) atomic_fetch_add(&net->refs, 1);
    return net;
}

SeriesGeneral *general_unref(SeriesGeneral *net) {
    if (net && atomic_fetch_sub(&net->refs, 1) == 1) mem_free(net);
    return NULL;
}

uint64_t general_number(const SeriesGeneral *net) {
    return net->number;
}

static SeriesGeneral *shipped;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load_shipped(void) {
    Str bytes = str_make((const char *)GENERAL_BUILT_IN, sizeof GENERAL_BUILT_IN);
    if (general_load(bytes, &shipped, NULL)) shipped = NULL;
}

SeriesGeneral *general_shipped(void) {
    (void)pthread_once(&once, load_shipped);
    return shipped;
}

// -- Bytes ----------------------------------------------------------------------------------------

static void code_weights(Codec *codec, GeneralWeights *weights) {
    float *weight = (float *)weights;
    for (uint32_t i = 0; i < GENERAL_WEIGHTS; i++) {
        uint32_t word;
        memcpy(&word, &weight[i], sizeof word);
        codec_u32(codec, &word);
        memcpy(&weight[i], &word, sizeof word);
        if (!(fabsf(weight[i]) <= WEIGHT_MAX)) codec_fail(codec, "a weight is out of range");
    }
}

static void code_file(Codec *codec, GeneralWeights *weights, uint64_t *number) {
    uint32_t magic = GENERAL_MAGIC, version = GENERAL_VERSION, features = GENERAL_FEATURES;
    codec_u32(codec, &magic);
    codec_u32(codec, &version);
    codec_u32(codec, &features);
    if (magic != GENERAL_MAGIC) codec_fail(codec, "it is no general network");
    if (version != GENERAL_VERSION) codec_fail(codec, "version %u is not known", version);
    if (features != GENERAL_FEATURES) codec_fail(codec, "it is one of %u features", features);
    code_weights(codec, weights);
    codec_u64(codec, number);
    if (codec_reads(codec) && *number != hash_bytes(weights, sizeof *weights, 0)) {
        codec_fail(codec, "its check sum is wrong");
    }
}

void general_save(const SeriesGeneral *net, Buf *out) {
    GeneralWeights weights = net->weights;
    uint64_t number = net->number;
    code_file(&(Codec){.out = out, .what = "the general network"}, &weights, &number);
}

Status general_load(Str bytes, SeriesGeneral **out, Error *err) {
    GeneralWeights *weights = NEW(GeneralWeights);
    uint64_t number = 0;
    Codec codec = {.in = bytes, .what = "the general network"};
    code_file(&codec, weights, &number);
    Status st = codec_end(&codec, err);
    if (!st) *out = general_new(weights);
    mem_free(weights);
    return st;
}

// Networks that models of this process have in common: one for each platform that has labels, so
// that thousands of models do not hold a copy each.
enum { COMMON_MAX = 64 };
static SeriesGeneral *common[COMMON_MAX];
static uint32_t common_at;
static pthread_mutex_t common_lock = PTHREAD_MUTEX_INITIALIZER;

// The one with such weights that is known already, or [net] from now on; takes [net] over.
static SeriesGeneral *in_common(SeriesGeneral *net) {
    (void)pthread_mutex_lock(&common_lock);
    SeriesGeneral *known = NULL;
    for (uint32_t i = 0; i < COMMON_MAX && !known; i++) {
        if (common[i] && common[i]->number == net->number) known = general_ref(common[i]);
    }
    if (!known) {
        uint32_t at = common_at++ % COMMON_MAX;
        (void)general_unref(common[at]);
        common[at] = general_ref(net);
    }
    (void)pthread_mutex_unlock(&common_lock);
    if (!known) return net;
    (void)general_unref(net);
    return known;
}

void general_code(Codec *codec, SeriesGeneral **net) {
    const SeriesGeneral *built_in = general_shipped();
    bool same = *net && built_in && (*net)->number == built_in->number;
    uint8_t kind = !*net ? 0 : same ? ONE_IS_BUILT_IN : ONE_OF_ITS_OWN;
    uint64_t number = same ? built_in->number : 0;
    codec_u8(codec, &kind);
    if (kind > ONE_OF_ITS_OWN) codec_fail(codec, "its general network is of no known kind");
    if (codec->failed || !kind) return;
    if (kind == ONE_IS_BUILT_IN) {
        codec_u64(codec, &number);
        if (!codec_reads(codec) || codec->failed) return;
        if (built_in && number == built_in->number) *net = general_ref(general_shipped());
        return;
    }
    GeneralWeights *weights = NEW(GeneralWeights);
    if (!codec_reads(codec)) *weights = (*net)->weights, number = (*net)->number;
    code_file(codec, weights, &number);
    if (codec_reads(codec) && !codec->failed) *net = in_common(general_new(weights));
    mem_free(weights);
}
