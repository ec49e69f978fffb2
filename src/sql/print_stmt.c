// Statements other than CREATE and ALTER.
#include "sql/print_int.h"

static void print_maybe_hints(Printer *pr, AstHints hints) {
    if (!hints.count || is_flink(pr)) return;
    put(pr, " ");
    print_hints(pr, hints);
}

static void print_insert(Printer *pr, const AstInsert *insert) {
    static const char *const CONFLICTS[] = {"", "NOTHING", "ERROR", "DEDUPLICATE"};
    put(pr, insert->upsert      ? "UPSERT INTO "
            : insert->overwrite ? "INSERT OVERWRITE "
                                : "INSERT INTO ");
    print_name(pr, insert->table);
    print_maybe_hints(pr, insert->hints);
    if (insert->partition.present) {
        put(pr, " PARTITION ");
        print_partition(pr, &insert->partition);
        if (is_flink(pr)) put(pr, "\n");
    }
    if (insert->extend_count) {
        put(pr, " EXTEND (");
        print_columns(pr, insert->extend, insert->extend_count);
        put(pr, ")");
    }
    if (insert->column.count) {
        put(pr, is_flink(pr) && insert->partition.present ? "(" : " (");
        for (uint32_t i = 0; i < insert->column.count; i++) {
            put_comma(pr, i);
            print_name(pr, insert->column.at[i]);
        }
        put(pr, ")");
    }
    put(pr, "\n");
    print_query(pr, insert->query);
    if (!insert->on_conflict) return;
    put(pr, "\nON CONFLICT DO ");
    put(pr, CONFLICTS[insert->on_conflict]);
}

static void print_table_alias(Printer *pr, AstName table, AstHints hints, AstIdent alias) {
    print_name(pr, table);
    print_maybe_hints(pr, hints);
    if (!ast_ident_given(alias)) return;
    put(pr, " AS ");
    print_ident(pr, alias);
}

static void print_assigns(Printer *pr, const struct AstAssign *assign, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        put_comma(pr, i);
        print_ident(pr, assign[i].column);
        put(pr, " = ");
        print_expr(pr, assign[i].value);
    }
}

static void print_where(Printer *pr, const AstExpr *where) {
    if (!where) return;
    put(pr, "\nWHERE ");
    print_expr(pr, where);
}

static void print_update(Printer *pr, const AstUpdate *update) {
    put(pr, "UPDATE ");
    print_table_alias(pr, update->table, update->hints, update->alias);
    put(pr, " SET ");
    print_assigns(pr, update->assign, update->assign_count);
    print_where(pr, update->where);
}

static void print_delete(Printer *pr, const AstDelete *del) {
    put(pr, "DELETE FROM ");
    print_table_alias(pr, del->table, del->hints, del->alias);
    print_where(pr, del->where);
}

static void print_merge(Printer *pr, const AstMerge *merge) {
    put(pr, "MERGE INTO ");
    print_table_alias(pr, merge->table, merge->hints, merge->alias);
    put(pr, "\nUSING ");
    print_from(pr, merge->source);
    put(pr, "\nON ");
    print_expr(pr, merge->on);
    if (merge->assign_count) {
        put(pr, "\nWHEN MATCHED THEN UPDATE SET ");
        print_assigns(pr, merge->assign, merge->assign_count);
    }
    if (!merge->has_insert) return;
    put(pr, "\nWHEN NOT MATCHED THEN INSERT ");
    if (merge->column.count) {
        print_ident_list(pr, merge->column);
        put(pr, " ");
    }
    put(pr, is_flink(pr) ? "VALUES ROW(" : "VALUES (");
    print_exprs(pr, merge->value);
    put(pr, ")");
}

