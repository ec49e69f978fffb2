// Columns to CSV, byte for byte as Jackson's generator writes it. A text is quoted when it is
// longer than QUOTE_CHECK_MAX or holds a byte up to the greatest of separator, quote and line feed:
// a cheap test that quotes more than it must ("a b", "+1"), and what Flink users have in their
// files.
#include "format/csv/csv_int.h"
#include "type/java_print.h"

enum { QUOTE_CHECK_MAX = 24 };  // UTF-16 units; longer texts are quoted unseen

typedef struct CsvEncoder {
    Encoder base;
    Arena arena;
    CsvDialect dialect;
    const Type *schema;
    unsigned char safe_min;  // the least byte that never asks for quotes ...
    char escape;  // ... but for this one: the backslash where there is no escape character
    Buf nested;              // an ARRAY or ROW before it is quoted
} CsvEncoder;

static bool needs_quotes(const CsvEncoder *self, Str text) {
    if (!self->dialect.has_quote) return false;
    if (text.len > QUOTE_CHECK_MAX && utf8_units16(text) > QUOTE_CHECK_MAX) return true;
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < self->safe_min || (char)c == self->escape) return true;
    }
    return false;
}

static void put_text(const CsvEncoder *self, Str text, Buf *out) {
    if (!needs_quotes(self, text)) {
        buf_put_str(out, text);
        return;
    }
    const CsvDialect *dialect = &self->dialect;
    buf_putc(out, dialect->quote);
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == dialect->quote || (dialect->has_escape && c == dialect->escape)) buf_putc(out, c);
        buf_putc(out, c);
    }
    buf_putc(out, dialect->quote);
}

// The text of a simple value; *is_text says whether it may need quotes, as numbers never do.
static void print_simple(const CsvEncoder *self, const Vec *vec, uint32_t row, bool *is_text,
                         Buf *out) {
    *is_text = false;
    switch (vec->type->kind) {
        case TYPE_BOOLEAN: buf_puts(out, vec_u8(vec)[row] ? "true" : "false"); return;
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT: print_i64(vec_integer(vec, row), out); return;
        case TYPE_FLOAT: print_f32(vec_f32(vec)[row], out); return;
        case TYPE_DOUBLE: print_f64(vec_f64(vec)[row], out); return;
        case TYPE_DECIMAL:
            print_decimal(vec_i128(vec)[row], vec->type->scale, self->dialect.plain_decimals,
                          !self->dialect.plain_decimals, out);
            return;
        default: break;
    }
    *is_text = true;
    switch (vec->type->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR: buf_put_str(out, vec_str(vec)[row]); return;
        case TYPE_BINARY:
        case TYPE_VARBINARY: print_base64(vec_str(vec)[row], out); return;
        case TYPE_DATE: print_date(vec_i32(vec)[row], out); return;
        case TYPE_TIME: print_time(vec_i32(vec)[row], out); return;
        case TYPE_TIMESTAMP: print_timestamp(vec_timestamp(vec, row), ' ', false, out); return;
        case TYPE_TIMESTAMP_LTZ: print_timestamp(vec_timestamp(vec, row), ' ', true, out); return;
        default: UNREACHABLE();  // csv_check_type
    }
}

static void put_element(CsvEncoder *self, const Vec *vec, uint32_t row, bool first) {
    bool is_text;
    if (!first) buf_put_str(&self->nested, self->dialect.element_separator);
    if (vec_is_null(vec, row)) {
        if (self->dialect.has_null) buf_put_str(&self->nested, self->dialect.null_literal);
    } else {
        print_simple(self, vec, row, &is_text, &self->nested);
    }
}

static void put_value(CsvEncoder *self, const Vec *vec, uint32_t row, Buf *out) {
    if (vec_is_null(vec, row)) {
        if (self->dialect.has_null) buf_put_str(out, self->dialect.null_literal);
        return;
    }
    if (vec->type->kind == TYPE_CHAR || vec->type->kind == TYPE_VARCHAR) {
        put_text(self, vec_str(vec)[row], out);
        return;
    }
    bool is_text = true;
    size_t from = out->len;
    self->nested.len = 0;
    if (vec->type->kind == TYPE_ARRAY) {
        ListView list = vec_list(vec)[row];
        for (uint32_t i = 0; i < list.count; i++) {
            put_element(self, vec->child[0], list.offset + i, i == 0);
        }
    } else if (vec->type->kind == TYPE_ROW) {
        for (uint32_t i = 0; i < vec->type->child_count; i++) {
            put_element(self, vec->child[i], row, i == 0);
        }
    } else {
        print_simple(self, vec, row, &is_text, out);
        if (!is_text) return;
        self->nested.len = 0;
        buf_put(&self->nested, out->ptr + from, out->len - from);
        out->len = from;
    }
    put_text(self, buf_str(&self->nested), out);
}

static Status csv_row(Encoder *base, const Batch *batch, uint32_t row, Buf *out, Error *err) {
    (void)err;
    CsvEncoder *self = (CsvEncoder *)base;
    for (uint32_t i = 0; i < self->schema->child_count; i++) {
        if (i) buf_putc(out, self->dialect.separator);
        put_value(self, batch->column[i], row, out);
    }
    return ST_OK;
}

static void csv_encoder_close(Encoder *base) {
    CsvEncoder *self = (CsvEncoder *)base;
    buf_free(&self->nested);
    arena_clear(&self->arena);
    mem_free(self);
}

static const EncoderVt CSV_ENCODER = {.row = csv_row, .close = csv_encoder_close};

Status csv_encoder_new(const EncodeSpec *spec, Encoder **out, Error *err) {
    CsvEncoder *self = NEW(CsvEncoder);
    arena_init(&self->arena);
    self->base.vt = &CSV_ENCODER;
    self->schema = spec->schema;
    Status st = csv_dialect(&spec->options, &self->dialect, &self->arena, err);
    if (!st) st = csv_check_type(spec->schema, err);
    if (st) {
        csv_encoder_close(&self->base);
        return st;
    }
    unsigned char separator = (unsigned char)self->dialect.separator;
    unsigned char quote = self->dialect.has_quote ? (unsigned char)self->dialect.quote : '\n';
    unsigned char greatest = separator > quote ? separator : quote;
    self->safe_min = (unsigned char)((greatest > '\n' ? greatest : '\n') + 1);
    self->escape = self->dialect.has_escape ? self->dialect.escape : '\\';
    *out = &self->base;
    return ST_OK;
}
