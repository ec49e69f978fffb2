// The options of 'kafka' and 'upsert-kafka', and what Flink's factories hold them to.
#include "connector/kafka/kafka_int.h"

// --- Options -----------------------------------------------------------------------------------

static const char *const START_MODES[] = {"group-offsets", "earliest-offset",  "latest-offset",
                                          "timestamp",     "specific-offsets", NULL};
static const char *const BOUND_MODES[] = {"unbounded", "latest-offset",    "group-offsets",
                                          "timestamp", "specific-offsets", NULL};
static const char *const INCLUDES[] = {"ALL", "EXCEPT_KEY", NULL};
static const char *const GUARANTEES[] = {"at-least-once", "exactly-once", "none", NULL};
static const char *const NAMINGS[] = {"INCREMENTING", "POOLING", NULL};

#define COMMON_OPTIONS                                                                            \
    {.key = "topic", .doc = "topic to read or write; several to read, set apart by ';'"},         \
        {.key = "properties.bootstrap.servers",                                                   \
         .required = true,                                                                        \
         .doc = "brokers to ask first, host:port, set apart by commas"},                          \
        {.key = "properties.*", .doc = "settings of Kafka's client"},                             \
        {.key = "key.format", .doc = "format of the messages' keys"},                             \
        {.key = "value.format", .doc = "format of the messages' values"},                         \
        {.key = "key.fields-prefix", .doc = "begins the names of key columns in this table"},     \
        {.key = "value.fields-include",                                                           \
         .kind = OPTION_ENUM,                                                                     \
         .fallback = "ALL",                                                                       \
         .values = INCLUDES,                                                                      \
         .doc = "whether key columns are in the value too"},                                      \
        {.key = "scan.bounded.mode",                                                              \
         .kind = OPTION_ENUM,                                                                     \
         .fallback = "unbounded",                                                                 \
         .values = BOUND_MODES,                                                                   \
         .doc = "where reading ends"},                                                            \
        {.key = "scan.bounded.specific-offsets",                                                  \
         .doc = "'partition:0,offset:42;…': first offsets not to read"},                          \
        {.key = "scan.bounded.timestamp-millis",                                                  \
         .kind = OPTION_INT,                                                                      \
         .doc = "time stamp of the first message not to read"},                                   \
        {.key = "sink.delivery-guarantee",                                                        \
         .kind = OPTION_ENUM,                                                                     \
         .fallback = "at-least-once",                                                             \
         .values = GUARANTEES,                                                                    \
         .doc = "what a failure may do to the messages written"},                                 \
        {.key = "sink.transactional-id-prefix", .doc = "names the transactions of exactly-once"}, \
    {                                                                                             \
        .key = "sink.transaction-naming-strategy", .kind = OPTION_ENUM,                           \
        .fallback = "INCREMENTING", .values = NAMINGS, .doc = "how transactions are numbered"     \
    }

const OptionDef KAFKA_OPTIONS[] = {
    COMMON_OPTIONS,
    {.key = "topic-pattern",
     .doc = "a regular expression for the topics to read; writing, for those that the metadata "
            "column 'topic' may name"},
    {.key = "format", .doc = "the same as value.format"},
    {.key = "key.fields", .doc = "columns that are in the key, set apart by ';'"},
    {.key = "scan.startup.mode",
     .kind = OPTION_ENUM,
     .fallback = "group-offsets",
     .values = START_MODES,
     .doc = "where reading begins"},
    {.key = "scan.startup.specific-offsets",
     .doc = "'partition:0,offset:42;…': first offsets to read"},
    {.key = "scan.startup.timestamp-millis",
     .kind = OPTION_INT,
     .doc = "time stamp of the first message to read"},
    {.key = "scan.topic-partition-discovery.interval",
     .kind = OPTION_DURATION,
     .fallback = "5 min",
     .doc = "how often to look for new partitions; 0: never"},
    {.key = "sink.partitioner",
     .fallback = "default",
     .doc = "'default' (by key), 'fixed' (one a writer) or 'round-robin'"},
    {0},
};

