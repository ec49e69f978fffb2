// Queries: WITH, SELECT, VALUES, set operations, ORDER BY, LIMIT.
#include "sql/parser_int.h"

bool at_query(const Parser *p, uint32_t ahead) {
    const Token *token = parser_token(p, ahead);
    if (token->kind != TOK_WORD) return false;
    switch (token->word) {
        case KW_SELECT: case KW_VALUES: case KW_VALUE: case KW_WITH: case KW_TABLE: return true;
        default: return false;
    }
}

// ---- ORDER BY, windows -------------------------------------------------------------------------

Status parse_order(Parser *p, AstOrders *out) {
    uint32_t start = p->at;
    AstOrder order = {0};
    TRY(parse_expr(p, &order.expr));
    if (take_word(p, KW_DESC)) order.descending = true;
    else take_word(p, KW_ASC);
    if (take_word(p, KW_NULLS)) {
        if (take_word(p, KW_FIRST)) order.nulls = NULLS_FIRST;
        else {
            TRY(need_word(p, KW_LAST));
            order.nulls = NULLS_LAST;
        }
    }
    order.span = span_since(p, start);
    LIST_PUSH(p, out->at, out->count, order);
    return ST_OK;
}

Status parse_orders(Parser *p, AstOrders *out) {
    AstOrders list = {0};
    do TRY(parse_order(p, &list));
    while (take_kind(p, TOK_COMMA));
    *out = list;
    return ST_OK;
}

static Status parse_bound(Parser *p, AstBound *out) {
    *out = (AstBound){0};
    if (take_words(p, KW_CURRENT, KW_ROW)) {
        out->kind = BOUND_CURRENT_ROW;
    } else if (take_words(p, KW_UNBOUNDED, KW_PRECEDING)) {
        out->kind = BOUND_UNBOUNDED_PRECEDING;
    } else if (take_words(p, KW_UNBOUNDED, KW_FOLLOWING)) {
        out->kind = BOUND_UNBOUNDED_FOLLOWING;
    } else {
        TRY(parse_expr(p, &out->expr));
        if (take_word(p, KW_PRECEDING)) out->kind = BOUND_PRECEDING;
        else {
            TRY(need_word(p, KW_FOLLOWING));
            out->kind = BOUND_FOLLOWING;
        }
    }
    return ST_OK;
}

static Status parse_frame(Parser *p, AstWindow *window) {
    if (take_word(p, KW_ROWS)) window->frame = FRAME_ROWS;
    else if (take_word(p, KW_RANGE)) window->frame = FRAME_RANGE;
    else return ST_OK;
    if (!take_word(p, KW_BETWEEN)) return parse_bound(p, &window->low);
    TRY(parse_bound(p, &window->low));
    TRY(need_word(p, KW_AND));
    return parse_bound(p, &window->high);
}

// ( [base] [PARTITION BY …] [ORDER BY …] [frame] [ALLOW PARTIAL | DISALLOW PARTIAL] )
Status parse_window(Parser *p, AstWindow **out) {
    uint32_t start = p->at;
    AstWindow *window = ARENA_NEW(p->arena, AstWindow);
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parser_enter(p));
    window->in_parentheses = true;
    if (at_ident(p, 0)) TRY(parse_ident(p, &window->ref));
    if (take_word(p, KW_PARTITION)) {
        TRY(need_word(p, KW_BY));
        TRY(parse_exprs(p, &window->partition));
    }
    if (take_word(p, KW_ORDER)) {
        TRY(need_word(p, KW_BY));
        TRY(parse_orders(p, &window->order));
    }
    TRY(parse_frame(p, window));
    if (take_word(p, KW_ALLOW)) {
        window->partial = PARTIAL_ALLOW;
        TRY(need_word(p, KW_PARTIAL));
    } else if (take_word(p, KW_DISALLOW)) {
        window->partial = PARTIAL_DISALLOW;
        TRY(need_word(p, KW_PARTIAL));
    }
    parser_leave(p);
    TRY(need_kind(p, TOK_RPAREN));
    window->span = span_since(p, start);
    *out = window;
    return ST_OK;
}

// ---- GROUP BY ----------------------------------------------------------------------------------

static AstGroup group_of_expr(Parser *p, AstExpr *expr) {
    AstGroup group = {.kind = GROUP_EXPR, .expr = expr, .span = expr->span};
    if (expr->kind == EX_CALL && str_is(expr->call->name, "ROW")) {
        group.kind = GROUP_LIST;
        group.expr = NULL;
        for (uint32_t i = 0; i < expr->call->arg.count; i++) {
            AstGroup item = group_of_expr(p, expr->call->arg.at[i]);
            LIST_PUSH(p, group.item, group.item_count, item);
        }
    }
    return group;
}

