// Writes rows: columns are put into the server's layout as they come, and a block of them is one
// INSERT. Without checkpoints a block is sent when enough rows wait or they have waited long
// enough; with them it waits for its checkpoint (clickhouse_commit.c).
#include "connector/clickhouse/clickhouse_int.h"

enum {
    BLOCK_ROWS_MAX = 1 << 18,   // below max_insert_block_size: the server does not cut it
    BLOCK_BYTES_MAX = 64 << 20,
    INSERTS_APART_MS = 100,     // each insert is a part at least, which must be merged
};

typedef struct ChSink {
    SinkWriter base;
    Arena arena;
    ChTable table;
    ChServer server;
    TaskEnv env;
    const Type *schema;
    ChColumn *column;     // one for each of the schema; of the sign's, if it is there, unused
    Str *name;            // as the server has it
    int32_t sign_at;      // in the schema, or -1
    Buf signs;
    Str columns;          // "(`a`, `b`, `Sign`)"
    uint32_t rows;
    uint64_t run, blocks; // name blocks
    int64_t waiting_since_ms, sent_ms;
    bool exact;
    ChCommits commits;
} ChSink;

// ---- blocks ------------------------------------------------------------------------------------

static void put_head(Str name, Str type, Buf *out) {
    ch_put_text(out, name);
    ch_put_text(out, type);
}

static void write_block(ChSink *self, Buf *out) {
    uint32_t count = self->schema->child_count;
    bool has_sign = self->table.sign.len != 0;
    ch_put_varint(out, count - (self->sign_at >= 0) + has_sign);
    ch_put_varint(out, self->rows);
    for (uint32_t c = 0; c < count; c++) {
        if ((int32_t)c == self->sign_at) continue;
        put_head(self->name[c], self->column[c].type->text, out);
        ch_column_write(&self->column[c], out);
        ch_column_reset(&self->column[c]);
    }
    if (has_sign) {
        put_head(self->table.sign, STR("Int8"), out);
        buf_put(out, self->signs.ptr, self->signs.len);
        self->signs.len = 0;
    }
    self->rows = 0;
}

// Sends what waits, or keeps it for its checkpoint.
static Status cut(ChSink *self, Error *err) {
    if (!self->rows) return ST_OK;
    Buf block = {0}, token = {0};
    buf_printf(&token, "weir-%016llx-%u-%llu", (unsigned long long)self->run, self->env.index,
               (unsigned long long)++self->blocks);
    write_block(self, &block);
    Status st;
    if (self->exact) {
        st = ch_commits_add(&self->commits, buf_str(&token), self->columns, &block, err);
    } else {
        ChInsert insert = {buf_str(&token), self->columns, buf_str(&block)};
        st = ch_server_insert(&self->server, &insert, false, err);
        self->sent_ms = os_now_ms();
    }
    buf_free(&block);
    buf_free(&token);
    return st;
}

static size_t waiting_bytes(const ChSink *self) {
    size_t bytes = 0;
    for (uint32_t c = 0; c < self->schema->child_count; c++) {
        bytes += ch_column_bytes(&self->column[c]);
    }
    return bytes;
}

static Status put_rows(ChSink *self, const Batch *batch, uint32_t from, uint32_t count,
                       Error *err) {
    if (!self->rows) self->waiting_since_ms = os_now_ms();
    for (uint32_t c = 0; c < self->schema->child_count; c++) {
        if ((int32_t)c == self->sign_at) continue;
        Status st = ch_column_put(&self->column[c], batch->column[c], from, count, err);
        if (!st) continue;
        error_while(err, "table '" STR_FMT "': column '" STR_FMT "'",
                    STR_ARG(self->table.desc->name), STR_ARG(self->schema->field[c]));
        return st;
    }
    for (uint32_t row = from; row < from + count && self->table.sign.len; row++) {
        buf_putc(&self->signs, row_kind_is_add(batch_kind(batch, row)) ? 1 : -1);
    }
    self->rows += count;
    return ST_OK;
}

static bool is_written(const ChSink *self, RowKind kind) {
    if (self->table.sign.len || kind == ROW_INSERT) return true;
    return kind == ROW_UPDATE_AFTER && !self->table.discard_update;
}

// ---- the writer --------------------------------------------------------------------------------

