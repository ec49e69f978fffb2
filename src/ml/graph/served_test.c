// The models beside the tree (../shared/data/onnx, ../shared/data/tf) give what the framework gave
// that trained them.
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ml/formats.h"
#include "ml/graph/op.h"
#include "ml/model.h"
#include "os/os.h"
#include "test/unit.h"

extern const Op ONNX_OPS[], ONNX_NN_OPS[], ONNX_QUANT_OPS[], ONNX_ML_OPS[], TF_OPS[], TF_NN_OPS[];

// The numbers of a CSV file without names, row after row.
static double *numbers(const char *path, size_t *count) {
    Buf text = {0};
    Error err;
    CHECK_OK(os_read_file(str_c(path), &text, &err), &err);
    double *out = NULL;
    *count = 0;
    buf_putc(&text, 0);
    for (char *at = text.ptr, *end; *at; at = end) {
        double value = strtod(at, &end);
        if (end == at) break;
        out = mem_realloc(out, (*count + 1) * sizeof *out);
        out[(*count)++] = value;
        while (*end == ',' || *end == '\n' || *end == '\r') end++;
    }
    buf_free(&text);
    return out;
}

static void check_rows(const MlModel *model, const double *in, size_t in_count,
                       const double *expected, size_t expected_count, const char *name) {
    uint32_t rows = (uint32_t)(in_count / model->in[0].width), width = 0;
    for (uint32_t i = 0; i < model->out_count; i++) width += model->out[i].width;
    CHECK_INT(expected_count, (size_t)rows * width);
    Arena arena = {0};
    MlColumn input = {.number = (double *)in};
    MlColumn *out = ARENA_ARRAY(&arena, MlColumn, model->out_count);
    Error err;
    CHECK_OK(model->vt->predict(model, &input, rows, out, &arena, &err), &err);
    for (uint32_t row = 0; row < rows; row++) {
        const double *wanted = expected + (size_t)row * width;
        for (uint32_t f = 0; f < model->out_count; f++) {
            for (uint32_t i = 0; i < model->out[f].width; i++, wanted++) {
                double got = out[f].number[row * model->out[f].width + i];
                if (fabs(got - *wanted) <= 1e-5 * fmax(1, fabs(*wanted))) continue;
                fail_msg("%s, row %u: %.9g, not %.9g", name, row, got, *wanted);
            }
        }
    }
    arena_clear(&arena);
}

// Runs the model [file] of every folder in [names].
static void check_models(const char *root, const char *file, const char *const *names) {
    DIR *dir = opendir(root);
    if (!dir) {
        printf("note: %s is missing: its models are not tried\n", root);
        return;
    }
    (void)closedir(dir);
    for (; *names; names++) {
        char path[512];
        size_t in_count, out_count;
        Error err;
        MlModel *model;
        (void)snprintf(path, sizeof path, "%s/%s/%s", root, *names, file);
        CHECK_OK(ml_load(str_c(path), NULL, &model, &err), &err);
        (void)snprintf(path, sizeof path, "%s/%s/input.csv", root, *names);
        double *in = numbers(path, &in_count);
        (void)snprintf(path, sizeof path, "%s/%s/expected.csv", root, *names);
        double *out = numbers(path, &out_count);
        check_rows(model, in, in_count, out, out_count, *names);
        mem_free(in);
        mem_free(out);
        ml_free(model);
    }
}

TEST(served, onnx_models_answer_as_their_framework) {
    static const char *const NAMES[] = {
        "conv1d",          "dnn_wavelet",    "gru16",    "lstm2_5step",         "lstm32",
        "lstm32_unrolled", "wisconsin_tree", "xgb200x6", "wisconsin_forest100", NULL};
    check_models(SOURCE_ROOT "/../shared/data/onnx", "model.onnx", NAMES);
}

TEST(served, tensorflow_models_answer_frozen_and_saved) {
    static const char *const NAMES[] = {"conv1d",      "dnn_softmax4", "dnn_wavelet",     "gru16",
                                        "lstm2_5step", "lstm32",       "lstm32_unrolled", NULL};
    check_models(SOURCE_ROOT "/../shared/data/tf", "frozen.pb", NAMES);
    check_models(SOURCE_ROOT "/../shared/data/tf", "saved_model", NAMES);
}

// Models of our own (test/ml/data), which are always there.
TEST(served, our_models_answer_as_their_framework) {
    check_models(SOURCE_ROOT "/test/ml/data/onnx", "model.onnx",
                 (const char *const[]){"conv", "lstm", "lr_bin", "mlp_iris", "svcp_iris", "knnr",
                                       "qda_iris", "xgb_iris", "lgb_nan", "trees_max",
                                       "whole_div", "functions", "resize_1d", "sparse", NULL});
    check_models(SOURCE_ROOT "/test/ml/data/tf", "frozen.pb",
                 (const char *const[]){"conv", "lstm", NULL});
    check_models(SOURCE_ROOT "/test/ml/data/tf", "saved_model",
                 (const char *const[]){"loop", NULL});
}

TEST(served, functions_that_call_themselves_are_refused) {
    Buf file = {0};
    Error err;
    MlModel *model = NULL;
    CHECK_OK(os_read_file(STR(SOURCE_ROOT "/test/ml/data/onnx/calls_itself/model.onnx"), &file,
                          &err),
             &err);
    CHECK(ONNX_FORMAT.load(STR("again"), buf_str(&file), &model, &err) == ST_UNSUPPORTED);
    CHECK(strstr(err.message, "Again: functions are called more than 64 deep"));
    buf_free(&file);
}

