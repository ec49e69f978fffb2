// watch/replay.c - recorded metrics through the detector.
//
// Files are read in order, by one thread, into blocks of points. A block's points are judged by all
// threads, each taking the next metric that nobody has, and handed out in the order of the files:
// so what comes out does not depend on how many threads there are.
#include "watch/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "os/os.h"
#include "watch/csv.h"

enum {
    DEPTH_MAX = 8, METRICS_MAX = 200000,
    BLOCK_POINTS = 1 << 16, TIME_BYTES_MAX = 40,  // verdicts of a block: about 15 MB
    THREADS_MAX = 64,
};

// -- Times and numbers ----------------------------------------------------------------------------

static bool two(const char *at, int32_t *out) {
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return false;
    *out = (at[0] - '0') * 10 + at[1] - '0';
    return true;
}

bool replay_time_parse(Str text, int64_t *ts_ms) {
    int32_t day, hour, minute, second = 0;
    if (text.len == 10 && series_day_parse(text, &day)) {
        *ts_ms = (int64_t)day * SERIES_DAY_MS;
        return true;
    }
    if (text.len && text.ptr[text.len - 1] == 'Z') text.len--;
    if (text.len >= 16 && text.ptr[4] == '-') {
        if (!series_day_parse(text, &day)) return false;
        if ((text.ptr[10] != ' ' && text.ptr[10] != 'T') || text.ptr[13] != ':') return false;
        if (!two(text.ptr + 11, &hour) || !two(text.ptr + 14, &minute)) return false;
        if (text.len >= 19 && (text.ptr[16] != ':' || !two(text.ptr + 17, &second))) return false;
        if (hour > 23 || minute > 59 || second > 60) return false;
        double part = 0;
        if (text.len > 20 && text.ptr[19] == '.') {
            if (!str_to_f64(str_sub(text, 19, text.len - 19), &part)) return false;
        }
        *ts_ms = (int64_t)day * SERIES_DAY_MS + hour * 3600000 + minute * 60000 + second * 1000 +
                 (int64_t)(part * 1000 + 0.5);
        return true;
    }
    double number;
    if (!str_to_f64(text, &number) || !(number >= -1e15 && number <= 1e15)) return false;
    *ts_ms = (int64_t)(number > 1e11 ? number : number * 1000);
    return true;
}

