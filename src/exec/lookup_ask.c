// Asks a connector for the rows of keys, or for all of them, and makes the join's right columns of
// what it gives: filter first, then projection. A failed lookup is tried again as often as
// 'lookup.max-retries' says (the connector reconnects by itself); keys without rows are asked for
// again where a LOOKUP hint says so.
#include "exec/lookup.h"

struct LookupAsker {
    const Plan *plan;
    LookupReader *reader;    // NULL until the first question
    const OpEnv *env;
    TaskEnv task;            // of one reader alone: a full cache is read whole by each worker
    LookupOptions options;
    Program *filter, *project;
    Arena scratch;
    // Of the question at hand.
    LookupOutput out;
    SourceOutput scan_out;
    RightRows *rows;
    const uint32_t *number;
    uint8_t *answered;       // per asked key; NULL: all rows are wanted
};

Status lookup_asker_open(const Plan *plan, const OpEnv *env, const LookupOptions *options,
                         LookupAsker **out, Error *err) {
    const LookupPlan *lookup = plan->lookup;
    LookupAsker *self = NEW(LookupAsker);
    *self = (LookupAsker){.plan = plan, .env = env, .task = *env->task, .options = *options};
    self->task.index = 0;
    self->task.count = 1;
    Expr *filter = lookup->filter;
    const Type *row = lookup->scan->produced;
    Status st = filter ? program_new(&filter, 1, row, env->func, &self->filter, err) : ST_OK;
    if (!st) {
        st = program_new(lookup->project, lookup->right->child_count, row, env->func,
                         &self->project, err);
    }
    if (!st && lookup->connector->lookup_open && options->cache != LOOKUP_CACHE_FULL) {
        st = lookup->connector->lookup_open(lookup->spec, &self->task, &self->reader, err);
    }
    if (st) {
        lookup_asker_close(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void lookup_asker_close(LookupAsker *self) {
    if (!self) return;
    if (self->reader) self->reader->vt->close(self->reader);
    program_free(self->filter);
    program_free(self->project);
    arena_clear(&self->scratch);
    mem_free(self);
}

void lookup_cancel(LookupAsker *self) {
    if (self->reader && self->reader->vt->cancel) self->reader->vt->cancel(self->reader);
}

// ---- answers -----------------------------------------------------------------------------------

// Files the rows of a batch that pass the filter; key[i]: the asked key of row i, NULL: all of 0.
static Status file_rows(LookupAsker *self, const Batch *batch, const uint32_t *key, Error *err) {
    uint32_t columns = self->plan->lookup->right->child_count, count = batch->rows;
    arena_reset(&self->scratch);
    uint32_t *pass = ARENA_ARRAY(&self->scratch, uint32_t, batch->rows + 1);
    if (self->filter) {
        TRY(program_select(self->filter, batch->column, batch->rows, pass, &count, err));
    } else {
        for (uint32_t i = 0; i < count; i++) pass[i] = i;
    }
    if (!count) return ST_OK;
    Vec **input = batch->column;
    uint32_t fields = batch->schema->child_count;
    if (count < batch->rows) {
        input = ARENA_ARRAY(&self->scratch, Vec *, fields + 1);
        for (uint32_t c = 0; c < fields; c++) {
            input[c] = vec_gather(&self->scratch, batch->column[c], pass, count);
        }
    }
    Vec **right = ARENA_ARRAY(&self->scratch, Vec *, columns + 1);
    TRY(program_run(self->project, input, count, &self->scratch, right, err));
    for (uint32_t i = 0; i < count; i++) {
        TRY(right_rows_add(self->rows, right, i, key ? self->number[key[pass[i]]] : 0, err));
    }
    return ST_OK;
}

static Status take_rows(LookupOutput *out, Batch *batch, const uint32_t *key, Error *err) {
    LookupAsker *self = (LookupAsker *)((char *)out - offsetof(LookupAsker, out));
    for (uint32_t i = 0; i < batch->rows; i++) self->answered[key[i]] = 1;
    Status st = file_rows(self, batch, key, err);
    (void)batch_unref(batch);
    return st;
}

// One question; when it fails in a way that may pass, it is asked again, nothing of it kept.
static Status ask_once(LookupAsker *self, Vec *const *key, uint32_t count, Error *err) {
    self->out.rows = take_rows;
    for (int64_t attempt = 0;; attempt++) {
        uint32_t rows = self->rows->rows->rows;
        memset(self->answered, 0, count);
        Status st = self->reader->vt->lookup(self->reader, key, count, &self->out, err);
        if (!st || !status_retryable(st) || attempt >= self->options.retries_max) return st;
        self->rows->rows->rows = rows;
        os()->sleep_ms(attempt * 1000);  // as Flink's JDBC lookup does
    }
}

Status lookup_ask(LookupAsker *self, Vec *const *key, const uint32_t *number, uint32_t count,
                  RightRows *out, Error *err) {
    const LookupHint *hint = &self->plan->lookup->hint;
    uint32_t columns = self->plan->key_count, left = count;
    Arena arena;
    arena_init(&arena);
    self->rows = out;
    self->number = number;
    self->answered = ARENA_ARRAY(&arena, uint8_t, count + 1);
    Status st = ask_once(self, key, count, err);
    // What found nothing is asked for again, later and later fewer keys.
    for (int64_t attempt = 0; !st && attempt < hint->retry_attempts; attempt++) {
        uint32_t *missed = ARENA_ARRAY(&arena, uint32_t, left + 1), misses = 0;
        uint32_t *names = ARENA_ARRAY(&arena, uint32_t, left + 1);
        for (uint32_t i = 0; i < left; i++) {
            if (self->answered[i]) continue;
            names[misses] = self->number[i];
            missed[misses++] = i;
        }
        if (!misses) break;
        os()->sleep_ms(hint->retry_delay_ms);
        Vec **again = ARENA_ARRAY(&arena, Vec *, columns + 1);
        for (uint32_t k = 0; k < columns; k++)
            again[k] = vec_gather(&arena, key[k], missed, misses);
        self->number = names;
        key = again;
        left = misses;
        st = ask_once(self, key, left, err);
    }
    arena_clear(&arena);
    return st;
}

static Status take_scanned(SourceOutput *out, uint32_t split, Batch *batch, Error *err) {
    (void)split;
    LookupAsker *self = (LookupAsker *)((char *)out - offsetof(LookupAsker, scan_out));
    Status st = file_rows(self, batch, NULL, err);
    (void)batch_unref(batch);
    return st;
}

static Status ignore_split(SourceOutput *out, uint32_t split, Error *err) {
    (void)out, (void)split, (void)err;
    return ST_OK;
}

Status lookup_read_all(LookupAsker *self, RightRows *out, Error *err) {
    const LookupPlan *lookup = self->plan->lookup;
    enum { WAIT_MS = 5 };
    SourceReader *reader = NULL;
    Arena arena;  // the reader's; the task's own is not for threads
    arena_init(&arena);
    self->task.arena = &arena;
    self->rows = out;
    self->scan_out = (SourceOutput){take_scanned, ignore_split, ignore_split};
    Status st = lookup->connector->source_open(lookup->scan, &self->task, &reader, err);
    for (ReadState state = READ_MORE; !st && state != READ_END;) {
        st = reader->vt->poll(reader, &self->scan_out, &state, err);
        if (st || state != READ_IDLE) continue;
        if (reader->vt->wait) {
            reader->vt->wait(reader, WAIT_MS);
        } else {
            os()->sleep_ms(WAIT_MS);
        }
    }
    if (reader) reader->vt->close(reader);
    arena_clear(&arena);
    return st;
}
