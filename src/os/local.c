// What another process sends is foreign input: lengths are bounded, and it cannot make us wait.
#include "os/local.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static Status failed(const char *what, Str path, Error *err) {
    char reason[128];
    const char *text = strerror_r(errno, reason, sizeof reason);
    return error_set(err, ST_IO, "cannot %s '" STR_FMT "': %s", what, STR_ARG(path), text);
}

Status local_private_dir(Str path, Error *err) {
    enum { MODE_OWNER = 0700, MODE_OTHERS = 077 };
    Arena arena = {0};
    const char *name = str_cstr(&arena, path);
    struct stat stat;
    Status st = ST_OK;
    if (mkdir(name, MODE_OWNER) && errno != EEXIST) {
        st = failed("make the directory", path, err);
    } else if (lstat(name, &stat)) {
        st = failed("look at", path, err);
    } else if (!S_ISDIR(stat.st_mode) || stat.st_uid != geteuid() || stat.st_mode & MODE_OTHERS) {
        st = error_set(err, ST_IO, "'" STR_FMT "' is not a directory of this user's alone",
                       STR_ARG(path));
        error_hint(err, "remove it, or name another one in the variable WEIR_RUNTIME_DIR");
    }
    arena_clear(&arena);
    return st;
}

static Status address_of(Str path, struct sockaddr_un *out, Error *err) {
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path.len >= sizeof out->sun_path) {
        return error_set(err, ST_IO, "'" STR_FMT "' is too long for the path of a socket",
                         STR_ARG(path));
    }
    memcpy(out->sun_path, path.ptr, path.len);
    return ST_OK;
}

static Status socket_new(int *fd, Error *err) {
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return *fd < 0 ? failed("make", STR("a socket"), err) : ST_OK;
}

Status local_listen(Str path, int *out, Error *err) {
    enum { WAITING_MAX = 16, MODE_OWNER = 0600 };
    struct sockaddr_un address;
    int fd;
    TRY(address_of(path, &address, err));
    TRY(socket_new(&fd, err));
    (void)unlink(address.sun_path);
    const struct sockaddr *to = (const struct sockaddr *)(const void *)&address;
    // The directory keeps others away until the mode is set.
    if (bind(fd, to, sizeof address) || chmod(address.sun_path, MODE_OWNER) ||
        listen(fd, WAITING_MAX)) {
        Status st = failed("listen at", path, err);
        local_close(fd);
        return st;
    }
    *out = fd;
    return ST_OK;
}

Status local_accept(int fd, int *client, Error *err) {
    *client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    return *client < 0 ? failed("accept on", STR("a socket"), err) : ST_OK;
}

Status local_connect(Str path, int *out, Error *err) {
    struct sockaddr_un address;
    int fd;
    TRY(address_of(path, &address, err));
    TRY(socket_new(&fd, err));
    const struct sockaddr *to = (const struct sockaddr *)(const void *)&address;
    if (connect(fd, to, sizeof address)) {
        bool nobody = errno == ECONNREFUSED || errno == ENOENT;
        (void)failed("connect to", path, err);
        local_close(fd);
        return nobody ? ST_CONNECT : ST_IO;
    }
    *out = fd;
    return ST_OK;
}

bool local_wait(int a, int b, int ms) {
    struct pollfd at[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    int ready;
    do {
        ready = poll(at, b < 0 ? 1 : 2, ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

Status local_write(int fd, Str bytes, Error *err) {
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return failed("write to", STR("a socket"), err);
        bytes = str_sub(bytes, (uint32_t)sent, bytes.len);
    }
    return ST_OK;
}

static Status read_some(int fd, void *bytes, size_t size, size_t *got, Error *err) {
    ssize_t count;
    do {
        count = read(fd, bytes, size);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return failed("read from", STR("a socket"), err);
    *got = (size_t)count;
    return ST_OK;
}

Status local_read_all(int fd, size_t size_max, Buf *out, Error *err) {
    char bytes[4096];
    size_t got = 0;
    do {
        TRY(read_some(fd, bytes, sizeof bytes, &got, err));
        if (out->len + got > size_max) return error_set(err, ST_IO, "an answer is too long");
        buf_put(out, bytes, got);
    } while (got);
    return ST_OK;
}

Status local_read_line(int fd, size_t size_max, int ms, Buf *out, Error *err) {
    int64_t until = os_monotonic_ns() / 1000000 + ms;
    for (;;) {
        int64_t left = until - os_monotonic_ns() / 1000000;
        if (left <= 0 || !local_wait(fd, -1, (int)left)) {
            return error_set(err, ST_IO, "a request does not come to its end");
        }
        char byte;
        size_t got = 0;
        TRY(read_some(fd, &byte, 1, &got, err));
        if (!got || out->len == size_max) return error_set(err, ST_IO, "a request is not whole");
        if (byte == '\n') return ST_OK;
        buf_putc(out, byte);
    }
}

void local_close(int fd) {
    if (fd >= 0) (void)close(fd);
}

Status local_pipe(int end[2], Error *err) {
    return pipe2(end, O_CLOEXEC) ? failed("make", STR("a pipe"), err) : ST_OK;
}

bool local_write_byte(int fd) {
    return write(fd, "", 1) == 1;
}
