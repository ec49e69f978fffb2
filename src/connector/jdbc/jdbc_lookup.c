// Rows by key, many keys at once: the keys go out as arrays, are numbered there, and joined with
// the table, so that each row comes back with the number of the key that it answers and PostgreSQL
// alone decides what is equal. One prepared statement for each connection.
#include "connector/jdbc/jdbc_int.h"

typedef struct JdbcLookup {
    LookupReader base;
    Arena arena;
    JdbcTable table;
    Link link;
    const LookupSpec *spec;
    TaskEnv env;
    uint32_t prepared; // the connection that knows the statement, of link.connects
    Buf *param;        // per key column: the array as text
    const char **text;
} JdbcLookup;

static const char STATEMENT[] = "weir_lookup";

// The type that a key is compared as: the column's own, so that its index serves; integers as
// asked, which may be wider.
static void key_type(JdbcLookup *self, uint32_t k, Buf *out) {
    const Type *asked = self->spec->key_type[k];
    const PgColumn *column = &self->link.column[self->spec->key[k]];
    if (type_is_integer(asked)) {
        pg_type_name(asked, out);
    } else {
        buf_put_str(out, column->type);
    }
}

static void lookup_sql(JdbcLookup *self, Buf *out) {
    const LookupSpec *spec = self->spec;
    buf_puts(out, "SELECT weir_k.n");
    if (spec->wanted->child_count) buf_puts(out, ", ");
    sql_select_list(&self->link, spec->wanted, "weir_t.", out);
    buf_puts(out, " FROM unnest(");
    for (uint32_t k = 0; k < spec->key_count; k++) {
        buf_printf(out, "%s$%u::", k ? ", " : "", k + 1);
        key_type(self, k, out);
        buf_puts(out, "[]");
    }
    buf_puts(out, ") WITH ORDINALITY AS weir_k(");
    for (uint32_t k = 0; k < spec->key_count; k++) buf_printf(out, "k%u, ", k);
    buf_puts(out, "n) JOIN ");
    buf_put_str(out, self->table.name);
    buf_puts(out, " AS weir_t ON ");
    for (uint32_t k = 0; k < spec->key_count; k++) {
        buf_printf(out, "%sweir_t.", k ? " AND " : "");
        sql_identifier(self->link.column[spec->key[k]].name, out);
        buf_printf(out, " = weir_k.k%u", k);
    }
    sql_where(&self->link, &self->env, spec->filter, spec->filter_count, "weir_t.", STR(""), out);
}

static Status prepare(JdbcLookup *self, Error *err) {
    TRY(link_open(&self->link, err));
    if (self->prepared == self->link.connects) return ST_OK;
    Buf sql = {0};
    lookup_sql(self, &sql);
    PGresult *result = pq.prepare(self->link.conn, STATEMENT, buf_cstr(&sql), 0, NULL);
    buf_free(&sql);
    if (pq.resultStatus(result) != PGRES_COMMAND_OK) {
        return link_error(&self->link, result, "preparing a lookup", err);
    }
    pq.clear(result);
    self->prepared = self->link.connects;
    return ST_OK;
}

static Status read_rows(JdbcLookup *self, PGresult *result, int from, uint32_t rows, uint32_t asked,
                        LookupOutput *out, Error *err) {
    const Type *wanted = self->spec->wanted;
    Batch *batch = batch_new_columns(wanted, rows);
    uint32_t *key = ARENA_ARRAY(&batch->arena, uint32_t, rows + 1);
    Status st = ST_OK;
    for (uint32_t i = 0; i < rows && !st; i++) {
        int row = from + (int)i;
        const unsigned char *n = (const unsigned char *)pq.getvalue(result, row, 0);
        uint64_t number = 0;
        for (int b = 0; b < 8; b++) number = number << 8 | n[b];
        ASSERT(number >= 1 && number <= asked);
        key[i] = (uint32_t)number - 1;
        for (uint32_t c = 0; c < wanted->child_count && !st; c++) {
            int field = (int)c + 1;
            Str value = str_make(pq.getvalue(result, row, field),
                                 (size_t)pq.getlength(result, row, field));
            if (pq.getisnull(result, row, field)) value = (Str){0};
            st = pg_read(value, batch->column[c], i, err);
            if (!st) continue;
            error_while(err, "looking up column '" STR_FMT "' of table '" STR_FMT "'",
                        STR_ARG(wanted->field[c]), STR_ARG(self->table.desc->name));
        }
    }
    batch->rows = rows;
    if (!st) return out->rows(out, batch_seal(batch), key, err);
    (void)batch_unref(batch);
    return st;
}

static Status jdbc_lookup(LookupReader *base, Vec *const *key, uint32_t count, LookupOutput *out,
                          Error *err) {
    JdbcLookup *self = (JdbcLookup *)base;
    uint32_t keys = self->spec->key_count;
    TRY(prepare(self, err));
    const char **text = self->text;
    for (uint32_t k = 0; k < keys; k++) {
        self->param[k].len = 0;
        pg_array(&self->env, key[k], 0, count, &self->param[k]);
        text[k] = buf_cstr(&self->param[k]);
    }
    PGresult *result =
        pq.execPrepared(self->link.conn, STATEMENT, (int)keys, text, NULL, NULL, 1);
    if (pq.resultStatus(result) != PGRES_TUPLES_OK) {
        return link_error(&self->link, result, "looking up", err);
    }
    int rows = pq.ntuples(result);
    Status st = ST_OK;
    for (int from = 0; from < rows && !st; from += BATCH_ROWS_MAX) {
        uint32_t part = rows - from < BATCH_ROWS_MAX ? (uint32_t)(rows - from) : BATCH_ROWS_MAX;
        st = read_rows(self, result, from, part, count, out, err);
    }
    pq.clear(result);
    return st;
}

static void jdbc_lookup_cancel(LookupReader *base) {
    link_cancel(&((JdbcLookup *)base)->link);
}

static void jdbc_lookup_close(LookupReader *base) {
    JdbcLookup *self = (JdbcLookup *)base;
    for (uint32_t k = 0; self->param && k < self->spec->key_count; k++) buf_free(&self->param[k]);
    link_clear(&self->link);
    arena_clear(&self->arena);
    mem_free(self);
}

Status jdbc_lookup_open(const LookupSpec *spec, const TaskEnv *env, LookupReader **out,
                        Error *err) {
    static const LookupVt VT = {.lookup = jdbc_lookup, .cancel = jdbc_lookup_cancel,
                                .close = jdbc_lookup_close};
    JdbcLookup *self = NEW(JdbcLookup);
    self->base.vt = &VT;
    self->spec = spec;
    self->env = *env;
    link_init(&self->link, &self->table, env->zone);
    Status st = jdbc_table_read(&self->arena, spec->table, &self->table, err);
    if (st) {
        jdbc_lookup_close(&self->base);
        return st;
    }
    self->param = ARENA_ARRAY(&self->arena, Buf, spec->key_count + 1);
    self->text = ARENA_ARRAY(&self->arena, const char *, spec->key_count + 1);
    *out = &self->base;
    return ST_OK;
}
