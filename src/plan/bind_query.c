// Queries: VALUES, SELECT with its items, ORDER BY and LIMIT, set operations, WITH.
#include "plan/bind_subquery.h"

// ---- VALUES ------------------------------------------------------------------------------------

static const AstExpr *behind_sign(const AstExpr *ast) {
    bool sign = ast->kind == EX_CALL && (str_is(ast->call->name, "UNARY -") ||
                                         str_is(ast->call->name, "UNARY +"));
    return sign ? ast->call->arg.at[0] : ast;
}

// Rows of nothing but literals are no expressions to Flink: it does not cast them, and has no code
// for an exact number in a column that another row makes DOUBLE. One value that is computed, in any
// row, and all are cast.
static Status check_written_numbers(const AstQuery *query, Error *err) {
    uint32_t rows = query->values.count, columns = query->values.at[0]->call->arg.count;
    const AstExpr *exact = NULL;
    for (uint32_t c = 0; c < columns; c++) {
        const AstExpr *number = NULL;
        bool approx = false;
        for (uint32_t r = 0; r < rows; r++) {
            const AstExpr *cell = behind_sign(query->values.at[r]->call->arg.at[c]);
            if (cell->kind != EX_LITERAL) return ST_OK;
            approx |= cell->literal.kind == LIT_APPROX;
            if (cell->literal.kind == LIT_INTEGER || cell->literal.kind == LIT_DECIMAL) {
                number = cell;
            }
        }
        if (approx && number && !exact) exact = number;
    }
    if (!exact) return ST_OK;
    (void)error_at(err, ST_VALIDATION, exact->span.place,
                   "VALUES mixes exact and approximate numbers in a column");
    error_hint(err, "write all of them with an exponent: 2e0 for 2");
    return ST_VALIDATION;
}

static Status bind_values(Binder *binder, const AstQuery *query, Plan **out, Error *err) {
    Arena *arena = binder->arena;
    uint32_t rows = query->values.count;
    uint32_t columns = query->values.at[0]->call->arg.count;
    Expr **cell = ARENA_ARRAY(arena, Expr *, (size_t)rows * columns + 1);
    bool constant = true;
    for (uint32_t r = 0; r < rows; r++) {
        const AstExpr *row = query->values.at[r];
        if (row->call->arg.count != columns) {
            return error_at(
                err, ST_VALIDATION, row->span.place,
                "values must all have the same number of columns: %u here, %u in the first row",
                row->call->arg.count, columns);
        }
        for (uint32_t c = 0; c < columns; c++) {
            Expr **at = &cell[(size_t)r * columns + c];
            TRY(bind_expr(binder, row->call->arg.at[c], at, err));
            // INSERT INTO t VALUES (NULL) alone knows what the NULL is to be.
            if ((*at)->type->kind == TYPE_NULL && (binder->parent || rows > 1)) {
                return error_at(err, ST_VALIDATION, (*at)->place, "illegal use of NULL");
            }
        }
    }
    TRY(check_written_numbers(query, err));
    const Type **type = ARENA_ARRAY(arena, const Type *, columns + 1);
    Str *name = ARENA_ARRAY(arena, Str, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        const Type **of = ARENA_ARRAY(arena, const Type *, rows);
        for (uint32_t r = 0; r < rows; r++) of[r] = cell[(size_t)r * columns + c]->type;
        type[c] = type_common(arena, of, rows);
        name[c] = str_printf(arena, "EXPR$%u", c);
        if (!type[c]) {
            return error_at(err, ST_VALIDATION, query->values.at[0]->call->arg.at[c]->span.place,
                            "values of column %u have types that do not go together", c + 1);
        }
        if (type[c]->kind == TYPE_NULL) {
            return error_at(err, ST_VALIDATION, query->values.at[0]->call->arg.at[c]->span.place,
                            "illegal use of NULL");
        }
        for (uint32_t r = 0; r < rows; r++) {
            Expr **at = &cell[(size_t)r * columns + c];
            *at = expr_cast(arena, *at, type[c], false);
            TRY(expr_fold(binder->context, at, err));
            constant &= (*at)->kind == EXPR_LITERAL;
        }
    }
    const Type *row_type = type_row(arena, columns, type, name, false);
    if (constant) {
        Plan *plan = plan_new(binder->context, PLAN_VALUES, row_type, 0);
        plan->row_count = rows;
        plan->values = ARENA_ARRAY(arena, const Vec *, columns + 1);
        for (uint32_t c = 0; c < columns; c++) {
            Vec *column = vec_new(arena, type[c], rows);
            for (uint32_t r = 0; r < rows; r++) {
                vec_copy_value(column, r, cell[(size_t)r * columns + c]->value, 0);
            }
            plan->values[c] = column;
        }
        *out = plan;
        return ST_OK;
    }
    // Rows that are computed (NOW(), UUID()): a projection of one row each, all together.
    Plan *all = plan_new(binder->context, PLAN_UNION, row_type, rows);
    for (uint32_t r = 0; r < rows; r++) {
        Plan *one =
            plan_new(binder->context, PLAN_VALUES, type_row(arena, 0, type, name, false), 0);
        one->row_count = 1;
        all->input[r] =
            plan_project(binder->context, one, &cell[(size_t)r * columns], name, columns);
    }
    *out = rows == 1 ? all->input[0] : all;
    return ST_OK;
}

