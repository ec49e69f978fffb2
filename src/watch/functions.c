// The functions of the job's SQL.
//
//   WATCH_JUDGE(watch, metric, ts, value) OVER (PARTITION BY metric ORDER BY <processing time>)
//       the verdict on each point: an aggregate function whose state is a Judge. Points are judged
//       in the order in which they come; the detector minds their times. A row without a value is a
//       question of the warden's; which one, WATCH_JUDGE_ASKS for each number, is added to `watch`:
//       an aggregate has four arguments.
//   WATCH_KEY(watch, topic, metric)
//       a metric's key by the topic that a point came on and the name in it; NULL: nobody's.
//   WATCH_TIME(text)
//       the ways to write a point's time, as milliseconds; NULL: it is none.
#include <math.h>
#include <pthread.h>

#include "plan/plan.h"
#include "udf/udf.h"
#include "watch/judge.h"
#include "watch/watch_int.h"

// ---- WATCH_JUDGE -------------------------------------------------------------------------------

// The fields of its result, in the order of the signature.
enum { J_EVENT, J_TOPIC, J_ID, J_SEQ, J_OPENED, J_MESSAGE, J_FORECAST, J_LOW, J_HIGH, J_SCORE,
       J_ALARM, J_COLD, J_KEPT };

typedef struct JudgeState {
    Judge *judge;  // owned; NULL: a new key
    int64_t bytes;  // that the budget was charged with for it
} JudgeState;

static JudgeState *state_at(const AggCall *call, uint8_t *group) {
    return (JudgeState *)(void *)(group + call->offset);
}

static Status need_judge(JudgeState *state, AggEnv *env, Error *err) {
    if (state->judge) return ST_OK;
    TRY(budget_charge(env->budget, (int64_t)sizeof(Judge), err));
    state->judge = NEW(Judge);
    state->bytes = (int64_t)sizeof(Judge);
    return ST_OK;
}

// A detector grows when it gets a model.
static Status charge_growth(JudgeState *state, AggEnv *env, Error *err) {
    const Judge *judge = state->judge;
    int64_t bytes = (int64_t)(sizeof *judge + (judge->detector ? detector_bytes(judge->detector)
                                                               : judge->stored.len));
    if (bytes == state->bytes) return ST_OK;
    TRY(budget_charge(env->budget, bytes - state->bytes, err));
    state->bytes = bytes;
    return ST_OK;
}

static void put_message(const Judge *judge, Watch *watch, WatchMetric *metric,
                        const DetectVerdict *verdict, const JudgeMessage *message, Vec *out,
                        uint32_t row) {
    Buf text = {0};
    judge_print_id(metric, message, &text);
    vec_set_text(out->child[J_ID], row, buf_str(&text));
    text.len = 0;
    judge_print(judge, watch, metric, verdict, message, &text);
    vec_set_text(out->child[J_MESSAGE], row, buf_str(&text));
    vec_set_text(out->child[J_TOPIC], row, str_c(atomic_load(&metric->platform->topic)));
    vec_i64(out->child[J_SEQ])[row] = message->seq;
    vec_i64(out->child[J_OPENED])[row] = message->opened_ms;
    buf_free(&text);
}

static void drop(JudgeState *state, AggEnv *env) {
    if (!state->judge) return;
    judge_clear(state->judge);
    mem_free(state->judge);
    budget_release(env->budget, state->bytes);
    *state = (JudgeState){0};
}

