#include "engine/control.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/local.h"

enum {
    LINE_MAX_SIZE = 8192,    // of a request: a verb and a path
    ANSWER_MAX_SIZE = 65536,
    LINE_MS = 2000,          // in which a request must be whole
    TASKS_MAX = 8,           // requests that take time, at once
    ID_DIGITS = 32,
    SOCKET_DIGITS = 16,      // of the id, in the socket's name
};

typedef struct Task {
    pthread_t thread;
    bool used;
    _Atomic bool done;
    Control *control;
    ControlVerb verb;
    int client;
    Buf line;
} Task;

struct Control {
    ControlSpec spec;
    JobControl *job;
    char id[ID_DIGITS + 1];
    const char *_Atomic status;
    int64_t started_ms;
    Arena arena;
    Str path;
    int fd, wake[2];
    pthread_t thread;
    bool started;
    Task task[TASKS_MAX];
    OsMonitor lock;  // of what follows
    int64_t restarts;
    struct {
        int64_t time_ms;
        char *why;   // owned
    } failure[FAILURES_KEPT];  // the n-th at n % FAILURES_KEPT
};

static const char *const VERBS[] = {"savepoint", "stop", "drain", "cancel"};

static Str runtime_directory(Arena *arena) {
    const char *own = getenv("WEIR_RUNTIME_DIR");
    if (own && *own) return str_c(own);
    const char *user = getenv("XDG_RUNTIME_DIR"), *temporary = getenv("TMPDIR");
    if (user && *user) return str_printf(arena, "%s/weir", user);
    return str_printf(arena, "%s/weir-%lu", temporary && *temporary ? temporary : "/tmp",
                      (unsigned long)geteuid());
}

// ---- the job's side ----------------------------------------------------------------------------

static void put_info(Control *self, Buf *out) {
    const ControlSpec *spec = &self->spec;
    os_lock(&self->lock);
    int64_t restarts = self->restarts;
    os_unlock(&self->lock);
    buf_printf(out, "ok\n%s\n%lld\n%lld\n%s\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n%lld\n",
               self->id, (long long)getpid(), (long long)self->started_ms,
               atomic_load(&self->status), STR_ARG(spec->checkpoint_dir),
               STR_ARG(spec->savepoint_dir), STR_ARG(spec->name), (long long)restarts);
}

static void put_failures(Control *self, Buf *out) {
    os_lock(&self->lock);
    int64_t at = self->restarts > FAILURES_KEPT ? self->restarts - FAILURES_KEPT : 0;
    buf_puts(out, "ok\n");
    for (; at < self->restarts; at++) {
        buf_printf(out, "%lld %s\n", (long long)self->failure[at % FAILURES_KEPT].time_ms,
                   self->failure[at % FAILURES_KEPT].why);
    }
    os_unlock(&self->lock);
}

static void put_failure(Status st, const Error *err, Buf *out) {
    buf_printf(out, "%d\n%s\n%s\n", (int)st, err->message, err->hint);
}

static Status savepoint(Control *self, ControlVerb verb, Str dir, Arena *arena, Str *path,
                        Error *err) {
    static const AskKind KINDS[] = {ASK_SAVEPOINT, ASK_STOP, ASK_DRAIN};
    if (self->spec.why_not) return error_set(err, ST_UNSUPPORTED, "%s", self->spec.why_not);
    if (str_starts(dir, STR("file://"))) dir = str_sub(dir, 7, dir.len);
    if (!dir.len) dir = self->spec.savepoint_dir;
    if (!dir.len && verb != CONTROL_DRAIN) {
        (void)error_set(err, ST_VALIDATION, "it is not said where the savepoint goes");
        error_hint(err, "give a directory, or set 'execution.checkpointing.savepoint-dir'");
        return ST_VALIDATION;
    }
    Str name = str_printf(arena, "savepoint-%.6s-%012llx", self->id,
                          (unsigned long long)(os()->random() >> 16));
    JobAsk ask = {.kind = KINDS[verb], .dir = dir, .name = name.ptr};
    TRY(job_control_ask(self->job, &ask, err));
    if (dir.len) *path = str_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(dir), STR_ARG(name));
    return ST_OK;
}

