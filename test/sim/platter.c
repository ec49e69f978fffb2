// A disk with the promises of POSIX and no more: what was written to a file is there after a crash
// only if the file was synced, and a name is there (or gone, or moved) only if its directory was.
// Without a sync anything may have become of it: nothing, all, a part, or rubbish. A sync that
// failed has thrown away what it was to write, as Linux does.
#include <stdlib.h>

#include "base/assert.h"
#include "base/map.h"
#include "world.h"

typedef struct Node Node;

// A change of a directory that is not durable yet.
typedef struct Change {
    char *from, *to;  // owned; NULL: a new name, a name that goes
    Node *node;
} Change;

struct Node {
    bool is_dir;
    bool broken;         // a sync has failed: what it was to write never comes
    Buf live, durable;   // bytes of a file
    Map names, durable_names;  // of a directory: name -> node
    Change *change;
    uint32_t changes;
    int64_t modified_ms;
    Node *next;          // of all there are
};

struct OsFile {
    Node *node;
    char *path;  // owned
    bool scratch;
};

static struct {
    Node *root, *all;
} platter;

// ---- nodes -------------------------------------------------------------------------------------

static Node *node_new(bool is_dir) {
    Node *node = NEW(Node);
    node->is_dir = is_dir;
    node->modified_ms = world_now_ms();
    node->next = platter.all;
    platter.all = node;
    return node;
}

static void forget_changes(Node *dir) {
    for (uint32_t i = 0; i < dir->changes; i++) {
        mem_free(dir->change[i].from);
        mem_free(dir->change[i].to);
    }
    mem_free(dir->change);
    dir->change = NULL;
    dir->changes = 0;
}

void platter_free(void) {
    while (platter.all) {
        Node *node = platter.all;
        platter.all = node->next;
        forget_changes(node);
        map_clear(&node->names);
        map_clear(&node->durable_names);
        buf_free(&node->live);
        buf_free(&node->durable);
        mem_free(node);
    }
    platter.root = NULL;
}

void platter_format(void) {
    platter_free();
    platter.root = node_new(true);
}

static void apply(Map *names, const Change *change) {
    if (change->from) (void)map_remove(names, str_c(change->from));
    if (change->to) (void)map_put(names, str_c(change->to), change->node);
}

static char *name_new(Str name) {
    char *text = mem_alloc(name.len + 1u);
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    return text;
}

static void change_names(Node *dir, Str from, Str to, Node *node) {
    dir->change = mem_realloc(dir->change, (dir->changes + 1) * sizeof *dir->change);
    Change *change = &dir->change[dir->changes++];
    *change = (Change){from.len ? name_new(from) : NULL, to.len ? name_new(to) : NULL, node};
    apply(&dir->names, change);
}

// The directory that [path] lies in, and its last name; NULL when there is none. ".." goes up.
enum { DEPTH_MAX = 32 };
static Node *find_dir(Str path, Str *name) {
    Node *way[DEPTH_MAX];
    uint32_t depth = 0;
    way[0] = platter.root;
    *name = STR("");
    for (uint32_t at = 0; at < path.len;) {
        uint32_t end = at;
        while (end < path.len && path.ptr[end] != '/') end++;
        Str part = str_sub(path, at, end - at);
        at = end + 1;
        if (!part.len || str_is(part, ".")) continue;
        if (name->len) {
            Node *next = map_get(&way[depth]->names, *name);
            if (!next || !next->is_dir || depth + 1 == DEPTH_MAX) return NULL;
            way[++depth] = next;
        }
        *name = part;
        if (!str_is(part, "..")) continue;
        *name = STR("");
        if (depth) depth--;
    }
    return way[depth];
}

static Node *find(Str path) {
    Str name;
    Node *dir = find_dir(path, &name);
    return !dir || !name.len ? dir : map_get(&dir->names, name);
}

// ---- what a crash leaves -----------------------------------------------------------------------

