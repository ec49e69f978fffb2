// ml/evaluate.c - rows in, metrics out.
#include "ml/evaluate.h"

#include <math.h>

#include "base/bits.h"
#include "ml/evaluate_int.h"
#include "type/number.h"

static const char *const TASKS[ML_TASKS_] = {
    [ML_CLASSIFICATION] = "classification", [ML_REGRESSION] = "regression",
    [ML_CLUSTERING] = "clustering", [ML_OUTLIERS] = "outliers", [ML_FORECASTING] = "forecasting",
    [ML_EMBEDDING] = "embedding", [ML_TEXT_GENERATION] = "text_generation",
};

const char *ml_task_name(MlTask task) {
    return TASKS[task];
}

MlEval *ml_eval_new(const MlEvalSpec *spec) {
    MlEval *eval = NEW(MlEval);
    eval->spec = *spec;
    eval->scale = 1;
    return eval;
}

void ml_eval_free(MlEval *eval) {
    if (!eval) return;
    class_clear(&eval->class);
    cluster_clear(&eval->cluster);
    mem_free(eval->ring);
    mem_free(eval);
}

// ---- what a batch holds

typedef struct View {
    const MlEvalBatch *batch;
    const MlField *field;      // of the prediction
    const MlColumn *prediction;
    uint32_t *of;              // classes of the probabilities
    uint32_t *probability;     // and the outputs that hold them
    uint32_t probabilities;
    uint32_t steps;            // values of a row that are compared; 1 of anything but numbers
    Buf text[2];
} View;

static bool is_prediction(Str name) {
    return str_eq_nocase(name, STR("prediction")) || str_is(name, "pmml(prediction)");
}

static int32_t find_prediction(const MlEvalBatch *batch) {
    for (uint32_t i = 0; i < batch->out_count; i++) {
        if (is_prediction(batch->out[i].name)) return (int32_t)i;
    }
    return batch->out_count ? 0 : -1;
}

static bool value_is_there(const MlField *field, const MlColumn *column, uint32_t row) {
    if (column->valid && !bits_get(column->valid, row)) return false;
    if (field->type == ML_TEXT) return column->text != NULL;
    return column->number && !isnan(column->number[(size_t)row * field->width]);
}

// A class as text, the same for 1, "1" and 1.0: models and tables do not always agree on a type.
static Str class_text(const MlField *field, const MlColumn *column, uint32_t row, Buf *scratch) {
    double number;
    if (field->type == ML_TEXT) {
        if (!str_to_f64(column->text[row], &number)) return column->text[row];
    } else {
        number = column->number[(size_t)row * field->width];
    }
    scratch->len = 0;
    if (field->type != ML_BOOLEAN && number == rint(number) && fabs(number) < 0x1p53) {
        buf_printf(scratch, "%.0f", number);
        return buf_str(scratch);
    }
    if (field->type == ML_TEXT) return column->text[row];
    ml_print(field, column, row, scratch);
    return buf_str(scratch);
}

static Str class_of_output(Str name, Buf *scratch) {  // "probability(1.0)"
    Str inside = str_sub(name, 12, name.len - 13);
    MlField field = {.type = ML_TEXT, .width = 1};
    MlColumn column = {.text = &inside};
    return class_text(&field, &column, 0, scratch);
}

static Status find_probabilities(MlEval *eval, View *view, Error *err) {
    const MlEvalBatch *batch = view->batch;
    view->of = NEW_ARRAY(uint32_t, batch->out_count + 1);
    view->probability = NEW_ARRAY(uint32_t, batch->out_count + 1);
    for (uint32_t i = 0; i < batch->out_count; i++) {
        Str name = batch->out[i].name, class = {0};
        if (!batch->out_column[i].number) continue;
        if (eval->spec.task == ML_OUTLIERS && str_is(name, "score")) class = STR("true");
        else if (!str_starts(name, STR("probability(")) || !str_ends(name, STR(")"))) continue;
        else class = class_of_output(name, &view->text[0]);
        int32_t number = class_number(&eval->class, class);
        if (number < 0) return error_set(err, ST_RUNTIME, "more than %d classes", EVAL_CLASSES_MAX);
        view->of[view->probabilities] = (uint32_t)number;
        view->probability[view->probabilities++] = i;
    }
    return ST_OK;
}

static bool uses_classes(MlTask task) {
    return task == ML_CLASSIFICATION || task == ML_OUTLIERS;
}

static bool uses_numbers(MlTask task) {
    return task == ML_REGRESSION || task == ML_FORECASTING;
}