// STATEMENT SET BEGIN … END
static void print_statement_set(Printer *pr, const AstStatementSet *set) {
    put(pr, set->begin_form ? "BEGIN STATEMENT SET;\n" : "STATEMENT SET BEGIN\n");
    for (uint32_t i = 0; i < set->stmt_count; i++) {
        print_stmt(pr, set->stmt[i]);
        put(pr, "\n;\n");
    }
    put(pr, "END");
}

// What stands behind EXPLAIN or FOR: there a statement set goes without its EXECUTE.
static void print_inner(Printer *pr, const AstStmt *stmt) {
    if (stmt->kind == STMT_STATEMENT_SET && !stmt->set_of->executed)
        print_statement_set(pr, stmt->set_of);
    else print_stmt(pr, stmt);
}

static void print_explain(Printer *pr, const AstExplain *explain) {
    static const struct {
        uint32_t bit;
        const char *text;
    } DETAILS[] = {
        {EXPLAIN_JSON_EXECUTION_PLAN, "JSON_EXECUTION_PLAN"},
        {EXPLAIN_CHANGELOG_MODE, "CHANGELOG_MODE"},
        {EXPLAIN_PLAN_ADVICE, "PLAN_ADVICE"},
        {EXPLAIN_ESTIMATED_COST, "ESTIMATED_COST"},
    };
    put(pr, explain->plan_for && !is_flink(pr) ? "EXPLAIN PLAN FOR " : "EXPLAIN ");
    uint32_t printed = 0;
    for (size_t i = 0; i < sizeof DETAILS / sizeof *DETAILS; i++) {
        if (!(explain->details & DETAILS[i].bit)) continue;
        put_comma(pr, printed++);
        put(pr, DETAILS[i].text);
    }
    if (printed) put(pr, " ");
    print_inner(pr, explain->stmt);
}

static void print_plan(Printer *pr, const AstStmt *stmt) {
    const AstPlan *plan = stmt->plan;
    if (stmt->kind == STMT_EXECUTE_PLAN) put(pr, "EXECUTE PLAN ");
    else put(pr, plan->execute ? "COMPILE AND EXECUTE PLAN " : "COMPILE PLAN ");
    put_text(pr, plan->path);
    if (!plan->stmt) return;
    put(pr, plan->if_not_exists ? " IF NOT EXISTS FOR " : " FOR ");
    print_inner(pr, plan->stmt);
}

// ---- SHOW, DESCRIBE, USE -----------------------------------------------------------------------

static const char *object_text(AstObject object) {
    static const char *const TEXTS[] = {
        [OBJ_TABLE] = "TABLE", [OBJ_VIEW] = "VIEW", [OBJ_MATERIALIZED_TABLE] = "MATERIALIZED TABLE",
        [OBJ_CATALOG] = "CATALOG", [OBJ_DATABASE] = "DATABASE", [OBJ_FUNCTION] = "FUNCTION",
        [OBJ_MODEL] = "MODEL", [OBJ_CONNECTION] = "CONNECTION", [OBJ_MODULE] = "MODULE",
        [OBJ_PROCEDURE] = "PROCEDURE", [OBJ_COLUMN] = "COLUMN", [OBJ_PARTITION] = "PARTITION",
        [OBJ_JAR] = "JAR", [OBJ_JOB] = "JOB", [OBJ_CURRENT_CATALOG] = "CURRENT CATALOG",
        [OBJ_CURRENT_DATABASE] = "CURRENT DATABASE", [OBJ_USER_FUNCTION] = "USER FUNCTION",
        [OBJ_FULL_MODULE] = "FULL MODULE",
    };
    return TEXTS[object];
}

static void print_show(Printer *pr, const AstShow *show) {
    put(pr, show->create ? "SHOW CREATE " : "SHOW ");
    put(pr, object_text(show->what));
    bool one =
        show->create || show->what == OBJ_CURRENT_CATALOG || show->what == OBJ_CURRENT_DATABASE;
    if (!one) put(pr, "S");
    if (show->name.count) {
        put(pr, " ");
        print_name(pr, show->name);
    }
    if (show->partition.present) {
        put(pr, " PARTITION ");
        print_partition(pr, &show->partition);
    }
    if (show->from.count) {
        put(pr, show->in ? " IN " : " FROM ");
        print_name(pr, show->from);
    }
    if (!show->has_like) return;
    put(pr, show->not_like ? " NOT" : "");
    put(pr, show->ilike ? " ILIKE " : " LIKE ");
    put_text(pr, show->like);
}

