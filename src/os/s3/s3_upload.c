// Uploads in parts: what is sent is durable with the server, and nobody sees it before the upload
// is completed. An upload outlives the process; its token says how to complete it.
#include "os/s3/s3_int.h"

// Parts but the last one have 5 MiB at least, and there are 10,000 at most: they double in time.
enum { PART_BYTES = 8 << 20, PARTS_A_SIZE = 2000, PARTS_MAX = 10000 };

struct S3Upload {
    Arena arena;
    Str path;
    S3Place place;
    Str id;          // empty: not begun
    Buf part;        // not sent yet
    Buf tags;        // of the parts sent, a line each
    uint32_t parts;
    int64_t size;
};

static Status ask(const char *method, S3Place place, Str query, Str body, S3Reply *reply,
                  Error *err) {
    S3Request request = {.method = method, .place = place, .query = query, .body = body,
                         .reads_xml = strcmp(method, "POST") == 0};
    return s3_request(&request, reply, err);
}

static Status gone(Str path, Error *err) {
    (void)error_set(err, ST_RUNTIME,
                    "the upload of '" STR_FMT
                    "' is not there any more, nor is the object: its rows "
                    "are lost",
                    STR_ARG(path));
    error_hint(err, "does a rule of the bucket abort uploads that are not complete?");
    return ST_RUNTIME;
}

static Str id_query(Arena *arena, const char *before, Str id) {
    Buf query = {0};
    buf_puts(&query, before);
    buf_puts(&query, "uploadId=");
    s3_encode(id, false, &query);
    Str out = str_dup(arena, buf_str(&query));
    buf_free(&query);
    return out;
}

