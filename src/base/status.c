#include "base/status.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *stage, *sqlstate;
    bool retryable;
} STATUSES[ST_COUNT_] = {
    [ST_OK] = {"", "00000", false},
    [ST_PARSE] = {"parse", "42601", false},
    [ST_VALIDATION] = {"validation", "42000", false},
    [ST_UNSUPPORTED] = {"validation", "0A000", false},
    [ST_RUNTIME] = {"runtime", "22000", false},
    [ST_OVER_BUDGET] = {"runtime", "53200", true},
    [ST_IO] = {"runtime", "58030", true},
    [ST_CONNECT] = {"runtime", "08006", true},
    [ST_CANCELLED] = {"runtime", "57014", false},
    [ST_END] = {"runtime", "02000", false},
    [ST_USAGE] = {"validation", "08P01", false},
    [ST_INTERNAL] = {"runtime", "XX000", false},
};

const char *status_stage(Status status) {
    return STATUSES[status].stage;
}
const char *status_sqlstate(Status status) {
    return STATUSES[status].sqlstate;
}
bool status_retryable(Status status) {
    return STATUSES[status].retryable;
}

static void error_fill(Error *err, Status status, const char *fmt, va_list args)
    PRINTF_LIKE(3, 0);
static void error_fill(Error *err, Status status, const char *fmt, va_list args) {
    *err = (Error){.status = status};
    (void)vsnprintf(err->message, sizeof err->message, fmt, args);
}

Status error_set(Error *err, Status status, const char *fmt, ...) {
    if (err) {
        va_list args;
        va_start(args, fmt);
        error_fill(err, status, fmt, args);
        va_end(args);
    }
    return status;
}

Status error_at(Error *err, Status status, Place place, const char *fmt, ...) {
    if (err) {
        va_list args;
        va_start(args, fmt);
        error_fill(err, status, fmt, args);
        va_end(args);
        err->place = place;
    }
    return status;
}

void error_hint(Error *err, const char *fmt, ...) {
    if (!err) return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err->hint, sizeof err->hint, fmt, args);
    va_end(args);
}

void error_while(Error *err, const char *fmt, ...) {
    if (!err) return;
    char told[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(told, sizeof told, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof told - 3) return;  // the cause matters more than the frame
    size_t room = sizeof told - (size_t)len - 3, size = strlen(err->message);
    if (size > room) size = room;
    memcpy(told + len, ": ", 2);
    memcpy(told + len + 2, err->message, size);
    told[(size_t)len + 2 + size] = 0;
    memcpy(err->message, told, sizeof told);
}

void error_place(Error *err, Place place) {
    if (err && !err->place.line) err->place = place;
}
