// ml/pmml/model_mining.c - <MiningModel>: models side by side (forests, votes), or one behind the
// other (chains, where the outputs of one are fields of the next).
#include <math.h>
#include <stdlib.h>

#include "ml/pmml/mining.h"
#include "ml/pmml/mining_int.h"

static const char *const METHODS[] = {"majorityVote",
                                      "weightedMajorityVote",
                                      "average",
                                      "weightedAverage",
                                      "median",
                                      "weightedMedian",
                                      "max",
                                      "sum",
                                      "weightedSum",
                                      "selectFirst",
                                      "selectAll",
                                      "modelChain",
                                      "multiModelChain",
                                      "x-weightedMedian",
                                      "x-weightedSum",
                                      "x-multiModelChain",
                                      ""};

enum { ON_MISSING_CONTINUE, ON_MISSING_SKIP, ON_MISSING_RETURN };

extern const ModelKind MINING_MODEL;

// -- Compiling ------------------------------------------------------------------------------------

static uint8_t method_of(Load *load, const Xml *at) {
    (void)need_attr(load, at, "multipleModelMethod");
    int method = attr_enum(load, at, "multipleModelMethod", METHODS, 0);
    return (uint8_t)(method == 13   ? METHOD_WEIGHTED_MEDIAN
                     : method == 14 ? METHOD_WEIGHTED_SUM
                     : method == 15 ? METHOD_MULTI_CHAIN
                                    : method);
}

static void compile(Load *load, Model *model) {
    static const char *const MISSINGS[] = {"continue", "skipSegment", "returnMissing", ""};
    const Xml *at = xml_child(model->xml, "Segmentation");
    if (!at) load_unsupported(load, model->xml, "a mining model without segments");
    Mining *self = ARENA_NEW(load->arena, Mining);
    model->impl = self;
    self->method = method_of(load, at);
    const char *treatment = xml_attr(at, "missingPredictionTreatment").ptr
                                ? "missingPredictionTreatment" : "x-missingPredictionTreatment";
    self->on_missing = (uint8_t)attr_enum(load, at, treatment, MISSINGS, ON_MISSING_CONTINUE);
    self->threshold = attr_number(load, at, "x-missingThreshold", 1);
    self->threshold = attr_number(load, at, "missingThreshold", self->threshold);
    uint32_t count = xml_count(at, "Segment");
    if (count == 0) load_fail(load, at, "there are no segments");
    self->segment = ARENA_ARRAY(load->arena, Segment, count);
    for (const Xml *s = xml_child(at, "Segment"); s; s = xml_next(s, "Segment")) {
        Segment *segment = &self->segment[self->segments];
        const Xml *inner = model_child(s);
        if (!inner) load_unsupported(load, s, "this kind of model");
        segment->id = xml_attr(s, "id");
        if (!segment->id.ptr) segment->id = str_printf(load->arena, "%u", self->segments + 1);
        segment->weight = attr_number(load, s, "weight", 1);
        if (!(segment->weight >= 0)) load_fail(load, s, "its weight is below zero");
        segment->predicate = predicate_compile(load, model, predicate_child(load, s));
        segment->model = model_compile(load, model, inner);
        self->segments++;
    }
}

static const Mining *mining_of(const Model *model) {
    return model->kind == &MINING_MODEL ? model->impl : NULL;
}

bool mining_shares(const Model *model) {
    const Mining *self = mining_of(model);
    return self && (self->method == METHOD_CHAIN || self->method == METHOD_MULTI_CHAIN ||
                    self->method == METHOD_SELECT_FIRST);
}

bool mining_lists(const Model *model) {
    const Mining *self = mining_of(model);
    return self && self->method == METHOD_SELECT_ALL;
}

const Model *mining_segment(const Model *model, Str id) {
    const Mining *self = mining_of(model);
    for (uint32_t i = 0; self && i < self->segments; i++) {
        if (str_eq(self->segment[i].id, id)) return self->segment[i].model;
    }
    return NULL;
}

