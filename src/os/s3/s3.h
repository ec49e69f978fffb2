// os/s3/s3.h - objects in S3 and what speaks its protocol (MinIO, Ceph, R2, ...), as files.
//
// A path is s3://bucket/key (s3a:// and s3p:// mean the same). The table of os/os.h sends such
// paths here. What is different from files of a disk:
//   - what is written is seen when the file is synced or closed, whole or not at all;
//   - nothing is appended and nothing is renamed: what must not be seen yet is an upload;
//   - directories are prefixes of keys: they are there as long as something lies in them.
//
// Requests are signed (AWS Signature Version 4), time out, and are tried again, with pauses that
// grow, when the server is overloaded or out of reach.
//
// Threads: all functions but those of one S3File or S3Upload may be called by any. All block.
#pragma once

#include "os/os.h"

bool s3_path(Str path);  // it is for here

// 's3.endpoint', 's3.access-key' … as Flink's file system plug-ins name them (s3_config.c has the
// list); '.' and '-' are the same in them. [value] NULL: not set. They hold for the whole process.
// False when the key is none of these.
bool s3_option(Str key, const char *value);

// ---- files --------------------------------------------------------------------------------------

typedef struct S3File S3File;

// *out is NULL when it is to be held (OS_HOLD) and somebody else does.
NODISCARD Status s3_open(Str path, int mode, S3File **out, Error *err);
NODISCARD Status s3_read_at(S3File *file, int64_t offset, void *bytes, size_t size, size_t *got,
                            Error *err);
NODISCARD Status s3_write(S3File *file, const void *bytes, size_t size, Error *err);
// Nothing can be written after it. Of one that is held: whether it still is (s3_hold.c).
NODISCARD Status s3_sync(S3File *file, Error *err);
NODISCARD Status s3_close(S3File *file, Error *err);
NODISCARD Status s3_remove(Str path, Error *err);    // fine when it is not there
NODISCARD Status s3_stat(Str path, OsStat *out, Error *err);
NODISCARD Status s3_list(Str path, OsVisit visit, void *arg, Error *err);

// ---- uploads ------------------------------------------------------------------------------------

// An object that is sent in parts and seen when the upload is completed, maybe by another process.
typedef struct S3Upload S3Upload;

// [hidden]: a path beside it for stores whose uploads are not safe (s3_upload.c); empty: none.
NODISCARD Status s3_upload_open(Str path, Str hidden, S3Upload **out, Error *err);
NODISCARD Status s3_upload_write(S3Upload *self, const void *bytes, size_t size, Error *err);
// All is with the server; *token is what another process needs to complete or abort the upload.
NODISCARD Status s3_upload_finish(S3Upload *self, Buf *token, Error *err);
void s3_upload_free(S3Upload *self);  // aborts what is not finished; NULL is fine
// Shows the object; a second time changes nothing. ST_RUNTIME when it is not there and can never
// be.
NODISCARD Status s3_upload_complete(Str path, Str token, Error *err);
// Whether it has been completed before (or aborted).
NODISCARD Status s3_upload_over(Str path, Str token, bool *over, Error *err);
NODISCARD Status s3_upload_abort(Str path, Str token, Error *err);
