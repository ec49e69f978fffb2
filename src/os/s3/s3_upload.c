// Uploads in parts: what is sent is durable with the server, and nobody sees it before the upload
// is completed. An upload outlives the process; its token says how to complete it.
//
// MinIO's are not that safe: it forgets the parts of an upload before it shows the object, and
// gives up in between when who asked for it is gone. A kill -9 at that moment would lose what a
// checkpoint stands on. With MinIO the upload is therefore completed at once, under a hidden name,
// and shown by a copy, which the server makes and which can be made again.
#include <stdatomic.h>

#include "base/hex.h"
#include "os/s3/s3_int.h"

// Parts but the last one have 5 MiB at least, and there are 10,000 at most: they double in time.
enum { PART_BYTES = 8 << 20, PARTS_A_SIZE = 2000, PARTS_MAX = 10000 };

static const Str COPY = {"copy ", 5};  // no id of an upload has a blank

static atomic_bool is_minio;  // the server, as far as is known: there is one for the whole process

struct S3Upload {
    Arena arena;
    Str path, hidden;
    S3Place place;   // the path's, or the hidden one's
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
                    "the upload of '" STR_FMT "' can never be completed: the server has not got it "
                    "any more, or not its parts, and the object is not there",
                    STR_ARG(path));
    error_hint(err,
               "an older checkpoint or a savepoint makes its rows again (--from-savepoint); does "
               "a rule of the bucket abort uploads that are not complete?");
    return ST_RUNTIME;
}

static Str id_query(Arena *arena, const char *before, Str id) {
    Buf query = {0};
    buf_puts(&query, before);
    buf_puts(&query, "uploadId=");
    percent_encode(id, "", &query);
    Str out = str_dup(arena, buf_str(&query));
    buf_free(&query);
    return out;
}

