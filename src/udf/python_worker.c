// Worker processes: their start, their messages, their end.
//
// A worker has one end of a socket as its standard input. A socket and not two pipes, because a
// write to one that is gone is then an error; a worker that dies closes it, which is an error, not
// a wait. While a batch takes long the worker says now and then that it gets on; one that says
// nothing for 'weir.python.timeout' hangs and is ended.
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "udf/python_int.h"
#include "udf/python_sources.h"

enum { MESSAGE_MAX = 1 << 30 };

// ---- messages ----------------------------------------------------------------------------------

static uint32_t get32(const Buf *bytes, size_t at) {
    uint32_t value;
    memcpy(&value, bytes->ptr + at, sizeof value);
    return value;
}
static void set32(Buf *bytes, size_t at, uint32_t value) {
    memcpy(bytes->ptr + at, &value, sizeof value);
}

void py_begin(PyMessage *self, uint32_t what, uint32_t count) {
    uint32_t head[3 + PYTHON_SECTIONS_MAX] = {0, what, 0};
    ASSERT(count <= PYTHON_SECTIONS_MAX);
    self->bytes.len = 0;
    self->count = 0;
    head[2] = count;
    buf_put(&self->bytes, head, sizeof(uint32_t) * (3 + (size_t)count));
}

size_t py_open(PyMessage *self) {
    while ((self->bytes.len - 4) % 8) buf_putc(&self->bytes, 0);
    return self->bytes.len;
}

void py_close(PyMessage *self, size_t from) {
    set32(&self->bytes, 12 + 4 * (size_t)self->count++, (uint32_t)(self->bytes.len - from));
}

void py_put(PyMessage *self, Str section) {
    size_t from = py_open(self);
    buf_put_str(&self->bytes, section);
    py_close(self, from);
}

Status py_put_columns(PyMessage *self, const Type *const *type, const Vec *const *column,
                      uint32_t count, uint32_t first, uint32_t rows, const FuncEnv *env,
                      Error *err) {
    Arena arena;
    arena_init(&arena);
    Str *name = ARENA_ARRAY(&arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) name[i] = str_printf(&arena, "f%u", i);
    const Type *row = type_row(&arena, count, type, name, false);
    size_t from = py_open(self);
    arrow_write_schema(row, env && env->zone ? zone_name(env->zone) : STR("UTC"), &self->bytes);
    Status st = ST_OK;
    if (column) st = arrow_write_batch(column, count, first, rows, &self->bytes, err);
    py_close(self, from);
    arena_clear(&arena);
    return st;
}

void py_free(PyMessage *self) {
    buf_free(&self->bytes);
}

// Finds the sections of a message that has come: everything but the first u32 of it.
static bool take_apart(PyMessage *self) {
    const Buf *bytes = &self->bytes;
    if (bytes->len < 8) return false;
    self->what = get32(bytes, 0);
    self->count = get32(bytes, 4);
    if (self->count > PYTHON_SECTIONS_MAX || bytes->len < 8 + 4 * (size_t)self->count) return false;
    size_t at = 8 + 4 * (size_t)self->count;
    for (uint32_t i = 0; i < self->count; i++) {
        uint32_t size = get32(bytes, 8 + 4 * (size_t)i);
        at = (at + 7) & ~(size_t)7;
        if (at > bytes->len || size > bytes->len - at) return false;
        self->section[i] = (Str){bytes->ptr + at, size};
        at += size;
    }
    return true;
}

// ---- bytes -------------------------------------------------------------------------------------

