#include "ml/graph/served.h"

#include <math.h>
#include <stdatomic.h>

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
    uint64_t parameters;
    // Runs that are not at work, with the memory they hold.
    Run *_Atomic spare[SPARE_RUNS];
} Served;

static void served_free(MlModel *model) {
    Served *self = (Served *)model;
    for (uint32_t i = 0; i < SPARE_RUNS; i++) run_free(atomic_load(&self->spare[i]));
    mem_free(self->fixed);
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

static Status fill_input(const Served *self, uint32_t port, const MlColumn *column, uint32_t first,
                         uint32_t rows, const Tensor *t, Error *err) {
    uint32_t width = self->base.in[port].width;
    size_t at = (size_t)first * width, count = (size_t)rows * width;
    if (t->type == TENSOR_STR) {
        memcpy(t->data, column->text + at, count * sizeof(Str));
    } else if (t->type == TENSOR_F32) {
        for (size_t i = 0; i < count; i++) tensor_f32(t)[i] = (float)column->number[at + i];
    } else {
        for (size_t i = 0; i < count; i++) {
            tensor_put_number(t, (int64_t)i, column->number[at + i]);
        }
    }
    for (uint32_t row = 0; column->valid && row < rows; row++) {
        if (bits_get(column->valid, first + row)) continue;
        if (!tensor_is_float(t->type)) return no_value(self, port, err);
        for (uint32_t i = 0; i < width; i++) {
            tensor_put_number(t, (int64_t)row * width + i, (double)NAN);
        }
    }
    return ST_OK;
}

// Zeros when [in] is NULL.
static Status make_inputs(const Served *self, Run *run, const MlColumn *in, uint32_t first,
                          uint32_t rows, Tensor *out, Error *err) {
    for (uint32_t i = 0; i < self->base.in_count; i++) {
        const ServedPort *port = &self->in[i];
        int64_t dim[TENSOR_RANK_MAX + 1] = {rows};
        bool fixed = self->fixed[i];
        memcpy(dim + !fixed, port->dim, port->rank * sizeof dim[0]);
        TRY(tensor_new(run_pool(run), port->type, port->rank + !fixed, dim, &out[i], err));
        memset(out[i].data, 0, (size_t)out[i].count * tensor_size(port->type));
        if (in) TRY(fill_input(self, i, &in[i], first, rows, &out[i], err));
    }
    return ST_OK;
}

static Status run_rows(const Served *self, Run *run, const MlColumn *in, uint32_t first,
                       uint32_t rows, Tensor *given, Tensor *out, Error *err) {
    Status st = make_inputs(self, run, in, first, rows, given, err);
    if (!st && self->graph) {
        st = run_graph(run, self->graph, given, self->base.in_count, out, err);
    } else if (!st) {
        st = self->engine.run(self->engine.self, run, given, out, err);
    }
    for (uint32_t i = 0; i < self->base.in_count; i++) tensor_drop(run_pool(run), &given[i]);
    return st;
}

// --- Rows out ---

static Status take_output(const Served *self, uint32_t port, const Tensor *t, uint32_t first,
                          uint32_t rows, MlColumn *column, Arena *arena, Error *err) {
    const MlField *field = &self->base.out[port];
    size_t at = (size_t)first * field->width, count = (size_t)rows * field->width;
    bool text = field->type == ML_TEXT;
    if ((size_t)t->count != count || (t->type == TENSOR_STR) != text || t->type == TENSOR_LIST) {
        char shape[128];
        return error_set(err, ST_RUNTIME, "output '" STR_FMT "' has shape %s for %u rows",
                         STR_ARG(field->name), tensor_shape_text(t, shape), rows);
    }
    if (text) {
        for (size_t i = 0; i < count; i++) {
            column->text[at + i] = str_dup(arena, tensor_str(t)[i]);
        }
    } else if (t->type == TENSOR_F32) {
        for (size_t i = 0; i < count; i++) column->number[at + i] = (double)tensor_f32(t)[i];
    } else {
        for (size_t i = 0; i < count; i++) {
            column->number[at + i] = tensor_number(t, (int64_t)i);
        }
    }
    return ST_OK;
}

static Status predict_rows(const Served *self, Run *run, const MlColumn *in, uint32_t first,
                           uint32_t rows, Tensor *t, MlColumn *out, Arena *arena, Error *err) {
    uint32_t outs = self->base.out_count;
    Tensor *given = t, *result = t + self->base.in_count;
    run_start(run, &RUN_LIMITS);
    Status st = run_rows(self, run, in, first, rows, given, result, err);
    for (uint32_t i = 0; i < outs && !st; i++) {
        if (out[i].skip) continue;
        st = take_output(self, i, &result[i], first, rows, &out[i], arena, err);
    }
    for (uint32_t i = 0; i < outs; i++) tensor_drop(run_pool(run), &result[i]);
    return st;
}

// The first row that fails on its own; the others may have failed only together with it.
static Status blame_row(const Served *self, Run *run, const MlColumn *in, uint32_t first,
                        uint32_t rows, Tensor *t, MlColumn *out, Arena *arena, Status st,
                        Error *err) {
    uint32_t row = first;
    for (; rows > 1 && row < first + rows; row++) {
        Error own;
        Status alone = predict_rows(self, run, in, row, 1, t, out, arena, &own);
        if (!alone) continue;
        st = alone;
        if (err) *err = own;
        break;
    }
    if (err && row < first + rows) {
        char text[ERROR_MESSAGE_MAX];
        memcpy(text, err->message, sizeof text);
        char hint[ERROR_HINT_MAX];
        memcpy(hint, err->hint, sizeof hint);
        (void)error_set(err, st, "row %u: %s", row + 1, text);
        if (hint[0]) error_hint(err, "%s", hint);
    }
    return st;
}

static Status served_predict(const MlModel *model, const MlColumn *in, uint32_t rows,
                             MlColumn *out, Arena *arena, Error *err) {
    const Served *self = (const Served *)model;
    for (uint32_t i = 0; i < model->out_count; i++) {
        size_t count = (size_t)rows * model->out[i].width;
        if (out[i].skip) continue;
        out[i].valid = NULL;
        out[i].offset = NULL;
        out[i].number = NULL;
        out[i].text = NULL;
        if (model->out[i].type == ML_TEXT) out[i].text = ARENA_ARRAY(arena, Str, count + 1);
        else out[i].number = ARENA_ARRAY(arena, double, count + 1);
    }
    Run *run = take_run(self);
    enum { FEW = 16 };
    Tensor few[FEW] = {0};
    uint32_t ports = model->in_count + model->out_count;
    Tensor *t = ports <= FEW ? few : NEW_ARRAY(Tensor, ports);
    uint32_t most = self->batched ? SERVED_ROWS : 1;
    Status st = ST_OK;
    for (uint32_t first = 0; first < rows && !st; first += most) {
        uint32_t count = rows - first < most ? rows - first : most;
        st = predict_rows(self, run, in, first, count, t, out, arena, err);
        if (st) st = blame_row(self, run, in, first, count, t, out, arena, st, err);
    }
    if (t != few) mem_free(t);
    give_run(self, run);
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
    for (uint32_t d = 0; d < rank; d++) buf_printf(&text, d ? "x%lld" : "%lld", (long long)dim[d]);
    Str out = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return out;
}

static Status fill_field(Served *self, MlField *field, Str name, TensorType type, uint32_t rank,
                         const int64_t *dim, Error *err) {
    int64_t width;
    Arena *arena = &self->home.arena;
    TRY(tensor_count(rank, dim, &width, err));
    bool scalar = rank == 0 || (rank == 1 && dim[0] == 1);
    *field = (MlField){.name = str_dup(arena, name), .type = ml_type(type),
                       .width = (uint32_t)width,
                       .shape = scalar ? STR("") : shape_text(arena, rank, dim)};
    return ST_OK;
}

// An input's shape without the batch. Further open dimensions have no size that a row could have.
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
    for (uint32_t d = 0; d < port->rank; d++) {
        if (port->dim[d] >= 0) continue;
        return error_set(err, ST_UNSUPPORTED,
                         "input '" STR_FMT "' leaves dimension %u open; only the first may be",
                         STR_ARG(from->name), d + (self->fixed[i] ? 0 : 1));
    }
    // One row of a tensor whose first dimension is 1 has the shape that is left.
    uint32_t skip = self->fixed[i] && port->rank > 1 && port->dim[0] == 1;
    return fill_field(self, field, from->name, from->type, port->rank - skip, port->dim + skip,
                      err);
}

