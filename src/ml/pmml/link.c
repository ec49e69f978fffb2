#include "ml/pmml/link.h"

#include <math.h>

Link attr_link(Load *load, const Xml *at, const char *name, Link otherwise) {
    static const char *const NAMES[] = {
        "none",    "simplemax", "softmax", "logit",     "probit", "cloglog",  "exp", "loglog",
        "cauchit", "logc",      "negbin",  "oddspower", "power",  "identity", "log", ""};
    int link = attr_enum(load, at, name, NAMES, (int)otherwise);
    return link == 13 ? LINK_NONE : link == 14 ? LINK_EXP : (Link)link;
}

double link_inverse(Link link, double x) {
    switch (link) {
        case LINK_LOGIT: return 1 / (1 + exp(-x));
        case LINK_PROBIT: return 0.5 * erfc(-x / M_SQRT2);
        case LINK_CLOGLOG: return 1 - exp(-exp(x));
        case LINK_EXP: return exp(x);
        case LINK_LOGLOG: return exp(-exp(-x));
        case LINK_CAUCHIT: return 0.5 + atan(x) / M_PI;
        case LINK_LOGC: return 1 - exp(x);
        default: return x;
    }
}

double link_inverse_with(Link link, double x, double parameter) {
    if (link == LINK_NEGBIN) return 1 / (parameter * (exp(-x) - 1));
    if (link == LINK_ODDSPOWER) {
        if (parameter == 0) return 1 / (1 + exp(-x));
        return 1 / (1 + pow(1 + parameter * x, -1 / parameter));
    }
    if (link == LINK_POWER) return parameter == 0 ? exp(x) : pow(x, 1 / parameter);
    return link_inverse(link, x);
}