// ---- SELECT ------------------------------------------------------------------------------------

typedef struct Items {
    Expr **expr;
    Str *name;
    const AstExpr **ast;  // what was written; of the columns of a star, what they are
    uint32_t count, cap, name_cap, ast_cap;
    Str *said;            // the names as written, where two are alike
} Items;

static void items_add(Arena *arena, Items *items, Expr *expr, Str name, const AstExpr *ast) {
    uint32_t a = items->count, b = items->count;
    ARENA_PUSH(arena, items->name, a, items->name_cap, name);
    ARENA_PUSH(arena, items->ast, b, items->ast_cap, ast);
    ARENA_PUSH(arena, items->expr, items->count, items->cap, expr);
}

// A name as it would have been written: [name], and behind it [field] (may be NULL).
static AstExpr *name_tree(Binder *binder, AstName name, const Str *field) {
    AstExpr *expr = ARENA_NEW(binder->arena, AstExpr);
    *expr = (AstExpr){.kind = EX_NAME, .span = name.span};
    expr->name = (AstName){.part = ARENA_ARRAY(binder->arena, AstIdent, name.count + 1),
                           .count = name.count, .span = name.span};
    if (name.count) memcpy(expr->name.part, name.part, name.count * sizeof *name.part);
    if (field) expr->name.part[expr->name.count++] = (AstIdent){.name = *field, .quoted = true};
    return expr;
}

// r.*: the fields of a ROW column.
static Status bind_row_star(Binder *binder, const AstExpr *ast, Items *items, bool *taken,
                            Error *err) {
    Expr *row;
    AstExpr *column = name_tree(binder, ast->name, NULL);
    *taken = !bind_expr(binder, column, &row, NULL) && row->type->kind == TYPE_ROW;
    for (uint32_t i = 0; *taken && i < row->type->child_count; i++) {
        const AstExpr *field = name_tree(binder, ast->name, &row->type->field[i]);
        if (binder->context->expansion) {
            Expr *again;  // for the expansion to hear of
            TRY(bind_expr(binder, field, &again, err));
        }
        items_add(binder->arena, items, expr_field(binder->arena, row, i), row->type->field[i],
                  field);
    }
    return ST_OK;
}

// A star takes no column whose name another of the same derived table has.
static Status check_told_apart(const Scope *scope, uint32_t column, const AstExpr *ast,
                               Error *err) {
    uint32_t i = 0;
    while (i < scope->item_count && column - scope->item[i].from >= scope->item[i].count) i++;
    if (i == scope->item_count) return ST_OK;
    Str name = scope->row->field[column];
    for (uint32_t c = scope->item[i].from; c < scope->item[i].from + scope->item[i].count; c++) {
        if (c == column || scope->hidden[c] || !str_eq(scope->row->field[c], name)) continue;
        return error_at(err, ST_VALIDATION, ast->span.place, "column '" STR_FMT "' is ambiguous",
                        STR_ARG(name));
    }
    return ST_OK;
}