static void serve_request(Control *self, ControlVerb verb, Str dir, int client) {
    Arena arena = {0};
    Buf answer = {0};
    Error err = {0};
    Str path = STR("");
    Status st = ST_OK;
    if (verb == CONTROL_CANCEL) {
        atomic_fetch_add(self->spec.stop, 1);
    } else {
        st = savepoint(self, verb, dir, &arena, &path, &err);
    }
    if (st) {
        put_failure(st, &err, &answer);
    } else {
        buf_printf(&answer, "ok\n" STR_FMT "\n", STR_ARG(path));
    }
    if (local_write(client, buf_str(&answer), &err)) {
        // Who asked has gone.
    }
    buf_free(&answer);
    arena_clear(&arena);
}

static Str rest_of(Str line, const char *verb) {
    return str_trim(str_sub(line, (uint32_t)strlen(verb), line.len));
}

static void *task_main(void *arg) {
    Task *task = arg;
    Str line = buf_str(&task->line);
    serve_request(task->control, task->verb, rest_of(line, VERBS[task->verb]), task->client);
    local_close(task->client);
    atomic_store(&task->done, true);
    return NULL;
}

static void task_end(Task *task) {
    (void)pthread_join(task->thread, NULL);
    buf_free(&task->line);
    task->used = false;
}

static Status task_start(Control *self, ControlVerb verb, int client, Buf *line, Error *err) {
    for (uint32_t i = 0; i < TASKS_MAX; i++) {
        Task *task = &self->task[i];
        if (task->used && atomic_load(&task->done)) task_end(task);
        if (task->used) continue;
        *task = (Task){.control = self, .verb = verb, .client = client, .line = *line};
        if (pthread_create(&task->thread, NULL, task_main, task)) break;
        task->used = true;
        *line = (Buf){0};
        return ST_OK;
    }
    return error_set(err, ST_RUNTIME, "the job is busy with %d requests", TASKS_MAX);
}

// One who has connected: what is quick is answered here.
static void serve_client(Control *self, int client) {
    Buf line = {0}, answer = {0};
    Error err = {0};
    Status st = local_read_line(client, LINE_MAX_SIZE, LINE_MS, &line, &err);
    Str text = buf_str(&line);
    bool handed = false;
    if (!st && str_is(text, "info")) {
        put_info(self, &answer);
    } else if (!st && str_is(text, "failures")) {
        put_failures(self, &answer);
    } else if (!st) {
        st = error_set(&err, ST_RUNTIME, "a request is not known");
        for (uint32_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++) {
            if (!str_starts(text, str_c(VERBS[i]))) continue;
            st = task_start(self, (ControlVerb)i, client, &line, &err);
            handed = !st;
            break;
        }
    }
    if (st) put_failure(st, &err, &answer);
    if (!handed) {
        if (answer.len && local_write(client, buf_str(&answer), &err)) {
            // Who asked has gone.
        }
        local_close(client);
    }
    buf_free(&answer);
    buf_free(&line);
}

static bool woken(const Control *self) {
    return local_wait(self->wake[0], -1, 0);
}

static void *control_main(void *arg) {
    Control *self = arg;
    while (!woken(self)) {
        int client;
        if (!local_wait(self->fd, self->wake[0], -1) || woken(self)) continue;
        if (!local_accept(self->fd, &client, NULL)) serve_client(self, client);
    }
    return NULL;
}

static Status control_start(Control *self, Error *err) {
    Str dir = runtime_directory(&self->arena);
    TRY(local_private_dir(dir, err));
    TRY(local_pipe(self->wake, err));
    Str path =
        str_printf(&self->arena, STR_FMT "/%.*s.sock", STR_ARG(dir), SOCKET_DIGITS, self->id);
    TRY(local_listen(path, &self->fd, err));
    self->path = path;
    if (pthread_create(&self->thread, NULL, control_main, self)) {
        return error_set(err, ST_IO, "cannot start a thread");
    }
    self->started = true;
    return ST_OK;
}

