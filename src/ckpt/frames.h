// ckpt/frames.h - a snapshot file: what one worker had in its state at one checkpoint.
//
// A file is a head and frames, each with the hash of its bytes and of its place; the last one is
// PART_END. What stands in a frame is the writer's matter, but for the names that lead it
// (FrameName), so that a tool can list a snapshot without knowing its operators.
//
// Threads: a writer's bytes belong to one thread until they are handed on.
#pragma once

#include "os/os.h"

typedef enum PartKind {
    PART_TABLE = 1,  // a state table begins: FrameTable
    PART_REMOVED,    // u32 number of the table in this file; u32 size and key, again and again
    PART_ROWS,       // the same number; rows as state/rows.h writes them
    PART_OPERATOR,   // FrameName, then what the operator keeps beside its tables
    PART_SOURCE,     // FrameName, then the reader's position
    PART_SINK,       // FrameName, then what is to be committed when the checkpoint is complete
    PART_END,        // u64 count of the frames before it
    PART_IN_FLIGHT,  // FrameName of an exchange, then what was on its way through it
    PART_ON_DISK,    // number of a table whose rows lie in DiskFiles; u64 how many
    PART_MORE,  // FrameName, then more of what the operator keeps beside its tables; the last kind
} PartKind;

// Whose state a frame holds.
typedef struct FrameName {
    uint64_t operator_id;  // stable id
    Str name;              // "group-aggregate"
    uint32_t ordinal;      // among the operators of that id and name in one worker
} FrameName;

typedef struct FrameTable {
    uint64_t operator_id;
    Str name;              // of the table
    uint32_t version;
    Str key, value;        // types as text
} FrameTable;

typedef struct FrameHead {
    uint64_t checkpoint;
    uint32_t worker, workers;
} FrameHead;

// ---- writing -----------------------------------------------------------------------------------

// Bytes to be written to the file in order. The owner takes [bytes] away when they are many.
typedef struct FrameWriter {
    Buf bytes;
    uint64_t written;  // bytes taken away already
    uint64_t frames;
    uint64_t digest;   // of head and frames so far: tells the file from all others
    size_t open_at;    // the frame being put begins there
    bool loose;        // frames have no hashes yet, nor is there a head
} FrameWriter;

void frames_begin(FrameWriter *writer, const FrameHead *head);
// A writer of frames for another writer, often another thread's, which gives them their hashes.
void frames_begin_loose(FrameWriter *writer);
// Takes over the bytes of a loose writer; what is left in the buffer is the caller's to free.
void frames_join(FrameWriter *writer, Buf *loose);
void frames_put(FrameWriter *writer, PartKind kind, Str bytes);
void frames_put_table(FrameWriter *writer, const FrameTable *table);
void frames_put_rows(FrameWriter *writer, PartKind kind, uint32_t table, Str bytes);
// The same in two steps: the rows are put at the end of what frames_rows_begin returns.
Buf *frames_rows_begin(FrameWriter *writer, uint32_t table);
void frames_rows_end(FrameWriter *writer);
void frames_put_named(FrameWriter *writer, PartKind kind, const FrameName *name, Str bytes);
void frames_end(FrameWriter *writer);
// What is there so far; the writer goes on with an empty buffer.
Buf frames_take(FrameWriter *writer);
// The same, when they have been written: the buffer is used again.
void frames_drop(FrameWriter *writer);

// ---- reading -----------------------------------------------------------------------------------

typedef struct FrameReader FrameReader;

// ST_IO or ST_RUNTIME with the file's name and the byte when it is no snapshot or damaged.
NODISCARD Status frames_open(Str path, FrameReader **out, FrameHead *head, Error *err);
// The next frame; its bytes are good until the next call. PART_END at the end.
NODISCARD Status frames_next(FrameReader *reader, PartKind *kind, Str *bytes, Error *err);
// The digest of what has been read; at the end it is the writer's.
uint64_t frames_digest(const FrameReader *reader);
void frames_close(FrameReader *reader);
// What a PART_TABLE, a frame of rows or a named frame begins with; *rest is what follows.
NODISCARD Status frame_table(Str bytes, FrameTable *out, Error *err);
NODISCARD Status frame_rows(Str bytes, uint32_t *table, Str *rest, Error *err);
NODISCARD Status frame_name(Str bytes, FrameName *out, Str *rest, Error *err);