static Status parse_group(Parser *p, AstGroup *out);

// ROLLUP (…), CUBE (…): behind the word; their items are plain.
static Status parse_rollup(Parser *p, AstGroup *group) {
    AstExprs list;
    TRY(parse_query_or_list(p, &list));
    for (uint32_t i = 0; i < list.count; i++) {
        AstGroup item = group_of_expr(p, list.at[i]);
        LIST_PUSH(p, group->item, group->item_count, item);
    }
    return ST_OK;
}

// GROUPING SETS (…): behind the words; their items nest.
static Status parse_grouping_sets(Parser *p, AstGroup *group) {
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parser_enter(p));
    do {
        AstGroup item;
        TRY(parse_group(p, &item));
        LIST_PUSH(p, group->item, group->item_count, item);
    } while (take_kind(p, TOK_COMMA));
    parser_leave(p);
    return need_kind(p, TOK_RPAREN);
}

static Status parse_group(Parser *p, AstGroup *out) {
    uint32_t start = p->at;
    AstGroup group = {0};
    if (take_words(p, KW_GROUPING, KW_SETS)) {
        group.kind = GROUP_SETS;
        TRY(parse_grouping_sets(p, &group));
    } else if (take_word(p, KW_ROLLUP)) {
        group.kind = GROUP_ROLLUP;
        TRY(parse_rollup(p, &group));
    } else if (take_word(p, KW_CUBE)) {
        group.kind = GROUP_CUBE;
        TRY(parse_rollup(p, &group));
    } else if (is_kind(p, 0, TOK_LPAREN) && is_kind(p, 1, TOK_RPAREN)) {
        group.kind = GROUP_LIST;
        p->at += 2;
    } else {
        AstExpr *expr;
        TRY(parse_expr(p, &expr));
        group = group_of_expr(p, expr);
    }
    group.span = span_since(p, start);
    *out = group;
    return ST_OK;
}

