// plan/bind_match.h - shared by bind_match.c (the clauses) and bind_match_expr.c (expressions).
#pragma once

#include "plan/bind.h"
#include "plan/match.h"

// Which pattern variables an expression speaks of, as far as that matters.
typedef struct MatchVars {
    Str one;
    bool any, many;
} MatchVars;

// The state of binding one expression of DEFINE or MEASURES.
struct MatchBinding {
    MatchSpec *spec;
    const AstMatch *ast;
    const Scope *input;
    bool *used;         // per column of the input: some expression reads it
    MatchExpr *target;  // whose slots are collected
    uint32_t width;     // columns of the expressions' row so far
    bool measures;      // MEASURES, else DEFINE …
    int32_t current;    // … of this part, or of MATCH_NONE
    bool first;         // what a plain A.px is read as: FIRST or LAST, with this offset
    int32_t offset;
    bool in_agg;  // inside an aggregate's argument: a row of its variable
    MatchVars agg_vars;
};

// Number of the part called [name]; MATCH_NONE for a name that only DEFINE or SUBSET know. False:
// no such variable.
bool match_variable(const struct MatchBinding *match, Str name, int32_t *var);
// Refuses what Calcite's validator refuses about FIRST, LAST, PREV, NEXT and aggregates.
NODISCARD Status match_check(const AstExpr *ast, bool measures, Error *err);
