// Options, columns, requests.
#include "connector/watch/watch_table.h"

#include "base/assert.h"

enum { TRIES = 8, FIRST_WAIT_MS = 100, REPLY_MAX = 256 << 20, ANSWER_MS = 60000 };

static const WatchTableRow ROWS[] = {
    [WATCH_METRICS] = {.name = "metrics",
                       .columns = " id name unit group calendar granularity direction sensitivity"
                                  " importance silence paused labels part_of rule ",
                       .list = "/v1/metrics?limit=1000", .post = "/v1/metrics"},
    [WATCH_ALARMS] = {.name = "alarms",
                      .columns = " id seq event kind platform metric name unit group labels opened"
                                 " begin ts actual forecast low high score model why window"
                                 " earlier ",
                      .list = "/v1/alarms?by=id&limit=1000"},
    [WATCH_LABELS] = {.name = "labels", .columns = " id metric alarm kind from to note ",
                      .list = "/v1/labels?limit=1000", .post = "/v1/labels"},
    [WATCH_MODELS] = {.name = "models",
                      .columns = " metric version class points from to bytes train_ms error"
                                 " error_before says ",
                      .list = "/v1/models?limit=1000"},
    [WATCH_PROMOTIONS] = {.name = "promotions", .columns = " name group from to ",
                          .list = "/v1/promotions?limit=1000", .post = "/v1/promotions"},
    [WATCH_POINTS] = {.name = "points", .post = "/v1/points"},
    [WATCH_HISTORY] = {.name = "history", .post = "/v1/history", .by_metric = true},
    [WATCH_STATUS] = {.name = "status", .columns = " metric state model due first last point ",
                      .list = "/v1/status?limit=1000"},
    [WATCH_FORECASTS] = {.name = "forecasts",
                         .columns = " metric ts actual forecast low high score alarm ",
                         .by_metric = true},
};
static const char *const TABLES[] = {"metrics", "alarms", "labels", "models", "promotions",
                                     "points", "history", "status", "forecasts", NULL};

// clang-format off
static const OptionDef OPTIONS[] = {
    {.key = "connector", .kind = OPTION_TEXT, .required = true, .doc = "'watch'."},
    {.key = "url", .kind = OPTION_TEXT, .required = true, .doc = "Where the watch listens: `http://host:8502`."},
    {.key = "token", .kind = OPTION_TEXT, .required = true, .doc = "The platform's."},
    {.key = "table", .kind = OPTION_ENUM, .values = TABLES, .required = true, .doc = "Which of its tables."},
    {.key = "metric", .kind = OPTION_TEXT, .doc = "points, history: a metric for each group of dimensions, 'orders/{city}/{channel}'; without it there is a column `metric`."},
    {.key = "granularity", .kind = OPTION_TEXT, .doc = "points, history: metrics that come up are registered, with this step ('1 min') and the columns of the pattern as labels."},
    {.key = "group", .kind = OPTION_TEXT, .doc = "Of metrics that are registered so; may name columns, too."},
    {.key = "part-of", .kind = OPTION_TEXT, .doc = "The id of the metric that they are parts of; may name columns, too."},
    {.key = "ahead", .kind = OPTION_INT, .fallback = "10", .doc = "forecasts: how many steps beyond a metric's newest point."},
    {.key = "unit", .kind = OPTION_TEXT, .doc = "Of metrics that are registered so."},
    {.key = "calendar", .kind = OPTION_TEXT, .doc = "Of metrics that are registered so."},
    {.key = "direction", .kind = OPTION_TEXT, .doc = "Of metrics that are registered so."},
    {.key = "sensitivity", .kind = OPTION_TEXT, .doc = "Of metrics that are registered so."},
    {0},
};
// clang-format on

int64_t watch_table_column(const Type *row, const char *name) {
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (str_eq(row->field[i], str_c(name))) return i;
    }
    return -1;
}

static bool has_word(const char *words, Str word) {
    Str all = str_c(words);
    for (uint32_t at = 0;;) {
        int64_t found = str_find(all, word, at);
        if (found < 1) return false;
        at = (uint32_t)found + word.len;
        if (all.ptr[found - 1] == ' ' && at < all.len && all.ptr[at] == ' ') return true;
    }
}

static bool readable(const Type *type) {
    switch (type->kind) {
        case TYPE_BOOLEAN:
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_DOUBLE:
        case TYPE_VARCHAR:
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: return true;
        default: return false;
    }
}

