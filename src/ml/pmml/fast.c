// ml/pmml/fast.c - a plan over arrays: trees, then perhaps a regression over what they say, then
// outputs.
#include "ml/pmml/fast.h"

#include <math.h>

#include "base/bits.h"
#include "ml/pmml/fast_trees.h"
#include "ml/pmml/output.h"
#include "ml/pmml/regression.h"

enum { STEPS_MAX = 256, BLOCK = 2048 };

typedef enum What { WHAT_NUMBER, WHAT_LABEL, WHAT_PROBABILITY, WHAT_ENTITY } What;

// One array of the model's outputs.
typedef struct Column {
    uint8_t what;
    bool text, single;    // as what the host gets it; rounded to float
    uint32_t column;
    uint32_t klass;       // WHAT_PROBABILITY
    double *number;       // WHAT_LABEL: by class; of a single tree: whatever it is, by node
    Str *string;
} Column;

typedef struct Step {
    const Model *model;
    bool is_trees;
    FastTrees trees;
    const Regression *regression;
    uint32_t *input;  // of a regression: which step's number each predictor is; table after table
    const Field *field;   // its predicted number as later steps see it; NULL: nobody does
    bool field_single;
} Step;

struct Fast {
    Step *step;
    uint32_t steps;
    Column *column;
    uint32_t columns;
    bool by_leaf;         // a single tree
    bool *leaf_slow;      // by node: no prediction there
    const Value *category;
    uint32_t categories;
    TreeEnsemble **owned;
    uint32_t owneds;
    bool computes;        // some feature is derived
};

// -- The plan -------------------------------------------------------------------------------------

static bool is_element(const Model *model, const char *element) {
    return strcmp(model->kind->element, element) == 0;
}

static bool number_target(const Model *model) {
    const Target *target = &model->target[0];
    return model->targets == 1 && (target->type.type == PT_DOUBLE || target->type.type == PT_FLOAT);
}

// What a segment before the last hands on: its number, under one name.
static bool handed_on(Step *step) {
    const Model *model = step->model;
    if (model->function != MINE_REGRESSION || !number_target(model) || model->outputs != 1)
        return false;
    OutputShape shape = output_shape(model, 0);
    if (shape.what != OUTPUT_PREDICTED || shape.other) return false;
    step->field = shape.field;
    step->field_single = shape.field->type.type == PT_FLOAT;
    return shape.field->type.type == PT_DOUBLE || step->field_single;
}

static bool plan_regression(Fast *self, Step *step, Arena *arena) {
    const Regression *regression = step->model->impl;
    uint32_t inputs = 0;
    for (uint32_t t = 0; t < regression->tables; t++) {
        const Table *table = &regression->table[t];
        if (table->categoricals || table->terms) return false;
        inputs += table->numerics;
    }
    step->regression = regression;
    step->input = ARENA_ARRAY(arena, uint32_t, inputs + 1);
    uint32_t at = 0;
    for (uint32_t t = 0; t < regression->tables; t++) {
        const Table *table = &regression->table[t];
        for (uint32_t i = 0; i < table->numerics; i++) {
            uint32_t from = 0;
            while (from < self->steps && self->step[from].field != table->numeric[i].field) from++;
            if (from == self->steps) return false;
            step->input[at++] = from;
        }
    }
    return step->model->function == MINE_CLASSIFICATION || number_target(step->model);
}

static bool plan_step(Fast *self, const Model *model, Arena *arena) {
    if (self->steps == STEPS_MAX) return false;
    Step *step = &self->step[self->steps];
    *step = (Step){.model = model};
    if (is_element(model, "RegressionModel")) {
        if (!plan_regression(self, step, arena)) return false;
    } else {
        step->is_trees = true;
        if (!fast_trees_new(model, arena, &step->trees)) return false;
        self->owned[self->owneds++] = step->trees.trees;
        if (model->function == MINE_REGRESSION && !number_target(model)) return false;
    }
    self->steps++;
    return true;
}

