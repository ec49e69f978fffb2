// Reading one JSON object into one row. See json_int.h for the shape; conversions are those of
// Flink's JsonParserToRowDataConverters, which is to say of Jackson and of java.lang.
#include "base/hash.h"
#include "base/java_map.h"
#include "format/digits.h"
#include "format/json/json_int.h"
#include "type/number.h"

#define NOINLINE __attribute__((noinline))
#define COLD __attribute__((noinline, cold))

char *json_container_end(char *at, const char *end, bool lines) {
    const Simd16 quote = simd_fill('"'), slash = simd_fill('\\'), feed = simd_fill('\n');
    const Simd16 open = simd_fill('{'), close = simd_fill('}'), fold = simd_fill(0x20);
    int64_t depth = 1;
    uint64_t inside = 0;        // all ones: the block begins inside of a string
    uint64_t escape_carry = 0;  // 1: its first byte is escaped
    for (; at < end; at += 64) {
        uint64_t quotes = 0, slashes = 0, opens = 0, closes = 0, feeds = 0;
        for (int part = 0; part < 4; part++) {
            Simd16 in = simd_load(at + part * 16);
            Simd16 folded = simd_or(in, fold);  // '[' becomes '{', ']' becomes '}'
            quotes |= (uint64_t)simd_mask(simd_eq(in, quote)) << part * 16;
            slashes |= (uint64_t)simd_mask(simd_eq(in, slash)) << part * 16;
            feeds |= (uint64_t)simd_mask(simd_eq(in, feed)) << part * 16;
            opens |= (uint64_t)simd_mask(simd_eq(folded, open)) << part * 16;
            closes |= (uint64_t)simd_mask(simd_eq(folded, close)) << part * 16;
        }
        uint64_t escaped = escape_carry;
        escape_carry = 0;
        for (uint64_t left = slashes & ~escaped; left;) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            left &= left - 1;
            if (bit == 63) {
                escape_carry = 1;
            } else {
                escaped |= (uint64_t)2 << bit;
                left &= ~((uint64_t)2 << bit);
            }
        }
        uint64_t strings = bits_between(quotes & ~escaped) ^ inside;
        inside = (uint64_t)((int64_t)strings >> 63);
        opens &= ~strings;
        closes &= ~strings;
        if (!lines) feeds = 0;
        // Far from the end of the container whole blocks are passed by counting.
        if (!feeds && depth > __builtin_popcountll(closes)) {
            depth += __builtin_popcountll(opens) - __builtin_popcountll(closes);
            continue;
        }
        for (uint64_t marks = opens | closes | feeds; marks; marks &= marks - 1) {
            uint64_t bit = marks & -marks;
            if (bit & feeds) return NULL;
            depth += bit & opens ? 1 : -1;
            if (depth) continue;
            char *found = at + __builtin_ctzll(bit) + 1;
            return found <= end ? found : NULL;
        }
    }
    return NULL;
}

uint32_t json_unescape(char *text, uint32_t len) {
    char *in = memchr(text, '\\', len), *end = text + len, *out = in;
    if (!in) return len;
    while (in < end) {
        if (*in != '\\') {
            *out++ = *in++;
            continue;
        }
        if (++in == end) return UINT32_MAX;
        char c = *in++;
        switch (c) {
            case '"':
            case '\\':
            case '/': *out++ = c; continue;
            case 'b': *out++ = '\b'; continue;
            case 'f': *out++ = '\f'; continue;
            case 'n': *out++ = '\n'; continue;
            case 'r': *out++ = '\r'; continue;
            case 't': *out++ = '\t'; continue;
            case 'u': break;
            default: return UINT32_MAX;
        }
        uint32_t code = 0;
        for (int unit = 0; unit < 2; unit++) {
            uint32_t value = 0;
            if (end - in < 4) return UINT32_MAX;
            for (int i = 0; i < 4; i++) {
                char h = *in++;
                uint32_t digit = (uint32_t)(h - '0');
                if (digit > 9) digit = (uint32_t)((h | 0x20) - 'a') + 10;
                if (digit > 15) return UINT32_MAX;
                value = value << 4 | digit;
            }
            if (unit == 0) {
                code = value;
                // A high surrogate takes the low one that follows with it.
                if (code < 0xD800 || code > 0xDBFF || end - in < 6 || in[0] != '\\' ||
                    in[1] != 'u') {
                    break;
                }
                in += 2;
            } else if (value >= 0xDC00 && value <= 0xDFFF) {
                code = 0x10000 + ((code - 0xD800) << 10) + (value - 0xDC00);
            } else {
                in -= 6;
                break;
            }
        }
        // A lone surrogate has no UTF-8: Java's encoder writes '?'.
        if (code >= 0xD800 && code <= 0xDFFF) code = '?';
        out += utf8_put(out, code);
    }
    return (uint32_t)(out - text);
}

