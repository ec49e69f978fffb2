// watch/teach.c - what labelled metrics teach.
#include "watch/teach.h"

#include <math.h>

#include "base/map.h"
#include "os/os.h"
#include "watch/csv.h"

enum {
    YOUNG_DAYS = 3,        // what a detector of fewer days says is nobody's business
    AFTER_MS = 300000,     // an alarm may come so late
    NEUTRAL_MS = 1800000,  // behind that: neither is wrong
    EPISODE_MS = 600000,   // cases that lie closer are one's
};

enum { LEAST = 20, EPOCHS = 8 };
static const double RATE = 0.002;
static const double SHIFT = -1.1;  // incidents are three times as many in lessons as in life

typedef struct Span {
    int64_t from_ms, to_ms;
} Span;

typedef struct Heard {
    int64_t ts_ms;
    GeneralCase at;
} Heard;

// A metric of the input.
typedef struct Pupil {
    Str name;
    DetectEar ear;
    Heard *heard;
    uint32_t count, room;
    Span *span;
    uint32_t spans, span_room;
    int64_t first_ms, last_ms, step_ms;
} Pupil;

typedef struct Teach {
    const TeachInput *input;
    Arena arena;
    Map by_name;
    Pupil **pupil;
    uint32_t pupils, room;
    bool labelled;
    Pupil *at;  // whose file is read
} Teach;

static void hear(void *arg, int64_t ts_ms, double score, const GeneralCase *at) {
    Pupil *self = arg;
    if (self->count == self->room) {
        self->room = self->room ? self->room * 2 : 64;
        self->heard = mem_realloc(self->heard, self->room * sizeof *self->heard);
    }
    self->heard[self->count++] = (Heard){ts_ms, *at};
}

static void on_metric(void *arg, ReplayMetric *metric) {
    Teach *self = arg;
    if (self->pupils == self->room) {
        self->room = self->room ? self->room * 2 : 64;
        self->pupil = mem_realloc(self->pupil, self->room * sizeof *self->pupil);
    }
    Pupil *pupil = ARENA_NEW(&self->arena, Pupil);
    *pupil = (Pupil){
        .name = str_dup(&self->arena, metric->name), .ear = {hear, pupil}, .first_ms = INT64_MAX};
    self->pupil[self->pupils++] = pupil;
    map_put(&self->by_name, pupil->name, pupil);
    metric->mark = pupil;
    metric->settings.ear = &pupil->ear;
}

static Status on_point(void *arg, const ReplayPoint *point, Error *err) {
    Pupil *pupil = point->metric->mark;
    if (pupil->first_ms == INT64_MAX) pupil->first_ms = point->ts_ms;
    int64_t step_ms = point->ts_ms - pupil->last_ms;
    if (pupil->last_ms && step_ms > 0 && (!pupil->step_ms || step_ms < pupil->step_ms)) {
        pupil->step_ms = step_ms;
    }
    pupil->last_ms = point->ts_ms;
    return ST_OK;
}

// -- Labels ---------------------------------------------------------------------------------------

static void span_add(Pupil *pupil, int64_t from_ms, int64_t to_ms) {
    if (pupil->spans == pupil->span_room) {
        pupil->span_room = pupil->span_room ? pupil->span_room * 2 : 16;
        pupil->span = mem_realloc(pupil->span, pupil->span_room * sizeof *pupil->span);
    }
    pupil->span[pupil->spans++] = (Span){from_ms, to_ms};
}

static Status on_span(void *arg, const Str *cell, Error *err) {
    Teach *self = arg;
    int64_t from_ms, to_ms;
    Pupil *pupil = map_get(&self->by_name, cell[0]);
    if (!replay_time_parse(cell[1], &from_ms) || !replay_time_parse(cell[2], &to_ms)) {
        return error_set(err, ST_VALIDATION, "labels: '" STR_FMT "' or '" STR_FMT "' is no time",
                         STR_ARG(cell[1]), STR_ARG(cell[2]));
    }
    if (pupil && str_eq_nocase(cell[3], STR("incident"))) span_add(pupil, from_ms, to_ms);
    return ST_OK;
}

static Status on_labelled(void *arg, const Str *cell, Error *err) {
    Teach *self = arg;
    Pupil *pupil = self->at;
    int64_t ts_ms;
    double label;
    self->labelled |= cell[1].len > 0;
    if (!replay_time_parse(cell[0], &ts_ms) || !str_to_f64(cell[1], &label) || !(label > 0)) {
        return ST_OK;
    }
    Span *last = pupil->spans ? &pupil->span[pupil->spans - 1] : NULL;
    if (last && ts_ms > last->to_ms && ts_ms - last->to_ms <= pupil->step_ms)
        last->to_ms = ts_ms;
    else
        span_add(pupil, ts_ms, ts_ms);
    return ST_OK;
}

static bool exists(Str path) {
    OsStat stat;
    return !os()->stat(path, &stat, NULL) && stat.exists;
}

