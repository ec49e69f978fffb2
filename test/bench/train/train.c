// weir-bench-train: how many rows a second each algorithm learns from, on one core.
//
//     weir-bench-train                                    all of them, on rows made by a rule
//     weir-bench-train forecaster                         the networks over windows alone
//     weir-bench-train TRAIN.csv TEST.csv ALGORITHM [KEY=VALUE]...
//
// The second one learns from a file of numbers with a line of names, whose last column is the
// label, and prints how good the model is on another: to be held against other libraries.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "ml/online.h"
#include "ml/random.h"
#include "ml/train.h"
#include "os/os.h"

enum { COLUMNS_MAX = 256, SETTINGS_MAX = 32 };

typedef struct Rows {
    MlTable table;
    MlField field[COLUMNS_MAX];
    MlColumn column[COLUMNS_MAX];
    Arena arena;
    Buf text;
} Rows;

static Str next_part(Str *rest, char end) {
    uint32_t len = 0;
    while (len < rest->len && rest->ptr[len] != end) len++;
    Str part = str_sub(*rest, 0, len);
    *rest = str_sub(*rest, len + 1, rest->len);
    return part;
}

// A column is a text as soon as one of its values is; an empty value is missing.
static bool read_csv(const char *path, Rows *rows) {
    Error err = {0};
    if (os_read_file(str_c(path), &rows->text, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    Str all = buf_str(&rows->text), head = next_part(&all, '\n'), rest = all;
    uint32_t count = 0, columns = 0;
    while (rest.len) count += next_part(&rest, '\n').len > 0;
    for (; head.len && columns < COLUMNS_MAX; columns++) {
        rows->field[columns] = (MlField){.name = str_trim(next_part(&head, ',')), .width = 1,
                                         .type = ML_INTEGER};
        rows->column[columns].number = ARENA_ARRAY(&rows->arena, double, count);
        rows->column[columns].text = ARENA_ARRAY(&rows->arena, Str, count);
    }
    rest = all;
    for (uint32_t row = 0; row < count; row++) {
        Str line = next_part(&rest, '\n');
        for (uint32_t c = 0; c < columns; c++) {
            Str cell = str_trim(next_part(&line, ','));
            double *number = &rows->column[c].number[row];
            rows->column[c].text[row] = cell;
            if (!cell.len) *number = NAN;
            else if (!str_to_f64(cell, number)) rows->field[c].type = ML_TEXT;
            else if (*number != floor(*number) && rows->field[c].type == ML_INTEGER) {
                rows->field[c].type = ML_DOUBLE;
            }
        }
    }
    for (uint32_t c = 0; c < columns; c++) {
        if (rows->field[c].type == ML_TEXT) rows->column[c].number = NULL;
        else rows->column[c].text = NULL;
    }
    rows->table = (MlTable){.field = rows->field, .column = rows->column, .columns = columns,
                            .rows = count};
    return true;
}

static void print_metrics(const MlMetric *metric, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) printf(" %s=%.6g", metric[i].name, metric[i].value);
    printf("\n");
}

static int judge_file(int argc, char **argv) {
    static Rows train, test;
    MlSetting setting[SETTINGS_MAX];
    uint32_t settings = 0;
    for (int i = 4; i < argc && settings < SETTINGS_MAX; i++) {
        Str rest = str_c(argv[i]), key = next_part(&rest, '=');
        setting[settings++] = (MlSetting){key, rest};
    }
    if (!read_csv(argv[1], &train) || !read_csv(argv[2], &test)) return 1;
    const MlAlgorithm *algorithm = ml_algorithm(str_c(argv[3]));
    bool label = algorithm && !(algorithm->tasks & (1 << ML_CLUSTERING | 1 << ML_OUTLIERS));
    if (algorithm && !label) train.table.columns--;
    MlTrainSpec spec = {.algorithm = str_c(argv[3]), .setting = setting, .setting_count = settings,
                        .label = label ? (int32_t)train.table.columns - 1 : -1};
    MlModel *model;
    MlReport report;
    Error err = {0};
    if (ml_train(&spec, &train.table, &model, &report, &err)) {
        fprintf(stderr, "%s\n%s\n", err.message, err.hint);
        return 1;
    }
    printf("train (%u rows, %lld ms):", report.rows, (long long)report.time_ms);
    print_metrics(report.train, report.train_count);
    MlColumn in[COLUMNS_MAX], out[COLUMNS_MAX] = {0};
    for (uint32_t i = 0; i < model->in_count; i++) {
        in[i] = test.column[ml_field(test.field, test.table.columns, model->in[i].name)];
    }
    if (model->vt->predict(model, in, test.table.rows, out, &test.arena, &err)) return 1;
    MlTask task = ML_REGRESSION;
    if (str_starts(model->out[0].name, STR("prediction")) && model->out_count > 2) {
        task = ML_CLASSIFICATION;
    } else if (!label) {
        task = algorithm->tasks >> ML_CLUSTERING & 1 ? ML_CLUSTERING : ML_OUTLIERS;
    }
    MlEval *eval = ml_eval_new(&(MlEvalSpec){.task = task});
    MlMetric metric[ML_METRICS_MAX];
    uint32_t last = test.table.columns - 1;
    MlEvalBatch batch = {.label = &test.field[last], .label_column = &test.column[last],
                         .out = model->out, .out_column = out, .out_count = model->out_count,
                         .in = model->in, .in_column = in, .in_count = model->in_count,
                         .rows = test.table.rows};
    if (ml_eval_add(eval, &batch, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("test:");
    print_metrics(metric, ml_eval_metrics(eval, metric));
    ml_eval_free(eval);
    if (getenv("PMML")) {
        Buf pmml = {0};
        if (ml_write_pmml(model, &pmml, &err) ||
            os_write_file(str_c(getenv("PMML")), buf_str(&pmml), &err)) {
            fprintf(stderr, "%s\n", err.message);
        }
        buf_free(&pmml);
    }
    if (getenv("ANSWERS")) {
        Buf text = {0};
        for (uint32_t i = 0; i < model->out_count; i++) {
            buf_printf(&text, "%s" STR_FMT, i ? "," : "", STR_ARG(model->out[i].name));
        }
        for (uint32_t row = 0; row < test.table.rows; row++) {
            for (uint32_t i = 0; i < model->out_count; i++) {
                buf_putc(&text, i ? ',' : '\n');
                ml_print(&model->out[i], &out[i], row, &text);
            }
        }
        buf_putc(&text, '\n');
        if (os_write_file(str_c(getenv("ANSWERS")), buf_str(&text), &err)) return 1;
        buf_free(&text);
    }
    ml_free(model);
    return 0;
}

// Twenty numbers; the label is a sum of some of them, a product of two, and noise.
static void make_rows(Rows *rows, uint32_t count, bool classes) {
    enum { FEATURES = 20 };
    Rng rng = rng_make(1, 0);
    static const char *const NAMES[FEATURES] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
                                                "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
    for (uint32_t f = 0; f <= FEATURES; f++) {
        bool label = f == FEATURES;
        rows->field[f] = (MlField){.name = label ? STR("y") : str_c(NAMES[f]), .width = 1,
                                   .type = label && classes ? ML_INTEGER : ML_DOUBLE};
        rows->column[f].number = ARENA_ARRAY(&rows->arena, double, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        double y = 0.3 * rng_normal(&rng);
        for (uint32_t f = 0; f < FEATURES; f++) {
            double x = rows->column[f].number[i] = rng_normal(&rng);
            if (f < 8) y += x / (f + 1);
        }
        y += rows->column[8].number[i] * rows->column[9].number[i];
        rows->column[FEATURES].number[i] = classes ? y > 0 : y;
    }
    rows->table = (MlTable){.field = rows->field, .column = rows->column, .columns = FEATURES + 1,
                            .rows = count};
}

typedef struct Bench {
    const char *algorithm;
    uint32_t rows;
    const char *key, *value;
} Bench;

static const Bench BENCHES[] = {
    {"decision-tree", 100000, "max-depth", "10"},
    {"random-forest", 20000, "trees", "100"},
    {"gradient-boosting", 100000, "trees", "100"},
    {"isolation-forest", 100000, "trees", "100"},
    {"linear-regression", 1000000, NULL, NULL},
    {"logistic-regression", 200000, NULL, NULL},
    {"k-means", 100000, "runs", "1"},
    {"naive-bayes", 1000000, NULL, NULL},
    {"mlp", 20000, "epochs", "10"},
};

static int bench_online(void) {
    enum { ROWS = 100000, BATCH = 1000 };
    for (const MlOnlineAlgorithm *const *at = ML_ONLINE_ALGORITHMS; *at; at++) {
        static Rows rows;
        const char *name = ml_online_name(*at);
        MlLearner *learner = NULL;
        Error err = {0};
        // A label or none, of either kind: the learner says which it takes.
        for (int kind = 0; kind < 3 && !learner; kind++) {
            arena_clear(&rows.arena);
            make_rows(&rows, ROWS, kind == 0);
            if (kind == 2) rows.table.columns--;
            MlOnlineSpec spec = {.algorithm = str_c(name),
                                 .label = kind < 2 ? (int32_t)rows.table.columns - 1 : -1};
            if (online_new(&spec, rows.field, rows.table.columns, &learner, &err)) continue;
            if (kind == 0 && online_task(learner) != ML_CLASSIFICATION) {
                online_free(learner);
                learner = NULL;
            }
        }
        if (!learner) {
            fprintf(stderr, "%s: %s\n", name, err.message);
            return 1;
        }
        int64_t start = os_monotonic_ns();
        for (uint32_t from = 0; from < ROWS; from += BATCH) {
            MlColumn part[COLUMNS_MAX];
            for (uint32_t c = 0; c < rows.table.columns; c++) {
                part[c] = (MlColumn){.number = rows.column[c].number + from};
            }
            if (online_learn(learner, part, BATCH, &err)) return 1;
        }
        double ms = (double)(os_monotonic_ns() - start) / 1e6;
        printf("%-26s %10u %10.0f %14.0f\n", name, ROWS, ms, ROWS / ms * 1000);
        online_free(learner);
        arena_clear(&rows.arena);
    }
    return 0;
}

// LSTM(32) over windows of ten points: windows learned from, forecasts in batches and one by one.
static int bench_forecaster(void) {
    enum { POINTS = 50000, WINDOW = 10, EPOCHS = 4, ASKED = 100000, ALONE = 2000 };
    static Rows rows;
    Rng rng = rng_make(3, 0);
    rows.field[0] = (MlField){.name = STR("y"), .width = 1, .type = ML_DOUBLE};
    rows.column[0].number = ARENA_ARRAY(&rows.arena, double, POINTS);
    for (uint32_t i = 0; i < POINTS; i++) {
        rows.column[0].number[i] = sin(i / 20.0) + sin(i / 3.0) / 4 + 0.1 * rng_normal(&rng);
    }
    rows.table = (MlTable){.field = rows.field, .column = rows.column, .columns = 1,
                           .rows = POINTS};
    MlSetting setting[] = {{STR("window"), STR("10")}, {STR("units"), STR("32")},
                           {STR("epochs"), STR("4")}, {STR("batch-size"), STR("64")}};
    MlTrainSpec spec = {.algorithm = STR("lstm"), .setting = setting, .setting_count = 4};
    MlModel *model;
    Error err = {0};
    int64_t start = os_monotonic_ns();
    if (ml_train(&spec, &rows.table, &model, NULL, &err)) {
        fprintf(stderr, "lstm: %s\n", err.message);
        return 1;
    }
    double ms = (double)(os_monotonic_ns() - start) / 1e6;
    double windows = (double)EPOCHS * (POINTS - WINDOW);
    printf("%-26s %10.0f %10.0f %14.0f\n", "lstm(32), windows of 10", windows, ms,
           windows / ms * 1000);
    MlColumn in = {.number = ARENA_ARRAY(&rows.arena, double, ASKED * WINDOW)}, out = {0};
    for (uint32_t i = 0; i < ASKED * WINDOW; i++) in.number[i] = rows.column[0].number[i % POINTS];
    static const uint32_t BATCHES[] = {2048, 64, 1};
    for (uint32_t b = 0; b < 3; b++) {
        uint32_t batch = BATCHES[b], asked = batch > 1 ? ASKED : ALONE;
        start = os_monotonic_ns();
        for (uint32_t from = 0; from < asked; from += batch) {
            Arena arena = {0};
            arena_init(&arena);
            MlColumn at = {.number = in.number + (size_t)from * WINDOW};
            uint32_t count = asked - from < batch ? asked - from : batch;
            if (model->vt->predict(model, &at, count, &out, &arena, &err)) return 1;
            arena_clear(&arena);
        }
        double us = (double)(os_monotonic_ns() - start) / 1e3 / asked;
        printf("  forecasts, batches of %-6u %6u %10.2f us each\n", batch, asked, us);
    }
    ml_free(model);
    arena_clear(&rows.arena);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "forecaster") == 0) return bench_forecaster();
    if (argc > 3) return judge_file(argc, argv);
    printf("%-26s %10s %10s %14s\n", "algorithm", "rows", "ms", "rows/s");
    for (size_t i = 0; i < sizeof BENCHES / sizeof *BENCHES; i++) {
        const Bench *bench = &BENCHES[i];
        const MlAlgorithm *algorithm = ml_algorithm(str_c(bench->algorithm));
        if (!algorithm) continue;
        static Rows rows;
        bool label = !(algorithm->tasks & (1 << ML_CLUSTERING | 1 << ML_OUTLIERS));
        bool classes = algorithm->tasks >> ML_CLASSIFICATION & 1;
        make_rows(&rows, bench->rows, classes);
        if (!label) rows.table.columns--;
        MlSetting setting = {str_c(bench->key), str_c(bench->value)};
        MlTrainSpec spec = {.algorithm = str_c(bench->algorithm), .setting = &setting,
                            .setting_count = bench->key ? 1 : 0,
                            .label = label ? (int32_t)rows.table.columns - 1 : -1};
        MlModel *model;
        Error err = {0};
        int64_t start = os_monotonic_ns();
        if (ml_train(&spec, &rows.table, &model, NULL, &err)) {
            fprintf(stderr, "%s: %s\n", bench->algorithm, err.message);
            return 1;
        }
        double ms = (double)(os_monotonic_ns() - start) / 1e6;
        printf("%-26s %10u %10.0f %14.0f\n", bench->algorithm, bench->rows, ms,
               bench->rows / ms * 1000);
        ml_free(model);
        arena_clear(&rows.arena);
    }
    return bench_forecaster() || bench_online();
}
