// Types as DESCRIBE TABLE shows them: "Nullable(Decimal(10, 2))", "Enum8('a' = 1)".
#include "connector/clickhouse/clickhouse_int.h"
#include "type/type.h"
#include "type/zone.h"

enum { DEPTH_MAX = 16, CHILDREN_MAX = 4096 };

typedef struct Reader {
    Arena *arena;
    Str text;  // what is left
    Error *err;
} Reader;

// Newer servers lay a Tuple out over several lines.
static void skip_blanks(Reader *in) {
    while (in->text.len && (in->text.ptr[0] == ' ' || in->text.ptr[0] == '\n')) {
        in->text = str_sub(in->text, 1, in->text.len);
    }
}

static bool take(Reader *in, char c) {
    skip_blanks(in);
    if (!in->text.len || in->text.ptr[0] != c) return false;
    in->text = str_sub(in->text, 1, in->text.len);
    return true;
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static Str take_word(Reader *in) {
    uint32_t len = 0;
    skip_blanks(in);
    while (len < in->text.len && is_word(in->text.ptr[len])) len++;
    Str word = str_sub(in->text, 0, len);
    in->text = str_sub(in->text, len, in->text.len);
    return word;
}

static bool take_number(Reader *in, int64_t *out) {
    bool minus = take(in, '-');
    if (!str_to_i64(take_word(in), out)) return false;
    if (minus) *out = -*out;
    return true;
}

// 'text' with \' and '' inside.
static bool take_text(Reader *in, Str *out) {
    if (!take(in, '\'')) return false;
    char *to = arena_alloc(in->arena, in->text.len + 1u);
    uint32_t n = 0, i = 0;
    for (;; i++) {
        if (i >= in->text.len) return false;
        char c = in->text.ptr[i];
        if (c == '\\' && i + 1 < in->text.len) {
            c = in->text.ptr[++i];
        } else if (c == '\'') {
            if (i + 1 >= in->text.len || in->text.ptr[i + 1] != '\'') break;
            i++;
        }
        to[n++] = c;
    }
    in->text = str_sub(in->text, i + 1, in->text.len);
    *out = str_make(to, n);
    return true;
}

static Status strange(Reader *in) {
    return error_set(in->err, ST_UNSUPPORTED, "what stands before '" STR_FMT "' is not understood",
                     STR_ARG(in->text));
}

static Status read_type(Reader *in, ChType *out, uint32_t depth);

// "(T, T)" or, of a Tuple, "(name T, name T)".
static Status read_children(Reader *in, ChType *out, uint32_t least, uint32_t most,
                            uint32_t depth) {
    uint32_t cap = 0;
    if (!take(in, '(')) return strange(in);
    do {
        if (out->child_count == CHILDREN_MAX || out->child_count == most) return strange(in);
        if (out->child_count == cap) {
            ChType *more = ARENA_ARRAY(in->arena, ChType, cap ? cap * 2 : 2);
            if (cap) memcpy(more, out->child, cap * sizeof *more);
            out->child = more;
            cap = cap ? cap * 2 : 2;
        }
        if (out->kind == CH_TUPLE) {  // a name is followed by a type
            Reader ahead = *in;
            bool quoted = take(&ahead, '`');
            (void)take_word(&ahead);
            if (quoted) (void)take(&ahead, '`');
            skip_blanks(&ahead);
            if (ahead.text.len && is_word(ahead.text.ptr[0])) *in = ahead;
        }
        TRY(read_type(in, &out->child[out->child_count++], depth + 1));
    } while (take(in, ','));
    return take(in, ')') && out->child_count >= least ? ST_OK : strange(in);
}

static Status read_enum(Reader *in, ChType *out) {
    uint32_t cap = 0;
    if (!take(in, '(')) return strange(in);
    do {
        int64_t number;
        if (out->child_count == cap) {
            cap = cap ? cap * 2 : 16;
            Str *label = ARENA_ARRAY(in->arena, Str, cap);
            int16_t *numbers = ARENA_ARRAY(in->arena, int16_t, cap);
            if (out->child_count) {
                memcpy(label, out->label, out->child_count * sizeof *label);
                memcpy(numbers, out->number, out->child_count * sizeof *numbers);
            }
            out->label = label;
            out->number = numbers;
        }
        if (!take_text(in, &out->label[out->child_count]) || !take(in, '=') ||
            !take_number(in, &number)) {
            return strange(in);
        }
        out->number[out->child_count++] = (int16_t)number;
    } while (take(in, ','));
    return take(in, ')') ? ST_OK : strange(in);
}

static Status read_zone(Reader *in, ChType *out) {
    Str name;
    if (!take_text(in, &name)) return strange(in);
    out->zone = zone_find_id(name);
    if (!out->zone) {
        return error_set(in->err, ST_UNSUPPORTED, "there is no time zone '" STR_FMT "' here",
                         STR_ARG(name));
    }
    return ST_OK;
}

static Status read_decimal(Reader *in, ChType *out, Str word) {
    static const int32_t DIGITS[] = {9, 18, 38, 76};
    int64_t precision = 0, scale = 0;
    if (!take(in, '(')) return strange(in);
    for (uint32_t i = 0; i < 4; i++) {
        static const char *const NAMES[] = {"Decimal32", "Decimal64", "Decimal128", "Decimal256"};
        if (str_eq(word, str_c(NAMES[i]))) precision = DIGITS[i];
    }
    if (!precision && (!take_number(in, &precision) || !take(in, ','))) return strange(in);
    if (!take_number(in, &scale) || !take(in, ')')) return strange(in);
    if (precision < 1 || precision > 76 || scale < 0 || scale > precision) return strange(in);
    out->precision = (int32_t)precision;
    out->scale = (int32_t)scale;
    out->size = precision <= 9 ? 4 : precision <= 18 ? 8 : precision <= 38 ? 16 : 32;
    return ST_OK;
}

// What follows the name of a time: (scale), ('zone') or (scale, 'zone').
static Status read_time(Reader *in, ChType *out, bool scaled) {
    out->scale = scaled ? 3 : 0;
    if (!take(in, '(')) return ST_OK;
    int64_t scale = out->scale;
    bool more = true;
    if (scaled) {
        if (!take_number(in, &scale) || scale < 0 || scale > 9) return strange(in);
        out->scale = (int32_t)scale;
        more = take(in, ',');
    }
    if (more) TRY(read_zone(in, out));
    return take(in, ')') ? ST_OK : strange(in);
}

typedef struct Name {
    const char *name;
    ChKind kind;
    uint32_t size;
} Name;

static const Name NAMES[] = {
    {"Int8", CH_INT, 1},        {"Int16", CH_INT, 2},         {"Int32", CH_INT, 4},
    {"Int64", CH_INT, 8},       {"Int128", CH_INT, 16},       {"Int256", CH_INT, 32},
    {"UInt8", CH_UINT, 1},      {"UInt16", CH_UINT, 2},       {"UInt32", CH_UINT, 4},
    {"UInt64", CH_UINT, 8},     {"UInt128", CH_UINT, 16},     {"UInt256", CH_UINT, 32},
    {"Bool", CH_BOOL, 1},       {"Float32", CH_FLOAT, 4},     {"Float64", CH_FLOAT, 8},
    {"String", CH_STRING, 0},   {"FixedString", CH_FIXED, 0}, {"UUID", CH_UUID, 16},
    {"Date", CH_DATE, 2},       {"Date32", CH_DATE32, 4},     {"DateTime", CH_DATETIME, 4},
    {"DateTime64", CH_DATETIME64, 8}, {"Time", CH_TIME, 4},   {"Time64", CH_TIME64, 8},
    {"Decimal", CH_DECIMAL, 0}, {"Decimal32", CH_DECIMAL, 0}, {"Decimal64", CH_DECIMAL, 0},
    {"Decimal128", CH_DECIMAL, 0}, {"Decimal256", CH_DECIMAL, 0},
    {"Enum8", CH_ENUM, 1},      {"Enum16", CH_ENUM, 2},       {"Array", CH_ARRAY, 8},
    {"Map", CH_MAP, 8},         {"Tuple", CH_TUPLE, 0},
};

static Status read_named(Reader *in, ChType *out, Str word, uint32_t depth) {
    const Name *found = NULL;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (str_eq(word, str_c(NAMES[i].name))) found = &NAMES[i];
    }
    if (!found) {
        return error_set(in->err, ST_UNSUPPORTED, "weir does not write the type '" STR_FMT "'",
                         STR_ARG(word));
    }
    out->kind = found->kind;
    out->size = found->size;
    int64_t size;
    switch (out->kind) {
        case CH_FIXED:
            if (!take(in, '(') || !take_number(in, &size) || !take(in, ')')) return strange(in);
            if (size < 1 || size > 1 << 24) return strange(in);
            out->size = (uint32_t)size;
            return ST_OK;
        case CH_DECIMAL: return read_decimal(in, out, word);
        case CH_DATETIME:
        case CH_TIME: return read_time(in, out, false);
        case CH_DATETIME64:
        case CH_TIME64: return read_time(in, out, true);
        case CH_ENUM: return read_enum(in, out);
        case CH_ARRAY: return read_children(in, out, 1, 1, depth);
        case CH_MAP: return read_children(in, out, 2, 2, depth);
        case CH_TUPLE: return read_children(in, out, 1, CHILDREN_MAX, depth);
        default: return ST_OK;
    }
}