// Runs [rows] rows of zeros and notes the shapes that come out.
static Status probe(const Served *self, uint32_t rows, Tensor *shape, Error *err) {
    Run *run = run_new(&self->home);
    run_start(run, &RUN_LIMITS_FOLD);
    uint32_t outs = self->base.out_count;
    Tensor *given = NEW_ARRAY(Tensor, self->base.in_count + 1);
    Tensor *out = NEW_ARRAY(Tensor, outs + 1);
    Status st = run_rows(self, run, NULL, 0, rows, given, out, err);
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

// Whether an output of one row grows to [rows] of the same kind.
static bool follows(const Tensor *one, const Tensor *many, int64_t rows) {
    if (one->type != many->type || one->rank != many->rank || !one->rank) return false;
    if (one->dim[0] != 1 || many->dim[0] != rows) return false;
    return memcmp(one->dim + 1, many->dim + 1, (one->rank - 1) * sizeof one->dim[0]) == 0;
}

static Status find_outputs(Served *self, const Str *name, MlField *field, Error *err) {
    enum { MANY = 3 };
    uint32_t outs = self->base.out_count;
    Tensor *one = NEW_ARRAY(Tensor, outs + 1), *many = NEW_ARRAY(Tensor, outs + 1);
    Status st = probe(self, 1, one, err);
    if (!st && self->batched) {
        Error ignored;
        self->batched = !probe(self, MANY, many, &ignored);
        for (uint32_t i = 0; i < outs && self->batched; i++) {
            self->batched = follows(&one[i], &many[i], MANY);
        }
    }
    for (uint32_t i = 0; i < outs && !st; i++) {
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