const OptionDef UPSERT_KAFKA_OPTIONS[] = {
    COMMON_OPTIONS,
    {.key = "sink.buffer-flush.max-rows",
     .kind = OPTION_INT,
     .fallback = "0",
     .doc = "keys to hold back before writing; the last change of each wins"},
    {.key = "sink.buffer-flush.interval",
     .kind = OPTION_DURATION,
     .fallback = "0 s",
     .doc = "time to hold them back"},
    {0},
};

// --- Lists -------------------------------------------------------------------------------------

// Cuts [text] at [mark], trims the pieces, leaves empty ones out.
static Str *cut(Arena *arena, const char *text, char mark, uint32_t *count) {
    *count = 0;
    if (!text) return NULL;
    uint32_t marks = 1;
    for (const char *at = text; *at; at++) marks += *at == mark;
    Str *piece = ARENA_ARRAY(arena, Str, marks);
    for (const char *at = text;;) {
        const char *end = strchrnul(at, mark);
        Str one = str_trim(str_make(at, (size_t)(end - at)));
        if (one.len) piece[(*count)++] = str_dup(arena, one);
        if (!*end) return piece;
        at = end + 1;
    }
}

// "partition:0,offset:42;partition:1,offset:300"
static Status read_offsets(Arena *arena, const Options *options, const char *key,
                           const PartitionOffset **out, uint32_t *out_count, Error *err) {
    const char *text = options_get(options, key);
    uint32_t count;
    Str *piece = cut(arena, text, ';', &count);
    PartitionOffset *offset = ARENA_ARRAY(arena, PartitionOffset, count + 1);
    bool good = count > 0;
    for (uint32_t i = 0; good && i < count; i++) {
        uint32_t parts;
        Str *part = cut(arena, piece[i].ptr, ',', &parts);
        int64_t partition = -1, at = -1;
        good = parts == 2 && str_starts(part[0], STR("partition:")) &&
               str_starts(part[1], STR("offset:")) &&
               str_to_i64(str_sub(part[0], 10, part[0].len), &partition) &&
               str_to_i64(str_sub(part[1], 7, part[1].len), &at) && partition >= 0 &&
               partition <= INT32_MAX && at >= 0;
        offset[i] = (PartitionOffset){(int32_t)partition, at};
    }
    if (!good) {
        return error_set(err, ST_VALIDATION,
                         "option '%s' of table '" STR_FMT
                         "' should read 'partition:0,offset:42;partition:1,offset:300', it is '%s'",
                         key, STR_ARG(options->owner), text ? text : "");
    }
    *out = offset;
    *out_count = count;
    return ST_OK;
}

// --- Topics, start and end ---------------------------------------------------------------------

static Status read_topics(Arena *arena, KafkaTable *table, Error *err) {
    table->topic = cut(arena, options_get(&table->options, "topic"), ';', &table->topic_count);
    table->pattern = table->upsert ? NULL : options_get(&table->options, "topic-pattern");
    if (table->topic_count && table->pattern) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "' has both 'topic' and 'topic-pattern'",
                         STR_ARG(table->desc->name));
    }
    if (!table->topic_count && !table->pattern) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "' misses the required option 'topic'%s",
                         STR_ARG(table->desc->name),
                         table->upsert ? "" : " (or 'topic-pattern')");
    }
    return ST_OK;
}

static Status need(const KafkaTable *table, const char *key, const char *mode_key, const char *mode,
                   Error *err) {
    if (options_has(&table->options, key)) return ST_OK;
    return error_set(err, ST_VALIDATION,
                     "table '" STR_FMT "' needs the option '%s' because '%s' is '%s'",
                     STR_ARG(table->desc->name), key, mode_key, mode);
}

// Specific offsets name partitions alone, so there can be only one topic that they are of.
static Status need_one_topic(const KafkaTable *table, const char *mode_key, Error *err) {
    if (table->topic_count == 1) return ST_OK;
    return error_set(err, ST_VALIDATION,
                     "'%s' = 'specific-offsets' of table '" STR_FMT "' works with one topic only",
                     mode_key, STR_ARG(table->desc->name));
}

