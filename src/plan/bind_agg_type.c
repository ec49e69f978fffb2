// Types of aggregates' arguments under GROUPING SETS, ROLLUP and CUBE.
//
// An aggregate sees the rows before they are grouped, where a key has its own type. But before
// Calcite types an argument it looks for what is unknown in it (inferUnknownTypes), and where an
// operator wants its operands' types for that, it gets those of the groups, in which a key that
// some set leaves out may be NULL; and what has a type keeps it. So MIN(a + 1) may be NULL, and
// MIN(1 + a) not.
#include "plan/bind.h"

// Expressions that are typed as in the groups.
struct GroupTyped {
    const Collected *groups;
    const AstExpr **at;
    uint32_t count, cap;
};

// Functions that Flink types by the types of all their arguments, and that would not be NULL
// without NULLs.
static bool wants_all(Str name) {
    static const char *const NAMES[] = {"GREATEST", "LEAST",      "COALESCE",     "IFNULL",
                                        "BTRIM",    "STARTSWITH", "ENDSWITH",     "JSON_QUOTE",
                                        "SPLIT",    "PRINTF",     "JSON_UNQUOTE", "TRANSLATE"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (str_eq(name, str_c(NAMES[i]))) return true;
    }
    return false;
}

// Operators that have their first operand's type stand for one that is unknown.
static bool wants_first(const AstCall *call) {
    static const char *const NAMES[] = {"+", "-",  "*", "/",  "=",    "<>",     "<",
                                        ">", "<=", ">=", "LIKE", "BETWEEN", "NOT BETWEEN"};
    if (call->syntax != SYN_BINARY && call->syntax != SYN_SPECIAL) return false;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (str_eq(call->name, str_c(NAMES[i]))) return true;
    }
    return false;
}

static void find_typed(Arena *arena, GroupTyped *typed, const AstExpr *ast, bool whole) {
    if (!ast) return;
    if (whole) ARENA_PUSH(arena, typed->at, typed->count, typed->cap, ast);
    switch (ast->kind) {
        case EX_CALL: {
            const AstCall *call = ast->call;
            bool all = whole || (call->syntax == SYN_FUNCTION && wants_all(call->name));
            for (uint32_t i = 0; i < call->arg.count; i++) {
                bool this_one = all || (i == 0 && wants_first(call));
                find_typed(arena, typed, call->arg.at[i], this_one);
            }
            break;
        }
        case EX_CASE:
            find_typed(arena, typed, ast->cases.operand, true);
            find_typed(arena, typed, ast->cases.otherwise, true);
            for (uint32_t i = 0; i < ast->cases.branch_count; i++) {
                find_typed(arena, typed, ast->cases.branch[i].when, true);
                find_typed(arena, typed, ast->cases.branch[i].then, true);
            }
            break;
        case EX_CAST: find_typed(arena, typed, ast->cast.value, true); break;
        default: break;
    }
}

GroupTyped *bind_group_typed(Arena *arena, const Collected *groups, const AstCall *call) {
    if (!groups->key_type_nullable) return NULL;
    GroupTyped *typed = ARENA_NEW(arena, GroupTyped);
    typed->groups = groups;
    for (uint32_t i = 0; i < call->arg.count; i++) {
        find_typed(arena, typed, call->arg.at[i], false);
    }
    return typed->count ? typed : NULL;
}

void bind_as_grouped(Arena *arena, const GroupTyped *typed, const AstExpr *ast, Expr **expr) {
    if ((*expr)->type->nullable) return;
    uint32_t i = 0;
    while (i < typed->count && typed->at[i] != ast) i++;
    if (i == typed->count) return;
    const Collected *groups = typed->groups;
    for (uint32_t k = 0; k < groups->key_count; k++) {
        if (!(groups->key_type_nullable >> k & 1) || !expr_equal(groups->key[k], *expr)) continue;
        *expr = arena_dup(arena, *expr, sizeof **expr);
        (*expr)->type = type_nullable(arena, (*expr)->type, true);
        return;
    }
}
