#include "model/columns.h"

#include "base/bits.h"
#include "func/cast.h"
#include "type/decimal.h"
#include "type/number.h"

// ---- which column is which field ---------------------------------------------------------------

static bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

bool model_same_words(Str a, Str b) {
    uint32_t i = 0, k = 0;
    for (;;) {
        bool gap_a = false, gap_b = false;
        for (; i < a.len && !is_word(a.ptr[i]); i++) gap_a = true;
        for (; k < b.len && !is_word(b.ptr[k]); k++) gap_b = true;
        if (i == a.len || k == b.len) return i == a.len && k == b.len;
        if (gap_a != gap_b && i && k) return false;
        if (!str_eq_nocase(str_make(a.ptr + i, 1), str_make(b.ptr + k, 1))) return false;
        i++;
        k++;
    }
}

static int32_t field_named(const MlField *field, uint32_t count, Str name) {
    int32_t found = ml_field(field, count, name);
    for (uint32_t i = 0; i < count && found < 0; i++) {
        if (model_same_words(field[i].name, name)) found = (int32_t)i;
    }
    return found;
}

static bool holds_many(const MlField *field) {
    return field->list || field->width > 1;
}

static bool match_names(const Type *row, const MlField *field, uint32_t count, ColumnMatch *out) {
    for (uint32_t c = 0; c < row->child_count; c++) {
        int32_t at = field_named(field, count, row->field[c]);
        if (at < 0) return false;
        bool array = row->child[c]->kind == TYPE_ARRAY;
        if (array != holds_many(&field[at])) return false;
        for (uint32_t before = 0; before < c; before++) {
            if (out[before].field == (uint32_t)at) return false;
        }
        out[c] = (ColumnMatch){.field = (uint32_t)at, .whole = array};
    }
    return true;
}

static bool match_places(const Type *row, const MlField *field, uint32_t count, ColumnMatch *out) {
    uint32_t c = 0;
    for (uint32_t f = 0; f < count; f++) {
        if (c == row->child_count) return false;
        bool array = row->child[c]->kind == TYPE_ARRAY;
        if (array && !holds_many(&field[f])) return false;
        if (array || field[f].list) {
            if (!array) return false;
            out[c++] = (ColumnMatch){.field = f, .whole = true};
            continue;
        }
        for (uint32_t slot = 0; slot < field[f].width; slot++) {
            if (c == row->child_count || row->child[c]->kind == TYPE_ARRAY) return false;
            out[c++] = (ColumnMatch){.field = f, .slot = slot};
        }
    }
    return c == row->child_count;
}

static Status no_match(const ModelDesc *desc, const char *side, const Type *row,
                       const MlField *field, uint32_t count, Error *err) {
    enum { LISTED_MAX = 12 };
    Status st = ST_OK;
    for (uint32_t c = 0; c < row->child_count && !st; c++) {
        if (field_named(field, count, row->field[c]) >= 0) continue;
        st = error_set(err, ST_VALIDATION,
                       "%s column '" STR_FMT "' of model '" STR_FMT
                       "' is no field of it, and its %u columns are not its %u fields by place",
                       side, STR_ARG(row->field[c]), STR_ARG(desc->name), row->child_count, count);
    }
    if (!st) {
        st = error_set(err, ST_VALIDATION,
                       "the %s columns of model '" STR_FMT "' do not fit its fields", side,
                       STR_ARG(desc->name));
    }
    Buf names = {0};
    for (uint32_t f = 0; f < count && f < LISTED_MAX; f++) {
        buf_printf(&names, "%s" STR_FMT, f ? ", " : "", STR_ARG(field[f].name));
        if (holds_many(&field[f])) buf_puts(&names, " ARRAY");
        if (field[f].width > 1) buf_printf(&names, " of %u", field[f].width);
    }
    error_hint(err, "its fields: " STR_FMT "%s", STR_ARG(buf_str(&names)),
               count > LISTED_MAX ? ", …" : "");
    buf_free(&names);
    return st;
}

static bool type_fits(const Type *type) {
    const Type *value = type->kind == TYPE_ARRAY ? type->child[0] : type;
    return type_is_numeric(value) || type_is_text(value) || value->kind == TYPE_BOOLEAN ||
           (type->kind != TYPE_ARRAY && (type_is_timestamp(type) || type->kind == TYPE_DATE ||
                                         type->kind == TYPE_TIME));
}

static Status check_types(const ModelDesc *desc, const Type *row, Error *err) {
    for (uint32_t c = 0; c < row->child_count; c++) {
        if (type_fits(row->child[c])) continue;
        return error_set(err, ST_VALIDATION,
                         "column '" STR_FMT "' of model '" STR_FMT
                         "' is neither a number, a text, a boolean nor an array of them",
                         STR_ARG(row->field[c]), STR_ARG(desc->name));
    }
    return ST_OK;
}

