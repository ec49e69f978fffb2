// fuzz_snappy: Snappy blocks (server/snappy.h), as a remote write of Prometheus sends them.
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "server/snappy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { SIZE_MAX_ = 1 << 20 };
    Buf out = {0};
    if (!snappy_read(str_make((const char *)data, size), SIZE_MAX_, &out, NULL)) {
        ASSERT(out.len <= SIZE_MAX_ && out.len <= size * 64);
    }
    buf_free(&out);
    return 0;
}
