// func/call_test.h - calls one function with constants, as the planner folds them; for unit tests.
//     CHECK_CALL("LPAD", "xxa", "a", "3:i", "x");
// Arguments are text, or a number with ":i" (INT), ":l" (BIGINT), ":x" (hex digits of bytes), ":y"
// (a symbol), or "NULL". The result is printed plainly: "NULL", "TRUE", "-5", bytes as hex digits.
#pragma once

#include "func/func.h"
#include "test/unit.h"

enum { CALL_ARGS_MAX = 8 };

static Vec *call_arg(Arena *arena, const char *spec) {
    Str s = str_c(spec);
    if (str_is(s, "NULL")) {
        Vec *vec = vec_new(arena, type_of(TYPE_VARCHAR, true), 1);
        vec_set_null(vec, 0);
        return vec;
    }
    char mark = s.len > 2 && s.ptr[s.len - 2] == ':' ? s.ptr[s.len - 1] : 0;
    if (mark == 'i' || mark == 'l') {
        int64_t value = 0;
        CHECK(str_to_i64(str_sub(s, 0, s.len - 2), &value));
        Vec *vec = vec_new(arena, type_of(mark == 'i' ? TYPE_INT : TYPE_BIGINT, false), 1);
        vec_set_integer(vec, 0, value);
        return vec;
    }
    Vec *vec;
    if (mark == 'x') {
        vec = vec_new(arena, type_of(TYPE_VARBINARY, false), 1);
        Buf bytes = {0};
        for (uint32_t i = 0; i + 2 < s.len; i += 2) {
            char hex[3] = {s.ptr[i], s.ptr[i + 1], 0};
            buf_putc(&bytes, (char)strtol(hex, NULL, 16));
        }
        vec_set_text(vec, 0, buf_str(&bytes));
        buf_free(&bytes);
        return vec;
    }
    if (mark == 'y') {
        vec = vec_new(arena, type_of(TYPE_SYMBOL, false), 1);
        vec_set_text(vec, 0, str_sub(s, 0, s.len - 2));
        return vec;
    }
    vec = vec_new(arena, type_char(arena, (int32_t)utf8_count(s), false), 1);
    vec_set_text(vec, 0, s);
    return vec;
}

static void call_print(const Vec *vec, uint32_t row, Buf *out) {
    if (vec_is_null(vec, row)) {
        buf_puts(out, "NULL");
    } else if (vec->phys == PHYS_STR && type_is_bytes(vec->type)) {
        Str bytes = vec_str(vec)[row];
        for (uint32_t i = 0; i < bytes.len; i++)
            buf_printf(out, "%02x", (unsigned char)bytes.ptr[i]);
    } else if (vec->phys == PHYS_STR) {
        buf_put_str(out, vec_str(vec)[row]);
    } else if (vec->type->kind == TYPE_BOOLEAN) {
        buf_puts(out, vec_u8(vec)[row] ? "TRUE" : "FALSE");
    } else if (vec->phys == PHYS_LIST) {
        bool map = vec->type->kind == TYPE_MAP;
        ListView list = vec_list(vec)[row];
        buf_putc(out, map ? '{' : '[');
        for (uint32_t i = 0; i < list.count; i++) {
            if (i) buf_puts(out, ", ");
            call_print(vec->child[0], list.offset + i, out);
            if (!map) continue;
            buf_putc(out, '=');
            call_print(vec->child[1], list.offset + i, out);
        }
        buf_putc(out, map ? '}' : ']');
    } else {
        buf_printf(out, "%lld", (long long)vec_integer(vec, row));
    }
}

// Binds and runs the first row of [name] that takes the arguments; "error: …" when it fails.
static const char *call_run(const char *name, const char *const *spec, uint32_t argc) {
    static Buf out;
    static FuncEnv env;
    static Error err;
    Arena arena;
    arena_init(&arena);
    out.len = 0;
    const Vec *args[CALL_ARGS_MAX];
    const Type *types[CALL_ARGS_MAX];
    bool constant[CALL_ARGS_MAX];
    for (uint32_t i = 0; i < argc; i++) {
        args[i] = call_arg(&arena, spec[i]);
        constant[i] = true;
    }
    uint32_t rows;
    const ScalarFunc *const *func = func_find(str_c(name), &rows);
    CHECK(rows > 0);
    FuncCall call;
    Status st = ST_VALIDATION;
    for (uint32_t r = 0; r < rows && st; r++) {
        for (uint32_t i = 0; i < argc; i++) types[i] = args[i]->type;
        call =
            (FuncCall){.arena = &arena, .argc = argc, .arg = types, .literal = args, .env = &env};
        st = func_bind(&call, func[r], &err);
    }
    void *state = NULL;
    if (!st && call.func->open) st = call.func->open(&call, &state, &err);
    if (!st) {
        for (uint32_t i = 0; i < argc; i++) {  // the only casts of the tests
            if (call.arg[i]->kind == TYPE_BIGINT && args[i]->phys == PHYS_I32) {
                Vec *wide = vec_new(&arena, type_of(TYPE_BIGINT, false), 1);
                vec_set_integer(wide, 0, vec_integer(args[i], 0));
                args[i] = wide;
            } else if (vec_is_null(args[i], 0)) {
                Vec *null = vec_new(&arena, type_nullable(&arena, call.arg[i], true), 1);
                vec_set_null(null, 0);
                args[i] = null;
            }
        }
        Vec *result = vec_new(&arena, call.result, 1);
        uint64_t valid = 1;
        for (uint32_t i = 0; i < argc; i++) {
            if (call.func->nulls == NULLS_STRICT && vec_is_null(args[i], 0)) valid = 0;
        }
        if (!valid) vec_set_null(result, 0);
        KernelArgs kernel = {.rows = 1, .argc = argc, .arg = args, .constant = constant,
                             .valid = &valid, .call = &call, .state = state, .scratch = &arena,
                             .env = &env};
        st = call.kernel(&kernel, result, &err);
        if (!st) call_print(result, 0, &out);
        if (call.func->close) call.func->close(state);
    }
    if (st) buf_printf(&out, "error: %s", err.message);
    arena_clear(&arena);
    return buf_cstr(&out);
}

#define CHECK_CALL(name, gives, ...)                                                   \
    do {                                                                               \
        const char *const call_spec_[] = {__VA_ARGS__};                                \
        CHECK_STR(call_run((name), call_spec_, sizeof call_spec_ / sizeof *call_spec_), \
                  (gives));                                                            \
    } while (0)
// The call fails: at run time or because the function does not take the arguments.
#define CHECK_CALL_FAILS(name, ...)                                                               \
    do {                                                                                          \
        const char *const call_spec_[] = {__VA_ARGS__};                                           \
        CHECK(strncmp(call_run((name), call_spec_, sizeof call_spec_ / sizeof *call_spec_),       \
                      "error: ", 7) == 0);                                                        \
    } while (0)
