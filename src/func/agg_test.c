#include "func/agg.h"

#include "col/codec.h"
#include "test/unit.h"

// One call over one group, fed by hand: rows are written as text, "-" marks a retraction.
typedef struct Bench {
    Arena arena;
    Budget budget;
    AggEnv env;
    AggCall call;
    const Type *arg_type[4];
    uint8_t *group;
    Error err;
} Bench;

static void bench_bind(Bench *bench, const char *name, const Type *arg, bool retract,
                       bool distinct) {
    *bench = (Bench){0};
    arena_init(&bench->arena);
    budget_init(&bench->budget, NULL, "test", 0);
    bench->env = (AggEnv){.budget = &bench->budget, .scratch = &bench->arena};
    bench->arg_type[0] = arg;
    bench->call = (AggCall){.arena = &bench->arena, .argc = arg ? 1 : 0, .arg = bench->arg_type,
                            .retract = retract, .distinct = distinct};
    const AggFunc *func = agg_find(str_c(name));
    CHECK(func != NULL);
    CHECK_OK(agg_bind(&bench->call, func, &bench->err), &bench->err);
    AggCall *calls[] = {&bench->call};
    uint32_t align = 8, size = agg_layout(calls, 1, 8, &align);
    bench->group = arena_alloc_aligned(&bench->arena, size, align);
    memset(bench->group, 0, size);
}

static void bench_free(Bench *bench) {
    agg_clear(&bench->call, bench->group, &bench->env);
    CHECK_INT(bench->budget.bytes, 0);  // everything charged was given back
    arena_clear(&bench->arena);
}

static void bench_feed(Bench *bench, const Vec *arg, const uint8_t *kinds) {
    AggRows rows = {.rows = arg->len, .arg = &arg, .single = bench->group, .kinds = kinds};
    CHECK_OK(agg_update(&bench->call, &rows, &bench->env, &bench->err), &bench->err);
}

static Vec *ints(Bench *bench, const Type *type, uint32_t count, const int64_t *value) {
    Vec *vec = vec_new(&bench->arena, type, count);
    for (uint32_t i = 0; i < count; i++) {
        if (value[i] == INT64_MIN) {
            vec_set_null(vec, i);
        } else {
            vec_set_integer(vec, i, value[i]);
        }
    }
    return vec;
}

static Vec *bench_result(Bench *bench) {
    Vec *out = vec_new(&bench->arena, bench->call.result, 1);
    const uint8_t *group = bench->group;
    CHECK_OK(agg_emit(&bench->call, &group, 1, &bench->env, out, &bench->err), &bench->err);
    return out;
}

enum { NONE = INT32_MIN };
#define NIL INT64_MIN

static int64_t bench_int(Bench *bench) {
    Vec *out = bench_result(bench);
    return vec_is_null(out, 0) ? NONE : vec_integer(out, 0);
}

// Writes the state, empties the group, reads it back.
static void bench_reload(Bench *bench) {
    Vec *out = vec_new(&bench->arena, bench->call.state_type, 1);
    CHECK_OK(agg_write(&bench->call, bench->group, &bench->env, out, 0, &bench->err),
             &bench->err);
    if (bench->call.impl->put) {  // says the same as bytes
        Buf written = {0}, put = {0};
        codec_put(out, 0, &written);
        char *to = buf_reserve(&put, codec_size_max(bench->call.state_type));
        put.len = (size_t)(bench->call.impl->put(bench->group + bench->call.offset, to) - to);
        CHECK(str_eq(buf_str(&written), buf_str(&put)));
        buf_free(&written);
        buf_free(&put);
    }
    agg_clear(&bench->call, bench->group, &bench->env);
    CHECK_OK(agg_read(&bench->call, out, 0, &bench->env, bench->group, &bench->err), &bench->err);
}

