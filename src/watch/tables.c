// The tables of the job's SQL: the inbox it reads, the history and the alarms it writes. Each finds
// its watch by the option 'watch', a number.
#include "watch/watch_int.h"

// clang-format off
static const OptionDef OPTIONS[] = {
    {.key = "connector", .kind = OPTION_TEXT, .required = true, .doc = "One of the watch's own."},
    {.key = "watch", .kind = OPTION_INT, .required = true, .doc = "The number of a watch that is open in this process."},
    {0},
};
// clang-format on

static Status check(const TableDesc *desc, bool as_sink, Error *err) {
    (void)as_sink;
    Options options = desc->options;
    options.defs = OPTIONS;
    const OptionDef *const also[] = {TABLE_OPTIONS, NULL};
    return options_check(&options, also, err);
}

static Status watch_of_table(const TableDesc *desc, Watch **out, Error *err) {
    Options options = desc->options;
    options.defs = OPTIONS;
    *out = watch_of(options_int(&options, "watch"));
    if (*out) return ST_OK;
    return error_set(err, ST_RUNTIME, "table '" STR_FMT "': no watch of that number is open",
                     STR_ARG(desc->name));
}

// Columns are found by their places, so they must be those that job.c declares.
static Status need_columns(const Type *row, const char *const *name, uint32_t count, Error *err) {
    bool good = row->child_count == count;
    for (uint32_t i = 0; i < count && good; i++) good = str_eq(row->field[i], str_c(name[i]));
    return good ? ST_OK : error_set(err, ST_VALIDATION, "this table has the watch's columns");
}

// ---- the inbox ---------------------------------------------------------------------------------

typedef struct InboxSource {
    SourceReader base;
    Watch *watch;
    InboxReader *reader;  // NULL: another worker's reader reads
    const Type *produced;
    bool stopping;
    InboxPosition saved, saved_before;  // of the last two snapshots
} InboxSource;

static InboxQuestion question_of(const InboxPoint *point) {
    bool asks = point->key < 0 && point->value >= 0 && point->value <= ASK_BACK;
    return asks ? (InboxQuestion)point->value : ASK_SILENT;
}

static Status inbox_poll(SourceReader *base, SourceOutput *out, ReadState *state, Error *err) {
    InboxSource *self = (InboxSource *)base;
    const InboxPoint *point;
    uint32_t count;
    *state = self->stopping ? READ_END : READ_IDLE;
    if (!self->reader || self->stopping) return ST_OK;
    TRY(inbox_read(self->reader, &point, &count, err));
    if (!count) return ST_OK;
    *state = READ_MORE;
    // A frame is handed on whole: positions stand between frames.
    for (uint32_t from = 0; from < count; from += BATCH_ROWS_MAX) {
        uint32_t rows = count - from < BATCH_ROWS_MAX ? count - from : BATCH_ROWS_MAX;
        Batch *batch = batch_new_columns(self->produced, rows);
        for (uint32_t c = 0; c < self->produced->child_count; c++) {
            Str name = self->produced->field[c];
            Vec *column = batch->column[c];
            for (uint32_t i = 0; i < rows; i++) {
                const InboxPoint *one = &point[from + i];
                if (str_is(name, "metric"))
                    vec_i64(column)[i] = one->key < 0 ? -one->key : one->key;
                else if (str_is(name, "ts")) vec_i64(column)[i] = one->ts_ms;
                else if (str_is(name, "asks"))
                    vec_i32(column)[i] = (int32_t)question_of(one);
                else if (one->key < 0) vec_set_null(column, i);
                else vec_f64(column)[i] = one->value;
            }
        }
        TRY(out->batch(out, 0, batch_seal(batch), err));
    }
    return ST_OK;
}

static void inbox_source_wait(SourceReader *base, int64_t ms) {
    InboxSource *self = (InboxSource *)base;
    if (self->reader) inbox_wait(self->reader, ms);
    else os()->sleep_ms(ms);
}

static bool inbox_is_empty(SourceReader *base) {
    return !((InboxSource *)base)->reader;
}

static void inbox_stop(SourceReader *base) {
    ((InboxSource *)base)->stopping = true;
}

static Status inbox_snapshot(SourceReader *base, Buf *out, Error *err) {
    InboxSource *self = (InboxSource *)base;
    (void)err;
    if (!self->reader) return ST_OK;
    InboxPosition at = inbox_position(self->reader);
    self->saved_before = self->saved;
    self->saved = at;
    buf_put(out, &at, sizeof at);
    return ST_OK;
}

