// Arrow to columns.
#include "engine/arrow.h"

// "tsu:Europe/Berlin" and its kind: the unit, and whether a zone stands behind it.
static const Type *timestamp_type(Arena *arena, const char *format, bool nullable) {
    int32_t precision;
    switch (format[2]) {
        case 's': precision = 0; break;
        case 'm': precision = 3; break;
        case 'u': precision = 6; break;
        case 'n': precision = 9; break;
        default: return NULL;
    }
    if (format[3] != ':') return NULL;
    return format[4] ? type_timestamp_ltz(arena, precision, nullable)
                     : type_timestamp(arena, precision, nullable);
}

static const Type *decimal_type(Arena *arena, const char *format, bool nullable) {
    Str text = str_c(format + 2);
    int64_t comma = str_find(text, STR(","), 0), precision, scale;
    if (comma < 0) return NULL;
    if (!str_to_i64(str_sub(text, 0, (uint32_t)comma), &precision)) return NULL;
    // A third number is the width; 128 bits unless it says otherwise.
    if (!str_to_i64(str_sub(text, (uint32_t)comma + 1, text.len), &scale)) return NULL;
    if (precision < 1 || precision > TYPE_DECIMAL_MAX || scale < 0 || scale > precision)
        return NULL;
    return type_decimal(arena, (int32_t)precision, (int32_t)scale, nullable);
}

Status arrow_import_type(Arena *arena, const struct ArrowSchema *column, const Type **out,
                         Error *err) {
    const char *format = column->format;
    bool nullable = column->flags & ARROW_FLAG_NULLABLE;
    *out = NULL;
    if (strncmp(format, "ts", 2) == 0) {
        *out = timestamp_type(arena, format, nullable);
    } else if (strncmp(format, "d:", 2) == 0) {
        *out = decimal_type(arena, format, nullable);
    } else if (strcmp(format, "tdD") == 0) {
        *out = type_of(TYPE_DATE, nullable);
    } else if (format[0] && !format[1] && !column->dictionary) {
        switch (format[0]) {
            case 'b': *out = type_of(TYPE_BOOLEAN, nullable); break;
            case 'c': *out = type_of(TYPE_TINYINT, nullable); break;
            case 's': *out = type_of(TYPE_SMALLINT, nullable); break;
            case 'i': *out = type_of(TYPE_INT, nullable); break;
            case 'l': *out = type_of(TYPE_BIGINT, nullable); break;
            case 'f': *out = type_of(TYPE_FLOAT, nullable); break;
            case 'g': *out = type_of(TYPE_DOUBLE, nullable); break;
            case 'u':
            case 'U': *out = type_of(TYPE_VARCHAR, nullable); break;
            case 'z':
            case 'Z': *out = type_of(TYPE_VARBINARY, nullable); break;
            default: break;
        }
    }
    if (*out) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "column '%s': weir cannot read Arrow's format '%s'%s",
                     column->name ? column->name : "", format,
                     column->dictionary ? " with a dictionary" : "");
}

static bool bit(const void *bits, int64_t at) {
    return ((const uint8_t *)bits)[at / 8] >> (at % 8) & 1;
}

static Timestamp timestamp_of(int64_t value, char unit) {
    int64_t per_ms = unit == 'u' ? 1000 : 1000000;
    if (unit == 's') return (Timestamp){value * 1000, 0, 0};
    if (unit == 'm') return (Timestamp){value, 0, 0};
    int64_t rest = value % per_ms, ms = value / per_ms;
    if (rest < 0) {
        rest += per_ms;
        ms--;
    }
    return (Timestamp){ms, (int32_t)(unit == 'u' ? rest * 1000 : rest), 0};
}

static Str text_at(const struct ArrowArray *array, bool large, int64_t at) {
    int64_t begin, end;
    if (large) {
        const int64_t *offset = array->buffers[1];
        begin = offset[at], end = offset[at + 1];
    } else {
        const int32_t *offset = array->buffers[1];
        begin = offset[at], end = offset[at + 1];
    }
    return str_make((const char *)array->buffers[2] + begin, (size_t)(end - begin));
}

Status arrow_import_column(const struct ArrowSchema *column, const struct ArrowArray *array,
                           int64_t from, Vec *out, Error *err) {
    const char *format = column->format;
    int64_t first = array->offset + from;
    bool nulls = array->null_count != 0 && array->n_buffers > 0 && array->buffers[0];
    bool large = format[0] == 'U' || format[0] == 'Z';
    uint32_t size = phys_size(out->phys);
    // What has the same layout on both sides comes over whole; NULL slots are made zero after it.
    bool whole = size && out->phys != PHYS_U8 && out->phys != PHYS_STR && format[0] != 't';
    whole |= out->phys == PHYS_I32;
    if (whole && out->len) {
        const char *data = array->buffers[1];
        memcpy(out->data, data + first * size, (size_t)out->len * size);
    }
    for (uint32_t row = 0; row < out->len; row++) {
        int64_t at = first + row;
        if (nulls && !bit(array->buffers[0], at)) {
            vec_set_null(out, row);
        } else if (out->phys == PHYS_U8) {
            vec_u8(out)[row] = bit(array->buffers[1], at);
        } else if (out->phys == PHYS_STR) {
            Str text = text_at(array, large, at);
            if (type_is_text(out->type) && !utf8_valid(text)) {
                return error_set(err, ST_RUNTIME, "column '%s': text that is not UTF-8",
                                 column->name);
            }
            vec_set_text(out, row, text);
        } else if (!whole) {
            const int64_t *value = array->buffers[1];
            vec_set_timestamp(out, row, timestamp_of(value[at], format[2]));
        }
    }
    return ST_OK;
}
