// watch/roster.h - the registry: who sends what: platforms, their metrics, and all that is known
// about a metric beside its points. Kept in SQLite (DIR/registry.db), and in memory for those who
// ask every point.
//
// Every change is one transaction and is durable when its function returns; to do it again changes
// nothing. A metric has a key, a number that is never given twice: points, states, history and
// models go by it. WatchMetric and WatchPlatform live as long as the registry, also when removed.
//
// The version of a metric grows with everything that its detection should take up: settings,
// labels, promotions, its calendar, another model. A detector compares it (one atomic load) before
// each point and asks for the changes when it differs.
//
// Threads: any. One lock guards the file and the texts; roster_metric_of takes none.
#pragma once

#include <stdatomic.h>

#include "base/map.h"
#include "os/os.h"

typedef struct Roster Roster;

typedef struct WatchPlatform {
    int64_t id;
    Str name;                  // owned; letters, digits, - and _
    // Where its alarms go, "" nowhere: change while others read, and the old ones stay.
    const char *_Atomic topic, *_Atomic webhook;
    _Atomic int64_t metrics_max, points_max;  // quotas: metrics; points a second, 0: no limit
    _Atomic int64_t metrics;
    _Atomic uint64_t points, points_unknown, points_refused;
    // The second of the quota at hand, and the points in it.
    _Atomic int64_t second, second_points;
} WatchPlatform;

typedef enum WatchDirection { WATCH_BOTH, WATCH_RISE, WATCH_FALL } WatchDirection;
typedef enum WatchSensitivity { WATCH_HIGH, WATCH_MIDDLE, WATCH_LOW } WatchSensitivity;
typedef enum WatchLabelKind { WATCH_TRUE_ALARM, WATCH_FALSE_ALARM, WATCH_MISSED } WatchLabelKind;

extern const char *const WATCH_DIRECTIONS[];     // "both", "rise", "fall", NULL
extern const char *const WATCH_SENSITIVITIES[];  // "high", "middle", "low", NULL
extern const char *const WATCH_LABEL_KINDS[];    // "true_alarm", "false_alarm", "missed", NULL

// A metric as it was registered.
typedef struct MetricSpec {
    Str id;                    // of the platform: unique there
    Str name, unit, group, calendar;
    Str labels;                // a JSON object, or empty
    Str part_of;               // id of the metric that is the sum of such as this one, or empty
    Str rule;                  // whose alarms are the metric's (rule.h), or empty
    int64_t step_ms;           // granularity
    int direction, sensitivity, importance;  // importance: 0 plain, 1 important
    int64_t silence_ms;        // without points, until that is an alarm; 0: by habit, < 0: never
} MetricSpec;

enum { WATCH_RECENT = 16 };  // verdicts of a metric that are kept for those who ask

// What was said of a point; for status and forecast pages, not for the detection.
typedef struct WatchPoint {
    int64_t ts_ms;
    double value, forecast, low, high, score;
    bool alarm, cold;
} WatchPoint;

typedef struct WatchMetric {
    int64_t key;
    WatchPlatform *platform;
    Str id;                    // owned
    _Atomic uint64_t version;
    _Atomic bool paused, gone;
    _Atomic int64_t step_ms;
    _Atomic uint32_t group;           // a number for platform and group, below roster_groups
    // Of its silence, as its judge and the history have last said (warden.c). 0: not in this
    // process.
    _Atomic int64_t last_ms;          // event time of the newest point
    _Atomic int64_t patience_ms;      // INT64_MAX: it is never silent, as far as is known
    _Atomic int64_t heard_ns;         // monotonic: when a point came
    _Atomic int64_t rhythm_ns;        // the longest time between two arrivals
    _Atomic bool silent;              // an alarm for it is open
    _Atomic bool speaks;              // and that is its whole group's
    _Atomic bool hushed;              // its group's alarm is open, by another metric
    _Atomic int64_t group_gap_ms;     // a silence of its group as long as this was called fine
    WatchPoint recent[WATCH_RECENT];  // by roster_recent
    uint32_t recent_at;               // how many were ever written
    // Guarded by the registry's lock.
    MetricSpec *spec;          // one block with its texts
    uint32_t model_version;
    int64_t trained_ms;        // event time of the last point that the model has seen
    int64_t label_last;        // id of the newest label
    bool wants_training;       // drift, or a label, since it was trained
    void *model;               // shared; of the trainer, by roster_model_set
} WatchMetric;

NODISCARD Status roster_open(Str dir, Roster **out, Error *err);
void roster_close(Roster *roster);  // NULL is fine
void roster_lock(Roster *roster);
void roster_unlock(Roster *roster);

// ---- platforms ---------------------------------------------------------------------------------

typedef struct PlatformSpec {
    Str name, topic, webhook;
    int64_t metrics_max, points_max;  // 0: the default, no limit
} PlatformSpec;

// *token receives what the platform is to show; it is kept as a hash, so this is the only time.
// A platform that is there gets the settings anew, and another token when [rotate].
NODISCARD Status roster_platform_put(Roster *roster, const PlatformSpec *spec, bool rotate,
                                     Buf *token, Error *err);
WatchPlatform *roster_platform(Roster *roster, Str name);  // NULL: there is none
// The platform that shows [token], or NULL. Takes as long whatever stands in it.
WatchPlatform *roster_login(Roster *roster, Str token);
uint32_t roster_platforms(Roster *roster, Arena *arena, WatchPlatform ***out);

// ---- metrics -----------------------------------------------------------------------------------

typedef struct MetricCounts {
    uint32_t added, updated, same;
} MetricCounts;