static int64_t fold(const char *name, TypeKind kind, bool retract, bool distinct, uint32_t count,
                    const int64_t *value, const uint8_t *kinds) {
    Bench bench;
    const Type *type = type_of(kind, true);
    bench_bind(&bench, name, type, retract, distinct);
    bench_feed(&bench, ints(&bench, type, count, value), kinds);
    int64_t result = bench_int(&bench);
    bench_reload(&bench);
    CHECK_INT(bench_int(&bench), result);
    bench_free(&bench);
    return result;
}

TEST(agg, sum_keeps_the_integer_type_and_wraps) {
    const int64_t value[] = {100, 100, 2};
    CHECK_INT(fold("SUM", TYPE_TINYINT, false, false, 3, value, NULL), -54);
    CHECK_INT(fold("AVG", TYPE_TINYINT, false, false, 3, value, NULL), 67);
    CHECK_INT(fold("SUM", TYPE_BIGINT, false, false, 3, value, NULL), 202);
}

TEST(agg, nulls_are_left_out_and_alone_give_null) {
    const int64_t some[] = {NIL, 5, NIL}, none[] = {NIL, NIL};
    CHECK_INT(fold("COUNT", TYPE_INT, false, false, 3, some, NULL), 1);
    CHECK_INT(fold("SUM", TYPE_INT, false, false, 3, some, NULL), 5);
    CHECK_INT(fold("SUM", TYPE_INT, false, false, 2, none, NULL), NONE);
    CHECK_INT(fold("$SUM0", TYPE_INT, false, false, 2, none, NULL), 0);
    CHECK_INT(fold("MAX", TYPE_INT, false, false, 2, none, NULL), NONE);
}

TEST(agg, retraction_undoes) {
    const int64_t value[] = {7, 3, 9, 9};
    const uint8_t kinds[] = {ROW_INSERT, ROW_INSERT, ROW_INSERT, ROW_DELETE};
    CHECK_INT(fold("SUM", TYPE_INT, true, false, 4, value, kinds), 10);
    CHECK_INT(fold("AVG", TYPE_INT, true, false, 4, value, kinds), 5);
    CHECK_INT(fold("MAX", TYPE_INT, true, false, 4, value, kinds), 7);
    CHECK_INT(fold("MIN", TYPE_INT, true, false, 4, value, kinds), 3);
    CHECK_INT(fold("COUNT", TYPE_INT, true, false, 4, value, kinds), 2);
}

TEST(agg, max_of_what_only_grows_ignores_retractions) {
    const int64_t value[] = {1, 1, 2, 2};
    const uint8_t kinds[] = {ROW_INSERT, ROW_UPDATE_BEFORE, ROW_UPDATE_AFTER, ROW_DELETE};
    CHECK_INT(fold("MAX", TYPE_BIGINT, false, false, 4, value, kinds), 2);
}

TEST(agg, distinct_counts_a_value_once_until_the_last_one_goes) {
    const int64_t value[] = {5, 5, 8, 5, 5, NIL};
    const uint8_t kinds[] = {ROW_INSERT, ROW_INSERT, ROW_INSERT, ROW_DELETE, ROW_DELETE,
                             ROW_INSERT};
    CHECK_INT(fold("COUNT", TYPE_INT, true, true, 4, value, kinds), 2);
    CHECK_INT(fold("COUNT", TYPE_INT, true, true, 6, value, kinds), 1);
    CHECK_INT(fold("SUM", TYPE_INT, true, true, 6, value, kinds), 8);
}

TEST(agg, step_gives_the_result_after_each_row) {
    Bench bench;
    const Type *type = type_of(TYPE_INT, true);
    const int64_t value[] = {5, NIL, 7, 5};
    for (int distinct = 0; distinct < 2; distinct++) {
        bench_bind(&bench, "SUM", type, false, distinct);
        const Vec *arg = ints(&bench, type, 4, value);
        uint8_t *group[4];
        for (int i = 0; i < 4; i++) group[i] = bench.group;
        AggRows rows = {.rows = 4, .arg = &arg, .group = group};
        Vec *after = vec_new(&bench.arena, bench.call.result, 4);
        CHECK_OK(agg_step(&bench.call, &rows, &bench.env, after, &bench.err), &bench.err);
        const int32_t want[] = {5, 5, 12, distinct ? 12 : 17};
        for (int i = 0; i < 4; i++) CHECK_INT(vec_i32(after)[i], want[i]);
        bench_free(&bench);
    }
}

