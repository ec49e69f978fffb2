// Constructors of arrays, maps and rows, access to their parts, CARDINALITY and ELEMENT.
#include "func/collection.h"

// ---- shared -------------------------------------------------------------------------------------

Status collection_mismatch(const FuncCall *call, Error *err) {
    Buf given = {0};
    for (uint32_t i = 0; i < call->argc; i++) {
        if (i) buf_puts(&given, ", ");
        type_print_summary(call->arg[i], true, &given);
    }
    Status st = error_set(err, ST_VALIDATION, "invalid arguments to '%s': " STR_FMT,
                          call->func->name, STR_ARG(buf_str(&given)));
    buf_free(&given);
    return st;
}

Status collection_common(FuncCall *call, TypeKind kind, Error *err) {
    for (uint32_t i = 0; i < call->argc; i++) {
        if (call->arg[i]->kind != kind) return collection_mismatch(call, err);
    }
    const Type *common = type_merge(call->arena, call->arg, call->argc);
    if (!common) return collection_mismatch(call, err);
    for (uint32_t i = 0; i < call->argc; i++) {
        call->arg[i] = type_nullable(call->arena, common, call->arg[i]->nullable);
    }
    return ST_OK;
}

Status collection_element(FuncCall *call, uint32_t index, Error *err) {
    if (call->arg[0]->kind != TYPE_ARRAY) return collection_mismatch(call, err);
    const Type *given = call->arg[index], *element = call->arg[0]->child[0];
    if (given->kind != TYPE_NULL && !type_casts_implicitly(given, element)) {
        return collection_mismatch(call, err);
    }
    call->arg[index] = type_nullable(call->arena, element,
                                     given->nullable || given->kind == TYPE_NULL);
    return ST_OK;
}

bool element_equal(const Vec *a, uint32_t i, const Vec *b, uint32_t j) {
    if (a->phys == PHYS_F64 && !vec_is_null(a, i) && !vec_is_null(b, j)) {
        return vec_f64(a)[i] == vec_f64(b)[j];
    }
    if (a->phys == PHYS_F32 && !vec_is_null(a, i) && !vec_is_null(b, j)) {
        return vec_f32(a)[i] == vec_f32(b)[j];
    }
    return vec_key_equal(a, i, b, j);
}

ElementSet element_set(Arena *arena, uint32_t entries_max) {
    uint32_t slots = 8;
    while (slots < entries_max * 2) slots *= 2;
    return (ElementSet){
        .vec = ARENA_ARRAY(arena, const Vec *, entries_max + 1),
        .at = ARENA_ARRAY(arena, uint32_t, entries_max + 1),
        .hash = ARENA_ARRAY(arena, uint64_t, entries_max + 1),
        .slot = ARENA_ARRAY(arena, uint32_t, slots),
        .slot_mask = slots - 1,
    };
}

// The slot of the element, or the free one where it belongs.
static uint32_t element_set_slot(const ElementSet *set, const Vec *vec, uint32_t at,
                                 uint64_t hash) {
    uint32_t slot = (uint32_t)hash & set->slot_mask;
    for (; set->slot[slot]; slot = (slot + 1) & set->slot_mask) {
        uint32_t entry = set->slot[slot] - 1;
        if (set->hash[entry] == hash && element_equal(set->vec[entry], set->at[entry], vec, at)) {
            break;
        }
    }
    return slot;
}

bool element_set_has(const ElementSet *set, const Vec *vec, uint32_t at) {
    return set->slot[element_set_slot(set, vec, at, vec_hash_value(vec, at))] != 0;
}

bool element_set_add(ElementSet *set, const Vec *vec, uint32_t at) {
    uint64_t hash = vec_hash_value(vec, at);
    uint32_t slot = element_set_slot(set, vec, at, hash);
    if (set->slot[slot]) return false;
    set->vec[set->count] = vec;
    set->at[set->count] = at;
    set->hash[set->count] = hash;
    set->slot[slot] = ++set->count;
    return true;
}

void elements_share(Vec *dst, uint32_t to, const Vec *src, uint32_t from, uint32_t count) {
    uint32_t size = phys_size(src->phys);
    if (size && src->phys != PHYS_LIST && !src->valid && !dst->valid) {
        memcpy((char *)dst->data + (size_t)to * size, (const char *)src->data + (size_t)from * size,
               (size_t)count * size);
        return;
    }
    for (uint32_t i = 0; i < count; i++) vec_share_value(dst, to + i, src, from + i);
}

