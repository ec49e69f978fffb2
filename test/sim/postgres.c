// A PostgreSQL server, and libpq as connector/jdbc/ calls it: the connector is the real one. The
// server knows the statements that weir sends and no others, and outlives the processes that talk
// to it. A connection that is lost takes what its transaction did along, unless that was prepared;
// what was sent before may still be done, whether or not anybody hears of it, and also after the
// sender has died.
#include "postgres.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "connector/jdbc/jdbc_int.h"
#include "world.h"

enum { COLUMNS_MAX = 4, CELLS_MAX = 32 };

typedef enum SqlType { SQL_INTEGER, SQL_BIGINT, SQL_TEXT } SqlType;
static const char *const TYPE_NAMES[] = {"integer", "bigint", "text"};

typedef struct SqlRow {
    char *value[COLUMNS_MAX];  // owned, as text; NULL: null
} SqlRow;

typedef struct SqlTable {
    const char *name;
    uint32_t columns, keys;    // the first ones are the key
    char column[COLUMNS_MAX][CELLS_MAX];
    SqlType type[COLUMNS_MAX];
    SqlRow *row;
    uint32_t rows;
    struct SqlTable *next;
} SqlTable;

// A change that a transaction has made; it is seen when that is committed.
typedef struct Write {
    SqlTable *table;
    bool deletes;              // by the key, which is all there is of the row
    SqlRow row;
} Write;

typedef struct Writes {
    Write *write;
    uint32_t count;
} Writes;

typedef struct PreparedWrites {
    char *name;
    Writes writes;
    struct PreparedWrites *next;
} PreparedWrites;

// A statement whose sender died when it was on its way.
typedef struct Overdue {
    char *sql;
    Writes writes;             // of the transaction that it ends
    int64_t at_ns;
    struct Overdue *next;
} Overdue;

static struct {
    SqlTable *table;
    PreparedWrites *prepared;
    Overdue *overdue;
} server;

struct pg_conn {
    bool broken, open;         // a transaction
    char said[64];             // why it is broken
    Writes writes;
    uint32_t mark;             // of SAVEPOINT: so many writes
    char *lookup;              // the statement that was prepared
    const SqlTable *copying;
    int column[COLUMNS_MAX], columns;  // what COPY sends
    uint32_t copied;
    int64_t least, most;       // of the first column
    bool between, told_head, told_end;
};

typedef struct Cell {
    Buf bytes;
    bool null;
} Cell;

struct pg_result {
    ExecStatusType status;
    const char *state;         // SQLSTATE of an error
    char said[128];
    Cell *cell;
    int rows, columns;
};

// ---- rows --------------------------------------------------------------------------------------

static void row_clear(SqlRow *row) {
    for (uint32_t c = 0; c < COLUMNS_MAX; c++) mem_free(row->value[c]);
    *row = (SqlRow){0};
}

static void writes_clear(Writes *writes, uint32_t from) {
    for (uint32_t i = from; i < writes->count; i++) row_clear(&writes->write[i].row);
    writes->count = from;
    if (from) return;
    mem_free(writes->write);
    *writes = (Writes){0};
}

static SqlTable *table_named(Str name) {
    for (SqlTable *at = server.table; at; at = at->next) {
        if (str_eq(name, str_c(at->name))) return at;
    }
    return NULL;
}

static bool same_key(const SqlTable *table, const SqlRow *a, const SqlRow *b) {
    for (uint32_t k = 0; k < table->keys; k++) {
        if (!a->value[k] || !b->value[k] || strcmp(a->value[k], b->value[k])) return false;
    }
    return true;
}

// Takes [row] over.
static void table_write(SqlTable *table, SqlRow *row, bool deletes) {
    uint32_t at = 0;
    while (at < table->rows && !(table->keys && same_key(table, &table->row[at], row))) at++;
    bool there = at < table->rows;
    if (deletes) {
        if (there) {
            row_clear(&table->row[at]);
            table->row[at] = table->row[--table->rows];
        }
        row_clear(row);
        return;
    }
    if (there) {
        row_clear(&table->row[at]);
    } else {
        table->row = mem_realloc(table->row, (table->rows + 1) * sizeof *table->row);
        at = table->rows++;
    }
    table->row[at] = *row;
    *row = (SqlRow){0};
}

static void apply(Writes *writes) {
    for (uint32_t i = 0; i < writes->count; i++) {
        Write *write = &writes->write[i];
        table_write(write->table, &write->row, write->deletes);
    }
    writes_clear(writes, 0);
}

