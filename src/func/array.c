// ARRAY_*. An element that is given beside an array is cast to the array's elements where that is
// allowed implicitly: ARRAY_APPEND(ARRAY['a'], 'bcd') appends 'b', as Flink has it.
#include "func/collection.h"

#include <stdlib.h>

static ListView view_of(const Vec *list, uint32_t row) {
    return vec_list(list)[row];
}

// ---- appending, joining -------------------------------------------------------------------------

// The elements may be NULL when the new one may; the array too, although it never is for that.
static Status append_bind(FuncCall *call, Error *err) {
    TRY(collection_element(call, 1, err));
    const Type *list = call->arg[0], *element = list->child[0];
    bool null_element = call->arg[1]->nullable;
    element = type_nullable(call->arena, element, element->nullable || null_element);
    call->result = type_array(call->arena, element, list->nullable || null_element);
    return ST_OK;
}

static Status append_at(const KernelArgs *args, Vec *out, bool front) {
    const Vec *list = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (vec_is_null(list, row)) {
            vec_set_null(out, row);
            continue;
        }
        ListView view = view_of(list, row);
        uint32_t at = vec_list_begin(out, row, view.count + 1);
        elements_share(out->child[0], at + front, list->child[0], view.offset, view.count);
        vec_share_value(out->child[0], front ? at : at + view.count, args->arg[1], row);
    }
    return ST_OK;
}

static Status append_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return append_at(args, out, false);
}
static Status prepend_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return append_at(args, out, true);
}

static Status common_array_bind(FuncCall *call, Error *err) {
    TRY(collection_common(call, TYPE_ARRAY, err));
    bool nullable = false;
    for (uint32_t i = 0; i < call->argc; i++) nullable |= call->arg[i]->nullable;
    call->result = type_nullable(call->arena, call->arg[0], nullable);
    return ST_OK;
}

static Status concat_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < args->argc; i++) count += view_of(args->arg[i], row).count;
        if (!kernel_row_valid(args, row)) continue;
        uint32_t at = vec_list_begin(out, row, count);
        for (uint32_t i = 0; i < args->argc; i++) {
            ListView view = view_of(args->arg[i], row);
            elements_share(out->child[0], at, args->arg[i]->child[0], view.offset, view.count);
            at += view.count;
        }
    }
    return ST_OK;
}

// ARRAY_JOIN(texts, separator [, for NULL]): without the third argument NULLs are left out.
static Status join_bind(FuncCall *call, Error *err) {
    if (call->arg[0]->kind == TYPE_ARRAY && type_is_text(call->arg[0]->child[0])) return ST_OK;
    return collection_mismatch(call, err);
}

static Status join_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    Buf text = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = view_of(list, row);
        text.len = 0;
        bool first = true;
        for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
            bool null = vec_is_null(list->child[0], i);
            if (null && args->argc < 3) continue;
            if (!first) buf_put_str(&text, vec_str(args->arg[1])[row]);
            buf_put_str(&text, null ? vec_str(args->arg[2])[row] : vec_str(list->child[0])[i]);
            first = false;
        }
        vec_set_text(out, row, buf_str(&text));
    }
    buf_free(&text);
    return ST_OK;
}

// ---- searching ----------------------------------------------------------------------------------

// The index of the first element from [from] on that equals the one of [row], or the view's count.
static uint32_t find_element(const Vec *list, ListView view, const Vec *wanted, uint32_t row) {
    uint32_t i = 0;
    while (i < view.count && !element_equal(list->child[0], view.offset + i, wanted, row)) i++;
    return i;
}

static Status contains_bind(FuncCall *call, Error *err) {
    TRY(collection_element(call, 1, err));
    call->result = type_of(TYPE_BOOLEAN, call->arg[0]->nullable);
    return ST_OK;
}

static Status contains_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (vec_is_null(list, row)) {
            vec_set_null(out, row);
            continue;
        }
        ListView view = view_of(list, row);
        vec_u8(out)[row] = find_element(list, view, args->arg[1], row) < view.count;
    }
    return ST_OK;
}

static Status position_bind(FuncCall *call, Error *err) {
    TRY(collection_element(call, 1, err));
    call->result = type_of(TYPE_INT, call->arg[0]->nullable || call->arg[1]->nullable);
    return ST_OK;
}

static Status position_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = view_of(list, row);
        uint32_t i = find_element(list, view, args->arg[1], row);
        vec_i32(out)[row] = i < view.count ? (int32_t)i + 1 : 0;
    }
    return ST_OK;
}

