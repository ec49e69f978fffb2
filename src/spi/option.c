#include "spi/option.h"

#include <ctype.h>
#include <math.h>

#include "base/assert.h"

enum { OPTION_KEY_MAX = 256 };

bool option_key_matches(const char *pattern, Str key) {
    Str p = str_c(pattern);
    if (str_ends(p, STR(".*"))) {
        return key.len >= p.len && str_starts(key, str_sub(p, 0, p.len - 1));
    }
    int64_t hash = str_find(p, STR("#"), 0);
    if (hash < 0) return str_eq(p, key);
    Str head = str_sub(p, 0, (uint32_t)hash), tail = str_sub(p, (uint32_t)hash + 1, p.len);
    return key.len > head.len + tail.len && str_starts(key, head) && str_ends(key, tail);
}

static const OptionDef *def_find(const OptionDef *defs, Str key) {
    for (; defs && defs->key; defs++) {
        if (option_key_matches(defs->key, key)) return defs;
    }
    return NULL;
}

static const char *options_raw(const Options *options, Str key) {
    char full[OPTION_KEY_MAX];
    if (options->prefix.len + key.len > sizeof full) return NULL;
    if (options->prefix.len) memcpy(full, options->prefix.ptr, options->prefix.len);
    memcpy(full + options->prefix.len, key.ptr, key.len);
    return map_get(options->map, str_make(full, options->prefix.len + key.len));
}

const char *options_get(const Options *options, const char *key) {
    const char *given = options_raw(options, str_c(key));
    if (given) return given;
    const OptionDef *def = def_find(options->defs, str_c(key));
    return def ? def->fallback : NULL;
}

bool options_has(const Options *options, const char *key) {
    return options_raw(options, str_c(key)) != NULL;
}

bool options_bool(const Options *options, const char *key) {
    const char *text = options_get(options, key);
    bool value = false;
    return text && str_to_bool(str_c(text), &value) && value;
}

static bool read_int(OptionKind kind, Str text, int64_t *out) {
    if (kind == OPTION_DURATION) return option_read_duration(text, out);
    if (kind == OPTION_SIZE) return option_read_size(text, out);
    return str_to_i64(str_trim(text), out);
}

int64_t options_int(const Options *options, const char *key) {
    const char *text = options_get(options, key);
    const OptionDef *def = def_find(options->defs, str_c(key));
    int64_t value = 0;
    if (text) (void)read_int(def ? def->kind : OPTION_INT, str_c(text), &value);
    return value;
}

static bool enum_same(Str text, const char *value) {
    size_t len = strlen(value);
    if (text.len != len) return false;
    for (uint32_t i = 0; i < text.len; i++) {
        char a = (char)tolower((unsigned char)text.ptr[i]),
             b = (char)tolower((unsigned char)value[i]);
        if ((a == '_' ? '-' : a) != (b == '_' ? '-' : b)) return false;
    }
    return true;
}

static int64_t enum_index(const OptionDef *def, Str text) {
    for (uint32_t i = 0; def->values[i]; i++) {
        if (enum_same(text, def->values[i])) return i;
    }
    return -1;
}

uint32_t options_enum(const Options *options, const char *key) {
    const char *text = options_get(options, key);
    const OptionDef *def = def_find(options->defs, str_c(key));
    ASSERT(def && def->kind == OPTION_ENUM);
    int64_t index = text ? enum_index(def, str_c(text)) : -1;
    return index < 0 ? 0 : (uint32_t)index;
}

// "<number> <unit>"; the number may have no fraction.
static bool read_with_unit(Str text, int64_t *number, Str *unit) {
    text = str_trim(text);
    uint32_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') digits++;
    if (!digits || !str_to_i64(str_sub(text, 0, digits), number)) return false;
    *unit = str_trim(str_sub(text, digits, text.len));
    return true;
}

bool option_read_duration(Str text, int64_t *ms) {
    static const struct {
        const char *name;
        int64_t ns;
    } UNITS[] = {
        {"ns", 1},           {"nano", 1},         {"nanosecond", 1},   {"us", 1000},
        {"\xC2\xB5s", 1000}, {"micro", 1000},     {"microsecond", 1000},
        {"ms", 1000000},     {"milli", 1000000},  {"millisecond", 1000000}, {"", 1000000},
        {"s", 1000000000},   {"sec", 1000000000}, {"second", 1000000000},
        {"m", 60000000000},  {"min", 60000000000}, {"minute", 60000000000},
        {"h", 3600000000000}, {"hour", 3600000000000},
        {"d", 86400000000000}, {"day", 86400000000000},
    };
    int64_t number;
    Str unit;
    if (!read_with_unit(text, &number, &unit)) return false;
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
        Str name = str_c(UNITS[i].name), singular = unit;
        if (unit.len > 2 && unit.ptr[unit.len - 1] == 's') singular.len--;
        if (!str_eq_nocase(name, unit) && !str_eq_nocase(name, singular)) continue;
        if (UNITS[i].ns >= 1000000) {
            return !__builtin_mul_overflow(number, UNITS[i].ns / 1000000, ms);
        }
        *ms = number / (1000000 / UNITS[i].ns);
        return true;
    }
    return false;
}