static Status view_check(const MlEval *eval, const View *view, Error *err) {
    const MlEvalBatch *batch = view->batch;
    MlTask task = eval->spec.task;
    if (!view->prediction) return error_set(err, ST_VALIDATION, "the model gives no prediction");
    if (task == ML_CLUSTERING) {
        if (view->field->type != ML_TEXT) return ST_OK;
        return error_set(err, ST_VALIDATION, "a cluster is a number, not a text");
    }
    if (!batch->label) return error_set(err, ST_VALIDATION, "%s has no label", TASKS[task]);
    bool text = batch->label->type == ML_TEXT || view->field->type == ML_TEXT;
    bool both = batch->label->type == ML_TEXT && view->field->type == ML_TEXT;
    if ((uses_numbers(task) || task == ML_EMBEDDING) && text) {
        return error_set(err, ST_VALIDATION, "%s compares numbers, and '" STR_FMT "' is a text",
                         TASKS[task],
                         STR_ARG(batch->label->type == ML_TEXT ? batch->label->name
                                                               : view->field->name));
    }
    if (task == ML_EMBEDDING && batch->label->width != view->field->width) {
        return error_set(err, ST_VALIDATION, "the label has %u numbers, the prediction %u",
                         batch->label->width, view->field->width);
    }
    if (task == ML_TEXT_GENERATION && !both) {
        return error_set(err, ST_VALIDATION, "%s compares texts", TASKS[task]);
    }
    return ST_OK;
}

// ---- rows

// With a fading factor the new weighs more instead of the old less; now and then all is made small.
static void next_row(MlEval *eval) {
    eval->rows++;
    if (!(eval->spec.fading > 0 && eval->spec.fading < 1)) return;
    eval->scale /= eval->spec.fading;
    if (eval->scale < 1e100) return;
    double by = 1 / eval->scale;
    class_scale(&eval->class, by);
    number_scale(&eval->number, by);
    cluster_scale(&eval->cluster, by);
    for (int i = 0; i < EVAL_MEANS_MAX; i++) eval->mean[i] *= by;
    eval->mean_weight *= by;
    eval->scale = 1;
}

static void add_record(MlEval *eval, const View *view, const double *record) {
    if (!uses_classes(eval->spec.task)) {
        for (uint32_t i = 0; i < view->steps; i++) {
            number_add(&eval->number, record[2 * i], record[2 * i + 1], eval->scale);
        }
        return;
    }
    class_add(&eval->class, (uint32_t)record[0], (uint32_t)record[1], view->of, record + 2,
              view->probabilities, eval->scale);
}

// A record of a window: pairs of true value and predicted one; of classes one pair, then those of
// class and probability.
static void keep_record(MlEval *eval, const View *view, const double *record) {
    uint32_t width = 2 * view->steps + 2 * view->probabilities;
    if (eval->record != width) {  // another model: begin anew
        eval->record = width;
        eval->kept = eval->next = 0;
        mem_free(eval->ring);
        eval->ring = NEW_ARRAY(double, (size_t)width * eval->spec.window);
    }
    double *to = eval->ring + (size_t)eval->next * width;
    memcpy(to, record, 2 * view->steps * sizeof *to);
    for (uint32_t p = 0; p < view->probabilities; p++) {
        to[2 + 2 * p] = view->of[p];
        to[3 + 2 * p] = record[2 + p];
    }
    eval->next = (eval->next + 1) % eval->spec.window;
    if (eval->kept < eval->spec.window) eval->kept++;
}

static bool says_true(const MlField *field, const MlColumn *column, uint32_t row) {
    if (field->type != ML_TEXT) return column->number[(size_t)row * field->width] == 1;
    return str_is(column->text[row], "1") || str_eq_nocase(column->text[row], STR("true"));
}

// Where one of the two is a boolean, and of outliers, 1, "1", "TRUE" and "true" are one class.
static Str class_of_pair(bool truths, const MlField *field, const MlColumn *column, uint32_t row,
                         Buf *scratch) {
    if (!truths) return class_text(field, column, row, scratch);
    return says_true(field, column, row) ? STR("true") : STR("false");
}

