// ml/pmml/model_general.c - <GeneralRegressionModel>: linear models over parameters, each a product
// of factors (is the value this one) and covariates (its power); and Cox's hazards.
#include <math.h>

#include "ml/pmml/link.h"

typedef enum GeneralType {
    GENERAL_REGRESSION, GENERAL_LINEAR, GENERAL_MULTINOMIAL, GENERAL_ORDINAL, GENERAL_GENERALIZED,
    GENERAL_COX,
} GeneralType;

typedef struct Cell {  // of the matrix of parameters and predictors
    Str parameter;
    Value category;  // missing: all
    const Field *field;
    bool factor;
    Value value;
    double exponent;
    const Value *level;       // of a factor with a contrast matrix
    const double *contrast;   // [levels * levels]
    uint32_t levels;
    const Xml *matrix;        // where the contrasts stand
} Cell;

typedef struct Parameter {
    Str name;
    double reference;
} Parameter;

typedef struct Beta {
    Str parameter;
    Value category;  // missing: none in particular
    double beta;
} Beta;

typedef struct Baseline {
    Value stratum;
    double max_time, *time, *hazard;
    uint32_t cells;
} Baseline;

typedef struct General {
    uint8_t type;
    Link link;
    double link_parameter, offset;
    double trials;
    const Field *offset_field, *trials_field, *end_time, *strata;
    Cell *cell;
    Beta *beta;
    Parameter *parameter;
    Value *category;  // of the target, the reference last
    Baseline *baseline;
    uint32_t cells, betas, parameters, categories, baselines;
} General;

static Value category_of(Load *load, const Model *model, const Xml *at) {
    Str text = xml_attr(at, "targetCategory");
    return text.ptr ? category_value(load, model, at, text) : MISSING;
}

// -- Compiling ------------------------------------------------------------------------------------

static const Xml *predictor(const Xml *list, Str name) {
    const Xml *p = list ? xml_child(list, "Predictor") : NULL;
    while (p && !str_eq(xml_attr(p, "name"), name)) p = xml_next(p, "Predictor");
    return p;
}

// A contrast matrix, of whatever kind the document writes it in.
static const double *contrasts(Load *load, const Xml *matrix, uint32_t n) {
    double *all = load_array(load, matrix, (uint64_t)n * n, sizeof *all);
    Str kind = xml_attr(matrix, "kind");
    uint32_t r = 0;
    double diagonal = attr_number(load, matrix, "diagDefault", 0);
    double off = attr_number(load, matrix, "offDiagDefault", 0);
    for (uint32_t i = 0; i < n * n; i++) all[i] = i / n == i % n ? diagonal : off;
    for (const Xml *a = matrix->first; a; a = a->next) {
        if (xml_is(a, "MatCell")) {
            int64_t row = attr_int(load, a, "row", 0), col = attr_int(load, a, "col", 0);
            if (row < 1 || row > n || col < 1 || col > n)
                load_fail(load, a, "outside of the matrix");
            all[(row - 1) * n + col - 1] = parse_double(load, a, a->text);
            continue;
        }
        if (!str_ends(a->name, STR("Array"))) continue;
        uint32_t count;
        double *x = read_numbers(load, a, &count);
        if (r >= n || count > n) load_fail(load, a, "the matrix does not fit its categories");
        for (uint32_t c = 0; c < count; c++) {
            if (str_is(kind, "diagonal")) all[c * n + c] = x[c];
            else all[r * n + c] = x[c];
            if (str_is(kind, "symmetric")) all[c * n + r] = x[c];
        }
        r++;
    }
    return all;
}