static Status inbox_restore(SourceReader *base, Str bytes, Error *err) {
    InboxSource *self = (InboxSource *)base;
    InboxPosition at;
    if (!self->reader || !bytes.len) return ST_OK;
    if (bytes.len != sizeof at) return error_set(err, ST_RUNTIME, "no position of an inbox");
    memcpy(&at, bytes.ptr, sizeof at);
    inbox_reader_close(self->reader);
    self->reader = NULL;
    return inbox_reader_open(watch_inbox(self->watch), at, &self->reader, err);
}

// The checkpoint before this one may be gone back to if this one turns out to be damaged.
static Status inbox_complete(SourceReader *base, uint64_t checkpoint, Error *err) {
    InboxSource *self = (InboxSource *)base;
    (void)checkpoint;
    if (!self->reader || !self->saved_before.file) return ST_OK;
    return inbox_forget(watch_inbox(self->watch), self->saved_before, err);
}

static void inbox_source_close(SourceReader *base) {
    InboxSource *self = (InboxSource *)base;
    inbox_reader_close(self->reader);
    mem_free(self);
}

static const SourceVt INBOX_SOURCE = {
    .poll = inbox_poll,
    .is_empty = inbox_is_empty,
    .wait = inbox_source_wait,
    .stop = inbox_stop,
    .snapshot = inbox_snapshot,
    .restore = inbox_restore,
    .checkpoint_complete = inbox_complete,
    .close = inbox_source_close,
};

static bool never(const TableDesc *desc) {
    (void)desc;
    return false;
}

static Status inbox_source_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out,
                                Error *err) {
    Watch *watch;
    TRY(watch_of_table(spec->table, &watch, err));
    InboxSource *self = NEW(InboxSource);
    self->base.vt = &INBOX_SOURCE;
    self->watch = watch;
    self->produced = spec->produced;
    Status st = env->index ? ST_OK
                           : inbox_reader_open(watch_inbox(watch), (InboxPosition){0},
                                               &self->reader, err);
    if (st) {
        mem_free(self);
        return st;
    }
    *out = &self->base;
    return ST_OK;
}

const Connector WATCH_INBOX_CONNECTOR = {
    .name = "watch-inbox",
    .options = OPTIONS,
    .source = true,
    .check = check,
    .source_bounded = never,
    .source_open = inbox_source_open,
    .doc = "Points that were pushed to a watch: metric, ts, v.",
};

// ---- sinks -------------------------------------------------------------------------------------

typedef struct WatchSink {
    SinkWriter base;
    Watch *watch;
    bool written;  // since the last flush: history's
} WatchSink;

static void sink_close(SinkWriter *base) {
    mem_free(base);
}

static Status sink_open(const SinkSpec *spec, const SinkVt *vt, const char *const *name,
                        uint32_t count, SinkWriter **out, Error *err) {
    Watch *watch;
    TRY(watch_of_table(spec->table, &watch, err));
    TRY(need_columns(spec->schema, name, count, err));
    WatchSink *self = NEW(WatchSink);
    self->base.vt = vt;
    self->watch = watch;
    *out = &self->base;
    return ST_OK;
}

// ---- history -----------------------------------------------------------------------------------

static const char *const HISTORY_COLUMNS[] = {"metric", "ts", "v", "forecast", "low", "high",
                                              "score", "alarm", "cold", "kept"};
enum { H_METRIC, H_TS, H_VALUE, H_FORECAST, H_LOW, H_HIGH, H_SCORE, H_ALARM, H_COLD,
       H_KEPT, HISTORY_COUNT };

// When points of the metric come, by the clock: the warden waits as long as is usual. What was an
// alarm is not usual.
static void heard(WatchMetric *metric, int64_t now_ns) {
    int64_t before_ns = atomic_load_explicit(&metric->heard_ns, memory_order_relaxed);
    int64_t rhythm_ns = atomic_load_explicit(&metric->rhythm_ns, memory_order_relaxed);
    bool silent = atomic_load(&metric->silent) || atomic_load(&metric->hushed);
    if (before_ns && now_ns - before_ns > rhythm_ns && !silent) {
        atomic_store_explicit(&metric->rhythm_ns, now_ns - before_ns, memory_order_relaxed);
    }
    atomic_store_explicit(&metric->heard_ns, now_ns, memory_order_relaxed);
}

