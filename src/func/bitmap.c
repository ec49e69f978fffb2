// BITMAP_*. A BITMAP value is the portable format of func/roaring.h, as bytes.
#include "func/collection.h"
#include "func/roaring.h"

static void put_set(const Roaring *set, Buf *bytes, Vec *out, uint32_t row) {
    bytes->len = 0;
    roaring_write(set, bytes);
    vec_set_text(out, row, buf_str(bytes));
}

static Status build_bind(FuncCall *call, Error *err) {
    const Type *list = call->arg[0];
    if (list->kind == TYPE_NULL) {
        call->arg[0] = type_array(call->arena, type_of(TYPE_INT, true), true);
        return ST_OK;
    }
    if (list->kind != TYPE_ARRAY || !type_is_integer(list->child[0]) ||
        list->child[0]->kind == TYPE_BIGINT) {
        return collection_mismatch(call, err);
    }
    const Type *element = type_of(TYPE_INT, list->child[0]->nullable);
    call->arg[0] = type_array(call->arena, element, list->nullable);
    return ST_OK;
}

static Status build_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *list = args->arg[0];
    Buf bytes = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        ListView view = vec_list(list)[row];
        Roaring set = {0};
        for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
            if (vec_is_null(list->child[0], i)) continue;
            roaring_add(&set, (uint32_t)vec_i32(list->child[0])[i]);
        }
        put_set(&set, &bytes, out, row);
        roaring_free(&set);
    }
    buf_free(&bytes);
    return ST_OK;
}

static Status combine(const KernelArgs *args, Vec *out, RoaringOp op) {
    Buf bytes = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Roaring a, b, result = {0};
        (void)roaring_read(vec_str(args->arg[0])[row], &a);
        (void)roaring_read(vec_str(args->arg[1])[row], &b);
        roaring_combine(&a, &b, op, &result);
        put_set(&result, &bytes, out, row);
        roaring_free(&a);
        roaring_free(&b);
        roaring_free(&result);
    }
    buf_free(&bytes);
    return ST_OK;
}

static Status and_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return combine(args, out, ROARING_AND);
}
static Status or_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return combine(args, out, ROARING_OR);
}
static Status xor_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return combine(args, out, ROARING_XOR);
}
static Status andnot_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return combine(args, out, ROARING_ANDNOT);
}

static Status cardinality_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        Roaring set;
        if (!kernel_row_valid(args, row)) continue;
        (void)roaring_read(vec_str(args->arg[0])[row], &set);
        vec_i64(out)[row] = (int64_t)roaring_count(&set);
        roaring_free(&set);
    }
    return ST_OK;
}

static Status from_bytes_kernel(const KernelArgs *args, Vec *out, Error *err) {
    Buf bytes = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        Roaring set;
        if (!kernel_row_valid(args, row)) continue;
        if (roaring_read(vec_str(args->arg[0])[row], &set)) {
            put_set(&set, &bytes, out, row);  // one form of a set: equal ones are equal bytes
        } else {
            st = error_set(err, ST_RUNTIME, "Failed to deserialize bitmap from bytes.");
        }
        roaring_free(&set);
    }
    buf_free(&bytes);
    return st;
}

static Status to_array_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_array(call->arena, type_of(TYPE_INT, true), call->arg[0]->nullable);
    return ST_OK;
}

static Status to_array_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        Roaring set;
        if (!kernel_row_valid(args, row)) continue;
        (void)roaring_read(vec_str(args->arg[0])[row], &set);
        uint32_t at = vec_list_begin(out, row, (uint32_t)roaring_count(&set)), value;
        for (RoaringAt walk = {0}; roaring_next(&set, &walk, &value);) {
            vec_i32(out->child[0])[at++] = (int32_t)value;
        }
        roaring_free(&set);
    }
    return ST_OK;
}

static Status to_bytes_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    if (args->rows) memcpy(out->data, args->arg[0]->data, args->rows * sizeof(Str));
    return ST_OK;
}

static Status to_string_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    Buf text = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        text.len = 0;
        roaring_print(vec_str(args->arg[0])[row], &text);
        vec_set_text(out, row, buf_str(&text));
    }
    buf_free(&text);
    return ST_OK;
}

