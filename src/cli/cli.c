#include "cli/cli.h"

#include <stdio.h>

int usage_error(const Command *command, const Error *err) {
    const char *blank = *command->name ? " " : "";
    (void)fprintf(stderr, "weir%s%s: %s\n", blank, command->name, err->message);
    if (err->hint[0]) (void)fprintf(stderr, "hint: %s\n", err->hint);
    (void)fprintf(stderr, "'weir%s%s --help' tells more\n", blank, command->name);
    return EXIT_WRONG;
}

int usage_print(const Command *command) {
    Buf out = {0};
    buf_printf(&out, "Usage: weir %s%s%s\n\n%s\n", command->name, *command->name ? " " : "",
               command->usage, command->doc);
    if (command->args && command->args->name) {
        buf_puts(&out, "\nOptions:\n");
        args_print(command->args, &out);
    }
    (void)fputs(buf_cstr(&out), stdout);
    buf_free(&out);
    return EXIT_FINE;
}
