// Functions in Python: each call borrows a worker process from the function's pool, hands it a
// batch, and takes a column back. So several threads compute at a time, each with a worker of its
// own, and a function whose module holds a model loads it once a worker, not once a query.
//
// The worker (worker.py, which we carry) has one end of a socket as its standard input. A message
// is a u32 of its length and its bytes; a batch goes as columns in Arrow's layout:
//
//     request:  u32 rows, u32 columns, u8 layout of the result, then each column:
//               u8 layout, u8 has a bitmap, [bitmap], values | u32 offsets[rows + 1], bytes
//     answer:   u8 0, bitmap, values as above | u8 1 and a text that says what went wrong
//
// Layouts are those of weir_function.h. A worker that dies closes the socket: that is an error, not
// a wait. A socket and not two pipes, because a write to one that is gone is then an error, too.
#include "udf/python.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "udf/udf_worker.h"

enum { MESSAGE_MAX = 1 << 30, BATCH_ROWS_LIMIT = 2048 };

typedef struct PyWorker {
    struct PyWorker *next;
    pid_t pid;
    int socket;
} PyWorker;

typedef struct PyFunction {
    weir_function_def def;
    char *name, *executable, *order;  // owned; the order is the first message
    uint32_t bundle_rows;
    pthread_mutex_t lock;
    PyWorker *idle;
} PyFunction;

// ---- workers -----------------------------------------------------------------------------------

