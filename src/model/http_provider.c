// model/http_provider.c - 'http': POST …/v1/models/NAME:predict, as weir serve-model and TensorFlow
// Serving answer it. A request has up to 'batch-size' rows; the operator sends several at a time.
//
// An answer that is not 200 ends the job, or, with 'on-error' = 'null', its rows are asked one by
// one and those that get no prediction get NULLs.
#include "model/http_provider.h"

#include "model/columns.h"
#include "model/json_value.h"
#include "model/remote.h"

typedef struct HttpPredictor {
    Predictor base;
    const ModelDesc *desc;
    Remote *remote;
    Arena arena;
    RemoteRequest request;
    const char *header[2];
    bool null_on_error;
    _Atomic bool cancel;
    Buf body;
} HttpPredictor;

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

static void write_body(HttpPredictor *self, Vec *const *in, uint32_t from, uint32_t rows) {
    const Type *input = self->desc->input;
    self->body.len = 0;
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

static Status said(const HttpPredictor *self, const HttpReply *reply, Error *err) {
    enum { SHOWN_MAX = 300 };
    Arena arena = {0};
    JsonValue tree;
    Str text = str_trim(buf_str(&reply->body));
    if (!json_parse(&arena, text, 0, &tree, NULL, NULL)) {
        const JsonValue *message = json_member(&tree, STR("error"));
        if (message && message->kind == JK_TEXT) text = message->text;
    }
    Status st = reply->status == 401 || reply->status == 403 ? ST_VALIDATION : ST_RUNTIME;
    (void)error_set(err, st, "model '" STR_FMT "': its server answers %d: " STR_FMT,
                    STR_ARG(self->desc->name), reply->status,
                    STR_ARG(str_sub(text, 0, SHOWN_MAX)));
    if (st == ST_VALIDATION) error_hint(err, "look at 'token' and 'token-header'");
    if (reply->status == 404) error_hint(err, "look at 'model-name' and 'path'");
    arena_clear(&arena);
    return st;
}

static Status strange(const HttpPredictor *self, const char *what, Error *err) {
    (void)error_set(err, ST_RUNTIME, "model '" STR_FMT "': its server's answer %s",
                    STR_ARG(self->desc->name), what);
    error_hint(err, "it should be {\"predictions\": [{\"column\": value, …}, …]}");
    return ST_RUNTIME;
}

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

static Status read_prediction(const HttpPredictor *self, const JsonValue *one, Vec **out,
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
            Status st = strange(self, arena_printf(&arena, "has nothing for column '" STR_FMT "'",
                                                   STR_ARG(output->field[c])), err);
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

static Status read_reply(const HttpPredictor *self, const HttpReply *reply, uint32_t rows,
                         Vec **out, uint32_t to, Error *err) {
    Arena arena = {0};
    JsonValue tree;
    Status st = json_parse(&arena, buf_str(&reply->body), 0, &tree, NULL, err);
    const JsonValue *predictions = st ? NULL : json_member(&tree, STR("predictions"));
    if (st) {
        st = strange(self, "is no JSON", err);
    } else if (!predictions || predictions->kind != JK_ARRAY) {
        st = strange(self, "has no predictions", err);
    } else if (predictions->count != rows) {
        st = strange(self, "has another number of predictions than there were instances", err);
    }
    for (uint32_t i = 0; i < rows && !st; i++) {
        st = read_prediction(self, &predictions->item[i], out, to + i, err);
    }
    arena_clear(&arena);
    return st;
}

// ---- the predictor -----------------------------------------------------------------------------

static Status ask(HttpPredictor *self, Vec *const *in, uint32_t from, uint32_t rows, Vec **out,
                  Error *err) {
    HttpReply reply;
    write_body(self, in, from, rows);
    self->request.body = buf_str(&self->body);
    Status st = remote_post(self->remote, &self->request, &reply, err);
    if (st) {
        error_while(err, "asking model '" STR_FMT "'", STR_ARG(self->desc->name));
    } else {
        st = reply.status == 200 ? read_reply(self, &reply, rows, out, from, err)
                                 : said(self, &reply, err);
    }
    buf_free(&reply.body);
    return st;
}

static Status http_predict(Predictor *base, Vec *const *in, uint32_t rows, Arena *arena, Vec **out,
                           Error *err) {
    HttpPredictor *self = (HttpPredictor *)base;
    const Type *output = self->desc->output;
    for (uint32_t c = 0; c < output->child_count; c++) {
        out[c] = vec_new(arena, output->child[c], rows);
    }
    Status st = ask(self, in, 0, rows, out, err);
    if (!st || !self->null_on_error || st == ST_CANCELLED) return st;
    for (uint32_t row = 0; row < rows; row++) {
        // Where no server answers at all there is no use in asking for each row.
        Status one = st == ST_CONNECT || rows == 1 ? st : ask(self, in, row, 1, out, err);
        if (one == ST_CANCELLED) return one;
        for (uint32_t c = 0; c < output->child_count && one; c++) vec_set_null(out[c], row);
    }
    return ST_OK;
}

static void http_cancel(Predictor *base) {
    atomic_store(&((HttpPredictor *)base)->cancel, true);
}

static void http_close(Predictor *base) {
    HttpPredictor *self = (HttpPredictor *)base;
    remote_put(self->remote);
    buf_free(&self->body);
    arena_clear(&self->arena);
    mem_free(self);
}

static const char *path_of(HttpPredictor *self, const char *suffix) {
    Buf path = {0};
    buf_puts(&path, "/v1/models/");
    http_encode(model_name(self->desc), &path);
    buf_puts(&path, suffix);
    const char *result = str_cstr(&self->arena, buf_str(&path));
    buf_free(&path);
    return result;
}

static uint32_t count_option(const ModelDesc *desc, const char *key) {
    return (uint32_t)options_int(&desc->options, key);
}

static Status http_open(const ModelDesc *desc, Predictor **out, Error *err) {
    static const PredictorVt VT = {.predict = http_predict, .cancel = http_cancel,
                                   .close = http_close};
    HttpPredictor *self = NEW(HttpPredictor);
    self->base.vt = &VT;
    self->desc = desc;
    self->null_on_error =
        str_eq_nocase(str_c(map_get(desc->options.map, STR("on-error"))), STR("null"));
    const char *path = text_option(desc, "path"), *token = text_option(desc, "token");
    const char *health = text_option(desc, "health-check.path");
    RemoteRequest *request = &self->request;
    *request = (RemoteRequest){
        .path = path ? path : path_of(self, ":predict"),
        .header = self->header,
        .tries_max = count_option(desc, "max-retries") + 1,
        .connect_ms = options_int(&desc->options, "connect-timeout"),
        .answer_ms = options_int(&desc->options, "timeout"),
        .pause_ms = options_int(&desc->options, "retry-interval"),
        .cancel = &self->cancel,
    };
    self->header[request->header_count++] = "Content-Type: application/json";
    if (token) {
        self->header[request->header_count++] =
            arena_printf(&self->arena, "%s: %s", text_option(desc, "token-header"), token);
    }
    RemoteSettings settings = {
        .endpoints = text_option(desc, "endpoint"), .option = "endpoint",
        .in_flight_max = count_option(desc, "max-in-flight"),
        .failures_max = count_option(desc, "circuit-breaker.failures"),
        .pause_ms = options_int(&desc->options, "circuit-breaker.pause"),
        .health_path = !health ? path_of(self, "") : *health ? health : NULL,
    };
    Status st = remote_get(&settings, &self->remote, err);
    if (st) {
        http_close(&self->base);
        return st;
    }
    *out = &self->base;
    return ST_OK;
}

static Status check_count(const ModelDesc *desc, const char *key, int64_t least, int64_t most,
                          Error *err) {
    int64_t value = options_int(&desc->options, key);
    if (value >= least && value <= most) return ST_OK;
    return error_set(err, ST_VALIDATION, "model '" STR_FMT "': '%s' should be between %lld and "
                     "%lld", STR_ARG(desc->name), key, (long long)least, (long long)most);
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
    TRY(check_count(desc, "batch-size", 1, ROWS_MAX, err));
    TRY(check_count(desc, "max-retries", 0, MANY, err));
    TRY(check_count(desc, "max-in-flight", 1, MANY, err));
    TRY(check_count(desc, "circuit-breaker.failures", 1, MANY, err));
    TRY(check_columns(desc, err));
    static const char *const TEXTS[] = {"token", "token-header", "path", "health-check.path"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        const char *text = text_option(desc, TEXTS[i]);
        if (!text || !strpbrk(text, "\r\n")) continue;
        return error_set(err, ST_VALIDATION, "model '" STR_FMT "': '%s' has a line break",
                         STR_ARG(desc->name), TEXTS[i]);
    }
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
