#include "exec/nfa.h"

#include "base/hash.h"
#include "exec/saved.h"

// ---- the states --------------------------------------------------------------------------------
//
// After Flink's NFACompiler. In a state a run may TAKE the row at hand as one of the state's
// variable and go on, or PROCEED to another state with the same row. B{2,} C, greedy:
//
//     B1 --take--> B2 --take--> Bn --proceed--> C1 --take, unless B--> end
//                               ^ |
//                               +-+ take
//
// The states of a pattern are made from its end to its start, as each one needs its targets.

enum { NOWHERE = -1, STATE_END = 0 };

typedef struct State {
    uint32_t var;
    int32_t take, proceed;  // targets, or NOWHERE
    int32_t unless;         // nothing goes when the row suits this greedy variable; NOWHERE: none
} State;

struct Nfa {
    const MatchSpec *spec;
    NfaHooks hooks;
    Budget *budget;
    State *state;
    uint32_t state_count, state_cap;
    uint32_t start;
    // Work space, reused from row to row.
    uint8_t *known;  // 1 + suits, a byte per run and variable; 0: not asked yet
    size_t known_cap;
    const NfaNode **path;  // of the runs that are asked for together
    uint32_t *asked;
    uint8_t *answer;
    uint32_t runs_cap;   // of the three above
    NfaHeap next, done;  // what the row leads to
};

static uint32_t state_new(Nfa *nfa, State state) {
    if (nfa->state_count == nfa->state_cap) {
        nfa->state_cap = nfa->state_cap ? nfa->state_cap * 2 : 16;
        nfa->state = mem_realloc(nfa->state, nfa->state_cap * sizeof *nfa->state);
    }
    nfa->state[nfa->state_count] = state;
    return nfa->state_count++;
}

static uint32_t single(Nfa *nfa, uint32_t var, uint32_t sink, int32_t proceed) {
    return state_new(nfa, (State){var, (int32_t)sink, proceed, NOWHERE});
}

// From [low] to [high] times; [first]: where the first state proceeds to.
static uint32_t times(Nfa *nfa, uint32_t var, uint32_t sink, uint32_t proceed, uint32_t low,
                      uint32_t high, int32_t first) {
    for (uint32_t i = low; i < high; i++) sink = single(nfa, var, sink, (int32_t)proceed);
    for (uint32_t i = 1; i < low; i++) sink = single(nfa, var, sink, NOWHERE);
    return single(nfa, var, sink, first);
}

// The states of variable [var], in front of state [sink]; returns the first.
static uint32_t part_states(Nfa *nfa, uint32_t var, uint32_t sink) {
    const MatchPart *part = &nfa->spec->part[var];
    int32_t first = part->low ? NOWHERE : (int32_t)sink;
    uint32_t low = part->low ? (uint32_t)part->low : 1;
    if (part->greedy) nfa->state[sink].unless = (int32_t)var;
    if (part->high >= 0) return times(nfa, var, sink, sink, low, (uint32_t)part->high, first);
    uint32_t loop = state_new(nfa, (State){var, (int32_t)nfa->state_count, (int32_t)sink, NOWHERE});
    return times(nfa, var, loop, sink, low, low, first);
}

Status nfa_new(const MatchSpec *spec, const NfaHooks *hooks, Budget *budget, Nfa **out,
               Error *err) {
    uint64_t states = 1;
    for (uint32_t i = 0; i < spec->part_count; i++) {
        const MatchPart *part = &spec->part[i];
        states += (uint64_t)(part->high > part->low ? part->high : part->low) + 2;
    }
    if (states > NFA_STATES_MAX) {
        return error_set(err, ST_VALIDATION, "the pattern is too long: more than %d states",
                         NFA_STATES_MAX);
    }
    Nfa *nfa = NEW(Nfa);
    nfa->spec = spec;
    nfa->hooks = *hooks;
    nfa->budget = budget;
    nfa->start = state_new(nfa, (State){0, NOWHERE, NOWHERE, NOWHERE});  // STATE_END
    for (uint32_t i = spec->part_count; i-- > 0;) nfa->start = part_states(nfa, i, nfa->start);
    *out = nfa;
    return ST_OK;
}

