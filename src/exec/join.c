// exec/join.c - regular joins over changing inputs: inner, left, right, full, semi and anti.
//
// Each side keeps its rows by join key, in the order they came. A row that comes in is matched with
// the other side's rows of its key; the rows of a batch are matched together: all candidate pairs
// are laid side by side as columns, the condition beyond the keys runs once over them, and the
// survivors are handed on. Outer, semi and anti joins count for each kept row how many matches it
// has (its "associations"), which says when a NULL-padded row must be sent or taken back. The order
// of changes follows Flink's StreamingJoinOperator and StreamingSemiAntiJoinOperator.
//
// Inner joins over it have no such order to keep: what a batch matches leaves as one batch, own
// columns gathered (text is shared), the other side's decoded in their place.
//
// State: a table per side, key -> list of rows, each encoded by col/codec.
#include "exec/saved.h"

typedef struct JoinList {  // the operator's part of a state row
    StoredRow *first, *last;
    uint64_t count;
} JoinList;

// Associations of a kept row; only where the join counts them.
static int64_t *matches_of(StoredRow *row) {
    return row_time(row);
}

typedef struct Side {
    struct Join *join;
    StateTable *table;
    const Type *row;
    const uint32_t *key;
    OrderKey *unique;     // its unique key, if any: what the kept rows are found by
    uint32_t unique_count;
    bool outer;           // rows without a match are sent padded with NULLs
    RowLoader loader;
} Side;

typedef struct Join Join;
struct Join {
    Operator base;
    Side side[2];
    bool semi, anti;
    bool counting;        // outer, semi, anti: rows know their associations
    Program *condition;   // over left columns then right columns; NULL: none
    uint64_t *reads;      // bits: the columns that the condition reads
    const Type *both;
    Arena scratch;
    Builder out;
    RowPool pool;
    bool closing;         // the pool goes as a whole
};

static void list_clear(void *arg, uint8_t *row) {
    Join *self = ((Side *)arg)->join;
    JoinList *list = (JoinList *)(void *)row;
    for (StoredRow *at = list->first, *next; at && !self->closing; at = next) {
        next = at->next;
        row_free(&self->pool, at);
    }
}

static void list_save(void *arg, const uint8_t *row, Buf *out) {
    const JoinList *list = (const JoinList *)(const void *)row;
    codec_put_list_head(out, (uint32_t)list->count);
    for (const StoredRow *at = list->first; at; at = at->next) {
        stored_save(&((Side *)arg)->join->pool, at, out);
    }
}

static void list_append(JoinList *list, StoredRow *row) {
    *(list->last ? &list->last->next : &list->first) = row;
    list->last = row;
    list->count++;
}

static const char *list_load(void *arg, uint8_t *row, const char *at, Error *err) {
    uint32_t count;
    at = codec_get_list_head(at, &count);
    for (; count; count--) {
        StoredRow *stored;
        at = stored_load(&((Side *)arg)->loader, at, &stored, err);
        if (!at) return NULL;
        list_append((JoinList *)(void *)row, stored);
    }
    return at;
}

static const Type *rows_type(Arena *arena, const Type *row) {
    FieldList list = {.arena = arena};
    field_add(&list, "rows", stored_rows_type(arena, row));
    return field_row(&list);
}

static Status join_open(Operator *op, Error *err) {
    Join *self = (Join *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    JoinType type = plan->join;
    self->counting = type != JOIN_TYPE_INNER;
    if (self->counting) row_pool_init_timed(&self->pool, op->budget);
    else row_pool_init(&self->pool, op->budget);
    self->semi = type == JOIN_TYPE_SEMI;
    self->anti = type == JOIN_TYPE_ANTI;
    self->side[0].outer = type == JOIN_TYPE_LEFT || type == JOIN_TYPE_FULL;
    self->side[1].outer = type == JOIN_TYPE_RIGHT || type == JOIN_TYPE_FULL;
    for (uint32_t s = 0; s < 2; s++) {
        Side *side = &self->side[s];
        side->row = plan->input[s]->type;
        side->key = s ? plan->right_key : plan->key;
        side->unique_count = plan->unique_count[s];
        side->unique = ARENA_ARRAY(arena, OrderKey, side->unique_count + 1);
        for (uint32_t k = 0; k < side->unique_count; k++) {
            side->unique[k] = (OrderKey){.column = plan->unique[s][k]};
        }
        side->join = self;
        row_loader_init(&side->loader, &self->pool, side->unique, side->unique_count, side->row);
        StateTableDef def = {
            .name = s ? "right" : "left", .operator_id = plan->stable_id, .budget = op->budget,
            .key = kept_key_type(arena, side->row, side->key, plan->key_count),
            .value = rows_type(arena, side->row), .version = 1, .row_size = sizeof(JoinList),
            .ttl_ms = s && plan->ttl_right_ms >= 0 ? plan->ttl_right_ms : plan->ttl_ms,
            .clear = list_clear, .save = list_save, .load = list_load, .clear_arg = side,
            .may_leave = true,
            .rows_fixed = !side->unique_count && (plan->input[s]->changes & ~CHANGE_INSERT),
        };
        side->table = state_table_open(op->env->state, &def);
    }
    self->both = kept_both_type(arena, plan->input[0]->type, plan->input[1]->type);
    builder_init(&self->out, plan->type);
    if (!plan->condition) return ST_OK;
    Expr *condition = plan->condition;
    self->reads = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(self->both->child_count));
    expr_columns(condition, self->reads);
    return program_new(&condition, 1, self->both, op->env->func, &self->condition, err);
}

