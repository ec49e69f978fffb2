// ml/series/train.c - from history to a model: sufficiency, kind of series, profile, noise, level;
// then the detector itself goes through history with what was learned, what it finds wrong is left
// out, and all is learned again; and what it takes for normal says how wide normal is.
#include <stdatomic.h>
#include <stdlib.h>

#include "ml/series/net.h"
#include "ml/series/train_int.h"

enum {
    DAYS_MIN = 2, PASSES = 2, TAIL_BINS = 256,
};

// -- Sufficiency and kind -------------------------------------------------------------------------

static Status sufficient(const Train *train, Error *err) {
    const SeriesHistory *history = train->history;
    if (history->step_ms <= 0 || history->count > SERIES_POINTS_MAX) {
        return error_set(err, ST_VALIDATION, "the history has no step, or more than %d points",
                         SERIES_POINTS_MAX);
    }
    double days = (double)history->count * (double)history->step_ms / SERIES_DAY_MS;
    if (days < DAYS_MIN) {
        return error_set(err, ST_RUNTIME, "history of %.2f days; a model wants %d", days, DAYS_MIN);
    }
    if (train->points < 40 || train->points < history->count / 4) {
        return error_set(err, ST_RUNTIME, "only %u of %u points are there", train->points,
                         history->count);
    }
    return ST_OK;
}

static void look(Train *train) {
    const SeriesHistory *history = train->history;
    SeriesModel *model = train->model;
    float *value = NEW_ARRAY(float, history->count + 1);
    uint32_t count = 0, whole = 0, negative = 0;
    for (uint32_t i = 0; i < history->count; i++) {
        float at = history->value[i];
        if (isnan(at) || train->outside[i]) continue;
        value[count++] = at;
        whole += at == rintf(at);
        negative += at < 0;
    }
    train->points = count;
    train->median = train_median(value, count);
    if (count) {
        model->low = (double)value[count / 1000];
        model->high = (double)value[count - 1 - count / 1000];
    }
    model->counts = count && whole == count && !negative;
    bool constant = count && value[count / 200] == value[count - 1 - count / 200];
    model->kind = constant ? SERIES_CONSTANT : SERIES_STATIONARY;
    double top = count ? (double)value[count - 1] : 0, ceiling = 0;
    bool often = count && value[count - 1 - count / 1000] == value[count - 1];
    if (!constant && often && top > 0 && train->median > 0.9 * top) ceiling = top;
    mem_free(value);
    model->scaled = model->counts;
    if (!count || negative || model->counts) return;
    if (ceiling > 0) {
        model->ceiling = ceiling;
        model->scaled = true;
        return;
    }
    // Not counts: does the noise grow with the mean?
    double n = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;
    for (uint32_t i = 0; i + 60 <= history->count; i += 60) {
        double mean = 0, noise = 0, points = 0;
        for (uint32_t j = i + 1; j + 1 < i + 60; j++) {
            if (!train_has(train, j - 1) || !train_has(train, j) || !train_has(train, j + 1))
                continue;
            mean += (double)history->value[j];
            noise += fabs((double)history->value[j] -
                          0.5 * (double)(history->value[j - 1] + history->value[j + 1]));
            points++;
        }
        if (points < 20 || mean <= 0 || noise <= 0) continue;
        double a = log(mean / points), b = log(noise / points);
        n++, x += a, y += b, xx += a * a, xy += a * b, yy += b * b;
    }
    double spread = xx - x * x / fmax(n, 1);
    if (n < 24 || !(spread > 0)) return;
    double slope = (xy - x * y / n) / spread;
    double rest = fmax(yy - y * y / n - slope * slope * spread, 0) / (n - 2);
    model->scaled = slope - 2 * sqrt(rest / spread) > 0.4;
}

// -- Cleaning and calibration ---------------------------------------------------------------------

typedef struct Tail {
    uint32_t count[SERIES_LENSES][2][TAIL_BINS];  // of deviations, by sixteenths
    uint32_t points[SERIES_LENSES];
} Tail;

static void tail_add(Tail *tail, const float *deviation) {
    for (uint32_t i = 0; i < SERIES_LENSES; i++) {
        double z = fabs((double)deviation[i]) * 16;
        uint32_t bin = z < TAIL_BINS - 1 ? (uint32_t)z : TAIL_BINS - 1;
        tail->count[i][deviation[i] > 0][bin]++;
        tail->points[i]++;
    }
}

