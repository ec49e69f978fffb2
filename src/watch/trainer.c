// The trainer: makes models of history beside the detection, on cores that have nothing else to do.
//
// A metric is due when it has no model and two days of history; again whenever its history has
// doubled, up to four weeks; from then on every two weeks of its own time; and at once when its
// model does not fit any more, or somebody has said what its alarms were worth. What was anomalous
// is set apart: intervals of alarms that nobody called false and that did not become the new
// normal, and of incidents that were missed.
//
// A model is published if it is not worse than the one in use: both forecast the last day, and the
// new one may be off by a tenth more. The stream takes it up with the metric's next point.
//
// Threads: each takes the next metric that is due; one metric is never in two hands. What takes
// long, the training itself, runs in a thread of the least priority that shares no lock with
// anybody: one that is kept waiting with the registry's lock in its hands would keep the detection
// waiting, too.
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "watch/watch_int.h"

enum {
    TRAINERS_MAX = 64,
    LOOK_MS = 500,                  // between two looks for what is due
    AGAIN_MS = 60000,               // of the clock, before a metric that could not be trained is
                                    // looked at again
    HISTORY_DAYS = 42,              // that a model is made of at most
    FULL_DAYS = 28,
};

typedef struct Attempt {
    int64_t last_ms;   // of history then
    int64_t at_ms;     // by the clock
    bool busy;
    bool failed;
} Attempt;

struct Trainer {
    Watch *watch;
    OsThread *thread[TRAINERS_MAX];
    uint32_t threads;
    OsMonitor monitor;  // of what follows
    bool stopping;
    Attempt *attempt;   // by key
    int64_t attempts;
    int64_t next;       // the key where the search goes on
    WatchTrainerFigures figures;
};

static Attempt *attempt_of(Trainer *self, int64_t key) {
    if (key >= self->attempts) {
        int64_t wanted = key + 1024;
        self->attempt = mem_realloc(self->attempt, (size_t)wanted * sizeof *self->attempt);
        memset(self->attempt + self->attempts, 0,
               (size_t)(wanted - self->attempts) * sizeof *self->attempt);
        self->attempts = wanted;
    }
    return &self->attempt[key];
}

// ---- what is due -------------------------------------------------------------------------------

static bool is_due(Trainer *self, WatchMetric *metric, const Attempt *attempt) {
    int64_t first_ms, last_ms;
    Watch *watch = self->watch;
    if (atomic_load(&metric->gone) || atomic_load(&metric->paused) || attempt->busy) return false;
    if (!watch_span(watch, metric, &first_ms, &last_ms)) return false;
    roster_lock(watch->roster);
    bool wants = metric->wants_training, has = metric->model_version > 0;
    int64_t trained_ms = metric->trained_ms;
    roster_unlock(watch->roster);
    int64_t now_ms = os_now_ms();
    if (attempt->failed && now_ms - attempt->at_ms < AGAIN_MS) return false;
    if (wants) return true;
    int64_t span_ms = last_ms - first_ms, since_ms = last_ms - trained_ms;
    if (!has) return span_ms >= 2 * (int64_t)SERIES_DAY_MS;
    if (span_ms < (int64_t)FULL_DAYS * SERIES_DAY_MS) return since_ms >= trained_ms - first_ms;
    return since_ms >= watch->settings.retrain_ms;
}

// The next metric that is due, marked as taken; NULL: none is. With the lock held.
static WatchMetric *take_due(Trainer *self) {
    int64_t keys = roster_keys(self->watch->roster);
    for (int64_t i = 0; i <= keys; i++) {
        int64_t key = self->next > keys ? 0 : self->next;
        self->next = key + 1;
        WatchMetric *metric = roster_metric_of(self->watch->roster, key);
        if (!metric) continue;
        Attempt *attempt = attempt_of(self, key);
        if (!is_due(self, metric, attempt)) continue;
        attempt->busy = true;
        return metric;
    }
    return NULL;
}

// ---- history -----------------------------------------------------------------------------------