static Status remove_bind(FuncCall *call, Error *err) {
    TRY(collection_element(call, 1, err));
    call->result = call->arg[0];
    return ST_OK;
}

static Status remove_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (vec_is_null(list, row)) {
            vec_set_null(out, row);
            continue;
        }
        ListView view = view_of(list, row);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < view.count; i++) {
            kept += !element_equal(list->child[0], view.offset + i, args->arg[1], row);
        }
        uint32_t at = vec_list_begin(out, row, kept);
        for (uint32_t i = 0; i < view.count; i++) {
            if (element_equal(list->child[0], view.offset + i, args->arg[1], row)) continue;
            vec_share_value(out->child[0], at++, list->child[0], view.offset + i);
        }
    }
    return ST_OK;
}

// ---- as sets: each element once, in the order of its first appearance ---------------------------

static Status array_bind_same(FuncCall *call, Error *err) {
    if (call->arg[0]->kind != TYPE_ARRAY) return collection_mismatch(call, err);
    call->result = call->arg[0];
    return ST_OK;
}

static void put_set(const ElementSet *set, Vec *out, uint32_t row) {
    uint32_t at = vec_list_begin(out, row, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        vec_share_value(out->child[0], at + i, set->vec[i], set->at[i]);
    }
}

static void set_add_list(ElementSet *set, const Vec *list, uint32_t row) {
    ListView view = view_of(list, row);
    for (uint32_t i = 0; i < view.count; i++) {
        (void)element_set_add(set, list->child[0], view.offset + i);
    }
}

// Also ARRAY_DISTINCT, the union of one.
static Status union_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        uint32_t most = 0;
        for (uint32_t i = 0; i < args->argc; i++) most += view_of(args->arg[i], row).count;
        ElementSet set = element_set(args->scratch, most);
        for (uint32_t i = 0; i < args->argc; i++) set_add_list(&set, args->arg[i], row);
        put_set(&set, out, row);
    }
    return ST_OK;
}

// The elements of the first array that are, or are not, in all the others.
static Status keep_by_others(const KernelArgs *args, Vec *out, bool wanted) {
    const Vec *list = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = view_of(list, row);
        ElementSet kept = element_set(args->scratch, view.count);
        ElementSet other = element_set(args->scratch, view_of(args->arg[1], row).count);
        set_add_list(&other, args->arg[1], row);
        for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
            if (element_set_has(&other, list->child[0], i) != wanted) continue;
            (void)element_set_add(&kept, list->child[0], i);
        }
        put_set(&kept, out, row);
    }
    return ST_OK;
}

static Status except_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return keep_by_others(args, out, false);
}
static Status intersect_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return keep_by_others(args, out, true);
}

// ---- order --------------------------------------------------------------------------------------

static Status best_bind(FuncCall *call, Error *err) {
    const Type *list = call->arg[0];
    if (list->kind != TYPE_ARRAY || !type_is_ordered(list->child[0])) {
        return collection_mismatch(call, err);
    }
    call->result = type_nullable(call->arena, list->child[0], true);
    return ST_OK;
}

// As `>` does: nothing is greater or less than NaN, so a NaN in front stays and others pass unseen.
static int compare_numbers(const Vec *a, uint32_t i, const Vec *b, uint32_t j) {
    if (a->phys == PHYS_F64) {
        return (vec_f64(a)[i] > vec_f64(b)[j]) - (vec_f64(a)[i] < vec_f64(b)[j]);
    }
    if (a->phys == PHYS_F32) {
        return (vec_f32(a)[i] > vec_f32(b)[j]) - (vec_f32(a)[i] < vec_f32(b)[j]);
    }
    return vec_compare(a, i, b, j);
}

static Status best_of(const KernelArgs *args, Vec *out, int sign) {
    const Vec *list = args->arg[0], *element = list->child[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = view_of(list, row);
        uint32_t best = UINT32_MAX;
        for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
            if (vec_is_null(element, i)) continue;
            if (best == UINT32_MAX || compare_numbers(element, i, element, best) * sign > 0) {
                best = i;
            }
        }
        if (best == UINT32_MAX) {
            vec_set_null(out, row);
        } else {
            vec_share_value(out, row, element, best);
        }
    }
    return ST_OK;
}

static Status max_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return best_of(args, out, 1);
}
static Status min_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return best_of(args, out, -1);
}

static Status sort_bind(FuncCall *call, Error *err) {
    const Type *list = call->arg[0];
    if (list->kind != TYPE_ARRAY || !type_is_ordered(list->child[0])) {
        return collection_mismatch(call, err);
    }
    bool nullable = false;
    for (uint32_t i = 0; i < call->argc; i++) nullable |= call->arg[i]->nullable;
    call->result = type_nullable(call->arena, list, nullable);
    return ST_OK;
}

