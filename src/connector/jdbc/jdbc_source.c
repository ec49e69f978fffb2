// Scans: COPY (SELECT …) TO STDOUT in binary, a stream of rows without a copy of the result on
// either side. A table is read in one part, or in several by ranges of a column (scan.partition.*),
// dealt out among the workers.
#include "connector/jdbc/jdbc_int.h"

typedef struct JdbcReader {
    SourceReader base;
    Arena arena;
    JdbcTable table;
    Link link;
    const ScanSpec *spec;
    TaskEnv env;
    uint32_t parts, part;    // of this reader: env.index, + env.count, …
    int64_t *out;            // of each part: rows handed out, or ALL
    bool copying, stopping;
    bool head;               // COPY's own header is still to come
    int64_t rows_skipped;    // rows of the part at hand that were handed out before a restore
    Batch *batch;            // being filled
} JdbcReader;

enum { ALL = -1 };  // in [out]

// ---- SQL ---------------------------------------------------------------------------------------

// Part [part] of equal ranges, the first ones a bit longer; after Flink's parameter provider.
static void range_of(const JdbcTable *table, int64_t part, int64_t *from, int64_t *to) {
    int64_t all = table->upper - table->lower + 1;
    int64_t size = (all + table->partitions - 1) / table->partitions;
    int64_t longer = all - (size - 1) * table->partitions;
    *from = table->lower + part * size - (part > longer ? part - longer : 0);
    *to = *from + (part < longer ? size : size - 1) - 1;
}

static void scan_sql(JdbcReader *self, Buf *out) {
    Buf more = {0};
    if (self->table.partitioned) {
        int64_t from, to;
        range_of(&self->table, self->part, &from, &to);
        sql_identifier(self->table.partition_column, &more);
        buf_printf(&more, " BETWEEN %lld AND %lld", (long long)from, (long long)to);
    }
    buf_puts(out, "COPY (SELECT ");
    sql_select_list(&self->link, self->spec->wanted, "", out);
    buf_puts(out, " FROM ");
    buf_put_str(out, self->table.name);
    sql_where(&self->link, &self->env, self->spec->filter, self->spec->filter_count, "",
              buf_str(&more), out);
    if (self->spec->limit >= 0) buf_printf(out, " LIMIT %lld", (long long)self->spec->limit);
    buf_puts(out, ") TO STDOUT (FORMAT binary)");
    buf_free(&more);
}

static Status part_open(JdbcReader *self, Error *err) {
    static const char WHAT[] = "reading";
    int64_t retries = self->table.retries_max;
    for (int64_t attempt = 0;; attempt++) {
        Status st = link_open(&self->link, err);
        if (!st) break;
        if (!status_retryable(st) || attempt >= retries || self->stopping) return st;
        os()->sleep_ms(100 * (attempt + 1));
    }
    // Who begins again skips as many rows as were handed out, so they come in one order: neither
    // from where another scan happens to be, nor from several processes.
    TRY(link_run(&self->link, "SET synchronize_seqscans = off; "
                 "SET max_parallel_workers_per_gather = 0", WHAT, err));
    Buf sql = {0};
    scan_sql(self, &sql);
    PGresult *result = pq.exec(self->link.conn, buf_cstr(&sql));
    buf_free(&sql);
    if (pq.resultStatus(result) != PGRES_COPY_OUT) {
        return link_error(&self->link, result, WHAT, err);
    }
    pq.clear(result);
    self->copying = self->head = true;
    self->rows_skipped = self->out[self->part];
    return ST_OK;
}

// ---- rows --------------------------------------------------------------------------------------

static Status bad_stream(JdbcReader *self, Error *err) {
    return error_set(err, ST_RUNTIME, "table '" STR_FMT "': PostgreSQL sent no binary COPY",
                     STR_ARG(self->table.desc->name));
}

