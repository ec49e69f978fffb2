#include "ckpt/frames.h"

#include "base/hash.h"

// As they lie in the file, little endian.
typedef struct FileHead {
    char magic[8];
    uint32_t version;
    uint32_t worker, workers, unused;
    uint64_t checkpoint;
    uint64_t hash;  // of all before it
} FileHead;

typedef struct Frame {
    uint32_t kind, unused;
    uint64_t size;
    uint64_t hash;  // of the payload, seeded by kind, size and the frame's place in the file
} Frame;

static const char MAGIC[8] = {'w', 'e', 'i', 'r', 's', 't', 'a', 't'};
enum { FRAMES_VERSION = 2 };
static const uint64_t PART_SIZE_MAX = (uint64_t)1 << 32;

static uint64_t frame_hash(const Frame *frame, const void *bytes, uint64_t at) {
    return hash_bytes(bytes, frame->size, hash_mix(hash_mix(frame->kind, frame->size), at));
}

// ---- writing -----------------------------------------------------------------------------------

void frames_begin(FrameWriter *writer, const FrameHead *head) {
    *writer = (FrameWriter){0};
    FileHead file = {.version = FRAMES_VERSION, .worker = head->worker, .workers = head->workers,
                     .checkpoint = head->checkpoint};
    memcpy(file.magic, MAGIC, sizeof MAGIC);
    file.hash = hash_bytes(&file, offsetof(FileHead, hash), 0);
    writer->digest = file.hash;
    buf_put(&writer->bytes, &file, sizeof file);
}

void frames_begin_loose(FrameWriter *writer) {
    *writer = (FrameWriter){.loose = true};
}

// Gives the frame at [at] its hash; returns its end.
static size_t seal(FrameWriter *writer, size_t at) {
    Frame frame;
    char *payload = writer->bytes.ptr + at + sizeof frame;
    memcpy(&frame, payload - sizeof frame, sizeof frame);
    frame.hash = frame_hash(&frame, payload, writer->written + at);
    memcpy(payload - sizeof frame, &frame, sizeof frame);
    writer->digest = hash_mix(writer->digest, frame.hash);
    writer->frames++;
    return at + sizeof frame + frame.size;
}

void frames_join(FrameWriter *writer, Buf *loose) {
    size_t at = writer->bytes.len;
    if (at) {
        buf_put(&writer->bytes, loose->ptr, loose->len);
    } else {
        Buf empty = writer->bytes;
        writer->bytes = *loose;
        *loose = empty;
    }
    while (at < writer->bytes.len) at = seal(writer, at);
}

static void frame_begin(FrameWriter *writer, PartKind kind) {
    writer->open_at = writer->bytes.len;
    buf_put(&writer->bytes, &(Frame){.kind = kind}, sizeof(Frame));
}

static void frame_end(FrameWriter *writer) {
    char *frame = writer->bytes.ptr + writer->open_at;
    uint64_t size = writer->bytes.len - writer->open_at - sizeof(Frame);
    memcpy(frame + offsetof(Frame, size), &size, sizeof size);
    if (writer->loose) {
        writer->frames++;
    } else {
        (void)seal(writer, writer->open_at);
    }
}

// Two pieces that lie together in the frame.
static void put_pieces(FrameWriter *writer, PartKind kind, Str head, Str bytes) {
    frame_begin(writer, kind);
    buf_put_str(&writer->bytes, head);
    buf_put_str(&writer->bytes, bytes);
    frame_end(writer);
}

void frames_put(FrameWriter *writer, PartKind kind, Str bytes) {
    put_pieces(writer, kind, (Str){0}, bytes);
}

void frames_put_rows(FrameWriter *writer, PartKind kind, uint32_t table, Str bytes) {
    put_pieces(writer, kind, str_make((const char *)&table, sizeof table), bytes);
}

Buf *frames_rows_begin(FrameWriter *writer, uint32_t table) {
    frame_begin(writer, PART_ROWS);
    buf_put(&writer->bytes, &table, sizeof table);
    return &writer->bytes;
}

