// exec/hash_join.c - equal joins, and all others, of bounded inputs: inner, left, right, full, semi
// and anti; each row goes out once and for good.
//
// Both inputs are kept until one of them has ended: that is the smaller one, for they are read side
// by side. It becomes the table (exec/hash_probe.c), and the other's rows probe it as they come.
//
// When the two have reached the share of the memory before that, both are put aside, in files by a
// few bits of their keys' hashes, and joined file by file once they have ended (Grace hash join,
// Kitsuregawa 1983). A pair of files of which neither fits is divided again by the next bits; where
// that does not help, because too many rows have one key, or there is no key at all, the smaller
// file is read in chunks that fit and the other one once for each chunk (block nested loops).
#include "exec/hash_join.h"

#include "col/codec.h"

enum {
    PART_BITS = 4,
    PARTS = 1 << PART_BITS,
    LEVELS_MAX = 8,  // the bits below choose slots
    RECORD_HEAD = sizeof(uint64_t) + sizeof(uint32_t),
};

typedef struct JoinParts {
    SpillFile file[2][PARTS];
} JoinParts;

typedef enum JoinPhase { PHASE_KEEP, PHASE_PROBE, PHASE_ASIDE } JoinPhase;

typedef struct JoinStage {
    JoinPhase phase;
    RowList kept[2];
    JoinParts *parts;
} JoinStage;

static Status hash_join_open(Operator *op, Error *err) {
    HashJoin *self = (HashJoin *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    JoinType type = plan->join;
    self->semi = type == JOIN_TYPE_SEMI;
    self->anti = type == JOIN_TYPE_ANTI;
    self->side[0].outer = type == JOIN_TYPE_LEFT || type == JOIN_TYPE_FULL;
    self->side[1].outer = type == JOIN_TYPE_RIGHT || type == JOIN_TYPE_FULL;
    self->share = spill_share(op->env);
    self->own = op->budget;
    self->stage = ARENA_NEW(arena, JoinStage);
    self->pair_row = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX);
    self->pair_build = ARENA_ARRAY(arena, BuildRow *, BATCH_ROWS_MAX);
    row_list_init(&self->list, self->own);
    uint32_t total = 0;
    for (uint32_t s = 0; s < 2; s++) {
        JoinSide *side = &self->side[s];
        side->row = plan->input[s]->type;
        side->key = s ? plan->right_key : plan->key;
        side->columns = side->row->child_count;
        total += side->columns;
        row_list_init(&self->stage->kept[s], self->own);
    }
    if (!plan->condition) return ST_OK;
    const Type **child = ARENA_ARRAY(arena, const Type *, total + 1);
    Str *name = ARENA_ARRAY(arena, Str, total + 1);
    for (uint32_t i = 0; i < total; i++) {
        uint32_t s = i >= self->side[0].columns, c = s ? i - self->side[0].columns : i;
        child[i] = type_nullable(arena, self->side[s].row->child[c], true);
        name[i] = self->side[s].row->field[c];
    }
    const Type *both = type_row(arena, total, child, name, false);
    Expr *condition = plan->condition;
    return program_new(&condition, 1, both, op->env->func, &self->condition, err);
}

// ---- rows put aside ----------------------------------------------------------------------------

static Status put_aside(HashJoin *self, JoinParts *parts, uint32_t side, uint32_t level, Str record,
                        Error *err) {
    uint64_t hash;
    memcpy(&hash, record.ptr, sizeof hash);
    uint32_t part = (uint32_t)(hash >> (64 - PART_BITS * (level + 1))) % PARTS;
    return spill_put(&parts->file[side][part], self->base.env, record, err);
}

static Str record_of(HashJoin *self, const BuildRow *row) {
    Buf *record = &self->record;
    record->len = 0;
    buf_put(record, &row->hash, sizeof row->hash);
    buf_put(record, &row->key_size, sizeof row->key_size);
    buf_put(record, row->bytes, row->size);
    return buf_str(record);
}

// What was kept goes aside, and all that will come.
static Status go_aside(HashJoin *self, Error *err) {
    JoinStage *stage = self->stage;
    stage->phase = PHASE_ASIDE;
    stage->parts = NEW(JoinParts);
    for (uint32_t s = 0; s < 2; s++) {
        for (const BuildRow *row = stage->kept[s].first; row; row = row->next) {
            TRY(put_aside(self, stage->parts, s, 0, record_of(self, row), err));
        }
        row_list_clear(&stage->kept[s]);
    }
    return ST_OK;
}

// A record read back becomes a row of a batch.
static void record_load(const HashJoin *self, uint32_t side, Str record, Builder *rows) {
    uint32_t key_size, at = builder_row(rows, ROW_INSERT);
    memcpy(&key_size, record.ptr + sizeof(uint64_t), sizeof key_size);
    const char *bytes = record.ptr + RECORD_HEAD + key_size;
    for (uint32_t c = 0; c < self->side[side].columns; c++) {
        bytes = codec_get(bytes, rows->batch->column[c], at);
    }
}