TEST(agg, merge_is_as_if_all_had_come_to_one_group) {
    static const char *const NAMES[] = {"SUM", "COUNT", "MAX", "MIN", "AVG"};
    const int64_t left[] = {5, 5, 1}, right[] = {5, 9};
    const int64_t want[] = {25, 5, 9, 1, 5}, want_distinct[] = {15, 3, 9, 1, 5};
    const Type *type = type_of(TYPE_BIGINT, true);
    for (size_t n = 0; n < sizeof NAMES / sizeof *NAMES; n++) {
        for (int distinct = 0; distinct < 2; distinct++) {
            Bench a, b;
            bench_bind(&a, NAMES[n], type, distinct, distinct);
            bench_bind(&b, NAMES[n], type, distinct, distinct);
            bench_feed(&a, ints(&a, type, 3, left), NULL);
            bench_feed(&b, ints(&b, type, 2, right), NULL);
            CHECK_OK(agg_merge(&a.call, a.group, b.group, &a.env, &a.err), &a.err);
            CHECK_INT(bench_int(&a), distinct ? want_distinct[n] : want[n]);
            bench_free(&a);
            bench_free(&b);
        }
    }
}

TEST(agg, a_sorted_bag_of_many_stays_sorted) {
    Bench bench;
    const Type *type = type_of(TYPE_INT, true);
    bench_bind(&bench, "MIN", type, true, false);
    enum { MANY = 2000 };
    int64_t value[MANY];
    uint8_t kinds[MANY];
    for (int i = 0; i < MANY; i++) value[i] = (i * 7919) % MANY;
    bench_feed(&bench, ints(&bench, type, MANY, value), NULL);
    CHECK_INT(bench_int(&bench), 0);
    for (int i = 0; i < MANY; i++) value[i] = i, kinds[i] = ROW_DELETE;
    bench_feed(&bench, ints(&bench, type, MANY - 1, value), kinds);
    CHECK_INT(bench_int(&bench), MANY - 1);
    bench_free(&bench);
}

TEST(agg, texts_are_owned_by_the_state) {
    Bench bench;
    const Type *type = type_of(TYPE_VARCHAR, true);
    for (int retract = 0; retract < 2; retract++) {
        bench_bind(&bench, "MAX", type, retract, false);
        Vec *arg = vec_new(&bench.arena, type, 3);
        char text[] = "pear";
        vec_str(arg)[0] = STR("apple");
        vec_str(arg)[1] = str_c(text);
        vec_str(arg)[2] = STR("fig");
        bench_feed(&bench, arg, NULL);
        memset(text, 'x', 4);
        CHECK(str_is(vec_str(bench_result(&bench))[0], "pear"));
        bench_free(&bench);
    }
}

TEST(agg, result_types_are_flinks) {
    static const struct {
        const char *name;
        bool grouped;
        const char *type;
    } CASES[] = {
        {"SUM", true, "DECIMAL(38, 2) NOT NULL"}, {"SUM", false, "DECIMAL(38, 2)"},
        {"AVG", true, "DECIMAL(38, 6) NOT NULL"}, {"MIN", false, "DECIMAL(10, 2)"},
        {"COUNT", false, "BIGINT NOT NULL"},      {"$SUM0", false, "DECIMAL(38, 2) NOT NULL"},
    };
    Arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const Type *arg[] = {type_decimal(&arena, 10, 2, false)};
        AggCall call = {.arena = &arena, .argc = 1, .arg = arg, .grouped = CASES[i].grouped};
        Error err;
        CHECK_OK(agg_bind(&call, agg_find(str_c(CASES[i].name)), &err), &err);
        Buf text = {0};
        type_print(call.result, &text);
        CHECK_STR(buf_cstr(&text), CASES[i].type);
        buf_free(&text);
    }
    arena_clear(&arena);
}