// ---- paths -------------------------------------------------------------------------------------

static size_t node_size(const Nfa *nfa) {
    return sizeof(NfaNode) + nfa->hooks.extra_size;
}

static Status node_new(Nfa *nfa, NfaNode *prev, uint32_t var, void *row, uint64_t order,
                       NfaNode **out, Error *err) {
    TRY(budget_charge(nfa->budget, (int64_t)node_size(nfa), err));
    NfaNode *node = mem_zalloc(node_size(nfa));
    bool same = prev && prev->var == var;
    node->prev = prev;
    node->row = row;
    node->first = same ? prev->first : node;
    node->before = same ? prev->before : prev;
    node->order = order;
    node->var = var;
    node->index = same ? prev->index + 1 : 0;
    node->depth = prev ? prev->depth + 1 : 0;
    node->refs = 1;
    if (prev) nfa_node_ref(prev);
    nfa->hooks.row_ref(nfa->hooks.arg, row);
    Status st = nfa->hooks.enter ? nfa->hooks.enter(nfa->hooks.arg, node, err) : ST_OK;
    if (st) {
        nfa_node_unref(nfa, node);
    } else {
        *out = node;
    }
    return st;
}

void nfa_node_ref(NfaNode *node) {
    node->refs++;
}

void nfa_node_unref(Nfa *nfa, NfaNode *node) {
    while (node && --node->refs == 0) {  // a loop: paths may be long
        NfaNode *prev = node->prev;
        nfa->hooks.row_unref(nfa->hooks.arg, node->row);
        budget_release(nfa->budget, (int64_t)node_size(nfa));
        mem_free(node);
        node = prev;
    }
}

// The last node of [var].
static const NfaNode *last_of(const NfaNode *path, int32_t var) {
    if (var == MATCH_NONE) return NULL;
    while (path && var != MATCH_ANY && path->var > (uint32_t)var) path = path->before;
    return path && (var == MATCH_ANY || path->var == (uint32_t)var) ? path : NULL;
}

uint32_t nfa_count(const NfaNode *path, int32_t var) {
    const NfaNode *last = last_of(path, var);
    if (!last) return 0;
    return (var == MATCH_ANY ? last->depth : last->index) + 1;
}

const NfaNode *nfa_find(const NfaNode *path, int32_t var, bool first, uint32_t offset) {
    uint32_t count = nfa_count(path, var);
    if (offset >= count) return NULL;
    const NfaNode *node = last_of(path, var);
    if (first && var != MATCH_ANY && offset == 0) return node->first;
    for (uint32_t back = first ? count - 1 - offset : offset; back; back--) node = node->prev;
    return node;
}

// ---- heaps, as java.util.PriorityQueue ---------------------------------------------------------

static void heap_up(NfaHeap *heap, uint32_t at, NfaRun run) {
    while (at) {
        uint32_t parent = (at - 1) / 2;
        if (run.start >= heap->run[parent].start) break;
        heap->run[at] = heap->run[parent];
        at = parent;
    }
    heap->run[at] = run;
}

static void heap_down(NfaHeap *heap, uint32_t at, NfaRun run) {
    while (at < heap->count / 2) {
        uint32_t child = at * 2 + 1;
        if (child + 1 < heap->count && heap->run[child].start > heap->run[child + 1].start) child++;
        if (run.start <= heap->run[child].start) break;
        heap->run[at] = heap->run[child];
        at = child;
    }
    heap->run[at] = run;
}

// Takes over the run's reference to its path, whether there is room for it or not.
static Status heap_add(Nfa *nfa, NfaHeap *heap, NfaRun run, Error *err) {
    if (heap->count == heap->cap) {
        uint32_t cap = heap->cap ? heap->cap * 2 : 4;
        Status st = budget_charge(nfa->budget, (int64_t)((cap - heap->cap) * sizeof run), err);
        if (st) {
            nfa_node_unref(nfa, run.path);
            return st;
        }
        heap->run = mem_realloc(heap->run, cap * sizeof run);
        heap->cap = cap;
    }
    heap->count++;
    heap_up(heap, heap->count - 1, run);
    return ST_OK;
}

