// model/openai.c - 'openai', as Flink's provider of that name: chat completions and embeddings, of
// OpenAI or of who speaks like it. The end of 'endpoint' says which. A row is a request.
//
// Where Flink drops a row whose error is ignored, or whose text is too long and to be skipped, or
// NULL, the row stays here, with NULL: ML_PREDICT gives a row for each.
#include "model/json_value.h"
#include "model/providers.h"
#include "model/remote_predictor.h"

static const char *const OVERFLOWS[] = {"truncated-tail", "truncated-tail-log", "truncated-head",
                                        "truncated-head-log", "skipped", "skipped-log", NULL};
static const char *const STRATEGIES[] = {"RETRY", "FAILOVER", "IGNORE", NULL};
static const char *const FALLBACKS[] = {"FAILOVER", "IGNORE", NULL};
static const char *const FORMATS[] = {"text", "json_object", NULL};

enum { RETRY, FAILOVER, IGNORE };  // of STRATEGIES
enum { OVERFLOW_HEAD = 2, OVERFLOW_SKIP = 4 };  // of OVERFLOWS, the first of each kind

static const OptionDef OPENAI_OPTIONS[] = {
    {.key = "endpoint",
     .required = true,
     .doc = "the whole address: 'https://…/v1/chat/completions' or '…/v1/embeddings'"},
    {.key = "api-key", .required = true, .doc = "sent as a bearer token; never printed"},
    {.key = "model", .required = true, .doc = "the model's name there"},
    {.key = "max-context-size",
     .kind = OPTION_INT,
     .doc = "the most tokens of a text; weir counts four letters, or one other character, as one"},
    {.key = "context-overflow-action",
     .kind = OPTION_ENUM,
     .values = OVERFLOWS,
     .fallback = "truncated-tail",
     .doc = "what becomes of a longer one"},
    {.key = "error-handling-strategy",
     .kind = OPTION_ENUM,
     .values = STRATEGIES,
     .fallback = "RETRY",
     .doc = "a request that fails is sent again, ends the job, or gives NULL"},
    {.key = "retry-num",
     .kind = OPTION_INT,
     .fallback = "100",
     .doc = "how often it is sent again"},
    {.key = "retry-fallback-strategy",
     .kind = OPTION_ENUM,
     .values = FALLBACKS,
     .fallback = "FAILOVER",
     .doc = "and what then"},
    {.key = "system-prompt",
     .fallback = "You are a helpful assistant.",
     .doc = "chat: what the model is told first"},
    {.key = "temperature", .kind = OPTION_DOUBLE, .doc = "chat"},
    {.key = "top-p", .kind = OPTION_DOUBLE, .doc = "chat"},
    {.key = "stop", .doc = "chat: texts that end the answer, with commas between"},
    {.key = "max-tokens", .kind = OPTION_INT, .doc = "chat: of the answer"},
    {.key = "presence-penalty", .kind = OPTION_DOUBLE, .doc = "chat"},
    {.key = "n", .kind = OPTION_INT, .doc = "chat: answers; weir takes one"},
    {.key = "seed", .kind = OPTION_INT, .doc = "chat"},
    {.key = "response-format",
     .kind = OPTION_ENUM,
     .values = FORMATS,
     .doc = "chat: 'text' or 'json_object'"},
    {.key = "dimension", .kind = OPTION_INT, .doc = "embeddings: how long a vector is"},
    {0},
};

static const char *text_option(const ModelDesc *desc, const char *key) {
    return options_get(&desc->options, key);
}

static bool is_chat(const ModelDesc *desc) {
    Str endpoint = str_c(text_option(desc, "endpoint"));
    while (endpoint.len && endpoint.ptr[endpoint.len - 1] == '/') endpoint.len--;
    return str_ends(endpoint, STR("/chat/completions"));
}

// ---- requests ----------------------------------------------------------------------------------

// Quarters of a token that a character counts for.
static uint32_t weight(uint32_t code) {
    return code < 128 ? 1 : 4;
}

