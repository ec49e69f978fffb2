// ml/series/train_profile.c - the shape of days: each day is a level times (or plus) the shape of
// its kind; days and shapes are fitted to each other in turns, cells that neither explains left
// out.
#include "ml/series/train_int.h"

enum { ROUNDS = 5, APART_HOURS = 12, REST_DAYS_MIN = 2 };
static const double OUTLIER = 3.5, KNOT_MS = 600000;

double train_median(float *value, uint32_t count) {
    if (!count) return 0;
    series_sort(value, count);
    return ((double)value[(count - 1) / 2] + (double)value[count / 2]) / 2;
}

void train_cells(Train *self) {
    const SeriesHistory *history = self->history;
    double knots = SERIES_DAY_MS / fmax(KNOT_MS, (double)history->step_ms);
    self->knots = knots < 1 ? 1 : (uint32_t)knots;
    int64_t zone = history->calendar ? history->calendar->zone_ms : 0;
    int64_t first = (history->from_ms + zone) / SERIES_DAY_MS;
    if ((history->from_ms + zone) % SERIES_DAY_MS < 0) first--;
    int64_t end = history->from_ms + zone + (int64_t)history->count * history->step_ms;
    self->first_day = (int32_t)first;
    self->days = (uint32_t)((end - 1) / SERIES_DAY_MS - first + 1);
    self->cell = NEW_ARRAY(TrainCell, (size_t)self->days * self->knots);
    self->level = NEW_ARRAY(double, self->days);
    self->apart = NEW_ARRAY(bool, self->days);
    for (uint32_t i = 0; i < history->count; i++) {
        if (!train_has(self, i)) continue;
        int64_t local = train_ts(self, i) + zone - first * SERIES_DAY_MS;
        uint64_t at = (uint64_t)((double)local * self->knots / SERIES_DAY_MS);
        self->cell[at].sum += history->value[i];
        self->cell[at].points++;
    }
    for (uint32_t day = 0; day < self->days; day++) {
        for (int32_t near = -1; near <= 1; near++) {
            bool holiday;
            (void)series_day_rests(history->calendar, self->first_day + (int32_t)day + near,
                                   &holiday);
            self->apart[day] |= holiday;
        }
    }
}

typedef struct Fit {
    Train *train;
    double *knot[2];
    double *weight[2];  // what the knot was made of: sums expected, or points
    double share;       // deviation of a cell beyond its noise, as a share (or plainly) of the mean
    double noise;       // of a point, if not scaled
    // What lacks to a ceiling comes in portions: one request of ten is 10 %. By the hour, or by the
    // knot if they are wider; of counts a portion is 1, of what comes in no portions 0.
    double portion[SERIES_HOURS];
    uint32_t hours;
    bool *bad;          // cells
} Fit;

static uint32_t kind_of(const Train *train, uint32_t day) {
    bool holiday;
    return series_day_rests(train->history->calendar, train->first_day + (int32_t)day, &holiday);
}

static double portion_of(const Fit *fit, uint32_t knot) {
    return fit->portion[knot * fit->hours / fit->train->knots];
}

// The mean of squares over the mean is the portion, where portions are few; of a day with a fault
// it is the fault, so that the median of days counts.
static void fit_portions(Fit *fit) {
    const Train *train = fit->train;
    const SeriesHistory *history = train->history;
    size_t hours = (size_t)train->days * fit->hours;
    double *sum = NEW_ARRAY(double, hours), *square = NEW_ARRAY(double, hours);
    float *portion = NEW_ARRAY(float, train->days + 1);
    int64_t first = (int64_t)train->first_day * SERIES_DAY_MS - train->model->zone_ms;
    for (uint32_t i = 0; i < history->count; i++) {
        if (!train_has(train, i)) continue;
        size_t hour = (size_t)((train_ts(train, i) - first) * fit->hours / SERIES_DAY_MS);
        double value = (double)history->value[i];
        sum[hour] += value;
        square[hour] += value * value;
    }
    for (uint32_t hour = 0; hour < fit->hours; hour++) {
        uint32_t count = 0;
        for (size_t at = hour; at < hours; at += fit->hours) {
            if (sum[at] > 0) portion[count++] = (float)(square[at] / sum[at]);
        }
        fit->portion[hour] = train_median(portion, count);
    }
    mem_free(sum), mem_free(square), mem_free(portion);
}