static void crash_names(Node *dir) {
    uint64_t mode = chance_below(4);
    uint64_t first = chance_below(dir->changes + 1u);
    for (uint32_t i = 0; i < dir->changes; i++) {
        bool survives = mode == 1 ? true : mode == 2 ? i < first : mode == 3 && chance_below(2);
        if (survives) {
            apply(&dir->durable_names, &dir->change[i]);
        } else {
            fault(FAULT_WRITE_LOST);
        }
    }
    forget_changes(dir);
    map_clear(&dir->names);
    for (uint32_t i = 0; i < dir->durable_names.count; i++) {
        const MapEntry *entry = &dir->durable_names.entry[i];
        (void)map_put(&dir->names, entry->key, entry->value);
    }
}

static void crash_bytes(Node *file) {
    Buf *live = &file->live, *durable = &file->durable;
    file->broken = false;
    if (str_eq(buf_str(live), buf_str(durable))) return;
    bool grown = live->len > durable->len &&
                 (!durable->len || memcmp(live->ptr, durable->ptr, durable->len) == 0);
    uint64_t mode = chance_below(4);
    fault(mode >= 2 ? FAULT_WRITE_TORN : FAULT_WRITE_LOST);
    if (mode) {  // some of it came to the platter, maybe all
        size_t safe = grown ? durable->len : 0;
        size_t kept = mode == 1 ? live->len : safe + chance_below(live->len - safe + 1);
        durable->len = 0;
        buf_put(durable, live->ptr, kept);
        if (mode == 3) {  // blocks that were to be, and are not
            size_t from = safe + chance_below(kept - safe + 1);
            if (kept > from) memset(durable->ptr + from, 0, kept - from);
        }
    }
    live->len = 0;
    buf_put(live, durable->ptr, durable->len);
}

void platter_crash(void) {
    for (Node *node = platter.all; node; node = node->next) {
        if (node->is_dir) {
            crash_names(node);
        } else {
            crash_bytes(node);
        }
    }
}

// ---- calls -------------------------------------------------------------------------------------

// The directories that a path begins with are the same for all: not worth a word in a trace.
static Str brief(Str path) {
    return path.len > 60 ? str_sub(path, path.len - 60, path.len) : path;
}

static Status failed(const char *what, Str path, const char *why, Error *err) {
    return error_set(err, ST_IO, "cannot %s '" STR_FMT "': %s", what, STR_ARG(path), why);
}

// What may happen to any call: others go first, the process dies, it takes long, it fails.
static Status disk_call(const char *what, Str path, Error *err) {
    world_call();
    if (world.dead) return failed(what, path, "the process is dead", err);
    trace("%s " STR_FMT, what, STR_ARG(brief(path)));
    if (!world.faulty) return ST_OK;
    if (chance_in(world.plan.disk_slow)) {
        fault(FAULT_DISK_SLOW);
        fiber_sleep_ns(chance_between(1, 2000) * 1000000);
        if (world.dead) return failed(what, path, "the process is dead", err);
    }
    if (chance_in(world.plan.disk_error)) {
        fault(FAULT_DISK_ERROR);
        note("failed: %s " STR_FMT, what, STR_ARG(brief(path)));
        return failed(what, path, "Input/output error", err);
    }
    return ST_OK;
}

// The same for calls that need room.
static Status disk_call_room(const char *what, Str path, Error *err) {
    TRY(disk_call(what, path, err));
    if (world.faulty && chance_in(world.plan.disk_full)) {
        fault(FAULT_DISK_FULL);
        world.disk_full_until_ns = world.now_ns + chance_between(1, 1000) * 1000000;
    }
    if (world.now_ns >= world.disk_full_until_ns || !world.faulty) return ST_OK;
    note("no room: %s " STR_FMT, what, STR_ARG(brief(path)));
    return failed(what, path, "No space left on device", err);
}

