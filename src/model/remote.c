#include "model/remote.h"

#include <stdio.h>

#include "base/json.h"
#include "os/address.h"
#include "os/os.h"

enum { NAMES_MAX = 64, ENDPOINTS_MAX = 256, LOOK_UP_MS = 30000 };
enum { REPLY_MAX = 64 << 20, HEALTH_MS = 2000, PAUSE_MOST_MS = 10000 };

typedef struct Endpoint {
    const char *base;       // without a slash at its end
    char address[ADDRESS_MAX];  // of several of that name; "": the name says it all
    bool gone;              // the name no longer has that address
    uint32_t at_hand;       // requests under way
    uint32_t failures;      // in a row
    uint64_t asked, failed;
    int64_t rests_until_ms; // monotonic
    bool probed;            // somebody looks whether it is well again
} Endpoint;

struct Remote {
    char *endpoints;        // owned; what it is known by
    RemoteSettings settings;
    char *name[NAMES_MAX];  // owned: the endpoints as they were given
    uint32_t names;
    Endpoint endpoint[ENDPOINTS_MAX];  // their addresses; never removed: requests point to them
    uint32_t count, at_hand, users;
    bool looking;           // somebody looks the names up
    int64_t look_ms;        // when they are to be looked up again
    OsMonitor monitor;      // of all below the settings
    Remote *next;
};

static struct {
    OsMonitor monitor;
    pthread_once_t once;
    Remote *first;
} remotes = {.once = PTHREAD_ONCE_INIT};

static void remotes_begin(void) {
    os()->monitor_init(&remotes.monitor);
}

static int64_t now_ms(void) {
    return os()->monotonic_ns() / 1000000;
}

// ---- which there are ---------------------------------------------------------------------------

static Status bad_endpoint(const RemoteSettings *settings, Str what, Error *err) {
    (void)error_set(err, ST_VALIDATION, "'%s': '" STR_FMT "' is no address of a server",
                    settings->option, STR_ARG(what));
    error_hint(err, "it should be 'http://host:port', several with commas between");
    return ST_VALIDATION;
}

static Status read_endpoints(Remote *self, Error *err) {
    Str list = str_c(self->endpoints);
    while (list.len) {
        int64_t comma = str_find(list, STR(","), 0);
        Str one = comma < 0 ? list : str_sub(list, 0, (uint32_t)comma);
        list = comma < 0 ? (Str){0} : str_sub(list, (uint32_t)comma + 1, list.len);
        one = str_trim(one);
        if (!one.len) continue;
        if (!str_starts(one, STR("http://")) && !str_starts(one, STR("https://"))) {
            return bad_endpoint(&self->settings, one, err);
        }
        while (one.ptr[one.len - 1] == '/') one.len--;
        if (self->names == NAMES_MAX || str_find(one, STR("//"), 0) + 2 >= (int64_t)one.len) {
            return bad_endpoint(&self->settings, one, err);
        }
        self->name[self->names++] = str_own(one);
    }
    return self->names ? ST_OK : bad_endpoint(&self->settings, STR(""), err);
}

static bool is_at(const Endpoint *one, const char *base, const char *address) {
    return one->base == base && !strcmp(one->address, address);
}

static void have_endpoint(Remote *self, const char *base, const char *address) {
    for (uint32_t i = 0; i < self->count; i++) {
        if (!is_at(&self->endpoint[i], base, address)) continue;
        self->endpoint[i].gone = false;
        return;
    }
    if (self->count == ENDPOINTS_MAX) return;
    Endpoint *one = &self->endpoint[self->count++];
    *one = (Endpoint){.base = base};
    (void)snprintf(one->address, sizeof one->address, "%s", address);
}

// The addresses of all names, as they are now. Under the lock, which is given up while others are
// asked for them. A name that nobody knows now keeps what it had.
static void look_up(Remote *self) {
    enum { EACH_MAX = 16 };
    char address[EACH_MAX][ADDRESS_MAX];
    self->looking = true;
    for (uint32_t n = 0; n < self->names; n++) {
        const char *base = self->name[n];
        os_unlock(&self->monitor);
        uint32_t count = address_list(base, address, EACH_MAX);
        os_lock(&self->monitor);
        bool known = false;
        for (uint32_t i = 0; i < self->count; i++) known |= self->endpoint[i].base == base;
        if (!count && known) continue;
        for (uint32_t i = 0; i < self->count; i++) {
            if (self->endpoint[i].base == base) self->endpoint[i].gone = true;
        }
        for (uint32_t i = 0; i < count && count > 1; i++) have_endpoint(self, base, address[i]);
        if (count < 2) have_endpoint(self, base, "");
    }
    self->looking = false;
    self->look_ms = now_ms() + LOOK_UP_MS;
    os_tell(&self->monitor);
}