// Where a normal deviation has two and three standard deviations, healthy history had so many.
static float tail_width(const Tail *tail, uint32_t lens, uint32_t side) {
    static const double SHARES[] = {0.0228, 0.00135}, NORMAL[] = {2, 3};
    double width = 0;
    for (uint32_t i = 0; i < 2; i++) {
        double left = SHARES[i] * tail->points[lens];
        uint32_t bin = TAIL_BINS;
        for (double seen = 0; bin > 0 && seen < left; bin--)
            seen += tail->count[lens][side][bin - 1];
        width = fmax(width, (bin + 0.5) / 16 / NORMAL[i]);
    }
    return (float)fmax(1, fmin(width, 3));
}

// What a promotion did is not what the metric does.
static void promotions_apart(Train *train) {
    const SeriesHistory *history = train->history;
    const SeriesCalendar *calendar = history->calendar;
    for (uint32_t i = 0; calendar && i < calendar->promotions; i++) {
        const SeriesSpan *span = &calendar->promotion[i];
        int64_t from = (span->from_ms - history->from_ms) / history->step_ms;
        int64_t to = (span->to_ms - history->from_ms + history->step_ms - 1) / history->step_ms;
        if (span->to_ms <= history->from_ms || from >= history->count) continue;
        if (to > history->count) to = history->count;
        for (int64_t j = from < 0 ? 0 : from; j < to; j++) train->outside[j] = 1;
    }
}

// The detector on the history that the model comes from. What it takes for an anomaly, in whichever
// direction, is left out from now on.
// Returns how many alarms there were.
static uint64_t walk(Train *train, bool clean, Tail *tail) {
    const SeriesHistory *history = train->history;
    SeriesModel *model = train->model;
    DetectSettings settings = {.step_ms = history->step_ms, .direction = DETECT_BOTH,
                               .sensitivity = DETECT_MIDDLE, .calendar = history->calendar};
    Detector *detector = detector_new(&settings);
    double level = model->level;
    for (uint32_t day = 0; day < train->days && model->knots; day++) {
        if (isnan(train->level[day]) || train->apart[day]) continue;
        uint32_t weekday = train_weekday(train, day);
        model->level = train->level[day] - (double)model->weekday[weekday];
        break;
    }
    detector_use(detector, model);
    double squares = 0, count = 0, unrest = 0, points = 0;
    int64_t fault = -1;  // where the alarm that is open began
    for (uint32_t i = 0; i < history->count; i++) {
        DetectVerdict verdict;
        DetectorInside inside;
        double value = train->outside[i] ? (double)NAN : (double)history->value[i];
        if (model->ceiling != 0) value = model->ceiling - value;  // the detector turns it itself
        detector_push(detector, train_ts(train, i), value, &verdict);
        if (isnan(value)) continue;
        detector_inside(detector, &inside);
        if (verdict.flags & DETECT_ACCEPTED) {
            // It was no fault: history goes on where it went.
            for (int64_t j = fault; j >= 0 && j <= i; j++) {
                if (train->outside[j] == OUTSIDE_FOUND) train->outside[j] = 0;
            }
            fault = -1;
            continue;
        }
        if (inside.healthy && verdict.event == DETECT_NONE) {
            fault = -1;
            unrest += series_unrest((double)inside.deviation[0]), points++;
            if (i > history->count / 20) tail_add(tail, inside.deviation);
            double from = inside.level - inside.mean_level;
            squares += from * from, count++;
        } else if (clean && (verdict.begin_ms || !inside.healthy)) {
            int64_t begin = verdict.begin_ms ? verdict.begin_ms : verdict.ts_ms;
            SeriesMoment moment;
            series_moment(history->calendar, verdict.ts_ms, &moment);
            if (moment.growth > 0) continue;  // one holiday is not like another, nor wrong
            int64_t first = (begin - history->from_ms) / history->step_ms;
            if (fault < 0) fault = first < 0 ? 0 : first;
            for (int64_t j = first < 0 ? 0 : first; j <= i; j++) {
                if (!train->outside[j]) train->outside[j] = OUTSIDE_FOUND;
            }
        }
    }
    DetectorInside inside;
    detector_inside(detector, &inside);
    model->level = inside.healthy && isfinite(inside.mean_level) ? inside.mean_level : level;
    model->unrest = points > 100 ? unrest / points : 0;
    if (count > 100) model->spread = fmax(sqrt(squares / count), 0.5 * model->wander_sd);
    uint64_t alarms = detector_alarms(detector);
    detector_free(detector);
    return alarms;
}

