#include "format/testing.h"
#include "test/unit.h"

TEST(json, fields_are_found_by_name_in_any_order) {
    FormatCase c;
    format_case(&c, "json", "id INT, name STRING, d DOUBLE, t TIMESTAMP(3)", NULL);
    const char *rows =
        "+I[1, a, 1.5, 2024-01-01 10:00:00.5]\n+I[2, b, 2.0, NULL]\n"
        "+I[3, q\"\xC3\xA9\xF0\x9F\x98\x80, NULL, NULL]\n";
    const char *text =
        "{\"id\":1,\"name\":\"a\",\"d\":1.5,\"t\":\"2024-01-01 10:00:00.5\"}\r\n"
        "{\"name\":\"b\",\"id\":2,\"x\":{\"y\":[1,\"}\"]},\"d\":\"2\"}\n\n"
        "{ \"id\" : 3 , \"name\" : \"q\\\"\\u00e9\\ud83d\\ude00\" }";
    CHECK_STR(format_decode(&c, text), rows);
    for (c.piece = 1; c.piece < 90; c.piece++) CHECK_STR(format_decode(&c, text), rows);
    format_case_end(&c);
}

TEST(json, the_conversions_are_flinks) {
    FormatCase c;
    format_case(&c, "json", "id INT, n DOUBLE, s STRING", "ignore-parse-errors=true");
    CHECK_STR(format_decode(&c, "{\"id\":1,\"n\":1.5,\"s\":\"ok\"}\n"
                                "{\"id\":\"2\",\"n\":\"2.5\",\"s\":3}\n"
                                "{\"id\":3.7,\"n\":true,\"s\":{\"a\":1}}\n"
                                "{\"id\":null,\"n\":null,\"s\":null}\n"
                                "{\"id\":\"x\",\"n\":\"y\",\"s\":[1,2]}\n"
                                "not json at all\n"
                                "\n"
                                "{\"id\":8}\n"
                                "{\"ID\":9,\"S\":\"upper\"}\n"
                                "[{\"id\":10,\"s\":\"in an array\"}]\n"
                                "{\"id\":99999999999,\"n\":1e400,\"s\":\"\"}\n"
                                "{\"id\":12,\"n\":0.1,\"s\":\"dup\",\"id\":13}\n"),
              "+I[1, 1.5, ok]\n+I[2, 2.5, 3]\n+I[3, NULL, {\"a\":1}]\n+I[NULL, NULL, NULL]\n"
              "+I[NULL, NULL, [1,2]]\n+I[8, NULL, NULL]\n+I[NULL, NULL, NULL]\n"
              "+I[10, NULL, in an array]\n+I[NULL, Infinity, ]\n+I[12, 0.1, dup]\n");
    format_case_end(&c);
}

TEST(json, a_record_without_rows_takes_none_away) {
    FormatCase c;
    format_case(&c, "json", "id INT", "ignore-parse-errors=true");
    CHECK_STR(format_decode(&c, "[] \"\xC3\"\n"), "");
    CHECK_STR(format_decode(&c, "{\"id\":1}\n[] \"\xC3\"\n{\"id\":2}\n"), "+I[1]\n+I[2]\n");
    format_case_end(&c);
}

TEST(json, nested_values_and_pruned_rows) {
    FormatCase c;
    format_case(&c, "json",
                "id INT, r ROW<a STRING, b ROW<c INT, d ARRAY<INT>>>, m MAP<STRING, INT>, "
                "l ARRAY<ROW<x INT, y STRING>>",
                NULL);
    const char *text =
        "{\"id\":1,\"r\":{\"a\":\"x\",\"b\":{\"c\":2,\"d\":[1,null,3]}},\"m\":{\"k\":1,\"j\":null,"
        "\"k\":5},\"l\":[{\"x\":1,\"y\":\"p\"},null,{\"y\":\"q\"}]}\n"
        "{\"id\":2,\"r\":null,\"m\":{},\"l\":[]}\n"
        "{\"r\":{\"b\":null,\"a\":\"z\"}}\n";
    CHECK_STR(format_decode(&c, text),
              "+I[1, (x, (2, [1, NULL, 3])), {j=NULL, k=5}, [(1, p), NULL, (NULL, q)]]\n"
              "+I[2, NULL, {}, []]\n+I[NULL, (z, NULL), NULL, NULL]\n");
    format_case_want(&c, "r ROW<b ROW<c INT>>, id INT");
    CHECK_STR(format_decode(&c, text), "+I[((2)), 1]\n+I[NULL, 2]\n+I[(NULL), NULL]\n");
    format_case_want(&c, "");
    CHECK_STR(format_decode(&c, text), "+I[]\n+I[]\n+I[]\n");
    format_case_end(&c);
}

