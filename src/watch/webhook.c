// Alarms to platforms' webhooks: POST with the message as JSON, in the order of the messages.
//
// What is to be delivered stands in the registry beside the alarms, written in their transaction,
// and goes when the other side has answered with 2xx. So a message may come twice and never not at
// all; (id, seq) tells. A webhook that does not answer is asked again after a second, then two, up
// to a minute, and holds nobody else up; what is a day old is given up, aloud.
//
// Threads: one of its own; http_exchange blocks.
#include "os/http.h"
#include "watch/watch_int.h"

enum {
    LOOK_MS = 200,
    TOGETHER = 100,          // messages taken from the registry at once
    WAIT_MIN_MS = 1000,
    WAIT_MAX_MS = 60000,
    GIVE_UP_MS = 24 * 3600 * 1000,
    ANSWER_MS = 5000,
    REPLY_MAX = 64 << 10,
};

// A webhook that has not answered.
typedef struct Silent {
    int64_t until_ms, wait_ms;
} Silent;

struct Webhooks {
    Watch *watch;
    OsThread *thread;
    OsMonitor monitor;
    _Atomic bool stopping;
    Map silent;  // by URL
};

static Status post(Webhooks *self, const WatchDelivery *delivery, Arena *arena, Error *err) {
    static const char *const HEADERS[] = {"Content-Type: application/json", "Expect:"};
    HttpReply reply = {0};
    HttpExchange exchange = {.method = "POST",
                             .url = str_cstr(arena, delivery->url),
                             .header = HEADERS,
                             .header_count = 2,
                             .body = delivery->message,
                             .reply_size_max = REPLY_MAX,
                             .connect_ms = ANSWER_MS,
                             .answer_ms = ANSWER_MS,
                             .cancel = &self->stopping};
    Status st = http_exchange(&exchange, &reply, err);
    if (!st && (reply.status < 200 || reply.status > 299)) {
        st = error_set(err, ST_CONNECT, "it answers %d", reply.status);
    }
    buf_free(&reply.body);
    return st;
}

// Waits twice as long as the last time.
static void is_silent(Webhooks *self, const WatchDelivery *delivery, const Error *err) {
    Silent *silent = map_get(&self->silent, delivery->url);
    if (!silent) {
        silent = NEW(Silent);
        (void)map_put(&self->silent, delivery->url, silent);
        watch_say(self->watch, "the webhook of platform '" STR_FMT "' is asked again: %s",
                  STR_ARG(delivery->platform), err->message);
    }
    silent->wait_ms = silent->wait_ms ? silent->wait_ms * 2 : WAIT_MIN_MS;
    if (silent->wait_ms > WAIT_MAX_MS) silent->wait_ms = WAIT_MAX_MS;
    silent->until_ms = os_now_ms() + silent->wait_ms;
}

static void deliver(Webhooks *self, const WatchDelivery *delivery, Arena *arena) {
    Error err = {0};
    const Silent *silent = map_get(&self->silent, delivery->url);
    bool old = os_now_ms() - delivery->made_ms > GIVE_UP_MS;
    if (silent && silent->until_ms > os_now_ms() && !old) return;
    Status st = old ? ST_OK : post(self, delivery, arena, &err);
    if (st) {
        is_silent(self, delivery, &err);
        return;
    }
    if (old) {
        watch_say(self->watch, "alarm '" STR_FMT "' (%lld) is a day old and is not delivered",
                  STR_ARG(delivery->id), (long long)delivery->seq);
    } else {
        mem_free(map_remove(&self->silent, delivery->url));
    }
    st = roster_delivered(self->watch->roster, delivery, &err);
    if (st) watch_say(self->watch, "%s", err.message);
}

static void run(void *arg) {
    Webhooks *self = arg;
    Arena arena = {0};
    while (!atomic_load(&self->stopping)) {
        WatchDelivery *delivery;
        uint32_t count;
        Error err = {0};
        arena_reset(&arena);
        if (roster_deliveries(self->watch->roster, TOGETHER, &arena, &delivery, &count, &err)) {
            watch_say(self->watch, "%s", err.message);
            count = 0;
        }
        for (uint32_t i = 0; i < count && !atomic_load(&self->stopping); i++) {
            deliver(self, &delivery[i], &arena);
        }
        os_lock(&self->monitor);
        if (!atomic_load(&self->stopping)) os_wait(&self->monitor, LOOK_MS);
        os_unlock(&self->monitor);
    }
    arena_clear(&arena);
}

Status webhooks_start(Watch *watch, Webhooks **out, Error *err) {
    Webhooks *self = NEW(Webhooks);
    self->watch = watch;
    os()->monitor_init(&self->monitor);
    Status st = os()->thread_start(run, self, &self->thread, err);
    if (st) {
        webhooks_stop(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void webhooks_stop(Webhooks *self) {
    if (!self) return;
    os_lock(&self->monitor);
    atomic_store(&self->stopping, true);
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
    os()->thread_join(self->thread);
    for (uint32_t i = 0; i < self->silent.count; i++) mem_free(self->silent.entry[i].value);
    map_clear(&self->silent);
    os()->monitor_clear(&self->monitor);
    mem_free(self);
}
