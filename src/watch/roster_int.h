// watch/roster_int.h - shared by registry.c and roster_rows.c, and nobody else.
#pragma once

#include "watch/db.h"
#include "watch/roster.h"

// Metrics by key: blocks that never move, so that whoever has a key needs no lock.
enum { KEYS_BLOCK = 4096, KEY_BLOCKS_MAX = 4096 };

struct Roster {
    Db *db;
    OsMonitor monitor;
    OsMonitor recent;  // of the verdicts of all metrics: nobody waits for the file to write one
    Map platforms;  // by name
    Arena texts;    // of platforms
    Map metrics;    // by platform's number, '/', id
    Map groups;     // by platform's number, '/', group: the group's number + 1
    _Atomic(WatchMetric **) block[KEY_BLOCKS_MAX];
    _Atomic int64_t keys;
};

static inline void metric_changed(WatchMetric *metric) {
    atomic_fetch_add(&metric->version, 1);
}
