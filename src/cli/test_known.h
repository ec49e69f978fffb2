// cli/test_known.h - the list of cases that are known to fail: `path:record` a line, the path below
// the folder of the list, records counted from 1, '#' begins a comment.
#pragma once

#include "base/map.h"

typedef struct KnownFailures {
    char *folder;  // owned; absolute, of the list
    Map files;     // absolute path -> KnownFile
    uint32_t count;
    char *path;    // owned; as given, for messages
} KnownFailures;

NODISCARD Status known_read(const char *path, KnownFailures *out, Error *err);
void known_clear(KnownFailures *known);

// Whether record [record] (counted from 1) of the file at absolute path [path] is listed.
bool known_has(const KnownFailures *known, Str path, uint32_t record);

// Lines of the list that name no case: of files that are gone, or, for the file just run, records
// beyond its [record_count]. Prints a line for each to [out]; returns how many.
uint32_t known_check_file(const KnownFailures *known, Str path, uint32_t record_count, Buf *out);
uint32_t known_check_gone(const KnownFailures *known, Buf *out);