// ---- candidate pairs ---------------------------------------------------------------------------

typedef struct Pairs {
    uint32_t count;
    uint32_t *in;         // row of the batch
    StoredRow **other;
    Vec **other_column;   // the other side's rows, decoded, one a pair
} Pairs;

// What tells the row apart: its unique key, or all of it.
static void encode_row(const Side *side, const Batch *in, uint32_t row, Buf *out) {
    out->len = 0;
    sort_key_put(side->unique, side->unique_count, in->column, row, out);
    if (side->unique_count) return;
    for (uint32_t c = 0; c < in->schema->child_count; c++) codec_put(in->column[c], row, out);
}

// All rows of the other side with the keys of the batch's rows, those that the condition lets pass;
// their columns in [arena].
static Status find_pairs(Join *self, const Batch *in, uint32_t s, uint8_t *const *found,
                         Arena *arena, Pairs *pairs, Error *err) {
    Arena *scratch = &self->scratch;
    const Side *other = &self->side[1 - s];
    uint64_t total = 0;
    for (uint32_t i = 0; i < in->rows; i++) {
        if (found[i]) total += ((const JoinList *)(const void *)found[i])->count;
    }
    if (total > UINT32_MAX / 2) {
        return error_set(err, ST_RUNTIME,
                         "a join of one batch gives more than 2^31 pairs: its key is too coarse");
    }
    pairs->count = (uint32_t)total;
    pairs->in = ARENA_ARRAY(scratch, uint32_t, total + 1);
    pairs->other = ARENA_ARRAY(scratch, StoredRow *, total + 1);
    uint32_t columns = other->row->child_count, n = 0;
    pairs->other_column = ARENA_ARRAY(scratch, Vec *, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        pairs->other_column[c] = vec_new(arena, other->row->child[c], pairs->count);
    }
    for (uint32_t i = 0; i < in->rows; i++) {
        if (!found[i]) continue;
        for (StoredRow *row = ((const JoinList *)(const void *)found[i])->first; row;
             row = row->next) {
            pairs->in[n] = i;
            pairs->other[n] = row;
            row_load(row, pairs->other_column, columns, n++);
        }
    }
    if (!self->condition || !n) return ST_OK;
    uint32_t own = in->schema->child_count, total_columns = own + columns;
    Vec **both = ARENA_ARRAY(scratch, Vec *, total_columns);
    for (uint32_t c = 0; c < own; c++) {
        uint32_t at = s ? columns + c : c;
        if (bits_get(self->reads, at)) {
            both[at] = vec_gather(scratch, in->column[c], pairs->in, n);
        }
    }
    for (uint32_t c = 0; c < columns; c++) both[s ? c : own + c] = pairs->other_column[c];
    uint32_t *sel = ARENA_ARRAY(scratch, uint32_t, n + 1), kept;
    TRY(program_select(self->condition, both, n, sel, &kept, err));
    if (kept == n) return ST_OK;
    for (uint32_t i = 0; i < kept; i++) {
        pairs->in[i] = pairs->in[sel[i]];
        pairs->other[i] = pairs->other[sel[i]];
    }
    for (uint32_t c = 0; c < columns; c++) {
        pairs->other_column[c] = vec_gather(arena, pairs->other_column[c], sel, kept);
    }
    pairs->count = kept;
    return ST_OK;
}

// ---- sending -----------------------------------------------------------------------------------

// One joined row: own columns from row [row] of [in] (NULL batch: padded), the other's from
// [other] at [at] (NULL: padded).
static Status emit(Join *self, uint32_t s, RowKind kind, const Batch *in, uint32_t row, Vec **other,
                   uint32_t at, Error *err) {
    uint32_t own = self->side[s].row->child_count, columns = self->side[1 - s].row->child_count;
    uint32_t out_row = builder_row(&self->out, kind);
    Vec **out = self->out.batch->column;
    Vec **mine = s ? out + columns : out, **theirs = s ? out : out + own;
    for (uint32_t c = 0; c < own; c++) {
        if (in) vec_copy_value(mine[c], out_row, in->column[c], row);
        else vec_set_null(mine[c], out_row);
    }
    for (uint32_t c = 0; c < columns; c++) {
        if (other) vec_copy_value(theirs[c], out_row, other[c], at);
        else vec_set_null(theirs[c], out_row);
    }
    return output_builder(&self->base, &self->out, false, err);
}

