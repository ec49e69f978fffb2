#include "watch/rule.h"

#include <math.h>

#include "test/unit.h"

static bool holds(const char *text, RulePoint point) {
    WatchRule *rule = NULL;
    Error err = {0};
    CHECK_OK(watch_rule_parse(str_c(text), &rule, &err), &err);
    bool answer = rule && watch_rule_holds(rule, &point);
    watch_rule_free(rule);
    return answer;
}

TEST(rule, is_a_condition_over_the_newest_point) {
    RulePoint hot = {.actual = 97, .forecast = 40, .low = 20, .high = 60, .score = 2};
    CHECK(holds("actual > 95", hot) && !holds("actual > 97", hot) && holds("`value` >= 97", hot));
    CHECK(holds("actual > 95 AND forecast < 80", hot) &&
          !holds("actual > 95 AND forecast > 80", hot));
    CHECK(holds("actual NOT BETWEEN low AND high", hot) &&
          !holds("actual BETWEEN low AND high", hot));
    CHECK(holds("ABS(actual - forecast) / forecast > 1.4 OR FALSE", hot));
    CHECK(holds("NOT (actual <= 9.5e1) AND actual % 2 = 1 AND -actual < 0 AND score * 2 = 4", hot));
}

TEST(rule, what_is_not_known_does_not_hold) {
    RulePoint cold = {.actual = 97, .forecast = (double)NAN};
    CHECK(!holds("actual > forecast", cold) && !holds("NOT (actual > forecast)", cold));
    CHECK(holds("actual > forecast OR actual > 95", cold));
    CHECK(!holds("actual > forecast AND actual < 95", cold));
    CHECK(holds("forecast IS NULL AND actual IS NOT NULL", cold));
    CHECK(!holds("actual / 0 > 1", cold));
}

static bool refused(const char *text, const char *why) {
    WatchRule *rule = NULL;
    Error err = {0};
    Status st = watch_rule_parse(str_c(text), &rule, &err);
    bool named = st && strstr(err.message, why) && strstr(err.hint, "actual");
    return named && !rule;
}

TEST(rule, that_is_none_is_refused_with_its_place) {
    CHECK(refused("actual", "'actual' is a number"));
    CHECK(refused("", ""));
    CHECK(refused("actual >", ""));
    CHECK(refused("cpu > 95", "'cpu' is nothing"));
    CHECK(refused("actual > '95'", "''95''"));
    CHECK(refused("NOT actual", "'actual' is a number"));
    CHECK(refused("actual > 95 > 3", "is a condition"));
    CHECK(refused("(SELECT 1) > actual", "nothing that a rule knows"));
    CHECK(refused("LOWER(actual) = 1", "'LOWER(actual)'"));
}

TEST(rule, opens_and_closes_after_points_in_a_row) {
    RuleState alarm = {0};
    CHECK(watch_rule_push(&alarm, true, 1000, WATCH_MIDDLE) == RULE_NONE);
    CHECK(watch_rule_push(&alarm, false, 2000, WATCH_MIDDLE) == RULE_NONE);
    CHECK(watch_rule_push(&alarm, true, 3000, WATCH_MIDDLE) == RULE_NONE);
    CHECK(watch_rule_push(&alarm, true, 4000, WATCH_MIDDLE) == RULE_OPEN);
    CHECK(alarm.begin_ms == 3000 && alarm.opened_ms == 4000 && alarm.number == 1 && alarm.seq == 1);
    CHECK(watch_rule_push(&alarm, true, 5000, WATCH_MIDDLE) == RULE_NONE);
    CHECK(watch_rule_push(&alarm, false, 6000, WATCH_MIDDLE) == RULE_NONE);
    CHECK(watch_rule_push(&alarm, true, 7000, WATCH_MIDDLE) == RULE_NONE);
    CHECK(watch_rule_push(&alarm, false, 8000, WATCH_MIDDLE) == RULE_NONE);
    CHECK(watch_rule_push(&alarm, false, 9000, WATCH_MIDDLE) == RULE_CLOSE);
    CHECK(alarm.seq == 2 && watch_rule_end(&alarm) == RULE_NONE);
    CHECK(watch_rule_push(&alarm, true, 10000, WATCH_HIGH) == RULE_OPEN && alarm.number == 2);
    CHECK(watch_rule_end(&alarm) == RULE_CLOSE);
}