// What a cell should be, and how far it may be off.
static double expect(const Fit *fit, uint32_t day, uint32_t knot, double *sd) {
    const Train *train = fit->train;
    const TrainCell *cell = &train->cell[day * train->knots + knot];
    double shape = fit->knot[kind_of(train, day)][knot], points = (double)cell->points;
    if (train->model->scaled) {
        double mean = points * shape * exp(train->level[day]);
        double noise = portion_of(fit, knot) * mean;
        *sd = sqrt(noise + fit->share * fit->share * mean * mean) + 1e-12;
        return mean;
    }
    *sd = points * fit->share + 1e-12;
    return points * (shape + train->level[day]);
}

// Within half an hour of a midnight at which work ends or begins, a day is neither of the two.
static bool turns(const Train *train, uint32_t day, uint32_t knot) {
    double at = (knot + 0.5) / train->knots * 48;  // half hours
    int32_t to = at < 1 ? -1 : at > 47 ? 1 : 0;
    if (!to) return false;
    bool holiday;
    bool rests = series_day_rests(train->history->calendar, train->first_day + (int32_t)day + to,
                                  &holiday);
    return rests != (kind_of(train, day) == 1);
}

static void fit_days(Fit *fit) {
    Train *train = fit->train;
    for (uint32_t day = 0; day < train->days; day++) {
        double got = 0, mean = 0, points = 0;
        const double *shape = fit->knot[kind_of(train, day)];
        for (uint32_t k = 0; k < train->knots; k++) {
            const TrainCell *cell = &train->cell[day * train->knots + k];
            if (fit->bad[day * train->knots + k]) continue;
            got += (double)cell->sum;
            mean += (double)cell->points * shape[k];
            points += (double)cell->points;
        }
        double steps = (double)SERIES_DAY_MS / (double)train->history->step_ms;
        if (points < steps / 4) train->level[day] = NAN;
        else if (train->model->scaled) train->level[day] = log(fmax(got, 0.3) / fmax(mean, 0.3));
        else train->level[day] = (got - mean) / points;
    }
}

static void fit_knots(Fit *fit, bool alike) {
    Train *train = fit->train;
    for (uint32_t kind = 0; kind < 2; kind++) {
        for (uint32_t k = 0; k < train->knots; k++) {
            double got = 0, weight = 0;
            for (uint32_t day = 0; day < train->days; day++) {
                const TrainCell *cell = &train->cell[day * train->knots + k];
                if (isnan(train->level[day]) || fit->bad[day * train->knots + k]) continue;
                if (train->apart[day] || (!alike && kind_of(train, day) != kind)) continue;
                if (!alike && turns(train, day, k)) continue;
                double points = (double)cell->points;
                if (train->model->scaled) {
                    got += (double)cell->sum;
                    weight += points * exp(train->level[day]);
                } else {
                    got += (double)cell->sum - points * train->level[day];
                    weight += points;
                }
            }
            if (weight > 0) fit->knot[kind][k] = got / weight;
            fit->weight[kind][k] = train->model->scaled ? got : weight;
        }
    }
}

