// A recursive descent over the text. Members and items collect on one stack while their container
// is open, and are copied to the arena when it closes: a tree is packed and nothing is grown in
// place.
#include "base/json.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/hex.h"

typedef struct JsonReader {
    Arena *arena;
    const char *at, *begin, *end;
    uint32_t flags, depth;
    Buf stack;  // JsonMembers of the open containers; items have no name
    Error *err;
} JsonReader;

static Status json_fail(JsonReader *in, const char *what) {
    uint32_t line = 1, column = 1;
    for (const char *p = in->begin; p < in->at; p++) {
        if (*p == '\n') line++, column = 0;
        if (((unsigned char)*p & 0xC0) != 0x80) column++;
    }
    if (in->at >= in->end) {
        return error_set(in->err, ST_RUNTIME, "JSON ends early at line %u, column %u: %s expected",
                         line, column, what);
    }
    uint32_t code;
    uint32_t len = utf8_next(in->at, in->end, &code);
    return error_set(in->err, ST_RUNTIME,
                     "unexpected '%.*s' in JSON at line %u, column %u: %s expected", (int)len,
                     in->at, line, column, what);
}

static void skip_blanks(JsonReader *in) {
    while (in->at < in->end &&
           (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t')) {
        in->at++;
    }
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool at_digit(const JsonReader *in) {
    return in->at < in->end && is_digit(*in->at);
}

static Status read_number(JsonReader *in, JsonValue *out) {
    const char *begin = in->at;
    out->kind = JK_INTEGER;
    if (*in->at == '-') in->at++;
    if (!at_digit(in)) return json_fail(in, "a digit");
    if (*in->at == '0') {
        in->at++;
        if (at_digit(in)) return json_fail(in, "no digit after a leading zero");
    }
    while (at_digit(in)) in->at++;
    if (in->at < in->end && *in->at == '.') {
        out->kind = JK_DECIMAL;
        in->at++;
        if (!at_digit(in)) return json_fail(in, "a digit after the point");
        while (at_digit(in)) in->at++;
    }
    if (in->at < in->end && (*in->at == 'e' || *in->at == 'E')) {
        out->kind = JK_DECIMAL;
        in->at++;
        if (in->at < in->end && (*in->at == '+' || *in->at == '-')) in->at++;
        if (!at_digit(in)) return json_fail(in, "a digit of the exponent");
        while (at_digit(in)) in->at++;
    }
    // Within a container the next token tells; at the root only white space may part a number from
    // what follows.
    if (in->depth == 0 && in->at < in->end && (unsigned char)*in->at > ' ') {
        return json_fail(in, "white space after the number");
    }
    out->text = str_make(begin, (size_t)(in->at - begin));
    return ST_OK;
}

static bool read_hex4(JsonReader *in, uint32_t *unit) {
    if (in->end - in->at < 4) return false;
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(in->at[i]);
        if (digit < 0) return false;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    in->at += 4;
    return true;
}

// Behind "\u". A pair of surrogates is one character; a lone one cannot be written as UTF-8 and
// becomes '?', as in Java.
static Status read_unicode_escape(JsonReader *in, char **to) {
    uint32_t unit, low;
    if (!read_hex4(in, &unit)) return json_fail(in, "four hex digits");
    if (unit >= 0xD800 && unit <= 0xDBFF && in->end - in->at >= 6 && in->at[0] == '\\' &&
        in->at[1] == 'u') {
        const char *back = in->at;
        in->at += 2;
        if (!read_hex4(in, &low)) return json_fail(in, "four hex digits");
        if (low >= 0xDC00 && low <= 0xDFFF) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        } else {
            in->at = back;
        }
    }
    if (unit >= 0xD800 && unit <= 0xDFFF) unit = '?';
    *to += utf8_put(*to, unit);
    return ST_OK;
}

static Status read_escape(JsonReader *in, char **to) {
    if (in->at >= in->end) return json_fail(in, "an escape");
    char c = *in->at;
    switch (c) {
        case '"':
        case '\\':
        case '/': break;
        case 'b': c = '\b'; break;
        case 'f': c = '\f'; break;
        case 'n': c = '\n'; break;
        case 'r': c = '\r'; break;
        case 't': c = '\t'; break;
        case 'u': in->at++; return read_unicode_escape(in, to);
        default: return json_fail(in, "an escape");
    }
    in->at++;
    *(*to)++ = c;
    return ST_OK;
}

// At the opening quote. Borrows from the source unless there is an escape.
static Status read_text(JsonReader *in, Str *out) {
    const char *begin = ++in->at;
    while (in->at < in->end && *in->at != '"' && *in->at != '\\' && (unsigned char)*in->at >= ' ') {
        in->at++;
    }
    if (in->at < in->end && *in->at == '"') {
        *out = str_make(begin, (size_t)(in->at++ - begin));
        return ST_OK;
    }
    // Decoding never makes a text longer, so the rest of it up to its quote is room enough.
    const char *close = in->at;
    while (close < in->end && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close > in->end) close = in->end;
    char *copy = arena_alloc_aligned(in->arena, (size_t)(close - begin) + 4, 1), *to = copy;
    memcpy(to, begin, (size_t)(in->at - begin));
    to += in->at - begin;
    while (in->at < in->end && *in->at != '"') {
        if ((unsigned char)*in->at < ' ') return json_fail(in, "an escaped control character");
        if (*in->at != '\\') {
            *to++ = *in->at++;
            continue;
        }
        in->at++;
        TRY(read_escape(in, &to));
    }
    if (in->at >= in->end) return json_fail(in, "a closing quote");
    in->at++;
    *out = str_make(copy, (size_t)(to - copy));
    return ST_OK;
}

static Status read_value(JsonReader *in, JsonValue *out);

static Status read_array(JsonReader *in, JsonValue *out) {
    size_t base = in->stack.len;
    in->at++;
    skip_blanks(in);
    bool more = !(in->at < in->end && *in->at == ']');
    if (!more) in->at++;
    while (more) {
        JsonMember item = {0};
        TRY(read_value(in, &item.value));
        buf_put(&in->stack, &item, sizeof item);
        skip_blanks(in);
        if (in->at >= in->end || (*in->at != ',' && *in->at != ']')) {
            return json_fail(in, "',' or ']'");
        }
        more = *in->at++ == ',';
    }
    out->kind = JK_ARRAY;
    out->count = (uint32_t)((in->stack.len - base) / sizeof(JsonMember));
    if (out->count == 0) return ST_OK;  // the stack may not exist yet
    const JsonMember *items = (const JsonMember *)(const void *)(in->stack.ptr + base);
    out->item = ARENA_ARRAY(in->arena, JsonValue, out->count);
    for (uint32_t i = 0; i < out->count; i++) out->item[i] = items[i].value;
    in->stack.len = base;
    return ST_OK;
}

enum { NAMES_LINEAR = 12 };  // up to so many members a scan beats a table

// The index of an earlier member named as member[i], or [i] itself.
static uint32_t earlier_name(const JsonMember *member, uint32_t i, uint32_t *slots, uint32_t mask) {
    if (!slots) {
        uint32_t k = 0;
        while (k < i && !str_eq(member[k].name, member[i].name)) k++;
        return k;
    }
    uint64_t hash = hash_bytes(member[i].name.ptr, member[i].name.len, 0);
    for (uint32_t s = (uint32_t)hash & mask;; s = (s + 1) & mask) {
        if (!slots[s]) return slots[s] = i + 1, i;
        if (str_eq(member[slots[s] - 1].name, member[i].name)) return slots[s] - 1;
    }
}

static Status unique_names(JsonReader *in, JsonMember *member, uint32_t *count) {
    uint32_t *slots = NULL, mask = 0, kept = 0;
    if (*count > NAMES_LINEAR) {
        for (mask = 31; mask < *count * 2; mask = mask * 2 + 1) {}
        slots = NEW_ARRAY(uint32_t, mask + 1);
    }
    Status st = ST_OK;
    for (uint32_t i = 0; i < *count && !st; i++) {
        member[kept] = member[i];
        uint32_t first = earlier_name(member, kept, slots, mask);
        if (first == kept) {
            kept++;
        } else if (in->flags & JSON_UNIQUE_NAMES) {
            st = error_set(in->err, ST_RUNTIME, "JSON object has the name '" STR_FMT "' twice",
                           STR_ARG(member[i].name));
        } else {
            member[first].value = member[i].value;
        }
    }
    mem_free(slots);
    *count = kept;
    return st;
}

static Status read_object(JsonReader *in, JsonValue *out) {
    size_t base = in->stack.len;
    in->at++;
    skip_blanks(in);
    bool more = !(in->at < in->end && *in->at == '}');
    if (!more) in->at++;
    while (more) {
        JsonMember member = {0};
        skip_blanks(in);
        if (in->at >= in->end || *in->at != '"') return json_fail(in, "a name in double quotes");
        TRY(read_text(in, &member.name));
        skip_blanks(in);
        if (in->at >= in->end || *in->at != ':') return json_fail(in, "':'");
        in->at++;
        TRY(read_value(in, &member.value));
        buf_put(&in->stack, &member, sizeof member);
        skip_blanks(in);
        if (in->at >= in->end || (*in->at != ',' && *in->at != '}')) {
            return json_fail(in, "',' or '}'");
        }
        more = *in->at++ == ',';
    }
    out->kind = JK_OBJECT;
    uint32_t count = (uint32_t)((in->stack.len - base) / sizeof(JsonMember));
    out->count = count;
    if (count == 0) return ST_OK;  // the stack may not exist yet
    JsonMember *members = (JsonMember *)(void *)(in->stack.ptr + base);
    TRY(unique_names(in, members, &count));
    out->count = count;
    out->member = ARENA_ARRAY(in->arena, JsonMember, count);
    if (count) memcpy(out->member, members, count * sizeof *members);
    in->stack.len = base;
    return ST_OK;
}

static bool ends_word(char c) {
    return !(is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_');
}

static Status read_word(JsonReader *in, Str word, JsonKind kind, bool boolean, JsonValue *out) {
    Str rest = str_make(in->at, (size_t)(in->end - in->at));
    if (!str_starts(rest, word) || (rest.len > word.len && !ends_word(rest.ptr[word.len]))) {
        return json_fail(in, "a value");
    }
    in->at += word.len;
    out->kind = kind;
    out->boolean = boolean;
    return ST_OK;
}

static Status read_value(JsonReader *in, JsonValue *out) {
    *out = (JsonValue){0};
    skip_blanks(in);
    if (in->at >= in->end) return json_fail(in, "a value");
    char c = *in->at;
    if (c == '"') {
        out->kind = JK_TEXT;
        return read_text(in, &out->text);
    }
    if (c == '-' || is_digit(c)) return read_number(in, out);
    if (c == 't') return read_word(in, STR("true"), JK_BOOLEAN, true, out);
    if (c == 'f') return read_word(in, STR("false"), JK_BOOLEAN, false, out);
    if (c == 'n') return read_word(in, STR("null"), JK_NULL, false, out);
    if (c != '{' && c != '[') return json_fail(in, "a value");
    if (in->depth == JSON_DEPTH_MAX) {
        return error_set(in->err, ST_RUNTIME, "JSON is nested more than %d levels deep",
                         JSON_DEPTH_MAX);
    }
    in->depth++;
    TRY(c == '{' ? read_object(in, out) : read_array(in, out));
    in->depth--;
    return ST_OK;
}

Status json_parse(Arena *arena, Str text, uint32_t flags, JsonValue *out, uint32_t *end,
                  Error *err) {
    const char *begin = text.ptr ? text.ptr : "";
    JsonReader in = {.arena = arena, .at = begin, .begin = begin, .end = begin + text.len,
                     .flags = flags, .err = err};
    JsonValue value;
    Status st = read_value(&in, &value);
    if (!st && !end) {
        skip_blanks(&in);
        if (in.at < in.end) st = json_fail(&in, "the end");
    }
    buf_free(&in.stack);
    if (st) return st;
    if (end) *end = (uint32_t)(in.at - in.begin);
    *out = value;
    return ST_OK;
}

const JsonValue *json_member(const JsonValue *object, Str name) {
    if (object->kind != JK_OBJECT) return NULL;
    for (uint32_t i = 0; i < object->count; i++) {
        if (str_eq(object->member[i].name, name)) return &object->member[i].value;
    }
    return NULL;
}

uint32_t json_leaves(const JsonValue *value) {
    if (value->kind != JK_ARRAY) return 1;
    uint32_t count = 0;  // a text has fewer than it has bytes
    for (uint32_t i = 0; i < value->count; i++) count += json_leaves(&value->item[i]);
    return count;
}

void json_print_text(Str text, uint32_t flags, Buf *out) {
    static const char HEX[] = "0123456789ABCDEF";
    buf_putc(out, '"');
    uint32_t done = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= ' ' && c != '"' && c != '\\' && !(c == '/' && flags & JSON_ESCAPE_SLASH)) continue;
        buf_put(out, text.ptr + done, i - done);
        done = i + 1;
        buf_putc(out, '\\');
        switch (c) {
            case '\b': buf_putc(out, 'b'); break;
            case '\f': buf_putc(out, 'f'); break;
            case '\n': buf_putc(out, 'n'); break;
            case '\r': buf_putc(out, 'r'); break;
            case '\t': buf_putc(out, 't'); break;
            case '"':
            case '\\':
            case '/': buf_putc(out, (char)c); break;
            default:
                buf_puts(out, "u00");
                buf_putc(out, HEX[c >> 4]);
                buf_putc(out, HEX[c & 15]);
        }
    }
    buf_put_str(out, str_sub(text, done, text.len));
    buf_putc(out, '"');
}

