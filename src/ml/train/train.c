// ml/train/train.c - the table of algorithms, their options, and what every training has in common.
#include <math.h>
#include <stdio.h>

#include "ml/train/train_int.h"
#include "os/os.h"

const MlAlgorithm *const ML_ALGORITHMS[] = {
    &TRAIN_DECISION_TREE,
    &TRAIN_RANDOM_FOREST,
    &TRAIN_GRADIENT_BOOSTING,
    &TRAIN_LINEAR_REGRESSION,
    &TRAIN_LOGISTIC_REGRESSION,
    &TRAIN_NAIVE_BAYES,
    &TRAIN_KMEANS,
    &TRAIN_ISOLATION_FOREST,
    &TRAIN_MLP,
    &TRAIN_LSTM,
    &TRAIN_GRU,
    NULL,
};

// clang-format off
const MlOption ML_COMMON_OPTIONS[] = {
    {"task", ML_OPTION_CHOICE, "auto", .choices = "auto classification regression",
     .doc = "What to learn: `auto` is classification when the label is a text, a boolean or an "
            "integer, else regression."},
    {"seed", ML_OPTION_INT, "0", 0, 9007199254740991,
     .doc = "Where chance begins: the same seed and rows give the same model."},
    {"validation-split", ML_OPTION_DOUBLE, "0", 0, 0.9,
     .doc = "The part of the rows that is not learned from and on which the model is judged."},
    {"early-stopping", ML_OPTION_INT, "0", 0, 1000000,
     .doc = "End after so many rounds without a better result on the validation rows, and keep "
            "the best; 0: never."},
    {"threads", ML_OPTION_INT, "1", 1, 256,
     .doc = "Threads to train on; the model is the same on any number."},
    {0},
};
// clang-format on

// ---- names

const MlAlgorithm *ml_algorithm(Str name) {
    for (const MlAlgorithm *const *at = ML_ALGORITHMS; *at; at++) {
        if (ml_same_name(name, (*at)->name)) return *at;
    }
    return NULL;
}

static Status no_algorithm(Str name, Error *err) {
    const char *names[64];
    uint32_t count = 0;
    Buf list = {0};
    for (const MlAlgorithm *const *at = ML_ALGORITHMS; *at && count < 64; at++) {
        if (count) buf_puts(&list, ", ");
        buf_puts(&list, names[count++] = (*at)->name);
    }
    Status st = error_set(err, ST_VALIDATION, "there is no algorithm '" STR_FMT "'", STR_ARG(name));
    const char *nearest = text_nearest(name, names, count);
    if (nearest) error_hint(err, "did you mean '%s'?", nearest);
    else error_hint(err, "known are: %s", buf_cstr(&list));
    buf_free(&list);
    return st;
}

// ---- options

static Status trainer_options(MlTrainer *trainer, Error *err) {
    const MlTrainSpec *spec = trainer->spec;
    trainer->options = (MlOptions){.whose = trainer->algorithm->name,
                                   .table = {ML_COMMON_OPTIONS, trainer->algorithm->option}};
    TRY(options_read(&trainer->options, spec->setting, spec->setting_count, &trainer->arena, err));
    trainer->seed = (uint64_t)option_number(trainer, "seed");
    trainer->threads = option_count(trainer, "threads");
    trainer->patience = option_count(trainer, "early-stopping");
    return ST_OK;
}

double option_number(const MlTrainer *trainer, const char *key) {
    return options_number(&trainer->options, key);
}

uint32_t option_count(const MlTrainer *trainer, const char *key) {
    return (uint32_t)option_number(trainer, key);
}

bool option_bool(const MlTrainer *trainer, const char *key) {
    return option_number(trainer, key) != 0;
}

uint32_t option_choice(const MlTrainer *trainer, const char *key) {
    return option_count(trainer, key);
}

Str option_text(const MlTrainer *trainer, const char *key) {
    return options_text(&trainer->options, key);
}

// ---- the task

static Status choose_task(MlTrainer *trainer, const MlField *field, uint32_t columns, Error *err) {
    enum { AUTO, CLASSIFY, REGRESS };
    uint32_t tasks = trainer->algorithm->tasks, choice = option_choice(trainer, "task");
    int32_t label = trainer->spec->label;
    if (label >= (int32_t)columns) {
        return error_set(err, ST_VALIDATION, "there is no column %d for a label", label);
    }
    MlTask first = ML_CLASSIFICATION;
    while (!(tasks >> first & 1)) first = (MlTask)(first + 1);
    trainer->task = first;
    bool both = (tasks & 3) == 3;
    if (both && choice == AUTO && label >= 0) {
        MlType type = field[label].type;
        bool number = type == ML_DOUBLE || type == ML_FLOAT;
        trainer->task = number ? ML_REGRESSION : ML_CLASSIFICATION;
    }
    if (choice == AUTO) return ST_OK;
    MlTask wanted = choice == CLASSIFY ? ML_CLASSIFICATION : ML_REGRESSION;
    trainer->task = wanted;
    if (tasks >> wanted & 1) return ST_OK;
    return error_set(err, ST_VALIDATION, "'%s' does not learn %s", trainer->algorithm->name,
                     ml_task_name(wanted));
}

