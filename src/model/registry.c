#include "model/registry.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/hex.h"
#include "base/json.h"
#include "os/os.h"

enum { DIGITS_MAX = 12, DIGEST_BYTES = 32 };

static Str path_of(Arena *arena, Str dir, uint64_t version, const char *name) {
    return str_printf(arena, STR_FMT "/%llu/%s", STR_ARG(dir), (unsigned long long)version, name);
}

static bool read_number(Str text, uint64_t *out) {
    int64_t number;
    text = str_trim(text);
    if (text.len > DIGITS_MAX || !str_to_i64(text, &number) || number < 1) return false;
    *out = (uint64_t)number;
    return true;
}

Status registry_current(Str dir, uint64_t *version, bool *found, Error *err) {
    Buf path = {0}, text = {0};
    OsStat info;
    *found = false;
    buf_printf(&path, STR_FMT "/CURRENT", STR_ARG(dir));
    Status st = os()->stat(buf_str(&path), &info, err);
    if (!st && info.exists) {
        *found = true;
        st = os_read_file(buf_str(&path), &text, err);
        if (!st && !read_number(buf_str(&text), version)) {
            st = error_set(err, ST_VALIDATION, STR_FMT ": this is no number of a version",
                           STR_ARG(buf_str(&path)));
            error_hint(err, "write the number of a version into it: 1");
        }
    }
    buf_free(&path);
    buf_free(&text);
    return st;
}

// ---- versions ----------------------------------------------------------------------------------

typedef struct Listing {
    Arena *arena;
    Str dir;
    uint64_t *version;
    uint32_t count, cap;
} Listing;

static Status list_version(void *arg, Str name, Error *err) {
    Listing *self = arg;
    uint64_t version;
    OsStat info;
    if (name.len && name.ptr[name.len - 1] == '/') name.len--;  // as object stores name folders
    if (!read_number(name, &version)) return ST_OK;
    TRY(os()->stat(path_of(self->arena, self->dir, version, "meta.json"), &info, err));
    if (!info.exists) return ST_OK;  // never finished
    if (self->count == self->cap) {
        uint64_t *more = ARENA_ARRAY(self->arena, uint64_t, self->cap ? self->cap * 2 : 16);
        if (self->count) memcpy(more, self->version, self->count * sizeof *more);
        self->version = more;
        self->cap = self->cap ? self->cap * 2 : 16;
    }
    self->version[self->count++] = version;
    return ST_OK;
}

static int by_number(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

Status registry_versions(Str dir, Arena *arena, uint64_t **out, uint32_t *count, Error *err) {
    Listing listing = {.arena = arena, .dir = dir};
    OsStat info;
    *count = 0;
    *out = NULL;
    TRY(os()->stat(dir, &info, err));
    if (!info.exists && !os_is_object(dir)) return ST_OK;
    TRY(os()->list(dir, list_version, &listing, err));
    if (listing.count) qsort(listing.version, listing.count, sizeof *listing.version, by_number);
    *out = listing.version;
    *count = listing.count;
    return ST_OK;
}

// The greatest number of anything there, finished or not: numbers are never used twice.
static Status next_version(Str dir, Arena *arena, uint64_t *out, Error *err) {
    uint64_t *all;
    uint32_t count;
    TRY(registry_versions(dir, arena, &all, &count, err));
    *out = count ? all[count - 1] + 1 : 1;
    return ST_OK;
}

static void hex_digest(Str file, char out[DIGEST_BYTES * 2 + 1]) {
    uint8_t bytes[DIGEST_SIZE_MAX];
    (void)digest(DIGEST_SHA256, file, bytes);
    hex_write(bytes, DIGEST_BYTES, out);
    out[DIGEST_BYTES * 2] = 0;
}

static Status write_current(Str dir, uint64_t version, Arena *arena, Error *err) {
    Str path = str_printf(arena, STR_FMT "/CURRENT", STR_ARG(dir));
    Str text = str_printf(arena, "%llu\n", (unsigned long long)version);
    return os_put_file(path, text, err);
}

static Status publish(Str dir, Str format, Str file, Str meta, bool use, uint64_t *version,
                      Arena *arena, Error *err) {
    char hex[DIGEST_BYTES * 2 + 1];
    TRY(os()->make_dirs(dir, err));
    TRY(next_version(dir, arena, version, err));
    hex_digest(file, hex);
    Str folder = str_printf(arena, STR_FMT "/%llu", STR_ARG(dir), (unsigned long long)*version);
    Str name = str_printf(arena, "model." STR_FMT, STR_ARG(format));
    Str path = str_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(folder), STR_ARG(name));
    Str text = str_printf(arena,
                          "{\"version\":%llu,\"format\":\"" STR_FMT "\",\"file\":\"" STR_FMT
                          "\",\"sha256\":\"%s\"%s" STR_FMT "}\n",
                          (unsigned long long)*version, STR_ARG(format), STR_ARG(name), hex,
                          meta.len ? "," : "", STR_ARG(meta));
    TRY(os()->make_dirs(folder, err));
    TRY(os_put_file(path, file, err));
    TRY(os_put_file(path_of(arena, dir, *version, "meta.json"), text, err));
    if (!use) {
        uint64_t current;
        bool found;
        TRY(registry_current(dir, &current, &found, err));
        if (found) return ST_OK;
    }
    return write_current(dir, *version, arena, err);
}

