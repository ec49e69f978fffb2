#include "ml/graph/served.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bits.h"

enum { SPARE_RUNS = 16 };

typedef struct Served {
    MlModel base;
    GraphHome home;
    const Graph *graph;
    ServedEngine engine;
    ServedPort *in;      // without the batch's dimension
    bool batched;        // rows go together; else one by one
    bool *fixed;         // an input whose shape has no open batch: the row is the whole tensor
    // Per input: the dimension that rows of different lengths differ in, -1: none; and how many
    // values one step of it is. Rows of one length go together.
    int32_t *open;
    uint32_t *step;
    bool any_open;
    uint64_t parameters;
    // Runs that are not at work, with the memory they hold.
    Run *_Atomic spare[SPARE_RUNS];
} Served;

static void served_free(MlModel *model) {
    Served *self = (Served *)model;
    for (uint32_t i = 0; i < SPARE_RUNS; i++) run_free(atomic_load(&self->spare[i]));
    mem_free(self->fixed);
    mem_free(self->open);
    mem_free(self->step);
    mem_free(self->in);
    mem_free((void *)self->base.in);
    mem_free((void *)self->base.out);
    if (self->engine.free) self->engine.free(self->engine.self);
    graph_home_clear(&self->home);
    mem_free(self);
}

static Run *take_run(const Served *self) {
    Served *shared = (Served *)self;  // only its spare runs change
    for (uint32_t i = 0; i < SPARE_RUNS; i++) {
        Run *run = atomic_exchange(&shared->spare[i], NULL);
        if (run) return run;
    }
    return run_new(&self->home);
}

static void give_run(const Served *self, Run *run) {
    Served *shared = (Served *)self;
    for (uint32_t i = 0; i < SPARE_RUNS; i++) {
        Run *none = NULL;
        if (atomic_compare_exchange_strong(&shared->spare[i], &none, run)) return;
    }
    run_free(run);
}

// --- Rows in ---

static Status no_value(const Served *self, uint32_t port, Error *err) {
    return error_set(err, ST_RUNTIME, "input '" STR_FMT "' has no value and takes none",
                     STR_ARG(self->base.in[port].name));
}

// Rows that go through the graph together: [count] from [first] on, of [order] if there is one.
typedef struct Rows {
    const uint32_t *order;
    uint32_t first, count;
    double blank;  // all numbers of rows that are made up
} Rows;

static uint32_t row_at(const Rows *rows, uint32_t i) {
    return rows->order ? rows->order[rows->first + i] : rows->first + i;
}

static bool is_there(const MlColumn *column, uint32_t row) {
    return !column->valid || bits_get(column->valid, row);
}

static void put_values(const MlColumn *column, size_t from, size_t count, const Tensor *t,
                       size_t to) {
    if (t->type == TENSOR_STR) {
        memcpy((Str *)t->data + to, column->text + from, count * sizeof(Str));
    } else if (t->type == TENSOR_F32) {
        for (size_t i = 0; i < count; i++) tensor_f32(t)[to + i] = (float)column->number[from + i];
    } else {
        for (size_t i = 0; i < count; i++) {
            tensor_put_number(t, (int64_t)(to + i), column->number[from + i]);
        }
    }
}

static Status fill_input(const Served *self, uint32_t port, const MlColumn *column,
                         const Rows *rows, const Tensor *t, Error *err) {
    bool list = self->base.in[port].list;
    size_t width = rows->count ? (size_t)t->count / rows->count : 0;
    if (!list && !rows->order) {
        put_values(column, rows->first * width, rows->count * width, t, 0);
    }
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t row = row_at(rows, i);
        bool there = is_there(column, row);
        if (there && (list || rows->order)) {
            put_values(column, list ? column->offset[row] : row * width, width, t, i * width);
        }
        if (there) continue;
        if (!tensor_is_float(t->type)) return no_value(self, port, err);
        for (size_t k = 0; k < width; k++) {
            tensor_put_number(t, (int64_t)(i * width + k), (double)NAN);
        }
    }
    return ST_OK;
}

