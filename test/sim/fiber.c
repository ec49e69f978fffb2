// Threads that take turns. Each has a stack of its own; one runs until it waits or gives way, and
// then chance picks the next among those that can go on. Some are made slow for a while, so that
// orders come up that even odds would hardly ever give. When all wait, the clock moves to the first
// instant at which somebody need not wait any longer.
#include <sys/mman.h>
#include <ucontext.h>

#include "base/assert.h"
#include "base/sanitizer.h"
#include "world.h"

#if SANITIZED_ADDRESS
#include <sanitizer/common_interface_defs.h>
#endif

enum { FIBERS_MAX = 256, STACK_SIZE = 1 << 20, LUCK_TURNS = 64 };
static const uint64_t TURNS_MAX = 2000000;  // of one life; the longest honest ones take some 50,000

typedef enum FiberState {
    FIBER_READY,
    FIBER_LOCKING,   // until [monitor] is free
    FIBER_LISTENING, // until [monitor] has news, or it is [until_ns]
    FIBER_SLEEPING,  // until [until_ns]
    FIBER_JOINING,   // until [joined] is done
    FIBER_DONE,
} FiberState;

struct OsThread {
    ucontext_t context;
    char *stack;
    void (*run)(void *arg);
    void *arg;
    FiberState state;
    OsMonitor *monitor;
    uint64_t news;
    int64_t until_ns;
    OsThread *joined;
    uint32_t number;
    uint32_t luck;     // its share of the turns
    void *fake_stack;  // of the address sanitizer
};

static struct {
    ucontext_t host;
    void *host_fake_stack;
    const void *host_stack;
    size_t host_stack_size;
    OsThread *fiber[FIBERS_MAX];  // those that are not joined yet
    uint32_t count, started;
    OsThread *at;                 // who runs
    uint64_t turns;
    bool stuck;
    char *spare[FIBERS_MAX];      // stacks
    uint32_t spares;
} self;

// ---- switching ---------------------------------------------------------------------------------

static void switch_begin(void **fake_stack, const void *stack, size_t size) {
#if SANITIZED_ADDRESS
    __sanitizer_start_switch_fiber(fake_stack, stack, size);
#else
    (void)fake_stack, (void)stack, (void)size;
#endif
}

static void switch_end(void *fake_stack, const void **from, size_t *size) {
#if SANITIZED_ADDRESS
    __sanitizer_finish_switch_fiber(fake_stack, from, size);
#else
    (void)fake_stack, (void)from, (void)size;
#endif
}

static void switch_to(OsThread *next) {
    OsThread *from = self.at;
    if (next == from) return;
    self.at = next;
    switch_begin(from->state == FIBER_DONE ? NULL : &from->fake_stack, next->stack, STACK_SIZE);
    (void)swapcontext(&from->context, &next->context);
    switch_end(from->fake_stack, NULL, NULL);
}

static void switch_to_host(void) {
    OsThread *from = self.at;
    switch_begin(NULL, self.host_stack, self.host_stack_size);
    (void)swapcontext(&from->context, &self.host);
    ASSERT(false);  // a fiber that has ended goes on
}

static bool can_run(const OsThread *fiber) {
    switch (fiber->state) {
        case FIBER_READY: return true;
        case FIBER_LOCKING: return !fiber->monitor->held;
        case FIBER_LISTENING:
            return !fiber->monitor->held && (fiber->monitor->news != fiber->news ||
                                             world.now_ns >= fiber->until_ns);
        case FIBER_SLEEPING: return world.now_ns >= fiber->until_ns;
        case FIBER_JOINING: return fiber->joined->state == FIBER_DONE;
        case FIBER_DONE: return false;
    }
    return false;
}

// Moves the clock to where the first of those who wait for it can run; false: there is none.
static bool pass_time(void) {
    int64_t until_ns = INT64_MAX;
    for (uint32_t i = 0; i < self.count; i++) {
        const OsThread *fiber = self.fiber[i];
        bool waits = fiber->state == FIBER_SLEEPING || fiber->state == FIBER_LISTENING;
        if (waits && fiber->until_ns < until_ns) until_ns = fiber->until_ns;
    }
    if (until_ns == INT64_MAX || until_ns <= world.now_ns) return false;
    world.now_ns = until_ns;
    return true;
}

static void draw_luck(void) {
    for (uint32_t i = 0; i < self.count; i++) {
        self.fiber[i]->luck = chance_below(4) ? 8 : 1;
    }
}

static OsThread *pick(void) {
    OsThread *ready[FIBERS_MAX];
    for (;;) {
        uint32_t count = 0;
        uint64_t luck = 0;
        for (uint32_t i = 0; i < self.count; i++) {
            if (!can_run(self.fiber[i])) continue;
            ready[count++] = self.fiber[i];
            luck += self.fiber[i]->luck;
        }
        uint64_t ball = chance_below(luck);
        for (uint32_t i = 0; i < count; i++) {
            if (ball < ready[i]->luck) return ready[i];
            ball -= ready[i]->luck;
        }
        if (!pass_time()) return NULL;
    }
}

