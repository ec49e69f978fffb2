#include "exec/match_eval.h"

// ---- the row at hand ---------------------------------------------------------------------------

void match_eval_row(MatchEval *eval, const StoredRow *row, uint64_t bits, int64_t time_ms) {
    arena_reset(&eval->arena);
    eval->row = row;
    eval->bits = bits;
    eval->time_ms = time_ms;
    eval->at_hand = NULL;
    eval->arg_at_hand = NULL;
}

static Vec **new_columns(MatchEval *eval, uint32_t rows) {
    Vec **column = ARENA_ARRAY(&eval->arena, Vec *, eval->columns + 1);
    for (uint32_t c = 0; c < eval->columns; c++) {
        column[c] = vec_new(&eval->arena, eval->input->child[c], rows);
    }
    return column;
}

static void load_row(const MatchEval *eval, const StoredRow *row, Vec *const *column, uint32_t at) {
    if (row) {
        row_load(row, column, eval->columns, at);
        return;
    }
    for (uint32_t c = 0; c < eval->columns; c++) vec_set_null(column[c], at);
}

static Vec **row_at_hand(MatchEval *eval) {
    if (!eval->at_hand) {
        eval->at_hand = new_columns(eval, 1);
        load_row(eval, eval->row, eval->at_hand, 0);
    }
    return eval->at_hand;
}

// An aggregate's arguments for the row at hand.
static Status args_at_hand(MatchEval *eval, uint32_t slot, Vec ***out, Error *err) {
    if (!eval->arg_at_hand) {
        eval->arg_at_hand = ARENA_ARRAY(&eval->arena, Vec **, eval->spec->slot_count);
    }
    Vec **arg = eval->arg_at_hand[slot];
    if (!arg) {
        arg = ARENA_ARRAY(&eval->arena, Vec *, eval->call[slot]->argc + 1);
        if (eval->arg[slot]) {
            TRY(program_run(eval->arg[slot], row_at_hand(eval), 1, &eval->arena, arg, err));
        }
        eval->arg_at_hand[slot] = arg;
    }
    *out = arg;
    return ST_OK;
}

// ---- slots -------------------------------------------------------------------------------------

// What slots are filled for: paths of runs, with the row at hand as a candidate for [var], or
// matches.
typedef struct Filling {
    const NfaNode *const *path;
    const int64_t *time_ms;  // per match
    uint32_t count;
    int32_t var;  // MATCH_NONE: these are matches
} Filling;

// Whether the row at hand is one of [var]'s.
static bool counts_in(const Filling *in, int32_t var) {
    return in->var != MATCH_NONE && (var == MATCH_ANY || var == in->var);
}

static const StoredRow *find_row(const MatchEval *eval, const Filling *in, const MatchSlot *slot,
                                 uint32_t index) {
    const NfaNode *path = in->path[index];
    uint32_t offset = (uint32_t)slot->offset;
    if (counts_in(in, slot->var)) {
        if (slot->first && offset == nfa_count(path, slot->var)) return eval->row;
        if (!slot->first && offset == 0) return eval->row;
        if (!slot->first) offset--;
    }
    const NfaNode *node = nfa_find(path, slot->var, slot->first, offset);
    return node ? node->row : NULL;
}

static Status fill_rows(MatchEval *eval, const Filling *in, const MatchSlot *slot, Vec **column,
                        Error *err) {
    if (slot->offset < 0) {
        return error_set(err, ST_RUNTIME, "index %d out of bounds: there is no such row of a match",
                         slot->offset);
    }
    Vec **rows = new_columns(eval, in->count);
    for (uint32_t i = 0; i < in->count; i++) {
        load_row(eval, find_row(eval, in, slot, i), rows, i);
    }
    memcpy(column, rows, eval->columns * sizeof *rows);
    return ST_OK;
}

static void fill_time(const MatchEval *eval, const Filling *in, const MatchSlot *slot, Vec *out) {
    bool proctime = slot->kind == SLOT_PROC_TIME;
    int64_t now = proctime ? eval->env->now_ms(eval->env->now_arg) : eval->time_ms;
    for (uint32_t i = 0; i < in->count; i++) {
        int64_t ms = in->time_ms && !proctime ? in->time_ms[i] : now;
        vec_set_timestamp(out, i, (Timestamp){ms, 0, 0});
    }
}

// ---- aggregates --------------------------------------------------------------------------------

static AggEnv agg_env(MatchEval *eval) {
    return (AggEnv){eval->budget, &eval->arena, eval->env->func};
}