static bool is_left_out(const Scope *scope, uint32_t column) {
    uint32_t i = 0;
    while (i < scope->item_count && column - scope->item[i].from >= scope->item[i].count) i++;
    if (i == scope->item_count || !scope->item[i].unstarred) return false;
    return scope->item[i].unstarred[column - scope->item[i].from];
}

static Status bind_star(Binder *binder, const AstExpr *ast, Items *items, Error *err) {
    const Scope *scope = binder->groups ? binder->group_scope : binder->scope;
    uint32_t from = 0, count = scope->row->child_count;
    if (!ast->name.count && !binder->select->from) {
        return error_at(err, ST_VALIDATION, ast->span.place, "SELECT * needs a FROM");
    }
    if (ast->name.count) {
        Str table = ast_name_last(ast->name);
        uint32_t i = 0;
        while (i < scope->item_count && !str_eq(scope->item[i].name, table)) i++;
        if (i == scope->item_count) {
            bool taken;
            TRY(bind_row_star(binder, ast, items, &taken, err));
            if (taken) return ST_OK;
            return error_at(err, ST_VALIDATION, ast->span.place, "unknown identifier '" STR_FMT "'",
                            STR_ARG(table));
        }
        from = scope->item[i].from;
        count = scope->item[i].count;
    }
    uint32_t ahead = ast->name.count ? 0 : scope->first_count;
    for (uint32_t i = 0; i < ahead + count; i++) {
        uint32_t c = i < ahead ? scope->first[i] : from + i - ahead, k = 0;
        if ((!ast->name.count && scope->hidden[c]) || is_left_out(scope, c)) continue;
        while (k < ahead && scope->first[k] != c) k++;
        if (i >= ahead && k < ahead) continue;
        TRY(check_told_apart(scope, c, ast, err));
        Expr *expr;
        AstExpr *column = name_tree(binder, (AstName){.span = ast->span}, &scope->row->field[c]);
        if (binder->groups) {
            TRY(bind_expr(binder, column, &expr, err));
        } else {
            if (ast->name.count) {
                expr = expr_column(binder->arena, c, scope->row->child[c]);
            } else {
                TRY(bind_merged(binder, scope, c, UINT32_MAX, ast->span.place, &expr, err));
            }
            scope_expand(binder, scope, column, c, 1);
        }
        items_add(binder->arena, items, expr, scope->row->field[c], column);
    }
    return ST_OK;
}

static Str item_name(Arena *arena, const AstItem *item, uint32_t index) {
    if (ast_ident_given(item->alias)) return item->alias.name;
    if (item->expr->kind == EX_NAME) return ast_name_last(item->expr->name);
    if (item->expr->kind == EX_CALL && item->expr->call->syntax == SYN_BARE) {
        return item->expr->call->name;  // CURRENT_DATE
    }
    return str_printf(arena, "EXPR$%u", index);
}

// Names in a result are unique: later ones get 0, 1 … appended, as Calcite does.
static Str unique_name(Arena *arena, const Str *names, uint32_t index) {
    Str name = names[index];
    for (uint32_t n = 0;; n++) {
        uint32_t i = 0;
        while (i < index && !str_eq(names[i], name)) i++;
        if (i == index) return name;
        name = str_printf(arena, STR_FMT "%u", STR_ARG(names[index]), n);
    }
}

static const AstItem *written_item(const AstSelect *select, const AstExpr *ast) {
    for (uint32_t i = 0; i < select->item_count; i++) {
        if (select->item[i].expr == ast) return &select->item[i];
    }
    return NULL;
}

static bool of_star(const AstSelect *select, const AstExpr *ast) {
    return !written_item(select, ast);
}

// The names as they are seen from outside: of the columns of a star those that come again get a
// number, items of the list stay as they are written, and are ambiguous then.
static void items_say(Arena *arena, const AstSelect *select, Items *items) {
    Str *name = ARENA_ARRAY(arena, Str, items->count + 1);
    bool alike = false;
    for (uint32_t i = 0; i < items->count; i++) {
        name[i] = items->name[i];
        if (of_star(select, items->ast[i])) name[i] = unique_name(arena, name, i);
        for (uint32_t k = 0; k < i && !alike; k++) alike = str_eq(name[k], name[i]);
    }
    if (alike) items->said = name;
}

