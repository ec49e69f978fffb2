#include "col/migrate.h"

#include "col/codec.h"
#include "type/decimal.h"

typedef enum StepKind {
    STEP_SAME,   // the bytes are right as they are
    STEP_VALUE,  // a scalar of another type
    STEP_ROW,
    STEP_LIST,   // arrays, maps, multisets
    STEP_NEW,    // nothing to read: [fresh]
} StepKind;

typedef struct Step Step;
struct Step {
    StepKind kind;
    const Type *from, *to;
    Vec *read, *write;  // STEP_VALUE: a row each
    Step **child;       // STEP_ROW: a field of [to]; STEP_LIST: a child
    uint32_t *source;   // STEP_ROW: which field of [from] each field of [to] is
    Str fresh;
};

struct Migration {
    Step *step;
    bool key;
    const char **field;  // of the row at hand: where each field of [from] begins
    Arena scratch;
};

typedef struct Maker {
    Arena *arena;
    const MigrateBegin *begin;
    bool key;
    uint32_t lists;  // depth
    Buf *said;
    Error *err;
} Maker;

// ---- which types hold which --------------------------------------------------------------------

// Decimal digits before the point that a whole number of the kind may have; 0: it is none.
static int32_t whole_digits(TypeKind kind) {
    switch (kind) {
        case TYPE_TINYINT: return 3;
        case TYPE_SMALLINT: return 5;
        case TYPE_INT: return 10;
        case TYPE_BIGINT: return 19;
        default: return 0;
    }
}

static bool holds(const Type *to, const Type *from) {
    int32_t whole = whole_digits(from->kind);
    switch (to->kind) {
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT: return whole && whole <= whole_digits(to->kind);
        case TYPE_FLOAT: return whole && whole <= whole_digits(TYPE_SMALLINT);
        case TYPE_DOUBLE:
            return from->kind == TYPE_FLOAT || (whole && whole <= whole_digits(TYPE_INT));
        case TYPE_DECIMAL:
            if (whole) return to->precision - to->scale >= whole;
            return from->kind == TYPE_DECIMAL && to->scale >= from->scale &&
                   to->precision - to->scale >= from->precision - from->scale;
        case TYPE_VARCHAR:
            return (from->kind == TYPE_VARCHAR || from->kind == TYPE_CHAR) &&
                   to->length >= from->length;
        case TYPE_VARBINARY:
            return (from->kind == TYPE_VARBINARY || from->kind == TYPE_BINARY) &&
                   to->length >= from->length;
        case TYPE_TIME:
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: return from->kind == to->kind && to->precision >= from->precision;
        default: return false;
    }
}

static void convert(const Vec *from, Vec *to) {
    const Type *type = to->type;
    switch (type->kind) {
        case TYPE_FLOAT: vec_f32(to)[0] = (float)vec_integer(from, 0); return;
        case TYPE_DOUBLE:
            vec_f64(to)[0] = from->phys == PHYS_F32 ? (double)vec_f32(from)[0]
                                                    : (double)vec_integer(from, 0);
            return;
        case TYPE_DECIMAL: {
            bool wide = from->phys == PHYS_I128, whole = from->type->kind != TYPE_DECIMAL;
            i128 value = wide ? vec_i128(from)[0] : vec_integer(from, 0);
            int32_t scale = whole ? 0 : from->type->scale;
            bool fits = decimal_rescale(value, scale, type->precision, type->scale, &value);
            ASSERT(fits);  // holds() said so
            if (to->phys == PHYS_I128) {
                vec_i128(to)[0] = value;
            } else {
                vec_set_integer(to, 0, (int64_t)value);
            }
            return;
        }
        case TYPE_VARCHAR:
        case TYPE_VARBINARY: vec_str(to)[0] = vec_str(from)[0]; return;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: vec_set_timestamp(to, 0, vec_timestamp(from, 0)); return;
        default: vec_set_integer(to, 0, vec_integer(from, 0)); return;
    }
}

// ---- making ------------------------------------------------------------------------------------