// Failures -------------------------------------------------------------------------------------

// The syntax is at fault, at [at].
static COLD char *bad_syntax(JsonReader *reader, const char *at) {
    enum { SHOWN = 40 };
    size_t left = at < reader->end ? (size_t)(reader->end - at) : 0;
    uint32_t len = left < SHOWN ? (uint32_t)left : SHOWN;
    const char *feed = reader->lines ? memchr(at, '\n', len) : NULL;
    reader->conversion = false;
    reader->bad = (Str){at, feed ? (uint32_t)(feed - at) : len};
    return NULL;
}

// The value [from, to) is not of the node's type: NULL with ignore-parse-errors, else a failure.
static COLD char *bad_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                            const char *from, char *to) {
    if (reader->options.ignore_errors) {
        slot_null(vec, row);
        return to;
    }
    reader->conversion = true;
    reader->bad = str_make(from, (size_t)(to - from));
    reader->bad_type = node->type;
    return NULL;
}

// Adds the name of a field to the path of the failure, from the inside out.
static COLD char *failed_in(JsonReader *reader, Str name) {
    Buf joined = {0};
    buf_put_str(&joined, name);
    if (reader->path.len) {
        buf_putc(&joined, '.');
        buf_put(&joined, reader->path.ptr, reader->path.len);
    }
    buf_free(&reader->path);
    reader->path = joined;
    return NULL;
}

Status json_reader_error(const JsonReader *reader, Error *err) {
    Str bad = str_sub(reader->bad, 0, 100);
    if (reader->missing) {
        return error_set(err, ST_RUNTIME, "field '" STR_FMT "' is missing in the JSON data",
                         STR_ARG(buf_str(&reader->path)));
    }
    if (reader->not_text) {
        return error_set(err, ST_RUNTIME, "this is not UTF-8: byte 0x%02X%s",
                         bad.len ? (unsigned char)bad.ptr[0] : 0u, bad.len ? "" : " (the end)");
    }
    if (!reader->conversion) {
        return error_set(err, ST_RUNTIME, "no JSON here: '" STR_FMT "'", STR_ARG(bad));
    }
    Buf type = {0};
    type_print_summary(reader->bad_type, false, &type);
    Status st = error_set(err, ST_RUNTIME, "field '" STR_FMT "': " STR_FMT " is not a " STR_FMT,
                          STR_ARG(buf_str(&reader->path)), STR_ARG(bad), STR_ARG(buf_str(&type)));
    buf_free(&type);
    return st;
}

// Scalars --------------------------------------------------------------------------------------

typedef enum Token { TOKEN_STRING, TOKEN_WHOLE, TOKEN_REAL, TOKEN_WORD, TOKEN_CONTAINER } Token;

// Cuts the value at [at]: its text without quotes (escapes resolved), what it is, and where the
// next byte stands. False: no JSON.
static NOINLINE bool cut_token(JsonReader *reader, char *at, Token *token, Str *text, char **next) {
    char c = *at;
    char *to;
    if (c == '"') {
        bool escaped;
        to = json_string_end(at + 1, reader->end, reader->lines, &escaped);
        if (!to) return bad_syntax(reader, at) != NULL;
        uint32_t len = (uint32_t)(to - at) - 2;
        if (escaped) {
            len = json_unescape(at + 1, len);
            if (len == UINT32_MAX) return bad_syntax(reader, at) != NULL;
        }
        *token = TOKEN_STRING;
        *text = (Str){at + 1, len};
    } else if (c == '{' || c == '[') {
        to = json_container_end(at + 1, reader->end, reader->lines);
        if (!to) return bad_syntax(reader, at) != NULL;
        *token = TOKEN_CONTAINER;
        *text = str_make(at, (size_t)(to - at));
    } else if (c == '-' || json_is_digit(c)) {
        bool whole;
        to = json_number_end(at, reader->end, &whole);
        if (!to) return bad_syntax(reader, at) != NULL;
        *token = whole ? TOKEN_WHOLE : TOKEN_REAL;
        *text = str_make(at, (size_t)(to - at));
    } else {
        to = json_word_end(at);
        if (!to) return bad_syntax(reader, at) != NULL;
        *token = TOKEN_WORD;
        *text = str_make(at, (size_t)(to - at));
    }
    *next = to;
    return to <= reader->end || bad_syntax(reader, at) != NULL;
}

