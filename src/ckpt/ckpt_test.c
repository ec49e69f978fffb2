#include <stdlib.h>

#include "ckpt/frames.h"
#include "ckpt/store.h"
#include "test/unit.h"

static Str scratch_dir(Arena *arena) {
    char *path = arena_printf(arena, "%s/weir-ckpt-test-XXXXXX",
                              getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    CHECK(mkdtemp(path) != NULL);
    return str_c(path);
}

static void put_sample(FrameWriter *writer) {
    frames_put_named(writer, PART_OPERATOR, &(FrameName){42, STR("group-aggregate"), 0},
                     STR("watermarks"));
    frames_put_table(writer, &(FrameTable){42, STR("groups"), 1, STR("ROW<k INT>"),
                                           STR("ROW<n BIGINT>")});
    frames_put_rows(writer, PART_ROWS, 0, STR("rows"));
}

static void write_sample(FrameWriter *writer) {
    frames_begin(writer, &(FrameHead){.checkpoint = 7, .worker = 1, .workers = 2});
    put_sample(writer);
    frames_end(writer);
}

TEST(ckpt, frames_of_another_thread_get_their_hashes_later) {
    FrameWriter whole, loose, joined;
    write_sample(&whole);
    frames_begin(&joined, &(FrameHead){.checkpoint = 7, .worker = 1, .workers = 2});
    frames_begin_loose(&loose);
    put_sample(&loose);
    Buf bytes = frames_take(&loose);
    frames_join(&joined, &bytes);
    frames_end(&joined);
    CHECK(str_eq(buf_str(&joined.bytes), buf_str(&whole.bytes)));
    CHECK(joined.digest == whole.digest && joined.frames == whole.frames);
    buf_free(&bytes);
    buf_free(&joined.bytes);
    buf_free(&whole.bytes);
}

// Reads a file to its end; the first failure, if any.
static Status read_through(Str path, uint32_t *frames, Error *err) {
    FrameReader *reader;
    FrameHead head;
    TRY(frames_open(path, &reader, &head, err));
    PartKind kind = PART_TABLE;
    Status st = ST_OK;
    for (*frames = 0; !st && kind != PART_END; ++*frames) {
        Str bytes, rest;
        FrameName name;
        FrameTable table;
        uint32_t number;
        st = frames_next(reader, &kind, &bytes, err);
        if (!st && kind == PART_OPERATOR) st = frame_name(bytes, &name, &rest, err);
        if (!st && kind == PART_TABLE) st = frame_table(bytes, &table, err);
        if (!st && kind == PART_ROWS) st = frame_rows(bytes, &number, &rest, err);
    }
    frames_close(reader);
    return st;
}

TEST(ckpt, frames_come_back_as_written) {
    Arena arena = {0};
    Error err;
    Str dir = scratch_dir(&arena), path = str_printf(&arena, STR_FMT "/f", STR_ARG(dir));
    FrameWriter writer;
    write_sample(&writer);
    CHECK_OK(os_write_file(path, buf_str(&writer.bytes), &err), &err);
    FrameReader *reader;
    FrameHead head;
    CHECK_OK(frames_open(path, &reader, &head, &err), &err);
    CHECK(head.checkpoint == 7 && head.worker == 1 && head.workers == 2);
    PartKind kind;
    Str bytes, rest;
    FrameName name;
    CHECK_OK(frames_next(reader, &kind, &bytes, &err), &err);
    CHECK(kind == PART_OPERATOR);
    CHECK_OK(frame_name(bytes, &name, &rest, &err), &err);
    CHECK(name.operator_id == 42 && str_is(name.name, "group-aggregate"));
    CHECK(str_is(rest, "watermarks"));
    CHECK_OK(frames_next(reader, &kind, &bytes, &err), &err);
    FrameTable table;
    CHECK_OK(frame_table(bytes, &table, &err), &err);
    CHECK(str_is(table.key, "ROW<k INT>") && str_is(table.value, "ROW<n BIGINT>"));
    CHECK_OK(frames_next(reader, &kind, &bytes, &err), &err);
    CHECK(kind == PART_ROWS);
    CHECK_OK(frames_next(reader, &kind, &bytes, &err), &err);
    CHECK(kind == PART_END);
    frames_close(reader);
    buf_free(&writer.bytes);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

TEST(ckpt, every_flipped_byte_and_every_cut_is_an_error) {
    Arena arena = {0};
    Error err;
    Str dir = scratch_dir(&arena), path = str_printf(&arena, STR_FMT "/f", STR_ARG(dir));
    FrameWriter writer;
    write_sample(&writer);
    uint32_t frames;
    for (size_t i = 0; i < writer.bytes.len; i++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            writer.bytes.ptr[i] ^= (char)(1 << bit);
            CHECK_OK(os_write_file(path, buf_str(&writer.bytes), &err), &err);
            CHECK(read_through(path, &frames, &err) != ST_OK);
            writer.bytes.ptr[i] ^= (char)(1 << bit);
        }
        CHECK_OK(os_write_file(path, str_make(writer.bytes.ptr, i), &err), &err);
        CHECK(read_through(path, &frames, &err) != ST_OK);
    }
    CHECK_OK(os_write_file(path, buf_str(&writer.bytes), &err), &err);
    CHECK_OK(read_through(path, &frames, &err), &err);
    CHECK_INT(frames, 4);
    buf_free(&writer.bytes);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

// A checkpoint of one file in [dir].
static void make_checkpoint(Arena *arena, Str dir, uint64_t id, CheckpointFile *file,
                            uint32_t file_count) {
    Error err;
    CHECK_OK(os()->make_dirs(str_printf(arena, STR_FMT "/shared", STR_ARG(dir)), &err), &err);
    Str path = checkpoint_path(arena, dir, id);
    CHECK_OK(os()->make_dirs(path, &err), &err);
    file[0] = (CheckpointFile){checkpoint_file_path(arena, id, 0, false), id, 0, 5, 6};
    CHECK_OK(os_write_file(str_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(path),
                                      STR_ARG(file[0].path)), STR("12345"), &err), &err);
    Checkpoint made = {.id = id,
                       .job = STR("job \"1\""),
                       .workers = 1,
                       .groups = 128,
                       .time_ms = 17,
                       .full = file_count == 1,
                       .file = file,
                       .file_count = file_count,
                       .op = &(CheckpointOperator){.id = 0xfedcba9876543210,
                                                   .kin = 3,
                                                   .name = STR("join"),
                                                   .about = STR(" by \"k\""),
                                                   .input = {STR("ROW<k INT>"), STR("ROW<l INT>")}},
                       .op_count = 1};
    CHECK_OK(checkpoint_write(path, &made, &err), &err);
}

static bool exists(Arena *arena, Str dir, const char *name) {
    OsStat stat;
    Error err;
    CHECK_OK(os()->stat(str_printf(arena, STR_FMT "/%s", STR_ARG(dir), name), &stat, &err), &err);
    return stat.exists;
}

TEST(ckpt, the_newest_whole_checkpoint_is_found) {
    Arena arena = {0};
    Error err;
    Str dir = scratch_dir(&arena), latest;
    uint32_t skipped;
    CHECK_OK(checkpoint_latest(&arena, dir, 0, &latest, &skipped, &err), &err);
    CHECK(!latest.len && !skipped);
    CheckpointFile file[1];
    make_checkpoint(&arena, dir, 9, file, 1);
    make_checkpoint(&arena, dir, 10, file, 1);
    CHECK_OK(checkpoint_latest(&arena, dir, 0, &latest, &skipped, &err), &err);
    CHECK(str_ends(latest, STR("/chk-10")) && !skipped);
    Checkpoint read;
    CHECK_OK(checkpoint_read(&arena, latest, &read, &err), &err);
    CHECK(read.id == 10 && str_is(read.job, "job \"1\"") && read.file_count == 1);
    CHECK(read.full && !read.finished && read.groups == 128);
    CHECK(read.op_count == 1 && read.op[0].id == 0xfedcba9876543210 && read.op[0].kin == 3);
    CHECK(str_is(read.op[0].about, " by \"k\"") && str_is(read.op[0].input[1], "ROW<l INT>"));
    // One of its files is cut short: the one before it counts.
    CHECK_OK(os_write_file(str_printf(&arena, STR_FMT "/shared/10-0.state", STR_ARG(dir)),
                           STR("123"), &err), &err);
    CHECK_INT(checkpoint_latest(&arena, dir, 0, &latest, &skipped, &err), ST_RUNTIME);
    CHECK(strstr(err.message, "/chk-10") && strstr(err.hint, "/chk-9'"));
    // One that was never complete is passed over.
    Str never = str_printf(&arena, STR_FMT "/chk-10/_metadata", STR_ARG(dir));
    CHECK_OK(os()->remove(never, &err), &err);
    CHECK_OK(checkpoint_latest(&arena, dir, 0, &latest, &skipped, &err), &err);
    CHECK(str_ends(latest, STR("/chk-9")) && skipped == 1);
    // The word of a savepoint counts, unless a complete one has its number or a greater one; and
    // whoever began anew knows nothing of either.
    uint64_t greatest;
    CHECK_OK(checkpoint_leave_word(dir, 10, STR("/savepoints/s"), &err), &err);
    CHECK_OK(checkpoint_latest(&arena, dir, 0, &latest, &skipped, &err), &err);
    CHECK(str_is(latest, "/savepoints/s"));
    CHECK_OK(checkpoint_latest(&arena, dir, 10, &latest, &skipped, &err), &err);
    CHECK(!latest.len);
    CHECK_OK(checkpoint_leave_word(dir, 9, STR("/savepoints/s"), &err), &err);
    CHECK_OK(checkpoint_latest(&arena, dir, 0, &latest, &skipped, &err), &err);
    CHECK(str_ends(latest, STR("/chk-9")));
    CHECK_OK(checkpoint_greatest(dir, &greatest, &err), &err);
    CHECK(greatest == 10);  // it has begun
    // A byte of _metadata is another one.
    Buf bytes = {0};
    Str metadata = str_printf(&arena, STR_FMT "/chk-9/_metadata", STR_ARG(dir));
    CHECK_OK(os_read_file(metadata, &bytes, &err), &err);
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.ptr[i] ^= 1;
        CHECK_OK(os_write_file(metadata, buf_str(&bytes), &err), &err);
        CHECK(checkpoint_read(&arena, metadata, &read, &err) != ST_OK);
        bytes.ptr[i] ^= 1;
    }
    buf_free(&bytes);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

TEST(ckpt, files_that_a_kept_checkpoint_names_stay) {
    Arena arena = {0};
    Error err;
    Str dir = scratch_dir(&arena);
    CheckpointFile file[3];
    make_checkpoint(&arena, dir, 1, &file[2], 1);
    make_checkpoint(&arena, dir, 2, &file[1], 2);  // stands on 1
    make_checkpoint(&arena, dir, 3, &file[0], 1);
    CHECK_OK(checkpoint_retain(dir, 2, STR(""), &err), &err);
    CHECK(!exists(&arena, dir, "chk-1") && exists(&arena, dir, "chk-2"));
    CHECK(exists(&arena, dir, "shared/1-0.state"));
    CHECK_OK(checkpoint_retain(dir, 1, STR(""), &err), &err);
    CHECK(!exists(&arena, dir, "chk-2") && !exists(&arena, dir, "shared/1-0.state"));
    CHECK(exists(&arena, dir, "shared/3-0.state"));
    unit_remove_dir(dir);
    arena_clear(&arena);
}
