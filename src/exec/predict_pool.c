// Threads that ask a model elsewhere, each with a connection of its own; requests are taken in the
// order they came. One lock guards the line and the done flags.
#include <pthread.h>
#include <time.h>

#include "exec/predict.h"
#include "os/os.h"

enum { THREADS_MAX = 32 };

typedef struct Asker {
    PredictPool *pool;
    Predictor *predictor;
    pthread_t thread;
    bool started, at_work, refresh;
} Asker;

struct PredictPool {
    const PredictSpec *spec;
    uint32_t threads;
    Asker asker[THREADS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t work, answer;
    PredictRequest *first, *last;  // waiting for a thread
    bool closing;
};

static void answer(Asker *self, bool refresh, PredictRequest *request) {
    Predictor *predictor = self->predictor;
    request->status = ST_OK;
    if (refresh && predictor->vt->refresh) {
        request->status = predictor->vt->refresh(predictor, &request->error);
    }
    if (request->status) return;
    int64_t begun_ns = os_monotonic_ns();
    request->status = predictor->vt->predict(predictor, request->feature, request->in->rows,
                                             &request->out->arena, request->answer,
                                             &request->error);
    request->took_ns = os_monotonic_ns() - begun_ns;
}

static void *help(void *arg) {
    Asker *self = arg;
    PredictPool *pool = self->pool;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->first && !pool->closing) (void)pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->closing) break;
        PredictRequest *request = pool->first;
        pool->first = request->next;
        if (!pool->first) pool->last = NULL;
        bool refresh = self->refresh;
        self->refresh = false;
        self->at_work = true;
        (void)pthread_mutex_unlock(&pool->lock);
        answer(self, refresh, request);
        (void)pthread_mutex_lock(&pool->lock);
        self->at_work = false;
        request->done = true;
        (void)pthread_cond_broadcast(&pool->answer);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

Status predict_pool_open(const PredictSpec *spec, PredictPool **out, Error *err) {
    PredictPool *self = *out = NEW(PredictPool);
    self->spec = spec;
    self->threads = spec->at_a_time < THREADS_MAX ? spec->at_a_time : THREADS_MAX;
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_cond_init(&self->work, NULL);
    (void)pthread_cond_init(&self->answer, NULL);
    for (uint32_t i = 0; i < self->threads; i++) {
        Asker *asker = &self->asker[i];
        asker->pool = self;
        TRY(spec->provider->open(spec->model, &asker->predictor, err));
        if (pthread_create(&asker->thread, NULL, help, asker)) {
            return error_set(err, ST_IO, "no thread to ask the model could be made");
        }
        asker->started = true;
    }
    return ST_OK;
}

void predict_pool_close(PredictPool *self) {
    if (!self) return;
    (void)pthread_mutex_lock(&self->lock);
    self->closing = true;
    for (uint32_t i = 0; i < self->threads; i++) {
        Predictor *predictor = self->asker[i].predictor;
        if (self->asker[i].at_work && predictor->vt->cancel) predictor->vt->cancel(predictor);
    }
    (void)pthread_cond_broadcast(&self->work);
    (void)pthread_mutex_unlock(&self->lock);
    for (uint32_t i = 0; i < self->threads; i++) {
        Asker *asker = &self->asker[i];
        if (asker->started) (void)pthread_join(asker->thread, NULL);
        if (asker->predictor) asker->predictor->vt->close(asker->predictor);
    }
    (void)pthread_mutex_destroy(&self->lock);
    (void)pthread_cond_destroy(&self->work);
    (void)pthread_cond_destroy(&self->answer);
    mem_free(self);
}

void predict_pool_submit(PredictPool *self, PredictRequest *request) {
    (void)pthread_mutex_lock(&self->lock);
    *(self->last ? &self->last->next : &self->first) = request;
    self->last = request;
    request->next = NULL;
    (void)pthread_cond_signal(&self->work);
    (void)pthread_mutex_unlock(&self->lock);
}

void predict_pool_refresh(PredictPool *self) {
    (void)pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < self->threads; i++) self->asker[i].refresh = true;
    (void)pthread_mutex_unlock(&self->lock);
}

Status predict_pool_done(PredictPool *self, PredictRequest *request, bool wait, bool *done,
                         Error *err) {
    int64_t until_ms = request->begun_ms + self->spec->timeout_ms;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    (void)pthread_mutex_lock(&self->lock);
    int late = 0;
    while (wait && !request->done && !late) {
        late = pthread_cond_timedwait(&self->answer, &self->lock, &until);
    }
    *done = request->done;
    (void)pthread_mutex_unlock(&self->lock);
    if (*done || (!wait && os_now_ms() < until_ms)) return ST_OK;
    (void)error_set(err, ST_RUNTIME,
                    "model '" STR_FMT "' took longer than its timeout of %lld ms",
                    STR_ARG(self->spec->model->name), (long long)self->spec->timeout_ms);
    error_hint(err, "raise 'timeout' in the CONFIG of ML_PREDICT, or "
                    "'table.exec.async-ml-predict.timeout'");
    return ST_RUNTIME;
}
