// FROM: joins, and the relations they join.
#include "sql/parser_int.h"

static AstFrom *from_new(Parser *p, AstFromKind kind, uint32_t start) {
    AstFrom *from = ARENA_NEW(p->arena, AstFrom);
    from->kind = kind;
    from->span = span_since(p, start);
    return from;
}

// ---- relations ---------------------------------------------------------------------------------

// TABLE(f(…)), TABLE(SPECIFIC f(…)): behind TABLE.
static Status parse_table_function(Parser *p, uint32_t start, AstFrom **out) {
    AstFrom *from = from_new(p, FROM_FUNCTION, start);
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parser_enter(p));
    from->function.wrapped = true;
    from->function.specific = take_word(p, KW_SPECIFIC);
    p->in_from = true;
    TRY(parse_function_in_from(p, false, &from->function.call));
    p->in_from = false;
    parser_leave(p);
    TRY(need_kind(p, TOK_RPAREN));
    *out = from;
    return ST_OK;
}

// UNNEST(expr, …) [WITH ORDINALITY]: behind UNNEST.
static Status parse_unnest(Parser *p, uint32_t start, AstFrom **out) {
    AstFrom *from = from_new(p, FROM_UNNEST, start);
    TRY(parse_query_or_list(p, &from->unnest.expr));
    if (take_word(p, KW_WITH)) {
        TRY(need_word(p, KW_ORDINALITY));
        from->unnest.ordinality = true;
    }
    *out = from;
    return ST_OK;
}

// Is what follows the '(' behind a table's name a list of columns with types? It means EXTEND then.
static bool at_extend(const Parser *p) {
    if (!is_kind(p, 0, TOK_LPAREN) || !at_ident(p, 1)) return false;
    const Token *type = parser_token(p, 2);
    if (is_word(p, 1, KW_MODEL) && at_ident(p, 2)) return false;
    if (at_ident(p, 2)) return true;
    if (type->kind != TOK_WORD) return false;
    switch (type->word) {
        case KW_ANY: case KW_ARRAY: case KW_BIGINT: case KW_BINARY: case KW_BITMAP: case KW_BOOLEAN:
        case KW_BYTES: case KW_CHAR: case KW_CHARACTER: case KW_DATE: case KW_DEC: case KW_DECIMAL:
        case KW_DOUBLE: case KW_FLOAT: case KW_INT: case KW_INTEGER: case KW_NUMERIC: case KW_RAW:
        case KW_REAL:
        case KW_ROW:
        case KW_SMALLINT:
        case KW_STRING:
        case KW_STRUCTURED:
        case KW_TIME:
        case KW_TIMESTAMP:
        case KW_TIMESTAMP_LTZ:
        case KW_TINYINT:
        case KW_VARBINARY:
        case KW_VARCHAR:
        case KW_VARIANT:
            return true;
        default: return false;
    }
}

Status parse_extend(Parser *p, AstColumn **column, uint32_t *count) {
    TRY(need_kind(p, TOK_LPAREN));
    do {
        uint32_t start = p->at;
        AstColumn item = {.kind = COLUMN_PHYSICAL};
        TRY(parse_name(p, &item.name));
        TRY(parse_type(p, &item.type));
        if (take_words(p, KW_NOT, KW_NULL)) item.type->nullability = NULLABILITY_NOT_NULL;
        item.span = span_since(p, start);
        LIST_PUSH(p, *column, *count, item);
    } while (take_kind(p, TOK_COMMA));
    return need_kind(p, TOK_RPAREN);
}

// FOR SYSTEM_TIME AS OF expr, when it follows.
static Status parse_as_of(Parser *p, AstFrom *from) {
    if (!take_word(p, KW_FOR)) return ST_OK;
    TRY(need_word(p, KW_SYSTEM_TIME));
    TRY(need_word(p, KW_AS));
    TRY(need_word(p, KW_OF));
    return parse_expr_no_query(p, &from->as_of);
}

// A table, or a function that is called without TABLE(…).
static Status parse_named_relation(Parser *p, AstFrom **out) {
    uint32_t start = p->at, ahead = 1;
    while (is_kind(p, ahead, TOK_DOT) && at_ident(p, ahead + 1)) ahead += 2;
    bool call = is_kind(p, ahead, TOK_LPAREN);
    if (call) {
        uint32_t at = p->at;
        p->at += ahead;
        call = !at_extend(p);
        p->at = at;
    }
    if (call) {
        AstFrom *from = from_new(p, FROM_FUNCTION, start);
        p->in_from = true;
        TRY(parse_function_in_from(p, true, &from->function.call));
        p->in_from = false;
        *out = from;
        return ST_OK;
    }
    AstFrom *from = from_new(p, FROM_TABLE, start);
    TRY(parse_name(p, &from->table.name));
    TRY(parse_hints(p, &from->table.hints));
    if (take_word(p, KW_EXTEND) || at_extend(p)) {
        TRY(parse_extend(p, &from->table.extend, &from->table.extend_count));
    }
    TRY(parse_as_of(p, from));
    *out = from;
    return ST_OK;
}

