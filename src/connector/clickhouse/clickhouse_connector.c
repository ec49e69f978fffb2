// The row of the connector.
#include "connector/clickhouse/clickhouse_int.h"

static Status check(const TableDesc *desc, bool as_sink, Error *err) {
    (void)as_sink;
    Arena arena;
    arena_init(&arena);
    ChTable table;
    Status st = ch_table_read(&arena, desc, &table, err);
    arena_clear(&arena);
    return st;
}

static bool has_sign(const TableDesc *desc) {
    const char *sign = options_get(&desc->options, "table.collapsing.field");
    return sign && *sign;
}

static bool is_said(const TableDesc *desc, const char *key, const char *value) {
    const char *text = options_get(&desc->options, key);
    return text && str_eq_nocase(str_c(text), str_c(value));
}

// With a sign column every change is a row. Without one a changed row is inserted again, and the
// engine keeps the last one of a key; nothing can be said of a row that goes.
static Status sink_changes(const TableDesc *desc, uint32_t requested, uint32_t *taken, Error *err) {
    if (has_sign(desc)) {
        *taken = requested & CHANGES_ALL;
        return ST_OK;
    }
    if (!(requested & ~(uint32_t)CHANGES_APPEND)) {
        *taken = requested;
        return ST_OK;
    }
    const char *what = NULL;
    if (!desc->primary_key_count)
        what = "updates or deletes rows, and the table has no primary key";
    bool deletes = requested & CHANGE_DELETE && !is_said(desc, "sink.ignore-delete", "true");
    if (deletes) what = "deletes rows, which ClickHouse can only be told by a sign";
    if (!what) {
        *taken = requested & CHANGES_UPSERT;
        return ST_OK;
    }
    (void)error_set(err, ST_VALIDATION, "table '" STR_FMT "': the query %s", STR_ARG(desc->name),
                    what);
    error_hint(err, "name the sign column of a CollapsingMergeTree in 'table.collapsing.field'%s",
               deletes ? "; or, with a PRIMARY KEY and a ReplacingMergeTree, leave deletions out: "
                         "'sink.ignore-delete' = 'true'"
                       : "; or declare a PRIMARY KEY and use a ReplacingMergeTree");
    return ST_VALIDATION;
}

static const char *guarantee_of(const TableDesc *desc) {
    if (!is_said(desc, "sink.delivery-guarantee", "at-least-once")) {
        return "exactly-once with checkpoints, else at-least-once";
    }
    return desc->primary_key_count && !has_sign(desc) ? "at-least-once, idempotent by key"
                                                      : "at-least-once";
}

const Connector CLICKHOUSE_CONNECTOR = {
    .name = "clickhouse",
    .options = CLICKHOUSE_OPTIONS,
    .sink = true,
    .check = check,
    .sink_changes = sink_changes,
    .sink_open = ch_sink_open,
    .guarantee_of = guarantee_of,
    .doc = "Tables of ClickHouse, written over HTTP.",
};
