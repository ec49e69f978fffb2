#include "plan/expansion.h"

#include "plan/bind.h"

typedef enum EditKind { EDIT_EXPR, EDIT_FROM, EDIT_QUERY, EDIT_ITEMS } EditKind;

// One node of the tree and what is to stand there.
typedef struct Edit {
    EditKind kind;
    void *at;
    union {
        AstExpr expr;
        AstFrom from;
        AstQuery query;
        struct {
            AstItem *item;
            uint32_t count;
        } items;
    };
} Edit;

typedef struct Named {
    const void *relation;
    Str alias;
} Named;

struct Expansion {
    Arena *arena;
    Edit *edit;
    uint32_t count, cap;
    Named *named;
    uint32_t named_count, named_cap;
};

Expansion *expansion_new(Arena *arena) {
    Expansion *self = ARENA_NEW(arena, Expansion);
    self->arena = arena;
    return self;
}

Str expansion_alias(Expansion *self, const void *relation) {
    for (uint32_t i = 0; i < self->named_count; i++) {
        if (self->named[i].relation == relation) return self->named[i].alias;
    }
    Named named = {relation, str_printf(self->arena, "EXPR$%u", self->named_count)};
    ARENA_PUSH(self->arena, self->named, self->named_count, self->named_cap, named);
    return named.alias;
}

// Nodes are bound more than once; what they were found to be first is what they are.
static Edit *edit_add(Expansion *self, EditKind kind, const void *at) {
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->edit[i].at == at) return NULL;
    }
    Edit edit = {.kind = kind, .at = (void *)(uintptr_t)at};
    ARENA_PUSH(self->arena, self->edit, self->count, self->cap, edit);
    return &self->edit[self->count - 1];
}

static AstIdent ident(Str name) {
    return (AstIdent){.name = name, .quoted = true};
}

static AstName name_of(Arena *arena, Str relation, Str column) {
    AstName name = {.part = ARENA_ARRAY(arena, AstIdent, 2), .count = 2};
    name.part[0] = ident(relation);
    name.part[1] = ident(column);
    return name;
}

AstExpr *expansion_name(Arena *arena, Str relation, Str column) {
    AstExpr *expr = ARENA_NEW(arena, AstExpr);
    *expr = (AstExpr){.kind = EX_NAME, .name = name_of(arena, relation, column)};
    return expr;
}

static AstName full_name(Arena *arena, const ObjectName *object) {
    AstName name = {.part = ARENA_ARRAY(arena, AstIdent, 3), .count = 3};
    name.part[0] = ident(object->catalog);
    name.part[1] = ident(object->database);
    name.part[2] = ident(object->object);
    return name;
}

void expansion_column(Expansion *self, const AstExpr *ast, Str relation, Str column, uint32_t used,
                      Str twin) {
    Edit *edit = edit_add(self, EDIT_EXPR, ast);
    if (!edit) return;
    edit->expr = *ast;
    Arena *arena = self->arena;
    if (twin.ptr) {
        AstCall *call = ARENA_NEW(arena, AstCall);
        *call = (AstCall){.name = STR("COALESCE"), .syntax = SYN_FUNCTION};
        call->arg = (AstExprs){.at = ARENA_ARRAY(arena, AstExpr *, 2), .count = 2};
        call->arg.at[0] = expansion_name(arena, relation, column);
        call->arg.at[1] = expansion_name(arena, twin, column);
        edit->expr.kind = EX_CALL;
        edit->expr.call = call;
        return;
    }
    uint32_t fields = ast->name.count - used;
    AstName name = {.part = ARENA_ARRAY(arena, AstIdent, 2 + fields), .count = 2 + fields};
    name.part[0] = ident(relation);
    name.part[1] = ident(column);
    for (uint32_t i = 0; i < fields; i++) name.part[2 + i] = ident(ast->name.part[used + i].name);
    edit->expr.name = name;
}

void expansion_field(Expansion *self, const AstExpr *ast, const Str *way, uint32_t count,
                     uint32_t used) {
    Edit *edit = edit_add(self, EDIT_EXPR, ast);
    if (!edit) return;
    edit->expr = *ast;
    uint32_t rest = ast->name.count - used;
    AstName name = {.part = ARENA_ARRAY(self->arena, AstIdent, count + rest),
                    .count = count + rest};
    for (uint32_t i = 0; i < count; i++) name.part[i] = ident(way[i]);
    for (uint32_t i = 0; i < rest; i++) {
        name.part[count + i] = ident(ast->name.part[used + i].name);
    }
    edit->expr.name = name;
}

void expansion_pi(Expansion *self, const AstExpr *ast) {
    Edit *edit = edit_add(self, EDIT_EXPR, ast);
    if (!edit) return;
    AstCall *call = ARENA_NEW(self->arena, AstCall);
    *call = (AstCall){.name = STR("PI"), .syntax = SYN_FUNCTION};
    edit->expr = (AstExpr){.kind = EX_CALL, .span = ast->span, .call = call};
}

void expansion_table(Expansion *self, const AstFrom *from, const ObjectName *object) {
    Edit *edit = edit_add(self, EDIT_FROM, from);
    if (!edit) return;
    edit->from = *from;
    Str last = ast_name_last(from->table.name);
    // With hints there is no alias: Flink prints it before the hints, or not at all.
    bool alias = !ast_ident_given(from->alias) && !from->table.hints.count;
    if (alias) edit->from.alias = ident(last);
    if (object->object.ptr) edit->from.table.name = full_name(self->arena, object);
}

