#include "ml/promote.h"

#include <math.h>

#include "test/unit.h"

static bool holds(const char *text, double challenger, double champion, double rows) {
    PromoteRule rule;
    return !promote_parse(str_c(text), &rule, NULL) &&
           promote_holds(&rule, challenger, champion, rows);
}

TEST(promote, compares_with_the_champion) {
    CHECK(holds("Accuracy > champion", 0.9, 0.8, 1000));
    CHECK(!holds("Accuracy > champion", 0.8, 0.8, 1000));
    CHECK(holds("Accuracy>=champion", 0.8, 0.8, 1000));
    CHECK(!holds("Accuracy > champion", 0.9, 0.8, 999));
    CHECK(holds("F1 >= champion + 0.01 after 10 rows", 0.82, 0.8, 10));
    CHECK(!holds("F1 >= champion + 0.01 after 10 rows", 0.805, 0.8, 10));
    CHECK(holds("F1(a-b) >= champion - 5e-2 after 1 ROWS", 0.76, 0.8, 1));
    CHECK(!holds("F1 > champion", NAN, 0.8, 1000) && !holds("F1 > champion", 0.9, NAN, 1000));
}

TEST(promote, compares_with_a_number) {
    CHECK(holds("LogLoss < 0.2 after 3 rows", 0.1, NAN, 3));
    CHECK(!holds("LogLoss <= 0.2", 0.3, 0, 1000) && holds("R2 > -1", 0, 0, 1000));
}

TEST(promote, refuses_what_is_no_rule) {
    static const char *const BAD[] = {"", "Accuracy", "Accuracy >", "> champion", "F1 = champion",
                                      "F1 > better", "F1 > champion +", "F1 > champion + x",
                                      "F1 > champion after", "F1 > champion after 0 rows",
                                      "F1 > champion after 9", "F1 > 1 2", "F1 >< 1"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        PromoteRule rule;
        Error err = {0};
        CHECK(promote_parse(str_c(BAD[i]), &rule, &err) == ST_VALIDATION && err.hint[0]);
    }
}
