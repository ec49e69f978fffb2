// A checkpoint of a real job in which a byte is another one, of which a piece or a file is missing,
// or where a file is another checkpoint's: the job does not begin, and says which file.
#include <stdlib.h>

#include "engine/session.h"
#include "os/os.h"
#include "test/unit.h"

static void drop_line(void *arg, Str line, bool to_stderr) {
    (void)line;
    uint32_t *lines = arg;
    if (!to_stderr) ++*lines;
}

typedef struct Damage {
    Session *session;
    Arena arena;
    Str dir;
    uint32_t lines;  // that came out
} Damage;

static Status run(Damage *self, const char *sql, Error *err) {
    self->lines = 0;
    return session_execute(self->session, str_c(sql), NULL, err);
}

// Groups over 20 rows; [times] makes the rows of one job others than those of the next.
static const char *query(Damage *self, const char *job, int times) {
    Error err;
    CHECK_OK(run(self, arena_printf(&self->arena, "SET 'pipeline.name' = '%s'", job), &err), &err);
    CHECK_OK(run(self, "DROP TABLE IF EXISTS o", &err), &err);
    CHECK_OK(run(self, "CREATE TABLE o (k INT, n BIGINT) WITH ('connector' = 'print')", &err),
             &err);
    CHECK_OK(run(self, "DROP TABLE IF EXISTS g", &err), &err);
    CHECK_OK(run(self, "CREATE TABLE g (id INT) WITH ('connector' = 'datagen', 'fields.id.kind' = "
                 "'sequence', 'fields.id.start' = '1', 'fields.id.end' = '20')", &err), &err);
    return arena_printf(&self->arena, "INSERT INTO o SELECT MOD(id, 5) AS k, SUM(id * %d) FROM g "
                        "GROUP BY MOD(id, 5)", times);
}

static void begin(Damage *self) {
    static const char *const CHOSEN[] = {"restart-strategy.type", "none", "weir.resume", "true",
                                           "execution.checkpointing.num-retained", "2"};
    Error err;
    arena_init(&self->arena);
    char *path = arena_printf(&self->arena, "%s/weir-damage-test-XXXXXX",
                              getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    CHECK(mkdtemp(path) != NULL);
    self->dir = str_c(path);
    SessionConfig config = {.default_zone = "UTC", .print = drop_line, .print_arg = &self->lines};
    CHECK_OK(session_new(&config, &self->session, &err), &err);
    for (uint32_t i = 0; i < 6; i += 2) {
        CHECK_OK(run(self, arena_printf(&self->arena, "SET '%s' = '%s'", CHOSEN[i],
                                        CHOSEN[i + 1]), &err), &err);
    }
    CHECK_OK(run(self, arena_printf(&self->arena, "SET 'execution.checkpointing.dir' = '%s'", path),
                 &err), &err);
}

static void end(Damage *self) {
    session_free(self->session);
    unit_remove_dir(self->dir);
    arena_clear(&self->arena);
}

static Str path_of(Damage *self, const char *name) {
    return str_printf(&self->arena, STR_FMT "/%s", STR_ARG(self->dir), name);
}

// The job must not begin from what there is.
static void check_refused(Damage *self, const char *sql, Str path) {
    Error err = {0};
    Status st = run(self, sql, &err);
    // Files are named by way of the checkpoint's own directory.
    const char *name = str_cstr(&self->arena, str_sub(path, self->dir.len + 3, path.len));
    if (!st || self->lines || !strstr(err.message, name)) CHECK_STR(err.message, name);
}

// Each byte another one, each length shorter, gone.
static void damage(Damage *self, const char *sql, Str path) {
    Error err;
    Buf bytes = {0};
    CHECK_OK(os_read_file(path, &bytes, &err), &err);
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.ptr[i] ^= (char)(1 << (i % 8));
        CHECK_OK(os_write_file(path, buf_str(&bytes), &err), &err);
        check_refused(self, sql, path);
        bytes.ptr[i] ^= (char)(1 << (i % 8));
        CHECK_OK(os_write_file(path, str_make(bytes.ptr, i), &err), &err);
        check_refused(self, sql, path);
    }
    CHECK_OK(os_write_file(path, buf_str(&bytes), &err), &err);
    buf_free(&bytes);
}

TEST(damage, no_byte_of_a_checkpoint_can_change_unseen) {
    Damage self = {0};
    Error err;
    begin(&self);
    const char *sql = query(&self, "j", 20);
    CHECK_OK(run(&self, sql, &err), &err);
    CHECK_INT(self.lines, 35);  // 5 +I, 15 -U, 15 +U
    CHECK_OK(run(&self, sql, &err), &err);
    CHECK_INT(self.lines, 0);  // nothing was left to do
    CHECK_OK(os()->remove(path_of(&self, "j/chk-2/_metadata"), &err), &err);
    damage(&self, sql, path_of(&self, "j/chk-1/_metadata"));
    damage(&self, sql, path_of(&self, "j/shared/1-0.state"));
    CHECK_OK(run(&self, sql, &err), &err);
    end(&self);
}

TEST(damage, another_jobs_file_is_seen_and_the_one_before_is_offered) {
    Damage self = {0};
    Error err = {0};
    Buf other = {0}, own = {0};
    begin(&self);
    CHECK_OK(run(&self, query(&self, "other", 30), &err), &err);
    CHECK_OK(os_read_file(path_of(&self, "other/shared/1-0.state"), &other, &err), &err);
    const char *sql = query(&self, "j", 20);
    CHECK_OK(run(&self, sql, &err), &err);
    Str file = path_of(&self, "j/shared/1-0.state");
    CHECK_OK(os_read_file(file, &own, &err), &err);
    CHECK_INT(other.len, own.len);
    CHECK_OK(os_write_file(file, buf_str(&other), &err), &err);
    check_refused(&self, sql, file);
    CHECK_OK(os_write_file(file, buf_str(&own), &err), &err);
    // A second checkpoint, which loses its file: the first one is named.
    CHECK_OK(run(&self, sql, &err), &err);
    CHECK_OK(os()->remove(path_of(&self, "j/shared/2-0.state"), &err), &err);
    check_refused(&self, sql, path_of(&self, "j/shared/2-0.state"));
    CHECK(run(&self, sql, &err) != ST_OK);
    CHECK(strstr(err.hint, "j/chk-1' is the whole one before it"));
    // The _metadata of one in the place of another's.
    buf_free(&own);
    CHECK_OK(os_read_file(path_of(&self, "j/chk-1/_metadata"), &own, &err), &err);
    CHECK_OK(os_write_file(path_of(&self, "j/chk-2/_metadata"), buf_str(&own), &err), &err);
    check_refused(&self, sql, path_of(&self, "j/chk-2/_metadata"));
    buf_free(&own);
    buf_free(&other);
    end(&self);
}