// Those that can run together with the one that gives the result: of a choice up to the first that
// is always taken, of a chain from the last such one on.
void mining_shown(const Model *model, uint32_t *first, uint32_t *end) {
    const Mining *self = mining_of(model);
    *first = *end = 0;
    if (!self || !mining_shares(model)) return;
    *end = self->segments;
    for (uint32_t i = 0; i < self->segments; i++) {
        if (self->segment[i].predicate->kind != PRED_TRUE) continue;
        if (self->method == METHOD_CHAIN) *first = i;
        if (self->method == METHOD_SELECT_FIRST) {
            *end = i + 1;
            return;
        }
    }
}

const Model *mining_model(const Model *model, uint32_t segment) {
    return mining_of(model)->segment[segment].model;
}

uint32_t mining_count(const Model *model) {
    const Mining *self = mining_of(model);
    return self ? self->segments : 0;
}

// -- Scoring --------------------------------------------------------------------------------------

typedef struct Ran {
    const Segment *segment;
    Result *result;
} Ran;

typedef struct Run {
    const Model *model;
    const Mining *mining;
    Row *row;
    Ran *ran;
    uint32_t count;
} Run;

static bool predicts(const Result *result) {
    return !is_missing(result->value) || result->is_rules;
}

// Runs the segments whose conditions are true. False: one without a prediction makes all missing.
static bool run_segments(Run *run) {
    const Mining *self = run->mining;
    for (uint32_t i = 0; i < self->segments; i++) {
        const Segment *segment = &self->segment[i];
        if (predicate_truth(run->row, segment->predicate) != YES) continue;
        Result *result = ROW_ARRAY(run->row, Result, 1);
        model_run(segment->model, run->row, result);
        if (!result->target.ptr) result->target = segment->model->target[0].name;
        if (!predicts(result)) {
            if (self->on_missing == ON_MISSING_RETURN) return false;
            bool skips = self->on_missing == ON_MISSING_SKIP;
            if (skips && self->method == METHOD_SELECT_FIRST) continue;
        }
        run->ran[run->count++] = (Ran){segment, result};
        if (self->method == METHOD_SELECT_FIRST) return true;
    }
    return true;
}

// Drops the segments without a prediction, perhaps all. False: that are too many, or none may be.
static bool drop_missing(Run *run, bool votes) {
    const Mining *self = run->mining;
    double all = 0, missing = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < run->count; i++) all += run->ran[i].segment->weight;
    for (uint32_t i = 0; i < run->count; i++) {
        if (predicts(run->ran[i].result)) {
            run->ran[kept++] = run->ran[i];
            continue;
        }
        if (self->on_missing != ON_MISSING_SKIP && !votes) return false;
        missing += run->ran[i].segment->weight;
        if (missing / all > self->threshold) return false;
        if (self->on_missing == ON_MISSING_CONTINUE) run->ran[kept++] = run->ran[i];
    }
    run->count = kept;
    return true;
}

static bool weighted(const Mining *self) {
    return self->method == METHOD_WEIGHTED_VOTE || self->method == METHOD_WEIGHTED_AVERAGE ||
           self->method == METHOD_WEIGHTED_SUM || self->method == METHOD_WEIGHTED_MEDIAN;
}

typedef struct Pair {
    double value, weight;
} Pair;

static int pair_cmp(const void *a, const void *b) {
    double x = ((const Pair *)a)->value, y = ((const Pair *)b)->value;
    return x < y ? -1 : x > y;
}

static double median(Pair *pair, uint32_t count, bool by_weight) {
    double all = 0, sum = 0;
    for (uint32_t i = 0; i < count; i++) all += pair[i].weight;
    qsort(pair, count, sizeof *pair, pair_cmp);
    if (!by_weight) {
        return count % 2 ? pair[count / 2].value
                         : (pair[count / 2 - 1].value + pair[count / 2].value) / 2;
    }
    for (uint32_t i = 0; i < count; i++) {
        sum += pair[i].weight;
        if (sum >= all / 2) return pair[i].value;
    }
    return pair[count - 1].value;
}