static NfaRun heap_poll(NfaHeap *heap) {
    NfaRun first = heap->run[0], last = heap->run[--heap->count];
    if (heap->count) heap_down(heap, 0, last);
    return first;
}

static void heap_empty(Nfa *nfa, NfaHeap *heap) {
    for (uint32_t i = 0; i < heap->count; i++) nfa_node_unref(nfa, heap->run[i].path);
    heap->count = 0;
}

static void heap_clear(Nfa *nfa, NfaHeap *heap) {
    heap_empty(nfa, heap);
    budget_release(nfa->budget, (int64_t)(heap->cap * sizeof *heap->run));
    mem_free(heap->run);
    *heap = (NfaHeap){0};
}

// Drops the runs that began before [order], or at it.
static void heap_prune(Nfa *nfa, NfaHeap *heap, uint64_t order, bool at_it) {
    uint32_t kept = 0, count = heap->count;
    for (uint32_t i = 0; i < count; i++) {
        NfaRun run = heap->run[i];
        if (run.path && (run.start < order || (at_it && run.start == order))) {
            nfa_node_unref(nfa, run.path);
        } else {
            heap->run[kept++] = run;
        }
    }
    heap->count = kept;
    if (kept == count) return;
    for (uint32_t i = kept / 2; i-- > 0;) heap_down(heap, i, heap->run[i]);
}

// ---- conditions --------------------------------------------------------------------------------

// One row on its way through the runs of a key.
typedef struct Step {
    Nfa *nfa;
    NfaRuns *runs;
    void *row;
    uint64_t order;
    int64_t time_ms;
} Step;

static uint8_t *known_of(const Nfa *nfa, uint32_t run, uint32_t var) {
    return &nfa->known[(size_t)run * nfa->spec->part_count + var];
}

static Status reserve_runs(Nfa *nfa, uint32_t runs) {
    size_t bytes = (size_t)runs * nfa->spec->part_count;
    if (bytes > nfa->known_cap) {
        nfa->known_cap = bytes * 2;
        nfa->known = mem_realloc(nfa->known, nfa->known_cap);
    }
    if (runs > nfa->runs_cap) {
        nfa->runs_cap = runs * 2;
        nfa->path = mem_realloc(nfa->path, nfa->runs_cap * sizeof *nfa->path);
        nfa->asked = mem_realloc(nfa->asked, nfa->runs_cap * sizeof *nfa->asked);
        nfa->answer = mem_realloc(nfa->answer, nfa->runs_cap * sizeof *nfa->answer);
    }
    memset(nfa->known, 0, bytes);
    return ST_OK;
}

// What every run in state [at] will ask, whatever the answers: asked for all runs at once.
static bool asks(const Nfa *nfa, uint32_t at, uint32_t var) {
    for (;;) {
        const State *state = &nfa->state[at];
        if (state->take != NOWHERE && state->var == var) return true;
        if (state->proceed == NOWHERE) return false;
        if (state->unless != NOWHERE) return state->unless == (int32_t)var;
        at = (uint32_t)state->proceed;
    }
}

static Status ask_together(const Step *step, Error *err) {
    Nfa *nfa = step->nfa;
    const NfaHeap *partial = &step->runs->partial;
    for (uint32_t var = 0; var < nfa->spec->part_count; var++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < partial->count; i++) {
            if (!asks(nfa, partial->run[i].state, var)) continue;
            nfa->path[count] = partial->run[i].path;
            nfa->asked[count++] = i;
        }
        if (!count) continue;
        TRY(nfa->hooks.suits(nfa->hooks.arg, var, nfa->path, count, nfa->answer, err));
        for (uint32_t i = 0; i < count; i++)
            *known_of(nfa, nfa->asked[i], var) = 1 + nfa->answer[i];
    }
    return ST_OK;
}

static Status ask(const Step *step, uint32_t run, uint32_t var, bool *suits, Error *err) {
    Nfa *nfa = step->nfa;
    uint8_t *known = known_of(nfa, run, var), answer;
    if (!*known) {
        const NfaNode *path = step->runs->partial.run[run].path;
        TRY(nfa->hooks.suits(nfa->hooks.arg, var, &path, 1, &answer, err));
        *known = 1 + answer;
    }
    *suits = *known == 2;
    return ST_OK;
}

