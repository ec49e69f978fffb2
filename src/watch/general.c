// watch/general.c - labels to a platform's general network, and its files.
#include "watch/general.h"

#include <math.h>
#include <stdio.h>

#include "watch/judge.h"
#include "watch/watch_int.h"

enum {
    LABELS_NEW = 8,
    LABELS_LEAST = 16,
    LABELS_MOST = 512,
    WARM_STEPS = 256,
    WARM_MS = 2 * SERIES_DAY_MS,
    LABEL_MS_MAX = 2 * SERIES_DAY_MS,
    NEAR_STEPS = 10,  // a case is a label's that lies so close to it
    EPOCHS = 60,
    FILE_MAGIC = 0x31504757,
    FILE_VERSION = 1,
    AGAIN_MS = 600000,
};
static const double BETTER = 0.95;  // of the loss before must be what it is after
static const double HOLD = 0.02, RATE = 0.001;
static const float QUIET = 0.1F;  // weight of a doubt near a label that nobody spoke of

typedef struct PlatformNet {
    int64_t platform;
    SeriesGeneral *net;  // NULL: the one that is built in
    GeneralFacts facts;
    int64_t label_last;  // labels up to it were learned from
    int64_t tried_last;  // or tried, in this process
    int64_t failed_ms;   // by the clock: not again at once
} PlatformNet;

struct Generals {
    Watch *watch;
    OsMonitor monitor;  // of what follows
    PlatformNet *net;
    uint32_t count, room;
    bool busy;
};

// ---- lessons -----------------------------------------------------------------------------------

typedef struct Listener {
    const GeneralTold *told;
    GeneralLesson *lesson;
    uint32_t count, room;
    uint32_t of_label;  // of them: cases that the label speaks of
} Listener;

static void hear(void *arg, int64_t ts_ms, double score, const GeneralCase *at) {
    Listener *self = arg;
    const GeneralTold *told = self->told;
    int64_t near_ms = NEAR_STEPS * told->settings.step_ms;
    bool spoken = ts_ms >= told->begin_ms - near_ms && ts_ms <= told->end_ms + near_ms;
    if (!spoken && score >= 1) return;  // an alarm: nobody said what it was
    if (self->count == self->room) {
        self->room = self->room ? self->room * 2 : 256;
        self->lesson = mem_realloc(self->lesson, self->room * sizeof *self->lesson);
    }
    self->lesson[self->count++] = (GeneralLesson){
        .at = *at, .incident = spoken && told->incident ? 1 : 0, .weight = spoken ? 1 : -QUIET};
    self->of_label += spoken;
}

// The cases of one label weigh one together.
static void listen_to(Listener *self, const GeneralTold *told) {
    DetectEar ear = {hear, self};
    uint32_t from = self->count;
    self->told = told;
    self->of_label = 0;
    Detector *detector = detector_new(&told->settings);
    detector_listen(detector, &ear);
    detector_use(detector, told->model);
    for (uint32_t i = 0; i < told->count; i++) {
        DetectVerdict verdict;
        int64_t ts_ms = told->from_ms + (int64_t)i * told->settings.step_ms;
        detector_push(detector, ts_ms, (double)told->value[i], &verdict);
    }
    detector_free(detector);
    for (uint32_t i = from; i < self->count; i++) {
        GeneralLesson *lesson = &self->lesson[i];
        lesson->weight =
            lesson->weight > 0 ? lesson->weight / (float)self->of_label : -lesson->weight;
    }
}

SeriesGeneral *general_learned(const GeneralTold *told, uint32_t count, const SeriesGeneral *before,
                               double loss[2]) {
    Listener heard = {0};
    const SeriesGeneral *start = general_shipped();
    uint32_t first = count - count / 4, seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i == first) seen = heard.count;
        listen_to(&heard, &told[i]);
    }
    GeneralTraining settings = {
        .from = start, .hold = HOLD, .epochs = EPOCHS, .rate = RATE, .seed = 1};
    SeriesGeneral *net = NULL;
    const GeneralLesson *held = heard.lesson + seen;
    uint32_t held_count = heard.count - seen;
    if (start && before && count >= 4 && seen && held_count) {
        net = general_train(heard.lesson, seen, &settings);
        loss[0] = general_loss(before, held, held_count);
        loss[1] = general_loss(net, held, held_count);
        net = general_unref(net);
        if (loss[1] < BETTER * loss[0]) net = general_train(heard.lesson, heard.count, &settings);
    }
    mem_free(heard.lesson);
    return net;
}

