// tools/reference.c - prints pages of docs/sql/ from the tables of functions, settings and options:
// `make docs`. The same rows are what the program reads, so the pages list what there is and
// nothing else.
#include <stdio.h>

#include "engine/reference.h"
#include "func/agg.h"

// "CHAR_LENGTH(CHARACTER)"; brackets around what may be left out, "…" for what may go on.
static void print_signature(const char *name, const uint8_t *args, uint32_t args_max,
                            uint32_t argc_min, uint32_t argc_max) {
    uint32_t declared = 0;
    while (declared < args_max && args[declared] != ARG_END) declared++;
    if (argc_max == 0) argc_min = argc_max = declared;
    printf("`%s(", name);
    for (uint32_t i = 0; i < declared && i < argc_max; i++) {
        printf("%s%s%s%s", i == argc_min ? "[" : "", i ? ", " : "", arg_spec_name(args[i]),
               i + 1 > argc_min && i + 1 == declared ? "]" : "");
    }
    printf("%s)`", argc_max > declared ? ", …" : "");
}

// Text for a cell of a table.
static void print_cell(const char *text) {
    for (; text && *text; text++) {
        if (*text == '|') putchar('\\');
        putchar(*text);
    }
}

static void print_example(const char *example, const char *gives) {
    if (!example) return;
    printf("`");
    print_cell(example);
    printf("`");
    if (!gives) return;
    printf(" → `");
    print_cell(gives);
    printf("`");
}

static void print_aliases(const char *const alias[3]) {
    for (uint32_t i = 0; i < 3 && alias[i]; i++) printf("%s`%s`", i ? ", " : "<br>also ", alias[i]);
}

static void print_scalar(const FuncTable *table) {
    for (uint32_t i = 0; i < table->count; i++) {
        const ScalarFunc *func = &table->row[i];
        if (func->flags & FUNC_HIDDEN) continue;
        printf("| ");
        print_signature(func->name, func->args, FUNC_ARGS_MAX, func->argc_min, func->argc_max);
        print_aliases(func->alias);
        printf(" | ");
        print_cell(func->doc);
        printf(" | ");
        print_example(func->example, func->gives);
        printf(" |\n");
    }
}

static bool has_rows(const FuncTable *table) {
    for (uint32_t i = 0; i < table->count; i++) {
        if (!(table->row[i].flags & FUNC_HIDDEN)) return true;
    }
    return false;
}

// One heading for all tables of a topic, where the first of them stands.
static void print_topic(uint32_t first) {
    const char *topic = FUNC_TABLES[first]->topic;
    if (!has_rows(FUNC_TABLES[first])) return;
    for (uint32_t i = 0; i < first; i++) {
        if (strcmp(FUNC_TABLES[i]->topic, topic) == 0 && has_rows(FUNC_TABLES[i])) return;
    }
    printf("\n## %s\n\n| | | |\n|---|---|---|\n", topic);
    for (uint32_t i = first; i < FUNC_TABLE_COUNT; i++) {
        if (strcmp(FUNC_TABLES[i]->topic, topic) == 0) print_scalar(FUNC_TABLES[i]);
    }
}

static void print_aggregate(const AggTable *table) {
    for (uint32_t i = 0; i < table->count; i++) {
        const AggFunc *func = &table->row[i];
        if (func->flags & AGG_HIDDEN) continue;
        printf("| ");
        print_signature(func->name, func->args, sizeof func->args, func->argc_min, func->argc_max);
        print_aliases(func->alias);
        printf(" | ");
        print_cell(func->doc);
        printf("%s%s%s | ", func->flags & AGG_NO_RETRACT ? " Not over input that updates." : "",
               func->flags & AGG_NO_MERGE ? " Not in windows that merge." : "",
               func->flags & AGG_BATCH_ONLY ? " In batch mode only." : "");
        print_example(func->example, NULL);
        printf(" |\n");
    }
}

static int print_page(void (*make)(Buf *out)) {
    Buf page = {0};
    make(&page);
    (void)fwrite(page.ptr, 1, page.len, stdout);
    buf_free(&page);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "settings") == 0) return print_page(reference_settings);
    if (argc > 1 && strcmp(argv[1], "options") == 0) return print_page(reference_options);
    printf(
        "# Functions\n\n"
        "The built-in functions, by topic, with an example of each. Made from the tables in\n"
        "`src/func/` by `make docs`; do not edit. Argument types are families: NUMERIC takes any\n"
        "number, CHARACTER any text.\n");
    for (uint32_t i = 0; i < FUNC_TABLE_COUNT; i++) print_topic(i);
    printf("\n## Aggregate functions\n\n"
           "All take `DISTINCT` and `FILTER (WHERE …)`.\n\n| | | |\n|---|---|---|\n");
    for (uint32_t i = 0; i < AGG_TABLE_COUNT; i++) print_aggregate(AGG_TABLES[i]);
    return 0;
}