typedef struct SortBy {
    const Vec *element;
    bool ascending, nulls_first;
} SortBy;

static int sort_order(const void *a, const void *b, void *data) {
    const SortBy *by = data;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    bool i_null = vec_is_null(by->element, i), j_null = vec_is_null(by->element, j);
    if (i_null || j_null) {
        int order = (int)j_null - (int)i_null;
        return by->nulls_first ? order : -order;
    }
    int order = vec_compare(by->element, i, by->element, j);
    return by->ascending ? order : -order;
}

// ARRAY_SORT(array [, ascending [, nulls first]]): NULLs come first when ascending unless said.
static Status sort_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = view_of(list, row);
        SortBy by = {.element = list->child[0], .ascending = true};
        if (args->argc > 1) by.ascending = vec_u8(args->arg[1])[row];
        by.nulls_first = args->argc > 2 ? vec_u8(args->arg[2])[row] : by.ascending;
        uint32_t *order = ARENA_ARRAY(args->scratch, uint32_t, view.count + 1);
        for (uint32_t i = 0; i < view.count; i++) order[i] = view.offset + i;
        qsort_r(order, view.count, sizeof *order, sort_order, &by);
        uint32_t at = vec_list_begin(out, row, view.count);
        for (uint32_t i = 0; i < view.count; i++) {
            vec_share_value(out->child[0], at + i, list->child[0], order[i]);
        }
    }
    return ST_OK;
}

static Status reverse_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = view_of(list, row);
        uint32_t at = vec_list_begin(out, row, view.count);
        for (uint32_t i = 0; i < view.count; i++) {
            uint32_t from = view.offset + view.count - 1 - i;
            vec_share_value(out->child[0], at + i, list->child[0], from);
        }
    }
    return ST_OK;
}

// ---- ARRAY_SLICE --------------------------------------------------------------------------------

static Status slice_bind(FuncCall *call, Error *err) {
    TRY(array_bind_same(call, err));
    bool nullable = false;
    for (uint32_t i = 0; i < call->argc; i++) nullable |= call->arg[i]->nullable;
    call->result = type_nullable(call->arena, call->arg[0], nullable);
    return ST_OK;
}

// Both ends count from 1, from the back when negative, 0 is 1; the last one is included.
static ListView slice_of(ListView view, int64_t start, int64_t end) {
    int64_t count = view.count;
    if (start < 0) start += count + 1;
    if (end < 0) end += count + 1;
    if (start < 1) start = 1;
    end = end == 0 ? 1 : end < count ? end : count;
    if (!count || end < start) return (ListView){view.offset, 0};
    return (ListView){view.offset + (uint32_t)start - 1, (uint32_t)(end - start + 1)};
}

// A slice is a view of the same elements: nothing is copied.
static Status slice_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    out->child = list->child;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = view_of(list, row);
        int64_t end = args->argc > 2 ? vec_i32(args->arg[2])[row] : (int64_t)view.count;
        vec_list(out)[row] = slice_of(view, vec_i32(args->arg[1])[row], end);
    }
    return ST_OK;
}

