// Holding a name against other processes: an object that says whose it is, and that its owner
// writes anew every few seconds (a lease; Gray and Cheriton 1989).
//
// Each write is conditional: the first on that there is none (If-None-Match: *), those after it on
// the tag that the one before got (If-Match). So of two who want it one gets it, and an owner who
// was silent for too long learns that another took it over. No two clocks are compared: who waits
// for an owner looks whether the tag changes, by its own clock. An owner whose process has ended on
// this very machine is not waited for.
//
// Stores that know no conditions either say so (501) or do as if there were none. Then what is read
// before each write and after the first one decides, and two who begin in the same instant both
// believe to hold it until one of them looks again.
//
// A process that stood still may go on when another holds the name, and not know yet. So whoever is
// to do what cannot be undone asks first (s3_hold_check): an owner that has not been heard for
// half the time makes sure by a write.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/s3/s3_int.h"

enum {
    LEASE_MS = 15000,  // silent for so long: gone
    BEAT_MS = 4000,
    LOOK_MS = 1000,
    TEXT_MAX = 4096,   // of what others may have put there
    HOST_MAX = 256,
};

_Static_assert(BEAT_MS * 3 < LEASE_MS, "two beats may fail");

struct S3Hold {
    Arena arena;
    Str path, who, mark;
    S3Place place;
    uint64_t run;        // tells this one from all others
    OsThread *heart;
    _Atomic bool ended;  // requests under way break off
    OsMonitor monitor;   // of what follows
    bool lost, plain;    // plain: the store takes no conditions
    uint64_t beat;       // how often it was written
    int64_t written_ns, written_ms;  // when at last, by both clocks: one stops with the machine
    Error why;           // once it is lost
};

// What the object says: "process 4711 on host", the run, its beat and its mark, a line each.
typedef struct Holder {
    bool exists;
    Str who, mark, tag;
    int64_t run, beat;
} Holder;

// ---- processes of this machine -----------------------------------------------------------------

static Str line_of(Arena *arena, const char *path) {
    char text[512];
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(text, 1, sizeof text, file) : 0;
    if (file) (void)fclose(file);
    return str_trim(str_dup(arena, str_make(text, size)));
}

static const char *host_name(char name[HOST_MAX]) {
    memset(name, 0, HOST_MAX);
    return gethostname(name, HOST_MAX - 1) || !name[0] ? "a host without a name" : name;
}

// The machine since it was started, and the numbering of processes that this one sees; empty where
// that cannot be known. Machines that are copies of one another differ by their names.
static Str machine_mark(Arena *arena) {
    char space[64], host[HOST_MAX];
    ssize_t size = readlink("/proc/self/ns/pid", space, sizeof space);
    Str boot = line_of(arena, "/proc/sys/kernel/random/boot_id");
    if (size <= 0 || !boot.len) return STR("");
    return str_printf(arena, "%s " STR_FMT " %.*s", host_name(host), STR_ARG(boot), (int)size,
                      space);
}

// When a process was started, in ticks since then; empty: there is no such process.
static Str process_start(Arena *arena, int64_t pid) {
    enum { START = 20 };  // the 22nd value; the second, its name, ends with the last ')'
    Str path = str_printf(arena, "/proc/%" PRId64 "/stat", pid), line, word = {0};
    line = line_of(arena, str_cstr(arena, path));
    const char *name_end = line.len ? memrchr(line.ptr, ')', line.len) : NULL;
    if (!name_end) return STR("");
    Str rest = str_make(name_end + 1, (size_t)(str_end(line) - name_end - 1));
    for (int i = 0; i < START; i++) {
        rest = str_trim(rest);
        int64_t end = str_find(rest, STR(" "), 0);
        if (end < 0) return STR("");
        word = str_sub(rest, 0, (uint32_t)end);
        rest = str_sub(rest, (uint32_t)end, rest.len);
    }
    return word;
}

Str s3_process_mark(Arena *arena, int64_t pid) {
    Str machine = machine_mark(arena), start = process_start(arena, pid);
    if (!machine.len || !start.len) return STR("");
    return str_printf(arena, STR_FMT " %" PRId64 " " STR_FMT, STR_ARG(machine), pid,
                      STR_ARG(start));
}

