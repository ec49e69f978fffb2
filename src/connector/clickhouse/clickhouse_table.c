// The options of a table, by the names of the ClickHouse connectors for Flink.
#include "connector/clickhouse/clickhouse_int.h"

static const char *const GUARANTEES[] = {"exactly-once", "at-least-once", NULL};
static const char *const UPDATES[] = {"insert", "discard", "update", NULL};

// clang-format off
const OptionDef CLICKHOUSE_OPTIONS[] = {
    {.key = "connector", .required = true, .doc = "'clickhouse'."},
    {.key = "url", .required = true, .doc = "'clickhouse://host:8123', the port of its HTTP interface; '?ssl=true' or 'https://host:8443' for TLS."},
    {.key = "database-name", .fallback = "default", .doc = "The database there."},
    {.key = "table-name", .required = true, .doc = "The table there."},
    {.key = "username", .doc = "Goes with 'password'."},
    {.key = "password", .doc = "Goes with 'username'. Never printed."},
    {.key = "table.collapsing.field", .doc = "The sign column of a CollapsingMergeTree: 1 for rows that come, -1 for rows that go."},
    {.key = "sink.batch-size", .kind = OPTION_INT, .fallback = "1000", .doc = "Rows are sent when so many wait, though not more often than ten times a second."},
    {.key = "sink.flush-interval", .kind = OPTION_DURATION, .fallback = "1 s", .doc = "Rows wait no longer; 0: by their number alone."},
    {.key = "sink.max-retries", .kind = OPTION_INT, .fallback = "3", .doc = "Tries after one that failed for a reason that may pass."},
    {.key = "sink.update-strategy", .kind = OPTION_ENUM, .values = UPDATES, .fallback = "insert", .doc = "Without a sign column: a changed row is inserted as it is now, or left out ('discard')."},
    {.key = "sink.ignore-delete", .kind = OPTION_BOOL, .fallback = "false", .doc = "Without a sign column: deletions are left out; else a query that has them is refused."},
    {.key = "sink.delivery-guarantee", .kind = OPTION_ENUM, .values = GUARANTEES, .fallback = "exactly-once", .doc = "'exactly-once': in a job with checkpoints rows are inserted when their checkpoint is complete."},
    {0},
};
// clang-format on

static Status bad(const ChTable *table, const char *key, const char *why, Error *err) {
    return error_set(err, ST_VALIDATION, "table '" STR_FMT "': '%s' %s", STR_ARG(table->desc->name),
                     key, why);
}

static bool take_prefix(Str *text, const char *prefix) {
    if (!str_starts(*text, str_c(prefix))) return false;
    *text = str_sub(*text, (uint32_t)strlen(prefix), text->len);
    return true;
}

// clickhouse://host:8123[/][?ssl=true], as jdbc:clickhouse:// or http(s):// too.
static Status read_url(Arena *arena, ChTable *table, Error *err) {
    Str url = str_trim(str_c(options_get(&table->options, "url")));
    bool tls = false;
    (void)take_prefix(&url, "jdbc:");
    if (take_prefix(&url, "https://")) tls = true;
    else if (!take_prefix(&url, "clickhouse://") && !take_prefix(&url, "ch://") &&
             !take_prefix(&url, "http://")) {
        return bad(table, "url", "should be 'clickhouse://host:8123'", err);
    }
    int64_t question = str_find(url, STR("?"), 0);
    if (question >= 0) {
        Str params = str_sub(url, (uint32_t)question + 1, url.len);
        tls = tls || str_find(params, STR("ssl=true"), 0) >= 0;
        url = str_sub(url, 0, (uint32_t)question);
    }
    int64_t slash = str_find(url, STR("/"), 0);
    if (slash >= 0) {
        Str database = str_sub(url, (uint32_t)slash + 1, url.len);
        if (database.len && !options_has(&table->options, "database-name")) {
            table->database = database;
        }
        url = str_sub(url, 0, (uint32_t)slash);
    }
    if (!url.len) return bad(table, "url", "names no host", err);
    if (str_find(url, STR("@"), 0) >= 0) {
        (void)bad(table, "url", "holds a user", err);
        error_hint(err, "give 'username' and 'password'");
        return ST_VALIDATION;
    }
    if (str_find(url, STR(","), 0) >= 0) {
        (void)bad(table, "url", "names several hosts; weir writes to one", err);
        error_hint(err, "name one of them, or a balancer, with a Distributed or Replicated table");
        return ST_VALIDATION;
    }
    bool has_port = str_find(url, STR(":"), url.ptr[0] == '[' ? (uint32_t)str_find(url, STR("]"), 0)
                                                              : 0) >= 0;
    table->shown = str_printf(arena, STR_FMT "%s", STR_ARG(url),
                              has_port ? "" : tls ? ":8443" : ":8123");
    table->base = str_printf(arena, "%s://" STR_FMT "/", tls ? "https" : "http",
                             STR_ARG(table->shown));
    return ST_OK;
}

Status ch_table_read(Arena *arena, const TableDesc *desc, ChTable *out, Error *err) {
    *out = (ChTable){.desc = desc, .options = desc->options};
    out->options.defs = CLICKHOUSE_OPTIONS;
    const Options *options = &out->options;
    TRY(options_check(options, (const OptionDef *const[]){TABLE_OPTIONS, NULL}, err));
    out->database = str_c(options_get(options, "database-name"));
    TRY(read_url(arena, out, err));
    out->name = str_c(options_get(options, "table-name"));
    if (!out->name.len) return bad(out, "table-name", "is empty", err);
    out->user = options_get(options, "username");
    out->password = options_get(options, "password");
    if (!out->user != !out->password) return bad(out, "username", "goes with 'password'", err);
    for (uint32_t i = 0; i < 2; i++) {
        const char *text = i ? out->password : out->user;
        if (text && strpbrk(text, "\r\n")) {
            return bad(out, i ? "password" : "username", "has a line break", err);
        }
    }
    out->sign = str_c(options_get(options, "table.collapsing.field"));
    uint32_t strategy = options_enum(options, "sink.update-strategy");
    if (strategy == 2) {
        (void)bad(out, "sink.update-strategy", "'update' rewrites parts of the table for each row, "
                  "which weir does not do", err);
        error_hint(err, "use 'insert' with a ReplacingMergeTree, or 'table.collapsing.field'");
        return ST_UNSUPPORTED;
    }
    out->discard_update = strategy == 1;
    int64_t rows = options_int(options, "sink.batch-size");
    if (rows < 1 || rows > 1 << 24) {
        return bad(out, "sink.batch-size", "should be between 1 and 16777216", err);
    }
    out->batch_rows = (uint32_t)rows;
    out->flush_interval_ms = options_int(options, "sink.flush-interval");
    out->retries_max = options_int(options, "sink.max-retries");
    if (out->retries_max < 0 || out->retries_max > 1000) {
        return bad(out, "sink.max-retries", "should be between 0 and 1000", err);
    }
    out->exactly_once = options_enum(options, "sink.delivery-guarantee") == 0;
    out->demands_exactly_once =
        out->exactly_once && options_has(options, "sink.delivery-guarantee");
    return ST_OK;
}
