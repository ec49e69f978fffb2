// watch/history_int.h - shared by history.c and history_drop.c, and nobody else.
#pragma once

#include "base/map.h"
#include "os/os.h"
#include "watch/history.h"

enum {
    HISTORY_FRAME_MAX = 1 << 24,       // no frame is longer
    HISTORY_FRAME_POINTS = 0x706f696e, // "poin"
    HISTORY_FRAME_BLOCK = 0x626c6f63,  // "bloc"
};

typedef struct FrameHead {
    uint32_t kind, size;  // of what follows
    uint64_t hash;        // of it, seeded with kind
} FrameHead;

typedef struct PointEntry {
    int64_t key, ts_ms;
    double value;
    int64_t step_ms;
} PointEntry;

// The front of a block; its bytes follow.
typedef struct BlockHead {
    int64_t key, from_ms, step_ms;
    uint32_t count, size;
} BlockHead;

// Where a block lies.
typedef struct Block {
    int64_t from_ms;
    uint32_t segment, offset;  // of the BlockHead
    uint32_t count, step_ms;
    uint32_t size;  // of its frame, with the frame's head
} Block;

typedef struct Line {  // of one metric
    int64_t key;
    Block *block;  // in the order in which they were written
    uint32_t blocks, block_cap;
    // The head: points from [from_ms] on, NAN where there is none.
    double *head;
    uint32_t count, cap;
    int64_t from_ms, step_ms;
    int64_t first_ms, last_ms;  // of all points; first > last: there are none
    uint64_t points;
} Line;

// A file that is being read: it stays open until the last reader has gone.
typedef struct SegmentFile {
    OsFile *file;
    uint32_t users;
    bool retired;  // another has taken its place
} SegmentFile;

typedef struct Segment {
    uint32_t number;
    SegmentFile *in;     // NULL: nothing of it is left
    int64_t size, live;  // bytes; and those of blocks that somebody may still ask for
} Segment;

struct History {
    OsMonitor monitor;
    Str dir;         // owned
    Map lines;       // by the bytes of the key
    Segment *segment;
    uint32_t segments;
    OsFile *writing; // the last segment; NULL: none is open
    int64_t written; // bytes of it
    bool unsynced;   // blocks were written since it was synced
    OsFile *journal;
    uint32_t journal_number;
    int64_t journal_size;
    Buf pending;     // points that are to be written to the journal
    Buf scratch;
    uint64_t block_bytes, block_points, blocks, head_bytes;
};

Str history_path(const History *self, Arena *arena, const char *kind, uint32_t number);
Line *history_line(History *self, int64_t key);  // NULL: nobody has added to it
// A reader less. With the lock held.
void segment_file_leave(SegmentFile *in);
