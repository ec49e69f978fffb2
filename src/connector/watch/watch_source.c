// Reading: the API's lists, page after page, and history, metric after metric. One worker reads.
#include <math.h>

#include "base/hex.h"
#include "connector/watch/watch_table.h"

typedef struct WatchReader {
    SourceReader base;
    WatchTable table;
    const ScanSpec *spec;
    bool mine, stopping, ended;
    Arena arena;   // of the page at hand
    Buf after;     // where the next page begins; empty: with the first
    Buf page;      // the answer that it is of
    Buf reply;     // about one metric of it
    Str only;      // history, forecasts: of this metric alone, or empty
    // History, forecasts: the metrics of the page, and how far it has come.
    const JsonValue *metrics;
    uint32_t metric;
    int64_t from_ms;
} WatchReader;

// ---- values ------------------------------------------------------------------------------------

static bool set_value(Vec *out, uint32_t row, const Type *type, const JsonValue *value) {
    int64_t number;
    double real;
    Buf text = {0};
    bool scalar = value->kind == JK_TEXT || json_is_number(value);
    switch (type->kind) {
        case TYPE_VARCHAR:
            if (value->kind != JK_TEXT) json_print(value, 0, &text);
            vec_set_text(out, row, value->kind == JK_TEXT ? value->text : buf_str(&text));
            buf_free(&text);
            return true;
        case TYPE_BOOLEAN:
            vec_u8(out)[row] = value->boolean;
            return value->kind == JK_BOOLEAN;
        case TYPE_INT:
        case TYPE_BIGINT:
            if (!scalar || !str_to_i64(value->text, &number)) return false;
            if (type->kind == TYPE_INT && (number > INT32_MAX || number < INT32_MIN)) return false;
            vec_set_integer(out, row, number);
            return true;
        case TYPE_DOUBLE:
            if (!scalar || !str_to_f64(value->text, &real)) return false;
            vec_f64(out)[row] = real;
            return true;
        default:  // timestamps are milliseconds
            if (!scalar || !str_to_i64(value->text, &number)) return false;
            vec_set_timestamp(out, row, (Timestamp){number, 0, 0});
            return true;
    }
}

static void set_column(Vec *out, const Type *row_type, uint32_t column, const JsonValue *object,
                       uint32_t row) {
    const JsonValue *value = json_member(object, row_type->field[column]);
    bool good = value && value->kind != JK_NULL &&
                set_value(out, row, row_type->child[column], value);
    if (!good) vec_set_null(out, row);  // what the watch says of nothing
}

// [metric]: whose rows they are, where that does not stand in them; else empty.
static Status hand_on(WatchReader *self, const JsonValue *list, Str metric, SourceOutput *out,
                      Error *err) {
    const Type *type = self->spec->produced;
    for (uint32_t from = 0; from < list->count; from += BATCH_ROWS_MAX) {
        uint32_t rows = list->count - from < BATCH_ROWS_MAX ? list->count - from : BATCH_ROWS_MAX;
        Batch *batch = batch_new_columns(type, rows);
        for (uint32_t c = 0; c < type->child_count; c++) {
            const JsonValue named = {.kind = JK_TEXT, .text = metric};
            bool name = metric.len && str_is(type->field[c], "metric");
            for (uint32_t i = 0; i < rows; i++) {
                if (!name) set_column(batch->column[c], type, c, &list->item[from + i], i);
                else if (!set_value(batch->column[c], i, type->child[c], &named))
                    vec_set_null(batch->column[c], i);
            }
        }
        TRY(out->batch(out, 0, batch_seal(batch), err));
    }
    return ST_OK;
}

// ---- pages -------------------------------------------------------------------------------------

// The page behind self->after; *list may be empty, self->ended says that it is the last.
static Status next_page(WatchReader *self, const char *path, Str name, const JsonValue **list,
                        Error *err) {
    const WatchTable *table = &self->table;
    arena_reset(&self->arena);
    Buf url = {0};
    JsonValue *answer = ARENA_NEW(&self->arena, JsonValue);
    buf_puts(&url, path);
    if (self->after.len) {
        buf_puts(&url, "&after=");
        percent_encode(buf_str(&self->after), "", &url);
    }
    Status st = watch_table_ask(table, "GET", buf_str(&url), STR(""), &self->page, err);
    if (!st) st = json_parse(&self->arena, buf_str(&self->page), 0, answer, NULL, err);
    buf_free(&url);
    if (st) return st;
    *list = json_member(answer, name);
    if (!*list || (*list)->kind != JK_ARRAY) {
        return error_set(err, ST_RUNTIME, "table '" STR_FMT "': what answers is no watch",
                         STR_ARG(table->desc->name));
    }
    const JsonValue *after = json_member(answer, STR("after"));
    self->after.len = 0;
    self->ended = !after || (after->kind != JK_TEXT && !json_is_number(after));
    if (!self->ended) buf_put_str(&self->after, after->text);
    return ST_OK;
}

