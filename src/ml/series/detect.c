// ml/series/detect.c - points come in, verdicts go out: gaps and late points, the decision, alarms
// and their end.
//
// A point goes: its slot; the forecast; into the ring; all lenses (detect_window.c); then, if
// nothing is wrong, the level learns from it (detect_level.c). When a lens says that something is
// off and its doubts are removed (below), the level goes back to where it was before the fault, and
// from there on forecasts stand for what is known of it: the fault cannot drag it along. It ends
// when the last points look more like the forecast than like the fault.
//
// Doubts: one point alone is enough only where sensitivity is high; else what is left of the window
// without its worst point must deviate too. And the same time in earlier periods must agree: a
// level that only comes back to its usual height (a promotion ends) is no drop.
#include "ml/series/detect.h"

#include "ml/series/detect_int.h"

static const double VALUE_MAX = 1e30;
// Thresholds in deviations. A metric has 10,080 points a week and its windows are about three
// times as many independent looks: 4.7 of a normal deviation is 0.04 false alarms a week on one
// side. Models are not that exact: from 5 to 5.6 three of four false alarms go, of what is worth an
// alarm one in a hundred.
static const double THRESHOLD[] = {
    [DETECT_HIGH] = 5.6, [DETECT_MIDDLE] = 5.6, [DETECT_LOW] = 5.8};
static const double REST_SHARE = 0.6;  // of the threshold, for the window without its worst point
static const double EARLIER = 3.2;          // deviations from the same time in earlier periods
static const double SLOW_DOUBT = 1.4;      // days differ in more than their mean says
static const double TURN_FADE = 0.96;       // a point
static const double BACK_TO_NORMAL = 4;     // log of the odds
enum {
    LATE_ROW = 30,          // late points in a row, in order: the clock was wrong before
    COLD_POINTS = 30, COLD_ROW = 3, COLD_DEVIATION = 10,
    EXCURSION_HOURS = 6,    // then it is the new normal; an alarm's are DETECT_NORMAL_HOURS
    REOPEN_MINUTES = 20,    // what opens again so soon is the same alarm
    GAP_DAYS = 3,           // behind it, the level begins anew
};

Detector *detector_new(const DetectSettings *settings) {
    Detector *d = NEW(Detector);
    d->settings = *settings;
    if (d->settings.step_ms <= 0) d->settings.step_ms = 60000;
    (void)series_calendar_ref(d->settings.calendar);
    d->bar = d->unit = 1;
    d->closed = d->turned = d->drifted = INT64_MIN / 2;
    d->run = INT32_MIN;
    novel_begin(d);
    return d;
}

void detector_free(Detector *d) {
    if (!d) return;
    series_model_unref(d->model);
    series_calendar_unref(d->settings.calendar);
    novelty_free(d->novelty);
    mem_free(d->net);
    mem_free(d);
}

void detector_set(Detector *d, const DetectSettings *settings) {
    SeriesCalendar *calendar = series_calendar_ref(settings->calendar);
    int64_t step_ms = d->settings.step_ms;
    series_calendar_unref(d->settings.calendar);
    d->settings = *settings;
    d->settings.calendar = calendar;
    d->settings.step_ms = step_ms;
    novel_begin(d);
}

const SeriesModel *detector_model(const Detector *d) {
    return d->model;
}
const DetectSettings *detector_settings(const Detector *d) {
    return &d->settings;
}
uint64_t detector_alarms(const Detector *d) {
    return d->alarms;
}

bool detect_direction_parse(Str text, DetectDirection *out) {
    if (str_eq_nocase(text, STR("both"))) *out = DETECT_BOTH;
    else if (str_eq_nocase(text, STR("drop")) || str_eq_nocase(text, STR("fall")))
        *out = DETECT_DROP;
    else if (str_eq_nocase(text, STR("rise"))) *out = DETECT_RISE;
    else if (str_eq_nocase(text, STR("any"))) *out = DETECT_ANY;
    else return false;
    return true;
}

