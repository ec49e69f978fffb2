// Writes rows: INSERT, or with a primary key INSERT … ON CONFLICT … DO UPDATE, and DELETE by key.
// Rows wait in a buffer, with a key only the last change of each; a flush sends the columns as
// arrays, one statement for all rows, in one transaction. A lost connection is made again and the
// flush repeated: at least once, which upserts make exactly once.
//
// When the server refuses the values, the flush is taken back and its rows are tried one by one,
// and the columns of the bad one by themselves, to say which it was.
#include "connector/jdbc/jdbc_int.h"

typedef struct Waiting {
    Batch *batch;      // kept by [held]
    uint32_t row;
    bool deletes;
} Waiting;

typedef struct JdbcSink {
    SinkWriter base;
    Arena arena;
    JdbcTable table;
    Link link;
    TaskEnv env;
    const Type *schema;       // of the rows, which are the table's physical columns
    const uint32_t *key;
    uint32_t key_count;
    Waiting *row;
    uint32_t rows, rows_cap;
    Map place;                // key -> its place in [row] + 1
    Batch **held;             // batches that rows wait in
    uint32_t held_count, held_cap;
    int64_t waiting_since_ms;
    Buf key_bytes, sql;
    Buf *param;
    const char **text;
    Commits *commits;         // NULL: at least once
} JdbcSink;

// ---- SQL ---------------------------------------------------------------------------------------

static const PgColumn *column_of(const JdbcSink *self, uint32_t column) {
    return link_column(&self->link, self->schema->field[column]);
}

static void put_names(JdbcSink *self, const uint32_t *column, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_puts(&self->sql, ", ");
        sql_identifier(column_of(self, column ? column[i] : i)->name, &self->sql);
    }
}

// A column of arrays travels as the text of each: unnest would take nested arrays apart.
static bool travels_as_text(const PgColumn *column) {
    return str_ends(column->type, STR("[]"));
}

// "unnest($1::integer[], …) AS weir_u(c0, c1)": the rows of the given columns.
static void put_rows(JdbcSink *self, const uint32_t *column, uint32_t count) {
    buf_puts(&self->sql, "unnest(");
    for (uint32_t i = 0; i < count; i++) {
        const PgColumn *to = column_of(self, column ? column[i] : i);
        Str type = travels_as_text(to) ? STR("text") : to->type;
        buf_printf(&self->sql, "%s$%u::" STR_FMT "[]", i ? ", " : "", i + 1, STR_ARG(type));
    }
    buf_puts(&self->sql, ") AS weir_u(");
    for (uint32_t i = 0; i < count; i++) buf_printf(&self->sql, "%sc%u", i ? ", " : "", i);
    buf_putc(&self->sql, ')');
}

static bool is_key(const JdbcSink *self, uint32_t column) {
    for (uint32_t k = 0; k < self->key_count; k++) {
        if (self->key[k] == column) return true;
    }
    return false;
}

static void insert_sql(JdbcSink *self) {
    uint32_t columns = self->schema->child_count;
    self->sql.len = 0;
    buf_puts(&self->sql, "INSERT INTO ");
    buf_put_str(&self->sql, self->table.name);
    buf_puts(&self->sql, " (");
    put_names(self, NULL, columns);
    buf_puts(&self->sql, ") SELECT ");
    for (uint32_t c = 0; c < columns; c++) {
        const PgColumn *to = column_of(self, c);
        buf_printf(&self->sql, "%sc%u", c ? ", " : "", c);
        if (travels_as_text(to)) buf_printf(&self->sql, "::" STR_FMT, STR_ARG(to->type));
    }
    buf_puts(&self->sql, " FROM ");
    put_rows(self, NULL, columns);
    if (!self->key_count) return;
    buf_puts(&self->sql, " ON CONFLICT (");
    put_names(self, self->key, self->key_count);
    buf_puts(&self->sql, ") DO ");
    if (self->key_count == columns) {
        buf_puts(&self->sql, "NOTHING");
        return;
    }
    const char *before = "UPDATE SET ";
    for (uint32_t c = 0; c < columns; c++) {
        if (is_key(self, c)) continue;
        buf_puts(&self->sql, before);
        sql_identifier(column_of(self, c)->name, &self->sql);
        buf_puts(&self->sql, " = EXCLUDED.");
        sql_identifier(column_of(self, c)->name, &self->sql);
        before = ", ";
    }
}

