// What is said to the server, and what it says of failures.
//
// Each insert has a name of its own (its token) and is there once, however often it is sent: a
// server that knows insert_deduplication_token remembers the names of a table whose engine keeps
// them, and a server with a query_log is asked, before an insert is sent again, what became of the
// query with that id.
#include <stdlib.h>

#include "base/hex.h"
#include "connector/clickhouse/clickhouse_int.h"
#include "type/zone.h"

enum { REPLY_MAX = 16 << 20, SAID_MAX = 600 };

void ch_quote(Str name, Buf *out) {
    buf_putc(out, '`');
    for (uint32_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '`' || name.ptr[i] == '\\') buf_putc(out, '\\');
        buf_putc(out, name.ptr[i]);
    }
    buf_putc(out, '`');
}

static void quote_text(Str text, Buf *out) {
    buf_putc(out, '\'');
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'' || text.ptr[i] == '\\') buf_putc(out, '\\');
        buf_putc(out, text.ptr[i]);
    }
    buf_putc(out, '\'');
}

static void put_table(const ChTable *table, Buf *out) {
    ch_quote(table->database, out);
    buf_putc(out, '.');
    ch_quote(table->name, out);
}

// ---- failures ----------------------------------------------------------------------------------

// Codes of src/Common/ErrorCodes.cpp that pass by themselves: overload, too many parts, a replica
// or its keeper that is away.
static bool is_passing(int status, int64_t code) {
    static const int64_t CODES[] = {159, 164, 202, 203, 209, 210, 216, 225, 236, 241, 242, 252,
                                    279, 285, 286, 319, 364, 394, 425, 439, 999};
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++) {
        if (CODES[i] == code) return true;
    }
    return !code && (status >= 500 || status == 408 || status == 429);
}

// "Code: 60, e.displayText() = DB::Exception: Table …, e.what() = …" or "Code: 60. DB::Exception:
// Table … (UNKNOWN_TABLE) (version …)": the number and what is for people.
static int64_t read_code(Str said, Str *message) {
    *message = said;
    int64_t code = 0, at = str_find(said, STR("Code: "), 0);
    if (at < 0) return 0;
    for (uint32_t i = (uint32_t)at + 6; i < said.len && said.ptr[i] >= '0' && said.ptr[i] <= '9' &&
                                        code < 1000000; i++) {
        code = code * 10 + (said.ptr[i] - '0');
    }
    int64_t text = str_find(said, STR("DB::Exception: "), 0);
    if (text >= 0) *message = str_sub(said, (uint32_t)text + 15, said.len);
    int64_t tail = str_find(*message, STR(", e.what() = "), 0);
    if (tail < 0) tail = str_find(*message, STR(" (version "), 0);
    if (tail >= 0) *message = str_sub(*message, 0, (uint32_t)tail);
    return code;
}

// Makes a failure of what [status] and [said] are; ST_CONNECT when another try may do.
static Status refused(const ChTable *table, int status, Str said, const char *what, Error *err) {
    Str message;
    int64_t code = read_code(str_trim(said), &message);
    Status st = is_passing(status, code) ? ST_CONNECT : ST_RUNTIME;
    enum { UNKNOWN_DATABASE = 81, UNKNOWN_TABLE = 60 };
    if (code == UNKNOWN_DATABASE || code == UNKNOWN_TABLE) st = ST_VALIDATION;
    bool login = status == 401 || status == 403 || code == 192 || code == 193 || code == 194 ||
                 code == 516;
    if (login) st = ST_VALIDATION;
    message = str_sub(message, 0, SAID_MAX);
    if (!message.len) message = STR("nothing");
    (void)error_set(err, st, "table '" STR_FMT "': %s: ClickHouse at " STR_FMT " says: " STR_FMT
                    " (%s %lld)", STR_ARG(table->desc->name), what, STR_ARG(table->shown),
                    STR_ARG(message), code ? "code" : "status",
                    code ? (long long)code : (long long)status);
    if (login) error_hint(err, "'username' and 'password' are not what the server knows");
    if (code == 252) error_hint(err, "larger inserts are fewer: raise 'sink.batch-size'");
    return st;
}