// An integer column by the rules for everything that is not a plain short number.
static NOINLINE char *integer_slow(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                                   char *at, int64_t min, int64_t max) {
    Token token;
    Str text;
    char *next;
    if (!cut_token(reader, at, &token, &text, &next)) return NULL;
    int64_t value;
    double real;
    bool small = node->op == JSON_I8 || node->op == JSON_I16;
    bool good = false;
    if (token == TOKEN_REAL && !small) {
        // JsonParser.getIntValue of 3.7 is 3; out of range is an error.
        good = f64_parse(text, &real) && real >= (double)min && real <= (double)max;
        if (good) value = real >= 9223372036854775807.0 ? INT64_MAX : (int64_t)real;
    } else if (token != TOKEN_CONTAINER) {
        good = read_integer(read_trim(text), min, max, &value);
    }
    if (!good) return bad_value(reader, node, vec, row, at, next);
    vec_set_integer(vec, row, value);
    return next;
}

// What may stand right behind a number in compact JSON; blanks take the slow way.
static inline bool ends_number(char c) {
    return c == ',' || c == '}' || c == ']';
}

static inline char *integer_fast(char *at, int64_t *value) {
    char *to = (char *)(uintptr_t)digits_integer(at, value);
    return to && ends_number(*to) && !(at[*at == '-'] == '0' && to - at > 1) ? to : NULL;
}

static inline char *real_fast(char *at, double *value) {
    char *to = (char *)(uintptr_t)digits_real(at, value);
    return to && ends_number(*to) && !(at[*at == '-'] == '0' && json_is_digit(at[1 + (*at == '-')]))
               ? to
               : NULL;
}

static NOINLINE char *real_slow(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                                char *at) {
    Token token;
    Str text;
    char *next;
    if (!cut_token(reader, at, &token, &text, &next)) return NULL;
    bool good = false;
    if (node->op == JSON_F64) {
        double *slot = &vec_f64(vec)[row];
        good = token != TOKEN_CONTAINER && (f64_parse(text, slot) || f64_parse_java(text, slot));
    } else {
        float *slot = &vec_f32(vec)[row];
        good = token != TOKEN_CONTAINER && (f32_parse(text, slot) || f32_parse_java(text, slot));
    }
    return good ? next : bad_value(reader, node, vec, row, at, next);
}

static NOINLINE char *decimal_value(JsonReader *reader, const JsonNode *node, Vec *vec,
                                    uint32_t row, char *at) {
    Token token;
    Str text;
    char *next;
    if (!cut_token(reader, at, &token, &text, &next)) return NULL;
    if (token == TOKEN_STRING && !reader->options.tree) text = read_trim(text);
    bool fits;
    i128 value;
    if (token == TOKEN_CONTAINER ||
        !read_decimal(text, node->type->precision, node->type->scale, &value, &fits)) {
        return bad_value(reader, node, vec, row, at, next);
    }
    if (fits) {
        vec_i128(vec)[row] = value;
    } else {
        slot_null(vec, row);  // an overflow is NULL, not an error
    }
    return next;
}

static NOINLINE char *bool_slow(JsonReader *reader, Vec *vec, uint32_t row, char *at) {
    Token token;
    Str text;
    char *next;
    if (!cut_token(reader, at, &token, &text, &next)) return NULL;
    vec_u8(vec)[row] = read_bool(text);
    return next;
}

// A text column whose value is no string: numbers and words as they stand, containers rewritten.
static NOINLINE char *text_slow(JsonReader *reader, Vec *vec, uint32_t row, char *at) {
    Token token;
    Str text;
    char *next;
    if (!cut_token(reader, at, &token, &text, &next)) return NULL;
    bool rewritten = token == TOKEN_CONTAINER || (reader->options.tree && token == TOKEN_REAL);
    if (rewritten) {
        reader->scratch.len = 0;
        if (!json_normalise(text.ptr, next, reader->options.big_numbers, &reader->scratch)) {
            return bad_syntax(reader, at);
        }
        text = buf_str(&reader->scratch);
    }
    if (reader->borrow && !rewritten) {
        vec_str(vec)[row] = text;
    } else {
        slot_text_copy(vec, row, text);
    }
    return next;
}

static inline char *text_value(JsonReader *reader, Vec *vec, uint32_t row, char *at) {
    if (*at != '"' || !reader->borrow) return text_slow(reader, vec, row, at);
    char *stop = json_string_stop(at + 1, reader->end);
    if (*stop != '"' || stop >= reader->end) return text_slow(reader, vec, row, at);
    ((Str *)vec->data)[row] = (Str){at + 1, (uint32_t)(stop - at) - 1};
    return stop + 1;
}

static NOINLINE char *bytes_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                                  char *at) {
    Token token;
    Str text;
    char *next;
    uint32_t len;
    if (!cut_token(reader, at, &token, &text, &next)) return NULL;
    if (token != TOKEN_STRING) return bad_value(reader, node, vec, row, at, next);
    char *room = vec_text_room(vec, (size_t)text.len / 4 * 3 + 3);
    if (!read_base64(text, room, &len)) return bad_value(reader, node, vec, row, at, next);
    vec_str(vec)[row] = (Str){room, len};
    return next;
}

