// ml/promote.h - the rule by which a challenger takes the champion's place: two versions of a model
// have been judged on the same rows.
//
//     Accuracy > champion                            at least as good is not enough
//     F1 >= champion + 0.01 after 5000 rows
//     LogLoss < 0.2
#pragma once

#include "ml/evaluate.h"

typedef enum PromoteOp { PROMOTE_LESS, PROMOTE_LESS_EQUAL, PROMOTE_GREATER, PROMOTE_GREATER_EQUAL
} PromoteOp;

typedef struct PromoteRule {
    char metric[ML_METRIC_NAME_MAX];
    PromoteOp op;
    bool relative;  // to the champion's metric
    double value;
    double rows;    // that must have been judged; 1000 unless the rule says how many
} PromoteRule;

// ST_VALIDATION says what a rule looks like.
NODISCARD Status promote_parse(Str text, PromoteRule *out, Error *err);
// Metrics that are NaN hold in no rule.
bool promote_holds(const PromoteRule *rule, double challenger, double champion, double rows);