static void print_describe(Printer *pr, const AstDescribe *describe) {
    if (describe->stmt) {
        put(pr, "DESCRIBE STATEMENT ");
        print_stmt(pr, describe->stmt);
        return;
    }
    put(pr, "DESCRIBE ");
    if (describe->what != OBJ_TABLE || describe->table_word) {
        put(pr, object_text(describe->what));
        put(pr, " ");
    }
    if (describe->what == OBJ_JOB) {
        put_text(pr, describe->job);
        return;
    }
    if (describe->extended) put(pr, "EXTENDED ");
    print_name(pr, describe->name);
    if (!ast_ident_given(describe->column)) return;
    put(pr, " ");
    print_ident(pr, describe->column);
}

static void print_use(Printer *pr, const AstUse *use) {
    put(pr, use->what == OBJ_MODULE    ? "USE MODULES "
            : use->what == OBJ_CATALOG ? "USE CATALOG "
                                       : "USE ");
    if (use->what == OBJ_MODULE) print_idents(pr, use->module);
    else print_name(pr, use->name);
}

// ---- the rest ----------------------------------------------------------------------------------

static void print_drop(Printer *pr, const AstDrop *drop) {
    bool database = drop->what == OBJ_DATABASE;
    bool lost =
        is_flink(pr) && (database || drop->what == OBJ_CATALOG);  // never temporary to Flink
    put(pr, drop->temporary && !lost ? "DROP TEMPORARY " : "DROP ");
    if (drop->system) put(pr, "SYSTEM ");
    put(pr, object_text(drop->what));
    put(pr, drop->if_exists ? " IF EXISTS " : " ");
    print_name(pr, drop->name);
    if (drop->mode == DROP_CASCADE) put(pr, " CASCADE");
    else if (drop->mode == DROP_RESTRICT || (database && is_flink(pr))) put(pr, " RESTRICT");
}

static void print_module(Printer *pr, const AstStmt *stmt) {
    put(pr, stmt->kind == STMT_LOAD_MODULE ? "LOAD MODULE " : "UNLOAD MODULE ");
    print_ident(pr, stmt->module->name);
    const AstOptions *options = &stmt->module->options;
    if (!options->present || (is_flink(pr) && !options->count)) return;
    put(pr, "\nWITH ");
    print_option_lines(pr, options, false);
}

static void print_set(Printer *pr, const AstStmt *stmt) {
    put(pr, stmt->kind == STMT_SET ? "SET" : "RESET");
    if (!stmt->set->key.ptr) return;
    put(pr, " ");
    put_text(pr, stmt->set->key);
    if (stmt->kind == STMT_RESET) return;
    put(pr, " = ");
    put_text(pr, stmt->set->value);
}

static void print_alter_option(Printer *pr, const AstAlterOption *option) {
    put(pr, option->session ? "ALTER SESSION " : "ALTER SYSTEM ");
    put(pr, option->reset ? "RESET " : "SET ");
    if (option->name.count) print_name(pr, option->name);
    else put(pr, "ALL");
    if (option->reset) return;
    put(pr, " = ");
    print_expr(pr, option->value);
}

static void print_analyze(Printer *pr, const AstAnalyze *analyze) {
    put(pr, "ANALYZE TABLE ");
    print_name(pr, analyze->table);
    if (analyze->partition.present) {
        put(pr, " PARTITION ");
        print_partition(pr, &analyze->partition);
    }
    put(pr, " COMPUTE STATISTICS");
    if (analyze->columns_all) put(pr, " FOR ALL COLUMNS");
    if (!analyze->column.count) return;
    put(pr, " FOR COLUMNS ");
    print_idents(pr, analyze->column);
}

