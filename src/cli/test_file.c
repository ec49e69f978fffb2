// A record is
//
//     # comment lines            (optional)
//     query rows                 the head
//     SELECT …                   SQL, up to a blank line or "----"
//     ----
//     answer lines               up to a line without any byte
//
// and records are set apart by blank lines. A blank line within an answer cannot occur: an empty
// text is written "(empty)".
#include "cli/test_file.h"

static const char *const KIND_NAMES[] = {
    [CASE_STATEMENT_OK] = "statement ok",     [CASE_STATEMENT_ERROR] = "statement error",
    [CASE_QUERY_ROWS] = "query rows",         [CASE_QUERY_ORDERED] = "query rows ordered",
    [CASE_QUERY_CHANGES] = "query changelog", [CASE_QUERY_ERROR] = "query error",
};

const char *case_kind_name(CaseKind kind) {
    return KIND_NAMES[kind];
}

// A line of the file: without its end, and where the next one begins.
typedef struct Line {
    Str text;
    uint32_t start, next;
} Line;

static bool line_at(Str text, uint32_t at, Line *line) {
    if (at >= text.len) return false;
    int64_t end = str_find(text, STR("\n"), at);
    uint32_t stop = end < 0 ? text.len : (uint32_t)end;
    *line = (Line){str_sub(text, at, stop - at), at, end < 0 ? stop : stop + 1};
    return true;
}

static bool line_blank(Str line) {
    return str_trim(line).len == 0;
}

// The words of a head may stand further apart than one blank.
static bool head_is(Str head, const char *name) {
    Str rest = str_trim(head), words = str_c(name);
    while (words.len) {
        int64_t end = str_find(words, STR(" "), 0);
        Str word = end < 0 ? words : str_sub(words, 0, (uint32_t)end);
        if (!str_starts(rest, word)) return false;
        rest = str_sub(rest, word.len, rest.len);
        words = str_sub(words, word.len + (end < 0 ? 0 : 1), words.len);
        Str after = str_trim(rest);
        if (rest.len && after.len == rest.len) return false;  // no blank behind the word
        rest = after;
    }
    return rest.len == 0;
}

static bool head_kind(Str head, CaseKind *kind) {
    for (int i = 0; i < CASE_KIND_COUNT_; i++) {
        if (!head_is(head, KIND_NAMES[i])) continue;
        *kind = (CaseKind)i;
        return true;
    }
    return false;
}

static bool comment_optional(Str line) {
    Str text = str_trim(str_sub(line, 1, line.len));
    return str_starts(text, STR("quirk")) || str_starts(text, STR("flink-bug"));
}

typedef struct Reader {
    Str text;
    uint32_t at, line_no;  // line_no of the line that begins at [at]
    CaseFile *file;
    uint32_t cap;
} Reader;

// What [Reader.at] stands on; moving on is the caller's.
static bool reader_peek(const Reader *self, Line *line) {
    return line_at(self->text, self->at, line);
}

static void reader_next(Reader *self, const Line *line) {
    self->at = line->next;
    self->line_no++;
}

static CaseRecord *reader_add(Reader *self) {
    CaseFile *file = self->file;
    if (file->count == self->cap) {
        uint32_t cap = self->cap ? self->cap * 2 : 64;
        CaseRecord *more = ARENA_ARRAY(&file->arena, CaseRecord, cap);
        if (file->count) memcpy(more, file->record, file->count * sizeof *more);
        file->record = more;
        self->cap = cap;
    }
    CaseRecord *record = &file->record[file->count++];
    *record = (CaseRecord){0};
    return record;
}

static Status error_line(Error *err, uint32_t line, const char *what) {
    return error_at(err, ST_PARSE, (Place){.line = line, .column = 1}, "%s", what);
}

