// fuzz_snapshot: the readers of checkpoints. Whatever bytes stand in a state file or a _metadata,
// they are read or refused with a message. The first byte chooses: a file as it is; a _metadata as
// it is; frames and a _metadata that have the right hashes and anything in them.
#include "base/assert.h"
#include "base/hash.h"
#include "ckpt/frames.h"
#include "ckpt/store.h"
#include "fuzz/fuzz.h"

// Every path is this file.
static Str whole;

static Status memory_open(Str path, int mode, OsFile **out, Error *err) {
    (void)path, (void)err;
    ASSERT(mode == OS_READ);
    *out = (OsFile *)&whole;
    return ST_OK;
}

static Status memory_read_at(OsFile *file, int64_t offset, void *bytes, size_t size, size_t *got,
                             Error *err) {
    (void)file, (void)err;
    Str rest = str_sub(whole, (uint32_t)offset, (uint32_t)size);
    if (rest.len) memcpy(bytes, rest.ptr, rest.len);
    *got = rest.len;
    return ST_OK;
}

static Status memory_close(OsFile *file, Error *err) {
    (void)file, (void)err;
    return ST_OK;
}

static Status memory_stat(Str path, OsStat *out, Error *err) {
    (void)path, (void)err;
    *out = (OsStat){.exists = true, .size = whole.len};
    return ST_OK;
}

static void read_frames(Str bytes) {
    whole = bytes;
    FrameReader *reader;
    FrameHead head;
    Error err = {0};
    if (frames_open(STR("a file"), &reader, &head, &err)) {
        ASSERT(err.message[0]);
        return;
    }
    PartKind kind = PART_TABLE;
    Status st = ST_OK;
    while (!st && kind != PART_END) {
        Str frame, rest;
        FrameTable table;
        FrameName name;
        uint32_t number;
        st = frames_next(reader, &kind, &frame, &err);
        if (st) break;
        if (kind == PART_TABLE) st = frame_table(frame, &table, &err);
        else if (kind == PART_ROWS) st = frame_rows(frame, &number, &rest, &err);
        else if (kind != PART_END) st = frame_name(frame, &name, &rest, &err);
        if (!st && kind != PART_TABLE && kind != PART_END) ASSERT(rest.len <= frame.len);
    }
    ASSERT(!st || err.message[0]);
    frames_close(reader);
}

static void read_metadata(Str bytes) {
    whole = bytes;
    Arena arena = {0};
    Checkpoint at;
    Error err = {0};
    Status st = checkpoint_read(&arena, STR("x/_metadata"), &at, &err);
    ASSERT(!st || err.message[0]);
    for (uint32_t i = 0; !st && i < at.file_count; i++) ASSERT(at.file[i].path.len <= bytes.len);
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size || size > 1 << 20) return 0;
    Os memory = *os();
    memory.open = memory_open;
    memory.read_at = memory_read_at;
    memory.close = memory_close;
    memory.stat = memory_stat;
    os_use(&memory);
    Str bytes = str_make((const char *)data + 1, size - 1);
    switch (data[0] % 4) {
        case 0: read_frames(bytes); break;
        case 1: read_metadata(bytes); break;
        case 2: {  // each byte a kind and the length of what follows
            FrameWriter writer;
            frames_begin(&writer, &(FrameHead){1, 0, 1});
            while (bytes.len) {
                uint32_t len = (uint8_t)bytes.ptr[0] / 8;
                frames_put(&writer, (PartKind)((uint8_t)bytes.ptr[0] % 8 + 1),
                           str_sub(bytes, 1, len));
                bytes = str_sub(bytes, len + 1, bytes.len);
            }
            frames_end(&writer);
            read_frames(buf_str(&writer.bytes));
            buf_free(&writer.bytes);
            break;
        }
        default: {
            Buf text = {0};
            buf_put_str(&text, bytes);
            buf_printf(&text, "%016llx\n", (unsigned long long)hash_bytes(text.ptr, text.len, 0));
            read_metadata(buf_str(&text));
            buf_free(&text);
        }
    }
    os_use(NULL);
    return 0;
}
