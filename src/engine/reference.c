#include "engine/reference.h"

#include "connector/builtin.h"
#include "format/builtin.h"
#include "model/builtin.h"
#include "plan/settings.h"
#include "spi/lookup.h"
#include "spi/model.h"

static void put_cell(const char *text, Buf *out) {
    for (; text && *text; text++) {
        if (*text == '|') buf_putc(out, '\\');
        buf_putc(out, *text);
    }
}

static const char *kind_name(OptionKind kind) {
    static const char *const NAMES[] = {
        [OPTION_TEXT] = "text",         [OPTION_BOOL] = "true, false", [OPTION_INT] = "number",
        [OPTION_DOUBLE] = "number",     [OPTION_DURATION] = "duration", [OPTION_SIZE] = "size",
        [OPTION_ENUM] = "one of these"};
    return NAMES[kind];
}

static void put_values(const OptionDef *option, Buf *out) {
    if (option->kind != OPTION_ENUM) {
        buf_puts(out, kind_name(option->kind));
        return;
    }
    for (uint32_t i = 0; option->values[i]; i++) {
        buf_printf(out, "%s`%s`", i ? ", " : "", option->values[i]);
    }
}

static void put_default(const OptionDef *option, Buf *out) {
    if (option->required) {
        buf_puts(out, "required");
    } else if (option->fallback && *option->fallback) {
        buf_putc(out, '`');
        put_cell(option->fallback, out);
        buf_putc(out, '`');
    }
}

// ---- options of tables -------------------------------------------------------------------------

static void put_options(const OptionDef *options, const char *prefix, Buf *out) {
    uint32_t count = 0;
    for (const OptionDef *at = options; at && at->key; at++)
        count += strcmp(at->key, "connector") != 0;
    if (!count) return;
    buf_puts(out, "\n| option | default | values | |\n|---|---|---|---|\n");
    for (const OptionDef *at = options; at->key; at++) {
        if (strcmp(at->key, "connector") == 0) continue;
        buf_printf(out, "| `%s%s` | ", prefix, at->key);
        put_default(at, out);
        buf_puts(out, " | ");
        put_values(at, out);
        buf_puts(out, " | ");
        put_cell(at->doc, out);
        buf_puts(out, " |\n");
    }
}

static void put_connectors(Buf *out) {
    for (const Connector *const *at = BUILTIN_CONNECTORS; *at; at++) {
        const Connector *connector = *at;
        buf_printf(
            out, "\n## %s\n\n%s%s%s\n", connector->name, connector->doc ? connector->doc : "",
            connector->source ? connector->sink ? " Source and sink." : " Source." : " Sink.",
            connector->lookup_allowed ? " Can be looked up." : "");
        put_options(connector->options, "", out);
    }
}

static void put_formats(Buf *out) {
    for (const Format *const *at = BUILTIN_FORMATS; *at; at++) {
        const Format *format = *at;
        buf_printf(out, "\n## format %s\n\n%s\n", format->name, format->doc ? format->doc : "");
        Buf prefix = {0};
        buf_printf(&prefix, "%s.", format->name);
        put_options(format->options, buf_cstr(&prefix), out);
        buf_free(&prefix);
    }
}

static void put_providers(Buf *out) {
    uint32_t count;
    models_register();
    const char *const *name = model_provider_list(&count);
    buf_puts(out, "\n## every model\n");
    put_options(MODEL_OPTIONS, "", out);
    for (uint32_t i = 0; i < count; i++) {
        const ModelProvider *provider = model_provider_find(str_c(name[i]));
        buf_printf(out, "\n## model provider %s\n\n%s\n", provider->name, provider->doc);
        if (strcmp(provider->name, "weir") == 0) {  // whose options come with every algorithm
            buf_puts(out, "\nThe options of `pmml`, and those that it was trained with.\n");
        } else {
            put_options(provider->options, "", out);
        }
    }
}

void reference_options(Buf *out) {
    buf_puts(
        out,
        "# Options of tables and models\n\n"
        "What may stand in `WITH (…)`, by connector and format; a word in it is given as text:\n"
        "`'rows-per-second' = '100'`. An option that nobody knows is an error that names the\n"
        "nearest one. `#` stands for a column's name, `.*` for anything below. What the options\n"
        "are for is told in [connectors](connectors.md), [formats](formats.md) and "
        "[models](models.md).\n"
        "Made from the tables in `src/` by `make docs`; do not edit.\n\n## every table\n");
    put_options(TABLE_OPTIONS, "", out);
    buf_puts(out, "\n## tables that are looked up\n");
    put_options(LOOKUP_OPTIONS, "", out);
    put_connectors(out);
    put_formats(out);
    put_providers(out);
}

// ---- settings ----------------------------------------------------------------------------------

static bool is_pattern(const Setting *setting) {
    return str_ends(str_c(setting->option.key), STR(".*"));
}

static void put_settings(SettingUse use, Buf *out) {
    for (const Setting *at = SETTINGS; at->option.key; at++) {
        const OptionDef *option = &at->option;
        if (at->use != use || (use == SETTING_NEEDLESS && is_pattern(at))) continue;
        buf_printf(out, "| `%s` | ", option->key);
        put_default(option, out);
        if (use == SETTING_HEEDED) {
            buf_puts(out, " | ");
            put_values(option, out);
        }
        buf_puts(out, " | ");
        put_cell(option->doc, out);
        buf_puts(out, " |\n");
    }
}

void reference_settings(Buf *out) {
    buf_puts(
        out,
        "# Settings\n\n"
        "`SET 'key' = 'value'` in a script, or `-D key=value` on the command line. Keys and\n"
        "defaults are Flink's. A key that nobody knows is taken, as Flink takes it, with a word\n"
        "on standard error that names the nearest one; a value that cannot be read fails the\n"
        "statement that reads it. Made from the table in `src/plan/settings.c` by `make docs`;\n"
        "do not edit.\n\n"
        "| key | default | values | |\n|---|---|---|---|\n");
    put_settings(SETTING_HEEDED, out);
    buf_puts(out,
             "\n## Not there yet\n\n"
             "Setting these says that it has no effect.\n\n| key | default | |\n|---|---|---|\n");
    put_settings(SETTING_MISSING, out);
    buf_puts(out, "\n## Taken and not needed\n\n"
                  "These change nothing that a query gives; weir does the same with any value.\n\n"
                  "| key | default | |\n|---|---|---|\n");
    put_settings(SETTING_NEEDLESS, out);
    buf_puts(out, "\nSo are the keys of a cluster, its JVMs and its client, all that begin with: ");
    bool first = true;
    for (const Setting *at = SETTINGS; at->option.key; at++) {
        if (at->use != SETTING_NEEDLESS || !is_pattern(at)) continue;
        Str key = str_c(at->option.key);
        key.len -= 1;
        buf_printf(out, "%s`" STR_FMT "`", first ? "" : ", ", STR_ARG(key));
        first = false;
    }
    buf_puts(out, ".\n");
}
