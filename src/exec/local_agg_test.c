#include "col/codec.h"
#include "exec/partial.h"
#include "test/unit.h"

// SELECT k, COUNT(v) … GROUP BY k over rows (k INT, v INT), in front of a consumer that counts what
// comes: rows as they were, partial results, and the rows that those stand for.
typedef struct Taker {
    Operator base;
    uint64_t passed, partials;
    int64_t folded;
} Taker;

static Status take(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    (void)err;
    Taker *self = (Taker *)op;
    const Vec *partial = in->column[2];
    for (uint32_t i = 0; i < in->rows; i++) {
        if (vec_is_null(partial, i)) {
            self->passed++;
            continue;
        }
        int64_t rows;
        (void)codec_get_i64(vec_str(partial)[i].ptr, &rows);
        self->folded += rows;
        self->partials++;
    }
    return ST_OK;
}

static const OperatorVt TAKER = {.name = "taker", .size = sizeof(Taker), .on_batch = take};

typedef struct Bench {
    Arena arena;
    Budget budget;
    Map config;
    OpEnv env;
    Plan plan;
    PlanAgg agg;
    AggCall call;
    uint32_t key, arg;
    const Type *row;
    Operator *op;
    OpTarget target;
    Taker taker;
    Error err;
} Bench;

static void bench_open(Bench *bench, const char *strategy) {
    *bench = (Bench){0};
    arena_init(&bench->arena);
    budget_init(&bench->budget, NULL, "test", 0);
    (void)map_put(&bench->config, STR("table.optimizer.agg-phase-strategy"),
                  (void *)(uintptr_t)strategy);
    Arena *arena = &bench->arena;
    const Type *ints = type_of(TYPE_INT, true);
    const Type **child = ARENA_ARRAY(arena, const Type *, 3);
    Str *name = ARENA_ARRAY(arena, Str, 3);
    child[0] = child[1] = ints;
    child[2] = type_varbinary(arena, INT32_MAX, true);
    name[0] = STR("k");
    name[1] = STR("v");
    name[2] = STR("$partial");
    bench->row = type_row(arena, 2, child, name, false);
    bench->call = (AggCall){.arena = arena, .argc = 1, .merge = true, .grouped = true};
    bench->call.arg = ARENA_ARRAY(arena, const Type *, 1);
    bench->call.arg[0] = ints;
    CHECK_OK(agg_bind(&bench->call, agg_find(STR("COUNT")), &bench->err), &bench->err);
    bench->arg = 1;
    bench->agg = (PlanAgg){.call = &bench->call, .arg = &bench->arg, .filter = -1};
    bench->plan = (Plan){.kind = PLAN_LOCAL_AGG, .type = type_row(arena, 3, child, name, false),
                         .key = &bench->key, .key_count = 1, .agg = &bench->agg, .agg_count = 1};
    bench->env = (OpEnv){.config = &bench->config, .arena = arena, .budget = &bench->budget,
                          .batch_rows_max = BATCH_ROWS_MAX};
    bench->taker.base = (Operator){.vt = &TAKER, .env = &bench->env, .budget = &bench->budget,
                                   .input_count = 1};
    bench->target = (OpTarget){&bench->taker.base, 0};
    const OperatorVt *vt = operator_for(PLAN_LOCAL_AGG, false);
    CHECK(vt != NULL);
    bench->op = arena_zalloc(arena, vt->size);
    *bench->op = (Operator){.vt = vt, .plan = &bench->plan, .env = &bench->env,
                            .budget = &bench->budget, .target = &bench->target,
                            .target_count = 1, .input_count = 1};
    CHECK_OK(vt->open(bench->op, &bench->err), &bench->err);
}

// [count] rows whose keys go through 0 to [keys] - 1.
static void bench_feed(Bench *bench, uint32_t count, uint32_t keys) {
    for (uint32_t from = 0; from < count;) {
        uint32_t rows = count - from < BATCH_ROWS_MAX ? count - from : BATCH_ROWS_MAX;
        Batch *in = batch_new_columns(bench->row, rows);
        batch_set_rows(in, rows);
        for (uint32_t i = 0; i < rows; i++) {
            vec_i32(in->column[0])[i] = (int32_t)((from + i) % keys);
            vec_i32(in->column[1])[i] = 1;
        }
        CHECK_OK(bench->op->vt->on_batch(bench->op, 0, batch_seal(in), &bench->err), &bench->err);
        batch_unref(in);
        from += rows;
    }
}

static void bench_close(Bench *bench) {
    bench->op->vt->close(bench->op);
    CHECK_INT(bench->budget.bytes, 0);
    map_clear(&bench->config);
    arena_clear(&bench->arena);
}

TEST(local_agg, two_phases_hand_on_one_row_a_group) {
    Bench bench;
    bench_open(&bench, "TWO_PHASE");
    bench_feed(&bench, 600, 2);
    CHECK_INT(bench.taker.partials + bench.taker.passed, 0);  // the bundle is open
    CHECK_OK(bench.op->vt->on_flush(bench.op, &bench.err), &bench.err);
    CHECK_INT(bench.taker.partials, 2);
    CHECK_INT(bench.taker.folded, 600);
    CHECK_OK(bench.op->vt->on_flush(bench.op, &bench.err), &bench.err);
    CHECK_INT(bench.taker.partials, 2);  // nothing twice
    bench_close(&bench);
}

TEST(local_agg, auto_folds_keys_that_repeat) {
    Bench bench;
    bench_open(&bench, "AUTO");
    bench_feed(&bench, 200000, 100);
    CHECK_OK(bench.op->vt->on_flush(bench.op, &bench.err), &bench.err);
    CHECK_INT(bench.taker.passed, 0);
    CHECK_INT(bench.taker.folded, 200000);
    CHECK(bench.taker.partials < 2000);
    bench_close(&bench);
}

TEST(local_agg, auto_lets_keys_pass_that_do_not_repeat) {
    Bench bench;
    bench_open(&bench, "AUTO");
    bench_feed(&bench, 200000, 200000);
    CHECK_OK(bench.op->vt->on_flush(bench.op, &bench.err), &bench.err);
    CHECK(bench.taker.passed > 100000);
    CHECK_INT((int64_t)bench.taker.passed + bench.taker.folded, 200000);  // each row once
    bench_close(&bench);
}

TEST(local_agg, two_phases_fold_what_does_not_repeat_too) {
    Bench bench;
    bench_open(&bench, "TWO_PHASE");
    bench_feed(&bench, 50000, 50000);  // more groups than a bundle holds
    CHECK(bench.taker.partials > 0);
    CHECK_OK(bench.op->vt->on_flush(bench.op, &bench.err), &bench.err);
    CHECK_INT(bench.taker.passed, 0);
    CHECK_INT(bench.taker.folded, 50000);
    bench_close(&bench);
}