static void cell_compile(Load *load, Model *model, const General *self, const Xml *factors,
                         const Xml *at, Cell *cell) {
    Str name = need_attr(load, at, "predictorName"), value = need_attr(load, at, "value");
    const Xml *factor = predictor(factors, name);
    *cell = (Cell){.parameter = need_attr(load, at, "parameterName"),
                   .category = category_of(load, model, at),
                   .field = field_find(load, model, name, at),
                   .factor = factor != NULL,
                   .exponent = 1};
    if (!factor) {
        cell->exponent = parse_double(load, at, value);
        return;
    }
    if (!value_parse(value, cell->field->type, &cell->value)) cell->value = value_text(value);
    const Xml *matrix = xml_child(factor, "Matrix"), *levels = xml_child(factor, "Categories");
    if (!matrix) return;
    if (!levels) load_unsupported(load, factor, "a contrast matrix without categories");
    cell->matrix = matrix;
    for (uint32_t i = 0; i < self->cells; i++) {
        if (self->cell[i].matrix != matrix) continue;
        cell->level = self->cell[i].level;
        cell->levels = self->cell[i].levels;
        cell->contrast = self->cell[i].contrast;
        return;
    }
    Value *level = ARENA_ARRAY(load->arena, Value, xml_count(levels, "Category"));
    for (const Xml *c = xml_child(levels, "Category"); c; c = xml_next(c, "Category")) {
        level[cell->levels++] = need_value(load, c, need_attr(load, c, "value"), cell->field->type);
    }
    if (cell->levels > 1000) load_fail(load, factor, "too many categories");
    cell->level = level;
    cell->contrast = contrasts(load, matrix, cell->levels);
}

static bool has_beta(const General *self, Value category) {
    for (uint32_t i = 0; i < self->betas; i++) {
        if (value_eq(self->beta[i].category, category)) return true;
    }
    return false;
}

// The target's classes, the one that the others are measured against last.
static void categories_compile(Load *load, Model *model, General *self) {
    const Domain *domain = model->target[0].domain;
    uint32_t count = domain ? domain->valids : 0;
    if (count < 2) load_fail(load, model->xml, "the data dictionary must list the target's values");
    self->category = ARENA_ARRAY(load->arena, Value, count);
    Str text = xml_attr(model->xml, "targetReferenceCategory");
    Value reference = text.ptr ? category_value(load, model, model->xml, text) : MISSING;
    for (uint32_t i = 0; i < count && !text.ptr && self->type != GENERAL_ORDINAL; i++) {
        if (!has_beta(self, domain->valid[i])) reference = domain->valid[i];
    }
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        bool is_reference = !is_missing(reference) && value_eq(domain->valid[i], reference);
        found |= is_reference;
        if (!is_reference) self->category[self->categories++] = domain->valid[i];
    }
    if (found) self->category[self->categories++] = reference;
}

static void baseline_cells(Load *load, const Xml *at, Baseline *baseline) {
    uint32_t count = xml_count(at, "BaselineCell");
    baseline->max_time = need_number(load, at, "maxTime");
    baseline->time = ARENA_ARRAY(load->arena, double, count);
    baseline->hazard = ARENA_ARRAY(load->arena, double, count);
    for (const Xml *c = xml_child(at, "BaselineCell"); c; c = xml_next(c, "BaselineCell")) {
        baseline->time[baseline->cells] = need_number(load, c, "time");
        baseline->hazard[baseline->cells++] = need_number(load, c, "cumHazard");
    }
}

static void cox_compile(Load *load, Model *model, General *self) {
    const Xml *tables = need_child(load, model->xml, "BaseCumHazardTables");
    Str end = need_attr(load, model->xml, "endTimeVariable");
    Str strata = xml_attr(model->xml, "baselineStrataVariable");
    self->end_time = field_find(load, model, end, model->xml);
    self->baseline = ARENA_ARRAY(load->arena, Baseline, xml_count(tables, "BaselineStratum") + 1);
    if (!strata.ptr) {
        baseline_cells(load, tables, &self->baseline[self->baselines++]);
        return;
    }
    self->strata = field_find(load, model, strata, model->xml);
    for (const Xml *s = xml_child(tables, "BaselineStratum"); s;
         s = xml_next(s, "BaselineStratum")) {
        Baseline *baseline = &self->baseline[self->baselines++];
        baseline->stratum = need_value(load, s, need_attr(load, s, "value"), self->strata->type);
        baseline_cells(load, s, baseline);
    }
}

static const Field *optional_field(Load *load, Model *model, const char *attribute) {
    Str name = xml_attr(model->xml, attribute);
    return name.ptr ? field_find(load, model, name, model->xml) : NULL;
}

