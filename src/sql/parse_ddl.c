// CREATE: tables, views, catalogs, databases, functions, models, connections.
#include "sql/parser_int.h"

// ---- columns, constraints, watermarks ----------------------------------------------------------

static Status parse_comment(Parser *p, Str *out) {
    return take_word(p, KW_COMMENT) ? parse_plain_text(p, out) : ST_OK;
}

static AstEnforced take_enforced(Parser *p) {
    if (take_words(p, KW_NOT, KW_ENFORCED)) return NOT_ENFORCED;
    return take_word(p, KW_ENFORCED) ? ENFORCED : ENFORCED_UNSAID;
}

static bool at_constraint(Parser *p) {
    return at_word(p, KW_CONSTRAINT) || at_word(p, KW_PRIMARY) || at_word(p, KW_UNIQUE);
}

// [CONSTRAINT name] PRIMARY KEY | UNIQUE [(columns)] [[NOT] ENFORCED]
static Status parse_constraint(Parser *p, bool columns, AstConstraint *out) {
    uint32_t start = p->at;
    AstConstraint constraint = {0};
    if (take_word(p, KW_CONSTRAINT)) TRY(parse_ident(p, &constraint.name));
    if (take_word(p, KW_UNIQUE)) {
        constraint.unique = true;
    } else {
        TRY(need_word(p, KW_PRIMARY));
        TRY(need_word(p, KW_KEY));
    }
    if (columns) TRY(parse_idents(p, &constraint.column));
    constraint.enforced = take_enforced(p);
    constraint.span = span_since(p, start);
    *out = constraint;
    return ST_OK;
}

// WATERMARK FOR column AS expr: behind WATERMARK.
static Status parse_watermark(Parser *p, AstSchema *schema) {
    uint32_t start = p->at - 1;
    AstWatermark watermark = {0};
    if (schema->watermark_count > 0) {
        return parser_fail(p, start, "a table has one watermark at most");
    }
    TRY(need_word(p, KW_FOR));
    TRY(parse_name(p, &watermark.column));
    TRY(need_word(p, KW_AS));
    TRY(parse_expr_no_query(p, &watermark.expr));
    watermark.span = span_since(p, start);
    LIST_PUSH(p, schema->watermark, schema->watermark_count, watermark);
    return ST_OK;
}

// METADATA [FROM 'key'] [VIRTUAL]: behind METADATA.
static Status parse_metadata(Parser *p, AstColumn *column) {
    column->kind = COLUMN_METADATA;
    if (take_word(p, KW_FROM)) TRY(parse_text_value(p, &column->metadata_key));
    column->is_virtual = take_word(p, KW_VIRTUAL);
    return ST_OK;
}

static Status parse_position(Parser *p, AstColumn *column) {
    if (take_word(p, KW_FIRST)) {
        column->position = POSITION_FIRST;
    } else if (take_word(p, KW_AFTER)) {
        column->position = POSITION_AFTER;
        TRY(parse_name(p, &column->after));
    }
    return ST_OK;
}

static Status parse_one_column(Parser *p, bool position, AstColumn *out) {
    uint32_t start = p->at;
    AstColumn column = {.kind = COLUMN_PHYSICAL};
    TRY(parse_name(p, &column.name));
    if (take_word(p, KW_AS)) {
        column.kind = COLUMN_COMPUTED;
        TRY(parse_expr_no_query(p, &column.expr));
    } else {
        TRY(parse_type_nullable(p, &column.type));
        if (take_word(p, KW_METADATA)) {
            TRY(parse_metadata(p, &column));
        } else if (at_constraint(p)) {
            column.constraint = ARENA_NEW(p->arena, AstConstraint);
            TRY(parse_constraint(p, false, column.constraint));
        }
    }
    TRY(parse_comment(p, &column.comment));
    if (position) TRY(parse_position(p, &column));
    column.span = span_since(p, start);
    *out = column;
    return ST_OK;
}

// A column, a constraint or a watermark. [position]: FIRST and AFTER may follow a column.
Status parse_column(Parser *p, bool position, AstSchema *schema) {
    if (at_constraint(p)) {
        AstConstraint constraint;
        TRY(parse_constraint(p, true, &constraint));
        LIST_PUSH(p, schema->constraint, schema->constraint_count, constraint);
    } else if (take_word(p, KW_WATERMARK)) {
        TRY(parse_watermark(p, schema));
    } else {
        AstColumn column;
        TRY(parse_one_column(p, position, &column));
        LIST_PUSH(p, schema->column, schema->column_count, column);
    }
    return ST_OK;
}

