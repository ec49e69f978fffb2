// The right side of a join that depends on the row of the left: UNNEST of a collection, LATERAL
// subqueries, and versions of a table (FOR SYSTEM_TIME AS OF).
#include "plan/bind.h"

static Status check_type(const AstFrom *from, JoinType type, Error *err) {
    if (type == JOIN_TYPE_INNER || type == JOIN_TYPE_LEFT) return ST_OK;
    return error_at(err, ST_VALIDATION, from->span.place,
                    "only INNER and LEFT joins can have a right side that depends on the left one");
}

// ---- UNNEST ------------------------------------------------------------------------------------

// The columns that one element gives: a ROW its fields, a map key and value, anything else itself.
static Status element_columns(Arena *arena, const Type *collection, const AstFrom *from,
                              const Type **child, Str *name, uint32_t *count, Error *err) {
    if (!type_is_list(collection)) {
        return error_at(err, ST_VALIDATION, from->span.place,
                        "UNNEST needs an ARRAY, MAP or MULTISET");
    }
    const Type *element = collection->child[0];
    *count = 0;
    if (collection->kind == TYPE_MAP) {
        for (uint32_t i = 0; i < 2; i++) {
            child[*count] = collection->child[i];
            name[(*count)++] = i ? STR("VALUE") : STR("KEY");
        }
    } else if (element->kind == TYPE_ROW) {
        for (uint32_t i = 0; i < element->child_count; i++) {
            child[*count] = type_nullable(arena, element->child[i],
                                          element->child[i]->nullable || element->nullable);
            name[(*count)++] = element->field[i];
        }
    } else {
        child[*count] = element;
        name[(*count)++] = STR("EXPR$0");
    }
    // AS x without names of columns names the only one, too.
    if (*count == 1 && ast_ident_given(from->alias)) name[0] = from->alias.name;
    if (from->unnest.ordinality) {
        child[*count] = type_of(TYPE_INT, false);
        name[(*count)++] = STR("ORDINALITY");
    }
    return ST_OK;
}