// The text, no longer than the context may be; false: it is to be skipped.
static bool fit(const ModelDesc *desc, Str *text) {
    if (!options_has(&desc->options, "max-context-size")) return true;
    int64_t most = options_int(&desc->options, "max-context-size") * 4, total = 0, seen = 0;
    uint32_t code, at;
    for (at = 0; at < text->len;) {
        at += utf8_next(text->ptr + at, str_end(*text), &code);
        total += weight(code);
    }
    if (total <= most) return true;
    uint32_t action = options_enum(&desc->options, "context-overflow-action");
    if (action >= OVERFLOW_SKIP) return false;
    int64_t until = action >= OVERFLOW_HEAD ? total - most : most;
    for (at = 0; at < text->len;) {
        uint32_t bytes = utf8_next(text->ptr + at, str_end(*text), &code);
        if (action < OVERFLOW_HEAD ? seen + weight(code) > until : seen >= until) break;
        seen += weight(code);
        at += bytes;
    }
    *text = action < OVERFLOW_HEAD ? str_sub(*text, 0, at) : str_sub(*text, at, text->len);
    return true;
}

static void put_text(const char *name, Str text, Buf *out) {
    buf_printf(out, "\"%s\":", name);
    json_print_text(text, 0, out);
}

// An option as a number, under the name that the server knows.
static void put_number(const ModelDesc *desc, const char *key, const char *name, Buf *out) {
    const char *text = text_option(desc, key);
    if (text) buf_printf(out, ",\"%s\":" STR_FMT, name, STR_ARG(str_trim(str_c(text))));
}

static void put_stop(const ModelDesc *desc, Buf *out) {
    Str list = str_c(text_option(desc, "stop"));
    const char *before = ",\"stop\":[";
    while (list.len) {
        int64_t comma = str_find(list, STR(","), 0);
        buf_puts(out, before);
        json_print_text(comma < 0 ? list : str_sub(list, 0, (uint32_t)comma), 0, out);
        list = comma < 0 ? (Str){0} : str_sub(list, (uint32_t)comma + 1, list.len);
        before = ",";
    }
    if (*before == ',' && !before[1]) buf_putc(out, ']');
}

static Str text_of(RemotePredictor *self, Vec *const *in, uint32_t row) {
    Str text = vec_str(in[0])[row];
    (void)fit(self->desc, &text);
    return text;
}

static bool skips(const RemotePredictor *self, Vec *const *in, uint32_t row) {
    Str text = vec_str(in[0])[row];
    return vec_is_null(in[0], row) || !fit(self->desc, &text);
}

static void write_chat(RemotePredictor *self, Vec *const *in, uint32_t from, uint32_t rows) {
    const ModelDesc *desc = self->desc;
    const char *format = text_option(desc, "response-format");
    Buf *out = &self->body;
    (void)rows;  // one
    buf_putc(out, '{');
    put_text("model", str_c(text_option(desc, "model")), out);
    buf_puts(out, ",\"messages\":[{\"role\":\"system\",");
    put_text("content", str_c(text_option(desc, "system-prompt")), out);
    buf_puts(out, "},{\"role\":\"user\",");
    put_text("content", text_of(self, in, from), out);
    buf_puts(out, "}]");
    put_number(desc, "temperature", "temperature", out);
    put_number(desc, "top-p", "top_p", out);
    put_number(desc, "max-tokens", "max_tokens", out);
    put_number(desc, "presence-penalty", "presence_penalty", out);
    put_number(desc, "n", "n", out);
    put_number(desc, "seed", "seed", out);
    put_stop(desc, out);
    if (format) buf_printf(out, ",\"response_format\":{\"type\":\"%s\"}", format);
    buf_putc(out, '}');
}

static void write_embedding(RemotePredictor *self, Vec *const *in, uint32_t from, uint32_t rows) {
    Buf *out = &self->body;
    (void)rows;
    buf_putc(out, '{');
    put_text("model", str_c(text_option(self->desc, "model")), out);
    buf_putc(out, ',');
    put_text("input", text_of(self, in, from), out);
    put_number(self->desc, "dimension", "dimensions", out);
    buf_putc(out, '}');
}

// ---- answers -----------------------------------------------------------------------------------

static const JsonValue *first_of(const JsonValue *object, Str name) {
    const JsonValue *list = json_member(object, name);
    return list && list->kind == JK_ARRAY && list->count ? &list->item[0] : NULL;
}

static Status read_chat(RemotePredictor *self, const JsonValue *answer, uint32_t rows, Vec **out,
                        uint32_t to, Error *err) {
    (void)rows;
    const JsonValue *choice = first_of(answer, STR("choices"));
    const JsonValue *message = choice ? json_member(choice, STR("message")) : NULL;
    const JsonValue *content = message ? json_member(message, STR("content")) : NULL;
    if (!content) {
        return remote_strange(self, "has no choices with a message",
                              "is 'endpoint' one of chat completions?", err);
    }
    return json_read_value(content, out[0], to, err);
}

