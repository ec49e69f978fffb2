// ml/pmml/model_scorecard.c - <Scorecard>: points a characteristic, and which of them cost most.
#include <math.h>

#include "ml/pmml/pmml_int.h"

typedef struct Attribute {
    const Predicate *predicate;
    const Expr *expr;  // its points; or NULL
    double points;     // NaN: none
    Str reason;
} Attribute;

typedef struct Characteristic {
    Attribute *attribute;
    uint32_t attributes;
    double baseline;
    Str name;
} Characteristic;

typedef struct Scorecard {
    double initial;
    bool reasons, points_above;
    Characteristic *characteristic;
    uint32_t characteristics;
} Scorecard;

static void attribute_compile(Load *load, Model *model, const Xml *at, Str reason,
                              Attribute *self) {
    const Xml *complex = xml_child(at, "ComplexPartialScore");
    Str own = xml_attr(at, "reasonCode");
    self->predicate = predicate_compile(load, model, predicate_child(load, at));
    self->points = attr_number(load, at, "partialScore", NAN);
    self->reason = own.ptr ? own : reason;
    if (complex) {
        const Xml *expr = expr_child(complex);
        if (!expr) load_fail(load, complex, "a score without an expression");
        self->expr = expr_compile(load, model, NULL, expr);
    }
    if (!complex && isnan(self->points))
        load_fail(load, at, "its attribute partialScore is missing");
}

static void compile(Load *load, Model *model) {
    static const char *const ALGORITHMS[] = {"pointsBelow", "pointsAbove", ""};
    Scorecard *self = ARENA_NEW(load->arena, Scorecard);
    const Xml *at = model->xml, *list = need_child(load, at, "Characteristics");
    self->initial = attr_number(load, at, "initialScore", 0);
    self->reasons = attr_bool(load, at, "useReasonCodes", true);
    self->points_above = attr_enum(load, at, "reasonCodeAlgorithm", ALGORITHMS, 0) == 1;
    double baseline = attr_number(load, at, "baselineScore", 0);
    self->characteristic =
        ARENA_ARRAY(load->arena, Characteristic, xml_count(list, "Characteristic"));
    for (const Xml *c = xml_child(list, "Characteristic"); c; c = xml_next(c, "Characteristic")) {
        Characteristic *one = &self->characteristic[self->characteristics++];
        one->baseline = attr_number(load, c, "baselineScore", baseline);
        one->name = xml_attr(c, "name");
        one->attribute = ARENA_ARRAY(load->arena, Attribute, xml_count(c, "Attribute"));
        for (const Xml *a = xml_child(c, "Attribute"); a; a = xml_next(a, "Attribute")) {
            attribute_compile(load, model, a, xml_attr(c, "reasonCode"),
                              &one->attribute[one->attributes++]);
        }
    }
    model->impl = self;
}

static const Attribute *attribute_of(Row *row, const Characteristic *self) {
    for (uint32_t i = 0; i < self->attributes; i++) {
        if (predicate_truth(row, self->attribute[i].predicate) == YES) return &self->attribute[i];
    }
    row_fail(row, "characteristic '" STR_FMT "': none of its attributes holds",
             STR_ARG(self->name));
}

static double points_of(Row *row, const Attribute *self) {
    if (!self->expr) return self->points;
    Value value = expr_value(row, self->expr);
    if (is_missing(value)) row_fail(row, "a partial score that is missing");
    return value_as_number(value);
}

typedef struct Reason {
    Str code;
    double points;
} Reason;

static void add_reason(Reason *reason, uint32_t *count, Str code, double points) {
    uint32_t at = 0;
    while (at < *count && !str_eq(reason[at].code, code)) at++;
    if (at == *count) reason[(*count)++] = (Reason){.code = code};
    reason[at].points += points;
}

// The most points first; those below zero are no reasons.
static void rank_reasons(Row *row, const Reason *reason, uint32_t count, Result *out) {
    Str *code = ROW_ARRAY(row, Str, count + 1);
    double *points = ROW_ARRAY(row, double, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (reason[i].points < 0) continue;
        uint32_t at = out->reasons++;
        for (; at && points[at - 1] < reason[i].points; at--) {
            points[at] = points[at - 1];
            code[at] = code[at - 1];
        }
        points[at] = reason[i].points;
        code[at] = reason[i].code;
    }
    out->reason = code;
}

static void score(const Model *model, Row *row, Result *out) {
    const Scorecard *self = model->impl;
    Reason *reason = ROW_ARRAY(row, Reason, self->characteristics + 1);
    uint32_t reasons = 0;
    double sum = self->initial;
    for (uint32_t i = 0; i < self->characteristics; i++) {
        const Characteristic *one = &self->characteristic[i];
        const Attribute *attribute = attribute_of(row, one);
        double points = points_of(row, attribute);
        sum += points;
        if (!self->reasons || !attribute->reason.ptr) continue;
        double difference = self->points_above ? points - one->baseline : one->baseline - points;
        add_reason(reason, &reasons, attribute->reason, difference);
    }
    result_number(model, row, sum, out);
    if (self->reasons) rank_reasons(row, reason, reasons, out);
}

const ModelKind SCORECARD_MODEL = {"Scorecard", compile, score};