// Whether the greedy variable before [state] leaves the row to it.
static Status is_free(const Step *step, uint32_t run, const State *state, bool *free, Error *err) {
    *free = true;
    if (state->unless == NOWHERE) return ST_OK;
    bool suits = false;
    TRY(ask(step, run, (uint32_t)state->unless, &suits, err));
    *free = !suits;
    return ST_OK;
}

// Whether the end can be reached from [at] without another row. The row at hand, taken already,
// stands in for the next one where a state asks; so it is in Flink.
static Status reaches_end(const Step *step, uint32_t run, int32_t at, bool *reached, Error *err) {
    while (at != STATE_END && at != NOWHERE) {
        const State *state = &step->nfa->state[at];
        at = state->proceed;
        if (at == NOWHERE) break;
        bool free = false;
        TRY(is_free(step, run, state, &free, err));
        if (!free) at = NOWHERE;
    }
    *reached = at == STATE_END;
    return ST_OK;
}

// ---- a row's way -------------------------------------------------------------------------------

// Run [index] takes the row as one of [var] and is in state [target] then.
static Status take(const Step *step, uint32_t index, uint32_t var, uint32_t target, Error *err) {
    Nfa *nfa = step->nfa;
    const NfaRun *run = &step->runs->partial.run[index];
    NfaRun next = {.start = run->path ? run->start : step->order,
                   .start_ms = run->path ? run->start_ms : step->time_ms,
                   .state = target};
    bool may_end = false;
    if (target != STATE_END) TRY(reaches_end(step, index, (int32_t)target, &may_end, err));
    TRY(node_new(nfa, run->path, var, step->row, step->order, &next.path, err));
    if (!run->path && next.start_ms > 0) step->runs->started = true;
    if (may_end) nfa_node_ref(next.path);
    Status st = heap_add(nfa, target == STATE_END ? &nfa->done : &nfa->next, next, err);
    if (!may_end) return st;
    next.state = STATE_END;
    if (!st) return heap_add(nfa, &nfa->done, next, err);
    nfa_node_unref(nfa, next.path);
    return st;
}

// All ways that run [index] can go with the row: those of its state, then of the states it can
// proceed to. The run without a row stays as well: the next row may be a first one too.
static Status step_run(const Step *step, uint32_t index, Error *err) {
    Nfa *nfa = step->nfa;
    int32_t at = (int32_t)step->runs->partial.run[index].state;
    while (at != NOWHERE && at != STATE_END) {
        const State *state = &nfa->state[at];
        bool suits = false, free = false;
        if (state->take != NOWHERE) TRY(ask(step, index, state->var, &suits, err));
        if (suits || state->proceed != NOWHERE) TRY(is_free(step, index, state, &free, err));
        if (suits && free) TRY(take(step, index, state->var, (uint32_t)state->take, err));
        at = free ? state->proceed : NOWHERE;
    }
    NfaRun waiting = step->runs->partial.run[index];
    return waiting.path ? ST_OK : heap_add(nfa, &nfa->next, waiting, err);
}

// ---- matches -----------------------------------------------------------------------------------

// Up to which row a match takes others with it: those that began before, or also at that row.
static Status skip_to(const Nfa *nfa, const NfaRun *match, uint64_t *order, bool *at_it,
                      Error *err) {
    const MatchSpec *spec = nfa->spec;
    *at_it = true;
    *order = spec->skip == MATCH_SKIP_TO_NEXT ? match->start : match->path->order;
    if (spec->skip == MATCH_SKIP_TO_NEXT || spec->skip == MATCH_SKIP_PAST_LAST) return ST_OK;
    const NfaNode *to = nfa_find(match->path, spec->skip_var, spec->skip == MATCH_SKIP_TO_FIRST, 0);
    if (!to) {
        Str name = spec->skip_var >= 0 ? spec->part[spec->skip_var].name : STR("the variable");
        return error_set(err, ST_RUNTIME,
                         "could not skip to " STR_FMT ": no row of the match is one",
                         STR_ARG(name));
    }
    if (to->order == match->start) {
        return error_set(err, ST_RUNTIME,
                         "could not skip to the first row of a match: it would be found again");
    }
    *at_it = false;
    *order = to->order;
    return ST_OK;
}

