// Writing files, as Flink's file sink does: rows go to "in progress" files that nobody sees, one
// for each partition; a file that has been rolled is pending; a checkpoint's commit, or the end of
// the input, shows pending files under their names (os/draft.h: by renaming them, or by completing
// an upload). What was only in progress when the process died stays hidden, what was pending in a
// completed checkpoint is shown when that is restored.
#include <inttypes.h>
#include <stdio.h>

#include "connector/file/file_commit.h"
#include "os/draft.h"

enum {
    BUFFER_BYTES = 256 * 1024,   // written at once
    OPEN_FILES_MAX = 256,        // partitions written at the same time; the oldest is rolled beyond
    OPEN_UPLOADS_MAX = 32,       // the same in S3, where each may hold some MiB that are not sent
};

typedef struct Part {
    Str directory;    // of the partition
    Draft *draft;
    Str visible;
    Buf buffer;
    int64_t bytes, opened_ms, written_ms;
} Part;

typedef struct Pending {
    Str token;  // of the draft; on a disk its hidden name
    Str visible, directory;
    int64_t bytes;
    uint64_t checkpoint;  // whose commit makes it visible; 0: not yet part of one
} Pending;

typedef struct FileWriter {
    SinkWriter base;
    bool checkpoints;     // TaskEnv
    Arena arena;
    FileTable table;
    Encoder *encoder;
    Batch *view;          // the stored columns of the batch at hand
    uint32_t *stored;     // where they are in the rows
    uint32_t *partition;  // where the partition keys are
    Part *part;           // open ones, oldest first
    uint32_t part_count;
    Pending *pending;
    uint32_t pending_count, pending_cap;
    uint64_t id;          // of this writer, in names
    uint32_t task, counter;
    int64_t roll_bytes, roll_ms, idle_ms, check_ms;
    bool compacts;           // auto-compaction
    int64_t compact_bytes;   // what it aims at
    FileCommitter *committer;  // of the partitions; NULL: nothing is done for them
    bool overwrite;
    Map overwritten;      // directories that have been emptied
    Buf path;
} FileWriter;

static Str part_directory(FileWriter *self, const Batch *batch, uint32_t row) {
    const TableDesc *desc = self->table.desc;
    Buf *path = &self->path, value = {0};
    path->len = 0;
    buf_put_str(path, self->table.path);
    for (uint32_t i = 0; i < desc->partition_key_count; i++) {
        const Vec *vec = batch->column[self->partition[i]];
        value.len = 0;
        if (!vec_is_null(vec, row)) partition_print(vec, row, &value);
        buf_putc(path, '/');
        partition_escape(desc->partition_key[i], path);
        buf_putc(path, '=');
        partition_escape(value.len ? buf_str(&value) : self->table.default_partition, path);
    }
    buf_free(&value);
    return buf_str(path);
}

// Parts ------------------------------------------------------------------------------------------

static Status part_drain(Part *part, Error *err) {
    if (!part->buffer.len) return ST_OK;
    TRY(draft_write(part->draft, part->buffer.ptr, part->buffer.len, err));
    part->buffer.len = 0;
    return ST_OK;
}

static Status part_open(FileWriter *self, Str directory, Part **out, Error *err) {
    TRY(os()->make_dirs(directory, err));
    Part part = {.directory = str_dup(&self->arena, directory)};
    uint32_t number = self->counter++;
    part.visible = str_printf(&self->arena, STR_FMT "/part-%016" PRIx64 "-%" PRIu32 "-%" PRIu32,
                              STR_ARG(directory), self->id, self->task, number);
    Str hidden = str_printf(&self->arena, STR_FMT "/.part-%016" PRIx64 "-%" PRIu32 "-%" PRIu32
                            ".inprogress", STR_ARG(directory), self->id, self->task, number);
    TRY(draft_open(part.visible, hidden, &part.draft, err));
    part.opened_ms = part.written_ms = os_now_ms();
    if (self->committer) committer_wrote(self->committer, directory);
    self->part = mem_realloc(self->part, (self->part_count + 1) * sizeof *self->part);
    self->part[self->part_count] = part;
    *out = &self->part[self->part_count++];
    return ST_OK;
}

static void add_pending(FileWriter *self, Pending pending) {
    if (self->pending_count == self->pending_cap) {
        self->pending_cap = self->pending_cap ? self->pending_cap * 2 : 16;
        self->pending = mem_realloc(self->pending, self->pending_cap * sizeof *self->pending);
    }
    self->pending[self->pending_count++] = pending;
}

