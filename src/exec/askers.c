// Two monitors: [work] for the requests that wait for a thread, which are taken in the order they
// came, and [answers], on which the worker waits. The line itself is the worker's own.
#include "exec/askers.h"

#include "os/os.h"

enum { IDLE_MS = 3600 * 1000 };  // whoever waits is told; it only has to be some time

typedef struct Asker {
    Askers *askers;
    void *connection;
    OsThread *thread;
    bool at_work;       // under [work]
} Asker;

struct Askers {
    AskersSpec spec;
    Asker *asker;
    OsMonitor work;
    Request *first_asked, *last_asked;
    bool closing;
    OsMonitor answers;  // for Request.answered
    Request *first, *last;  // in line
    uint32_t in_line;   // watermarks not counted
};

// ---- threads -----------------------------------------------------------------------------------

static void answer_questions(void *arg) {
    Asker *asker = arg;
    Askers *self = asker->askers;
    os_lock(&self->work);
    while (!self->closing) {
        Request *request = self->first_asked;
        if (!request) {
            os_wait(&self->work, IDLE_MS);
            continue;
        }
        self->first_asked = request->next;
        if (!self->first_asked) self->last_asked = NULL;
        asker->at_work = true;
        os_unlock(&self->work);

        request->status = self->spec.vt->ask(asker->connection, request, &request->error);
        os_lock(&self->answers);
        request->answered = true;
        os_tell(&self->answers);
        os_unlock(&self->answers);  // from here on the request may be gone

        os_lock(&self->work);
        asker->at_work = false;
    }
    os_unlock(&self->work);
}

static void ask(Askers *self, Request *request) {
    os_lock(&self->work);
    *(self->last_asked ? &self->last_asked->next : &self->first_asked) = request;
    self->last_asked = request;
    os_tell_one(&self->work);
    os_unlock(&self->work);
}

Status askers_open(const AskersSpec *spec, Askers **out, Error *err) {
    ASSERT(spec->threads > 0 && spec->in_line_max > 0);
    Askers *self = *out = NEW(Askers);
    self->spec = *spec;
    self->asker = NEW_ARRAY(Asker, spec->threads);
    os()->monitor_init(&self->work);
    os()->monitor_init(&self->answers);
    for (uint32_t i = 0; i < spec->threads; i++) {
        Asker *asker = &self->asker[i];
        asker->askers = self;
        TRY(spec->vt->connect(spec->op, &asker->connection, err));
        TRY(os()->thread_start(answer_questions, asker, &asker->thread, err));
    }
    return ST_OK;
}

void askers_close(Askers *self) {
    if (!self) return;
    const AskersVt *vt = self->spec.vt;
    os_lock(&self->work);
    self->closing = true;
    for (uint32_t i = 0; i < self->spec.threads; i++) {
        if (self->asker[i].at_work) vt->cancel(self->asker[i].connection);
    }
    os_tell(&self->work);
    os_unlock(&self->work);
    for (uint32_t i = 0; i < self->spec.threads; i++) {
        os()->thread_join(self->asker[i].thread);
        if (self->asker[i].connection) vt->disconnect(self->asker[i].connection);
    }
    // Now that no thread writes into them:
    for (Request *at = self->first, *later; at; at = later) {
        later = at->later;
        if (at->is_watermark) {
            mem_free(at);
        } else {
            vt->free_request(at);
        }
    }
    os()->monitor_clear(&self->work);
    os()->monitor_clear(&self->answers);
    mem_free(self->asker);
    mem_free(self);
}

// ---- the line ----------------------------------------------------------------------------------

// The request or watermark that may leave, by the link that leads to it; NULL: none. Under
// [answers].
static Request **may_leave(Askers *self, Request **before) {
    *before = NULL;
    for (Request **at = &self->first; *at; at = &(*at)->later) {
        if ((*at)->is_watermark) return *before ? NULL : at;
        if ((*at)->answered) return at;
        if (self->spec.ordered) return NULL;
        *before = *at;
    }
    return NULL;
}

static int64_t left_ms(const Askers *self) {
    int64_t waited_ms = (os_monotonic_ns() - self->first->begun_ns) / 1000000;
    return self->spec.timeout_ms - waited_ms;
}

// Takes the next that may leave out of the line. NULL: all may stay, for there are at most [most]
// requests; or the time of the first is over.
static Request *take(Askers *self, uint32_t most) {
    Request *before, **at, *request = NULL;
    os_lock(&self->answers);
    while (!(at = may_leave(self, &before)) && self->in_line > most && left_ms(self) > 0) {
        os_wait(&self->answers, left_ms(self));
    }
    os_unlock(&self->answers);
    if (!at) return NULL;
    request = *at;
    *at = request->later;
    if (self->last == request) self->last = before;
    if (!request->is_watermark) self->in_line--;
    return request;
}

static Status let_go(Askers *self, Request *request, Error *err) {
    Operator *op = self->spec.op;
    if (request->is_watermark) {
        int64_t ms = request->watermark_ms;
        mem_free(request);
        return output_watermark(op, ms, err);
    }
    Status st = request->status;
    if (st && err) *err = request->error;
    if (!st) st = self->spec.vt->hand_on(op, request, err);
    self->spec.vt->free_request(request);
    return st;
}

// Hands on what may leave, and waits until at most [most] requests are left.
static Status leave(Askers *self, uint32_t most, Error *err) {
    for (Request *request; (request = take(self, most));) TRY(let_go(self, request, err));
    if (!self->first) return ST_OK;
    // Whoever is first in line was begun first, and has no answer.
    if (left_ms(self) <= 0) return self->spec.vt->late(self->spec.op, err);
    OpEnv *env = self->spec.op->env;
    env->timer_at(self->spec.op, env->now_ms(env->now_arg) + 1);
    return ST_OK;
}

static void stand_in_line(Askers *self, Request *request) {
    *(self->last ? &self->last->later : &self->first) = request;
    self->last = request;
    if (!request->is_watermark) self->in_line++;
}

Status askers_put(Askers *self, Request *request, Error *err) {
    request->begun_ns = os_monotonic_ns();
    stand_in_line(self, request);
    if (!request->answered) ask(self, request);
    return leave(self, self->spec.in_line_max - 1, err);
}

Status askers_put_watermark(Askers *self, int64_t ms, Error *err) {
    if (!self->first) return output_watermark(self->spec.op, ms, err);
    Request *request = NEW(Request);
    request->is_watermark = true;
    request->watermark_ms = ms;
    stand_in_line(self, request);
    return askers_look(self, err);
}

Status askers_look(Askers *self, Error *err) {
    return leave(self, UINT32_MAX, err);
}

Status askers_empty(Askers *self, Error *err) {
    return leave(self, 0, err);
}
