#include "cli/test_known.h"

#include <stdlib.h>

#include "os/os.h"

typedef struct KnownFile {
    uint32_t *record, *line;
    uint32_t count;
} KnownFile;

static char *folder_of(const char *path) {
    char *full = realpath(path, NULL);
    if (!full) return mem_strdup(".");
    char *slash = strrchr(full, '/');
    if (slash && slash != full) *slash = 0;
    char *folder = mem_strdup(full);
    free(full);
    return folder;
}

static void known_add(KnownFailures *known, Str name, uint32_t record, uint32_t line) {
    Buf path = {0};
    buf_printf(&path, "%s/" STR_FMT, known->folder, STR_ARG(name));
    KnownFile *file = map_get(&known->files, buf_str(&path));
    if (!file) {
        file = NEW(KnownFile);
        (void)map_put(&known->files, buf_str(&path), file);
    }
    buf_free(&path);
    size_t size = (file->count + 1) * sizeof(uint32_t);
    file->record = mem_realloc(file->record, size);
    file->line = mem_realloc(file->line, size);
    file->record[file->count] = record;
    file->line[file->count++] = line;
    known->count++;
}

static Status known_line(KnownFailures *known, Str text, uint32_t line, Error *err) {
    int64_t comment = str_find(text, STR("#"), 0);
    if (comment >= 0) text.len = (uint32_t)comment;
    text = str_trim(text);
    if (text.len == 0) return ST_OK;
    uint32_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':') colon--;
    int64_t record = 0;
    if (colon < 2 || !str_to_i64(str_sub(text, colon, text.len), &record) || record < 1 ||
        record > UINT32_MAX) {
        return error_at(err, ST_USAGE, (Place){.line = line, .column = 1},
                        "'" STR_FMT "' is not path:record", STR_ARG(text));
    }
    known_add(known, str_sub(text, 0, colon - 1), (uint32_t)record, line);
    return ST_OK;
}

Status known_read(const char *path, KnownFailures *out, Error *err) {
    *out = (KnownFailures){0};
    Buf text = {0};
    Status st = os_read_file(str_c(path), &text, err);
    out->folder = folder_of(path);
    out->path = mem_strdup(path);
    uint32_t line = 0, at = 0;
    while (!st && at < text.len) {
        int64_t end = str_find(buf_str(&text), STR("\n"), at);
        uint32_t stop = end < 0 ? (uint32_t)text.len : (uint32_t)end;
        st = known_line(out, str_sub(buf_str(&text), at, stop - at), ++line, err);
        at = stop + 1;
    }
    buf_free(&text);
    if (st) known_clear(out);
    return st;
}

void known_clear(KnownFailures *known) {
    for (uint32_t i = 0; i < known->files.count; i++) {
        KnownFile *file = known->files.entry[i].value;
        mem_free(file->record);
        mem_free(file->line);
        mem_free(file);
    }
    map_clear(&known->files);
    mem_free(known->folder);
    mem_free(known->path);
    *known = (KnownFailures){0};
}

bool known_has(const KnownFailures *known, Str path, uint32_t record) {
    const KnownFile *file = map_get(&known->files, path);
    for (uint32_t i = 0; file && i < file->count; i++) {
        if (file->record[i] == record) return true;
    }
    return false;
}

static void report(const KnownFailures *known, Str path, const KnownFile *file, uint32_t i,
                   Buf *out) {
    Str name = str_sub(path, (uint32_t)strlen(known->folder) + 1, path.len);
    buf_printf(out, "%s:%u: " STR_FMT ":%u names no case\n", known->path, file->line[i],
               STR_ARG(name), file->record[i]);
}

uint32_t known_check_file(const KnownFailures *known, Str path, uint32_t record_count, Buf *out) {
    const KnownFile *file = map_get(&known->files, path);
    uint32_t wrong = 0;
    for (uint32_t i = 0; file && i < file->count; i++) {
        if (file->record[i] <= record_count) continue;
        report(known, path, file, i, out);
        wrong++;
    }
    return wrong;
}

uint32_t known_check_gone(const KnownFailures *known, Buf *out) {
    uint32_t wrong = 0;
    for (uint32_t f = 0; f < known->files.count; f++) {
        const MapEntry *entry = &known->files.entry[f];
        const KnownFile *file = entry->value;
        OsStat stat;
        if (os()->stat(entry->key, &stat, NULL) || stat.exists) continue;
        for (uint32_t i = 0; i < file->count; i++) report(known, entry->key, file, i, out);
        wrong += file->count;
    }
    return wrong;
}
