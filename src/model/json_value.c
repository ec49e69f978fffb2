#include "model/json_value.h"

#include <math.h>

#include "func/cast.h"
#include "type/decimal.h"
#include "type/number.h"

// ---- out ---------------------------------------------------------------------------------------

static void put_approx(double value, bool is_float, Buf *out) {
    char text[NUMBER_TEXT_MAX];
    uint32_t len = is_float ? f32_print((float)value, text) : f64_print(value, text);
    if (isfinite(value)) {
        buf_put(out, text, len);
    } else {  // no number of JSON
        buf_putc(out, '"');
        buf_put(out, text, len);
        buf_putc(out, '"');
    }
}

void json_put_value(const Vec *vec, uint32_t row, Buf *out) {
    const Type *type = vec->type;
    if (vec_is_null(vec, row) || type->kind == TYPE_NULL) {
        buf_puts(out, "null");
    } else if (type->kind == TYPE_BOOLEAN) {
        buf_puts(out, vec_u8(vec)[row] ? "true" : "false");
    } else if (type_is_integer(type)) {
        buf_printf(out, "%lld", (long long)vec_integer(vec, row));
    } else if (type_is_approx(type)) {
        bool is_float = type->kind == TYPE_FLOAT;
        put_approx(is_float ? (double)vec_f32(vec)[row] : vec_f64(vec)[row], is_float, out);
    } else if (type->kind == TYPE_DECIMAL) {
        value_print(vec, row, NULL, false, out);
    } else if (type->kind == TYPE_ARRAY) {
        ListView list = vec_list(vec)[row];
        buf_putc(out, '[');
        for (uint32_t i = 0; i < list.count; i++) {
            if (i) buf_putc(out, ',');
            json_put_value(vec->child[0], list.offset + i, out);
        }
        buf_putc(out, ']');
    } else if (type_is_text(type)) {
        json_print_text(vec_str(vec)[row], 0, out);
    } else {
        Buf text = {0};
        value_print(vec, row, NULL, false, &text);
        json_print_text(buf_str(&text), 0, out);
        buf_free(&text);
    }
}

// ---- in ----------------------------------------------------------------------------------------

bool json_type_known(const Type *type) {
    if (type->kind == TYPE_ARRAY) return json_type_known(type->child[0]);
    return type_is_numeric(type) || type_is_text(type) || type->kind == TYPE_BOOLEAN;
}

static Status misfit(const JsonValue *value, const Type *type, Error *err) {
    enum { SHOWN_MAX = 100 };
    Buf text = {0}, name = {0};
    json_print(value, 0, &text);
    type_print_summary(type, false, &name);
    Status st = error_set(err, ST_RUNTIME, STR_FMT "%s is no " STR_FMT,
                          STR_ARG(str_sub(buf_str(&text), 0, SHOWN_MAX)),
                          text.len > SHOWN_MAX ? "…" : "", STR_ARG(buf_str(&name)));
    buf_free(&text);
    buf_free(&name);
    return st;
}

static bool read_integer(Str text, const Type *type, int64_t *out) {
    static const int64_t MOST[] = {[TYPE_TINYINT] = INT8_MAX, [TYPE_SMALLINT] = INT16_MAX,
                                   [TYPE_INT] = INT32_MAX, [TYPE_BIGINT] = INT64_MAX};
    double approx;
    if (!i64_parse(text, out)) {  // "1.0"
        if (!f64_parse_java(text, &approx) || approx != floor(approx) || fabs(approx) > 0x1p53) {
            return false;
        }
        *out = (int64_t)approx;
    }
    return *out <= MOST[type->kind] && *out >= -MOST[type->kind] - 1;
}

static bool read_scalar(const JsonValue *value, Vec *out, uint32_t row) {
    const Type *type = out->type;
    bool boolean = value->kind == JK_BOOLEAN;
    Str text = !boolean ? value->text : value->boolean ? STR("true") : STR("false");
    int64_t whole;
    double approx;
    if (type_is_text(type)) {
        vec_set_text(out, row, text);
        return true;
    }
    if (type->kind == TYPE_BOOLEAN) {
        bool truth = str_eq_nocase(text, STR("true")) || str_is(text, "1") || str_is(text, "1.0");
        vec_u8(out)[row] = truth;
        return truth || str_eq_nocase(text, STR("false")) || str_is(text, "0") ||
               str_is(text, "0.0");
    }
    if (boolean) text = value->boolean ? STR("1") : STR("0");
    text = str_trim(text);
    if (type_is_integer(type)) {
        if (!read_integer(text, type, &whole)) return false;
        vec_set_integer(out, row, whole);
        return true;
    }
    if (type->kind == TYPE_DECIMAL) {
        return decimal_parse(text, type->precision, type->scale, &vec_i128(out)[row]);
    }
    if (!f64_parse_java(text, &approx)) return false;
    if (type->kind == TYPE_FLOAT) vec_f32(out)[row] = (float)approx;
    else vec_f64(out)[row] = approx;
    return true;
}

// The values of arrays in one another, row-major, as an array of theirs: a tensor's row.
static Status read_leaves(const JsonValue *value, Vec *out, uint32_t *slot, Error *err) {
    if (value->kind != JK_ARRAY) return json_read_value(value, out, (*slot)++, err);
    for (uint32_t i = 0; i < value->count; i++) {
        TRY(read_leaves(&value->item[i], out, slot, err));
    }
    return ST_OK;
}

Status json_read_value(const JsonValue *value, Vec *out, uint32_t row, Error *err) {
    const Type *type = out->type;
    if (value->kind == JK_NULL) {
        vec_set_null(out, row);
        return ST_OK;
    }
    bool flat = type->kind == TYPE_ARRAY && type->child[0]->kind != TYPE_ARRAY &&
                !type_is_text(type->child[0]);
    if (flat && value->kind == JK_ARRAY) {
        uint32_t slot = vec_list_begin(out, row, json_leaves(value));
        return read_leaves(value, out->child[0], &slot, err);
    }
    if (type->kind == TYPE_ARRAY && value->kind == JK_ARRAY) {
        uint32_t slot = vec_list_begin(out, row, value->count);
        for (uint32_t i = 0; i < value->count; i++) {
            TRY(json_read_value(&value->item[i], out->child[0], slot + i, err));
        }
        return ST_OK;
    }
    if (type_is_text(type) && !json_is_scalar(value)) {  // a text holds it as JSON
        Buf text = {0};
        json_print(value, 0, &text);
        vec_set_text(out, row, buf_str(&text));
        buf_free(&text);
        return ST_OK;
    }
    bool single = value->kind == JK_ARRAY && value->count == 1;  // a tensor of one value
    if (single && type->kind != TYPE_ARRAY) return json_read_value(&value->item[0], out, row, err);
    if (type->kind == TYPE_ARRAY || !json_is_scalar(value) || !read_scalar(value, out, row)) {
        return misfit(value, type, err);
    }
    return ST_OK;
}
