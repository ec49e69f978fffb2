// watch/report.h - what a replay found, as a page that a person can judge: each alarm with actuals,
// forecast, band, window and the path to the decision; against labels, if there are, what was
// found, what was missed, what was false, and how fast.
//
//     Report *report;
//     TRY(report_new(&settings, &report, err));
//     options.point = report_point, options.arg = report;
//     TRY(replay_run(input, &options, &totals, err));
//     report_write(report, &totals, &page);
//
// An incident of a metric is found if an alarm opens between its begin and five minutes after its
// end; an alarm that opens outside every incident and not within half an hour after one is false.
//
// Memory: 120 points of each metric, and the points of the alarms that are drawn.
#pragma once

#include "watch/replay.h"

typedef struct Report Report;

typedef struct ReportSettings {
    const char *title;
    Str labels;         // metric,start,end,type,kind (incident | benign); "": none
    int64_t after_ms;   // alarms and incidents before that are left out; 0: none are
} ReportSettings;

NODISCARD Status report_new(const ReportSettings *settings, Report **out, Error *err);
void report_free(Report *report);  // NULL is fine
Status report_point(void *report, const ReplayPoint *point, Error *err);
// A page of HTML that needs nothing else.
void report_write(Report *report, const ReplayTotals *totals, Buf *out);

// The figures of the page.
typedef struct ReportFigures {
    uint32_t incidents, found;
    uint32_t alarms, false_alarms;
    double recall, precision;     // found / incidents; found / (found + false)
    double delay_s;               // median
    double false_per_week;        // of a metric
    double metric_weeks;
} ReportFigures;
void report_figures(Report *report, ReportFigures *out);
