// Names: scopes, the columns and fields that a name means in them, and what USING has merged.
#include "plan/bind_subquery.h"

Scope *scope_single(Arena *arena, const Type *row, Str alias) {
    Scope *scope = ARENA_NEW(arena, Scope);
    scope->row = row;
    scope->item = ARENA_ARRAY(arena, ScopeItem, 1);
    scope->item_count = 1;
    scope->item[0] =
        (ScopeItem){.name = alias, .from = 0, .count = row->child_count, .printed = alias};
    scope->hidden = ARENA_ARRAY(arena, bool, row->child_count + 1);
    return scope;
}

Scope *scope_join(Arena *arena, const Scope *left, const Scope *right, const Type *row) {
    Scope *scope = ARENA_NEW(arena, Scope);
    scope->row = row;
    scope->item_count = left->item_count + right->item_count;
    scope->item = ARENA_ARRAY(arena, ScopeItem, scope->item_count);
    scope->hidden = ARENA_ARRAY(arena, bool, row->child_count + 1);
    uint32_t shift = left->row->child_count;
    memcpy(scope->item, left->item, left->item_count * sizeof *scope->item);
    memcpy(scope->hidden, left->hidden, shift * sizeof(bool));
    for (uint32_t i = 0; i < right->item_count; i++) {
        scope->item[left->item_count + i] = right->item[i];
        scope->item[left->item_count + i].from += shift;
    }
    for (uint32_t i = 0; i < right->row->child_count && shift + i < row->child_count; i++) {
        scope->hidden[shift + i] = right->hidden[i];
    }
    scope->merged = ARENA_ARRAY(arena, Merged, row->child_count + 1);
    for (uint32_t i = 0; left->merged && i < shift; i++) scope->merged[i] = left->merged[i];
    for (uint32_t i = 0; right->merged && i < right->row->child_count; i++) {
        if (shift + i >= row->child_count) break;
        Merged merged = right->merged[i];
        merged.column = ARENA_ARRAY(arena, uint32_t, merged.count + 1);
        for (uint32_t k = 0; k < merged.count; k++) {
            merged.column[k] = right->merged[i].column[k] + shift;
        }
        scope->merged[shift + i] = merged;
    }
    scope->first_count = left->first_count + right->first_count;
    scope->first = ARENA_ARRAY(arena, uint32_t, scope->first_count + 1);
    for (uint32_t i = 0; i < scope->first_count; i++) {
        bool l = i < left->first_count;
        scope->first[i] = l ? left->first[i] : right->first[i - left->first_count] + shift;
    }
    return scope;
}

typedef struct Found {
    uint32_t column;
    uint32_t used;   // name parts used up
    uint32_t count;  // how many matches
} Found;

static void scope_find_bare(const Scope *scope, Str name, Found *found) {
    for (uint32_t c = 0; c < scope->row->child_count; c++) {
        if (scope->hidden[c] || !str_eq(scope->row->field[c], name)) continue;
        // What USING has merged goes before others of that name, for good.
        if (scope->merged && scope->merged[c].count > 1 && !scope->merged[c].nameless) {
            *found = (Found){c, 1, 1};
            return;
        }
        if (!found->count++) *found = (Found){c, 1, 1};
    }
}

static void scope_find(const Scope *scope, const AstName *name, Found *found) {
    *found = (Found){0};
    // t.c, then db.t.c, then cat.db.t.c; the longest table name first would hide fields.
    for (uint32_t parts = 1; parts <= 3 && parts < name->count; parts++) {
        Str table = name->part[parts - 1].name, column = name->part[parts].name;
        for (uint32_t i = 0; i < scope->item_count; i++) {
            const ScopeItem *item = &scope->item[i];
            if (!item->name.ptr || !str_eq(item->name, table)) continue;
            if (parts >= 2 && !str_eq(item->object.database, name->part[parts - 2].name)) continue;
            if (parts >= 3 && !str_eq(item->object.catalog, name->part[parts - 3].name)) continue;
            for (uint32_t c = item->from; c < item->from + item->count; c++) {
                if (c >= scope->row->child_count || !str_eq(scope->row->field[c], column)) continue;
                if (!found->count++) *found = (Found){c, parts + 1, 1};
            }
        }
        if (found->count) return;
    }
    scope_find_bare(scope, name->part[0].name, found);
}