static void set_apart(SeriesHistory *history, uint8_t *outside, int64_t from_ms, int64_t to_ms,
                      uint8_t value) {
    for (uint32_t i = 0; i < history->count; i++) {
        int64_t ts_ms = history->from_ms + i * history->step_ms;
        if (ts_ms >= from_ms && ts_ms <= to_ms) outside[i] = value;
    }
}

// Which points were anomalous, as far as anybody knows, and what people said of intervals.
static Status read_outside(Trainer *self, WatchMetric *metric, SeriesHistory *history,
                           uint8_t *outside, Arena *arena, Error *err) {
    enum { ALARMS_MAX = 1000 };
    static const int64_t NORMAL_MS = DETECT_NORMAL_HOURS * (int64_t)3600000;
    WatchLabel *label;
    WatchAlarm *alarm;
    uint32_t labels = 0, alarms = 0;
    Roster *roster = self->watch->roster;
    Status st = roster_labels(roster, metric->platform, metric, 0, ROSTER_ALL, arena, &label,
                              &labels, err);
    if (!st) {
        st = roster_alarms(roster, metric->platform, metric, history->from_ms, ALARMS_MAX, arena,
                           &alarm, &alarms, err);
    }
    for (uint32_t i = 0; i < alarms && !st; i++) {
        bool wrong = false;
        uint64_t number = watch_alarm_number(alarm[i].id);
        // There are no points in a silence; a rule says nothing of what is usual.
        if (number & (WATCH_SILENCE_ALARM | WATCH_RULE_ALARM)) continue;
        for (uint32_t l = 0; l < labels; l++) {
            wrong |= label[l].kind == WATCH_FALSE_ALARM && label[l].alarm == number;
        }
        bool open = !str_is(alarm[i].event, "close");
        // What lasted that long was taken for the new normal.
        wrong |= !open && alarm[i].ts_ms - alarm[i].opened_ms >= NORMAL_MS;
        int64_t to_ms = open ? INT64_MAX : alarm[i].ts_ms;
        if (!wrong) set_apart(history, outside, alarm[i].opened_ms, to_ms, 1);
    }
    SeriesLabel *said = ARENA_ARRAY(arena, SeriesLabel, labels + 1);
    history->label = said;
    for (uint32_t l = 0; l < labels && !st; l++) {
        if (label[l].to_ms <= label[l].from_ms) continue;
        if (label[l].kind != WATCH_TRUE_ALARM) {
            said[history->labels++] = (SeriesLabel){label[l].from_ms, label[l].to_ms,
                                                    label[l].kind == WATCH_MISSED};
        }
        set_apart(history, outside, label[l].from_ms, label[l].to_ms,
                  label[l].kind != WATCH_FALSE_ALARM);
    }
    return st;
}

// ---- a model -----------------------------------------------------------------------------------

// As the model speaks of it: the value, or what it lacks to the ceiling.
static double seen_by(const SeriesModel *model, float value) {
    return model->ceiling != 0 ? model->ceiling - (double)value : (double)value;
}

// The mean distance of the profile's shape from the last day.
static double error_of(const SeriesModel *model, const SeriesHistory *history) {
    uint32_t day = (uint32_t)(SERIES_DAY_MS / history->step_ms);
    uint32_t from = history->count > day ? history->count - day : 0, n = 0;
    double sum = 0, mean = 0, base = 0;
    for (uint32_t i = from; i < history->count; i++) {
        SeriesMoment moment;
        SeriesBase at;
        int64_t ts_ms = history->from_ms + i * history->step_ms;
        if (isnan(history->value[i]) || (history->outside && history->outside[i])) continue;
        series_moment(history->calendar, ts_ms, &moment);
        series_model_at(model, &moment, ts_ms, &at);
        mean += seen_by(model, history->value[i]);
        base += at.mean;
        n++;
    }
    if (!n) return 0;
    // The level is not the profile's business: it is fitted.
    double scale = model->scaled && base > 0 ? mean / base : 1;
    double shift = model->scaled ? 0 : (mean - base) / n;
    for (uint32_t i = from; i < history->count; i++) {
        SeriesMoment moment;
        SeriesBase at;
        int64_t ts_ms = history->from_ms + i * history->step_ms;
        if (isnan(history->value[i]) || (history->outside && history->outside[i])) continue;
        series_moment(history->calendar, ts_ms, &moment);
        series_model_at(model, &moment, ts_ms, &at);
        sum += fabs(seen_by(model, history->value[i]) - (at.mean * scale + shift));
    }
    return sum / n;
}