static int64_t ch_due_ms(SinkWriter *base) {
    const ChSink *self = (const ChSink *)base;
    if (!self->rows || self->exact) return INT64_MAX;
    if (self->rows >= self->table.batch_rows) return self->sent_ms + INSERTS_APART_MS;
    if (self->table.flush_interval_ms <= 0) return INT64_MAX;
    return self->waiting_since_ms + self->table.flush_interval_ms;
}

static Status ch_write(SinkWriter *base, const Batch *batch, Error *err) {
    ChSink *self = (ChSink *)base;
    for (uint32_t row = 0; row < batch->rows;) {
        uint32_t from = row;
        while (row < batch->rows && is_written(self, batch_kind(batch, row))) row++;
        if (row > from) TRY(put_rows(self, batch, from, row - from, err));
        while (row < batch->rows && !is_written(self, batch_kind(batch, row))) row++;
    }
    bool full = self->rows >= BLOCK_ROWS_MAX || waiting_bytes(self) >= BLOCK_BYTES_MAX;
    return full || os_now_ms() >= ch_due_ms(base) ? cut(self, err) : ST_OK;
}

static Status ch_flush(SinkWriter *base, bool end_of_input, Error *err) {
    ChSink *self = (ChSink *)base;
    TRY(cut(self, err));
    // With checkpoints the last one inserts.
    if (!end_of_input || !self->exact || self->env.checkpoints) return ST_OK;
    ch_commits_prepare(&self->commits, UINT64_MAX, NULL);
    return ch_commits_commit(&self->commits, UINT64_MAX, err);
}

static Status ch_prepare(SinkWriter *base, uint64_t checkpoint, Buf *committable, Error *err) {
    (void)err;
    ch_commits_prepare(&((ChSink *)base)->commits, checkpoint, committable);
    return ST_OK;
}

static Status ch_commit(SinkWriter *base, uint64_t checkpoint, Error *err) {
    return ch_commits_commit(&((ChSink *)base)->commits, checkpoint, err);
}

static Status ch_restore(SinkWriter *base, Str committable, Error *err) {
    return ch_commits_restore(&((ChSink *)base)->commits, committable, err);
}

static void ch_close(SinkWriter *base) {
    ChSink *self = (ChSink *)base;
    for (uint32_t c = 0; self->column && c < self->schema->child_count; c++) {
        ch_column_clear(&self->column[c]);
    }
    buf_free(&self->signs);
    ch_commits_clear(&self->commits);
    arena_clear(&self->arena);
    mem_free(self);
}

// ---- opening -----------------------------------------------------------------------------------

static Status no_column(const ChSink *self, Str name, const ChServerColumn *column, uint32_t count,
                        Error *err) {
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX];
    Arena arena = {0};
    uint32_t known = count < NAMES_MAX ? count : NAMES_MAX;
    for (uint32_t i = 0; i < known; i++) names[i] = str_cstr(&arena, column[i].name);
    (void)error_set(err, ST_VALIDATION,
                    "table '" STR_FMT "': ClickHouse's table '" STR_FMT "." STR_FMT
                    "' has no column '" STR_FMT "'",
                    STR_ARG(self->table.desc->name), STR_ARG(self->table.database),
                    STR_ARG(self->table.name), STR_ARG(name));
    const char *near = text_nearest(name, names, known);
    if (near) error_hint(err, "did you mean '%s'?", near);
    arena_clear(&arena);
    return ST_VALIDATION;
}

// Exactly, then without regard to case.
static const ChServerColumn *find(const ChServerColumn *column, uint32_t count, Str name) {
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq(column[i].name, name)) return &column[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq_nocase(column[i].name, name)) return &column[i];
    }
    return NULL;
}

static Status match_column(ChSink *self, uint32_t c, const ChServerColumn *to, Error *err) {
    const Type *from = self->schema->child[c];
    const char *why = "leave the column out of the table's declaration";
    bool known = to->type.kind != CH_TUPLE || to->type.child_count;
    bool good = !to->computed && known;
    if (good) good = ch_type_takes(&to->type, from, &why);
    if (!good) {
        Buf type = {0};
        type_print_summary(from, false, &type);
        (void)error_set(err, ST_VALIDATION, "table '" STR_FMT "': column '" STR_FMT "' is " STR_FMT
                        " here and %s" STR_FMT " in ClickHouse", STR_ARG(self->table.desc->name),
                        STR_ARG(self->schema->field[c]), STR_ARG(buf_str(&type)),
                        to->computed ? "computed, of " : "", STR_ARG(to->type.text));
        error_hint(err, "%s", why);
        buf_free(&type);
        return ST_VALIDATION;
    }
    self->name[c] = to->name;
    ch_column_init(&self->arena, &self->column[c], &to->type, &self->env, self->server.zone);
    return ST_OK;
}