static Status sim_open(Str path, int mode, OsFile **out, Error *err) {
    TRY(mode == OS_READ ? disk_call("open", path, err) : disk_call_room("create", path, err));
    Str name;
    Node *dir = find_dir(path, &name), *node = dir && name.len ? map_get(&dir->names, name) : NULL;
    if (!dir || (node && node->is_dir) || (mode == OS_READ && !node)) {
        return failed("open", path, "No such file or directory", err);
    }
    if (node && mode == OS_SCRATCH) return failed("create", path, "File exists", err);
    if (!node) {
        node = node_new(false);
        change_names(dir, (Str){0}, name, node);
    }
    if (mode == OS_WRITE) {  // all of it is written anew
        node->live.len = 0;
        node->broken = false;
    }
    *out = NEW(OsFile);
    **out = (OsFile){node, name_new(path), mode == OS_SCRATCH};
    return ST_OK;
}

static Status sim_read_at(OsFile *file, int64_t offset, void *bytes, size_t size, size_t *got,
                          Error *err) {
    TRY(disk_call("read", str_c(file->path), err));
    const Buf *live = &file->node->live;
    size_t left = (size_t)offset < live->len ? live->len - (size_t)offset : 0;
    *got = left < size ? left : size;
    if (*got) memcpy(bytes, live->ptr + offset, *got);
    return ST_OK;
}

static Status sim_write(OsFile *file, const void *bytes, size_t size, Error *err) {
    Status st = disk_call_room("write", str_c(file->path), err);
    if (world.dead) return st;
    buf_put(&file->node->live, bytes, st ? chance_below(size + 1) : size);
    file->node->modified_ms = world_now_ms();
    return st;
}

static Status sim_sync(OsFile *file, Error *err) {
    Node *node = file->node;
    Status st = disk_call("sync", str_c(file->path), err);
    if (world.dead) return st;
    node->broken |= st != ST_OK;
    if (node->broken) return st;
    node->durable.len = 0;
    buf_put(&node->durable, node->live.ptr, node->live.len);
    return ST_OK;
}

static Status sim_close(OsFile *file, Error *err) {
    if (!file) return ST_OK;
    Status st = disk_call("close", str_c(file->path), err);
    mem_free(file->path);
    mem_free(file);
    return st;
}

static Status sim_rename(Str from, Str to, Error *err) {
    Status st = disk_call("rename", from, err);
    if (world.dead || (st && chance_below(2))) return st;  // or it was done, in spite of all
    Str old_name, new_name;
    Node *dir = find_dir(from, &old_name), *to_dir = find_dir(to, &new_name);
    Node *node = dir && old_name.len ? map_get(&dir->names, old_name) : NULL;
    if (!node || !to_dir) return failed("rename", from, "No such file or directory", err);
    ASSERT(dir == to_dir);  // nobody moves files between directories
    change_names(dir, old_name, new_name, node);
    return st;
}

static Status sim_remove(Str path, Error *err) {
    Status st = disk_call("remove", path, err);
    if (world.dead || (st && chance_below(2))) return st;
    Str name;
    Node *dir = find_dir(path, &name), *node = dir && name.len ? map_get(&dir->names, name) : NULL;
    if (!node) return failed("remove", path, "No such file or directory", err);
    if (node->is_dir && node->names.count) {
        return failed("remove", path, "Directory not empty", err);
    }
    change_names(dir, name, (Str){0}, node);
    return st;
}

static Status sim_make_dirs(Str path, Error *err) {
    TRY(disk_call_room("make", path, err));
    for (uint32_t end = 1; end <= path.len; end++) {
        if (end < path.len && path.ptr[end] != '/') continue;
        Str name, part = str_sub(path, 0, end);
        Node *dir = find_dir(part, &name), *node;
        if (!dir) return failed("make", path, "Not a directory", err);
        node = name.len ? map_get(&dir->names, name) : dir;
        if (node && !node->is_dir) return failed("make", path, "File exists", err);
        if (node) continue;
        change_names(dir, (Str){0}, name, node_new(true));
        apply(&dir->durable_names, &dir->change[dir->changes - 1]);  // see os/os.h
    }
    return ST_OK;
}

static Status sim_sync_dir(Str path, Error *err) {
    TRY(disk_call("sync directory", path, err));
    Node *dir = find(path);
    if (!dir || !dir->is_dir) return failed("sync", path, "No such file or directory", err);
    for (uint32_t i = 0; i < dir->changes; i++) apply(&dir->durable_names, &dir->change[i]);
    forget_changes(dir);
    return ST_OK;
}

