#include "connector/file/file_bytes.h"

#include <zlib.h>

enum { INPUT_BYTES = 128 * 1024 };  // of compressed data read at a time

struct FileBytes {
    OsFile *file;
    Str path;        // owned
    int64_t offset;  // in the file
    char *input;     // owned; NULL: not compressed
    z_stream inflate;
    bool ended;      // all members of the file are inflated
};

static bool is_compressed(Str path) {
    static const Str ENDINGS[] = {{".gz", 3}, {".gzip", 5}, {".deflate", 8}};
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++) {
        if (str_ends(path, ENDINGS[i])) return true;
    }
    return false;
}

static Status skip(FileBytes *self, int64_t bytes, Error *err) {
    char rest[16 * 1024];
    while (bytes > 0) {
        size_t got, size = bytes < (int64_t)sizeof rest ? (size_t)bytes : sizeof rest;
        TRY(file_bytes_read(self, rest, size, &got, err));
        if (got < size) {
            return error_set(err, ST_IO, "'" STR_FMT "' has become shorter", STR_ARG(self->path));
        }
        bytes -= (int64_t)got;
    }
    return ST_OK;
}

Status file_bytes_open(Str path, int64_t offset, FileBytes **out, Error *err) {
    FileBytes *self = NEW(FileBytes);
    char *copy = mem_alloc(path.len ? path.len : 1);
    memcpy(copy, path.ptr, path.len);
    self->path = (Str){copy, path.len};
    Status st = os()->open(path, OS_READ, &self->file, err);
    if (!st && is_compressed(path)) {
        enum { ANY_HEADER = MAX_WBITS + 32 };  // gzip or zlib, whichever stands there
        self->input = mem_alloc(INPUT_BYTES);
        if (inflateInit2(&self->inflate, ANY_HEADER) != Z_OK) {
            st = error_set(err, ST_IO, "zlib cannot be used: %s", zlibVersion());
        }
        if (!st) st = skip(self, offset, err);
    } else {
        self->offset = offset;
    }
    if (st) {
        file_bytes_close(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

// More compressed bytes for the inflater; none are left when avail_in stays 0.
static Status refill(FileBytes *self, Error *err) {
    size_t got;
    TRY(os()->read_at(self->file, self->offset, self->input, INPUT_BYTES, &got, err));
    self->offset += (int64_t)got;
    self->inflate.next_in = (Bytef *)self->input;
    self->inflate.avail_in = (uInt)got;
    return ST_OK;
}

static Status inflate_some(FileBytes *self, char *to, size_t size, size_t *got, Error *err) {
    z_stream *z = &self->inflate;
    *got = 0;
    while (*got < size && !self->ended) {
        if (!z->avail_in) TRY(refill(self, err));
        size_t room = size - *got < (1u << 30) ? size - *got : 1u << 30;
        z->next_out = (Bytef *)to + *got;
        z->avail_out = (uInt)room;
        bool more = z->avail_in > 0;
        int result = inflate(z, Z_NO_FLUSH);
        *got += room - z->avail_out;
        if (result == Z_STREAM_END) {
            // A file may be several members, one behind the other.
            if (!z->avail_in) TRY(refill(self, err));
            self->ended = !z->avail_in;
            if (!self->ended) (void)inflateReset(z);
        } else if (result != Z_OK || !more) {
            return error_set(err, ST_RUNTIME,
                             "'" STR_FMT "' is not compressed as its name says: %s",
                             STR_ARG(self->path),
                             !more    ? "it ends too early"
                             : z->msg ? z->msg
                                      : "damaged data");
        }
    }
    return ST_OK;
}

Status file_bytes_read(FileBytes *self, char *to, size_t size, size_t *got, Error *err) {
    if (self->input) return inflate_some(self, to, size, got, err);
    TRY(os()->read_at(self->file, self->offset, to, size, got, err));
    self->offset += (int64_t)*got;
    return ST_OK;
}

void file_bytes_close(FileBytes *self) {
    if (!self) return;
    if (self->input) (void)inflateEnd(&self->inflate);
    (void)os()->close(self->file, NULL);
    mem_free(self->input);
    mem_free((char *)(uintptr_t)self->path.ptr);
    mem_free(self);
}