static Status no_column(const Binder *binder, const AstName *name, Error *err) {
    const Scope *scope = binder->scope;
    Str column = ast_name_last(*name);
    const char **names = ARENA_ARRAY(binder->arena, const char *, scope->row->child_count + 1);
    for (uint32_t c = 0; c < scope->row->child_count; c++) {
        names[c] = str_cstr(binder->arena, scope->row->field[c]);
    }
    if (name->count > 1) {
        Str table = name->part[name->count - 2].name;
        bool known = false;
        for (uint32_t i = 0; i < scope->item_count; i++) {
            known |= str_eq(scope->item[i].name, table);
        }
        if (!known) {
            return error_at(err, ST_VALIDATION, name->part[0].span.place,
                            "table '" STR_FMT "' not found", STR_ARG(table));
        }
        (void)error_at(err, ST_VALIDATION, name->span.place,
                       "column '" STR_FMT "' not found in table '" STR_FMT "'", STR_ARG(column),
                       STR_ARG(table));
    } else {
        (void)error_at(err, ST_VALIDATION, name->span.place,
                       "column '" STR_FMT "' not found in any table", STR_ARG(column));
    }
    const char *near = text_nearest(column, names, scope->row->child_count);
    if (near) error_hint(err, "did you mean '%s'?", near);
    return ST_VALIDATION;
}

Status bind_fields(Binder *binder, const AstName *name, uint32_t from, Expr **expr,
                   Error *err) {
    for (uint32_t i = from; i < name->count; i++) {
        const Type *type = (*expr)->type;
        Str field = name->part[i].name;
        uint32_t at = 0;
        if (type->kind != TYPE_ROW) {
            return error_at(err, ST_VALIDATION, name->span.place,
                            "'" STR_FMT "' is not a ROW and has no field '" STR_FMT "'",
                            STR_ARG(name->part[i - 1].name), STR_ARG(field));
        }
        while (at < type->child_count && !str_eq(type->field[at], field)) at++;
        if (at == type->child_count) {
            return error_at(err, ST_VALIDATION, name->span.place, "field '" STR_FMT
                            "' not found", STR_ARG(field));
        }
        *expr = expr_field(binder->arena, *expr, at);
        (*expr)->place = name->span.place;
    }
    return ST_OK;
}

// In DEFINE and MEASURES a name is a column of a row of the match.
static Status bind_name_of_match(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Expr *expr = NULL;
    uint32_t used = 0;
    TRY(bind_match_name(binder, ast, &expr, &used, err));
    expr->place = ast->span.place;
    TRY(bind_fields(binder, &ast->name, used, &expr, err));
    *out = expr;
    return ST_OK;
}

static Str relation_of(const Scope *scope, uint32_t column) {
    for (uint32_t i = 0; i < scope->item_count; i++) {
        const ScopeItem *item = &scope->item[i];
        if (column >= item->from && column < item->from + item->count) return item->printed;
    }
    return (Str){0};
}

void scope_expand(Binder *binder, const Scope *scope, const AstExpr *ast, uint32_t at,
                  uint32_t used) {
    if (!binder->context->expansion) return;
    Str relation = relation_of(scope, at), column = scope->row->field[at];
    if (!relation.ptr) return;
    Str twin = {0};  // what USING has merged with it
    const Merged *merged = scope->merged ? &scope->merged[at] : NULL;
    if (merged && merged->count > 1 && ast->name.count == 1) {
        relation = relation_of(scope, merged->column[0]);
        twin = relation_of(scope, merged->column[1]);
    }
    expansion_column(binder->context->expansion, ast, relation, column, used, twin);
}

// The bare name stands for all columns of that name, merged or not.
static const Merged *same_named(Arena *arena, const Scope *scope, uint32_t at, const Merged *merged,
                                Merged *all) {
    const Type *row = scope->row;
    *all = (Merged){.column = ARENA_ARRAY(arena, uint32_t, row->child_count), .full = true};
    for (uint32_t c = 0; c < row->child_count; c++) {
        if (str_eq(row->field[c], row->field[at])) all->column[all->count++] = c;
    }
    return all->count > merged->count ? all : merged;
}

