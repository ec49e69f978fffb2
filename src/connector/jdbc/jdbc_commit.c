// Exactly once into PostgreSQL: what is written between two checkpoints is one transaction,
// prepared at the barrier (PREPARE TRANSACTION) and committed when the checkpoint is complete, by
// whoever knows its name: this process or, after a crash, the next.
//
// Each transaction has a name that no other ever gets, "prefix-subtask-number". A checkpoint holds
// the names prepared in it and the number that follows; a run that goes on from it commits those
// and rolls back what bears the prefix and a later number. A connection that is lost in the middle
// takes the transaction with it, so it fails the job, which goes on from its last checkpoint.
#include <stdlib.h>

#include "connector/jdbc/jdbc_int.h"

typedef struct Prepared {
    char *name;  // owned
    uint64_t checkpoint;
} Prepared;

// What a checkpoint said of an earlier run's subtask.
typedef struct Past {
    char *prefix;  // owned
    uint32_t subtask;
    uint64_t next;
} Past;

struct Commits {
    Link *link;
    const char *prefix;  // borrowed, of the table
    uint32_t subtask;
    uint64_t next;       // number of the transaction that is open, or opened next
    bool began;          // leftovers were rolled back
    bool open;
    bool lost;           // what was open is gone, and rows of before with it
    Prepared *prepared;  // in order of checkpoints
    uint32_t prepared_count;
    Past *past;
    uint32_t past_count;
    Buf sql;
};

Commits *commits_new(Link *link, const JdbcTable *table, uint32_t subtask) {
    Commits *self = NEW(Commits);
    self->link = link;
    self->prefix = table->transaction_prefix;
    self->subtask = subtask;
    self->next = 1;
    return self;
}

void commits_free(Commits *self) {
    if (!self) return;
    for (uint32_t i = 0; i < self->prepared_count; i++) mem_free(self->prepared[i].name);
    for (uint32_t i = 0; i < self->past_count; i++) mem_free(self->past[i].prefix);
    mem_free(self->prepared);
    mem_free(self->past);
    buf_free(&self->sql);
    mem_free(self);
}

static Status run(Commits *self, const char *verb, Str name, const char *what, Error *err) {
    self->sql.len = 0;
    buf_printf(&self->sql, "%s ", verb);
    sql_text(name, &self->sql);
    return link_run(self->link, buf_cstr(&self->sql), what, err);
}

// ---- beginning ---------------------------------------------------------------------------------

// Rolls back the prepared transactions of [prefix] and [subtask] from number [next] on.
static Status roll_back(Commits *self, const char *prefix, uint32_t subtask, uint64_t next,
                        Error *err) {
    Buf stem = {0};
    buf_printf(&stem, "%s-%u-", prefix, subtask);
    self->sql.len = 0;
    buf_puts(&self->sql,
             "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND "
             "starts_with(gid, ");
    sql_text(buf_str(&stem), &self->sql);
    buf_putc(&self->sql, ')');
    PGresult *found = pq.exec(self->link->conn, buf_cstr(&self->sql));
    Status st = ST_OK;
    if (pq.resultStatus(found) != PGRES_TUPLES_OK) {
        buf_free(&stem);
        return link_error(self->link, found, "looking for prepared transactions", err);
    }
    for (int i = 0; i < pq.ntuples(found) && !st; i++) {
        Str name = str_c(pq.getvalue(found, i, 0));
        int64_t number;
        if (!str_to_i64(str_sub(name, (uint32_t)stem.len, name.len), &number)) continue;
        if ((uint64_t)number < next) continue;
        st = run(self, "ROLLBACK PREPARED", name, "rolling back a transaction", err);
    }
    pq.clear(found);
    buf_free(&stem);
    return st;
}

static Status start(Commits *self, Error *err) {
    bool own = false;
    for (uint32_t i = 0; i < self->past_count; i++) {
        const Past *past = &self->past[i];
        TRY(roll_back(self, past->prefix, past->subtask, past->next, err));
        if (past->subtask == self->subtask && !strcmp(past->prefix, self->prefix)) {
            if (past->next > self->next) self->next = past->next;
            own = true;
        }
    }
    if (!own) TRY(roll_back(self, self->prefix, self->subtask, 0, err));
    self->began = true;
    return ST_OK;
}

Status commits_begin(Commits *self, Error *err) {
    Link *link = self->link;
    if (self->open || self->lost) {
        if (!self->lost && link->conn && pq.status(link->conn) == CONNECTION_OK) return ST_OK;
        return error_set(err, ST_CONNECT,
                         "table '" STR_FMT "': the connection was lost in the middle of a "
                         "transaction", STR_ARG(link->table->desc->name));
    }
    TRY(link_open(link, err));
    if (!self->began) TRY(start(self, err));
    TRY(link_run(link, "BEGIN", "writing rows", err));
    self->open = true;
    return ST_OK;
}

