// Looks aggregate functions up, binds their calls, and runs the parts that are the same for all:
// the walk from groups to states, and the slow forms of what an implementation leaves out.
#include "func/agg_int.h"

#include <strings.h>

enum { AGG_NAME_MAX = 64 };

const AggFunc *agg_find(Str name) {
    char text[AGG_NAME_MAX];
    if (name.len >= sizeof text) return NULL;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    for (uint32_t t = 0; t < AGG_TABLE_COUNT; t++) {
        for (uint32_t i = 0; i < AGG_TABLES[t]->count; i++) {
            const AggFunc *func = &AGG_TABLES[t]->row[i];
            if (strcasecmp(func->name, text) == 0) return func;
            for (uint32_t a = 0; a < 3 && func->alias[a]; a++) {
                if (strcasecmp(func->alias[a], text) == 0) return func;
            }
        }
    }
    return NULL;
}

Status agg_mismatch(const AggCall *call, Error *err) {
    Buf given = {0};
    for (uint32_t i = 0; i < call->argc; i++) {
        if (i) buf_puts(&given, ", ");
        type_print_summary(call->arg[i], false, &given);
    }
    Status st = error_set(err, ST_VALIDATION, "cannot apply '%s' to arguments (" STR_FMT ")",
                          call->func->name, STR_ARG(buf_str(&given)));
    buf_free(&given);
    return st;
}

const Type *agg_type_of_group(const AggCall *call, const Type *type) {
    return type_nullable(call->arena, type, type->nullable || !call->grouped);
}

void agg_emit_null(const Type *result, Vec *out, uint32_t row) {
    if (!result->nullable) {
        switch (out->phys) {
            case PHYS_I8:
            case PHYS_I16:
            case PHYS_I32:
            case PHYS_I64: vec_set_integer(out, row, -1); return;
            case PHYS_F32: vec_f32(out)[row] = -1; return;
            case PHYS_F64: vec_f64(out)[row] = -1; return;
            default: break;
        }
    }
    vec_set_null(out, row);
}

const Type *agg_state_row(Arena *arena, ...) {
    enum { FIELDS_MAX = 4 };
    const Type *child[FIELDS_MAX];
    Str field[FIELDS_MAX];
    uint32_t count = 0;
    va_list args;
    va_start(args, arena);
    for (const char *name; (name = va_arg(args, const char *)); count++) {
        ASSERT(count < FIELDS_MAX);
        field[count] = str_c(name);
        child[count] = va_arg(args, const Type *);
    }
    va_end(args);
    return type_row(arena, count, child, field, false);
}

static Status agg_check_args(AggCall *call, Error *err) {
    const AggFunc *func = call->func;
    uint32_t declared = 0;
    while (declared < 4 && func->args[declared]) declared++;
    uint32_t least = func->argc_min, most = func->argc_max;
    if (!least && !most) least = most = declared;
    if (call->argc < least || call->argc > most) {
        return error_set(err, ST_VALIDATION, "invalid number of arguments to '%s': %u given",
                         func->name, call->argc);
    }
    for (uint32_t i = 0; i < call->argc && i < declared; i++) {
        const Type *cast;
        if (!arg_spec_accepts(func->args[i], call->arg[i], call->arena, &cast)) {
            return agg_mismatch(call, err);
        }
        call->arg[i] = cast;
    }
    return ST_OK;
}

Status agg_bind(AggCall *call, const AggFunc *func, Error *err) {
    call->func = func;
    call->result = call->state_type = NULL;
    call->impl = NULL;
    call->bound = NULL;
    call->inner = NULL;
    call->offset = 0;
    TRY(agg_check_args(call, err));
    if (!call->batch && (func->flags & AGG_BATCH_ONLY)) {
        return error_set(err, ST_UNSUPPORTED,
                         "%s aggregate function does not support yet for streaming", func->name);
    }
    if (call->retract && (func->flags & AGG_NO_RETRACT)) {
        return error_set(err, ST_UNSUPPORTED, "%s cannot take updates or deletions", func->name);
    }
    TRY(func->bind(call, err));
    ASSERT(call->result && call->impl && call->state_type);
    return call->distinct ? agg_distinct_bind(call, err) : ST_OK;
}

