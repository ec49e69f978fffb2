#include "func/variant.h"

#include "func/roaring.h"
#include "test/unit.h"

static void check_json(const char *json, const char *want) {
    Buf bytes = {0}, text = {0};
    Error err;
    CHECK_OK(variant_parse(str_c(json), true, &bytes, &err), &err);
    variant_print(buf_str(&bytes), &text);
    CHECK_STR(buf_cstr(&text), want);
    buf_free(&bytes);
    buf_free(&text);
}

TEST(variant, values_come_back_as_flink_prints_them) {
    check_json("{\"b\": [1, 2.50, \"x\"], \"a\": {\"n\": null, \"t\": true}}",
               "{\"a\":{\"n\":null,\"t\":true},\"b\":[1,2.5,\"x\"]}");
    check_json("-0.0", "0");
    check_json("1e2", "100.0");
    check_json("1e400", "Infinity");
    check_json("9223372036854775808", "9223372036854775808");
    check_json("123456789012345678901234567890123456789", "1.2345678901234568E38");
    check_json("-32769", "-32769");
    check_json("\"\\u001f\\\"\\n\"", "\"\\u001F\\\"\\n\"");
    check_json("{\"a\": 1, \"a\": 2}", "{\"a\":2}");
    check_json("1 2", "1");
    check_json("[]", "[]");
    check_json("{}", "{}");
}

TEST(variant, a_name_that_comes_twice_is_an_error_unless_allowed) {
    Buf bytes = {0};
    CHECK_INT(variant_parse(STR("{\"a\": 1, \"a\": 2}"), false, &bytes, NULL), ST_RUNTIME);
    CHECK_INT(variant_parse(STR(""), false, &bytes, NULL), ST_RUNTIME);
    buf_free(&bytes);
}

TEST(variant, large_containers_and_texts_keep_their_parts) {
    Buf json = {0}, bytes = {0}, part = {0}, text = {0};
    Error err;
    bool found;
    buf_puts(&json, "{\"list\":[");
    for (int i = 0; i < 700; i++) buf_printf(&json, "%s%d", i ? "," : "", i * 100);
    buf_puts(&json, "]");
    for (int i = 0; i < 300; i++) buf_printf(&json, ",\"k%d\":\"%0*d\"", i, 70, i);
    buf_puts(&json, "}");
    CHECK_OK(variant_parse(buf_str(&json), false, &bytes, &err), &err);
    CHECK_OK(variant_field(buf_str(&bytes), STR("list"), &part, &found, &err), &err);
    CHECK(found);
    Buf element = {0};
    CHECK_OK(variant_element(buf_str(&part), 700, &element, &found, &err), &err);
    CHECK(found);
    variant_print(buf_str(&element), &text);
    CHECK_STR(buf_cstr(&text), "69900");
    element.len = part.len = text.len = 0;
    CHECK_INT(variant_element(buf_str(&bytes), 1, &element, &found, NULL), ST_RUNTIME);
    CHECK_OK(variant_field(buf_str(&bytes), STR("k299"), &part, &found, &err), &err);
    variant_print(buf_str(&part), &text);
    CHECK_INT(text.len, 72);
    CHECK_OK(variant_field(buf_str(&bytes), STR("zz"), &part, &found, &err), &err);
    CHECK(!found);
    buf_free(&json);
    buf_free(&bytes);
    buf_free(&part);
    buf_free(&text);
    buf_free(&element);
}

TEST(variant, torn_bytes_are_read_without_harm) {
    Buf bytes = {0}, text = {0};
    Error err;
    Str json = STR("{\"a\":[1,2.5,\"xyz\",{\"b\":1e3}],\"c\":123456789012}");
    CHECK_OK(variant_parse(json, false, &bytes, &err), &err);
    for (size_t len = 0; len <= bytes.len; len++) {
        char *copy = mem_alloc(len + 1);
        memcpy(copy, bytes.ptr, len);
        variant_print(str_make(copy, len), &text);
        for (size_t i = 0; i < len; i++) {
            copy[i] = (char)(copy[i] ^ 0x55);
            variant_print(str_make(copy, len), &text);
            copy[i] = (char)(copy[i] ^ 0x55);
        }
        mem_free(copy);
        text.len = 0;
    }
    buf_free(&bytes);
    buf_free(&text);
}