static Status sim_stat(Str path, OsStat *out, Error *err) {
    TRY(disk_call("look at", path, err));
    const Node *node = find(path);
    *out = (OsStat){0};
    if (node) *out = (OsStat){true, node->is_dir, (int64_t)node->live.len, node->modified_ms};
    return ST_OK;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The names of [dir] in order; each, and the array, is the caller's.
static char **names_of(const Node *dir, uint32_t *count) {
    *count = dir->names.count;
    char **name = NEW_ARRAY(char *, *count + 1);
    for (uint32_t i = 0; i < *count; i++) name[i] = name_new(dir->names.entry[i].key);
    qsort(name, *count, sizeof *name, by_bytes);
    return name;
}

static Status sim_list(Str path, OsVisit visit, void *arg, Error *err) {
    TRY(disk_call("list", path, err));
    const Node *dir = find(path);
    if (!dir || !dir->is_dir) return failed("list", path, "No such file or directory", err);
    uint32_t count;
    char **name = names_of(dir, &count);
    Status st = ST_OK;
    for (uint32_t i = 0; i < count; i++) {
        if (!st) st = visit(arg, str_c(name[i]), err);
        mem_free(name[i]);
    }
    mem_free(name);
    return st;
}

void platter_into(Os *table) {
    table->open = sim_open;
    table->read_at = sim_read_at;
    table->write = sim_write;
    table->sync = sim_sync;
    table->close = sim_close;
    table->rename = sim_rename;
    table->remove = sim_remove;
    table->make_dirs = sim_make_dirs;
    table->sync_dir = sim_sync_dir;
    table->stat = sim_stat;
    table->list = sim_list;
}

// ---- for jobs and their judge ------------------------------------------------------------------

// Below [dir], made if there is none, and durable at once.
static Node *put_node(Node *dir, Str name, bool is_dir) {
    Node *node = map_get(&dir->names, name);
    if (node) return node;
    node = node_new(is_dir);
    (void)map_put(&dir->names, name, node);
    (void)map_put(&dir->durable_names, name, node);
    return node;
}

void platter_put(Str path, Str bytes) {
    Node *node = platter.root;
    while (path.len) {
        ASSERT(path.ptr[0] == '/');
        path = str_sub(path, 1, path.len);
        int64_t slash = str_find(path, STR("/"), 0);
        uint32_t end = slash < 0 ? path.len : (uint32_t)slash;
        node = put_node(node, str_sub(path, 0, end), slash >= 0);
        path = str_sub(path, end, path.len);
    }
    buf_put(&node->live, bytes.ptr, bytes.len);
    buf_put(&node->durable, bytes.ptr, bytes.len);
}

static void lines_below(const Node *dir, Buf *path, void (*line)(void *arg, Str file, Str text),
                        void *arg) {
    uint32_t count;
    char **name = names_of(dir, &count);
    for (uint32_t i = 0; i < count; i++) {
        const Node *node = map_get(&dir->names, str_c(name[i]));
        size_t len = path->len;
        buf_printf(path, "/%s", name[i]);
        bool visible = name[i][0] != '.';
        if (name[i][0] == '_') line(arg, str_make(path->ptr, len), str_c(name[i]));
        mem_free(name[i]);
        if (node->is_dir) {
            lines_below(node, path, line, arg);
        } else if (visible) {
            Str rest = buf_str(&node->live);
            while (rest.len) {
                int64_t end = str_find(rest, STR("\n"), 0);
                uint32_t stop = end < 0 ? rest.len : (uint32_t)end;
                line(arg, str_make(path->ptr, len), str_sub(rest, 0, stop));
                rest = str_sub(rest, stop + 1, rest.len);
            }
        }
        path->len = len;
    }
    mem_free(name);
}

void platter_lines(Str path, void (*line)(void *arg, Str file, Str text), void *arg) {
    const Node *dir = find(path);
    Buf at = {0};
    if (dir) lines_below(dir, &at, line, arg);
    buf_free(&at);
}