Status model_columns(const ModelDesc *desc, const MlModel *model, Arena *arena, ModelColumns *out,
                     Error *err) {
    *out = (ModelColumns){.desc = desc, .model = model};
    const Type *input = desc->input, *output = desc->output;
    out->in = ARENA_ARRAY(arena, ColumnMatch, input->child_count + 1);
    out->out = ARENA_ARRAY(arena, ColumnMatch, output->child_count + 1);
    TRY(check_types(desc, input, err));
    TRY(check_types(desc, output, err));
    if (!match_names(input, model->in, model->in_count, out->in) &&
        !match_places(input, model->in, model->in_count, out->in)) {
        return no_match(desc, "input", input, model->in, model->in_count, err);
    }
    if (match_names(output, model->out, model->out_count, out->out)) return ST_OK;
    // One column without a field's name is the prediction, which comes first.
    uint32_t places = output->child_count == 1 && model->out_count ? 1 : model->out_count;
    if (match_places(output, model->out, places, out->out)) return ST_OK;
    return no_match(desc, "output", output, model->out, model->out_count, err);
}

static const Type *field_type(const MlField *field, Arena *arena) {
    static const TypeKind KINDS[] = {[ML_DOUBLE] = TYPE_DOUBLE,   [ML_FLOAT] = TYPE_FLOAT,
                                     [ML_INTEGER] = TYPE_BIGINT,  [ML_BOOLEAN] = TYPE_BOOLEAN,
                                     [ML_TEXT] = TYPE_VARCHAR};
    const Type *type = type_of(KINDS[field->type], true);
    return holds_many(field) ? type_array(arena, type, true) : type;
}

const Type *model_columns_type(const MlField *field, uint32_t count, Arena *arena) {
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        child[i] = field_type(&field[i], arena);
        name[i] = str_dup(arena, field[i].name);
    }
    return type_row(arena, count, child, name, false);
}

bool model_field_of(const Type *type, Str name, MlField *out) {
    *out = (MlField){.name = name, .width = 1, .type = ML_DOUBLE};
    if (type_is_text(type)) out->type = ML_TEXT;
    else if (type->kind == TYPE_BOOLEAN) out->type = ML_BOOLEAN;
    else if (type_is_integer(type)) out->type = ML_INTEGER;
    else if (type->kind == TYPE_FLOAT) out->type = ML_FLOAT;
    else return type_is_numeric(type);
    return true;
}

void model_column_of(const Vec *vec, uint32_t rows, Arena *arena, MlColumn *out) {
    if (vec->phys == PHYS_STR) {
        out->text = vec_str(vec);
    } else {
        out->number = ARENA_ARRAY(arena, double, rows + 1);
        for (uint32_t r = 0; r < rows; r++)
            out->number[r] = vec_is_null(vec, r) ? 0 : vec_number(vec, r);
    }
    if (!vec_has_nulls(vec)) return;
    out->valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(rows + 1));
    for (uint32_t r = 0; r < rows; r++) {
        if (!vec_is_null(vec, r)) bits_set(out->valid, r);
    }
}

// ---- in ----------------------------------------------------------------------------------------

#define READ_NUMBERS(type)               \
    for (uint32_t i = 0; i < count; i++) \
    to[(size_t)i * step] = (double)((const type *)vec->data)[from + i]

// [count] values from [from] on, [step] apart in [to]. Texts are read, others are what they are.
static Status read_numbers(const Vec *vec, uint32_t from, uint32_t count, double *to, uint32_t step,
                           Error *err) {
    switch (vec->phys) {
        case PHYS_U8: READ_NUMBERS(uint8_t); return ST_OK;
        case PHYS_I8: READ_NUMBERS(int8_t); return ST_OK;
        case PHYS_I16: READ_NUMBERS(int16_t); return ST_OK;
        case PHYS_I32: READ_NUMBERS(int32_t); return ST_OK;
        case PHYS_F32: READ_NUMBERS(float); return ST_OK;
        case PHYS_F64: READ_NUMBERS(double); return ST_OK;
        case PHYS_I64:
            if (vec->type->kind != TYPE_DECIMAL) {
                READ_NUMBERS(int64_t);
                return ST_OK;
            }
            for (uint32_t i = 0; i < count; i++) {
                to[(size_t)i * step] = decimal_to_f64(vec_i64(vec)[from + i], vec->type->scale);
            }
            return ST_OK;
        case PHYS_I128:
            for (uint32_t i = 0; i < count; i++) {
                to[(size_t)i * step] = decimal_to_f64(vec_i128(vec)[from + i], vec->type->scale);
            }
            return ST_OK;
        case PHYS_STR:
            for (uint32_t i = 0; i < count; i++) {
                Str text = str_trim(vec_str(vec)[from + i]);
                if (vec_is_null(vec, from + i)) continue;
                if (!f64_parse(text, &to[(size_t)i * step])) {
                    return error_set(err, ST_RUNTIME, "row %u: '" STR_FMT "' is not a number", i,
                                     STR_ARG(text));
                }
            }
            return ST_OK;
        default: return error_set(err, ST_INTERNAL, "a feature of no known layout");
    }
}