// ---- what a training has at hand

void trainer_say(MlTrainer *trainer, const char *fmt, ...) {
    if (!trainer->spec->progress) return;
    char line[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    trainer->spec->progress(trainer->spec->arg, str_c(line));
}

Status trainer_check(MlTrainer *trainer, Error *err) {
    const _Atomic bool *cancel = trainer->spec->cancel;
    if (!cancel || !atomic_load_explicit(cancel, memory_order_relaxed)) return ST_OK;
    return error_set(err, ST_CANCELLED, "the training was cancelled");
}

Status trainer_charge(MlTrainer *trainer, uint64_t bytes, Error *err) {
    if (!trainer->spec->budget) return ST_OK;
    TRY(budget_charge(trainer->spec->budget, (int64_t)bytes, err));
    trainer->charged += (int64_t)bytes;
    return ST_OK;
}

void trainer_row(const MlTrainer *trainer, uint32_t row, double *x) {
    for (uint32_t f = 0; f < trainer->model->features; f++) x[f] = trainer->x[f][row];
}

Status trainer_encode(MlTrainer *trainer, bool standardised, double **out, uint32_t *width,
                      Error *err) {
    const WeirModel *model = trainer->model;
    *width = weir_width(model->feature, model->features);
    uint64_t cells = (uint64_t)trainer->rows * *width;
    TRY(trainer_charge(trainer, cells * sizeof(double), err));
    *out = ARENA_ARRAY(&trainer->arena, double, cells);
    double *x = ARENA_ARRAY(&trainer->arena, double, model->features);
    for (uint32_t row = 0; row < trainer->rows; row++) {
        trainer_row(trainer, row, x);
        weir_encode(model->feature, model->features, x, standardised,
                    *out + (size_t)row * *width);
    }
    return ST_OK;
}

// ---- threads

typedef struct Shared {
    void (*work)(void *arg, uint32_t i, uint32_t worker);
    void *arg;
    uint32_t count;
    _Atomic uint32_t next, workers;
} Shared;

static void work_on(void *arg) {
    Shared *shared = arg;
    uint32_t worker = atomic_fetch_add(&shared->workers, 1);
    for (;;) {
        uint32_t i = atomic_fetch_add(&shared->next, 1);
        if (i >= shared->count) return;
        shared->work(shared->arg, i, worker);
    }
}

void parallel(uint32_t threads, uint32_t count,
              void (*work)(void *arg, uint32_t i, uint32_t worker), void *arg) {
    Shared shared = {.work = work, .arg = arg, .count = count};
    OsThread *thread[256];
    uint32_t started = 0;
    while (started + 1 < threads && started < 255) {
        // One that does not start is none that is missed: the others do its work.
        if (os()->thread_start(work_on, &shared, &thread[started], NULL)) break;
        started++;
    }
    work_on(&shared);
    for (uint32_t i = 0; i < started; i++) os()->thread_join(thread[i]);
}

uint32_t trainer_threads(const MlTrainer *trainer, uint32_t count) {
    return trainer->threads < count ? trainer->threads : count;
}

bool patience_better(Patience *patience, double loss, bool *stop) {
    patience->round++;
    bool better = patience->round == 1 || loss < patience->best;
    if (better) {
        patience->best = loss;
        patience->best_round = patience->round;
        patience->since = 0;
    } else {
        patience->since++;
    }
    *stop = patience->patience && patience->since >= patience->patience;
    return better;
}

// ---- the call

static Status trainer_begin(MlTrainer *trainer, const MlTrainSpec *spec, const MlField *field,
                            uint32_t columns, Error *err) {
    *trainer = (MlTrainer){.spec = spec, .algorithm = ml_algorithm(spec->algorithm)};
    arena_init(&trainer->arena);
    if (!trainer->algorithm) return no_algorithm(spec->algorithm, err);
    TRY(trainer_options(trainer, err));
    TRY(choose_task(trainer, field, columns, err));
    TRY(data_check(spec, trainer->algorithm, field, columns, trainer->task, err));
    if (trainer->patience && option_number(trainer, "validation-split") == 0) {
        error_set(err, ST_VALIDATION, "'early-stopping' has no rows to be judged on");
        error_hint(err, "set 'validation-split', to 0.1 say");
        return ST_VALIDATION;
    }
    return ST_OK;
}

static void trainer_end(MlTrainer *trainer) {
    if (trainer->charged) budget_release(trainer->spec->budget, trainer->charged);
    if (trainer->model) ml_free(&trainer->model->base);
    ml_eval_free(trainer->eval[0]);
    ml_eval_free(trainer->eval[1]);
    arena_clear(&trainer->arena);
}

Status ml_train_check(const MlTrainSpec *spec, const MlField *field, uint32_t columns, Error *err) {
    MlTrainer trainer;
    Status st = trainer_begin(&trainer, spec, field, columns, err);
    trainer_end(&trainer);
    return st;
}

// The metrics on rows [from, to).
static Status judge(const MlTrainer *trainer, uint32_t from, uint32_t to, MlMetric *metric,
                    uint32_t *count, Error *err) {
    enum { ROWS = 4096 };
    const WeirModel *model = trainer->model;
    MlEval *eval = ml_eval_new(&(MlEvalSpec){.task = trainer->task});
    Arena scratch = {0};
    Status st = ST_OK;
    *count = 0;
    for (uint32_t at = from; at < to && !st; at += ROWS) {
        uint32_t rows = to - at < ROWS ? to - at : ROWS;
        arena_init(&scratch);
        double *score = ARENA_ARRAY(&scratch, double, (size_t)rows * weir_scores(model));
        MlColumn *out = ARENA_ARRAY(&scratch, MlColumn, model->base.out_count);
        MlColumn *in = ARENA_ARRAY(&scratch, MlColumn, model->features);
        MlField *field = ARENA_ARRAY(&scratch, MlField, model->features);
        weir_score(model, (const double *const *)trainer->x, at, rows, score, &scratch);
        weir_outputs(model, score, rows, out, &scratch);
        for (uint32_t f = 0; f < model->features; f++) {
            field[f] = (MlField){.type = model->feature[f].type, .width = 1};
            in[f] = (MlColumn){.number = trainer->x[f] + at};
        }
        MlField label = {.name = model->label, .type = model->label_type, .width = 1};
        MlColumn truth = {.number = trainer->y ? trainer->y + at : NULL};
        if (model->classes) {
            truth.number = ARENA_ARRAY(&scratch, double, rows);
            truth.text = ARENA_ARRAY(&scratch, Str, rows);
            for (uint32_t i = 0; i < rows; i++) {
                uint32_t class = (uint32_t)trainer->y[at + i];
                truth.number[i] = model->class_number[class];
                truth.text[i] = model->class_text[class];
            }
        }
        st = ml_eval_add(eval, &(MlEvalBatch){
            .label = trainer->y ? &label : NULL, .label_column = &truth, .out = model->base.out,
            .out_column = out, .out_count = model->base.out_count, .in = field, .in_column = in,
            .in_count = model->features, .rows = rows}, err);
        arena_clear(&scratch);
    }
    if (!st) *count = ml_eval_metrics(eval, metric);
    ml_eval_free(eval);
    return st;
}

static Status make_report(const MlTrainer *trainer, MlReport *report, Error *err) {
    *report =
        (MlReport){.task = trainer->task, .rows = trainer->train_rows, .rounds = trainer->rounds};
    report->validation_rows = trainer->rows - trainer->train_rows;
    report->rows_left_out = trainer->table->rows - trainer->rows;
    if (trainer->task == ML_OUTLIERS) return ST_OK;  // nobody knows what is one
    if (trainer->eval[0]) {
        report->train_count = ml_eval_metrics(trainer->eval[0], report->train);
        if (!trainer->eval[1]) return ST_OK;
        report->validation_count = ml_eval_metrics(trainer->eval[1], report->validation);
        return ST_OK;
    }
    TRY(judge(trainer, 0, trainer->train_rows, report->train, &report->train_count, err));
    if (!report->validation_rows) return ST_OK;
    return judge(trainer, trainer->train_rows, trainer->rows, report->validation,
                 &report->validation_count, err);
}

Status ml_train(const MlTrainSpec *spec, const MlTable *table, MlModel **out, MlReport *report,
                Error *err) {
    *out = NULL;
    int64_t start = os_monotonic_ns();
    MlTrainer trainer;
    Status st = trainer_begin(&trainer, spec, table->field, table->columns, err);
    if (st) goto done;
    trainer.table = table;
    trainer.model = weir_model_new();
    trainer.model->task = trainer.task;
    trainer.model->algorithm = str_c(trainer.algorithm->name);
    st = weir_model_finish(trainer.model, err);  // so that it can be freed
    if (!st) st = data_take(&trainer, err);
    if (!st) st = trainer.algorithm->train(&trainer, err);
    if (!st) st = weir_model_finish(trainer.model, err);
    if (!st && report) st = make_report(&trainer, report, err);
    if (st) goto done;
    if (report) report->time_ms = (os_monotonic_ns() - start) / 1000000;
    *out = &trainer.model->base;
    trainer.model = NULL;

done:
    trainer_end(&trainer);
    return st;
}

void ml_train_reference(Buf *out) {
    buf_puts(out, "### Of all algorithms\n\n");
    options_reference(ML_COMMON_OPTIONS, out);
    for (const MlAlgorithm *const *at = ML_ALGORITHMS; *at; at++) {
        const MlAlgorithm *algorithm = *at;
        const char *between = "";
        buf_printf(out, "\n### `%s`\n\n%s\n\nLearns: ", algorithm->name, algorithm->doc);
        for (int task = 0; task < ML_TASKS_; task++) {
            if (!(algorithm->tasks >> task & 1)) continue;
            buf_printf(out, "%s%s", between, ml_task_name((MlTask)task));
            between = ", ";
        }
        buf_puts(out, ".\n\n");
        options_reference(algorithm->option, out);
    }
}
