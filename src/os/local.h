// os/local.h - streams between the processes of one user on one machine: unix domain sockets.
//
// A socket's file can be used by its owner alone (mode 0600), and lies in a directory that is the
// owner's alone. Threads: a descriptor belongs to one at a time.
#pragma once

#include "os/os.h"

// A directory that nobody else may enter; made when it is not there. ST_IO when it is another's.
NODISCARD Status local_private_dir(Str path, Error *err);
// Listens at [path]; what an ended process left there is replaced.
NODISCARD Status local_listen(Str path, int *fd, Error *err);
// The next one who connects; blocking.
NODISCARD Status local_accept(int fd, int *client, Error *err);
// ST_CONNECT when nobody listens there.
NODISCARD Status local_connect(Str path, int *fd, Error *err);
// Waits until one of the two can be read, [ms] at most (-1: for ever). [b]: or -1.
NODISCARD bool local_wait(int a, int b, int ms);
NODISCARD Status local_write(int fd, Str bytes, Error *err);
// Until the other side closes, [size_max] bytes at most.
NODISCARD Status local_read_all(int fd, size_t size_max, Buf *out, Error *err);
// Until the end of a line, which is not part of it; [ms] at most for all of it.
NODISCARD Status local_read_line(int fd, size_t size_max, int ms, Buf *out, Error *err);
void local_close(int fd);  // -1 is fine
// Two ends of a pipe: for waking local_wait.
NODISCARD Status local_pipe(int end[2], Error *err);
bool local_write_byte(int fd);  // into a pipe