static Status match_columns(ChSink *self, Error *err) {
    ChServerColumn *column;
    uint32_t count, fields = self->schema->child_count;
    TRY(ch_server_columns(&self->server, &self->arena, &column, &count, err));
    self->column = ARENA_ARRAY(&self->arena, ChColumn, fields + 1);
    self->name = ARENA_ARRAY(&self->arena, Str, fields + 1);
    Buf list = {0};
    Status st = ST_OK;
    for (uint32_t c = 0; c < fields && !st; c++) {
        Str name = self->schema->field[c];
        const ChServerColumn *to = find(column, count, name);
        if (self->table.sign.len && str_eq_nocase(name, self->table.sign)) {
            self->sign_at = (int32_t)c;
            continue;
        }
        st = to ? match_column(self, c, to, err) : no_column(self, name, column, count, err);
        if (st) break;
        buf_puts(&list, list.len ? ", " : "(");
        ch_quote(to->name, &list);
    }
    if (!st && self->table.sign.len) {
        const ChServerColumn *sign = find(column, count, self->table.sign);
        if (!sign) {
            st = no_column(self, self->table.sign, column, count, err);
            error_while(err, "'table.collapsing.field'");
        } else if (!str_is(sign->type.text, "Int8")) {
            st = error_set(err, ST_VALIDATION,
                           "table '" STR_FMT "': 'table.collapsing.field' names '" STR_FMT
                           "', which is " STR_FMT " and should be Int8",
                           STR_ARG(self->table.desc->name), STR_ARG(sign->name),
                           STR_ARG(sign->type.text));
        } else {
            self->table.sign = sign->name;
            buf_puts(&list, list.len ? ", " : "(");
            ch_quote(sign->name, &list);
        }
    }
    buf_putc(&list, ')');
    self->columns = str_dup(&self->arena, buf_str(&list));
    buf_free(&list);
    return st;
}

// Whether blocks wait for checkpoints, and whether what was asked for can be had.
static Status choose_guarantee(ChSink *self, Error *err) {
    const ChTable *table = &self->table;
    const char *why = NULL, *way = NULL;
    self->exact = table->exactly_once &&
                  (self->env.checkpoint_ms > 0 || (table->demands_exactly_once));
    if (!table->demands_exactly_once) return ST_OK;
    if (!self->env.checkpoint_ms && self->env.unbounded) {
        why = "needs checkpoints, and this job has none and no end";
        way = "set 'execution.checkpointing.interval' and 'execution.checkpointing.dir'";
    } else if (!self->server.has_log && !(self->server.dedupes && self->server.has_token)) {
        why = "cannot be had: the server's query_log cannot be read, and it keeps no tokens of "
              "inserts for the table";
        way = "let the user read system.query_log, or use a Replicated engine, or MergeTree with "
              "non_replicated_deduplication_window";
    }
    if (!why) return ST_OK;
    (void)error_set(err, ST_VALIDATION, "table '" STR_FMT "': 'sink.delivery-guarantee' = "
                    "'exactly-once' %s", STR_ARG(table->desc->name), why);
    error_hint(err, "%s", way);
    return ST_VALIDATION;
}

Status ch_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out, Error *err) {
    static const SinkVt VT = {.write = ch_write, .flush = ch_flush, .due_ms = ch_due_ms,
                              .prepare = ch_prepare, .commit = ch_commit, .restore = ch_restore,
                              .close = ch_close};
    ChSink *self = NEW(ChSink);
    self->base.vt = &VT;
    self->env = *env;
    self->schema = spec->schema;
    self->sign_at = -1;
    self->run = os()->random();
    Status st = ch_table_read(&self->arena, spec->table, &self->table, err);
    if (!st) st = ch_server_open(&self->server, &self->table, &self->arena, err);
    if (!st) st = match_columns(self, err);
    if (!st) st = choose_guarantee(self, err);
    if (st) {
        ch_close(&self->base);
        return st;
    }
    self->commits = (ChCommits){.server = &self->server, .budget = env->budget};
    *out = &self->base;
    return ST_OK;
}
