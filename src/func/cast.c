// Casts: which are allowed, and the way to the file that does one. Nested types are cast here,
// element by element.
#include "func/cast_int.h"

// ---- what may be cast
// ----------------------------------------------------------------------------

static bool single_unit(const Type *interval) {
    switch (interval->units) {
        case UNITS_YEAR_TO_MONTH:
        case UNITS_DAY_TO_HOUR:
        case UNITS_DAY_TO_MINUTE:
        case UNITS_DAY_TO_SECOND:
        case UNITS_HOUR_TO_MINUTE:
        case UNITS_HOUR_TO_SECOND:
        case UNITS_MINUTE_TO_SECOND: return false;
        default: return true;
    }
}

bool cast_allowed(const Type *from, const Type *to) {
    if (from->kind == TYPE_NULL) return to->kind != TYPE_DESCRIPTOR && to->kind != TYPE_SYMBOL;
    switch (to->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR:
            return from->kind != TYPE_VARIANT && from->kind != TYPE_SYMBOL &&
                   from->kind != TYPE_DESCRIPTOR;
        case TYPE_BOOLEAN:
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
        case TYPE_DECIMAL:
            return type_is_numeric(from) || from->kind == TYPE_BOOLEAN || type_is_text(from);
        case TYPE_BINARY:
        case TYPE_VARBINARY: return type_is_text(from) || type_is_bytes(from);
        case TYPE_DATE:
            return from->kind == TYPE_DATE || type_is_timestamp(from) || type_is_text(from);
        case TYPE_TIME:
            return from->kind == TYPE_TIME || type_is_timestamp(from) || type_is_text(from);
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: return type_is_datetime(from) || type_is_text(from);
        case TYPE_INTERVAL_MONTHS:
        case TYPE_INTERVAL_SECONDS:
            return from->kind == to->kind || (type_is_integer(from) && single_unit(to));
        default: break;
    }
    if (from->kind == TYPE_VARIANT) return false;  // not even to itself
    if (from->kind != to->kind || from->child_count != to->child_count) return false;
    for (uint32_t i = 0; i < to->child_count; i++) {
        if (!cast_allowed(from->child[i], to->child[i])) return false;
    }
    return true;
}

bool cast_can_fail(const Type *from, const Type *to) {
    if (to->kind == TYPE_DECIMAL && type_is_numeric(from)) {
        if (type_is_approx(from)) return true;
        int32_t had = type_exact_precision(from) - type_exact_scale(from);
        bool rounds =
            type_exact_scale(from) > to->scale;  // 9.9 needs one digit more as DECIMAL(…,0)
        return had + rounds > to->precision - to->scale;
    }
    if (type_is_text(from)) return !type_is_text(to) && !type_is_bytes(to);
    for (uint32_t i = 0; i < to->child_count && i < from->child_count; i++) {
        if (cast_can_fail(from->child[i], to->child[i])) return true;
    }
    return false;
}

// ---- the way
// -------------------------------------------------------------------------------------

Status cast_fail(const Cast *cast, uint32_t row, const char *why, Error *err) {
    if (cast->failed) {
        bits_set(cast->failed, row);
        return ST_OK;
    }
    Buf text = {0};
    buf_puts(&text, "cannot cast '");
    value_print(cast->in, row, cast->env, true, &text);
    buf_puts(&text, "' to ");
    type_print_summary(cast->out->type, false, &text);
    Status st = error_set(err, ST_RUNTIME, STR_FMT ": %s", STR_ARG(buf_str(&text)), why);
    buf_free(&text);
    return st;
}

// The same bits under another type.
static Status cast_same(const Cast *cast, Error *err) {
    (void)err;
    const Vec *in = cast->in;
    uint32_t size = phys_size(in->phys);
    if (!cast->mask) {
        if (cast->rows) memcpy(cast->out->data, in->data, (size_t)cast->rows * size);
        return ST_OK;
    }
    for (uint32_t row = 0; row < cast->rows; row++) {
        if (!bits_get(cast->mask, row)) continue;
        memcpy((char *)cast->out->data + (size_t)row * size,
               (const char *)in->data + (size_t)row * size, size);
    }
    return ST_OK;
}