static void forget_part(FileWriter *self, uint32_t index) {
    buf_free(&self->part[index].buffer);
    self->part_count--;
    memmove(&self->part[index], &self->part[index + 1],
            (self->part_count - index) * sizeof *self->part);
}

// Closes the file; it waits for its commit.
static Status part_roll(FileWriter *self, uint32_t index, Error *err) {
    Part *part = &self->part[index];
    TRY(part_drain(part, err));
    Draft *draft = part->draft;
    Buf token = {0};
    part->draft = NULL;
    Status st = draft_finish(draft, &token, err);
    if (!st) {
        add_pending(self, (Pending){.token = str_dup(&self->arena, buf_str(&token)),
                                    .visible = part->visible, .directory = part->directory,
                                    .bytes = part->bytes});
        forget_part(self, index);
    }
    buf_free(&token);
    return st;
}

static Status roll_all(FileWriter *self, Error *err) {
    while (self->part_count) TRY(part_roll(self, self->part_count - 1, err));
    return ST_OK;
}

static Status part_for(FileWriter *self, Str directory, Part **out, Error *err) {
    for (uint32_t i = self->part_count; i > 0; i--) {
        if (!str_eq(self->part[i - 1].directory, directory)) continue;
        *out = &self->part[i - 1];
        return ST_OK;
    }
    uint32_t most = os_is_object(directory) ? OPEN_UPLOADS_MAX : OPEN_FILES_MAX;
    if (self->part_count == most) TRY(part_roll(self, 0, err));
    return part_open(self, directory, out, err);
}

static Status roll_if_due(FileWriter *self, uint32_t index, int64_t now, Error *err) {
    const Part *part = &self->part[index];
    bool due = part->bytes >= self->roll_bytes || now - part->opened_ms >= self->roll_ms ||
               now - part->written_ms >= self->idle_ms;
    return due ? part_roll(self, index, err) : ST_OK;
}

// Rows -------------------------------------------------------------------------------------------

static Status write_row(FileWriter *self, Part *part, uint32_t row, Error *err) {
    size_t before = part->buffer.len;
    TRY(self->encoder->vt->row(self->encoder, self->view, row, &part->buffer, err));
    buf_puts(&part->buffer, self->table.format->separator);
    part->bytes += (int64_t)(part->buffer.len - before);
    if (part->buffer.len >= BUFFER_BYTES) return part_drain(part, err);
    return ST_OK;
}

static bool same_partition(const FileWriter *self, const Batch *batch, uint32_t a, uint32_t b) {
    for (uint32_t i = 0; i < self->table.desc->partition_key_count; i++) {
        const Vec *vec = batch->column[self->partition[i]];
        if (!vec_key_equal(vec, a, vec, b)) return false;
    }
    return true;
}

static Status file_write(SinkWriter *base, const Batch *batch, Error *err) {
    FileWriter *self = (FileWriter *)base;
    for (uint32_t i = 0; i < self->view->schema->child_count; i++) {
        self->view->column[i] = batch->column[self->stored[i]];
    }
    self->view->rows = batch->rows;
    self->view->kinds = batch->kinds;
    int64_t now = os_now_ms();
    Part *part = NULL;
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (!part || !same_partition(self, batch, row, row - 1)) {
            TRY(part_for(self, part_directory(self, batch, row), &part, err));
            part->written_ms = now;
        }
        TRY(write_row(self, part, row, err));
        if (part->bytes < self->roll_bytes) continue;
        TRY(part_roll(self, (uint32_t)(part - self->part), err));
        part = NULL;
    }
    for (uint32_t i = self->part_count; i > 0; i--) TRY(roll_if_due(self, i - 1, now, err));
    return ST_OK;
}

// Commits ----------------------------------------------------------------------------------------

static Status remove_visible(void *arg, Str name, Error *err) {
    const Str *directory = arg;
    if (name.len && name.ptr[0] == '.') return ST_OK;  // in progress, maybe of another writer
    char path[4096];
    int len = snprintf(path, sizeof path, STR_FMT "/" STR_FMT, STR_ARG(*directory), STR_ARG(name));
    if (len < 0 || (size_t)len >= sizeof path) return error_set(err, ST_IO, "a path is too long");
    Str full = str_make(path, (size_t)len);
    OsStat stat;
    TRY(os()->stat(full, &stat, err));
    return stat.is_dir ? ST_OK : os()->remove(full, err);
}