static ResetMode reset_of(const Options *options) {
    const char *text = options_get(options, "properties.auto.offset.reset");
    if (!text) return RESET_NONE;
    if (str_eq_nocase(str_c(text), STR("earliest"))) return RESET_EARLIEST;
    return str_eq_nocase(str_c(text), STR("latest")) ? RESET_LATEST : RESET_NONE;
}

static Status read_start(Arena *arena, KafkaTable *table, Error *err) {
    static const char MODE[] = "scan.startup.mode", STAMP[] = "scan.startup.timestamp-millis",
                      SPECIFIC[] = "scan.startup.specific-offsets";
    if (table->upsert) {  // the whole topic makes the table
        table->start = START_EARLIEST;
        table->reset = RESET_EARLIEST;
        return ST_OK;
    }
    table->start = (StartMode)options_enum(&table->options, MODE);
    switch (table->start) {
        case START_GROUP: table->reset = reset_of(&table->options); return ST_OK;
        case START_EARLIEST: table->reset = RESET_EARLIEST; return ST_OK;
        case START_LATEST: table->reset = RESET_LATEST; return ST_OK;
        case START_TIMESTAMP:
            TRY(need(table, STAMP, MODE, "timestamp", err));
            table->reset = RESET_LATEST;
            table->start_ms = options_int(&table->options, STAMP);
            return ST_OK;
        case START_SPECIFIC:
            TRY(need(table, SPECIFIC, MODE, "specific-offsets", err));
            TRY(need_one_topic(table, MODE, err));
            table->reset = RESET_EARLIEST;
            return read_offsets(arena, &table->options, SPECIFIC, &table->start_offset,
                                &table->start_offset_count, err);
    }
    UNREACHABLE();
}

static Status read_bound(Arena *arena, KafkaTable *table, Error *err) {
    static const char MODE[] = "scan.bounded.mode", STAMP[] = "scan.bounded.timestamp-millis",
                      SPECIFIC[] = "scan.bounded.specific-offsets";
    table->bound = (BoundMode)options_enum(&table->options, MODE);
    if (table->bound == BOUND_TIMESTAMP) {
        TRY(need(table, STAMP, MODE, "timestamp", err));
        table->bound_ms = options_int(&table->options, STAMP);
    }
    if (table->bound == BOUND_SPECIFIC) {
        TRY(need(table, SPECIFIC, MODE, "specific-offsets", err));
        TRY(need_one_topic(table, MODE, err));
        TRY(read_offsets(arena, &table->options, SPECIFIC, &table->bound_offset,
                         &table->bound_offset_count, err));
    }
    return ST_OK;
}

static Status read_scan(Arena *arena, KafkaTable *table, Error *err) {
    TRY(read_start(arena, table, err));
    TRY(read_bound(arena, table, err));
    table->discovery_ms = 0;
    if (!table->upsert && table->bound == BOUND_NONE) {
        table->discovery_ms =
            options_int(&table->options, "scan.topic-partition-discovery.interval");
    } else if (table->bound == BOUND_NONE) {
        table->discovery_ms = 5 * 60 * 1000;
    }
    table->group = options_get(&table->options, "properties.group.id");
    bool by_group = table->start == START_GROUP || table->bound == BOUND_GROUP;
    if (by_group && !table->group) {
        (void)error_set(err, ST_VALIDATION,
                        "table '" STR_FMT
                        "' reads from the offsets of its consumer group and "
                        "misses the option 'properties.group.id'",
                        STR_ARG(table->desc->name));
        error_hint(err, "name a group, or set 'scan.startup.mode' to 'earliest-offset'");
        return ST_VALIDATION;
    }
    return ST_OK;
}

// --- Key and value -----------------------------------------------------------------------------

static bool field_find(const Type *row, Str name, uint32_t *index) {
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (str_eq(row->field[i], name)) return *index = i, true;
    }
    return false;
}

static bool in_key(const KafkaTable *table, uint32_t column) {
    for (uint32_t i = 0; i < table->key.column_count; i++) {
        if (table->key.column[i] == column) return true;
    }
    return false;
}

