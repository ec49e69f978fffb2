// Queries: each clause begins a line.
#include "sql/print_int.h"

void print_orders(Printer *pr, AstOrders orders) {
    for (uint32_t i = 0; i < orders.count; i++) {
        const AstOrder *order = &orders.at[i];
        put_comma(pr, i);
        print_expr_within(pr, order->expr, 0, 36);
        if (order->descending) put(pr, " DESC");
        if (order->nulls) put(pr, order->nulls == NULLS_FIRST ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void print_bound(Printer *pr, const AstBound *bound) {
    static const char *const TEXTS[] = {"", "UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW",
                                        " FOLLOWING", "UNBOUNDED FOLLOWING"};
    if (bound->expr) print_expr(pr, bound->expr);
    put(pr, TEXTS[bound->kind]);
}

void print_window(Printer *pr, const AstWindow *window) {
    const char *space = "";
#define PART() put(pr, space), space = " "
    put(pr, "(");
    if (ast_ident_given(window->ref)) {
        PART();
        print_ident(pr, window->ref);
    }
    if (window->partition.count) {
        PART();
        put(pr, "PARTITION BY ");
        print_exprs(pr, window->partition);
    }
    if (window->order.count) {
        PART();
        put(pr, "ORDER BY ");
        print_orders(pr, window->order);
    }
    if (window->frame) {
        PART();
        put(pr, window->frame == FRAME_ROWS ? "ROWS " : "RANGE ");
        if (window->high.kind) put(pr, "BETWEEN ");
        print_bound(pr, &window->low);
        if (window->high.kind) {
            put(pr, " AND ");
            print_bound(pr, &window->high);
        }
    }
    if (window->partial == PARTIAL_DISALLOW || (window->partial && !is_flink(pr))) {
        PART();
        put(pr, window->partial == PARTIAL_ALLOW ? "ALLOW PARTIAL" : "DISALLOW PARTIAL");
    }
    put(pr, ")");
#undef PART
}

void print_hints(Printer *pr, AstHints hints) {
    put(pr, "/*+ ");
    for (uint32_t i = 0; i < hints.count; i++) {
        const AstHint *hint = &hints.at[i];
        put_comma(pr, i);
        print_ident(pr, hint->name);
        if (!hint->option.present || (is_flink(pr) && hint->option.count == 0)) continue;
        put(pr, "(");
        for (uint32_t k = 0; k < hint->option.count; k++) {
            const AstOption *option = &hint->option.at[k];
            put_comma(pr, k);
            if (option->key.name.ptr) {
                if (option->key_is_text) put_text(pr, option->key.name);
                else print_ident(pr, option->key);
                if (option->value) put(pr, " = ");
            }
            if (option->value) print_literal(pr, option->value);
        }
        put(pr, ")");
    }
    put(pr, " */");
}

void print_item(Printer *pr, const AstItem *item) {
    bool alias = ast_ident_given(item->alias);
    print_expr_within(pr, item->expr, 0, alias ? 40 : 0);
    // CURRENT_DATE has its name from itself.
    if (!alias && is_validated(pr) && item->expr->kind == EX_CALL &&
        item->expr->call->syntax == SYN_BARE) {
        put(pr, " AS ");
        put_str(pr, item->expr->call->name);
    }
    if (!alias) return;
    put(pr, " AS ");
    // A function without parentheses, like PI, names itself as it is called.
    bool itself = is_validated(pr) && !item->alias.quoted && item->expr->kind == EX_CALL &&
                  str_eq(item->expr->call->name, item->alias.name);
    if (itself) put_str(pr, item->alias.name);
    else print_ident(pr, item->alias);
}

static void print_items(Printer *pr, const AstItem *item, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        put_comma(pr, i);
        print_item(pr, &item[i]);
    }
}

// ---- FROM --------------------------------------------------------------------------------------

static void print_alias(Printer *pr, const AstFrom *from) {
    if (!ast_ident_given(from->alias)) return;
    put(pr, " AS ");
    print_ident(pr, from->alias);
    if (!from->column.count) return;
    put(pr, " ");
    print_ident_list(pr, from->column);
}

static void print_join(Printer *pr, const AstFrom *from, bool inside) {
    static const char *const WORDS[] = {[JOIN_COMMA] = ",", [JOIN_CROSS] = "CROSS JOIN ",
                                        [JOIN_INNER] = "INNER JOIN ", [JOIN_LEFT] = "LEFT JOIN ",
                                        [JOIN_RIGHT] = "RIGHT JOIN ", [JOIN_FULL] = "FULL JOIN "};
    const AstFrom *left = from->join.left, *right = from->join.right;
    bool comma = from->join.kind == JOIN_COMMA;
    if (left->kind == FROM_JOIN)
        print_join(pr, left, inside);  // to the left it nests as it is read
    else print_from(pr, left);
    if (comma) {
        put(pr, inside ? ", " : ",\n");
    } else {
        put(pr, inside ? " " : "\n");
        if (from->join.natural) put(pr, "NATURAL ");
        put(pr, WORDS[from->join.kind]);
    }
    if (right->kind == FROM_JOIN) {
        put(pr, "(");
        print_join(pr, right, true);
        put(pr, ")");
    } else {
        print_from(pr, right);
    }
    if (from->join.on) {
        put(pr, " ON ");
        print_expr(pr, from->join.on);
    } else if (from->join.column.count) {
        put(pr, " USING ");
        print_ident_list(pr, from->join.column);
    }
}

static void print_pattern(Printer *pr, const AstPattern *pattern);

static void print_pattern_items(Printer *pr, const AstPattern *pattern, const char *between) {
    for (uint32_t i = 0; i < pattern->item_count; i++) {
        if (i) put(pr, between);
        print_pattern(pr, pattern->item[i]);
    }
}

static void print_quantifier(Printer *pr, const AstPattern *pattern) {
    if (pattern->low == 0 && pattern->high == -1) put(pr, "*");
    else if (pattern->low == 1 && pattern->high == -1) put(pr, "+");
    else if (pattern->low == 0 && pattern->high == 1) put(pr, "?");
    else if (pattern->low < 0) buf_printf(pr->out, "{ , %d }", pattern->high);
    else if (pattern->high < 0) buf_printf(pr->out, "{ %d, }", pattern->low);
    else if (pattern->high == pattern->low) buf_printf(pr->out, "{ %d }", pattern->low);
    else buf_printf(pr->out, "{ %d, %d }", pattern->low, pattern->high);
}

static void print_pattern(Printer *pr, const AstPattern *pattern) {
    switch (pattern->kind) {
        case PATTERN_VAR: print_ident(pr, pattern->var); break;
        case PATTERN_CONCAT: print_pattern_items(pr, pattern, " "); break;
        case PATTERN_ALTER: print_pattern_items(pr, pattern, " | "); break;
        case PATTERN_GROUP:
            put(pr, "(");
            print_pattern_items(pr, pattern, " ");
            put(pr, ")");
            break;
        case PATTERN_PERMUTE:
            put(pr, "PERMUTE (");
            print_pattern_items(pr, pattern, ", ");
            put(pr, ")");
            break;
        case PATTERN_EXCLUDE:
            put(pr, "{- ");
            print_pattern_items(pr, pattern, " ");
            put(pr, " -}");
            break;
    }
    if (!pattern->quantified) return;
    put(pr, " ");
    print_quantifier(pr, pattern);
    if (pattern->reluctant) put(pr, " ?");
}

static void print_skip(Printer *pr, const AstMatch *match) {
    static const char *const TEXTS[] = {"",          "TO NEXT ROW", "PAST LAST ROW",
                                        "TO FIRST ", "TO LAST ",    "TO "};
    if (!match->skip) return;
    put(pr, "\nAFTER MATCH SKIP ");
    bool last = is_flink(pr) && match->skip == SKIP_TO_VAR;
    put(pr, last ? "TO LAST " : TEXTS[match->skip]);
    if (ast_ident_given(match->skip_var)) print_ident(pr, match->skip_var);
}

static void print_match(Printer *pr, const AstMatch *match) {
    put(pr, " MATCH_RECOGNIZE(");
    if (match->partition.count) {
        put(pr, "\nPARTITION BY ");
        print_exprs(pr, match->partition);
    }
    if (match->order.count) {
        put(pr, "\nORDER BY ");
        print_orders(pr, match->order);
    }
    if (match->measure_count) {
        put(pr, "\nMEASURES ");
        print_items(pr, match->measure, match->measure_count);
    }
    if (match->rows) {
        put(pr, match->rows == ONE_ROW_PER_MATCH ? "\nONE ROW PER MATCH" : "\nALL ROWS PER MATCH");
    }
    print_skip(pr, match);
    put(pr, "\nPATTERN (");
    if (match->anchor_start) put(pr, "^ ");
    print_pattern(pr, match->pattern);
    put(pr, match->anchor_end ? " $)" : ")");
    if (match->within) {
        put(pr, " WITHIN ");
        print_expr(pr, match->within);
    }
    for (uint32_t i = 0; i < match->subset_count; i++) {
        put(pr, i ? ", " : "\nSUBSET ");
        print_ident(pr, match->subset[i].name);
        put(pr, " = ");
        print_ident_list(pr, match->subset[i].var);
    }
    for (uint32_t i = 0; i < match->define_count; i++) {
        put(pr, i ? ", " : "\nDEFINE ");
        print_ident(pr, match->define[i].var);
        put(pr, " AS ");
        print_expr(pr, match->define[i].condition);
    }
    put(pr, ")");
}

// a, or (a, b)
static void print_axes(Printer *pr, AstIdents idents) {
    if (idents.count == 1) print_ident(pr, idents.at[0]);
    else print_ident_list(pr, idents);
}

static void print_pivot(Printer *pr, const AstPivot *pivot) {
    put(pr, " PIVOT (");
    print_items(pr, pivot->aggregate, pivot->aggregate_count);
    put(pr, " FOR ");
    print_axes(pr, pivot->axis);
    put(pr, " IN (");
    for (uint32_t i = 0; i < pivot->value_count; i++) {
        const AstItem *value = &pivot->value[i];
        bool row = value->expr->kind == EX_CALL && str_is(value->expr->call->name, "ROW");
        put_comma(pr, i);
        if (row) {
            put(pr, "(");
            print_exprs(pr, value->expr->call->arg);
            put(pr, ")");
        } else {
            print_expr(pr, value->expr);
        }
        if (ast_ident_given(value->alias)) {
            put(pr, " AS ");
            print_ident(pr, value->alias);
        }
    }
    put(pr, "))");
}

static void print_unpivot(Printer *pr, const AstUnpivot *unpivot) {
    put(pr, " UNPIVOT ");
    if (unpivot->nulls == UNPIVOT_INCLUDE) put(pr, "INCLUDE NULLS ");
    else if (unpivot->nulls == UNPIVOT_EXCLUDE || is_flink(pr)) put(pr, "EXCLUDE NULLS ");
    put(pr, "(");
    print_axes(pr, unpivot->measure);
    put(pr, " FOR ");
    print_axes(pr, unpivot->axis);
    put(pr, " IN (");
    for (uint32_t i = 0; i < unpivot->item_count; i++) {
        put_comma(pr, i);
        print_axes(pr, unpivot->item[i].column);
        if (!unpivot->item[i].value.count) continue;
        put(pr, " AS (");
        print_exprs(pr, unpivot->item[i].value);
        put(pr, ")");
    }
    put(pr, "))");
}

static void print_table(Printer *pr, const AstFrom *from) {
    print_name(pr, from->table.name);
    if (from->table.hints.count && (!is_flink(pr) || is_validated(pr))) {
        put(pr, is_flink(pr) ? "\n" : " ");
        print_hints(pr, from->table.hints);
    }
    if (from->table.extend_count) {
        put(pr, " EXTEND (");
        print_columns(pr, from->table.extend, from->table.extend_count);
        put(pr, ")");
    }
    if (from->as_of) {
        put(pr, " FOR SYSTEM_TIME AS OF ");
        print_expr(pr, from->as_of);
    }
}

static void print_sample(Printer *pr, const AstSample *sample) {
    put(pr, " TABLESAMPLE ");
    put_str(pr, sample->method);
    put(pr, "(");
    print_expr(pr, sample->amount);
    put(pr, ")");
    if (!sample->repeat) return;
    put(pr, " REPEATABLE(");
    print_expr(pr, sample->repeat);
    put(pr, ")");
}

void print_from(Printer *pr, const AstFrom *from) {
    bool wrapped = from->kind == FROM_FUNCTION && (from->function.wrapped || is_flink(pr));
    if (from->lateral && !(from->kind == FROM_UNNEST && is_flink(pr))) put(pr, "LATERAL ");
    switch (from->kind) {
        case FROM_TABLE: print_table(pr, from); break;
        case FROM_QUERY:
            put(pr, "(");
            print_query(pr, from->query);
            put(pr, ")");
            break;
        case FROM_FUNCTION:
            if (wrapped) put(pr, from->function.specific ? "TABLE(SPECIFIC " : "TABLE(");
            print_expr(pr, from->function.call);
            if (wrapped) put(pr, ")");
            break;
        case FROM_UNNEST: {
            bool query = from->unnest.expr.count == 1 && from->unnest.expr.at[0]->kind == EX_QUERY;
            put(pr, query ? (is_flink(pr) ? "UNNEST " : "UNNEST") : "UNNEST(");
            print_exprs(pr, from->unnest.expr);
            put(pr, query ? "" : ")");
            if (from->unnest.ordinality) put(pr, " WITH ORDINALITY");
            break;
        }
        case FROM_JOIN: print_join(pr, from, false); return;
        case FROM_MATCH:
            print_from(pr, from->match.input);
            print_match(pr, from->match.match);
            break;
        case FROM_PIVOT:
            print_from(pr, from->pivot.input);
            print_pivot(pr, from->pivot.pivot);
            break;
        case FROM_UNPIVOT:
            print_from(pr, from->unpivot.input);
            print_unpivot(pr, from->unpivot.unpivot);
            break;
    }
    print_alias(pr, from);
    if (from->sample) print_sample(pr, from->sample);
}

// ---- SELECT ------------------------------------------------------------------------------------

// [row]: how a list stands: as ROW(…) among plain groups in Flink's text, in parentheses in sets.
static void print_group(Printer *pr, const AstGroup *group, bool row) {
    static const char *const WORDS[] = {"", "", "GROUPING SETS(", "ROLLUP(", "CUBE("};
    if (group->kind == GROUP_EXPR) {
        print_expr(pr, group->expr);
        return;
    }
    bool list = group->kind == GROUP_LIST;
    if (list) put(pr, row && is_flink(pr) && group->item_count ? "ROW(" : "(");
    else put(pr, WORDS[group->kind]);
    for (uint32_t i = 0; i < group->item_count; i++) {
        const AstGroup *item = &group->item[i];
        put_comma(pr, i);
        // (ROW(a)) of one item would lose its word and with it its meaning as a list.
        bool single = item->kind == GROUP_LIST && item->item_count == 1 && !is_flink(pr);
        if (single) put(pr, "ROW");
        print_group(pr, item, list && row);
    }
    put(pr, ")");
}

static void print_group_by(Printer *pr, const AstSelect *select) {
    put(pr, "\nGROUP BY ");
    if (select->group_quantifier == QUANT_DISTINCT) put(pr, "DISTINCT ");
    if (select->group_quantifier == QUANT_ALL && !is_flink(pr)) put(pr, "ALL ");
    for (uint32_t i = 0; i < select->group_count; i++) {
        const AstGroup *group = &select->group[i];
        put_comma(pr, i);
        if (group->kind == GROUP_LIST && group->item_count == 1 && !is_flink(pr)) put(pr, "ROW");
        print_group(pr, group, true);
    }
}

static void print_clause(Printer *pr, const char *words, const AstExpr *expr) {
    if (!expr) return;
    put(pr, words);
    print_expr(pr, expr);
}

static void print_select(Printer *pr, const AstSelect *select) {
    put(pr, "SELECT");
    if (select->hints.count) {
        put(pr, "\n");
        print_hints(pr, select->hints);
        put(pr, "\n");
    } else {
        put(pr, " ");
    }
    if (select->stream) put(pr, "STREAM ");
    if (select->quantifier) put(pr, select->quantifier == QUANT_DISTINCT ? "DISTINCT " : "ALL ");
    print_items(pr, select->item, select->item_count);
    if (select->from) {
        put(pr, "\nFROM ");
        print_from(pr, select->from);
    }
    print_clause(pr, "\nWHERE ", select->where);
    if (select->has_group) print_group_by(pr, select);
    print_clause(pr, "\nHAVING ", select->having);
    for (uint32_t i = 0; i < select->window_count; i++) {
        put(pr, i ? ",\n" : "\nWINDOW ");
        print_ident(pr, select->window[i].name);
        put(pr, " AS ");
        print_window(pr, &select->window[i]);
    }
    print_clause(pr, "\nQUALIFY ", select->qualify);
}

// ---- queries -----------------------------------------------------------------------------------

static bool has_tail(const AstQuery *query) {
    return query->order.count || query->offset || query->fetch;
}

// An operand of a set operation [op], on the left or on the right of it.
static void print_set_operand(Printer *pr, const AstQuery *query, AstSetOp op, bool right) {
    bool wrap =
        query->with_count || has_tail(query) || query->kind == Q_TABLE || query->kind == Q_VALUES;
    if (query->kind == Q_SET_OP) {
        bool inner_strong = query->set.op == SET_INTERSECT, outer_strong = op == SET_INTERSECT;
        wrap |= outer_strong ? !inner_strong || right : right && !inner_strong;
    }
    if (wrap) put(pr, "(");
    print_query(pr, query);
    if (wrap) put(pr, ")");
}

static void print_body(Printer *pr, const AstQuery *query) {
    static const char *const WORDS[] = {"\nUNION", "\nINTERSECT", "\nEXCEPT"};
    switch (query->kind) {
        case Q_SELECT: print_select(pr, query->select); break;
        case Q_VALUES:
            for (uint32_t i = 0; i < query->values.count; i++) {
                put(pr, i ? ",\n" : "VALUES ");
                print_expr(pr, query->values.at[i]);
            }
            break;
        case Q_TABLE:
            put(pr, "TABLE ");
            print_name(pr, query->table);
            break;
        case Q_SET_OP:
            print_set_operand(pr, query->set.left, query->set.op, false);
            put(pr, WORDS[query->set.op]);
            put(pr, query->set.all ? " ALL\n" : "\n");
            print_set_operand(pr, query->set.right, query->set.op, true);
            break;
        case Q_NESTED:
            put(pr, "(");
            print_query(pr, query->nested);
            put(pr, ")");
            break;
    }
}

void print_query(Printer *pr, const AstQuery *query) {
    for (uint32_t i = 0; i < query->with_count; i++) {
        const AstWith *with = &query->with[i];
        put(pr, i ? ", " : query->recursive ? "WITH RECURSIVE " : "WITH ");
        print_ident(pr, with->name);
        if (with->column.count) {
            put(pr, " ");
            print_ident_list(pr, with->column);
        }
        put(pr, " AS (");
        print_query(pr, with->query);
        put(pr, ")");
    }
    bool wrap = query->with_count && (query->kind == Q_VALUES || query->kind == Q_TABLE);
    if (query->with_count) put(pr, wrap ? " (" : " ");
    print_body(pr, query);
    if (wrap) put(pr, ")");
    if (query->order.count) {
        put(pr, "\nORDER BY ");
        print_orders(pr, query->order);
    }
    if (query->offset) {
        put(pr, "\nOFFSET ");
        print_expr(pr, query->offset);
        put(pr, " ROWS");
    }
    if (query->fetch) {
        put(pr, "\nFETCH NEXT ");
        print_expr(pr, query->fetch);
        put(pr, " ROWS ONLY");
    }
}

void sql_print_window(const AstWindow *window, SqlStyle style, Buf *out) {
    Printer pr = {.out = out, .style = style};
    print_window(&pr, window);
}

void sql_print_query(const AstQuery *query, SqlStyle style, Buf *out) {
    Printer pr = {.out = out, .style = style};
    print_query(&pr, query);
}
