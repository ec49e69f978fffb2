// cli/shell_complete.h - what may stand where the cursor is: keywords, functions, tables and their
// columns; within WITH the connector's options and their values; within SET the settings.
#pragma once

#include "engine/session.h"

enum { COMPLETIONS_MAX = 400 };

typedef struct Completions {
    Arena *arena;             // the caller's; words lie in it or are static
    uint32_t from;            // where the word begun ends at the end of the text: its first byte
    bool quoted;              // it is within '…': a quote closes it
    const char *word[COMPLETIONS_MAX];  // sorted, unique
    uint32_t count;
} Completions;

// Completes the end of [text], the statement so far. [out] has its arena set.
void complete(Session *session, Str text, Completions *out);

// What all words begin with, beyond what is there: the length in bytes.
uint32_t completions_common(const Completions *completions);