static void copy_state(const AggCall *call, uint8_t *to, const NfaNode *from) {
    if (from) memcpy(to + call->offset, from->extra + call->offset, call->impl->size);
}

// The states behind [node]'s row: those before it, and the row.
Status match_eval_enter(MatchEval *eval, NfaNode *node, Error *err) {
    AggEnv env = agg_env(eval);
    for (uint32_t i = 0; i < eval->spec->slot_count; i++) {
        const MatchSlot *slot = &eval->spec->slot[i];
        if (slot->kind != SLOT_AGG || eval->size[i]) continue;
        if (slot->var != MATCH_ANY && slot->var != (int32_t)node->var) continue;
        if (slot->var == MATCH_ANY || node->index)
            copy_state(eval->call[i], node->extra, node->prev);
        Vec **arg = NULL;
        TRY(args_at_hand(eval, i, &arg, err));
        AggRows row = {.rows = 1, .arg = (const Vec *const *)arg, .single = node->extra};
        TRY(agg_update(eval->call[i], &row, &env, err));
    }
    return ST_OK;
}

// An aggregate whose states lie along the paths.
static Status fill_kept_agg(MatchEval *eval, const Filling *in, uint32_t index, Vec *out,
                            Error *err) {
    const MatchSlot *slot = &eval->spec->slot[index];
    const AggCall *call = eval->call[index];
    AggEnv env = agg_env(eval);
    uint8_t **state = ARENA_ARRAY(&eval->arena, uint8_t *, in->count);
    uint8_t *states = arena_zalloc(&eval->arena, (size_t)eval->kept_size * in->count);
    for (uint32_t i = 0; i < in->count; i++) {
        state[i] = states + (size_t)eval->kept_size * i;
        copy_state(call, state[i], nfa_find(in->path[i], slot->var, false, 0));
    }
    if (counts_in(in, slot->var)) {
        Vec **arg = NULL;
        TRY(args_at_hand(eval, index, &arg, err));
        Vec **args = ARENA_ARRAY(&eval->arena, Vec *, call->argc + 1);
        for (uint32_t i = 0; i < call->argc; i++) {
            args[i] = vec_repeat(&eval->arena, arg[i], 0, in->count);
        }
        AggRows rows = {.rows = in->count, .arg = (const Vec *const *)args, .group = state};
        TRY(agg_update(call, &rows, &env, err));
    }
    return agg_emit(call, (const uint8_t *const *)state, in->count, &env, out, err);
}

// Folds the rows [row] into the state.
static Status fold_rows(MatchEval *eval, uint32_t index, const StoredRow *const *row, uint32_t rows,
                        uint8_t *state, AggEnv *env, Error *err) {
    const AggCall *call = eval->call[index];
    Vec **arg = ARENA_ARRAY(&eval->arena, Vec *, call->argc + 1);
    if (eval->arg[index]) {
        Vec **column = new_columns(eval, rows);
        for (uint32_t i = 0; i < rows; i++) load_row(eval, row[i], column, i);
        TRY(program_run(eval->arg[index], column, rows, &eval->arena, arg, err));
    }
    AggRows in = {.rows = rows, .arg = (const Vec *const *)arg, .single = state};
    return agg_update(call, &in, env, err);
}

// An aggregate whose states own memory, over the rows of its variable on one path.
static Status fill_agg(MatchEval *eval, const Filling *in, uint32_t index, uint32_t path, Vec *out,
                       Error *err) {
    const MatchSlot *slot = &eval->spec->slot[index];
    const AggCall *call = eval->call[index];
    AggEnv env = agg_env(eval);
    uint8_t *state = arena_zalloc(&eval->arena, eval->size[index]);
    uint32_t on_path = nfa_count(in->path[path], slot->var), rows = on_path;
    const StoredRow **row = ARENA_ARRAY(&eval->arena, const StoredRow *, on_path + 1);
    const NfaNode *node = nfa_find(in->path[path], slot->var, false, 0);
    for (uint32_t i = on_path; i-- > 0; node = node->prev) row[i] = node->row;
    if (counts_in(in, slot->var)) row[rows++] = eval->row;
    Status st = ST_OK;
    for (uint32_t from = 0; from < rows && !st; from += BATCH_ROWS_MAX) {
        uint32_t count = rows - from < BATCH_ROWS_MAX ? rows - from : BATCH_ROWS_MAX;
        st = fold_rows(eval, index, row + from, count, state, &env, err);
    }
    if (!st) st = agg_emit_one(call, state, &env, out, path, err);
    agg_clear(call, state, &env);
    return st;
}

