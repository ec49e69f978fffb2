// os/draft.h - a file that is written now and seen later, or never: on a disk it has a hidden name
// until it is renamed, in S3 it is an upload until that is completed (with MinIO a hidden object,
// until it is copied). Its token tells another process how to show it, so that a checkpoint can
// hold it.
#pragma once

#include "os/os.h"

typedef struct Draft Draft;

// [path]: under which it will be seen; [hidden]: its name until then, where there are such.
NODISCARD Status draft_open(Str path, Str hidden, Draft **out, Error *err);
NODISCARD Status draft_write(Draft *self, const void *bytes, size_t size, Error *err);
// All is durable, and *token's from now on. The draft is gone, also on failure.
NODISCARD Status draft_finish(Draft *self, Buf *token, Error *err);
void draft_drop(Draft *self);  // with what was written; NULL is fine

// Whether draft_show has been called before, maybe by another process.
NODISCARD Status draft_is_shown(Str path, Str token, bool *shown, Error *err);
NODISCARD Status draft_show(Str path, Str token, Error *err);  // a second time changes nothing
void draft_discard(Str path, Str token);  // it will not be shown
