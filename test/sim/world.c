#include "world.h"

#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"

World world;

const char *const FAULT_NAMES[FAULT_COUNT_] = {
    [FAULT_CRASH] = "crashes",
    [FAULT_WRITE_LOST] = "lost writes",
    [FAULT_WRITE_TORN] = "torn writes",
    [FAULT_DISK_ERROR] = "disk errors",
    [FAULT_DISK_SLOW] = "slow disk calls",
    [FAULT_DISK_FULL] = "full disks",
    [FAULT_CLOCK_JUMP] = "clock jumps",
    [FAULT_MEMORY] = "refused allocations",
    [FAULT_REQUEST_LOST] = "lost requests",
    [FAULT_REPLY_LOST] = "lost replies",
    [FAULT_REPLY_SLOW] = "slow replies",
    [FAULT_REQUEST_TWICE] = "doubled requests",
    [FAULT_REQUEST_LATE] = "late requests",
    [FAULT_BROKER_DOWN] = "broker outages",
    [FAULT_STOP] = "stops",
    [FAULT_RESCALE] = "rescalings",
    [FAULT_BACKEND] = "changes of the state backend",
    [FAULT_SAVEPOINT] = "savepoints",
    [FAULT_CHANGED_QUERY] = "changed queries",
};

// splitmix64 (Steele, Lea, Flood 2014): small, and good enough to decide whose turn it is.
uint64_t chance_bits(void) {
    uint64_t z = world.random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint64_t chance_below(uint64_t limit) {
    return limit ? chance_bits() % limit : 0;
}

bool chance_in(uint64_t per_million) {
    return per_million && chance_below(1000000) < per_million;
}

static void happened(Tracing wanted, const char *fmt, va_list args) {
    char text[512];
    int len = vsnprintf(text, sizeof text, fmt, args);
    if (len >= (int)sizeof text) len = sizeof text - 1;
    world.hash = hash_bytes(text, (size_t)len, world.hash ^ (uint64_t)world.now_ns);
    if (world.tracing < wanted) return;
    printf("%d %10.3f ms  %s\n", world.life, (double)world.now_ns / 1e6, text);
}

void trace(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    happened(TRACE_ALL, fmt, args);
    va_end(args);
}

void note(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    happened(TRACE_NOTES, fmt, args);
    va_end(args);
}

void fault(FaultKind kind) {
    world.faults[kind]++;
}

// Names of files have it; in every run the same one.
pid_t getpid(void) {
    return 1;
}

int64_t world_now_ms(void) {
    static const int64_t BEGIN_MS = 1700000000000;
    return BEGIN_MS + world.now_ns / 1000000 + world.wall_offset_ms;
}

void world_crash(void) {
    if (world.dead) return;
    note("CRASH");
    fault(FAULT_CRASH);
    world.dead = true;
    world.died_ns = world.now_ns;
    world.stop(world.stop_arg, true);
}

static void jump(void) {
    static const int64_t JUMPS_MS[] = {50, 1000, 60000, 3600000};
    int64_t ms = JUMPS_MS[chance_below(4)];
    world.wall_offset_ms += chance_below(2) ? ms : -ms;
    note("the wall clock jumps to %lld", (long long)world_now_ms());
    fault(FAULT_CLOCK_JUMP);
}

void world_call(void) {
    world.calls++;
    fiber_yield();
    if (world.dead) return;
    if (world.crash_call && world.calls >= world.crash_call) {
        world_crash();
    } else if (world.faulty && chance_in(world.plan.clock_jump)) {
        jump();
    } else if (world.faulty && chance_in(world.plan.stop)) {
        note("stopped by hand");
        fault(FAULT_STOP);
        world.stop(world.stop_arg, false);
    }
}