// Reads one record, or a block of comments alone; [at] stands on its first line, which is not
// blank.
static Status reader_record(Reader *self, Error *err) {
    Line line = {0};
    uint32_t comments = self->at;
    bool optional = false;
    while (reader_peek(self, &line) && str_starts(line.text, STR("#"))) {
        optional |= comment_optional(line.text);
        reader_next(self, &line);
    }
    if (!reader_peek(self, &line) || line_blank(line.text)) return ST_OK;  // comments alone

    CaseKind kind;
    if (!head_kind(line.text, &kind)) {
        (void)error_line(err, self->line_no, "not the head of a record");
        error_hint(err,
                   "a record begins with 'statement ok', 'statement error', 'query rows', "
                   "'query rows ordered', 'query changelog' or 'query error'");
        return ST_PARSE;
    }
    if (self->file->count == CASE_RECORDS_MAX) {
        return error_line(err, self->line_no, "too many records in one file");
    }
    CaseRecord *record = reader_add(self);
    record->kind = kind;
    record->optional = optional;
    record->line = self->line_no;
    record->comments = str_sub(self->text, comments, line.start - comments);
    record->head = line.text;
    reader_next(self, &line);

    uint32_t sql = self->at, sql_end = self->at;
    while (reader_peek(self, &line) && !line_blank(line.text) && !str_is(line.text, "----")) {
        sql_end = line.start + line.text.len;
        reader_next(self, &line);
    }
    record->sql = str_sub(self->text, sql, sql_end - sql);
    if (record->sql.len == 0) return error_line(err, record->line, "a record without SQL");
    record->answer = str_sub(self->text, self->at, 0);
    if (!reader_peek(self, &line) || !str_is(line.text, "----")) return ST_OK;

    record->answered = true;
    uint32_t answer = self->at;
    reader_next(self, &line);
    while (reader_peek(self, &line) && line.text.len) reader_next(self, &line);
    record->answer = str_sub(self->text, answer, self->at - answer);
    return ST_OK;
}

Status case_file_parse(Str text, CaseFile *file, Error *err) {
    *file = (CaseFile){.text = text};
    arena_init(&file->arena);
    if (text.len > CASE_TEXT_MAX) return error_line(err, 1, "the file is too long");
    Reader reader = {.text = text, .line_no = 1, .file = file};
    Line line;
    while (reader_peek(&reader, &line)) {
        if (line_blank(line.text)) {
            reader_next(&reader, &line);
        } else {
            Status st = reader_record(&reader, err);
            if (st) {
                case_file_clear(file);
                return st;
            }
        }
    }
    return ST_OK;
}

void case_file_clear(CaseFile *file) {
    arena_clear(&file->arena);
    *file = (CaseFile){0};
}

bool case_answer_line(const CaseRecord *record, uint32_t *at, Str *out) {
    Line line;
    if (*at == 0 && line_at(record->answer, 0, &line)) *at = line.next;  // past "----"
    if (!line_at(record->answer, *at, &line)) return false;
    *at = line.next;
    *out = line.text;
    return true;
}

// Comments that the answer brings along, and that a new answer replaces.
static bool comment_of_answer(Str line) {
    return str_starts(line, STR("# columns:")) || str_starts(line, STR("# message:"));
}

static void line_end(Buf *out) {
    if (out->len && out->ptr[out->len - 1] != '\n') buf_putc(out, '\n');
}

static void print_record(const CaseRecord *record, const CaseAnswer *answer, Buf *out) {
    Line line;
    for (uint32_t at = 0; line_at(record->comments, at, &line); at = line.next) {
        if (comment_of_answer(line.text)) continue;
        buf_put_str(out, line.text);
        buf_putc(out, '\n');
    }
    buf_puts(out, answer->comment ? answer->comment : "");
    line_end(out);
    buf_puts(out, answer->kind == record->kind ? "" : case_kind_name(answer->kind));
    if (answer->kind == record->kind) buf_put_str(out, record->head);
    buf_putc(out, '\n');
    buf_put_str(out, record->sql);
    buf_putc(out, '\n');
    if (answer->text.len == 0) return;
    buf_puts(out, "----\n");
    buf_put_str(out, answer->text);
    line_end(out);
}

void case_file_print(const CaseFile *file, const CaseAnswer *answers, Buf *out) {
    const char *from = file->text.ptr, *end = str_end(file->text);
    for (uint32_t i = 0; i < file->count; i++) {
        const CaseRecord *record = &file->record[i];
        if (!answers[i].text.ptr) continue;
        const char *start = record->comments.ptr;
        buf_put(out, from, (size_t)(start - from));
        print_record(record, &answers[i], out);
        from = str_end(record->answer);
        // Only a line without any byte ends an answer; one of blanks ends SQL and may stand here.
        if (from < end && *from != '\n') buf_putc(out, '\n');
    }
    if (from < end) buf_put(out, from, (size_t)(end - from));
}
