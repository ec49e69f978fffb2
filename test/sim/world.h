// test/sim/world.h - the world that a simulated weir runs in: a clock that only moves when told, a
// disk that forgets what was not synced, a Kafka cluster, and threads that take turns. One seed
// decides all of it, so that a run can be had again to the byte.
//
// There is one real thread. What the engine starts as threads are fibers here (fiber.c): they run
// until they wait or call into the world, and then the seed says who goes on.
//
// A crash is a flag: from that instant nothing the process does has an effect, every call fails,
// and the engine unwinds by its ordinary ways, which also shows that it leaks nothing. What was not
// durable is then taken away (platter_crash), and the next life begins.
#pragma once

#include "os/os.h"

// What goes wrong, counted for the last line.
typedef enum FaultKind {
    FAULT_CRASH,
    FAULT_WRITE_LOST,     // bytes or names that were not synced are gone after a crash
    FAULT_WRITE_TORN,     // bytes that were not synced are there in part, or as rubbish
    FAULT_DISK_ERROR,
    FAULT_DISK_SLOW,
    FAULT_DISK_FULL,
    FAULT_CLOCK_JUMP,
    FAULT_MEMORY,         // a charge refused
    FAULT_REQUEST_LOST,   // of Kafka: it never arrived
    FAULT_REPLY_LOST,     // it arrived, and nobody was told
    FAULT_REPLY_SLOW,     // a broker thinks long
    FAULT_REQUEST_TWICE,
    FAULT_REQUEST_LATE,   // it arrives after its sender has died
    FAULT_BROKER_DOWN,
    FAULT_STOP,           // a stop by hand: the job halts with a checkpoint
    FAULT_RESCALE,        // the next life has another parallelism
    FAULT_BACKEND,        // the next life keeps its state elsewhere
    FAULT_SAVEPOINT,      // one is asked for, and perhaps the job told to stop with it
    FAULT_CHANGED_QUERY,  // the next life runs another version of the query
    FAULT_COUNT_
} FaultKind;
extern const char *const FAULT_NAMES[FAULT_COUNT_];

// How likely each is in the run at hand, in a million of calls; drawn anew for every seed.
typedef struct FaultPlan {
    uint32_t disk_error, disk_slow, disk_full, clock_jump;
    uint32_t request_lost, reply_lost, reply_slow, request_twice, broker_down, stop;
} FaultPlan;

typedef enum Tracing { TRACE_NOTHING, TRACE_NOTES, TRACE_ALL } Tracing;

typedef struct World {
    uint64_t random;         // state of the generator
    bool faulty;             // faults may be injected
    bool dead;               // the process has crashed
    Tracing tracing;
    uint64_t hash;           // of all events: two runs of a seed have the same
    FaultPlan plan;
    uint64_t faults[FAULT_COUNT_];
    int64_t now_ns;          // since the world began; never goes back
    int64_t died_ns;         // the instant of the crash
    int64_t wall_offset_ms;  // the wall clock's, which is set now and then
    uint64_t steps, calls;   // turns of fibers; calls to disk and brokers
    uint64_t crash_step, crash_call;  // when to crash; 0: not by this count
    int64_t disk_full_until_ns, broker_down_until_ns;
    void (*stop)(void *arg, bool hard);  // stops the job under way
    void *stop_arg;
    int life;                // for traces
} World;
extern World world;

// ---- chance ------------------------------------------------------------------------------------

uint64_t chance_bits(void);
uint64_t chance_below(uint64_t limit);          // 0 … limit - 1; limit 0 gives 0
bool chance_in(uint64_t per_million);
static inline int64_t chance_between(int64_t least, int64_t most) {
    return least + (int64_t)chance_below((uint64_t)(most - least) + 1);
}

// ---- what happens ------------------------------------------------------------------------------

// An event: part of the run's hash, and a line of its trace; the short one has only the notes.
void PRINTF_LIKE(1, 2) trace(const char *fmt, ...);
void PRINTF_LIKE(1, 2) note(const char *fmt, ...);
void fault(FaultKind kind);
// A call to the outside begins: others may run first, time passes, the process may crash.
void world_call(void);
void world_crash(void);
int64_t world_now_ms(void);

// ---- fibers (fiber.c) --------------------------------------------------------------------------

// Runs [main] and whatever threads it starts until [main] returns. False: nobody can go on, or they
// have gone on for longer than any run should; the rest is abandoned.
bool fibers_run(void (*main)(void *arg), void *arg);
void fiber_yield(void);      // anybody may be next
void fiber_sleep_ns(int64_t ns);
void fibers_into(Os *table);

// ---- disk (platter.c) --------------------------------------------------------------------------

void platter_format(void);      // an empty one
void platter_crash(void);       // what is not durable goes, in part or whole
void platter_into(Os *table);
void platter_free(void);
// A file that has always been there.
void platter_put(Str path, Str bytes);
// Prints every visible line of the files below [path], behind the path, for the judge.
void platter_lines(Str path, void (*line)(void *arg, Str file, Str text), void *arg);
