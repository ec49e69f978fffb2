#include "exec/spill.h"

#include <inttypes.h>

#include "spi/option.h"

// A directory of 'io.tmp.dirs': a list, separated by commas, by bars, or, as in a PATH, by colons.
static Str scratch_dir(const OpEnv *env, uint64_t choice) {
    const char *list = config_get(env->config, "io.tmp.dirs");
    if (!list || !*list) return STR("/tmp");
    uint32_t count = 1;
    for (const char *at = list; *at; at++) count += strchr(",|:", *at) != NULL;
    uint64_t skip = choice % count;
    const char *from = list;
    for (; skip; from++) skip -= strchr(",|:", *from) != NULL;
    return str_trim(str_make(from, strcspn(from, ",|:")));
}

static Status scratch_open(const OpEnv *env, OsFile **out, Error *err) {
    uint64_t name = os()->random();
    Str dir = scratch_dir(env, name);
    Buf path = {0};
    buf_printf(&path, STR_FMT "/weir-%016" PRIx64 ".spill", STR_ARG(dir), name);
    OsFile *file = NULL;
    Status st = os()->open(buf_str(&path), OS_SCRATCH, &file, err);
    if (!st) st = os()->remove(buf_str(&path), err);  // open files live on without a name
    if (st) {
        error_hint(err, "'io.tmp.dirs' says where: name a directory that can be written to");
        (void)os()->close(file, NULL);
    } else {
        *out = file;
    }
    buf_free(&path);
    return st;
}

static Status write_out(SpillFile *self, Error *err) {
    Status st = os()->write(self->file, self->out.ptr, self->out.len, err);
    if (st) {
        error_hint(err, "what did not fit into memory goes there: --memory gives more of it, "
                        "'io.tmp.dirs' names other directories");
    }
    self->out.len = 0;
    return st;
}

Status spill_put(SpillFile *self, const OpEnv *env, Str record, Error *err) {
    if (!self->file) TRY(scratch_open(env, &self->file, err));
    uint32_t size = (uint32_t)record.len;
    buf_put(&self->out, &size, sizeof size);
    buf_put_str(&self->out, record);
    self->size += (int64_t)sizeof size + size;
    self->rows++;
    return self->out.len >= SPILL_BUFFER ? write_out(self, err) : ST_OK;
}

Status spill_seal(SpillFile *self, Error *err) {
    Status st = self->out.len ? write_out(self, err) : ST_OK;
    buf_free(&self->out);
    self->out = (Buf){0};
    return st;
}

void spill_close(SpillFile *self) {
    (void)os()->close(self->file, NULL);
    buf_free(&self->out);
    *self = (SpillFile){0};
}

// ---- reading -----------------------------------------------------------------------------------

void spill_read(SpillReader *self, const SpillFile *file, int64_t from, int64_t end) {
    self->file = file;
    self->next = from;
    self->end = end;
    self->bytes.len = 0;
    self->at = 0;
}

// Has [size] bytes from [at] on in the buffer.
static Status have(SpillReader *self, size_t size, Error *err) {
    size_t rest = self->bytes.len - self->at;
    if (rest >= size) return ST_OK;
    if (rest) memmove(self->bytes.ptr, self->bytes.ptr + self->at, rest);
    self->bytes.len = rest;
    self->at = 0;
    size_t want = size > SPILL_BUFFER ? size : SPILL_BUFFER;
    if ((int64_t)(want - rest) > self->end - self->next) {
        want = rest + (size_t)(self->end - self->next);
    }
    char *to = buf_reserve(&self->bytes, want - rest);
    size_t got;
    TRY(os()->read_at(self->file->file, self->next, to, want - rest, &got, err));
    self->bytes.len += got;
    self->next += (int64_t)got;
    if (self->bytes.len >= size) return ST_OK;
    return error_set(err, ST_IO, "a file of rows put aside is shorter than it was written");
}

Status spill_next(SpillReader *self, Str *record, Error *err) {
    *record = (Str){0};
    if (self->at == self->bytes.len && self->next == self->end) return ST_OK;
    uint32_t size;
    TRY(have(self, sizeof size, err));
    memcpy(&size, self->bytes.ptr + self->at, sizeof size);
    TRY(have(self, sizeof size + size, err));
    *record = str_make(self->bytes.ptr + self->at + sizeof size, size);
    self->at += sizeof size + size;
    return ST_OK;
}

void spill_read_end(SpillReader *self) {
    buf_free(&self->bytes);
    *self = (SpillReader){0};
}

int64_t spill_share(const OpEnv *env) {
    enum { SHARE_LEAST = 1024 * 1024 };  // less would make more files than it saves memory
    int64_t limit = 0, given;
    const char *set = config_get(env->config, "weir.spill-share");
    if (set && option_read_size(str_c(set), &given)) return given;
    for (const Budget *at = env->budget; at; at = at->parent) {
        if (at->bytes_max && (!limit || at->bytes_max < limit)) limit = at->bytes_max;
    }
    if (!limit) return INT64_MAX;
    // A quarter stays for what cannot be put aside: buffers, Top-N, the rows in flight.
    uint32_t sharers = env->spillers ? env->spillers : 1;
    int64_t share = limit / 4 * 3 / ((int64_t)sharers * env->count);
    return share > SHARE_LEAST ? share : SHARE_LEAST;
}