void postgres_table(const char *name, const char *columns, uint32_t keys) {
    SqlTable *table = NEW(SqlTable);
    *table = (SqlTable){.name = name, .keys = keys, .next = server.table};
    server.table = table;
    Str rest = str_c(columns);
    while (rest.len) {
        int64_t end = str_find(rest, STR(", "), 0), blank = str_find(rest, STR(" "), 0);
        Str one = end < 0 ? rest : str_sub(rest, 0, (uint32_t)end);
        Str type = str_sub(one, (uint32_t)blank + 1, one.len);
        uint32_t c = table->columns++;
        ASSERT(c < COLUMNS_MAX);
        (void)snprintf(table->column[c], CELLS_MAX, "%.*s", (int)blank, one.ptr);
        while (!str_eq(type, str_c(TYPE_NAMES[table->type[c]]))) table->type[c]++;
        rest = end < 0 ? STR("") : str_sub(rest, (uint32_t)end + 2, rest.len);
    }
}

void postgres_row(const char *name, const char *values) {
    SqlTable *table = table_named(str_c(name));
    SqlRow row = {0};
    Str rest = str_c(values);
    for (uint32_t c = 0; c < table->columns; c++) {
        int64_t end = str_find(rest, STR(","), 0);
        row.value[c] = str_own(end < 0 ? rest : str_sub(rest, 0, (uint32_t)end));
        rest = end < 0 ? STR("") : str_sub(rest, (uint32_t)end + 1, rest.len);
    }
    table_write(table, &row, false);
}

void postgres_lines(const char *name, void (*line)(void *arg, Str text), void *arg) {
    const SqlTable *table = table_named(str_c(name));
    Buf text = {0};
    for (uint32_t i = 0; i < table->rows; i++) {
        text.len = 0;
        for (uint32_t c = 0; c < table->columns; c++) {
            const char *value = table->row[i].value[c];
            buf_printf(&text, "%s%s", c ? "," : "", value ? value : "NULL");
        }
        line(arg, buf_str(&text));
    }
    buf_free(&text);
}

// ---- transactions ------------------------------------------------------------------------------

// The name in quotes at the end; weir's have no quotes within.
static Str quoted(Str sql) {
    int64_t from = str_find(sql, STR("'"), 0);
    Str name = str_sub(sql, (uint32_t)from + 1, sql.len);
    return str_sub(name, 0, (uint32_t)str_find(name, STR("'"), 0));
}

static PreparedWrites **prepared_named(Str name) {
    PreparedWrites **at = &server.prepared;
    while (*at && !str_eq(name, str_c((*at)->name))) at = &(*at)->next;
    return at;
}

// The SQLSTATE of an error, or NULL.
static const char *end_transaction(Str sql, Writes *writes) {
    if (str_is(sql, "COMMIT")) {
        apply(writes);
    } else if (str_starts(sql, STR("PREPARE TRANSACTION"))) {
        PreparedWrites **at = prepared_named(quoted(sql));
        if (*at) {
            writes_clear(writes, 0);
            return "42710";
        }
        *at = NEW(PreparedWrites);
        **at = (PreparedWrites){.name = str_own(quoted(sql)), .writes = *writes};
        *writes = (Writes){0};
    } else {
        PreparedWrites **at = prepared_named(quoted(sql)), *gone = *at;
        if (!gone) return "42704";
        *at = gone->next;
        if (str_starts(sql, STR("COMMIT"))) apply(&gone->writes);
        writes_clear(&gone->writes, 0);
        mem_free(gone->name);
        mem_free(gone);
    }
    return NULL;
}

static bool ends_transaction(Str sql) {
    return str_is(sql, "COMMIT") || str_starts(sql, STR("PREPARE TRANSACTION")) ||
           str_starts(sql, STR("COMMIT PREPARED")) || str_starts(sql, STR("ROLLBACK PREPARED"));
}

// What is overdue happens, by then; INT64_MAX: all of it.
static void tick(int64_t now_ns) {
    for (Overdue **at = &server.overdue; *at;) {
        Overdue *late = *at;
        if (late->at_ns > now_ns) {
            at = &late->next;
            continue;
        }
        *at = late->next;
        note("postgres: late: %s", late->sql);
        if (end_transaction(str_c(late->sql), &late->writes)) note("postgres: in vain");
        writes_clear(&late->writes, 0);
        mem_free(late->sql);
        mem_free(late);
    }
}