static void say(const Maker *maker, Str name, const Type *from, const Type *to, bool begins) {
    if (maker->said->len) buf_puts(maker->said, ", ");
    buf_put_str(maker->said, name);
    if (!from || !to) {
        buf_puts(maker->said, from ? " is gone" : " is new");
        if (!from)
            buf_puts(maker->said, maker->lists && !begins ? " and NULL in rows kept"
                                                          : " and begins empty");
        return;
    }
    buf_putc(maker->said, ' ');
    type_print(from, maker->said);
    buf_puts(maker->said, " -> ");
    type_print(to, maker->said);
}

static Status refuse(const Maker *maker, Str name, const Type *from, const Type *to,
                     const char *why) {
    Buf text = {0};
    buf_put_str(&text, name);
    if (from && to) {
        buf_puts(&text, " was ");
        type_print(from, &text);
        buf_puts(&text, " and is ");
        type_print(to, &text);
    }
    buf_printf(&text, "%s", why);
    (void)error_set(maker->err, ST_VALIDATION, "%s", buf_cstr(&text));
    buf_free(&text);
    return ST_VALIDATION;
}

static Status make(Maker *maker, Str name, const Type *from, const Type *to, Step **out);

static Status make_new(Maker *maker, const Type *row, uint32_t field, bool begins, Step **out) {
    Step *step = *out = ARENA_NEW(maker->arena, Step);
    *step = (Step){.kind = STEP_NEW, .to = row->child[field]};
    Str name = row->field[field];
    const MigrateBegin *begin = maker->begin;
    if (maker->lists && !begins && begin && begin->rows_fixed) {
        return refuse(maker, name, NULL, NULL, " is new, and rows kept are found by all columns");
    }
    if (begins && begin && begin->begin) {
        Buf bytes = {0};
        bool good = begin->begin(begin->arg, field, &bytes);
        step->fresh = str_dup(maker->arena, buf_str(&bytes));
        buf_free(&bytes);
        if (good) return ST_OK;
        return refuse(maker, name, NULL, NULL,
                      " is new, and rows that come may take back what it has not seen");
    }
    step->fresh = STR("\0");  // NULL
    if (row->child[field]->nullable) return ST_OK;
    return refuse(maker, name, NULL, NULL, " is new and NOT NULL");
}

// [begins]: it is the row that maker->begin speaks of.
static Status make_row(Maker *maker, const Type *from, const Type *to, bool top, bool begins,
                       Step **out) {
    Step *step = *out = ARENA_NEW(maker->arena, Step);
    *step = (Step){.kind = STEP_ROW, .from = from, .to = to};
    step->child = ARENA_ARRAY(maker->arena, Step *, to->child_count + 1);
    step->source = ARENA_ARRAY(maker->arena, uint32_t, to->child_count + 1);
    bool *taken = ARENA_ARRAY(maker->arena, bool, from->child_count + 1);
    bool same = from->child_count == to->child_count, by_place = top && maker->key;
    if (by_place && !same) return refuse(maker, STR("the key"), from, to, "");
    for (uint32_t f = 0; f < to->child_count; f++) {
        uint32_t at = by_place ? f : 0;
        while (!by_place && at < from->child_count &&
               (taken[at] || !str_eq(from->field[at], to->field[f]))) {
            at++;
        }
        step->source[f] = at;
        if (at == from->child_count) {
            same = false;
            say(maker, to->field[f], NULL, to->child[f], begins);
            TRY(make_new(maker, to, f, begins, &step->child[f]));
            continue;
        }
        taken[at] = true;
        TRY(make(maker, to->field[f], from->child[at], to->child[f], &step->child[f]));
        same &= at == f && step->child[f]->kind == STEP_SAME;
    }
    for (uint32_t f = 0; f < from->child_count && !by_place; f++) {
        if (!taken[f]) say(maker, from->field[f], from->child[f], NULL, false);
    }
    if (same) step->kind = STEP_SAME;
    return ST_OK;
}

