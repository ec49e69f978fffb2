// CREATE VIEW, ALTER VIEW: a view keeps its query twice, expanded as SHOW CREATE prints it and as
// it is bound, which is the same text nearly always.
#include "engine/ddl.h"
#include "plan/expansion.h"
#include "sql/print.h"

static Str printed(Arena *arena, const AstQuery *query, SqlStyle style) {
    Buf text = {0};
    sql_print_query(query, style, &text);
    Str copy = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

// The expanded query is what the view means from now on: a column that its tables get later is none
// of its stars'. But some of Flink's expansions are no SQL that anybody could read back: then what
// was written is bound.
static void choose_query(DdlContext *ddl, Table *view) {
    AstQuery *query;
    Plan *plan;
    if (sql_parse_query(ddl->plan->arena, view->view_expanded, &query, NULL)) return;
    if (bind_query(ddl->plan, query, &plan, NULL)) return;
    view->view_query = view->view_expanded;
}

// Sets the view's query, and *row to the type of its rows.
static Status view_define(DdlContext *ddl, Table *view, AstQuery *query, const Type **row,
                          Error *err) {
    PlanContext *context = ddl->plan;
    Plan *plan;
    view->view_query = printed(&view->arena, query, SQL_FLINK);
    view->view_catalog = str_dup(&view->arena, ddl->catalogs->current_catalog);
    view->view_database = str_dup(&view->arena, ddl->catalogs->current_database);
    context->expansion = expansion_new(context->arena);
    Status st = bind_query(context, query, &plan, err);
    Expansion *expansion = context->expansion;
    context->expansion = NULL;
    if (st) return st;
    expansion_apply(expansion);
    view->view_expanded = printed(&view->arena, query, SQL_VALIDATED);
    choose_query(ddl, view);
    *row = plan->said ? plan->said : plan->type;
    return ST_OK;
}

// The columns of [row], under other names where there are some.
static Status view_columns(DdlContext *ddl, Table *view, const Type *row, const AstIdents *names,
                           Error *err) {
    Str *name = ARENA_ARRAY(ddl->plan->arena, Str, row->child_count + 1);
    for (uint32_t i = 0; i < row->child_count; i++) {
        name[i] = names->count ? names->at[i].name : row->field[i];
    }
    TRY(ddl_names_differ(name, row->child_count, err));
    view->column_count = row->child_count;
    view->column = ARENA_ARRAY(&view->arena, Column, row->child_count + 1);
    for (uint32_t i = 0; i < row->child_count; i++) {
        view->column[i] = (Column){.name = str_dup(&view->arena, name[i]),
                                   .type = type_dup(&view->arena, row->child[i])};
    }
    return ST_OK;
}

Status ddl_create_view(DdlContext *ddl, const AstCreateView *create, Error *err) {
    const Type *row = NULL;
    Table *view = table_new(TABLE_VIEW);
    view->temporary = create->temporary;
    if (create->comment.ptr) view->comment = str_dup(&view->arena, create->comment);
    Status st = view_define(ddl, view, create->query, &row, err);
    if (!st && create->column.count && create->column.count != row->child_count) {
        st = error_at(err, ST_VALIDATION, create->name.span.place,
                      "VIEW definition and input fields not match: %u names for %u columns",
                      create->column.count, row->child_count);
    }
    if (!st) st = view_columns(ddl, view, row, &create->column, err);
    if (st) {
        table_unref(view);
        return st;
    }
    // Flink parses OR REPLACE and takes no notice of it.
    return ddl_table_publish(ddl, view, &create->name, create->if_not_exists, false, err);
}

Status ddl_view_redefine(DdlContext *ddl, Table *view, AstQuery *query, Error *err) {
    static const AstIdents SAME = {0};
    const Type *row = NULL;
    TRY(view_define(ddl, view, query, &row, err));
    return view_columns(ddl, view, row, &SAME, err);
}

Status ddl_query_text(DdlContext *ddl, AstQuery *query, Arena *arena, Str *out, Error *err) {
    PlanContext *context = ddl->plan;
    AstQuery *again;
    Plan *plan;
    Str written = printed(arena, query, SQL_FLINK);
    context->expansion = expansion_new(context->arena);
    Status st = bind_query(context, query, &plan, err);
    Expansion *expansion = context->expansion;
    context->expansion = NULL;
    TRY(st);
    expansion_apply(expansion);
    *out = printed(arena, query, SQL_VALIDATED);
    bool good = !sql_parse_query(context->arena, *out, &again, NULL) &&
                !bind_query(context, again, &plan, NULL);
    if (!good) *out = written;
    return ST_OK;
}