void postgres_settle(void) {
    tick(INT64_MAX);
}

void postgres_free(void) {
    postgres_settle();
    for (SqlTable *at = server.table, *next; at; at = next) {
        next = at->next;
        for (uint32_t i = 0; i < at->rows; i++) row_clear(&at->row[i]);
        mem_free(at->row);
        mem_free(at);
    }
    for (PreparedWrites *at = server.prepared, *next; at; at = next) {
        next = at->next;
        writes_clear(&at->writes, 0);
        mem_free(at->name);
        mem_free(at);
    }
    memset(&server, 0, sizeof server);
}

// ---- connections -------------------------------------------------------------------------------

static void lose(PGconn *conn, const char *why) {
    writes_clear(&conn->writes, 0);
    conn->broken = true;
    conn->open = false;
    (void)snprintf(conn->said, sizeof conn->said, "%s", why);
}

typedef enum Fate { ANSWERED, NOT_SENT, NOT_HEARD } Fate;

// Sends something; what is lost is lost with the connection. What ends a transaction may be done
// after its sender has died.
static Fate send(PGconn *conn, Str what) {
    world_call();
    tick(world.now_ns);
    Str shown = str_sub(what, 0, what.len < 60 ? what.len : 60);
    if (world.dead) {
        if (!conn->broken && ends_transaction(what) && chance_below(2)) {
            Overdue *late = NEW(Overdue);
            *late = (Overdue){.sql = str_own(what), .writes = conn->writes, .next = server.overdue,
                              .at_ns = world.now_ns + chance_between(0, 50) * 1000000};
            conn->writes = (Writes){0};
            server.overdue = late;
            fault(FAULT_REQUEST_LATE);
        }
        lose(conn, "the process is dead");
        return NOT_SENT;
    }
    if (conn->broken) return NOT_SENT;
    if (world.faulty && chance_in(world.plan.reply_slow)) {
        fault(FAULT_REPLY_SLOW);
        fiber_sleep_ns(chance_between(1, 400) * 1000000);
        if (world.dead) return send(conn, what);
    }
    Fate fate = ANSWERED;
    if (world.faulty && world.now_ns < world.broker_down_until_ns) {
        fate = NOT_SENT;
    } else if (world.faulty && chance_in(world.plan.request_lost)) {
        fault(FAULT_REQUEST_LOST);
        fate = NOT_SENT;
    } else if (world.faulty && chance_in(world.plan.reply_lost)) {
        fault(FAULT_REPLY_LOST);
        fate = NOT_HEARD;
    }
    if (fate == ANSWERED) {
        trace("postgres: " STR_FMT, STR_ARG(shown));
    } else {
        note("postgres: " STR_FMT ": %s", STR_ARG(shown), fate == NOT_SENT ? "lost" : "reply lost");
    }
    if (fate == NOT_SENT) lose(conn, "server closed the connection unexpectedly");
    return fate;
}

PGconn *PQconnectdbParams(const char *const *keywords, const char *const *values, int expand) {
    (void)keywords, (void)values, (void)expand;
    PGconn *conn = NEW(PGconn);
    if (send(conn, STR("connect")) == NOT_HEARD) lose(conn, "timeout expired");
    return conn;
}

void PQfinish(PGconn *conn) {
    writes_clear(&conn->writes, 0);
    mem_free(conn->lookup);
    mem_free(conn);
}

ConnStatusType PQstatus(const PGconn *conn) {
    return conn->broken ? CONNECTION_BAD : CONNECTION_OK;
}

char *PQerrorMessage(const PGconn *conn) {
    return (char *)(uintptr_t)conn->said;
}

int PQsetClientEncoding(PGconn *conn, const char *encoding) {
    (void)conn, (void)encoding;
    return 0;
}

PGcancel *PQgetCancel(PGconn *conn) {
    (void)conn;
    return NULL;
}
void PQfreeCancel(PGcancel *cancel) {
    (void)cancel;
}
int PQcancel(PGcancel *cancel, char *why, int size) {
    (void)cancel, (void)why, (void)size;
    return 1;
}
void PQfreemem(void *memory) {
    mem_free(memory);
}

// ---- results -----------------------------------------------------------------------------------

static PGresult *result_new(ExecStatusType status) {
    PGresult *result = NEW(PGresult);
    result->status = status;
    return result;
}

static PGresult *result_error(const char *state) {
    PGresult *result = result_new(PGRES_FATAL_ERROR);
    result->state = state;
    (void)snprintf(result->said, sizeof result->said, "error %s", state);
    return result;
}

