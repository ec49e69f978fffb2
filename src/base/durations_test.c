#include "base/durations.h"

#include "test/unit.h"

TEST(durations, quantiles_are_right_to_an_eighth) {
    const int64_t HOUR_NS = 3600000000000;
    Durations durations = {0};
    CHECK_INT(durations_quantile(&durations, 0.5), 0);
    for (int64_t i = 1; i <= 1000; i++) durations_add(&durations, i * 1000);
    int64_t half = durations_quantile(&durations, 0.5), most = durations_quantile(&durations, 0.99);
    CHECK(half >= 500000 && half <= 500000 * 9 / 8);
    CHECK(most >= 990000 && most <= 1000000);
    CHECK_INT(durations_quantile(&durations, 1), 1000000);
    durations_add(&durations, 0);
    durations_add(&durations, HOUR_NS);
    CHECK_INT(durations_quantile(&durations, 1), HOUR_NS);
}