Status s3_upload_open(Str path, S3Upload **out, Error *err) {
    S3Upload *self = NEW(S3Upload);
    arena_init(&self->arena);
    self->path = str_dup(&self->arena, path);
    Status st = s3_place(&self->arena, path, &self->place, err);
    if (st) {
        s3_upload_free(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

static Status begin(S3Upload *self, Error *err) {
    S3Reply reply;
    Status st = ask("POST", self->place, STR("uploads="), STR(""), &reply, err);
    bool good = !st && reply.status == 200 &&
                s3_element_read(&self->arena, buf_str(&reply.body), "UploadId", &self->id) &&
                self->id.len;
    s3_reply_clear(&reply);
    if (st || good) return st;
    return error_set(err, ST_IO, "'" STR_FMT "': the server begins no upload", STR_ARG(self->path));
}

static Status send_part(S3Upload *self, Error *err) {
    if (!self->id.len) TRY(begin(self, err));
    if (self->parts == PARTS_MAX) {
        return error_set(err, ST_RUNTIME, "'" STR_FMT "' is too long for an object of S3",
                         STR_ARG(self->path));
    }
    Arena arena = {0};
    S3Reply reply;
    Str before = str_printf(&arena, "partNumber=%u&", self->parts + 1);
    Str query = id_query(&arena, str_cstr(&arena, before), self->id);
    Status st = ask("PUT", self->place, query, buf_str(&self->part), &reply, err);
    if (!st && reply.status == 404) st = gone(self->path, err);
    if (!st && (!reply.tag.len || str_find(reply.tag, STR("<"), 0) >= 0)) {
        st = error_set(err, ST_IO, "'" STR_FMT "': the server tells no ETag of a part",
                       STR_ARG(self->path));
    }
    if (!st) {
        self->parts++;
        self->size += (int64_t)self->part.len;
        self->part.len = 0;
        buf_putc(&self->tags, '\n');
        buf_put_str(&self->tags, reply.tag);
    }
    s3_reply_clear(&reply);
    arena_clear(&arena);
    return st;
}

Status s3_upload_write(S3Upload *self, const void *bytes, size_t size, Error *err) {
    size_t most = (size_t)PART_BYTES << self->parts / PARTS_A_SIZE;
    buf_put(&self->part, bytes, size);
    return self->part.len >= most ? send_part(self, err) : ST_OK;
}

Status s3_upload_finish(S3Upload *self, Buf *token, Error *err) {
    if (self->part.len || !self->parts) TRY(send_part(self, err));
    buf_printf(token, STR_FMT "\n%lld", STR_ARG(self->id), (long long)self->size);
    buf_put_str(token, buf_str(&self->tags));
    self->id = STR("");  // it is the token's now
    return ST_OK;
}

static Status abort_upload(S3Place place, Str id, Error *err) {
    Arena arena = {0};
    S3Reply reply;
    // What is left over costs room until a rule of the bucket removes it, nothing else: a job that
    // ends because the server is away does not wait for it once more.
    S3Request request = {.method = "DELETE", .place = place, .once = true,
                         .query = id_query(&arena, "", id)};
    Status st = s3_request(&request, &reply, err);
    s3_reply_clear(&reply);
    arena_clear(&arena);
    return st;
}

void s3_upload_free(S3Upload *self) {
    if (!self) return;
    if (self->id.len && abort_upload(self->place, self->id, NULL)) self->id = STR("");
    buf_free(&self->part);
    buf_free(&self->tags);
    arena_clear(&self->arena);
    mem_free(self);
}

// ---- by token ----------------------------------------------------------------------------------

typedef struct Token {
    Str id;
    int64_t size;
    Str tags;  // a line each
} Token;

static Str next_line(Str *text) {
    int64_t end = str_find(*text, STR("\n"), 0);
    Str line = str_sub(*text, 0, end < 0 ? text->len : (uint32_t)end);
    *text = str_sub(*text, end < 0 ? text->len : (uint32_t)end + 1, text->len);
    return line;
}

static Status read_token(Str path, Str text, Token *out, Error *err) {
    out->id = next_line(&text);
    if (out->id.len && str_to_i64(next_line(&text), &out->size) && text.len) {
        out->tags = text;
        return ST_OK;
    }
    return error_set(err, ST_RUNTIME, "the name of the upload of '" STR_FMT "' is damaged",
                     STR_ARG(path));
}

static void print_parts(Str tags, Buf *out) {
    buf_puts(out, "<CompleteMultipartUpload>");
    for (uint32_t number = 1; tags.len; number++) {
        Str tag = next_line(&tags);
        buf_printf(out, "<Part><PartNumber>%u</PartNumber><ETag>" STR_FMT "</ETag></Part>", number,
                   STR_ARG(tag));
    }
    buf_puts(out, "</CompleteMultipartUpload>");
}

Status s3_upload_complete(Str path, Str token, Error *err) {
    Arena arena = {0};
    Buf body = {0};
    S3Place place;
    Token at;
    S3Reply reply = {0};
    OsStat stat;
    Status st = s3_place(&arena, path, &place, err);
    if (!st) st = read_token(path, token, &at, err);
    if (st) goto done;
    print_parts(at.tags, &body);
    st = ask("POST", place, id_query(&arena, "", at.id), buf_str(&body), &reply, err);
    if (st || reply.status != 404) goto done;
    // It was completed before, and the answer, or the process, was lost.
    st = s3_stat(path, &stat, err);
    if (!st && (!stat.exists || stat.is_dir || stat.size != at.size)) st = gone(path, err);

done:
    s3_reply_clear(&reply);
    buf_free(&body);
    arena_clear(&arena);
    return st;
}

Status s3_upload_over(Str path, Str token, bool *over, Error *err) {
    Arena arena = {0};
    S3Place place;
    Token at;
    S3Reply reply = {0};
    Status st = s3_place(&arena, path, &place, err);
    if (!st) st = read_token(path, token, &at, err);
    if (!st) st = ask("GET", place, id_query(&arena, "max-parts=1&", at.id), STR(""), &reply, err);
    if (!st) *over = reply.status == 404;
    s3_reply_clear(&reply);
    arena_clear(&arena);
    return st;
}

Status s3_upload_abort(Str path, Str token, Error *err) {
    Arena arena = {0};
    S3Place place;
    Token at;
    Status st = s3_place(&arena, path, &place, err);
    if (!st) st = read_token(path, token, &at, err);
    if (!st) st = abort_upload(place, at.id, err);
    arena_clear(&arena);
    return st;
}
