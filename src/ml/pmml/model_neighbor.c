// ml/pmml/model_neighbor.c - <NearestNeighborModel>: what the nearest of the training records say.
#include <math.h>
#include <stdlib.h>

#include "ml/pmml/measure.h"

enum { CONTINUOUS_AVERAGE, CONTINUOUS_WEIGHTED_AVERAGE, CONTINUOUS_MEDIAN };
enum { CATEGORICAL_VOTE, CATEGORICAL_WEIGHTED_VOTE };

typedef struct Neighbors {
    Measure measure;
    Compared *field;
    uint32_t fields;
    Value *record;    // [records * fields]
    Value *id;        // of each record
    Value **answer;   // [targets][records]; NULL: a target that the records do not have
    uint32_t records, neighbors, ranks;
    uint8_t continuous, categorical;
    double threshold;
} Neighbors;

typedef struct Column {  // of the training table
    Str name;
    Field *field;        // NULL: the identifier, or a target
    int64_t target;      // its number, or -1
    bool is_id;
} Column;

typedef struct Training {
    Load *load;
    Model *model;
    Neighbors *self;
    Column *column;
    uint32_t columns;
    Row row;
} Training;

// -- Compiling ------------------------------------------------------------------------------------

static void column_compile(Training *t, const Xml *at, Str id_variable) {
    Str name = need_attr(t->load, at, "field");
    Str column = xml_attr(at, "column").ptr ? need_column(t->load, at, "column") : name;
    Column *self = &t->column[t->columns++];
    *self = (Column){.name = column, .target = -1};
    self->is_id = id_variable.ptr && str_eq(id_variable, name);
    for (uint32_t i = 0; i < t->model->targets; i++) {
        if (str_eq(t->model->target[i].name, name)) self->target = i;
    }
    if (self->is_id || self->target >= 0) return;
    self->field = field_find(t->load, t->model, name, at);
}

static Value cell_value(Training *t, const Xml *cell, DataType type) {
    Value value;
    if (!value_parse(cell->text, type, &value)) {
        load_fail(t->load, cell, "'" STR_FMT "' is not of its field's type", STR_ARG(cell->text));
    }
    return value;
}

// A record's cells become the values of fields; what is derived from them is worked out as for a
// row.
static void record_compile(Training *t, const Xml *at, uint32_t record) {
    Neighbors *self = t->self;
    t->row.now++;
    self->id[record] = value_text(str_printf(t->load->arena, "%u", record + 1));
    for (uint32_t c = 0; c < t->columns; c++) {
        const Column *column = &t->column[c];
        const Xml *cell = at->first;
        while (cell && !str_eq(cell->name, column->name)) cell = cell->next;
        if (column->is_id && cell) self->id[record] = value_text(cell->text);
        if (column->target >= 0 && cell) {
            self->answer[column->target][record] =
                cell_value(t, cell, t->model->target[column->target].type);
        }
        if (!column->field) continue;
        Value value = cell ? cell_value(t, cell, column->field->type) : MISSING;
        t->row.slot[column->field->slot] = field_prepare(&t->row, column->field, value);
        t->row.stamp[column->field->slot] = t->row.now;
    }
    for (uint32_t i = 0; i < self->fields; i++) {
        Value value = field_value(&t->row, self->field[i].field);
        if (value.type == PT_STRING) value.text = str_dup(t->load->arena, value.text);
        self->record[(size_t)record * self->fields + i] = value;
    }
}

static void records_compile(Training *t, const Xml *table) {
    Neighbors *self = t->self;
    Pmml *pmml = t->load->pmml;
    Error err = {0};
    t->row = (Row){.pmml = pmml, .arena = t->load->arena, .err = &err};
    t->row.slot = ARENA_ARRAY(t->load->arena, Value, pmml->slots + 1);
    t->row.stamp = ARENA_ARRAY(t->load->arena, uint32_t, pmml->slots + 1);
    t->row.texts = text_caches(pmml, t->load->arena);
    if (setjmp(t->row.out)) load_fail(t->load, table, "%s", err.message);
    for (const Xml *r = xml_child(table, "row"); r; r = xml_next(r, "row")) {
        record_compile(t, r, self->records++);
    }
}

