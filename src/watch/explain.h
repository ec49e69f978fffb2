// watch/explain.h - drill-down: when a total deviates, which few values of a dimension explain it.
//
// A metric's parts are those that were registered as part_of it; their labels are their dimensions.
// For each dimension the values are taken by how much their share of the total has changed, as long
// as each explains a tenth of the deviation, until two thirds are explained; the dimension whose
// values surprise most comes first. After Bhagwan et al., "Adtributor: Revenue Debugging in
// Advertising Systems", NSDI 2014. It goes by sums: of rates and latencies it says nothing.
//
// What was to be expected is history's word: the same stretch one, seven and fourteen days before,
// at the level of the time right before. So it says the same tomorrow.
#pragma once

#include "watch/watch.h"

enum { EXPLAIN_DIMENSIONS_MAX = 32 };

typedef struct ExplainLabel {
    Str dimension, value;
} ExplainLabel;

typedef struct ExplainPart {
    const ExplainLabel *label;
    uint32_t labels;
    double actual, expected;  // sums over the stretch
} ExplainPart;

typedef struct ExplainValue {
    Str value;
    double actual, expected;
    double share;     // of the deviation
    double surprise;
} ExplainValue;

typedef struct ExplainDimension {
    Str dimension;
    double share, surprise;   // of its values here together
    const ExplainValue *value;  // the one that explains most first
    uint32_t values;
} ExplainDimension;

typedef struct Explanation {
    uint32_t parts;
    double actual, expected;  // sums over all parts
    const ExplainDimension *dimension;  // the best first; none if nothing stands out
    uint32_t dimensions;
} Explanation;

// All in [arena]; texts are borrowed of the parts.
void explain(const ExplainPart *part, uint32_t count, Arena *arena, Explanation *out);
// The parts of [total] from [from_ms] until [to_ms], which is included.
NODISCARD Status watch_explain(Watch *watch, WatchMetric *total, int64_t from_ms, int64_t to_ms,
                               Arena *arena, Explanation *out, Error *err);
