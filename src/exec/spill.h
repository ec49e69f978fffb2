// exec/spill.h - rows on disk: what sorts, joins and aggregations put aside when they reach their
// share of the memory.
//
// A SpillFile is a sequence of records, written once from front to back and read any number of
// times. Its name is taken away as soon as it is open, so that nothing is left behind however the
// process ends. Files lie in the directories of 'io.tmp.dirs' in turn; a full disk is an error that
// names the file.
//
// Memory: a writer and a reader hold a buffer of SPILL_BUFFER bytes each, more for a longer record;
//         that is not charged, the number of files that are open at a time is small.
// Threads: the worker's own.
#pragma once

#include "exec/operator.h"

enum { SPILL_BUFFER = 32 * 1024 };

typedef struct SpillFile {  // zero bytes: not open, empty
    OsFile *file;
    int64_t size;     // written, and still in the buffer
    uint64_t rows;
    Buf out;          // the end of it, not written yet
} SpillFile;

// Appends one record, opening the file when it is the first.
NODISCARD Status spill_put(SpillFile *self, const OpEnv *env, Str record, Error *err);
// All that was put can be read. The writing buffer goes.
NODISCARD Status spill_seal(SpillFile *self, Error *err);
void spill_close(SpillFile *self);  // and with it go its bytes

// Reads the records from one offset of a sealed file up to another.
typedef struct SpillReader {
    const SpillFile *file;
    int64_t next, end;     // what to read
    Buf bytes;
    size_t at;
} SpillReader;

void spill_read(SpillReader *self, const SpillFile *file, int64_t from, int64_t end);
// The next record, good until the call after it; *record has a NULL pointer at the end.
NODISCARD Status spill_next(SpillReader *self, Str *record, Error *err);
void spill_read_end(SpillReader *self);

// Bytes that one of the job's operators may hold before it spills.
int64_t spill_share(const OpEnv *env);