static Status publish(Trainer *self, WatchMetric *metric, SeriesModel *model,
                      const SeriesHistory *history, double took_s, Error *err) {
    enum { WORSE_PERCENT = 10 };
    Watch *watch = self->watch;
    uint32_t number;
    SeriesModel *before = watch_model(watch, metric, &number);
    Buf summary = {0}, line = {0};
    double error = error_of(model, history), error_before = -1;
    if (before && before->step_ms == model->step_ms) error_before = error_of(before, history);
    (void)series_model_unref(before);
    series_model_describe(model, &line);
    buf_printf(&summary, "{\"class\":\"%s\",\"points\":%u,\"from\":%lld,\"to\":%lld",
               series_class_name(model->kind), model->points, (long long)model->from_ms,
               (long long)model->to_ms);
    buf_printf(&summary, ",\"bytes\":%zu,\"train_ms\":%.1f,\"error\":%.6g",
               series_model_bytes(model), took_s * 1000, error);
    if (error_before >= 0) buf_printf(&summary, ",\"error_before\":%.6g", error_before);
    buf_puts(&summary, ",\"says\":");
    json_print_text(buf_str(&line), 0, &summary);
    buf_putc(&summary, '}');
    Status st;
    if (error_before >= 0 && error > error_before * (100 + WORSE_PERCENT) / 100) {
        st = error_set(err, ST_RUNTIME,
                       "the new model forecasts the last day worse (%.4g) than the one in use "
                       "(%.4g), which stays", error, error_before);
    } else {
        int64_t last_ms = history->from_ms + (int64_t)(history->count - 1) * history->step_ms;
        st = watch_model_publish(watch, metric, model, last_ms, buf_str(&summary), err);
    }
    buf_free(&summary);
    buf_free(&line);
    return st;
}

typedef struct Work {
    const SeriesHistory *history;
    SeriesModel *model;
    Status status;
    Error err;
    int64_t took_ns;
} Work;

static void run_work(void *arg) {
    Work *work = arg;
    os_thread_yields();
    int64_t began_ns = os_monotonic_ns();
    work->status = series_train(work->history, &work->model, &work->err);
    work->took_ns = os_monotonic_ns() - began_ns;
}

static Status train_aside(const SeriesHistory *history, SeriesModel **out, double *took_s,
                          Error *err) {
    Work work = {.history = history};
    OsThread *thread;
    TRY(os()->thread_start(run_work, &work, &thread, err));
    os()->thread_join(thread);
    *out = work.model;
    *took_s = (double)work.took_ns / 1e9;
    if (work.status && err) *err = work.err;
    return work.status;
}

