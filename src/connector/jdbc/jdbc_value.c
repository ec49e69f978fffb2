// PostgreSQL's binary values as columns, and values as PostgreSQL reads them in text. The binary
// forms are those of its send functions (src/backend/utils/adt): big endian, times in microseconds
// and dates in days since 2000-01-01, numeric in digits of base 10000.
#include "base/hex.h"
#include "connector/jdbc/jdbc_int.h"
#include "type/decimal.h"

enum { EPOCH_DAYS = 10957 };  // from 1970-01-01 to 2000-01-01
static const int64_t EPOCH_MS = (int64_t)EPOCH_DAYS * 86400000;

// ---- type names --------------------------------------------------------------------------------

void pg_type_name(const Type *type, Buf *out) {
    switch (type->kind) {
        case TYPE_BOOLEAN: buf_puts(out, "boolean"); break;
        case TYPE_TINYINT:
        case TYPE_SMALLINT: buf_puts(out, "smallint"); break;
        case TYPE_INT: buf_puts(out, "integer"); break;
        case TYPE_BIGINT: buf_puts(out, "bigint"); break;
        case TYPE_FLOAT: buf_puts(out, "real"); break;
        case TYPE_DOUBLE: buf_puts(out, "double precision"); break;
        case TYPE_DECIMAL: buf_puts(out, "numeric"); break;
        case TYPE_BINARY:
        case TYPE_VARBINARY: buf_puts(out, "bytea"); break;
        case TYPE_DATE: buf_puts(out, "date"); break;
        case TYPE_TIME: buf_puts(out, "time without time zone"); break;
        case TYPE_TIMESTAMP: buf_puts(out, "timestamp without time zone"); break;
        case TYPE_TIMESTAMP_LTZ: buf_puts(out, "timestamp with time zone"); break;
        case TYPE_ARRAY:
            pg_type_name(type->child[0], out);
            buf_puts(out, "[]");
            break;
        default: buf_puts(out, "text"); break;
    }
}

bool pg_type_fits(const Type *type, Str actual) {
    // Types whose binary form is that of text.
    static const char *const TEXTS[] = {"character varying", "character", "bpchar", "name", "json"};
    Str element = actual;
    if (type->kind == TYPE_ARRAY) {
        if (!str_ends(actual, STR("[]"))) return false;
        type = type->child[0];
        element = str_sub(actual, 0, actual.len - 2);
    }
    if (type_is_text(type)) {
        for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
            if (str_eq(element, str_c(TEXTS[i]))) return true;
        }
    }
    Buf name = {0};
    pg_type_name(type, &name);
    bool same = str_eq(element, buf_str(&name));
    buf_free(&name);
    return same;
}

// ---- reading -----------------------------------------------------------------------------------

static uint64_t read_be(const char *at, uint32_t size) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++) value = value << 8 | (unsigned char)at[i];
    return value;
}
static int16_t read_i16(const char *at) {
    return (int16_t)read_be(at, 2);
}
static int32_t read_i32(const char *at) {
    return (int32_t)read_be(at, 4);
}
static int64_t read_i64(const char *at) {
    return (int64_t)read_be(at, 8);
}

static Status bad_value(Error *err) {
    return error_set(err, ST_RUNTIME, "a value that PostgreSQL's protocol does not know");
}

// A group of four decimal digits; those that are not sent are zero.
static char *put_group(Str bytes, int32_t digits, int32_t group, char *at) {
    enum { HEAD = 8 };
    int32_t value = 0;
    if (group >= 0 && group < digits) value = read_i16(bytes.ptr + HEAD + 2 * group);
    for (int32_t unit = 1000; unit; unit /= 10) *at++ = (char)('0' + value / unit % 10);
    return at;
}

