// connector/file/file_commit.h - when a partition that a sink writes is complete, and what is done
// then. The files of a partition become visible with their checkpoint; the partition is committed
// (its success file written) when the trigger of the table says so and all writers have come as
// far.
//
// Threads: one committer serves all writers of a sink, each from its own worker; it locks.
#pragma once

#include "connector/file/file_int.h"

typedef struct FileCommitter FileCommitter;

// The committer of [spec]'s sink, one more user; *out is NULL where nothing is to be done for
// partitions. ST_RUNTIME for policies that cannot be had.
NODISCARD Status committer_open(const SinkSpec *spec, const FileTable *table, const TaskEnv *env,
                                FileCommitter **out, Error *err);
void committer_close(FileCommitter *self);  // NULL is fine

// A file has been begun in [directory].
void committer_wrote(FileCommitter *self, Str directory);
void committer_watermark(FileCommitter *self, uint32_t writer, int64_t ms);
// Writer [writer] has made all files of [checkpoint] visible (UINT64_MAX: the end of its input).
NODISCARD Status committer_arrived(FileCommitter *self, uint32_t writer, uint64_t checkpoint,
                                   Error *err);

// The partitions that are not committed yet, for a snapshot, and back.
void committer_save(FileCommitter *self, Buf *out);
bool committer_load(FileCommitter *self, Str bytes);

// Whether the list "a, b" names [policy].
bool policy_named(Str list, Str policy);