static NOINLINE char *day_or_time(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                                  char *at) {
    Token token;
    Str text;
    char *next;
    if (!cut_token(reader, at, &token, &text, &next)) return NULL;
    int32_t *slot = &vec_i32(vec)[row];
    bool good = token == TOKEN_STRING && (node->op == JSON_DATE ? date_parse_format(text, slot)
                                                                : time_parse_format(text, slot));
    return good ? next : bad_value(reader, node, vec, row, at, next);
}

static NOINLINE char *stamp_slow(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                                 char *at) {
    Token token;
    Str text;
    char *next;
    Timestamp stamp;
    if (!cut_token(reader, at, &token, &text, &next)) return NULL;
    TimeStyle style = node->op == JSON_LTZ ? reader->options.ltz : reader->options.stamp;
    if (token != TOKEN_STRING || text.len > 64 ||
        !read_timestamp(&reader->time, text.ptr, text.len, style, &stamp)) {
        return bad_value(reader, node, vec, row, at, next);
    }
    vec_set_timestamp(vec, row, stamp);
    return next;
}

// The usual stamps, "2024-01-31 12:34:56.789", without looking for the closing quote first.
static inline char *stamp_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                                char *at) {
    Timestamp stamp;
    uint32_t len = at[24] == '"' ? 23 : at[20] == '"' ? 19 : 0;
    if (*at == '"' && len && memcmp(at + 1, reader->time.text, 16) == 0 &&
        read_timestamp(&reader->time, at + 1, len, reader->options.stamp, &stamp)) {
        vec_set_timestamp(vec, row, stamp);
        return at + len + 2;
    }
    return stamp_slow(reader, node, vec, row, at);
}

// Values ---------------------------------------------------------------------------------------

static char *array_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                         char *at);
static char *map_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row, char *at);
static char *row_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row, char *at);

// A string that was no text; with ignore-parse-errors it is NULL.
static COLD char *lost_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                             char *at) {
    if (!reader->lost) return bad_syntax(reader, at);  // the byte stood there by itself
    reader->lost--;
    return bad_value(reader, node, vec, row, at, at + 1);
}

// Reads the value at [at], NULL included. Returns the byte behind it, or NULL.
static inline char *value(JsonReader *reader, JsonNode *node, Vec *vec, uint32_t row, char *at) {
    int64_t whole;
    char *next;
    if (*at == 'n' && memcmp(at, "null", 4) == 0) {
        if (!node->sparse) slot_null(vec, row);
        return at + 4;
    }
    if (__builtin_expect(*at == JSON_LOST, 0)) return lost_value(reader, node, vec, row, at);
    if (node->sparse) slot_present(vec, row);
    switch (node->op) {
        case JSON_I64:
            if ((next = integer_fast(at, &whole))) {
                ((int64_t *)vec->data)[row] = whole;
                return next;
            }
            return integer_slow(reader, node, vec, row, at, INT64_MIN, INT64_MAX);
        case JSON_I32:
            next = integer_fast(at, &whole);
            if (next && whole >= INT32_MIN && whole <= INT32_MAX) {
                ((int32_t *)vec->data)[row] = (int32_t)whole;
                return next;
            }
            return integer_slow(reader, node, vec, row, at, INT32_MIN, INT32_MAX);
        case JSON_I16: return integer_slow(reader, node, vec, row, at, INT16_MIN, INT16_MAX);
        case JSON_I8: return integer_slow(reader, node, vec, row, at, INT8_MIN, INT8_MAX);
        case JSON_TEXT: return text_value(reader, vec, row, at);
        case JSON_STAMP: return stamp_value(reader, node, vec, row, at);
        case JSON_LTZ: return stamp_slow(reader, node, vec, row, at);
        case JSON_F64:
            if ((next = real_fast(at, &((double *)vec->data)[row]))) return next;
            return real_slow(reader, node, vec, row, at);
        case JSON_F32: return real_slow(reader, node, vec, row, at);
        case JSON_DECIMAL: return decimal_value(reader, node, vec, row, at);
        case JSON_BOOL:
            if (memcmp(at, "true", 4) == 0) return ((uint8_t *)vec->data)[row] = 1, at + 4;
            if (memcmp(at, "false", 5) == 0) return ((uint8_t *)vec->data)[row] = 0, at + 5;
            return bool_slow(reader, vec, row, at);
        case JSON_BYTES: return bytes_value(reader, node, vec, row, at);
        case JSON_DATE:
        case JSON_TIME: return day_or_time(reader, node, vec, row, at);
        case JSON_ARRAY: return array_value(reader, node, vec, row, at);
        case JSON_MAP: return map_value(reader, node, vec, row, at);
        case JSON_ROW: return row_value(reader, node, vec, row, at);
        case JSON_RAW:
            next = json_value_end(at, reader->end, reader->lines);
            if (!next) return bad_syntax(reader, at);
            vec_str(vec)[row] = str_make(at, (size_t)(next - at));
            return next;
        case JSON_NULL:
            slot_null(vec, row);
            next = json_value_end(at, reader->end, reader->lines);
            return next ? next : bad_syntax(reader, at);
    }
    UNREACHABLE();
}

