// The speed of the decoders alone: GB/s and records/s on one core, from memory that is read once,
// as a file is. The records: nine fields in 190 bytes, all taken; and the lines of Nexmark, of
// which a query takes few fields.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format/builtin.h"
#include "spi/format.h"

enum {
    DATA_BYTES = 64 << 20,    // beyond the caches
    BLOCK_BYTES = 512 << 10,  // as the filesystem source reads
    ROUNDS = 9,               // the best one counts
};

static Arena arena;
static uint64_t seed = 1;

static uint32_t below(uint32_t limit) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 32) * limit >> 32);
}

static const char *word(uint32_t min, uint32_t max) {
    static char text[8][128];
    static uint32_t next;
    char *out = text[next++ % 8];
    uint32_t len = min + below(max - min + 1);
    for (uint32_t i = 0; i < len; i++) out[i] = (char)('a' + below(26));
    out[len] = 0;
    return out;
}

// Types ------------------------------------------------------------------------------------------

static const Type *row(uint32_t count, const char *const *name, const Type *const *type) {
    Str *field = ARENA_ARRAY(&arena, Str, count);
    for (uint32_t i = 0; i < count; i++) field[i] = str_c(name[i]);
    return type_row(&arena, count, type, field, true);
}

// The fields of [full] with these names.
static const Type *pick(const Type *full, uint32_t count, const char *const *name) {
    const Type **type = ARENA_ARRAY(&arena, const Type *, count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < full->child_count; k++) {
            if (str_eq(full->field[k], str_c(name[i]))) type[i] = full->child[k];
        }
    }
    return row(count, name, type);
}
#define PICK(full, ...)                                                     \
    pick(full, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
         (const char *const[]){__VA_ARGS__})

static const Type *nine_fields(void) {
    static const char *const NAMES[] = {"id",   "user", "mail", "price", "count",
                                        "paid", "at",   "city", "note"};
    const Type *text = type_of(TYPE_VARCHAR, true);
    const Type *types[] = {type_of(TYPE_BIGINT, true), text, text, type_of(TYPE_DOUBLE, true),
                           type_of(TYPE_INT, true), type_of(TYPE_BOOLEAN, true),
                           type_timestamp(&arena, 3, true), text, text};
    return row(9, NAMES, types);
}

static const Type *nexmark(void) {
    const Type *text = type_of(TYPE_VARCHAR, true), *big = type_of(TYPE_BIGINT, true);
    const Type *stamp = type_timestamp(&arena, 3, true);
    static const char *const PERSON[] = {"id", "name", "emailAddress", "creditCard",
                                         "city", "state", "dateTime", "extra"};
    const Type *person[] = {big, text, text, text, text, text, stamp, text};
    static const char *const AUCTION[] = {"id", "itemName", "description", "initialBid", "reserve",
                                          "dateTime", "expires", "seller", "category", "extra"};
    const Type *auction[] = {big, text, text, big, big, stamp, stamp, big, big, text};
    static const char *const BID[] = {"auction", "bidder",   "price", "channel",
                                      "url",     "dateTime", "extra"};
    const Type *bid[] = {big, big, big, text, text, stamp, text};
    static const char *const EVENT[] = {"event_type", "person", "auction", "bid"};
    const Type *event[] = {type_of(TYPE_INT, true), row(8, PERSON, person),
                           row(10, AUCTION, auction), row(7, BID, bid)};
    return row(4, EVENT, event);
}

// Only some fields of the three kinds of event.
static const Type *nexmark_part(const Type *person, const Type *auction, const Type *bid) {
    const char *name[4] = {"event_type"};
    const Type *type[4] = {type_of(TYPE_INT, true)};
    uint32_t count = 1;
    if (person) name[count] = "person", type[count++] = person;
    if (auction) name[count] = "auction", type[count++] = auction;
    if (bid) name[count] = "bid", type[count++] = bid;
    return row(count, name, type);
}

// Data -------------------------------------------------------------------------------------------

static const char *stamp_at(uint32_t n) {
    static char text[24];
    (void)snprintf(text, sizeof text, "2026-01-01 %02u:%02u:%02u.%03u", n / 3600000 % 24,
                   n / 60000 % 60, n / 1000 % 60, n % 1000);
    return text;
}