static Status parse_group_by(Parser *p, AstSelect *select) {
    TRY(need_word(p, KW_BY));
    select->has_group = true;
    if (take_word(p, KW_DISTINCT)) select->group_quantifier = QUANT_DISTINCT;
    else if (take_word(p, KW_ALL)) select->group_quantifier = QUANT_ALL;
    do {
        AstGroup group;
        TRY(parse_group(p, &group));
        LIST_PUSH(p, select->group, select->group_count, group);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

// ---- SELECT ------------------------------------------------------------------------------------

Status parse_item(Parser *p, bool alias_only_with_as, AstItem *out) {
    uint32_t start = p->at;
    AstItem item = {0};
    if (is_kind(p, 0, TOK_STAR)) {
        item.expr = expr_new(p, EX_STAR, span_between(p, start, start));
        skip_token(p);
    } else {
        TRY(parse_expr(p, &item.expr));
    }
    bool as = take_word(p, KW_AS);
    const Token *token = parser_token(p, 0);
    bool text = token->kind >= TOK_TEXT && token->kind <= TOK_BINARY;
    if (text && (as || !alias_only_with_as)) {
        return parser_fail(p, p->at, "an alias is a name, not a text; quote it with back-ticks");
    }
    if (as || (!alias_only_with_as && at_ident(p, 0))) TRY(parse_ident(p, &item.alias));
    item.span = span_since(p, start);
    *out = item;
    return ST_OK;
}

static Status parse_windows(Parser *p, AstSelect *select) {
    do {
        uint32_t start = p->at;
        AstIdent name;
        AstWindow *window;
        TRY(parse_ident(p, &name));
        TRY(need_word(p, KW_AS));
        TRY(parse_window(p, &window));
        window->name = name;
        window->span = span_since(p, start);
        LIST_PUSH(p, select->window, select->window_count, *window);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

// Behind SELECT.
static Status parse_select(Parser *p, AstSelect **out) {
    AstSelect *select = ARENA_NEW(p->arena, AstSelect);
    TRY(parse_hints(p, &select->hints));
    select->stream = take_word(p, KW_STREAM);
    if (take_word(p, KW_DISTINCT)) select->quantifier = QUANT_DISTINCT;
    else if (take_word(p, KW_ALL)) select->quantifier = QUANT_ALL;
    do {
        AstItem item;
        TRY(parse_item(p, false, &item));
        LIST_PUSH(p, select->item, select->item_count, item);
    } while (take_kind(p, TOK_COMMA));
    *out = select;
    if (!take_word(p, KW_FROM)) return ST_OK;
    TRY(parse_from(p, &select->from));
    if (take_word(p, KW_WHERE)) TRY(parse_expr(p, &select->where));
    if (take_word(p, KW_GROUP)) TRY(parse_group_by(p, select));
    if (take_word(p, KW_HAVING)) TRY(parse_expr(p, &select->having));
    if (take_word(p, KW_WINDOW)) TRY(parse_windows(p, select));
    if (take_word(p, KW_QUALIFY)) TRY(parse_expr(p, &select->qualify));
    return ST_OK;
}

// Behind VALUES: (a, b), ROW(a, b) or a bare expression, each a row.
static Status parse_values(Parser *p, AstExprs *out) {
    AstExprs rows = {0};
    do {
        uint32_t start = p->at;
        AstExprs items = {0};
        AstExpr *row;
        bool wrapped = is_kind(p, 0, TOK_LPAREN) && is_word(p, 1, KW_ROW) &&
                       is_kind(p, 2, TOK_LPAREN);  // (ROW(a, b)) is the row, not a row of one ROW
        if (wrapped) skip_token(p);
        bool word = take_word(p, KW_ROW);
        if (word ? at_kind(p, TOK_LPAREN) : is_kind(p, 0, TOK_LPAREN)) {
            bool query = at_query(p, 1);
            if (query) {
                TRY(parse_query_or_list(p, &items));
            } else {
                skip_token(p);
                TRY(parse_row_items(p, &items));
            }
        } else {
            if (word) return parser_unexpected(p);
            AstExpr *item;
            TRY(parse_expr(p, &item));
            exprs_push(p, &items, item);
        }
        if (wrapped) TRY(need_kind(p, TOK_RPAREN));
        TRY(make_call(p, "ROW", SYN_SPECIAL, span_since(p, start), items, &row));
        exprs_push(p, &rows, row);
    } while (take_kind(p, TOK_COMMA));
    *out = rows;
    return ST_OK;
}

// ---- bodies and set operations -----------------------------------------------------------------

static AstQuery *query_new(Parser *p, AstQueryKind kind, uint32_t start) {
    AstQuery *query = ARENA_NEW(p->arena, AstQuery);
    query->kind = kind;
    query->span = span_since(p, start);
    return query;
}

static Status parse_leaf(Parser *p, AstQuery **out) {
    uint32_t start = p->at;
    AstQuery *query;
    if (take_kind(p, TOK_LPAREN)) {
        TRY(parser_enter(p));
        TRY(parse_query(p, out));
        parser_leave(p);
        return need_kind(p, TOK_RPAREN);
    }
    if (take_word(p, KW_SELECT)) {
        query = query_new(p, Q_SELECT, start);
        TRY(parse_select(p, &query->select));
    } else if (take_word(p, KW_VALUES) || take_word(p, KW_VALUE)) {
        query = query_new(p, Q_VALUES, start);
        TRY(parse_values(p, &query->values));
    } else if (take_word(p, KW_TABLE)) {
        query = query_new(p, Q_TABLE, start);
        TRY(parse_name(p, &query->table));
    } else {
        return parser_unexpected(p);
    }
    query->span = span_since(p, start);
    *out = query;
    return ST_OK;
}

static bool at_set_op(Parser *p, AstSetOp *op) {
    if (at_word(p, KW_UNION)) *op = SET_UNION;
    else if (at_word(p, KW_INTERSECT)) *op = SET_INTERSECT;
    else if (at_word(p, KW_EXCEPT)) *op = SET_EXCEPT;
    else return false;
    return true;
}

// INTERSECT binds more strongly than UNION and EXCEPT; all to the left.
static Status parse_body(Parser *p, bool intersect_only, AstQuery **out) {
    uint32_t start = p->at, chain = 0;
    AstQuery *left;
    AstSetOp op;
    if (intersect_only) TRY(parse_leaf(p, &left));
    else TRY(parse_body(p, true, &left));
    while (at_set_op(p, &op) && (op == SET_INTERSECT) == intersect_only) {
        if (++chain > SQL_HEIGHT_MAX) {
            return parser_fail(p, p->at, "more than %d set operations in a row", SQL_HEIGHT_MAX);
        }
        skip_token(p);
        bool all = take_word(p, KW_ALL);
        if (!all) take_word(p, KW_DISTINCT);
        AstQuery *right;
        if (intersect_only) TRY(parse_leaf(p, &right));
        else TRY(parse_body(p, true, &right));
        AstQuery *query = query_new(p, Q_SET_OP, start);
        query->set.op = op;
        query->set.all = all;
        query->set.left = left;
        query->set.right = right;
        query->span = span_since(p, start);
        left = query;
    }
    if (is_word(p, 0, KW_MINUS)) {
        Status st = parser_unexpected(p);
        error_hint(p->err, "write EXCEPT; Flink refuses MINUS");
        return st;
    }
    *out = left;
    return ST_OK;
}

static Status parse_with(Parser *p, AstWith **with, uint32_t *count, bool *recursive) {
    *recursive = take_word(p, KW_RECURSIVE);
    do {
        uint32_t start = p->at;
        AstWith item = {0};
        TRY(parse_ident(p, &item.name));
        if (at_kind(p, TOK_LPAREN)) TRY(parse_idents(p, &item.column));
        TRY(need_word(p, KW_AS));
        TRY(need_kind(p, TOK_LPAREN));
        TRY(parser_enter(p));
        TRY(parse_query(p, &item.query));
        parser_leave(p);
        TRY(need_kind(p, TOK_RPAREN));
        item.span = span_since(p, start);
        LIST_PUSH(p, *with, *count, item);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

// A number or ?.
static Status parse_count(Parser *p, AstExpr **out) {
    if (is_kind(p, 0, TOK_QUESTION)) {
        AstExpr *expr = expr_new(p, EX_PARAM, span_between(p, p->at, p->at));
        expr->param = p->params++;
        skip_token(p);
        *out = expr;
        return ST_OK;
    }
    return parse_number(p, out);
}

typedef struct Tail {
    AstOrders order;
    AstExpr *offset, *fetch;
    bool limit_all;
} Tail;

static Status parse_offset(Parser *p, Tail *tail) {
    TRY(parse_count(p, &tail->offset));
    if (!take_word(p, KW_ROWS)) take_word(p, KW_ROW);
    return ST_OK;
}

// FETCH FIRST|NEXT n ROWS ONLY: behind FETCH.
static Status parse_fetch(Parser *p, Tail *tail) {
    if (!take_word(p, KW_FIRST)) TRY(need_word(p, KW_NEXT));
    TRY(parse_count(p, &tail->fetch));
    if (!take_word(p, KW_ROWS)) TRY(need_word(p, KW_ROW));
    return need_word(p, KW_ONLY);
}

static Status parse_tail(Parser *p, Tail *tail) {
    *tail = (Tail){0};
    if (take_word(p, KW_ORDER)) {
        TRY(need_word(p, KW_BY));
        TRY(parse_orders(p, &tail->order));
    }
    if (take_word(p, KW_LIMIT)) {
        tail->limit_all = take_word(p, KW_ALL);
        if (!tail->limit_all) TRY(parse_count(p, &tail->fetch));
        if (!tail->limit_all && is_kind(p, 0, TOK_COMMA)) {
            return parser_fail(
                p, p->at, "LIMIT start, count is not Flink SQL; write LIMIT count OFFSET start");
        }
        if (take_word(p, KW_OFFSET)) TRY(parse_offset(p, tail));
    } else if (take_word(p, KW_OFFSET)) {
        TRY(parse_offset(p, tail));
        if (is_word(p, 0, KW_LIMIT)) {
            return parser_fail(p, p->at, "OFFSET stands behind LIMIT: LIMIT count OFFSET start");
        }
        if (take_word(p, KW_FETCH)) TRY(parse_fetch(p, tail));
    } else if (take_word(p, KW_FETCH)) {
        TRY(parse_fetch(p, tail));
    }
    return ST_OK;
}

Status parse_query(Parser *p, AstQuery **out) {
    uint32_t start = p->at, with_count = 0;
    AstWith *with = NULL;
    bool recursive = false, no_query = p->no_query, in_from = p->in_from;
    AstQuery *query;
    Tail tail;
    TRY(parser_enter(p));
    p->no_query = p->in_from = false;
    if (take_word(p, KW_WITH)) TRY(parse_with(p, &with, &with_count, &recursive));
    uint32_t body_at = p->at;
    TRY(parse_body(p, false, &query));
    TRY(parse_tail(p, &tail));
    // What the parentheses held may have a WITH, an ORDER BY or a LIMIT already.
    bool ordered = tail.order.count || tail.offset || tail.fetch;
    bool taken = query->with_count || query->order.count || query->offset || query->fetch;
    if (taken && (with_count || ordered)) {
        AstQuery *outer = query_new(p, Q_NESTED, body_at);
        outer->nested = query;
        query = outer;
    }
    if (with_count) {
        query->with = with;
        query->with_count = with_count;
        query->recursive = recursive;
    }
    if (ordered) {
        query->order = tail.order;
        query->offset = tail.offset;
        query->fetch = tail.fetch;
    }
    if (with_count || ordered) query->span = span_since(p, start);
    p->no_query = no_query;
    p->in_from = in_from;
    parser_leave(p);
    *out = query;
    return ST_OK;
}