static Status add_valued(MlEval *eval, View *view, uint32_t row, double *record, Error *err) {
    const MlEvalBatch *batch = view->batch;
    if (uses_classes(eval->spec.task)) {
        bool truths = eval->spec.task == ML_OUTLIERS || batch->label->type == ML_BOOLEAN ||
                      view->field->type == ML_BOOLEAN;
        Str actual =
            class_of_pair(truths, batch->label, batch->label_column, row, &view->text[0]);
        Str predicted =
            class_of_pair(truths, view->field, view->prediction, row, &view->text[1]);
        int32_t a = class_number(&eval->class, actual);
        int32_t p = class_number(&eval->class, predicted);
        if (a < 0 || p < 0) {
            return error_set(err, ST_RUNTIME, "row %u: more than %d classes", row,
                             EVAL_CLASSES_MAX);
        }
        record[0] = a;
        record[1] = p;
    } else {
        for (uint32_t i = 0; i < view->steps; i++) {
            record[2 * i] = batch->label_column->number[(size_t)row * batch->label->width + i];
            record[2 * i + 1] = view->prediction->number[(size_t)row * view->field->width + i];
        }
    }
    for (uint32_t p = 0; p < view->probabilities; p++) {
        uint32_t i = view->probability[p];
        record[2 + p] = batch->out_column[i].number[(size_t)row * batch->out[i].width];
    }
    if (eval->spec.window) keep_record(eval, view, record);
    else add_record(eval, view, record);
    return ST_OK;
}

static uint32_t inputs_width(const MlEvalBatch *batch) {
    uint32_t width = 0;
    for (uint32_t i = 0; i < batch->in_count; i++) {
        if (batch->in[i].type != ML_TEXT && !batch->in[i].list) width += batch->in[i].width;
    }
    return width;
}

static bool inputs_of(const MlEvalBatch *batch, uint32_t row, double *x) {
    for (uint32_t i = 0; i < batch->in_count; i++) {
        const MlField *field = &batch->in[i];
        if (field->type == ML_TEXT || field->list) continue;
        if (!value_is_there(field, &batch->in_column[i], row)) return false;
        memcpy(x, batch->in_column[i].number + (size_t)row * field->width,
               field->width * sizeof *x);
        x += field->width;
    }
    return true;
}

static Status add_clustered(MlEval *eval, const View *view, uint32_t row, double *x, bool *skip,
                            Error *err) {
    const MlEvalBatch *batch = view->batch;
    double cluster = view->prediction->number[(size_t)row * view->field->width];
    *skip = !inputs_of(batch, row, x);
    if (*skip) return ST_OK;
    if (cluster >= 0 && cluster < EVAL_CLUSTERS_MAX &&
        cluster_add(&eval->cluster, (uint32_t)cluster, x, inputs_width(batch), eval->scale)) {
        return ST_OK;
    }
    return error_set(err, ST_RUNTIME, "row %u: %g is no cluster's number", row, cluster);
}

static void add_similar(MlEval *eval, const View *view, uint32_t row) {
    const MlEvalBatch *batch = view->batch;
    double out[EVAL_MEANS_MAX];
    if (eval->spec.task == ML_TEXT_GENERATION) {
        text_similarity(batch->label_column->text[row], view->prediction->text[row], out);
    } else {
        uint32_t width = batch->label->width;
        vector_similarity(batch->label_column->number + (size_t)row * width,
                          view->prediction->number + (size_t)row * width, width, out);
    }
    for (int i = 0; i < EVAL_MEANS_MAX; i++) eval->mean[i] += eval->scale * out[i];
    eval->mean_weight += eval->scale;
}

static Status add_rows(MlEval *eval, View *view, double *scratch, Error *err) {
    const MlEvalBatch *batch = view->batch;
    MlTask task = eval->spec.task;
    for (uint32_t row = 0; row < batch->rows; row++) {
        bool skip = !value_is_there(view->field, view->prediction, row);
        if (task != ML_CLUSTERING && !skip) {
            skip = !value_is_there(batch->label, batch->label_column, row);
        }
        if (!skip && task == ML_CLUSTERING) {
            TRY(add_clustered(eval, view, row, scratch, &skip, err));
        } else if (!skip && (uses_classes(task) || uses_numbers(task))) {
            TRY(add_valued(eval, view, row, scratch, err));
        } else if (!skip) {
            add_similar(eval, view, row);
        }
        if (skip) eval->skipped++;
        else next_row(eval);
    }
    return ST_OK;
}