static Status poll_list(WatchReader *self, SourceOutput *out, Error *err) {
    const JsonValue *list;
    TRY(next_page(self, self->table.row->list, str_c(self->table.row->name), &list, err));
    return hand_on(self, list, STR(""), out, err);
}

// ---- history -----------------------------------------------------------------------------------

static Status put_points(WatchReader *self, Str id, int64_t from_ms, int64_t step_ms,
                         const JsonValue *values, SourceOutput *out, Error *err) {
    const Type *type = self->spec->produced;
    for (uint32_t from = 0; from < values->count; from += BATCH_ROWS_MAX) {
        uint32_t to = values->count - from < BATCH_ROWS_MAX ? values->count : from + BATCH_ROWS_MAX;
        uint32_t rows = 0;
        for (uint32_t i = from; i < to; i++) rows += json_is_number(&values->item[i]);
        if (!rows) continue;
        Batch *batch = batch_new_columns(type, rows);
        uint32_t row = 0;
        for (uint32_t i = from; i < to; i++) {
            double number;
            if (!json_is_number(&values->item[i])) continue;
            if (!str_to_f64(values->item[i].text, &number)) number = NAN;
            int64_t ts_ms = from_ms + i * step_ms;
            for (uint32_t c = 0; c < type->child_count; c++) {
                Vec *column = batch->column[c];
                if (str_is(type->field[c], "metric")) vec_set_text(column, row, id);
                else if (str_is(type->field[c], "value")) vec_f64(column)[row] = number;
                else if (column->phys == PHYS_I64) vec_i64(column)[row] = ts_ms;
                else vec_set_timestamp(column, row, (Timestamp){ts_ms, 0, 0});
            }
            row++;
        }
        TRY(out->batch(out, 0, batch_seal(batch), err));
    }
    return ST_OK;
}

// The newest verdicts of one metric, and what is to come.
static Status poll_forecasts(WatchReader *self, Str id, SourceOutput *out, Error *err) {
    static const char *const PARTS[] = {"recent", "ahead"};
    Arena arena = {0};
    Buf path = {0};
    JsonValue answer = {0};
    buf_puts(&path, "/v1/metrics/");
    percent_encode(id, "", &path);
    buf_printf(&path, "/forecast?ahead=%lld",
               (long long)options_int(&self->table.options, "ahead"));
    Status st = watch_table_ask(&self->table, "GET", buf_str(&path), STR(""), &self->reply, err);
    if (!st) st = json_parse(&arena, buf_str(&self->reply), 0, &answer, NULL, err);
    for (size_t i = 0; !st && i < sizeof PARTS / sizeof *PARTS; i++) {
        const JsonValue *list = json_member(&answer, str_c(PARTS[i]));
        if (list && list->kind == JK_ARRAY) st = hand_on(self, list, id, out, err);
    }
    buf_free(&path);
    arena_clear(&arena);
    return st;
}

// A stretch of one metric's history; *more: there is another behind it.
static Status poll_metric(WatchReader *self, Str id, SourceOutput *out, bool *more, Error *err) {
    Arena arena = {0};
    Buf path = {0};
    JsonValue answer = {0};
    int64_t from_ms = 0, step_ms = 0;
    *more = false;
    if (self->table.kind == WATCH_FORECASTS) return poll_forecasts(self, id, out, err);
    buf_puts(&path, "/v1/metrics/");
    percent_encode(id, "", &path);
    buf_puts(&path, "/history");
    if (self->from_ms != INT64_MIN) buf_printf(&path, "?from=%lld", (long long)self->from_ms);
    Status st = watch_table_ask(&self->table, "GET", buf_str(&path), STR(""), &self->reply, err);
    if (!st) st = json_parse(&arena, buf_str(&self->reply), 0, &answer, NULL, err);
    const JsonValue *values = st ? NULL : json_member(&answer, STR("values"));
    const JsonValue *from = st ? NULL : json_member(&answer, STR("from"));
    const JsonValue *step = st ? NULL : json_member(&answer, STR("step"));
    bool any = values && values->kind == JK_ARRAY && values->count && from && step &&
               json_is_number(from) && str_to_i64(from->text, &from_ms) && json_is_number(step) &&
               str_to_i64(step->text, &step_ms);
    if (any) st = put_points(self, id, from_ms, step_ms, values, out, err);
    *more = any;
    if (any) self->from_ms = from_ms + values->count * step_ms;
    buf_free(&path);
    arena_clear(&arena);
    return st;
}