// Most values are short decimals; str_to_f64 is exact, and ten times slower.
static bool number_parse(Str text, double *out) {
    static const double TENTH[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    uint32_t at = text.len && text.ptr[0] == '-', count = 0, behind = 0;
    bool point = false;
    for (; at < text.len && count < 15; at++) {
        char c = text.ptr[at];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') break;
        digits = digits * 10 + (uint64_t)(c - '0');
        count++;
        behind += point;
    }
    if (count && at == text.len) {
        double value = (double)digits / TENTH[behind];
        *out = text.ptr[0] == '-' ? -value : value;
        return true;
    }
    if (str_eq_nocase(text, STR("nan")) || str_eq_nocase(text, STR("null")) || !text.len) {
        *out = (double)NAN;
        return true;
    }
    return str_to_f64(text, out);
}

// -- Metrics --------------------------------------------------------------------------------------

// A point of the block. Those of a metric are a chain in the order of the file.
typedef struct BlockPoint {
    ReplayPoint point;
    uint32_t next;             // of the metric; UINT32_MAX: the last one
    char time[TIME_BYTES_MAX];
} BlockPoint;

typedef struct BlockChain {
    ReplayMetric *metric;
    uint32_t first, last;
} BlockChain;

typedef struct Replay {
    const ReplayOptions *options;
    ReplayTotals *totals;
    Arena arena;
    SeriesCalendar *calendar;
    Map by_name;
    ReplayMetric **metric;
    uint32_t metrics, room;
    uint64_t read;             // points that were understood
    BlockPoint *block;         // [BLOCK_POINTS]
    uint32_t points;           // of it
    BlockChain *chain;         // [BLOCK_POINTS]
    uint32_t chains;
    _Atomic uint32_t taken;    // chains that somebody judges
    uint32_t done;             // metrics before it are not needed any more
    uint32_t whole;            // metrics before it have been read to their end
} Replay;

static ReplayMetric *metric_add(Replay *self, Str name) {
    if (self->metrics == self->room) {
        self->room = self->room ? self->room * 2 : 64;
        self->metric = mem_realloc(self->metric, self->room * sizeof *self->metric);
    }
    ReplayMetric *metric = ARENA_NEW(&self->arena, ReplayMetric);
    metric->name = str_dup(&self->arena, name);
    metric->chain = UINT32_MAX;
    metric->settings.detect = (DetectSettings){.direction = self->options->direction,
                                               .sensitivity = self->options->sensitivity,
                                               .calendar = self->calendar};
    metric->settings.nets = self->options->nets;
    if (!self->options->ungeneral) {
        metric->settings.general = self->options->general ? self->options->general
                                                          : general_shipped();
    }
    self->metric[self->metrics++] = metric;
    map_put(&self->by_name, metric->name, metric);
    self->totals->metrics++;
    if (self->options->metric) self->options->metric(self->options->arg, metric);
    return metric;
}

static void metric_done(Replay *self, ReplayMetric *metric) {
    if (!metric->learner) return;
    self->totals->trainings += learner_trainings(metric->learner);
    learner_free(metric->learner);
    metric->learner = NULL;
}

// -- Blocks ---------------------------------------------------------------------------------------

static void judge_chain(Replay *self, const BlockChain *chain) {
    ReplayMetric *metric = chain->metric;
    if (!metric->learner) metric->learner = learner_new(&metric->settings);
    for (uint32_t i = chain->first; i != UINT32_MAX; i = self->block[i].next) {
        ReplayPoint *point = &self->block[i].point;
        learner_push(metric->learner, point->ts_ms, point->verdict.actual, &point->verdict);
    }
}

static void judge_chains(void *arg) {
    Replay *self = arg;
    for (;;) {
        uint32_t next = atomic_fetch_add(&self->taken, 1);
        if (next >= self->chains) return;
        judge_chain(self, &self->chain[next]);
    }
}

// One thread more than those that start judges in any case.
static void judge_block(Replay *self) {
    OsThread *thread[THREADS_MAX];
    uint32_t threads = 0, wanted = self->options->threads;
    if (!wanted) wanted = (uint32_t)fmax((double)sysconf(_SC_NPROCESSORS_ONLN), 1);
    if (wanted > self->chains) wanted = self->chains;
    if (wanted > THREADS_MAX) wanted = THREADS_MAX;
    atomic_store(&self->taken, 0);
    while (threads + 1 < wanted) {
        if (os()->thread_start(judge_chains, self, &thread[threads], NULL)) break;
        threads++;
    }
    judge_chains(self);
    for (uint32_t i = 0; i < threads; i++) os()->thread_join(thread[i]);
}

// Judges what has been read and hands it on.
static Status flush(Replay *self, Error *err) {
    Status st = ST_OK;
    if (self->points) judge_block(self);
    for (uint32_t i = 0; i < self->points && !st; i++) {
        const ReplayPoint *point = &self->block[i].point;
        self->totals->points++;
        self->totals->alarms += point->verdict.event == DETECT_OPEN;
        if (self->options->point) st = self->options->point(self->options->arg, point, err);
    }
    for (uint32_t i = 0; i < self->chains; i++) self->chain[i].metric->chain = UINT32_MAX;
    self->points = self->chains = 0;
    for (; self->done < self->whole; self->done++) metric_done(self, self->metric[self->done]);
    return st;
}

static Status point(Replay *self, ReplayMetric *metric, Str time, int64_t ts_ms, double value,
                    Error *err) {
    if (self->points == BLOCK_POINTS) TRY(flush(self, err));
    uint32_t at = self->points++, len = time.len < TIME_BYTES_MAX ? time.len : TIME_BYTES_MAX;
    BlockPoint *to = &self->block[at];
    memcpy(to->time, time.ptr, len);
    to->point = (ReplayPoint){.metric = metric, .time = str_make(to->time, len), .ts_ms = ts_ms,
                              .verdict = {.actual = value}};
    to->next = UINT32_MAX;
    self->read++;
    if (metric->chain == UINT32_MAX) {
        metric->chain = self->chains++;
        self->chain[metric->chain] = (BlockChain){metric, at, at};
        return ST_OK;
    }
    BlockChain *chain = &self->chain[metric->chain];
    self->block[chain->last].next = at;
    chain->last = at;
    return ST_OK;
}

// -- Files ----------------------------------------------------------------------------------------

static const char *const TIME[] = {"ts", "timestamp", "time", "date", NULL};
static const char *const VALUE[] = {"value", NULL};
static const char *const METRIC[] = {"metric", "name", NULL};
static const char *const DIRECTION[] = {"direction", NULL};
static const char *const SENSITIVITY[] = {"sensitivity", NULL};
static const char *const GROUP[] = {"group", NULL};
static const char *const STEP[] = {"granularity_s", NULL};
static const char *const KIND[] = {"kind", NULL};
static const char *const DATE[] = {"date", "day", NULL};

typedef struct Source {
    Replay *replay;
    ReplayMetric *metric;  // of all rows; NULL: a column tells
} Source;

static Status on_value(void *arg, const Str *cell, Error *err) {
    Replay *self = ((Source *)arg)->replay;
    ReplayMetric *metric = ((Source *)arg)->metric;
    int64_t ts_ms;
    double value;
    if (!replay_time_parse(cell[0], &ts_ms) || !number_parse(cell[1], &value)) {
        self->totals->bad_lines++;
        return ST_OK;
    }
    if (!metric) {
        metric = map_get(&self->by_name, cell[2]);
        if (!metric && self->metrics >= METRICS_MAX) {
            return error_set(err, ST_RUNTIME, "more than %d metrics", METRICS_MAX);
        }
        if (!metric) metric = metric_add(self, cell[2]);
    }
    return point(self, metric, cell[0], ts_ms, value, err);
}

static Status on_metric(void *arg, const Str *cell, Error *err) {
    Replay *self = arg;
    ReplayMetric *metric = metric_add(self, cell[0]);
    DetectSettings *settings = &metric->settings.detect;
    metric->group = str_dup(&self->arena, cell[3]);
    if (cell[1].len && !detect_direction_parse(cell[1], &settings->direction)) {
        return error_set(err, ST_VALIDATION,
                         "metric " STR_FMT ": '" STR_FMT
                         "' is no direction; drop, rise, both or any is",
                         STR_ARG(cell[0]), STR_ARG(cell[1]));
    }
    if (cell[2].len && !detect_sensitivity_parse(cell[2], &settings->sensitivity)) {
        return error_set(err, ST_VALIDATION,
                         "metric " STR_FMT ": '" STR_FMT
                         "' is no sensitivity; high, middle or low is",
                         STR_ARG(cell[0]), STR_ARG(cell[2]));
    }
    int64_t seconds;
    if (str_to_i64(cell[4], &seconds) && seconds > 0) settings->step_ms = seconds * 1000;
    return ST_OK;
}

typedef struct Days {
    SeriesDay *day;
    uint32_t count, room;
} Days;

static Status on_day(void *arg, const Str *cell, Error *err) {
    Days *days = arg;
    int32_t day;
    if (!series_day_parse(cell[0], &day)) {
        return error_set(err, ST_VALIDATION, "holidays.csv: '" STR_FMT "' is no date",
                         STR_ARG(cell[0]));
    }
    if (days->count == days->room) {
        days->room = days->room ? days->room * 2 : 64;
        days->day = mem_realloc(days->day, days->room * sizeof *days->day);
    }
    bool work = str_starts(cell[1], STR("work"));
    days->day[days->count++] = (SeriesDay){day, work ? SERIES_WORKDAY : SERIES_HOLIDAY};
    return ST_OK;
}

static bool exists(Str path) {
    OsStat stat;
    return !os()->stat(path, &stat, NULL) && stat.exists;
}

static Str join(Arena *arena, Str dir, const char *name) {
    return str_printf(arena, STR_FMT "/%s", STR_ARG(dir), name);
}

// A folder of the simulator: all metrics in one file, by time.
static Status simulated(Replay *self, Str dir, Error *err) {
    const CsvColumn day_columns[] = {DATE, KIND};
    const CsvColumn metric_columns[] = {METRIC, DIRECTION, SENSITIVITY, GROUP, STEP};
    const CsvColumn value_columns[] = {TIME, VALUE, METRIC};
    Str holidays = join(&self->arena, dir, "holidays.csv"),
        metrics = join(&self->arena, dir, "metrics.csv");
    if (exists(holidays)) {
        Days days = {0};
        Status st = csv_each(holidays, day_columns, 2, 1, on_day, &days, err);
        if (!st) self->calendar = series_calendar_new(0, days.day, days.count, NULL, 0);
        mem_free(days.day);
        TRY(st);
    }
    if (exists(metrics)) TRY(csv_each(metrics, metric_columns, 5, 1, on_metric, self, err));
    Source source = {.replay = self};
    return csv_each(join(&self->arena, dir, "values.csv"), value_columns, 3, 3, on_value, &source,
                    err);
}

static Status one_file(Replay *self, Str path, Str name, Error *err) {
    const CsvColumn columns[] = {TIME, VALUE};
    uint64_t read = self->read;
    if (str_ends(name, STR(".csv"))) name.len -= 4;
    ReplayMetric *metric = metric_add(self, name);
    Source source = {self, metric};
    TRY(csv_each(path, columns, 2, 2, on_value, &source, err));
    self->whole = self->metrics;
    if (self->read > read) return ST_OK;
    return error_set(err, ST_VALIDATION, STR_FMT ": there is no point in it", STR_ARG(path));
}

typedef struct Walk {
    Replay *replay;
    Str dir, prefix;
    uint32_t depth;
} Walk;

static Status on_entry(void *arg, Str name, Error *err) {
    Walk *self = arg;
    Arena *arena = &self->replay->arena;
    OsStat stat;
    Str path = str_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(self->dir), STR_ARG(name));
    Str label = self->prefix.len
                    ? str_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(self->prefix), STR_ARG(name))
                    : str_dup(arena, name);
    TRY(os()->stat(path, &stat, err));
    if (stat.is_dir) {
        if (self->depth >= DEPTH_MAX) return ST_OK;
        Walk below = {self->replay, path, label, self->depth + 1};
        return os()->list(path, on_entry, &below, err);
    }
    return str_ends(name, STR(".csv")) ? one_file(self->replay, path, label, err) : ST_OK;
}

