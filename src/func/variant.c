// PARSE_JSON, TRY_PARSE_JSON, access to the parts of a VARIANT.
#include "func/variant.h"

#include "func/collection.h"

// The second argument: whether a name may come twice in an object.
static Status parse_rows(const KernelArgs *args, bool try_parse, Vec *out, Error *err) {
    Buf bytes = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (vec_is_null(args->arg[0], row)) {
            vec_set_null(out, row);
            continue;
        }
        if (args->argc > 1 && vec_is_null(args->arg[1], row)) {
            st = error_set(err, ST_RUNTIME, "PARSE_JSON: allowDuplicateKeys is NULL");
            continue;
        }
        bool duplicates = args->argc > 1 && vec_u8(args->arg[1])[row];
        bytes.len = 0;
        st = variant_parse(vec_str(args->arg[0])[row], duplicates, &bytes, try_parse ? NULL : err);
        if (!st) {
            vec_set_text(out, row, buf_str(&bytes));
        } else if (try_parse && st == ST_RUNTIME) {
            vec_set_null(out, row);
            st = ST_OK;
        }
    }
    buf_free(&bytes);
    return st;
}

static Status parse_json_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return parse_rows(args, false, out, err);
}
static Status try_parse_json_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return parse_rows(args, true, out, err);
}

static Status parse_json_bind(FuncCall *call, Error *err) {
    const Type *text = call->arg[0];
    if (text->kind == TYPE_NULL) call->arg[0] = type_of(TYPE_VARCHAR, true);
    if (call->argc > 1 && call->arg[1]->kind == TYPE_NULL) {
        call->arg[1] = type_of(TYPE_BOOLEAN, true);
    }
    bool nullable = call->func->result_null == RESULT_NULL_ALWAYS || call->arg[0]->nullable;
    call->result = type_of(TYPE_VARIANT, nullable);
    (void)err;
    return ST_OK;
}

static Status item_field_kernel(const KernelArgs *args, Vec *out, Error *err) {
    Buf bytes = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        bool found = false;
        bytes.len = 0;
        st = variant_field(vec_str(args->arg[0])[row], vec_str(args->arg[1])[row], &bytes, &found,
                           err);
        if (found) {
            vec_set_text(out, row, buf_str(&bytes));
        } else {
            vec_set_null(out, row);
        }
    }
    buf_free(&bytes);
    return st;
}

static Status item_element_kernel(const KernelArgs *args, Vec *out, Error *err) {
    Buf bytes = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        bool found = false;
        bytes.len = 0;
        st = variant_element(vec_str(args->arg[0])[row], vec_integer(args->arg[1], row), &bytes,
                             &found, err);
        if (found) {
            vec_set_text(out, row, buf_str(&bytes));
        } else {
            vec_set_null(out, row);
        }
    }
    buf_free(&bytes);
    return st;
}

static Status item_bind(FuncCall *call, Error *err) {
    const Type *key = call->arg[1];
    bool name = type_is_text(key) && call->literal[1];  // Flink cannot plan a name that varies
    if (!name && !type_is_integer(key)) return collection_mismatch(call, err);
    call->kernel = name ? item_field_kernel : item_element_kernel;
    call->result = type_of(TYPE_VARIANT, true);
    return ST_OK;
}

static const ScalarFunc VARIANT_FUNCS[] = {
    {.name = "ITEM", .args = {ARG_VARIANT, ARG_ANY}, .flags = FUNC_HIDDEN | FUNC_CAN_FAIL,
     .bind = item_bind, .kernel = item_field_kernel,
     .doc = "variant['name'] of an object, variant[index] of an array, counting from 1; NULL for "
            "what is not there.",
     .example = "JSON_STRING(PARSE_JSON('{\"a\": [5]}')['a'])", .gives = "[5]"},
    {.name = "PARSE_JSON", .args = {ARG_STRING, ARG_BOOLEAN}, .argc_min = 1, .argc_max = 2,
     .nulls = NULLS_OWN, .flags = FUNC_CAN_FAIL | FUNC_TAKES_NULL, .bind = parse_json_bind,
     .kernel = parse_json_kernel,
     .doc = "The JSON text as a VARIANT. A name that comes twice in an object is an error, unless "
            "the second argument is TRUE: then the last one stands.",
     .example = "JSON_STRING(PARSE_JSON('{\"b\": 1, \"a\": 2}'))", .gives = "{\"a\":2,\"b\":1}"},
    {.name = "TRY_PARSE_JSON", .args = {ARG_STRING, ARG_BOOLEAN}, .argc_min = 1, .argc_max = 2,
     .nulls = NULLS_OWN, .result_null = RESULT_NULL_ALWAYS, .bind = parse_json_bind,
     .kernel = try_parse_json_kernel,
     .doc = "PARSE_JSON, but NULL for a text that is not JSON.",
     .example = "TRY_PARSE_JSON('{oops')", .gives = "NULL"},
};
const FuncTable VARIANT_TABLE = FUNC_TABLE("JSON and VARIANT functions", VARIANT_FUNCS);
