// The files of RocksDB's databases in checkpoints: each is copied into the job's shared directory
// once, under a name of its own, and named by every checkpoint that needs it. What an incremental
// checkpoint costs is what RocksDB has written since the last one.
#include "run/checkpoint.h"

#include "base/map.h"

static Status remove_entry(void *arg, Str name, Error *err) {
    const Str *dir = arg;
    Arena arena = {0};
    Str path = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(*dir), STR_ARG(name));
    Status st = os()->remove(path, err);
    arena_clear(&arena);
    return st;
}

// What cannot be removed is left: it is in nobody's way.
void disk_files_remove(Str dir) {
    OsStat stat;
    if (os()->stat(dir, &stat, NULL) || !stat.is_dir) return;
    if (os()->list(dir, remove_entry, &dir, NULL)) return;
    if (os()->remove(dir, NULL)) return;
}

// ---- into a checkpoint -------------------------------------------------------------------------

typedef struct Taking {
    Checkpointer *self;
    uint32_t worker;
    uint64_t id;
    Str path, local;  // of the checkpoint; of what RocksDB has linked
    DiskFiles *out;
} Taking;

// The file as the last checkpoint had it; NULL when that has none of the name. Tables of rows alone
// never change.
static const DiskFile *known_file(const Taking *at, Str name) {
    if (!str_ends(name, STR(".sst"))) return NULL;
    for (uint32_t i = 0; i < at->self->disk_file_count; i++) {
        const DiskFile *file = &at->self->disk_file[i];
        if (file->worker == at->worker && str_eq(file->name, name)) return file;
    }
    return NULL;
}

static Status take_file(void *arg, Str name, Error *err) {
    Taking *at = arg;
    Arena *arena = &at->self->arena;
    DiskFiles *out = at->out;
    if (out->count == out->cap) {
        uint32_t cap = out->cap * 2 + 16;
        DiskFile *grown = ARENA_ARRAY(arena, DiskFile, cap);
        if (out->count) memcpy(grown, out->file, out->count * sizeof *grown);
        out->file = grown;
        out->cap = cap;
    }
    const DiskFile *known = known_file(at, name);
    DiskFile *file = &out->file[out->count];
    if (known) {
        *file = *known;
        out->count++;
        return ST_OK;
    }
    *file = (DiskFile){.name = str_dup(arena, name), .worker = at->worker};
    file->path = str_printf(arena, "../shared/%llu-%u-" STR_FMT, (unsigned long long)at->id,
                            at->worker, STR_ARG(name));
    Arena scratch = {0};
    Str from = str_printf(&scratch, STR_FMT "/" STR_FMT, STR_ARG(at->local), STR_ARG(name));
    Str to = str_printf(&scratch, STR_FMT "/" STR_FMT, STR_ARG(at->path), STR_ARG(file->path));
    Status st = checkpoint_copy(from, to, &file->size, &file->hash, err);
    arena_clear(&scratch);
    out->bytes += file->size;
    out->count++;
    return st;
}

Status disk_files_take(Checkpointer *self, StateBackend *backend, uint32_t worker, uint64_t id,
                       Str path, DiskFiles *out, Error *err) {
    Arena arena = {0};
    Str local = str_printf(&arena, STR_FMT "-%llu", STR_ARG(state_disk_dir(backend)),
                           (unsigned long long)id);
    Str shared = str_printf(&arena, STR_FMT "/../shared", STR_ARG(path));
    Status st = state_disk_fix(backend, local, err);
    worker_wake(&self->job->worker[worker]);
    if (!st) st = os()->make_dirs(path, err);
    if (!st) st = os()->make_dirs(shared, err);
    Taking at = {self, worker, id, path, local, out};
    if (!st) st = os()->list(local, take_file, &at, err);
    disk_files_remove(local);
    arena_clear(&arena);
    return st;
}

// ---- and back ----------------------------------------------------------------------------------

static Status bring_file(Str path, const DiskFile *file, Str dir, Error *err) {
    Arena arena = {0};
    Str from = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(path), STR_ARG(file->path));
    Str to = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(dir), STR_ARG(file->name));
    int64_t size;
    uint64_t hash;
    Status st = checkpoint_copy(from, to, &size, &hash, err);
    if (!st && (size != file->size || hash != file->hash)) {
        st = error_set(err, ST_RUNTIME,
                       "'" STR_FMT "' is not what the checkpoint wrote: %s differs", STR_ARG(from),
                       size != file->size ? "its size" : "its hash");
        error_hint(err, "begin from another checkpoint or savepoint: --from-savepoint");
    }
    arena_clear(&arena);
    return st;
}

Status disk_files_bring(Str path, const Checkpoint *from, uint32_t worker, Str dir, bool *found,
                        Error *err) {
    *found = false;
    for (uint32_t i = 0; i < from->disk_file_count; i++) {
        const DiskFile *file = &from->disk_file[i];
        if (file->worker != worker) continue;
        if (!*found) TRY(os()->make_dirs(dir, err));
        *found = true;
        TRY(bring_file(path, file, dir, err));
    }
    return ST_OK;
}