// INSERT OVERWRITE takes the old files of a directory away just before its first new one appears.
static Status empty_directory(FileWriter *self, Str directory, Error *err) {
    if (!self->overwrite || map_has(&self->overwritten, directory)) return ST_OK;
    (void)map_put(&self->overwritten, directory, self);
    return os()->list(directory, remove_visible, &directory, err);
}

static Status commit_one(FileWriter *self, const Pending *pending, Error *err) {
    bool shown = false;
    if (self->overwrite) TRY(draft_is_shown(pending->visible, pending->token, &shown, err));
    if (shown) {  // before the last failure: then the directory was emptied, too
        (void)map_put(&self->overwritten, pending->directory, self);
    } else {
        TRY(empty_directory(self, pending->directory, err));
    }
    return draft_show(pending->visible, pending->token, err);
}

// Makes the pending files of checkpoints up to [checkpoint] visible.
static Status commit_until(FileWriter *self, uint64_t checkpoint, Error *err) {
    uint32_t kept = 0;
    Status st = ST_OK;
    for (uint32_t i = 0; i < self->pending_count; i++) {
        const Pending *pending = &self->pending[i];
        bool due = !st && pending->checkpoint && pending->checkpoint <= checkpoint;
        if (due) st = commit_one(self, pending, err);
        if (!due || st) self->pending[kept++] = *pending;
    }
    self->pending_count = kept;
    if (!st && self->committer) {
        st = committer_arrived(self->committer, self->task, checkpoint, err);
    }
    return st;
}

// Compaction -------------------------------------------------------------------------------------

// Files of a disk alone: what is not shown yet can be read there, by its hidden name. Appends the
// bytes of [path] to [out].
static Status append_file(OsFile *out, Str path, Error *err) {
    OsFile *in;
    TRY(os()->open(path, OS_READ, &in, err));
    char *bytes = mem_alloc(BUFFER_BYTES);
    Status st = ST_OK;
    size_t got = BUFFER_BYTES;
    for (int64_t at = 0; !st && got == BUFFER_BYTES; at += (int64_t)got) {
        st = os()->read_at(in, at, bytes, BUFFER_BYTES, &got, err);
        if (!st) st = os()->write(out, bytes, got, err);
    }
    mem_free(bytes);
    (void)os()->close(in, NULL);
    return st;
}

// Joins the pending files [index], count of them, into the first, which is called compacted then.
static Status join_files(FileWriter *self, const uint32_t *index, uint32_t count, Error *err) {
    Pending *first = &self->pending[index[0]];
    Str name = str_sub(first->visible, first->directory.len + 1, first->visible.len);
    first->visible = str_printf(&self->arena, STR_FMT "/compacted-" STR_FMT,
                                STR_ARG(first->directory), STR_ARG(name));
    if (count == 1) return ST_OK;
    Str joined = str_printf(&self->arena, STR_FMT "/.compacted-" STR_FMT ".inprogress",
                            STR_ARG(first->directory), STR_ARG(name));
    OsFile *out;
    TRY(os()->open(joined, OS_WRITE, &out, err));
    Status st = ST_OK;
    int64_t bytes = 0;
    for (uint32_t i = 0; !st && i < count; i++) {
        bytes += self->pending[index[i]].bytes;
        st = append_file(out, self->pending[index[i]].token, err);
    }
    if (!st) st = os()->sync(out, err);
    Status closed = os()->close(out, st ? NULL : err);
    if (st || closed) return st ? st : closed;
    for (uint32_t i = 0; i < count; i++) {
        Pending *pending = &self->pending[index[i]];
        TRY(os()->remove(pending->token, err));
        if (i) pending->directory = (Str){NULL, 0};  // gone
    }
    first->token = joined;
    first->bytes = bytes;
    return ST_OK;
}

