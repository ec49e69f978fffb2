// fuzz_watch_history: blocks of history (watch/history_code.h). Two bytes say how many points are
// wanted; what is read is written and read again, and must be the same points.
#include <math.h>

#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "watch/history_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 1 << 16) return 0;
    uint32_t count = (uint32_t)data[0] + 256u * (data[1] % 8);
    double *value = mem_alloc((count + 1) * sizeof *value);
    double *again = mem_alloc((count + 1) * sizeof *again);
    Str bytes = str_make((const char *)data + 2, size - 2);
    if (!history_decode(bytes, value, count, NULL)) {
        Buf out = {0};
        history_encode(value, count, &out);
        ASSERT(history_decode(buf_str(&out), again, count, NULL) == ST_OK);
        for (uint32_t i = 0; i < count; i++) {
            ASSERT(isnan(value[i]) ? isnan(again[i]) : value[i] == again[i]);
        }
        buf_free(&out);
    }
    mem_free(value);
    mem_free(again);
    return 0;
}
