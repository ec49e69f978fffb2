// watch/watch_int.h - shared by the files of watch/ that run the job, and nobody else.
#pragma once

#include "spi/connector.h"
#include "watch/general.h"
#include "watch/silence.h"
#include "watch/watch.h"

typedef struct WatchJob WatchJob;
typedef struct Trainer Trainer;
typedef struct Warden Warden;
typedef struct Webhooks Webhooks;

struct Watch {
    WatchSettings settings;
    Str dir;  // owned
    int64_t number;
    Roster *roster;
    History *history;
    Inbox *inbox;
    WatchJob *job;
    Trainer *trainer;
    Warden *warden;
    Generals *generals;
    Webhooks *webhooks;
    _Atomic uint64_t judged;
    OsMonitor monitor;  // of the calendars
    Map calendars;      // by name, platform and group: SeriesCalendar *
};

// In the first argument of WATCH_JUDGE: the watch's number, and this for each of an InboxQuestion.
enum { WATCH_JUDGE_ASKS = 100 };
// judge.c: the function WATCH_JUDGE, and those that read what comes over Kafka.
NODISCARD Status watch_functions_register(Error *err);
// tables.c
extern const Connector WATCH_INBOX_CONNECTOR, WATCH_HISTORY_CONNECTOR, WATCH_ALARMS_CONNECTOR;
// job.c
NODISCARD Status watch_job_start(Watch *watch, WatchJob **out, Error *err);
bool watch_job_runs(WatchJob *job, Error *why);
void watch_job_stop(WatchJob *job);  // frees it; NULL is fine
// trainer.c
NODISCARD Status trainer_start(Watch *watch, Trainer **out, Error *err);
void trainer_stop(Trainer *trainer);  // frees it; NULL is fine
WatchTrainerFigures trainer_figures(Trainer *trainer);
// warden.c
NODISCARD Status warden_start(Watch *watch, Warden **out, Error *err);
void warden_stop(Warden *warden);  // frees it; NULL is fine
// watch.c: nothing is left of a metric that the registry does not know any more; to do it again is
// fine.
NODISCARD Status watch_forget(Watch *watch, int64_t key, Error *err);
// Where the metric's history begins and ends; it ends with the last point that its judge took for
// one, so that a clock that was in the far future for a moment is no end. False: there is none.
bool watch_span(Watch *watch, WatchMetric *metric, int64_t *first_ms, int64_t *last_ms);
// webhook.c
NODISCARD Status webhooks_start(Watch *watch, Webhooks **out, Error *err);
void webhooks_stop(Webhooks *webhooks);  // frees it; NULL is fine
