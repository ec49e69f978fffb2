#include "ml/series/taste.h"

#include <math.h>

#include "test/unit.h"

TEST(taste, a_label_counts_near_it_and_not_far_away) {
    Taste taste = {0};
    TasteCase here = {{4, 1}}, near = {{4, 1.2f}}, far = {{-4, 1}};
    CHECK(taste_bar(&taste, &here) == 1);
    taste_false(&taste, &here, 1.5);
    CHECK(fabs(taste_bar(&taste, &here) - 1.65) < 1e-6);
    CHECK(taste_bar(&taste, &near) > 1.5);
    CHECK(fabs(taste_bar(&taste, &far) - 1) < 1e-6);
    taste_true(&taste, &here);
    CHECK(fabs(taste_bar(&taste, &here) - 1) < 1e-6);
}

TEST(taste, one_label_moves_the_bar_so_far_and_all_of_them_no_further) {
    Taste taste = {0};
    TasteCase here = {{0}}, there = {{8}};
    taste_false(&taste, &here, 100);
    CHECK(fabs(taste_bar(&taste, &here) - 3) < 1e-5);
    for (uint32_t i = 0; i < 5; i++) taste_false(&taste, &here, 100);
    CHECK(fabs(taste_bar(&taste, &here) - 6) < 1e-5);
    CHECK_INT(taste.labels, 2);  // what is known is not written down again
    taste_missed(&taste, &there, 0.9);
    CHECK(fabs(taste_bar(&taste, &there) - 0.855) < 1e-3);
    taste_missed(&taste, &there, 0.1);
    CHECK(fabs(taste_bar(&taste, &there) - 0.64) < 1e-3);
}

TEST(taste, labels_that_say_least_give_way_and_bytes_are_checked) {
    Taste taste = {0}, copy = {0};
    for (uint32_t i = 0; i < 40; i++) {
        TasteCase at = {{(float)(6 * i)}};
        taste_false(&taste, &at, 1 + i / 40.0);
    }
    CHECK_INT(taste.labels, TASTE_LABELS_MAX);
    TasteCase last = {{6 * 39}}, first = {{0}};
    CHECK(taste_bar(&taste, &last) > 1.9 && taste_bar(&taste, &first) < 1.001);
    Buf bytes = {0};
    taste_code(&(Codec){.out = &bytes, .what = "labels"}, &taste);
    Codec reads = {.in = buf_str(&bytes), .what = "labels"};
    taste_code(&reads, &copy);
    CHECK(!reads.failed && memcmp(&copy, &taste, sizeof copy) == 0);
    memset(bytes.ptr + 8, 0xff, 4);
    reads = (Codec){.in = buf_str(&bytes), .what = "labels"};
    taste_code(&reads, &copy);
    CHECK(reads.failed && !copy.labels);
    buf_free(&bytes);
}
