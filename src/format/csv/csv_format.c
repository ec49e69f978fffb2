// The csv format: its options, what it can hold, and its row in the table of formats.
#include "format/csv/csv.h"

#include "base/hex.h"
#include "format/csv/csv_int.h"

// clang-format off
const OptionDef CSV_OPTIONS[] = {
    {.key = "field-delimiter", .kind = OPTION_TEXT, .fallback = ",", .doc = "The character between two fields; '\\t' and the like are understood."},
    {.key = "quote-character", .kind = OPTION_TEXT, .doc = "The character around fields that hold delimiters; '\"' unless said otherwise."},
    {.key = "disable-quote-character", .kind = OPTION_BOOL, .fallback = "false", .doc = "Quotes are ordinary characters."},
    {.key = "escape-character", .kind = OPTION_TEXT, .doc = "The character that takes the meaning from the one after it."},
    {.key = "allow-comments", .kind = OPTION_BOOL, .fallback = "false", .doc = "Lines that start with '#' are skipped."},
    {.key = "ignore-parse-errors", .kind = OPTION_BOOL, .fallback = "false", .doc = "A field that cannot be read is NULL, a line that cannot be is skipped."},
    {.key = "array-element-delimiter", .kind = OPTION_TEXT, .fallback = ";", .doc = "What stands between the elements of an ARRAY or ROW."},
    {.key = "null-literal", .kind = OPTION_TEXT, .doc = "The text that stands for NULL."},
    {.key = "write-bigdecimal-in-scientific-notation", .kind = OPTION_BOOL, .fallback = "true", .doc = "DECIMALs are written as '1E+3', not as '1000'."},
    {.key = "allow-trailing-comma", .kind = OPTION_BOOL, .fallback = "true", .doc = "A delimiter may follow the last field."},
    {.key = "trim-spaces", .kind = OPTION_BOOL, .fallback = "false", .doc = "Blanks around unquoted fields do not count."},
    {.key = "empty-string-as-null", .kind = OPTION_BOOL, .fallback = "false", .doc = "Empty fields are NULL."},
    {.key = "fail-on-missing-columns", .kind = OPTION_BOOL, .fallback = "false", .doc = "A line with fewer fields than columns is an error."},
    {.key = "ignore-trailing-unmappable", .kind = OPTION_BOOL, .fallback = "false", .doc = "Fields after the last column are skipped."},
    {0},
};
// clang-format on

// The one character of an option, or ST_VALIDATION.
static Status one_char(const Options *options, const char *key, Str text, char *out, Error *err) {
    if (text.len == 1) {
        *out = text.ptr[0];
        return ST_OK;
    }
    return error_set(err, ST_VALIDATION,
                     "option '" STR_FMT "%s' of table '" STR_FMT "' must be a single character%s, "
                     "but is '" STR_FMT "'",
                     STR_ARG(options->prefix), key, STR_ARG(options->owner),
                     utf8_count(text) == 1 ? " of ASCII" : "", STR_ARG(text));
}

// The escapes of a Java string literal that make sense in a delimiter: \t \n \r \\ \uXXXX.
static Str unescape_java(Str text, Arena *arena) {
    Buf out = {0};
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c != '\\' || i + 1 == text.len) {
            buf_putc(&out, c);
            continue;
        }
        c = text.ptr[++i];
        if (c == 'u' && i + 4 < text.len) {
            uint32_t code = 0;
            for (uint32_t k = 1; k <= 4; k++) {
                int digit = hex_digit(text.ptr[i + k]);
                code = code * 16 + (uint32_t)(digit > 0 ? digit : 0);
            }
            buf_put_code(&out, code);
            i += 4;
        } else {
            buf_putc(&out, c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c);
        }
    }
    Str copy = str_dup(arena, buf_str(&out));
    buf_free(&out);
    return copy;
}