Status parse_schema(Parser *p, bool position, AstSchema *out) {
    AstSchema schema = {.present = true};
    TRY(need_kind(p, TOK_LPAREN));
    do TRY(parse_column(p, position, &schema));
    while (take_kind(p, TOK_COMMA));
    TRY(need_kind(p, TOK_RPAREN));
    *out = schema;
    return ST_OK;
}

// The schema of a table that may be made of a query: then (a, b) without types is possible.
static Status parse_schema_or_names(Parser *p, AstSchema *out) {
    bool names = at_ident(p, 1) && (is_kind(p, 2, TOK_COMMA) || is_kind(p, 2, TOK_RPAREN));
    if (!names) return parse_schema(p, false, out);
    AstIdents idents;
    TRY(parse_idents(p, &idents));
    *out = (AstSchema){.present = true};
    for (uint32_t i = 0; i < idents.count; i++) {
        AstColumn column = {.kind = COLUMN_NAME_ONLY, .span = idents.at[i].span};
        column.name = name_of(p, idents.at[i]);
        LIST_PUSH(p, out->column, out->column_count, column);
    }
    return ST_OK;
}

// ---- clauses of tables -------------------------------------------------------------------------

// [BY [HASH|RANGE] (columns)] [INTO n BUCKETS]: behind DISTRIBUTED or DISTRIBUTION.
Status parse_distribution(Parser *p, AstDistribution **out) {
    uint32_t start = p->at - 1;
    AstDistribution *distribution = ARENA_NEW(p->arena, AstDistribution);
    bool by = take_word(p, KW_BY);
    if (by) {
        if (take_word(p, KW_HASH)) distribution->kind = DISTRIBUTION_HASH;
        else if (take_word(p, KW_RANGE)) distribution->kind = DISTRIBUTION_RANGE;
        TRY(parse_idents(p, &distribution->column));
    }
    if (!by || at_word(p, KW_INTO)) {
        TRY(need_word(p, KW_INTO));
        TRY(parse_number(p, &distribution->buckets));
        TRY(need_word(p, KW_BUCKETS));
    }
    distribution->span = span_since(p, start);
    *out = distribution;
    return ST_OK;
}

typedef struct TableClauses {
    Str comment;
    AstDistribution *distribution;
    AstIdents partition;
    AstOptions options;
} TableClauses;

// [COMMENT] [DISTRIBUTED …] [PARTITIONED BY …] [WITH …], in this order.
static Status parse_table_clauses(Parser *p, TableClauses *out) {
    *out = (TableClauses){0};
    TRY(parse_comment(p, &out->comment));
    if (take_word(p, KW_DISTRIBUTED)) TRY(parse_distribution(p, &out->distribution));
    if (take_word(p, KW_PARTITIONED)) {
        TRY(need_word(p, KW_BY));
        TRY(parse_idents(p, &out->partition));
    }
    if (take_word(p, KW_WITH)) TRY(parse_options(p, &out->options));
    return ST_OK;
}

static Status parse_like_what(Parser *p, AstLikeWhat *out) {
    static const struct {
        Keyword word;
        AstLikeWhat what;
    } WHATS[] = {
        {KW_ALL, LIKE_ALL},
        {KW_CONSTRAINTS, LIKE_CONSTRAINTS},
        {KW_DISTRIBUTION, LIKE_DISTRIBUTION},
        {KW_GENERATED, LIKE_GENERATED},
        {KW_METADATA, LIKE_METADATA},
        {KW_OPTIONS, LIKE_OPTIONS},
        {KW_PARTITIONS, LIKE_PARTITIONS},
        {KW_WATERMARKS, LIKE_WATERMARKS},
    };
    for (size_t i = 0; i < sizeof WHATS / sizeof *WHATS; i++) {
        if (!take_word(p, WHATS[i].word)) continue;
        *out = WHATS[i].what;
        return ST_OK;
    }
    return parser_unexpected(p);
}

static bool take_like_mode(Parser *p, AstLikeMode *out) {
    if (take_word(p, KW_INCLUDING)) *out = LIKE_INCLUDING;
    else if (take_word(p, KW_EXCLUDING)) *out = LIKE_EXCLUDING;
    else if (take_word(p, KW_OVERWRITING)) *out = LIKE_OVERWRITING;
    else return false;
    return true;
}

