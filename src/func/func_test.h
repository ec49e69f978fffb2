// func/func_test.h - for unit tests of functions: columns made by hand, a call bound and run as the
// executor would. Everything lies in one arena, cleared at the end of a test.
#pragma once

#include "func/cast.h"
#include "test/unit.h"

typedef struct FuncTest {
    Arena arena;
    Error err;
    FuncEnv env;
} FuncTest;

static inline FuncTest func_test_begin(void) {
    FuncTest test = {.env = {.zone = zone_utc()}};
    arena_init(&test.arena);
    return test;
}
static inline void func_test_end(FuncTest *test) {
    arena_clear(&test->arena);
}

// A column of [type] by casting texts ("~" is NULL): "1", "-0.5", "2020-01-01 00:00:00".
static inline Vec *test_column(FuncTest *test, const Type *type, uint32_t rows,
                               const char *const *text) {
    Vec *in = vec_new(&test->arena, type_of(TYPE_VARCHAR, true), rows);
    for (uint32_t i = 0; i < rows; i++) {
        if (strcmp(text[i], "~") == 0) {
            vec_set_null(in, i);
        } else {
            vec_str(in)[i] = str_c(text[i]);
        }
    }
    Vec *out = vec_new(&test->arena, type, rows);
    CHECK_OK(cast_vec(in, rows, NULL, false, &test->env, &test->arena, out, &test->err),
             &test->err);
    return out;
}
#define TEST_COLUMN(test, type, ...)                                                     \
    test_column((test), (type),                                                          \
                (uint32_t)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)), \
                (const char *const[]){__VA_ARGS__})

// Binds [name] to the first row that takes the columns and runs it; NULL when none does or the
// kernel fails (test->err says why).
static inline Vec *test_call(FuncTest *test, const char *name, uint32_t argc, const Vec **column) {
    uint32_t count, rows = argc ? column[0]->len : 1;
    const ScalarFunc *const *func = func_find(str_c(name), &count);
    CHECK(count > 0);
    FuncCall *call = ARENA_NEW(&test->arena, FuncCall);
    const Type **arg = ARENA_ARRAY(&test->arena, const Type *, argc + 1);
    const Vec **literal = ARENA_ARRAY(&test->arena, const Vec *, argc + 1);
    bool *constant = ARENA_ARRAY(&test->arena, bool, argc + 1);
    Status st = ST_VALIDATION;
    for (uint32_t f = 0; f < count && st; f++) {
        for (uint32_t i = 0; i < argc; i++) arg[i] = column[i]->type;
        *call = (FuncCall){.arena = &test->arena, .argc = argc, .arg = arg, .literal = literal,
                           .env = &test->env};
        st = func_bind(call, func[f], &test->err);
    }
    if (st) return NULL;
    const Vec **cast = ARENA_ARRAY(&test->arena, const Vec *, argc + 1);
    Vec *out = vec_new(&test->arena, call->result, rows);
    for (uint32_t i = 0; i < argc; i++) {
        cast[i] = column[i];
        if (!type_equal_but_null(call->arg[i], column[i]->type)) {
            Vec *to = vec_new(&test->arena, type_nullable(&test->arena, call->arg[i], true), rows);
            if (cast_vec(column[i], rows, NULL, false, &test->env, &test->arena, to, &test->err)) {
                return NULL;
            }
            cast[i] = to;
        }
        if (call->func->nulls != NULLS_STRICT) continue;
        for (uint32_t row = 0; row < rows; row++) {
            if (vec_is_null(cast[i], row)) vec_set_null(out, row);
        }
    }
    KernelArgs args = {.rows = rows, .argc = argc, .arg = cast, .constant = constant,
                       .valid = call->func->nulls == NULLS_STRICT ? out->valid : NULL,
                       .call = call, .scratch = &test->arena, .env = &test->env};
    if (call->func->open && call->func->open(call, &args.state, &test->err)) return NULL;
    st = call->kernel(&args, out, &test->err);
    if (call->func->close) call->func->close(args.state);
    return st ? NULL : out;
}
#define TEST_CALL(test, name, ...)                                                   \
    test_call((test), (name),                                                        \
              (uint32_t)(sizeof((const Vec *[]){__VA_ARGS__}) / sizeof(const Vec *)), \
              (const Vec *[]){__VA_ARGS__})

// The column as text, values parted by blanks: "1 NULL 3".
static inline const char *test_text(FuncTest *test, const Vec *vec) {
    if (!vec) return test->err.message;
    Buf out = {0};
    for (uint32_t i = 0; i < vec->len; i++) {
        if (i) buf_putc(&out, ' ');
        value_print(vec, i, &test->env, true, &out);
    }
    const char *text = arena_printf(&test->arena, "%s", buf_cstr(&out));
    buf_free(&out);
    return text;
}
static inline const char *test_type(FuncTest *test, const Vec *vec) {
    if (!vec) return test->err.message;
    Buf out = {0};
    type_print_summary(vec->type, true, &out);
    const char *text = arena_printf(&test->arena, "%s", buf_cstr(&out));
    buf_free(&out);
    return text;
}
