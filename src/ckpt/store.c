#include "ckpt/store.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/map.h"

static const char METADATA[] = "_metadata", WORD[] = "_stopped-with";
enum { METADATA_VERSION = 1, METADATA_SIZE_MAX = 64 << 20 };

static Str base_name(Str path) {
    uint32_t at = path.len;
    while (at && path.ptr[at - 1] != '/') at--;
    return str_sub(path, at, path.len);
}

Str checkpoint_path(Arena *arena, Str dir, uint64_t id) {
    return str_printf(arena, STR_FMT "/chk-%llu", STR_ARG(dir), (unsigned long long)id);
}

Str checkpoint_file_path(Arena *arena, uint64_t id, uint32_t worker, bool savepoint) {
    return str_printf(arena, "%s%llu-%u.state", savepoint ? "" : "../shared/",
                      (unsigned long long)id, worker);
}

// ---- _metadata ---------------------------------------------------------------------------------

static void put_name(Buf *out, const char *name) {
    buf_printf(out, ",\n \"%s\": ", name);
}

static void print_operator(const CheckpointOperator *op, uint32_t index, Buf *out) {
    buf_printf(out, "%s\n  {\"id\": \"%016llx\", \"kin\": \"%016llx\", \"ordinal\": %u, \"name\": ",
               index ? "," : "", (unsigned long long)op->id, (unsigned long long)op->kin,
               op->ordinal);
    json_print_text(op->name, 0, out);
    buf_puts(out, ", \"about\": ");
    json_print_text(op->about, 0, out);
    buf_puts(out, ", \"inputs\": [");
    for (uint32_t i = 0; i < 2 && op->input[i].len; i++) {
        buf_puts(out, i ? ", " : "");
        json_print_text(op->input[i], 0, out);
        buf_puts(out, ", ");
        json_print_text(op->columns[i], 0, out);
    }
    buf_puts(out, "]}");
}

static void put_disk_files(const Checkpoint *at, Buf *out) {
    put_name(out, "disk-files");
    buf_puts(out, "[");
    for (uint32_t i = 0; i < at->disk_file_count; i++) {
        const DiskFile *file = &at->disk_file[i];
        buf_puts(out, i ? ",\n  {\"path\": " : "\n  {\"path\": ");
        json_print_text(file->path, 0, out);
        buf_puts(out, ", \"name\": ");
        json_print_text(file->name, 0, out);
        buf_printf(out, ", \"worker\": %u, \"size\": %lld, \"hash\": \"%016llx\"}", file->worker,
                   (long long)file->size, (unsigned long long)file->hash);
    }
    buf_puts(out, "]");
}

static void print(const Checkpoint *at, Buf *out) {
    buf_printf(out, "{\"weir-checkpoint\": %d", METADATA_VERSION);
    put_name(out, "id");
    buf_printf(out, "%llu", (unsigned long long)at->id);
    put_name(out, "job");
    json_print_text(at->job, 0, out);
    put_name(out, "parallelism");
    buf_printf(out, "%u", at->workers);
    put_name(out, "max-parallelism");
    buf_printf(out, "%u", at->groups);
    put_name(out, "time");
    buf_printf(out, "%lld", (long long)at->time_ms);
    put_name(out, "savepoint");
    buf_puts(out, at->savepoint ? "true" : "false");
    put_name(out, "full");
    buf_puts(out, at->full ? "true" : "false");
    put_name(out, "finished");
    buf_puts(out, at->finished ? "true" : "false");
    put_name(out, "drained");
    buf_puts(out, at->drained ? "true" : "false");
    if (at->in_flight) {
        put_name(out, "in-flight");
        buf_printf(out, "%llu", (unsigned long long)at->in_flight);
    }
    put_name(out, "operators");
    buf_puts(out, "[");
    for (uint32_t i = 0; i < at->op_count; i++) print_operator(&at->op[i], i, out);
    buf_puts(out, "]");
    put_name(out, "files");
    buf_puts(out, "[");
    for (uint32_t i = 0; i < at->file_count; i++) {
        const CheckpointFile *file = &at->file[i];
        buf_puts(out, i ? ",\n  {\"path\": " : "\n  {\"path\": ");
        json_print_text(file->path, 0, out);
        buf_printf(out, ", \"checkpoint\": %llu, \"worker\": %u, \"size\": %lld, \"digest\": "
                   "\"%016llx\"}", (unsigned long long)file->checkpoint, file->worker,
                   (long long)file->size, (unsigned long long)file->digest);
    }
    buf_puts(out, "]");
    if (at->disk_file_count) put_disk_files(at, out);
    buf_puts(out, "}\n");
    // The last line is the hash of all before it.
    buf_printf(out, "%016llx\n", (unsigned long long)hash_bytes(out->ptr, out->len, 0));
}