// Tells the expansion what the items are, those of stars under the names they got.
static void expand_items(Binder *binder, const AstSelect *select, const Items *items) {
    AstItem *item = ARENA_ARRAY(binder->arena, AstItem, items->count + 1);
    for (uint32_t i = 0; i < items->count; i++) {
        const AstExpr *ast = items->ast[i];
        const AstItem *written = written_item(select, ast);
        if (written) {
            item[i] = *written;
            // PI and a column that USING has merged become calls, and need their names said.
            const AstExpr *now = expansion_of(binder->context->expansion, ast);
            if (ast->kind == EX_NAME && now->kind == EX_CALL && !ast_ident_given(item[i].alias)) {
                item[i].alias = (AstIdent){.name = items->name[i],
                                           .quoted = !str_is(now->call->name, "PI")};
            }
            continue;
        }
        item[i].expr = (AstExpr *)(uintptr_t)ast;
        const AstExpr *now = expansion_of(binder->context->expansion, ast);
        if (now->kind == EX_CALL || !str_eq(ast_name_last(ast->name), items->name[i])) {
            item[i].alias = (AstIdent){.name = items->name[i], .quoted = true};
        }
    }
    expansion_items(binder->context->expansion, select, item, items->count);
}

static Status bind_items(Binder *binder, const AstSelect *select, Items *items, Error *err) {
    for (uint32_t i = 0; i < select->item_count; i++) {
        const AstItem *item = &select->item[i];
        if (item->expr->kind == EX_STAR) {
            TRY(bind_star(binder, item->expr, items, err));
            continue;
        }
        Expr *expr;
        BindMark mark = bind_mark(binder);
        TRY(bind_expr(binder, item->expr, &expr, err));
        if (expr->type->kind == TYPE_NULL) {
            return error_at(err, ST_VALIDATION, item->span.place, "illegal use of NULL");
        }
        if (expr->type->kind == TYPE_SYMBOL || expr->type->kind == TYPE_DESCRIPTOR) {
            return error_at(err, ST_VALIDATION, item->span.place, "this is no value");
        }
        TRY(expr_fold(binder->context, &expr, err));
        bind_drop_unread(binder, &mark, expr);
        items_add(binder->arena, items, expr, item_name(binder->arena, item, items->count),
                  item->expr);
    }
    items_say(binder->arena, select, items);
    for (uint32_t i = 1; i < items->count; i++) {
        items->name[i] = unique_name(binder->arena, items->name, i);
    }
    if (binder->context->expansion) expand_items(binder, select, items);
    return ST_OK;
}

Status bind_select_items(Binder *binder, const AstSelect *select, Expr ***item, const Str **name,
                         uint32_t *count, Error *err) {
    Items items = {0};
    TRY(bind_items(binder, select, &items, err));
    *item = items.expr;
    *name = items.name;
    *count = items.count;
    return ST_OK;
}

static Status bind_distinct(Binder *binder, Plan **plan, Error *err) {
    (void)err;
    if (bind_window_distinct(binder, plan)) return ST_OK;
    Plan *agg = plan_new(binder->context, PLAN_AGG, (*plan)->type, 1);
    agg->ttl_hint_ms[0] = binder->select ? bind_ttl(binder, binder->select->from) : -1;
    uint32_t count = (*plan)->type->child_count;
    const Type **child = ARENA_ARRAY(binder->arena, const Type *, count + 1);
    agg->key = ARENA_ARRAY(binder->arena, uint32_t, count + 1);
    agg->key_count = count;
    for (uint32_t i = 0; i < count; i++) {
        agg->key[i] = i;
        child[i] = type_attribute(binder->arena, (*plan)->type->child[i], TIME_NONE);
    }
    agg->type = type_row(binder->arena, count, child, (*plan)->type->field, false);
    agg->input[0] = *plan;
    *plan = agg;
    return ST_OK;
}

static Status ordinal_of(Binder *binder, const AstExpr *ast, int64_t *out, Error *err) {
    Expr *expr;
    TRY(bind_literal(binder->arena, ast, &expr, err));
    if (!type_is_integer(expr->type)) {
        return error_at(err, ST_VALIDATION, ast->span.place, "ORDER BY needs a whole number");
    }
    *out = vec_integer(expr->value, 0);
    return ST_OK;
}

