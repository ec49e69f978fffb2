#include "cli/test_session.h"

#include "engine/session.h"
#include "func/cast.h"

static Status open(void *arg, const CaseDirs *dirs, void **session, Error *err) {
    SessionConfig config = {.config = arg, .default_zone = "UTC"};
    Session *opened;
    TRY(session_new(&config, &opened, err));
    *session = opened;
    return ST_OK;
}

static void close(void *session) {
    session_free(session);
}

// Fills a CaseOutcome with what a statement gives.
typedef struct Taker {
    const CaseDirs *dirs;
    CaseOutcome *outcome;
    const FuncEnv *env;
    Buf cell, row;
} Taker;

static Status take_schema(void *arg, const Type *row, bool ordered, Error *err) {
    Taker *self = arg;
    Arena *arena = &self->outcome->arena;
    Buf names = {0}, types = {0};
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (i) buf_puts(&names, ", ");
        if (i) buf_putc(&types, '\t');
        buf_put_str(&names, row->field[i]);
        type_print(row->child[i], &types);
    }
    self->outcome->has_rows = true;
    self->outcome->names = str_dup(arena, buf_str(&names));
    self->outcome->types = str_dup(arena, buf_str(&types));
    buf_free(&names);
    buf_free(&types);
    return ST_OK;
}

static Status take_batch(void *arg, Batch *batch, Error *err) {
    Taker *self = arg;
    for (uint32_t row = 0; row < batch->rows; row++) {
        self->row.len = 0;
        for (uint32_t i = 0; i < batch->schema->child_count; i++) {
            if (i) buf_putc(&self->row, '\t');
            self->cell.len = 0;
            value_print(batch->column[i], row, self->env, true, &self->cell);
            Str text = case_collapse(&self->outcome->arena, self->dirs, buf_str(&self->cell));
            case_escape(text, &self->row);
        }
        case_outcome_add(self->outcome, batch_kind(batch, row), buf_str(&self->row));
    }
    return ST_OK;
}

static Status execute(void *session, Str sql, const CaseDirs *dirs, CaseOutcome *outcome,
                      Error *err) {
    Taker taker = {.dirs = dirs, .outcome = outcome, .env = session_env(session)};
    ResultSink sink = {.arg = &taker, .schema = take_schema, .batch = take_batch};
    Status st = session_execute(session, sql, &sink, err);
    buf_free(&taker.cell);
    buf_free(&taker.row);
    return st;
}

const CaseEngine SESSION_ENGINE = {open, execute, close};