// The type as it is written in a block; the fields of a Tuple go by their places.
static void print_type(const ChType *type, Str name, Buf *out) {
    if (type->low) buf_puts(out, "LowCardinality(");
    if (type->nullable) buf_puts(out, "Nullable(");
    if (type->child_count && type->kind != CH_ENUM) {
        buf_put_str(out, name);
        for (uint32_t i = 0; i < type->child_count; i++) {
            buf_puts(out, i ? ", " : "(");
            buf_put_str(out, type->child[i].text);
        }
        buf_putc(out, ')');
    } else {
        buf_put_str(out, name);
    }
    if (type->nullable) buf_putc(out, ')');
    if (type->low) buf_putc(out, ')');
}

static Status read_type(Reader *in, ChType *out, uint32_t depth) {
    *out = (ChType){0};
    if (depth > DEPTH_MAX) return error_set(in->err, ST_UNSUPPORTED, "it is nested too deep");
    uint32_t wrappers = 0;
    skip_blanks(in);
    Str from = in->text, word = take_word(in);
    while (str_is(word, "Nullable") || str_is(word, "LowCardinality")) {
        *(str_is(word, "Nullable") ? &out->nullable : &out->low) = true;
        if (++wrappers > 2 || !take(in, '(')) return strange(in);
        skip_blanks(in);
        from = in->text;
        word = take_word(in);
    }
    TRY(read_named(in, out, word, depth));
    bool nested = out->child_count && out->kind != CH_ENUM;
    Str name = nested ? word : str_sub(from, 0, from.len - in->text.len);
    for (; wrappers; wrappers--) {
        if (!take(in, ')')) return strange(in);
    }
    Buf text = {0};
    print_type(out, name, &text);
    out->text = str_dup(in->arena, buf_str(&text));
    buf_free(&text);
    return ST_OK;
}