static void compile(Load *load, Model *model) {
    static const char *const TYPES[] = {"regression",
                                        "generalLinear",
                                        "multinomialLogistic",
                                        "ordinalMultinomial",
                                        "generalizedLinear",
                                        "CoxRegression",
                                        ""};
    General *self = ARENA_NEW(load->arena, General);
    const Xml *at = model->xml, *factors = xml_child(at, "FactorList");
    (void)need_attr(load, at, "modelType");
    self->type = (uint8_t)attr_enum(load, at, "modelType", TYPES, 0);
    const char *link = self->type == GENERAL_ORDINAL ? "cumulativeLink" : "linkFunction";
    self->link = attr_link(load, at, link, self->type == GENERAL_ORDINAL ? LINK_LOGIT : LINK_NONE);
    self->link_parameter = attr_number(load, at, self->link == LINK_NEGBIN ? "distParameter"
                                                                          : "linkParameter", 1);
    self->offset = attr_number(load, at, "offsetValue", 0);
    self->trials = attr_number(load, at, "trialsValue", NAN);
    self->offset_field = optional_field(load, model, "offsetVariable");
    self->trials_field = optional_field(load, model, "trialsVariable");
    const Xml *list = xml_child(at, "ParameterList"), *pp = xml_child(at, "PPMatrix");
    const Xml *matrix = need_child(load, at, "ParamMatrix");
    self->parameter = ARENA_ARRAY(load->arena, Parameter, list ? xml_count(list, "Parameter") : 0);
    const Xml *x = list ? xml_child(list, "Parameter") : NULL;
    for (; x; x = xml_next(x, "Parameter")) {
        self->parameter[self->parameters++] = (Parameter){
            need_attr(load, x, "name"), attr_number(load, x, "referencePoint", 0)};
    }
    self->cell = ARENA_ARRAY(load->arena, Cell, pp ? xml_count(pp, "PPCell") : 0);
    for (x = pp ? xml_child(pp, "PPCell") : NULL; x; x = xml_next(x, "PPCell")) {
        cell_compile(load, model, self, factors, x, &self->cell[self->cells]);
        self->cells++;
    }
    self->beta = ARENA_ARRAY(load->arena, Beta, xml_count(matrix, "PCell"));
    for (x = xml_child(matrix, "PCell"); x; x = xml_next(x, "PCell")) {
        self->beta[self->betas++] =
            (Beta){need_attr(load, x, "parameterName"), category_of(load, model, x),
                   need_number(load, x, "beta")};
    }
    if (model->function == MINE_CLASSIFICATION) categories_compile(load, model, self);
    if (self->type == GENERAL_COX) cox_compile(load, model, self);
    model->impl = self;
}

// -- Scoring --------------------------------------------------------------------------------------

static double contrast_of(Row *row, const Cell *cell, Value value) {
    int64_t r = -1, c = -1;
    for (uint32_t i = 0; i < cell->levels; i++) {
        if (value_eq(cell->level[i], value)) r = i;
        if (value_eq(cell->level[i], cell->value)) c = i;
    }
    if (r < 0 || c < 0) row_fail(row, "a value that the contrast matrix does not know");
    return cell->contrast[r * cell->levels + c];
}

// The product that a parameter stands for; NaN: a value is missing.
static double parameter_value(Row *row, const General *self, Str parameter, Value category) {
    double product = 1;
    for (int pass = 0; pass < 2; pass++) {  // factors first: zero leaves covariates unseen
        for (uint32_t i = 0; i < self->cells; i++) {
            const Cell *cell = &self->cell[i];
            if (cell->factor == (pass == 1) || !str_eq(cell->parameter, parameter) ||
                (!is_missing(cell->category) && !value_eq(cell->category, category))) {
                continue;
            }
            Value value = field_value(row, cell->field);
            if (is_missing(value)) return (double)NAN;
            if (cell->contrast) product *= contrast_of(row, cell, value);
            else if (cell->factor) product *= value_eq(value, cell->value) ? 1 : 0;
            else product *= cell->exponent == 1 ? value_as_number(value)
                                                : pow(value_as_number(value), cell->exponent);
        }
        if (product == 0) return 0;
    }
    return product;
}

