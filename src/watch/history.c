#include "watch/history.h"

#include <math.h>

#include "base/hash.h"
#include "watch/history_code.h"
#include "watch/history_int.h"

enum {
    JOURNAL_BYTES = 32 << 20,    // and twice what the heads take, before it is begun anew
    SEGMENT_BYTES = 64 << 20,
    BUFFER_BYTES = 1 << 20,      // of points, before they are written without being asked
};

Str history_path(const History *self, Arena *arena, const char *kind, uint32_t number) {
    return str_printf(arena, STR_FMT "/%s-%08u", STR_ARG(self->dir), kind, number);
}

static int64_t place_of(int64_t ts_ms, int64_t step_ms) {
    int64_t place = ts_ms / step_ms;
    return ts_ms % step_ms < 0 ? place - 1 : place;
}

Line *history_line(History *self, int64_t key) {
    return map_get(&self->lines, str_make((const char *)&key, sizeof key));
}

static Line *add_line(History *self, int64_t key) {
    Str name = str_make((const char *)&key, sizeof key);
    Line *line = map_get(&self->lines, name);
    if (line) return line;
    line = NEW(Line);
    line->key = key;
    line->first_ms = INT64_MAX;
    line->last_ms = INT64_MIN;
    (void)map_put(&self->lines, name, line);
    return line;
}

// ---- files -------------------------------------------------------------------------------------

static void put_frame(Buf *out, uint32_t kind, Str bytes) {
    FrameHead head = {kind, bytes.len, hash_bytes(bytes.ptr, bytes.len, kind)};
    buf_put(out, &head, sizeof head);
    buf_put_str(out, bytes);
}

static Status read_all(OsFile *file, int64_t at, void *bytes, size_t size, bool *whole,
                       Error *err) {
    size_t got = 0;
    TRY(os()->read_at(file, at, bytes, size, &got, err));
    *whole = got == size;
    return ST_OK;
}

// Calls [take] for every frame from the beginning to the first that is torn; *end is where that is.
typedef Status (*TakeFrame)(History *self, uint32_t kind, Str bytes, int64_t at, Error *err);

static Status walk(History *self, OsFile *file, TakeFrame take, int64_t *end, Error *err) {
    Buf bytes = {0};
    Status st = ST_OK;
    for (*end = 0;;) {
        FrameHead head;
        bool whole = false;
        st = read_all(file, *end, &head, sizeof head, &whole, err);
        bool known =
            whole && (head.kind == HISTORY_FRAME_POINTS || head.kind == HISTORY_FRAME_BLOCK);
        if (st || !known || head.size > HISTORY_FRAME_MAX) break;
        bytes.len = 0;
        (void)buf_reserve(&bytes, head.size);
        st = read_all(file, *end + (int64_t)sizeof head, bytes.ptr, head.size, &whole, err);
        if (st || !whole || hash_bytes(bytes.ptr, head.size, head.kind) != head.hash) break;
        st = take(self, head.kind, str_make(bytes.ptr, head.size), *end, err);
        if (st) break;
        *end += (int64_t)sizeof head + head.size;
    }
    buf_free(&bytes);
    return st;
}

// ---- blocks ------------------------------------------------------------------------------------

static void add_segment(History *self, uint32_t number, OsFile *file) {
    self->segment = mem_realloc(self->segment, (self->segments + 1) * sizeof *self->segment);
    SegmentFile *in = NEW(SegmentFile);
    *in = (SegmentFile){.file = file};
    self->segment[self->segments++] = (Segment){.number = number, .in = in};
}

void segment_file_leave(SegmentFile *in) {
    if (in->users) in->users--;
    if (!in->retired || in->users) return;
    (void)os()->close(in->file, NULL);
    mem_free(in);
}

static Status segment_begin(History *self, Error *err) {
    Arena arena = {0};
    OsFile *file = NULL;
    uint32_t number = self->segments ? self->segment[self->segments - 1].number + 1 : 1;
    Str path = history_path(self, &arena, "points", number);
    Status st = os()->open(path, OS_APPEND, &self->writing, err);
    if (!st) st = os()->sync_dir(self->dir, err);
    if (!st) st = os()->open(path, OS_READ, &file, err);
    if (!st) {
        add_segment(self, number, file);
        self->written = 0;
    }
    arena_clear(&arena);
    return st;
}

