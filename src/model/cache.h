// model/cache.h - models that are loaded, each once for the whole process however many workers,
// queries and servers use it.
#pragma once

#include "ml/model.h"

// A loaded model, counted. Immutable; any thread.
typedef struct CachedModel {
    const MlModel *model;
    Str path;            // of the file or folder that it was read from
    uint64_t version;    // 1, 2, … in the order of loading in this process
    // The rest is the cache's.
    struct CachedModel *next;
    uint32_t readers;
    Str format;
    int64_t modified_ms, size;
} CachedModel;

// The model at [path] as it is now: read unless that very file has been read already. [format] as
// for ml_load.
NODISCARD Status model_cache_get(Str path, const char *format, CachedModel **out, Error *err);
// Whether the file has changed since [model] was read.
bool model_cache_stale(const CachedModel *model);
CachedModel *model_cache_ref(CachedModel *model);  // one more reader; returns its argument
void model_cache_put(CachedModel *model);  // gives it back; NULL is fine