Status ml_eval_add(MlEval *eval, const MlEvalBatch *batch, Error *err) {
    View view = {.batch = batch};
    int32_t at = find_prediction(batch);
    if (at >= 0) {
        view.field = &batch->out[at];
        view.prediction = &batch->out_column[at];
    }
    bool none = batch->label && view.field && (!batch->label->width || !view.field->width);
    if (none) return ST_OK;  // arrays that nobody has seen one of: nothing to judge by
    TRY(view_check(eval, &view, err));
    Status st = ST_OK;
    if (uses_classes(eval->spec.task)) st = find_probabilities(eval, &view, err);
    // Of a forecast of several steps where one is known, the first.
    view.steps = 1;
    if (uses_numbers(eval->spec.task) && batch->label->width == view.field->width) {
        view.steps = view.field->width < EVAL_STEPS_MAX ? view.field->width : EVAL_STEPS_MAX;
    }
    uint32_t width = inputs_width(batch) + 2 * view.steps + view.probabilities;
    double *scratch = NEW_ARRAY(double, width);
    if (!st) st = add_rows(eval, &view, scratch, err);
    mem_free(scratch);
    mem_free(view.of);
    mem_free(view.probability);
    buf_free(&view.text[0]);
    buf_free(&view.text[1]);
    return st;
}

Status ml_eval_merge(MlEval *eval, const MlEval *from, Error *err) {
    if (eval->spec.task != from->spec.task || eval->spec.window || from->spec.window) {
        return error_set(err, ST_INTERNAL, "these evaluations cannot be one");
    }
    double scale = eval->scale / from->scale;
    eval->rows += from->rows;
    eval->skipped += from->skipped;
    TRY(class_merge(&eval->class, &from->class, scale, err));
    number_merge(&eval->number, &from->number, scale);
    cluster_merge(&eval->cluster, &from->cluster, scale);
    for (int i = 0; i < EVAL_MEANS_MAX; i++) eval->mean[i] += scale * from->mean[i];
    eval->mean_weight += scale * from->mean_weight;
    return ST_OK;
}

// ---- what came of it

static uint32_t similar_metrics(const MlEval *eval, MlMetric *out) {
    static const char *const TEXTS[EVAL_MEANS_MAX] = {"BLEU", "ROUGE-1", "ROUGE-L", "ExactMatch"};
    static const char *const VECTORS[EVAL_MEANS_MAX] = {"CosineSimilarity", "JaccardSimilarity",
                                                        "EuclideanDistance", NULL};
    const char *const *name = eval->spec.task == ML_EMBEDDING ? VECTORS : TEXTS;
    uint32_t n = 0;
    for (; n < EVAL_MEANS_MAX && name[n]; n++) {
        metric_set(&out[n], eval->mean[n] / eval->mean_weight, "%s", name[n]);
    }
    return n;
}

// The rows of a window, added up as if they were all there is.
static void replay_window(const MlEval *eval, MlEval *into) {
    bool classes = uses_classes(eval->spec.task);
    uint32_t probabilities = eval->record && classes ? (eval->record - 2) / 2 : 0;
    View view = {.of = NEW_ARRAY(uint32_t, probabilities + 1), .probabilities = probabilities,
                 .steps = classes ? 1 : eval->record / 2};
    double *record = NEW_ARRAY(double, eval->record + 2);
    for (uint32_t i = 0; i < eval->class.classes; i++) {
        (void)class_number(&into->class, eval->class.name[i]);
    }
    for (uint32_t i = 0; i < eval->kept; i++) {
        uint32_t oldest = eval->kept < eval->spec.window ? 0 : eval->next;
        const double *from =
            eval->ring + (size_t)((oldest + i) % eval->spec.window) * eval->record;
        memcpy(record, from, 2 * view.steps * sizeof *record);
        for (uint32_t p = 0; p < probabilities; p++) {
            view.of[p] = (uint32_t)from[2 + 2 * p];
            record[2 + p] = from[3 + 2 * p];
        }
        add_record(into, &view, record);
        next_row(into);
    }
    mem_free(record);
    mem_free(view.of);
}

uint32_t ml_eval_metrics(const MlEval *eval, MlMetric *out) {
    if (eval->spec.window) {
        MlEval *whole = ml_eval_new(&eval->spec);
        whole->spec.window = 0;
        replay_window(eval, whole);
        whole->skipped = eval->skipped;
        uint32_t n = ml_eval_metrics(whole, out);
        ml_eval_free(whole);
        return n;
    }
    uint32_t n = 0;
    metric_set(&out[n++], (double)eval->rows, "Rows");
    if (eval->skipped) metric_set(&out[n++], (double)eval->skipped, "Skipped");
    if (!eval->rows) return n;
    switch (eval->spec.task) {
        case ML_CLASSIFICATION:
        case ML_OUTLIERS: return n + class_metrics(&eval->class, out + n, ML_METRICS_MAX - n);
        case ML_REGRESSION: return n + number_metrics(&eval->number, false, out + n);
        case ML_FORECASTING: return n + number_metrics(&eval->number, true, out + n);
        case ML_CLUSTERING: return n + cluster_metrics(&eval->cluster, out + n);
        default: return n + similar_metrics(eval, out + n);
    }
}

