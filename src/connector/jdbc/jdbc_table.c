// The options of a table, by the names of Flink's JDBC connector.
#include "base/hex.h"
#include "connector/jdbc/jdbc_int.h"

static const char *const POLICIES[] = {"ALWAYS", "NEVER", NULL};

// clang-format off
static const char *const GUARANTEES[] = {"at-least-once", "exactly-once", NULL};

const OptionDef JDBC_OPTIONS[] = {
    {.key = "connector", .required = true, .doc = "'jdbc'."},
    {.key = "url", .required = true, .doc = "'jdbc:postgresql://host:port/database', with '?name=value&…' if need be."},
    {.key = "table-name", .required = true, .doc = "The table's name there; a schema may stand before it."},
    {.key = "driver", .doc = "Taken and not needed: weir speaks to PostgreSQL by itself."},
    {.key = "compatible-mode", .doc = "Taken and not needed."},
    {.key = "username", .doc = "Goes with 'password'."},
    {.key = "password", .doc = "Goes with 'username'. Never printed."},
    {.key = "connection.max-retry-timeout", .kind = OPTION_DURATION, .fallback = "60 s", .doc = "How long connecting may take; whole seconds."},
    {.key = "filter.handling.policy", .kind = OPTION_ENUM, .fallback = "ALWAYS", .values = POLICIES, .doc = "Whether PostgreSQL evaluates simple conditions of a query."},
    {.key = "scan.partition.column", .doc = "Read in parts by the ranges of this column; goes with the three below."},
    {.key = "scan.partition.num", .kind = OPTION_INT, .doc = "How many parts."},
    {.key = "scan.partition.lower-bound", .kind = OPTION_INT, .doc = "The least value; rows below it are not read."},
    {.key = "scan.partition.upper-bound", .kind = OPTION_INT, .doc = "The greatest value; rows above it are not read."},
    {.key = "scan.fetch-size", .kind = OPTION_INT, .fallback = "0", .doc = "Taken and not needed: rows come in a stream."},
    {.key = "scan.auto-commit", .kind = OPTION_BOOL, .fallback = "true", .doc = "Taken and not needed."},
    {.key = "lookup.cache.max-rows", .kind = OPTION_INT, .doc = "The old name of a PARTIAL cache's size; goes with 'lookup.cache.ttl'."},
    {.key = "lookup.cache.ttl", .kind = OPTION_DURATION, .doc = "The old name of its expire-after-write."},
    {.key = "lookup.cache.caching-missing-key", .kind = OPTION_BOOL, .fallback = "true", .doc = "The old name of '….partial-cache.cache-missing-key'."},
    {.key = "sink.buffer-flush.max-rows", .kind = OPTION_INT, .fallback = "100", .doc = "Rows are sent when so many wait; 0: by the interval alone."},
    {.key = "sink.buffer-flush.interval", .kind = OPTION_DURATION, .fallback = "1 s", .doc = "Rows wait no longer; 0: by their number alone."},
    {.key = "sink.max-retries", .kind = OPTION_INT, .fallback = "3", .doc = "Tries after a write that failed."},
    {.key = "sink.delivery-guarantee", .kind = OPTION_ENUM, .values = GUARANTEES, .fallback = "at-least-once", .doc = "'exactly-once' without a primary key: a prepared transaction for each checkpoint."},
    {.key = "sink.transactional-id-prefix", .doc = "Names those transactions."},
    {0},
};
// clang-format on

static Status bad_option(const JdbcTable *table, const char *key, const char *why, Error *err) {
    return error_set(err, ST_VALIDATION, "table '" STR_FMT "': '%s' %s", STR_ARG(table->desc->name),
                     key, why);
}

static Status all_or_none(const JdbcTable *table, const char *const *key, uint32_t count,
                          bool *given, Error *err) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) n += options_has(&table->options, key[i]);
    *given = n > 0;
    if (n == 0 || n == count) return ST_OK;
    Buf names = {0};
    for (uint32_t i = 0; i < count; i++) buf_printf(&names, "%s'%s'", i ? ", " : "", key[i]);
    Status st = error_set(err, ST_VALIDATION,
                          "table '" STR_FMT "': give all or none of " STR_FMT,
                          STR_ARG(table->desc->name), STR_ARG(buf_str(&names)));
    buf_free(&names);
    return st;
}

// ---- the URL -----------------------------------------------------------------------------------

static void add_param(JdbcTable *table, const char *keyword, const char *value) {
    for (uint32_t i = 0; i < table->params; i++) {
        if (strcmp(table->keyword[i], keyword) != 0) continue;
        table->value[i] = value;  // the last one counts
        return;
    }
    if (table->params == LINK_PARAMS_MAX) return;
    table->keyword[table->params] = keyword;
    table->value[table->params++] = value;
}

