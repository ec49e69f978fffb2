#include "test/unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { UNIT_TESTS_MAX = 4096 };

static struct CMUnitTest tests[UNIT_TESTS_MAX];
static size_t test_count;

void unit_register(const char *group, const char *name, void (*run)(void **)) {
    if (test_count == UNIT_TESTS_MAX) abort();
    char *full = malloc(strlen(group) + strlen(name) + 2);
    if (!full) abort();
    (void)sprintf(full, "%s.%s", group, name);
    tests[test_count++] = (struct CMUnitTest){full, run, NULL, NULL, NULL};
}

int main(int argc, char **argv) {
    struct CMUnitTest chosen[UNIT_TESTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < test_count; i++) {
        if (argc < 2 || strncmp(tests[i].name, argv[1], strlen(argv[1])) == 0) {
            chosen[count++] = tests[i];
        }
    }
    int failed = count ? _cmocka_run_group_tests("unit", chosen, count, NULL, NULL) : 1;
    printf("%zu passed, %d failed\n", count - (size_t)failed, failed);
    return failed != 0;
}
