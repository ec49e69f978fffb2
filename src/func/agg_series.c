// ML_DETECT_ANOMALIES, ML_FORECAST: what a detector (ml/series/learn.h) says of the newest point of
// a series, and of those to come. Names, arguments and the first fields of the results are those
// that users of Confluent's Flink know; the detector is weir's own, chooses the model itself, and
// trains on what it has seen.
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "func/agg_int.h"
#include "ml/series/learn.h"

enum { HORIZON_MAX = 1000 };

typedef struct SeriesBound {
    LearnSettings learn;
    uint32_t horizon;
    double band;  // what the detector's band is multiplied by
} SeriesBound;

typedef struct SeriesState {
    Learner *learner;
    DetectVerdict last;
    double squares;   // of the errors of its forecasts
    uint64_t judged;
    size_t charged;
} SeriesState;

// ---- options

typedef enum OptionKind { OPT_NUMBER, OPT_TEXT, OPT_BOOLEAN, OPT_LIST } OptionKind;

typedef struct SeriesOption {
    const char *name;
    OptionKind kind;
    double min, max;
} SeriesOption;

// The first rows matter; the others choose among models of the ARIMA family, and are read so that
// scripts written for it run.
static const SeriesOption OPTIONS[] = {
    {"granularitySeconds", OPT_NUMBER, 0.001, 86400 * 366},
    {"direction", OPT_TEXT, 0, 0},
    {"sensitivity", OPT_TEXT, 0, 0},
    {"zoneOffset", OPT_TEXT, 0, 0},
    {"holidays", OPT_LIST, 0, 0},
    {"workdays", OPT_LIST, 0, 0},
    {"maxTrainingSize", OPT_NUMBER, 128, SERIES_POINTS_MAX},
    {"confidencePercentage", OPT_NUMBER, 50, 99.9999},
    {"horizon", OPT_NUMBER, 1, HORIZON_MAX},
    {"minTrainingSize", OPT_NUMBER, 1, SERIES_POINTS_MAX},
    {"p", OPT_NUMBER, 0, 1000}, {"q", OPT_NUMBER, 0, 1000}, {"d", OPT_NUMBER, 0, 1000},
    {"P", OPT_NUMBER, 0, 1000}, {"Q", OPT_NUMBER, 0, 1000}, {"D", OPT_NUMBER, 0, 1000},
    {"m", OPT_NUMBER, 0, 1e9}, {"enableStl", OPT_BOOLEAN, 0, 0},
    {"updateInterval", OPT_NUMBER, 1, 1e9}, {"evalWindowSize", OPT_NUMBER, 1, 1e9},
    {"rmseThreshold", OPT_NUMBER, 0, 1e308}, {"minRmseThreshold", OPT_NUMBER, 0, 1e308},
};

static Status option_wrong(const AggCall *call, Str name, Error *err, const char *wants) {
    return error_set(err, ST_VALIDATION, "%s: option '" STR_FMT "' %s", call->func->name,
                     STR_ARG(name), wants);
}

static Status option_unknown(const AggCall *call, Str name, Error *err) {
    const char *names[sizeof OPTIONS / sizeof *OPTIONS];
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++) names[i] = OPTIONS[i].name;
    const char *near = text_nearest(name, names, (uint32_t)(sizeof names / sizeof *names));
    (void)option_wrong(call, name, err, "is unknown");
    if (near) error_hint(err, "did you mean '%s'?", near);
    return ST_VALIDATION;
}

static Status option_check(const AggCall *call, const JsonMember *member, double *number,
                           Error *err) {
    const SeriesOption *option = NULL;
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++) {
        if (str_eq(member->name, str_c(OPTIONS[i].name))) option = &OPTIONS[i];
    }
    if (!option) return option_unknown(call, member->name, err);
    const JsonValue *value = &member->value;
    switch (option->kind) {
        case OPT_NUMBER:
            if (json_is_number(value) && str_to_f64(value->text, number) &&
                *number >= option->min && *number <= option->max) {
                return ST_OK;
            }
            return error_set(err, ST_VALIDATION, "%s: option '%s' is a number from %.15g to %.15g",
                             call->func->name, option->name, option->min, option->max);
        case OPT_TEXT:
            if (value->kind == JK_TEXT) return ST_OK;
            return option_wrong(call, member->name, err, "is a text");
        case OPT_BOOLEAN:
            if (value->kind == JK_BOOLEAN) return ST_OK;
            return option_wrong(call, member->name, err, "is true or false");
        default:
            if (value->kind == JK_ARRAY) return ST_OK;
            return option_wrong(call, member->name, err, "is a list: JSON_ARRAY('2025-05-01')");
    }
}

