// Writing: rows become JSON objects, which are sent when there are many of them, and with every
// flush. To send a row again changes nothing: metrics go by their ids, labels by what they say,
// points by metric and time. So what a restart repeats does no harm.
#include <math.h>

#include "base/hex.h"
#include "connector/watch/watch_table.h"

enum { ROWS_TOGETHER = 10000, BYTES_TOGETHER = 8 << 20 };

typedef struct WatchWriter {
    SinkWriter base;
    WatchTable table;
    TaskEnv env;
    const Type *schema;
    int64_t metric, ts, value;  // columns of points; -1: none
    Buf rows;                   // objects, with commas between
    uint32_t count;
    Map known;                  // points: metrics that are registered
    Buf fresh;                  // those that are to be
    Buf reply, id, text;
} WatchWriter;

// ---- rows as JSON ------------------------------------------------------------------------------

static void put_real(double value, Buf *out) {
    if (isfinite(value)) buf_printf(out, "%.17g", value);
    else buf_puts(out, "null");
}

static void put_value(WatchWriter *self, const Vec *vec, const Type *type, uint32_t row, Buf *out) {
    if (vec_is_null(vec, row)) {
        buf_puts(out, "null");
        return;
    }
    switch (type->kind) {
        case TYPE_BOOLEAN: buf_puts(out, vec_u8(vec)[row] ? "true" : "false"); return;
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT: buf_printf(out, "%lld", (long long)vec_integer(vec, row)); return;
        case TYPE_FLOAT:
        case TYPE_DECIMAL:
        case TYPE_DOUBLE: put_real(vec_number(vec, row), out); return;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ:
            buf_printf(out, "%lld", (long long)vec_timestamp(vec, row).ms);
            return;
        default: break;
    }
    self->text.len = 0;
    self->env.value_print(&self->env, vec, row, &self->text);
    json_print_text(buf_str(&self->text), 0, out);
}

// A text that is a JSON object stands as one.
static bool put_labels(const Vec *vec, uint32_t row, Buf *out) {
    Arena arena = {0};
    JsonValue value;
    if (vec->phys != PHYS_STR || vec_is_null(vec, row)) return false;
    Str text = vec_str(vec)[row];
    bool good = !json_parse(&arena, text, 0, &value, NULL, NULL) && value.kind == JK_OBJECT;
    if (good) buf_put_str(out, text);
    arena_clear(&arena);
    return good;
}

static void put_member(WatchWriter *self, const Batch *batch, uint32_t column, uint32_t row,
                       Buf *out) {
    Str name = self->schema->field[column];
    json_print_text(name, 0, out);
    buf_putc(out, ':');
    if (str_is(name, "labels") && put_labels(batch->column[column], row, out)) return;
    put_value(self, batch->column[column], self->schema->child[column], row, out);
}

static void put_object(WatchWriter *self, const Batch *batch, uint32_t row, Buf *out) {
    buf_putc(out, '{');
    for (uint32_t c = 0; c < self->schema->child_count; c++) {
        if (c) buf_putc(out, ',');
        put_member(self, batch, c, row, out);
    }
    buf_putc(out, '}');
}

// A pattern with the row's values in place of the names in braces; [labels] receives them as
// members, if it is not NULL.
static void put_pattern(WatchWriter *self, Str pattern, const Batch *batch, uint32_t row, Buf *out,
                        Buf *labels) {
    for (uint32_t at = 0; at < pattern.len; at++) {
        int64_t end = pattern.ptr[at] == '{' ? str_find(pattern, STR("}"), at) : -1;
        if (end < 0) {
            buf_putc(out, pattern.ptr[at]);
            continue;
        }
        Str name = str_sub(pattern, at + 1, (uint32_t)end - at - 1);
        at = (uint32_t)end;
        for (uint32_t c = 0; c < self->schema->child_count; c++) {
            const Vec *vec = batch->column[c];
            if (!str_eq(self->schema->field[c], name)) continue;
            self->text.len = 0;
            if (vec_is_null(vec, row)) buf_puts(&self->text, "NULL");
            else self->env.value_print(&self->env, vec, row, &self->text);
            buf_put_str(out, buf_str(&self->text));
            if (!labels) continue;
            if (labels->len) buf_putc(labels, ',');
            json_print_text(name, 0, labels);
            buf_putc(labels, ':');
            json_print_text(buf_str(&self->text), 0, labels);
        }
    }
}

// ---- metrics that come up ----------------------------------------------------------------------

static void put_option(WatchWriter *self, const char *option, const char *member,
                       const Batch *batch, uint32_t row, Buf *out) {
    const char *pattern = options_get(&self->table.options, option);
    Buf text = {0};
    if (!pattern) return;
    put_pattern(self, str_c(pattern), batch, row, &text, NULL);
    buf_printf(out, ",\"%s\":", member);
    json_print_text(buf_str(&text), 0, out);
    buf_free(&text);
}

static void is_fresh(WatchWriter *self, Str id, Str labels, const Batch *batch, uint32_t row) {
    static const char *const MEMBERS[][2] = {
        {"granularity", "granularity"}, {"group", "group"},         {"part-of", "part_of"},
        {"unit", "unit"},               {"calendar", "calendar"},   {"direction", "direction"},
        {"sensitivity", "sensitivity"}};
    Buf *out = &self->fresh;
    if (!options_has(&self->table.options, "granularity") || map_has(&self->known, id)) return;
    (void)map_put(&self->known, id, self);
    buf_puts(out, out->len ? ",{\"id\":" : "{\"id\":");
    json_print_text(id, 0, out);
    buf_printf(out, ",\"labels\":{" STR_FMT "}", STR_ARG(labels));
    for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
        put_option(self, MEMBERS[i][0], MEMBERS[i][1], batch, row, out);
    }
    buf_putc(out, '}');
}

