// Every function's example gives what its row says: the reference page cannot lie.
#include "engine/session.h"
#include "func/cast.h"
#include "test/unit.h"

typedef struct Taken {
    const FuncEnv *env;
    Buf text;
    uint32_t rows;
} Taken;

static Status take(void *arg, Batch *batch, Error *err) {
    Taken *taken = arg;
    (void)err;
    for (uint32_t row = 0; row < batch->rows; row++) {
        taken->text.len = 0;
        value_print(batch->column[0], row, taken->env, true, &taken->text);
        taken->rows++;
    }
    return ST_OK;
}

// Appends to [report] when the example does not give what it should.
static void try_example(Session *session, const ScalarFunc *func, Buf *report) {
    Taken taken = {.env = session_env(session)};
    ResultSink sink = {.arg = &taken, .batch = take};
    Buf sql = {0};
    Error err = {0};
    buf_printf(&sql, "SELECT %s", func->example);
    Status st = session_execute(session, buf_str(&sql), &sink, &err);
    if (st) {
        buf_printf(report, "%s: %s\n", func->example, err.message);
    } else if (taken.rows != 1 || !str_eq(buf_str(&taken.text), str_c(func->gives))) {
        buf_printf(report, "%s: gives " STR_FMT ", not %s\n", func->example,
                   STR_ARG(buf_str(&taken.text)), func->gives);
    }
    buf_free(&sql);
    buf_free(&taken.text);
}

TEST(example, every_function_gives_what_its_row_says) {
    SessionConfig config = {.default_zone = "UTC"};
    Session *session;
    Error err;
    Buf report = {0};
    CHECK_OK(session_new(&config, &session, &err), &err);
    for (uint32_t t = 0; t < FUNC_TABLE_COUNT; t++) {
        for (uint32_t i = 0; i < FUNC_TABLES[t]->count; i++) {
            const ScalarFunc *func = &FUNC_TABLES[t]->row[i];
            if (func->example && func->gives) try_example(session, func, &report);
        }
    }
    session_free(session);
    CHECK_STR(buf_cstr(&report), "");
    buf_free(&report);
}
