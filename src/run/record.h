// run/record.h - what sources handed in, kept in files, and handed in again from there.
//
// weir run --record DIR writes DIR/JOB-ID-WORKER.rec for each source of each worker: the job's
// number in the session, the source's stable id, the worker's index. The files hold the batches as
// they came: rows, kinds of change, splits, boundaries. --replay DIR reads them instead of asking
// the connector, so that a run can be had again, row by row, without the world around it.
//
// What depends on the clock (processing time, periodic watermarks) is not in the files.
#pragma once

#include "plan/plan.h"

typedef struct Recorder Recorder;

NODISCARD Status recorder_open(const char *dir, uint32_t job, const Plan *scan, uint32_t worker,
                               Recorder **out, Error *err);
NODISCARD Status recorder_batch(Recorder *self, uint32_t split, const Batch *batch, Error *err);
NODISCARD Status recorder_split(Recorder *self, uint32_t split, bool ended, Error *err);
void recorder_close(Recorder *self);  // NULL is fine

// A reader that hands in what was recorded for the same source. ST_IO: nothing was;
// ST_VALIDATION: it was recorded of other columns.
NODISCARD Status replay_open(const char *dir, uint32_t job, const Plan *scan, uint32_t worker,
                             SourceReader **out, Error *err);
