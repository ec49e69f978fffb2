// Functions in Python: each call borrows a worker process from the function's pool, hands it a
// batch, and takes a column back. So several threads compute at a time, each with a worker of its
// own, and a function whose module holds a model loads it once a worker, not once a query.
//
// To the rest of weir these are definitions like those of C; what their callbacks do is here, and
// for aggregate functions in python_agg.c.
#include <inttypes.h>

#include "udf/python_int.h"

enum { BATCH_ROWS_LIMIT = 2048 };

// ---- calls -------------------------------------------------------------------------------------

static int fail(weir_call *call, const Error *err) {
    UdfCall *self = (UdfCall *)call;
    // Its hint is worth keeping, so this is not host->error.
    if (!self->failed) self->error = *err;
    self->failed = true;
    return 1;
}

// Puts the arguments, rows [first, first + rows) of them.
static Status put_args(const UdfCall *self, PyMessage *out, uint32_t first, uint32_t rows,
                       Error *err) {
    uint32_t count = self->call.argc;
    const Type *type[UDF_ARGS_MAX];
    for (uint32_t i = 0; i < count; i++) type[i] = self->arg[i]->type;
    return py_put_columns(out, type, self->arg, count, first, rows, self->env, err);
}

static const Type *row_of_one(Arena *arena, const Type *type) {
    static const Str NAME = {"f0", 2};
    return type_row(arena, 1, &type, &NAME, false);
}

// Takes values over into rows from [first] on; both lie in one arena.
static void take_values(Vec *out, uint32_t first, const Vec *in) {
    size_t size = phys_size(out->phys);
    if (!size || out->phys == PHYS_LIST) {
        for (uint32_t i = 0; i < in->len; i++) vec_share_value(out, first + i, in, i);
        return;
    }
    if (in->len) memcpy((char *)out->data + first * size, in->data, in->len * size);
    for (uint32_t i = 0; in->valid && i < in->len; i++) {
        if (vec_is_null(in, i)) vec_set_null(out, first + i);
    }
}

static Status scalar_rows(UdfCall *self, PyWorker *worker, uint32_t first, uint32_t rows,
                          PyMessage *question, PyMessage *answer, Error *err) {
    const PyFunction *function = self->call.arg;
    const Type *result = self->udf->result;
    Vec *out = self->call.result[0].handle, **got;
    uint32_t count;
    py_begin(question, PYTHON_SCALAR, 2);
    TRY(py_put_columns(question, &result, NULL, 1, 0, 0, self->env, err));
    TRY(put_args(self, question, first, rows, err));
    TRY(python_ask(function, worker, question, answer, err));
    TRY(arrow_read_batch(answer->section[0], row_of_one(out->arena, result), out->arena, &got,
                         &count, err));
    if (count != rows) return error_set(err, ST_RUNTIME, "it gave %u values for %u", count, rows);
    take_values(out, first, got[0]);
    return ST_OK;
}

// The rows of one message of a table function's.
static Status emit_rows(UdfCall *self, const Type *row, uint32_t first, Str batch, Error *err) {
    weir_call *call = &self->call;
    Arena arena;
    Vec **column;
    uint32_t count;
    arena_init(&arena);
    Status st = arrow_read_batch(batch, row, &arena, &column, &count, err);
    for (uint32_t i = 0; !st && i < count; i++) {
        uint32_t to;
        if (weir_emit(call, first + (uint32_t)vec_i32(column[0])[i], &to)) {
            // What is wrong, weir_emit has said.
            *err = self->error;
            st = err->status;
        }
        for (uint32_t c = 0; !st && c < call->result_count; c++) {
            vec_copy_value(call->result[c].handle, to, column[c + 1], i);
        }
    }
    arena_clear(&arena);
    return st;
}