static Status fill_slot(MatchEval *eval, const Filling *in, uint32_t index, Vec **column,
                        Error *err) {
    const MatchSlot *slot = &eval->spec->slot[index];
    if (slot->kind == SLOT_ROW) return fill_rows(eval, in, slot, column + slot->column, err);
    Vec *out = column[slot->column] = vec_new(&eval->arena, slot->type, in->count);
    if (slot->kind != SLOT_AGG) {
        fill_time(eval, in, slot, out);
        return ST_OK;
    }
    if (!eval->size[index]) return fill_kept_agg(eval, in, index, out, err);
    for (uint32_t i = 0; i < in->count; i++) TRY(fill_agg(eval, in, index, i, out, err));
    return ST_OK;
}

static Status fill(MatchEval *eval, const Filling *in, const MatchExpr *expr, Vec **column,
                   Error *err) {
    for (uint32_t i = 0; i < expr->slot_count; i++) {
        TRY(fill_slot(eval, in, expr->slot[i], column, err));
    }
    return ST_OK;
}

// ---- conditions --------------------------------------------------------------------------------

static Status ask_rest(MatchEval *eval, const Filling *in, uint8_t *out, Error *err) {
    const MatchSpec *spec = eval->spec;
    Vec **column = ARENA_ARRAY(&eval->arena, Vec *, spec->row->child_count + 1), *suits;
    Vec **at_hand = row_at_hand(eval);
    for (uint32_t c = 0; c < eval->columns; c++) {
        column[c] =
            in->count == 1 ? at_hand[c] : vec_repeat(&eval->arena, at_hand[c], 0, in->count);
    }
    TRY(fill(eval, in, &spec->define[in->var], column, err));
    TRY(program_run(eval->rest[in->var], column, in->count, &eval->arena, &suits, err));
    for (uint32_t i = 0; i < in->count; i++) out[i] = vec_u8(suits)[i] && !vec_is_null(suits, i);
    return ST_OK;
}

Status match_eval_suits(MatchEval *eval, uint32_t var, const NfaNode *const *path, uint32_t count,
                        uint8_t *out, Error *err) {
    bool may = !eval->local[var] || (eval->bits >> var & 1);
    memset(out, may, count);
    if (!may || !eval->rest[var]) return ST_OK;
    for (uint32_t from = 0; from < count; from += BATCH_ROWS_MAX) {
        uint32_t more = count - from < BATCH_ROWS_MAX ? count - from : BATCH_ROWS_MAX;
        Filling in = {.path = path + from, .count = more, .var = (int32_t)var};
        TRY(ask_rest(eval, &in, out + from, err));
    }
    return ST_OK;
}

Status match_eval_local(MatchEval *eval, const Batch *in, uint64_t *bits, Error *err) {
    arena_reset(&eval->arena);
    uint32_t *sel = ARENA_ARRAY(&eval->arena, uint32_t, in->rows + 1), count;
    for (uint32_t var = 0; var < eval->spec->part_count; var++) {
        if (!eval->local[var]) continue;
        TRY(program_select(eval->local[var], in->column, in->rows, sel, &count, err));
        for (uint32_t i = 0; i < count; i++) bits[sel[i]] |= (uint64_t)1 << var;
    }
    return ST_OK;
}

Status match_eval_measures(MatchEval *eval, const NfaNode *const *path, const int64_t *time_ms,
                           uint32_t count, Vec ***row, Vec ***measure, Error *err) {
    const MatchSpec *spec = eval->spec;
    Filling in = {.path = path, .time_ms = time_ms, .count = count, .var = MATCH_NONE};
    match_eval_row(eval, NULL, 0, 0);
    Vec **column = ARENA_ARRAY(&eval->arena, Vec *, spec->row->child_count + 1);
    *measure = ARENA_ARRAY(&eval->arena, Vec *, spec->measure_count);
    *row = new_columns(eval, count);
    for (uint32_t i = 0; i < count; i++) load_row(eval, path[i]->row, *row, i);
    memcpy(column, *row, eval->columns * sizeof *column);
    TRY(fill(eval, &in, &spec->measures, column, err));
    return program_run(eval->measures, column, count, &eval->arena, *measure, err);
}

// ---- opening -----------------------------------------------------------------------------------

