// exec/vector_search.c - VECTOR_SEARCH: each row with the rows of a table whose vectors are nearest
// to its own, the best first, and a score.
//
// The table is read whole before the first question and again as its options say, as for a lookup
// join (lookup_cache.c); each worker has its own. What is found is what the table holds then:
// nothing is kept over a checkpoint, and later readings change nothing that was answered before.
// All vectors of a batch are searched for together (ml/nearest.h).
#include <stdio.h>

#include "exec/lookup.h"
#include "ml/nearest.h"

typedef struct VectorSearch {
    Operator base;
    FullCache *table;
    uint64_t reading;    // that [nearest] was made of
    Nearest *nearest;    // NULL: the table has no vectors
    int64_t charged;
    uint32_t *row_of;    // per vector: its row in the table
    Program *program;    // the vector searched for
    Arena scratch;
} VectorSearch;

static Status vector_search_open(Operator *op, Error *err) {
    VectorSearch *self = (VectorSearch *)op;
    const Plan *plan = op->plan;
    LookupOptions options;
    TRY(lookup_options(plan->desc, &options, err));
    TRY(program_new(plan->func_arg, 1, plan->input[0]->type, op->env->func, &self->program, err));
    return full_cache_open(plan, op->env, &options, &self->table, err);
}

static Status bad_vector(const VectorSearch *self, const char *where, uint32_t row,
                         const char *what, Error *err) {
    return error_set(err, ST_RUNTIME, "VECTOR_SEARCH in table '" STR_FMT "': row %u of %s %s",
                     STR_ARG(self->base.plan->desc->name), row + 1, where, what);
}

// The values of one vector; [dims]: how many there must be.
static Status read_vector(const VectorSearch *self, const Vec *vec, uint32_t row, uint32_t dims,
                          const char *where, double *out, Error *err) {
    ListView view = vec_list(vec)[row];
    const Vec *value = vec->child[0];
    if (view.count != dims) {
        char what[96];
        (void)snprintf(what, sizeof what, "has a vector of %u numbers, not of %u", view.count,
                       dims);
        return bad_vector(self, where, row, what, err);
    }
    for (uint32_t i = 0; i < dims; i++) {
        if (vec_is_null(value, view.offset + i)) {
            return bad_vector(self, where, row, "has a NULL in its vector", err);
        }
        out[i] = vec_number(value, view.offset + i);
    }
    return ST_OK;
}

// ---- the table ---------------------------------------------------------------------------------

static void forget(VectorSearch *self) {
    nearest_free(self->nearest);
    mem_free(self->row_of);
    budget_release(self->base.budget, self->charged);
    self->nearest = NULL;
    self->row_of = NULL;
    self->charged = 0;
}

// Rows without a vector are found by nobody.
static Status read_table(VectorSearch *self, const Batch *rows, Error *err) {
    const Plan *plan = self->base.plan;
    const VectorSpec *spec = plan->vector;
    bool wide = plan->lookup->right->child[spec->column]->child[0]->kind == TYPE_DOUBLE;
    forget(self);
    const Vec *vec = rows->rows ? rows->column[spec->column] : NULL;
    uint32_t first = 0;
    while (first < rows->rows && vec_is_null(vec, first)) first++;
    if (first == rows->rows) return ST_OK;
    uint32_t dims = vec_list(vec)[first].count;
    if (!dims) return bad_vector(self, "the table", first, "has an empty vector", err);
    int64_t bytes = (int64_t)((nearest_row_bytes(dims, wide) + sizeof(uint32_t)) * rows->rows);
    TRY(budget_charge(self->base.budget, bytes, err));
    self->charged = bytes;
    self->nearest = nearest_new((NearestMetric)spec->metric, dims, wide);
    self->row_of = NEW_ARRAY(uint32_t, rows->rows);
    double *vector = ARENA_ARRAY(&self->scratch, double, dims);
    for (uint32_t row = first; row < rows->rows; row++) {
        if (vec_is_null(vec, row)) continue;
        TRY(read_vector(self, vec, row, dims, "the table", vector, err));
        self->row_of[nearest_rows(self->nearest)] = row;
        nearest_add(self->nearest, vector);
    }
    return ST_OK;
}

static Status see_table(VectorSearch *self, const Batch **rows, Error *err) {
    OpEnv *env = self->base.env;
    uint64_t reading;
    TRY(full_cache_rows(self->table, env->now_ms(env->now_arg), rows, &reading, err));
    if (reading == self->reading) return ST_OK;
    TRY(read_table(self, *rows, err));
    self->reading = reading;
    return ST_OK;
}

// ---- rows --------------------------------------------------------------------------------------

// Rows of the input beside rows of the table.
typedef struct Found {
    uint32_t left[BATCH_ROWS_MAX], right[BATCH_ROWS_MAX];  // right: KEY_NONE is NULL
    double score[BATCH_ROWS_MAX];
    uint32_t count;
    bool padded;
} Found;