// The row that a row is given for, and the function's columns.
static const Type *numbered_row(Arena *arena, const Type *result) {
    uint32_t count = result->child_count + 1;
    const Type **type = ARENA_ARRAY(arena, const Type *, count);
    Str *name = ARENA_ARRAY(arena, Str, count);
    type[0] = type_of(TYPE_INT, false);
    name[0] = STR("row");
    for (uint32_t i = 1; i < count; i++) {
        type[i] = result->child[i - 1];
        name[i] = result->field[i - 1];
    }
    return type_row(arena, count, type, name, false);
}

static Status table_rows(UdfCall *self, PyWorker *worker, uint32_t first, uint32_t rows,
                         PyMessage *question, PyMessage *answer, Error *err) {
    const PyFunction *function = self->call.arg;
    const Type *row = numbered_row(&self->scratch, self->udf->result);
    py_begin(question, PYTHON_TABLE, 2);
    TRY(py_put_columns(question, row->child, NULL, row->child_count, 0, 0, self->env, err));
    TRY(put_args(self, question, first, rows, err));
    TRY(python_ask(function, worker, question, answer, err));
    for (;;) {
        bool more = answer->what == PYTHON_MORE;
        Status st = emit_rows(self, row, first, answer->section[0], err);
        worker->lost |= st && more;  // it is not done with telling
        if (st || !more) return st;
        TRY(python_more(function, worker, answer, err));
    }
}

static int python_eval(weir_call *call) {
    UdfCall *self = (UdfCall *)call;
    PyFunction *function = call->arg;
    bool table = function->def.kind == WEIR_TABLE;
    PyMessage question = {0}, answer = {0};
    PyWorker *worker = NULL;
    Error err;
    Status st = python_borrow(function, &worker, &err);
    for (uint32_t row = call->first; !st && row < call->end;) {
        uint32_t left = call->end - row;
        uint32_t rows = left < function->bundle_rows ? left : function->bundle_rows;
        st = table ? table_rows(self, worker, row, rows, &question, &answer, &err)
                   : scalar_rows(self, worker, row, rows, &question, &answer, &err);
        row += rows;
    }
    python_return(function, worker);
    py_free(&question);
    py_free(&answer);
    return st ? fail(call, &err) : 0;
}

// ---- the definition ----------------------------------------------------------------------------

// Aggregate functions are PYTHON_AGG's; that these are there says what the function can do.
static int never_state(weir_call *call, void *const *state) {
    (void)call;
    (void)state;
    UNREACHABLE();
}
static int never_merge(weir_call *call, void *state, const void *other) {
    (void)call;
    (void)state;
    (void)other;
    UNREACHABLE();
}
static int never_value(weir_call *call, const void *state, uint32_t row) {
    (void)call;
    (void)state;
    (void)row;
    UNREACHABLE();
}

static void python_drop(Udf *udf) {
    PyFunction *self = udf->arg;
    for (PyWorker *worker; (worker = self->idle);) {
        self->idle = worker->next;
        python_end(worker);
    }
    (void)pthread_mutex_destroy(&self->lock);
    mem_free((void *)(uintptr_t)self->def.signature);
    mem_free(self->name);
    mem_free(self->executable);
    mem_free(self->order);
    mem_free(self);
}