Status bind_merged(Binder *binder, const Scope *scope, uint32_t at, uint32_t count_max, Place place,
                   Expr **out, Error *err) {
    Arena *arena = binder->arena;
    *out = expr_column(arena, at, scope->row->child[at]);
    Merged all;
    const Merged *merged = scope->merged ? &scope->merged[at] : NULL;
    if (!merged || merged->count < 2) return ST_OK;
    if (count_max == 2) merged = same_named(arena, scope, at, merged, &all);
    uint32_t count = merged->count < count_max ? merged->count : count_max;
    Expr **arg = ARENA_ARRAY(arena, Expr *, count), *whole;
    for (uint32_t i = 0; i < count; i++) {
        arg[i] = expr_column(arena, merged->column[i], scope->row->child[merged->column[i]]);
        arg[i]->place = place;
    }
    TRY(expr_call(arena, binder->context->env, "COALESCE", arg, count, place, &whole, err));
    // Where the others are NULL with it, or all are equal, the column will do: its keys are known.
    bool enough = !merged->full && (merged->count == 2 || merged->column[0] == at);
    if (!enough || !type_equal(whole->type, (*out)->type)) *out = whole;
    return ST_OK;
}

Status bind_name(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    const AstName *name = &ast->name;
    Found found = {0};
    if (binder->match) {
        Status st = bind_name_of_match(binder, ast, out, err);
        if (st != ST_END) return st;
    } else {
        scope_find(binder->scope, name, &found);
    }
    // n.a where n is a column without fields here and a table of the query around.
    bool has_fields = found.count != 1 || found.used == name->count ||
                      binder->scope->row->child[found.column]->kind == TYPE_ROW;
    if (!has_fields && (binder->correlation || binder->domain)) found.count = 0;
    bool bare = found.count == 1 && found.used == 1 && !binder->match;
    if (bare && bind_peeks_elsewhere(binder, name->part[0].name, found.column)) found.count = 2;
    if (found.count > 1) {
        return error_at(err, ST_VALIDATION, name->span.place, "column '" STR_FMT "' is ambiguous",
                        STR_ARG(ast_name_last(*name)));
    }
    if (!found.count && !binder->match) {
        uint32_t used, fields = bind_peek(binder, ast, &used, out);
        if (fields > 1) {
            return error_at(err, ST_VALIDATION, name->span.place, "column '" STR_FMT
                            "' is ambiguous", STR_ARG(ast_name_last(*name)));
        }
        if (fields) {
            (*out)->place = ast->span.place;
            return bind_fields(binder, name, used, out, err);
        }
    }
    if (!found.count) {
        if (binder->correlation) {
            Status st = bind_outer_name(binder, ast, out, err);
            if (st != ST_END) return st;
        }
        if (binder->domain && !bind_domain_name(binder, ast, out)) return ST_OK;
        if (name->count == 1 &&
            str_eq_nocase(name->part[0].name, STR("PI"))) {  // no parentheses needed
            if (binder->context->expansion) expansion_pi(binder->context->expansion, ast);
            return expr_call(binder->arena, binder->context->env, "PI", NULL, 0, ast->span.place,
                             out, err);
        }
        return no_column(binder, name, err);
    }
    scope_expand(binder, binder->scope, ast, found.column, found.used);
    Expr *expr;
    if (found.used == 1 && binder->scope->merged && binder->scope->merged[found.column].count) {
        if (binder->unmerged || binder->scope->merged[found.column].nameless) {
            (void)error_at(err, ST_VALIDATION, name->span.place,
                           "column '" STR_FMT "' is ambiguous", STR_ARG(name->part[0].name));
            error_hint(err, "say which side's: what USING merges has its bare name in SELECT and "
                            "GROUP BY only, and not where another join goes over it");
            return ST_VALIDATION;
        }
        TRY(bind_merged(binder, binder->scope, found.column, 2, ast->span.place, &expr, err));
    } else {
        expr = expr_column(binder->arena, found.column, binder->scope->row->child[found.column]);
    }
    expr->place = ast->span.place;
    TRY(bind_fields(binder, name, found.used, &expr, err));
    *out = expr;
    return ST_OK;
}
