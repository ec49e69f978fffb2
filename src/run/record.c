// A recording is a row of frames, each with the hash of its bytes; the first one holds the type of
// the rows. A frame cut short, as a crash leaves it, ends the recording.
#include "run/record.h"

#include "base/hash.h"
#include "col/codec.h"

typedef enum FrameKind {
    FRAME_TYPE = 1,
    FRAME_BATCH,
    FRAME_SPLIT_START,
    FRAME_SPLIT_END,
} FrameKind;

typedef struct Frame {  // as it lies in the file, the payload behind it
    uint32_t kind, split, rows, has_kinds;
    uint64_t size, hash;
} Frame;

enum { FRAME_BYTES_MAX = 1 << 30 };

static Str file_name(Arena *arena, const char *dir, uint32_t job, const Plan *scan,
                     uint32_t worker) {
    return str_printf(arena, "%s/%u-%016llx-%u.rec", dir, job, (unsigned long long)scan->stable_id,
                      worker);
}

// ---- Recording ---------------------------------------------------------------------------------

struct Recorder {
    OsFile *file;
    Buf bytes;
};

static Status put_frame(Recorder *self, Frame frame, Error *err) {
    frame.size = self->bytes.len;
    frame.hash = hash_bytes(self->bytes.ptr, self->bytes.len, 0);
    TRY(os()->write(self->file, &frame, sizeof frame, err));
    return self->bytes.len ? os()->write(self->file, self->bytes.ptr, self->bytes.len, err) : ST_OK;
}

Status recorder_open(const char *dir, uint32_t job, const Plan *scan, uint32_t worker,
                     Recorder **out, Error *err) {
    Arena arena;
    arena_init(&arena);
    Recorder *self = NEW(Recorder);
    Status st = os()->make_dirs(str_c(dir), err);
    if (!st) st = os()->open(file_name(&arena, dir, job, scan, worker), OS_WRITE, &self->file, err);
    if (!st) {
        type_print(scan->type, &self->bytes);
        st = put_frame(self, (Frame){.kind = FRAME_TYPE}, err);
    }
    arena_clear(&arena);
    if (st) {
        recorder_close(self);
        error_while(err, "recording into %s", dir);
        return st;
    }
    *out = self;
    return ST_OK;
}

Status recorder_batch(Recorder *self, uint32_t split, const Batch *batch, Error *err) {
    self->bytes.len = 0;
    if (batch->kinds) buf_put(&self->bytes, batch->kinds, batch->rows);
    for (uint32_t i = 0; i < batch->schema->child_count; i++) {
        for (uint32_t row = 0; row < batch->rows; row++) {
            codec_put(batch->column[i], row, &self->bytes);
        }
    }
    Frame frame = {FRAME_BATCH, split, batch->rows, batch->kinds != NULL, 0, 0};
    return put_frame(self, frame, err);
}

Status recorder_split(Recorder *self, uint32_t split, bool ended, Error *err) {
    self->bytes.len = 0;
    return put_frame(self, (Frame){.kind = ended ? FRAME_SPLIT_END : FRAME_SPLIT_START,
                                   .split = split}, err);
}

void recorder_close(Recorder *self) {
    if (!self) return;
    Error ignored;
    if (self->file && os()->close(self->file, &ignored)) {
        // All frames are written already; there is nothing left to lose.
    }
    buf_free(&self->bytes);
    mem_free(self);
}

// ---- Replay ------------------------------------------------------------------------------------

typedef struct Replay {
    SourceReader base;
    OsFile *file;
    const Type *type;
    int64_t at;
    Buf bytes;
    bool stopping;
} Replay;

