// exec/lookup_join.c - joins left rows with the rows that a connector finds for their keys at that
// moment: FOR SYSTEM_TIME AS OF a processing time.
//
// A batch is one request: its different keys are numbered, those that the cache knows are answered
// from it, the others are asked for together. Then each left row is paired with the rows of its
// key, in order; the condition runs over whole columns of pairs; a LEFT join pads what is left
// without a partner. Kinds of change pass: a lookup keeps no state, what a key gives may differ
// between a row and its retraction (Flink's lookup join is the same).
//
// Asynchronously, requests stand in line while threads ask (askers.h), in the order they came or,
// with allow_unordered and inserts alone, not.
#include "exec/askers.h"
#include "exec/lookup.h"

typedef struct LookupJoin {
    Operator base;
    LookupOptions options;
    uint32_t left, right;     // columns
    Program *condition;       // over both; NULL: none
    FullCache *full;
    PartialCache *partial;
    LookupAsker *asker;       // synchronous
    Askers *askers;           // asynchronous
    Arena scratch;
} LookupJoin;

// A batch of left rows on its way through the join.
typedef struct LookupRequest {
    Request base;
    Batch *in;            // one reference
    Arena arena;
    uint32_t *key_of;     // per left row
    uint32_t keys;
    Vec **key;            // the different keys
    RightRows found;      // what the cache knew, then what was asked
    uint32_t *asked;      // numbers of the keys to be asked
    uint32_t asked_count;
    Vec **asked_key;
} LookupRequest;

static Status open_askers(LookupJoin *self, Error *err);

static Status lookup_join_open(Operator *op, Error *err) {
    LookupJoin *self = (LookupJoin *)op;
    const Plan *plan = op->plan;
    const LookupPlan *lookup = plan->lookup;
    TRY(lookup_options(plan->desc, &self->options, err));
    self->left = plan->input[0]->type->child_count;
    self->right = lookup->right->child_count;
    if (plan->condition) {
        Expr *condition = plan->condition;
        TRY(program_new(&condition, 1, plan->type, op->env->func, &self->condition, err));
    }
    if (self->options.cache == LOOKUP_CACHE_FULL) {
        return full_cache_open(plan, op->env, &self->options, &self->full, err);
    }
    if (self->options.cache == LOOKUP_CACHE_PARTIAL) {
        self->partial = partial_cache_new(&self->options, self->right, op->env->budget);
    }
    if (lookup->hint.async) return open_askers(self, err);
    return lookup_asker_open(plan, op->env, &self->options, &self->asker, err);
}

// ---- pairs -------------------------------------------------------------------------------------

// Left rows beside right rows, up to a batch of them.
typedef struct Pairs {
    uint32_t left[BATCH_ROWS_MAX], right[BATCH_ROWS_MAX];  // right: KEY_NONE is NULL
    uint32_t count;
} Pairs;

static Batch *pair_rows(LookupJoin *self, Batch *in, const RightRows *rows, const Pairs *pairs) {
    Batch *out = batch_new(self->base.plan->type);
    bool as_is = pairs->count == in->rows, null = false;
    for (uint32_t i = 0; i < pairs->count; i++) {
        as_is &= pairs->left[i] == i;
        null |= pairs->right[i] == KEY_NONE;
    }
    out->rows = pairs->count;
    batch_keep(out, in);
    batch_keep(out, rows->rows);
    for (uint32_t c = 0; c < self->left; c++) {
        out->column[c] = as_is ? in->column[c]
                               : vec_gather(&out->arena, in->column[c], pairs->left, pairs->count);
    }
    uint32_t *from = (uint32_t *)(uintptr_t)pairs->right;
    if (null) {
        from = arena_dup(&self->scratch, pairs->right, pairs->count * sizeof *from);
        for (uint32_t i = 0; i < pairs->count; i++) from[i] = from[i] == KEY_NONE ? 0 : from[i];
    }
    for (uint32_t c = 0; c < self->right; c++) {
        const Type *type = out->schema->child[self->left + c];
        Vec *made = rows->rows->rows
                        ? vec_gather(&out->arena, rows->rows->column[c], from, pairs->count)
                        : vec_new(&out->arena, type, pairs->count);
        for (uint32_t i = 0; null && i < pairs->count; i++) {
            if (pairs->right[i] == KEY_NONE) vec_set_null(made, i);
        }
        out->column[self->left + c] = made;
    }
    if (in->kinds) {
        uint8_t *kinds = batch_need_kinds(out);
        for (uint32_t i = 0; i < pairs->count; i++) kinds[i] = in->kinds[pairs->left[i]];
    }
    return batch_seal(out);
}