static Status bind_limit(const AstQuery *query, Plan *plan, Error *err) {
    if (query->offset) TRY(bind_row_count(query->offset, "OFFSET", &plan->offset, err));
    if (!query->fetch) return ST_OK;
    TRY(bind_row_count(query->fetch, "LIMIT", &plan->fetch, err));
    // Flink keeps the lowest 32 bits; what is negative then stands for no row.
    plan->fetch = (int32_t)(uint32_t)plan->fetch;
    if (plan->fetch < 0) plan->fetch = 0;
    return ST_OK;
}

// A bare name in ORDER BY that two columns of the result have is neither.
static Status check_order_names(const AstExpr *ast, const Items *items, uint32_t visible,
                                Error *err) {
    uint32_t count = 0;
    if (!ast) return ST_OK;
    if (ast->kind == EX_CAST) return check_order_names(ast->cast.value, items, visible, err);
    if (ast->kind == EX_CALL && !ast->call->over) {
        for (uint32_t i = 0; i < ast->call->arg.count; i++) {
            TRY(check_order_names(ast->call->arg.at[i], items, visible, err));
        }
    }
    if (ast->kind != EX_NAME || ast->name.count != 1) return ST_OK;
    Str name = ast->name.part[0].name;
    for (uint32_t i = 0; items->said && i < visible; i++) count += str_eq(items->said[i], name);
    if (count < 2) return ST_OK;
    (void)error_at(err, ST_VALIDATION, ast->span.place, "column '" STR_FMT "' is ambiguous",
                   STR_ARG(name));
    error_hint(err, "%u columns of the result have that name", count);
    return ST_VALIDATION;
}

// The sort keys: an ordinal, an alias of the result, or any expression over the select's input,
// which becomes a column behind those of the result.
static Status bind_order(Binder *binder, const AstQuery *query, Items *items, OrderKey **out,
                         Error *err) {
    uint32_t visible = items->count;
    *out = ARENA_ARRAY(binder->arena, OrderKey, query->order.count + 1);
    for (uint32_t k = 0; k < query->order.count; k++) {
        const AstOrder *order = &query->order.at[k];
        const AstExpr *ast = order->expr;
        int64_t column = -1;
        TRY(check_order_names(ast, items, visible, err));
        if (ast->kind == EX_LITERAL && ast->literal.kind == LIT_INTEGER) {
            int64_t ordinal = 0;
            TRY(ordinal_of(binder, ast, &ordinal, err));
            if (ordinal < 1 || ordinal > visible) {
                return error_at(err, ST_VALIDATION, ast->span.place, "ordinal out of range");
            }
            column = ordinal - 1;
        }
        for (uint32_t i = 0;
             column < 0 && ast->kind == EX_NAME && ast->name.count == 1 && i < visible; i++) {
            if (str_eq(items->name[i], ast->name.part[0].name)) column = i;
        }
        if (column < 0) {
            Expr *expr;
            binder->aliases = binder->select;  // a name of the result goes before a column
            Status st = bind_expr(binder, ast, &expr, err);
            binder->aliases = NULL;
            TRY(st);
            for (uint32_t i = 0; column < 0 && i < items->count; i++) {
                if (expr_equal(items->expr[i], expr)) column = i;
            }
            if (column < 0) {
                column = items->count;
                items_add(binder->arena, items, expr,
                          str_printf(binder->arena, "EXPR$%u", items->count), ast);
            }
        }
        TypeKind kind = items->expr[column]->type->kind;
        if (kind == TYPE_VARIANT || kind == TYPE_BITMAP) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "%s has no order: it cannot be sorted by", type_kind_name(kind));
        }
        bool nulls_first =
            order->nulls == NULLS_FIRST || (order->nulls == NULLS_UNSAID && !order->descending);
        (*out)[k] = (OrderKey){(uint32_t)column, order->descending, nulls_first};
    }
    return ST_OK;
}

static Plan *plan_sorted(Binder *binder, Plan *input, OrderKey *order, uint32_t count) {
    Plan *sort = plan_new(binder->context, count ? PLAN_SORT : PLAN_LIMIT, input->type, 1);
    sort->input[0] = input;
    sort->order = order;
    sort->order_count = count;
    return sort;
}

