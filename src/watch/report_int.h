// watch/report_int.h - what a report collects (report.c) and how it is shown (report_page.c).
#pragma once

#include "base/map.h"
#include "watch/report.h"

typedef struct ReportPoint {
    int64_t ts_ms;
    float actual, forecast, low, high;
} ReportPoint;

typedef enum ReportKind { REPORT_TRUE, REPORT_FALSE, REPORT_MISSED, REPORT_UNLABELLED } ReportKind;

typedef struct ReportLabel {
    int64_t begin_ms, end_ms;
    Str type;
    bool incident;
    int64_t found_ms;  // when the first alarm in it opened; -1: none
} ReportLabel;

// A stretch of a metric that is shown: around an alarm, or around an incident without one.
typedef struct ReportCard {
    const struct ReportTrack *track;
    DetectVerdict verdict;   // at the opening; its score is the loudest that is shown
    int64_t close_ms;        // 0: still open
    int64_t step_ms;
    ReportKind kind;
    const ReportLabel *label;  // the incident it belongs to, or harmless event; may be NULL
    ReportPoint *point;
    uint32_t points, room;
    int64_t until_ms;        // collect until then; INT64_MAX while the alarm is open
} ReportCard;

enum { REPORT_BEFORE = 120, REPORT_POINTS_MAX = 600, REPORT_OPEN_MAX = 4, REPORT_CARDS_MAX = 2000 };

typedef struct ReportTrack {
    Str name;
    DetectSettings settings;
    ReportPoint ring[REPORT_BEFORE];
    uint64_t seen;
    int64_t first_ms, last_ms;  // of what counts
    ReportLabel *label;         // by begin
    uint32_t labels, label_room, next_label;
    ReportCard *open[REPORT_OPEN_MAX];  // still collecting
} ReportTrack;

struct Report {
    Arena arena;
    Str title;
    int64_t after_ms;
    bool labelled;
    Map by_name;          // ReportTrack
    ReportCard **card;
    uint32_t cards, card_room;
    uint64_t passed_over;  // alarms beyond REPORT_CARDS_MAX
};