void expansion_relation(Expansion *self, const AstFrom *from, Str alias) {
    Edit *edit = edit_add(self, EDIT_FROM, from);
    if (!edit) return;
    edit->from = *from;
    edit->from.alias = ident(alias);
}

static AstQuery select_all(Arena *arena, AstFrom *from, Str relation, const Type *row) {
    AstSelect *select = ARENA_NEW(arena, AstSelect);
    select->from = from;
    select->item = ARENA_ARRAY(arena, AstItem, row->child_count + 1);
    select->item_count = row->child_count;
    for (uint32_t i = 0; i < row->child_count; i++) {
        select->item[i].expr = expansion_name(arena, relation, row->field[i]);
    }
    return (AstQuery){.kind = Q_SELECT, .select = select};
}

void expansion_whole_table(Expansion *self, const AstQuery *query, const ObjectName *object,
                           const Type *row) {
    Edit *edit = edit_add(self, EDIT_QUERY, query);
    if (!edit) return;
    AstFrom *from = ARENA_NEW(self->arena, AstFrom);
    Str alias = ast_name_last(query->table);
    *from = (AstFrom){.kind = FROM_TABLE, .alias = ident(alias)};
    from->table.name = object->object.ptr ? full_name(self->arena, object) : query->table;
    edit->query = *query;
    edit->query.kind = Q_SELECT;
    edit->query.select = select_all(self->arena, from, alias, row).select;
}

void expansion_argument(Expansion *self, const AstExpr *ast, AstQuery *query) {
    Edit *edit = edit_add(self, EDIT_EXPR, ast);
    if (!edit) return;
    edit->expr = *ast;
    if (ast->kind != EX_TABLE) edit->expr = (AstExpr){.kind = EX_TABLE, .span = ast->span};
    edit->expr.table.query = query;
}

const AstExpr *expansion_of(const Expansion *self, const AstExpr *ast) {
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->edit[i].at == ast) return &self->edit[i].expr;
    }
    return ast;
}

void expansion_items(Expansion *self, const AstSelect *select, AstItem *item, uint32_t count) {
    Edit *edit = edit_add(self, EDIT_ITEMS, select);
    if (!edit) return;
    edit->items.item = item;
    edit->items.count = count;
}

void expansion_wrap(Expansion *self, const AstQuery *query, Str alias, const Type *row) {
    Edit *edit = edit_add(self, EDIT_QUERY, query);
    if (!edit) return;
    Arena *arena = self->arena;
    AstFrom *from = ARENA_NEW(arena, AstFrom);
    *from = (AstFrom){.kind = FROM_QUERY, .alias = ident(alias)};
    edit->query = select_all(arena, from, alias, row);
    edit->query.with = query->with;
    edit->query.with_count = query->with_count;
    edit->query.order = query->order;
    edit->query.offset = query->offset;
    edit->query.fetch = query->fetch;
}

void expansion_function(Expansion *self, const AstExpr *ast, bool quoted) {
    const AstCall *call = ast->call;
    if (call->path.count != 1 || call->path.part[0].quoted == quoted) return;
    Edit *edit = edit_add(self, EDIT_EXPR, ast);
    if (!edit) return;
    edit->expr = *ast;
    edit->expr.call = arena_dup(self->arena, call, sizeof *call);
    edit->expr.call->path.part = ARENA_NEW(self->arena, AstIdent);
    bool translate = str_is(call->name, "TRANSLATE");  // Flink's parser has named it anew
    edit->expr.call->path.part[0] = ident(translate ? STR("TRANSLATE3") : call->path.part[0].name);
    edit->expr.call->path.part[0].quoted = quoted;
}

void expansion_group_window(Expansion *self, const AstExpr *ast) {
    Edit *edit = edit_add(self, EDIT_EXPR, ast);
    if (!edit) return;
    edit->expr = *ast;
    edit->expr.call = arena_dup(self->arena, ast->call, sizeof *ast->call);
    edit->expr.call->path.count = 0;
    edit->expr.call->name =
        str_printf(self->arena, "$" STR_FMT, STR_ARG(ast->call->name));
}

static void apply(Expansion *self, const Edit *edit) {
    switch (edit->kind) {
        case EDIT_EXPR: *(AstExpr *)edit->at = edit->expr; return;
        case EDIT_FROM: *(AstFrom *)edit->at = edit->from; return;
        case EDIT_ITEMS: {
            AstSelect *select = edit->at;
            select->item = edit->items.item;
            select->item_count = edit->items.count;
            return;
        }
        case EDIT_QUERY: {
            AstQuery *query = edit->at;
            if (query->kind == Q_SET_OP || query->kind == Q_VALUES) {
                // What is wrapped goes inside, without what stands around it now.
                AstQuery *inside = arena_dup(self->arena, query, sizeof *query);
                inside->with_count = inside->order.count = 0;
                inside->offset = inside->fetch = NULL;
                edit->query.select->from->query = inside;
            }
            *query = edit->query;
            return;
        }
    }
}

void expansion_apply(Expansion *self) {
    for (uint32_t i = 0; i < self->count; i++) apply(self, &self->edit[i]);
}