// The steps of a model; the last one gives the result. [shown]: that model.
static bool plan_steps(Fast *self, const Model *model, Arena *arena, const Model **shown) {
    *shown = model;
    const Mining *mining = is_element(model, "MiningModel") ? model->impl : NULL;
    if (!mining || mining->method != METHOD_CHAIN) return plan_step(self, model, arena);
    for (uint32_t i = 0; i < mining->segments; i++) {
        const Segment *segment = &mining->segment[i];
        if (segment->predicate->kind != PRED_TRUE || !plan_step(self, segment->model, arena))
            return false;
        if (i + 1 < mining->segments && !handed_on(&self->step[self->steps - 1])) return false;
        *shown = segment->model;
    }
    return model->targets == 1 && mining->segments > 0;
}

static const Step *last_step(const Fast *self) {
    return &self->step[self->steps - 1];
}

static bool class_index(const Fast *self, Str text, uint32_t *out) {
    for (uint32_t i = 0; i < self->categories; i++) {
        Value named;
        const Value *category = &self->category[i];
        if (category->type == PT_STRING
                ? str_eq(category->text, text)
                : value_parse(text, (DataType){.type = category->type}, &named) &&
                      value_eq(*category, named)) {
            *out = i;
            return true;
        }
    }
    return false;
}

// By class, what the host gets for it.
static bool label_tables(const Fast *self, Column *column, DataType type, MlType ml, Arena *arena) {
    column->text = ml == ML_TEXT;
    column->number = ARENA_ARRAY(arena, double, self->categories);
    column->string = ARENA_ARRAY(arena, Str, self->categories);
    for (uint32_t i = 0; i < self->categories; i++) {
        Value cast;
        if (!value_cast(self->category[i], type, arena, &cast)) return false;
        column->string[i] = value_str(cast, arena);
        column->number[i] = value_as_number(cast);
    }
    return true;
}

// Output column [i] of the model: which field or target it is, and where it comes from.
static bool plan_column(Fast *self, const Pmml *pmml, const Model *shown, uint32_t i,
                        Arena *arena) {
    const Step *step = last_step(self);
    bool classes = step->model->function == MINE_CLASSIFICATION;
    Column *column = &self->column[self->columns++];
    *column = (Column){.column = i};
    DataType type = pmml->output[i] ? pmml->output[i]->type : pmml->model->target[0].type;
    OutputShape shape = {.what = OUTPUT_PREDICTED};
    if (pmml->output[i]) {
        bool found = false;
        for (uint32_t o = 0; o < shown->outputs && !found; o++) {
            shape = output_shape(shown, o);
            found = shape.field == pmml->output[i];
        }
        if (!found || shape.other) return false;
    }
    bool number = type.type == PT_DOUBLE || type.type == PT_FLOAT;
    column->single = type.type == PT_FLOAT;
    if (shape.what == OUTPUT_PROBABILITY) {
        column->what = WHAT_PROBABILITY;
        return classes && number && shape.value.ptr &&
               class_index(self, shape.value, &column->klass);
    }
    if (shape.what == OUTPUT_ENTITY && self->by_leaf) {
        column->what = WHAT_ENTITY;
        column->text = true;
        return type.type == PT_STRING;
    }
    if (shape.what != OUTPUT_PREDICTED) return false;
    column->what = classes ? WHAT_LABEL : WHAT_NUMBER;
    return classes ? label_tables(self, column, type, pmml->out[i].type, arena) : number;
}

static double step_number(const Model *model, double x) {
    x = target_rescale(&model->target[0], x);
    return model->single || model->target[0].type.type == PT_FLOAT ? (double)(float)x : x;
}

// Of a single tree: what each output is at each leaf.
static bool plan_leaf(const Fast *self, Column *column, const PmmlNode *node, uint32_t n) {
    const Model *model = self->step[0].model;
    double x = 0;
    switch ((What)column->what) {
        case WHAT_NUMBER: x = step_number(model, node->number); break;
        case WHAT_LABEL: {
            uint32_t k = 0;
            while (k < self->categories && !value_eq(self->category[k], node->score)) k++;
            if (k == self->categories) return false;
            x = k;
            break;
        }
        case WHAT_PROBABILITY: {
            for (uint32_t k = 0; k < node->categories; k++) {
                if (value_eq(node->category[k], self->category[column->klass]))
                    x = node->probability[k];
            }
            if (node->categories == 0) return false;
            break;
        }
        case WHAT_ENTITY: column->string[n] = node->id; return true;
    }
    column->number[n] = column->single ? (double)(float)x : x;
    return true;
}

