// ml/series/model.c - a trained metric: its profile at a moment, saving and loading.
#include "ml/series/model.h"

#include <stdatomic.h>

#include "ml/series/net.h"
#include "ml/series/series_int.h"

enum { MODEL_MAGIC = 0x314d5357, MODEL_VERSION = 4 };

// How far the shape of one day is from that of the next, as a logarithm; or as a part of its range.
static const double DOUBT = 0.45;

const char *series_class_name(SeriesClass kind) {
    static const char *const NAMES[] = {"constant", "stationary", "periodic", "aperiodic", "spiky"};
    return (unsigned)kind < SERIES_CLASSES ? NAMES[kind] : "unknown";
}

static const char *const NETS[] = {"none", "dense", "lstm"};

const char *series_net_name(SeriesNetKind kind) {
    return (unsigned)kind < SERIES_NETS ? NETS[kind] : "unknown";
}

bool series_net_parse(Str text, SeriesNetKind *out) {
    for (int i = 0; i < SERIES_NETS; i++) {
        if (!str_eq_nocase(text, str_c(NETS[i]))) continue;
        *out = (SeriesNetKind)i;
        return true;
    }
    return false;
}

SeriesModel *series_model_ref(SeriesModel *model) {
    if (model) atomic_fetch_add(&model->refs, 1);
    return model;
}

SeriesModel *series_model_unref(SeriesModel *model) {
    if (model && atomic_fetch_sub(&model->refs, 1) == 1) {
        if (model->knot[1] != model->knot[0]) mem_free(model->knot[1]);
        mem_free(model->knot[0]);
        mem_free(model->phase);
        net_free(model->net);
        general_unref(model->general);
        mem_free(model);
    }
    return NULL;
}

// -- The profile ----------------------------------------------------------------------------------

// Between the middles of two knots lies a line; the day closes to a ring.
static double knot_at(const float *knot, uint32_t knots, int64_t at_ms) {
    double at = (double)at_ms / SERIES_DAY_MS * knots - 0.5;
    if (at < 0) at += knots;
    uint32_t left = (uint32_t)at;
    if (left >= knots) left = knots - 1;
    double share = at - left;
    double right = (double)knot[left + 1 < knots ? left + 1 : 0];
    return (double)knot[left] * (1 - share) + right * share;
}

static double shape(const SeriesModel *model, int32_t at_ms, uint8_t weekday, bool rest,
                    bool holiday) {
    int64_t at = at_ms;
    if (holiday) at = (at - model->growth_shift_ms + SERIES_DAY_MS) % SERIES_DAY_MS;
    return knot_at(model->knot[rest], model->knots, at) + (double)model->weekday[weekday];
}

// How far a day may be from the profile when few of its kind have been seen: what was one day's own
// is in it. From six days on nothing, for then the level's habits have been learned as well.
static double doubt(const SeriesModel *model, bool rest) {
    enum { KNOWN_DAYS = 21, ENOUGH = 6 };
    if (!model->knots || model->to_ms - model->from_ms >= KNOWN_DAYS * (int64_t)SERIES_DAY_MS)
        return 0;
    double seen[2] = {0};
    for (int64_t at = model->from_ms; at < model->to_ms; at += SERIES_DAY_MS) {
        int64_t day = (at + model->zone_ms) / SERIES_DAY_MS;
        int64_t weekday = (day % 7 + 11) % 7;  // the epoch began on a Thursday
        double part = (double)(model->to_ms - at) / (double)SERIES_DAY_MS;
        seen[weekday == 0 || weekday == 6] += fmin(part, 1);
    }
    // Days that look alike tell of each other, once there have been some of both kinds.
    double days = seen[rest];
    if (days > 0 && model->knot[0] == model->knot[1]) days = seen[0] + seen[1];
    double share = fmax(1 / fmax(days, 0.5) - 1.0 / ENOUGH, 0);
    if (model->scaled) return DOUBT * share;
    float low = model->knot[rest][0], high = low;
    for (uint32_t i = 1; i < model->knots; i++) {
        low = fminf(low, model->knot[rest][i]);
        high = fmaxf(high, model->knot[rest][i]);
    }
    return DOUBT * share * (double)(high - low);
}