static bool send_all(int socket, const void *bytes, size_t size) {
    for (const char *at = bytes; size;) {
        ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool receive_all(int socket, void *bytes, size_t size) {
    for (char *at = bytes; size;) {
        ssize_t got = recv(socket, at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

// Sends [request] and reads what comes back. False: the worker is gone.
static bool exchange(const PyWorker *worker, Str request, Buf *answer) {
    uint32_t size = request.len;
    answer->len = 0;
    if (!send_all(worker->socket, &size, sizeof size)) return false;
    if (!send_all(worker->socket, request.ptr, request.len)) return false;
    if (!receive_all(worker->socket, &size, sizeof size) || !size || size > MESSAGE_MAX)
        return false;
    char *at = buf_reserve(answer, size);
    if (!receive_all(worker->socket, at, size)) return false;
    answer->len = size;
    return true;
}

// Ends the worker, which goes when its socket does; says how it ended, if it did so by itself.
static void worker_free(PyWorker *worker, char *how, size_t how_size) {
    int status = 0;
    if (!worker) return;
    (void)shutdown(worker->socket, SHUT_RDWR);
    (void)close(worker->socket);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) continue;
    if (how && WIFSIGNALED(status)) {
        (void)snprintf(how, how_size, "it was killed by signal %d", WTERMSIG(status));
    } else if (how) {
        (void)snprintf(how, how_size, "it ended with status %d", WEXITSTATUS(status));
    }
    mem_free(worker);
}

extern char **environ;

static PyWorker *worker_start(const char *executable, int *error) {
    int ends[2];
    posix_spawn_file_actions_t actions;
    PyWorker *worker = NEW(PyWorker);
    char *code = mem_zalloc(sizeof UDF_WORKER + 1);
    memcpy(code, UDF_WORKER, sizeof UDF_WORKER);
    char *argv[] = {(char *)(uintptr_t)executable, "-c", code, NULL};
    *error = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ? errno : 0;
    if (!*error) {
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
        // What the function prints must not stand between our rows.
        (void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
        *error = posix_spawnp(&worker->pid, executable, &actions, NULL, argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)close(ends[1]);
        worker->socket = ends[0];
        if (*error) (void)close(ends[0]);
    }
    mem_free(code);
    if (!*error) return worker;
    mem_free(worker);
    return NULL;
}

static Status worker_new(const PyFunction *self, PyWorker **out, Buf *answer, Error *err) {
    int error;
    char how[64];
    PyWorker *worker = worker_start(self->executable, &error);
    if (!worker) {
        (void)error_set(err, ST_VALIDATION, "function '%s': cannot run '%s': %s", self->name,
                        self->executable, strerror(error));
        error_hint(err, "SET 'python.executable' = '/path/to/python3'");
        return ST_VALIDATION;
    }
    if (!exchange(worker, str_c(self->order), answer)) {
        worker_free(worker, how, sizeof how);
        return error_set(err, ST_VALIDATION,
                         "function '%s': the Python worker did not start: %s", self->name, how);
    }
    Str said = str_sub(buf_str(answer), 1, (uint32_t)answer->len - 1);
    if (answer->ptr[0] == 1) {
        worker_free(worker, NULL, 0);
        (void)error_set(err, ST_VALIDATION, "function '%s': " STR_FMT, self->name, STR_ARG(said));
        error_hint(err, "modules are looked for in the working directory and in 'python.files'");
        return ST_VALIDATION;
    }
    *out = worker;
    return ST_OK;
}

// ---- batches -----------------------------------------------------------------------------------

static const uint8_t SLOT_SIZES[] = {[WEIR_UINT8] = 1,   [WEIR_INT8] = 1,    [WEIR_INT16] = 2,
                                     [WEIR_INT32] = 4,   [WEIR_INT64] = 8,   [WEIR_FLOAT32] = 4,
                                     [WEIR_FLOAT64] = 8, [WEIR_INT128] = 16, [WEIR_MOMENT] = 16};

static void put_bitmap(const weir_column *column, uint32_t first, uint32_t rows, Buf *out) {
    for (uint32_t row = 0; row < rows; row += 8) {
        uint8_t byte = 0;
        for (uint32_t i = 0; i < 8 && row + i < rows; i++) {
            byte |= (uint8_t)(!weir_is_null(column, first + row + i) << i);
        }
        buf_putc(out, (char)byte);
    }
}

static void put_column(const weir_column *column, uint32_t first, uint32_t rows, Buf *out) {
    buf_putc(out, (char)column->layout);
    buf_putc(out, column->valid != NULL);
    if (column->valid) put_bitmap(column, first, rows, out);
    if (column->layout != WEIR_TEXT) {
        size_t size = SLOT_SIZES[column->layout];
        buf_put(out, (const char *)column->values + first * size, rows * size);
        return;
    }
    uint32_t end = 0;
    buf_put(out, &end, sizeof end);
    for (uint32_t row = first; row < first + rows; row++) {
        end += weir_str(column, row).length;
        buf_put(out, &end, sizeof end);
    }
    for (uint32_t row = first; row < first + rows; row++) {
        weir_text text = weir_str(column, row);
        buf_put(out, text.ptr, text.length);
    }
}

// Takes the answer's column over; it comes from a stranger, so its sizes are checked.
static int take_column(weir_call *call, Str answer, uint32_t first, uint32_t rows) {
    weir_result *result = &call->result[0];
    uint32_t bitmap = (rows + 7) / 8;
    const char *valid = answer.ptr + 1, *at = valid + bitmap;
    size_t left = answer.len - 1;
    bool text = result->layout == WEIR_TEXT;
    size_t size = text ? sizeof(uint32_t) * ((size_t)rows + 1)
                       : (size_t)SLOT_SIZES[result->layout] * rows;
    if (left < bitmap + size || (!text && left != bitmap + size)) {
        return weir_fail(call, "the Python worker's answer is torn");
    }
    left -= bitmap + size;
    if (!text) memcpy((char *)result->values + first * (size / rows), at, size);
    for (uint32_t i = 0; i < rows; i++) {
        if (!(valid[i / 8] >> i % 8 & 1)) {
            if (weir_set_null(result, first + i)) return 1;
            continue;
        }
        uint32_t from, to;
        if (!text) continue;
        memcpy(&from, at + i * sizeof from, sizeof from);
        memcpy(&to, at + (i + 1) * sizeof to, sizeof to);
        if (from > to || to > left) return weir_fail(call, "the Python worker's answer is torn");
        if (weir_set_bytes(result, first + i, at + size + from, to - from)) return 1;
    }
    return 0;
}

static PyWorker *take_idle(PyFunction *self) {
    (void)pthread_mutex_lock(&self->lock);
    PyWorker *worker = self->idle;
    if (worker) self->idle = worker->next;
    (void)pthread_mutex_unlock(&self->lock);
    return worker;
}

static void give_back(PyFunction *self, PyWorker *worker) {
    (void)pthread_mutex_lock(&self->lock);
    worker->next = self->idle;
    self->idle = worker;
    (void)pthread_mutex_unlock(&self->lock);
}

static int compute(weir_call *call, const PyWorker *worker, uint32_t first, uint32_t rows,
                   Buf *request, Buf *answer, bool *gone) {
    request->len = 0;
    buf_put(request, &rows, sizeof rows);
    buf_put(request, &call->argc, sizeof call->argc);
    buf_putc(request, (char)call->result[0].layout);
    for (uint32_t i = 0; i < call->argc; i++) put_column(&call->args[i], first, rows, request);
    if (request->len > MESSAGE_MAX) return weir_fail(call, "a batch for Python is above 1 GiB");
    *gone = !exchange(worker, buf_str(request), answer);
    if (*gone) return 1;
    if (answer->ptr[0] == 0) return take_column(call, buf_str(answer), first, rows);
    Str why = str_sub(buf_str(answer), 1, (uint32_t)answer->len - 1);
    return weir_fail(call, STR_FMT, STR_ARG(why));
}

static int python_eval(weir_call *call) {
    PyFunction *self = call->arg;
    Buf request = {0}, answer = {0};
    Error err;
    char how[64];
    bool gone = false;
    int failed = 0;
    PyWorker *worker = take_idle(self);
    if (!worker && worker_new(self, &worker, &answer, &err)) {
        failed = weir_fail(call, "%s", err.message);
    }
    for (uint32_t row = call->first; worker && !failed && row < call->end;) {
        uint32_t rows = call->end - row < self->bundle_rows ? call->end - row : self->bundle_rows;
        failed = compute(call, worker, row, rows, &request, &answer, &gone);
        row += rows;
    }
    if (gone) {
        worker_free(worker, how, sizeof how);
        failed = weir_fail(call, "its Python worker is gone: %s", how);
    } else if (worker) {
        give_back(self, worker);
    }
    buf_free(&request);
    buf_free(&answer);
    return failed;
}

// ---- the function ------------------------------------------------------------------------------

static void python_drop(Udf *udf) {
    PyFunction *self = udf->arg;
    for (PyWorker *worker; (worker = take_idle(self));) worker_free(worker, NULL, 0);
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
        if (c < ' ') buf_printf(out, "\\u%04x", c);
        else buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

// {"target": "module.func", "path": ["", …]}: a file of 'python.files' counts as its folder.
static char *make_order(const PythonSpec *spec) {
    Buf out = {0};
    buf_puts(&out, "{\"target\": ");
    put_json(&out, spec->target);
    buf_puts(&out, ", \"path\": [\"\"");
    for (uint32_t at = 0; at < spec->files.len;) {
        int64_t comma = str_find(spec->files, STR(","), at);
        uint32_t end = comma < 0 ? spec->files.len : (uint32_t)comma;
        Str file = str_trim(str_sub(spec->files, at, end - at));
        if (str_ends(file, STR(".py"))) {
            while (file.len && file.ptr[file.len - 1] != '/') file.len--;
        }
        buf_puts(&out, ", ");
        put_json(&out, file);
        at = end + 1;
    }
    buf_puts(&out, "]}");
    char *text = mem_strdup(buf_cstr(&out));
    buf_free(&out);
    return text;
}

Status udf_python(const PythonSpec *spec, Udf **out, Error *err) {
    PyFunction *self = NEW(PyFunction);
    PyWorker *worker = NULL;
    Buf answer = {0}, text = {0};
    buf_put_str(&text, spec->executable.len ? spec->executable : STR("python3"));
    self->executable = mem_strdup(buf_cstr(&text));
    text.len = 0;
    buf_put_str(&text, spec->name);
    self->name = mem_strdup(buf_cstr(&text));
    buf_free(&text);
    self->order = make_order(spec);
    bool chosen = spec->bundle_rows > 0 && spec->bundle_rows <= BATCH_ROWS_LIMIT;
    self->bundle_rows = chosen ? (uint32_t)spec->bundle_rows : BATCH_ROWS_LIMIT;
    (void)pthread_mutex_init(&self->lock, NULL);
    Status st = worker_new(self, &worker, &answer, err);
    if (!st) {
        give_back(self, worker);
        self->def = (weir_function_def){
            .abi = WEIR_FUNCTION_ABI,
            .kind = WEIR_SCALAR,
            .signature = mem_strdup(buf_cstr(&answer) + 1),
            .flags = answer.ptr[0] == 2 ? WEIR_NONDETERMINISTIC : 0,
            .eval = python_eval,
        };
        st = udf_new(spec->name, &self->def, self, out, err);
    }
    buf_free(&answer);
    if (!st) {
        (*out)->drop = python_drop;
        return ST_OK;
    }
    Udf failed = {.arg = self};
    python_drop(&failed);
    return st;
}

Status udf_python_check(const Udf *udf, Error *err) {
    for (uint32_t i = 0; i <= udf->in_count; i++) {
        const Type *type = i < udf->in_count ? udf->in[i].type : udf->result;
        Phys phys = type_phys(type);
        if (phys != PHYS_LIST && phys != PHYS_ROW && phys != PHYS_NONE) continue;
        Buf text = {0};
        type_print_summary(type, false, &text);
        Status st = error_set(err, ST_UNSUPPORTED,
                              "function '" STR_FMT "': a " STR_FMT " cannot go to Python yet",
                              STR_ARG(udf->name), STR_ARG(buf_str(&text)));
        buf_free(&text);
        return st;
    }
    return ST_OK;
}