static void print_stop_job(Printer *pr, const AstStopJob *stop) {
    put(pr, "STOP JOB ");
    put_text(pr, stop->job);
    if (stop->savepoint) put(pr, " WITH SAVEPOINT");
    if (stop->drain) put(pr, " WITH DRAIN");
}

void print_stmt(Printer *pr, const AstStmt *stmt) {
    switch (stmt->kind) {
        case STMT_QUERY: print_query(pr, stmt->query); break;
        case STMT_INSERT: print_insert(pr, stmt->insert); break;
        case STMT_UPDATE: print_update(pr, stmt->update); break;
        case STMT_DELETE: print_delete(pr, stmt->del); break;
        case STMT_MERGE: print_merge(pr, stmt->merge); break;
        case STMT_TRUNCATE:
            put(pr, "TRUNCATE TABLE ");
            print_name(pr, stmt->truncate);
            break;
        case STMT_STATEMENT_SET:
            if (stmt->set_of->executed) put(pr, "EXECUTE ");
            print_statement_set(pr, stmt->set_of);
            break;
        case STMT_BEGIN_STATEMENT_SET: put(pr, "BEGIN STATEMENT SET"); break;
        case STMT_END: put(pr, "END"); break;
        case STMT_EXPLAIN: print_explain(pr, stmt->explain); break;
        case STMT_EXECUTE:
            put(pr, "EXECUTE ");
            print_stmt(pr, stmt->execute);
            break;
        case STMT_COMPILE_PLAN: case STMT_EXECUTE_PLAN: print_plan(pr, stmt); break;
        case STMT_CREATE_TABLE: case STMT_CREATE_MATERIALIZED_TABLE: case STMT_CREATE_VIEW:
        case STMT_CREATE_CATALOG: case STMT_CREATE_DATABASE: case STMT_CREATE_FUNCTION:
        case STMT_CREATE_MODEL: case STMT_CREATE_CONNECTION:
            print_create(pr, stmt);
            break;
        case STMT_ALTER_TABLE: case STMT_ALTER_MATERIALIZED_TABLE: case STMT_ALTER_VIEW:
        case STMT_ALTER_CATALOG: case STMT_ALTER_DATABASE: case STMT_ALTER_FUNCTION:
        case STMT_ALTER_MODEL: case STMT_ALTER_CONNECTION:
            print_alter(pr, stmt);
            break;
        case STMT_DROP: print_drop(pr, stmt->drop); break;
        case STMT_SHOW: print_show(pr, stmt->show); break;
        case STMT_DESCRIBE: print_describe(pr, stmt->describe); break;
        case STMT_USE: print_use(pr, stmt->use); break;
        case STMT_LOAD_MODULE: case STMT_UNLOAD_MODULE: print_module(pr, stmt); break;
        case STMT_SET: case STMT_RESET: print_set(pr, stmt); break;
        case STMT_ALTER_OPTION: print_alter_option(pr, stmt->alter_option); break;
        case STMT_JAR:
            put(pr, stmt->jar->remove ? "REMOVE JAR " : "ADD JAR ");
            put_text(pr, stmt->jar->path);
            break;
        case STMT_CALL:
            put(pr, "CALL ");
            print_expr(pr, stmt->call);
            break;
        case STMT_ANALYZE: print_analyze(pr, stmt->analyze); break;
        case STMT_STOP_JOB: print_stop_job(pr, stmt->stop_job); break;
        case STMT_CLIENT: put_str(pr, stmt->client->word); break;
    }
}

void sql_print(const AstStmt *stmt, SqlStyle style, Buf *out) {
    Printer pr = {.out = out, .style = style};
    print_stmt(&pr, stmt);
}