static Status history_write(SinkWriter *base, const Batch *batch, Error *err) {
    WatchSink *self = (WatchSink *)base;
    Vec *const *column = batch->column;
    int64_t now_ns = os_monotonic_ns();
    uint32_t points = 0;
    for (uint32_t row = 0; row < batch->rows; row++) {
        WatchMetric *metric =
            roster_metric_of(watch_roster(self->watch), vec_i64(column[H_METRIC])[row]);
        if (vec_is_null(column[H_VALUE], row)) continue;  // a question
        points++;
        if (!metric || atomic_load(&metric->gone) || !vec_u8(column[H_KEPT])[row]) continue;
        WatchPoint point = {.ts_ms = vec_i64(column[H_TS])[row],
                            .value = vec_f64(column[H_VALUE])[row],
                            .forecast = vec_f64(column[H_FORECAST])[row],
                            .low = vec_f64(column[H_LOW])[row],
                            .high = vec_f64(column[H_HIGH])[row],
                            .score = vec_f64(column[H_SCORE])[row],
                            .alarm = vec_u8(column[H_ALARM])[row],
                            .cold = vec_u8(column[H_COLD])[row]};
        TRY(history_add(watch_history(self->watch), metric->key, atomic_load(&metric->step_ms),
                        point.ts_ms, point.value, err));
        roster_recent_put(watch_roster(self->watch), metric, &point);
        heard(metric, now_ns);
        self->written = true;
    }
    atomic_fetch_add(&self->watch->judged, points);
    return ST_OK;
}

// Before a checkpoint is complete the points it is past must be durable: nobody reads them again.
static Status history_flush(SinkWriter *base, bool end_of_input, Error *err) {
    WatchSink *self = (WatchSink *)base;
    (void)end_of_input;
    if (!self->written) return ST_OK;
    self->written = false;
    return history_sync(watch_history(self->watch), err);
}

static const SinkVt HISTORY_SINK = {
    .write = history_write, .flush = history_flush, .close = sink_close};

static Status history_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                                Error *err) {
    (void)env;
    return sink_open(spec, &HISTORY_SINK, HISTORY_COLUMNS, HISTORY_COUNT, out, err);
}

const Connector WATCH_HISTORY_CONNECTOR = {
    .name = "watch-history",
    .options = OPTIONS,
    .sink = true,
    .check = check,
    .sink_open = history_sink_open,
    .guarantee = "exactly-once",
    .doc = "Keeps points, by metric and step: to write one again changes nothing.",
};

// ---- alarms ------------------------------------------------------------------------------------

static const char *const ALARM_COLUMNS[] = {"id", "metric", "seq", "event", "opened", "ts",
                                            "message"};
enum { A_ID, A_METRIC, A_SEQ, A_EVENT, A_OPENED, A_TS, A_MESSAGE, ALARM_COUNT };

static Str event_name(int32_t event) {
    switch (event) {
        case DETECT_OPEN: return STR("open");
        case DETECT_UPDATE: return STR("update");
        default: return STR("close");
    }
}

// At once, not where the job flushes: whoever reads the message further down (job.c: the printer)
// may have a label for it in the same moment. What comes again after a crash is known by its id.
static Status alarms_write(SinkWriter *base, const Batch *batch, Error *err) {
    WatchSink *self = (WatchSink *)base;
    Vec *const *column = batch->column;
    WatchAlarm *alarm = NEW_ARRAY(WatchAlarm, batch->rows);
    for (uint32_t row = 0; row < batch->rows; row++) {
        alarm[row] = (WatchAlarm){.id = vec_str(column[A_ID])[row],
                                  .key = vec_i64(column[A_METRIC])[row],
                                  .seq = vec_i64(column[A_SEQ])[row],
                                  .event = event_name(vec_i32(column[A_EVENT])[row]),
                                  .opened_ms = vec_i64(column[A_OPENED])[row],
                                  .ts_ms = vec_i64(column[A_TS])[row],
                                  .message = vec_str(column[A_MESSAGE])[row]};
    }
    Status st = roster_alarms_put(watch_roster(self->watch), alarm, batch->rows, err);
    mem_free(alarm);
    return st;
}

static const SinkVt ALARMS_SINK = {.write = alarms_write, .close = sink_close};

static Status alarms_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                               Error *err) {
    (void)env;
    return sink_open(spec, &ALARMS_SINK, ALARM_COLUMNS, ALARM_COUNT, out, err);
}

const Connector WATCH_ALARMS_CONNECTOR = {
    .name = "watch-alarms",
    .options = OPTIONS,
    .sink = true,
    .check = check,
    .sink_open = alarms_sink_open,
    .guarantee = "exactly-once",
    .doc = "Keeps alarms by id: a message that is there changes nothing.",
};
