// model/cache.c - a list under one lock: models are few and asked for rarely. A model is read
// outside of the lock, so that a large one holds nobody up; should two threads read the same, one
// of the two copies goes.
#include "model/cache.h"

#include "os/os.h"

static struct {
    OsMonitor monitor;
    pthread_once_t once;
    CachedModel *first;
    uint64_t loads;
} cache = {.once = PTHREAD_ONCE_INIT};

static void cache_begin(void) {
    os()->monitor_init(&cache.monitor);
}

// A folder's stamp is that of its newest entry: what is inside may be replaced in place.
typedef struct Stamp {
    Str folder;
    int64_t modified_ms, size;
} Stamp;

static Status look_at(Str path, Stamp *out, Error *err);

static Status stamp_entry(void *arg, Str name, Error *err) {
    Stamp *stamp = arg;
    Stamp inner;
    Buf path = {0};
    buf_printf(&path, STR_FMT "/" STR_FMT, STR_ARG(stamp->folder), STR_ARG(name));
    Status st = look_at(buf_str(&path), &inner, err);
    buf_free(&path);
    TRY(st);
    if (inner.modified_ms > stamp->modified_ms) stamp->modified_ms = inner.modified_ms;
    stamp->size += inner.size;
    return ST_OK;
}

static Status look_at(Str path, Stamp *out, Error *err) {
    OsStat info;
    *out = (Stamp){.folder = path};
    TRY(os()->stat(path, &info, err));
    if (!info.exists) {
        return error_set(err, ST_VALIDATION, "there is no model file " STR_FMT, STR_ARG(path));
    }
    out->modified_ms = info.modified_ms;
    if (info.is_dir) return os()->list(path, stamp_entry, out, err);
    out->size = info.size;
    return ST_OK;
}

static CachedModel *find(Str path, Str format, const Stamp *stamp) {
    for (CachedModel *at = cache.first; at; at = at->next) {
        if (at->modified_ms == stamp->modified_ms && at->size == stamp->size &&
            str_eq(at->path, path) && str_eq(at->format, format)) {
            at->readers++;
            return at;
        }
    }
    return NULL;
}

static void drop(CachedModel *model) {
    ml_free((MlModel *)(uintptr_t)model->model);
    mem_free((void *)(uintptr_t)model->path.ptr);
    mem_free((void *)(uintptr_t)model->format.ptr);
    mem_free(model);
}

Status model_cache_get(Str path, const char *format, CachedModel **out, Error *err) {
    (void)pthread_once(&cache.once, cache_begin);
    Stamp stamp;
    *out = NULL;
    TRY(look_at(path, &stamp, err));
    os_lock(&cache.monitor);
    *out = find(path, str_c(format), &stamp);
    os_unlock(&cache.monitor);
    if (*out) return ST_OK;
    MlModel *model;
    TRY(ml_load(path, format, &model, err));
    CachedModel *made = NEW(CachedModel);
    *made = (CachedModel){.model = model, .path = str_make(str_own(path), path.len),
                          .format = str_c(str_own(str_c(format))),
                          .readers = 1, .modified_ms = stamp.modified_ms, .size = stamp.size};
    os_lock(&cache.monitor);
    *out = find(path, str_c(format), &stamp);
    if (!*out) {
        made->version = ++cache.loads;
        made->next = cache.first;
        cache.first = *out = made;
    }
    os_unlock(&cache.monitor);
    if (*out != made) drop(made);
    return ST_OK;
}

bool model_cache_stale(const CachedModel *model) {
    Stamp stamp;
    if (look_at(model->path, &stamp, NULL))
        return false;  // it is being replaced, or gone: the old one serves
    return stamp.modified_ms != model->modified_ms || stamp.size != model->size;
}

CachedModel *model_cache_ref(CachedModel *model) {
    os_lock(&cache.monitor);
    model->readers++;
    os_unlock(&cache.monitor);
    return model;
}

void model_cache_put(CachedModel *model) {
    if (!model) return;
    os_lock(&cache.monitor);
    bool last = --model->readers == 0;
    for (CachedModel **at = &cache.first; last && *at; at = &(*at)->next) {
        if (*at == model) {
            *at = model->next;
            break;
        }
    }
    os_unlock(&cache.monitor);
    if (last) drop(model);
}
