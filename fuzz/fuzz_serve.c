// fuzz_serve: bodies of requests for predictions (server/serve_json.c). The first byte chooses
// among models of scalars, a tensor, and lists; rows that are read fill what they say, and the
// reply to them is JSON.
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "server/serve_int.h"

static const MlField SCALARS[] = {{.name = {"_c0", 3}, .type = ML_INTEGER, .width = 1},
                                  {.name = {"kind", 4}, .type = ML_TEXT, .width = 1},
                                  {.name = {"x", 1}, .type = ML_FLOAT, .width = 4}};
static const MlField TENSOR[] = {{.name = {"x", 1}, .type = ML_DOUBLE, .width = 6}};
static const MlField LISTS[] = {{.name = {"items", 5}, .type = ML_TEXT, .width = 1, .list = true},
                                {.name = {"numbers", 7}, .type = ML_DOUBLE, .width = 1,
                                 .list = true}};
static const MlModelVt PMML = {.format = "pmml"}, ONNX = {.format = "onnx"};
static const MlModel MODELS[] = {
    {.vt = &PMML, .in = SCALARS, .out = SCALARS, .in_count = 3, .out_count = 3},
    {.vt = &ONNX, .in = TENSOR, .out = TENSOR, .in_count = 1, .out_count = 1},
    {.vt = &ONNX, .in = LISTS, .out = LISTS, .in_count = 2, .out_count = 2},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { ROWS_MAX = 100, COUNT = sizeof MODELS / sizeof *MODELS };
    if (size < 2 || size > 1 << 16) return 0;
    const MlModel *model = &MODELS[data[0] % COUNT];
    Arena arena = {0};
    Error err = {0};
    JsonValue body, again;
    const JsonValue *instances;
    ServeRows rows;
    Str text = str_make((const char *)data + 1, size - 1);
    Status st = serve_body_read(&arena, text, ROWS_MAX, &body, &instances, &err);
    if (!st) {
        serve_rows_init(&rows, &arena, model, instances->count);
        st = serve_rows_add(&rows, instances, &err);
    }
    if (st) {
        ASSERT(st == ST_VALIDATION && err.message[0]);
    } else {
        Buf reply = {0};
        ASSERT(rows.rows == instances->count && rows.rows <= ROWS_MAX);
        serve_reply(model, rows.in, 0, rows.rows, &reply);
        ASSERT(!json_parse(&arena, buf_str(&reply), 0, &again, NULL, &err));
        buf_free(&reply);
    }
    arena_clear(&arena);
    return 0;
}
