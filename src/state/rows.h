// state/rows.h - rows as a snapshot has them in a STATE_ROWS part, one behind the other.
//
// A row is the size of its key and the size of its value, each a byte, or 255 and a u32 when it is
// not below that; the time of its writing, as col/codec.h has a BIGINT, or 0 when it is that of the
// row before; its key; its value. Rows are many and small, and most were written in the
// millisecond of their neighbour: so they have three bytes beside what they hold.
//
// The first row that a writer appends has its time. So what several have written may lie in one
// part. Threads: a writer's own.
#pragma once

#include "col/codec.h"

enum { ROW_SIZE_LONG = 255 };

typedef struct RowsWriter {
    Buf *out;           // borrowed
    bool timed;         // a row was written before, at
    int64_t before_ms;
    size_t size_at;     // of the row that has been begun: where the size of its value goes
    size_t value_at;
} RowsWriter;

// Begins a row: the caller appends its value to [out], or writes it where this points, where there
// is room for [value_max] bytes.
static inline char *rows_begin(RowsWriter *self, Str key, int64_t written_ms, uint32_t value_max) {
    Buf *out = self->out;
    size_t head_max = 2 + sizeof key.len + CODEC_I64_MAX;
    char *to = buf_reserve(out, head_max + key.len + value_max);
    if (key.len < ROW_SIZE_LONG) {
        *to++ = (char)key.len;
    } else {
        *to++ = (char)ROW_SIZE_LONG;
        memcpy(to, &key.len, sizeof key.len);
        to += sizeof key.len;
    }
    self->size_at = (size_t)(to++ - out->ptr);
    if (self->timed && written_ms == self->before_ms) {
        *to++ = 0;
    } else {
        to = codec_write_i64(to, written_ms);
    }
    self->timed = true;
    self->before_ms = written_ms;
    if (key.len) memcpy(to, key.ptr, key.len);
    to += key.len;
    self->value_at = out->len = (size_t)(to - out->ptr);
    return to;
}

// A value of that size does not have it in a byte: the others go in before what follows.
void rows_end_long(RowsWriter *self, uint32_t size);

// The row's value ends at [end], in [out].
static inline void rows_end(RowsWriter *self, const char *end) {
    Buf *out = self->out;
    out->len = (size_t)(end - out->ptr);
    size_t size = out->len - self->value_at;
    if (size < ROW_SIZE_LONG) {
        out->ptr[self->size_at] = (char)size;
    } else {
        rows_end_long(self, (uint32_t)size);
    }
}

// What was written has been handed on: another part begins.
static inline void rows_clear(RowsWriter *self) {
    self->out->len = 0;
    self->timed = false;
}

static inline void rows_put(RowsWriter *self, Str key, Str value, int64_t written_ms) {
    char *to = rows_begin(self, key, written_ms, value.len);
    if (value.len) memcpy(to, value.ptr, value.len);
    rows_end(self, to + value.len);
}

typedef struct RowsReader {
    const char *at, *end;
    // The row that was read last, its bytes borrowed.
    Str key, value;
    int64_t written_ms;
} RowsReader;

static inline RowsReader rows_reader(Str bytes) {
    return (RowsReader){.at = bytes.ptr, .end = str_end(bytes)};
}

// Reads the next row; false when there is none. The bytes are cut short, or are no rows, when it
// has not come to their end by then.
bool rows_next(RowsReader *self);