// Cells that the fit does not explain: incidents, promotions, whatever does not belong to the
// shape.
static void fit_doubts(Fit *fit) {
    Train *train = fit->train;
    uint32_t count = 0, cells = train->days * train->knots;
    float *share = NEW_ARRAY(float, cells + 1);
    for (uint32_t day = 0; day < train->days; day++) {
        if (isnan(train->level[day]) || train->apart[day]) continue;
        for (uint32_t k = 0; k < train->knots; k++) {
            const TrainCell *cell = &train->cell[day * train->knots + k];
            if (cell->points <= 0) continue;
            double sd, mean = expect(fit, day, k, &sd);
            double off = fabs((double)cell->sum - mean);
            if (!train->model->scaled) share[count++] = (float)(off / (double)cell->points);
            else if (mean > (train->model->counts ? 100 : 0)) share[count++] = (float)(off / mean);
        }
    }
    if (count > 20) fit->share = 1.4826 * train_median(share, count);
    mem_free(share);
    double least = train->model->scaled ? 0.02 : 1e-9 * (fabs(train->median) + 1e-9);
    if (fit->share < least) fit->share = least;
    for (uint32_t day = 0; day < train->days; day++) {
        for (uint32_t k = 0; k < train->knots; k++) {
            const TrainCell *cell = &train->cell[day * train->knots + k];
            double sd, mean = isnan(train->level[day]) ? 0 : expect(fit, day, k, &sd);
            fit->bad[day * train->knots + k] =
                cell->points <= 0 || isnan(train->level[day]) ||
                fabs((double)cell->sum - mean) > OUTLIER * sd;
        }
    }
}

// Begins with medians: of cells in proportion to their day.
static void fit_begin(Fit *fit, bool alike) {
    Train *train = fit->train;
    float *value = NEW_ARRAY(float, train->days + 1);
    for (uint32_t kind = 0; kind < 2; kind++) {
        for (uint32_t k = 0; k < train->knots; k++) {
            uint32_t count = 0;
            double total = 0;
            for (uint32_t day = 0; day < train->days; day++) {
                const TrainCell *cell = &train->cell[day * train->knots + k];
                if (cell->points <= 0 || train->apart[day]) continue;
                if (!alike && (kind_of(train, day) != kind || turns(train, day, k))) continue;
                value[count++] = cell->sum / cell->points;
                total += (double)(cell->sum / cell->points);
            }
            double median = train_median(value, count);
            // Of small counts the median is 0 or 1, and says little; of few portions, too.
            bool small = train->model->counts && count && median * (SERIES_DAY_MS / KNOT_MS) < 144;
            small |= train->model->ceiling != 0 && median < portion_of(fit, k);
            fit->knot[kind][k] = count ? small ? total / count : median : train->median;
        }
    }
    mem_free(value);
}

// The fewer events a knot stands on, the more of its neighbours are asked: up to 40 minutes away.
static void smooth(const Fit *fit, uint32_t kind, float *out) {
    const Train *train = fit->train;
    const double *knot = fit->knot[kind], *weight = fit->weight[kind];
    uint32_t n = train->knots, most = n >= 100 ? 4 : n >= 40 ? 1 : 0;
    double wants = train->model->counts || train->model->ceiling != 0 ? 2000 : 0;
    for (uint32_t k = 0; k < n; k++) {
        double sum = 0, total = 0;
        for (uint32_t width = n >= 100 ? 1 : 0; width <= most; width++) {
            sum = total = 0;
            double events = 0;
            for (int32_t off = -(int32_t)width; off <= (int32_t)width; off++) {
                uint32_t at = (k + n + (uint32_t)off) % n;
                double tent = 1 - fabs((double)off) / (width + 1.0);
                if (width == 1 && off) tent = 0.25;  // one step: hardly any smoothing
                sum += tent * knot[at];
                total += tent;
                events += tent * weight[at] / fmax(portion_of(fit, at), 1e-30);
            }
            if (events >= wants) break;
        }
        double value = sum / total;
        if (train->model->scaled) value = log(fmax(value, 1e-3 * fmax(train->median, 1e-3)));
        out[k] = (float)value;
    }
}

