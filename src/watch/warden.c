// The warden: sees what no point tells. Every second it looks for metrics that have stopped to
// report, every hour for what has grown too old to be kept.
//
// Silence. A metric is silent when nothing of it has come for a while by the clock (--quiet, or its
// patience, or twice what lies between its arrivals), and time has gone on beyond its patience: the
// time that at least two metrics of its group have reached, or the clock, if its points are of now
// and not of a replay. The warden does not decide, it asks: a question goes through the inbox to
// the metric's judge, which knows the metric's habits and what it has told already (silence.h). So
// what is decided is in the state that checkpoints keep, and is decided once. All that the warden
// goes by is in the history or is learned anew; after a restart every metric has its time to come
// back.
//
// What is kept. Points, closed alarms and labels go when they are older than --keep, counted from
// the metric's newest point; of a removed metric everything goes at once (watch_metric_remove), and
// what a sudden end has left of one is found here at the next start.
#include "watch/watch_int.h"

enum { LOOK_MS = 1000, KEEP_EVERY_MS = 3600 * 1000 };

struct Warden {
    Watch *watch;
    OsThread *thread;
    OsMonitor monitor;
    bool stopping;
    int64_t began_ns, kept_ns;
    int64_t *asked_ns;  // by key: when it was asked last
    int64_t asked_count;
    int64_t *reached;   // by group: the two latest times that its metrics have reached
    uint32_t groups;
};

// ---- silence -----------------------------------------------------------------------------------

int64_t silence_question(const SilenceView *view) {
    enum { STEPS = 5 };
    const int64_t live_ms = SERIES_DAY_MS;
    bool known = view->patience_ms != 0;
    int64_t patience_ms = known ? view->patience_ms : view->step_ms * STEPS;
    if (view->silent || patience_ms == INT64_MAX) return INT64_MIN;
    int64_t wait_ms = patience_ms < view->quiet_ms ? patience_ms : view->quiet_ms;
    if (wait_ms < 2 * view->rhythm_ms) wait_ms = 2 * view->rhythm_ms;
    if (view->unheard_ms < wait_ms) return INT64_MIN;
    // Whoever did not answer has no state, or is on its way to it.
    if (view->asked_ms >= 0 && (!known || view->asked_ms < wait_ms)) return INT64_MIN;
    int64_t at_ms = view->group_ms, late_ms = view->now_ms - view->last_ms;
    bool live = late_ms > -live_ms && late_ms - patience_ms < live_ms;
    if (live && view->now_ms > at_ms) at_ms = view->now_ms;
    return at_ms > view->last_ms && at_ms - view->last_ms >= patience_ms ? at_ms : INT64_MIN;
}

// What its judge says, or after a restart the history; 0: it has no points.
static int64_t last_of(Warden *self, WatchMetric *metric) {
    int64_t first_ms, last_ms = atomic_load(&metric->last_ms), none = 0;
    if (last_ms || !history_span(self->watch->history, metric->key, &first_ms, &last_ms)) {
        return last_ms;
    }
    if (!atomic_compare_exchange_strong(&metric->last_ms, &none, last_ms)) return none;
    return last_ms;
}

static bool is_watched(const WatchMetric *metric) {
    return metric && !atomic_load(&metric->gone) && !atomic_load(&metric->paused);
}

static int64_t *asked_of(Warden *self, int64_t key) {
    if (key >= self->asked_count) {
        int64_t wanted = key + 1024;
        self->asked_ns = mem_realloc(self->asked_ns, (size_t)wanted * sizeof *self->asked_ns);
        memset(self->asked_ns + self->asked_count, 0,
               (size_t)(wanted - self->asked_count) * sizeof *self->asked_ns);
        self->asked_count = wanted;
    }
    return &self->asked_ns[key];
}

static void find_times(Warden *self, int64_t keys) {
    uint32_t groups = roster_groups(self->watch->roster);
    if (groups > self->groups) {
        self->reached = mem_realloc(self->reached, groups * 2 * sizeof *self->reached);
        self->groups = groups;
    }
    for (uint32_t i = 0; i < self->groups * 2; i++) self->reached[i] = INT64_MIN;
    for (int64_t key = 1; key <= keys; key++) {
        WatchMetric *metric = roster_metric_of(self->watch->roster, key);
        uint32_t group = metric ? atomic_load(&metric->group) : 0;
        if (!is_watched(metric) || group >= self->groups) continue;
        int64_t last_ms = last_of(self, metric), *reached = &self->reached[group * 2];
        if (last_ms > reached[0]) {
            reached[1] = reached[0];
            reached[0] = last_ms;
        } else if (last_ms > reached[1]) {
            reached[1] = last_ms;
        }
    }
}

