// ml/model.c - what all models share: which reader a file needs, fields by name, values as text.
#include "ml/model.h"

#include "os/os.h"
#include "type/number.h"

static const MlFormat *format_named(Str name) {
    for (const MlFormat *const *at = ML_FORMATS; *at; at++) {
        if (str_eq_nocase(str_c((*at)->name), name)) return *at;
    }
    return NULL;
}

static void list_formats(Buf *out) {
    for (const MlFormat *const *at = ML_FORMATS; *at; at++) {
        if (at != ML_FORMATS) buf_puts(out, ", ");
        buf_puts(out, (*at)->name);
    }
    buf_putc(out, 0);
}

static Status no_format(Str path, const char *format, Error *err) {
    Buf names = {0};
    list_formats(&names);
    Status st = format ? error_set(err, ST_VALIDATION, "there is no model format '%s'", format)
                       : error_set(err, ST_VALIDATION,
                                   STR_FMT ": not a model of a known format", STR_ARG(path));
    error_hint(err, "known are: %s", names.ptr);
    buf_free(&names);
    return st;
}

Status ml_load(Str path, const char *format, MlModel **out, Error *err) {
    *out = NULL;
    const MlFormat *found = format ? format_named(str_c(format)) : NULL;
    if (format && !found) return no_format(path, format, err);
    OsStat info;
    TRY(os()->stat(path, &info, err));
    if (!info.exists) {
        return error_set(err, ST_VALIDATION, "there is no model file " STR_FMT, STR_ARG(path));
    }
    Buf bytes = {0};
    Status st = ST_OK;
    if (!info.is_dir) st = os_read_file(path, &bytes, err);
    Str text = str_make(bytes.ptr, bytes.len);
    for (const MlFormat *const *at = ML_FORMATS; !st && *at && !found; at++) {
        if ((*at)->matches(path, text)) found = *at;
    }
    if (!st) st = found ? found->load(path, text, out, err) : no_format(path, NULL, err);
    buf_free(&bytes);
    return st;
}

void ml_free(MlModel *model) {
    if (model) model->vt->free(model);
}

int32_t ml_field(const MlField *field, uint32_t count, Str name) {
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq(field[i].name, name)) return (int32_t)i;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq_nocase(field[i].name, name)) return (int32_t)i;
    }
    return -1;
}

void ml_print(const MlField *field, const MlColumn *column, uint32_t i, Buf *out) {
    if (field->type == ML_TEXT) {
        buf_put_str(out, column->text[i]);
        return;
    }
    double value = column->number[i];
    if (field->type == ML_BOOLEAN) {
        buf_puts(out, value != 0 ? "true" : "false");
    } else if (field->type == ML_INTEGER && value >= -0x1p63 && value < 0x1p63) {
        buf_printf(out, "%lld", (long long)value);
    } else if (field->type == ML_FLOAT) {
        char text[NUMBER_TEXT_MAX];
        buf_put(out, text, f32_print((float)value, text));
    } else {
        char text[NUMBER_TEXT_MAX];
        buf_put(out, text, f64_print(value, text));
    }
}