static uint32_t ranks_asked(Load *load, const Model *model) {
    const Xml *output = xml_child(model->xml, "Output");
    int64_t most = 1;
    const Xml *o = output ? xml_child(output, "OutputField") : NULL;
    for (; o; o = xml_next(o, "OutputField")) {
        int64_t rank = attr_int(load, o, "rank", 1);
        if (rank > most) most = rank;
    }
    return most > 1000000 ? 1000000 : (uint32_t)most;
}

static void compile(Load *load, Model *model) {
    static const char *const CONTINUOUS[] = {"average", "weightedAverage", "median", ""};
    static const char *const CATEGORICAL[] = {"majorityVote", "weightedMajorityVote", ""};
    Neighbors *self = ARENA_NEW(load->arena, Neighbors);
    const Xml *at = model->xml, *inputs = need_child(load, at, "KNNInputs");
    const Xml *training = need_child(load, at, "TrainingInstances");
    const Xml *columns = need_child(load, training, "InstanceFields");
    const Xml *table = xml_child(training, "InlineTable");
    if (!table) load_unsupported(load, training, "a table outside of the document");
    measure_compile(load, at, &self->measure);
    self->continuous = (uint8_t)attr_enum(load, at, "continuousScoringMethod", CONTINUOUS, 0);
    self->categorical = (uint8_t)attr_enum(load, at, "categoricalScoringMethod", CATEGORICAL, 0);
    self->threshold = attr_number(load, at, "threshold", 0.001);
    self->field = ARENA_ARRAY(load->arena, Compared, xml_count(inputs, "KNNInput"));
    for (const Xml *i = xml_child(inputs, "KNNInput"); i; i = xml_next(i, "KNNInput")) {
        compared_compile(load, model, i, &self->measure, &self->field[self->fields++]);
    }
    Training *t = ARENA_NEW(load->arena, Training);
    *t = (Training){.load = load, .model = model, .self = self};
    t->column = ARENA_ARRAY(load->arena, Column, xml_count(columns, "InstanceField"));
    for (const Xml *f = xml_child(columns, "InstanceField"); f; f = xml_next(f, "InstanceField")) {
        column_compile(t, f, xml_attr(at, "instanceIdVariable"));
    }
    uint32_t count = xml_count(table, "row");
    self->record = load_array(load, at, (uint64_t)count * self->fields, sizeof(Value));
    self->id = ARENA_ARRAY(load->arena, Value, count);
    self->answer = ARENA_ARRAY(load->arena, Value *, model->targets);
    for (uint32_t i = 0; i < model->targets; i++)
        self->answer[i] = ARENA_ARRAY(load->arena, Value, count);
    records_compile(t, table);
    int64_t neighbors = attr_int(load, at, "numberOfNeighbors", 0);
    if (neighbors < 1 || neighbors > count)
        load_fail(load, at, "there are fewer records than neighbors");
    self->neighbors = (uint32_t)neighbors;
    self->ranks = ranks_asked(load, model);
    if (self->ranks < self->neighbors) self->ranks = self->neighbors;
    if (self->ranks > count) self->ranks = count;
    model->impl = self;
}

// -- Scoring --------------------------------------------------------------------------------------

// The [ranks] best records, best first; of equals the one that comes first.
static uint32_t *nearest(Row *row, const Neighbors *self, const double *score) {
    uint32_t *best = ROW_ARRAY(row, uint32_t, self->ranks + 1), count = 0;
    for (uint32_t i = 0; i < self->records; i++) {
        uint32_t at = count;
        for (; at; at--) {
            double other = score[best[at - 1]];
            if (self->measure.similarity ? other >= score[i] : other <= score[i]) break;
            best[at] = best[at - 1];
        }
        best[at] = i;
        if (count < self->ranks) count++;
    }
    return best;
}

