// connector/file/file_bytes.h - a file's bytes in order, inflated on the way when its name says
// that it is compressed (.gz, .gzip, .deflate; as Flink, by the name alone).
#pragma once

#include "os/os.h"

typedef struct FileBytes FileBytes;

// Opens [path] at [offset], which counts inflated bytes: a compressed file is read up to there.
NODISCARD Status file_bytes_open(Str path, int64_t offset, FileBytes **out, Error *err);
// Fills [to] with the next [size] bytes; *got is less only at the end of the file.
NODISCARD Status file_bytes_read(FileBytes *self, char *to, size_t size, size_t *got, Error *err);
void file_bytes_close(FileBytes *self);  // NULL is fine
