#include "state/rocks_api.h"

#include <pthread.h>
#include <stdlib.h>

#include "os/library.h"

// The library's name ends in its version, of which every system has another. The first is the one
// that the tests run with, and that messages speak of.
static const char *const NAMES[] = {
    "librocksdb.so.7.8",  "librocksdb.so.8.9",  "librocksdb.so.9.10",
    "librocksdb.so.6.11", "librocksdb.so.10",   "librocksdb.so",
};

#define ROCKS_NAME(result, name, args) "rocksdb_" #name,
static const char *const SYMBOLS[] = {ROCKS_CALLS(ROCKS_NAME)};
#undef ROCKS_NAME

static RocksApi api;
static Status status;
static Error error;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static Status load(const char *file, Error *err) {
    Library library = {
        .file = file, .purpose = "'state.backend.type' = 'rocksdb'", .package = "librocksdb7.8",
        .symbol = SYMBOLS, .functions = &api, .count = sizeof SYMBOLS / sizeof *SYMBOLS,
    };
    return library_load(&library, err);
}

static void load_once(void) {
    // For a library in a place of its own, and to see what a system without one is told.
    const char *given = getenv("WEIR_ROCKSDB");
    status = load(given ? given : NAMES[0], &error);
    for (size_t i = 1; i < sizeof NAMES / sizeof *NAMES && status && !given; i++) {
        if (!load(NAMES[i], NULL)) status = ST_OK;
    }
    if (status)
        error_hint(&error, "apt install librocksdb7.8, or SET 'state.backend.type' = 'hashmap'");
}

Status rocks_api(const RocksApi **out, Error *err) {
    (void)pthread_once(&once, load_once);
    *out = &api;
    if (status && err) *err = error;
    return status;
}