// ---- requests ----------------------------------------------------------------------------------

typedef struct Answer {
    HttpReply reply;
    bool failed;  // the head of the answer names an exception
} Answer;

static void look_at_header(void *arg, Str line) {
    static const char NAME[] = "X-ClickHouse-Exception-Code:";
    if (line.len >= sizeof NAME - 1 &&
        str_eq_nocase(str_sub(line, 0, sizeof NAME - 1), STR(NAME))) {
        ((Answer *)arg)->failed = true;
    }
}

// POSTs [body]; [params] of the query part are encoded. One try.
static Status post(const ChTable *table, Str params, Str body, const char *what, Buf *out,
                   Error *err) {
    enum { HEADERS_MAX = 4 };
    Arena arena = {0};
    Buf url = {0};
    Answer answer = {0};
    const char *header[HEADERS_MAX];
    uint32_t count = 0;
    header[count++] = "Expect:";  // one round trip less
    header[count++] = "Content-Type: application/octet-stream";
    if (table->user) {
        header[count++] = arena_printf(&arena, "X-ClickHouse-User: %s", table->user);
        header[count++] = arena_printf(&arena, "X-ClickHouse-Key: %s", table->password);
    }
    buf_put_str(&url, table->base);
    if (params.len) buf_putc(&url, '?');
    buf_put_str(&url, params);
    HttpExchange exchange = {.method = "POST", .url = buf_cstr(&url), .header = header,
                             .header_count = count, .body = body, .reply_size_max = REPLY_MAX,
                             .answer_ms = 300000, .on_header = look_at_header, .arg = &answer};
    Status st = http_exchange(&exchange, &answer.reply, err);
    if (st) {
        error_while(err, "table '" STR_FMT "': %s", STR_ARG(table->desc->name), what);
        if (st == ST_IO) error_hint(err, "look at 'url'");
    } else if (answer.reply.status != 200 || answer.failed) {
        st = refused(table, answer.reply.status, buf_str(&answer.reply.body), what, err);
    } else if (out) {
        *out = answer.reply.body;
        answer.reply.body = (Buf){0};
    }
    buf_free(&answer.reply.body);
    buf_free(&url);
    arena_clear(&arena);
    return st;
}

static Status ask(const ChTable *table, const char *sql, const char *what, Buf *out, Error *err) {
    return post(table, STR(""), str_c(sql), what, out, err);
}

// Begins again for as long as failures may pass.
static bool pause_before(const ChTable *table, int64_t attempt) {
    enum { FIRST_MS = 500, MOST_MS = 10000 };
    if (attempt >= table->retries_max) return false;
    int64_t pause_ms = attempt < 5 ? FIRST_MS << attempt : MOST_MS;
    os()->sleep_ms(pause_ms / 2 + (int64_t)(os()->random() % (uint64_t)pause_ms));
    return true;
}

static Str next_cell(Str *line) {
    int64_t tab = str_find(*line, STR("\t"), 0);
    Str cell = tab < 0 ? *line : str_sub(*line, 0, (uint32_t)tab);
    *line = tab < 0 ? (Str){0} : str_sub(*line, (uint32_t)tab + 1, line->len);
    return cell;
}

