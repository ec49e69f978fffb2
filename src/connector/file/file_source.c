// Reading files: each reader takes every count-th file of the list and reads its files one after
// the other, a block at a time. Records that a block cuts are carried to the front of the next one.
// Batches point into the blocks and keep them alive.
#include "base/hash.h"
#include "base/json.h"
#include "connector/file/file_bytes.h"
#include "connector/file/file_int.h"

enum {
    BLOCK_BYTES = 512 * 1024,  // small enough for the second-level cache, read ahead by the kernel
    RECORD_BYTES_MAX = 1 << 30,  // a longer "record" is no text file
    // One batch takes rows of so many blocks at most, and keeps them. Few rows pass a filter: else
    // they would keep the whole file, and nobody else would come to work meanwhile.
    BATCH_BLOCKS_MAX = 16,
    SNAPSHOT_VERSION = 1,
};

// A column that is the same for all rows of a file.
typedef struct ConstantColumn {
    bool is_constant;
    int32_t source;     // otherwise: the decoder's column
    int32_t partition;  // index of the partition key, or -1
    Str metadata;       // else the key of the metadata
} ConstantColumn;

typedef struct FileReader {
    SourceReader base;
    Arena arena;
    FileTable table;
    const Type *produced;
    ConstantColumn *column;  // of [produced]; NULL: the decoder's batches are handed on as they are
    Pattern *pattern;
    Decoder *decoder;
    Budget *budget;
    uint32_t index, count;  // of this reader among all
    int64_t rows_left;      // -1: no limit
    int64_t monitor_ms;     // 0: bounded
    int64_t next_scan_ms;
    bool stopping;

    FileList files;       // of this reader
    Map known;            // paths seen before, when monitoring
    uint32_t file_at;     // the one being read
    FileBytes *file;      // NULL: not open
    int64_t file_offset;  // of the first byte behind the block
    bool restored;        // the files are those of a snapshot
    Str *taken;           // of the snapshot restored last: the files; ptr NULL: another reader's
    uint64_t taken_count;
    bool at_end;          // the block has the file's last bytes
    Bytes *block;
    size_t block_at;      // the first byte that is not decoded
} FileReader;

static bool is_mine(const FileReader *self, Str path, uint32_t place) {
    // While new files turn up the readers' lists may differ: only the name decides.
    uint64_t chosen = self->monitor_ms ? hash_bytes(path.ptr, path.len, 0) : place;
    return chosen % self->count == self->index;
}

static void list_insert(FileList *list, uint32_t at, FileEntry entry) {
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->entry = mem_realloc(list->entry, list->cap * sizeof *list->entry);
    }
    memmove(list->entry + at + 1, list->entry + at, (list->count - at) * sizeof *list->entry);
    list->entry[at] = entry;
    list->count++;
}

static Status scan_files(FileReader *self, Error *err) {
    FileList all = {0};
    TRY(file_list(&self->table, self->pattern, &self->arena, &all, err));
    for (uint32_t i = 0; i < all.count; i++) {
        Str path = all.entry[i].path;
        if (!is_mine(self, path, i)) continue;
        if (self->monitor_ms) {
            if (map_has(&self->known, path)) continue;
            (void)map_put(&self->known, path, self);
        }
        list_insert(&self->files, self->files.count, all.entry[i]);
    }
    file_list_clear(&all);
    return ST_OK;
}

// Blocks -----------------------------------------------------------------------------------------

// Reads the next block, what is left of the old one in front.
static Status next_block(FileReader *self, Error *err) {
    size_t rest = self->block ? self->block->len - self->block_at : 0;
    if (rest > RECORD_BYTES_MAX) {
        return error_set(err, ST_RUNTIME, "a record longer than %d bytes", RECORD_BYTES_MAX);
    }
    Bytes *block;
    TRY(bytes_new(rest * 2 > BLOCK_BYTES ? rest * 2 : BLOCK_BYTES, self->budget, &block, err));
    if (rest) memcpy(block->ptr, self->block->ptr + self->block_at, rest);
    size_t got;
    Status st = file_bytes_read(self->file, block->ptr + rest, block->cap - rest, &got, err);
    if (st) {
        bytes_unref(block);
        return st;
    }
    block->len = rest + got;
    self->file_offset += (int64_t)got;
    self->at_end = block->len < block->cap;
    bytes_unref(self->block);
    self->block = block;
    self->block_at = 0;
    return ST_OK;
}

