// fuzz_pmml: PMML documents. Whatever stands in one, it is refused with a message or becomes a
// model that answers rows, or refuses them with a message: of missing values, of numbers, of texts.
#include <math.h>

#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "ml/pmml/pmml.h"

enum { ROWS = 5 };

static void fill(const MlField *field, MlColumn *column, Arena *arena) {
    static const double NUMBERS[ROWS] = {0, 1, 2.5, -1e300, 3};
    static const char *const TEXTS[ROWS] = {"a", "", "1", "2024-02-29", "yes"};
    uint64_t *valid = arena_zalloc(arena, 8);
    *valid = 0xF;  // the last row has nothing
    *column = (MlColumn){.number = ARENA_ARRAY(arena, double, ROWS),
                         .text = ARENA_ARRAY(arena, Str, ROWS),
                         .valid = valid};
    for (uint32_t row = 0; row < ROWS; row++) {
        column->number[row] = NUMBERS[row];
        column->text[row] = str_c(TEXTS[row]);
    }
    if (!field->list) return;
    column->offset = ARENA_ARRAY(arena, uint32_t, ROWS + 1);
    for (uint32_t row = 0; row < ROWS; row++) column->offset[row + 1] = row + 1;
}

static void ask(const MlModel *model) {
    Arena arena;
    arena_init(&arena);
    MlColumn *in = ARENA_ARRAY(&arena, MlColumn, model->in_count + 1);
    MlColumn *out = ARENA_ARRAY(&arena, MlColumn, model->out_count + 1);
    for (uint32_t i = 0; i < model->in_count; i++) fill(&model->in[i], &in[i], &arena);
    Error err = {0};
    if (model->vt->predict(model, in, ROWS, out, &arena, &err)) ASSERT(err.message[0]);
    Buf text = {0};
    model->vt->describe(model, &text);
    buf_free(&text);
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    MlModel *model = NULL;
    Error err = {0};
    if (PMML_FORMAT.load(STR("a file"), str_make((const char *)bytes, size), &model, &err)) {
        ASSERT(err.message[0]);
        return 0;
    }
    ask(model);
    ml_free(model);
    return 0;
}
