// A connection to PostgreSQL, and what is said of its failures. Messages are the server's own; the
// parameters of the connection, the password among them, are in none.
#include "connector/jdbc/jdbc_int.h"

Pq pq;
#define PQ_NAME(name) "PQ" #name,
static const char *const PQ_NAMES[] = {PQ_FUNCTIONS(PQ_NAME)};
static Library pq_library = {
    .file = "libpq.so.5", .purpose = "the jdbc connector", .package = "libpq5",
    .symbol = PQ_NAMES, .functions = &pq, .count = sizeof PQ_NAMES / sizeof *PQ_NAMES,
};

void link_init(Link *link, const JdbcTable *table, const Zone *zone) {
    *link = (Link){.table = table, .zone = zone};
    (void)pthread_mutex_init(&link->lock, NULL);
}

void link_drop(Link *link) {
    (void)pthread_mutex_lock(&link->lock);
    if (link->cancel) pq.freeCancel(link->cancel);
    link->cancel = NULL;
    (void)pthread_mutex_unlock(&link->lock);
    if (link->conn) pq.finish(link->conn);
    link->conn = NULL;
}

void link_clear(Link *link) {
    link_drop(link);
    arena_clear(&link->arena);
    buf_free(&link->scratch);
    (void)pthread_mutex_destroy(&link->lock);
}

void link_cancel(Link *link) {
    char why[256];
    (void)pthread_mutex_lock(&link->lock);
    if (link->cancel) (void)pq.cancel(link->cancel, why, sizeof why);
    (void)pthread_mutex_unlock(&link->lock);
}

// A lost connection, a server going down, too many clients, a deadlock: another try may do.
static bool is_passing(const char *state) {
    static const char *const STATES[] = {"08", "57P0", "53", "40"};
    for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++) {
        if (strncmp(state, STATES[i], strlen(STATES[i])) == 0) return true;
    }
    return false;
}

static Str first_line(const char *text) {
    Str line = str_c(text);
    int64_t end = str_find(line, STR("\n"), 0);
    return str_trim(end < 0 ? line : str_sub(line, 0, (uint32_t)end));
}

Status link_error(Link *link, PGresult *result, const char *what, Error *err) {
    const char *state = result ? pq.resultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *said = result ? pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    bool lost = !link->conn || pq.status(link->conn) != CONNECTION_OK;
    Status status = lost || !state || is_passing(state) ? ST_CONNECT : ST_RUNTIME;
    Str line = first_line(said ? said : link->conn ? pq.errorMessage(link->conn) : "no connection");
    (void)error_set(err, status, "table '" STR_FMT "': %s: PostgreSQL says: " STR_FMT "%s%s%s",
                    STR_ARG(link->table->desc->name), what, STR_ARG(line), state ? " (" : "",
                    state ? state : "", state ? ")" : "");
    const char *hint = result ? pq.resultErrorField(result, PG_DIAG_MESSAGE_HINT) : NULL;
    if (hint) error_hint(err, "%s", hint);
    pq.clear(result);
    if (lost) link_drop(link);
    return status;
}

Status link_run(Link *link, const char *sql, const char *what, Error *err) {
    PGresult *result = pq.exec(link->conn, sql);
    ExecStatusType status = pq.resultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        return link_error(link, result, what, err);
    }
    pq.clear(result);
    return ST_OK;
}

void link_try(Link *link, const char *sql) {
    Status st = link->conn ? link_run(link, sql, "cleaning up", NULL) : ST_OK;
    (void)st;
}

// ---- the table's columns -----------------------------------------------------------------------

static bool lower_equal(Str name, Str folded) {
    if (name.len != folded.len) return false;
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if (c != folded.ptr[i]) return false;
    }
    return true;
}

static Str field(PGresult *result, int row, int column) {
    return str_make(pq.getvalue(result, row, column), (size_t)pq.getlength(result, row, column));
}