static Status open_file(FileReader *self, Error *err) {
    Str path = self->files.entry[self->file_at].path;
    int64_t start = self->files.entry[self->file_at].start;
    TRY(file_bytes_open(path, start, &self->file, err));
    self->file_offset = start;
    self->decoder->begins = start == 0;
    self->at_end = false;
    self->block = bytes_unref(self->block);
    self->block_at = 0;
    return ST_OK;
}

static void close_file(FileReader *self) {
    file_bytes_close(self->file);
    self->file = NULL;
    self->block = bytes_unref(self->block);
    self->file_at++;
}

// The number of line feeds in front of [offset]; only to tell where an error is.
static uint32_t lines_before(Str path, int64_t offset) {
    char bytes[4096];
    FileBytes *file;
    uint32_t lines = 0;
    if (file_bytes_open(path, 0, &file, NULL)) return 0;
    for (size_t got = sizeof bytes; offset > 0 && got == sizeof bytes; offset -= (int64_t)got) {
        if (file_bytes_read(file, bytes, sizeof bytes, &got, NULL)) break;
        size_t count = offset < (int64_t)got ? (size_t)offset : got;
        for (size_t i = 0; i < count; i++) lines += bytes[i] == '\n';
    }
    file_bytes_close(file);
    return lines;
}

static void place_error(FileReader *self, Error *err) {
    if (!err) return;
    Str path = self->files.entry[self->file_at].path;
    int64_t offset = self->file_offset - (int64_t)(self->block->len - self->block_at);
    if (err->place.line) err->place.line += lines_before(path, offset);
    uint32_t len = path.len < ERROR_SOURCE_MAX ? path.len : ERROR_SOURCE_MAX - 1;
    memcpy(err->source, path.ptr, len);
    err->source[len] = 0;
}

static uint32_t rows_decoded(const FileReader *self) {
    return self->decoder->batch ? self->decoder->batch->rows : 0;
}

// Decodes until a batch is full, has rows of many blocks, or the file ends.
static Status fill_batch(FileReader *self, bool *file_ended, Error *err) {
    Decoder *decoder = self->decoder;
    *file_ended = false;
    for (uint32_t blocks = 0;; blocks++) {
        uint32_t before = rows_decoded(self);
        size_t used = 0, left = self->block ? self->block->len - self->block_at : 0;
        if (left || self->at_end) {
            Status st = decoder->vt->stream(decoder, self->block->ptr + self->block_at, left,
                                            self->at_end, &used, err);
            if (st) {
                place_error(self, err);
                return st;
            }
            if (rows_decoded(self) > before) batch_keep_bytes(decoder->batch, self->block);
            self->block_at += used;
            if (decoder_full(decoder)) return ST_OK;
            if (self->at_end) {
                *file_ended = true;
                return ST_OK;
            }
            if (blocks >= BATCH_BLOCKS_MAX) return ST_OK;
        }
        TRY(next_block(self, err));
    }
}

// Columns ----------------------------------------------------------------------------------------

static Status set_constant(FileReader *self, const ConstantColumn *column, Vec *vec, Error *err) {
    const FileEntry *file = &self->files.entry[self->file_at];
    if (column->partition >= 0) {
        Str value = file->partition[column->partition];
        if (value.ptr) return partition_read(vec, 0, value, err);
        vec_set_null(vec, 0);
    } else if (str_is(column->metadata, "file.path")) {
        vec_set_text(vec, 0, file->path);
    } else if (str_is(column->metadata, "file.name")) {
        uint32_t from = file->path.len;
        while (from > 0 && file->path.ptr[from - 1] != '/') from--;
        vec_set_text(vec, 0, str_sub(file->path, from, file->path.len));
    } else if (str_is(column->metadata, "file.size")) {
        vec_i64(vec)[0] = file->size;
    } else {
        vec_i64(vec)[0] = file->modified_ms;
    }
    return ST_OK;
}

