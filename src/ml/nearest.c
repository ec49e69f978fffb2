#include "ml/nearest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ml/graph/math.h"

enum {
    GROUP_QUERIES = 32,  // asked together: a block of the table is read once for all of them
    BLOCK_ROWS = 256,    // 384 floats each: 384 KiB, which stay in the second cache
    LEFT_MIN = 64,
};

struct Nearest {
    NearestMetric metric;
    uint32_t dims, rows, cap;
    float *packed;      // panels of PANEL vectors, value by value: what gemm takes
    double *exact;      // row by row, of a wide table; else NULL
    double *squares;    // per row: the product with itself
    float *factor;      // cosine: 1 / length; L2: half the square of the length
    double length_max;
};

Nearest *nearest_new(NearestMetric metric, uint32_t dims, bool wide) {
    Nearest *self = NEW(Nearest);
    self->metric = metric;
    self->dims = dims;
    if (wide) self->exact = mem_alloc(1);
    return self;
}

void nearest_free(Nearest *self) {
    if (!self) return;
    mem_free(self->packed);
    mem_free(self->exact);
    mem_free(self->squares);
    mem_free(self->factor);
    mem_free(self);
}

uint32_t nearest_rows(const Nearest *self) {
    return self->rows;
}

uint32_t nearest_dims(const Nearest *self) {
    return self->dims;
}

size_t nearest_row_bytes(uint32_t dims, bool wide) {
    return dims * (sizeof(float) + (wide ? sizeof(double) : 0)) + sizeof(double) + sizeof(float);
}

static float *packed_at(const Nearest *self, uint32_t row) {
    return self->packed + (size_t)(row / PANEL) * PANEL * self->dims + row % PANEL;
}

static void grow(Nearest *self) {
    uint32_t cap = self->cap ? self->cap * 2 : BLOCK_ROWS;
    size_t cells = (size_t)cap * self->dims, had = (size_t)self->cap * self->dims;
    self->packed = mem_realloc(self->packed, cells * sizeof(float) + 1);
    memset(self->packed + had, 0, (cells - had) * sizeof(float));
    if (self->exact) self->exact = mem_realloc(self->exact, cells * sizeof(double) + 1);
    self->squares = mem_realloc(self->squares, cap * sizeof(double));
    self->factor = mem_realloc(self->factor, cap * sizeof(float));
    self->cap = cap;
}

static double product(const double *a, const double *b, uint32_t count) {
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

void nearest_add(Nearest *self, const double *vector) {
    if (self->rows == self->cap) grow(self);
    uint32_t row = self->rows++;
    float *to = packed_at(self, row);
    for (uint32_t i = 0; i < self->dims; i++) to[(size_t)i * PANEL] = (float)vector[i];
    if (self->exact) {
        double *exact = self->exact + (size_t)row * self->dims;
        for (uint32_t i = 0; i < self->dims; i++) exact[i] = vector[i];
    }
    double square = self->squares[row] = product(vector, vector, self->dims), length = sqrt(square);
    if (!(length <= self->length_max)) self->length_max = length;
    self->factor[row] = self->metric == NEAREST_COSINE ? (float)(square > 0 ? 1 / length : 0)
                                                       : (float)(square / 2);
}

// ---- the first pass ----------------------------------------------------------------------------

// A query on its way: the keys of the best so far as a heap whose least is on top, and the rows
// that may be among the best.
typedef struct Search {
    double slack;     // two keys that differ by less may be in either order
    double *best;
    uint32_t best_count;
    uint32_t *left;
    double *left_key;
    uint32_t left_count, left_cap;
} Search;

static void heap_sink(double *heap, uint32_t count, uint32_t at) {
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= count) return;
        if (child + 1 < count && heap[child + 1] < heap[child]) child++;
        if (heap[at] <= heap[child]) return;
        double keep = heap[at];
        heap[at] = heap[child];
        heap[child] = keep;
        at = child;
    }
}

static void heap_take(Search *self, double key, uint32_t k) {
    double *heap = self->best;
    if (self->best_count == k) {
        if (key <= heap[0]) return;
        heap[0] = key;
        heap_sink(heap, k, 0);
        return;
    }
    uint32_t at = self->best_count++;
    heap[at] = key;
    while (at && heap[(at - 1) / 2] > heap[at]) {
        double keep = heap[at];
        heap[at] = heap[(at - 1) / 2];
        heap[(at - 1) / 2] = keep;
        at = (at - 1) / 2;
    }
}

// Below this no row can be among the best. A key or a slack that is no number excludes nothing.
static double bar_of(const Search *self, uint32_t k) {
    return self->best_count == k ? self->best[0] - self->slack : -INFINITY;
}

static void forget_worse(Search *self, uint32_t k) {
    double bar = bar_of(self, k);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < self->left_count; i++) {
        if (self->left_key[i] < bar) continue;
        self->left[kept] = self->left[i];
        self->left_key[kept++] = self->left_key[i];
    }
    self->left_count = kept;
    if (kept <= self->left_cap / 2) return;
    self->left_cap *= 2;
    self->left = mem_realloc(self->left, self->left_cap * sizeof *self->left);
    self->left_key = mem_realloc(self->left_key, self->left_cap * sizeof *self->left_key);
}

static void search_row(Search *self, uint32_t row, double key, uint32_t k) {
    if (key == key) heap_take(self, key, k);
    if (self->left_count == self->left_cap) forget_worse(self, k);
    self->left[self->left_count] = row;
    self->left_key[self->left_count++] = key;
}