static bool plan_leaves(Fast *self, Arena *arena) {
    const FastTrees *trees = &self->step[0].trees;
    uint32_t nodes = tree_nodes(trees->trees);
    self->leaf_slow = ARENA_ARRAY(arena, bool, nodes);
    for (uint32_t c = 0; c < self->columns; c++) {
        Column *column = &self->column[c];
        double *by_class = column->number;
        Str *text_by_class = column->string;
        column->number = ARENA_ARRAY(arena, double, nodes);
        column->string = ARENA_ARRAY(arena, Str, nodes);
        for (uint32_t n = 0; n < nodes; n++) {
            const PmmlNode *node = trees->leaf[n];
            bool slow = !node || !node->has_score || !plan_leaf(self, column, node, n);
            self->leaf_slow[n] |= slow;
            if (slow || column->what != WHAT_LABEL) continue;
            uint32_t k = (uint32_t)column->number[n];
            column->number[n] = by_class[k];
            column->string[n] = text_by_class[k];
        }
    }
    return true;
}

static bool plan(Fast *self, const Pmml *pmml, Arena *arena) {
    const Model *shown;
    if (!plan_steps(self, pmml->model, arena, &shown)) return false;
    const Step *last = last_step(self);
    if (last->is_trees && last->trees.leaf && self->steps > 1) return false;
    if (shown != pmml->model && pmml->model->outputs) return false;
    if (pmml->model->target[0].rescales && shown != pmml->model) return false;
    self->by_leaf = self->steps == 1 && last->is_trees && last->trees.leaf;
    self->category = last->is_trees ? last->trees.category : last->regression->category;
    self->categories = last->is_trees ? last->trees.categories : last->regression->tables;
    if (last->model->function != MINE_CLASSIFICATION && last->model->function != MINE_REGRESSION)
        return false;
    self->column = ARENA_ARRAY(arena, Column, pmml->outs + 1);
    for (uint32_t i = 0; i < pmml->outs; i++) {
        if (!plan_column(self, pmml, shown, i, arena)) return false;
    }
    for (uint32_t s = 0; s < self->steps; s++) {
        const FastTrees *trees = &self->step[s].trees;
        for (uint32_t f = 0; f < trees->features; f++)
            self->computes |= trees->feature[f].field->kind != FIELD_INPUT;
    }
    return !self->by_leaf || plan_leaves(self, arena);
}

Fast *fast_new(Pmml *pmml, Arena *arena) {
    Fast *self = ARENA_NEW(arena, Fast);
    self->step = ARENA_ARRAY(arena, Step, STEPS_MAX);
    self->owned = ARENA_ARRAY(arena, TreeEnsemble *, STEPS_MAX);
    if (pmml->model->targets == 1 && plan(self, pmml, arena)) return self;
    fast_free(self);
    return NULL;
}

void fast_free(Fast *self) {
    for (uint32_t i = 0; self && i < self->owneds; i++) tree_free(self->owned[i]);
}

bool fast_computes(const Fast *self) {
    return self->computes;
}

uint64_t fast_bytes(const Fast *self) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < self->owneds; i++) bytes += tree_bytes(self->owned[i]);
    return bytes;
}

// -- Features -------------------------------------------------------------------------------------

typedef struct Block {
    const Fast *fast;
    const Pmml *pmml;
    const MlColumn *in;
    uint32_t first, rows;
    uint64_t *slow;   // of the whole batch
    Row *row;         // for features that are derived
    Arena *scratch;
    double **number;  // of each step
} Block;

static void mark_slow(Block *b, uint32_t row) {
    bits_set(b->slow, b->first + row);
}