static void drop(Remote *self) {
    for (uint32_t i = 0; i < self->names; i++) mem_free(self->name[i]);
    mem_free(self->endpoints);
    mem_free((void *)(uintptr_t)self->settings.health_path);
    os()->monitor_clear(&self->monitor);
    mem_free(self);
}

Status remote_check(const char *endpoints, const char *option, Error *err) {
    Remote *self = NEW(Remote);
    os()->monitor_init(&self->monitor);
    self->settings.option = option;
    self->endpoints = mem_strdup(endpoints);
    Status st = read_endpoints(self, err);
    drop(self);
    return st;
}

Status remote_get(const RemoteSettings *settings, Remote **out, Error *err) {
    (void)pthread_once(&remotes.once, remotes_begin);
    Status st = ST_OK;
    os_lock(&remotes.monitor);
    Remote *self = remotes.first;
    while (self && strcmp(self->endpoints, settings->endpoints) != 0) self = self->next;
    if (!self) {
        self = NEW(Remote);
        os()->monitor_init(&self->monitor);
        self->settings = *settings;
        self->settings.health_path =
            settings->health_path ? mem_strdup(settings->health_path) : NULL;
        self->endpoints = mem_strdup(settings->endpoints);
        st = read_endpoints(self, err);
        if (st) {
            drop(self);
        } else {
            self->next = remotes.first;
            remotes.first = self;
        }
    }
    if (!st) {
        self->users++;
        *out = self;
    }
    os_unlock(&remotes.monitor);
    return st;
}

void remote_put(Remote *self) {
    if (!self) return;
    os_lock(&remotes.monitor);
    bool last = --self->users == 0;
    for (Remote **at = &remotes.first; last && *at; at = &(*at)->next) {
        if (*at == self) {
            *at = self->next;
            break;
        }
    }
    os_unlock(&remotes.monitor);
    if (last) drop(self);
}

// ---- which is asked ----------------------------------------------------------------------------

static bool is_better(const Endpoint *a, const Endpoint *b) {
    if (!b) return true;
    return a->at_hand != b->at_hand ? a->at_hand < b->at_hand : a->asked < b->asked;
}

// The one with the least at hand among those that do not rest; [not]: the last one that failed, if
// there is another. NULL: all rest, until *until_ms. Under the lock.
static Endpoint *choose(Remote *self, const Endpoint *not, int64_t *until_ms) {
    Endpoint *best = NULL, *second = NULL;
    int64_t now = now_ms();
    *until_ms = INT64_MAX;
    for (uint32_t i = 0; i < self->count; i++) {
        Endpoint *one = &self->endpoint[i];
        if (one->gone) continue;
        if (one->rests_until_ms > now || one->probed) {
            int64_t until = one->probed ? now + HEALTH_MS : one->rests_until_ms;
            if (until < *until_ms) *until_ms = until;
            continue;
        }
        if (one == not) second = one;
        else if (is_better(one, best)) best = one;
    }
    return best ? best : second;
}

static void note_failure(Remote *self, Endpoint *one) {
    one->failures++;
    one->failed++;
    if (one->failures >= self->settings.failures_max) {
        one->rests_until_ms = now_ms() + self->settings.pause_ms;
    }
}

// Whether a server that has rested may be asked again.
static bool is_well(Remote *self, const Endpoint *one, const RemoteRequest *request) {
    if (!self->settings.health_path) return true;
    Arena arena = {0};
    HttpReply reply = {0};
    HttpExchange exchange = {.method = "GET",
                             .url = arena_printf(&arena, "%s%s", one->base,
                                                 self->settings.health_path),
                             .address = one->address[0] ? one->address : NULL,
                             .header = request->header, .header_count = request->header_count,
                             .reply_size_max = REPLY_MAX, .connect_ms = HEALTH_MS,
                             .answer_ms = HEALTH_MS, .cancel = request->cancel};
    Status st = http_exchange(&exchange, &reply, NULL);
    bool well = !st && reply.status < 500;
    buf_free(&reply.body);
    arena_clear(&arena);
    return well;
}

static bool cancelled(const RemoteRequest *request) {
    return request->cancel && atomic_load(request->cancel);
}