static void search_block(const Nearest *self, Search *search, uint32_t from, uint32_t rows,
                         const float *dot, uint32_t k) {
    const float *factor = self->factor + from;
    double bar = bar_of(search, k);
    for (uint32_t i = 0; i < rows; i++) {
        double key = self->metric == NEAREST_DOT      ? (double)dot[i]
                     : self->metric == NEAREST_COSINE ? (double)(dot[i] * factor[i])
                                                      : (double)(dot[i] - factor[i]);
        if (key < bar) continue;
        search_row(search, from + i, key, k);
        bar = bar_of(search, k);
    }
}

// ---- the second pass ---------------------------------------------------------------------------

static double exact_score(const Nearest *self, const double *query, double square, uint32_t row) {
    const double *exact = self->exact ? self->exact + (size_t)row * self->dims : NULL;
    const float *packed = packed_at(self, row);
    double sum = 0;
    for (uint32_t i = 0; i < self->dims; i++) {
        double value = exact ? exact[i] : (double)packed[(size_t)i * PANEL];
        if (self->metric == NEAREST_L2) sum += (query[i] - value) * (query[i] - value);
        else sum += query[i] * value;
    }
    if (self->metric == NEAREST_L2) return sqrt(sum);
    if (self->metric == NEAREST_DOT) return sum;
    double lengths = sqrt(square * self->squares[row]);
    return lengths > 0 ? sum / lengths : 0;
}

// NaN comes last.
static int by_greatest(const void *a, const void *b) {
    const NearestHit *x = a, *y = b;
    if (x->score > y->score || (x->score == x->score && y->score != y->score)) return -1;
    if (x->score < y->score || (y->score == y->score && x->score != x->score)) return 1;
    return x->row < y->row ? -1 : 1;
}

static int by_least(const void *a, const void *b) {
    const NearestHit *x = a, *y = b;
    if (x->score < y->score || (x->score == x->score && y->score != y->score)) return -1;
    if (x->score > y->score || (y->score == y->score && x->score != x->score)) return 1;
    return x->row < y->row ? -1 : 1;
}

static uint32_t search_end(const Nearest *self, Search *search, const double *query, uint32_t k,
                           NearestHit *hit) {
    double square = product(query, query, self->dims);
    forget_worse(search, k);
    NearestHit *all = NEW_ARRAY(NearestHit, search->left_count + 1);
    for (uint32_t i = 0; i < search->left_count; i++) {
        uint32_t row = search->left[i];
        all[i] = (NearestHit){row, exact_score(self, query, square, row)};
    }
    qsort(all, search->left_count, sizeof *all,
          self->metric == NEAREST_L2 ? by_least : by_greatest);
    uint32_t count = search->left_count < k ? search->left_count : k;
    memcpy(hit, all, count * sizeof *all);
    mem_free(all);
    return count;
}

// ---- both --------------------------------------------------------------------------------------

// How far two keys may be off, together: of the conversion to floats, the products, the factor.
static double slack_of(const Nearest *self, const double *query) {
    double length = sqrt(product(query, query, self->dims)), each = (self->dims + 8) * 0x1p-23;
    if (self->metric == NEAREST_COSINE) return 2 * each * length;
    double other = self->length_max;
    return 2 * each * (self->metric == NEAREST_DOT ? length * other : (length + other) * other);
}

static void find_group(const Nearest *self, const double *query, uint32_t queries, uint32_t k,
                       NearestHit *hit, uint32_t *count) {
    Search search[GROUP_QUERIES];
    float *asked = mem_alloc((size_t)queries * self->dims * sizeof(float) + 1);
    float *dot = mem_alloc((size_t)queries * BLOCK_ROWS * sizeof(float));
    for (size_t i = 0; i < (size_t)queries * self->dims; i++) asked[i] = (float)query[i];
    for (uint32_t q = 0; q < queries; q++) {
        uint32_t cap = k * 4 > LEFT_MIN ? k * 4 : LEFT_MIN;
        search[q] = (Search){
            .slack = slack_of(self, query + (size_t)q * self->dims),
            .best = mem_alloc(k * sizeof(double)),
            .left = mem_alloc(cap * sizeof(uint32_t)),
            .left_key = mem_alloc(cap * sizeof(double)),
            .left_cap = cap,
        };
    }
    for (uint32_t from = 0; from < self->rows; from += BLOCK_ROWS) {
        uint32_t rows = self->rows - from < BLOCK_ROWS ? self->rows - from : BLOCK_ROWS;
        math()->gemm(asked, self->dims, self->packed + (size_t)from * self->dims, NULL, dot,
                     BLOCK_ROWS, queries, self->dims, rows, false);
        for (uint32_t q = 0; q < queries; q++) {
            search_block(self, &search[q], from, rows, dot + (size_t)q * BLOCK_ROWS, k);
        }
    }
    for (uint32_t q = 0; q < queries; q++) {
        count[q] = search_end(self, &search[q], query + (size_t)q * self->dims, k,
                              hit + (size_t)q * k);
        mem_free(search[q].best);
        mem_free(search[q].left);
        mem_free(search[q].left_key);
    }
    mem_free(asked);
    mem_free(dot);
}

void nearest_find(const Nearest *self, const double *query, uint32_t queries, uint32_t k,
                  NearestHit *hit, uint32_t *count) {
    for (uint32_t at = 0; at < queries; at += GROUP_QUERIES) {
        uint32_t group = queries - at < GROUP_QUERIES ? queries - at : GROUP_QUERIES;
        find_group(self, query + (size_t)at * self->dims, group, k, hit + (size_t)at * k,
                   count + at);
    }
}
