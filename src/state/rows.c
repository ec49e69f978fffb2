#include "state/rows.h"

void rows_end_long(RowsWriter *self, uint32_t size) {
    Buf *out = self->out;
    size_t from = self->size_at + 1;
    (void)buf_reserve(out, sizeof size);
    memmove(out->ptr + from + sizeof size, out->ptr + from, out->len - from);
    out->ptr[self->size_at] = (char)ROW_SIZE_LONG;
    memcpy(out->ptr + from, &size, sizeof size);
    out->len += sizeof size;
}

static bool next_size(const char **at, const char *end, uint32_t *out) {
    if (*at == end) return false;
    *out = (uint8_t)**at;
    ++*at;
    if (*out < ROW_SIZE_LONG) return true;
    if ((size_t)(end - *at) < sizeof *out) return false;
    memcpy(out, *at, sizeof *out);
    *at += sizeof *out;
    return true;
}

bool rows_next(RowsReader *self) {
    const char *at = self->at, *end = self->end;
    uint32_t key, value;
    if (!next_size(&at, end, &key) || !next_size(&at, end, &value) || at == end) return false;
    int64_t written_ms = self->written_ms;
    if (*at == 0) {
        at++;
    } else {
        uint32_t size = codec_i64_size(at);
        if (size > CODEC_I64_MAX || size > (size_t)(end - at)) return false;
        at = codec_get_i64(at, &written_ms);
    }
    if ((uint64_t)key + value > (uint64_t)(end - at)) return false;
    self->key = str_make(at, key);
    self->value = str_make(at + key, value);
    self->written_ms = written_ms;
    self->at = at + key + value;
    return true;
}
