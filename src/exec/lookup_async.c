// Threads that ask a connector while the worker goes on. Each has a connection of its own; requests
// are taken in the order they came. One lock guards the line and the done flags: a request is a
// whole batch, so that it is taken rarely.
#include <time.h>

#include "exec/lookup.h"

enum { THREADS_MAX = 8 };  // what a database gives one client gladly

typedef struct Helper {
    LookupPool *pool;
    LookupAsker *asker;
    pthread_t thread;
    bool started;
    LookupRequest *at_work;
} Helper;

struct LookupPool {
    const LookupHint *hint;
    uint32_t threads;
    Helper helper[THREADS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t work, answer;
    LookupRequest *first, *last;  // waiting for a thread
    bool closing;
};

static void answer(Helper *self, LookupRequest *request) {
    request->status = lookup_ask(self->asker, request->asked_key, request->asked,
                                 request->asked_count, &request->found, &request->error);
}

static void *help(void *arg) {
    Helper *self = arg;
    LookupPool *pool = self->pool;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->first && !pool->closing) (void)pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->closing) break;
        LookupRequest *request = self->at_work = pool->first;
        pool->first = request->next;
        if (!pool->first) pool->last = NULL;
        (void)pthread_mutex_unlock(&pool->lock);
        answer(self, request);
        (void)pthread_mutex_lock(&pool->lock);
        self->at_work = NULL;
        request->done = true;
        (void)pthread_cond_signal(&pool->answer);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

Status lookup_pool_open(const Plan *plan, const OpEnv *env, const LookupOptions *options,
                        LookupPool **out, Error *err) {
    LookupPool *self = *out = NEW(LookupPool);
    self->hint = &plan->lookup->hint;
    int64_t wanted = self->hint->capacity;
    self->threads = wanted < THREADS_MAX ? (uint32_t)wanted : THREADS_MAX;
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_cond_init(&self->work, NULL);
    (void)pthread_cond_init(&self->answer, NULL);
    for (uint32_t i = 0; i < self->threads; i++) {
        Helper *helper = &self->helper[i];
        helper->pool = self;
        TRY(lookup_asker_open(plan, env, options, &helper->asker, err));
        if (pthread_create(&helper->thread, NULL, help, helper)) {
            return error_set(err, ST_IO, "no thread for asynchronous lookups could be made");
        }
        helper->started = true;
    }
    return ST_OK;
}

void lookup_pool_close(LookupPool *self) {
    if (!self) return;
    (void)pthread_mutex_lock(&self->lock);
    self->closing = true;
    for (uint32_t i = 0; i < self->threads; i++) {
        if (self->helper[i].at_work) lookup_cancel(self->helper[i].asker);
    }
    (void)pthread_cond_broadcast(&self->work);
    (void)pthread_mutex_unlock(&self->lock);
    for (uint32_t i = 0; i < self->threads; i++) {
        if (self->helper[i].started) (void)pthread_join(self->helper[i].thread, NULL);
        lookup_asker_close(self->helper[i].asker);
    }
    (void)pthread_mutex_destroy(&self->lock);
    (void)pthread_cond_destroy(&self->work);
    (void)pthread_cond_destroy(&self->answer);
    mem_free(self);
}

void lookup_pool_submit(LookupPool *self, LookupRequest *request) {
    (void)pthread_mutex_lock(&self->lock);
    *(self->last ? &self->last->next : &self->first) = request;
    self->last = request;
    request->next = NULL;
    (void)pthread_cond_signal(&self->work);
    (void)pthread_mutex_unlock(&self->lock);
}

Status lookup_pool_done(LookupPool *self, LookupRequest *request, bool wait, bool *done,
                        Error *err) {
    int64_t until_ms = request->begun_ms + self->hint->timeout_ms;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    (void)pthread_mutex_lock(&self->lock);
    int late = 0;
    while (wait && !request->done && !late) {
        late = pthread_cond_timedwait(&self->answer, &self->lock, &until);
    }
    *done = request->done;
    (void)pthread_mutex_unlock(&self->lock);
    if (*done || (!wait && os_now_ms() < until_ms)) return ST_OK;
    (void)error_set(err, ST_RUNTIME, "a lookup took longer than its timeout of %lld ms",
                    (long long)self->hint->timeout_ms);
    error_hint(err, "raise 'timeout' in the LOOKUP hint or 'table.exec.async-lookup.timeout'");
    return ST_RUNTIME;
}