static Status compile(Expr *expr, const Type *row, Operator *op, Program **out, Error *err) {
    if (!expr) return ST_OK;
    TRY(program_new(&expr, 1, row, op->env->func, out, err));
    program_watch(*out, &op->watermark_in);
    return ST_OK;
}

// Whether [expr] can be computed ahead, from the row at hand alone.
static bool is_local(MatchEval *eval, const Expr *expr) {
    uint32_t width = eval->spec->row->child_count;
    uint64_t *used = ARENA_ARRAY(&eval->arena, uint64_t, BITS_WORDS(width));
    expr_columns(expr, used);
    for (uint32_t c = eval->columns; c < width; c++) {
        if (bits_get(used, c)) return false;
    }
    return expr_is_deterministic(expr) && !expr_can_fail(expr);
}

// Parts the conjuncts of a condition.
static void split(MatchEval *eval, Expr *expr, Expr **local, Expr **rest) {
    if (expr->kind == EXPR_CALL && strcmp(expr->call->func->name, "AND") == 0) {
        for (uint32_t i = 0; i < expr->arg_count; i++) split(eval, expr->arg[i], local, rest);
        return;
    }
    Expr **to = is_local(eval, expr) ? local : rest;
    *to = expr_and(eval->env->arena, eval->env->func, *to, expr);
}

static Status open_conditions(MatchEval *eval, Operator *op, Error *err) {
    const MatchSpec *spec = eval->spec;
    Arena *arena = eval->env->arena;
    eval->local = ARENA_ARRAY(arena, Program *, spec->part_count);
    eval->rest = ARENA_ARRAY(arena, Program *, spec->part_count);
    for (uint32_t var = 0; var < spec->part_count; var++) {
        Expr *condition = spec->define[var].expr, *local = NULL, *rest = condition;
        if (condition && var < MATCH_LOCAL_VARS) {
            rest = NULL;
            split(eval, condition, &local, &rest);
        }
        TRY(compile(local, eval->input, op, &eval->local[var], err));
        TRY(compile(rest, spec->row, op, &eval->rest[var], err));
    }
    return ST_OK;
}

static Status open_aggregates(MatchEval *eval, Error *err) {
    const MatchSpec *spec = eval->spec;
    Arena *arena = eval->env->arena;
    eval->call = ARENA_ARRAY(arena, AggCall *, spec->slot_count + 1);
    eval->arg = ARENA_ARRAY(arena, Program *, spec->slot_count + 1);
    eval->size = ARENA_ARRAY(arena, uint32_t, spec->slot_count + 1);
    AggCall **kept = ARENA_ARRAY(arena, AggCall *, spec->slot_count + 1);
    uint32_t kept_count = 0, align = 8;
    for (uint32_t i = 0; i < spec->slot_count; i++) {
        const MatchSlot *slot = &spec->slot[i];
        if (slot->kind != SLOT_AGG) continue;
        eval->call[i] = arena_dup(arena, slot->call, sizeof(AggCall));
        if (slot->call->impl->flags & AGG_OWNS) {
            eval->size[i] = agg_layout(&eval->call[i], 1, 0, &align);
        } else {
            kept[kept_count++] = eval->call[i];
        }
        if (!slot->call->argc) continue;
        TRY(program_new(slot->arg, slot->call->argc, eval->input, eval->env->func, &eval->arg[i],
                        err));
    }
    if (kept_count) eval->kept_size = agg_layout(kept, kept_count, 0, &align);
    ASSERT(align <= 8);
    return ST_OK;
}

Status match_eval_open(MatchEval *eval, Operator *op, Error *err) {
    eval->spec = op->plan->match;
    eval->input = op->plan->input[0]->type;
    eval->columns = eval->input->child_count;
    eval->env = op->env;
    eval->budget = op->budget;
    TRY(open_conditions(eval, op, err));
    TRY(open_aggregates(eval, err));
    TRY(program_new(eval->spec->measure, eval->spec->measure_count, eval->spec->row, op->env->func,
                    &eval->measures, err));
    program_watch(eval->measures, &op->watermark_in);
    return ST_OK;
}

void match_eval_close(MatchEval *eval) {
    for (uint32_t i = 0; eval->rest && i < eval->spec->part_count; i++) {
        program_free(eval->local[i]);
        program_free(eval->rest[i]);
    }
    for (uint32_t i = 0; eval->arg && i < eval->spec->slot_count; i++) program_free(eval->arg[i]);
    program_free(eval->measures);
    arena_clear(&eval->arena);
}