static Status no_such_field(const KafkaTable *table, Str name, Error *err) {
    const Type *row = table->desc->physical;
    (void)error_set(err, ST_VALIDATION,
                    "'key.fields' of table '" STR_FMT "' names '" STR_FMT
                    "', which is not a physical column of it",
                    STR_ARG(table->desc->name), STR_ARG(name));
    Arena arena;
    arena_init(&arena);
    const char **known = ARENA_ARRAY(&arena, const char *, row->child_count);
    for (uint32_t i = 0; i < row->child_count; i++) known[i] = str_cstr(&arena, row->field[i]);
    const char *near = text_nearest(name, known, row->child_count);
    if (near) error_hint(err, "did you mean '%s'?", near);
    arena_clear(&arena);
    return ST_VALIDATION;
}

// 'kafka': the columns that key.fields names, in that order.
static Status read_key_fields(Arena *arena, KafkaTable *table, Error *err) {
    uint32_t count;
    Str *name = cut(arena, options_get(&table->options, "key.fields"), ';', &count);
    const char *given = count ? "key.fields" : table->key_prefix.len ? "key.fields-prefix" : NULL;
    if (!table->key.format && given) {
        return error_set(err, ST_VALIDATION,
                         "option '%s' of table '" STR_FMT "' needs a 'key.format'", given,
                         STR_ARG(table->desc->name));
    }
    if (table->key.format && !count) {
        return error_set(err, ST_VALIDATION,
                         "'key.format' of table '" STR_FMT
                         "' needs 'key.fields': the columns in it",
                         STR_ARG(table->desc->name));
    }
    table->key.column = ARENA_ARRAY(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!field_find(table->desc->physical, name[i], &table->key.column[i])) {
            return no_such_field(table, name[i], err);
        }
    }
    table->key.column_count = count;
    return ST_OK;
}

// 'upsert-kafka': the primary key.
static Status read_primary_key(Arena *arena, KafkaTable *table, Error *err) {
    const TableDesc *desc = table->desc;
    if (!desc->primary_key_count) {
        (void)error_set(err, ST_VALIDATION,
                        "table '" STR_FMT
                        "' needs a PRIMARY KEY: it says which columns are the "
                        "message's key, and which rows replace each other",
                        STR_ARG(desc->name));
        error_hint(err, "add PRIMARY KEY (…) NOT ENFORCED");
        return ST_VALIDATION;
    }
    table->key.column = ARENA_ARRAY(arena, uint32_t, desc->primary_key_count);
    memcpy(table->key.column, desc->primary_key, desc->primary_key_count * sizeof(uint32_t));
    table->key.column_count = desc->primary_key_count;
    return ST_OK;
}

// A row type of some physical columns; names without the first [skip] bytes.
static const Type *part_type(Arena *arena, const Type *physical, const MessagePart *part,
                             uint32_t skip) {
    const Type **child = ARENA_ARRAY(arena, const Type *, part->column_count + 1);
    Str *field = ARENA_ARRAY(arena, Str, part->column_count + 1);
    for (uint32_t i = 0; i < part->column_count; i++) {
        child[i] = physical->child[part->column[i]];
        Str name = physical->field[part->column[i]];
        field[i] = str_sub(name, skip, name.len);
    }
    return type_row(arena, part->column_count, child, field, false);
}

static Status read_columns(Arena *arena, KafkaTable *table, Error *err) {
    const Type *physical = table->desc->physical;
    table->key_prefix = str_c(options_get(&table->options, "key.fields-prefix"));
    table->value_has_key = options_enum(&table->options, "value.fields-include") == 0;
    TRY(table->upsert ? read_primary_key(arena, table, err) : read_key_fields(arena, table, err));
    if (table->key_prefix.len && table->value_has_key) {
        return error_set(err, ST_VALIDATION,
                         "'key.fields-prefix' of table '" STR_FMT
                         "' needs 'value.fields-include' = 'EXCEPT_KEY'",
                         STR_ARG(table->desc->name));
    }
    for (uint32_t i = 0; i < table->key.column_count; i++) {
        Str name = physical->field[table->key.column[i]];
        if (str_starts(name, table->key_prefix)) continue;
        return error_set(err, ST_VALIDATION,
                         "key column '" STR_FMT "' of table '" STR_FMT
                         "' does not begin with the 'key.fields-prefix' '" STR_FMT "'",
                         STR_ARG(name), STR_ARG(table->desc->name), STR_ARG(table->key_prefix));
    }
    table->value.column = ARENA_ARRAY(arena, uint32_t, physical->child_count + 1);
    for (uint32_t i = 0; i < physical->child_count; i++) {
        if (!table->value_has_key && in_key(table, i)) continue;
        table->value.column[table->value.column_count++] = i;
    }
    table->key.type = part_type(arena, physical, &table->key, table->key_prefix.len);
    table->value.type = part_type(arena, physical, &table->value, 0);
    return ST_OK;
}

