// server/serve_model.h - models over HTTP: POST /v1/models/NAME:predict, as TensorFlow Serving has
// it. `weir serve-model` is this and no more.
#pragma once

#include "base/text.h"

typedef struct ModelServer ModelServer;

typedef struct ServeSettings {
    const char *const *source;  // folders, files, or NAME=FILE
    uint32_t source_count;
    const char *host;
    uint16_t port;
    uint32_t threads;
    size_t body_max;        // bytes of a request; 0: 16 MiB
    uint32_t rows_max;      // of a request; 0: 65536
    Str token;              // what X-AUTH-TOKEN must say; empty: nothing is asked
    void (*say)(void *arg, const char *line);  // what happens, a line each; any thread
    void *arg;
} ServeSettings;

// Loads the models and serves. ST_VALIDATION when a source is no model, or a folder has none.
NODISCARD Status model_server_start(const ServeSettings *settings, ModelServer **out, Error *err);
uint16_t model_server_port(const ModelServer *server);
uint32_t model_server_models(const ModelServer *server);
// Takes over files that have changed, come or gone. A file that cannot be read leaves the model
// that was there in service. By one thread, now and then.
void model_server_refresh(ModelServer *server);
void model_server_stop(ModelServer *server);  // answers what has come first; NULL is fine