// A container where another kind of value was asked for.
static COLD char *wrong_kind(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                             char *at) {
    Token token;
    Str text;
    char *next;
    if (!cut_token(reader, at, &token, &text, &next)) return NULL;
    return bad_value(reader, node, vec, row, at, next);
}

// Behind the separator between two elements, or behind the closing bracket (*more is false then).
static inline char *element_end(JsonReader *reader, char *at, char close, bool *more) {
    at = json_skip_blank(reader, at);
    *more = *at == ',';
    if ((!*more && *at != close) || at >= reader->end) return bad_syntax(reader, at);
    return *more ? json_skip_blank(reader, at + 1) : at + 1;
}

static NOINLINE char *array_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                                  char *at) {
    if (*at != '[') return wrong_kind(reader, node, vec, row, at);
    if (++reader->depth > JSON_DEPTH_MAX) return bad_syntax(reader, at);
    uint32_t offset = vec->child[0]->len, count = 0;
    at = json_skip_blank(reader, at + 1);
    bool more = *at != ']';
    if (!more) at++;
    while (more) {
        uint32_t slot = list_push(vec);
        count++;
        at = value(reader, &node->child[0], vec->child[0], slot, at);
        if (at) at = element_end(reader, at, ']', &more);
        if (!at) return NULL;
    }
    reader->depth--;
    ((ListView *)vec->data)[row] = (ListView){offset, count};
    return at;
}

// The slot is about to be written anew: not NULL, at any depth.
static void clear_nulls(Vec *vec, uint32_t row) {
    if (vec->valid) bits_set(vec->valid, row);
    if (vec->phys != PHYS_ROW) return;
    for (uint32_t i = 0; i < vec->type->child_count; i++) clear_nulls(vec->child[i], row);
}

// Takes an earlier entry of the same key away: the last one counts.
static void keep_last(Vec *vec, uint32_t offset, uint32_t *count) {
    uint32_t last = offset + *count - 1;
    Str key = vec_str(vec->child[0])[last];
    for (uint32_t i = offset; i < last; i++) {
        if (!str_eq(vec_str(vec->child[0])[i], key)) continue;
        vec_share_value(vec->child[1], i, vec->child[1], last);
        // The slots are at the end of the children: give the last one back.
        vec_set_len(vec->child[0], last);
        vec_set_len(vec->child[1], last);
        clear_nulls(vec->child[1], last);
        --*count;
        return;
    }
}

// Puts the entries into the order of Flink's HashMap.
static void walk_order(Vec *vec, uint32_t *offset, uint32_t count) {
    uint32_t *hash = ARENA_ARRAY(vec->arena, uint32_t, count);
    uint32_t *order = ARENA_ARRAY(vec->arena, uint32_t, count);
    bool same = true;
    for (uint32_t i = 0; i < count; i++) {
        Str key = vec_str(vec->child[0])[*offset + i];
        hash[i] = hash_murmur_text(key.ptr, key.len);
    }
    java_map_order(hash, count, order);
    for (uint32_t i = 0; i < count; i++) same &= order[i] == i;
    if (same) return;
    uint32_t from = *offset;
    *offset = vec->child[0]->len;
    for (uint32_t i = 0; i < count; i++) (void)list_push(vec);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < 2; c++) {
            vec_share_value(vec->child[c], *offset + i, vec->child[c], from + order[i]);
        }
    }
}

static NOINLINE char *map_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                                char *at) {
    if (*at != '{') return wrong_kind(reader, node, vec, row, at);
    if (++reader->depth > JSON_DEPTH_MAX) return bad_syntax(reader, at);
    uint32_t offset = vec->child[0]->len, count = 0;
    at = json_skip_blank(reader, at + 1);
    bool more = *at != '}';
    if (!more) at++;
    while (more) {
        if (*at != '"') return bad_syntax(reader, at);
        uint32_t slot = list_push(vec);
        count++;
        at = text_value(reader, vec->child[0], slot, at);
        if (!at) return NULL;
        at = json_skip_blank(reader, at);
        if (*at != ':') return bad_syntax(reader, at);
        at = value(reader, &node->child[1], vec->child[1], slot, json_skip_blank(reader, at + 1));
        if (at) at = element_end(reader, at, '}', &more);
        if (!at) return NULL;
        keep_last(vec, offset, &count);
    }
    if (count > 1) walk_order(vec, &offset, count);
    reader->depth--;
    ((ListView *)vec->data)[row] = (ListView){offset, count};
    return at;
}

