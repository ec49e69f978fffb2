#include <stdlib.h>

#include "func/call_test.h"

TEST(string, substring_counts_characters_from_either_end) {
    CHECK_CALL("SUBSTRING", "ell", "hello", "2:i", "3:i");
    CHECK_CALL("SUBSTRING", "lo", "hello", "-2:i");
    CHECK_CALL("SUBSTRING", "", "hello", "-10:i", "8:i");
    CHECK_CALL("SUBSTRING", "he", "hello", "0:i", "2:i");
    CHECK_CALL("SUBSTRING", "NULL", "hello", "1:i", "-1:i");
    CHECK_CALL("SUBSTRING", "😁", "😀😁😂", "2:i", "1:i");
    CHECK_CALL("LEFT", "", "hello", "-1:i");
    CHECK_CALL("RIGHT", "b😀", "ab😀", "2:i");
}

TEST(string, trimming_takes_a_set_of_characters) {
    CHECK_CALL("TRIM", "a", "BOTH:y", "xy", "xyaxy");
    CHECK_CALL("TRIM", "axx", "LEADING:y", "x", "xxaxx");
    CHECK_CALL("LTRIM", "  a", "  a", "");
    CHECK_CALL("RTRIM", "日", "日本本", "本");
}

TEST(string, parts_are_found_in_texts_of_any_length) {
    CHECK_CALL("SPLIT_INDEX", "", ",a", ",", "0:i");
    CHECK_CALL("SPLIT_INDEX", "a", ",a", ",", "1:i");
    CHECK_CALL("SPLIT_INDEX", "NULL", ",a", ",", "2:i");
    CHECK_CALL("SPLIT_INDEX", "", "a,", ",", "1:i");
    CHECK_CALL("SPLIT_INDEX", "NULL", "", ",", "0:i");
    const char *text = "0123456789abcde/ghij/klmnopqrstuvwxyz-and-more/";
    CHECK_CALL("SPLIT_INDEX", "0123456789abcde", text, "/", "0:i");
    CHECK_CALL("SPLIT_INDEX", "ghij", text, "/", "1:i");
    CHECK_CALL("SPLIT_INDEX", "klmnopqrstuvwxyz-and-more", text, "/", "2:i");
    CHECK_CALL("SPLIT_INDEX", "", text, "/", "3:i");
    CHECK_CALL("SPLIT_INDEX", "NULL", text, "/", "4:i");
    CHECK_CALL("SPLIT_INDEX", "more/", text, "and-", "1:i");
}

TEST(string, positions_count_from_one) {
    CHECK_CALL("POSITION", "1", "", "abc");
    CHECK_CALL("LOCATE", "6", "c", "abcabc", "4:i");
    CHECK_CALL("INSTR", "6", "abcabc", "c", "-1:i");
    CHECK_CALL("INSTR", "3", "abcabc", "c", "-1:i", "2:i");
    CHECK_CALL("INSTR", "2", "aaaa", "aa", "1:i", "2:i");
    CHECK_CALL("INSTR", "0", "abc", "c", "1:i", "2:i");
    CHECK_CALL_FAILS("INSTR", "abc", "c", "1:i", "0:i");
}

TEST(string, java_strings_are_cut_between_utf16_units) {
    CHECK_CALL("LPAD", "😀?a", "a", "4:i", "😀");
    CHECK_CALL("RPAD", "a😀b?", "a😀b😀", "5:i", "*");
    CHECK_CALL("LPAD", "NULL", "a", "-1:i", "x");
    CHECK_CALL("OVERLAY", "aX?b", "a😀b", "X", "2:i", "1:i");
    CHECK_CALL("OVERLAY", "hXX", "hello", "XX", "2:i", "0:i");
    CHECK_CALL("OVERLAY", "hello", "hello", "XX", "6:i");
    CHECK_CALL("REPLACE", "-a-?-?-", "a😀", "", "-");
    CHECK_CALL("SPLIT", "[a, ?, ?]", "a😀", "");
}