static double rounded(const Model *model, double x) {
    return model->single ? (double)(float)x : x;
}

static void numbers(Run *run, Result *out) {
    const Mining *self = run->mining;
    bool adds = self->method == METHOD_SUM || self->method == METHOD_WEIGHTED_SUM;
    if (!drop_missing(run, false) || (run->count == 0 && !adds)) {  // a sum of nothing is 0
        result_missing(run->model, run->row, out);
        return;
    }
    Pair *pair = ROW_ARRAY(run->row, Pair, run->count + 1);
    double sum = 0, weights = 0, most = -INFINITY;
    for (uint32_t i = 0; i < run->count; i++) {
        double weight = weighted(self) ? run->ran[i].segment->weight : 1;
        double value = value_as_number(run->ran[i].result->value);
        if (isnan(value)) row_fail(run->row, "a segment predicts what is no number");
        pair[i] = (Pair){value, weight};
        sum = rounded(run->model, sum + rounded(run->model, value * weight));
        weights += weight;
        most = fmax(most, value);
    }
    double value = sum;
    switch ((Method)self->method) {
        case METHOD_AVERAGE:
        case METHOD_WEIGHTED_AVERAGE:
            if (weights == 0) row_fail(run->row, "an average without weights");
            value = sum / weights;
            break;
        case METHOD_MEDIAN: value = median(pair, run->count, false); break;
        case METHOD_WEIGHTED_MEDIAN: value = median(pair, run->count, true); break;
        case METHOD_MAX: value = most; break;
        default: break;
    }
    result_number(run->model, run->row, value, out);
}

// The number of a class, in the order in which classes come up.
static uint32_t class_index(Value *category, uint32_t *count, Value value) {
    for (uint32_t i = 0; i < *count; i++) {
        if (value_eq(category[i], value)) return i;
    }
    category[*count] = value;
    return (*count)++;
}

static void divide(double *score, uint32_t count, double by) {
    for (uint32_t i = 0; i < count && by != 0; i++) score[i] /= by;
}

static void votes(Run *run, Result *out) {
    const Mining *self = run->mining;
    if (!drop_missing(run, true) || run->count == 0) {
        result_missing(run->model, run->row, out);
        return;
    }
    Value *category = ROW_ARRAY(run->row, Value, run->count);
    double *score = ROW_ARRAY(run->row, double, run->count), sum = 0, missing = 0, most = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        double weight = weighted(self) ? run->ran[i].segment->weight : 1;
        if (is_missing(run->ran[i].result->value)) {
            missing += weight;
            continue;
        }
        uint32_t at = class_index(category, &out->count, run->ran[i].result->value);
        score[at] += weight;
        sum += weight;
        most = fmax(most, score[at]);
    }
    if (out->count == 0 || missing > most) {
        out->count = 0;
        result_missing(run->model, run->row, out);
        return;
    }
    bool clusters = run->model->function == MINE_CLUSTERING;
    if (!clusters) divide(score, out->count, sum);
    out->category = category;
    out->score = score;
    result_class(run->model, run->row, clusters ? VOTE : PROBABILITY, out);
    if (clusters) out->entity = value_str(out->value, run->row->arena);
}

// What segment [i] gives to a class; 0 when it does not know it.
static double given(const Run *run, uint32_t i, Value category) {
    const Result *result = run->ran[i].result;
    for (uint32_t k = 0; k < result->count; k++) {
        if (value_eq(result->category[k], category)) return result->score[k];
    }
    return 0;
}

