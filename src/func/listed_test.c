#include "func/agg.h"
#include "test/unit.h"

static bool exists(const char *name) {
    uint32_t count;
    (void)func_find(str_c(name), &count);
    return count || agg_find(str_c(name));
}

TEST(listed, names_are_flinks_or_the_functions_own) {
    CHECK(exists("CHAR_LENGTH") && strcmp(func_listed("CHAR_LENGTH"), "charLength") == 0);
    CHECK(exists("ARRAY_AGG") && strcmp(func_listed("ARRAY_AGG"), "ARRAY_AGG") == 0);
    CHECK(exists("YEAR") && !func_listed("YEAR"));
}