static Status segment_sync(History *self, Error *err) {
    if (!self->unsynced) return ST_OK;
    TRY(os()->sync(self->writing, err));
    self->unsynced = false;
    return ST_OK;
}

static void line_has_block(History *self, Line *line, const BlockHead *head, uint32_t segment,
                           uint32_t offset) {
    uint32_t size = (uint32_t)(sizeof(FrameHead) + sizeof *head) + head->size;
    if (line->blocks == line->block_cap) {
        line->block_cap = line->block_cap ? line->block_cap * 2 : 4;
        line->block = mem_realloc(line->block, line->block_cap * sizeof *line->block);
    }
    line->block[line->blocks++] = (Block){.from_ms = head->from_ms, .segment = segment,
                                          .offset = offset, .count = head->count,
                                          .step_ms = (uint32_t)head->step_ms, .size = size};
    int64_t last = head->from_ms + (int64_t)(head->count - 1) * head->step_ms;
    if (head->from_ms < line->first_ms) line->first_ms = head->from_ms;
    if (last > line->last_ms) line->last_ms = last;
    self->blocks++;
    self->block_points += head->count;
    self->block_bytes += size;
    self->segment[segment].live += size;
    self->segment[segment].size += size;
}

// The head as a block's bytes, in self->scratch.
static BlockHead encode_head(History *self, const Line *line) {
    BlockHead head = {line->key, line->from_ms, line->step_ms, line->count, 0};
    Buf *out = &self->scratch;
    out->len = 0;
    buf_put(out, &head, sizeof head);
    history_encode(line->head, line->count, out);
    head.size = (uint32_t)(out->len - sizeof head);
    memcpy(out->ptr, &head, sizeof head);
    return head;
}

static Status line_seal(History *self, Line *line, Error *err) {
    if (!line->count) return ST_OK;
    if (!self->writing || self->written > SEGMENT_BYTES) {
        TRY(segment_sync(self, err));
        TRY(self->writing ? os()->close(self->writing, err) : ST_OK);
        self->writing = NULL;
        TRY(segment_begin(self, err));
    }
    BlockHead head = encode_head(self, line);
    Buf frame = {0};
    put_frame(&frame, HISTORY_FRAME_BLOCK, buf_str(&self->scratch));
    Status st = os()->write(self->writing, frame.ptr, frame.len, err);
    if (!st) {
        line_has_block(self, line, &head, self->segments - 1,
                       (uint32_t)(self->written + (int64_t)sizeof(FrameHead)));
        self->written += (int64_t)frame.len;
        self->unsynced = true;
        line->count = 0;
    }
    buf_free(&frame);
    return st;
}

// ---- heads -------------------------------------------------------------------------------------

static void head_room(History *self, Line *line, uint32_t count) {
    if (count <= line->cap) return;
    uint32_t cap = line->cap ? line->cap * 2 : 32;
    while (cap < count) cap *= 2;
    self->head_bytes += (cap - line->cap) * sizeof *line->head;
    line->head = mem_realloc(line->head, cap * sizeof *line->head);
    line->cap = cap;
}

// Makes the head reach down to [from_ms], which is less than HISTORY_BLOCK before its end.
static void head_lower(History *self, Line *line, int64_t from_ms) {
    uint32_t more = (uint32_t)((line->from_ms - from_ms) / line->step_ms);
    head_room(self, line, line->count + more);
    memmove(line->head + more, line->head, line->count * sizeof *line->head);
    for (uint32_t i = 0; i < more; i++) line->head[i] = NAN;
    line->count += more;
    line->from_ms = from_ms;
}

static Status head_put(History *self, Line *line, int64_t step_ms, int64_t ts_ms, double value,
                       Error *err) {
    if (line->count && line->step_ms != step_ms) TRY(line_seal(self, line, err));
    int64_t at = place_of(ts_ms, step_ms) * step_ms;
    int64_t place = line->count ? (at - line->from_ms) / step_ms : 0;
    if (line->count && place < 0 && (int64_t)line->count - place <= HISTORY_BLOCK) {
        head_lower(self, line, at);
        place = 0;
    } else if (line->count && (place < 0 || place >= HISTORY_BLOCK)) {
        TRY(line_seal(self, line, err));
        place = 0;
    }
    if (!line->count) {
        line->from_ms = at;
        line->step_ms = step_ms;
    }
    head_room(self, line, (uint32_t)place + 1);
    while (line->count <= place) line->head[line->count++] = NAN;
    if (isnan(line->head[place])) line->points++;
    line->head[place] = value;
    if (at < line->first_ms) line->first_ms = at;
    if (at > line->last_ms) line->last_ms = at;
    return ST_OK;
}

