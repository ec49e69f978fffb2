// Statements other than CREATE and ALTER, and the way to each of them.
#include "sql/parser_int.h"

static AstStmt *stmt_new(Parser *p, AstStmtKind kind, uint32_t start) {
    AstStmt *stmt = ARENA_NEW(p->arena, AstStmt);
    stmt->kind = kind;
    stmt->span = span_since(p, start);
    return stmt;
}

// ---- DML ---------------------------------------------------------------------------------------

static Status parse_on_conflict(Parser *p, AstConflict *out) {
    if (!take_word(p, KW_ON)) return ST_OK;
    TRY(need_word(p, KW_CONFLICT));
    TRY(need_word(p, KW_DO));
    if (take_word(p, KW_NOTHING)) *out = CONFLICT_NOTHING;
    else if (take_word(p, KW_ERROR)) *out = CONFLICT_ERROR;
    else {
        TRY(need_word(p, KW_DEDUPLICATE));
        *out = CONFLICT_DEDUPLICATE;
    }
    return ST_OK;
}

// (a, b.c), or (a INT, …), which extends the table; or nothing when the '(' opens the query.
static Status parse_insert_columns(Parser *p, AstInsert *insert) {
    if (take_word(p, KW_EXTEND)) return parse_extend(p, &insert->extend, &insert->extend_count);
    if (!is_kind(p, 0, TOK_LPAREN) || !at_ident(p, 1)) return ST_OK;
    uint32_t start = p->at;
    TRY(need_kind(p, TOK_LPAREN));
    do {
        AstName name;
        TRY(parse_name(p, &name));
        if (is_kind(p, 0, TOK_COMMA) || is_kind(p, 0, TOK_RPAREN)) {
            LIST_PUSH(p, insert->column.at, insert->column.count, name);
            continue;
        }
        AstColumn column = {.kind = COLUMN_PHYSICAL, .name = name, .span = name.span};
        TRY(parse_type(p, &column.type));
        if (take_words(p, KW_NOT, KW_NULL)) column.type->nullability = NULLABILITY_NOT_NULL;
        LIST_PUSH(p, insert->extend, insert->extend_count, column);
    } while (take_kind(p, TOK_COMMA));
    if (insert->extend_count && insert->column.count) {
        return parser_fail(p, start, "some columns have types and some have none");
    }
    return need_kind(p, TOK_RPAREN);
}

// At INSERT or UPSERT.
static Status parse_insert(Parser *p, AstStmt **out) {
    uint32_t start = p->at;
    AstInsert *insert = ARENA_NEW(p->arena, AstInsert);
    insert->upsert = take_word(p, KW_UPSERT);
    if (!insert->upsert) TRY(need_word(p, KW_INSERT));
    insert->overwrite = take_word(p, KW_OVERWRITE);
    if (!insert->overwrite) TRY(need_word(p, KW_INTO));
    if (insert->overwrite && insert->upsert) {
        return parser_fail(p, start, "UPSERT OVERWRITE does not exist");
    }
    TRY(parse_name(p, &insert->table));
    TRY(parse_hints(p, &insert->hints));
    if (take_word(p, KW_PARTITION)) TRY(parse_partition(p, false, &insert->partition));
    TRY(parse_insert_columns(p, insert));
    TRY(parse_query(p, &insert->query));
    TRY(parse_on_conflict(p, &insert->on_conflict));
    AstStmt *stmt = stmt_new(p, STMT_INSERT, start);
    stmt->insert = insert;
    *out = stmt;
    return ST_OK;
}

static Status parse_maybe_alias(Parser *p, AstIdent *out) {
    return take_word(p, KW_AS) || at_ident(p, 0) ? parse_ident(p, out) : ST_OK;
}