// A cell as it was before TabSeparated escaped it.
static Str unescaped(Arena *arena, Str cell) {
    char *out = arena_alloc(arena, cell.len + 1u);
    uint32_t n = 0;
    for (uint32_t i = 0; i < cell.len; i++) {
        char c = cell.ptr[i];
        if (c == '\\' && i + 1 < cell.len) {
            c = cell.ptr[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        out[n++] = c;
    }
    return str_make(out, n);
}

// ---- the server and the table ------------------------------------------------------------------

static Status ask_engine(ChServer *server, Arena *arena, Error *err) {
    const ChTable *table = server->table;
    Buf sql = {0}, out = {0};
    buf_puts(&sql, "SELECT engine, engine_full FROM system.tables WHERE database = ");
    quote_text(table->database, &sql);
    buf_puts(&sql, " AND name = ");
    quote_text(table->name, &sql);
    buf_puts(&sql, " FORMAT TabSeparatedRaw");
    Status st = ask(table, buf_cstr(&sql), "asking for its engine", &out, err);
    Str all = buf_str(&out);
    if (!st && all.len) {
        Str line = str_next_line(&all);
        server->engine = str_dup(arena, next_cell(&line));
        int64_t window = str_find(line, STR("non_replicated_deduplication_window = "), 0);
        bool remembers = window >= 0 && (uint32_t)window + 38 < line.len &&
                         line.ptr[window + 38] != '0';
        server->dedupes = str_starts(server->engine, STR("Replicated")) ||
                          str_starts(server->engine, STR("Shared")) || remembers;
    }
    buf_free(&sql);
    buf_free(&out);
    return st;
}

// Whether it can be asked what became of an insert: its log is there and may be read. A server that
// does not answer has not said no.
static Status ask_for_log(const ChTable *table, bool *readable, Error *err) {
    static const char WHAT[] = "asking for its log";
    Error why = {0};
    Buf out = {0};
    Status st = ask(table, "SYSTEM FLUSH LOGS", WHAT, NULL, &why);
    if (!st) {
        st = ask(table, "SELECT count() FROM system.tables WHERE database = 'system' AND name "
                 "= 'query_log'", WHAT, &out, &why);
    }
    // Where nothing was logged so far the table comes with the first insert.
    if (!st && out.len && out.ptr[0] == '1') {
        st = ask(table, "SELECT query_id FROM system.query_log LIMIT 0", WHAT, NULL, &why);
    }
    buf_free(&out);
    *readable = st == ST_OK;
    if (st != ST_CONNECT) return ST_OK;
    if (err) *err = why;
    return st;
}

Status ch_server_open(ChServer *server, const ChTable *table, Arena *arena, Error *err) {
    *server = (ChServer){.table = table, .zone = zone_utc()};
    Buf out = {0};
    Status st;
    for (int64_t attempt = 0;; attempt++) {
        st = ask(table, "SELECT timezone()", "connecting", &out, err);
        if (st != ST_CONNECT || !pause_before(table, attempt)) break;
    }
    if (st) return st;
    const Zone *zone = zone_find_id(str_trim(buf_str(&out)));
    if (zone) server->zone = zone;
    buf_free(&out);
    st = ask(table, "SELECT name FROM system.settings WHERE name IN "
             "('insert_deduplication_token', 'async_insert', 'log_queries')",
             "asking for its settings", &out, err);
    if (st) return st;
    Str all = buf_str(&out);
    while (all.len) {
        Str line = str_next_line(&all);
        if (str_is(line, "insert_deduplication_token")) server->has_token = true;
        if (str_is(line, "async_insert")) server->has_async = true;
        if (str_is(line, "log_queries")) server->has_log = true;
    }
    buf_free(&out);
    if (server->has_log) TRY(ask_for_log(table, &server->has_log, err));
    return ask_engine(server, arena, err);
}

Status ch_server_columns(const ChServer *server, Arena *arena, ChServerColumn **out,
                         uint32_t *count, Error *err) {
    const ChTable *table = server->table;
    Buf sql = {0}, reply = {0};
    buf_puts(&sql, "DESCRIBE TABLE ");
    put_table(table, &sql);
    buf_puts(&sql, " FORMAT TabSeparated");
    Status st = ask(table, buf_cstr(&sql), "looking at its columns", &reply, err);
    Str all = buf_str(&reply);
    uint32_t cap = 1;
    for (size_t i = 0; i < reply.len; i++) cap += reply.ptr[i] == '\n';
    *out = ARENA_ARRAY(arena, ChServerColumn, cap);
    *count = 0;
    while (!st && all.len) {
        Str line = str_next_line(&all);
        ChServerColumn *column = &(*out)[(*count)++];
        column->name = unescaped(arena, next_cell(&line));
        Str type = unescaped(arena, next_cell(&line)), kind = next_cell(&line);
        column->computed = str_is(kind, "MATERIALIZED") || str_is(kind, "ALIAS");
        Error why;
        // A column that is not written may have any type: then its text alone is kept.
        if (ch_type_read(arena, type, &column->type, &why)) {
            column->type = (ChType){.kind = CH_TUPLE, .text = str_dup(arena, type)};
        }
    }
    buf_free(&sql);
    buf_free(&reply);
    return st;
}

// ---- inserts -----------------------------------------------------------------------------------

static void put_param(const char *name, Str value, Buf *out) {
    buf_printf(out, "%s%s=", out->len ? "&" : "", name);
    percent_encode(value, "", out);
}

static Status insert_once(const ChServer *server, const ChInsert *insert, Error *err) {
    Buf sql = {0}, params = {0};
    buf_puts(&sql, "INSERT INTO ");
    put_table(server->table, &sql);
    buf_putc(&sql, ' ');
    buf_put_str(&sql, insert->columns);
    buf_puts(&sql, " FORMAT Native");
    put_param("query", buf_str(&sql), &params);
    put_param("query_id", insert->token, &params);
    if (server->has_log) put_param("log_queries", STR("1"), &params);
    if (server->has_async) put_param("async_insert", STR("0"), &params);
    if (server->has_token) put_param("insert_deduplication_token", insert->token, &params);
    Status st = post(server->table, buf_str(&params), insert->block, "inserting rows", NULL, err);
    buf_free(&sql);
    buf_free(&params);
    return st;
}

// A number that [sql], completed by the insert's name, gives.
static Status count_of(const ChServer *server, const char *sql, Str token, int64_t *out,
                       Error *err) {
    Buf text = {0}, reply = {0};
    buf_puts(&text, sql);
    quote_text(token, &text);
    Status st = ask(server->table, buf_cstr(&text), "asking what became of an insert", &reply, err);
    if (!st && !str_to_i64(str_trim(buf_str(&reply)), out)) *out = 0;
    buf_free(&text);
    buf_free(&reply);
    return st;
}

// Whether the insert is there already. While it is still under way, the answer is waited for.
static Status is_done(const ChServer *server, const ChInsert *insert, bool *done, Error *err) {
    enum { WAITS_MAX = 600, WAIT_MS = 100 };
    *done = false;
    int64_t count = 0;
    for (uint32_t waits = 0; waits < WAITS_MAX; waits++) {
        TRY(count_of(server, "SELECT count() FROM system.processes WHERE query_id = ",
                     insert->token, &count, err));
        if (!count) break;
        os()->sleep_ms(WAIT_MS);
    }
    if (!server->has_log) return ST_OK;
    TRY(ask(server->table, "SYSTEM FLUSH LOGS", "asking what became of an insert", NULL, err));
    TRY(count_of(server, "SELECT count() FROM system.tables WHERE database = 'system' AND name = ",
                 STR("query_log"), &count, err));
    if (!count) return ST_OK;  // nothing was ever logged
    TRY(count_of(server,
                 "SELECT count() FROM system.query_log WHERE event_date >= today() - 30 AND "
                 "type = 2 AND query_id = ", insert->token, &count, err));
    *done = count > 0;
    return ST_OK;
}

Status ch_server_insert(const ChServer *server, const ChInsert *insert, bool maybe_done,
                        Error *err) {
    Status st;
    for (int64_t attempt = 0;; attempt++) {
        bool done = false;
        st = maybe_done ? is_done(server, insert, &done, err) : ST_OK;
        if (!st && done) return ST_OK;
        if (!st) st = insert_once(server, insert, err);
        if (st != ST_CONNECT) return st;
        maybe_done = true;
        if (!pause_before(server->table, attempt)) return st;
    }
}