// LIKE t [(INCLUDING ALL …)]: behind LIKE.
static Status parse_like(Parser *p, AstLike **out) {
    uint32_t start = p->at - 1;
    AstLike *like = ARENA_NEW(p->arena, AstLike);
    TRY(parse_name(p, &like->table));
    if (take_kind(p, TOK_LPAREN)) {
        struct AstLikeOption option;
        uint32_t option_at = p->at;
        while (take_like_mode(p, &option.mode)) {
            TRY(parse_like_what(p, &option.what));
            option.span = span_since(p, option_at);
            LIST_PUSH(p, like->option, like->option_count, option);
            option_at = p->at;
        }
        if (like->option_count == 0) return parser_unexpected(p);
        TRY(need_kind(p, TOK_RPAREN));
    }
    like->span = span_since(p, start);
    *out = like;
    return ST_OK;
}

// ---- CREATE TABLE ------------------------------------------------------------------------------

// Behind CREATE [OR REPLACE] [TEMPORARY] TABLE.
static Status parse_create_table(Parser *p, bool temporary, bool replace, bool or_replace,
                                 AstStmt *stmt) {
    AstCreateTable *create = ARENA_NEW(p->arena, AstCreateTable);
    TableClauses clauses;
    stmt->kind = STMT_CREATE_TABLE;
    stmt->create_table = create;
    create->temporary = temporary;
    create->replace = replace;
    create->or_replace = or_replace;
    create->if_not_exists = take_if_not_exists(p);
    TRY(parse_name(p, &create->name));
    uint32_t schema_at = p->at;
    if (at_kind(p, TOK_LPAREN)) TRY(parse_schema_or_names(p, &create->schema));
    uint32_t schema_end = p->at;
    TRY(parse_table_clauses(p, &clauses));
    create->comment = clauses.comment;
    create->distribution = clauses.distribution;
    create->partition = clauses.partition;
    create->options = clauses.options;
    if (replace) {
        TRY(need_word(p, KW_AS));
        return parse_query(p, &create->query);
    }
    if (take_word(p, KW_AS)) return parse_query(p, &create->query);
    if (create->schema.column_count && create->schema.column[0].kind == COLUMN_NAME_ONLY) {
        p->at = schema_end;
        return parser_fail(p, schema_at, "columns without types need AS and a query");
    }
    return take_word(p, KW_LIKE) ? parse_like(p, &create->like) : ST_OK;
}

// ---- CREATE MATERIALIZED TABLE -----------------------------------------------------------------

// = INTERVAL '3' MINUTE: behind FRESHNESS.
Status parse_freshness(Parser *p, AstExpr **out) {
    TRY(need_kind(p, TOK_EQ));
    uint32_t start = p->at;
    TRY(parse_expr(p, out));
    if ((*out)->kind == EX_LITERAL && (*out)->literal.kind == LIT_INTERVAL) return ST_OK;
    return parser_fail(p, start, "FRESHNESS takes an interval: INTERVAL '3' MINUTE");
}

// = FULL | CONTINUOUS: behind REFRESH_MODE.
Status parse_refresh_mode(Parser *p, AstRefresh *out) {
    TRY(need_kind(p, TOK_EQ));
    if (take_word(p, KW_FULL)) {
        *out = REFRESH_FULL;
        return ST_OK;
    }
    *out = REFRESH_CONTINUOUS;
    return need_word(p, KW_CONTINUOUS);
}

// = FROM_BEGINNING | FROM_NOW [(interval)] | FROM_TIMESTAMP (timestamp) | RESUME_OR_…: behind
// START_MODE.
static Status parse_start_mode(Parser *p, AstCreateMaterializedTable *create) {
    TRY(need_kind(p, TOK_EQ));
    bool now = false, timestamp = false;
    if (take_word(p, KW_FROM_BEGINNING)) create->start = START_FROM_BEGINNING;
    else if (take_word(p, KW_RESUME_OR_FROM_BEGINNING))
        create->start = START_RESUME_OR_FROM_BEGINNING;
    else if (take_word(p, KW_FROM_NOW)) create->start = START_FROM_NOW, now = true;
    else if (take_word(p, KW_RESUME_OR_FROM_NOW))
        create->start = START_RESUME_OR_FROM_NOW, now = true;
    else if (take_word(p, KW_FROM_TIMESTAMP))
        create->start = START_FROM_TIMESTAMP, timestamp = true;
    else {
        TRY(need_word(p, KW_RESUME_OR_FROM_TIMESTAMP));
        create->start = START_RESUME_OR_FROM_TIMESTAMP;
        timestamp = true;
    }
    if (timestamp) {
        TRY(need_kind(p, TOK_LPAREN));
        if (!at_word(p, KW_TIMESTAMP)) return parser_unexpected(p);
        TRY(parse_literal(p, &create->start_expr));
        return need_kind(p, TOK_RPAREN);
    }
    if (now && take_kind(p, TOK_LPAREN)) {
        uint32_t start = p->at;
        TRY(parse_expr(p, &create->start_expr));
        const AstExpr *expr = create->start_expr;
        if (expr->kind != EX_LITERAL || expr->literal.kind != LIT_INTERVAL) {
            return parser_fail(p, start, "FROM_NOW takes an interval: FROM_NOW(INTERVAL '1' DAY)");
        }
        return need_kind(p, TOK_RPAREN);
    }
    return ST_OK;
}