// a = 1, b = 2
static Status parse_assigns(Parser *p, struct AstAssign **assign, uint32_t *count) {
    do {
        struct AstAssign item;
        TRY(parse_ident(p, &item.column));
        TRY(need_kind(p, TOK_EQ));
        TRY(parse_expr(p, &item.value));
        LIST_PUSH(p, *assign, *count, item);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

static Status parse_update(Parser *p, AstStmt *stmt) {
    AstUpdate *update = stmt->update = ARENA_NEW(p->arena, AstUpdate);
    TRY(parse_name(p, &update->table));
    TRY(parse_hints(p, &update->hints));
    TRY(parse_maybe_alias(p, &update->alias));
    TRY(need_word(p, KW_SET));
    TRY(parse_assigns(p, &update->assign, &update->assign_count));
    return take_word(p, KW_WHERE) ? parse_expr(p, &update->where) : ST_OK;
}

static Status parse_delete(Parser *p, AstStmt *stmt) {
    AstDelete *del = stmt->del = ARENA_NEW(p->arena, AstDelete);
    TRY(need_word(p, KW_FROM));
    TRY(parse_name(p, &del->table));
    TRY(parse_hints(p, &del->hints));
    TRY(parse_maybe_alias(p, &del->alias));
    return take_word(p, KW_WHERE) ? parse_expr(p, &del->where) : ST_OK;
}

// WHEN MATCHED THEN UPDATE SET …, WHEN NOT MATCHED THEN INSERT …: one of them or both, in this
// order.
static Status parse_merge_actions(Parser *p, AstMerge *merge) {
    TRY(need_word(p, KW_WHEN));
    if (take_word(p, KW_MATCHED)) {
        TRY(need_word(p, KW_THEN));
        TRY(need_word(p, KW_UPDATE));
        TRY(need_word(p, KW_SET));
        TRY(parse_assigns(p, &merge->assign, &merge->assign_count));
        if (!take_word(p, KW_WHEN)) return ST_OK;
    }
    TRY(need_word(p, KW_NOT));
    TRY(need_word(p, KW_MATCHED));
    TRY(need_word(p, KW_THEN));
    TRY(need_word(p, KW_INSERT));
    merge->has_insert = true;
    if (at_kind(p, TOK_LPAREN)) TRY(parse_idents(p, &merge->column));
    bool parentheses = take_kind(p, TOK_LPAREN);
    TRY(need_word(p, KW_VALUES));
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parse_exprs(p, &merge->value));
    TRY(need_kind(p, TOK_RPAREN));
    return parentheses ? need_kind(p, TOK_RPAREN) : ST_OK;
}

static Status parse_merge(Parser *p, AstStmt *stmt) {
    AstMerge *merge = stmt->merge = ARENA_NEW(p->arena, AstMerge);
    TRY(need_word(p, KW_INTO));
    TRY(parse_name(p, &merge->table));
    TRY(parse_hints(p, &merge->hints));
    TRY(parse_maybe_alias(p, &merge->alias));
    TRY(need_word(p, KW_USING));
    TRY(parse_relation(p, &merge->source));
    TRY(need_word(p, KW_ON));
    TRY(parse_expr(p, &merge->on));
    return parse_merge_actions(p, merge);
}

// ---- statement sets, plans, EXPLAIN ------------------------------------------------------------

// The inserts up to END: behind BEGIN, or behind BEGIN STATEMENT SET ;
static Status parse_set_body(Parser *p, AstStatementSet *set) {
    do {
        AstStmt *insert;
        TRY(parse_insert(p, &insert));
        LIST_PUSH(p, set->stmt, set->stmt_count, insert);
        TRY(need_kind(p, TOK_SEMICOLON));
    } while (!at_word(p, KW_END));
    return need_word(p, KW_END);
}

// STATEMENT SET BEGIN … END: at STATEMENT.
static Status parse_statement_set(Parser *p, AstStmt **out) {
    uint32_t start = p->at;
    AstStmt *stmt = stmt_new(p, STMT_STATEMENT_SET, start);
    stmt->set_of = ARENA_NEW(p->arena, AstStatementSet);
    TRY(need_word(p, KW_STATEMENT));
    TRY(need_word(p, KW_SET));
    TRY(need_word(p, KW_BEGIN));
    TRY(parse_set_body(p, stmt->set_of));
    stmt->span = span_since(p, start);
    *out = stmt;
    return ST_OK;
}

// BEGIN STATEMENT SET [; … END]: behind BEGIN. Alone it opens a set that later statements fill.
static Status parse_begin(Parser *p, AstStmt *stmt) {
    TRY(need_word(p, KW_STATEMENT));
    TRY(need_word(p, KW_SET));
    stmt->kind = STMT_BEGIN_STATEMENT_SET;
    if (!is_kind(p, 0, TOK_SEMICOLON) || is_kind(p, 1, TOK_END)) return ST_OK;
    skip_token(p);
    stmt->kind = STMT_STATEMENT_SET;
    stmt->set_of = ARENA_NEW(p->arena, AstStatementSet);
    stmt->set_of->begin_form = true;
    return parse_set_body(p, stmt->set_of);
}

static Status parse_query_stmt(Parser *p, AstStmt **out) {
    AstStmt *stmt = stmt_new(p, STMT_QUERY, p->at);
    TRY(parse_query(p, &stmt->query));
    stmt->span = stmt->query->span;
    *out = stmt;
    return ST_OK;
}

static bool at_insert(Parser *p) { return at_word(p, KW_INSERT) || at_word(p, KW_UPSERT); }

// EXECUTE STATEMENT SET …, EXECUTE PLAN 'f', EXECUTE query, EXECUTE INSERT …: behind EXECUTE.
static Status parse_execute(Parser *p, AstStmt *stmt) {
    if (take_word(p, KW_PLAN)) {
        stmt->kind = STMT_EXECUTE_PLAN;
        stmt->plan = ARENA_NEW(p->arena, AstPlan);
        return parse_text_value(p, &stmt->plan->path);
    }
    if (at_word(p, KW_STATEMENT)) {
        AstStmt *set;
        TRY(parse_statement_set(p, &set));
        stmt->kind = STMT_STATEMENT_SET;
        stmt->set_of = set->set_of;
        stmt->set_of->executed = true;
        return ST_OK;
    }
    stmt->kind = STMT_EXECUTE;
    return at_insert(p) ? parse_insert(p, &stmt->execute) : parse_query_stmt(p, &stmt->execute);
}

// COMPILE PLAN 'f' [IF NOT EXISTS] FOR …, COMPILE AND EXECUTE PLAN 'f' FOR …: behind COMPILE.
static Status parse_compile(Parser *p, AstStmt *stmt) {
    AstPlan *plan = stmt->plan = ARENA_NEW(p->arena, AstPlan);
    stmt->kind = STMT_COMPILE_PLAN;
    plan->execute = take_word(p, KW_AND);
    if (plan->execute) TRY(need_word(p, KW_EXECUTE));
    TRY(need_word(p, KW_PLAN));
    TRY(parse_text_value(p, &plan->path));
    if (!plan->execute) plan->if_not_exists = take_if_not_exists(p);
    TRY(need_word(p, KW_FOR));
    return at_word(p, KW_STATEMENT) ? parse_statement_set(p, &plan->stmt)
                                    : parse_insert(p, &plan->stmt);
}

static Status parse_explain_details(Parser *p, uint32_t *details) {
    static const struct {
        Keyword word;
        uint32_t bit;
    } DETAILS[] = {
        {KW_ESTIMATED_COST, EXPLAIN_ESTIMATED_COST},
        {KW_CHANGELOG_MODE, EXPLAIN_CHANGELOG_MODE},
        {KW_JSON_EXECUTION_PLAN, EXPLAIN_JSON_EXECUTION_PLAN},
        {KW_PLAN_ADVICE, EXPLAIN_PLAN_ADVICE},
    };
    do {
        uint32_t bit = 0;
        for (size_t i = 0; i < sizeof DETAILS / sizeof *DETAILS && bit == 0; i++) {
            if (take_word(p, DETAILS[i].word)) bit = DETAILS[i].bit;
        }
        if (bit == 0) return *details ? parser_unexpected(p) : ST_OK;
        if (*details & bit) return parser_fail(p, p->at - 1, "this detail is given twice");
        *details |= bit;
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

// Behind EXPLAIN.
static Status parse_explain(Parser *p, AstStmt *stmt) {
    AstExplain *explain = stmt->explain = ARENA_NEW(p->arena, AstExplain);
    explain->plan_for = take_words(p, KW_PLAN, KW_FOR);
    if (!explain->plan_for) TRY(parse_explain_details(p, &explain->details));
    uint32_t start = p->at;
    AstStmt *inner;
    if (at_word(p, KW_STATEMENT)) return parse_statement_set(p, &explain->stmt);
    if (at_insert(p)) return parse_insert(p, &explain->stmt);
    if (take_word(p, KW_EXECUTE)) {
        inner = stmt_new(p, STMT_EXECUTE, start);
        TRY(parse_execute(p, inner));
        if (inner->kind == STMT_EXECUTE_PLAN) {
            return parser_fail(p, start, "EXPLAIN takes no plan file");
        }
    } else if (take_word(p, KW_CREATE) || is_word(p, 0, KW_REPLACE)) {
        inner = stmt_new(p, STMT_CREATE_TABLE, start);
        TRY(parse_create(p, inner));
        bool query = inner->kind == STMT_CREATE_TABLE && inner->create_table->query;
        if (!query) return parser_fail(p, start, "EXPLAIN CREATE TABLE needs AS and a query");
    } else {
        return parse_query_stmt(p, &explain->stmt);
    }
    inner->span = span_since(p, start);
    explain->stmt = inner;
    return ST_OK;
}

// ---- SHOW, DESCRIBE, USE -----------------------------------------------------------------------

// [NOT] LIKE 'x', and ILIKE where [ilike].
static Status parse_show_like(Parser *p, bool ilike, AstShow *show) {
    bool not = take_word(p, KW_NOT);
    if (take_word(p, KW_LIKE)) {
    } else if (ilike && take_word(p, KW_ILIKE)) {
        show->ilike = true;
    } else {
        return not ? parser_unexpected(p) : ST_OK;
    }
    show->has_like = true;
    show->not_like = not;
    return parse_plain_text(p, &show->like);
}

// FROM|IN name
static Status parse_show_from(Parser *p, bool required, AstShow *show) {
    if (take_word(p, KW_IN)) show->in = true;
    else if (!take_word(p, KW_FROM)) return required ? parser_unexpected(p) : ST_OK;
    return parse_name(p, &show->from);
}

// Behind SHOW CREATE.
static Status parse_show_create(Parser *p, AstShow *show) {
    show->create = true;
    if (take_word(p, KW_TABLE)) show->what = OBJ_TABLE;
    else if (take_word(p, KW_VIEW)) show->what = OBJ_VIEW;
    else if (take_word(p, KW_MODEL)) show->what = OBJ_MODEL;
    else if (take_word(p, KW_CONNECTION)) show->what = OBJ_CONNECTION;
    else if (take_word(p, KW_CATALOG)) {
        AstIdent ident;
        show->what = OBJ_CATALOG;
        TRY(parse_ident(p, &ident));
        show->name = name_of(p, ident);
        return ST_OK;
    } else {
        if (take_word(p, KW_OR)) TRY(need_word(p, KW_ALTER));
        TRY(need_word(p, KW_MATERIALIZED));
        TRY(need_word(p, KW_TABLE));
        show->what = OBJ_MATERIALIZED_TABLE;
    }
    return parse_name(p, &show->name);
}

// What may follow each SHOW.
enum { SHOW_FROM = 1, SHOW_NEEDS_FROM = 2, SHOW_LIKE = 4, SHOW_ILIKE = 8 };

static const struct ShowKind {
    Keyword first, second;  // second is 0 for one word
    AstObject what;
    unsigned flags;
} SHOWS[] = {
    {KW_CATALOGS, 0, OBJ_CATALOG, SHOW_LIKE | SHOW_ILIKE},
    {KW_DATABASES, 0, OBJ_DATABASE, SHOW_FROM | SHOW_LIKE | SHOW_ILIKE},
    {KW_TABLES, 0, OBJ_TABLE, SHOW_FROM | SHOW_LIKE},
    {KW_VIEWS, 0, OBJ_VIEW, SHOW_FROM | SHOW_LIKE},
    {KW_MATERIALIZED, KW_TABLES, OBJ_MATERIALIZED_TABLE, SHOW_FROM | SHOW_LIKE},
    {KW_COLUMNS, 0, OBJ_COLUMN, SHOW_FROM | SHOW_NEEDS_FROM | SHOW_LIKE},
    {KW_FUNCTIONS, 0, OBJ_FUNCTION, SHOW_FROM | SHOW_LIKE | SHOW_ILIKE},
    {KW_USER, KW_FUNCTIONS, OBJ_USER_FUNCTION, SHOW_FROM | SHOW_LIKE | SHOW_ILIKE},
    {KW_PROCEDURES, 0, OBJ_PROCEDURE, SHOW_FROM | SHOW_LIKE | SHOW_ILIKE},
    {KW_MODELS, 0, OBJ_MODEL, SHOW_FROM | SHOW_LIKE},
    {KW_CONNECTIONS, 0, OBJ_CONNECTION, SHOW_FROM | SHOW_LIKE},
    {KW_MODULES, 0, OBJ_MODULE, 0},
    {KW_FULL, KW_MODULES, OBJ_FULL_MODULE, 0},
    {KW_JARS, 0, OBJ_JAR, 0},
    {KW_JOBS, 0, OBJ_JOB, 0},
    {KW_CURRENT, KW_CATALOG, OBJ_CURRENT_CATALOG, 0},
    {KW_CURRENT, KW_DATABASE, OBJ_CURRENT_DATABASE, 0},
};

// Behind SHOW.
static Status parse_show(Parser *p, AstStmt *stmt) {
    AstShow *show = stmt->show = ARENA_NEW(p->arena, AstShow);
    if (take_word(p, KW_CREATE)) return parse_show_create(p, show);
    if (take_word(p, KW_PARTITIONS)) {
        show->what = OBJ_PARTITION;
        TRY(parse_name(p, &show->name));
        return take_word(p, KW_PARTITION) ? parse_partition(p, false, &show->partition) : ST_OK;
    }
    for (size_t i = 0; i < sizeof SHOWS / sizeof *SHOWS; i++) {
        const struct ShowKind *kind = &SHOWS[i];
        bool here =
            kind->second ? take_words(p, kind->first, kind->second) : take_word(p, kind->first);
        if (!here) continue;
        show->what = kind->what;
        uint32_t from_at = p->at;
        if (kind->flags & SHOW_FROM) TRY(parse_show_from(p, kind->flags & SHOW_NEEDS_FROM, show));
        if (show->what == OBJ_DATABASE && show->from.count > 1) {
            return parser_fail(p, from_at, "a catalog has a name of one part");
        }
        if (kind->flags & SHOW_LIKE) TRY(parse_show_like(p, kind->flags & SHOW_ILIKE, show));
        return ST_OK;
    }
    return parser_unexpected(p);
}

// Behind DESCRIBE or DESC; [full] for DESCRIBE, which Calcite knows more about.
static Status parse_describe(Parser *p, bool full, AstStmt *stmt) {
    AstDescribe *describe = stmt->describe = ARENA_NEW(p->arena, AstDescribe);
    static const struct {
        Keyword word;
        AstObject what;
    } OBJECTS[] = {
        {KW_CATALOG, OBJ_CATALOG}, {KW_DATABASE, OBJ_DATABASE}, {KW_FUNCTION, OBJ_FUNCTION},
        {KW_MODEL, OBJ_MODEL}, {KW_CONNECTION, OBJ_CONNECTION},
    };
    for (size_t i = 0; i < sizeof OBJECTS / sizeof *OBJECTS; i++) {
        if (!take_word(p, OBJECTS[i].word)) continue;
        describe->what = OBJECTS[i].what;
        describe->extended = take_word(p, KW_EXTENDED);
        if (describe->what != OBJ_CATALOG) return parse_name(p, &describe->name);
        AstIdent ident;
        TRY(parse_ident(p, &ident));
        describe->name = name_of(p, ident);
        return ST_OK;
    }
    if (take_word(p, KW_JOB)) {
        describe->what = OBJ_JOB;
        return parse_plain_text(p, &describe->job);
    }
    describe->what = OBJ_TABLE;
    if (full) {
        if (take_word(p, KW_TABLE)) {
            describe->table_word = true;
            TRY(parse_name(p, &describe->name));
            return at_ident(p, 0) ? parse_ident(p, &describe->column) : ST_OK;
        }
        if (take_word(p, KW_STATEMENT) || at_query(p, 0) || is_kind(p, 0, TOK_LPAREN) ||
            at_insert(p)) {
            return at_insert(p) ? parse_insert(p, &describe->stmt)
                                : parse_query_stmt(p, &describe->stmt);
        }
    }
    describe->extended = take_word(p, KW_EXTENDED);
    return parse_name(p, &describe->name);
}

// Behind USE.
static Status parse_use(Parser *p, AstStmt *stmt) {
    AstUse *use = stmt->use = ARENA_NEW(p->arena, AstUse);
    AstIdent ident;
    if (take_word(p, KW_CATALOG)) {
        use->what = OBJ_CATALOG;
        TRY(parse_ident(p, &ident));
        use->name = name_of(p, ident);
        return ST_OK;
    }
    if (take_word(p, KW_MODULES)) {
        use->what = OBJ_MODULE;
        do {
            TRY(parse_ident(p, &ident));
            LIST_PUSH(p, use->module.at, use->module.count, ident);
        } while (take_kind(p, TOK_COMMA));
        return ST_OK;
    }
    use->what = OBJ_DATABASE;
    return parse_name(p, &use->name);
}

// ---- the rest ----------------------------------------------------------------------------------

// Behind DROP.
static Status parse_drop(Parser *p, AstStmt *stmt) {
    uint32_t start = p->at;
    AstDrop *drop = stmt->drop = ARENA_NEW(p->arena, AstDrop);
    drop->temporary = take_word(p, KW_TEMPORARY);
    drop->system = take_word(p, KW_SYSTEM);
    if (take_word(p, KW_FUNCTION)) drop->what = OBJ_FUNCTION;
    else if (take_word(p, KW_CONNECTION)) {
        drop->what = OBJ_CONNECTION;
        if (drop->system && !drop->temporary) {
            return parser_fail(
                p, start,
                "connections of the system are temporary: DROP TEMPORARY SYSTEM CONNECTION");
        }
    } else if (drop->system) {
        return parser_unexpected(p);
    } else if (take_word(p, KW_TABLE)) drop->what = OBJ_TABLE;
    else if (take_word(p, KW_VIEW)) drop->what = OBJ_VIEW;
    else if (take_word(p, KW_CATALOG)) drop->what = OBJ_CATALOG;
    else if (take_word(p, KW_DATABASE)) drop->what = OBJ_DATABASE;
    else if (take_word(p, KW_MODEL)) drop->what = OBJ_MODEL;
    else {
        TRY(need_word(p, KW_MATERIALIZED));
        TRY(need_word(p, KW_TABLE));
        drop->what = OBJ_MATERIALIZED_TABLE;
        if (drop->temporary) {
            return parser_fail(p, start, "a materialized table cannot be temporary");
        }
    }
    drop->if_exists = take_words(p, KW_IF, KW_EXISTS);
    TRY(parse_name(p, &drop->name));
    if (drop->what == OBJ_DATABASE) {
        if (take_word(p, KW_RESTRICT)) drop->mode = DROP_RESTRICT;
        else if (take_word(p, KW_CASCADE)) drop->mode = DROP_CASCADE;
    }
    return ST_OK;
}

// LOAD MODULE m [WITH (…)], UNLOAD MODULE m: behind the verb.
static Status parse_module(Parser *p, AstStmt *stmt) {
    AstModule *module = stmt->module = ARENA_NEW(p->arena, AstModule);
    TRY(need_word(p, KW_MODULE));
    TRY(parse_ident(p, &module->name));
    if (stmt->kind == STMT_LOAD_MODULE && take_word(p, KW_WITH)) {
        TRY(parse_options(p, &module->options));
    }
    return ST_OK;
}

// SET ['k' = 'v'], RESET ['k']: behind the verb. Without quotes they are the client's, see
// client.c.
static Status parse_set(Parser *p, AstStmt *stmt) {
    AstSet *set = stmt->set = ARENA_NEW(p->arena, AstSet);
    if (is_kind(p, 0, TOK_END) || is_kind(p, 0, TOK_SEMICOLON)) return ST_OK;
    TRY(parse_text_value(p, &set->key));
    if (stmt->kind == STMT_RESET) return ST_OK;
    TRY(need_kind(p, TOK_EQ));
    return parse_text_value(p, &set->value);
}

static Status parse_jar(Parser *p, bool remove, AstStmt *stmt) {
    stmt->jar = ARENA_NEW(p->arena, AstJar);
    stmt->jar->remove = remove;
    TRY(need_word(p, KW_JAR));
    return parse_plain_text(p, &stmt->jar->path);
}

// Behind ANALYZE.
static Status parse_analyze(Parser *p, AstStmt *stmt) {
    AstAnalyze *analyze = stmt->analyze = ARENA_NEW(p->arena, AstAnalyze);
    TRY(need_word(p, KW_TABLE));
    TRY(parse_name(p, &analyze->table));
    if (take_word(p, KW_PARTITION)) TRY(parse_partition(p, true, &analyze->partition));
    TRY(need_word(p, KW_COMPUTE));
    TRY(need_word(p, KW_STATISTICS));
    if (!take_word(p, KW_FOR)) return ST_OK;
    if (take_word(p, KW_ALL)) {
        analyze->columns_all = true;
        return need_word(p, KW_COLUMNS);
    }
    TRY(need_word(p, KW_COLUMNS));
    do {
        AstIdent ident;
        TRY(parse_ident(p, &ident));
        LIST_PUSH(p, analyze->column.at, analyze->column.count, ident);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

// STOP JOB 'id' [WITH SAVEPOINT [WITH DRAIN]]: behind STOP.
static Status parse_stop(Parser *p, AstStmt *stmt) {
    AstStopJob *stop = stmt->stop_job = ARENA_NEW(p->arena, AstStopJob);
    TRY(need_word(p, KW_JOB));
    TRY(parse_plain_text(p, &stop->job));
    if (!take_word(p, KW_WITH)) return ST_OK;
    TRY(need_word(p, KW_SAVEPOINT));
    stop->savepoint = true;
    if (!take_word(p, KW_WITH)) return ST_OK;
    TRY(need_word(p, KW_DRAIN));
    stop->drain = true;
    return ST_OK;
}

static Status parse_truncate(Parser *p, AstStmt *stmt) {
    TRY(need_word(p, KW_TABLE));
    return parse_name(p, &stmt->truncate);
}

static Status parse_procedure_call(Parser *p, AstStmt *stmt) {
    return parse_named_call(p, &stmt->call);
}

static Status parse_end(Parser *p, AstStmt *stmt) {
    (void)p, (void)stmt;
    return ST_OK;
}

static Status parse_full_describe(Parser *p, AstStmt *stmt) {
    return parse_describe(p, true, stmt);
}
static Status parse_short_describe(Parser *p, AstStmt *stmt) {
    return parse_describe(p, false, stmt);
}
static Status parse_add_jar(Parser *p, AstStmt *stmt) { return parse_jar(p, false, stmt); }
static Status parse_remove_jar(Parser *p, AstStmt *stmt) { return parse_jar(p, true, stmt); }

Status parse_stmt(Parser *p, AstStmt **out) {
    static const struct {
        Keyword word;
        AstStmtKind kind;  // a start; the function may know better
        Status (*parse)(Parser *p, AstStmt *stmt);
    } VERBS[] = {
        {KW_CREATE, STMT_CREATE_TABLE, parse_create},
        {KW_ALTER, STMT_ALTER_TABLE, parse_alter},
        {KW_DROP, STMT_DROP, parse_drop},
        {KW_TRUNCATE, STMT_TRUNCATE, parse_truncate},
        {KW_UPDATE, STMT_UPDATE, parse_update},
        {KW_DELETE, STMT_DELETE, parse_delete},
        {KW_MERGE, STMT_MERGE, parse_merge},
        {KW_BEGIN, STMT_BEGIN_STATEMENT_SET, parse_begin},
        {KW_END, STMT_END, parse_end},
        {KW_EXECUTE, STMT_EXECUTE, parse_execute},
        {KW_EXPLAIN, STMT_EXPLAIN, parse_explain},
        {KW_COMPILE, STMT_COMPILE_PLAN, parse_compile},
        {KW_SHOW, STMT_SHOW, parse_show},
        {KW_DESCRIBE, STMT_DESCRIBE, parse_full_describe},
        {KW_DESC, STMT_DESCRIBE, parse_short_describe},
        {KW_USE, STMT_USE, parse_use},
        {KW_SET, STMT_SET, parse_set},
        {KW_RESET, STMT_RESET, parse_set},
        {KW_LOAD, STMT_LOAD_MODULE, parse_module},
        {KW_UNLOAD, STMT_UNLOAD_MODULE, parse_module},
        {KW_ADD, STMT_JAR, parse_add_jar},
        {KW_REMOVE, STMT_JAR, parse_remove_jar},
        {KW_CALL, STMT_CALL, parse_procedure_call},
        {KW_ANALYZE, STMT_ANALYZE, parse_analyze},
        {KW_STOP, STMT_STOP_JOB, parse_stop},
    };
    uint32_t start = p->at;
    if (at_query(p, 0) || is_kind(p, 0, TOK_LPAREN)) return parse_query_stmt(p, out);
    if (at_insert(p)) return parse_insert(p, out);
    if (at_word(p, KW_REPLACE)) {
        AstStmt *stmt = stmt_new(p, STMT_CREATE_TABLE, start);
        TRY(parse_create(p, stmt));
        stmt->span = span_since(p, start);
        *out = stmt;
        return ST_OK;
    }
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++) {
        if (!take_word(p, VERBS[i].word)) continue;
        AstStmt *stmt = stmt_new(p, VERBS[i].kind, start);
        TRY(VERBS[i].parse(p, stmt));
        stmt->span = span_since(p, start);
        *out = stmt;
        return ST_OK;
    }
    return parse_query_stmt(p, out);
}