static void read_texts(const Vec *vec, uint32_t from, uint32_t count, Str *to, uint32_t step,
                       Arena *arena) {
    Buf text = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (vec_is_null(vec, from + i)) continue;
        if (vec->phys == PHYS_STR) {
            to[(size_t)i * step] = vec_str(vec)[from + i];
            continue;
        }
        text.len = 0;
        if (vec->type->kind == TYPE_BOOLEAN) {  // as XML has it, not as SQL
            buf_puts(&text, vec_u8(vec)[from + i] ? "true" : "false");
        } else {
            value_print(vec, from + i, NULL, false, &text);
        }
        to[(size_t)i * step] = str_dup(arena, buf_str(&text));
    }
    buf_free(&text);
}

static Status read_values(const MlField *field, const Vec *vec, uint32_t from, uint32_t count,
                          MlColumn *out, size_t at, uint32_t step, Arena *arena, Error *err) {
    if (field->type == ML_TEXT) {
        read_texts(vec, from, count, out->text + at, step, arena);
        return ST_OK;
    }
    return read_numbers(vec, from, count, out->number + at, step, err);
}

static void column_room(const MlField *field, uint32_t rows, size_t values, Arena *arena,
                        MlColumn *out) {
    if (field->type == ML_TEXT) out->text = ARENA_ARRAY(arena, Str, values + 1);
    else out->number = ARENA_ARRAY(arena, double, values + 1);
    (void)rows;
}

static void mark_missing(MlColumn *column, uint32_t row, uint32_t rows, Arena *arena) {
    if (!column->valid) {
        column->valid = arena_alloc(arena, BITS_WORDS(rows + 1) * sizeof *column->valid);
        memset(column->valid, 0xff, BITS_WORDS(rows + 1) * sizeof *column->valid);
    }
    column->valid[row / 64] &= ~(1ull << (row % 64));
}

// An ARRAY column: the rows of a tensor, or lists of any length.
static Status read_array(const ModelColumns *self, const MlField *field, const Vec *vec,
                         uint32_t rows, Arena *arena, MlColumn *out, Error *err) {
    const ListView *view = vec_list(vec);
    const Vec *value = vec->child[0];
    size_t total = 0;
    for (uint32_t r = 0; r < rows; r++) total += vec_is_null(vec, r) ? 0 : view[r].count;
    column_room(field, rows, field->list ? total : (size_t)rows * field->width, arena, out);
    if (field->list) out->offset = ARENA_ARRAY(arena, uint32_t, rows + 1);
    uint32_t at = 0;
    for (uint32_t r = 0; r < rows; r++) {
        bool null = vec_is_null(vec, r);
        uint32_t count = null ? 0 : view[r].count;
        if (null) mark_missing(out, r, rows, arena);
        if (!field->list && !null && count != field->width) {
            return error_set(err, ST_RUNTIME,
                             "row %u: an array of %u for the %u values of field '" STR_FMT
                             "' of model '" STR_FMT "'",
                             r, count, field->width, STR_ARG(field->name),
                             STR_ARG(self->desc->name));
        }
        size_t to = field->list ? at : (size_t)r * field->width;
        TRY(read_values(field, value, view[r].offset, count, out, to, 1, arena, err));
        at += count;
        if (field->list) out->offset[r + 1] = at;
    }
    return ST_OK;
}