void commits_forget(Commits *self) {
    link_try(self->link, "ROLLBACK");
    self->open = false;
    self->lost = true;
}

// ---- two phases --------------------------------------------------------------------------------

Status commits_prepare(Commits *self, uint64_t checkpoint, Error *err) {
    TRY(link_open(self->link, err));
    if (!self->began) TRY(start(self, err));  // before a checkpoint forgets what was left
    if (!self->open && !self->lost) return ST_OK;
    TRY(commits_begin(self, err));  // fails when what was open is lost
    Buf name = {0};
    buf_printf(&name, "%s-%u-%llu", self->prefix, self->subtask, (unsigned long long)self->next);
    Status st = run(self, "PREPARE TRANSACTION", buf_str(&name), "preparing a transaction", err);
    if (!st) {
        self->prepared =
            mem_realloc(self->prepared, (self->prepared_count + 1) * sizeof *self->prepared);
        self->prepared[self->prepared_count++] =
            (Prepared){mem_strdup(buf_cstr(&name)), checkpoint};
        self->open = false;
        self->next++;
    }
    buf_free(&name);
    return st;
}

// Lines: "subtask next prefix", then a name for each prepared transaction. The option is checked to
// have no line breaks.
void commits_save(const Commits *self, Buf *out) {
    buf_printf(out, "%u %llu %s\n", self->subtask, (unsigned long long)self->next, self->prefix);
    for (uint32_t i = 0; i < self->prepared_count; i++) {
        buf_printf(out, "%s\n", self->prepared[i].name);
    }
}

// Commits on a connection of its own: the one at hand may be in the middle of the next transaction.
// One that is not there was committed before.
static Status commit(Commits *self, Str name, Error *err) {
    enum { TRIES = 5 };
    Link other;
    Status st = ST_CONNECT;
    link_init(&other, self->link->table, self->link->zone);
    for (int64_t attempt = 0; attempt < TRIES && st == ST_CONNECT; attempt++) {
        if (attempt) os()->sleep_ms(200 * attempt);
        st = link_open(&other, err);
        if (st) continue;
        self->sql.len = 0;
        buf_puts(&self->sql, "COMMIT PREPARED ");
        sql_text(name, &self->sql);
        PGresult *result = pq.exec(other.conn, buf_cstr(&self->sql));
        const char *state = pq.resultErrorField(result, PG_DIAG_SQLSTATE);
        bool done = pq.resultStatus(result) == PGRES_COMMAND_OK ||
                    (state && !strcmp(state, "42704"));  // undefined_object
        if (done) pq.clear(result);
        else st = link_error(&other, result, "committing a transaction", err);
    }
    link_clear(&other);
    return st;
}

Status commits_restore(Commits *self, Str saved, Error *err) {
    Str line;
    int64_t subtask, next;
    if (!str_take_line(&saved, &line) || !str_take_i64(&line, &subtask) ||
        !str_take_i64(&line, &next) || subtask < 0 || next < 1) {
        return error_set(err, ST_RUNTIME, "the saved transactions of table '" STR_FMT
                         "' cannot be read", STR_ARG(self->link->table->desc->name));
    }
    self->past = mem_realloc(self->past, (self->past_count + 1) * sizeof *self->past);
    Past *past = &self->past[self->past_count++];
    *past = (Past){str_own(line), (uint32_t)subtask, (uint64_t)next};
    while (str_take_line(&saved, &line)) TRY(commit(self, line, err));
    return ST_OK;
}

Status commits_commit(Commits *self, uint64_t checkpoint, Error *err) {
    uint32_t done = 0;
    Status st = ST_OK;
    for (; done < self->prepared_count && self->prepared[done].checkpoint <= checkpoint; done++) {
        st = commit(self, str_c(self->prepared[done].name), err);
        if (st) break;
        mem_free(self->prepared[done].name);
    }
    self->prepared_count -= done;
    if (done) {
        memmove(self->prepared, self->prepared + done,
                self->prepared_count * sizeof *self->prepared);
    }
    return st;
}

Status commits_allowed(Link *link, Error *err) {
    PGresult *result = pq.exec(link->conn, "SHOW max_prepared_transactions");
    if (pq.resultStatus(result) != PGRES_TUPLES_OK) {
        return link_error(link, result, "asking for max_prepared_transactions", err);
    }
    bool none = pq.ntuples(result) == 1 && !strcmp(pq.getvalue(result, 0, 0), "0");
    pq.clear(result);
    if (!none) return ST_OK;
    (void)error_set(err, ST_VALIDATION,
                    "'sink.delivery-guarantee' = 'exactly-once' of table '" STR_FMT
                    "': PostgreSQL's max_prepared_transactions is 0",
                    STR_ARG(link->table->desc->name));
    error_hint(
        err, "set it in postgresql.conf to more than two for each worker, and restart the server");
    return ST_VALIDATION;
}
