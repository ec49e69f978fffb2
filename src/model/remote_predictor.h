// model/remote_predictor.h - what predictors that ask servers have in common: a request is written,
// sent and read; what fails ends the job or gives NULLs.
//
//     RemotePredictor *self = remote_predictor_new(desc, write, read);
//     self->request.… = …; remote_predictor_header(self, "…: %s", …);
//     return remote_predictor_open(self, &settings, out, err);
#pragma once

#include "base/json.h"
#include "model/remote.h"
#include "spi/model.h"

typedef struct RemotePredictor RemotePredictor;
// Appends the body that asks of rows [from, from + rows) to self->body, which is empty.
typedef void (*RemoteWrite)(RemotePredictor *self, Vec *const *in, uint32_t from, uint32_t rows);
// Fills rows [to, to + rows) of [out] by the JSON of an answer of 200.
typedef Status (*RemoteRead)(RemotePredictor *self, const JsonValue *answer, uint32_t rows,
                             Vec **out, uint32_t to, Error *err);

enum { REMOTE_HEADERS_MAX = 16 };

struct RemotePredictor {
    Predictor base;
    const ModelDesc *desc;
    Remote *remote;
    Arena arena;              // as long as the predictor
    RemoteRequest request;    // all but its body
    const char *header[REMOTE_HEADERS_MAX];
    RemoteWrite write;
    RemoteRead read;
    bool null_on_error;
    // Rows that are not asked for get NULLs; of requests of one row. NULL: there are none.
    bool (*skips)(const RemotePredictor *self, Vec *const *in, uint32_t row);
    bool zip;                 // the body goes as gzip
    _Atomic bool cancel;
    Buf body;
};

// With 'on-error', and the header Content-Type.
RemotePredictor *remote_predictor_new(const ModelDesc *desc, RemoteWrite write, RemoteRead read);
void remote_predictor_header(RemotePredictor *self, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Takes [self] over, also when it fails.
NODISCARD Status remote_predictor_open(RemotePredictor *self, const RemoteSettings *settings,
                                       Predictor **out, Error *err);
// Says that an answer is not what it should be.
Status remote_strange(const RemotePredictor *self, const char *what, const char *hint, Error *err);

// Checks of options: a number within bounds; texts that become lines of a request's head.
NODISCARD Status remote_check_count(const ModelDesc *desc, const char *key, int64_t least,
                                    int64_t most, Error *err);
NODISCARD Status remote_check_texts(const ModelDesc *desc, const char *const *key, Error *err);
