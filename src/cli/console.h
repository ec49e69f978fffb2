// cli/console.h - what results, `print` tables and the status line share: the terminal. The status
// line is the last line of standard error and goes away before anything else is written.
//
// Threads: the lock is taken by whoever writes; workers print, the ticker keeps the status line.
#pragma once

#include <pthread.h>
#include <stdio.h>

#include "engine/session.h"

typedef struct ResultPrinter ResultPrinter;

typedef struct Console {
    pthread_mutex_t lock;
    Session *session;        // whose progress is shown
    ResultPrinter *result;   // lock: told of time passing, so that rows do not wait for others
    bool live;               // a status line is wanted: standard error is a terminal
    // Of the ticker, lock:
    pthread_t ticker;
    pthread_cond_t wake;
    bool ticking, ends;
    bool shown;              // the status line stands there now
    uint64_t rows_in, rows_out;  // at the last tick that was shown
    int64_t ticked_ms;
    double in_per_s, out_per_s;
} Console;

void console_init(Console *console, bool live);
void console_clear(Console *console);

// Between these two: the ticker runs, the status line lives.
void console_begin(Console *console, Session *session, ResultPrinter *result);
void console_end(Console *console);

// Before and after writing to standard output or error; the status line is out of the way between.
void console_lock(Console *console);
void console_unlock(Console *console);

// SessionConfig.print; [arg] is the Console.
void console_print(void *arg, Str line, bool to_stderr);

// The status line's text for [progress], at most [width] columns: for console.c and its test.
void status_line(const JobProgress *progress, double in_per_s, double out_per_s, int64_t now_ms,
                 uint32_t width, Buf *out);