bool s3_process_ended(Arena *arena, Str mark) {
    Str machine = machine_mark(arena);
    if (!machine.len || !str_starts(mark, machine)) return false;
    Str rest = str_trim(str_sub(mark, machine.len, mark.len));
    int64_t blank = str_find(rest, STR(" "), 0), pid;
    if (blank < 0 || !str_to_i64(str_sub(rest, 0, (uint32_t)blank), &pid)) return false;
    return !str_eq(s3_process_mark(arena, pid), mark);
}

// ---- the object --------------------------------------------------------------------------------

static void read_holder(Arena *arena, Str text, Holder *out) {
    text = str_dup(arena, str_sub(text, 0, TEXT_MAX));
    Str who = str_next_line(&text), run = str_next_line(&text), beat = str_next_line(&text);
    out->who = who;
    out->mark = str_next_line(&text);
    if (!str_to_i64(run, &out->run) || !str_to_i64(beat, &out->beat)) out->run = out->beat = -1;
}

static Status look(S3Hold *self, bool once, Arena *arena, Holder *out, Error *err) {
    S3Reply reply;
    S3Request request = {.method = "GET", .place = self->place, .once = once,
                         .cancel = &self->ended};
    *out = (Holder){.run = -1, .beat = -1};
    Status st = s3_request(&request, &reply, err);
    if (!st && reply.status != 404) {
        out->exists = true;
        read_holder(arena, buf_str(&reply.body), out);
        out->tag = str_dup(arena, reply.tag);
    }
    s3_reply_clear(&reply);
    return st;
}

// Writes it, if it is still the one of that tag; empty: if there is none. What an answer that was
// lost would have said the object says itself.
static Status put(S3Hold *self, Str tag, bool once, bool *mine, Error *err) {
    Arena arena = {0};
    S3Reply reply;
    Holder there;
    Str text = str_printf(&arena, STR_FMT "\n%" PRId64 "\n%" PRIu64 "\n" STR_FMT "\n",
                          STR_ARG(self->who), (int64_t)self->run, ++self->beat,
                          STR_ARG(self->mark));
    S3Request request = {.method = "PUT", .place = self->place, .body = text, .once = once,
                         .conditional = true, .cancel = &self->ended};
    int64_t before_ns = os_monotonic_ns(), before_ms = os_now_ms();
    if (!self->plain) {
        request.if_match = tag;
        request.if_none_match = tag.len ? STR("") : STR("*");
    }
    Status st = s3_request(&request, &reply, err);
    if (!st && reply.status == 501 && !self->plain) {
        self->plain = true;
        request.if_match = request.if_none_match = STR("");
        s3_reply_clear(&reply);
        st = s3_request(&request, &reply, err);
    }
    *mine = !st && reply.status >= 200 && reply.status < 300 && tag.len;
    if (!st && !*mine) {
        st = look(self, once, &arena, &there, err);
        *mine = !st && there.run == (int64_t)self->run && there.beat == (int64_t)self->beat;
    }
    if (*mine) {  // others count from then on at the earliest
        self->written_ns = before_ns;
        self->written_ms = before_ms;
    }
    s3_reply_clear(&reply);
    arena_clear(&arena);
    return st;
}

static void lose(S3Hold *self, const Holder *to) {
    self->lost = true;
    (void)error_set(&self->why, ST_VALIDATION,
                    "'" STR_FMT "' is not this process's any more: " STR_FMT " has taken it over%s,"
                    " after this one was silent for %lld s", STR_ARG(self->path),
                    STR_ARG(to->who.len ? to->who : STR("somebody")),
                    to->exists ? "" : " and let it go",
                    (long long)((os_monotonic_ns() - self->written_ns) / 1000000000));
    error_hint(&self->why, "it stood still, or the store was out of reach, for more than %d s",
               LEASE_MS / 1000);
}

// With the lock: one more beat. Where there is no object somebody has had it and has come to his
// end.
static Status renew(S3Hold *self, bool once, Error *err) {
    Arena arena = {0};
    Holder there;
    bool mine = false;
    Status st = look(self, once, &arena, &there, err);
    bool others = !st && there.run != (int64_t)self->run;
    if (!st && !others) {
        st = put(self, there.tag, once, &mine, err);
        if (!st && !mine) st = look(self, once, &arena, &there, err);
        others = !st && !mine && there.run != (int64_t)self->run;
        if (!st && !mine && !others) {
            st = error_set(err, ST_CONNECT, "'" STR_FMT "' could not be written anew",
                           STR_ARG(self->path));
        }
    }
    if (others) lose(self, &there);
    arena_clear(&arena);
    return st;
}

