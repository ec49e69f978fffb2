// cli/test_case.h - one record of a case file against an engine: what came out, and whether it is
// what the file says. Knows the format of answers, not the engine: cli/test_session.h does.
#pragma once

#include "cli/test_diff.h"
#include "cli/test_file.h"
#include "type/value.h"

// One row that came out, its values printed, escaped and TAB-separated.
typedef struct CaseChange {
    RowKind kind;
    Str row;
} CaseChange;

// What a statement gave. Zero-initialise, then case_outcome_clear between records.
typedef struct CaseOutcome {
    Arena arena;
    bool has_rows;  // a query, SHOW, DESCRIBE …: a schema came
    Str names;      // "a, b"
    Str types;      // "INT\tBIGINT NOT NULL"
    CaseChange *change;
    uint32_t count, cap;
} CaseOutcome;

void case_outcome_clear(CaseOutcome *outcome);
// Adds a row; the text is copied.
void case_outcome_add(CaseOutcome *outcome, RowKind kind, Str row);

// The folders that ${DATA} and ${TMP} stand for.
typedef struct CaseDirs {
    Str data, tmp;
} CaseDirs;

// SQL with the placeholders filled in, and a text with the folders made placeholders again.
Str case_expand(Arena *arena, const CaseDirs *dirs, Str sql);
Str case_collapse(Arena *arena, const CaseDirs *dirs, Str text);

// Appends a value as answers show it: "(empty)", and \\ \t \n \r.
void case_escape(Str value, Buf *out);

// A `query changelog` record as the `query rows` that its changes come to, in [arena]: what still
// holds where rows of different keys may come in another order. Other records come back as they
// are.
CaseRecord case_materialised(Arena *arena, const CaseRecord *record);

// The lines below "----" that [kind] asks for: types and rows, or the stage of a failure.
void case_answer_print(CaseKind kind, const CaseOutcome *outcome, Buf *out);

// Whether a record passes: [status] and [error] say how execution ended. When not, [report] gets a
// few indented lines: what was expected and what came.
bool case_passes(const CaseRecord *record, Status status, const Error *error,
                 const CaseOutcome *outcome, Buf *report);

// The record's SQL, indented, its tail cut when it is long.
void case_sql_print(const CaseRecord *record, Buf *out);

// The kind that fits what happened, as near to [kind] as can be: for filling in answers.
CaseKind case_kind_of(CaseKind kind, Status status, const CaseOutcome *outcome);
