#include "os/library.h"

#include <dlfcn.h>
#include <pthread.h>

static Status load(Library *self, Error *err) {
    void *handle = dlopen(self->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        (void)error_set(err, ST_IO, "%s needs %s, which cannot be loaded: %s", self->purpose,
                        self->file, dlerror());
        error_hint(err, "apt install %s", self->package);
        return ST_IO;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        void *function = dlsym(handle, self->symbol[i]);
        if (!function) {
            (void)error_set(err, ST_IO, "%s needs a newer %s: this one has no function '%s'",
                            self->purpose, self->file, self->symbol[i]);
            error_hint(err, "apt install %s", self->package);
            (void)dlclose(handle);
            return ST_IO;
        }
        // A pointer to a function and one to an object have the same form: POSIX says so of dlsym.
        memcpy((char *)self->functions + i * sizeof function, &function, sizeof function);
    }
    self->loaded = true;
    return ST_OK;
}

Status library_load(Library *self, Error *err) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&lock);
    Status st = self->loaded ? ST_OK : load(self, err);
    (void)pthread_mutex_unlock(&lock);
    return st;
}