static Cell *result_row(PGresult *result, int columns) {
    result->columns = columns;
    size_t count = (size_t)(result->rows + 1) * (size_t)columns;
    result->cell = mem_realloc(result->cell, count * sizeof *result->cell);
    Cell *row = result->cell + result->rows++ * columns;
    memset(row, 0, (size_t)columns * sizeof *row);
    return row;
}

static void put_number(int64_t number, int bytes, Buf *out) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        buf_putc(out, (char)(number >> shift));
    }
}

static void put_binary(const SqlTable *table, const SqlRow *row, int column, Buf *out) {
    const char *value = row->value[column];
    switch (table->type[column]) {
        case SQL_INTEGER: put_number(strtoll(value, NULL, 10), 4, out); return;
        case SQL_BIGINT: put_number(strtoll(value, NULL, 10), 8, out); return;
        case SQL_TEXT: buf_puts(out, value); return;
    }
}

void PQclear(PGresult *result) {
    if (!result) return;
    for (int i = 0; i < result->rows * result->columns; i++) buf_free(&result->cell[i].bytes);
    mem_free(result->cell);
    mem_free(result);
}

ExecStatusType PQresultStatus(const PGresult *result) {
    return result ? result->status : PGRES_FATAL_ERROR;
}

char *PQresultErrorField(const PGresult *result, int field) {
    if (!result->state) return NULL;
    if (field == PG_DIAG_SQLSTATE) return (char *)(uintptr_t)result->state;
    return field == PG_DIAG_MESSAGE_PRIMARY ? (char *)(uintptr_t)result->said : NULL;
}

int PQntuples(const PGresult *result) {
    return result->rows;
}
static const Cell *cell_of(const PGresult *result, int row, int column) {
    return &result->cell[row * result->columns + column];
}
char *PQgetvalue(const PGresult *result, int row, int column) {
    return (char *)(uintptr_t)buf_cstr((Buf *)(uintptr_t)&cell_of(result, row, column)->bytes);
}
int PQgetlength(const PGresult *result, int row, int column) {
    return (int)cell_of(result, row, column)->bytes.len;
}
int PQgetisnull(const PGresult *result, int row, int column) {
    return cell_of(result, row, column)->null;
}

// ---- statements --------------------------------------------------------------------------------

// The columns of [table] between [from] and [to], quoted there.
static int columns_in(const SqlTable *table, Str sql, const char *from, const char *to, int *out) {
    int64_t begin = str_find(sql, str_c(from), 0), end = str_find(sql, str_c(to), 0);
    ASSERT(begin >= 0 && end > begin);
    Str list = str_sub(sql, (uint32_t)begin, (uint32_t)(end - begin));
    int count = 0;
    for (;;) {
        int64_t quote = str_find(list, STR("\""), 0);
        if (quote < 0) return count;
        list = str_sub(list, (uint32_t)quote + 1, list.len);
        int64_t close = str_find(list, STR("\""), 0);
        Str name = str_sub(list, 0, (uint32_t)close);
        list = str_sub(list, (uint32_t)close + 1, list.len);
        int column = 0;
        while (!str_eq(name, str_c(table->column[column]))) column++;
        out[count++] = column;
    }
}

// The word behind [before].
static Str word_after(Str sql, const char *before) {
    int64_t at = str_find(sql, str_c(before), 0);
    ASSERT(at >= 0);
    Str rest = str_sub(sql, (uint32_t)at + (uint32_t)strlen(before), sql.len);
    uint32_t end = 0;
    while (end < rest.len && rest.ptr[end] != ' ' && rest.ptr[end] != ')') end++;
    return str_sub(rest, 0, end);
}

// Element [at] of an array's text, owned; NULL of NULL. *more: there is one.
static char *array_item(const char *array, uint32_t at, bool *more) {
    const char *from = array + 1;
    for (; at; at--) {
        from = strchr(from, ',');
        if (!from) break;
        from++;
    }
    *more = from && *from && *from != '}';
    if (!*more) return NULL;
    size_t size = strcspn(from, ",}");
    if (size == 4 && memcmp(from, "NULL", 4) == 0) return NULL;
    if (from[0] == '"') from++, size -= 2;
    return str_own(str_make(from, size));
}