// ---- the journal -------------------------------------------------------------------------------

static Status write_pending(History *self, Error *err) {
    if (!self->pending.len) return ST_OK;
    Buf frame = {0};
    put_frame(&frame, HISTORY_FRAME_POINTS, buf_str(&self->pending));
    Status st = os()->write(self->journal, frame.ptr, frame.len, err);
    if (!st) {
        self->journal_size += (int64_t)frame.len;
        self->pending.len = 0;
    }
    buf_free(&frame);
    return st;
}

static Status remove_journals(void *arg, Str name, Error *err) {
    History *self = arg;
    Arena arena = {0};
    int64_t number;
    Status st = ST_OK;
    if (str_starts(name, STR("journal-")) && str_to_i64(str_sub(name, 8, name.len), &number) &&
        number < self->journal_number) {
        st = os()->remove(str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(self->dir),
                                     STR_ARG(name)),
                          err);
    }
    arena_clear(&arena);
    return st;
}

// A new journal that begins with all heads, after which those before it are not needed.
static Status journal_begin(History *self, Error *err) {
    Arena arena = {0};
    Buf frames = {0};
    OsFile *file = NULL;
    Status st = segment_sync(self, err);
    Str path = history_path(self, &arena, "journal", self->journal_number + 1);
    if (!st) st = os()->open(path, OS_WRITE, &file, err);
    int64_t size = 0;
    for (uint32_t i = 0; i < self->lines.count && !st; i++) {
        Line *line = self->lines.entry[i].value;
        if (line->count) {
            (void)encode_head(self, line);
            put_frame(&frames, HISTORY_FRAME_BLOCK, buf_str(&self->scratch));
        }
        if (frames.len < BUFFER_BYTES && i + 1 < self->lines.count) continue;
        st = os()->write(file, frames.ptr, frames.len, err);
        size += (int64_t)frames.len;
        frames.len = 0;
    }
    if (!st) st = os()->sync(file, err);
    if (!st) st = os()->sync_dir(self->dir, err);
    if (!st) {
        OsFile *before = self->journal;
        self->journal = file;
        self->journal_number++;
        self->journal_size = size;
        file = NULL;
        st = before ? os()->close(before, err) : ST_OK;
    }
    if (!st) st = os()->list(self->dir, remove_journals, self, err);
    (void)os()->close(file, NULL);
    buf_free(&frames);
    arena_clear(&arena);
    return st;
}

Status history_add(History *self, int64_t key, int64_t step_ms, int64_t ts_ms, double value,
                   Error *err) {
    if (!isfinite(value)) return ST_OK;
    PointEntry entry = {key, ts_ms, value, step_ms};
    os_lock(&self->monitor);
    Status st = head_put(self, add_line(self, key), step_ms, ts_ms, value, err);
    if (!st) {
        buf_put(&self->pending, &entry, sizeof entry);
        if (self->pending.len >= BUFFER_BYTES) st = write_pending(self, err);
    }
    os_unlock(&self->monitor);
    return st;
}

Status history_sync(History *self, Error *err) {
    os_lock(&self->monitor);
    Status st = write_pending(self, err);
    int64_t heads = (int64_t)self->head_bytes;
    if (!st && self->journal_size > JOURNAL_BYTES + 2 * heads) st = journal_begin(self, err);
    else if (!st) st = os()->sync(self->journal, err);
    os_unlock(&self->monitor);
    return st;
}

// ---- reading -----------------------------------------------------------------------------------

static void place_points(const double *from, uint32_t count, int64_t at_ms, int64_t at_step,
                         int64_t from_ms, int64_t step_ms, uint32_t wanted, double *value) {
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(from[i])) continue;
        int64_t ts = at_ms + i * at_step;
        if (ts < from_ms) continue;
        int64_t place = (ts - from_ms) / step_ms;
        if (place < wanted) value[place] = from[i];
    }
}