// Behind CREATE [OR ALTER] MATERIALIZED TABLE.
static Status parse_create_materialized_table(Parser *p, bool or_alter, AstStmt *stmt) {
    AstCreateMaterializedTable *create = ARENA_NEW(p->arena, AstCreateMaterializedTable);
    TableClauses clauses;
    stmt->kind = STMT_CREATE_MATERIALIZED_TABLE;
    stmt->create_materialized_table = create;
    create->or_alter = or_alter;
    TRY(parse_name(p, &create->name));
    if (at_kind(p, TOK_LPAREN)) TRY(parse_schema_or_names(p, &create->schema));
    TRY(parse_table_clauses(p, &clauses));
    create->comment = clauses.comment;
    create->distribution = clauses.distribution;
    create->partition = clauses.partition;
    create->options = clauses.options;
    if (take_word(p, KW_START_MODE)) TRY(parse_start_mode(p, create));
    if (take_word(p, KW_FRESHNESS)) TRY(parse_freshness(p, &create->freshness));
    if (take_word(p, KW_REFRESH_MODE)) TRY(parse_refresh_mode(p, &create->refresh));
    TRY(need_word(p, KW_AS));
    return parse_query(p, &create->query);
}

// ---- the others --------------------------------------------------------------------------------

static Status parse_create_view(Parser *p, bool temporary, bool replace, AstStmt *stmt) {
    AstCreateView *create = ARENA_NEW(p->arena, AstCreateView);
    stmt->kind = STMT_CREATE_VIEW;
    stmt->create_view = create;
    create->temporary = temporary;
    create->replace = replace;
    create->if_not_exists = take_if_not_exists(p);
    TRY(parse_name(p, &create->name));
    if (at_kind(p, TOK_LPAREN)) TRY(parse_idents(p, &create->column));
    TRY(parse_comment(p, &create->comment));
    TRY(need_word(p, KW_AS));
    return parse_query(p, &create->query);
}

// Catalogs have names of one part; connections must have options.
static Status parse_create_simple(Parser *p, AstStmtKind kind, AstStmt *stmt) {
    AstCreateSimple *create = ARENA_NEW(p->arena, AstCreateSimple);
    stmt->kind = kind;
    stmt->create_simple = create;
    create->if_not_exists = take_if_not_exists(p);
    if (kind == STMT_CREATE_CATALOG) {
        AstIdent ident;
        TRY(parse_ident(p, &ident));
        create->name = name_of(p, ident);
    } else {
        TRY(parse_name(p, &create->name));
    }
    TRY(parse_comment(p, &create->comment));
    if (kind == STMT_CREATE_CONNECTION || at_word(p, KW_WITH)) {
        TRY(need_word(p, KW_WITH));
        TRY(parse_options(p, &create->options));
    }
    return ST_OK;
}