// Objects --------------------------------------------------------------------------------------

// What a key means beside the index of a wanted field. Fields of a nested ROW that nobody reads are
// known all the same: they count as found, as Flink prunes the columns of a table but nothing
// inside.
enum { FIELD_UNKNOWN = -1, FIELD_UNREAD = -2 };

static inline bool key_matches(const JsonReader *reader, const JsonKey *key, const char *at) {
    uint32_t same = simd_mask(simd_eq(simd_load(at), simd_load(key->head)));
    if ((same & key->mask) != key->mask) return false;
    if (key->len <= 16) return true;
    // A long key may be longer than what is left and the padding behind it.
    if (reader->end - at < (ptrdiff_t)key->len) return false;
    return memcmp(at + 16, key->text + 16, key->len - 16) == 0;
}

enum { KEY_REMEMBER_MAX = 128, KEYS_REMEMBER_MAX = 4096 };  // longer ones are looked up each time

static void key_remember(JsonReader *reader, JsonNode *node, uint32_t place, const char *at,
                         uint32_t len, int32_t field) {
    if (len > KEY_REMEMBER_MAX || place >= KEYS_REMEMBER_MAX) return;
    if (place >= node->key_cap) {
        uint32_t cap = node->key_cap ? node->key_cap * 2 : 16;
        JsonKey *keys = ARENA_ARRAY(&reader->arena, JsonKey, cap);
        if (node->key_count) memcpy(keys, node->key, node->key_count * sizeof *keys);
        node->key = keys;
        node->key_cap = cap;
    }
    if (place >= node->key_count) node->key_count = place + 1;
    JsonKey *key = &node->key[place];
    if (key->cap < len) {
        key->cap = len < 32 ? 32 : KEY_REMEMBER_MAX;
        key->text = arena_alloc(&reader->arena, key->cap);
    }
    memcpy((char *)(uintptr_t)key->text, at, len);
    memset(key->head, 0, sizeof key->head);
    memcpy(key->head, at, len < 16 ? len : 16);
    key->len = len;
    key->mask = len < 16 ? (1u << len) - 1 : 0xFFFF;
    key->field = field;
}

// Reads the key at [at] the long way, remembers it, and returns the byte behind its colon.
static NOINLINE char *key_slow(JsonReader *reader, JsonNode *node, uint32_t place, char *at,
                               int32_t *field) {
    bool escaped;
    if (*at != '"') return bad_syntax(reader, at);
    char *to = json_string_end(at + 1, reader->end, reader->lines, &escaped);
    if (!to) return bad_syntax(reader, at);
    Str name = {at + 1, (uint32_t)(to - at) - 2};
    if (escaped) {
        // The key itself stays as it is: another reader may come by.
        reader->scratch.len = 0;
        buf_put_str(&reader->scratch, name);
        name.len = json_unescape(reader->scratch.ptr, name.len);
        if (name.len == UINT32_MAX) return bad_syntax(reader, at);
        name.ptr = reader->scratch.ptr;
    }
    *field = (int32_t)(intptr_t)map_get(&node->by_name, name) - 1;
    to = json_skip_blank(reader, to);
    if (*to != ':') return bad_syntax(reader, to);
    to++;
    key_remember(reader, node, place, at, (uint32_t)(to - at), *field);
    return to;
}

// All wanted fields are found and [at] is the next key: behind the object. Where the line ends with
// a brace, as it nearly always does, that is not looked at.
static char *record_end(JsonReader *reader, char *at) {
    char *end = (char *)(uintptr_t)reader->end;
    char *to = reader->lines ? memchr(at, '\n', (size_t)(end - at)) : end;
    if (!to) to = end;
    char *last = to;
    while (last > at &&
           (last[-1] == ' ' || last[-1] == '\r' || last[-1] == '\t' || last[-1] == '\n')) {
        last--;
    }
    if (last > at && last[-1] == '}') return to;
    to = json_container_end(at, reader->end, reader->lines);
    return to ? to : bad_syntax(reader, at);
}

// What no member of the object gave is NULL.
static NOINLINE void fill_null(const JsonNode *node, Vec **columns, uint32_t row,
                               const uint64_t *seen) {
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (!node->child[i].sparse && !bits_get(seen, i)) slot_null(columns[i], row);
    }
}

// The same key again: the later value counts.
static COLD void forget_value(const JsonNode *child, Vec *vec, uint32_t row) {
    if (child->sparse) {
        slot_null_slow(vec, row);
    } else {
        clear_nulls(vec, row);
    }
}

