// watch/watch.h - the platform: registry, history, inbox, the detection job and the trainer, as one
// thing that opens a directory, runs, and closes. `weir watch serve` is this and its HTTP API
// (server/watch_api.h).
//
// Order of calls: watch_open, any number of calls to the stores, watch_start (the job and the
// trainer), watch_stop, watch_close. What is open has a number, by which the tables and functions
// of the job's SQL find it: a watch is nothing that a plan could hold.
//
// Threads: the job has its own, the trainer too; all else may be called by any.
#pragma once

#include "ml/series/detect.h"
#include "watch/history.h"
#include "watch/inbox.h"
#include "watch/roster.h"

typedef struct Watch Watch;

// In an alarm's number: it is one of a silence, and has a count of its own.
#define WATCH_SILENCE_ALARM ((uint64_t)1 << 62)
#define WATCH_RULE_ALARM ((uint64_t)1 << 61)  // of a rule's

typedef struct WatchSettings {
    Str dir;
    uint32_t workers;           // of the job; 0: 1
    uint32_t trainers;          // threads; 0: 1
    int64_t checkpoint_ms;      // between checkpoints: how late an alarm on Kafka may be; 0: 250
    int64_t retrain_ms;         // of event time; 0: two weeks
    int64_t quiet_ms;  // of the clock, without points before a metric can be silent; 0: 1 min
    int64_t keep_ms;            // of event time: points, alarms, labels; 0: 800 days
    const char *kafka;          // brokers; NULL: none
    const char *kafka_points;   // a pattern of topics that points come on; NULL: none are read
    const char *kafka_format;   // of points: "json" (NULL) or "csv"
    const char *kafka_options;  // more of the tables' WITH, in SQL: "'properties.x' = 'y'"; or NULL
    bool print;                 // alarms go to standard output, too
    const char *sql;            // a script that runs in the job's session before it; NULL: none
    void (*say)(void *arg, const char *line);  // what happens, a line each; any thread
    void *arg;
} WatchSettings;

NODISCARD Status watch_open(const WatchSettings *settings, Watch **out, Error *err);
NODISCARD Status watch_start(Watch *watch, Error *err);
// Sources end, the state is saved; a job that does not end within a few seconds is given up.
void watch_stop(Watch *watch);
void watch_close(Watch *watch);  // NULL is fine

// A metric goes with all that is known of it: its points, its models, the state of its judge.
NODISCARD Status watch_metric_remove(Watch *watch, WatchMetric *metric, Error *err);

Roster *watch_roster(Watch *watch);
History *watch_history(Watch *watch);
Inbox *watch_inbox(Watch *watch);
void watch_say(const Watch *watch, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Points that were judged and kept, in this process.
uint64_t watch_judged(const Watch *watch);
// Whether the job runs; if not, why, and it is not tried again: what it says is for a person.
bool watch_runs(Watch *watch, Error *why);

// ---- what the job and the trainer share --------------------------------------------------------

Watch *watch_of(int64_t number);  // NULL: none is open under it
// Days and promotions that concern a metric; NULL: none are known. A reference for the caller.
SeriesCalendar *watch_calendar(Watch *watch, const WatchMetric *metric);
// Calendars and promotions are read again, for [platform]'s metrics or, NULL, for all: something of
// them has changed.
void watch_calendars_changed(Watch *watch, const WatchPlatform *platform);
// The metric's model and its number, a reference for the caller; NULL: it has none.
SeriesModel *watch_model(Watch *watch, WatchMetric *metric, uint32_t *number);
// A version of it, if there is still a file; the one in use and the one before are kept.
SeriesModel *watch_model_version(Watch *watch, WatchMetric *metric, uint32_t number);
// Makes [model] the metric's next version: its file, its row, and from the next point on the one
// that judges.
NODISCARD Status watch_model_publish(Watch *watch, WatchMetric *metric, SeriesModel *model,
                                     int64_t trained_ms, Str summary, Error *err);
// The days of a calendar that is built in, in that form; false: there is none of that name.
bool watch_calendar_built_in(Str name, Buf *out);
// Whether there is a calendar of that name, built in or stored; no name is one without days.
bool watch_calendar_known(Watch *watch, Str name);
// Checks the days of a calendar: "2025-10-01,holiday" or ",workday", a line each; a head is fine.
NODISCARD Status watch_calendar_check(Str csv, Error *err);
// The number of a metric's alarm by its id, as labels have it.
uint64_t watch_alarm_number(Str id);
// A point's time as it may be written: seconds or milliseconds since 1970, "2025-03-31 00:00:00",
// ISO 8601 with T and Z; UTC.
bool watch_time_parse(Str text, int64_t *ms);

// What is known of a platform's general network (watch/general.h).
typedef struct GeneralFacts {
    uint32_t number;      // its version; 0: the one that is built in
    uint32_t labels;      // that it was taught by
    double loss[2];       // on the labels held back: of the one before, of its own
} GeneralFacts;
// The one that the platform's metrics are trained with, a reference for the caller; NULL: there is
// none, not even one that is built in. [facts] may be NULL.
SeriesGeneral *watch_general(Watch *watch, const WatchPlatform *platform, GeneralFacts *facts);

typedef struct WatchTrainerFigures {
    uint64_t trained, failed, wait;  // models made; not made though due; metrics due now
    double train_s;
} WatchTrainerFigures;
WatchTrainerFigures watch_trainer_figures(Watch *watch);
