// Fields of ROW columns by their own names: SELECT city FROM p, where p has address ROW<city, zip>,
// is address.city. What Calcite calls StructKind.PEEK_FIELDS (RelRecordType.getField): of columns,
// their fields, and fields of these the least deep counts, where it is the only one there.
#include "plan/bind.h"
#include "plan/expansion.h"

enum { DEPTH_MAX = 16 };  // of ROWs within ROWs; deeper ones are named in full

// How many fields have that name [depth] ROWs down in [row]; the way to the first goes into [path].
static uint32_t count_at(const Type *row, Str name, uint32_t depth, uint32_t *path) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < row->child_count; i++) {
        uint32_t below[DEPTH_MAX] = {0}, found = 0;
        if (!depth) {
            found = str_eq(row->field[i], name);
        } else if (row->child[i]->kind == TYPE_ROW) {
            found = count_at(row->child[i], name, depth - 1, below);
        }
        if (found && !count) {
            path[0] = i;
            memcpy(path + 1, below, depth * sizeof *path);
        }
        count += found;
    }
    return count;
}

// Among the columns of one relation: 0 or 1.
static uint32_t peek_item(Arena *arena, const Scope *scope, const ScopeItem *item, Str name,
                          Expr **out) {
    for (uint32_t depth = 0; depth < DEPTH_MAX; depth++) {
        uint32_t count = 0, path[DEPTH_MAX] = {0}, column = 0;
        for (uint32_t c = item->from; c < item->from + item->count; c++) {
            uint32_t way[DEPTH_MAX] = {0};
            if (c >= scope->row->child_count || scope->row->child[c]->kind != TYPE_ROW) continue;
            uint32_t found = count_at(scope->row->child[c], name, depth, way);
            if (found && !count) {
                column = c;
                memcpy(path, way, sizeof path);
            }
            count += found;
        }
        if (count > 1) return 0;
        if (!count) continue;
        *out = expr_column(arena, column, scope->row->child[column]);
        for (uint32_t i = 0; i <= depth; i++) *out = expr_field(arena, *out, path[i]);
        return 1;
    }
    return 0;
}

// Tells a view's expansion the whole way: relation, column, fields.
static void expand(Binder *binder, const AstExpr *ast, const ScopeItem *item, uint32_t used,
                   const Expr *field) {
    Str way[DEPTH_MAX + 2];
    uint32_t count = 0;
    if (!binder->context->expansion || !item->printed.ptr) return;
    for (; field->kind == EXPR_FIELD; field = field->arg[0]) {
        way[count++] = field->arg[0]->type->field[field->column];
    }
    way[count++] = binder->scope->row->field[field->column];
    way[count++] = item->printed;
    for (uint32_t i = 0; i < count / 2; i++) {
        Str swap = way[i];
        way[i] = way[count - 1 - i];
        way[count - 1 - i] = swap;
    }
    expansion_field(binder->context->expansion, ast, way, count, used);
}

uint32_t bind_peek(Binder *binder, const AstExpr *ast, uint32_t *used, Expr **out) {
    const AstName *name = &ast->name;
    const Scope *scope = binder->scope;
    if (!scope || !binder->select) return 0;  // no computed column reads so
    const ScopeItem *of = NULL;
    uint32_t count = 0;
    *used = 2;
    for (uint32_t i = 0; name->count > 1 && i < scope->item_count; i++) {
        const ScopeItem *item = &scope->item[i];
        if (!item->name.ptr || !str_eq(item->name, name->part[0].name)) continue;
        if (!peek_item(binder->arena, scope, item, name->part[1].name, out)) continue;
        of = item;
        count++;
    }
    if (!of) *used = 1;
    for (uint32_t i = 0; *used == 1 && i < scope->item_count; i++) {
        Expr *found;
        const ScopeItem *item = &scope->item[i];
        if (!peek_item(binder->arena, scope, item, name->part[0].name, &found)) continue;
        if (count++) continue;
        *out = found;
        of = item;
    }
    if (count == 1) expand(binder, ast, of, *used, *out);
    return count;
}

bool bind_peeks_elsewhere(Binder *binder, Str name, uint32_t column) {
    const Scope *scope = binder->scope;
    for (uint32_t i = 0; scope->item_count > 1 && i < scope->item_count; i++) {
        const ScopeItem *item = &scope->item[i];
        Expr *found;
        if (column >= item->from && column < item->from + item->count) continue;
        if (peek_item(binder->arena, scope, item, name, &found)) return true;
    }
    return false;
}
