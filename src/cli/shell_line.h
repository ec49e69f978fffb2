// cli/shell_line.h - reading lines at the prompt: editing, history and completion, on libedit; or
// plain lines where there is no libedit.
#pragma once

#include "cli/shell_complete.h"

typedef struct LineReader LineReader;

typedef struct LineSetup {
    const char *history_path;  // NULL: none is kept
    // Completes the end of [line], which is up to the cursor; [arg] knows the lines before it.
    void (*complete)(void *arg, Str line, Completions *out);
    void *arg;
} LineSetup;

typedef enum LineResult {
    LINE_READ,
    LINE_CANCELLED,  // Ctrl-C: what was typed is gone
    LINE_END,        // Ctrl-D on an empty line, or the end of the input
} LineResult;

LineReader *line_open(const LineSetup *setup, Error *err);  // NULL: no libedit, says *err
void line_close(LineReader *reader);
// One line, without its end; *out is good until the next call.
LineResult line_read(LineReader *reader, const char *prompt, Str *out);
// A whole statement, for the history.
void line_remember(LineReader *reader, Str statement);