static const ScalarFunc ARRAY_FUNCS[] = {
    {.name = "ARRAY_APPEND", .args = {ARG_ANY, ARG_ANY}, .nulls = NULLS_OWN,
     .flags = FUNC_TAKES_NULL, .bind = append_bind, .kernel = append_kernel,
     .doc = "The array with the element at its end.",
     .example = "ARRAY_APPEND(ARRAY[1, 2], 3)", .gives = "[1, 2, 3]"},
    {.name = "ARRAY_CONCAT", .args = {ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .bind = common_array_bind, .kernel = concat_kernel,
     .doc = "The arrays one after another, as one.",
     .example = "ARRAY_CONCAT(ARRAY[1], ARRAY[2, 3])", .gives = "[1, 2, 3]"},
    {.name = "ARRAY_CONTAINS", .args = {ARG_ANY, ARG_ANY}, .nulls = NULLS_OWN,
     .flags = FUNC_TAKES_NULL, .bind = contains_bind, .kernel = contains_kernel,
     .doc = "Whether the element is in the array; a NULL is found too.",
     .example = "ARRAY_CONTAINS(ARRAY[1, 2], 2)", .gives = "TRUE"},
    {.name = "ARRAY_DISTINCT", .args = {ARG_ANY}, .bind = array_bind_same, .kernel = union_kernel,
     .doc = "The array with each element once, where it comes first.",
     .example = "ARRAY_DISTINCT(ARRAY[2, 1, 2])", .gives = "[2, 1]"},
    {.name = "ARRAY_EXCEPT", .args = {ARG_ANY, ARG_ANY}, .bind = common_array_bind,
     .kernel = except_kernel,
     .doc = "The different elements of the first array that are not in the second.",
     .example = "ARRAY_EXCEPT(ARRAY[1, 1, 2], ARRAY[2])", .gives = "[1]"},
    {.name = "ARRAY_INTERSECT", .args = {ARG_ANY, ARG_ANY}, .bind = common_array_bind,
     .kernel = intersect_kernel,
     .doc = "The different elements of the first array that are in the second too.",
     .example = "ARRAY_INTERSECT(ARRAY[1, 2], ARRAY[2, 3])", .gives = "[2]"},
    {.name = "ARRAY_JOIN", .args = {ARG_ANY, ARG_STRING, ARG_STRING}, .argc_min = 2, .argc_max = 3,
     .result = RESULT_STRING, .bind = join_bind, .kernel = join_kernel,
     .doc = "The texts joined with the separator; NULLs are left out, or replaced by the third "
            "argument.",
     .example = "ARRAY_JOIN(ARRAY['a', 'b'], '-')", .gives = "a-b"},
    {.name = "ARRAY_MAX", .args = {ARG_ANY}, .bind = best_bind, .kernel = max_kernel,
     .doc = "The greatest element, NULLs aside.", .example = "ARRAY_MAX(ARRAY[1, 3, 2])",
     .gives = "3"},
    {.name = "ARRAY_MIN", .args = {ARG_ANY}, .bind = best_bind, .kernel = min_kernel,
     .doc = "The least element, NULLs aside.", .example = "ARRAY_MIN(ARRAY[1, 3, 2])",
     .gives = "1"},
    {.name = "ARRAY_POSITION", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_TAKES_NULL,
     .bind = position_bind, .kernel = position_kernel,
     .doc = "Where the element comes first, counting from 1; 0 when it does not.",
     .example = "ARRAY_POSITION(ARRAY['a', 'b'], 'b')", .gives = "2"},
    {.name = "ARRAY_PREPEND", .args = {ARG_ANY, ARG_ANY}, .nulls = NULLS_OWN,
     .flags = FUNC_TAKES_NULL, .bind = append_bind, .kernel = prepend_kernel,
     .doc = "The array with the element at its front.",
     .example = "ARRAY_PREPEND(ARRAY[1, 2], 3)", .gives = "[3, 1, 2]"},
    {.name = "ARRAY_REMOVE", .args = {ARG_ANY, ARG_ANY}, .nulls = NULLS_OWN,
     .flags = FUNC_TAKES_NULL, .bind = remove_bind, .kernel = remove_kernel,
     .doc = "The array without the elements that equal the given one; NULL removes NULLs.",
     .example = "ARRAY_REMOVE(ARRAY[1, 2, 1], 1)", .gives = "[2]"},
    {.name = "ARRAY_REVERSE", .args = {ARG_ANY}, .bind = array_bind_same, .kernel = reverse_kernel,
     .doc = "The array from back to front.", .example = "ARRAY_REVERSE(ARRAY[1, 2])",
     .gives = "[2, 1]"},
    {.name = "ARRAY_SLICE", .args = {ARG_ANY, ARG_INT, ARG_INT}, .argc_min = 2, .argc_max = 3,
     .bind = slice_bind, .kernel = slice_kernel,
     .doc = "The elements from the first position to the second (default: the end), both included, "
            "counting from 1, or from the end when negative.",
     .example = "ARRAY_SLICE(ARRAY['a', 'b', 'c'], 2, -1)", .gives = "[b, c]"},
    {.name = "ARRAY_SORT", .args = {ARG_ANY, ARG_BOOLEAN, ARG_BOOLEAN}, .argc_min = 1,
     .argc_max = 3, .bind = sort_bind, .kernel = sort_kernel,
     .doc = "The array in order: ascending unless FALSE is said, NULLs first when ascending unless "
            "the third argument says otherwise.",
     .example = "ARRAY_SORT(ARRAY[2, 3, 1], FALSE)", .gives = "[3, 2, 1]"},
    {.name = "ARRAY_UNION", .args = {ARG_ANY, ARG_ANY}, .bind = common_array_bind,
     .kernel = union_kernel, .doc = "The different elements of both arrays.",
     .example = "ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3])", .gives = "[1, 2, 3]"},
};
const FuncTable ARRAY_TABLE = FUNC_TABLE("Collection functions", ARRAY_FUNCS);
