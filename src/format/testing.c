#include "format/testing.h"

#include <stdlib.h>

#include "format/builtin.h"
#include "type/java_print.h"

static void skip(const char **at) {
    while (**at == ' ' || **at == ',') ++*at;
}

static bool word(const char **at, const char *expected) {
    size_t len = strlen(expected);
    skip(at);
    if (strncmp(*at, expected, len) != 0) return false;
    char next = (*at)[len];
    if ((next >= 'A' && next <= 'Z') || next == '_') return false;
    *at += len;
    return true;
}

static int32_t number(const char **at, int32_t fallback) {
    skip(at);
    if (**at == '(') ++*at;
    skip(at);
    if (**at < '0' || **at > '9') return fallback;
    int32_t value = (int32_t)strtol(*at, (char **)(uintptr_t)at, 10);
    skip(at);
    if (**at == ')') ++*at;
    return value;
}

static const Type *fields(Arena *arena, const char **at);

static const Type *parse_type(Arena *arena, const char **at) {
    const Type *type = NULL;
    if (word(at, "ARRAY") || word(at, "MULTISET")) {
        bool array = (*at)[-1] == 'Y';
        ++*at;
        const Type *element = parse_type(arena, at);
        ++*at;
        return array ? type_array(arena, element, true) : type_multiset(arena, element, true);
    }
    if (word(at, "MAP")) {
        ++*at;
        const Type *key = parse_type(arena, at), *value = parse_type(arena, at);
        ++*at;
        return type_map(arena, key, value, true);
    }
    if (word(at, "ROW")) {
        ++*at;
        type = fields(arena, at);
        ++*at;
        return type;
    }
    if (word(at, "DECIMAL")) {
        int32_t precision = number(at, 10);
        return type_decimal(arena, precision, number(at, 0), true);
    }
    if (word(at, "TIMESTAMP_LTZ")) return type_timestamp_ltz(arena, number(at, 6), true);
    if (word(at, "TIMESTAMP")) return type_timestamp(arena, number(at, 6), true);
    if (word(at, "TIME")) return type_time(arena, number(at, 0), true);
    if (word(at, "CHAR")) return type_char(arena, number(at, 1), true);
    if (word(at, "VARCHAR")) return type_varchar(arena, number(at, 1), true);
    static const struct {
        const char *name;
        TypeKind kind;
    } SIMPLE[] = {{"BOOLEAN", TYPE_BOOLEAN}, {"TINYINT", TYPE_TINYINT}, {"SMALLINT", TYPE_SMALLINT},
                  {"INT", TYPE_INT},         {"BIGINT", TYPE_BIGINT},   {"FLOAT", TYPE_FLOAT},
                  {"DOUBLE", TYPE_DOUBLE},   {"STRING", TYPE_VARCHAR},  {"BYTES", TYPE_VARBINARY},
                  {"DATE", TYPE_DATE}};
    for (size_t i = 0; i < sizeof SIMPLE / sizeof *SIMPLE; i++) {
        if (word(at, SIMPLE[i].name)) return type_of(SIMPLE[i].kind, true);
    }
    UNREACHABLE();  // testing.c knows no such type
    return NULL;
}

static const Type *fields(Arena *arena, const char **at) {
    const Type *child[64];
    Str name[64];
    uint32_t count = 0;
    for (skip(at); **at && **at != '>'; skip(at)) {
        const char *from = *at;
        while (**at != ' ') ++*at;
        name[count] = str_dup(arena, str_make(from, (size_t)(*at - from)));
        child[count++] = parse_type(arena, at);
    }
    return type_row(arena, count, child, name, true);
}

const Type *testing_schema(Arena *arena, const char *text) {
    return fields(arena, &text);
}

