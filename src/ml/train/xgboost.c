// ml/train/xgboost.c - 'library' = 'xgboost': boosted trees grown by XGBoost's library, where it is
// installed (libxgboost.so, loaded when it is asked for), and kept as a model of weir's own.
//
// Rows go in as single-precision numbers, a text as a column for each category; trees come out as
// JSON. What XGBoost asks, "is the number, rounded to single precision, below t?", is asked here of
// the number itself: it rounds to t or above exactly from halfway between t and the float before
// it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/json.h"
#include "ml/train/boost.h"
#include "os/library.h"

// The prototypes of xgboost/c_api.h that are used, which few systems have installed.
typedef uint64_t XgLength;
#define XGBOOST_FUNCTIONS(X)                                                                   \
    X(BGetLastError, const char *, (void))                                                     \
    X(DMatrixCreateFromMat, int, (const float *, XgLength, XgLength, float, void **))          \
    X(DMatrixSetFloatInfo, int, (void *, const char *, const float *, XgLength))               \
    X(DMatrixFree, int, (void *))                                                              \
    X(BoosterCreate, int, (void *const *, XgLength, void **))                                  \
    X(BoosterSetParam, int, (void *, const char *, const char *))                              \
    X(BoosterUpdateOneIter, int, (void *, int, void *))                                        \
    X(BoosterEvalOneIter, int, (void *, int, void **, const char **, XgLength, const char **)) \
    X(BoosterDumpModelEx, int,                                                                 \
      (void *, const char *, int, const char *, XgLength *, const char ***))                   \
    X(BoosterFree, int, (void *))
#define MEMBER(name, result, arguments) result(*name) arguments;
static struct {
    XGBOOST_FUNCTIONS(MEMBER)
} xg;
#define SYMBOL(name, result, arguments) "XG" #name,
static const char *const SYMBOLS[] = {XGBOOST_FUNCTIONS(SYMBOL)};

static Library xgboost = {.file = "libxgboost.so", .purpose = "'library' = 'xgboost'",
                          .package = "libxgboost0", .symbol = SYMBOLS, .functions = &xg,
                          .count = sizeof SYMBOLS / sizeof *SYMBOLS};

typedef struct Xgboost {
    MlTrainer *trainer;
    uint32_t width;         // columns: numbers, and one for each category
    uint32_t *feature;      // [width]
    uint32_t *category;     // [width], of texts
    void *matrix[2];        // rows to learn from, rows to be judged on
    void *booster;
    uint32_t outputs;
} Xgboost;

static Status said_no(const char *doing, Error *err) {
    return error_set(err, ST_RUNTIME, "XGBoost, %s: %s", doing, xg.BGetLastError());
}

// ---- rows in

static void make_columns(Xgboost *self) {
    const WeirModel *model = self->trainer->model;
    self->width = weir_width(model->feature, model->features);
    self->feature = ARENA_ARRAY(&self->trainer->arena, uint32_t, self->width);
    self->category = ARENA_ARRAY(&self->trainer->arena, uint32_t, self->width);
    uint32_t at = 0;
    for (uint32_t f = 0; f < model->features; f++) {
        uint32_t count = model->feature[f].type == ML_TEXT ? model->feature[f].categories : 1;
        for (uint32_t c = 0; c < count; c++, at++) {
            self->feature[at] = f;
            self->category[at] = c;
        }
    }
}

static Status make_matrix(Xgboost *self, uint32_t from, uint32_t to, void **out, Error *err) {
    const MlTrainer *trainer = self->trainer;
    uint32_t rows = to - from;
    float *x = NEW_ARRAY(float, (size_t)rows * self->width), *y = NEW_ARRAY(float, rows);
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t c = 0; c < self->width; c++) {
            uint32_t f = self->feature[c];
            double value = trainer->x[f][from + i];
            bool text = trainer->model->feature[f].type == ML_TEXT;
            if (text && !isnan(value)) value = value == self->category[c];
            x[(size_t)i * self->width + c] = (float)value;
        }
        y[i] = (float)trainer->y[from + i];
    }
    Status st = ST_OK;
    if (xg.DMatrixCreateFromMat(x, rows, self->width, NAN, out) ||
        xg.DMatrixSetFloatInfo(*out, "label", y, rows)) {
        st = said_no("taking the rows", err);
    }
    mem_free(x);
    mem_free(y);
    return st;
}

