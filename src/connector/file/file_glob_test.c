#include "connector/file/file_glob.h"

#include "test/unit.h"

static bool fits(const char *pattern, const char *name) {
    return glob_matches(str_c(pattern), str_c(name));
}

TEST(glob, names_fit_patterns) {
    CHECK(fits("*.csv", "a.csv"));
    CHECK(!fits("*.csv", "a.csv.gz"));
    CHECK(fits("a*b*c", "aXbYbZc"));
    CHECK(!fits("a*b*c", "aXbYbZ"));
    CHECK(fits("day-??", "day-07"));
    CHECK(!fits("day-??", "day-7"));
    CHECK(fits("?", "水"));
    CHECK(fits("[a-c]x", "bx"));
    CHECK(!fits("[!a-c]x", "bx"));
    CHECK(fits("[^a-c]x", "水x"));
    CHECK(fits("[]x]", "]"));
    CHECK(fits("a[1", "a[1"));  // no set
    CHECK(fits("\\*", "*"));
    CHECK(!fits("\\*", "a"));
    CHECK(fits("*", "abc"));
    CHECK(fits("**", "abc"));
}

TEST(glob, hidden_names_must_be_asked_for) {
    CHECK(!fits("*", "_tmp"));
    CHECK(!fits("?tmp", ".tmp"));
    CHECK(fits("_*", "_tmp"));
}

// A star that goes back for every other one would take for ever.
TEST(glob, many_stars_are_quick) {
    Buf name = {0};
    for (uint32_t i = 0; i < 20000; i++) buf_putc(&name, 'a');
    CHECK(!glob_matches(STR("*a*a*a*a*a*a*a*a*a*a*a*a*b"), buf_str(&name)));
    buf_free(&name);
}

static void expands(const char *pattern, const char *wanted) {
    Arena arena = {0};
    Str *at = NULL;
    uint32_t count = 0;
    Error err = {0};
    CHECK_OK(glob_expand(&arena, str_c(pattern), &at, &count, &err), &err);
    Buf got = {0};
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(&got, "%s" STR_FMT, i ? " " : "", STR_ARG(at[i]));
    }
    CHECK_STR(buf_cstr(&got), wanted);
    buf_free(&got);
    arena_clear(&arena);
}

TEST(glob, braces_are_choices) {
    expands("a/b", "a/b");
    expands("{a,b}.csv", "a.csv b.csv");
    expands("x/{a,b/c}/{1,2}", "x/a/1 x/a/2 x/b/c/1 x/b/c/2");
    expands("{a{1,2},b}", "a1 a2 b");
    expands("a{,.gz}", "a a.gz");
    expands("\\{a,b}", "\\{a,b}");
}

TEST(glob, what_is_no_pattern_is_refused) {
    Arena arena = {0};
    Str *at;
    uint32_t count;
    CHECK(glob_expand(&arena, STR("a{b,c"), &at, &count, NULL) == ST_VALIDATION);
    Buf many = {0};
    for (uint32_t i = 0; i < 11; i++) buf_puts(&many, "{a,b}");
    CHECK(glob_expand(&arena, buf_str(&many), &at, &count, NULL) == ST_VALIDATION);
    buf_free(&many);
    arena_clear(&arena);
}