static Status read_labels(Teach *self, Error *err) {
    static const char *const METRIC[] = {"metric", NULL}, *const START[] = {"start", NULL},
                             *const END[] = {"end", NULL}, *const KIND[] = {"kind", NULL},
                             *const TIME[] = {"ts", "timestamp", "time", "date", NULL},
                             *const LABEL[] = {"label", "anomaly", NULL};
    const CsvColumn spans[] = {METRIC, START, END, KIND}, points[] = {TIME, LABEL};
    Str labels = str_printf(&self->arena, STR_FMT "/labels.csv", STR_ARG(self->input->path));
    if (exists(labels)) return csv_each(labels, spans, 4, 4, on_span, self, err);
    for (uint32_t i = 0; i < self->pupils; i++) {
        self->at = self->pupil[i];
        Str path = str_printf(&self->arena, STR_FMT "/" STR_FMT ".csv", STR_ARG(self->input->path),
                              STR_ARG(self->at->name));
        if (exists(path)) TRY(csv_each(path, points, 2, 1, on_labelled, self, err));
    }
    if (self->labelled) return ST_OK;
    Status st = error_set(err, ST_VALIDATION, STR_FMT ": nothing says what was an incident",
                          STR_ARG(self->input->path));
    error_hint(err, "labels.csv (metric,start,end,kind), or a column 'label' in each file");
    return st;
}

// -- Lessons --------------------------------------------------------------------------------------

// 1: an incident, 0: none, -1: neither would be wrong.
static int was(const Pupil *pupil, int64_t ts_ms) {
    int64_t late_ms = pupil->step_ms > AFTER_MS ? pupil->step_ms : AFTER_MS;
    int64_t neutral_ms = pupil->step_ms > NEUTRAL_MS ? pupil->step_ms : NEUTRAL_MS;
    int found = 0;
    for (uint32_t i = 0; i < pupil->spans; i++) {
        const Span *span = &pupil->span[i];
        if (ts_ms < span->from_ms) continue;
        if (ts_ms <= span->to_ms + late_ms) return 1;
        if (ts_ms <= span->to_ms + late_ms + neutral_ms) found = -1;
    }
    return found;
}

// Cases that lie close together are one's that somebody would be called for once.
static void put_episode(const Heard *heard, uint32_t count, int incident, TeachLessons *out) {
    for (uint32_t i = 0; i < count; i++) {
        if (out->count == out->room) {
            out->room = out->room ? out->room * 2 : 1024;
            out->lesson = mem_realloc(out->lesson, out->room * sizeof *out->lesson);
        }
        out->lesson[out->count++] = (GeneralLesson){
            .at = heard[i].at, .incident = (float)incident, .weight = 1 / (float)count};
    }
    if (incident) out->incidents += count;
}

static void put_lessons(const Pupil *pupil, TeachLessons *out) {
    int64_t old_ms = pupil->first_ms + YOUNG_DAYS * (int64_t)SERIES_DAY_MS;
    int64_t near_ms = pupil->step_ms > EPISODE_MS ? pupil->step_ms : EPISODE_MS;
    for (uint32_t from = 0, to; from < pupil->count; from = to) {
        const Heard *heard = &pupil->heard[from];
        int incident = was(pupil, heard->ts_ms);
        for (to = from + 1; to < pupil->count; to++) {
            if (pupil->heard[to].ts_ms - pupil->heard[to - 1].ts_ms > near_ms) break;
            if (was(pupil, pupil->heard[to].ts_ms) != incident) break;
        }
        if (incident < 0 || heard->ts_ms < old_ms) continue;
        put_episode(heard, to - from, incident, out);
    }
}

Status teach_collect(const TeachInput *input, TeachLessons *out, Error *err) {
    Teach self = {.input = input};
    ReplayTotals totals;
    ReplayOptions options = {.direction = input->direction,
                             .sensitivity = input->sensitivity,
                             .ungeneral = true,
                             .metric = on_metric,
                             .point = on_point,
                             .arg = &self};
    arena_init(&self.arena);
    Status st = replay_run(input->path, &options, &totals, err);
    if (!st) st = read_labels(&self, err);
    for (uint32_t i = 0; i < self.pupils; i++) {
        if (!st) put_lessons(self.pupil[i], out);
        mem_free(self.pupil[i]->heard);
        mem_free(self.pupil[i]->span);
    }
    mem_free(self.pupil);
    map_clear(&self.by_name);
    arena_clear(&self.arena);
    return st;
}

Status teach_network(const TeachLessons *lessons, uint64_t seed, SeriesGeneral **out, Error *err) {
    if (lessons->incidents < LEAST || lessons->count - lessons->incidents < LEAST) {
        Status st = error_set(err, ST_VALIDATION,
                              "%u cases of incidents and %u of none: too few to learn from",
                              lessons->incidents, lessons->count - lessons->incidents);
        error_hint(err, "%d of either are wanted: give more INPUTs, or longer ones", LEAST);
        return st;
    }
    GeneralTraining settings = {.epochs = EPOCHS, .rate = RATE, .shift = SHIFT, .seed = seed};
    *out = general_train(lessons->lesson, lessons->count, &settings);
    return ST_OK;
}

double teach_loss_of_mean(const TeachLessons *lessons) {
    double incidents = 0, all = 0;
    for (uint32_t i = 0; i < lessons->count; i++) {
        const GeneralLesson *lesson = &lessons->lesson[i];
        incidents += (double)(lesson->incident * lesson->weight);
        all += (double)lesson->weight;
    }
    double share = all > 0 ? incidents / all : 0;
    return share > 0 && share < 1 ? -share * log(share) - (1 - share) * log(1 - share) : 0;
}

void teach_clear(TeachLessons *lessons) {
    mem_free(lessons->lesson);
    *lessons = (TeachLessons){0};
}