Status checkpoint_copy(Str from, Str to, int64_t *size, uint64_t *hash, Error *err) {
    enum { PIECE = 1 << 20 };  // the hash depends on it
    OsFile *in = NULL, *out = NULL;
    char *bytes = mem_alloc(PIECE);
    *size = 0;
    *hash = 0;
    Status st = os()->open(from, OS_READ, &in, err);
    if (!st) st = os()->open(to, OS_WRITE, &out, err);
    for (size_t got = 1; !st && got;) {
        st = os()->read_at(in, *size, bytes, PIECE, &got, err);
        if (!st && got) st = os()->write(out, bytes, got, err);
        if (st || !got) break;
        *hash = hash_bytes(bytes, got, *hash);
        *size += (int64_t)got;
    }
    if (!st) st = os()->sync(out, err);
    Status closed = os()->close(out, st ? NULL : err);
    if (!st) st = closed;
    closed = os()->close(in, st ? NULL : err);
    mem_free(bytes);
    return st ? st : closed;
}

Status checkpoint_write(Str path, const Checkpoint *checkpoint, Error *err) {
    Arena arena = {0};
    Buf bytes = {0};
    print(checkpoint, &bytes);
    Str whole = str_printf(&arena, STR_FMT "/%s", STR_ARG(path), METADATA);
    Status st = os()->make_dirs(path, err);
    if (!st) st = os_put_file(whole, buf_str(&bytes), err);
    if (!st) st = os()->sync_dir(str_printf(&arena, STR_FMT "/..", STR_ARG(path)), err);
    buf_free(&bytes);
    arena_clear(&arena);
    return st;
}

static Status bad(Str path, const char *what, Error *err) {
    return error_set(err, ST_RUNTIME,
                     "'" STR_FMT "' is not the whole _metadata of a checkpoint: %s", STR_ARG(path),
                     what);
}

static bool get_number(const JsonValue *object, Str name, int64_t *out) {
    const JsonValue *value = json_member(object, name);
    return value && value->kind == JK_INTEGER && str_to_i64(value->text, out);
}

static bool get_text(const JsonValue *object, Str name, Str *out) {
    const JsonValue *value = json_member(object, name);
    if (!value || value->kind != JK_TEXT) return false;
    *out = value->text;
    return true;
}

static bool get_flag(const JsonValue *object, Str name, bool *out) {
    const JsonValue *value = json_member(object, name);
    if (!value || value->kind != JK_BOOLEAN) return false;
    *out = value->boolean;
    return true;
}

static bool get_hex(const JsonValue *object, Str name, uint64_t *out) {
    Str text;
    *out = 0;
    if (!get_text(object, name, &text) || text.len != 16) return false;
    for (uint32_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.ptr[i]);
        if (digit < 0) return false;
        *out = *out << 4 | (uint64_t)digit;
    }
    return true;
}

static bool take_files(Arena *arena, const JsonValue *list, Checkpoint *out) {
    if (!list || list->kind != JK_ARRAY) return false;
    out->file_count = list->count;
    out->file = ARENA_ARRAY(arena, CheckpointFile, list->count + 1);
    for (uint32_t i = 0; i < list->count; i++) {
        CheckpointFile *file = &out->file[i];
        int64_t id, worker;
        if (!get_text(&list->item[i], STR("path"), &file->path) ||
            !get_number(&list->item[i], STR("checkpoint"), &id) ||
            !get_number(&list->item[i], STR("worker"), &worker) ||
            !get_number(&list->item[i], STR("size"), &file->size) ||
            !get_hex(&list->item[i], STR("digest"), &file->digest)) {
            return false;
        }
        file->checkpoint = (uint64_t)id;
        file->worker = (uint32_t)worker;
    }
    return true;
}