// What was added for ORDER BY goes again.
static Plan *first_columns(Binder *binder, Plan *plan, const Items *items, uint32_t visible) {
    if (items->count == visible) return plan;
    Expr **expr = ARENA_ARRAY(binder->arena, Expr *, visible + 1);
    for (uint32_t i = 0; i < visible; i++) {
        expr[i] = expr_column(binder->arena, i, plan->type->child[i]);
    }
    return plan_project(binder->context, plan, expr, items->name, visible);
}

// The order of a subquery means nothing unless it cuts something off: it is checked and dropped.
static bool keeps_order(const Binder *binder, const AstQuery *query) {
    if (query->fetch || query->offset) return true;
    return query->order.count && !binder->parent;
}

static bool select_is_grouped(PlanContext *context, const AstSelect *select) {
    if (select->has_group || select->having) return true;
    for (uint32_t i = 0; i < select->item_count; i++) {
        if (ast_has_agg(context, select->item[i].expr)) return true;
    }
    return false;
}

static Status bind_select_input(Binder *binder, const AstSelect *select, Error *err) {
    binder->correlates = binder->context->correlates;
    if (select->from && binder->domain) {
        TRY(bind_domain_from(binder, select->from, err));
    } else if (select->from) {
        TRY(bind_from(binder, select->from, &binder->plan, &binder->scope, err));
    } else {
        const Type *row = type_row(binder->arena, 0, NULL, NULL, false);
        binder->plan = plan_new(binder->context, PLAN_VALUES, row, 0);
        binder->plan->row_count = 1;
        binder->scope = scope_single(binder->arena, row, (Str){0});
    }
    binder->scope->outer = binder->parent ? binder->parent->scope : NULL;
    if (binder->domain && !select->from) TRY(bind_domain_join(binder, err));
    if (select->where) {
        binder->unmerged = true;
        TRY(bind_where(binder, select->where, err));
        binder->unmerged = false;
    }
    // WHERE may have told what kind of join it is, and so which columns are time attributes.
    const Type *row = binder->scope->row;
    if (row->child_count == binder->plan->type->child_count) {
        binder->scope->row = type_row(binder->arena, row->child_count, binder->plan->type->child,
                                      row->field, false);
    }
    return ST_OK;
}

// QUALIFY sees the select's aliases first, and must contain an OVER.
static Status bind_qualify(Binder *binder, const AstSelect *select, Expr **out, Error *err) {
    uint32_t before = binder->alias_hits;
    binder->aliases = select;
    Status st = bind_condition(binder, select->qualify, "QUALIFY", out, err);
    binder->aliases = NULL;
    TRY(st);
    if (ast_has_over(select->qualify) || binder->alias_hits > before) return ST_OK;
    return error_at(err, ST_VALIDATION, select->qualify->span.place,
                    "QUALIFY expression must contain a window function");
}

// The domain's columns behind the items.
static Status add_domain(Binder *binder, const AstSelect *select, Items *items, Error *err) {
    bool total = binder->groups && !select->has_group && binder->domain->count;
    if (total) TRY(bind_domain_empty(binder, items->expr, items->count, err));
    for (uint32_t i = 0; i < binder->domain->count; i++) {
        items_add(binder->arena, items, bind_domain_column(binder, i),
                  str_printf(binder->arena, "$d%u", i), NULL);
    }
    items->said = NULL;  // a subquery's names are nobody's
    return ST_OK;
}