static bool ask(Warden *self, WatchMetric *metric, int64_t now_ns, int64_t now_ms) {
    uint32_t group = atomic_load(&metric->group);
    int64_t last_ms = last_of(self, metric), *asked_ns = asked_of(self, metric->key);
    int64_t heard_ns = atomic_load(&metric->heard_ns);
    if (!last_ms || group >= self->groups) return false;
    if (*asked_ns < heard_ns) *asked_ns = 0;
    SilenceView view = {
        .now_ms = now_ms,
        .group_ms = self->reached[group * 2 + 1],
        .last_ms = last_ms,
        .step_ms = atomic_load(&metric->step_ms),
        .patience_ms = atomic_load(&metric->patience_ms),
        .unheard_ms = (now_ns - (heard_ns ? heard_ns : self->began_ns)) / 1000000,
        .rhythm_ms = atomic_load(&metric->rhythm_ns) / 1000000,
        .asked_ms = *asked_ns ? (now_ns - *asked_ns) / 1000000 : -1,
        .quiet_ms = self->watch->settings.quiet_ms,
        .silent = atomic_load(&metric->silent),
    };
    int64_t at_ms = silence_question(&view);
    if (at_ms == INT64_MIN) return false;
    InboxPoint question = {.key = -metric->key, .ts_ms = at_ms};
    inbox_append(self->watch->inbox, &question, 1);
    *asked_ns = now_ns;
    return true;
}

static void look_for_silence(Warden *self) {
    int64_t keys = roster_keys(self->watch->roster);
    int64_t now_ns = os_monotonic_ns(), now_ms = os_now_ms();
    bool asked = false;
    Error err;
    find_times(self, keys);
    for (int64_t key = 1; key <= keys; key++) {
        WatchMetric *metric = roster_metric_of(self->watch->roster, key);
        if (is_watched(metric)) asked |= ask(self, metric, now_ns, now_ms);
    }
    if (asked && inbox_commit(self->watch->inbox, &err)) watch_say(self->watch, "%s", err.message);
}

// ---- what is kept ------------------------------------------------------------------------------

static Status keep(Warden *self, int64_t key, Error *err) {
    Watch *watch = self->watch;
    WatchMetric *metric = roster_metric_of(watch->roster, key);
    int64_t first_ms, last_ms;
    if (!metric || atomic_load(&metric->gone)) return watch_forget(watch, key, err);
    if (!watch_span(watch, metric, &first_ms, &last_ms)) return ST_OK;
    if (last_ms > os_now_ms()) return ST_OK;  // an odd clock must not drop what is good
    int64_t before_ms = last_ms - watch->settings.keep_ms;
    if (first_ms >= before_ms || !history_trim(watch->history, key, before_ms)) return ST_OK;
    return roster_trim(watch->roster, metric, before_ms, err);
}

static void keep_all(Warden *self) {
    Arena arena = {0};
    Error err;
    int64_t *key;
    uint32_t count = history_keys(self->watch->history, &arena, &key);
    Status st = ST_OK;
    for (uint32_t i = 0; i < count && !st; i++) st = keep(self, key[i], &err);
    if (!st) st = history_compact(self->watch->history, &err);
    if (st) watch_say(self->watch, "what is too old stays for now: %s", err.message);
    arena_clear(&arena);
}

// ---- the thread --------------------------------------------------------------------------------

static void run(void *arg) {
    Warden *self = arg;
    int64_t look_ms = self->watch->settings.quiet_ms / 4;
    if (look_ms > LOOK_MS) look_ms = LOOK_MS;
    if (look_ms < 10) look_ms = 10;
    os_lock(&self->monitor);
    while (!self->stopping) {
        os_unlock(&self->monitor);
        int64_t now_ns = os_monotonic_ns();
        if (!self->kept_ns || now_ns - self->kept_ns > (int64_t)KEEP_EVERY_MS * 1000000) {
            self->kept_ns = now_ns;
            keep_all(self);
        }
        look_for_silence(self);
        os_lock(&self->monitor);
        if (!self->stopping) os_wait(&self->monitor, look_ms);
    }
    os_unlock(&self->monitor);
}

Status warden_start(Watch *watch, Warden **out, Error *err) {
    Warden *self = NEW(Warden);
    self->watch = watch;
    self->began_ns = os_monotonic_ns();
    os()->monitor_init(&self->monitor);
    Status st = os()->thread_start(run, self, &self->thread, err);
    if (st) {
        warden_stop(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void warden_stop(Warden *self) {
    if (!self) return;
    os_lock(&self->monitor);
    self->stopping = true;
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
    os()->thread_join(self->thread);
    os()->monitor_clear(&self->monitor);
    mem_free(self->asked_ns);
    mem_free(self->reached);
    mem_free(self);
}
