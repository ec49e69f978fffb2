#include "cli/test_known.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/os.h"
#include "test/unit.h"

TEST(test_known, lines_name_records_below_the_list) {
    char folder[] = "/tmp/weir-unit-XXXXXX", path[64], file[64];
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/known.txt", folder);
    (void)snprintf(file, sizeof file, "%s/a.test", folder);
    Error err = {0};
    CHECK_OK(os_write_file(str_c(path), STR("# head\n\na.test:3  # why\n sub/b.test:1\n a.test:9"),
                           &err),
             &err);
    CHECK_OK(os_write_file(str_c(file), STR(""), &err), &err);

    KnownFailures known;
    CHECK_OK(known_read(path, &known, &err), &err);
    CHECK_INT(known.count, 3);
    CHECK(known_has(&known, str_c(file), 3) && !known_has(&known, str_c(file), 2));
    Buf out = {0};
    CHECK_INT(known_check_file(&known, str_c(file), 5, &out), 1);  // a.test:9
    CHECK_INT(known_check_gone(&known, &out), 1);                  // sub/b.test
    CHECK(strstr(buf_cstr(&out), "known.txt:5: a.test:9 names no case\n"));
    CHECK(strstr(buf_cstr(&out), "known.txt:4: sub/b.test:1 names no case\n"));
    buf_free(&out);
    known_clear(&known);

    CHECK_OK(os_write_file(str_c(path), STR("a.test\n"), &err), &err);
    CHECK_INT(known_read(path, &known, &err), ST_USAGE);
    (void)remove(path);
    (void)remove(file);
    (void)rmdir(folder);
}