void series_model_at(const SeriesModel *model, const SeriesMoment *moment, int64_t ts_ms,
                     SeriesBase *out) {
    double value = 0, turn = 0;
    if (model->period) {
        int64_t slot = ts_ms / model->step_ms, phase = slot % model->period;
        value = (double)model->phase[phase < 0 ? phase + model->period : phase];
    } else if (model->knots) {
        value = shape(model, moment->at_ms, moment->weekday, moment->rest, moment->holiday);
        if (moment->near > 0) {
            double other = shape(model, moment->at_ms, moment->near_weekday, moment->near_rest,
                                 moment->near_holiday);
            turn = (double)moment->near * (other - value);
            value += turn;
        }
    }
    value += model->base;
    out->unsure = (float)hypot(0.25 * fabs(turn), doubt(model, moment->rest));
    out->mean = model->scaled ? exp(value) : value;
    // Between the middles of hours lies a line.
    const float *hour = model->hour[moment->rest];
    uint32_t at = (uint32_t)(moment->at_ms + 1800000) / 3600000;
    float share = (float)((moment->at_ms + 1800000) % 3600000) / 3600000;
    float left = hour[(at + SERIES_HOURS - 1) % SERIES_HOURS], right = hour[at % SERIES_HOURS];
    out->noise = left + (right - left) * share;
    // Shares of few: on a holiday nobody knows of how many.
    if (model->ceiling != 0) out->noise *= 1 + (float)moment->growth;
}

// -- Saving and loading ---------------------------------------------------------------------------

static void code_finite(Codec *codec, double *value) {
    codec_f64(codec, value);
    if (!codec->failed && !isfinite(*value)) codec_fail(codec, "a number is not finite");
}

static void code_floats(Codec *codec, float **value, uint32_t count) {
    if (codec_reads(codec)) {
        *value = NULL;
        if (codec->failed || codec->in.len < (size_t)count * 4) {
            codec_fail(codec, "it ends too early");
            return;
        }
        *value = NEW_ARRAY(float, count + 1);
    }
    series_code_f32s(codec, *value, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!isfinite((*value)[i])) codec_fail(codec, "a number is not finite");
    }
}

static void code_profile(Codec *codec, SeriesModel *model) {
    codec_count(codec, &model->knots, SERIES_KNOTS_MAX, 4);
    bool two = model->knot[0] != model->knot[1];
    codec_bool(codec, &two);
    code_floats(codec, &model->knot[0], model->knots);
    if (two) code_floats(codec, &model->knot[1], model->knots);
    else model->knot[1] = model->knot[0];
    series_code_f32s(codec, model->weekday, 7);
    codec_count(codec, &model->period, SERIES_PERIOD_MAX, 4);
    code_floats(codec, &model->phase, model->period);
    code_finite(codec, &model->base);
}

