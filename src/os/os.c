// The real system behind os/os.h.
#include "os/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/s3/s3.h"

struct OsFile {
    int fd;
    char *path;      // owned; for messages
    S3File *object;  // in S3; else NULL
};

enum { OS_PATH_MAX = 4096 };

// A NUL-terminated copy on the caller's stack.
static Status path_of(Str path, char out[OS_PATH_MAX], Error *err) {
    if (path.len >= OS_PATH_MAX || (path.len && memchr(path.ptr, 0, path.len))) {
        return error_set(err, ST_IO, "path too long or malformed: '%.64s…'", path.ptr);
    }
    if (path.len) memcpy(out, path.ptr, path.len);
    out[path.len] = 0;
    return ST_OK;
}

static Status io_error(Error *err, const char *what, const char *path) {
    char reason[128];
    const char *text = strerror_r(errno, reason, sizeof reason);
    return error_set(err, ST_IO, "cannot %s '%s': %s", what, path, text);
}

static int64_t real_now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_monotonic_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t real_random(void) {
    uint64_t value = 0;
    if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) {
        value = (uint64_t)real_monotonic_ns();
    }
    return value;
}

static void real_sleep_ms(int64_t ms) {
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&span, NULL);
}

static Status real_open(Str path, int mode, OsFile **out, Error *err) {
    char name[OS_PATH_MAX];
    if (s3_path(path)) {
        S3File *object;
        TRY(s3_open(path, mode, &object, err));
        *out = NULL;
        if (!object) return ST_OK;
        *out = NEW(OsFile);
        (*out)->object = object;
        return ST_OK;
    }
    TRY(path_of(path, name, err));
    static const int FLAGS[] = {
        [OS_READ] = O_RDONLY,
        [OS_WRITE] = O_WRONLY | O_CREAT | O_TRUNC,
        [OS_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
        [OS_SCRATCH] = O_RDWR | O_CREAT | O_EXCL,
        [OS_HOLD] = O_RDWR | O_CREAT,
    };
    int fd = open(name, FLAGS[mode] | O_CLOEXEC, mode == OS_SCRATCH ? 0600 : 0666);
    if (fd < 0) return io_error(err, mode == OS_READ ? "open" : "create", name);
    if (mode == OS_HOLD && flock(fd, LOCK_EX | LOCK_NB)) {
        bool held = errno == EWOULDBLOCK;
        Status st = held ? ST_OK : io_error(err, "hold", name);
        (void)close(fd);
        if (held) *out = NULL;
        return st;
    }
    OsFile *file = NEW(OsFile);
    file->fd = fd;
    file->path = mem_strdup(name);
    *out = file;
    return ST_OK;
}

static Status real_read_at(OsFile *file, int64_t offset, void *bytes, size_t size, size_t *got,
                           Error *err) {
    if (file->object) return s3_read_at(file->object, offset, bytes, size, got, err);
    size_t have = 0;
    while (have < size) {
        ssize_t n = pread(file->fd, (char *)bytes + have, size - have, offset + (int64_t)have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(err, "read", file->path);
        if (n == 0) break;
        have += (size_t)n;
    }
    *got = have;
    return ST_OK;
}

static Status real_write(OsFile *file, const void *bytes, size_t size, Error *err) {
    if (file->object) return s3_write(file->object, bytes, size, err);
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(file->fd, (const char *)bytes + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(err, "write", file->path);
        done += (size_t)n;
    }
    return ST_OK;
}

static Status real_sync(OsFile *file, Error *err) {
    if (file->object) return s3_sync(file->object, err);
    if (fdatasync(file->fd)) return io_error(err, "sync", file->path);
    return ST_OK;
}

static Status real_close(OsFile *file, Error *err) {
    if (!file) return ST_OK;
    Status st;
    if (file->object) {
        st = s3_close(file->object, err);
    } else {
        st = close(file->fd) ? io_error(err, "close", file->path) : ST_OK;
    }
    mem_free(file->path);
    mem_free(file);
    return st;
}

static Status real_rename(Str from, Str to, Error *err) {
    char old_name[OS_PATH_MAX], new_name[OS_PATH_MAX];
    if (s3_path(from) || s3_path(to)) {
        return error_set(err, ST_UNSUPPORTED, "cannot rename '" STR_FMT "': objects of S3 keep "
                         "their names", STR_ARG(from));
    }
    TRY(path_of(from, old_name, err));
    TRY(path_of(to, new_name, err));
    if (rename(old_name, new_name)) return io_error(err, "rename", old_name);
    return ST_OK;
}

static Status real_remove(Str path, Error *err) {
    if (s3_path(path)) return s3_remove(path, err);
    char name[OS_PATH_MAX];
    TRY(path_of(path, name, err));
    if (remove(name)) return io_error(err, "remove", name);
    return ST_OK;
}

static Status sync_name(const char *name, Error *err) {
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return io_error(err, "open", name);
    int failed = fsync(fd);
    (void)close(fd);
    return failed ? io_error(err, "sync", name) : ST_OK;
}

// Makes the directory [name], and its name durable, unless it is there.
static Status make_dir(const char *name, Error *err) {
    if (mkdir(name, 0777)) return errno == EEXIST ? ST_OK : io_error(err, "create", name);
    char parent[OS_PATH_MAX];
    const char *slash = strrchr(name, '/');
    size_t len = slash ? (size_t)(slash - name) : 0;
    memcpy(parent, name, len);
    parent[len] = 0;
    return sync_name(len ? parent : slash ? "/" : ".", err);
}

static Status real_make_dirs(Str path, Error *err) {
    if (s3_path(path)) return ST_OK;  // what lies in them makes them
    char name[OS_PATH_MAX];
    TRY(path_of(path, name, err));
    for (char *at = name + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        TRY(make_dir(name, err));
        *at = '/';
    }
    return make_dir(name, err);
}

static Status real_sync_dir(Str path, Error *err) {
    if (s3_path(path)) return ST_OK;
    char name[OS_PATH_MAX];
    TRY(path_of(path, name, err));
    return sync_name(name, err);
}

static Status real_stat(Str path, OsStat *out, Error *err) {
    if (s3_path(path)) return s3_stat(path, out, err);
    char name[OS_PATH_MAX];
    TRY(path_of(path, name, err));
    struct stat st;
    *out = (OsStat){0};
    if (stat(name, &st)) {
        if (errno == ENOENT || errno == ENOTDIR) return ST_OK;
        return io_error(err, "look at", name);
    }
    *out = (OsStat){
        .exists = true,
        .is_dir = S_ISDIR(st.st_mode),
        .size = st.st_size,
        .modified_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
    };
    return ST_OK;
}

static int not_dots(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static Status real_list(Str path, OsVisit visit, void *arg, Error *err) {
    if (s3_path(path)) return s3_list(path, visit, arg, err);
    char name[OS_PATH_MAX];
    TRY(path_of(path, name, err));
    struct dirent **entries;
    int count = scandir(name, &entries, not_dots, by_bytes);
    if (count < 0) return io_error(err, "list", name);
    Status st = ST_OK;
    for (int i = 0; i < count; i++) {
        if (!st) st = visit(arg, str_c(entries[i]->d_name), err);
        free(entries[i]);
    }
    free(entries);
    return st;
}

// ---- threads -----------------------------------------------------------------------------------

struct OsThread {
    pthread_t thread;
    void (*run)(void *arg);
    void *arg;
};

static void *real_thread_main(void *arg) {
    OsThread *self = arg;
    self->run(self->arg);
    return NULL;
}

static Status real_thread_start(void (*run)(void *arg), void *arg, OsThread **out, Error *err) {
    OsThread *self = NEW(OsThread);
    self->run = run;
    self->arg = arg;
    if (pthread_create(&self->thread, NULL, real_thread_main, self)) {
        mem_free(self);
        return error_set(err, ST_IO, "cannot start a thread");
    }
    *out = self;
    return ST_OK;
}

static void real_thread_join(OsThread *self) {
    if (!self) return;
    (void)pthread_join(self->thread, NULL);
    mem_free(self);
}

// Waits are by the clock that nobody sets.
static void real_monitor_init(OsMonitor *monitor) {
    pthread_condattr_t clock;
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&monitor->lock, NULL);
    (void)pthread_cond_init(&monitor->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
}

static void real_monitor_clear(OsMonitor *monitor) {
    (void)pthread_cond_destroy(&monitor->changed);
    (void)pthread_mutex_destroy(&monitor->lock);
}

static void real_lock(OsMonitor *monitor) {
    (void)pthread_mutex_lock(&monitor->lock);
}

static void real_unlock(OsMonitor *monitor) {
    (void)pthread_mutex_unlock(&monitor->lock);
}

static void real_wait(OsMonitor *monitor, int64_t ms) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&monitor->changed, &monitor->lock, &until);
}

static void real_tell(OsMonitor *monitor) {
    (void)pthread_cond_broadcast(&monitor->changed);
}

static void real_tell_one(OsMonitor *monitor) {
    (void)pthread_cond_signal(&monitor->changed);
}

static const Os REAL = {
    .now_ms = real_now_ms,
    .monotonic_ns = real_monotonic_ns,
    .random = real_random,
    .sleep_ms = real_sleep_ms,
    .open = real_open,
    .read_at = real_read_at,
    .write = real_write,
    .sync = real_sync,
    .close = real_close,
    .rename = real_rename,
    .remove = real_remove,
    .make_dirs = real_make_dirs,
    .sync_dir = real_sync_dir,
    .stat = real_stat,
    .list = real_list,
    .thread_start = real_thread_start,
    .thread_join = real_thread_join,
    .monitor_init = real_monitor_init,
    .monitor_clear = real_monitor_clear,
    .lock = real_lock,
    .unlock = real_unlock,
    .wait = real_wait,
    .tell = real_tell,
    .tell_one = real_tell_one,
};

static const Os *in_use = &REAL;

void os_thread_yields(void) {
#ifdef SCHED_IDLE
    const struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_IDLE, &none);
#endif
}