static Status release(Nfa *nfa, NfaRuns *runs, Error *err) {
    NfaHeap *complete = &runs->complete, *partial = &runs->partial;
    while (complete->count) {
        if (partial->count && complete->run[0].start > partial->run[0].start) break;
        NfaRun match = heap_poll(complete);
        uint64_t order = 0;
        bool at_it = false;
        Status st = skip_to(nfa, &match, &order, &at_it, err);
        if (!st) {
            heap_prune(nfa, partial, order, at_it);
            heap_prune(nfa, complete, order, at_it);
            st = nfa->hooks.match(nfa->hooks.arg, match.path, err);
        }
        nfa_node_unref(nfa, match.path);
        TRY(st);
    }
    return ST_OK;
}

// The runs that the row led to take the place of the old ones.
static void replace_partial(Nfa *nfa, NfaHeap *partial) {
    heap_empty(nfa, partial);
    NfaHeap spare = *partial;
    *partial = nfa->next;
    nfa->next = spare;
}

static Status ensure_start(Nfa *nfa, NfaRuns *runs, Error *err) {
    if (runs->partial.count) return ST_OK;
    return heap_add(nfa, &runs->partial, (NfaRun){.state = nfa->start, .start = UINT64_MAX}, err);
}

Status nfa_row(Nfa *nfa, NfaRuns *runs, void *row, uint64_t order, int64_t time_ms, Error *err) {
    TRY(ensure_start(nfa, runs, err));
    Step step = {nfa, runs, row, order, time_ms};
    TRY(reserve_runs(nfa, runs->partial.count));
    Status st = ask_together(&step, err);
    for (uint32_t i = 0; i < runs->partial.count && !st; i++) st = step_run(&step, i, err);
    replace_partial(nfa, &runs->partial);
    for (uint32_t i = 0; i < nfa->done.count; i++) {
        if (st) {
            nfa_node_unref(nfa, nfa->done.run[i].path);
        } else {
            st = heap_add(nfa, &runs->complete, nfa->done.run[i], err);
        }
    }
    nfa->done.count = 0;
    return st ? st : release(nfa, runs, err);
}

Status nfa_advance(Nfa *nfa, NfaRuns *runs, int64_t time_ms, Error *err) {
    int64_t within = nfa->spec->within_ms;
    if (!within || !runs->partial.count) return ST_OK;
    Status st = ST_OK;
    for (uint32_t i = 0; i < runs->partial.count && !st; i++) {
        NfaRun run = runs->partial.run[i];
        int64_t age;
        if (run.path && (__builtin_sub_overflow(time_ms, run.start_ms, &age) || age >= within))
            continue;
        if (run.path) nfa_node_ref(run.path);
        st = heap_add(nfa, &nfa->next, run, err);
    }
    replace_partial(nfa, &runs->partial);
    return st ? st : release(nfa, runs, err);
}

bool nfa_is_idle(const NfaRuns *runs) {
    return runs->partial.count <= 1 && (!runs->partial.count || !runs->partial.run[0].path) &&
           !runs->complete.count;
}

void nfa_clear(Nfa *nfa, NfaRuns *runs) {
    heap_clear(nfa, &runs->partial);
    heap_clear(nfa, &runs->complete);
    runs->started = false;
}

void nfa_free(Nfa *nfa) {
    if (!nfa) return;
    mem_free(nfa->state);
    mem_free(nfa->known);
    mem_free(nfa->path);
    mem_free(nfa->asked);
    mem_free(nfa->answer);
    heap_clear(nfa, &nfa->next);
    heap_clear(nfa, &nfa->done);
    mem_free(nfa);
}

// ---- snapshots ---------------------------------------------------------------------------------