// (query) or (a JOIN b …). Of a join in parentheses nothing is left but the tree's shape.
static Status parse_parenthesised_relation(Parser *p, bool lateral, AstFrom **out, bool *is_join) {
    uint32_t start = p->at;
    *is_join = false;
    TRY(parser_enter(p));
    if (at_paren_query(p, true)) {
        AstFrom *from = from_new(p, FROM_QUERY, start);
        skip_token(p);
        TRY(parse_query(p, &from->query));
        TRY(need_kind(p, TOK_RPAREN));
        *out = from;
    } else {
        TRY(need_kind(p, TOK_LPAREN));
        TRY(parse_joins(p, out));
        TRY(need_kind(p, TOK_RPAREN));
        if ((*out)->kind != FROM_JOIN) {
            return parser_fail(p, start, "parentheses hold a query or a join, not a single table");
        }
        if (lateral) return parser_fail(p, start, "a join cannot be LATERAL");
        *is_join = true;
    }
    parser_leave(p);
    return ST_OK;
}

// [AS] alias [(a, b)]
static Status parse_alias(Parser *p, AstFrom *from) {
    bool as = take_word(p, KW_AS);
    if (!as && !at_ident(p, 0)) {
        parser_expect(p, "an alias");
        return ST_OK;
    }
    TRY(parse_ident(p, &from->alias));
    if (at_kind(p, TOK_LPAREN)) TRY(parse_idents(p, &from->column));
    return ST_OK;
}

// TABLESAMPLE …: behind the word.
static Status parse_sample(Parser *p, AstFrom *from) {
    AstSample *sample = from->sample = ARENA_NEW(p->arena, AstSample);
    bool substitute = false;
    if (take_word(p, KW_SUBSTITUTE)) sample->method = STR("SUBSTITUTE"), substitute = true;
    else if (take_word(p, KW_BERNOULLI)) sample->method = STR("BERNOULLI");
    else {
        TRY(need_word(p, KW_SYSTEM));
        sample->method = STR("SYSTEM");
    }
    TRY(need_kind(p, TOK_LPAREN));
    if (substitute) TRY(parse_text(p, &sample->amount));
    else TRY(parse_number(p, &sample->amount));
    TRY(need_kind(p, TOK_RPAREN));
    if (!substitute && take_word(p, KW_REPEATABLE)) {
        TRY(need_kind(p, TOK_LPAREN));
        TRY(parse_literal(p, &sample->repeat));
        if (sample->repeat->literal.kind != LIT_INTEGER) {
            return parser_fail(p, p->at - 1, "REPEATABLE takes a whole number");
        }
        TRY(need_kind(p, TOK_RPAREN));
    }
    return ST_OK;
}

static Status parse_match_suffix(Parser *p, uint32_t start, AstFrom **from) {
    // The input of MATCH_RECOGNIZE may have an alias of its own.
    bool alias = is_word(p, 0, KW_AS) && at_ident(p, 1);
    if (alias && is_word(p, 2, KW_MATCH_RECOGNIZE)) TRY(parse_alias(p, *from));
    if (!take_word(p, KW_MATCH_RECOGNIZE)) return ST_OK;
    AstFrom *match = from_new(p, FROM_MATCH, start);
    match->match.input = *from;
    TRY(parse_match(p, &match->match.match));
    match->span = span_since(p, start);
    *from = match;
    return ST_OK;
}

static Status parse_pivots(Parser *p, uint32_t start, AstFrom **from) {
    if (take_word(p, KW_PIVOT)) {
        AstFrom *pivot = from_new(p, FROM_PIVOT, start);
        pivot->pivot.input = *from;
        TRY(parse_pivot(p, &pivot->pivot.pivot));
        pivot->span = span_since(p, start);
        *from = pivot;
    }
    if (take_word(p, KW_UNPIVOT)) {
        AstFrom *unpivot = from_new(p, FROM_UNPIVOT, start);
        unpivot->unpivot.input = *from;
        TRY(parse_unpivot(p, &unpivot->unpivot.unpivot));
        unpivot->span = span_since(p, start);
        *from = unpivot;
    }
    return ST_OK;
}

