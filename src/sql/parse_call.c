// Calls: ordinary functions with what may follow them (FILTER, OVER …), and the functions that SQL
// gave a grammar of their own (EXTRACT, TRIM, CAST, JSON_VALUE …).
#include "sql/parser_int.h"

// A call under construction: arguments are pushed, then finished at the closing parenthesis.
typedef struct Special {
    uint32_t start;  // token of the name
    const char *name;
    AstExprs args;
    AstJson *json;
    bool no_query;  // the parser's, put back at the end
} Special;

// Takes the name and '('.
static Status special_open(Parser *p, Special *call, const char *name) {
    *call = (Special){.start = p->at, .name = name, .no_query = p->no_query};
    skip_token(p);
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parser_enter(p));
    p->no_query = false;
    return ST_OK;
}

static Status special_close(Parser *p, Special *call, AstExpr **out) {
    TRY(need_kind(p, TOK_RPAREN));
    parser_leave(p);
    p->no_query = call->no_query;
    TRY(make_call(p, call->name, SYN_FUNCTION, span_since(p, call->start), call->args, out));
    (*out)->call->json = call->json;
    return ST_OK;
}

static Status special_arg(Parser *p, Special *call) {
    AstExpr *arg;
    TRY(parse_expr(p, &arg));
    exprs_push(p, &call->args, arg);
    return ST_OK;
}

static Status special_name(Parser *p, Special *call) {
    AstExpr *arg = expr_new(p, EX_NAME, span_between(p, p->at, p->at));
    AstIdent name;
    TRY(parse_ident(p, &name));
    arg->name = name_of(p, name);
    exprs_push(p, &call->args, arg);
    return ST_OK;
}

static Status special_type(Parser *p, Special *call) {
    AstExpr *arg = expr_new(p, EX_TYPE, span_between(p, p->at, p->at));
    TRY(parse_type(p, &arg->type));
    arg->span = arg->type->span;
    exprs_push(p, &call->args, arg);
    return ST_OK;
}

static Status special_unit(Parser *p, Special *call) {
    AstExpr *unit;
    TRY(parse_time_unit(p, &unit));
    exprs_push(p, &call->args, unit);
    return ST_OK;
}

// ---- units of time -----------------------------------------------------------------------------

static const char *const UNITS[] = {
    "YEAR",      "ISOYEAR", "QUARTER", "MONTH",      "WEEK",        "DAY",         "DAYOFWEEK",
    "DAYOFYEAR", "DOW",     "DOY",     "ISODOW",     "HOUR",        "MINUTE",      "SECOND",
    "EPOCH",     "DECADE",  "CENTURY", "MILLENNIUM", "MILLISECOND", "MICROSECOND", "NANOSECOND",
};

static bool is_weekday(const Parser *p, uint32_t ahead) {
    switch (parser_token(p, ahead)->kind == TOK_WORD ? parser_token(p, ahead)->word
                                                     : KW_IDENTIFIER) {
        case KW_MONDAY: case KW_TUESDAY: case KW_WEDNESDAY: case KW_THURSDAY: case KW_FRIDAY:
        case KW_SATURDAY: case KW_SUNDAY:
            return true;
        default: return false;
    }
}

// DAY, WEEK(MONDAY), or any name at all: which units a function knows is the binder's to say.
Status parse_time_unit(Parser *p, AstExpr **out) {
    uint32_t start = p->at;
    const Token *token = parser_token(p, 0);
    if (token->kind == TOK_WORD) {
        if (token->word == KW_WEEK && is_kind(p, 1, TOK_LPAREN) && is_weekday(p, 2) &&
            is_kind(p, 3, TOK_RPAREN)) {
            const char *day = keyword_text((Keyword)parser_token(p, 2)->word);
            p->at += 4;
            *out = expr_symbol(p, str_printf(p->arena, "WEEK(%s)", day).ptr, span_since(p, start));
            return ST_OK;
        }
        for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
            if (!str_eq_nocase(str_c(UNITS[i]), token_text(p->text, token))) continue;
            skip_token(p);
            *out = expr_symbol(p, UNITS[i], span_since(p, start));
            return ST_OK;
        }
    }
    if (!at_ident(p, 0)) {
        parser_expect(p, "a unit of time");
        return parser_unexpected(p);
    }
    AstIdent name;
    TRY(parse_ident(p, &name));
    AstExpr *unit = expr_symbol(p, "", name.span);
    unit->symbol.text = name.name;
    unit->symbol.is_name = true;
    *out = unit;
    return ST_OK;
}

// ---- functions with words between their arguments ----------------------------------------------

