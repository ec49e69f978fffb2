// func/temporal_now.c - what time it is, and the functions that only mark a column.
//
// In streaming mode the clock is read once a batch, by env->now_ms: all functions of a row see the
// same moment, and NOW() = CURRENT_TIMESTAMP holds; exec/program.c keeps that promise. In batch
// mode all but CURRENT_ROW_TIMESTAMP stand still at the query's start.
#include "func/temporal.h"

static int64_t now_of(const KernelArgs *args, bool per_row) {
    const FuncEnv *env = args->env;
    return env->batch && !per_row ? env->query_start_ms : env->now_ms(env->now_arg);
}

static void fill(Vec *out, uint32_t rows, int64_t value) {
    for (uint32_t row = 0; row < rows; row++) vec_set_integer(out, row, value);
}

static void fill_timestamp(Vec *out, uint32_t rows, int64_t ms) {
    for (uint32_t row = 0; row < rows; row++) vec_set_timestamp(out, row, (Timestamp){ms, 0, 0});
}

static int64_t local_now(const KernelArgs *args) {
    int64_t now = now_of(args, false);
    return now + zone_offset_ms(args->env->zone, now);
}

static Status now_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    fill_timestamp(out, args->rows, now_of(args, false));
    return ST_OK;
}

static Status row_now_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    fill_timestamp(out, args->rows, now_of(args, true));
    return ST_OK;
}

static Status local_now_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    fill_timestamp(out, args->rows, local_now(args));
    return ST_OK;
}

static Status today_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    fill(out, args->rows, floor_div(local_now(args), MS_PER_DAY));
    return ST_OK;
}

static Status clock_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    int32_t ms = (int32_t)floor_mod(local_now(args), MS_PER_DAY);
    fill(out, args->rows, time_truncate(ms, 0));
    return ST_OK;
}

static Status unix_now_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    fill(out, args->rows, now_of(args, false) / MS_PER_SECOND);
    return ST_OK;
}

static Status ltz_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_timestamp_ltz(call->arena, 3, false);
    return ST_OK;
}

static Status timestamp_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_timestamp(call->arena, 3, false);
    return ST_OK;
}

static Status clock_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_time(call->arena, 0, false);
    return ST_OK;
}

static Status proctime_bind(FuncCall *call, Error *err) {
    (void)err;
    const Type *type = type_timestamp_ltz(call->arena, 3, false);
    call->result = type_attribute(call->arena, type, TIME_PROCTIME);
    return ST_OK;
}

static Status watermark_bind(FuncCall *call, Error *err) {
    const Type *type = call->arg[0];
    if (!type_is_timestamp(type) || type->attribute != TIME_ROWTIME) {
        return error_set(err, ST_VALIDATION,
                         "the argument of CURRENT_WATERMARK() must be a rowtime attribute");
    }
    call->result = type->kind == TYPE_TIMESTAMP ? type_timestamp(call->arena, 3, true)
                                                : type_timestamp_ltz(call->arena, 3, true);
    return ST_OK;
}

static Status watermark_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    int64_t mark = args->watermark_ms ? *args->watermark_ms : INT64_MIN;
    if (mark == INT64_MIN) {
        vec_set_all_null(out);
    } else {
        fill_timestamp(out, args->rows, mark);
    }
    return ST_OK;
}

static Status source_watermark_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)args;
    (void)out;
    return error_set(err, ST_RUNTIME,
                     "SOURCE_WATERMARK() only declares a watermark strategy; it has no value");
}

#define NOW(name_, bind_, kernel_, doc_)                                                     \
    {                                                                                        \
        .name = (name_), .argc_min = 0, .argc_max = 0, .bind = (bind_), .kernel = (kernel_), \
        .flags = FUNC_DYNAMIC, .doc = (doc_)                                                 \
    }

// clang-format off
static const ScalarFunc NOW_FUNCS[] = {
    NOW("CURRENT_TIMESTAMP", ltz_bind, now_kernel,
        "The present moment; in batch mode the start of the query."),
    NOW("NOW", ltz_bind, now_kernel, "The same as CURRENT_TIMESTAMP."),
    NOW("CURRENT_ROW_TIMESTAMP", ltz_bind, row_now_kernel,
        "The present moment, read anew for each row in batch mode too."),
    NOW("LOCALTIMESTAMP", timestamp_bind, local_now_kernel,
        "The present date and time in the session's time zone."),
    {.name = "CURRENT_DATE", .result = RESULT_DATE, .result_null = RESULT_NULL_NEVER,
     .kernel = today_kernel, .flags = FUNC_DYNAMIC,
     .doc = "The present date in the session's time zone."},
    NOW("CURRENT_TIME", clock_bind, clock_kernel,
        "The present time of day in the session's time zone."),
    NOW("LOCALTIME", clock_bind, clock_kernel, "The same as CURRENT_TIME."),
    {.name = "UNIX_TIMESTAMP", .result = RESULT_BIGINT, .result_null = RESULT_NULL_NEVER,
     .kernel = unix_now_kernel, .flags = FUNC_DYNAMIC,
     .doc = "Seconds since 1970-01-01 00:00:00 UTC, now."},
    {.name = "PROCTIME", .bind = proctime_bind, .kernel = now_kernel,
     .flags = FUNC_NONDETERMINISTIC,
     .doc = "The processing time attribute: the clock at each row."},
    {.name = "CURRENT_WATERMARK", .args = {ARG_ANY_TIMESTAMP}, .bind = watermark_bind,
     .nulls = NULLS_OWN, .kernel = watermark_kernel, .flags = FUNC_NONDETERMINISTIC,
     .doc = "The watermark that the operator at this place has seen last; NULL before the first."},
    {.name = "SOURCE_WATERMARK", .bind = ltz_bind, .kernel = source_watermark_kernel,
     .flags = FUNC_NONDETERMINISTIC | FUNC_CAN_FAIL,
     .doc = "In a WATERMARK clause: the source's own watermarks are used."},
};
// clang-format on
const FuncTable TEMPORAL_NOW_TABLE = FUNC_TABLE("Current time", NOW_FUNCS);