bool os_is_object(Str path) {
    return s3_path(path);
}

const Os *os(void) {
    return in_use;
}

void os_use(const Os *replacement) {
    in_use = replacement ? replacement : &REAL;
}

Status os_read_file(Str path, Buf *out, Error *err) {
    OsFile *file = NULL;
    TRY(os()->open(path, OS_READ, &file, err));
    Status st;
    size_t got = 0;
    enum { CHUNK = 1 << 16 };
    int64_t offset = 0;
    do {
        char *at = buf_reserve(out, CHUNK);
        st = os()->read_at(file, offset, at, CHUNK, &got, err);
        if (st) break;
        out->len += got;
        offset += (int64_t)got;
    } while (got == CHUNK);
    (void)os()->close(file, NULL);
    return st;
}

Status os_put_file(Str path, Str bytes, Error *err) {
    Arena arena = {0};
    OsFile *file = NULL;
    bool object = os_is_object(path);  // it is seen whole or not at all as it is
    uint32_t slash = path.len;
    while (slash && path.ptr[slash - 1] != '/') slash--;
    Str part = object ? path : str_printf(&arena, STR_FMT ".part", STR_ARG(path));
    Status st = os()->open(part, OS_WRITE, &file, err);
    if (st) goto done;
    st = os()->write(file, bytes.ptr, bytes.len, err);
    if (!st) st = os()->sync(file, err);
    Status closed = os()->close(file, st ? NULL : err);
    if (!st) st = closed;
    if (!st && !object) st = os()->rename(part, path, err);
    if (!st && !object) st = os()->sync_dir(str_sub(path, 0, slash ? slash - 1 : 0), err);

done:
    arena_clear(&arena);
    return st;
}

Status os_write_file(Str path, Str bytes, Error *err) {
    OsFile *file = NULL;
    TRY(os()->open(path, OS_WRITE, &file, err));
    Status st = os()->write(file, bytes.ptr, bytes.len, err);
    Status closed = os()->close(file, st ? NULL : err);
    return st ? st : closed;
}