static void delete_sql(JdbcSink *self) {
    self->sql.len = 0;
    buf_puts(&self->sql, "DELETE FROM ");
    buf_put_str(&self->sql, self->table.name);
    buf_puts(&self->sql, " AS weir_t USING ");
    put_rows(self, self->key, self->key_count);
    for (uint32_t k = 0; k < self->key_count; k++) {
        buf_puts(&self->sql, k ? " AND weir_t." : " WHERE weir_t.");
        sql_identifier(column_of(self, self->key[k])->name, &self->sql);
        buf_printf(&self->sql, " = weir_u.c%u", k);
    }
}

// ---- sending -----------------------------------------------------------------------------------

// Sends the rows [from, to) that are deletions, or all others, by the statement in self->sql.
static Status send(JdbcSink *self, uint32_t from, uint32_t to, bool deletes, Error *err) {
    uint32_t columns = deletes ? self->key_count : self->schema->child_count, sent = 0;
    for (uint32_t c = 0; c < columns; c++) {
        uint32_t column = deletes ? self->key[c] : c;
        bool as_text = travels_as_text(column_of(self, column));
        Buf *out = &self->param[c], item = {0};
        out->len = sent = 0;
        buf_putc(out, '{');
        for (uint32_t i = from; i < to; i++) {
            const Waiting *row = &self->row[i];
            if (row->deletes != deletes) continue;
            const Vec *vec = row->batch->column[column];
            if (as_text && !vec_is_null(vec, row->row)) {  // the array's text, quoted once more
                item.len = 0;
                pg_text(&self->env, vec, row->row, &item);
                if (sent++) buf_putc(out, ',');
                buf_putc(out, '"');
                for (size_t b = 0; b < item.len; b++) {
                    if (item.ptr[b] == '"' || item.ptr[b] == '\\') buf_putc(out, '\\');
                    buf_putc(out, item.ptr[b]);
                }
                buf_putc(out, '"');
            } else {
                pg_array_item(&self->env, vec, row->row, sent++ == 0, out);
            }
        }
        buf_putc(out, '}');
        buf_free(&item);
        self->text[c] = buf_cstr(out);
    }
    if (!sent) return ST_OK;
    PGresult *result = pq.execParams(self->link.conn, buf_cstr(&self->sql), (int)columns, NULL,
                                    self->text, NULL, NULL, 0);
    if (pq.resultStatus(result) != PGRES_COMMAND_OK) {
        return link_error(&self->link, result, deletes ? "deleting rows" : "writing rows", err);
    }
    pq.clear(result);
    return ST_OK;
}

static Status send_rows(JdbcSink *self, uint32_t from, uint32_t to, Error *err) {
    insert_sql(self);
    TRY(send(self, from, to, false, err));
    if (!self->key_count) return ST_OK;
    delete_sql(self);
    return send(self, from, to, true, err);
}

static Status flush_once(JdbcSink *self, Error *err) {
    if (self->commits) {
        TRY(commits_begin(self->commits, err));
        Status st = send_rows(self, 0, self->rows, err);
        if (st) commits_forget(self->commits);
        return st;
    }
    TRY(link_open(&self->link, err));
    TRY(link_run(&self->link, "BEGIN", "writing rows", err));
    Status st = send_rows(self, 0, self->rows, err);
    if (!st) return link_run(&self->link, "COMMIT", "writing rows", err);
    link_try(&self->link, "ROLLBACK");
    return st;
}

// ---- what was wrong ----------------------------------------------------------------------------

// Which row and which of its columns the server does not take, put before what it said.
static bool column_refused(JdbcSink *self, uint32_t row, uint32_t column) {
    const PgColumn *to = column_of(self, column);
    const Vec *vec = self->row[row].batch->column[column];
    if (vec_is_null(vec, self->row[row].row)) return false;
    Buf sql = {0}, value = {0};
    pg_text(&self->env, vec, self->row[row].row, &value);
    buf_printf(&sql, "SAVEPOINT weir_s; CREATE TEMP TABLE weir_probe (c " STR_FMT
                     "); INSERT INTO weir_probe SELECT ",
               STR_ARG(to->full));
    sql_text(buf_str(&value), &sql);
    buf_printf(&sql, "::" STR_FMT, STR_ARG(to->type));
    bool refused = link_run(&self->link, buf_cstr(&sql), "probing", NULL) == ST_RUNTIME;
    link_try(&self->link, "ROLLBACK TO weir_s");
    buf_free(&sql);
    buf_free(&value);
    return refused;
}

