// libweir: weir.h on top of a session.
//
// A query runs in a thread of its own and hands its batches, as Arrow arrays, to the stream through
// a bounded queue. The stream and that thread share a Query, which goes when the stream is
// released: release stops the session and waits for the thread.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "engine/arrow.h"
#include "engine/host.h"
#include "engine/session.h"

typedef struct Query Query;

struct weir_session {
    Session *session;
    Query *query;  // the stream that is out, or NULL
    uint64_t *feed;
    uint32_t feed_count;
    char message[ERROR_MESSAGE_MAX + ERROR_HINT_MAX + 64];
};

const char *weir_version(void) {
    return WEIR_VERSION;
}

static void forget_error(weir_session *self) {
    self->message[0] = 0;
}

static void print_error(const Error *err, char *out, size_t size) {
    char place[32] = "";
    if (err->place.line) {
        (void)snprintf(place, sizeof place, "%u:%u: ", err->place.line, err->place.column);
    }
    (void)snprintf(out, size, "%s%s%s%s", place, err->message, err->hint[0] ? "; " : "", err->hint);
}

static int code_of(Status st) {
    switch (st) {
        case ST_OK: return WEIR_OK;
        case ST_PARSE:
        case ST_VALIDATION:
        case ST_UNSUPPORTED:
        case ST_USAGE: return WEIR_WRONG;
        default: return WEIR_FAILED;
    }
}

static int failed(weir_session *self, const Error *err) {
    print_error(err, self->message, sizeof self->message);
    return code_of(err->status);
}

static int wrong(weir_session *self, const char *why) {
    (void)snprintf(self->message, sizeof self->message, "%s", why);
    return WEIR_WRONG;
}

weir_session *weir_open(void) {
    weir_session *self = NEW(weir_session);
    Error err = {0};
    connector_register(&HOST_CONNECTOR);
    if (session_new(&(SessionConfig){0}, &self->session, &err)) (void)failed(self, &err);
    return self;
}

const char *weir_error(const weir_session *self) {
    return self->message;
}

void weir_stop(weir_session *self) {
    if (self->session) session_stop(self->session);
}

int weir_execute(weir_session *self, const char *script) {
    if (!self->session) return WEIR_FAILED;
    if (self->query) return wrong(self, "a query of this session has not been released");
    forget_error(self);
    uint32_t at = 0;
    Str sql;
    Place first;
    const ResultSink nobody = {0};
    while (sql_split(str_c(script), &at, &sql, &first, NULL)) {
        Error err = {0};
        session_rearm(self->session);
        if (session_execute(self->session, sql, &nobody, &err) == ST_OK) continue;
        sql_place_in_script(first, &err.place);
        return failed(self, &err);
    }
    return WEIR_OK;
}

// ---- Queries -----------------------------------------------------------------------------------

enum { QUEUE_MAX = 8 };  // batches that a query runs ahead of its reader

struct Query {
    weir_session *owner;
    char *sql;
    bool changes;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;  // anything below changed
    Arena arena;           // of the schema
    const Type *schema;    // NULL: not known yet
    struct ArrowArray queue[QUEUE_MAX];
    uint32_t head, count;
    bool closing;   // the reader has gone
    bool finished;  // the thread is done
    Error err;      // why, when err.status is not ST_OK
    char message[ERROR_MESSAGE_MAX + ERROR_HINT_MAX + 64];
};

static Status query_schema(void *arg, const Type *row, bool ordered, Error *err) {
    Query *self = arg;
    (void)ordered;
    struct ArrowSchema trial;
    TRY(arrow_export_schema(row, self->changes, &trial, err));
    trial.release(&trial);
    (void)pthread_mutex_lock(&self->lock);
    self->schema = type_dup(&self->arena, row);
    (void)pthread_cond_broadcast(&self->moved);
    (void)pthread_mutex_unlock(&self->lock);
    return ST_OK;
}