// BigDecimal keeps the digits d1 d2 … dn and a scale; with the exponent e = n - 1 - scale it prints
// plainly while scale >= 0 and e >= -6, else as d1.d2…dnE±e.
void json_print_decimal(Str number, Buf *out) {
    uint32_t i = 0;
    bool negative = false;
    if (number.len && (number.ptr[0] == '-' || number.ptr[0] == '+')) {
        negative = number.ptr[i++] == '-';
    }
    Buf digits = {0};
    int64_t scale = 0, exponent = 0;
    bool point = false;
    for (; i < number.len && (number.ptr[i] | 0x20) != 'e'; i++) {
        if (number.ptr[i] == '.') {
            point = true;
            continue;
        }
        if (point) scale++;
        if (digits.len == 1 && digits.ptr[0] == '0') digits.len = 0;  // leading zeros do not count
        buf_putc(&digits, number.ptr[i]);
    }
    if (i < number.len) {
        // An exponent beyond an int is beyond BigDecimal too; keep it from overflowing here.
        if (!str_to_i64(str_sub(number, i + 1, number.len), &exponent) ||
            exponent > INT32_MAX || exponent < -(int64_t)INT32_MAX) {
            exponent = number.ptr[i + 1] == '-' ? -(int64_t)INT32_MAX : INT32_MAX;
        }
    }
    scale -= exponent;
    if (digits.len == 0) buf_putc(&digits, '0');
    int64_t count = (int64_t)digits.len, adjusted = count - 1 - scale;
    if (adjusted > INT32_MAX) adjusted = INT32_MAX;  // what was printed must read back as itself
    if (adjusted < -(int64_t)INT32_MAX) adjusted = -(int64_t)INT32_MAX;
    if (negative && !(count == 1 && digits.ptr[0] == '0')) buf_putc(out, '-');
    if (scale >= 0 && adjusted >= -6) {
        int64_t whole = count - scale;
        if (whole <= 0) {
            buf_puts(out, "0.");
            for (int64_t k = whole; k < 0; k++) buf_putc(out, '0');
            buf_put(out, digits.ptr, digits.len);
        } else {
            buf_put(out, digits.ptr, (size_t)whole);
            if (scale) buf_putc(out, '.');
            buf_put(out, digits.ptr + whole, (size_t)scale);
        }
    } else {
        buf_putc(out, digits.ptr[0]);
        if (count > 1) {
            buf_putc(out, '.');
            buf_put(out, digits.ptr + 1, digits.len - 1);
        }
        if (adjusted) buf_printf(out, "E%+lld", (long long)adjusted);
    }
    buf_free(&digits);
}