// The row of a declared column: of its very name, or of its name in lower case, which is what an
// unquoted name means in PostgreSQL (and Flink writes names unquoted).
static int find_column(PGresult *result, Str name) {
    int folded = -1;
    for (int row = 0; row < pq.ntuples(result); row++) {
        Str found = field(result, row, 0);
        if (str_eq(found, name)) return row;
        if (lower_equal(name, found)) folded = row;
    }
    return folded;
}

static Status no_column(Link *link, PGresult *result, Str name, Error *err) {
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (int row = 0; row < pq.ntuples(result) && count < NAMES_MAX; row++) {
        names[count++] = pq.getvalue(result, row, 0);
    }
    (void)error_set(err, ST_RUNTIME,
                    "table '" STR_FMT "': PostgreSQL's table '" STR_FMT "' has no column '" STR_FMT
                    "'",
                    STR_ARG(link->table->desc->name), STR_ARG(link->table->name), STR_ARG(name));
    const char *near = text_nearest(name, names, count);
    if (near) error_hint(err, "did you mean '%s'?", near);
    return ST_RUNTIME;
}

static Status find_columns(Link *link, Error *err) {
    static const char SQL[] =
        "SELECT a.attname, pg_catalog.format_type(a.atttypid, -1), "  // NULL would make char(1) of
                                                                      // char
        "pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a "
        "WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped";
    const Type *physical = link->table->desc->physical;
    const char *name = str_cstr(&link->arena, link->table->name);
    PGresult *result = pq.execParams(link->conn, SQL, 1, NULL, &name, NULL, NULL, 0);
    if (pq.resultStatus(result) != PGRES_TUPLES_OK) {
        return link_error(link, result, "looking at its columns", err);
    }
    PgColumn *column = ARENA_ARRAY(&link->arena, PgColumn, physical->child_count + 1);
    Status st = ST_OK;
    for (uint32_t i = 0; i < physical->child_count && !st; i++) {
        int row = find_column(result, physical->field[i]);
        if (row < 0) {
            st = no_column(link, result, physical->field[i], err);
            continue;
        }
        column[i] = (PgColumn){.name = str_dup(&link->arena, field(result, row, 0)),
                               .type = str_dup(&link->arena, field(result, row, 1)),
                               .full = str_dup(&link->arena, field(result, row, 2))};
    }
    pq.clear(result);
    if (!st) link->column = column;
    return st;
}

const PgColumn *link_column(const Link *link, Str name) {
    const Type *physical = link->table->desc->physical;
    for (uint32_t i = 0; i < physical->child_count; i++) {
        if (str_eq(physical->field[i], name)) return &link->column[i];
    }
    return NULL;
}

// ---- connecting --------------------------------------------------------------------------------

// PostgreSQL's name of the session's zone. 'GMT+08:00' means the other direction there.
static void set_zone(Link *link, Buf *out) {
    Str name = zone_name(link->zone);
    buf_puts(out, "SET TimeZone = ");
    if (!str_starts(name, STR("GMT")) || name.len < 6) {
        sql_text(name, out);
        return;
    }
    Str offset = str_sub(name, 4, name.len);
    buf_printf(out, "'<weir>%c" STR_FMT "'", name.ptr[3] == '+' ? '-' : '+', STR_ARG(offset));
}

Status link_open(Link *link, Error *err) {
    const JdbcTable *table = link->table;
    if (link->conn && pq.status(link->conn) == CONNECTION_OK) return ST_OK;
    TRY(library_load(&pq_library, err));
    link_drop(link);
    link->conn = pq.connectdbParams(table->keyword, table->value, 0);
    link->connects++;
    if (pq.status(link->conn) != CONNECTION_OK) {
        return link_error(link, NULL, "connecting", err);
    }
    (void)pq.setClientEncoding(link->conn, "UTF8");
    (void)pthread_mutex_lock(&link->lock);
    link->cancel = pq.getCancel(link->conn);
    (void)pthread_mutex_unlock(&link->lock);
    link->scratch.len = 0;
    set_zone(link, &link->scratch);
    buf_puts(&link->scratch, "; SET client_min_messages = warning; SET extra_float_digits = 3");
    TRY(link_run(link, buf_cstr(&link->scratch), "connecting", err));
    return link->column ? ST_OK : find_columns(link, err);
}