// One row of COPY: a count of fields, then each with its length.
static Status read_row(JdbcReader *self, Str bytes, Error *err) {
    const Type *row = self->spec->wanted;
    if (self->rows_skipped) {
        self->rows_skipped--;
        return ST_OK;
    }
    if (!self->batch) {
        self->batch = batch_new_columns(self->spec->produced, BATCH_ROWS_MAX);
        self->batch->rows = 0;
    }
    uint32_t at = 2, slot = self->batch->rows;
    for (uint32_t c = 0; c < row->child_count; c++) {
        if (bytes.len - at < 4 || at > bytes.len) return bad_stream(self, err);
        const unsigned char *head = (const unsigned char *)bytes.ptr + at;
        int32_t len = (int32_t)((uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 |
                                (uint32_t)head[2] << 8 | head[3]);
        at += 4;
        if (len > 0 && (uint32_t)len > bytes.len - at) return bad_stream(self, err);
        Str value = len < 0 ? (Str){0} : str_make(bytes.ptr + at, (size_t)len);
        Status st = pg_read(value, self->batch->column[c], slot, err);
        if (st) {
            error_while(err, "reading column '" STR_FMT "' of table '" STR_FMT "'",
                        STR_ARG(row->field[c]), STR_ARG(self->table.desc->name));
            return st;
        }
        if (len > 0) at += (uint32_t)len;
    }
    self->batch->rows = slot + 1;
    return ST_OK;
}

// The end of COPY: whether the server was content.
static Status part_end(JdbcReader *self, Error *err) {
    PGresult *result;
    Status st = ST_OK;
    while ((result = pq.getResult(self->link.conn))) {
        if (!st && pq.resultStatus(result) != PGRES_COMMAND_OK) {
            st = link_error(&self->link, result, "reading", err);
            if (!self->link.conn) return st;
        } else {
            pq.clear(result);
        }
    }
    self->copying = false;
    if (!st) self->out[self->part] = ALL;
    return st;
}

static Status fill(JdbcReader *self, bool *ended, Error *err) {
    enum { HEAD_MIN = 19 };
    *ended = false;
    while (!self->batch || self->batch->rows < BATCH_ROWS_MAX) {
        char *message = NULL;
        int size = pq.getCopyData(self->link.conn, &message, 0);
        if (size < 0) {
            *ended = true;
            if (size == -2) return link_error(&self->link, NULL, "reading", err);
            return ST_OK;
        }
        Str bytes = str_make(message, (size_t)size);
        Status st = ST_OK;
        if (self->head) {  // signature, flags, and an extension that says how long it is
            if (bytes.len < HEAD_MIN || memcmp(bytes.ptr, "PGCOPY", 6) != 0) {
                st = bad_stream(self, err);
            }
            bytes = str_sub(bytes, HEAD_MIN, bytes.len);
            self->head = false;
        }
        bool trailer = bytes.len >= 2 && bytes.ptr[0] == (char)0xFF && bytes.ptr[1] == (char)0xFF;
        if (!st && bytes.len >= 2 && !trailer) st = read_row(self, bytes, err);
        pq.freemem(message);
        TRY(st);
    }
    return ST_OK;
}

static void next_part(JdbcReader *self) {
    while (self->part < self->parts && self->out[self->part] == ALL) {
        self->part += self->env.count;
    }
}

static Status jdbc_poll(SourceReader *base, SourceOutput *out, ReadState *state, Error *err) {
    JdbcReader *self = (JdbcReader *)base;
    *state = READ_MORE;
    if (!self->copying) next_part(self);
    if (self->stopping || (!self->copying && self->part >= self->parts)) {
        *state = READ_END;
        return ST_OK;
    }
    if (!self->copying) {
        TRY(part_open(self, err));
        if (out->split_start) TRY(out->split_start(out, self->part, err));
    }
    bool ended;
    uint32_t part = self->part;
    TRY(fill(self, &ended, err));
    Batch *batch = self->batch;
    self->batch = NULL;
    if (batch) {
        self->out[part] += batch->rows;
        batch_set_rows(batch, batch->rows);
        TRY(out->batch(out, part, batch_seal(batch), err));
    }
    if (!ended) return ST_OK;
    TRY(part_end(self, err));
    return out->split_end(out, part, err);
}

static void jdbc_stop(SourceReader *base) {
    ((JdbcReader *)base)->stopping = true;
}

// Of each part that was begun how many of its rows were handed out. A table that nobody changes
// meanwhile gives the same rows in the same order again; PostgreSQL promises no more.
static Status jdbc_snapshot(SourceReader *base, Buf *out, Error *err) {
    (void)err;
    JdbcReader *self = (JdbcReader *)base;
    buf_puts(out, "2 ");
    for (uint32_t part = self->env.index; part < self->parts; part += self->env.count) {
        if (self->out[part]) buf_printf(out, "%u %lld ", part, (long long)self->out[part]);
    }
    return ST_OK;
}

static bool is_mine(const JdbcReader *self, uint64_t part) {
    return part < self->parts && part % self->env.count == self->env.index;
}

static Status jdbc_restore(SourceReader *base, Str bytes, Error *err) {
    JdbcReader *self = (JdbcReader *)base;
    int64_t version, part, rows;
    bool whole = str_take_i64(&bytes, &version) && version == 2;
    while (whole && bytes.len) {
        whole = str_take_i64(&bytes, &part) && str_take_i64(&bytes, &rows) && part >= 0 &&
                rows >= ALL;
        if (whole && is_mine(self, (uint64_t)part)) self->out[part] = rows;
    }
    if (whole) return ST_OK;
    return error_set(err, ST_RUNTIME, "table '" STR_FMT "': the snapshot of its jdbc source is "
                     "damaged, or of an older weir", STR_ARG(self->table.desc->name));
}

// Parts have the same numbers in all readers.
static int64_t jdbc_takes(SourceReader *base, uint32_t split) {
    return is_mine((JdbcReader *)base, split) ? (int64_t)split : -1;
}

static void jdbc_close(SourceReader *base) {
    JdbcReader *self = (JdbcReader *)base;
    if (self->copying) link_cancel(&self->link);  // else the server would send to the end
    (void)batch_unref(self->batch);
    link_clear(&self->link);
    arena_clear(&self->arena);
    mem_free(self);
}

Status jdbc_source_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out, Error *err) {
    static const SourceVt VT = {.poll = jdbc_poll, .stop = jdbc_stop, .snapshot = jdbc_snapshot,
                                .restore = jdbc_restore, .takes = jdbc_takes,
                                .close = jdbc_close};
    JdbcReader *self = NEW(JdbcReader);
    self->base.vt = &VT;
    self->spec = spec;
    self->env = *env;
    self->part = env->index;
    link_init(&self->link, &self->table, env->zone);
    Status st = jdbc_table_read(&self->arena, spec->table, &self->table, err);
    if (st) {
        jdbc_close(&self->base);
        return st;
    }
    self->parts = self->table.partitioned ? (uint32_t)self->table.partitions : 1;
    self->out = ARENA_ARRAY(&self->arena, int64_t, self->parts);
    *out = &self->base;
    return ST_OK;
}
