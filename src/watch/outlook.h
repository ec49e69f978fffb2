// watch/outlook.h - what is to come of a metric, for those who ask now and then: forecasts beyond
// its newest point.
//
// The judge that could say it belongs to a worker of the job. Here a detector of the same model
// goes through the days of history that lie behind, as the judge did: so the outlook knows the
// level, what the holiday has grown to, what the network makes of the last day, an announced
// promotion and a changed unit. About ten milliseconds for a metric of minutes.
#pragma once

#include "watch/watch.h"

// The [ahead] steps behind the newest point of history into [out], of which *count are known: all,
// or none where there is no model yet. Any thread.
NODISCARD Status watch_outlook(Watch *watch, WatchMetric *metric, uint32_t ahead,
                               DetectVerdict *out, uint32_t *count, Error *err);