typedef struct Joining {
    LookupJoin *self;
    Batch *in;
    const RightRows *rows;
    Pairs pairs;
    bool matched;  // the left row at hand has a partner among pairs checked before
} Joining;

// Checks the pairs at hand. Left rows below [whole] have all their pairs behind them: a LEFT join
// pads those that have no partner.
static Status check_pairs(Joining *join, uint32_t whole, Error *err) {
    LookupJoin *self = join->self;
    Pairs *pairs = &join->pairs;
    if (!pairs->count) return ST_OK;
    Batch *out = pair_rows(self, join->in, join->rows, pairs);
    uint32_t *pass = ARENA_ARRAY(&self->scratch, uint32_t, pairs->count + 1), passed = 0;
    Status st = program_select(self->condition, out->column, pairs->count, pass, &passed, err);
    if (st || (passed == pairs->count && self->base.plan->join == JOIN_TYPE_INNER)) {
        if (!st) return output_batch(&self->base, out, err);
        (void)batch_unref(out);
        return st;
    }
    (void)batch_unref(out);
    Pairs kept = {.count = 0};
    for (uint32_t i = 0, p = 0; i < pairs->count; i++) {
        uint32_t left = pairs->left[i];
        bool good = p < passed && pass[p] == i;
        p += good;
        // A NULL partner stands for "none" and is never checked.
        if (good || pairs->right[i] == KEY_NONE) {
            kept.left[kept.count] = left;
            kept.right[kept.count++] = pairs->right[i];
        }
        join->matched |= good;
        bool last = i + 1 == pairs->count || pairs->left[i + 1] != left;
        if (!last || left >= whole) continue;
        if (!join->matched && pairs->right[i] != KEY_NONE &&
            self->base.plan->join == JOIN_TYPE_LEFT) {
            kept.left[kept.count] = left;
            kept.right[kept.count++] = KEY_NONE;
        }
        join->matched = false;
    }
    if (!kept.count) return ST_OK;
    return output_batch(&self->base, pair_rows(self, join->in, join->rows, &kept), err);
}

static Status hand_on(Joining *join, uint32_t whole, Error *err) {
    LookupJoin *self = join->self;
    Status st = ST_OK;
    if (self->condition) {
        st = check_pairs(join, whole, err);
    } else if (join->pairs.count) {
        st = output_batch(&self->base, pair_rows(self, join->in, join->rows, &join->pairs), err);
    }
    join->pairs.count = 0;
    return st;
}

// All left rows with the rows of their keys.
static Status join_rows(LookupJoin *self, Batch *in, const uint32_t *key_of, const RightRows *rows,
                        Error *err) {
    Joining *join = ARENA_NEW(&self->scratch, Joining);
    join->self = self;
    join->in = in;
    join->rows = rows;
    bool pad = self->base.plan->join == JOIN_TYPE_LEFT;
    Pairs *pairs = &join->pairs;
    for (uint32_t row = 0; row < in->rows; row++) {
        uint32_t key = key_of[row];
        uint32_t from = key == KEY_NONE ? 0 : rows->from[key];
        uint32_t to = key == KEY_NONE ? 0 : rows->from[key + 1];
        if (from == to && pad) {
            pairs->left[pairs->count] = row;
            pairs->right[pairs->count++] = KEY_NONE;
            if (pairs->count == BATCH_ROWS_MAX) TRY(hand_on(join, row + 1, err));
        }
        for (uint32_t i = from; i < to; i++) {
            pairs->left[pairs->count] = row;
            pairs->right[pairs->count++] = rows->order[i];
            if (pairs->count == BATCH_ROWS_MAX)
                TRY(hand_on(join, i + 1 == to ? row + 1 : row, err));
        }
    }
    return hand_on(join, in->rows, err);
}