static bool take_operators(Arena *arena, const JsonValue *list, Checkpoint *out) {
    if (!list || list->kind != JK_ARRAY) return false;
    out->op_count = list->count;
    out->op = ARENA_ARRAY(arena, CheckpointOperator, list->count + 1);
    for (uint32_t i = 0; i < list->count; i++) {
        CheckpointOperator *op = &out->op[i];
        const JsonValue *from = &list->item[i], *inputs = json_member(from, STR("inputs"));
        int64_t ordinal;
        if (!get_hex(from, STR("id"), &op->id) || !get_hex(from, STR("kin"), &op->kin) ||
            !get_number(from, STR("ordinal"), &ordinal) ||
            !get_text(from, STR("name"), &op->name) || !get_text(from, STR("about"), &op->about) ||
            !inputs || inputs->kind != JK_ARRAY || inputs->count > 4 || inputs->count % 2) {
            return false;
        }
        op->ordinal = (uint32_t)ordinal;
        for (uint32_t k = 0; k < inputs->count; k++) {
            if (inputs->item[k].kind != JK_TEXT) return false;
            *(k % 2 ? &op->columns[k / 2] : &op->input[k / 2]) = inputs->item[k].text;
        }
    }
    return true;
}

// A name that leads out of the directory it is meant for is nobody's.
static bool is_file_name(Str name) {
    return name.len && name.ptr[0] != '.' && str_find(name, STR("/"), 0) < 0;
}

static bool take_disk_files(Arena *arena, const JsonValue *list, Checkpoint *out) {
    if (!list) return true;
    if (list->kind != JK_ARRAY) return false;
    out->disk_file_count = list->count;
    out->disk_file = ARENA_ARRAY(arena, DiskFile, list->count + 1);
    for (uint32_t i = 0; i < list->count; i++) {
        DiskFile *file = &out->disk_file[i];
        int64_t worker;
        if (!get_text(&list->item[i], STR("path"), &file->path) ||
            !get_text(&list->item[i], STR("name"), &file->name) || !is_file_name(file->name) ||
            !get_number(&list->item[i], STR("worker"), &worker) ||
            !get_number(&list->item[i], STR("size"), &file->size) ||
            !get_hex(&list->item[i], STR("hash"), &file->hash)) {
            return false;
        }
        file->worker = (uint32_t)worker;
    }
    return true;
}

static Status take(Arena *arena, Str path, Str text, Checkpoint *out, Error *err) {
    enum { HASH_LINE = 17 };
    if (text.len < HASH_LINE) return bad(path, "it is cut short", err);
    uint32_t size = text.len - HASH_LINE;
    Str hash = str_printf(arena, "%016llx\n", (unsigned long long)hash_bytes(text.ptr, size, 0));
    if (!str_eq(hash, str_sub(text, size, HASH_LINE))) {
        return bad(path, "it does not have the hash that it should have", err);
    }
    JsonValue root;
    TRY(json_parse(arena, str_sub(text, 0, size), 0, &root, NULL, err));
    int64_t version, id, workers, groups;
    *out = (Checkpoint){0};
    if (!get_number(&root, STR("weir-checkpoint"), &version) ||
        !get_number(&root, STR("id"), &id) || !get_text(&root, STR("job"), &out->job) ||
        !get_number(&root, STR("parallelism"), &workers) ||
        !get_number(&root, STR("max-parallelism"), &groups) ||
        !get_number(&root, STR("time"), &out->time_ms) ||
        !get_flag(&root, STR("savepoint"), &out->savepoint) ||
        !get_flag(&root, STR("full"), &out->full) ||
        !get_flag(&root, STR("finished"), &out->finished) ||
        !take_operators(arena, json_member(&root, STR("operators")), out) ||
        !take_files(arena, json_member(&root, STR("files")), out) ||
        !take_disk_files(arena, json_member(&root, STR("disk-files")), out)) {
        return bad(path, "something is missing in it", err);
    }
    (void)get_flag(&root, STR("drained"), &out->drained);  // not there before there were savepoints
    if (version != METADATA_VERSION) {
        return error_set(err, ST_UNSUPPORTED,
                         "'" STR_FMT "' has format %lld; this program reads %d", STR_ARG(path),
                         (long long)version, METADATA_VERSION);
    }
    int64_t in_flight;
    if (get_number(&root, STR("in-flight"), &in_flight)) out->in_flight = (uint64_t)in_flight;
    out->id = (uint64_t)id;
    out->workers = (uint32_t)workers;
    out->groups = (uint32_t)groups;
    return ST_OK;
}

