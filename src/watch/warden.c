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
// back, and its judge is woken before it is asked.
//
// When nobody of a group is heard any more, one metric is asked for all: the first by its key, once
// those are due that are about as patient. As long as that alarm is open nobody else of the group
// is asked; when one of them is heard it ends, and those that stay silent are asked for themselves
// after another while. Whose group is quiet, but who is the only one that is missed, speaks for
// itself.
//
// What is kept. Points, closed alarms and labels go when they are older than --keep, counted from
// the metric's newest point; of a removed metric everything goes at once (watch_metric_remove), and
// what a sudden end has left of one is found here at the next start.
#include "watch/watch_int.h"

enum { LOOK_MS = 1000, KEEP_EVERY_MS = 3600 * 1000, WAKE_MS = 10000 };
// Times a metric's patience: others are like it up to so much; so long it waits for them.
enum { LIKE = 2, WAITS = 3 };

// What is known of a metric beside what it says itself; by key.
typedef struct Asked {
    int64_t at_ns;     // when it was asked last; 0: not since a point came
    int64_t woken_ns;  // when its judge was woken; 0: never
    int64_t due_ms;    // at this look: the time at which it should be asked; INT64_MIN: it is not
} Asked;

typedef struct Group {
    int64_t reached[2];  // the two latest times that its metrics have reached
    int64_t heard_ns;    // when one of them was heard last; 0: not in this process
    int64_t gap_ms;      // such a silence of all was called fine
    int64_t pending_ms;  // the least patience of those that are not due; INT64_MAX: there are none
    int64_t speaker;     // key of the metric whose alarm is all's; 0: none
    uint32_t due;
    bool waking;         // somebody's judge has been woken and has not answered yet
    // From look to look.
    int64_t asked_ns, back_ns;
    bool spoke;
} Group;

struct Warden {
    Watch *watch;
    OsThread *thread;
    OsMonitor monitor;
    bool stopping;
    int64_t began_ns, kept_ns;
    Asked *asked;
    int64_t asked_count;
    Group *group;
    uint32_t groups;
    bool busy;  // at the look before: somebody was due, or a group silent
};

// ---- silence -----------------------------------------------------------------------------------

// Of whoever has not said how patient it is, a guess.
static int64_t patience_of(const SilenceView *view) {
    enum { STEPS = 5 };
    return view->patience_ms ? view->patience_ms : view->step_ms * STEPS;
}

int64_t silence_wait_ms(const SilenceView *view) {
    int64_t patience_ms = patience_of(view);
    int64_t wait_ms = patience_ms < view->quiet_ms ? patience_ms : view->quiet_ms;
    return wait_ms < 2 * view->rhythm_ms ? 2 * view->rhythm_ms : wait_ms;
}