bool detect_sensitivity_parse(Str text, DetectSensitivity *out) {
    if (str_eq_nocase(text, STR("high"))) *out = DETECT_HIGH;
    else if (str_eq_nocase(text, STR("middle"))) *out = DETECT_MIDDLE;
    else if (str_eq_nocase(text, STR("low"))) *out = DETECT_LOW;
    else return false;
    return true;
}

static bool rises(const Detector *d, int sign) {
    return d->model && d->model->ceiling != 0 ? sign < 0 : sign > 0;
}

static bool wanted(const Detector *d, int sign) {
    if (d->model && d->model->ceiling != 0) sign = -sign;
    switch (d->settings.direction) {
        case DETECT_BOTH: return true;
        case DETECT_DROP: return sign < 0;
        case DETECT_RISE: return sign > 0;
        default: return false;
    }
}

// -- Alarms ---------------------------------------------------------------------------------------

static void alarm_begin(Detector *d, uint32_t lens, int sign, DetectVerdict *out) {
    uint32_t width = SERIES_LENS[lens].width, since = SERIES_LENS[lens].since;
    if (lens == SERIES_SLOW) {
        d->level.wander = 0;
        d->level.drift = d->mean_level;
        level_keep(d);
    } else {
        level_rewind(d, since);
    }
    bool again = d->slot - d->closed <= REOPEN_MINUTES * 60000 / d->settings.step_ms &&
                 d->alarm.sign == sign;
    d->mode = wanted(d, sign) ? MODE_ALARM : MODE_EXCURSION;
    d->alarm.begin = d->slot - (since > width ? since : width) + 1;
    d->alarm.opened = d->slot;
    d->alarm.sign = (int8_t)sign;
    net_state_forget(d->net, d->model, d->alarm.begin);
    WindowView view;
    double variance;
    window_recent(d, width, &view, &variance);
    d->alarm.got = view.sum;
    d->alarm.expected = view.mean;
    d->alarm.worst = view.mean != 0 ? view.sum / view.mean - 1 : 0;
    if (d->mode == MODE_EXCURSION) return;
    if (!again || !d->alarms) d->alarms++;
    out->event = again && d->alarms ? DETECT_UPDATE : DETECT_OPEN;
}

static void alarm_end(Detector *d, uint32_t healthy, DetectVerdict *out) {
    int64_t first = d->alarm.begin, oldest = d->slot - (int64_t)d->depth + 1;
    if (first < oldest) first = oldest;
    for (int64_t slot = first; slot <= d->slot - healthy; slot++) {
        d->ring.mean[ring_at(slot)] = d->ring.value[ring_at(slot)] = 0;
    }
    if (d->mode == MODE_ALARM) {
        out->event = DETECT_CLOSE;
        d->closed = d->slot;
    }
    d->mode = MODE_NORMAL;
    if (healthy < d->depth) level_again(d, d->slot - healthy + 1);
}

// A thousandfold is no business: somebody sends other units. A power of ten, or nearly.
static bool unit_change(Detector *d, double ratio) {
    if (!(ratio > 0) || !isfinite(ratio)) return false;
    double power = rint(log10(ratio));
    if (power == 0 || fabs(log10(ratio) - power) > 0.15 || fabs(power) > 15) return false;
    d->unit *= pow(10, power);
    d->depth = 0;
    level_begin(d, d->mean_level);
    return true;
}

// The new normal: the level is wherever the points are.
static void alarm_accept(Detector *d, DetectVerdict *out) {
    double off = d->model->scaled ? log(fmax(d->alarm.got, 1e-3) / fmax(d->alarm.expected, 1e-3))
                                  : (d->alarm.got - d->alarm.expected) / 30;
    double ratio = d->alarm.got / d->alarm.expected;
    alarm_end(d, 0, out);
    out->flags |= DETECT_ACCEPTED;
    if (unit_change(d, ratio)) return;
    fit_drifted(d, out);
    level_begin(d, level_now(d, 0) + off);
    level_keep(d);
    d->depth = 1;
}

