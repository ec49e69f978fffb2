// MATCH_RECOGNIZE, PIVOT, UNPIVOT.
#include "sql/parser_int.h"

// ---- patterns ----------------------------------------------------------------------------------

static AstPattern *pattern_new(Parser *p, AstPatternKind kind, uint32_t start) {
    AstPattern *pattern = ARENA_NEW(p->arena, AstPattern);
    pattern->kind = kind;
    pattern->low = pattern->high = -1;
    pattern->span = span_since(p, start);
    return pattern;
}

static Status parse_pattern(Parser *p, AstPattern **out);

static Status parse_pattern_atom(Parser *p, AstPattern **out) {
    uint32_t start = p->at;
    AstPattern *pattern, *item;
    TRY(parser_enter(p));
    if (take_kind(p, TOK_LPAREN)) {
        pattern = pattern_new(p, PATTERN_GROUP, start);
        TRY(parse_pattern(p, &item));
        LIST_PUSH(p, pattern->item, pattern->item_count, item);
        TRY(need_kind(p, TOK_RPAREN));
    } else if (is_kind(p, 0, TOK_LBRACE) && is_kind(p, 1, TOK_MINUS)) {
        p->at += 2;
        pattern = pattern_new(p, PATTERN_EXCLUDE, start);
        TRY(parse_pattern(p, &item));
        LIST_PUSH(p, pattern->item, pattern->item_count, item);
        TRY(need_kind(p, TOK_MINUS));
        TRY(need_kind(p, TOK_RBRACE));
    } else if (take_word(p, KW_PERMUTE)) {
        pattern = pattern_new(p, PATTERN_PERMUTE, start);
        TRY(need_kind(p, TOK_LPAREN));
        do {
            TRY(parse_pattern(p, &item));
            LIST_PUSH(p, pattern->item, pattern->item_count, item);
        } while (take_kind(p, TOK_COMMA));
        TRY(need_kind(p, TOK_RPAREN));
    } else {
        pattern = pattern_new(p, PATTERN_VAR, start);
        TRY(parse_ident(p, &pattern->var));
    }
    parser_leave(p);
    *out = pattern;
    return ST_OK;
}

// {n}, {n,}, {n,m}, {,m}: behind the brace.
static Status parse_repetition(Parser *p, AstPattern *pattern) {
    if (is_kind(p, 0, TOK_COMMA)) {
        skip_token(p);
        TRY(parse_unsigned(p, &pattern->high));
    } else {
        TRY(parse_unsigned(p, &pattern->low));
        pattern->high = pattern->low;
        if (take_kind(p, TOK_COMMA)) {
            pattern->high = -1;
            if (!at_kind(p, TOK_RBRACE)) TRY(parse_unsigned(p, &pattern->high));
        }
    }
    return need_kind(p, TOK_RBRACE);
}

static Status parse_pattern_factor(Parser *p, AstPattern **out) {
    uint32_t start = p->at;
    AstPattern *pattern;
    TRY(parse_pattern_atom(p, &pattern));
    pattern->quantified = true;
    if (take_kind(p, TOK_STAR)) {
        pattern->low = 0;
    } else if (take_kind(p, TOK_PLUS)) {
        pattern->low = 1;
    } else if (take_kind(p, TOK_QUESTION)) {
        pattern->low = 0;
        pattern->high = 1;
    } else if (is_kind(p, 0, TOK_LBRACE) && !is_kind(p, 1, TOK_MINUS)) {
        skip_token(p);
        TRY(parse_repetition(p, pattern));
    } else {
        pattern->quantified = false;
    }
    if (pattern->quantified) pattern->reluctant = take_kind(p, TOK_QUESTION);
    pattern->span = span_since(p, start);
    *out = pattern;
    return ST_OK;
}

static bool at_pattern_atom(Parser *p) {
    return at_ident(p, 0) || at_kind(p, TOK_LPAREN) || at_word(p, KW_PERMUTE) ||
           (is_kind(p, 0, TOK_LBRACE) && is_kind(p, 1, TOK_MINUS));
}

// A B C; one item stays itself.
static Status parse_pattern_term(Parser *p, AstPattern **out) {
    uint32_t start = p->at;
    AstPattern *first;
    TRY(parse_pattern_factor(p, &first));
    if (!at_pattern_atom(p)) {
        *out = first;
        return ST_OK;
    }
    AstPattern *concat = pattern_new(p, PATTERN_CONCAT, start);
    LIST_PUSH(p, concat->item, concat->item_count, first);
    do {
        AstPattern *item;
        TRY(parse_pattern_factor(p, &item));
        LIST_PUSH(p, concat->item, concat->item_count, item);
    } while (at_pattern_atom(p));
    concat->span = span_since(p, start);
    *out = concat;
    return ST_OK;
}

