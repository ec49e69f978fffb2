// fuzz_watch_judge: the states of a watch's judges (watch/judge.h), as a checkpoint holds them:
// read, and written as they were.
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "watch/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Judge judge = {0}, again = {0};
    Error err = {0};
    Buf once = {0}, twice = {0};
    if (judge_load(&judge, str_make((const char *)data, size), &err)) {
        ASSERT(err.message[0]);
        judge_clear(&judge);
        return 0;
    }
    int64_t patience_ms = silence_patience_ms(&judge.silence, 60000, 0);
    judge_save(&judge, &once);
    ASSERT(!judge_load(&again, buf_str(&once), &err));
    judge_save(&again, &twice);
    ASSERT(str_eq(buf_str(&once), buf_str(&twice)));
    silence_heard(&judge.silence, 1760054400000, patience_ms);
    (void)silence_asked(&judge.silence, 1760054400000 + 600000, patience_ms, false);
    judge_clear(&judge);
    judge_clear(&again);
    buf_free(&once);
    buf_free(&twice);
    return 0;
}