// A row without a value is a question of the warden's: whether the metric is silent.
static Status judge_row(const AggCall *call, const AggRows *in, uint32_t row, AggEnv *env,
                        Vec *out, Error *err) {
    int64_t number = vec_integer(in->arg[0], row);
    Watch *watch = watch_of(number % WATCH_JUDGE_ASKS);
    WatchMetric *metric =
        watch ? roster_metric_of(watch_roster(watch), vec_i64(in->arg[1])[row]) : NULL;
    JudgeState *state = state_at(call, agg_group(in, row));
    bool asked = vec_is_null(in->arg[3], row);
    InboxQuestion question = (InboxQuestion)(number / WATCH_JUDGE_ASKS);
    vec_i32(out->child[J_EVENT])[row] = DETECT_NONE;
    vec_f64(out->child[J_FORECAST])[row] = NAN;
    vec_u8(out->child[J_KEPT])[row] = !asked;
    if (watch && (!metric || atomic_load(&metric->gone))) drop(state, env);  // it was removed
    if (!metric || atomic_load(&metric->gone) || atomic_load(&metric->paused)) return ST_OK;
    if (asked && !state->judge) return ST_OK;
    TRY(need_judge(state, env, err));
    int64_t ts_ms = vec_i64(in->arg[2])[row];
    DetectVerdict verdict;
    JudgeMessage message;
    TRY(asked ? judge_ask(state->judge, watch, metric, ts_ms, question, &verdict, &message, err)
              : judge_push(state->judge, watch, metric, ts_ms, vec_f64(in->arg[3])[row], &verdict,
                           &message, err));
    TRY(charge_growth(state, env, err));
    vec_i32(out->child[J_EVENT])[row] = (int32_t)message.event;
    vec_f64(out->child[J_FORECAST])[row] = verdict.forecast;
    vec_f64(out->child[J_LOW])[row] = verdict.low;
    vec_f64(out->child[J_HIGH])[row] = verdict.high;
    vec_f64(out->child[J_SCORE])[row] = verdict.score;
    vec_u8(out->child[J_ALARM])[row] = verdict.alarm;
    vec_u8(out->child[J_COLD])[row] = (verdict.flags & DETECT_COLD) != 0;
    // Of two points for a place the first stands, in the history too.
    if (verdict.flags & DETECT_DUPLICATE) vec_u8(out->child[J_KEPT])[row] = 0;
    if (message.event != DETECT_NONE) {
        put_message(state->judge, watch, metric, &verdict, &message, out, row);
    }
    return ST_OK;
}

static Status judge_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                         Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) TRY(judge_row(call, in, row, env, after, err));
    return ST_OK;
}

static Status judge_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    Vec *after = vec_new(env->scratch, call->result, in->rows);
    return judge_step(call, in, env, after, err);
}

// Outside of OVER there is no point that a verdict could be on.
static Status judge_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                         uint32_t row, Error *err) {
    (void)call, (void)state, (void)env, (void)out, (void)row;
    return error_set(err, ST_UNSUPPORTED, "WATCH_JUDGE judges rows: use it with OVER");
}

static void judge_drop(const AggCall *call, uint8_t *bytes, AggEnv *env) {
    (void)call;
    drop((JudgeState *)(void *)bytes, env);
}

static Status judge_write(const AggCall *call, const uint8_t *bytes, AggEnv *env, Vec *out,
                          uint32_t row, Error *err) {
    const JudgeState *state = (const JudgeState *)(const void *)bytes;
    (void)call, (void)env, (void)err;
    if (!state->judge) {
        vec_set_null(out, row);
        return ST_OK;
    }
    Buf saved = {0};
    judge_save(state->judge, &saved);
    vec_set_text(out, row, buf_str(&saved));
    buf_free(&saved);
    return ST_OK;
}

static Status judge_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                         uint8_t *bytes, Error *err) {
    JudgeState *state = (JudgeState *)(void *)bytes;
    (void)call;
    if (vec_is_null(in, row)) return ST_OK;
    TRY(need_judge(state, env, err));
    TRY(judge_load(state->judge, vec_str(in)[row], err));
    return charge_growth(state, env, err);
}

static const AggImpl JUDGE = {
    .size = sizeof(JudgeState),
    .align = 8,
    .flags = AGG_FOREIGN | AGG_OWNS | AGG_NO_RETRACT | AGG_NO_MERGE,
    .update = judge_update,
    .step = judge_step,
    .emit = judge_emit,
    .clear = judge_drop,
    .write = judge_write,
    .read = judge_read,
};