void put_missing(Vec *out, uint32_t row, const Type *value, bool constant) {
    if (!value->nullable) {
        switch (out->phys) {
            case PHYS_U8: return;  // FALSE
            case PHYS_I8:
            case PHYS_I16:
            case PHYS_I32: vec_set_integer(out, row, value->kind == TYPE_TIME ? 0 : -1); return;
            case PHYS_I64:
                if (type_is_timestamp(value)) break;
                vec_set_integer(out, row, -1);
                return;
            case PHYS_F32: vec_f32(out)[row] = -1; return;
            case PHYS_F64: vec_f64(out)[row] = -1; return;
            case PHYS_STR:
                if (!type_is_text(value)) break;
                if (value->kind == TYPE_CHAR && constant) {
                    char *blanks = vec_text_room(out, (size_t)value->length);
                    memset(blanks, ' ', (size_t)value->length);
                    vec_str(out)[row] = str_make(blanks, (size_t)value->length);
                }
                return;
            default: break;
        }
    }
    vec_set_null(out, row);
}

// ---- ARRAY[...] ---------------------------------------------------------------------------------

static Status array_bind(FuncCall *call, Error *err) {
    const Type *element = type_common(call->arena, call->arg, call->argc);
    if (!element || element->kind == TYPE_NULL) {
        return error_set(err, ST_VALIDATION, "ARRAY: parameters must be of the same type");
    }
    element = type_attribute(call->arena, element, TIME_NONE);
    for (uint32_t i = 0; i < call->argc; i++) call->arg[i] = element;
    call->result = type_array(call->arena, element, false);
    return ST_OK;
}

static Status array_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    vec_set_len(out->child[0], args->rows * args->argc);
    for (uint32_t row = 0; row < args->rows; row++) {
        uint32_t at = row * args->argc;
        vec_list(out)[row] = (ListView){at, args->argc};
        for (uint32_t i = 0; i < args->argc; i++) {
            vec_share_value(out->child[0], at + i, args->arg[i], row);
        }
    }
    return ST_OK;
}

// ---- MAP[...] -----------------------------------------------------------------------------------

// A bare NULL takes the type of the first key, whatever stands there: so says Calcite's
// "first known" inference, and MAP['a', NULL] has CHAR values.
static Status map_bind(FuncCall *call, Error *err) {
    if (call->argc % 2) {
        return error_set(err, ST_VALIDATION, "MAP requires an even number of arguments");
    }
    Arena *arena = call->arena;
    uint32_t pairs = call->argc / 2;
    const Type **side = ARENA_ARRAY(arena, const Type *, pairs);
    const Type *type[2];
    for (uint32_t s = 0; s < 2; s++) {
        for (uint32_t i = 0; i < pairs; i++) {
            const Type *given = call->arg[i * 2 + s];
            side[i] = given->kind == TYPE_NULL ? type_nullable(arena, call->arg[0], true) : given;
        }
        type[s] = type_common(arena, side, pairs);
        if (!type[s] || type[s]->kind == TYPE_NULL) {
            return error_set(err, ST_VALIDATION, "MAP: parameters must be of the same type");
        }
        type[s] = type_attribute(arena, type[s], TIME_NONE);
    }
    for (uint32_t i = 0; i < call->argc; i++) call->arg[i] = type[i % 2];
    call->result = type_map(arena, type[0], type[1], false);
    return ST_OK;
}

// Writes the entries of one row; of equal keys the last one's value stands, at the place of the
// first. Constructors are short: the search is linear.
static Status map_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    uint32_t pairs = args->argc / 2;
    uint32_t *last = ARENA_ARRAY(args->scratch, uint32_t, pairs);
    for (uint32_t row = 0; row < args->rows; row++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < pairs; i++) {
            uint32_t k = 0;
            const Vec *key = args->arg[i * 2];
            while (k < count && !vec_key_equal(args->arg[last[k] * 2], row, key, row)) k++;
            last[k] = i;
            if (k == count) count++;
        }
        uint32_t at = vec_list_begin(out, row, count);
        for (uint32_t k = 0; k < count; k++) {
            vec_share_value(out->child[0], at + k, args->arg[last[k] * 2], row);
            vec_share_value(out->child[1], at + k, args->arg[last[k] * 2 + 1], row);
        }
    }
    return ST_OK;
}

