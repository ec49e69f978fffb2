// watch/inbox.h - what others push: a log on disk that the detection job reads as a source with
// offsets. Whoever pushed is answered after inbox_commit, which is one sync for all that came
// together; from then on a point is judged exactly once, whatever dies.
//
//   DIR/inbox/NNNNNNNN   frames of points, each with its hash; a new file every INBOX_FILE_BYTES
//
// A position is a file and a byte. Files are removed when a checkpoint is past them. A file whose
// tail is torn ends there: nobody was promised what stood in it, and the next run begins another.
//
// Threads: any number append; each reader belongs to one.
#pragma once

#include "os/os.h"

typedef struct Inbox Inbox;
typedef struct InboxReader InboxReader;

enum { INBOX_FILE_BYTES = 32 << 20 };

typedef struct InboxPoint {
    int64_t key;  // of the metric; negative: no point, but a question (value: an InboxQuestion)
    int64_t ts_ms;
    double value;
} InboxPoint;

// What the warden asks a metric's judge (silence.h).
typedef enum InboxQuestion {
    ASK_SILENT,  // has the metric stopped to report?
    ASK_WAKE,    // nothing; but the judge says how patient it is
    ASK_GROUP,   // has its whole group, for which it is to speak?
    ASK_BACK,    // nothing: another metric of the group is heard again
} InboxQuestion;

typedef struct InboxPosition {
    uint32_t file;  // 0: the oldest there is
    int64_t byte;
} InboxPosition;

NODISCARD Status inbox_open(Str dir, Inbox **out, Error *err);
void inbox_close(Inbox *inbox);  // NULL is fine

// Not seen by readers before the commit. [count] points at most 1 << 19.
void inbox_append(Inbox *inbox, const InboxPoint *point, uint32_t count);
// All that was appended, by whomever, is durable. On failure none of it is.
NODISCARD Status inbox_commit(Inbox *inbox, Error *err);
// Points that were committed since the start; bytes that no reader has come to.
uint64_t inbox_points(Inbox *inbox);
int64_t inbox_backlog(Inbox *inbox);
// Files before [position] will not be read again.
NODISCARD Status inbox_forget(Inbox *inbox, InboxPosition position, Error *err);

// ST_RUNTIME: files between [from] and now are gone.
NODISCARD Status inbox_reader_open(Inbox *inbox, InboxPosition from, InboxReader **out,
                                   Error *err);
void inbox_reader_close(InboxReader *reader);  // NULL is fine
// The next points, a frame's at most; *count 0: there are none now. Good until the next call.
NODISCARD Status inbox_read(InboxReader *reader, const InboxPoint **point, uint32_t *count,
                            Error *err);
// Behind what was read last.
InboxPosition inbox_position(const InboxReader *reader);
// Until something is there, at most [ms].
void inbox_wait(InboxReader *reader, int64_t ms);
