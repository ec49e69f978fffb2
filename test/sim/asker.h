// test/sim/asker.h - savepoints of the job under way, asked for now and then.
#pragma once

#include "world.h"

typedef struct Asker {
    bool asks;               // in the life at hand
    uint32_t asked;          // savepoints, of all lives
    char stopped_with[64];   // the savepoint that the last life ended with; empty: with none
} Asker;
extern Asker asker;