// From here on history is what lacks to the ceiling.
static void turn_over(Train *train, SeriesHistory *copy, float **value) {
    const SeriesHistory *history = train->history;
    float top = (float)train->model->ceiling;
    *value = NEW_ARRAY(float, history->count + 1);
    for (uint32_t i = 0; i < history->count; i++) {
        float at = history->value[i];
        (*value)[i] = isnan(at) ? at : fmaxf(top - at, 0);
    }
    *copy = *history;
    copy->value = *value;
    train->history = copy;
    train->median = (double)top - train->median;
}

// With a network history is gone through once more, for the tails. Noise and habits of the level
// stay what they were without it: it has seen this history, and will be further off in times to
// come. One that makes history look worse to the detector than before ([alarms]) is not kept after
// all.
static void with_net(Train *train, Tail *tail, uint64_t alarms) {
    SeriesModel *model = train->model;
    double spread = model->spread, level = model->level, unrest = model->unrest;
    Tail *before = NEW(Tail);
    *before = *tail;
    memset(tail, 0, sizeof *tail);
    if (walk(train, false, tail) > alarms) {
        net_free(model->net);
        model->net = NULL;
        model->level = level;
        model->spread = spread;
        model->unrest = unrest;
        *tail = *before;
    }
    model->spread = fmax(model->spread, spread);
    mem_free(before);
}

// How many alarms healthy history raises with the model as it is, which stays so.
static uint64_t alarms_of(Train *train, Tail *tail) {
    SeriesModel *model = train->model;
    double spread = model->spread, level = model->level, unrest = model->unrest;
    uint64_t alarms = walk(train, false, tail);
    model->spread = spread;
    model->level = level;
    model->unrest = unrest;
    return alarms;
}

// The network that all metrics have in common is this one's, too, unless healthy history raises
// more alarms with it.
static void with_general(Train *train, SeriesGeneral *general) {
    SeriesModel *model = train->model;
    Tail *ignored = NEW(Tail);
    model->general = general_ref(general);
    uint64_t alarms = general ? alarms_of(train, ignored) : 0;
    if (alarms) {
        model->general = NULL;
        if (alarms_of(train, ignored) < alarms) general_unref(general);
        else model->general = general;
    }
    mem_free(ignored);
}

static void learn(Train *train) {
    SeriesModel *model = train->model;
    mem_free(train->cell), mem_free(train->level), mem_free(train->apart);
    train_cells(train);
    train_profile(train);
    train_kind(train);
    train_noise(train);
    train_level(train);
    train_holidays(train);
    for (uint32_t i = 0; i < SERIES_LENSES; i++) model->tail[i][0] = model->tail[i][1] = 1;
}

Status series_train(const SeriesHistory *history, SeriesModel **out, Error *err) {
    Train train = {.history = history, .outside = NEW_ARRAY(uint8_t, history->count + 1)};
    train.model = NEW(SeriesModel);
    atomic_store(&train.model->refs, 1);
    SeriesModel *model = train.model;
    model->step_ms = history->step_ms;
    model->zone_ms = history->calendar ? history->calendar->zone_ms : 0;
    model->from_ms = history->from_ms;
    model->to_ms = history->from_ms + (int64_t)history->count * history->step_ms;
    if (history->outside) memcpy(train.outside, history->outside, history->count);
    if (history->step_ms > 0) promotions_apart(&train);
    look(&train);
    model->points = train.points;
    Tail *tail = NEW(Tail);
    SeriesHistory turned;
    float *value = NULL;
    uint64_t alarms = 0;
    Status st = sufficient(&train, err);
    if (st) goto done;
    if (model->ceiling != 0) turn_over(&train, &turned, &value);
    for (uint32_t pass = 0; pass < PASSES; pass++) {
        learn(&train);
        memset(tail, 0, sizeof *tail);
        alarms = walk(&train, pass + 1 < PASSES, tail);
    }
    if (train_net(&train, history->nets)) with_net(&train, tail, alarms);
    for (uint32_t i = 0; i < SERIES_LENSES; i++) {
        for (uint32_t side = 0; side < 2; side++) model->tail[i][side] = tail_width(tail, i, side);
    }
    with_general(&train, history->general);
    train_taste(&train, history);
    *out = series_model_ref(model);

done:
    mem_free(value);
    mem_free(tail);
    mem_free(train.outside);
    mem_free(train.cell), mem_free(train.level), mem_free(train.apart);
    series_model_unref(model);
    return st;
}
