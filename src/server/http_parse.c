#include "base/hex.h"
#include "server/http_parse.h"

typedef enum ChunkState { CHUNK_SIZE, CHUNK_BYTES, CHUNK_END, CHUNK_TRAILER } ChunkState;

Str http_field(const HttpRequest *request, const char *name) {
    for (uint32_t i = 0; i < request->field_count; i++) {
        if (str_eq_nocase(request->field[i].name, str_c(name))) return request->field[i].value;
    }
    return (Str){0};
}

// Characters of a token (RFC 9110, 5.6.2).
static bool is_token(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return c && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool all_token(Str text) {
    for (uint32_t i = 0; i < text.len; i++) {
        if (!is_token(text.ptr[i])) return false;
    }
    return text.len > 0;
}

// ---- the head ----------------------------------------------------------------------------------

static Str next_line(Str *head) {
    const char *end = memchr(head->ptr, '\r', head->len);
    uint32_t len = end ? (uint32_t)(end - head->ptr) : head->len;
    Str line = str_sub(*head, 0, len);
    *head = str_sub(*head, len + 2, head->len);
    return line;
}

static int read_target(Str target, HttpRequest *out) {
    if (!target.len) return 400;
    if (str_starts(target, STR("http://"))) {  // the form for proxies, which all must take
        int64_t slash = str_find(target, STR("/"), 7);
        target = slash < 0 ? STR("/") : str_sub(target, (uint32_t)slash, target.len);
    }
    if (target.ptr[0] != '/' && !str_is(target, "*")) return 400;
    for (uint32_t i = 0; i < target.len; i++) {
        if ((unsigned char)target.ptr[i] <= ' ' || target.ptr[i] == 127) return 400;
    }
    int64_t question = str_find(target, STR("?"), 0);
    out->path = question < 0 ? target : str_sub(target, 0, (uint32_t)question);
    out->query = question < 0 ? STR("") : str_sub(target, (uint32_t)question + 1, target.len);
    return 0;
}

static int read_request_line(Str line, HttpRequest *out) {
    int64_t first = str_find(line, STR(" "), 0);
    int64_t second = first < 0 ? -1 : str_find(line, STR(" "), (uint32_t)first + 1);
    if (second < 0) return 400;
    out->method = str_sub(line, 0, (uint32_t)first);
    Str version = str_sub(line, (uint32_t)second + 1, line.len);
    if (!all_token(out->method)) return 400;
    int status = read_target(str_sub(line, (uint32_t)first + 1, (uint32_t)(second - first - 1)),
                             out);
    if (status) return status;
    out->has_version_1_1 = str_is(version, "HTTP/1.1");
    if (!out->has_version_1_1 && !str_is(version, "HTTP/1.0")) {
        return str_starts(version, STR("HTTP/")) ? 505 : 400;
    }
    out->keep_alive = out->has_version_1_1;
    return 0;
}

static int read_field(Str line, HttpRequest *out) {
    int64_t colon = str_find(line, STR(":"), 0);
    if (colon < 1 || out->field_count == HTTP_FIELDS_MAX) return colon < 1 ? 400 : 431;
    HttpField *field = &out->field[out->field_count++];
    field->name = str_sub(line, 0, (uint32_t)colon);
    field->value = str_trim(str_sub(line, (uint32_t)colon + 1, line.len));
    if (!all_token(field->name)) return 400;
    for (uint32_t i = 0; i < field->value.len; i++) {
        unsigned char c = (unsigned char)field->value.ptr[i];
        if ((c < ' ' && c != '\t') || c == 127) return 400;
    }
    return 0;
}

// Whether a list such as "keep-alive, Upgrade" has the word.
static bool has_word(Str list, const char *word) {
    while (list.len) {
        int64_t comma = str_find(list, STR(","), 0);
        Str one = comma < 0 ? list : str_sub(list, 0, (uint32_t)comma);
        list = comma < 0 ? (Str){0} : str_sub(list, (uint32_t)comma + 1, list.len);
        if (str_eq_nocase(str_trim(one), str_c(word))) return true;
    }
    return false;
}

static bool read_length(Str text, uint64_t *out) {
    enum { DIGITS_MAX = 18 };
    *out = 0;
    if (!text.len || text.len > DIGITS_MAX) return false;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        *out = *out * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return true;
}

// What the fields say of the body and the connection.
static int read_framing(HttpParser *self, HttpRequest *out) {
    bool has_length = false, has_host = false;
    for (uint32_t i = 0; i < out->field_count; i++) {
        Str name = out->field[i].name, value = out->field[i].value;
        if (str_eq_nocase(name, STR("content-length"))) {
            if (has_length || !read_length(value, &self->length)) return 400;
            has_length = true;
        } else if (str_eq_nocase(name, STR("transfer-encoding"))) {
            if (self->chunked) return 400;
            if (!str_eq_nocase(value, STR("chunked"))) return 501;
            self->chunked = true;
        } else if (str_eq_nocase(name, STR("connection"))) {
            if (has_word(value, "close")) out->keep_alive = false;
            else if (has_word(value, "keep-alive")) out->keep_alive = true;
        } else if (str_eq_nocase(name, STR("expect"))) {
            if (!str_eq_nocase(value, STR("100-continue"))) return 417;
            self->expects = out->has_version_1_1;
        } else if (str_eq_nocase(name, STR("host"))) {
            if (has_host) return 400;
            has_host = true;
        }
    }
    if (self->chunked && (has_length || !out->has_version_1_1)) return 400;
    return out->has_version_1_1 && !has_host ? 400 : 0;
}

static int read_head(HttpParser *self, Str head, HttpRequest *out) {
    *out = (HttpRequest){0};
    // A CR without its LF, an LF without its CR, a NUL: next_line relies on there being none.
    for (uint32_t i = 0; i < head.len; i++) {
        char c = head.ptr[i];
        if (c == '\r' && (i + 1 == head.len || head.ptr[i + 1] != '\n')) return 400;
        if (c == '\n' && (!i || head.ptr[i - 1] != '\r')) return 400;
        if (!c) return 400;
    }
    Str rest = str_sub(head, 0, head.len - 2);  // without the empty line
    int status = read_request_line(next_line(&rest), out);
    while (!status && rest.len) status = read_field(next_line(&rest), out);
    return status;
}

// ---- the body ----------------------------------------------------------------------------------

// A line at chunk_at; MORE while its end is not there.
static HttpState chunk_line(HttpParser *self, const char *bytes, size_t size, Str *out) {
    const char *from = bytes + self->chunk_at;
    size_t left = size - self->chunk_at;
    const char *end = memchr(from, '\n', left);
    if (!end) return left > HTTP_CHUNK_LINE_MAX ? HTTP_BAD : HTTP_MORE;
    size_t len = (size_t)(end - from);
    if (!len || len > HTTP_CHUNK_LINE_MAX || from[len - 1] != '\r') return HTTP_BAD;
    *out = str_make(from, len - 1);
    self->chunk_at += len + 1;
    return HTTP_READY;
}

static bool read_chunk_size(Str line, uint64_t *out) {
    enum { DIGITS_MAX = 15 };
    uint32_t i = 0;
    *out = 0;
    for (; i < line.len && hex_digit(line.ptr[i]) >= 0; i++) {
        *out = *out * 16 + (uint64_t)hex_digit(line.ptr[i]);
    }
    return i > 0 && i <= DIGITS_MAX && (i == line.len || line.ptr[i] == ';');
}

static HttpState read_chunks(HttpParser *self, char *bytes, size_t size, size_t body_max,
                             int *status) {
    for (;;) {
        Str line;
        *status = 413;  // more of frames than of what they frame
        if (self->chunk_at - self->body_end > HTTP_HEAD_MAX + body_max) return HTTP_BAD;
        *status = 400;
        if (self->chunk_state == CHUNK_BYTES) {
            size_t left = size - self->chunk_at;
            size_t take = left < self->chunk_left ? left : (size_t)self->chunk_left;
            memmove(bytes + self->body_end, bytes + self->chunk_at, take);
            self->body_end += take;
            self->chunk_at += take;
            self->chunk_left -= take;
            if (self->chunk_left) return HTTP_MORE;
            self->chunk_state = CHUNK_END;
        }
        HttpState state = chunk_line(self, bytes, size, &line);
        if (state != HTTP_READY) return state;
        if (self->chunk_state == CHUNK_END) {
            if (line.len) return HTTP_BAD;
            self->chunk_state = CHUNK_SIZE;
        } else if (self->chunk_state == CHUNK_SIZE) {
            if (!read_chunk_size(line, &self->chunk_left)) return HTTP_BAD;
            if (self->chunk_left > body_max - (self->body_end - self->head)) {
                *status = 413;
                return HTTP_BAD;
            }
            self->chunk_state = self->chunk_left ? CHUNK_BYTES : CHUNK_TRAILER;
        } else if (!line.len) {  // fields behind the body are passed over
            return HTTP_READY;
        }
    }
}

// ---- all of it ---------------------------------------------------------------------------------

// The end of the head, or 0. The empty lines before a request that some clients send are skipped by
// the caller.
static size_t find_head(HttpParser *self, const char *bytes, size_t size) {
    size_t from = self->scanned > 3 ? self->scanned - 3 : 0;
    while (from + 4 <= size) {
        const char *cr = memchr(bytes + from, '\r', size - from - 3);
        if (!cr) break;
        if (memcmp(cr, "\r\n\r\n", 4) == 0) return (size_t)(cr - bytes) + 4;
        from = (size_t)(cr - bytes) + 1;
    }
    self->scanned = size;
    return 0;
}

HttpState http_parse(HttpParser *self, char *bytes, size_t size, size_t body_max, HttpRequest *out,
                     size_t *used, int *status) {
    bool fresh = !self->head;
    if (fresh) {
        size_t head = find_head(self, bytes, size);
        *status = 431;
        if (head > HTTP_HEAD_MAX || (!head && size > HTTP_HEAD_MAX)) return HTTP_BAD;
        if (!head) return HTTP_MORE;
        self->head = self->chunk_at = self->body_end = head;
        *status = read_head(self, str_make(bytes, head), out);
        if (!*status) *status = read_framing(self, out);
        if (*status) return HTTP_BAD;
        *status = 413;
        if (!self->chunked && self->length > body_max) return HTTP_BAD;
    }
    size_t end = self->head + (size_t)self->length;
    if (self->chunked) {
        HttpState state = read_chunks(self, bytes, size, body_max, status);
        if (state == HTTP_BAD) return HTTP_BAD;
        if (state == HTTP_READY) end = self->chunk_at;
        else end = SIZE_MAX;
    }
    if (end > size) {
        if (!self->expects) return HTTP_MORE;
        self->expects = false;
        return HTTP_CONTINUE;
    }
    // The bytes may have moved since the head was read.
    if (!fresh) {
        HttpParser ignored = {0};
        (void)read_head(self, str_make(bytes, self->head), out);
        (void)read_framing(&ignored, out);
    }
    size_t body = self->chunked ? self->body_end - self->head : (size_t)self->length;
    out->body = str_make(bytes + self->head, body);
    *used = end;
    *self = (HttpParser){0};
    return HTTP_READY;
}
