#include "spi/filter.h"

#include "test/unit.h"

static const Vec *number(Arena *arena, TypeKind kind, int64_t value) {
    Vec *vec = vec_new(arena, type_of(kind, true), 1);
    vec_set_integer(vec, 0, value);
    return vec;
}

static bool passes(TermOp op, const Vec *column, const Vec *value) {
    const Vec *values[] = {value};
    FilterTerm term = {.op = op, .value = values, .value_count = 1};
    return filter_term_passes(&term, column, 0);
}

TEST(filter, integers_of_any_width_compare) {
    Arena arena;
    arena_init(&arena);
    const Vec *three = number(&arena, TYPE_SMALLINT, 3),
              *big = number(&arena, TYPE_BIGINT, 1 << 20);
    CHECK(passes(TERM_LESS, three, big) && !passes(TERM_GREATER_EQUAL, three, big));
    CHECK(passes(TERM_NOT_EQUAL, three, big) && !passes(TERM_EQUAL, three, big));
    CHECK(passes(TERM_LESS_EQUAL, three, three) && passes(TERM_EQUAL, three, three));
    CHECK(filter_can_compare(three->type, big->type, TERM_LESS));
    arena_clear(&arena);
}

TEST(filter, null_is_in_nothing_and_differs_from_nothing) {
    Arena arena;
    arena_init(&arena);
    Vec *none = vec_new(&arena, type_of(TYPE_INT, true), 1);
    vec_set_null(none, 0);
    const Vec *one = number(&arena, TYPE_INT, 1);
    CHECK(!passes(TERM_NOT_EQUAL, none, one) && !passes(TERM_EQUAL, none, one));
    CHECK(!passes(TERM_IN, none, one));
    FilterTerm is_null = {.op = TERM_IS_NULL}, not_null = {.op = TERM_NOT_NULL};
    CHECK(filter_term_passes(&is_null, none, 0) && !filter_term_passes(&not_null, none, 0));
    CHECK(!filter_term_passes(&is_null, one, 0) && filter_term_passes(&not_null, one, 0));
    arena_clear(&arena);
}

TEST(filter, what_is_not_certain_passes) {
    Arena arena;
    arena_init(&arena);
    Vec *nan = vec_new(&arena, type_of(TYPE_DOUBLE, true), 1);
    Vec *zero = vec_new(&arena, type_of(TYPE_DOUBLE, true), 1);
    vec_f64(nan)[0] = __builtin_nan("");
    vec_f64(zero)[0] = -0.0;
    for (TermOp op = TERM_EQUAL; op <= TERM_IN; op++) {
        CHECK(passes(op, nan, zero) && passes(op, zero, nan) && passes(op, zero, zero));
    }
    CHECK(!filter_can_compare(type_of(TYPE_VARCHAR, true), type_of(TYPE_VARCHAR, true), TERM_LESS));
    CHECK(!filter_can_compare(type_of(TYPE_CHAR, true), type_of(TYPE_CHAR, true), TERM_EQUAL));
    CHECK(!filter_can_compare(type_of(TYPE_DOUBLE, true), type_of(TYPE_INT, true), TERM_EQUAL));
    arena_clear(&arena);
}
