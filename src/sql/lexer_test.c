#include "sql/lexer.h"
#include "test/unit.h"

// The kinds of all tokens of [text], or "error".
static const char *kinds_of(Arena *arena, const char *text) {
    Buf out = {0};
    Lexer lexer;
    Token token;
    lexer_init(&lexer, str_c(text));
    do {
        if (lexer_next(&lexer, &token, NULL)) {
            buf_free(&out);
            return "error";
        }
        if (token.kind != TOK_END) buf_printf(&out, "%s ", token_kind_text(token.kind));
    } while (token.kind != TOK_END);
    const char *kinds = str_cstr(arena, str_trim(buf_str(&out)));
    buf_free(&out);
    return kinds;
}

static Token first_token(const char *text) {
    Lexer lexer;
    Token token;
    lexer_init(&lexer, str_c(text));
    CHECK(lexer_next(&lexer, &token, NULL) == ST_OK);
    return token;
}

TEST(sql_lexer, tokens_are_the_longest_that_fit) {
    Arena arena;
    arena_init(&arena);
    CHECK_STR(kinds_of(&arena, "a<=b<>c||d=>e..f"),
              "a name '<=' a name '<>' a name '||' a name '=>' a name '..' a name");
    CHECK_STR(kinds_of(&arena, "1.2.3"), "a number a number");
    CHECK_STR(kinds_of(&arena, "1e5 1e 1.e-5"), "a number a whole number a name a number");
    CHECK_STR(kinds_of(&arena, "a-b a--b"), "a name '-' a name a name");
    CHECK_STR(kinds_of(&arena, "x'0a' X 'a' n'a' _utf8'a' u&'a' e'a'"),
              "a binary literal a name a text a text a text a text a text");
    CHECK_STR(kinds_of(&arena, "$a $ a$b é 变量"), "a name '$' a name a name a name");
    CHECK_STR(kinds_of(&arena, "{d {ts{fn { t"), "'{d' '{ts' '{fn' '{t'");
    arena_clear(&arena);
}

TEST(sql_lexer, comments_are_skipped_and_hints_are_not) {
    Arena arena;
    arena_init(&arena);
    CHECK_STR(kinds_of(&arena, "a -- b\n c // d\n /* e */ f /**/ g"),
              "a name a name a name a name");
    CHECK_STR(kinds_of(&arena, "/*+ a */"), "'/*+' a name '*/'");
    CHECK_STR(kinds_of(&arena, "/* a"), "error");
    arena_clear(&arena);
}

TEST(sql_lexer, what_is_no_token_is_refused) {
    Arena arena;
    arena_init(&arena);
    const char *const broken[] = {"'a", "\"a\"", "`a", "``", "`a\nb`", "#",
                                  "@",  "a & b", "~",  "!",  "\\"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        CHECK_STR(kinds_of(&arena, broken[i]), "error");
    }
    arena_clear(&arena);
}

TEST(sql_lexer, places_count_lines_and_utf16_units) {
    Lexer lexer;
    Token token;
    Str text = STR("a\r\n  '😀é\nx' b");
    lexer_init(&lexer, text);
    CHECK(lexer_next(&lexer, &token, NULL) == ST_OK);
    CHECK(token.line == 1 && token.column == 1);
    CHECK(lexer_next(&lexer, &token, NULL) == ST_OK);
    Place place = token_place(text, &token);
    CHECK(place.line == 2 && place.column == 3 && place.end_line == 3 && place.end_column == 2);
    CHECK(lexer_next(&lexer, &token, NULL) == ST_OK);
    CHECK(token.line == 3 && token.column == 4);
    Str wide = STR("'😀' b");
    lexer_init(&lexer, wide);
    CHECK(lexer_next(&lexer, &token, NULL) == ST_OK);
    CHECK(lexer_next(&lexer, &token, NULL) == ST_OK);
    CHECK_INT(token.column, 6);  // the smile is two units
}

TEST(sql_lexer, texts_are_decoded) {
    Arena arena;
    Str out;
    Error err;
    arena_init(&arena);
    Token token = first_token("'it''s'");
    CHECK(str_is(token_unquote(&arena, STR("'it''s'"), &token), "it's"));
    token = first_token("`a``b`");
    CHECK(str_is(token_unquote(&arena, STR("`a``b`"), &token), "a`b"));

    Str c = STR("E'a\\n\\x41\\101\\u00e9\\q\\'''z\\U0001F600'");
    token = first_token(c.ptr);
    CHECK_OK(token_decode_c(&arena, c, &token, &out, &err), &err);
    CHECK(str_is(out, "a\nAAé\\q''z😀"));

    Str u = STR("U&'\\0041\\\\\\d83d\\de00'");
    token = first_token(u.ptr);
    CHECK_OK(token_decode_unicode(&arena, u, &token, '\\', &out, &err), &err);
    CHECK(str_is(out, "A\\😀"));
    Str bad = STR("U&'\\00'");
    token = first_token(bad.ptr);
    CHECK(token_decode_unicode(&arena, bad, &token, '\\', &out, &err) == ST_PARSE);

    Str x = STR("x'0aFf'");
    token = first_token(x.ptr);
    CHECK_OK(token_decode_binary(&arena, x, &token, &out, &err), &err);
    CHECK(str_is(out, "0AFF"));
    arena_clear(&arena);
}

TEST(sql_lexer, keywords_are_found_in_any_case) {
    CHECK(keyword_find(STR("select")) == KW_SELECT);
    CHECK(keyword_find(STR("Zone")) == KW_ZONE);
    CHECK(keyword_find(STR("ABS")) == KW_ABS);
    CHECK(keyword_find(STR("selec")) == KW_IDENTIFIER);
    CHECK(keyword_reserved(KW_VALUE) && !keyword_reserved(KW_TUMBLE));
    CHECK(keyword_function(KW_LEFT) && !keyword_function(KW_FROM));
    for (int word = KW_IDENTIFIER + 2; word < KW_COUNT_; word++) {  // bisection needs the order
        Str before = str_c(keyword_text((Keyword)(word - 1)));
        CHECK(str_cmp(before, str_c(keyword_text((Keyword)word))) < 0);
    }
}