Status checkpoint_read(Arena *arena, Str path, Checkpoint *out, Error *err) {
    OsStat stat;
    TRY(os()->stat(path, &stat, err));
    if (stat.is_dir) path = str_printf(arena, STR_FMT "/%s", STR_ARG(path), METADATA);
    TRY(os()->stat(path, &stat, err));
    if (!stat.exists) {
        (void)error_set(err, ST_RUNTIME, "there is no checkpoint at '" STR_FMT "'", STR_ARG(path));
        error_hint(err, "give the directory that holds the file _metadata");
        return ST_RUNTIME;
    }
    if (stat.size > METADATA_SIZE_MAX) return bad(path, "it is too long", err);
    Buf bytes = {0};
    Status st = os_read_file(path, &bytes, err);
    if (!st) st = take(arena, path, str_dup(arena, buf_str(&bytes)), out, err);
    buf_free(&bytes);
    TRY(st);
    // A checkpoint's directory says which one it is.
    Str own = base_name(str_sub(path, 0, path.len - (uint32_t)strlen(METADATA) - 1));
    int64_t id;
    bool numbered = str_starts(own, STR("chk-")) && str_to_i64(str_sub(own, 4, own.len), &id);
    if (!numbered || (uint64_t)id == out->id) return ST_OK;
    return bad(path, "it is another checkpoint's", err);
}

// ---- the directory -----------------------------------------------------------------------------

typedef struct Listing {
    Arena *arena;
    uint64_t *id;
    uint32_t count, cap;
} Listing;

static Status see_checkpoint(void *arg, Str name, Error *err) {
    (void)err;
    Listing *list = arg;
    int64_t id;
    if (!str_starts(name, STR("chk-")) || !str_to_i64(str_sub(name, 4, name.len), &id))
        return ST_OK;
    if (list->count == list->cap) {
        uint64_t *grown = ARENA_ARRAY(list->arena, uint64_t, list->cap * 2 + 16);
        if (list->count) memcpy(grown, list->id, list->count * sizeof *grown);
        list->id = grown;
        list->cap = list->cap * 2 + 16;
    }
    list->id[list->count++] = (uint64_t)id;
    return ST_OK;
}

static int newest_first(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? 1 : left > right ? -1 : 0;
}

static Status list_checkpoints(Arena *arena, Str dir, Listing *out, Error *err) {
    *out = (Listing){.arena = arena};
    OsStat stat;
    TRY(os()->stat(dir, &stat, err));
    if (!stat.is_dir) return ST_OK;
    TRY(os()->list(dir, see_checkpoint, out, err));
    if (out->count) qsort(out->id, out->count, sizeof *out->id, newest_first);
    return ST_OK;
}

// Whether the checkpoint at [path] says that it is whole. What cannot be read just now is no proof
// of the contrary: that is an error, or a passing trouble of the disk would delete this one.
static Status look_at(Arena *arena, Str path, Checkpoint *out, bool *whole, Error *err) {
    Error why;
    Status st = checkpoint_read(arena, path, out, &why);
    *whole = !st;
    if (st == ST_RUNTIME) return ST_OK;
    if (st && err) *err = why;
    return st;
}

Status checkpoint_check(Str path, const Checkpoint *at, Error *err) {
    Arena arena = {0};
    Status st = ST_OK;
    for (uint32_t i = 0; i < at->file_count && !st; i++) {
        OsStat stat;
        Str file =
            str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(path), STR_ARG(at->file[i].path));
        st = os()->stat(file, &stat, err);
        if (st) break;
        if (!stat.exists) {
            st = error_set(err, ST_RUNTIME,
                           "the checkpoint at '" STR_FMT "' is not whole: '" STR_FMT "' is missing",
                           STR_ARG(path), STR_ARG(file));
        } else if (stat.size != at->file[i].size) {
            st = error_set(err, ST_RUNTIME,
                           "the checkpoint at '" STR_FMT "' is not whole: '" STR_FMT
                           "' has %lld bytes instead of %lld",
                           STR_ARG(path), STR_ARG(file), (long long)stat.size,
                           (long long)at->file[i].size);
        }
    }
    // What stands in a database's files is held against their hashes when they are read.
    for (uint32_t i = 0; i < at->disk_file_count && !st; i++) {
        OsStat stat;
        Str file =
            str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(path), STR_ARG(at->disk_file[i].path));
        st = os()->stat(file, &stat, err);
        if (st || stat.exists) continue;
        st = error_set(err, ST_RUNTIME,
                       "the checkpoint at '" STR_FMT "' is not whole: '" STR_FMT "' is missing",
                       STR_ARG(path), STR_ARG(file));
    }
    arena_clear(&arena);
    return st;
}

