#include "run/worker.h"
#include "test/unit.h"

TEST(job, quantiles_of_pauses_are_right_to_an_eighth) {
    const int64_t HOUR_NS = 3600000000000;
    Pauses pauses = {0};
    CHECK_INT(pauses_quantile(&pauses, 0.5), 0);
    for (int64_t i = 1; i <= 1000; i++) pauses_add(&pauses, i * 1000);
    int64_t half = pauses_quantile(&pauses, 0.5), most = pauses_quantile(&pauses, 0.99);
    CHECK(half >= 500000 && half <= 500000 * 9 / 8);
    CHECK(most >= 990000 && most <= 1000000);
    CHECK_INT(pauses_quantile(&pauses, 1), 1000000);
    pauses_add(&pauses, 0);
    pauses_add(&pauses, HOUR_NS);
    CHECK_INT(pauses_quantile(&pauses, 1), HOUR_NS);
}
