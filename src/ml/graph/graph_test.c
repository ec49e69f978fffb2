// Graphs: what folds, what dies, what a loop may take; kernels against plain loops.
#include "ml/graph/graph.h"

#include <math.h>

#include "ml/graph/kernels.h"
#include "ml/graph/run.h"
#include "test/unit.h"

typedef struct Bench {
    GraphHome home;
    Graph *graph;
    Error err;
} Bench;

static void bench_init(Bench *self) {
    *self = (Bench){0};
    graph_home_init(&self->home);
    CHECK_OK(graph_new(&self->home, NULL, &self->graph, &self->err), &self->err);
}

static uint32_t constant(Bench *self, const float *value, uint32_t rank, const int64_t *dim) {
    Tensor t;
    uint32_t at;
    CHECK_OK(graph_constant_new(self->graph, TENSOR_F32, rank, dim, &t, &at, &self->err),
             &self->err);
    memcpy(t.data, value, (size_t)t.count * sizeof(float));
    return at;
}

static uint32_t node(Bench *self, const Op *op, const uint32_t *in, uint32_t ins) {
    uint32_t out;
    NodeSpec spec = {.op = op, .name = STR("n"), .label = str_c(op->name), .in = in,
                     .in_count = ins, .out_count = 1};
    CHECK_OK(graph_add(self->graph, &spec, &out, &self->err), &self->err);
    return out;
}

// Runs the graph on one input of [rank] dimensions.
static Status run(Bench *self, const float *value, uint32_t rank, const int64_t *dim, Tensor *out,
                  Run **runner) {
    *runner = run_new(&self->home);
    Tensor in;
    Status st = tensor_new(run_pool(*runner), TENSOR_F32, rank, dim, &in, &self->err);
    if (st) return st;
    memcpy(in.data, value, (size_t)in.count * sizeof(float));
    return run_graph(*runner, self->graph, &in, 1, out, &self->err);
}

static const Op ADD = {.name = "Add", .run = kernel_binary, .arg = BINARY_ADD, .in_min = 2,
                       .in_max = 2};
static const Op MUL = {.name = "Mul", .run = kernel_binary, .arg = BINARY_MUL, .in_min = 2,
                       .in_max = 2};

TEST(graph, what_is_known_is_computed_at_once) {
    Bench bench;
    bench_init(&bench);
    float two[1] = {2}, three[1] = {3};
    uint32_t a = constant(&bench, two, 0, NULL), b = constant(&bench, three, 0, NULL);
    uint32_t sum = node(&bench, &ADD, (uint32_t[]){a, b}, 2);
    const Tensor *known = graph_known(bench.graph, sum);
    CHECK(known && tensor_f32(known)[0] == 5);
    CHECK_INT(bench.graph->node_count, 0);
    graph_home_clear(&bench.home);
}

TEST(graph, nodes_that_nobody_wants_go) {
    Bench bench;
    bench_init(&bench);
    uint32_t x = graph_input(bench.graph);
    uint32_t wanted = node(&bench, &ADD, (uint32_t[]){x, x}, 2);
    (void)node(&bench, &MUL, (uint32_t[]){wanted, x}, 2);
    graph_set_outputs(bench.graph, &wanted, 1);
    graph_finish(bench.graph);
    CHECK_INT(bench.graph->node_count, 1);
    graph_home_clear(&bench.home);
}

TEST(graph, broadcasting_is_that_of_numpy) {
    Bench bench;
    bench_init(&bench);
    uint32_t x = graph_input(bench.graph);
    float row[3] = {10, 20, 30}, column[2] = {100, 200};
    uint32_t r = constant(&bench, row, 1, (int64_t[]){3});
    uint32_t c = constant(&bench, column, 3, (int64_t[]){2, 1, 1});
    uint32_t y = node(&bench, &ADD, (uint32_t[]){x, r}, 2);
    y = node(&bench, &ADD, (uint32_t[]){c, y}, 2);
    graph_set_outputs(bench.graph, &y, 1);
    graph_finish(bench.graph);
    Tensor out;
    Run *runner;
    float in[4] = {1, 2, 3, 4};  // [4, 1] and [3] give [4, 3], and with [2, 1, 1] [2, 4, 3]
    CHECK_OK(run(&bench, in, 2, (int64_t[]){4, 1}, &out, &runner), &bench.err);
    CHECK(out.rank == 3 && out.dim[0] == 2 && out.dim[1] == 4 && out.dim[2] == 3);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            for (int k = 0; k < 3; k++) {
                CHECK(tensor_f32(&out)[(i * 4 + j) * 3 + k] == column[i] + in[j] + row[k]);
            }
        }
    }
    tensor_drop(run_pool(runner), &out);
    run_free(runner);
    graph_home_clear(&bench.home);
}

TEST(graph, shapes_that_do_not_fit_name_the_node) {
    Bench bench;
    bench_init(&bench);
    uint32_t x = graph_input(bench.graph);
    float row[3] = {10, 20, 30};
    uint32_t r = constant(&bench, row, 1, (int64_t[]){3});
    uint32_t y = node(&bench, &ADD, (uint32_t[]){x, r}, 2);
    graph_set_outputs(bench.graph, &y, 1);
    graph_finish(bench.graph);
    Tensor out;
    Run *runner;
    float in[2] = {1, 2};
    CHECK(run(&bench, in, 1, (int64_t[]){2}, &out, &runner) == ST_RUNTIME);
    CHECK_STR(bench.err.message, "running node 'n' (Add): shapes [2] and [3] do not fit");
    run_free(runner);
    graph_home_clear(&bench.home);
}

