#include "cli/test_diff.h"

#include "test/unit.h"

TEST(test_diff, numbers_compare_by_the_tolerance_of_their_type) {
    CHECK(value_same(STR("DOUBLE"), STR("0.30000000000000004"), STR("0.3")));
    CHECK(!value_same(STR("DOUBLE"), STR("0.3"), STR("0.3001")));
    CHECK(value_same(STR("FLOAT NOT NULL"), STR("1.0000001"), STR("1.0")));
    CHECK(value_same(STR("DOUBLE"), STR("1.0E10"), STR("10000000000.0")));
    CHECK(value_same(STR("DOUBLE"), STR("NaN"), STR("NaN")));
    CHECK(!value_same(STR("DOUBLE"), STR("Infinity"), STR("-Infinity")));
    CHECK(!value_same(STR("DOUBLE"), STR("NULL"), STR("0.0")));
    CHECK(!value_same(STR("DECIMAL(3, 2)"), STR("1.00"), STR("1.0")));
}

TEST(test_diff, entries_of_maps_have_no_order) {
    CHECK(value_same(STR("MAP<VARCHAR(3), INT>"), STR("{a=1, b=2}"), STR("{b=2, a=1}")));
    CHECK(!value_same(STR("MAP<VARCHAR(3), INT>"), STR("{a=1, b=2}"), STR("{b=1, a=2}")));
    CHECK(!value_same(STR("MAP<VARCHAR(3), INT>"), STR("{a=1}"), STR("{a=1, a=1}")));
    CHECK(value_same(STR("MULTISET<DOUBLE> NOT NULL"), STR("{1.0=2, 0.3=1}"),
                     STR("{0.30000000000000004=1, 1.0=2}")));
    CHECK(!value_same(STR("ARRAY<INT>"), STR("[1, 2]"), STR("[2, 1]")));
}

TEST(test_diff, types_reach_into_nested_values) {
    Str type = STR("ROW<`a, b` INT, `m` MAP<CHAR(1), ARRAY<DOUBLE NOT NULL>>> NOT NULL");
    CHECK(
        value_same(type, STR("(1, {x=[0.3], y=[]})"), STR("(1, {y=[], x=[0.30000000000000004]})")));
    CHECK(!value_same(type, STR("(2, {x=[0.3], y=[]})"), STR("(1, {y=[], x=[0.3]})")));
}

static bool same(const char *a, const char *b, RowOrder order, bool changes) {
    Arena arena;
    arena_init(&arena);
    bool result =
        answer_same(&arena, lines_of(&arena, str_c(a)), lines_of(&arena, str_c(b)), order, changes);
    arena_clear(&arena);
    return result;
}

TEST(test_diff, rows_match_as_a_bag_or_in_order) {
    // Within the tolerance, but bytewise sorting puts the two rows the other way round.
    const char *a = "DOUBLE\tINT\n0.3\t7\n0.30000000000000001\t1\n";
    const char *b = "DOUBLE\tINT\n0.3\t1\n0.30000000000000004\t7\n";
    CHECK(same(a, b, ROWS_AS_SET, false));
    CHECK(!same(a, b, ROWS_IN_ORDER, false));
    CHECK(!same("INT\n1\n1\n2\n", "INT\n1\n2\n2\n", ROWS_AS_SET, false));
    CHECK(!same("INT\n1\n", "BIGINT\n1\n", ROWS_AS_SET, false));
    CHECK(same("DOUBLE\n+I\t0.1\n", "DOUBLE\n+I\t0.10000000000000001\n", ROWS_IN_ORDER, true));
    CHECK(!same("DOUBLE\n+I\t0.1\n", "DOUBLE\n-D\t0.1\n", ROWS_IN_ORDER, true));
}

TEST(test_diff, difference_shows_what_left_and_what_came) {
    Arena arena;
    arena_init(&arena);
    Buf out = {0};
    answer_diff(&arena, lines_of(&arena, STR("INT\n1\n2\n3\n4\n5\n6\n7\n9\n")),
                lines_of(&arena, STR("INT\n1\n2\n3\n4\n5\n6\n8\n9")), false, "  ", 50, &out);
    CHECK_STR(buf_cstr(&out), "   ...\n   4\n   5\n   6\n  -7\n  +8\n   9\n");
    buf_free(&out);
    arena_clear(&arena);
}
