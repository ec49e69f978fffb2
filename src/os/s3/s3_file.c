// Objects as files and prefixes as directories.
#include <stdlib.h>

#include "base/hex.h"
#include "os/s3/s3_int.h"

enum {
    READ_AHEAD = 4 << 20,   // most readers go on where they stopped; a request costs some 20 ms
    WHOLE_MAX = 8 << 20,    // up to here an object is put in one request
};

struct S3File {
    Arena arena;
    Str path;
    S3Place place;
    bool reading;
    // Reading: the object's size and tag when it was opened, and what has been read ahead.
    int64_t size;
    Str tag;
    Buf ahead;
    int64_t ahead_at;
    // Writing.
    Buf bytes;
    S3Upload *upload;  // of an object that is longer than WHOLE_MAX
    bool failed, finished;
    S3Hold *hold;      // of OS_HOLD: there is nothing else
};

static Status head(S3Place place, S3Reply *reply, Error *err) {
    return s3_request(&(S3Request){.method = "HEAD", .place = place}, reply, err);
}

static Status open_to_read(S3File *self, Error *err) {
    S3Reply reply;
    Status st = head(self->place, &reply, err);
    if (!st && reply.status == 404) {
        st = error_set(err, ST_IO, "cannot open '" STR_FMT "': there is no such object",
                       STR_ARG(self->path));
    }
    if (!st) {
        self->size = reply.size;
        self->tag = str_dup(&self->arena, reply.tag);
    }
    s3_reply_clear(&reply);
    return st;
}

static void file_free(S3File *self) {
    s3_hold_close(self->hold);
    s3_upload_free(self->upload);
    buf_free(&self->ahead);
    buf_free(&self->bytes);
    arena_clear(&self->arena);
    mem_free(self);
}

