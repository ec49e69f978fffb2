#include "watch/explain.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"

// The paper's thresholds: of a single value, and of a dimension's values together.
static const double SHARE_MIN = 0.1, SHARE_ENOUGH = 0.67;
// Less than that is noise: values that have all changed alike surprise nobody.
static const double SURPRISE_MIN = 1e-4;

// ---- which values ------------------------------------------------------------------------------

typedef struct Dimension {
    Str name;
    Map by_value;  // ExplainValue *
    double actual, expected;
} Dimension;

static Dimension *find_dimension(Dimension *all, uint32_t *count, Str name) {
    for (uint32_t i = 0; i < *count; i++) {
        if (str_eq(all[i].name, name)) return &all[i];
    }
    if (*count == EXPLAIN_DIMENSIONS_MAX) return NULL;
    all[*count] = (Dimension){.name = name};
    return &all[(*count)++];
}

static void add_part(Dimension *all, uint32_t *count, const ExplainPart *part, Arena *arena) {
    for (uint32_t i = 0; i < part->labels; i++) {
        Dimension *dimension = find_dimension(all, count, part->label[i].dimension);
        if (!dimension) continue;
        ExplainValue *value = map_get(&dimension->by_value, part->label[i].value);
        if (!value) {
            value = ARENA_NEW(arena, ExplainValue);
            value->value = part->label[i].value;
            (void)map_put(&dimension->by_value, value->value, value);
        }
        value->actual += part->actual;
        value->expected += part->expected;
        dimension->actual += part->actual;
        dimension->expected += part->expected;
    }
}

// Jensen and Shannon's, of one value's share of the total before and after.
static double surprise_of(double before, double after) {
    double both = before + after, sum = 0;
    if (before > 0) sum += before * log(2 * before / both);
    if (after > 0) sum += after * log(2 * after / both);
    return sum / 2;
}

static int by_surprise(const void *a, const void *b) {
    double x = ((const ExplainValue *)a)->surprise, y = ((const ExplainValue *)b)->surprise;
    return x > y ? -1 : x < y;
}

static int by_share(const void *a, const void *b) {
    double x = ((const ExplainValue *)a)->share, y = ((const ExplainValue *)b)->share;
    return x > y ? -1 : x < y;
}

static int best_first(const void *a, const void *b) {
    double x = ((const ExplainDimension *)a)->surprise, y = ((const ExplainDimension *)b)->surprise;
    return x > y ? -1 : x < y;
}

// The values of one dimension that explain [deviation]; false: they do not.
static bool pick(const Dimension *dimension, double deviation, Arena *arena,
                 ExplainDimension *out) {
    uint32_t count = dimension->by_value.count, picked = 0;
    ExplainValue *value = ARENA_ARRAY(arena, ExplainValue, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        value[i] = *(const ExplainValue *)dimension->by_value.entry[i].value;
        double before =
            dimension->expected > 0 ? fmax(value[i].expected, 0) / dimension->expected : 0;
        // When nothing is left of the total, nobody's share has changed.
        double after =
            dimension->actual > 0 ? fmax(value[i].actual, 0) / dimension->actual : before;
        value[i].share = (value[i].actual - value[i].expected) / deviation;
        value[i].surprise = surprise_of(before, after);
    }
    qsort(value, count, sizeof *value, by_surprise);
    *out = (ExplainDimension){.dimension = dimension->name, .value = value};
    for (uint32_t i = 0; i < count && out->share < SHARE_ENOUGH; i++) {
        if (value[i].share < SHARE_MIN) continue;
        out->share += value[i].share;
        out->surprise += value[i].surprise;
        value[picked++] = value[i];
    }
    out->values = picked;
    qsort(value, picked, sizeof *value, by_share);
    return out->share >= SHARE_ENOUGH && out->surprise >= SURPRISE_MIN;
}