// ---- in memory ---------------------------------------------------------------------------------

static Status probe_batch(HashJoin *self, Batch *in, Error *err) {
    uint64_t *matched = NEW_ARRAY(uint64_t, BITS_WORDS(in->rows));
    self->last_chunk = true;
    Status st = join_probe(self, in, matched, err);
    mem_free(matched);
    return st;
}

static Status probe_kept(HashJoin *self, uint32_t side, Error *err) {
    RowList *kept = &self->stage->kept[side];
    Builder rows = {0};
    builder_init(&rows, self->side[side].row);
    Status st = ST_OK;
    for (const BuildRow *row = kept->first; row && !st; row = row->next) {
        record_load(self, side, record_of(self, row), &rows);
        if (row->next && !builder_full(&rows)) continue;
        Batch *batch = builder_take(&rows);
        st = probe_batch(self, batch, err);
        batch_unref(batch);
    }
    row_list_clear(kept);
    builder_clear(&rows);
    return st;
}

// Side [build] has ended: its rows become the table, if there is room for it.
static Status begin_probe(HashJoin *self, uint32_t build, Error *err) {
    JoinStage *stage = self->stage;
    self->list = stage->kept[build];
    Status st = join_build(self, build, err);
    if (st == ST_OVER_BUDGET) {
        row_list_init(&self->list, self->own);
        return go_aside(self, err);
    }
    row_list_init(&stage->kept[build], self->own);
    stage->phase = PHASE_PROBE;
    return st ? st : probe_kept(self, 1 - build, err);
}

// Keeps the rows of a batch, or puts them aside.
static Status take_rows(HashJoin *self, uint32_t side, const Batch *in, Error *err) {
    JoinStage *stage = self->stage;
    uint32_t alone_count = 0;
    arena_reset(&self->scratch);
    uint32_t *alone = ARENA_ARRAY(&self->scratch, uint32_t, in->rows + 1);
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!join_record(self, side, in, row)) {
            alone[alone_count++] = row;
            continue;
        }
        Status st = ST_OVER_BUDGET;
        if (stage->phase == PHASE_KEEP && atomic_load(&self->own->bytes) <= self->share) {
            st = row_list_add(&stage->kept[side], buf_str(&self->record), err);
        }
        if (st == ST_OVER_BUDGET) {
            if (stage->phase == PHASE_KEEP) {
                TRY(go_aside(self, err));
                (void)join_record(self, side, in, row);  // the buffer was used
            }
            st = put_aside(self, stage->parts, side, 0, buf_str(&self->record), err);
        }
        TRY(st);
    }
    return join_unmatched(self, side, in, alone, alone_count, err);
}

static Status hash_join_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    HashJoin *self = (HashJoin *)op;
    ASSERT(!in->kinds);  // the planner saw to it
    bool other_ended = op->ended_inputs >> (1 - input) & 1;
    if (self->stage->phase == PHASE_KEEP && other_ended) TRY(begin_probe(self, 1 - input, err));
    if (self->stage->phase == PHASE_PROBE) return probe_batch(self, in, err);
    return take_rows(self, input, in, err);
}

// ---- file by file ------------------------------------------------------------------------------

// Rows of the built side until the memory's share is full. A record that did not fit is [pending].
static Status read_chunk(HashJoin *self, SpillReader *reader, Str *pending, Error *err) {
    for (;;) {
        if (!pending->ptr) TRY(spill_next(reader, pending, err));
        if (!pending->ptr) {
            self->last_chunk = true;
            return ST_OK;
        }
        if (self->list.rows && atomic_load(&self->own->bytes) > self->share) return ST_OK;
        Status st = row_list_add(&self->list, *pending, err);
        if (st == ST_OVER_BUDGET && self->list.rows) return ST_OK;
        TRY(st);
        *pending = (Str){0};
    }
}

static Status probe_file(HashJoin *self, uint32_t side, const SpillFile *file, uint64_t *matched,
                         Error *err) {
    SpillReader reader = {0};
    Builder rows = {0};
    uint64_t done = 0;
    builder_init(&rows, self->side[side].row);
    spill_read(&reader, file, 0, file->size);
    Status st = ST_OK;
    for (Str record = {0}; !st;) {
        st = spill_next(&reader, &record, err);
        if (!st && record.ptr) record_load(self, side, record, &rows);
        if (st || (record.ptr && !builder_full(&rows))) continue;
        Batch *batch = builder_take(&rows);
        if (!batch) break;
        st = join_probe(self, batch, matched + done / 64, err);  // all but the last are full
        done += batch->rows;
        batch_unref(batch);
        if (!record.ptr) break;
    }
    spill_read_end(&reader);
    builder_clear(&rows);
    return st;
}

