// model/http_provider.c - 'http': POST …/v1/models/NAME:predict, as weir serve-model and TensorFlow
// Serving answer it. A request has up to 'batch-size' rows; the operator sends several at a time.
//
// An answer that is not 200 ends the job, or, with 'on-error' = 'null', its rows are asked one by
// one and those that get no prediction get NULLs.
#include "model/providers.h"

#include "base/hex.h"
#include "model/columns.h"
#include "model/json_value.h"
#include "model/remote_predictor.h"

static const OptionDef HTTP_OPTIONS[] = {
    {.key = "endpoint",
     .required = true,
     .doc = "'http://host:8501', several servers with commas between"},
    {.key = "model-name", .doc = "the model's name there; the same as here by default"},
    {.key = "path", .doc = "behind an endpoint; '/v1/models/NAME:predict' by default"},
    {.key = "token", .doc = "sent as 'token-header'; never printed"},
    {.key = "token-header", .fallback = "X-AUTH-TOKEN", .doc = "the header that carries the token"},
    {.key = "batch-size",
     .kind = OPTION_INT,
     .fallback = "256",
     .doc = "the most rows of a request"},
    {.key = "timeout",
     .kind = OPTION_DURATION,
     .fallback = "30 s",
     .doc = "how long an answer may take"},
    {.key = "connect-timeout",
     .kind = OPTION_DURATION,
     .fallback = "2 s",
     .doc = "how long connecting may take"},
    {.key = "max-retries",
     .kind = OPTION_INT,
     .fallback = "3",
     .doc = "tries after one without an answer, or with 408, 429 or 5xx"},
    {.key = "retry-interval",
     .kind = OPTION_DURATION,
     .fallback = "200 ms",
     .doc = "between tries when all servers were tried; doubled for each"},
    {.key = "max-in-flight",
     .kind = OPTION_INT,
     .fallback = "64",
     .doc = "the most requests at a time, of all queries; further ones wait"},
    {.key = "circuit-breaker.failures",
     .kind = OPTION_INT,
     .fallback = "3",
     .doc = "in a row, after which a server is left alone …"},
    {.key = "circuit-breaker.pause",
     .kind = OPTION_DURATION,
     .fallback = "5 s",
     .doc = "… for so long; then its health is asked for"},
    {.key = "health-check.path",
     .doc = "what is asked for then; '/v1/models/NAME' by default, nothing when empty"},
    {0},
};

static const char *text_option(const ModelDesc *desc, const char *key) {
    return options_get(&desc->options, key);
}

static Str model_name(const ModelDesc *desc) {
    const char *name = text_option(desc, "model-name");
    if (name) return str_c(name);
    Str full = desc->name;
    for (uint32_t i = full.len; i > 0; i--) {
        if (full.ptr[i - 1] == '.') return str_sub(full, i, full.len);
    }
    return full;
}

// ---- requests ----------------------------------------------------------------------------------

static void write_body(RemotePredictor *self, Vec *const *in, uint32_t from, uint32_t rows) {
    const Type *input = self->desc->input;
    buf_puts(&self->body, "{\"instances\":[");
    for (uint32_t row = from; row < from + rows; row++) {
        buf_puts(&self->body, row > from ? ",{" : "{");
        for (uint32_t c = 0; c < input->child_count; c++) {
            if (c) buf_putc(&self->body, ',');
            json_print_text(input->field[c], 0, &self->body);
            buf_putc(&self->body, ':');
            json_put_value(in[c], row, &self->body);
        }
        buf_putc(&self->body, '}');
    }
    buf_puts(&self->body, "]}");
}

// ---- answers -----------------------------------------------------------------------------------

static const char *const SHAPE = "it should be {\"predictions\": [{\"column\": value, …}, …]}";

// The member of a prediction for column [c]: by name, else, where there is but one column, what
// models call their answer.
static const JsonValue *member_of(const Type *output, uint32_t c, const JsonValue *one) {
    static const char *const ANSWERS[] = {"prediction", "pmml(prediction)", "label"};
    const JsonValue *exact = json_member(one, output->field[c]);
    if (exact) return exact;
    for (uint32_t m = 0; m < one->count; m++) {
        if (model_same_words(one->member[m].name, output->field[c])) return &one->member[m].value;
    }
    if (output->child_count > 1) return NULL;
    for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
        const JsonValue *answer = json_member(one, str_c(ANSWERS[i]));
        if (answer) return answer;
    }
    return one->count == 1 ? &one->member[0].value : NULL;
}