static Status parse_cast(Parser *p, bool try_cast, AstExpr **out) {
    uint32_t start = p->at;
    AstExpr *expr = expr_new(p, EX_CAST, span_between(p, start, start));
    bool no_query = p->no_query;
    skip_token(p);
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parser_enter(p));
    p->no_query = false;
    TRY(parse_expr(p, &expr->cast.value));
    TRY(need_word(p, KW_AS));
    if (is_word(p, 0, KW_INTERVAL)) {
        uint32_t type_at = p->at;
        AstType *type = ARENA_NEW(p->arena, AstType);
        *type = (AstType){.kind = AT_INTERVAL, .precision = -1, .scale = -1};
        skip_token(p);
        TRY(parse_interval_qualifier(p, &type->interval));
        type->span = span_since(p, type_at);
        expr->cast.type = type;
    } else {
        TRY(parse_type(p, &expr->cast.type));
    }
    parser_leave(p);
    p->no_query = no_query;
    TRY(need_kind(p, TOK_RPAREN));
    expr->cast.try_cast = try_cast;
    expr->span = span_since(p, start);
    TRY(expr_grow(p, expr, expr->cast.value->height));
    *out = expr;
    return ST_OK;
}

static Status parse_extract(Parser *p, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, "EXTRACT"));
    TRY(special_unit(p, &call));
    TRY(need_word(p, KW_FROM));
    TRY(special_arg(p, &call));
    return special_close(p, &call, out);
}

static Status parse_floor(Parser *p, const char *name, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, name));
    TRY(special_arg(p, &call));
    if (take_word(p, KW_TO)) TRY(special_unit(p, &call));
    return special_close(p, &call, out);
}

// POSITION(a IN b [FROM c]): a holds no IN of its own.
static Status parse_position(Parser *p, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, "POSITION"));
    // The part is an operand without operators: `a IN (…)` would else swallow the IN.
    AstExpr *part;
    TRY(parse_operand(p, &part));
    exprs_push(p, &call.args, part);
    TRY(need_word(p, KW_IN));
    TRY(special_arg(p, &call));
    if (take_word(p, KW_FROM)) TRY(special_arg(p, &call));
    return special_close(p, &call, out);
}

static Status parse_substring(Parser *p, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, "SUBSTRING"));
    TRY(special_arg(p, &call));
    if (take_word(p, KW_FROM)) {
        TRY(special_arg(p, &call));
        if (take_word(p, KW_FOR)) TRY(special_arg(p, &call));
    } else {
        TRY(need_kind(p, TOK_COMMA));
        TRY(special_arg(p, &call));
        if (take_kind(p, TOK_COMMA)) TRY(special_arg(p, &call));
    }
    return special_close(p, &call, out);
}

static Status parse_overlay(Parser *p, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, "OVERLAY"));
    TRY(special_arg(p, &call));
    TRY(need_word(p, KW_PLACING));
    TRY(special_arg(p, &call));
    TRY(need_word(p, KW_FROM));
    TRY(special_arg(p, &call));
    if (take_word(p, KW_FOR)) TRY(special_arg(p, &call));
    return special_close(p, &call, out);
}

// TRIM([BOTH|LEADING|TRAILING] [chars] [FROM] text).
static Status parse_trim(Parser *p, AstExpr **out) {
    Special call;
    AstExpr *chars = NULL, *text;
    TRY(special_open(p, &call, "TRIM"));
    uint32_t side_at = p->at;
    const char *side = "BOTH";
    bool given = true;
    if (take_word(p, KW_LEADING)) side = "LEADING";
    else if (take_word(p, KW_TRAILING)) side = "TRAILING";
    else given = take_word(p, KW_BOTH);
    AstSpan span = span_between(p, side_at, side_at);
    if (given && take_word(p, KW_FROM)) {
        TRY(parse_expr(p, &text));
    } else {
        TRY(parse_expr(p, &text));
        if (take_word(p, KW_FROM)) {
            chars = text;
            TRY(parse_expr(p, &text));
        }
    }
    if (!chars) {
        chars = expr_new(p, EX_LITERAL, span);
        chars->literal.kind = LIT_TEXT;
        chars->literal.text = STR(" ");
    }
    exprs_push(p, &call.args, expr_symbol(p, side, span));
    exprs_push(p, &call.args, chars);
    exprs_push(p, &call.args, text);
    return special_close(p, &call, out);
}

// CONVERT(a USING c), CONVERT(a, c, d), CONVERT(type, a [, style]); TRANSLATE(a USING c).
static Status parse_convert(Parser *p, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, "CONVERT"));
    bool type_first = parser_token(p, 0)->kind == TOK_WORD &&
                      keyword_reserved((Keyword)parser_token(p, 0)->word) &&
                      is_kind(p, 1, TOK_COMMA);
    if (type_first && !is_word(p, 0, KW_NULL) && !is_word(p, 0, KW_TRUE) &&
        !is_word(p, 0, KW_FALSE)) {
        TRY(special_type(p, &call));
        TRY(need_kind(p, TOK_COMMA));
        TRY(special_arg(p, &call));
        return special_close(p, &call, out);
    }
    TRY(special_arg(p, &call));
    if (take_word(p, KW_USING)) {
        call.name = "TRANSLATE USING";
        TRY(special_name(p, &call));
    } else {
        TRY(need_kind(p, TOK_COMMA));
        TRY(special_name(p, &call));
        TRY(need_kind(p, TOK_COMMA));
        TRY(special_name(p, &call));
    }
    return special_close(p, &call, out);
}