// ---- files -------------------------------------------------------------------------------------

static void code_facts(Codec *codec, GeneralFacts *facts, int64_t *label_last) {
    uint32_t magic = FILE_MAGIC, version = FILE_VERSION;
    codec_u32(codec, &magic);
    codec_u32(codec, &version);
    if (magic != FILE_MAGIC) codec_fail(codec, "it is no platform's network");
    if (version != FILE_VERSION) codec_fail(codec, "version %u is not known", version);
    codec_u32(codec, &facts->number);
    codec_u32(codec, &facts->labels);
    codec_f64s_at(codec, facts->loss, 2);
    codec_i64(codec, label_last);
    if (!isfinite(facts->loss[0]) || !isfinite(facts->loss[1]) || *label_last < 0) {
        codec_fail(codec, "a number is out of range");
    }
}

void general_file_save(const SeriesGeneral *net, const GeneralFacts *facts, int64_t label_last,
                       Buf *out) {
    GeneralFacts copy = *facts;
    code_facts(&(Codec){.out = out, .what = "the platform's network"}, &copy, &label_last);
    general_save(net, out);
}

Status general_file_load(Str bytes, SeriesGeneral **net, GeneralFacts *facts, int64_t *label_last,
                         Error *err) {
    Codec codec = {.in = bytes, .what = "the platform's network"};
    code_facts(&codec, facts, label_last);
    Str rest = codec.in;
    codec.in.len = 0;
    TRY(codec_end(&codec, err));
    return general_load(rest, net, err);
}

static Str path_of(const Generals *self, Arena *arena, int64_t platform, uint32_t number) {
    return str_printf(arena, STR_FMT "/general/%lld-%u", STR_ARG(self->watch->dir),
                      (long long)platform, number);
}

typedef struct Newest {
    int64_t platform;
    uint32_t number;
} Newest;

static Status look_at(void *arg, Str name, Error *err) {
    Newest *newest = arg;
    int64_t platform, number, dash = str_find(name, STR("-"), 0);
    if (dash < 1 || !str_to_i64(str_sub(name, 0, (uint32_t)dash), &platform)) return ST_OK;
    Str rest = str_sub(name, (uint32_t)dash + 1, name.len - (uint32_t)dash - 1);
    if (!str_to_i64(rest, &number) || platform != newest->platform) return ST_OK;
    if (number > newest->number && number < UINT32_MAX) newest->number = (uint32_t)number;
    return ST_OK;
}

static void load(Generals *self, PlatformNet *of) {
    Arena arena = {0};
    Buf bytes = {0};
    OsStat stat;
    Error err = {0};
    Newest newest = {.platform = of->platform};
    Str dir = str_printf(&arena, STR_FMT "/general", STR_ARG(self->watch->dir));
    Status st = os()->stat(dir, &stat, &err);
    if (!st && stat.exists) st = os()->list(dir, look_at, &newest, &err);
    Str path = path_of(self, &arena, of->platform, newest.number);
    if (!st && newest.number) st = os_read_file(path, &bytes, &err);
    if (!st && newest.number) {
        st = general_file_load(buf_str(&bytes), &of->net, &of->facts, &of->label_last, &err);
    }
    if (st) {
        watch_say(self->watch, STR_FMT ": %s; the network that is built in is used", STR_ARG(path),
                  err.message);
        of->facts = (GeneralFacts){0};
        of->label_last = 0;
    }
    of->facts.number = newest.number;  // one that cannot be read keeps its number
    buf_free(&bytes);
    arena_clear(&arena);
}

// With the lock held. Good until the next one is made.
static PlatformNet *of_platform(Generals *self, int64_t platform) {
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->net[i].platform == platform) return &self->net[i];
    }
    if (self->count == self->room) {
        self->room = self->room ? self->room * 2 : 8;
        self->net = mem_realloc(self->net, self->room * sizeof *self->net);
    }
    PlatformNet *of = &self->net[self->count++];
    *of = (PlatformNet){.platform = platform};
    load(self, of);
    return of;
}

