#include "exec/partial.h"

#include "test/unit.h"

enum { GROUPS = 3, CALLS_MAX = 4 };

// Aggregates over one INT column, one after another in a group; groups of one worker, partials as
// they travel, and the groups of the worker that owns them.
typedef struct Bench {
    Arena arena;
    Budget budget;
    AggEnv env;
    AggCall call[CALLS_MAX];
    AggCall *calls[CALLS_MAX];
    PartialCalls partial;
    Error err;
} Bench;

static void bench_init(Bench *bench, const char *const *names, uint32_t count, bool retract,
                       bool distinct) {
    *bench = (Bench){0};
    arena_init(&bench->arena);
    budget_init(&bench->budget, NULL, "test", 0);
    bench->env = (AggEnv){.budget = &bench->budget, .scratch = &bench->arena};
    for (uint32_t i = 0; i < count; i++) {
        AggCall *call = bench->calls[i] = &bench->call[i];
        *call = (AggCall){.arena = &bench->arena, .argc = 1, .retract = retract, .merge = true,
                          .distinct = distinct};
        call->arg = ARENA_ARRAY(&bench->arena, const Type *, 1);
        call->arg[0] = type_of(TYPE_INT, true);
        CHECK_OK(agg_bind(call, agg_find(str_c(names[i])), &bench->err), &bench->err);
    }
    uint32_t align = 16;
    uint32_t size = agg_layout(bench->calls, count, 0, &align);
    bench->partial = (PartialCalls){bench->calls, count, size, &bench->env};
}

static uint8_t **groups_new(Bench *bench) {
    uint8_t **group = ARENA_ARRAY(&bench->arena, uint8_t *, GROUPS);
    for (uint32_t i = 0; i < GROUPS; i++) {
        group[i] = arena_zalloc(&bench->arena, bench->partial.group_size);
    }
    return group;
}

static void groups_clear(Bench *bench, uint8_t **group) {
    for (uint32_t a = 0; a < bench->partial.count; a++) {
        for (uint32_t i = 0; i < GROUPS; i++) agg_clear(bench->calls[a], group[i], &bench->env);
    }
}

// Folds values[i] into the group i % GROUPS, and says how many rows each has.
static void feed(Bench *bench, uint8_t **group, const int32_t *values, const uint8_t *kinds,
                 uint32_t count, int64_t *rows) {
    Vec *vec = vec_new(&bench->arena, type_of(TYPE_INT, true), count);
    uint8_t **of = ARENA_ARRAY(&bench->arena, uint8_t *, count);
    for (uint32_t i = 0; i < count; i++) {
        vec_i32(vec)[i] = values[i];
        if (values[i] == INT32_MIN) vec_set_null(vec, i);
        of[i] = group[i % GROUPS];
        rows[i % GROUPS] += kinds && (kinds[i] & 1) ? -1 : 1;
    }
    const Vec *arg[] = {vec};
    AggRows in = {.rows = count, .arg = arg, .group = of, .kinds = kinds};
    for (uint32_t a = 0; a < bench->partial.count; a++) {
        CHECK_OK(agg_update(bench->calls[a], &in, &bench->env, &bench->err), &bench->err);
    }
}

// Sends [from] over to [to].
static void travel(Bench *bench, uint8_t **from, const int64_t *rows, uint8_t **to,
                   int64_t *arrived) {
    Vec *bytes = vec_new(&bench->arena, type_varbinary(&bench->arena, INT32_MAX, false), GROUPS);
    uint64_t size = 0;
    CHECK_OK(partials_write(&bench->partial, (const uint8_t *const *)from, rows, GROUPS, bytes,
                            &bench->arena, &size, &bench->err),
             &bench->err);
    CHECK(size >= GROUPS);
    CHECK_OK(partials_merge(&bench->partial, bytes, to, arrived, &bench->arena, &bench->err),
             &bench->err);
}

static int64_t result(Bench *bench, uint32_t call, const uint8_t *group) {
    Vec *out = vec_new(&bench->arena, bench->calls[call]->result, 1);
    CHECK_OK(agg_emit(bench->calls[call], &group, 1, &bench->env, out, &bench->err), &bench->err);
    return vec_is_null(out, 0) ? INT64_MIN : vec_integer(out, 0);
}