// How many steps row [row] has. A row of no steps at all has nothing to be computed of.
static Status steps_of(const Served *self, uint32_t port, const MlColumn *column, uint32_t row,
                       int64_t *out, Error *err) {
    uint32_t values = is_there(column, row) ? column->offset[row + 1] - column->offset[row] : 0;
    *out = values / self->step[port];
    if (values && values % self->step[port] == 0) return ST_OK;
    if (!values) return no_value(self, port, err);
    return error_set(err, ST_RUNTIME, "input '" STR_FMT "' has %u values, no whole steps of %u",
                     STR_ARG(self->base.in[port].name), values, self->step[port]);
}

// Rows that are made up, of so many steps, when [in] is NULL.
static Status make_inputs(const Served *self, Run *run, const MlColumn *in, const Rows *rows,
                          int64_t steps, Tensor *out, Error *err) {
    for (uint32_t i = 0; i < self->base.in_count; i++) {
        const ServedPort *port = &self->in[i];
        int64_t dim[TENSOR_RANK_MAX + 1] = {rows->count}, own = steps;
        bool fixed = self->fixed[i], open = self->open[i] >= 0;
        memcpy(dim + !fixed, port->dim, port->rank * sizeof dim[0]);
        if (in && open) TRY(steps_of(self, i, &in[i], row_at(rows, 0), &own, err));
        if (open) dim[self->open[i] + !fixed] = own;
        TRY(tensor_new(run_pool(run), port->type, port->rank + !fixed, dim, &out[i], err));
        memset(out[i].data, 0, (size_t)out[i].count * tensor_size(port->type));
        if (in) TRY(fill_input(self, i, &in[i], rows, &out[i], err));
        for (int64_t k = 0; !in && rows->blank != 0 && k < out[i].count; k++) {
            if (port->type != TENSOR_STR) tensor_put_number(&out[i], k, rows->blank);
        }
    }
    return ST_OK;
}

static Status run_rows(const Served *self, Run *run, const MlColumn *in, const Rows *rows,
                       int64_t steps, Tensor *given, Tensor *out, Error *err) {
    Status st = make_inputs(self, run, in, rows, steps, given, err);
    if (!st && self->graph) {
        st = run_graph(run, self->graph, given, self->base.in_count, out, err);
    } else if (!st) {
        st = self->engine.run(self->engine.self, run, given, out, err);
    }
    for (uint32_t i = 0; i < self->base.in_count; i++) tensor_drop(run_pool(run), &given[i]);
    return st;
}

// Rows by their lengths, those of one length in the order they came.
typedef struct Length {
    uint64_t key;
    uint32_t row;
} Length;

static int by_length(const void *a, const void *b) {
    const Length *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static uint64_t length_of(const Served *self, const MlColumn *in, uint32_t row) {
    uint64_t key = 0;
    for (uint32_t i = 0; i < self->base.in_count; i++) {
        if (self->open[i] < 0) continue;
        uint32_t values = is_there(&in[i], row) ? in[i].offset[row + 1] - in[i].offset[row] : 0;
        key = key * 1000003 + values;
    }
    return key;
}

static bool same_lengths(const Served *self, const MlColumn *in, uint32_t a, uint32_t b) {
    for (uint32_t i = 0; i < self->base.in_count; i++) {
        if (self->open[i] < 0) continue;
        if (is_there(&in[i], a) != is_there(&in[i], b)) return false;
        if (!is_there(&in[i], a)) continue;
        if (in[i].offset[a + 1] - in[i].offset[a] != in[i].offset[b + 1] - in[i].offset[b]) {
            return false;
        }
    }
    return true;
}

static const uint32_t *order_rows(const Served *self, const MlColumn *in, uint32_t rows,
                                  Arena *arena) {
    Length *length = ARENA_ARRAY(arena, Length, rows + 1);
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, rows + 1);
    for (uint32_t r = 0; r < rows; r++) length[r] = (Length){length_of(self, in, r), r};
    qsort(length, rows, sizeof *length, by_length);
    for (uint32_t r = 0; r < rows; r++) order[r] = length[r].row;
    return order;
}

// --- Rows out ---

// Outputs of rows that differ in length, as they come; put into the order of the rows at the end.
typedef struct Lists {
    MlColumn *piece;   // per row
    uint32_t *count;   // of its values
} Lists;