// "+08:00"
static bool read_offset(Str text, int64_t *ms) {
    int64_t hours, minutes;
    if (text.len != 6 || (text.ptr[0] != '+' && text.ptr[0] != '-') || text.ptr[3] != ':' ||
        !isdigit((unsigned char)text.ptr[1]) || !isdigit((unsigned char)text.ptr[4]) ||
        !str_to_i64(str_sub(text, 1, 2), &hours) || !str_to_i64(str_sub(text, 4, 2), &minutes) ||
        hours > 18 || minutes > 59) {
        return false;
    }
    *ms = (hours * 60 + minutes) * 60000 * (text.ptr[0] == '-' ? -1 : 1);
    return true;
}

static Status read_days(const AggCall *call, const JsonMember *member, SeriesDayKind kind,
                        SeriesDay **day, uint32_t *days, Error *err) {
    SeriesDay *more = ARENA_ARRAY(call->arena, SeriesDay, *days + member->value.count);
    if (*days) memcpy(more, *day, *days * sizeof *more);
    *day = more;
    for (uint32_t i = 0; i < member->value.count; i++) {
        const JsonValue *item = &member->value.item[i];
        more[*days] = (SeriesDay){.kind = kind};
        if (item->kind != JK_TEXT || !series_day_parse(item->text, &more[*days].day)) {
            return option_wrong(call, member->name, err, "is a list of dates like '2025-05-01'");
        }
        ++*days;
    }
    return ST_OK;
}

// The quantile of the normal distribution that has [share] below it, by bisection: once a plan.
static double normal_quantile(double share) {
    double low = -10, high = 10;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (erfc(-middle / sqrt(2)) / 2 < share) low = middle;
        else high = middle;
    }
    return low;
}

static Status read_options(const AggCall *call, Str text, SeriesBound *bound, Error *err) {
    enum { OWN_BAND = 4 };  // of the detector, in deviations
    JsonValue options;
    SeriesDay *day = NULL;
    uint32_t days = 0;
    int64_t zone_ms = 0;
    if (json_parse(call->arena, text, JSON_UNIQUE_NAMES, &options, NULL, err) ||
        options.kind != JK_OBJECT) {
        (void)error_set(err, ST_VALIDATION, "%s: the options are no JSON object",
                        call->func->name);
        error_hint(err, "write JSON_OBJECT('direction' VALUE 'drop', 'sensitivity' VALUE 'high')");
        return ST_VALIDATION;
    }
    DetectSettings *detect = &bound->learn.detect;
    for (uint32_t i = 0; i < options.count; i++) {
        const JsonMember *member = &options.member[i];
        Str name = member->name, value = member->value.text;
        double number = 0;
        TRY(option_check(call, member, &number, err));
        if (str_eq(name, STR("granularitySeconds"))) detect->step_ms = (int64_t)(number * 1000);
        if (str_eq(name, STR("maxTrainingSize")))
            bound->learn.history_points_max = (uint32_t)number;
        if (str_eq(name, STR("horizon"))) bound->horizon = (uint32_t)number;
        if (str_eq(name, STR("confidencePercentage"))) {
            bound->band = normal_quantile(0.5 + number / 200) / OWN_BAND;
        }
        if (str_eq(name, STR("direction")) && !detect_direction_parse(value, &detect->direction)) {
            return option_wrong(call, name, err, "is 'drop', 'rise' or 'both'");
        }
        if (str_eq(name, STR("sensitivity")) &&
            !detect_sensitivity_parse(value, &detect->sensitivity)) {
            return option_wrong(call, name, err, "is 'high', 'middle' or 'low'");
        }
        if (str_eq(name, STR("zoneOffset")) && !read_offset(value, &zone_ms)) {
            return option_wrong(call, name, err, "is an offset like '+08:00'");
        }
        if (str_eq(name, STR("holidays"))) {
            TRY(read_days(call, member, SERIES_HOLIDAY, &day, &days, err));
        }
        if (str_eq(name, STR("workdays"))) {
            TRY(read_days(call, member, SERIES_WORKDAY, &day, &days, err));
        }
    }
    // Lives as long as the plan's arena: a plan has no end of its own to let it go.
    if (days || zone_ms) detect->calendar = series_calendar_new(zone_ms, day, days, NULL, 0);
    return ST_OK;
}