// [left] with the elements of its collection beside it; *scope sees both.
static Status unnest_plan(Binder *binder, const AstFrom *from, Plan *left, const Scope *left_scope,
                          JoinType type, const AstExpr *on, Plan **plan, Scope **scope,
                          Error *err) {
    Arena *arena = binder->arena;
    if (from->unnest.expr.count != 1) {
        return error_at(err, ST_UNSUPPORTED, from->span.place,
                        "UNNEST of several collections is not supported");
    }
    TRY(check_type(from, type, err));
    Binder element = *binder;
    element.scope = (Scope *)(uintptr_t)left_scope;
    element.allow_agg = element.allow_over = false;
    element.groups = NULL;
    Expr *collection;
    TRY(bind_expr(&element, from->unnest.expr.at[0], &collection, err));
    TRY(expr_fold(binder->context, &collection, err));
    uint32_t in = left->type->child_count, most = in + TYPE_FIELDS_MAX + 1, count = 0;
    const Type **child = ARENA_ARRAY(arena, const Type *, most);
    Str *name = ARENA_ARRAY(arena, Str, most);
    TRY(element_columns(arena, collection->type, from, child + in, name + in, &count, err));
    if (from->column.count && from->column.count != count) {
        return error_at(err, ST_VALIDATION, from->column.at[0].span.place,
                        "list of column aliases must have same degree as table; table has %u "
                        "columns, whereas alias "
                        "list has %u columns",
                        count, from->column.count);
    }
    // A constant collection does not depend on the row: Flink plans a regular join then, above
    // which there are no time attributes.
    bool regular = expr_is_constant(collection);
    binder->context->correlates += !regular;
    for (uint32_t i = 0; i < in; i++) {
        child[i] = left->type->child[i];
        if (regular) child[i] = type_attribute(arena, child[i], TIME_NONE);
        name[i] = left->type->field[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        if (from->column.count) name[in + i] = from->column.at[i].name;
        if (type == JOIN_TYPE_LEFT) child[in + i] = type_nullable(arena, child[in + i], true);
    }
    Plan *unnest =
        plan_new(binder->context, PLAN_UNNEST, type_row(arena, in + count, child, name, false), 1);
    unnest->input[0] = left;
    unnest->collection = collection;
    unnest->ordinality = from->unnest.ordinality;
    unnest->outer = type == JOIN_TYPE_LEFT;
    *plan = unnest;
    Scope *right = scope_single(
        arena, type_row(arena, count, child + in, name + in, false), from->alias.name);
    right->item[0].printed = bind_relation_alias(binder, from);
    *scope = scope_join(arena, left_scope, right, unnest->type);
    if (!on) return ST_OK;
    element.scope = *scope;
    Expr *condition;
    TRY(bind_condition(&element, on, "ON", &condition, err));
    if (type == JOIN_TYPE_LEFT) {
        if (!expr_is_true(condition)) unnest->condition = condition;
    } else {
        *plan = plan_filter(binder->context, unnest, condition);
    }
    return ST_OK;
}

// ---- table functions of the user's -------------------------------------------------------------

// [left] with the rows that the function gives for each of its own beside it; *scope sees both.
static Status apply_plan(Binder *binder, const AstFrom *from, const Udf *udf, Plan *left,
                         const Scope *left_scope, JoinType type, const AstExpr *on, Plan **plan,
                         Scope **scope, Error *err) {
    Arena *arena = binder->arena;
    Binder row = *binder;
    row.scope = (Scope *)(uintptr_t)left_scope;
    row.allow_agg = row.allow_over = false;
    row.groups = NULL;
    uint32_t in = left->type->child_count, own = udf->result->child_count;
    Expr **arg;
    uint32_t count;
    TRY(bind_udf_args(&row, from->function.call, udf, &arg, &count, err));
    for (uint32_t i = 0; i < count; i++) TRY(expr_fold(binder->context, &arg[i], err));
    if (from->column.count && from->column.count != own) {
        return error_at(err, ST_VALIDATION, from->column.at[0].span.place,
                        "list of column aliases must have same degree as table; table has %u "
                        "columns, whereas alias list has %u columns",
                        own, from->column.count);
    }
    const Type **child = ARENA_ARRAY(arena, const Type *, in + own + 1);
    Str *name = ARENA_ARRAY(arena, Str, in + own + 1);
    for (uint32_t i = 0; i < in + own; i++) {
        const Type *of = i < in ? left->type->child[i] : udf->result->child[i - in];
        bool padded = i >= in && type == JOIN_TYPE_LEFT;
        child[i] = padded ? type_nullable(arena, of, true) : of;
        name[i] = i < in               ? left->type->field[i]
                  : from->column.count ? from->column.at[i - in].name
                                       : udf->result->field[i - in];
    }
    Plan *apply =
        plan_new(binder->context, PLAN_APPLY, type_row(arena, in + own, child, name, false), 1);
    apply->input[0] = left;
    apply->udf = udf;
    apply->function = udf->name;
    apply->func_arg = arg;
    apply->func_arg_count = count;
    apply->outer = type == JOIN_TYPE_LEFT;
    *plan = apply;
    const Type *right = type_row(arena, own, child + in, name + in, false);
    *scope = scope_join(arena, left_scope, scope_single(arena, right, from->alias.name),
                        apply->type);
    if (!on) return ST_OK;
    row.scope = *scope;
    Expr *condition;
    TRY(bind_condition(&row, on, "ON", &condition, err));
    if (type == JOIN_TYPE_LEFT && !expr_is_true(condition)) {
        (void)error_at(err, ST_VALIDATION, on->span.place,
                       "LEFT JOIN with a table function takes no condition but TRUE");
        error_hint(err, "put the condition into the function, or join a subquery");
        return ST_VALIDATION;
    }
    *plan = plan_filter(binder->context, apply, condition);
    return ST_OK;
}

Plan *bind_one_row(Binder *binder, Scope **scope) {
    const Type *none = type_row(binder->arena, 0, NULL, NULL, false);
    Plan *one = plan_new(binder->context, PLAN_VALUES, none, 0);
    one->row_count = 1;
    *scope = scope_single(binder->arena, none, (Str){0});
    return one;
}

Status bind_apply(Binder *binder, const AstFrom *from, const Udf *udf, Plan **plan, Error *err) {
    AstFrom plain = *from;
    plain.column = (AstIdents){0};  // the caller renames
    Scope *empty, *both;
    Plan *one = bind_one_row(binder, &empty);
    return apply_plan(binder, &plain, udf, one, empty, JOIN_TYPE_INNER, NULL, plan, &both, err);
}

static bool reads_column(const Expr *expr) {
    if (expr->kind == EXPR_COLUMN) return true;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (reads_column(expr->arg[i])) return true;
    }
    return false;
}