static void put_nine(Buf *out, uint32_t n, bool json) {
    const char *format = json ? "{\"id\":%u,\"user\":\"%s\",\"mail\":\"%s@%s.com\",\"price\":%u.%"
                                "02u,\"count\":%u,\"paid\":%s,"
                                "\"at\":\"%s\",\"city\":\"%s\",\"note\":\"%s\"}\n"
                              : "%u,%s,%s@%s.com,%u.%02u,%u,%s,%s,%s,%s\n";
    uint32_t more = json ? 0 : 40;  // so that both are of 190 bytes
    buf_printf(out, format, 10000000 + n, word(6, 12), word(6, 10), word(5, 9), below(10000),
               below(100), below(1000), below(2) ? "true" : "false", stamp_at(n), word(5, 11),
               word(24 + more, 40 + more));
}

static void put_bid(Buf *out, uint32_t n, bool json) {
    const char *format = json ? "{\"event_type\":2,\"person\":null,\"auction\":null,\"bid\":{"
                                "\"auction\":%u,\"bidder\":%u,"
                                "\"price\":%u,\"channel\":\"%s\",\"url\":\"https://www.nexmark.com/"
                                "%s/%s/%s/item.htm?query=1&"
                                "channel_id=%u\",\"dateTime\":\"%s\",\"extra\":\"%s\"}}\n"
                              : "2,,,%u;%u;%u;%s;https://www.nexmark.com/%s/%s/%s/"
                                "item.htm?query=1&channel_id=%u;%s;%s\n";
    buf_printf(out, format, 1000 + n / 15, 1000 + below(10000), 100 + below(10000000), word(5, 12),
               word(3, 5), word(3, 5), word(3, 5), below(1000000000), stamp_at(n), word(5, 15));
}

static void put_auction(Buf *out, uint32_t n, bool json) {
    char expires[24];
    memcpy(expires, stamp_at(n + 12345), sizeof expires);
    const char *format = json ? "{\"event_type\":1,\"person\":null,\"auction\":{\"id\":%u,"
                                "\"itemName\":\"%s\",\"description\":\"%s\","
                                "\"initialBid\":%u,\"reserve\":%u,\"dateTime\":\"%s\",\"expires\":"
                                "\"%s\",\"seller\":%u,\"category\":%u,"
                                "\"extra\":\"%s\"},\"bid\":null}\n"
                              : "1,,%u;%s;%s;%u;%u;%s;%s;%u;%u;%s,\n";
    buf_printf(out, format, 1000 + n / 15, word(3, 20), word(3, 100), below(10000000),
               below(10000000), stamp_at(n), expires, 1000 + below(10000), 10 + below(5),
               word(5, 15));
}

static void put_person(Buf *out, uint32_t n, bool json) {
    const char *format =
        json ? "{\"event_type\":0,\"person\":{\"id\":%u,\"name\":\"%s\",\"emailAddress\":\"%s@%s."
               "com\",\"creditCard\":"
               "\"1234 5678 9012 "
               "3456\",\"city\":\"%s\",\"state\":\"OR\",\"dateTime\":\"%s\",\"extra\":\"%s\"},"
               "\"auction\":null,\"bid\":null}\n"
             : "0,%u;%s;%s@%s.com;1234 5678 9012 3456;%s;OR;%s;%s,,\n";
    buf_printf(out, format, 1000 + n / 50, word(6, 14), word(3, 7), word(3, 5), word(5, 9),
               stamp_at(n), word(5, 15));
}

static void put_event(Buf *out, uint32_t n, bool json) {
    if (n % 50 == 0) {
        put_person(out, n, json);
    } else if (n % 50 < 4) {
        put_auction(out, n, json);
    } else {
        put_bid(out, n, json);
    }
}

static Buf make(void (*put)(Buf *out, uint32_t n, bool json), bool json) {
    Buf out = {0};
    for (uint32_t n = 0; out.len < DATA_BYTES; n++) put(&out, n, json);
    (void)buf_reserve(&out, DECODE_PADDING);
    return out;
}

// The run ----------------------------------------------------------------------------------------

static void fail(const Error *err) {
    (void)fprintf(stderr, "weir-bench-decode: %s\n", err->message);
    exit(1);
}

static uint64_t decode(Decoder *decoder, const Buf *data) {
    uint64_t rows = 0;
    Error err;
    for (size_t at = 0; at < data->len;) {
        size_t left = data->len - at, size = left < BLOCK_BYTES ? left : BLOCK_BYTES, used;
        if (decoder->vt->stream(decoder, data->ptr + at, size, size == left, &used, &err)) {
            fail(&err);
        }
        at += used;
        if (!decoder_full(decoder) && at < data->len) continue;
        Batch *batch = decoder_take(decoder);
        rows += batch ? batch->rows : 0;
        batch_unref(batch);
    }
    return rows;
}

