// fuzz_series: the states of learning detectors (ml/series/learn.h). What is read goes on judging
// points, and is written and read again; a level that was absurd may have become no number by then.
#include <math.h>

#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "ml/series/learn.h"

enum { POINTS = 40, BYTES_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > BYTES_MAX) return 0;
    Learner *learner = NULL;
    Error err = {0};
    if (learner_load(str_make((const char *)data, size), &learner, &err)) {
        ASSERT(err.message[0] && !learner);
        return 0;
    }
    static const double ODD[] = {0, 1, -3, 1e9, 1e-9, 1e300, (double)NAN, (double)INFINITY};
    DetectVerdict verdict;
    Detector *detector = learner_detector(learner);
    int64_t step = detector ? detector_settings(detector)->step_ms : 60000;
    for (int64_t i = 0; i < POINTS && step < INT64_MAX / 1000000; i++) {
        learner_push(learner, (500000 + i) * step, ODD[i % 8], &verdict);
        ASSERT(isfinite(verdict.score));
    }
    Buf once = {0};
    Learner *again = NULL;
    learner_save(learner, &once);
    if (learner_load(buf_str(&once), &again, &err)) ASSERT(err.message[0] && !again);
    learner_free(again);
    learner_free(learner);
    buf_free(&once);
    return 0;
}