TEST(json, errors_name_field_and_value) {
    FormatCase c;
    format_case(&c, "json", "id INT, r ROW<t DATE>", NULL);
    CHECK(strstr(format_decode(&c, "{\"id\":1}\n{\"id\":2,\"r\":{\"t\":\"2024-02-30\"}}\n"),
                 "field 'r.t': \"2024-02-30\" is not a DATE"));
    CHECK_INT(c.err.place.line, 2);
    CHECK(strstr(format_decode(&c, "{\"id\":1,\"r\":{\"t\":\"2024-02-29\"\n}}\n"), "no JSON"));
    CHECK(strstr(format_decode(&c, "{\"id\":1"), "no JSON"));
    CHECK(strstr(format_decode(&c, "{\"id\":01}"), "no JSON"));
    CHECK(strstr(format_decode(&c, "{\"id\":1,}"), "no JSON"));
    format_case_end(&c);
    format_case(&c, "json", "id INT, s STRING", "fail-on-missing-field=true");
    CHECK(strstr(format_decode(&c, "{\"id\":1}\n"), "field 's' is missing"));
    format_case_end(&c);
}

TEST(json, messages_leave_nothing_behind) {
    FormatCase c;
    format_case(&c, "json", "id INT, s STRING, b BYTES", NULL);
    CHECK_STR(format_decode_messages(&c, "{\"id\":1,\"s\":\"a\\nb\",\"b\":\"AAEC\"}\n"
                                         "{\"s\":{\"k\" : 1.50},\"id\":2}\n"),
              "+I[1, a\nb, AAEC]\n+I[2, {\"k\":1.5}, NULL]\n");
    format_case_end(&c);
}

TEST(json, the_sink_writes_as_jackson) {
    FormatCase c;
    format_case(&c, "json",
                "m MAP<STRING, INT>, n DOUBLE, d DECIMAL(10, 5), t TIMESTAMP(6), s STRING", NULL);
    CHECK_STR(
        format_encode(
            &c,
            "{\"m\":{\"k\":1,\"j\":null},\"n\":1e10,\"d\":0.00001,"
            "\"t\":\"2024-01-01 00:00:00.1\",\"s\":\"\\u00e9 \\\"q\\\" \\\\ / \\t\\u0001\"}"),
        "{\"m\":{\"j\":null,\"k\":1},\"n\":1.0E10,\"d\":0.00001,\"t\":\"2024-01-01 00:00:00.1\","
        "\"s\":\"\xC3\xA9 \\\"q\\\" \\\\ / \\t\\u0001\"}\n");
    format_case_end(&c);
}

TEST(json, debezium_messages_are_changes) {
    FormatCase c;
    format_case(&c, "debezium-json", "id INT, name STRING", "ignore-parse-errors=true");
    static const char BAD[] =
        "{\"before\":null,\"after\":{\"id\":1,\"name\":\"a\"},\"op\":\"c\"}\n"
        "{\"before\":null,\"after\":{\"id\":2,\"name\":\"b\"},\"op\":\"u\"}\n"
        "not json\n"
        "{\"before\":null,\"after\":{\"id\":\"x\",\"name\":\"c\"},\"op\":\"c\"}\n"
        "{\"before\":null,\"after\":{\"id\":4,\"name\":\"d\"},\"op\":\"z\"}\n"
        "{\"op\":\"u\",\"after\":{\"id\":4,\"name\":\"e\"},\"before\":{\"name\":\"d\",\"id\":4}}\n"
        "{\"before\":{\"id\":1},\"after\":null,\"op\":\"d\"}\n";
    CHECK_STR(format_decode(&c, BAD),
              "+I[1, a]\n+I[NULL, c]\n-U[4, d]\n+U[4, e]\n-D[1, NULL]\n");
    CHECK_STR(format_encode(&c, "{\"id\":1,\"name\":null}"),
              "{\"before\":null,\"after\":{\"id\":1,\"name\":null},\"op\":\"c\"}\n");
    format_case_end(&c);
    format_case(&c, "debezium-json", "id INT, name STRING", NULL);
    CHECK(strstr(format_decode(&c, BAD), "REPLICA IDENTITY"));
    format_case_end(&c);
    format_case(&c, "debezium-json", "id INT", "schema-include=true");
    CHECK_STR(format_decode(&c, "{\"schema\":{\"x\":[1]},\"payload\":{\"before\":{\"id\":1},"
                                "\"after\":{\"id\":2},\"op\":\"u\"}}"),
              "-U[1]\n+U[2]\n");
    format_case_end(&c);
}