static void beat(void *arg) {
    S3Hold *self = arg;
    os_lock(&self->monitor);
    while (!atomic_load(&self->ended) && !self->lost) {
        int64_t due_ms = BEAT_MS - (os_monotonic_ns() - self->written_ns) / 1000000;
        if (due_ms > 0) {
            os_wait(&self->monitor, due_ms);
            continue;
        }
        Status st = renew(self, true, NULL);
        // The store is away for now: s3_hold_check says so when it matters.
        if (st && !atomic_load(&self->ended)) os_wait(&self->monitor, LOOK_MS);
    }
    os_unlock(&self->monitor);
}

// ---- for others --------------------------------------------------------------------------------

static S3Hold *hold_new(Str path) {
    char host[HOST_MAX];
    S3Hold *self = NEW(S3Hold);
    arena_init(&self->arena);
    self->path = str_dup(&self->arena, path);
    self->who = str_printf(&self->arena, "process %ld on %s", (long)getpid(), host_name(host));
    self->mark = s3_process_mark(&self->arena, (int64_t)getpid());
    self->run = os()->random() & INT64_MAX;
    os()->monitor_init(&self->monitor);
    return self;
}

// Takes the object, or finds that somebody who lives has it.
static Status take(S3Hold *self, bool *mine, Error *err) {
    Arena arena = {0};
    Holder there;
    Str seen = STR("");
    int64_t since_ns = os_monotonic_ns();
    Status st;
    for (*mine = false;;) {
        st = look(self, false, &arena, &there, err);
        if (st) break;
        bool same = seen.len && str_eq(there.tag, seen);
        bool silent = same && os_monotonic_ns() - since_ns >= LEASE_MS * (int64_t)1000000;
        if (!there.exists || silent || s3_process_ended(&arena, there.mark)) {
            st = put(self, there.tag, false, mine, err);
            if (st || *mine) break;
        } else if (seen.len && !same) {
            break;
        }
        if (!seen.len) {
            seen = there.tag;
            since_ns = os_monotonic_ns();
        }
        os()->sleep_ms(LOOK_MS);
    }
    arena_clear(&arena);
    return st;
}

Status s3_hold_open(Str path, S3Hold **out, Error *err) {
    S3Hold *self = hold_new(path);
    bool mine = false;
    Status st = s3_place(&self->arena, path, &self->place, err);
    if (!st) st = take(self, &mine, err);
    if (mine) st = os()->thread_start(beat, self, &self->heart, err);
    *out = mine && !st ? self : NULL;
    if (!*out) s3_hold_close(self);
    return st;
}

Status s3_hold_check(S3Hold *self, Error *err) {
    Status st = ST_OK;
    os_lock(&self->monitor);
    int64_t silent_ms = (os_monotonic_ns() - self->written_ns) / 1000000;
    int64_t silent_wall_ms = os_now_ms() - self->written_ms;
    bool fresh = silent_ms < LEASE_MS / 2 && silent_wall_ms >= 0 && silent_wall_ms < LEASE_MS / 2;
    if (!self->lost && !fresh) st = renew(self, false, err);
    if (self->lost) {
        if (err) *err = self->why;
        st = self->why.status;
    }
    os_unlock(&self->monitor);
    return st;
}

void s3_hold_close(S3Hold *self) {
    if (!self) return;
    atomic_store(&self->ended, true);
    os_lock(&self->monitor);
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
    os()->thread_join(self->heart);
    if (self->heart && !self->lost) {
        Arena arena = {0};
        Holder there;
        S3Reply reply = {0};
        atomic_store(&self->ended, false);
        Status st = look(self, true, &arena, &there, NULL);
        if (!st && there.run == (int64_t)self->run) {
            st = s3_request(&(S3Request){.method = "DELETE", .place = self->place, .once = true},
                            &reply, NULL);
        }
        (void)st;  // what stays there is found to be nobody's
        s3_reply_clear(&reply);
        arena_clear(&arena);
    }
    os()->monitor_clear(&self->monitor);
    arena_clear(&self->arena);
    mem_free(self);
}