// Is what the last points show rather the forecast or rather the fault (of which 0.6 is enough)?
static uint32_t back_to_normal(const Detector *d) {
    static const uint8_t WIDTHS[] = {3, 4, 6, 8, 12, 16, 24, 32, 48};
    double share = d->alarm.worst;
    for (uint32_t i = 0; i < sizeof WIDTHS; i++) {
        if (WIDTHS[i] > d->slot - d->alarm.opened) break;
        WindowView view;
        double variance;
        window_recent(d, WIDTHS[i], &view, &variance);
        if (!view.points) continue;
        double sick = view.mean + 0.6 * share * view.mean;
        double odds = ((view.sum - sick) * (view.sum - sick) -
                       (view.sum - view.mean) * (view.sum - view.mean)) / (2 * variance);
        double z = d->alarm.sign * view.deviation;
        if (odds > BACK_TO_NORMAL && z < 2) return WIDTHS[i];
        // A small fault cannot be told from a level of long ago; but then nothing is far off.
        if (WIDTHS[i] >= 16 && z < 1.2 && d->alarm.sign * window_earlier(d, WIDTHS[i]) < 1.2) {
            return WIDTHS[i];
        }
    }
    return 0;
}

static void alarm_go_on(Detector *d, double value, double forecast, DetectVerdict *out) {
    const double fade = 1 - 1.0 / 30;
    d->alarm.got = d->alarm.got * fade + value;
    d->alarm.expected = d->alarm.expected * fade + forecast;
    double share = d->alarm.expected != 0 ? d->alarm.got / d->alarm.expected - 1 : 0;
    if (fabs(share) > fabs(d->alarm.worst)) d->alarm.worst = share;
    uint32_t healthy = back_to_normal(d);
    int64_t hours = d->mode == MODE_ALARM ? DETECT_NORMAL_HOURS : EXCURSION_HOURS;
    if (healthy) alarm_end(d, healthy, out);
    else if ((d->slot - d->alarm.opened) * d->settings.step_ms > hours * 3600000)
        alarm_accept(d, out);
}

// -- The decision ---------------------------------------------------------------------------------

static uint8_t row_of(const Detector *d, int sign) {
    uint8_t row = 0;
    for (; row < 255 && row < d->depth; row++) {
        uint32_t at = ring_at(d->slot - row);
        double mean = (double)d->ring.mean[at], value = (double)d->ring.value[at];
        double level = (double)(d->ring.wander[at] + d->ring.drift[at]) +
                       (double)d->ring.growth[at] * (double)d->ring.holiday[at];
        double expected = d->model->scaled ? mean * exp(level) : mean + level;
        if (sign * (value - expected) <= 0) break;
    }
    return row;
}

static double threshold(const Detector *d) {
    return THRESHOLD[d->settings.sensitivity] * d->bar;
}

// The lens that shouts loudest on a side, in units of the threshold.
double detect_loudest(const Detector *d, int sign, uint32_t *lens) {
    double most = 0;
    for (uint32_t i = 0; i < SERIES_LENSES; i++) {
        if (i == 0 && d->settings.sensitivity != DETECT_HIGH) continue;
        double z = sign * (double)d->deviation[i] / (double)d->model->tail[i][sign > 0];
        if (i == SERIES_SLOW) z /= SLOW_DOUBT;
        if (z > most) most = z, *lens = i;
    }
    return most / threshold(d);
}

// What the general network multiplies the threshold by. It is not asked of what nobody wants to
// hear of: an excursion is no alarm, and the line should not follow one.
static double general(const Detector *d, uint32_t lens, int sign, double score, double rest,
                      DetectWhy *why) {
    GeneralCase at;
    why->general = 1;
    if (score < GENERAL_ASKS || !wanted(d, sign) || (!d->model->general && !d->ear)) return 1;
    detect_general_case(d, lens, sign, threshold(d), why, rest, &at);
    if (d->ear) d->ear->hear(d->ear->arg, d->slot * d->settings.step_ms, score, &at);
    if (!d->model->general) return 1;
    why->general = (float)general_bar(d->model->general, &at);
    return (double)why->general;
}

