#include "os/draft.h"

#include "os/s3/s3.h"

struct Draft {
    Str hidden;         // owned
    OsFile *file;
    S3Upload *upload;   // in S3; else NULL
};

static void draft_free(Draft *self) {
    mem_free((char *)(uintptr_t)self->hidden.ptr);
    mem_free(self);
}

Status draft_open(Str path, Str hidden, Draft **out, Error *err) {
    Draft *self = NEW(Draft);
    self->hidden = (Str){str_own(hidden), hidden.len};
    Status st = s3_path(path) ? s3_upload_open(path, hidden, &self->upload, err)
                              : os()->open(hidden, OS_WRITE, &self->file, err);
    if (st) {
        draft_free(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

Status draft_write(Draft *self, const void *bytes, size_t size, Error *err) {
    return self->upload ? s3_upload_write(self->upload, bytes, size, err)
                        : os()->write(self->file, bytes, size, err);
}

Status draft_finish(Draft *self, Buf *token, Error *err) {
    Status st;
    if (self->upload) {
        st = s3_upload_finish(self->upload, token, err);
        s3_upload_free(self->upload);
    } else {
        st = os()->sync(self->file, err);
        Status closed = os()->close(self->file, st ? NULL : err);
        if (!st) st = closed;
        if (!st) buf_put_str(token, self->hidden);
    }
    draft_free(self);
    return st;
}

void draft_drop(Draft *self) {
    if (!self) return;
    s3_upload_free(self->upload);
    if (self->file) {
        (void)os()->close(self->file, NULL);
        (void)os()->remove(self->hidden, NULL);
    }
    draft_free(self);
}

Status draft_is_shown(Str path, Str token, bool *shown, Error *err) {
    if (s3_path(path)) return s3_upload_over(path, token, shown, err);
    OsStat stat;
    TRY(os()->stat(token, &stat, err));
    *shown = !stat.exists;
    return ST_OK;
}

Status draft_show(Str path, Str token, Error *err) {
    if (s3_path(path)) return s3_upload_complete(path, token, err);
    bool shown;
    uint32_t slash = path.len;
    while (slash && path.ptr[slash - 1] != '/') slash--;
    Str dir = slash > 1 ? str_sub(path, 0, slash - 1) : STR("/");
    TRY(draft_is_shown(path, token, &shown, err));
    if (!shown) TRY(os()->rename(token, path, err));
    // A name that it has already may not be durable: whoever gave it failed right there. Or others
    // have taken the directory away since.
    OsStat stat = {.exists = true};
    if (shown) TRY(os()->stat(dir, &stat, err));
    return stat.exists ? os()->sync_dir(dir, err) : ST_OK;
}

void draft_discard(Str path, Str token) {
    Status st = s3_path(path) ? s3_upload_abort(path, token, NULL) : os()->remove(token, NULL);
    (void)st;  // it is rubbish
}
