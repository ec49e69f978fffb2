// test/sim/run.h - one seed: a job, run without faults to know what is right, then run with them
// until it has come through, and the two compared.
#pragma once

#include "jobs.h"

typedef struct SimResult {
    bool passed;
    uint64_t hash;              // of all that happened
    uint64_t faults[FAULT_COUNT_];
    uint32_t lives;
    uint64_t steps;
    const SimJob *job;
} SimResult;

// [only]: this job instead of the one that the seed picks, or NULL. What failed is printed.
void sim_run(uint64_t seed, const SimJob *only, Tracing tracing, SimResult *out);