// Before a checkpoint's files are named in it the small ones of each directory are joined: no
// record of a job ever knows the parts, so there is nothing to undo after a failure.
static Status compact(FileWriter *self, Error *err) {
    if (!self->compacts) return ST_OK;
    uint32_t *index = NEW_ARRAY(uint32_t, self->pending_count + 1);
    bool *done = NEW_ARRAY(bool, self->pending_count + 1);
    Status st = ST_OK;
    for (uint32_t i = 0; !st && i < self->pending_count; i++) {
        if (done[i] || self->pending[i].checkpoint) continue;
        uint32_t count = 0;
        int64_t bytes = 0;
        for (uint32_t k = i; k < self->pending_count && bytes < self->compact_bytes; k++) {
            const Pending *pending = &self->pending[k];
            if (done[k] || pending->checkpoint ||
                !str_eq(pending->directory, self->pending[i].directory)) {
                continue;
            }
            done[k] = true;
            bytes += pending->bytes;
            index[count++] = k;
        }
        st = join_files(self, index, count, err);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < self->pending_count; i++) {
        if (self->pending[i].directory.ptr) self->pending[kept++] = self->pending[i];
    }
    self->pending_count = kept;
    mem_free(index);
    mem_free(done);
    return st;
}

static Status file_flush(SinkWriter *base, bool end_of_input, Error *err) {
    FileWriter *self = (FileWriter *)base;
    // With checkpoints the job's last one commits: what the end committed by itself would be
    // written again if the process died in between.
    if (!end_of_input || self->checkpoints) {
        int64_t now = os_now_ms();
        for (uint32_t i = self->part_count; i > 0; i--) {
            TRY(part_drain(&self->part[i - 1], err));
            TRY(roll_if_due(self, i - 1, now, err));
        }
        return ST_OK;
    }
    TRY(roll_all(self, err));
    TRY(compact(self, err));
    for (uint32_t i = 0; i < self->pending_count; i++) {
        if (!self->pending[i].checkpoint) self->pending[i].checkpoint = UINT64_MAX;
    }
    return commit_until(self, UINT64_MAX, err);
}

static void put_text(Buf *out, Str text) {
    buf_put(out, &text.len, sizeof text.len);
    buf_put_str(out, text);
}

static void put_u32(Buf *out, uint32_t value) {
    buf_put(out, &value, sizeof value);
}

// A checkpoint is durable, and so must be the names of the files that it names.
static Status sync_directories(FileWriter *self, Error *err) {
    Map done = {0};
    Status st = ST_OK;
    for (uint32_t i = 0; !st && i < self->pending_count; i++) {
        const Pending *pending = &self->pending[i];
        if (pending->checkpoint || map_has(&done, pending->directory)) continue;
        (void)map_put(&done, pending->directory, self);
        st = os()->sync_dir(pending->directory, err);
    }
    map_clear(&done);
    return st;
}

// Everything written so far belongs to the checkpoint: text formats roll on every one, as Flink's
// bulk writers do, so that no file has to be cut back after a failure.
static Status file_prepare(SinkWriter *base, uint64_t checkpoint, Buf *committable, Error *err) {
    FileWriter *self = (FileWriter *)base;
    TRY(roll_all(self, err));
    TRY(compact(self, err));
    TRY(sync_directories(self, err));
    put_u32(committable, self->pending_count);
    for (uint32_t i = 0; i < self->pending_count; i++) {
        Pending *pending = &self->pending[i];
        if (!pending->checkpoint) pending->checkpoint = checkpoint;
        put_text(committable, pending->token);
        put_text(committable, pending->visible);
        put_text(committable, pending->directory);
    }
    if (self->committer && self->task == 0) committer_save(self->committer, committable);
    return ST_OK;
}

static Status file_commit(SinkWriter *base, uint64_t checkpoint, Error *err) {
    return commit_until((FileWriter *)base, checkpoint, err);
}

static bool take_text(FileWriter *self, Str *in, Str *out) {
    uint32_t len;
    if (in->len < sizeof len) return false;
    memcpy(&len, in->ptr, sizeof len);
    *in = str_sub(*in, sizeof len, in->len);
    if (in->len < len) return false;
    *out = str_dup(&self->arena, str_sub(*in, 0, len));
    *in = str_sub(*in, len, in->len);
    return true;
}

static Status file_restore(SinkWriter *base, Str committable, Error *err) {
    FileWriter *self = (FileWriter *)base;
    uint32_t count;
    if (committable.len < sizeof count) return ST_OK;
    memcpy(&count, committable.ptr, sizeof count);
    committable = str_sub(committable, sizeof count, committable.len);
    for (; count; count--) {
        Pending pending = {.checkpoint = 1};
        if (!take_text(self, &committable, &pending.token) ||
            !take_text(self, &committable, &pending.visible) ||
            !take_text(self, &committable, &pending.directory)) {
            return error_set(err, ST_RUNTIME, "the snapshot of a filesystem sink is damaged");
        }
        TRY(commit_one(self, &pending, err));
    }
    if (committable.len && self->committer && !committer_load(self->committer, committable)) {
        return error_set(err, ST_RUNTIME, "the snapshot of a filesystem sink is damaged");
    }
    return ST_OK;
}

