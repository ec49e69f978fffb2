// server/watch_api.h - the watch over HTTP: /v1/platforms, /v1/metrics, points, history, labels,
// alarms. docs/watch-platform.md is its reference.
//
// Whoever registers platforms shows the administrator's token, a platform its own, as
// "Authorization: Bearer TOKEN" or X-AUTH-TOKEN. Points are answered when they are durable: those
// of requests that come together share one sync.
#pragma once

#include "watch/watch.h"

typedef struct WatchApi WatchApi;

typedef struct WatchApiSettings {
    Watch *watch;
    const char *host;
    uint16_t port;
    uint32_t threads;
    size_t body_max;   // bytes of a request; 0: 64 MiB
    Str token;         // the administrator's; empty: platforms may be made by anybody
} WatchApiSettings;

NODISCARD Status watch_api_start(const WatchApiSettings *settings, WatchApi **out, Error *err);
uint16_t watch_api_port(const WatchApi *api);
void watch_api_stop(WatchApi *api);  // answers what has come first; NULL is fine