static void print_value(const Vec *vec, uint32_t row, Buf *out) {
    if (vec_is_null(vec, row)) {
        buf_puts(out, "NULL");
        return;
    }
    switch (vec->type->kind) {
        case TYPE_BOOLEAN: buf_puts(out, vec_u8(vec)[row] ? "TRUE" : "FALSE"); break;
        case TYPE_FLOAT: print_f32(vec_f32(vec)[row], out); break;
        case TYPE_DOUBLE: print_f64(vec_f64(vec)[row], out); break;
        case TYPE_DECIMAL:
            print_decimal(vec_i128(vec)[row], vec->type->scale, true, false, out);
            break;
        case TYPE_CHAR:
        case TYPE_VARCHAR: buf_put_str(out, vec_str(vec)[row]); break;
        case TYPE_BINARY:
        case TYPE_VARBINARY: print_base64(vec_str(vec)[row], out); break;
        case TYPE_DATE: print_date(vec_i32(vec)[row], out); break;
        case TYPE_TIME: print_time(vec_i32(vec)[row], out); break;
        case TYPE_TIMESTAMP: print_timestamp(vec_timestamp(vec, row), ' ', false, out); break;
        case TYPE_TIMESTAMP_LTZ: print_timestamp(vec_timestamp(vec, row), ' ', true, out); break;
        case TYPE_ARRAY:
        case TYPE_MAP:
        case TYPE_MULTISET: {
            ListView list = vec_list(vec)[row];
            buf_putc(out, vec->type->kind == TYPE_ARRAY ? '[' : '{');
            for (uint32_t i = 0; i < list.count; i++) {
                if (i) buf_puts(out, ", ");
                print_value(vec->child[0], list.offset + i, out);
                if (vec->type->kind == TYPE_ARRAY) continue;
                buf_putc(out, '=');
                print_value(vec->child[1], list.offset + i, out);
            }
            buf_putc(out, vec->type->kind == TYPE_ARRAY ? ']' : '}');
            break;
        }
        case TYPE_ROW:
            buf_putc(out, '(');
            for (uint32_t i = 0; i < vec->type->child_count; i++) {
                if (i) buf_puts(out, ", ");
                print_value(vec->child[i], row, out);
            }
            buf_putc(out, ')');
            break;
        default: print_i64(vec_integer(vec, row), out);
    }
}

void testing_print(const Batch *batch, Buf *out) {
    for (uint32_t row = 0; row < batch->rows; row++) {
        buf_puts(out, row_kind_name(batch_kind(batch, row)));
        buf_putc(out, '[');
        for (uint32_t i = 0; i < batch->schema->child_count; i++) {
            if (i) buf_puts(out, ", ");
            print_value(batch->column[i], row, out);
        }
        buf_puts(out, "]\n");
    }
}

void format_case(FormatCase *c, const char *format, const char *schema, const char *options) {
    formats_register();
    *c = (FormatCase){0};
    arena_init(&c->arena);
    c->format = format_find(str_c(format));
    ASSERT(c->format);
    c->schema = testing_schema(&c->arena, schema);
    while (options && *options) {
        const char *equals = strchr(options, '='), *stop = strchr(equals, ';');
        size_t len = stop ? (size_t)(stop - equals) - 1 : strlen(equals + 1);
        (void)map_put(&c->map, str_make(options, (size_t)(equals - options)),
                      (void *)(uintptr_t)str_cstr(&c->arena, str_make(equals + 1, len)));
        options = stop ? stop + 1 : NULL;
    }
    c->spec = (DecodeSpec){
        .full = c->schema,
        .wanted = c->schema,
        .options = {.map = &c->map, .owner = STR("t"), .defs = c->format->options},
        .zone = zone_utc(),
    };
}

void format_case_want(FormatCase *c, const char *wanted) {
    c->spec.wanted = testing_schema(&c->arena, wanted);
}

void format_case_end(FormatCase *c) {
    map_clear(&c->map);
    buf_free(&c->out);
    arena_clear(&c->arena);
}

static void take(FormatCase *c, Decoder *decoder) {
    Batch *batch = decoder_take(decoder);
    if (batch) testing_print(batch, &c->out);
    batch_unref(batch);
}