static Status read_block(History *self, const Block *block, OsFile *file, int64_t key, Buf *room,
                         double *points, Error *err) {
    BlockHead head;
    bool whole;
    TRY(read_all(file, block->offset, &head, sizeof head, &whole, err));
    if (!whole || head.key != key || head.count != block->count ||
        head.size > HISTORY_FRAME_MAX) {
        return error_set(err, ST_RUNTIME, "'" STR_FMT "/points-%08u' is damaged at byte %u",
                         STR_ARG(self->dir), self->segment[block->segment].number, block->offset);
    }
    room->len = 0;
    (void)buf_reserve(room, head.size + 1u);
    TRY(read_all(file, block->offset + (int64_t)sizeof head, room->ptr, head.size, &whole, err));
    return history_decode(str_make(room->ptr, whole ? head.size : 0), points, head.count, err);
}

Status history_read(History *self, int64_t key, int64_t step_ms, int64_t from_ms, uint32_t count,
                    double *value, Error *err) {
    for (uint32_t i = 0; i < count; i++) value[i] = NAN;
    Block *block = NULL;
    SegmentFile **in = NULL;
    double *head = NULL;
    uint32_t blocks = 0, head_count = 0;
    int64_t head_ms = 0, head_step = 1, to_ms = from_ms + (int64_t)count * step_ms;
    os_lock(&self->monitor);
    const Line *line = history_line(self, key);
    if (line) {
        block = mem_alloc((line->blocks + 1) * sizeof *block);
        in = mem_alloc((line->blocks + 1) * sizeof *in);
        for (uint32_t i = 0; i < line->blocks; i++) {
            const Block *one = &line->block[i];
            int64_t end = one->from_ms + (int64_t)one->count * one->step_ms;
            if (end <= from_ms || one->from_ms >= to_ms) continue;
            block[blocks] = *one;
            in[blocks] = self->segment[one->segment].in;
            in[blocks++]->users++;
        }
        head_count = line->count;
        head_ms = line->from_ms;
        head_step = line->step_ms;
        head = mem_alloc((head_count + 1) * sizeof *head);
        if (head_count) memcpy(head, line->head, head_count * sizeof *head);
    }
    os_unlock(&self->monitor);
    Buf room = {0};
    Status st = ST_OK;
    double *points = blocks ? mem_alloc(HISTORY_POINTS_MAX * sizeof *points) : NULL;
    for (uint32_t i = 0; i < blocks && !st; i++) {
        st = read_block(self, &block[i], in[i]->file, key, &room, points, err);
        if (st) break;
        place_points(points, block[i].count, block[i].from_ms, block[i].step_ms, from_ms, step_ms,
                     count, value);
    }
    if (!st && line) {
        place_points(head, head_count, head_ms, head_step, from_ms, step_ms, count, value);
    }
    os_lock(&self->monitor);
    for (uint32_t i = 0; i < blocks; i++) segment_file_leave(in[i]);
    os_unlock(&self->monitor);
    mem_free(points);
    mem_free(head);
    mem_free(in);
    mem_free(block);
    buf_free(&room);
    return st;
}

bool history_span(History *self, int64_t key, int64_t *first_ms, int64_t *last_ms) {
    os_lock(&self->monitor);
    const Line *line = history_line(self, key);
    bool any = line && line->first_ms <= line->last_ms;
    if (any) {
        *first_ms = line->first_ms;
        *last_ms = line->last_ms;
    }
    os_unlock(&self->monitor);
    return any;
}

HistoryFigures history_figures(History *self) {
    os_lock(&self->monitor);
    HistoryFigures figures = {.blocks = self->blocks,
                              .block_points = self->block_points,
                              .block_bytes = self->block_bytes,
                              .journal_bytes = (uint64_t)self->journal_size,
                              .points = self->block_points};
    for (uint32_t i = 0; i < self->lines.count; i++) {
        figures.points += ((const Line *)self->lines.entry[i].value)->count;
    }
    os_unlock(&self->monitor);
    return figures;
}

// ---- beginning and end -------------------------------------------------------------------------