static const ScalarFunc BITMAP_FUNCS[] = {
    {.name = "BITMAP_AND", .args = {ARG_BITMAP, ARG_BITMAP}, .result = RESULT_BITMAP,
     .kernel = and_kernel, .doc = "The numbers that are in both bitmaps.",
     .example = "BITMAP_TO_STRING(BITMAP_AND(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2])))",
     .gives = "{2}"},
    {.name = "BITMAP_ANDNOT", .args = {ARG_BITMAP, ARG_BITMAP}, .result = RESULT_BITMAP,
     .kernel = andnot_kernel, .doc = "The numbers of the first bitmap that are not in the second.",
     .example = "BITMAP_TO_STRING(BITMAP_ANDNOT(BITMAP_BUILD(ARRAY[1, 2]), "
                "BITMAP_BUILD(ARRAY[2])))",
     .gives = "{1}"},
    {.name = "BITMAP_BUILD", .args = {ARG_ANY}, .result = RESULT_BITMAP,
     .flags = FUNC_TAKES_NULL, .bind = build_bind, .kernel = build_kernel,
     .doc = "A bitmap of the numbers of an ARRAY<INT>; NULLs are left out. Negative numbers count "
            "as unsigned.",
     .example = "BITMAP_TO_STRING(BITMAP_BUILD(ARRAY[3, 1, 3]))", .gives = "{1,3}"},
    {.name = "BITMAP_CARDINALITY", .args = {ARG_BITMAP}, .result = RESULT_BIGINT,
     .kernel = cardinality_kernel, .doc = "How many numbers the bitmap has.",
     .example = "BITMAP_CARDINALITY(BITMAP_BUILD(ARRAY[3, 1, 3]))", .gives = "2"},
    {.name = "BITMAP_FROM_BYTES", .args = {ARG_BYTES}, .result = RESULT_BITMAP,
     .flags = FUNC_CAN_FAIL, .kernel = from_bytes_kernel,
     .doc = "The bitmap of bytes in the portable Roaring format.",
     .example = "BITMAP_TO_STRING(BITMAP_FROM_BYTES(x'3a3000000100000000000000100000000500'))",
     .gives = "{5}"},
    {.name = "BITMAP_OR", .args = {ARG_BITMAP, ARG_BITMAP}, .result = RESULT_BITMAP,
     .kernel = or_kernel, .doc = "The numbers that are in either bitmap.",
     .example = "BITMAP_TO_STRING(BITMAP_OR(BITMAP_BUILD(ARRAY[1]), BITMAP_BUILD(ARRAY[2])))",
     .gives = "{1,2}"},
    {.name = "BITMAP_TO_ARRAY", .args = {ARG_BITMAP}, .bind = to_array_bind,
     .kernel = to_array_kernel, .doc = "The numbers in rising unsigned order as an ARRAY<INT>.",
     .example = "BITMAP_TO_ARRAY(BITMAP_BUILD(ARRAY[3, 1]))", .gives = "[1, 3]"},
    {.name = "BITMAP_TO_BYTES", .args = {ARG_BITMAP}, .result = RESULT_BYTES,
     .kernel = to_bytes_kernel, .doc = "The bitmap in the portable Roaring format.",
     .example = "BITMAP_TO_BYTES(BITMAP_BUILD(ARRAY[5]))",
     .gives = "x'3a3000000100000000000000100000000500'"},
    {.name = "BITMAP_TO_STRING", .args = {ARG_BITMAP}, .result = RESULT_STRING,
     .kernel = to_string_kernel, .doc = "The bitmap as text.",
     .example = "BITMAP_TO_STRING(BITMAP_BUILD(ARRAY[-1, 5]))", .gives = "{5,4294967295}"},
    {.name = "BITMAP_XOR", .args = {ARG_BITMAP, ARG_BITMAP}, .result = RESULT_BITMAP,
     .kernel = xor_kernel, .doc = "The numbers that are in one bitmap alone.",
     .example = "BITMAP_TO_STRING(BITMAP_XOR(BITMAP_BUILD(ARRAY[1, 2]), BITMAP_BUILD(ARRAY[2])))",
     .gives = "{1}"},
};
const FuncTable BITMAP_TABLE = FUNC_TABLE("Bitmap functions", BITMAP_FUNCS);
