// test/unit.h - unit tests, on cmocka. A test names the fact that it shows:
//     TEST(batch, sealed_batch_never_changes) { CHECK(...); }
// Tests register themselves; `weir-unit [group[.name]]` runs all, a group, or one.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"

void unit_register(const char *group, const char *name, void (*run)(void **));

#define TEST(group, name)                                                                  \
    static void group##_##name##_run(void **state);                                        \
    __attribute__((constructor)) static void group##_##name##_register(void) {             \
        unit_register(#group, #name, group##_##name##_run);                                \
    }                                                                                      \
    static void group##_##name##_run(__attribute__((unused)) void **state)

// Removes a scratch directory with all that is in it.
void unit_remove_dir(Str dir);
// A page of ours, "docs/sql/training.md", has the lines that [make] makes of a table.
void unit_page_holds(const char *page, void (*make)(Buf *out));

#define CHECK(cond) _assert_true((cond) ? 1 : 0, #cond, __FILE__, __LINE__)
#define CHECK_INT(a, b) assert_int_equal((a), (b))
#define CHECK_STR(a, b) assert_string_equal((a), (b))
// The call succeeds; its error text is printed when it does not.
#define CHECK_OK(call, err)                                                      \
    do {                                                                         \
        Status check_status_ = (call);                                           \
        if (check_status_) fail_msg("%s: %s", #call, (err)->message);            \
    } while (0)
