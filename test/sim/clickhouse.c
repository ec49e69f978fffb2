#include "clickhouse.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/map.h"
#include "os/http.h"
#include "world.h"

// An insert that the server is at, or that is on its way to it.
typedef struct Insert {
    struct Insert *next;
    char *token;       // owned
    Buf block;
    int64_t done_ns;
    bool late;         // on its way
} Insert;

static struct {
    const char *columns;
    bool keeps_tokens;
    Insert *under_way;
    Map done;          // names of inserts
    Map rows;          // how often each is there, by its text
    Arena arena;
} server;

enum { CLICKHOUSE_COLUMNS_MAX = 8 };

void clickhouse_table(const char *columns, bool keeps_tokens) {
    server.columns = columns;
    server.keeps_tokens = keeps_tokens;
}

// ---- blocks ------------------------------------------------------------------------------------

static uint64_t take_varint(Str *bytes) {
    uint64_t value = 0;
    for (uint32_t shift = 0; bytes->len; shift += 7) {
        uint8_t byte = (uint8_t)bytes->ptr[0];
        *bytes = str_sub(*bytes, 1, bytes->len);
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) break;
    }
    return value;
}

static Str take_bytes(Str *bytes, uint64_t size) {
    ASSERT(size <= bytes->len);
    Str out = str_sub(*bytes, 0, (uint32_t)size);
    *bytes = str_sub(*bytes, (uint32_t)size, bytes->len);
    return out;
}

static uint32_t size_of(Str type) {
    if (str_is(type, "Int64")) return 8;
    if (str_is(type, "Int32")) return 4;
    ASSERT(str_is(type, "Int8"));
    return 1;
}

static int64_t number_at(Str data, uint32_t size, uint64_t row) {
    int64_t value = 0;
    memcpy(&value, data.ptr + row * size, size);
    uint32_t unused = 64 - size * 8;
    return (int64_t)((uint64_t)value << unused) >> unused;
}

static void add_row(Str text, int64_t times) {
    int64_t *count = map_get(&server.rows, text);
    if (!count) {
        count = ARENA_NEW(&server.arena, int64_t);
        *count = 0;
        (void)map_put(&server.rows, str_dup(&server.arena, text), count);
    }
    *count += times;
}

// The format Native: how many columns and rows, then of each column its name, type and values.
static void add_block(Str block) {
    while (block.len) {
        uint64_t columns = take_varint(&block), rows = take_varint(&block);
        Str data[CLICKHOUSE_COLUMNS_MAX];
        uint32_t size[CLICKHOUSE_COLUMNS_MAX];
        uint64_t sign = columns;
        ASSERT(columns <= CLICKHOUSE_COLUMNS_MAX);
        for (uint64_t c = 0; c < columns; c++) {
            if (str_is(take_bytes(&block, take_varint(&block)), "Sign")) sign = c;
            size[c] = size_of(take_bytes(&block, take_varint(&block)));
            data[c] = take_bytes(&block, rows * size[c]);
        }
        for (uint64_t row = 0; row < rows; row++) {
            Buf text = {0};
            for (uint64_t c = 0; c < columns; c++) {
                if (c == sign) continue;
                buf_printf(&text, "%s%" PRId64, c ? "," : "", number_at(data[c], size[c], row));
            }
            add_row(buf_str(&text), sign < columns ? number_at(data[sign], 1, row) : 1);
            buf_free(&text);
        }
    }
}

void clickhouse_lines(void (*line)(void *arg, Str text), void *arg) {
    for (uint32_t i = 0; i < server.rows.count; i++) {
        const int64_t *count = server.rows.entry[i].value;
        Buf text = {0};
        buf_printf(&text, STR_FMT " x%" PRId64, STR_ARG(server.rows.entry[i].key), *count);
        if (*count) line(arg, buf_str(&text));
        buf_free(&text);
    }
}

// ---- inserts -----------------------------------------------------------------------------------

static Insert *under_way(Str token) {
    for (Insert *at = server.under_way; at; at = at->next) {
        if (!at->late && str_eq(token, str_c(at->token))) return at;
    }
    return NULL;
}

static void finish(Insert *insert) {
    Str token = str_c(insert->token);
    bool again = map_get(&server.done, token) != NULL;
    if (insert->late) note("clickhouse: late: %s", insert->token);
    if (again) note("clickhouse: %s is there already", insert->token);
    if (!again || !server.keeps_tokens) add_block(buf_str(&insert->block));
    if (!again) (void)map_put(&server.done, str_dup(&server.arena, token), &server);
    mem_free(insert->token);
    buf_free(&insert->block);
    mem_free(insert);
}

static void tick(int64_t now_ns) {
    for (Insert **at = &server.under_way; *at;) {
        Insert *due = *at;
        if (due->done_ns > now_ns) {
            at = &due->next;
            continue;
        }
        *at = due->next;
        finish(due);
    }
}

void clickhouse_settle(void) {
    tick(INT64_MAX);
}

void clickhouse_free(void) {
    clickhouse_settle();
    map_clear(&server.done);
    map_clear(&server.rows);
    arena_clear(&server.arena);
    memset(&server, 0, sizeof server);
}