// The next frame, its payload in self->bytes; kind 0 at the end of the file.
static Status next_frame(Replay *self, Frame *frame, Error *err) {
    size_t got;
    TRY(os()->read_at(self->file, self->at, frame, sizeof *frame, &got, err));
    if (got < sizeof *frame) {
        *frame = (Frame){0};
        return ST_OK;
    }
    if (frame->size > FRAME_BYTES_MAX || frame->rows > BATCH_ROWS_MAX) {
        return error_set(err, ST_RUNTIME, "the recording is damaged at byte %lld",
                         (long long)self->at);
    }
    self->bytes.len = 0;
    (void)buf_reserve(&self->bytes, frame->size + 1);
    size_t len = 0;
    do {
        TRY(os()->read_at(self->file, self->at + (int64_t)(sizeof *frame + len),
                          self->bytes.ptr + len, frame->size - len, &got, err));
        len += got;
    } while (got && len < frame->size);
    self->bytes.len = len;
    if (len < frame->size) {
        *frame = (Frame){0};
    } else if (hash_bytes(self->bytes.ptr, len, 0) != frame->hash) {
        return error_set(err, ST_RUNTIME, "the recording is damaged at byte %lld",
                         (long long)self->at);
    }
    self->at += (int64_t)(sizeof *frame + len);
    return ST_OK;
}

static Batch *batch_of(const Replay *self, const Frame *frame) {
    Batch *batch = batch_new_columns(self->type, frame->rows);
    const char *at = self->bytes.ptr;
    if (frame->has_kinds) {
        memcpy(batch_need_kinds(batch), at, frame->rows);
        at += frame->rows;
    }
    for (uint32_t i = 0; i < self->type->child_count; i++) {
        for (uint32_t row = 0; row < frame->rows; row++) {
            at = codec_get(at, batch->column[i], row);
        }
    }
    return batch_seal(batch);
}

static Status replay_poll(SourceReader *base, SourceOutput *out, ReadState *state, Error *err) {
    Replay *self = (Replay *)base;
    Frame frame = {0};
    *state = READ_END;
    if (self->stopping) return ST_OK;
    TRY(next_frame(self, &frame, err));
    if (frame.kind) *state = READ_MORE;
    switch (frame.kind) {
        case FRAME_BATCH: return out->batch(out, frame.split, batch_of(self, &frame), err);
        case FRAME_SPLIT_START: return out->split_start(out, frame.split, err);
        case FRAME_SPLIT_END: return out->split_end(out, frame.split, err);
        default: return ST_OK;
    }
}

static void replay_stop(SourceReader *base) {
    ((Replay *)base)->stopping = true;
}

static void replay_close(SourceReader *base) {
    Replay *self = (Replay *)base;
    Error ignored;
    if (self->file && os()->close(self->file, &ignored)) {
        // It was only read.
    }
    buf_free(&self->bytes);
    mem_free(self);
}

static bool replay_is_empty(SourceReader *base) {
    Replay *self = (Replay *)base;
    Frame frame;
    size_t got = 0;
    Error ignored;  // a poll will meet it again
    return !os()->read_at(self->file, self->at, &frame, sizeof frame, &got, &ignored) &&
           got < sizeof frame;
}

static const SourceVt REPLAY = {
    .poll = replay_poll,
    .is_empty = replay_is_empty,
    .stop = replay_stop,
    .close = replay_close,
};

Status replay_open(const char *dir, uint32_t job, const Plan *scan, uint32_t worker,
                   SourceReader **out, Error *err) {
    Arena arena;
    arena_init(&arena);
    Replay *self = NEW(Replay);
    self->base.vt = &REPLAY;
    self->type = scan->type;
    Frame frame = {0};
    Status st = os()->open(file_name(&arena, dir, job, scan, worker), OS_READ, &self->file, err);
    if (!st) st = next_frame(self, &frame, err);
    if (!st) {
        Buf type = {0};
        type_print(scan->type, &type);
        if (frame.kind != FRAME_TYPE || !str_eq(buf_str(&type), buf_str(&self->bytes))) {
            st = error_set(err, ST_VALIDATION, "the recording holds rows of other columns");
        }
        buf_free(&type);
    }
    arena_clear(&arena);
    if (!st) {
        *out = &self->base;
        return ST_OK;
    }
    replay_close(&self->base);
    error_while(err, "replaying from %s", dir);
    return st;
}
