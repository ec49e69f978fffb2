// watch/rule.h - a rule that a person has written for a metric: a condition in SQL over its newest
// point, "actual > 95" or "actual > 95 AND forecast < 80". While a metric has one, its alarms are
// the rule's; what was learned forecasts on.
//
// weir's own parser reads it. Names are actual, forecast, low, high, score (as in an alarm's
// message); there are numbers, + - * / %, comparisons, BETWEEN, AND, OR, NOT, IS NULL, ABS. NULL is
// as in SQL: what is not known does not hold.
//
// The condition must have held for some points in a row to open the alarm, and not have held for as
// many to close it: one, two or five, by the metric's sensitivity.
//
// Threads: a rule does not change; its state belongs to one thread.
#pragma once

#include "ml/codec.h"
#include "watch/roster.h"

typedef struct WatchRule WatchRule;

typedef struct RulePoint {
    double actual, forecast, low, high, score;  // NAN: NULL
} RulePoint;

// ST_VALIDATION or ST_PARSE: what is wrong with it, and where.
NODISCARD Status watch_rule_parse(Str text, WatchRule **out, Error *err);
void watch_rule_free(WatchRule *rule);  // NULL is fine
bool watch_rule_holds(const WatchRule *rule, const RulePoint *point);

// The alarm of a rule.
typedef struct RuleState {
    bool open;
    uint32_t in_a_row;  // points that speak for the other state
    uint64_t number;    // alarms so far
    int64_t seq, begin_ms, opened_ms;
} RuleState;

typedef enum RuleEvent { RULE_NONE, RULE_OPEN, RULE_CLOSE } RuleEvent;

// A point at which the rule held or did not. [sensitivity] as registered.
RuleEvent watch_rule_push(RuleState *state, bool holds, int64_t ts_ms, int sensitivity);
// The rule is no more.
RuleEvent watch_rule_end(RuleState *state);
void watch_rule_code(Codec *codec, RuleState *state);
