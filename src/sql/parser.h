// sql/parser.h - text to tree: a hand-written recursive-descent parser, precedence climbing for
// expressions, over the tokens of sql/lexer.h. The grammar is Flink 2.3's: Calcite's core with
// Flink's statements; what Flink's parser refuses is refused here with ST_PARSE, what it lets
// through for the validator to refuse is let through.
//
// Errors: ST_PARSE, with the place of the token that does not fit, what was expected there, and as
// hint the nearest keyword when one is close. Threads: none shared; call from anywhere.
#pragma once

#include "sql/ast.h"

// Limits: a statement that goes beyond is refused, so that foreign text cannot exhaust the stack.
enum {
    SQL_TEXT_MAX = 1 << 23,  // bytes of one statement: 160 MiB of tokens at the very worst
    SQL_DEPTH_MAX = 200,     // parentheses, subqueries and types within each other
    SQL_HEIGHT_MAX = 2000,   // of an expression's tree, chains like a OR b OR c … among them
};

// Parses one statement; one ';' may follow. The tree lies in [arena] and holds no pointer into
// [text]. *out is set only on success. ST_VALIDATION: a second statement follows.
NODISCARD Status sql_parse(Arena *arena, Str text, AstStmt **out, Error *err);

// One expression alone, or one query alone, or one type alone: stored computed columns, watermarks,
// views, and types in options are kept as text and read back by these.
NODISCARD Status sql_parse_expr(Arena *arena, Str text, AstExpr **out, Error *err);
NODISCARD Status sql_parse_query(Arena *arena, Str text, AstQuery **out, Error *err);
NODISCARD Status sql_parse_type(Arena *arena, Str text, AstType **out, Error *err);

// Cuts a script into statements: each ends with ';' (not within strings, quoted names, comments,
// nor within a statement set's BEGIN … END). Call with *at = 0, then again until it answers false.
// [out] is the next statement without its ';' and without leading white space and comments;
// [first] is the place of its first character in the script: add it to the places of its tree and
// errors. Empty statements are passed over. *complete (may be NULL) says whether a ';' ended it:
// the shell asks for more lines when not.
bool sql_split(Str script, uint32_t *at, Str *out, Place *first, bool *complete);

// Moves an error's place within a statement to its place in the script that the statement was cut
// of.
void sql_place_in_script(Place first, Place *place);