static bool read_block_head(Str bytes, BlockHead *head) {
    if (bytes.len < sizeof *head) return false;
    memcpy(head, bytes.ptr, sizeof *head);
    return head->count && head->count <= HISTORY_POINTS_MAX && head->step_ms > 0 &&
           head->step_ms <= UINT32_MAX && head->size == bytes.len - sizeof *head;
}

static Status take_journal(History *self, uint32_t kind, Str bytes, int64_t at, Error *err) {
    (void)at;
    if (kind == HISTORY_FRAME_POINTS) {
        for (uint32_t i = 0; i + sizeof(PointEntry) <= bytes.len; i += sizeof(PointEntry)) {
            PointEntry entry;
            memcpy(&entry, bytes.ptr + i, sizeof entry);
            if (entry.step_ms <= 0 || !isfinite(entry.value)) continue;
            TRY(head_put(self, add_line(self, entry.key), entry.step_ms, entry.ts_ms,
                         entry.value, err));
        }
        return ST_OK;
    }
    BlockHead head;
    if (!read_block_head(bytes, &head)) return ST_OK;
    double *points = mem_alloc(head.count * sizeof *points);
    Status st = history_decode(str_sub(bytes, sizeof head, bytes.len), points, head.count, err);
    Line *line = add_line(self, head.key);
    for (uint32_t i = 0; i < head.count && !st; i++) {
        if (isnan(points[i])) continue;
        st = head_put(self, line, head.step_ms, head.from_ms + i * head.step_ms, points[i], err);
    }
    mem_free(points);
    return st;
}

static Status take_segment(History *self, uint32_t kind, Str bytes, int64_t at, Error *err) {
    BlockHead head;
    (void)err;
    if (kind != HISTORY_FRAME_BLOCK || !read_block_head(bytes, &head)) return ST_OK;
    line_has_block(self, add_line(self, head.key), &head, self->segments - 1,
                   (uint32_t)(at + (int64_t)sizeof(FrameHead)));
    return ST_OK;
}

typedef struct Listing {
    History *history;
    bool journals;
} Listing;

static Status open_one(void *arg, Str name, Error *err) {
    Listing *listing = arg;
    History *self = listing->history;
    Str prefix = listing->journals ? STR("journal-") : STR("points-");
    int64_t number, end;
    if (!str_starts(name, prefix) || !str_to_i64(str_sub(name, prefix.len, name.len), &number)) {
        return ST_OK;
    }
    Arena arena = {0};
    OsFile *file = NULL;
    Str path = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(self->dir), STR_ARG(name));
    Status st = os()->open(path, OS_READ, &file, err);
    arena_clear(&arena);
    if (st) return st;
    if (listing->journals) {
        if ((uint32_t)number > self->journal_number) self->journal_number = (uint32_t)number;
        st = walk(self, file, take_journal, &end, err);
        (void)os()->close(file, NULL);
        return st;
    }
    add_segment(self, (uint32_t)number, file);
    return walk(self, file, take_segment, &end, err);
}

Status history_open(Str dir, History **out, Error *err) {
    History *self = NEW(History);
    Buf path = {0};
    os()->monitor_init(&self->monitor);
    buf_printf(&path, STR_FMT "/history", STR_ARG(dir));
    self->dir = str_make(path.ptr, path.len);
    Listing points = {self, false}, journals = {self, true};
    Status st = os()->make_dirs(self->dir, err);
    if (!st) st = os()->list(self->dir, open_one, &points, err);
    if (!st) st = os()->list(self->dir, open_one, &journals, err);
    if (!st) st = journal_begin(self, err);
    if (st) {
        history_close(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void history_close(History *self) {
    if (!self) return;
    for (uint32_t i = 0; i < self->lines.count; i++) {
        Line *line = self->lines.entry[i].value;
        mem_free(line->block);
        mem_free(line->head);
        mem_free(line);
    }
    map_clear(&self->lines);
    for (uint32_t i = 0; i < self->segments; i++) {
        SegmentFile *in = self->segment[i].in;
        if (!in) continue;
        in->retired = true;
        segment_file_leave(in);
    }
    mem_free(self->segment);
    (void)os()->close(self->writing, NULL);
    (void)os()->close(self->journal, NULL);
    buf_free(&self->pending);
    buf_free(&self->scratch);
    mem_free((void *)(uintptr_t)self->dir.ptr);
    os()->monitor_clear(&self->monitor);
    mem_free(self);
}