// ---- requests ----------------------------------------------------------------------------------

static LookupRequest *request_new(Batch *in) {
    LookupRequest *request = NEW(LookupRequest);
    request->in = batch_ref(in);
    return request;
}

static void request_free(LookupRequest *request) {
    (void)batch_unref(request->in);
    right_rows_clear(&request->found);
    arena_clear(&request->arena);
    mem_free(request);
}

static void left_keys(LookupJoin *self, const Batch *in, Vec **key) {
    for (uint32_t k = 0; k < self->base.plan->key_count; k++) {
        key[k] = in->column[self->base.plan->key[k]];
    }
}

// Numbers the keys and answers those that the cache knows.
static Status request_begin(LookupJoin *self, LookupRequest *request, Error *err) {
    const Plan *plan = self->base.plan;
    Arena *arena = &request->arena;
    Batch *in = request->in;
    uint32_t columns = plan->key_count;
    int64_t now_ms = self->base.env->now_ms(self->base.env->now_arg);
    Vec **key = ARENA_ARRAY(arena, Vec *, columns + 1);
    left_keys(self, in, key);
    request->key_of = ARENA_ARRAY(arena, uint32_t, in->rows);
    KeyIndex index;
    key_index_build(&index, arena, key, columns, in->rows, request->key_of);
    request->keys = index.keys;
    request->key = ARENA_ARRAY(arena, Vec *, columns + 1);
    request->asked_key = ARENA_ARRAY(arena, Vec *, columns + 1);
    for (uint32_t k = 0; k < columns; k++) {
        request->key[k] = vec_gather(arena, key[k], index.first, index.keys);
    }
    right_rows_init(&request->found, plan->lookup->right, self->base.env->budget);
    request->asked = ARENA_ARRAY(arena, uint32_t, index.keys + 1);
    for (uint32_t i = 0; i < index.keys; i++) {
        bool known = false;
        if (self->partial) {
            TRY(partial_cache_get(self->partial, request->key, columns, i, now_ms, i,
                                  &request->found, &known, err));
        }
        if (!known) request->asked[request->asked_count++] = i;
    }
    for (uint32_t k = 0; k < columns; k++) {
        request->asked_key[k] =
            vec_gather(arena, request->key[k], request->asked, request->asked_count);
    }
    return ST_OK;
}

// All is answered: remembers it, and joins.
static Status request_end(LookupJoin *self, LookupRequest *request, Error *err) {
    uint32_t columns = self->base.plan->key_count;
    arena_reset(&self->scratch);
    right_rows_sort(&request->found, request->keys);
    int64_t now_ms = self->base.env->now_ms(self->base.env->now_arg);
    for (uint32_t i = 0; self->partial && i < request->asked_count; i++) {
        uint32_t key = request->asked[i];
        TRY(partial_cache_put(self->partial, request->key, columns, key, now_ms, &request->found,
                              key, err));
    }
    return join_rows(self, request->in, request->key_of, &request->found, err);
}

static Status request_ask(LookupAsker *asker, LookupRequest *request, Error *err) {
    return lookup_ask(asker, request->asked_key, request->asked, request->asked_count,
                      &request->found, err);
}

// ---- asynchronously ----------------------------------------------------------------------------

static Status lookup_connect(Operator *op, void **out, Error *err) {
    LookupAsker *asker = NULL;
    Status st = lookup_asker_open(op->plan, op->env, &((LookupJoin *)op)->options, &asker, err);
    *out = asker;
    return st;
}

static Status lookup_ask_request(void *connection, Request *request, Error *err) {
    return request_ask(connection, (LookupRequest *)request, err);
}

static void lookup_cancel_question(void *connection) {
    lookup_cancel(connection);
}

static void lookup_disconnect(void *connection) {
    lookup_asker_close(connection);
}

static Status lookup_hand_on(Operator *op, Request *request, Error *err) {
    return request_end((LookupJoin *)op, (LookupRequest *)request, err);
}

static void lookup_free_request(Request *request) {
    request_free((LookupRequest *)request);
}

static Status lookup_late(const Operator *op, Error *err) {
    (void)error_set(err, ST_RUNTIME, "a lookup took longer than its timeout of %lld ms",
                    (long long)op->plan->lookup->hint.timeout_ms);
    error_hint(err, "raise 'timeout' in the LOOKUP hint or 'table.exec.async-lookup.timeout'");
    return ST_RUNTIME;
}