double ml_metric(const MlMetric *metric, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(metric[i].name, name) == 0) return metric[i].value;
    }
    return NAN;
}

// ---- in checkpoints

enum { EVAL_VERSION = 1 };

static void ring_codec(MlEval *eval, Codec *codec) {
    codec_u32(codec, &eval->record);
    codec_u32(codec, &eval->kept);
    codec_u32(codec, &eval->next);
    uint64_t cells = (uint64_t)eval->record * eval->kept;
    if (!codec_reads(codec)) {
        codec_f64s_at(codec, eval->ring, cells);
        return;
    }
    if (eval->kept > eval->spec.window || (eval->spec.window && eval->next >= eval->spec.window) ||
        eval->record > 2 + 2 * EVAL_CLASSES_MAX || cells * 8 > codec->in.len ||
        eval->record % 2 || (eval->kept && !eval->record)) {
        codec_fail(codec, "a window that does not fit");
    }
    if (codec->failed || !eval->record || !eval->spec.window) {
        eval->record = eval->kept = eval->next = 0;
        return;
    }
    eval->ring = NEW_ARRAY(double, (size_t)eval->record * eval->spec.window);
    codec_f64s_at(codec, eval->ring, cells);
    if (!uses_classes(eval->spec.task)) return;
    for (uint64_t i = 0; i < eval->kept; i++) {
        const double *record = eval->ring + i * eval->record;
        for (uint32_t at = 0; at < eval->record; at += at < 2 ? 1 : 2) {
            if (record[at] >= 0 && record[at] < eval->class.classes) continue;
            codec_fail(codec, "a class that is not there");
        }
    }
}

static void eval_codec(MlEval *eval, Codec *codec) {
    uint32_t version = EVAL_VERSION;
    int task = (int)eval->spec.task;
    codec_u32(codec, &version);
    if (version != EVAL_VERSION) codec_fail(codec, "version %u", version);
    codec_kind(codec, &task, ML_TASKS_);
    eval->spec.task = (MlTask)task;
    codec_f64(codec, &eval->spec.fading);
    codec_u32(codec, &eval->spec.window);
    if (eval->spec.window > EVAL_WINDOW_MAX) codec_fail(codec, "too large a window");
    codec_f64(codec, &eval->scale);
    codec_u64(codec, &eval->rows);
    codec_u64(codec, &eval->skipped);
    class_codec(&eval->class, codec);
    number_codec(&eval->number, codec);
    cluster_codec(&eval->cluster, codec);
    codec_f64s_at(codec, eval->mean, EVAL_MEANS_MAX);
    codec_f64(codec, &eval->mean_weight);
    ring_codec(eval, codec);
}

void ml_eval_save(const MlEval *eval, Buf *out) {
    Codec codec = {.out = out};
    eval_codec((MlEval *)(uintptr_t)eval, &codec);  // writing changes nothing
}

Status ml_eval_load(Str bytes, MlEval **out, Error *err) {
    MlEval *eval = NEW(MlEval);
    Codec codec = {.in = bytes, .what = "a saved evaluation"};
    eval_codec(eval, &codec);
    Status st = codec_end(&codec, err);
    if (st) ml_eval_free(eval);
    else *out = eval;
    return st;
}

const char *ml_task_metric(MlTask task) {
    switch (task) {
        case ML_CLASSIFICATION: return "Accuracy";
        case ML_REGRESSION:
        case ML_FORECASTING: return "RMSE";
        case ML_CLUSTERING: return "IntraClusterVariance";
        case ML_EMBEDDING: return "CosineSimilarity";
        case ML_TEXT_GENERATION: return "BLEU";
        default: return NULL;
    }
}

bool ml_metric_less_is_better(const char *name) {
    static const char *const LESS[] = {"LogLoss", "MAE", "MSE", "RMSE", "MAPE", "MASE",
                                       "WithinClusterSum", "IntraClusterVariance",
                                       "DaviesBouldin", "EuclideanDistance", "Skipped"};
    for (size_t i = 0; i < sizeof LESS / sizeof *LESS; i++) {
        if (!strcmp(name, LESS[i])) return true;
    }
    return false;
}