Status bind_unnest(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope, Error *err) {
    Scope *empty, *both;
    Plan *one = bind_one_row(binder, &empty);
    TRY(unnest_plan(binder, from, one, empty, JOIN_TYPE_INNER, NULL, plan, &both, err));
    if (reads_column((*plan)->collection)) {  // of an outer query
        return error_at(err, ST_UNSUPPORTED, from->span.place,
                        "UNNEST of a column of an outer query is not supported");
    }
    Str printed = both->item[both->item_count - 1].printed;
    *scope = scope_single(binder->arena, (*plan)->type, from->alias.name);
    (*scope)->item[0].printed = printed;
    return ST_OK;
}

// ---- the join ----------------------------------------------------------------------------------

Status bind_lateral(Binder *binder, const AstFrom *from, Plan *left, Scope *left_scope,
                    JoinType type, Plan **plan, Scope **scope, bool *taken, Error *err) {
    const AstFrom *right = from->join.right;
    *taken = true;
    if (right->kind == FROM_UNNEST) {
        return unnest_plan(binder, right, left, left_scope, type, from->join.on, plan, scope, err);
    }
    if (right->kind == FROM_QUERY && right->lateral) {
        TRY(check_type(from, type, err));
        return bind_lateral_query(binder, from, left, left_scope, type, plan, scope, err);
    }
    if (right->kind == FROM_FUNCTION && right->lateral) {
        const Udf *udf;
        if (str_eq_nocase(right->function.call->call->name, STR("VECTOR_SEARCH"))) {
            TRY(check_type(from, type, err));
            return bind_vector_lateral(binder, right, left, left_scope, type, from->join.on, plan,
                                       scope, err);
        }
        TRY(bind_find_udf(binder->context, right->function.call->call, &udf, err));
        if (udf && udf->def->kind == WEIR_TABLE) {
            TRY(check_type(from, type, err));
            return apply_plan(binder, right, udf, left, left_scope, type, from->join.on, plan,
                              scope, err);
        }
    }
    if (right->as_of) {
        return bind_as_of(binder, from, left, left_scope, type, plan, scope, err);
    }
    *taken = false;
    return ST_OK;
}

// ---- FOR SYSTEM_TIME AS OF ---------------------------------------------------------------------

static Status bad_as_of(const AstFrom *right, const char *what, Error *err) {
    return error_at(err, ST_VALIDATION, right->as_of->span.place, "%s", what);
}

// What has been an event time serves as one here: MAX(ts).
static bool is_rowtime(const Type *type) {
    return type->attribute == TIME_ROWTIME ||
           (type->attribute == TIME_NONE && type->was_attribute == TIME_ROWTIME);
}

static int64_t rowtime_column(const Type *row) {
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (is_rowtime(row->child[i])) return i;
    }
    return -1;
}

static bool asks_nothing(const Expr *condition) {
    return condition->kind == EXPR_CALL && condition->arg_count == 1 &&
           strcmp(condition->call->func->name, "IS NOT NULL") == 0 &&
           !condition->arg[0]->type->nullable;
}

// Without the rows that a filter takes away the versions before them would last too long.
static bool is_filtered(const Plan *plan) {
    bool filtered = false;
    for (; plan->input_count == 1; plan = plan->input[0]) {
        bool passes = plan->kind == PLAN_PROJECT || plan->kind == PLAN_WATERMARK;
        if (!passes && plan->kind != PLAN_FILTER) return false;
        filtered |= plan->kind == PLAN_FILTER && !asks_nothing(plan->condition);
    }
    return filtered && plan->kind == PLAN_SCAN;
}

