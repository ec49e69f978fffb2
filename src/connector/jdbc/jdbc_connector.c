// The row of the connector.
#include "connector/jdbc/jdbc_int.h"

static Status jdbc_check(const TableDesc *desc, bool as_sink, Error *err) {
    (void)as_sink;
    Arena arena;
    arena_init(&arena);
    JdbcTable table;
    Status st = jdbc_table_read(&arena, desc, &table, err);
    arena_clear(&arena);
    return st;
}

static bool jdbc_source_bounded(const TableDesc *desc) {
    (void)desc;
    return true;
}

// With a primary key the latest row of each key; without one rows can only be added.
static Status jdbc_sink_changes(const TableDesc *desc, uint32_t requested, uint32_t *taken,
                                Error *err) {
    if (desc->primary_key_count) {
        *taken = requested & CHANGES_UPSERT;
        return ST_OK;
    }
    if (requested & ~(uint32_t)CHANGES_APPEND) {
        (void)error_set(err, ST_VALIDATION,
                        "table '" STR_FMT "': please declare primary key for sink table when query "
                        "contains update/delete record",
                        STR_ARG(desc->name));
        error_hint(err, "add PRIMARY KEY (…) NOT ENFORCED to the table");
        return ST_VALIDATION;
    }
    *taken = CHANGES_APPEND;
    return ST_OK;
}

static bool jdbc_lookup_allowed(const TableDesc *desc) {
    (void)desc;
    return true;
}

static bool type_is_compared(const Type *type) {
    return jdbc_type_known(type) && type->kind != TYPE_ARRAY && !type_is_bytes(type) &&
           !type_is_approx(type) && type->kind != TYPE_TIMESTAMP_LTZ;
}

static bool filter_known(const TableDesc *desc, const TableFilter *filter) {
    if (filter->op == FILTER_AND || filter->op == FILTER_OR) {
        return filter_known(desc, filter->arg[0]) && filter_known(desc, filter->arg[1]);
    }
    if (!filter->value) return true;
    const Type *column = desc->physical->child[filter->column];
    return type_is_compared(column) && type_is_compared(filter->value->type) &&
           type_is_text(column) == type_is_text(filter->value->type);
}

static bool jdbc_filter_taken(const TableDesc *desc, const TableFilter *filter) {
    Options options = desc->options;
    options.defs = JDBC_OPTIONS;
    return options_enum(&options, "filter.handling.policy") == 0 && filter_known(desc, filter);
}

// Upserts by a key leave the table as if each had come once.
static const char *guarantee_of(const TableDesc *desc) {
    const char *text = options_get(&desc->options, "sink.delivery-guarantee");
    if (text && !strcmp(text, "exactly-once")) return "exactly-once";
    return desc->primary_key_count ? "at-least-once, idempotent by key" : "at-least-once";
}

const Connector JDBC_CONNECTOR = {
    .name = "jdbc",
    .options = JDBC_OPTIONS,
    .source = true,
    .sink = true,
    .check = jdbc_check,
    .source_bounded = jdbc_source_bounded,
    .sink_changes = jdbc_sink_changes,
    .source_open = jdbc_source_open,
    .sink_open = jdbc_sink_open,
    .lookup_allowed = jdbc_lookup_allowed,
    .lookup_open = jdbc_lookup_open,
    .filter_taken = jdbc_filter_taken,
    .guarantee_of = guarantee_of,
    .doc = "Tables of PostgreSQL: read, looked up by key, written.",
};