const Type *nfa_type(Arena *arena, const Type *row_entries) {
    const Type *number = type_of(TYPE_BIGINT, false);
    FieldList node = {.arena = arena}, run = {.arena = arena}, list = {.arena = arena};
    field_add(&node, "prev", number);
    field_add(&node, "row", number);
    field_add(&node, "var", number);
    field_add(&node, "order", number);
    field_add(&node, "states", type_varbinary(arena, TYPE_LENGTH_MAX, false));
    field_add(&run, "node", number);
    field_add(&run, "start", number);
    field_add(&run, "start_ms", number);
    field_add(&run, "state", number);
    const Type *runs = type_array(arena, field_row(&run), false);
    field_add(&list, "rows", row_entries);
    field_add(&list, "nodes", type_array(arena, field_row(&node), false));
    field_add(&list, "partial", runs);
    field_add(&list, "complete", runs);
    field_add(&list, "started", type_of(TYPE_TINYINT, false));
    return field_row(&list);
}

// Pointers numbered from 1 in the order in which they are first seen.
typedef struct Numbers {
    const void **at;       // by number - 1
    uint32_t count, cap;
    uint32_t *slot;        // number; 0: free
    uint32_t slot_count;   // a power of two
} Numbers;

static uint32_t *number_slot(const Numbers *numbers, const void *at) {
    uint32_t slot = (uint32_t)hash_u64((uintptr_t)at) & (numbers->slot_count - 1);
    while (numbers->slot[slot] && numbers->at[numbers->slot[slot] - 1] != at) {
        slot = (slot + 1) & (numbers->slot_count - 1);
    }
    return &numbers->slot[slot];
}

static uint32_t number_find(const Numbers *numbers, const void *at) {
    return numbers->count ? *number_slot(numbers, at) : 0;
}

static void number_add(Numbers *numbers, const void *at) {
    if (number_find(numbers, at)) return;
    if (numbers->count == numbers->cap) {
        numbers->cap = numbers->cap ? numbers->cap * 2 : 32;
        numbers->slot_count = numbers->cap * 2;
        numbers->at = mem_realloc(numbers->at, numbers->cap * sizeof *numbers->at);
        mem_free(numbers->slot);
        numbers->slot = NEW_ARRAY(uint32_t, numbers->slot_count);
        for (uint32_t i = 0; i < numbers->count; i++) *number_slot(numbers, numbers->at[i]) = i + 1;
    }
    numbers->at[numbers->count++] = at;
    *number_slot(numbers, at) = numbers->count;
}

static void numbers_free(Numbers *numbers) {
    mem_free(numbers->at);
    mem_free(numbers->slot);
}

// The nodes of a path that have no number yet, the first ones first.
static void number_path(Numbers *nodes, Numbers *rows, const NfaNode *path) {
    const NfaNode **back = NULL;
    uint32_t count = 0, cap = 0;
    for (const NfaNode *node = path; node && !number_find(nodes, node); node = node->prev) {
        if (count == cap) {
            cap = cap ? cap * 2 : 64;
            back = mem_realloc(back, cap * sizeof *back);
        }
        back[count++] = node;
    }
    while (count) {
        number_add(nodes, back[--count]);
        number_add(rows, back[count]->row);
    }
    mem_free(back);
}

static void save_runs(const NfaHeap *heap, const Numbers *nodes, Buf *out) {
    codec_put_list_head(out, heap->count);
    for (uint32_t i = 0; i < heap->count; i++) {
        const NfaRun *run = &heap->run[i];
        codec_put_row_head(out);
        codec_put_i64(out, run->path ? number_find(nodes, run->path) : 0);
        codec_put_i64(out, (int64_t)run->start);
        codec_put_i64(out, run->start_ms);
        codec_put_i64(out, run->state);
    }
}

