// ml/series/train_taste.c - labels of history: what was called an incident and nobody had noticed,
// and what was called none, looked at again with the model that history has made.
#include "ml/series/train_int.h"

enum { WARM_MS = 2 * SERIES_DAY_MS, LABEL_DAYS_MAX = 2, LABELS_LOOKED_AT = 64 };

// The loudest moment of a label, the level being followed from two days before.
static double loudest_of(const Train *train, const SeriesHistory *history, const SeriesLabel *label,
                         TasteCase *at) {
    DetectSettings settings = {.step_ms = history->step_ms, .direction = DETECT_BOTH,
                               .sensitivity = DETECT_MIDDLE, .calendar = history->calendar};
    Detector *detector = detector_new(&settings);
    detector_use(detector, train->model);
    int64_t from = (label->from_ms - WARM_MS - history->from_ms) / history->step_ms;
    int64_t to = (label->to_ms - history->from_ms) / history->step_ms;
    double most = 0;
    for (int64_t i = from < 0 ? 0 : from; i <= to && i < history->count; i++) {
        DetectVerdict verdict;
        TasteCase here;
        int64_t ts_ms = train_ts(train, (uint32_t)i);
        bool within = ts_ms >= label->from_ms;
        double value = !within && train->outside[i] ? (double)NAN : (double)history->value[i];
        detector_push(detector, ts_ms, value, &verdict);
        if (!within || isnan(value)) continue;
        double score = detector_case(detector, &here);
        if (score <= most) continue;
        most = score;
        *at = here;
    }
    detector_free(detector);
    return most;
}

void train_taste(Train *train, const SeriesHistory *history) {
    Taste *taste = &train->model->taste;
    uint32_t skip = history->labels > LABELS_LOOKED_AT ? history->labels - LABELS_LOOKED_AT : 0;
    for (uint32_t i = skip; i < history->labels; i++) {
        const SeriesLabel *label = &history->label[i];
        TasteCase at;
        if (label->to_ms <= label->from_ms || label->from_ms < history->from_ms) continue;
        if (label->to_ms - label->from_ms > LABEL_DAYS_MAX * (int64_t)SERIES_DAY_MS) continue;
        double score = loudest_of(train, history, label, &at);
        if (score <= 0) continue;
        if (label->incident) taste_missed(taste, &at, score);
        else if (score > 1) taste_false(taste, &at, score);
    }
}
