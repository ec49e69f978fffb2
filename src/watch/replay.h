// watch/replay.h - recorded metrics run through the detector as if they came in now: in the order
// of the files, each point judged by what lay before it, models trained on the way
// (ml/series/learn.h).
//
// What is understood, found by looking: a folder of the simulator (values.csv, metrics.csv,
// holidays.csv); a folder with data/ full of CSV files, as NAB has it, or simply folders of CSV
// files (timestamp,value, further columns ignored); one such file.
//
// Memory: that of the metrics' learners; files are read as they come, 65,536 points at a time.
// Threads: points are handed out by the caller's, in the order of the files.
#pragma once

#include "ml/series/learn.h"

typedef struct ReplayMetric {
    Str name;            // of the simulator's metric, or the file's path without .csv
    Str group;           // metrics.csv's; may be empty
    LearnSettings settings;
    Learner *learner;
    void *mark;          // of whoever is handed the points
    uint32_t chain;      // of its points that are read and not yet judged
} ReplayMetric;

typedef struct ReplayPoint {
    const ReplayMetric *metric;
    Str time;            // as the file has it
    int64_t ts_ms;
    DetectVerdict verdict;
} ReplayPoint;

typedef struct ReplayOptions {
    DetectDirection direction;       // of metrics that no metrics.csv tells of
    DetectSensitivity sensitivity;
    SeriesNetKind nets;              // that training may try
    SeriesGeneral *general;          // borrowed; NULL: the one that is built in
    bool ungeneral;                  // no general network
    void (*metric)(void *arg, ReplayMetric *metric);  // a metric begins; may be NULL
    uint32_t threads;                // that judge; 0: as many as there are cores
    Status (*point)(void *arg, const ReplayPoint *point, Error *err);
    void *arg;
} ReplayOptions;

typedef struct ReplayTotals {
    uint64_t points, alarms, bad_lines;
    uint32_t metrics, trainings;
} ReplayTotals;

// ST_VALIDATION: the input is none of these; ST_IO: it cannot be read. A line that cannot be
// understood is counted and passed over; if a file holds nothing else, that is an error.
NODISCARD Status replay_run(Str input, const ReplayOptions *options, ReplayTotals *out, Error *err);

// Any of the forms of a time: 2025-03-31 00:00[:00[.000]], with T and Z too; seconds or ms since
// 1970.
bool replay_time_parse(Str text, int64_t *ts_ms);

// The lines "metric,ts,score,alarm,forecast" that yardsticks read: alarm is 1 where one opens.
void replay_put_header(Buf *out);
void replay_put_point(const ReplayPoint *point, Buf *out);
