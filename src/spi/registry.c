// The tables of connectors and formats. The implementations lie in higher folders and register
// themselves through format/builtin.c and connector/builtin.c, once, before any thread starts.
#include "base/assert.h"
#include "spi/connector.h"

enum { REGISTRY_MAX = 64 };

static const Format *formats[REGISTRY_MAX];
static const char *format_names[REGISTRY_MAX];
static uint32_t format_count;
static const Connector *connectors[REGISTRY_MAX];
static const char *connector_names[REGISTRY_MAX];
static uint32_t connector_count;

void format_register(const Format *format) {
    if (format_find(str_c(format->name))) return;
    ASSERT(format_count < REGISTRY_MAX);
    format_names[format_count] = format->name;
    formats[format_count++] = format;
}

const Format *format_find(Str name) {
    for (uint32_t i = 0; i < format_count; i++) {
        if (str_eq(str_c(format_names[i]), name)) return formats[i];
    }
    return NULL;
}

const char *format_nearest(Str name) {
    return text_nearest(name, format_names, format_count);
}

void connector_register(const Connector *connector) {
    if (connector_find(str_c(connector->name))) return;
    ASSERT(connector_count < REGISTRY_MAX);
    connector_names[connector_count] = connector->name;
    connectors[connector_count++] = connector;
}

const Connector *connector_find(Str name) {
    for (uint32_t i = 0; i < connector_count; i++) {
        if (str_eq(str_c(connector_names[i]), name)) return connectors[i];
    }
    return NULL;
}

const char *connector_nearest(Str name) {
    return text_nearest(name, connector_names, connector_count);
}

Batch *decoder_take(Decoder *decoder) {
    Batch *batch = decoder->batch;
    decoder->batch = NULL;
    if (batch && !batch->rows) batch = batch_unref(batch);
    return batch ? batch_seal(batch) : NULL;
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
