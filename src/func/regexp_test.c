#include "func/regexp.h"

#include <stdlib.h>

#include "func/call_test.h"

// "1" found, "0" not found, "refused" by Java, "cannot" by us.
static const char *find(const char *pattern, const char *text) {
    Regexp *regexp = NULL;
    bool found = false;
    Status st = regexp_new(str_c(pattern), 0, &regexp, NULL);
    if (!st) CHECK(!regexp_find(regexp, str_c(text), 0, &found, NULL));
    regexp_free(regexp);
    return st == ST_UNSUPPORTED ? "cannot" : st ? "refused" : found ? "1" : "0";
}

TEST(regexp, classes_unite_and_intersect) {
    CHECK_STR(find("[a-c&&[^b]]", "b"), "0");
    CHECK_STR(find("[a-c&&[^b]]", "c"), "1");
    CHECK_STR(find("[a[d]]", "d"), "1");
    CHECK_STR(find("[^a-d[m-p]]", "m"), "0");
    CHECK_STR(find("[^a-d[m-p]]", "z"), "1");
    CHECK_STR(find("[^a-z&&[^b]]", "b"), "1");
    CHECK_STR(find("[a&&b]", "b"), "0");
    CHECK_STR(find("[a&b]", "&"), "1");
    CHECK_STR(find("[]]", "]"), "1");
    CHECK_STR(find("[a-]", "-"), "1");
    CHECK_STR(find("[\\d&&[^5]]+$", "1235"), "0");
    CHECK_STR(find("[\\w-]+", "-"), "1");
    CHECK_STR(find("[\\Q[a]\\E]+$", "a]["), "1");
    CHECK_STR(find("[]", "a"), "refused");
    CHECK_STR(find("[z-a]", "a"), "refused");
}

TEST(regexp, case_folds_ascii_unless_told_unicode) {
    CHECK_STR(find("(?i)É", "é"), "0");
    CHECK_STR(find("(?iu)É", "é"), "1");
    CHECK_STR(find("(?i)AB", "aB"), "1");
    CHECK_STR(find("(?i)[x-z]b(?-i)c", "XBc"), "1");
    CHECK_STR(find("(?i)[x-z]b(?-i)c", "XBC"), "0");
    CHECK_STR(find("(?i:a)b", "AB"), "0");
    CHECK_STR(find("(?i)(a)\\1", "aA"), "1");
    CHECK_STR(find("a(?iu:É)é", "aéÉ"), "0");
}

TEST(regexp, lines_end_as_in_java) {
    CHECK_STR(find("^line2$", "line1\nline2"), "0");
    CHECK_STR(find("(?m)^line2$", "line1\nline2"), "1");
    CHECK_STR(find("x$", "x\n"), "1");
    CHECK_STR(find("x$", "x\r\n"), "1");
    CHECK_STR(find("x$", "x\n\n"), "0");
    CHECK_STR(find("a.b", "a\nb"), "0");
    CHECK_STR(find("a.b", "a\xE2\x80\xA8" "b"), "0");
    CHECK_STR(find("(?s)a.b", "a\nb"), "1");
    CHECK_STR(find("(?d)a.b", "a\rb"), "1");
    CHECK_STR(find("(?m)a$\\s", "a\r\n"), "1");
}

TEST(regexp, named_classes_are_java_s) {
    CHECK_STR(find("\\p{Alpha}", "é"), "0");
    CHECK_STR(find("\\p{IsAlphabetic}", "é"), "1");
    CHECK_STR(find("\\p{javaLowerCase}", "é"), "1");
    CHECK_STR(find("\\p{InGreek}", "α"), "1");
    CHECK_STR(find("\\p{block=Greek and Coptic}", "α"), "1");
    CHECK_STR(find("\\p{IsGreek}\\p{script=Greek}", "αβ"), "1");
    CHECK_STR(find("\\p{IsHan}", "日"), "1");
    CHECK_STR(find("\\p{Punct}", "+"), "1");
    CHECK_STR(find("\\p{P}", "+"), "0");
    CHECK_STR(find("\\pL\\P{L}", "a1"), "1");
    CHECK_STR(find("\\p{NoSuch}", "a"), "refused");
    CHECK_STR(find("\\p{javaNoSuch}", "a"), "cannot");
    CHECK_STR(find("\\w", "é"), "0");
    CHECK_STR(find("(?U)\\w", "é"), "1");
    CHECK_STR(find("\\bb", "éb"), "0");
}

TEST(regexp, escapes_are_java_s) {
    CHECK_STR(find("^\\u0041\\x42\\0103\\x{1F600}\\ud83d\\ude00\\t$", "ABC😀😀\t"), "1");
    CHECK_STR(find("a\\Q.*\\Eb", "a.*b"), "1");
    CHECK_STR(find("(?<n>a)\\k<n>", "aa"), "1");
    CHECK_STR(find("(a)\\2", "aa"), "0");
    CHECK_STR(find("(?x)a\\ b # c", "a b"), "1");
    CHECK_STR(find("a\\.b\\-\\/\\\"", "a.b-/\""), "1");
    CHECK_STR(find("\\y", "y"), "refused");
    CHECK_STR(find("a\\", "a"), "refused");
}

