#include "engine/ddl.h"

void ddl_ok(const DdlContext *ddl) {
    if (ddl->sink && ddl->sink->message) ddl->sink->message(ddl->sink->arg, STR("OK"));
}

Status ddl_rows(const DdlContext *ddl, const char *const *names, uint32_t columns, const Str *cells,
                uint32_t rows, Error *err) {
    Arena *arena = ddl->plan->arena;
    const Type **child = ARENA_ARRAY(arena, const Type *, columns + 1);
    Str *name = ARENA_ARRAY(arena, Str, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        child[c] = type_of(TYPE_VARCHAR, true);
        name[c] = str_c(names[c]);
    }
    const Type *row = type_row(arena, columns, child, name, false);
    const ResultSink *sink = ddl->sink;
    if (!sink) return ST_OK;
    if (sink->schema) TRY(sink->schema(sink->arg, row, true, err));
    if (!rows || !sink->batch) return ST_OK;
    Batch *batch = batch_new_columns(row, rows);
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < columns; c++) {
            Str cell = cells[(size_t)r * columns + c];
            if (cell.ptr) {
                vec_set_text(batch->column[c], r, cell);
            } else {
                vec_set_null(batch->column[c], r);
            }
        }
    }
    Status st = sink->batch(sink->arg, batch, err);
    batch_unref(batch);
    return st;
}

Status ddl_execute(DdlContext *ddl, const AstStmt *stmt, Error *err) {
    Status st = ST_END;
    switch (stmt->kind) {
        case STMT_CREATE_TABLE: st = ddl_create_table(ddl, stmt->create_table, err); break;
        case STMT_CREATE_VIEW: st = ddl_create_view(ddl, stmt->create_view, err); break;
        case STMT_DROP: st = ddl_drop(ddl, stmt->drop, err); break;
        default: return ST_END;
    }
    if (!st) ddl_ok(ddl);
    return st;
}
