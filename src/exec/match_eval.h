// exec/match_eval.h - the expressions of MATCH_RECOGNIZE: what the automaton asks about a row, and
// the measures of a match.
//
// The part of a condition that speaks of the row at hand alone is computed for whole batches as
// they come in, a bit per variable. The rest is computed for all runs that wait for an answer at
// once, over the row of expressions (plan/match.h), whose slots are filled for it. Aggregates whose
// state is plain bytes go along a path: each node keeps the states behind its row, so that a long
// run costs no more per row than a short one. Others are computed anew.
#pragma once

#include "exec/nfa.h"
#include "exec/operator.h"
#include "exec/stored.h"

typedef struct MatchEval {
    const MatchSpec *spec;
    const Type *input;
    uint32_t columns;  // of the input
    const OpEnv *env;
    Budget *budget;    // the operator's
    // Per variable: the part of its condition that reads the row at hand alone, and what remains.
    Program **local, **rest;
    Program *measures;
    AggCall **call;      // per slot: an aggregate's call …
    Program **arg;       // … and its arguments
    uint32_t *size;      // bytes of a state that stands alone; 0: it goes along the paths
    uint32_t kept_size;  // bytes of the states that a node keeps
    // The row at hand.
    const StoredRow *row;
    uint64_t bits;  // of its local conditions
    int64_t time_ms;
    Vec **at_hand;       // its columns, once they have been read
    Vec ***arg_at_hand;  // per slot: an aggregate's arguments, once they have been computed
    Arena arena;         // until the next row
} MatchEval;

enum { MATCH_LOCAL_VARS = 64 };  // variables that have a bit

NODISCARD Status match_eval_open(MatchEval *eval, Operator *op, Error *err);
void match_eval_close(MatchEval *eval);

// Sets the bits of the local conditions of a batch's rows; [bits] is zero.
NODISCARD Status match_eval_local(MatchEval *eval, const Batch *in, uint64_t *bits, Error *err);
// [row], with its bits, is the row at hand from now on.
void match_eval_row(MatchEval *eval, const StoredRow *row, uint64_t bits, int64_t time_ms);

// For NfaHooks: whether the row at hand suits [var] behind each of the paths …
NODISCARD Status match_eval_suits(MatchEval *eval, uint32_t var, const NfaNode *const *path,
                                  uint32_t count, uint8_t *out, Error *err);
// … and that it has become one of [node]'s variable.
NODISCARD Status match_eval_enter(MatchEval *eval, NfaNode *node, Error *err);

// The measures of [count] matches, found at [time_ms], and the columns of one row of each. They
// stay until the next row.
NODISCARD Status match_eval_measures(MatchEval *eval, const NfaNode *const *path,
                                     const int64_t *time_ms, uint32_t count, Vec ***row,
                                     Vec ***measure, Error *err);