// The elements of the wanted rows alone: views may leave gaps in the children, and what lies there
// must not make the cast fail.
static Status cast_list(const Cast *cast, Error *err) {
    const ListView *view = vec_list(cast->in);
    ListView *to = vec_list(cast->out);
    uint32_t total = 0;
    for (uint32_t row = 0; row < cast->rows; row++) {
        if (!cast_row_wanted(cast, row)) continue;
        to[row] = (ListView){total, view[row].count};
        total += view[row].count;
    }
    uint32_t *element = ARENA_ARRAY(cast->scratch, uint32_t, total + 1);
    uint32_t *owner = ARENA_ARRAY(cast->scratch, uint32_t, total + 1);
    for (uint32_t row = 0, at = 0; row < cast->rows; row++) {
        if (!cast_row_wanted(cast, row)) continue;
        for (uint32_t i = 0; i < view[row].count; i++, at++) {
            element[at] = view[row].offset + i;
            owner[at] = row;
        }
    }
    for (uint32_t c = 0; c < cast->out->type->child_count; c++) {
        Vec *child = cast->out->child[c];
        vec_set_len(child, total);
        uint64_t *failed =
            cast->failed ? ARENA_ARRAY(cast->scratch, uint64_t, BITS_WORDS(total + 1)) : NULL;
        const Vec *in = vec_gather(cast->scratch, cast->in->child[c], element, total);
        const Cast inner = {in, child, total, NULL, failed, cast->env, cast->scratch};
        TRY(cast_masked(&inner, err));
        for (uint32_t i = 0; failed && i < total; i++) {
            if (bits_get(failed, i)) bits_set(cast->failed, owner[i]);
        }
    }
    return ST_OK;
}

static Status cast_row(const Cast *cast, Error *err) {
    for (uint32_t c = 0; c < cast->out->type->child_count; c++) {
        const Cast inner = {cast->in->child[c], cast->out->child[c], cast->rows, cast->mask,
                            cast->failed, cast->env, cast->scratch};
        TRY(cast_masked(&inner, err));
    }
    return ST_OK;
}

static Status cast_unsupported(const Cast *cast, Error *err) {
    Buf text = {0};
    type_print_summary(cast->in->type, false, &text);
    buf_puts(&text, " to ");
    type_print_summary(cast->out->type, false, &text);
    Status st = error_set(err, ST_UNSUPPORTED, "no cast from " STR_FMT, STR_ARG(buf_str(&text)));
    buf_free(&text);
    return st;
}

static CastRun cast_pick(const Type *from, const Type *to) {
    if (type_is_text(to)) return cast_text;
    if (type_is_bytes(to)) return cast_bytes;
    if (from->kind == to->kind && type_is_list(to)) return cast_list;
    if (from->kind == TYPE_ROW && to->kind == TYPE_ROW) return cast_row;
    bool to_number = type_is_numeric(to) || to->kind == TYPE_BOOLEAN;
    if (to_number || type_is_interval(to)) {
        if (to_number && type_is_text(from)) return cast_number_from_text;
        if (from->kind == to->kind && to->kind != TYPE_DECIMAL) return cast_same;
        return cast_number;
    }
    if (type_is_datetime(to)) {
        if (type_is_text(from)) return cast_time_from_text;
        if (type_is_datetime(from)) return cast_time;
    }
    return from->kind == to->kind ? cast_same : cast_unsupported;
}

Status cast_masked(const Cast *cast, Error *err) {
    const Vec *in = cast->in;
    Vec *out = cast->out;
    if (!cast->rows) return ST_OK;
    if (in->phys == PHYS_NONE) {
        vec_set_all_null(out);
        return ST_OK;
    }
    Cast run = *cast;
    if (in->valid) {
        size_t words = BITS_WORDS(cast->rows);
        uint64_t *mask = ARENA_ARRAY(cast->scratch, uint64_t, words);
        for (size_t w = 0; w < words; w++) {
            mask[w] = in->valid[w] & (cast->mask ? cast->mask[w] : ~(uint64_t)0);
        }
        run.mask = mask;
    }
    TRY(cast_pick(in->type, out->type)(&run, err));
    if (!run.mask && !run.failed) return ST_OK;
    for (uint32_t row = 0; row < run.rows; row++) {
        if (!cast_row_wanted(&run, row) || (run.failed && bits_get(run.failed, row))) {
            vec_set_null(out, row);
        }
    }
    return ST_OK;
}

Status cast_vec(const Vec *in, uint32_t rows, const uint64_t *only, bool try_cast,
                const FuncEnv *env, Arena *scratch, Vec *out, Error *err) {
    // The legacy behaviour of Flink before 1.15: NULL for what fails, CHAR(n) and VARCHAR(n) not
    // cut.
    try_cast |= env && env->legacy_cast;
    uint64_t *failed = try_cast && cast_can_fail(in->type, out->type)
                           ? ARENA_ARRAY(scratch, uint64_t, BITS_WORDS(rows + 1))
                           : NULL;
    const Cast cast = {in, out, rows, only, failed, env, scratch};
    return cast_masked(&cast, err);
}
