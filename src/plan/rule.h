// plan/rule.h - the rewrites of plan_optimize, in the order it runs them. Each takes the roots of a
// statement set and changes them in place; a node may have several consumers and is rewritten once.
#pragma once

#include "plan/bind.h"

// Projections into projections, filters below projections and into filters: at most one of each in
// a row, the filter first. (rule_calc.c)
NODISCARD Status rule_calc(PlanContext *context, Plan **roots, uint32_t count, Error *err);
// Aggregates of groups of one row, and of no rows, without state. (rule_agg.c)
void rule_agg(PlanContext *context, Plan **roots, uint32_t count);
// DISTINCT aggregates in two levels. (rule_split.c)
void rule_split(PlanContext *context, Plan **roots, uint32_t count);
// Aggregations in two phases. (rule_phase.c)
void rule_phase(PlanContext *context, Plan **roots, uint32_t count);
// Lookup joins: the condition into keys, what goes to either side, and a rest. (rule_lookup.c)
NODISCARD Status rule_lookup(PlanContext *context, Plan **roots, uint32_t count, Error *err);
// Their right inputs, narrowed by then, become what the connector is asked. (rule_lookup.c)
void rule_lookup_settle(PlanContext *context, Plan **roots, uint32_t count);
// [right], projections and filters over a scan, as what is read and made of it; gives the scan.
const Plan *lookup_fold(PlanContext *context, const Plan *right, LookupPlan *lookup);
// Filters through joins, unions and aggregations, out of joins' conditions. (rule_down.c)
void rule_down(PlanContext *context, Plan **roots, uint32_t count);
// Filters over scans into the connectors that take them. (rule_push.c)
void rule_push(PlanContext *context, Plan **roots, uint32_t count);
// ORDER BY, LIMIT and ROW_NUMBER as Top-N, sort or limit. (rule_rank.c)
NODISCARD Status rule_rank(PlanContext *context, Plan **roots, uint32_t count, Error *err);
// Whether a column of [plan] is a literal of a projection below.
bool plan_column_constant(const Plan *plan, uint32_t column);
// Chooses how a Top-N is kept and what it emits, once it is known whether its input [updates].
void rank_settle(PlanContext *context, Plan *rank, bool updates);
// Window functions into the aggregations above them. (rule_window.c)
NODISCARD Status rule_window(PlanContext *context, Plan **roots, uint32_t count, Error *err);
// Equal sub-plans become one: a table read twice is read once. (rule_reuse.c)
NODISCARD Status rule_reuse(PlanContext *context, Plan **roots, uint32_t count, Error *err);
// Partitions that nobody wants rows of are not read. (rule_partition.c)
NODISCARD Status rule_partition(PlanContext *context, Plan **roots, uint32_t count, Error *err);
// Columns, and fields of ROW columns, that nobody reads are not produced; scans tell their
// decoders. (rule_prune.c)
NODISCARD Status rule_prune(PlanContext *context, Plan **roots, uint32_t count, Error *err);
// The simple terms of a filter on a scan are told to the scan. (rule_filter.c)
void rule_filter(PlanContext *context, Plan **roots, uint32_t count);
// What each node means, as a number that survives changes elsewhere in the statement.
// (rule_reuse.c)
void plan_identify(Plan **roots, uint32_t count);
// The same of the materialisers before sinks, which are put in later.
void plan_identify_materializers(Plan **roots, uint32_t count);

// Everything a node is made of but its inputs, as text; two nodes over the same inputs with the
// same text do the same.
void plan_fingerprint(const Plan *plan, Buf *out);

// A memo from old nodes to new ones, by id.
typedef struct PlanMemo {
    Plan **to;
    uint32_t cap;
} PlanMemo;
PlanMemo plan_memo(PlanContext *context);
