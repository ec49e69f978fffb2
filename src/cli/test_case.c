#include "cli/test_case.h"

#include <stdlib.h>

#include "base/map.h"

enum { DIFF_LINES_SHOWN = 40, SQL_LINES_SHOWN = 12 };

void case_outcome_clear(CaseOutcome *outcome) {
    arena_clear(&outcome->arena);
    *outcome = (CaseOutcome){0};
    arena_init(&outcome->arena);
}

void case_outcome_add(CaseOutcome *outcome, RowKind kind, Str row) {
    if (outcome->count == outcome->cap) {
        uint32_t cap = outcome->cap ? outcome->cap * 2 : 64;
        CaseChange *more = ARENA_ARRAY(&outcome->arena, CaseChange, cap);
        if (outcome->count) memcpy(more, outcome->change, outcome->count * sizeof *more);
        outcome->change = more;
        outcome->cap = cap;
    }
    outcome->change[outcome->count++] = (CaseChange){kind, str_dup(&outcome->arena, row)};
}

// --- Placeholders ------------------------------------------------------------------------------

static Str replace(Arena *arena, Str text, Str from, Str to) {
    if (from.len == 0 || str_find(text, from, 0) < 0) return text;
    Buf out = {0};
    uint32_t at = 0;
    for (int64_t hit; (hit = str_find(text, from, at)) >= 0; at = (uint32_t)hit + from.len) {
        buf_put_str(&out, str_sub(text, at, (uint32_t)hit - at));
        buf_put_str(&out, to);
    }
    buf_put_str(&out, str_sub(text, at, text.len));
    Str result = str_dup(arena, buf_str(&out));
    buf_free(&out);
    return result;
}

Str case_expand(Arena *arena, const CaseDirs *dirs, Str sql) {
    return replace(arena, replace(arena, sql, STR("${DATA}"), dirs->data), STR("${TMP}"),
                   dirs->tmp);
}

Str case_collapse(Arena *arena, const CaseDirs *dirs, Str text) {
    return replace(arena, replace(arena, text, dirs->data, STR("${DATA}")), dirs->tmp,
                   STR("${TMP}"));
}

void case_escape(Str value, Buf *out) {
    if (value.len == 0) buf_puts(out, "(empty)");
    for (uint32_t i = 0; i < value.len; i++) {
        switch (value.ptr[i]) {
            case '\\': buf_puts(out, "\\\\"); break;
            case '\t': buf_puts(out, "\\t"); break;
            case '\n': buf_puts(out, "\\n"); break;
            case '\r': buf_puts(out, "\\r"); break;
            default: buf_putc(out, value.ptr[i]);
        }
    }
}

// --- Answers -----------------------------------------------------------------------------------

typedef struct Live {
    Str row;
    uint32_t order;  // of arrival
} Live;

// A row that is not there any more keeps its place in the list with this order.
enum { ROW_GONE = UINT32_MAX };

// All changes applied to an empty bag. A retraction takes the latest equal row, so that what stays
// is in the order of arrival; one that finds none is passed over, as Flink's own clients do.
static Live *materialise(Arena *arena, const CaseOutcome *outcome, uint32_t *count) {
    Live *live = ARENA_ARRAY(arena, Live, outcome->count + 1);
    // Per row text the stack of its places in [live]: the top is in the map, the rest linked below.
    uint32_t *below = ARENA_ARRAY(arena, uint32_t, outcome->count + 1);
    Map top = {0};
    uint32_t used = 0;
    for (uint32_t i = 0; i < outcome->count; i++) {
        const CaseChange *change = &outcome->change[i];
        uintptr_t at = (uintptr_t)map_get(&top, change->row);  // place + 1
        if (row_kind_is_add(change->kind)) {
            live[used] = (Live){change->row, used};
            below[used] = (uint32_t)at;
            (void)map_put(&top, change->row, (void *)(uintptr_t)(used + 1));
            used++;
        } else if (at) {
            live[at - 1].order = ROW_GONE;
            (void)map_put(&top, change->row, (void *)(uintptr_t)below[at - 1]);
        }
    }
    map_clear(&top);
    *count = 0;
    for (uint32_t i = 0; i < used; i++) {
        if (live[i].order != ROW_GONE) live[(*count)++] = live[i];
    }
    return live;
}

static int by_bytes(const void *a, const void *b) {
    return str_cmp(((const Live *)a)->row, ((const Live *)b)->row);
}

void case_answer_print(CaseKind kind, const CaseOutcome *outcome, Buf *out) {
    buf_put_str(out, outcome->types);
    buf_putc(out, '\n');
    if (kind == CASE_QUERY_CHANGES) {
        for (uint32_t i = 0; i < outcome->count; i++) {
            buf_printf(out, "%s\t", row_kind_name(outcome->change[i].kind));
            buf_put_str(out, outcome->change[i].row);  // whole: a text may have a NUL in it
            buf_putc(out, '\n');
        }
        return;
    }
    Arena arena;
    arena_init(&arena);
    uint32_t count;
    Live *live = materialise(&arena, outcome, &count);
    if (kind != CASE_QUERY_ORDERED && count) qsort(live, count, sizeof *live, by_bytes);
    for (uint32_t i = 0; i < count; i++) {
        buf_put_str(out, live[i].row);
        buf_putc(out, '\n');
    }
    arena_clear(&arena);
}

