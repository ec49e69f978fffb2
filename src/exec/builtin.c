// The one list of operators.
#include "exec/operator.h"

extern const OperatorVt APPLY_OPERATOR;
extern const OperatorVt BATCH_OVER_OPERATOR;
extern const OperatorVt BATCH_SORT_OPERATOR;
extern const OperatorVt CHANGELOG_OPERATOR;
extern const OperatorVt COLLECT_OPERATOR;
extern const OperatorVt DEDUP_OPERATOR;
extern const OperatorVt EVALUATE_OPERATOR;
extern const OperatorVt EXPAND_OPERATOR;
extern const OperatorVt FILTER_OPERATOR;
extern const OperatorVt GROUP_AGG_OPERATOR;
extern const OperatorVt HASH_AGG_OPERATOR;
extern const OperatorVt HASH_JOIN_OPERATOR;
extern const OperatorVt INTERVAL_JOIN_OPERATOR;
extern const OperatorVt JOIN_OPERATOR;
extern const OperatorVt LIMIT_OPERATOR;
extern const OperatorVt LOCAL_AGG_OPERATOR;
extern const OperatorVt LOOKUP_JOIN_OPERATOR;
extern const OperatorVt MATERIALIZE_OPERATOR;
extern const OperatorVt MATCH_OPERATOR;
extern const OperatorVt NORMALIZE_OPERATOR;
extern const OperatorVt OVER_OPERATOR;
extern const OperatorVt PREDICT_OPERATOR;
extern const OperatorVt VECTOR_SEARCH_OPERATOR;
extern const OperatorVt PROCESS_OPERATOR;
extern const OperatorVt PROJECT_OPERATOR;
extern const OperatorVt RANK_OPERATOR;
extern const OperatorVt REPLICATE_OPERATOR;
extern const OperatorVt SINK_OPERATOR;
extern const OperatorVt SORT_OPERATOR;
extern const OperatorVt TEMPORAL_JOIN_OPERATOR;
extern const OperatorVt UNION_OPERATOR;
extern const OperatorVt UNNEST_OPERATOR;
extern const OperatorVt WATERMARK_OPERATOR;
extern const OperatorVt WINDOW_AGG_OPERATOR;
extern const OperatorVt WINDOW_JOIN_OPERATOR;
extern const OperatorVt WINDOW_RANK_OPERATOR;
extern const OperatorVt WINDOW_TVF_OPERATOR;

static const OperatorVt *const OPERATORS[] = {
    &APPLY_OPERATOR,
    &CHANGELOG_OPERATOR,
    &COLLECT_OPERATOR,
    &DEDUP_OPERATOR,
    &EVALUATE_OPERATOR,
    &EXPAND_OPERATOR,
    &FILTER_OPERATOR,
    &GROUP_AGG_OPERATOR,
    &INTERVAL_JOIN_OPERATOR,
    &JOIN_OPERATOR,
    &LIMIT_OPERATOR,
    &LOCAL_AGG_OPERATOR,
    &LOOKUP_JOIN_OPERATOR,
    &MATERIALIZE_OPERATOR,
    &MATCH_OPERATOR,
    &NORMALIZE_OPERATOR,
    &OVER_OPERATOR,
    &PREDICT_OPERATOR,
    &VECTOR_SEARCH_OPERATOR,
    &PROCESS_OPERATOR,
    &PROJECT_OPERATOR,
    &RANK_OPERATOR,
    &REPLICATE_OPERATOR,
    &SINK_OPERATOR,
    &SORT_OPERATOR,
    &TEMPORAL_JOIN_OPERATOR,
    &UNION_OPERATOR,
    &UNNEST_OPERATOR,
    &WATERMARK_OPERATOR,
    &WINDOW_AGG_OPERATOR,
    &WINDOW_JOIN_OPERATOR,
    &WINDOW_RANK_OPERATOR,
    &WINDOW_TVF_OPERATOR,
};

// Over bounded input some go another way.
static const OperatorVt *const BATCH_OPERATORS[] = {
    &BATCH_OVER_OPERATOR,
    &BATCH_SORT_OPERATOR,
    &HASH_AGG_OPERATOR,
    &HASH_JOIN_OPERATOR,
};

bool operator_spills(PlanKind kind) {
    for (size_t i = 0; i < sizeof BATCH_OPERATORS / sizeof *BATCH_OPERATORS; i++) {
        if (BATCH_OPERATORS[i]->plan_kind == kind) return true;
    }
    return false;
}

const OperatorVt *operator_for(PlanKind kind, bool batch) {
    for (size_t i = 0; batch && i < sizeof BATCH_OPERATORS / sizeof *BATCH_OPERATORS; i++) {
        if (BATCH_OPERATORS[i]->plan_kind == kind) return BATCH_OPERATORS[i];
    }
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++) {
        if (OPERATORS[i]->plan_kind == kind) return OPERATORS[i];
    }
    return NULL;
}