// Two workers' partials, merged, against all rows in one place.
static void check_same(Bench *bench, const int32_t *values, const uint8_t *kinds, uint32_t count,
                       uint32_t cut) {
    uint8_t **one = groups_new(bench), **two = groups_new(bench), **owner = groups_new(bench),
            **whole = groups_new(bench);
    int64_t rows[4][GROUPS] = {0};
    feed(bench, one, values, kinds, cut, rows[0]);
    feed(bench, two, values + cut, kinds ? kinds + cut : NULL, count - cut, rows[1]);
    feed(bench, whole, values, kinds, count, rows[2]);
    travel(bench, one, rows[0], owner, rows[3]);
    for (uint32_t i = 0; i < GROUPS; i++) CHECK_INT(rows[3][i], rows[0][i]);
    travel(bench, two, rows[1], owner, rows[3]);
    for (uint32_t i = 0; i < GROUPS; i++) {
        CHECK_INT(rows[3][i], rows[1][i]);  // of the partial alone: the owner adds them up
        for (uint32_t a = 0; a < bench->partial.count; a++) {
            CHECK_INT(result(bench, a, owner[i]), result(bench, a, whole[i]));
        }
    }
    groups_clear(bench, one);
    groups_clear(bench, two);
    groups_clear(bench, owner);
    groups_clear(bench, whole);
    CHECK_INT(bench->budget.bytes, 0);
    arena_clear(&bench->arena);
}

TEST(partial, two_workers_come_to_what_one_does) {
    static const char *const NAMES[] = {"COUNT", "SUM", "MIN", "MAX"};
    static const int32_t VALUES[] = {5, INT32_MIN, 7, 1, 2, -3, 9, INT32_MIN, 0, 4, INT32_MIN, 8};
    for (uint32_t cut = 0; cut <= 12; cut += 3) {  // of no rows, too
        Bench bench;
        bench_init(&bench, NAMES, 4, false, false);
        check_same(&bench, VALUES, NULL, 12, cut);
    }
}

TEST(partial, what_one_worker_took_back_the_other_may_have_had) {
    static const char *const NAMES[] = {"COUNT", "SUM", "MIN", "MAX"};
    static const int32_t VALUES[] = {5, 6, 7, 1, 2, 3, 5, 6, 7};
    static const uint8_t KINDS[] = {0, 0, 0, 0, 0, 0, 3, 1, 3};
    for (uint32_t cut = 0; cut <= 9; cut += 3) {
        Bench bench;
        bench_init(&bench, NAMES, 4, true, false);
        check_same(&bench, VALUES, KINDS, 9, cut);
    }
}

TEST(partial, distinct_values_that_both_saw_count_once) {
    static const char *const NAMES[] = {"COUNT", "SUM"};
    static const int32_t VALUES[] = {5, 6, 7, 5, 2, INT32_MIN, 5, 6, 9, 4, 6, 9};
    for (uint32_t cut = 0; cut <= 12; cut += 3) {
        Bench bench;
        bench_init(&bench, NAMES, 2, false, true);
        check_same(&bench, VALUES, NULL, 12, cut);
    }
}

TEST(partial, a_filter_takes_what_is_true_and_no_null) {
    Arena arena;
    arena_init(&arena);
    const Type *flag = type_of(TYPE_BOOLEAN, true);
    Str name = STR("f");
    Batch *in = batch_new_columns(type_row(&arena, 1, &flag, &name, false), 3);
    batch_set_rows(in, 3);
    vec_u8(in->column[0])[0] = 1;
    vec_u8(in->column[0])[1] = 0;
    vec_u8(in->column[0])[2] = 1;
    vec_set_null(in->column[0], 2);
    CHECK(filter_mask(in, -1, &arena) == NULL);
    const uint64_t *mask = filter_mask(in, 0, &arena);
    CHECK(bits_get(mask, 0) && !bits_get(mask, 1) && !bits_get(mask, 2));
    batch_unref(in);
    arena_clear(&arena);
}
