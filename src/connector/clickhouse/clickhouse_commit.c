// Exactly once: what is written between two checkpoints waits, goes into the checkpoint as it will
// be sent, and is inserted when the checkpoint is complete, by whoever holds it: this process or,
// after a crash, the next. An insert that was sent before is not made twice (clickhouse_server.c),
// for it has the name it had, and the very same bytes.
//
// Saved is, for each block, three lengths as 8 bytes in the machine's order, then name, columns and
// block.
#include "connector/clickhouse/clickhouse_int.h"

static void held_clear(ChCommits *self, ChHeld *held) {
    if (self->budget) budget_release(self->budget, (int64_t)held->block.cap);
    mem_free((void *)(uintptr_t)held->token.ptr);
    mem_free((void *)(uintptr_t)held->columns.ptr);
    buf_free(&held->block);
}

void ch_commits_clear(ChCommits *self) {
    for (uint32_t i = 0; i < self->count; i++) held_clear(self, &self->held[i]);
    mem_free(self->held);
    *self = (ChCommits){0};
}

Status ch_commits_add(ChCommits *self, Str token, Str columns, Buf *block, Error *err) {
    if (self->budget) {
        Status st = budget_charge(self->budget, (int64_t)block->cap, err);
        if (st) {
            error_while(err, "table '" STR_FMT "': keeping rows until their checkpoint is complete",
                        STR_ARG(self->server->table->desc->name));
            error_hint(err, "make checkpoints more often, give more --memory, or set "
                            "'sink.delivery-guarantee' = 'at-least-once'");
            return st;
        }
    }
    if (self->count == self->cap) {
        self->cap = self->cap ? self->cap * 2 : 8;
        self->held = mem_realloc(self->held, self->cap * sizeof *self->held);
    }
    self->held[self->count++] = (ChHeld){0, str_make(str_own(token), token.len),
                                         str_make(str_own(columns), columns.len), *block};
    *block = (Buf){0};
    return ST_OK;
}

static void put_part(Str part, Buf *out) {
    uint64_t len = part.len;
    buf_put(out, &len, sizeof len);
}

void ch_commits_prepare(ChCommits *self, uint64_t checkpoint, Buf *out) {
    for (uint32_t i = 0; i < self->count; i++) {
        ChHeld *held = &self->held[i];
        if (!held->checkpoint) held->checkpoint = checkpoint;
        if (!out) continue;
        put_part(held->token, out);
        put_part(held->columns, out);
        put_part(buf_str(&held->block), out);
        buf_put_str(out, held->token);
        buf_put_str(out, held->columns);
        buf_put_str(out, buf_str(&held->block));
    }
}

Status ch_commits_commit(ChCommits *self, uint64_t checkpoint, Error *err) {
    uint32_t done = 0;
    Status st = ST_OK;
    for (; done < self->count; done++) {
        // Behind the end [checkpoint] is above all there are; what none has saved still waits.
        ChHeld *held = &self->held[done];
        if (!held->checkpoint || held->checkpoint > checkpoint) break;
        ChInsert insert = {held->token, held->columns, buf_str(&held->block)};
        st = ch_server_insert(self->server, &insert, false, err);
        if (st) break;
        held_clear(self, held);
    }
    self->count -= done;
    if (done) memmove(self->held, self->held + done, self->count * sizeof *self->held);
    return st;
}

Status ch_commits_restore(ChCommits *self, Str saved, Error *err) {
    while (saved.len) {
        enum { PARTS = 3 };
        uint64_t size[PARTS];
        Str part[PARTS];
        bool good = saved.len >= sizeof size;
        if (good) {
            memcpy(size, saved.ptr, sizeof size);
            saved = str_sub(saved, sizeof size, saved.len);
        }
        for (uint32_t i = 0; i < PARTS && good; i++) {
            good = size[i] <= saved.len;
            if (!good) break;
            part[i] = str_sub(saved, 0, (uint32_t)size[i]);
            saved = str_sub(saved, (uint32_t)size[i], saved.len);
        }
        if (!good) {
            return error_set(err, ST_RUNTIME, "the saved inserts of table '" STR_FMT
                             "' cannot be read", STR_ARG(self->server->table->desc->name));
        }
        ChInsert insert = {part[0], part[1], part[2]};
        TRY(ch_server_insert(self->server, &insert, true, err));
    }
    return ST_OK;
}
