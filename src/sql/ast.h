// sql/ast.h - the syntax tree of Flink SQL: what the parser makes, the binder and the printer read.
//
// The tree says what was written, not what it means: names are unresolved, types are spellings,
// nothing has been folded or checked beyond what Flink's own parser checks.
//
// Memory:  every node lies in the arena that was given to the parser and goes with it; nothing is
//          freed singly. Texts are decoded copies in the same arena; the tree does not point into
//          the statement's text, the spans do (by offset).
// Absent:  an optional node is NULL, an optional list has count 0, an optional text has ptr NULL.
// Threads: read-only once parsed.
#pragma once

#include "sql/ast_expr.h"
#include "sql/ast_query.h"
#include "sql/ast_stmt.h"