// Semi and anti joins send left rows only.
static Status emit_left(Join *self, RowKind kind, Vec *const *column, uint32_t row, Error *err) {
    uint32_t out_row = builder_row(&self->out, kind);
    for (uint32_t c = 0; c < self->side[0].row->child_count; c++) {
        vec_copy_value(self->out.batch->column[c], out_row, column[c], row);
    }
    return output_builder(&self->base, &self->out, false, err);
}

// What an inner join sends for a batch: one row a pair. [out] is the batch whose arena the pairs'
// columns lie in; taken over.
static Status send_pairs(Join *self, uint32_t s, Batch *in, const Pairs *pairs, Batch *out,
                         Error *err) {
    uint32_t own = self->side[s].row->child_count, columns = self->side[1 - s].row->child_count;
    uint32_t count = pairs->count;
    Vec **mine = s ? out->column + columns : out->column;
    Vec **theirs = s ? out->column : out->column + own;
    for (uint32_t c = 0; c < own; c++) {
        mine[c] = vec_gather(&out->arena, in->column[c], pairs->in, count);
    }
    memcpy(theirs, pairs->other_column, columns * sizeof *theirs);
    out->rows = count;
    if (in->kinds) {
        uint8_t *kinds = batch_need_kinds(out);
        for (uint32_t i = 0; i < count; i++) kinds[i] = in->kinds[pairs->in[i]];
    }
    batch_keep(out, in);
    return output_batch(&self->base, batch_seal(out), err);
}

// ---- keeping rows ------------------------------------------------------------------------------

static Status list_add(Join *self, const Side *side, JoinList *list, const Batch *in, uint32_t at,
                       int64_t matches, Error *err) {
    StoredRow *row;
    TRY(row_store(&self->pool, side->unique, side->unique_count, in->column,
                  in->schema->child_count, at, &row, err));
    if (self->counting) *matches_of(row) = matches;
    list_append(list, row);
    return ST_OK;
}

// Takes one row that [bytes] tells apart away; false when there is none.
static bool list_remove(Join *self, const Side *side, JoinList *list, const Buf *bytes) {
    StoredRow *before = NULL;
    for (StoredRow *row = list->first; row; before = row, row = row->next) {
        Str own = side->unique_count ? row_key(row) : row_bytes(row);
        if (!str_eq(own, buf_str(bytes))) continue;
        *(before ? &before->next : &list->first) = row->next;
        if (list->last == row) list->last = before;
        list->count--;
        row_free(&self->pool, row);
        return true;
    }
    return false;
}

// ---- one row -----------------------------------------------------------------------------------

static Status outer_row(Join *self, uint32_t s, const Batch *in, uint32_t row, const Pairs *pairs,
                        uint32_t from, uint32_t count, Error *err) {
    RowKind kind = batch_kind(in, row);
    bool add = row_kind_is_add(kind);
    bool other_outer = self->side[1 - s].outer, any_outer = self->side[s].outer || other_outer;
    Vec **other = pairs->other_column;
    RowKind out_kind = any_outer ? (add ? ROW_INSERT : ROW_DELETE) : kind;
    if (!count && self->side[s].outer) {
        return emit(self, s, add ? ROW_INSERT : ROW_DELETE, in, row, NULL, 0, err);
    }
    for (uint32_t p = from; p < from + count; p++) {
        StoredRow *match = pairs->other[p];
        if (other_outer && add && *matches_of(match) == 0) {
            TRY(emit(self, s, ROW_DELETE, NULL, 0, other, p, err));
        }
        *matches_of(match) += add ? 1 : -1;
        TRY(emit(self, s, out_kind, in, row, other, p, err));
        if (other_outer && !add && *matches_of(match) == 0) {
            TRY(emit(self, s, ROW_INSERT, NULL, 0, other, p, err));
        }
    }
    return ST_OK;
}