static Status read_formats(Arena *arena, KafkaTable *table, bool as_sink, Error *err) {
    bool plain = !table->upsert && options_has(&table->options, "format");
    TRY(format_of(&table->options, plain ? "format" : "value.format", &table->value.format,
                  &table->value.options, arena, err));
    if (table->upsert || options_has(&table->options, "key.format")) {
        TRY(format_of(&table->options, "key.format", &table->key.format, &table->key.options, arena,
                      err));
    }
    const MessagePart *parts[] = {&table->value, &table->key};
    for (uint32_t i = 0; i < 2; i++) {
        const Format *format = parts[i]->format;
        if (!format) continue;
        uint32_t changes = as_sink ? format->encodes : format->decodes;
        if (!changes) {
            return error_set(err, ST_VALIDATION,
                             "table '" STR_FMT "' cannot be %s: format '%s' does not %s",
                             STR_ARG(table->desc->name), as_sink ? "written" : "read", format->name,
                             as_sink ? "encode" : "decode");
        }
        bool is_key = i == 1;
        if (changes == CHANGES_APPEND || !(table->upsert || is_key)) continue;
        return error_set(
            err, ST_VALIDATION,
            "format '%s' of table '" STR_FMT "' has changes of its own and cannot be its '%s'",
            format->name, STR_ARG(table->desc->name), is_key ? "key.format" : "value.format");
    }
    uint32_t changes = as_sink ? table->value.format->encodes : table->value.format->decodes;
    if (!table->upsert && table->desc->primary_key_count && changes == CHANGES_APPEND) {
        (void)error_set(err, ST_VALIDATION,
                        "table '" STR_FMT
                        "' cannot have a PRIMARY KEY: with format '%s' nothing "
                        "keeps it",
                        STR_ARG(table->desc->name), table->value.format->name);
        error_hint(err, "the connector 'upsert-kafka' does");
        return ST_VALIDATION;
    }
    return ST_OK;
}

static Status check_part(const MessagePart *part, bool as_sink, Error *err) {
    if (!part->format || !part->format->check) return ST_OK;
    return part->format->check(part->type, &part->options, !as_sink, err);
}

// --- Sinks -------------------------------------------------------------------------------------

static Status read_partitioner(KafkaTable *table, Error *err) {
    static const char *const KNOWN[] = {"default", "fixed", "round-robin"};
    if (table->upsert) return ST_OK;
    const char *text = options_get(&table->options, "sink.partitioner");
    for (uint32_t i = 0; i < 3; i++) {
        if (str_eq(str_c(text), str_c(KNOWN[i]))) {
            table->partitioner = (Partitioner)i;
            if (i == PARTITION_ROUND_ROBIN && table->key.column_count) {
                return error_set(err, ST_VALIDATION,
                                 "'sink.partitioner' = 'round-robin' of table '" STR_FMT
                                 "' does not go with 'key.fields'",
                                 STR_ARG(table->desc->name));
            }
            return ST_OK;
        }
    }
    (void)error_set(err, ST_VALIDATION, "unknown 'sink.partitioner' '%s' of table '" STR_FMT "'",
                    text, STR_ARG(table->desc->name));
    error_hint(err, "it is 'default', 'fixed' or 'round-robin'; there are no Java classes here");
    return ST_VALIDATION;
}