// When the next open file is old enough to be closed, as seen every check-interval.
static int64_t file_due_ms(SinkWriter *base) {
    const FileWriter *self = (const FileWriter *)base;
    int64_t due = INT64_MAX;
    for (uint32_t i = 0; i < self->part_count; i++) {
        const Part *part = &self->part[i];
        int64_t old = part->opened_ms + self->roll_ms, idle = part->written_ms + self->idle_ms;
        if (old < due) due = old;
        if (idle < due) due = idle;
    }
    if (due == INT64_MAX || self->check_ms < 1) return due;
    return (due + self->check_ms - 1) / self->check_ms * self->check_ms;
}

static void file_watermark(SinkWriter *base, int64_t ms) {
    FileWriter *self = (FileWriter *)base;
    if (self->committer) committer_watermark(self->committer, self->task, ms);
}

static void file_close(SinkWriter *base) {
    FileWriter *self = (FileWriter *)base;
    // What no checkpoint knows of is rubbish; what one knows of is its business.
    while (self->part_count) {
        Part *part = &self->part[self->part_count - 1];
        draft_drop(part->draft);
        forget_part(self, self->part_count - 1);
    }
    for (uint32_t i = 0; i < self->pending_count; i++) {
        const Pending *pending = &self->pending[i];
        if (!pending->checkpoint) draft_discard(pending->visible, pending->token);
    }
    committer_close(self->committer);
    if (self->encoder) self->encoder->vt->close(self->encoder);
    batch_unref(self->view);
    mem_free(self->part);
    mem_free(self->pending);
    map_clear(&self->overwritten);
    buf_free(&self->path);
    arena_clear(&self->arena);
    mem_free(self);
}

static const SinkVt FILE_SINK = {
    .write = file_write,
    .flush = file_flush,
    .due_ms = file_due_ms,
    .watermark = file_watermark,
    .prepare = file_prepare,
    .commit = file_commit,
    .restore = file_restore,
    .close = file_close,
};

static void plan_columns(FileWriter *self, const Type *schema) {
    const TableDesc *desc = self->table.desc;
    self->stored = ARENA_ARRAY(&self->arena, uint32_t, schema->child_count);
    self->partition = ARENA_ARRAY(&self->arena, uint32_t, desc->partition_key_count);
    uint32_t stored = 0;
    for (uint32_t i = 0; i < schema->child_count; i++) {
        int32_t key = partition_index(desc, schema->field[i]);
        if (key >= 0) {
            self->partition[key] = i;
        } else {
            self->stored[stored++] = i;
        }
    }
    self->view = batch_new(self->table.stored);
}

Status file_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out, Error *err) {
    FileWriter *self = NEW(FileWriter);
    self->checkpoints = env->checkpoints;
    arena_init(&self->arena);
    self->base.vt = &FILE_SINK;
    self->id = os()->random();
    self->task = env->index;
    self->overwrite = spec->overwrite;
    Status st = file_table(spec->table, &self->table, &self->arena, err);
    if (st) goto done;
    const Options *options = &self->table.options;
    self->roll_bytes = options_int(options, "sink.rolling-policy.file-size");
    self->roll_ms = options_int(options, "sink.rolling-policy.rollover-interval");
    self->idle_ms = options_int(options, "sink.rolling-policy.inactivity-interval");
    self->check_ms = options_int(options, "sink.rolling-policy.check-interval");
    self->compacts = options_bool(options, "auto-compaction");
    self->compact_bytes = options_has(options, "compaction.file-size")
                              ? options_int(options, "compaction.file-size")
                              : self->roll_bytes;
    plan_columns(self, spec->schema);
    EncodeSpec encode = {.schema = self->table.stored, .options = self->table.format_options,
                         .zone = env->zone};
    st = self->table.format->encoder_new(&encode, &self->encoder, err);
    if (!st) st = committer_open(spec, &self->table, env, &self->committer, err);
    if (!st) st = os()->make_dirs(self->table.path, err);

done:
    if (st) {
        file_close(&self->base);
        return st;
    }
    *out = &self->base;
    return ST_OK;
}