static bool send_all(int socket, const char *at, size_t size) {
    while (size) {
        ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

typedef enum Got { GOT_ALL, GOT_END, GOT_NOTHING } Got;

static Got receive_all(int socket, char *at, size_t size, int64_t timeout_ms) {
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    int most = timeout_ms <= 0 || timeout_ms > INT32_MAX ? -1 : (int)timeout_ms;
    while (size) {
        int ready = poll(&wait, 1, most);
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return GOT_NOTHING;
        ssize_t got = recv(socket, at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return GOT_END;
        at += got;
        size -= (size_t)got;
    }
    return GOT_ALL;
}

static Got receive(const PyWorker *worker, int64_t timeout_ms, PyMessage *out) {
    uint32_t size;
    do {
        Got got = receive_all(worker->socket, (char *)&size, sizeof size, timeout_ms);
        if (got) return got;
        if (size < 8 || size > MESSAGE_MAX) return GOT_END;
        out->bytes.len = 0;
        got = receive_all(worker->socket, buf_reserve(&out->bytes, size), size, timeout_ms);
        if (got) return got;
        out->bytes.len = size;
        if (!take_apart(out)) return GOT_END;
    } while (out->what == PYTHON_ALIVE);
    return GOT_ALL;
}

// ---- processes ---------------------------------------------------------------------------------

extern char **environ;

// Waits for the process, some seconds at most: a function's close() may take its time.
static int reap(pid_t pid, bool at_once) {
    enum { PATIENCE_MS = 5000, STEP_MS = 5 };
    static const struct timespec STEP = {.tv_nsec = STEP_MS * 1000000L};
    int status = 0;
    for (int ms = 0; !at_once && ms < PATIENCE_MS; ms += STEP_MS) {
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid || (done < 0 && errno != EINTR)) return status;
        (void)nanosleep(&STEP, NULL);
    }
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

void python_end(PyWorker *worker) {
    if (!worker) return;
    if (worker->socket >= 0) {
        (void)shutdown(worker->socket, SHUT_RDWR);
        (void)close(worker->socket);
    }
    if (worker->pid > 0) (void)reap(worker->pid, worker->lost);
    mem_free(worker);
}

// What is to be said of a worker that answered nothing.
static Status lose(const PyFunction *self, PyWorker *worker, Got got, Error *err) {
    worker->lost = true;
    if (got == GOT_NOTHING) {
        (void)error_set(err, ST_RUNTIME,
                        "its Python worker gave no sign of life for %" PRId64 " s and was ended",
                        self->timeout_ms / 1000);
        error_hint(err, "SET 'weir.python.timeout' says how long to wait, 0: for ever");
        return ST_RUNTIME;
    }
    int status = reap(worker->pid, false);
    worker->pid = 0;
    if (WIFSIGNALED(status)) {
        return error_set(err, ST_RUNTIME,
                         "its Python worker is gone: it was killed by signal %d (%s)",
                         WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    return error_set(err, ST_RUNTIME, "its Python worker is gone: it ended with status %d",
                     WEXITSTATUS(status));
}

static PyWorker *spawn(const char *executable, int *error) {
    int ends[2];
    posix_spawn_file_actions_t actions;
    PyWorker *worker = NEW(PyWorker);
    char *boot = mem_zalloc(sizeof PYTHON_BOOT + 1);
    memcpy(boot, PYTHON_BOOT, sizeof PYTHON_BOOT);
    char *argv[] = {(char *)(uintptr_t)executable, "-c", boot, NULL};
    *error = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ? errno : 0;
    if (!*error) {
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
        (void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
        *error = posix_spawnp(&worker->pid, executable, &actions, NULL, argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)close(ends[1]);
        worker->socket = ends[0];
        if (*error) (void)close(ends[0]);
    }
    mem_free(boot);
    if (!*error) return worker;
    mem_free(worker);
    return NULL;
}

static bool send_sources(const PyFunction *self, const PyWorker *worker) {
    PyMessage message = {0};
    py_begin(&message, 0, 3);
    py_put(&message, (Str){(const char *)PYTHON_PYFLINK, sizeof PYTHON_PYFLINK});
    py_put(&message, (Str){(const char *)PYTHON_ARROW, sizeof PYTHON_ARROW});
    py_put(&message, (Str){(const char *)PYTHON_WORKER, sizeof PYTHON_WORKER});
    set32(&message.bytes, 0, (uint32_t)message.bytes.len - 4);
    bool sent = send_all(worker->socket, message.bytes.ptr, message.bytes.len);
    py_begin(&message, PYTHON_DESCRIBE, 1);
    py_put(&message, str_c(self->order));
    set32(&message.bytes, 0, (uint32_t)message.bytes.len - 4);
    if (sent) sent = send_all(worker->socket, message.bytes.ptr, message.bytes.len);
    py_free(&message);
    return sent;
}

Status python_start(const PyFunction *self, PyWorker **out, PyMessage *description, Error *err) {
    int error;
    PyWorker *worker = spawn(self->executable, &error);
    if (!worker) {
        (void)error_set(err, ST_VALIDATION, "cannot run '%s': %s", self->executable,
                        strerror(error));
        error_hint(err, "SET 'python.executable' = '/path/to/python3'");
        return ST_VALIDATION;
    }
    Got got = send_sources(self, worker) ? receive(worker, self->timeout_ms, description) : GOT_END;
    Status st = got ? lose(self, worker, got, err) : ST_OK;
    if (!st && (description->what != PYTHON_DONE || description->count != 3)) {
        st = error_set(err, ST_VALIDATION, STR_FMT, STR_ARG(description->section[0]));
        error_hint(err, "modules are looked for in the working directory and in 'python.files'");
    }
    if (st)
        python_end(worker);
    else
        *out = worker;
    return st;
}

// ---- questions and answers ---------------------------------------------------------------------

Status python_more(const PyFunction *self, PyWorker *worker, PyMessage *answer, Error *err) {
    Got got = receive(worker, self->timeout_ms, answer);
    if (got) return lose(self, worker, got, err);
    if (answer->what == PYTHON_FAILED && answer->count == 1) {
        return error_set(err, ST_RUNTIME, STR_FMT, STR_ARG(answer->section[0]));
    }
    if (answer->what != PYTHON_FAILED && answer->count) return ST_OK;
    return lose(self, worker, GOT_END, err);
}

Status python_ask(const PyFunction *self, PyWorker *worker, PyMessage *question, PyMessage *answer,
                  Error *err) {
    size_t size = question->bytes.len;
    if (size > MESSAGE_MAX) {
        (void)error_set(err, ST_RUNTIME, "a batch for Python is above 1 GiB");
        error_hint(err, "SET 'python.fn-execution.bundle.size' to fewer rows");
        return ST_RUNTIME;
    }
    set32(&question->bytes, 0, (uint32_t)size - 4);
    if (!send_all(worker->socket, question->bytes.ptr, size)) {
        return lose(self, worker, GOT_END, err);
    }
    return python_more(self, worker, answer, err);
}

Status python_borrow(PyFunction *self, PyWorker **out, Error *err) {
    (void)pthread_mutex_lock(&self->lock);
    *out = self->idle;
    if (*out) self->idle = (*out)->next;
    (void)pthread_mutex_unlock(&self->lock);
    if (*out) return ST_OK;
    PyMessage description = {0};
    Status st = python_start(self, out, &description, err);
    py_free(&description);
    return st;
}

void python_return(PyFunction *self, PyWorker *worker) {
    if (!worker || worker->lost) {
        python_end(worker);
        return;
    }
    (void)pthread_mutex_lock(&self->lock);
    worker->next = self->idle;
    self->idle = worker;
    (void)pthread_mutex_unlock(&self->lock);
}
