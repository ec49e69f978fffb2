// C11's threads and locks, on POSIX', for builds with the thread sanitizer alone. Its runtime sees
// pthread_create and pthread_mutex_lock, not glibc's thrd_create and mtx_lock, which call what
// lies beneath: a thread that began so (librdkafka's) has no place in its books and brings it down.
// The program's own symbols come before a library's, so these are the ones that librdkafka finds.
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mutex fits");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "a condition fits");

#define EXPORTED __attribute__((visibility("default")))

typedef struct Start {
    thrd_start_t func;
    void *arg;
} Start;

static void *run(void *arg) {
    Start start = *(Start *)arg;
    free(arg);
    return (void *)(intptr_t)start.func(start.arg);
}

static int result_of(int code) {
    if (!code) return thrd_success;
    if (code == ETIMEDOUT) return thrd_timedout;
    if (code == EBUSY) return thrd_busy;
    return code == ENOMEM ? thrd_nomem : thrd_error;
}

EXPORTED int thrd_create(thrd_t *thread, thrd_start_t func, void *arg) {
    Start *start = malloc(sizeof *start);
    if (!start) return thrd_nomem;
    *start = (Start){func, arg};
    int code = pthread_create(thread, NULL, run, start);
    if (code) free(start);
    return result_of(code);
}

EXPORTED int thrd_join(thrd_t thread, int *result) {
    void *value;
    int code = pthread_join(thread, &value);
    if (!code && result) *result = (int)(intptr_t)value;
    return result_of(code);
}

EXPORTED int thrd_detach(thrd_t thread) {
    return result_of(pthread_detach(thread));
}

EXPORTED int mtx_init(mtx_t *mutex, int type) {
    pthread_mutexattr_t attr;
    (void)pthread_mutexattr_init(&attr);
    if (type & mtx_recursive) (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    int code = pthread_mutex_init((pthread_mutex_t *)mutex, &attr);
    (void)pthread_mutexattr_destroy(&attr);
    return result_of(code);
}

EXPORTED void mtx_destroy(mtx_t *mutex) {
    (void)pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

EXPORTED int mtx_lock(mtx_t *mutex) {
    return result_of(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

EXPORTED int mtx_trylock(mtx_t *mutex) {
    return result_of(pthread_mutex_trylock((pthread_mutex_t *)mutex));
}

EXPORTED int mtx_unlock(mtx_t *mutex) {
    return result_of(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

EXPORTED int cnd_init(cnd_t *condition) {
    return result_of(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

EXPORTED void cnd_destroy(cnd_t *condition) {
    (void)pthread_cond_destroy((pthread_cond_t *)condition);
}

EXPORTED int cnd_signal(cnd_t *condition) {
    return result_of(pthread_cond_signal((pthread_cond_t *)condition));
}

EXPORTED int cnd_broadcast(cnd_t *condition) {
    return result_of(pthread_cond_broadcast((pthread_cond_t *)condition));
}

EXPORTED int cnd_wait(cnd_t *condition, mtx_t *mutex) {
    return result_of(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

EXPORTED int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
                           const struct timespec *restrict until) {
    return result_of(pthread_cond_timedwait((pthread_cond_t *)condition,
                                            (pthread_mutex_t *)mutex, until));
}