static Status series_bind_options(AggCall *call, Error *err) {
    SeriesBound *bound = ARENA_NEW(call->arena, SeriesBound);
    *bound = (SeriesBound){.horizon = 1, .band = 1,
                           .learn.detect = {.sensitivity = DETECT_MIDDLE}};
    call->bound = bound;
    if (call->retract) {
        (void)error_set(err, ST_VALIDATION, "%s cannot take a row back", call->func->name);
        error_hint(err, "give it a stream of inserts, and a frame RANGE BETWEEN UNBOUNDED "
                        "PRECEDING AND CURRENT ROW");
        return ST_VALIDATION;
    }
    call->state_type = type_of(TYPE_VARBINARY, true);
    if (call->argc < 3) return ST_OK;
    if (!call->literal || !call->literal[2] || vec_is_null(call->literal[2], 0)) {
        return error_set(err, ST_VALIDATION, "%s: the options are no constant", call->func->name);
    }
    return read_options(call, vec_str(call->literal[2])[0], bound, err);
}

// ---- state

static Status series_charge(SeriesState *state, AggEnv *env, Error *err) {
    size_t bytes = state->learner ? learner_bytes(state->learner) : 0;
    if (!env->budget || bytes == state->charged) return ST_OK;
    if (bytes > state->charged) {
        TRY(budget_charge(env->budget, (int64_t)(bytes - state->charged), err));
    } else {
        budget_release(env->budget, (int64_t)(state->charged - bytes));
    }
    state->charged = bytes;
    return ST_OK;
}

static Status series_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    const SeriesBound *bound = call->bound;
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_row_taken(in, row) || vec_is_null(in->arg[1], row)) continue;
        SeriesState *state = (SeriesState *)agg_state(call, in, row);
        if (!state->learner) state->learner = learner_new(&bound->learn);
        double value = vec_is_null(in->arg[0], row) ? (double)NAN : vec_f64(in->arg[0])[row];
        learner_push(state->learner, vec_timestamp(in->arg[1], row).ms, value, &state->last);
        double off = state->last.actual - state->last.forecast;
        if (isfinite(off)) {
            state->squares += off * off;
            state->judged++;
        }
        TRY(series_charge(state, env, err));
    }
    return ST_OK;
}

static void series_clear(const AggCall *call, uint8_t *at, AggEnv *env) {
    (void)call;
    SeriesState *state = (SeriesState *)at;
    if (env->budget) budget_release(env->budget, (int64_t)state->charged);
    learner_free(state->learner);
    *state = (SeriesState){0};
}

static void verdict_code(Codec *codec, DetectVerdict *verdict) {
    uint64_t ts = (uint64_t)verdict->ts_ms, begin = (uint64_t)verdict->begin_ms;
    int event = (int)verdict->event;
    codec_u64(codec, &ts);
    codec_f64(codec, &verdict->actual);
    codec_f64(codec, &verdict->forecast);
    codec_f64(codec, &verdict->low);
    codec_f64(codec, &verdict->high);
    codec_f64(codec, &verdict->score);
    codec_bool(codec, &verdict->alarm);
    codec_kind(codec, &event, DETECT_CLOSE + 1);
    codec_u64(codec, &verdict->alarm_id);
    codec_u64(codec, &begin);
    verdict->ts_ms = (int64_t)ts;
    verdict->begin_ms = (int64_t)begin;
    verdict->event = (DetectEvent)event;
}

static void state_code(Codec *codec, SeriesState *state, Str *learner) {
    verdict_code(codec, &state->last);
    codec_f64(codec, &state->squares);
    codec_u64(codec, &state->judged);
    codec_str(codec, learner);
}

static Status series_write(const AggCall *call, const uint8_t *at, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    SeriesState state = *(const SeriesState *)at;
    Buf learner = {0}, bytes = {0};
    if (!state.learner) {
        vec_set_null(out, row);
        return ST_OK;
    }
    learner_save(state.learner, &learner);
    Str saved = buf_str(&learner);
    state_code(&(Codec){.out = &bytes, .what = "a series"}, &state, &saved);
    vec_set_text(out, row, buf_str(&bytes));
    buf_free(&learner);
    buf_free(&bytes);
    return ST_OK;
}