static void name_row(JdbcSink *self, uint32_t row, Error *err) {
    const Waiting *bad = &self->row[row];
    Buf where = {0};
    for (uint32_t c = 0; c < self->schema->child_count && self->link.conn; c++) {
        if (bad->deletes || !column_refused(self, row, c)) continue;
        buf_printf(&where, "column '" STR_FMT "' of ", STR_ARG(self->schema->field[c]));
        break;
    }
    buf_puts(&where, "the row with ");
    uint32_t shown = self->key_count ? self->key_count : 1;  // without a key the first column
    for (uint32_t k = 0; k < shown; k++) {
        uint32_t column = self->key_count ? self->key[k] : 0;
        const Vec *vec = bad->batch->column[column];
        buf_printf(&where, "%s" STR_FMT " = ", k ? ", " : "", STR_ARG(self->schema->field[column]));
        if (vec_is_null(vec, bad->row)) {
            buf_puts(&where, "NULL");
        } else {
            pg_text(&self->env, vec, bad->row, &where);
        }
    }
    error_while(err, "writing %s", buf_cstr(&where));
    buf_free(&where);
}

// Tries the rows one by one, all of it taken back, until one fails.
static void find_culprit(JdbcSink *self, Error *err) {
    if (!self->link.conn || link_run(&self->link, "BEGIN", "probing", NULL)) return;
    for (uint32_t i = 0; i < self->rows && self->link.conn; i++) {
        Error one = {0};
        if (link_run(&self->link, "SAVEPOINT weir_r", "probing", NULL)) break;
        if (!send_rows(self, i, i + 1, &one)) continue;
        if (!self->link.conn || link_run(&self->link, "ROLLBACK TO weir_r", "probing", NULL)) break;
        *err = one;
        name_row(self, i, err);
        break;
    }
    link_try(&self->link, "ROLLBACK");
}

// ---- the buffer --------------------------------------------------------------------------------

static void forget(JdbcSink *self) {
    for (uint32_t i = 0; i < self->held_count; i++) (void)batch_unref(self->held[i]);
    self->held_count = self->rows = 0;
    map_clear(&self->place);
}

static Status flush(JdbcSink *self, Error *err) {
    if (!self->rows) return ST_OK;
    Error why = {0};
    Status st;
    for (int64_t attempt = 0;; attempt++) {
        st = flush_once(self, &why);
        // What a transaction held before is gone with it: the job goes back to its checkpoint.
        if (!st || self->commits || !status_retryable(st) || attempt >= self->table.retries_max)
            break;
        os()->sleep_ms(1000 * attempt);  // as Flink's: at once, then later and later
    }
    if (st == ST_RUNTIME) find_culprit(self, &why);
    if (st && err) *err = why;
    if (!st) forget(self);
    return st;
}

static void add_row(JdbcSink *self, Batch *batch, uint32_t row) {
    RowKind kind = batch_kind(batch, row);
    Waiting waiting = {.batch = batch, .row = row,
                       .deletes = kind == ROW_DELETE || kind == ROW_UPDATE_BEFORE};
    if (self->key_count) {
        self->key_bytes.len = 0;
        for (uint32_t k = 0; k < self->key_count; k++) {
            const Vec *vec = batch->column[self->key[k]];
            size_t at = self->key_bytes.len;
            buf_put(&self->key_bytes, "\0\0\0\0", 4);
            if (!vec_is_null(vec, row)) pg_text(&self->env, vec, row, &self->key_bytes);
            uint32_t len = (uint32_t)(self->key_bytes.len - at);
            memcpy(self->key_bytes.ptr + at, &len, sizeof len);
        }
        uintptr_t place = (uintptr_t)map_get(&self->place, buf_str(&self->key_bytes));
        if (place) {
            self->row[place - 1] = waiting;
            return;
        }
        (void)map_put(&self->place, buf_str(&self->key_bytes), (void *)(uintptr_t)(self->rows + 1));
    }
    if (self->rows == self->rows_cap) {
        self->rows_cap = self->rows_cap ? self->rows_cap * 2 : 256;
        self->row = mem_realloc(self->row, self->rows_cap * sizeof *self->row);
    }
    self->row[self->rows++] = waiting;
}

static Status jdbc_write(SinkWriter *base, const Batch *batch, Error *err) {
    JdbcSink *self = (JdbcSink *)base;
    Batch *kept = batch_ref((Batch *)(uintptr_t)batch);
    if (self->held_count == self->held_cap) {
        self->held_cap = self->held_cap ? self->held_cap * 2 : 16;
        self->held = mem_realloc(self->held, self->held_cap * sizeof *self->held);
    }
    if (!self->rows) self->waiting_since_ms = os_now_ms();
    self->held[self->held_count++] = kept;
    for (uint32_t row = 0; row < batch->rows; row++) add_row(self, kept, row);
    // A batch is sent whole even when it is more than max-rows: fewer statements, fewer commits.
    bool many = self->table.flush_rows > 0 && self->rows >= self->table.flush_rows;
    enum { HELD_MAX = 1024 };  // rows of one key again and again keep batches alive
    bool late = self->table.flush_interval_ms > 0 &&
                os_now_ms() - self->waiting_since_ms >= self->table.flush_interval_ms;
    return many || late || self->held_count == HELD_MAX ? flush(self, err) : ST_OK;
}

