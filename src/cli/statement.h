// cli/statement.h - runs statements for `weir run` and the shell: results and errors to the
// terminal, the status line, Ctrl-C.
#pragma once

#include "cli/console.h"
#include "cli/result.h"

typedef struct Executor {
    Session *session;
    Console console;
    Map config;            // initial settings; borrowed values
    int64_t memory;        // 0: from the machine
    const char *record;    // or NULL
    const char *replay;    // or NULL
    const char *catalog;  // the file of default_catalog; NULL: in memory
    ResultMode mode;       // unless the setting says otherwise
    bool stats;            // --stats json
    bool tell;             // the shell: "OK", and how long it took
    bool timing;           // \timing
    bool quit;             // QUIT was run
} Executor;

// Opens the session and takes SIGINT and SIGTERM over. Prints why it cannot; returns an exit code.
int executor_open(Executor *self);
void executor_close(Executor *self);

// Forgets a Ctrl-C that was for what ran before. Without, a script ends where one comes.
void executor_rearm(Executor *self);

// One statement, cut of [script] at [first]; errors are printed. Returns an exit code.
int executor_statement(Executor *self, Str file, Str script, Str sql, Place first);
// A whole script, up to the first failure or QUIT.
int executor_script(Executor *self, Str file, Str script);
int executor_file(Executor *self, const char *path);  // "-": standard input

// After a failure: prints it, returns the exit code for it.
int executor_failed(const Error *err, Str file, Str script);
// Figures of the job that ran last, as one line of JSON.
void executor_stats(const Executor *self);
