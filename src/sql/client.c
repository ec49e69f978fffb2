// What Flink's client reads before, or instead of, the grammar: SET and RESET without quotes, QUIT
// and its kin; and the cutting of scripts into statements.
#include "sql/parser_int.h"

// ---- words of the client -----------------------------------------------------------------------

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

// Takes [word] (any case) off the front of [rest] when it ends there.
static bool take_front(Str *rest, const char *word) {
    uint32_t len = (uint32_t)strlen(word);
    if (rest->len < len || !str_eq_nocase(str_sub(*rest, 0, len), str_c(word))) return false;
    if (rest->len > len && !is_blank(rest->ptr[len])) return false;
    *rest = str_trim(str_sub(*rest, len, rest->len - len));
    return true;
}

// key = value, both without blanks (the value may be in quotes); the last '=' that leaves both
// sides their text divides them, as Flink's regular expression does.
static bool key_and_value(Str rest, Str *key, Str *value) {
    uint32_t key_end = 0;
    while (key_end < rest.len && !is_blank(rest.ptr[key_end]) && rest.ptr[key_end] != '\'') {
        key_end++;
    }
    if (key_end == 0) return false;
    for (uint32_t split = key_end; split > 0; split--) {
        Str behind = str_trim(str_sub(rest, split, rest.len - split));
        if (behind.len < 2 || behind.ptr[0] != '=') continue;
        Str text = str_trim(str_sub(behind, 1, behind.len - 1));
        if (text.len == 0) continue;
        *key = str_sub(rest, 0, split);
        if (text.ptr[0] == '\'') {
            int64_t end = str_find(text, STR("'"), 1);
            if (end != (int64_t)text.len - 1) continue;
            *value = str_sub(text, 1, text.len - 2);
            return true;
        }
        bool blank = false;
        for (uint32_t i = 0; i < text.len; i++) {
            blank |= is_blank(text.ptr[i]) || text.ptr[i] == ';';
        }
        if (blank) continue;
        *value = text;
        return true;
    }
    return false;
}

static AstStmt *client_stmt(Arena *arena, Str text, AstStmtKind kind) {
    Token all = {.from = 0, .to = text.len, .line = 1, .column = 1};
    AstStmt *stmt = ARENA_NEW(arena, AstStmt);
    stmt->kind = kind;
    stmt->span = (AstSpan){.place = token_place(text, &all), .from = 0, .to = text.len};
    return stmt;
}

AstStmt *parse_client(Arena *arena, Str text) {
    static const char *const WORDS[] = {"QUIT", "EXIT", "CLEAR", "HELP"};
    Str rest = str_trim(text);
    if (str_ends(rest, STR(";"))) rest = str_trim(str_sub(rest, 0, rest.len - 1));
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (!str_eq_nocase(rest, str_c(WORDS[i]))) continue;
        AstStmt *stmt = client_stmt(arena, text, STMT_CLIENT);
        stmt->client = ARENA_NEW(arena, AstClient);
        stmt->client->word = str_c(WORDS[i]);
        return stmt;
    }
    Str key, value = {0};
    if (take_front(&rest, "SET")) {
        if (!key_and_value(rest, &key, &value)) return NULL;
    } else if (take_front(&rest, "RESET")) {
        key = rest;
        if (key.len == 0) return NULL;
        for (uint32_t i = 0; i < key.len; i++) {
            if (is_blank(key.ptr[i]) || key.ptr[i] == '\'') return NULL;
        }
    } else {
        return NULL;
    }
    AstStmt *stmt = client_stmt(arena, text, value.ptr ? STMT_SET : STMT_RESET);
    stmt->set = ARENA_NEW(arena, AstSet);
    stmt->set->key = str_dup(arena, key);
    if (value.ptr) stmt->set->value = str_dup(arena, value);
    return stmt;
}

// ---- scripts -----------------------------------------------------------------------------------

// Follows the words of a statement to know whether a ';' ends it or stands in a statement set.
typedef struct SetTracker {
    Keyword last[3];   // the last words, newest first; KW_IDENTIFIER for any other token
    bool inside;       // of BEGIN … END
    bool at_start;     // nothing but a ';' or BEGIN since: where END closes the set
    bool pending;      // BEGIN STATEMENT SET was read: its ';' opens the set
} SetTracker;

static void tracker_feed(SetTracker *tracker, const Token *token) {
    Keyword word = token->kind == TOK_WORD ? (Keyword)token->word : KW_IDENTIFIER;
    bool was_start = tracker->at_start;
    tracker->at_start = false;
    if (tracker->inside) {
        if (token->kind == TOK_SEMICOLON) tracker->at_start = true;
        else if (word == KW_END && was_start) tracker->inside = false;
    } else if (word == KW_BEGIN && tracker->last[0] == KW_SET && tracker->last[1] == KW_STATEMENT) {
        tracker->inside = tracker->at_start = true;
    } else if (word == KW_SET && tracker->last[0] == KW_STATEMENT && tracker->last[1] == KW_BEGIN) {
        tracker->pending = true;
    }
    tracker->last[2] = tracker->last[1];
    tracker->last[1] = tracker->last[0];
    tracker->last[0] = word;
}

bool sql_split(Str script, uint32_t *at, Str *out, Place *first, bool *complete) {
    Lexer lexer;
    lexer_init(&lexer, script);
    lexer_seek(&lexer, *at);

    SetTracker tracker = {0};
    Token token, start = {0};
    uint32_t end = *at;
    bool any = false;
    for (;;) {
        bool broken = lexer_next(&lexer, &token, NULL) != ST_OK;
        if (broken) {
            // No token: the parser will say what it is. An unclosed text or comment takes the rest.
            if (!any) start = token;
            any = true;
            if (lexer_skip_broken(&lexer)) {
                end = lexer.at;
                tracker.at_start = false;
                continue;
            }
            end = script.len;
            lexer.at = script.len;
            token.kind = TOK_END;
        }
        bool semicolon = token.kind == TOK_SEMICOLON;
        if (semicolon && !any) continue;  // an empty statement
        if (semicolon && tracker.pending) {
            tracker.pending = false;
            tracker.inside = tracker.at_start = true;
            end = token.to;
            continue;
        }
        if (token.kind == TOK_END || (semicolon && !tracker.inside)) {
            *at = token.kind == TOK_END ? script.len : token.to;
            if (complete) *complete = semicolon;
            if (!any) return false;
            *out = str_sub(script, start.from, end - start.from);
            *first = (Place){start.line, start.column, start.line, start.column};
            return true;
        }
        if (!any) start = token;
        any = true;
        end = token.to;
        tracker_feed(&tracker, &token);
    }
}