static Status set_option(Xgboost *self, const char *name, double value, Error *err) {
    char text[40];
    snprintf(text, sizeof text, "%.17g", value);
    return xg.BoosterSetParam(self->booster, name, text) ? said_no(name, err) : ST_OK;
}

static Status set_options(Xgboost *self, double base, Error *err) {
    const MlTrainer *trainer = self->trainer;
    uint32_t classes = trainer->model->classes, depth = option_count(trainer, "max-depth");
    const char *task = !classes       ? "reg:squarederror"
                       : classes == 2 ? "binary:logistic"
                                      : "multi:softprob";
    static const char *const FIXED[][2] = {{"tree_method", "hist"}, {"grow_policy", "lossguide"},
                                           {"verbosity", "0"}};
    for (int i = 0; i < 3; i++) {
        if (xg.BoosterSetParam(self->booster, FIXED[i][0], FIXED[i][1])) {
            return said_no(FIXED[i][0], err);
        }
    }
    if (xg.BoosterSetParam(self->booster, "objective", task)) return said_no(task, err);
    if (classes > 2) TRY(set_option(self, "num_class", classes, err));
    TRY(set_option(self, "base_score", classes == 2 ? 1 / (1 + exp(-base)) : base, err));
    TRY(set_option(self, "eta", option_number(trainer, "learning-rate"), err));
    TRY(set_option(self, "max_depth", depth, err));
    TRY(set_option(self, "max_leaves", option_count(trainer, "max-leaves"), err));
    TRY(set_option(self, "max_bin", option_count(trainer, "max-bins") + 1, err));
    TRY(set_option(self, "min_child_weight", 1, err));
    TRY(set_option(self, "lambda", option_number(trainer, "l2"), err));
    TRY(set_option(self, "gamma", option_number(trainer, "min-gain"), err));
    TRY(set_option(self, "subsample", option_number(trainer, "subsample"), err));
    TRY(set_option(self, "colsample_bytree", option_number(trainer, "feature-fraction"), err));
    TRY(set_option(self, "seed", (double)(trainer->seed % INT32_MAX), err));
    return set_option(self, "nthread", trainer->threads, err);
}

// ---- trees out

// The largest double that is below [t] once it is rounded to single precision.
static double below(double t) {
    float at = (float)t, before = nextafterf(at, -INFINITY);
    double halfway = before + (at - (double)before) / 2;
    return (double)(float)halfway < at ? halfway : nextafter(halfway, -INFINITY);
}

static double number_of(const JsonValue *node, const char *name, double otherwise) {
    const JsonValue *member = json_member(node, str_c(name));
    double value;
    return member && json_is_number(member) && str_to_f64(member->text, &value) ? value : otherwise;
}

static Status bad_tree(Error *err) {
    return error_set(err, ST_RUNTIME, "XGBoost gave a tree that cannot be read");
}

static Status take_node(const Xgboost *self, const JsonValue *json, Grove *grove, uint32_t at,
                        Error *err);

static Status take_children(const Xgboost *self, const JsonValue *json, Grove *grove, uint32_t at,
                            WeirNode node, Error *err) {
    const JsonValue *children = json_member(json, STR("children"));
    if (!children || children->kind != JK_ARRAY || children->count != 2) return bad_tree(err);
    double yes = number_of(json, "yes", -1);
    node.missing_left = number_of(json, "missing", -1) == yes;
    int first = number_of(&children->item[0], "nodeid", -2) == yes ? 0 : 1;
    node.left = grove_node(grove);
    node.right = grove_node(grove);
    grove->node[at] = node;
    TRY(take_node(self, &children->item[first], grove, node.left, err));
    return take_node(self, &children->item[1 - first], grove, node.right, err);
}

static Status take_node(const Xgboost *self, const JsonValue *json, Grove *grove, uint32_t at,
                        Error *err) {
    const JsonValue *split = json_member(json, STR("split"));
    WeirNode node = {.feature = -1, .rows = number_of(json, "cover", 0)};
    if (!split) {
        node.left = grove_values(grove, 1);
        grove->value[node.left] = number_of(json, "leaf", NAN);
        if (isnan(grove->value[node.left])) return bad_tree(err);
        grove->node[at] = node;
        return ST_OK;
    }
    int64_t column;
    bool named = split->kind == JK_TEXT && str_starts(split->text, STR("f")) &&
                 str_to_i64(str_sub(split->text, 1, split->text.len), &column);
    if (!named || column < 0 || column >= self->width) return bad_tree(err);
    const Feature *feature = &self->trainer->model->feature[self->feature[column]];
    node.feature = (int32_t)self->feature[column];
    if (feature->type == ML_TEXT) {  // "below a half": any other category
        node.set_words = (uint32_t)BITS_WORDS(feature->categories);
        node.set = grove_set(grove, node.set_words);
        bits_fill(grove->set + node.set, feature->categories);
        bits_clear(grove->set + node.set, self->category[column]);
    } else {
        double t = number_of(json, "split_condition", NAN);
        if (isnan(t)) return bad_tree(err);
        node.threshold = below(t);
    }
    return take_children(self, json, grove, at, node, err);
}

