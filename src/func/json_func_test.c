#include <stdlib.h>

#include "func/call_test.h"

#define DOC "{\"a\":{\"b\":[10,20,30]},\"l\":[{\"k\":1,\"v\":\"x\"},{\"k\":2,\"v\":\"y\"}]}"

// JSON_QUERY with an unconditional wrapper shows scalars too; outer brackets are its own.
static const char *query(const char *doc, const char *path) {
    const char *const args[] = {doc, path, "NULL", "UNCONDITIONAL:y", "NULL:y", "ERROR:y"};
    return call_run("JSON_QUERY", args, 6);
}

TEST(json_func, paths_name_members_items_and_slices) {
    CHECK_STR(query(DOC, "$.a.b[1]"), "[20]");
    CHECK_STR(query(DOC, "$['a'][\"b\"][-1]"), "[30]");
    CHECK_STR(query(DOC, "$.a.b[0,2]"), "[[10,30]]");
    CHECK_STR(query(DOC, "$.a.b[1:]"), "[[20,30]]");
    CHECK_STR(query(DOC, "$.a.b[:-1]"), "[[10,20]]");
    CHECK_STR(query(DOC, "$.a.b[1:-1]"), "[[]]");
    CHECK_STR(query(DOC, "$.l[0]['v','k','z']"), "[{\"k\":1,\"v\":\"x\"}]");
    CHECK_STR(query(DOC, "a.b[0]"), "[10]");
    CHECK_STR(query(DOC, "$.a.b["), "[[10,20,30]]");
    CHECK_STR(query(DOC, "$.a.b.length()"), "[3]");
    CHECK_STR(query(DOC, "$.a.b.sum()"), "[60.0]");
}

TEST(json_func, paths_branch_by_wildcards_scans_and_filters) {
    CHECK_STR(query(DOC, "$.l[*].k"), "[[1,2]]");
    CHECK_STR(query(DOC, "$..v"), "[[\"x\",\"y\"]]");
    CHECK_STR(query("{\"a\":{\"b\":[10,20]}}", "$..*"), "[[{\"b\":[10,20]},[10,20],10,20]]");
    CHECK_STR(query("[[1,2],[3,4],[5]]", "$..[1]"), "[[[3,4],2,4]]");
    CHECK_STR(query(DOC, "$.a.b[?(@ > 10 && @ < 30)]"), "[[20]]");
    CHECK_STR(query(DOC, "$.l[?(@.v == 'y')].k"), "[[2]]");
    CHECK_STR(query(DOC, "$.l[?(!(@.k == 1))].v"), "[[\"y\"]]");
    CHECK_STR(query(DOC, "$.l[?(@.v =~ /X/i)].k"), "[[1]]");
    CHECK_STR(query(DOC, "$.l[?(@.z)]"), "[[]]");
    CHECK_STR(query(DOC, "$.l[?(@.k in [2, 3])].v"), "[[\"y\"]]");
    CHECK_STR(query("[{\"a\":1},{\"a\":\"1\"}]", "$[?(@.a == 1)]"), "[[{\"a\":1},{\"a\":\"1\"}]]");
    CHECK_STR(query("[{\"a\":1},{\"a\":\"1\"}]", "$[?(@.a === 1)]"), "[[{\"a\":1}]]");
    CHECK_STR(query("{\"m\":2,\"l\":[1,2,3]}", "$.l[?(@ >= $.m)]"), "[[2,3]]");
}

TEST(json_func, what_is_no_path_fails) {
    const char *const bad[] = {"$a", "$.", "$..", "$.a b", "$[a]", "$ .a", "  $.a", "$[?(@.k=1)]",
                               "$[?(@.k ==)]", "$.a.nope()", "$[", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(strncmp(query(DOC, bad[i]), "error", 5) == 0);
    }
    CHECK(strncmp(query(DOC, "$.a.x"), "error", 5) == 0);
    CHECK(strncmp(query(DOC, "$.l.k"), "error", 5) == 0);
}

TEST(json_func, modes_choose_between_empty_and_error) {
#define VALUE(doc, path)   \
    call_run("JSON_VALUE", \
             (const char *const[]){doc, path, "NULL", "DEFAULT:y", "e", "DEFAULT:y", "r"}, 7)
    CHECK_STR(VALUE("{\"a\":1}", "$.b"), "r");
    CHECK_STR(VALUE("{\"a\":1}", "lax $.b"), "e");
    CHECK_STR(VALUE("{\"a\":null}", "strict $.a"), "r");
    CHECK_STR(VALUE("{\"a\":null}", "LAX  $.a"), "e");
    CHECK_STR(VALUE("bad", "lax $.a"), "e");
    CHECK_STR(VALUE("bad", "$.a"), "r");
    CHECK_STR(VALUE("null", "lax $.a"), "r");
    CHECK_STR(VALUE("{\"a\":[1]}", "lax $.a"), "e");
    CHECK_STR(VALUE("{\"a\":1.0e5} x", "$.a"), "1.0E+5");
    CHECK_STR(VALUE("NULL", "$.a"), "NULL");
}

TEST(json_func, is_json_reads_the_first_value) {
    CHECK_CALL("IS JSON", "TRUE", "{\"a\":1} x");
    CHECK_CALL("IS JSON", "FALSE", "1x");
    CHECK_CALL("IS JSON SCALAR", "TRUE", "null");
    CHECK_CALL("IS NOT JSON", "TRUE", "NULL");
}

TEST(json_func, quoting_keeps_to_ascii) {
    CHECK_CALL("JSON_QUOTE", "\"\\u00e9\\u1f600\\ude00\\/\\\"\"", "é😀/\"");
    CHECK_CALL("JSON_UNQUOTE", "a\nb", "\"a\\nb\"");
    CHECK_CALL("JSON_UNQUOTE", "a\"b", "\"a\"b\"");
    CHECK_CALL("JSON_UNQUOTE", "\"a\\q\"", "\"a\\q\"");
    CHECK_CALL("JSON_UNQUOTE", " \"a\" ", " \"a\" ");
}

TEST(json_func, objects_are_sorted_and_embed_json) {
    CHECK_CALL("JSON_OBJECT", "{\"a\":{\"x\":1},\"b\":\"{}\"}", "NULL_ON_NULL:y", ".j:y", "b", "{}",
               "a", "{\"x\":1}");
    CHECK_CALL("JSON_OBJECT", "{\"a\":null}", "NULL_ON_NULL:y", ".:y", "a", "NULL");
    CHECK_CALL("JSON_ARRAY", "[1]", "ABSENT_ON_NULL:y", "..:y", "1:i", "NULL");
    CHECK_CALL("JSON_STRING", "\"Cv8=\"", "0aff:x");
    CHECK_CALL("JSON", "{\"a\":1E+3,\"b\":1.50}", "{\"b\": 1.50, \"a\": 1e3} x");
    CHECK_CALL_FAILS("JSON", "text");
}