static double weight_of(const Neighbors *self, double score) {
    return 1 / (score + self->threshold);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static Value number_answer(Row *row, const Neighbors *self, const Value *answer,
                           const uint32_t *best, const double *score) {
    double *x = ROW_ARRAY(row, double, self->neighbors), sum = 0, weights = 0;
    for (uint32_t i = 0; i < self->neighbors; i++) {
        bool weighted = self->continuous == CONTINUOUS_WEIGHTED_AVERAGE;
        double weight = weighted ? weight_of(self, score[best[i]]) : 1;
        x[i] = value_as_number(answer[best[i]]);
        sum += x[i] * weight;
        weights += weight;
    }
    if (self->continuous != CONTINUOUS_MEDIAN) return value_double(sum / weights);
    qsort(x, self->neighbors, sizeof *x, by_size);
    uint32_t half = self->neighbors / 2;
    return value_double(self->neighbors % 2 ? x[half] : (x[half - 1] + x[half]) / 2);
}

static uint32_t cases_of(const Neighbors *self, const Value *answer, Value value) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->records; i++) count += value_eq(answer[i], value);
    return count;
}

// The most votes; of equals what is more frequent in all records, then what is smaller.
static Value class_answer(Row *row, const Neighbors *self, const Value *answer,
                          const uint32_t *best, const double *score) {
    Value *value = ROW_ARRAY(row, Value, self->neighbors);
    double *votes = ROW_ARRAY(row, double, self->neighbors);
    uint32_t count = 0, winner = 0;
    for (uint32_t i = 0; i < self->neighbors; i++) {
        uint32_t at = 0;
        while (at < count && !value_eq(value[at], answer[best[i]])) at++;
        if (at == count) value[count++] = answer[best[i]];
        votes[at] +=
            self->categorical == CATEGORICAL_WEIGHTED_VOTE ? weight_of(self, score[best[i]]) : 1;
    }
    for (uint32_t i = 1; i < count; i++) {
        if (votes[i] < votes[winner]) continue;
        if (votes[i] == votes[winner]) {
            uint32_t a = cases_of(self, answer, value[i]),
                     b = cases_of(self, answer, value[winner]);
            if (a < b || (a == b && value_cmp(value[i], value[winner]) >= 0)) continue;
        }
        winner = i;
    }
    return value[winner];
}

static void score(const Model *model, Row *row, Result *out) {
    const Neighbors *self = model->impl;
    Value *value = ROW_ARRAY(row, Value, self->fields + 1);
    for (uint32_t i = 0; i < self->fields; i++) value[i] = field_value(row, self->field[i].field);
    double adjustment =
        self->measure.similarity ? 1 : measure_adjustment(row, value, NULL, self->fields);
    out->score = ROW_ARRAY(row, double, self->records);
    for (uint32_t i = 0; i < self->records; i++) {
        out->score[i] =
            measure_value(&self->measure, self->field, value,
                          self->record + (size_t)i * self->fields, self->fields, adjustment);
    }
    row->steps += self->records;
    const uint32_t *best = nearest(row, self, out->score);
    out->category = self->id;
    out->count = self->records;
    out->scores = self->measure.similarity ? SIMILARITY : DISTANCE;
    Str *ranked = ROW_ARRAY(row, Str, self->ranks);
    double *affinity = ROW_ARRAY(row, double, self->ranks);
    for (uint32_t i = 0; i < self->ranks; i++) {
        ranked[i] = self->id[best[i]].text;
        affinity[i] = out->score[best[i]];
    }
    out->ranked = ranked;
    out->ranked_affinity = affinity;
    out->rankeds = self->ranks;
    out->entity = ranked[0];
    out->entity_affinity = affinity[0];
    out->has_entity_affinity = true;
    out->value = value_text(ranked[0]);
    if (model->function == MINE_CLUSTERING) return;
    const Result *shared = out;
    for (uint32_t t = 0; t < model->targets; t++) {
        Result *at = out;
        if (t) {
            at = ROW_ARRAY(row, Result, 1);
            *at = *shared;
            at->more = out->more;
            out->more = at;
        }
        const Target *target = &model->target[t];
        Value answer = target->optype == OP_CONTINUOUS
                           ? number_answer(row, self, self->answer[t], best, out->score)
                           : class_answer(row, self, self->answer[t], best, out->score);
        at->target = target->name;
        if (!value_cast(answer, target->type, row->arena, &at->value)) at->value = answer;
    }
}

const ModelKind NEIGHBOR_MODEL = {"NearestNeighborModel", compile, score};