static Status read_transactions(KafkaTable *table, Error *err) {
    // Flink's default of an hour is more than brokers allow unless told to
    // (transaction.max.timeout.ms).
    enum { TIMEOUT_MS = 15 * 60 * 1000 };
    static const char TIMEOUT[] = "properties.transaction.timeout.ms";
    table->transaction_prefix = options_get(&table->options, "sink.transactional-id-prefix");
    Str prefix = str_c(table->transaction_prefix);
    if (!prefix.len || str_find(prefix, STR("\n"), 0) >= 0) {
        return error_set(err, ST_VALIDATION,
                         "'sink.transactional-id-prefix' of table '" STR_FMT "' is no name",
                         STR_ARG(table->desc->name));
    }
    table->transaction_ms = TIMEOUT_MS;
    const char *timeout = options_get(&table->options, TIMEOUT);
    if (timeout && (!str_to_i64(str_c(timeout), &table->transaction_ms) ||
                    table->transaction_ms < 1000 || table->transaction_ms > INT32_MAX)) {
        return error_set(err, ST_VALIDATION, "'%s' of table '" STR_FMT "' is not 1000 or more",
                         TIMEOUT, STR_ARG(table->desc->name));
    }
    // What a dead run has prepared is committed over a connection of our own.
    const char *security = options_get(&table->options, "properties.security.protocol");
    const char *mechanism = options_get(&table->options, "properties.sasl.mechanism");
    if (!security || !str_starts(str_c(security), STR("SASL")) ||
        (mechanism && sasl_known(mechanism))) {
        return ST_OK;
    }
    (void)error_set(err, ST_UNSUPPORTED,
                    "'sink.delivery-guarantee' = 'exactly-once' of table '" STR_FMT
                    "': weir cannot do this yet with 'properties.sasl.mechanism' = '%s'",
                    STR_ARG(table->desc->name), mechanism ? mechanism : "GSSAPI");
    error_hint(
        err, "it can with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512; 'at-least-once' works with all");
    return ST_UNSUPPORTED;
}

static Status read_sink(KafkaTable *table, Error *err) {
    TRY(read_partitioner(table, err));
    table->guarantee = (Guarantee)options_enum(&table->options, "sink.delivery-guarantee");
    if (table->guarantee == EXACTLY_ONCE &&
        !options_has(&table->options, "sink.transactional-id-prefix")) {
        return error_set(err, ST_VALIDATION,
                         "'sink.delivery-guarantee' = 'exactly-once' of table '" STR_FMT
                         "' needs 'sink.transactional-id-prefix'",
                         STR_ARG(table->desc->name));
    }
    if (table->guarantee == EXACTLY_ONCE) TRY(read_transactions(table, err));
    if (!table->upsert) return ST_OK;
    table->buffer_rows = options_int(&table->options, "sink.buffer-flush.max-rows");
    table->buffer_ms = options_int(&table->options, "sink.buffer-flush.interval");
    if ((table->buffer_rows > 0) != (table->buffer_ms > 0)) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT
                         "' needs both 'sink.buffer-flush.max-rows' and "
                         "'sink.buffer-flush.interval' above 0, or neither",
                         STR_ARG(table->desc->name));
    }
    return ST_OK;
}

// --- All of it ---------------------------------------------------------------------------------

Status kafka_table_read(Arena *arena, const TableDesc *desc, bool upsert, bool as_sink,
                        KafkaTable *out, Error *err) {
    static const OptionDef *const ALSO[] = {TABLE_OPTIONS, NULL};
    *out = (KafkaTable){.desc = desc, .options = desc->options, .upsert = upsert};
    out->options.defs = upsert ? UPSERT_KAFKA_OPTIONS : KAFKA_OPTIONS;
    TRY(read_formats(arena, out, as_sink, err));
    Options parts[2] = {out->value.options, out->key.options};
    TRY(options_check_parts(&out->options, ALSO, parts, out->key.format ? 2 : 1, err));
    TRY(read_topics(arena, out, err));
    TRY(read_columns(arena, out, err));
    TRY(check_part(&out->value, as_sink, err));
    TRY(check_part(&out->key, as_sink, err));
    return as_sink ? read_sink(out, err) : read_scan(arena, out, err);
}

bool kafka_table_bounded(const TableDesc *desc) {
    Options options = desc->options;
    options.defs = KAFKA_OPTIONS;
    return options_enum(&options, "scan.bounded.mode") != BOUND_NONE;
}