static void begin_insert(Str token, Str block, int64_t done_ns, bool late) {
    Insert *insert = NEW(Insert);
    *insert = (Insert){server.under_way, str_own(token), {0}, done_ns, late};
    buf_put_str(&insert->block, block);
    server.under_way = insert;
}

// ---- what is asked -----------------------------------------------------------------------------

static int say(HttpReply *reply, int status, const char *text) {
    buf_puts(&reply->body, text);
    return reply->status = status;
}

// The name in quotes at the end.
static Str last_quoted(Str sql) {
    uint32_t end = sql.len, from;
    while (end && sql.ptr[end - 1] != '\'') end--;
    for (from = end ? end - 1 : 0; from && sql.ptr[from - 1] != '\''; from--) continue;
    return end ? str_sub(sql, from, end - 1 - from) : STR("");
}

static bool asks_for(Str sql, const char *what) {
    return str_find(sql, str_c(what), 0) >= 0;
}

static int answer(Str sql, HttpReply *reply) {
    if (asks_for(sql, "timezone()")) return say(reply, 200, "UTC\n");
    if (asks_for(sql, "FROM system.settings")) {
        return say(reply, 200, "insert_deduplication_token\nasync_insert\nlog_queries\n");
    }
    if (str_starts(sql, STR("SYSTEM FLUSH LOGS"))) {
        return server.keeps_tokens
                   ? say(reply, 500, "Code: 497. DB::Exception: Not enough privileges.")
                   : say(reply, 200, "");
    }
    if (asks_for(sql, "SELECT engine")) {
        return say(reply, 200,
                   server.keeps_tokens
                       ? "MergeTree\tMergeTree SETTINGS non_replicated_deduplication_window = 100\n"
                       : "MergeTree\tMergeTree ORDER BY id\n");
    }
    if (str_starts(sql, STR("DESCRIBE"))) return say(reply, 200, server.columns);
    if (asks_for(sql, "FROM system.tables")) return say(reply, 200, "1\n");
    if (asks_for(sql, "FROM system.processes")) {
        return say(reply, 200, under_way(last_quoted(sql)) ? "1\n" : "0\n");
    }
    if (asks_for(sql, "LIMIT 0")) return say(reply, 200, "");
    ASSERT(asks_for(sql, "FROM system.query_log"));
    return say(reply, 200, map_get(&server.done, last_quoted(sql)) ? "1\n" : "0\n");
}

// The text of a parameter that needs no decoding; empty: there is none.
static Str param(Str url, const char *name) {
    int64_t from = str_find(url, str_c(name), 0);
    if (from < 0) return STR("");
    Str rest = str_sub(url, (uint32_t)from + (uint32_t)strlen(name), url.len);
    int64_t end = str_find(rest, STR("&"), 0);
    return end < 0 ? rest : str_sub(rest, 0, (uint32_t)end);
}

static Status no_answer(const char *why, Error *err) {
    return error_set(err, ST_CONNECT, "%s", why);
}

// In place of os/http.c. An insert goes on when its sender has gone; and where tokens are kept it
// may arrive after its sender has died, or twice.
Status http_exchange(const HttpExchange *exchange, HttpReply *reply, Error *err) {
    Str url = str_c(exchange->url), token = param(url, "query_id=");
    world_call();
    tick(world.now_ns);
    if (world.dead) {
        if (token.len && server.keeps_tokens && chance_below(2)) {
            fault(FAULT_REQUEST_LATE);
            begin_insert(token, exchange->body,
                         world.now_ns + chance_between(0, 50) * 1000000, true);
        }
        return no_answer("the process is dead", err);
    }
    bool slow = world.faulty && chance_in(world.plan.reply_slow), heard = true;
    if (world.faulty && (world.now_ns < world.broker_down_until_ns ||
                         chance_in(world.plan.request_lost))) {
        fault(FAULT_REQUEST_LOST);
        note("clickhouse: lost");
        return no_answer("no connection", err);
    }
    if (world.faulty && chance_in(world.plan.reply_lost)) {
        fault(FAULT_REPLY_LOST);
        note("clickhouse: reply lost");
        heard = false;
    }
    if (slow) fault(FAULT_REPLY_SLOW);
    int64_t done_ns = world.now_ns + (slow ? chance_between(1, 400) * 1000000 : 0);
    if (!token.len) {
        trace("clickhouse: " STR_FMT, STR_ARG(str_sub(exchange->body, 0, 60)));
        (void)answer(exchange->body, reply);
    } else if (under_way(token)) {
        (void)say(reply, 500, "Code: 216. DB::Exception: Query with this id is already running.");
    } else {
        trace("clickhouse: insert " STR_FMT, STR_ARG(token));
        begin_insert(token, exchange->body, done_ns, false);
        if (world.faulty && server.keeps_tokens && chance_in(world.plan.request_twice)) {
            fault(FAULT_REQUEST_TWICE);
            begin_insert(token, exchange->body, done_ns, false);
        }
        (void)say(reply, 200, "");
    }
    if (!heard) return no_answer("the connection was closed", err);
    if (slow) fiber_sleep_ns(done_ns - world.now_ns);
    tick(world.now_ns);
    return world.dead ? no_answer("the process is dead", err) : ST_OK;
}