static void remember(PGconn *conn, SqlTable *table, bool deletes, const char *const *param,
                     int count) {
    for (uint32_t i = 0;; i++) {
        Write write = {.table = table, .deletes = deletes};
        bool more = false;
        for (int c = 0; c < count; c++) write.row.value[c] = array_item(param[c], i, &more);
        if (!more) return;
        Writes *writes = &conn->writes;
        writes->write = mem_realloc(writes->write, (writes->count + 1) * sizeof *writes->write);
        writes->write[writes->count++] = write;
    }
}

static PGresult *describe(const SqlTable *table) {
    PGresult *result = result_new(PGRES_TUPLES_OK);
    for (uint32_t c = 0; c < table->columns; c++) {
        Cell *row = result_row(result, 3);
        buf_puts(&row[0].bytes, table->column[c]);
        buf_puts(&row[1].bytes, TYPE_NAMES[table->type[c]]);
        buf_puts(&row[2].bytes, TYPE_NAMES[table->type[c]]);
    }
    return result;
}

static PGresult *list_prepared(Str stem) {
    PGresult *result = result_new(PGRES_TUPLES_OK);
    for (const PreparedWrites *at = server.prepared; at; at = at->next) {
        if (str_starts(str_c(at->name), stem)) buf_puts(&result_row(result, 1)->bytes, at->name);
    }
    return result;
}

static PGresult *copy_begin(PGconn *conn, Str sql) {
    conn->copying = table_named(word_after(sql, " FROM "));
    conn->columns = columns_in(conn->copying, sql, "SELECT ", " FROM ", conn->column);
    conn->copied = 0;
    conn->told_head = conn->told_end = false;
    conn->between = str_find(sql, STR(" BETWEEN "), 0) >= 0;
    if (conn->between) {
        (void)str_to_i64(word_after(sql, " BETWEEN "), &conn->least);
        (void)str_to_i64(word_after(sql, " AND "), &conn->most);
    }
    return result_new(PGRES_COPY_OUT);
}

static PGresult *perform(PGconn *conn, Str sql) {
    if (str_starts(sql, STR("SET "))) return result_new(PGRES_COMMAND_OK);
    if (str_starts(sql, STR("SHOW "))) {
        PGresult *result = result_new(PGRES_TUPLES_OK);
        buf_puts(&result_row(result, 1)->bytes, "100");
        return result;
    }
    if (str_starts(sql, STR("COPY "))) return copy_begin(conn, sql);
    if (str_starts(sql, STR("SELECT gid "))) return list_prepared(quoted(sql));
    if (str_is(sql, "BEGIN")) {
        conn->open = true;
    } else if (str_starts(sql, STR("SAVEPOINT "))) {
        conn->mark = conn->writes.count;
    } else if (str_starts(sql, STR("ROLLBACK TO "))) {
        writes_clear(&conn->writes, conn->mark);
    } else if (str_is(sql, "ROLLBACK")) {
        writes_clear(&conn->writes, 0);
        conn->open = false;
    } else {
        ASSERT(ends_transaction(sql));
        bool inside = str_is(sql, "COMMIT") || str_starts(sql, STR("PREPARE "));
        ASSERT(inside == conn->open);
        conn->open = false;
        const char *state = end_transaction(sql, &conn->writes);
        if (state) return result_error(state);
    }
    return result_new(PGRES_COMMAND_OK);
}

// Nobody heard the answer.
static PGresult *unheard(PGconn *conn, PGresult *result) {
    PQclear(result);
    lose(conn, "server closed the connection unexpectedly");
    return result_new(PGRES_FATAL_ERROR);
}

PGresult *PQexec(PGconn *conn, const char *sql) {
    Fate fate = send(conn, str_c(sql));
    if (fate == NOT_SENT) return result_new(PGRES_FATAL_ERROR);
    PGresult *result = perform(conn, str_c(sql));
    return fate == NOT_HEARD ? unheard(conn, result) : result;
}

PGresult *PQexecParams(PGconn *conn, const char *text, int count, const Oid *types,
                       const char *const *param, const int *lengths, const int *formats,
                       int format) {
    (void)types, (void)lengths, (void)formats, (void)format;
    Str sql = str_c(text);
    Fate fate = send(conn, sql);
    if (fate == NOT_SENT) return result_new(PGRES_FATAL_ERROR);
    PGresult *result;
    if (str_find(sql, STR("pg_attribute"), 0) >= 0) {
        result = describe(table_named(str_c(param[0])));
    } else {
        bool deletes = str_starts(sql, STR("DELETE FROM "));
        SqlTable *table = table_named(word_after(sql, deletes ? "DELETE FROM " : "INSERT INTO "));
        ASSERT(conn->open && table);
        ASSERT(deletes || (str_find(sql, STR(" ON CONFLICT "), 0) >= 0) == (table->keys > 0));
        remember(conn, table, deletes, param, count);
        result = result_new(PGRES_COMMAND_OK);
    }
    return fate == NOT_HEARD ? unheard(conn, result) : result;
}

