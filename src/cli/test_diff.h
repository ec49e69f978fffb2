// cli/test_diff.h - whether an answer is the expected one, and how it differs if not.
//
// Answers are lines of TAB-separated values as CAST AS STRING prints them. Equal bytes are equal;
// beyond that the column's type decides: FLOAT and DOUBLE compare with a tolerance (1e-6 and 1e-12,
// relative), the entries of a MAP or MULTISET as a set, at any depth.
#pragma once

#include "base/text.h"

typedef struct Lines {
    Str *line;
    uint32_t count;
} Lines;

// Cuts [text] at line ends, into [arena]; a line end at the very end begins no line.
Lines lines_of(Arena *arena, Str text);

// Whether two values are the same by the rules of their type ("ARRAY<DOUBLE NOT NULL>"). A type
// that is not understood compares bytewise.
bool value_same(Str type, Str expected, Str got);

typedef enum RowOrder {
    ROWS_AS_SET,   // any order; the same row as often on both sides
    ROWS_IN_ORDER,
} RowOrder;

// Whether two answers are the same. The first line of each holds the column types, which must be
// equal; then rows follow, with a change kind before their columns when [changes].
bool answer_same(Arena *arena, Lines expected, Lines got, RowOrder order, bool changes);

// A unified diff of two lists of lines, each line after [indent], at most [lines_max] lines. Lines
// that only differ within the tolerance of the types in the first line are shown as equal.
void answer_diff(Arena *arena, Lines expected, Lines got, bool changes, const char *indent,
                 uint32_t lines_max, Buf *out);
