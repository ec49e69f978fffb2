// Whoever asks a running job for savepoints: in place of engine/control.c, which listens to other
// processes. The request itself, and all behind it, is the engine's.
#include "asker.h"
#include "engine/control.h"

#include <stdio.h>

#include "base/mem.h"

struct Control {
    JobControl *job;
    OsThread *thread;
    OsMonitor lock;
    bool closing;
};

Asker asker;

static bool wait_ms(Control *self, int64_t ms) {
    int64_t until_ns = os_monotonic_ns() + ms * 1000000;
    os_lock(&self->lock);
    while (!self->closing && os_monotonic_ns() < until_ns) {
        os_wait(&self->lock, (until_ns - os_monotonic_ns() + 999999) / 1000000);
    }
    bool closing = self->closing;
    os_unlock(&self->lock);
    return !closing;
}

static void ask(void *arg) {
    Control *self = arg;
    while (wait_ms(self, chance_between(1, 300)) && !world.dead) {
        char name[32];
        Error err = {0};
        bool stops = !chance_below(3);
        (void)snprintf(name, sizeof name, "savepoint-%u", ++asker.asked);
        JobAsk want = {.kind = stops ? ASK_STOP : ASK_SAVEPOINT, .dir = STR("/state/savepoints"),
                       .name = name};
        note("asked for %s%s", name, stops ? ", and to stop" : "");
        fault(FAULT_SAVEPOINT);
        Status st = job_control_ask(self->job, &want, &err);
        note("%s: %s", name, st ? err.message : "it is there");
        if (st || !stops) continue;
        (void)snprintf(asker.stopped_with, sizeof asker.stopped_with, "/state/savepoints/%s", name);
        return;
    }
}

Status control_open(const ControlSpec *spec, Control **out, Error *err) {
    (void)spec;
    Control *self = NEW(Control);
    self->job = job_control_new();
    os()->monitor_init(&self->lock);
    *out = self;
    return asker.asks ? os()->thread_start(ask, self, &self->thread, err) : ST_OK;
}

void control_close(Control *self) {
    if (!self) return;
    job_control_close(self->job, "the job has ended");
    os_lock(&self->lock);
    self->closing = true;
    os_tell(&self->lock);
    os_unlock(&self->lock);
    os()->thread_join(self->thread);
    os()->monitor_clear(&self->lock);
    job_control_free(self->job);
    mem_free(self);
}

void control_status(Control *self, const char *status) {
    (void)self, (void)status;
}

void control_failed(Control *control, Str why) {
    (void)control, (void)why;
}

JobControl *control_of_job(Control *self) {
    return self->job;
}

// ---- nobody looks from outside -----------------------------------------------------------------

Status control_jobs(Arena *arena, JobInfo **out, uint32_t *count, Error *err) {
    (void)arena, (void)err;
    *out = NULL;
    *count = 0;
    return ST_OK;
}

Status control_find(Arena *arena, Str job, JobInfo *out, Error *err) {
    (void)arena, (void)out;
    return error_set(err, ST_VALIDATION, "there is no job '" STR_FMT "'", STR_ARG(job));
}

Status control_request(Arena *arena, const JobInfo *job, ControlVerb verb, Str dir, Str *path,
                       Error *err) {
    (void)arena, (void)job, (void)verb, (void)dir, (void)path;
    return error_set(err, ST_VALIDATION, "there is no job");
}