Status model_columns_read(const ModelColumns *self, Vec *const *in, uint32_t rows, Arena *arena,
                          MlColumn *out, Error *err) {
    const MlModel *model = self->model;
    for (uint32_t c = 0; c < self->desc->input->child_count; c++) {
        const ColumnMatch *match = &self->in[c];
        const MlField *field = &model->in[match->field];
        MlColumn *to = &out[match->field];
        Status st = ST_OK;
        if (match->whole) {
            st = read_array(self, field, in[c], rows, arena, to, err);
        } else {
            if (!to->number && !to->text) {
                column_room(field, rows, (size_t)rows * field->width, arena, to);
            }
            st = read_values(field, in[c], 0, rows, to, match->slot, field->width, arena, err);
            for (uint32_t r = 0; in[c]->valid && r < rows; r++) {
                if (vec_is_null(in[c], r)) mark_missing(to, r, rows, arena);
            }
        }
        if (st) {
            error_while(err, "reading column '" STR_FMT "' of model '" STR_FMT "'",
                        STR_ARG(self->desc->input->field[c]), STR_ARG(self->desc->name));
            return st;
        }
    }
    // Fields that no column gives are missing in all rows.
    for (uint32_t f = 0; f < model->in_count; f++) {
        MlColumn *to = &out[f];
        if (to->number || to->text) continue;
        column_room(&model->in[f], rows, (size_t)rows * model->in[f].width, arena, to);
        if (model->in[f].list) to->offset = ARENA_ARRAY(arena, uint32_t, rows + 1);
        to->valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(rows + 1));
    }
    return ST_OK;
}

// ---- out ---------------------------------------------------------------------------------------

void model_columns_skip(const ModelColumns *self, MlColumn *out) {
    for (uint32_t f = 0; f < self->model->out_count; f++) out[f] = (MlColumn){.skip = true};
    for (uint32_t c = 0; c < self->desc->output->child_count; c++) {
        out[self->out[c].field].skip = false;
    }
}

static bool is_missing(const MlColumn *column, uint32_t row) {
    return column->valid && !bits_get(column->valid, row);
}

// Value [at] of the field into slot [to] of [out], whose type is the natural one of the field.
static void write_value(const MlField *field, const MlColumn *from, size_t at, Vec *out,
                        uint32_t to) {
    switch (field->type) {
        case ML_TEXT: vec_set_text(out, to, from->text[at]); break;
        case ML_DOUBLE: vec_f64(out)[to] = from->number[at]; break;
        case ML_FLOAT: vec_f32(out)[to] = (float)from->number[at]; break;
        case ML_INTEGER: vec_i64(out)[to] = (int64_t)from->number[at]; break;
        case ML_BOOLEAN: vec_u8(out)[to] = from->number[at] != 0; break;
    }
}

static Vec *natural_column(const MlField *field, const ColumnMatch *match, const MlColumn *from,
                           uint32_t rows, Arena *arena) {
    MlField scalar = *field;
    if (!match->whole) {
        scalar.width = 1;
        scalar.list = false;
    }
    Vec *out = vec_new(arena, field_type(&scalar, arena), rows);
    for (uint32_t r = 0; r < rows; r++) {
        if (is_missing(from, r)) {
            vec_set_null(out, r);
            continue;
        }
        size_t first = field->list ? from->offset[r] : (size_t)r * field->width;
        if (!match->whole) {
            write_value(field, from, first + match->slot, out, r);
            continue;
        }
        uint32_t count = field->list ? from->offset[r + 1] - from->offset[r] : field->width;
        uint32_t slot = vec_list_begin(out, r, count);
        for (uint32_t i = 0; i < count; i++) {
            write_value(field, from, first + i, out->child[0], slot + i);
        }
    }
    return out;
}

Status model_columns_write(const ModelColumns *self, const MlColumn *answer, uint32_t rows,
                           Arena *arena, Vec **out, Error *err) {
    static const FuncEnv UTC = {.zone = NULL};
    const Type *output = self->desc->output;
    for (uint32_t c = 0; c < output->child_count; c++) {
        const ColumnMatch *match = &self->out[c];
        const MlField *field = &self->model->out[match->field];
        const Type *type = output->child[c];
        Vec *natural = natural_column(field, match, &answer[match->field], rows, arena);
        // A class is a text to most models; a column of numbers takes the text for what it says.
        if (type_equal_but_null(natural->type, type)) {
            out[c] = vec_retype(arena, natural, type);
        } else {
            out[c] = vec_new(arena, type, rows);
            Status st = cast_vec(natural, rows, NULL, false, &UTC, arena, out[c], err);
            if (st) {
                error_while(err, "writing column '" STR_FMT "' of model '" STR_FMT "'",
                            STR_ARG(output->field[c]), STR_ARG(self->desc->name));
                return st;
            }
        }
        if (type->nullable || !vec_has_nulls(out[c])) continue;
        (void)error_set(err, ST_RUNTIME,
                        "model '" STR_FMT "' gives no value for its column '" STR_FMT
                        "', which is NOT NULL",
                        STR_ARG(self->desc->name), STR_ARG(output->field[c]));
        error_hint(err, "declare the column without NOT NULL");
        return ST_RUNTIME;
    }
    return ST_OK;
}
