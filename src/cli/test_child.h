// cli/test_child.h - the child's side of cli/test_pool.h, and what the two say to each other.
#pragma once

#include "cli/test_pool.h"

typedef enum MessageKind {
    MESSAGE_BEGIN,   // a record is begun
    MESSAGE_REPLAY,  // the same, silently
    MESSAGE_PASSED,
    MESSAGE_DIFFERS,  // bytes: the report
    MESSAGE_ANSWER,   // bytes: kind, comment, NUL, answer, NUL
    MESSAGE_FAILURE,  // of the file as such; bytes: why
    MESSAGE_END,      // all records are through
} MessageKind;

// Heads each message on the pipe; [size] bytes follow.
typedef struct Message {
    uint32_t kind, record, size;
} Message;

// Runs [run] from record [from] (an index) on, telling [fd]; [output] is the file that standard
// output and error go to, emptied before each record. Returns the exit code.
int case_child(const CasePool *pool, const CaseRun *run, uint32_t from, const char *tmp, int fd,
               int output);
