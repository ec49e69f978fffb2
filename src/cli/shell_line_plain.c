// Lines without libedit: as they come.
#include <stdio.h>
#include <stdlib.h>

#include "cli/shell_line.h"

struct LineReader {
    char *line;
    size_t cap;
};

LineReader *line_open(const LineSetup *setup, Error *err) {
    return NEW(LineReader);
}

void line_close(LineReader *self) {
    if (!self) return;
    free(self->line);
    mem_free(self);
}

LineResult line_read(LineReader *self, const char *prompt, Str *out) {
    (void)fputs(prompt, stdout);
    (void)fflush(stdout);
    ssize_t len = getline(&self->line, &self->cap, stdin);
    if (len < 0) return LINE_END;
    *out = str_make(self->line, (size_t)len);
    if (str_ends(*out, STR("\n"))) out->len--;
    return LINE_READ;
}

void line_remember(LineReader *self, Str statement) {
}