static Status series_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                          uint8_t *at, Error *err) {
    (void)call;
    SeriesState *state = (SeriesState *)at;
    if (vec_is_null(in, row)) return ST_OK;
    Str saved = {0};
    Codec codec = {.in = vec_str(in)[row], .arena = env->scratch, .what = "a series"};
    state_code(&codec, state, &saved);
    TRY(codec_end(&codec, err));
    TRY(learner_load(saved, &state->learner, err));
    return series_charge(state, env, err);
}

// ---- results

typedef struct SeriesField {
    const char *name;
    TypeKind kind;  // TYPE_TIMESTAMP: as the second argument
} SeriesField;

enum { DETECT_FIELDS = 14, FORECAST_FIELDS = 4 };
static const SeriesField FIELDS[DETECT_FIELDS] = {
    {"timestamp", TYPE_TIMESTAMP}, {"actual_value", TYPE_DOUBLE},
    {"forecast_value", TYPE_DOUBLE}, {"lower_bound", TYPE_DOUBLE}, {"upper_bound", TYPE_DOUBLE},
    {"is_anomaly", TYPE_BOOLEAN}, {"rmse", TYPE_DOUBLE}, {"aic", TYPE_DOUBLE},
    {"score", TYPE_DOUBLE}, {"event", TYPE_VARCHAR}, {"alarm_id", TYPE_BIGINT},
    {"alarm_start", TYPE_TIMESTAMP}, {"deviation", TYPE_DOUBLE}, {"why", TYPE_VARCHAR},
};
static const SeriesField FORECASTS[FORECAST_FIELDS] = {
    {"timestamp", TYPE_TIMESTAMP}, {"forecast_value", TYPE_DOUBLE},
    {"lower_bound", TYPE_DOUBLE}, {"upper_bound", TYPE_DOUBLE},
};

static const Type *series_row(const AggCall *call, const SeriesField *field, uint32_t count) {
    const Type *time = type_nullable(call->arena, type_attribute(call->arena, call->arg[1],
                                                                 TIME_NONE), true);
    Str names[DETECT_FIELDS];
    const Type *types[DETECT_FIELDS];
    for (uint32_t i = 0; i < count; i++) {
        names[i] = str_c(field[i].name);
        types[i] = field[i].kind == TYPE_TIMESTAMP ? time : type_of(field[i].kind, true);
    }
    return type_row(call->arena, count, types, names, true);
}

static void put_number(Vec *out, uint32_t row, double value) {
    if (isfinite(value)) vec_f64(out)[row] = value;
    else vec_set_null(out, row);
}

static void put_time(Vec *out, uint32_t row, int64_t ms) {
    vec_set_timestamp(out, row, (Timestamp){.ms = ms});
}

static void put_band(Vec *low, Vec *high, uint32_t row, const DetectVerdict *verdict, double band) {
    put_number(low, row, verdict->forecast - (verdict->forecast - verdict->low) * band);
    put_number(high, row, verdict->forecast + (verdict->high - verdict->forecast) * band);
}

// Why an alarm is open, for people: {"points":10,"since":2, …}.
static void put_why(Vec *out, uint32_t row, const DetectVerdict *verdict) {
    const DetectWhy *why = &verdict->why;
    Buf text = {0};
    buf_printf(&text, "{\"points\":%u,\"since\":%u,\"in_a_row\":%u,\"confirmed\":%s,\"filled\":%u,"
               "\"deviation\":%.3f,\"earlier\":%.3f,\"share\":%.4f,\"growth\":%.4f}",
               why->points, why->since, why->in_a_row, why->confirmed ? "true" : "false",
               why->filled, (double)why->deviation, (double)why->earlier, (double)why->share,
               (double)why->growth);
    vec_set_text(out, row, buf_str(&text));
    buf_free(&text);
}

