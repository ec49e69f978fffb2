// What leaves the history: metrics that were removed, and what has grown too old.
//
// Blocks are dropped in memory at once. Their bytes stay in the segment until more than half of it
// is of nobody: then what lives is written to a new file of the same name, which takes the old
// one's place by a rename. A reader that has begun goes on with the file that it has. After an end
// without warning blocks that were dropped may be back; whoever drops them does it again.
//
// Any thread may drop; one compacts. It copies without the lock, for a segment that is not being
// written changes no more: at most some of its blocks are nobody's when it is done.
#include <stdlib.h>

#include "base/assert.h"
#include "watch/history_int.h"

// A block of a segment that is being written anew.
typedef struct Move {
    uint32_t from, to, size;  // offsets of the BlockHead
} Move;

static void drop_block(History *self, const Block *block) {
    self->segment[block->segment].live -= block->size;
    self->blocks--;
    self->block_points -= block->count;
    self->block_bytes -= block->size;
}

void history_forget(History *self, int64_t key) {
    os_lock(&self->monitor);
    Line *line = map_remove(&self->lines, str_make((const char *)&key, sizeof key));
    if (line) {
        for (uint32_t i = 0; i < line->blocks; i++) drop_block(self, &line->block[i]);
        self->head_bytes -= line->cap * sizeof *line->head;
        mem_free(line->block);
        mem_free(line->head);
        mem_free(line);
    }
    os_unlock(&self->monitor);
}

bool history_trim(History *self, int64_t key, int64_t before_ms) {
    os_lock(&self->monitor);
    Line *line = history_line(self, key);
    uint32_t kept = 0, dropped = 0;
    if (line && line->first_ms < before_ms) {
        line->first_ms = line->count ? line->from_ms : INT64_MAX;
        for (uint32_t i = 0; i < line->blocks; i++) {
            const Block *block = &line->block[i];
            if (block->from_ms + (int64_t)block->count * block->step_ms <= before_ms) {
                drop_block(self, block);
                continue;
            }
            if (block->from_ms < line->first_ms) line->first_ms = block->from_ms;
            line->block[kept++] = *block;
        }
        dropped = line->blocks - kept;
        line->blocks = kept;
    }
    os_unlock(&self->monitor);
    return dropped > 0;
}

uint32_t history_keys(History *self, Arena *arena, int64_t **out) {
    os_lock(&self->monitor);
    uint32_t count = self->lines.count;
    *out = ARENA_ARRAY(arena, int64_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        (*out)[i] = ((const Line *)self->lines.entry[i].value)->key;
    }
    os_unlock(&self->monitor);
    return count;
}

// ---- segments ----------------------------------------------------------------------------------

static int by_offset(const void *a, const void *b) {
    uint32_t x = ((const Move *)a)->from, y = ((const Move *)b)->from;
    return x < y ? -1 : x > y;
}

// The next segment of which less than half lives; -1: there is none. The one that is being written
// has time.
static int64_t find_wasteful(History *self, uint32_t from) {
    uint32_t last = self->writing ? self->segments - 1 : self->segments;
    for (uint32_t i = from; i < last; i++) {
        const Segment *segment = &self->segment[i];
        if (segment->in && segment->live * 2 < segment->size) return i;
    }
    return -1;
}

static void list_blocks(History *self, uint32_t segment, Buf *moves) {
    for (uint32_t l = 0; l < self->lines.count; l++) {
        const Line *line = self->lines.entry[l].value;
        for (uint32_t i = 0; i < line->blocks; i++) {
            const Block *block = &line->block[i];
            if (block->segment != segment) continue;
            Move move = {.from = block->offset, .size = block->size};
            buf_put(moves, &move, sizeof move);
        }
    }
    if (moves->len) qsort(moves->ptr, moves->len / sizeof(Move), sizeof(Move), by_offset);
}

static Status copy_blocks(OsFile *from, OsFile *to, Move *move, size_t count, Error *err) {
    Buf frame = {0};
    Status st = ST_OK;
    uint32_t at = 0;
    for (size_t i = 0; i < count && !st; i++) {
        size_t got = 0;
        frame.len = 0;
        (void)buf_reserve(&frame, move[i].size);
        st = os()->read_at(from, (int64_t)(move[i].from - sizeof(FrameHead)), frame.ptr,
                           move[i].size, &got, err);
        if (!st && got != move[i].size) {
            st = error_set(err, ST_RUNTIME, "a block of the history is cut off");
        }
        if (!st) st = os()->write(to, frame.ptr, move[i].size, err);
        move[i].to = at + (uint32_t)sizeof(FrameHead);
        at += move[i].size;
    }
    buf_free(&frame);
    return st;
}

// Blocks that were dropped meanwhile are not found by anybody any more.
static void take_up(History *self, uint32_t number, const Move *move, size_t count,
                    SegmentFile *in) {
    Segment *segment = &self->segment[number];
    segment->size = 0;
    for (size_t i = 0; i < count; i++) segment->size += move[i].size;
    for (uint32_t l = 0; l < self->lines.count; l++) {
        Line *line = self->lines.entry[l].value;
        for (uint32_t i = 0; i < line->blocks; i++) {
            Block *block = &line->block[i];
            if (block->segment != number) continue;
            Move wanted = {.from = block->offset};
            const Move *found = bsearch(&wanted, move, count, sizeof *move, by_offset);
            ASSERT(found);
            block->offset = found->to;
        }
    }
    SegmentFile *before = segment->in;
    segment->in = in;
    before->retired = true;
    before->users++;  // which is given back here
    segment_file_leave(before);
}

static Status rewrite(History *self, uint32_t number, Error *err) {
    Arena arena = {0};
    Buf moves = {0};
    OsFile *to = NULL, *file = NULL;
    os_lock(&self->monitor);
    list_blocks(self, number, &moves);
    SegmentFile *from = self->segment[number].in;
    Str path = history_path(self, &arena, "points", self->segment[number].number);
    os_unlock(&self->monitor);
    Move *move = (Move *)(void *)moves.ptr;
    size_t count = moves.len / sizeof *move;
    Str part = history_path(self, &arena, "part", self->segment[number].number);
    Status st = ST_OK;
    if (count) {
        st = os()->open(part, OS_WRITE, &to, err);
        if (!st) st = copy_blocks(from->file, to, move, count, err);
        if (!st) st = os()->sync(to, err);
        (void)os()->close(to, NULL);
        if (!st) st = os()->rename(part, path, err);
        if (!st) st = os()->sync_dir(self->dir, err);
        if (!st) st = os()->open(path, OS_READ, &file, err);
    } else {
        st = os()->remove(path, err);
    }
    if (!st) {
        SegmentFile *in = file ? NEW(SegmentFile) : NULL;
        if (in) in->file = file;
        os_lock(&self->monitor);
        take_up(self, number, move, count, in);
        os_unlock(&self->monitor);
    }
    buf_free(&moves);
    arena_clear(&arena);
    return st;
}

Status history_compact(History *self, Error *err) {
    for (uint32_t from = 0;;) {
        os_lock(&self->monitor);
        int64_t number = find_wasteful(self, from);
        os_unlock(&self->monitor);
        if (number < 0) return ST_OK;
        TRY(rewrite(self, (uint32_t)number, err));
        from = (uint32_t)number + 1;
    }
}
