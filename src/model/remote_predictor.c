#include "model/remote_predictor.h"

#include <stdarg.h>
#include <stdio.h>
#include <zlib.h>

#include "os/os.h"

static Status refused(const RemotePredictor *self, const HttpReply *reply, Error *err) {
    enum { SHOWN_MAX = 300 };
    Arena arena = {0};
    JsonValue tree;
    Str text = str_trim(buf_str(&reply->body));
    if (!json_parse(&arena, text, 0, &tree, NULL, NULL)) {  // {"error": "…"} or {"error": {…}}
        const JsonValue *message = json_member(&tree, STR("error"));
        if (message && message->kind == JK_OBJECT) message = json_member(message, STR("message"));
        if (message && message->kind == JK_TEXT) text = message->text;
    }
    Status st = reply->status == 401 || reply->status == 403 ? ST_VALIDATION : ST_RUNTIME;
    (void)error_set(err, st, "model '" STR_FMT "': its server answers %d: " STR_FMT,
                    STR_ARG(self->desc->name), reply->status,
                    STR_ARG(str_sub(text, 0, SHOWN_MAX)));
    if (st == ST_VALIDATION) error_hint(err, "it wants another token or key than the model's");
    if (reply->status == 404) {
        error_hint(err, "look at 'endpoint', and at what the model is called there");
    }
    arena_clear(&arena);
    return st;
}

Status remote_strange(const RemotePredictor *self, const char *what, const char *hint,
                      Error *err) {
    (void)error_set(err, ST_RUNTIME, "model '" STR_FMT "': its server's answer %s",
                    STR_ARG(self->desc->name), what);
    if (hint) error_hint(err, "%s", hint);
    return ST_RUNTIME;
}

static Status zip(Buf *body, Error *err) {
    enum { GZIP = 16 + MAX_WBITS, MEMORY = 8 };
    z_stream stream = {0};
    Buf out = {0};
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        return error_set(err, ST_INTERNAL, "zlib cannot be used");
    }
    size_t room = deflateBound(&stream, body->len);
    stream.next_in = (Bytef *)body->ptr;
    stream.avail_in = (uInt)body->len;
    stream.next_out = (Bytef *)buf_reserve(&out, room);
    stream.avail_out = (uInt)room;
    bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    out.len = stream.total_out;
    (void)deflateEnd(&stream);
    buf_free(body);
    *body = out;
    return done ? ST_OK : error_set(err, ST_INTERNAL, "zlib wants more room than it said");
}

static Status read_answer(RemotePredictor *self, const HttpReply *reply, uint32_t rows, Vec **out,
                          uint32_t to, Error *err) {
    Arena arena = {0};
    JsonValue answer;
    Status st = json_parse(&arena, buf_str(&reply->body), 0, &answer, NULL, err)
                    ? remote_strange(self, "is no JSON", NULL, err)
                    : self->read(self, &answer, rows, out, to, err);
    arena_clear(&arena);
    return st;
}

static void set_nulls(const RemotePredictor *self, Vec **out, uint32_t row) {
    for (uint32_t c = 0; c < self->desc->output->child_count; c++) vec_set_null(out[c], row);
}

static Status ask(RemotePredictor *self, Vec *const *in, uint32_t from, uint32_t rows, Vec **out,
                  Error *err) {
    HttpReply reply;
    if (rows == 1 && self->skips && self->skips(self, in, from)) {
        set_nulls(self, out, from);
        return ST_OK;
    }
    self->body.len = 0;
    self->write(self, in, from, rows);
    if (self->zip) TRY(zip(&self->body, err));
    self->request.body = buf_str(&self->body);
    Status st = remote_post(self->remote, &self->request, &reply, err);
    if (st) {
        error_while(err, "asking model '" STR_FMT "'", STR_ARG(self->desc->name));
    } else {
        st = reply.status == 200 ? read_answer(self, &reply, rows, out, from, err)
                                 : refused(self, &reply, err);
    }
    buf_free(&reply.body);
    return st;
}

static Status predict(Predictor *base, Vec *const *in, uint32_t rows, Arena *arena, Vec **out,
                      Error *err) {
    RemotePredictor *self = (RemotePredictor *)base;
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
        if (one) set_nulls(self, out, row);
    }
    return ST_OK;
}

static void cancel(Predictor *base) {
    atomic_store(&((RemotePredictor *)base)->cancel, true);
}

static void figures(Predictor *base, Buf *out) {
    remote_figures(((RemotePredictor *)base)->remote, out);
}

static void predictor_close(Predictor *base) {
    RemotePredictor *self = (RemotePredictor *)base;
    remote_put(self->remote);
    buf_free(&self->body);
    arena_clear(&self->arena);
    mem_free(self);
}

void remote_predictor_header(RemotePredictor *self, const char *fmt, ...) {
    enum { LINE_MAX_ = 8192 };
    char line[LINE_MAX_];
    va_list args;
    if (self->request.header_count == REMOTE_HEADERS_MAX) return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    self->header[self->request.header_count++] = str_cstr(&self->arena, str_c(line));
}

RemotePredictor *remote_predictor_new(const ModelDesc *desc, RemoteWrite write, RemoteRead read) {
    static const PredictorVt VT = {
        .predict = predict, .figures = figures, .cancel = cancel, .close = predictor_close};
    RemotePredictor *self = NEW(RemotePredictor);
    self->base.vt = &VT;
    self->desc = desc;
    self->write = write;
    self->read = read;
    self->null_on_error =
        str_eq_nocase(str_c(map_get(desc->options.map, STR("on-error"))), STR("null"));
    self->request = (RemoteRequest){.path = "", .header = self->header, .tries_max = 1,
                                    .cancel = &self->cancel};
    remote_predictor_header(self, "Content-Type: application/json");
    return self;
}

Status remote_predictor_open(RemotePredictor *self, const RemoteSettings *settings,
                             Predictor **out, Error *err) {
    Status st = remote_get(settings, &self->remote, err);
    if (st) {
        predictor_close(&self->base);
        return st;
    }
    *out = &self->base;
    return ST_OK;
}

Status remote_check_count(const ModelDesc *desc, const char *key, int64_t least, int64_t most,
                          Error *err) {
    int64_t value = options_int(&desc->options, key);
    if (value >= least && value <= most) return ST_OK;
    return error_set(err, ST_VALIDATION, "model '" STR_FMT "': '%s' should be between %lld and "
                     "%lld", STR_ARG(desc->name), key, (long long)least, (long long)most);
}

Status remote_check_texts(const ModelDesc *desc, const char *const *key, Error *err) {
    for (; *key; key++) {
        const char *text = options_get(&desc->options, *key);
        if (!text || !strpbrk(text, "\r\n")) continue;
        return error_set(err, ST_VALIDATION, "model '" STR_FMT "': '%s' has a line break",
                         STR_ARG(desc->name), *key);
    }
    return ST_OK;
}