Status s3_upload_open(Str path, Str hidden, S3Upload **out, Error *err) {
    S3Upload *self = NEW(S3Upload);
    arena_init(&self->arena);
    self->path = str_dup(&self->arena, path);
    self->hidden = str_dup(&self->arena, hidden);
    Status st = s3_place(&self->arena, path, &self->place, err);
    if (st) {
        s3_upload_free(self);
        return st;
    }
    *out = self;
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

static Status begin_at(S3Upload *self, Error *err) {
    S3Reply reply;
    Status st = ask("POST", self->place, STR("uploads="), STR(""), &reply, err);
    bool good = !st && reply.status == 200 &&
                s3_element_read(&self->arena, buf_str(&reply.body), "UploadId", &self->id) &&
                self->id.len;
    if (good && str_starts(reply.server, STR("MinIO"))) atomic_store(&is_minio, true);
    s3_reply_clear(&reply);
    if (st || good) return st;
    return error_set(err, ST_IO, "'" STR_FMT "': the server begins no upload", STR_ARG(self->path));
}

static Status begin(S3Upload *self, Error *err) {
    if (!self->hidden.len) return begin_at(self, err);
    bool hides = atomic_load(&is_minio);
    if (hides) TRY(s3_place(&self->arena, self->hidden, &self->place, err));
    TRY(begin_at(self, err));
    if (hides || !atomic_load(&is_minio)) {
        if (!hides) self->hidden = STR("");
        return ST_OK;
    }
    // The first answer of all has told: once more under the other name.
    Status st = abort_upload(self->place, self->id, NULL);
    (void)st;  // rubbish, see there
    self->id = STR("");
    TRY(s3_place(&self->arena, self->hidden, &self->place, err));
    return begin_at(self, err);
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

static Status complete(Str path, S3Place place, Str id, Str tags, int64_t size, Error *err);

// A token is the upload's id, the size and the parts' tags, a line each; with a hidden object the
// first line is "copy " and its path, and there are no tags.
Status s3_upload_finish(S3Upload *self, Buf *token, Error *err) {
    if (self->part.len || !self->parts) TRY(send_part(self, err));
    Str tags = str_sub(buf_str(&self->tags), 1, (uint32_t)self->tags.len);
    if (self->hidden.len) {
        TRY(complete(self->hidden, self->place, self->id, tags, self->size, err));
        buf_printf(token, STR_FMT STR_FMT "\n%lld", STR_ARG(COPY), STR_ARG(self->hidden),
                   (long long)self->size);
    } else {
        buf_printf(token, STR_FMT "\n%lld\n" STR_FMT, STR_ARG(self->id), (long long)self->size,
                   STR_ARG(tags));
    }
    self->id = STR("");  // it is the token's now
    return ST_OK;
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
    Str id;      // empty: a copy is to be made
    Str hidden;  // of that object
    int64_t size;
    Str tags;    // a line each
} Token;

static Status read_token(Str path, Str text, Token *out, Error *err) {
    *out = (Token){.id = str_next_line(&text)};
    if (str_starts(out->id, COPY)) {
        out->hidden = str_sub(out->id, COPY.len, out->id.len);
        out->id = STR("");
    }
    bool sized = str_to_i64(str_next_line(&text), &out->size);
    out->tags = text;
    if (sized && (out->hidden.len ? s3_path(out->hidden) : out->id.len && text.len)) return ST_OK;
    return error_set(err, ST_RUNTIME, "the name of the upload of '" STR_FMT "' is damaged",
                     STR_ARG(path));
}

static void print_parts(Str tags, Buf *out) {
    buf_puts(out, "<CompleteMultipartUpload>");
    for (uint32_t number = 1; tags.len; number++) {
        Str tag = str_next_line(&tags);
        buf_printf(out, "<Part><PartNumber>%u</PartNumber><ETag>" STR_FMT "</ETag></Part>", number,
                   STR_ARG(tag));
    }
    buf_puts(out, "</CompleteMultipartUpload>");
}

static Status is_there(Str path, int64_t size, bool *there, Error *err) {
    OsStat stat;
    TRY(s3_stat(path, &stat, err));
    *there = stat.exists && !stat.is_dir && stat.size == size;
    return ST_OK;
}

// An upload that is not there, or whose parts are not, was completed before, and the answer, or the
// process, was lost: then the object is there. Parts may be missing for a moment while another
// request, of a process that is gone, is still at work.
static Status complete(Str path, S3Place place, Str id, Str tags, int64_t size, Error *err) {
    enum { LOOKS_MAX = 5, PAUSE_FIRST_MS = 100 };
    Arena arena = {0};
    Buf body = {0};
    print_parts(tags, &body);
    Str query = id_query(&arena, "", id);
    int64_t pause_ms = PAUSE_FIRST_MS;
    Status st;
    for (uint32_t looks = 1;; looks++) {
        bool there = false;
        S3Reply reply;
        st = ask("POST", place, query, buf_str(&body), &reply, err);
        bool over = !st && reply.status == 404;
        bool torn = st && str_is(reply.code, "InvalidPart");
        s3_reply_clear(&reply);
        if (!over && !torn) break;
        st = is_there(path, size, &there, err);
        if (st || there) break;
        if (over || looks == LOOKS_MAX) {
            st = gone(path, err);
            break;
        }
        os()->sleep_ms(pause_ms);
        pause_ms *= 2;
    }
    buf_free(&body);
    arena_clear(&arena);
    return st;
}

static Status copy(Str path, S3Place to, const Token *token, Error *err) {
    Arena arena = {0};
    Buf source = {0};
    S3Place from;
    S3Reply reply = {0};
    bool there = true;
    Status st = s3_place(&arena, token->hidden, &from, err);
    if (st) goto done;
    buf_putc(&source, '/');
    percent_encode(from.bucket, "", &source);
    buf_putc(&source, '/');
    percent_encode(from.key, "/", &source);
    S3Request request = {.method = "PUT", .place = to, .copy_of = buf_str(&source),
                         .reads_xml = true};
    st = s3_request(&request, &reply, err);
    if (st) goto done;
    if (reply.status == 404) st = is_there(path, token->size, &there, err);
    if (!st && !there) st = gone(path, err);
    if (!st && reply.status != 404) st = s3_remove(token->hidden, err);

done:
    s3_reply_clear(&reply);
    buf_free(&source);
    arena_clear(&arena);
    return st;
}

Status s3_upload_complete(Str path, Str text, Error *err) {
    Arena arena = {0};
    S3Place place;
    Token token;
    Status st = s3_place(&arena, path, &place, err);
    if (!st) st = read_token(path, text, &token, err);
    if (!st) {
        st = token.hidden.len ? copy(path, place, &token, err)
                              : complete(path, place, token.id, token.tags, token.size, err);
    }
    arena_clear(&arena);
    return st;
}

Status s3_upload_over(Str path, Str text, bool *over, Error *err) {
    Arena arena = {0};
    S3Place place;
    Token token;
    S3Reply reply = {0};
    Status st = s3_place(&arena, path, &place, err);
    if (!st) st = read_token(path, text, &token, err);
    if (st) goto done;
    if (token.hidden.len) {
        st = is_there(path, token.size, over, err);
        goto done;
    }
    st = ask("GET", place, id_query(&arena, "max-parts=1&", token.id), STR(""), &reply, err);
    if (!st) *over = reply.status == 404;

done:
    s3_reply_clear(&reply);
    arena_clear(&arena);
    return st;
}

Status s3_upload_abort(Str path, Str text, Error *err) {
    Arena arena = {0};
    S3Place place;
    Token token;
    Status st = s3_place(&arena, path, &place, err);
    if (!st) st = read_token(path, text, &token, err);
    if (!st) {
        st = token.hidden.len ? s3_remove(token.hidden, err) : abort_upload(place, token.id, err);
    }
    arena_clear(&arena);
    return st;
}
