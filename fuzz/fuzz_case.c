// fuzz_case: the case-file reader. Whatever the bytes, a file is read or refused with a place;
// printing without new answers gives the same bytes, and printing new ones gives a file that reads
// back.
#include "base/assert.h"
#include "cli/test_diff.h"
#include "cli/test_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_print(const CaseFile *file) {
    Buf out = {0};
    Arena arena;
    arena_init(&arena);
    CaseAnswer *answers = ARENA_ARRAY(&arena, CaseAnswer, file->count + 1);
    case_file_print(file, answers, &out);
    ASSERT(str_eq(buf_str(&out), file->text));

    out.len = 0;
    for (uint32_t i = 0; i < file->count; i++) {
        answers[i] = (CaseAnswer){CASE_QUERY_ROWS, STR("INT\n1"), "# columns: a"};
    }
    case_file_print(file, answers, &out);
    CaseFile again;
    Error err;
    ASSERT(case_file_parse(buf_str(&out), &again, &err) == ST_OK);
    ASSERT(again.count == file->count);
    for (uint32_t i = 0; i < again.count; i++) {
        ASSERT(again.record[i].kind == CASE_QUERY_ROWS);
        ASSERT(str_eq(again.record[i].sql, file->record[i].sql));
    }
    case_file_clear(&again);
    arena_clear(&arena);
    buf_free(&out);
}

// The answers of neighbouring records, compared with each other, as rows and as changes.
static void check_diff(const CaseFile *file) {
    for (uint32_t i = 1; i < file->count; i++) {
        if (file->record[i].answer.len > 4096) continue;
        Arena arena;
        arena_init(&arena);
        Lines a = lines_of(&arena, file->record[i - 1].answer);
        Lines b = lines_of(&arena, file->record[i].answer);
        ASSERT(answer_same(&arena, a, a, ROWS_AS_SET, false));
        (void)answer_same(&arena, a, b, ROWS_AS_SET, false);
        (void)answer_same(&arena, a, b, ROWS_IN_ORDER, true);
        Buf out = {0};
        answer_diff(&arena, a, b, true, "", 100, &out);
        buf_free(&out);
        arena_clear(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CaseFile file;
    Error err;
    if (case_file_parse(str_make((const char *)data, size), &file, &err)) {
        ASSERT(err.place.line > 0);
        return 0;
    }
    check_print(&file);
    check_diff(&file);
    case_file_clear(&file);
    return 0;
}
