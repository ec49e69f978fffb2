// fuzz/fuzz_tf_bundle.c - the index of a SavedModel's variables (ml/tf/bundle.c): a table in the
// format of LevelDB. Checksums would keep all but the seeds out, so blocks are read without them.
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "ml/tf/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    TfBundle *bundle;
    Error err = {0};
    if (tf_bundle_of(STR("nowhere"), str_make((const char *)bytes, size), false, &bundle, &err)) {
        ASSERT(err.message[0]);
        return 0;
    }
    (void)tf_bundle_has(bundle, STR("a"));
    tf_bundle_close(bundle);
    return 0;
}
