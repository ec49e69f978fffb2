// TO_CHANGELOG(input => TABLE t, op => DESCRIPTOR(op), op_mapping => MAP[…]): changes as inserts
// with a column that names the change; FROM_CHANGELOG(…): the other way.
#include "plan/bind.h"

static const char *const OPS[] = {"INSERT", "UPDATE_BEFORE", "UPDATE_AFTER", "DELETE"};
enum { OPS_MAX = 32 };

static const char *const ARG_NAMES[] = {"input", "op", "op_mapping"};

static Status sort_args(const AstExpr *ast, const AstExpr *out[3], Error *err) {
    const AstCall *call = ast->call;
    for (uint32_t i = 0; i < call->arg.count; i++) {
        const AstExpr *arg = call->arg.at[i];
        uint32_t at = i;
        if (arg->kind == EX_NAMED) {
            at = 0;
            while (at < 3 && !str_eq(arg->named.name.name, str_c(ARG_NAMES[at]))) at++;
            if (at == 3 &&
                (str_is(arg->named.name.name, "uid") || str_is(arg->named.name.name, "on_time"))) {
                continue;
            }
            arg = arg->named.value;
        }
        if (at >= 3 || out[at]) {
            return error_at(err, ST_VALIDATION, ast->span.place, "invalid arguments to " STR_FMT
                            ": it takes input, op and op_mapping", STR_ARG(call->name));
        }
        out[at] = arg;
    }
    if (out[0]) return ST_OK;
    return error_at(err, ST_VALIDATION, ast->span.place, STR_FMT " needs a table",
                    STR_ARG(call->name));
}

static bool op_kind(Str name, uint8_t *kind) {
    for (*kind = 0; *kind < 4; (*kind)++) {
        if (str_eq(str_trim(name), str_c(OPS[*kind]))) return true;
    }
    return false;
}

// op_mapping: for TO_CHANGELOG kind => code, for FROM_CHANGELOG code => kind; a key may list
// several, parted by commas.
static Status mapping(Binder *binder, const AstExpr *ast, bool to, Plan *plan, Error *err) {
    Arena *arena = binder->arena;
    plan->op_code = ARENA_ARRAY(arena, Str, OPS_MAX);
    plan->op_kind = ARENA_ARRAY(arena, uint8_t, OPS_MAX);
    if (!ast) {
        for (uint8_t kind = 0; kind < 4; kind++) {
            plan->op_code[kind] = str_c(OPS[kind]);
            plan->op_kind[kind] = kind;
        }
        plan->op_count = 4;
        return ST_OK;
    }
    Binder constants = {.context = binder->context, .arena = arena};
    constants.scope = scope_single(arena, type_row(arena, 0, NULL, NULL, false), (Str){0});
    Expr *map;
    TRY(bind_expr(&constants, ast, &map, err));
    TRY(expr_fold(binder->context, &map, err));
    if (map->kind != EXPR_LITERAL || map->type->kind != TYPE_MAP ||
        !type_is_text(map->type->child[0]) || !type_is_text(map->type->child[1]) ||
        vec_is_null(map->value, 0)) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "op_mapping needs a constant MAP of texts");
    }
    ListView view = vec_list(map->value)[0];
    for (uint32_t i = 0; i < view.count; i++) {
        Str key = vec_str(map->value->child[0])[view.offset + i],
            value = vec_str(map->value->child[1])[view.offset + i];
        while (key.len) {
            int64_t comma = str_find(key, STR(","), 0);
            Str part = str_trim(comma < 0 ? key : str_sub(key, 0, (uint32_t)comma));
            key = comma < 0 ? (Str){NULL, 0} : str_sub(key, (uint32_t)comma + 1, key.len);
            Str code = to ? str_trim(value) : part, name = to ? part : value;
            uint8_t kind;
            if (!op_kind(name, &kind)) {
                return error_at(err, ST_VALIDATION, ast->span.place,
                                "unknown change operation '" STR_FMT
                                "'; there are INSERT, "
                                "UPDATE_BEFORE, UPDATE_AFTER, DELETE",
                                STR_ARG(name));
            }
            for (uint32_t k = 0; k < plan->op_count; k++) {
                if (!(to ? plan->op_kind[k] == kind : str_eq(plan->op_code[k], code))) continue;
                return error_at(err, ST_VALIDATION, ast->span.place,
                                "op_mapping names '" STR_FMT "' twice", STR_ARG(part));
            }
            if (plan->op_count == OPS_MAX) {
                return error_at(err, ST_VALIDATION, ast->span.place, "op_mapping is too long");
            }
            plan->op_code[plan->op_count] = code;
            plan->op_kind[plan->op_count++] = kind;
        }
    }
    return ST_OK;
}

static Status op_name(const AstExpr *ast, Str *out, Error *err) {
    *out = STR("op");
    if (!ast) return ST_OK;
    if (ast->kind != EX_CALL || !str_is(ast->call->name, "DESCRIPTOR") ||
        ast->call->arg.count != 1 || ast->call->arg.at[0]->kind != EX_NAME) {
        return error_at(err, ST_VALIDATION, ast->span.place, "op needs DESCRIPTOR(column)");
    }
    *out = ast_name_last(ast->call->arg.at[0]->name);
    return ST_OK;
}

Status bind_changelog(Binder *binder, const AstExpr *ast, bool to, Plan **out, Error *err) {
    if (binder->context->batch) {  // nothing changes there
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "TO_CHANGELOG and FROM_CHANGELOG are not supported in batch mode");
    }
    const AstExpr *arg[3] = {NULL, NULL, NULL};
    Arena *arena = binder->arena;
    TRY(sort_args(ast, arg, err));
    if (arg[0] && arg[0]->kind == EX_TABLE && arg[0]->table.has_partition) {
        return error_at(
            err, ST_VALIDATION, arg[0]->span.place,
            "only tables with set semantics may be partitioned: this one is taken row by row");
    }
    Plan *input = NULL;
    TRY(bind_table_arg(binder, arg[0], &input, err));
    Str name;
    TRY(op_name(arg[1], &name, err));
    uint32_t in = input->type->child_count, op = 0, count = 0;
    while (op < in && !str_eq(input->type->field[op], name)) op++;
    if (!to && op == in) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "the op column '" STR_FMT "' does not exist in the input schema",
                        STR_ARG(name));
    }
    if (!to && !type_is_text(input->type->child[op])) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "the op column '" STR_FMT "' must be text", STR_ARG(name));
    }
    const Type **child = ARENA_ARRAY(arena, const Type *, in + 2);
    Str *field = ARENA_ARRAY(arena, Str, in + 2);
    if (to) {
        child[count] = type_of(TYPE_VARCHAR, true);
        field[count++] = name;
    }
    for (uint32_t i = 0; i < in; i++) {
        if (!to && i == op) continue;
        child[count] = type_attribute(arena, input->type->child[i], TIME_NONE);
        field[count++] = input->type->field[i];
    }
    Plan *plan =
        plan_new(binder->context, PLAN_CHANGELOG, type_row(arena, count, child, field, false), 1);
    plan->input[0] = input;
    plan->to_changelog = to;
    plan->op_column = op;
    TRY(mapping(binder, arg[2], to, plan, err));
    *out = plan;
    return ST_OK;
}