static void get_values(const Tensor *t, size_t from, size_t count, MlColumn *column, size_t to,
                       Arena *arena) {
    if (t->type == TENSOR_STR) {
        for (size_t i = 0; i < count; i++) {
            column->text[to + i] = str_dup(arena, tensor_str(t)[from + i]);
        }
    } else if (t->type == TENSOR_F32) {
        for (size_t i = 0; i < count; i++) {
            column->number[to + i] = (double)tensor_f32(t)[from + i];
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            column->number[to + i] = tensor_number(t, (int64_t)(from + i));
        }
    }
}

static Status take_output(const Served *self, uint32_t port, const Tensor *t, const Rows *rows,
                          MlColumn *column, Lists *lists, Arena *arena, Error *err) {
    const MlField *field = &self->base.out[port];
    size_t width = field->list ? (size_t)t->count / rows->count : field->width;
    bool text = field->type == ML_TEXT;
    if ((size_t)t->count != width * rows->count || (t->type == TENSOR_STR) != text ||
        t->type == TENSOR_LIST) {
        char shape[128];
        return error_set(err, ST_RUNTIME, "output '" STR_FMT "' has shape %s for %u rows",
                         STR_ARG(field->name), tensor_shape_text(t, shape), rows->count);
    }
    if (!field->list && !rows->order) {
        get_values(t, 0, width * rows->count, column, rows->first * width, arena);
        return ST_OK;
    }
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t row = row_at(rows, i);
        if (!field->list) {
            get_values(t, i * width, width, column, row * width, arena);
            continue;
        }
        MlColumn *piece = &lists->piece[row];
        if (text) piece->text = ARENA_ARRAY(arena, Str, width + 1);
        else piece->number = ARENA_ARRAY(arena, double, width + 1);
        lists->count[row] = (uint32_t)width;
        get_values(t, i * width, width, piece, 0, arena);
    }
    return ST_OK;
}

static void join_lists(const Lists *lists, uint32_t rows, bool text, MlColumn *out, Arena *arena) {
    out->offset = ARENA_ARRAY(arena, uint32_t, rows + 1);
    for (uint32_t r = 0; r < rows; r++) out->offset[r + 1] = out->offset[r] + lists->count[r];
    if (text) out->text = ARENA_ARRAY(arena, Str, out->offset[rows] + 1);
    else out->number = ARENA_ARRAY(arena, double, out->offset[rows] + 1);
    for (uint32_t r = 0; r < rows; r++) {
        size_t at = out->offset[r], count = lists->count[r];
        if (text) memcpy(out->text + at, lists->piece[r].text, count * sizeof(Str));
        else memcpy(out->number + at, lists->piece[r].number, count * sizeof(double));
    }
}

// What one call is about.
typedef struct Asking {
    const Served *self;
    Run *run;
    const MlColumn *in;
    Tensor *t;       // inputs, then outputs
    MlColumn *out;
    Lists *lists;    // per output
    Arena *arena;
} Asking;

static Status predict_rows(const Asking *call, const Rows *rows, Error *err) {
    const Served *self = call->self;
    uint32_t outs = self->base.out_count;
    Tensor *result = call->t + self->base.in_count;
    run_start(call->run, &RUN_LIMITS);
    Status st = run_rows(self, call->run, call->in, rows, 0, call->t, result, err);
    for (uint32_t i = 0; i < outs && !st; i++) {
        if (call->out[i].skip) continue;
        st = take_output(self, i, &result[i], rows, &call->out[i], &call->lists[i], call->arena,
                         err);
    }
    for (uint32_t i = 0; i < outs; i++) tensor_drop(run_pool(call->run), &result[i]);
    return st;
}

// The first row that fails on its own; the others may have failed only together with it.
static Status blame_row(const Asking *call, const Rows *rows, Status st, Error *err) {
    uint32_t blamed = 0;
    for (; rows->count > 1 && blamed < rows->count; blamed++) {
        Error own;
        Rows one = {.order = rows->order, .first = rows->first + blamed, .count = 1};
        Status alone = predict_rows(call, &one, &own);
        if (!alone) continue;
        st = alone;
        if (err) *err = own;
        break;
    }
    if (err && blamed < rows->count) {
        char text[ERROR_MESSAGE_MAX];
        memcpy(text, err->message, sizeof text);
        char hint[ERROR_HINT_MAX];
        memcpy(hint, err->hint, sizeof hint);
        (void)error_set(err, st, "row %u: %s", row_at(rows, blamed) + 1, text);
        if (hint[0]) error_hint(err, "%s", hint);
    }
    return st;
}