static Status semi_row(Join *self, uint32_t s, const Batch *in, uint32_t row, const Pairs *pairs,
                       uint32_t from, uint32_t count, Error *err) {
    RowKind kind = batch_kind(in, row);
    bool add = row_kind_is_add(kind);
    if (s == 0) {
        if (self->semi == (count > 0)) return emit_left(self, kind, in->column, row, err);
        return ST_OK;
    }
    for (uint32_t p = from; p < from + count; p++) {
        StoredRow *left = pairs->other[p];
        bool before = *matches_of(left) > 0;
        *matches_of(left) += add ? 1 : -1;
        bool after = *matches_of(left) > 0;
        if (before == after) continue;
        RowKind out = after == self->semi ? ROW_INSERT : ROW_DELETE;
        // As Flink: with a match gone or come, the row kind follows the change's own kind.
        if (out == ROW_INSERT && self->semi && kind == ROW_UPDATE_AFTER) out = ROW_UPDATE_AFTER;
        if (out == ROW_DELETE && self->semi && kind == ROW_UPDATE_BEFORE) out = ROW_UPDATE_BEFORE;
        TRY(emit_left(self, out, pairs->other_column, p, err));
    }
    return ST_OK;
}

// A NULL in a key that is compared with "=" matches nothing.
static void null_keys(const Join *self, const Batch *in, const Side *side, uint64_t *mask) {
    const Plan *plan = self->base.plan;
    bits_fill(mask, in->rows);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        const Vec *key = in->column[side->key[k]];
        if (!key->valid || plan->null_safe[k]) continue;
        for (uint32_t i = 0; i < in->rows; i++) {
            if (vec_is_null(key, i)) bits_clear(mask, i);
        }
    }
}

static Status join_on_batch(Operator *op, uint32_t s, Batch *in, Error *err) {
    Join *self = (Join *)op;
    const Plan *plan = op->plan;
    Side *own = &self->side[s], *other = &self->side[1 - s];
    arena_reset(&self->scratch);
    int64_t now = op->env->now_ms(op->env->now_arg);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[own->key[k]];
    uint64_t *mask = ARENA_ARRAY(&self->scratch, uint64_t, BITS_WORDS(in->rows));
    null_keys(self, in, own, mask);
    uint8_t **mine = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    uint8_t **found = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    TRY(state_find(other->table, key, in->rows, mask, false, now, found, NULL, err));
    for (uint32_t row = 0; row < in->rows && self->counting; row++) {
        if (found[row]) state_write(other->table, found[row]);  // its rows' matches are counted
    }
    TRY(state_find(own->table, key, in->rows, mask, true, now, mine, NULL, err));
    Pairs pairs = {0};
    if (self->counting) {
        TRY(find_pairs(self, in, s, found, &self->scratch, &pairs, err));
    } else {
        Batch *out = batch_new(plan->type);
        Status st = find_pairs(self, in, s, found, &out->arena, &pairs, err);
        if (st || !pairs.count) batch_unref(out);
        else st = send_pairs(self, s, in, &pairs, out, err);
        TRY(st);
    }
    bool semi = self->semi || self->anti;
    Buf bytes = {0};
    Status st = ST_OK;
    uint32_t at = 0;
    for (uint32_t row = 0; row < in->rows && !st; row++) {
        uint32_t from = at;
        while (at < pairs.count && pairs.in[at] == row) at++;
        uint32_t count = at - from;
        bool add = row_kind_is_add(batch_kind(in, row));
        if (self->counting) {
            st = semi ? semi_row(self, s, in, row, &pairs, from, count, err)
                      : outer_row(self, s, in, row, &pairs, from, count, err);
        }
        if (!mine[row] || st) continue;
        JoinList *list = (JoinList *)(void *)mine[row];
        if (!add || own->unique_count) {  // a row replaces the one that has its unique key
            encode_row(own, in, row, &bytes);
            (void)list_remove(self, own, list, &bytes);
        }
        if (add) st = list_add(self, own, list, in, row, count, err);
        state_touch(own->table, mine[row], now);
    }
    buf_free(&bytes);
    // Keys without rows leave the state; only now, for rows of the batch share them.
    for (uint32_t row = 0; row < in->rows && !st; row++) {
        if (!mine[row] || ((JoinList *)(void *)mine[row])->count) continue;
        uint8_t *gone = mine[row];
        for (uint32_t later = row; later < in->rows; later++) {
            if (mine[later] == gone) mine[later] = NULL;
        }
        state_remove(own->table, gone);
    }
    TRY(st);
    return output_builder(op, &self->out, true, err);
}

static void join_close(Operator *op) {
    Join *self = (Join *)op;
    program_free(self->condition);
    builder_clear(&self->out);
    arena_clear(&self->scratch);
    self->closing = true;
    for (uint32_t s = 0; s < 2; s++) row_loader_clear(&self->side[s].loader);
    row_pool_clear(&self->pool);
}

const OperatorVt JOIN_OPERATOR = {
    .name = "join", .plan_kind = PLAN_JOIN, .size = sizeof(Join), .open = join_open,
    .on_batch = join_on_batch, .close = join_close,
};