static Status bind_select(Binder *binder, const AstQuery *query, Plan **out, Error *err) {
    const AstSelect *select = query->select;
    binder->select = select;
    if (select->stream) {
        return error_at(err, ST_VALIDATION, query->span.place, "SELECT STREAM is not supported");
    }
    bool grouped = select_is_grouped(binder->context, select);
    TRY(bind_check_select_hints(&select->hints, select->from, grouped, err));
    TRY(bind_check_lookup_hints(&select->hints, select->from, err));
    TRY(bind_select_input(binder, select, err));
    TRY(bind_window_clause(binder, select, grouped, err));
    Items items = {0};
    OrderKey *order = NULL;
    binder->allow_agg = binder->allow_over = true;
    if (grouped) TRY(bind_group(binder, select, err));
    TRY(bind_items(binder, select, &items, err));
    if (binder->domain) TRY(add_domain(binder, select, &items, err));
    uint32_t visible = items.count;
    Expr *having = NULL, *qualify = NULL;
    if (select->having) {
        binder->unmerged = true;
        TRY(bind_having(binder, select->having, &having, err));
        binder->unmerged = false;
    }
    if (select->qualify) TRY(bind_qualify(binder, select, &qualify, err));
    binder->unmerged = true;
    if (query->order.count) TRY(bind_order(binder, query, &items, &order, err));
    binder->unmerged = false;
    if (binder->groups) TRY(bind_group_plan(binder, select, err));
    TRY(bind_late_joins(binder, err));
    binder->plan = plan_filter(binder->context, binder->plan, having);
    if (binder->over) TRY(bind_over_plan(binder, err));
    binder->plan = plan_filter(binder->context, binder->plan, qualify);
    Plan *plan = plan_project(binder->context, binder->plan, items.expr, items.name, items.count);
    if (select->quantifier == QUANT_DISTINCT) {
        if (items.count > visible) {
            return error_at(err, ST_VALIDATION, query->order.at[0].span.place,
                            "expression is not in the select clause");
        }
        TRY(bind_distinct(binder, &plan, err));
    }
    if (keeps_order(binder, query)) {
        plan = plan_sorted(binder, plan, order, query->order.count);
        TRY(bind_limit(query, plan, err));
    }
    *out = first_columns(binder, plan, &items, visible);
    if (items.said) {
        (*out)->said = type_row(binder->arena, visible, (*out)->type->child, items.said, false);
    }
    return ST_OK;
}

// ---- set operations ----------------------------------------------------------------------------

// Casts the columns of [plan] to those of [row].
static Plan *plan_cast(Binder *binder, Plan *plan, const Type *row) {
    uint32_t count = row->child_count;
    Expr **expr = ARENA_ARRAY(binder->arena, Expr *, count + 1);
    bool same = true;
    for (uint32_t i = 0; i < count; i++) {
        Expr *column = expr_column(binder->arena, i, plan->type->child[i]);
        expr[i] = expr_cast(binder->arena, column, row->child[i], false);
        same &= expr[i] == column;
    }
    return same ? plan : plan_project(binder->context, plan, expr, row->field, count);
}

static Status bind_set_op(Binder *binder, const AstQuery *query, Plan **out, Error *err) {
    Arena *arena = binder->arena;
    Plan *left, *right;
    TRY(bind_query_in(binder, binder->context, query->set.left, &left, err));
    TRY(bind_query_in(binder, binder->context, query->set.right, &right, err));
    uint32_t count = left->type->child_count;
    const Type *said = left->said;
    static const char *const NAMES[] = {"UNION", "INTERSECT", "EXCEPT"};
    if (right->type->child_count != count) {
        return error_at(err, ST_VALIDATION, query->span.place,
                        "column count mismatch in %s: %u and %u", NAMES[query->set.op], count,
                        right->type->child_count);
    }
    const Type **type = ARENA_ARRAY(arena, const Type *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const Type *pair[2] = {left->type->child[i], right->type->child[i]};
        type[i] = type_common(arena, pair, 2);
        if (!type[i]) {
            return error_at(err, ST_VALIDATION, query->span.place,
                            "type mismatch in column %u of %s", i + 1, NAMES[query->set.op]);
        }
        // UNION ALL only lines rows up: times stay times, as far as the first input's are.
        bool keeps = query->set.op == SET_UNION && query->set.all;
        type[i] = type_attribute(arena, type[i], (TimeAttribute)pair[0]->attribute);
        if (!keeps) type[i] = type_attribute(arena, type[i], TIME_NONE);
    }
    const Type *row = type_row(arena, count, type, left->type->field, false);
    left = plan_cast(binder, left, row);
    right = plan_cast(binder, right, row);
    if (query->set.op != SET_UNION) {
        return bind_intersect(binder, query, left, right, row, out, err);
    }
    Plan *plan = plan_new(binder->context, PLAN_UNION, row, 2);
    plan->input[0] = left;
    plan->input[1] = right;
    if (!query->set.all) TRY(bind_distinct(binder, &plan, err));
    plan->said = said;
    *out = plan;
    return ST_OK;
}

// ---- the whole ---------------------------------------------------------------------------------