static Status add(Str dir, Str format, Str file, Str meta, bool use, uint64_t *version,
                  Error *err) {
    Arena arena = {0};
    Status st = publish(dir, format, file, meta, use, version, &arena, err);
    if (st) error_while(err, "adding a version to the model in " STR_FMT, STR_ARG(dir));
    arena_clear(&arena);
    return st;
}

Status registry_publish(Str dir, Str format, Str file, Str meta, uint64_t *version, Error *err) {
    return add(dir, format, file, meta, true, version, err);
}

Status registry_add(Str dir, Str format, Str file, Str meta, uint64_t *version, Error *err) {
    return add(dir, format, file, meta, false, version, err);
}

static Status no_version(Str dir, uint64_t version, Arena *arena, Error *err) {
    uint64_t *all;
    uint32_t count;
    Buf names = {0};
    if (registry_versions(dir, arena, &all, &count, NULL)) count = 0;
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(&names, "%s%llu", i ? ", " : "", (unsigned long long)all[i]);
    }
    (void)error_set(err, ST_VALIDATION, "the model in " STR_FMT " has no version %llu",
                    STR_ARG(dir), (unsigned long long)version);
    if (count) error_hint(err, "it has " STR_FMT, STR_ARG(buf_str(&names)));
    buf_free(&names);
    return ST_VALIDATION;
}

static Status broken(Str path, Error *err) {
    (void)error_set(err, ST_VALIDATION, STR_FMT ": this does not describe a model",
                    STR_ARG(path));
    error_hint(err, "roll back to another version: ALTER MODEL … SET ('version' = '…')");
    return ST_VALIDATION;
}

static bool member_text(const JsonValue *object, const char *name, Str *out) {
    const JsonValue *value = json_member(object, str_c(name));
    if (!value || value->kind != JK_TEXT || !value->text.len) return false;
    *out = value->text;
    return true;
}

Status registry_open(Str dir, uint64_t version, Arena *arena, RegistryVersion *out, Error *err) {
    Str path = path_of(arena, dir, version, "meta.json"), file;
    OsStat info;
    Buf bytes = {0};
    *out = (RegistryVersion){.version = version};
    TRY(os()->stat(path, &info, err));
    if (!info.exists) return no_version(dir, version, arena, err);
    Status st = os_read_file(path, &bytes, err);
    if (!st) out->meta = str_dup(arena, str_trim(buf_str(&bytes)));
    buf_free(&bytes);
    TRY(st);
    JsonValue meta;
    if (json_parse(arena, out->meta, 0, &meta, NULL, NULL) || meta.kind != JK_OBJECT ||
        !member_text(&meta, "file", &file) || !member_text(&meta, "format", &out->format) ||
        !member_text(&meta, "sha256", &out->digest) || str_find(file, STR("/"), 0) >= 0) {
        return broken(path, err);
    }
    out->path = path_of(arena, dir, version, str_cstr(arena, file));
    return ST_OK;
}

Status registry_verify(Str dir, uint64_t version, Arena *arena, RegistryVersion *out, Error *err) {
    char hex[DIGEST_BYTES * 2 + 1];
    Buf bytes = {0};
    TRY(registry_open(dir, version, arena, out, err));
    Status st = os_read_file(out->path, &bytes, err);
    if (!st) hex_digest(buf_str(&bytes), hex);
    buf_free(&bytes);
    TRY(st);
    if (str_eq(str_c(hex), out->digest)) return ST_OK;
    (void)error_set(err, ST_VALIDATION, STR_FMT ": the file is not the one that was registered",
                    STR_ARG(out->path));
    error_hint(err, "its SHA-256 differs from that in meta.json; roll back to another version");
    return ST_VALIDATION;
}

Status registry_use(Str dir, uint64_t version, Error *err) {
    Arena arena = {0};
    RegistryVersion found;
    Status st = registry_verify(dir, version, &arena, &found, err);
    if (!st) st = write_current(dir, version, &arena, err);
    arena_clear(&arena);
    return st;
}