// ---- ROW(...) -----------------------------------------------------------------------------------

static Status row_bind(FuncCall *call, Error *err) {
    Str *field = ARENA_ARRAY(call->arena, Str, call->argc);
    for (uint32_t i = 0; i < call->argc; i++) {
        if (call->arg[i]->kind == TYPE_NULL) {
            return error_set(err, ST_VALIDATION, "illegal use of NULL in ROW");
        }
        field[i] = str_printf(call->arena, "EXPR$%u", i);
        call->arg[i] = type_attribute(call->arena, call->arg[i], TIME_NONE);
    }
    call->result = type_row(call->arena, call->argc, call->arg, field, false);
    return ST_OK;
}

static Status row_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t i = 0; i < args->argc; i++) {
        for (uint32_t row = 0; row < args->rows; row++) {
            vec_share_value(out->child[i], row, args->arg[i], row);
        }
    }
    return ST_OK;
}

// ---- a[i], m['k'], r[1] -------------------------------------------------------------------------

// Out of range is a missing value, see put_missing.
static Status item_array_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    const int32_t *index = vec_i32(args->arg[1]);
    bool constant = args->constant && args->constant[0] && args->constant[1];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = vec_list(list)[row];
        if (index[row] >= 1 && (uint32_t)index[row] <= view.count) {
            vec_share_value(out, row, list->child[0], view.offset + (uint32_t)index[row] - 1);
        } else {
            put_missing(out, row, list->type->child[0], constant);
        }
    }
    return ST_OK;
}

static Status item_map_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *map = args->arg[0], *key = args->arg[1];
    bool constant = args->constant && args->constant[0] && args->constant[1];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = vec_list(map)[row];
        uint32_t i = 0;
        while (i < view.count && !element_equal(map->child[0], view.offset + i, key, row)) i++;
        if (i < view.count) {
            vec_share_value(out, row, map->child[1], view.offset + i);
        } else {
            put_missing(out, row, map->type->child[1], constant);
        }
    }
    return ST_OK;
}

static Status item_row_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *field = args->arg[0]->child[*(const uint32_t *)args->call->bound];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (kernel_row_valid(args, row)) vec_share_value(out, row, field, row);
    }
    return ST_OK;
}

static Status item_bind_array(FuncCall *call, Error *err) {
    if (call->arg[1]->kind != TYPE_INT) return collection_mismatch(call, err);
    const Vec *index = call->literal[1];
    if (index && !vec_is_null(index, 0) && vec_i32(index)[0] < 1) {
        return error_set(err, ST_VALIDATION,
                         "array element access needs an index starting at 1 but was %d",
                         vec_i32(index)[0]);
    }
    call->result = type_nullable(call->arena, call->arg[0]->child[0], true);
    call->kernel = item_array_kernel;
    return ST_OK;
}

static Status item_bind_map(FuncCall *call, Error *err) {
    const Type *key = call->arg[0]->child[0], *given = call->arg[1];
    bool numbers = (type_is_integer(key) && type_is_integer(given)) ||
                   (type_is_approx(key) && (type_is_integer(given) || type_is_approx(given)));
    bool fits = numbers || (type_is_text(key) && type_is_text(given)) ||
                (type_is_bytes(key) && type_is_bytes(given)) ||
                (key->kind == given->kind && type_casts_implicitly(given, key));
    if (!fits) return collection_mismatch(call, err);
    if (!type_is_text(key) && !type_is_bytes(key)) {  // those are compared as they are
        call->arg[1] = type_nullable(call->arena, key, given->nullable);
    }
    call->result = type_nullable(call->arena, call->arg[0]->child[1], true);
    call->kernel = item_map_kernel;
    return ST_OK;
}

// The field is named or numbered by a constant.
static Status item_bind_row(FuncCall *call, Error *err) {
    const Type *type = call->arg[0];
    const Vec *which = call->literal[1];
    uint32_t *field = ARENA_NEW(call->arena, uint32_t);
    *field = type->child_count;
    if (type_is_structured(type)) return collection_mismatch(call, err);
    if (which && type_is_text(which->type)) {
        for (*field = 0; *field < type->child_count; ++*field) {
            if (str_eq(type->field[*field], vec_str(which)[0])) break;
        }
    } else if (which && type_is_integer(which->type)) {
        int64_t position = vec_integer(which, 0);
        if (position >= 1 && position <= type->child_count) *field = (uint32_t)position - 1;
    }
    if (*field == type->child_count) {
        return error_set(err, ST_VALIDATION, "the row has no such field, or it is not a constant");
    }
    const Type *result = type->child[*field];
    call->result = type_nullable(call->arena, result, result->nullable || type->nullable);
    call->bound = field;
    call->kernel = item_row_kernel;
    return ST_OK;
}

