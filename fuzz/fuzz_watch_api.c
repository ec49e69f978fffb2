// fuzz_watch_api: requests to a metric watch (server/watch_api.h): JSON, CSV, Prometheus' remote
// write. The first line of the input is "METHOD PATH?QUERY TYPE", the rest the body; with the type
// "proto" the body is what a Snappy block of one literal holds, which no fuzzer finds by itself.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "server/watch_api_int.h"

enum { CALLS = 2000, DIR_LEN = 64 };  // then everything begins anew, on an empty folder

static WatchApi api;
static Buf token;
static char dir[DIR_LEN];
static int calls;

static Status remove_one(void *arg, Str name, Error *err) {
    Arena arena = {0};
    Str path = str_printf(&arena, "%s/" STR_FMT, (const char *)arg, STR_ARG(name));
    if (os()->remove(path, NULL)) {  // a directory with something in it
        (void)os()->list(path, remove_one, (void *)(uintptr_t)str_cstr(&arena, path), NULL);
        (void)os()->remove(path, NULL);
    }
    arena_clear(&arena);
    (void)err;
    return ST_OK;
}

static void end(void) {
    watch_close(api.watch);
    api.watch = NULL;
    if (!*dir) return;
    (void)os()->list(str_c(dir), remove_one, dir, NULL);
    (void)os()->remove(str_c(dir), NULL);
    *dir = 0;
}

static void begin(void) {
    static const char TEMPLATE[] = "/dev/shm/weir-fuzz-XXXXXX";
    MetricCounts counts;
    Error err;
    memcpy(dir, TEMPLATE, sizeof TEMPLATE);
    if (!mkdtemp(dir)) abort();
    WatchSettings settings = {.dir = str_c(dir)};
    PlatformSpec shop = {.name = STR("shop"), .topic = STR("alarms")};
    const MetricSpec spec[] = {{.id = STR("orders"), .step_ms = 60000, .group = STR("g")},
                               {.id = STR("up{job=\"a\"}"), .step_ms = 60000},
                               {.id = STR("part"),
                                .step_ms = 60000,
                                .part_of = STR("orders"),
                                .labels = STR("{\"a\":\"b\"}")}};
    Status st = watch_open(&settings, &api.watch, &err);
    token.len = 0;
    if (!st) st = roster_platform_put(watch_roster(api.watch), &shop, false, &token, &err);
    WatchPlatform *platform = st ? NULL : roster_platform(watch_roster(api.watch), STR("shop"));
    if (!st) st = roster_metrics_put(watch_roster(api.watch), platform, spec, 3, &counts, &err);
    WatchAlarm alarm = {.id = STR("shop/orders/1-1"), .key = 1, .seq = 1, .event = STR("open"),
                        .message = STR("{}")};
    if (!st) st = roster_alarms_put(watch_roster(api.watch), &alarm, 1, &err);
    if (st) {
        (void)fprintf(stderr, "%s\n", err.message);
        abort();
    }
    calls = 0;
}

static Str word(Str *line) {
    int64_t space = str_find(*line, STR(" "), 0);
    Str first = str_sub(*line, 0, space < 0 ? line->len : (uint32_t)space);
    *line = str_sub(*line, first.len + 1, line->len);
    return first;
}

// A block of one literal.
static void pack(Str body, Buf *out) {
    uint32_t size = body.len;
    for (; size > 127; size >>= 7) buf_putc(out, (char)(size | 128));
    buf_putc(out, (char)size);
    if (!body.len) return;
    uint32_t last = body.len - 1;
    buf_putc(out, (char)(63 << 2));
    for (int i = 0; i < 4; i++) buf_putc(out, (char)(last >> 8 * i));
    buf_put_str(out, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = {0};
    Buf packed = {0}, shown = {0};
    Str input = str_make((const char *)data, size);
    int64_t newline = str_find(input, STR("\n"), 0);
    Str line = str_sub(input, 0, newline < 0 ? input.len : (uint32_t)newline);
    Str body = newline < 0 ? STR("") : str_sub(input, (uint32_t)newline + 1, input.len);
    static bool first = true;
    if (first) (void)atexit(end);
    first = false;
    if (!api.watch || ++calls > CALLS) {
        end();
        begin();
    }
    HttpCall http = {.status = 200};
    HttpRequest *request = &http.request;
    request->method = word(&line);
    request->path = word(&line);
    int64_t mark = str_find(request->path, STR("?"), 0);
    if (mark >= 0) {
        request->query = str_sub(request->path, (uint32_t)mark + 1, request->path.len);
        request->path = str_sub(request->path, 0, (uint32_t)mark);
    }
    bool proto = str_starts(line, STR("proto"));
    if (proto) pack(body, &packed);
    request->body = proto ? buf_str(&packed) : body;
    buf_printf(&shown, "Bearer " STR_FMT, STR_ARG(buf_str(&token)));
    request->field[0] = (HttpField){STR("Authorization"), buf_str(&shown)};
    request->field[1] = (HttpField){STR("Content-Type"), line};
    request->field_count = 2;
    ApiCall call = {.api = &api, .arena = &arena, .http = &http};
    api_answer(&call);
    ASSERT(http.status >= 200 && http.status < 600);
    JsonValue answer;
    bool json = http.body.len && http.body.ptr[0] == '{';
    if (json) ASSERT(!json_parse(&arena, buf_str(&http.body), 0, &answer, NULL, NULL));
    ASSERT(!inbox_commit(watch_inbox(api.watch), NULL));
    buf_free(&http.body);
    buf_free(&packed);
    buf_free(&shown);
    arena_clear(&arena);
    return 0;
}