TEST(regexp, what_java_refuses_is_refused) {
    const char *const bad[] = {"(",      ")",    "[",      "*",          "a**",    "{",
                               "a{",     "a{b}", "a{2,1}", "(?",         "(?#c)a", "(?P<n>a)",
                               "\\k<n>", "a|*",  "x\\Ey",  "[[:alpha:]", "(?z)"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_STR(find(bad[i], "a"), "refused");
    CHECK_STR(find("a}]", "a}]"), "1");
    CHECK_STR(find("(?<=a{1,3})b", "ab"), "cannot");
    CHECK_STR(find("a++a", "aaa"), "0");
    CHECK_STR(find("(?<=foo)bar(?!x)", "foobar"), "1");
}

TEST(regexp, functions_never_fail_for_a_bad_pattern) {
    CHECK_CALL("REGEXP", "FALSE", "abc", "[");
    CHECK_CALL("REGEXP", "FALSE", "abc", "");
    CHECK_CALL("REGEXP_EXTRACT", "NULL", "abc", "(");
    CHECK_CALL("REGEXP_EXTRACT", "NULL", "abc", "(x)?b", "1:i");
    CHECK_CALL("REGEXP_EXTRACT", "NULL", "abc", "b", "1:i");
    CHECK_CALL("REGEXP_REPLACE", "<$0>a<$0>b<$0>c<$0>", "abc", "", "<$0>");
    CHECK_CALL("REGEXP_REPLACE", "<$0><$0>", "aaa", "a*", "<$0>");
    CHECK_CALL("REGEXP_EXTRACT_ALL", "[1, NULL]", "a1b", "([a-z])(\\d)?", "2:i");
    CHECK_CALL("REGEXP_EXTRACT_ALL", "NULL", "abc", "b");
    CHECK_CALL("REGEXP_COUNT", "4", "abc", "");
    CHECK_CALL("REGEXP_INSTR", "4", "😀ab", "b");
    CHECK_CALL("REGEXP_SUBSTR", "", "abc", "");
}

TEST(regexp, str_to_map_splits_as_java) {
    CHECK_CALL("STR_TO_MAP", "{a=1, b=2}", "a=1,b=2,,");
    CHECK_CALL("STR_TO_MAP", "{=NULL, a=1, b=2}", "a=1,,b=2");
    CHECK_CALL("STR_TO_MAP", "{k1=v1, k2=v2}", "k1$v1*k2$v2", "\\*", "\\$");
    CHECK_CALL("STR_TO_MAP", "{a=, 1=, b=}", "a1b", "", "");
    CHECK_CALL("STR_TO_MAP", "{a==}", "a==1", "1", "=");
    CHECK_CALL("STR_TO_MAP", "{a=2}", "a=1,a=2");
    CHECK_CALL_FAILS("STR_TO_MAP", "a=1", "[", "=");
}

TEST(like, percent_and_underscore) {
    CHECK_CALL("LIKE", "TRUE", "abc", "a%c");
    CHECK_CALL("LIKE", "TRUE", "aab", "%ab");
    CHECK_CALL("LIKE", "TRUE", "abcabc", "%a%c");
    CHECK_CALL("LIKE", "FALSE", "ab", "ab%b");
    CHECK_CALL("LIKE", "TRUE", "日本語", "日_語");
    CHECK_CALL("LIKE", "TRUE", "😀x", "_x");
    CHECK_CALL("LIKE", "FALSE", "a", "%_%_%");
    CHECK_CALL("LIKE", "TRUE", "xaybz", "%a_b%");
    CHECK_CALL("LIKE", "TRUE", "", "%");
    CHECK_CALL("LIKE", "FALSE", "", "_");
    CHECK_CALL("NOT LIKE", "TRUE", "abc", "b%");
}

TEST(like, escapes) {
    CHECK_CALL("LIKE", "TRUE", "a%b", "a#%b", "#");
    CHECK_CALL("LIKE", "FALSE", "axb", "a#%b", "#");
    CHECK_CALL("LIKE", "TRUE", "a#b", "a##b", "#");
    CHECK_CALL("LIKE", "TRUE", "a\\b", "a\\b");
    CHECK_CALL("LIKE", "TRUE", "a%b", "a%%b", "%");
    CHECK_CALL_FAILS("LIKE", "a", "a#", "#");
    CHECK_CALL_FAILS("LIKE", "a", "#a", "#");
    CHECK_CALL_FAILS("LIKE", "a", "a", "##");
}

TEST(like, similar_to_is_a_regular_expression) {
    CHECK_CALL("SIMILAR TO", "TRUE", "foo-bar", "%-(bar|baz)");
    CHECK_CALL("SIMILAR TO", "TRUE", "abC", "[[:ALPHA:]]+");
    CHECK_CALL("SIMILAR TO", "FALSE", "a\n", "a_");
    CHECK_CALL("SIMILAR TO", "TRUE", "a\nb", "a%");
    CHECK_CALL("SIMILAR TO", "TRUE", "a%c", "a#%c", "#");
    CHECK_CALL("SIMILAR TO", "FALSE", "a.b", "a\\.b");
    CHECK_CALL("SIMILAR TO", "TRUE", "a$", "a$");
    CHECK_CALL("SIMILAR TO", "TRUE", "x", "a|x");
    CHECK_CALL_FAILS("SIMILAR TO", "a", "*");
    CHECK_CALL_FAILS("SIMILAR TO", "a", "[a");
    CHECK_CALL_FAILS("SIMILAR TO", "a", "a[%]");
}
