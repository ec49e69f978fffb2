#include "base/unicode.h"

#include "test/unit.h"

static const char *upper(const char *text) {
    static Buf out;
    out.len = 0;
    buf_put_upper(&out, str_c(text));
    return buf_cstr(&out);
}

static const char *lower(const char *text) {
    static Buf out;
    out.len = 0;
    buf_put_lower(&out, str_c(text));
    return buf_cstr(&out);
}

TEST(unicode, upper_case_may_be_longer) {
    CHECK_STR(upper("straße ΣΊΣΥΦΟΣ ǅ"), "STRASSE ΣΊΣΥΦΟΣ Ǆ");
    CHECK_STR(upper("ıİiI ﬁŉ"), "IİII FIʼN");
}

TEST(unicode, lower_case_knows_the_final_sigma) {
    CHECK_STR(lower("straße ΣΊΣΥΦΟΣ ǅ"), "straße σίσυφος ǆ");
    CHECK_STR(lower("ΑΣ Σ aΣa"), "ας σ aσa");
    CHECK_STR(lower("İ"), "i̇");
}

TEST(unicode, ascii_case_changes_letters_alone) {
    char all[128], changed[128];
    for (int c = 0; c < 128; c++) all[c] = (char)c;
    for (uint32_t from = 0; from < 9;
         from++) {  // each byte in every place of a word, and behind it
        Str text = str_make(all + from, 128 - from);
        CHECK(ascii_change_case(text, 'A', changed));
        for (uint32_t i = 0; i < text.len; i++) {
            char c = text.ptr[i];
            CHECK_INT(changed[i], c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        CHECK(ascii_change_case(text, 'a', changed));
        for (uint32_t i = 0; i < text.len; i++) {
            char c = text.ptr[i];
            CHECK_INT(changed[i], c >= 'a' && c <= 'z' ? c - 32 : c);
        }
    }
    CHECK(!ascii_change_case(STR("straße"), 'A', changed));
    CHECK(!ascii_change_case(STR("12345678é"), 'A', changed));
}

TEST(unicode, letters_and_digits_of_all_scripts) {
    CHECK(unicode_is_letter(0xE9) && unicode_is_letter(0x65E5) && !unicode_is_letter(0x1F600));
    CHECK_INT(unicode_digit(0xFF12), 2);
    CHECK_INT(unicode_digit(0x663), 3);
    CHECK_INT(unicode_digit(0xB2), -1);
    CHECK_INT(unicode_upper(0x101), 0x100);
    CHECK_INT(unicode_upper(0x100), 0x100);
}
