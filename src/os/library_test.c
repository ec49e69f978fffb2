#include "os/library.h"

#include <math.h>

#include "test/unit.h"

static struct {
    double (*floor)(double);
    double (*more)(double);
} maths;

TEST(library, functions_are_found_by_name) {
    static const char *const NAMES[] = {"floor", "hypot"};
    Library library = {"libm.so.6", "the test", "libc6", NAMES, &maths, 2, false};
    Error err;
    CHECK_OK(library_load(&library, &err), &err);
    CHECK(maths.floor(2.5) == 2);
    CHECK_OK(library_load(&library, &err), &err);
}

TEST(library, what_is_missing_is_named_with_its_package) {
    static const char *const NAMES[] = {"floor", "no_such_function"};
    Library library = {"libweir-none.so.7", "the test", "libweir-none7", NAMES, &maths, 2, false};
    Error err = {0};
    CHECK(library_load(&library, &err) == ST_IO);
    CHECK(strstr(err.message, "the test needs libweir-none.so.7, which cannot be loaded: "));
    CHECK_STR(err.hint, "apt install libweir-none7");
    library.file = "libm.so.6";
    CHECK(library_load(&library, &err) == ST_IO);
    CHECK_STR(err.message, "the test needs a newer libm.so.6: this one has no function "
                           "'no_such_function'");
    CHECK(!library.loaded);
}
