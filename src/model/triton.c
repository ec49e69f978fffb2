// model/triton.c - 'triton', as Flink's provider of that name: NVIDIA's inference server, by the
// protocol for inference that it shares with others (KServe's v2), as JSON. A row is a request;
// each column is a tensor.
#include "base/hex.h"
#include "model/json_value.h"
#include "model/providers.h"
#include "model/remote_predictor.h"

static const OptionDef TRITON_OPTIONS[] = {
    {.key = "endpoint", .required = true, .doc = "'http://host:8000/v2/models'"},
    {.key = "model-name", .required = true, .doc = "the model's name there"},
    {.key = "model-version", .fallback = "latest", .doc = "its version there"},
    {.key = "timeout",
     .kind = OPTION_DURATION,
     .fallback = "30 s",
     .doc = "how long connecting and an answer may take"},
    {.key = "flatten-batch-dim",
     .kind = OPTION_BOOL,
     .fallback = "false",
     .doc = "an ARRAY of n is sent with the shape [n], not [1, n]"},
    {.key = "priority", .kind = OPTION_INT, .doc = "of requests, 0 to 255"},
    {.key = "sequence-id", .doc = "of a stateful model"},
    {.key = "sequence-start", .kind = OPTION_BOOL, .fallback = "false", .doc = "requests begin it"},
    {.key = "sequence-end", .kind = OPTION_BOOL, .fallback = "false", .doc = "requests end it"},
    {.key = "compression", .doc = "of requests: 'gzip'"},
    {.key = "auth-token", .doc = "sent as a bearer token; never printed"},
    {.key = "custom-headers", .doc = "'Name:value,Name:value'"},
    {0},
};

static const char *text_option(const ModelDesc *desc, const char *key) {
    return options_get(&desc->options, key);
}

// Triton's name of a type; NULL: it has none.
static const char *type_name(const Type *type) {
    switch (type->kind) {
        case TYPE_BOOLEAN: return "BOOL";
        case TYPE_TINYINT: return "INT8";
        case TYPE_SMALLINT: return "INT16";
        case TYPE_INT: return "INT32";
        case TYPE_BIGINT: return "INT64";
        case TYPE_FLOAT: return "FP32";
        case TYPE_DOUBLE: return "FP64";
        case TYPE_CHAR:
        case TYPE_VARCHAR: return "BYTES";
        case TYPE_ARRAY:
            return type->child[0]->kind == TYPE_ARRAY ? NULL : type_name(type->child[0]);
        default: return NULL;
    }
}

// ---- requests ----------------------------------------------------------------------------------

static void put_parameters(const ModelDesc *desc, Buf *out) {
    const char *sequence = text_option(desc, "sequence-id");
    const char *priority = text_option(desc, "priority");
    if (!sequence && !priority) return;
    const char *before = ",\"parameters\":{";
    if (priority) {
        buf_printf(out, "%s\"priority\":%lld", before,
                   (long long)options_int(&desc->options, "priority"));
        before = ",";
    }
    if (sequence) {
        int64_t number;
        buf_printf(out, "%s\"sequence_id\":", before);
        if (str_to_i64(str_c(sequence), &number)) buf_puts(out, sequence);
        else json_print_text(str_c(sequence), 0, out);
        buf_printf(out, ",\"sequence_start\":%s,\"sequence_end\":%s",
                   options_bool(&desc->options, "sequence-start") ? "true" : "false",
                   options_bool(&desc->options, "sequence-end") ? "true" : "false");
    }
    buf_putc(out, '}');
}