// What a label has to do with: the bar that the network has set for such a case.
static double told_bar(const Detector *d, uint32_t lens, int sign, double score) {
    DetectWhy why = {.points = SERIES_LENS[lens].width, .since = SERIES_LENS[lens].since,
                     .in_a_row = row_of(d, sign),
                     .earlier = (float)window_earlier(d, SERIES_LENS[lens].width)};
    double tail = (double)d->model->tail[lens][sign > 0];
    double rest = sign * window_without_worst(d, lens, sign) / tail;
    return general(d, lens, sign, score, rest, &why);
}

void detector_listen(Detector *d, const DetectEar *ear) {
    d->ear = ear;
}

// What remains of a suspicion once it has been doubted. [at] receives the case that it is.
static double doubted(const Detector *d, int sign, uint32_t lens, double score, DetectWhy *why,
                      TasteCase *at) {
    double tail = (double)d->model->tail[lens][sign > 0];
    uint32_t width = SERIES_LENS[lens].width;
    why->points = (uint16_t)width;
    why->since = SERIES_LENS[lens].since;
    why->deviation = d->deviation[lens];
    why->in_a_row = row_of(d, sign);
    why->earlier = (float)window_earlier(d, width);
    why->confirmed = sign * (double)why->earlier > EARLIER;
    detect_case(d, lens, sign, at);
    double taste = detect_taste(d, at);
    why->labels = (float)taste;
    double rest = sign * window_without_worst(d, lens, sign) / tail;
    double bar = taste * general(d, lens, sign, score, rest, why);
    score /= bar;
    if (score < 1) return score;
    if (!why->confirmed) return 0.99;
    if (d->settings.sensitivity != DETECT_HIGH && rest < REST_SHARE * threshold(d) * fmin(taste, 1))
        return 0.99;
    return score;
}

static double share_of(const Detector *d, const WindowView *view) {
    double sum = view->sum, mean = view->mean;
    if (d->model->ceiling != 0) {
        sum = d->model->ceiling * view->points - sum;
        mean = d->model->ceiling * view->points - mean;
    }
    return mean != 0 ? sum / mean - 1 : 0;
}

// No window is off by a third of the threshold: the common case.
static bool quiet(const Detector *d, double *most) {
    *most = 0;
    for (uint32_t i = 0; i < SERIES_LENSES; i++) *most = fmax(*most, fabs((double)d->deviation[i]));
    return *most < 0.33 * threshold(d);
}

static void decide(Detector *d, DetectVerdict *out) {
    double most;
    if (quiet(d, &most)) {
        out->score = most / threshold(d);
        return;
    }
    for (int side = 0; side < 2; side++) {
        int sign = side ? 1 : -1;
        uint32_t lens = 0;
        if (level_promoted(d) && rises(d, sign)) continue;
        DetectWhy why = {0};
        double score = detect_loudest(d, sign, &lens);
        bool asked = wanted(d, sign);
        TasteCase at;
        double loud = score;
        if (score > 0.5) score = doubted(d, sign, lens, score, &why, &at);
        if (asked && score > out->score) {
            out->score = score;
            if (score > 0.5) out->why = why;
        }
        if (score >= 1 && d->mode == MODE_NORMAL) {
            WindowView view;
            window_view(d, lens, &view);
            out->why.share = (float)share_of(d, &view);
            alarm_begin(d, lens, sign, out);
            double asked_for = fmin((double)why.general, 1);
            if (out->event == DETECT_OPEN) told_open(d, &at, loud / asked_for);
        }
    }
}

// -- Without a model ------------------------------------------------------------------------------

