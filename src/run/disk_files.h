// run/disk_files.h - the files of RocksDB's databases in checkpoints, brought back to where they
// can be read.
#pragma once

#include "base/map.h"
#include "ckpt/store.h"

// Puts the files that [worker] left in the checkpoint at [path] into [dir]; *found: there are any.
NODISCARD Status disk_files_bring(Str path, const Checkpoint *from, uint32_t worker, Str dir,
                                  bool *found, Error *err);
// A directory that holds files alone, with them. What cannot be removed is left.
void disk_files_remove(Str dir);
// A directory of nobody's for such files, where [config] (NULL: no options) has them; not made.
Str disk_files_room(Arena *arena, const Map *config);