// The parameters of PostgreSQL's JDBC driver that libpq has by another name; those that only the
// driver knows change nothing here.
static void url_param(Arena *arena, JdbcTable *table, Str key, Str value) {
    static const char *const SAME[][2] = {
        {"user", "user"},         {"password", "password"},
        {"sslmode", "sslmode"},   {"sslrootcert", "sslrootcert"},
        {"sslcert", "sslcert"},   {"sslkey", "sslkey"},
        {"options", "options"},   {"ApplicationName", "application_name"},
        {"connectTimeout", "connect_timeout"},
        {"targetServerType", "target_session_attrs"},
    };
    const char *text = percent_decode(arena, value).ptr;
    if (str_is(key, "ssl")) {
        if (str_eq_nocase(value, STR("true"))) add_param(table, "sslmode", "require");
        return;
    }
    if (str_is(key, "currentSchema")) {
        add_param(table, "options", arena_printf(arena, "-c search_path=%s", text));
        return;
    }
    if (str_is(key, "targetServerType") && !str_is(value, "any")) return;
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        if (str_eq(key, str_c(SAME[i][0]))) add_param(table, SAME[i][1], text);
    }
}

// jdbc:postgresql://host[:port][,host…][/database][?name=value&…], jdbc:postgresql:database
static Status read_url(Arena *arena, JdbcTable *table, Error *err) {
    Str url = str_c(options_get(&table->options, "url")), head = STR("jdbc:postgresql:");
    if (!str_starts(url, head)) {
        (void)bad_option(table, "url", "names no database that weir speaks to", err);
        error_hint(err, "weir has PostgreSQL: 'jdbc:postgresql://host:5432/database'");
        return ST_VALIDATION;
    }
    Str rest = str_sub(url, head.len, url.len);
    int64_t mark = str_find(rest, STR("?"), 0);
    Str params = mark < 0 ? STR("") : str_sub(rest, (uint32_t)mark + 1, rest.len);
    if (mark >= 0) rest = str_sub(rest, 0, (uint32_t)mark);
    Buf hosts = {0}, ports = {0};
    if (str_starts(rest, STR("//"))) {
        rest = str_sub(rest, 2, rest.len);
        int64_t slash = str_find(rest, STR("/"), 0);
        Str place = slash < 0 ? rest : str_sub(rest, 0, (uint32_t)slash);
        rest = slash < 0 ? STR("") : str_sub(rest, (uint32_t)slash + 1, rest.len);
        for (uint32_t at = 0, first = 1; at <= place.len; first = 0) {
            int64_t comma = str_find(place, STR(","), at);
            uint32_t end = comma < 0 ? place.len : (uint32_t)comma;
            Str one = str_sub(place, at, end - at);
            int64_t colon = -1;  // the last one, behind an IPv6 address in brackets
            for (uint32_t i = 0; i < one.len; i++) {
                if (one.ptr[i] == ':') colon = i;
                if (one.ptr[i] == ']') colon = -1;
            }
            Str host = colon < 0 ? one : str_sub(one, 0, (uint32_t)colon);
            if (host.len > 1 && host.ptr[0] == '[') host = str_sub(host, 1, host.len - 2);
            buf_printf(&hosts, "%s" STR_FMT, first ? "" : ",", STR_ARG(host));
            Str port = colon < 0 ? STR("5432") : str_sub(one, (uint32_t)colon + 1, one.len);
            buf_printf(&ports, "%s" STR_FMT, first ? "" : ",", STR_ARG(port));
            at = end + 1;
        }
        add_param(table, "host", percent_decode(arena, buf_str(&hosts)).ptr);
        add_param(table, "port", percent_decode(arena, buf_str(&ports)).ptr);
        buf_free(&hosts);
        buf_free(&ports);
    }
    while (rest.len && rest.ptr[0] == '/') rest = str_sub(rest, 1, rest.len);
    if (rest.len) add_param(table, "dbname", percent_decode(arena, rest).ptr);
    for (uint32_t at = 0; at < params.len;) {
        int64_t next = str_find(params, STR("&"), at);
        uint32_t end = next < 0 ? params.len : (uint32_t)next;
        Str one = str_sub(params, at, end - at);
        int64_t equal = str_find(one, STR("="), 0);
        if (equal > 0) {
            url_param(arena, table, str_sub(one, 0, (uint32_t)equal),
                      str_sub(one, (uint32_t)equal + 1, one.len));
        }
        at = end + 1;
    }
    return ST_OK;
}

// ---- types -------------------------------------------------------------------------------------

bool jdbc_type_known(const Type *type) {
    if (type->kind == TYPE_ARRAY) {
        return type->child[0]->kind != TYPE_ARRAY && jdbc_type_known(type->child[0]);
    }
    return type->kind == TYPE_BOOLEAN || type_is_integer(type) || type_is_approx(type) ||
           type->kind == TYPE_DECIMAL || type_is_text(type) || type_is_bytes(type) ||
           type->kind == TYPE_DATE || type->kind == TYPE_TIME || type->kind == TYPE_TIMESTAMP ||
           type->kind == TYPE_TIMESTAMP_LTZ;
}