Status bind_as_of(Binder *binder, const AstFrom *from, Plan *left, Scope *left_scope, JoinType type,
                  Plan **plan, Scope **scope, Error *err) {
    Arena *arena = binder->arena;
    AstFrom right_ast = *from->join.right;
    TRY(check_type(from, type, err));
    right_ast.as_of = NULL;
    Plan *right = NULL;
    Scope *right_scope = NULL;
    TRY(bind_from(binder, &right_ast, &right, &right_scope, err));
    Binder on = *binder;
    on.scope = left_scope;
    on.allow_agg = on.allow_over = false;
    on.groups = NULL;
    Expr *time;
    TRY(bind_expr(&on, from->join.right->as_of, &time, err));
    if (binder->context->batch && time->type->attribute != TIME_PROCTIME) {
        return bad_as_of(from->join.right,
                         "event-time temporal joins are not supported in batch mode", err);
    }
    bool timed = time->type->attribute != TIME_NONE || is_rowtime(time->type);
    if (time->kind != EXPR_COLUMN || !timed) {
        return bad_as_of(from->join.right,
                         "FOR SYSTEM_TIME AS OF needs a time attribute of the left table", err);
    }
    if (time->type->attribute == TIME_PROCTIME) {
        return bind_lookup(binder, from, left, left_scope, right, right_scope, type, plan, scope,
                           err);
    }
    int64_t right_time = rowtime_column(right->type);
    if (right_time < 0) {
        return bad_as_of(
            from->join.right,
            "event-time temporal join requires both primary key and row time attribute "
            "in versioned table, but no row time attribute can be found",
            err);
    }
    if (is_filtered(right)) {
        return bad_as_of(from->join.right,
                         "Filter is not allowed for right changelog input of event time temporal "
                         "join, it will corrupt the versioning of data: put it into the condition, "
                         "or behind the join",
                         err);
    }
    uint32_t columns = left->type->child_count + right->type->child_count;
    const Type **child = ARENA_ARRAY(arena, const Type *, columns + 1);
    Str *name = ARENA_ARRAY(arena, Str, columns + 1);
    for (uint32_t i = 0; i < columns; i++) {
        bool l = i < left->type->child_count;
        const Type *of = l ? left->type->child[i] : right->type->child[i - left->type->child_count];
        child[i] = !l && type == JOIN_TYPE_LEFT ? type_nullable(arena, of, true) : of;
        name[i] = l ? left->type->field[i] : right->type->field[i - left->type->child_count];
    }
    Scope *both =
        scope_join(arena, left_scope, right_scope, type_row(arena, columns, child, name, false));
    Expr *condition = NULL;
    on.scope = both;
    if (from->join.on) {
        TRY(bind_condition(&on, from->join.on, "ON", &condition, err));
    } else if (from->join.natural || from->join.column.count) {
        TRY(bind_using(binder, from, left_scope, right_scope, both, &condition, err));
    }
    TRY(plan_join_versions(binder->context, left, right, type, condition, plan, err));
    Plan *join = *plan;
    while (join->kind == PLAN_PROJECT) join = join->input[0];
    join->kind = PLAN_TEMPORAL_JOIN;
    join->time_column = time->column;
    join->right_time_column = (uint32_t)right_time;
    // The left rows keep their time, and with it their attribute.
    const Type **kept = arena_dup(arena, join->type->child, join->type->child_count * sizeof *kept);
    kept[time->column] = type_attribute(arena, kept[time->column], time->type->attribute);
    join->type = type_row(arena, join->type->child_count, kept, join->type->field, false);
    if (*plan != join) {
        const Type **top =
            arena_dup(arena, (*plan)->type->child, (*plan)->type->child_count * sizeof *top);
        top[time->column] = kept[time->column];
        (*plan)->type =
            type_row(arena, (*plan)->type->child_count, top, (*plan)->type->field, false);
    }
    both->row = (*plan)->type;
    *scope = both;
    return ST_OK;
}