static void cold(Detector *d, double value, DetectVerdict *out) {
    double sd = sqrt(d->cold_var + series_tiny(d->cold_mean)), off = value - d->cold_mean;
    out->flags |= DETECT_COLD;
    out->forecast = d->cold_points ? d->cold_mean : value;
    out->low = out->forecast - 4 * sd;
    out->high = out->forecast + 4 * sd;
    double z = d->cold_points >= COLD_POINTS ? fabs(off) / sd : 0;
    out->score = fmin(z / (2 * COLD_DEVIATION), 0.99);
    d->cold_row = z > COLD_DEVIATION && wanted(d, off < 0 ? -1 : 1) ? d->cold_row + 1 : 0;
    if (d->cold_row == COLD_ROW) {
        out->event = DETECT_OPEN;
        out->score = 1;
        out->why = (DetectWhy){.points = COLD_ROW, .since = COLD_ROW, .in_a_row = COLD_ROW,
                               .deviation = (float)z};
        d->alarms++;
        d->mode = MODE_ALARM;
        d->alarm = (DetectAlarm){.begin = d->slot - COLD_ROW + 1, .opened = d->slot,
                                 .sign = (int8_t)(off < 0 ? -1 : 1)};
    } else if (d->mode == MODE_ALARM && (z < COLD_DEVIATION / 2 ||
                                         d->slot - d->alarm.opened > 10 * COLD_POINTS)) {
        out->event = DETECT_CLOSE;
        d->mode = MODE_NORMAL;
        d->closed = d->slot;
    }
    double weight = 1.0 / (d->cold_points < 32 ? d->cold_points + 1 : 32);
    double most = d->cold_points < COLD_POINTS ? HUGE_VAL : 3 * sd + series_tiny(value);
    if (d->mode == MODE_ALARM) weight /= 8;
    off = fmax(-most, fmin(most, off));
    d->cold_var += weight * (off * off * (1 - weight) - d->cold_var);
    d->cold_mean += weight * off;
    d->cold_points++;
    // A model that comes wants to see the points again.
    uint32_t at = ring_at(d->slot);
    d->ring.value[at] = (float)value;
    d->ring.mean[at] = 1;
}

// -- Points ---------------------------------------------------------------------------------------

static void advance(Detector *d, int64_t slot, bool there, double value) {
    int32_t day = d->moment.day;
    d->slot = slot;
    if (d->depth < SERIES_RING) d->depth++;
    uint32_t at = ring_at(slot);
    d->ring.value[at] = d->ring.mean[at] = 0;
    if (!d->model) return;
    net_state_advance(d->net, d->model, d->settings.calendar, slot);
    level_place(d, slot);
    level_predict(d, d->moment.day != day);
    d->unsure = fmax((double)d->base.unsure, d->unsure * TURN_FADE);
    d->ring.growth[at] = (float)d->moment.growth;
    if (there) {
        d->ring.value[at] = (float)value;
        d->ring.mean[at] = (float)d->base.mean;
    }
    level_keep(d);
}

static uint16_t filled(const Detector *d) {
    uint16_t count = 0;
    for (uint32_t i = 0; i < 10 && i < d->depth; i++) {
        uint32_t at = ring_at(d->slot - i);
        if (d->ring.mean[at] == 0 && d->ring.value[at] == 0) count++;
    }
    return count;
}

static void band(const Detector *d, const SeriesBase *base, double growth, DetectVerdict *out) {
    double variance, sd;
    out->forecast = level_forecast(d, base->mean, growth, (double)base->noise, &variance);
    sd = sqrt(variance) * threshold(d);
    out->low = out->forecast - sd * (double)d->model->tail[0][0];
    out->high = out->forecast + sd * (double)d->model->tail[0][1];
    if (d->model->scaled && out->low < 0) out->low = 0;
}

