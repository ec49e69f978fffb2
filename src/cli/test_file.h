// cli/test_file.h - case files: SQL statements and queries with the answers they must give. The
// format is described in docs/testing.md; this is its reader and its writer.
//
// A file is read whole and cut into records, all of them views into the text; a writer gives the
// text back with other answers, every byte that is not an answer kept.
//
// Life: case_file_parse, reads, case_file_clear. Threads: none shared.
#pragma once

#include "base/text.h"

// Limits on foreign files: beyond them a file is refused, with the place.
enum {
    CASE_TEXT_MAX = 1 << 26,     // bytes of a file
    CASE_RECORDS_MAX = 1 << 16,  // of a file
};

typedef enum CaseKind {
    CASE_STATEMENT_OK,
    CASE_STATEMENT_ERROR,
    CASE_QUERY_ROWS,     // what is left when all changes are applied, sorted bytewise
    CASE_QUERY_ORDERED,  // the same in the order of arrival
    CASE_QUERY_CHANGES,  // every change as it came
    CASE_QUERY_ERROR,
    CASE_KIND_COUNT_
} CaseKind;

typedef struct CaseRecord {
    CaseKind kind;
    bool optional;    // marked `# quirk` or `# flink-bug`: may differ, which counts as skipped
    bool answered;    // has a "----" line
    uint32_t line;    // of the head, counted from 1
    Str comments;     // the comment lines right above the head, with their line ends
    Str head;         // the line itself, without its end
    Str sql;          // without the last line end
    Str answer;       // from "----" to the end of the last line, with line ends; or empty, at the
                      // place where it would begin
} CaseRecord;

// Zero-initialised is empty.
typedef struct CaseFile {
    Str text;  // borrowed; the records point into it
    CaseRecord *record;
    uint32_t count;
    Arena arena;
} CaseFile;

// Reads [text], which must stay where it is. ST_PARSE with the line of what is not a record.
NODISCARD Status case_file_parse(Str text, CaseFile *file, Error *err);
void case_file_clear(CaseFile *file);

// "query rows ordered"
const char *case_kind_name(CaseKind kind);
static inline bool case_is_query(CaseKind kind) {
    return kind >= CASE_QUERY_ROWS;
}

// The lines of an answer below "----", one by one: start with *at = 0, ends with false.
bool case_answer_line(const CaseRecord *record, uint32_t *at, Str *line);

// A new answer for one record. A [text] without a pointer keeps record and answer as they are.
typedef struct CaseAnswer {
    CaseKind kind;
    Str text;             // the lines below "----", any bytes; empty for none
    const char *comment;  // "# columns: a, b\n", replaces old comments of that kind; or ""
} CaseAnswer;

// The file's text with new answers, one for each record.
void case_file_print(const CaseFile *file, const CaseAnswer *answers, Buf *out);