// The LSTM of test/ml/data, whose input is batch x 4 x 2, with another number of steps: 0 leaves it
// open.
static MlModel *lstm_of(uint8_t steps) {
    static const char DIMS[] = "\x0a\x02\x08\x04\x0a\x02\x08\x02";
    Buf file = {0};
    Error err;
    MlModel *model = NULL;
    CHECK_OK(os_read_file(STR(SOURCE_ROOT "/test/ml/data/onnx/lstm/model.onnx"), &file, &err),
             &err);
    int64_t at = str_find(buf_str(&file), str_make(DIMS, sizeof DIMS - 1), 0);
    CHECK(at >= 0);
    file.ptr[at + 2] = steps ? 8 : 0x12;  // dim_value, or dim_param: a name, here an empty one
    file.ptr[at + 3] = (char)steps;
    CHECK_OK(ONNX_FORMAT.load(STR("lstm"), buf_str(&file), &model, &err), &err);
    buf_free(&file);
    return model;
}

TEST(served, rows_may_have_lengths_of_their_own) {
    enum { ROWS = 70, MOST = 5 };
    MlModel *open = lstm_of(0), *fixed[MOST + 1] = {0};
    CHECK(open->in[0].list && !open->out[0].list && str_is(open->in[0].shape, "?x2"));
    for (uint8_t steps = 1; steps <= MOST; steps++) fixed[steps] = lstm_of(steps);
    double number[ROWS * MOST * 2];
    uint32_t offset[ROWS + 1] = {0};
    for (uint32_t i = 0; i < ROWS * MOST * 2; i++) number[i] = (double)(i * 7 % 23) / 11 - 1;
    for (uint32_t r = 0; r < ROWS; r++) offset[r + 1] = offset[r] + (r * 5 % MOST + 1) * 2;
    Arena arena = {0};
    MlColumn all = {0}, in = {.number = number, .offset = offset};
    Error err;
    CHECK_OK(open->vt->predict(open, &in, ROWS, &all, &arena, &err), &err);
    for (uint32_t r = 0; r < ROWS; r++) {
        MlColumn one = {0}, row = {.number = number + offset[r]};
        const MlModel *model = fixed[(offset[r + 1] - offset[r]) / 2];
        CHECK_OK(model->vt->predict(model, &row, 1, &one, &arena, &err), &err);
        CHECK(fabs(all.number[r] - one.number[0]) < 1e-6);
    }
    uint32_t odd[] = {0, 8, 11};
    in.offset = odd;
    CHECK(open->vt->predict(open, &in, 2, &all, &arena, &err) == ST_RUNTIME);
    CHECK(strstr(err.message, "has 3 values, no whole steps of 2") != NULL);
    odd[2] = 8;
    CHECK(open->vt->predict(open, &in, 2, &all, &arena, &err) == ST_RUNTIME);
    CHECK(strstr(err.message, "row 2: input 'x' has no value") != NULL);
    arena_clear(&arena);
    ml_free(open);
    for (uint32_t i = 1; i <= MOST; i++) ml_free(fixed[i]);
}

TEST(served, an_unknown_operator_is_named_with_the_way_out) {
    // A model of one node "Nix", as ModelProto: ir_version 8, opset 17, a graph.
    static const char FILE_BYTES[] =
        "\x08\x08\x42\x02\x10\x11\x3a\x32"
        "\x0a\x10\x0a\x01x\x12\x01y\x1a\x03one\x22\x03Nix"
        "\x5a\x0f\x0a\x01x\x12\x0a\x0a\x08\x08\x01\x12\x04\x0a\x00\x0a\x00"
        "\x62\x0d\x0a\x01y\x12\x08\x0a\x06\x08\x01\x12\x02\x0a\x00";
    Str bytes = str_make(FILE_BYTES, sizeof FILE_BYTES - 1);
    MlModel *model;
    Error err;
    const MlFormat *onnx = NULL;
    for (const MlFormat *const *at = ML_FORMATS; *at; at++) {
        if (strcmp((*at)->name, "onnx") == 0) onnx = *at;
    }
    CHECK(onnx->matches(STR("model"), bytes));
    CHECK(onnx->load(STR("model"), bytes, &model, &err) == ST_UNSUPPORTED);
    CHECK_STR(err.message, "reading model: operator Nix of node 'one' is not known here");
    CHECK(strstr(err.hint, "pip install onnxruntime") != NULL);
}

// Whether the page names the operator: between blanks and commas.
static bool names(Str page, const char *op) {
    Str name = str_c(op);
    for (int64_t at = 0; (at = str_find(page, name, (uint32_t)at)) >= 0; at++) {
        char before = page.ptr[at - 1], after = page.ptr[at + name.len];
        if ((before == ' ' || before == '\n') && (after == ',' || after == '\n')) return true;
    }
    return false;
}

TEST(served, the_page_names_all_operators) {
    const Op *const tables[] = {ONNX_OPS,    ONNX_NN_OPS, ONNX_QUANT_OPS,
                                ONNX_ML_OPS, TF_OPS,      TF_NN_OPS};
    Buf page = {0};
    Error err;
    CHECK_OK(os_read_file(STR(SOURCE_ROOT "/docs/sql/models.md"), &page, &err), &err);
    for (uint32_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (const Op *op = tables[i]; op->name; op++) {
            if (!names(buf_str(&page), op->name)) fail_msg("docs/sql/models.md lacks %s", op->name);
        }
    }
    buf_free(&page);
}