static void put_json(Buf *out, Str text) {
    buf_putc(out, '"');
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\') buf_putc(out, '\\');
        if (c < ' ')
            buf_printf(out, "\\u%04x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

// The next part of a list; false when there is none. [at] is where to go on.
static bool next_part(Str list, const char *mark, uint32_t *at, Str *part) {
    if (*at >= list.len) return false;
    int64_t end = str_find(list, str_c(mark), *at);
    if (end < 0) end = list.len;
    *part = str_trim(str_sub(list, *at, (uint32_t)end - *at));
    *at = (uint32_t)end + 1;
    return true;
}

// A file of 'python.files' counts as its folder; archives are paths of their own.
static void put_path(Buf *out, Str files) {
    Str file;
    for (uint32_t at = 0; next_part(files, ",", &at, &file);) {
        if (str_ends(file, STR(".py"))) {
            while (file.len && file.ptr[file.len - 1] != '/') file.len--;
        }
        buf_puts(out, ", ");
        put_json(out, file);
    }
}

// {"target": "module.func", "path": ["", …], "capacity": 10, "parameters": {…}}
static char *make_order(const PythonSpec *spec) {
    Buf out = {0};
    Str pair;
    buf_puts(&out, "{\"target\": ");
    put_json(&out, spec->target);
    buf_puts(&out, ", \"path\": [\"\"");
    put_path(&out, spec->files);
    put_path(&out, spec->path);
    buf_printf(&out, "], \"capacity\": %" PRId64 ", \"parameters\": {",
               spec->async_rows > 0 ? spec->async_rows : 1);
    bool first = true;
    for (uint32_t at = 0; next_part(spec->parameters, ",", &at, &pair);) {
        int64_t colon = str_find(pair, STR(":"), 0);
        if (colon < 0) continue;
        if (!first) buf_puts(&out, ", ");
        first = false;
        put_json(&out, str_trim(str_sub(pair, 0, (uint32_t)colon)));
        buf_puts(&out, ": ");
        put_json(&out, str_trim(str_sub(pair, (uint32_t)colon + 1, pair.len)));
    }
    buf_puts(&out, "}}");
    char *text = mem_strdup(buf_cstr(&out));
    buf_free(&out);
    return text;
}

static char *text_of(Str text) {
    Buf out = {0};
    buf_put_str(&out, text);
    char *copy = mem_strdup(buf_cstr(&out));
    buf_free(&out);
    return copy;
}

static bool has_word(Str words, const char *word) {
    Str each;
    for (uint32_t at = 0; next_part(words, " ", &at, &each);) {
        if (str_eq(each, str_c(word))) return true;
    }
    return false;
}

// The definition, from what the worker says of the function.
static void define(PyFunction *self, const PythonSpec *spec, const PyMessage *description) {
    Str kind = description->section[0], flags = description->section[1];
    int64_t rows = spec->bundle_rows;
    if (has_word(flags, "pandas") && (rows <= 0 || spec->arrow_rows < rows)) {
        rows = spec->arrow_rows;
    }
    self->bundle_rows = rows > 0 && rows <= BATCH_ROWS_LIMIT ? (uint32_t)rows : BATCH_ROWS_LIMIT;
    self->def = (weir_function_def){
        .abi = WEIR_FUNCTION_ABI,
        .kind = str_is(kind, "table")       ? WEIR_TABLE
                : str_is(kind, "aggregate") ? WEIR_AGGREGATE
                                            : WEIR_SCALAR,
        .signature = text_of(description->section[2]),
        .flags = has_word(flags, "nondeterministic") ? WEIR_NONDETERMINISTIC : 0,
    };
    if (self->def.kind != WEIR_AGGREGATE) {
        self->def.eval = python_eval;
        return;
    }
    self->def.accumulate = never_state;
    self->def.value = never_value;
    if (has_word(flags, "retract")) self->def.retract = never_state;
    if (has_word(flags, "merge")) self->def.merge = never_merge;
}

Status udf_python(const PythonSpec *spec, Udf **out, Error *err) {
    PyFunction *self = NEW(PyFunction);
    PyWorker *worker = NULL;
    PyMessage description = {0};
    self->executable = text_of(spec->executable.len ? spec->executable : STR("python3"));
    self->name = text_of(spec->name);
    self->order = make_order(spec);
    self->timeout_ms = spec->timeout_ms;
    (void)pthread_mutex_init(&self->lock, NULL);
    Status st = python_start(self, &worker, &description, err);
    if (st) {
        error_while(err, "function '%s'", self->name);
    } else {
        python_return(self, worker);
        define(self, spec, &description);
        st = udf_new(spec->name, &self->def, self, out, err);
    }
    py_free(&description);
    if (!st) {
        (*out)->drop = python_drop;
        (*out)->agg_impl = self->def.kind == WEIR_AGGREGATE ? &PYTHON_AGG : NULL;
        (*out)->check_type = arrow_check_type;
        return ST_OK;
    }
    Udf failed = {.arg = self};
    python_drop(&failed);
    return st;
}