// A | B | C
static Status parse_pattern(Parser *p, AstPattern **out) {
    uint32_t start = p->at;
    AstPattern *first;
    TRY(parse_pattern_term(p, &first));
    if (!at_kind(p, TOK_BAR)) {
        *out = first;
        return ST_OK;
    }
    AstPattern *alter = pattern_new(p, PATTERN_ALTER, start);
    LIST_PUSH(p, alter->item, alter->item_count, first);
    while (take_kind(p, TOK_BAR)) {
        AstPattern *item;
        TRY(parse_pattern_term(p, &item));
        LIST_PUSH(p, alter->item, alter->item_count, item);
    }
    alter->span = span_since(p, start);
    *out = alter;
    return ST_OK;
}

// ---- MATCH_RECOGNIZE ---------------------------------------------------------------------------

static Status parse_measures(Parser *p, AstMatch *match) {
    do {
        uint32_t start = p->at;
        AstItem item = {0};
        TRY(parse_expr_no_query(p, &item.expr));
        TRY(need_word(p, KW_AS));
        TRY(parse_ident(p, &item.alias));
        item.span = span_since(p, start);
        LIST_PUSH(p, match->measure, match->measure_count, item);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

// ONE ROW PER MATCH, ALL ROWS PER MATCH.
static Status parse_rows(Parser *p, AstMatch *match) {
    if (take_word(p, KW_ONE)) {
        match->rows = ONE_ROW_PER_MATCH;
        TRY(need_word(p, KW_ROW));
    } else if (take_word(p, KW_ALL)) {
        match->rows = ALL_ROWS_PER_MATCH;
        TRY(need_word(p, KW_ROWS));
    } else {
        return ST_OK;
    }
    TRY(need_word(p, KW_PER));
    return need_word(p, KW_MATCH);
}

// AFTER MATCH SKIP …
static Status parse_skip(Parser *p, AstMatch *match) {
    if (!take_word(p, KW_AFTER)) return ST_OK;
    TRY(need_word(p, KW_MATCH));
    TRY(need_word(p, KW_SKIP));
    if (take_word(p, KW_PAST)) {
        match->skip = SKIP_PAST_LAST_ROW;
        TRY(need_word(p, KW_LAST));
        return need_word(p, KW_ROW);
    }
    TRY(need_word(p, KW_TO));
    if (take_words(p, KW_NEXT, KW_ROW)) {
        match->skip = SKIP_TO_NEXT_ROW;
        return ST_OK;
    }
    match->skip = SKIP_TO_VAR;
    if (is_word(p, 0, KW_FIRST) && at_ident(p, 1) && !is_word(p, 1, KW_PATTERN)) {
        match->skip = SKIP_TO_FIRST;
        skip_token(p);
    } else if (is_word(p, 0, KW_LAST) && at_ident(p, 1)) {
        match->skip = SKIP_TO_LAST;
        skip_token(p);
    }
    return parse_ident(p, &match->skip_var);
}

// [^] pattern [$]
static Status parse_pattern_clause(Parser *p, AstMatch *match) {
    TRY(need_word(p, KW_PATTERN));
    TRY(need_kind(p, TOK_LPAREN));
    match->anchor_start = take_kind(p, TOK_CARET);
    TRY(parse_pattern(p, &match->pattern));
    match->anchor_end = take_kind(p, TOK_DOLLAR);
    return need_kind(p, TOK_RPAREN);
}

static Status parse_subsets(Parser *p, AstMatch *match) {
    do {
        AstSubset subset = {0};
        TRY(parse_ident(p, &subset.name));
        TRY(need_kind(p, TOK_EQ));
        TRY(parse_idents(p, &subset.var));
        LIST_PUSH(p, match->subset, match->subset_count, subset);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

static Status parse_defines(Parser *p, AstMatch *match) {
    do {
        uint32_t start = p->at;
        AstDefine define = {0};
        TRY(parse_ident(p, &define.var));
        TRY(need_word(p, KW_AS));
        TRY(parse_expr(p, &define.condition));
        define.span = span_since(p, start);
        LIST_PUSH(p, match->define, match->define_count, define);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

Status parse_match(Parser *p, AstMatch **out) {
    AstMatch *match = ARENA_NEW(p->arena, AstMatch);
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parser_enter(p));
    if (take_word(p, KW_PARTITION)) {
        TRY(need_word(p, KW_BY));
        TRY(parse_exprs(p, &match->partition));
    }
    if (take_word(p, KW_ORDER)) {
        TRY(need_word(p, KW_BY));
        TRY(parse_orders(p, &match->order));
    }
    if (take_word(p, KW_MEASURES)) TRY(parse_measures(p, match));
    TRY(parse_rows(p, match));
    TRY(parse_skip(p, match));
    TRY(parse_pattern_clause(p, match));
    if (take_word(p, KW_WITHIN)) {
        if (!at_word(p, KW_INTERVAL)) return parser_unexpected(p);
        TRY(parse_literal(p, &match->within));
    }
    if (take_word(p, KW_SUBSET)) TRY(parse_subsets(p, match));
    TRY(need_word(p, KW_DEFINE));
    TRY(parse_defines(p, match));
    parser_leave(p);
    TRY(need_kind(p, TOK_RPAREN));
    *out = match;
    return ST_OK;
}

// ---- PIVOT, UNPIVOT ----------------------------------------------------------------------------

// One name, or names in parentheses.
static Status parse_ident_or_list(Parser *p, AstIdents *out) {
    if (at_kind(p, TOK_LPAREN)) return parse_idents(p, out);
    AstIdent ident;
    AstIdents list = {0};
    TRY(parse_ident(p, &ident));
    LIST_PUSH(p, list.at, list.count, ident);
    *out = list;
    return ST_OK;
}

// aggregate [[AS] alias]
static Status parse_pivot_aggregate(Parser *p, AstItem *out) {
    uint32_t start = p->at;
    AstItem item = {0};
    TRY(parse_named_call(p, &item.expr));
    if (take_word(p, KW_AS) || at_ident(p, 0)) TRY(parse_ident(p, &item.alias));
    item.span = span_since(p, start);
    *out = item;
    return ST_OK;
}

Status parse_pivot(Parser *p, AstPivot **out) {
    AstPivot *pivot = ARENA_NEW(p->arena, AstPivot);
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parser_enter(p));
    do {
        AstItem item;
        TRY(parse_pivot_aggregate(p, &item));
        LIST_PUSH(p, pivot->aggregate, pivot->aggregate_count, item);
    } while (take_kind(p, TOK_COMMA));
    TRY(need_word(p, KW_FOR));
    TRY(parse_ident_or_list(p, &pivot->axis));
    TRY(need_word(p, KW_IN));
    TRY(need_kind(p, TOK_LPAREN));
    if (!at_kind(p, TOK_RPAREN)) {
        do {
            AstItem item;
            TRY(parse_item(p, false, &item));
            LIST_PUSH(p, pivot->value, pivot->value_count, item);
        } while (take_kind(p, TOK_COMMA));
    }
    TRY(need_kind(p, TOK_RPAREN));
    parser_leave(p);
    TRY(need_kind(p, TOK_RPAREN));
    *out = pivot;
    return ST_OK;
}

// columns [AS literal | AS (literal, …)]
static Status parse_unpivot_item(Parser *p, struct AstUnpivotItem *out) {
    struct AstUnpivotItem item = {0};
    TRY(parse_ident_or_list(p, &item.column));
    if (take_word(p, KW_AS)) {
        bool list = take_kind(p, TOK_LPAREN);
        do {
            AstExpr *value;
            TRY(parse_literal(p, &value));
            exprs_push(p, &item.value, value);
        } while (list && take_kind(p, TOK_COMMA));
        if (list) TRY(need_kind(p, TOK_RPAREN));
    }
    *out = item;
    return ST_OK;
}

Status parse_unpivot(Parser *p, AstUnpivot **out) {
    AstUnpivot *unpivot = ARENA_NEW(p->arena, AstUnpivot);
    if (take_word(p, KW_INCLUDE)) unpivot->nulls = UNPIVOT_INCLUDE;
    else if (take_word(p, KW_EXCLUDE)) unpivot->nulls = UNPIVOT_EXCLUDE;
    if (unpivot->nulls != UNPIVOT_UNSAID) TRY(need_word(p, KW_NULLS));
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parse_ident_or_list(p, &unpivot->measure));
    TRY(need_word(p, KW_FOR));
    TRY(parse_ident_or_list(p, &unpivot->axis));
    TRY(need_word(p, KW_IN));
    TRY(need_kind(p, TOK_LPAREN));
    do {
        struct AstUnpivotItem item;
        TRY(parse_unpivot_item(p, &item));
        LIST_PUSH(p, unpivot->item, unpivot->item_count, item);
    } while (take_kind(p, TOK_COMMA));
    TRY(need_kind(p, TOK_RPAREN));
    TRY(need_kind(p, TOK_RPAREN));
    *out = unpivot;
    return ST_OK;
}
