// exec/nfa.h - the automaton of MATCH_RECOGNIZE: which rows, one after another, make a match.
//
// Patterns are variables with quantifiers, one behind the other; the rows of a match are neighbours
// (of their partition). The rules are those of Flink's CEP library, down to the order in which
// matches come out:
//   - Every row may start a run, and a run follows all ways that it can go at once.
//   - A greedy variable is simple-minded: while it suits a row, what stands behind it does not get
//     that row. It never gives rows back, so A B* C may match nothing where a regular expression
//     would.
//   - A match waits until no run that began earlier is still under way, then leaves, and takes runs
//     and waiting matches with it as the skip strategy says.
//   - Runs and waiting matches lie in binary heaps by the row they began with. Equal ones leave as
//     the heap has it, and it is Java's, step by step.
//
// Life:    one Nfa an operator, one NfaRuns a key. Zero bytes are a key that has seen no row.
// Memory:  paths are trees of nodes, shared by the runs that branched; a node keeps a row alive
//          through the hooks. Runs and nodes are charged to the budget.
#pragma once

#include "plan/match.h"

typedef struct Nfa Nfa;
typedef struct NfaNode NfaNode;

// One row of a path. The way back leads to the path's first row.
struct NfaNode {
    NfaNode *prev;    // counted
    void *row;        // kept through the hooks
    NfaNode *first;   // the first node of this variable
    NfaNode *before;  // the last node of the variable before it, or NULL
    uint64_t order;   // of the row: rises with every row that goes through the automaton
    uint32_t var;
    uint32_t index;  // among the rows of [var]
    uint32_t depth;  // among all rows
    uint32_t refs;
    _Alignas(8) uint8_t extra[];  // of the operator's, NfaHooks.extra_size
};

typedef struct NfaRun {
    NfaNode *path;   // counted; NULL: the run that waits for a first row
    uint64_t start;  // order of its first row; UINT64_MAX without one
    int64_t start_ms;
    uint32_t state;
} NfaRun;

typedef struct NfaHeap {
    NfaRun *run;
    uint32_t count, cap;
} NfaHeap;

typedef struct NfaRuns {
    NfaHeap partial, complete;
    bool started;  // a run began since the last nfa_started
} NfaRuns;

// What the automaton asks of its operator.
typedef struct NfaHooks {
    void *arg;
    // Whether the row at hand suits [var], for each of [count] paths (NULL: none yet).
    Status (*suits)(void *arg, uint32_t var, const NfaNode *const *path, uint32_t count,
                    uint8_t *out, Error *err);
    // The row at hand has been taken: [node] is made, its extra bytes are zero. NULL: nothing to
    // do.
    Status (*enter)(void *arg, NfaNode *node, Error *err);
    void (*row_ref)(void *arg, void *row);
    void (*row_unref)(void *arg, void *row);
    // A match leaves: its last row. Its nodes stay alive during the call only.
    Status (*match)(void *arg, NfaNode *path, Error *err);
    uint32_t extra_size;
} NfaHooks;

enum { NFA_STATES_MAX = 16384 };  // a quantifier of {n} takes n states

// ST_VALIDATION: the pattern has more than NFA_STATES_MAX states.
NODISCARD Status nfa_new(const MatchSpec *spec, const NfaHooks *hooks, Budget *budget, Nfa **out,
                         Error *err);
void nfa_free(Nfa *nfa);

// Takes the next row of a key. [order] rises from call to call.
NODISCARD Status nfa_row(Nfa *nfa, NfaRuns *runs, void *row, uint64_t order, int64_t time_ms,
                         Error *err);
// No row before [time_ms] will come: runs that would take too long end, and may set matches free.
NODISCARD Status nfa_advance(Nfa *nfa, NfaRuns *runs, int64_t time_ms, Error *err);
// Nothing is under way: [runs] is worth no more than zero bytes.
bool nfa_is_idle(const NfaRuns *runs);
void nfa_clear(Nfa *nfa, NfaRuns *runs);

// What is under way for a key, as bytes of the fields of nfa_type, and back into zero bytes. Rows
// are the operator's: [put_row] writes an entry of a list of [row], [get_row] reads one, counted
// once.
const Type *nfa_type(Arena *arena, const Type *row_entries);
void nfa_save(const Nfa *nfa, const NfaRuns *runs,
              void (*put_row)(void *arg, const void *row, Buf *out), void *arg, Buf *out);
const char *nfa_load(Nfa *nfa, NfaRuns *runs,
                     const char *(*get_row)(void *arg, const char *at, void **row, Error *err),
                     void *arg, const char *at, Error *err);

void nfa_node_ref(NfaNode *node);
void nfa_node_unref(Nfa *nfa, NfaNode *node);

// The row that FIRST(var, offset) or LAST(var, offset) names on a path; MATCH_ANY: of all rows.
// NULL when the path has no such row.
const NfaNode *nfa_find(const NfaNode *path, int32_t var, bool first, uint32_t offset);
// How many rows of [var] are on the path.
uint32_t nfa_count(const NfaNode *path, int32_t var);