static Status parse_translate(Parser *p, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, "TRANSLATE"));
    TRY(special_arg(p, &call));
    if (take_word(p, KW_USING)) {
        call.name = "TRANSLATE USING";
        TRY(special_name(p, &call));
    } else {
        while (take_kind(p, TOK_COMMA)) TRY(special_arg(p, &call));
    }
    return special_close(p, &call, out);
}

// TIMESTAMPADD(unit, a, b), TIMESTAMPDIFF(unit, a, b).
static Status parse_timestamp_add(Parser *p, const char *name, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, name));
    TRY(special_unit(p, &call));
    TRY(need_kind(p, TOK_COMMA));
    TRY(special_arg(p, &call));
    TRY(need_kind(p, TOK_COMMA));
    TRY(special_arg(p, &call));
    return special_close(p, &call, out);
}

// TIMESTAMP_DIFF(a, b, unit) and its kin, of another dialect.
static Status parse_diff(Parser *p, const char *name, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, name));
    TRY(special_arg(p, &call));
    TRY(need_kind(p, TOK_COMMA));
    TRY(special_arg(p, &call));
    TRY(need_kind(p, TOK_COMMA));
    TRY(special_unit(p, &call));
    return special_close(p, &call, out);
}

// TIMESTAMP_TRUNC(a, unit); DATE_TRUNC also takes an expression there.
static Status parse_trunc(Parser *p, const char *name, bool any, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, name));
    TRY(special_arg(p, &call));
    TRY(need_kind(p, TOK_COMMA));
    const Token *token = parser_token(p, 0);
    bool unit = is_kind(p, 1, TOK_RPAREN) && token->kind == TOK_WORD;
    if (!any || unit || is_word(p, 0, KW_WEEK)) TRY(special_unit(p, &call));
    else TRY(special_arg(p, &call));
    return special_close(p, &call, out);
}

static Status parse_contains_substr(Parser *p, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, "CONTAINS_SUBSTR"));
    TRY(special_arg(p, &call));
    TRY(need_kind(p, TOK_COMMA));
    TRY(special_arg(p, &call));
    if (take_kind(p, TOK_COMMA)) {
        TRY(need_word(p, KW_JSON_SCOPE));
        TRY(need_kind(p, TOK_ARROW));
        TRY(special_arg(p, &call));
    }
    return special_close(p, &call, out);
}

// FIRST(a [, n]), PREV(a [, n]): the offset is a number.
static Status parse_navigation(Parser *p, const char *name, AstExpr **out) {
    Special call;
    AstExpr *offset;
    TRY(special_open(p, &call, name));
    TRY(special_arg(p, &call));
    if (take_kind(p, TOK_COMMA)) {
        TRY(parse_literal(p, &offset));
        exprs_push(p, &call.args, offset);
    }
    return special_close(p, &call, out);
}

static Status parse_without_arguments(Parser *p, const char *name, AstExpr **out) {
    Special call;
    TRY(special_open(p, &call, name));
    return special_close(p, &call, out);
}

// ---- JSON --------------------------------------------------------------------------------------

static Status json_open(Parser *p, Special *call, const char *name) {
    TRY(special_open(p, call, name));
    call->json = ARENA_NEW(p->arena, AstJson);
    return ST_OK;
}

// An argument and FORMAT JSON behind it.
static Status json_arg(Parser *p, Special *call) {
    TRY(special_arg(p, call));
    uint32_t index = call->args.count - 1;
    if (take_words(p, KW_FORMAT, KW_JSON)) {
        // One flag an argument; the list is as long as the arguments can be said to be by now.
        bool *flags = arena_zalloc(p->arena, (size_t)index + 1);
        if (call->json->format_json) {
            memcpy(flags, call->json->format_json, call->json->format_count);
        }
        flags[index] = true;
        call->json->format_json = flags;
        call->json->format_count = index + 1;
    }
    return ST_OK;
}