static void code_model(Codec *codec, SeriesModel *model) {
    uint32_t magic = MODEL_MAGIC, version = MODEL_VERSION;
    codec_u32(codec, &magic);
    codec_u32(codec, &version);
    if (magic != MODEL_MAGIC) codec_fail(codec, "it is not a model of a series");
    if (version < 1 || version > MODEL_VERSION)
        codec_fail(codec, "version %u is not known", version);
    codec_i64(codec, &model->step_ms);
    if (model->step_ms <= 0) codec_fail(codec, "its step is not positive");
    codec_i64(codec, &model->zone_ms);
    int kind = (int)model->kind;
    codec_kind(codec, &kind, SERIES_CLASSES);
    model->kind = (SeriesClass)kind;
    codec_bool(codec, &model->counts);
    codec_bool(codec, &model->scaled);
    code_finite(codec, &model->ceiling);
    codec_i64(codec, &model->from_ms);
    codec_i64(codec, &model->to_ms);
    codec_u32(codec, &model->points);
    code_profile(codec, model);
    code_finite(codec, &model->flat);
    code_finite(codec, &model->linear);
    code_finite(codec, &model->square);
    series_code_f32s(codec, &model->hour[0][0], 2 * SERIES_HOURS);
    code_finite(codec, &model->wander_sd);
    code_finite(codec, &model->wander_tau);
    code_finite(codec, &model->drift_sd);
    code_finite(codec, &model->level);
    code_finite(codec, &model->spread);
    code_finite(codec, &model->growth);
    code_finite(codec, &model->growth_sd);
    uint32_t shift = (uint32_t)model->growth_shift_ms;
    codec_u32(codec, &shift);
    model->growth_shift_ms = (int32_t)(shift % SERIES_DAY_MS);
    code_finite(codec, &model->low);
    code_finite(codec, &model->high);
    series_code_f32s(codec, &model->tail[0][0], 2 * SERIES_LENSES);
    for (uint32_t i = 0; i < 2 * SERIES_LENSES; i++) {
        float tail = (&model->tail[0][0])[i];
        if (!codec->failed && !(tail > 0 && isfinite(tail))) codec_fail(codec, "a tail is wrong");
    }
    if (version >= 2) {
        code_finite(codec, &model->unrest);
        taste_code(codec, &model->taste);
    }
    if (version >= 3) {
        net_code(codec, &model->net, model->step_ms);
    }
    if (version >= 4) {
        general_code(codec, &model->general);
    }
}

void series_model_save(const SeriesModel *model, Buf *out) {
    SeriesModel copy = *model;  // the codec wants to be able to write into it
    code_model(&(Codec){.out = out, .what = "the model of the series"}, &copy);
}

Status series_model_load(Str bytes, SeriesModel **out, Error *err) {
    SeriesModel *model = NEW(SeriesModel);
    atomic_store(&model->refs, 1);
    Codec codec = {.in = bytes, .what = "the model of the series"};
    code_model(&codec, model);
    Status st = codec_end(&codec, err);
    if (st) series_model_unref(model);
    else *out = model;
    return st;
}

size_t series_model_bytes(const SeriesModel *model) {
    uint32_t arrays = model->knot[0] != model->knot[1] ? 2 : 1;
    size_t net = model->net ? sizeof *model->net + model->net->model->bytes : 0;
    return sizeof *model + sizeof(float) * (arrays * model->knots + model->period) + net;
}

void series_model_describe(const SeriesModel *model, Buf *out) {
    buf_printf(out, "%s%s, %u points, ", series_class_name(model->kind),
               model->counts ? " counts" : "", model->points);
    if (model->period) buf_printf(out, "period %u steps, ", model->period);
    else if (!model->knots) buf_puts(out, "no period, ");
    else buf_puts(out, model->knot[0] != model->knot[1] ? "work and rest days, " : "days alike, ");
    if (model->ceiling != 0) buf_printf(out, "what lacks to %.6g, ", model->ceiling);
    buf_printf(out, "noise %.4g + %.4g m + %.4g m^2, level wanders %.3g (%.3g steps), spread %.3g",
               model->flat, model->linear, model->square, model->wander_sd, model->wander_tau,
               model->spread);
    if (model->growth_shift_ms || model->growth != 0) {
        buf_printf(out, model->scaled ? ", holidays x%.2f" : ", holidays %+.3g",
                   model->scaled ? exp(model->growth) : model->growth);
        buf_printf(out, ", %d minutes later", model->growth_shift_ms / 60000);
    }
    if (model->general) buf_puts(out, ", the general network has a say");
    if (model->net) {
        buf_printf(out,
                   ", corrected by a network (%s) that is off by %.2f of the profile's squares",
                   series_net_name(model->net->kind),
                   model->net->loss[1] / fmax(model->net->loss[0], 1e-300));
    }
}