static void judge(Detector *d, double value, DetectVerdict *out) {
    double growth = d->moment.growth;
    band(d, &d->base, growth, out);
    window_scan(d);
    // What went up before the promotion was announced to begin was its beginning.
    bool news = d->mode != MODE_NORMAL && !(level_promoted(d) && rises(d, d->alarm.sign));
    if (d->mode != MODE_NORMAL && !news) alarm_end(d, 0, out);
    if (d->mode == MODE_NORMAL) {
        decide(d, out);
    } else {
        double z = d->alarm.sign * value < d->alarm.sign * out->forecast ? 0 : 1;
        DetectMode mode = d->mode;
        out->score = mode == MODE_ALARM ? 1 + z : 0;
        uint32_t lens;
        if (mode == MODE_ALARM) told_score(d, detect_loudest(d, d->alarm.sign, &lens));
        alarm_go_on(d, value, out->forecast, out);
        // The other side counts, too, while something is off.
        if (mode == MODE_EXCURSION && d->mode == MODE_EXCURSION) {
            WindowView view;
            double variance;
            window_recent(d, 3, &view, &variance);
            if (-d->alarm.sign * view.deviation > threshold(d)) {
                alarm_end(d, 3, out);
                window_scan(d);
                decide(d, out);
            }
        }
    }
    fit_look(d, out);
    if (d->mode == MODE_NORMAL && out->event != DETECT_CLOSE) {
        level_learn(d, value, d->base.mean, growth);
        level_keep(d);
        level_settle(d);
        net_state_add(d->net, value);
        fit_learn(d, out);
    }
    if (level_promoted(d)) out->flags |= DETECT_PROMOTION;
    if (d->mode == MODE_EXCURSION) out->flags |= DETECT_EXCURSION;
    out->why.growth = (float)(d->model->scaled ? exp(growth * d->level.holiday) : 1);
}

// Values as the model speaks of them, and back.
static double inward(const Detector *d, double value) {
    value /= d->unit;
    return d->model && d->model->ceiling != 0 ? d->model->ceiling - value : value;
}

static void outward(const Detector *d, double unit, DetectVerdict *out) {
    if (d->model && d->model->ceiling != 0) {
        double top = d->model->ceiling, low = out->low;
        out->forecast = top - out->forecast;
        out->low = top - out->high;
        out->high = top - low;
        DetectWhy *why = &out->why;
        why->deviation = -why->deviation;
        why->earlier = -why->earlier;
    }
    out->forecast *= unit;
    out->low *= unit;
    out->high *= unit;
}

// A point behind the newest: its place in the ring is filled if it is empty and still there.
static void late(Detector *d, int64_t slot, double value, DetectVerdict *out) {
    out->flags |= DETECT_LATE;
    uint32_t at = ring_at(slot);
    if (d->slot - slot >= (int64_t)d->depth) return;
    if (d->ring.mean[at] != 0 || d->ring.value[at] != 0) {
        out->flags |= DETECT_DUPLICATE;
        return;
    }
    if (!d->model || d->mode != MODE_NORMAL || out->flags & DETECT_INVALID) return;
    if (slot <= d->closed) return;
    SeriesMoment moment;
    SeriesBase base;
    series_moment(d->settings.calendar, slot * d->settings.step_ms, &moment);
    series_model_at(d->model, &moment, slot * d->settings.step_ms, &base);
    net_state_correct(d->net, d->model, d->settings.calendar, slot, &base);
    d->ring.value[at] = (float)value;
    d->ring.mean[at] = (float)base.mean;
}

static void begin_at(Detector *d, int64_t slot) {
    d->slot = slot - 1;
    d->depth = 0;
    d->started = true;
    d->mode = MODE_NORMAL;
    d->moment.day = INT32_MIN;
    if (d->model) level_begin(d, d->model->level);
}

static void finish(Detector *d, DetectVerdict *out) {
    out->alarm = d->mode == MODE_ALARM || d->novel;
    out->alarm_id = out->alarm || out->event != DETECT_NONE ? d->alarms : 0;
    out->begin_ms = out->alarm_id ? d->alarm.begin * d->settings.step_ms : 0;
}

