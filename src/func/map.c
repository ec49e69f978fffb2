// MAP_*.
#include "func/collection.h"

static Status part_bind(FuncCall *call, uint32_t part, Error *err) {
    const Type *map = call->arg[0];
    if (map->kind != TYPE_MAP) return collection_mismatch(call, err);
    call->result = type_array(call->arena, map->child[part], map->nullable);
    return ST_OK;
}
static Status keys_bind(FuncCall *call, Error *err) {
    return part_bind(call, 0, err);
}
static Status values_bind(FuncCall *call, Error *err) {
    return part_bind(call, 1, err);
}

// Keys and values are columns already: the array is another view of them.
static Status part_view(const KernelArgs *args, Vec *out, uint32_t part) {
    const Vec *map = args->arg[0];
    out->child = map->child + part;
    if (args->rows) memcpy(out->data, map->data, args->rows * sizeof(ListView));
    return ST_OK;
}
static Status keys_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return part_view(args, out, 0);
}
static Status values_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return part_view(args, out, 1);
}

static Status entries_bind(FuncCall *call, Error *err) {
    const Type *map = call->arg[0];
    if (map->kind != TYPE_MAP) return collection_mismatch(call, err);
    const Str field[] = {STR("key"), STR("value")};
    const Type *entry = type_row(call->arena, 2, map->child, field, true);
    call->result = type_array(call->arena, entry, map->nullable);
    return ST_OK;
}

static Status entries_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *map = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = vec_list(map)[row];
        uint32_t at = vec_list_begin(out, row, view.count);
        for (uint32_t c = 0; c < 2; c++) {
            elements_share(out->child[0]->child[c], at, map->child[c], view.offset, view.count);
        }
    }
    return ST_OK;
}

static Status from_arrays_bind(FuncCall *call, Error *err) {
    const Type *keys = call->arg[0], *values = call->arg[1];
    if (keys->kind != TYPE_ARRAY || values->kind != TYPE_ARRAY) {
        return collection_mismatch(call, err);
    }
    call->result = type_map(call->arena, keys->child[0], values->child[0],
                            keys->nullable || values->nullable);
    return ST_OK;
}

// Equal keys are kept, as Flink keeps them.
static Status from_arrays_kernel(const KernelArgs *args, Vec *out, Error *err) {
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView keys = vec_list(args->arg[0])[row], values = vec_list(args->arg[1])[row];
        if (keys.count != values.count) {
            return error_set(err, ST_RUNTIME,
                             "Invalid function MAP_FROM_ARRAYS call: The length of the keys array "
                             "%u is not equal to the length of the values array %u",
                             keys.count, values.count);
        }
        uint32_t at = vec_list_begin(out, row, keys.count);
        elements_share(out->child[0], at, args->arg[0]->child[0], keys.offset, keys.count);
        elements_share(out->child[1], at, args->arg[1]->child[0], values.offset, values.count);
    }
    return ST_OK;
}

static Status union_bind(FuncCall *call, Error *err) {
    TRY(collection_common(call, TYPE_MAP, err));
    bool nullable = false;
    for (uint32_t i = 0; i < call->argc; i++) nullable |= call->arg[i]->nullable;
    call->result = type_nullable(call->arena, call->arg[0], nullable);
    return ST_OK;
}

// Of equal keys the last map's value stands; as in Flink the last map's entries come first.
static Status union_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        uint32_t most = 0;
        for (uint32_t i = 0; i < args->argc; i++) most += vec_list(args->arg[i])[row].count;
        ElementSet keys = element_set(args->scratch, most);
        for (uint32_t i = args->argc; i-- > 0;) {
            ListView view = vec_list(args->arg[i])[row];
            for (uint32_t k = 0; k < view.count; k++) {
                (void)element_set_add(&keys, args->arg[i]->child[0], view.offset + k);
            }
        }
        uint32_t at = vec_list_begin(out, row, keys.count);
        for (uint32_t e = 0; e < keys.count; e++) {
            uint32_t i = 0;
            while (args->arg[i]->child[0] != keys.vec[e]) i++;
            vec_share_value(out->child[0], at + e, keys.vec[e], keys.at[e]);
            vec_share_value(out->child[1], at + e, args->arg[i]->child[1], keys.at[e]);
        }
    }
    return ST_OK;
}

static const ScalarFunc MAP_FUNCS[] = {
    {.name = "MAP_ENTRIES", .args = {ARG_ANY}, .bind = entries_bind, .kernel = entries_kernel,
     .doc = "The entries as an array of ROW<key, value>.",
     .example = "MAP_ENTRIES(MAP['a', 1])", .gives = "[(a, 1)]"},
    {.name = "MAP_FROM_ARRAYS", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_CAN_FAIL,
     .bind = from_arrays_bind, .kernel = from_arrays_kernel,
     .doc = "A map of an array of keys and one of values, of the same length.",
     .example = "MAP_FROM_ARRAYS(ARRAY['a'], ARRAY[1])", .gives = "{a=1}"},
    {.name = "MAP_KEYS", .args = {ARG_ANY}, .bind = keys_bind, .kernel = keys_kernel,
     .doc = "The keys as an array.", .example = "MAP_KEYS(MAP['a', 1])", .gives = "[a]"},
    {.name = "MAP_UNION", .args = {ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .bind = union_bind, .kernel = union_kernel,
     .doc = "All entries in one map; of equal keys the last map's value stands.",
     .example = "MAP_UNION(MAP['a', 1], MAP['a', 2])", .gives = "{a=2}"},
    {.name = "MAP_VALUES", .args = {ARG_ANY}, .bind = values_bind, .kernel = values_kernel,
     .doc = "The values as an array.", .example = "MAP_VALUES(MAP['a', 1])", .gives = "[1]"},
};
const FuncTable MAP_TABLE = FUNC_TABLE("Collection functions", MAP_FUNCS);