// Puts the constant columns beside the decoded ones.
static Status add_constants(FileReader *self, Batch *decoded, Batch **out, Error *err) {
    Batch *batch = batch_new(self->produced);
    batch->rows = decoded->rows;
    batch_keep(batch, decoded);
    if (decoded->kinds) memcpy(batch_need_kinds(batch), decoded->kinds, decoded->rows);
    Status st = ST_OK;
    for (uint32_t i = 0; !st && i < self->produced->child_count; i++) {
        const ConstantColumn *column = &self->column[i];
        if (!column->is_constant) {
            batch->column[i] = decoded->column[column->source];
            continue;
        }
        Vec *one = vec_new(&batch->arena, self->produced->child[i], 1);
        st = set_constant(self, column, one, err);
        if (!st) batch->column[i] = vec_repeat(&batch->arena, one, 0, decoded->rows);
    }
    batch_unref(decoded);
    if (st) {
        batch_unref(batch);
        return st;
    }
    *out = batch_seal(batch);
    return ST_OK;
}

static Status hand_out(FileReader *self, SourceOutput *out, Error *err) {
    Batch *batch = decoder_take(self->decoder);
    if (!batch) return ST_OK;
    if (self->column) TRY(add_constants(self, batch, &batch, err));
    if (self->rows_left >= 0) {
        if (batch->rows > self->rows_left) {
            Batch *part = batch_slice(batch, 0, (uint32_t)self->rows_left);
            batch_unref(batch);
            batch = part;
        }
        self->rows_left -= batch->rows;
    }
    return out->batch(out, self->file_at, batch, err);
}

// The face ---------------------------------------------------------------------------------------

static Status file_poll(SourceReader *base, SourceOutput *out, ReadState *state, Error *err) {
    FileReader *self = (FileReader *)base;
    *state = READ_MORE;
    if (self->stopping || self->rows_left == 0) {
        *state = READ_END;
        return ST_OK;
    }
    if (!self->file && self->file_at == self->files.count) {
        if (!self->monitor_ms) {
            *state = READ_END;
            return ST_OK;
        }
        *state = READ_IDLE;
        if (os_now_ms() < self->next_scan_ms) return ST_OK;
        self->next_scan_ms = os_now_ms() + self->monitor_ms;
        TRY(scan_files(self, err));
        if (self->file_at < self->files.count) *state = READ_MORE;
        return ST_OK;
    }
    if (!self->file) {
        TRY(open_file(self, err));
        if (out->split_start) TRY(out->split_start(out, self->file_at, err));
    }
    bool file_ended;
    TRY(fill_batch(self, &file_ended, err));
    TRY(hand_out(self, out, err));
    if (file_ended) {
        TRY(out->split_end(out, self->file_at, err));
        close_file(self);
    }
    return ST_OK;
}

static void file_wait(SourceReader *base, int64_t timeout_ms) {
    FileReader *self = (FileReader *)base;
    int64_t left = self->next_scan_ms - os_now_ms();
    if (left > 0) os()->sleep_ms(left < timeout_ms ? left : timeout_ms);
}

static void file_stop(SourceReader *base) {
    ((FileReader *)base)->stopping = true;
}

static void put_u64(Buf *out, uint64_t value) {
    for (int i = 0; i < 8; i++) buf_putc(out, (char)(value >> i * 8));
}

static bool take_u64(Str *in, uint64_t *value) {
    if (in->len < 8) return false;
    *value = 0;
    for (int i = 0; i < 8; i++) *value |= (uint64_t)(unsigned char)in->ptr[i] << i * 8;
    *in = str_sub(*in, 8, in->len);
    return true;
}

// Version, readers, rows left, then each file: where to go on in it (-1: it is done), its path.
static Status file_snapshot(SourceReader *base, Buf *out, Error *err) {
    (void)err;
    FileReader *self = (FileReader *)base;
    put_u64(out, SNAPSHOT_VERSION);
    put_u64(out, self->count);
    put_u64(out, (uint64_t)self->rows_left);
    put_u64(out, self->files.count);
    for (uint32_t i = 0; i < self->files.count; i++) {
        int64_t offset = i < self->file_at ? -1 : self->files.entry[i].start;
        if (i == self->file_at && self->file) {
            int64_t ahead = self->block ? (int64_t)(self->block->len - self->block_at) : 0;
            offset = self->file_offset - ahead;
        }
        put_u64(out, (uint64_t)offset);
        put_u64(out, self->files.entry[i].path.len);
        buf_put_str(out, self->files.entry[i].path);
    }
    return ST_OK;
}