uint32_t agg_layout(AggCall *const *calls, uint32_t count, uint32_t offset, uint32_t *align) {
    uint32_t widest = *align ? *align : 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t need = calls[i]->impl->align;
        offset = (offset + need - 1) & ~(need - 1);
        calls[i]->offset = offset;
        offset += calls[i]->impl->size;
        if (need > widest) widest = need;
    }
    *align = widest;
    return (offset + widest - 1) & ~(widest - 1);
}

Status agg_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    return call->impl->update(call, in, env, err);
}

// Row [row] of [in] as a batch of its own; the slices share the columns.
static Status agg_update_row(const AggCall *call, const AggRows *in, uint32_t row, AggEnv *env,
                             Error *err) {
    const Vec *arg[AGG_ARGS_MAX];
    for (uint32_t i = 0; i < call->argc; i++) arg[i] = vec_slice(env->scratch, in->arg[i], row, 1);
    uint8_t *group = agg_group(in, row);
    AggRows one = {.rows = 1, .arg = arg, .single = group,
                   .kinds = in->kinds ? in->kinds + row : NULL};
    return call->impl->update(call, &one, env, err);
}

Status agg_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after, Error *err) {
    if (call->impl->step) return call->impl->step(call, in, env, after, err);
    for (uint32_t row = 0; row < in->rows; row++) {
        if (agg_row_taken(in, row)) TRY(agg_update_row(call, in, row, env, err));
        TRY(call->impl->emit(call, agg_group(in, row) + call->offset, env, after, row, err));
    }
    return ST_OK;
}

Status agg_emit(const AggCall *call, const uint8_t *const *group, uint32_t count, AggEnv *env,
                Vec *out, Error *err) {
    if (call->impl->emit_all) return call->impl->emit_all(call, group, count, env, out, err);
    for (uint32_t row = 0; row < count; row++) {
        TRY(call->impl->emit(call, group[row] + call->offset, env, out, row, err));
    }
    return ST_OK;
}

Status agg_emit_one(const AggCall *call, const uint8_t *group, AggEnv *env, Vec *out, uint32_t row,
                    Error *err) {
    return call->impl->emit(call, group + call->offset, env, out, row, err);
}

Status agg_merge(const AggCall *call, uint8_t *dst_group, const uint8_t *src_group, AggEnv *env,
                 Error *err) {
    if (!call->impl->merge) {
        return error_set(err, ST_UNSUPPORTED, "%s has no merge: it cannot be used in this window",
                         call->func->name);
    }
    return call->impl->merge(call, dst_group + call->offset, src_group + call->offset, env, err);
}

void agg_clear(const AggCall *call, uint8_t *group, AggEnv *env) {
    uint8_t *state = group + call->offset;
    if (call->impl->clear) call->impl->clear(call, state, env);
    memset(state, 0, call->impl->size);
}

Status agg_write(const AggCall *call, const uint8_t *group, AggEnv *env, Vec *out, uint32_t row,
                 Error *err) {
    return call->impl->write(call, group + call->offset, env, out, row, err);
}

Status agg_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env, uint8_t *group,
                Error *err) {
    return call->impl->read(call, in, row, env, group + call->offset, err);
}

static bool list_has_null(const Vec *vec, uint32_t row, uint32_t child) {
    ListView view = vec_list(vec)[row];
    for (uint32_t k = 0; k < view.count; k++) {
        if (vec_is_null(vec->child[child], view.offset + k)) return true;
    }
    return false;
}

bool agg_same_result(const AggCall *call, const Vec *a, uint32_t i, const Vec *b, uint32_t j) {
    bool a_null = vec_is_null(a, i), b_null = vec_is_null(b, j);
    if (a_null || b_null) return a_null && b_null;
    if (a->phys == PHYS_F64) return vec_f64(a)[i] == vec_f64(b)[j];
    if (a->phys == PHYS_F32) return vec_f32(a)[i] == vec_f32(b)[j];
    if (call->impl->flags & AGG_NEW_ARRAY && list_has_null(a, i, 0)) return false;
    if (a->type->kind == TYPE_MAP && list_has_null(a, i, 1)) return false;
    return vec_key_equal(a, i, b, j);
}