static Status read_embedding(RemotePredictor *self, const JsonValue *answer, uint32_t rows,
                             Vec **out, uint32_t to, Error *err) {
    (void)rows;
    const JsonValue *data = first_of(answer, STR("data"));
    const JsonValue *vector = data ? json_member(data, STR("embedding")) : NULL;
    if (!vector || vector->kind != JK_ARRAY) {
        return remote_strange(self, "has no data with an embedding",
                              "is 'endpoint' one of embeddings?", err);
    }
    return json_read_value(vector, out[0], to, err);
}

// ---- the provider ------------------------------------------------------------------------------

static Status check(const ModelDesc *desc, Error *err) {
    static const char *const TEXTS[] = {"api-key", NULL};
    Str endpoint = str_c(text_option(desc, "endpoint"));
    bool chat = is_chat(desc);
    while (endpoint.len && endpoint.ptr[endpoint.len - 1] == '/') endpoint.len--;
    if (!chat && !str_ends(endpoint, STR("/embeddings"))) {
        (void)error_set(err, ST_VALIDATION,
                        "model '" STR_FMT
                        "': 'endpoint' is neither one of chat "
                        "completions nor of embeddings: '" STR_FMT "'",
                        STR_ARG(desc->name), STR_ARG(endpoint));
        error_hint(err, "it ends in /chat/completions or /embeddings");
        return ST_VALIDATION;
    }
    const Type *in = desc->input->child_count == 1 ? desc->input->child[0] : NULL;
    const Type *out = desc->output->child_count == 1 ? desc->output->child[0] : NULL;
    bool vector = out && out->kind == TYPE_ARRAY && out->child[0]->kind == TYPE_FLOAT;
    if (!in || !type_is_text(in) || !out || (chat ? !type_is_text(out) : !vector)) {
        return error_set(err, ST_VALIDATION,
                         "model '" STR_FMT
                         "' should have one STRING as INPUT and "
                         "one %s as OUTPUT",
                         STR_ARG(desc->name), chat ? "STRING" : "ARRAY<FLOAT>");
    }
    if (options_has(&desc->options, "max-context-size")) {
        TRY(remote_check_count(desc, "max-context-size", 1, INT32_MAX, err));
    }
    if (options_has(&desc->options, "n")) TRY(remote_check_count(desc, "n", 1, 1, err));
    TRY(remote_check_count(desc, "retry-num", 0, 1000000, err));
    TRY(remote_check_texts(desc, TEXTS, err));
    return remote_check(text_option(desc, "endpoint"), "endpoint", err);
}

static Status open(const ModelDesc *desc, Predictor **out, Error *err) {
    enum { IN_FLIGHT = 256, ANSWER_MS = 600000, PAUSE_MS = 200, NEVER = INT32_MAX };
    RemotePredictor *self = is_chat(desc) ? remote_predictor_new(desc, write_chat, read_chat)
                                          : remote_predictor_new(desc, write_embedding,
                                                                 read_embedding);
    uint32_t strategy = options_enum(&desc->options, "error-handling-strategy");
    bool gives_up = options_enum(&desc->options, "retry-fallback-strategy") == 1;
    if (strategy == IGNORE || (strategy == RETRY && gives_up)) self->null_on_error = true;
    self->skips = skips;
    RemoteRequest *request = &self->request;
    if (strategy == RETRY) {
        request->tries_max = (uint32_t)options_int(&desc->options, "retry-num") + 1;
    }
    request->answer_ms = ANSWER_MS;
    request->pause_ms = PAUSE_MS;
    remote_predictor_header(self, "Authorization: Bearer %s", text_option(desc, "api-key"));
    RemoteSettings settings = {.endpoints = text_option(desc, "endpoint"), .option = "endpoint",
                               .in_flight_max = IN_FLIGHT, .failures_max = NEVER};
    return remote_predictor_open(self, &settings, out, err);
}

static uint32_t one_row(const ModelDesc *desc) {
    (void)desc;
    return 1;
}

const ModelProvider OPENAI_PROVIDER = {
    .name = "openai",
    .doc = "chat completions and embeddings of OpenAI, or of who speaks like it",
    .options = OPENAI_OPTIONS,
    .remote = true,
    .check = check,
    .rows_max = one_row,
    .open = open,
};