TEST(agg, first_and_last_skip_nulls_and_step_back) {
    const int64_t value[] = {NIL, 4, 6, 4, NIL};
    CHECK_INT(fold("FIRST_VALUE", TYPE_INT, false, false, 5, value, NULL), 4);
    CHECK_INT(fold("LAST_VALUE", TYPE_INT, false, false, 3, value, NULL), 6);
    const uint8_t kinds[] = {ROW_INSERT, ROW_INSERT, ROW_INSERT, ROW_DELETE, ROW_INSERT};
    CHECK_INT(fold("FIRST_VALUE", TYPE_INT, true, false, 5, value, kinds), 6);
    const int64_t again[] = {1, 2, 3, 3, 2};
    const uint8_t gone[] = {ROW_INSERT, ROW_INSERT, ROW_INSERT, ROW_DELETE, ROW_DELETE};
    CHECK_INT(fold("LAST_VALUE", TYPE_INT, true, false, 4, again, gone), 2);
    CHECK_INT(fold("LAST_VALUE", TYPE_INT, true, false, 5, again, gone), 1);
}

TEST(agg, variance_of_integers_is_cut_to_the_integer) {
    const int64_t value[] = {5, 1, 7};
    CHECK_INT(fold("VAR_POP", TYPE_INT, false, false, 3, value, NULL), 6);
    CHECK_INT(fold("VARIANCE", TYPE_INT, false, false, 3, value, NULL), 9);
    CHECK_INT(fold("STDDEV", TYPE_INT, false, false, 3, value, NULL), 3);
    CHECK_INT(fold("STDDEV_SAMP", TYPE_INT, false, false, 1, value, NULL), NONE);
    const int64_t tiny[] = {2, 100, 100};
    CHECK_INT(fold("VAR_SAMP", TYPE_TINYINT, false, false, 2, tiny, NULL), -62);  // 4802 wraps
}

TEST(agg, a_second_single_value_is_an_error) {
    Bench bench;
    const Type *type = type_of(TYPE_INT, true);
    bench_bind(&bench, "SINGLE_VALUE", type, false, false);
    const int64_t value[] = {3, 4};
    bench_feed(&bench, ints(&bench, type, 1, value), NULL);
    CHECK_INT(bench_int(&bench), 3);
    const Vec *arg = ints(&bench, type, 1, value + 1);
    AggRows rows = {.rows = 1, .arg = &arg, .single = bench.group};
    CHECK_INT(agg_update(&bench.call, &rows, &bench.env, &bench.err), ST_RUNTIME);
    bench_free(&bench);
}

static void check_list(const Vec *vec, uint32_t count, const int64_t *want) {
    ListView view = vec_list(vec)[0];
    CHECK_INT(view.count, count);
    for (uint32_t i = 0; i < count; i++) {
        CHECK_INT(vec_is_null(vec->child[0], view.offset + i), want[i] == NIL);
        if (want[i] != NIL) CHECK_INT(vec_integer(vec->child[0], view.offset + i), want[i]);
    }
}

TEST(agg, array_agg_keeps_order_and_nulls) {
    Bench bench;
    const Type *type = type_of(TYPE_INT, true);
    bench_bind(&bench, "ARRAY_AGG", type, true, false);
    const int64_t value[] = {7, NIL, 8, 7, 9, 7};
    const uint8_t kinds[] = {ROW_INSERT, ROW_INSERT, ROW_INSERT, ROW_INSERT, ROW_INSERT,
                             ROW_DELETE};
    bench_feed(&bench, ints(&bench, type, 6, value), kinds);
    const int64_t want[] = {NIL, 8, 7, 9};
    check_list(bench_result(&bench), 4, want);
    bench_reload(&bench);
    check_list(bench_result(&bench), 4, want);
    bench_free(&bench);
}