// Weekdays: the mean of what days of that name were above the days around them.
static void fit_weekdays(Train *train) {
    double sum[7] = {0}, mean = 0, slope = 0;
    uint32_t count[7] = {0};
    float effect[7] = {0};
    for (uint32_t round = 0; round < 8; round++) {
        double n = 0, x = 0, y = 0, xx = 0, xy = 0;
        for (uint32_t day = 0; day < train->days; day++) {
            if (isnan(train->level[day]) || train->apart[day]) continue;
            double rest =
                train->level[day] - (double)effect[train_weekday(train, day)];
            n++, x += day, y += rest, xx += (double)day * day, xy += day * rest;
        }
        if (n < 1) return;
        double spread = xx - x * x / n;
        slope = n >= 14 && spread > 0 ? (xy - x * y / n) / spread : 0;
        mean = (y - slope * x) / n;
        memset(sum, 0, sizeof sum);
        memset(count, 0, sizeof count);
        for (uint32_t day = 0; day < train->days; day++) {
            if (isnan(train->level[day]) || train->apart[day]) continue;
            uint32_t weekday = train_weekday(train, day);
            sum[weekday] += train->level[day] - mean - slope * day;
            count[weekday]++;
        }
        for (uint32_t i = 0; i < 7; i++) effect[i] = count[i] ? (float)(sum[i] / count[i]) : 0;
    }
    // A day of the week that was never seen is like the other ones of its kind.
    for (uint32_t i = 0; i < 7; i++) {
        if (count[i]) continue;
        double total = 0, days = 0;
        for (uint32_t j = i >= 5 ? 5 : 0; j < (i >= 5 ? 7u : 5u); j++) {
            if (count[j]) total += (double)effect[j], days++;
        }
        effect[i] = days > 0 ? (float)(total / days) : 0;
    }
    memcpy(train->model->weekday, effect, sizeof effect);
    double last = mean + slope * (train->days - 1);
    train->model->level = last;
}

static uint32_t days_of(const Train *train, uint32_t kind) {
    uint32_t days = 0;
    for (uint32_t day = 0; day < train->days; day++) {
        if (train->apart[day] || kind_of(train, day) != kind) continue;
        double points = 0;
        for (uint32_t k = 0; k < train->knots; k++)
            points += (double)train->cell[day * train->knots + k].points;
        days += points * (double)train->history->step_ms > SERIES_DAY_MS / 2.0;
    }
    return days;
}

// Level 0 is the mean of the shape, so that shapes of different days can be compared.
static void centre(Train *train, float *knot) {
    double sum = 0;
    for (uint32_t k = 0; k < train->knots; k++) {
        sum += train->model->scaled ? exp((double)knot[k]) : (double)knot[k];
    }
    double mean = train->model->scaled ? log(sum / train->knots) : sum / train->knots;
    for (uint32_t k = 0; k < train->knots; k++) knot[k] -= (float)mean;
}

void train_profile(Train *train) {
    SeriesModel *model = train->model;
    uint32_t n = train->knots;
    bool alike = days_of(train, 0) < REST_DAYS_MIN || days_of(train, 1) < REST_DAYS_MIN;
    Fit fit = {.train = train, .share = train->model->scaled ? 0.2 : 0,
               .hours = n < SERIES_HOURS ? n : SERIES_HOURS};
    for (uint32_t kind = 0; kind < 2; kind++) {
        fit.knot[kind] = NEW_ARRAY(double, n);
        fit.weight[kind] = NEW_ARRAY(double, n);
    }
    fit.bad = NEW_ARRAY(bool, (size_t)train->days * n);
    for (uint32_t i = 0; i < train->days * n; i++) fit.bad[i] = train->cell[i].points <= 0;
    for (uint32_t i = 0; i < SERIES_HOURS; i++) fit.portion[i] = model->counts;
    if (model->ceiling != 0) fit_portions(&fit);
    fit_begin(&fit, alike);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        fit_days(&fit);
        fit_doubts(&fit);
        fit_knots(&fit, alike);
    }
    model->knots = n;
    if (model->knot[1] != model->knot[0]) mem_free(model->knot[1]);
    mem_free(model->knot[0]);
    for (uint32_t kind = 0; kind < 2; kind++) {
        if (kind && alike) {
            model->knot[1] = model->knot[0];
            break;
        }
        model->knot[kind] = NEW_ARRAY(float, n);
        smooth(&fit, kind, model->knot[kind]);
        centre(train, model->knot[kind]);
    }
    // Days again, against the centred shapes.
    for (uint32_t kind = 0; kind < 2; kind++) {
        for (uint32_t k = 0; k < n; k++) {
            double value = (double)model->knot[kind][k];
            fit.knot[kind][k] = model->scaled ? exp(value) : value;
        }
    }
    fit_days(&fit);
    fit_weekdays(train);
    for (uint32_t kind = 0; kind < 2; kind++) mem_free(fit.knot[kind]), mem_free(fit.weight[kind]);
    mem_free(fit.bad);
}

