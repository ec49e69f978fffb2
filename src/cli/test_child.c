#include "cli/test_child.h"

#include <errno.h>
#include <unistd.h>

typedef struct Child {
    const CasePool *pool;
    const CaseRun *run;
    CaseDirs dirs;
    void *session;
    int fd, output;
    CaseOutcome outcome;
    Buf text;  // scratch for reports
} Child;

static void say(const Child *self, MessageKind kind, uint32_t record, Str bytes) {
    Message head = {.kind = kind, .record = record, .size = bytes.len};
    Buf out = {0};
    buf_put(&out, &head, sizeof head);
    buf_put_str(&out, bytes);
    for (size_t done = 0; done < out.len;) {
        ssize_t n = write(self->fd, out.ptr + done, out.len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) _exit(1);  // nobody listens any more
        done += (size_t)n;
    }
    buf_free(&out);
}

static Status execute(Child *self, const CaseRecord *record, Error *err) {
    case_outcome_clear(&self->outcome);
    if (lseek(self->output, 0, SEEK_SET) == 0) (void)!ftruncate(self->output, 0);
    Str sql = case_expand(&self->outcome.arena, &self->dirs, record->sql);
    *err = (Error){0};
    return self->pool->engine->execute(self->session, sql, &self->dirs, &self->outcome, err);
}

// Tells what the engine answers, in the kind that fits it.
static void say_answer(Child *self, uint32_t index, Status status, const Error *error) {
    const CaseRecord *record = &self->run->file.record[index];
    CaseKind kind = case_kind_of(record->kind, status, &self->outcome);
    Arena *arena = &self->outcome.arena;
    Buf *out = &self->text;
    out->len = 0;
    buf_putc(out, (char)kind);
    if (status) {
        Str message = case_collapse(arena, &self->dirs, str_c(error->message));
        int64_t end = str_find(message, STR("\n"), 0);
        if (end >= 0) message.len = (uint32_t)end;
        buf_printf(out, "# message: " STR_FMT, STR_ARG(message));
    } else if (case_is_query(kind)) {
        buf_printf(out, "# columns: " STR_FMT, STR_ARG(self->outcome.names));
    }
    buf_putc(out, 0);
    if (status) {
        buf_puts(out, status_stage(status));
    } else if (case_is_query(kind)) {
        case_answer_print(kind, &self->outcome, out);
    }
    buf_putc(out, 0);
    say(self, MESSAGE_ANSWER, index, buf_str(out));
}

static void run_record(Child *self, uint32_t index) {
    const CaseRecord *record = &self->run->file.record[index];
    Error error;
    say(self, MESSAGE_BEGIN, index, STR(""));
    Status status = execute(self, record, &error);
    if (self->pool->recording) {
        say_answer(self, index, status, &error);
        return;
    }
    self->text.len = 0;
    CaseRecord wanted =
        self->pool->materialised ? case_materialised(&self->outcome.arena, record) : *record;
    bool passes = case_passes(&wanted, status, &error, &self->outcome, &self->text);
    say(self, passes ? MESSAGE_PASSED : MESSAGE_DIFFERS, index, buf_str(&self->text));
}

static bool is_wanted(const CaseRun *run, uint32_t index) {
    return !run->only || run->only == index + 1;
}

int case_child(const CasePool *pool, const CaseRun *run, uint32_t from, const char *tmp, int fd,
               int output) {
    Child self = {.pool = pool,
                  .run = run,
                  .dirs = {str_c(run->data), str_c(tmp)},
                  .fd = fd,
                  .output = output};
    Error error = {0};
    if (pool->engine->open(pool->engine_arg, &self.dirs, &self.session, &error)) {
        say(&self, MESSAGE_FAILURE, 0, str_c(error.message));
        return 0;
    }
    for (uint32_t i = 0; i < run->file.count; i++) {
        const CaseRecord *record = &run->file.record[i];
        if (i >= from && is_wanted(run, i)) {
            run_record(&self, i);
        } else if (record->kind == CASE_STATEMENT_OK && !run->attempt[i].replay_dies &&
                   run->attempt[i].verdict != VERDICT_DIED) {
            if (run->only && i >= run->only) break;
            say(&self, MESSAGE_REPLAY, i, STR(""));
            (void)execute(&self, record, &error);
        }
    }
    pool->engine->close(self.session);
    arena_clear(&self.outcome.arena);
    say(&self, MESSAGE_END, 0, STR(""));
    buf_free(&self.text);
    return 0;
}
