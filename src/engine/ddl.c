#include "engine/ddl.h"

void ddl_ok(const DdlContext *ddl) {
    if (ddl->sink && ddl->sink->message) ddl->sink->message(ddl->sink->arg, STR("OK"));
}

Status ddl_rows(const DdlContext *ddl, const char *const *names, const TypeKind *types,
                uint32_t columns, const Str *cells, uint32_t rows, Error *err) {
    Arena *arena = ddl->plan->arena;
    const Type **child = ARENA_ARRAY(arena, const Type *, columns + 1);
    Str *name = ARENA_ARRAY(arena, Str, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        child[c] = type_of(types ? types[c] : TYPE_VARCHAR, true);
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
            if (!cell.ptr) {
                vec_set_null(batch->column[c], r);
            } else if (child[c]->kind == TYPE_BOOLEAN) {
                vec_u8(batch->column[c])[r] = str_is(cell, "TRUE");
            } else {
                vec_set_text(batch->column[c], r, cell);
            }
        }
    }
    Status st = sink->batch(sink->arg, batch, err);
    batch_unref(batch);
    return st;
}

Status ddl_resolve_table(DdlContext *ddl, const AstName *name, ObjectName *out, Table **table,
                         Error *err) {
    TRY(catalogs_resolve(ddl->catalogs, name, out, err));
    *table = catalogs_table(ddl->catalogs, *out);
    return ST_OK;
}

Status ddl_options(Arena *arena, Map *into, const AstOptions *options, bool replace, Error *err) {
    for (uint32_t i = 0; i < options->count; i++) {
        const AstOption *option = &options->at[i];
        // Given twice, the last one counts.
        if (!replace && map_has(into, option->key.name)) {
            return error_at(err, ST_VALIDATION, option->span.place,
                            "option '" STR_FMT "' is there already", STR_ARG(option->key.name));
        }
        Str value = option->value ? option->value->literal.text : STR("");
        (void)map_put(into, option->key.name, (void *)(uintptr_t)str_cstr(arena, value));
    }
    return ST_OK;
}

Status ddl_execute(DdlContext *ddl, const AstStmt *stmt, Error *err) {
    Status st = ST_END;
    switch (stmt->kind) {
        case STMT_SHOW: return ddl_show(ddl, stmt->show, err);
        case STMT_DESCRIBE: return ddl_describe(ddl, stmt->describe, err);
        case STMT_STOP_JOB: return ddl_stop_job(ddl, stmt->stop_job, err);
        case STMT_CREATE_TABLE: st = ddl_create_table(ddl, stmt->create_table, err); break;
        case STMT_CREATE_MATERIALIZED_TABLE:
            st = ddl_create_materialized(ddl, stmt->create_materialized_table, err);
            break;
        case STMT_CREATE_VIEW: st = ddl_create_view(ddl, stmt->create_view, err); break;
        case STMT_CREATE_CATALOG: st = ddl_create_catalog(ddl, stmt->create_simple, err); break;
        case STMT_CREATE_DATABASE: st = ddl_create_database(ddl, stmt->create_simple, err); break;
        case STMT_CREATE_FUNCTION: st = ddl_create_function(ddl, stmt->function, err); break;
        case STMT_CREATE_MODEL: st = ddl_create_model(ddl, stmt->create_model, err); break;
        case STMT_ALTER_TABLE: st = ddl_alter_table(ddl, stmt->alter, err); break;
        case STMT_ALTER_VIEW: st = ddl_alter_view(ddl, stmt->alter, err); break;
        case STMT_ALTER_DATABASE: st = ddl_alter_database(ddl, stmt->alter, err); break;
        case STMT_ALTER_CATALOG: st = ddl_alter_catalog(ddl, stmt->alter, err); break;
        case STMT_ALTER_FUNCTION: st = ddl_alter_function(ddl, stmt->function, err); break;
        case STMT_ALTER_MODEL: st = ddl_alter_model(ddl, stmt->alter, err); break;
        case STMT_DROP: st = ddl_drop(ddl, stmt->drop, err); break;
        case STMT_USE: st = ddl_use(ddl, stmt->use, err); break;
        case STMT_LOAD_MODULE:
        case STMT_UNLOAD_MODULE:
            st = ddl_module(ddl, stmt->module, stmt->kind == STMT_LOAD_MODULE, err);
            break;
        default: return ST_END;
    }
    if (!st) st = durable_write(ddl, err);
    if (!st) ddl_ok(ddl);
    return st;
}