TEST(string, parts_between_separators) {
    CHECK_CALL("SPLIT", "[a, b, , c, ]", "a,b,,c,", ",");
    CHECK_CALL("SPLIT", "[]", "", ",");
    CHECK_CALL("SPLIT_INDEX", "", "a,b,,c,", ",", "4:i");
    CHECK_CALL("SPLIT_INDEX", "NULL", "a,b,,c,", ",", "5:i");
    CHECK_CALL("SPLIT_INDEX", "b", "a,b", "44:i", "1:i");
    CHECK_CALL("SPLIT_INDEX", "NULL", "a,b", "300:i", "0:i");
}

TEST(string, only_a_null_text_translates_to_null) {
    CHECK_CALL("TRANSLATE", "xxzzcc", "aabbcc", "aab", "xyz");
    CHECK_CALL("TRANSLATE", "aéb", "a😀b", "😀", "é");
    CHECK_CALL("TRANSLATE", "c", "abc", "ab", "NULL");
    CHECK_CALL("TRANSLATE", "abc", "abc", "NULL", "x");
}

TEST(string, charsets_replace_what_they_cannot_say) {
    CHECK_CALL("ENCODE", "feff006100e9", "aé", "UTF-16");
    CHECK_CALL("ENCODE", "613f", "a😀", "iso-8859-1");
    CHECK_CALL("ENCODE", "c8d5", "日", "GBK");
    CHECK_CALL("ENCODE", "3f93fa", "é日", "Shift_JIS");
    CHECK_CALL("DECODE", "€a", "8061:x", "windows-1252");
    CHECK_CALL("DECODE", "\xEF\xBF\xBD" "a", "ff61:x", "UTF-8");
    CHECK_CALL("DECODE", "\xEF\xBF\xBD", "e697:x", "UTF-8");
    CHECK_CALL("DECODE", "a", "fffe6100:x", "UTF-16");
    CHECK_CALL_FAILS("ENCODE", "a", "nope");
    CHECK_CALL_FAILS("ENCODE", "a", "ASCII//TRANSLIT");
}

TEST(string, base64_padding_is_all_or_nothing) {
    CHECK_CALL("TO_BASE64", "w6k=", "é");
    CHECK_CALL("FROM_BASE64", "i", "aa");
    CHECK_CALL("FROM_BASE64", "hello", "aGVsbG8=");
    CHECK_CALL_FAILS("FROM_BASE64", "aa=");
    CHECK_CALL_FAILS("FROM_BASE64", "a");
    CHECK_CALL_FAILS("FROM_BASE64", "aGVsbG8=x");
    CHECK_CALL_FAILS("FROM_BASE64", "a GVs");
}

TEST(string, hex_of_numbers_and_texts) {
    CHECK_CALL("HEX", "FFFFFFFFFFFFFFFF", "-1:i");
    CHECK_CALL("HEX", "616263C3A9", "abcé");
    CHECK_CALL("UNHEX", "00bc", "ABC");
    CHECK_CALL("UNHEX", "NULL", "zz");
}

TEST(string, tests_follow_java_lang_character) {
    CHECK_CALL("IS_ALPHA", "TRUE", "日本");
    CHECK_CALL("IS_ALPHA", "FALSE", "𝒜");
    CHECK_CALL("IS_ALPHA", "FALSE", "NULL");
    CHECK_CALL("IS_DECIMAL", "TRUE", "１２");
    CHECK_CALL("IS_DECIMAL", "TRUE", " 1.5e3f ");
    CHECK_CALL("IS_DECIMAL", "FALSE", "0x1F");
    CHECK_CALL("IS_DECIMAL", "TRUE", "0x1.8p1");
    CHECK_CALL("IS_DIGIT", "TRUE", "12:i");
}

TEST(string, elt_refuses_what_it_cannot_choose_from) {
    CHECK_CALL("ELT", "b", "2:i", "a", "b");
    CHECK_CALL("ELT", "NULL", "0:i", "a", "b");
    CHECK_CALL_FAILS("ELT", "-1:i", "a");
    CHECK_CALL_FAILS("ELT", "1:i", "a", "01:x");
}