static Status bind_body(Binder *binder, const AstQuery *query, Plan **out, Error *err) {
    if (query->kind == Q_SELECT) return bind_select(binder, query, out, err);
    binder->scope =
        scope_single(binder->arena, type_row(binder->arena, 0, NULL, NULL, false), (Str){0});
    Expansion *expansion = binder->context->expansion;
    bool wrap = expansion && (query->order.count || query->fetch || query->offset) &&
                (query->kind == Q_SET_OP || query->kind == Q_VALUES);
    Str alias = wrap ? expansion_alias(expansion, query) : (Str){0};
    if (query->kind == Q_VALUES) {
        TRY(bind_values(binder, query, out, err));
    } else if (query->kind == Q_TABLE) {
        ObjectName object = {0};
        AstHints none = {0};
        TRY(bind_named_table(binder, &query->table, &none, out, &object, err));
        if (expansion) {
            expansion_whole_table(expansion, query, &object, (*out)->type);
        }
    } else if (query->kind == Q_NESTED) {
        TRY(bind_query_in(binder, binder->context, query->nested, out, err));
    } else {
        TRY(bind_set_op(binder, query, out, err));
    }
    if (!query->order.count && !query->fetch && !query->offset) return ST_OK;
    if (wrap) expansion_wrap(expansion, query, alias, (*out)->type);
    Items items = {0};
    for (uint32_t i = 0; i < (*out)->type->child_count; i++) {
        Expr *column = expr_column(binder->arena, i, (*out)->type->child[i]);
        items_add(binder->arena, &items, column, (*out)->type->field[i], NULL);
    }
    uint32_t visible = items.count;
    OrderKey *order = NULL;
    binder->plan = *out;
    binder->scope = scope_single(binder->arena, (*out)->type, (Str){0});
    TRY(bind_order(binder, query, &items, &order, err));
    if (!keeps_order(binder, query)) return ST_OK;
    if (items.count > visible) {
        *out = plan_project(binder->context, *out, items.expr, items.name, items.count);
    }
    *out = plan_sorted(binder, *out, order, query->order.count);
    TRY(bind_limit(query, *out, err));
    *out = first_columns(binder, *out, &items, visible);
    return ST_OK;
}

// A common table expression is bound where it stands, be it used or not.
static Status bind_cte(Cte *cte, Error *err) {
    const AstWith *with = cte->ast;
    Binder *binder = cte->binder;
    TRY(bind_query_in(binder, binder->context, with->query, &cte->plan, err));
    if (cte->plan->said && !with->column.count) {
        return error_at(err, ST_VALIDATION, with->name.span.place,
                        "two columns of '" STR_FMT "' have the same name and no column list tells "
                        "them apart",
                        STR_ARG(cte->name));
    }
    return bind_column_aliases(binder, &cte->plan, &with->column, err);
}

enum { PLAN_NODES_MAX = 20000 };

Status bind_query_domain(Binder *parent, PlanContext *context, const AstQuery *query,
                         Domain *domain, Plan **out, Error *err) {
    Binder binder = {
        .context = context, .arena = context->arena, .parent = parent, .domain = domain};
    // A few lines can stand for any number: WITH queries and views are planned where they are used.
    if (context->next_id > PLAN_NODES_MAX) {
        return error_at(
            err, ST_VALIDATION, query->span.place,
            "the statement comes to more than %d operators: WITH queries and views count "
            "as often as they are used",
            PLAN_NODES_MAX);
    }
    for (uint32_t i = 0; i < query->with_count; i++) {
        Cte *cte = ARENA_NEW(context->arena, Cte);
        *cte = (Cte){query->with[i].name.name, &query->with[i], NULL, binder.cte, &binder};
        if (query->recursive) binder.cte = cte;
        TRY(bind_cte(cte, err));  // it sees those before it
        binder.cte = cte;
    }
    return bind_body(&binder, query, out, err);
}

Status bind_query_in(Binder *parent, PlanContext *context, const AstQuery *query, Plan **out,
                     Error *err) {
    return bind_query_domain(parent, context, query, NULL, out, err);
}

Status bind_query(PlanContext *context, const AstQuery *query, Plan **out, Error *err) {
    return bind_query_in(NULL, context, query, out, err);
}