static bool is_whole(Arena *arena, Str path) {
    Checkpoint at;
    return !checkpoint_read(arena, path, &at, NULL) && !checkpoint_check(path, &at, NULL);
}

void checkpoint_offer(Str path, Error *err) {
    Arena arena = {0};
    Listing list;
    Str name = base_name(path), found = STR("");
    int64_t id;
    uint32_t end = path.len - name.len;
    bool listed = str_starts(name, STR("chk-")) && str_to_i64(str_sub(name, 4, name.len), &id) &&
                  end > 1 && !list_checkpoints(&arena, str_sub(path, 0, end - 1), &list, NULL);
    for (uint32_t i = 0; listed && i < list.count && !found.len; i++) {
        if (list.id[i] >= (uint64_t)id) continue;
        Str at = checkpoint_path(&arena, str_sub(path, 0, end - 1), list.id[i]);
        if (is_whole(&arena, at)) found = at;
    }
    if (found.len) {
        error_hint(err, "'" STR_FMT "' is the whole one before it: --from-savepoint with that path "
                   "begins there, and what sinks have published since comes again", STR_ARG(found));
    } else {
        error_hint(err, "there is no whole one before it; 'execution.checkpointing.num-retained' "
                        "keeps more than one, savepoints are kept by you");
    }
    arena_clear(&arena);
}

// The word of a job that was stopped with a savepoint: its id, a blank, its path; id 0: there is
// none.
static Status read_word(Arena *arena, Str dir, uint64_t *id, Str *path, Error *err) {
    Str word = str_printf(arena, STR_FMT "/%s", STR_ARG(dir), WORD);
    OsStat stat;
    *id = 0;
    TRY(os()->stat(word, &stat, err));
    if (!stat.exists) return ST_OK;
    Buf bytes = {0};
    Status st = os_read_file(word, &bytes, err);
    Str text = str_dup(arena, buf_str(&bytes));
    buf_free(&bytes);
    TRY(st);
    int64_t blank = str_find(text, STR(" "), 0), number;
    if (blank < 0 || text.ptr[text.len - 1] != '\n' ||
        !str_to_i64(str_sub(text, 0, (uint32_t)blank), &number)) {
        return error_set(err, ST_RUNTIME, "'" STR_FMT "' is damaged", STR_ARG(word));
    }
    *id = (uint64_t)number;
    *path = str_sub(text, (uint32_t)blank + 1, text.len - (uint32_t)blank - 2);
    return ST_OK;
}

Status checkpoint_leave_word(Str dir, uint64_t id, Str savepoint, Error *err) {
    Arena arena = {0};
    Str path = str_printf(&arena, STR_FMT "/%s", STR_ARG(dir), WORD);
    Str text = str_printf(&arena, "%llu " STR_FMT "\n", (unsigned long long)id,
                          STR_ARG(savepoint));
    Status st = os()->make_dirs(dir, err);
    if (!st) st = os_put_file(path, text, err);
    arena_clear(&arena);
    return st;
}

Status checkpoint_greatest(Str dir, uint64_t *id, Error *err) {
    Arena arena = {0};
    Listing list;
    uint64_t stopped = 0;
    Str savepoint;
    Status st = list_checkpoints(&arena, dir, &list, err);
    if (!st) st = read_word(&arena, dir, &stopped, &savepoint, err);
    *id = !st && list.count && list.id[0] > stopped ? list.id[0] : stopped;
    arena_clear(&arena);
    return st;
}

