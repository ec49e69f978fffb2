// watch/teach.h - lessons for the general network (ml/series/general.h): recorded metrics go
// through the detector as in a replay, each case that the network would be asked about is kept, and
// labels say what it was.
//
// Labels: INPUT/labels.csv of a folder of the simulator (metric,start,end,kind: incidents count),
// or a column "label" or "anomaly" of the files themselves, 1 where a point is anomalous.
//
// Memory: that of the replay, and 300 bytes a case. Threads: the caller's, and the replay's within.
#pragma once

#include "watch/replay.h"

typedef struct TeachLessons {
    GeneralLesson *lesson;  // owned
    uint32_t count, room;
    uint32_t incidents;  // of them
} TeachLessons;

typedef struct TeachInput {
    Str path;
    DetectDirection direction;  // of metrics that no metrics.csv tells of
    DetectSensitivity sensitivity;
} TeachInput;

// Adds what [input] teaches. ST_VALIDATION: it has no labels, or is no input at all.
NODISCARD Status teach_collect(const TeachInput *input, TeachLessons *out, Error *err);
// The network that they teach. ST_VALIDATION: there are too few of either kind.
NODISCARD Status teach_network(const TeachLessons *lessons, uint64_t seed, SeriesGeneral **out,
                               Error *err);
// What general_loss would be if every case were given how many of them are incidents.
double teach_loss_of_mean(const TeachLessons *lessons);
void teach_clear(TeachLessons *lessons);
