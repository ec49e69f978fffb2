// exec/lookup_join.c - joins left rows with the rows that a connector finds for their keys at that
// moment: FOR SYSTEM_TIME AS OF a processing time.
//
// A batch is one request: its different keys are numbered, those that the cache knows are answered
// from it, the others are asked for together. Then each left row is paired with the rows of its
// key, in order; the condition runs over whole columns of pairs; a LEFT join pads what is left
// without a partner. Kinds of change pass: a lookup keeps no state, what a key gives may differ
// between a row and its retraction (Flink's lookup join is the same).
//
// Asynchronously, requests stand in line while threads ask (lookup_async.c): answered ones leave
// from the head, or, with allow_unordered and inserts alone, as they are answered, but never past a
// watermark. The line is emptied before a barrier, an end and silence.
#include "exec/lookup.h"

typedef struct LookupJoin {
    Operator base;
    LookupOptions options;
    uint32_t left, right;     // columns
    Program *condition;       // over both; NULL: none
    FullCache *full;
    PartialCache *partial;
    LookupAsker *asker;       // synchronous
    LookupPool *pool;         // asynchronous
    LookupRequest *first, *last;
    uint32_t in_line;         // requests, watermarks not counted
    bool unordered;
    Arena scratch;
} LookupJoin;

static Status lookup_join_open(Operator *op, Error *err) {
    LookupJoin *self = (LookupJoin *)op;
    const Plan *plan = op->plan;
    const LookupPlan *lookup = plan->lookup;
    TRY(lookup_options(plan->desc, &self->options, err));
    self->left = plan->input[0]->type->child_count;
    self->right = lookup->right->child_count;
    self->unordered = lookup->hint.unordered && plan->changes == CHANGES_APPEND;
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
    if (lookup->hint.async) {
        return lookup_pool_open(plan, op->env, &self->options, &self->pool, err);
    }
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

static LookupRequest *request_new(Batch *in, int64_t watermark_ms) {
    LookupRequest *request = NEW(LookupRequest);
    request->in = in ? batch_ref(in) : NULL;
    request->watermark_ms = watermark_ms;
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
    request->begun_ms = now_ms;
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
    if (request->status) {
        if (err) *err = request->error;
        return request->status;
    }
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

// ---- the line ----------------------------------------------------------------------------------

static void unlink_request(LookupJoin *self, LookupRequest *before, LookupRequest *request) {
    *(before ? &before->later : &self->first) = request->later;
    if (self->last == request) self->last = before;
    if (request->in) self->in_line--;
}

// Sends what may leave the line; [wait]: until at most [most] requests are left in it.
static Status leave_line(LookupJoin *self, bool wait, uint32_t most, Error *err) {
    LookupRequest *before = NULL, *at = self->first;
    while (at) {
        bool done = true;
        if (at->in && at->asked_count) {
            bool must = wait && self->in_line > most && !before;
            TRY(lookup_pool_done(self->pool, at, must, &done, err));
        } else if (!at->in && before) {
            break;  // a watermark never overtakes
        }
        if (!done) {
            if (!self->unordered) break;
            before = at;
            at = at->later;
            continue;
        }
        LookupRequest *later = at->later;
        unlink_request(self, before, at);
        Status st = at->in ? request_end(self, at, err)
                           : output_watermark(&self->base, at->watermark_ms, err);
        request_free(at);
        TRY(st);
        at = later;
    }
    return ST_OK;
}

static Status empty_line(LookupJoin *self, Error *err) {
    while (self->first) TRY(leave_line(self, true, 0, err));
    return ST_OK;
}

static void join_line(LookupJoin *self, LookupRequest *request) {
    *(self->last ? &self->last->later : &self->first) = request;
    self->last = request;
    if (request->in) self->in_line++;
}

static void ask_for_timer(LookupJoin *self) {
    if (!self->first) return;
    self->base.env->timer_at(&self->base,
                             self->base.env->now_ms(self->base.env->now_arg) + 1);
}

static Status ask_later(LookupJoin *self, Batch *in, Error *err) {
    LookupRequest *request = request_new(in, 0);
    Status st = request_begin(self, request, err);
    if (st) {
        request_free(request);
        return st;
    }
    join_line(self, request);
    if (request->asked_count) lookup_pool_submit(self->pool, request);
    int64_t capacity = self->base.plan->lookup->hint.capacity;
    TRY(leave_line(self, true, capacity > 1 ? (uint32_t)capacity - 1 : 0, err));
    ask_for_timer(self);
    return ST_OK;
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
    if (self->pool) return ask_later(self, in, err);
    LookupRequest *request = request_new(in, 0);
    Status st = request_begin(self, request, err);
    if (!st && request->asked_count) {
        st = lookup_ask(self->asker, request->asked_key, request->asked, request->asked_count,
                        &request->found, err);
    }
    if (!st) st = request_end(self, request, err);
    request_free(request);
    return st;
}

static Status lookup_join_on_watermark(Operator *op, int64_t ms, Error *err) {
    LookupJoin *self = (LookupJoin *)op;
    if (!self->first) return output_watermark(op, ms, err);
    join_line(self, request_new(NULL, ms));
    return leave_line(self, false, 0, err);
}

static Status lookup_join_on_timer(Operator *op, int64_t now_ms, Error *err) {
    (void)now_ms;
    LookupJoin *self = (LookupJoin *)op;
    TRY(leave_line(self, false, 0, err));
    ask_for_timer(self);
    return ST_OK;
}

static Status lookup_join_on_end(Operator *op, Error *err) {
    return empty_line((LookupJoin *)op, err);
}

static Status lookup_join_on_barrier(Operator *op, uint64_t checkpoint, Error *err) {
    (void)checkpoint;
    return empty_line((LookupJoin *)op, err);
}

static Status lookup_join_on_idle(Operator *op, bool idle, Error *err) {
    return idle ? empty_line((LookupJoin *)op, err) : ST_OK;
}

static void lookup_join_close(Operator *op) {
    LookupJoin *self = (LookupJoin *)op;
    lookup_pool_close(self->pool);  // first: its threads write into the requests
    for (LookupRequest *at = self->first, *later; at; at = later) {
        later = at->later;
        request_free(at);
    }
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