// Somebody else's turn, maybe; back when the calling fiber can go on and it is its turn.
static void next_turn(void) {
    world.steps++;
    world.now_ns += 1000 + (int64_t)chance_below(chance_below(256) ? 100000 : 20000000);
    if (self.turns++ % LUCK_TURNS == 0) draw_luck();
    if (world.crash_step && world.steps >= world.crash_step) world_crash();
    OsThread *next = self.turns > TURNS_MAX ? NULL : pick();
    if (!next) {
        self.stuck = true;
        note(self.turns > TURNS_MAX ? "it does not end" : "everybody waits for ever");
        switch_to_host();
    }
    switch_to(next);
    self.at->state = FIBER_READY;
}

void fiber_yield(void) {
    if (self.at) next_turn();
}

void fiber_sleep_ns(int64_t ns) {
    self.at->until_ns = world.now_ns + ns;
    self.at->state = FIBER_SLEEPING;
    next_turn();
}

// ---- life --------------------------------------------------------------------------------------

static void fiber_main(void) {
    switch_end(NULL, NULL, NULL);
    OsThread *fiber = self.at;
    fiber->run(fiber->arg);
    fiber->state = FIBER_DONE;
    next_turn();
}

static void host_main(void) {
    switch_end(NULL, &self.host_stack, &self.host_stack_size);
    OsThread *fiber = self.at;
    fiber->run(fiber->arg);
    switch_to_host();
}

static OsThread *fiber_new(void (*run)(void *arg), void *arg, void (*main)(void)) {
    ASSERT(self.count < FIBERS_MAX);
    OsThread *fiber = NEW(OsThread);
    fiber->run = run;
    fiber->arg = arg;
    fiber->number = self.started++;
    fiber->luck = 8;
    if (self.spares) {
        fiber->stack = self.spare[--self.spares];
    } else {
        fiber->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        ASSERT(fiber->stack != MAP_FAILED);
    }
    (void)getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK_SIZE;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, main, 0);
    self.fiber[self.count++] = fiber;
    return fiber;
}

static void fiber_free(OsThread *fiber) {
    uint32_t at = 0;
    while (self.fiber[at] != fiber) at++;
    memmove(&self.fiber[at], &self.fiber[at + 1], (--self.count - at) * sizeof *self.fiber);
    self.spare[self.spares++] = fiber->stack;
    mem_free(fiber);
}

bool fibers_run(void (*main)(void *arg), void *arg) {
    self.count = 0;  // those of a run that was abandoned stay where they are
    self.stuck = false;
    self.turns = 0;
    self.at = fiber_new(main, arg, host_main);
    switch_begin(&self.host_fake_stack, self.at->stack, STACK_SIZE);
    (void)swapcontext(&self.host, &self.at->context);
    switch_end(self.host_fake_stack, NULL, NULL);
    if (!self.stuck) {
        ASSERT(self.count == 1);  // all threads were joined
        fiber_free(self.fiber[0]);
    }
    self.at = NULL;
    return !self.stuck;
}

// ---- the table ---------------------------------------------------------------------------------

static Status sim_thread_start(void (*run)(void *arg), void *arg, OsThread **out, Error *err) {
    (void)err;
    *out = fiber_new(run, arg, fiber_main);
    fiber_yield();
    return ST_OK;
}

static void sim_thread_join(OsThread *thread) {
    if (!thread) return;
    self.at->joined = thread;
    self.at->state = FIBER_JOINING;
    next_turn();
    fiber_free(thread);
}

static void sim_monitor_init(OsMonitor *monitor) {
    monitor->held = false;
    monitor->news = 0;
}

static void sim_monitor_clear(OsMonitor *monitor) {
    ASSERT(!monitor->held);
}

static void sim_lock(OsMonitor *monitor) {
    if (!self.at) return;
    while (monitor->held) {
        self.at->monitor = monitor;
        self.at->state = FIBER_LOCKING;
        next_turn();
    }
    monitor->held = true;
}

static void sim_unlock(OsMonitor *monitor) {
    monitor->held = false;
}

static void sim_wait(OsMonitor *monitor, int64_t ms) {
    ASSERT(monitor->held);
    monitor->held = false;
    self.at->monitor = monitor;
    self.at->news = monitor->news;
    self.at->until_ns = world.now_ns + ms * 1000000;
    self.at->state = FIBER_LISTENING;
    next_turn();
    sim_lock(monitor);
}

static void sim_tell(OsMonitor *monitor) {
    monitor->news++;
}

static int64_t sim_now_ms(void) {
    return world_now_ms();
}

// The engine asks for it at every turn of its loops: a good place to let others go first.
static int64_t sim_monotonic_ns(void) {
    world.now_ns += (int64_t)chance_below(chance_below(16) ? 2000 : 1000000);
    if (self.at && !chance_below(8)) next_turn();
    return world.now_ns;
}

static uint64_t sim_random(void) {
    return chance_bits();
}

static void sim_sleep_ms(int64_t ms) {
    fiber_sleep_ns(ms * 1000000);
}

void fibers_into(Os *table) {
    table->now_ms = sim_now_ms;
    table->monotonic_ns = sim_monotonic_ns;
    table->random = sim_random;
    table->sleep_ms = sim_sleep_ms;
    table->thread_start = sim_thread_start;
    table->thread_join = sim_thread_join;
    table->monitor_init = sim_monitor_init;
    table->monitor_clear = sim_monitor_clear;
    table->lock = sim_lock;
    table->unlock = sim_unlock;
    table->wait = sim_wait;
    table->tell = sim_tell;
    table->tell_one = sim_tell;
}
