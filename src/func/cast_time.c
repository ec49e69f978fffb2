// Casts between DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ, and from text. What Flink does before 1970
// (it divides towards zero) is in type/datetime.h.
#include "func/cast_int.h"
#include "type/datetime.h"

static Timestamp to_local(const FuncEnv *env, Timestamp utc) {
    utc.ms += zone_offset_ms(env->zone, utc.ms);
    return utc;
}
static Timestamp to_utc(const FuncEnv *env, Timestamp local) {
    local.ms = zone_local_to_utc(env->zone, local.ms);
    return local;
}

static void cast_from_date(const Cast *cast, uint32_t row) {
    int32_t days = vec_i32(cast->in)[row];
    if (cast->out->type->kind == TYPE_DATE) {
        vec_i32(cast->out)[row] = days;
        return;
    }
    Timestamp local = {(int64_t)days * MS_PER_DAY, 0, 0};
    bool zoned = cast->out->type->kind == TYPE_TIMESTAMP_LTZ;
    vec_set_timestamp(cast->out, row, zoned ? to_utc(cast->env, local) : local);
}

static void cast_from_time(const Cast *cast, uint32_t row) {
    int32_t ms = vec_i32(cast->in)[row];
    const Type *to = cast->out->type;
    if (to->kind == TYPE_TIME) {
        vec_i32(cast->out)[row] = time_truncate(ms, to->precision);
        return;
    }
    Timestamp local = timestamp_cast((Timestamp){ms, 0, 0}, to->precision);
    bool zoned = to->kind == TYPE_TIMESTAMP_LTZ;
    vec_set_timestamp(cast->out, row, zoned ? to_utc(cast->env, local) : local);
}

static void cast_from_timestamp(const Cast *cast, uint32_t row) {
    Timestamp ts = vec_timestamp(cast->in, row);
    const Type *to = cast->out->type;
    bool from_zoned = cast->in->type->kind == TYPE_TIMESTAMP_LTZ;
    if (to->kind == TYPE_TIMESTAMP || to->kind == TYPE_TIMESTAMP_LTZ) {
        bool to_zoned = to->kind == TYPE_TIMESTAMP_LTZ;
        if (from_zoned && !to_zoned) ts = to_local(cast->env, ts);
        if (!from_zoned && to_zoned) ts = to_utc(cast->env, ts);
        if (to->precision < cast->in->type->precision) ts = timestamp_cast(ts, to->precision);
        vec_set_timestamp(cast->out, row, ts);
        return;
    }
    int32_t date, time;
    if (from_zoned) {
        ts = to_local(cast->env, ts);
        date = (int32_t)floor_div(ts.ms, MS_PER_DAY);
        time = (int32_t)floor_mod(ts.ms, MS_PER_DAY);
    } else {
        date = timestamp_to_date(ts);
        time = timestamp_to_time(ts);
    }
    vec_i32(cast->out)[row] =
        to->kind == TYPE_DATE ? date : time_truncate(time, to->precision);
}

Status cast_time(const Cast *cast, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < cast->rows; row++) {
        if (!cast_row_wanted(cast, row)) continue;
        switch (cast->in->type->kind) {
            case TYPE_DATE: cast_from_date(cast, row); break;
            case TYPE_TIME: cast_from_time(cast, row); break;
            default: cast_from_timestamp(cast, row);
        }
    }
    return ST_OK;
}

Status cast_time_from_text(const Cast *cast, Error *err) {
    const Str *text = vec_str(cast->in);
    const Type *to = cast->out->type;
    for (uint32_t row = 0; row < cast->rows; row++) {
        if (!cast_row_wanted(cast, row)) continue;
        bool read;
        int32_t value = 0;
        Timestamp ts = {0, 0, 0};
        if (to->kind == TYPE_DATE) {
            read = date_parse(text[row], &value);
            if (read) vec_i32(cast->out)[row] = value;
        } else if (to->kind == TYPE_TIME) {
            read = time_parse(text[row], &value);
            if (read) vec_i32(cast->out)[row] = time_truncate(value, to->precision);
        } else {
            read = timestamp_parse(text[row], &ts);
            if (to->kind == TYPE_TIMESTAMP_LTZ) ts = to_utc(cast->env, ts);
            if (read) vec_set_timestamp(cast->out, row, timestamp_truncate(ts, to->precision));
        }
        if (!read) TRY(cast_fail(cast, row, "the text has another form", err));
    }
    return ST_OK;
}
