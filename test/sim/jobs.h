// test/sim/jobs.h - what the simulator runs: jobs of the kinds that keep state in different ways,
// each over topics that are filled from a seed, and how to compare what two runs of it gave.
#pragma once

#include "cluster.h"

// How a run's output is brought into a form that two right runs share.
typedef enum Judge {
    JUDGE_ROWS,    // the rows, in any order
    JUDGE_LATEST,  // of a change log by key: what is there in the end
    JUDGE_SUMS,    // rows that the clock cut somehow: their last column, added up by the others
    JUDGE_FILES,   // the lines of files, with their directories
    JUDGE_TABLE,   // the rows of a table in PostgreSQL
    JUDGE_STORE,   // the rows of the table in ClickHouse
    JUDGE_MODEL,   // the version in use of a folder of versions, to the bit
} Judge;

typedef struct SimOutput {
    Judge judge;
    const char *name;  // of a topic, a directory, a table
} SimOutput;

enum { OUTPUTS_MAX = 3, STATEMENTS_MAX = 5 };

typedef struct SimJob {
    const char *name;
    void (*fill)(void);                      // makes and fills its topics
    const char *statement[STATEMENTS_MAX];   // the last one is the job
    const char *changed;                     // another version of it that gives the same; or NULL
    SimOutput output[OUTPUTS_MAX];           // ends with one without a name
    const char *setting[8];                  // key, value …
    bool batch;  // it has no checkpoints: what was stopped begins anew
    bool calm;  // its rows depend on when things happen: no jumps of the clock, no long waits
} SimJob;

extern const SimJob JOBS[];
extern const uint32_t JOB_COUNT;

// functions.c: those that jobs call. Before the first session.
void functions_register(void);

// Decides what the topics are filled with.
extern uint64_t data_random;
