// The rows of the two connectors.
#include "connector/kafka/kafka_int.h"

static Status check(const TableDesc *desc, bool upsert, bool as_sink, Error *err) {
    Arena arena;
    arena_init(&arena);
    KafkaTable table;
    rd_kafka_conf_t *conf = NULL;
    Status st = kafka_table_read(&arena, desc, upsert, as_sink, &table, err);
    if (!st) st = kafka_conf(&table, as_sink, &conf, err);
    if (conf) rdkafka.conf_destroy(conf);
    arena_clear(&arena);
    return st;
}

static Status kafka_check(const TableDesc *desc, bool as_sink, Error *err) {
    return check(desc, false, as_sink, err);
}
static Status upsert_check(const TableDesc *desc, bool as_sink, Error *err) {
    return check(desc, true, as_sink, err);
}

// 'kafka' has the changes that its value's format has.
static Status value_format(const TableDesc *desc, const Format **format, Error *err) {
    Arena arena;
    arena_init(&arena);
    Options options = desc->options, view;
    options.defs = KAFKA_OPTIONS;
    Status st = format_of(&options, options_has(&options, "format") ? "format" : "value.format",
                          format, &view, &arena, err);
    arena_clear(&arena);
    return st;
}

static Status kafka_source_changes(const TableDesc *desc, uint32_t *changes, Error *err) {
    const Format *format;
    TRY(value_format(desc, &format, err));
    *changes = format->decodes;
    return ST_OK;
}

static Status kafka_sink_changes(const TableDesc *desc, uint32_t requested, uint32_t *taken,
                                 Error *err) {
    const Format *format;
    TRY(value_format(desc, &format, err));
    *taken = format->encodes;
    return ST_OK;
}

// The latest row of a key, and deletions: what changed before is not known.
static Status upsert_source_changes(const TableDesc *desc, uint32_t *changes, Error *err) {
    *changes = CHANGES_UPSERT;
    return ST_OK;
}
static Status upsert_sink_changes(const TableDesc *desc, uint32_t requested, uint32_t *taken,
                                  Error *err) {
    *taken = CHANGES_UPSERT & requested;
    return ST_OK;
}

static Status kafka_open_source(const ScanSpec *spec, const TaskEnv *env, SourceReader **out,
                                Error *err) {
    return kafka_source_open(spec, env, false, out, err);
}
static Status upsert_open_source(const ScanSpec *spec, const TaskEnv *env, SourceReader **out,
                                 Error *err) {
    return kafka_source_open(spec, env, true, out, err);
}
static Status kafka_open_sink(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                              Error *err) {
    return kafka_sink_open(spec, env, false, out, err);
}
static Status upsert_open_sink(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                               Error *err) {
    return kafka_sink_open(spec, env, true, out, err);
}

static const char *guarantee_of(const TableDesc *desc) {
    const char *text = options_get(&desc->options, "sink.delivery-guarantee");
    return text ? text : "at-least-once";
}

// What comes twice replaces itself.
static const char *upsert_guarantee_of(const TableDesc *desc) {
    const char *text = guarantee_of(desc);
    return str_eq(str_c(text), STR("at-least-once")) ? "at-least-once, idempotent by key" : text;
}

const Connector KAFKA_CONNECTOR = {
    .name = "kafka",
    .options = KAFKA_OPTIONS,
    .source = true,
    .sink = true,
    .check = kafka_check,
    .source_changes = kafka_source_changes,
    .source_bounded = kafka_table_bounded,
    .watermark_per_split = true,
    .early_filter = true,
    .sink_changes = kafka_sink_changes,
    .metadata_type = kafka_metadata_type,
    .source_open = kafka_open_source,
    .sink_open = kafka_open_sink,
    .guarantee = "at-least-once",
    .guarantee_of = guarantee_of,
    .doc = "Reads and writes Kafka topics.",
};

const Connector UPSERT_KAFKA_CONNECTOR = {
    .name = "upsert-kafka",
    .options = UPSERT_KAFKA_OPTIONS,
    .source = true,
    .sink = true,
    .check = upsert_check,
    .source_changes = upsert_source_changes,
    .source_bounded = kafka_table_bounded,
    .watermark_per_split = true,
    .early_filter = true,
    .sink_changes = upsert_sink_changes,
    .metadata_type = kafka_metadata_type,
    .source_open = upsert_open_source,
    .sink_open = upsert_open_sink,
    .guarantee = "at-least-once",
    .guarantee_of = upsert_guarantee_of,
    .doc = "Keeps the latest row of each key in a Kafka topic; a null value deletes it.",
};
