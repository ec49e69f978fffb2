#include "watch/explain.h"

#include "test/unit.h"

enum { CITIES = 4, CHANNELS = 3 };
static const char *const CITY[] = {"Shanghai", "Beijing", "Guangzhou", "Chengdu"};
static const char *const CHANNEL[] = {"app", "web", "agent"};

// Orders of each city over each channel: 100 by the first, 80 by the second ...
static void make_parts(ExplainPart *part, ExplainLabel (*label)[2]) {
    for (uint32_t i = 0; i < CITIES * CHANNELS; i++) {
        uint32_t city = i / CHANNELS, channel = i % CHANNELS;
        label[i][0] = (ExplainLabel){STR("city"), str_c(CITY[city])};
        label[i][1] = (ExplainLabel){STR("channel"), str_c(CHANNEL[channel])};
        double usual = 100 - 20 * city + 10 * channel;
        part[i] = (ExplainPart){.label = label[i], .labels = 2, .actual = usual, .expected = usual};
    }
}

TEST(explain, the_city_that_fell_is_named) {
    Arena arena = {0};
    ExplainPart part[CITIES * CHANNELS];
    ExplainLabel label[CITIES * CHANNELS][2];
    Explanation found;
    make_parts(part, label);
    for (uint32_t i = 0; i < CHANNELS; i++) part[CHANNELS + i].actual *= 0.3;  // Beijing
    for (uint32_t i = 0; i < CITIES * CHANNELS; i++) part[i].actual += i % 2 ? 1.5 : -1.5;
    explain(part, CITIES * CHANNELS, &arena, &found);
    CHECK(found.parts == CITIES * CHANNELS && found.dimensions >= 1);
    CHECK(str_is(found.dimension[0].dimension, "city"));
    CHECK(found.dimension[0].values == 1 && str_is(found.dimension[0].value[0].value, "Beijing"));
    CHECK(found.dimension[0].share > 0.9 && found.dimension[0].share < 1.1);
    arena_clear(&arena);
}

TEST(explain, two_values_may_do) {
    Arena arena = {0};
    ExplainPart part[CITIES * CHANNELS];
    ExplainLabel label[CITIES * CHANNELS][2];
    Explanation found;
    make_parts(part, label);
    for (uint32_t i = 0; i < CITIES * CHANNELS; i++) {
        if (i / CHANNELS % 2 == 0) part[i].actual *= 1.8;  // a rise in Shanghai and Guangzhou
    }
    explain(part, CITIES * CHANNELS, &arena, &found);
    CHECK(found.dimensions == 1 && str_is(found.dimension[0].dimension, "city"));
    CHECK(found.dimension[0].values == 2);
    CHECK(str_is(found.dimension[0].value[0].value, "Shanghai"));
    CHECK(str_is(found.dimension[0].value[1].value, "Guangzhou"));
    arena_clear(&arena);
}

TEST(explain, where_all_falls_nobody_is_blamed) {
    Arena arena = {0};
    ExplainPart part[CITIES * CHANNELS];
    ExplainLabel label[CITIES * CHANNELS][2];
    Explanation found;
    make_parts(part, label);
    for (uint32_t i = 0; i < CITIES * CHANNELS; i++) part[i].actual = 0;
    explain(part, CITIES * CHANNELS, &arena, &found);
    CHECK(found.actual == 0 && found.expected > 0 && !found.dimensions);
    make_parts(part, label);
    for (uint32_t i = 0; i < CITIES * CHANNELS; i++) part[i].actual *= i % 2 ? 0.49 : 0.51;
    explain(part, CITIES * CHANNELS, &arena, &found);
    CHECK(!found.dimensions);
    make_parts(part, label);
    explain(part, CITIES * CHANNELS, &arena, &found);  // nothing has happened
    CHECK(!found.dimensions);
    explain(part, 0, &arena, &found);
    CHECK(!found.dimensions && !found.parts);
    arena_clear(&arena);
}