TEST(agg, early_retractions_cancel_out_in_a_merge) {
    Bench a, b;
    const Type *type = type_of(TYPE_INT, true);
    bench_bind(&a, "ARRAY_AGG", type, true, false);
    bench_bind(&b, "ARRAY_AGG", type, true, false);
    const int64_t one[] = {5, 6}, two[] = {5, 8};
    const uint8_t kinds[] = {ROW_DELETE, ROW_INSERT};
    bench_feed(&a, ints(&a, type, 2, one), NULL);
    bench_feed(&b, ints(&b, type, 2, two), kinds);
    CHECK_OK(agg_merge(&a.call, a.group, b.group, &a.env, &a.err), &a.err);
    const int64_t want[] = {6, 8};
    check_list(bench_result(&a), 2, want);
    bench_free(&a);
    bench_free(&b);
}

TEST(agg, listagg_joins_texts) {
    Bench bench;
    const Type *type = type_of(TYPE_VARCHAR, true);
    for (int retract = 0; retract < 2; retract++) {
        bench_bind(&bench, "LISTAGG", type, retract, false);
        Vec *arg = vec_new(&bench.arena, type, 4);
        vec_str(arg)[0] = STR("");
        vec_str(arg)[1] = STR("b");
        vec_set_null(arg, 2);
        vec_str(arg)[3] = STR("c");
        bench_feed(&bench, arg, NULL);
        CHECK(str_is(vec_str(bench_result(&bench))[0], ",b,c"));
        bench_reload(&bench);
        CHECK(str_is(vec_str(bench_result(&bench))[0], ",b,c"));
        bench_free(&bench);
    }
}

TEST(agg, collect_counts_values) {
    Bench bench;
    const Type *type = type_of(TYPE_INT, true);
    bench_bind(&bench, "COLLECT", type, false, false);
    const int64_t value[] = {7, NIL, 8, 7};
    bench_feed(&bench, ints(&bench, type, 4, value), NULL);
    bench_reload(&bench);
    Vec *out = bench_result(&bench);
    ListView view = vec_list(out)[0];
    CHECK_INT(view.count, 2);
    CHECK_INT(vec_i32(out->child[0])[view.offset], 7);
    CHECK_INT(vec_i32(out->child[1])[view.offset], 2);
    CHECK_INT(vec_i32(out->child[1])[view.offset + 1], 1);
    bench_free(&bench);
}

TEST(agg, percentile_is_linear_between_values) {
    Bench bench = {0};
    arena_init(&bench.arena);
    budget_init(&bench.budget, NULL, "test", 0);
    bench.env = (AggEnv){.budget = &bench.budget, .scratch = &bench.arena};
    const Type *arg[] = {type_of(TYPE_INT, true), type_of(TYPE_DOUBLE, false)};
    bench.call = (AggCall){.arena = &bench.arena, .argc = 2, .arg = arg};
    CHECK_OK(agg_bind(&bench.call, agg_find(STR("percentile")), &bench.err), &bench.err);
    bench.group = arena_zalloc(&bench.arena, bench.call.impl->size);
    const int64_t value[] = {8, 5, 7, 6};
    Vec *want = vec_new(&bench.arena, arg[1], 4);
    for (int i = 0; i < 4; i++) vec_f64(want)[i] = 0.3;
    const Vec *args[] = {ints(&bench, arg[0], 4, value), want};
    AggRows rows = {.rows = 4, .arg = args, .single = bench.group};
    CHECK_OK(agg_update(&bench.call, &rows, &bench.env, &bench.err), &bench.err);
    bench_reload(&bench);
    double got = vec_f64(bench_result(&bench))[0];
    CHECK(got > 5.8999 && got < 5.9001);
    bench_free(&bench);
}
