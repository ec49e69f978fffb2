// sql/lexer.h - text to tokens, as Flink's lexer cuts it (Calcite's, with back-ticks as quotes).
//
// Words are letters, digits, '_' and '$'; letters of other scripts too. Comments are --, // and
// /* */; /*+ is a token, since hints are grammar. A token knows its bytes and its first place;
// token_place counts the rest. Columns count UTF-16 units, as Java does, so that places match
// Flink's messages.
#pragma once

#include "sql/keyword.h"

typedef enum TokenKind {
    TOK_END,
    TOK_WORD,           // [word] says which keyword, KW_IDENTIFIER for a plain identifier
    TOK_QUOTED,         // `…`
    TOK_INTEGER,        // 12
    TOK_DECIMAL,        // 1.2, 1., .2
    TOK_APPROX,         // 1e2
    TOK_TEXT,           // '…'
    TOK_TEXT_PREFIXED,  // N'…', _latin1'…'
    TOK_TEXT_UNICODE,   // U&'…'
    TOK_TEXT_C,         // E'…'
    TOK_BINARY,         // X'…'
    TOK_LPAREN,
    TOK_RPAREN,
    TOK_LBRACKET,
    TOK_RBRACKET,
    TOK_LBRACE,
    TOK_LBRACE_D,   // {d
    TOK_LBRACE_T,   // {t
    TOK_LBRACE_TS,  // {ts
    TOK_LBRACE_FN,  // {fn
    TOK_RBRACE,
    TOK_SEMICOLON,
    TOK_DOT,
    TOK_DOT_DOT,
    TOK_COMMA,
    TOK_EQ,
    TOK_NE,    // <>
    TOK_BANG,  // !=, which Flink names only to refuse it
    TOK_LT,
    TOK_LE,
    TOK_GT,
    TOK_GE,
    TOK_PLUS,
    TOK_MINUS,
    TOK_STAR,
    TOK_SLASH,
    TOK_PERCENT,
    TOK_CONCAT,  // ||
    TOK_BAR,
    TOK_CARET,
    TOK_DOLLAR,
    TOK_COLON,
    TOK_QUESTION,
    TOK_ARROW,  // =>
    TOK_HINT_OPEN,   // /*+
    TOK_HINT_CLOSE,  // */
    TOK_KIND_COUNT_
} TokenKind;

typedef struct Token {
    uint32_t from, to;      // bytes [from, to) of the text
    uint32_t line, column;  // of the first character
    uint16_t word;          // Keyword
    uint8_t kind;           // TokenKind
} Token;

typedef struct Lexer {
    Str text;
    uint32_t at, line, column;
} Lexer;

void lexer_init(Lexer *lexer, Str text);
// The next token; TOK_END at the end, again and again. ST_PARSE for what is no token.
NODISCARD Status lexer_next(Lexer *lexer, Token *token, Error *err);

Place token_place(Str text, const Token *token);
// For those who go on after an error (cutting a script): goes past the character that is no token.
// False when what is broken has no end: a text, a quoted name or a comment takes all the rest.
bool lexer_skip_broken(Lexer *lexer);
// Goes to [at], counting lines on the way.
void lexer_seek(Lexer *lexer, uint32_t at);
static inline Str token_text(Str text, const Token *token) {
    return str_sub(text, token->from, token->to - token->from);
}
const char *token_kind_text(TokenKind kind);  // "','", "a number", for messages

// What a quoted token stands for, made in [arena]. ST_PARSE for a broken escape or digit.
Str token_unquote(Arena *arena, Str text, const Token *token);  // '…' and `…`: doubled quotes
NODISCARD Status token_decode_c(Arena *arena, Str text, const Token *token, Str *out, Error *err);
NODISCARD Status token_decode_unicode(Arena *arena, Str text, const Token *token, char escape,
                                      Str *out, Error *err);
// X'…' to its digits, upper-case.
NODISCARD Status token_decode_binary(Arena *arena, Str text, const Token *token, Str *out,
                                     Error *err);