// -- Holidays -------------------------------------------------------------------------------------

// As much of a day as says what its level is: history may end in the first minutes of a holiday.
static bool says_enough(const Train *train, uint32_t day) {
    double points = 0;
    for (uint32_t k = 0; k < train->knots; k++)
        points += (double)train->cell[day * train->knots + k].points;
    return 4 * points * (double)train->history->step_ms >= SERIES_DAY_MS;
}

// How well a holiday is explained by a day of rest that begins [shift_ms] later, its level free.
static double holiday_misfit(Train *train, uint32_t day, int32_t shift_ms, double *level) {
    SeriesModel *model = train->model;
    SeriesMoment moment;
    SeriesBase base;
    double got = 0, mean = 0, points = 0, misfit = 0;
    int64_t zone = train->history->calendar->zone_ms;
    int64_t begin = (int64_t)(train->first_day + (int32_t)day) * SERIES_DAY_MS - zone;
    int32_t before = model->growth_shift_ms;
    model->growth_shift_ms = shift_ms;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t k = 4; k + 4 < train->knots; k++) {
            const TrainCell *cell = &train->cell[day * train->knots + k];
            if (cell->points <= 0) continue;
            int64_t ts = begin + (int64_t)((k + 0.5) * SERIES_DAY_MS / train->knots);
            series_moment(train->history->calendar, ts, &moment);
            series_model_at(model, &moment, ts, &base);
            double n = (double)cell->points;
            if (!pass) {
                got += (double)cell->sum;
                mean += n * base.mean;
                points += n;
                continue;
            }
            double off, sd = 1;
            if (model->scaled) {
                double expected = n * base.mean * exp(*level);
                off = (double)cell->sum - expected;
                sd = sqrt(expected + 0.0025 * expected * expected) + 1e-9;
            } else {
                off = (double)cell->sum / n - base.mean - *level;
            }
            double z = off / sd;
            misfit += model->scaled ? fmin(z * z, 30) : z * z;
        }
        if (!pass && points <= 0) break;
        if (!pass)
            *level = model->scaled ? log(fmax(got, 0.3) / fmax(mean, 0.3)) : (got - mean) / points;
    }
    model->growth_shift_ms = before;
    return misfit;
}

void train_holidays(Train *train) {
    SeriesModel *model = train->model;
    const SeriesCalendar *calendar = train->history->calendar;
    model->growth = 0;
    model->growth_sd = model->scaled ? 0.4 : 3 * model->spread;
    model->growth_shift_ms = 0;
    if (!calendar || !model->knots) return;
    double best = HUGE_VAL, growth = 0, days = 0;
    for (int32_t minutes = 0; minutes <= 90; minutes += 15) {
        double misfit = 0, levels = 0, count = 0;
        for (uint32_t day = 0; day < train->days; day++) {
            bool holiday;
            (void)series_day_rests(calendar, train->first_day + (int32_t)day, &holiday);
            if (!holiday || !says_enough(train, day)) continue;
            double level = 0;
            misfit += holiday_misfit(train, day, minutes * 60000, &level);
            levels += level;
            count++;
        }
        if (count < 1) return;
        if (misfit < best) {
            best = misfit;
            model->growth_shift_ms = minutes * 60000;
            growth = levels / count;
            days = count;
        }
    }
    // The level of ordinary days is `level` at the end of history; a trend between is neglected.
    model->growth = (growth - model->level) * days / (days + 0.5);
    // Holidays differ; but those of a metric that did not care about one will not be far off.
    double cares = model->scaled ? 0.08 : model->spread;
    model->growth_sd = cares + 0.5 * fabs(model->growth);
    if (model->counts) model->growth_sd = 0.25;
}