static Status jdbc_flush(SinkWriter *base, bool end_of_input, Error *err) {
    JdbcSink *self = (JdbcSink *)base;
    TRY(flush(self, err));
    // With checkpoints the last one commits.
    if (!end_of_input || !self->commits || self->env.checkpoints) return ST_OK;
    TRY(commits_prepare(self->commits, UINT64_MAX, err));
    return commits_commit(self->commits, UINT64_MAX, err);
}

static Status jdbc_prepare(SinkWriter *base, uint64_t checkpoint, Buf *committable, Error *err) {
    JdbcSink *self = (JdbcSink *)base;
    TRY(commits_prepare(self->commits, checkpoint, err));
    commits_save(self->commits, committable);
    return ST_OK;
}

static Status jdbc_commit(SinkWriter *base, uint64_t checkpoint, Error *err) {
    return commits_commit(((JdbcSink *)base)->commits, checkpoint, err);
}

static Status jdbc_restore(SinkWriter *base, Str committable, Error *err) {
    return commits_restore(((JdbcSink *)base)->commits, committable, err);
}

static int64_t jdbc_due_ms(SinkWriter *base) {
    const JdbcSink *self = (JdbcSink *)base;
    if (!self->rows || self->table.flush_interval_ms <= 0) return INT64_MAX;
    return self->waiting_since_ms + self->table.flush_interval_ms;
}

static void jdbc_sink_close(SinkWriter *base) {
    JdbcSink *self = (JdbcSink *)base;
    forget(self);
    for (uint32_t c = 0; self->param && c < self->schema->child_count; c++) {
        buf_free(&self->param[c]);
    }
    mem_free(self->row);
    mem_free(self->held);
    buf_free(&self->key_bytes);
    buf_free(&self->sql);
    commits_free(self->commits);
    link_clear(&self->link);
    arena_clear(&self->arena);
    mem_free(self);
}

// A transaction that no checkpoint comes to commit would lose its rows.
static Status commits_open(JdbcSink *self, Error *err) {
    if (!self->env.checkpoint_ms && self->env.unbounded) {
        (void)error_set(err, ST_VALIDATION,
                        "'sink.delivery-guarantee' = 'exactly-once' of table '" STR_FMT
                        "' needs checkpoints: they commit what is written, and this job has no end",
                        STR_ARG(self->table.desc->name));
        error_hint(err, "set 'execution.checkpointing.interval' and 'execution.checkpointing.dir'");
        return ST_VALIDATION;
    }
    TRY(commits_allowed(&self->link, err));
    self->commits = commits_new(&self->link, &self->table, self->env.index);
    return ST_OK;
}

Status jdbc_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out, Error *err) {
    static const SinkVt VT = {.write = jdbc_write, .flush = jdbc_flush, .due_ms = jdbc_due_ms,
                              .close = jdbc_sink_close};
    static const SinkVt EXACT_VT = {.write = jdbc_write, .flush = jdbc_flush,
                                    .due_ms = jdbc_due_ms, .prepare = jdbc_prepare,
                                    .commit = jdbc_commit, .restore = jdbc_restore,
                                    .close = jdbc_sink_close};
    JdbcSink *self = NEW(JdbcSink);
    self->base.vt = &VT;
    self->env = *env;
    self->schema = spec->schema;
    self->key = spec->table->primary_key;
    self->key_count = spec->table->primary_key_count;
    link_init(&self->link, &self->table, env->zone);
    Status st = jdbc_table_read(&self->arena, spec->table, &self->table, err);
    if (!st) st = link_open(&self->link, err);  // a wrong table should fail before the first row
    if (!st && self->table.exactly_once) st = commits_open(self, err);
    if (st) {
        jdbc_sink_close(&self->base);
        return st;
    }
    if (self->commits) self->base.vt = &EXACT_VT;
    uint32_t columns = spec->schema->child_count;
    self->param = ARENA_ARRAY(&self->arena, Buf, columns + 1);
    self->text = ARENA_ARRAY(&self->arena, const char *, columns + 1);
    *out = &self->base;
    return ST_OK;
}