static Status query_batch(void *arg, Batch *batch, Error *err) {
    Query *self = arg;
    for (uint32_t row = 0; batch->kinds && !self->changes && row < batch->rows; row++) {
        if (batch->kinds[row] == ROW_INSERT) continue;
        (void)error_set(err, ST_VALIDATION, "the query changes rows that it gave before");
        error_hint(err, "ask for WEIR_CHANGES, or SET 'execution.runtime-mode' = 'batch'");
        return ST_VALIDATION;
    }
    struct ArrowArray array;
    TRY(arrow_export_batch(batch, self->changes, &array, err));
    (void)pthread_mutex_lock(&self->lock);
    while (self->count == QUEUE_MAX && !self->closing) {
        (void)pthread_cond_wait(&self->moved, &self->lock);
    }
    bool closing = self->closing;
    if (!closing) self->queue[(self->head + self->count++) % QUEUE_MAX] = array;
    (void)pthread_cond_broadcast(&self->moved);
    (void)pthread_mutex_unlock(&self->lock);
    if (!closing) return ST_OK;
    array.release(&array);
    return error_set(err, ST_CANCELLED, "the reader has gone");
}

static void *query_run(void *arg) {
    Query *self = arg;
    ResultSink sink = {.arg = self, .schema = query_schema, .batch = query_batch};
    Error err = {0};
    Status st = session_execute(self->owner->session, str_c(self->sql), &sink, &err);
    (void)pthread_mutex_lock(&self->lock);
    if (st) self->err = err;
    self->finished = true;
    (void)pthread_cond_broadcast(&self->moved);
    (void)pthread_mutex_unlock(&self->lock);
    return NULL;
}

// The errno that the stream interface wants.
static int query_failed(Query *self) {
    print_error(&self->err, self->message, sizeof self->message);
    return code_of(self->err.status) == WEIR_WRONG ? EINVAL : EIO;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    Query *self = stream->private_data;
    out->release = NULL;
    (void)pthread_mutex_lock(&self->lock);
    while (!self->schema && !self->finished) (void)pthread_cond_wait(&self->moved, &self->lock);
    int code = 0;
    if (!self->schema && self->err.status) {
        code = query_failed(self);
    } else {
        // A statement without rows has no columns either.
        const Type *none = NULL, *row = self->schema;
        if (!row) row = type_row(&self->arena, 0, &none, &(Str){0}, false);
        if (arrow_export_schema(row, self->changes, out, &self->err)) code = query_failed(self);
    }
    (void)pthread_mutex_unlock(&self->lock);
    return code;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    Query *self = stream->private_data;
    out->release = NULL;
    (void)pthread_mutex_lock(&self->lock);
    while (!self->count && !self->finished) (void)pthread_cond_wait(&self->moved, &self->lock);
    int code = 0;
    if (self->count) {
        *out = self->queue[self->head];
        self->head = (self->head + 1) % QUEUE_MAX;
        self->count--;
        (void)pthread_cond_broadcast(&self->moved);
    } else if (self->err.status) {
        code = query_failed(self);
    }
    (void)pthread_mutex_unlock(&self->lock);
    return code;
}

static const char *stream_error(struct ArrowArrayStream *stream) {
    Query *self = stream->private_data;
    return self->message[0] ? self->message : NULL;
}

static void query_end(Query *self) {
    (void)pthread_mutex_lock(&self->lock);
    self->closing = true;
    (void)pthread_cond_broadcast(&self->moved);
    if (!self->finished) {
        session_stop(self->owner->session);
        session_stop(self->owner->session);
    }
    while (!self->finished) (void)pthread_cond_wait(&self->moved, &self->lock);
    (void)pthread_mutex_unlock(&self->lock);
    (void)pthread_join(self->thread, NULL);
    while (self->count) {
        struct ArrowArray *array = &self->queue[self->head];
        array->release(array);
        self->head = (self->head + 1) % QUEUE_MAX;
        self->count--;
    }
    self->owner->query = NULL;
    (void)pthread_cond_destroy(&self->moved);
    (void)pthread_mutex_destroy(&self->lock);
    arena_clear(&self->arena);
    mem_free(self->sql);
    mem_free(self);
}

static void stream_release(struct ArrowArrayStream *stream) {
    query_end(stream->private_data);
    stream->release = NULL;
}