// Too many digits for the DECIMAL give NULL, as in Flink.
static Status read_numeric(Str bytes, Vec *out, uint32_t row, Error *err) {
    enum { POSITIVE = 0, NEGATIVE = 0x4000, HEAD = 8, GROUPS_MAX = 40 };
    if (bytes.len < HEAD) return bad_value(err);
    int32_t digits = read_i16(bytes.ptr), weight = read_i16(bytes.ptr + 2);
    uint32_t sign = (uint32_t)read_be(bytes.ptr + 4, 2);
    if (digits < 0 || bytes.len != HEAD + 2 * (uint32_t)digits) return bad_value(err);
    for (int32_t i = 0; i < digits; i++) {
        if (read_be(bytes.ptr + HEAD + 2 * i, 2) > 9999) return bad_value(err);
    }
    if (sign != POSITIVE && sign != NEGATIVE) {
        return error_set(err, ST_RUNTIME,
                         "a numeric that is NaN or infinite, which DECIMAL has not");
    }
    if (weight >= GROUPS_MAX) return vec_set_null(out, row), ST_OK;
    const Type *type = out->type;
    char text[8 * GROUPS_MAX], *at = text;
    if (sign == NEGATIVE) *at++ = '-';
    if (weight < 0) *at++ = '0';
    for (int32_t group = 0; group <= weight; group++) at = put_group(bytes, digits, group, at);
    *at++ = '.';
    // One digit behind the scale decides how to round: the groups behind it are not looked at.
    for (int32_t group = 1; group <= type->scale / 4 + 2; group++) {
        at = put_group(bytes, digits, weight + group, at);
    }
    i128 value;
    if (decimal_parse(str_make(text, (size_t)(at - text)), type->precision, type->scale, &value)) {
        vec_i128(out)[row] = value;
    } else {
        vec_set_null(out, row);
    }
    return ST_OK;
}

static Status read_timestamp(int64_t micros, Vec *out, uint32_t row, Error *err) {
    if (micros == INT64_MAX || micros == INT64_MIN) {
        return error_set(err, ST_RUNTIME, "an infinite timestamp, which TIMESTAMP has not");
    }
    int64_t ms = micros / 1000, rest = micros % 1000;
    if (rest < 0) {
        rest += 1000;
        ms--;
    }
    int32_t ns = (int32_t)rest * 1000;
    for (int32_t p = 9, unit = 1; p > out->type->precision && p > 3; p--) {
        unit *= 10;
        ns -= ns % unit;
    }
    vec_set_timestamp(out, row, (Timestamp){ms + EPOCH_MS, ns, 0});
    return ST_OK;
}

static Status read_array(Str bytes, Vec *out, uint32_t row, Error *err) {
    enum { HEAD = 12, DIMENSION = 8 };
    if (bytes.len < HEAD) return bad_value(err);
    int32_t dimensions = read_i32(bytes.ptr);
    uint32_t at = HEAD, count = 0;
    if (dimensions > 1) {
        return error_set(err, ST_RUNTIME, "an array of %d dimensions; ARRAY has one", dimensions);
    }
    if (dimensions == 1) {
        if (bytes.len < HEAD + DIMENSION) return bad_value(err);
        int32_t size = read_i32(bytes.ptr + HEAD);
        at += DIMENSION;
        if (size < 0 || (uint32_t)size > bytes.len / 4) return bad_value(err);
        count = (uint32_t)size;
    }
    uint32_t slot = vec_list_begin(out, row, count);
    for (uint32_t i = 0; i < count; i++) {
        if (bytes.len - at < 4) return bad_value(err);
        int32_t len = read_i32(bytes.ptr + at);
        at += 4;
        if (len >= 0 && (uint32_t)len > bytes.len - at) return bad_value(err);
        Str one = len < 0 ? (Str){0} : str_sub(bytes, at, (uint32_t)len);
        TRY(pg_read(one, out->child[0], slot + i, err));
        if (len > 0) at += (uint32_t)len;
    }
    return ST_OK;
}