static Status poll_metrics(WatchReader *self, SourceOutput *out, Error *err) {
    bool more;
    if (self->only.len) {
        TRY(poll_metric(self, self->only, out, &more, err));
        self->ended = !more;
        return ST_OK;
    }
    if (!self->metrics) {
        TRY(next_page(self, "/v1/metrics?limit=1000", STR("metrics"), &self->metrics, err));
        self->metric = 0;
        self->from_ms = INT64_MIN;
    }
    if (self->metric < self->metrics->count) {
        const JsonValue *id = json_member(&self->metrics->item[self->metric], STR("id"));
        more = false;
        if (id && id->kind == JK_TEXT) TRY(poll_metric(self, id->text, out, &more, err));
        if (!more) {
            self->metric++;
            self->from_ms = INT64_MIN;
        }
    }
    bool last_page = !self->after.len;
    self->ended = self->metric >= self->metrics->count && last_page;
    if (self->metric >= self->metrics->count && !last_page) self->metrics = NULL;
    return ST_OK;
}

// ---- the reader --------------------------------------------------------------------------------

static Status reader_poll(SourceReader *base, SourceOutput *out, ReadState *state, Error *err) {
    WatchReader *self = (WatchReader *)base;
    *state = READ_END;
    if (!self->mine || self->stopping || self->ended) return ST_OK;
    TRY(self->table.row->by_metric ? poll_metrics(self, out, err) : poll_list(self, out, err));
    if (!self->ended) *state = READ_MORE;
    return ST_OK;
}

static bool reader_is_empty(SourceReader *base) {
    return !((WatchReader *)base)->mine;
}

static void reader_stop(SourceReader *base) {
    ((WatchReader *)base)->stopping = true;
}

// A list goes on behind its last page; history begins anew with the page of metrics at hand, and is
// the same rows again.
static Status reader_snapshot(SourceReader *base, Buf *out, Error *err) {
    const WatchReader *self = (const WatchReader *)base;
    (void)err;
    if (!self->mine) return ST_OK;
    buf_putc(out, self->ended ? 'e' : 'g');
    if (!self->table.row->by_metric) buf_put_str(out, buf_str(&self->after));
    return ST_OK;
}

static Status reader_restore(SourceReader *base, Str bytes, Error *err) {
    WatchReader *self = (WatchReader *)base;
    (void)err;
    if (!self->mine || !bytes.len) return ST_OK;
    self->ended = bytes.ptr[0] == 'e';
    self->after.len = 0;
    buf_put_str(&self->after, str_sub(bytes, 1, bytes.len));
    return ST_OK;
}

static void reader_close(SourceReader *base) {
    WatchReader *self = (WatchReader *)base;
    arena_clear(&self->arena);
    buf_free(&self->after);
    buf_free(&self->page);
    buf_free(&self->reply);
    mem_free(self);
}

static const SourceVt READER = {
    .poll = reader_poll,
    .is_empty = reader_is_empty,
    .stop = reader_stop,
    .snapshot = reader_snapshot,
    .restore = reader_restore,
    .close = reader_close,
};

Status watch_source_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out, Error *err) {
    WatchTable table;
    TRY(watch_table_read(spec->table, false, &table, err));
    WatchReader *self = NEW(WatchReader);
    self->base.vt = &READER;
    self->table = table;
    self->spec = spec;
    self->mine = env->index == 0;
    self->from_ms = INT64_MIN;
    if (spec->filter_count) self->only = vec_str(spec->filter[0]->value)[0];
    *out = &self->base;
    return ST_OK;
}