static COLD char *field_missing(JsonReader *reader, const JsonNode *node, const uint64_t *seen) {
    uint32_t i = 0;
    while (i < node->child_count && bits_get(seen, i)) i++;
    reader->conversion = false;
    reader->missing = true;
    return failed_in(reader, i < node->child_count ? node->type->field[i] : STR("(not read)"));
}

static NOINLINE bool field_fails(const JsonReader *reader, uint32_t field, const Vec *vec,
                                 uint32_t row) {
    for (uint32_t i = 0; i < reader->filter_count; i++) {
        const FilterTerm *term = &reader->filter[i];
        if (term->column == field && !filter_term_passes(term, vec, row)) return true;
    }
    return false;
}

static bool record_fails(const JsonReader *reader, Vec **columns, uint32_t row) {
    for (uint32_t i = 0; i < reader->filter_count; i++) {
        const FilterTerm *term = &reader->filter[i];
        if (!filter_term_passes(term, columns[term->column], row)) return true;
    }
    return false;
}

// The record failed the filter at the field before [at]. What it has written so far is taken back:
// of the many records like it most have not written much.
static char *drop_record(JsonReader *reader, const JsonNode *node, Vec **columns, uint32_t row,
                         const uint64_t *seen, char *at) {
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (bits_get(seen, i)) slot_undo(columns[i], row);
    }
    reader->dropped = true;
    return record_end(reader, at);
}

static inline char *object(JsonReader *reader, JsonNode *node, Vec **columns, uint32_t row,
                           char *at, bool top) {
    enum { SEEN_WORDS = 4 };
    uint64_t few[SEEN_WORDS] = {0}, *seen = few;
    if (__builtin_expect(node->child_count > SEEN_WORDS * 64, 0)) {
        seen = ARENA_ARRAY(columns[0]->arena, uint64_t, BITS_WORDS(node->child_count));
    }
    uint32_t found = 0;
    bool repeated = false;
    at++;
    if (*at != '"') at = json_skip_blank(reader, at);
    if (*at == '}') {
        at++;
    } else {
        for (uint32_t place = 0;; place++) {
            if (found == node->declared && !reader->options.tree) {
                if (*at != '"') return bad_syntax(reader, at);
                // Jackson's parser counts a key that comes twice as two fields found, and so do we.
                if (repeated) fill_null(node, columns, row, seen);
                if (top) return record_end(reader, at);
                at = json_container_end(at, reader->end, reader->lines);
                return at ? at : bad_syntax(reader, reader->end);
            }
            int32_t field;
            if (place < node->key_count && key_matches(reader, &node->key[place], at)) {
                at += node->key[place].len;
                field = node->key[place].field;
            } else {
                at = key_slow(reader, node, place, at, &field);
                if (!at) return NULL;
            }
            if ((unsigned char)*at <= ' ') at = json_skip_blank(reader, at);
            if (field < 0) {
                if (field == FIELD_UNREAD) found++;
                char *next = json_value_end(at, reader->end, reader->lines);
                if (!next) return bad_syntax(reader, at);
                at = next;
            } else {
                if (__builtin_expect(bits_get(seen, (uint32_t)field), 0)) {
                    forget_value(&node->child[field], columns[field], row);
                    repeated = true;
                }
                bits_set(seen, (uint32_t)field);
                found++;
                at = value(reader, &node->child[field], columns[field], row, at);
                if (!at) {
                    bool named = reader->conversion || reader->missing;
                    return named ? failed_in(reader, node->type->field[field]) : NULL;
                }
                if (__builtin_expect(node->child[field].filtered, 0) && top &&
                    field_fails(reader, (uint32_t)field, columns[field], row)) {
                    return drop_record(reader, node, columns, row, seen, at);
                }
            }
            if ((unsigned char)*at <= ' ') at = json_skip_blank(reader, at);
            if (at >= reader->end) return bad_syntax(reader, at);
            if (*at == ',') {
                at++;
                if (*at != '"') at = json_skip_blank(reader, at);
            } else if (*at == '}') {
                at++;
                break;
            } else {
                return bad_syntax(reader, at);
            }
        }
    }
    if (found < node->declared || repeated) {
        if (found < node->declared && reader->options.fail_on_missing) {
            return field_missing(reader, node, seen);
        }
        fill_null(node, columns, row, seen);
    }
    return at;
}

static NOINLINE char *row_value(JsonReader *reader, const JsonNode *node, Vec *vec, uint32_t row,
                                char *at) {
    if (*at != '{') return wrong_kind(reader, node, vec, row, at);
    if (++reader->depth > JSON_DEPTH_MAX) return bad_syntax(reader, at);
    at = object(reader, (JsonNode *)(uintptr_t)node, vec->child, row, at, false);
    reader->depth--;
    return at;
}