static Lists *make_room(const MlModel *model, uint32_t rows, MlColumn *out, Arena *arena) {
    Lists *lists = ARENA_ARRAY(arena, Lists, model->out_count + 1);
    for (uint32_t i = 0; i < model->out_count; i++) {
        size_t count = (size_t)rows * model->out[i].width;
        if (out[i].skip) continue;
        out[i].valid = NULL;
        out[i].offset = NULL;
        out[i].number = NULL;
        out[i].text = NULL;
        if (model->out[i].list) {
            lists[i] = (Lists){ARENA_ARRAY(arena, MlColumn, rows + 1),
                               ARENA_ARRAY(arena, uint32_t, rows + 1)};
        } else if (model->out[i].type == ML_TEXT) {
            out[i].text = ARENA_ARRAY(arena, Str, count + 1);
        } else {
            out[i].number = ARENA_ARRAY(arena, double, count + 1);
        }
    }
    return lists;
}

static Status served_predict(const MlModel *model, const MlColumn *in, uint32_t rows,
                             MlColumn *out, Arena *arena, Error *err) {
    const Served *self = (const Served *)model;
    enum { FEW = 16 };
    Tensor few[FEW] = {0};
    uint32_t ports = model->in_count + model->out_count;
    Asking call = {.self = self, .run = take_run(self), .in = in, .out = out,
                 .t = ports <= FEW ? few : NEW_ARRAY(Tensor, ports),
                 .lists = make_room(model, rows, out, arena), .arena = arena};
    const uint32_t *order = self->any_open ? order_rows(self, in, rows, arena) : NULL;
    uint32_t most = self->batched ? SERVED_ROWS : 1;
    Status st = ST_OK;
    for (uint32_t first = 0, count; first < rows && !st; first += count) {
        count = rows - first < most ? rows - first : most;
        for (uint32_t i = 1; order && i < count; i++) {
            if (!same_lengths(self, in, order[first], order[first + i])) count = i;
        }
        Rows piece = {.order = order, .first = first, .count = count};
        st = predict_rows(&call, &piece, err);
        if (st) st = blame_row(&call, &piece, st, err);
    }
    for (uint32_t i = 0; i < model->out_count && !st; i++) {
        if (out[i].skip || !model->out[i].list) continue;
        join_lists(&call.lists[i], rows, model->out[i].type == ML_TEXT, &out[i], arena);
    }
    if (call.t != few) mem_free(call.t);
    give_run(self, call.run);
    return st;
}

static void served_describe(const MlModel *model, Buf *out) {
    const Served *self = (const Served *)model;
    if (!self->graph) {
        buf_printf(out, "run by %s", self->engine.name);
        return;
    }
    buf_printf(out, "graph of %u nodes, %llu values known", self->graph->node_count,
               (unsigned long long)self->parameters);
    if (!self->batched) buf_puts(out, ", row by row");
}

// --- Loading ---

static MlType ml_type(TensorType type) {
    switch (type) {
        case TENSOR_F32: return ML_FLOAT;
        case TENSOR_F64: return ML_DOUBLE;
        case TENSOR_BOOL: return ML_BOOLEAN;
        case TENSOR_STR: return ML_TEXT;
        default: return ML_INTEGER;
    }
}

static Str shape_text(Arena *arena, uint32_t rank, const int64_t *dim) {
    Buf text = {0};
    for (uint32_t d = 0; d < rank; d++) {
        if (d) buf_putc(&text, 'x');
        if (dim[d] < 0) buf_putc(&text, '?');
        else buf_printf(&text, "%lld", (long long)dim[d]);
    }
    Str out = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return out;
}

// An open dimension makes a list of it.
static Status fill_field(Served *self, MlField *field, Str name, TensorType type, uint32_t rank,
                         const int64_t *dim, Error *err) {
    int64_t width;
    Arena *arena = &self->home.arena;
    for (uint32_t d = 0; d < rank; d++) {
        if (dim[d] >= 0) continue;
        *field = (MlField){.name = str_dup(arena, name), .type = ml_type(type), .width = 1,
                           .list = true, .shape = shape_text(arena, rank, dim)};
        return ST_OK;
    }
    TRY(tensor_count(rank, dim, &width, err));
    bool scalar = rank == 0 || (rank == 1 && dim[0] == 1);
    *field = (MlField){.name = str_dup(arena, name), .type = ml_type(type),
                       .width = (uint32_t)width,
                       .shape = scalar ? STR("") : shape_text(arena, rank, dim)};
    return ST_OK;
}

