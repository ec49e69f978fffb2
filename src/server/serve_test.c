// Requests as rows of a model, and predictions as replies; served over a socket in
// test/services/serve.sh.
#include <math.h>

#include "base/bits.h"
#include "server/serve_int.h"
#include "test/unit.h"

static const MlField IN[] = {{.name = {"_c0", 3}, .type = ML_INTEGER, .width = 1},
                             {.name = {"kind", 4}, .type = ML_TEXT, .width = 1},
                             {.name = {"x", 1}, .type = ML_FLOAT, .width = 4}};
static const MlField OUT[] = {{.name = {"label", 5}, .type = ML_TEXT, .width = 1},
                              {.name = {"probability(0)", 14}, .type = ML_DOUBLE, .width = 1},
                              {.name = {"probability(1)", 14}, .type = ML_DOUBLE, .width = 1}};
static const MlField TENSOR[] = {{.name = {"y", 1}, .type = ML_FLOAT, .width = 2}};
static const MlModelVt PMML = {.format = "pmml"}, ONNX = {.format = "onnx"};
static const MlModel TREE = {.vt = &PMML, .in = IN, .out = OUT, .in_count = 3, .out_count = 3};
static const MlModel NET = {.vt = &ONNX, .in = TENSOR, .out = TENSOR, .in_count = 1,
                            .out_count = 1};

// The rows of a request's body, or what is wrong with it.
static const char *rows_of(Arena *arena, const MlModel *model, const char *body, ServeRows *rows) {
    static Error err;
    JsonValue *tree = ARENA_NEW(arena, JsonValue);
    const JsonValue *instances;
    Status st = serve_body_read(arena, str_c(body), 3, tree, &instances, &err);
    if (!st) {
        serve_rows_init(rows, arena, model, instances->count);
        st = serve_rows_add(rows, instances, &err);
    }
    CHECK(!st || st == ST_VALIDATION);
    return st ? err.message : "";
}

TEST(serve, instances_are_objects_or_arrays) {
    Arena arena = {0};
    ServeRows rows;
    CHECK_STR(rows_of(&arena, &TREE,
                      "{\"instances\":[{\"_c0\":3,\"kind\":\"a\",\"x\":[[1,2],[3,4]]},"
                      "[\"7\",5.50,[1,2,3,4]],{\"other\":{},\"kind\":null}]}",
                      &rows),
              "");
    CHECK(rows.rows == 3 && rows.in[0].number[0] == 3 && rows.in[0].number[1] == 7);
    CHECK(str_is(rows.in[1].text[0], "a") && str_is(rows.in[1].text[1], "5.50"));
    CHECK(rows.in[2].number[3] == 4 && rows.in[2].number[7] == 4);
    CHECK(bits_count(rows.in[0].valid, 3) == 2 && !bits_get(rows.in[1].valid, 2));
    CHECK_STR(rows_of(&arena, &NET, "{\"instances\":[[1,2],[[3],[4]]]}", &rows), "");
    CHECK(rows.rows == 2 && rows.in[0].number[2] == 3);
    arena_clear(&arena);
}

TEST(serve, what_is_wrong_is_named) {
    static const char *const CASES[][2] = {
        {"{\"instances\":[{\"_c0\":\"three\"}]}", "instance 0: field '_c0' should be a number"},
        {"{\"instances\":[{},{\"kind\":{}}]}", "instance 1: field 'kind' should be a text"},
        {"{\"instances\":[{\"x\":[1,2,3]}]}", "instance 0: field 'x' has too few values"},
        {"{\"instances\":[{\"x\":[1,2,3,4,5]}]}", "instance 0: field 'x' has too many values"},
        {"{\"instances\":[[1]]}",
         "instance 0 should be an object, or an array of the model's 3 fields"},
        {"{\"instances\":[1]}",
         "instance 0 should be an object, or an array of the model's 3 fields"},
        {"{\"instances\":[{},{},{},{}]}", "4 instances; 3 at most"},
        {"{\"instances\":{}}", "the body should be {\"instances\": [{\"field\": value, …}, …]}"},
        {"[]", "the body should be {\"instances\": [{\"field\": value, …}, …]}"},
    };
    Arena arena = {0};
    ServeRows rows;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_STR(rows_of(&arena, &TREE, CASES[i][0], &rows), CASES[i][1]);
    }
    Buf deep = {0};
    for (int i = 0; i < 100000; i++) buf_putc(&deep, '[');
    CHECK_STR(rows_of(&arena, &TREE, buf_cstr(&deep), &rows), "the body is nested deeper than 64");
    CHECK(strstr(rows_of(&arena, &TREE, "{\"instances\":", &rows), "reading the body"));
    buf_free(&deep);
    arena_clear(&arena);
}

TEST(serve, replies_of_trees_are_texts) {
    Buf reply = {0};
    Str label[] = {STR("1"), STR("high")};
    double none[] = {0.47058823529411764, 1}, one[] = {0.5294117647058824, 0};
    uint64_t valid = 1;
    MlColumn out[] = {{.text = label}, {.number = none}, {.number = one, .valid = &valid}};
    serve_reply(&TREE, out, 0, 1, &reply);
    CHECK_STR(buf_cstr(&reply),
              "{\"predictions\":[{\"pmml(prediction)\":\"1\",\"probability(0)\":"
              "\"0.47058823529411764\",\"probability(1)\":\"0.5294117647058824\","
              "\"prediction\":\"1.0\",\"label\":\"1\"}]}");
    reply.len = 0;
    serve_reply(&TREE, out, 1, 1, &reply);
    CHECK_STR(buf_cstr(&reply), "{\"predictions\":[{\"pmml(prediction)\":\"high\","
              "\"probability(0)\":\"1.0\",\"probability(1)\":null,\"prediction\":\"high\","
              "\"label\":\"high\"}]}");
    reply.len = 0;
    double y[] = {1, 0.1f, 2, (double)NAN};
    serve_reply(&NET, &(MlColumn){.number = y}, 0, 2, &reply);
    CHECK_STR(buf_cstr(&reply), "{\"predictions\":[[1.0,0.1],[2.0,\"NaN\"]]}");
    buf_free(&reply);
}

TEST(serve, tensors_reply_in_their_shape) {
    MlField out = {.name = STR("y"), .type = ML_FLOAT, .width = 4, .shape = STR("2x2")};
    MlModel model = NET;
    double y[] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint32_t offset[] = {0, 2, 6};
    Buf reply = {0};
    model.out = &out;
    model.out_count = 1;
    serve_reply(&model, &(MlColumn){.number = y}, 0, 2, &reply);
    CHECK_STR(buf_cstr(&reply),
              "{\"predictions\":[[[1.0,2.0],[3.0,4.0]],[[5.0,6.0],[7.0,8.0]]]}");
    reply.len = 0;
    out = (MlField){.name = STR("y"), .type = ML_FLOAT, .width = 1, .list = true,
                    .shape = STR("?x2")};
    serve_reply(&model, &(MlColumn){.number = y, .offset = offset}, 0, 2, &reply);
    CHECK_STR(buf_cstr(&reply), "{\"predictions\":[[[1.0,2.0]],[[3.0,4.0],[5.0,6.0]]]}");
    buf_free(&reply);
}