static Status run(Replay *self, Str input, Error *err) {
    OsStat stat;
    TRY(os()->stat(input, &stat, err));
    if (!stat.exists)
        return error_set(err, ST_VALIDATION, STR_FMT ": there is no such input", STR_ARG(input));
    if (!stat.is_dir) {
        Str name = input;
        for (uint32_t i = 0; i < input.len; i++) {
            if (input.ptr[i] == '/') name = str_make(input.ptr + i + 1, input.len - i - 1);
        }
        return one_file(self, input, name, err);
    }
    if (exists(join(&self->arena, input, "values.csv"))) return simulated(self, input, err);
    Str data = join(&self->arena, input, "data");
    Walk walk = {self, exists(data) ? data : input, STR(""), 0};
    TRY(os()->list(walk.dir, on_entry, &walk, err));
    if (self->metrics) return ST_OK;
    Status st = error_set(err, ST_VALIDATION, STR_FMT ": no values.csv and no other CSV file in it",
                          STR_ARG(input));
    error_hint(err, "a folder of the simulator, of NAB, or of timestamp,value files is wanted");
    return st;
}

Status replay_run(Str input, const ReplayOptions *options, ReplayTotals *out, Error *err) {
    Replay self = {.options = options, .totals = out};
    *out = (ReplayTotals){0};
    arena_init(&self.arena);
    while (input.len > 1 && input.ptr[input.len - 1] == '/') input.len--;
    self.block = NEW_ARRAY(BlockPoint, BLOCK_POINTS);
    self.chain = NEW_ARRAY(BlockChain, BLOCK_POINTS);
    Status st = run(&self, input, err);
    if (!st) st = flush(&self, err);
    mem_free(self.block);
    mem_free(self.chain);
    for (uint32_t i = 0; i < self.metrics; i++) metric_done(&self, self.metric[i]);
    mem_free(self.metric);
    map_clear(&self.by_name);
    series_calendar_unref(self.calendar);
    arena_clear(&self.arena);
    return st;
}

// -- Output ---------------------------------------------------------------------------------------

void replay_put_header(Buf *out) {
    buf_puts(out, "metric,ts,score,alarm,forecast\n");
}

void replay_put_point(const ReplayPoint *point, Buf *out) {
    const DetectVerdict *verdict = &point->verdict;
    buf_put_str(out, point->metric->name);
    buf_putc(out, ',');
    buf_put_str(out, point->time);
    char text[80];
    int len = snprintf(text, sizeof text, ",%.6g,%d,%.6g\n", verdict->score,
                       verdict->event == DETECT_OPEN, verdict->forecast);
    buf_put(out, text, (size_t)len);
}
