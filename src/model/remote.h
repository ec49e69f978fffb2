// model/remote.h - servers that are asked over HTTP: which one is asked next, when again, and which
// is left alone for a while.
//
// The servers that an option names are shared by all who ask them in this process: so it is known
// how many requests each has at hand, and one that does not answer is found out once. Any thread;
// asking blocks.
//
// A host name with several addresses is as many servers: each has its own requests at hand, its own
// failures and its own rest. Names are looked up again every half minute, and when nobody answers.
#pragma once

#include "os/http.h"

typedef struct Remote Remote;

typedef struct RemoteSettings {
    const char *endpoints;   // "http://a:8501,http://b:8501": what paths are put behind
    const char *option;      // that said so, for messages
    uint32_t in_flight_max;  // requests at a time, of all who ask; more of them wait
    uint32_t failures_max;   // in a row, after which a server is left alone …
    int64_t pause_ms;        // … for so long, and asked for its health before it is asked again
    const char *health_path; // what is GET then; NULL: nothing
} RemoteSettings;

typedef struct RemoteRequest {
    const char *path;           // behind an endpoint; may be ""
    const char *const *header;  // "Name: value"
    uint32_t header_count;
    Str body;
    uint32_t tries_max;         // at least 1
    int64_t connect_ms, answer_ms, pause_ms;  // the last between tries, doubled for each
    const _Atomic bool *cancel;
} RemoteRequest;

// Whether a list of servers can be read, without asking any.
NODISCARD Status remote_check(const char *endpoints, const char *option, Error *err);
// The servers of these settings, shared. ST_VALIDATION names the option and what is wrong.
NODISCARD Status remote_get(const RemoteSettings *settings, Remote **out, Error *err);
void remote_put(Remote *remote);  // NULL is fine
// How often each server was asked, and in vain, as members of a JSON array.
void remote_figures(Remote *remote, Buf *out);

// POSTs to the server that has the least at hand, and to others when no answer comes or one that
// may be better the next time (429, 5xx). ST_OK: an answer, whatever it says; ST_CONNECT: none came
// in all tries; the last one's message. *reply is to be freed, whatever comes out.
NODISCARD Status remote_post(Remote *remote, const RemoteRequest *request, HttpReply *reply,
                             Error *err);
