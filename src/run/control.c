#include "run/control.h"

#include "os/os.h"

enum { WAIT_MS = 1000 };  // then they look again by themselves

struct JobControl {
    OsMonitor changed;
    JobAsk *ask;       // the one whose turn it is
    const char *why;   // nobody answers any more; NULL: somebody does
};

JobControl *job_control_new(void) {
    JobControl *control = NEW(JobControl);
    os()->monitor_init(&control->changed);
    return control;
}

void job_control_free(JobControl *control) {
    if (!control) return;
    os()->monitor_clear(&control->changed);
    mem_free(control);
}

Status job_control_ask(JobControl *control, JobAsk *ask, Error *err) {
    os_lock(&control->changed);
    while (control->ask && !control->why) {
        os_wait(&control->changed, WAIT_MS);
    }
    if (!control->why) {
        control->ask = ask;
        while (!ask->answered && (ask->taken || !control->why)) {
            os_wait(&control->changed, WAIT_MS);
        }
        control->ask = NULL;
        os_tell(&control->changed);
    }
    if (!ask->answered) ask->status = error_set(&ask->error, ST_RUNTIME, "%s", control->why);
    os_unlock(&control->changed);
    if (ask->status && err) *err = ask->error;
    return ask->status;
}

void job_control_close(JobControl *control, const char *why) {
    os_lock(&control->changed);
    control->why = why;
    os_tell(&control->changed);
    os_unlock(&control->changed);
}

JobAsk *job_control_take(JobControl *control) {
    os_lock(&control->changed);
    JobAsk *ask = control->ask && !control->ask->taken ? control->ask : NULL;
    if (ask) ask->taken = true;
    os_unlock(&control->changed);
    return ask;
}

void job_control_answer(JobControl *control, JobAsk *ask, Status status, const Error *error) {
    os_lock(&control->changed);
    ask->status = status;
    if (status) ask->error = *error;
    ask->answered = true;
    os_tell(&control->changed);
    os_unlock(&control->changed);
}
