#include "test/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/os.h"

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

static Status remove_entry(void *arg, Str name, Error *err) {
    Arena arena = {0};
    Str path = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(*(const Str *)arg), STR_ARG(name));
    OsStat stat;
    Status st = os()->stat(path, &stat, err);
    if (!st && stat.is_dir) st = os()->list(path, remove_entry, &path, err);
    if (!st) st = os()->remove(path, err);
    arena_clear(&arena);
    return st;
}

void unit_remove_dir(Str dir) {
    Error err;
    CHECK_OK(os()->list(dir, remove_entry, &dir, &err), &err);
    CHECK_OK(os()->remove(dir, &err), &err);
}

void unit_page_holds(const char *page, void (*make)(Buf *out)) {
    Arena arena = {0};
    Buf text = {0}, lines = {0};
    Error err;
    Str path = str_printf(&arena, SOURCE_ROOT "/%s", page);
    CHECK_OK(os_read_file(path, &text, &err), &err);
    make(&lines);
    if (str_find(buf_str(&text), buf_str(&lines), 0) < 0) {
        fail_msg("%s has not these lines:\n%s", page, buf_cstr(&lines));
    }
    buf_free(&text);
    buf_free(&lines);
    arena_clear(&arena);
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
    printf("%zu passed, %d failed\n", count ? count - (size_t)failed : 0, failed);
    return failed != 0;
}