// An input's shape without the batch. One more dimension may be open: rows have lengths of their
// own.
static Status fill_input_port(Served *self, uint32_t i, const ServedPort *from, MlField *field,
                              Error *err) {
    ServedPort *port = &self->in[i];
    self->fixed[i] = from->rank == 0 || from->dim[0] >= 0;
    if (self->fixed[i]) self->batched = false;
    *port = *from;
    if (!self->fixed[i]) {
        port->rank--;
        memmove(port->dim, port->dim + 1, port->rank * sizeof port->dim[0]);
    }
    self->open[i] = -1;
    uint64_t step = 1;
    for (uint32_t d = 0; d < port->rank; d++) {
        if (port->dim[d] < 0 && self->open[i] >= 0) {
            return error_set(err, ST_UNSUPPORTED,
                             "input '" STR_FMT "' leaves dimensions %d and %u open; beside the "
                             "first only one may be",
                             STR_ARG(from->name), self->open[i] + !self->fixed[i],
                             d + !self->fixed[i]);
        }
        if (port->dim[d] < 0) self->open[i] = (int32_t)d;
        else if (port->dim[d] > INT32_MAX || step > INT32_MAX) step = 0;
        else step *= (uint64_t)port->dim[d];
    }
    self->any_open |= self->open[i] >= 0;
    if (self->open[i] >= 0 && (!step || step > INT32_MAX)) {
        return error_set(err, ST_UNSUPPORTED, "a step of input '" STR_FMT "' has none or too many "
                         "values", STR_ARG(from->name));
    }
    self->step[i] = (uint32_t)step;
    // One row of a tensor whose first dimension is 1 has the shape that is left.
    uint32_t skip = self->fixed[i] && port->rank > 1 && port->dim[0] == 1;
    return fill_field(self, field, from->name, from->type, port->rank - skip, port->dim + skip,
                      err);
}

// Runs [rows] rows of nothing but [blank], of [steps], and notes the shapes that come out.
static Status probe_with(const Served *self, double blank, uint32_t rows, int64_t steps,
                         Tensor *shape, Error *err) {
    Run *run = run_new(&self->home);
    run_start(run, &RUN_LIMITS_FOLD);
    uint32_t outs = self->base.out_count;
    Tensor *given = NEW_ARRAY(Tensor, self->base.in_count + 1);
    Tensor *out = NEW_ARRAY(Tensor, outs + 1);
    Rows made = {.count = rows, .blank = blank};
    Status st = run_rows(self, run, NULL, &made, steps, given, out, err);
    for (uint32_t i = 0; i < outs; i++) {
        shape[i] = out[i];
        shape[i].block = NULL;
        shape[i].data = NULL;
        if (!st && (!out[i].type || out[i].type == TENSOR_LIST)) {
            st = error_set(err, ST_UNSUPPORTED, "output %u is %s, not a tensor", i + 1,
                           tensor_type_name(out[i].type));
        }
    }
    for (uint32_t i = 0; i < outs; i++) tensor_drop(run_pool(run), &out[i]);
    mem_free(given);
    mem_free(out);
    run_free(run);
    return st;
}

// Zeros; ones where a graph does not take them, which divides by what it is given.
static Status probe(const Served *self, uint32_t rows, int64_t steps, Tensor *shape, Error *err) {
    Error ignored;
    Status st = probe_with(self, 0, rows, steps, shape, err);
    return st && !probe_with(self, 1, rows, steps, shape, &ignored) ? ST_OK : st;
}

// Whether an output of one row grows to [rows] of the same kind.
static bool follows(const Tensor *one, const Tensor *many, int64_t rows) {
    if (one->type != many->type || one->rank != many->rank || !one->rank) return false;
    if (one->dim[0] != 1 || many->dim[0] != rows) return false;
    return memcmp(one->dim + 1, many->dim + 1, (one->rank - 1) * sizeof one->dim[0]) == 0;
}

