// watch/csv.c - comma-separated values, a row at a time.
#include "watch/csv.h"

#include "os/os.h"

enum { CHUNK = 1 << 20, LINE_BYTES_MAX = 1 << 16, CELLS_MAX = 64 };

typedef struct Lines {
    OsFile *file;
    int64_t offset;
    Buf text;
    size_t at;
    bool end;
} Lines;

// ST_END behind the last one.
static Status next_line(Lines *self, Str *out, Error *err) {
    for (;;) {
        char *from = self->text.ptr + self->at;
        size_t left = self->text.len - self->at;
        char *end = left ? memchr(from, '\n', left) : NULL;
        if (end || (self->end && left)) {
            size_t len = end ? (size_t)(end - from) : left;
            self->at += len + (end != NULL);
            if (len && from[len - 1] == '\r') len--;
            *out = str_make(from, len);
            return ST_OK;
        }
        if (self->end) return ST_END;
        if (left > LINE_BYTES_MAX) {
            return error_set(err, ST_VALIDATION, "a line is longer than %d bytes", LINE_BYTES_MAX);
        }
        if (left) memmove(self->text.ptr, from, left);
        self->text.len = left;
        self->at = 0;
        size_t got;
        char *into = buf_reserve(&self->text, CHUNK);
        TRY(os()->read_at(self->file, self->offset, into, CHUNK, &got, err));
        self->text.len += got;
        self->offset += (int64_t)got;
        self->end = got == 0;
    }
}

static uint32_t split(Str line, Str *cell) {
    uint32_t count = 0;
    const char *at = line.ptr, *end = str_end(line);
    while (count < CELLS_MAX) {
        const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
        const char *stop = comma ? comma : end;
        Str text = str_trim(str_make(at, (size_t)(stop - at)));
        if (text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"') {
            text = str_make(text.ptr + 1, text.len - 2);
        }
        cell[count++] = text;
        if (!comma) break;
        at = comma + 1;
    }
    return count;
}

static int32_t find(const Str *cell, uint32_t count, CsvColumn names) {
    for (; *names; names++) {
        for (uint32_t i = 0; i < count; i++) {
            if (str_eq_nocase(cell[i], str_c(*names))) return (int32_t)i;
        }
    }
    return -1;
}

Status csv_each(Str path, const CsvColumn *column, uint32_t columns, uint32_t wants, CsvRow row,
                void *arg, Error *err) {
    Lines lines = {0};
    Str line, cell[CELLS_MAX], picked[CSV_COLUMNS_MAX];
    int32_t place[CSV_COLUMNS_MAX];
    TRY(os()->open(path, OS_READ, &lines.file, err));
    Status st = next_line(&lines, &line, err);
    uint32_t cells = st ? 0 : split(line, cell);
    for (uint32_t i = 0; !st && i < columns; i++) {
        place[i] = find(cell, cells, column[i]);
        if (place[i] >= 0 || i >= wants) continue;
        st = error_set(err, ST_VALIDATION, STR_FMT ": no column '%s'", STR_ARG(path), *column[i]);
    }
    while (!st) {
        st = next_line(&lines, &line, err);
        if (st || !line.len) continue;
        cells = split(line, cell);
        for (uint32_t i = 0; i < columns; i++) {
            bool there = place[i] >= 0 && place[i] < (int32_t)cells;
            picked[i] = there ? cell[place[i]] : STR("");
        }
        st = row(arg, picked, err);
    }
    (void)os()->close(lines.file, NULL);
    buf_free(&lines.text);
    return st == ST_END ? ST_OK : st;
}
