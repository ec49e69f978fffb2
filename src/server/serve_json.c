// Requests as rows of a model, predictions as replies.
//
// Models that come as PMML, or were trained here, reply as pipelines of Spark around a PMML model
// do, every value a text:
// {"pmml(prediction)":"1","probability(0)":"0.47…","probability(1)":"0.53…",
// "prediction":"1.0","label":"1"}: what the model says, the fields of its Output element, and what
// it says once more, as a double and as it is. Models of tensors reply in numbers.
#include <math.h>

#include "base/bits.h"
#include "server/serve_int.h"
#include "type/number.h"

// ---- requests ----------------------------------------------------------------------------------

Status serve_body_read(Arena *arena, Str body, uint32_t rows_max, JsonValue *out,
                       const JsonValue **instances, Error *err) {
    enum { DEPTH = 64 };
    uint32_t depth = 0;
    bool quoted = false;
    // Nested deeper than any tensor: refused before a tree is made of it.
    for (uint32_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];
        if (quoted && c == '\\') i++;
        else if (c == '"') quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{') && ++depth > DEPTH) {
            return error_set(err, ST_VALIDATION, "the body is nested deeper than %d", DEPTH);
        } else if (!quoted && (c == ']' || c == '}') && depth) depth--;
    }
    Status st = json_parse(arena, body, 0, out, NULL, err);
    if (st) {
        error_while(err, "reading the body");
        return ST_VALIDATION;
    }
    *instances = json_member(out, STR("instances"));
    if (!*instances || (*instances)->kind != JK_ARRAY) {
        return error_set(err, ST_VALIDATION,
                         "the body should be {\"instances\": [{\"field\": value, …}, …]}");
    }
    if ((*instances)->count > rows_max) {
        return error_set(err, ST_VALIDATION, "%u instances; %u at most", (*instances)->count,
                         rows_max);
    }
    return ST_OK;
}

void serve_rows_init(ServeRows *self, Arena *arena, const MlModel *model, uint32_t cap) {
    *self = (ServeRows){.arena = arena, .model = model, .cap = cap};
    self->in = ARENA_ARRAY(arena, MlColumn, model->in_count + 1);
    self->room = ARENA_ARRAY(arena, uint32_t, model->in_count + 1);
    for (uint32_t f = 0; f < model->in_count; f++) {
        const MlField *field = &model->in[f];
        MlColumn *column = &self->in[f];
        size_t values = (size_t)cap * (field->list ? 1 : field->width) + 1;
        if (field->type == ML_TEXT) column->text = ARENA_ARRAY(arena, Str, values);
        else column->number = ARENA_ARRAY(arena, double, values);
        column->valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(cap + 1));
        if (field->list) column->offset = ARENA_ARRAY(arena, uint32_t, cap + 1);
    }
}

static Status bad_value(const ServeRows *self, const MlField *field, const char *why, Error *err) {
    return error_set(err, ST_VALIDATION, "instance %u: field '" STR_FMT "' %s", self->rows,
                     STR_ARG(field->name), why);
}

static Status put_value(ServeRows *self, const MlField *field, MlColumn *column, size_t at,
                        const JsonValue *value, Error *err) {
    if (field->type == ML_TEXT) {
        if (!json_is_scalar(value) || value->kind == JK_NULL) {
            return bad_value(self, field, "should be a text", err);
        }
        column->text[at] = value->kind == JK_BOOLEAN ? (value->boolean ? STR("true") : STR("false"))
                                                     : value->text;
        return ST_OK;
    }
    if (value->kind == JK_BOOLEAN) {
        column->number[at] = value->boolean;
    } else if ((!json_is_number(value) && value->kind != JK_TEXT) ||
               !f64_parse(str_trim(value->text), &column->number[at])) {
        return bad_value(self, field, "should be a number", err);
    }
    return ST_OK;
}

// One value of several; a missing one is NaN where there is such a number.
static Status put_element(ServeRows *self, const MlField *field, MlColumn *column, size_t at,
                          const JsonValue *value, Error *err) {
    bool nan = value->kind == JK_NULL && (field->type == ML_FLOAT || field->type == ML_DOUBLE);
    if (!nan) return put_value(self, field, column, at, value, err);
    column->number[at] = (double)NAN;
    return ST_OK;
}