static Status hand_on(VectorSearch *self, Batch *in, const Batch *rows, Found *found, Error *err) {
    uint32_t before = in->schema->child_count, own = rows->schema->child_count;
    uint32_t count = found->count;
    if (!count) return ST_OK;
    Batch *out = batch_new(self->base.plan->type);
    out->rows = count;
    batch_keep(out, in);
    batch_keep(out, (Batch *)(uintptr_t)rows);
    for (uint32_t c = 0; c < before; c++) {
        out->column[c] = vec_gather(&out->arena, in->column[c], found->left, count);
    }
    uint32_t *from = ARENA_ARRAY(&out->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        from[i] = found->right[i] == KEY_NONE ? 0 : found->right[i];
    }
    for (uint32_t c = 0; c <= own; c++) {
        Vec *made;
        if (c == own || !rows->rows) {
            made = vec_new(&out->arena, out->schema->child[before + c], count);
            if (c == own) memcpy(vec_f64(made), found->score, count * sizeof(double));
        } else {
            made = vec_gather(&out->arena, rows->column[c], from, count);
        }
        for (uint32_t i = 0; found->padded && i < count; i++) {
            if (found->right[i] == KEY_NONE) vec_set_null(made, i);
        }
        out->column[before + c] = made;
    }
    found->count = 0;
    found->padded = false;
    return output_batch(&self->base, batch_seal(out), err);
}

static Status add_found(VectorSearch *self, Batch *in, const Batch *rows, Found *found,
                        uint32_t left, uint32_t right, double score, Error *err) {
    if (found->count == BATCH_ROWS_MAX) TRY(hand_on(self, in, rows, found, err));
    found->left[found->count] = left;
    found->right[found->count] = right;
    found->padded |= right == KEY_NONE;
    found->score[found->count++] = score;
    return ST_OK;
}

// The rows [from, to) of the input. A row without a vector finds nothing.
static Status search(VectorSearch *self, Batch *in, const Vec *asked, uint32_t from, uint32_t to,
                     const Batch *rows, Found *found, Error *err) {
    uint32_t k = self->base.plan->vector->top_k, queries = 0, at = 0;
    uint32_t dims = self->nearest ? nearest_dims(self->nearest) : 0;
    uint32_t vectors = self->nearest ? nearest_rows(self->nearest) : 0;
    if (k > vectors) k = vectors;
    double *query = mem_alloc((size_t)(to - from) * dims * sizeof(double) + 1);
    NearestHit *hit = mem_alloc((size_t)(to - from) * k * sizeof(NearestHit) + 1);
    uint32_t *count = NEW_ARRAY(uint32_t, to - from + 1);
    Status st = ST_OK;
    for (uint32_t row = from; row < to && dims && !st; row++) {
        if (vec_is_null(asked, row)) continue;
        st = read_vector(self, asked, row, dims, "the query", query + (size_t)queries++ * dims,
                         err);
    }
    if (!st && queries) nearest_find(self->nearest, query, queries, k, hit, count);
    for (uint32_t row = from; row < to && !st; row++) {
        uint32_t hits = 0;
        if (dims && !vec_is_null(asked, row)) {
            hits = count[at];
            for (uint32_t i = 0; i < hits && !st; i++) {
                const NearestHit *one = &hit[(size_t)at * k + i];
                st = add_found(self, in, rows, found, row, self->row_of[one->row], one->score,
                               err);
            }
            at++;
        }
        if (!st && !hits && self->base.plan->outer) {
            st = add_found(self, in, rows, found, row, KEY_NONE, 0, err);
        }
    }
    mem_free(query);
    mem_free(hit);
    mem_free(count);
    return st;
}

static Status vector_search_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    enum { HITS_MAX = 1 << 20 };
    VectorSearch *self = (VectorSearch *)op;
    const Batch *rows;
    Vec *asked;
    arena_reset(&self->scratch);
    TRY(see_table(self, &rows, err));
    TRY(program_run(self->program, in->column, in->rows, &self->scratch, &asked, err));
    Found *found = ARENA_NEW(&self->scratch, Found);
    uint32_t k = op->plan->vector->top_k, most = HITS_MAX / k + 1;
    for (uint32_t from = 0; from < in->rows; from += most) {
        uint32_t to = in->rows - from < most ? in->rows : from + most;
        TRY(search(self, in, asked, from, to, rows, found, err));
    }
    return hand_on(self, in, rows, found, err);
}

static void vector_search_close(Operator *op) {
    VectorSearch *self = (VectorSearch *)op;
    forget(self);
    full_cache_close(self->table);
    program_free(self->program);
    arena_clear(&self->scratch);
}

const OperatorVt VECTOR_SEARCH_OPERATOR = {
    .name = "vector-search",
    .plan_kind = PLAN_VECTOR_SEARCH,
    .size = sizeof(VectorSearch),
    .open = vector_search_open,
    .on_batch = vector_search_on_batch,
    .close = vector_search_close,
};
