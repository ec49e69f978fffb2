// The pages of the reference are what the tables say.
#include "engine/reference.h"
#include "os/os.h"
#include "spi/connector.h"
#include "test/unit.h"

static void holds(const char *path, void (*make)(Buf *out)) {
    Buf page = {0}, made = {0};
    Error err = {0};
    CHECK_OK(os_read_file(str_c(path), &page, &err), &err);
    make(&made);
    if (!str_eq(buf_str(&page), buf_str(&made))) fail_msg("%s is not up to date: make docs", path);
    buf_free(&page);
    buf_free(&made);
}

TEST(reference, settings_are_on_their_page) {
    holds(SOURCE_ROOT "/docs/sql/settings.md", reference_settings);
}

TEST(reference, options_are_on_their_page) {
    if (OPTIONAL_PARTS) {
        holds(SOURCE_ROOT "/docs/sql/options.md", reference_options);
    } else {
        print_message("skipped: a connector is not built in, its options are not known\n");
    }
}