static Status bad_snapshot(Error *err) {
    return error_set(err, ST_RUNTIME, "the snapshot of a filesystem source is damaged");
}

static int64_t file_takes(SourceReader *base, uint32_t split) {
    const FileReader *self = (FileReader *)base;
    if (split >= self->taken_count || !self->taken[split].ptr) return -1;
    for (uint32_t i = 0; i < self->files.count; i++) {
        if (str_eq(self->files.entry[i].path, self->taken[split])) return i;
    }
    return split;  // it is gone: what was read of it is there
}

// One file of a snapshot, back to where it was. Done ones are
// kept too, at the front: a monitored directory knows them again.
static Status restore_file(FileReader *self, const Map *places, Str path, int64_t offset,
                           Error *err) {
    const FileEntry *found = map_get(places, path);
    if (!found && offset > 0) {
        return error_set(err, ST_IO, "a file that was being read is gone: " STR_FMT, STR_ARG(path));
    }
    FileEntry entry = found ? *found : (FileEntry){.path = str_dup(&self->arena, path)};
    entry.start = offset;
    if (offset < 0) {
        list_insert(&self->files, self->file_at++, entry);
    } else if (found) {
        list_insert(&self->files, self->files.count, entry);
    }
    if (self->monitor_ms) (void)map_put(&self->known, path, self);
    return ST_OK;
}

static Status restore_files(FileReader *self, Str bytes, const Map *places, Error *err) {
    uint64_t version, readers, rows, count;
    if (!take_u64(&bytes, &version) || version != SNAPSHOT_VERSION ||
        !take_u64(&bytes, &readers) || !take_u64(&bytes, &rows) || !take_u64(&bytes, &count)) {
        return bad_snapshot(err);
    }
    if (!self->restored) {
        self->files.count = 0;
        map_clear(&self->known);  // files that came since the snapshot are yet to be found
        self->rows_left = (int64_t)rows;
        self->restored = true;
    }
    if (count > bytes.len / 16) return bad_snapshot(err);
    self->taken = ARENA_ARRAY(&self->arena, Str, count + 1);
    self->taken_count = count;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t offset, len;
        if (!take_u64(&bytes, &offset) || !take_u64(&bytes, &len) || len > bytes.len) {
            return bad_snapshot(err);
        }
        Str path = str_sub(bytes, 0, (uint32_t)len);
        bytes = str_sub(bytes, (uint32_t)len, bytes.len);
        bool mine = readers == self->count ||
                    hash_bytes(path.ptr, path.len, 0) % self->count == self->index;
        self->taken[i] = mine ? str_dup(&self->arena, path) : (Str){0};
        if (mine) TRY(restore_file(self, places, path, (int64_t)offset, err));
    }
    return ST_OK;
}

// The files of the snapshot come back as they were, but for those that are gone. With another
// number of readers their names decide whose they are.
static Status file_restore(SourceReader *base, Str bytes, Error *err) {
    FileReader *self = (FileReader *)base;
    FileList now = {0};
    TRY(file_list(&self->table, self->pattern, &self->arena, &now, err));
    Map places = {0};
    for (uint32_t i = 0; i < now.count; i++) {
        (void)map_put(&places, now.entry[i].path, &now.entry[i]);
    }
    Status st = restore_files(self, bytes, &places, err);
    map_clear(&places);
    file_list_clear(&now);
    return st;
}

static void file_close(SourceReader *base) {
    FileReader *self = (FileReader *)base;
    if (self->decoder) self->decoder->vt->close(self->decoder);
    file_bytes_close(self->file);
    bytes_unref(self->block);
    file_list_clear(&self->files);
    map_clear(&self->known);
    pattern_free(self->pattern);
    arena_clear(&self->arena);
    mem_free(self);
}

static void file_tell(SourceReader *base, Buf *out) {
    const FileReader *self = (const FileReader *)base;
    for (uint32_t i = 0; i < self->files.count && i < self->file_at; i++) {
        const FileEntry *entry = &self->files.entry[i];
        buf_puts(out, i ? ",{\"split\":" : "{\"split\":");
        json_print_text(entry->path, 0, out);
        buf_printf(out, ",\"from\":%lld,\"to\":%lld}", (long long)entry->start,
                   (long long)entry->size);
    }
}

