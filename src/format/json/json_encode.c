// Columns to JSON, byte for byte as Flink's RowDataToJsonConverters and Jackson write it.
#include "format/json/json_int.h"
#include "type/java_print.h"

typedef struct JsonEncoder {
    Encoder base;
    JsonWriter writer;
    const Type *schema;
} JsonEncoder;

static Status put_value(const JsonWriter *writer, const Vec *vec, uint32_t row, Buf *out,
                        Error *err);

static void put_real(double value, bool single, Buf *out) {
    // Jackson quotes what is no JSON number.
    bool finite = value - value == 0;
    if (!finite) buf_putc(out, '"');
    if (single) {
        print_f32((float)value, out);
    } else {
        print_f64(value, out);
    }
    if (!finite) buf_putc(out, '"');
}

static Status put_map(const JsonWriter *writer, const Vec *vec, uint32_t row, Buf *out,
                      Error *err) {
    ListView list = vec_list(vec)[row];
    bool first = true;
    buf_putc(out, '{');
    for (uint32_t i = list.offset; i < list.offset + list.count; i++) {
        Str key = vec_str(vec->child[0])[i];
        if (vec_is_null(vec->child[0], i)) {
            if (writer->null_keys == NULL_KEYS_DROP) continue;
            if (writer->null_keys == NULL_KEYS_FAIL) {
                return error_set(
                    err, ST_RUNTIME,
                    "JSON format doesn't support to serialize map data with null keys. You "
                    "can drop null key entries or encode null in literals by specifying "
                    "map-null-key.mode option.");
            }
            key = writer->null_key;
        }
        if (!first) buf_putc(out, ',');
        first = false;
        json_print_text(key, 0, out);
        buf_putc(out, ':');
        TRY(put_value(writer, vec->child[1], i, out, err));
    }
    buf_putc(out, '}');
    return ST_OK;
}

Status json_put_row(const JsonWriter *writer, const Type *type, Vec *const *field, uint32_t row,
                    Buf *out, Error *err) {
    bool first = true;
    buf_putc(out, '{');
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (writer->ignore_nulls && vec_is_null(field[i], row)) continue;
        if (!first) buf_putc(out, ',');
        first = false;
        json_print_text(type->field[i], 0, out);
        buf_putc(out, ':');
        TRY(put_value(writer, field[i], row, out, err));
    }
    buf_putc(out, '}');
    return ST_OK;
}

static Status put_value(const JsonWriter *writer, const Vec *vec, uint32_t row, Buf *out,
                        Error *err) {
    if (vec_is_null(vec, row)) {
        buf_puts(out, "null");
        return ST_OK;
    }
    char between = writer->iso ? 'T' : ' ';
    switch (vec->type->kind) {
        case TYPE_NULL: buf_puts(out, "null"); return ST_OK;
        case TYPE_BOOLEAN: buf_puts(out, vec_u8(vec)[row] ? "true" : "false"); return ST_OK;
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_INTERVAL_MONTHS:
        case TYPE_INTERVAL_SECONDS: print_i64(vec_integer(vec, row), out); return ST_OK;
        case TYPE_FLOAT: put_real((double)vec_f32(vec)[row], true, out); return ST_OK;
        case TYPE_DOUBLE: put_real(vec_f64(vec)[row], false, out); return ST_OK;
        case TYPE_DECIMAL:
            print_decimal(vec_i128(vec)[row], vec->type->scale, writer->plain_decimals,
                          !writer->plain_decimals, out);
            return ST_OK;
        case TYPE_CHAR:
        case TYPE_VARCHAR: json_print_text(vec_str(vec)[row], 0, out); return ST_OK;
        case TYPE_ARRAY: {
            ListView list = vec_list(vec)[row];
            buf_putc(out, '[');
            for (uint32_t i = 0; i < list.count; i++) {
                if (i) buf_putc(out, ',');
                TRY(put_value(writer, vec->child[0], list.offset + i, out, err));
            }
            buf_putc(out, ']');
            return ST_OK;
        }
        case TYPE_MAP:
        case TYPE_MULTISET: return put_map(writer, vec, row, out, err);
        case TYPE_ROW: return json_put_row(writer, vec->type, vec->child, row, out, err);
        default: break;
    }
    buf_putc(out, '"');
    switch (vec->type->kind) {
        case TYPE_BINARY:
        case TYPE_VARBINARY: print_base64(vec_str(vec)[row], out); break;
        case TYPE_DATE: print_date(vec_i32(vec)[row], out); break;
        case TYPE_TIME: print_time(vec_i32(vec)[row], out); break;
        case TYPE_TIMESTAMP: print_timestamp(vec_timestamp(vec, row), between, false, out); break;
        case TYPE_TIMESTAMP_LTZ:
            print_timestamp(vec_timestamp(vec, row), between, true, out);
            break;
        default: UNREACHABLE();  // json_check_type
    }
    buf_putc(out, '"');
    return ST_OK;
}

static Status json_row(Encoder *base, const Batch *batch, uint32_t row, Buf *out, Error *err) {
    JsonEncoder *self = (JsonEncoder *)base;
    return json_put_row(&self->writer, self->schema, batch->column, row, out, err);
}

static void json_encoder_close(Encoder *base) {
    mem_free(base);
}

static const EncoderVt JSON_ENCODER = {.row = json_row, .close = json_encoder_close};

JsonWriter json_writer(const Options *options) {
    Str mode = str_c(options_get(options, "map-null-key.mode"));
    return (JsonWriter){
        .iso = strcmp(options_get(options, "timestamp-format.standard"), "ISO-8601") == 0,
        .plain_decimals = options_bool(options, "encode.decimal-as-plain-number"),
        .ignore_nulls = options_bool(options, "encode.ignore-null-fields"),
        .null_keys = str_eq_nocase(mode, STR("DROP"))      ? NULL_KEYS_DROP
                     : str_eq_nocase(mode, STR("LITERAL")) ? NULL_KEYS_LITERAL
                                                           : NULL_KEYS_FAIL,
        .null_key = str_c(options_get(options, "map-null-key.literal")),
    };
}

Status json_encoder_new(const EncodeSpec *spec, Encoder **out, Error *err) {
    TRY(json_check_type(spec->schema, err));
    JsonEncoder *self = NEW(JsonEncoder);
    self->base.vt = &JSON_ENCODER;
    self->schema = spec->schema;
    self->writer = json_writer(&spec->options);
    *out = &self->base;
    return ST_OK;
}