int64_t silence_question(const SilenceView *view) {
    const int64_t live_ms = SERIES_DAY_MS;
    bool known = view->patience_ms != 0;
    int64_t patience_ms = patience_of(view);
    if (view->silent || patience_ms == INT64_MAX) return INT64_MIN;
    int64_t wait_ms = silence_wait_ms(view);
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

static Asked *asked_of(Warden *self, int64_t key) {
    if (key >= self->asked_count) {
        int64_t wanted = key + 1024;
        self->asked = mem_realloc(self->asked, (size_t)wanted * sizeof *self->asked);
        memset(self->asked + self->asked_count, 0,
               (size_t)(wanted - self->asked_count) * sizeof *self->asked);
        self->asked_count = wanted;
    }
    return &self->asked[key];
}

// Its group, or NULL: it is not watched, or has no points.
static Group *group_of(Warden *self, WatchMetric *metric) {
    if (!metric || atomic_load(&metric->gone) || atomic_load(&metric->paused)) return NULL;
    uint32_t group = atomic_load(&metric->group);
    return group < self->groups && last_of(self, metric) ? &self->group[group] : NULL;
}

static void find_times(Warden *self, int64_t keys) {
    uint32_t groups = roster_groups(self->watch->roster);
    if (groups > self->groups) {
        self->group = mem_realloc(self->group, groups * sizeof *self->group);
        memset(self->group + self->groups, 0, (groups - self->groups) * sizeof *self->group);
        self->groups = groups;
    }
    for (uint32_t i = 0; i < self->groups; i++) {
        Group *group = &self->group[i];
        *group = (Group){.reached = {INT64_MIN, INT64_MIN}, .pending_ms = INT64_MAX,
                         .asked_ns = group->asked_ns, .back_ns = group->back_ns,
                         .spoke = group->spoke};
    }
    for (int64_t key = 1; key <= keys; key++) {
        WatchMetric *metric = roster_metric_of(self->watch->roster, key);
        Group *group = group_of(self, metric);
        if (!group) continue;
        int64_t last_ms = last_of(self, metric), heard_ns = atomic_load(&metric->heard_ns);
        int64_t gap_ms = atomic_load(&metric->group_gap_ms);
        if (last_ms > group->reached[0]) {
            group->reached[1] = group->reached[0];
            group->reached[0] = last_ms;
        } else if (last_ms > group->reached[1]) {
            group->reached[1] = last_ms;
        }
        if (heard_ns > group->heard_ns) group->heard_ns = heard_ns;
        if (gap_ms > group->gap_ms) group->gap_ms = gap_ms;
        if (atomic_load(&metric->speaks)) group->speaker = key;
    }
}

static SilenceView view_of(Warden *self, WatchMetric *metric, const Group *group, int64_t now_ns,
                           int64_t now_ms) {
    Asked *asked = asked_of(self, metric->key);
    int64_t heard_ns = atomic_load(&metric->heard_ns);
    if (asked->at_ns < heard_ns) asked->at_ns = 0;
    if (heard_ns < self->began_ns) heard_ns = self->began_ns;
    if (heard_ns < group->back_ns) heard_ns = group->back_ns;
    return (SilenceView){
        .now_ms = now_ms,
        .group_ms = group->reached[1],
        .last_ms = last_of(self, metric),
        .step_ms = atomic_load(&metric->step_ms),
        .patience_ms = atomic_load(&metric->patience_ms),
        .unheard_ms = (now_ns - heard_ns) / 1000000,
        .rhythm_ms = atomic_load(&metric->rhythm_ns) / 1000000,
        .asked_ms = asked->at_ns ? (now_ns - asked->at_ns) / 1000000 : -1,
        .quiet_ms = self->watch->settings.quiet_ms,
        .silent = atomic_load(&metric->silent),
    };
}

// Whether there is anybody to ask.
static bool find_due(Warden *self, int64_t keys, int64_t now_ns, int64_t now_ms) {
    bool any = false;
    for (uint32_t i = 0; i < self->groups; i++) {
        Group *group = &self->group[i];
        if (group->spoke && !group->speaker) group->back_ns = now_ns;
        group->spoke = group->speaker != 0;
        any |= group->spoke;
    }
    for (int64_t key = 1; key <= keys; key++) {
        WatchMetric *metric = roster_metric_of(self->watch->roster, key);
        Group *group = group_of(self, metric);
        if (!group) continue;
        SilenceView view = view_of(self, metric, group, now_ns, now_ms);
        Asked *asked = asked_of(self, key);
        bool known = view.patience_ms && view.patience_ms != INT64_MAX;
        asked->due_ms = silence_question(&view);
        group->due += asked->due_ms != INT64_MIN;
        any |= asked->due_ms != INT64_MIN;
        if (known && !view.silent && asked->due_ms == INT64_MIN &&
            view.patience_ms < group->pending_ms) {
            group->pending_ms = view.patience_ms;
        }
        if (!view.patience_ms && asked->woken_ns &&
            now_ns - asked->woken_ns < (int64_t)WAKE_MS * 1000000) {
            group->waking = true;
        }
    }
    return any;
}

// The metric whose alarm is its group's. Is another one heard again, or has a label ended it?
static bool ask_speaker(const WatchMetric *metric, const Group *group, const Asked *asked,
                        InboxQuestion *question) {
    int64_t since_ns = asked->at_ns > asked->woken_ns ? asked->at_ns : asked->woken_ns;
    *question = ASK_BACK;
    if (group->heard_ns > since_ns) return true;
    *question = ASK_WAKE;
    return !atomic_load(&metric->silent);
}

// A metric that is due: what to ask it. False: nothing yet.
static bool ask_due(const SilenceView *view, const Group *group, const Asked *asked,
                    int64_t began_ns, int64_t now_ns, InboxQuestion *question) {
    int64_t since_ns = group->heard_ns > began_ns ? group->heard_ns : began_ns;
    int64_t unheard_ms = (now_ns - since_ns) / 1000000, wait_ms = silence_wait_ms(view);
    *question = view->patience_ms ? ASK_SILENT : ASK_WAKE;
    if (!view->patience_ms) return !asked->woken_ns;
    bool others_go_on = view->group_ms > view->last_ms &&
                        view->group_ms - view->last_ms >= view->patience_ms;
    if (others_go_on || unheard_ms < wait_ms || group->reached[1] == INT64_MIN) return true;
    bool waited = asked->due_ms - view->last_ms >= WAITS * view->patience_ms;
    if (group->waking || (group->pending_ms <= LIKE * view->patience_ms && !waited)) return false;
    if (group->due < 2) return true;
    *question = ASK_GROUP;
    bool asked_already = group->asked_ns && (now_ns - group->asked_ns) / 1000000 < wait_ms;
    return !asked_already && asked->due_ms - group->reached[0] >= 2 * group->gap_ms;
}

static bool ask(Warden *self, WatchMetric *metric, Group *group, int64_t now_ns, int64_t now_ms) {
    Asked *asked = asked_of(self, metric->key);
    InboxQuestion question;
    bool speaks = group->speaker == metric->key;
    int64_t at_ms = speaks ? now_ms : asked->due_ms;
    atomic_store_explicit(&metric->hushed, group->speaker && !speaks, memory_order_relaxed);
    if (group->speaker && !speaks) return false;
    if (speaks) {
        if (!ask_speaker(metric, group, asked, &question)) return false;
    } else {
        SilenceView view = view_of(self, metric, group, now_ns, now_ms);
        if (at_ms == INT64_MIN) return false;
        if (!ask_due(&view, group, asked, self->began_ns, now_ns, &question)) return false;
    }
    InboxPoint point = {.key = -metric->key, .ts_ms = at_ms, .value = question};
    inbox_append(self->watch->inbox, &point, 1);
    if (question == ASK_WAKE) asked->woken_ns = now_ns;
    else asked->at_ns = now_ns;
    if (question == ASK_GROUP) group->asked_ns = now_ns;
    return true;
}

static void look_for_silence(Warden *self) {
    int64_t keys = roster_keys(self->watch->roster);
    int64_t now_ns = os_monotonic_ns(), now_ms = os_now_ms();
    bool asked = false;
    Error err;
    find_times(self, keys);
    bool busy = find_due(self, keys, now_ns, now_ms), was_busy = self->busy;
    self->busy = busy;
    if (!busy && !was_busy)
        return;  // the common case; once more, for those that are hushed no more
    for (int64_t key = 1; key <= keys; key++) {
        WatchMetric *metric = roster_metric_of(self->watch->roster, key);
        Group *group = group_of(self, metric);
        if (group) asked |= ask(self, metric, group, now_ns, now_ms);
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
    mem_free(self->asked);
    mem_free(self->group);
    mem_free(self);
}