static Status item_bind(FuncCall *call, Error *err) {
    switch (call->arg[0]->kind) {
        case TYPE_ARRAY: return item_bind_array(call, err);
        case TYPE_MAP: return item_bind_map(call, err);
        case TYPE_ROW: return item_bind_row(call, err);
        default: return collection_mismatch(call, err);  // VARIANT has a row of its own
    }
}

// ---- CARDINALITY, ELEMENT -----------------------------------------------------------------------

static Status cardinality_bind(FuncCall *call, Error *err) {
    if (call->arg[0]->kind == TYPE_MULTISET) {
        call->refused = "CARDINALITY takes an array or a map";  // as Flink, once it makes code
        return ST_OK;
    }
    return type_is_list(call->arg[0]) ? ST_OK : collection_mismatch(call, err);
}

static Status cardinality_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        vec_i32(out)[row] = (int32_t)vec_list(list)[row].count;
    }
    return ST_OK;
}

static Status element_bind(FuncCall *call, Error *err) {
    const Type *list = call->arg[0];
    if (list->kind != TYPE_ARRAY && list->kind != TYPE_MULTISET) {
        return collection_mismatch(call, err);
    }
    call->result = type_nullable(call->arena, list->child[0],
                                 list->nullable || list->child[0]->nullable);
    return ST_OK;
}

static Status element_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Vec *list = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = vec_list(list)[row];
        if (view.count > 1) return error_set(err, ST_RUNTIME, "Array has more than one element.");
        if (view.count == 1) {
            vec_share_value(out, row, list->child[0], view.offset);
        } else {
            put_missing(out, row, list->type->child[0], false);
        }
    }
    return ST_OK;
}

static const ScalarFunc COLLECTION_FUNCS[] = {
    {.name = "ARRAY", .args = {ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .nulls = NULLS_OWN, .flags = FUNC_HIDDEN | FUNC_TAKES_NULL, .bind = array_bind,
     .kernel = array_kernel, .doc = "An array of the values, cast to their common type.",
     .example = "ARRAY[1, 2.5]", .gives = "[1.0, 2.5]"},
    {.name = "CARDINALITY", .args = {ARG_ANY}, .result = RESULT_INT, .bind = cardinality_bind,
     .kernel = cardinality_kernel,
     .doc = "The number of elements of an array, of entries of a map.",
     .example = "CARDINALITY(ARRAY[4, 5])", .gives = "2"},
    {.name = "ELEMENT", .args = {ARG_ANY}, .flags = FUNC_CAN_FAIL, .bind = element_bind,
     .kernel = element_kernel,
     .doc = "The only element of an array; NULL for an empty one, an error for several.",
     .example = "ELEMENT(ARRAY['x'])", .gives = "x"},
    {.name = "ITEM", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_HIDDEN, .bind = item_bind,
     .kernel = item_array_kernel,
     .doc = "array[index] counts from 1, map[key], row['field'] and row[position].",
     .example = "ARRAY[7, 8][2]", .gives = "8"},
    {.name = "MAP", .args = {ARG_ANY}, .argc_min = 2, .argc_max = FUNC_VARIADIC,
     .nulls = NULLS_OWN, .flags = FUNC_HIDDEN | FUNC_TAKES_NULL, .bind = map_bind,
     .kernel = map_kernel,
     .doc = "A map of key, value, key, value …; of equal keys the last value stands.",
     .example = "MAP['a', 1]", .gives = "{a=1}"},
    {.name = "ROW", .args = {ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .nulls = NULLS_OWN, .flags = FUNC_HIDDEN, .bind = row_bind, .kernel = row_kernel,
     .doc = "A row of the values; its fields are EXPR$0, EXPR$1 …",
     .example = "ROW(1, 'a')", .gives = "(1, a)"},
};
const FuncTable COLLECTION_TABLE = FUNC_TABLE("Collection functions", COLLECTION_FUNCS);