// Median and maximum: a class is chosen, then the segments that speak for it most nearly are
// averaged.
static void chosen_segments(Run *run, const Value *category, uint32_t count, double *score) {
    const Mining *self = run->mining;
    Pair *pair = ROW_ARRAY(run->row, Pair, run->count);
    uint32_t best = 0;
    double best_value = -INFINITY;
    for (uint32_t k = 0; k < count; k++) {
        for (uint32_t i = 0; i < run->count; i++) pair[i] = (Pair){given(run, i, category[k]), 1};
        double value = -INFINITY;
        if (self->method == METHOD_MEDIAN) value = median(pair, run->count, false);
        else for (uint32_t i = 0; i < run->count; i++) value = fmax(value, pair[i].value);
        if (value > best_value) best = k, best_value = value;
    }
    double nearest = INFINITY;
    for (uint32_t i = 0; i < run->count; i++) {
        nearest = fmin(nearest, fabs(given(run, i, category[best]) - best_value));
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        if (fabs(given(run, i, category[best]) - best_value) > nearest) continue;
        used++;
        for (uint32_t k = 0; k < count; k++) score[k] += given(run, i, category[k]);
    }
    divide(score, count, used);
}

static void probabilities(Run *run, Result *out) {
    const Mining *self = run->mining;
    if (!drop_missing(run, false) || run->count == 0) {
        result_missing(run->model, run->row, out);
        return;
    }
    uint32_t most = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        if (run->ran[i].result->scores == SCORES_NONE) {
            row_fail(run->row, "segment " STR_FMT " gives no probabilities",
                     STR_ARG(run->ran[i].segment->id));
        }
        most += run->ran[i].result->count;
    }
    Value *category = ROW_ARRAY(run->row, Value, most + 1);
    double *score = ROW_ARRAY(run->row, double, most + 1), weights = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        const Result *result = run->ran[i].result;
        double weight = weighted(self) ? run->ran[i].segment->weight : 1;
        weights += weight;
        for (uint32_t k = 0; k < result->count; k++) {
            uint32_t at = class_index(category, &out->count, result->category[k]);
            if (self->method == METHOD_AVERAGE || self->method == METHOD_WEIGHTED_AVERAGE) {
                score[at] = rounded(run->model, score[at] + result->score[k] * weight);
            }
        }
    }
    if (self->method == METHOD_AVERAGE || self->method == METHOD_WEIGHTED_AVERAGE) {
        divide(score, out->count, weights);
    } else {
        chosen_segments(run, category, out->count, score);
    }
    out->category = category;
    out->score = score;
    result_class(run->model, run->row, PROBABILITY, out);
}

static void all_values(Run *run, Result *out) {
    Value *item = ROW_ARRAY(run->row, Value, run->count);
    for (uint32_t i = 0; i < run->count; i++) item[i] = run->ran[i].result->value;
    *out = *run->ran[0].result;
    out->value = (Value){.type = run->model->target[0].type.type, .list = true, .items = run->count,
                         .item = item};
}

static void select_one(const Ran *ran, Result *out) {
    *out = *ran->result;
    out->entity = ran->segment->id;
}

static void all_targets(Run *run, Result *out) {
    const Result *rest = NULL;
    for (uint32_t i = run->count; i-- > 1;) {
        Result *last = run->ran[i].result;
        while (last->more) last = (Result *)(uintptr_t)last->more;
        last->more = rest;
        rest = run->ran[i].result;
    }
    *out = *run->ran[0].result;
    Result *last = out;
    while (last->more) last = (Result *)(uintptr_t)last->more;
    last->more = rest;
}

static void score(const Model *model, Row *row, Result *out) {
    Run run = {.model = model, .mining = model->impl, .row = row};
    run.ran = ROW_ARRAY(row, Ran, run.mining->segments);
    if (!run_segments(&run) || run.count == 0) {
        result_missing(model, row, out);
        return;
    }
    switch ((Method)run.mining->method) {
        case METHOD_SELECT_FIRST: select_one(&run.ran[0], out); return;
        case METHOD_CHAIN: select_one(&run.ran[run.count - 1], out); return;
        case METHOD_SELECT_ALL: all_values(&run, out); return;
        case METHOD_MULTI_CHAIN: all_targets(&run, out); return;
        case METHOD_VOTE:
        case METHOD_WEIGHTED_VOTE: votes(&run, out); return;
        default: break;
    }
    if (model->function == MINE_CLASSIFICATION) probabilities(&run, out);
    else numbers(&run, out);
}

const ModelKind MINING_MODEL = {"MiningModel", compile, score};