Status parse_relation(Parser *p, AstFrom **out) {
    uint32_t start = p->at;
    AstFrom *from;
    bool lateral = take_word(p, KW_LATERAL), is_join = false;
    if (at_kind(p, TOK_LPAREN)) {
        TRY(parse_parenthesised_relation(p, lateral, &from, &is_join));
        if (!is_join) TRY(parse_match_suffix(p, start, &from));
    } else if (take_word(p, KW_UNNEST)) {
        TRY(parse_unnest(p, start, &from));
    } else if (take_word(p, KW_TABLE)) {
        TRY(parse_table_function(p, start, &from));
    } else if (!lateral && at_ident(p, 0)) {
        TRY(parse_named_relation(p, &from));
        if (from->kind == FROM_TABLE) TRY(parse_match_suffix(p, start, &from));
    } else {
        parser_expect(p, "a table");
        return parser_unexpected(p);
    }
    if (is_join) {
        if (is_word(p, 0, KW_AS) || at_ident(p, 0)) {
            return parser_fail(p, p->at, "a join in parentheses takes no alias");
        }
        *out = from;
        return ST_OK;
    }
    from->lateral |= lateral;
    from->span = span_since(p, start);
    TRY(parse_pivots(p, start, &from));
    TRY(parse_alias(p, from));
    if (take_word(p, KW_TABLESAMPLE)) TRY(parse_sample(p, from));
    from->span = span_since(p, start);
    *out = from;
    return ST_OK;
}

// ---- joins -------------------------------------------------------------------------------------

// NATURAL, LEFT OUTER JOIN …; *found is false when no join follows.
static Status parse_join_kind(Parser *p, AstFrom *join, bool *found) {
    uint32_t start = p->at;
    *found = true;
    join->join.natural = take_word(p, KW_NATURAL);
    if (take_word(p, KW_INNER)) {
        join->join.kind = JOIN_INNER;
    } else if (take_word(p, KW_LEFT)) {
        join->join.kind = JOIN_LEFT;
        take_word(p, KW_OUTER);
    } else if (take_word(p, KW_RIGHT)) {
        join->join.kind = JOIN_RIGHT;
        take_word(p, KW_OUTER);
    } else if (take_word(p, KW_FULL)) {
        join->join.kind = JOIN_FULL;
        take_word(p, KW_OUTER);
    } else if (take_word(p, KW_CROSS)) {
        join->join.kind = JOIN_CROSS;
    } else {
        join->join.kind = JOIN_INNER;
        if (!join->join.natural && !is_word(p, 0, KW_JOIN)) {
            at_word(p, KW_JOIN);
            *found = false;
            if (!is_word(p, 0, KW_OUTER)) return ST_OK;
        }
    }
    if (is_word(p, 0, KW_APPLY) || is_word(p, 0, KW_OUTER)) {
        return parser_fail(p, start,
                           "APPLY is not Flink SQL; write CROSS JOIN LATERAL or LEFT JOIN LATERAL");
    }
    return need_word(p, KW_JOIN);
}

// A chain of joins, to the left. A comma is a join among others and binds no less: in a, b JOIN c
// the left side of JOIN is (a, b), unlike in the standard, but like in Flink.
static Status parse_join_chain(Parser *p, bool commas, AstFrom **out) {
    uint32_t start = p->at, chain = 0;
    AstFrom *left;
    TRY(parse_relation(p, &left));
    for (;;) {
        AstFrom *join = from_new(p, FROM_JOIN, start);
        bool found, comma = commas && take_kind(p, TOK_COMMA);
        if (comma) {
            join->join.kind = JOIN_COMMA;
        } else {
            TRY(parse_join_kind(p, join, &found));
            if (!found) break;
        }
        if (++chain > SQL_HEIGHT_MAX) {
            return parser_fail(p, p->at, "more than %d joins in a row", SQL_HEIGHT_MAX);
        }
        join->join.left = left;
        TRY(parse_relation(p, &join->join.right));
        if (!comma && take_word(p, KW_ON)) TRY(parse_expr(p, &join->join.on));
        else if (!comma && take_word(p, KW_USING)) TRY(parse_idents(p, &join->join.column));
        join->span = span_since(p, start);
        left = join;
    }
    *out = left;
    return ST_OK;
}

Status parse_joins(Parser *p, AstFrom **out) { return parse_join_chain(p, false, out); }

Status parse_from(Parser *p, AstFrom **out) { return parse_join_chain(p, true, out); }
