#include "watch/inbox.h"

#include <stdlib.h>

#include "test/unit.h"

static Str new_dir(Arena *arena) {
    char path[] = "/tmp/weir-inbox-XXXXXX";
    CHECK(mkdtemp(path) != NULL);
    return str_dup(arena, str_c(path));
}

static void push(Inbox *inbox, int64_t from, int64_t to) {
    Error err;
    for (int64_t i = from; i < to; i++) {
        InboxPoint point = {i, i * 1000, (double)i};
        inbox_append(inbox, &point, 1);
    }
    CHECK_OK(inbox_commit(inbox, &err), &err);
}

// Reads what is there and expects [from, to).
static void expect(InboxReader *reader, int64_t from, int64_t to) {
    Error err;
    for (;;) {
        const InboxPoint *point;
        uint32_t count;
        CHECK_OK(inbox_read(reader, &point, &count, &err), &err);
        if (!count) break;
        for (uint32_t i = 0; i < count; i++) CHECK(point[i].key == from + i);
        from += count;
    }
    CHECK(from == to);
}

TEST(inbox, a_reader_goes_on_where_its_position_is) {
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err;
    Inbox *inbox;
    InboxReader *reader;
    CHECK_OK(inbox_open(dir, &inbox, &err), &err);
    CHECK_OK(inbox_reader_open(inbox, (InboxPosition){0}, &reader, &err), &err);
    expect(reader, 0, 0);
    push(inbox, 0, 10);
    push(inbox, 10, 3000);
    expect(reader, 0, 3000);
    InboxPosition at = inbox_position(reader);
    push(inbox, 3000, 3005);
    inbox_reader_close(reader);
    inbox_close(inbox);
    // The next process.
    CHECK_OK(inbox_open(dir, &inbox, &err), &err);
    push(inbox, 3005, 3010);
    CHECK_OK(inbox_reader_open(inbox, at, &reader, &err), &err);
    expect(reader, 3000, 3010);
    at = inbox_position(reader);
    CHECK_OK(inbox_forget(inbox, at, &err), &err);
    inbox_reader_close(reader);
    CHECK(inbox_reader_open(inbox, (InboxPosition){1, 0}, &reader, &err) ==
          (at.file > 1 ? ST_RUNTIME : ST_OK));
    inbox_close(inbox);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

TEST(inbox, what_is_torn_was_not_promised) {
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err;
    Inbox *inbox;
    InboxReader *reader;
    Buf bytes = {0};
    CHECK_OK(inbox_open(dir, &inbox, &err), &err);
    push(inbox, 0, 10);
    push(inbox, 10, 20);
    inbox_close(inbox);
    Str path = str_printf(&arena, STR_FMT "/inbox/00000001", STR_ARG(dir));
    CHECK_OK(os_read_file(path, &bytes, &err), &err);
    CHECK_OK(os_write_file(path, str_make(bytes.ptr, bytes.len - 3), &err), &err);
    CHECK_OK(inbox_open(dir, &inbox, &err), &err);
    push(inbox, 10, 15);
    CHECK_OK(inbox_reader_open(inbox, (InboxPosition){0}, &reader, &err), &err);
    expect(reader, 0, 15);
    inbox_reader_close(reader);
    inbox_close(inbox);
    buf_free(&bytes);
    unit_remove_dir(dir);
    arena_clear(&arena);
}