static bool all_valid(const MlColumn *column, uint32_t first, uint32_t rows) {
    if (!column->valid) return true;
    for (uint32_t row = first; row < first + rows;) {
        if (row % 64 == 0 && row + 64 <= first + rows) {
            if (~column->valid[row / 64]) return false;
            row += 64;
        } else if (!bits_get(column->valid, row++)) {
            return false;
        }
    }
    return true;
}

// Whether a value is one that the field takes as it is.
static bool plain_value(const Field *field, double x) {
    if (x != x || (field->type.type == PT_INTEGER && x != floor(x))) return false;
    if (field->domain) {
        Value value = value_number(x, (PmmlType)field->type.type);
        if (!field_allows(field, value)) return false;
    }
    const Treatment *treatment = field->treatment;
    if (field->type.type == PT_BOOLEAN && x != 0 && x != 1) return false;
    return !treatment || (x >= treatment->low && x <= treatment->high);
}

static bool any_not_plain(const Field *field, const double *x, uint32_t rows) {
    bool bad = false;
    if (!field->domain && field->type.type != PT_INTEGER && field->type.type != PT_BOOLEAN) {
        double low = field->treatment ? field->treatment->low : -INFINITY;
        double high = field->treatment ? field->treatment->high : INFINITY;
        for (uint32_t row = 0; row < rows; row++) bad |= !(x[row] >= low) | !(x[row] <= high);
        return bad;
    }
    for (uint32_t row = 0; row < rows; row++) bad |= !plain_value(field, x[row]);
    return bad;
}

static double missing_number(const Field *field) {
    const Treatment *treatment = field->treatment;
    return treatment && treatment->has_replacement ? treatment->replacement.number : (double)NAN;
}

static const double *number_feature(Block *b, const FastTrees *trees, const Field *field) {
    const MlColumn *column = &b->in[field->input];
    const double *x = column->number + b->first;
    bool whole = all_valid(column, b->first, b->rows);
    if (whole && !any_not_plain(field, x, b->rows)) return x;
    double *copy = arena_alloc(b->scratch, sizeof *copy * b->rows);
    double missing = missing_number(field);
    for (uint32_t row = 0; row < b->rows; row++) {
        bool there = !column->valid || bits_get(column->valid, b->first + row);
        copy[row] = there ? x[row] : missing;
        if (there ? !plain_value(field, x[row]) : missing != missing && !trees->exact)
            mark_slow(b, row);
        if (!there && field_wants_all(field)) mark_slow(b, row);
    }
    return copy;
}

static double code_of(const FastFeature *feature, Value value) {
    for (uint32_t i = 0; i < feature->categories; i++) {
        if (value_eq(feature->category[i], value)) return i;
    }
    return feature->categories;  // none that is asked for
}

static const double *category_feature(Block *b, const FastTrees *trees,
                                      const FastFeature *feature) {
    const Field *field = feature->field;
    const MlColumn *column = &b->in[field->input];
    bool text = b->pmml->in[field->input].type == ML_TEXT;
    double *code = arena_alloc(b->scratch, sizeof *code * b->rows);
    for (uint32_t row = 0; row < b->rows; row++) {
        uint32_t at = b->first + row;
        Value value = MISSING;
        bool there = !column->valid || bits_get(column->valid, at);
        if (there) {
            value = text ? value_text(column->text[at])
                         : value_number(column->number[at], (PmmlType)field->type.type);
            bool plain = text ? !field->domain || field_allows(field, value)
                              : plain_value(field, value.number);
            if (!plain) mark_slow(b, row);
        } else if (field->treatment && field->treatment->has_replacement) {
            value = field->treatment->replacement;
        } else if (!trees->exact) {
            mark_slow(b, row);
        }
        if (!there && field_wants_all(field)) mark_slow(b, row);
        code[row] = is_missing(value) ? (double)NAN : code_of(feature, value);
    }
    return code;
}