static Status make(Maker *maker, Str name, const Type *from, const Type *to, Step **out) {
    if (from->nullable && !to->nullable) return refuse(maker, name, from, to, "");
    if (type_equal_but_null(from, to) && from->kind != TYPE_ROW) {
        // Nullability within lists is no matter of bytes, but NULLs may not come where none may be.
        if (!from->child_count || type_equal(type_nullable(maker->arena, from, to->nullable), to)) {
            Step *step = *out = ARENA_NEW(maker->arena, Step);
            *step = (Step){.kind = STEP_SAME, .from = from, .to = to};
            return ST_OK;
        }
    }
    if (from->kind == TYPE_ROW && to->kind == TYPE_ROW) {
        const MigrateBegin *begin = maker->begin;
        bool begins = begin && begin->of && str_eq(name, str_c(begin->of));
        return make_row(maker, from, to, false, begins, out);
    }
    Step *step = *out = ARENA_NEW(maker->arena, Step);
    *step = (Step){.kind = STEP_VALUE, .from = from, .to = to};
    bool lists = from->kind == to->kind && type_phys(from) == PHYS_LIST &&
                 from->child_count == to->child_count;
    if (lists) {
        step->kind = STEP_LIST;
        step->child = ARENA_ARRAY(maker->arena, Step *, to->child_count + 1);
        bool same = true;
        maker->lists++;
        for (uint32_t c = 0; c < to->child_count; c++) {
            TRY(make(maker, name, from->child[c], to->child[c], &step->child[c]));
            same &= step->child[c]->kind == STEP_SAME;
        }
        maker->lists--;
        if (same) step->kind = STEP_SAME;
        return ST_OK;
    }
    if (!holds(to, from)) return refuse(maker, name, from, to, "");
    step->read = vec_new(maker->arena, type_nullable(maker->arena, from, true), 1);
    step->write = vec_new(maker->arena, type_nullable(maker->arena, to, true), 1);
    say(maker, name, from, to, false);
    return ST_OK;
}

Status migrate_rows(Arena *arena, const Type *from, const Type *to, bool key,
                    const MigrateBegin *begin, Migration **out, Buf *said, Error *err) {
    Maker maker = {.arena = arena, .begin = begin, .key = key, .said = said, .err = err};
    Step *step;
    TRY(make_row(&maker, from, to, true, !begin || !begin->of, &step));
    *out = NULL;
    if (step->kind == STEP_SAME) return ST_OK;
    *out = ARENA_NEW(arena, Migration);
    **out = (Migration){.step = step, .key = key};
    return ST_OK;
}

// ---- doing -------------------------------------------------------------------------------------

static const char *run(const Step *step, bool key, const char *at, Buf *out);

static const char *run_value(const Step *step, bool key, const char *at, Buf *out) {
    if (*at == 0) return buf_putc(out, 0), at + 1;
    at = codec_get_shared(at, step->read, 0);
    convert(step->read, step->write);
    if (key) {
        codec_put_key(step->write, 0, out);
    } else {
        codec_put(step->write, 0, out);
    }
    return at;
}

// The fields of a row, from [at] on.
static const char *run_fields(const Step *step, bool key, const char *at, Buf *out) {
    const Type *from = step->from;
    const char **begin = NEW_ARRAY(const char *, from->child_count + 1);
    for (uint32_t f = 0; f < from->child_count; f++) {
        begin[f] = at;
        at = codec_skip(from->child[f], at);
    }
    for (uint32_t f = 0; f < step->to->child_count; f++) {
        const char *source = step->child[f]->kind == STEP_NEW ? NULL : begin[step->source[f]];
        (void)run(step->child[f], key, source, out);
    }
    mem_free(begin);
    return at;
}

static const char *run_list(const Step *step, bool key, const char *at, Buf *out) {
    if (*at == 0) return buf_putc(out, 0), at + 1;
    uint32_t count;
    at = codec_get_list_head(at, &count);
    codec_put_list_head(out, count);
    for (; count; count--) {
        for (uint32_t c = 0; c < step->to->child_count; c++) at = run(step->child[c], key, at, out);
    }
    return at;
}

static const char *run(const Step *step, bool key, const char *at, Buf *out) {
    switch (step->kind) {
        case STEP_SAME: {
            const char *end = codec_skip(step->from, at);
            buf_put(out, at, (size_t)(end - at));
            return end;
        }
        case STEP_VALUE: return run_value(step, key, at, out);
        case STEP_LIST: return run_list(step, key, at, out);
        case STEP_ROW:
            if (*at == 0) return buf_putc(out, 0), at + 1;
            codec_put_row_head(out);
            return run_fields(step, key, at + 1, out);
        case STEP_NEW: buf_put_str(out, step->fresh); return at;
    }
    return at;
}

const char *migrate_row(Migration *migration, const char *at, Buf *out) {
    return run_fields(migration->step, migration->key, at, out);
}