// ---- Roaring ------------------------------------------------------------------------------------

static Roaring set_of(uint32_t from, uint32_t count, uint32_t step) {
    Roaring set = {0};
    for (uint32_t i = 0; i < count; i++) roaring_add(&set, from + i * step);
    return set;
}

static void check_hex(const Roaring *set, const char *want) {
    Buf bytes = {0}, hex = {0};
    roaring_write(set, &bytes);
    for (size_t i = 0; i < bytes.len; i++) buf_printf(&hex, "%02x", (uint8_t)bytes.ptr[i]);
    CHECK_STR(buf_cstr(&hex), want);
    buf_free(&bytes);
    buf_free(&hex);
}

TEST(roaring, the_portable_format_is_flinks) {
    Roaring three = set_of(1, 3, 1), ten = set_of(1, 10, 1), none = {0};
    check_hex(&three, "3a300000010000000000020010000000010002000300");
    check_hex(&ten, "3b3000000100000900010001000900");  // a run is shorter from four on
    check_hex(&none, "3a30000000000000");
    Roaring mixed = set_of(1, 3, 1);
    for (uint32_t i = 65536; i < 65540; i++) roaring_add(&mixed, i);
    roaring_add(&mixed, 131072);
    roaring_add(&mixed, 200000);
    roaring_add(&mixed, 300000);
    check_hex(&mixed,
              "3b3004000200000200010003000200000003000000040000002d00000033000000390000003b0000003d"
              "0000000100020003000100000003000000400de093");
    roaring_free(&three);
    roaring_free(&ten);
    roaring_free(&mixed);
}

TEST(roaring, sets_of_all_kinds_combine_and_come_back) {
    // Array with array, array with bits, bits with bits; overlapping by half.
    static const uint32_t SIZES[] = {10, 3000, 9000, 70000};
    for (int a = 0; a < 4; a++) {
        for (int b = 0; b < 4; b++) {
            for (uint32_t step = 1; step <= 3; step += 2) {
                uint32_t n = SIZES[a], m = SIZES[b];
                Roaring x = set_of(0, n, step), y = set_of(n / 2 * step, m, step);
                uint32_t both = n - n / 2 < m ? n - n / 2 : m;
                static const RoaringOp OPS[] = {ROARING_AND, ROARING_OR, ROARING_XOR,
                                                ROARING_ANDNOT};
                uint32_t want[] = {both, n + m - both, n + m - 2 * both, n - both};
                for (int o = 0; o < 4; o++) {
                    Roaring out = {0}, back;
                    Buf bytes = {0};
                    roaring_combine(&x, &y, OPS[o], &out);
                    CHECK_INT(roaring_count(&out), want[o]);
                    roaring_write(&out, &bytes);
                    CHECK(roaring_read(buf_str(&bytes), &back));
                    CHECK_INT(roaring_count(&back), want[o]);
                    uint32_t v, w, seen = 0;
                    RoaringAt at = {0}, back_at = {0};
                    while (roaring_next(&out, &at, &v)) {
                        CHECK(roaring_next(&back, &back_at, &w) && v == w);
                        seen++;
                    }
                    CHECK_INT(seen, want[o]);
                    buf_free(&bytes);
                    roaring_free(&out);
                    roaring_free(&back);
                }
                roaring_free(&x);
                roaring_free(&y);
            }
        }
    }
}

TEST(roaring, torn_bytes_are_refused) {
    Roaring set = set_of(100, 5000, 2), out;
    Buf bytes = {0};
    roaring_write(&set, &bytes);
    for (size_t len = 0; len < bytes.len; len += 97) {
        CHECK(!roaring_read(str_make(bytes.ptr, len), &out));
        CHECK_INT(out.count, 0);
    }
    buf_free(&bytes);
    roaring_free(&set);
}