Status checkpoint_latest(Arena *arena, Str dir, uint64_t past, Str *path, uint32_t *skipped,
                         Error *err) {
    *path = STR("");
    if (skipped) *skipped = 0;
    Listing list;
    uint64_t stopped;
    Str savepoint;
    TRY(list_checkpoints(arena, dir, &list, err));
    TRY(read_word(arena, dir, &stopped, &savepoint, err));
    if (stopped <= past) stopped = 0;
    // One that has begun and was never complete may have the savepoint's number.
    for (uint32_t i = 0; i < list.count && list.id[i] >= stopped && list.id[i] > past; i++) {
        Str at = checkpoint_path(arena, dir, list.id[i]);
        Checkpoint read;
        OsStat stat;
        TRY(os()->stat(str_printf(arena, STR_FMT "/%s", STR_ARG(at), METADATA), &stat, err));
        if (skipped) *skipped = i + !stat.exists;
        if (!stat.exists) continue;
        Status st = checkpoint_read(arena, at, &read, err);
        if (!st) st = checkpoint_check(at, &read, err);
        if (st == ST_RUNTIME) checkpoint_offer(at, err);
        TRY(st);
        *path = at;
        // Its name may be one that a crash would take back: the one who wrote it never heard that
        // it is durable. What follows from it must not be.
        TRY(os()->sync_dir(at, err));
        return os()->sync_dir(dir, err);
    }
    if (!stopped) return ST_OK;
    *path = savepoint;
    return os()->sync_dir(dir, err);  // so may the name of the word
}

typedef struct Sweep {
    Str dir;       // shared/
    const Map *named;
    Arena *arena;
} Sweep;

static Status drop_unnamed(void *arg, Str name, Error *err) {
    Sweep *sweep = arg;
    if (map_has(sweep->named, name)) return ST_OK;
    return os()->remove(str_printf(sweep->arena, STR_FMT "/" STR_FMT, STR_ARG(sweep->dir),
                                   STR_ARG(name)), err);
}

// _metadata goes first: without it there is no checkpoint.
static Status remove_metadata(Arena *arena, Str path, Error *err) {
    Str metadata = str_printf(arena, STR_FMT "/%s", STR_ARG(path), METADATA);
    OsStat stat;
    TRY(os()->stat(metadata, &stat, err));
    if (stat.exists) TRY(os()->remove(metadata, err));
    Str part = str_printf(arena, STR_FMT ".part", STR_ARG(metadata));
    TRY(os()->stat(part, &stat, err));
    return stat.exists ? os()->remove(part, err) : ST_OK;
}

static Status retain(Arena *arena, Str dir, uint32_t retained, Str keep, Map *named, Error *err) {
    Listing list;
    TRY(list_checkpoints(arena, dir, &list, err));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        Str path = checkpoint_path(arena, dir, list.id[i]);
        Checkpoint at;
        bool whole;
        TRY(look_at(arena, path, &at, &whole, err));
        bool own = !str_eq(path, keep);
        if (whole && (!own || kept < retained)) {
            kept += own;
            for (uint32_t f = 0; f < at.file_count; f++) {
                (void)map_put(named, base_name(at.file[f].path), (void *)(uintptr_t)1);
            }
            for (uint32_t f = 0; f < at.disk_file_count; f++) {
                (void)map_put(named, base_name(at.disk_file[f].path), (void *)(uintptr_t)1);
            }
            continue;
        }
        TRY(remove_metadata(arena, path, err));
        TRY(os()->remove(path, err));
    }
    Str shared = str_printf(arena, STR_FMT "/shared", STR_ARG(dir));
    OsStat stat;
    TRY(os()->stat(shared, &stat, err));
    if (!stat.is_dir) return ST_OK;
    Sweep sweep = {shared, named, arena};
    return os()->list(shared, drop_unnamed, &sweep, err);
}

Status checkpoint_retain(Str dir, uint32_t retained, Str kept, Error *err) {
    Arena arena = {0};
    Map named = {0};
    Status st = retain(&arena, dir, retained, kept, &named, err);
    map_clear(&named);
    arena_clear(&arena);
    return st;
}

Status checkpoint_remove(Str path, Error *err) {
    Arena arena = {0};
    Checkpoint at;
    Status st = checkpoint_read(&arena, path, &at, err);
    if (!st) st = remove_metadata(&arena, path, err);
    bool shared = !st && at.disk_file_count;
    for (uint32_t i = 0; i < at.file_count && !st; i++) {
        // What lies outside may be another checkpoint's too: swept below.
        bool own = str_find(at.file[i].path, STR("/"), 0) < 0;
        shared |= !own;
        if (!own) continue;
        st = os()->remove(str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(path),
                                     STR_ARG(at.file[i].path)), err);
    }
    if (!st) st = os()->remove(path, err);
    if (!st && shared) {
        uint32_t end = path.len - base_name(path).len;
        st = checkpoint_retain(str_sub(path, 0, end > 1 ? end - 1 : end), UINT32_MAX, STR(""), err);
    }
    arena_clear(&arena);
    return st;
}