static Status check_listed(const WatchTable *table, Error *err) {
    const Type *row = table->desc->physical;
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (!has_word(table->row->columns, row->field[i])) {
            (void)error_set(err, ST_VALIDATION,
                            "table '" STR_FMT "': the watch's table '%s' has no column '" STR_FMT
                            "'", STR_ARG(table->desc->name), table->row->name,
                            STR_ARG(row->field[i]));
            error_hint(err, "it has%s", table->row->columns);
            return ST_VALIDATION;
        }
        if (readable(row->child[i])) continue;
        (void)error_set(err, ST_VALIDATION, "table '" STR_FMT "': column '" STR_FMT
                        "' cannot have that type", STR_ARG(table->desc->name),
                        STR_ARG(row->field[i]));
        error_hint(err, "STRING, BOOLEAN, INT, BIGINT, DOUBLE, TIMESTAMP or TIMESTAMP_LTZ");
        return ST_VALIDATION;
    }
    return ST_OK;
}

// "orders/{city}": each name in braces is a column.
static Status check_pattern(const WatchTable *table, const char *key, Error *err) {
    const char *pattern = options_get(&table->options, key);
    Str text = pattern ? str_c(pattern) : STR("");
    for (uint32_t at = 0; at < text.len; at++) {
        if (text.ptr[at] != '{') continue;
        int64_t end = str_find(text, STR("}"), at);
        Arena arena = {0};
        Str name = str_sub(text, at + 1, end < 0 ? text.len : (uint32_t)end - at - 1);
        bool known = end > 0 && watch_table_column(table->desc->physical,
                                                   str_cstr(&arena, name)) >= 0;
        arena_clear(&arena);
        if (known) continue;
        return error_set(err, ST_VALIDATION, "table '" STR_FMT "': '%s' names the column '" STR_FMT
                         "', which there is not", STR_ARG(table->desc->name), key, STR_ARG(name));
    }
    return ST_OK;
}

// What is read are metric, ts and value, and nothing else.
static Status check_history_scan(const WatchTable *table, Error *err) {
    const Type *row = table->desc->physical;
    bool good = row->child_count == 3 && !table->metric.len;
    for (uint32_t i = 0; i < row->child_count && good; i++) {
        TypeKind kind = row->child[i]->kind;
        if (str_is(row->field[i], "metric")) good = kind == TYPE_VARCHAR;
        else if (str_is(row->field[i], "value")) good = kind == TYPE_DOUBLE;
        else good = kind == TYPE_BIGINT || kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMP_LTZ;
    }
    if (good) return ST_OK;
    (void)error_set(err, ST_VALIDATION, "table '" STR_FMT "' cannot be read with these columns",
                    STR_ARG(table->desc->name));
    error_hint(err,
               "metric STRING, ts TIMESTAMP_LTZ(3), `value` DOUBLE; dimensions are for writing");
    return ST_VALIDATION;
}

static Status check_points(const WatchTable *table, bool as_sink, Error *err) {
    static const char *const PATTERNS[] = {"metric", "group", "part-of"};
    const Type *row = table->desc->physical;
    bool metric = table->metric.len || watch_table_column(row, "metric") >= 0;
    if (!metric || watch_table_column(row, "ts") < 0 || watch_table_column(row, "value") < 0) {
        (void)error_set(err, ST_VALIDATION, "table '" STR_FMT "' has no column '%s'",
                        STR_ARG(table->desc->name),
                        !metric                                   ? "metric"
                        : watch_table_column(row, "ts") < 0 ? "ts"
                                                                  : "value");
        error_hint(err, "points have metric, ts and value; or dimensions, ts and value, and "
                        "'metric' = 'orders/{dimension}'");
        return ST_VALIDATION;
    }
    for (size_t i = 0; i < sizeof PATTERNS / sizeof *PATTERNS; i++) {
        TRY(check_pattern(table, PATTERNS[i], err));
    }
    return as_sink ? ST_OK : check_history_scan(table, err);
}

Status watch_table_read(const TableDesc *desc, bool as_sink, WatchTable *out, Error *err) {
    *out = (WatchTable){.desc = desc, .options = desc->options};
    out->options.defs = OPTIONS;
    const OptionDef *const also[] = {TABLE_OPTIONS, NULL};
    TRY(options_check(&out->options, also, err));
    out->kind = (WatchTableKind)options_enum(&out->options, "table");
    out->row = &ROWS[out->kind];
    out->url = options_get(&out->options, "url");
    out->token = options_get(&out->options, "token");
    const char *metric = options_get(&out->options, "metric");
    out->metric = metric ? str_c(metric) : STR("");
    bool points = !out->row->columns;
    if (as_sink ? !out->row->post : !out->row->list && !out->row->by_metric) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "': the watch's table '%s' is only %s",
                         STR_ARG(desc->name), out->row->name, as_sink ? "read" : "written");
    }
    return points ? check_points(out, as_sink, err) : check_listed(out, err);
}

// ---- requests ----------------------------------------------------------------------------------