static Status take_trees(Xgboost *self, Grove *grove, uint32_t most, uint32_t *trees, Error *err) {
    XgLength count;
    const char **dump;
    if (xg.BoosterDumpModelEx(self->booster, "", 1, "json", &count, &dump)) {
        return said_no("giving its trees", err);
    }
    Arena arena = {0};
    Status st = ST_OK;
    *trees = count < most ? (uint32_t)count : most;
    for (uint32_t t = 0; t < *trees && !st; t++) {
        JsonValue tree;
        arena_init(&arena);
        st = json_parse(&arena, str_c(dump[t]), 0, &tree, NULL, err);
        uint32_t root = st ? 0 : grove_node(&grove[t]);
        if (!st) st = take_node(self, &tree, &grove[t], root, err);
        arena_clear(&arena);
    }
    return st;
}

// ---- rounds

static Status judged_loss(Xgboost *self, int round, double *loss, Error *err) {
    const char *name = "validation", *line;
    if (xg.BoosterEvalOneIter(self->booster, round, &self->matrix[1], &name, 1, &line)) {
        return said_no("judging a round", err);
    }
    const char *colon = strrchr(line, ':');  // "[3] validation-logloss:0.12"
    *loss = colon ? strtod(colon + 1, NULL) : NAN;
    return ST_OK;
}

static Status run_rounds(Xgboost *self, uint32_t rounds, uint32_t *kept, Error *err) {
    MlTrainer *trainer = self->trainer;
    Patience patience = {.patience = trainer->patience};
    bool stop = false;
    for (*kept = 0; *kept < rounds && !stop; ++*kept) {
        TRY(trainer_check(trainer, err));
        if (xg.BoosterUpdateOneIter(self->booster, (int)*kept, self->matrix[0])) {
            return said_no("growing a tree", err);
        }
        double loss = NAN;
        if (self->matrix[1]) {
            TRY(judged_loss(self, (int)*kept, &loss, err));
            (void)patience_better(&patience, loss, &stop);
        }
        if ((*kept + 1) % 10) continue;
        if (self->matrix[1])
            trainer_say(trainer, "round %u: %.6g on validation rows", *kept + 1, loss);
        else trainer_say(trainer, "round %u", *kept + 1);
    }
    if (trainer->patience) *kept = patience.best_round;
    return ST_OK;
}

static Status grow(Xgboost *self, const double *base, Grove *grove, uint32_t rounds,
                   uint32_t *trees, Error *err) {
    const MlTrainer *trainer = self->trainer;
    uint32_t kept;
    make_columns(self);
    TRY(make_matrix(self, 0, trainer->train_rows, &self->matrix[0], err));
    if (trainer->rows > trainer->train_rows) {
        TRY(make_matrix(self, trainer->train_rows, trainer->rows, &self->matrix[1], err));
    }
    uint32_t matrices = self->matrix[1] ? 2 : 1;
    if (xg.BoosterCreate(self->matrix, matrices, &self->booster)) return said_no("beginning", err);
    TRY(set_options(self, self->outputs > 1 ? 0 : base[0], err));
    TRY(run_rounds(self, rounds, &kept, err));
    return take_trees(self, grove, kept * self->outputs, trees, err);
}

Status boost_by_xgboost(MlTrainer *trainer, double *base, uint32_t outputs, Grove *grove,
                        uint32_t rounds, uint32_t *trees, Error *err) {
    TRY(library_load(&xgboost, err));
    Xgboost self = {.trainer = trainer, .outputs = outputs};
    Status st = grow(&self, base, grove, rounds, trees, err);
    for (uint32_t o = 0; outputs > 1 && o < outputs; o++) base[o] = 0;
    if (self.booster) (void)xg.BoosterFree(self.booster);
    for (int i = 0; i < 2; i++) {
        if (self.matrix[i]) (void)xg.DMatrixFree(self.matrix[i]);
    }
    return st;
}