// document [FORMAT JSON], path [PASSING value AS name, …]. What is passed is dropped, as in Flink.
static Status json_document(Parser *p, Special *call) {
    TRY(json_arg(p, call));
    TRY(need_kind(p, TOK_COMMA));
    TRY(special_arg(p, call));
    if (!take_word(p, KW_PASSING)) return ST_OK;
    do {
        AstExpr *value;
        AstIdent name;
        TRY(parse_expr(p, &value));
        if (!take_words(p, KW_FORMAT, KW_JSON)) {}
        TRY(need_word(p, KW_AS));
        TRY(parse_ident(p, &name));
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

static Status json_returning(Parser *p, Special *call) {
    if (!take_word(p, KW_RETURNING)) return ST_OK;
    return parse_type(p, &call->json->returning);
}

static Status parse_json_exists(Parser *p, AstExpr **out) {
    Special call;
    TRY(json_open(p, &call, "JSON_EXISTS"));
    TRY(json_document(p, &call));
    AstJsonDo what = JSON_UNSAID;
    if (take_word(p, KW_TRUE)) what = JSON_TRUE;
    else if (take_word(p, KW_FALSE)) what = JSON_FALSE;
    else if (take_word(p, KW_UNKNOWN)) what = JSON_UNKNOWN;
    else if (take_word(p, KW_ERROR)) what = JSON_ERROR;
    if (what != JSON_UNSAID) {
        TRY(need_word(p, KW_ON));
        TRY(need_word(p, KW_ERROR));
    }
    call.json->on_error = what;
    return special_close(p, &call, out);
}

// ON EMPTY or ON ERROR, behind what to do.
static Status json_on(Parser *p, AstJson *json, AstJsonDo what, AstExpr *value) {
    TRY(need_word(p, KW_ON));
    if (take_word(p, KW_EMPTY)) {
        json->on_empty = what;
        json->empty_default = value;
        return ST_OK;
    }
    TRY(need_word(p, KW_ERROR));
    json->on_error = what;
    json->error_default = value;
    return ST_OK;
}

static Status parse_json_value(Parser *p, AstExpr **out) {
    Special call;
    TRY(json_open(p, &call, "JSON_VALUE"));
    TRY(json_document(p, &call));
    TRY(json_returning(p, &call));
    uint32_t height = 0;
    for (;;) {
        AstExpr *value = NULL;
        AstJsonDo what;
        if (take_word(p, KW_ERROR)) what = JSON_ERROR;
        else if (take_word(p, KW_NULL)) what = JSON_NULL;
        else if (take_word(p, KW_DEFAULT)) {
            what = JSON_DEFAULT;
            TRY(parse_expr(p, &value));
            if (value->height > height) height = value->height;
        } else break;
        TRY(json_on(p, call.json, what, value));
    }
    TRY(special_close(p, &call, out));
    return expr_grow(p, *out, height);
}

static Status json_wrapper(Parser *p, AstJson *json) {
    if (take_word(p, KW_WITHOUT)) {
        json->wrapper = WRAPPER_WITHOUT;
    } else if (take_word(p, KW_WITH)) {
        json->wrapper = WRAPPER_UNCONDITIONAL;
        if (take_word(p, KW_CONDITIONAL)) json->wrapper = WRAPPER_CONDITIONAL;
        else take_word(p, KW_UNCONDITIONAL);
    } else {
        return ST_OK;
    }
    take_word(p, KW_ARRAY);
    return need_word(p, KW_WRAPPER);
}

static Status parse_json_query(Parser *p, AstExpr **out) {
    Special call;
    TRY(json_open(p, &call, "JSON_QUERY"));
    TRY(json_document(p, &call));
    TRY(json_returning(p, &call));
    TRY(json_wrapper(p, call.json));
    for (;;) {
        AstJsonDo what;
        if (take_word(p, KW_ERROR)) what = JSON_ERROR;
        else if (take_word(p, KW_NULL)) what = JSON_NULL;
        else if (take_word(p, KW_EMPTY)) {
            if (take_word(p, KW_ARRAY)) what = JSON_EMPTY_ARRAY;
            else {
                TRY(need_word(p, KW_OBJECT));
                what = JSON_EMPTY_OBJECT;
            }
        } else break;
        TRY(json_on(p, call.json, what, NULL));
    }
    return special_close(p, &call, out);
}

// NULL ON NULL, ABSENT ON NULL.
static bool at_json_nulls(Parser *p) {
    return (at_word(p, KW_NULL) || at_word(p, KW_ABSENT)) && is_word(p, 1, KW_ON) &&
           is_word(p, 2, KW_NULL);
}

static void json_nulls(Parser *p, AstJson *json) {
    if (!at_json_nulls(p)) return;
    json->nulls = is_word(p, 0, KW_NULL) ? NULL_ON_NULL : ABSENT_ON_NULL;
    p->at += 3;
}

// [KEY] key VALUE value, or key : value.
static Status json_pair(Parser *p, Special *call) {
    if (is_word(p, 0, KW_KEY) && !is_word(p, 1, KW_VALUE) && !is_kind(p, 1, TOK_COLON) &&
        !is_kind(p, 1, TOK_DOT) && !is_kind(p, 1, TOK_LBRACKET)) {
        skip_token(p);
    }
    TRY(special_arg(p, call));
    if (!take_word(p, KW_VALUE)) TRY(need_kind(p, TOK_COLON));
    return json_arg(p, call);
}

static Status parse_json_object(Parser *p, AstExpr **out) {
    Special call;
    TRY(json_open(p, &call, "JSON_OBJECT"));
    if (!at_json_nulls(p) && !at_kind(p, TOK_RPAREN)) {
        do TRY(json_pair(p, &call));
        while (take_kind(p, TOK_COMMA));
    }
    json_nulls(p, call.json);
    return special_close(p, &call, out);
}

static Status parse_json_objectagg(Parser *p, AstExpr **out) {
    Special call;
    TRY(json_open(p, &call, "JSON_OBJECTAGG"));
    TRY(json_pair(p, &call));
    json_nulls(p, call.json);
    return special_close(p, &call, out);
}

static Status parse_json_array(Parser *p, AstExpr **out) {
    Special call;
    TRY(json_open(p, &call, "JSON_ARRAY"));
    if (!at_kind(p, TOK_RPAREN)) {
        do TRY(json_arg(p, &call));
        while (take_kind(p, TOK_COMMA));
    }
    json_nulls(p, call.json);
    return special_close(p, &call, out);
}

static Status parse_within_group(Parser *p, AstOrders *out) {
    TRY(need_word(p, KW_WITHIN));
    TRY(need_word(p, KW_GROUP));
    TRY(need_kind(p, TOK_LPAREN));
    TRY(need_word(p, KW_ORDER));
    TRY(need_word(p, KW_BY));
    TRY(parse_orders(p, out));
    return need_kind(p, TOK_RPAREN);
}

static Status orders_grow(Parser *p, AstExpr *expr, const AstOrders *orders) {
    for (uint32_t i = 0; i < orders->count; i++) {
        TRY(expr_grow(p, expr, orders->at[i].expr->height));
    }
    return ST_OK;
}

// JSON_ARRAYAGG(value [ORDER BY …] [… ON NULL]) [WITHIN GROUP (…)]: an order inside means WITHIN
// GROUP too.
static Status parse_json_arrayagg(Parser *p, AstExpr **out) {
    Special call;
    AstOrders order = {0};
    TRY(json_open(p, &call, "JSON_ARRAYAGG"));
    TRY(json_arg(p, &call));
    if (take_words(p, KW_ORDER, KW_BY)) TRY(parse_orders(p, &order));
    json_nulls(p, call.json);
    TRY(special_close(p, &call, out));
    if (is_word(p, 0, KW_WITHIN) && is_word(p, 1, KW_GROUP)) {
        if (order.count) return parser_fail(p, p->at, "the order of JSON_ARRAYAGG is given twice");
        TRY(parse_within_group(p, &order));
        (*out)->span = span_since(p, call.start);
    }
    (*out)->call->within_group = order;
    return orders_grow(p, *out, &order);
}

// ---- which words have a grammar of their own ---------------------------------------------------

Status parse_special_call(Parser *p, AstExpr **out, bool *done) {
    *done = true;
    bool open = is_kind(p, 1, TOK_LPAREN);
    const Token *token = parser_token(p, 0);
    switch (token->word) {
        case KW_CAST: return parse_cast(p, false, out);
        case KW_TRY_CAST: return parse_cast(p, true, out);
        case KW_SAFE_CAST: {
            AstExpr *cast;
            uint32_t start = p->at;
            TRY(parse_cast(p, false, &cast));
            AstExprs args = {0};
            AstExpr *type = expr_new(p, EX_TYPE, cast->cast.type->span);
            type->type = cast->cast.type;
            exprs_push(p, &args, cast->cast.value);
            exprs_push(p, &args, type);
            return make_call(p, "SAFE_CAST", SYN_FUNCTION, span_since(p, start), args, out);
        }
        case KW_EXTRACT: return parse_extract(p, out);
        case KW_POSITION: return parse_position(p, out);
        case KW_SUBSTRING: return parse_substring(p, out);
        case KW_OVERLAY: return parse_overlay(p, out);
        case KW_TRIM: return parse_trim(p, out);
        case KW_CONVERT: return parse_convert(p, out);
        case KW_TRANSLATE: return parse_translate(p, out);
        case KW_FLOOR: return parse_floor(p, "FLOOR", out);
        case KW_CEIL: case KW_CEILING: return parse_floor(p, "CEIL", out);
        case KW_CONTAINS_SUBSTR: return parse_contains_substr(p, out);
        case KW_TIMESTAMP_DIFF: return parse_diff(p, "TIMESTAMP_DIFF", out);
        case KW_TIME_DIFF: return parse_diff(p, "TIME_DIFF", out);
        case KW_DATE_TRUNC: return parse_trunc(p, "DATE_TRUNC", true, out);
        case KW_TIMESTAMP_TRUNC: return parse_trunc(p, "TIMESTAMP_TRUNC", false, out);
        case KW_DATETIME_TRUNC: return parse_trunc(p, "DATETIME_TRUNC", false, out);
        case KW_TIME_TRUNC: return parse_trunc(p, "TIME_TRUNC", false, out);
        case KW_JSON_EXISTS: return parse_json_exists(p, out);
        case KW_JSON_VALUE: return parse_json_value(p, out);
        case KW_JSON_QUERY: return parse_json_query(p, out);
        case KW_JSON_OBJECT: return parse_json_object(p, out);
        case KW_JSON_OBJECTAGG: return parse_json_objectagg(p, out);
        case KW_JSON_ARRAY: return parse_json_array(p, out);
        case KW_JSON_ARRAYAGG: return parse_json_arrayagg(p, out);
        case KW_PREV: return parse_navigation(p, "PREV", out);
        case KW_NEXT: return parse_navigation(p, "NEXT", out);
        case KW_CLASSIFIER: return parse_without_arguments(p, "CLASSIFIER", out);
        case KW_MATCH_NUMBER: return parse_without_arguments(p, "MATCH_NUMBER", out);
        case KW_DATE: case KW_TIME: case KW_TIMESTAMP: case KW_DATETIME:
            if (open) return parse_named_call(p, out);
            break;
        // Unreserved words: columns may be called so.
        case KW_TIMESTAMPADD:
            if (open) return parse_timestamp_add(p, "TIMESTAMPADD", out);
            break;
        case KW_TIMESTAMPDIFF:
            if (open) return parse_timestamp_add(p, "TIMESTAMPDIFF", out);
            break;
        case KW_DATE_DIFF:
            if (open) return parse_diff(p, "DATE_DIFF", out);
            break;
        case KW_DATETIME_DIFF:
            if (open) return parse_diff(p, "DATETIME_DIFF", out);
            break;
        case KW_FIRST:
            if (open) return parse_navigation(p, "FIRST", out);
            break;
        case KW_LAST:
            if (open) return parse_navigation(p, "LAST", out);
            break;
        default: break;
    }
    *done = false;
    return ST_OK;
}

// ---- ordinary calls ----------------------------------------------------------------------------

// A column that a table argument is partitioned by: a bare name, no expression.
static Status parse_partition_column(Parser *p, AstExpr *table) {
    AstIdent column;
    TRY(parse_ident(p, &column));
    AstExpr *key = expr_new(p, EX_NAME, column.span);
    key->name = name_of(p, column);
    exprs_push(p, &table->table.partition, key);
    return ST_OK;
}

// [PARTITION BY …] [ORDER BY …] behind a table argument; lists with or without parentheses.
static Status parse_table_clauses(Parser *p, AstExpr *expr) {
    if (take_words(p, KW_PARTITION, KW_BY)) {
        expr->table.has_partition = true;
        if (take_kind(p, TOK_LPAREN)) {
            do {
                TRY(parse_partition_column(p, expr));
            } while (take_kind(p, TOK_COMMA));
            TRY(need_kind(p, TOK_RPAREN));
        } else {
            TRY(parse_partition_column(p, expr));
        }
    }
    if (take_words(p, KW_ORDER, KW_BY)) {
        expr->table.has_order = true;
        if (take_kind(p, TOK_LPAREN)) {
            TRY(parse_orders(p, &expr->table.order));
            TRY(need_kind(p, TOK_RPAREN));
        } else {
            TRY(parse_order(p, &expr->table.order));
        }
    }
    return ST_OK;
}

// TABLE t …, behind nothing yet.
static Status parse_table_argument(Parser *p, AstExpr **out) {
    uint32_t start = p->at;
    AstExpr *expr = expr_new(p, EX_TABLE, span_between(p, start, start));
    TRY(need_word(p, KW_TABLE));
    expr->table.table_word = true;
    TRY(parse_name(p, &expr->table.name));
    TRY(parse_table_clauses(p, expr));
    expr->span = span_since(p, start);
    *out = expr;
    return ST_OK;
}

// An argument that turned out to be followed by PARTITION BY or ORDER BY: a name or a query.
static Status table_from_expr(Parser *p, uint32_t start, AstExpr **expr) {
    AstExpr *table = expr_new(p, EX_TABLE, (*expr)->span);
    if ((*expr)->kind == EX_NAME) table->table.name = (*expr)->name;
    else if ((*expr)->kind == EX_QUERY) table->table.query = (*expr)->query;
    else return parser_unexpected(p);
    TRY(parse_table_clauses(p, table));
    table->span = span_since(p, start);
    *expr = table;
    return ST_OK;
}

// What an argument may be depends on where it stands: a function in FROM takes cursors; only the
// first argument may be a query without parentheses, or be followed by PARTITION BY.
typedef struct ArgumentPlace {
    bool in_from, first;
} ArgumentPlace;

static Status parse_argument_value(Parser *p, ArgumentPlace where, AstExpr **out) {
    uint32_t start = p->at;
    if (is_word(p, 0, KW_DEFAULT)) {
        *out = expr_new(p, EX_DEFAULT, span_between(p, start, start));
        skip_token(p);
        return ST_OK;
    }
    if (is_word(p, 0, KW_TABLE)) return parse_table_argument(p, out);
    if (is_word(p, 0, KW_CURSOR)) {
        uint32_t cursor = p->at;
        AstExprs query;
        if (!where.in_from) return parser_fail(p, start, "CURSOR cannot stand here");
        skip_token(p);
        if (!is_kind(p, 0, TOK_LPAREN) || !at_query(p, 1)) return parser_unexpected(p);
        TRY(parse_query_or_list(p, &query));
        return make_call(p, "CURSOR", SYN_FUNCTION, span_since(p, cursor), query, out);
    }
    if (where.first && at_query(p, 0)) return parse_query_expr(p, out);  // f(SELECT 1)
    TRY(parse_expr(p, out));
    if (!where.first || !is_word(p, 1, KW_BY)) return ST_OK;
    bool query = (*out)->kind == EX_QUERY;
    bool clauses = is_word(p, 0, KW_PARTITION) || (query && is_word(p, 0, KW_ORDER));
    if (clauses && (query || (*out)->kind == EX_NAME)) return table_from_expr(p, start, out);
    return ST_OK;
}

static Status parse_argument(Parser *p, ArgumentPlace where, AstExpr **out) {
    uint32_t start = p->at;
    if (at_ident(p, 0) && is_kind(p, 1, TOK_ARROW)) {
        AstExpr *expr = expr_new(p, EX_NAMED, span_between(p, start, start));
        TRY(parse_ident(p, &expr->named.name));
        skip_token(p);
        TRY(parse_argument_value(p, where, &expr->named.value));
        expr->span = span_since(p, start);
        TRY(expr_grow(p, expr, expr->named.value->height));
        *out = expr;
        return ST_OK;
    }
    return parse_argument_value(p, where, out);
}

// Functions that take IGNORE NULLS and ORDER BY within their parentheses.
static bool takes_order(const AstCall *call) {
    return call->path.count == 1 && str_eq_nocase(call->name, STR("ARRAY_AGG"));
}

static void take_null_treatment(Parser *p, AstCall *call) {
    if (!is_word(p, 1, KW_NULLS)) return;
    if (!is_word(p, 0, KW_IGNORE) && !is_word(p, 0, KW_RESPECT)) return;
    call->nulls = is_word(p, 0, KW_IGNORE) ? TREAT_IGNORE : TREAT_RESPECT;
    p->at += 2;
}

// Functions that are words of the grammar and want one argument at least.
static bool needs_arguments(const AstCall *call) {
    static const char *const NAMES[] = {"ARRAY_AGG", "DATE", "TIME", "TIMESTAMP", "DATETIME"};
    if (call->path.count != 1 || call->path.part[0].quoted) return false;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (str_eq_nocase(call->name, str_c(NAMES[i]))) return true;
    }
    return false;
}

Status parse_arguments(Parser *p, AstCall *call) {
    TRY(need_kind(p, TOK_LPAREN));
    if (is_kind(p, 0, TOK_STAR) && is_kind(p, 1, TOK_RPAREN) && !needs_arguments(call)) {
        AstExpr *star = expr_new(p, EX_STAR, span_between(p, p->at, p->at));
        exprs_push(p, &call->arg, star);
        p->at += 2;
        return ST_OK;
    }
    if (!needs_arguments(call) && take_kind(p, TOK_RPAREN)) return ST_OK;
    bool no_query = p->no_query, in_from = p->in_from;
    TRY(parser_enter(p));
    p->no_query = p->in_from = false;
    if (take_word(p, KW_DISTINCT)) call->quantifier = QUANT_DISTINCT;
    else if (take_word(p, KW_ALL)) call->quantifier = QUANT_ALL;
    do {
        AstExpr *arg;
        ArgumentPlace where = {in_from, call->arg.count == 0};
        TRY(takes_order(call) ? parse_expr(p, &arg) : parse_argument(p, where, &arg));
        exprs_push(p, &call->arg, arg);
    } while (take_kind(p, TOK_COMMA));
    if (takes_order(call)) take_null_treatment(p, call);
    if (takes_order(call) && take_words(p, KW_ORDER, KW_BY)) TRY(parse_orders(p, &call->order_in));
    p->no_query = no_query;
    p->in_from = in_from;
    parser_leave(p);
    return need_kind(p, TOK_RPAREN);
}

Status parse_call_suffix(Parser *p, AstExpr *expr) {
    AstCall *call = expr->call;
    uint32_t last = p->at;
    take_null_treatment(p, call);
    if (is_word(p, 0, KW_WITHIN) && is_word(p, 1, KW_DISTINCT)) {
        p->at += 2;
        call->within_distinct = true;
        TRY(parse_query_or_list(p, &call->within_distinct_by));
    }
    if (is_word(p, 0, KW_WITHIN) && is_word(p, 1, KW_GROUP)) {
        TRY(parse_within_group(p, &call->within_group));
        TRY(orders_grow(p, expr, &call->within_group));
    }
    if (is_word(p, 0, KW_FILTER) && is_kind(p, 1, TOK_LPAREN)) {
        p->at += 2;
        TRY(need_word(p, KW_WHERE));
        TRY(parse_expr(p, &call->filter));
        TRY(need_kind(p, TOK_RPAREN));
        TRY(expr_grow(p, expr, call->filter->height));
    }
    if (take_word(p, KW_OVER)) {
        if (is_kind(p, 0, TOK_LPAREN)) {
            TRY(parse_window(p, &call->over));
        } else {
            call->over = ARENA_NEW(p->arena, AstWindow);
            TRY(parse_ident(p, &call->over->ref));
            call->over->span = call->over->ref.span;
        }
        for (uint32_t i = 0; i < call->over->partition.count; i++) {
            TRY(expr_grow(p, expr, call->over->partition.at[i]->height));
        }
        TRY(orders_grow(p, expr, &call->over->order));
    }
    if (p->at > last) expr->span = span_join(expr->span, span_between(p, p->at - 1, p->at - 1));
    return ST_OK;
}

static Str upper_name(Parser *p, Str name) {
    char *upper = arena_dup(p->arena, name.ptr, name.len);
    for (uint32_t i = 0; i < name.len; i++) {
        if (upper[i] >= 'a' && upper[i] <= 'z') upper[i] = (char)(upper[i] - 32);
    }
    return (Str){upper, name.len};
}

// The name of a function: a path of identifiers, or one reserved word that names a function.
static Status parse_function_name(Parser *p, AstName *out) {
    const Token *token = parser_token(p, 0);
    bool function = token->kind == TOK_WORD && keyword_function((Keyword)token->word);
    bool known =
        token->kind == TOK_WORD && (token->word == KW_DATE || token->word == KW_TIME ||
                                    token->word == KW_TIMESTAMP || token->word == KW_DATETIME);
    if (!function && !known) return parse_name(p, out);
    AstIdent ident = {.name = str_dup(p->arena, token_text(p->text, token)),
                      .span = span_between(p, p->at, p->at)};
    skip_token(p);
    *out = name_of(p, ident);
    return ST_OK;
}

Status parse_named_call(Parser *p, AstExpr **out) {
    uint32_t start = p->at;
    AstExpr *expr = expr_new(p, EX_CALL, span_between(p, start, start));
    AstCall *call = expr->call = ARENA_NEW(p->arena, AstCall);
    TRY(parse_function_name(p, &call->path));
    call->name = ast_name_last(call->path);
    if (call->path.count == 1 && !call->path.part[0].quoted) call->name = upper_name(p, call->name);
    TRY(parse_arguments(p, call));
    expr->span = span_since(p, start);
    for (uint32_t i = 0; i < call->arg.count; i++) TRY(expr_grow(p, expr, call->arg.at[i]->height));
    TRY(orders_grow(p, expr, &call->order_in));
    TRY(parse_call_suffix(p, expr));
    *out = expr;
    return ST_OK;
}

Status parse_function_in_from(Parser *p, bool bare, AstExpr **out) {
    uint32_t start = p->at;
    AstExpr *expr = expr_new(p, EX_CALL, span_between(p, start, start));
    AstCall *call = expr->call = ARENA_NEW(p->arena, AstCall);
    TRY(parse_name(p, &call->path));
    call->name = ast_name_last(call->path);
    if (call->path.count == 1 && !call->path.part[0].quoted) call->name = upper_name(p, call->name);
    if (!at_kind(p, TOK_LPAREN)) return parser_unexpected(p);
    bool refused = is_kind(p, 1, TOK_STAR) || is_word(p, 1, KW_DISTINCT) || is_word(p, 1, KW_ALL) ||
                   (at_query(p, 1) && !is_word(p, 1, KW_TABLE));
    if (bare && refused) {
        skip_token(p);
        return parser_unexpected(p);
    }
    TRY(parse_arguments(p, call));
    expr->span = span_since(p, start);
    for (uint32_t i = 0; i < call->arg.count; i++) TRY(expr_grow(p, expr, call->arg.at[i]->height));
    *out = expr;
    return ST_OK;
}
