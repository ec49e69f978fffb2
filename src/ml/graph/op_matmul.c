// ml/graph/op_matmul.c - products of matrices and Einstein sums.
#include "base/assert.h"
#include "ml/graph/kernels.h"
#include "ml/graph/math.h"

void matmul_prepare(const Setup *setup, MatmulParams *params) {
    const Tensor *b = setup->constant(setup, 1);
    if (!b || b->type != TENSOR_F32 || b->rank != 2 || !b->count) return;
    size_t columns = (size_t)b->dim[1];
    bool turned = params->b_turned;
    params->k = turned ? b->dim[1] : b->dim[0];
    params->columns = turned ? b->dim[0] : b->dim[1];
    float *packed = arena_alloc_aligned(
        setup->arena, math_packed((size_t)params->k, (size_t)params->columns) * sizeof(float), 64);
    math_pack(tensor_f32(b), turned ? 1 : columns, turned ? columns : 1, (size_t)params->k,
              (size_t)params->columns, packed);
    params->packed = packed;
}

// A matrix among the last two dimensions of a tensor, its rows and columns as they are multiplied.
typedef struct Side {
    int64_t rows, columns, row_step, column_step;
} Side;

static Side side_of(const Tensor *t, bool turned) {
    int64_t high = t->dim[t->rank - 2], wide = t->dim[t->rank - 1];
    return turned ? (Side){wide, high, 1, wide} : (Side){high, wide, wide, 1};
}

static Status product_f32(const Call *call, const float *a, Side left, const float *b, Side right,
                          const float *packed, float *out, Error *err) {
    const Math *with = math();
    if (left.column_step != 1 && left.rows && left.columns) {  // turned: copied straight
        void *copy;
        TRY(call_scratch(call, (size_t)(left.rows * left.columns) * sizeof(float), &copy, err));
        float *to = copy;
        for (int64_t i = 0; i < left.rows; i++) {
            for (int64_t j = 0; j < left.columns; j++) {
                *to++ = a[i * left.row_step + j * left.column_step];
            }
        }
        a = copy;
        left.row_step = left.columns;
    }
    if (!packed) {
        void *made;
        size_t size = math_packed((size_t)right.rows, (size_t)right.columns);
        TRY(call_scratch(call, size * sizeof(float), &made, err));
        math_pack(b, (size_t)right.row_step, (size_t)right.column_step, (size_t)right.rows,
                  (size_t)right.columns, made);
        packed = made;
    }
    with->gemm(a, (size_t)left.row_step, packed, NULL, out, (size_t)right.columns,
               (size_t)left.rows, (size_t)left.columns, (size_t)right.columns, false);
    return ST_OK;
}

#define PRODUCT(NAME, TYPE, SUM)                                                             \
    static void NAME(const TYPE *a, Side left, const TYPE *b, Side right, TYPE *out) {       \
        for (int64_t i = 0; i < left.rows; i++) {                                            \
            for (int64_t j = 0; j < right.columns; j++) {                                    \
                SUM sum = 0;                                                                 \
                for (int64_t k = 0; k < left.columns; k++) {                                 \
                    sum += (SUM)a[i * left.row_step + k * left.column_step] *                \
                           (SUM)b[k * right.row_step + j * right.column_step];               \
                }                                                                            \
                out[i * right.columns + j] = (TYPE)sum;                                      \
            }                                                                                \
        }                                                                                    \
    }
PRODUCT(product_f64, double, double)
PRODUCT(product_i32, int32_t, uint32_t)
PRODUCT(product_i64, int64_t, uint64_t)

static Status product(const Call *call, const Tensor *a, const Tensor *b, Side left, Side right,
                      int64_t a_at, int64_t b_at, void *out, Error *err) {
    switch (a->type) {
        case TENSOR_F32:
            return product_f32(call, tensor_f32(a) + a_at, left, tensor_f32(b) + b_at, right, NULL,
                               out, err);
        case TENSOR_F64:
            product_f64(tensor_f64(a) + a_at, left, tensor_f64(b) + b_at, right, out);
            return ST_OK;
        case TENSOR_I32:
            product_i32(tensor_i32(a) + a_at, left, tensor_i32(b) + b_at, right, out);
            return ST_OK;
        case TENSOR_I64:
            product_i64(tensor_i64(a) + a_at, left, tensor_i64(b) + b_at, right, out);
            return ST_OK;
        default: return call_no_type(a, err);
    }
}