// The definition wants callbacks; JUDGE stands for all of them.
static int none_rows(weir_call *call, void *const *state) {
    (void)call, (void)state;
    return 0;
}
static int none_value(weir_call *call, const void *state, uint32_t row) {
    (void)call, (void)state, (void)row;
    return 0;
}

static const weir_function_def JUDGE_DEF = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_AGGREGATE,
    .signature = "(watch INT, metric BIGINT, ts BIGINT, v DOUBLE) -> ROW<event INT, topic STRING,"
                 " id STRING, seq BIGINT, opened BIGINT, message STRING, forecast DOUBLE,"
                 " low DOUBLE, high DOUBLE, score DOUBLE, alarm BOOLEAN, cold BOOLEAN,"
                 " kept BOOLEAN>",
    .doc = "The watch's verdict on a point.",
    .state_size = sizeof(JudgeState),
    .accumulate = none_rows,
    .value = none_value,
};

// ---- what comes over Kafka ---------------------------------------------------------------------

// "points.shop" is shop's.
static Str platform_of(Str topic) {
    for (uint32_t i = topic.len; i > 0; i--) {
        if (topic.ptr[i - 1] == '.') return str_sub(topic, i, topic.len);
    }
    return topic;
}

static Str text_at(const weir_column *column, uint32_t row) {
    weir_text text = ((const weir_text *)column->values)[row];
    return str_make(text.ptr, text.length);
}

static int key_eval(weir_call *call) {
    WEIR_EACH_ROW(call, row) {
        weir_result *result = &call->result[0];
        Watch *watch = watch_of(weir_int(&call->args[0], row));
        WatchPlatform *platform =
            watch ? roster_platform(watch_roster(watch), platform_of(text_at(&call->args[1], row)))
                  : NULL;
        WatchMetric *metric =
            platform ? roster_metric(watch_roster(watch), platform, text_at(&call->args[2], row))
                     : NULL;
        if (platform) atomic_fetch_add(metric ? &platform->points : &platform->points_unknown, 1);
        if (metric) weir_set_int(result, row, metric->key);
        else weir_set_null(result, row);
    }
    return 0;
}

static int time_eval(weir_call *call) {
    WEIR_EACH_ROW(call, row) {
        int64_t ms;
        if (!weir_is_null(&call->args[0], row) &&
            watch_time_parse(text_at(&call->args[0], row), &ms)) {
            weir_set_int(&call->result[0], row, ms);
        } else {
            weir_set_null(&call->result[0], row);
        }
    }
    return 0;
}

static const weir_function_def KEY_DEF = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_SCALAR,
    .signature = "(watch INT, topic STRING, metric STRING) -> BIGINT",
    .doc = "The key of a metric that a platform has registered.",
    .eval = key_eval,
};
static const weir_function_def TIME_DEF = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_SCALAR,
    .signature = "(text STRING) -> BIGINT",
    .doc = "Seconds or milliseconds since 1970, or an ISO timestamp, as milliseconds.",
    .eval = time_eval,
};

// ---- registration ------------------------------------------------------------------------------

static Status add(const char *name, const weir_function_def *def, const AggImpl *impl,
                  Error *err) {
    Udf *udf = NULL;
    TRY(udf_new(str_c(name), def, NULL, &udf, err));
    Status st = bind_signature(udf, err);
    udf->agg_impl = impl;
    if (!st && !udf_register(udf)) {
        st = error_set(err, ST_INTERNAL, "there is a function '%s' already", name);
    }
    if (st) (void)udf_unref(udf);
    return st;
}

Status watch_functions_register(Error *err) {
    static OsMonitor monitor = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                .changed = PTHREAD_COND_INITIALIZER};
    static bool done;
    os_lock(&monitor);
    Status st = done ? ST_OK : add("WATCH_JUDGE", &JUDGE_DEF, &JUDGE, err);
    if (!st && !done) st = add("WATCH_KEY", &KEY_DEF, NULL, err);
    if (!st && !done) st = add("WATCH_TIME", &TIME_DEF, NULL, err);
    if (!st) done = true;
    os_unlock(&monitor);
    return st;
}