Status ch_type_read(Arena *arena, Str text, ChType *out, Error *err) {
    Reader in = {arena, text, err};
    TRY(read_type(&in, out, 0));
    skip_blanks(&in);
    return in.text.len ? strange(&in) : ST_OK;
}

// ---- what goes where ---------------------------------------------------------------------------

static bool takes_scalar(const ChType *type, const Type *from) {
    bool whole = type_is_integer(from) || from->kind == TYPE_BOOLEAN || type_is_interval(from);
    switch (type->kind) {
        case CH_STRING: return true;
        case CH_FIXED: return type_is_text(from) || type_is_bytes(from);
        case CH_UUID:
        case CH_ENUM: return type_is_text(from);
        case CH_BOOL: return from->kind == TYPE_BOOLEAN;
        case CH_INT:
        case CH_UINT: return whole;
        case CH_FLOAT: return type_is_approx(from) || type_is_integer(from);
        case CH_DECIMAL: return from->kind == TYPE_DECIMAL || type_is_integer(from);
        case CH_DATE:
        case CH_DATE32: return from->kind == TYPE_DATE;
        case CH_DATETIME:
        case CH_DATETIME64: return type_is_timestamp(from);
        case CH_TIME:
        case CH_TIME64: return from->kind == TYPE_TIME;
        case CH_ARRAY:
        case CH_MAP:
        case CH_TUPLE: break;
    }
    return false;
}

bool ch_type_takes(const ChType *type, const Type *from, const char **why) {
    *why = "CAST it to a type that fits, or change the column there";
    switch (type->kind) {
        case CH_ARRAY:
            // A server without the type Map has Array(Tuple(key, value)) of the same layout.
            if (from->kind == TYPE_MAP || from->kind == TYPE_MULTISET) {
                const ChType *pair = &type->child[0];
                return pair->kind == CH_TUPLE && pair->child_count == 2 && !pair->nullable &&
                       ch_type_takes(&pair->child[0], from->child[0], why) &&
                       ch_type_takes(&pair->child[1], from->child[1], why);
            }
            return from->kind == TYPE_ARRAY && ch_type_takes(&type->child[0], from->child[0], why);
        case CH_MAP:
            return (from->kind == TYPE_MAP || from->kind == TYPE_MULTISET) &&
                   ch_type_takes(&type->child[0], from->child[0], why) &&
                   ch_type_takes(&type->child[1], from->child[1], why);
        case CH_TUPLE:
            if (from->kind != TYPE_ROW || from->child_count != type->child_count) return false;
            for (uint32_t i = 0; i < type->child_count; i++) {
                if (!ch_type_takes(&type->child[i], from->child[i], why)) return false;
            }
            return true;
        default: return takes_scalar(type, from);
    }
}
