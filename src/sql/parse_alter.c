// ALTER: tables, materialized tables, views, catalogs, databases, functions, models, connections.
#include "sql/parser_int.h"

static Status set_options(Parser *p, AstAlter *alter) {
    alter->kind = ALTER_SET;
    return parse_options(p, &alter->options);
}

static Status reset_options(Parser *p, AstAlter *alter) {
    alter->kind = ALTER_RESET;
    return parse_option_keys(p, &alter->options);
}

static Status rename_to(Parser *p, AstAlter *alter) {
    alter->kind = ALTER_RENAME;
    TRY(need_word(p, KW_TO));
    return parse_name(p, &alter->target);
}

// RENAME [TABLE] TO x, RENAME column TO y: behind RENAME.
static Status rename_table_or_column(Parser *p, AstAlter *alter) {
    if (is_word(p, 0, KW_TO)) return rename_to(p, alter);
    alter->kind = ALTER_RENAME_COLUMN;
    TRY(parse_name(p, &alter->column));
    TRY(need_word(p, KW_TO));
    return parse_name(p, &alter->target);
}

// ---- ADD, MODIFY, DROP -------------------------------------------------------------------------

// PARTITION (…) [WITH (…)] …: at PARTITION.
static Status add_partitions(Parser *p, AstAlter *alter) {
    alter->kind = ALTER_ADD_PARTITION;
    if (!at_word(p, KW_PARTITION)) return parser_unexpected(p);
    uint32_t count = 0;
    while (take_word(p, KW_PARTITION)) {
        AstOptions spec, options = {0};
        TRY(parse_partition(p, false, &spec));
        if (take_word(p, KW_WITH)) TRY(parse_options(p, &options));
        LIST_PUSH(p, alter->partition, alter->partition_count, spec);
        LIST_PUSH(p, alter->partition_options, count, options);
    }
    return ST_OK;
}