static Status read_prediction(const RemotePredictor *self, const JsonValue *one, Vec **out,
                              uint32_t row, Error *err) {
    const Type *output = self->desc->output;
    for (uint32_t c = 0; c < output->child_count; c++) {
        const JsonValue *value = NULL;
        if (one->kind == JK_OBJECT) {
            value = member_of(output, c, one);
        } else if (output->child_count == 1) {
            value = one;
        } else if (one->kind == JK_ARRAY && one->count == output->child_count) {
            value = &one->item[c];
        }
        if (!value) {
            Arena arena = {0};
            const char *what = arena_printf(&arena, "has nothing for column '" STR_FMT "'",
                                            STR_ARG(output->field[c]));
            Status st = remote_strange(self, what, SHAPE, err);
            arena_clear(&arena);
            return st;
        }
        Status st = json_read_value(value, out[c], row, err);
        if (!st && !output->child[c]->nullable && vec_is_null(out[c], row)) {
            st = error_set(err, ST_RUNTIME, "no value, and the column is NOT NULL");
        }
        if (st) {
            error_while(err, "reading column '" STR_FMT "' of model '" STR_FMT "'",
                        STR_ARG(output->field[c]), STR_ARG(self->desc->name));
            return st;
        }
    }
    return ST_OK;
}

static Status read_answer(RemotePredictor *self, const JsonValue *answer, uint32_t rows, Vec **out,
                          uint32_t to, Error *err) {
    const JsonValue *predictions = json_member(answer, STR("predictions"));
    if (!predictions || predictions->kind != JK_ARRAY) {
        return remote_strange(self, "has no predictions", SHAPE, err);
    }
    if (predictions->count != rows) {
        return remote_strange(self, "has another number of predictions than there were instances",
                              SHAPE, err);
    }
    for (uint32_t i = 0; i < rows; i++) {
        TRY(read_prediction(self, &predictions->item[i], out, to + i, err));
    }
    return ST_OK;
}

// ---- the provider ------------------------------------------------------------------------------

static const char *path_of(RemotePredictor *self, const char *suffix) {
    Buf path = {0};
    buf_puts(&path, "/v1/models/");
    percent_encode(model_name(self->desc), "", &path);
    buf_puts(&path, suffix);
    const char *result = str_cstr(&self->arena, buf_str(&path));
    buf_free(&path);
    return result;
}

static uint32_t count_option(const ModelDesc *desc, const char *key) {
    return (uint32_t)options_int(&desc->options, key);
}

static Status http_open(const ModelDesc *desc, Predictor **out, Error *err) {
    RemotePredictor *self = remote_predictor_new(desc, write_body, read_answer);
    const char *path = text_option(desc, "path"), *token = text_option(desc, "token");
    const char *health = text_option(desc, "health-check.path");
    RemoteRequest *request = &self->request;
    request->path = path ? path : path_of(self, ":predict");
    request->tries_max = count_option(desc, "max-retries") + 1;
    request->connect_ms = options_int(&desc->options, "connect-timeout");
    request->answer_ms = options_int(&desc->options, "timeout");
    request->pause_ms = options_int(&desc->options, "retry-interval");
    if (token) remote_predictor_header(self, "%s: %s", text_option(desc, "token-header"), token);
    RemoteSettings settings = {
        .endpoints = text_option(desc, "endpoint"), .option = "endpoint",
        .in_flight_max = count_option(desc, "max-in-flight"),
        .failures_max = count_option(desc, "circuit-breaker.failures"),
        .pause_ms = options_int(&desc->options, "circuit-breaker.pause"),
        .health_path = !health ? path_of(self, "") : *health ? health : NULL,
    };
    return remote_predictor_open(self, &settings, out, err);
}

static Status check_columns(const ModelDesc *desc, Error *err) {
    for (uint32_t c = 0; c < desc->output->child_count; c++) {
        if (json_type_known(desc->output->child[c])) continue;
        Buf type = {0};
        type_print_summary(desc->output->child[c], false, &type);
        (void)error_set(err, ST_VALIDATION, "model '" STR_FMT "': column '" STR_FMT
                        "' of its output is " STR_FMT ", which no server of models answers",
                        STR_ARG(desc->name), STR_ARG(desc->output->field[c]),
                        STR_ARG(buf_str(&type)));
        error_hint(err, "numbers, BOOLEAN, STRING and ARRAYs of them; CAST what comes");
        buf_free(&type);
        return ST_VALIDATION;
    }
    return ST_OK;
}

static Status http_check(const ModelDesc *desc, Error *err) {
    enum { ROWS_MAX = 65536, MANY = 1000000 };
    static const char *const TEXTS[] = {"token", "token-header", "path", "health-check.path", NULL};
    TRY(remote_check_count(desc, "batch-size", 1, ROWS_MAX, err));
    TRY(remote_check_count(desc, "max-retries", 0, MANY, err));
    TRY(remote_check_count(desc, "max-in-flight", 1, MANY, err));
    TRY(remote_check_count(desc, "circuit-breaker.failures", 1, MANY, err));
    TRY(remote_check_texts(desc, TEXTS, err));
    TRY(check_columns(desc, err));
    return remote_check(text_option(desc, "endpoint"), "endpoint", err);
}

static uint32_t http_rows_max(const ModelDesc *desc) {
    return count_option(desc, "batch-size");
}

const ModelProvider HTTP_PROVIDER = {
    .name = "http",
    .doc = "a server elsewhere: weir serve-model, TensorFlow Serving and their like",
    .options = HTTP_OPTIONS,
    .remote = true,
    .check = http_check,
    .rows_max = http_rows_max,
    .open = http_open,
};