static Status detect_emit(const AggCall *call, const uint8_t *at, AggEnv *env, Vec *out,
                          uint32_t row, Error *err) {
    (void)env, (void)err;
    static const char *const EVENTS[] = {
        [DETECT_OPEN] = "OPEN", [DETECT_UPDATE] = "UPDATE", [DETECT_CLOSE] = "CLOSE"};
    const SeriesBound *bound = call->bound;
    const SeriesState *state = (const SeriesState *)at;
    const DetectVerdict *verdict = &state->last;
    if (!state->learner) {
        vec_set_null(out, row);
        return ST_OK;
    }
    Vec *const *field = out->child;
    bool told = verdict->event != DETECT_NONE || verdict->alarm;
    put_time(field[0], row, verdict->ts_ms);
    put_number(field[1], row, verdict->actual);
    put_number(field[2], row, verdict->forecast);
    put_band(field[3], field[4], row, verdict, bound->band);
    vec_u8(field[5])[row] = verdict->alarm;
    put_number(field[6], row, state->judged ? sqrt(state->squares / (double)state->judged)
                                            : (double)NAN);
    vec_set_null(field[7], row);  // of a family of models that this is none of
    put_number(field[8], row, verdict->score);
    if (verdict->event != DETECT_NONE) vec_set_text(field[9], row, str_c(EVENTS[verdict->event]));
    else vec_set_null(field[9], row);
    if (told) {
        vec_i64(field[10])[row] = (int64_t)verdict->alarm_id;
        put_time(field[11], row, verdict->begin_ms);
        put_number(field[12], row, (double)verdict->why.deviation);
        put_why(field[13], row, verdict);
    } else {
        for (uint32_t i = 10; i < DETECT_FIELDS; i++) vec_set_null(field[i], row);
    }
    return ST_OK;
}

static Status forecast_emit(const AggCall *call, const uint8_t *at, AggEnv *env, Vec *out,
                            uint32_t row, Error *err) {
    (void)env, (void)err;
    const SeriesBound *bound = call->bound;
    const SeriesState *state = (const SeriesState *)at;
    const Detector *detector = state->learner ? learner_detector(state->learner) : NULL;
    DetectVerdict verdict;
    if (!detector || !detector_forecast(detector, 1, &verdict)) {
        vec_set_null(out, row);
        return ST_OK;
    }
    uint32_t to = vec_list_begin(out, row, bound->horizon);
    Vec *const *field = out->child[0]->child;
    for (uint32_t ahead = 1; ahead <= bound->horizon; ahead++, to++) {
        (void)detector_forecast(detector, ahead, &verdict);
        put_time(field[0], to, verdict.ts_ms);
        put_number(field[1], to, verdict.forecast);
        put_band(field[2], field[3], to, &verdict, bound->band);
    }
    return ST_OK;
}

static const AggImpl DETECT_IMPL = {
    .size = sizeof(SeriesState), .align = 8, .flags = AGG_OWNS, .update = series_update,
    .emit = detect_emit, .clear = series_clear, .write = series_write, .read = series_read,
};
static const AggImpl FORECAST_IMPL = {
    .size = sizeof(SeriesState), .align = 8, .flags = AGG_OWNS, .update = series_update,
    .emit = forecast_emit, .clear = series_clear, .write = series_write, .read = series_read,
};

static Status detect_bind(AggCall *call, Error *err) {
    TRY(series_bind_options(call, err));
    call->result = series_row(call, FIELDS, DETECT_FIELDS);
    call->impl = &DETECT_IMPL;
    return ST_OK;
}

static Status forecast_bind(AggCall *call, Error *err) {
    TRY(series_bind_options(call, err));
    call->result = type_array(call->arena, series_row(call, FORECASTS, FORECAST_FIELDS), true);
    call->impl = &FORECAST_IMPL;
    return ST_OK;
}

static const AggFunc SERIES_AGGS[] = {
    {.name = "ML_DETECT_ANOMALIES", .args = {ARG_DOUBLE, ARG_ANY_TIMESTAMP, ARG_STRING},
     .argc_min = 2, .argc_max = 3, .bind = detect_bind,
     .flags = AGG_NO_RETRACT | AGG_NO_MERGE | AGG_HIDDEN,
     .doc = "What a detector that learns from the rows before thinks of a row's value, as a ROW. "
            "With OVER (PARTITION BY … ORDER BY …)."},
    {.name = "ML_FORECAST", .args = {ARG_DOUBLE, ARG_ANY_TIMESTAMP, ARG_STRING},
     .argc_min = 2, .argc_max = 3, .bind = forecast_bind,
     .flags = AGG_NO_RETRACT | AGG_NO_MERGE | AGG_HIDDEN,
     .doc = "The next values, 'horizon' of them, as an ARRAY of ROWs; NULL before there is a "
            "forecast. With OVER (PARTITION BY … ORDER BY …)."},
};
const AggTable SERIES_AGG_TABLE = AGG_TABLE("Series", SERIES_AGGS);