// Sum over the betas of a class (missing: those of none in particular).
static double dot(Row *row, const General *self, Value category) {
    double sum = 0;
    for (uint32_t i = 0; i < self->betas && !isnan(sum); i++) {
        const Beta *beta = &self->beta[i];
        if (!value_eq(beta->category, category)) continue;
        sum += beta->beta * parameter_value(row, self, beta->parameter, category);
    }
    return sum;
}

static double needed(Row *row, const Field *field) {
    double x = field_number(row, field);
    if (isnan(x)) row_fail(row, "field '" STR_FMT "' must not be missing", STR_ARG(field->name));
    return x;
}

static double with_offset(Row *row, const General *self, double x) {
    return x + (self->offset_field ? needed(row, self->offset_field) : self->offset);
}

static double linked(Row *row, const General *self, double x) {
    x = link_inverse_with(self->link, with_offset(row, self, x), self->link_parameter);
    double trials = self->trials_field ? needed(row, self->trials_field) : self->trials;
    return isnan(trials) ? x : x * trials;
}

static double cox(Row *row, const General *self) {
    const Baseline *baseline = &self->baseline[0];
    if (self->strata) {
        Value stratum = field_value(row, self->strata);
        baseline = NULL;
        for (uint32_t i = 0; i < self->baselines && !baseline; i++) {
            if (value_eq(self->baseline[i].stratum, stratum)) baseline = &self->baseline[i];
        }
        if (!baseline) return (double)NAN;
    }
    double time = needed(row, self->end_time), hazard = 0, latest = -INFINITY, reference = 0;
    if (time > baseline->max_time) return (double)NAN;
    for (uint32_t i = 0; i < baseline->cells; i++) {
        if (baseline->time[i] > time || baseline->time[i] < latest) continue;
        latest = baseline->time[i];
        hazard = baseline->hazard[i];
    }
    if (isinf(latest)) return 0;
    for (uint32_t i = 0; i < self->betas; i++) {
        for (uint32_t p = 0; p < self->parameters; p++) {
            if (!str_eq(self->parameter[p].name, self->beta[i].parameter)) continue;
            reference += self->beta[i].beta * self->parameter[p].reference;
        }
    }
    return exp(dot(row, self, MISSING) - reference) * hazard;
}

static bool class_scores(Row *row, const General *self, double *score) {
    uint32_t last = self->categories - 1;
    double sum = 0, before = 0;
    for (uint32_t i = 0; i < last; i++) {
        Value category = self->category[i];
        double x = dot(row, self, has_beta(self, category) ? category : MISSING);
        if (self->type == GENERAL_ORDINAL) x += dot(row, self, MISSING);
        if (isnan(x)) return false;
        if (self->type == GENERAL_MULTINOMIAL) {
            score[i] = exp(x);
        } else if (self->type == GENERAL_ORDINAL) {
            double cumulated = link_inverse(self->link, with_offset(row, self, x));
            score[i] = cumulated - before;
            before = cumulated;
        } else {
            score[i] = linked(row, self, x);
            before = score[i];
        }
        sum += score[i];
    }
    if (self->type != GENERAL_MULTINOMIAL) {
        score[last] = 1 - before;
        return true;
    }
    score[last] = 1;
    for (uint32_t i = 0; i <= last; i++) score[i] /= sum + 1;
    return true;
}

static void score(const Model *model, Row *row, Result *out) {
    const General *self = model->impl;
    if (model->function == MINE_CLASSIFICATION) {
        out->score = ROW_ARRAY(row, double, self->categories);
        if (!class_scores(row, self, out->score)) {
            result_missing(model, row, out);
            return;
        }
        out->category = self->category;
        out->count = self->categories;
        result_class(model, row, PROBABILITY, out);
        return;
    }
    double x = self->type == GENERAL_COX ? cox(row, self) : dot(row, self, MISSING);
    if (isnan(x)) result_missing(model, row, out);
    else
        result_number(model, row, self->type == GENERAL_GENERALIZED ? linked(row, self, x) : x,
                      out);
}

const ModelKind GENERAL_REGRESSION_MODEL = {"GeneralRegressionModel", compile, score};
