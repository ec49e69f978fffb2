#include "cli/rows.h"

#include <stdio.h>

#include "test/unit.h"

static void apply(ShownRows *shown, RowKind kind, const char *a, const char *b) {
    Str cell[] = {str_c(a), str_c(b)};
    shown_apply(shown, kind, cell);
}

static void check(const ShownRows *shown, const char *wanted) {
    Buf out = {0};
    uint32_t at = 0;
    for (const ShownRow *row; (row = shown_next(shown, &at)) != NULL;) {
        buf_printf(&out, "%s%s ", row->cell[0].ptr, row->cell[1].ptr);
    }
    CHECK_STR(buf_cstr(&out), wanted);
    buf_free(&out);
}

TEST(rows, an_update_takes_the_place_of_what_it_replaces) {
    ShownRows shown;
    shown_init(&shown, 2, false, 0);
    apply(&shown, ROW_INSERT, "a", "1");
    apply(&shown, ROW_INSERT, "b", "1");
    apply(&shown, ROW_INSERT, "a", "1");
    apply(&shown, ROW_UPDATE_BEFORE, "b", "1");
    apply(&shown, ROW_UPDATE_AFTER, "b", "2");
    check(&shown, "a1 b2 a1 ");
    apply(&shown, ROW_DELETE, "a", "1");  // the latest of two equal rows
    check(&shown, "a1 b2 ");
    apply(&shown, ROW_DELETE, "x", "9");  // not there
    apply(&shown, ROW_INSERT, "c", "3");
    CHECK_INT(shown_count(&shown), 3);
    shown_compact(&shown);
    CHECK_STR(shown.row[2]->cell[0].ptr, "c");
    shown_clear(&shown);
}

TEST(rows, churn_does_not_pile_up) {
    ShownRows shown;
    shown_init(&shown, 2, false, 0);
    apply(&shown, ROW_INSERT, "n", "0");
    for (int i = 0; i < 100000; i++) {
        char old[16], next[16];
        (void)snprintf(old, sizeof old, "%d", i);
        (void)snprintf(next, sizeof next, "%d", i + 1);
        apply(&shown, ROW_UPDATE_BEFORE, "n", old);
        apply(&shown, ROW_UPDATE_AFTER, "n", next);
    }
    check(&shown, "n100000 ");
    CHECK(shown.cap <= 2048 && shown.latest.count <= 2048);
    shown_clear(&shown);
}

TEST(rows, beyond_the_limit_the_oldest_go) {
    ShownRows shown;
    shown_init(&shown, 2, false, 2);
    apply(&shown, ROW_INSERT, "a", "1");
    apply(&shown, ROW_INSERT, "a", "1");
    apply(&shown, ROW_INSERT, "b", "1");
    check(&shown, "a1 b1 ");
    apply(&shown, ROW_DELETE, "a", "1");
    apply(&shown, ROW_DELETE, "a", "1");  // of the row that is forgotten
    check(&shown, "b1 ");
    shown_clear(&shown);
}
