#include "engine/restart.h"

#include "test/unit.h"

static Restart strategy(const char *const *option, uint32_t count, bool checkpoints) {
    Map config = {0};
    Restart self;
    Error err;
    for (uint32_t i = 0; i < count; i += 2) {
        (void)map_put(&config, str_c(option[i]), (void *)(uintptr_t)option[i + 1]);
    }
    CHECK_OK(restart_options(&config, checkpoints, &self, &err), &err);
    map_clear(&config);
    return self;
}
#define STRATEGY(checkpoints, ...)                                                  \
    strategy((const char *const[]){__VA_ARGS__},                                    \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), checkpoints)

TEST(restart, none_never_begins_again) {
    int64_t delay_ms;
    Restart self = STRATEGY(true, "restart-strategy.type", "none");
    CHECK(!restart_again(&self, 0, &delay_ms));
}

TEST(restart, fixed_delay_counts_its_attempts) {
    int64_t delay_ms = 0;
    Restart self = STRATEGY(false, "restart-strategy.type", "fixed-delay",
                            "restart-strategy.fixed-delay.attempts", "2",
                            "restart-strategy.fixed-delay.delay", "3 s");
    for (int64_t at = 0; at < 2; at++) {
        CHECK(restart_again(&self, at * 1000000, &delay_ms));
        CHECK_INT(delay_ms, 3000);
    }
    CHECK(!restart_again(&self, 1 << 30, &delay_ms));
}

TEST(restart, failure_rate_looks_at_its_interval) {
    int64_t delay_ms = 0;
    Restart self = STRATEGY(false, "restart-strategy.type", "failure-rate",
                            "restart-strategy.failure-rate.max-failures-per-interval", "2",
                            "restart-strategy.failure-rate.failure-rate-interval", "10 s",
                            "restart-strategy.failure-rate.delay", "1 s");
    for (int64_t at = 0; at < 2000; at++) CHECK(restart_again(&self, at * 10001, &delay_ms));
    CHECK_INT(delay_ms, 1000);
    CHECK(!restart_again(&self, 1999 * 10001 + 10000, &delay_ms));
    self = STRATEGY(false, "restart-strategy.type", "failure-rate");  // 1 a minute, as in Flink
    CHECK(!restart_again(&self, 0, &delay_ms));
}

TEST(restart, exponential_delay_grows_to_its_limit_and_begins_anew) {
    int64_t delay_ms = 0, at_ms = 0;
    static const int64_t DELAYS[] = {1000, 2000, 4000, 5000, 5000};
    Restart self = STRATEGY(true, "restart-strategy.exponential-delay.backoff-multiplier", "2",
                            "restart-strategy.exponential-delay.max-backoff", "5 s",
                            "restart-strategy.exponential-delay.jitter-factor", "0",
                            "restart-strategy.exponential-delay.reset-backoff-threshold", "1 min");
    for (uint32_t i = 0; i < sizeof DELAYS / sizeof *DELAYS; i++) {
        CHECK(restart_again(&self, at_ms += 6000, &delay_ms));
        CHECK_INT(delay_ms, DELAYS[i]);
    }
    CHECK(restart_again(&self, at_ms + 5000 + 60001, &delay_ms));
    CHECK_INT(delay_ms, 1000);
}

TEST(restart, another_strategy_is_refused_with_those_there_are) {
    Map config = {0};
    Restart self;
    Error err;
    (void)map_put(&config, STR("restart-strategy.type"), (void *)(uintptr_t) "sometimes");
    CHECK_INT(restart_options(&config, true, &self, &err), ST_VALIDATION);
    CHECK(strstr(err.hint, "failure-rate"));
    map_clear(&config);
}