void nfa_save(const Nfa *nfa, const NfaRuns *runs,
              void (*put_row)(void *arg, const void *row, Buf *out), void *arg, Buf *out) {
    Numbers nodes = {0}, rows = {0};
    for (uint32_t i = 0; i < runs->partial.count; i++) {
        number_path(&nodes, &rows, runs->partial.run[i].path);
    }
    for (uint32_t i = 0; i < runs->complete.count; i++) {
        number_path(&nodes, &rows, runs->complete.run[i].path);
    }
    codec_put_list_head(out, rows.count);
    for (uint32_t i = 0; i < rows.count; i++) put_row(arg, rows.at[i], out);
    codec_put_list_head(out, nodes.count);
    for (uint32_t i = 0; i < nodes.count; i++) {
        const NfaNode *node = nodes.at[i];
        codec_put_row_head(out);
        codec_put_i64(out, node->prev ? number_find(&nodes, node->prev) : 0);
        codec_put_i64(out, number_find(&rows, node->row));
        codec_put_i64(out, node->var);
        codec_put_i64(out, (int64_t)node->order);
        codec_put_text(out, str_make((const char *)node->extra, nfa->hooks.extra_size));
    }
    save_runs(&runs->partial, &nodes, out);
    save_runs(&runs->complete, &nodes, out);
    codec_put_u8(out, runs->started);
    numbers_free(&nodes);
    numbers_free(&rows);
}

// A node as it was made, without asking the operator to enter it.
static Status node_again(Nfa *nfa, NfaNode *prev, uint32_t var, void *row, uint64_t order,
                         Str extra, NfaNode **out, Error *err) {
    NfaHooks hooks = nfa->hooks;
    nfa->hooks.enter = NULL;
    Status st = node_new(nfa, prev, var, row, order, out, err);
    nfa->hooks = hooks;
    if (!st && extra.len == hooks.extra_size && extra.len) {
        memcpy((*out)->extra, extra.ptr, extra.len);
    }
    return st;
}

static const char *load_runs(Nfa *nfa, NfaHeap *heap, NfaNode *const *node, const char *at,
                             Error *err) {
    uint32_t count;
    at = codec_get_list_head(at, &count);
    for (; count; count--) {
        int64_t path, start, start_ms, state;
        at = codec_get_row_head(at);
        at = codec_get_i64(at, &path);
        at = codec_get_i64(at, &start);
        at = codec_get_i64(at, &start_ms);
        at = codec_get_i64(at, &state);
        NfaRun run = {path ? node[path - 1] : NULL, (uint64_t)start, start_ms, (uint32_t)state};
        if (run.path) nfa_node_ref(run.path);
        if (heap_add(nfa, heap, run, err)) return NULL;
    }
    return at;
}

static const char *load_nodes(Nfa *nfa, NfaNode **node, uint32_t count, void *const *row,
                              const char *at, Error *err) {
    for (uint32_t i = 0; i < count; i++) {
        int64_t prev, from, var, order;
        Str extra;
        at = codec_get_row_head(at);
        at = codec_get_i64(at, &prev);
        at = codec_get_i64(at, &from);
        at = codec_get_i64(at, &var);
        at = codec_get_i64(at, &order);
        at = codec_get_text(at, &extra);
        if (node_again(nfa, prev ? node[prev - 1] : NULL, (uint32_t)var, row[from - 1],
                       (uint64_t)order, extra, &node[i], err)) {
            return NULL;
        }
    }
    return at;
}

const char *nfa_load(Nfa *nfa, NfaRuns *runs,
                     const char *(*get_row)(void *arg, const char *at, void **row, Error *err),
                     void *arg, const char *at, Error *err) {
    uint32_t row_count, node_count, got = 0;
    uint8_t started;
    at = codec_get_list_head(at, &row_count);
    void **row = NEW_ARRAY(void *, row_count + 1);
    while (at && got < row_count) {
        at = get_row(arg, at, &row[got], err);
        got += at != NULL;
    }
    NfaNode **node = NULL;
    if (at) {
        at = codec_get_list_head(at, &node_count);
        node = NEW_ARRAY(NfaNode *, node_count + 1);
        at = load_nodes(nfa, node, node_count, row, at, err);
        if (at) at = load_runs(nfa, &runs->partial, node, at, err);
        if (at) at = load_runs(nfa, &runs->complete, node, at, err);
        // Runs and later nodes hold them now.
        for (uint32_t i = 0; i < node_count; i++) {
            if (node[i]) nfa_node_unref(nfa, node[i]);
        }
    }
    for (uint32_t i = 0; i < got; i++) nfa->hooks.row_unref(nfa->hooks.arg, row[i]);
    mem_free(row);
    mem_free(node);
    if (!at) return NULL;
    at = codec_get_u8(at, &started);
    runs->started = started != 0;
    return at;
}