static Status train(Trainer *self, WatchMetric *metric, Error *err) {
    Watch *watch = self->watch;
    int64_t first_ms, last_ms, step_ms = atomic_load(&metric->step_ms);
    if (!watch_span(watch, metric, &first_ms, &last_ms)) return ST_OK;
    int64_t oldest_ms = last_ms - (int64_t)HISTORY_DAYS * SERIES_DAY_MS;
    if (first_ms < oldest_ms) first_ms = oldest_ms;
    first_ms -= first_ms % step_ms;
    int64_t count = (last_ms - first_ms) / step_ms + 1;
    if (count > SERIES_POINTS_MAX) {
        first_ms += (count - SERIES_POINTS_MAX) * step_ms;
        count = SERIES_POINTS_MAX;
    }
    double *value = mem_alloc((size_t)count * sizeof *value);
    float *small = mem_alloc((size_t)count * sizeof *small);
    uint8_t *outside = mem_zalloc((size_t)count);
    SeriesModel *model = NULL;
    Arena arena = {0};
    SeriesHistory history = {.from_ms = first_ms, .step_ms = step_ms, .value = small,
                             .count = (uint32_t)count, .outside = outside};
    Status st = history_read(watch->history, metric->key, step_ms, first_ms, history.count, value,
                             err);
    for (int64_t i = 0; i < count && !st; i++) small[i] = (float)value[i];
    if (!st) st = read_outside(self, metric, &history, outside, &arena, err);
    history.calendar = watch_calendar(watch, metric);
    history.general = watch_general(watch, metric->platform, NULL);
    roster_lock(watch->roster);
    history.nets = metric->spec->importance ? SERIES_NET_LSTM : SERIES_NET_DENSE;
    roster_unlock(watch->roster);
    double took_s = 0;
    if (!st) st = train_aside(&history, &model, &took_s, err);
    if (!st) st = publish(self, metric, model, &history, took_s, err);
    os_lock(&self->monitor);
    self->figures.train_s += took_s;
    if (st) self->figures.failed++;
    else self->figures.trained++;
    os_unlock(&self->monitor);
    (void)series_model_unref(model);
    (void)series_calendar_unref(history.calendar);
    (void)general_unref(history.general);
    arena_clear(&arena);
    mem_free(outside);
    mem_free(small);
    mem_free(value);
    return st;
}

// ---- threads -----------------------------------------------------------------------------------

static void run(void *arg) {
    Trainer *self = arg;
    os_lock(&self->monitor);
    while (!self->stopping) {
        WatchMetric *metric = take_due(self);
        if (!metric) {
            bool any = false;
            Error none = {0};
            os_unlock(&self->monitor);
            if (generals_learn(self->watch->generals, &any, &none)) {
                watch_say(self->watch, "no general network was made of labels: %s", none.message);
            }
            os_lock(&self->monitor);
            if (!any && !self->stopping) os_wait(&self->monitor, LOOK_MS);
            continue;
        }
        os_unlock(&self->monitor);
        Error err = {0};
        Status st = train(self, metric, &err);
        bool wanted = false;
        roster_lock(self->watch->roster);
        wanted = metric->wants_training;
        if (st) metric->wants_training = false;  // until somebody wants it again
        roster_unlock(self->watch->roster);
        if (st && wanted) {
            watch_say(self->watch, "metric '" STR_FMT "' was not trained: %s", STR_ARG(metric->id),
                      err.message);
        }
        os_lock(&self->monitor);
        Attempt *attempt = attempt_of(self, metric->key);
        attempt->busy = false;
        attempt->failed = st != ST_OK;
        attempt->at_ms = os_now_ms();
    }
    os_unlock(&self->monitor);
}

Status trainer_start(Watch *watch, Trainer **out, Error *err) {
    Trainer *self = NEW(Trainer);
    Status st = ST_OK;
    self->watch = watch;
    os()->monitor_init(&self->monitor);
    uint32_t wanted = watch->settings.trainers < TRAINERS_MAX ? watch->settings.trainers
                                                              : TRAINERS_MAX;
    while (!st && self->threads < wanted) {
        st = os()->thread_start(run, self, &self->thread[self->threads], err);
        if (!st) self->threads++;
    }
    if (st) {
        trainer_stop(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void trainer_stop(Trainer *self) {
    if (!self) return;
    os_lock(&self->monitor);
    self->stopping = true;
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
    for (uint32_t i = 0; i < self->threads; i++) os()->thread_join(self->thread[i]);
    os()->monitor_clear(&self->monitor);
    mem_free(self->attempt);
    mem_free(self);
}

WatchTrainerFigures trainer_figures(Trainer *self) {
    os_lock(&self->monitor);
    WatchTrainerFigures figures = self->figures;
    for (int64_t key = 0; key <= roster_keys(self->watch->roster); key++) {
        WatchMetric *metric = roster_metric_of(self->watch->roster, key);
        if (metric && is_due(self, metric, attempt_of(self, key))) figures.wait++;
    }
    os_unlock(&self->monitor);
    return figures;
}