char *json_read_object(JsonReader *reader, Vec **columns, uint32_t row, char *at, bool skip_rest) {
    reader->depth = 0;
    reader->path.len = 0;
    reader->missing = reader->not_text = false;
    reader->bad = (Str){"", 0};
    if (*at != '{' || at >= reader->end) return bad_syntax(reader, at);
    reader->dropped = false;
    at = object(reader, &reader->root, columns, row, at, skip_rest && !reader->whole);
    if (at && !reader->dropped && reader->filter_count) {
        reader->dropped = record_fails(reader, columns, row);
        for (uint32_t i = 0; reader->dropped && i < reader->root.child_count; i++) {
            slot_undo(columns[i], row);
        }
    }
    return at;
}

// The tree --------------------------------------------------------------------------------------

static const JsonOp OPS[TYPE_KIND_COUNT_] = {
    [TYPE_NULL] = JSON_NULL,        [TYPE_BOOLEAN] = JSON_BOOL,
    [TYPE_TINYINT] = JSON_I8,       [TYPE_SMALLINT] = JSON_I16,
    [TYPE_INT] = JSON_I32,          [TYPE_BIGINT] = JSON_I64,
    [TYPE_FLOAT] = JSON_F32,        [TYPE_DOUBLE] = JSON_F64,
    [TYPE_DECIMAL] = JSON_DECIMAL,  [TYPE_CHAR] = JSON_TEXT,
    [TYPE_VARCHAR] = JSON_TEXT,     [TYPE_BINARY] = JSON_BYTES,
    [TYPE_VARBINARY] = JSON_BYTES,  [TYPE_DATE] = JSON_DATE,
    [TYPE_TIME] = JSON_TIME,        [TYPE_TIMESTAMP] = JSON_STAMP,
    [TYPE_TIMESTAMP_LTZ] = JSON_LTZ, [TYPE_INTERVAL_MONTHS] = JSON_I32,
    [TYPE_INTERVAL_SECONDS] = JSON_I64, [TYPE_ARRAY] = JSON_ARRAY,
    [TYPE_MULTISET] = JSON_MAP,     [TYPE_MAP] = JSON_MAP,
    [TYPE_ROW] = JSON_ROW,
};

static int32_t field_index(const Type *row, Str name) {
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (str_eq(row->field[i], name)) return (int32_t)i;
    }
    return -1;
}

// The node of [type], which is [full] or a pruned part of it.
static void compile(Arena *arena, JsonNode *node, const Type *type, const Type *full, bool sparse) {
    node->op = OPS[type->kind];
    node->sparse = sparse;
    node->type = type;
    node->child_count = type->child_count;
    node->declared = full->child_count;
    node->child = ARENA_ARRAY(arena, JsonNode, type->child_count);
    for (uint32_t i = 0; i < type->child_count; i++) {
        int32_t at = node->op == JSON_ROW ? field_index(full, type->field[i]) : (int32_t)i;
        const Type *whole = at < 0 ? type->child[i] : full->child[at];
        compile(arena, &node->child[i], type->child[i], whole, sparse && node->op == JSON_ROW);
    }
    if (node->op != JSON_ROW) return;
    for (uint32_t i = 0; i < full->child_count; i++) {
        intptr_t at = field_index(type, full->field[i]);
        if (at < 0) at = FIELD_UNREAD;
        (void)map_put(&node->by_name, full->field[i], (void *)(at + 1));
    }
}

Status json_reader_init(JsonReader *reader, const Type *wanted, const Type *full,
                        const JsonOptions *options, Error *err) {
    TRY(json_check_type(wanted, err));
    *reader = (JsonReader){.options = *options};
    arena_init(&reader->arena);
    compile(&reader->arena, &reader->root, wanted, full, true);
    for (uint32_t i = 0; i < wanted->child_count; i++) {
        // The columns themselves are dense unless they are rows.
        JsonNode *column = &reader->root.child[i];
        if (column->op != JSON_ROW) column->sparse = false;
    }
    return ST_OK;
}

void json_reader_filter(JsonReader *reader, const FilterTerm *filter, uint32_t count) {
    reader->filter = filter;
    reader->filter_count = count;
    // A field that is missing is an error even of a record that nobody wants: look for all first.
    if (reader->options.fail_on_missing) return;
    for (uint32_t i = 0; i < count; i++) reader->root.child[filter[i].column].filtered = true;
}

static void clear_names(JsonNode *node) {
    map_clear(&node->by_name);
    for (uint32_t i = 0; i < node->child_count; i++) clear_names(&node->child[i]);
}

void json_reader_clear(JsonReader *reader) {
    clear_names(&reader->root);
    arena_clear(&reader->arena);
    buf_free(&reader->scratch);
    buf_free(&reader->path);
}