// Of the process: what else runs on the machine hardly counts.
static double cpu_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static char **chosen;
static int chosen_count;

static bool is_chosen(const char *what, const char *format) {
    for (int i = 0; i < chosen_count; i++) {
        if (!strstr(what, chosen[i]) && strcmp(format, chosen[i]) != 0) return false;
    }
    return true;
}

static void bench_filtered(const char *what, const char *format_name, const Type *full,
                           const Type *wanted, const FilterTerm *filter, const Buf *data) {
    if (!is_chosen(what, format_name)) return;
    Map map = {0};
    (void)map_put(&map, STR("null-literal"), (void *)(uintptr_t)"");
    bool json = strcmp(format_name, "json") == 0;
    if (json) (void)map_remove(&map, STR("null-literal"));
    const Format *format = format_find(str_c(format_name));
    DecodeSpec spec = {.full = full, .wanted = wanted, .zone = zone_utc(),
                       .options = {.map = &map, .owner = STR("bench"), .defs = format->options},
                       .filter = filter, .filter_count = filter ? 1 : 0};
    Error err;
    double best = 1e9;
    uint64_t records = 0;
    for (int round = 0; round < ROUNDS; round++) {
        Decoder *decoder;
        if (format->decoder_new(&spec, &decoder, &err)) fail(&err);
        double start = cpu_seconds();
        (void)decode(decoder, data);
        records = decoder->records;
        double seconds = cpu_seconds() - start;
        if (seconds < best) best = seconds;
        decoder->vt->close(decoder);
    }
    printf("%-5s %-34s %6.2f GB/s %7.2f M records/s %6.0f bytes\n", format_name, what,
           (double)data->len / best / 1e9, (double)records / best / 1e6,
           (double)data->len / (double)records);
    (void)fflush(stdout);
    map_clear(&map);
}

static void bench(const char *what, const char *format_name, const Type *full, const Type *wanted,
                  const Buf *data) {
    bench_filtered(what, format_name, full, wanted, NULL, data);
}

// A field equal to a number that few records have.
static FilterTerm equals(const Type *row, const char *field, int64_t number) {
    uint32_t column = 0;
    while (!str_eq(row->field[column], str_c(field))) column++;
    Vec *vec = vec_new(&arena, row->child[column], 1);
    vec_set_integer(vec, 0, number);
    const Vec **value = ARENA_ARRAY(&arena, const Vec *, 1);
    value[0] = vec;
    return (FilterTerm){.column = column, .op = TERM_EQUAL, .value = value, .value_count = 1};
}

// Arguments: parts of names, "csv nexmark"; what has none of them is left out.
int main(int argc, char **argv) {
    chosen = argv + 1;
    chosen_count = argc - 1;
    formats_register();
    arena_init(&arena);
    const Type *nine = nine_fields(), *events = nexmark();
    const Type *person = events->child[1], *auction = events->child[2], *bid = events->child[3];
    const Type *times = nexmark_part(PICK(person, "dateTime"), PICK(auction, "dateTime"),
                                     PICK(bid, "auction", "bidder", "price", "dateTime"));
    const Type *sales = nexmark_part(PICK(person, "id", "name", "dateTime"),
                                     PICK(auction, "seller", "dateTime"), PICK(bid, "dateTime"));
    for (int i = 0; i < 2; i++) {
        const char *format = i ? "csv" : "json";
        Buf data = make(put_nine, !i);
        bench("nine fields, all taken", format, nine, nine, &data);
        bench("nine fields, id and price", format, nine, PICK(nine, "id", "price"), &data);
        bench("nine fields, none", format, nine, row(0, NULL, NULL), &data);
        FilterTerm few = equals(nine, "id", 1000), person_only = equals(events, "event_type", 0);
        bench_filtered("nine fields, where id =", format, nine, nine, &few, &data);
        FilterTerm count = equals(nine, "count", 7);
        bench_filtered("nine fields, where count =", format, nine, nine, &count, &data);
        buf_free(&data);
        data = make(put_event, !i);
        bench("nexmark, all fields", format, events, events, &data);
        bench("nexmark, bids (q1)", format, events, times, &data);
        bench("nexmark, persons, sellers (q8)", format, events, sales, &data);
        bench_filtered("nexmark, all of persons", format, events, events, &person_only, &data);
        buf_free(&data);
    }
    arena_clear(&arena);
    return 0;
}