static void push(Detector *d, int64_t ts_ms, double value, DetectVerdict *out) {
    int64_t step = d->settings.step_ms, slot = ts_ms / step - (ts_ms % step < 0);
    *out = (DetectVerdict){.ts_ms = ts_ms, .actual = value};
    if (!(fabs(value) <= VALUE_MAX)) out->flags |= DETECT_INVALID;
    if (!d->started) begin_at(d, slot);
    if (slot <= d->slot) {
        if (slot == d->slot) {
            out->flags |= DETECT_DUPLICATE;
            finish(d, out);
            return;
        }
        d->late = slot == d->late_slot + 1 ? d->late + 1 : 1;
        d->late_slot = slot;
        if (d->late < LATE_ROW) {
            late(d, slot, inward(d, value), out);
            finish(d, out);
            return;
        }
        out->flags |= DETECT_JUMP;
        begin_at(d, slot);
    } else if ((double)(slot - d->slot) * (double)step > GAP_DAYS * (double)SERIES_DAY_MS) {
        out->flags |= DETECT_JUMP;
        begin_at(d, slot);
    }
    d->late = 0;
    if (slot > d->slot + 1) out->flags |= DETECT_FILLED;
    while (d->slot + 1 < slot) advance(d, d->slot + 1, false, 0);
    bool there = !(out->flags & DETECT_INVALID);
    double unit = d->unit;
    value = inward(d, value);
    advance(d, slot, there, value);
    if (!d->model) {
        if (there) cold(d, value, out);
    } else if (there) {
        judge(d, value, out);
        out->why.filled = filled(d);
    } else {
        band(d, &d->base, d->moment.growth, out);
    }
    outward(d, unit, out);
    finish(d, out);
}

void detector_push(Detector *d, int64_t ts_ms, double value, DetectVerdict *out) {
    push(d, ts_ms, value, out);
    if (d->novelty) novel_judge(d, value, out);
}

bool detector_forecast(const Detector *d, uint32_t ahead, DetectVerdict *out) {
    *out = (DetectVerdict){.actual = NAN};
    if (!d->started) return false;
    out->ts_ms = (d->slot + ahead) * d->settings.step_ms;
    if (!d->model) {
        if (!d->cold_points) return false;
        double sd = sqrt(d->cold_var);
        out->forecast = d->cold_mean;
        out->low = d->cold_mean - 4 * sd;
        out->high = d->cold_mean + 4 * sd;
        out->flags = DETECT_COLD;
        return true;
    }
    const SeriesModel *model = d->model;
    SeriesMoment moment;
    SeriesBase base;
    level_moment(d, out->ts_ms, &moment, &base);
    if (d->net) {  // as far as it sees
        NetState net = *d->net;
        net_state_correct(&net, model, d->settings.calendar, d->slot + ahead, &base);
    }
    Detector then = *d;  // a level that has come that far without points
    double decay = exp(-(double)ahead / model->wander_tau), *p = then.level.p;
    then.level.wander *= decay;
    p[0] = p[0] * decay * decay + model->wander_sd * model->wander_sd * (1 - decay * decay);
    p[1] *= decay;
    p[2] *= decay;
    p[3] += model->drift_sd * model->drift_sd * ahead;
    if (moment.growth > 0 && moment.run != d->run) {
        then.level.holiday = model->growth;
        p[2] = p[4] = 0;
        p[5] = model->growth_sd * model->growth_sd;
    }
    band(&then, &base, moment.growth, out);
    outward(d, d->unit, out);
    return true;
}

void alarm_called_off(Detector *d) {
    d->novel = false;
    if (d->mode != MODE_ALARM) return;
    DetectVerdict ignored = {0};
    if (d->model) alarm_accept(d, &ignored);
    d->mode = MODE_NORMAL;
    d->drifted = INT64_MIN / 2;  // that was not said to anybody
}

void detector_inside(const Detector *d, DetectorInside *out) {
    *out = (DetectorInside){.deviation = d->deviation,
                            .level = d->level.wander + d->level.drift,
                            .mean_level = d->mean_level,
                            .healthy = d->mode == MODE_NORMAL};
}

double detector_case(const Detector *d, TasteCase *at) {
    uint32_t lens[2] = {0};
    double drop = detect_loudest(d, -1, &lens[0]), rise = detect_loudest(d, 1, &lens[1]);
    int sign = rise > drop ? 1 : -1;
    detect_case(d, lens[rise > drop], sign, at);
    return fmax(drop, rise) / told_bar(d, lens[rise > drop], sign, fmax(drop, rise));
}