static void put_tensor(const ModelDesc *desc, Str name, const Vec *vec, uint32_t row, Buf *out) {
    bool array = vec->type->kind == TYPE_ARRAY;
    buf_puts(out, "{\"name\":");
    json_print_text(name, 0, out);
    buf_puts(out, ",\"shape\":[");
    if (!array) buf_putc(out, '1');
    else if (options_bool(&desc->options, "flatten-batch-dim"))
        buf_printf(out, "%u", vec_list(vec)[row].count);
    else buf_printf(out, "1,%u", vec_list(vec)[row].count);
    buf_printf(out, "],\"datatype\":\"%s\",\"data\":", type_name(vec->type));
    if (!array) buf_putc(out, '[');
    json_put_value(vec, row, out);
    buf_puts(out, array ? "}" : "]}");
}

static void write_request(RemotePredictor *self, Vec *const *in, uint32_t from, uint32_t rows) {
    const ModelDesc *desc = self->desc;
    Buf *out = &self->body;
    (void)rows;  // one
    buf_puts(out, "{\"inputs\":[");
    for (uint32_t c = 0; c < desc->input->child_count; c++) {
        if (c) buf_putc(out, ',');
        put_tensor(desc, desc->input->field[c], in[c], from, out);
    }
    buf_puts(out, "],\"outputs\":[");
    for (uint32_t c = 0; c < desc->output->child_count; c++) {
        buf_puts(out, c ? ",{\"name\":" : "{\"name\":");
        json_print_text(desc->output->field[c], 0, out);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    put_parameters(desc, out);
    buf_putc(out, '}');
}

// A tensor has no NULL.
static bool skips(const RemotePredictor *self, Vec *const *in, uint32_t row) {
    for (uint32_t c = 0; c < self->desc->input->child_count; c++) {
        if (vec_is_null(in[c], row)) return true;
    }
    return false;
}

// ---- answers -----------------------------------------------------------------------------------

static const JsonValue *tensor_named(const JsonValue *outputs, Str name) {
    for (uint32_t i = 0; i < outputs->count; i++) {
        const JsonValue *found = json_member(&outputs->item[i], STR("name"));
        if (found && found->kind == JK_TEXT && str_eq(found->text, name)) return &outputs->item[i];
    }
    return outputs->count == 1 ? &outputs->item[0] : NULL;
}

static Status read_answer(RemotePredictor *self, const JsonValue *answer, uint32_t rows, Vec **out,
                          uint32_t to, Error *err) {
    (void)rows;
    const Type *output = self->desc->output;
    const JsonValue *outputs = json_member(answer, STR("outputs"));
    if (!outputs || outputs->kind != JK_ARRAY) {
        return remote_strange(self, "has no outputs", "is 'endpoint' one of Triton's /v2/models?",
                              err);
    }
    for (uint32_t c = 0; c < output->child_count; c++) {
        const JsonValue *tensor = tensor_named(outputs, output->field[c]);
        const JsonValue *data = tensor ? json_member(tensor, STR("data")) : NULL;
        if (!data || data->kind != JK_ARRAY) {
            return remote_strange(self, "lacks the data of an output column",
                                  "columns are outputs by name", err);
        }
        // Nested as its shape is, or flat.
        while (output->child[c]->kind == TYPE_ARRAY && data->count == 1 &&
               data->item[0].kind == JK_ARRAY) {
            data = &data->item[0];
        }
        Status st = json_read_value(data, out[c], to, err);
        if (!st) continue;
        error_while(err, "reading column '" STR_FMT "' of model '" STR_FMT "'",
                    STR_ARG(output->field[c]), STR_ARG(self->desc->name));
        return st;
    }
    return ST_OK;
}

// ---- the provider ------------------------------------------------------------------------------

static Status check_types(const ModelDesc *desc, const Type *row, Error *err) {
    for (uint32_t c = 0; c < row->child_count; c++) {
        if (type_name(row->child[c])) continue;
        Buf type = {0};
        type_print_summary(row->child[c], false, &type);
        (void)error_set(err, ST_VALIDATION, "model '" STR_FMT "': column '" STR_FMT "' is " STR_FMT
                        ", which no tensor holds", STR_ARG(desc->name), STR_ARG(row->field[c]),
                        STR_ARG(buf_str(&type)));
        error_hint(err, "CAST it to a number, BOOLEAN, STRING, or an ARRAY of them");
        buf_free(&type);
        return ST_VALIDATION;
    }
    return ST_OK;
}

static Status check(const ModelDesc *desc, Error *err) {
    static const char *const TEXTS[] = {"auth-token", "custom-headers", NULL};
    const char *compression = text_option(desc, "compression");
    if (compression && !str_eq_nocase(str_c(compression), STR("gzip"))) {
        return error_set(err, ST_VALIDATION, "model '" STR_FMT "': 'compression' should be 'gzip'",
                         STR_ARG(desc->name));
    }
    if (options_has(&desc->options, "priority")) {
        TRY(remote_check_count(desc, "priority", 0, 255, err));
    }
    TRY(check_types(desc, desc->input, err));
    TRY(check_types(desc, desc->output, err));
    TRY(remote_check_texts(desc, TEXTS, err));
    return remote_check(text_option(desc, "endpoint"), "endpoint", err);
}

static const char *path_of(RemotePredictor *self) {
    const ModelDesc *desc = self->desc;
    Str version = str_c(text_option(desc, "model-version"));
    Buf path = {0};
    buf_putc(&path, '/');
    percent_encode(str_c(text_option(desc, "model-name")), "", &path);
    if (!str_is(version, "latest")) {
        buf_puts(&path, "/versions/");
        percent_encode(version, "", &path);
    }
    buf_puts(&path, "/infer");
    const char *result = str_cstr(&self->arena, buf_str(&path));
    buf_free(&path);
    return result;
}

static void add_headers(RemotePredictor *self, Str list) {
    while (list.len) {
        int64_t comma = str_find(list, STR(","), 0);
        Str one = comma < 0 ? list : str_sub(list, 0, (uint32_t)comma);
        list = comma < 0 ? (Str){0} : str_sub(list, (uint32_t)comma + 1, list.len);
        int64_t colon = str_find(one, STR(":"), 0);
        if (colon < 1) continue;
        remote_predictor_header(self, STR_FMT ": " STR_FMT,
                                STR_ARG(str_trim(str_sub(one, 0, (uint32_t)colon))),
                                STR_ARG(str_trim(str_sub(one, (uint32_t)colon + 1, one.len))));
    }
}

static Status open(const ModelDesc *desc, Predictor **out, Error *err) {
    enum { IN_FLIGHT = 256, FAILURES = 3, PAUSE_MS = 2000, TRIES = 4, BETWEEN_MS = 200 };
    RemotePredictor *self = remote_predictor_new(desc, write_request, read_answer);
    const char *token = text_option(desc, "auth-token");
    RemoteRequest *request = &self->request;
    self->skips = skips;
    self->zip = text_option(desc, "compression") != NULL;
    request->path = path_of(self);
    request->connect_ms = request->answer_ms = options_int(&desc->options, "timeout");
    request->tries_max = TRIES;
    request->pause_ms = BETWEEN_MS;
    if (token) remote_predictor_header(self, "Authorization: Bearer %s", token);
    if (self->zip) remote_predictor_header(self, "Content-Encoding: gzip");
    add_headers(self, str_c(text_option(desc, "custom-headers")));
    RemoteSettings settings = {.endpoints = text_option(desc, "endpoint"), .option = "endpoint",
                               .in_flight_max = IN_FLIGHT, .failures_max = FAILURES,
                               .pause_ms = PAUSE_MS};
    return remote_predictor_open(self, &settings, out, err);
}

static uint32_t one_row(const ModelDesc *desc) {
    (void)desc;
    return 1;
}

const ModelProvider TRITON_PROVIDER = {
    .name = "triton",
    .doc = "NVIDIA's inference server, or who speaks its protocol",
    .options = TRITON_OPTIONS,
    .remote = true,
    .check = check,
    .rows_max = one_row,
    .open = open,
};