static Status join_chunks(HashJoin *self, SpillFile *const file[2], uint32_t build, Error *err) {
    const SpillFile *probe = file[1 - build];
    int64_t bits = (int64_t)(BITS_WORDS(probe->rows + 1) * sizeof(uint64_t));
    TRY(budget_charge(self->own, bits, err));
    uint64_t *matched = NEW_ARRAY(uint64_t, BITS_WORDS(probe->rows + 1));
    SpillReader reader = {0};
    spill_read(&reader, file[build], 0, file[build]->size);
    Status st = ST_OK;
    self->last_chunk = false;
    for (Str pending = {0}; !st && !self->last_chunk;) {
        st = read_chunk(self, &reader, &pending, err);
        if (!st) st = join_build(self, build, err);
        if (!st) st = probe_file(self, 1 - build, probe, matched, err);
        if (!st) st = join_build_done(self, err);
    }
    spill_read_end(&reader);
    mem_free(matched);
    budget_release(self->own, bits);
    return st;
}

static Status divide(HashJoin *self, SpillFile *file, uint32_t side, uint32_t level,
                     JoinParts *parts, Error *err) {
    SpillReader reader = {0};
    spill_read(&reader, file, 0, file->size);
    Status st;
    Str record = {0};
    while (!(st = spill_next(&reader, &record, err)) && record.ptr) {
        st = put_aside(self, parts, side, level, record, err);
        if (st) break;
    }
    spill_read_end(&reader);
    spill_close(file);
    return st;
}

static void parts_free(JoinParts *parts) {
    for (uint32_t i = 0; parts && i < PARTS; i++) {
        for (uint32_t s = 0; s < 2; s++) spill_close(&parts->file[s][i]);
    }
    mem_free(parts);
}

static Status join_parts(HashJoin *self, JoinParts *parts, uint32_t level, uint64_t rows,
                         Error *err);

// Joins two files of rows with the same bits. [parent_rows]: what the smaller one was cut out of.
static Status join_files(HashJoin *self, SpillFile *const file[2], uint32_t level,
                         uint64_t parent_rows, Error *err) {
    TRY(spill_seal(file[0], err));
    TRY(spill_seal(file[1], err));
    uint32_t build = file[0]->size < file[1]->size ? 0 : 1;
    uint64_t rows = file[build]->rows;
    int64_t need = file[build]->size + (int64_t)(rows * (sizeof(BuildRow) + 2 * sizeof(void *)));
    if (need <= self->share || level + 1 >= LEVELS_MAX || rows >= parent_rows) {
        return join_chunks(self, file, build, err);
    }
    JoinParts *parts = NEW(JoinParts);
    Status st = divide(self, file[0], 0, level + 1, parts, err);
    if (!st) st = divide(self, file[1], 1, level + 1, parts, err);
    if (!st) st = join_parts(self, parts, level + 1, rows, err);
    parts_free(parts);
    return st;
}

static Status join_parts(HashJoin *self, JoinParts *parts, uint32_t level, uint64_t rows,
                         Error *err) {
    for (uint32_t i = 0; i < PARTS; i++) {
        SpillFile *file[2] = {&parts->file[0][i], &parts->file[1][i]};
        if (!file[0]->rows && !file[1]->rows) continue;
        TRY(join_files(self, file, level, rows, err));
        spill_close(file[0]);
        spill_close(file[1]);
    }
    return ST_OK;
}

static Status hash_join_on_end(Operator *op, Error *err) {
    HashJoin *self = (HashJoin *)op;
    JoinStage *stage = self->stage;
    if (stage->phase == PHASE_KEEP) {
        TRY(begin_probe(self, stage->kept[0].rows < stage->kept[1].rows ? 0 : 1, err));
    }
    if (stage->phase == PHASE_PROBE) return join_build_done(self, err);
    return join_parts(self, stage->parts, 0, UINT64_MAX, err);
}

static void hash_join_close(Operator *op) {
    HashJoin *self = (HashJoin *)op;
    if (!self->stage) return;
    join_build_drop(self);
    for (uint32_t s = 0; s < 2; s++) row_list_clear(&self->stage->kept[s]);
    parts_free(self->stage->parts);
    program_free(self->condition);
    arena_clear(&self->scratch);
    buf_free(&self->record);
}

const OperatorVt HASH_JOIN_OPERATOR = {
    .name = "hash-join",
    .plan_kind = PLAN_JOIN,
    .size = sizeof(HashJoin),
    .open = hash_join_open,
    .on_batch = hash_join_on_batch,
    .on_end = hash_join_on_end,
    .close = hash_join_close,
};