static const AskersVt ASKERS = {
    .connect = lookup_connect, .ask = lookup_ask_request, .cancel = lookup_cancel_question,
    .disconnect = lookup_disconnect, .hand_on = lookup_hand_on,
    .free_request = lookup_free_request, .late = lookup_late,
};

static Status open_askers(LookupJoin *self, Error *err) {
    enum { THREADS_MAX = 8 };  // what a database gives one client gladly
    const Plan *plan = self->base.plan;
    const LookupHint *hint = &plan->lookup->hint;
    uint32_t capacity = hint->capacity < 1            ? 1
                        : hint->capacity < UINT32_MAX ? (uint32_t)hint->capacity
                                                      : UINT32_MAX;
    return askers_open(&(AskersSpec){.vt = &ASKERS, .op = &self->base,
                                     .threads = capacity < THREADS_MAX ? capacity : THREADS_MAX,
                                     .in_line_max = capacity, .timeout_ms = hint->timeout_ms,
                                     .ordered = !hint->unordered ||
                                                plan->changes != CHANGES_APPEND},
                       &self->askers, err);
}

// ---- the operator ------------------------------------------------------------------------------

static Status lookup_join_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    LookupJoin *self = (LookupJoin *)op;
    if (self->full) {
        arena_reset(&self->scratch);
        uint32_t *key_of = ARENA_ARRAY(&self->scratch, uint32_t, in->rows);
        Vec **key = ARENA_ARRAY(&self->scratch, Vec *, op->plan->key_count + 1);
        left_keys(self, in, key);
        const RightRows *rows;
        TRY(full_cache_find(self->full, &self->scratch, key, in->rows,
                            op->env->now_ms(op->env->now_arg), key_of, &rows, err));
        return join_rows(self, in, key_of, rows, err);
    }
    LookupRequest *request = request_new(in);
    Status st = request_begin(self, request, err);
    request->base.answered = !request->asked_count;  // the cache knew all
    if (!st && self->askers) return askers_put(self->askers, &request->base, err);
    if (!st && !request->base.answered) st = request_ask(self->asker, request, err);
    if (!st) st = request_end(self, request, err);
    request_free(request);
    return st;
}

static Status lookup_join_on_watermark(Operator *op, int64_t ms, Error *err) {
    LookupJoin *self = (LookupJoin *)op;
    return self->askers ? askers_put_watermark(self->askers, ms, err)
                        : output_watermark(op, ms, err);
}

static Status lookup_join_on_timer(Operator *op, int64_t now_ms, Error *err) {
    (void)now_ms;
    return askers_look(((LookupJoin *)op)->askers, err);  // nobody else asks for timers
}

static Status lookup_join_on_end(Operator *op, Error *err) {
    LookupJoin *self = (LookupJoin *)op;
    return self->askers ? askers_empty(self->askers, err) : ST_OK;
}

static Status lookup_join_on_barrier(Operator *op, uint64_t checkpoint, Error *err) {
    (void)checkpoint;
    return lookup_join_on_end(op, err);
}

static Status lookup_join_on_idle(Operator *op, bool idle, Error *err) {
    return idle ? lookup_join_on_end(op, err) : ST_OK;
}

static void lookup_join_close(Operator *op) {
    LookupJoin *self = (LookupJoin *)op;
    askers_close(self->askers);
    lookup_asker_close(self->asker);
    full_cache_close(self->full);
    partial_cache_free(self->partial);
    program_free(self->condition);
    arena_clear(&self->scratch);
}

const OperatorVt LOOKUP_JOIN_OPERATOR = {
    .name = "lookup-join", .plan_kind = PLAN_LOOKUP_JOIN, .size = sizeof(LookupJoin),
    .open = lookup_join_open, .on_batch = lookup_join_on_batch,
    .on_watermark = lookup_join_on_watermark, .on_timer = lookup_join_on_timer,
    .on_end = lookup_join_on_end, .on_barrier = lookup_join_on_barrier,
    .on_idle = lookup_join_on_idle, .close = lookup_join_close,
};