static Status check_types(const TableDesc *desc, Error *err) {
    for (uint32_t i = 0; i < desc->physical->child_count; i++) {
        const Type *type = desc->physical->child[i];
        if (jdbc_type_known(type)) continue;
        Buf name = {0};
        type_print(type, &name);
        Status st = error_set(err, ST_VALIDATION,
                              "table '" STR_FMT "': PostgreSQL has no type for column '" STR_FMT
                              "' of type " STR_FMT,
                              STR_ARG(desc->name), STR_ARG(desc->physical->field[i]),
                              STR_ARG(buf_str(&name)));
        buf_free(&name);
        return st;
    }
    return ST_OK;
}

// ---- all together ------------------------------------------------------------------------------

static Status read_partitions(JdbcTable *table, Error *err) {
    enum { PARTS_MAX = 1 << 20 };  // each worker knows of each whether it was read
    static const char *const KEYS[] = {"scan.partition.column", "scan.partition.num",
                                       "scan.partition.lower-bound", "scan.partition.upper-bound"};
    TRY(all_or_none(table, KEYS, 4, &table->partitioned, err));
    if (!table->partitioned) return ST_OK;
    table->partition_column = str_c(options_get(&table->options, KEYS[0]));
    table->partitions = options_int(&table->options, KEYS[1]);
    table->lower = options_int(&table->options, KEYS[2]);
    table->upper = options_int(&table->options, KEYS[3]);
    if (table->partitions < 1) return bad_option(table, KEYS[1], "must be above 0", err);
    if (table->partitions > PARTS_MAX) {
        return bad_option(table, KEYS[1], "must be at most 1048576", err);
    }
    if (table->lower <= table->upper) return ST_OK;
    return bad_option(table, KEYS[2], "must not be larger than 'scan.partition.upper-bound'", err);
}

static Status read_transactions(JdbcTable *out, Error *err) {
    static const char PREFIX[] = "sink.transactional-id-prefix";
    enum { NAME_MAX_SIZE = 200 - 32 };  // PostgreSQL's, less the two numbers
    out->transaction_prefix = options_get(&out->options, PREFIX);
    Str prefix = str_c(out->transaction_prefix);
    if (out->desc->primary_key_count) {
        Status st = bad_option(out, "sink.delivery-guarantee", "= 'exactly-once' is for tables "
                               "without a PRIMARY KEY", err);
        error_hint(err, "upserts by a key are repeated without harm: leave the option away");
        return st;
    }
    if (!out->transaction_prefix) {
        return bad_option(out, PREFIX, "is needed by 'sink.delivery-guarantee' = 'exactly-once'",
                          err);
    }
    if (!prefix.len || prefix.len > NAME_MAX_SIZE || str_find(prefix, STR("\n"), 0) >= 0) {
        return bad_option(out, PREFIX, "is no name of at most 168 bytes", err);
    }
    return ST_OK;
}

Status jdbc_table_read(Arena *arena, const TableDesc *desc, JdbcTable *out, Error *err) {
    static const char *const LOGIN[] = {"username", "password"};
    const OptionDef *const also[] = {TABLE_OPTIONS, LOOKUP_OPTIONS, NULL};
    *out = (JdbcTable){.desc = desc, .options = desc->options};
    Options *options = &out->options;
    options->defs = JDBC_OPTIONS;
    TRY(options_check(options, also, err));
    out->name = str_c(options_get(options, "table-name"));
    bool login;
    TRY(all_or_none(out, LOGIN, 2, &login, err));
    TRY(read_url(arena, out, err));
    if (login) {
        add_param(out, "user", options_get(options, LOGIN[0]));
        add_param(out, "password", options_get(options, LOGIN[1]));
    }
    int64_t timeout_ms = options_int(options, "connection.max-retry-timeout");
    if (timeout_ms < 1000 || timeout_ms % 1000) {
        return bad_option(out, "connection.max-retry-timeout",
                          "must be whole seconds, and at least one", err);
    }
    bool has_timeout = false;
    for (uint32_t i = 0; i < out->params; i++) {
        has_timeout |= strcmp(out->keyword[i], "connect_timeout") == 0;
    }
    if (!has_timeout) {
        add_param(out, "connect_timeout",
                  arena_printf(arena, "%lld", (long long)timeout_ms / 1000));
    }
    TRY(read_partitions(out, err));
    out->flush_rows = options_int(options, "sink.buffer-flush.max-rows");
    out->flush_interval_ms = options_int(options, "sink.buffer-flush.interval");
    out->retries_max = options_int(options, "sink.max-retries");
    if (out->retries_max < 0) {
        return bad_option(out, "sink.max-retries", "must not be negative", err);
    }
    out->exactly_once = options_enum(options, "sink.delivery-guarantee") == 1;
    if (out->exactly_once) TRY(read_transactions(out, err));
    LookupOptions lookup;
    TRY(lookup_options(desc, &lookup, err));
    return check_types(desc, err);
}