SeriesGeneral *generals_net(Generals *self, const WatchPlatform *platform, GeneralFacts *facts) {
    os_lock(&self->monitor);
    PlatformNet *of = of_platform(self, platform->id);
    SeriesGeneral *net = general_ref(of->net ? of->net : general_shipped());
    if (facts) *facts = of->facts;
    os_unlock(&self->monitor);
    return net;
}

// ---- what labels stand for ---------------------------------------------------------------------

static void told_clear(GeneralTold *told) {
    series_model_unref(told->model);
    series_calendar_unref(told->settings.calendar);
    mem_free(told->value);
}

// False: the label says nothing that could be looked at.
static bool told_of(Generals *self, const WatchLabel *label, GeneralTold *out) {
    Watch *watch = self->watch;
    WatchMetric *metric = roster_metric_of(watch->roster, label->key);
    uint32_t number;
    int64_t silence_ms, first_ms, last_ms;
    if (label->alarm & (WATCH_SILENCE_ALARM | WATCH_RULE_ALARM)) return false;
    if (!metric || atomic_load(&metric->gone) || label->to_ms < label->from_ms ||
        label->to_ms - label->from_ms > LABEL_MS_MAX) {
        return false;
    }
    if (!watch_span(watch, metric, &first_ms, &last_ms)) return false;
    *out = (GeneralTold){.settings = judge_settings(watch, metric, &silence_ms),
                         .model = watch_model(watch, metric, &number),
                         .begin_ms = label->from_ms,
                         .end_ms = label->to_ms,
                         .incident = label->kind != WATCH_FALSE_ALARM};
    int64_t step_ms = out->settings.step_ms;
    int64_t warm_ms = WARM_STEPS * step_ms > WARM_MS ? WARM_STEPS * step_ms : WARM_MS;
    int64_t from_ms = label->from_ms - warm_ms, to_ms = label->to_ms + NEAR_STEPS * step_ms;
    from_ms -= from_ms % step_ms;
    int64_t count = (to_ms - from_ms) / step_ms + 1;
    bool good = out->model && out->model->step_ms == step_ms && label->from_ms >= first_ms &&
                from_ms > -warm_ms && count > 0 && count < SERIES_POINTS_MAX;
    double *value = good ? mem_alloc((size_t)count * sizeof *value) : NULL;
    good = good && !history_read(watch->history, metric->key, step_ms, from_ms, (uint32_t)count,
                                 value, NULL);
    if (good) {
        out->from_ms = from_ms;
        out->count = (uint32_t)count;
        out->value = mem_alloc((size_t)count * sizeof *out->value);
        for (int64_t i = 0; i < count; i++) out->value[i] = (float)value[i];
    } else {
        told_clear(out);
    }
    mem_free(value);
    return good;
}

typedef struct Work {
    GeneralTold *told;
    uint32_t count;
    SeriesGeneral *before, *net;
    double loss[2];
} Work;

static void run_work(void *arg) {
    Work *work = arg;
    os_thread_yields();
    work->net = general_learned(work->told, work->count, work->before, work->loss);
}

static Status publish(Generals *self, const WatchPlatform *platform, const Work *work,
                      int64_t label_last, Error *err) {
    Arena arena = {0};
    Buf bytes = {0};
    os_lock(&self->monitor);
    GeneralFacts facts = of_platform(self, platform->id)->facts;
    os_unlock(&self->monitor);
    facts.number++;
    facts.labels = work->count;
    facts.loss[0] = work->loss[0], facts.loss[1] = work->loss[1];
    general_file_save(work->net, &facts, label_last, &bytes);
    Str dir = str_printf(&arena, STR_FMT "/general", STR_ARG(self->watch->dir));
    Status st = os()->make_dirs(dir, err);
    if (!st) {
        st = os_put_file(path_of(self, &arena, platform->id, facts.number), buf_str(&bytes), err);
    }
    if (!st && facts.number > 2) {  // the one before stays, to go back to by hand
        (void)os()->remove(path_of(self, &arena, platform->id, facts.number - 2), NULL);
    }
    if (!st) {
        os_lock(&self->monitor);
        PlatformNet *of = of_platform(self, platform->id);
        general_unref(of->net);
        of->net = general_ref(work->net);
        of->facts = facts;
        of->label_last = label_last;
        os_unlock(&self->monitor);
        watch_say(self->watch,
                  "platform '" STR_FMT "': %u labels have taught its general network (version %u)",
                  STR_ARG(platform->name), facts.labels, facts.number);
    }
    buf_free(&bytes);
    arena_clear(&arena);
    return st;
}