// All of them or none. ST_VALIDATION names the first that is wrong, or the quota.
NODISCARD Status roster_metrics_put(Roster *roster, WatchPlatform *platform,
                                    const MetricSpec *spec, uint32_t count, MetricCounts *out,
                                    Error *err);
NODISCARD Status roster_metric_pause(Roster *roster, WatchMetric *metric, bool paused,
                                     Error *err);
// With its labels, alarms and models; watch_metric_remove is the whole of it.
NODISCARD Status roster_metric_remove(Roster *roster, WatchMetric *metric, Error *err);
// Closed alarms and labels of before [before_ms] go.
NODISCARD Status roster_trim(Roster *roster, const WatchMetric *metric, int64_t before_ms,
                             Error *err);
WatchMetric *roster_metric(Roster *roster, const WatchPlatform *platform, Str id);
WatchMetric *roster_metric_of(const Roster *roster, int64_t key);  // NULL: never was
int64_t roster_keys(const Roster *roster);  // the greatest key
uint32_t roster_groups(Roster *roster);
// A copy of what was registered, in [arena].
MetricSpec roster_spec(Roster *roster, const WatchMetric *metric, Arena *arena);
void roster_recent_put(Roster *roster, WatchMetric *metric, const WatchPoint *point);
// The newest, oldest first; how many there are.
uint32_t roster_recent(Roster *roster, const WatchMetric *metric, WatchPoint out[WATCH_RECENT]);
// Calendars or promotions of [platform]'s metrics (NULL: of all) have changed, and whoever kept
// them
// has been told: judges take them up.
void roster_touch(Roster *roster, const WatchPlatform *platform);
// Says that the metric's model does not fit any more.
void roster_drifted(Roster *roster, WatchMetric *metric);

// ---- labels, promotions, calendars (roster_rows.c) -------------------------------------------

typedef struct WatchLabel {
    int64_t id, key, from_ms, to_ms;  // key: of the metric
    uint64_t alarm;  // the number of the metric's alarm that is meant (watch_alarm_number); 0: none
    int kind;
    Str note;
} WatchLabel;

enum { ROSTER_ALL = INT32_MAX };  // a limit that is none

NODISCARD Status roster_label_add(Roster *roster, WatchMetric *metric,
                                  const WatchLabel *label, Error *err);
// Those with an id above [after], oldest first: of a platform, or of one metric of it.
NODISCARD Status roster_labels(Roster *roster, const WatchPlatform *platform,
                               const WatchMetric *metric, int64_t after, uint32_t limit,
                               Arena *arena, WatchLabel **out, uint32_t *count, Error *err);

typedef struct WatchPromotion {
    Str name, group;  // group empty: all metrics of the platform
    int64_t from_ms, to_ms;
} WatchPromotion;

NODISCARD Status roster_promotion_add(Roster *roster, WatchPlatform *platform,
                                      const WatchPromotion *promotion, Error *err);
// Those that concern the metric; of a platform all, when [metric] is NULL.
NODISCARD Status roster_promotions(Roster *roster, const WatchPlatform *platform,
                                   const WatchMetric *metric, Arena *arena, WatchPromotion **out,
                                   uint32_t *count, Error *err);
// A calendar is CSV, date,name: what ml/series reads. Those that are built in need no row.
NODISCARD Status roster_calendar_put(Roster *roster, Str name, Str csv, Error *err);
// Empty: there is none of that name.
NODISCARD Status roster_calendar(Roster *roster, Str name, Arena *arena, Str *csv,
                                 Error *err);

// ---- alarms and models (roster_rows.c) -------------------------------------------------------

typedef struct WatchAlarm {
    Str id;        // "shop/orders/42-17"
    int64_t key;   // of the metric
    int64_t seq;   // 1: opened, then one more with each message
    Str event;     // "open", "update", "close"
    int64_t opened_ms, ts_ms;
    Str message;   // JSON
} WatchAlarm;

// One transaction. A message that is there, or older than what is there, changes nothing.
NODISCARD Status roster_alarms_put(Roster *roster, const WatchAlarm *alarm, uint32_t count,
                                   Error *err);
// Of a platform, in the order of their ids, those behind [after].
NODISCARD Status roster_alarms_by_id(Roster *roster, const WatchPlatform *platform, Str after,
                                     uint32_t limit, Arena *arena, WatchAlarm **out,
                                     uint32_t *count, Error *err);
// The newest first: of a platform, or of one metric of it.
NODISCARD Status roster_alarms(Roster *roster, const WatchPlatform *platform,
                               const WatchMetric *metric, int64_t since_ms, uint32_t limit,
                               Arena *arena, WatchAlarm **out, uint32_t *count, Error *err);
// ST_VALIDATION: there is no alarm of that id.
NODISCARD Status roster_alarm(Roster *roster, const WatchPlatform *platform, Str id,
                              Arena *arena, WatchAlarm *out, Error *err);

// A message that a platform's webhook is to get.
typedef struct WatchDelivery {
    Str id, url, platform, message;
    int64_t seq, made_ms;
} WatchDelivery;

// The oldest of them, [limit] at most.
NODISCARD Status roster_deliveries(Roster *roster, uint32_t limit, Arena *arena,
                                   WatchDelivery **out, uint32_t *count, Error *err);
NODISCARD Status roster_delivered(Roster *roster, const WatchDelivery *delivery, Error *err);

// Version [number] of the metric's model is in the registry, and the one in use from now on:
// [model] takes the place of what was there, which is returned in *before for its owner to release.
NODISCARD Status roster_model_set(Roster *roster, WatchMetric *metric, uint32_t number,
                                  int64_t trained_ms, Str summary, void *model, void **before,
                                  Error *err);
NODISCARD Status roster_model_summary(Roster *roster, const WatchMetric *metric,
                                      Arena *arena, Str *summary, Error *err);