// A convolution with everything at once: strides, dilations, pads, groups, channels first.
TEST(graph, convolutions_are_those_of_a_plain_loop) {
    enum { N = 2, C = 4, H = 7, W = 6, O = 6, G = 2, KH = 3, KW = 2 };
    Bench bench;
    bench_init(&bench);
    float image[N * C * H * W], kernel[O * C / G * KH * KW];
    for (int i = 0; i < N * C * H * W; i++) image[i] = (float)(i * 7 % 11) - 5;
    for (int i = 0; i < O * C / G * KH * KW; i++) kernel[i] = (float)(i * 5 % 13) / 4 - 1;
    WindowParams params = {.space = 2, .stride = {2, 1}, .dilation = {1, 2}, .pad_front = {1, 0},
                           .pad_back = {0, 2}, .groups = G};
    static const Op CONV = {.name = "Conv", .run = kernel_conv, .in_min = 2, .in_max = 3,
                            .flags = OP_IMPURE};
    uint32_t x = graph_input(bench.graph);
    uint32_t w = constant(&bench, kernel, 4, (int64_t[]){O, C / G, KH, KW});
    uint32_t y = node(&bench, &CONV, (uint32_t[]){x, w}, 2);
    bench.graph->node[0]->params = &params;
    graph_set_outputs(bench.graph, &y, 1);
    graph_finish(bench.graph);
    Tensor out;
    Run *runner;
    CHECK_OK(run(&bench, image, 4, (int64_t[]){N, C, H, W}, &out, &runner), &bench.err);
    int oh = (H + 1 - KH) / 2 + 1, ow = W + 2 - (2 * (KW - 1) + 1) + 1;
    CHECK(out.dim[1] == O && out.dim[2] == oh && out.dim[3] == ow);
    for (int i = 0; i < N * O * oh * ow; i++) {
        int n = i / (O * oh * ow), o = i / (oh * ow) % O, r = i / ow % oh, c = i % ow;
        double sum = 0;
        for (int k = 0; k < C / G * KH * KW; k++) {
            int ch = o / (O / G) * (C / G) + k / (KH * KW);
            int at_r = r * 2 - 1 + k / KW % KH, at_c = c + 2 * (k % KW);
            if (at_r < 0 || at_r >= H || at_c >= W) continue;
            sum += (double)image[((n * C + ch) * H + at_r) * W + at_c] *
                   (double)kernel[o * (C / G) * KH * KW + k];
        }
        CHECK(fabs((double)tensor_f32(&out)[i] - sum) < 1e-4);
    }
    tensor_drop(run_pool(runner), &out);
    run_free(runner);
    graph_home_clear(&bench.home);
}

static Status always(const Call *call, Error *err) {
    TRY(call_new(call, 0, TENSOR_BOOL, 0, NULL, err));
    tensor_bool(&call->out[0])[0] = 1;
    return ST_OK;
}

TEST(graph, a_loop_without_end_ends_in_an_error) {
    static const Op ALWAYS = {.name = "Always", .run = always, .flags = OP_IMPURE};
    static const Op LOOP = {.name = "While", .run = kernel_while, .in_max = OP_ANY};
    Bench bench;
    bench_init(&bench);
    Graph *main = bench.graph, *body[2];
    for (int i = 0; i < 2; i++) {
        CHECK_OK(graph_new(&bench.home, main, &body[i], &bench.err), &bench.err);
        uint32_t x = graph_input(body[i]);
        bench.graph = body[i];
        uint32_t y = i ? node(&bench, &ADD, (uint32_t[]){x, x}, 2) : node(&bench, &ALWAYS, NULL, 0);
        graph_set_outputs(body[i], &y, 1);
        graph_finish(body[i]);
    }
    bench.graph = main;
    uint32_t first[2] = {1, 1}, x = graph_input(main), y;
    FlowParams params = {.variables = 1, .capture_first = first};
    NodeSpec spec = {.op = &LOOP, .name = STR("l"), .label = STR("While"), .in = &x, .in_count = 1,
                     .out_count = 1, .body = body, .body_count = 2};
    CHECK_OK(graph_add(main, &spec, &y, &bench.err), &bench.err);
    main->node[0]->params = &params;
    graph_set_outputs(main, &y, 1);
    graph_finish(main);
    Run *runner = run_new(&bench.home);
    run_start(runner, &RUN_LIMITS_FOLD);
    Tensor in, out;
    CHECK_OK(tensor_new(run_pool(runner), TENSOR_F32, 0, NULL, &in, &bench.err), &bench.err);
    tensor_f32(&in)[0] = 1;
    CHECK(run_graph(runner, main, &in, 1, &out, &bench.err) == ST_RUNTIME);
    CHECK(strstr(bench.err.message, "runs more than") != NULL);
    run_free(runner);
    graph_home_clear(&bench.home);
}