// The values of a tensor's row, nested or not.
static Status put_tensor(ServeRows *self, const MlField *field, MlColumn *column, uint32_t *count,
                         const JsonValue *value, Error *err) {
    if (value->kind != JK_ARRAY) {
        if (*count == field->width) return bad_value(self, field, "has too many values", err);
        size_t at = (size_t)self->rows * field->width + (*count)++;
        return put_element(self, field, column, at, value, err);
    }
    for (uint32_t i = 0; i < value->count; i++) {
        TRY(put_tensor(self, field, column, count, &value->item[i], err));
    }
    return ST_OK;
}

static Status put_leaves(ServeRows *self, const MlField *field, MlColumn *column, uint32_t *at,
                         const JsonValue *value, Error *err) {
    if (value->kind != JK_ARRAY) return put_element(self, field, column, (*at)++, value, err);
    for (uint32_t i = 0; i < value->count; i++) {
        TRY(put_leaves(self, field, column, at, &value->item[i], err));
    }
    return ST_OK;
}

// The values of a list, nested or not: a series may be written step by step.
static Status put_list(ServeRows *self, uint32_t f, const JsonValue *value, Error *err) {
    const MlField *field = &self->model->in[f];
    MlColumn *column = &self->in[f];
    uint32_t at = column->offset[self->rows];
    if (value->kind != JK_ARRAY) return bad_value(self, field, "should be an array", err);
    uint64_t needed = (uint64_t)at + json_leaves(value);
    if (needed > UINT32_MAX / 2) return bad_value(self, field, "has too many values", err);
    if (needed > self->room[f]) {
        uint32_t room = self->room[f] = (uint32_t)needed * 2;
        MlColumn grown = *column;
        if (field->type == ML_TEXT) {
            grown.text = ARENA_ARRAY(self->arena, Str, room);
            if (at) memcpy(grown.text, column->text, at * sizeof *grown.text);
        } else {
            grown.number = ARENA_ARRAY(self->arena, double, room);
            if (at) memcpy(grown.number, column->number, at * sizeof *grown.number);
        }
        *column = grown;
    }
    TRY(put_leaves(self, field, column, &at, value, err));
    column->offset[self->rows + 1] = at;
    return ST_OK;
}

static Status put_field(ServeRows *self, uint32_t f, const JsonValue *value, Error *err) {
    const MlField *field = &self->model->in[f];
    MlColumn *column = &self->in[f];
    if (value->kind == JK_NULL) return ST_OK;  // as if it were not there
    bits_set(column->valid, self->rows);
    if (field->list) return put_list(self, f, value, err);
    if (field->width == 1 && value->kind != JK_ARRAY) {
        return put_value(self, field, column, self->rows, value, err);
    }
    uint32_t count = 0;
    TRY(put_tensor(self, field, column, &count, value, err));
    return count == field->width ? ST_OK : bad_value(self, field, "has too few values", err);
}

// An object by the names of fields; others are passed over, as a pipeline's own columns are.
static Status put_object(ServeRows *self, const JsonValue *object, Error *err) {
    const MlModel *model = self->model;
    uint32_t guess = 0;  // fields mostly come in the model's order
    for (uint32_t m = 0; m < object->count; m++) {
        Str name = object->member[m].name;
        int32_t f = guess < model->in_count && str_eq(model->in[guess].name, name)
                        ? (int32_t)guess
                        : ml_field(model->in, model->in_count, name);
        if (f < 0) continue;
        guess = (uint32_t)f + 1;
        TRY(put_field(self, (uint32_t)f, &object->member[m].value, err));
    }
    return ST_OK;
}

// An array by the places of fields; of a model with one field, its value.
static Status put_array(ServeRows *self, const JsonValue *array, Error *err) {
    const MlModel *model = self->model;
    if (model->in_count == 1) return put_field(self, 0, array, err);
    if (array->kind != JK_ARRAY || array->count != model->in_count) {
        return error_set(err, ST_VALIDATION, "instance %u should be an object, or an array of the "
                         "model's %u fields", self->rows, model->in_count);
    }
    for (uint32_t f = 0; f < array->count; f++) TRY(put_field(self, f, &array->item[f], err));
    return ST_OK;
}

Status serve_rows_add(ServeRows *self, const JsonValue *instances, Error *err) {
    for (uint32_t i = 0; i < instances->count; i++) {
        const JsonValue *one = &instances->item[i];
        for (uint32_t f = 0; f < self->model->in_count; f++) {
            uint32_t *offset = self->in[f].offset;
            if (offset) offset[self->rows + 1] = offset[self->rows];
        }
        TRY(one->kind == JK_OBJECT ? put_object(self, one, err) : put_array(self, one, err));
        self->rows++;
    }
    return ST_OK;
}

