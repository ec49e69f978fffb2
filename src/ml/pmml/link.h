// ml/pmml/link.h - link functions of regressions: from a sum to a mean.
#pragma once

#include "ml/pmml/pmml_int.h"

typedef enum Link {
    LINK_NONE, LINK_SIMPLEMAX, LINK_SOFTMAX, LINK_LOGIT, LINK_PROBIT, LINK_CLOGLOG, LINK_EXP,
    LINK_LOGLOG, LINK_CAUCHIT, LINK_LOGC, LINK_NEGBIN, LINK_ODDSPOWER, LINK_POWER,
} Link;

// The attribute's value; names of both regressions are known.
Link attr_link(Load *load, const Xml *at, const char *name, Link otherwise);
double link_inverse(Link link, double x);
// The same for those that have a parameter.
double link_inverse_with(Link link, double x, double parameter);
