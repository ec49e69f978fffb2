#include "cli/test_pool.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/test_child.h"
#include "os/os.h"

enum {
    CHILDREN_MAX = 256,
    MESSAGE_MAX = 1 << 28,  // a child that says more is broken
    OUTPUT_SHOWN = 6000,    // last bytes of what a dead child printed
    CRASHES_MAX = 200,      // of one file; then the rest of it has failed too
};

// One child and the file it works on.
typedef struct Slot {
    CaseRun *run;  // NULL: free
    pid_t pid;
    int fd;            // its pipe
    int output;        // what it prints, an anonymous file
    uint32_t from;     // where it began
    int64_t record;    // at hand, or -1
    bool replaying;    // that record is run silently
    bool ended;        // it said MESSAGE_END
    uint32_t crashes;  // of this file so far
    int64_t deadline_ms;
    Buf in;
    char tmp[64];
} Slot;

typedef struct Pool {
    const CasePool *pool;
    Slot slot[CHILDREN_MAX];
    uint32_t slots;
} Pool;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
    interrupted = signal_number;
}

static int64_t now_ms(void) {
    return os_monotonic_ns() / 1000000;
}

// --- The scratch folder ------------------------------------------------------------------------

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where) {
    (void)remove(path);
    return 0;
}

static void tmp_remove(const char *tmp) {
    (void)nftw(tmp, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static Status tmp_make(char *out, size_t size, Error *err) {
    const char *base = getenv("TMPDIR");
    if (!base || !*base || strlen(base) > size - 24) base = "/tmp";
    (void)snprintf(out, size, "%s/weir-test-XXXXXX", base);
    if (mkdtemp(out)) return ST_OK;
    return error_set(err, ST_IO, "cannot make a scratch folder in '%s': %s", base, strerror(errno));
}

// --- Children ----------------------------------------------------------------------------------

_Noreturn static void child_main(Pool *self, Slot *slot, int fd) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    for (uint32_t i = 0; i < self->slots; i++) {
        if (self->slot[i].run && self->slot[i].fd >= 0) (void)close(self->slot[i].fd);
    }
    (void)dup2(slot->output, STDOUT_FILENO);
    (void)dup2(slot->output, STDERR_FILENO);
    (void)freopen("/dev/null", "r", stdin);
    int code = case_child(self->pool, slot->run, slot->from, slot->tmp, fd, slot->output);
    exit(code);  // not _exit: a sanitizer has its last word there
}

// Starts a child for slot->run from slot->from on.
static Status slot_start(Pool *self, Slot *slot, Error *err) {
    int ends[2];
    TRY(tmp_make(slot->tmp, sizeof slot->tmp, err));
    if (pipe(ends)) return error_set(err, ST_IO, "cannot make a pipe: %s", strerror(errno));
    slot->output = memfd_create("weir-test", 0);
    slot->fd = -1;
    (void)fflush(NULL);
    pid_t pid = slot->output < 0 ? -1 : fork();
    if (pid < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return error_set(err, ST_IO, "cannot start a process: %s", strerror(errno));
    }
    if (pid == 0) {
        (void)close(ends[0]);
        child_main(self, slot, ends[1]);
    }
    (void)close(ends[1]);
    slot->pid = pid;
    slot->fd = ends[0];
    slot->record = -1;
    slot->replaying = slot->ended = false;
    slot->in.len = 0;
    slot->deadline_ms = now_ms() + self->pool->timeout_ms;
    return ST_OK;
}

static void slot_release(Slot *slot) {
    (void)close(slot->fd);
    (void)close(slot->output);
    tmp_remove(slot->tmp);
    slot->fd = slot->output = -1;
}

static void slot_finish(Pool *self, Slot *slot) {
    CaseRun *run = slot->run;
    slot->run = NULL;
    buf_free(&slot->in);
    run->done = true;
    if (self->pool->finished) self->pool->finished(self->pool->arg, run);
}

// How the child died, and the last of what it printed, as a report.
static char *death_report(const Slot *slot, int status, bool late, int64_t timeout_ms) {
    Buf report = {0};
    if (late) {
        buf_printf(&report, "  took longer than %lld s and was stopped\n",
                   (long long)timeout_ms / 1000);
    } else if (WIFSIGNALED(status)) {
        buf_printf(&report, "  crashed: %s\n", strsignal(WTERMSIG(status)));
    } else {
        buf_printf(&report, "  ended the process with code %d\n", WEXITSTATUS(status));
    }
    char printed[OUTPUT_SHOWN];
    off_t size = lseek(slot->output, 0, SEEK_END);
    off_t from = size > OUTPUT_SHOWN ? size - OUTPUT_SHOWN : 0;
    ssize_t got = size > 0 ? pread(slot->output, printed, sizeof printed, from) : 0;
    Arena arena;
    arena_init(&arena);
    Lines lines = lines_of(&arena, str_make(printed, got > 0 ? (size_t)got : 0));
    for (uint32_t i = 0; i < lines.count; i++) {
        buf_printf(&report, "    | " STR_FMT "\n", STR_ARG(lines.line[i]));
    }
    arena_clear(&arena);
    char *text = str_own(buf_str(&report));
    buf_free(&report);
    return text;
}

static void fail_rest(CaseRun *run, uint32_t from) {
    for (uint32_t i = from; i < run->file.count; i++) {
        if (run->only && run->only != i + 1) continue;
        if (run->attempt[i].verdict == VERDICT_NONE) run->attempt[i].verdict = VERDICT_DIED;
    }
}

// The child is gone (or must go): settles what it left and sends the next one, or ends the file.
static Status slot_dead(Pool *self, Slot *slot, bool late, Error *err) {
    if (late) (void)kill(slot->pid, SIGKILL);
    int status = 0;
    while (waitpid(slot->pid, &status, 0) < 0 && errno == EINTR) {
    }
    CaseRun *run = slot->run;
    bool clean = !late && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    char *report = clean ? NULL : death_report(slot, status, late, self->pool->timeout_ms);
    slot_release(slot);
    if (clean || slot->ended || slot->record < 0) {  // through, or died outside of any record
        if (!clean && !run->failure) {
            run->failure = report;
            report = NULL;
            if (!slot->ended) fail_rest(run, slot->from);
        }
        mem_free(report);
        slot_finish(self, slot);
        return ST_OK;
    }
    CaseAttempt *attempt = &run->attempt[slot->record];
    if (slot->replaying) {
        attempt->replay_dies = true;
        mem_free(report);
    } else {
        attempt->verdict = VERDICT_DIED;
        attempt->report = report;
        slot->from = (uint32_t)slot->record + 1;
    }
    if (++slot->crashes > CRASHES_MAX) fail_rest(run, slot->from);
    if (slot->from >= run->file.count || run->only || slot->crashes > CRASHES_MAX) {
        slot_finish(self, slot);
        return ST_OK;
    }
    return slot_start(self, slot, err);
}

// --- Messages ----------------------------------------------------------------------------------

static void take_answer(CaseRun *run, uint32_t record, Str bytes) {
    // kind, comment, NUL, answer, which may hold any byte, NUL
    if (bytes.len < 3) return;
    const char *comment = bytes.ptr + 1;
    uint32_t start = (uint32_t)strlen(comment) + 2;
    Str answer = str_sub(bytes, start, bytes.len - start - 1);
    mem_free((char *)run->answer[record].text.ptr);
    mem_free((char *)run->answer[record].comment);
    run->answer[record] = (CaseAnswer){.kind = (CaseKind)bytes.ptr[0],
                                       .text = {str_own(answer), answer.len},
                                       .comment = mem_strdup(comment)};
}

static void slot_take(Pool *self, Slot *slot, const Message *message, Str bytes) {
    CaseRun *run = slot->run;
    CaseAttempt *attempt =
        message->record < run->file.count ? &run->attempt[message->record] : NULL;
    slot->deadline_ms = now_ms() + self->pool->timeout_ms;
    switch (message->kind) {
        case MESSAGE_BEGIN:
        case MESSAGE_REPLAY:
            slot->record = message->record;
            slot->replaying = message->kind == MESSAGE_REPLAY;
            return;
        case MESSAGE_PASSED:
        case MESSAGE_DIFFERS:
        case MESSAGE_ANSWER:
            slot->record = -1;
            if (!attempt) return;
            attempt->verdict = message->kind == MESSAGE_DIFFERS ? VERDICT_DIFFERS : VERDICT_PASSED;
            if (message->kind == MESSAGE_DIFFERS) attempt->report = str_own(bytes);
            if (message->kind == MESSAGE_ANSWER) take_answer(run, message->record, bytes);
            slot->from = message->record + 1;
            return;
        case MESSAGE_FAILURE:
            if (!run->failure) run->failure = str_own(bytes);
            fail_rest(run, slot->from);
            return;
        case MESSAGE_END:
            slot->record = -1;
            slot->ended = true;
            return;
        default: return;
    }
}

// Takes in what the pipe has; false at its end.
static bool slot_read(Pool *self, Slot *slot) {
    enum { CHUNK = 1 << 16 };
    ssize_t n = read(slot->fd, buf_reserve(&slot->in, CHUNK), CHUNK);
    if (n < 0) return errno == EINTR;
    if (n == 0) return false;
    slot->in.len += (size_t)n;
    size_t at = 0;
    while (slot->in.len - at >= sizeof(Message)) {
        Message message;
        memcpy(&message, slot->in.ptr + at, sizeof message);
        if (message.size > MESSAGE_MAX) return false;
        if (slot->in.len - at - sizeof message < message.size) break;
        slot_take(self, slot, &message, str_make(slot->in.ptr + at + sizeof message, message.size));
        at += sizeof message + message.size;
    }
    memmove(slot->in.ptr, slot->in.ptr + at, slot->in.len - at);
    slot->in.len -= at;
    return true;
}

// --- The pool ----------------------------------------------------------------------------------

// Waits until a child says something or is late, and deals with it.
static Status pool_step(Pool *self, Error *err) {
    struct pollfd polled[CHILDREN_MAX];
    Slot *slot_of[CHILDREN_MAX];
    uint32_t count = 0;
    int64_t now = now_ms(), wait_ms = self->pool->timeout_ms;
    for (uint32_t i = 0; i < self->slots; i++) {
        Slot *slot = &self->slot[i];
        if (!slot->run) continue;
        polled[count] = (struct pollfd){.fd = slot->fd, .events = POLLIN};
        slot_of[count++] = slot;
        int64_t left = slot->deadline_ms - now;
        if (left < wait_ms) wait_ms = left < 0 ? 0 : left;
    }
    int ready = poll(polled, count, (int)(wait_ms + 1));
    if (interrupted) return error_set(err, ST_CANCELLED, "interrupted");
    if (ready < 0)
        return errno == EINTR ? ST_OK : error_set(err, ST_IO, "poll: %s", strerror(errno));
    now = now_ms();
    for (uint32_t i = 0; i < count; i++) {
        Slot *slot = slot_of[i];
        if (polled[i].revents) {
            if (!slot_read(self, slot)) TRY(slot_dead(self, slot, false, err));
        } else if (now >= slot->deadline_ms) {
            TRY(slot_dead(self, slot, true, err));
        }
    }
    return ST_OK;
}

// Long files first, so that the last child does not work alone for long.
static int by_size(const void *a, const void *b) {
    const CaseRun *x = *(CaseRun *const *)a, *y = *(CaseRun *const *)b;
    if (x->file.count != y->file.count) return x->file.count > y->file.count ? -1 : 1;
    return strcmp(x->path, y->path);
}

static Status pool_work(Pool *self, CaseRun **queue, uint32_t count, Error *err) {
    uint32_t next = 0;
    for (;;) {
        uint32_t busy = 0;
        for (uint32_t i = 0; i < self->slots; i++) {
            Slot *slot = &self->slot[i];
            if (!slot->run && next < count) {
                *slot = (Slot){.run = queue[next++], .fd = -1, .output = -1};
                Status st = slot_start(self, slot, err);
                if (st) {
                    slot->run = NULL;
                    return st;
                }
            }
            busy += slot->run != NULL;
        }
        if (!busy) return ST_OK;
        TRY(pool_step(self, err));
    }
}

static void pool_kill(Pool *self) {
    for (uint32_t i = 0; i < self->slots; i++) {
        Slot *slot = &self->slot[i];
        if (!slot->run || slot->fd < 0) continue;
        (void)kill(slot->pid, SIGKILL);
        (void)waitpid(slot->pid, NULL, 0);
        slot_release(slot);
        buf_free(&slot->in);
        slot->run = NULL;
    }
}

Status case_runs(const CasePool *pool, CaseRun *runs, uint32_t count, Error *err) {
    Pool *self = NEW(Pool);
    self->pool = pool;
    self->slots = pool->jobs < 1 ? 1 : pool->jobs > CHILDREN_MAX ? CHILDREN_MAX : pool->jobs;
    CaseRun **queue = NEW_ARRAY(CaseRun *, count + 1);
    uint32_t queued = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!runs[i].failure) queue[queued++] = &runs[i];
        runs[i].attempt = NEW_ARRAY(CaseAttempt, runs[i].file.count + 1);
        if (pool->recording) runs[i].answer = NEW_ARRAY(CaseAnswer, runs[i].file.count + 1);
    }
    if (queued) qsort(queue, queued, sizeof *queue, by_size);
    struct sigaction act = {.sa_handler = on_interrupt}, old_int, old_term;
    interrupted = 0;
    (void)sigaction(SIGINT, &act, &old_int);
    (void)sigaction(SIGTERM, &act, &old_term);
    Status st = pool_work(self, queue, queued, err);
    pool_kill(self);
    (void)sigaction(SIGINT, &old_int, NULL);
    (void)sigaction(SIGTERM, &old_term, NULL);
    mem_free(queue);
    mem_free(self);
    return st;
}

void case_run_clear(CaseRun *run) {
    for (uint32_t i = 0; i < run->file.count; i++) {
        if (run->attempt) mem_free(run->attempt[i].report);
        if (!run->answer) continue;
        mem_free((char *)run->answer[i].text.ptr);
        mem_free((char *)run->answer[i].comment);
    }
    mem_free(run->attempt);
    mem_free(run->answer);
    mem_free(run->failure);
    run->attempt = NULL;
    run->answer = NULL;
    run->failure = NULL;
}