// Features that are derived, row by row; a row that fails goes the other way, and says so there.
static void computed_features(Block *b, const FastTrees *trees, const double **column) {
    const Field **field = ARENA_ARRAY(b->scratch, const Field *, trees->features);
    double **to = ARENA_ARRAY(b->scratch, double *, trees->features);
    const FastFeature **feature = ARENA_ARRAY(b->scratch, const FastFeature *, trees->features);
    Value *value = ARENA_ARRAY(b->scratch, Value, trees->features);
    uint32_t count = 0;
    for (uint32_t f = 0; f < trees->features; f++) {
        if (trees->feature[f].field->kind == FIELD_INPUT) continue;
        feature[count] = &trees->feature[f];
        field[count] = feature[count]->field;
        column[f] = to[count] = arena_alloc(b->scratch, sizeof **to * b->rows);
        count++;
    }
    for (uint32_t row = 0; count && row < b->rows; row++) {
        bool good = row_values(b->row, b->first + row, field, count, value);
        for (uint32_t i = 0; i < count; i++) {
            bool missing = !good || is_missing(value[i]);
            bool coded = feature[i]->by_category || field[i]->type.type == PT_STRING;
            to[i][row] = missing ? (double)NAN
                         : coded ? code_of(feature[i], value[i])
                                 : value[i].number;
            bool odd = !missing && (value[i].invalid || to[i][row] != to[i][row]);
            if (!good || odd || (missing && !trees->exact)) mark_slow(b, row);
        }
    }
}

static const double **features(Block *b, const FastTrees *trees) {
    const double **column = ARENA_ARRAY(b->scratch, const double *, trees->features + 1);
    for (uint32_t f = 0; f < trees->features; f++) {
        const FastFeature *feature = &trees->feature[f];
        if (feature->field->kind != FIELD_INPUT) continue;
        column[f] = feature->by_category || b->pmml->in[feature->field->input].type == ML_TEXT
                        ? category_feature(b, trees, feature)
                        : number_feature(b, trees, feature->field);
    }
    computed_features(b, trees, column);
    return column;
}

// -- Steps ----------------------------------------------------------------------------------------

static void put_number(Block *b, const Step *step, uint32_t s, const double *x) {
    double *number = b->number[s] = arena_alloc(b->scratch, sizeof *number * b->rows);
    for (uint32_t row = 0; row < b->rows; row++) {
        double value = step_number(step->model, x[row]);
        number[row] = step->field_single ? (double)(float)value : value;
        // Asked of what comes in: limits of a target turn NaN into a number.
        if (x[row] != x[row] || value != value) mark_slow(b, row);
    }
}

// Fills [score], a row a class, or the step's number.
static void run_trees(Block *b, uint32_t s, double *score) {
    const Step *step = &b->fast->step[s];
    uint32_t outs = step->trees.classes ? step->trees.categories : 1;
    double *sum = score ? score : arena_alloc(b->scratch, sizeof *sum * b->rows);
    memset(sum, 0, sizeof *sum * b->rows * outs);
    tree_sum(step->trees.trees, features(b, &step->trees), b->rows, sum, b->scratch);
    for (uint32_t i = 0; step->trees.divisor != 1 && i < b->rows * outs; i++)
        sum[i] /= step->trees.divisor;
    if (!score) put_number(b, step, s, sum);
}

static void run_regression(Block *b, uint32_t s, double *score) {
    const Step *step = &b->fast->step[s];
    const Regression *regression = step->regression;
    double *alone = score ? score : arena_alloc(b->scratch, sizeof *alone * b->rows);
    for (uint32_t row = 0; row < b->rows; row++) {
        double *x = alone + (size_t)row * regression->tables;
        const uint32_t *input = step->input;
        for (uint32_t t = 0; t < regression->tables; t++) {
            const Table *table = &regression->table[t];
            x[t] = table->intercept;
            for (uint32_t i = 0; i < table->numerics; i++) {
                double value = b->number[*input++][row], exponent = table->numeric[i].exponent;
                x[t] +=
                    table->numeric[i].coefficient * (exponent == 1 ? value : pow(value, exponent));
            }
        }
        if (score) regression_classes(regression, x);
        else x[0] = regression_mean(regression, x[0]);
    }
    if (!score) put_number(b, step, s, alone);
}

// -- Outputs --------------------------------------------------------------------------------------

