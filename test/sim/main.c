// weir-sim: runs seeds, and ends at the first that fails, with the notes of its second run.
//
//   weir-sim [--seeds N] [--from SEED] [--job NAME] [--seed SEED] [--notes | --trace]
//
// Each seed is run once; one in 64 is run twice, and has to give the same to the byte.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "run.h"

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const SimJob *job_named(const char *name) {
    for (uint32_t i = 0; i < JOB_COUNT; i++) {
        if (strcmp(JOBS[i].name, name) == 0) return &JOBS[i];
    }
    fprintf(stderr, "weir-sim: no job '%s'; there are:\n", name);
    for (uint32_t i = 0; i < JOB_COUNT; i++) fprintf(stderr, "  %s\n", JOBS[i].name);
    exit(2);
}

typedef struct Options {
    uint64_t seeds, from;
    const SimJob *job;
    Tracing tracing;
} Options;

static Options read_options(int argc, char **argv) {
    Options options = {.seeds = 1000, .from = 1};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        bool all = strcmp(argv[i], "--trace") == 0;
        if (all || strcmp(argv[i], "--notes") == 0) {
            options.tracing = all ? TRACE_ALL : TRACE_NOTES;
            continue;
        }
        if (strcmp(argv[i], "--seeds") == 0) {
            options.seeds = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--from") == 0) {
            options.from = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            options.from = strtoull(value, NULL, 10);
            options.seeds = 1;
        } else if (strcmp(argv[i], "--job") == 0) {
            options.job = job_named(value);
        } else {
            fprintf(stderr, "weir-sim: unknown option '%s'\n", argv[i]);
            exit(2);
        }
        i++;
    }
    return options;
}

static bool same_again(uint64_t seed, const Options *options, const SimResult *first) {
    SimResult again;
    sim_run(seed, options->job, TRACE_NOTHING, &again);
    if (again.hash == first->hash) return true;
    printf("FAIL seed %llu: two runs of it differ\n", (unsigned long long)seed);
    return false;
}

int main(int argc, char **argv) {
    Options options = read_options(argc, argv);
    Os table = *os();
    fibers_into(&table);
    platter_into(&table);
    os_use(&table);
    client_register();
    functions_register();
    uint64_t faults[FAULT_COUNT_] = {0}, lives = 0, passed = 0, turns = 0, hash = 0;
    double begin = seconds();
    for (; passed < options.seeds; passed++) {
        SimResult result;
        uint64_t seed = options.from + passed;
        sim_run(seed, options.job, options.tracing, &result);
        for (uint32_t f = 0; f < FAULT_COUNT_; f++) faults[f] += result.faults[f];
        lives += result.lives;
        turns += result.steps;
        hash = hash * 31 + result.hash;
        if (result.passed && (seed % 64 || same_again(seed, &options, &result))) continue;
        if (!options.tracing) sim_run(seed, options.job, TRACE_NOTES, &result);
        printf("all of it: weir-sim --seed %llu%s%s --trace\n", (unsigned long long)seed,
               options.job ? " --job " : "", options.job ? options.job->name : "");
        return 1;
    }
    double took = seconds() - begin;
    printf("%llu seeds over %u jobs in %.1f s, %.0f a second: %llu lives, %llu turns\n",
           (unsigned long long)passed, options.job ? 1 : JOB_COUNT, took, (double)passed / took,
           (unsigned long long)lives, (unsigned long long)turns);
    for (uint32_t f = 0; f < FAULT_COUNT_; f++) {
        printf("  %10llu %s\n", (unsigned long long)faults[f], FAULT_NAMES[f]);
    }
    printf("hash %016llx\n", (unsigned long long)hash);
    printf("%llu passed, 0 failed, 0 skipped\n", (unsigned long long)passed);
    return 0;
}