// ---- replies -----------------------------------------------------------------------------------

static void put_name(Str name, bool first, Buf *out) {
    if (!first) buf_putc(out, ',');
    json_print_text(name, 0, out);
    buf_putc(out, ':');
}

static void print_number(const MlField *field, double value, Buf *out) {
    char text[NUMBER_TEXT_MAX];
    if (field->type == ML_BOOLEAN) {
        buf_puts(out, value != 0 ? "true" : "false");
    } else if (field->type == ML_INTEGER) {
        buf_printf(out, "%lld", (long long)value);
    } else if (field->type == ML_FLOAT) {
        buf_put(out, text, f32_print((float)value, text));
    } else {
        buf_put(out, text, f64_print(value, text));
    }
}

// As a text, whatever it is.
static void put_text(const MlField *field, const MlColumn *column, size_t at, Buf *out) {
    if (field->type == ML_TEXT) {
        json_print_text(column->text[at], 0, out);
        return;
    }
    buf_putc(out, '"');
    print_number(field, column->number[at], out);
    buf_putc(out, '"');
}

static void put_plain(const MlField *field, const MlColumn *column, size_t at, Buf *out) {
    bool finite = field->type == ML_TEXT || field->type == ML_BOOLEAN ||
                  __builtin_isfinite(column->number[at]);
    if (field->type == ML_TEXT || !finite) put_text(field, column, at, out);  // "NaN" is no number
    else print_number(field, column->number[at], out);
}

typedef void (*PutValue)(const MlField *field, const MlColumn *column, size_t at, Buf *out);

enum { RANK_MAX = 8 };  // as tensors have (ml/graph/tensor.h)

// The dimensions of a tensor's row of [count] values, "4x?x2"; the open one follows from the
// others. What is no such text is one dimension.
static uint32_t shape_of(Str shape, size_t count, size_t dim[RANK_MAX]) {
    uint32_t rank = 0;
    size_t known = 1;
    int open = -1;
    for (uint32_t at = 0; at < shape.len && rank < RANK_MAX; rank++) {
        size_t size = 0;
        if (shape.ptr[at] == '?') open = (int)rank, at++;
        while (at < shape.len && shape.ptr[at] >= '0' && shape.ptr[at] <= '9') {
            size = size * 10 + (size_t)(shape.ptr[at++] - '0');
        }
        dim[rank] = size;
        known *= open == (int)rank ? 1 : size;
        at++;  // the x
    }
    if (open >= 0 && known) dim[open] = count / known, known *= dim[open];
    if (rank && known == count) return rank;
    dim[0] = count;
    return 1;
}

static void put_nested(const MlField *field, const MlColumn *column, size_t *at, PutValue put,
                       const size_t *dim, uint32_t rank, Buf *out) {
    buf_putc(out, '[');
    for (size_t i = 0; i < dim[0]; i++) {
        if (i) buf_putc(out, ',');
        if (rank == 1) put(field, column, (*at)++, out);
        else put_nested(field, column, at, put, dim + 1, rank - 1, out);
    }
    buf_putc(out, ']');
}

static void put_cell(const MlField *field, const MlColumn *column, uint32_t row, PutValue put,
                     Buf *out) {
    if (column->valid && !bits_get(column->valid, row)) {
        buf_puts(out, "null");
        return;
    }
    if (!field->list && field->width == 1) {
        put(field, column, row, out);
        return;
    }
    size_t from = field->list ? column->offset[row] : (size_t)row * field->width;
    size_t count = field->list ? column->offset[row + 1] - from : field->width;
    size_t dim[RANK_MAX];
    uint32_t rank = shape_of(field->shape, count, dim);
    put_nested(field, column, &from, put, dim, rank, out);
}

// "1" as "1.0"; what is no number stays as it is.
static void put_double(const MlField *field, const MlColumn *column, uint32_t row, Buf *out) {
    double value;
    bool missing = column->valid && !bits_get(column->valid, row);
    bool number = !missing && field->width == 1 && !field->list &&
                  (field->type != ML_TEXT || f64_parse(column->text[row], &value));
    if (!number) {
        put_cell(field, column, row, put_text, out);
        return;
    }
    if (field->type != ML_TEXT) value = column->number[row];
    char text[NUMBER_TEXT_MAX];
    buf_putc(out, '"');
    buf_put(out, text, f64_print(value, text));
    buf_putc(out, '"');
}