Status control_open(const ControlSpec *spec, Control **out, Error *err) {
    Control *self = NEW(Control);
    *self = (Control){.spec = *spec, .fd = -1, .wake = {-1, -1}, .started_ms = os_now_ms()};
    (void)snprintf(self->id, sizeof self->id, "%016llx%016llx", (unsigned long long)os()->random(),
                   (unsigned long long)os()->random());
    atomic_store(&self->status, "RUNNING");
    arena_init(&self->arena);
    os()->monitor_init(&self->lock);
    self->job = job_control_new();
    Status st = control_start(self, err);
    if (st) {
        control_close(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void control_close(Control *self) {
    if (!self) return;
    job_control_close(self->job, "the job has ended");
    if (self->started) {
        if (local_write_byte(self->wake[1])) (void)pthread_join(self->thread, NULL);
        for (uint32_t i = 0; i < TASKS_MAX; i++) {
            if (self->task[i].used) task_end(&self->task[i]);
        }
    }
    if (self->path.len && os()->remove(self->path, NULL)) {
        // Somebody has tidied up.
    }
    local_close(self->fd);
    local_close(self->wake[0]);
    local_close(self->wake[1]);
    job_control_free(self->job);
    for (uint32_t i = 0; i < FAILURES_KEPT; i++) mem_free(self->failure[i].why);
    os()->monitor_clear(&self->lock);
    arena_clear(&self->arena);
    mem_free(self);
}

void control_failed(Control *self, Str why) {
    if (!self) return;
    char *line = mem_alloc(why.len + 1);
    for (uint32_t i = 0; i < why.len; i++) line[i] = why.ptr[i] == '\n' ? ' ' : why.ptr[i];
    line[why.len] = 0;
    os_lock(&self->lock);
    int64_t at = self->restarts++ % FAILURES_KEPT;
    mem_free(self->failure[at].why);
    self->failure[at].time_ms = os_now_ms();
    self->failure[at].why = line;
    os_unlock(&self->lock);
    control_status(self, "RESTARTING");
}

void control_status(Control *self, const char *status) {
    if (self) atomic_store(&self->status, status);
}

JobControl *control_of_job(Control *self) {
    return self ? self->job : NULL;
}

// ---- the other side ----------------------------------------------------------------------------

static Status talk(Str socket, Str line, Buf *answer, Error *err) {
    int fd;
    TRY(local_connect(socket, &fd, err));
    Status st = local_write(fd, line, err);
    if (!st) st = local_read_all(fd, ANSWER_MAX_SIZE, answer, err);
    local_close(fd);
    return st;
}

// The first line of an answer: a failure as the job told it.
static Status outcome(Str *text, Error *err) {
    Str first = str_next_line(text);
    int64_t status;
    if (str_is(first, "ok")) return ST_OK;
    Str message = str_next_line(text), hint = str_next_line(text);
    if (!str_to_i64(first, &status) || status <= 0 || status >= ST_COUNT_) {
        return error_set(err, ST_RUNTIME, "the job ended before it answered");
    }
    (void)error_set(err, (Status)status, STR_FMT, STR_ARG(message));
    if (hint.len) error_hint(err, STR_FMT, STR_ARG(hint));
    return (Status)status;
}

typedef struct Listing {
    Arena *arena;
    Str dir;
    JobInfo *job;
    uint32_t count, cap;
} Listing;

static bool read_info(Arena *arena, Str text, JobInfo *out) {
    if (outcome(&text, NULL)) return false;
    enum { LINES = 8 };
    Str line[LINES];
    for (uint32_t i = 0; i < LINES; i++) line[i] = str_dup(arena, str_next_line(&text));
    out->id = line[0];
    out->status = line[3];
    out->checkpoint_dir = line[4];
    out->savepoint_dir = line[5];
    out->name = line[6];
    return out->id.len == ID_DIGITS && str_to_i64(line[1], &out->pid) &&
           str_to_i64(line[2], &out->started_ms) && str_to_i64(line[7], &out->restarts);
}

static Status see_socket(void *arg, Str name, Error *err) {
    (void)err;
    Listing *list = arg;
    if (!str_ends(name, STR(".sock"))) return ST_OK;
    JobInfo info = {0};
    info.socket = str_printf(list->arena, STR_FMT "/" STR_FMT, STR_ARG(list->dir), STR_ARG(name));
    Buf answer = {0};
    Status st = talk(info.socket, STR("info\n"), &answer, NULL);
    if (st == ST_CONNECT && os()->remove(info.socket, NULL)) {
        // Left by a job that was killed; somebody else has removed it.
    }
    bool good = !st && read_info(list->arena, buf_str(&answer), &info);
    buf_free(&answer);
    if (!good) return ST_OK;
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->job = mem_realloc(list->job, list->cap * sizeof *list->job);
    }
    list->job[list->count++] = info;
    return ST_OK;
}

static int oldest_first(const void *a, const void *b) {
    const JobInfo *left = a, *right = b;
    if (left->started_ms != right->started_ms) return left->started_ms < right->started_ms ? -1 : 1;
    return str_cmp(left->id, right->id);
}

Status control_jobs(Arena *arena, JobInfo **out, uint32_t *count, Error *err) {
    Listing list = {.arena = arena, .dir = runtime_directory(arena)};
    OsStat stat;
    *count = 0;
    TRY(os()->stat(list.dir, &stat, err));
    if (!stat.is_dir) return ST_OK;
    TRY(local_private_dir(list.dir, err));
    Status st = os()->list(list.dir, see_socket, &list, err);
    if (list.count) qsort(list.job, list.count, sizeof *list.job, oldest_first);
    *out = ARENA_ARRAY(arena, JobInfo, list.count + 1);
    if (list.count) memcpy(*out, list.job, list.count * sizeof *list.job);
    *count = list.count;
    mem_free(list.job);
    return st;
}

Status control_find(Arena *arena, Str job, JobInfo *out, Error *err) {
    enum { ID_PART_MIN = 4 };
    JobInfo *all;
    uint32_t count, found = 0;
    TRY(control_jobs(arena, &all, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        bool same = str_eq(all[i].name, job) ||
                    (job.len >= ID_PART_MIN && str_starts(all[i].id, job));
        if (!same) continue;
        if (!found++) *out = all[i];
    }
    if (found == 1) return ST_OK;
    if (found) {
        (void)error_set(err, ST_VALIDATION, "%u running jobs are called '" STR_FMT "'", found,
                        STR_ARG(job));
    } else {
        (void)error_set(err, ST_VALIDATION, "no running job is called '" STR_FMT "'", STR_ARG(job));
    }
    error_hint(err, "'weir list' and SHOW JOBS show the jobs that run, and their ids");
    return ST_VALIDATION;
}

Status control_failures(Arena *arena, const JobInfo *job, JobFailure *out, uint32_t *count,
                        Error *err) {
    Buf answer = {0};
    Status st = talk(job->socket, STR("failures\n"), &answer, err);
    Str text = str_dup(arena, buf_str(&answer));
    buf_free(&answer);
    TRY(st);
    TRY(outcome(&text, err));
    for (*count = 0; text.len && *count < FAILURES_KEPT; ++*count) {
        Str line = str_next_line(&text);
        int64_t space = str_find(line, STR(" "), 0);
        if (space < 0 || !str_to_i64(str_sub(line, 0, (uint32_t)space), &out[*count].time_ms)) {
            return error_set(err, ST_RUNTIME, "the job gives an answer that is not understood");
        }
        out[*count].why = str_sub(line, (uint32_t)space + 1, line.len);
    }
    return ST_OK;
}

Status control_request(Arena *arena, const JobInfo *job, ControlVerb verb, Str dir, Str *path,
                       Error *err) {
    // The job has another working directory.
    if (dir.len && dir.ptr[0] != '/' && str_find(dir, STR("://"), 0) < 0) {
        char here[4096];
        if (!getcwd(here, sizeof here)) return error_set(err, ST_IO, "this directory has gone");
        dir = str_printf(arena, "%s/" STR_FMT, here, STR_ARG(dir));
    }
    while (dir.len > 1 && dir.ptr[dir.len - 1] == '/') dir.len--;
    if (str_find(dir, STR("\n"), 0) >= 0) {
        return error_set(err, ST_VALIDATION, "a line break in the name of a directory");
    }
    Str line = str_printf(arena, "%s " STR_FMT "\n", VERBS[verb], STR_ARG(dir));
    Buf answer = {0};
    Status st = talk(job->socket, line, &answer, err);
    Str text = str_dup(arena, buf_str(&answer));
    buf_free(&answer);
    TRY(st);
    TRY(outcome(&text, err));
    *path = str_next_line(&text);
    return ST_OK;
}
