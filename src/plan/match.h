// plan/match.h - what MATCH_RECOGNIZE asks for, once bound: the pattern, and conditions and
// measures as expressions over a row of the match.
//
// The expressions' row: first the columns of the row at hand (in measures there is none, and nobody
// reads them), then what each slot stands for, in the order in which the binder met them:
//
//     [columns of the row at hand] [slot 0] [slot 1] …
//
// A slot for a row of the match, LAST(A.px, 1), has all columns of the input, NULL when there is no
// such row; one for an aggregate or for the match's time has a single column. So an expression is
// compiled once, and whoever evaluates it fills the slots that it names.
#pragma once

#include "plan/plan.h"

enum {
    MATCH_ANY = -1,   // all variables: px, COUNT(*)
    MATCH_NONE = -2,  // a name that the pattern does not have: it never has rows
};

// A variable of the pattern with its quantifier. Variables are numbered by their place.
typedef struct MatchPart {
    Str name;
    int32_t low, high;  // high -1: not bounded
    bool greedy;        // takes a row whenever it can
} MatchPart;

typedef enum MatchSlotKind {
    SLOT_ROW,        // the row [first] ? FIRST(var, offset) : LAST(var, offset)
    SLOT_AGG,        // [call] over the rows of [var]
    SLOT_ROW_TIME,   // MATCH_ROWTIME
    SLOT_PROC_TIME,  // MATCH_PROCTIME
} MatchSlotKind;

typedef struct MatchSlot {
    MatchSlotKind kind;
    uint32_t column;   // of the expressions' row
    const Type *type;  // of the single column; SLOT_ROW: NULL
    int32_t var;
    bool first;
    int32_t offset;  // below 0: there is no such row, and asking for it fails
    AggCall *call;
    Expr **arg;  // call->argc of them, over a row of the input
} MatchSlot;

typedef struct MatchExpr {
    Expr *expr;  // NULL, as a condition: TRUE
    uint32_t *slot;
    uint32_t slot_count, slot_cap;
} MatchExpr;

typedef enum MatchSkip {
    MATCH_SKIP_PAST_LAST,
    MATCH_SKIP_TO_NEXT,  // the default, unlike in the standard
    MATCH_SKIP_TO_FIRST,
    MATCH_SKIP_TO_LAST,
} MatchSkip;

struct MatchSpec {
    const Type *row;  // of the expressions
    MatchPart *part;
    uint32_t part_count;
    MatchExpr *define;  // a condition a part
    MatchSlot *slot;
    uint32_t slot_count, slot_cap;
    Expr **measure;  // the output's columns behind the plan's keys
    uint32_t measure_count;
    MatchExpr measures;  // the slots that the measures read
    MatchSkip skip;
    int32_t skip_var;
    int64_t within_ms;  // a match spans less than this; 0: any time
    // Why it cannot run, or NULL. Flink finds that out last of all: not where no row can come.
    const char *refused;
    Place refused_at;
};