static Status parse_resources(Parser *p, AstCreateFunction *create) {
    do {
        struct AstResource resource = {0};
        resource.artifact = take_word(p, KW_ARTIFACT);
        if (!resource.artifact) TRY(need_word(p, KW_JAR));
        TRY(parse_plain_text(p, &resource.uri));
        LIST_PUSH(p, create->resource, create->resource_count, resource);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

// C is no keyword: LANGUAGE C is weir's own.
static bool take_language_c(Parser *p) {
    const Token *token = parser_token(p, 0);
    if (token->kind != TOK_WORD || !str_eq_nocase(token_text(p->text, token), STR("C"))) {
        return false;
    }
    skip_token(p);
    return true;
}

static Status parse_language(Parser *p, AstLanguage *out) {
    if (take_word(p, KW_JAVA)) *out = LANGUAGE_JAVA;
    else if (take_word(p, KW_SCALA)) *out = LANGUAGE_SCALA;
    else if (take_word(p, KW_PYTHON)) *out = LANGUAGE_PYTHON;
    else if (take_language_c(p)) *out = LANGUAGE_C;
    else {
        TRY(need_word(p, KW_SQL));
        *out = LANGUAGE_SQL;
    }
    return ST_OK;
}

Status parse_function_body(Parser *p, AstCreateFunction *create) {
    TRY(parse_name(p, &create->name));
    TRY(need_word(p, KW_AS));
    TRY(parse_plain_text(p, &create->class_name));
    return take_word(p, KW_LANGUAGE) ? parse_language(p, &create->language) : ST_OK;
}

static Status parse_create_function(Parser *p, bool temporary, bool system, AstStmt *stmt) {
    AstCreateFunction *create = ARENA_NEW(p->arena, AstCreateFunction);
    stmt->kind = STMT_CREATE_FUNCTION;
    stmt->function = create;
    create->temporary = temporary;
    create->system = system;
    create->if_exists = take_if_not_exists(p);
    TRY(parse_function_body(p, create));
    uint32_t using = p->at;
    if (take_word(p, KW_USING)) {
        if (create->language == LANGUAGE_PYTHON || create->language == LANGUAGE_SQL) {
            return parser_fail(p, using, "USING does not go with this language (of Python, "
                                         "'python.files' names the files)");
        }
        TRY(parse_resources(p, create));
    }
    if (take_word(p, KW_WITH)) TRY(parse_options(p, &create->options));
    return ST_OK;
}

static Status parse_create_model(Parser *p, bool temporary, bool replace, AstStmt *stmt) {
    AstCreateModel *create = ARENA_NEW(p->arena, AstCreateModel);
    stmt->kind = STMT_CREATE_MODEL;
    stmt->create_model = create;
    create->temporary = temporary;
    create->replace = replace;
    create->if_not_exists = take_if_not_exists(p);
    TRY(parse_name(p, &create->name));
    if (take_word(p, KW_INPUT)) TRY(parse_schema(p, false, &create->input));
    if (take_word(p, KW_OUTPUT)) TRY(parse_schema(p, false, &create->output));
    TRY(parse_comment(p, &create->comment));
    if (take_word(p, KW_WITH)) TRY(parse_options(p, &create->options));
    return take_word(p, KW_AS) ? parse_query(p, &create->query) : ST_OK;
}

// Behind CREATE, or at REPLACE TABLE.
Status parse_create(Parser *p, AstStmt *stmt) {
    uint32_t start = p->at;
    bool or_replace = false, replace = false;
    if (take_word(p, KW_OR)) {
        if (take_word(p, KW_ALTER)) {
            TRY(need_word(p, KW_MATERIALIZED));
            TRY(need_word(p, KW_TABLE));
            return parse_create_materialized_table(p, true, stmt);
        }
        TRY(need_word(p, KW_REPLACE));
        or_replace = true;
    } else if (is_word(p, 0, KW_REPLACE)) {
        skip_token(p);
        replace = true;
    }
    bool temporary = take_word(p, KW_TEMPORARY), system = take_word(p, KW_SYSTEM);
    if (system) {
        bool function = take_word(p, KW_FUNCTION);
        if (!function) TRY(need_word(p, KW_CONNECTION));
        if (!temporary) {
            return parser_fail(p, start,
                               "only temporary functions and connections can be of the system");
        }
        if (function) return parse_create_function(p, true, true, stmt);
        TRY(parse_create_simple(p, STMT_CREATE_CONNECTION, stmt));
        stmt->create_simple->temporary = stmt->create_simple->system = true;
        return ST_OK;
    }
    if (take_word(p, KW_TABLE)) return parse_create_table(p, temporary, replace, or_replace, stmt);
    if (replace) return parser_unexpected(p);
    if (take_word(p, KW_VIEW)) return parse_create_view(p, temporary, or_replace, stmt);
    if (take_word(p, KW_CATALOG)) return parse_create_simple(p, STMT_CREATE_CATALOG, stmt);
    if (take_word(p, KW_DATABASE)) return parse_create_simple(p, STMT_CREATE_DATABASE, stmt);
    if (take_word(p, KW_FUNCTION)) return parse_create_function(p, temporary, false, stmt);
    if (take_word(p, KW_MODEL)) return parse_create_model(p, temporary, or_replace, stmt);
    if (take_word(p, KW_CONNECTION)) {
        TRY(parse_create_simple(p, STMT_CREATE_CONNECTION, stmt));
        stmt->create_simple->temporary = temporary;
        return ST_OK;
    }
    TRY(need_word(p, KW_MATERIALIZED));
    TRY(need_word(p, KW_TABLE));
    if (temporary) return parser_fail(p, start, "a materialized table cannot be temporary");
    if (or_replace) return parser_fail(p, start, "write CREATE OR ALTER MATERIALIZED TABLE");
    return parse_create_materialized_table(p, false, stmt);
}