Status s3_open(Str path, int mode, S3File **out, Error *err) {
    if (mode != OS_READ && mode != OS_WRITE && mode != OS_HOLD) {
        return error_set(err, ST_UNSUPPORTED, "'" STR_FMT "': nothing is appended to objects of S3",
                         STR_ARG(path));
    }
    S3Hold *hold = NULL;
    if (mode == OS_HOLD) {
        TRY(s3_hold_open(path, &hold, err));
        *out = NULL;
        if (!hold) return ST_OK;
    }
    S3File *self = NEW(S3File);
    arena_init(&self->arena);
    self->path = str_dup(&self->arena, path);
    self->hold = hold;
    self->finished = hold != NULL;
    self->reading = mode == OS_READ;
    Status st = s3_place(&self->arena, path, &self->place, err);
    if (!st && self->reading) st = open_to_read(self, err);
    if (st) {
        file_free(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

static Status read_ahead(S3File *self, int64_t offset, size_t size, Error *err) {
    int64_t want = size > READ_AHEAD ? (int64_t)size : READ_AHEAD;
    if (want > self->size - offset) want = self->size - offset;
    S3Request request = {.method = "GET", .place = self->place, .from = offset, .size = want,
                         .if_match = self->tag};
    S3Reply reply;
    Status st = s3_request(&request, &reply, err);
    if (!st && (reply.status == 404 || (int64_t)reply.body.len != want)) {
        st = error_set(err, ST_IO, "'" STR_FMT "' has become another object while it was read",
                       STR_ARG(self->path));
    }
    if (!st) {
        buf_free(&self->ahead);
        self->ahead = reply.body;
        self->ahead_at = offset;
        reply.body = (Buf){0};
    }
    s3_reply_clear(&reply);
    return st;
}

Status s3_read_at(S3File *self, int64_t offset, void *bytes, size_t size, size_t *got, Error *err) {
    size_t done = 0;
    while (done < size && offset < self->size) {
        if (offset < self->ahead_at || offset >= self->ahead_at + (int64_t)self->ahead.len) {
            TRY(read_ahead(self, offset, size - done, err));
        }
        size_t from = (size_t)(offset - self->ahead_at), there = self->ahead.len - from;
        size_t take = there < size - done ? there : size - done;
        memcpy((char *)bytes + done, self->ahead.ptr + from, take);
        done += take;
        offset += (int64_t)take;
    }
    *got = done;
    return ST_OK;
}

static Status write_some(S3File *self, const void *bytes, size_t size, Error *err) {
    if (self->upload) return s3_upload_write(self->upload, bytes, size, err);
    buf_put(&self->bytes, bytes, size);
    if (self->bytes.len <= WHOLE_MAX) return ST_OK;
    TRY(s3_upload_open(self->path, STR(""), &self->upload, err));
    TRY(s3_upload_write(self->upload, self->bytes.ptr, self->bytes.len, err));
    buf_free(&self->bytes);
    return ST_OK;
}

Status s3_write(S3File *self, const void *bytes, size_t size, Error *err) {
    if (self->finished) {
        return error_set(err, ST_UNSUPPORTED, "'" STR_FMT "' is written already: objects of S3 do "
                         "not grow", STR_ARG(self->path));
    }
    Status st = write_some(self, bytes, size, err);
    self->failed |= st != ST_OK;
    return st;
}

static Status put_whole(S3File *self, Error *err) {
    S3Reply reply;
    S3Request request = {.method = "PUT", .place = self->place, .body = buf_str(&self->bytes)};
    Status st = s3_request(&request, &reply, err);
    if (!st && reply.status == 404) {
        st = error_set(err, ST_IO, "'" STR_FMT "' cannot be written: 404", STR_ARG(self->path));
    }
    s3_reply_clear(&reply);
    return st;
}

Status s3_sync(S3File *self, Error *err) {
    if (self->hold) return s3_hold_check(self->hold, err);
    if (self->reading || self->finished) return ST_OK;
    Status st;
    if (self->upload) {
        Buf token = {0};
        st = s3_upload_finish(self->upload, &token, err);
        if (!st) st = s3_upload_complete(self->path, buf_str(&token), err);
        buf_free(&token);
    } else {
        st = put_whole(self, err);
    }
    self->failed |= st != ST_OK;
    self->finished = st == ST_OK;
    return st;
}

Status s3_close(S3File *self, Error *err) {
    Status st = self->failed || self->hold ? ST_OK : s3_sync(self, err);
    file_free(self);
    return st;
}

// ---- names -------------------------------------------------------------------------------------

// The entry that this thread is being shown by s3_list: who lists a directory looks at each entry
// next, and need not ask again.
static _Thread_local struct {
    const S3Place *place;  // of the directory; NULL: none
    const S3Entry *entry;
} shown;

static bool is_shown(const S3Place *place) {
    if (!shown.place || !str_eq(shown.place->bucket, place->bucket)) return false;
    Str directory = shown.place->key, name = shown.entry->name;
    uint32_t before = directory.len ? directory.len + 1 : 0;
    return place->key.len == before + name.len && str_starts(place->key, directory) &&
           str_ends(place->key, name) && (!before || place->key.ptr[before - 1] == '/');
}

static Status ask_page(Arena *arena, const S3Place *place, Str prefix, const char *keys_max,
                       S3Listing *out, Error *err) {
    Buf query = {0};
    if (out->next.len) {
        buf_puts(&query, "continuation-token=");
        percent_encode(out->next, "", &query);
        buf_putc(&query, '&');
    }
    buf_printf(&query, "delimiter=%%2F&encoding-type=url&list-type=2&max-keys=%s&prefix=",
               keys_max);
    percent_encode(prefix, "", &query);
    S3Request request = {.method = "GET", .place = {place->bucket, STR("")},
                         .query = buf_str(&query), .reads_xml = true};
    S3Reply reply;
    Status st = s3_request(&request, &reply, err);
    if (!st) st = s3_listing_read(arena, buf_str(&reply.body), prefix, out, err);
    if (st) error_while(err, "listing 's3://" STR_FMT "/" STR_FMT "'", STR_ARG(place->bucket),
                        STR_ARG(prefix));
    s3_reply_clear(&reply);
    buf_free(&query);
    return st;
}

static Str prefix_of(Arena *arena, const S3Place *place) {
    return place->key.len ? str_printf(arena, STR_FMT "/", STR_ARG(place->key)) : STR("");
}

static Status look(Arena *arena, Str path, OsStat *out, Error *err) {
    S3Place place;
    S3Reply reply;
    S3Listing below = {0};
    TRY(s3_place(arena, path, &place, err));
    if (is_shown(&place)) {
        *out = (OsStat){true, shown.entry->is_dir, shown.entry->size, shown.entry->modified_ms};
        return ST_OK;
    }
    if (place.key.len) {
        Status st = head(place, &reply, err);
        bool there = !st && reply.status != 404;
        if (there) *out = (OsStat){true, false, reply.size, reply.modified_ms};
        s3_reply_clear(&reply);
        if (st || there) return st;
    }
    TRY(ask_page(arena, &place, prefix_of(arena, &place), "1", &below, err));
    out->exists = out->is_dir = below.count > 0 || below.next.len > 0 || !place.key.len;
    return ST_OK;
}

Status s3_stat(Str path, OsStat *out, Error *err) {
    Arena arena = {0};
    *out = (OsStat){0};
    Status st = look(&arena, path, out, err);
    arena_clear(&arena);
    return st;
}

static int by_name(const void *a, const void *b) {
    return str_cmp(((const S3Entry *)a)->name, ((const S3Entry *)b)->name);
}

Status s3_list(Str path, OsVisit visit, void *arg, Error *err) {
    Arena arena = {0};
    S3Place place;
    S3Listing all = {0};
    Status st = s3_place(&arena, path, &place, err);
    Str prefix = st ? STR("") : prefix_of(&arena, &place);
    do {
        if (!st) st = ask_page(&arena, &place, prefix, "1000", &all, err);
    } while (!st && all.next.len);
    if (!st && all.count) qsort(all.entry, all.count, sizeof *all.entry, by_name);
    __typeof__(shown) before = shown;
    for (uint32_t i = 0; i < all.count && !st; i++) {
        shown.place = &place;
        shown.entry = &all.entry[i];
        st = visit(arg, all.entry[i].name, err);
    }
    shown = before;
    arena_clear(&arena);
    return st;
}

Status s3_remove(Str path, Error *err) {
    Arena arena = {0};
    S3Place place;
    Status st = s3_place(&arena, path, &place, err);
    if (!st && !place.key.len) {
        st = error_set(err, ST_UNSUPPORTED, "'" STR_FMT "' is a bucket: it stays", STR_ARG(path));
    }
    if (!st) {
        S3Reply reply;
        st = s3_request(&(S3Request){.method = "DELETE", .place = place}, &reply, err);
        s3_reply_clear(&reply);
    }
    arena_clear(&arena);
    return st;
}