const char *format_decode_bytes(FormatCase *c, const char *bytes, size_t size) {
    Decoder *decoder = NULL;
    c->out.len = 0;
    Status st =
        c->format->check ? c->format->check(c->schema, &c->spec.options, true, &c->err) : ST_OK;
    if (!st) st = c->format->decoder_new(&c->spec, &decoder, &c->err);
    // Each call gets a buffer of its own, as from a reader that carries the rest over.
    char *copy = NULL;
    size_t from = 0, have = 0;
    for (bool at_end = false; !st && !at_end;) {
        size_t more = c->piece && c->piece < size - from - have ? c->piece : size - from - have;
        have += more;
        at_end = from + have == size;
        mem_free(copy);
        copy = mem_alloc(have + DECODE_PADDING);
        memset(copy, 'x', have + DECODE_PADDING);
        memcpy(copy, bytes + from, have);
        size_t used = 0, done = 0;
        do {
            st = decoder->vt->stream(decoder, copy + done, have - done, at_end, &used, &c->err);
            done += used;
            bool full = decoder_full(decoder);
            take(c, decoder);  // the copy goes: what points into it must be printed before
            if (!full) break;
        } while (!st);
        from += done;
        have -= done;
    }
    if (st) buf_printf(&c->out, "error: %s\n", c->err.message);
    mem_free(copy);
    if (decoder) decoder->vt->close(decoder);
    return buf_cstr(&c->out);
}

const char *format_decode(FormatCase *c, const char *bytes) {
    return format_decode_bytes(c, bytes, strlen(bytes));
}

const char *format_decode_messages(FormatCase *c, const char *bytes) {
    Decoder *decoder = NULL;
    c->out.len = 0;
    Status st = c->format->decoder_new(&c->spec, &decoder, &c->err);
    for (const char *line = bytes; !st && *line;) {
        const char *feed = strchr(line, '\n');
        size_t len = feed ? (size_t)(feed - line) : strlen(line);
        char *copy = mem_alloc(len + DECODE_PADDING);
        memset(copy, '"', len + DECODE_PADDING);
        memcpy(copy, line, len);
        st = decoder->vt->message(decoder, str_make(copy, len), false, &c->err);
        memset(copy, 'x', len);
        mem_free(copy);
        line += len + (feed != NULL);
    }
    if (decoder) take(c, decoder);
    if (st) buf_printf(&c->out, "error: %s\n", c->err.message);
    if (decoder) decoder->vt->close(decoder);
    return buf_cstr(&c->out);
}

// Reads a file with [reader] and [spec], writes its rows with c's format. NUL bytes come out too:
// c->out.len says how much there is.
static const char *rewrite(FormatCase *c, const Format *reader, const DecodeSpec *spec,
                           const char *bytes, size_t len) {
    Decoder *decoder = NULL;
    Encoder *encoder = NULL;
    EncodeSpec target = {.schema = c->schema, .options = c->spec.options, .zone = zone_utc()};
    c->out.len = 0;
    Status st = reader->decoder_new(spec, &decoder, &c->err);
    if (!st) st = c->format->encoder_new(&target, &encoder, &c->err);
    size_t used;
    char *copy = mem_alloc(len + DECODE_PADDING);
    memset(copy, 0, len + DECODE_PADDING);
    memcpy(copy, bytes, len);
    if (!st) st = decoder->vt->stream(decoder, copy, len, true, &used, &c->err);
    Batch *batch = st ? NULL : decoder_take(decoder);
    for (uint32_t row = 0; !st && batch && row < batch->rows; row++) {
        st = encoder->vt->row(encoder, batch, row, &c->out, &c->err);
        buf_putc(&c->out, '\n');
    }
    if (st) buf_printf(&c->out, "error: %s\n", c->err.message);
    batch_unref(batch);
    mem_free(copy);
    if (decoder) decoder->vt->close(decoder);
    if (encoder) encoder->vt->close(encoder);
    return buf_cstr(&c->out);
}

const char *format_rewrite(FormatCase *c, const char *bytes, size_t size) {
    return rewrite(c, c->format, &c->spec, bytes, size);
}

const char *format_encode(FormatCase *c, const char *json) {
    Map none = {0};
    DecodeSpec spec = c->spec;
    const Format *reader = format_find(STR("json"));
    spec.options = (Options){.map = &none, .owner = STR("t"), .defs = reader->options};
    return rewrite(c, reader, &spec, json, strlen(json));
}