static bool file_is_empty(SourceReader *base) {
    return ((FileReader *)base)->files.count == 0;
}

static const SourceVt FILE_SOURCE = {
    .poll = file_poll,
    .is_empty = file_is_empty,
    .wait = file_wait,
    .stop = file_stop,
    .snapshot = file_snapshot,
    .restore = file_restore,
    .takes = file_takes,
    .tell = file_tell,
    .close = file_close,
};

// Which columns the decoder gives and which the file as a whole: [wanted] for the decoder, and
// self->column unless it gives all.
static const Type *plan_columns(FileReader *self, const ScanSpec *spec) {
    const Type *produced = spec->produced;
    uint32_t physical = spec->wanted->child_count, stored = 0;
    const Type **child = ARENA_ARRAY(&self->arena, const Type *, physical);
    Str *field = ARENA_ARRAY(&self->arena, Str, physical);
    ConstantColumn *column = ARENA_ARRAY(&self->arena, ConstantColumn, produced->child_count);
    for (uint32_t i = 0; i < produced->child_count; i++) {
        bool metadata = i >= physical;
        int32_t partition = metadata ? -1 : partition_index(spec->table, spec->wanted->field[i]);
        column[i].partition = partition;
        column[i].is_constant = metadata || partition >= 0;
        if (metadata) column[i].metadata = spec->metadata[i - physical].key;
        if (column[i].is_constant) continue;
        column[i].source = (int32_t)stored;
        child[stored] = spec->wanted->child[i];
        field[stored++] = spec->wanted->field[i];
    }
    if (stored == produced->child_count) return produced;
    self->column = column;
    return type_row(&self->arena, stored, child, field, spec->wanted->nullable);
}

// The terms over columns of the files are the decoder's. (Those over partition keys have been
// heeded before: ScanSpec.left_out.)
static void plan_filter(FileReader *self, const ScanSpec *spec, DecodeSpec *decode) {
    FilterTerm *decoded = ARENA_ARRAY(&self->arena, FilterTerm, spec->early_count + 1);
    decode->filter = decoded;
    for (uint32_t i = 0; i < spec->early_count; i++) {
        FilterTerm term = spec->early[i];
        const ConstantColumn *column = self->column ? &self->column[term.column] : NULL;
        if (column && column->is_constant) continue;
        if (column) term.column = (uint32_t)column->source;
        decoded[decode->filter_count++] = term;
    }
}

Status file_source_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out, Error *err) {
    FileReader *self = NEW(FileReader);
    arena_init(&self->arena);
    self->base.vt = &FILE_SOURCE;
    self->produced = spec->produced;
    self->budget = env->budget;
    self->index = env->index;
    self->count = env->count ? env->count : 1;
    self->rows_left = spec->limit;
    Status st = file_table(spec->table, &self->table, &self->arena, err);
    self->table.left_out = spec->left_out;
    self->table.left_out_count = spec->left_out_count;
    const char *regex = st ? NULL : options_get(&self->table.options, "source.path.regex-pattern");
    if (regex && pattern_new(str_c(regex), "source.path.regex-pattern", &self->pattern, err)) {
        st = ST_RUNTIME;  // Flink finds out when it looks for files
        if (err) err->status = st;
    }
    if (st) goto done;
    // The interval may not be given, and then its definition has no default either.
    if (options_has(&self->table.options, "source.monitor-interval")) {
        self->monitor_ms = options_int(&self->table.options, "source.monitor-interval");
        if (self->monitor_ms < 1) self->monitor_ms = 1;
    }
    DecodeSpec decode = {
        .full = self->table.stored,
        .wanted = plan_columns(self, spec),
        .options = self->table.format_options,
        .zone = env->zone,
    };
    plan_filter(self, spec, &decode);
    st = self->table.format->decoder_new(&decode, &self->decoder, err);
    if (st) goto done;
    st = scan_files(self, err);
    self->next_scan_ms = os_now_ms() + self->monitor_ms;

done:
    if (st) {
        file_close(&self->base);
        return st;
    }
    *out = &self->base;
    return ST_OK;
}