// The dimensions of batches, broadcast; those of the matrices are set by the caller.
typedef struct Batches {
    uint32_t rank;  // of the result
    int64_t dim[TENSOR_RANK_MAX];
    int64_t count;
} Batches;

static Status batches_of(const Tensor *a, const Tensor *b, Batches *out, Error *err) {
    *out = (Batches){.rank = a->rank > b->rank ? a->rank : b->rank};
    for (uint32_t d = 0; d + 2 < out->rank; d++) {
        uint32_t no_a = out->rank - a->rank, no_b = out->rank - b->rank;
        int64_t x = d < no_a ? 1 : a->dim[d - no_a], y = d < no_b ? 1 : b->dim[d - no_b];
        if (x != y && x != 1 && y != 1) return call_misfit(a, b, err);
        out->dim[d] = x == 1 ? y : x;
    }
    return tensor_count(out->rank - 2, out->dim, &out->count, err);
}

// Where matrix number [at] of the broadcast batches begins in [t].
static int64_t matrix_at(const Batches *batches, const Tensor *t, int64_t at) {
    int64_t offset = 0, step = t->dim[t->rank - 2] * t->dim[t->rank - 1];
    for (uint32_t d = batches->rank - 2; d-- > 0;) {
        int64_t i = at % batches->dim[d];
        at /= batches->dim[d];
        uint32_t missing = batches->rank - t->rank;
        int64_t size = d < missing ? 1 : t->dim[d - missing];
        if (size != 1) offset += i * step;
        step *= size;
    }
    return offset;
}

// A known right side of two dimensions: all batches of the left are rows of one long matrix.
static Status with_packed(const Call *call, const MatmulParams *params, const Tensor *a,
                          Error *err) {
    int64_t dim[TENSOR_RANK_MAX];
    memcpy(dim, a->dim, sizeof dim);
    Side left = side_of(a, params->a_turned);
    if (left.columns != params->k) return call_misfit(a, call->in[1], err);
    left.rows = params->k ? a->count / params->k : 0;
    if (params->a_turned) dim[a->rank - 2] = left.rows;
    dim[a->rank - 1] = params->columns;
    TRY(call_new(call, 0, TENSOR_F32, a->rank, dim, err));
    TRY(call_work(call, (double)left.rows * (double)params->k * (double)params->columns, err));
    Side right = {params->k, params->columns, 0, 1};
    return product_f32(call, tensor_f32(a), left, NULL, right, params->packed,
                       tensor_f32(&call->out[0]), err);
}

static Status multiply(const Call *call, const MatmulParams *params, const Tensor *a,
                       const Tensor *b, Error *err) {
    bool packed = params->packed && a->type == TENSOR_F32 && a->rank >= 2 &&
                  (a->rank == 2 || !params->a_turned);
    if (packed) return with_packed(call, params, a, err);
    Side left = side_of(a, params->a_turned), right = side_of(b, params->b_turned);
    Batches batches;
    if (left.columns != right.rows || a->type != b->type) return call_misfit(a, b, err);
    TRY(batches_of(a, b, &batches, err));
    batches.dim[batches.rank - 2] = left.rows;
    batches.dim[batches.rank - 1] = right.columns;
    TRY(call_new(call, 0, a->type, batches.rank, batches.dim, err));
    Tensor *out = &call->out[0];
    TRY(call_work(call, (double)out->count * (double)left.columns, err));
    size_t size = (size_t)(left.rows * right.columns) * tensor_size(a->type);
    for (int64_t i = 0; i < batches.count && out->count; i++) {
        TRY(product(call, a, b, left, right, matrix_at(&batches, a, i), matrix_at(&batches, b, i),
                    (char *)out->data + (size_t)i * size, err));
        call_scratch_end(call);  // each product takes some
    }
    return ST_OK;
}