PGresult *PQprepare(PGconn *conn, const char *name, const char *sql, int count, const Oid *types) {
    (void)name, (void)count, (void)types;
    Fate fate = send(conn, str_c(sql));
    if (fate == NOT_SENT) return result_new(PGRES_FATAL_ERROR);
    mem_free(conn->lookup);
    conn->lookup = mem_strdup(sql);
    PGresult *result = result_new(PGRES_COMMAND_OK);
    return fate == NOT_HEARD ? unheard(conn, result) : result;
}

// Rows by the first column, each behind the number of the key that asked.
PGresult *PQexecPrepared(PGconn *conn, const char *name, int count, const char *const *param,
                         const int *lengths, const int *formats, int format) {
    (void)name, (void)lengths, (void)formats, (void)format;
    ASSERT(count == 1);
    Fate fate = send(conn, STR("lookup"));
    if (fate == NOT_SENT) return result_new(PGRES_FATAL_ERROR);
    if (!conn->lookup) return result_error("26000");
    Str sql = str_c(conn->lookup);
    const SqlTable *table = table_named(word_after(sql, " JOIN "));
    int column[COLUMNS_MAX], columns = columns_in(table, sql, "SELECT ", " FROM ", column);
    PGresult *result = result_new(PGRES_TUPLES_OK);
    bool more = true;
    for (uint32_t i = 0; more; i++) {
        char *key = array_item(param[0], i, &more);
        for (uint32_t r = 0; key && r < table->rows; r++) {
            if (strcmp(table->row[r].value[0], key)) continue;
            Cell *row = result_row(result, columns + 1);
            put_number(i + 1, 8, &row[0].bytes);
            for (int c = 0; c < columns; c++) {
                row[c + 1].null = !table->row[r].value[column[c]];
                if (row[c + 1].null) continue;
                put_binary(table, &table->row[r], column[c], &row[c + 1].bytes);
            }
        }
        mem_free(key);
    }
    return fate == NOT_HEARD ? unheard(conn, result) : result;
}

// ---- COPY --------------------------------------------------------------------------------------

static int hand_out(Buf *bytes, char **out) {
    *out = bytes->ptr;
    return (int)bytes->len;
}

int PQgetCopyData(PGconn *conn, char **out, int async) {
    enum { ROWS = 100 };  // that come together: the others are here already
    (void)async;
    if (!(conn->copied % ROWS) && send(conn, STR("copy")) != ANSWERED) {
        if (!conn->broken) lose(conn, "server closed the connection unexpectedly");
        return -2;
    }
    const SqlTable *table = conn->copying;
    Buf bytes = {0};
    if (!conn->told_head) {
        conn->told_head = true;
        buf_put(&bytes, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
        return hand_out(&bytes, out);
    }
    for (; conn->copied < table->rows; conn->copied++) {
        const SqlRow *row = &table->row[conn->copied];
        int64_t first = strtoll(row->value[0], NULL, 10);
        if (conn->between && (first < conn->least || first > conn->most)) continue;
        put_number(conn->columns, 2, &bytes);
        for (int c = 0; c < conn->columns; c++) {
            Buf value = {0};
            if (row->value[conn->column[c]]) {
                put_binary(table, row, conn->column[c], &value);
                put_number((int64_t)value.len, 4, &bytes);
                buf_put(&bytes, value.ptr, value.len);
            } else {
                put_number(-1, 4, &bytes);
            }
            buf_free(&value);
        }
        conn->copied++;
        return hand_out(&bytes, out);
    }
    if (conn->told_end) return -1;
    conn->told_end = true;
    buf_put(&bytes, "\377\377", 2);
    return hand_out(&bytes, out);
}

PGresult *PQgetResult(PGconn *conn) {
    if (!conn->copying) return NULL;
    conn->copying = NULL;
    return result_new(conn->broken ? PGRES_FATAL_ERROR : PGRES_COMMAND_OK);
}

void postgres_into_library(const Library *library) {
    ASSERT(library->functions == &pq);
#define OWN(name) .name = PQ##name,
    pq = (Pq){PQ_FUNCTIONS(OWN)};
#undef OWN
}