// Dimensions of [one] that are others in [longer], whose rows have more steps, are open.
static void open_dimensions(Tensor *one, const Tensor *longer) {
    if (one->rank != longer->rank) return;
    for (uint32_t d = 0; d < one->rank; d++) {
        if (one->dim[d] != longer->dim[d]) one->dim[d] = -1;
    }
}

static Status find_outputs(Served *self, const Str *name, MlField *field, Error *err) {
    enum { MANY = 3, STEPS = 12, MORE_STEPS = 17 };
    uint32_t outs = self->base.out_count;
    Tensor *one = NEW_ARRAY(Tensor, outs + 1), *many = NEW_ARRAY(Tensor, outs + 1);
    Status st = probe(self, 1, STEPS, one, err);
    if (!st && self->batched) {
        Error ignored;
        self->batched = !probe(self, MANY, STEPS, many, &ignored);
        for (uint32_t i = 0; i < outs && self->batched; i++) {
            self->batched = follows(&one[i], &many[i], MANY);
        }
    }
    if (!st && self->any_open) st = probe(self, 1, MORE_STEPS, many, err);
    for (uint32_t i = 0; i < outs && !st; i++) {
        if (self->any_open) open_dimensions(&one[i], &many[i]);
        uint32_t skip = one[i].rank > 0 && one[i].dim[0] == 1;  // the batch
        st = fill_field(self, &field[i], name[i], one[i].type, one[i].rank - skip,
                        one[i].dim + skip, err);
    }
    mem_free(one);
    mem_free(many);
    return st;
}

static uint64_t parameters_of(const GraphHome *home) {
    uint64_t count = 0;
    for (uint32_t g = 0; g < home->graph_count; g++) {
        const Graph *graph = home->graph[g];
        bool *used = NEW_ARRAY(bool, graph->value_count + 1);
        for (uint32_t n = 0; n < graph->node_count; n++) {
            for (uint32_t i = 0; i < graph->node[n]->in_count; i++) {
                uint32_t value = graph->node[n]->in[i];
                if (value == VALUE_NONE || used[value] || !graph->constant[value].type) continue;
                used[value] = true;
                count += (uint64_t)graph->constant[value].count;
            }
        }
        mem_free(used);
    }
    return count;
}

Status served_new(ServedSpec *spec, MlModel **out, Error *err) {
    static const MlModelVt VT_ONNX = {"onnx", served_predict, NULL, served_describe, served_free};
    static const MlModelVt VT_TF = {"tensorflow", served_predict, NULL, served_describe,
                                    served_free};
    Served *self = NEW(Served);
    self->base.vt = strcmp(spec->format, "onnx") == 0 ? &VT_ONNX : &VT_TF;
    self->home = spec->home;
    for (uint32_t i = 0; i < self->home.graph_count; i++) {
        self->home.graph[i]->home = &self->home;  // it has moved
    }
    run_free(self->home.folder);
    self->home.folder = NULL;
    self->graph = spec->graph;
    self->engine = spec->engine;
    self->batched = true;
    MlField *in = NEW_ARRAY(MlField, spec->in_count + 1);
    MlField *fields = NEW_ARRAY(MlField, spec->out_count + 1);
    self->base.in = in;
    self->base.out = fields;
    self->base.in_count = spec->in_count;
    self->base.out_count = spec->out_count;
    self->in = NEW_ARRAY(ServedPort, spec->in_count + 1);
    self->fixed = NEW_ARRAY(bool, spec->in_count + 1);
    self->open = NEW_ARRAY(int32_t, spec->in_count + 1);
    self->step = NEW_ARRAY(uint32_t, spec->in_count + 1);
    Status st = ST_OK;
    for (uint32_t i = 0; i < spec->in_count && !st; i++) {
        st = fill_input_port(self, i, &spec->in[i], &in[i], err);
    }
    if (!st && !spec->in_count) st = error_set(err, ST_VALIDATION, "the model has no inputs");
    if (!st) st = find_outputs(self, spec->out, fields, err);
    self->parameters = parameters_of(&self->home);
    self->base.bytes = self->home.arena.bytes + sizeof *self;
    if (st) served_free(&self->base);
    else *out = &self->base;
    return st;
}