// A Gemm's third operand: [columns], [rows, columns] or what is broadcast so.
static Status add_third(const Tensor *out, const Tensor *c, float alpha, float beta, Error *err) {
    if (out->type != TENSOR_F32 && out->type != TENSOR_F64) return call_no_type(out, err);
    if (c && (c->type != out->type || c->rank > 2)) return call_misfit(out, c, err);
    int64_t rows = out->dim[0], columns = out->dim[1];
    int64_t high = c && c->rank == 2 ? c->dim[0] : 1, wide = c && c->rank ? c->dim[c->rank - 1] : 1;
    if ((high != 1 && high != rows) || (wide != 1 && wide != columns)) {
        return call_misfit(out, c, err);
    }
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            int64_t at = (high == 1 ? 0 : i * wide) + (wide == 1 ? 0 : j);
            double more = c ? (double)beta * tensor_number(c, at) : 0;
            double value = tensor_number(out, i * columns + j);
            tensor_put_number(out, i * columns + j, (double)alpha * value + more);
        }
    }
    return ST_OK;
}

// The common third operand: a row that is added to all.
static void add_row(const Tensor *out, const Tensor *c) {
    const Math *with = math();
    size_t columns = (size_t)out->dim[1];
    float *row = tensor_f32(out);
    for (int64_t i = 0; i < out->dim[0]; i++, row += columns) {
        with->binary[MATH_ADD](row, tensor_f32(c), row, columns, 0);
    }
}

Status kernel_matmul(const Call *call, Error *err) {
    const MatmulParams *params = call->params;
    Tensor a = *call->in[0], b = *call->in[1];
    bool row = a.rank == 1, column = b.rank == 1;
    if (a.rank == 0 || b.rank == 0 || (params->flat && (a.rank != 2 || b.rank != 2))) {
        return call_misfit(&a, &b, err);
    }
    if (row) {
        a.dim[1] = a.dim[0];
        a.dim[0] = 1;
        a.rank = 2;
    }
    if (column) {
        b.dim[1] = 1;
        b.rank = 2;
    }
    TRY(multiply(call, params, &a, &b, err));
    Tensor *out = &call->out[0];
    if (row || column) {  // the dimension that was lent goes
        uint32_t last = out->rank - 1;
        if (row && !column) out->dim[last - 1] = out->dim[last];
        out->rank -= (uint32_t)row + (uint32_t)column;
    }
    const Tensor *c = call->in_count > 2 ? call->in[2] : NULL;
    bool plain = params->alpha == 1 && (!c || params->beta == 1);
    if (plain && !c) return ST_OK;
    if (plain && out->type == TENSOR_F32 && c->type == TENSOR_F32 && c->count == out->dim[1] &&
        out->rank == 2 && (c->rank == 1 || (c->rank == 2 && c->dim[0] == 1))) {
        add_row(out, c);
        return ST_OK;
    }
    if (out->rank != 2) return call_misfit(out, c ? c : out, err);
    return add_third(out, c, params->alpha, params->beta, err);
}

// --- Einstein sums ---
//
// Every letter is an index; the sum runs over those that the result does not name. Operands are
// walked by steps, which is slow but knows all equations; what is a product of two matrices (as in
// attention) is turned into one first.

enum { LETTERS_MAX = 2 * TENSOR_RANK_MAX };
typedef struct Sum {
    char letter[LETTERS_MAX];
    int64_t size[LETTERS_MAX];
    int64_t step[2][LETTERS_MAX];
    uint32_t count, out_count;  // letters; the first of them are the result's
} Sum;

static int32_t letter_of(Sum *self, char c) {
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->letter[i] == c) return (int32_t)i;
    }
    if (self->count == LETTERS_MAX) return -1;
    self->letter[self->count] = c;
    self->size[self->count] = 1;
    self->step[0][self->count] = self->step[1][self->count] = 0;
    return (int32_t)self->count++;
}