Status pg_read(Str bytes, Vec *out, uint32_t row, Error *err) {
    static const uint8_t SIZES[TYPE_KIND_COUNT_] = {
        [TYPE_BOOLEAN] = 1, [TYPE_TINYINT] = 2, [TYPE_SMALLINT] = 2, [TYPE_INT] = 4,
        [TYPE_BIGINT] = 8, [TYPE_FLOAT] = 4, [TYPE_DOUBLE] = 8, [TYPE_DATE] = 4, [TYPE_TIME] = 8,
        [TYPE_TIMESTAMP] = 8, [TYPE_TIMESTAMP_LTZ] = 8,
    };
    TypeKind kind = out->type->kind;
    if (!bytes.ptr) return vec_set_null(out, row), ST_OK;
    if (SIZES[kind] && bytes.len != SIZES[kind]) return bad_value(err);
    switch (kind) {
        case TYPE_BOOLEAN: vec_u8(out)[row] = bytes.ptr[0] != 0; return ST_OK;
        case TYPE_TINYINT: {
            int16_t value = read_i16(bytes.ptr);
            if (value < INT8_MIN || value > INT8_MAX) {
                return error_set(err, ST_RUNTIME, "%d, which is no TINYINT", value);
            }
            vec_i8(out)[row] = (int8_t)value;
            return ST_OK;
        }
        case TYPE_SMALLINT: vec_i16(out)[row] = read_i16(bytes.ptr); return ST_OK;
        case TYPE_INT: vec_i32(out)[row] = read_i32(bytes.ptr); return ST_OK;
        case TYPE_BIGINT: vec_i64(out)[row] = read_i64(bytes.ptr); return ST_OK;
        case TYPE_FLOAT: {
            uint32_t bits = (uint32_t)read_be(bytes.ptr, 4);
            memcpy(&vec_f32(out)[row], &bits, sizeof bits);
            return ST_OK;
        }
        case TYPE_DOUBLE: {
            uint64_t bits = read_be(bytes.ptr, 8);
            memcpy(&vec_f64(out)[row], &bits, sizeof bits);
            return ST_OK;
        }
        case TYPE_DECIMAL: return read_numeric(bytes, out, row, err);
        case TYPE_DATE: {
            int32_t days = read_i32(bytes.ptr);
            if (days == INT32_MAX || days == INT32_MIN) {
                return error_set(err, ST_RUNTIME, "an infinite date, which DATE has not");
            }
            vec_i32(out)[row] = days + EPOCH_DAYS;
            return ST_OK;
        }
        case TYPE_TIME: vec_i32(out)[row] = (int32_t)(read_i64(bytes.ptr) / 1000); return ST_OK;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: return read_timestamp(read_i64(bytes.ptr), out, row, err);
        case TYPE_ARRAY: return read_array(bytes, out, row, err);
        default: vec_set_text(out, row, bytes); return ST_OK;
    }
}

// ---- writing -----------------------------------------------------------------------------------

void pg_text(const TaskEnv *env, const Vec *vec, uint32_t row, Buf *out) {
    const Type *type = vec->type;
    if (type_is_text(type)) {
        buf_put_str(out, vec_str(vec)[row]);
    } else if (type_is_bytes(type)) {
        buf_puts(out, "\\x");
        buf_put_hex(out, vec_str(vec)[row]);
    } else if (type_is_integer(type)) {
        buf_printf(out, "%lld", (long long)vec_integer(vec, row));
    } else if (type->kind == TYPE_TIMESTAMP_LTZ) {  // as UTC, and said so
        Arena arena;
        arena_init(&arena);
        const Type *utc = type_timestamp(&arena, type->precision, true);
        env->value_print(env, vec_retype(&arena, vec, utc), row, out);
        buf_puts(out, "+00");
        arena_clear(&arena);
    } else if (type->kind == TYPE_ARRAY) {
        ListView view = vec_list(vec)[row];
        pg_array(env, vec->child[0], view.offset, view.count, out);
    } else {
        env->value_print(env, vec, row, out);
    }
}

void pg_array_item(const TaskEnv *env, const Vec *vec, uint32_t row, bool first, Buf *out) {
    if (!first) buf_putc(out, ',');
    if (vec_is_null(vec, row)) {
        buf_puts(out, "NULL");
        return;
    }
    if (type_is_numeric(vec->type)) {
        pg_text(env, vec, row, out);
        return;
    }
    buf_putc(out, '"');
    size_t from = out->len;
    pg_text(env, vec, row, out);
    // What needs a backslash is rare: the text is written first, and looked through then.
    size_t more = 0;
    for (size_t i = from; i < out->len; i++) more += out->ptr[i] == '"' || out->ptr[i] == '\\';
    if (more) {
        size_t read = out->len;
        (void)buf_reserve(out, more);
        out->len += more;
        for (size_t write = out->len; read > from;) {
            char c = out->ptr[--read];
            out->ptr[--write] = c;
            if (c == '"' || c == '\\') out->ptr[--write] = '\\';
        }
    }
    buf_putc(out, '"');
}

void pg_array(const TaskEnv *env, const Vec *vec, uint32_t from, uint32_t count, Buf *out) {
    buf_putc(out, '{');
    for (uint32_t i = 0; i < count; i++) pg_array_item(env, vec, from + i, i == 0, out);
    buf_putc(out, '}');
}