bool option_read_size(Str text, int64_t *bytes) {
    static const struct {
        const char *name;
        int shift;
    } UNITS[] = {
        {"", 0},    {"b", 0},  {"byte", 0},  {"bytes", 0},
        {"k", 10},  {"kb", 10}, {"kibibytes", 10}, {"m", 20}, {"mb", 20}, {"mebibytes", 20},
        {"g", 30},  {"gb", 30}, {"gibibytes", 30}, {"t", 40}, {"tb", 40}, {"tebibytes", 40},
    };
    int64_t number;
    Str unit;
    if (!read_with_unit(text, &number, &unit)) return false;
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
        if (!str_eq_nocase(str_c(UNITS[i].name), unit)) continue;
        return !__builtin_mul_overflow(number, (int64_t)1 << UNITS[i].shift, bytes);
    }
    return false;
}

static const char *const KIND_NAMES[] = {
    [OPTION_TEXT] = "a text",
    [OPTION_BOOL] = "'true' or 'false'",
    [OPTION_INT] = "a whole number",
    [OPTION_DOUBLE] = "a number",
    [OPTION_DURATION] = "a duration like '10 s'",
    [OPTION_SIZE] = "a size like '128 mb'",
    [OPTION_ENUM] = "one of its values",
};

bool option_reads(const OptionDef *def, Str text) {
    int64_t number;
    double real;
    bool flag;
    switch (def->kind) {
        case OPTION_TEXT: return true;
        case OPTION_BOOL: return str_to_bool(str_trim(text), &flag);
        case OPTION_DOUBLE: return str_to_f64(str_trim(text), &real);
        case OPTION_ENUM: return enum_index(def, text) >= 0;
        default: return read_int(def->kind, text, &number);
    }
}

void option_print_kind(const OptionDef *def, Buf *out) {
    buf_puts(out, KIND_NAMES[def->kind]);
    for (uint32_t i = 0; def->kind == OPTION_ENUM && def->values[i]; i++) {
        buf_printf(out, "%s '%s'", i ? "," : ":", def->values[i]);
    }
}

static const char *kind_of(const Options *options) {
    return options->kind ? options->kind : "table";
}

static Status value_check(const Options *options, const OptionDef *def, Str key, const char *text,
                          Error *err) {
    if (option_reads(def, str_c(text))) return ST_OK;
    Buf wanted = {0};
    option_print_kind(def, &wanted);
    Status st = error_set(err, ST_VALIDATION,
                          "option '" STR_FMT STR_FMT "' of %s '" STR_FMT
                          "' cannot be '%s': it takes " STR_FMT,
                          STR_ARG(options->prefix), STR_ARG(key), kind_of(options),
                          STR_ARG(options->owner), text, STR_ARG(buf_str(&wanted)));
    buf_free(&wanted);
    return st;
}

enum { KNOWN_MAX = 512 };

// Names that could have been meant, spelled as in the table's WITH; made in [arena].
static size_t known_add(Arena *arena, Str prefix, const OptionDef *defs, const char **known,
                        size_t count) {
    for (; defs && defs->key && count < KNOWN_MAX; defs++) {
        known[count++] = str_printf(arena, STR_FMT "%s", STR_ARG(prefix), defs->key).ptr;
    }
    return count;
}

static Status unknown_key(const Options *options, const OptionDef *const *also,
                          const Options *parts, uint32_t part_count, Str key, Error *err) {
    const char *known[KNOWN_MAX];
    Arena arena;
    arena_init(&arena);
    size_t count = known_add(&arena, options->prefix, options->defs, known, 0);
    for (; also && *also; also++) count = known_add(&arena, options->prefix, *also, known, count);
    for (uint32_t i = 0; i < part_count; i++) {
        count = known_add(&arena, parts[i].prefix, parts[i].defs, known, count);
    }
    Str full = str_printf(&arena, STR_FMT STR_FMT, STR_ARG(options->prefix), STR_ARG(key));
    const char *near = text_nearest(full, known, count);
    (void)error_set(err, ST_VALIDATION, "unknown option '" STR_FMT "' of %s '" STR_FMT "'",
                    STR_ARG(full), kind_of(options), STR_ARG(options->owner));
    if (near) error_hint(err, "did you mean '%s'?", near);
    arena_clear(&arena);
    return ST_VALIDATION;
}

// Whether [key], with its prefix, belongs to one of the parts.
static bool in_parts(Str key, const Options *parts, uint32_t part_count) {
    for (uint32_t i = 0; i < part_count; i++) {
        if (str_starts(key, parts[i].prefix)) return true;
    }
    return false;
}

Status options_check_parts(const Options *options, const OptionDef *const *also,
                           const Options *parts, uint32_t part_count, Error *err) {
    for (uint32_t i = 0; i < options->map->count; i++) {
        Str key = options->map->entry[i].key;
        if (!str_starts(key, options->prefix) || in_parts(key, parts, part_count)) continue;
        key = str_sub(key, options->prefix.len, key.len);
        const OptionDef *def = def_find(options->defs, key);
        for (uint32_t a = 0; !def && also && also[a]; a++) def = def_find(also[a], key);
        if (!def) return unknown_key(options, also, parts, part_count, key, err);
        TRY(value_check(options, def, key, options->map->entry[i].value, err));
    }
    for (const OptionDef *def = options->defs; def && def->key; def++) {
        if (!def->required || options_has(options, def->key)) continue;
        return error_set(err, ST_VALIDATION,
                         "%s '" STR_FMT "' misses the required option '" STR_FMT "%s'",
                         kind_of(options), STR_ARG(options->owner), STR_ARG(options->prefix),
                         def->key);
    }
    for (uint32_t i = 0; i < part_count; i++) TRY(options_check(&parts[i], NULL, err));
    return ST_OK;
}

Status options_check(const Options *options, const OptionDef *const *also, Error *err) {
    return options_check_parts(options, also, NULL, 0, err);
}
