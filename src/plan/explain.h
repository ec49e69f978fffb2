// plan/explain.h - EXPLAIN: plans as text, in Flink's words.
#pragma once

#include "plan/advice.h"

typedef enum ExplainForm {
    EXPLAIN_SYNTAX,     // as it was bound: Calcite's Logical* nodes, columns by number
    EXPLAIN_PHYSICAL,   // as it runs, expressions as calls
    EXPLAIN_EXECUTION,  // as it runs, expressions as SQL has them; what sinks guarantee
} ExplainForm;

typedef struct ExplainSpec {
    ExplainForm form;
    bool changelog;    // which changes each node sends
    bool upsert_keys;  // and by which keys they can be told apart
    const Advice *advice;  // numbers of what is said of a node; NULL: none
} ExplainSpec;

// A line for each node, one tree after the other.
void plan_explain(PlanContext *context, const Plan *const *roots, uint32_t count,
                  const ExplainSpec *spec, Buf *out);
// What each sink promises when a job fails and begins again, a line each.
void plan_explain_sinks(const Plan *const *roots, uint32_t count, Buf *out);
// The nodes as JSON, as Flink's JSON_EXECUTION_PLAN has them.
void plan_explain_json(PlanContext *context, const Plan *const *roots, uint32_t count, Buf *out);
// An expression over the columns of [plan], as a call of calls; by name, or by number.
void plan_explain_expr(PlanContext *context, const Plan *plan, const Expr *expr, bool by_name,
                       Buf *out);
