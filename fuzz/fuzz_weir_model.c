// fuzz_weir_model: the readers of weir's own models and of the states of learners. The first byte
// chooses: a file as it is, a body that gets a right head and checksum, a state. What is read can
// be asked, and is written again as it was.
#include "base/assert.h"
#include "base/hash.h"
#include "fuzz/fuzz.h"
#include "ml/codec.h"
#include "ml/formats.h"
#include "ml/online.h"

enum { ROWS = 3, VALUES_MAX = 1 << 16 };

static void ask(const MlModel *model) {
    Arena arena = {0};
    arena_init(&arena);
    uint64_t values = 0;
    for (uint32_t i = 0; i < model->in_count; i++) values += model->in[i].width;
    for (uint32_t i = 0; i < model->out_count; i++) values += model->out[i].width;
    if (values <= VALUES_MAX) {
        MlColumn *in = ARENA_ARRAY(&arena, MlColumn, model->in_count);
        MlColumn *out = ARENA_ARRAY(&arena, MlColumn, model->out_count);
        uint64_t valid = 5;
        for (uint32_t i = 0; i < model->in_count; i++) {
            size_t count = (size_t)ROWS * model->in[i].width;
            in[i].valid = &valid;
            in[i].text = ARENA_ARRAY(&arena, Str, count);
            in[i].number = ARENA_ARRAY(&arena, double, count);
            for (size_t v = 0; v < count; v++) in[i].number[v] = (double)v - 1.5;
        }
        Error err = {0};
        ASSERT(!model->vt->predict(model, in, ROWS, out, &arena, &err));
    }
    arena_clear(&arena);
}

static void read_model(Str bytes) {
    MlModel *model = NULL;
    Error err = {0};
    if (WEIR_FORMAT.load(STR("m"), bytes, &model, &err)) {
        ASSERT(err.message[0] && !model);
        return;
    }
    Buf again = {0}, text = {0};
    ask(model);
    model->vt->describe(model, &text);
    ASSERT(!model->vt->save(model, &again, &err));
    ASSERT(str_eq(buf_str(&again), bytes));
    buf_free(&again);
    buf_free(&text);
    ml_free(model);
}

static void read_learner(Str bytes) {
    MlLearner *learner = NULL;
    Error err = {0};
    if (online_load(bytes, &learner, &err)) {
        ASSERT(err.message[0] && !learner);
        return;
    }
    // Weights may stand in any order; written once they have theirs.
    Buf once = {0}, twice = {0};
    online_save(learner, &once);
    online_free(learner);
    ASSERT(!online_load(buf_str(&once), &learner, &err));
    online_save(learner, &twice);
    ASSERT(str_eq(buf_str(&once), buf_str(&twice)));
    online_free(learner);
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size || size > 1 << 20) return 0;
    Str bytes = str_make((const char *)data + 1, size - 1);
    if (data[0] % 3 == 0) {
        read_model(bytes);
        return 0;
    }
    if (data[0] % 3 == 2) {
        read_learner(bytes);
        return 0;
    }
    Buf file = {0};
    Codec codec = {.out = &file};
    uint32_t version = 1;
    uint64_t length = bytes.len, hash;
    buf_puts(&file, "WEIRMODL");
    codec_u32(&codec, &version);
    codec_u64(&codec, &length);
    buf_put_str(&file, bytes);
    hash = hash_bytes(file.ptr, file.len, 0);
    codec_u64(&codec, &hash);
    read_model(buf_str(&file));
    buf_free(&file);
    return 0;
}
