// cli/cli.h - the command line: its commands, a row each, and what they share. The table is in
// main.c.
#pragma once

#include "base/status.h"
#include "cli/args.h"

enum {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,  // a job or a case failed
    EXIT_WRONG = 2,   // the command line or the SQL is wrong
    // 128 + the signal: a script was interrupted before all of it had run
};

typedef struct Command {
    const char *name;
    int (*run)(int argc, char **argv);  // argv[0] is the command's name
    const char *usage;                  // behind the name
    const char *doc;                    // one line
    const ArgDef *args;
} Command;

extern const Command RUN_COMMAND, TEST_COMMAND, SHELL_COMMAND;
extern const Command LIST_COMMAND, SAVEPOINT_COMMAND, STOP_COMMAND, CANCEL_COMMAND, MODEL_COMMAND,
    SERVE_COMMAND, WATCH_COMMAND, WATCH_SERVE_COMMAND;

// Prints "weir NAME: message" and the hint to standard error; returns EXIT_WRONG.
int usage_error(const Command *command, const Error *err);
// The command's --help, to standard output; returns EXIT_FINE.
int usage_print(const Command *command);