static void put_column(const Block *b, const Column *column, const uint32_t *key, MlColumn *out) {
    if (column->text) {
        Str *text = out->text + b->first;
        for (uint32_t row = 0; row < b->rows; row++) text[row] = column->string[key[row]];
    } else {
        double *number = out->number + b->first;
        for (uint32_t row = 0; row < b->rows; row++) number[row] = column->number[key[row]];
    }
}

static void leaf_outputs(Block *b, MlColumn *out) {
    const Fast *fast = b->fast;
    const FastTrees *trees = &fast->step[0].trees;
    uint32_t *leaf = arena_alloc(b->scratch, sizeof *leaf * b->rows);
    tree_leaves(trees->trees, features(b, trees), b->rows, leaf, b->scratch);
    for (uint32_t row = 0; row < b->rows; row++) {
        if (fast->leaf_slow[leaf[row]]) mark_slow(b, row);
    }
    for (uint32_t c = 0; c < fast->columns; c++) {
        const Column *column = &fast->column[c];
        if (!out[column->column].skip) put_column(b, column, leaf, &out[column->column]);
    }
}

// The winners. Between classes of trees a tie is decided by an order that arrays do not have.
static uint32_t *winners(Block *b, const double *score) {
    uint32_t classes = b->fast->categories,
             *winner = arena_alloc(b->scratch, sizeof *winner * b->rows);
    bool trees = last_step(b->fast)->is_trees;
    for (uint32_t row = 0; row < b->rows; row++, score += classes) {
        uint32_t best = 0;
        bool tie = score[0] != score[0];
        for (uint32_t k = 1; k < classes; k++) {
            tie = score[k] > score[best] ? false
                                         : tie | (score[k] == score[best]) | (score[k] != score[k]);
            if (score[k] > score[best]) best = k;
        }
        winner[row] = best;
        if (tie && (trees || score[best] != score[best])) mark_slow(b, row);
    }
    return winner;
}

static void score_outputs(Block *b, const double *score, const double *number, MlColumn *out) {
    const Fast *fast = b->fast;
    const uint32_t *winner = score ? winners(b, score) : NULL;
    for (uint32_t c = 0; c < fast->columns; c++) {
        const Column *column = &fast->column[c];
        MlColumn *to = &out[column->column];
        if (to->skip) continue;
        if (column->what == WHAT_LABEL) {
            put_column(b, column, winner, to);
            continue;
        }
        double *x = to->number + b->first;
        for (uint32_t row = 0; row < b->rows; row++) {
            double value = column->what == WHAT_NUMBER
                               ? number[row]
                               : score[(size_t)row * fast->categories + column->klass];
            x[row] = column->single ? (double)(float)value : value;
        }
    }
}

static void run_block(Block *b, MlColumn *out) {
    const Fast *fast = b->fast;
    if (fast->by_leaf) {
        leaf_outputs(b, out);
        return;
    }
    b->number = ARENA_ARRAY(b->scratch, double *, fast->steps);
    uint32_t last = fast->steps - 1;
    bool classes = fast->step[last].model->function == MINE_CLASSIFICATION;
    double *score =
        classes ? arena_alloc(b->scratch, sizeof *score * b->rows * (fast->categories + 1)) : NULL;
    for (uint32_t s = 0; s <= last; s++) {
        double *to = s == last ? score : NULL;
        if (fast->step[s].is_trees) run_trees(b, s, to);
        else run_regression(b, s, to);
    }
    score_outputs(b, score, b->number[last], out);
}

void fast_run(const Fast *fast, const Pmml *pmml, const MlColumn *in, uint32_t rows, MlColumn *out,
              uint64_t *slow, Row *row, Arena *scratch) {
    for (uint32_t c = 0; c < pmml->outs; c++) {
        if (!out[c].skip) bits_fill(out[c].valid, rows);
    }
    for (uint32_t first = 0; first < rows; first += BLOCK) {
        arena_reset(scratch);
        Block b = {.fast = fast,
                   .pmml = pmml,
                   .in = in,
                   .first = first,
                   .slow = slow,
                   .row = row,
                   .scratch = scratch,
                   .rows = rows - first < BLOCK ? rows - first : BLOCK};
        run_block(&b, out);
    }
}