static bool kind_read(Str text, RowKind *kind) {
    for (RowKind k = ROW_INSERT; k <= ROW_DELETE; k++) {
        if (str_eq(text, str_c(row_kind_name(k)))) return *kind = k, true;
    }
    return false;
}

CaseRecord case_materialised(Arena *arena, const CaseRecord *record) {
    CaseRecord rows = *record;
    if (record->kind != CASE_QUERY_CHANGES || !record->answered) return rows;
    CaseOutcome changes = {0};
    arena_init(&changes.arena);
    uint32_t at = 0;
    bool good = case_answer_line(record, &at, &changes.types);
    for (Str line; good && case_answer_line(record, &at, &line);) {
        int64_t tab = str_find(line, STR("\t"), 0);
        RowKind kind;
        good = tab > 0 && kind_read(str_sub(line, 0, (uint32_t)tab), &kind);
        if (good) case_outcome_add(&changes, kind, str_sub(line, (uint32_t)tab + 1, line.len));
    }
    if (good) {
        Buf answer = {0};
        buf_puts(&answer, "----\n");
        case_answer_print(CASE_QUERY_ROWS, &changes, &answer);
        rows.kind = CASE_QUERY_ROWS;
        rows.answer = str_dup(arena, buf_str(&answer));
        buf_free(&answer);
    }
    arena_clear(&changes.arena);
    return rows;
}

CaseKind case_kind_of(CaseKind kind, Status status, const CaseOutcome *outcome) {
    if (status) return case_is_query(kind) ? CASE_QUERY_ERROR : CASE_STATEMENT_ERROR;
    if (!outcome->has_rows) return CASE_STATEMENT_OK;
    if (kind == CASE_STATEMENT_ERROR) return CASE_STATEMENT_OK;
    return kind == CASE_QUERY_ERROR ? CASE_QUERY_ROWS : kind;
}

// --- Judgement ---------------------------------------------------------------------------------

// Below "----", without that line.
static Str answer_text(const CaseRecord *record) {
    int64_t end = str_find(record->answer, STR("\n"), 0);
    return end < 0 ? STR("") : str_sub(record->answer, (uint32_t)end + 1, record->answer.len);
}

void case_sql_print(const CaseRecord *record, Buf *out) {
    Arena arena;
    arena_init(&arena);
    Lines sql = lines_of(&arena, record->sql);
    for (uint32_t i = 0; i < sql.count; i++) {
        if (i == SQL_LINES_SHOWN && sql.count > SQL_LINES_SHOWN + 1) {
            buf_printf(out, "    … (%u more lines)\n", sql.count - i);
            break;
        }
        buf_printf(out, "    " STR_FMT "\n", STR_ARG(sql.line[i]));
    }
    arena_clear(&arena);
}

static void report_error(const Error *error, Buf *report) {
    buf_printf(report, "%s error %s: ", status_stage(error->status),
               status_sqlstate(error->status));
    if (error->place.line) buf_printf(report, "%u:%u: ", error->place.line, error->place.column);
    buf_printf(report, "%s\n", error->message);
}

static bool error_passes(const CaseRecord *record, Status status, const Error *error, Buf *report) {
    Str wanted = str_trim(answer_text(record));
    if (status && (wanted.len == 0 || str_eq(wanted, str_c(status_stage(status))))) return true;
    buf_printf(report, "  expected a " STR_FMT " error, ", STR_ARG(wanted));
    if (status) {
        buf_puts(report, "got a ");
        report_error(error, report);
    } else {
        buf_puts(report, "but it succeeds\n");
    }
    return false;
}

static bool rows_pass(const CaseRecord *record, const CaseOutcome *outcome, Buf *report) {
    Arena arena;
    arena_init(&arena);
    Buf answer = {0};
    case_answer_print(record->kind, outcome, &answer);
    Lines expected = lines_of(&arena, answer_text(record));
    Lines got = lines_of(&arena, buf_str(&answer));
    RowOrder order = record->kind == CASE_QUERY_ROWS ? ROWS_AS_SET : ROWS_IN_ORDER;
    bool changes = record->kind == CASE_QUERY_CHANGES;
    bool same = answer_same(&arena, expected, got, order, changes);
    if (!same) {
        if (record->answered) {
            buf_puts(report, "  --- expected\n  +++ got\n");
            answer_diff(&arena, expected, got, changes, "  ", DIFF_LINES_SHOWN, report);
        } else {
            buf_puts(report, "  no answer is recorded; --record fills it in\n");
        }
    }
    buf_free(&answer);
    arena_clear(&arena);
    return same;
}

bool case_passes(const CaseRecord *record, Status status, const Error *error,
                 const CaseOutcome *outcome, Buf *report) {
    if (record->kind == CASE_STATEMENT_ERROR || record->kind == CASE_QUERY_ERROR) {
        return error_passes(record, status, error, report);
    }
    if (status) {
        buf_puts(report, "  fails: ");
        report_error(error, report);
        return false;
    }
    if (record->kind == CASE_STATEMENT_OK) return true;
    if (!outcome->has_rows) {
        buf_puts(report, "  expected rows, but the statement gives none\n");
        return false;
    }
    return rows_pass(record, outcome, report);
}