Status csv_dialect(const Options *options, CsvDialect *dialect, Arena *arena, Error *err) {
    *dialect = (CsvDialect){
        .quote = '"',
        .has_quote = !options_bool(options, "disable-quote-character"),
        .comments = options_bool(options, "allow-comments"),
        .ignore_errors = options_bool(options, "ignore-parse-errors"),
        .trailing_comma = options_bool(options, "allow-trailing-comma"),
        .trim = options_bool(options, "trim-spaces"),
        .empty_is_null = options_bool(options, "empty-string-as-null"),
        .fail_on_missing = options_bool(options, "fail-on-missing-columns"),
        .ignore_extra = options_bool(options, "ignore-trailing-unmappable"),
        .plain_decimals = !options_bool(options, "write-bigdecimal-in-scientific-notation"),
    };
    const char *quote = options_get(options, "quote-character");
    if (quote && !dialect->has_quote) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "' sets a quote character and disables it as well",
                         STR_ARG(options->owner));
    }
    if (quote) TRY(one_char(options, "quote-character", str_c(quote), &dialect->quote, err));
    Str separator = unescape_java(str_c(options_get(options, "field-delimiter")), arena);
    TRY(one_char(options, "field-delimiter", separator, &dialect->separator, err));
    const char *escape = options_get(options, "escape-character");
    if (escape) {
        dialect->has_escape = true;
        TRY(one_char(options, "escape-character", str_c(escape), &dialect->escape, err));
    }
    dialect->element_separator =
        str_dup(arena, str_c(options_get(options, "array-element-delimiter")));
    char ignored;
    TRY(one_char(options, "array-element-delimiter", dialect->element_separator, &ignored, err));
    const char *null_literal = options_get(options, "null-literal");
    if (null_literal) {
        dialect->has_null = true;
        dialect->null_literal = str_dup(arena, str_c(null_literal));
    }
    return ST_OK;
}

static bool is_simple(const Type *type) {
    switch (type->kind) {
        case TYPE_BOOLEAN:
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
        case TYPE_DECIMAL:
        case TYPE_CHAR:
        case TYPE_VARCHAR:
        case TYPE_BINARY:
        case TYPE_VARBINARY:
        case TYPE_DATE:
        case TYPE_TIME:
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: return true;
        default: return false;
    }
}

static Status unsupported(const Type *type, Str field, bool nested, Error *err) {
    Buf name = {0};
    type_print_summary(type, false, &name);
    Status st = error_set(err, ST_VALIDATION, "the csv format cannot hold %s " STR_FMT
                          " (field '" STR_FMT "')",
                          nested ? "a nested" : "a", STR_ARG(buf_str(&name)), STR_ARG(field));
    buf_free(&name);
    return st;
}

Status csv_check_type(const Type *schema, Error *err) {
    for (uint32_t i = 0; i < schema->child_count; i++) {
        const Type *type = schema->child[i];
        if (type->kind == TYPE_ARRAY || type->kind == TYPE_ROW) {
            for (uint32_t k = 0; k < type->child_count; k++) {
                if (!is_simple(type->child[k])) {
                    return unsupported(type->child[k], schema->field[i], true, err);
                }
            }
        } else if (!is_simple(type)) {
            return unsupported(type, schema->field[i], false, err);
        }
    }
    return ST_OK;
}

static Status csv_check(const Type *schema, const Options *options, bool decode, Error *err) {
    Arena arena;
    arena_init(&arena);
    CsvDialect dialect;
    Status st = csv_dialect(options, &dialect, &arena, err);
    if (!st) st = csv_check_type(schema, err);
    arena_clear(&arena);
    return st;
}

const Format CSV_FORMAT = {
    .name = "csv",
    .options = CSV_OPTIONS,
    .decodes = CHANGES_APPEND,
    .encodes = CHANGES_APPEND,
    .separator = "\n",
    .decoder_new = csv_decoder_new,
    .encoder_new = csv_encoder_new,
    .check = csv_check,
    .doc = "Lines of fields with a delimiter between them, in RFC 4180's spirit.",
};
