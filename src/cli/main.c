// The command line's table of commands.
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "weir.h"

static const Command *const COMMANDS[] = {
    &RUN_COMMAND,   &LIST_COMMAND,  &SAVEPOINT_COMMAND,   &STOP_COMMAND,  &CANCEL_COMMAND,
    &TEST_COMMAND,  &MODEL_COMMAND, &SERVE_COMMAND,       &WATCH_COMMAND, &WATCH_SERVE_COMMAND,
    &SHELL_COMMAND};

static const Command *find(const char *name) {
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
        if (strcmp(COMMANDS[i]->name, name) == 0) return COMMANDS[i];
    }
    return NULL;
}

static int help(FILE *out) {
    (void)fputs("weir: Flink SQL in one native binary\n\n", out);
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
        const char *end = strchr(COMMANDS[i]->doc, '\n');
        int len = end ? (int)(end - COMMANDS[i]->doc) : (int)strlen(COMMANDS[i]->doc);
        (void)fprintf(out, "  weir %s%s%s\n      %.*s\n", COMMANDS[i]->name,
                      *COMMANDS[i]->name ? " " : "", COMMANDS[i]->usage, len, COMMANDS[i]->doc);
    }
    (void)fputs(
        "  weir --version\n      Prints the version.\n\n"
        "'weir COMMAND --help' tells more.\n",
        out);
    return out == stdout ? EXIT_FINE : EXIT_WRONG;
}

static int unknown(const char *name) {
    const char *names[] = {"run",   "test",        "list",  "savepoint", "stop",      "cancel",
                           "model", "serve-model", "watch", "help",      "--version", "--help"};
    (void)fprintf(stderr, "weir: unknown command '%s'\n", name);
    const char *near = text_nearest(str_c(name), names, sizeof names / sizeof *names);
    if (near) (void)fprintf(stderr, "hint: did you mean '%s'?\n", near);
    return EXIT_WRONG;
}

int main(int argc, char **argv) {
    // Without a command, or with options alone, it is the shell.
    if (argc < 2) return SHELL_COMMAND.run(argc, argv);
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("weir %s\n", weir_version());
        return EXIT_FINE;
    }
    if (strcmp(name, "help") == 0 && argc > 2) {
        const Command *about = find(argv[2]);
        return about ? usage_print(about) : unknown(argv[2]);
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        return help(stdout);
    }
    if (name[0] == '-') return SHELL_COMMAND.run(argc, argv);
    if (strcmp(name, "watch") == 0 && argc > 2 && strcmp(argv[2], "serve") == 0) {
        return WATCH_SERVE_COMMAND.run(argc - 2, argv + 2);
    }
    const Command *command = find(name);
    return command ? command->run(argc - 1, argv + 1) : unknown(name);
}
