// Values as text, and casts to text and bytes: CHAR and BINARY are padded and cut to their length,
// VARCHAR and VARBINARY cut.
#include "base/hex.h"
#include "func/cast_int.h"
#include "func/roaring.h"
#include "func/text_int.h"
#include "func/variant.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

static void print_bytes(Str bytes, bool hex, Buf *out) {
    if (!hex) {
        put_repaired(out, bytes);
        return;
    }
    buf_puts(out, "x'");
    buf_put_hex(out, bytes);
    buf_putc(out, '\'');
}

static void print_list(const Vec *vec, uint32_t row, const FuncEnv *env, bool hex, Buf *out) {
    ListView view = vec_list(vec)[row];
    bool array = vec->type->kind == TYPE_ARRAY;
    buf_putc(out, array ? '[' : '{');
    for (uint32_t i = 0; i < view.count; i++) {
        if (i) buf_puts(out, ", ");
        value_print(vec->child[0], view.offset + i, env, hex, out);
        if (array) continue;
        buf_putc(out, '=');
        value_print(vec->child[1], view.offset + i, env, hex, out);
    }
    buf_putc(out, array ? ']' : '}');
}

static uint32_t print_timestamp(const Vec *vec, uint32_t row, const FuncEnv *env, char *out) {
    Timestamp ts = vec_timestamp(vec, row);
    if (vec->type->kind == TYPE_TIMESTAMP_LTZ && env) ts.ms += zone_offset_ms(env->zone, ts.ms);
    return timestamp_print(ts, vec->type->precision, out);
}

void value_print(const Vec *vec, uint32_t row, const FuncEnv *env, bool hex_bytes, Buf *out) {
    enum { TEXT_MAX = 64 };
    _Static_assert((int)TEXT_MAX >= (int)DECIMAL_TEXT_MAX &&
                       (int)TEXT_MAX >= (int)DATETIME_TEXT_MAX &&
                       (int)TEXT_MAX >= (int)NUMBER_TEXT_MAX,
                   "room for each of them");
    if (vec_is_null(vec, row)) {
        buf_puts(out, "NULL");
        return;
    }
    char text[TEXT_MAX];
    uint32_t len = 0;
    switch (vec->type->kind) {
        case TYPE_BOOLEAN:
            if (env && env->legacy_cast) {
                buf_puts(out, vec_u8(vec)[row] ? "true" : "false");
            } else {
                buf_puts(out, vec_u8(vec)[row] ? "TRUE" : "FALSE");
            }
            return;
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT: len = i64_print(vec_integer(vec, row), text); break;
        case TYPE_FLOAT: len = f32_print(vec_f32(vec)[row], text); break;
        case TYPE_DOUBLE: len = f64_print(vec_f64(vec)[row], text); break;
        case TYPE_DECIMAL: len = decimal_print(vec_i128(vec)[row], vec->type->scale, text); break;
        case TYPE_DATE: len = date_print(vec_i32(vec)[row], text); break;
        case TYPE_TIME: len = time_print(vec_i32(vec)[row], vec->type->precision, text); break;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: len = print_timestamp(vec, row, env, text); break;
        case TYPE_INTERVAL_MONTHS: len = interval_months_print(vec_i32(vec)[row], text); break;
        case TYPE_INTERVAL_SECONDS: len = interval_ms_print(vec_i64(vec)[row], text); break;
        case TYPE_BINARY:
        case TYPE_VARBINARY: print_bytes(vec_str(vec)[row], hex_bytes, out); return;
        case TYPE_ARRAY:
        case TYPE_MULTISET:
        case TYPE_MAP: print_list(vec, row, env, hex_bytes, out); return;
        case TYPE_VARIANT: variant_print(vec_str(vec)[row], out); return;
        case TYPE_BITMAP: roaring_print(vec_str(vec)[row], out); return;
        case TYPE_ROW:
            buf_putc(out, '(');
            for (uint32_t i = 0; i < vec->type->child_count; i++) {
                if (i) buf_puts(out, ", ");
                if (type_is_structured(vec->type)) {
                    buf_put_str(out, vec->type->field[i]);
                    buf_putc(out, '=');
                }
                value_print(vec->child[i], row, env, hex_bytes, out);
            }
            buf_putc(out, ')');
            return;
        default: buf_put_str(out, vec_str(vec)[row]); return;
    }
    buf_put(out, text, len);
}

// [text] cut or padded with [pad] to the type's length of [unit]s: characters or bytes.
static void set_fitted(const Cast *cast, uint32_t row, Str text, bool shared) {
    const Type *to = cast->out->type;
    bool bytes = type_is_bytes(to), fixed = to->kind == TYPE_CHAR || to->kind == TYPE_BINARY;
    uint32_t limit = (uint32_t)to->length, count = text.len;
    if (!bytes && (fixed || text.len > limit)) count = utf8_count(text);
    if (count > limit && !(cast->env && cast->env->legacy_cast)) {
        const char *end = bytes ? text.ptr + limit
                                : chars_skip(text.ptr, str_end(text), limit);
        text = str_between(text.ptr, end);
    }
    uint32_t pad = fixed && count < limit ? limit - count : 0;
    if (pad) {
        char *room = vec_text_room(cast->out, text.len + pad);
        if (text.len) memcpy(room, text.ptr, text.len);
        memset(room + text.len, bytes ? 0 : ' ', pad);
        vec_str(cast->out)[row] = str_make(room, text.len + pad);
    } else if (shared) {
        vec_str(cast->out)[row] = text;
    } else {
        vec_set_text(cast->out, row, text);
    }
}

Status cast_text(const Cast *cast, Error *err) {
    (void)err;
    bool text = type_is_text(cast->in->type);
    Buf printed = {0};
    for (uint32_t row = 0; row < cast->rows; row++) {
        if (!cast_row_wanted(cast, row)) continue;
        if (text) {
            set_fitted(cast, row, vec_str(cast->in)[row], true);
        } else {
            printed.len = 0;
            value_print(cast->in, row, cast->env, false, &printed);
            set_fitted(cast, row, buf_str(&printed), false);
        }
    }
    buf_free(&printed);
    return ST_OK;
}

Status cast_bytes(const Cast *cast, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < cast->rows; row++) {
        if (cast_row_wanted(cast, row)) set_fitted(cast, row, vec_str(cast->in)[row], true);
    }
    return ST_OK;
}