void explain(const ExplainPart *part, uint32_t count, Arena *arena, Explanation *out) {
    Dimension all[EXPLAIN_DIMENSIONS_MAX];
    uint32_t dimensions = 0;
    *out = (Explanation){.parts = count};
    for (uint32_t i = 0; i < count; i++) {
        out->actual += part[i].actual;
        out->expected += part[i].expected;
        add_part(all, &dimensions, &part[i], arena);
    }
    ExplainDimension *picked = ARENA_ARRAY(arena, ExplainDimension, dimensions + 1);
    double deviation = out->actual - out->expected;
    for (uint32_t i = 0; i < dimensions; i++) {
        bool one = all[i].by_value.count < 2;  // it tells nobody apart
        if (!one && deviation != 0 && pick(&all[i], deviation, arena, &picked[out->dimensions])) {
            out->dimensions++;
        }
        map_clear(&all[i].by_value);
    }
    qsort(picked, out->dimensions, sizeof *picked, best_first);
    out->dimension = picked;
}

// ---- what was to be expected -------------------------------------------------------------------

enum { DAYS = 3, LEVEL_MS = 3600 * 1000, POINTS_MAX = 100000 };
static const int DAY[DAYS] = {1, 7, 14};

// Sums of a metric's history; NAN where less than half of the points are there.
typedef struct Sums {
    double actual;
    double before;        // right before the stretch
    double then[DAYS];    // the stretch, on earlier days
    double before_then[DAYS];
} Sums;

static Status sum_of(Watch *watch, const WatchMetric *metric, int64_t step_ms, int64_t from_ms,
                     uint32_t count, double *room, double *out, Error *err) {
    uint32_t there = 0;
    TRY(history_read(watch_history(watch), metric->key, step_ms, from_ms, count, room, err));
    *out = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(room[i])) continue;
        *out += room[i];
        there++;
    }
    if (there * 2 < count || !there) *out = NAN;
    else *out *= (double)count / there;
    return ST_OK;
}

static Status read_sums(Watch *watch, const WatchMetric *metric, int64_t from_ms, int64_t to_ms,
                        Sums *out, Error *err) {
    int64_t step_ms = atomic_load(&((WatchMetric *)(uintptr_t)metric)->step_ms);
    from_ms -= from_ms % step_ms;
    int64_t count = (to_ms - from_ms) / step_ms + 1, level = LEVEL_MS / step_ms;
    if (count < 1) count = 1;
    if (count > POINTS_MAX) count = POINTS_MAX;
    if (level < 4) level = 4;
    uint32_t n = (uint32_t)count, l = (uint32_t)level;
    double *room = mem_alloc((n > l ? n : l) * sizeof *room);
    int64_t before_ms = from_ms - level * step_ms;
    Status st = sum_of(watch, metric, step_ms, from_ms, n, room, &out->actual, err);
    if (!st) st = sum_of(watch, metric, step_ms, before_ms, l, room, &out->before, err);
    for (int d = 0; d < DAYS && !st; d++) {
        int64_t back_ms = (int64_t)DAY[d] * SERIES_DAY_MS;
        st = sum_of(watch, metric, step_ms, from_ms - back_ms, n, room, &out->then[d], err);
        if (st) break;
        st = sum_of(watch, metric, step_ms, before_ms - back_ms, l, room, &out->before_then[d],
                    err);
    }
    // Without earlier days: as it was right before.
    bool any = isfinite(out->then[0]) || isfinite(out->then[1]) || isfinite(out->then[2]);
    if (!any && !st) out->then[0] = out->before * (double)count / (double)level;
    mem_free(room);
    return st;
}

