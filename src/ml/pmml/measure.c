#include "ml/pmml/measure.h"

#include <math.h>

enum { EUCLIDEAN, SQUARED_EUCLIDEAN, CHEBYCHEV, CITY_BLOCK, MINKOWSKI, SIMPLE_MATCHING, JACCARD,
       TANIMOTO, BINARY_SIMILARITY };
enum { ABS_DIFF, GAUSS_SIM, DELTA, EQUAL };

static const char *const COMPARES[] = {"absDiff", "gaussSim", "delta", "equal", ""};

void measure_compile(Load *load, const Xml *model, Measure *self) {
    static const char *const KINDS[] = {"euclidean", "squaredEuclidean", "chebychev", "cityBlock",
                                        "minkowski", "simpleMatching", "jaccard", "tanimoto",
                                        "binarySimilarity"};
    const Xml *at = need_child(load, model, "ComparisonMeasure");
    self->compare = (uint8_t)attr_enum(load, at, "compareFunction", COMPARES, ABS_DIFF);
    for (uint8_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++) {
        const Xml *kind = xml_child(at, KINDS[k]);
        if (!kind) continue;
        self->kind = k;
        self->similarity = k >= SIMPLE_MATCHING;
        if (k == MINKOWSKI) self->power = need_number(load, kind, "p-parameter");
        if (k == MINKOWSKI && !(self->power > 0))
            load_fail(load, kind, "its power is not above zero");
        for (uint32_t i = 0; k == BINARY_SIMILARITY && i < 4; i++) {
            char c[] = "c00-parameter", d[] = "d00-parameter";
            c[1] = d[1] = (char)('0' + i / 2);
            c[2] = d[2] = (char)('0' + i % 2);
            self->c[i] = need_number(load, kind, c);
            self->d[i] = need_number(load, kind, d);
        }
        return;
    }
    load_unsupported(load, at, "this measure");
}

void compared_compile(Load *load, Model *model, const Xml *at, const Measure *measure,
                      Compared *self) {
    self->field = field_find(load, model, need_attr(load, at, "field"), at);
    self->compare = (uint8_t)attr_enum(load, at, "compareFunction", COMPARES, measure->compare);
    self->weight = attr_number(load, at, "fieldWeight", 1);
    self->scale = attr_number(load, at, "similarityScale", NAN);
    if (self->compare == GAUSS_SIM && isnan(self->scale))
        load_fail(load, at, "its similarityScale is missing");
}

double measure_adjustment(Row *row, const Value *value, const double *weight, uint32_t count) {
    double all = 0, there = 0;
    for (uint32_t i = 0; i < count; i++) {
        all += weight ? weight[i] : 1;
        if (!is_missing(value[i])) there += weight ? weight[i] : 1;
    }
    if (there == 0) row_fail(row, "all values that are compared are missing");
    return all / there;
}

static double difference(const Compared *field, Value a, Value b) {
    if (field->compare == DELTA) return value_eq(a, b) ? 0 : 1;
    if (field->compare == EQUAL) return value_eq(a, b) ? 1 : 0;
    double d = value_as_number(a) - value_as_number(b);
    if (field->compare == GAUSS_SIM) return exp(-M_LN2 * d * d / (field->scale * field->scale));
    return fabs(d);
}

static double likeness(const Measure *self, const Value *a, const Value *b, uint32_t count) {
    double n[4] = {0};  // 00, 01, 10, 11
    for (uint32_t i = 0; i < count; i++) {
        bool x = !is_missing(a[i]) && value_as_number(a[i]) != 0;
        n[(x ? 2 : 0) + (value_as_number(b[i]) != 0 ? 1 : 0)]++;
    }
    switch (self->kind) {
        case SIMPLE_MATCHING: return (n[3] + n[0]) / (n[0] + n[1] + n[2] + n[3]);
        case JACCARD: return n[3] / (n[1] + n[2] + n[3]);
        case TANIMOTO: return (n[3] + n[0]) / (n[3] + 2 * (n[1] + n[2]) + n[0]);
        default: break;
    }
    double c = 0, d = 0;
    for (int i = 0; i < 4; i++) c += self->c[i] * n[i], d += self->d[i] * n[i];
    return c / d;
}

double measure_value(const Measure *self, const Compared *field, const Value *value,
                     const Value *record, uint32_t count, double adjustment) {
    if (self->similarity) return likeness(self, value, record, count);
    double inner = self->kind == MINKOWSKI ? self->power : self->kind <= SQUARED_EUCLIDEAN ? 2 : 1;
    double sum = 0, most = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (is_missing(value[i])) continue;
        double d = difference(&field[i], value[i], record[i]);
        d = (inner == 1 ? d : inner == 2 ? d * d : pow(d, inner)) * field[i].weight;
        sum += d;
        most = fmax(most, d);
    }
    if (self->kind == CHEBYCHEV) return most * adjustment;
    sum *= adjustment;
    if (self->kind == EUCLIDEAN) return sqrt(sum);
    return self->kind == MINKOWSKI ? pow(sum, 1 / self->power) : sum;
}
