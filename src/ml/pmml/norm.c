// ml/pmml/norm.c - NormContinuous: a line through given points, piece by piece.
#include <math.h>

#include "ml/pmml/pmml_int.h"

NormContinuous *norm_compile(Load *load, Model *model, const Xml *at) {
    static const char *const OUTLIERS[] = {"asIs", "asMissingValues", "asExtremeValues", ""};
    NormContinuous *self = ARENA_NEW(load->arena, NormContinuous);
    uint32_t count = xml_count(at, "LinearNorm");
    if (count < 2) load_fail(load, at, "two points at least are needed");
    if (model) self->field = field_find(load, model, need_attr(load, at, "field"), at);
    self->orig = ARENA_ARRAY(load->arena, double, count);
    self->norm = ARENA_ARRAY(load->arena, double, count);
    for (const Xml *n = xml_child(at, "LinearNorm"); n; n = xml_next(n, "LinearNorm")) {
        self->orig[self->count] = need_number(load, n, "orig");
        self->norm[self->count++] = need_number(load, n, "norm");
    }
    self->outliers = (uint8_t)attr_enum(load, at, "outliers", OUTLIERS, 0);
    self->map_missing = attr_number(load, at, "mapMissingTo", NAN);
    return self;
}

static double line(double x, double x1, double y1, double x2, double y2) {
    return x1 == x2 ? y1 : y1 + (x - x1) / (x2 - x1) * (y2 - y1);
}

double norm_value(const NormContinuous *self, double x) {
    uint32_t last = self->count - 1, i = 0;
    if (isnan(x)) return self->map_missing;
    if (x < self->orig[0] || x > self->orig[last]) {
        bool below = x < self->orig[0];
        if (self->outliers == 1) return (double)NAN;
        if (self->outliers == 2) return below ? self->norm[0] : self->norm[last];
        i = below ? 0 : last - 1;
    } else {
        while (i + 1 < last && x > self->orig[i + 1]) i++;
    }
    return line(x, self->orig[i], self->norm[i], self->orig[i + 1], self->norm[i + 1]);
}

double norm_inverse(const NormContinuous *self, double y) {
    uint32_t last = self->count - 1, i = 0;
    bool rising = self->norm[last] >= self->norm[0];
    while (i + 1 < last && (rising ? y > self->norm[i + 1] : y < self->norm[i + 1])) i++;
    return line(y, self->norm[i], self->orig[i], self->norm[i + 1], self->orig[i + 1]);
}