void frames_rows_end(FrameWriter *writer) {
    if (writer->bytes.len > writer->open_at + sizeof(Frame) + sizeof(uint32_t)) {
        frame_end(writer);
    } else {
        writer->bytes.len = writer->open_at;
    }
}

static void put_text(Buf *out, Str text) {
    buf_put(out, &text.len, sizeof text.len);
    buf_put_str(out, text);
}

void frames_put_table(FrameWriter *writer, const FrameTable *table) {
    Buf bytes = {0};
    buf_put(&bytes, &table->operator_id, sizeof table->operator_id);
    buf_put(&bytes, &table->version, sizeof table->version);
    put_text(&bytes, table->name);
    put_text(&bytes, table->key);
    put_text(&bytes, table->value);
    frames_put(writer, PART_TABLE, buf_str(&bytes));
    buf_free(&bytes);
}

void frames_put_named(FrameWriter *writer, PartKind kind, const FrameName *name, Str bytes) {
    Buf all = {0};
    buf_put(&all, &name->operator_id, sizeof name->operator_id);
    buf_put(&all, &name->ordinal, sizeof name->ordinal);
    put_text(&all, name->name);
    buf_put_str(&all, bytes);
    frames_put(writer, kind, buf_str(&all));
    buf_free(&all);
}

void frames_end(FrameWriter *writer) {
    uint64_t count = writer->frames;
    frames_put(writer, PART_END, str_make((const char *)&count, sizeof count));
}

Buf frames_take(FrameWriter *writer) {
    Buf taken = writer->bytes;
    writer->written += taken.len;
    writer->bytes = (Buf){0};
    return taken;
}

void frames_drop(FrameWriter *writer) {
    writer->written += writer->bytes.len;
    writer->bytes.len = 0;
}

// ---- reading -----------------------------------------------------------------------------------

struct FrameReader {
    OsFile *file;
    Buf path;
    int64_t at, size;
    Buf bytes;
    uint64_t frames;
    uint64_t digest;
};

static Status damaged(const FrameReader *self, int64_t at, const char *what, Error *err) {
    (void)error_set(err, ST_RUNTIME, "the snapshot file '" STR_FMT "' is damaged at byte %lld: %s",
                    STR_ARG(buf_str(&self->path)), (long long)at, what);
    error_hint(err, "restore from an older checkpoint or savepoint");
    return ST_RUNTIME;
}

static Status read_all(FrameReader *self, int64_t at, void *bytes, size_t size, Error *err) {
    if (self->size - at < (int64_t)size) return damaged(self, at, "it is cut short", err);
    for (size_t done = 0; done < size;) {
        size_t got;
        TRY(os()->read_at(self->file, at + (int64_t)done, (char *)bytes + done, size - done, &got,
                          err));
        if (!got) return damaged(self, at + (int64_t)done, "it is cut short", err);
        done += got;
    }
    return ST_OK;
}

static Status read_head(FrameReader *self, FrameHead *head, Error *err) {
    FileHead file;
    OsStat stat;
    TRY(os()->stat(buf_str(&self->path), &stat, err));
    self->size = stat.size;
    TRY(read_all(self, 0, &file, sizeof file, err));
    if (memcmp(file.magic, MAGIC, sizeof MAGIC) != 0) {
        return damaged(self, 0, "it is no snapshot of weir", err);
    }
    if (file.hash != hash_bytes(&file, offsetof(FileHead, hash), 0)) {
        return damaged(self, 0, "its head does not have the hash that it should have", err);
    }
    if (file.version != FRAMES_VERSION) {
        return error_set(err, ST_UNSUPPORTED,
                         "the snapshot file '" STR_FMT "' has format %u; this program reads %d",
                         STR_ARG(buf_str(&self->path)), file.version, FRAMES_VERSION);
    }
    *head = (FrameHead){file.checkpoint, file.worker, file.workers};
    self->at = sizeof file;
    self->digest = file.hash;
    return ST_OK;
}

