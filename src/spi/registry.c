// The tables of connectors and formats, filled by format/builtin.c and connector/builtin.c.
#include "spi/connector.h"
#include "spi/name_table.h"

static const char *const EMIT_STRATEGIES[] = {"on-periodic", "on-event", NULL};

const OptionDef TABLE_OPTIONS[] = {
    {.key = "connector", .doc = "which connector reads and writes the table"},
    {.key = "property-version", .kind = OPTION_INT, .fallback = "1", .doc = "of these options"},
    {.key = "scan.parallelism",
     .kind = OPTION_INT,
     .doc = "readers at a time, at most as many as there are workers"},
    {.key = "sink.parallelism",
     .kind = OPTION_INT,
     .doc = "writers at a time, at most as many as there are workers; changes go to them by the "
            "primary key"},
    {.key = "scan.watermark.emit.strategy",
     .kind = OPTION_ENUM,
     .fallback = "on-periodic",
     .values = EMIT_STRATEGIES,
     .doc = "whether watermarks go out by the clock or after each record"},
    {.key = "scan.watermark.idle-timeout",
     .kind = OPTION_DURATION,
     .doc = "how long a split may be silent before the others no longer wait for it"},
    {.key = "scan.watermark.alignment.group", .doc = "sources that wait for each other"},
    {.key = "scan.watermark.alignment.max-drift",
     .kind = OPTION_DURATION,
     .doc = "how far a source may run ahead of the slowest of its group"},
    {.key = "scan.watermark.alignment.update-interval",
     .kind = OPTION_DURATION,
     .fallback = "1 s",
     .doc = "how often sources of a group tell each other where they are"},
    {0},
};

static NameTable formats, connectors;

void format_register(const Format *format) {
    name_table_add(&formats, format->name, format);
}

const Format *format_find(Str name) {
    return name_table_find(&formats, name);
}

const char *format_nearest(Str name) {
    return name_table_nearest(&formats, name);
}

const char *const *format_list(uint32_t *count) {
    *count = formats.count;
    return formats.name;
}

void connector_register(const Connector *connector) {
    name_table_add(&connectors, connector->name, connector);
}

const Connector *connector_find(Str name) {
    return name_table_find(&connectors, name);
}

const char *connector_nearest(Str name) {
    return name_table_nearest(&connectors, name);
}

const char *const *connector_list(uint32_t *count) {
    *count = connectors.count;
    return connectors.name;
}

Batch *decoder_take(Decoder *decoder) {
    Batch *batch = decoder->batch;
    decoder->batch = NULL;
    if (batch && !batch->rows) batch = batch_unref(batch);
    if (!batch) return NULL;
    batch_set_rows(batch, batch->rows);  // decoders write ahead of the columns' lengths
    return batch_seal(batch);
}

Status format_of(const Options *table, const char *key, const Format **format, Options *view,
                 Arena *arena, Error *err) {
    const char *name = options_get(table, key);
    if (!name) {
        return error_set(err, ST_VALIDATION, "table '" STR_FMT "' misses the required option '%s'",
                         STR_ARG(table->owner), key);
    }
    *format = format_find(str_c(name));
    if (!*format) {
        (void)error_set(err, ST_VALIDATION, "unknown format '%s' of table '" STR_FMT "'", name,
                        STR_ARG(table->owner));
        const char *near = format_nearest(str_c(name));
        if (near) error_hint(err, "did you mean '%s'?", near);
        return ST_VALIDATION;
    }
    // 'format' = 'json' has options 'json.x'; 'value.format' = 'json' has 'value.json.x'.
    Str head = str_sub(str_c(key), 0, (uint32_t)strlen(key) - (uint32_t)strlen("format"));
    *view = (Options){.map = table->map,
                      .prefix = str_printf(arena, STR_FMT "%s.", STR_ARG(head), name),
                      .owner = table->owner,
                      .defs = (*format)->options};
    return ST_OK;
}