TEST(json, canal_and_maxwell_send_old_values) {
    FormatCase c;
    format_case(&c, "canal-json", "id INT, name STRING, score DOUBLE", "database.include=^d$");
    CHECK_STR(
        format_decode(
            &c,
            "{\"data\":[{\"id\":\"1\",\"name\":\"Ann\",\"score\":\"10.5\"},{\"id\":\"2\",\"score\":"
            "null}],"
            "\"database\":\"d\",\"old\":null,\"type\":\"INSERT\"}\n"
            "{\"data\":[{\"id\":\"2\",\"name\":\"Bob\",\"score\":\"2.5\"},{\"id\":\"1\",\"name\":"
            "\"Anna\","
            "\"score\":null}],\"database\":\"d\",\"old\":[{\"score\":null},{\"score\":\"10.5\"}],"
            "\"type\":\"UPDATE\"}\n"
            "{\"data\":[{\"id\":\"2\"}],\"database\":\"other\",\"type\":\"DELETE\"}\n"
            "{\"data\":null,\"database\":\"d\",\"type\":\"CREATE\"}\n"
            "{\"data\":[{\"id\":\"2\"}],\"database\":\"d\",\"type\":\"DELETE\"}\n"),
        "+I[1, Ann, 10.5]\n+I[2, NULL, NULL]\n-U[2, Bob, NULL]\n+U[2, Bob, 2.5]\n"
        "-U[1, Anna, 10.5]\n+U[1, Anna, NULL]\n-D[2, NULL, NULL]\n");
    CHECK_STR(format_encode(&c, "{\"id\":1}"),
              "{\"data\":[{\"id\":1,\"name\":null,\"score\":null}],\"type\":\"INSERT\"}\n");
    format_case_end(&c);
    format_case(&c, "maxwell-json", "id INT, name STRING", NULL);
    CHECK_STR(format_decode(&c,
        "{\"type\":\"update\",\"data\":{\"id\":1,\"name\":\"Anna\"},\"old\":{\"name\":\"Ann\"}}\n"),
        "-U[1, Ann]\n+U[1, Anna]\n");
    format_case_end(&c);
}

TEST(json, changelog_formats_know_metadata) {
    FormatCase c;
    format_case(&c, "debezium-json", "id INT", NULL);
    Str names[] = {STR("source.table"), STR("ingestion-timestamp"), STR("source.properties")};
    const Type *types[3], *all[4];
    Str fields[4] = {STR("id"), STR("a"), STR("b"), STR("c")};
    all[0] = c.schema->child[0];
    for (int i = 0; i < 3; i++) all[i + 1] = types[i] = c.format->metadata_type(&c.arena, names[i]);
    c.spec.metadata = names;
    c.spec.metadata_type = types;
    c.spec.metadata_count = 3;
    c.spec.produced = type_row(&c.arena, 4, all, fields, true);
    CHECK_STR(format_decode(&c,
                            "{\"before\":null,\"after\":{\"id\":1},\"source\":{\"db\":\"d\","
                            "\"table\":\"us\\u0065rs\",\"ts_ms\":1},\"op\":\"c\",\"ts_ms\":1001}\n"
                            "{\"before\":{\"id\":1},\"op\":\"d\"}\n"),
              "+I[1, users, 1970-01-01 00:00:01.001Z, {db=d, ts_ms=1, table=users}]\n"
              "-D[1, NULL, NULL, NULL]\n");
    format_case_end(&c);
}
