// fuzz_detector: the states of detectors (ml/series/detect.h), as a checkpoint holds them. What is
// read goes on judging points, and is written and read again.
#include <math.h>

#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "ml/series/detect.h"

enum { POINTS = 40, BYTES_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > BYTES_MAX) return 0;
    Detector *detector = NULL, *again = NULL;
    Error err = {0};
    if (detector_load(str_make((const char *)data, size), NULL, &detector, &err)) {
        ASSERT(err.message[0] && !detector);
        return 0;
    }
    static const double ODD[] = {0, 1, -3, 1e9, 1e-9, 1e300, (double)NAN, (double)INFINITY};
    int64_t step = detector_settings(detector)->step_ms;
    DetectVerdict verdict;
    Buf bytes = {0};
    for (int64_t i = 0; i < POINTS && step < INT64_MAX / 1000000; i++) {
        detector_push(detector, (500000 + i) * step, ODD[i % 8], &verdict);
        ASSERT(isfinite(verdict.score));
    }
    detector_label(detector, 1, DETECT_FALSE_ALARM);
    (void)detector_forecast(detector, 5, &verdict);
    detector_save(detector, &bytes);
    if (detector_load(buf_str(&bytes), NULL, &again, &err)) ASSERT(err.message[0] && !again);
    detector_free(again);
    detector_free(detector);
    buf_free(&bytes);
    return 0;
}
