// cli/args.h - command-line options, a row each: parser, --help and usage read the same row.
#pragma once

#include "base/map.h"

typedef struct ArgDef {
    const char *name;   // "--memory" or "-e"
    const char *alias;  // the other spelling, or NULL
    const char *value;  // what stands for its value in help, "SIZE"; NULL: takes none
    const char *doc;
} ArgDef;

enum { ARGS_END = -1, ARGS_OPERAND = -2, ARGS_WRONG = -3 };

// A walk over argv; argv[0] is passed over. Zero-initialise but for these three.
typedef struct Args {
    int argc;
    char **argv;
    const ArgDef *defs;  // ends with a NULL name
    int at;
    bool operands_only;  // "--" was seen
    const char *value;   // of the option or operand at hand; borrowed from argv
} Args;

// The index of the next option in [defs], ARGS_OPERAND, ARGS_END, or ARGS_WRONG with [err] filled.
// Takes "--x VALUE", "--x=VALUE", "-x VALUE", "-xVALUE".
int args_next(Args *args, Error *err);

// Puts "key=value" into [map], the value borrowed; false when it is not of that form.
bool args_pair(const char *pair, Map *map);

// "  -D KEY=VALUE    Sets …" lines.
void args_print(const ArgDef *defs, Buf *out);