// The median of the earlier days, each at today's level. A part that is small is held to the level
// of all of them: [of_all] is the total's ratio, [weight] how much of it counts.
static double expected_of(const Sums *sums, const double *of_all, double weight) {
    double found[DAYS];
    int n = 0;
    for (int d = 0; d < DAYS; d++) {
        if (isnan(sums->then[d])) continue;
        double today = isnan(sums->before) ? 0 : sums->before;
        double then = isnan(sums->before_then[d]) ? 0 : sums->before_then[d];
        double level = then + weight > 0 ? (today + weight * of_all[d]) / (then + weight) : 1;
        found[n++] = sums->then[d] * (isfinite(level) && level >= 0 ? level : 1);
    }
    if (!n) return 0;
    for (int i = 1; i < n; i++) {
        for (int k = i; k > 0 && found[k] < found[k - 1]; k--) {
            double other = found[k];
            found[k] = found[k - 1];
            found[k - 1] = other;
        }
    }
    return n == 2 ? (found[0] + found[1]) / 2 : found[n / 2];
}

static void expect_all(const Sums *sums, ExplainPart *part, uint32_t count) {
    double of_all[DAYS], before = 0, weight = 0;
    for (uint32_t i = 0; i < count; i++) before += isnan(sums[i].before) ? 0 : sums[i].before;
    for (int d = 0; d < DAYS; d++) {
        double then = 0;
        for (uint32_t i = 0; i < count; i++) {
            then += isnan(sums[i].before_then[d]) ? 0 : sums[i].before_then[d];
        }
        of_all[d] = then > 0 ? before / then : 1;
    }
    if (count) weight = 0.1 * before / count;
    for (uint32_t i = 0; i < count; i++) {
        part[i].actual = isnan(sums[i].actual) ? 0 : sums[i].actual;  // no points: nothing came
        part[i].expected = expected_of(&sums[i], of_all, weight);
    }
}

// ---- parts -------------------------------------------------------------------------------------

static void read_labels(const MetricSpec *spec, Arena *arena, ExplainPart *out) {
    JsonValue object;
    if (!spec->labels.len || json_parse(arena, spec->labels, 0, &object, NULL, NULL)) return;
    if (object.kind != JK_OBJECT) return;
    ExplainLabel *label = ARENA_ARRAY(arena, ExplainLabel, object.count + 1);
    for (uint32_t i = 0; i < object.count; i++) {
        const JsonValue *value = &object.member[i].value;
        if (value->kind != JK_TEXT && !json_is_number(value)) continue;
        label[out->labels++] = (ExplainLabel){object.member[i].name, value->text};
    }
    out->label = label;
}

static bool is_part(Watch *watch, const WatchMetric *metric, const WatchMetric *total) {
    if (!metric || metric == total || metric->platform != total->platform) return false;
    if (atomic_load(&((WatchMetric *)(uintptr_t)metric)->gone)) return false;
    roster_lock(watch_roster(watch));
    bool part = str_eq(metric->spec->part_of, total->id);
    roster_unlock(watch_roster(watch));
    return part;
}

Status watch_explain(Watch *watch, WatchMetric *total, int64_t from_ms, int64_t to_ms,
                     Arena *arena, Explanation *out, Error *err) {
    Buf parts = {0}, sums = {0};
    Status st = ST_OK;
    for (int64_t key = 1; key <= roster_keys(watch_roster(watch)) && !st; key++) {
        const WatchMetric *metric = roster_metric_of(watch_roster(watch), key);
        if (!is_part(watch, metric, total)) continue;
        MetricSpec spec = roster_spec(watch_roster(watch), metric, arena);
        ExplainPart part = {0};
        Sums sum = {0};
        read_labels(&spec, arena, &part);
        st = read_sums(watch, metric, from_ms, to_ms, &sum, err);
        buf_put(&parts, &part, sizeof part);
        buf_put(&sums, &sum, sizeof sum);
    }
    if (!st) {
        uint32_t count = (uint32_t)(parts.len / sizeof(ExplainPart));
        ExplainPart *part = (ExplainPart *)(void *)parts.ptr;
        expect_all((const Sums *)(const void *)sums.ptr, part, count);
        explain(part, count, arena, out);
    }
    buf_free(&parts);
    buf_free(&sums);
    return st;
}