// Writes a term without blanks, an ellipsis as digits (dimensions counted from the last), as many
// as [t] has beyond its letters.
static bool expand_term(Str term, uint32_t rank, char out[LETTERS_MAX], uint32_t *count) {
    uint32_t letters = 0, n = 0;
    for (uint32_t i = 0; i < term.len; i++) {
        char c = term.ptr[i];
        letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    for (uint32_t i = 0; i < term.len; i++) {
        char c = term.ptr[i];
        if (c == ' ') continue;
        if (c == '.') {
            if (i + 2 >= term.len || letters > rank || rank - letters > TENSOR_RANK_MAX)
                return false;
            for (uint32_t k = rank - letters; k-- > 0;) {
                if (n == LETTERS_MAX) return false;
                out[n++] = (char)('0' + k);
            }
            i += 2;
            continue;
        }
        if (n == LETTERS_MAX || c < 'A') return false;
        out[n++] = c;
    }
    *count = n;
    return true;
}

static Status einsum_operand(Sum *self, uint32_t which, const Tensor *t, Str term, Error *err) {
    char name[LETTERS_MAX];
    uint32_t count;
    if (!expand_term(term, t->rank, name, &count) || count != t->rank) {
        return error_set(err, ST_RUNTIME, "'" STR_FMT "' does not fit a tensor of %u dimensions",
                         STR_ARG(term), t->rank);
    }
    int64_t step = 1;
    for (uint32_t d = count; d-- > 0; step *= t->dim[d]) {
        int32_t at = letter_of(self, name[d]);
        if (at < 0) return error_set(err, ST_UNSUPPORTED, "an equation of more than 16 letters");
        if (self->size[at] != 1 && t->dim[d] != 1 && self->size[at] != t->dim[d]) {
            return error_set(err, ST_RUNTIME, "sizes %lld and %lld for index '%c'",
                             (long long)self->size[at], (long long)t->dim[d], name[d]);
        }
        if (t->dim[d] == 1 && self->size[at] != 1) continue;
        self->size[at] = t->dim[d];
        self->step[which][at] += t->dim[d] == 1 ? 0 : step;
    }
    return ST_OK;
}

static double einsum_at(const Sum *self, const Tensor *a, const Tensor *b, int64_t offset_a,
                        int64_t offset_b) {
    int64_t index[LETTERS_MAX] = {0};
    double sum = 0;
    for (;;) {
        sum += tensor_number(a, offset_a) * (b ? tensor_number(b, offset_b) : 1);
        uint32_t d = self->out_count;
        for (; d < self->count; d++) {
            offset_a += self->step[0][d];
            offset_b += self->step[1][d];
            if (++index[d] < self->size[d]) break;
            offset_a -= self->step[0][d] * self->size[d];
            offset_b -= self->step[1][d] * self->size[d];
            index[d] = 0;
        }
        if (d == self->count) return sum;
    }
}

// The common sums are products of matrices: letters are shared (batches), of one side only, or
// summed. [class] of a letter: 0 batch, 1 left, 2 right, 3 summed.
static bool as_products(const Sum *self, uint32_t order[LETTERS_MAX], uint32_t group[4]) {
    uint32_t n = 0;
    for (uint32_t class = 0; class < 4; class++) {
        group[class] = 0;
        for (uint32_t i = 0; i < self->count; i++) {
            bool out = i < self->out_count, a = self->step[0][i] != 0, b = self->step[1][i] != 0;
            if (self->size[i] == 1) a = b = true;  // belongs anywhere
            uint32_t of = out ? (a && b ? 0 : a ? 1 : 2) : 3;
            if (!out && !(a && b)) return false;
            if (of != class) continue;
            order[n++] = i;
            group[class]++;
        }
    }
    return n == self->count;
}

static int64_t product_of(const Sum *self, const uint32_t *order, uint32_t count) {
    int64_t all = 1;
    for (uint32_t i = 0; i < count; i++) all *= self->size[order[i]];
    return all;
}

// Offsets of all combinations of the letters order[0..count), the last one fastest.
static void offsets(const Sum *self, const int64_t *step, const uint32_t *order, uint32_t count,
                    int64_t *out) {
    int64_t all = product_of(self, order, count);
    for (int64_t i = 0; i < all; i++) {
        int64_t at = i, offset = 0;
        for (uint32_t d = count; d-- > 0;) {
            offset += at % self->size[order[d]] * step[order[d]];
            at /= self->size[order[d]];
        }
        out[i] = offset;
    }
}

typedef struct Products {
    int64_t *batch_a, *batch_b, *batch_out, *row_a, *row_out, *column_b, *column_out, *sum_a,
        *sum_b;
    int64_t batches, rows, columns, sums;
} Products;

static void run_products(const Products *p, const float *a, const float *b, float *out,
                         float *left, float *right, float *packed, float *result) {
    for (int64_t n = 0; n < p->batches; n++) {
        for (int64_t i = 0; i < p->rows; i++) {
            for (int64_t k = 0; k < p->sums; k++) {
                left[i * p->sums + k] = a[p->batch_a[n] + p->row_a[i] + p->sum_a[k]];
            }
        }
        for (int64_t k = 0; k < p->sums; k++) {
            for (int64_t j = 0; j < p->columns; j++) {
                right[k * p->columns + j] = b[p->batch_b[n] + p->sum_b[k] + p->column_b[j]];
            }
        }
        math_pack(right, (size_t)p->columns, 1, (size_t)p->sums, (size_t)p->columns, packed);
        math()->gemm(left, (size_t)p->sums, packed, NULL, result, (size_t)p->columns,
                     (size_t)p->rows, (size_t)p->sums, (size_t)p->columns, false);
        for (int64_t i = 0; i < p->rows; i++) {
            for (int64_t j = 0; j < p->columns; j++) {
                out[p->batch_out[n] + p->row_out[i] + p->column_out[j]] =
                    result[i * p->columns + j];
            }
        }
    }
}

static Status einsum_products(const Call *call, const Sum *self, const uint32_t *order,
                              const uint32_t group[4], Error *err) {
    int64_t out_step[LETTERS_MAX] = {0}, step = 1;
    for (uint32_t d = self->out_count; d-- > 0; step *= self->size[d]) out_step[d] = step;
    const uint32_t *batch = order, *row = order + group[0], *column = row + group[1];
    const uint32_t *sum = column + group[2];
    Products p = {.batches = product_of(self, batch, group[0]),
                  .rows = product_of(self, row, group[1]),
                  .columns = product_of(self, column, group[2]),
                  .sums = product_of(self, sum, group[3])};
    struct {
        int64_t **to;
        const int64_t *step;
        const uint32_t *order;
        uint32_t count;
    } part[] = {{&p.batch_a, self->step[0], batch, group[0]},
                {&p.batch_b, self->step[1], batch, group[0]},
                {&p.batch_out, out_step, batch, group[0]},
                {&p.row_a, self->step[0], row, group[1]},
                {&p.row_out, out_step, row, group[1]},
                {&p.column_b, self->step[1], column, group[2]},
                {&p.column_out, out_step, column, group[2]},
                {&p.sum_a, self->step[0], sum, group[3]},
                {&p.sum_b, self->step[1], sum, group[3]}};
    for (uint32_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        int64_t all = product_of(self, part[i].order, part[i].count);
        void *made;
        TRY(call_scratch(call, (size_t)all * sizeof(int64_t), &made, err));
        *part[i].to = made;
        offsets(self, part[i].step, part[i].order, part[i].count, made);
    }
    size_t left = (size_t)(p.rows * p.sums), right = (size_t)(p.sums * p.columns);
    size_t packed = math_packed((size_t)p.sums, (size_t)p.columns);
    void *scratch;
    TRY(call_scratch(call, (left + right + packed + (size_t)(p.rows * p.columns)) * sizeof(float),
                     &scratch, err));
    float *at = scratch;
    run_products(&p, tensor_f32(call->in[0]), tensor_f32(call->in[1]), tensor_f32(&call->out[0]),
                 at, at + left, at + left + right, at + left + right + packed);
    return ST_OK;
}

// The result's indices when the equation does not say: each letter that stands once, in order.
static void implicit_result(Str terms, char out[64], uint32_t *count) {
    *count = 0;
    for (char c = 'A'; c <= 'z' && *count < 52; c++) {
        uint32_t times = 0;
        for (uint32_t i = 0; i < terms.len; i++) times += terms.ptr[i] == c;
        if (times == 1 && ((c <= 'Z') || c >= 'a')) out[(*count)++] = c;
    }
}

// Finds the terms of "ij,jk->ik".
static Status einsum_terms(const Call *call, Str equation, Str term[2], Str *result, char made[64],
                           Error *err) {
    int64_t arrow = str_find(equation, STR("->"), 0);
    Str left = arrow < 0 ? equation : str_sub(equation, 0, (uint32_t)arrow);
    int64_t comma = str_find(left, STR(","), 0);
    bool pair = comma >= 0;
    if (pair != (call->in_count == 2)) {
        return error_set(err, ST_UNSUPPORTED, "equation '" STR_FMT "' for %u operands",
                         STR_ARG(equation), call->in_count);
    }
    term[0] = pair ? str_sub(left, 0, (uint32_t)comma) : left;
    term[1] = pair ? str_sub(left, (uint32_t)comma + 1, left.len) : STR("");
    if (arrow >= 0) {
        *result = str_sub(equation, (uint32_t)arrow + 2, equation.len);
        return ST_OK;
    }
    uint32_t count;
    implicit_result(left, made, &count);
    *result = str_make(made, count);
    return ST_OK;
}

static Status einsum_result(Sum *self, const Call *call, Str result, Error *err) {
    uint32_t spread = 0;  // the longest ellipsis
    for (uint32_t i = 0; i < call->in_count; i++) {
        if (call->in[i]->rank > spread) spread = call->in[i]->rank;
    }
    char name[LETTERS_MAX];
    uint32_t letters = 0, count = 0;
    for (uint32_t i = 0; i < result.len; i++)
        letters += result.ptr[i] != '.' && result.ptr[i] != ' ';
    // As many dimensions for the ellipsis as an operand with one has beyond its letters.
    EinsumParams const *params = call->params;
    uint32_t dots = 0;
    Str rest = params->equation;
    for (uint32_t i = 0; i < call->in_count; i++) {
        int64_t end = str_find(rest, i + 1 < call->in_count ? STR(",") : STR("->"), 0);
        Str term = end < 0 ? rest : str_sub(rest, 0, (uint32_t)end);
        uint32_t own = 0;
        for (uint32_t k = 0; k < term.len; k++) own += term.ptr[k] != '.' && term.ptr[k] != ' ';
        bool has = str_find(term, STR("..."), 0) >= 0;
        if (has && call->in[i]->rank > own && call->in[i]->rank - own > dots) {
            dots = call->in[i]->rank - own;
        }
        rest = end < 0 ? STR("") : str_sub(rest, (uint32_t)end + 1, rest.len);
    }
    if (!expand_term(result, letters + dots, name, &count) || count > TENSOR_RANK_MAX) {
        return error_set(err, ST_UNSUPPORTED, "equation '" STR_FMT "'", STR_ARG(params->equation));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (letter_of(self, name[i]) != (int32_t)i) {
            return error_set(err, ST_RUNTIME, "index '%c' stands twice in the result", name[i]);
        }
    }
    self->out_count = count;
    return ST_OK;
}

Status kernel_einsum(const Call *call, Error *err) {
    const EinsumParams *params = call->params;
    const Tensor *a = call->in[0], *b = call->in_count > 1 ? call->in[1] : NULL;
    if (!tensor_is_float(a->type) || (b && b->type != a->type)) return call_no_type(a, err);
    Str term[2] = {0}, result = {0};
    char made[64];
    Sum sum = {0};
    TRY(einsum_terms(call, params->equation, term, &result, made, err));
    TRY(einsum_result(&sum, call, result, err));
    TRY(einsum_operand(&sum, 0, a, term[0], err));
    if (b) TRY(einsum_operand(&sum, 1, b, term[1], err));
    int64_t all;
    TRY(tensor_count(sum.count, sum.size, &all, err));
    TRY(call_work(call, (double)all, err));
    TRY(call_new(call, 0, a->type, sum.out_count, sum.size, err));
    Tensor *out = &call->out[0];
    if (!all) {
        memset(out->data, 0, (size_t)out->count * tensor_size(out->type));
        return ST_OK;
    }
    uint32_t order[LETTERS_MAX], group[4];
    if (b && a->type == TENSOR_F32 && as_products(&sum, order, group)) {
        return einsum_products(call, &sum, order, group, err);
    }
    for (int64_t i = 0; i < out->count; i++) {
        int64_t at = i, offset[2] = {0, 0};
        for (uint32_t d = sum.out_count; d-- > 0;) {
            int64_t index = at % sum.size[d];
            at /= sum.size[d];
            offset[0] += index * sum.step[0][d];
            offset[1] += index * sum.step[1][d];
        }
        tensor_put_number(out, i, einsum_at(&sum, a, b, offset[0], offset[1]));
    }
    return ST_OK;
}
