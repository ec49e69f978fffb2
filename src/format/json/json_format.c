// The options of the json formats, what they can hold, and their rows in the table of formats.
#include "format/json/json.h"

#include "format/json/json_int.h"

const char *const JSON_STANDARDS[] = {"SQL", "ISO-8601", NULL};
const char *const JSON_NULL_KEYS[] = {"FAIL", "DROP", "LITERAL", NULL};

// clang-format off
const OptionDef JSON_OPTIONS[] = {
    {.key = "fail-on-missing-field", .kind = OPTION_BOOL, .fallback = "false", .doc = "A field that a record lacks is an error, not NULL."},
    {.key = "ignore-parse-errors", .kind = OPTION_BOOL, .fallback = "false", .doc = "A field that cannot be read is NULL, a record that cannot be is skipped."},
    {.key = "timestamp-format.standard", .kind = OPTION_TEXT, .fallback = "SQL", .values = JSON_STANDARDS, .doc = "How timestamps are written: 'SQL' (a blank in the middle) or 'ISO-8601' (a T)."},
    {.key = "map-null-key.mode", .kind = OPTION_TEXT, .fallback = "FAIL", .values = JSON_NULL_KEYS, .doc = "What a sink does with a NULL key of a map: 'FAIL', 'DROP' the entry, write a 'LITERAL'."},
    {.key = "map-null-key.literal", .kind = OPTION_TEXT, .fallback = "null", .doc = "That literal."},
    {.key = "encode.decimal-as-plain-number", .kind = OPTION_BOOL, .fallback = "false", .doc = "DECIMALs are written as 0.0000001, not as 1E-7."},
    {.key = "encode.ignore-null-fields", .kind = OPTION_BOOL, .fallback = "false", .doc = "NULL fields are not written."},
    {.key = "decode.json-parser.enabled", .kind = OPTION_BOOL, .fallback = "true", .doc = "Records are read as a stream of tokens, not as a tree: of a key that comes twice the first may count."},
    {0},
};
// clang-format on

static bool has_decimal(const Type *type) {
    if (type->kind == TYPE_DECIMAL) return true;
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (has_decimal(type->child[i])) return true;
    }
    return false;
}

JsonOptions json_options(const Options *options, const Type *full) {
    const char *standard = options_get(options, "timestamp-format.standard");
    bool iso = standard && strcmp(standard, "ISO-8601") == 0;
    return (JsonOptions){
        .ignore_errors = options_bool(options, "ignore-parse-errors"),
        .fail_on_missing = options_bool(options, "fail-on-missing-field"),
        .big_numbers = has_decimal(full),
        .stamp = iso ? TIME_ISO : TIME_SQL,
        .ltz = iso ? TIME_ISO_ZULU : TIME_SQL_ZULU,
    };
}

const Type *json_full(Arena *arena, const DecodeSpec *spec) {
    const Type *wanted = spec->wanted, *full = spec->full;
    const Type **child = ARENA_ARRAY(arena, const Type *, wanted->child_count);
    for (uint32_t i = 0; i < wanted->child_count; i++) {
        child[i] = wanted->child[i];
        for (uint32_t k = 0; k < full->child_count; k++) {
            if (str_eq(wanted->field[i], full->field[k])) child[i] = full->child[k];
        }
    }
    return type_row(arena, wanted->child_count, child, wanted->field, true);
}

static Status unsupported(const Type *type, Str field, const char *why, Error *err) {
    Buf name = {0};
    type_print_summary(type, false, &name);
    Status st =
        error_set(err, ST_VALIDATION, "the json format %s: field '" STR_FMT "' is a " STR_FMT, why,
                  STR_ARG(field), STR_ARG(buf_str(&name)));
    buf_free(&name);
    return st;
}

static Status check_type(const Type *type, Str field, Error *err) {
    switch (type->kind) {
        case TYPE_VARIANT:
        case TYPE_BITMAP:
        case TYPE_RAW:
        case TYPE_SYMBOL:
        case TYPE_DESCRIPTOR: return unsupported(type, field, "does not know this type", err);
        case TYPE_MAP:
        case TYPE_MULTISET:
            if (!type_is_text(type->child[0])) {
                return unsupported(type, field, "doesn't support non-string as key type of map",
                                   err);
            }
            break;
        default: break;
    }
    for (uint32_t i = 0; i < type->child_count; i++) {
        TRY(check_type(type->child[i], type->kind == TYPE_ROW ? type->field[i] : field, err));
    }
    return ST_OK;
}

Status json_check_type(const Type *schema, Error *err) {
    return check_type(schema, STR(""), err);
}

// One of the words exactly: Flink compares them with their case here.
static Status check_word(const Options *options, const char *key, const char *const *words,
                         bool fold, Error *err) {
    const char *given = options_get(options, key);
    if (!given) return ST_OK;
    for (uint32_t i = 0; words[i]; i++) {
        if (fold ? str_eq_nocase(str_c(given), str_c(words[i])) : strcmp(given, words[i]) == 0) {
            return ST_OK;
        }
    }
    return error_set(err, ST_VALIDATION,
                     "option '" STR_FMT "%s' of table '" STR_FMT "' cannot be '%s'",
                     STR_ARG(options->prefix), key, STR_ARG(options->owner), given);
}

Status json_check_options(const Options *options, bool decode, Error *err) {
    TRY(check_word(options, "timestamp-format.standard", JSON_STANDARDS, false, err));
    if (decode) return ST_OK;  // a source does not look at what only sinks do
    return check_word(options, "map-null-key.mode", JSON_NULL_KEYS, true, err);
}

static Status json_check(const Type *schema, const Options *options, bool decode, Error *err) {
    TRY(json_check_options(options, decode, err));
    if (decode && options_bool(options, "fail-on-missing-field") &&
        options_bool(options, "ignore-parse-errors")) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "' sets both 'fail-on-missing-field' and "
                         "'ignore-parse-errors': only one may be true",
                         STR_ARG(options->owner));
    }
    return json_check_type(schema, err);
}

const Format JSON_FORMAT = {
    .name = "json",
    .options = JSON_OPTIONS,
    .decodes = CHANGES_APPEND,
    .encodes = CHANGES_APPEND,
    .separator = "\n",
    .decoder_new = json_decoder_new,
    .encoder_new = json_encoder_new,
    .check = json_check,
    .doc = "One JSON object a record.",
};