static Status put_point(WatchWriter *self, const Batch *batch, uint32_t row, Error *err) {
    const Vec *ts = batch->column[self->ts], *metric = NULL;
    Buf labels = {0};
    self->id.len = 0;
    if (self->table.metric.len) {
        put_pattern(self, self->table.metric, batch, row, &self->id, &labels);
    } else {
        metric = batch->column[self->metric];
        if (!vec_is_null(metric, row)) {
            self->env.value_print(&self->env, metric, row, &self->id);
        }
    }
    if (!self->id.len || vec_is_null(ts, row)) {
        buf_free(&labels);
        return error_set(err, ST_RUNTIME, "table '" STR_FMT "': a point without %s",
                         STR_ARG(self->table.desc->name), self->id.len ? "ts" : "metric");
    }
    is_fresh(self, buf_str(&self->id), buf_str(&labels), batch, row);
    buf_free(&labels);
    buf_puts(&self->rows, self->count++ ? ",{\"metric\":" : "{\"metric\":");
    json_print_text(buf_str(&self->id), 0, &self->rows);
    buf_puts(&self->rows, ",\"ts\":");
    put_value(self, ts, self->schema->child[self->ts], row, &self->rows);
    buf_puts(&self->rows, ",\"value\":");
    put_value(self, batch->column[self->value], self->schema->child[self->value], row,
              &self->rows);
    buf_putc(&self->rows, '}');
    return ST_OK;
}

// ---- requests ----------------------------------------------------------------------------------

static Status send_list(WatchWriter *self, const char *path, const char *name, Buf *rows,
                        Error *err) {
    Buf body = {0};
    if (!rows->len) return ST_OK;
    buf_printf(&body, "{\"%s\":[" STR_FMT "]}", name, STR_ARG(buf_str(rows)));
    Status st = watch_table_ask(&self->table, "POST", str_c(path), buf_str(&body), &self->reply,
                                err);
    if (!st) rows->len = 0;
    buf_free(&body);
    return st;
}

// Points of metrics that nobody has registered would be lost without a word.
static Status all_are_known(const WatchWriter *self, Error *err) {
    Arena arena = {0};
    JsonValue answer;
    Status st = json_parse(&arena, buf_str(&self->reply), 0, &answer, NULL, err);
    const JsonValue *names = st ? NULL : json_member(&answer, STR("unknown_metrics"));
    if (names && names->kind == JK_ARRAY && names->count && names->item[0].kind == JK_TEXT) {
        st = error_set(err, ST_VALIDATION, "table '" STR_FMT "': nobody has registered metric '"
                       STR_FMT "'", STR_ARG(self->table.desc->name),
                       STR_ARG(names->item[0].text));
        error_hint(err, "'granularity' = '1 min' has such metrics registered");
    }
    arena_clear(&arena);
    return st;
}

static Status send(WatchWriter *self, Error *err) {
    bool points = self->table.kind >= WATCH_POINTS;
    if (!self->count) return ST_OK;
    TRY(send_list(self, "/v1/metrics", "metrics", &self->fresh, err));
    TRY(send_list(self, self->table.row->post, points ? "points" : self->table.row->name,
                  &self->rows, err));
    self->count = 0;
    return points ? all_are_known(self, err) : ST_OK;
}

static Status remove_metric(WatchWriter *self, const Batch *batch, uint32_t row, Error *err) {
    const Vec *id = batch->column[watch_table_column(self->schema, "id")];
    Buf path = {0};
    TRY(send(self, err));
    buf_puts(&path, "/v1/metrics/");
    percent_encode(vec_str(id)[row], "", &path);
    Status st = watch_table_ask(&self->table, "DELETE", buf_str(&path), STR(""), &self->reply, err);
    if (st == ST_VALIDATION && strstr(err->message, " 404: ")) st = ST_OK;  // it is gone
    buf_free(&path);
    return st;
}

// ---- the writer --------------------------------------------------------------------------------

static Status writer_write(SinkWriter *base, const Batch *batch, Error *err) {
    WatchWriter *self = (WatchWriter *)base;
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (batch_kind(batch, row) == ROW_DELETE) {
            TRY(remove_metric(self, batch, row, err));
            continue;
        }
        if (self->table.kind >= WATCH_POINTS) {
            TRY(put_point(self, batch, row, err));
        } else {
            if (self->count++) buf_putc(&self->rows, ',');
            put_object(self, batch, row, &self->rows);
        }
        if (self->count >= ROWS_TOGETHER || self->rows.len >= BYTES_TOGETHER) TRY(send(self, err));
    }
    return ST_OK;
}

static Status writer_flush(SinkWriter *base, bool end_of_input, Error *err) {
    (void)end_of_input;
    return send((WatchWriter *)base, err);
}

static void writer_close(SinkWriter *base) {
    WatchWriter *self = (WatchWriter *)base;
    map_clear(&self->known);
    buf_free(&self->rows);
    buf_free(&self->fresh);
    buf_free(&self->reply);
    buf_free(&self->id);
    buf_free(&self->text);
    mem_free(self);
}

static const SinkVt WRITER = {
    .write = writer_write, .flush = writer_flush, .close = writer_close};

Status watch_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out, Error *err) {
    WatchTable table;
    TRY(watch_table_read(spec->table, true, &table, err));
    WatchWriter *self = NEW(WatchWriter);
    self->base.vt = &WRITER;
    self->table = table;
    self->env = *env;
    self->schema = spec->schema;
    self->metric = watch_table_column(spec->schema, "metric");
    self->ts = watch_table_column(spec->schema, "ts");
    self->value = watch_table_column(spec->schema, "value");
    *out = &self->base;
    return ST_OK;
}
