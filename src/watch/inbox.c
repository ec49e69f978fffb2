#include "watch/inbox.h"

#include "base/hash.h"

enum { FRAME_MAGIC = 0x77617463, FRAME_BYTES_MAX = 1 << 24 };  // "watc"

typedef struct FrameHead {
    uint32_t magic, size;
    uint64_t hash;
} FrameHead;

struct Inbox {
    OsMonitor monitor;  // of all below; told when something was committed
    OsMonitor writing;  // one commit at a time; taken first
    Str dir;            // owned
    uint32_t *file;     // numbers, oldest first
    uint32_t files;
    OsFile *last;       // the last of them
    int64_t written;    // bytes of it that are durable
    Buf pending;
    uint64_t points;
    int64_t committed, read;  // bytes, of all files
};

struct InboxReader {
    Inbox *inbox;
    OsFile *file;
    InboxPosition at;
    Buf bytes;
};

static Str path_of(const Inbox *self, Arena *arena, uint32_t file) {
    return str_printf(arena, STR_FMT "/%08u", STR_ARG(self->dir), file);
}

// A new last file. With both locks held, or before there are threads.
static Status file_begin(Inbox *self, Error *err) {
    Arena arena = {0};
    uint32_t number = self->files ? self->file[self->files - 1] + 1 : 1;
    OsFile *file = NULL;
    Status st = os()->open(path_of(self, &arena, number), OS_WRITE, &file, err);
    if (!st) st = os()->sync_dir(self->dir, err);
    if (!st) {
        (void)os()->close(self->last, NULL);  // it was synced
        self->last = file;
        self->written = 0;
        self->file = mem_realloc(self->file, (self->files + 1) * sizeof *self->file);
        self->file[self->files++] = number;
    }
    arena_clear(&arena);
    return st;
}

static Status take_file(void *arg, Str name, Error *err) {
    Inbox *self = arg;
    int64_t number;
    (void)err;
    if (!str_to_i64(name, &number) || number <= 0 || number >= UINT32_MAX) return ST_OK;
    self->file = mem_realloc(self->file, (self->files + 1) * sizeof *self->file);
    self->file[self->files++] = (uint32_t)number;
    return ST_OK;
}