// PARTITION (…), PARTITION (…): at PARTITION.
static Status drop_partitions(Parser *p, AstAlter *alter) {
    alter->kind = ALTER_DROP_PARTITION;
    do {
        AstOptions spec;
        TRY(need_word(p, KW_PARTITION));
        TRY(parse_partition(p, false, &spec));
        LIST_PUSH(p, alter->partition, alter->partition_count, spec);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

// Columns, constraint, watermark, alone or in parentheses; or DISTRIBUTION. Behind ADD or MODIFY.
static Status add_or_modify(Parser *p, AstAlterKind kind, AstAlter *alter) {
    alter->kind = kind;
    if (take_word(p, KW_DISTRIBUTION)) return parse_distribution(p, &alter->schema.distribution);
    if (at_kind(p, TOK_LPAREN)) {
        alter->parentheses = true;
        return parse_schema(p, true, &alter->schema);
    }
    return parse_column(p, true, &alter->schema);
}

// Behind DROP.
static Status drop_part(Parser *p, AstAlter *alter) {
    if (take_word(p, KW_PRIMARY)) {
        alter->kind = ALTER_DROP_PRIMARY_KEY;
        return need_word(p, KW_KEY);
    }
    if (take_word(p, KW_CONSTRAINT)) {
        AstIdent ident;
        alter->kind = ALTER_DROP_CONSTRAINT;
        TRY(parse_ident(p, &ident));
        alter->target = name_of(p, ident);
        return ST_OK;
    }
    if (take_word(p, KW_WATERMARK)) {
        alter->kind = ALTER_DROP_WATERMARK;
        return ST_OK;
    }
    if (take_word(p, KW_DISTRIBUTION)) {
        alter->kind = ALTER_DROP_DISTRIBUTION;
        return ST_OK;
    }
    alter->kind = ALTER_DROP_COLUMN;
    if (at_kind(p, TOK_LPAREN)) {
        alter->parentheses = true;
        return parse_names(p, &alter->columns);
    }
    AstName name;
    TRY(parse_name(p, &name));
    LIST_PUSH(p, alter->columns.at, alter->columns.count, name);
    return ST_OK;
}

// ---- what is altered ---------------------------------------------------------------------------

static Status alter_table(Parser *p, AstAlter *alter) {
    alter->if_exists = take_words(p, KW_IF, KW_EXISTS);
    TRY(parse_name(p, &alter->name));
    if (take_word(p, KW_RENAME)) return rename_table_or_column(p, alter);
    if (take_word(p, KW_SET)) return set_options(p, alter);
    if (take_word(p, KW_RESET)) return reset_options(p, alter);
    if (take_word(p, KW_MODIFY)) return add_or_modify(p, ALTER_MODIFY, alter);
    if (take_word(p, KW_ADD)) {
        alter->partition_if = take_if_not_exists(p);
        if (alter->partition_if || is_word(p, 0, KW_PARTITION)) return add_partitions(p, alter);
        return add_or_modify(p, ALTER_ADD, alter);
    }
    TRY(need_word(p, KW_DROP));
    alter->partition_if = take_words(p, KW_IF, KW_EXISTS);
    if (alter->partition_if || is_word(p, 0, KW_PARTITION)) return drop_partitions(p, alter);
    return drop_part(p, alter);
}

static Status alter_materialized_table(Parser *p, AstAlter *alter) {
    TRY(parse_name(p, &alter->name));
    if (take_word(p, KW_SUSPEND)) {
        alter->kind = ALTER_SUSPEND;
        return ST_OK;
    }
    if (take_word(p, KW_RESUME)) {
        alter->kind = ALTER_RESUME;
        return take_word(p, KW_WITH) ? parse_options(p, &alter->options) : ST_OK;
    }
    if (take_word(p, KW_REFRESH)) {
        alter->kind = ALTER_REFRESH;
        if (!take_word(p, KW_PARTITION)) return ST_OK;
        AstOptions spec;
        TRY(parse_partition(p, false, &spec));
        LIST_PUSH(p, alter->partition, alter->partition_count, spec);
        return ST_OK;
    }
    if (take_word(p, KW_SET)) {
        if (take_word(p, KW_FRESHNESS)) {
            alter->kind = ALTER_SET_FRESHNESS;
            return parse_freshness(p, &alter->expr);
        }
        if (take_word(p, KW_REFRESH_MODE)) {
            alter->kind = ALTER_SET_REFRESH_MODE;
            return parse_refresh_mode(p, &alter->refresh);
        }
        return set_options(p, alter);
    }
    if (take_word(p, KW_RESET)) return reset_options(p, alter);
    if (take_word(p, KW_ADD)) return add_or_modify(p, ALTER_ADD, alter);
    if (take_word(p, KW_MODIFY)) return add_or_modify(p, ALTER_MODIFY, alter);
    if (take_word(p, KW_DROP)) return drop_part(p, alter);
    alter->kind = ALTER_AS;
    TRY(need_word(p, KW_AS));
    return parse_query(p, &alter->query);
}

static Status alter_view(Parser *p, AstAlter *alter) {
    TRY(parse_name(p, &alter->name));
    if (take_word(p, KW_RENAME)) return rename_to(p, alter);
    alter->kind = ALTER_AS;
    TRY(need_word(p, KW_AS));
    return parse_query(p, &alter->query);
}

static Status alter_catalog(Parser *p, AstAlter *alter) {
    AstIdent ident;
    TRY(parse_ident(p, &ident));
    alter->name = name_of(p, ident);
    if (take_word(p, KW_SET)) return set_options(p, alter);
    if (take_word(p, KW_RESET)) return reset_options(p, alter);
    alter->kind = ALTER_COMMENT;
    TRY(need_word(p, KW_COMMENT));
    return parse_plain_text(p, &alter->comment);
}

static Status alter_database(Parser *p, AstAlter *alter) {
    TRY(parse_name(p, &alter->name));
    TRY(need_word(p, KW_SET));
    return set_options(p, alter);
}

// Models and connections.
static Status alter_model(Parser *p, AstAlter *alter) {
    alter->if_exists = take_words(p, KW_IF, KW_EXISTS);
    TRY(parse_name(p, &alter->name));
    if (take_word(p, KW_RENAME)) return rename_to(p, alter);
    if (take_word(p, KW_SET)) return set_options(p, alter);
    TRY(need_word(p, KW_RESET));
    return reset_options(p, alter);
}

static Status alter_function(Parser *p, bool temporary, bool system, AstStmt *stmt) {
    AstCreateFunction *function = ARENA_NEW(p->arena, AstCreateFunction);
    stmt->kind = STMT_ALTER_FUNCTION;
    stmt->function = function;
    function->temporary = temporary;
    function->system = system;
    function->if_exists = take_words(p, KW_IF, KW_EXISTS);
    return parse_function_body(p, function);
}

// ALTER SYSTEM SET x = 1, ALTER SESSION RESET ALL: behind SYSTEM or SESSION.
static Status alter_option(Parser *p, bool session, AstStmt *stmt) {
    AstAlterOption *option = ARENA_NEW(p->arena, AstAlterOption);
    stmt->kind = STMT_ALTER_OPTION;
    stmt->alter_option = option;
    option->session = session;
    if (take_word(p, KW_RESET)) {
        option->reset = true;
        return take_word(p, KW_ALL) ? ST_OK : parse_name(p, &option->name);
    }
    TRY(need_word(p, KW_SET));
    TRY(parse_name(p, &option->name));
    TRY(need_kind(p, TOK_EQ));
    uint32_t start = p->at;
    if (take_word(p, KW_ON)) {
        option->value = expr_symbol(p, "ON", span_since(p, start));
        return ST_OK;
    }
    if (at_ident(p, 0)) {
        AstIdent ident;
        TRY(parse_ident(p, &ident));
        option->value = expr_new(p, EX_NAME, ident.span);
        option->value->name = name_of(p, ident);
        return ST_OK;
    }
    return parse_literal(p, &option->value);
}

// Behind ALTER.
Status parse_alter(Parser *p, AstStmt *stmt) {
    if (take_word(p, KW_TEMPORARY)) {
        bool system = take_word(p, KW_SYSTEM);
        TRY(need_word(p, KW_FUNCTION));
        return alter_function(p, true, system, stmt);
    }
    if (take_word(p, KW_FUNCTION)) return alter_function(p, false, false, stmt);
    if (take_word(p, KW_SYSTEM)) return alter_option(p, false, stmt);
    if (take_word(p, KW_SESSION)) return alter_option(p, true, stmt);

    static const struct {
        Keyword word;
        AstStmtKind kind;
        Status (*parse)(Parser *p, AstAlter *alter);
    } KINDS[] = {
        {KW_TABLE, STMT_ALTER_TABLE, alter_table},
        {KW_VIEW, STMT_ALTER_VIEW, alter_view},
        {KW_CATALOG, STMT_ALTER_CATALOG, alter_catalog},
        {KW_DATABASE, STMT_ALTER_DATABASE, alter_database},
        {KW_MODEL, STMT_ALTER_MODEL, alter_model},
        {KW_CONNECTION, STMT_ALTER_CONNECTION, alter_model},
    };
    stmt->alter = ARENA_NEW(p->arena, AstAlter);
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        if (!take_word(p, KINDS[i].word)) continue;
        stmt->kind = KINDS[i].kind;
        return KINDS[i].parse(p, stmt->alter);
    }
    TRY(need_word(p, KW_MATERIALIZED));
    TRY(need_word(p, KW_TABLE));
    stmt->kind = STMT_ALTER_MATERIALIZED_TABLE;
    return alter_materialized_table(p, stmt->alter);
}
