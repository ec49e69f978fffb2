// fuzz_general: the files of general networks, as a platform's folder holds them and as `weir watch
// replay --general` is given them. What is read answers any case within its bounds, and is written
// and read again.
#include <math.h>

#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "watch/general.h"

enum { BYTES_MAX = 1 << 16 };

static void ask(const SeriesGeneral *net) {
    GeneralCase at = {0};
    for (uint32_t i = 0; i < GENERAL_FEATURES; i++) {
        double bar = general_bar(net, &at);
        ASSERT(bar >= GENERAL_LOW && bar <= GENERAL_HIGH);
        at.x[i] = i % 2 ? -8 : 8;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str bytes = str_make((const char *)data, size);
    SeriesGeneral *net = NULL, *again = NULL;
    GeneralFacts facts = {0};
    int64_t last = 0;
    Error err = {0};
    Buf out = {0};
    if (size > BYTES_MAX) return 0;
    if (!general_load(bytes, &net, &err)) {
        ask(net);
        general_save(net, &out);
        ASSERT(!general_load(buf_str(&out), &again, &err));
        ASSERT(general_number(again) == general_number(net));
    } else if (!general_file_load(bytes, &net, &facts, &last, &err)) {
        ask(net);
        general_file_save(net, &facts, last, &out);
        ASSERT(!general_file_load(buf_str(&out), &again, &facts, &last, &err));
    } else {
        ASSERT(err.message[0] && !net);
    }
    general_unref(again);
    general_unref(net);
    buf_free(&out);
    return 0;
}