Status frames_open(Str path, FrameReader **out, FrameHead *head, Error *err) {
    FrameReader *self = NEW(FrameReader);
    buf_put_str(&self->path, path);
    Status st = os()->open(path, OS_READ, &self->file, err);
    if (!st) st = read_head(self, head, err);
    if (st) {
        frames_close(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

Status frames_next(FrameReader *self, PartKind *kind, Str *bytes, Error *err) {
    Frame frame;
    TRY(read_all(self, self->at, &frame, sizeof frame, err));
    int64_t at = self->at;
    if (frame.size > PART_SIZE_MAX || (int64_t)frame.size > self->size - at) {
        return damaged(self, at, "a frame is longer than the file", err);
    }
    self->bytes.len = 0;
    (void)buf_reserve(&self->bytes, frame.size + 1);
    TRY(read_all(self, at + (int64_t)sizeof frame, self->bytes.ptr, frame.size, err));
    self->bytes.len = frame.size;
    if (frame.unused || frame.hash != frame_hash(&frame, self->bytes.ptr, (uint64_t)at)) {
        return damaged(self, at, "a frame does not have the hash that it should have", err);
    }
    if (frame.kind < PART_TABLE || frame.kind > PART_MORE) {
        return damaged(self, at, "a frame is of no known kind", err);
    }
    self->at += (int64_t)(sizeof frame + frame.size);
    self->digest = hash_mix(self->digest, frame.hash);
    *kind = (PartKind)frame.kind;
    *bytes = buf_str(&self->bytes);
    if (*kind != PART_END) {
        self->frames++;
        return ST_OK;
    }
    if (frame.size != sizeof self->frames || memcmp(bytes->ptr, &self->frames, frame.size) != 0 ||
        self->at != self->size) {
        return damaged(self, at, "its end is not where it should be", err);
    }
    return ST_OK;
}

uint64_t frames_digest(const FrameReader *self) {
    return self->digest;
}

void frames_close(FrameReader *self) {
    if (!self) return;
    Error ignored;
    if (self->file && os()->close(self->file, &ignored)) {
        // It was only read.
    }
    buf_free(&self->path);
    buf_free(&self->bytes);
    mem_free(self);
}

static bool get_bytes(Str *from, void *out, uint32_t size) {
    if (from->len < size) return false;
    memcpy(out, from->ptr, size);
    *from = str_make(from->ptr + size, from->len - size);
    return true;
}

static bool get_text(Str *from, Str *out) {
    uint32_t size;
    if (!get_bytes(from, &size, sizeof size) || from->len < size) return false;
    *out = str_make(from->ptr, size);
    *from = str_make(from->ptr + size, from->len - size);
    return true;
}

static const char CUT_SHORT[] = "a frame of a snapshot is cut short";

Status frame_table(Str bytes, FrameTable *out, Error *err) {
    if (get_bytes(&bytes, &out->operator_id, sizeof out->operator_id) &&
        get_bytes(&bytes, &out->version, sizeof out->version) && get_text(&bytes, &out->name) &&
        get_text(&bytes, &out->key) && get_text(&bytes, &out->value)) {
        return ST_OK;
    }
    return error_set(err, ST_RUNTIME, "%s", CUT_SHORT);
}

Status frame_rows(Str bytes, uint32_t *table, Str *rest, Error *err) {
    if (!get_bytes(&bytes, table, sizeof *table)) {
        return error_set(err, ST_RUNTIME, "%s", CUT_SHORT);
    }
    *rest = bytes;
    return ST_OK;
}

Status frame_name(Str bytes, FrameName *out, Str *rest, Error *err) {
    if (get_bytes(&bytes, &out->operator_id, sizeof out->operator_id) &&
        get_bytes(&bytes, &out->ordinal, sizeof out->ordinal) && get_text(&bytes, &out->name)) {
        *rest = bytes;
        return ST_OK;
    }
    return error_set(err, ST_RUNTIME, "%s", CUT_SHORT);
}