int weir_query(weir_session *self, const char *sql, int flags, struct ArrowArrayStream *out) {
    out->release = NULL;
    if (!self->session) return WEIR_FAILED;
    if (self->query) return wrong(self, "a query of this session has not been released");
    forget_error(self);
    uint32_t at = 0;
    Str statement, second;
    Place first, next;
    if (!sql_split(str_c(sql), &at, &statement, &first, NULL)) return wrong(self, "no statement");
    if (sql_split(str_c(sql), &at, &second, &next, NULL)) {
        return wrong(self, "more than one statement");
    }
    Query *query = NEW(Query);
    query->owner = self;
    query->sql = str_own(statement);
    query->changes = flags & WEIR_CHANGES;
    arena_init(&query->arena);
    (void)pthread_mutex_init(&query->lock, NULL);
    (void)pthread_cond_init(&query->moved, NULL);
    session_rearm(self->session);
    int code = pthread_create(&query->thread, NULL, query_run, query);
    if (code) {
        mem_free(query->sql);
        mem_free(query);
        (void)snprintf(self->message, sizeof self->message, "no thread: %s", strerror(code));
        return WEIR_FAILED;
    }
    self->query = query;
    // What is wrong with the statement is better said here than by the stream.
    (void)pthread_mutex_lock(&query->lock);
    while (!query->schema && !query->finished) {
        (void)pthread_cond_wait(&query->moved, &query->lock);
    }
    Error err = query->schema ? (Error){0} : query->err;
    (void)pthread_mutex_unlock(&query->lock);
    if (err.status) {
        query_end(query);
        sql_place_in_script(first, &err.place);
        return failed(self, &err);
    }
    *out = (struct ArrowArrayStream){.get_schema = stream_schema,
                                     .get_next = stream_next,
                                     .get_last_error = stream_error,
                                     .release = stream_release,
                                     .private_data = query};
    return WEIR_OK;
}

// ---- Tables ------------------------------------------------------------------------------------

static void put_quoted(Str name, Buf *out) {
    buf_putc(out, '`');
    for (uint32_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '`') buf_putc(out, '`');
        buf_putc(out, name.ptr[i]);
    }
    buf_putc(out, '`');
}

static Status put_columns(const struct ArrowSchema *schema, Buf *out, Error *err) {
    if (strcmp(schema->format, "+s") != 0 || !schema->n_children) {
        return error_set(err, ST_VALIDATION, "the stream has no columns");
    }
    Arena arena;
    arena_init(&arena);
    Status st = ST_OK;
    for (int64_t i = 0; !st && i < schema->n_children; i++) {
        const Type *type;
        st = arrow_import_type(&arena, schema->children[i], &type, err);
        if (st) break;
        if (i) buf_puts(out, ", ");
        put_quoted(str_c(schema->children[i]->name), out);
        buf_putc(out, ' ');
        type_print(type, out);
    }
    arena_clear(&arena);
    return st;
}

int weir_feed(weir_session *self, const char *table, const char *more,
              struct ArrowArrayStream *data) {
    if (!self->session) return WEIR_FAILED;
    if (self->query) return wrong(self, "a query of this session has not been released");
    forget_error(self);
    struct ArrowSchema schema;
    int code = data->get_schema(data, &schema);
    if (code) {
        const char *why = data->get_last_error(data);
        (void)snprintf(self->message, sizeof self->message, "the stream has no schema: %s",
                       why ? why : strerror(code));
        return WEIR_FAILED;
    }
    Buf sql = {0};
    Error err = {0};
    buf_puts(&sql, "CREATE TEMPORARY TABLE ");
    put_quoted(str_c(table), &sql);
    buf_puts(&sql, " (");
    Status st = put_columns(&schema, &sql, &err);
    schema.release(&schema);
    if (!st) {
        uint64_t feed = host_feed_add(data);
        self->feed = mem_realloc(self->feed, (self->feed_count + 1) * sizeof *self->feed);
        self->feed[self->feed_count++] = feed;
        buf_printf(&sql, "%s%s) WITH ('connector' = 'host', 'feed' = '%llu')", more ? ", " : "",
                   more ? more : "", (unsigned long long)feed);
        st = session_execute(self->session, buf_str(&sql), &(ResultSink){0}, &err);
    }
    buf_free(&sql);
    return st ? failed(self, &err) : WEIR_OK;
}

void weir_close(weir_session *self) {
    if (!self) return;
    if (self->query) query_end(self->query);
    session_free(self->session);
    for (uint32_t i = 0; i < self->feed_count; i++) host_feed_drop(self->feed[i]);
    mem_free(self->feed);
    mem_free(self);
}