static int by_name(const void *a, const void *b) {
    const JsonMember *const *x = a, *const *y = b;
    return str_cmp_utf16((*x)->name, (*y)->name);
}

static void print_object(const JsonValue *value, uint32_t flags, Buf *out) {
    const JsonMember **order = NULL;
    if (flags & JSON_SORT_NAMES && value->count > 1) {
        order = mem_alloc(value->count * sizeof *order);
        for (uint32_t i = 0; i < value->count; i++) order[i] = &value->member[i];
        qsort(order, value->count, sizeof *order, by_name);
    }
    buf_putc(out, '{');
    for (uint32_t i = 0; i < value->count; i++) {
        const JsonMember *member = order ? order[i] : &value->member[i];
        if (i) buf_putc(out, ',');
        json_print_text(member->name, flags, out);
        buf_putc(out, ':');
        json_print(&member->value, flags, out);
    }
    buf_putc(out, '}');
    mem_free(order);
}

void json_print(const JsonValue *value, uint32_t flags, Buf *out) {
    switch (value->kind) {
        case JK_NULL: buf_puts(out, "null"); break;
        case JK_BOOLEAN: buf_puts(out, value->boolean ? "true" : "false"); break;
        case JK_INTEGER:  // Java's integers know no -0
            buf_put_str(out, str_is(value->text, "-0") ? STR("0") : value->text);
            break;
        case JK_DECIMAL: json_print_decimal(value->text, out); break;
        case JK_TEXT: json_print_text(value->text, flags, out); break;
        case JK_ARRAY:
            buf_putc(out, '[');
            for (uint32_t i = 0; i < value->count; i++) {
                if (i) buf_putc(out, ',');
                json_print(&value->item[i], flags, out);
            }
            buf_putc(out, ']');
            break;
        case JK_OBJECT: print_object(value, flags, out); break;
    }
}