// What the watch says of a failure: {"error":…,"hint":…}.
static Status refused(const WatchTable *table, int status, Str body, Error *err) {
    Arena arena = {0};
    JsonValue value = {0};
    Str message = STR(""), hint = STR("");
    if (!json_parse(&arena, body, 0, &value, NULL, NULL)) {
        const JsonValue *error = json_member(&value, STR("error"));
        const JsonValue *more = json_member(&value, STR("hint"));
        if (error && error->kind == JK_TEXT) message = error->text;
        if (more && more->kind == JK_TEXT) hint = more->text;
    }
    Status st = status == 401 || (status >= 400 && status < 500) ? ST_VALIDATION : ST_RUNTIME;
    if (status == 429 || status == 503) st = ST_CONNECT;
    (void)error_set(err, st, "table '" STR_FMT "': the watch answers %d: " STR_FMT,
                    STR_ARG(table->desc->name), status, STR_ARG(message));
    if (hint.len) error_hint(err, STR_FMT, STR_ARG(hint));
    arena_clear(&arena);
    return st;
}

static Status ask_once(const WatchTable *table, const char *method, const char *url,
                       const char *authorization, Str body, Buf *reply, Error *err) {
    const char *const headers[] = {authorization, "Content-Type: application/json", "Expect:"};
    HttpReply answer = {.body = *reply};
    HttpExchange exchange = {.method = method, .url = url, .header = headers, .header_count = 3,
                             .body = body, .reply_size_max = REPLY_MAX, .answer_ms = ANSWER_MS};
    answer.body.len = 0;
    Status st = http_exchange(&exchange, &answer, err);
    if (st) error_while(err, "table '" STR_FMT "'", STR_ARG(table->desc->name));
    if (!st && answer.status >= 300) st = refused(table, answer.status, buf_str(&answer.body), err);
    *reply = answer.body;
    return st;
}

Status watch_table_ask(const WatchTable *table, const char *method, Str path, Str body, Buf *reply,
                       Error *err) {
    Arena arena = {0};
    Str base = str_c(table->url);
    if (base.len && base.ptr[base.len - 1] == '/') base.len--;
    const char *url = arena_printf(&arena, STR_FMT STR_FMT, STR_ARG(base), STR_ARG(path));
    const char *authorization = arena_printf(&arena, "Authorization: Bearer %s", table->token);
    Status st = ST_CONNECT;
    for (int i = 0; i < TRIES && st == ST_CONNECT; i++) {
        if (i) os()->sleep_ms((int64_t)FIRST_WAIT_MS << (i - 1));
        st = ask_once(table, method, url, authorization, body, reply, err);
    }
    arena_clear(&arena);
    return st;
}

// ---- the connector -----------------------------------------------------------------------------

static Status check(const TableDesc *desc, bool as_sink, Error *err) {
    WatchTable table;
    return watch_table_read(desc, as_sink, &table, err);
}

static bool bounded(const TableDesc *desc) {
    (void)desc;
    return true;
}

// Metrics are registered, updated and removed by their ids; of the rest there is only more.
static Status sink_changes(const TableDesc *desc, uint32_t requested, uint32_t *taken, Error *err) {
    WatchTable table;
    TRY(watch_table_read(desc, true, &table, err));
    bool by_id = table.kind == WATCH_METRICS && desc->primary_key_count == 1 &&
                 str_is(desc->physical->field[desc->primary_key[0]], "id");
    if (by_id || !(requested & ~(uint32_t)CHANGES_APPEND)) {
        *taken = requested & CHANGES_UPSERT;
        return ST_OK;
    }
    (void)error_set(err, ST_VALIDATION, "table '" STR_FMT "': the query updates or deletes rows",
                    STR_ARG(desc->name));
    error_hint(err, table.kind == WATCH_METRICS ? "declare PRIMARY KEY (`id`) NOT ENFORCED"
                                                : "windows make rows that are final");
    return ST_VALIDATION;
}

// metric = 'orders': its history, or its forecasts, alone are asked for.
static bool filter_taken(const TableDesc *desc, const TableFilter *filter) {
    WatchTable table;
    return !watch_table_read(desc, false, &table, NULL) && table.row->by_metric &&
           filter->op == FILTER_EQUAL &&
           filter->column == (uint32_t)watch_table_column(desc->physical, "metric") &&
           filter->value->phys == PHYS_STR;
}

const Connector WATCH_CONNECTOR = {
    .name = "watch",
    .options = OPTIONS,
    .source = true,
    .sink = true,
    .check = check,
    .source_bounded = bounded,
    .source_open = watch_source_open,
    .sink_changes = sink_changes,
    .sink_open = watch_sink_open,
    .filter_taken = filter_taken,
    .guarantee = "at-least-once, idempotent",
    .doc = "A metric watch's registry, alarms, models and points.",
};