// Takes a place in flight at a server, and tells how many there are; NULL: none can be asked in
// time, or it is cancelled.
static Endpoint *begin(Remote *self, const RemoteRequest *request, const Endpoint *not,
                       uint32_t *servers) {
    enum { LOOK_MS = 100 };  // nobody tells of a cancel
    int64_t patience = now_ms() + request->answer_ms;
    Endpoint *one = NULL;
    os_lock(&self->monitor);
    while (!one && !cancelled(request) && now_ms() < patience) {
        int64_t until;
        if (self->at_hand >= self->settings.in_flight_max) {
            os_wait(&self->monitor, LOOK_MS);
            continue;
        }
        if (!self->looking && now_ms() >= self->look_ms) look_up(self);
        one = choose(self, not, &until);
        if (!one) {
            int64_t ms = until - now_ms();
            os_wait(&self->monitor, ms < 1 ? 1 : ms < LOOK_MS ? ms : LOOK_MS);
            continue;
        }
        if (one->failures >= self->settings.failures_max) {
            one->probed = true;
            os_unlock(&self->monitor);
            bool well = is_well(self, one, request);
            os_lock(&self->monitor);
            one->probed = false;
            if (well) {
                one->failures = self->settings.failures_max - 1;  // one more is enough
            } else {
                note_failure(self, one);
                one = NULL;
            }
        }
    }
    if (one) {
        one->at_hand++;
        one->asked++;
        self->at_hand++;
    }
    *servers = self->count;
    os_unlock(&self->monitor);
    return one;
}

static void end(Remote *self, Endpoint *one, bool failed) {
    os_lock(&self->monitor);
    one->at_hand--;
    self->at_hand--;
    if (failed) note_failure(self, one);
    else one->failures = 0;
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
}

static bool is_passing(int status) {
    return status >= 500 || status == 429 || status == 408;
}

static Status none_there(Remote *self, const RemoteRequest *request, Error *err) {
    if (cancelled(request)) return error_set(err, ST_CANCELLED, "cancelled");
    (void)error_set(err, ST_CONNECT, "none of the servers of '%s' answers: %s",
                    self->settings.option, self->endpoints);
    error_hint(err, "they are asked again when they have rested");
    return ST_CONNECT;
}

Status remote_post(Remote *self, const RemoteRequest *request, HttpReply *reply, Error *err) {
    int64_t pause_ms = request->pause_ms;
    Endpoint *one = NULL;
    uint32_t servers = self->names;
    Status st = ST_CONNECT;
    *reply = (HttpReply){0};
    for (uint32_t tries = 0; tries < request->tries_max; tries++) {
        // At once while there are others; then later and later, not all at the same moment.
        if (tries >= servers && pause_ms > 0) {
            os()->sleep_ms(pause_ms / 2 + (int64_t)(os()->random() % (uint64_t)pause_ms));
            pause_ms = pause_ms * 2 < PAUSE_MOST_MS ? pause_ms * 2 : PAUSE_MOST_MS;
        }
        Endpoint *next = begin(self, request, one, &servers);
        if (!next) return st && tries ? st : none_there(self, request, err);
        one = next;
        Buf url = {0};
        buf_printf(&url, "%s%s", one->base, request->path);
        HttpExchange exchange = {.method = "POST", .url = buf_cstr(&url),
                                 .address = one->address[0] ? one->address : NULL,
                                 .header = request->header, .header_count = request->header_count,
                                 .body = request->body, .reply_size_max = REPLY_MAX,
                                 .connect_ms = request->connect_ms,
                                 .answer_ms = request->answer_ms, .cancel = request->cancel};
        buf_free(&reply->body);
        *reply = (HttpReply){0};
        st = http_exchange(&exchange, reply, err);
        buf_free(&url);
        // That a request cannot be answered says nothing of the server; that it is too busy does.
        bool failed = (st && st != ST_CANCELLED) || (reply->status > 500 && reply->status < 600);
        end(self, one, failed);
        if (st ? st != ST_CONNECT : !is_passing(reply->status)) return st;
    }
    return st;
}

void remote_figures(Remote *self, Buf *out) {
    os_lock(&self->monitor);
    for (uint32_t i = 0; i < self->count; i++) {
        const Endpoint *one = &self->endpoint[i];
        buf_puts(out, i ? ",{\"server\":" : "{\"server\":");
        json_print_text(str_c(one->base), 0, out);
        if (one->address[0]) buf_printf(out, ",\"address\":\"%s\"", one->address);
        buf_printf(out, ",\"asked\":%llu,\"failed\":%llu}", (unsigned long long)one->asked,
                   (unsigned long long)one->failed);
    }
    os_unlock(&self->monitor);
}