Status inbox_open(Str dir, Inbox **out, Error *err) {
    Inbox *self = NEW(Inbox);
    Buf path = {0};
    os()->monitor_init(&self->monitor);
    os()->monitor_init(&self->writing);
    buf_printf(&path, STR_FMT "/inbox", STR_ARG(dir));
    self->dir = str_make(path.ptr, path.len);
    Status st = os()->make_dirs(self->dir, err);
    if (!st) st = os()->list(self->dir, take_file, self, err);
    if (!st) st = file_begin(self, err);
    if (st) {
        inbox_close(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void inbox_close(Inbox *self) {
    if (!self) return;
    (void)os()->close(self->last, NULL);
    buf_free(&self->pending);
    mem_free(self->file);
    mem_free((void *)(uintptr_t)self->dir.ptr);
    os()->monitor_clear(&self->writing);
    os()->monitor_clear(&self->monitor);
    mem_free(self);
}

void inbox_append(Inbox *self, const InboxPoint *point, uint32_t count) {
    os_lock(&self->monitor);
    buf_put(&self->pending, point, count * sizeof *point);
    os_unlock(&self->monitor);
}

// Frames of what is pending, each of a size that a reader takes.
static void frame_all(Str points, Buf *out) {
    const uint32_t most = FRAME_BYTES_MAX / sizeof(InboxPoint) * sizeof(InboxPoint);
    for (uint32_t from = 0; from < points.len; from += most) {
        Str part = str_sub(points, from, most);
        FrameHead head = {FRAME_MAGIC, part.len, hash_bytes(part.ptr, part.len, 0)};
        buf_put(out, &head, sizeof head);
        buf_put_str(out, part);
    }
}

Status inbox_commit(Inbox *self, Error *err) {
    Buf taken, frames = {0};
    Status st = ST_OK;
    os_lock(&self->writing);
    os_lock(&self->monitor);
    taken = self->pending;
    self->pending = (Buf){0};
    os_unlock(&self->monitor);
    if (!taken.len) goto done;  // somebody else has committed it
    frame_all(buf_str(&taken), &frames);
    st = os()->write(self->last, frames.ptr, frames.len, err);
    if (!st) st = os()->sync(self->last, err);
    os_lock(&self->monitor);
    if (!st) {
        self->written += (int64_t)frames.len;
        self->committed += (int64_t)frames.len;
        self->points += taken.len / sizeof(InboxPoint);
        if (self->written > INBOX_FILE_BYTES) (void)file_begin(self, NULL);  // else this one grows
        os_tell(&self->monitor);
    } else {
        // How much of it lies there nobody knows: readers stop before it, and so does this file.
        Status next = file_begin(self, NULL);
        if (next) error_while(err, "writing the inbox");
    }
    os_unlock(&self->monitor);

done:
    os_unlock(&self->writing);
    buf_free(&taken);
    buf_free(&frames);
    return st;
}

uint64_t inbox_points(Inbox *self) {
    os_lock(&self->monitor);
    uint64_t points = self->points;
    os_unlock(&self->monitor);
    return points;
}

int64_t inbox_backlog(Inbox *self) {
    os_lock(&self->monitor);
    int64_t bytes = self->committed - self->read;
    os_unlock(&self->monitor);
    return bytes > 0 ? bytes : 0;
}

Status inbox_forget(Inbox *self, InboxPosition position, Error *err) {
    Arena arena = {0};
    Status st = ST_OK;
    os_lock(&self->monitor);
    while (!st && self->files > 1 && self->file[0] < position.file) {
        st = os()->remove(path_of(self, &arena, self->file[0]), err);
        if (!st) memmove(self->file, self->file + 1, --self->files * sizeof *self->file);
    }
    os_unlock(&self->monitor);
    arena_clear(&arena);
    return st;
}

// ---- readers -----------------------------------------------------------------------------------

static Status reader_open_file(InboxReader *self, Error *err) {
    Arena arena = {0};
    Str path = path_of(self->inbox, &arena, self->at.file);
    (void)os()->close(self->file, NULL);
    self->file = NULL;
    Status st = os()->open(path, OS_READ, &self->file, err);
    arena_clear(&arena);
    return st;
}

Status inbox_reader_open(Inbox *inbox, InboxPosition from, InboxReader **out, Error *err) {
    os_lock(&inbox->monitor);
    uint32_t oldest = inbox->file[0];
    os_unlock(&inbox->monitor);
    if (from.file && from.file < oldest) {
        (void)error_set(err, ST_RUNTIME,
                        "the inbox '" STR_FMT "' begins with file %u, the checkpoint with %u",
                        STR_ARG(inbox->dir), oldest, from.file);
        error_hint(err, "the checkpoints and the inbox are not of one time; restore both");
        return ST_RUNTIME;
    }
    InboxReader *self = NEW(InboxReader);
    self->inbox = inbox;
    self->at = from.file ? from : (InboxPosition){oldest, 0};
    Status st = reader_open_file(self, err);
    if (st) {
        inbox_reader_close(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void inbox_reader_close(InboxReader *self) {
    if (!self) return;
    (void)os()->close(self->file, NULL);
    buf_free(&self->bytes);
    mem_free(self);
}

// Whether a whole frame stands at the reader's place, and its size.
static Status frame_at(InboxReader *self, FrameHead *head, bool *whole, Error *err) {
    size_t got = 0;
    TRY(os()->read_at(self->file, self->at.byte, head, sizeof *head, &got, err));
    *whole = got == sizeof *head && head->magic == FRAME_MAGIC && head->size <= FRAME_BYTES_MAX &&
             head->size % sizeof(InboxPoint) == 0;
    if (!*whole) return ST_OK;
    self->bytes.len = 0;
    (void)buf_reserve(&self->bytes, head->size + 1u);
    TRY(os()->read_at(self->file, self->at.byte + (int64_t)sizeof *head, self->bytes.ptr,
                      head->size, &got, err));
    *whole = got == head->size && hash_bytes(self->bytes.ptr, head->size, 0) == head->hash;
    return ST_OK;
}

// How far the reader may go in its file, and which file comes next (0: none).
static void bounds(const InboxReader *self, int64_t *end, uint32_t *next) {
    Inbox *inbox = self->inbox;
    os_lock(&inbox->monitor);
    uint32_t last = inbox->file[inbox->files - 1];
    *end = self->at.file == last ? inbox->written : INT64_MAX;
    *next = 0;
    for (uint32_t i = inbox->files; i > 0 && inbox->file[i - 1] > self->at.file; i--) {
        *next = inbox->file[i - 1];
    }
    os_unlock(&inbox->monitor);
}

Status inbox_read(InboxReader *self, const InboxPoint **point, uint32_t *count, Error *err) {
    *count = 0;
    for (;;) {
        int64_t end;
        uint32_t next;
        FrameHead head;
        bool whole = false;
        bounds(self, &end, &next);
        if (self->at.byte < end) TRY(frame_at(self, &head, &whole, err));
        if (whole) {
            int64_t size = (int64_t)sizeof head + head.size;
            self->at.byte += size;
            os_lock(&self->inbox->monitor);
            self->inbox->read += size;
            os_unlock(&self->inbox->monitor);
            *point = (const InboxPoint *)(const void *)self->bytes.ptr;
            *count = head.size / (uint32_t)sizeof(InboxPoint);
            return ST_OK;
        }
        if (!next) return ST_OK;
        self->at = (InboxPosition){next, 0};
        TRY(reader_open_file(self, err));
    }
}

InboxPosition inbox_position(const InboxReader *self) {
    return self->at;
}

void inbox_wait(InboxReader *self, int64_t ms) {
    Inbox *inbox = self->inbox;
    os_lock(&inbox->monitor);
    bool more = self->at.file != inbox->file[inbox->files - 1] || self->at.byte < inbox->written;
    if (!more) os_wait(&inbox->monitor, ms);
    os_unlock(&inbox->monitor);
}