// *tried is false where too many labels speak of metrics that have no model yet.
static Status learn(Generals *self, const WatchPlatform *platform, const WatchLabel *label,
                    uint32_t labels, bool *tried, Error *err) {
    Work work = {.told = NEW_ARRAY(GeneralTold, labels + 1)};
    OsThread *thread;
    for (uint32_t i = labels > LABELS_MOST ? labels - LABELS_MOST : 0; i < labels; i++) {
        work.count += told_of(self, &label[i], &work.told[work.count]);
    }
    work.before = generals_net(self, platform, NULL);
    Status st = ST_OK;
    *tried = work.count >= LABELS_LEAST;
    if (*tried) {
        st = os()->thread_start(run_work, &work, &thread, err);
        if (!st) os()->thread_join(thread);
    }
    if (!st && work.net) st = publish(self, platform, &work, label[labels - 1].id, err);
    for (uint32_t i = 0; i < labels && !st && work.net; i++) {
        WatchMetric *metric = roster_metric_of(self->watch->roster, label[i].key);
        if (metric) roster_drifted(self->watch->roster, metric);  // wants another model
    }
    for (uint32_t i = 0; i < work.count; i++) told_clear(&work.told[i]);
    general_unref(work.net);
    general_unref(work.before);
    mem_free(work.told);
    return st;
}

// ---- what is due -------------------------------------------------------------------------------

static Status try_platform(Generals *self, const WatchPlatform *platform, bool *any, Error *err) {
    Arena arena = {0};
    WatchLabel *label;
    uint32_t labels = 0, fresh = 0;
    os_lock(&self->monitor);
    PlatformNet *of = of_platform(self, platform->id);
    int64_t last = of->label_last > of->tried_last ? of->label_last : of->tried_last;
    bool wait = of->failed_ms && os_now_ms() - of->failed_ms < AGAIN_MS;
    os_unlock(&self->monitor);
    if (wait) return ST_OK;
    Status st = roster_labels(self->watch->roster, platform, NULL, last, LABELS_NEW, &arena, &label,
                              &fresh, err);
    if (!st && fresh >= LABELS_NEW) {
        st = roster_labels(self->watch->roster, platform, NULL, 0, ROSTER_ALL, &arena, &label,
                           &labels, err);
    }
    if (!st && labels >= LABELS_LEAST) {
        bool tried = false;
        *any = true;
        st = learn(self, platform, label, labels, &tried, err);
        os_lock(&self->monitor);
        of = of_platform(self, platform->id);
        if (tried) of->tried_last = label[labels - 1].id;
        of->failed_ms = st || !tried ? os_now_ms() : 0;
        os_unlock(&self->monitor);
    }
    arena_clear(&arena);
    return st;
}

Status generals_learn(Generals *self, bool *any, Error *err) {
    Arena arena = {0};
    WatchPlatform **platform;
    Status st = ST_OK;
    *any = false;
    os_lock(&self->monitor);
    bool busy = self->busy;
    self->busy = true;
    os_unlock(&self->monitor);
    if (busy) return ST_OK;
    uint32_t count = roster_platforms(self->watch->roster, &arena, &platform);
    for (uint32_t i = 0; i < count && !st && !*any; i++) {
        st = try_platform(self, platform[i], any, err);
    }
    os_lock(&self->monitor);
    self->busy = false;
    os_unlock(&self->monitor);
    arena_clear(&arena);
    return st;
}

Generals *generals_new(Watch *watch) {
    Generals *self = NEW(Generals);
    self->watch = watch;
    os()->monitor_init(&self->monitor);
    return self;
}

void generals_free(Generals *self) {
    if (!self) return;
    for (uint32_t i = 0; i < self->count; i++) general_unref(self->net[i].net);
    os()->monitor_clear(&self->monitor);
    mem_free(self->net);
    mem_free(self);
}