static bool has_field(const MlModel *model, const char *name) {
    for (uint32_t f = 1; f < model->out_count; f++) {
        if (str_eq(model->out[f].name, str_c(name))) return true;
    }
    return false;
}

static void put_pipeline_row(const MlModel *model, const MlColumn *out, uint32_t row, Buf *reply) {
    const MlField *target = &model->out[0];
    buf_putc(reply, '{');
    put_name(STR("pmml(prediction)"), true, reply);
    put_cell(target, &out[0], row, put_text, reply);
    for (uint32_t f = 1; f < model->out_count; f++) {
        put_name(model->out[f].name, false, reply);
        put_cell(&model->out[f], &out[f], row, put_text, reply);
    }
    if (!has_field(model, "prediction")) {
        put_name(STR("prediction"), false, reply);
        put_double(target, &out[0], row, reply);
    }
    if (!has_field(model, "label")) {
        put_name(STR("label"), false, reply);
        put_cell(target, &out[0], row, put_text, reply);
    }
    buf_putc(reply, '}');
}

static void put_row(const MlModel *model, const MlColumn *out, uint32_t row, Buf *reply) {
    if (model->out_count == 1) {
        put_cell(&model->out[0], &out[0], row, put_plain, reply);
        return;
    }
    buf_putc(reply, '{');
    for (uint32_t f = 0; f < model->out_count; f++) {
        put_name(model->out[f].name, f == 0, reply);
        put_cell(&model->out[f], &out[f], row, put_plain, reply);
    }
    buf_putc(reply, '}');
}

void serve_reply(const MlModel *model, const MlColumn *out, uint32_t from, uint32_t count,
                 Buf *reply) {
    const char *format = model->vt->format;
    bool pipeline = model->out_count && (!strcmp(format, "pmml") || !strcmp(format, "weir") ||
                                         !strcmp(format, "online"));
    buf_puts(reply, "{\"predictions\":[");
    for (uint32_t row = from; row < from + count; row++) {
        if (row > from) buf_putc(reply, ',');
        (pipeline ? put_pipeline_row : put_row)(model, out, row, reply);
    }
    buf_puts(reply, "]}");
}

void serve_print_error(const char *message, Buf *reply) {
    buf_puts(reply, "{\"error\":");
    json_print_text(str_c(message), 0, reply);
    buf_putc(reply, '}');
}

static void put_fields(const char *name, const MlField *field, uint32_t count, Buf *reply) {
    static const char *const TYPES[] = {[ML_DOUBLE] = "double",   [ML_FLOAT] = "float",
                                        [ML_INTEGER] = "integer", [ML_BOOLEAN] = "boolean",
                                        [ML_TEXT] = "text"};
    put_name(str_c(name), false, reply);
    buf_putc(reply, '[');
    for (uint32_t f = 0; f < count; f++) {
        buf_puts(reply, f ? ",{\"name\":" : "{\"name\":");
        json_print_text(field[f].name, 0, reply);
        buf_printf(reply, ",\"type\":\"%s\"", TYPES[field[f].type]);
        if (field[f].shape.len) {
            buf_puts(reply, ",\"shape\":");
            json_print_text(field[f].shape, 0, reply);
        }
        if (field[f].list) buf_puts(reply, ",\"list\":true");
        buf_putc(reply, '}');
    }
    buf_putc(reply, ']');
}

void serve_print_model(Str name, const Version *version, Buf *reply) {
    const MlModel *model = version->model->model;
    Buf about = {0};
    buf_puts(reply, "{\"name\":");
    json_print_text(name, 0, reply);
    // As TensorFlow Serving says it, for clients that look whether a model is ready.
    buf_printf(reply, ",\"model_version_status\":[{\"version\":\"%llu\",\"state\":\"AVAILABLE\","
               "\"status\":{\"error_code\":\"OK\",\"error_message\":\"\"}}],\"format\":\"%s\"",
               (unsigned long long)version->number, model->vt->format);
    if (model->vt->describe) {
        model->vt->describe(model, &about);
        put_name(STR("description"), false, reply);
        json_print_text(buf_str(&about), 0, reply);
    }
    put_fields("inputs", model->in, model->in_count, reply);
    put_fields("outputs", model->out, model->out_count, reply);
    buf_putc(reply, '}');
    buf_free(&about);
}
